//! Simulated transactions: access lists, and blocks on top of the newest. Gas is by the Yellow Paper's prices.

use crate::support::{Node, program, quantity};
use serde_json::{Value, json};

const OUTER: &str = "0x00000000000000000000000000000000000000a1";
const INNER: &str = "0x00000000000000000000000000000000000000b2";
const NOBODY: &str = "0x00000000000000000000000000000000000000ee";
/// The account that "emits" the logs of ether.
const ETHER: &str = "0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee";
const TRANSFER: &str = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";

/// `SSTORE(1, 42)`, then returns `SLOAD(1)`.
const STORE: &str = "0x602a6001556001545f5260205ff3";

fn word(number: u64) -> String {
    format!("0x{number:064x}")
}

/// An address as a topic.
fn topic(address: &str) -> String {
    format!("0x{:0>64}", address[2..].to_lowercase())
}

async fn put(node: &Node, address: &str, code: &str) {
    node.call("anvil_setCode", json!([address, code])).await;
}

#[tokio::test]
async fn an_access_list_names_what_is_touched_and_not_what_is_warm_anyway() {
    let node = Node::start().await;
    put(&node, INNER, STORE).await;
    // Calls INNER with all gas; neither the recipient itself nor the precompile at 4 is an entry.
    let call = |to: &str| format!("5f5f5f5f5f73{}5af150", &to[2..]);
    let identity = "0x0000000000000000000000000000000000000004";
    put(
        &node,
        OUTER,
        &format!("0x{}{}00", call(INNER), call(identity)),
    )
    .await;
    let request = json!({ "from": node.account(0), "to": OUTER });
    let answer = node.call("eth_createAccessList", json!([request])).await;
    let list = json!([{ "address": INNER, "storageKeys": [word(1)] }]);
    assert_eq!(answer["accessList"], list);
    assert!(answer.get("error").is_none());
    // An account 2,400, a slot 1,900; then both are warm: CALL 100, SSTORE of a fresh slot 20,000, SLOAD 100.
    let inner = 3 + 3 + 20_000 + 3 + 100 + 2 + 6 + 3 + 2;
    let calls = 2 * (5 * 2 + 3 + 2 + 100 + 2);
    // The identity precompile: 15.
    assert_eq!(
        quantity(&answer["gasUsed"]),
        21_000 + 2_400 + 1_900 + inner + calls + 15
    );
    // It is what the transaction uses with that list.
    let mut sent = request.clone();
    sent["accessList"] = list;
    sent["gas"] = json!("0x186a0");
    assert_eq!(node.send(sent).await["gasUsed"], answer["gasUsed"]);

    // Reverting is part of the answer.
    put(&node, OUTER, "0x60075450 5f5ffd".replace(' ', "").as_str()).await;
    let answer = node
        .call("eth_createAccessList", json!([request, "latest"]))
        .await;
    assert_eq!(answer["error"], "execution reverted");
    assert_eq!(
        answer["accessList"],
        json!([{ "address": OUTER, "storageKeys": [word(7)] }])
    );
}

#[tokio::test]
async fn an_access_list_names_what_a_program_touches() {
    let node = Node::start().await;
    // Loads slot 5, asks for the balance of the account at 64, which is INNER.
    let wat = r#"(module
        (import "vm_hooks" "storage_load_bytes32" (func $load (param i32 i32)))
        (import "vm_hooks" "account_balance" (func $balance (param i32 i32)))
        (memory (export "memory") 1 1)
        (data (i32.const 31) "\05")
        (data (i32.const 83) "\b2")
        (func (export "user_entrypoint") (param i32) (result i32)
            (call $load (i32.const 0) (i32.const 128))
            (call $balance (i32.const 64) (i32.const 128))
            (i32.const 0)))"#;
    let program = program::deploy(&node, wat).await;
    let request = json!({ "from": node.account(0), "to": program });
    let answer = node.call("eth_createAccessList", json!([request])).await;
    let mut list = vec![
        json!({ "address": INNER, "storageKeys": [] }),
        json!({ "address": program, "storageKeys": [word(5)] }),
    ];
    list.sort_by_key(|entry| entry["address"].to_string());
    assert_eq!(answer["accessList"], json!(list));
}

async fn simulated(node: &Node, payload: Value) -> Value {
    node.call("eth_simulateV1", json!([payload, "latest"]))
        .await
}

#[tokio::test]
async fn calls_of_simulated_blocks_build_on_each_other() {
    let node = Node::start().await;
    put(&node, OUTER, STORE).await;
    let head = node
        .call("eth_getBlockByNumber", json!(["latest", false]))
        .await;
    let call = json!({ "from": node.account(0), "to": OUTER });
    let payload = json!({ "blockStateCalls": [
        { "calls": [call, call] },
        {
            "blockOverrides": { "number": "0x3", "feeRecipient": NOBODY, "baseFeePerGas": "0x7" },
            "stateOverrides": { OUTER: { "stateDiff": { word(1): word(9) } } },
            // COINBASE and BASEFEE.
            "calls": [{ "data": "0x415f524860205260405ff3" }, { "to": OUTER }],
        },
    ] });
    let blocks = simulated(&node, payload).await;
    let [first, gap, third] = blocks.as_array().unwrap().as_slice() else {
        panic!("three blocks: {blocks}")
    };
    let steps = 3 + 3 + 3 + 100 + 2 + 6 + 3 + 2;
    let [one, two] = first["calls"].as_array().unwrap().as_slice() else {
        panic!("two calls")
    };
    // A fresh slot, cold: 22,100. In the second call it already has the value: 2,100 and 100.
    assert_eq!(quantity(&one["gasUsed"]), 21_000 + steps + 22_100);
    assert_eq!(quantity(&two["gasUsed"]), 21_000 + steps + 2_200);
    for call in [one, two] {
        assert_eq!(
            (&call["status"], &call["returnData"]),
            (&json!("0x1"), &json!(word(42)))
        );
        assert_eq!(call["logs"], json!([]));
    }
    assert_eq!(quantity(&first["gasUsed"]), 2 * (21_000 + steps) + 24_300);
    assert_eq!(first["parentHash"], head["hash"]);
    assert_eq!((&gap["number"], &gap["calls"]), (&json!("0x2"), &json!([])));
    assert_eq!(gap["parentHash"], first["hash"]);
    assert_eq!(
        (&third["number"], &third["parentHash"]),
        (&json!("0x3"), &gap["hash"])
    );
    assert_eq!(
        (&third["miner"], &third["baseFeePerGas"]),
        (&json!(NOBODY), &json!("0x7"))
    );
    assert_eq!(
        quantity(&third["timestamp"]),
        quantity(&head["timestamp"]) + 36
    );
    let environment = format!("{}{:064x}", topic(NOBODY), 7);
    assert_eq!(third["calls"][0]["returnData"], environment);
    // SSTORE of 42 over 9, cold: 2,100 and 2,900.
    assert_eq!(
        quantity(&third["calls"][1]["gasUsed"]),
        21_000 + steps + 5_000
    );
    assert_eq!(third["transactions"].as_array().unwrap().len(), 2);
    // None of it was applied to the chain.
    assert_eq!(
        node.call("eth_getStorageAt", json!([OUTER, "0x1"])).await,
        word(0)
    );
    assert_eq!(node.block_number().await, 0);
}

#[tokio::test]
async fn ether_that_moves_is_told_as_logs_unless_it_comes_back() {
    let node = Node::start().await;
    // Sends 3 wei to NOBODY, then 2 wei to INNER, which reverts; then LOG0.
    let send = |wei: u8, to: &str| format!("5f5f5f5f60{wei:02x}73{}5af150", &to[2..]);
    put(
        &node,
        OUTER,
        &format!("0x{}{}5f5fa000", send(3, NOBODY), send(2, INNER)),
    )
    .await;
    put(&node, INNER, "0x5f5ffd").await;
    let sender = node.account(0);
    let payload = json!({ "traceTransfers": true, "blockStateCalls": [{ "calls": [
        { "from": sender, "to": OUTER, "value": "0x5" },
        { "from": sender, "to": INNER, "value": "0x1" },
        { "from": sender, "data": "0xfe" },
    ] }] });
    let blocks = simulated(&node, payload).await;
    let calls = &blocks[0]["calls"];
    let transfer = |from: &str, to: &str, wei| {
        (
            json!(ETHER),
            json!([TRANSFER, topic(from), topic(to)]),
            json!(word(wei)),
        )
    };
    let logs = calls[0]["logs"].as_array().unwrap();
    let told: Vec<_> = logs
        .iter()
        .map(|log| {
            (
                log["address"].clone(),
                log["topics"].clone(),
                log["data"].clone(),
            )
        })
        .collect();
    let own = (json!(OUTER), json!([]), json!("0x"));
    assert_eq!(
        told,
        [transfer(&sender, OUTER, 5), transfer(OUTER, NOBODY, 3), own]
    );
    for (index, log) in logs.iter().enumerate() {
        assert_eq!(quantity(&log["logIndex"]), index as u64);
        assert_eq!(log["blockHash"], blocks[0]["hash"]);
        assert_eq!(log["transactionHash"], blocks[0]["transactions"][0]);
    }
    assert_eq!(calls[1]["logs"], json!([]));
    assert_eq!(calls[1]["status"], "0x0");
    assert_eq!(
        calls[1]["error"],
        json!({ "code": 3, "message": "execution reverted", "data": "0x" })
    );
    assert_eq!(
        calls[2]["error"],
        json!({ "code": -32015, "message": "vm execution error: invalid opcode: INVALID" })
    );
}

#[tokio::test]
async fn what_cannot_be_simulated_is_refused_with_the_method_s_codes() {
    let node = Node::start().await;
    let sender = node.account(0);
    let pay = |from: &str| json!({ "from": from, "to": NOBODY, "value": "0x1", "maxFeePerGas": "0x5f5e100" });
    let with = |mut call: Value, field: &str, value: &str| {
        call[field] = json!(value);
        call
    };
    let numbered = |number: &str| json!({ "blockOverrides": { "number": number } });
    let timed = |time: &str| json!({ "blockOverrides": { "time": time } });
    for (blocks, code, message) in [
        (
            json!([{ "calls": [with(pay(&sender), "nonce", "0x5")] }]),
            -38011,
            "nonce too high: next nonce 0, tx nonce 5",
        ),
        (
            json!([{ "calls": [pay(&sender), with(pay(&sender), "nonce", "0x0")] }]),
            -38010,
            "nonce too low: next nonce 1, tx nonce 0",
        ),
        (
            json!([{ "calls": [with(pay(&sender), "gas", "0x5207")] }]),
            -38013,
            "intrinsic gas too low: gas 20999, minimum needed 21000",
        ),
        (
            json!([{ "calls": [pay(NOBODY)] }]),
            -38014,
            "insufficient funds for gas * price + value",
        ),
        (
            json!([{ "blockOverrides": { "gasLimit": "0x5208" }, "calls": [pay(&sender), with(pay(&sender), "gas", "0x5208")] }]),
            -38015,
            "exceeds block gas limit",
        ),
        (
            json!([{ "calls": [with(pay(&sender), "maxFeePerGas", "0x1")] }]),
            -32602,
            "max fee per gas less than block base fee",
        ),
        (
            json!([numbered("0x2"), numbered("0x2")]),
            -38020,
            "block numbers must be in order: 2 <= 2",
        ),
        (
            json!([timed("0x1")]),
            -38021,
            "block timestamps must be in order: 1 <= ",
        ),
        (json!([numbered("0x101")]), -38026, "too many blocks"),
    ] {
        let payload = json!({ "validation": true, "blockStateCalls": blocks });
        let refused = node.refused("eth_simulateV1", json!([payload])).await;
        assert_eq!(refused.code, code, "{}", refused.message);
        assert!(refused.message.starts_with(message), "{}", refused.message);
    }
}
