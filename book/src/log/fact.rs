//! The particulars of events that state a fact and change no table: consents, commitments, keys and settings of the book.
//! Field names are in alphabetical order.

use alloy::primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use super::act::Signed;

/// The book demands signatures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningDemanded {
    /// An admin person's; none in the second event of a new book.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signed: Option<Signed>,
}

/// A wallet accepted the terms; the wallet is the event's subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsAccepted {
    /// The SHA-256 of their text.
    pub sha256: B256,
    /// Their version.
    pub version: String,
}

/// One document of an issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Its name.
    pub name: String,
    /// The SHA-256 of its file.
    pub sha256: B256,
}

/// A wallet received the documents of a security's issuer; the wallet is the event's subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentsReceived {
    /// The documents.
    pub documents: Vec<Document>,
    /// The security's token.
    pub security: Address,
}

/// An order took the place of another, whose id is the event's subject: one was cancelled and the other posted in the same
/// commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderReplaced {
    /// The new order.
    pub by: B256,
}

/// What the chain's `MatchCommitted` log says; the match's id is the event's subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchCommitted {
    /// The ask.
    pub ask: B256,
    /// The bid.
    pub bid: B256,
    /// The block's number.
    pub block: u64,
    /// The principal's wallet.
    pub principal: Address,
    /// Coin base units that will move.
    #[serde(with = "super::body::decimal")]
    pub total: u128,
    /// The transaction's hash.
    pub tx_hash: B256,
    /// Unix seconds at which it ends by time alone.
    pub until: u64,
}

/// What the chain's `MatchReleased` log says; the match's id is the event's subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MatchReleased {
    /// The block's number.
    pub block: u64,
    /// Who released it.
    pub by: Address,
    /// Why, as it is on chain.
    pub reason: B256,
    /// The transaction's hash.
    pub tx_hash: B256,
}

/// How final a block must be before a fill in it is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finality {
    /// The chain's newest.
    Soft,
    /// The node's `safe`.
    Safe,
    /// The node's `finalized`.
    Final,
}

/// From here on fills are recorded by this rule; books without such an event record them at the receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingRule {
    /// How final their block must be.
    pub record_at: Finality,
}

/// The Ed25519 key that signs the log's checkpoints from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogKey {
    /// The public key.
    pub key: B256,
    /// The name under which it signs.
    pub name: String,
    /// The previous key's signature of the new one, where that key still exists: 64 bytes over `key`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signed_by_last: Option<Bytes>,
}

/// The rows so far of the access table (who looked at what).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClosed {
    /// How many.
    pub rows: u64,
    /// The SHA-256 over all of them.
    pub sha256: B256,
}
