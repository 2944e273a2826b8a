//! Random requests to a server, over HTTP and WebSocket.

use crate::{
    bodies, memory,
    random::material,
    regressions, settings,
    wire::{self, Connection, Message, WebSocket},
};
use alloy::primitives::keccak256;
use arbitrary::Unstructured;
use devnet::Devnet;
use serde_json::Value;
use std::collections::BTreeMap;

/// Random bytes that one body is made from.
const MATERIAL: usize = 600;
/// Bodies for each module that [`settings`] asks for.
const PER_CASE: u64 = 4;
/// The most memory a run may keep, in megabytes: the chain grows with what it is asked to do.
const KEPT: u64 = 700;

/// What every message contains that the server sends on its own.
const NOTICE: &str = "\"method\":\"eth_subscription\"";

/// Every code that an answer may have: JSON-RPC's own except "internal error", execution's, that of
/// `eth_sendRawTransactionSync`, those of `eth_simulateV1` for calls that no block could contain, and those of
/// the server for too large a batch, too many subscriptions and the like.
fn is_known(code: i64) -> bool {
    matches!(
        code,
        -32700 | -32600 | -32601 | -32602 | -32000 | 3 | 4 | -32010..=-32005 | -38026..=-38010
    )
}

/// How answers ended, by error code; 0 for results.
type Codes = BTreeMap<i64, u64>;

fn check_one(answer: &Value, codes: &mut Codes) {
    assert_eq!(answer["jsonrpc"], "2.0", "{answer}");
    assert!(answer.get("id").is_some(), "{answer}");
    let code = match answer.get("error") {
        None => {
            assert!(answer.get("result").is_some(), "{answer}");
            0
        }
        Some(error) => {
            let code = error["code"].as_i64().expect("a code");
            assert!(is_known(code), "{answer}");
            assert!(!error["message"].as_str().expect("words").is_empty());
            code
        }
    };
    *codes.entry(code).or_default() += 1;
}

/// One answer, or those to a batch.
fn check(text: &[u8], codes: &mut Codes) {
    match serde_json::from_slice(text).expect("JSON") {
        // How a notification is acknowledged over HTTP.
        Value::Null => {}
        Value::Array(answers) => answers.iter().for_each(|answer| check_one(answer, codes)),
        answer => check_one(&answer, codes),
    }
}

/// Whether `body` contains a request, which is answered when it is done; a notification is not answered, and the
/// server treats a request with an id of another type as one.
fn is_answered(body: &[u8]) -> bool {
    let asks = |request: &Value| match request.get("id") {
        Some(Value::Number(id)) => id.is_u64(),
        Some(id) => id.is_string() || id.is_null(),
        None => false,
    };
    match serde_json::from_slice(body) {
        Ok(Value::Array(batch)) => batch.iter().any(asks),
        Ok(request) => asks(&request),
        Err(_) => false,
    }
}

/// The server under test, and a connection of each kind.
struct Clients {
    devnet: Devnet,
    http: Connection,
    socket: WebSocket,
    codes: Codes,
    /// What only the answer to a marker contains.
    mark: String,
}

impl Clients {
    fn new(runtime: &tokio::runtime::Runtime) -> Self {
        let devnet = runtime.block_on(Devnet::spawn()).expect("a server");
        let http = Connection::open(devnet.address()).expect("a connection");
        let socket = WebSocket::open(devnet.address()).expect("a connection");
        Self {
            devnet,
            http,
            socket,
            codes: Codes::new(),
            mark: keccak256("mark").to_string(),
        }
    }

    fn over_http(&mut self, body: &[u8]) {
        let (status, answer) = self.http.post(body).expect("an answer");
        assert!(matches!(status, 200 | 400), "status {status}");
        // So are some batches of notifications.
        if !answer.is_empty() {
            check(&answer, &mut self.codes);
        }
    }

    fn over_socket(&mut self, body: &[u8]) {
        // Anything that is not text ends the connection.
        let closes = std::str::from_utf8(body).is_err();
        let sent = self.socket.send(body);
        // The server works on all requests of a connection at once, so the marker's answer may come first; it ends
        // the wait after a body that is not answered, and such a body is not carried out either.
        let mut waits = is_answered(body);
        let mut passed = false;
        let marker = wire::request("web3_sha3", "[\"0x6d61726b\"]");
        if sent
            .and_then(|()| self.socket.send(marker.as_bytes()))
            .is_ok()
        {
            while waits || !passed {
                match self.socket.receive().expect("an answer") {
                    Message::Closed => {
                        assert!(closes, "the server closed the connection");
                        self.socket = WebSocket::open(self.devnet.address()).expect("a connection");
                        return;
                    }
                    Message::Text(text) if text.contains(NOTICE) => {}
                    Message::Text(text) if !passed && text.contains(&self.mark) => passed = true,
                    Message::Text(text) => {
                        check(text.as_bytes(), &mut self.codes);
                        waits = false;
                    }
                }
            }
            return;
        }
        assert!(closes, "the server closed the connection");
        self.socket = WebSocket::open(self.devnet.address()).expect("a connection");
    }

    /// Bytes that are not even HTTP: refused, or the connection closed.
    fn over_nothing(&mut self, bytes: &[u8]) {
        let mut stranger = Connection::open(self.devnet.address()).expect("a connection");
        let ended = stranger
            .write(bytes)
            .and_then(|()| stranger.write(b"\r\n\r\n"));
        if let Ok((status, _)) = ended.and_then(|()| stranger.read()) {
            assert!((400..=505).contains(&status), "status {status}");
        }
    }

    /// Sends `body` in the way whose turn it is.
    fn send(&mut self, turn: u64, body: &[u8]) {
        match turn % 16 {
            15 => self.over_nothing(body),
            even if even % 2 == 0 => self.over_http(body),
            _ => self.over_socket(body),
        }
    }

    /// Checks that the server still works.
    fn transfer(&mut self) {
        let from = self.devnet.accounts()[3];
        let payee = "0x00000000000000000000000000000000000b0b00";
        let mut call = |method, params: &str| {
            let answer: Value =
                serde_json::from_str(&self.http.call(method, params)).expect("JSON");
            assert!(answer.get("error").is_none(), "{method}: {answer}");
            answer["result"].clone()
        };
        // A waiting transaction with the account's next nonce that cannot be mined would keep this one waiting too.
        call("anvil_dropAllTransactions", "[]");
        call("evm_setAutomine", "[true]");
        call("evm_setBlockGasLimit", "[\"0x4000000000000\"]");
        call("hardhat_setNextBlockBaseFeePerGas", "[\"0x5f5e100\"]");
        call("hardhat_setBalance", &format!("[\"{payee}\", \"0x0\"]"));
        call(
            "hardhat_setBalance",
            &format!("[\"{from}\", \"0xde0b6b3a7640000\"]"),
        );
        let transaction = format!("[{{\"from\":\"{from}\",\"to\":\"{payee}\",\"value\":\"0x7\"}}]");
        let hash = call("eth_sendTransaction", &transaction);
        let receipt = call("eth_getTransactionReceipt", &format!("[{hash}]"));
        let pool = call("txpool_content", "[]");
        assert_eq!(receipt["status"], "0x1", "{hash} is in no block: {pool}");
        assert_eq!(call("eth_getBalance", &format!("[\"{payee}\"]")), "0x7");
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime")
}

#[test]
fn any_body_is_answered_by_the_rules() {
    let (cases, seed) = settings();
    let bodies = cases * PER_CASE;
    let runtime = runtime();
    let mut clients = Clients::new(&runtime);
    let mut settled = None;
    for case in 0..bodies {
        let material = material(seed, case, MATERIAL);
        let body = bodies::body(&mut Unstructured::new(&material)).expect("a body");
        let file = format!("seed-{seed}-case-{case}.body");
        regressions::guarded(&file, &body, || clients.send(case, &body));
        if case % 500 == 0 {
            clients.transfer();
        }
        if case == bodies / 4 {
            settled = Some(memory::resident());
        }
    }
    clients.transfer();
    let (before, after) = (settled.unwrap_or_default(), memory::resident());
    eprintln!(
        "answers by code {:?}\nmegabytes {before} then {after}",
        clients.codes
    );
    assert!(clients.codes[&0] >= bodies / 10, "{:?}", clients.codes);
    assert!(after <= before + KEPT, "{before} MB grew to {after} MB");
}

#[test]
fn what_once_failed_is_answered_by_the_rules() {
    let runtime = runtime();
    let mut clients = Clients::new(&runtime);
    for body in regressions::kept("body") {
        for turn in [0, 1, 15] {
            clients.send(turn, &body);
        }
    }
    clients.transfer();
}
