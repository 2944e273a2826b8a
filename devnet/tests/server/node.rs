//! The node as a whole: what it reports about itself, its accounts as one document, resetting it.

use crate::support::{Node, bytecode, invalid, started};
use devnet::Devnet;
use serde_json::{Value, json};

const NOBODY: &str = "0x00000000000000000000000000000000000000ee";
const SOMEBODY: &str = "0x00000000000000000000000000000000000000dd";

fn word(number: u64) -> String {
    format!("{number:#066x}")
}

#[tokio::test]
async fn the_node_calls_itself_what_it_was_told_to() {
    let devnet = Devnet::builder()
        .client_version("anvil/v1.2.3")
        .spawn()
        .await
        .unwrap();
    let node = Node::of(devnet);
    let version = node.call("web3_clientVersion", json!([])).await;
    assert_eq!(version, "anvil/v1.2.3");
    let metadata = node.call("hardhat_metadata", json!([])).await;
    assert_eq!(metadata["clientVersion"], "anvil/v1.2.3");
    assert_eq!(metadata["chainId"], 412_346);
    assert_eq!(metadata["latestBlockNumber"], 0);
    let head = node
        .call("eth_getBlockByNumber", json!(["latest", false]))
        .await;
    assert_eq!(metadata["latestBlockHash"], head["hash"]);
    let other = Node::start().await;
    let others = other.call("hardhat_metadata", json!([])).await;
    assert_ne!(metadata["instanceId"], others["instanceId"]);
    let info = node.call("anvil_nodeInfo", json!([])).await;
    assert_eq!(info["currentBlockHash"], head["hash"]);
    assert_eq!(info["environment"]["chainId"], 412_346);
    assert_eq!(info["environment"]["gasPrice"], 100_000_000);
}

#[tokio::test]
async fn a_synchronous_test_starts_and_drops_a_chain() {
    let address = {
        let devnet = tokio::task::spawn_blocking(|| Devnet::builder().start())
            .await
            .unwrap()
            .unwrap();
        let node = Node::of(devnet);
        assert_eq!(node.block_number().await, 0);
        node.devnet.address()
    };
    // The port is free again: another chain can have it.
    let again = Devnet::builder().port(address.port());
    let mut started = again.clone().spawn().await;
    for _ in 0..1_000 {
        if started.is_ok() {
            break;
        }
        tokio::task::yield_now().await;
        started = again.clone().spawn().await;
    }
    assert_eq!(started.unwrap().address(), address);
}

#[tokio::test]
async fn a_balance_is_added_to_and_never_beyond_256_bits() {
    let node = Node::start().await;
    node.call("anvil_addBalance", json!([NOBODY, "0x5"])).await;
    node.call("anvil_addBalance", json!([NOBODY, "0x2"])).await;
    assert_eq!(node.call("eth_getBalance", json!([NOBODY])).await, "0x7");
    let most = format!("0x{}", "f".repeat(64));
    let refused = node
        .refused("anvil_addBalance", json!([NOBODY, most]))
        .await;
    let most = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
    assert_eq!(
        refused,
        invalid(&format!(
            "0x00000000000000000000000000000000000000eE has 7 wei: adding {most} would exceed 256 \
             bits"
        ))
    );
    assert_eq!(node.call("eth_getBalance", json!([NOBODY])).await, "0x7");
}

#[tokio::test]
async fn an_account_is_told_in_one_answer() {
    let node = Node::start().await;
    node.call("hardhat_setBalance", json!([NOBODY, "0x10"]))
        .await;
    node.call("hardhat_setNonce", json!([NOBODY, "0x5"])).await;
    node.call("hardhat_setCode", json!([NOBODY, "0x6001"]))
        .await;
    for method in ["eth_getAccountInfo", "anvil_getAccountInfo"] {
        let info = node.call(method, json!([NOBODY, "latest"])).await;
        let expected = json!({ "balance": "0x10", "nonce": "0x5", "code": "0x6001" });
        assert_eq!(info, expected, "{method}");
    }
}

#[tokio::test]
async fn an_unsigned_transaction_is_sent_for_anybody() {
    let node = Node::start().await;
    node.call("hardhat_setBalance", json!([SOMEBODY, "0xde0b6b3a7640000"]))
        .await;
    let transfer = json!({ "from": SOMEBODY, "to": NOBODY, "value": "0x7" });
    let refused = node.refused("eth_sendTransaction", json!([transfer])).await;
    assert_eq!(refused, crate::support::refusal("unknown account"));
    let hash = node
        .call("eth_sendUnsignedTransaction", json!([transfer]))
        .await;
    let receipt = node.call("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(
        (&receipt["status"], &receipt["from"]),
        (&json!("0x1"), &json!(SOMEBODY))
    );
    assert_eq!(node.call("eth_getBalance", json!([NOBODY])).await, "0x7");
    assert_eq!(
        node.call("eth_getTransactionCount", json!([SOMEBODY]))
            .await,
        "0x1"
    );
}

#[tokio::test]
async fn dumped_accounts_replace_those_of_another_chain() {
    let first = Node::start().await;
    let coin = first.create(bytecode::COIN).await;
    first
        .call("hardhat_setStorageAt", json!([NOBODY, "0x3", word(9)]))
        .await;
    first.call("hardhat_setNonce", json!([NOBODY, "0x4"])).await;
    let code = first.call("eth_getCode", json!([coin])).await;
    let dump = first.call("anvil_dumpState", json!([])).await;
    // The document is JSON with the fields that anvil's dumps have.
    let text: alloy::primitives::Bytes = serde_json::from_value(dump.clone()).unwrap();
    let document: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(document["accounts"][NOBODY]["nonce"], 4);
    assert_eq!(document["accounts"][NOBODY]["storage"][word(3)], word(9));

    let second = Node::start().await;
    second
        .call("hardhat_setStorageAt", json!([NOBODY, "0x1", word(1)]))
        .await;
    second
        .call("hardhat_setBalance", json!([SOMEBODY, "0x6"]))
        .await;
    assert_eq!(second.call("anvil_loadState", json!([dump])).await, true);
    assert_eq!(second.call("eth_getCode", json!([coin])).await, code);
    let slot = |slot: &'static str| json!([NOBODY, slot]);
    assert_eq!(second.call("eth_getStorageAt", slot("0x3")).await, word(9));
    assert_eq!(
        second.call("eth_getStorageAt", slot("0x1")).await,
        word(0),
        "replaced as a whole"
    );
    assert_eq!(
        second.call("eth_getBalance", json!([SOMEBODY])).await,
        "0x6",
        "the dump does not name it"
    );

    let refused = second.refused("anvil_loadState", json!(["0x7b7d"])).await;
    assert_eq!(
        refused,
        invalid("invalid argument 0 (state): missing field `accounts` at line 1 column 2")
    );
    let refused = second.refused("anvil_loadState", json!(["0x1f8b08"])).await;
    assert_eq!(
        refused,
        invalid("invalid argument 0 (state): it is compressed (gzip); unpack it first")
    );
}

#[tokio::test]
async fn a_reset_begins_anew_also_in_the_state_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state");
    let builder = || Devnet::builder().state(&file);
    let node = Node::of(builder().spawn().await.unwrap());
    node.send(json!({ "from": node.account(1), "to": NOBODY, "value": "0x7" }))
        .await;
    let snapshot = node.call("evm_snapshot", json!([])).await;
    node.call("hardhat_setCoinbase", json!([SOMEBODY])).await;
    node.call("evm_increaseTime", json!([86_400])).await;
    node.call("hardhat_impersonateAccount", json!([SOMEBODY]))
        .await;
    // As viem sends it without options.
    let nothing = json!([{ "forking": { "blockNumber": null } }]);
    assert_eq!(node.call("hardhat_reset", nothing).await, true);
    assert_eq!(node.block_number().await, 0);
    assert_eq!(node.call("eth_getBalance", json!([NOBODY])).await, "0x0");
    assert_eq!(
        node.call("eth_getTransactionCount", json!([node.account(1)]))
            .await,
        "0x0"
    );
    assert_eq!(node.call("evm_revert", json!([snapshot])).await, false);
    assert_eq!(
        node.call("eth_coinbase", json!([])).await,
        "0xa4b000000000000000000073657175656e636572"
    );
    let refused = node
        .refused(
            "eth_sendTransaction",
            json!([{ "from": SOMEBODY, "to": NOBODY }]),
        )
        .await;
    assert_eq!(refused, crate::support::refusal("unknown account"));
    node.send(json!({ "from": node.account(1), "to": NOBODY, "value": "0x3" }))
        .await;
    let head = node
        .call("eth_getBlockByNumber", json!(["latest", true]))
        .await;
    drop(node);

    let node = Node::of(started(builder()).await.unwrap());
    assert_eq!(
        node.call("eth_getBlockByNumber", json!(["latest", true]))
            .await,
        head
    );
    assert_eq!(node.call("eth_getBalance", json!([NOBODY])).await, "0x3");
    let fork = json!([{ "forking": { "jsonRpcUrl": "http://127.0.0.1:1" } }]);
    let refused = node.refused("hardhat_reset", fork).await;
    assert_eq!(
        refused,
        invalid(
            "invalid argument 0 (options): this chain was not started as a fork and cannot become one"
        )
    );
}

#[tokio::test]
async fn blocks_with_rules_of_their_own_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state");
    let builder = || Devnet::builder().state(&file);
    let node = Node::of(builder().spawn().await.unwrap());
    node.call("hardhat_setCoinbase", json!([SOMEBODY])).await;
    node.call("evm_setBlockGasLimit", json!(["0x1c9c380"]))
        .await;
    node.call("hardhat_setPrevRandao", json!([word(5)])).await;
    node.call("hardhat_setNextBlockBaseFeePerGas", json!(["0x9"]))
        .await;
    let receipt = node
        .send(json!({ "from": node.account(1), "to": NOBODY }))
        .await;
    let block = node
        .call("eth_getBlockByNumber", json!(["0x1", true]))
        .await;
    drop(node);

    let node = Node::of(started(builder()).await.unwrap());
    assert_eq!(
        node.call("eth_getBlockByNumber", json!(["0x1", true]))
            .await,
        block
    );
    let hash = json!([receipt["transactionHash"]]);
    assert_eq!(node.call("eth_getTransactionReceipt", hash).await, receipt);
}
