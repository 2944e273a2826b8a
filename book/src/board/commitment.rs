//! Commitments of matches, which the chain makes and ends: they are recorded here, never decided.

use alloy::primitives::B256;
use jiff::Timestamp;
use uuid::Uuid;

use super::Board;
use super::error::BoardError;
use super::matchmaking::{finish, match_in, require};
use crate::log::By;
use crate::log::body::Body;
use crate::log::event::EventType;
use crate::log::fact::{MatchCommitted, MatchReleased};
use crate::market::matching::{Match, MatchState};
use crate::store::append::{Draft, Writer};
use crate::store::{query, row};

impl Board {
    /// Records the chain's `MatchCommitted` log; from then on the match is COMMITTED, unless it is in flight.
    ///
    /// # Errors
    /// [`BoardError::UnknownMatch`], [`BoardError::WrongMatchState`] unless APPROVED, FAILED or in flight,
    /// [`BoardError::Contradiction`] when the chain committed different terms, or the store's.
    pub async fn record_committed(
        &self,
        id: Uuid,
        committed: MatchCommitted,
        at: Timestamp,
        by: By,
    ) -> Result<Match, BoardError> {
        by.check()?;
        let mut writer = self.store.writer().await?;
        let found = match_in(&mut writer, id).await?;
        let allowed = [
            MatchState::Approved,
            MatchState::Failed,
            MatchState::Submitted,
            MatchState::Unknown,
        ];
        require(&found, &allowed, "APPROVED, FAILED or in flight")?;
        let stated = (committed.bid, committed.ask, committed.total);
        if stated != (found.bid, found.ask, found.total) {
            return Err(BoardError::Contradiction(format!(
                "transaction {} commits terms that differ from those of match {id}",
                committed.tx_hash
            )));
        }
        let draft = Draft::new(id, at, &by, Body::MatchCommitted(committed))?;
        writer.append(vec![draft]).await?;
        finish(writer, id).await
    }

    /// Records the chain's `MatchReleased` log; the match ends with it, and its orders are free.
    ///
    /// # Errors
    /// [`BoardError::UnknownMatch`], [`BoardError::WrongMatchState`] unless COMMITTED, FAILED or in flight, or the store's.
    pub async fn record_released(
        &self,
        id: Uuid,
        released: MatchReleased,
        at: Timestamp,
        by: By,
    ) -> Result<Match, BoardError> {
        by.check()?;
        let mut writer = self.store.writer().await?;
        let found = match_in(&mut writer, id).await?;
        let allowed = [
            MatchState::Committed,
            MatchState::Failed,
            MatchState::Submitted,
            MatchState::Unknown,
        ];
        require(&found, &allowed, "COMMITTED, FAILED or in flight")?;
        let draft = Draft::new(id, at, &by, Body::MatchReleased(released))?;
        writer.append(vec![draft]).await?;
        finish(writer, id).await
    }

    /// The commitment of a match, whether or not it still binds; `None` when it was never committed.
    ///
    /// # Errors
    /// The store's.
    pub async fn commitment(&self, id: Uuid) -> Result<Option<MatchCommitted>, BoardError> {
        let (subject, kind) = (id.to_string(), EventType::MatchCommitted);
        Ok(match self.last_body(&subject, kind).await? {
            Some((_, Body::MatchCommitted(committed))) => Some(committed),
            _ => None,
        })
    }

    /// The commitment of the live match of an order, whether or not it still binds.
    ///
    /// # Errors
    /// The store's.
    pub async fn commitment_of(
        &self,
        order: B256,
    ) -> Result<Option<(Uuid, MatchCommitted)>, BoardError> {
        let rows = query::matches_of(self.store.reader().await?.link(), order).await?;
        for found in rows {
            let found = row::matching(found)?;
            if found.state.is_live() {
                let committed = self.commitment(found.id).await?;
                return Ok(committed.map(|committed| (found.id, committed)));
            }
        }
        Ok(None)
    }

    /// Whether the log has a commitment or a release by this transaction.
    ///
    /// # Errors
    /// The store's.
    pub async fn has_commitment_of(&self, tx_hash: B256) -> Result<bool, BoardError> {
        for kind in [EventType::MatchCommitted, EventType::MatchReleased] {
            let mut reader = self.store.reader().await?;
            for found in query::events_of_type(reader.link(), kind, 0, u32::MAX).await? {
                let event = row::event(found)?;
                let known = match row::body(event.seq, event.kind, &event.body)? {
                    Body::MatchCommitted(body) => body.tx_hash,
                    Body::MatchReleased(body) => body.tx_hash,
                    _ => continue,
                };
                if known == tx_hash {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

/// Refuses while the chain binds a match's orders, by this machine's clock.
pub(super) async fn require_unbound(
    writer: &mut Writer,
    found: &Match,
    now: Timestamp,
) -> Result<(), BoardError> {
    let (id, kind) = (found.id.to_string(), EventType::MatchCommitted);
    let Some(event) = query::last_event(writer.link().await?, &id, kind).await? else {
        return Ok(());
    };
    let event = row::event(event)?;
    match row::body(event.seq, event.kind, &event.body)? {
        Body::MatchCommitted(MatchCommitted { until, .. }) if binds(until, now) => {
            Err(BoardError::Committed {
                id: found.id,
                until,
            })
        }
        _ => Ok(()),
    }
}

/// From the second `until` on it no longer binds.
pub fn binds(until: u64, now: Timestamp) -> bool {
    u64::try_from(now.as_second()).unwrap_or_default() < until
}
