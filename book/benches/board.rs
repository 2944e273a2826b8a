//! The bars of the board, measured in one run: `cargo bench --profile host -p book --bench board`.
//!
//! `ORDERBOOK_BENCH_ORDERS` sets the size of the large book (default 1,000,000), `ORDERBOOK_BENCH_URL` another store.

#![allow(clippy::cast_precision_loss, clippy::too_many_lines)]

use std::fs::File;
use std::hint::black_box;
use std::io::{BufReader, BufWriter, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use alloy::primitives::{Address, B256, Bytes, U256, keccak256};
use book::audit::confirmation::Disclosures;
use book::audit::exam::{Cover, Exam};
use book::audit::proof;
use book::audit::verify::{Anchor, verify};
use book::board::Board;
use book::board::csv::OrderWriter;
use book::board::posting::Posting;
use book::log::By;
use book::log::body::BookOpened;
use book::market::commission::Schedule;
use book::market::days::Days;
use book::market::filter::{OrderFilter, OrderSort};
use book::market::order::{Order, OrderHasher, Side, board_ref};
use book::market::price::Price;
use book::market::record::{Capacity, OrderRecord, OrderState};
use book::market::security::Security;
use jiff::Timestamp;
use secp256k1::{Message, PublicKey, SECP256K1, SecretKey};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use uuid::Uuid;

const TOKEN: u128 = 1_000_000_000_000_000_000;
const WALLETS: usize = 500;
const SECURITIES: usize = 5;

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if let Ok(phase) = std::env::var(PHASE) {
        return runtime.block_on(run_phase(&phase));
    }
    let orders = std::env::var("ORDERBOOK_BENCH_ORDERS").map_or(1_000_000, |orders| {
        orders.parse().expect("a number of orders")
    });
    runtime.block_on(run(orders));
}

/// Set in the separate processes in which the long phases run, as commands do: memory is measured per process.
const PHASE: &str = "ORDERBOOK_BENCH_PHASE";

/// What a phase took.
struct Phase {
    seconds: f64,
    processor: f64,
    memory: u64,
}

/// Runs a phase on the book at `url` with the file or folder `path` in a process of its own.
fn phase(name: &str, url: &str, path: &Path) -> Phase {
    let output = std::process::Command::new(std::env::current_exe().expect("this program"))
        .env(PHASE, name)
        .env("ORDERBOOK_BENCH_BOOK", url)
        .env("ORDERBOOK_BENCH_PATH", path)
        .output()
        .expect("a process");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{name}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut numbers = text
        .split_whitespace()
        .map(|number| number.parse::<f64>().expect("a number"));
    let mut next = || numbers.next().expect("three numbers");
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    Phase {
        seconds: next(),
        processor: next(),
        memory: next() as u64,
    }
}

async fn run_phase(name: &str) {
    let url = std::env::var("ORDERBOOK_BENCH_BOOK").expect("a book");
    let path = std::env::var("ORDERBOOK_BENCH_PATH").expect("a path");
    let board = Board::open(&url).await.expect("the book");
    let (start, before) = (Instant::now(), processor());
    match name {
        "import" => {
            let file = BufReader::new(File::open(&path).expect("the file"));
            board
                .import(file, By::new("ada"), |_| {})
                .await
                .expect("an import");
        }
        "replay" => {
            let head = board.head().await.expect("a head");
            let anchor = Anchor {
                size: head.size,
                root: head.root,
            };
            let replayed = verify(&board, &[anchor], |_| {}).await.expect("a replay");
            assert_eq!((replayed.finding, replayed.anchors), (None, 1));
        }
        "export" => {
            let cover = Cover {
                days: Days::every().expect("time zones"),
                commissions: Schedule::default(),
                disclosures: Disclosures::default(),
                software: "the benchmark".into(),
            };
            let pack = Exam::of(&board, &cover, Path::new(&path)).await;
            pack.expect("a pack").finish().expect("its end");
        }
        "move" => {
            let file = Path::new(&path).join("book.jsonl");
            let mut out = BufWriter::new(File::create(&file).expect("a file"));
            let head = board.export_book(&mut out).await.expect("a book's file");
            out.flush().expect("the end of the file");
            let file = BufReader::new(File::open(&file).expect("the file"));
            let again = Path::new(&path).join("again.db");
            let wanted = (identity().chain_id, identity().contract);
            let again = again.to_str().expect("a path");
            let moved = Board::restore(again, file, wanted, |_| {})
                .await
                .expect("a book");
            assert_eq!(moved.head().await.expect("a head"), head);
        }
        other => panic!("phase {other} is unknown"),
    }
    let took = start.elapsed().as_secs_f64();
    println!(
        "{took} {} {}",
        processor() - before,
        peak_memory().unwrap_or_default()
    );
}

fn identity() -> BookOpened {
    BookOpened {
        broker_dealer: "Harbour Securities LLC".into(),
        chain_id: 412_346,
        contract: Address::repeat_byte(0xd1),
        crd: 104_221,
        lei: "5493001KJTIIGC8Y1R12".parse().expect("an lei"),
        payment: Address::repeat_byte(0xc1),
    }
}

fn security(number: usize) -> Security {
    // ISINs differ in the last digits before the check digit.
    let isin = (0..10)
        .find_map(|digit| format!("US03783310{number}{digit}").parse().ok())
        .expect("one check digit fits");
    Security {
        decimals: 18,
        isin,
        name: format!("Security {number}"),
        symbol: format!("SEC{number}"),
        token: Address::repeat_byte(0x50 + u8::try_from(number).expect("few securities")),
    }
}

/// Wallets that sign orders; deterministic except for the board references.
struct Signers {
    keys: Vec<(SecretKey, Address)>,
    hasher: OrderHasher,
    expiry: u64,
    received_at: Timestamp,
}

impl Signers {
    fn new() -> Self {
        let keys = (0..WALLETS)
            .map(|number| {
                let secret = keccak256(number.to_be_bytes());
                let key = SecretKey::from_byte_array(secret.0).expect("a key");
                let public = PublicKey::from_secret_key(SECP256K1, &key).serialize_uncompressed();
                (key, Address::from_slice(&keccak256(&public[1..])[12..]))
            })
            .collect();
        let now = Timestamp::now();
        Self {
            keys,
            hasher: OrderHasher::new(identity().chain_id, identity().contract),
            expiry: u64::try_from(now.as_second()).expect("after 1970") + 30 * 86_400,
            received_at: now,
        }
    }

    fn posting(&self, number: usize) -> Posting {
        let (key, owner) = &self.keys[number % WALLETS];
        let side = if number.is_multiple_of(2) {
            Side::Bid
        } else {
            Side::Ask
        };
        // Bids from 9.00 to 9.99, asks from 10.01 to 11.00, in an irregular sequence.
        let tick = (number.wrapping_mul(2_654_435_761) >> 7) % 100;
        let cents = if side == Side::Bid {
            900 + tick
        } else {
            1_001 + tick
        } as u128;
        let tokens = 1 + (number % 97) as u128;
        let order = Order {
            owner: *owner,
            side: side.code(),
            security: security(number % SECURITIES).token,
            payment: identity().payment,
            quantity: U256::from(tokens * TOKEN),
            limitTotal: U256::from(tokens * cents * 10_000),
            expiry: self.expiry,
            epoch: 0,
            counterparty: Address::ZERO,
            boardRef: board_ref(Uuid::now_v7()),
        };
        let message = Message::from_digest(self.hasher.id(&order).0);
        let (id, compact) = SECP256K1
            .sign_ecdsa_recoverable(message, key)
            .serialize_compact();
        let mut signature = compact.to_vec();
        signature.push(27 + u8::try_from(i32::from(id)).expect("0 or 1"));
        Posting {
            order,
            signature: Bytes::from(signature),
            price: None,
            account: format!("A-{}", 1_000 + number % WALLETS),
            capacity: Capacity::Agency,
            solicited: false,
            received_at: self.received_at,
            taken_by: "ada".into(),
        }
    }

    fn write_file(&self, path: &Path, from: usize, count: usize) {
        let mut writer = OrderWriter::new(BufWriter::new(File::create(path).expect("a file")))
            .expect("a header");
        for number in from..from + count {
            writer
                .write(&record(self.posting(number), number))
                .expect("a row");
        }
        writer.finish().expect("the end of the file");
    }
}

fn record(posting: Posting, number: usize) -> OrderRecord {
    let listed = security(number % SECURITIES);
    let (quantity, limit_total) = (posting.order.quantity.to(), posting.order.limitTotal.to());
    OrderRecord {
        id: B256::ZERO,
        board_ref: posting.order.boardRef,
        symbol: listed.symbol,
        isin: listed.isin,
        decimals: listed.decimals,
        security: listed.token,
        payment: posting.order.payment,
        chain_id: identity().chain_id,
        contract: identity().contract,
        side: Side::from_code(posting.order.side).expect("a side"),
        quantity,
        price: Price::of(limit_total, quantity, listed.decimals).expect("an exact price"),
        limit_total,
        expiry: posting.order.expiry,
        epoch: 0,
        counterparty: Address::ZERO,
        owner: posting.order.owner,
        account: posting.account,
        capacity: posting.capacity,
        solicited: posting.solicited,
        received_at: posting.received_at,
        captured_at: posting.received_at,
        taken_by: posting.taken_by,
        signature: posting.signature,
    }
}

async fn fresh(url: &str) -> Board {
    let board = Board::create(url, identity(), By::new("ada"))
        .await
        .expect("a fresh book");
    for number in 0..SECURITIES {
        board
            .list_security(security(number), By::new("ada"))
            .await
            .expect("a listing");
    }
    board
}

fn rate(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// Processor time of this process so far, seconds; unlike the clock, it does not depend on how busy the machine is.
fn processor() -> f64 {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else {
        return 0.0;
    };
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|ticks| ticks.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    (ticks(11) + ticks(12)) / 100.0
}

/// The most memory this process ever had, megabytes; `None` where the system does not say.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<u64>()
        .ok()
        .map(|kib| kib / 1_024)
}

fn report(name: &str, value: &str, bar: &str, holds: bool) {
    println!(
        "{name:<44} {value:>18}   {bar:<28} {}",
        if holds { "ok" } else { "MISSED" }
    );
}

fn report_phase(name: &str, unit: &str, count: usize, bar: Option<f64>, took: &Phase) {
    let per_second = count as f64 / took.seconds;
    let words = bar.map_or_else(String::new, |bar| format!("{bar} /s"));
    let value = format!("{per_second:.0} {unit}/s");
    report(
        name,
        &value,
        &words,
        bar.is_none_or(|bar| per_second >= bar),
    );
    let micros = took.processor * 1e6 / count as f64;
    report(
        "  processor time",
        &format!("{micros:.1} us each"),
        "",
        true,
    );
    report(
        "  memory",
        &format!("{} MB", took.memory),
        "under 200 MB",
        took.memory < 200,
    );
}

/// One INSERT per commit of a row as wide as an event, with the durability of the book.
async fn raw_commits(path: &Path, count: usize) -> f64 {
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .connect()
        .await
        .expect("a database");
    sqlx::query("CREATE TABLE raw (seq INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT")
        .execute(&mut connection)
        .await
        .expect("a table");
    let body = "x".repeat(1_200);
    let start = Instant::now();
    for _ in 0..count {
        sqlx::query("INSERT INTO raw (body) VALUES ($1)")
            .bind(body.as_str())
            .execute(&mut connection)
            .await
            .expect("a row");
    }
    let took = start.elapsed();
    connection.close().await.expect("a closed database");
    rate(count, took)
}

/// From the start of the program to its end, the median of several runs, milliseconds.
fn started(program: &Path, store: &str, arguments: &[&str]) -> f64 {
    let mut times: Vec<_> = (0..21)
        .map(|_| {
            let start = Instant::now();
            let output = std::process::Command::new(program)
                .args(arguments)
                .env("ORDERBOOK_STORE", store)
                .output()
                .expect("orderbook runs");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{arguments:?}: {said}");
            start.elapsed().as_secs_f64() * 1_000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Commands that need no chain.
const STARTS: [&[&str]; 4] = [
    &["--version"],
    &["order", "list"],
    &["book", "SEC1"],
    &["audit", "log"],
];

/// Times the command line that was built beside this benchmark, in the same profile.
fn starts(small: &str, large: &str) {
    let here = std::env::current_exe().expect("this program");
    let program = here.ancestors().nth(2).expect("a folder").join("orderbook");
    if !program.is_file() {
        println!(
            "no command line at {}: its starts are not timed",
            program.display()
        );
        return;
    }
    for arguments in STARTS {
        let timed = |store| started(&program, store, arguments);
        let (few, many) = (timed(small), timed(large));
        report(
            &format!("orderbook {} ({few:.1} ms of 10,000)", arguments.join(" ")),
            &format!("{many:.1} ms"),
            "30 ms from start to end",
            many < 30.0,
        );
    }
}

/// The median of several runs, milliseconds.
async fn median<F: Future>(run: impl Fn() -> F) -> f64 {
    let mut times = Vec::new();
    for _ in 0..21 {
        let start = Instant::now();
        black_box(run().await);
        times.push(start.elapsed().as_secs_f64() * 1_000.0);
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

async fn reads(board: &Board) -> [(&'static str, f64); 4] {
    let filter = |sort, state| OrderFilter {
        security: Some("SEC1".into()),
        sort,
        state,
        descending: true,
        ..OrderFilter::default()
    };
    let newest = filter(OrderSort::Posted, None);
    let dearest = filter(OrderSort::Price, Some(OrderState::Open));
    [
        (
            "book, 20 levels",
            median(|| async { board.book("SEC1", 20).await.expect("a book") }).await,
        ),
        (
            "order list, newest",
            median(|| async { board.orders(&newest).await.expect("a list") }).await,
        ),
        (
            "order list, open by price",
            median(|| async { board.orders(&dearest).await.expect("a list") }).await,
        ),
        (
            "book, best level",
            median(|| async { board.book("SEC1", 1).await.expect("a book") }).await,
        ),
    ]
}

async fn run(orders: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let signers = Signers::new();

    let count = 2_000;
    let postings: Vec<_> = (0..count).map(|number| signers.posting(number)).collect();
    let board = fresh(at("posted.db").to_str().expect("a path")).await;
    let first = raw_commits(&at("raw1.db"), count).await;
    let start = Instant::now();
    for posting in postings {
        board
            .post(posting, None, By::new("ada"))
            .await
            .expect("a posted order");
    }
    let posted = rate(count, start.elapsed());
    let raw = f64::midpoint(first, raw_commits(&at("raw2.db"), count).await);
    report(
        "raw commits, one row each",
        &format!("{raw:.0} /s"),
        "",
        true,
    );
    report(
        "post signed orders",
        &format!("{posted:.0} /s"),
        "half the raw commits",
        posted >= raw / 2.0,
    );

    let small = fresh(at("small.db").to_str().expect("a path")).await;
    signers.write_file(&at("small.csv"), 0, 10_000);
    let file = BufReader::new(File::open(at("small.csv")).expect("the file"));
    small
        .import(file, By::new("ada"), |_| {})
        .await
        .expect("an import");
    let before = reads(&small).await;

    signers.write_file(&at("orders.csv"), 0, orders);
    let url = std::env::var("ORDERBOOK_BENCH_URL")
        .unwrap_or_else(|_| at("large.db").to_str().expect("a path").to_owned());
    let board = fresh(&url).await;
    let took = phase("import", &url, &at("orders.csv"));
    report_phase(
        &format!("import of {orders} orders"),
        "orders",
        orders,
        Some(20_000.0),
        &took,
    );

    for ((name, small), (_, large)) in before.into_iter().zip(reads(&board).await) {
        let holds = large < 50.0 && large <= 2.0 * small.max(1.0);
        let value = format!("{large:.2} ms");
        report(
            &format!("{name} ({small:.2} ms of 10,000)"),
            &value,
            "50 ms, twice the small one",
            holds,
        );
    }

    let head = board.head().await.expect("a head");
    let size = usize::try_from(head.size).expect("a size");
    let took = phase("replay", &url, folder.path());
    report_phase("audit verify", "events", size, Some(200_000.0), &took);

    let seq = head.size / 3;
    let proved =
        median(|| async { proof::prove(&board, seq, head.size).await.expect("a proof") }).await;
    report(
        "proof of one event",
        &format!("{proved:.2} ms"),
        "50 ms",
        proved < 50.0,
    );
    let consistent = median(|| async {
        proof::prove_consistency(&board, seq, head.size)
            .await
            .expect("a proof")
    });
    let consistent = consistent.await;
    report(
        "proof of consistency",
        &format!("{consistent:.2} ms"),
        "50 ms",
        consistent < 50.0,
    );

    let took = phase("export", &url, &at("exam"));
    report_phase(
        "export of the exam pack",
        "orders",
        orders,
        Some(40_000.0),
        &took,
    );

    let took = phase("move", &url, folder.path());
    report_phase("move to another file", "events", size, None, &took);

    starts(at("small.db").to_str().expect("a path"), &url);
}
