//! Recording facts that change no table but the log: consents, commitments, keys and settings of the book.

use alloy::primitives::{Address, B256};
use jiff::Timestamp;
use uuid::Uuid;

use super::error::BoardError;
use super::matchmaking::{finish, match_in, require};
use super::posting::text;
use super::{BOOK, Board};
use crate::log::By;
use crate::log::body::Body;
use crate::log::event::{Event, EventType};
use crate::log::fact::{
    AccessClosed, DocumentsReceived, Finality, LogKey, MatchCommitted, MatchReleased,
    OrderReplaced, RecordingRule, TermsAccepted,
};
use crate::market::matching::{Match, MatchState};
use crate::store::append::Draft;

/// The wallet as the subject of an event.
fn wallet_subject(wallet: Address) -> String {
    wallet.to_string().to_lowercase()
}

impl Board {
    /// Records that a wallet accepted the terms.
    ///
    /// # Errors
    /// [`BoardError::Text`] (version), or the store's.
    pub async fn record_terms(
        &self,
        wallet: Address,
        terms: TermsAccepted,
        by: By,
    ) -> Result<Event, BoardError> {
        text("version", &terms.version, 64)?;
        let body = Body::TermsAccepted(terms);
        let now = self.store.clock().now();
        self.record(wallet_subject(wallet), now, by, body).await
    }

    /// Records that a wallet received the documents of a security's issuer.
    ///
    /// # Errors
    /// [`BoardError::Text`] (a document's name), or the store's.
    pub async fn record_documents(
        &self,
        wallet: Address,
        received: DocumentsReceived,
        by: By,
    ) -> Result<Event, BoardError> {
        for document in &received.documents {
            text("document", &document.name, 128)?;
        }
        let body = Body::DocumentsReceived(received);
        let now = self.store.clock().now();
        self.record(wallet_subject(wallet), now, by, body).await
    }

    /// Records that an order took the place of another.
    ///
    /// # Errors
    /// The store's.
    pub async fn record_replaced(&self, old: B256, new: B256, by: By) -> Result<Event, BoardError> {
        let now = self.store.clock().now();
        let body = Body::OrderReplaced(OrderReplaced { by: new });
        self.record(old, now, by, body).await
    }

    /// Records the chain's `MatchCommitted` log; the match is COMMITTED from then on.
    ///
    /// # Errors
    /// [`BoardError::UnknownMatch`], [`BoardError::WrongMatchState`] unless APPROVED or FAILED,
    /// [`BoardError::Contradiction`] when the chain committed other terms, or the store's.
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
        let allowed = [MatchState::Approved, MatchState::Failed];
        require(&found, &allowed, "APPROVED or FAILED")?;
        let stated = (committed.bid, committed.ask, committed.total);
        if stated != (found.bid, found.ask, found.total) {
            return Err(BoardError::Contradiction(format!(
                "transaction {} commits other terms than those of match {id}",
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
    /// [`BoardError::UnknownMatch`], [`BoardError::WrongMatchState`] unless COMMITTED or FAILED, or the store's.
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
        let allowed = [MatchState::Committed, MatchState::Failed];
        require(&found, &allowed, "COMMITTED or FAILED")?;
        let draft = Draft::new(id, at, &by, Body::MatchReleased(released))?;
        writer.append(vec![draft]).await?;
        finish(writer, id).await
    }

    /// Sets how final a fill must be before it is recorded.
    ///
    /// # Errors
    /// The store's.
    pub async fn set_recording_rule(&self, at: Finality, by: By) -> Result<Event, BoardError> {
        let now = self.store.clock().now();
        let body = Body::RecordingRule(RecordingRule { record_at: at });
        self.record(BOOK, now, by, body).await
    }

    /// How final a fill must be; `None` records it at the receipt.
    ///
    /// # Errors
    /// The store's.
    pub async fn recording_rule(&self) -> Result<Option<Finality>, BoardError> {
        let last = self.last_body(BOOK, EventType::RecordingRule).await?;
        Ok(match last {
            Some((_, Body::RecordingRule(rule))) => Some(rule.record_at),
            _ => None,
        })
    }

    /// Names the key that signs checkpoints from here on.
    ///
    /// # Errors
    /// [`BoardError::Text`] (name), or the store's.
    pub async fn record_log_key(&self, key: LogKey, by: By) -> Result<Event, BoardError> {
        text("name", &key.name, 128)?;
        let now = self.store.clock().now();
        self.record(BOOK, now, by, Body::LogKey(key)).await
    }

    /// Closes the access table so far.
    ///
    /// # Errors
    /// The store's.
    pub async fn record_access(&self, closed: AccessClosed, by: By) -> Result<Event, BoardError> {
        let now = self.store.clock().now();
        self.record(BOOK, now, by, Body::AccessClosed(closed)).await
    }
}
