//! Statements that wait for each other's company: `SQLite` runs several in one go, which saves a hand-over between
//! threads each; `PostgreSQL` runs them one by one.

use std::borrow::Cow;
use std::fmt::Write as _;

use sqlx::AssertSqlSafe;

use super::changes::NOTIFY;
use super::engine::{Link, Tx};
use super::error::StoreError;

/// Joined statements have at most this many values together.
const JOINED: usize = 96;

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

/// A write transaction and the statements that it has not run yet.
#[derive(Debug)]
pub(crate) struct Batch {
    tx: Tx,
    waiting: Vec<Statement>,
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
        self.waiting.push(Statement {
            sql: sql.into(),
            values,
        });
    }

    /// Tells every process, once this is committed, how many events the log has. A file needs no telling.
    pub(crate) fn announce(&mut self, size: u64) {
        if matches!(self.tx, Tx::Postgres(..)) {
            self.push(NOTIFY, vec![Value::Text(size.to_string())]);
        }
    }

    /// The connection, with everything run that was added.
    pub(crate) async fn link(&mut self) -> Result<Link<'_>, StoreError> {
        self.run().await?;
        Ok(self.tx.link())
    }

    /// Runs what was added.
    pub(crate) async fn run(&mut self) -> Result<(), StoreError> {
        // Boxed, or every use case's future would carry two engines' statements.
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
                for Statement { sql, values } in waiting {
                    bind_all!(sqlx::query(AssertSqlSafe(sql.into_owned())), values)
                        .execute(&mut *db)
                        .await?;
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

/// Joins neighbours as long as they have few values.
fn join(statements: Vec<Statement>) -> Vec<Statement> {
    let mut joined: Vec<Statement> = Vec::new();
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

/// `$1`, `$2`, ... as `?`, `?`, ...: `SQLite` looks a name up among all names, which is slow where there are hundreds. Only
/// for statements that use each value once and in sequence, as every wide one does.
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

    fn statement(sql: &'static str, values: usize) -> Statement {
        Statement {
            sql: sql.into(),
            values: vec![Value::Int(1); values],
        }
    }

    #[test]
    fn wide_statements_lose_their_numbers() {
        let sql = super::super::append::insert("a (b, c)", 2, 6);
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
