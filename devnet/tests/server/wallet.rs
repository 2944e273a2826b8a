//! What wallets and libraries need from a node with keys: signatures, filled-in transactions, sending and waiting.

use crate::support::{Node, quantity, refusal};
use alloy::{
    consensus::TxEnvelope,
    eips::eip2718::Decodable2718,
    primitives::{Address, Bytes},
};
use serde_json::{Value, json};

/// The first account of the test mnemonic; the signatures below were made by viem with its key.
const FIRST: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const NOBODY: &str = "0x00000000000000000000000000000000000000ee";

#[tokio::test]
async fn messages_are_signed_as_viem_does() {
    let node = Node::start().await;
    let hello = "0x68656c6c6f";
    let signature = "0xf16ea9a3478698f695fd1401bfe27e9e4a7e8e3da94aa72b021125e31fa899cc573c48ea3fe1d4ab61a9db10c1903\
        2026e3ed2dbccba5a178235ac27f94504311c";
    for (method, params) in [
        ("eth_sign", json!([FIRST, hello])),
        ("personal_sign", json!([hello, FIRST])),
        ("personal_sign", json!([hello, FIRST, "password"])),
    ] {
        assert_eq!(node.call(method, params).await, signature, "{method}");
    }
    for (method, params) in [
        ("eth_sign", json!([NOBODY, hello])),
        ("personal_sign", json!([hello, NOBODY])),
    ] {
        assert_eq!(
            node.refused(method, params).await,
            refusal("unknown account")
        );
    }
}

/// The example of EIP-712.
fn mail() -> Value {
    json!({
        "types": {
            "EIP712Domain": [
                { "name": "name", "type": "string" },
                { "name": "version", "type": "string" },
                { "name": "chainId", "type": "uint256" },
                { "name": "verifyingContract", "type": "address" },
            ],
            "Person": [{ "name": "name", "type": "string" }, { "name": "wallet", "type": "address" }],
            "Mail": [
                { "name": "from", "type": "Person" },
                { "name": "to", "type": "Person" },
                { "name": "contents", "type": "string" },
            ],
        },
        "primaryType": "Mail",
        "domain": {
            "name": "Ether Mail",
            "version": "1",
            "chainId": 1,
            "verifyingContract": "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC",
        },
        "message": {
            "from": { "name": "Cow", "wallet": "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826" },
            "to": { "name": "Bob", "wallet": "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB" },
            "contents": "Hello, Bob!",
        },
    })
}

#[tokio::test]
async fn typed_data_is_signed_as_viem_does() {
    let node = Node::start().await;
    let signature = "0x6ea8bb309a3401225701f3565e32519f94a0ea91a5910ce9229fe488e773584c0390416a2190d9560219dab757ecc\
        a2029e63fa9d1c2aebf676cc25b9f03126a1b";
    // As an object, and as the text that wallets send.
    for data in [mail(), json!(mail().to_string())] {
        let signed = node
            .call("eth_signTypedData_v4", json!([FIRST, data]))
            .await;
        assert_eq!(signed, signature);
    }
    let refused = node
        .refused("eth_signTypedData_v4", json!([NOBODY, mail()]))
        .await;
    assert_eq!(refused, refusal("unknown account"));
    let mut wrong = mail();
    wrong["primaryType"] = json!("Letter");
    let refused = node
        .refused("eth_signTypedData_v4", json!([FIRST, wrong]))
        .await;
    assert_eq!(refused.code, -32602);
    let begin = "invalid argument 1 (typed data): ";
    assert!(refused.message.starts_with(begin), "{}", refused.message);
}

#[tokio::test]
async fn a_transaction_is_filled_in_and_not_signed() {
    let node = Node::start().await;
    let request = json!({ "from": FIRST, "to": NOBODY, "value": "0x5" });
    let filled = node.call("eth_fillTransaction", json!([request])).await;
    let tx = &filled["tx"];
    // A transfer is 21,000 gas; the fee is twice the base fee of 10^8 wei.
    for (field, value) in [
        ("type", "0x2"),
        ("nonce", "0x0"),
        ("gas", "0x5208"),
        ("value", "0x5"),
        ("maxFeePerGas", "0xbebc200"),
        ("maxPriorityFeePerGas", "0x0"),
        ("chainId", "0x64aba"),
        ("r", "0x0"),
        ("s", "0x0"),
    ] {
        assert_eq!(tx[field], value, "{field}");
    }
    let raw: Bytes = serde_json::from_value(filled["raw"].clone()).unwrap();
    let envelope = TxEnvelope::decode_2718(&mut raw.as_ref()).unwrap();
    let to: Address = NOBODY.parse().unwrap();
    assert_eq!(envelope.as_eip1559().unwrap().tx().to, to.into());
    assert_eq!(
        node.call("eth_getTransactionCount", json!([FIRST, "pending"]))
            .await,
        "0x0"
    );
}

/// A transfer signed by the node, not sent.
async fn signed(node: &Node) -> Value {
    let request = json!({ "from": node.account(0), "to": NOBODY, "value": "0x1" });
    node.call("eth_signTransaction", json!([request])).await
}

#[tokio::test]
async fn sending_and_waiting_answers_the_receipt() {
    let node = Node::start().await;
    let transaction = signed(&node).await;
    let receipt = node
        .call("eth_sendRawTransactionSync", json!([transaction["raw"]]))
        .await;
    assert_eq!(receipt["transactionHash"], transaction["tx"]["hash"]);
    assert_eq!(
        (&receipt["status"], &receipt["blockNumber"]),
        (&json!("0x1"), &json!("0x1"))
    );
    let refused = node
        .refused("eth_sendRawTransactionSync", json!([transaction["raw"]]))
        .await;
    assert_eq!(refused, refusal("already known"));

    // Without a block it waits, for the time given.
    node.call("evm_setAutomine", json!([false])).await;
    let transaction = signed(&node).await;
    let params = json!([transaction["raw"], "0x32"]);
    let refused = node.refused("eth_sendRawTransactionSync", params).await;
    assert_eq!(refused.code, 4);
    assert_eq!(refused.data, Some(transaction["tx"]["hash"].clone()));
    let message = "The transaction was added to the transaction pool but wasn't processed in 50ms";
    assert_eq!(refused.message, message);
    node.call("evm_mine", json!([])).await;

    let transaction = signed(&node).await;
    let raw = json!([transaction["raw"]]);
    let waiting = node.call("eth_sendRawTransactionSync", raw);
    let mining = async {
        while quantity(&node.call("txpool_status", json!([])).await["pending"]) == 0 {}
        node.call("evm_mine", json!([])).await;
    };
    let (receipt, ()) = tokio::join!(waiting, mining);
    assert_eq!(receipt["transactionHash"], transaction["tx"]["hash"]);
    assert_eq!(receipt["blockNumber"], "0x3");
}

#[tokio::test]
async fn waiting_transactions_are_told_in_words() {
    let node = Node::start().await;
    node.call("evm_setAutomine", json!([false])).await;
    let (sender, to) = (
        node.account(0),
        NOBODY.parse::<Address>().unwrap().to_string(),
    );
    let waiting = json!({ "from": sender, "to": NOBODY, "value": "0x5", "gasPrice": "0x5f5e100" });
    node.call("eth_sendTransaction", json!([waiting])).await;
    let early = json!({ "from": sender, "data": "0x00", "nonce": "0x9", "gas": "0x186a0", "maxFeePerGas": "0x5f5e101" });
    node.call("eth_sendTransaction", json!([early])).await;
    let told = node.call("txpool_inspect", json!([])).await;
    let sender = sender.to_lowercase();
    let pending = format!("{to}: 5 wei + 21000 gas × 100000000 wei");
    assert_eq!(told["pending"], json!({ sender.clone(): { "0": pending } }));
    let queued = "contract creation: 0 wei + 100000 gas × 100000001 wei";
    assert_eq!(told["queued"], json!({ sender: { "9": queued } }));
}
