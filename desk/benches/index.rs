//! The index at the size of a large issue: `cargo bench --profile host -p desk --bench index`.
//!
//! `ORDERBOOK_BENCH_TRANSFERS` sets how many transfers (default 1,000,000), `ORDERBOOK_BENCH_HOLDERS` among how many
//! holders (100,000). Logs are fed through the index' own entry, as a sync feeds what a node answered, 5,000 blocks at
//! a time.

#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use alloy::primitives::{Address, B256, U256};
use alloy::rpc::types::Log;
use alloy::sol_types::SolEvent;
use desk::chain::Block;
use desk::chain::abi::ISecurityToken::{Transfer, WalletSet};
use desk::index::lots::Named;
use desk::index::{Index, Kind, Place, Register, Source};

const TOKEN: Address = Address::repeat_byte(3);
const START: u64 = 1_800_000_000;
/// What each holder begins with.
const ISSUED: u64 = 1_000_000_000;
/// Blocks that a node is asked for at once.
const STEP: u64 = 5_000;
/// The argument of a process that reads; what to read and which profile's index follow.
const READ: &str = "--read";

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let transfers = number("ORDERBOOK_BENCH_TRANSFERS", 1_000_000);
    let holders = number("ORDERBOOK_BENCH_HOLDERS", 100_000);
    let runtime = runtime.expect("a runtime");
    // Each read runs in its own process, as commands do: so memory is that of one command.
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().position(|argument| argument == READ) {
        None => runtime.block_on(write(transfers, holders)),
        Some(at) => {
            let place = Place::of(Path::new(&arguments[at + 2]), "sqlite:none.db");
            let index = runtime.block_on(Index::open(&place)).expect("an index");
            if arguments[at + 1] == "lots" {
                runtime.block_on(lots(&index));
            } else {
                runtime.block_on(registers(&index, transfers, holders));
            }
        }
    }
}

/// Reads what the earlier process has written.
fn read(what: &str, profile: &Path) {
    let own = std::env::current_exe().expect("this program");
    let read = Command::new(own).args([READ, what]).arg(profile).status();
    assert!(read.expect("it runs").success());
}

fn source() -> Source {
    Source {
        chain_id: 412_346,
        address: TOKEN,
        kind: Kind::Security,
        first_block: 1,
    }
}

fn wallet(holder: u64) -> Address {
    let mut bytes = [0; 20];
    // Spread out, as addresses are, and never the zero address.
    let holder = holder + 1;
    bytes[..8].copy_from_slice(&holder.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    bytes[12..].copy_from_slice(&holder.to_be_bytes());
    bytes.into()
}

fn block(number: u64) -> Block {
    Block {
        number,
        hash: B256::from(U256::from(number)),
        time: START + number,
    }
}

fn log(event: &impl SolEvent, number: u64) -> Log {
    Log {
        inner: alloy::primitives::Log {
            address: TOKEN,
            data: event.encode_log_data(),
        },
        block_number: Some(number),
        log_index: Some(0),
        transaction_hash: Some(B256::from(U256::from(number) << 64)),
        ..Log::default()
    }
}

/// The log of a block: holders are registered, then each is issued something, then they send to each other.
fn nth(number: u64, holders: u64, seed: &mut u64) -> Log {
    let nth = number - 1;
    if nth < holders {
        let event = WalletSet {
            wallet: wallet(nth),
            investorId: B256::from(U256::from(nth + 1)),
            group: 1 + (nth % 3) as u8,
            country: 840,
            kycExpiry: START * 2,
        };
        return log(&event, number);
    }
    if nth < 2 * holders {
        let (to, value) = (wallet(nth - holders), U256::from(ISSUED));
        let from = Address::ZERO;
        return log(&Transfer { from, to, value }, number);
    }
    let mut random = |below: u64| {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        *seed % below
    };
    let (from, to) = (wallet(random(holders)), wallet(random(holders)));
    let value = U256::from(1 + random(1_000));
    log(&Transfer { from, to, value }, number)
}

/// Seconds of CPU time that this process has had: what counts on a machine with other work.
fn spent() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|field| field.parse::<u64>().ok()).sum();
    ticks as f64 / 100.0
}

/// The most memory that this process has had, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kibibytes.unwrap_or_default() >> 10
}

async fn write(transfers: u64, holders: u64) {
    let scratch = tempfile::tempdir().expect("a folder");
    let profile = scratch.path().join("bench.toml");
    let place = Place::of(&profile, "sqlite:none.db");
    let index = Index::open(&place).await.expect("an index");
    let source = source();
    let last = 2 * holders + transfers;
    let (mut first, mut seed, mut wall, mut cpu) = (1, 0x2545_f491_4f6c_dd1d, 0.0, 0.0);
    while first <= last {
        let end = last.min(first + STEP - 1);
        let logs: Vec<Log> = (first..=end)
            .map(|number| nth(number, holders, &mut seed))
            .collect();
        let (started, before) = (Instant::now(), spent());
        let times = |number| Some(START + number);
        let added = index
            .append(&source, (first, block(end)), times, &logs)
            .await;
        assert!(added.expect("an index"));
        wall += started.elapsed().as_secs_f64();
        cpu += spent() - before;
        first = end + 1;
    }
    println!(
        "{last} logs, {holders} holders; the time of a machine with other work says little: see the CPU's"
    );
    let rate = last as f64 / wall;
    report(
        "index, logs a second",
        rate,
        20_000.0,
        rate >= 20_000.0,
        cpu,
    );
    memory("index, MiB");
    index.close().await;
    read("registers", &profile);
    read("lots", &profile);
}

async fn registers(index: &Index, transfers: u64, holders: u64) {
    let source = source();
    let supply = U256::from(holders) * U256::from(ISSUED);
    for share in [4, 2, 1] {
        let at = block(2 * holders + transfers / share);
        let (started, before) = (Instant::now(), spent());
        let register = index.register(&source, Some(at)).await;
        let register = register.expect("a register");
        let (folded, cpu) = (started.elapsed().as_secs_f64(), spent() - before);
        check(&register, holders, supply);
        let positions = register.positions().len();
        let shown = started.elapsed().as_secs_f64();
        let digest = register.digest();
        let whole = started.elapsed().as_secs_f64();
        let name = format!("register at block {}, seconds", at.number);
        report(&name, folded, 1.0, folded <= 1.0, cpu);
        println!(
            "  with {positions} positions {shown:.2} s, with its hash over {} wallets {whole:.2} s ({:.2} s of CPU)",
            digest.size,
            spent() - before
        );
    }
    memory("register, MiB");
}

async fn lots(index: &Index) {
    let (started, before) = (Instant::now(), spent());
    let register = index
        .register_with_lots(&source(), None, Named::new())
        .await;
    let register = register.expect("a register");
    let lots: usize = register
        .holders()
        .iter()
        .map(|(_, wallet)| wallet.lot_count())
        .sum();
    let (took, cpu) = (started.elapsed().as_secs_f64(), spent() - before);
    println!("with {lots} lots: {took:.2} s ({cpu:.2} s of CPU)");
    memory("register with lots, MiB");
}

/// A figure beside its bar.
fn report(name: &str, figure: f64, bar: f64, holds: bool, cpu: f64) {
    let verdict = if holds { "ok" } else { "MISSED" };
    println!("{name:<40} {figure:>12.2}   bar {bar:>9}   {verdict}   ({cpu:.2} s of CPU)");
}

fn memory(name: &str) {
    let peak = peak();
    let verdict = if peak <= 200 { "ok" } else { "MISSED" };
    println!("{name:<40} {peak:>12}   bar       200   {verdict}");
}

fn check(register: &Register, holders: u64, supply: U256) {
    assert_eq!(register.supply, supply);
    assert_eq!(u64::from(register.holder_count()), holders);
}
