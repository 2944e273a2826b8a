//! How many transactions per second the chain makes, compared with the unavoidable work: a bare revm loop,
//! decoding and recovering the sender, and a round trip over HTTP; then the cost of a state trie per block, and the
//! time of a start.
//!
//! `cargo bench --profile host -p devnet`; no figure is checked, and only the ratios matter.

#[path = "../tests/server/support/bytecode.rs"]
#[allow(dead_code)]
mod bytecode;
#[path = "throughput/plain.rs"]
mod plain;
#[path = "throughput/start.rs"]
mod start;
#[path = "throughput/state_root.rs"]
mod state_root;
#[path = "throughput/transfers.rs"]
mod transfers;
#[path = "../tests/support/wire.rs"]
mod wire;

use devnet::Devnet;
use std::time::{Duration, Instant};

/// Transactions measured in each row, after as many to warm up.
const COUNT: u64 = 2_000;

/// Calls `step` `COUNT` times to warm up and `COUNT` times with the clock running.
fn measure(mut step: impl FnMut(u64)) -> Duration {
    (0..COUNT).for_each(&mut step);
    let start = Instant::now();
    (COUNT..2 * COUNT).for_each(step);
    start.elapsed()
}

#[allow(clippy::cast_precision_loss)]
fn rate(elapsed: Duration) -> f64 {
    COUNT as f64 / elapsed.as_secs_f64()
}

/// Prints a row with its ratio to `reference` and the target ratio.
#[allow(clippy::print_stdout)]
fn row(name: &str, elapsed: Duration, reference: Option<Duration>, bar: Option<f64>) {
    let ratio = reference.map_or(String::new(), |reference| {
        let ratio = reference.as_secs_f64() / elapsed.as_secs_f64();
        format!("  {ratio:.2} of the reference")
    });
    let bar = bar.map_or(String::new(), |bar| format!("; bar {bar}"));
    println!("{name:<58}{:>9.0} per second{ratio}{bar}", rate(elapsed));
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `cargo test` passes this to every target: there is nothing to do.
    if std::env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let devnet = runtime.block_on(Devnet::spawn())?;

    let plain = plain::transfers();
    row(
        "coin transfer in EVM bytecode, bare revm loop",
        plain,
        None,
        None,
    );
    let mut connection = wire::Connection::open(devnet.address())?;
    let round_trip = measure(|_| {
        connection.call("eth_chainId", "[]");
    });
    row("eth_chainId over HTTP, one client", round_trip, None, None);

    let transfers = transfers::Transfers::sign(&devnet, 2 * COUNT)?;
    let decoding = measure(|index| transfers.decode(index));
    row(
        "decoding a transaction and recovering its sender",
        decoding,
        None,
        None,
    );
    let needed = plain + decoding;
    let over_http = measure(|index| transfers.send(&mut connection, index));
    row(
        "the same transfer sent to devnet over HTTP",
        over_http,
        Some(needed + round_trip),
        Some(0.5),
    );

    let in_process = Devnet::builder();
    let in_process = runtime.block_on(in_process.spawn())?;
    let transfers = transfers::Transfers::sign(&in_process, 2 * COUNT)?;
    let without_http = measure(|index| transfers.submit(&in_process, index));
    row(
        "the same transfer submitted in process",
        without_http,
        Some(needed),
        None,
    );

    let folder = tempfile::tempdir()?;
    let kept = Devnet::builder().state(folder.path().join("chain"));
    let kept = runtime.block_on(kept.spawn())?;
    let transfers = transfers::Transfers::sign(&kept, 2 * COUNT)?;
    let with_file = measure(|index| transfers.submit(&kept, index));
    row(
        "the same transfer submitted in process, with a state file",
        with_file,
        Some(needed),
        None,
    );
    state_root::rows()?;
    start::row()
}
