//! Sending: what is accepted, what is refused with which error, and that a refusal changes nothing.

use crate::support::{Node, Refusal, bytecode, invalid, quantity, refusal};
use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEip7702, TxEnvelope, TxLegacy},
    eips::{eip2718::Encodable2718, eip7702::Authorization},
    primitives::{Address, B256, Bytes, TxKind, U256, address, hex},
    signers::{SignerSync, local::PrivateKeySigner},
};
use devnet::{Devnet, chain::ChainError};
use serde_json::{Value, json};

const CHAIN: u64 = 412_346;
const FEE: u128 = 100_000_000;
const PAYEE: Address = address!("0x00000000000000000000000000000000000000ee");

fn signer(node: &Node, index: usize) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&node.devnet.keys()[index]).unwrap()
}

fn sign(
    signer: &PrivateKeySigner,
    transaction: impl SignableTransaction<alloy::primitives::Signature>
    + Into<alloy::consensus::TypedTransaction>,
) -> Bytes {
    let signature = signer
        .sign_hash_sync(&transaction.signature_hash())
        .unwrap();
    TxEnvelope::from(transaction.into().into_signed(signature))
        .encoded_2718()
        .into()
}

fn transfer(nonce: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: FEE,
        to: TxKind::Call(PAYEE),
        value: U256::from(1),
        ..TxEip1559::default()
    }
}

async fn refused(node: &Node, raw: Bytes) -> Refusal {
    let balance = node.call("eth_getBalance", json!([PAYEE, "latest"])).await;
    let block = node.block_number().await;
    let refused = node.refused("eth_sendRawTransaction", json!([raw])).await;
    assert_eq!(
        node.call("eth_getBalance", json!([PAYEE, "latest"])).await,
        balance
    );
    assert_eq!(node.block_number().await, block);
    assert_eq!(node.call("txpool_status", json!([])).await["queued"], "0x0");
    refused
}

#[tokio::test]
async fn every_type_of_transaction_is_mined() {
    let node = Node::start().await;
    let anna = signer(&node, 1);
    let legacy = TxLegacy {
        chain_id: Some(CHAIN),
        gas_price: FEE,
        gas_limit: 21_000,
        to: TxKind::Call(PAYEE),
        value: U256::from(1),
        ..TxLegacy::default()
    };
    let unprotected = TxLegacy {
        chain_id: None,
        nonce: 1,
        ..legacy.clone()
    };
    let access = TxEip2930 {
        chain_id: CHAIN,
        nonce: 2,
        gas_price: FEE,
        gas_limit: 21_000,
        to: TxKind::Call(PAYEE),
        value: U256::from(1),
        ..TxEip2930::default()
    };
    for (raw, expected) in [
        (sign(&anna, legacy), "0x0"),
        (sign(&anna, unprotected), "0x0"),
        (sign(&anna, access), "0x1"),
        (sign(&anna, transfer(3)), "0x2"),
    ] {
        let hash = node.call("eth_sendRawTransaction", json!([raw])).await;
        let receipt = node.call("eth_getTransactionReceipt", json!([hash])).await;
        assert_eq!(receipt["status"], "0x1");
        assert_eq!(receipt["type"], expected);
        assert_eq!(receipt["effectiveGasPrice"], "0x5f5e100");
        let again = node
            .call("eth_getRawTransactionByHash", json!([hash]))
            .await;
        assert_eq!(again, json!(raw));
    }
    assert_eq!(
        node.call("eth_getBalance", json!([PAYEE, "latest"])).await,
        "0x4"
    );
}

#[tokio::test]
async fn a_transaction_carries_the_time_of_its_block() {
    let node = Node::start().await;
    let raw = sign(&signer(&node, 1), transfer(0));
    let hash = node.call("eth_sendRawTransaction", json!([raw])).await;
    let found = node.call("eth_getTransactionByHash", json!([hash])).await;
    let (number, id) = (&found["blockNumber"], &found["blockHash"]);
    let block = node
        .call("eth_getBlockByNumber", json!([number, true]))
        .await;
    assert_eq!(found["blockTimestamp"], block["timestamp"]);
    assert_eq!(block["transactions"][0], found);
    for (method, place) in [
        ("eth_getTransactionByBlockNumberAndIndex", number),
        ("eth_getTransactionByBlockHashAndIndex", id),
    ] {
        assert_eq!(node.call(method, json!([place, "0x0"])).await, found);
    }
}

#[tokio::test]
async fn an_account_takes_on_code_by_authorization() {
    let node = Node::start().await;
    let (anna, bert) = (signer(&node, 1), signer(&node, 2));
    let clock: Address = node.create(bytecode::CLOCK).await.parse().unwrap();
    let authorization = Authorization {
        chain_id: U256::from(CHAIN),
        address: clock,
        nonce: 0,
    };
    let signature = bert
        .sign_hash_sync(&authorization.signature_hash())
        .unwrap();
    let transaction = TxEip7702 {
        chain_id: CHAIN,
        gas_limit: 100_000,
        max_fee_per_gas: FEE,
        to: bert.address(),
        authorization_list: vec![authorization.into_signed(signature)],
        ..TxEip7702::default()
    };
    let hash = node
        .call("eth_sendRawTransaction", json!([sign(&anna, transaction)]))
        .await;
    let receipt = node.call("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt["type"], "0x4");
    let code = node
        .call("eth_getCode", json!([bert.address(), "latest"]))
        .await;
    assert_eq!(code, format!("0xef0100{}", hex::encode(clock)));
    let answer = node
        .call("eth_call", json!([{ "to": bert.address() }, "latest"]))
        .await;
    assert_eq!(answer.as_str().unwrap().len(), 2 + 128);
    // It still sends transactions.
    let hash = node
        .call("eth_sendRawTransaction", json!([sign(&bert, transfer(1))]))
        .await;
    assert!(hash.is_string());
}

#[tokio::test]
async fn a_transaction_only_the_engine_refuses_makes_no_block() {
    let node = Node::start().await;
    let nothing = TxEip7702 {
        chain_id: CHAIN,
        gas_limit: 100_000,
        max_fee_per_gas: FEE,
        to: PAYEE,
        ..TxEip7702::default()
    };
    let refused = refused(&node, sign(&signer(&node, 1), nothing)).await;
    assert_eq!(refused, refusal("empty authorization list"));
}

#[tokio::test]
async fn nonces_are_checked_in_the_words_of_geth() {
    let node = Node::start().await;
    let anna = signer(&node, 1);
    let first = sign(&anna, transfer(0));
    node.call("eth_sendRawTransaction", json!([first])).await;
    assert_eq!(refused(&node, first).await, refusal("already known"));
    let other = TxEip1559 {
        value: U256::from(2),
        ..transfer(0)
    };
    let low = refusal("nonce too low: next nonce 1, tx nonce 0");
    assert_eq!(refused(&node, sign(&anna, other)).await, low);
    let last = sign(&anna, transfer(u64::MAX));
    assert_eq!(refused(&node, last).await, refusal("nonce has max value"));
}

#[tokio::test]
async fn funds_gas_and_fees_are_checked_in_the_words_of_geth() {
    let node = Node::start().await;
    let anna = signer(&node, 1);
    let pauper = PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).unwrap();
    assert_eq!(
        refused(&node, sign(&pauper, transfer(0))).await,
        refusal(
            "insufficient funds for gas * price + value: balance 0, tx cost 2100000000001, overshot \
             2100000000001"
        )
    );
    let little = TxEip1559 {
        gas_limit: 20_999,
        ..transfer(0)
    };
    let message = "intrinsic gas too low: gas 20999, minimum needed 21000";
    assert_eq!(refused(&node, sign(&anna, little)).await, refusal(message));
    let cheap = TxEip1559 {
        max_fee_per_gas: FEE - 1,
        ..transfer(0)
    };
    let message = format!(
        "max fee per gas less than block base fee: address {}, maxFeePerGas: 99999999, baseFee: 100000000",
        anna.address()
    );
    assert_eq!(refused(&node, sign(&anna, cheap)).await, refusal(&message));
    let tip = TxEip1559 {
        max_priority_fee_per_gas: FEE + 1,
        ..transfer(0)
    };
    let message = format!(
        "max priority fee per gas higher than max fee per gas: address {}, maxPriorityFeePerGas: 100000001, \
         maxFeePerGas: 100000000",
        anna.address()
    );
    assert_eq!(refused(&node, sign(&anna, tip)).await, refusal(&message));
    let huge = TxEip1559 {
        gas_limit: u64::MAX,
        ..transfer(0)
    };
    assert_eq!(
        refused(&node, sign(&anna, huge)).await,
        refusal("exceeds block gas limit")
    );
    let foreign = TxEip1559 {
        chain_id: 1,
        ..transfer(0)
    };
    let message = "invalid chain id for signer: have 1 want 412346";
    assert_eq!(refused(&node, sign(&anna, foreign)).await, refusal(message));
    let long = TxEip1559 {
        to: TxKind::Create,
        gas_limit: 10_000_000,
        input: vec![0; 49_153].into(),
        ..transfer(0)
    };
    assert_eq!(
        refused(&node, sign(&anna, long)).await,
        refusal("max initcode size exceeded")
    );
}

#[tokio::test]
async fn what_is_no_transaction_is_refused() {
    let node = Node::start().await;
    for raw in ["0x", "0x00", "0xff01", "0x02c0", "0xc0"] {
        let refused = refused(&node, raw.parse().unwrap()).await;
        assert_eq!(refused.code, -32000);
        assert!(
            refused
                .message
                .starts_with("cannot decode the transaction: "),
            "{}",
            refused.message
        );
    }
    let anna = signer(&node, 1);
    let mut long = sign(&anna, transfer(0)).to_vec();
    long.push(0);
    let message = "cannot decode the transaction: 1 bytes follow it";
    assert_eq!(refused(&node, long.into()).await, refusal(message));
}

#[tokio::test]
async fn the_base_fee_is_all_that_is_paid() {
    let node = Node::start().await;
    let anna = signer(&node, 1);
    let before = balance(&node, anna.address()).await;
    let generous = TxEip1559 {
        max_fee_per_gas: 50 * FEE,
        max_priority_fee_per_gas: 50 * FEE,
        gas_limit: 1_000_000,
        value: U256::ZERO,
        ..transfer(0)
    };
    node.call("eth_sendRawTransaction", json!([sign(&anna, generous)]))
        .await;
    assert_eq!(
        balance(&node, anna.address()).await,
        before - U256::from(21_000 * FEE)
    );
}

async fn balance(node: &Node, address: Address) -> U256 {
    let balance = node
        .call("eth_getBalance", json!([address, "latest"]))
        .await;
    balance.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_transaction_that_reverts_is_mined_and_pays() {
    let node = Node::start().await;
    let coin = node.create(bytecode::COIN).await;
    let data = bytecode::transfer(&PAYEE.to_string(), 5);
    let receipt = node
        .send(json!({ "from": node.account(1), "to": coin, "data": data, "gas": "0x186a0" }))
        .await;
    assert_eq!(receipt["status"], "0x0");
    assert_eq!(receipt["logs"], json!([]));
    assert!(quantity(&receipt["gasUsed"]) > 21_000);
    let holding =
        json!([{ "to": coin, "data": bytecode::balance_of(&PAYEE.to_string()) }, "latest"]);
    assert_eq!(node.call("eth_call", holding).await, json!(B256::ZERO));
}

#[tokio::test]
async fn a_creation_names_its_contract_even_when_it_fails() {
    let node = Node::start().await;
    let receipt = node
        .send(json!({ "from": node.account(1), "data": bytecode::REASON, "gas": "0x186a0" }))
        .await;
    assert_eq!(receipt["status"], "0x0");
    let expected = node.devnet.accounts()[1].create(0);
    assert_eq!(receipt["contractAddress"], json!(expected));
    assert_eq!(
        node.call("eth_getCode", json!([expected, "latest"])).await,
        "0x"
    );
}

#[tokio::test]
async fn the_node_fills_in_what_its_own_transactions_leave_out() {
    let node = Node::start().await;
    for nonce in 0..3 {
        let receipt = node
            .send(json!({ "from": node.account(1), "to": PAYEE, "value": "0x1" }))
            .await;
        let hash = &receipt["transactionHash"];
        let transaction = node.call("eth_getTransactionByHash", json!([hash])).await;
        assert_eq!(quantity(&transaction["nonce"]), nonce);
        assert_eq!(transaction["gas"], "0x5208");
        assert_eq!(transaction["type"], "0x2");
    }
    let legacy = json!({ "from": node.account(1), "to": PAYEE, "gasPrice": "0x5f5e100" });
    assert_eq!(node.send(legacy).await["type"], "0x0");
    let both =
        json!([{ "from": node.account(1), "to": PAYEE, "gasPrice": "0x1", "maxFeePerGas": "0x1" }]);
    let message = "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified";
    assert_eq!(
        node.refused("eth_sendTransaction", both).await,
        refusal(message)
    );
}

#[tokio::test]
async fn a_signed_transaction_is_not_sent_until_it_is() {
    let node = Node::start().await;
    let request = json!([{ "from": node.account(1), "to": PAYEE, "value": "0x1" }]);
    let signed = node.call("eth_signTransaction", request).await;
    assert_eq!(node.block_number().await, 0);
    let hash = node
        .call("eth_sendRawTransaction", json!([signed["raw"]]))
        .await;
    assert_eq!(hash, signed["tx"]["hash"]);
    assert_eq!(node.block_number().await, 1);
}

#[tokio::test]
async fn only_the_impersonated_send_without_a_key() {
    let node = Node::start().await;
    let coin = node.create(bytecode::COIN).await;
    node.call("hardhat_setBalance", json!([coin, "0xde0b6b3a7640000"]))
        .await;
    let send = json!([{ "from": coin, "to": PAYEE, "value": "0x5" }]);
    let refused = node.refused("eth_sendTransaction", send.clone()).await;
    assert_eq!(refused, refusal("unknown account"));
    node.call("hardhat_impersonateAccount", json!([coin])).await;
    let hash = node.call("eth_sendTransaction", send.clone()).await;
    let transaction = node.call("eth_getTransactionByHash", json!([hash])).await;
    assert_eq!(transaction["from"], coin.to_lowercase());
    assert_eq!(
        node.call("eth_getBalance", json!([PAYEE, "latest"])).await,
        "0x5"
    );
    assert_eq!(
        node.call("anvil_stopImpersonatingAccount", json!([coin]))
            .await,
        true
    );
    let refused = node.refused("eth_sendTransaction", send.clone()).await;
    assert_eq!(refused, refusal("unknown account"));
    node.call("anvil_autoImpersonateAccount", json!([true]))
        .await;
    node.call("eth_sendTransaction", send).await;
    assert_eq!(
        node.call("eth_getBalance", json!([PAYEE, "latest"])).await,
        "0xa"
    );
}

#[tokio::test]
async fn without_automine_transactions_wait_and_share_a_block() {
    let node = Node::start().await;
    let (anna, bert) = (signer(&node, 1), signer(&node, 2));
    node.call("evm_setAutomine", json!([false])).await;
    let waiting = node
        .call("eth_sendRawTransaction", json!([sign(&anna, transfer(0))]))
        .await;
    node.call("eth_sendRawTransaction", json!([sign(&anna, transfer(1))]))
        .await;
    node.call("eth_sendRawTransaction", json!([sign(&bert, transfer(0))]))
        .await;
    node.call("eth_sendRawTransaction", json!([sign(&bert, transfer(2))]))
        .await;
    assert_eq!(node.block_number().await, 0);
    let status = node.call("txpool_status", json!([])).await;
    assert_eq!(status, json!({ "pending": "0x3", "queued": "0x1" }));
    let transaction = node
        .call("eth_getTransactionByHash", json!([waiting]))
        .await;
    assert_eq!(transaction["blockHash"], Value::Null);
    assert_eq!(
        node.call("eth_getTransactionReceipt", json!([waiting]))
            .await,
        Value::Null
    );
    let pending = json!([anna.address(), "pending"]);
    assert_eq!(node.call("eth_getTransactionCount", pending).await, "0x2");
    let again = node
        .refused("eth_sendRawTransaction", json!([sign(&anna, transfer(1))]))
        .await;
    assert_eq!(again, refusal("already known"));
    let other = TxEip1559 {
        value: U256::from(9),
        ..transfer(1)
    };
    let cheap = node
        .refused("eth_sendRawTransaction", json!([sign(&anna, other)]))
        .await;
    assert_eq!(cheap, refusal("replacement transaction underpriced"));
    node.call("evm_mine", json!([])).await;
    let block = node
        .call("eth_getBlockByNumber", json!(["latest", false]))
        .await;
    assert_eq!(block["transactions"].as_array().unwrap().len(), 3);
    assert_eq!(quantity(&block["gasUsed"]), 63_000);
    let receipts = node.call("eth_getBlockReceipts", json!(["latest"])).await;
    assert_eq!(quantity(&receipts[2]["cumulativeGasUsed"]), 63_000);
    // The gap closes: both leave at once.
    node.call("evm_setAutomine", json!([true])).await;
    node.call("eth_sendRawTransaction", json!([sign(&bert, transfer(1))]))
        .await;
    assert_eq!(node.block_number().await, 3);
    let status = node.call("txpool_status", json!([])).await;
    assert_eq!(status, json!({ "pending": "0x0", "queued": "0x0" }));
}

#[tokio::test]
async fn a_waiting_transaction_can_be_dropped() {
    let node = Node::start().await;
    node.call("evm_setAutomine", json!([false])).await;
    let raw = sign(&signer(&node, 1), transfer(0));
    let hash = node.call("eth_sendRawTransaction", json!([raw])).await;
    assert_eq!(
        node.call("anvil_dropTransaction", json!([hash])).await,
        true
    );
    assert_eq!(
        node.call("anvil_dropTransaction", json!([hash])).await,
        false
    );
    node.call("evm_mine", json!([])).await;
    assert_eq!(
        node.call("eth_getBalance", json!([PAYEE, "latest"])).await,
        "0x0"
    );
}

#[tokio::test]
async fn a_block_time_makes_blocks_by_itself() {
    let interval = std::time::Duration::from_millis(20);
    let node = Node::of(
        Devnet::builder()
            .block_time(interval)
            .spawn()
            .await
            .unwrap(),
    );
    let mut events = node.devnet.chain().subscribe();
    let hash = node
        .call(
            "eth_sendTransaction",
            json!([{ "from": node.account(1), "to": PAYEE }]),
        )
        .await;
    let mined = loop {
        if let devnet::chain::Event::Block(block) = events.recv().await.unwrap()
            && !block.transactions.is_empty()
        {
            break block.transactions[0].hash();
        }
    };
    assert_eq!(json!(mined), hash);
}

#[tokio::test]
async fn the_chain_answers_in_process_as_over_the_wire() {
    let node = Node::start().await;
    let refused = node.devnet.chain().submit_raw(&[]).unwrap_err();
    assert!(matches!(refused, ChainError::Undecodable(_)));
    node.devnet.chain().mine().unwrap();
    assert_eq!(node.block_number().await, 1);
}

#[tokio::test]
async fn too_many_blocks_at_once_are_refused() {
    let node = Node::start().await;
    let refused = node.refused("hardhat_mine", json!(["0x186a1"])).await;
    assert_eq!(refused, invalid("more than 100000 blocks"));
    assert_eq!(node.block_number().await, 0);
}
