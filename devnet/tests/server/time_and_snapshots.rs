//! Time control, and reverting to a snapshot.

use crate::support::{Node, bytecode, invalid, quantity};
use serde_json::json;

const PAYEE: &str = "0x00000000000000000000000000000000000000ee";

#[tokio::test]
async fn the_next_block_gets_the_time_it_is_told() {
    let node = Node::start().await;
    let then = node.timestamp("latest").await + 86_400;
    node.call("evm_setNextBlockTimestamp", json!([then])).await;
    node.send(json!({ "from": node.account(0), "to": PAYEE }))
        .await;
    assert_eq!(node.timestamp("latest").await, then);
    // Time continues from there.
    node.call("evm_mine", json!([])).await;
    let later = node.timestamp("latest").await;
    assert!((then..then + 60).contains(&later));
}

#[tokio::test]
async fn setting_a_time_in_the_past_is_refused_and_changes_nothing() {
    let node = Node::start().await;
    let now = node.timestamp("latest").await;
    let message = format!(
        "timestamp {} is lower than the previous block's timestamp {now}",
        now - 1
    );
    for method in ["evm_setNextBlockTimestamp", "evm_setTime", "evm_mine"] {
        let refused = node.refused(method, json!([now - 1])).await;
        assert_eq!(refused, invalid(&message), "{method}");
    }
    assert_eq!(node.block_number().await, 0);
    let refused = node
        .refused("evm_increaseTime", json!(["0xffffffffffffffff"]))
        .await;
    assert_eq!(
        refused,
        invalid("18446744073709551615 seconds is too far ahead")
    );
}

#[tokio::test]
async fn increased_time_adds_up() {
    let node = Node::start().await;
    let start = node.timestamp("latest").await;
    assert_eq!(node.call("evm_increaseTime", json!([1_000])).await, 1_000);
    assert_eq!(node.call("evm_increaseTime", json!(["0x3e8"])).await, 2_000);
    node.call("evm_mine", json!([])).await;
    let time = node.timestamp("latest").await;
    assert!((start + 2_000..start + 2_060).contains(&time));
}

#[tokio::test]
async fn mining_takes_a_time_or_options() {
    let node = Node::start().await;
    let then = node.timestamp("latest").await + 500;
    node.call("evm_mine", json!([then])).await;
    assert_eq!(node.timestamp("latest").await, then);
    node.call("evm_mine", json!([{ "timestamp": then + 7, "blocks": 3 }]))
        .await;
    assert_eq!(node.timestamp("0x2").await, then + 7);
    assert_eq!(node.block_number().await, 4);
    node.call("hardhat_mine", json!(["0x3", "0x3c"])).await;
    assert_eq!(node.block_number().await, 7);
    assert_eq!(
        node.timestamp("0x7").await,
        node.timestamp("0x5").await + 120
    );
}

#[tokio::test]
async fn an_interval_sets_blocks_apart() {
    let node = Node::start().await;
    node.call("anvil_setBlockTimestampInterval", json!([12]))
        .await;
    let start = node.timestamp("latest").await;
    node.call("hardhat_mine", json!(["0x2"])).await;
    assert_eq!(node.timestamp("latest").await, start + 24);
    node.call("anvil_removeBlockTimestampInterval", json!([]))
        .await;
    node.call("evm_setTime", json!([start + 1_000])).await;
    node.call("evm_mine", json!([])).await;
    let time = node.timestamp("latest").await;
    assert!((start + 1_000..start + 1_060).contains(&time));
}

#[tokio::test]
async fn a_snapshot_brings_everything_back() {
    let node = Node::start().await;
    let coin = node.create(bytecode::COIN).await;
    node.call("hardhat_setBalance", json!([PAYEE, "0x5"])).await;
    node.call("evm_setAutomine", json!([false])).await;
    let transaction = json!({ "from": node.account(1), "to": PAYEE, "value": "0x1" });
    let waiting = node.call("eth_sendTransaction", json!([transaction])).await;
    let block = node
        .call("eth_getBlockByNumber", json!(["latest", true]))
        .await;
    let snapshot = node.call("evm_snapshot", json!([])).await;

    node.call("evm_mine", json!([])).await;
    node.call("evm_setAutomine", json!([true])).await;
    let data = bytecode::transfer(PAYEE, 5);
    let receipt = node
        .send(json!({ "from": node.account(0), "to": coin, "data": data }))
        .await;
    node.call("hardhat_setBalance", json!([PAYEE, "0x99"]))
        .await;
    node.call("evm_increaseTime", json!([1_000_000])).await;
    node.call("evm_mine", json!([])).await;

    assert_eq!(node.call("evm_revert", json!([snapshot])).await, true);
    assert_eq!(
        node.call("eth_getBlockByNumber", json!(["latest", true]))
            .await,
        block
    );
    assert_eq!(
        node.call("eth_getBalance", json!([PAYEE, "latest"])).await,
        "0x5"
    );
    let hash = &receipt["transactionHash"];
    assert_eq!(
        node.call("eth_getTransactionReceipt", json!([hash])).await,
        json!(null)
    );
    assert_eq!(
        node.call("eth_getTransactionByHash", json!([waiting]))
            .await["hash"],
        waiting
    );
    node.call("evm_mine", json!([])).await;
    let time = node.timestamp("latest").await;
    assert!(time < quantity(&block["timestamp"]) + 60);
    assert_eq!(
        node.call("eth_getBalance", json!([PAYEE, "latest"])).await,
        "0x6"
    );
}

#[tokio::test]
async fn a_snapshot_is_used_up_with_all_after_it() {
    let node = Node::start().await;
    let first = node.call("evm_snapshot", json!([])).await;
    let second = node.call("anvil_snapshot", json!([])).await;
    assert_ne!(first, second);
    node.call("evm_mine", json!([])).await;
    assert_eq!(node.call("evm_revert", json!([first])).await, true);
    assert_eq!(node.block_number().await, 0);
    assert_eq!(node.call("evm_revert", json!([second])).await, false);
    assert_eq!(node.call("evm_revert", json!([first])).await, false);
    assert_eq!(node.call("evm_revert", json!(["0x63"])).await, false);
}

#[tokio::test]
async fn going_back_reaches_beyond_the_states_that_are_kept() {
    let node = Node::of(devnet::Devnet::builder().history(2).spawn().await.unwrap());
    node.call("hardhat_setBalance", json!([PAYEE, "0x5"])).await;
    let snapshot = node.call("evm_snapshot", json!([])).await;
    node.call("hardhat_setBalance", json!([PAYEE, "0x6"])).await;
    node.call("hardhat_mine", json!(["0x10"])).await;
    assert_eq!(node.call("evm_revert", json!([snapshot])).await, true);
    assert_eq!(
        node.call("eth_getBalance", json!([PAYEE, "latest"])).await,
        "0x5"
    );
}
