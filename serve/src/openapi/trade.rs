//! The schemas of what an investor sees of its own business, of what the desk does with it, and of what was traded.

use serde_json::{Value, json};

use super::{
    address, amount, bytes, hash, instant, list, maybe, named, number, object, text, uuid,
};
use crate::route::{Route, Verb};

/// A transaction for a wallet to send unchanged.
pub(super) fn transaction() -> Value {
    object(json!({
        "chain_id": number(), "to": address(), "value": { "const": "0" }, "data": bytes(),
        "call": text("the function's name"),
    }))
}

/// What an order lacks of one token.
pub(super) fn need() -> Value {
    let of = || amount("the token");
    object(json!({
        "token": address(), "symbol": text("the token's symbol"), "decimals": number(), "free": of(), "allowance": of(),
        "needed": of(), "missing_balance": of(), "missing_allowance": of(),
        "needed_together": of(), "missing_balance_together": of(), "missing_allowance_together": of(),
        "approve": maybe(transaction()),
    }))
}

/// What a wallet holds of a token.
pub(super) fn balance() -> Value {
    let of = || amount("the token");
    maybe(object(
        json!({ "free": of(), "encumbered": of(), "allowance": of() }),
    ))
}

/// The state of an order at the settlement contract, with further members.
pub(super) fn voidness(more: Value) -> Value {
    let mut members = json!({
        "void": { "type": "boolean", "description": "the contract has logged its cancel" },
        "transaction": maybe(hash()),
        "left": maybe(object(json!({
            "state": { "enum": ["waiting", "sent", "refused"] }, "said": text("why it was refused"), "at": instant(),
        }))),
    });
    if let (Value::Object(members), Value::Object(more)) = (&mut members, more) {
        members.extend(more);
    }
    object(members)
}

/// The commitment that an approved match waits for.
pub(super) fn commit() -> Value {
    object(json!({
        "required": { "type": "boolean" }, "until": instant(), "unregistered": list(&hash()), "transaction": transaction(),
    }))
}

fn typed_data() -> Value {
    json!({ "type": "object", "description": "EIP-712: what the owner signs" })
}

/// What makes an order void.
pub(super) fn make_void() -> Value {
    object(json!({
        "words": text("what must be done"), "contract": address(), "chain_id": number(), "call": text("the contract's function"),
        "order": named("SignedOrder"), "transaction": transaction(), "typed_data": typed_data(),
        "post_to": text("where the signature goes"),
    }))
}

/// A consent in the log.
fn consent() -> Value {
    maybe(object(json!({ "seq": number(), "at": instant() })))
}

/// The schemas by name.
pub(super) fn schemas() -> Value {
    let document = object(json!({ "name": text("the file's name"), "sha256": hash() }));
    json!({
        "TakenOff": object(json!({
            "id": hash(), "seq": number(), "state": { "const": "CANCELLED" }, "void": { "const": false },
            "make_void": make_void(),
        })),
        "Security": object(json!({
            "symbol": text("ticker"), "isin": text("ISIN"), "name": text("name"), "token": address(), "decimals": number(),
            "eligible": maybe(object(json!({ "block": number(), "until": instant() }))), "balance": balance(),
        })),
        "Lot": object(json!({
            "lot": text("an opaque reference"), "price": text("dollars per whole token"),
            "quantity": amount("the security"), "expires_at": instant(),
            "?own": { "type": "boolean", "description": "for investors" },
            "?order": { "type": "string", "description": "for its owner and the desk" },
        })),
        "Terms": object(json!({
            "version": text("the version of the terms"), "sha256": hash(), "name": text("the file's name"), "bytes": number(),
            "accepted": consent(),
        })),
        "Accepted": object(json!({
            "version": text("the version of the terms"), "sha256": hash(), "seq": number(), "accepted_at": instant(),
        })),
        "Documents": object(json!({
            "symbol": text("the security's symbol"), "token": address(),
            "documents": list(&object(json!({ "name": text("the file's name"), "sha256": hash(), "bytes": number() }))),
            "received": consent(),
        })),
        "Received": object(json!({
            "token": address(), "documents": list(&document), "seq": number(), "received_at": instant(),
        })),
        "Voidness": voidness(json!({ "id": hash(), "state": { "const": "CANCELLED" } })),
        "Permit": object(json!({
            "id": uuid(), "token": address(), "value": amount("the token"), "nonce": text("the owner's nonce at the token"),
            "deadline": instant(), "state": { "enum": ["waiting", "sent", "refused", "withdrawn"] },
            "said": text("why it was refused"), "transaction": maybe(hash()), "left_at": instant(),
        })),
        "Settlement": object(json!({
            "seq": number(), "settlement_id": text("the contract's running number"), "settled_at": instant(),
            "price": text("dollars per whole token, rounded down"), "quantity": amount("the security"),
            "total": amount("the coin"), "transaction": hash(), "block": number(),
        })),
        "Average": maybe(object(json!({
            "days": number(), "price": text("dollars per whole token, rounded down"), "trades": number(),
            "quantity": amount("the security"), "total": amount("the coin"),
        }))),
        "Suggestion": object(json!({
            "bid": named("Order"), "ask": named("Order"), "passed_over": list(&hash()), "bid_answers": maybe(hash()),
            "ask_answers": maybe(hash()), "answered": { "type": "boolean" },
        })),
        "Subscriber": object(json!({
            "investor": hash(), "name": text("the investor's name"), "wallet": address(),
            "accounts": list(&text("an account of the investor")),
            "terms": maybe(object(json!({
                "version": text("the version of the terms"), "sha256": hash(), "at": instant(), "seq": number(),
            }))),
        })),
        "HolderCount": object(json!({
            "of": { "enum": ["all", "of_record", "group", "class"] }, "groups": maybe(text("the groups that are counted")),
            "holders": number(), "limit": maybe(number()), "warning": maybe(number()),
        })),
        "Activity": object(json!({
            "symbol": text("ticker"), "isin": text("ISIN"), "bids_posted": number(), "asks_posted": number(),
            "taken_off": number(), "proposed": number(), "approved": number(), "refused": number(),
            "committed": number(), "released": number(), "trades": number(),
            "quantity": text("whole tokens"), "total_usd": text("dollars"),
        })),
    })
}

/// What a POST takes.
pub(super) fn taken(route: &Route) -> Option<Value> {
    Some(match route.path {
        "/v1/terms" => {
            object(json!({ "version": text("the version of the terms"), "sha256": hash() }))
        }
        "/v1/securities/{security}/documents" => object(json!({ "sha256": list(&hash()) })),
        "/v1/orders/{order}/void" => object(json!({ "signature": bytes() })),
        "/v1/permits" => object(json!({
            "token": address(), "value": amount("the token"), "deadline": instant(), "signature": bytes(),
        })),
        "/v1/matches/{match}/release" => {
            object(json!({ "reason": text("1 to 32 characters, recorded on chain") }))
        }
        _ => return None,
    })
}

/// The status of a success and the schema of its body.
pub(super) fn given(route: &Route) -> Option<(&'static str, Value)> {
    let cursor = || maybe(text("for the next page"));
    Some(match (route.verb, route.path) {
        (Verb::Get, "/v1/terms") => ("200", named("Terms")),
        (Verb::Post, "/v1/terms") => ("201", named("Accepted")),
        (Verb::Get, "/v1/securities/{security}/documents") => ("200", named("Documents")),
        (Verb::Post, "/v1/securities/{security}/documents") => ("201", named("Received")),
        (_, "/v1/securities/{security}/settlements") => {
            let answer = object(json!({
                "symbol": text("ticker"), "token": address(), "seq": number(), "settlements": list(&named("Settlement")),
                "average": named("Average"), "cursor": cursor(),
            }));
            ("200", answer)
        }
        (Verb::Post, "/v1/orders/{order}/void") => ("202", named("Voidness")),
        (Verb::Post, "/v1/permits") => ("201", named("Permit")),
        (Verb::Get, "/v1/permits") => ("200", object(json!({ "permits": list(&named("Permit")) }))),
        (Verb::Get, "/v1/permits/draft") => {
            let answer = object(json!({
                "token": address(), "spender": address(), "value": amount("the token"),
                "nonce": text("the owner's nonce at the token"), "deadline": instant(), "typed_data": typed_data(),
            }));
            ("200", answer)
        }
        (Verb::Post, "/v1/matches/{match}/release") => {
            let answer = object(json!({
                "match": uuid(), "state": text("the match's state"), "until": instant(), "transaction": transaction(),
            }));
            ("200", answer)
        }
        (_, "/v1/acts/draft") => {
            let answer = object(json!({
                "id": hash(), "chain_id": number(), "contract": address(), "act": { "enum": ["propose", "approve", "refuse"] },
                "subject": hash(), "bid": hash(), "ask": hash(), "total": amount("the coin"), "reason": hash(),
                "time": instant(),
            }));
            ("200", answer)
        }
        (_, "/v1/suggestions") => {
            let answer = object(json!({
                "seq": number(), "pairs": list(&named("Suggestion")), "more": { "type": "boolean" },
            }));
            ("200", answer)
        }
        (_, "/v1/reports/daily") => {
            let date = || maybe(json!({ "type": "string", "format": "date" }));
            let answer = object(json!({
                "from": date(), "to": date(), "zone": text("the time zone of the days"), "events": maybe(list(&number())),
                "securities": list(&named("Activity")),
            }));
            ("200", answer)
        }
        (_, "/v1/reports/subscribers") => (
            "200",
            object(json!({ "subscribers": list(&named("Subscriber")) })),
        ),
        (_, "/v1/reports/holders") => {
            let security = object(json!({
                "symbol": text("ticker"), "token": address(), "counts": list(&named("HolderCount")),
            }));
            ("200", object(json!({ "securities": list(&security) })))
        }
        _ => return None,
    })
}

/// The content type of an answer that is not JSON.
pub(super) fn kind(route: &Route) -> Option<&'static str> {
    match route.path {
        "/v1/terms/text" | "/v1/securities/{security}/documents/{sha256}" => {
            Some("application/octet-stream")
        }
        "/v1/reports/blotter" => Some("text/csv"),
        _ => None,
    }
}

/// Whether a route also gives CSV.
pub(super) fn is_table(route: &Route) -> bool {
    let tables = ["daily", "subscribers", "holders"];
    let name = route.path.strip_prefix("/v1/reports/");
    name.is_some_and(|name| tables.contains(&name))
}

/// The parameters of a route's query.
pub(super) fn asked(route: &Route) -> Vec<(&'static str, bool, Value)> {
    let limit = || json!({ "type": "integer", "minimum": 1, "maximum": 200, "default": 50 });
    let day = || json!({ "type": "string", "format": "date" });
    let days = || vec![("from", false, day()), ("to", false, day())];
    let form = || {
        let format = json!({ "enum": ["json", "csv"], "default": "json" });
        vec![("format", false, format)]
    };
    match route.path {
        "/v1/securities/{security}/settlements" => vec![
            ("limit", false, limit()),
            ("cursor", false, text("from the page before")),
        ],
        "/v1/acts/draft" => vec![
            (
                "act",
                true,
                json!({ "enum": ["propose", "approve", "refuse"] }),
            ),
            ("match", true, uuid()),
            ("reason", true, hash()),
            ("bid", false, hash()),
            ("ask", false, hash()),
        ],
        "/v1/suggestions" => vec![
            ("security", true, text("symbol, ISIN or token")),
            ("limit", false, limit()),
        ],
        "/v1/permits/draft" => vec![
            ("token", true, address()),
            ("value", true, amount("the token")),
            ("deadline", true, instant()),
        ],
        "/v1/reports/daily" => [days(), form()].concat(),
        "/v1/reports/blotter" => days(),
        "/v1/reports/subscribers" | "/v1/reports/holders" => form(),
        _ => Vec::new(),
    }
}
