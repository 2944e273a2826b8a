//! Logs and the filters that poll for them.

use crate::support::{Node, bytecode, quantity, refusal};
use serde_json::{Value, json};

const PAYEE: &str = "0x00000000000000000000000000000000000000ee";
const PAYEE_TOPIC: &str = "0x00000000000000000000000000000000000000000000000000000000000000ee";
const TRANSFER: &str = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";

async fn pay(node: &Node, coin: &str, payee: &str) -> Value {
    let data = bytecode::transfer(payee, 5);
    node.send(json!({ "from": node.account(0), "to": coin, "data": data }))
        .await
}

fn numbers(logs: &Value) -> Vec<u64> {
    logs.as_array()
        .unwrap()
        .iter()
        .map(|log| quantity(&log["blockNumber"]))
        .collect()
}

#[tokio::test]
async fn logs_are_found_by_range_address_topic_and_block() {
    let node = Node::start().await;
    let coin = node.create(bytecode::COIN).await;
    let other = node.create(bytecode::COIN).await;
    let receipt = pay(&node, &coin, PAYEE).await;
    pay(&node, &other, PAYEE).await;
    pay(&node, &coin, &node.account(1)).await;
    let all = node
        .call("eth_getLogs", json!([{ "fromBlock": "0x0" }]))
        .await;
    assert_eq!(numbers(&all), [3, 4, 5]);
    assert_eq!(all[0], receipt["logs"][0]);
    assert_eq!(all[0]["removed"], false);
    assert_eq!(all[0]["transactionHash"], receipt["transactionHash"]);
    for (filter, expected) in [
        (json!({ "fromBlock": "0x4", "toBlock": "0x5" }), vec![4, 5]),
        (
            json!({ "fromBlock": "earliest", "toBlock": "0x3" }),
            vec![3],
        ),
        (json!({}), vec![5]),
        (json!({ "fromBlock": "0x0", "address": coin }), vec![3, 5]),
        (
            json!({ "fromBlock": "0x0", "address": [coin, other] }),
            vec![3, 4, 5],
        ),
        (
            json!({ "fromBlock": "0x0", "topics": [TRANSFER] }),
            vec![3, 4, 5],
        ),
        (
            json!({ "fromBlock": "0x0", "topics": [null, null, PAYEE_TOPIC] }),
            vec![3, 4],
        ),
        (
            json!({ "fromBlock": "0x0", "topics": [[TRANSFER, PAYEE_TOPIC]] }),
            vec![3, 4, 5],
        ),
        (
            json!({ "fromBlock": "0x0", "topics": [PAYEE_TOPIC] }),
            vec![],
        ),
        (json!({ "blockHash": receipt["blockHash"] }), vec![3]),
        (json!({ "fromBlock": "0x63" }), vec![]),
    ] {
        let found = node.call("eth_getLogs", json!([filter])).await;
        assert_eq!(numbers(&found), expected, "{filter}");
    }
    let unknown = json!([{ "blockHash": PAYEE_TOPIC }]);
    assert_eq!(
        node.refused("eth_getLogs", unknown).await,
        refusal("header not found")
    );
    let both = json!([{ "blockHash": PAYEE_TOPIC, "fromBlock": "0x1" }]);
    assert_eq!(node.refused("eth_getLogs", both).await.code, -32602);
}

#[tokio::test]
async fn several_logs_of_a_block_are_numbered_through() {
    let node = Node::start().await;
    let coin = node.create(bytecode::COIN).await;
    node.call("evm_setAutomine", json!([false])).await;
    let data = bytecode::transfer(PAYEE, 5);
    for _ in 0..3 {
        let transaction =
            json!({ "from": node.account(0), "to": coin, "data": data, "gas": "0x186a0" });
        node.call("eth_sendTransaction", json!([transaction])).await;
    }
    node.call("evm_mine", json!([])).await;
    let found = node.call("eth_getLogs", json!([{}])).await;
    for (index, log) in found.as_array().unwrap().iter().enumerate() {
        assert_eq!(quantity(&log["logIndex"]), index as u64);
        assert_eq!(quantity(&log["transactionIndex"]), index as u64);
    }
    assert_eq!(found.as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_log_filter_reports_each_log_once() {
    let node = Node::start().await;
    let coin = node.create(bytecode::COIN).await;
    pay(&node, &coin, PAYEE).await;
    let id = node
        .call(
            "eth_newFilter",
            json!([{ "address": coin, "fromBlock": "0x0" }]),
        )
        .await;
    assert_eq!(
        node.call("eth_getFilterChanges", json!([id])).await,
        json!([])
    );
    pay(&node, &coin, PAYEE).await;
    pay(&node, &coin, PAYEE).await;
    let changes = node.call("eth_getFilterChanges", json!([id])).await;
    assert_eq!(numbers(&changes), [3, 4]);
    assert_eq!(
        node.call("eth_getFilterChanges", json!([id])).await,
        json!([])
    );
    let all = node.call("eth_getFilterLogs", json!([id])).await;
    assert_eq!(numbers(&all), [2, 3, 4]);
}

#[tokio::test]
async fn a_block_filter_reports_each_block_once() {
    let node = Node::start().await;
    let id = node.call("eth_newBlockFilter", json!([])).await;
    node.call("evm_mine", json!([])).await;
    node.call("evm_mine", json!([])).await;
    let hashes = node.call("eth_getFilterChanges", json!([id])).await;
    let second = node
        .call("eth_getBlockByNumber", json!(["0x2", false]))
        .await;
    assert_eq!(hashes.as_array().unwrap().len(), 2);
    assert_eq!(hashes[1], second["hash"]);
    assert_eq!(
        node.call("eth_getFilterChanges", json!([id])).await,
        json!([])
    );
    let refused = node.refused("eth_getFilterLogs", json!([id])).await;
    assert_eq!(refused, refusal("filter not found"));
}

#[tokio::test]
async fn a_filter_goes_on_after_the_chain_went_back() {
    let node = Node::start().await;
    let snapshot = node.call("evm_snapshot", json!([])).await;
    let id = node.call("eth_newBlockFilter", json!([])).await;
    node.call("hardhat_mine", json!(["0x5"])).await;
    node.call("eth_getFilterChanges", json!([id])).await;
    node.call("evm_revert", json!([snapshot])).await;
    assert_eq!(
        node.call("eth_getFilterChanges", json!([id])).await,
        json!([])
    );
    node.call("evm_mine", json!([])).await;
    let hashes = node.call("eth_getFilterChanges", json!([id])).await;
    assert_eq!(hashes.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_transaction_filter_reports_what_was_accepted() {
    let node = Node::start().await;
    let id = node
        .call("eth_newPendingTransactionFilter", json!([]))
        .await;
    let receipt = node
        .send(json!({ "from": node.account(0), "to": PAYEE }))
        .await;
    let hashes = node.call("eth_getFilterChanges", json!([id])).await;
    assert_eq!(hashes, json!([receipt["transactionHash"]]));
}

#[tokio::test]
async fn an_uninstalled_filter_is_gone() {
    let node = Node::start().await;
    let id = node.call("eth_newBlockFilter", json!([])).await;
    assert_eq!(node.call("eth_uninstallFilter", json!([id])).await, true);
    assert_eq!(node.call("eth_uninstallFilter", json!([id])).await, false);
    let refused = node.refused("eth_getFilterChanges", json!([id])).await;
    assert_eq!(refused, refusal("filter not found"));
}

#[tokio::test]
async fn filters_are_limited_in_number_and_size() {
    let node = Node::start().await;
    for _ in 0..1_000 {
        node.call("eth_newBlockFilter", json!([])).await;
    }
    let refused = node.refused("eth_newBlockFilter", json!([])).await;
    assert_eq!(refused, refusal("more than 1000 filters are installed"));
    let addresses: Vec<String> = (0..1_001).map(|index| format!("0x{index:040x}")).collect();
    let refused = node
        .refused("eth_getLogs", json!([{ "address": addresses }]))
        .await;
    assert_eq!(refused.code, -32602);
}
