//! The desk: people match, each with their own signature.

use alloy::primitives::{B256, Bytes};
use book::log::act::{Act, Told, of_match};
use book::log::staff::Role;
use book::log::staff::StaffChange::{RoleGranted, WalletAdded};
use book::market::order::Side;
use desk::chain::codes::Failure;
use desk::preflight::Reason;
use serde_json::{Value, json};
use uuid::Uuid;

use super::stage::*;

/// A bid by Ada and an ask by Ben that cross, at 1,040 dollars.
pub(crate) struct Pair {
    pub(crate) bid: B256,
    pub(crate) ask: B256,
}

pub(crate) const TOTAL: u128 = 1_040 * DOLLAR;
const WHY: &str = "the only pair of this size";

pub(crate) async fn pair(stage: &Stage) -> Pair {
    let (ada, ben) = (stage.sign_in(ADA).await, stage.sign_in(BEN).await);
    Pair {
        bid: stage.posted(&ada, &order(ADA, Side::Bid, 100, 1_050)).await,
        ask: stage.posted(&ben, &order(BEN, Side::Ask, 100, 1_030)).await,
    }
}

fn told(act: Act, id: Uuid, pair: &Pair, reason: &'static str) -> Told<'static> {
    Told {
        act,
        subject: of_match(id),
        bid: pair.bid,
        ask: pair.ask,
        total: TOTAL,
        reason,
    }
}

/// A proposal signed by a wallet.
pub(crate) fn proposal(stage: &Stage, wallet: u8, id: Uuid, pair: &Pair) -> Value {
    let signed = stage.sign(wallet, &told(Act::Propose, id, pair, WHY));
    json!({
        "id": id,
        "bid": pair.bid,
        "ask": pair.ask,
        "rationale": WHY,
        "passed_over": [],
        "signature": signed.signature,
        "time": stage.now(),
    })
}

/// A decision signed by a wallet.
pub(crate) fn decision(stage: &Stage, wallet: u8, act: Act, id: Uuid, pair: &Pair) -> Value {
    let signed = stage.sign(wallet, &told(act, id, pair, "reviewed"));
    json!({ "reason": "reviewed", "signature": signed.signature, "time": stage.now() })
}

#[tokio::test]
async fn a_trader_proposes_and_a_principal_approves_each_with_a_signature_in_the_log() {
    for stage in stages().await {
        let pair = pair(&stage).await;
        let (dana, ruth) = (stage.sign_in(DANA).await, stage.sign_in(RUTH).await);
        let id = Uuid::now_v7();
        let sent = proposal(&stage, DANA, id, &pair);
        let said = stage.post("/v1/matches", &dana, &sent).await.is(201).json();
        assert_eq!(
            (&said["state"], &said["proposed_by"]),
            (&json!("PROPOSED"), &json!("Dana"))
        );
        assert_eq!(said["total"], TOTAL.to_string());
        let size = stage.size().await;
        // The same signed act under another key is not done again.
        assert_eq!(
            stage.post("/v1/matches", &dana, &sent).await.is(200).json(),
            said
        );
        assert_eq!(stage.size().await, size);

        let path = format!("/v1/matches/{id}");
        stage
            .post(&format!("{path}/approve"), &dana, &json!({}))
            .await
            .refuses(403, "NOT_ALLOWED");
        let sent = decision(&stage, RUTH, Act::Approve, id, &pair);
        let approved = stage
            .post(&format!("{path}/approve"), &ruth, &sent)
            .await
            .is(200)
            .json();
        assert_eq!(
            (&approved["state"], &approved["approved_by"]),
            (&json!("APPROVED"), &json!("Ruth"))
        );
        let again = stage
            .post(&format!("{path}/approve"), &ruth, &sent)
            .await
            .is(200)
            .json();
        assert_eq!(again, approved);
        assert_eq!(stage.size().await, size + 1);
        let report = book::audit::verify::verify(&stage.board, &[], |_| {})
            .await
            .unwrap();
        assert_eq!(report.finding, None);

        // An operator sees it from here on.
        let otto = stage.sign_in(OTTO).await;
        assert_eq!(stage.get(&path, &otto).await.is(200).json(), approved);
        let refused = decision(&stage, RUTH, Act::Refuse, id, &pair);
        let gone = stage
            .post(&format!("{path}/refuse"), &ruth, &refused)
            .await
            .is(200)
            .json();
        assert_eq!(gone["state"], "REFUSED");
        let late = decision(&stage, RUTH, Act::Approve, id, &pair);
        let problem = stage.post(&format!("{path}/approve"), &ruth, &late).await;
        assert_eq!(problem.refuses(409, "BOARD_REFUSED")["state"], "REFUSED");
    }
}

#[tokio::test]
async fn nobody_approves_what_the_same_person_proposed_from_whatever_wallet() {
    let stage = stage().await;
    let pair = pair(&stage).await;
    let (role, wallet, person) = (Role::Principal, address(0x77), "Dana".to_owned());
    stage
        .staff(
            ALMA,
            RoleGranted {
                person: person.clone(),
                role,
            },
        )
        .await;
    stage.staff(ALMA, WalletAdded { person, wallet }).await;
    let (dana, again) = (stage.sign_in(DANA).await, stage.sign_in(0x77).await);
    let id = Uuid::now_v7();
    stage
        .post("/v1/matches", &dana, &proposal(&stage, DANA, id, &pair))
        .await
        .is(201);
    let size = stage.size().await;
    for (pass, signer) in [(&dana, DANA), (&again, 0x77)] {
        let sent = decision(&stage, signer, Act::Approve, id, &pair);
        let said = stage
            .post(&format!("/v1/matches/{id}/approve"), pass, &sent)
            .await;
        let problem = said.refuses(403, "NOT_ALLOWED");
        assert!(
            problem["detail"]
                .as_str()
                .unwrap()
                .contains("another person must approve"),
            "{problem}"
        );
    }
    assert_eq!(stage.size().await, size);
}

#[tokio::test]
async fn forged_altered_and_old_signatures_record_nothing() {
    for stage in stages().await {
        let pair = pair(&stage).await;
        let dana = stage.sign_in(DANA).await;
        let size = stage.size().await;
        let id = Uuid::now_v7();
        let good = || proposal(&stage, DANA, id, &pair);
        let send = |sent: Value| {
            let (stage, dana) = (&stage, dana.clone());
            async move { stage.post("/v1/matches", &dana, &sent).await }
        };
        // Ruth's key, another match's id, another text, another act, no signature.
        send(proposal(&stage, RUTH, id, &pair))
            .await
            .names(422, "NOT_ALLOWED", &["/signature"]);
        let mut other = good();
        other["id"] = json!(Uuid::now_v7());
        send(other).await.names(422, "NOT_ALLOWED", &["/signature"]);
        let mut other = good();
        other["rationale"] = "something else altogether".into();
        send(other).await.names(422, "NOT_ALLOWED", &["/signature"]);
        let mut other = good();
        other["signature"] = json!(
            stage
                .sign(DANA, &told(Act::Approve, id, &pair, WHY))
                .signature
        );
        send(other).await.names(422, "NOT_ALLOWED", &["/signature"]);
        let mut other = good();
        other["signature"] = json!(Bytes::new());
        send(other).await.names(422, "NOT_ALLOWED", &["/signature"]);
        // Too old, by the store's clock.
        let old = good();
        stage.turn(901);
        send(old).await.names(422, "NOT_ALLOWED", &["/time"]);
        for (name, value, pointer) in [
            ("rationale", json!("too short"), "/rationale"),
            ("rationale", json!("x".repeat(501)), "/rationale"),
            ("passed_over", json!(["0x12"]), "/passed_over/0"),
            ("time", json!(5), "/time"),
        ] {
            let mut other = good();
            other[name] = value;
            send(other).await.names(422, "BAD_INPUT", &[pointer]);
        }
        let mut other = good();
        other["bid"] = json!(B256::repeat_byte(9));
        send(other).await.names(422, "BOARD_REFUSED", &["/bid"]);
        assert_eq!(stage.size().await, size);
        send(good()).await.is(201);
    }
}

#[tokio::test]
async fn whoever_is_passed_over_must_be_named() {
    let stage = stage().await;
    let (ada, ben, dana) = (
        stage.sign_in(ADA).await,
        stage.sign_in(BEN).await,
        stage.sign_in(DANA).await,
    );
    let better = stage.posted(&ada, &order(ADA, Side::Bid, 100, 1_060)).await;
    let pair = pair(&stage).await;
    let earlier_worse = stage.posted(&ben, &order(BEN, Side::Ask, 100, 1_031)).await;
    let size = stage.size().await;
    let id = Uuid::now_v7();
    let mut sent = proposal(&stage, DANA, id, &pair);
    let said = stage.post("/v1/matches", &dana, &sent).await;
    let problem = said.names(422, "PASSED_OVER", &["/passed_over"]);
    assert_eq!(problem["passed_over"], json!([better]));
    sent["passed_over"] = json!([better, earlier_worse]);
    stage
        .post("/v1/matches", &dana, &sent)
        .await
        .refuses(422, "PASSED_OVER");
    assert_eq!(stage.size().await, size);
    sent["passed_over"] = json!([better]);
    stage.post("/v1/matches", &dana, &sent).await.is(201);
}

#[tokio::test]
async fn an_operator_sees_approved_matches_alone_and_pages_are_signed() {
    let stage = stage().await;
    let pair = pair(&stage).await;
    let (dana, otto) = (stage.sign_in(DANA).await, stage.sign_in(OTTO).await);
    let id = Uuid::now_v7();
    stage
        .post("/v1/matches", &dana, &proposal(&stage, DANA, id, &pair))
        .await
        .is(201);
    let path = format!("/v1/matches/{id}");
    stage.get(&path, &dana).await.is(200);
    stage.get(&path, &otto).await.refuses(404, "NOT_FOUND");
    assert_eq!(
        stage.get("/v1/matches", &otto).await.json()["matches"],
        json!([])
    );
    let all = stage
        .get("/v1/matches?state=proposed&limit=1", &dana)
        .await
        .is(200)
        .json();
    assert_eq!(
        (all["matches"].as_array().unwrap().len(), &all["cursor"]),
        (1, &Value::Null)
    );
    stage
        .get("/v1/matches?cursor=AAAA", &dana)
        .await
        .names(400, "BAD_INPUT", &["cursor"]);
    stage
        .get("/v1/matches?state=maybe", &dana)
        .await
        .names(400, "BAD_INPUT", &["state"]);
    stage
        .get("/v1/matches/nonsense", &dana)
        .await
        .refuses(404, "NOT_FOUND");
}

#[tokio::test]
async fn preflight_gives_every_reason_with_its_remedy() {
    let stage = stage().await;
    let pair = pair(&stage).await;
    let dana = stage.sign_in(DANA).await;
    let id = Uuid::now_v7();
    stage
        .post("/v1/matches", &dana, &proposal(&stage, DANA, id, &pair))
        .await
        .is(201);
    let path = format!("/v1/matches/{id}/preflight");
    let said = stage.get(&path, &dana).await.is(200).json();
    assert_eq!(
        (&said["would_settle"], &said["reasons"]),
        (&json!(true), &json!([]))
    );
    let failure = Failure::BuyerBalance;
    stage.node.reasons.lock().unwrap().push(Reason {
        failure,
        restriction: None,
        name: failure.name(),
        words: "the buyer holds $5".into(),
        remedy: "have the buyer pay in".into(),
    });
    let said = stage.get(&path, &dana).await.is(200).json();
    assert_eq!(said["would_settle"], false);
    assert_eq!(
        said["reasons"],
        json!([{
            "code": failure.name(),
            "failure": failure.number(),
            "restriction": null,
            "detail": "the buyer holds $5",
            "hint": "have the buyer pay in",
        }])
    );
    stage
        .node
        .gone
        .store(true, std::sync::atomic::Ordering::SeqCst);
    stage
        .get(&path, &dana)
        .await
        .refuses(503, "RPC_UNREACHABLE");
}
