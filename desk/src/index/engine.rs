//! Where the index is kept: a file beside the profile, or a schema of its own on the server that has the book. Both
//! engines run the same statements.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{Connection as _, Postgres, SqlStr, Sqlite, Transaction};

use super::error::IndexError;

/// How long a writer waits for another.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a server can take to answer at all.
const ANSWER: Duration = Duration::from_secs(4);

/// Where an index is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Place {
    /// An `SQLite` file.
    File(PathBuf),
    /// A `PostgreSQL` server, by URL; there in a schema beside the book's.
    Server(String),
}

impl Place {
    /// The index of a profile: `orderbook.toml` has `orderbook.index` beside it, unless its book is on a server.
    pub fn of(profile: &Path, store: &str) -> Self {
        if store.starts_with("postgres://") || store.starts_with("postgresql://") {
            Self::Server(store.to_owned())
        } else {
            Self::File(profile.with_extension("index"))
        }
    }

    /// What to call it, without a password.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Server(url) => book::store::redacted(url),
        }
    }
}

/// Open connections.
#[derive(Clone, Debug)]
pub(super) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// A transaction; rolled back when dropped.
#[derive(Debug)]
pub(super) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// A connection inside of a transaction.
pub(super) enum Link<'a> {
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection),
}

/// Runs the same statements on whichever engine `link` is; `db` is the connection inside `body`.
macro_rules! on_engine {
    ($link:expr, $db:ident => $body:expr) => {
        match $link {
            $crate::index::engine::Link::Sqlite($db) => $body,
            $crate::index::engine::Link::Postgres($db) => $body,
        }
    };
}
pub(super) use on_engine;

impl Tx {
    pub(super) fn link(&mut self) -> Link<'_> {
        match self {
            Self::Sqlite(tx) => Link::Sqlite(tx),
            Self::Postgres(tx) => Link::Postgres(tx),
        }
    }

    pub(super) async fn commit(self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
    }
}

impl Pool {
    /// Connects, making file or schema and the table where there is none.
    pub(super) async fn open(place: &Place) -> Result<Self, IndexError> {
        let name = place.name();
        let pool = match place {
            Place::File(path) => Self::sqlite(path).await,
            Place::Server(url) => Self::postgres(url).await,
        };
        let pool = pool.map_err(|error| IndexError::of(&name, error))?;
        match pool.migrate().await {
            Ok(()) => Ok(pool),
            Err(error) => {
                pool.close().await;
                Err(IndexError::of_migration(&name, error))
            }
        }
    }

    async fn sqlite(path: &Path) -> sqlx::Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // Whatever a crash of the machine takes is read from the chain again.
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(LOCK_TIMEOUT)
            .pragma("trusted_schema", "OFF");
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .test_before_acquire(false)
            .connect_with(options);
        Ok(Self::Sqlite(pool.await?))
    }

    async fn postgres(url: &str) -> sqlx::Result<Self> {
        let options = PgConnectOptions::from_str(url)?;
        let connecting = PgConnection::connect_with(&options);
        let connected = tokio::time::timeout(ANSWER, connecting).await;
        let mut first = connected.map_err(|_| sqlx::Error::PoolTimedOut)??;
        let schema: String = sqlx::query_scalar("SELECT current_schema() || '_index'")
            .fetch_one(&mut first)
            .await?;
        // The name comes from the server itself; `format` quotes it there.
        sqlx::query("DO $$ BEGIN EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I', current_schema() || '_index'); END $$")
            .execute(&mut first)
            .await?;
        first.close().await?;
        let pool = PgPoolOptions::new()
            .max_connections(4)
            .acquire_timeout(ANSWER)
            .test_before_acquire(false)
            .connect_with(options.options([("search_path", schema)]));
        Ok(Self::Postgres(pool.await?))
    }

    async fn migrate(&self) -> Result<(), sqlx::migrate::MigrateError> {
        match self {
            Self::Sqlite(pool) => {
                migrations([
                    include_str!("../../migrations/sqlite/0001_index.sql"),
                    include_str!("../../migrations/sqlite/0002_registers.sql"),
                ])
                .run(pool)
                .await
            }
            Self::Postgres(pool) => {
                migrations([
                    include_str!("../../migrations/postgres/0001_index.sql"),
                    include_str!("../../migrations/postgres/0002_registers.sql"),
                ])
                .run(pool)
                .await
            }
        }
    }

    /// A transaction that sees a single point in time, whatever is written meanwhile.
    pub(super) async fn snapshot(&self) -> sqlx::Result<Tx> {
        Ok(match self {
            Self::Sqlite(pool) => Tx::Sqlite(pool.begin().await?),
            Self::Postgres(pool) => Tx::Postgres(
                pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    .await?,
            ),
        })
    }

    /// The transaction of the one writer; waits for another for [`LOCK_TIMEOUT`].
    pub(super) async fn write(&self) -> sqlx::Result<Tx> {
        Ok(match self {
            Self::Sqlite(pool) => Tx::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => {
                let mut tx = pool.begin().await?;
                sqlx::query("SET LOCAL lock_timeout = '5s'")
                    .execute(&mut *tx)
                    .await?;
                sqlx::query("SELECT pg_advisory_xact_lock(hashtext('index:' || current_schema()))")
                    .execute(&mut *tx)
                    .await?;
                Tx::Postgres(tx)
            }
        })
    }

    /// Closes every connection; `SQLite` folds its write-ahead log into the file.
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// Named as `sqlx` names what it reads from such files.
fn migrations([index, registers]: [&'static str; 2]) -> Migrator {
    let named = |version, name: &'static str, sql| {
        let sql = SqlStr::from_static(sql);
        Migration::new(version, name.into(), MigrationType::Simple, sql, false)
    };
    Migrator::with_migrations(vec![
        named(1, "index", index),
        named(2, "registers", registers),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_lies_beside_the_profile_unless_the_book_is_on_a_server() {
        let profile = Path::new("/desk/orderbook.toml");
        for store in ["sqlite:board.db", "/elsewhere/board.db"] {
            let place = Place::of(profile, store);
            assert_eq!(place, Place::File("/desk/orderbook.index".into()));
            assert_eq!(place.name(), "/desk/orderbook.index");
        }
        let place = Place::of(profile, "postgres://desk:secret@db:5432/book");
        assert_eq!(place.name(), "postgres://desk@db:5432/book");
    }
}
