//! Tracing transactions. Gas is computed from the Yellow Paper's prices, ink from Nitro's, each next to its test.

use crate::support::{Node, invalid, program, quantity, refusal};
use serde_json::{Value, json};

/// Where contracts are put.
const OUTER: &str = "0x00000000000000000000000000000000000000a1";
const INNER: &str = "0x00000000000000000000000000000000000000b2";
/// Gas limit of every transaction here; 21,000 of it are spent before anything runs.
const GAS: &str = "0x186a0";

/// `SSTORE(1, 42)`, then returns `SLOAD(1)`.
const STORE: &str = "0x602a6001556001545f5260205ff3";
/// `LOG1` with topic 7 and no data.
const LOG: &str = "0x60075f5fa100";

fn word(number: u64) -> String {
    format!("0x{number:064x}")
}

/// Calls `to` with all gas, without value or data, then `LOG0` without data.
fn caller(to: &str) -> String {
    format!("0x5f5f5f5f5f73{}5af1505f5fa000", &to[2..])
}

async fn put(node: &Node, address: &str, code: &str) {
    node.call("anvil_setCode", json!([address, code])).await;
}

/// The hash of a transaction to `to` with `data`.
async fn sent(node: &Node, to: &str, data: &str) -> Value {
    let transaction = json!({ "from": node.account(0), "to": to, "data": data, "gas": GAS });
    node.call("eth_sendTransaction", json!([transaction])).await
}

async fn traced(node: &Node, hash: &Value, options: Value) -> Value {
    node.call("debug_traceTransaction", json!([hash, options]))
        .await
}

#[tokio::test]
async fn steps_cost_what_the_yellow_paper_says() {
    let node = Node::start().await;
    put(&node, OUTER, STORE).await;
    let hash = sent(&node, OUTER, "0x").await;
    let trace = traced(&node, &hash, json!({ "enableMemory": true })).await;
    // SSTORE: cold 2,100 and 20,000 for a fresh slot; SLOAD: warm 100; MSTORE: 3 and 3 for the first word.
    #[rustfmt::skip]
    let expected = [
        (0, "PUSH1", 3, vec![]),
        (2, "PUSH1", 3, vec!["0x2a"]),
        (4, "SSTORE", 22_100, vec!["0x2a", "0x1"]),
        (5, "PUSH1", 3, vec![]),
        (7, "SLOAD", 100, vec!["0x1"]),
        (8, "PUSH0", 2, vec!["0x2a"]),
        (9, "MSTORE", 6, vec!["0x2a", "0x0"]),
        (10, "PUSH1", 3, vec![]),
        (12, "PUSH0", 2, vec!["0x20"]),
        (13, "RETURN", 0, vec!["0x20", "0x0"]),
    ];
    let steps = trace["structLogs"].as_array().unwrap();
    assert_eq!(steps.len(), expected.len());
    let mut gas = 79_000_u64;
    for (step, (pc, op, cost, stack)) in steps.iter().zip(expected) {
        assert_eq!(step["pc"], pc, "{step}");
        assert_eq!(step["op"], op, "{step}");
        assert_eq!(step["gas"], gas, "{step}");
        assert_eq!(step["gasCost"], cost, "{step}");
        assert_eq!(step["depth"], 1, "{step}");
        assert_eq!(step["stack"], json!(stack), "{step}");
        assert!(step.get("error").is_none(), "{step}");
        let storage = matches!(op, "SSTORE" | "SLOAD").then(|| json!({ word(1): word(42) }));
        assert_eq!(step.get("storage"), storage.as_ref(), "{step}");
        let memory = if pc > 9 { json!([word(42)]) } else { json!([]) };
        assert_eq!(step["memory"], memory, "{step}");
        gas -= cost;
    }
    assert_eq!(trace["gas"], 21_000 + 79_000 - gas);
    assert_eq!(trace["failed"], false);
    assert_eq!(trace["returnValue"], word(42));

    let options = json!({ "disableStack": true, "disableStorage": true, "limit": 3 });
    let trace = traced(&node, &hash, options).await;
    let steps = trace["structLogs"].as_array().unwrap();
    assert_eq!(steps.len(), 3);
    for field in ["stack", "storage", "memory", "returnData", "error"] {
        assert!(
            steps.iter().all(|step| step.get(field).is_none()),
            "{field}"
        );
    }
}

#[tokio::test]
async fn a_step_that_cannot_run_says_why() {
    let node = Node::start().await;
    // POP with nothing on the stack.
    put(&node, OUTER, "0x50").await;
    let hash = sent(&node, OUTER, "0x").await;
    let trace = traced(&node, &hash, json!({})).await;
    assert_eq!(trace["structLogs"][0]["error"], "stack underflow (0 <=> 1)");
    assert_eq!(trace["failed"], true);
    assert_eq!(trace["returnValue"], "0x");
    assert_eq!(trace["gas"], 100_000);
}

#[tokio::test]
async fn calls_nest_with_their_gas_and_logs() {
    let node = Node::start().await;
    put(&node, INNER, LOG).await;
    put(&node, OUTER, &caller(INNER)).await;
    let hash = sent(&node, OUTER, "0x").await;
    let options = json!({ "tracer": "callTracer", "tracerConfig": { "withLog": true } });
    let trace = traced(&node, &hash, options).await;
    // The callee: PUSH1 3, PUSH0 2 twice, LOG1 375 and 375 for the topic.
    let inner = 3 + 2 + 2 + 750;
    // Five PUSH0, PUSH20, GAS; then 2,600 for a cold account; all but a 64th of the rest goes along.
    let left = 79_000 - 5 * 2 - 3 - 2 - 2_600;
    let outer = 5 * 2 + 3 + 2 + 2_600 + inner + 2 + 2 * 2 + 375;
    assert_eq!(trace["type"], "CALL");
    assert_eq!(trace["from"], node.account(0).to_lowercase());
    assert_eq!(trace["to"], OUTER);
    assert_eq!(trace["value"], "0x0");
    assert_eq!(trace["input"], "0x");
    assert_eq!(trace["gas"], GAS);
    assert_eq!(quantity(&trace["gasUsed"]), 21_000 + outer);
    let log = &trace["logs"][0];
    assert_eq!(
        (&log["address"], &log["topics"], &log["position"]),
        (&json!(OUTER), &json!([]), &json!("0x1"))
    );
    let call = &trace["calls"][0];
    assert_eq!(
        (&call["type"], &call["from"], &call["to"]),
        (&json!("CALL"), &json!(OUTER), &json!(INNER))
    );
    assert_eq!(quantity(&call["gas"]), left - left / 64);
    assert_eq!(quantity(&call["gasUsed"]), inner);
    let log = &call["logs"][0];
    assert_eq!(
        (&log["topics"], &log["position"]),
        (&json!([word(7)]), &json!("0x0"))
    );
    assert!(call.get("error").is_none());

    let options = json!({ "tracer": "callTracer", "tracerConfig": { "onlyTopCall": true } });
    let top = traced(&node, &hash, options).await;
    assert!(
        top.get("calls").is_none() && top.get("logs").is_none(),
        "{top}"
    );
    assert_eq!(top["gasUsed"], trace["gasUsed"]);

    let parity = node.call("trace_transaction", json!([hash])).await;
    let [root, child] = parity.as_array().unwrap().as_slice() else {
        panic!("two calls: {parity}")
    };
    assert_eq!(
        (&root["traceAddress"], &root["subtraces"]),
        (&json!([]), &json!(1))
    );
    // Parity counts from the start of the execution.
    assert_eq!(quantity(&root["action"]["gas"]), 79_000);
    assert_eq!(quantity(&root["result"]["gasUsed"]), outer);
    assert_eq!(
        (&child["traceAddress"], &child["subtraces"]),
        (&json!([0]), &json!(0))
    );
    assert_eq!(child["action"]["callType"], "call");
    assert_eq!(child["action"]["to"], INNER);
    assert_eq!(quantity(&child["result"]["gasUsed"]), inner);
    assert_eq!(
        (&child["transactionHash"], &child["transactionPosition"]),
        (&hash, &json!(0))
    );
    let block = node.call("trace_block", json!(["latest"])).await;
    assert_eq!(block, parity);
}

#[tokio::test]
async fn a_call_that_fails_says_why_and_leaves_no_logs() {
    let node = Node::start().await;
    // LOG0, then REVERT without data.
    put(&node, INNER, "0x5f5fa05f5ffd").await;
    put(&node, OUTER, &caller(INNER)).await;
    let hash = sent(&node, OUTER, "0x").await;
    let options = json!({ "tracer": "callTracer", "tracerConfig": { "withLog": true } });
    let call = &traced(&node, &hash, options).await["calls"][0];
    assert_eq!(call["error"], "execution reverted");
    assert!(
        call.get("logs").is_none() && call.get("output").is_none(),
        "{call}"
    );
    assert_eq!(quantity(&call["gasUsed"]), 2 * 2 + 375 + 2 * 2);
}

#[tokio::test]
async fn the_state_before_and_what_changed() {
    let node = Node::start().await;
    put(&node, OUTER, STORE).await;
    let sender = node.account(0).to_lowercase();
    let hash = sent(&node, OUTER, "0x").await;
    let before = traced(&node, &hash, json!({ "tracer": "prestateTracer" })).await;
    assert_eq!(before[OUTER]["code"], STORE);
    assert_eq!(before[OUTER]["storage"], json!({ word(1): word(0) }));
    assert_eq!(before[&sender]["balance"], "0xd3c21bcecceda1000000");
    assert!(
        before[&sender].get("nonce").is_none(),
        "its first transaction"
    );

    let options = json!({ "tracer": "prestateTracer", "tracerConfig": { "diffMode": true } });
    let diff = traced(&node, &hash, options).await;
    let (pre, post) = (&diff["pre"], &diff["post"]);
    // A slot that was empty appears on one side only; unchanged values do not appear.
    assert!(pre[OUTER].get("storage").is_none(), "{pre}");
    assert_eq!(post[OUTER], json!({ "storage": { word(1): word(42) } }));
    assert_eq!(post[&sender]["nonce"], 1);
    // 43,222 gas at 10^8 wei.
    let paid = 43_222_u128 * 100_000_000;
    let balance = u128::from_str_radix("d3c21bcecceda1000000", 16).unwrap() - paid;
    assert_eq!(post[&sender]["balance"], format!("{balance:#x}"));
}

#[tokio::test]
async fn earlier_transactions_of_the_block_are_part_of_the_state() {
    let node = Node::start().await;
    // Adds 1 to slot 0.
    put(&node, OUTER, "0x60015f54015f5500").await;
    node.call("evm_setAutomine", json!([false])).await;
    let mut hashes = Vec::new();
    for _ in 0..3 {
        hashes.push(sent(&node, OUTER, "0x").await);
    }
    node.call("evm_mine", json!([])).await;
    // A later edit does not change what happened.
    node.call("anvil_setStorageAt", json!([OUTER, "0x0", word(99)]))
        .await;
    let stored = |trace: &Value| {
        let steps = trace["structLogs"].as_array().unwrap();
        let step = steps.iter().find(|step| step["op"] == "SSTORE").unwrap();
        step["storage"][word(0)].clone()
    };
    for (index, hash) in hashes.iter().enumerate() {
        let trace = traced(&node, hash, json!({})).await;
        assert_eq!(stored(&trace), word(index as u64 + 1));
    }
    let block = node
        .call("debug_traceBlockByNumber", json!(["latest", {}]))
        .await;
    let header = node
        .call("eth_getBlockByNumber", json!(["latest", false]))
        .await;
    let by_hash = node
        .call("debug_traceBlockByHash", json!([header["hash"], {}]))
        .await;
    assert_eq!(block, by_hash);
    for (index, (trace, hash)) in block.as_array().unwrap().iter().zip(&hashes).enumerate() {
        assert_eq!(trace["txHash"], *hash);
        assert_eq!(stored(&trace["result"]), word(index as u64 + 1));
    }
    // A call after two of the three, and one after all of them and the edit.
    let call = json!({ "from": node.account(1), "to": OUTER });
    let middle = node
        .call(
            "debug_traceCall",
            json!([call, "latest", { "txIndex": "0x2" }]),
        )
        .await;
    assert_eq!(stored(&middle), word(3));
    let last = node
        .call("debug_traceCall", json!([call, "latest", {}]))
        .await;
    assert_eq!(stored(&last), word(100));
    let overrides = json!({ OUTER: { "stateDiff": { word(0): word(7) } } });
    let options = json!({ "stateOverrides": overrides });
    let pretended = node
        .call("debug_traceCall", json!([call, "latest", options]))
        .await;
    assert_eq!(stored(&pretended), word(8));
    let beyond = json!([call, "latest", { "txIndex": "0x4" }]);
    let refused = node.refused("debug_traceCall", beyond).await;
    assert_eq!(
        refused,
        invalid("transaction index 4 is beyond the block's 3 transactions")
    );
}

#[tokio::test]
async fn what_cannot_be_traced_is_refused_in_geth_s_words() {
    let node = Node::start().await;
    let nothing = word(1);
    for (method, params, message) in [
        (
            "debug_traceTransaction",
            json!([nothing]),
            "transaction not found".into(),
        ),
        (
            "debug_traceBlockByNumber",
            json!(["0x0"]),
            "genesis is not traceable".into(),
        ),
        (
            "debug_traceBlockByNumber",
            json!(["0x9"]),
            "block #9 not found".into(),
        ),
        (
            "debug_traceBlockByHash",
            json!([nothing]),
            format!("block {nothing} not found"),
        ),
    ] {
        assert_eq!(
            node.refused(method, params).await,
            refusal(&message),
            "{method}"
        );
    }
    for tracer in ["zebra", "{ result: function() { return 1 } }"] {
        let options = json!({ "tracer": tracer });
        let refused = node
            .refused("debug_traceTransaction", json!([nothing, options]))
            .await;
        assert_eq!(refused.code, -32602);
        assert!(
            refused.message.contains("scripts are not run"),
            "{}",
            refused.message
        );
    }
    let options = json!({ "tracer": "prestateTracer", "tracerConfig": { "diffMode": true, "includeEmpty": true } });
    let refused = node
        .refused("debug_traceTransaction", json!([nothing, options]))
        .await;
    assert_eq!(refused, refusal("cannot use diffMode with includeEmpty"));
    assert_eq!(
        node.call("trace_transaction", json!([nothing])).await,
        Value::Null
    );
    assert_eq!(node.call("trace_block", json!(["0x9"])).await, Value::Null);
    assert_eq!(node.call("trace_block", json!(["0x0"])).await, json!([]));
}

#[tokio::test]
async fn a_trace_that_no_answer_can_hold_is_refused() {
    let node = Node::start().await;
    // JUMPDEST PUSH0 JUMP, for ever: eleven gas for three steps.
    let call = json!({ "data": "0x5b5f56", "gas": "0x4c4b40" });
    let refused = node
        .refused("debug_traceCall", json!([call, "latest", {}]))
        .await;
    assert_eq!(refused.code, -32000);
    assert!(
        refused
            .message
            .starts_with("the trace is larger than 96 MB"),
        "{}",
        refused.message
    );
    let few = node
        .call("debug_traceCall", json!([call, "latest", { "limit": 4 }]))
        .await;
    assert_eq!(few["structLogs"].as_array().unwrap().len(), 4);
    assert_eq!(few["gas"], 5_000_000);
}

/// Reads its arguments, asks who calls, hashes 32 bytes, loads slot 5 and answers it.
const READER: &str = r#"(module
    (import "vm_hooks" "read_args" (func $read_args (param i32)))
    (import "vm_hooks" "msg_sender" (func $msg_sender (param i32)))
    (import "vm_hooks" "native_keccak256" (func $keccak (param i32 i32 i32)))
    (import "vm_hooks" "storage_load_bytes32" (func $load (param i32 i32)))
    (import "vm_hooks" "write_result" (func $write_result (param i32 i32)))
    (memory (export "memory") 1 1)
    (data (i32.const 95) "\05")
    (func (export "user_entrypoint") (param $length i32) (result i32)
        (call $read_args (i32.const 0))
        (call $msg_sender (i32.const 0))
        (call $keccak (i32.const 64) (i32.const 32) (i32.const 128))
        (call $load (i32.const 64) (i32.const 160))
        (call $write_result (i32.const 160) (i32.const 32))
        (i32.const 0)))"#;

/// The names of the steps of a trace.
fn names(steps: &Value) -> Vec<&str> {
    let steps = steps.as_array().unwrap();
    steps
        .iter()
        .map(|step| step["name"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn host_calls_show_what_they_took_gave_and_cost() {
    let node = Node::start().await;
    let program = program::deploy(&node, READER).await;
    node.call("anvil_setStorageAt", json!([program, "0x5", word(77)]))
        .await;
    let transaction =
        json!({ "from": node.account(0), "to": program, "data": "0x010203", "gas": "0xf4240" });
    let hash = node.call("eth_sendTransaction", json!([transaction])).await;
    let steps = traced(&node, &hash, json!({ "tracer": "stylusTracer" })).await;
    let sender = node.account(0).to_lowercase();
    // keccak256(abi.encode(5)).
    let digest = "0x036b6384b5eca791c62761152d0c79bb0604c104a5fb6f4eb0703f3154bb3db0";
    // A host call 8,400 ink, a pointer 5,040; bytes to the program 5,040, up to 32 of them; a hash of up to two words
    // 121,800. A cold slot is 2,100 gas and 5 for reaching the EVM, at 10,000 ink.
    let expected = [
        ("user_entrypoint", "0x00000003", "0x", Some(0)),
        ("read_args", "0x", "0x010203", Some(8_400 + 5_040)),
        ("msg_sender", "0x", sender.as_str(), Some(8_400 + 5_040)),
        ("native_keccak256", &word(5), digest, Some(121_800)),
        (
            "storage_load_bytes32",
            &word(5),
            &word(77),
            Some(8_400 + 2 * 5_040 + (2_100 + 5) * 10_000),
        ),
        // Its cost differs between versions of ArbOS.
        ("write_result", &word(77), "0x", None),
        ("user_returned", "0x", "0x00000000", Some(0)),
    ];
    let steps = steps.as_array().unwrap();
    assert_eq!(steps.len(), expected.len(), "{steps:#?}");
    let mut left = u64::MAX;
    for (step, (name, args, outs, cost)) in steps.iter().zip(expected) {
        assert_eq!(
            (&step["name"], &step["args"], &step["outs"]),
            (&json!(name), &json!(args), &json!(outs))
        );
        let (start, end) = (
            step["startInk"].as_u64().unwrap(),
            step["endInk"].as_u64().unwrap(),
        );
        if let Some(cost) = cost {
            assert_eq!(start - end, cost, "{name}");
        }
        assert!(
            step.get("address").is_none() && step.get("steps").is_none(),
            "{name}"
        );
        if name != "user_returned" {
            // What the program computes in between also costs ink.
            assert!(start < left || name == "user_entrypoint", "{name}");
            left = if name == "user_entrypoint" {
                start
            } else {
                end
            };
        }
    }
    // As on Nitro: at its end, the ink that the program began with.
    assert_eq!(steps[0]["startInk"], steps[6]["startInk"]);
    assert_eq!(steps[0]["startInk"].as_u64().unwrap() % 10_000, 0);
}

/// Calls the account in its arguments (20 bytes), then answers nothing.
fn forwarder(import: &str, parameters: &str, arguments: &str) -> String {
    format!(
        r#"(module
            (import "vm_hooks" "read_args" (func $read_args (param i32)))
            (import "vm_hooks" "{import}" (func $call (param {parameters}) (result i32)))
            (memory (export "memory") 1 1)
            (func (export "user_entrypoint") (param $length i32) (result i32)
                (call $read_args (i32.const 0))
                (call $call {arguments})))"#
    )
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "one tree, looked at from both sides")]
async fn programs_and_contracts_nest_in_both_tracers() {
    let node = Node::start().await;
    let reader = program::deploy(&node, READER).await;
    put(&node, INNER, &caller(&reader)).await;
    let arguments =
        "(i32.const 0) (i32.const 64) (i32.const 0) (i32.const 96) (i64.const -1) (i32.const 128)";
    let forward = forwarder("call_contract", "i32 i32 i32 i32 i64 i32", arguments);
    let forward = program::deploy(&node, &forward).await;
    // The contract OUTER calls the program without calldata, so the program calls the zero address.
    put(&node, OUTER, &caller(&forward)).await;
    let transaction =
        json!({ "from": node.account(0), "to": forward, "data": INNER, "gas": "0x1e8480" });
    let hash = node.call("eth_sendTransaction", json!([transaction])).await;
    let steps = traced(&node, &hash, json!({ "tracer": "stylusTracer" })).await;
    assert_eq!(
        names(&steps),
        [
            "user_entrypoint",
            "read_args",
            "call_contract",
            "user_returned"
        ]
    );
    let call = &steps[2];
    assert_eq!(call["address"], INNER);
    // To, gas, value, no data; the length of the return data, 0, and the status 0.
    assert_eq!(
        call["args"],
        format!("{INNER}{}{}", "f".repeat(16), "0".repeat(64))
    );
    assert_eq!(call["outs"], "0x0000000000");
    assert!(call["startInk"].as_u64().unwrap() > call["endInk"].as_u64().unwrap());
    // The contract makes one call, of a program.
    assert_eq!(names(&call["steps"]), ["evm_call_contract"]);
    let inner = &call["steps"][0];
    assert_eq!(
        (&inner["address"], &inner["args"], &inner["startInk"]),
        (&json!(reader), &json!("0x"), &json!(0))
    );
    assert_eq!(
        names(&inner["steps"])[..2],
        ["user_entrypoint", "read_args"]
    );
    assert_eq!(
        inner["steps"][2]["outs"], INNER,
        "whose caller is the contract"
    );

    let calls = traced(
        &node,
        &hash,
        json!({ "tracer": "callTracer", "tracerConfig": { "withLog": true } }),
    )
    .await;
    let (middle, last) = (&calls["calls"][0], &calls["calls"][0]["calls"][0]);
    assert_eq!(
        (&calls["to"], &middle["to"], &last["to"]),
        (&json!(forward), &json!(INNER), &json!(reader))
    );
    assert_eq!(
        (&middle["from"], &last["from"]),
        (&json!(forward), &json!(INNER))
    );
    assert_eq!(last["output"], word(0));
    assert_eq!(middle["logs"][0]["address"], INNER);
    let parity = node.call("trace_transaction", json!([hash])).await;
    let places: Vec<&Value> = parity
        .as_array()
        .unwrap()
        .iter()
        .map(|trace| &trace["traceAddress"])
        .collect();
    assert_eq!(places, [&json!([]), &json!([0]), &json!([0, 0])]);

    // An EVM debugger sees an operator for each host call of the program, and the contract's own between them.
    let trace = traced(&node, &hash, json!({})).await;
    let steps = trace["structLogs"].as_array().unwrap();
    let seen: Vec<(u64, &str)> = steps
        .iter()
        .map(|step| {
            (
                step["depth"].as_u64().unwrap(),
                step["op"].as_str().unwrap(),
            )
        })
        .collect();
    let mut expected = vec![(1, "CALLDATACOPY"), (1, "CALL")];
    expected.extend(["PUSH0"; 5].map(|op| (2, op)));
    expected.extend(["PUSH20", "GAS", "CALL"].map(|op| (2, op)));
    expected.extend(
        [
            "CALLDATACOPY",
            "CALLER",
            "POP",
            "KECCAK256",
            "POP",
            "SLOAD",
            "POP",
            "RETURN",
        ]
        .map(|op| (3, op)),
    );
    expected.extend(["POP", "PUSH0", "PUSH0", "LOG0", "STOP"].map(|op| (2, op)));
    expected.push((1, "STOP"));
    assert_eq!(seen, expected);
    let load = steps.iter().find(|step| step["op"] == "SLOAD").unwrap();
    assert_eq!(
        (&load["stack"], &load["gasCost"]),
        (&json!(["0x5"]), &json!(2_106))
    );
    assert_eq!(load["storage"], json!({ word(5): word(0) }));

    // A contract's own call of a program, and its call of an account without code.
    let hash = node
        .call(
            "eth_sendTransaction",
            json!([{ "from": node.account(0), "to": OUTER, "gas": "0x1e8480" }]),
        )
        .await;
    let steps = traced(&node, &hash, json!({ "tracer": "stylusTracer" })).await;
    assert_eq!(names(&steps), ["evm_call_contract"]);
    let call = &steps[0]["steps"][2];
    assert_eq!(call["name"], "call_contract");
    assert_eq!(
        (&call["address"], &call["steps"]),
        (&json!(format!("0x{}", "0".repeat(40))), &json!([]))
    );
}

#[tokio::test]
async fn a_creation_by_a_program_stands_beside_its_frame() {
    let node = Node::start().await;
    // Init code of one byte, STOP: an account without code.
    let creator = r#"(module
        (import "vm_hooks" "create1" (func $create (param i32 i32 i32 i32 i32)))
        (memory (export "memory") 1 1)
        (func (export "user_entrypoint") (param i32) (result i32)
            (call $create (i32.const 0) (i32.const 1) (i32.const 32) (i32.const 64) (i32.const 96))
            (i32.const 0)))"#;
    let creator = program::deploy(&node, creator).await;
    let call =
        json!([{ "from": node.account(0), "to": creator }, "latest", { "tracer": "stylusTracer" }]);
    let steps = node.call("debug_traceCall", call).await;
    assert_eq!(
        names(&steps),
        ["user_entrypoint", "evm_create1", "create1", "user_returned"]
    );
    let (frame, create) = (&steps[1], &steps[2]);
    assert_eq!(frame["steps"], json!([]));
    // 32 bytes of value, the code; the address and no revert data.
    assert_eq!(create["args"], format!("0x{}", "0".repeat(66)));
    let created = frame["address"].as_str().unwrap();
    assert_eq!(create["outs"], format!("{created}00000000"));
    assert!(create.get("steps").is_none());
}
