//! Which events a pack has, read in one pass: all of its days, and whatever else its tickets need. What a ticket needs
//! always follows its posting, so nothing is read twice.

use std::collections::BTreeSet;

use alloy::primitives::B256;

use crate::log::event::EventType;
use crate::market::days::Days;
use crate::store::engine::{Link, Tx};
use crate::store::error::StoreError;
use crate::store::replay::{self, Events};
use crate::store::ticket::{self, About};
use crate::store::{query, row};

/// Events looked at together.
const PAGE: u64 = 1_024;

/// Types whose every event is in every pack: whose book it is, what it lists, who could sign, what was anchored.
const ALWAYS: [EventType; 6] = [
    EventType::BookOpened,
    EventType::SecurityListed,
    EventType::StaffChanged,
    EventType::SigningDemanded,
    EventType::BookAnchored,
    EventType::AccessClosed,
];

/// What must be read.
#[derive(Debug)]
pub(super) struct Selection {
    /// The last event of the log.
    size: u64,
    /// The events captured on the days, first and last; the last before the first when there are none.
    pub(super) range: (u64, u64),
    /// Postings outside the range that get tickets.
    tickets: BTreeSet<u64>,
    /// Other events needed outside the range.
    needed: BTreeSet<u64>,
}

/// Some consecutive events.
#[derive(Debug)]
pub(super) struct Page {
    /// The hash of each.
    pub(super) hashes: Vec<B256>,
    /// The events, if any of them is in the pack.
    pub(super) events: Option<Events>,
    /// For each event, whether it is in the pack.
    pub(super) wanted: Vec<bool>,
    /// What closed the orders that they post.
    pub(super) closings: Vec<About>,
    /// The events of the matches of these orders.
    pub(super) matches: Vec<About>,
}

impl Selection {
    /// The events of the days and those that are in every pack.
    pub(super) async fn of(
        link: &mut Link<'_>,
        days: &Days,
        size: u64,
    ) -> Result<Self, StoreError> {
        let first = match days.from() {
            Some(from) => query::first_since(link, size, |at| at >= from).await?,
            None => 1,
        };
        let last = match days.to() {
            Some(to) => query::first_since(link, size, |at| at > to).await? - 1,
            None => size,
        };
        let mut selection = Self {
            size,
            range: (first, last),
            tickets: BTreeSet::new(),
            needed: BTreeSet::new(),
        };
        for kind in ALWAYS {
            for event in query::events_of_type(link.reborrow(), kind, 0, u32::MAX).await? {
                selection.need(row::unsigned(event.0));
            }
        }
        for posted in ticket::closed_later(link, first, last).await? {
            selection.ticket(posted);
        }
        Ok(selection)
    }

    fn in_range(&self, seq: u64) -> bool {
        (self.range.0..=self.range.1).contains(&seq)
    }

    /// An event that must be in the pack.
    pub(super) fn need(&mut self, seq: u64) {
        if !self.in_range(seq) && seq <= self.size {
            self.needed.insert(seq);
        }
    }

    /// The posting of an order that gets a ticket.
    pub(super) fn ticket(&mut self, posted: u64) {
        if !self.in_range(posted) && posted <= self.size {
            self.tickets.insert(posted);
        }
    }

    fn has_ticket(&self, seq: u64) -> bool {
        self.in_range(seq) || self.tickets.contains(&seq)
    }

    /// The events after the first `start`; `None` at the end of the log.
    pub(super) async fn page(
        &mut self,
        snapshot: &mut Tx,
        start: u64,
    ) -> Result<Option<Page>, StoreError> {
        if start >= self.size {
            return Ok(None);
        }
        let mut link = snapshot.link();
        let (first, last) = (start + 1, self.size.min(start + PAGE));
        let mut postings = (first..=last).filter(|seq| self.has_ticket(*seq));
        let (mut closings, mut matches) = (Vec::new(), Vec::new());
        if let Some(low) = postings.next() {
            let high = postings.next_back().unwrap_or(low);
            closings = ticket::closings(&mut link, low, high, self.size).await?;
            matches = ticket::of_matches(&mut link, low, high, self.size).await?;
        }
        for (posted, event) in closings.iter().chain(&matches) {
            if self.has_ticket(*posted) {
                self.need(row::unsigned(event.0));
            }
        }
        let wanted: Vec<bool> = (first..=last)
            .map(|seq| self.has_ticket(seq) || self.needed.remove(&seq))
            .collect();
        let (events, hashes) = if wanted.contains(&true) {
            let events = replay::events(&mut link, first, last).await?;
            let hash = |row: &replay::StoredEvent<'_>| row::hash(row.seq, "hash", row.hash);
            let hashes = events.rows().iter().map(hash).collect::<Result<_, _>>()?;
            (Some(events), hashes)
        } else {
            (None, replay::hashes(&mut link, first, last).await?)
        };
        let complete = hashes.len() as u64 == last - start;
        complete
            .then_some(Page {
                hashes,
                events,
                wanted,
                closings,
                matches,
            })
            .ok_or_else(|| StoreError::Damaged {
                seq: first,
                what: "a later event is missing: see `audit verify`".to_owned(),
            })
            .map(Some)
    }
}
