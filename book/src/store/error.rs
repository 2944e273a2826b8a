//! Why the store failed. Whatever was not confirmed was not written.

use std::path::PathBuf;

use sqlx::error::DatabaseError;
use sqlx::migrate::MigrateError;

use super::engine::LOCK_TIMEOUT;
use crate::ErrorClass;

/// Why the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No book at this place.
    #[error("no book at {0}: create one with `init`")]
    Missing(String),
    /// A database without a book.
    #[error(
        "no book at {0}: the file is a database without one. If it was copied by itself, the missing part is in the log that was \
        left behind (the same name with -wal): copy both, or use `backup`"
    )]
    Bookless(String),
    /// A file without content beside a log that has some.
    #[error(
        "{file} is empty, but its log {log} is not: the file was cut off or replaced. Nothing was changed; restore both from a \
         backup"
    )]
    Emptied {
        /// The file.
        file: PathBuf,
        /// Its write-ahead log.
        log: PathBuf,
    },
    /// A book on a server is not a file to copy.
    #[error("a book on a server has no file to copy: use `export book` or the server's own backup")]
    OnServer,
    /// There is a book already.
    #[error("there is already a book at {0}: open it, or choose another place")]
    Exists(String),
    /// Nothing answers where the database server should be.
    #[error("the database at {place} does not answer: {cause}")]
    Unreachable {
        /// Its host and port, or its socket.
        place: String,
        /// What came instead of an answer.
        cause: String,
    },
    /// The URL names no supported store.
    #[error("store {0:?} is not supported: give a file path, sqlite:PATH or postgres://...")]
    Url(String),
    /// Another process writes.
    #[error(
        "another process is writing to this book (waited {LOCK_TIMEOUT} s): \
        nothing was written, try again"
    )]
    Locked,
    /// Work that one process does at a time has gone to another.
    #[error("the lease {name:?} has gone to another process, which goes on: nothing was written")]
    LeaseLost {
        /// The lease.
        name: String,
    },
    /// No space left.
    #[error("the disk is full: nothing was written, free some space and try again")]
    Full,
    /// The file or the disk is not writable.
    #[error("the book cannot be written: {0}; check the file's owner and permissions")]
    ReadOnly(String),
    /// The file is not an `SQLite` database, or its pages are damaged.
    #[error(
        "the file is not a readable book: {0}; restore it from a backup and run `audit verify`"
    )]
    Corrupt(String),
    /// The disk or the connection to the server failed, perhaps in the middle of a commit.
    #[error(
        "the book's disk or server failed: {0}; the change under way may or may not be in the book: check before you try \
        again"
    )]
    Lost(String),
    /// The clock is behind the last event.
    #[error(
        "the clock reads {now}, but the last event was captured at {last}: \
        nothing was written, set the clock"
    )]
    ClockBehind {
        /// This machine's clock.
        now: jiff::Timestamp,
        /// The last event's capture.
        last: jiff::Timestamp,
    },
    /// The stored rows contradict each other.
    #[error("the book is damaged at event {seq}: {what}; run `audit verify`")]
    Damaged {
        /// The event.
        seq: u64,
        /// What is wrong.
        what: String,
    },
    /// A row that may exist only once already exists.
    #[error("the record already exists: {0}")]
    Duplicate(String),
    /// The database refused for another reason.
    #[error("database: {0}")]
    Database(#[source] sqlx::Error),
    /// The embedded migrations do not fit this store.
    #[error("the book was written by another version of this program: {0}")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// The book contains something that this version does not know.
    #[error(
        "the book was written by a newer version of this program ({0}): update this one, nothing was changed"
    )]
    Newer(String),
    /// The file system failed.
    #[error("file: {0}")]
    File(#[from] std::io::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let Some(database) = error.as_database_error() else {
            return match error {
                sqlx::Error::Io(cause) => Self::Lost(cause.to_string()),
                other => Self::Database(other),
            };
        };
        let message = database.message().to_owned();
        match condition(database) {
            Condition::Locked => Self::Locked,
            Condition::Full => Self::Full,
            Condition::ReadOnly => Self::ReadOnly(message),
            Condition::Corrupt => Self::Corrupt(message),
            Condition::Lost => Self::Lost(message),
            Condition::Duplicate => Self::Duplicate(message),
            Condition::Other => Self::Database(error),
        }
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _) => cause.into(),
            MigrateError::VersionMissing(number) => Self::Newer(format!("schema {number}")),
            other => Self::Migration(other),
        }
    }
}

enum Condition {
    Locked,
    Full,
    ReadOnly,
    Corrupt,
    Lost,
    Duplicate,
    Other,
}

fn condition(error: &dyn DatabaseError) -> Condition {
    if error.is_unique_violation() {
        return Condition::Duplicate;
    }
    let code = error.code().unwrap_or_default();
    // SQLSTATE has five characters; SQLite's extended codes carry the primary one in their low byte.
    match (code.as_ref(), code.parse::<i32>().map(|code| code & 0xff)) {
        ("55P03" | "40001" | "40P01", _) | (_, Ok(5 | 6)) => Condition::Locked,
        ("53100", _) | (_, Ok(13)) => Condition::Full,
        ("25006", _) | (_, Ok(3 | 8 | 14)) => Condition::ReadOnly,
        ("XX001" | "XX002", _) | (_, Ok(11 | 26)) => Condition::Corrupt,
        // From PostgreSQL: the server is shutting down, or one of its files failed.
        ("57P01" | "57P02" | "57P03" | "58030", _) | (_, Ok(10)) => Condition::Lost,
        _ => Condition::Other,
    }
}

impl StoreError {
    /// The same failure for another caller that waited for the same commit.
    pub(crate) fn shared(&self) -> Self {
        match self {
            Self::Locked => Self::Locked,
            Self::LeaseLost { name } => Self::LeaseLost { name: name.clone() },
            Self::Full => Self::Full,
            Self::ReadOnly(what) => Self::ReadOnly(what.clone()),
            Self::Corrupt(what) => Self::Corrupt(what.clone()),
            Self::Lost(what) => Self::Lost(what.clone()),
            Self::Newer(what) => Self::Newer(what.clone()),
            Self::ClockBehind { now, last } => Self::ClockBehind {
                now: *now,
                last: *last,
            },
            Self::Damaged { seq, what } => Self::Damaged {
                seq: *seq,
                what: what.clone(),
            },
            other => Self::Database(sqlx::Error::Protocol(other.to_string())),
        }
    }

    /// The class of the failure.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Url(_) | Self::OnServer => ErrorClass::Usage,
            Self::Damaged { .. } | Self::Corrupt(_) | Self::Emptied { .. } => ErrorClass::Integrity,
            Self::Duplicate(_) => ErrorClass::Refused,
            Self::Unreachable { .. } => ErrorClass::Chain,
            _ => ErrorClass::Failed,
        }
    }
}
