//! What a server keeps beside the log: sign-in texts, sessions, API keys, answers, shared keys, the last checkpoint.
//! Reads go through a [`Link`]; every write is a statement of a [`Writer`], so that it is written with its commit or
//! not.

use alloy::primitives::{Address, B256};
use sqlx::AssertSqlSafe;

use super::append::Writer;
use super::batch::{PORTION, Value};
use super::engine::{Link, Schema, on_engine};
use super::error::StoreError;
use super::query::{LAST_STAFF_EVENT, filled};
use super::row::{hash, signed, unsigned};

/// A sign-in text that waits for its signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChallengeRow {
    pub(crate) browser: B256,
    pub(crate) wallet: Address,
    pub(crate) message: String,
    pub(crate) made_at: i64,
}

/// A session's wallet, when it began and when it was last used (unix microseconds).
pub(crate) type SessionRow = (Address, i64, i64);

/// An API key's columns: id, wallet, made by, name, scopes, made at, ends at.
pub(crate) type KeyRow = (String, Vec<u8>, Vec<u8>, String, String, i64, i64);

/// The last staff event, before the columns of an API key.
type KeyAndStaff = (
    Option<i64>,
    String,
    Vec<u8>,
    Vec<u8>,
    String,
    String,
    i64,
    i64,
);

const KEY_COLUMNS: &str = "id, wallet, made_by, name, scopes, made_at, ends_at";

/// An answer that was given: the request's digest, status, body, when (unix microseconds).
pub(crate) type AnswerRow = (B256, u16, String, i64);

/// The columns of `answers` in order.
type StoredAnswer = (Vec<u8>, Vec<u8>, i64, String, i64);

/// The row of `checkpoint`: size, root, note.
pub(crate) type CheckpointRow = (u64, B256, String);

fn wallet(bytes: &[u8]) -> Result<Address, StoreError> {
    Address::try_from(bytes).map_err(|_| StoreError::Damaged {
        seq: 0,
        what: format!("a wallet has {} bytes", bytes.len()),
    })
}

pub(crate) async fn challenge(
    link: Link<'_>,
    nonce: &str,
) -> Result<Option<ChallengeRow>, StoreError> {
    let row: Option<(Vec<u8>, Vec<u8>, String, i64)> = on_engine!(link, db => {
        sqlx::query_as("SELECT browser, wallet, message, made_at FROM challenges WHERE nonce = $1")
            .bind(nonce)
            .fetch_optional(db)
            .await?
    });
    row.map(|(browser, owner, message, made_at)| {
        Ok(ChallengeRow {
            browser: hash(0, "browser", &browser)?,
            wallet: wallet(&owner)?,
            message,
            made_at,
        })
    })
    .transpose()
}

pub(crate) fn put_challenge(writer: &mut Writer, nonce: &str, row: ChallengeRow) {
    writer.put(
        "INSERT INTO challenges (nonce, browser, wallet, message, made_at) VALUES ($1, $2, $3, $4, $5)",
        vec![
            Value::Text(nonce.to_owned()),
            Value::Bytes(row.browser.to_vec()),
            Value::Bytes(row.wallet.to_vec()),
            Value::Text(row.message),
            Value::Int(row.made_at),
        ],
    );
}

pub(crate) fn drop_challenge(writer: &mut Writer, nonce: &str) {
    let nonce = Value::Text(nonce.to_owned());
    writer.put("DELETE FROM challenges WHERE nonce = $1", vec![nonce]);
}

/// The session of a token, and the last staff event.
pub(crate) async fn session(
    link: Link<'_>,
    token: B256,
) -> Result<Option<(SessionRow, u64)>, StoreError> {
    let sql = format!(
        "SELECT wallet, made_at, used_at, ({LAST_STAFF_EVENT}) FROM sessions WHERE token = $1"
    );
    let row: Option<(Vec<u8>, i64, i64, Option<i64>)> = on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql)).bind(token.as_slice()).fetch_optional(db).await?
    });
    row.map(|(owner, made_at, used_at, staff)| {
        let session = (wallet(&owner)?, made_at, used_at);
        Ok((session, staff.map_or(0, unsigned)))
    })
    .transpose()
}

pub(crate) fn put_session(writer: &mut Writer, token: B256, owner: Address, now: i64) {
    writer.put(
        "INSERT INTO sessions (token, wallet, made_at, used_at) VALUES ($1, $2, $3, $4)",
        vec![
            Value::Bytes(token.to_vec()),
            Value::Bytes(owner.to_vec()),
            Value::Int(now),
            Value::Int(now),
        ],
    );
}

pub(crate) fn use_session(writer: &mut Writer, token: B256, now: i64) {
    writer.put(
        "UPDATE sessions SET used_at = $1 WHERE token = $2",
        vec![Value::Int(now), Value::Bytes(token.to_vec())],
    );
}

pub(crate) fn drop_session(writer: &mut Writer, token: B256) {
    let token = Value::Bytes(token.to_vec());
    writer.put("DELETE FROM sessions WHERE token = $1", vec![token]);
}

/// Ends every session of a wallet.
pub(crate) fn drop_sessions(writer: &mut Writer, owner: Address) {
    let owner = Value::Bytes(owner.to_vec());
    writer.put("DELETE FROM sessions WHERE wallet = $1", vec![owner]);
}

/// The API key of a token, and the last staff event.
pub(crate) async fn api_key(
    link: Link<'_>,
    token: B256,
) -> Result<Option<(KeyRow, u64)>, StoreError> {
    let sql = format!("SELECT ({LAST_STAFF_EVENT}), {KEY_COLUMNS} FROM api_keys WHERE token = $1");
    let row: Option<KeyAndStaff> = on_engine!(link, db => {
        sqlx::query_as(AssertSqlSafe(sql)).bind(token.as_slice()).fetch_optional(db).await?
    });
    Ok(row.map(|row| {
        let (staff, id, wallet, made_by, name, scopes, made_at, ends_at) = row;
        let key = (id, wallet, made_by, name, scopes, made_at, ends_at);
        (key, staff.map_or(0, unsigned))
    }))
}

/// The API keys of a wallet, or all, oldest first.
pub(crate) async fn api_keys(
    link: Link<'_>,
    owner: Option<Address>,
) -> Result<Vec<KeyRow>, StoreError> {
    let condition = owner.map_or("", |_| " WHERE wallet = $1");
    let sql = format!("SELECT {KEY_COLUMNS} FROM api_keys{condition} ORDER BY made_at, id");
    Ok(on_engine!(link, db => {
        let mut query = sqlx::query_as(AssertSqlSafe(sql));
        if let Some(owner) = owner {
            query = query.bind(owner.to_vec());
        }
        query.fetch_all(db).await?
    }))
}

pub(crate) fn put_api_key(writer: &mut Writer, token: B256, row: KeyRow) {
    let (id, owner, made_by, name, scopes, made_at, ends_at) = row;
    writer.put(
        "INSERT INTO api_keys (id, token, wallet, made_by, name, scopes, made_at, ends_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        vec![
            Value::Text(id),
            Value::Bytes(token.to_vec()),
            Value::Bytes(owner),
            Value::Bytes(made_by),
            Value::Text(name),
            Value::Text(scopes),
            Value::Int(made_at),
            Value::Int(ends_at),
        ],
    );
}

pub(crate) fn drop_api_key(writer: &mut Writer, id: &str) {
    let id = Value::Text(id.to_owned());
    writer.put("DELETE FROM api_keys WHERE id = $1", vec![id]);
}

/// The answers with these ids, each with its id.
pub(crate) async fn answers(
    mut link: Link<'_>,
    ids: &[B256],
) -> Result<Vec<(B256, AnswerRow)>, StoreError> {
    let mut found = Vec::new();
    for part in ids.chunks(PORTION) {
        let (ids, places) = filled(part);
        let sql = format!(
            "SELECT id, request, status, body, made_at FROM answers WHERE id IN ({places})"
        );
        let rows: Vec<StoredAnswer> = on_engine!(&mut link, db => {
            let mut query = sqlx::query_as(AssertSqlSafe(sql));
            for id in &ids {
                query = query.bind(id.as_slice());
            }
            query.fetch_all(&mut **db).await?
        });
        for (id, request, status, body, made_at) in rows {
            let status = u16::try_from(status).unwrap_or_default();
            let request = hash(0, "request", &request)?;
            found.push((hash(0, "id", &id)?, (request, status, body, made_at)));
        }
    }
    Ok(found)
}

/// Keeps an answer, in place of an older one if there is one.
pub(crate) fn put_answers(writer: &mut Writer, answers: Vec<(B256, AnswerRow)>) {
    const INTO: &str = "answers (id, request, status, body, made_at)";
    const ANEW: &str = " ON CONFLICT (id) DO UPDATE SET request = excluded.request,
         status = excluded.status, body = excluded.body, made_at = excluded.made_at";
    let rows = answers.into_iter().map(|(id, row)| {
        let (request, status, body, made_at) = row;
        vec![
            Value::Bytes(id.to_vec()),
            Value::Bytes(request.to_vec()),
            Value::Int(i64::from(status)),
            Value::Text(body),
            Value::Int(made_at),
        ]
    });
    writer.insert(INTO, rows.collect(), ANEW);
}

/// Removes what is too old: challenges, sessions, answers made before these times, keys that ended before `now`.
pub(crate) fn sweep(writer: &mut Writer, challenges: i64, sessions: i64, answers: i64, now: i64) {
    for (sql, before) in [
        ("DELETE FROM challenges WHERE made_at < $1", challenges),
        ("DELETE FROM sessions WHERE made_at < $1", sessions),
        ("DELETE FROM answers WHERE made_at < $1", answers),
        ("DELETE FROM api_keys WHERE ends_at < $1", now),
    ] {
        writer.put(sql, vec![Value::Int(before)]);
    }
}

pub(crate) async fn secret(link: Link<'_>, name: &str) -> Result<Option<B256>, StoreError> {
    let row: Option<Vec<u8>> = on_engine!(link, db => {
        sqlx::query_scalar("SELECT value FROM secrets WHERE name = $1")
            .bind(name)
            .fetch_optional(db)
            .await?
    });
    row.map(|value| hash(0, "secret", &value)).transpose()
}

pub(crate) fn put_secret(writer: &mut Writer, name: &str, value: B256) {
    writer.put(
        "INSERT INTO secrets (name, value) VALUES ($1, $2)",
        vec![Value::Text(name.to_owned()), Value::Bytes(value.to_vec())],
    );
}

pub(crate) async fn checkpoint(link: Link<'_>) -> Result<Option<CheckpointRow>, StoreError> {
    let row: Option<(i64, Vec<u8>, String)> = on_engine!(link, db => {
        sqlx::query_as("SELECT size, root, note FROM checkpoint WHERE only_row = 1")
            .fetch_optional(db)
            .await?
    });
    row.map(|(size, root, note)| Ok((unsigned(size), hash(size, "root", &root)?, note)))
        .transpose()
}

pub(crate) fn put_checkpoint(writer: &mut Writer, row: CheckpointRow) {
    let (size, root, note) = row;
    writer.put(
        "INSERT INTO checkpoint (only_row, size, root, note) VALUES (1, $1, $2, $3)
         ON CONFLICT (only_row) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note",
        vec![
            Value::Int(signed(size)),
            Value::Bytes(root.to_vec()),
            Value::Text(note),
        ],
    );
}

/// The first event with a salt; `None` when there is none.
pub(crate) async fn first_salted(link: Link<'_>) -> Result<Option<u64>, StoreError> {
    if link.schema() == Schema::Unsalted {
        return Ok(None);
    }
    let seq: Option<i64> = on_engine!(link, db => {
        sqlx::query_scalar("SELECT seq FROM events WHERE salt IS NOT NULL ORDER BY seq LIMIT 1")
            .fetch_optional(db)
            .await?
    });
    Ok(seq.map(unsigned))
}

/// The hashes of consecutive events, oldest first.
pub(crate) async fn hashes(link: Link<'_>, first: u64, last: u64) -> Result<Vec<B256>, StoreError> {
    let rows: Vec<Vec<u8>> = on_engine!(link, db => {
        sqlx::query_scalar("SELECT hash FROM events WHERE seq BETWEEN $1 AND $2 ORDER BY seq")
            .bind(signed(first))
            .bind(signed(last))
            .fetch_all(db)
            .await?
    });
    rows.iter()
        .map(|bytes| hash(signed(first), "hash", bytes))
        .collect()
}
