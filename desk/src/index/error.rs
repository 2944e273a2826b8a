//! Why the index cannot be read, written or believed.

use std::fmt;

use alloy::primitives::{Address, B256};
use book::market::amount::time;
use book::store::error::StoreError;
use sqlx::migrate::MigrateError;

use crate::chain::ChainError;

/// A failure of the index. It contains nothing that the chain does not have: if its file is damaged, it is removed and
/// built again.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The chain refused, did not answer, or contradicts itself.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// Another process writes.
    #[error("another process is writing to the index at {0}: try again")]
    Locked(String),
    /// The disk, the server or the file failed.
    #[error("the index at {place} cannot be used: {cause}")]
    Store {
        /// Where it is.
        place: String,
        /// What the database said.
        cause: String,
    },
    /// What is in it is not what was written.
    #[error("the index at {place} is damaged: {what}")]
    Damaged {
        /// Where it is.
        place: String,
        /// What is wrong.
        what: String,
    },
    /// A newer version of the program wrote it.
    #[error("the index at {0} was written by a newer version of this program: update this one")]
    Newer(String),
    /// A log that this version does not know.
    #[error(
        "{contract} logged an event with topic {topic} in block {block} (log {log}), which this version does not know: the contract \
         is newer, or not the one that the profile means"
    )]
    UnknownEvent {
        /// The contract.
        contract: Address,
        /// The block.
        block: u64,
        /// The log's number in its block.
        log: u64,
        /// Its first topic; zero when it has none.
        topic: B256,
    },
    /// A log whose topics or data are not those of its event.
    #[error("{contract} logged something in block {block} (log {log}) that is not a valid {event}")]
    Malformed {
        /// The contract.
        contract: Address,
        /// The block.
        block: u64,
        /// The log's number in its block.
        log: u64,
        /// The event's signature.
        event: String,
    },
    /// Logs for which the node gives no place, or gives the same place twice.
    #[error("the node gave logs of {0} without a unique place in a block")]
    Unplaced(Address),
    /// Events in an order that the contract's rules do not allow.
    #[error("the events of {contract} do not fit together at block {block} (log {log}): {what}")]
    Impossible {
        /// The contract.
        contract: Address,
        /// The block.
        block: u64,
        /// The log's number in its block.
        log: u64,
        /// What does not fit.
        what: String,
    },
    /// The events disagree with the contract's own views at that block.
    #[error(
        "at block {block}, {what}: {events} according to its events, {views} according to the contract itself"
    )]
    Differs {
        /// The block.
        block: u64,
        /// What was compared.
        what: String,
        /// What the events add up to.
        events: String,
        /// What the contract says.
        views: String,
    },
    /// A block that the index has not read.
    #[error("the index is current to block {known}; block {asked} is not in it yet")]
    Ahead {
        /// The block that was asked for.
        asked: u64,
        /// The last block that was read.
        known: u64,
    },
    /// A time that no block has reached.
    #[error("the chain's last block, {block}, is from {}: it has not reached {} yet", time(*reached), time(*asked))]
    Future {
        /// The chain's last block.
        block: u64,
        /// Its time.
        reached: u64,
        /// The time that was asked for.
        asked: u64,
    },
    /// A time before the contract's first block.
    #[error("the contract's first event is in block {first}, after what was asked for")]
    Before {
        /// The block of its first event.
        first: u64,
    },
    /// Lots that were named for a transfer and do not fit it.
    #[error("lots named for transaction {tx} do not fit it: {what}")]
    Lots {
        /// The transaction.
        tx: B256,
        /// Why not.
        what: String,
    },
    /// Somebody who is not in any register.
    #[error("no wallet of investor {0} was ever registered")]
    Unknown(String),
}

impl IndexError {
    /// A failure of the database at a place, as the book sorts them.
    pub(super) fn of(place: &str, error: sqlx::Error) -> Self {
        let place = place.to_owned();
        match StoreError::from(error) {
            StoreError::Locked => Self::Locked(place),
            StoreError::Corrupt(what) => Self::Damaged { place, what },
            StoreError::Full => Self::Store {
                place,
                cause: "the disk is full".into(),
            },
            StoreError::ReadOnly(what) | StoreError::Lost(what) => {
                Self::Store { place, cause: what }
            }
            StoreError::Database(cause) => Self::Store {
                place,
                cause: cause.to_string(),
            },
            other => Self::Store {
                place,
                cause: other.to_string(),
            },
        }
    }

    pub(super) fn of_migration(place: &str, error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _) => {
                Self::of(place, cause)
            }
            MigrateError::VersionMissing(_) => Self::Newer(place.to_owned()),
            other => Self::Store {
                place: place.to_owned(),
                cause: other.to_string(),
            },
        }
    }

    pub(super) fn damaged(place: &str, what: impl fmt::Display) -> Self {
        Self::Damaged {
            place: place.to_owned(),
            what: what.to_string(),
        }
    }
}
