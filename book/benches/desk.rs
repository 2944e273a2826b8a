//! A day at the desk on a large book: `cargo bench --profile host -p book --bench desk`.
//!
//! Every order crosses the other side by its price. In one book sizes repeat, so the best pairs come at once; in the
//! other no two orders have the same size, so no bid finds an ask. The rows are written past the board, whose
//! signatures take minutes: what is measured only reads. `ORDERBOOK_BENCH_ORDERS` sets the number (1,000,000).

#![allow(clippy::cast_precision_loss)]

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use alloy::primitives::{Address, B256, keccak256};
use book::board::Board;
use book::board::pairing::Reach;
use book::log::By;
use book::log::body::{BookOpened, OrderPosted};
use book::market::order::Side;
use book::market::price::Price;
use book::market::record::Capacity;
use book::market::security::Security;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

/// Owners of the orders.
const WALLETS: u64 = 100_000;

/// Wallets whose orders a hit looks for.
const HIT: u64 = 10_000;

/// What `match suggest` looks at by default.
const REACH: Reach = Reach {
    pairs: 20,
    bids: Some(4_096),
};

fn main() {
    let orders = std::env::var("ORDERBOOK_BENCH_ORDERS").map_or(1_000_000, |orders| {
        orders.parse().expect("a number of orders")
    });
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(run(orders));
}

async fn run(orders: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, sizes) in [("sizes repeat", 997), ("no two of a size", u64::MAX)] {
        let path = folder.path().join(format!("{sizes}.db"));
        let board = large(&path, orders, sizes).await;
        let found = board.pairs("HRBR", REACH).await.expect("pairs");
        println!(
            "{orders} orders, {name}: {} pairs of {} bids looked at",
            found.pairs.len(),
            found.bids
        );
        report(
            "match suggest",
            median(async || black_box(board.pairs("HRBR", REACH).await.expect("pairs"))).await,
            100.0,
        );
        let all = Reach {
            bids: None,
            ..REACH
        };
        let start = Instant::now();
        black_box(board.pairs("HRBR", all).await.expect("pairs"));
        report(
            "match suggest --all",
            start.elapsed().as_secs_f64() * 1_000.0,
            f64::INFINITY,
        );
        report(
            "status, the book's part",
            median(async || black_box(board.standing(7 * 86_400).await.expect("a standing"))).await,
            200.0,
        );
        let wallets: Vec<_> = (0..HIT)
            .map(|number| owner(number * (WALLETS / HIT)))
            .collect();
        let hit = board.open_orders_of(&wallets).await.expect("orders").len();
        println!("{HIT} wallets have {hit} open orders");
        report(
            "compliance hit, the board's part",
            median(async || black_box(board.open_orders_of(&wallets).await.expect("orders"))).await,
            2_000.0,
        );
        board.store().close().await;
    }
}

/// The median of several runs, milliseconds.
async fn median<T>(run: impl AsyncFn() -> T) -> f64 {
    let mut times = Vec::new();
    for _ in 0..11 {
        let start = Instant::now();
        run().await;
        times.push(start.elapsed().as_secs_f64() * 1_000.0);
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn report(name: &str, milliseconds: f64, bar: f64) {
    let verdict = if milliseconds < bar { "ok" } else { "MISSED" };
    println!("  {name:<40} {milliseconds:>10.2} ms   {bar:>6} ms   {verdict}");
}

fn owner(number: u64) -> Address {
    Address::from_word(keccak256(number.to_be_bytes()))
}

/// A book with that many open orders in one security, half of them bids, every bid above every ask.
async fn large(path: &Path, orders: u64, sizes: u64) -> Board {
    let url = path.to_str().expect("a path");
    let identity = BookOpened {
        broker_dealer: "Harbour Securities LLC".into(),
        chain_id: 412_346,
        contract: Address::repeat_byte(0xd1),
        crd: 104_221,
        lei: "5493001KJTIIGC8Y1R12".parse().expect("an lei"),
        payment: Address::repeat_byte(0xc1),
    };
    let board = Board::create(url, identity, By::new("ada"))
        .await
        .expect("a book");
    let listed = board
        .list_security(security(), By::new("ada"))
        .await
        .expect("a listing");
    board.store().close().await;
    let mut database = SqliteConnectOptions::new()
        .filename(path)
        .pragma("synchronous", "OFF")
        .pragma("foreign_keys", "OFF")
        .pragma("cache_size", "-400000")
        .connect()
        .await
        .expect("a database");
    let now = u64::try_from(jiff::Timestamp::now().as_second()).expect("after 1970");
    let mut rows = database.begin().await.expect("a transaction");
    for number in 0..orders {
        let seq = listed.seq + 1 + number;
        write(&mut rows, listed.seq, seq, number, sizes, now + 30 * 86_400).await;
    }
    sqlx::query(
        "INSERT INTO levels (security, side, price, orders, quantity0, quantity1, quantity2, quantity3)
         SELECT security, side, price, count(*), 0, 0, 0, 0 FROM open_orders GROUP BY security, side, price",
    )
    .execute(&mut *rows)
    .await
    .expect("levels");
    rows.commit().await.expect("a commit");
    database.close().await.expect("an end");
    Board::open(url).await.expect("the book")
}

fn security() -> Security {
    Security {
        decimals: 0,
        isin: "US0378331005".parse().expect("an isin"),
        name: "Harbour Logistics Class A".into(),
        symbol: "HRBR".into(),
        token: Address::repeat_byte(0x5e),
    }
}

/// One order as the board's tables have it, and the event that its record is read from.
async fn write(
    database: &mut SqliteConnection,
    security_seq: u64,
    seq: u64,
    number: u64,
    sizes: u64,
    expiry: u64,
) {
    let side = if number.is_multiple_of(2) {
        Side::Bid
    } else {
        Side::Ask
    };
    // Sizes of bids and asks meet only where they repeat.
    let quantity = u128::from(
        1 + if sizes == u64::MAX {
            number
        } else {
            number / 2 % sizes
        },
    );
    let tick = number.wrapping_mul(2_654_435_761) >> 7;
    let cents = match side {
        Side::Bid => 2_000 + tick % 1_000,
        Side::Ask => 1_000 + tick % 1_000,
    };
    let price: Price = format!("{}.{:02}", cents / 100, cents % 100)
        .parse()
        .expect("a price");
    let listed = security();
    let id: B256 = keccak256(seq.to_be_bytes());
    let posted = OrderPosted {
        account: format!("A-{}", number % WALLETS),
        board_ref: id,
        capacity: Capacity::Agency,
        chain_id: 412_346,
        contract: Address::repeat_byte(0xd1),
        counterparty: Address::ZERO,
        decimals: 0,
        epoch: 0,
        expiry,
        isin: listed.isin,
        limit_total: price.total(quantity, 0).expect("a total"),
        owner: owner(number % WALLETS),
        payment: Address::repeat_byte(0xc1),
        price,
        quantity,
        security: listed.token,
        side,
        signature: vec![7; 65].into(),
        signed: None,
        solicited: false,
        symbol: listed.symbol,
        taken_by: "ada".into(),
    };
    let (seq, expiry) = (seq.cast_signed(), expiry.cast_signed());
    let (owner, account) = (posted.owner, posted.account.clone());
    let json = serde_json::to_string(&posted).expect("a body");
    sqlx::query(
        "INSERT INTO events (seq, type, subject, occurred_at, captured_at, actor, reason, body, prev, hash)
         VALUES ($1, 'order_posted', $2, 0, 0, 'ada', '', $3, $4, $4)",
    )
    .bind(seq)
    .bind(id.to_string())
    .bind(json)
    .bind(id.to_vec())
    .execute(&mut *database)
    .await
    .expect("an event");
    sqlx::query(
        "INSERT INTO orders (seq, id, security, side, price, quantity, expiry, owner, account)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(seq)
    .bind(id.to_vec())
    .bind(security_seq.cast_signed())
    .bind(i64::from(side.code()))
    .bind(price.scaled().to_be_bytes().to_vec())
    .bind(quantity.to_be_bytes().to_vec())
    .bind(expiry)
    .bind(owner.to_vec())
    .bind(account)
    .execute(&mut *database)
    .await
    .expect("an order");
}
