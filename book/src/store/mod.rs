//! Where a book is kept: `SQLite` by default, `PostgreSQL` by URL, with the same schema and the same statements.

pub(crate) mod access;
pub(crate) mod append;
pub(crate) mod batch;
pub(crate) mod changes;
pub(crate) mod engine;
pub mod error;
pub(crate) mod head;
pub(crate) mod investors;
pub(crate) mod jobs;
pub(crate) mod lease;
pub(crate) mod left;
pub(crate) mod live;
pub(crate) mod lots;
pub(crate) mod outbox;
pub(crate) mod packed;
pub(crate) mod pairing;
pub(crate) mod platform;
pub(crate) mod projection;
pub(crate) mod query;
pub(crate) mod replay;
pub(crate) mod row;
pub(crate) mod standing;
pub(crate) mod sum;
pub(crate) mod ticket;
pub(crate) mod watched;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use alloy::primitives::B128;
use jiff::Timestamp;
use tokio::sync::watch;

use append::Writer;
use changes::Changes;
pub use engine::redacted;
use engine::{Pool, Reader, Tx};
use error::StoreError;
use lease::Fence;
use projection::Numbers;

/// Fills bytes at random.
type Draw = dyn Fn(&mut [u8]) -> std::io::Result<()> + Send + Sync;

/// What an event gets from the machine: the time, and its salt. Tests supply their own.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    draw: Arc<Draw>,
    system: bool,
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self {
            system: true,
            ..Self::new(Timestamp::now)
        }
    }

    /// Any other; salts come from the machine.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let draw = |bytes: &mut [u8]| {
            getrandom::fill(bytes).map_err(|error| std::io::Error::other(error.to_string()))
        };
        Self {
            now: Arc::new(now),
            draw: Arc::new(draw),
            system: false,
        }
    }

    /// Whether it is the machine's: a database server's clock is then as good, and the same for all machines.
    pub(crate) fn is_system(&self) -> bool {
        self.system
    }

    /// The same time with other salts.
    #[must_use]
    pub fn salting(
        mut self,
        draw: impl Fn(&mut [u8]) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.draw = Arc::new(draw);
        self
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// Bytes from the source of salts.
    ///
    /// # Errors
    /// The machine supplies none.
    pub fn random(&self, count: usize) -> std::io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        (self.draw)(&mut bytes)?;
        Ok(bytes)
    }

    /// A salt for each of `count` events.
    pub(crate) fn salts(&self, count: usize) -> std::io::Result<Vec<B128>> {
        let bytes = self.random(count * 16)?;
        Ok(bytes.chunks_exact(16).map(B128::from_slice).collect())
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

/// An open store; clones share its connections.
#[derive(Debug, Clone)]
pub struct Store {
    pool: Pool,
    place: String,
    clock: Clock,
    numbers: Numbers,
    /// Every write is refused once this lease has gone to another process.
    fence: Option<Arc<Fence>>,
    changes: Changes,
}

impl Store {
    /// Opens an existing store. A database server has 4 seconds to accept the connection.
    ///
    /// # Errors
    /// [`StoreError::Url`], [`StoreError::Missing`], [`StoreError::Unreachable`], [`StoreError::Migration`], or the
    /// database's.
    pub async fn open(url: &str, clock: Clock) -> Result<Self, StoreError> {
        Self::open_within(url, clock, engine::ANSWER).await
    }

    /// Like [`Self::open`], with at most this long for a database server; never more than 4 seconds.
    ///
    /// # Errors
    /// Those of [`Self::open`].
    pub async fn open_within(
        url: &str,
        clock: Clock,
        within: Duration,
    ) -> Result<Self, StoreError> {
        let pool = Pool::open(url, within.min(engine::ANSWER)).await?;
        Ok(Self::of(pool, url, clock))
    }

    /// Opens a store, creating the file and the tables if there are none.
    ///
    /// # Errors
    /// [`StoreError::Url`], [`StoreError::Unreachable`], [`StoreError::Migration`], or the database's.
    pub async fn create(url: &str, clock: Clock) -> Result<Self, StoreError> {
        let pool = Pool::create(url, engine::ANSWER).await?;
        Ok(Self::of(pool, url, clock))
    }

    fn of(pool: Pool, url: &str, clock: Clock) -> Self {
        Self {
            pool,
            place: engine::redacted(url),
            clock,
            numbers: Numbers::default(),
            fence: None,
            changes: Changes::default(),
        }
    }

    /// The same store, whose every write checks in its own transaction that the lease is still held.
    pub(crate) fn under(&self, fence: Fence) -> Self {
        Self {
            fence: Some(Arc::new(fence)),
            ..self.clone()
        }
    }

    /// Its location, without a password.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The clock that stamps events.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.changes.end().await;
        self.pool.close().await;
    }

    /// Notices of the log's size, and of what changes beside it, whichever process wrote.
    pub(crate) fn follow(&self) -> (watch::Receiver<u64>, watch::Receiver<u64>) {
        self.changes.follow(|| self.pool.origin())
    }

    /// A whole copy in an empty file, as of one moment, whatever is appended meanwhile.
    pub(crate) async fn copy_to(&self, path: &Path) -> Result<(), StoreError> {
        self.pool.copy_to(path).await
    }

    /// The result of a use case that began by opening this store, which is closed on failure.
    pub(crate) async fn closed_unless<T, E>(&self, result: Result<T, E>) -> Result<T, E> {
        if result.is_err() {
            self.close().await;
        }
        result
    }

    pub(crate) async fn reader(&self) -> Result<Reader, StoreError> {
        Box::pin(self.pool.reader()).await
    }

    pub(crate) async fn snapshot(&self) -> Result<Tx, StoreError> {
        Box::pin(self.pool.snapshot()).await
    }

    /// The one writer; everything it appends is written by its `commit` or not at all.
    pub(crate) async fn writer(&self) -> Result<Writer, StoreError> {
        // Boxed, as otherwise every use case's future would carry both engines' statements.
        let mut tx = Box::pin(self.pool.write()).await?;
        if let Some(fence) = &self.fence {
            Box::pin(fence.check(tx.link())).await?;
        }
        let (clock, numbers) = (self.clock.clone(), self.numbers.clone());
        Box::pin(Writer::begin(tx, clock, numbers, self.changes.clone())).await
    }
}
