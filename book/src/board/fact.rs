//! Recording facts that change no table but the log: consents, keys and settings of the book.

use alloy::primitives::{Address, B256};

use super::error::BoardError;
use super::posting::text;
use super::{BOOK, Board};
use crate::log::By;
use crate::log::body::Body;
use crate::log::event::{Event, EventType};
use crate::log::fact::{
    DocumentsReceived, Finality, LogKey, OrderReplaced, RecordingRule, TermsAccepted,
};

/// The wallet as the subject of an event.
pub(super) fn wallet_subject(wallet: Address) -> String {
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

    /// The key that signs checkpoints now, if one is named.
    ///
    /// # Errors
    /// The store's.
    pub async fn log_key(&self) -> Result<Option<LogKey>, BoardError> {
        Ok(match self.last_body(BOOK, EventType::LogKey).await? {
            Some((_, Body::LogKey(key))) => Some(key),
            _ => None,
        })
    }
}
