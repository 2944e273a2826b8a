//! `eth_call` and `eth_estimateGas`: blocks, overrides, reverts, limits.

use crate::support::{Node, Refusal, bytecode, quantity, refusal};
use alloy::primitives::{B256, U256};
use serde_json::{Value, json};

const PAYEE: &str = "0x00000000000000000000000000000000000000ee";

fn word(value: u64) -> Value {
    json!(B256::from(U256::from(value)))
}

#[tokio::test]
async fn a_call_answers_what_the_contract_returns() {
    let node = Node::start().await;
    let coin = node.create(bytecode::COIN).await;
    let data = bytecode::transfer(PAYEE, 5);
    let answer = node
        .call(
            "eth_call",
            json!([{ "from": node.account(0), "to": coin, "data": data }]),
        )
        .await;
    assert_eq!(answer, word(1));
    // "input" is the newer name of "data"; both may be given if they agree.
    let both = json!([{ "from": node.account(0), "to": coin, "data": data, "input": data }]);
    assert_eq!(node.call("eth_call", both).await, word(1));
    let disagree = json!([{ "to": coin, "data": data, "input": "0x" }]);
    assert_eq!(node.refused("eth_call", disagree).await.code, -32000);
    // Nothing has changed.
    let holding = json!([{ "to": coin, "data": bytecode::balance_of(PAYEE) }]);
    assert_eq!(node.call("eth_call", holding).await, word(0));
}

#[tokio::test]
async fn a_revert_carries_its_data_as_in_geth() {
    let node = Node::start().await;
    let coin = node.create(bytecode::COIN).await;
    let data = bytecode::transfer(PAYEE, 5);
    let poor = json!([{ "from": node.account(1), "to": coin, "data": data }]);
    let sender = node.account(1).trim_start_matches("0x").to_lowercase();
    let expected = Refusal {
        code: 3,
        message: "execution reverted".into(),
        data: Some(json!(format!(
            "0xe450d38c{sender:0>64}{:064x}{:064x}",
            0, 5
        ))),
    };
    assert_eq!(node.refused("eth_call", poor.clone()).await, expected);
    assert_eq!(node.refused("eth_estimateGas", poor).await, expected);
    let reason = node
        .refused("eth_call", json!([{ "data": bytecode::REASON }]))
        .await;
    assert_eq!(reason.code, 3);
    assert_eq!(reason.message, "execution reverted: no good");
    let empty = node
        .refused("eth_call", json!([{ "to": coin, "data": "0x12345678" }]))
        .await;
    let expected = Refusal {
        code: 3,
        message: "execution reverted".into(),
        data: Some(json!("0x")),
    };
    assert_eq!(empty, expected);
}

#[tokio::test]
async fn what_never_ends_runs_out_of_gas() {
    let node = Node::start().await;
    let endless = json!([{ "data": bytecode::ENDLESS }]);
    assert_eq!(
        node.refused("eth_call", endless.clone()).await,
        refusal("out of gas")
    );
    let refused = node.refused("eth_estimateGas", endless).await;
    assert_eq!(
        refused,
        refusal("gas required exceeds allowance (32000000)")
    );
    let invalid = node.refused("eth_call", json!([{ "data": "0xfe" }])).await;
    assert_eq!(invalid, refusal("invalid opcode: INVALID"));
}

#[tokio::test]
async fn a_call_cannot_spend_what_its_sender_does_not_have() {
    let node = Node::start().await;
    let value = json!([{ "from": PAYEE, "to": PAYEE, "value": "0x1" }]);
    let refused = node.refused("eth_call", value).await;
    assert_eq!(
        refused,
        refusal("insufficient funds for gas * price + value: balance 0, tx cost 1, overshot 1")
    );
}

#[tokio::test]
async fn calls_in_the_past_see_the_past() {
    let node = Node::start().await;
    let coin = node.create(bytecode::COIN).await;
    let holding = json!({ "to": coin, "data": bytecode::balance_of(PAYEE) });
    for _ in 0..3 {
        let data = bytecode::transfer(PAYEE, 5);
        node.send(json!({ "from": node.account(0), "to": coin, "data": data }))
            .await;
    }
    for (block, expected) in [
        ("0x1", 0),
        ("0x2", 5),
        ("0x3", 10),
        ("0x4", 15),
        ("latest", 15),
    ] {
        let answer = node.call("eth_call", json!([holding, block])).await;
        assert_eq!(answer, word(expected), "{block}");
    }
    let hash = node
        .call("eth_getBlockByNumber", json!(["0x2", false]))
        .await["hash"]
        .clone();
    let answer = node
        .call("eth_call", json!([holding, { "blockHash": hash }]))
        .await;
    assert_eq!(answer, word(5));
    // Before it was created, there was no code to answer.
    assert_eq!(
        node.call("eth_call", json!([holding, "earliest"])).await,
        "0x"
    );
    assert_eq!(node.call("eth_getCode", json!([coin, "0x0"])).await, "0x");
    let nonce = node
        .call("eth_getTransactionCount", json!([node.account(0), "0x2"]))
        .await;
    assert_eq!(nonce, "0x2");
}

#[tokio::test]
async fn a_state_no_longer_kept_is_refused_by_name() {
    let node = Node::of(devnet::Devnet::builder().history(2).spawn().await.unwrap());
    node.devnet.chain().mine_many(5, None).unwrap();
    assert_eq!(
        node.call("eth_getBalance", json!([PAYEE, "0x4"])).await,
        "0x0"
    );
    let refused = node.refused("eth_getBalance", json!([PAYEE, "0x3"])).await;
    let message = "historical state of block 3 is not available: this node keeps the last 2 states";
    assert_eq!(refused, refusal(message));
}

#[tokio::test]
async fn a_call_sees_the_time_of_its_block() {
    let node = Node::start().await;
    let clock = node.create(bytecode::CLOCK).await;
    let now = node.timestamp("latest").await;
    node.call("evm_setNextBlockTimestamp", json!([now + 1_000]))
        .await;
    let answer = |block: &'static str| {
        let request = json!([{ "to": clock }, block]);
        let node = &node;
        async move {
            let words = node.call("eth_call", request).await;
            let words = words.as_str().unwrap().trim_start_matches("0x").to_owned();
            let number = |text| u64::from_str_radix(text, 16).unwrap();
            (number(&words[..64]), number(&words[64..]))
        }
    };
    // NUMBER is the parent chain's, which makes a block every 12 seconds.
    let at = |time: u64| (time, time / 12);
    assert_eq!(answer("latest").await, at(now));
    assert_eq!(answer("pending").await, at(now + 1_000));
    node.call("evm_mine", json!([])).await;
    assert_eq!(answer("latest").await, at(now + 1_000));
    assert_eq!(answer("0x1").await, at(now));
}

#[tokio::test]
async fn overrides_hold_for_one_call() {
    let node = Node::start().await;
    let coin = node.create(bytecode::COIN).await;
    let held = json!({ "to": PAYEE, "data": bytecode::balance_of(PAYEE) });
    let code = node.call("eth_getCode", json!([coin, "latest"])).await;
    let slot = alloy::primitives::keccak256([&[0; 31][..], &[0xee], &[0; 32]].concat());
    let overrides = json!({ PAYEE: { "code": code, "stateDiff": { slot.to_string(): word(77) } } });
    assert_eq!(
        node.call("eth_call", json!([held, "latest", overrides]))
            .await,
        word(77)
    );
    let overrides = json!({ PAYEE: { "code": code, "state": { slot.to_string(): word(78) } } });
    assert_eq!(
        node.call("eth_call", json!([held, "latest", overrides]))
            .await,
        word(78)
    );
    assert_eq!(node.call("eth_call", json!([held, "latest"])).await, "0x");
    let rich = json!({ PAYEE: { "balance": "0x5", "nonce": "0x9" } });
    let send =
        json!({ "from": PAYEE, "to": coin, "value": "0x5", "data": bytecode::balance_of(PAYEE) });
    assert_eq!(
        node.call("eth_call", json!([send, "latest", rich])).await,
        word(0)
    );
    let gas = node
        .call("eth_estimateGas", json!([send, "latest", rich]))
        .await;
    assert!(quantity(&gas) > 21_000);
    let both = json!({ PAYEE: { "state": {}, "stateDiff": {} } });
    let refused = node
        .refused("eth_call", json!([held, "latest", both]))
        .await;
    assert_eq!(refused.code, -32602);
    let block = json!([{ "to": coin, "data": "0x" }, "latest", {}, { "time": "0x7" }]);
    assert_eq!(node.refused("eth_call", block).await.code, 3);
}

#[tokio::test]
async fn block_overrides_change_what_the_call_sees() {
    // The number is the block's own: without a parent chain, contracts see it.
    for (parent_block_time, number) in [(12, 700 / 12), (5, 140), (0, 9)] {
        let builder = devnet::Devnet::builder().parent_block_time(parent_block_time);
        let node = Node::of(builder.spawn().await.unwrap());
        let clock = node.create(bytecode::CLOCK).await;
        let overrides = json!({ "time": "0x2bc", "number": "0x9" });
        let request = json!([{ "to": clock }, "latest", {}, overrides]);
        let answer = node.call("eth_call", request).await;
        assert_eq!(answer, format!("0x{:064x}{number:064x}", 700));
    }
}

#[tokio::test]
async fn blocks_and_receipts_tell_the_parent_chains_number_that_contracts_are_told() {
    // Seconds between the parent's blocks, and its number 2,000,000,030 seconds into the epoch; without a parent, the
    // block's own: the contract is in the first, this is the second.
    for (parent_block_time, number) in [(12, 166_666_669), (7, 285_714_290), (0, 2)] {
        let builder = devnet::Devnet::builder().parent_block_time(parent_block_time);
        let node = Node::of(builder.spawn().await.unwrap());
        let clock = node.create(bytecode::CLOCK).await;
        node.call("evm_setNextBlockTimestamp", json!([2_000_000_030]))
            .await;
        let transaction = json!({ "from": node.account(0), "to": PAYEE, "value": "0x1" });
        let receipt = node.send(transaction).await;
        assert_eq!(quantity(&receipt["l1BlockNumber"]), number);
        assert_eq!(receipt["gasUsedForL1"], "0x0");
        let receipts = node.call("eth_getBlockReceipts", json!(["latest"])).await;
        assert_eq!(receipts[0], receipt);
        for (method, block) in [
            ("eth_getBlockByNumber", &json!("latest")),
            ("eth_getBlockByHash", &receipt["blockHash"]),
        ] {
            let block = node.call(method, json!([block, false])).await;
            assert_eq!(quantity(&block["l1BlockNumber"]), number, "{method}");
            // Nothing is sent to the parent.
            assert_eq!(block["sendCount"], "0x0");
            assert_eq!(block["sendRoot"], format!("0x{:064x}", 0));
        }
        let told = node
            .call("eth_call", json!([{ "to": clock }, "latest"]))
            .await;
        assert_eq!(told, format!("0x{:064x}{number:064x}", 2_000_000_030));

        // Simulated blocks report theirs too.
        let time = json!({ "blockOverrides": { "time": format!("{:#x}", 2_000_000_060) } });
        let blocks = json!([{ "blockStateCalls": [time] }]);
        let blocks = node.call("eth_simulateV1", blocks).await;
        let next = [(12, 166_666_671), (7, 285_714_294), (0, 3)];
        let next = next.iter().find(|(time, _)| *time == parent_block_time);
        assert_eq!(quantity(&blocks[0]["l1BlockNumber"]), next.unwrap().1);
    }
}

#[tokio::test]
async fn an_estimate_is_enough_and_not_much_more() {
    let node = Node::start().await;
    let coin = node.create(bytecode::COIN).await;
    let plain = json!([{ "from": node.account(0), "to": PAYEE, "value": "0x1" }]);
    assert_eq!(node.call("eth_estimateGas", plain).await, "0x5208");
    let data = bytecode::transfer(PAYEE, 5);
    let request = json!({ "from": node.account(0), "to": coin, "data": data });
    let estimate = quantity(&node.call("eth_estimateGas", json!([request])).await);
    let mut exact = request.clone();
    exact["gas"] = json!(format!("{estimate:#x}"));
    let receipt = node.send(exact).await;
    assert_eq!(receipt["status"], "0x1");
    let used = quantity(&receipt["gasUsed"]);
    assert!(
        estimate <= used + used / 10 + 2_300 * 2,
        "estimated {estimate}, used {used}"
    );
    let creation = json!([{ "from": node.account(0), "data": bytecode::COIN }]);
    let estimate = quantity(&node.call("eth_estimateGas", creation).await);
    let receipt = node
        .send(json!({ "from": node.account(0), "data": bytecode::COIN, "gas": format!("{estimate:#x}") }))
        .await;
    assert_eq!(receipt["status"], "0x1");
}

#[tokio::test]
async fn an_estimate_respects_what_the_sender_can_pay_and_allows() {
    let node = Node::start().await;
    let coin = node.create(bytecode::COIN).await;
    node.call(
        "hardhat_setBalance",
        json!([PAYEE, format!("{:#x}", 22_000_u64 * 100_000_000)]),
    )
    .await;
    let data = bytecode::balance_of(PAYEE);
    let priced = json!([{ "from": PAYEE, "to": coin, "data": data, "gasPrice": "0x5f5e100" }]);
    let refused = node.refused("eth_estimateGas", priced).await;
    assert_eq!(refused, refusal("gas required exceeds allowance (22000)"));
    let limited = json!([{ "from": PAYEE, "to": coin, "data": data, "gas": "0x520a" }]);
    let refused = node.refused("eth_estimateGas", limited).await;
    assert_eq!(refused, refusal("gas required exceeds allowance (21002)"));
}
