//! From a fill on chain to whoever follows the security: `cargo bench --profile host --workspace --bench fill`.
//!
//! A server watches the demo's embedded chain, another process settles one match after the other. Each is timed from when the
//! node gets the transaction, which it carries out and puts into a block at once, until the event has reached a subscriber.
//! `ORDERBOOK_BENCH_FILLS` sets how many (20).

#[path = "../tests/cli/process.rs"]
#[allow(dead_code)]
mod process;
#[path = "../tests/cli/proxy.rs"]
#[allow(dead_code)]
mod proxy;
#[path = "../tests/cli/serve.rs"]
#[allow(dead_code)]
mod serve;

use std::io::BufRead as _;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use process::Market;
use proxy::{Act, Proxy, SEND};
use serve::Served;

/// Milliseconds that the longest may take.
const BAR: f64 = 500.0;

fn main() {
    let fills = std::env::var("ORDERBOOK_BENCH_FILLS").map_or(20, |fills| {
        fills.parse::<usize>().expect("a number of fills")
    });
    // Only the watcher can report a fill before it is safe.
    let market = Market::lagging(1_000, 2_000);
    market.data("settlement record-at safe");
    let matches: Vec<String> = (0..fills)
        .map(|_| {
            let (bid, _) = market.approved_match();
            let found = market.match_of(&bid);
            found["id"].as_str().expect("an id").to_owned()
        })
        .collect();
    let (sends, sent) = mpsc::channel();
    let node = Proxy::before(&market.url, move |method| {
        if method == SEND {
            // Nobody is listening any more once the last one is timed.
            let _ = sends.send(Instant::now());
        }
        Act::Relay
    });
    let flags = " --watch --limit-per-minute 4000000000";
    let served = Served::start_with(&market, &market.url, flags);
    let cookie = served.sign_in("victor-chen");
    let stream = served.follow("/v1/stream?security=HRBR", &cookie);
    let (comes, came) = mpsc::channel();
    thread::spawn(move || {
        for line in stream.lines().map_while(Result::ok) {
            let tells = line.starts_with("data:") && line.contains(r#""state":"soft""#);
            if tells && comes.send(Instant::now()).is_err() {
                break;
            }
        }
    });
    let mut took: Vec<f64> = matches
        .iter()
        .map(|id| {
            let said = market.run_beside_others(&node.url, &format!("settle {id}"));
            said.exits(0);
            let sent = sent.recv().expect("it was sent");
            let first = came.recv().expect("it is told");
            first.duration_since(sent).as_secs_f64() * 1e3
        })
        .collect();
    took.sort_by(f64::total_cmp);
    let (median, most) = (took[took.len() / 2], took[took.len() - 1]);
    let verdict = if most <= BAR { "ok" } else { "MISSED" };
    println!(
        "fill in a block to event at the subscriber, {fills} fills: median {median:.0} ms, longest {most:.0} ms   bar {BAR} ms   \
         {verdict}"
    );
    assert_eq!(served.ends(), 0);
}
