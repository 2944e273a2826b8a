//! What the watcher of the chain writes for every process that serves a book.

use sqlx::AssertSqlSafe;

use super::append::Writer;
use super::batch::Value;
use super::engine::{Link, on_engine};
use super::error::StoreError;
use super::query::LAST_LISTED;
use super::row::unsigned;

/// The row of `watched`: looked at, latest block with hash and time, safe and final block, registry's last change.
pub(crate) type WatchedRow = (i64, i64, Vec<u8>, i64, i64, i64, i64);

/// The event that listed the last security, and the row of `watched` where there is one.
type Outlook = (
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<Vec<u8>>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
);

/// The columns of `chain_fills` in order, and the match of the two orders.
pub(crate) type FillRow = (
    Vec<u8>,
    Vec<u8>,
    String,
    Vec<u8>,
    Vec<u8>,
    i64,
    String,
    i64,
    i64,
    Option<String>,
);

const FILL: &str = "SELECT f.bid, f.ask, f.settlement_id, f.total, f.tx_hash, f.block, f.state, f.version, f.changed_at,
        (SELECT m.id FROM matches m WHERE m.bid = f.bid AND m.ask = f.ask AND m.state <> 'REFUSED'
         ORDER BY m.proposed_seq DESC LIMIT 1)
     FROM chain_fills f";

/// The event that listed the last security, 0 where there is none, and the row of `watched`.
pub(crate) async fn listed_and_watched(
    link: Link<'_>,
) -> Result<(u64, Option<WatchedRow>), StoreError> {
    let sql = format!(
        "SELECT ({LAST_LISTED}), w.looked_at, w.latest, w.latest_hash, w.latest_time, w.safe, w.final, w.registry
         FROM (SELECT 1 AS one) o LEFT JOIN watched w ON w.only_row = o.one"
    );
    let (listed, looked_at, latest, latest_hash, latest_time, safe, last, registry): Outlook =
        on_engine!(link, db => sqlx::query_as(AssertSqlSafe(sql)).fetch_one(db).await?);
    let watched = (|| {
        Some((
            looked_at?,
            latest?,
            latest_hash?,
            latest_time?,
            safe?,
            last?,
            registry?,
        ))
    })();
    Ok((listed.map_or(0, unsigned), watched))
}

pub(crate) fn put_watched(writer: &mut Writer, row: WatchedRow) {
    let (looked_at, latest, latest_hash, latest_time, safe, last, registry) = row;
    writer.put(
        "INSERT INTO watched (only_row, looked_at, latest, latest_hash, latest_time, safe, final, registry)
         VALUES (1, $1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (only_row) DO UPDATE SET looked_at = excluded.looked_at, latest = excluded.latest,
            latest_hash = excluded.latest_hash, latest_time = excluded.latest_time, safe = excluded.safe,
            final = excluded.final, registry = excluded.registry",
        vec![
            Value::Int(looked_at),
            Value::Int(latest),
            Value::Bytes(latest_hash),
            Value::Int(latest_time),
            Value::Int(safe),
            Value::Int(last),
            Value::Int(registry),
        ],
    );
}

/// Fills that changed after a version, oldest change first.
pub(crate) async fn fills_after(link: Link<'_>, version: i64) -> Result<Vec<FillRow>, StoreError> {
    let sql = format!("{FILL} WHERE f.version > $1 ORDER BY f.version");
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql)).bind(version).fetch_all(db).await?
    }))
}

/// The fills among the latest changes that are not final, oldest change first.
pub(crate) async fn passing_fills(link: Link<'_>, last: u32) -> Result<Vec<FillRow>, StoreError> {
    let sql = format!(
        "{FILL} WHERE f.version > (SELECT coalesce(max(version), 0) FROM chain_fills) - $1
         AND f.state IN ('soft', 'safe') ORDER BY f.version"
    );
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql)).bind(i64::from(last)).fetch_all(db).await?
    }))
}

/// The fill of a bid.
pub(crate) async fn fill_of(link: Link<'_>, bid: &[u8]) -> Result<Option<FillRow>, StoreError> {
    let sql = format!("{FILL} WHERE f.bid = $1");
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql)).bind(bid).fetch_optional(db).await?
    }))
}

/// Fills that may still change: those that are not final, and those from a block on.
pub(crate) async fn open_fills(link: Link<'_>, from: i64) -> Result<Vec<FillRow>, StoreError> {
    let sql =
        format!("{FILL} WHERE f.state IN ('soft', 'safe') OR f.block >= $1 ORDER BY f.version");
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql)).bind(from).fetch_all(db).await?
    }))
}

/// The newest version of any fill.
pub(crate) async fn fill_version(link: Link<'_>) -> Result<i64, StoreError> {
    let newest: Option<i64> = on_engine!(link, db => {
        sqlx::query_scalar("SELECT max(version) FROM chain_fills").fetch_one(db).await?
    });
    Ok(newest.unwrap_or_default())
}

pub(crate) fn put_fill(writer: &mut Writer, row: FillRow) {
    let (bid, ask, settlement_id, total, tx_hash, block, state, version, changed_at, _) = row;
    writer.put(
        "INSERT INTO chain_fills (bid, ask, settlement_id, total, tx_hash, block, state, version, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (bid) DO UPDATE SET ask = excluded.ask, settlement_id = excluded.settlement_id,
            total = excluded.total, tx_hash = excluded.tx_hash, block = excluded.block, state = excluded.state,
            version = excluded.version, changed_at = excluded.changed_at",
        vec![
            Value::Bytes(bid),
            Value::Bytes(ask),
            Value::Text(settlement_id),
            Value::Bytes(total),
            Value::Bytes(tx_hash),
            Value::Int(block),
            Value::Text(state),
            Value::Int(version),
            Value::Int(changed_at),
        ],
    );
}
