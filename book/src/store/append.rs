//! Appending: events, their Merkle nodes and the tables folded from them, in one database transaction.

use std::borrow::Cow;

use alloy::primitives::B256;
use jiff::Timestamp;

use super::Clock;
use super::batch::{Batch, Value};
use super::changes::Changes;
use super::engine::{Link, Tx};
use super::error::StoreError;
use super::head::HeadRow;
use super::projection::{Numbers, Projector};
use super::row::signed;
use crate::log::By;
use crate::log::body::Body;
use crate::log::event::Event;
use crate::log::hash::Columns;
use crate::log::merkle::{Node, leaf_hash};

/// Merkle nodes are stored at the levels that this divides.
pub(crate) const STORED_LEVELS: u32 = 4;

/// How far the clock may lag behind the last event, microseconds: clocks of several machines are never quite in step.
/// The event is then stamped with the last one's time, so that the log's clock never runs backwards.
const CLOCK_TOLERANCE: i64 = 2_000_000;

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
    #[allow(clippy::needless_pass_by_value)] // Ids and names alike are handed over.
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
    batch: Batch,
    head: HeadRow,
    before: u64,
    clock: Clock,
    projector: Projector,
    buffer: Vec<u8>,
    changes: Changes,
    /// Something changes that others are notified of, though the log may not grow.
    stirs: bool,
}

impl Writer {
    pub(crate) async fn begin(
        mut tx: Tx,
        clock: Clock,
        numbers: Numbers,
        changes: Changes,
    ) -> Result<Self, StoreError> {
        let head = HeadRow::read(tx.link())
            .await?
            .unwrap_or_else(HeadRow::empty);
        let before = head.size();
        Ok(Self {
            batch: Batch::new(tx),
            head,
            before,
            clock,
            projector: Projector::new(numbers),
            buffer: Vec::new(),
            changes,
            stirs: false,
        })
    }

    /// How many events the log has, including those appended here.
    pub(crate) fn size(&self) -> u64 {
        self.head.size()
    }

    /// How many events the log has, the last one's hash and the root over all.
    pub(crate) fn state(&self) -> (u64, B256, B256) {
        (self.size(), self.head.hash, self.head.frontier.root())
    }

    /// The connection, to read what this transaction sees.
    pub(crate) async fn link(&mut self) -> Result<Link<'_>, StoreError> {
        self.batch.link().await
    }

    /// Gives a large append the memory to keep the indexes' inner pages: without it `SQLite` reads them again and again.
    pub(crate) async fn widen_cache(&mut self) -> Result<(), StoreError> {
        if let Link::Sqlite(db, _) = self.batch.link().await? {
            sqlx::query("PRAGMA cache_size = -98304")
                .execute(db)
                .await?;
        }
        Ok(())
    }

    /// Appends in sequence and folds into the board's tables.
    pub(crate) async fn append(&mut self, drafts: Vec<Draft>) -> Result<Vec<Event>, StoreError> {
        let captured_at = self.stamp()?;
        let mut nodes = Vec::new();
        let mut events = Vec::with_capacity(drafts.len());
        let mut salts = self.clock.salts(drafts.len())?.into_iter();
        let mut bodies = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let mut event = Event {
                seq: self.head.size() + 1,
                kind: draft.body.kind(),
                subject: draft.subject,
                occurred_at: draft.occurred_at,
                captured_at,
                actor: draft.actor,
                reason: draft.reason,
                body: draft.json,
                prev: self.head.hash,
                hash: B256::ZERO,
                salt: salts.next(),
            };
            event.hash = Columns::of(&event).hash(&mut self.buffer);
            self.chain(&event, &mut nodes);
            events.push(event);
            bodies.push(draft.body);
        }
        self.write(&events, &bodies, &nodes).await?;
        Ok(events)
    }

    /// Appends events as another store has them; the caller has checked that they continue this log.
    pub(crate) async fn restore(&mut self, events: Vec<(Event, Body)>) -> Result<(), StoreError> {
        let mut nodes = Vec::new();
        let (events, bodies): (Vec<_>, Vec<_>) = events.into_iter().unzip();
        for event in &events {
            self.chain(event, &mut nodes);
        }
        self.write(&events, &bodies, &nodes).await?;
        // Nothing else would until the end of a book, which may be long.
        self.batch.run().await
    }

    /// Moves the head to the next event; adds what the tree keeps of it to `nodes`.
    fn chain(&mut self, event: &Event, nodes: &mut Vec<(Node, B256)>) {
        self.head.hash = event.hash;
        self.head.captured_at = event.captured_at.as_microsecond();
        let kept = |node: &Node| node.level > 0 && node.level.is_multiple_of(STORED_LEVELS);
        let leaf = leaf_hash(event.hash.as_slice());
        self.head.frontier.push(leaf, |node, hash| {
            if kept(&node) {
                nodes.push((node, hash));
            }
        });
    }

    async fn write(
        &mut self,
        events: &[Event],
        bodies: &[Body],
        nodes: &[(Node, B256)],
    ) -> Result<(), StoreError> {
        insert_events(&mut self.batch, events);
        insert_nodes(&mut self.batch, nodes);
        for (event, body) in events.iter().zip(bodies) {
            Box::pin(self.projector.apply(&mut self.batch, event, body)).await?;
        }
        self.projector.flush(&mut self.batch);
        Ok(())
    }

    /// Adds a statement that does not belong to an event.
    pub(crate) fn put(&mut self, sql: impl Into<Cow<'static, str>>, values: Vec<Value>) {
        self.batch.push(sql, values);
    }

    /// Adds rows that do not belong to an event.
    pub(crate) fn insert(&mut self, into: &'static str, rows: Vec<Vec<Value>>, tail: &'static str) {
        self.batch.insert(into, rows, tail);
    }

    /// Notifies the processes that follow the book of this commit, even if it appends nothing.
    pub(crate) fn stir(&mut self) {
        self.stirs = true;
    }

    /// Makes everything appended durable.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        let size = self.head.size();
        if size > self.before {
            self.head.write(&mut self.batch, self.before);
        }
        if size > self.before || self.stirs {
            self.batch.announce(size);
        }
        self.batch.commit().await?;
        self.changes.tell(size);
        if self.stirs {
            self.changes.stir();
        }
        Ok(())
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

fn insert_events(batch: &mut Batch, events: &[Event]) {
    const INTO: &str = "events (seq, type, subject, occurred_at, captured_at, actor, reason, body, prev, hash, salt)";
    let rows = events.iter().map(|event| {
        vec![
            Value::Int(signed(event.seq)),
            Value::Text(event.kind.as_str().to_owned()),
            Value::Text(event.subject.clone()),
            Value::Int(event.occurred_at.as_microsecond()),
            Value::Int(event.captured_at.as_microsecond()),
            Value::Text(event.actor.clone()),
            Value::Text(event.reason.clone()),
            Value::Text(event.body.clone()),
            Value::Bytes(event.prev.to_vec()),
            Value::Bytes(event.hash.to_vec()),
            Value::Maybe(event.salt.map(|salt| salt.to_vec())),
        ]
    });
    batch.insert(INTO, rows.collect(), "");
}

fn insert_nodes(batch: &mut Batch, nodes: &[(Node, B256)]) {
    let rows = nodes.iter().map(|(node, hash)| {
        vec![
            Value::Int(i64::from(node.level)),
            Value::Int(signed(node.position)),
            Value::Bytes(hash.to_vec()),
        ]
    });
    batch.insert("merkle (level, position, hash)", rows.collect(), "");
}
