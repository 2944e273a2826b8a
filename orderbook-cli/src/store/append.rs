//! Appending: events, their Merkle nodes and the tables folded from them, in one database transaction.

use alloy::primitives::B256;
use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use super::Clock;
use super::engine::{Link, Tx, on_engine};
use super::error::StoreError;
use super::head::HeadRow;
use super::projection::Projector;
use super::row::signed;
use crate::audit::body::Body;
use crate::audit::event::Event;
use crate::audit::hash::Columns;
use crate::audit::merkle::{Node, leaf_hash};
use crate::board::By;

/// Merkle nodes are stored at the levels that this divides.
pub(crate) const STORED_LEVELS: u32 = 4;

/// How far the clock may lag behind the last event, microseconds: desks on several machines are never quite in step. The
/// event is then stamped with the last one's time, so that the log's clock never runs backwards.
const CLOCK_TOLERANCE: i64 = 2_000_000;

/// Rows per INSERT of many.
const BATCH: usize = 64;

/// An event that is not in the log yet.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    subject: String,
    occurred_at: Timestamp,
    actor: String,
    reason: String,
    body: Body,
    json: String,
}

impl Draft {
    pub(crate) fn new(
        subject: impl ToString,
        occurred_at: Timestamp,
        by: &By,
        body: Body,
    ) -> Result<Self, StoreError> {
        let json = body.to_json().map_err(|error| StoreError::Damaged {
            seq: 0,
            what: error.to_string(),
        })?;
        Ok(Self {
            subject: subject.to_string(),
            occurred_at,
            actor: by.actor.clone(),
            reason: by.reason.clone(),
            body,
            json,
        })
    }
}

/// The book's one writer.
#[derive(Debug)]
pub(crate) struct Writer {
    tx: Tx,
    head: HeadRow,
    before: u64,
    clock: Clock,
    projector: Projector,
    buffer: Vec<u8>,
}

impl Writer {
    pub(crate) async fn begin(mut tx: Tx, clock: Clock) -> Result<Self, StoreError> {
        let head = HeadRow::read(tx.link())
            .await?
            .unwrap_or_else(HeadRow::empty);
        let before = head.size();
        Ok(Self {
            tx,
            head,
            before,
            clock,
            projector: Projector::default(),
            buffer: Vec::new(),
        })
    }

    /// How many events the log has, those appended here included.
    pub(crate) fn size(&self) -> u64 {
        self.head.size()
    }

    /// The connection, to read what this transaction sees.
    pub(crate) fn link(&mut self) -> Link<'_> {
        self.tx.link()
    }

    /// Appends in sequence and folds into the board's tables.
    pub(crate) async fn append(&mut self, drafts: Vec<Draft>) -> Result<Vec<Event>, StoreError> {
        let captured_at = self.stamp()?;
        let mut nodes = Vec::new();
        let mut events = Vec::with_capacity(drafts.len());
        let mut bodies = Vec::with_capacity(drafts.len());
        for draft in drafts {
            bodies.push(draft.body);
            let seq = self.head.size() + 1;
            let mut event = Event {
                seq,
                kind: bodies[bodies.len() - 1].kind(),
                subject: draft.subject,
                occurred_at: draft.occurred_at,
                captured_at,
                actor: draft.actor,
                reason: draft.reason,
                body: draft.json,
                prev: self.head.hash,
                hash: B256::ZERO,
            };
            event.hash = Columns::of(&event).hash(&mut self.buffer);
            self.head.hash = event.hash;
            self.head.captured_at = captured_at.as_microsecond();
            self.head
                .frontier
                .push(leaf_hash(event.hash.as_slice()), |node, hash| {
                    if node.level > 0 && node.level % STORED_LEVELS == 0 {
                        nodes.push((node, hash));
                    }
                });
            events.push(event);
        }
        insert_events(self.tx.link(), &events).await?;
        insert_nodes(self.tx.link(), &nodes).await?;
        for (event, body) in events.iter().zip(&bodies) {
            self.projector.apply(self.tx.link(), event, body).await?;
        }
        self.projector.flush(self.tx.link()).await?;
        Ok(events)
    }

    /// Makes everything appended durable.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        if self.head.size() > self.before {
            self.head.write(self.tx.link(), self.before).await?;
        }
        self.tx.commit().await
    }

    fn stamp(&self) -> Result<Timestamp, StoreError> {
        let now = self.clock.now().as_microsecond();
        let last = self.head.captured_at;
        let stamp = |micros| super::row::timestamp(0, "clock", micros);
        if now < last - CLOCK_TOLERANCE {
            return Err(StoreError::ClockBehind {
                now: stamp(now)?,
                last: stamp(last)?,
            });
        }
        stamp(now.max(last))
    }
}

/// `INSERT ... VALUES` for `rows` rows of `columns` columns, numbered placeholders.
pub(super) fn insert(into: &str, columns: usize, rows: usize) -> String {
    let mut sql = format!("INSERT INTO {into} VALUES ");
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for column in 1..=columns {
            let comma = if column == 1 { "" } else { ", " };
            sql.push_str(&format!("{comma}${}", row * columns + column));
        }
        sql.push(')');
    }
    sql
}

/// Full batches, then single rows: two statements to prepare, whatever the number of rows.
pub(crate) fn batches<T>(rows: &[T]) -> impl Iterator<Item = &[T]> {
    let full = rows.len() - rows.len() % BATCH;
    rows[..full].chunks(BATCH).chain(rows[full..].chunks(1))
}

async fn insert_events(mut link: Link<'_>, events: &[Event]) -> Result<(), StoreError> {
    const INTO: &str =
        "events (seq, type, subject, occurred_at, captured_at, actor, reason, body, prev, hash)";
    for batch in batches(events) {
        let sql = insert(INTO, 10, batch.len());
        on_engine!(&mut link, db => {
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for event in batch {
                query = query
                    .bind(signed(event.seq))
                    .bind(event.kind.as_str())
                    .bind(event.subject.as_str())
                    .bind(event.occurred_at.as_microsecond())
                    .bind(event.captured_at.as_microsecond())
                    .bind(event.actor.as_str())
                    .bind(event.reason.as_str())
                    .bind(event.body.as_str())
                    .bind(event.prev.as_slice())
                    .bind(event.hash.as_slice());
            }
            query.execute(&mut **db).await?;
        });
    }
    Ok(())
}

async fn insert_nodes(mut link: Link<'_>, nodes: &[(Node, B256)]) -> Result<(), StoreError> {
    for batch in batches(nodes) {
        let sql = insert("merkle (level, position, hash)", 3, batch.len());
        on_engine!(&mut link, db => {
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for (node, hash) in batch {
                query = query
                    .bind(i64::from(node.level))
                    .bind(signed(node.position))
                    .bind(hash.as_slice());
            }
            query.execute(&mut **db).await?;
        });
    }
    Ok(())
}
