//! From starting the binary to its first answer.

use crate::wire::Connection;
use std::{
    error::Error,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const STARTS: u32 = 20;
/// The most time a start may take.
const BAR: Duration = Duration::from_millis(30);

/// The time of one start. The process is gone afterwards.
fn once() -> Result<Duration, Box<dyn Error>> {
    let started = Instant::now();
    let mut node = Command::new(env!("CARGO_BIN_EXE_devnet"))
        .args(["--port", "0", "--json"])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    let output = node.stdout.take().ok_or("devnet has an output")?;
    BufReader::new(output).read_line(&mut line)?;
    let description: serde_json::Value = serde_json::from_str(&line)?;
    let url = description["url"].as_str().unwrap_or_default();
    let answer = url
        .trim_start_matches("http://")
        .parse()
        .map_err(Into::into)
        .and_then(|address| Ok(Connection::open(address)?.call("eth_chainId", "[]")));
    let elapsed = started.elapsed();
    node.kill()?;
    node.wait()?;
    match answer {
        Ok(answer) if answer.contains("\"result\"") => Ok(elapsed),
        Ok(answer) => Err(answer.into()),
        Err(error) => Err(error),
    }
}

/// Prints the mean, the slowest, and the ratio of the mean to the bar.
#[allow(clippy::print_stdout)]
pub(crate) fn row() -> Result<(), Box<dyn Error>> {
    once()?;
    let (mut all, mut slowest) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..STARTS {
        let elapsed = once()?;
        all += elapsed;
        slowest = slowest.max(elapsed);
    }
    let [mean, slowest, bar] = [all / STARTS, slowest, BAR].map(|time| time.as_secs_f64() * 1e3);
    println!(
        "{:<58}{mean:>9.1} ms, at most {slowest:.1}; {:.2} of the bar of {bar}",
        "start of the binary to its first answer",
        mean / bar
    );
    Ok(())
}
