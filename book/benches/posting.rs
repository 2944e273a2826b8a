//! Posting with many at once against the raw store's commits: `cargo bench --profile host -p book --bench posting`.
//!
//! `ORDERBOOK_BENCH_POSTS` sets how many orders (default 6,000), `ORDERBOOK_BENCH_CLIENTS` how many post at a time (32).

#![allow(clippy::cast_precision_loss)]

use std::path::Path;
use std::time::Instant;

use alloy::primitives::{Address, Bytes, U256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use book::audit::verify::verify;
use book::board::Board;
use book::board::posting::Posting;
use book::log::By;
use book::log::body::BookOpened;
use book::market::order::{Order, OrderHasher, Side, new_board_ref};
use book::market::record::Capacity;
use book::market::security::Security;
use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

const CHAIN: u64 = 412_346;
const CONTRACT: Address = Address::repeat_byte(1);
const COIN: Address = Address::repeat_byte(2);
const TOKEN: Address = Address::repeat_byte(3);

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let orders = number("ORDERBOOK_BENCH_POSTS", 6_000);
    let clients = number("ORDERBOOK_BENCH_CLIENTS", 32);
    runtime.block_on(run(orders, clients));
}

fn postings(count: usize) -> Vec<Posting> {
    let keys: Vec<_> = (0..50).map(|_| PrivateKeySigner::random()).collect();
    let hasher = OrderHasher::new(CHAIN, CONTRACT);
    let now = Timestamp::now();
    let expiry = u64::try_from(now.as_second()).expect("a time") + 30 * 86_400;
    let posting = |number: usize| {
        let key = &keys[number % keys.len()];
        let order = Order {
            owner: key.address(),
            side: if number.is_multiple_of(2) {
                Side::Bid
            } else {
                Side::Ask
            }
            .code(),
            security: TOKEN,
            payment: COIN,
            quantity: U256::from(100),
            limitTotal: U256::from(1_000_000 + 10_000 * (number % 200)),
            expiry,
            epoch: 0,
            counterparty: Address::ZERO,
            boardRef: new_board_ref(),
        };
        let signature = key.sign_hash_sync(&hasher.id(&order)).expect("a signature");
        Posting {
            order,
            signature: Bytes::from(signature.as_bytes().to_vec()),
            price: None,
            account: format!("A-{}", number % keys.len()),
            capacity: Capacity::Agency,
            solicited: false,
            received_at: now,
            taken_by: "ada".into(),
        }
    };
    (0..count).map(posting).collect()
}

async fn board(path: &Path) -> Board {
    let identity = BookOpened {
        broker_dealer: "Harbour Securities LLC".into(),
        chain_id: CHAIN,
        contract: CONTRACT,
        crd: 104_221,
        lei: "5493001KJTIIGC8Y1R12".parse().expect("a LEI"),
        payment: COIN,
    };
    let security = Security {
        decimals: 0,
        isin: "US0378331005".parse().expect("an ISIN"),
        name: "Harbour Logistics Class A".into(),
        symbol: "HRBR".into(),
        token: TOKEN,
    };
    let url = path.to_str().expect("a path");
    let board = Board::create(url, identity, By::new("ada"))
        .await
        .expect("a book");
    board
        .list_security(security, By::new("ada"))
        .await
        .expect("a listing");
    board
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
        .expect("a store");
    sqlx::query("CREATE TABLE raw (seq INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT")
        .execute(&mut connection)
        .await
        .expect("a table");
    let body = "x".repeat(1_024);
    let start = Instant::now();
    for _ in 0..count {
        sqlx::query("INSERT INTO raw (body) VALUES ($1)")
            .bind(&body)
            .execute(&mut connection)
            .await
            .expect("a row");
    }
    let rate = count as f64 / start.elapsed().as_secs_f64();
    connection.close().await.expect("the end");
    rate
}

/// Posts with `clients` tasks, each of which waits for its order before the next.
async fn posts(board: &Board, postings: Vec<Posting>, clients: usize) -> f64 {
    let count = postings.len();
    let mut shares: Vec<Vec<Posting>> = (0..clients).map(|_| Vec::new()).collect();
    for (at, posting) in postings.into_iter().enumerate() {
        shares[at % clients].push(posting);
    }
    let start = Instant::now();
    let tasks: Vec<_> = shares
        .into_iter()
        .map(|share| {
            let board = board.clone();
            tokio::spawn(async move {
                for posting in share {
                    board
                        .post(posting, None, By::new("ada"))
                        .await
                        .expect("an order");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a client");
    }
    count as f64 / start.elapsed().as_secs_f64()
}

async fn run(orders: usize, clients: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let before = raw_commits(&at("before.db"), orders / 2).await;
    let single = board(&at("single.db")).await;
    let alone = posts(&single, postings(orders / 4), 1).await;
    let many = board(&at("many.db")).await;
    let together = posts(&many, postings(orders), clients).await;
    let raw = f64::midpoint(before, raw_commits(&at("after.db"), orders / 2).await);
    let report = verify(&many, &[], |_| {}).await.expect("a replay");
    assert_eq!((report.finding, report.events), (None, orders as u64 + 2));
    println!("raw commits, one row each         {raw:>8.0} /s");
    println!(
        "posts, one client                 {alone:>8.0} /s   {:.2} of the raw rate",
        alone / raw
    );
    println!(
        "posts, {clients} clients                 {together:>8.0} /s   {:.2} of the raw rate   bars 3,000 /s and 0.50: {}",
        together / raw,
        if together >= 3_000.0 && together >= raw / 2.0 {
            "ok"
        } else {
            "MISSED"
        }
    );
    for board in [single, many] {
        board.store().close().await;
    }
}
