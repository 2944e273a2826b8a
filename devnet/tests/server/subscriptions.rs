//! `eth_subscribe` over WebSocket, on the port HTTP is on.

use crate::support::{Node, bytecode};
use alloy::{
    primitives::{Address, B256, address},
    providers::{Provider, ProviderBuilder, WsConnect},
    rpc::types::Filter,
};
use futures::StreamExt;
use serde_json::{Value, json};

const PAYEE: Address = address!("0x00000000000000000000000000000000000000ee");

async fn websocket(node: &Node) -> impl Provider {
    ProviderBuilder::new()
        .connect_ws(WsConnect::new(node.devnet.ws_url()))
        .await
        .unwrap()
}

#[tokio::test]
async fn new_heads_arrive_in_order() {
    let node = Node::start().await;
    let provider = websocket(&node).await;
    let mut heads = provider.subscribe_blocks().await.unwrap().into_stream();
    node.call("hardhat_mine", json!(["0x3"])).await;
    for number in 1..=3 {
        let head = heads.next().await.unwrap();
        assert_eq!(head.number, number);
        assert_eq!(head.hash, node.devnet.chain().ledger().hash(number));
    }
}

#[tokio::test]
async fn logs_arrive_as_the_filter_asks() {
    let node = Node::start().await;
    let coin: Address = node.create(bytecode::COIN).await.parse().unwrap();
    let other = node.create(bytecode::COIN).await;
    let provider = websocket(&node).await;
    let filter = Filter::new().address(coin).topic2(PAYEE.into_word());
    let mut logs = provider
        .subscribe_logs(&filter)
        .await
        .unwrap()
        .into_stream();
    let pay = |coin: String, payee: String| {
        let data = bytecode::transfer(&payee, 5);
        node.send(json!({ "from": node.account(0), "to": coin, "data": data }))
    };
    pay(other, PAYEE.to_string()).await;
    pay(coin.to_string(), node.account(1)).await;
    let receipt = pay(coin.to_string(), PAYEE.to_string()).await;
    let log = logs.next().await.unwrap();
    assert_eq!(json!(log.transaction_hash), receipt["transactionHash"]);
    assert_eq!(log.address(), coin);
}

#[tokio::test]
async fn accepted_transactions_arrive() {
    let node = Node::start().await;
    let provider = websocket(&node).await;
    let mut accepted = provider
        .subscribe_pending_transactions()
        .await
        .unwrap()
        .into_stream();
    let receipt = node
        .send(json!({ "from": node.account(0), "to": PAYEE }))
        .await;
    let hash: B256 = accepted.next().await.unwrap();
    assert_eq!(json!(hash), receipt["transactionHash"]);
}

#[tokio::test]
async fn an_unknown_subscription_is_refused_with_words() {
    let node = Node::start().await;
    let provider = websocket(&node).await;
    let request = provider
        .client()
        .request::<_, Value>("eth_subscribe", json!(["weather"]));
    let error = request.await.unwrap_err();
    let payload = error.as_error_resp().unwrap();
    assert_eq!(payload.code, -32602);
    assert!(
        payload.message.contains("no \"weather\" subscription"),
        "{}",
        payload.message
    );
}

#[tokio::test]
async fn the_methods_are_the_same_over_websocket() {
    let node = Node::start().await;
    let provider = websocket(&node).await;
    assert_eq!(provider.get_chain_id().await.unwrap(), 412_346);
    assert_eq!(provider.get_block_number().await.unwrap(), 0);
}
