//! Notices that the log has grown, or that something beside it has changed, whichever process wrote. `PostgreSQL` sends
//! them with each commit. With `SQLite`, one connection polls for changes of the file. The writing process knows at
//! once.
//!
//! A notice may be lost along with a connection, so each new one listens first and then looks how long the log is.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::engine::{ANSWER, Origin};
use super::row::unsigned;

/// How often a file is polled for changes.
const POLL: Duration = Duration::from_millis(100);
/// How long a listener hears nothing before it looks by itself: a server that is gone is silent too.
const SILENCE: Duration = Duration::from_secs(15);
/// The first pause before another connection is made, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// The name of the listener's connection in the server's own views.
pub(crate) const LISTENER: &str = "orderbook changes";

const SIZE: &str = "SELECT size FROM head WHERE only_row = 1";

/// The channel of one book: a server may have several, each in its own schema.
const CHANNEL: &str = "SELECT 'orderbook:' || md5(current_schema())";

/// Notifies the others, once the transaction is committed; its one value is the log's size, unchanged if something
/// beside the log has changed.
pub(crate) const NOTIFY: &str = "SELECT pg_notify('orderbook:' || md5(current_schema()), $1)";

/// How many events the log has, as far as this process knows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    size: watch::Sender<u64>,
    /// How often something changed beside the log.
    stirs: watch::Sender<u64>,
    /// Ends the follower; dropping it does too.
    ended: watch::Sender<bool>,
    follower: Mutex<Option<JoinHandle<()>>>,
}

impl Changes {
    /// The log has this many events; ignored if it was known to have more.
    pub(crate) fn tell(&self, size: u64) {
        self.0.size.send_if_modified(|known| {
            let grown = size > *known;
            *known = size.max(*known);
            grown
        });
    }

    /// Something beside the log has changed.
    pub(crate) fn stir(&self) {
        self.0.stirs.send_modify(|stirs| *stirs += 1);
    }

    /// Follows what all processes write from now on: the log's size, and what changes beside it.
    pub(crate) fn follow(
        &self,
        origin: impl FnOnce() -> Origin,
    ) -> (watch::Receiver<u64>, watch::Receiver<u64>) {
        let mut follower = self
            .0
            .follower
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if follower.is_none() {
            let inner = Follower {
                inner: Arc::downgrade(&self.0),
                ended: self.0.ended.subscribe(),
            };
            *follower = Some(tokio::spawn(inner.run(origin())));
        }
        (self.0.size.subscribe(), self.0.stirs.subscribe())
    }

    /// Closes the follower's connection.
    pub(crate) async fn end(&self) {
        self.0.ended.send_replace(true);
        let follower = {
            let mut follower = self
                .0
                .follower
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            follower.take()
        };
        if let Some(follower) = follower {
            // A follower that panicked has no connection either.
            let _ = follower.await;
        }
    }
}

/// The size of a log that may have no event yet.
fn looked(size: Option<i64>) -> u64 {
    size.map_or(0, unsigned)
}

/// Why listening on a connection ended.
enum Gone {
    /// Nobody follows any more.
    Ended,
    /// It was lost, or there was none.
    Lost,
}

impl From<sqlx::Error> for Gone {
    fn from(_: sqlx::Error) -> Self {
        Self::Lost
    }
}

/// Polls one database for as long as anybody follows.
struct Follower {
    inner: Weak<Inner>,
    ended: watch::Receiver<bool>,
}

impl Follower {
    async fn run(mut self, origin: Origin) {
        let mut pause = PAUSES.0;
        loop {
            let gone = match &origin {
                Origin::Sqlite(options) => self.poll(options, &mut pause).await,
                Origin::Postgres(options) => self.listen(options, &mut pause).await,
            };
            if matches!(gone, Gone::Ended) || self.rest(pause).await.is_err() {
                return;
            }
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// Passes on that the database has changed and its log has `size` events. A log that is as long as `before` has not
    /// grown, so something else changed.
    fn tell(&self, size: u64, before: &mut u64) {
        let Some(inner) = self.inner.upgrade() else {
            return;
        };
        let changes = Changes(inner);
        if size > *before {
            *before = size;
            changes.tell(size);
        } else {
            changes.stir();
        }
    }

    /// Waits for the end.
    async fn end(&mut self) {
        // The other side is gone: that is the end too.
        let _ = self.ended.wait_for(|ended| *ended).await;
    }

    async fn rest(&mut self, pause: Duration) -> Result<(), Gone> {
        tokio::select! {
            () = self.end() => Err(Gone::Ended),
            () = tokio::time::sleep(pause) => Ok(()),
        }
    }

    async fn poll(&mut self, options: &SqliteConnectOptions, pause: &mut Duration) -> Gone {
        let Ok(mut db) = SqliteConnection::connect_with(options).await else {
            return Gone::Lost;
        };
        *pause = PAUSES.0;
        let gone = match self.polled(&mut db).await {
            Ok(never) => match never {},
            Err(gone) => gone,
        };
        // The last connection to a file folds its log, so it must be known when this one is closed.
        let _ = db.close().await;
        gone
    }

    async fn polled(
        &mut self,
        db: &mut SqliteConnection,
    ) -> Result<std::convert::Infallible, Gone> {
        let (mut seen, mut size) = (None, 0);
        loop {
            // The number changes whenever another connection commits; it is read before the committed data.
            let found: i64 = sqlx::query_scalar("PRAGMA data_version")
                .fetch_one(&mut *db)
                .await?;
            if seen != Some(found) {
                self.tell(
                    looked(sqlx::query_scalar(SIZE).fetch_optional(&mut *db).await?),
                    &mut size,
                );
                seen = Some(found);
            }
            self.rest(POLL).await?;
        }
    }

    async fn listen(&mut self, options: &PgConnectOptions, pause: &mut Duration) -> Gone {
        // Its own connection, so that the pool does not lose one.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(ANSWER)
            .connect_lazy_with(options.clone().application_name(LISTENER));
        let Ok(mut listener) = PgListener::connect_with(&pool).await else {
            return Gone::Lost;
        };
        listener.eager_reconnect(false);
        let gone = match self.listened(&mut listener, pause).await {
            Ok(never) => match never {},
            Err(gone) => gone,
        };
        drop(listener);
        // A server that is gone does not close its connections.
        let _ = timeout(ANSWER, pool.close()).await;
        gone
    }

    async fn listened(
        &mut self,
        listener: &mut PgListener,
        pause: &mut Duration,
    ) -> Result<std::convert::Infallible, Gone> {
        let channel: String = sqlx::query_scalar(CHANNEL)
            .fetch_one(&mut *listener)
            .await?;
        listener.listen(&channel).await?;
        let mut before = 0;
        loop {
            let size = sqlx::query_scalar(SIZE).fetch_optional(&mut *listener);
            let size = timeout(ANSWER, size).await.map_err(|_| Gone::Lost)??;
            self.tell(looked(size), &mut before);
            *pause = PAUSES.0;
            loop {
                let heard = tokio::select! {
                    () = self.end() => return Err(Gone::Ended),
                    heard = timeout(SILENCE, listener.try_recv()) => heard,
                };
                match heard {
                    Ok(notice) => {
                        let size = notice?.ok_or(Gone::Lost)?.payload().parse();
                        self.tell(size.unwrap_or_default(), &mut before);
                    }
                    // Long silence.
                    Err(_) => break,
                }
            }
        }
    }
}
