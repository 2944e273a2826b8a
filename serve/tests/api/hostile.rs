//! Hostile requests: script in every text, edited cursors, signatures that were seen before.

use alloy::primitives::{B256, Bytes};
use book::log::act::{Act, Told, of_match};
use book::market::order::Side;
use serde_json::{Value, json};
use serve::openapi::document;
use serve::route::{ROUTES, Verb};
use uuid::Uuid;

use super::stage::*;

const SCRIPT: &str = "<script>alert(1)</script>\"><img src=x onerror=alert(2)>{{7*7}}";

/// The schema that a reference points to.
fn followed<'a>(all: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(path) => &all["components"]["schemas"][path.rsplit('/').next().unwrap()],
        None => schema,
    }
}

/// A value that fits a schema, with script wherever text is allowed.
fn scripted(all: &Value, schema: &Value) -> Value {
    let schema = followed(all, schema);
    if let Some(choices) = schema["enum"].as_array() {
        return choices[0].clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds[0].clone(),
        kind => kind.clone(),
    };
    match kind.as_str() {
        Some("object") => {
            let members = schema["properties"].as_object();
            let members = members.into_iter().flatten();
            let members = members.map(|(name, schema)| (name.clone(), scripted(all, schema)));
            Value::Object(members.collect())
        }
        Some("array") => json!([scripted(all, &schema["items"])]),
        Some("integer") => json!(1),
        Some("boolean") => json!(true),
        _ => json!(SCRIPT),
    }
}

/// What every answer to script must be: not a page, and nothing that a browser would take for one.
fn harmless(said: &Said, name: &str) {
    assert!(said.status < 500, "{name}: {said:?}");
    let kind = said.header("content-type");
    let kinds = [
        "application/json",
        "application/problem+json",
        "text/csv",
        "text/event-stream",
        "text/plain",
    ];
    if kind.starts_with("text/html") {
        let text = String::from_utf8_lossy(&said.body);
        assert!(
            !text.contains("<script>alert") && !text.contains("<img src=x"),
            "{name}: {text}"
        );
    } else {
        assert!(
            said.body.is_empty() || kinds.iter().any(|known| kind.starts_with(known)),
            "{name}: {kind}"
        );
    }
    assert_eq!(said.header("x-content-type-options"), "nosniff", "{name}");
    assert!(
        said.header("content-security-policy")
            .starts_with("default-src 'none'"),
        "{name}"
    );
}

#[tokio::test]
async fn script_in_every_text_of_every_route_is_an_error_or_a_text() {
    let stage = stage().await;
    let all = document();
    let escaped = "%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    let people = [
        nobody(),
        stage.sign_in(ADA).await,
        stage.sign_in(DANA).await,
    ];
    let more = [
        stage.sign_in(RUTH).await,
        stage.sign_in(ALMA).await,
        stage.sign_in(REX).await,
    ];
    let people: Vec<Pass> = people.into_iter().chain(more).collect();
    // Signing out would end the examination, and a stream has no end.
    let left_out = [(Verb::Delete, "/v1/session"), (Verb::Get, "/v1/stream")];
    for route in ROUTES {
        if left_out.contains(&(route.verb, route.path)) {
            continue;
        }
        let name = format!("{} {}", route.verb.as_str(), route.path);
        let mut path = String::new();
        for (number, part) in route.path.split(['{', '}']).enumerate() {
            path.push_str(if number % 2 == 0 { part } else { escaped });
        }
        for pass in &people {
            let said = match route.verb {
                Verb::Get => {
                    let query =
                        format!("{path}?{escaped}={escaped}&security={escaped}&cursor={escaped}");
                    harmless(&stage.get(&query, pass).await, &name);
                    stage.get(&path, pass).await
                }
                Verb::Delete => stage.delete(&path, pass).await,
                Verb::Post => {
                    let verb = route.verb.as_str().to_lowercase();
                    let body = &all["paths"][route.path][verb]["requestBody"];
                    let schema = &body["content"]["application/json"]["schema"];
                    stage.post(&path, pass, &scripted(&all, schema)).await
                }
            };
            harmless(&said, &name);
        }
    }
}

/// Where text from a client is kept, it comes back as the same text in JSON, and the book stores it as data.
#[tokio::test]
async fn script_that_is_taken_stays_a_text() {
    for stage in stages().await {
        let ada = stage.sign_in(ADA).await;
        let key = |name: &str| json!({ "name": name, "scopes": ["read"], "expires_at": "2027-01-16T08:00:00Z" });
        // Longer than a name can be.
        let said = stage.post("/v1/keys", &ada, &key(&SCRIPT.repeat(2))).await;
        said.names(422, "BAD_INPUT", &["/name"]);
        stage.post("/v1/keys", &ada, &key(SCRIPT)).await.is(201);
        let said = stage.get("/v1/keys", &ada).await.is(200);
        assert_eq!(said.header("content-type"), "application/json");
        assert_eq!(said.json()["keys"][0]["name"], SCRIPT);

        let (pair, dana) = (crossing(&stage).await, stage.sign_in(DANA).await);
        let id = Uuid::now_v7();
        let sent = proposal(&stage, id, pair, SCRIPT);
        stage.post("/v1/matches", &dana, &sent).await.is(201);
        let events = stage.board.events_about(&id.to_string()).await.unwrap();
        assert_eq!(events[0].reason, SCRIPT);
        let said = stage.get("/v1/matches", &dana).await.is(200);
        assert_eq!(said.header("content-type"), "application/json");
    }
}

const TOTAL: u128 = 1_040 * DOLLAR;

/// A bid by Ada and an ask by Ben that cross.
async fn crossing(stage: &Stage) -> (B256, B256) {
    let (ada, ben) = (stage.sign_in(ADA).await, stage.sign_in(BEN).await);
    let bid = stage.posted(&ada, &order(ADA, Side::Bid, 100, 1_050)).await;
    (
        bid,
        stage.posted(&ben, &order(BEN, Side::Ask, 100, 1_030)).await,
    )
}

fn told(act: Act, id: Uuid, (bid, ask): (B256, B256), reason: &str) -> Told<'_> {
    Told {
        act,
        subject: of_match(id),
        bid,
        ask,
        total: TOTAL,
        reason,
    }
}

fn proposal(stage: &Stage, id: Uuid, pair: (B256, B256), why: &str) -> Value {
    let signature: Bytes = stage
        .sign(DANA, &told(Act::Propose, id, pair, why))
        .signature;
    json!({
        "id": id, "bid": pair.0, "ask": pair.1, "rationale": why, "passed_over": [],
        "signature": signature, "time": stage.now(),
    })
}

fn decision(stage: &Stage, signer: u8, act: Act, id: Uuid, pair: (B256, B256)) -> Value {
    let signature: Bytes = stage.sign(signer, &told(act, id, pair, "")).signature;
    json!({ "signature": signature, "time": stage.now() })
}

/// A signature is good once, for one act on one match: seen again it does nothing, whoever sends it and under whatever
/// key.
#[tokio::test]
async fn a_signature_that_was_seen_before_does_nothing_again() {
    for stage in stages().await {
        let pair = crossing(&stage).await;
        let (dana, ruth) = (stage.sign_in(DANA).await, stage.sign_in(RUTH).await);
        let why = "the only pair of this size";
        let first = Uuid::now_v7();
        let proposed = proposal(&stage, first, pair, why);
        stage.post("/v1/matches", &dana, &proposed).await.is(201);
        let approval = decision(&stage, RUTH, Act::Approve, first, pair);
        let path = |id: Uuid, act: &str| format!("/v1/matches/{id}/{act}");
        stage
            .post(&path(first, "approve"), &ruth, &approval)
            .await
            .is(200);
        let refusal = decision(&stage, RUTH, Act::Refuse, first, pair);
        stage
            .post(&path(first, "refuse"), &ruth, &refusal)
            .await
            .is(200);
        let size = stage.size().await;

        // The proposal again: it returns what was done, and the match stays refused.
        stage.post("/v1/matches", &dana, &proposed).await.is(200);
        let said = stage
            .get(&format!("/v1/matches/{first}"), &dana)
            .await
            .json();
        assert_eq!(said["state"], "REFUSED");
        let said = stage.post(&path(first, "approve"), &ruth, &approval).await;
        assert_eq!(said.refuses(409, "BOARD_REFUSED")["state"], "REFUSED");
        assert_eq!(stage.size().await, size);

        // The same two orders in another match: neither signature is good for it.
        let second = Uuid::now_v7();
        let mut moved = proposed.clone();
        moved["id"] = json!(second);
        let said = stage.post("/v1/matches", &dana, &moved).await;
        said.names(422, "NOT_ALLOWED", &["/signature"]);
        let fresh = proposal(&stage, second, pair, why);
        stage.post("/v1/matches", &dana, &fresh).await.is(201);
        let size = stage.size().await;
        for (act, seen) in [
            ("approve", &approval),
            ("refuse", &refusal),
            ("refuse", &approval),
        ] {
            let said = stage.post(&path(second, act), &ruth, seen).await;
            said.names(422, "NOT_ALLOWED", &["/signature"]);
        }
        // Sent by somebody other than the signer.
        let good = decision(&stage, RUTH, Act::Refuse, second, pair);
        let said = stage.post(&path(second, "refuse"), &dana, &good).await;
        said.names(422, "NOT_ALLOWED", &["/signature"]);
        assert_eq!(stage.size().await, size);
    }
}

/// Every list that has pages: a cursor that was edited, or that belongs to another list or another query, is refused.
#[tokio::test]
async fn a_cursor_is_good_for_the_list_that_gave_it_and_as_it_was_given() {
    let stage = stage().await;
    let (ada, dana) = (stage.sign_in(ADA).await, stage.sign_in(DANA).await);
    for dollars in [900, 901, 902] {
        stage
            .posted(&ada, &order(ADA, Side::Bid, 100, dollars))
            .await;
    }
    let lots = "/v1/securities/HRBR/lots?side=bid";
    let given = |path: String| {
        let (stage, dana) = (&stage, &dana);
        async move {
            let said = stage.get(&path, dana).await.is(200).json();
            said["cursor"].as_str().unwrap().to_owned()
        }
    };
    let orders = given("/v1/orders?limit=1".into()).await;
    let of_lots = given(format!("{lots}&limit=1")).await;
    let refused = |path: String, pass: Pass| {
        let stage = &stage;
        async move {
            let said = stage.get(&path, &pass).await;
            said.names(400, "BAD_INPUT", &["cursor"]);
        }
    };
    stage
        .get(&format!("/v1/orders?limit=1&cursor={orders}"), &dana)
        .await
        .is(200);
    refused(format!("/v1/orders?side=bid&cursor={orders}"), dana.clone()).await;
    refused(format!("/v1/orders?cursor={orders}"), ada.clone()).await;
    refused(format!("/v1/matches?cursor={orders}"), dana.clone()).await;
    refused(format!("{lots}&cursor={orders}"), dana.clone()).await;
    refused(
        format!("/v1/securities/HRBR/lots?side=ask&cursor={of_lots}"),
        dana.clone(),
    )
    .await;
    for at in 0..orders.len() {
        let mut edited = orders.clone().into_bytes();
        edited[at] = if edited[at] == b'A' { b'B' } else { b'A' };
        let edited = String::from_utf8(edited).unwrap();
        // The last digit has unused bits.
        if at + 1 < orders.len() {
            refused(format!("/v1/orders?cursor={edited}"), dana.clone()).await;
        }
    }
    for cursor in [
        "",
        "0",
        "18446744073709551615",
        "%27+OR+1%3D1",
        &orders[1..],
    ] {
        refused(format!("/v1/orders?cursor={cursor}"), dana.clone()).await;
    }
}
