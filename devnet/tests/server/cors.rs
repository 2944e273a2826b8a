//! Which web pages may talk to the chain.

use devnet::Devnet;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const WALLET: &str = "https://wallet.example";
const OTHER: &str = "https://other.example";
const BODY: &str = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}"#;

/// What a browser sends for a page of `origin`, and the whole answer.
async fn ask(devnet: &Devnet, method: &str, origin: &str, more: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(devnet.address()).await.unwrap();
    let request = format!(
        "{method} / HTTP/1.1\r\nhost: localhost\r\norigin: {origin}\r\nconnection: close\r\n\
         {more}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// The preflight request that asks whether the page may send JSON.
async fn preflight(devnet: &Devnet, origin: &str) -> String {
    let asked = "access-control-request-method: POST\r\n\
                 access-control-request-headers: content-type\r\n";
    ask(devnet, "OPTIONS", origin, asked, "").await
}

async fn post(devnet: &Devnet, origin: &str) -> String {
    let json = "content-type: application/json\r\n";
    ask(devnet, "POST", origin, json, BODY).await
}

fn allows(answer: &str, origin: &str) -> bool {
    answer.contains(&format!("access-control-allow-origin: {origin}\r\n"))
}

#[tokio::test]
async fn no_web_page_may_talk_to_the_chain_by_default() {
    let devnet = Devnet::spawn().await.unwrap();
    for answer in [
        preflight(&devnet, WALLET).await,
        post(&devnet, WALLET).await,
    ] {
        assert!(!answer.contains("access-control-"), "{answer}");
    }
}

#[tokio::test]
async fn pages_of_the_named_origins_may() {
    let builder = Devnet::builder().cors("https://first.example");
    let devnet = builder.cors(WALLET).spawn().await.unwrap();
    let answer = preflight(&devnet, WALLET).await;
    assert!(
        answer.starts_with("HTTP/1.1 200") && allows(&answer, WALLET),
        "{answer}"
    );
    assert!(
        answer.contains("access-control-allow-headers: *"),
        "{answer}"
    );
    let answer = post(&devnet, WALLET).await;
    assert!(allows(&answer, WALLET), "{answer}");
    assert!(answer.contains(r#""result":"0x64aba""#), "{answer}");
    for answer in [preflight(&devnet, OTHER).await, post(&devnet, OTHER).await] {
        assert!(!answer.contains("access-control-allow-origin"), "{answer}");
    }
}

#[tokio::test]
async fn pages_of_all_origins_may_with_a_star() {
    let devnet = Devnet::builder().cors("*").spawn().await.unwrap();
    for answer in [preflight(&devnet, OTHER).await, post(&devnet, OTHER).await] {
        assert!(allows(&answer, "*"), "{answer}");
    }
}
