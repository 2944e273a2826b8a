//! What became of orders: the events that closed them and those of their matches.

use sqlx::AssertSqlSafe;

use super::engine::{Link, on_engine};
use super::error::StoreError;
use super::row::{EventRow, event_columns, signed, unsigned};

/// An order's posting, and an event about the order.
pub(crate) type About = (u64, EventRow);

/// The columns of an event, after the posting of the order that it is about.
type Row = (
    i64,
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

fn about(row: Row) -> About {
    let (order, seq, kind, subject, occurred, captured, actor, reason, body, prev, hash, salt) =
        row;
    let event = (
        seq, kind, subject, occurred, captured, actor, reason, body, prev, hash, salt,
    );
    (unsigned(order), event)
}

/// Runs a query for three numbers of events.
async fn abouts(
    link: &mut Link<'_>,
    sql: String,
    bounds: [u64; 3],
) -> Result<Vec<About>, StoreError> {
    let [first, last, size] = bounds.map(signed);
    let rows: Vec<Row> = on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql))
            .bind(first)
            .bind(last)
            .bind(size)
            .fetch_all(&mut **db)
            .await?
    });
    Ok(rows.into_iter().map(about).collect())
}

/// The events that closed the orders posted as events `first..=last`, up to event `size`.
pub(crate) async fn closings(
    link: &mut Link<'_>,
    first: u64,
    last: u64,
    size: u64,
) -> Result<Vec<About>, StoreError> {
    let columns = event_columns(link);
    let sql = format!(
        "SELECT c.order_seq, {columns} FROM closings c JOIN events e ON e.seq = c.seq
         WHERE c.order_seq BETWEEN $1 AND $2 AND c.seq <= $3 ORDER BY c.order_seq"
    );
    abouts(link, sql, [first, last, size]).await
}

/// The events of every match of the orders posted as events `first..=last`, up to event `size`, by order and then in
/// sequence.
pub(crate) async fn of_matches(
    link: &mut Link<'_>,
    first: u64,
    last: u64,
    size: u64,
) -> Result<Vec<About>, StoreError> {
    let columns = event_columns(link);
    let matched = |column| {
        format!(
            "SELECT o.seq AS posted, m.id FROM orders o JOIN matches m ON m.{column} = o.id
             WHERE o.seq BETWEEN $1 AND $2"
        )
    };
    let (bids, asks) = (matched("bid"), matched("ask"));
    let sql = format!(
        "SELECT x.posted, {columns} FROM ({bids} UNION ALL {asks}) x
         JOIN events e ON e.subject = x.id AND e.type <> 'order_posted'
         WHERE e.seq <= $3 ORDER BY x.posted, e.seq"
    );
    abouts(link, sql, [first, last, size]).await
}

/// The orders posted before event `first` that the events `first..=last` closed.
pub(crate) async fn closed_later(
    link: &mut Link<'_>,
    first: u64,
    last: u64,
) -> Result<Vec<u64>, StoreError> {
    let rows: Vec<i64> = on_engine!(link, db => {
        sqlx::query_scalar(
            "SELECT order_seq FROM closings WHERE seq BETWEEN $1 AND $2 AND order_seq < $1",
        )
        .bind(signed(first))
        .bind(signed(last))
        .fetch_all(&mut **db)
        .await?
    });
    Ok(rows.into_iter().map(unsigned).collect())
}
