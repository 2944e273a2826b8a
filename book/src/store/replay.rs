//! Reading the log and the tables in long stretches, to compare one with the other.

use std::borrow::Cow;

use alloy::primitives::B256;
use futures::TryStreamExt;
use sqlx::AssertSqlSafe;

use super::batch::Value;
use super::engine::{Link, on_engine};
use super::error::StoreError;
use super::packed::{self, Column, Packed, Row, text};
use super::projection::limbs;
use super::query;
use super::row::{EventRow, event_columns, signed, unsigned};
use crate::log::hash::Columns;
use crate::log::merkle::Node;
use crate::market::security::Security;
use crate::store::sum::{RowKey, RowSum};

/// A row of `events`.
#[derive(Debug)]
pub(crate) struct StoredEvent<'a> {
    pub(crate) seq: i64,
    pub(crate) occurred_at: i64,
    pub(crate) captured_at: i64,
    pub(crate) kind: Cow<'a, str>,
    pub(crate) subject: Cow<'a, str>,
    pub(crate) actor: Cow<'a, str>,
    pub(crate) reason: Cow<'a, str>,
    pub(crate) prev: &'a [u8],
    pub(crate) hash: &'a [u8],
    pub(crate) salt: Option<&'a [u8]>,
    pub(crate) body: Cow<'a, str>,
}

impl StoredEvent<'_> {
    /// Its hashed fields.
    pub(crate) fn columns(&self) -> Columns<'_> {
        Columns {
            seq: unsigned(self.seq),
            kind: &self.kind,
            subject: &self.subject,
            occurred_at: self.occurred_at,
            captured_at: self.captured_at,
            actor: &self.actor,
            reason: &self.reason,
            body: &self.body,
            prev: self.prev,
            salt: self.salt,
        }
    }

    /// The same, as read on its own.
    pub(crate) fn to_row(&self) -> EventRow {
        (
            self.seq,
            self.kind.to_string(),
            self.subject.to_string(),
            self.occurred_at,
            self.captured_at,
            self.actor.to_string(),
            self.reason.to_string(),
            self.body.to_string(),
            self.prev.to_vec(),
            self.hash.to_vec(),
            self.salt.map(<[u8]>::to_vec),
        )
    }
}

/// A row of `orders`.
#[derive(Debug)]
pub(crate) struct StoredOrder<'a> {
    pub(crate) seq: i64,
    pub(crate) security: i64,
    pub(crate) side: i64,
    pub(crate) expiry: i64,
    pub(crate) id: &'a [u8],
    pub(crate) price: &'a [u8],
    pub(crate) quantity: &'a [u8],
    pub(crate) owner: &'a [u8],
    pub(crate) account: Cow<'a, str>,
}

/// Closing event, state, order id.
pub(crate) type ClosingRow = (i64, i64, Vec<u8>);

/// A row of `open_orders`: security, side, price, seq, quantity, expiry.
pub(crate) type OpenRow<'a> = (i64, i64, &'a [u8], i64, &'a [u8], i64);

/// Some events as the database joined them.
#[derive(Debug, Default)]
pub(crate) struct Events(Vec<Packed>);

impl Events {
    /// The events in sequence.
    pub(crate) fn rows(&self) -> Vec<StoredEvent<'_>> {
        let rows = self.0.iter().flat_map(|packed| packed.rows(&EVENT));
        let mut events: Vec<_> = rows.map(stored_event).collect();
        events.sort_by_key(|event| event.seq);
        events
    }
}

/// The events `first..=last`.
pub(crate) async fn events(
    link: &mut Link<'_>,
    first: u64,
    last: u64,
) -> Result<Events, StoreError> {
    let (mut from, last) = (signed(first), signed(last));
    let mut found = Vec::new();
    while from <= last {
        let to = last.min(from + PORTION - 1);
        let values = [Value::Int(from), Value::Int(to)];
        let source = "events x WHERE x.seq BETWEEN $1 AND $2";
        found.push(packed::rows(link, &EVENT, source, &values).await?);
        from = to + 1;
    }
    Ok(Events(found))
}

const HASH: [Column; 2] = [Column::Int("seq"), Column::Bytes("hash")];

/// The hashes of the events `first..=last`, in sequence.
pub(crate) async fn hashes(
    link: &mut Link<'_>,
    first: u64,
    last: u64,
) -> Result<Vec<B256>, StoreError> {
    let values = [Value::Int(signed(first)), Value::Int(signed(last))];
    let source = "events x WHERE x.seq BETWEEN $1 AND $2";
    let packed = packed::rows(link, &HASH, source, &values).await?;
    let mut rows: Vec<_> = packed.rows::<1, 1>(&HASH).collect();
    rows.sort_by_key(|row| row.ints);
    let hash = |row: &Row<'_, 1, 1>| super::row::hash(row.ints[0], "hash", row.fields[0]);
    rows.iter().map(hash).collect()
}

/// Some events with every row that was folded from them.
#[derive(Debug)]
pub(crate) struct Stretch {
    events: Events,
    orders: Vec<Packed>,
    /// Orders that these events closed.
    pub(crate) closings: Vec<ClosingRow>,
    /// Which orders of these events are closed by now.
    pub(crate) closed: Vec<i64>,
    pub(crate) nodes: Vec<(Node, B256)>,
    pub(crate) securities: Vec<(u64, Security)>,
}

impl Stretch {
    /// The events in sequence.
    pub(crate) fn events(&self) -> Vec<StoredEvent<'_>> {
        self.events.rows()
    }

    /// The rows of `orders` in sequence.
    pub(crate) fn orders(&self) -> Vec<StoredOrder<'_>> {
        let rows = self.orders.iter().flat_map(|packed| packed.rows(&ORDER));
        let mut orders: Vec<_> = rows.map(stored_order).collect();
        orders.sort_by_key(|order| order.seq);
        orders
    }
}

/// The events after the first `start` up to `end`, as the log of `size` events has them.
pub(crate) async fn stretch(
    link: &mut Link<'_>,
    start: u64,
    end: u64,
    size: u64,
) -> Result<Stretch, StoreError> {
    let (first, last, limit) = (signed(start + 1), signed(end), signed(size));
    let events = events(link, start + 1, end).await?;
    let mut orders = Vec::new();
    let mut from = first;
    while from <= last {
        let to = last.min(from + PORTION - 1);
        let values = [Value::Int(from), Value::Int(to)];
        let source = "orders x WHERE x.seq BETWEEN $1 AND $2";
        orders.push(packed::rows(link, &ORDER, source, &values).await?);
        from = to + 1;
    }
    let (closings, closed, nodes) = on_engine!(&mut *link, db => {
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
        (closings, closed, nodes)
    });
    let securities = query::securities_between(link.reborrow(), first, last).await?;
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

/// Rows that are read as one.
const PORTION: i64 = 128;

/// Security, side, price and seq: the sequence of `open_orders`.
type Key = (i64, i64, Vec<u8>, i64);

const EVENT: [Column; 11] = [
    Column::Int("seq"),
    Column::Int("occurred_at"),
    Column::Int("captured_at"),
    Column::Text("type"),
    Column::Text("subject"),
    Column::Text("actor"),
    Column::Text("reason"),
    Column::Bytes("prev"),
    Column::Bytes("hash"),
    Column::Salt,
    Column::Text("body"),
];

fn stored_event(row: Row<'_, 3, 8>) -> StoredEvent<'_> {
    let [seq, occurred_at, captured_at] = row.ints;
    let [kind, subject, actor, reason, prev, hash, salt, body] = row.fields;
    StoredEvent {
        seq,
        occurred_at,
        captured_at,
        kind: text(kind),
        subject: text(subject),
        actor: text(actor),
        reason: text(reason),
        prev,
        hash,
        // No salt is empty: the table's check ensures it, and the hash would differ.
        salt: (!salt.is_empty()).then_some(salt),
        body: text(body),
    }
}

const ORDER: [Column; 9] = [
    Column::Int("seq"),
    Column::Int("security"),
    Column::Int("side"),
    Column::Int("expiry"),
    Column::Bytes("id"),
    Column::Bytes("price"),
    Column::Bytes("quantity"),
    Column::Bytes("owner"),
    Column::Text("account"),
];

fn stored_order(row: Row<'_, 4, 5>) -> StoredOrder<'_> {
    let [seq, security, side, expiry] = row.ints;
    let [id, price, quantity, owner, account] = row.fields;
    StoredOrder {
        seq,
        security,
        side,
        expiry,
        id,
        price,
        quantity,
        owner,
        account: text(account),
    }
}

const OPEN_ORDER: [Column; 6] = [
    Column::Int("security"),
    Column::Int("side"),
    Column::Int("seq"),
    Column::Int("expiry"),
    Column::Bytes("price"),
    Column::Bytes("quantity"),
];

/// The next open orders after a key.
async fn open_orders_after(link: &mut Link<'_>, last: &Key) -> Result<Packed, StoreError> {
    let source = format!(
        "(SELECT * FROM open_orders WHERE (security, side, price, seq) > ($1, $2, $3, $4)
         ORDER BY security, side, price, seq LIMIT {PORTION}) x"
    );
    let (security, side, price, seq) = last.clone();
    let values = [
        Value::Int(security),
        Value::Int(side),
        Value::Bytes(price),
        Value::Int(seq),
    ];
    packed::rows(link, &OPEN_ORDER, &source, &values).await
}

/// Writes what is summed for a row of `open_orders` to `out`.
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

/// Writes what is summed for a row of `levels` to `out`.
fn level_row(security: i64, side: i64, price: &[u8], numbers: [i64; 5], out: &mut Vec<u8>) {
    out.clear();
    for number in [security, side].into_iter().chain(numbers) {
        out.extend_from_slice(&number.to_be_bytes());
    }
    out.extend_from_slice(price);
}

/// The fingerprints of the open orders, and of the levels that they add up to.
pub(crate) async fn open_orders(
    mut link: Link<'_>,
    key: &RowKey,
) -> Result<(RowSum, RowSum), StoreError> {
    let (mut orders, mut levels) = (RowSum::default(), RowSum::default());
    let mut buffer = Vec::new();
    let mut level: Option<(i64, i64, Vec<u8>, [i64; 5])> = None;
    let mut last: Key = (i64::MIN, 0, Vec::new(), 0);
    loop {
        let packed = open_orders_after(&mut link, &last).await?;
        let mut behind = None;
        for row in packed.rows::<4, 2>(&OPEN_ORDER) {
            let ([security, side, seq, expiry], [price, quantity]) = (row.ints, row.fields);
            behind = Some((security, side, price, seq));
            open_row((security, side, price, seq, quantity, expiry), &mut buffer);
            orders.add_row(key, &buffer);
            let same = level
                .as_ref()
                .is_some_and(|(s, d, p, _)| (*s, *d, &p[..]) == (security, side, price));
            if !same && let Some((security, side, price, numbers)) = level.take() {
                level_row(security, side, &price, numbers, &mut buffer);
                levels.add_row(key, &buffer);
            }
            let (_, _, _, numbers) =
                level.get_or_insert_with(|| (security, side, price.to_vec(), [0; 5]));
            numbers[0] += 1;
            // A quantity of a wrong length is found where the orders are compared.
            let parts = limbs(super::row::amount(seq, "quantity", quantity).unwrap_or_default());
            for (number, part) in numbers[1..].iter_mut().zip(parts) {
                *number = number.wrapping_add(part);
            }
        }
        match behind {
            Some((security, side, price, seq)) => last = (security, side, price.to_vec(), seq),
            None => break,
        }
    }
    if let Some((security, side, price, numbers)) = level {
        level_row(security, side, &price, numbers, &mut buffer);
        levels.add_row(key, &buffer);
    }
    Ok((orders, levels))
}

/// The fingerprint of table `levels`.
pub(crate) async fn levels(link: Link<'_>, key: &RowKey) -> Result<RowSum, StoreError> {
    type Row = (i64, i64, Vec<u8>, i64, i64, i64, i64, i64);
    let mut sum = RowSum::default();
    let mut buffer = Vec::new();
    on_engine!(link, db => {
        let mut rows = sqlx::query_as::<_, Row>(
            "SELECT security, side, price, orders, quantity0, quantity1, quantity2, quantity3 FROM levels",
        )
        .fetch(db);
        while let Some((security, side, price, orders, q0, q1, q2, q3)) = rows.try_next().await? {
            level_row(security, side, &price, [orders, q0, q1, q2, q3], &mut buffer);
            sum.add_row(key, &buffer);
        }
    });
    Ok(sum)
}

/// The first order whose row in `open_orders` is missing, unexpected or different.
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
            "table open_orders has a different row for its order"
        } else {
            "its order is open but not in table open_orders"
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

/// The first event beyond the end of the log.
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
    let columns = event_columns(link);
    let sql =
        format!("SELECT {columns} FROM events e WHERE e.type <> 'order_posted' ORDER BY e.seq");
    Ok(on_engine!(link, db => sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&mut **db).await?))
}
