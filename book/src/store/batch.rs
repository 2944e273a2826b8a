//! Statements that wait to be run together: `SQLite` runs several in one go, which saves a hand-over between threads
//! for each; `PostgreSQL` runs them one by one, and takes all rows of a table in one statement.

use std::borrow::Cow;
use std::fmt::Write as _;

use sqlx::AssertSqlSafe;

use super::changes::NOTIFY;
use super::engine::{Link, Tx};
use super::error::StoreError;

/// Joined statements have at most this many values in total.
const JOINED: usize = 96;

/// Rows per multi-row INSERT.
pub(super) const PORTION: usize = 64;

/// A bound value.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Int(i64),
    Bytes(Vec<u8>),
    Text(String),
    /// Bytes or nothing.
    Maybe(Option<Vec<u8>>),
}

/// Binds values of any kind to a query.
macro_rules! bind_all {
    ($query:expr, $values:expr) => {{
        let mut query = $query;
        for value in $values {
            query = match value {
                $crate::store::batch::Value::Int(value) => query.bind(value),
                $crate::store::batch::Value::Bytes(value) => query.bind(value),
                $crate::store::batch::Value::Text(value) => query.bind(value),
                $crate::store::batch::Value::Maybe(value) => query.bind(value),
            };
        }
        query
    }};
}
pub(crate) use bind_all;

#[derive(Debug)]
struct Statement {
    sql: Cow<'static, str>,
    values: Vec<Value>,
}

/// What has not run yet.
#[derive(Debug)]
enum Waiting {
    One(Statement),
    /// Rows of a table, which is named with its columns; `tail` says what to do about existing rows.
    Rows {
        into: &'static str,
        rows: Vec<Vec<Value>>,
        tail: &'static str,
    },
}

/// The values of one column.
#[derive(Debug)]
enum Column {
    Ints(Vec<i64>),
    Texts(Vec<String>),
    Bytes(Vec<Option<Vec<u8>>>),
}

impl Column {
    /// A column for values of this kind.
    fn like(value: &Value) -> Self {
        match value {
            Value::Int(_) => Self::Ints(Vec::new()),
            Value::Text(_) => Self::Texts(Vec::new()),
            Value::Bytes(_) | Value::Maybe(_) => Self::Bytes(Vec::new()),
        }
    }

    /// All rows of a table have values of the same kinds.
    fn push(&mut self, value: Value) -> Result<(), StoreError> {
        match (self, value) {
            (Self::Ints(all), Value::Int(one)) => all.push(one),
            (Self::Texts(all), Value::Text(one)) => all.push(one),
            (Self::Bytes(all), Value::Bytes(one)) => all.push(Some(one)),
            (Self::Bytes(all), Value::Maybe(one)) => all.push(one),
            (column, value) => {
                let what = format!("{value:?} is in a column of {}", column.kind());
                return Err(StoreError::Damaged { seq: 0, what });
            }
        }
        Ok(())
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Ints(_) => "bigint[]",
            Self::Texts(_) => "text[]",
            Self::Bytes(_) => "bytea[]",
        }
    }
}

/// The columns of rows.
fn columns(rows: Vec<Vec<Value>>) -> Result<Vec<Column>, StoreError> {
    let first = rows.first().map(Vec::as_slice).unwrap_or_default();
    let mut columns: Vec<Column> = first.iter().map(Column::like).collect();
    for row in rows {
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value)?;
        }
    }
    Ok(columns)
}

/// A write transaction and the statements that it has not run yet.
#[derive(Debug)]
pub(crate) struct Batch {
    tx: Tx,
    waiting: Vec<Waiting>,
}

impl Batch {
    pub(crate) fn new(tx: Tx) -> Self {
        Self {
            tx,
            waiting: Vec::new(),
        }
    }

    /// Adds a statement with `$1`, `$2`, ... for its values.
    pub(crate) fn push(&mut self, sql: impl Into<Cow<'static, str>>, values: Vec<Value>) {
        self.waiting.push(Waiting::One(Statement {
            sql: sql.into(),
            values,
        }));
    }

    /// Adds rows of a table, which is named with its columns; `tail` says what to do about existing rows.
    pub(crate) fn insert(&mut self, into: &'static str, rows: Vec<Vec<Value>>, tail: &'static str) {
        if !rows.is_empty() {
            self.waiting.push(Waiting::Rows { into, rows, tail });
        }
    }

    /// Notifies every process, once this is committed, how many events the log has. A file needs no notice.
    pub(crate) fn announce(&mut self, size: u64) {
        if matches!(self.tx, Tx::Postgres(..)) {
            self.push(NOTIFY, vec![Value::Text(size.to_string())]);
        }
    }

    /// The connection, after everything that was added has run.
    pub(crate) async fn link(&mut self) -> Result<Link<'_>, StoreError> {
        self.run().await?;
        Ok(self.tx.link())
    }

    /// Runs what was added.
    pub(crate) async fn run(&mut self) -> Result<(), StoreError> {
        // Boxed, or every use case's future would carry both engines' statements.
        Box::pin(self.run_all()).await
    }

    async fn run_all(&mut self) -> Result<(), StoreError> {
        let waiting = std::mem::take(&mut self.waiting);
        match self.tx.link() {
            Link::Sqlite(db, _) => {
                for Statement { sql, values } in join(waiting) {
                    let sql = if values.len() > JOINED {
                        positional(&sql)
                    } else {
                        sql.into_owned()
                    };
                    bind_all!(sqlx::query(AssertSqlSafe(sql)), values)
                        .execute(&mut *db)
                        .await?;
                }
            }
            Link::Postgres(db, _) => {
                for waiting in waiting {
                    let query = match waiting {
                        Waiting::One(Statement { sql, values }) => {
                            bind_all!(sqlx::query(AssertSqlSafe(sql.into_owned())), values)
                        }
                        Waiting::Rows { into, rows, tail } => {
                            let columns = columns(rows)?;
                            let sql = unnest(into, &columns) + tail;
                            let query = sqlx::query(AssertSqlSafe(sql));
                            columns
                                .into_iter()
                                .fold(query, |query, column| match column {
                                    Column::Ints(all) => query.bind(all),
                                    Column::Texts(all) => query.bind(all),
                                    Column::Bytes(all) => query.bind(all),
                                })
                        }
                    };
                    query.execute(&mut *db).await?;
                }
            }
        }
        Ok(())
    }

    /// Runs what was added and makes the transaction durable.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        self.run().await?;
        self.tx.commit().await
    }
}

/// `INSERT ... VALUES` for `rows` rows of `columns` columns, numbered placeholders.
fn insert(into: &str, columns: usize, rows: usize) -> String {
    let mut sql = format!("INSERT INTO {into} VALUES ");
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for column in 1..=columns {
            let comma = if column == 1 { "" } else { ", " };
            // Writing to memory does not fail.
            let _ = write!(sql, "{comma}${}", row * columns + column);
        }
        sql.push(')');
    }
    sql
}

/// Portions that are powers of two, largest first: seven statements to prepare, whatever the number of rows.
fn portions<T>(rows: Vec<T>) -> impl Iterator<Item = Vec<T>> {
    let mut rows = rows.into_iter();
    std::iter::from_fn(move || {
        let count = rows
            .len()
            .checked_ilog2()
            .map_or(0, |log| PORTION.min(1 << log));
        let portion: Vec<_> = rows.by_ref().take(count).collect();
        (!portion.is_empty()).then_some(portion)
    })
}

/// `INSERT` of rows that come as arrays, one for each column: the same statement for any number of rows.
fn unnest(into: &str, columns: &[Column]) -> String {
    let mut sql = format!("INSERT INTO {into} SELECT * FROM UNNEST(");
    for (index, column) in columns.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        // Writing to memory does not fail.
        let _ = write!(sql, "{comma}${}::{}", index + 1, column.kind());
    }
    sql + ") AS rows"
}

/// Statements for `SQLite`: rows in portions, and neighbours joined as long as they have few values.
fn join(waiting: Vec<Waiting>) -> Vec<Statement> {
    let mut joined: Vec<Statement> = Vec::new();
    let statements = waiting.into_iter().flat_map(|waiting| match waiting {
        Waiting::One(statement) => vec![statement],
        Waiting::Rows { into, rows, tail } => portions(rows)
            .map(|rows| Statement {
                sql: (insert(into, rows[0].len(), rows.len()) + tail).into(),
                values: rows.into_iter().flatten().collect(),
            })
            .collect(),
    });
    for statement in statements {
        match joined.last_mut() {
            Some(last) if last.values.len() + statement.values.len() <= JOINED => {
                let sql = last.sql.to_mut();
                sql.push_str("; ");
                shift(&statement.sql, last.values.len(), sql);
                last.values.extend(statement.values);
            }
            _ => joined.push(statement),
        }
    }
    joined
}

/// `$1`, `$2`, ... as `?`, `?`, ...: `SQLite` looks a name up among all names, which is slow with hundreds of them.
/// Only for statements that use each value once and in sequence, as every wide one does.
fn positional(sql: &str) -> String {
    let mut parts = sql.split('$');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push('?');
        out.push_str(part.trim_start_matches(|digit: char| digit.is_ascii_digit()));
    }
    out
}

/// Appends `sql` with its placeholders moved up by `offset`. No statement of this crate has a `$` elsewhere.
fn shift(sql: &str, offset: usize, out: &mut String) {
    let mut rest = sql;
    while let Some(at) = rest.find('$') {
        let digits = rest[at + 1..]
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count();
        let end = at + 1 + digits;
        let number: usize = rest[at + 1..end].parse().unwrap_or_default();
        out.push_str(&rest[..at]);
        // Writing to memory does not fail.
        let _ = write!(out, "${}", number + offset);
        rest = &rest[end..];
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(sql: &'static str, values: usize) -> Waiting {
        Waiting::One(Statement {
            sql: sql.into(),
            values: vec![Value::Int(1); values],
        })
    }

    #[test]
    fn rows_go_to_a_server_as_one_array_for_each_column() {
        let row = |number| {
            vec![
                Value::Int(number),
                Value::Text("a".into()),
                Value::Maybe(None),
            ]
        };
        let all = columns(vec![row(1), row(2)]).unwrap();
        assert_eq!(
            unnest("a (b, c, d)", &all),
            "INSERT INTO a (b, c, d) SELECT * FROM UNNEST($1::bigint[], $2::text[], $3::bytea[]) AS rows"
        );
        assert!(matches!(&all[0], Column::Ints(numbers) if *numbers == [1, 2]));
        let mixed = columns(vec![row(1), vec![Value::Text("b".into())]]);
        assert!(matches!(mixed, Err(StoreError::Damaged { .. })));
    }

    #[test]
    fn rows_go_to_a_file_in_portions_of_powers_of_two() {
        let rows = (0..5).map(|number| vec![Value::Int(number); 40]);
        let joined = join(vec![Waiting::Rows {
            into: "a",
            rows: rows.collect(),
            tail: " ON CONFLICT DO NOTHING",
        }]);
        let widths: Vec<_> = joined.iter().map(|one| one.values.len()).collect();
        assert_eq!(widths, [160, 40]);
        assert!(joined[1].sql.ends_with(", $40) ON CONFLICT DO NOTHING"));
    }

    #[test]
    fn wide_statements_lose_their_numbers() {
        let sql = insert("a (b, c)", 2, 6);
        assert!(sql.starts_with("INSERT INTO a (b, c) VALUES ($1, $2), ($3, $4)"));
        assert!(
            positional(&sql).ends_with("VALUES (?, ?), (?, ?), (?, ?), (?, ?), (?, ?), (?, ?)")
        );
    }

    #[test]
    fn joined_statements_keep_their_own_values() {
        let joined = join(vec![
            statement("INSERT INTO a VALUES ($1, $2)", 2),
            statement("UPDATE b SET c = $1, d = $12 WHERE e = $1", 12),
            statement("DELETE FROM f", 0),
            statement("wide", JOINED),
        ]);
        assert_eq!(joined.len(), 2);
        assert_eq!(
            joined[0].sql,
            "INSERT INTO a VALUES ($1, $2); UPDATE b SET c = $3, d = $14 WHERE e = $3; DELETE FROM f"
        );
        assert_eq!(
            (joined[0].values.len(), joined[1].values.len()),
            (14, JOINED)
        );
    }
}
