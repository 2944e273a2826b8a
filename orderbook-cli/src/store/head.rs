//! What the log commits to, kept beside it so that an append does not read the log.

use alloy::primitives::B256;

use super::engine::{Link, on_engine};
use super::error::StoreError;
use super::row::{hash, signed, unsigned};
use crate::audit::merkle::Frontier;

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

    /// Replaces the row of a log that had `before` events.
    pub(crate) async fn write(&self, link: Link<'_>, before: u64) -> Result<(), StoreError> {
        let peaks: Vec<u8> = self
            .frontier
            .peaks()
            .iter()
            .flat_map(|peak| peak.0)
            .collect();
        let root = self.frontier.root();
        let statement = if before == 0 {
            "INSERT INTO head (only_row, size, hash, root, captured_at, frontier)
             SELECT 1, $1, $2, $3, $4, $5 WHERE $6 = 0"
        } else {
            "UPDATE head SET size = $1, hash = $2, root = $3, captured_at = $4, frontier = $5
             WHERE only_row = 1 AND size = $6"
        };
        let written = on_engine!(link, db => {
            sqlx::query(statement)
                .bind(signed(self.size()))
                .bind(self.hash.to_vec())
                .bind(root.to_vec())
                .bind(self.captured_at)
                .bind(peaks)
                .bind(signed(before))
                .execute(db)
                .await?
                .rows_affected()
        });
        // The writer's lock makes this impossible; were it broken, a fork must not be written.
        if written == 1 {
            Ok(())
        } else {
            Err(StoreError::Locked)
        }
    }
}
