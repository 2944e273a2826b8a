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

#[allow(clippy::print_stdout)]
fn row(name: &str, elapsed: Duration) {
    let rate = f64::from(MEASURED) / elapsed.as_secs_f64();
    println!("{name:<58}{rate:>9.0} per second");
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
    for (index, settle) in (0..).zip(&pairs) {
        if index == WARM {
            start = Instant::now();
        }
        chain.send(operator, settlement, settle).await;
    }
    row("settle, orders registered before", start.elapsed());

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
    );
}
