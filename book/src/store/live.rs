//! What a live view begins with, and what it needs besides the log's events.

use std::collections::HashSet;

use alloy::primitives::{Address, B256};
use sqlx::AssertSqlSafe;

use super::batch::PORTION;
use super::batch::{Value, bind_all};
use super::engine::{Link, on_engine};
use super::error::StoreError;
use super::query::filled;
use super::row::{self, hash, signed, unsigned};
use crate::market::matching::Match;

/// Which matches.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Matches<'a> {
    /// The live ones of an owner's orders.
    Of(Address),
    /// The live ones of a security, by its number.
    In(u64),
    /// The live ones that a second person approved.
    Approved,
    /// Those with these ids, live or not.
    Named(&'a [String]),
}

/// A match with its orders' buyer, seller and security number.
pub(crate) type Sides = (Match, Address, Address, u64);

/// The columns of [`row::MatchRow`], the owners of bid and ask, the security.
type SidesRow = (
    String,
    Vec<u8>,
    Vec<u8>,
    Vec<u8>,
    String,
    String,
    Option<String>,
    Option<Vec<u8>>,
    Option<i64>,
    Option<Vec<u8>>,
    i64,
    i64,
    Vec<u8>,
    Vec<u8>,
    i64,
);

const SIDES: &str =
    "SELECT m.id, m.bid, m.ask, m.total, m.state, m.proposed_by, m.approved_by, m.tx_hash, m.nonce,
     m.sender, m.proposed_seq, m.changed_seq, b.owner, a.owner, b.security
     FROM matches m JOIN orders b ON b.id = m.bid JOIN orders a ON a.id = m.ask WHERE ";

/// The condition of the partial indexes over live matches.
const LIVE: &str = "m.state NOT IN ('REFUSED', 'SETTLED')";

fn sides(row: SidesRow) -> Result<Sides, StoreError> {
    let owner = |bytes: &[u8]| {
        Address::try_from(bytes).map_err(|_| StoreError::Damaged {
            seq: unsigned(row.10),
            what: format!("an owner has {} bytes", bytes.len()),
        })
    };
    let (buyer, seller) = (owner(&row.12)?, owner(&row.13)?);
    let found = (
        row.0, row.1, row.2, row.3, row.4, row.5, row.6, row.7, row.8, row.9, row.10, row.11,
    );
    Ok((row::matching(found)?, buyer, seller, unsigned(row.14)))
}

/// Matches with their sides, newest first.
pub(crate) async fn matches(
    link: Link<'_>,
    which: Matches<'_>,
    limit: u32,
) -> Result<Vec<Sides>, StoreError> {
    let (condition, values) = match which {
        Matches::Of(owner) => (
            format!("{LIVE} AND (b.owner = $1 OR a.owner = $1)"),
            vec![Value::Bytes(owner.to_vec())],
        ),
        Matches::In(security) => (
            format!("{LIVE} AND b.security = $1"),
            vec![Value::Int(signed(security))],
        ),
        Matches::Approved => (format!("{LIVE} AND m.approved_by IS NOT NULL"), Vec::new()),
        Matches::Named(ids) => {
            let places: Vec<_> = (1..=ids.len()).map(|number| format!("${number}")).collect();
            let values = ids.iter().cloned().map(Value::Text).collect();
            (format!("m.id IN ({})", places.join(", ")), values)
        }
    };
    let sql = format!("{SIDES}{condition} ORDER BY m.proposed_seq DESC LIMIT {limit}");
    let rows: Vec<SidesRow> = on_engine!(link, db => {
        bind_all!(sqlx::query_as(AssertSqlSafe(sql)), values).fetch_all(db).await?
    });
    rows.into_iter().map(sides).collect()
}

/// Which tokens have a session that was made and used after these times, or an API key that ends after `now` (unix
/// microseconds).
pub(crate) async fn alive(
    mut link: Link<'_>,
    tokens: &[B256],
    (made, used): (i64, i64),
    now: i64,
) -> Result<HashSet<B256>, StoreError> {
    let mut found = HashSet::new();
    for tokens in tokens.chunks(PORTION) {
        let (tokens, places) = filled(tokens);
        let count = tokens.len();
        let bytes = || tokens.iter().map(|token| Value::Bytes(token.to_vec()));
        let sessions = format!(
            "SELECT token FROM sessions WHERE token IN ({places}) AND made_at > ${} AND used_at > ${}",
            count + 1,
            count + 2
        );
        let keys = format!(
            "SELECT token FROM api_keys WHERE token IN ({places}) AND ends_at > ${}",
            count + 1
        );
        for (sql, times) in [(sessions, vec![made, used]), (keys, vec![now])] {
            let values = bytes().chain(times.into_iter().map(Value::Int));
            let rows: Vec<Vec<u8>> = on_engine!(&mut link, db => {
                bind_all!(sqlx::query_scalar(AssertSqlSafe(sql)), values).fetch_all(&mut **db).await?
            });
            for token in rows {
                found.insert(hash(0, "token", &token)?);
            }
        }
    }
    Ok(found)
}
