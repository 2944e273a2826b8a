//! Misbehaving clients: the server refuses them, and goes on.

use crate::support::{Node, bytecode, call, client, quantity};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const PAYEE: &str = "0x00000000000000000000000000000000000000ee";

/// Sends `body` as it is and returns the status line and body.
async fn post(node: &Node, body: &[u8]) -> (String, String) {
    let mut stream = TcpStream::connect(node.devnet.address()).await.unwrap();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server may refuse before it has read everything.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    (
        head.lines().next().unwrap_or_default().to_owned(),
        body.to_owned(),
    )
}

async fn assert_alive(node: &Node) {
    assert_eq!(node.call("eth_chainId", json!([])).await, "0x64aba");
}

#[tokio::test]
async fn what_is_not_json_is_refused_as_such() {
    let node = Node::start().await;
    for body in ["", "{", "null", "[1, 2", "\u{0}\u{1}\u{2}"] {
        let (_, answer) = post(&node, body.as_bytes()).await;
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        assert!(answer["error"]["code"].is_number(), "{body:?}: {answer}");
    }
    assert_alive(&node).await;
}

#[tokio::test]
async fn deep_nesting_is_refused() {
    let node = Node::start().await;
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{}{}]}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let (_, answer) = post(&node, body.as_bytes()).await;
    assert!(answer.contains("error"), "{answer}");
    assert_alive(&node).await;
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let node = Node::start().await;
    let (status, _) = post(&node, &vec![b' '; (16 << 20) + 1]).await;
    assert!(status.contains("413") || status.is_empty(), "{status}");
    assert_alive(&node).await;
}

#[tokio::test]
async fn a_batch_is_answered_in_order_and_limited() {
    let node = Node::start().await;
    let request =
        |id: usize| json!({ "jsonrpc": "2.0", "id": id, "method": "eth_chainId", "params": [] });
    let batch: Vec<Value> = (0..3).map(request).collect();
    let (_, answer) = post(&node, json!(batch).to_string().as_bytes()).await;
    let answers: Vec<Value> = serde_json::from_str(&answer).unwrap();
    let ids: Vec<_> = answers
        .iter()
        .map(|answer| answer["id"].as_u64().unwrap())
        .collect();
    assert_eq!(ids, [0, 1, 2]);
    let batch: Vec<Value> = (0..1_001).map(request).collect();
    let (_, answer) = post(&node, json!(batch).to_string().as_bytes()).await;
    assert!(answer.contains("error"), "{answer}");
    assert_alive(&node).await;
}

#[tokio::test]
async fn clients_that_say_nothing_keep_nobody_waiting() {
    let node = Node::start().await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(node.devnet.address()).await.unwrap();
        stream
            .write_all(b"POST / HTTP/1.1\r\ncontent-le")
            .await
            .unwrap();
        silent.push(stream);
    }
    assert_alive(&node).await;
    drop(silent);
    assert_alive(&node).await;
}

#[tokio::test]
async fn many_clients_at_once_all_get_their_answers() {
    let node = Node::start().await;
    let coin = node.create(bytecode::COIN).await;
    let mut tasks = Vec::new();
    for index in 0..10_usize {
        let (client, coin) = (client(&node.devnet.url()), coin.clone());
        let sender = node.account(index + 1);
        tasks.push(tokio::spawn(async move {
            for _ in 0..20 {
                let payment = json!([{ "from": sender, "to": PAYEE, "value": "0x1" }]);
                call(&client, "eth_sendTransaction", payment).await.unwrap();
                let holding =
                    json!([{ "to": coin, "data": bytecode::balance_of(PAYEE) }, "latest"]);
                call(&client, "eth_call", holding).await.unwrap();
                call(&client, "eth_getBlockByNumber", json!(["latest", true]))
                    .await
                    .unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(
        quantity(&node.call("eth_getBalance", json!([PAYEE, "latest"])).await),
        200
    );
    assert_eq!(node.block_number().await, 201);
}

#[tokio::test]
async fn one_account_used_by_many_at_once_gets_each_nonce_once() {
    let node = Node::start().await;
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let (client, sender) = (client(&node.devnet.url()), node.account(1));
        tasks.push(tokio::spawn(async move {
            for _ in 0..10 {
                let payment = json!([{ "from": sender, "to": PAYEE, "value": "0x1" }]);
                call(&client, "eth_sendTransaction", payment).await.unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let nonce = node
        .call(
            "eth_getTransactionCount",
            json!([node.account(1), "latest"]),
        )
        .await;
    assert_eq!(quantity(&nonce), 80);
}

#[tokio::test]
async fn endless_calls_do_not_keep_lookups_waiting() {
    let node = Node::start().await;
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let client = client(&node.devnet.url());
        tasks.push(tokio::spawn(async move {
            call(&client, "eth_call", json!([{ "data": bytecode::ENDLESS }]))
                .await
                .unwrap_err()
        }));
    }
    assert_alive(&node).await;
    for task in tasks {
        assert_eq!(task.await.unwrap().message, "out of gas");
    }
}

#[tokio::test]
async fn a_dropped_devnet_gives_its_port_back() {
    let node = Node::start().await;
    let address = node.devnet.address();
    node.devnet.stop().await;
    let again = devnet::Devnet::builder()
        .port(address.port())
        .spawn()
        .await
        .unwrap();
    assert_eq!(again.address(), address);
    let taken = devnet::Devnet::builder()
        .port(address.port())
        .spawn()
        .await
        .unwrap_err();
    assert!(
        taken
            .to_string()
            .starts_with(&format!("cannot listen on {address}")),
        "{taken}"
    );
}
