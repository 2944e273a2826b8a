//! One segment of the log, checked by itself.

use std::collections::HashMap;

use alloy::hex;
use alloy::primitives::B256;

use super::folded::{cancelled, posts, projection};
use super::verify::{Fault, Finding, Reference, concerns_match};
use crate::board::BoardError;
use crate::log::body::{Body, SettlementSettled};
use crate::log::event::{Event, EventType};
use crate::log::merkle::{Frontier, Node, leaf_hash};
use crate::market::record::OrderState;
use crate::market::security::Security;
use crate::store::append::STORED_LEVELS;
use crate::store::replay::{self, ClosingRow, StoredEvent, StoredOrder, Stretch};
use crate::store::row::{self, unsigned};
use crate::store::sum::RowSum;
use crate::store::{Store, query};

/// Events checked at once: a power of two, so that a full segment is one subtree.
pub(crate) const SEGMENT: u64 = 1 << 11;
/// Segments read and checked at the same time.
pub(crate) const PARALLEL: usize = 4;

/// What a segment contributes to the whole.
#[derive(Debug)]
pub(crate) struct Segment {
    /// The first event's prev and capture time; `None` when it is missing.
    pub(crate) first: Option<(B256, i64)>,
    pub(crate) last_hash: B256,
    pub(crate) last_captured_at: i64,
    /// The tree over its own events.
    pub(crate) tree: Frontier,
    /// Sizes of the whole log that end in this segment, with the peaks of its own part.
    pub(crate) roots: Vec<(u64, Vec<B256>)>,
    /// Stored nodes above the segment that end in it.
    pub(crate) stored: HashMap<Node, B256>,
    /// Events about matches.
    pub(crate) matches: Vec<(Event, Body)>,
    /// Orders that are open.
    pub(crate) open: RowSum,
    pub(crate) orders: u64,
    pub(crate) closings: u64,
    pub(crate) securities: u64,
    pub(crate) finding: Option<Finding>,
}

/// Reads and checks the events after the first `start`.
pub(crate) async fn check(
    store: Store,
    reference: Reference,
    start: u64,
) -> Result<Segment, BoardError> {
    let end = reference.size.min(start + SEGMENT);
    let mut reader = store.reader().await?;
    let stretch = replay::stretch(&mut reader.link(), start, end, reference.size).await?;
    drop(reader);
    let checked =
        tokio::task::spawn_blocking(move || judge(&stretch, &reference, start, end)).await;
    let mut checked = checked.map_err(|panic| std::io::Error::other(panic.to_string()))?;
    // A finding needs the store again, which happens only once.
    match &mut checked.finding {
        None => {
            checked.finding = match confirm_absent(&store, &mut checked.doubtful).await? {
                None => confirm_left(&store, &checked.leaving).await?,
                found => found,
            };
        }
        Some(finding) if finding.fault == Fault::CutTail => {
            let mut reader = store.reader().await?;
            if let Some(next) = replay::next_event(reader.link(), finding.seq).await? {
                finding.fault = Fault::Deleted;
                finding.message =
                    format!("the next event is {next}: the events in between are missing");
            }
        }
        Some(_) => {}
    }
    Ok(checked.segment())
}

/// A segment with what only the store can answer.
struct Judged {
    segment: Segment,
    finding: Option<Finding>,
    /// Orders that a settlement should have closed: fine if the board never had them.
    doubtful: Vec<(u64, B256)>,
    /// Orders that must leave the board right after an event that says so.
    leaving: Vec<(u64, B256)>,
}

impl Judged {
    fn segment(mut self) -> Segment {
        self.segment.finding = self.finding;
        self.segment
    }
}

async fn confirm_absent(
    store: &Store,
    doubtful: &mut Vec<(u64, B256)>,
) -> Result<Option<Finding>, BoardError> {
    for (seq, id) in doubtful.drain(..) {
        if query::order(store.reader().await?.link(), id)
            .await?
            .is_some()
        {
            let message = format!("it settled order {id} but did not close it");
            return Ok(Some(Finding::new(seq, Fault::Projection, message)));
        }
    }
    Ok(None)
}

/// A refused match names the order that leaves the board in the same commit: at most three events on.
async fn confirm_left(
    store: &Store,
    leaving: &[(u64, B256)],
) -> Result<Option<Finding>, BoardError> {
    for (seq, id) in leaving {
        let order = query::order(store.reader().await?.link(), *id).await?;
        let closed = order.and_then(|order| order.2).map(unsigned);
        if !closed.is_some_and(|closed| *seq < closed && closed <= seq + 3) {
            let message =
                format!("it says that order {id} leaves the board, but the order does not");
            return Ok(Some(Finding::new(*seq, Fault::Impossible, message)));
        }
    }
    Ok(None)
}

fn judge(stretch: &Stretch, reference: &Reference, start: u64, end: u64) -> Judged {
    let events = stretch.events();
    let mut judge = Judge {
        stretch,
        orders: stretch.orders(),
        reference,
        buffer: Vec::with_capacity(4_096),
        next_order: 0,
        next_closing: 0,
        closed: stretch.closed.iter().copied().collect(),
        stored: stretch.nodes.iter().copied().collect(),
        doubtful: Vec::new(),
        leaving: Vec::new(),
        segment: Segment {
            first: events.first().and_then(|row| {
                let prev = B256::try_from(row.prev).unwrap_or_default();
                (unsigned(row.seq) == start + 1).then_some((prev, row.captured_at))
            }),
            last_hash: B256::ZERO,
            last_captured_at: 0,
            tree: Frontier::default(),
            roots: Vec::new(),
            stored: HashMap::new(),
            matches: Vec::new(),
            open: RowSum::default(),
            orders: 0,
            closings: 0,
            securities: 0,
            finding: None,
        },
    };
    let finding = judge.run(&events, start, end).err();
    judge.segment.stored = judge.stored;
    Judged {
        segment: judge.segment,
        finding,
        doubtful: judge.doubtful,
        leaving: judge.leaving,
    }
}

struct Judge<'a> {
    stretch: &'a Stretch,
    orders: Vec<StoredOrder<'a>>,
    reference: &'a Reference,
    buffer: Vec<u8>,
    next_order: usize,
    next_closing: usize,
    closed: std::collections::HashSet<i64>,
    stored: HashMap<Node, B256>,
    doubtful: Vec<(u64, B256)>,
    leaving: Vec<(u64, B256)>,
    segment: Segment,
}

impl Judge<'_> {
    fn run(&mut self, events: &[StoredEvent<'_>], start: u64, end: u64) -> Result<(), Finding> {
        let mut before: Option<(&[u8], i64)> = None;
        for (seq, row) in (start + 1..=end).zip(events) {
            let found = unsigned(row.seq);
            if found != seq {
                let message =
                    format!("the next event is {found}: the events in between are missing");
                return Err(Finding::new(seq, Fault::Deleted, message));
            }
            let hash = self.hash(seq, row)?;
            if let Some((hash, captured_at)) = before {
                if row.prev != hash {
                    let message = "its prev is not the hash of the previous event";
                    return Err(Finding::new(seq, Fault::Forked, message));
                }
                if row.captured_at < captured_at {
                    let message = "it was captured before the previous event";
                    return Err(Finding::new(seq, Fault::ClockBackwards, message));
                }
            }
            before = Some((row.hash, row.captured_at));
            self.grow(seq, start, hash)?;
            self.segment.last_hash = hash;
            self.segment.last_captured_at = row.captured_at;
            self.reference.staff.event(seq)?;
            self.projected(seq, row)?;
        }
        let last = start + events.len() as u64;
        if last < end {
            let (seq, size) = (last + 1, self.reference.size);
            let message = format!(
                "the head says that the log has {size} events, but nothing follows event {last}"
            );
            return Err(Finding::new(seq, Fault::CutTail, message));
        }
        Ok(())
    }

    /// The hash of the row's content, which must be the stored one.
    fn hash(&mut self, seq: u64, row: &StoredEvent<'_>) -> Result<B256, Finding> {
        let columns = row.columns();
        let hash = columns.hash(&mut self.buffer);
        if row.hash == hash.as_slice() {
            return Ok(hash);
        }
        let moved = (1..=self.reference.size).find(|&seq| {
            let columns = crate::log::hash::Columns { seq, ..columns };
            row.hash == columns.hash(&mut self.buffer).as_slice()
        });
        Err(match moved {
            Some(origin) => Finding::new(
                seq,
                Fault::Reordered,
                format!("it was event {origin}: rows were moved or removed"),
            ),
            None => Finding::new(
                seq,
                Fault::Edited,
                format!(
                    "its content has hash {hash}, but {} is stored",
                    hex::encode_prefixed(row.hash)
                ),
            ),
        })
    }

    /// Appends the leaf and compares every node that it completes with the stored one.
    fn grow(&mut self, seq: u64, start: u64, hash: B256) -> Result<(), Finding> {
        let mut bad = None;
        let stored = &mut self.stored;
        self.segment
            .tree
            .push(leaf_hash(hash.as_slice()), |node, hash| {
                let node = Node {
                    level: node.level,
                    position: (start >> node.level) + node.position,
                };
                let kept = node.level > 0
                    && node.level.is_multiple_of(STORED_LEVELS)
                    && node.level < SEGMENT.ilog2();
                if kept && stored.remove(&node) != Some(hash) {
                    bad = bad.or(Some(node));
                }
            });
        if let Some(node) = bad {
            return Err(bad_node(node));
        }
        if self.reference.sizes.binary_search(&seq).is_ok() {
            self.segment
                .roots
                .push((seq, self.segment.tree.peaks().to_vec()));
        }
        Ok(())
    }

    /// Compares the rows that the event was folded into with the event.
    fn projected(&mut self, seq: u64, row: &StoredEvent<'_>) -> Result<(), Finding> {
        let order = self
            .orders
            .get(self.next_order)
            .filter(|order| unsigned(order.seq) == seq);
        if row.kind == EventType::OrderPosted.as_str() {
            let Some(order) = order else {
                return Err(projection(seq, "its order is not in table orders"));
            };
            let open = posts(self.reference, seq, row, order)?;
            if !self.closed.contains(&order.seq) {
                replay::open_row(open, &mut self.buffer);
                let key = &self.reference.key;
                self.segment.open.add_row(key, &self.buffer);
            }
            self.next_order += 1;
            self.segment.orders += 1;
            return Ok(());
        }
        if order.is_some() {
            return Err(projection(
                seq,
                "table orders has an order that it does not post",
            ));
        }
        let kind = row
            .kind
            .parse()
            .map_err(|error| Finding::new(seq, Fault::Impossible, format!("{error}")))?;
        let body = Body::from_json(kind, &row.body)
            .map_err(|error| Finding::new(seq, Fault::Impossible, error.to_string()))?;
        let first = self.next_closing;
        let rest = &self.stretch.closings[first..];
        let count = rest
            .iter()
            .take_while(|closing| unsigned(closing.0) == seq)
            .count();
        let closings = &rest[..count];
        self.next_closing += count;
        self.segment.closings += count as u64;
        match &body {
            Body::OrderCancelled(body) => {
                cancelled(seq, row, closings)?;
                self.reference.staff.cancelled(seq, row, body)?;
            }
            Body::SettlementSettled(settled) => self.settled(seq, settled, closings)?,
            _ if count > 0 => {
                return Err(projection(
                    seq,
                    "table closings has an order that it does not close",
                ));
            }
            Body::SecurityListed(security) => self.listed(seq, security)?,
            Body::MatchRefused(refused) => {
                self.leaving.extend(refused.cause.map(|id| (seq, id)));
            }
            _ => {}
        }
        if concerns_match(&body) {
            let event = row::event(row.to_row())
                .map_err(|error| Finding::new(seq, Fault::Impossible, error.to_string()))?;
            self.segment.matches.push((event, body));
        }
        Ok(())
    }

    fn listed(&mut self, seq: u64, security: &Security) -> Result<(), Finding> {
        self.segment.securities += 1;
        let stored = self
            .stretch
            .securities
            .iter()
            .find(|(listed, _)| *listed == seq);
        match stored {
            Some((_, stored)) if stored == security => Ok(()),
            _ => Err(projection(
                seq,
                format!("table securities has a different {}", security.symbol),
            )),
        }
    }

    fn settled(
        &mut self,
        seq: u64,
        settled: &SettlementSettled,
        closings: &[ClosingRow],
    ) -> Result<(), Finding> {
        let mut filled = 0;
        for id in [settled.bid, settled.ask] {
            match closings.iter().find(|closing| closing.2 == id.as_slice()) {
                Some(closing) if closing.1 == i64::from(OrderState::Filled.code()) => filled += 1,
                Some(_) => {
                    return Err(projection(
                        seq,
                        format!("order {id} is not stored as filled"),
                    ));
                }
                None => self.doubtful.push((seq, id)),
            }
        }
        if filled == closings.len() {
            Ok(())
        } else {
            Err(projection(
                seq,
                "table closings has an order that it does not settle",
            ))
        }
    }
}

/// The finding about a stored node that does not belong to this log.
pub(crate) fn bad_node(node: Node) -> Finding {
    let last = (node.position + 1) << node.level;
    let message = format!(
        "the stored Merkle node of level {} over the events up to {last} is different",
        node.level
    );
    Finding::new(last, Fault::Forked, message)
}

/// How many nodes are stored for a log of `size` events.
pub(crate) fn stored_nodes(size: u64) -> u64 {
    (1..=63 / STORED_LEVELS)
        .map(|step| size >> (step * STORED_LEVELS))
        .sum()
}
