//! A book of 1,000,000 open orders behind the platform: lots and prices at a fixed rate, and how long it takes from
//! opening the book until the platform reports that it is ready. Clients and server share the machine.
//!
//! The orders are written into the board's tables as they are after a million posts, without a log that verifies and
//! without signatures, which would take minutes: the measured requests only read. `ORDERBOOK_BENCH_ORDERS` is the
//! number of orders.

#[path = "../tests/api/stage.rs"]
#[allow(dead_code)]
mod stage;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use alloy::primitives::{Address, B256, keccak256};
use book::board::Board;
use book::log::By;
use book::log::body::OrderPosted;
use book::market::order::Side;
use book::market::price::Price;
use book::market::record::Capacity;
use book::store::Store;
use serde_json::json;
use serve::Server;
use serve::config::{Config, Face};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use stage::{ADA, START, Stage, URL, identity, security};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// Requests a second.
const RATE: u64 = 2_000;
/// Seconds at that rate.
const SECONDS: u64 = 5;
/// Connections that they go over.
const CLIENTS: usize = 32;
/// Rows in one statement.
const TOGETHER: u64 = 50;
/// Owners of the orders.
const WALLETS: u64 = 500;

/// One order as in its event.
fn posted(number: u64) -> (B256, OrderPosted) {
    let side = if number.is_multiple_of(2) {
        Side::Bid
    } else {
        Side::Ask
    };
    let tick = number.wrapping_mul(2_654_435_761) >> 7;
    let cents = match side {
        Side::Bid => 1_000 + tick % 1_000,
        Side::Ask => 2_000 + tick % 1_000,
    };
    let price: Price = format!("{}.{:02}", cents / 100, cents % 100)
        .parse()
        .expect("a price");
    let (listed, quantity) = (security(), u128::from(1 + number % 997) * stage::TOKEN);
    let id = keccak256(number.to_be_bytes());
    let owner = keccak256((number % WALLETS).to_le_bytes());
    let body = OrderPosted {
        account: format!("A-{}", number % WALLETS),
        board_ref: id,
        capacity: Capacity::Agency,
        chain_id: identity().chain_id,
        contract: identity().contract,
        counterparty: Address::ZERO,
        decimals: listed.decimals,
        epoch: 0,
        expiry: START.unsigned_abs() + 200_000,
        isin: listed.isin,
        limit_total: price.total(quantity, listed.decimals).expect("a total"),
        owner: Address::from_word(owner),
        payment: identity().payment,
        price,
        quantity,
        security: listed.token,
        side,
        signature: vec![7; 65].into(),
        signed: None,
        solicited: false,
        symbol: listed.symbol,
        taken_by: "web".into(),
    };
    (id, body)
}

fn places(count: u64, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(", "));
    let mut places = row.clone();
    for _ in 1..count {
        let _ = write!(places, ", {row}");
    }
    places
}

async fn write(database: &mut SqliteConnection, first: u64, numbers: std::ops::Range<u64>) {
    let count = numbers.end - numbers.start;
    let events = format!(
        "INSERT INTO events (seq, type, subject, occurred_at, captured_at, actor, reason, body, prev, hash) VALUES {}",
        places(count, 10)
    );
    let orders = format!(
        "INSERT INTO orders (seq, id, security, side, price, quantity, expiry, owner, account) VALUES {}",
        places(count, 9)
    );
    let listed = "SELECT seq FROM securities WHERE symbol = 'HRBR'";
    let listed: i64 = sqlx::query_scalar(listed)
        .fetch_one(&mut *database)
        .await
        .expect("a security");
    let mut events = sqlx::query(sqlx::AssertSqlSafe(events));
    let mut orders = sqlx::query(sqlx::AssertSqlSafe(orders));
    for number in numbers {
        let ((id, body), seq) = (posted(number), (first + number).cast_signed());
        let json = serde_json::to_string(&body).expect("a body");
        events = events
            .bind(seq)
            .bind("order_posted")
            .bind(id.to_string())
            .bind(0_i64)
            .bind(0_i64)
            .bind("web")
            .bind("")
            .bind(json)
            .bind(id.to_vec())
            .bind(id.to_vec());
        orders = orders
            .bind(seq)
            .bind(id.to_vec())
            .bind(listed)
            .bind(i64::from(body.side.code()))
            .bind(body.price.scaled().to_be_bytes().to_vec())
            .bind(body.quantity.to_be_bytes().to_vec())
            .bind(body.expiry.cast_signed())
            .bind(body.owner.to_vec())
            .bind(body.account);
    }
    events.execute(&mut *database).await.expect("events");
    orders.execute(&mut *database).await.expect("orders");
}

/// Fills the book of a stage.
async fn fill(stage: &Stage, orders: u64) {
    let mut database = SqliteConnectOptions::new()
        .filename(&stage.url)
        .pragma("synchronous", "OFF")
        .pragma("foreign_keys", "OFF")
        .pragma("cache_size", "-400000")
        .connect()
        .await
        .expect("a database");
    let first = stage.size().await + 1;
    sqlx::query("BEGIN")
        .execute(&mut database)
        .await
        .expect("a transaction");
    let mut from = 0;
    while from < orders {
        let end = orders.min(from + TOGETHER);
        write(&mut database, first, from..end).await;
        from = end;
    }
    let levels = "INSERT INTO levels (security, side, price, orders, quantity0, quantity1, quantity2, quantity3)
         SELECT security, side, price, count(*), count(*), 0, 0, 0 FROM open_orders GROUP BY security, side, price";
    for sql in [levels, "COMMIT", "PRAGMA wal_checkpoint(TRUNCATE)"] {
        sqlx::query(sql).execute(&mut database).await.expect(sql);
    }
}

fn config() -> Config {
    let loopback = "127.0.0.1:0".parse().expect("an address");
    Config {
        listen: loopback,
        admin: Some(loopback),
        faces: Face::ALL.to_vec(),
        public_url: Some(URL.parse().expect("a URL")),
        tls: None,
        proxies: None,
        limit: u32::MAX,
        log_key: None,
        last_log_key: None,
        webhook_allow: Vec::new(),
    }
}

/// Sends one request on a kept connection and reads the whole answer; returns its status.
async fn ask(stream: &mut TcpStream, request: &str) -> u16 {
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it reads");
    let (mut said, mut part) = (Vec::new(), vec![0; 16 << 10]);
    loop {
        let count = stream.read(&mut part).await.expect("it answers");
        assert!(count > 0, "the server hung up");
        said.extend_from_slice(&part[..count]);
        let Some(end) = said.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&said[..end]);
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.expect("a length").parse().expect("a number");
        if said.len() >= end + 4 + length {
            return head
                .split(' ')
                .nth(1)
                .expect("a status")
                .parse()
                .expect("a number");
        }
    }
}

/// Sends requests at a fixed rate, even if earlier ones are late; returns the time of each from when it was due.
async fn paced(place: SocketAddr, key: &str) -> Vec<Duration> {
    let paths = [
        "/v1/securities/HRBR/book",
        "/v1/securities/HRBR/lots?side=ask",
        "/v1/securities/HRBR/lots?side=bid&limit=200",
    ];
    let began = Instant::now() + Duration::from_millis(100);
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        let mut stream = TcpStream::connect(place).await.expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        let head = format!("host: board.example\r\nauthorization: Bearer {key}\r\n\r\n");
        clients.spawn(async move {
            let mut times = Vec::new();
            let mut number = client;
            while number < usize::try_from(RATE * SECONDS).expect("a small number") {
                let due = began
                    + Duration::from_micros(1_000_000 / RATE)
                        * u32::try_from(number).expect("a small number");
                tokio::time::sleep_until(due.into()).await;
                let request = format!("GET {} HTTP/1.1\r\n{head}", paths[number % paths.len()]);
                assert_eq!(ask(&mut stream, &request).await, 200);
                times.push(due.elapsed());
                number += CLIENTS;
            }
            times
        });
    }
    let mut times = clients.join_all().await.concat();
    times.sort_unstable();
    times
}

fn report(name: &str, took: Duration, bar: f64) {
    let took = took.as_secs_f64() * 1_000.0;
    let verdict = if took < bar { "ok" } else { "MISSED" };
    println!("  {name:<48} {took:>9.1} ms   {bar:>6} ms   {verdict}");
}

/// From opening the book until `/ready` answers 200.
async fn ready(stage: &Stage) -> (Duration, SocketAddr, oneshot::Sender<()>) {
    let began = Instant::now();
    let clock = stage.board.store().clock().clone();
    let store = Store::open(&stage.url, clock).await.expect("a store");
    let board = Board::open_store(store).await.expect("a book");
    let opened = Server::open(config(), board, stage.node.clone(), By::new("bench"));
    let server = opened.await.expect("a server").silent();
    let (place, admin) = (
        server.place().expect("a place"),
        server.admin_place().expect("a place"),
    );
    let (end, told) = oneshot::channel();
    tokio::spawn(server.run(async {
        let _ = told.await;
    }));
    let mut stream = TcpStream::connect(admin).await.expect("it listens");
    assert_eq!(
        ask(
            &mut stream,
            "GET /ready HTTP/1.1\r\nhost: localhost\r\n\r\n"
        )
        .await,
        200
    );
    (began.elapsed(), place, end)
}

async fn run(orders: u64) {
    let stage = stage::stage().await;
    let ada = stage.sign_in(ADA).await;
    let asked =
        json!({ "name": "bench", "scopes": ["read"], "expires_at": "2027-01-16T08:00:00Z" });
    let made = stage.post("/v1/keys", &ada, &asked).await.is(201).json();
    let key = made["key"].as_str().expect("a key");
    fill(&stage, orders).await;
    println!("{orders} open orders of one security, on SQLite");
    let (took, place, end) = ready(&stage).await;
    report("start to ready", took, 300.0);
    let times = paced(place, key).await;
    let name = format!("p99 of lots and book at {RATE}/s");
    report(&name, times[times.len() * 99 / 100], 10.0);
    report("the same, half of them", times[times.len() / 2], 10.0);
    let _ = end.send(());
}

fn main() {
    let orders = std::env::var("ORDERBOOK_BENCH_ORDERS").map_or(1_000_000, |orders| {
        orders.parse().expect("ORDERBOOK_BENCH_ORDERS is a number")
    });
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(run(orders));
}
