//! Webhooks, how far each has been notified, and what became of its messages.

use alloy::primitives::Address;
use sqlx::AssertSqlSafe;

use super::append::Writer;
use super::batch::Value;
use super::engine::{Link, on_engine};
use super::error::StoreError;

/// A webhook's columns: id, URL, types, made by, made at, ended at, and the place of the message dealt with last.
pub(crate) type WebhookRow = (String, String, String, Vec<u8>, i64, i64, i64, i64);

const WEBHOOK_COLUMNS: &str = "id, url, types, made_by, made_at, ended_at, seq, part";

/// A delivery's columns: the message's place, type and ids, tries, when last, when next, whether it arrived, what was
/// said.
pub(crate) type DeliveryRow = (i64, i64, String, String, i64, i64, i64, i64, String);

const DELIVERY_COLUMNS: &str = "seq, part, type, ids, tries, tried_at, next_at, delivered, said";

/// Every webhook, oldest first.
pub(crate) async fn webhooks(link: Link<'_>) -> Result<Vec<WebhookRow>, StoreError> {
    let sql = format!("SELECT {WEBHOOK_COLUMNS} FROM webhooks ORDER BY made_at, id");
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql)).fetch_all(db).await?
    }))
}

pub(crate) async fn webhook(link: Link<'_>, id: &str) -> Result<Option<WebhookRow>, StoreError> {
    let sql = format!("SELECT {WEBHOOK_COLUMNS} FROM webhooks WHERE id = $1");
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql)).bind(id).fetch_optional(db).await?
    }))
}

/// Adds a webhook that is notified of what follows a place.
pub(crate) fn put_webhook(
    writer: &mut Writer,
    (id, url, types): (&str, &str, &str),
    made_by: Address,
    made_at: i64,
    (seq, part): (i64, i64),
) {
    writer.put(
        "INSERT INTO webhooks (id, url, types, made_by, made_at, ended_at, seq, part)
         VALUES ($1, $2, $3, $4, $5, 0, $6, $7)",
        vec![
            Value::Text(id.to_owned()),
            Value::Text(url.to_owned()),
            Value::Text(types.to_owned()),
            Value::Bytes(made_by.to_vec()),
            Value::Int(made_at),
            Value::Int(seq),
            Value::Int(part),
        ],
    );
}

pub(crate) fn end_webhook(writer: &mut Writer, id: &str, now: i64) {
    let values = vec![Value::Int(now), Value::Text(id.to_owned())];
    writer.put(
        "UPDATE webhooks SET ended_at = $1 WHERE id = $2 AND ended_at = 0",
        values,
    );
}

/// Records that everything up to a message was dealt with.
pub(crate) fn move_webhook(writer: &mut Writer, id: &str, seq: i64, part: i64) {
    writer.put(
        "UPDATE webhooks SET seq = $1, part = $2 WHERE id = $3",
        vec![
            Value::Int(seq),
            Value::Int(part),
            Value::Text(id.to_owned()),
        ],
    );
}

/// The delivery of a message that was tried before.
pub(crate) async fn delivery(
    link: Link<'_>,
    webhook: &str,
    seq: i64,
    part: i64,
) -> Result<Option<DeliveryRow>, StoreError> {
    let sql = format!(
        "SELECT {DELIVERY_COLUMNS} FROM deliveries WHERE webhook = $1 AND seq = $2 AND part = $3"
    );
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql))
            .bind(webhook)
            .bind(seq)
            .bind(part)
            .fetch_optional(db)
            .await?
    }))
}

/// The deliveries to a webhook before a place, newest first.
pub(crate) async fn deliveries(
    link: Link<'_>,
    webhook: &str,
    (seq, part): (i64, i64),
    limit: u32,
) -> Result<Vec<DeliveryRow>, StoreError> {
    let sql = format!(
        "SELECT {DELIVERY_COLUMNS} FROM deliveries
         WHERE webhook = $1 AND (seq < $2 OR (seq = $3 AND part < $4)) ORDER BY seq DESC, part DESC LIMIT $5"
    );
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql))
            .bind(webhook)
            .bind(seq)
            .bind(seq)
            .bind(part)
            .bind(i64::from(limit))
            .fetch_all(db)
            .await?
    }))
}

/// Records the result of the last try of a message.
pub(crate) fn put_delivery(writer: &mut Writer, webhook: &str, row: DeliveryRow) {
    let (seq, part, kind, ids, tries, tried_at, next_at, delivered, said) = row;
    writer.put(
        "INSERT INTO deliveries (webhook, seq, part, type, ids, tries, tried_at, next_at, delivered, said)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (webhook, seq, part) DO UPDATE SET tries = excluded.tries, tried_at = excluded.tried_at,
             next_at = excluded.next_at, delivered = excluded.delivered, said = excluded.said",
        vec![
            Value::Text(webhook.to_owned()),
            Value::Int(seq),
            Value::Int(part),
            Value::Text(kind),
            Value::Text(ids),
            Value::Int(tries),
            Value::Int(tried_at),
            Value::Int(next_at),
            Value::Int(delivered),
            Value::Text(said),
        ],
    );
}

/// Removes deliveries that ended before a time.
pub(crate) fn sweep(writer: &mut Writer, before: i64) {
    let sql = "DELETE FROM deliveries WHERE tried_at < $1 AND next_at = 0";
    writer.put(sql, vec![Value::Int(before)]);
}
