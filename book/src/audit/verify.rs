//! Replaying the whole log: every hash, the chain of hashes, the clock, the Merkle tree, the chain's anchors, and every
//! row that the board's tables have or should have. Memory does not grow with the log; segments are checked in parallel.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use alloy::primitives::B256;
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::access;
pub use super::acts::NamedByChain;
use super::acts::Staff;
use super::segment::{self, SEGMENT, Segment};
use super::tables;
use crate::board::{Board, BoardError};
use crate::log::body::{Body, BookAnchored};
use crate::log::event::EventType;
use crate::log::fold::apply_match;
use crate::log::merkle::{Frontier, Node};
use crate::market::matching::Match;
use crate::store::append::STORED_LEVELS;
use crate::store::engine::{Link, Tx};
use crate::store::error::StoreError;
use crate::store::head::HeadRow;
use crate::store::sum::{RowKey, RowSum};
use crate::store::{query, replay, row};

/// A root that is on chain: the log's first `size` events have this root, for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// How many events.
    pub size: u64,
    /// The Merkle root over them.
    pub root: B256,
}

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Its content does not have its hash.
    Edited,
    /// It is missing.
    Deleted,
    /// It was moved from elsewhere.
    Reordered,
    /// It and everything after it is missing.
    CutTail,
    /// It is beyond the end of the log.
    Inserted,
    /// It belongs to a different history than the rows before it, the head or the chain's anchor.
    Forked,
    /// It was captured before the row before it.
    ClockBackwards,
    /// It states something that cannot follow from the rows before it.
    Impossible,
    /// The board's tables do not agree with it.
    Projection,
    /// It is not signed by anybody who was entitled to.
    Unsigned,
}

/// The first bad row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The event's sequence number.
    pub seq: u64,
    /// What is wrong.
    pub fault: Fault,
    /// In words.
    pub message: String,
}

impl Finding {
    pub(crate) fn new(seq: u64, fault: Fault, message: impl Into<String>) -> Self {
        Self {
            seq,
            fault,
            message: message.into(),
        }
    }
}

/// The result of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How many events were replayed.
    pub events: u64,
    /// The root over them.
    pub root: B256,
    /// The last event's hash.
    pub hash: B256,
    /// How many of the given anchors were confirmed.
    pub anchors: u64,
    /// Admin persons named by the settlement contract's default admin, to be confirmed on chain.
    pub named: Vec<NamedByChain>,
    /// The first bad row; `None` when all is well.
    pub finding: Option<Finding>,
}

/// What every segment is checked against.
#[derive(Debug, Clone)]
pub(crate) struct Reference {
    /// How many events the log has.
    pub(crate) size: u64,
    /// Securities by token (lower-case text) with the event that listed them.
    pub(crate) securities: HashMap<String, i64>,
    /// Sizes at which a root is needed, ascending.
    pub(crate) sizes: Vec<u64>,
    /// The key under which rows are summed.
    pub(crate) key: RowKey,
    /// Who was entitled to sign what.
    pub(crate) staff: Arc<Staff>,
}

/// Replays the log and compares it with the board's tables and the roots on chain; `progress` gets the number of events
/// replayed.
///
/// # Errors
/// The store could not be read. What is wrong with its rows is a [`Finding`], not an error.
pub async fn verify(
    board: &Board,
    anchors: &[Anchor],
    mut progress: impl FnMut(u64) + Send,
) -> Result<Report, BoardError> {
    let store = board.store();
    let mut snapshot = store.snapshot().await?;
    let head = match HeadRow::read(snapshot.link()).await {
        Ok(head) => head.unwrap_or_else(HeadRow::empty),
        Err(StoreError::Damaged { seq, what }) => return Ok(unreadable(seq, what)),
        Err(error) => return Err(error.into()),
    };
    let size = head.size();
    let mut wanted = roots_wanted(snapshot.link(), anchors).await?;
    wanted.sort_unstable_by_key(|anchor| anchor.size);
    let key = RowKey::draw()?;
    let staff = Arc::new(Staff::read(snapshot.link(), board.identity()).await?);
    let reference = Reference {
        size,
        securities: securities(snapshot.link()).await?,
        sizes: wanted.iter().map(|anchor| anchor.size).collect(),
        key: key.clone(),
        staff: staff.clone(),
    };
    // Reads the open orders while the segments are checked.
    let open = tokio::spawn(open_sum(snapshot, key.clone()));
    let mut replayed = Replay::new(wanted, key, staff.clone());
    let starts = (0..size.div_ceil(SEGMENT)).map(|number| number * SEGMENT);
    let mut segments = stream::iter(starts)
        .map(|start| segment::check(store.clone(), reference.clone(), start))
        .buffered(segment::PARALLEL);
    while let Some(found) = segments.try_next().await? {
        replayed.take(found);
        progress(replayed.frontier.size());
        if replayed.finding.is_some() {
            break;
        }
    }
    drop(segments);
    let (open, mut snapshot) = open
        .await
        .map_err(|panic| std::io::Error::other(panic.to_string()))??;
    if replayed.finding.is_none() {
        replayed.finding = match replayed.compare(&head, snapshot.link()).await? {
            Some(finding) => Some(finding),
            None => match access::compare(snapshot.link()).await? {
                Some(finding) => Some(finding),
                None => tables::compare(&replayed, open, snapshot).await?,
            },
        };
    }
    let confirmed = anchors
        .iter()
        .filter(|anchor| replayed.confirmed.contains(anchor))
        .count();
    Ok(Report {
        events: replayed.frontier.size(),
        root: replayed.frontier.root(),
        hash: replayed.hash,
        anchors: confirmed as u64,
        named: staff.named.clone(),
        finding: replayed.finding,
    })
}

fn unreadable(seq: u64, what: String) -> Report {
    let frontier = Frontier::default();
    Report {
        events: 0,
        root: frontier.root(),
        hash: B256::ZERO,
        anchors: 0,
        named: Vec::new(),
        finding: Some(Finding::new(seq, Fault::Forked, what)),
    }
}

/// The chain's roots, and those that the log itself says were anchored.
async fn roots_wanted(link: Link<'_>, anchors: &[Anchor]) -> Result<Vec<Anchor>, StoreError> {
    let mut wanted = anchors.to_vec();
    for claim in query::events_of(link, crate::board::BOOK).await? {
        if claim.1 != EventType::BookAnchored.as_str() {
            continue;
        }
        // A body that is no longer JSON is found as an edited row.
        if let Ok(claim) = serde_json::from_str::<BookAnchored>(&claim.7) {
            wanted.push(Anchor {
                size: claim.size,
                root: claim.root,
            });
        }
    }
    Ok(wanted)
}

async fn securities(link: Link<'_>) -> Result<HashMap<String, i64>, StoreError> {
    let listed = query::securities(link).await?;
    let key = |token: alloy::primitives::Address| token.to_string().to_lowercase();
    Ok(listed
        .into_iter()
        .map(|(seq, listed)| (key(listed.token), row::signed(seq)))
        .collect())
}

async fn open_sum(mut snapshot: Tx, key: RowKey) -> Result<((RowSum, RowSum), Tx), StoreError> {
    let sum = replay::open_orders(snapshot.link(), &key).await?;
    Ok((sum, snapshot))
}

/// The totals of the segments.
pub(super) struct Replay {
    pub(super) frontier: Frontier,
    hash: B256,
    captured_at: i64,
    wanted: Vec<Anchor>,
    confirmed: Vec<Anchor>,
    pub(super) open: RowSum,
    pub(super) orders: u64,
    pub(super) closings: u64,
    pub(super) securities: u64,
    /// Matches that may still change.
    pub(super) live: BTreeMap<Uuid, Match>,
    /// Matches that can no longer change.
    pub(super) ended: RowSum,
    pub(super) key: RowKey,
    staff: Arc<Staff>,
    finding: Option<Finding>,
}

impl Replay {
    fn new(wanted: Vec<Anchor>, key: RowKey, staff: Arc<Staff>) -> Self {
        Self {
            frontier: Frontier::default(),
            hash: B256::ZERO,
            captured_at: 0,
            wanted,
            confirmed: Vec::new(),
            open: RowSum::default(),
            orders: 0,
            closings: 0,
            securities: 0,
            live: BTreeMap::new(),
            ended: RowSum::default(),
            key,
            staff,
            finding: None,
        }
    }

    /// Takes the next segment, which was checked by itself, and checks that it joins the ones before it.
    fn take(&mut self, segment: Segment) {
        let first = self.frontier.size() + 1;
        self.finding = self.join(&segment, first).or(segment.finding);
        let below = self
            .finding
            .as_ref()
            .map_or(u64::MAX, |finding| finding.seq);
        for (event, body) in &segment.matches {
            if event.seq >= below {
                break;
            }
            match apply_match(&mut self.live, event, body) {
                Ok(Some(id)) => {
                    let after = self
                        .live
                        .get(&id)
                        .map(|found| self.staff.matched(event, body, found));
                    if let Some(Err(finding)) = after {
                        self.finding = Some(finding);
                        return;
                    }
                    self.retire(id);
                }
                Ok(None) => {}
                Err(refused) => {
                    self.finding = Some(Finding::new(event.seq, Fault::Impossible, refused.what));
                    return;
                }
            }
        }
        for (size, peaks) in segment.roots {
            let peaks = self.frontier.peaks().iter().copied().chain(peaks).collect();
            let root = Frontier::new(size, peaks).map(|frontier| frontier.root());
            self.anchor(size, root);
        }
        let mut completed = Vec::new();
        self.frontier
            .append_aligned(segment.tree, |node, hash| completed.push((node, hash)));
        for (node, hash) in completed {
            self.node(node, hash, &segment.stored);
        }
        self.hash = segment.last_hash;
        self.captured_at = segment.last_captured_at;
        self.open.add(&segment.open);
        self.orders += segment.orders;
        self.closings += segment.closings;
        self.securities += segment.securities;
    }

    fn join(&self, segment: &Segment, first: u64) -> Option<Finding> {
        let (prev, captured_at) = segment.first?;
        if prev != self.hash {
            let message = "its prev is not the hash of the previous event";
            return Some(Finding::new(first, Fault::Forked, message));
        }
        (captured_at < self.captured_at).then(|| {
            Finding::new(
                first,
                Fault::ClockBackwards,
                "it was captured before the previous event",
            )
        })
    }

    /// Compares a node above the segments with the stored one.
    fn node(&mut self, node: Node, hash: B256, stored: &HashMap<Node, B256>) {
        let above = node.level >= SEGMENT.ilog2() && node.level.is_multiple_of(STORED_LEVELS);
        if !above || self.finding.is_some() {
            return;
        }
        if stored.get(&node) != Some(&hash) {
            self.finding = Some(segment::bad_node(node));
        }
    }

    fn anchor(&mut self, size: u64, root: Option<B256>) {
        for anchor in self.wanted.iter().filter(|anchor| anchor.size == size) {
            if Some(anchor.root) == root {
                self.confirmed.push(*anchor);
            } else if self.finding.is_none() {
                let before = self.confirmed.last().map_or(0, |anchor| anchor.size);
                let message = format!(
                    "the root over {size} events is not the anchored {}: an event from {} to {size} differs \
                    from the one that was anchored",
                    anchor.root,
                    before + 1
                );
                self.finding = Some(Finding::new(before + 1, Fault::Forked, message));
            }
        }
    }

    fn retire(&mut self, id: Uuid) {
        let ended = self
            .live
            .get(&id)
            .is_some_and(|found| !found.state.is_live());
        if ended && let Some(ended) = self.live.remove(&id) {
            self.ended.add_row(&self.key, &tables::match_row(&ended));
        }
    }

    /// Compares the end of the log with the head and the anchors.
    async fn compare(&self, head: &HeadRow, link: Link<'_>) -> Result<Option<Finding>, StoreError> {
        let size = self.frontier.size();
        if let Some(beyond) = self.wanted.iter().find(|anchor| anchor.size > size) {
            let message = format!(
                "a root over {} events was anchored, but the log ends at {size}: later events were cut off",
                beyond.size
            );
            return Ok(Some(Finding::new(size + 1, Fault::CutTail, message)));
        }
        if let Some(seq) = replay::first_beyond(link, size).await? {
            let message = format!("the head says that the log ends at {size}");
            return Ok(Some(Finding::new(seq, Fault::Inserted, message)));
        }
        let honest = HeadRow {
            hash: self.hash,
            captured_at: self.captured_at,
            root: self.frontier.root(),
            frontier: self.frontier.clone(),
        };
        Ok((honest != *head).then(|| {
            let message = "the stored head does not belong to this log";
            Finding::new(size, Fault::Forked, message)
        }))
    }
}

/// The type of an event, if it concerns a match.
pub(crate) fn concerns_match(body: &Body) -> bool {
    matches!(
        body,
        Body::MatchProposed(_)
            | Body::MatchApproved(_)
            | Body::MatchRefused(_)
            | Body::MatchCommitted(_)
            | Body::MatchReleased(_)
            | Body::SettlementSubmitted(_)
            | Body::SettlementSettled(_)
            | Body::SettlementFailed(_)
            | Body::SettlementUnknown(_)
    )
}
