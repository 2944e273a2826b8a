//! What wallets left with the desk for it to send: signed cancels and signed allowances.

use alloy::primitives::{Address, B256};
use sqlx::AssertSqlSafe;

use super::append::Writer;
use super::batch::Value;
use super::engine::{Link, on_engine};
use super::error::StoreError;

/// A cancel's columns: order, signature, state, what was said, transaction, made at, changed at.
pub(crate) type CancelRow = (Vec<u8>, Vec<u8>, String, String, Option<Vec<u8>>, i64, i64);

const CANCEL_COLUMNS: &str = "order_id, signature, state, said, tx_hash, made_at, changed_at";

/// A permit's columns: id, token, owner, value, nonce, deadline, signature, state, what was said, transaction, made at,
/// changed at.
pub(crate) type PermitRow = (
    String,
    Vec<u8>,
    Vec<u8>,
    Vec<u8>,
    Vec<u8>,
    i64,
    Vec<u8>,
    String,
    String,
    Option<Vec<u8>>,
    i64,
    i64,
);

const PERMIT_COLUMNS: &str = "id, token, owner, value, nonce, deadline, signature, state, said, tx_hash, made_at, \
     changed_at";

pub(crate) async fn cancel(link: Link<'_>, order: B256) -> Result<Option<CancelRow>, StoreError> {
    let sql = format!("SELECT {CANCEL_COLUMNS} FROM left_cancels WHERE order_id = $1");
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql)).bind(order.as_slice()).fetch_optional(db).await?
    }))
}

/// The cancels that nobody has sent, oldest first.
pub(crate) async fn waiting_cancels(
    link: Link<'_>,
    limit: u32,
) -> Result<Vec<CancelRow>, StoreError> {
    let sql = format!(
        "SELECT {CANCEL_COLUMNS} FROM left_cancels WHERE state = 'waiting' ORDER BY made_at LIMIT {limit}"
    );
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql)).fetch_all(db).await?
    }))
}

/// Leaves a cancel, in place of one that was refused.
pub(crate) fn put_cancel(writer: &mut Writer, order: B256, signature: &[u8], now: i64) {
    writer.put(
        "INSERT INTO left_cancels (order_id, signature, state, said, made_at, changed_at)
         VALUES ($1, $2, 'waiting', '', $3, $4)
         ON CONFLICT (order_id) DO UPDATE SET signature = excluded.signature, state = 'waiting', said = '',
            tx_hash = NULL, made_at = excluded.made_at, changed_at = excluded.changed_at",
        vec![
            Value::Bytes(order.to_vec()),
            Value::Bytes(signature.to_vec()),
            Value::Int(now),
            Value::Int(now),
        ],
    );
}

/// Records what became of it.
pub(crate) struct Outcome<'a> {
    pub(crate) state: &'a str,
    pub(crate) said: &'a str,
    pub(crate) tx_hash: Option<B256>,
    pub(crate) now: i64,
}

impl Outcome<'_> {
    fn values(&self) -> Vec<Value> {
        vec![
            Value::Text(self.state.to_owned()),
            Value::Text(self.said.to_owned()),
            Value::Maybe(self.tx_hash.map(|hash| hash.to_vec())),
            Value::Int(self.now),
        ]
    }
}

pub(crate) fn end_cancel(writer: &mut Writer, order: B256, outcome: &Outcome<'_>) {
    let mut values = outcome.values();
    values.push(Value::Bytes(order.to_vec()));
    writer.put(
        "UPDATE left_cancels SET state = $1, said = $2, tx_hash = $3, changed_at = $4 WHERE order_id = $5",
        values,
    );
}

pub(crate) async fn permit(link: Link<'_>, id: &str) -> Result<Option<PermitRow>, StoreError> {
    let sql = format!("SELECT {PERMIT_COLUMNS} FROM left_permits WHERE id = $1");
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql)).bind(id).fetch_optional(db).await?
    }))
}

/// The permits of a wallet, newest first.
pub(crate) async fn permits_of(
    link: Link<'_>,
    owner: Address,
    limit: u32,
) -> Result<Vec<PermitRow>, StoreError> {
    let sql = format!(
        "SELECT {PERMIT_COLUMNS} FROM left_permits WHERE owner = $1 ORDER BY id DESC LIMIT {limit}"
    );
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql)).bind(owner.to_vec()).fetch_all(db).await?
    }))
}

/// The permit of a wallet for a token that nobody has sent.
pub(crate) async fn waiting_permit(
    link: Link<'_>,
    owner: Address,
    token: Address,
) -> Result<Option<PermitRow>, StoreError> {
    let sql = format!(
        "SELECT {PERMIT_COLUMNS} FROM left_permits WHERE owner = $1 AND token = $2 AND state = 'waiting'"
    );
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql))
            .bind(owner.to_vec())
            .bind(token.to_vec())
            .fetch_optional(db)
            .await?
    }))
}

/// The permits that nobody has sent, oldest first.
pub(crate) async fn waiting_permits(
    link: Link<'_>,
    limit: u32,
) -> Result<Vec<PermitRow>, StoreError> {
    let sql = format!(
        "SELECT {PERMIT_COLUMNS} FROM left_permits WHERE state = 'waiting' ORDER BY id LIMIT {limit}"
    );
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql)).fetch_all(db).await?
    }))
}

/// Leaves a permit.
pub(crate) fn put_permit(writer: &mut Writer, row: PermitRow) {
    let (id, token, owner, value, nonce, deadline, signature, _, _, _, made_at, changed_at) = row;
    writer.put(
        "INSERT INTO left_permits (id, token, owner, value, nonce, deadline, signature, state, said, made_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', '', $8, $9)",
        vec![
            Value::Text(id),
            Value::Bytes(token),
            Value::Bytes(owner),
            Value::Bytes(value),
            Value::Bytes(nonce),
            Value::Int(deadline),
            Value::Bytes(signature),
            Value::Int(made_at),
            Value::Int(changed_at),
        ],
    );
}

pub(crate) fn end_permit(writer: &mut Writer, id: &str, outcome: &Outcome<'_>) {
    let mut values = outcome.values();
    values.push(Value::Text(id.to_owned()));
    writer.put(
        "UPDATE left_permits SET state = $1, said = $2, tx_hash = $3, changed_at = $4 WHERE id = $5",
        values,
    );
}
