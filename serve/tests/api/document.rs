//! The `OpenAPI` document compared with the answers.

use alloy::primitives::Bytes;
use book::log::act::{Act, Told, of_match};
use book::market::order::Side;
use serde_json::{Value, json};
use serve::openapi::document;
use uuid::Uuid;

use super::stage::*;

/// Compares a value with a schema: members, their types, lists, constants. Anything it does not know fails.
fn check(all: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        return check(all, &all["components"]["schemas"][name], value, at);
    }
    if let Some(choices) = schema["enum"].as_array() {
        return assert!(
            choices.contains(value),
            "{at}: {value} is none of {choices:?}"
        );
    }
    if !schema["const"].is_null() {
        return assert_eq!(&schema["const"], value, "{at}");
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().map(|kind| kind.as_str().unwrap()).collect(),
        other => panic!("{at}: {other}"),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(kinds.contains(&kind), "{at}: {value} is no {kinds:?}");
    if let Value::Array(items) = value {
        for (number, item) in items.iter().enumerate() {
            check(all, &schema["items"], item, &format!("{at}/{number}"));
        }
    }
    let (Value::Object(members), Value::Object(properties)) = (value, &schema["properties"]) else {
        return;
    };
    for name in schema["required"].as_array().unwrap() {
        assert!(
            members.contains_key(name.as_str().unwrap()),
            "{at}: {name} is missing in {value}"
        );
    }
    for (name, member) in members {
        let known = properties.get(name);
        let known = known.unwrap_or_else(|| panic!("{at}: {name} is not in the document: {value}"));
        check(all, known, member, &format!("{at}/{name}"));
    }
}

/// Compares an answer with the document's for a route.
pub(crate) fn answers(said: &Said, method: &str, path: &str) -> Value {
    holds(&said.json(), method, path, said.status);
    said.json()
}

/// Compares the body of an answer with the document's for a route and a status.
pub(crate) fn holds(said: &Value, method: &str, path: &str, status: u16) {
    let all = document();
    let responses = &all["paths"][path][method]["responses"];
    let schema = &responses[status.to_string()]["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{method} {path}: {status}");
    check(&all, schema, said, path);
}

#[tokio::test]
async fn what_is_answered_is_what_the_document_says() {
    let stage = stage().await;
    let asked = json!({ "address": address(ADA) });
    let said = stage.post("/v1/session/challenge", &nobody(), &asked).await;
    answers(&said, "post", "/v1/session/challenge");
    let (ada, ben, dana) = (
        stage.sign_in(ADA).await,
        stage.sign_in(BEN).await,
        stage.sign_in(DANA).await,
    );
    answers(&stage.get("/v1/session", &dana).await, "get", "/v1/session");
    let asked = json!({ "name": "a", "scopes": ["read"], "expires_at": "2027-01-16T08:00:00Z" });
    answers(
        &stage.post("/v1/keys", &ada, &asked).await,
        "post",
        "/v1/keys",
    );
    answers(&stage.get("/v1/keys", &ada).await, "get", "/v1/keys");
    let bid = body(&order(ADA, Side::Bid, 100, 1_050));
    let posted = answers(
        &stage.post("/v1/orders", &ada, &bid).await,
        "post",
        "/v1/orders",
    );
    answers(
        &stage.post("/v1/orders", &ada, &bid).await.is(200),
        "post",
        "/v1/orders",
    );
    let ask = stage.posted(&ben, &order(BEN, Side::Ask, 100, 1_030)).await;
    let id = posted["id"].as_str().unwrap();
    answers(
        &stage.get(&format!("/v1/orders/{id}"), &ada).await,
        "get",
        "/v1/orders/{order}",
    );
    answers(&stage.get("/v1/orders", &dana).await, "get", "/v1/orders");
    for pass in [&ada, &ben, &dana] {
        answers(
            &stage.get("/v1/securities", pass).await,
            "get",
            "/v1/securities",
        );
        let path = "/v1/securities/HRBR";
        answers(
            &stage.get(&format!("{path}/book"), pass).await,
            "get",
            "/v1/securities/{security}/book",
        );
        let lots = format!("{path}/lots?side=ask");
        answers(
            &stage.get(&lots, pass).await,
            "get",
            "/v1/securities/{security}/lots",
        );
    }
    let (number, why) = (Uuid::now_v7(), "the only pair of this size");
    let told = Told {
        act: Act::Propose,
        subject: of_match(number),
        bid: id.parse().unwrap(),
        ask,
        total: 1_040 * DOLLAR,
        reason: why,
    };
    let signature: Bytes = stage.sign(DANA, &told).signature;
    let proposal = json!({ "id": number, "bid": id, "ask": ask, "rationale": why, "signature": signature, "time": stage.now() });
    answers(
        &stage.post("/v1/matches", &dana, &proposal).await,
        "post",
        "/v1/matches",
    );
    answers(&stage.get("/v1/matches", &dana).await, "get", "/v1/matches");
    let path = format!("/v1/matches/{number}");
    answers(&stage.get(&path, &dana).await, "get", "/v1/matches/{match}");
    answers(
        &stage.get(&format!("{path}/preflight"), &dana).await,
        "get",
        "/v1/matches/{match}/preflight",
    );
    // An order off the board ends the match with it.
    let said = stage.delete(&format!("/v1/orders/{id}"), &ada).await;
    answers(&said, "delete", "/v1/orders/{order}");
    let old = stage.posted(&ada, &order(ADA, Side::Bid, 10, 90)).await;
    let new = body(&order(ADA, Side::Bid, 10, 80));
    let said = stage
        .post(&format!("/v1/orders/{old}/replace"), &ada, &new)
        .await;
    answers(&said, "post", "/v1/orders/{order}/replace");
}

/// The members that an empty POST is reported to lack are those that a POST must have.
#[tokio::test]
async fn what_is_required_is_what_is_missed() {
    let stage = stage().await;
    let all = document();
    let (ada, dana) = (stage.sign_in(ADA).await, stage.sign_in(DANA).await);
    for (path, pass) in [
        ("/v1/session/challenge", &nobody()),
        ("/v1/session", &nobody()),
        ("/v1/orders", &ada),
        ("/v1/matches", &dana),
    ] {
        let body =
            &all["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"];
        let name = body["$ref"]
            .as_str()
            .map(|name| name.rsplit('/').next().unwrap());
        let schema = name.map_or(body, |name| &all["components"]["schemas"][name]);
        let mut wanted: Vec<String> = schema["required"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| format!("/{}", name.as_str().unwrap()))
            .collect();
        let problem = stage
            .post(path, pass, &json!({}))
            .await
            .refuses(422, "BAD_INPUT");
        let errors = problem["errors"].as_array().unwrap().iter();
        let mut found: Vec<String> = errors
            .map(|bad| bad["pointer"].as_str().unwrap().to_owned())
            .collect();
        wanted.sort();
        found.sort();
        assert_eq!(found, wanted, "{path}");
    }
}
