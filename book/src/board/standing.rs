//! The state of the board: what waits, what ends soon, what was read and anchored last.

use jiff::Timestamp;

use super::commitment::binds;
use super::error::BoardError;
use super::{Board, CHAIN};
use crate::log::body::{Body, BookAnchored, ChainSynced};
use crate::log::event::EventType;
use crate::log::fact::MatchCommitted;
use crate::market::matching::{Match, MatchState};
use crate::store::{query, row, standing};

/// The states in which a match waits for somebody, in the order of its life.
pub const LIVE: [MatchState; 6] = [
    MatchState::Proposed,
    MatchState::Approved,
    MatchState::Committed,
    MatchState::Failed,
    MatchState::Submitted,
    MatchState::Unknown,
];

/// Open orders of all securities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenOrders {
    /// All of them.
    pub open: u64,
    /// Those past their expiry: they can no longer fill.
    pub expired: u64,
    /// Those that expire within the requested time.
    pub ending: u64,
}

/// The matches of one live state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// The state.
    pub state: MatchState,
    /// How many.
    pub count: u64,
    /// When the one unchanged for longest was last changed; `None` when there is none.
    pub since: Option<Timestamp>,
}

/// The state of the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// By the board's clock.
    pub as_of: Timestamp,
    /// Open orders.
    pub orders: OpenOrders,
    /// Live matches, one entry for each state of [`LIVE`].
    pub waiting: Vec<Waiting>,
    /// Matches that settled.
    pub settled: u64,
    /// Matches that were refused.
    pub refused: u64,
    /// Commitments that still bind, each with its match; the one that ends first comes first.
    pub commitments: Vec<(Match, MatchCommitted)>,
    /// Events in the log.
    pub events: u64,
    /// The last anchor, and when it was recorded.
    pub anchored: Option<(Timestamp, BookAnchored)>,
    /// The block up to which the chain was read, and when.
    pub synced: Option<(Timestamp, ChainSynced)>,
}

impl Board {
    /// The state of the board; orders that expire within the given seconds count as ending.
    ///
    /// # Errors
    /// The store's.
    pub async fn standing(&self, soon: u32) -> Result<Standing, BoardError> {
        let as_of = self.store.clock().now();
        let now = as_of.as_second();
        let until = now.saturating_add(soon.into());
        let mut reader = self.store.reader().await?;
        let securities = query::securities(reader.link()).await?;
        let numbers: Vec<u64> = securities.into_iter().map(|(number, _)| number).collect();
        let counted = standing::open_orders(&mut reader.link(), &numbers, now, until).await?;
        let (open, expired, ending) = counted;
        let mut waiting = Vec::with_capacity(LIVE.len());
        for state in LIVE {
            let link = &mut reader.link();
            let (count, oldest) = standing::matches_in(link, state.as_str()).await?;
            let since = match oldest {
                Some(seq) => query::event(reader.link(), seq).await?,
                None => None,
            };
            let since = since.map(row::event).transpose()?;
            waiting.push(Waiting {
                state,
                count,
                since: since.map(|event| event.captured_at),
            });
        }
        let link = &mut reader.link();
        let settled = standing::matches_ended(link, MatchState::Settled.as_str()).await?;
        let refused = standing::matches_ended(link, MatchState::Refused.as_str()).await?;
        drop(reader);
        let head = self.head().await?;
        Ok(Standing {
            as_of,
            orders: OpenOrders {
                open,
                expired,
                ending,
            },
            waiting,
            settled,
            refused,
            commitments: self.binding(as_of).await?,
            events: head.size,
            anchored: self.last_anchored().await?,
            synced: self.synced().await?,
        })
    }

    /// The commitments that bind at a time, as far as the book knows.
    async fn binding(&self, now: Timestamp) -> Result<Vec<(Match, MatchCommitted)>, BoardError> {
        let mut found = Vec::new();
        for state in LIVE {
            if matches!(state, MatchState::Proposed | MatchState::Approved) {
                continue;
            }
            for matched in self.matches(Some(state)).await? {
                if let Some(committed) = self.commitment(matched.id).await?
                    && binds(committed.until, now)
                {
                    found.push((matched, committed));
                }
            }
        }
        found.sort_by_key(|(matched, committed)| (committed.until, matched.proposed_seq));
        Ok(found)
    }

    /// The block up to which the chain was read, and when.
    ///
    /// # Errors
    /// The store's.
    pub async fn synced(&self) -> Result<Option<(Timestamp, ChainSynced)>, BoardError> {
        let found = self.last_body(CHAIN, EventType::ChainSynced).await?;
        Ok(match found {
            Some((event, Body::ChainSynced(synced))) => Some((event.captured_at, synced)),
            _ => None,
        })
    }
}

impl Standing {
    /// Whole seconds since a moment; 0 for one that is still to come.
    pub fn age(&self, since: Timestamp) -> u64 {
        let seconds = self.as_of.duration_since(since).as_secs();
        u64::try_from(seconds).unwrap_or_default()
    }

    /// The entry of a live state.
    pub fn in_state(&self, state: MatchState) -> Option<&Waiting> {
        self.waiting.iter().find(|waiting| waiting.state == state)
    }
}
