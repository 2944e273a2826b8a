//! Posting orders over HTTP on this machine's loopback, durably, compared with posting them through the library one
//! after the other, and with the same requests refused before the store must write. On `PostgreSQL` also two instances
//! on one book. Clients and servers share the machine.
//!
//! `cargo bench -p serve`; the same on `PostgreSQL` with `FSYNC=on scripts/with-postgres.sh` before it. `BENCH_POSTS` is
//! how many (4,000).

#[path = "../tests/api/stage.rs"]
#[allow(dead_code)]
mod stage;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use book::board::Board;
use book::board::posting::Posting;
use book::log::By;
use book::market::order::{Order, Side};
use book::market::record::Capacity;
use book::store::Store;
use serde_json::{Value, json};
use serve::Server;
use serve::config::{Config, Face};
use stage::{ADA, Stage, URL, body, body_signed_by, order};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Clients at once.
const CLIENTS: usize = 32;
/// Requests a second of the run at a fixed rate.
const RATE: u64 = 500;

/// One kept connection.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    async fn connect(place: SocketAddr) -> Self {
        let stream = TcpStream::connect(place).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let buffer = Vec::new();
        Self { stream, buffer }
    }

    /// Sends a request and reads the whole answer; returns its status.
    async fn ask(&mut self, request: &[u8]) -> u16 {
        self.stream.write_all(request).await.unwrap();
        self.buffer.clear();
        let mut part = [0; 4_096];
        loop {
            let count = self.stream.read(&mut part).await.unwrap();
            assert!(count > 0, "the server hung up");
            self.buffer.extend_from_slice(&part[..count]);
            let text = String::from_utf8_lossy(&self.buffer);
            let Some((head, rest)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            if rest.len() >= length.unwrap().parse::<usize>().unwrap() {
                return head.split(' ').nth(1).unwrap().parse().unwrap();
            }
        }
    }
}

fn request(key: &str, number: usize, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!(
        "POST /v1/orders HTTP/1.1\r\nhost: board.example\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         idempotency-key: {number}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Sends requests from all clients as fast as they are answered; returns how long it took.
async fn flood(places: &[SocketAddr], requests: Arc<Vec<Vec<u8>>>, wanted: u16) -> Duration {
    let next = Arc::new(AtomicUsize::new(0));
    let mut clients = Vec::new();
    for place in places.iter().cycle().take(CLIENTS) {
        clients.push(Client::connect(*place).await);
    }
    let began = Instant::now();
    let tasks = clients.into_iter().map(|mut client| {
        let (next, requests) = (next.clone(), requests.clone());
        tokio::spawn(async move {
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                assert_eq!(client.ask(request).await, wanted);
            }
        })
    });
    futures::future::try_join_all(tasks).await.unwrap();
    began.elapsed()
}

/// Sends requests at a fixed rate, even if earlier ones are late; returns the time of each from when it was due.
async fn paced(place: SocketAddr, requests: Vec<Vec<u8>>) -> Vec<Duration> {
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(Client::connect(place).await);
    }
    let began = Instant::now();
    let mut lanes: Vec<Vec<(Instant, Vec<u8>)>> = vec![Vec::new(); CLIENTS];
    for (number, request) in requests.into_iter().enumerate() {
        let due = began + Duration::from_micros(1_000_000 / RATE) * u32::try_from(number).unwrap();
        lanes[number % CLIENTS].push((due, request));
    }
    let tasks = clients.into_iter().zip(lanes).map(|(mut client, lane)| {
        tokio::spawn(async move {
            let mut times = Vec::new();
            for (due, request) in lane {
                tokio::time::sleep_until(due.into()).await;
                assert_eq!(client.ask(&request).await, 201);
                times.push(due.elapsed());
            }
            times
        })
    });
    let times = futures::future::try_join_all(tasks).await.unwrap();
    times.concat()
}

fn bids(count: usize) -> Vec<Order> {
    (1..=count as u128)
        .map(|number| order(ADA, Side::Bid, 1, number))
        .collect()
}

/// Posts one after the other, through the library.
async fn one_by_one(board: &Board, orders: Vec<Order>) -> Duration {
    let postings: Vec<Posting> = orders
        .into_iter()
        .map(|order| Posting {
            signature: body(&order)["signature"].as_str().unwrap().parse().unwrap(),
            order,
            price: None,
            account: "A-1".into(),
            capacity: Capacity::Agency,
            solicited: false,
            received_at: board.store().clock().now(),
            taken_by: "web".into(),
        })
        .collect();
    let began = Instant::now();
    for posting in postings {
        board.post(posting, None, By::new("web")).await.unwrap();
    }
    began.elapsed()
}

fn rate(count: usize, took: Duration) -> f64 {
    f64::from(u32::try_from(count).unwrap()) / took.as_secs_f64()
}

/// A server that is listening, and how it is told to shut down.
struct Running {
    place: SocketAddr,
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

fn config() -> Config {
    Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        admin: None,
        faces: Face::ALL.to_vec(),
        public_url: Some(URL.parse().unwrap()),
        tls: None,
        proxies: None,
        limit: u32::MAX,
        log_key: None,
        last_log_key: None,
        webhook_allow: Vec::new(),
    }
}

async fn start(stage: &Stage, board: Board) -> Running {
    let opened = Server::open(config(), board, stage.node.clone(), By::new("bench"));
    let server = opened.await.unwrap().silent();
    let place = server.place().unwrap();
    let (end, told) = oneshot::channel();
    let task = tokio::spawn(server.run(async {
        let _ = told.await;
    }));
    Running { place, end, task }
}

async fn measure(stage: Stage, name: &str, posts: usize) {
    let ada = stage.sign_in(ADA).await;
    let asked =
        json!({ "name": "bench", "scopes": ["orders"], "expires_at": "2027-01-16T08:00:00Z" });
    let said = stage.post("/v1/keys", &ada, &asked).await.is(201).json();
    let key = said["key"].as_str().unwrap();
    let first = start(&stage, stage.board.clone()).await;
    let place = first.place;
    let mut number = 0;
    let mut requests = |signer: u8, count: usize| -> Vec<Vec<u8>> {
        let each = bids(count).into_iter().map(|order| {
            number += 1;
            request(key, number, &body_signed_by(signer, &order))
        });
        each.collect()
    };
    let refused = Arc::new(requests(stage::BEN, posts));
    let accepted = Arc::new(requests(ADA, posts));
    let due = requests(ADA, 5 * usize::try_from(RATE).unwrap());
    let shared = Arc::new(requests(ADA, posts));
    let bare = rate(posts, flood(&[place], refused, 422).await);
    let posted = rate(posts, flood(&[place], accepted, 201).await);
    let single = rate(posts, one_by_one(&stage.board, bids(posts)).await);
    let mut times = paced(place, due).await;
    times.sort_unstable();
    let p99 = times[times.len() * 99 / 100];
    println!("{name}: posts over HTTP, {CLIENTS} clients   {posted:>8.0} /s");
    println!(
        "{name}: by the library, one after another   {single:>8.0} /s, {:.2} x",
        posted / single
    );
    println!(
        "{name}: refused before the store writes     {bare:>8.0} /s, {:.2} x",
        posted / bare
    );
    println!(
        "{name}: p99 at {RATE} posts/s               {:>8.1} ms",
        p99.as_secs_f64() * 1_000.0
    );
    let mut servers = vec![first];
    if stage.url.starts_with("postgres") {
        let clock = stage.board.store().clock().clone();
        let store = Store::open(&stage.url, clock).await.unwrap();
        let board = Board::open_store(store).await.unwrap();
        servers.push(start(&stage, board).await);
        let places: Vec<SocketAddr> = servers.iter().map(|server| server.place).collect();
        let together = rate(posts, flood(&places, shared, 201).await);
        println!(
            "{name}: two instances together              {together:>8.0} /s, {:.2} x",
            together / posted
        );
    }
    for server in servers {
        server.end.send(()).unwrap();
        server.task.await.unwrap();
    }
}

fn main() {
    let posts = std::env::var("BENCH_POSTS")
        .ok()
        .and_then(|text| text.parse().ok());
    let posts = posts.unwrap_or(4_000);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        for (stage, name) in stage::stages()
            .await
            .into_iter()
            .zip(["SQLite", "PostgreSQL"])
        {
            measure(stage, name, posts).await;
        }
    });
}
