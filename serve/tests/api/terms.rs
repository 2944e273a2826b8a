//! Terms and documents: what a wallet accepts and receives before it trades.

use alloy::primitives::B256;
use book::log::event::EventType;
use book::market::order::Side;
use serde_json::{Value, json};
use serve::house::{House, Paper, Terms};

use super::stage::*;

fn terms(version: &str) -> Terms {
    Terms {
        version: version.into(),
        paper: Paper::of("terms.txt", format!("the terms, {version}")).unwrap(),
    }
}

fn papers() -> Vec<Paper> {
    vec![
        Paper::of("memorandum.pdf", "one").unwrap(),
        Paper::of("articles.html", "two").unwrap(),
    ]
}

fn house() -> House {
    House {
        terms: Some(terms("2")),
        documents: [(security().token, papers()), (quay().token, papers())].into(),
        ..House::default()
    }
}

fn accepting(terms: &Terms) -> Value {
    json!({ "version": terms.version, "sha256": terms.paper.sha256 })
}

fn receiving() -> Value {
    let hashes: Vec<B256> = papers().iter().map(|paper| paper.sha256).collect();
    json!({ "sha256": hashes })
}

const DOCUMENTS: &str = "/v1/securities/HRBR/documents";

#[tokio::test]
async fn no_order_is_taken_before_the_terms_are_accepted() {
    for stage in stages().await {
        let stage = stage.housed(house()).await;
        let ben = stage.sign_in(BEN).await;
        let ask = body(&order(BEN, Side::Ask, 100, 1_050));
        let size = stage.size().await;
        let refused = stage.post("/v1/orders", &ben, &ask).await;
        let problem = refused.refuses(409, "TERMS_NOT_ACCEPTED");
        let wanted = terms("2");
        assert_eq!(
            (&problem["version"], &problem["sha256"]),
            (&json!("2"), &json!(wanted.paper.sha256))
        );
        assert!(
            problem["hint"].as_str().unwrap().contains("/v1/terms"),
            "{problem}"
        );
        assert_eq!(stage.size().await, size);

        let shown = stage.get("/v1/terms", &ben).await.is(200).json();
        assert_eq!(
            (&shown["version"], &shown["accepted"], &shown["name"]),
            (&json!("2"), &Value::Null, &json!("terms.txt"))
        );
        let text = stage.get("/v1/terms/text", &nobody()).await.is(200);
        assert_eq!(text.body, wanted.paper.bytes);
        assert_eq!(text.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(
            text.header("content-disposition"),
            "inline; filename=\"terms.txt\""
        );

        let sent = accepting(&wanted);
        let said = stage.post("/v1/terms", &ben, &sent).await.is(201).json();
        assert_eq!(said["seq"], json!(size + 1));
        let event = &stage.board.events(size + 1, 1).await.unwrap()[0];
        assert_eq!(
            (event.kind, event.actor.as_str(), event.subject.as_str()),
            (
                EventType::TermsAccepted,
                "web",
                address(BEN).to_string().to_lowercase().as_str()
            )
        );
        // Once is enough.
        let again = stage.post("/v1/terms", &ben, &sent).await.is(200).json();
        assert_eq!(again, said);
        assert_eq!(stage.size().await, size + 1);
        let shown = stage.get("/v1/terms", &ben).await.json();
        assert_eq!(shown["accepted"]["seq"], said["seq"]);
        stage.post("/v1/orders", &ben, &ask).await.is(201);
        let report = book::audit::verify::verify(&stage.board, &[], |_| {}).await;
        assert_eq!(report.unwrap().finding, None);

        // New terms must be accepted again; a replacement is an order like any other.
        let old = id(&order_of(&ask));
        let newer = House {
            terms: Some(terms("3")),
            ..house()
        };
        let stage = stage.housed(newer).await;
        let new = body(&order(BEN, Side::Ask, 100, 1_040));
        for path in ["/v1/orders".to_owned(), format!("/v1/orders/{old}/replace")] {
            let problem = stage.post(&path, &ben, &new).await;
            assert_eq!(problem.refuses(409, "TERMS_NOT_ACCEPTED")["version"], "3");
        }
    }
}

/// The order of a body, by its signed fields.
fn order_of(sent: &Value) -> book::market::order::Order {
    let fields = &sent["order"];
    let mut order = order(BEN, Side::Ask, 100, 1_050);
    order.boardRef = fields["board_ref"].as_str().unwrap().parse().unwrap();
    order
}

#[tokio::test]
async fn other_terms_than_those_of_now_are_not_accepted() {
    let stage = stage().await.housed(house()).await;
    let (ada, dana) = (stage.sign_in(ADA).await, stage.sign_in(DANA).await);
    let size = stage.size().await;
    let good = accepting(&terms("2"));
    for (member, value, code) in [
        ("version", json!("1"), "OTHER_TERMS"),
        ("sha256", json!(B256::ZERO), "OTHER_TERMS"),
        ("version", json!(2), "BAD_INPUT"),
        ("sha256", json!("0x12"), "BAD_INPUT"),
        ("sha256", Value::Null, "BAD_INPUT"),
    ] {
        let mut sent = good.clone();
        sent[member] = value;
        let pointer = format!("/{member}");
        let said = stage.post("/v1/terms", &ada, &sent).await;
        let problem = said.names(422, code, &[pointer.as_str()]);
        if code == "OTHER_TERMS" {
            assert_eq!(problem["version"], "2");
        }
    }
    let rule = stage.post("/v1/terms", &dana, &good).await;
    rule.refuses(403, "NOT_ALLOWED");
    stage
        .post("/v1/terms", &nobody(), &good)
        .await
        .refuses(401, "NOT_SIGNED_IN");
    assert_eq!(stage.size().await, size);
    assert_eq!(
        stage.get("/v1/terms", &dana).await.is(200).json()["accepted"],
        Value::Null
    );
}

#[tokio::test]
async fn no_bid_is_taken_before_the_documents_are_received() {
    for stage in stages().await {
        let stage = stage.housed(house()).await;
        let ada = stage.sign_in(ADA).await;
        let sent = accepting(&terms("2"));
        stage.post("/v1/terms", &ada, &sent).await.is(201);
        let size = stage.size().await;
        let bid = body(&order(ADA, Side::Bid, 100, 1_050));
        let refused = stage.post("/v1/orders", &ada, &bid).await;
        let problem = refused.refuses(409, "DOCUMENTS_NOT_RECEIVED");
        let named: Vec<_> = problem["documents"].as_array().unwrap().iter().collect();
        assert_eq!(
            (named.len(), &named[0]["name"]),
            (2, &json!("memorandum.pdf"))
        );
        assert!(
            problem["hint"].as_str().unwrap().contains("/documents"),
            "{problem}"
        );
        assert_eq!(stage.size().await, size);
        // A seller knows what it holds.
        let ask = body(&order(ADA, Side::Ask, 8, 80));
        stage.post("/v1/orders", &ada, &ask).await.is(201);

        let shown = stage.get(DOCUMENTS, &ada).await.is(200).json();
        assert_eq!(shown["received"], Value::Null);
        for (paper, shown) in papers().iter().zip(shown["documents"].as_array().unwrap()) {
            assert_eq!(shown["sha256"], json!(paper.sha256));
            let path = format!("{DOCUMENTS}/{}", paper.sha256);
            let file = stage.get(&path, &ada).await.is(200);
            assert_eq!(file.body, paper.bytes);
            // Anything that a browser might run is served as bytes.
            let kind = if paper.name.ends_with("pdf") {
                "application/pdf"
            } else {
                "application/octet-stream"
            };
            assert_eq!(file.header("content-type"), kind);
            assert_eq!(file.header("x-content-type-options"), "nosniff");
        }
        let size = stage.size().await;
        let said = stage.post(DOCUMENTS, &ada, &receiving()).await.is(201);
        assert_eq!(said.json()["seq"], json!(size + 1));
        let event = &stage.board.events(size + 1, 1).await.unwrap()[0];
        assert_eq!(event.kind, EventType::DocumentsReceived);
        let again = stage.post(DOCUMENTS, &ada, &receiving()).await.is(200);
        assert_eq!(again.json(), said.json());
        assert_eq!(stage.size().await, size + 1);
        stage.post("/v1/orders", &ada, &bid).await.is(201);
    }
}

#[tokio::test]
async fn documents_are_acknowledged_all_at_once_and_only_where_the_security_is_open() {
    let stage = stage().await.housed(house()).await;
    let (ada, dana) = (stage.sign_in(ADA).await, stage.sign_in(DANA).await);
    let size = stage.size().await;
    let first = papers()[0].sha256;
    for hashes in [json!([]), json!([first]), json!([first, B256::ZERO])] {
        let sent = json!({ "sha256": hashes });
        let said = stage.post(DOCUMENTS, &ada, &sent).await;
        let problem = said.names(422, "OTHER_DOCUMENTS", &["/sha256"]);
        assert_eq!(problem["documents"].as_array().unwrap().len(), 2);
    }
    let bad = json!({ "sha256": ["0x12"] });
    let said = stage.post(DOCUMENTS, &ada, &bad).await;
    said.names(422, "BAD_INPUT", &["/sha256/0"]);
    let said = stage.post(DOCUMENTS, &dana, &receiving()).await;
    said.refuses(403, "NOT_ALLOWED");
    // A security that may not be seen counts as one that does not exist.
    let mut answers = Vec::new();
    for name in ["QUAY", "NONE"] {
        let path = format!("/v1/securities/{name}/documents");
        let file = format!("{path}/{first}");
        for said in [
            stage.get(&path, &ada).await,
            stage.get(&file, &ada).await,
            stage.post(&path, &ada, &receiving()).await,
        ] {
            let mut problem = said.refuses(404, "NOT_FOUND");
            problem["request_id"] = Value::Null;
            answers.push(problem);
        }
    }
    assert_eq!(answers[..3], answers[3..]);
    let unknown = format!("{DOCUMENTS}/{}", B256::ZERO);
    stage.get(&unknown, &ada).await.refuses(404, "NOT_FOUND");
    assert_eq!(stage.size().await, size);
    stage.get(DOCUMENTS, &dana).await.is(200);
}

#[tokio::test]
async fn a_house_without_terms_asks_for_none() {
    let stage = stage().await;
    let ada = stage.sign_in(ADA).await;
    stage.get("/v1/terms", &ada).await.refuses(404, "NO_TERMS");
    stage
        .get("/v1/terms/text", &nobody())
        .await
        .refuses(404, "NO_TERMS");
    let sent = accepting(&terms("2"));
    let said = stage.post("/v1/terms", &ada, &sent).await;
    said.refuses(404, "NO_TERMS");
    let none = stage.get(DOCUMENTS, &ada).await.is(200).json();
    assert_eq!(none["documents"], json!([]));
    let said = stage.post(DOCUMENTS, &ada, &receiving()).await;
    said.refuses(404, "NOT_FOUND");
    stage.posted(&ada, &order(ADA, Side::Bid, 1, 10)).await;
}
