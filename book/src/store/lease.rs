//! Leases: work that one process does at a time. Its writes carry the number of its lease, which grows with every
//! holder, so that a process that was delayed and comes too late writes nothing.

use super::append::Writer;
use super::batch::Value;
use super::engine::{Link, on_engine};
use super::error::StoreError;
use super::row::{signed, unsigned};

/// The row of a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LeaseRow {
    pub(crate) holder: String,
    pub(crate) number: u64,
    /// Unix microseconds.
    pub(crate) ends_at: i64,
}

/// A lease under which something is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fence {
    pub(crate) name: String,
    pub(crate) number: u64,
}

impl Fence {
    /// Refuses when another has taken the lease, as the transaction of `link` sees it.
    pub(crate) async fn check(&self, link: Link<'_>) -> Result<(), StoreError> {
        match lease(link, &self.name).await? {
            Some(row) if row.number == self.number => Ok(()),
            _ => Err(StoreError::LeaseLost {
                name: self.name.clone(),
            }),
        }
    }
}

/// The lease with a name, held or ended; `None` before the first holder.
pub(crate) async fn lease(link: Link<'_>, name: &str) -> Result<Option<LeaseRow>, StoreError> {
    let row: Option<(String, i64, i64)> = on_engine!(link, db => {
        sqlx::query_as("SELECT holder, number, ends_at FROM leases WHERE name = $1")
            .bind(name)
            .fetch_optional(db)
            .await?
    });
    Ok(row.map(|(holder, number, ends_at)| LeaseRow {
        holder,
        number: unsigned(number),
        ends_at,
    }))
}

pub(crate) fn put_lease(writer: &mut Writer, name: &str, row: LeaseRow) {
    writer.put(
        "INSERT INTO leases (name, holder, number, ends_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO UPDATE
         SET holder = excluded.holder, number = excluded.number, ends_at = excluded.ends_at",
        vec![
            Value::Text(name.to_owned()),
            Value::Text(row.holder),
            Value::Int(signed(row.number)),
            Value::Int(row.ends_at),
        ],
    );
}
