//! Many clients at once, most of them rude: a well-behaved one gets all its answers, and the memory stays
//! bounded.

#[path = "support/memory.rs"]
mod memory;
#[path = "support/wire.rs"]
mod wire;

use devnet::Devnet;
use serde_json::{Value, json};
use std::time::Duration;
use wire::{Connection, Message, WebSocket};

/// Connections of each kind.
const MANY: usize = 400;
/// The most memory a crowd may cost, in megabytes.
const KEPT: u64 = 400;
/// The most connections that the server serves.
const MAX_CONNECTIONS: usize = 1_000;

fn start(patience: Duration) -> Devnet {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime
        .block_on(Devnet::builder().patience(patience).spawn())
        .unwrap()
}

/// A well-behaved client: sends a payment and asks for its receipt and the balance.
struct Polite {
    connection: Connection,
    from: String,
    payee: String,
    paid: u64,
}

impl Polite {
    fn new(devnet: &Devnet, account: usize) -> Self {
        Self {
            connection: Connection::open(devnet.address()).unwrap(),
            from: devnet.accounts()[account].to_string(),
            payee: format!("0x{:040x}", 0x1000 + account),
            paid: 0,
        }
    }

    /// Opens a new connection: the old one may have been silent for too long.
    fn reconnect(&mut self, devnet: &Devnet) {
        self.connection = Connection::open(devnet.address()).unwrap();
    }

    fn call(&mut self, method: &str, params: &Value) -> Value {
        let answer = self.connection.call(method, &params.to_string());
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    fn pay(&mut self) {
        self.paid += 1;
        let payment = json!([{ "from": self.from, "to": self.payee, "value": "0x1" }]);
        let hash = self.call("eth_sendTransaction", &payment);
        let receipt = self.call("eth_getTransactionReceipt", &json!([hash]));
        assert_eq!(receipt["status"], "0x1");
        let balance = self.call("eth_getBalance", &json!([self.payee, "latest"]));
        assert_eq!(balance, format!("{:#x}", self.paid));
    }
}

#[test]
fn hundreds_of_clients_at_once_all_get_their_answers() {
    let devnet = start(Duration::from_secs(30));
    let before = memory::resident();
    let address = devnet.address();
    let mut http: Vec<_> = (0..MANY)
        .map(|_| Connection::open(address).unwrap())
        .collect();
    let mut sockets: Vec<_> = (0..MANY)
        .map(|_| WebSocket::open(address).unwrap())
        .collect();
    let mut polite = Polite::new(&devnet, 1);
    // All requests are sent before the first answer is read.
    let question = wire::request("eth_chainId", "[]");
    for round in 0..3 {
        for connection in &mut http {
            let head = wire::head(question.len());
            connection
                .write(format!("{head}{question}").as_bytes())
                .unwrap();
        }
        for socket in &mut sockets {
            socket.send(question.as_bytes()).unwrap();
        }
        polite.pay();
        for connection in &mut http {
            let (status, body) = connection.read().unwrap();
            assert_eq!(status, 200);
            assert!(
                String::from_utf8(body).unwrap().contains("0x64aba"),
                "{round}"
            );
        }
        for socket in &mut sockets {
            let Message::Text(answer) = socket.receive().unwrap() else {
                panic!("round {round}: closed");
            };
            assert!(answer.contains("0x64aba"), "{answer}");
        }
    }
    let after = memory::resident();
    assert!(after <= before + KEPT, "{before} MB grew to {after} MB");
}

#[test]
fn clients_that_stop_half_way_lose_their_connection_and_nobody_else_does() {
    let devnet = start(Duration::from_millis(250));
    let question = wire::request("eth_chainId", "[]");
    let whole = format!("{}{question}", wire::head(question.len()));
    // Each stops at a different byte: in the head, between head and body, in the body.
    let mut slow: Vec<_> = (0..MANY)
        .map(|index| {
            let mut connection = Connection::open(devnet.address()).unwrap();
            let end = index % whole.len();
            for byte in &whole.as_bytes()[..end] {
                connection.write(&[*byte]).unwrap();
            }
            connection
        })
        .collect();
    let mut polite = Polite::new(&devnet, 1);
    for connection in &mut slow {
        polite.reconnect(&devnet);
        polite.pay();
        assert!(connection.is_closed());
    }
}

#[test]
fn a_client_beyond_the_limit_is_told_so_and_served_once_there_is_a_place() {
    let devnet = start(Duration::from_secs(30));
    let open = || Connection::open(devnet.address()).unwrap();
    let mut places: Vec<_> = (0..MAX_CONNECTIONS).map(|_| open()).collect();
    // The server has accepted them all: they are accepted in order.
    let last = places.last_mut().unwrap().call("eth_chainId", "[]");
    assert!(last.contains("0x64aba"), "{last}");
    let mut refused = open();
    let (status, body) = refused
        .post(wire::request("eth_chainId", "[]").as_bytes())
        .unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(status, 503);
    assert_eq!(
        body["error"],
        json!({
            "code": -32005,
            "message": "the server already has 1000 connections, its maximum; try again later",
        })
    );
    assert!(refused.is_closed());
    assert!(WebSocket::open(devnet.address()).is_err());
    drop(places.pop());
    // The server notices it eventually.
    let served =
        std::iter::repeat_with(|| open().post(wire::request("eth_chainId", "[]").as_bytes()))
            .any(|answer| answer.is_ok_and(|(status, _)| status == 200));
    assert!(served);
}

#[test]
fn a_subscriber_that_reads_too_slowly_is_told_what_it_missed() {
    let devnet = start(Duration::from_secs(30));
    let before = memory::resident();
    let mut slow = WebSocket::open(devnet.address()).unwrap();
    let Message::Text(subscribed) = slow.call("eth_subscribe", "[\"newHeads\"]") else {
        panic!("closed");
    };
    assert!(subscribed.contains("result"), "{subscribed}");
    let mut polite = Polite::new(&devnet, 1);
    // More than the connection's buffers and the backlog can hold together.
    for _ in 0..30 {
        polite.call("anvil_mine", &json!(["0x3e8"]));
        polite.pay();
    }
    let mut numbers = Vec::new();
    let ended = loop {
        let Message::Text(text) = slow.receive().unwrap() else {
            panic!("closed without a word");
        };
        let notification: Value = serde_json::from_str(&text).unwrap();
        let params = &notification["params"];
        if let Some(error) = params.get("error") {
            break error.as_str().unwrap().to_owned();
        }
        let number = params["result"]["number"].as_str().unwrap();
        numbers.push(u64::from_str_radix(&number[2..], 16).unwrap());
    };
    // What came before is complete.
    let whole: Vec<u64> = (1..=numbers.len() as u64).collect();
    assert_eq!(numbers, whole);
    let start = "the subscription ended: the client reads too slowly and missed ";
    assert!(ended.starts_with(start), "{ended}");
    let again = slow.call("eth_subscribe", "[\"newHeads\"]");
    assert!(matches!(again, Message::Text(text) if text.contains("result")));
    let after = memory::resident();
    assert!(after <= before + KEPT, "{before} MB grew to {after} MB");
}

#[test]
fn clients_that_never_read_their_answers_lose_their_connection() {
    let devnet = start(Duration::from_millis(250));
    let before = memory::resident();
    let mut polite = Polite::new(&devnet, 1);
    // Each answer is a thousand times as long as its request.
    let code = format!("0x{}", "5b".repeat(100_000));
    polite.call("hardhat_setCode", &json!([polite.payee, code]));
    let question = wire::request("eth_getCode", &json!([polite.payee, "latest"]).to_string());
    for _ in 0..20 {
        let mut socket = WebSocket::open(devnet.address()).unwrap();
        // The server ends it: the client keeps sending as long as the server reads.
        while socket.send(question.as_bytes()).is_ok() {}
        polite.reconnect(&devnet);
        polite.pay();
    }
    let after = memory::resident();
    assert!(after <= before + KEPT, "{before} MB grew to {after} MB");
}

#[test]
fn bodies_beyond_the_limit_are_refused_before_they_fill_the_memory() {
    let devnet = start(Duration::from_secs(30));
    let before = memory::resident();
    let mut polite = Polite::new(&devnet, 1);
    // Announced: refused without being read.
    for _ in 0..MANY / 4 {
        let mut large = Connection::open(devnet.address()).unwrap();
        large.write(wire::head(1 << 30).as_bytes()).unwrap();
        let (status, body) = large.read().unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((status, &body["error"]["code"]), (413, &json!(-32007)));
        polite.pay();
    }
    // A request of the maximum length, full of numbers: it takes memory equal to its length, not thirty times that.
    let numbers = format!("[[{}0]]", "0,".repeat(2 << 20));
    let answer = polite.connection.call("eth_getBalance", &numbers);
    assert!(answer.contains("-32602"), "{answer}");
    let mut socket = WebSocket::open(devnet.address()).unwrap();
    let sent = socket.send(&vec![b' '; 6 << 20]);
    if sent.is_ok() {
        let Message::Text(answer) = socket.receive().unwrap() else {
            panic!("closed without a word");
        };
        assert!(answer.contains("-32007"), "{answer}");
    }
    polite.pay();
    let after = memory::resident();
    assert!(after <= before + KEPT, "{before} MB grew to {after} MB");
}

#[test]
fn batches_and_filters_have_their_limit() {
    let devnet = start(Duration::from_secs(30));
    let mut polite = Polite::new(&devnet, 1);
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": [] });
    let batch = Value::Array(vec![request; 50_000]).to_string();
    let (_, body) = polite.connection.post(batch.as_bytes()).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["error"]["code"], -32010, "{body}");
    for _ in 0..1_000 {
        polite.call("eth_newFilter", &json!([{}]));
    }
    for _ in 0..2_000 {
        let answer = polite.connection.call("eth_newBlockFilter", "[]");
        assert!(
            answer.contains("more than 1000 filters are installed"),
            "{answer}"
        );
    }
    assert_eq!(polite.call("eth_uninstallFilter", &json!(["0x1"])), true);
    polite.call("eth_newBlockFilter", &json!([]));
    polite.pay();
}
