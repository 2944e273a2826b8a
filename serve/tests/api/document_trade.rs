//! The `OpenAPI` document compared with the answers on terms, needs, permits, trades, commitments and reports.

use alloy::primitives::{B256, Bytes};
use alloy::signers::SignerSync;
use book::market::order::Side;
use desk::commitment::Footing;
use desk::index::report::{Count, Counted};
use desk::signing::request::{CancelTerms, PermitTerms};
use serde_json::json;
use serve::house::{House, Paper, Terms};

use super::binding::{approved, committed, proposed};
use super::document::{answers, holds};
use super::stage::*;
use super::trades::trade;

fn house() -> House {
    let paper = |name| Paper::of(name, "text").unwrap();
    House {
        terms: Some(Terms {
            version: "1".into(),
            paper: paper("terms.txt"),
        }),
        documents: [(security().token, vec![paper("memorandum.pdf")])].into(),
        ..House::default()
    }
}

/// Signs what an owner signs.
fn signed(digest: B256) -> Bytes {
    let signature = wallet(ADA).sign_hash_sync(&digest).unwrap();
    Bytes::from(signature.as_bytes().to_vec())
}

#[tokio::test]
async fn consents_needs_permits_and_cancels_are_what_the_document_says() {
    let stage = stage().await.housed(house()).await;
    let ada = stage.sign_in(ADA).await;
    answers(&stage.get("/v1/terms", &ada).await, "get", "/v1/terms");
    let sha256 = house().terms.unwrap().paper.sha256;
    let sent = json!({ "version": "1", "sha256": sha256 });
    answers(
        &stage.post("/v1/terms", &ada, &sent).await.is(201),
        "post",
        "/v1/terms",
    );
    answers(
        &stage.post("/v1/terms", &ada, &sent).await.is(200),
        "post",
        "/v1/terms",
    );
    answers(&stage.get("/v1/terms", &ada).await, "get", "/v1/terms");
    let (path, of) = (
        "/v1/securities/HRBR/documents",
        "/v1/securities/{security}/documents",
    );
    answers(&stage.get(path, &ada).await, "get", of);
    let sent = json!({ "sha256": [sha256] });
    answers(&stage.post(path, &ada, &sent).await, "post", of);
    answers(&stage.get(path, &ada).await, "get", of);

    let posted = stage.posted(&ada, &order(ADA, Side::Bid, 100, 1_050)).await;
    let path = format!("/v1/orders/{posted}");
    let shown = answers(&stage.get(&path, &ada).await, "get", "/v1/orders/{order}");
    assert!(shown["needs"][1]["approve"].is_object(), "{shown}");
    let terms = CancelTerms {
        chain_id: identity().chain_id,
        settlement: identity().contract,
        id: posted,
    };
    let sent = json!({ "signature": signed(terms.digest()) });
    let (void, of) = (format!("{path}/void"), "/v1/orders/{order}/void");
    answers(&stage.post(&void, &ada, &sent).await.is(202), "post", of);
    answers(&stage.post(&void, &ada, &sent).await.is(200), "post", of);
    answers(&stage.get(&path, &ada).await, "get", "/v1/orders/{order}");

    let (token, end) = (identity().payment, "2027-01-16T08:00:00Z");
    let draft = format!("/v1/permits/draft?token={token}&value=5&deadline={end}");
    answers(&stage.get(&draft, &ada).await, "get", "/v1/permits/draft");
    let terms = PermitTerms {
        name: "Paper".into(),
        version: "1".into(),
        chain_id: identity().chain_id,
        token,
        owner: address(ADA),
        spender: identity().contract,
        value: "5".parse().unwrap(),
        nonce: "0".parse().unwrap(),
        deadline: (START.cast_unsigned() + 86_400)
            .to_string()
            .parse()
            .unwrap(),
    };
    let signature = signed(terms.digest());
    let sent = json!({ "token": token, "value": "5", "deadline": end, "signature": signature });
    answers(
        &stage.post("/v1/permits", &ada, &sent).await.is(201),
        "post",
        "/v1/permits",
    );
    answers(&stage.get("/v1/permits", &ada).await, "get", "/v1/permits");
}

#[tokio::test]
async fn trades_suggestions_and_reports_are_what_the_document_says() {
    let stage = stage().await;
    trade(&stage, 100, 1_035, 1).await;
    let (ada, dana, rex) = (
        stage.sign_in(ADA).await,
        stage.sign_in(DANA).await,
        stage.sign_in(REX).await,
    );
    let of = "/v1/securities/{security}/settlements";
    for name in ["HRBR", "QUAY"] {
        let path = format!("/v1/securities/{name}/settlements");
        answers(&stage.get(&path, &dana).await, "get", of);
    }
    let ben = stage.sign_in(BEN).await;
    let ask = stage.posted(&ben, &order(BEN, Side::Ask, 5, 50)).await;
    let lots = "/v1/securities/HRBR/lots?side=ask";
    let lot = stage.get(lots, &ada).await.json()["lots"][0]["lot"].clone();
    let mut bid = body(&order(ADA, Side::Bid, 5, 50));
    bid["answers"] = lot;
    let said = stage.post("/v1/orders", &ada, &bid).await.is(201).json();
    let path = format!("/v1/orders/{}", said["id"].as_str().unwrap());
    let shown = answers(&stage.get(&path, &dana).await, "get", "/v1/orders/{order}");
    assert_eq!(shown["answers"], json!(ask));
    let said = stage.get("/v1/suggestions?security=HRBR", &dana).await;
    answers(&said, "get", "/v1/suggestions");
    let count = |of| Count {
        of,
        holders: 9,
        limit: 10,
    };
    *stage.node.holders.lock().unwrap() = vec![count(Counted::All), count(Counted::Group(1))];
    for report in ["daily", "subscribers", "holders"] {
        let path = format!("/v1/reports/{report}");
        answers(&stage.get(&path, &rex).await, "get", &path);
    }
}

#[tokio::test]
async fn commitments_are_what_the_document_says() {
    let first = stage().await;
    let (id, pair) = proposed(&first).await;
    *first.node.footing.lock().unwrap() = Some(Footing {
        required: false,
        unregistered: vec![pair.bid],
        time: START.cast_unsigned(),
    });
    let said = approved(&first, id, &pair).await;
    let of = "/v1/matches/{match}/approve";
    holds(&said, "post", of, 200);
    let other = stage().await;
    let (id, _, _) = committed(&other).await;
    let ruth = other.sign_in(RUTH).await;
    let path = format!("/v1/matches/{id}");
    answers(&other.get(&path, &ruth).await, "get", "/v1/matches/{match}");
    let sent = json!({ "reason": "asked" });
    let said = other.post(&format!("{path}/release"), &ruth, &sent).await;
    answers(&said, "post", "/v1/matches/{match}/release");
}
