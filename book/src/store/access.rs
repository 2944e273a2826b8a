//! Who looked at whose orders: rows that are only ever added, numbered from 1 without gaps.

use super::append::Writer;
use super::batch::Value;
use super::engine::{Link, on_engine};
use super::error::StoreError;
use super::row::{signed, unsigned};

/// A row: number, person, route, customers, when (unix microseconds).
pub(crate) type AccessRow = (i64, String, String, String, i64);

/// Adds a row after the last one.
pub(crate) fn put(writer: &mut Writer, person: String, route: String, customers: String, at: i64) {
    writer.put(
        "INSERT INTO accesses (number, person, route, customers, seen_at)
         SELECT coalesce(max(number), 0) + 1, $1, $2, $3, $4 FROM accesses",
        vec![
            Value::Text(person),
            Value::Text(route),
            Value::Text(customers),
            Value::Int(at),
        ],
    );
}

/// The rows after one, oldest first.
pub(crate) async fn after(
    link: Link<'_>,
    number: u64,
    limit: u32,
) -> Result<Vec<AccessRow>, StoreError> {
    Ok(on_engine!(link, db => {
        sqlx::query_as(
            "SELECT number, person, route, customers, seen_at FROM accesses
             WHERE number > $1 ORDER BY number LIMIT $2",
        )
        .bind(signed(number))
        .bind(i64::from(limit))
        .fetch_all(db)
        .await?
    }))
}

/// The rows before one, newest first.
pub(crate) async fn before(
    link: Link<'_>,
    number: u64,
    limit: u32,
) -> Result<Vec<AccessRow>, StoreError> {
    Ok(on_engine!(link, db => {
        sqlx::query_as(
            "SELECT number, person, route, customers, seen_at FROM accesses
             WHERE number < $1 ORDER BY number DESC LIMIT $2",
        )
        .bind(signed(number))
        .bind(i64::from(limit))
        .fetch_all(db)
        .await?
    }))
}

/// The last event whose rows are in the book that this one was made from.
pub(crate) async fn elsewhere(link: Link<'_>) -> Result<Option<u64>, StoreError> {
    let seq: Option<i64> = on_engine!(link, db => {
        sqlx::query_scalar("SELECT seq FROM accesses_elsewhere WHERE only_row = 1")
            .fetch_optional(db)
            .await?
    });
    Ok(seq.map(unsigned))
}

pub(crate) fn put_elsewhere(writer: &mut Writer, seq: u64) {
    writer.put(
        "INSERT INTO accesses_elsewhere (only_row, seq) VALUES (1, $1)",
        vec![Value::Int(signed(seq))],
    );
}
