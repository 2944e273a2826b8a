//! Recording what the chain did, never what was hoped for.

use alloy::primitives::B256;
use jiff::Timestamp;
use uuid::Uuid;

use super::error::BoardError;
use super::matchmaking::{finish, match_in, require};
use super::orders::{order_in, require_open};
use super::{BOOK, Board, CHAIN, damaged, only};
use crate::log::By;
use crate::log::body::{
    Body, BookAnchored, ChainSynced, MatchRefused, SettlementFailed, SettlementSettled,
    SettlementSubmitted, SettlementUnknown,
};
use crate::log::event::{Event, EventType};
use crate::market::matching::{Match, MatchState, Submission};
use crate::market::record::OrderState;
use crate::store::append::{Draft, Writer};
use crate::store::{query, row};

impl Board {
    /// Logs a transaction before it is sent. If two desks try at once, the second is refused.
    ///
    /// # Errors
    /// [`BoardError::UnknownMatch`], [`BoardError::WrongMatchState`] unless APPROVED, COMMITTED or FAILED,
    /// [`BoardError::NotOpen`], or the store's.
    pub async fn record_submitted(
        &self,
        id: Uuid,
        submission: Submission,
        by: By,
    ) -> Result<Match, BoardError> {
        by.check()?;
        let now = self.store.clock().now();
        let mut writer = self.store.writer().await?;
        let found = match_in(&mut writer, id).await?;
        require(
            &found,
            &[
                MatchState::Approved,
                MatchState::Committed,
                MatchState::Failed,
            ],
            "APPROVED, COMMITTED or FAILED",
        )?;
        for order in [found.bid, found.ask] {
            require_open(&order_in(&mut writer, order, now).await?)?;
        }
        let Submission {
            tx_hash,
            nonce,
            sender,
        } = submission;
        let body = Body::SettlementSubmitted(SettlementSubmitted {
            nonce,
            sender,
            tx_hash,
        });
        writer.append(vec![Draft::new(id, now, &by, body)?]).await?;
        finish(writer, id).await
    }

    /// Records the chain's `Settled` log and fills both orders. `None` when it is already recorded. It settles whatever
    /// match the two orders are in, even one that was not sent from here; any other live match of either order ends.
    ///
    /// # Errors
    /// [`BoardError::Contradiction`] when the board has one of the orders cancelled, or filled by another settlement; or
    /// the store's.
    pub async fn record_settled(
        &self,
        mut settled: SettlementSettled,
        occurred_at: Timestamp,
        by: By,
    ) -> Result<Option<Event>, BoardError> {
        by.check()?;
        let mut writer = self.store.writer().await?;
        let mut filled = 0;
        for order in [settled.bid, settled.ask] {
            match order_in(&mut writer, order, occurred_at).await {
                Ok(view) => match view.state {
                    OrderState::Open => {}
                    OrderState::Filled => {
                        require_same(&mut writer, view.closed_seq, &settled).await?;
                        filled += 1;
                    }
                    OrderState::Cancelled => {
                        return Err(BoardError::Contradiction(format!(
                            "order {order} is CANCELLED here and settled on chain by {}",
                            settled.tx_hash
                        )));
                    }
                },
                Err(BoardError::UnknownOrder(_)) => {}
                Err(error) => return Err(error),
            }
        }
        if filled > 0 {
            return Ok(None);
        }
        settled.match_id = None;
        for order in [settled.bid, settled.ask] {
            for row in query::matches_of(writer.link().await?, order).await? {
                let found = row::matching(row)?;
                if !found.state.is_live() || settled.match_id == Some(found.id) {
                    continue;
                }
                if (found.bid, found.ask) == (settled.bid, settled.ask) {
                    settled.match_id = Some(found.id);
                } else {
                    let by = By::new(&by.actor)
                        .because(format!("order {order} was settled with another on chain"));
                    let (cause, signed) = (Some(order), None);
                    let body = Body::MatchRefused(MatchRefused { cause, signed });
                    let draft = Draft::new(found.id, occurred_at, &by, body)?;
                    writer.append(vec![draft]).await?;
                }
            }
        }
        let subject = settled
            .match_id
            .map_or_else(|| settled.bid.to_string(), |id| id.to_string());
        let body = Body::SettlementSettled(settled);
        let event = only(
            writer
                .append(vec![Draft::new(subject, occurred_at, &by, body)?])
                .await?,
        )?;
        writer.commit().await?;
        Ok(Some(event))
    }

    /// Records that a submitted transaction reverted, or that it can no longer be mined.
    ///
    /// # Errors
    /// [`BoardError::UnknownMatch`], [`BoardError::WrongMatchState`] unless SUBMITTED or UNKNOWN,
    /// [`BoardError::Contradiction`] when another transaction was submitted, or the store's.
    pub async fn record_failed(
        &self,
        id: Uuid,
        failed: SettlementFailed,
        by: By,
    ) -> Result<Match, BoardError> {
        by.check()?;
        let mut writer = self.store.writer().await?;
        let found = match_in(&mut writer, id).await?;
        require(
            &found,
            &[MatchState::Submitted, MatchState::Unknown],
            "SUBMITTED or UNKNOWN",
        )?;
        if let Some(submitted) = found
            .submission
            .filter(|sent| sent.tx_hash != failed.tx_hash)
        {
            return Err(BoardError::Contradiction(format!(
                "match {id} was submitted in {}, but the failure is of {}",
                submitted.tx_hash, failed.tx_hash
            )));
        }
        let now = self.store.clock().now();
        writer
            .append(vec![Draft::new(
                id,
                now,
                &by,
                Body::SettlementFailed(failed),
            )?])
            .await?;
        finish(writer, id).await
    }

    /// Records that the outcome of a submitted transaction could not be learnt; `sync` resolves it.
    ///
    /// # Errors
    /// [`BoardError::UnknownMatch`], [`BoardError::WrongMatchState`] unless SUBMITTED, or the store's.
    pub async fn record_unknown(&self, id: Uuid, by: By) -> Result<Match, BoardError> {
        by.check()?;
        let mut writer = self.store.writer().await?;
        let found = match_in(&mut writer, id).await?;
        require(&found, &[MatchState::Submitted], "SUBMITTED")?;
        let sent = found.submission.ok_or_else(|| {
            damaged(
                found.changed_seq,
                format!("match {id} is SUBMITTED without a transaction"),
            )
        })?;
        let body = Body::SettlementUnknown(SettlementUnknown {
            tx_hash: sent.tx_hash,
        });
        let now = self.store.clock().now();
        writer.append(vec![Draft::new(id, now, &by, body)?]).await?;
        finish(writer, id).await
    }

    /// Records up to which block the chain was read.
    ///
    /// # Errors
    /// The store's.
    pub async fn record_synced(&self, synced: ChainSynced, by: By) -> Result<Event, BoardError> {
        self.record(
            CHAIN,
            self.store.clock().now(),
            by,
            Body::ChainSynced(synced),
        )
        .await
    }

    /// Up to which block the chain was read; `None` before the first time.
    ///
    /// # Errors
    /// The store's.
    pub async fn last_synced(&self) -> Result<Option<ChainSynced>, BoardError> {
        Ok(match self.last_body(CHAIN, EventType::ChainSynced).await? {
            Some((_, Body::ChainSynced(synced))) => Some(synced),
            _ => None,
        })
    }

    /// The fills recorded since the chain was last read.
    ///
    /// # Errors
    /// The store's.
    pub async fn fills_since_sync(&self) -> Result<Vec<SettlementSettled>, BoardError> {
        let last = self.last_body(CHAIN, EventType::ChainSynced).await?;
        let after = last.map_or(0, |(event, _)| event.seq);
        let kind = EventType::SettlementSettled;
        let mut reader = self.store.reader().await?;
        let rows = query::events_of_type(reader.link(), kind, after, u32::MAX).await?;
        let mut fills = Vec::with_capacity(rows.len());
        for row in rows {
            let event = row::event(row)?;
            if let Body::SettlementSettled(fill) = row::body(event.seq, event.kind, &event.body)? {
                fills.push(fill);
            }
        }
        Ok(fills)
    }

    /// The last transaction recorded since the chain was last read: of a fill, a cancel, an anchor, a commitment or a
    /// release.
    ///
    /// # Errors
    /// The store's.
    pub async fn last_transaction_since_sync(&self) -> Result<Option<B256>, BoardError> {
        let last = self.last_body(CHAIN, EventType::ChainSynced).await?;
        let after = last.map_or(0, |(event, _)| event.seq);
        let mut newest = None;
        for kind in [
            EventType::SettlementSettled,
            EventType::OrderCancelled,
            EventType::BookAnchored,
            EventType::MatchCommitted,
            EventType::MatchReleased,
        ] {
            let mut reader = self.store.reader().await?;
            let Some(row) = query::last_of_type(reader.link(), kind, after).await? else {
                continue;
            };
            let event = row::event(row)?;
            let tx_hash = match row::body(event.seq, event.kind, &event.body)? {
                Body::SettlementSettled(fill) => Some(fill.tx_hash),
                Body::OrderCancelled(cancel) => cancel.tx_hash,
                Body::BookAnchored(anchor) => Some(anchor.tx_hash),
                Body::MatchCommitted(committed) => Some(committed.tx_hash),
                Body::MatchReleased(released) => Some(released.tx_hash),
                _ => None,
            };
            newest = newest.max(tx_hash.map(|tx_hash| (event.seq, tx_hash)));
        }
        Ok(newest.map(|(_, tx_hash)| tx_hash))
    }

    /// Records that a root of this log is on chain.
    ///
    /// # Errors
    /// The store's.
    pub async fn record_anchored(
        &self,
        anchored: BookAnchored,
        by: By,
    ) -> Result<Event, BoardError> {
        self.record(
            BOOK,
            self.store.clock().now(),
            by,
            Body::BookAnchored(anchored),
        )
        .await
    }

    /// Every root that was put on chain, in the log's order.
    ///
    /// # Errors
    /// The store's.
    pub async fn anchors(&self) -> Result<Vec<BookAnchored>, BoardError> {
        let kind = EventType::BookAnchored;
        let mut reader = self.store.reader().await?;
        let rows = query::events_of_type(reader.link(), kind, 0, u32::MAX).await?;
        let mut anchors = Vec::with_capacity(rows.len());
        for row in rows {
            let event = row::event(row)?;
            if let Body::BookAnchored(anchor) = row::body(event.seq, event.kind, &event.body)? {
                anchors.push(anchor);
            }
        }
        Ok(anchors)
    }

    /// The last root that was put on chain, with the time it was recorded.
    ///
    /// # Errors
    /// The store's.
    pub async fn last_anchored(&self) -> Result<Option<(Timestamp, BookAnchored)>, BoardError> {
        Ok(match self.last_body(BOOK, EventType::BookAnchored).await? {
            Some((event, Body::BookAnchored(anchored))) => Some((event.captured_at, anchored)),
            _ => None,
        })
    }
}

/// A filled order must have been filled by this settlement.
async fn require_same(
    writer: &mut Writer,
    closed_seq: Option<u64>,
    settled: &SettlementSettled,
) -> Result<(), BoardError> {
    let seq = closed_seq.unwrap_or(0);
    let row = query::event(writer.link().await?, seq).await?;
    let event = row::event(row.ok_or_else(|| damaged(seq, "the event is missing"))?)?;
    match row::body(seq, event.kind, &event.body)? {
        Body::SettlementSettled(recorded)
            if (recorded.bid, recorded.ask, recorded.tx_hash)
                == (settled.bid, settled.ask, settled.tx_hash) =>
        {
            Ok(())
        }
        _ => Err(BoardError::Contradiction(format!(
            "event {seq} fills an order that the chain settled by {}",
            settled.tx_hash
        ))),
    }
}
