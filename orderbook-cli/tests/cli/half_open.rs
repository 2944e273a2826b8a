//! Connections that begin a request and never end it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use crate::histories::{ask, start};
use crate::process::{Market, signal};

/// How many, given how many files this process may have open.
const CONNECTIONS: usize = 10_000;

/// How many files this process may have open.
fn open_files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let limit = line.and_then(|line| line.split_whitespace().nth(3)?.parse().ok());
    limit.unwrap_or(1_024)
}

#[test]
fn ten_thousand_connections_that_never_end_their_request_keep_nobody_out() {
    let market = Market::open();
    // Far fewer files than connections, so that those that wait longest must make room.
    let (mut child, port) = start(&market, Some(1_024));
    // The other tests of this process have files open as well.
    let count = CONNECTIONS.min(open_files().saturating_sub(512) / 2);
    let mut half = Vec::with_capacity(count);
    for _ in 0..count {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        let head = format!("GET /v1/status HTTP/1.1\r\nHost: localhost:{port}\r\n");
        // One that has been cut off meanwhile hears nothing.
        let _ = stream.write_all(head.as_bytes());
        half.push(stream);
    }
    for _ in 0..20 {
        let (status, _) = ask(port, "GET /v1/status HTTP/1.1", &Value::Null).expect("an answer");
        assert_eq!(status, 200);
    }
    // Whoever waited longest made room.
    let said = half[0].read(&mut [0]);
    assert!(!matches!(said, Ok(1..)), "{said:?}");
    drop(half);
    signal(&child, "TERM");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}
