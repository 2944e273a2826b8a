//! Reading the board's tables and the log.

use std::collections::HashMap;

use alloy::primitives::{Address, B256, U256};
use futures::TryStreamExt;
use jiff::Timestamp;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::batch::PORTION;
use super::batch::{Value, bind_all};
use super::engine::{Link, on_engine};
use super::error::StoreError;
use super::row::{
    EventRow, MatchRow, OrderRow, amount, event_columns, signed, timestamp, unsigned,
};
use crate::log::event::EventType;
use crate::log::merkle::leaf_hash;
use crate::market::filter::{OrderFilter, OrderSort};
use crate::market::order::Side;
use crate::market::record::OrderState;
use crate::market::security::Security;

const MATCH_COLUMNS: &str = "id, bid, ask, total, state, proposed_by, approved_by, tx_hash, nonce, sender, \
     proposed_seq, changed_seq";

const ORDER: &str = "SELECT o.seq, c.state, c.seq, e.subject, e.occurred_at, e.captured_at, e.body
     FROM orders o JOIN events e ON e.seq = o.seq LEFT JOIN closings c ON c.order_seq = o.seq";

/// How many orders a list has by default.
const DEFAULT_LIMIT: u32 = 100;

/// Conditions joined by AND, with their values.
#[derive(Default)]
struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    /// Adds `left $n`.
    fn with(&mut self, left: &str, value: Value) {
        self.values.push(value);
        let number = self.values.len();
        self.plain(&format!("{left} ${number}"));
    }

    fn plain(&mut self, condition: &str) {
        self.sql.push_str(if self.sql.is_empty() {
            " WHERE "
        } else {
            " AND "
        });
        self.sql.push_str(condition);
    }
}

pub(crate) async fn order(link: Link<'_>, id: B256) -> Result<Option<OrderRow>, StoreError> {
    let sql = format!("{ORDER} WHERE o.id = $1");
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql)).bind(id.as_slice()).fetch_optional(db).await?
    }))
}

/// The first orders whose ids are between two others, inclusive.
pub(crate) async fn orders_between(
    link: Link<'_>,
    low: B256,
    high: B256,
    limit: usize,
) -> Result<Vec<OrderRow>, StoreError> {
    let sql = format!("{ORDER} WHERE o.id >= $1 AND o.id <= $2 ORDER BY o.id LIMIT {limit}");
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql))
            .bind(low.as_slice())
            .bind(high.as_slice())
            .fetch_all(db)
            .await?
    }))
}

fn conditions(filter: &OrderFilter, security: Option<u64>, now: i64) -> Conditions {
    let mut conditions = Conditions::default();
    if let Some(security) = security {
        conditions.with("o.security =", Value::Int(signed(security)));
    }
    if let Some(side) = filter.side {
        conditions.with("o.side =", Value::Int(i64::from(side.code())));
    }
    match filter.state {
        Some(OrderState::Open) => conditions.plain("c.order_seq IS NULL"),
        Some(state) => conditions.with("c.state =", Value::Int(i64::from(state.code()))),
        None => {}
    }
    match filter.expired {
        Some(true) => {
            conditions.plain("c.order_seq IS NULL");
            conditions.with("o.expiry <=", Value::Int(now));
        }
        Some(false) => conditions.with("o.expiry >", Value::Int(now)),
        None => {}
    }
    if let Some(owner) = filter.owner {
        conditions.with("o.owner =", Value::Bytes(owner.to_vec()));
    }
    if let Some(account) = &filter.account {
        conditions.with("o.account =", Value::Text(account.clone()));
    }
    if let Some(after) = filter.after_seq {
        conditions.with("o.seq >", Value::Int(signed(after)));
    }
    if let Some(before) = filter.before_seq {
        conditions.with("o.seq <", Value::Int(signed(before)));
    }
    conditions
}

/// The orders of a filter, `now` in unix seconds.
pub(crate) async fn orders(
    link: Link<'_>,
    filter: &OrderFilter,
    security: Option<u64>,
    now: i64,
) -> Result<Vec<OrderRow>, StoreError> {
    let Conditions {
        sql: conditions,
        values,
    } = conditions(filter, security, now);
    let way = if filter.descending { "DESC" } else { "ASC" };
    let column = match filter.sort {
        OrderSort::Posted => "seq",
        OrderSort::Price => "price",
        OrderSort::Quantity => "quantity",
        OrderSort::Expiry => "expiry",
    };
    // Open orders are in a separate table in price order.
    let by_price = filter.sort == OrderSort::Price && filter.state == Some(OrderState::Open);
    let from = if by_price { "open_orders" } else { "orders" };
    let join = if by_price && (filter.owner.is_some() || filter.account.is_some()) {
        "open_orders p JOIN orders o ON o.seq = p.seq".to_owned()
    } else {
        format!("{from} o")
    };
    let (limit, offset) = (filter.limit.unwrap_or(DEFAULT_LIMIT), filter.offset);
    let rows = |side: &str, limit: u64| {
        format!(
            "SELECT o.seq, o.{column} AS sorted, c.state, c.seq AS closed
             FROM {join} LEFT JOIN closings c ON c.order_seq = o.seq{conditions}{side}
             ORDER BY o.{column} {way}, o.seq {way} LIMIT {limit}"
        )
    };
    let reach = u64::from(limit) + u64::from(offset);
    // One side at a time is a walk along the index; both together would be a sort of everything.
    let found = if by_price && filter.side.is_none() && security.is_some() {
        let (bids, asks) = (
            rows(" AND o.side = 0", reach),
            rows(" AND o.side = 1", reach),
        );
        format!("SELECT * FROM ({bids}) b UNION ALL SELECT * FROM ({asks}) a")
    } else {
        rows("", reach)
    };
    // The wide rows of the log are joined only to those that are shown.
    let sql = format!(
        "SELECT x.seq, x.state, x.closed, e.subject, e.occurred_at, e.captured_at, e.body
         FROM (SELECT * FROM ({found}) f ORDER BY sorted {way}, seq {way}
               LIMIT {limit} OFFSET {offset}) x
         JOIN events e ON e.seq = x.seq ORDER BY x.sorted {way}, x.seq {way}"
    );
    Ok(on_engine!(link, db => {
        bind_all!(sqlx::query_as(AssertSqlSafe(sql)), values).fetch_all(db).await?
    }))
}

/// How many orders a filter selects, counted up to `most`; `now` in unix seconds.
pub(crate) async fn count(
    link: Link<'_>,
    filter: &OrderFilter,
    security: Option<u64>,
    now: i64,
    most: u32,
) -> Result<u64, StoreError> {
    let Conditions { sql, values } = conditions(filter, security, now);
    let sql = format!(
        "SELECT count(*) FROM (SELECT o.seq FROM orders o
         LEFT JOIN closings c ON c.order_seq = o.seq{sql} LIMIT {most}) f"
    );
    let count: i64 = on_engine!(link, db => {
        bind_all!(sqlx::query_scalar(AssertSqlSafe(sql)), values).fetch_one(db).await?
    });
    Ok(unsigned(count))
}

/// One price with the orders and base units at it; `None` when the sum is above 128 bits.
pub(crate) type LevelSum = (u128, u64, Option<u128>);

/// Price, orders, four parts of the quantity, lowest first.
type LevelRow = (Vec<u8>, i64, i64, i64, i64, i64);

/// The best `levels` prices of one side, and whether there are more; `now` in unix seconds.
pub(crate) async fn levels(
    mut link: Link<'_>,
    security: u64,
    side: Side,
    now: i64,
    levels: usize,
) -> Result<(Vec<LevelSum>, bool), StoreError> {
    // The levels count every open order; those that expired but are not cancelled yet are few, and subtracted here.
    let expired: Vec<(Vec<u8>, Vec<u8>, i64)> = on_engine!(&mut link, db => {
        sqlx::query_as(
            "SELECT price, quantity, seq FROM open_orders
             WHERE security = $1 AND side = $2 AND expiry <= $3",
        )
        .bind(signed(security))
        .bind(i64::from(side.code()))
        .bind(now)
        .fetch_all(&mut **db)
        .await?
    });
    let mut dead: HashMap<u128, (i64, U256)> = HashMap::new();
    for (price, quantity, seq) in expired {
        let entry = dead.entry(amount(seq, "price", &price)?).or_default();
        entry.0 += 1;
        // Fewer than 2^64 amounts below 2^128 do not wrap.
        entry.1 = entry
            .1
            .wrapping_add(U256::from(amount(seq, "quantity", &quantity)?));
    }
    let way = if side == Side::Bid { "DESC" } else { "ASC" };
    let sql = format!(
        "SELECT price, orders, quantity0, quantity1, quantity2, quantity3 FROM levels
         WHERE security = $1 AND side = $2 ORDER BY price {way} LIMIT $3"
    );
    // No more than can be needed: rows that are not used are read all the same.
    let most = levels.saturating_add(dead.len()).saturating_add(1);
    let mut found: Vec<LevelSum> = Vec::new();
    on_engine!(link, db => {
        let mut rows = sqlx::query_as::<_, LevelRow>(AssertSqlSafe(sql))
            .bind(signed(security))
            .bind(i64::from(side.code()))
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .fetch(db);
        while let Some((price, orders, q0, q1, q2, q3)) = rows.try_next().await? {
            let price = amount(0, "price", &price)?;
            let (gone, lost) = dead.get(&price).copied().unwrap_or_default();
            if orders <= gone {
                continue;
            }
            if found.len() == levels {
                return Ok((found, true));
            }
            let sum = [q3, q2, q1, q0].into_iter().fold(U256::ZERO, |sum: U256, part| {
                sum.wrapping_shl(32).wrapping_add(U256::from(unsigned(part)))
            });
            let alive = sum.checked_sub(lost).and_then(|sum| u128::try_from(sum).ok());
            found.push((price, unsigned(orders - gone), alive));
        }
    });
    Ok((found, false))
}

type SecurityRow = (i64, String, String, Vec<u8>, String, i64);

fn security_row(row: SecurityRow) -> Result<(u64, Security), StoreError> {
    let (seq, symbol, isin, token, name, decimals) = row;
    let damaged = |what: String| StoreError::Damaged {
        seq: unsigned(seq),
        what,
    };
    let security = Security {
        isin: isin.parse().map_err(|error| damaged(format!("{error}")))?,
        token: Address::try_from(token.as_slice()).map_err(|error| damaged(error.to_string()))?,
        decimals: u8::try_from(decimals).map_err(|error| damaged(error.to_string()))?,
        name,
        symbol,
    };
    Ok((unsigned(seq), security))
}

/// Every listed security with the event that listed it.
pub(crate) async fn securities(link: Link<'_>) -> Result<Vec<(u64, Security)>, StoreError> {
    securities_between(link, 1, i64::MAX).await
}

/// The event that listed the last of them, as one value in a statement.
pub(super) const LAST_LISTED: &str = "SELECT max(seq) FROM securities";

/// The securities listed by the events `first..=last`.
pub(crate) async fn securities_between(
    link: Link<'_>,
    first: i64,
    last: i64,
) -> Result<Vec<(u64, Security)>, StoreError> {
    let rows: Vec<SecurityRow> = on_engine!(link, db => {
        sqlx::query_as(
            "SELECT seq, symbol, isin, token, name, decimals FROM securities
             WHERE seq BETWEEN $1 AND $2 ORDER BY seq",
        )
        .bind(first)
        .bind(last)
        .fetch_all(db)
        .await?
    });
    rows.into_iter().map(security_row).collect()
}

pub(crate) async fn match_by_id(link: Link<'_>, id: &str) -> Result<Option<MatchRow>, StoreError> {
    let sql = format!("SELECT {MATCH_COLUMNS} FROM matches WHERE id = $1");
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql)).bind(id).fetch_optional(db).await?
    }))
}

/// The first matches whose ids are between two others, inclusive.
pub(crate) async fn matches_between(
    link: Link<'_>,
    low: Uuid,
    high: Uuid,
    limit: usize,
) -> Result<Vec<MatchRow>, StoreError> {
    let sql = format!(
        "SELECT {MATCH_COLUMNS} FROM matches WHERE id >= $1 AND id <= $2 ORDER BY id LIMIT {limit}"
    );
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql))
            .bind(low.to_string())
            .bind(high.to_string())
            .fetch_all(db)
            .await?
    }))
}

/// The first matches whose ids end with this: hexadecimal digits and dashes.
pub(crate) async fn matches_ending(
    link: Link<'_>,
    ending: &str,
    limit: usize,
) -> Result<Vec<MatchRow>, StoreError> {
    let sql = format!(
        "SELECT {MATCH_COLUMNS} FROM matches WHERE id LIKE '%' || $1 ORDER BY id LIMIT {limit}"
    );
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql)).bind(ending).fetch_all(db).await?
    }))
}

/// The matches of an order, oldest first.
pub(crate) async fn matches_of(link: Link<'_>, order: B256) -> Result<Vec<MatchRow>, StoreError> {
    let sql = format!(
        "SELECT {MATCH_COLUMNS} FROM matches WHERE bid = $1 OR ask = $1 ORDER BY proposed_seq"
    );
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql)).bind(order.as_slice()).fetch_all(db).await?
    }))
}

/// All matches, or those of one state, oldest first, after a sequence number.
pub(crate) async fn matches(
    link: Link<'_>,
    state: Option<&str>,
    after: u64,
    limit: u32,
) -> Result<Vec<MatchRow>, StoreError> {
    let mut conditions = Conditions::default();
    conditions.with("proposed_seq >", Value::Int(signed(after)));
    if let Some(state) = state {
        conditions.with("state =", Value::Text(state.to_owned()));
    }
    let Conditions { sql, values } = conditions;
    let sql =
        format!("SELECT {MATCH_COLUMNS} FROM matches{sql} ORDER BY proposed_seq LIMIT {limit}");
    Ok(on_engine!(link, db => {
        bind_all!(sqlx::query_as(AssertSqlSafe(sql)), values).fetch_all(db).await?
    }))
}

/// Events in sequence, from a given one.
pub(crate) async fn events(
    link: Link<'_>,
    from: u64,
    limit: u32,
) -> Result<Vec<EventRow>, StoreError> {
    let columns = event_columns(&link);
    let sql =
        format!("SELECT {columns} FROM events e WHERE e.seq >= $1 ORDER BY e.seq LIMIT {limit}");
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql)).bind(signed(from)).fetch_all(db).await?
    }))
}

/// The events of a subject, except order postings.
pub(crate) async fn events_of(link: Link<'_>, subject: &str) -> Result<Vec<EventRow>, StoreError> {
    let columns = event_columns(&link);
    let sql = format!(
        "SELECT {columns} FROM events e
         WHERE e.subject = $1 AND e.type <> 'order_posted' ORDER BY e.seq"
    );
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql)).bind(subject).fetch_all(db).await?
    }))
}

/// Events of a rare type in sequence, after one.
pub(crate) async fn events_of_type(
    link: Link<'_>,
    kind: EventType,
    after: u64,
    limit: u32,
) -> Result<Vec<EventRow>, StoreError> {
    let columns = event_columns(&link);
    let sql = format!(
        "SELECT {columns} FROM events e WHERE e.type = $1 AND e.type <> 'order_posted'
         AND e.seq > $2 ORDER BY e.seq LIMIT {limit}"
    );
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql))
            .bind(kind.as_str())
            .bind(signed(after))
            .fetch_all(db)
            .await?
    }))
}

/// The last event of a rare type after a given one, among those that name a transaction.
pub(crate) async fn last_of_type(
    link: Link<'_>,
    kind: EventType,
    after: u64,
) -> Result<Option<EventRow>, StoreError> {
    let columns = event_columns(&link);
    let sql = format!(
        "SELECT {columns} FROM events e WHERE e.type = $1 AND e.type <> 'order_posted'
         AND e.seq > $2 AND e.body LIKE '%\"tx_hash\"%' ORDER BY e.seq DESC LIMIT 1"
    );
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql))
            .bind(kind.as_str())
            .bind(signed(after))
            .fetch_optional(db)
            .await?
    }))
}

/// The last event of a type about a subject.
pub(crate) async fn last_event(
    link: Link<'_>,
    subject: &str,
    kind: EventType,
) -> Result<Option<EventRow>, StoreError> {
    let columns = event_columns(&link);
    let sql = format!(
        "SELECT {columns} FROM events e
         WHERE e.subject = $1 AND e.type <> 'order_posted' AND e.type = $2 ORDER BY e.seq DESC LIMIT 1"
    );
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql))
            .bind(subject)
            .bind(kind.as_str())
            .fetch_optional(db)
            .await?
    }))
}

/// The staff events in sequence.
pub(crate) async fn staff_events(link: &mut Link<'_>) -> Result<Vec<EventRow>, StoreError> {
    let columns = event_columns(link);
    let sql = format!(
        "SELECT {columns} FROM events e WHERE e.type IN ($1, $2) AND e.type <> 'order_posted'
         ORDER BY e.seq"
    );
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql))
            .bind(EventType::StaffChanged.as_str())
            .bind(EventType::SigningDemanded.as_str())
            .fetch_all(&mut **db)
            .await?
    }))
}

/// The last of them, as one value in a statement. The sum keeps `PostgreSQL` from scanning the whole log from its end:
/// few events have these types.
pub(super) const LAST_STAFF_EVENT: &str = "SELECT max(seq + 0) FROM events WHERE type IN ('staff_changed', 'signing_demanded') AND type <> 'order_posted'";

/// The last of them; 0 when there is none.
pub(crate) async fn last_staff_event(link: &mut Link<'_>) -> Result<u64, StoreError> {
    let last: Option<i64> = on_engine!(link, db => {
        sqlx::query_scalar(LAST_STAFF_EVENT).fetch_one(&mut **db).await?
    });
    Ok(last.map_or(0, unsigned))
}

/// One event.
pub(crate) async fn event(link: Link<'_>, seq: u64) -> Result<Option<EventRow>, StoreError> {
    let columns = event_columns(&link);
    let sql = format!("SELECT {columns} FROM events e WHERE e.seq = $1");
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql)).bind(signed(seq)).fetch_optional(db).await?
    }))
}

/// The first event whose capture time meets a condition that stays true once it is, or the number after the last event:
/// capture times never run backwards.
pub(crate) async fn first_since(
    link: &mut Link<'_>,
    size: u64,
    reached: impl Fn(Timestamp) -> bool,
) -> Result<u64, StoreError> {
    let (mut low, mut high) = (1, size + 1);
    while low < high {
        let middle = u64::midpoint(low, high);
        let found = event(link.reborrow(), middle).await?;
        let found = found.ok_or_else(|| StoreError::Damaged {
            seq: middle,
            what: "it is missing: see `audit verify`".to_owned(),
        })?;
        let captured_at = timestamp(found.0, "captured_at", found.4)?;
        if reached(captured_at) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(low)
}

/// The settlements of a security before an event, newest first.
pub(crate) async fn fills_of(
    link: Link<'_>,
    security: u64,
    before: u64,
    limit: u32,
) -> Result<Vec<EventRow>, StoreError> {
    let columns = event_columns(&link);
    let sql = format!(
        "SELECT {columns} FROM events e
         WHERE e.type = $1 AND e.type <> 'order_posted' AND e.seq < $2 AND EXISTS
            (SELECT 1 FROM closings c JOIN orders o ON o.seq = c.order_seq WHERE c.seq = e.seq AND o.security = $3)
         ORDER BY e.seq DESC LIMIT {limit}"
    );
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql))
            .bind(EventType::SettlementSettled.as_str())
            .bind(signed(before.min(i64::MAX.unsigned_abs())))
            .bind(signed(security))
            .fetch_all(db)
            .await?
    }))
}

/// The events that closed orders of an order, and the event that posted it.
pub(crate) async fn order_events(link: Link<'_>, order: B256) -> Result<Vec<EventRow>, StoreError> {
    let columns = event_columns(&link);
    let sql = format!(
        "SELECT {columns} FROM events e WHERE e.seq IN
            (SELECT seq FROM orders WHERE id = $1
             UNION SELECT c.seq FROM closings c JOIN orders o ON o.seq = c.order_seq WHERE o.id = $1)
         ORDER BY e.seq"
    );
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql)).bind(order.as_slice()).fetch_all(db).await?
    }))
}

/// Which of these orders the board has.
pub(crate) async fn known(mut link: Link<'_>, ids: &[B256]) -> Result<Vec<B256>, StoreError> {
    let mut found = Vec::new();
    for part in ids.chunks(PORTION) {
        let (ids, places) = filled(part);
        let sql = format!("SELECT id FROM orders WHERE id IN ({places})");
        let rows: Vec<Vec<u8>> = on_engine!(&mut link, db => {
            let mut query = sqlx::query_scalar(AssertSqlSafe(sql));
            for id in &ids {
                query = query.bind(id.as_slice());
            }
            query.fetch_all(&mut **db).await?
        });
        found.extend(
            rows.iter()
                .filter_map(|id| B256::try_from(id.as_slice()).ok()),
        );
    }
    Ok(found)
}

/// Those of these orders that the board has.
pub(crate) async fn orders_among(
    mut link: Link<'_>,
    ids: &[B256],
) -> Result<Vec<OrderRow>, StoreError> {
    let mut found = Vec::new();
    for part in ids.chunks(PORTION) {
        let (ids, places) = filled(part);
        let sql = format!("{ORDER} WHERE o.id IN ({places})");
        let rows: Vec<OrderRow> = on_engine!(&mut link, db => {
            let mut query = sqlx::query_as(AssertSqlSafe(sql));
            for id in &ids {
                query = query.bind(id.as_slice());
            }
            query.fetch_all(&mut **db).await?
        });
        found.extend(rows);
    }
    Ok(found)
}

/// Ids, at least one, padded to a power of two, and a placeholder for each: few statements to prepare, however many
/// ids.
pub(super) fn filled(ids: &[B256]) -> (Vec<B256>, String) {
    let mut filled = ids.to_vec();
    filled.resize(ids.len().next_power_of_two(), ids[0]);
    let places: Vec<_> = (1..=filled.len())
        .map(|number| format!("${number}"))
        .collect();
    (filled, places.join(", "))
}

/// The hashes of consecutive nodes of a stored level, left to right; level 0 is the leaves, made from the events.
pub(crate) async fn nodes(
    link: &mut Link<'_>,
    level: u32,
    first: u64,
    last: u64,
) -> Result<Vec<B256>, StoreError> {
    let rows: Vec<Vec<u8>> = on_engine!(link, db => {
        if level == 0 {
            sqlx::query_scalar("SELECT hash FROM events WHERE seq BETWEEN $1 AND $2 ORDER BY seq")
                .bind(signed(first + 1))
                .bind(signed(last + 1))
                .fetch_all(&mut **db)
                .await?
        } else {
            sqlx::query_scalar(
                "SELECT hash FROM merkle WHERE level = $3 AND position BETWEEN $1 AND $2 ORDER BY position",
            )
            .bind(signed(first))
            .bind(signed(last))
            .bind(i64::from(level))
            .fetch_all(&mut **db)
            .await?
        }
    });
    rows.iter()
        .map(|bytes| {
            let hash = super::row::hash(signed(first), "hash", bytes)?;
            Ok(if level == 0 {
                leaf_hash(hash.as_slice())
            } else {
                hash
            })
        })
        .collect()
}
