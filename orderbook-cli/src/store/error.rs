//! Why the store failed.

use crate::class::ErrorClass;

/// Why the store failed. Whatever was not confirmed was not written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No book at this place.
    #[error("no book at {0}: create one with `init`")]
    Missing(String),
    /// There is a book already.
    #[error("there is a book at {0} already: open it, or choose another place")]
    Exists(String),
    /// The URL names no supported store.
    #[error("store {0:?} is not supported: give a file path, sqlite:PATH or postgres://...")]
    Url(String),
    /// Another process writes.
    #[error(
        "another process is writing to this book, waited {0} s: nothing was written, try again"
    )]
    Locked(u64),
    /// No space left.
    #[error("the disk is full: nothing was written, free some space and try again")]
    Full,
    /// The clock is behind the last event.
    #[error(
        "the clock reads {now}, the last event was captured at {last}: set the clock, nothing was written"
    )]
    ClockBehind {
        /// This machine's clock.
        now: jiff::Timestamp,
        /// The last event's capture.
        last: jiff::Timestamp,
    },
    /// The stored rows contradict each other.
    #[error("the book at event {seq} is damaged: {what}; run `audit verify`")]
    Damaged {
        /// The event.
        seq: u64,
        /// What is wrong.
        what: String,
    },
    /// The database refused for another reason.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// The embedded migrations do not fit this store.
    #[error("the book was written by another version: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
}

impl StoreError {
    /// Which kind of failure it is.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Url(_) => ErrorClass::Usage,
            Self::Damaged { .. } => ErrorClass::Integrity,
            _ => ErrorClass::Failed,
        }
    }
}
