//! Rows as they come out of the database, and their way into types.

use alloy::primitives::{Address, B128, B256};
use jiff::Timestamp;

use super::engine::{Link, Schema};
use super::error::StoreError;
use crate::log::body::{Body, OrderPosted};
use crate::log::event::{Event, EventType};
use crate::log::hash::Columns;
use crate::market::matching::{Match, Submission};
use crate::market::record::{OrderRecord, OrderState, OrderView};

/// The columns of `events` in order: seq to salt.
pub(crate) type EventRow = (
    i64,
    String,
    String,
    i64,
    i64,
    String,
    String,
    String,
    Vec<u8>,
    Vec<u8>,
    Option<Vec<u8>>,
);

/// The columns that every schema has.
macro_rules! event_columns {
    () => {
        "e.seq, e.type, e.subject, e.occurred_at, e.captured_at, e.actor, e.reason, e.body, e.prev, e.hash, "
    };
}

/// The columns of [`EventRow`], as `link` sees them.
pub(crate) fn event_columns(link: &Link<'_>) -> &'static str {
    match (link, link.schema()) {
        (_, Schema::Salted) => concat!(event_columns!(), "e.salt"),
        (Link::Sqlite(..), Schema::Unsalted) => concat!(event_columns!(), "NULL"),
        (Link::Postgres(..), Schema::Unsalted) => concat!(event_columns!(), "NULL::bytea"),
    }
}

/// Posting seq, closing state and seq, subject, times of receipt and capture, body.
pub(crate) type OrderRow = (i64, Option<i64>, Option<i64>, String, i64, i64, String);

/// The columns of `matches` in order: id to changing event.
pub(crate) type MatchRow = (
    String,
    Vec<u8>,
    Vec<u8>,
    Vec<u8>,
    String,
    String,
    Option<String>,
    Option<Vec<u8>>,
    Option<i64>,
    Option<Vec<u8>>,
    i64,
    i64,
);

#[allow(clippy::needless_pass_by_value)] // Errors and texts alike are handed over.
fn damaged(seq: i64, what: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged {
        seq: unsigned(seq),
        what: format!("{what}"),
    }
}

/// Sequence numbers and the like are never negative (the tables' checks say so).
pub(crate) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// A number as the database stores it. Values above 2^63 do not occur: each is bounded where it enters.
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(crate) fn hash(seq: i64, column: &str, bytes: &[u8]) -> Result<B256, StoreError> {
    B256::try_from(bytes).map_err(|_| damaged(seq, format!("{column} has {} bytes", bytes.len())))
}

fn salt(seq: i64, bytes: &[u8]) -> Result<B128, StoreError> {
    B128::try_from(bytes).map_err(|_| damaged(seq, format!("salt has {} bytes", bytes.len())))
}

fn address(seq: i64, column: &str, bytes: &[u8]) -> Result<Address, StoreError> {
    Address::try_from(bytes)
        .map_err(|_| damaged(seq, format!("{column} has {} bytes", bytes.len())))
}

/// Sixteen big-endian bytes.
pub(crate) fn amount(seq: i64, column: &str, bytes: &[u8]) -> Result<u128, StoreError> {
    bytes
        .try_into()
        .map(u128::from_be_bytes)
        .map_err(|_| damaged(seq, format!("{column} has {} bytes", bytes.len())))
}

pub(crate) fn timestamp(seq: i64, column: &str, micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros)
        .map_err(|_| damaged(seq, format!("{column} {micros} is not a time")))
}

/// The hashed fields of a row.
pub(crate) fn columns(row: &EventRow) -> Columns<'_> {
    Columns {
        seq: unsigned(row.0),
        kind: &row.1,
        subject: &row.2,
        occurred_at: row.3,
        captured_at: row.4,
        actor: &row.5,
        reason: &row.6,
        body: &row.7,
        prev: &row.8,
        salt: row.10.as_deref(),
    }
}

pub(crate) fn event(row: EventRow) -> Result<Event, StoreError> {
    let seq = row.0;
    Ok(Event {
        seq: unsigned(seq),
        kind: row
            .1
            .parse()
            .map_err(|_| StoreError::Newer(format!("event {seq} is of type {:?}", row.1)))?,
        subject: row.2,
        occurred_at: timestamp(seq, "occurred_at", row.3)?,
        captured_at: timestamp(seq, "captured_at", row.4)?,
        actor: row.5,
        reason: row.6,
        body: row.7,
        prev: hash(seq, "prev", &row.8)?,
        hash: hash(seq, "hash", &row.9)?,
        salt: row
            .10
            .as_deref()
            .map(|bytes| salt(seq, bytes))
            .transpose()?,
    })
}

/// The particulars of an event.
pub(crate) fn body(seq: u64, kind: EventType, json: &str) -> Result<Body, StoreError> {
    Body::from_json(kind, json).map_err(|error| StoreError::Damaged {
        seq,
        what: error.to_string(),
    })
}

pub(crate) fn record(
    id: B256,
    received_at: Timestamp,
    captured_at: Timestamp,
    posted: OrderPosted,
) -> OrderRecord {
    OrderRecord {
        id,
        board_ref: posted.board_ref,
        symbol: posted.symbol,
        isin: posted.isin,
        decimals: posted.decimals,
        security: posted.security,
        payment: posted.payment,
        chain_id: posted.chain_id,
        contract: posted.contract,
        side: posted.side,
        quantity: posted.quantity,
        price: posted.price,
        limit_total: posted.limit_total,
        expiry: posted.expiry,
        epoch: posted.epoch,
        counterparty: posted.counterparty,
        owner: posted.owner,
        account: posted.account,
        capacity: posted.capacity,
        solicited: posted.solicited,
        received_at,
        captured_at,
        taken_by: posted.taken_by,
        signature: posted.signature,
    }
}

pub(crate) fn order(row: OrderRow, now: Timestamp) -> Result<OrderView, StoreError> {
    let (seq, state, closed, subject, occurred_at, captured_at, json) = row;
    let id = subject
        .parse()
        .map_err(|_| damaged(seq, format!("subject {subject} is not an order id")))?;
    let posted = serde_json::from_str(&json).map_err(|error| damaged(seq, error))?;
    let occurred_at = timestamp(seq, "occurred_at", occurred_at)?;
    let record = record(
        id,
        occurred_at,
        timestamp(seq, "captured_at", captured_at)?,
        posted,
    );
    let state = match state {
        None => OrderState::Open,
        Some(2) => OrderState::Filled,
        Some(3) => OrderState::Cancelled,
        Some(other) => return Err(damaged(seq, format!("order state {other} is unknown"))),
    };
    Ok(OrderView {
        state,
        posted_seq: unsigned(seq),
        closed_seq: closed.map(unsigned),
        expired: state == OrderState::Open && record.is_expired(now),
        record,
    })
}

pub(crate) fn matching(row: MatchRow) -> Result<Match, StoreError> {
    let seq = row.11;
    let submission = match (&row.7, row.8, &row.9) {
        (Some(tx_hash), Some(nonce), Some(sender)) => Some(Submission {
            tx_hash: hash(seq, "tx_hash", tx_hash)?,
            nonce: unsigned(nonce),
            sender: address(seq, "sender", sender)?,
        }),
        _ => None,
    };
    Ok(Match {
        id: row
            .0
            .parse()
            .map_err(|_| damaged(seq, format!("match id {} is not a UUID", row.0)))?,
        bid: hash(seq, "bid", &row.1)?,
        ask: hash(seq, "ask", &row.2)?,
        total: amount(seq, "total", &row.3)?,
        state: row.4.parse().map_err(|error| damaged(seq, error))?,
        proposed_by: row.5,
        approved_by: row.6,
        submission,
        proposed_seq: unsigned(row.10),
        changed_seq: unsigned(seq),
    })
}
