//! Random histories of two servers on one `PostgreSQL`, each killed at random and started again: no accepted order is lost,
//! none appears twice, cancelled ones stay cancelled, a stream has no gaps and no repetitions, and the log verifies.
//!
//! `HISTORIES` is how many (12; the project's full test run has 100, `make fuzz` 10,000), `HISTORIES_SEED` the first
//! one's seed, which is printed with any failure.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use alloy::primitives::{B256, Bytes};
use alloy::signers::SignerSync as _;
use alloy::signers::local::PrivateKeySigner;
use book::audit::verify::verify;
use book::board::Board;
use book::log::event::EventType;
use book::market::order::{Order, OrderHasher, board_ref};
use desk::wallet::keystore::Wallets;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::process::{Market, waiting};

/// Histories by default.
const HISTORIES: u64 = 12;
/// Clients at once.
const CLIENTS: usize = 3;
/// How much each client does in a history.
const STEPS: usize = 6;
/// How often a server is killed in a history.
const KILLS: usize = 2;
/// How often a request is sent before the test gives up: one of the two servers is always up.
const PATIENCE: usize = 200;

/// Random numbers that a seed repeats (`SplitMix64`).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).expect("a small number");
        usize::try_from(self.next() % limit).expect("a small number")
    }
}

/// The same command with this limit on a process's open files.
fn limited(command: &Command, files: u32) -> Command {
    let mut shell = Command::new("bash");
    shell
        .stdin(Stdio::null())
        .args(["-c", &format!("ulimit -n {files}; exec \"$@\""), "bash"])
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    shell
}

/// A server process on a market's book, with this limit on open files; its port.
pub(crate) fn start(market: &Market, files: Option<u32>) -> (Child, u16) {
    let line = "serve --listen 127.0.0.1:0 --timeout 5 --limit-per-minute 100000000";
    let mut command = market.command(&market.url, line);
    if let Some(files) = files {
        command = limited(&command, files);
    }
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("orderbook starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
    let mut line = String::new();
    stderr.read_line(&mut line).expect("it speaks");
    let begun: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
    // Not reading on would block the server.
    std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
    let url = begun["serving"].as_str().expect("a URL");
    let (_, port) = url.rsplit_once(':').expect("a port");
    (child, port.parse().expect("a number"))
}

/// An investor with a key for machines.
struct Investor {
    signer: PrivateKeySigner,
    key: String,
    /// An order of its own, of which only the reference is drawn again each time.
    order: Order,
    /// The same as a client sends it.
    sent: Value,
}

/// Two servers, of which at most one is down at a time.
struct Servers<'a> {
    market: &'a Market,
    children: Mutex<[Child; 2]>,
    ports: [AtomicU16; 2],
    /// Requests sent, so that a kill can happen in the middle of one.
    sent: Mutex<usize>,
    moved: Condvar,
}

impl Drop for Servers<'_> {
    fn drop(&mut self) {
        if let Ok(children) = self.children.get_mut() {
            for child in children {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
    }
}

/// What came back, unless the connection broke before all of it had arrived.
pub(crate) fn ask(port: u16, head: &str, body: &Value) -> Option<(u16, Value)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .ok()?;
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let length = body.len();
    write!(
        stream,
        "{head}\r\nHost: localhost:{port}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
    .ok()?;
    let mut said = String::new();
    stream.read_to_string(&mut said).ok()?;
    let (head, body) = said.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, serde_json::from_str(body).ok()?))
}

impl Servers<'_> {
    /// Sends a request until it gets a final answer: where it gets none, to the other server.
    fn insist(&self, mut server: usize, head: &str, body: &Value) -> (u16, Value) {
        for _ in 0..PATIENCE {
            *self.sent.lock().expect("no panic") += 1;
            self.moved.notify_all();
            let port = self.ports[server].load(Ordering::SeqCst);
            match ask(port, head, body) {
                Some((status, said)) if status != 503 => return (status, said),
                _ => server = 1 - server,
            }
        }
        panic!("no answer: {head}");
    }

    /// Kills a server once this many requests were sent, and starts another in its place.
    fn kill(&self, server: usize, after: usize) {
        let sent = self.sent.lock().expect("no panic");
        let patience = Duration::from_secs(20);
        let (sent, _) = self
            .moved
            .wait_timeout_while(sent, patience, |sent| *sent < after)
            .expect("no panic");
        drop(sent);
        let mut children = self.children.lock().expect("no panic");
        children[server].kill().expect("it runs");
        children[server].wait().expect("it ended");
        let (child, port) = start(self.market, None);
        children[server] = child;
        self.ports[server].store(port, Ordering::SeqCst);
    }
}

/// What an investor needs: the key is made over HTTP by its own session.
fn investor(market: &Market, port: u16, wallet: &str, line: &str) -> Investor {
    let wallets = Wallets::new(market.path().join("wallets"));
    let password = std::fs::read_to_string(market.path().join("password")).expect("a password");
    let signer = wallets
        .open(wallet, password.lines().next().expect("a line"))
        .expect("a wallet");
    let own = format!("Origin: http://localhost:{port}\r\nSec-Fetch-Site: same-origin");
    let head = format!("POST /v1/session/challenge HTTP/1.1\r\n{own}");
    let (mut stream_said, challenge) = raw(port, &head, &json!({ "address": signer.address() }));
    let browser = cookie(&stream_said, "__Host-sign-in");
    let text = challenge["message"].as_str().expect("a text");
    let signature = signer
        .sign_message_sync(text.as_bytes())
        .expect("a signature");
    let signature = Bytes::from(signature.as_bytes().to_vec());
    let answer = json!({ "nonce": challenge["nonce"], "signature": signature });
    let head = format!("POST /v1/session HTTP/1.1\r\n{own}\r\nCookie: {browser}");
    (stream_said, _) = raw(port, &head, &answer);
    let session = cookie(&stream_said, "__Host-session");
    let ends = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
    let asked = json!({ "name": "histories", "scopes": ["orders", "read"], "expires_at": ends });
    let unique = Uuid::now_v7();
    let head = format!(
        "POST /v1/keys HTTP/1.1\r\n{own}\r\nCookie: {session}\r\nIdempotency-Key: {unique}"
    );
    let (_, made) = raw(port, &head, &asked);
    let key = made["key"]
        .as_str()
        .unwrap_or_else(|| panic!("{made}"))
        .to_owned();

    let line = format!("order sign {line} --wallet {wallet}");
    let said = market.run_beside_others(&market.url, &line).exits(0);
    let file = said.json()["data"][0].clone();
    let text = |name: &str| file[name].as_str().expect(name).to_owned();
    let (quantity, total) = (text("quantity"), text("limit_total"));
    let order = Order {
        owner: signer.address(),
        side: u8::from(file["side"] == "ask"),
        security: text("security").parse().expect("an address"),
        payment: text("payment").parse().expect("an address"),
        quantity: quantity.parse().expect("a number"),
        limitTotal: total.parse().expect("a number"),
        expiry: file["expiry"].as_u64().expect("seconds"),
        epoch: file["epoch"].as_u64().expect("a number"),
        counterparty: text("counterparty").parse().expect("an address"),
        boardRef: B256::ZERO,
    };
    let expiry = jiff::Timestamp::from_second(order.expiry.cast_signed()).expect("a time");
    let sent = json!({
        "chain_id": file["chain_id"],
        "contract": file["settlement"],
        "owner": order.owner,
        "side": file["side"],
        "security": order.security,
        "payment": order.payment,
        "quantity": order.quantity.to_string(),
        "limit_total": order.limitTotal.to_string(),
        "expiry": expiry,
        "epoch": order.epoch,
        "counterparty": order.counterparty,
    });
    Investor {
        signer,
        key,
        order,
        sent,
    }
}

/// As `ask`, with the head of the answer, from a server that is up.
fn raw(port: u16, head: &str, body: &Value) -> (String, Value) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let (body, host) = (body.to_string(), format!("localhost:{port}"));
    let length = body.len();
    write!(
        stream,
        "{head}\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
    .expect("it reads");
    let mut said = String::new();
    stream.read_to_string(&mut said).expect("it answers");
    let (head, body) = said.split_once("\r\n\r\n").expect("a head");
    (head.to_owned(), serde_json::from_str(body).expect("JSON"))
}

fn cookie(head: &str, name: &str) -> String {
    let start = format!("set-cookie: {name}=");
    let line = head.lines().find(|line| line.starts_with(&start));
    let line = line.unwrap_or_else(|| panic!("{head}"));
    let (pair, _) = line["set-cookie: ".len()..]
        .split_once(';')
        .expect("attributes");
    pair.to_owned()
}

impl Investor {
    /// A new order: its id, and how it is sent.
    fn draw(&self) -> (B256, Value) {
        let reference = board_ref(Uuid::now_v7());
        let order = Order {
            boardRef: reference,
            ..self.order.clone()
        };
        let number = |name: &str| self.sent[name].as_u64().expect(name);
        let contract = self.sent["contract"].as_str().expect("an address");
        let contract = contract.parse().expect("an address");
        let id = OrderHasher::new(number("chain_id"), contract).id(&order);
        let signature = self.signer.sign_hash_sync(&id).expect("a signature");
        let mut sent = self.sent.clone();
        sent["board_ref"] = json!(reference);
        let signature = Bytes::from(signature.as_bytes().to_vec());
        (id, json!({ "order": sent, "signature": signature }))
    }

    fn head(&self, verb: &str, path: &str, unique: &str) -> String {
        format!(
            "{verb} {path} HTTP/1.1\r\nAuthorization: Bearer {}\r\nIdempotency-Key: {unique}",
            self.key
        )
    }
}

/// What the servers said was done: the event of each order, and whether it was taken off again.
type Accepted = BTreeMap<B256, (u64, bool)>;

/// What a follower of the market was told, by whichever server is up.
#[derive(Default)]
struct Told {
    /// The events of the log, in the sequence in which they came.
    ids: Vec<u64>,
    /// The last one, or that of the snapshot.
    last: Option<u64>,
    over: bool,
    stream: Option<TcpStream>,
}

/// Follows the market until it is over.
#[derive(Default)]
struct Follower {
    told: Mutex<Told>,
    moved: Condvar,
}

/// Ends a follower, also when a history fails.
struct Ends<'a>(&'a Follower);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        let mut told = self.0.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.over = true;
        if let Some(stream) = told.stream.take() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Follower {
    /// Waits until it was told something.
    fn wait(&self, what: &str, told: impl Fn(&Told) -> bool) {
        let state = self.told.lock().expect("no panic");
        let patience = Duration::from_secs(30);
        let (state, late) = self
            .moved
            .wait_timeout_while(state, patience, |state| !told(state))
            .expect("no panic");
        assert!(!late.timed_out(), "{what} was not told: {:?}", state.ids);
    }

    fn follow(&self, servers: &Servers<'_>, investor: &Investor) {
        for server in [0, 1].into_iter().cycle() {
            let port = servers.ports[server].load(Ordering::SeqCst);
            let _ = self.read(port, investor);
            if self.told.lock().expect("no panic").over {
                return;
            }
        }
    }

    /// Reads one stream to its end, from the last event that was told.
    fn read(&self, port: u16, investor: &Investor) -> Option<()> {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        let mut told = self.told.lock().expect("no panic");
        if told.over {
            return None;
        }
        told.stream = Some(stream.try_clone().ok()?);
        let last = told.last.map(|last| format!("Last-Event-ID: {last}\r\n"));
        drop(told);
        // Without chunks.
        let head = investor.head("GET", "/v1/stream?security=HRBR", "");
        let head = head.replace("HTTP/1.1", "HTTP/1.0");
        let last = last.unwrap_or_default();
        write!(stream, "{head}\r\nHost: localhost:{port}\r\n{last}\r\n").ok()?;
        let mut event = Vec::new();
        for line in BufReader::new(stream).lines() {
            let line = line.ok()?;
            if !line.is_empty() {
                event.push(line);
                continue;
            }
            self.take(&event);
            event.clear();
        }
        None
    }

    /// Takes one event as it is on the wire; one that is cut off in the middle does not count.
    fn take(&self, event: &[String]) {
        let field = |name: &str| event.iter().find_map(|line| line.strip_prefix(name));
        let Some(id) = field("id: ") else {
            return;
        };
        let id: u64 = id.parse().expect("a number");
        let data: Value = serde_json::from_str(field("data: ").expect("data")).expect("JSON");
        let mut told = self.told.lock().expect("no panic");
        if field("event: ") == Some("snapshot") {
            assert_eq!(told.last, None, "a snapshot where nothing was missed");
        } else {
            // Neither a gap nor a repetition.
            assert_eq!(data["after"].as_u64(), told.last, "{event:?}");
            assert!(told.last < Some(id), "{event:?}");
            told.ids.push(id);
        }
        told.last = Some(id);
        self.moved.notify_all();
    }
}

/// One client's part of a history.
fn client(servers: &Servers<'_>, investor: &Investor, mut random: Random) -> Accepted {
    let mut accepted = Accepted::new();
    for _ in 0..STEPS {
        let server = random.below(2);
        let open = accepted.iter().find(|(_, (_, ended))| !ended);
        let open = open.map(|(id, _)| *id).filter(|_| random.below(4) == 0);
        if let Some(id) = open {
            let head = investor.head("DELETE", &format!("/v1/orders/{id}"), "");
            let (status, said) = servers.insist(server, &head, &Value::Null);
            // If it was killed after its commit, the first try did it, and the second finds it done.
            let done = status == 200 || (status, &said["state"]) == (409, &json!("CANCELLED"));
            assert!(done, "{status} {said}");
            accepted.entry(id).and_modify(|entry| entry.1 = true);
            continue;
        }
        let ((id, body), unique) = (investor.draw(), Uuid::now_v7().to_string());
        let head = investor.head("POST", "/v1/orders", &unique);
        let (status, said) = servers.insist(server, &head, &body);
        assert!([200, 201].contains(&status), "{status} {said}");
        assert_eq!(said["id"], json!(id), "{said}");
        let seq = said["seq"].as_u64().expect("an event");
        accepted.insert(id, (seq, false));
        if random.below(3) == 0 {
            // Again, under the same key or another: the same order, once.
            let unique = if random.below(2) == 0 {
                unique
            } else {
                Uuid::now_v7().to_string()
            };
            let head = investor.head("POST", "/v1/orders", &unique);
            let (status, again) = servers.insist(random.below(2), &head, &body);
            assert!([200, 201].contains(&status), "{status} {again}");
            assert_eq!(again["seq"], json!(seq), "{again}");
        }
    }
    accepted
}

/// Plays a history; what was accepted in it.
fn play(servers: &Servers<'_>, investors: &[Investor], seed: u64) -> Accepted {
    let mut random = Random(seed);
    let began = *servers.sent.lock().expect("no panic");
    let killings: Vec<(usize, usize)> = (0..KILLS)
        .map(|number| (random.below(2), began + 1 + number * 6 + random.below(6)))
        .collect();
    let follower = Follower::default();
    std::thread::scope(|scope| {
        let _ends = Ends(&follower);
        scope.spawn(|| follower.follow(servers, &investors[0]));
        follower.wait("a snapshot", |told| told.last.is_some());
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let own = Random(random.next());
                let investor = &investors[number % investors.len()];
                scope.spawn(move || client(servers, investor, own))
            })
            .collect();
        for (server, after) in killings {
            servers.kill(server, after);
        }
        let accepted = clients
            .into_iter()
            .map(|client| client.join().expect("no panic"));
        let accepted: Accepted = accepted.flatten().collect();
        // Every order is a lot of a market that the follower sees.
        for (seq, _) in accepted.values() {
            follower.wait("an order", |told| told.ids.contains(seq));
        }
        accepted
    })
}

/// Compares the book with what the servers said, from an event on; returns the event to go on from.
async fn compare(store: &str, from: u64, accepted: &Accepted) -> u64 {
    let board = Board::open(store).await.expect("a book");
    let events = board.events(from, 100_000).await.expect("a log");
    let mut posted: BTreeMap<B256, u64> = BTreeMap::new();
    let mut cancelled = BTreeSet::new();
    for event in &events {
        let id = || event.subject.parse().expect("an id");
        match event.kind {
            EventType::OrderPosted => {
                let before = posted.insert(id(), event.seq);
                assert_eq!(before, None, "order {} is there twice", event.subject);
            }
            EventType::OrderCancelled => assert!(cancelled.insert(id()), "{}", event.subject),
            _ => {}
        }
    }
    let said: BTreeMap<B256, u64> = accepted.iter().map(|(id, (seq, _))| (*id, *seq)).collect();
    assert_eq!(
        posted, said,
        "what the servers accepted is what the log has"
    );
    let ended: BTreeSet<B256> = accepted
        .iter()
        .filter(|(_, (_, ended))| *ended)
        .map(|(id, _)| *id)
        .collect();
    assert_eq!(cancelled, ended);
    let report = verify(&board, &[], |_| {}).await.expect("a log");
    assert_eq!(report.finding, None);
    board.store().close().await;
    report.events + 1
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

#[test]
fn of_two_servers_that_are_killed_at_random_no_order_is_lost_and_none_is_there_twice() {
    let Some(market) = Market::on_postgres() else {
        return;
    };
    let (first, second) = (start(&market, None), start(&market, None));
    let victor = "bid HRBR 10 24.50";
    let investors = [
        investor(&market, first.1, "victor-chen", victor),
        investor(&market, second.1, "ada-lindqvist", "ask HRBR 10 26.50"),
    ];
    let servers = Servers {
        market: &market,
        ports: [AtomicU16::new(first.1), AtomicU16::new(second.1)],
        children: Mutex::new([first.0, second.0]),
        sent: Mutex::default(),
        moved: Condvar::new(),
    };
    let histories = number("HISTORIES").unwrap_or(HISTORIES);
    let seed = number("HISTORIES_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("{histories} histories from HISTORIES_SEED={seed} on");
    let head = async {
        let board = Board::open(&market.store).await.expect("a book");
        board.head().await.expect("a head").size
    };
    let mut from = waiting(head) + 1;
    for number in 0..histories {
        let own = seed.wrapping_add(number);
        println!("HISTORIES=1 HISTORIES_SEED={own}");
        let accepted = play(&servers, &investors, own);
        from = waiting(compare(&market.store, from, &accepted));
    }
}
