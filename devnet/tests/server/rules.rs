//! Rules of blocks changed from outside: what a contract sees of them, what headers say, what is refused.

use crate::support::{Node, invalid, quantity, refusal};
use devnet::Devnet;
use serde_json::{Value, json};
use std::time::Duration;

const PROBE: &str = "0x00000000000000000000000000000000000000aa";
const NOBODY: &str = "0x00000000000000000000000000000000000000ee";

/// Stores CHAINID, COINBASE, PREVRANDAO, GASLIMIT and BASEFEE in slots 0 to 4, and stops.
const STORE_RULES: &str = "0x465f554160015544600255456003554860045500";

fn word(number: u128) -> String {
    format!("{number:#066x}")
}

/// What a transaction saw in its block: the words that [`STORE_RULES`] stores.
async fn seen(node: &Node) -> Vec<Value> {
    let call = json!({ "from": node.account(1), "to": PROBE, "gas": "0x30d40" });
    let receipt = node.send(call).await;
    assert_eq!(receipt["status"], "0x1");
    let mut words = Vec::new();
    for slot in ["0x0", "0x1", "0x2", "0x3", "0x4"] {
        words.push(node.call("eth_getStorageAt", json!([PROBE, slot])).await);
    }
    words
}

async fn probe() -> Node {
    let node = Node::start().await;
    node.call("hardhat_setCode", json!([PROBE, STORE_RULES]))
        .await;
    node
}

async fn header(node: &Node, block: &str) -> Value {
    node.call("eth_getBlockByNumber", json!([block, false]))
        .await
}

#[tokio::test]
async fn a_contract_and_the_header_see_the_rules_that_were_set() {
    let node = probe().await;
    let sequencer = "0x000000000000000000000000a4b000000000000000000073657175656e636572";
    let usual = [
        word(412_346),
        sequencer.into(),
        word(1),
        word(1 << 50),
        word(100_000_000),
    ];
    assert_eq!(seen(&node).await, usual);

    let randao = word(0xABCD);
    node.call("hardhat_setCoinbase", json!([NOBODY])).await;
    node.call("evm_setBlockGasLimit", json!(["0x1c9c380"]))
        .await;
    node.call("hardhat_setPrevRandao", json!([randao])).await;
    node.call("hardhat_setNextBlockBaseFeePerGas", json!(["0x77359400"]))
        .await;
    assert_eq!(
        node.call("eth_gasPrice", json!([])).await,
        "0x77359400",
        "the price is the next block's"
    );
    let coinbase = format!("0x{}{}", "0".repeat(24), &NOBODY[2..]);
    let changed = [
        word(412_346),
        coinbase.clone(),
        randao.clone(),
        word(30_000_000),
        word(2_000_000_000),
    ];
    assert_eq!(seen(&node).await, changed);
    let block = header(&node, "latest").await;
    assert_eq!(block["miner"], NOBODY);
    assert_eq!(block["gasLimit"], "0x1c9c380");
    assert_eq!(block["mixHash"], randao);
    assert_eq!(block["baseFeePerGas"], "0x77359400");

    // Base fee and randomness applied only to the next block; coinbase and gas limit persist.
    let after = [
        word(412_346),
        coinbase,
        word(1),
        word(30_000_000),
        word(100_000_000),
    ];
    assert_eq!(seen(&node).await, after);

    // Calls at past blocks run under those blocks' own rules.
    let fee =
        json!([{ "to": PROBE, "data": "0x" }, "0x2", { PROBE: { "code": "0x485f5260205ff3" } }]);
    assert_eq!(node.call("eth_call", fee).await, word(2_000_000_000));
    let history = node
        .call("eth_feeHistory", json!(["0x3", "latest", []]))
        .await;
    assert_eq!(
        history["baseFeePerGas"],
        json!(["0x5f5e100", "0x77359400", "0x5f5e100", "0x5f5e100"])
    );
}

#[tokio::test]
async fn a_receipt_pays_the_base_fee_of_its_block() {
    let node = Node::start().await;
    node.call("anvil_setNextBlockBaseFeePerGas", json!(["0x7"]))
        .await;
    let before = node.call("eth_getBalance", json!([node.account(1)])).await;
    let receipt = node
        .send(json!({ "from": node.account(1), "to": NOBODY }))
        .await;
    assert_eq!(receipt["effectiveGasPrice"], "0x7");
    let after = node.call("eth_getBalance", json!([node.account(1)])).await;
    let wei = |value: &Value| {
        u128::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
    };
    assert_eq!(wei(&before) - wei(&after), 21_000 * 7);
}

#[tokio::test]
async fn a_transaction_beyond_the_block_gas_limit_is_refused_and_a_block_holds_no_more() {
    let node = Node::start().await;
    node.call("evm_setBlockGasLimit", json!([50_000])).await;
    let transfer = json!({ "from": node.account(1), "to": NOBODY, "gas": "0xc351" });
    let refused = node.refused("eth_sendTransaction", json!([transfer])).await;
    assert_eq!(refused, refusal("exceeds block gas limit"));
    assert_eq!(node.block_number().await, 0);

    node.call("evm_setAutomine", json!([false])).await;
    for _ in 0..5 {
        let transfer = json!({ "from": node.account(1), "to": NOBODY, "gas": "0x5208" });
        node.call("eth_sendTransaction", json!([transfer])).await;
    }
    node.call("evm_mine", json!([])).await;
    // A block closes with the transaction that reaches its limit: 3 x 21,000 is the first sum beyond 50,000.
    assert_eq!(header(&node, "latest").await["gasUsed"], "0xf618");
    let refused = node.refused("evm_setBlockGasLimit", json!(["0x0"])).await;
    assert_eq!(
        refused,
        invalid("a block with a gas limit of 0 cannot contain a transaction")
    );
}

#[tokio::test]
async fn another_chain_id_is_signed_for_and_answered() {
    let node = Node::start().await;
    let signed = node
        .call(
            "eth_signTransaction",
            json!([{ "from": node.account(1), "to": NOBODY, "gas": "0x5208" }]),
        )
        .await;
    node.call("anvil_setChainId", json!([1])).await;
    assert_eq!(node.call("eth_chainId", json!([])).await, "0x1");
    assert_eq!(node.call("net_version", json!([])).await, "1");
    let refused = node
        .refused("eth_sendRawTransaction", json!([signed["raw"]]))
        .await;
    assert_eq!(
        refused,
        refusal("invalid chain id for signer: have 412346 want 1")
    );
    let receipt = node
        .send(json!({ "from": node.account(1), "to": NOBODY }))
        .await;
    let sent = node
        .call(
            "eth_getTransactionByHash",
            json!([receipt["transactionHash"]]),
        )
        .await;
    assert_eq!(sent["chainId"], "0x1");
}

#[tokio::test]
async fn randomness_of_zero_and_a_minimum_price_are_refused() {
    let node = Node::start().await;
    let refused = node
        .refused("hardhat_setPrevRandao", json!([word(0)]))
        .await;
    assert_eq!(
        refused,
        invalid(
            "prevRandao must not be zero, which a header cannot distinguish from an absent value"
        )
    );
    let refused = node.refused("anvil_setMinGasPrice", json!(["0x1"])).await;
    assert_eq!(
        refused,
        refusal(
            "there is no minimum gas price besides the base fee: set that with anvil_setNextBlockBaseFeePerGas"
        )
    );
}

#[tokio::test]
async fn going_back_to_a_snapshot_brings_its_rules_back() {
    let node = probe().await;
    let usual = seen(&node).await;
    let snapshot = node.call("evm_snapshot", json!([])).await;
    node.call("hardhat_setCoinbase", json!([NOBODY])).await;
    node.call("evm_setBlockGasLimit", json!(["0x1c9c380"]))
        .await;
    node.call("evm_revert", json!([snapshot])).await;
    assert_eq!(seen(&node).await, usual);
}

/// Waits for a block above `number`, which the node makes by itself.
async fn block_above(node: &Node, number: u64) {
    tokio::time::timeout(Duration::from_mins(1), async {
        while node.block_number().await <= number {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("a block is made");
}

#[tokio::test]
async fn interval_mining_makes_blocks_and_automine_ends_it() {
    let node = Node::start().await;
    node.call("evm_setIntervalMining", json!([1])).await;
    assert_eq!(node.call("anvil_getIntervalMining", json!([])).await, 1);
    assert_eq!(node.call("anvil_getAutomine", json!([])).await, false);
    let transfer = json!({ "from": node.account(1), "to": NOBODY, "value": "0x9" });
    let hash = node.call("eth_sendTransaction", json!([transfer])).await;
    block_above(&node, 0).await;
    let receipt = node.call("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt["status"], "0x1");

    node.call("evm_setAutomine", json!([true])).await;
    assert_eq!(
        node.call("anvil_getIntervalMining", json!([])).await,
        Value::Null
    );
    let head = node.block_number().await;
    let receipt = node
        .send(json!({ "from": node.account(1), "to": NOBODY }))
        .await;
    assert_eq!(quantity(&receipt["blockNumber"]), head + 1);
}

#[tokio::test]
async fn a_block_time_can_be_ended() {
    let hour = Duration::from_hours(1);
    let devnet = Devnet::builder().block_time(hour).spawn().await.unwrap();
    let node = Node::of(devnet);
    assert_eq!(node.call("anvil_getIntervalMining", json!([])).await, 3_600);
    node.call("anvil_setIntervalMining", json!([0])).await;
    assert_eq!(
        node.call("anvil_getIntervalMining", json!([])).await,
        Value::Null
    );
    assert_eq!(node.call("anvil_getAutomine", json!([])).await, false);
}
