//! Commands of a day at the desk, start to end, among many open orders: `cargo bench --profile host -p orderbook-cli --bench day`.
//!
//! The book is the demo's, and orders are written into its tables past the board, whose signatures would take minutes; the
//! chain is the demo's embedded one. `ORDERBOOK_BENCH_ORDERS` sets the number of orders (1,000,000). The binary `devnet` must be
//! next to `orderbook`: `cargo build --profile host -p devnet`.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

/// Owners of the orders.
const WALLETS: u64 = 100_000;

/// Wallets of the list.
const HIT: u64 = 10_000;

/// Runs of each command.
const RUNS: usize = 5;

const ORDERBOOK: &str = env!("CARGO_BIN_EXE_orderbook");

fn main() {
    let orders = std::env::var("ORDERBOOK_BENCH_ORDERS").map_or(1_000_000, |orders| {
        orders.parse().expect("a number of orders")
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let scratch = tempfile::tempdir().expect("a folder");
    let folder = scratch.path().join("demo");
    let devnet = Path::new(ORDERBOOK).with_file_name("devnet");
    let made = Command::new(ORDERBOOK)
        .args(["demo", "--json", "--folder"])
        .arg(&folder)
        .arg("--devnet")
        .arg(&devnet)
        .output()
        .expect("orderbook runs");
    assert!(made.status.success(), "{made:?}");
    let wallets = runtime.block_on(grow(&folder.join("board.db"), orders));
    std::fs::write(folder.join("list.txt"), wallets).expect("a list");
    let node = Node::start(&devnet, &folder.join("chain.state"));
    println!("{orders} open orders of {WALLETS} wallets, median of {RUNS} runs");
    for (line, bar) in [
        ("status", 0.2),
        ("match suggest HRBR", 0.1),
        ("compliance hit list.txt --case LIST-1 --plan", 2.0),
    ] {
        let (wall, cpu) = median(&folder, &node.url, line);
        let verdict = if wall <= bar { "ok" } else { "MISSED" };
        println!(
            "  {line:<46} {wall:>7.3} s   bar {bar:>4} s   {verdict}   ({cpu:.3} s of its own CPU)"
        );
    }
}

/// A chain that ends with this.
struct Node {
    process: Child,
    url: String,
}

impl Node {
    fn start(binary: &Path, state: &PathBuf) -> Self {
        let mut process = Command::new(binary)
            .args(["--port", "0", "--json", "--state"])
            .arg(state)
            .stdout(Stdio::piped())
            .spawn()
            .expect("devnet starts");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("devnet speaks");
        let about: serde_json::Value = serde_json::from_str(&line).expect("devnet says JSON");
        let url = about["url"].as_str().expect("a URL").to_owned();
        Self { process, url }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The median of several runs of a command, and that run's processor time, in seconds.
fn median(folder: &Path, url: &str, line: &str) -> (f64, f64) {
    let mut runs: Vec<(f64, f64)> = (0..RUNS).map(|_| timed(folder, url, line)).collect();
    runs.sort_by(|a, b| a.0.total_cmp(&b.0));
    runs[RUNS / 2]
}

fn timed(folder: &Path, url: &str, line: &str) -> (f64, f64) {
    let script = "TIMEFORMAT='%R %U %S'; time \"$@\" >/dev/null 2>said";
    let run = Command::new("bash")
        .args(["-c", script, "bash", ORDERBOOK])
        .args(line.split(' '))
        .args(["--json", "--profile", ".", "--rpc-url", url])
        .current_dir(folder)
        .output()
        .expect("bash runs");
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    let numbers: Vec<f64> = said
        .split_whitespace()
        .filter_map(|number| number.parse().ok())
        .collect();
    // A line that is due makes `status` end with 1.
    assert!(matches!(run.status.code(), Some(0 | 1)), "{line}: {run:?}");
    let [wall, user, system] = numbers[..] else {
        panic!("{line}: {said}");
    };
    (wall, user + system)
}

/// Writes this many open orders of HRBR into a book, every bid above every ask; the first wallets as a list.
async fn grow(book: &Path, orders: u64) -> String {
    let mut database = SqliteConnectOptions::new()
        .filename(book)
        .pragma("synchronous", "OFF")
        .pragma("foreign_keys", "OFF")
        .pragma("cache_size", "-400000")
        .connect()
        .await
        .expect("a database");
    let count = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 <";
    for sql in [
        format!(
            "CREATE TEMP TABLE people AS {count} {WALLETS}) SELECT i, randomblob(20) AS wallet FROM n"
        ),
        "CREATE UNIQUE INDEX temp.people_by_number ON people (i)".to_owned(),
        format!(
            "CREATE TEMP TABLE grown AS {count} {orders})
             SELECT (SELECT max(seq) FROM events) + 1 + n.i AS seq, n.i % 2 AS side, randomblob(32) AS id, wallet,
                 1 + n.i / 2 % 997 AS lots, (CASE n.i % 2 WHEN 0 THEN 600 ELSE 400 END) + n.i * 7919 % 100 AS cents,
                 unixepoch() + 30 * 86400 AS expiry
             FROM n JOIN people p ON p.i = n.i % {WALLETS}"
        ),
        "INSERT INTO events (seq, type, subject, occurred_at, captured_at, actor, reason, body, prev, hash)
         SELECT g.seq, 'order_posted', '0x' || lower(hex(g.id)), e.occurred_at, e.captured_at, e.actor, '',
             json_set(e.body, '$.owner', '0x' || lower(hex(g.wallet)), '$.side', CASE g.side WHEN 0 THEN 'bid' ELSE 'ask' END,
                 '$.quantity', g.lots || '000000', '$.expiry', g.expiry,
                 '$.price', printf('%d.%02d', g.cents / 100, g.cents % 100)), e.prev, e.hash
         FROM grown g JOIN (SELECT * FROM events WHERE type = 'order_posted' AND body LIKE '%\"symbol\":\"HRBR\"%' LIMIT 1) e"
            .to_owned(),
        "INSERT INTO orders (seq, id, security, side, price, quantity, expiry, owner, account)
         SELECT g.seq, g.id, s.security, g.side, unhex(printf('%032x', g.cents * 10000000000000000)),
             unhex(printf('%032x', g.lots * 1000000)), g.expiry, g.wallet, 'BENCH'
         FROM grown g JOIN (SELECT o.security FROM orders o JOIN events e ON e.seq = o.seq
             WHERE e.body LIKE '%\"symbol\":\"HRBR\"%' LIMIT 1) s"
            .to_owned(),
        "DELETE FROM levels".to_owned(),
        "INSERT INTO levels (security, side, price, orders, quantity0, quantity1, quantity2, quantity3)
         SELECT security, side, price, count(*), 0, 0, 0, 0 FROM open_orders GROUP BY security, side, price"
            .to_owned(),
    ] {
        run(&mut database, sql).await;
    }
    let rows: Vec<(Vec<u8>,)> = sqlx::query_as(AssertSqlSafe(format!(
        "SELECT wallet FROM people ORDER BY i LIMIT {HIT}"
    )))
    .fetch_all(&mut database)
    .await
    .expect("wallets");
    run(&mut database, "PRAGMA wal_checkpoint(TRUNCATE)".to_owned()).await;
    database.close().await.expect("an end");
    let mut list = String::new();
    for (wallet,) in rows {
        let digits: String = wallet.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        let _ = writeln!(list, "0x{digits}");
    }
    list
}

async fn run(database: &mut SqliteConnection, sql: String) {
    sqlx::query(AssertSqlSafe(sql.clone()))
        .execute(database)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}
