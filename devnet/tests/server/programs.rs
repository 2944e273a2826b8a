//! Stylus programs over the wire: created, estimated, activated, called, and deployed in one transaction.

use crate::support::{
    Node,
    program::{FEE, activate, code, creation},
    quantity,
};
use alloy::{
    primitives::{Address, B256, Bytes, U256, address},
    sol,
    sol_types::{SolCall, SolEvent},
};
use serde_json::json;

sol! {
    function activateProgram(address program) external payable returns (uint16, uint256);
    function deploy(bytes bytecode, bytes initData, uint256 initValue, bytes32 salt) external payable returns (address);
    event ContractDeployed(address deployedContract);
}

const ARB_WASM: Address = address!("0x0000000000000000000000000000000000000071");
const DEPLOYER: Address = address!("0xcEcba2F1DC234f70Dd89F2041029807F8D03A990");

/// Returns its calldata; `salt` makes the code differ.
fn echo(salt: u32) -> Bytes {
    let wasm = wat::parse_str(format!(
        r#"(module
            (import "vm_hooks" "read_args" (func $read (param i32)))
            (import "vm_hooks" "write_result" (func $write (param i32 i32)))
            (memory (export "memory") 1 1)
            (func (export "user_entrypoint") (param $length i32) (result i32)
                (drop (i32.const {salt}))
                (call $read (i32.const 0))
                (call $write (i32.const 0) (local.get $length))
                (i32.const 0)))"#
    ))
    .unwrap();
    code(&wasm)
}

#[tokio::test]
async fn a_program_is_created_activated_estimated_and_called() {
    let node = Node::start().await;
    let program = node.create(&creation(&echo(1)).to_string()).await;
    let stored = node.call("eth_getCode", json!([program, "latest"])).await;
    assert_eq!(stored, json!(echo(1)));
    let call = json!({ "from": node.account(1), "to": program, "data": "0x010203" });
    // Before its activation it answers no calls.
    assert_eq!(node.refused("eth_call", json!([call])).await.code, 3);
    assert_eq!(activate(&node, &program).await["status"], "0x1");
    assert_eq!(
        node.call("eth_call", json!([call, "latest"])).await,
        "0x010203"
    );
    let estimate = quantity(&node.call("eth_estimateGas", json!([call])).await);
    let mut exact = call.clone();
    exact["gas"] = json!(format!("{estimate:#x}"));
    let receipt = node.send(exact).await;
    assert_eq!(receipt["status"], "0x1");
    let used = quantity(&receipt["gasUsed"]);
    assert!(
        estimate >= used && estimate < used + used / 4,
        "estimated {estimate}, used {used}"
    );
}

#[tokio::test]
async fn an_activation_is_part_of_the_state() {
    let node = Node::start().await;
    let program = node.create(&creation(&echo(2)).to_string()).await;
    let call = json!([{ "to": program, "data": "0x07" }, "latest"]);
    let snapshot = node.call("evm_snapshot", json!([])).await;
    activate(&node, &program).await;
    assert_eq!(node.call("eth_call", call.clone()).await, "0x07");
    let before = json!([{ "to": program, "data": "0x07" }, "0x1"]);
    assert_eq!(node.refused("eth_call", before).await.code, 3);
    node.call("evm_revert", json!([snapshot])).await;
    assert_eq!(node.refused("eth_call", call).await.code, 3);
}

#[tokio::test]
async fn the_deployer_creates_and_activates_in_one_transaction() {
    let node = Node::start().await;
    let arguments = deployCall {
        bytecode: creation(&echo(3)),
        initData: Bytes::new(),
        initValue: U256::ZERO,
        salt: B256::ZERO,
    };
    let data = Bytes::from(arguments.abi_encode());
    let request = json!({ "from": node.account(0), "to": DEPLOYER, "data": data, "value": FEE });
    let receipt = node.send(request).await;
    assert_eq!(receipt["status"], "0x1");
    let logs: Vec<alloy::rpc::types::Log> =
        serde_json::from_value(receipt["logs"].clone()).unwrap();
    let deployed = logs
        .iter()
        .find_map(|log| ContractDeployed::decode_log(&log.inner).ok())
        .unwrap()
        .deployedContract;
    let call = json!([{ "to": deployed, "data": "0x0a0b" }, "latest"]);
    assert_eq!(node.call("eth_call", call).await, "0x0a0b");
}

#[tokio::test]
async fn an_activation_can_be_tried_out_with_overrides() {
    let node = Node::start().await;
    let nowhere = address!("0x00000000000000000000000000000000000000cc");
    let data = Bytes::from(activateProgramCall { program: nowhere }.abi_encode());
    let request = json!({ "from": node.account(0), "to": ARB_WASM, "data": data, "value": FEE });
    let overrides = json!({ nowhere.to_string(): { "code": echo(4) } });
    let answer = node
        .call("eth_call", json!([request, "latest", overrides]))
        .await;
    let answer: Bytes = serde_json::from_value(answer).unwrap();
    let answer = activateProgramCall::abi_decode_returns(&answer).unwrap();
    assert!(answer._0 >= 1, "a Stylus version");
    assert_eq!(
        node.call("eth_getCode", json!([nowhere, "latest"])).await,
        "0x"
    );
}
