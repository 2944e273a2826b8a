//! Off the board, and void.

use std::sync::atomic::Ordering;

use alloy::primitives::{B256, Bytes, U256};
use alloy::signers::SignerSync;
use alloy::sol_types::SolCall;
use book::board::left::Errand;
use book::log::By;
use book::log::body::SettlementSettled;
use book::market::order::Side;
use book::market::record::OrderState;
use desk::chain::abi::IDvPSettlement;
use desk::signing::request::CancelTerms;
use serde_json::{Value, json};

use super::binding::committed;
use super::stage::*;

/// The cancel of an order, signed by a wallet.
fn signed(signer: u8, order: B256) -> Value {
    let terms = CancelTerms {
        chain_id: identity().chain_id,
        settlement: identity().contract,
        id: order,
    };
    let signature = wallet(signer).sign_hash_sync(&terms.digest()).unwrap();
    json!({ "signature": Bytes::from(signature.as_bytes().to_vec()) })
}

#[tokio::test]
async fn taking_off_says_how_to_make_void() {
    for stage in stages().await {
        let ada = stage.sign_in(ADA).await;
        let order = order(ADA, Side::Bid, 100, 1_050);
        let posted = stage.posted(&ada, &order).await;
        let path = format!("/v1/orders/{posted}");
        let open = stage.get(&path, &ada).await.is(200).json();
        assert_eq!(
            open["void"],
            json!({ "void": false, "transaction": null, "left": null })
        );
        let said = stage.delete(&path, &ada).await.is(200).json();
        assert_eq!(said["void"], false);
        let how = &said["make_void"];
        let sent = &how["transaction"];
        assert_eq!(
            (&sent["to"], &sent["chain_id"], &sent["value"]),
            (
                &json!(identity().contract),
                &json!(identity().chain_id),
                &json!("0")
            )
        );
        let data: Bytes = sent["data"].as_str().unwrap().parse().unwrap();
        let call = IDvPSettlement::cancelOrderCall::abi_decode(&data).unwrap();
        assert_eq!(id(&call.order), posted);
        let typed = &how["typed_data"];
        assert_eq!(
            (&typed["primaryType"], &typed["message"]["id"]),
            (&json!("CancelOrder"), &json!(posted))
        );
        assert_eq!(how["post_to"], format!("{path}/void"));
    }
}

#[tokio::test]
async fn a_signed_cancel_waits_for_the_desk_and_counts_once_the_contract_has_logged_it() {
    for stage in stages().await {
        let ada = stage.sign_in(ADA).await;
        let posted = stage.posted(&ada, &order(ADA, Side::Bid, 100, 1_050)).await;
        let path = format!("/v1/orders/{posted}");
        let void = format!("{path}/void");
        let size = stage.size().await;
        let said = stage.post(&void, &ada, &signed(ADA, posted)).await.is(202);
        let said = said.json();
        assert_eq!(
            (&said["id"], &said["state"], &said["void"]),
            (&json!(posted), &json!("CANCELLED"), &json!(false))
        );
        assert_eq!(said["left"]["state"], "waiting");
        // It is off the board at once.
        let found = stage.board.find(posted).await.unwrap().unwrap();
        assert_eq!(found.state, OrderState::Cancelled);
        assert_eq!(stage.size().await, size + 1);
        let again = stage.post(&void, &ada, &signed(ADA, posted)).await.is(200);
        assert_eq!(again.json(), said);
        assert_eq!(stage.size().await, size + 1);
        assert_eq!(stage.board.waiting_cancels().await.unwrap().len(), 1);

        let transaction = B256::repeat_byte(9);
        let sent = stage
            .board
            .end_cancel(posted, Errand::Sent, "", Some(transaction));
        sent.await.unwrap();
        let sent = stage.get(&path, &ada).await.json();
        assert_eq!(
            (&sent["void"]["void"], &sent["void"]["left"]["state"]),
            (&json!(false), &json!("sent"))
        );
        let by = By::new("chain");
        let logged = stage
            .board
            .record_cancelled_on_chain(posted, transaction, stage.now(), by);
        logged.await.unwrap();
        let gone = stage.get(&path, &ada).await.json();
        assert_eq!(
            (&gone["void"]["void"], &gone["void"]["transaction"]),
            (&json!(true), &json!(transaction))
        );
        let late = stage.post(&void, &ada, &signed(ADA, posted)).await.is(200);
        assert_eq!(late.json()["void"], true);
    }
}

#[tokio::test]
async fn a_cancel_that_the_owner_did_not_sign_changes_nothing() {
    let stage = stage().await;
    let (ada, ben, dana) = (
        stage.sign_in(ADA).await,
        stage.sign_in(BEN).await,
        stage.sign_in(DANA).await,
    );
    let posted = stage.posted(&ada, &order(ADA, Side::Bid, 100, 1_050)).await;
    let void = format!("/v1/orders/{posted}/void");
    let size = stage.size().await;
    let other = signed(ADA, B256::repeat_byte(1));
    for sent in [signed(BEN, posted), other, json!({ "signature": "0x12" })] {
        let said = stage.post(&void, &ada, &sent).await;
        said.names(422, "NOT_ALLOWED", &["/signature"]);
    }
    for (sent, pointer) in [
        (json!({}), "/signature"),
        (json!({ "signature": "12" }), "/signature"),
    ] {
        let said = stage.post(&void, &ada, &sent).await;
        said.names(422, "BAD_INPUT", &[pointer]);
    }
    let good = signed(ADA, posted);
    stage
        .post(&void, &ben, &good)
        .await
        .refuses(404, "NOT_FOUND");
    stage
        .post(&void, &dana, &good)
        .await
        .refuses(403, "NOT_ALLOWED");
    stage
        .post(&void, &nobody(), &good)
        .await
        .refuses(401, "NOT_SIGNED_IN");
    // A wallet with code is queried, as everywhere; an unreachable node decides nothing.
    stage.node.gone.store(true, Ordering::SeqCst);
    let said = stage.post(&void, &ada, &signed(BEN, posted)).await;
    said.refuses(503, "RPC_UNREACHABLE");
    stage.node.gone.store(false, Ordering::SeqCst);
    assert_eq!(stage.size().await, size);
    assert_eq!(stage.board.waiting_cancels().await.unwrap(), []);
    stage.node.contracts.lock().unwrap().insert(address(ADA));
    let odd = json!({ "signature": "0x1234" });
    stage.post(&void, &ada, &odd).await.is(202);
}

#[tokio::test]
async fn what_is_filled_or_committed_is_neither_voided_nor_replaced() {
    for stage in stages().await {
        let (found, pair, until) = committed(&stage).await;
        let ada = stage.sign_in(ADA).await;
        let path = format!("/v1/orders/{}", pair.bid);
        let size = stage.size().await;
        let new = body(&order(ADA, Side::Bid, 100, 1_045));
        for said in [
            stage.delete(&path, &ada).await,
            stage
                .post(&format!("{path}/void"), &ada, &signed(ADA, pair.bid))
                .await,
            stage.post(&format!("{path}/replace"), &ada, &new).await,
        ] {
            let problem = said.refuses(409, "BOARD_REFUSED");
            assert_eq!(
                (&problem["match"], &problem["until"]),
                (&json!(found.to_string()), &json!(until))
            );
        }
        assert_eq!(stage.size().await, size);
        let settled = SettlementSettled {
            ask: pair.ask,
            bid: pair.bid,
            block: 9,
            match_id: Some(found),
            settlement_id: U256::from(1),
            total: 1_040 * DOLLAR,
            tx_hash: B256::repeat_byte(8),
        };
        let recorded = stage
            .board
            .record_settled(settled, stage.now(), By::new("chain"));
        recorded.await.unwrap();
        let said = stage
            .post(&format!("{path}/void"), &ada, &signed(ADA, pair.bid))
            .await;
        assert_eq!(said.refuses(409, "BOARD_REFUSED")["state"], "FILLED");
        assert_eq!(stage.board.waiting_cancels().await.unwrap(), []);
    }
}
