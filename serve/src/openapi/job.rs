//! The schemas of a settlement in progress.

use serde_json::{Value, json};

use super::{amount, hash, instant, list, maybe, number, object, text, uuid};

/// A fill as the chain has it.
pub(super) fn fill() -> Value {
    object(json!({
        "state": { "enum": ["soft", "safe", "final", "gone"] }, "transaction": hash(), "block": number(),
        "settlement_id": text("the contract's running number"), "total": amount("the coin"),
    }))
}

/// A settlement that was requested.
pub(super) fn job() -> Value {
    object(json!({
        "id": uuid(), "match": uuid(), "asked_by": text("a person"), "asked_at": instant(), "changed_at": instant(),
        "state": { "enum": ["waiting", "running", "submitted", "unknown", "settled", "refused", "failed"] },
        "steps": list(&object(json!({
            "at": instant(), "state": text("as for the job"), "transaction": maybe(hash()), "block": maybe(number()),
            "code": maybe(text("why it stopped")), "detail": maybe(text("words")),
        }))),
    }))
}
