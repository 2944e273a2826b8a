//! Live updates over HTTP on this machine's loopback: how long it takes from a commit until each reader has its event, and what
//! readers cost. Readers are a process of their own, on the same machine.
//!
//! `cargo bench -p serve --bench stream`; with `FSYNC=on scripts/with-postgres.sh` before it also from one instance to
//! another. It takes about two minutes. `BENCH_READERS` is the largest number of readers (10,000): each takes a file
//! descriptor on both sides.

#[path = "../tests/api/stage.rs"]
#[allow(dead_code)]
mod stage;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, Write as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use alloy::primitives::Address;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use book::board::Board;
use book::board::posting::Posting;
use book::log::By;
use book::log::act::digest;
use book::market::order::Side;
use book::market::record::Capacity;
use book::store::Store;
use futures::{StreamExt as _, stream};
use serve::Server;
use serve::config::{Config, Face};
use stage::{ADA, Stage, URL, body, order};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// What makes this program a reader: where, how many, and how many of them stop reading.
const READERS: &str = "BENCH_READERS_AT";
/// Streams of one wallet.
const EACH: usize = 3;
/// Connections that are opened at once.
const OPENING: usize = 48;

fn nanos() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_nanos()).unwrap()
}

/// The token of a reader's session.
fn token(reader: usize) -> [u8; 32] {
    digest(format!("reader {}", reader / EACH).as_bytes()).0
}

/// A server on a board, and how it is told to shut down.
struct Running {
    place: SocketAddr,
    admin: SocketAddr,
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

async fn serve(stage: &Stage, board: Board) -> Running {
    let loopback = "127.0.0.1:0".parse().unwrap();
    let config = Config {
        listen: loopback,
        admin: Some(loopback),
        faces: Face::ALL.to_vec(),
        public_url: Some(URL.parse().unwrap()),
        tls: None,
        proxies: None,
        limit: u32::MAX,
        log_key: None,
        last_log_key: None,
        webhook_allow: Vec::new(),
    };
    let opened = Server::open(config, board, stage.node.clone(), By::new("bench"));
    let server = opened.await.unwrap().silent();
    let (place, admin) = (server.place().unwrap(), server.admin_place().unwrap());
    let (end, told) = oneshot::channel();
    let task = tokio::spawn(server.run(async {
        let _ = told.await;
    }));
    Running {
        place,
        admin,
        end,
        task,
    }
}

impl Running {
    /// How long it takes to shut down.
    async fn ends(self) -> Duration {
        let began = Instant::now();
        self.end.send(()).unwrap();
        self.task.await.unwrap();
        began.elapsed()
    }

    /// How many streams it has.
    async fn streams(&self) -> usize {
        let mut stream = TcpStream::connect(self.admin).await.unwrap();
        let request = b"GET /metrics HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).await.unwrap();
        let count = said
            .lines()
            .find_map(|line| line.strip_prefix("orderbook_streams "));
        count.unwrap().parse().unwrap()
    }
}

/// A session for each reader, all written at once.
async fn sessions(stage: &Stage, readers: usize) {
    let rows: Vec<_> = (0..readers)
        .step_by(EACH)
        .map(|reader| {
            let wallet = Address::from_slice(&token(reader)[..20]);
            (digest(&token(reader)).to_vec(), wallet.to_vec())
        })
        .collect();
    let now = stage.now().as_microsecond();
    let mut sql = Vec::new();
    for rows in rows.chunks(500) {
        let mut values = String::new();
        for (token, wallet) in rows {
            let comma = if values.is_empty() { "" } else { ", " };
            let (token, wallet) = (alloy::hex::encode(token), alloy::hex::encode(wallet));
            let bytes = if stage.url.starts_with("postgres") {
                format!("'\\x{token}', '\\x{wallet}'")
            } else {
                format!("X'{token}', X'{wallet}'")
            };
            write!(values, "{comma}({bytes}, {now}, {now})").unwrap();
        }
        sql.push(format!(
            "INSERT INTO sessions (token, wallet, made_at, used_at) VALUES {values}"
        ));
    }
    for sql in sql {
        let sql = sqlx::AssertSqlSafe(sql);
        if stage.url.starts_with("postgres") {
            let pool = sqlx::PgPool::connect(&stage.url).await.unwrap();
            sqlx::query(sql).execute(&pool).await.unwrap();
        } else {
            let pool = sqlx::SqlitePool::connect(&stage.url).await.unwrap();
            sqlx::query(sql).execute(&pool).await.unwrap();
        }
    }
}

/// Resident memory of this process, bytes.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse::<u64>().unwrap() << 10
}

/// Readers in a process of their own.
struct Readers {
    child: Child,
    said: std::io::BufReader<std::process::ChildStdout>,
}

/// What readers measured, in milliseconds.
struct Measured {
    median: f64,
    p99: f64,
    most: f64,
    events: usize,
    missing: usize,
}

impl Readers {
    /// Readers that have their first answer.
    async fn begin(place: SocketAddr, count: usize, stalled: usize) -> Self {
        tokio::task::spawn_blocking(move || {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .env(READERS, format!("{place} {count} {stalled}"))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut said = std::io::BufReader::new(child.stdout.take().unwrap());
            let mut line = String::new();
            said.read_line(&mut line).unwrap();
            assert_eq!(line.trim(), "ready");
            Self { child, said }
        })
        .await
        .unwrap()
    }

    /// What they measured of events that were committed at these times.
    async fn end(mut self, committed: Vec<(u64, u64)>) -> Measured {
        tokio::task::spawn_blocking(move || {
            let mut told = String::new();
            for (seq, at) in committed {
                writeln!(told, "{seq} {at}").unwrap();
            }
            let mut into = self.child.stdin.take().unwrap();
            into.write_all(told.as_bytes()).unwrap();
            drop(into);
            let mut line = String::new();
            self.said.read_line(&mut line).unwrap();
            self.child.wait().unwrap();
            let parts: Vec<&str> = line.split_whitespace().collect();
            let millis = |at: usize| parts[at].parse().unwrap();
            let count = |at: usize| parts[at].parse().unwrap();
            Measured {
                median: millis(0),
                p99: millis(1),
                most: millis(2),
                events: count(3),
                missing: count(4),
            }
        })
        .await
        .unwrap()
    }
}

/// Posts orders at a fixed rate; returns when each was committed.
async fn post(board: &Board, rate: u32, seconds: u32) -> Vec<(u64, u64)> {
    let mut committed = Vec::new();
    let mut due = tokio::time::interval(Duration::from_secs(1) / rate);
    for number in 0..rate * seconds {
        let order = order(ADA, Side::Bid, 1, u128::from(number + 1));
        let posting = Posting {
            signature: body(&order)["signature"].as_str().unwrap().parse().unwrap(),
            order,
            price: None,
            account: "A-1".into(),
            capacity: Capacity::Agency,
            solicited: false,
            received_at: board.store().clock().now(),
            taken_by: "web".into(),
        };
        due.tick().await;
        let posted = board
            .post_keeping(posting, None, By::new("web"), None, None)
            .await
            .unwrap();
        committed.push((posted.posted_seq, nanos()));
    }
    committed
}

/// Events that are still on their way when the last one was committed.
async fn settle() {
    tokio::time::sleep(Duration::from_secs(2)).await;
}

fn show(name: &str, found: &Measured, bar: u32) {
    let Measured {
        median,
        p99,
        most,
        events,
        missing,
    } = found;
    println!(
        "{name:<58} p99 {p99:>7.1} ms (bar {bar} ms), median {median:.1}, most {most:.1}; {events} events, {missing} missing"
    );
}

/// Readers of one server, from the commit on.
async fn one_server(name: &str, readers: usize, rate: u32, bars: (u32, u64)) {
    let stage = stage::stage().await;
    sessions(&stage, readers).await;
    let running = serve(&stage, stage.board.clone()).await;
    // What the first reader costs is not counted: it wakes everything that all of them share.
    let before = resident();
    let clients = Readers::begin(running.place, readers, 0).await;
    let committed = post(&stage.board, rate, 15).await;
    settle().await;
    let more = resident().saturating_sub(before) >> 20;
    let ended = running.ends().await;
    show(name, &clients.end(committed).await, bars.0);
    println!(
        "{name:<58} {more} MB more (bar {} MB); SIGTERM to exit {:.2} s (bar 2 s)",
        bars.1,
        ended.as_secs_f64()
    );
}

/// From a commit in one instance to a reader of another.
async fn two_instances(stage: Stage, name: &str, bar: u32) {
    sessions(&stage, 1).await;
    let clock = stage.board.store().clock().clone();
    let other = Store::open(&stage.url, clock).await.unwrap();
    let other = Board::open_store(other).await.unwrap();
    let running = serve(&stage, other).await;
    let clients = Readers::begin(running.place, 1, 0).await;
    let committed = post(&stage.board, 50, 6).await;
    settle().await;
    running.ends().await;
    show(name, &clients.end(committed).await, bar);
}

/// Readers of which some stop reading: the others' p99, and when the last stopped reader was cut off.
async fn stalled(readers: usize, count: usize) -> (Measured, Option<Duration>) {
    let stage = stage::stage().await;
    sessions(&stage, readers).await;
    let running = serve(&stage, stage.board.clone()).await;
    let clients = Readers::begin(running.place, readers, count).await;
    let began = Instant::now();
    let cut = async {
        while count > 0 && running.streams().await > readers - count {
            if began.elapsed() > Duration::from_mins(1) {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        Some(began.elapsed())
    };
    let (committed, cut) = tokio::join!(post(&stage.board, 25, 20), cut);
    settle().await;
    running.ends().await;
    (clients.end(committed).await, cut)
}

/// One reader's connection, with its first answer read, and what it read beyond that.
async fn connect(place: SocketAddr, reader: usize, stalls: bool) -> (TcpStream, Vec<u8>) {
    let socket = TcpSocket::new_v4().unwrap();
    if stalls {
        // The system's receive buffer, as far as it can be set.
        socket.set_recv_buffer_size(4 << 10).unwrap();
    }
    let mut stream = socket.connect(place).await.unwrap();
    let cookie = BASE64.encode(token(reader));
    let request = format!(
        "GET /v1/stream?security=HRBR HTTP/1.1\r\nhost: board.example\r\ncookie: __Host-session={cookie}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut read = Vec::with_capacity(2 << 10);
    loop {
        assert!(
            stream.read_buf(&mut read).await.unwrap() > 0,
            "{}",
            String::from_utf8_lossy(&read)
        );
        let text = String::from_utf8_lossy(&read);
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
        if let Some(at) = text
            .find("event: snapshot")
            .and_then(|at| Some(at + text[at..].find("\n\n")?))
        {
            let rest = read.split_off(at);
            return (stream, rest);
        }
    }
}

/// Bytes that a reader reads at once.
const READ: usize = 2 << 10;

/// When each lot arrived.
async fn listen(mut stream: TcpStream, mut rest: Vec<u8>) -> Vec<(u64, u64)> {
    let mut came = Vec::new();
    loop {
        let now = nanos();
        let text = String::from_utf8_lossy(&rest);
        let mut done = 0;
        while let Some(at) = text[done..].find("id: ") {
            let Some((id, behind)) = text[done + at + 4..].split_once('\n') else {
                break;
            };
            let Some((event, _)) = behind.split_once('\n') else {
                break;
            };
            if event == "event: lot" {
                came.push((id.parse().unwrap(), now));
            }
            done += at + 4 + id.len();
        }
        let kept = rest.len().saturating_sub(64).max(done);
        rest.drain(..kept.min(rest.len()));
        // Room for a whole event, or more, in one read.
        rest.reserve(READ);
        match stream.read_buf(&mut rest).await {
            Ok(count) if count > 0 => {}
            _ => return came,
        }
    }
}

/// This program as readers.
async fn read(place: SocketAddr, count: usize, stalled: usize) {
    let opened = stream::iter(0..count)
        .map(|reader| connect(place, reader, reader < stalled))
        .buffered(OPENING)
        .collect::<Vec<_>>();
    let mut streams = opened.await;
    let idle: Vec<_> = streams.drain(..stalled).collect();
    let readers: Vec<_> = streams
        .into_iter()
        .map(|(stream, rest)| tokio::spawn(listen(stream, rest)))
        .collect();
    println!("ready");
    let told = tokio::task::spawn_blocking(|| {
        let lines = std::io::stdin().lines().map_while(Result::ok);
        let pair = |line: String| {
            let (seq, at) = line.split_once(' ')?;
            Some((seq.parse().ok()?, at.parse().ok()?))
        };
        lines.filter_map(pair).collect::<HashMap<u64, u64>>()
    });
    let committed = Arc::new(told.await.unwrap());
    let (mut times, mut missing) = (Vec::new(), 0);
    for reader in readers {
        let came = tokio::time::timeout(Duration::from_secs(10), reader).await;
        let came = came.map_or_else(|_| Vec::new(), Result::unwrap);
        let known = came
            .iter()
            .filter_map(|(seq, at)| Some(at.saturating_sub(*committed.get(seq)?)));
        let before = times.len();
        times.extend(known);
        missing += committed.len() - (times.len() - before);
    }
    drop(idle);
    times.sort_unstable();
    let at = |share: usize| {
        let nanos = times.get((times.len() * share / 1_000).min(times.len().saturating_sub(1)));
        Duration::from_nanos(nanos.copied().unwrap_or_default()).as_secs_f64() * 1_000.0
    };
    println!(
        "{} {} {} {} {missing}",
        at(500),
        at(990),
        at(1_000),
        times.len()
    );
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if let Ok(asked) = std::env::var(READERS) {
        let parts: Vec<&str> = asked.split(' ').collect();
        let number = |text: &str| text.parse().unwrap();
        return runtime.block_on(read(
            parts[0].parse().unwrap(),
            number(parts[1]),
            number(parts[2]),
        ));
    }
    let most = std::env::var("BENCH_READERS")
        .ok()
        .and_then(|text| text.parse().ok());
    let most: usize = most.unwrap_or(10_000);
    runtime.block_on(async {
        one_server("commit to delivery, one reader (SQLite)", 1, 50, (50, 60)).await;
        let mut stages = stage::stages().await.into_iter();
        if let Some(stage) = stages.next() {
            two_instances(stage, "to another instance (SQLite asks ten times a second)", 150).await;
        }
        match stages.next() {
            Some(stage) => two_instances(stage, "to another instance (PostgreSQL)", 100).await,
            None => println!("to another instance (PostgreSQL): ORDERBOOK_TEST_POSTGRES is not set"),
        }
        one_server("1,000 readers, 5 events a second", 1_000.min(most), 5, (100, 60)).await;
        one_server(&format!("{most} readers, 5 events a second"), most, 5, (500, 300)).await;
        let readers = 1_000.min(most);
        let (alone, _) = stalled(readers, 0).await;
        show("1,000 readers, 25 events a second", &alone, 100);
        let (beside, cut) = stalled(readers, readers / 10).await;
        show("the others while 100 of them take nothing", &beside, 100);
        let ratio = beside.p99 / alone.p99;
        let cut = cut.map_or("not within 60 s".to_owned(), |took| format!("after {:.1} s", took.as_secs_f64()));
        println!("the others' p99 is {ratio:.2} x (bar 1.2 x); the last of the 100 was cut off {cut} (bar 30 s)");
    });
}
