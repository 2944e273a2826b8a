//! The two database engines behind one set of SQL statements: both understand `$1`, and the columns have the same types.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{
    Connection as _, Executor as _, PgConnection, Postgres, SqlStr, Sqlite, SqliteConnection,
    Transaction,
};

use super::Clock;
use super::error::StoreError;

/// A plan is made once for each connection, and in a new book the tables are small enough for a full scan, which would
/// then be used for ever. Every statement has its index.
const BY_INDEX: &str = "SET enable_seqscan = off";

/// How long a writer waits for another, seconds.
pub(crate) const LOCK_TIMEOUT: u64 = 5;

/// The default time for a database server to be reached and to accept a connection.
pub(crate) const ANSWER: Duration = Duration::from_secs(4);

/// Memory for pages of one `SQLite` connection, kibibytes (negative, as the pragma expects).
const SQLITE_CACHE: &str = "-8192";

/// Which columns table `events` has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schema {
    /// Nothing has been written since the book came from the previous version.
    Unsalted,
    /// Log format 2.
    Salted,
}

/// The number of the schema from which events have salts.
const SALTED: i64 = 2;

/// One step of the schema.
struct Step {
    number: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

/// A step by its number, its name and its file, which both engines have.
macro_rules! step {
    ($number:expr, $name:literal, $file:literal) => {
        Step {
            number: $number,
            name: $name,
            sqlite: include_str!(concat!("../../migrations/sqlite/", $file)),
            postgres: include_str!(concat!("../../migrations/postgres/", $file)),
        }
    };
}

/// The steps of the schema, which never change once released.
const STEPS: &[Step] = &[
    step!(1, "book", "0001_book.sql"),
    step!(SALTED, "persons", "0002_persons.sql"),
    step!(3, "platform", "0003_platform.sql"),
    step!(4, "desk", "0004_desk.sql"),
    step!(5, "watch", "0005_watch.sql"),
    step!(6, "left", "0006_left.sql"),
    step!(7, "outbox", "0007_outbox.sql"),
];

/// The newest schema that this version knows.
const NEWEST: i64 = STEPS[STEPS.len() - 1].number;

/// Open connections of either engine.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    connections: Connections,
    /// The schema is the newest; it then stays so.
    current: Arc<AtomicBool>,
}

#[derive(Debug, Clone)]
enum Connections {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// How to make another connection to the same database.
#[derive(Debug)]
pub(crate) enum Origin {
    Sqlite(SqliteConnectOptions),
    Postgres(PgConnectOptions),
}

/// A connection taken out of the pool for reading.
#[derive(Debug)]
pub(crate) enum Reader {
    Sqlite(PoolConnection<Sqlite>, Schema),
    Postgres(PoolConnection<Postgres>, Schema),
}

/// A transaction; rolled back when dropped.
#[derive(Debug)]
pub(crate) enum Tx {
    Sqlite(Transaction<'static, Sqlite>, Schema),
    Postgres(Transaction<'static, Postgres>, Schema),
}

/// A borrowed connection, inside or outside a transaction.
#[derive(Debug)]
pub(crate) enum Link<'a> {
    Sqlite(&'a mut SqliteConnection, Schema),
    Postgres(&'a mut PgConnection, Schema),
}

impl Link<'_> {
    /// Which columns it has.
    pub(crate) fn schema(&self) -> Schema {
        match self {
            Self::Sqlite(_, schema) | Self::Postgres(_, schema) => *schema,
        }
    }

    /// The same connection, reborrowed.
    pub(crate) fn reborrow(&mut self) -> Link<'_> {
        match self {
            Self::Sqlite(db, schema) => Link::Sqlite(db, *schema),
            Self::Postgres(db, schema) => Link::Postgres(db, *schema),
        }
    }
}

/// Runs the same statements on whichever engine `link` is; `db` is the connection inside `body`.
macro_rules! on_engine {
    ($link:expr, $db:ident => $body:expr) => {
        match $link {
            $crate::store::engine::Link::Sqlite($db, _) => $body,
            $crate::store::engine::Link::Postgres($db, _) => $body,
        }
    };
}
pub(crate) use on_engine;

impl Reader {
    pub(crate) fn link(&mut self) -> Link<'_> {
        match self {
            Self::Sqlite(connection, schema) => Link::Sqlite(connection, *schema),
            Self::Postgres(connection, schema) => Link::Postgres(connection, *schema),
        }
    }
}

impl Tx {
    pub(crate) fn link(&mut self) -> Link<'_> {
        match self {
            Self::Sqlite(tx, schema) => Link::Sqlite(tx, *schema),
            Self::Postgres(tx, schema) => Link::Postgres(tx, *schema),
        }
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx, _) => tx.commit().await?,
            Self::Postgres(tx, _) => tx.commit().await?,
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

/// The URL of a store without its password.
pub fn redacted(url: &str) -> String {
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
    /// Connects to an existing store. A book of the previous version is read as it is, and brought up to date by its
    /// first writer.
    pub(crate) async fn open(url: &str, within: Duration) -> Result<Self, StoreError> {
        match place(url)? {
            Place::File(path) => {
                if !path.try_exists()? {
                    return Err(StoreError::Missing(redacted(url)));
                }
                let pool = Self::sqlite(&path, false).await?;
                // Nothing is written to a database that is not a book.
                match has_book(&pool).await {
                    Ok(true) => Self::prepared(Connections::Sqlite(pool)).await,
                    Ok(false) => Err(closed(pool, StoreError::Bookless(redacted(url))).await),
                    Err(error) => Err(closed(pool, error.into()).await),
                }
            }
            Place::Server(url) => Self::postgres(&url, within).await,
        }
    }

    /// Connects, creating the file and the tables if there are none.
    pub(crate) async fn create(url: &str, within: Duration) -> Result<Self, StoreError> {
        match place(url)? {
            Place::File(path) => {
                if let Some(folder) = path
                    .parent()
                    .filter(|folder| !folder.as_os_str().is_empty())
                {
                    std::fs::create_dir_all(folder)?;
                }
                let pool = Self::sqlite(&path, true).await?;
                Self::prepared(Connections::Sqlite(pool)).await
            }
            Place::Server(url) => Self::postgres(&url, within).await,
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
            // The journal for half-done statements; on disk it costs a write for every page that an import changes.
            .pragma("temp_store", "MEMORY")
            .row_buffer_size(1024);
        Ok(SqlitePoolOptions::new()
            .max_connections(8)
            .test_before_acquire(false)
            .connect_with(options)
            .await?)
    }

    /// Checks that this version can read the schema.
    async fn prepared(connections: Connections) -> Result<Self, StoreError> {
        let pool = Self {
            connections,
            current: Arc::default(),
        };
        // Looking first keeps a command from taking the write lock at its start.
        let ready = match pool.version().await {
            Some(found) if found > NEWEST => Err(StoreError::Newer(format!("schema {found}"))),
            Some(_) => Ok(()),
            None => pool.migrate().await,
        };
        match ready {
            Ok(()) => Ok(pool),
            Err(error) => {
                pool.close().await;
                Err(error)
            }
        }
    }

    /// The schema's number; `None` where there are no tables.
    async fn version(&self) -> Option<i64> {
        let number = match &self.connections {
            Connections::Sqlite(pool) => sqlx::query_scalar(VERSION).fetch_one(pool).await,
            Connections::Postgres(pool) => sqlx::query_scalar(VERSION).fetch_one(pool).await,
        };
        number.ok().flatten()
    }

    /// Brings the schema up to date.
    async fn migrate(&self) -> Result<(), StoreError> {
        let mut before = self.version().await;
        while let Err(error) = self.steps().await {
            // Of two processes that begin at once, one is too late for a step, and continues from where the other is.
            let now = self.version().await;
            if now == Some(NEWEST) {
                break;
            }
            if now == before {
                return Err(error.into());
            }
            before = now;
        }
        self.current.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Applies the steps that the schema does not have yet.
    async fn steps(&self) -> Result<(), MigrateError> {
        match &self.connections {
            Connections::Sqlite(pool) => migrations(|step| step.sqlite).run(pool).await,
            Connections::Postgres(pool) => migrations(|step| step.postgres).run(pool).await,
        }
    }

    /// The schema that the transaction or connection of `link` sees; looked up until it is the newest.
    async fn schema(&self, link: Link<'_>) -> Result<Schema, StoreError> {
        if self.current.load(Ordering::Relaxed) {
            return Ok(Schema::Salted);
        }
        let found: Option<i64> = on_engine!(link, db => {
            sqlx::query_scalar(VERSION).fetch_one(db).await?
        });
        let found = found.unwrap_or_default();
        if found > NEWEST {
            return Err(StoreError::Newer(format!("schema {found}")));
        }
        if found == NEWEST {
            self.current.store(true, Ordering::Relaxed);
        }
        Ok(if found >= SALTED {
            Schema::Salted
        } else {
            Schema::Unsalted
        })
    }

    async fn postgres(url: &str, within: Duration) -> Result<Self, StoreError> {
        let options =
            PgConnectOptions::from_str(url).map_err(|_| StoreError::Url(redacted(url)))?;
        reach(&options, within).await?;
        let pool = PgPoolOptions::new()
            .max_connections(8)
            .test_before_acquire(false)
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute(BY_INDEX).await.map(drop) })
            })
            .connect_lazy_with(options);
        Self::prepared(Connections::Postgres(pool)).await
    }

    /// How to make a connection beside the pool.
    pub(crate) fn origin(&self) -> Origin {
        match &self.connections {
            Connections::Sqlite(pool) => Origin::Sqlite((*pool.connect_options()).clone()),
            Connections::Postgres(pool) => Origin::Postgres((*pool.connect_options()).clone()),
        }
    }

    /// A connection for reading.
    pub(crate) async fn reader(&self) -> Result<Reader, StoreError> {
        let mut reader = match &self.connections {
            Connections::Sqlite(pool) => Reader::Sqlite(pool.acquire().await?, Schema::Salted),
            Connections::Postgres(pool) => Reader::Postgres(pool.acquire().await?, Schema::Salted),
        };
        let found = self.schema(reader.link()).await?;
        let (Reader::Sqlite(_, schema) | Reader::Postgres(_, schema)) = &mut reader;
        *schema = found;
        Ok(reader)
    }

    /// A transaction that sees the book as of one moment, whatever is appended meanwhile.
    pub(crate) async fn snapshot(&self) -> Result<Tx, StoreError> {
        let mut tx = match &self.connections {
            Connections::Sqlite(pool) => Tx::Sqlite(pool.begin().await?, Schema::Salted),
            Connections::Postgres(pool) => Tx::Postgres(
                pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                    .await?,
                Schema::Salted,
            ),
        };
        let found = self.schema(tx.link()).await?;
        let (Tx::Sqlite(_, schema) | Tx::Postgres(_, schema)) = &mut tx;
        *schema = found;
        Ok(tx)
    }

    /// The transaction of the book's one writer; waits for another at most [`LOCK_TIMEOUT`]. The first one brings the schema
    /// up to date.
    pub(crate) async fn write(&self) -> Result<Tx, StoreError> {
        if !self.current.load(Ordering::Relaxed) {
            self.migrate().await?;
        }
        Ok(match &self.connections {
            Connections::Sqlite(pool) => {
                Tx::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?, Schema::Salted)
            }
            Connections::Postgres(pool) => {
                let begin = "BEGIN; SET LOCAL lock_timeout = '5s'";
                let mut tx = pool.begin_with(begin).await?;
                sqlx::query(
                    "SELECT pg_advisory_xact_lock(hashtext('orderbook:' || current_schema()))",
                )
                .execute(&mut *tx)
                .await?;
                Tx::Postgres(tx, Schema::Salted)
            }
        })
    }

    /// A whole copy in an empty file.
    pub(crate) async fn copy_to(&self, path: &Path) -> Result<(), StoreError> {
        let Connections::Sqlite(pool) = &self.connections else {
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
        match &self.connections {
            Connections::Sqlite(pool) => close_sqlite(pool).await,
            Connections::Postgres(pool) => pool.close().await,
        }
    }
}

/// Connects once, to see whether anything answers: the pool would retry a port that nobody listens on again and again,
/// and in the end not say why.
async fn reach(options: &PgConnectOptions, within: Duration) -> Result<(), StoreError> {
    let cause = match tokio::time::timeout(within, PgConnection::connect_with(options)).await {
        Ok(Ok(connection)) => {
            // Whether it closes cleanly does not matter here.
            let _ = connection.close().await;
            return Ok(());
        }
        Ok(Err(sqlx::Error::Io(cause))) => cause.to_string(),
        Ok(Err(error)) => return Err(error.into()),
        Err(_) => format!("no answer in {within:?}"),
    };
    let place = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    Err(StoreError::Unreachable { place, cause })
}

/// The write-ahead log that belongs to a file.
pub(crate) fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

/// The error, after every connection is closed.
async fn closed(pool: SqlitePool, error: StoreError) -> StoreError {
    close_sqlite(&pool).await;
    error
}

/// Closes every connection, the last one by itself: only that one folds the log into the file and removes it.
/// Connections that were given back just before the pool is closed are closed concurrently, and then none of them is
/// the last.
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

/// The number of the newest schema that was applied.
const VERSION: &str = "SELECT max(version) FROM _sqlx_migrations WHERE success";

/// The steps, named as `sqlx` names what it reads from such files. Its macro would do the same, but build both database
/// drivers a second time for the compiler to load.
fn migrations(statements: impl Fn(&Step) -> &'static str) -> Migrator {
    let migration = |step: &Step| {
        let sql = SqlStr::from_static(statements(step));
        Migration::new(
            step.number,
            step.name.into(),
            MigrationType::Simple,
            sql,
            false,
        )
    };
    Migrator::with_migrations(STEPS.iter().map(migration).collect())
}

/// The current time, unix microseconds: by the database server's clock, which all its clients share. A file uses its
/// machine's clock, and a store with its own clock uses that.
pub(crate) async fn time(link: Link<'_>, clock: &Clock) -> Result<i64, StoreError> {
    match link {
        Link::Postgres(db, _) if clock.is_system() => {
            Ok(sqlx::query_scalar(SERVER_TIME).fetch_one(db).await?)
        }
        _ => Ok(clock.now().as_microsecond()),
    }
}

/// Not `now()`: that is when the transaction began, which may have waited for another since.
const SERVER_TIME: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";

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

    #[tokio::test]
    async fn a_server_that_never_answers_is_named_with_host_and_port() {
        // Its connections are never taken.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = listener.local_addr().unwrap().to_string();
        let url = format!("postgres://desk:secret@{place}/book");
        let opened = Pool::open(&url, Duration::from_millis(50)).await;
        match opened {
            Err(StoreError::Unreachable {
                place: named,
                cause,
            }) => {
                assert_eq!((named, cause), (place, "no answer in 50ms".to_owned()));
            }
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_port_at_which_nobody_listens_is_said_to_refuse() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = listener.local_addr().unwrap().to_string();
        drop(listener);
        let opened = Pool::create(&format!("postgres://desk@{place}/book"), ANSWER).await;
        match opened {
            Err(StoreError::Unreachable {
                place: named,
                cause,
            }) => {
                assert_eq!(named, place);
                assert!(cause.contains("refused"), "{cause}");
            }
            other => panic!("{other:?}"),
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
