//! The board's refusals as HTTP problems: one table for every route.

use axum::http::StatusCode;
use book::ErrorClass;
use book::board::BoardError;
use book::board::act::ActError;
use book::board::signature::SignatureError;
use book::log::staff::StaffError;
use book::store::error::StoreError;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::problem::Problem;

/// Unix seconds as RFC 3339.
pub(crate) fn instant(seconds: u64) -> Value {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let time = Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX);
    Value::String(time.to_string())
}

/// Where a field of the signed order is in a body.
fn order_field(name: &str) -> String {
    let name = match name {
        "limitTotal" => "limit_total",
        "boardRef" => "board_ref",
        "taken_by" | "account" | "received_at" | "reason" | "actor" | "name" => {
            return format!("/{name}");
        }
        other => other,
    };
    format!("/order/{name}")
}

/// A refusal of the board as a problem for the client.
pub(crate) fn board(error: BoardError) -> Problem {
    let code = error.class().code();
    let words = error.to_string();
    match error {
        BoardError::Store(error) => store(&error),
        BoardError::Chain(error) => Problem::node_gone(error),
        BoardError::Field { field, .. }
        | BoardError::Text { field, .. }
        | BoardError::Code { field, .. } => Problem::field(code, &order_field(field), words),
        BoardError::UnknownSecurity(_) => Problem::field(code, "/order/security", words),
        BoardError::Price(_) => Problem::field(code, "/order/limit_total", words),
        BoardError::PriceMismatch { .. } => Problem::field(code, "/price", words),
        BoardError::Signature(error) => signature(&error),
        BoardError::Act(error) => act(&error),
        BoardError::AnswerKept => Problem::field("KEY_REUSED", "Idempotency-Key", words),
        BoardError::UnknownOrder(_)
        | BoardError::AmbiguousOrder { .. }
        | BoardError::OrderId(_) => Problem::not_found("order"),
        BoardError::UnknownMatch(_) => Problem::not_found("match"),
        BoardError::NotOpen { state, .. } => Problem::conflict(words).with("state", state.as_str()),
        BoardError::Expired { expiry, .. } => Problem::conflict(words)
            .with("state", "OPEN")
            .with("expired_at", instant(expiry)),
        BoardError::Matched {
            in_match, state, ..
        } => Problem::conflict(words)
            .with("match", in_match.to_string())
            .with("state", state.as_str()),
        BoardError::Committed { id, until } => Problem::conflict(words)
            .with("match", id.to_string())
            .with("until", instant(until)),
        BoardError::WrongMatchState { id, found, .. } => Problem::conflict(words)
            .with("match", id.to_string())
            .with("state", found.as_str()),
        BoardError::DuplicateOrder(id) => Problem::conflict(words).with("id", json!(id)),
        BoardError::ApproverProposed(_) => Problem::not_allowed(words),
        BoardError::Mismatch(_) | BoardError::Directory(_) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, words)
        }
        _ => match code {
            "BOARD_REFUSED" | "BAD_INPUT" | "NOT_ALLOWED" => {
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, words)
            }
            _ => Problem::internal(words),
        },
    }
}

/// A signature that is not the owner's.
pub(crate) fn signature(error: &SignatureError) -> Problem {
    Problem::field("NOT_ALLOWED", "/signature", error.to_string())
}

/// An act of a person that is not valid.
fn act(error: &ActError) -> Problem {
    let words = error.to_string();
    match error {
        ActError::Malformed(_) | ActError::OtherSigner { .. } | ActError::Unsigned { .. } => {
            Problem::field("NOT_ALLOWED", "/signature", words)
        }
        ActError::Time { .. } => Problem::field("NOT_ALLOWED", "/time", words),
        ActError::ProposedUnsigned { .. } | ActError::Staff(StaffError::Repeated(_)) => {
            Problem::conflict(words)
        }
        ActError::Staff(_) | ActError::OtherActor { .. } => Problem::not_allowed(words),
    }
}

/// The store failed. Its error may name files and hosts, so it goes only to the process log.
fn store(error: &StoreError) -> Problem {
    let code = error.class().code();
    let words = match (error, error.class()) {
        (StoreError::Duplicate(_), _) => return Problem::conflict("this was already recorded"),
        (StoreError::Lost(_), _) => {
            "the book's disk or server failed midway: the request may or may not be recorded, check the book first"
        }
        (StoreError::Locked, _) => "another process is writing to the book: nothing was recorded",
        (_, ErrorClass::Integrity) => "the book is damaged: nothing was recorded",
        _ => "the book cannot be written or read now: nothing was recorded",
    };
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, words)
        .after(5)
        .because(error)
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, B256};
    use book::market::matching::MatchState;
    use book::market::price::PriceError;
    use book::market::record::OrderState;
    use uuid::Uuid;

    use super::*;

    /// One row for each entry in the table of errors that routes share.
    #[test]
    fn a_refusal_has_its_status_its_field_and_the_state_now() {
        let id = B256::repeat_byte(1);
        let id_of = Uuid::nil();
        let owner = SignatureError::NotOwner {
            found: Address::ZERO,
            wanted: Address::ZERO,
        };
        let field = |field| BoardError::Field {
            field,
            found: "0".into(),
            wanted: "1".into(),
        };
        for (error, status, pointer) in [
            (owner.into(), 422, "/signature"),
            (field("limitTotal"), 422, "/order/limit_total"),
            (field("boardRef"), 422, "/order/board_ref"),
            (field("expiry"), 422, "/order/expiry"),
            (PriceError::Zero.into(), 422, "/order/limit_total"),
            (
                BoardError::UnknownSecurity("X".into()),
                422,
                "/order/security",
            ),
            (BoardError::AnswerKept, 422, "Idempotency-Key"),
            (ActError::Time { signed: 1, now: 2 }.into(), 422, "/time"),
            (BoardError::UnknownOrder("0x".into()), 404, ""),
            (BoardError::UnknownMatch(id_of), 404, ""),
            (BoardError::ApproverProposed("ada".into()), 403, ""),
            (
                ActError::Staff(StaffError::UnknownWallet(Address::ZERO)).into(),
                403,
                "",
            ),
            (BoardError::Mismatch("no".into()), 422, ""),
            (StoreError::Locked.into(), 503, ""),
            (StoreError::Full.into(), 503, ""),
        ] {
            let words = error.to_string();
            let problem = board(error);
            assert_eq!(problem.status.as_u16(), status, "{words}");
            let found = problem
                .errors
                .first()
                .map_or("", |bad| bad.pointer.as_str());
            assert_eq!(found, pointer, "{words}");
        }
        let open = board(BoardError::NotOpen {
            id,
            state: OrderState::Filled,
        });
        assert_eq!(
            (open.status.as_u16(), &open.more["state"]),
            (409, &json!("FILLED"))
        );
        let (in_match, state) = (id_of, MatchState::Submitted);
        let matched = board(BoardError::Matched {
            id,
            in_match,
            state,
        });
        assert_eq!(
            (matched.status.as_u16(), &matched.more["state"]),
            (409, &json!("SUBMITTED"))
        );
        let committed = board(BoardError::Committed {
            id: id_of,
            until: 1_800_000_000,
        });
        assert_eq!(committed.status.as_u16(), 409);
        assert_eq!(committed.more["until"], "2027-01-15T08:00:00Z");
    }

    #[test]
    fn what_the_machine_said_is_not_told() {
        let said = "/var/lib/board.db: permission denied";
        let problem = board(StoreError::ReadOnly(said.into()).into());
        let (code, detail) = (problem.code.as_ref(), &problem.detail);
        assert_eq!((problem.status.as_u16(), code), (503, "STORE_FAILED"));
        assert!(!detail.contains("board.db") && detail.contains("nothing was recorded"));
        assert!(problem.cause.unwrap().contains(said));
    }
}
