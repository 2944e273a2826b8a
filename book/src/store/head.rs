//! What the log commits to, kept beside it so that an append need not read the log.

use alloy::primitives::B256;

use super::batch::{Batch, Value};
use super::engine::{Link, on_engine};
use super::error::StoreError;
use super::row::{hash, signed, unsigned};
use crate::log::merkle::Frontier;

/// The one row of `head`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeadRow {
    pub(crate) hash: B256,
    /// Unix microseconds of the last event.
    pub(crate) captured_at: i64,
    pub(crate) frontier: Frontier,
    /// As stored; an honest one is `frontier.root()`.
    pub(crate) root: B256,
}

impl HeadRow {
    /// Before the first event.
    pub(crate) fn empty() -> Self {
        let frontier = Frontier::default();
        Self {
            hash: B256::ZERO,
            captured_at: 0,
            root: frontier.root(),
            frontier,
        }
    }

    pub(crate) fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Reads the row; `None` in an empty store.
    pub(crate) async fn read(link: Link<'_>) -> Result<Option<Self>, StoreError> {
        type Row = (i64, Vec<u8>, Vec<u8>, i64, Vec<u8>);
        let row: Option<Row> = on_engine!(link, db => {
            sqlx::query_as("SELECT size, hash, root, captured_at, frontier FROM head WHERE only_row = 1")
                .fetch_optional(db)
                .await?
        });
        let Some((size, last, root, captured_at, peaks)) = row else {
            return Ok(None);
        };
        let frontier = Frontier::new(
            unsigned(size),
            peaks.chunks_exact(32).map(B256::from_slice).collect(),
        )
        .ok_or_else(|| StoreError::Damaged {
            seq: unsigned(size),
            what: "the head's frontier does not fit its size".to_owned(),
        })?;
        Ok(Some(Self {
            hash: hash(size, "head hash", &last)?,
            root: hash(size, "head root", &root)?,
            captured_at,
            frontier,
        }))
    }

    /// Replaces the row of a log that had `before` events. Two writers cannot both do so: the store's lock is held, and
    /// if it were not, both would insert the same event number.
    pub(crate) fn write(&self, batch: &mut Batch, before: u64) {
        let statement = if before == 0 {
            "INSERT INTO head (only_row, size, hash, root, captured_at, frontier)
             VALUES (1, $1, $2, $3, $4, $5)"
        } else {
            "UPDATE head SET size = $1, hash = $2, root = $3, captured_at = $4, frontier = $5
             WHERE only_row = 1"
        };
        let peaks = self
            .frontier
            .peaks()
            .iter()
            .flat_map(|peak| peak.0)
            .collect();
        batch.push(
            statement,
            vec![
                Value::Int(signed(self.size())),
                Value::Bytes(self.hash.to_vec()),
                Value::Bytes(self.frontier.root().to_vec()),
                Value::Int(self.captured_at),
                Value::Bytes(peaks),
            ],
        );
    }
}
