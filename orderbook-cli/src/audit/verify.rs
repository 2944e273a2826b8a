//! Replaying the whole log.

use alloy::primitives::B256;

use crate::board::{Board, BoardError};

/// A root that stands on chain: the log's first `size` events have this root, for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// Rows before it are missing.
    Deleted,
    /// It stood elsewhere.
    Reordered,
    /// Rows at the end are missing.
    CutTail,
    /// It continues another history.
    Forked,
    /// It was captured before the row before it.
    ClockBackwards,
    /// The board's tables do not say what the log says.
    Projection,
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

/// The result of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How many events were replayed.
    pub events: u64,
    /// The root over them.
    pub root: B256,
    /// The last event's hash.
    pub hash: B256,
    /// How many anchors were confirmed.
    pub anchors: u64,
    /// The first bad row; `None` when all is well.
    pub finding: Option<Finding>,
}

/// Replays the log and compares it with the board's tables and the chain's anchors.
///
/// # Errors
/// The store could not be read; what is wrong with its rows is a [`Finding`], not an error.
#[allow(clippy::unused_async, clippy::todo)]
pub async fn verify(
    _board: &Board,
    _anchors: &[Anchor],
    _progress: impl FnMut(u64) + Send,
) -> Result<Report, BoardError> {
    todo!()
}
