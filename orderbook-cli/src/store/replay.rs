//! Reading the log and the tables in long stretches, to hold one against the other.

use alloy::primitives::B256;
use futures::TryStreamExt;
use sqlx::AssertSqlSafe;

use super::engine::{Link, on_engine};
use super::error::StoreError;
use super::query;
use super::row::{EVENT_COLUMNS, EventRow, signed, unsigned};
use crate::audit::merkle::Node;
use crate::audit::sum::RowSum;
use crate::board::security::Security;

/// A row of `orders`.
pub(crate) type IndexRow = (
    i64,
    Vec<u8>,
    i64,
    i64,
    Vec<u8>,
    Vec<u8>,
    i64,
    Vec<u8>,
    String,
);

/// Closing event, state, order id.
pub(crate) type ClosingRow = (i64, i64, Vec<u8>);

/// A row of `open_orders`: security, side, price, seq, quantity, expiry.
pub(crate) type OpenRow<'a> = (i64, i64, &'a [u8], i64, &'a [u8], i64);

/// Some events with every row that was folded from them.
#[derive(Debug)]
pub(crate) struct Stretch {
    pub(crate) events: Vec<EventRow>,
    pub(crate) orders: Vec<IndexRow>,
    /// Orders that these events closed.
    pub(crate) closings: Vec<ClosingRow>,
    /// Which orders of these events are closed by now.
    pub(crate) closed: Vec<i64>,
    pub(crate) nodes: Vec<(Node, B256)>,
    pub(crate) securities: Vec<(u64, Security)>,
}

/// The events after the first `start` up to `end`, as the log of `size` events has them.
pub(crate) async fn stretch(
    link: &mut Link<'_>,
    start: u64,
    end: u64,
    size: u64,
) -> Result<Stretch, StoreError> {
    let (first, last, limit) = (signed(start + 1), signed(end), signed(size));
    let sql = format!(
        "SELECT {EVENT_COLUMNS} FROM events e WHERE e.seq BETWEEN $1 AND $2 ORDER BY e.seq"
    );
    let (events, orders, closings, closed, nodes) = on_engine!(link, db => {
        let events: Vec<EventRow> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(first).bind(last).fetch_all(&mut **db).await?;
        let orders: Vec<IndexRow> = sqlx::query_as(
            "SELECT seq, id, security, side, price, quantity, expiry, owner, account FROM orders
             WHERE seq BETWEEN $1 AND $2 ORDER BY seq",
        ).bind(first).bind(last).fetch_all(&mut **db).await?;
        let closings: Vec<ClosingRow> = sqlx::query_as(
            "SELECT c.seq, c.state, o.id FROM closings c JOIN orders o ON o.seq = c.order_seq
             WHERE c.seq BETWEEN $1 AND $2 ORDER BY c.seq",
        ).bind(first).bind(last).fetch_all(&mut **db).await?;
        let closed: Vec<i64> = sqlx::query_scalar(
            "SELECT order_seq FROM closings WHERE order_seq BETWEEN $1 AND $2 AND seq <= $3",
        ).bind(first).bind(last).bind(limit).fetch_all(&mut **db).await?;
        let mut nodes: Vec<(i64, i64, Vec<u8>)> = Vec::new();
        for level in (0..64).step_by(super::append::STORED_LEVELS as usize).skip(1) {
            // The nodes that end within these events.
            let (from, to) = (start >> level, end >> level);
            if from == to {
                break;
            }
            let found: Vec<(i64, i64, Vec<u8>)> = sqlx::query_as(
                "SELECT level, position, hash FROM merkle WHERE level = $1 AND position >= $2 AND position < $3",
            ).bind(i64::from(level)).bind(signed(from)).bind(signed(to)).fetch_all(&mut **db).await?;
            nodes.extend(found);
        }
        (events, orders, closings, closed, nodes)
    });
    let securities = if events.iter().any(|event| event.1 == "security_listed") {
        query::securities(reborrow(link)).await?
    } else {
        Vec::new()
    };
    let nodes = nodes
        .into_iter()
        .filter_map(|(level, position, hash)| {
            let node = Node {
                level: u32::try_from(level).ok()?,
                position: unsigned(position),
            };
            Some((node, B256::try_from(hash.as_slice()).ok()?))
        })
        .collect();
    Ok(Stretch {
        events,
        orders,
        closings,
        closed,
        nodes,
        securities,
    })
}

fn reborrow<'a>(link: &'a mut Link<'_>) -> Link<'a> {
    match link {
        Link::Sqlite(db) => Link::Sqlite(db),
        Link::Postgres(db) => Link::Postgres(db),
    }
}

/// What is summed of a row of `open_orders`, into `out`.
pub(crate) fn open_row(row: OpenRow<'_>, out: &mut Vec<u8>) {
    let (security, side, price, seq, quantity, expiry) = row;
    out.clear();
    for number in [security, side, seq, expiry] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    for bytes in [price, quantity] {
        out.push(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(bytes);
    }
}

/// The fingerprint of the open orders.
pub(crate) async fn open_orders(link: Link<'_>) -> Result<RowSum, StoreError> {
    let mut sum = RowSum::default();
    let mut buffer = Vec::new();
    on_engine!(link, db => {
        let mut rows = sqlx::query_as::<_, (i64, i64, Vec<u8>, i64, Vec<u8>, i64)>(
            "SELECT security, side, price, seq, quantity, expiry FROM open_orders",
        )
        .fetch(db);
        while let Some((security, side, price, seq, quantity, expiry)) = rows.try_next().await? {
            open_row((security, side, &price, seq, &quantity, expiry), &mut buffer);
            sum.add_row(&buffer);
        }
    });
    Ok(sum)
}

/// The first order whose row in `open_orders` is missing, foreign or different.
pub(crate) async fn bad_open_order(link: Link<'_>) -> Result<Option<(u64, String)>, StoreError> {
    let (foreign, missing): (Option<i64>, Option<i64>) = on_engine!(link, db => {
        let foreign = sqlx::query_scalar(
            "SELECT min(p.seq) FROM open_orders p LEFT JOIN orders o
               ON o.seq = p.seq AND o.security = p.security AND o.side = p.side AND o.price = p.price
              AND o.quantity = p.quantity AND o.expiry = p.expiry
             LEFT JOIN closings c ON c.order_seq = p.seq
             WHERE o.seq IS NULL OR c.seq IS NOT NULL",
        ).fetch_one(&mut *db).await?;
        let missing = sqlx::query_scalar(
            "SELECT min(o.seq) FROM orders o LEFT JOIN closings c ON c.order_seq = o.seq
             LEFT JOIN open_orders p ON p.security = o.security AND p.side = o.side AND p.price = o.price
              AND p.seq = o.seq
             WHERE c.seq IS NULL AND p.seq IS NULL",
        ).fetch_one(&mut *db).await?;
        (foreign, missing)
    });
    let found = match (foreign, missing) {
        (Some(foreign), Some(missing)) if missing < foreign => Some((missing, false)),
        (Some(foreign), _) => Some((foreign, true)),
        (None, missing) => missing.map(|missing| (missing, false)),
    };
    Ok(found.map(|(seq, foreign)| {
        let what = if foreign {
            "table open_orders has another row for its order"
        } else {
            "its order is open and not in table open_orders"
        };
        (unsigned(seq), what.to_owned())
    }))
}

/// How many rows a table has.
pub(crate) async fn count(link: Link<'_>, table: &'static str) -> Result<u64, StoreError> {
    let sql = format!("SELECT count(*) FROM {table}");
    let count: i64 = on_engine!(link, db => {
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(db).await?
    });
    Ok(unsigned(count))
}

/// The first event behind the end of the log.
pub(crate) async fn first_beyond(link: Link<'_>, size: u64) -> Result<Option<u64>, StoreError> {
    let found: Option<i64> = on_engine!(link, db => {
        sqlx::query_scalar("SELECT min(seq) FROM events WHERE seq > $1 OR seq < 1")
            .bind(signed(size))
            .fetch_one(db)
            .await?
    });
    Ok(found.map(unsigned))
}

/// The first event from `seq` on.
pub(crate) async fn next_event(link: Link<'_>, seq: u64) -> Result<Option<u64>, StoreError> {
    let found: Option<i64> = on_engine!(link, db => {
        sqlx::query_scalar("SELECT min(seq) FROM events WHERE seq >= $1")
            .bind(signed(seq))
            .fetch_one(db)
            .await?
    });
    Ok(found.map(unsigned))
}

/// Every event that is not the posting of an order.
pub(crate) async fn match_events(link: &mut Link<'_>) -> Result<Vec<EventRow>, StoreError> {
    let sql = format!(
        "SELECT {EVENT_COLUMNS} FROM events e WHERE e.type <> 'order_posted' ORDER BY e.seq"
    );
    Ok(on_engine!(link, db => sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&mut **db).await?))
}
