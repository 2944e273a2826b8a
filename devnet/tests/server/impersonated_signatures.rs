//! `anvil_impersonateSignature`: signatures that count as an account's that never made them.

use crate::support::{Node, invalid, quantity};
use alloy::primitives::{Address, B256, keccak256};
use devnet::{Builder, Devnet};
use serde_json::{Value, json};

const SIGNER: &str = "0x1234567890123456789012345678901234567890";
const OTHER: &str = "0x00000000000000000000000000000000000000ee";
const RECOVERER: &str = "0x00000000000000000000000000000000000000a1";
const ECRECOVER: &str = "0x0000000000000000000000000000000000000001";
/// Passes its calldata to ECRECOVER, stores the answer in slot 0 and returns it.
///
/// ```text
/// CALLDATACOPY(0, 0, CALLDATASIZE)  STATICCALL(GAS, 1, 0, CALLDATASIZE, 256, 32)
/// SSTORE(0, MLOAD(256))  return MLOAD(256)
/// ```
const RECOVER: &str = "0x365f5f37602061010036 5f60015afa506101005180 5f555f5260205ff3";

/// r and s of bytes 0x11, and a v that no valid signature has.
fn no_signature() -> String {
    format!("0x{}", "11".repeat(65))
}

/// ECRECOVER's input for `signature` of `hash`.
fn input(hash: B256, signature: &str) -> String {
    let (r_and_s, v) = signature.trim_start_matches("0x").split_at(128);
    format!("{hash}{v:0>64}{r_and_s}")
}

fn word(address: &str) -> String {
    format!("0x{:0>64}", address.trim_start_matches("0x").to_lowercase())
}

async fn start(builder: Builder) -> Node {
    let node = Node::of(crate::support::started(builder).await.unwrap());
    let code = RECOVER.replace(' ', "");
    node.call("hardhat_setCode", json!([RECOVERER, code])).await;
    node
}

async fn impersonate(node: &Node, signature: &str, signer: &str) {
    let answer = node
        .call("anvil_impersonateSignature", json!([signature, signer]))
        .await;
    assert_eq!(answer, Value::Null);
}

/// What a call of the contract answers.
async fn recovered(node: &Node, input: &str) -> Value {
    let call = json!({ "to": RECOVERER, "data": input });
    node.call("eth_call", json!([call, "latest"])).await
}

/// What a transaction to the contract leaves in its slot.
async fn kept(node: &Node, input: &str) -> Value {
    let transaction = json!({ "from": node.account(0), "to": RECOVERER, "data": input });
    assert_eq!(node.send(transaction).await["status"], "0x1");
    node.call("eth_getStorageAt", json!([RECOVERER, "0x0", "latest"]))
        .await
}

#[tokio::test]
async fn exactly_that_signature_is_somebodys_in_calls_and_transactions() {
    let node = start(Devnet::builder()).await;
    let signature = no_signature();
    let asked = input(B256::repeat_byte(7), &signature);
    assert_eq!(recovered(&node, &asked).await, word("0x0"));
    impersonate(&node, &signature, SIGNER).await;
    assert_eq!(recovered(&node, &asked).await, word(SIGNER));
    assert_eq!(kept(&node, &asked).await, word(SIGNER));
    // For any hash, and when calling the precompile itself.
    let another = input(B256::repeat_byte(8), &signature);
    assert_eq!(recovered(&node, &another).await, word(SIGNER));
    let direct = json!({ "to": ECRECOVER, "data": another });
    assert_eq!(node.call("eth_call", json!([direct])).await, word(SIGNER));
    // Another signature still recovers to no account.
    let near = signature.replacen("11", "12", 1);
    let near = input(B256::repeat_byte(7), &near);
    assert_eq!(kept(&node, &near).await, word("0x0"));
    // The last signer given counts.
    impersonate(&node, &signature, OTHER).await;
    assert_eq!(recovered(&node, &asked).await, word(OTHER));
}

#[tokio::test]
async fn a_real_signature_is_its_makers_until_it_is_somebody_elses() {
    let node = start(Devnet::builder()).await;
    let message = "0x68656c6c6f";
    let maker = node.account(1);
    let signature = node.call("eth_sign", json!([maker, message])).await;
    let signature = signature.as_str().unwrap();
    let hash = keccak256(b"\x19Ethereum Signed Message:\n5hello");
    let asked = input(hash, signature);
    impersonate(&node, &no_signature(), SIGNER).await;
    assert_eq!(kept(&node, &asked).await, word(&maker));
    impersonate(&node, signature, SIGNER).await;
    assert_eq!(kept(&node, &asked).await, word(SIGNER));
}

#[tokio::test]
async fn recovering_it_costs_what_recovering_costs() {
    let node = start(Devnet::builder()).await;
    impersonate(&node, &no_signature(), SIGNER).await;
    let asked = input(B256::repeat_byte(7), &no_signature());
    // 32 bytes of hash, 64 of r and s, 1 of v at 16 gas; 31 zeros at 4.
    let before = 21_000 + (32 + 64 + 1) * 16 + 31 * 4;
    let call = |gas: u64| json!([{ "to": ECRECOVER, "data": asked, "gas": format!("{gas:#x}") }]);
    let answer = node.call("eth_call", call(before + 3_000)).await;
    assert_eq!(answer, word(SIGNER));
    let refused = node.refused("eth_call", call(before + 2_999)).await;
    assert_eq!(refused.code, -32000, "{refused:?}");
}

#[tokio::test]
async fn an_authorization_with_it_is_the_signers() {
    let node = start(Devnet::builder()).await;
    let word = format!("0x{}", "11".repeat(32));
    let authorization = json!({
        "chainId": "0x64aba", "address": RECOVERER, "nonce": "0x0", "yParity": "0x0", "r": word, "s": word,
    });
    let send =
        json!({ "from": node.account(0), "to": OTHER, "authorizationList": [authorization] });
    node.send(send.clone()).await;
    let code = || node.call("eth_getCode", json!([SIGNER, "latest"]));
    assert_eq!(code().await, "0x");
    // A y parity of 0 is a v of 27.
    let signature = format!("0x{}1b", "11".repeat(64));
    impersonate(&node, &signature, SIGNER).await;
    let call = json!([send, "latest"]);
    let estimate = quantity(&node.call("eth_estimateGas", call).await);
    assert_eq!(code().await, "0x");
    let receipt = node.send(send).await;
    assert!(quantity(&receipt["gasUsed"]) <= estimate);
    let delegation = format!("0xef0100{}", RECOVERER.trim_start_matches("0x"));
    assert_eq!(code().await, delegation);
}

#[tokio::test]
async fn a_snapshot_leaves_them_and_a_reset_ends_them() {
    let node = start(Devnet::builder()).await;
    let asked = input(B256::repeat_byte(7), &no_signature());
    let snapshot = node.call("evm_snapshot", json!([])).await;
    impersonate(&node, &no_signature(), SIGNER).await;
    node.call("evm_revert", json!([snapshot])).await;
    assert_eq!(recovered(&node, &asked).await, word(SIGNER));
    node.call("hardhat_reset", json!([])).await;
    let direct = json!({ "to": ECRECOVER, "data": asked });
    assert_eq!(node.call("eth_call", json!([direct])).await, "0x");
}

#[tokio::test]
async fn a_trace_shows_what_the_transaction_found() {
    let folder = tempfile::tempdir().unwrap();
    let builder = Devnet::builder().state(folder.path().join("chain"));
    let node = start(builder.clone()).await;
    let asked = input(B256::repeat_byte(7), &no_signature());
    let send = json!({ "from": node.account(0), "to": RECOVERER, "data": asked });
    let before = node.send(send.clone()).await["transactionHash"].clone();
    impersonate(&node, &no_signature(), SIGNER).await;
    let first = node.send(send.clone()).await["transactionHash"].clone();
    impersonate(&node, &no_signature(), OTHER).await;
    let second = node.send(send).await["transactionHash"].clone();
    let expected = [
        (before, word("0x0")),
        (first, word(SIGNER)),
        (second, word(OTHER)),
    ];
    let output = async |node: &Node, hash: &Value| {
        let options = json!({ "tracer": "callTracer" });
        let trace = node
            .call("debug_traceTransaction", json!([hash, options]))
            .await;
        trace["output"].clone()
    };
    for (hash, signer) in &expected {
        assert_eq!(output(&node, hash).await, *signer);
    }
    drop(node);

    // After a restart, past blocks keep their signatures, and nothing is impersonated.
    let node = start(builder).await;
    for (hash, signer) in &expected {
        assert_eq!(output(&node, hash).await, *signer);
    }
    assert_eq!(recovered(&node, &asked).await, word("0x0"));
}

#[tokio::test]
async fn what_is_no_signature_is_refused_and_changes_nothing() {
    let node = start(Devnet::builder()).await;
    let short = format!("0x{}", "11".repeat(64));
    for (params, message) in [
        (
            json!([short, SIGNER]),
            "invalid argument 0 (signature): 64 bytes, want 65: r, s and v",
        ),
        (
            json!([no_signature()]),
            "missing value for required argument 1 (address)",
        ),
        (
            json!([]),
            "missing value for required argument 0 (signature)",
        ),
    ] {
        let refused = node.refused("anvil_impersonateSignature", params).await;
        assert_eq!(refused, invalid(message));
    }
    let asked = input(B256::repeat_byte(7), &no_signature());
    assert_eq!(
        recovered(&node, &asked).await,
        word(&Address::ZERO.to_string())
    );
}
