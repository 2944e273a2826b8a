//! Settlements a second: one client over HTTP that signs each transaction, sends it and waits for its
//! receipt before the next.
//!
//! `cargo bench --profile host -p acceptance`; `ACCEPTANCE_RPC_URL` names another node.

use acceptance::{
    market::{DAY, Market, register_call, s, settle_call, settle_signed_call, usd},
    order::{self, ASK, BID, Signed},
};
use std::time::{Duration, Instant};

/// Settlements measured in each row, after [`WARM`] to warm up.
const MEASURED: u32 = 300;
const WARM: u32 = 100;
/// Required settlements a second.
const SETTLE_BAR: f64 = 1_500.0;
/// Settlements that are looked into by each tracer.
const TRACED: usize = 50;
/// Milliseconds that `stylusTracer` may take.
const TRACE_BAR: f64 = 50.0;

/// The `index`th pair of a row: a bid and an ask for one security that cross, signed.
fn pair(market: &Market, row: &str, index: u32) -> (Signed, Signed) {
    let expiry = market.opened + 30 * DAY;
    let signed = |owner, side, total| {
        let reference = format!("{row} {index}");
        let account: &acceptance::account::Account = owner;
        let order = order::unsigned(
            account.address,
            side,
            market.token,
            market.coin,
            s(1),
            total,
            expiry,
            &reference,
        );
        market.sign(order, account)
    };
    (
        signed(&market.buyer, BID, usd(11)),
        signed(&market.seller, ASK, usd(10)),
    )
}

/// Prints a row, and its ratio to the required rate.
#[allow(clippy::print_stdout)]
fn row(name: &str, elapsed: Duration, bar: Option<f64>) {
    let rate = f64::from(MEASURED) / elapsed.as_secs_f64();
    let ratio = bar.map_or(String::new(), |bar| {
        format!("  {:.2} of the bar of {bar}", rate / bar)
    });
    println!("{name:<58}{rate:>9.0} per second{ratio}");
}

/// Host calls of a trace, nested ones included.
fn count(trace: &serde_json::Value) -> usize {
    let steps = trace.as_array().into_iter().flatten();
    steps.map(|step| 1 + count(&step["steps"])).sum()
}

#[allow(clippy::print_stdout, clippy::cast_precision_loss)]
fn trace_row(tracer: &str, steps: usize, all: Duration, slowest: Duration) {
    let name = if tracer.is_empty() {
        "struct logger"
    } else {
        tracer
    };
    let (each, slowest) = (
        all.as_secs_f64() / TRACED as f64 * 1e3,
        slowest.as_secs_f64() * 1e3,
    );
    let steps = if steps == 0 {
        String::new()
    } else {
        format!(" ({steps} host calls)")
    };
    let name = format!("{name} of a settle{steps}");
    let ratio = if tracer == "stylusTracer" {
        format!("; {:.2} of the bar of {TRACE_BAR}", each / TRACE_BAR)
    } else {
        String::new()
    };
    println!("{name:<58}{each:>9.2} ms, at most {slowest:.2}{ratio}");
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    // What `cargo test` passes to every target: nothing to do then.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let market = Market::open().await;
    let (chain, operator, settlement) = (&market.chain, &market.operator, market.settlement);

    let mut pairs = Vec::new();
    for index in 0..WARM + MEASURED {
        let (bid, ask) = pair(&market, "settle", index);
        for order in [&bid, &ask] {
            chain
                .send(operator, settlement, &register_call(order))
                .await;
        }
        pairs.push(settle_call(bid.id, ask.id));
    }
    let mut start = Instant::now();
    let mut settled = Vec::new();
    for (index, settle) in (0..).zip(&pairs) {
        if index == WARM {
            start = Instant::now();
        }
        settled.push(chain.send(operator, settlement, settle).await);
    }
    row(
        "settle, orders registered before",
        start.elapsed(),
        Some(SETTLE_BAR),
    );

    for tracer in ["stylusTracer", "callTracer", "prestateTracer", ""] {
        let mut slowest = Duration::ZERO;
        let mut steps = 0;
        let all = Instant::now();
        for receipt in settled.iter().rev().take(TRACED) {
            let started = Instant::now();
            let options = serde_json::json!({ "tracer": tracer });
            let parameters = (receipt.transaction_hash, options);
            let trace: serde_json::Value =
                chain.request("debug_traceTransaction", parameters).await;
            slowest = slowest.max(started.elapsed());
            steps = count(&trace);
        }
        trace_row(tracer, steps, all.elapsed(), slowest);
    }

    let pairs: Vec<_> = (0..WARM + MEASURED)
        .map(|index| {
            let (bid, ask) = pair(&market, "settleSigned", index);
            settle_signed_call(&bid, &ask)
        })
        .collect();
    for (index, settle) in (0..).zip(&pairs) {
        if index == WARM {
            start = Instant::now();
        }
        chain.send(operator, settlement, settle).await;
    }
    row(
        "settleSigned, one transaction for everything",
        start.elapsed(),
        None,
    );
}
