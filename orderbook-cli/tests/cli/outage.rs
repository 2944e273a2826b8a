//! A connection that is lost at the worst moment: the match is UNKNOWN, nothing is sent twice, and `sync` finds out.

use std::io::{BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use crate::process::Market;

/// What becomes of the transaction.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Loss {
    /// It reaches the node, the answer is lost, and so is everything after it.
    Answer,
    /// It never reaches the node, and neither does anything after it.
    Request,
}

/// A proxy before a node that dies when the first transaction comes by. Its URL.
fn dying_proxy(upstream: &str, loss: Loss) -> String {
    let upstream = upstream.trim_start_matches("http://").to_string();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for client in listener.incoming() {
            // One connection at a time suffices for one command; when one dies, all that follow do.
            if serve(client.unwrap(), &upstream, loss) {
                return;
            }
        }
    });
    url
}

/// Relays one connection; true when it died.
fn serve(client: TcpStream, upstream: &str, loss: Loss) -> bool {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let mut client = client;
    while let Some(request) = message(&mut reader) {
        let sends = String::from_utf8_lossy(&request).contains("eth_sendRawTransaction");
        if sends && loss == Loss::Request {
            return true;
        }
        let mut node = TcpStream::connect(upstream).unwrap();
        node.write_all(&request).unwrap();
        let answer = message(&mut BufReader::new(node)).unwrap();
        if sends {
            return true;
        }
        client.write_all(&answer).unwrap();
    }
    false
}

/// One HTTP message with a Content-Length.
fn message(reader: &mut impl std::io::BufRead) -> Option<Vec<u8>> {
    let (mut bytes, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        bytes.extend(line.as_bytes());
        if line == "\r\n" {
            break;
        }
    }
    let start = bytes.len();
    bytes.resize(start + length, 0);
    reader.read_exact(&mut bytes[start..]).ok()?;
    Some(bytes)
}

#[test]
fn a_lost_answer_leaves_the_match_unknown_until_sync_finds_the_fill() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    let proxy = dying_proxy(&market.url, Loss::Answer);
    let said = market
        .run_at(&proxy, &format!("settle {bid} {ask} --signed --timeout 1"))
        .exits(7);
    assert_eq!(said.code(), "OUTCOME_UNKNOWN");
    assert_eq!(market.match_state(&bid), "UNKNOWN");
    assert_eq!(
        market
            .run(&format!("settle {bid} {ask} --signed"))
            .exits(3)
            .code(),
        "IN_FLIGHT"
    );
    assert_eq!(market.data("sync")["fills"], 1);
    assert_eq!(market.match_state(&bid), "SETTLED");
    assert_eq!(market.data(&format!("order show {bid}"))["state"], "FILLED");
    market.run("audit verify").exits(0);
}

#[test]
fn a_transaction_that_never_arrived_can_be_abandoned_and_sent_anew() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    let before = market.holding("HRBR", "victor-chen");
    let proxy = dying_proxy(&market.url, Loss::Request);
    market
        .run_at(&proxy, &format!("settle {bid} {ask} --signed --timeout 1"))
        .exits(7);
    assert_eq!(market.match_state(&bid), "UNKNOWN");
    assert_eq!(market.run("sync").exits(7).code(), "OUTCOME_UNKNOWN");
    assert_eq!(market.data("sync --abandon")["failed"], 1);
    assert_eq!(market.match_state(&bid), "FAILED");
    assert_eq!(market.holding("HRBR", "victor-chen"), before);
    market.data(&format!("settle {bid} {ask} --signed"));
    assert_eq!(market.match_state(&bid), "SETTLED");
    market.run("audit verify").exits(0);
}
