//! Settlements requested over HTTP, for whichever process settles.

use sqlx::AssertSqlSafe;

use super::append::Writer;
use super::batch::Value;
use super::engine::{Link, on_engine};
use super::error::StoreError;

/// The columns of `jobs` in order: id, match, asked by, state, steps, made at, changed at.
pub(crate) type JobRow = (String, String, String, String, String, i64, i64);

const SELECT: &str =
    "SELECT id, match_id, asked_by, state, steps, made_at, changed_at FROM jobs WHERE ";

/// Jobs that are not finished.
const OPEN: &str = "state NOT IN ('settled', 'refused', 'failed')";

pub(crate) async fn job(link: Link<'_>, id: &str) -> Result<Option<JobRow>, StoreError> {
    let sql = format!("{SELECT} id = $1");
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql)).bind(id).fetch_optional(db).await?
    }))
}

/// The last job of a match.
pub(crate) async fn job_of(link: Link<'_>, of: &str) -> Result<Option<JobRow>, StoreError> {
    let sql = format!("{SELECT} match_id = $1 ORDER BY id DESC LIMIT 1");
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql)).bind(of).fetch_optional(db).await?
    }))
}

/// The jobs that are not finished, oldest first.
pub(crate) async fn open_jobs(link: Link<'_>) -> Result<Vec<JobRow>, StoreError> {
    let sql = format!("{SELECT} {OPEN} ORDER BY id");
    Ok(on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql)).fetch_all(db).await?
    }))
}

pub(crate) fn put_job(writer: &mut Writer, row: JobRow) {
    let (id, of, asked_by, state, steps, made_at, changed_at) = row;
    writer.put(
        "INSERT INTO jobs (id, match_id, asked_by, state, steps, made_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (id) DO UPDATE
         SET state = excluded.state, steps = excluded.steps, changed_at = excluded.changed_at",
        vec![
            Value::Text(id),
            Value::Text(of),
            Value::Text(asked_by),
            Value::Text(state),
            Value::Text(steps),
            Value::Int(made_at),
            Value::Int(changed_at),
        ],
    );
}
