//! What anvil and hardhat add for their users beyond time, mining and accounts: tokens, the pool, and what is refused.

use crate::support::{Node, bytecode, quantity, refusal};
use devnet::{ArbOs, Devnet};
use serde_json::{Value, json};

const NOBODY: &str = "0x00000000000000000000000000000000000000ee";
const SOMEBODY: &str = "0x00000000000000000000000000000000000000dd";
const TOKEN: &str = "0x00000000000000000000000000000000000000a1";

async fn ask(node: &Node, token: &str, data: &str) -> Value {
    let call = json!({ "to": token, "data": data });
    node.call("eth_call", json!([call, "latest"])).await
}

fn number(value: u128) -> String {
    format!("0x{value:064x}")
}

#[tokio::test]
async fn a_balance_is_dealt_where_the_token_keeps_it() {
    let node = Node::start().await;
    let coin = node.create(bytecode::COIN).await;
    let balance = bytecode::balance_of(NOBODY);
    for (method, amount) in [
        ("anvil_dealERC20", 5_u128),
        ("hardhat_dealERC20", 7),
        ("anvil_setERC20Balance", 0),
        ("anvil_dealERC20", 9),
    ] {
        let answer = node
            .call(method, json!([NOBODY, coin, format!("{amount:#x}")]))
            .await;
        assert_eq!(answer, Value::Null);
        assert_eq!(
            ask(&node, &coin, &balance).await,
            number(amount),
            "{method}"
        );
    }
    // It can be spent.
    node.call("hardhat_impersonateAccount", json!([NOBODY]))
        .await;
    node.call("hardhat_setBalance", json!([NOBODY, "0xde0b6b3a7640000"]))
        .await;
    let data = bytecode::transfer(SOMEBODY, 4);
    let receipt = node
        .send(json!({ "from": NOBODY, "to": coin, "data": data }))
        .await;
    assert_eq!(receipt["status"], "0x1");
    assert_eq!(ask(&node, &coin, &balance).await, number(5));
}

#[tokio::test]
async fn what_else_a_slot_holds_stays() {
    let node = Node::start().await;
    // Answers everything with the lower half of slot 0; the upper half is a marker.
    let code = "0x5f546fffffffffffffffffffffffffffffffff165f5260205ff3";
    node.call("hardhat_setCode", json!([TOKEN, code])).await;
    let mark = "0xabababababababababababababababab";
    let slot = |low: u128| format!("{mark}{low:032x}");
    node.call("hardhat_setStorageAt", json!([TOKEN, "0x0", slot(3)]))
        .await;
    let allow = |amount: &str| json!([SOMEBODY, NOBODY, TOKEN, amount]);
    node.call("anvil_setERC20Allowance", allow("0x64")).await;
    let held = || node.call("eth_getStorageAt", json!([TOKEN, "0x0", "latest"]));
    assert_eq!(held().await, slot(100));

    // Too large for half a slot: nothing can make it the answer.
    let amount = format!("0x1{}", "0".repeat(32));
    let refused = node
        .refused("anvil_setERC20Allowance", allow(&amount))
        .await;
    assert_eq!(refused.code, -32602);
    // 2^128.
    let message = "reads makes it answer 340282366920938463463374607431768211456: set the token's storage with \
        hardhat_setStorageAt";
    assert!(refused.message.ends_with(message), "{refused:?}");
    assert_eq!(held().await, slot(100));
}

#[tokio::test]
async fn what_is_no_token_is_refused() {
    let node = Node::start().await;
    let deal = json!([NOBODY, SOMEBODY, "0x1"]);
    let refused = node.refused("anvil_dealERC20", deal).await;
    assert_eq!(refused.code, -32602);
    assert!(
        refused
            .message
            .ends_with("returned 0 bytes, expected 32: is it an ERC-20 token?"),
        "{refused:?}"
    );
    // One that reverts: the coin has no allowances.
    let coin = node.create(bytecode::COIN).await;
    let allow = json!([SOMEBODY, NOBODY, coin, "0x1"]);
    assert_eq!(node.refused("anvil_setERC20Allowance", allow).await.code, 3);
}

#[tokio::test]
async fn waiting_transactions_are_dropped_by_sender_or_all_at_once() {
    let node = Node::start().await;
    node.call("evm_setAutomine", json!([false])).await;
    let send = async |from: usize| {
        let transaction = json!({ "from": node.account(from), "to": NOBODY, "value": "0x1" });
        node.call("eth_sendTransaction", json!([transaction])).await
    };
    let waiting = async || {
        let status = node.call("txpool_status", json!([])).await;
        quantity(&status["pending"])
    };
    for from in [0, 1, 1, 2] {
        send(from).await;
    }
    let sender = node.account(1);
    node.call("anvil_removePoolTransactions", json!([sender]))
        .await;
    assert_eq!(waiting().await, 2);
    // Their nonces can be used again.
    let count = json!([sender, "pending"]);
    assert_eq!(node.call("eth_getTransactionCount", count).await, "0x0");
    for method in ["anvil_dropAllTransactions", "hardhat_dropAllTransactions"] {
        send(0).await;
        assert_eq!(node.call(method, json!([])).await, Value::Null);
        assert_eq!(waiting().await, 0);
    }
    node.call("evm_mine", json!([])).await;
    assert_eq!(node.call("eth_getBalance", json!([NOBODY])).await, "0x0");
}

#[tokio::test]
async fn the_node_names_the_fork_of_its_version() {
    for (version, name) in [
        (ArbOs::V40, "prague"),
        (ArbOs::V51, "osaka"),
        (ArbOs::V61, "osaka"),
    ] {
        let node = Node::of(Devnet::builder().arbos(version).spawn().await.unwrap());
        let info = node.call("anvil_nodeInfo", json!([])).await;
        assert_eq!(info["hardFork"], name, "{version}");
    }
}

#[tokio::test]
async fn the_first_block_tells_its_time() {
    let node = Node::start().await;
    node.call("evm_mine", json!([])).await;
    let first = node.timestamp("0x0").await;
    assert_eq!(node.call("anvil_getGenesisTime", json!([])).await, first);
}

#[tokio::test]
async fn what_other_nodes_do_and_this_one_does_not_is_refused_with_what_to_do() {
    let node = Node::start().await;
    let snapshot = "blocks can only be undone back to a snapshot: call evm_snapshot before them, evm_revert after";
    let blobs = "there are no blobs: as on Arbitrum, transactions with blobs are refused";
    let details =
        "mine with evm_mine, then read the block with eth_getBlockByNumber and trace_block";
    let head = node.block_number().await;
    for (method, params, message) in [
        ("anvil_rollback", json!([1]), snapshot),
        ("anvil_reorg", json!([1, []]), snapshot),
        ("evm_mine_detailed", json!([]), details),
        ("anvil_mine_detailed", json!([{}]), details),
        (
            "anvil_enableTraces",
            json!([]),
            "there is nothing to enable: debug_traceTransaction runs any transaction again",
        ),
        ("anvil_getBlobByHash", json!(["0x"]), blobs),
        ("anvil_getBlobsByTransactionHash", json!(["0x"]), blobs),
        ("anvil_getBlobSidecarsByBlockId", json!([1]), blobs),
    ] {
        assert_eq!(
            node.refused(method, params).await,
            refusal(message),
            "{method}"
        );
    }
    assert_eq!(node.block_number().await, head);
}
