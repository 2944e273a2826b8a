//! The scenarios on a node that is not their own: they move its clock if possible, and report what they skip.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Command, Output},
    thread,
};

use acceptance::market::DAY;
use devnet::Devnet;
use serde_json::{Value, json};

/// Two scenarios that move the clock by days, and one that does not move it.
const SCENARIOS: [&str; 3] = [
    "settlement::settle_works_until_the_last_second_before_expiry",
    "settlement::settle_reverts_when_the_bid_is_expired",
    "settlement::settlement_ids_count_from_one",
];

/// Runs [`SCENARIOS`] in a separate process on the node at `address`, with its `funded` key.
fn run(address: SocketAddr, devnet: &Devnet) -> Output {
    let program = std::env::current_exe().expect("this program has a file");
    Command::new(program)
        .args(["--exact", "--nocapture", "--test-threads=1"])
        .args(SCENARIOS)
        .env("ACCEPTANCE_RPC_URL", format!("http://{address}"))
        .env("ACCEPTANCE_KEY", devnet.keys()[0].to_string())
        .output()
        .expect("the program starts")
}

/// How many days the node's newest block is ahead of its first.
fn days(devnet: &Devnet) -> u64 {
    let ledger = devnet.chain().ledger();
    let first = ledger.block(0).expect("a first block");
    (ledger.head().timestamp() - first.timestamp()) / DAY
}

fn lines_that_skip(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stderr);
    let skipping = text.lines().filter(|line| line.contains("skipped"));
    skipping.map(str::to_owned).collect()
}

fn assert_passed(output: &Output) {
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("test result: ok. 3 passed"), "{text}");
}

/// A request or an answer, as head and body.
fn read(reader: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let begin = head.len();
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
        let line = head[begin..].trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

/// Forwards requests to `node`, except `method`, which it does not support.
fn pass(client: TcpStream, node: SocketAddr, method: &str) -> Option<()> {
    let mut to_client = client.try_clone().ok()?;
    let mut from_client = BufReader::new(client);
    let mut to_node = TcpStream::connect(node).ok()?;
    let mut from_node = BufReader::new(to_node.try_clone().ok()?);
    loop {
        let (mut head, mut body) = read(&mut from_client)?;
        let request: Value = serde_json::from_slice(&body).ok()?;
        if request["method"] == method {
            let error = json!({ "code": -32601, "message": "Method not found" });
            let answer = json!({ "jsonrpc": "2.0", "id": request["id"], "error": error });
            body = answer.to_string().into_bytes();
            head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
        } else {
            to_node.write_all(&[head.as_bytes(), &body].concat()).ok()?;
            (head, body) = read(&mut from_node)?;
        }
        to_client
            .write_all(&[head.as_bytes(), &body].concat())
            .ok()?;
    }
}

/// The address of a server in front of `node` that does not support `method`.
fn without(node: SocketAddr, method: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || pass(client, node, method));
        }
    });
    address
}

#[test]
fn the_clock_of_a_node_that_has_one_is_moved() {
    let devnet = Devnet::builder().start().expect("devnet starts");
    let output = run(devnet.address(), &devnet);
    assert_passed(&output);
    assert_eq!(lines_that_skip(&output), [""; 0]);
    // Each of the two is three days long.
    assert!(days(&devnet) >= 5, "{} days", days(&devnet));
}

#[test]
fn without_a_clock_scenarios_are_skipped_and_named() {
    for method in ["evm_setNextBlockTimestamp", "evm_revert"] {
        let devnet = Devnet::builder().start().expect("devnet starts");
        let output = run(without(devnet.address(), method), &devnet);
        assert_passed(&output);
        // The harness prints a test's name, and the output follows on the same line.
        let skipped = lines_that_skip(&output);
        let expected = [SCENARIOS[1], SCENARIOS[0]];
        assert_eq!(skipped.len(), expected.len(), "{skipped:?}");
        for (count, (line, scenario)) in (1..).zip(skipped.iter().zip(expected)) {
            let message = format!("skipped, {count} so far: {scenario}: the node has no {method}");
            assert!(line.ends_with(&message), "{line}");
        }
        assert_eq!(days(&devnet), 0);
    }
}
