//! Every method of the read-only namespaces: what it answers, and its errors for bad input.

use crate::support::{Node, bytecode, invalid, quantity, refusal};
use serde_json::{Value, json};

const NITRO: &str = "0x3f1Eae7D46d88F08fc2F8ed27FCb2AB183EB2d0E";
const NOBODY: &str = "0x00000000000000000000000000000000000000ee";
const NO_HASH: &str = "0x00000000000000000000000000000000000000000000000000000000000000ff";

#[tokio::test]
async fn a_fresh_chain_answers_like_a_development_node() {
    let node = Node::start().await;
    for (method, params, answer) in [
        ("eth_chainId", json!([]), json!("0x64aba")),
        ("eth_blockNumber", json!([]), json!("0x0")),
        ("eth_syncing", json!([]), json!(false)),
        ("eth_mining", json!([]), json!(false)),
        ("eth_hashrate", json!([]), json!("0x0")),
        ("eth_gasPrice", json!([]), json!("0x5f5e100")),
        ("eth_maxPriorityFeePerGas", json!([]), json!("0x0")),
        (
            "eth_coinbase",
            json!([]),
            json!("0xa4b000000000000000000073657175656e636572"),
        ),
        ("net_version", json!([]), json!("412346")),
        ("net_listening", json!([]), json!(true)),
        ("net_peerCount", json!([]), json!("0x0")),
        (
            "web3_clientVersion",
            json!([]),
            json!(concat!("devnet/v", env!("CARGO_PKG_VERSION"))),
        ),
        (
            "txpool_status",
            json!([]),
            json!({ "pending": "0x0", "queued": "0x0" }),
        ),
        (
            "txpool_content",
            json!([]),
            json!({ "pending": {}, "queued": {} }),
        ),
        (
            "eth_getBalance",
            json!([NITRO]),
            json!("0xd3c21bcecceda1000000"),
        ),
        ("eth_getBalance", json!([NOBODY, "latest"]), json!("0x0")),
        ("eth_getCode", json!([NOBODY, "latest"]), json!("0x")),
        (
            "eth_getTransactionCount",
            json!([NITRO, "pending"]),
            json!("0x0"),
        ),
        ("eth_getTransactionByHash", json!([NO_HASH]), json!(null)),
        ("eth_getTransactionReceipt", json!([NO_HASH]), json!(null)),
        ("eth_getBlockByNumber", json!(["0x1", false]), json!(null)),
        ("eth_getBlockByHash", json!([NO_HASH, false]), json!(null)),
        ("eth_getBlockReceipts", json!(["latest"]), json!([])),
        (
            "eth_getBlockTransactionCountByNumber",
            json!(["latest"]),
            json!("0x0"),
        ),
        (
            "eth_getUncleCountByBlockNumber",
            json!(["latest"]),
            json!("0x0"),
        ),
        (
            "eth_getLogs",
            json!([{ "fromBlock": "earliest" }]),
            json!([]),
        ),
        ("anvil_getAutomine", json!([]), json!(true)),
        (
            "web3_sha3",
            json!(["0x"]),
            json!("0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        ),
    ] {
        assert_eq!(node.call(method, params).await, answer, "{method}");
    }
    let accounts = node.call("eth_accounts", json!([])).await;
    assert_eq!(accounts.as_array().unwrap().len(), 11);
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "one list of inputs")]
async fn bad_input_is_refused_with_words() {
    let node = Node::start().await;
    for (method, params, message) in [
        (
            "eth_getBalance",
            json!([]),
            "missing value for required argument 0 (address)",
        ),
        (
            "eth_getBalance",
            json!(["0x12"]),
            "invalid argument 0 (address): invalid string length",
        ),
        (
            "eth_getBalance",
            json!([NITRO, "latest", 1]),
            "too many arguments, want at most 2",
        ),
        (
            "eth_getBalance",
            json!({ "address": NITRO }),
            "non-array args",
        ),
        (
            "eth_chainId",
            json!([1]),
            "too many arguments, want at most 0",
        ),
        (
            "eth_sendTransaction",
            json!([{ "to": NITRO }]),
            "invalid argument 0 (transaction): missing field `from`",
        ),
        (
            "eth_getFilterChanges",
            json!([[]]),
            "invalid argument 0 (filter id): not a number below 2^64",
        ),
        (
            "evm_increaseTime",
            json!([]),
            "missing value for required argument 0 (seconds)",
        ),
        (
            "evm_increaseTime",
            json!(["soon"]),
            "invalid argument 0 (seconds): not a number below 2^64",
        ),
        (
            "eth_getLogs",
            json!([]),
            "missing value for required argument 0 (filter)",
        ),
        (
            "eth_getLogs",
            json!([{ "fromBlock": "0x5", "toBlock": "0x2" }]),
            "invalid block range params: from 5 to 2",
        ),
        (
            "eth_getLogs",
            json!([{ "fromBlock": "0x0", "toBlock": "0x9" }]),
            "block range extends beyond current head block",
        ),
        (
            "eth_getStorageAt",
            json!([
                NITRO,
                "0x00000000000000000000000000000000000000000000000000000000000000000"
            ]),
            "storage key too long (want at most 32 bytes): \
             \"0x00000000000000000000000000000000000000000000000000000000000000000\"",
        ),
        (
            "eth_getStorageAt",
            json!([NITRO, "slot"]),
            "invalid hex in storage key: \"slot\"",
        ),
        (
            "eth_feeHistory",
            json!([1, "latest", [50.0, 10.0]]),
            "invalid argument 2 (reward percentiles): want at most 100, ascending, from 0 to 100",
        ),
    ] {
        assert_eq!(
            node.refused(method, params).await,
            invalid(message),
            "{method}"
        );
    }
    for (method, params) in [
        ("eth_getBalance", json!([NITRO, "yesterday"])),
        ("eth_call", json!([{ "to": "zebra" }])),
        ("eth_call", json!([{ "to": NITRO, "value": "-1" }])),
        ("eth_sendRawTransaction", json!(["not hex"])),
        ("eth_getTransactionByHash", json!(["0x1234"])),
        ("eth_getBlockByNumber", json!(["latest", "yes"])),
        ("hardhat_setBalance", json!([NITRO, "much"])),
        ("hardhat_setCode", json!([NITRO, "0xabc"])),
        ("evm_setAutomine", json!(["on"])),
        ("eth_getLogs", json!([{ "topics": "all" }])),
    ] {
        let refused = node.refused(method, params).await;
        assert_eq!(refused.code, -32602, "{method}: {}", refused.message);
        assert!(
            refused.message.starts_with("invalid argument "),
            "{method}: {}",
            refused.message
        );
    }
}

#[tokio::test]
async fn an_unknown_method_is_refused_as_such() {
    let node = Node::start().await;
    assert_eq!(node.refused("eth_fly", json!([])).await.code, -32601);
}

#[tokio::test]
async fn an_unknown_block_is_refused_where_state_is_asked_for() {
    let node = Node::start().await;
    for block in [json!("0x9"), json!({ "blockHash": NO_HASH })] {
        let refused = node.refused("eth_getBalance", json!([NITRO, block])).await;
        assert_eq!(refused, refusal("header not found"));
    }
}

#[tokio::test]
async fn a_block_links_to_its_parent_and_is_found_by_hash() {
    let node = Node::start().await;
    let receipt = node
        .send(json!({ "from": NITRO, "to": NOBODY, "value": "0x7" }))
        .await;
    let block = node
        .call("eth_getBlockByNumber", json!(["0x1", true]))
        .await;
    let genesis = node
        .call("eth_getBlockByNumber", json!(["0x0", false]))
        .await;
    assert_eq!(block["parentHash"], genesis["hash"]);
    assert_eq!(block["hash"], receipt["blockHash"]);
    assert_eq!(block["gasUsed"], "0x5208");
    assert_eq!(block["baseFeePerGas"], "0x5f5e100");
    assert_eq!(block["transactions"][0]["hash"], receipt["transactionHash"]);
    let found = node
        .call("eth_getBlockByHash", json!([block["hash"], true]))
        .await;
    assert_eq!(found, block);
    let by_index = node
        .call(
            "eth_getTransactionByBlockNumberAndIndex",
            json!(["0x1", "0x0"]),
        )
        .await;
    let by_hash = node
        .call(
            "eth_getTransactionByHash",
            json!([receipt["transactionHash"]]),
        )
        .await;
    assert_eq!(by_index, by_hash);
    assert_eq!(by_hash["value"], "0x7");
    assert_eq!(by_hash["gasPrice"], "0x5f5e100");
    let receipts = node.call("eth_getBlockReceipts", json!(["latest"])).await;
    assert_eq!(receipts, json!([receipt]));
    let missing = node
        .call(
            "eth_getTransactionByBlockHashAndIndex",
            json!([block["hash"], "0x1"]),
        )
        .await;
    assert_eq!(missing, Value::Null);
}

#[tokio::test]
async fn the_header_hash_is_the_hash_of_the_header() {
    let node = Node::start().await;
    node.create(bytecode::COIN).await;
    let block = node
        .call("eth_getBlockByNumber", json!(["latest", true]))
        .await;
    let block: alloy::rpc::types::Block = serde_json::from_value(block).unwrap();
    assert_eq!(block.header.inner.hash_slow(), block.header.hash);
    let transactions: Vec<_> = block.transactions.into_transactions().collect();
    let envelopes: Vec<_> = transactions
        .into_iter()
        .map(alloy::rpc::types::Transaction::into_inner)
        .collect();
    assert_eq!(
        alloy::consensus::proofs::calculate_transaction_root(&envelopes),
        block.header.inner.transactions_root
    );
}

#[tokio::test]
async fn fee_history_covers_the_blocks_there_are() {
    let node = Node::start().await;
    node.send(json!({ "from": NITRO, "to": NOBODY })).await;
    let history = node
        .call("eth_feeHistory", json!(["0xa", "latest", [10.0, 90.0]]))
        .await;
    assert_eq!(history["oldestBlock"], "0x0");
    assert_eq!(
        history["baseFeePerGas"],
        json!(["0x5f5e100", "0x5f5e100", "0x5f5e100"])
    );
    assert_eq!(history["reward"], json!([["0x0", "0x0"], ["0x0", "0x0"]]));
    assert_eq!(history["gasUsedRatio"].as_array().unwrap().len(), 2);
    let refused = node.refused("eth_feeHistory", json!([1, "0x9", []])).await;
    assert_eq!(refused, refusal("header not found"));
}

#[tokio::test]
async fn a_message_is_signed_only_by_an_account_of_the_node() {
    let node = Node::start().await;
    let signature = node.call("eth_sign", json!([NITRO, "0x68656c6c6f"])).await;
    let signature: alloy::primitives::Signature = signature.as_str().unwrap().parse().unwrap();
    assert_eq!(
        signature
            .recover_address_from_msg(b"hello")
            .unwrap()
            .to_string(),
        NITRO
    );
    let refused = node.refused("eth_sign", json!([NOBODY, "0x"])).await;
    assert_eq!(refused, refusal("unknown account"));
}

#[tokio::test]
async fn accounts_can_be_edited_from_outside() {
    let node = Node::start().await;
    for prefix in ["hardhat_", "anvil_"] {
        let method = |name: &str| -> &'static str { format!("{prefix}{name}").leak() };
        node.call(method("setBalance"), json!([NOBODY, "0x10"]))
            .await;
        assert_eq!(
            node.call("eth_getBalance", json!([NOBODY, "latest"])).await,
            "0x10"
        );
        node.call(method("setNonce"), json!([NOBODY, "0x5"])).await;
        assert_eq!(
            node.call("eth_getTransactionCount", json!([NOBODY, "latest"]))
                .await,
            "0x5"
        );
        node.call(method("setCode"), json!([NOBODY, "0x6001"]))
            .await;
        assert_eq!(
            node.call("eth_getCode", json!([NOBODY, "latest"])).await,
            "0x6001"
        );
        let word = "0x0000000000000000000000000000000000000000000000000000000000000009";
        node.call(method("setStorageAt"), json!([NOBODY, "0x3", word]))
            .await;
        assert_eq!(
            node.call("eth_getStorageAt", json!([NOBODY, "0x3", "latest"]))
                .await,
            word
        );
        let slot = "0x0000000000000000000000000000000000000000000000000000000000000003";
        assert_eq!(
            node.call("eth_getStorageAt", json!([NOBODY, slot, "latest"]))
                .await,
            word
        );
    }
    assert_eq!(quantity(&node.call("eth_blockNumber", json!([])).await), 0);
}
