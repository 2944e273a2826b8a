//! `orderbook demo --serve`: a market that is left running, and a person for each role who signs in with a signature.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::process::{Said, demo_command, orderbook, signal};

/// Asks the server at a host: head and body of the answer.
fn ask(host: &str, method: &str, path: &str, cookie: &str, body: &str) -> (String, Value) {
    let (_, port) = host.split_once(':').expect("a port");
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("it listens");
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nSec-Fetch-Site: same-origin\r\n\
         Cookie: {cookie}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .expect("it reads");
    let mut said = String::new();
    stream.read_to_string(&mut said).expect("it answers");
    let (head, body) = said.split_once("\r\n\r\n").expect("a head");
    let body = serde_json::from_str(body).unwrap_or_else(|_| panic!("{said}"));
    (head.to_owned(), body)
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

/// The data of a command on the demo's profile, with something on its standard input.
fn data(folder: &Path, line: &str, input: &str) -> Value {
    let mut child = orderbook()
        .args(line.split(' '))
        .args(["--json", "--profile"])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("orderbook runs");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    let said = Said::of(child.wait_with_output().expect("it ends")).exits(0);
    said.json()["data"].clone()
}

#[test]
fn a_demo_that_serves_lets_in_a_person_for_each_role() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().join("demo");
    let mut child = demo_command(&folder)
        .args(["--serve", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("orderbook runs");
    let stderr = BufReader::new(child.stderr.take().expect("piped"));
    let mut lines = stderr.lines().map_while(Result::ok);
    let (mut commands, mut host) = (Vec::new(), String::new());
    for line in lines.by_ref() {
        if let Some((_, rest)) = line.split_once("orderbook wallet sign-in ") {
            commands.push(rest.split(' ').next().expect("a wallet").to_owned());
        }
        if let Some((_, rest)) = line.split_once("http://localhost:") {
            let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
            host = format!("localhost:{port}");
        }
        if line.contains("Ctrl-C") {
            break;
        }
    }
    let roles = [
        ("ada-lindqvist", "investor"),
        ("dana", "trader"),
        ("ruth", "principal"),
        ("otto", "operator"),
        ("rita", "records_officer"),
        ("alma", "admin"),
    ];
    assert_eq!(commands, roles.map(|(wallet, _)| wallet));
    for (wallet, role) in roles {
        let address = data(&folder, &format!("wallet address {wallet}"), "")["address"].clone();
        let asked = json!({ "address": address }).to_string();
        let (head, challenge) = ask(&host, "POST", "/v1/session/challenge", "", &asked);
        let text = challenge["message"].as_str().expect("a text");
        let signed = data(&folder, &format!("wallet sign-in {wallet}"), text);
        let answer = json!({ "nonce": challenge["nonce"], "signature": signed["signature"] });
        let browser = cookie(&head, "__Host-sign-in");
        let (head, _) = ask(&host, "POST", "/v1/session", &browser, &answer.to_string());
        let session = cookie(&head, "__Host-session");
        let (_, shown) = ask(&host, "GET", "/v1/session", &session, "");
        let has = shown["roles"]
            .as_array()
            .expect("a list")
            .contains(&json!(role));
        assert!(has, "{wallet}: {shown}");
    }
    signal(&child, "INT");
    lines.for_each(drop);
    Said::of(child.wait_with_output().expect("it ends")).exits(0);
    assert!(!folder.join("board.db-wal").exists());
}
