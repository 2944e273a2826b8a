//! One event of the log and how it is hashed.

use std::fmt;
use std::str::FromStr;

use alloy::primitives::{B128, B256};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventType {
    /// The book was created: always event 1.
    BookOpened,
    /// A security was listed on the board.
    SecurityListed,
    /// An order was posted.
    OrderPosted,
    /// An order was cancelled.
    OrderCancelled,
    /// A match was proposed.
    MatchProposed,
    /// A match was approved by a second person.
    MatchApproved,
    /// A match was refused or withdrawn.
    MatchRefused,
    /// A settlement transaction is about to be sent.
    SettlementSubmitted,
    /// The chain settled a match.
    SettlementSettled,
    /// A settlement transaction reverted or can no longer be mined.
    SettlementFailed,
    /// The outcome of a settlement transaction could not be learnt.
    SettlementUnknown,
    /// The chain was read up to a block.
    ChainSynced,
    /// The log's root was put on chain.
    BookAnchored,
    /// A remark.
    Note,
    /// A person, a role or a wallet of the staff was added, ended or suspended.
    StaffChanged,
    /// From here on the acts of persons are signed with their keys; this cannot be undone.
    SigningDemanded,
    /// A wallet accepted the terms.
    TermsAccepted,
    /// A wallet received the documents of a security's issuer.
    DocumentsReceived,
    /// An order took the place of another.
    OrderReplaced,
    /// The settlement contract committed a match.
    MatchCommitted,
    /// The settlement contract released a committed match.
    MatchReleased,
    /// How final a fill must be before it is recorded.
    RecordingRule,
    /// The key that signs the log's checkpoints.
    LogKey,
    /// The rows so far of the access table (who looked at what) are counted and hashed.
    AccessClosed,
}

impl EventType {
    /// All types.
    pub(crate) const ALL: [Self; 24] = [
        Self::BookOpened,
        Self::SecurityListed,
        Self::OrderPosted,
        Self::OrderCancelled,
        Self::MatchProposed,
        Self::MatchApproved,
        Self::MatchRefused,
        Self::SettlementSubmitted,
        Self::SettlementSettled,
        Self::SettlementFailed,
        Self::SettlementUnknown,
        Self::ChainSynced,
        Self::BookAnchored,
        Self::Note,
        Self::StaffChanged,
        Self::SigningDemanded,
        Self::TermsAccepted,
        Self::DocumentsReceived,
        Self::OrderReplaced,
        Self::MatchCommitted,
        Self::MatchReleased,
        Self::RecordingRule,
        Self::LogKey,
        Self::AccessClosed,
    ];

    /// Its name in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BookOpened => "book_opened",
            Self::SecurityListed => "security_listed",
            Self::OrderPosted => "order_posted",
            Self::OrderCancelled => "order_cancelled",
            Self::MatchProposed => "match_proposed",
            Self::MatchApproved => "match_approved",
            Self::MatchRefused => "match_refused",
            Self::SettlementSubmitted => "settlement_submitted",
            Self::SettlementSettled => "settlement_settled",
            Self::SettlementFailed => "settlement_failed",
            Self::SettlementUnknown => "settlement_unknown",
            Self::ChainSynced => "chain_synced",
            Self::BookAnchored => "book_anchored",
            Self::Note => "note",
            Self::StaffChanged => "staff_changed",
            Self::SigningDemanded => "signing_demanded",
            Self::TermsAccepted => "terms_accepted",
            Self::DocumentsReceived => "documents_received",
            Self::OrderReplaced => "order_replaced",
            Self::MatchCommitted => "match_committed",
            Self::MatchReleased => "match_released",
            Self::RecordingRule => "recording_rule",
            Self::LogKey => "log_key",
            Self::AccessClosed => "access_closed",
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that does not name an event type of this version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event type {0:?} is unknown: it was written by a newer version of this program")]
pub struct EventTypeError(pub(crate) String);

impl FromStr for EventType {
    type Err = EventTypeError;

    fn from_str(text: &str) -> Result<Self, EventTypeError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| EventTypeError(text.to_owned()))
    }
}

/// One row of the log. Never updated, never deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// 1 for the first, then without a gap.
    pub seq: u64,
    /// What happened.
    pub kind: EventType,
    /// What it happened to: an order id, a match id, a security's token, `book` or `chain`.
    pub subject: String,
    /// When it happened in the world, as reported.
    pub occurred_at: Timestamp,
    /// When the log recorded it, by this machine's clock; never runs backwards.
    pub captured_at: Timestamp,
    /// Who did it.
    pub actor: String,
    /// Why; may be empty.
    pub reason: String,
    /// The particulars as canonical JSON (RFC 8785), see [`super::body`].
    pub body: String,
    /// The hash of the event before it; zero for the first.
    pub prev: B256,
    /// SHA-256 of the canonical JSON of everything but itself.
    pub hash: B256,
    /// Random, so that nobody guesses an event from its hash; `None` in an event of format 1.
    pub salt: Option<B128>,
}
