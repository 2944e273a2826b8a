//! The API as an `OpenAPI` 3.1 document, made from the table of routes. The result is `docs/openapi.json`, which a test
//! compares.

use book::board::outbox::Topic;
use book::log::staff::Role;
use serde_json::{Map, Value, json};

mod job;
mod trade;

use crate::route::{ROUTES, Route, Verb, Who};

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn hash() -> Value {
    json!({ "type": "string", "pattern": "^0x[0-9a-fA-F]{64}$" })
}

fn address() -> Value {
    json!({ "type": "string", "pattern": "^0x[0-9a-fA-F]{40}$" })
}

fn bytes() -> Value {
    json!({ "type": "string", "pattern": "^0x([0-9a-fA-F]{2})*$" })
}

fn amount(of: &str) -> Value {
    json!({ "type": "string", "pattern": "^(0|[1-9][0-9]*)$", "description": format!("base units of {of}") })
}

fn instant() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn uuid() -> Value {
    json!({ "type": "string", "format": "uuid" })
}

fn number() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn maybe(mut schema: Value) -> Value {
    if let Some(kind) = schema.get("type").cloned() {
        schema["type"] = json!([kind, "null"]);
    }
    schema
}

fn list(of: &Value) -> Value {
    json!({ "type": "array", "items": of })
}

fn named(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// An object with these members and no others; names of optional members begin with a question mark.
fn object(members: Value) -> Value {
    let Value::Object(members) = members else {
        return members;
    };
    let mut required = Vec::new();
    let mut properties = Map::new();
    for (name, schema) in members {
        if let Some(name) = name.strip_prefix('?') {
            properties.insert(name.to_owned(), schema);
        } else {
            required.push(name.clone());
            properties.insert(name, schema);
        }
    }
    required.sort();
    json!({ "type": "object", "required": required, "properties": properties, "additionalProperties": false })
}

/// An order as its owner signs it.
fn signed_order() -> Value {
    object(json!({
        "chain_id": number(),
        "contract": address(),
        "owner": address(),
        "side": { "enum": ["bid", "ask"] },
        "security": address(),
        "payment": address(),
        "quantity": amount("the security"),
        "limit_total": amount("the coin for the whole quantity"),
        "expiry": instant(),
        "epoch": number(),
        "?counterparty": address(),
        "board_ref": hash(),
    }))
}

/// The schemas that several routes share.
fn schemas() -> Value {
    let decision = object(json!({
        "?reason": text("the reason; its SHA-256 is signed"), "signature": bytes(), "time": instant(),
    }));
    let level = object(json!({
        "price": text("dollars per whole token"),
        "quantity": maybe(amount("the security")),
        "depth": maybe(amount("the security, at this price and all better ones")),
    }));
    let mut all = json!({
        "SignedOrder": signed_order(),
        "Posting": object(json!({
            "order": named("SignedOrder"),
            "signature": bytes(),
            "?price": text("dollars per whole token; must come to exactly the signed total"),
            "?answers": text("a reference to the lot that it answers"),
        })),
        "Posted": object(json!({
            "id": hash(), "seq": number(), "state": { "const": "OPEN" }, "symbol": text("the security's symbol"),
            "price": text("dollars per whole token"), "received_at": instant(), "captured_at": instant(),
            "?replaces": hash(),
        })),
        "Order": object(json!({
            "id": hash(), "order": named("SignedOrder"), "signature": bytes(), "symbol": text("the security's symbol"),
            "isin": text("the security's ISIN"), "decimals": number(), "price": text("dollars per whole token"),
            "account": text("at the broker-dealer"), "capacity": { "enum": ["agency", "principal", "riskless_principal"] },
            "solicited": { "type": "boolean" }, "taken_by": text("who took it"), "received_at": instant(),
            "captured_at": instant(), "state": { "enum": ["OPEN", "FILLED", "CANCELLED"] },
            "expired": { "type": "boolean" }, "seq": number(), "closed_seq": maybe(number()), "?replaced_by": maybe(hash()),
            "?needs": maybe(list(&trade::need())), "?void": trade::voidness(json!({})),
            "?answers": { "type": "string", "description": "the order whose lot it answers, for the desk" },
        })),
        "Level": level,
        "Match": object(json!({
            "id": uuid(), "bid": hash(), "ask": hash(), "total": amount("the coin"),
            "state": { "enum": ["PROPOSED", "APPROVED", "COMMITTED", "REFUSED", "SUBMITTED", "UNKNOWN", "FAILED", "SETTLED"] },
            "proposed_by": text("a person"), "approved_by": maybe(text("a person")), "transaction": maybe(hash()),
            "seq": number(), "changed_seq": number(), "?commit": trade::commit(),
            "?until": { "type": "string", "format": "date-time", "description": "the end of its commitment" },
            "?fill": named("Fill"),
        })),
        "Fill": job::fill(),
        "Proposal": object(json!({
            "id": uuid(), "bid": hash(), "ask": hash(),
            "rationale": { "type": "string", "minLength": 10, "maxLength": 500 },
            "?passed_over": list(&hash()), "signature": bytes(), "time": instant(),
        })),
        "Decision": decision,
        "Job": job::job(),
        "Reason": object(json!({
            "code": text("stable"), "failure": number(), "restriction": maybe(number()), "detail": text("words"),
            "hint": text("the remedy"),
        })),
        "ApiKey": object(json!({
            "id": uuid(), "wallet": address(), "made_by": address(), "name": text("chosen by its maker"),
            "scopes": list(&json!({ "enum": ["read", "orders", "desk"] })), "made_at": instant(), "expires_at": instant(),
            "?key": text("the key itself, only in the first answer"),
        })),
        "Problem": problem(),
    });
    for more in [trade::schemas(), told_schemas()] {
        if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
            all.extend(more);
        }
    }
    all
}

/// Schemas of people, webhooks and what the staff looked at.
fn told_schemas() -> Value {
    json!({
        "StaffChange": staff_change(),
        "Person": object(json!({
            "person": text("the name"), "crd": maybe(number()), "roles": list(&role()), "suspended_by": maybe(number()),
            "wallets": list(&object(json!({ "wallet": address(), "ended_by": maybe(number()) }))),
        })),
        "Webhook": object(json!({
            "id": uuid(), "url": text("where messages are sent"), "types": list(&topic()), "made_by": address(),
            "made_at": instant(), "ended_at": maybe(instant()), "told_seq": number(),
            "?secret": text("the signing key, only in the first answer"),
        })),
        "Delivery": object(json!({
            "message": text("its webhook-id"), "type": topic(), "seq": number(), "ids": { "type": "object" },
            "state": { "enum": ["delivered", "waiting", "given_up"] }, "tries": number(), "tried_at": instant(),
            "next_at": maybe(instant()), "said": text("the result of the last try"),
        })),
        "Access": object(json!({
            "row": number(), "person": text("who looked"), "route": text("at what"), "customers": list(&address()),
            "seen_at": instant(),
        })),
    })
}

fn role() -> Value {
    json!({ "enum": Role::ALL.map(Role::as_str) })
}

fn topic() -> Value {
    json!({ "enum": Topic::ALL.map(Topic::as_str) })
}

/// A change of the staff: `what` decides which of the other members are expected.
fn staff_change() -> Value {
    object(json!({
        "what": { "enum": [
            "added", "role_granted", "role_ended", "wallet_added", "wallet_ended", "suspended", "restored",
        ] },
        "person": text("1 to 64 characters"),
        "?crd": number(),
        "?roles": list(&role()),
        "?role": role(),
        "?wallet": address(),
    }))
}

/// RFC 9457 with this platform's members; a program may find more.
fn problem() -> Value {
    let bad = json!({ "pointer": text("a JSON pointer, or a parameter's or header's name"),
        "code": text("for programs"), "detail": text("words") });
    json!({
        "type": "object",
        "required": ["type", "title", "status", "detail", "code", "request_id"],
        "properties": {
            "type": text("the kind of problem"), "title": text("the status"), "status": number(), "detail": text("words"),
            "code": text("for programs"), "hint": text("what to do"), "request_id": uuid(), "errors": list(&object(bad)),
        },
    })
}

/// What a POST takes.
fn taken(route: &Route) -> Option<Value> {
    if route.verb != Verb::Post {
        return None;
    }
    if let Some(taken) = trade::taken(route) {
        return Some(taken);
    }
    Some(match route.path {
        "/v1/session/challenge" => object(json!({ "address": address() })),
        "/v1/session" => {
            object(json!({ "nonce": text("the nonce of the signed text"), "signature": bytes() }))
        }
        "/v1/keys" => object(json!({
            "name": text("1 to 64 characters"), "scopes": list(&json!({ "enum": ["read", "orders", "desk"] })),
            "expires_at": instant(), "?wallet": address(),
        })),
        "/v1/orders" | "/v1/orders/{order}/replace" => named("Posting"),
        "/v1/staff" => object(json!({
            "change": named("StaffChange"), "id": uuid(), "?reason": text("the reason; its SHA-256 is signed"),
            "signature": bytes(), "time": instant(),
            "?second": object(json!({ "wallet": address(), "signature": bytes(), "time": instant() })),
        })),
        "/v1/webhooks" => object(json!({
            "url": text("https, port 443"),
            "types": { "type": "array", "items": topic(), "minItems": 1 },
        })),
        "/v1/matches" => named("Proposal"),
        "/v1/matches/{match}/settle" => object(json!({})),
        "/v1/matches/{match}/approve" | "/v1/matches/{match}/refuse" => named("Decision"),
        _ => return None,
    })
}

/// The status of a success and the schema of its body; nothing for 204.
fn given(route: &Route) -> (&'static str, Option<Value>) {
    if let Some((status, answer)) = trade::given(route) {
        return (status, Some(answer));
    }
    let cursor = || maybe(text("for the next page"));
    let answer = match (route.verb, route.path) {
        (Verb::Delete, "/v1/orders/{order}") => named("TakenOff"),
        (Verb::Delete, _) => return ("204", None),
        (Verb::Post, "/v1/session/challenge") => object(json!({
            "message": text("what the wallet signs"), "nonce": text("to send back"), "expires_at": instant(),
        })),
        (Verb::Post, "/v1/session") => {
            object(json!({ "wallet": address(), "expires_at": instant() }))
        }
        (Verb::Get, "/v1/session") => object(json!({
            "wallet": address(), "person": maybe(text("a person on the staff")), "roles": list(&text("a role")),
        })),
        (Verb::Post, "/v1/keys") => named("ApiKey"),
        (Verb::Get, "/v1/keys") => object(json!({ "keys": list(&named("ApiKey")) })),
        (Verb::Get, "/v1/staff") => object(json!({
            "staff": list(&named("Person")), "signing_demanded_by": maybe(number()),
        })),
        (Verb::Post, "/v1/staff") => object(json!({
            "seq": number(), "person": text("whom it is about"), "signed_by": text("a person"),
            "change": named("StaffChange"),
        })),
        (Verb::Post, "/v1/webhooks") => named("Webhook"),
        (Verb::Get, "/v1/webhooks") => object(json!({ "webhooks": list(&named("Webhook")) })),
        (_, "/v1/webhooks/{webhook}/deliveries") => object(json!({
            "deliveries": list(&named("Delivery")), "cursor": cursor(),
        })),
        (_, "/v1/reports/access") => object(json!({
            "accesses": list(&named("Access")), "cursor": cursor(),
        })),
        (_, "/v1/securities") => object(json!({
            "securities": list(&named("Security")), "age_seconds": maybe(number()), "coin": trade::balance(),
            "commission": object(json!({ "bips": number() })),
        })),
        (_, "/v1/securities/{security}/book") => object(json!({
            "symbol": text("ticker"), "token": address(), "as_of": instant(), "seq": number(),
            "bids": list(&named("Level")), "asks": list(&named("Level")), "truncated": { "type": "boolean" },
        })),
        (_, "/v1/securities/{security}/lots") => object(json!({
            "symbol": text("ticker"), "token": address(), "side": { "enum": ["bid", "ask"] }, "seq": number(),
            "lots": list(&named("Lot")), "levels": list(&named("Level")), "cursor": cursor(),
        })),
        (_, "/v1/securities/{security}/draft") => object(json!({
            "id": hash(), "symbol": text("the security's symbol"), "price": text("dollars per whole token"),
            "order": named("SignedOrder"),
        })),
        (Verb::Get, "/v1/orders") => object(json!({
            "seq": number(), "orders": list(&named("Order")), "cursor": cursor(),
        })),
        (Verb::Get, "/v1/orders/{order}") => named("Order"),
        (Verb::Post, "/v1/orders" | "/v1/orders/{order}/replace") => named("Posted"),
        (Verb::Get, "/v1/matches") => object(json!({
            "seq": number(), "matches": list(&named("Match")), "cursor": cursor(),
        })),
        (_, "/v1/matches/{match}/preflight") => object(json!({
            "match": uuid(), "would_settle": { "type": "boolean" }, "reasons": list(&named("Reason")),
        })),
        (_, "/v1/matches/{match}/settle") => return ("202", Some(named("Job"))),
        (_, "/v1/jobs/{job}") => named("Job"),
        (_, path) if path.starts_with("/v1/matches") => named("Match"),
        // Documents of their own: docs/api.md describes them.
        _ => json!({ "type": "object" }),
    };
    let made = route.verb == Verb::Post
        && !route.path.ends_with("/approve")
        && !route.path.ends_with("/refuse");
    (if made { "201" } else { "200" }, Some(answer))
}

/// The parameters of a route's query.
fn asked(route: &Route) -> Vec<(&'static str, bool, Value)> {
    let page = || {
        vec![
            (
                "limit",
                false,
                json!({ "type": "integer", "minimum": 1, "maximum": 200, "default": 50 }),
            ),
            ("cursor", false, text("from the page before")),
        ]
    };
    let side = |required| ("side", required, json!({ "enum": ["bid", "ask"] }));
    let wait = ("min_seq", false, number());
    let mut all = match (route.verb, route.path) {
        (Verb::Get, "/v1/orders") => {
            let state = json!({ "enum": ["open", "filled", "cancelled"] });
            [
                page(),
                vec![
                    ("state", false, state),
                    side(false),
                    ("security", false, text("symbol, ISIN or token")),
                ],
            ]
            .concat()
        }
        (Verb::Get, "/v1/matches") => {
            [page(), vec![("state", false, text("a match's state"))]].concat()
        }
        (_, "/v1/securities/{security}/lots") => [page(), vec![side(true)]].concat(),
        (_, "/v1/securities/{security}/draft") => vec![
            side(true),
            ("quantity", true, amount("the security")),
            ("price", true, text("dollars per whole token")),
            ("expires_at", true, instant()),
            ("counterparty", false, address()),
        ],
        (_, "/v1/webhooks/{webhook}/deliveries") => page(),
        (_, "/v1/reports/access") => {
            let format = json!({ "enum": ["json", "csv"], "default": "json" });
            [page(), vec![("format", false, format)]].concat()
        }
        (_, "/v1/stream") => vec![("security", false, list(&text("symbol, ISIN or token")))],
        _ => trade::asked(route),
    };
    let waits = ["/v1/securities", "/v1/orders", "/v1/matches", "/v1/jobs"];
    let alone = route.path.ends_with("/preflight") || route.path.ends_with("/draft");
    if route.verb == Verb::Get && !alone && waits.iter().any(|start| route.path.starts_with(start))
    {
        all.push(wait);
    }
    all
}

fn operation(route: &Route) -> Value {
    let places = route
        .path
        .split('{')
        .skip(1)
        .filter_map(|part| part.split('}').next());
    let mut parameters: Vec<Value> = places
        .map(|name| {
            let name = name.trim_start_matches('*');
            json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
        })
        .collect();
    for (name, required, schema) in asked(route) {
        parameters
            .push(json!({ "name": name, "in": "query", "required": required, "schema": schema }));
    }
    if route.keyed {
        let schema = json!({ "type": "string", "minLength": 1, "maxLength": 255 });
        parameters.push(json!({ "name": "Idempotency-Key", "in": "header", "required": true, "schema": schema }));
    }
    if route.path == "/v1/stream" {
        let schema = text("the last event that was read; the stream continues after it");
        parameters.push(
            json!({ "name": "Last-Event-ID", "in": "header", "required": false, "schema": schema }),
        );
    }
    let (status, answer) = given(route);
    let kind = match route.path {
        "/log/checkpoint" => "text/plain",
        "/log/tile/{*tile}" => "application/octet-stream",
        "/v1/stream" => "text/event-stream",
        _ => trade::kind(route).unwrap_or("application/json"),
    };
    let mut success = json!({ "description": "done" });
    if let Some(schema) = answer {
        let plain = kind != "application/json";
        success["content"] = json!({ kind: { "schema": if plain { json!({}) } else { schema } } });
    }
    if route.path == "/v1/reports/access" || trade::is_table(route) {
        success["content"]["text/csv"] = json!({ "schema": {} });
    }
    let mut responses = Map::new();
    if route.keyed
        && !["/v1/keys", "/v1/webhooks"].contains(&route.path)
        && ["201", "202"].contains(&status)
    {
        let mut again = success.clone();
        again["description"] = "already done".into();
        responses.insert("200".into(), again);
    }
    responses.insert(status.into(), success);
    responses.insert(
        "default".into(),
        json!({
            "description": "refused or failed",
            "content": { "application/problem+json": { "schema": named("Problem") } },
        }),
    );
    let mut operation =
        json!({ "summary": route.rule, "parameters": parameters, "responses": responses });
    if let Some(schema) = taken(route) {
        let content = json!({ "application/json": { "schema": schema } });
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    operation["security"] = match (route.who, route.scope) {
        (Who::Anybody, _) => json!([]),
        (_, Some(_)) => json!([{ "session": [] }, { "key": [] }]),
        (_, None) => json!([{ "session": [] }]),
    };
    operation
}

/// The document.
pub fn document() -> Value {
    let mut paths = Map::new();
    for route in ROUTES.iter().filter(|route| !route.page) {
        let path = route.path.replace("{*", "{");
        let entry = paths.entry(path).or_insert_with(|| json!({}));
        entry[route.verb.as_str().to_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "orderbook serve",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "docs/api.md explains how a client signs in and what the answers mean",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "session": { "type": "apiKey", "in": "cookie", "name": "__Host-session" },
                "key": { "type": "http", "scheme": "bearer" },
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `UPDATE_SNAPSHOTS=1` rewrites it.
    #[test]
    fn the_committed_document_is_what_the_table_makes() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
        let made = document();
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            return std::fs::write(path, format!("{made:#}\n")).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        let committed: Value = serde_json::from_str(&committed).unwrap_or_default();
        assert!(
            committed == made,
            "docs/openapi.json differs: UPDATE_SNAPSHOTS=1 rewrites it"
        );
    }

    #[test]
    fn every_post_says_what_it_takes_and_every_reference_leads_somewhere() {
        for route in ROUTES {
            assert_eq!(
                taken(route).is_some(),
                route.verb == Verb::Post,
                "{}",
                route.path
            );
        }
        let all = document();
        let text = all.to_string();
        for part in text.split("#/components/schemas/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(!all["components"]["schemas"][name].is_null(), "{name}");
        }
    }
}
