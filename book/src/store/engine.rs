//! The two database engines behind one set of SQL statements: both understand `$1`, and the columns have the same types.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{
    Connection as _, PgConnection, Postgres, SqlStr, Sqlite, SqliteConnection, Transaction,
};

use super::error::StoreError;

/// How long a writer waits for another, seconds.
pub(crate) const LOCK_TIMEOUT: u64 = 5;

/// Memory for pages of one `SQLite` connection, kibibytes (negative, as the pragma wants it).
const SQLITE_CACHE: &str = "-8192";

/// Open connections of either engine.
#[derive(Debug, Clone)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// A connection taken out of the pool for reading.
#[derive(Debug)]
pub(crate) enum Reader {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

/// A transaction; rolled back when dropped.
#[derive(Debug)]
pub(crate) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// A borrowed connection, inside or outside of a transaction.
#[derive(Debug)]
pub(crate) enum Link<'a> {
    Sqlite(&'a mut SqliteConnection),
    Postgres(&'a mut PgConnection),
}

/// Runs the same statements on whichever engine `link` is; `db` is the connection inside `body`.
macro_rules! on_engine {
    ($link:expr, $db:ident => $body:expr) => {
        match $link {
            $crate::store::engine::Link::Sqlite($db) => $body,
            $crate::store::engine::Link::Postgres($db) => $body,
        }
    };
}
pub(crate) use on_engine;

impl Reader {
    pub(crate) fn link(&mut self) -> Link<'_> {
        match self {
            Self::Sqlite(connection) => Link::Sqlite(connection),
            Self::Postgres(connection) => Link::Postgres(connection),
        }
    }
}

impl Tx {
    pub(crate) fn link(&mut self) -> Link<'_> {
        match self {
            Self::Sqlite(tx) => Link::Sqlite(tx),
            Self::Postgres(tx) => Link::Postgres(tx),
        }
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

/// What a URL names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    File(PathBuf),
    Server(String),
}

fn place(url: &str) -> Result<Place, StoreError> {
    let unsupported = || StoreError::Url(redacted(url));
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Place::Server(url.to_owned()));
    }
    let path = url
        .strip_prefix("sqlite://")
        .or_else(|| url.strip_prefix("sqlite:"))
        .unwrap_or(url);
    if path.is_empty() || path.contains(":memory:") || path.contains("://") {
        return Err(unsupported());
    }
    Ok(Place::File(PathBuf::from(path)))
}

/// The URL without its password.
pub(crate) fn redacted(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let Some((login, host)) = rest.rsplit_once('@') else {
        return url.to_owned();
    };
    let user = login.split(':').next().unwrap_or_default();
    format!("{scheme}://{user}@{host}")
}

impl Pool {
    /// Connects to an existing store and brings its schema up to date.
    pub(crate) async fn open(url: &str) -> Result<Self, StoreError> {
        match place(url)? {
            Place::File(path) => {
                if !path.try_exists()? {
                    return Err(StoreError::Missing(redacted(url)));
                }
                let pool = Self::sqlite(&path, false).await?;
                // Nothing is written into a database that is no book.
                match has_book(&pool).await {
                    Ok(true) => Self::migrated(pool).await,
                    Ok(false) => Err(closed(pool, StoreError::Bookless(redacted(url))).await),
                    Err(error) => Err(closed(pool, error.into()).await),
                }
            }
            Place::Server(url) => Self::postgres(&url).await,
        }
    }

    /// Connects, making the file where there is none, and brings the schema up to date.
    pub(crate) async fn create(url: &str) -> Result<Self, StoreError> {
        match place(url)? {
            Place::File(path) => {
                if let Some(folder) = path
                    .parent()
                    .filter(|folder| !folder.as_os_str().is_empty())
                {
                    std::fs::create_dir_all(folder)?;
                }
                Self::migrated(Self::sqlite(&path, true).await?).await
            }
            Place::Server(url) => Self::postgres(&url).await,
        }
    }

    async fn sqlite(path: &Path, create: bool) -> Result<SqlitePool, StoreError> {
        let log = log_of(path);
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |data| data.len());
        // SQLite takes the log of an empty file for a leftover and deletes it.
        if size(path) == 0 && size(&log) > 0 {
            return Err(StoreError::Emptied {
                file: path.to_path_buf(),
                log,
            });
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(create)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(LOCK_TIMEOUT))
            .pragma("cache_size", SQLITE_CACHE)
            .pragma("trusted_schema", "OFF")
            // What undoes a statement half done; on disk it costs a write for every page that an import changes.
            .pragma("temp_store", "MEMORY")
            .row_buffer_size(1024);
        Ok(SqlitePoolOptions::new()
            .max_connections(8)
            .test_before_acquire(false)
            .connect_with(options)
            .await?)
    }

    /// With the schema of this version.
    async fn migrated(pool: SqlitePool) -> Result<Self, StoreError> {
        let migrator = migrations(include_str!("../../migrations/sqlite/0001_book.sql"));
        // Looking first keeps the start of a command from taking the write lock.
        if !is_current(&pool, migrator.iter().map(|m| m.version).max()).await
            && let Err(error) = migrator.run(&pool).await
        {
            return Err(closed(pool, error.into()).await);
        }
        Ok(Self::Sqlite(pool))
    }

    async fn postgres(url: &str) -> Result<Self, StoreError> {
        let options =
            PgConnectOptions::from_str(url).map_err(|_| StoreError::Url(redacted(url)))?;
        let pool = PgPoolOptions::new()
            .max_connections(8)
            .test_before_acquire(false)
            .connect_with(options)
            .await?;
        migrations(include_str!("../../migrations/postgres/0001_book.sql"))
            .run(&pool)
            .await?;
        Ok(Self::Postgres(pool))
    }

    /// A connection for reading.
    pub(crate) async fn reader(&self) -> Result<Reader, StoreError> {
        Ok(match self {
            Self::Sqlite(pool) => Reader::Sqlite(pool.acquire().await?),
            Self::Postgres(pool) => Reader::Postgres(pool.acquire().await?),
        })
    }

    /// A transaction that sees one moment of the book, whatever is appended meanwhile.
    pub(crate) async fn snapshot(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite(pool) => Tx::Sqlite(pool.begin().await?),
            Self::Postgres(pool) => Tx::Postgres(
                pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    .await?,
            ),
        })
    }

    /// The transaction of the book's one writer; waits for another at most [`LOCK_TIMEOUT`].
    pub(crate) async fn write(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite(pool) => Tx::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => {
                let mut tx = pool.begin().await?;
                sqlx::query("SET LOCAL lock_timeout = '5s'")
                    .execute(&mut *tx)
                    .await?;
                sqlx::query(
                    "SELECT pg_advisory_xact_lock(hashtext('orderbook:' || current_schema()))",
                )
                .execute(&mut *tx)
                .await?;
                Tx::Postgres(tx)
            }
        })
    }

    /// A whole copy in an empty file.
    pub(crate) async fn copy_to(&self, path: &Path) -> Result<(), StoreError> {
        let Self::Sqlite(pool) = self else {
            return Err(StoreError::OnServer);
        };
        let name = path
            .to_str()
            .ok_or_else(|| StoreError::Url(path.display().to_string()))?;
        sqlx::query("VACUUM INTO $1")
            .bind(name)
            .execute(pool)
            .await?;
        Ok(())
    }

    /// Closes every connection; `SQLite` folds its write-ahead log into the file.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => close_sqlite(pool).await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// The write-ahead log that belongs to a file.
pub(crate) fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

/// The error, once every connection is closed.
async fn closed(pool: SqlitePool, error: StoreError) -> StoreError {
    close_sqlite(&pool).await;
    error
}

/// Closes every connection, the last one alone: only that one folds the log into the file and removes it. Connections that
/// were given back just before the pool is closed are closed side by side, and then none of them is the last.
async fn close_sqlite(pool: &SqlitePool) {
    let options = pool.connect_options();
    pool.close().await;
    if log_of(options.get_filename()).exists()
        && let Ok(last) = SqliteConnection::connect_with(&options).await
    {
        // Another process may have the file open, or it is damaged: the log stays.
        let _ = last.close().await;
    }
}

async fn has_book(pool: &SqlitePool) -> sqlx::Result<bool> {
    let tables = "SELECT count(*) > 0 FROM sqlite_schema WHERE name = '_sqlx_migrations'";
    sqlx::query_scalar(tables).fetch_one(pool).await
}

/// The one schema so far, named as `sqlx` names what it reads from such a file. Its macro would do the same, and build both
/// database drivers a second time for the compiler to load.
fn migrations(book: &'static str) -> Migrator {
    Migrator::with_migrations(vec![Migration::new(
        1,
        "book".into(),
        MigrationType::Simple,
        SqlStr::from_static(book),
        false,
    )])
}

async fn is_current(pool: &SqlitePool, wanted: Option<i64>) -> bool {
    let found: Result<Option<i64>, _> =
        sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success")
            .fetch_one(pool)
            .await;
    found.is_ok_and(|found| found.is_some() && found == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_files_and_servers() {
        for url in ["book.db", "sqlite:book.db", "sqlite://book.db"] {
            assert_eq!(place(url).unwrap(), Place::File("book.db".into()));
        }
        assert_eq!(place("sqlite:///a/b").unwrap(), Place::File("/a/b".into()));
        assert!(matches!(
            place("postgres://u:p@h/d").unwrap(),
            Place::Server(_)
        ));
        for url in ["", "sqlite:", "sqlite::memory:", "mysql://h/d"] {
            assert!(matches!(place(url), Err(StoreError::Url(_))), "{url}");
        }
    }

    #[test]
    fn passwords_never_show() {
        assert_eq!(
            redacted("postgres://desk:secret@db:5432/book"),
            "postgres://desk@db:5432/book"
        );
        assert_eq!(redacted("book.db"), "book.db");
    }
}
