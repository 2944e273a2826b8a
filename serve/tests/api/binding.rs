//! Commitments: the transaction for the principal's own wallet, and the contract's event.

use alloy::primitives::{B256, Bytes};
use alloy::sol_types::SolCall;
use book::log::By;
use book::log::act::Act;
use book::log::fact::{MatchCommitted, MatchReleased};
use desk::chain::abi::IDvPSettlement;
use desk::commitment::Footing;
use serde_json::{Value, json};
use uuid::Uuid;

use super::desk::{Pair, TOTAL, decision, pair, proposal};
use super::stage::*;

const DAY: u64 = 86_400;

fn footing(unregistered: Vec<B256>) -> Footing {
    Footing {
        required: true,
        unregistered,
        time: START.cast_unsigned(),
    }
}

/// A match that Dana proposed.
pub(crate) async fn proposed(stage: &Stage) -> (Uuid, Pair) {
    let pair = pair(stage).await;
    let dana = stage.sign_in(DANA).await;
    let id = Uuid::now_v7();
    let sent = proposal(stage, DANA, id, &pair);
    stage.post("/v1/matches", &dana, &sent).await.is(201);
    (id, pair)
}

/// The answer to Ruth's approval of a match.
pub(crate) async fn approved(stage: &Stage, id: Uuid, pair: &Pair) -> Value {
    let ruth = stage.sign_in(RUTH).await;
    let sent = decision(stage, RUTH, Act::Approve, id, pair);
    let path = format!("/v1/matches/{id}/approve");
    stage.post(&path, &ruth, &sent).await.is(200).json()
}

/// A match that is committed for an hour, and the time at which that ends.
pub(crate) async fn committed(stage: &Stage) -> (Uuid, Pair, &'static str) {
    let (id, pair) = proposed(stage).await;
    approved(stage, id, &pair).await;
    let event = MatchCommitted {
        ask: pair.ask,
        bid: pair.bid,
        block: 7,
        principal: address(RUTH),
        total: TOTAL,
        tx_hash: B256::repeat_byte(5),
        until: START.cast_unsigned() + 3_600,
    };
    let by = By::new("chain");
    let recorded = stage.board.record_committed(id, event, stage.now(), by);
    recorded.await.unwrap();
    (id, pair, "2027-01-15T09:00:00Z")
}

fn data(transaction: &Value) -> Bytes {
    assert_eq!(transaction["to"], json!(identity().contract));
    assert_eq!(transaction["chain_id"], json!(identity().chain_id));
    transaction["data"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn an_approval_answers_with_the_commitment_where_the_contract_has_them() {
    for stage in stages().await {
        let (id, pair) = proposed(&stage).await;
        *stage.node.footing.lock().unwrap() = Some(footing(vec![pair.ask]));
        let said = approved(&stage, id, &pair).await;
        assert_eq!(said["state"], "APPROVED");
        let commit = &said["commit"];
        assert_eq!(
            (&commit["required"], &commit["unregistered"]),
            (&json!(true), &json!([pair.ask]))
        );
        let call = IDvPSettlement::commitMatchCall::abi_decode(&data(&commit["transaction"]));
        let call = call.unwrap();
        let until = START.cast_unsigned() + DAY;
        assert_eq!(
            (call.bid, call.ask, call.until),
            (pair.bid, pair.ask, until)
        );
        assert_eq!(commit["until"], "2027-01-16T08:00:00Z");
        // Nobody has sent it yet.
        let ruth = stage.sign_in(RUTH).await;
        let shown = stage.get(&format!("/v1/matches/{id}"), &ruth).await.json();
        assert_eq!(
            (&shown["state"], &shown["commit"]),
            (&json!("APPROVED"), &Value::Null)
        );
    }
}

#[tokio::test]
async fn a_commitment_ends_no_later_than_the_first_of_its_orders() {
    let stage = stage().await;
    let (id, pair) = proposed(&stage).await;
    let late = Footing {
        time: START.cast_unsigned() + 190_000,
        ..footing(Vec::new())
    };
    *stage.node.footing.lock().unwrap() = Some(late);
    let commit = approved(&stage, id, &pair).await["commit"].clone();
    let call = IDvPSettlement::commitMatchCall::abi_decode(&data(&commit["transaction"]));
    // Orders of the stage last for 200,000 s.
    assert_eq!(call.unwrap().until, START.cast_unsigned() + 200_000);
}

#[tokio::test]
async fn an_approval_is_recorded_although_the_chain_cannot_be_asked_for_the_next_step() {
    let stage = stage().await;
    let (id, pair) = proposed(&stage).await;
    *stage.node.footing.lock().unwrap() = Some(footing(Vec::new()));
    let gone = &stage.node.gone;
    let ruth = stage.sign_in(RUTH).await;
    gone.store(true, std::sync::atomic::Ordering::SeqCst);
    let sent = decision(&stage, RUTH, Act::Approve, id, &pair);
    let said = stage
        .post(&format!("/v1/matches/{id}/approve"), &ruth, &sent)
        .await
        .is(200)
        .json();
    assert_eq!(
        (&said["state"], &said["commit"]),
        (&json!("APPROVED"), &Value::Null)
    );
}

#[tokio::test]
async fn a_match_is_committed_at_the_contract_s_event_and_released_likewise() {
    for stage in stages().await {
        let (id, pair, until) = committed(&stage).await;
        let (ruth, dana) = (stage.sign_in(RUTH).await, stage.sign_in(DANA).await);
        let path = format!("/v1/matches/{id}");
        let shown = stage.get(&path, &ruth).await.is(200).json();
        assert_eq!(
            (&shown["state"], &shown["until"]),
            (&json!("COMMITTED"), &json!(until))
        );
        let release = format!("{path}/release");
        let sent = json!({ "reason": "customer asked" });
        let size = stage.size().await;
        let said = stage.post(&release, &ruth, &sent).await.is(200).json();
        assert_eq!(
            (&said["state"], &said["until"]),
            (&json!("COMMITTED"), &json!(until))
        );
        let call = IDvPSettlement::releaseMatchCall::abi_decode(&data(&said["transaction"]));
        let call = call.unwrap();
        assert_eq!((call.bid, call.ask), (pair.bid, pair.ask));
        assert_eq!(call.reason[..14], *b"customer asked");
        // Nothing is released before the contract's event.
        assert_eq!(stage.size().await, size);
        for (sent, code, pointer) in [
            (json!({}), "BAD_INPUT", "/reason"),
            (json!({ "reason": "" }), "BAD_INPUT", "/reason"),
            (json!({ "reason": "x".repeat(33) }), "BAD_INPUT", "/reason"),
        ] {
            let said = stage.post(&release, &ruth, &sent).await;
            said.names(422, code, &[pointer]);
        }
        let rule = stage.post(&release, &dana, &sent).await;
        rule.refuses(403, "NOT_ALLOWED");
        let event = MatchReleased {
            block: 8,
            by: address(RUTH),
            reason: call.reason,
            tx_hash: B256::repeat_byte(6),
        };
        let released = stage
            .board
            .record_released(id, event, stage.now(), By::new("chain"));
        released.await.unwrap();
        let shown = stage.get(&path, &ruth).await.json();
        assert_eq!(shown["state"], "REFUSED");
        let late = stage.post(&release, &ruth, &sent).await;
        assert_eq!(late.refuses(409, "BOARD_REFUSED")["state"], "REFUSED");
    }
}

#[tokio::test]
async fn what_is_not_committed_is_not_released() {
    let stage = stage().await;
    let (id, pair) = proposed(&stage).await;
    let ruth = stage.sign_in(RUTH).await;
    let release = format!("/v1/matches/{id}/release");
    let sent = json!({ "reason": "none" });
    let said = stage.post(&release, &ruth, &sent).await;
    assert_eq!(said.refuses(409, "BOARD_REFUSED")["state"], "PROPOSED");
    approved(&stage, id, &pair).await;
    let said = stage.post(&release, &ruth, &sent).await;
    assert_eq!(said.refuses(409, "BOARD_REFUSED")["state"], "APPROVED");
    let unknown = format!("/v1/matches/{}/release", Uuid::now_v7());
    stage
        .post(&unknown, &ruth, &sent)
        .await
        .refuses(404, "NOT_FOUND");
}
