//! Comparing the access table (who looked at whose orders) with the events that count its rows.

use super::verify::{Fault, Finding};
use crate::board::access::Rows;
use crate::board::{BOOK, BoardError};
use crate::log::event::EventType;
use crate::log::fact::AccessClosed;
use crate::store::engine::Link;
use crate::store::{access, query, row};

/// Rows read at once.
const PAGE: u32 = 4_096;

/// What the events state, oldest first, each with its number.
async fn closings(link: Link<'_>) -> Result<Vec<(u64, AccessClosed)>, BoardError> {
    let rows = query::events_of(link, BOOK).await?;
    let closings = rows
        .into_iter()
        .filter(|row| row.1 == EventType::AccessClosed.as_str());
    // A body that is no longer JSON is found as an edited event.
    let closings = closings.filter_map(|claim| {
        let closed = serde_json::from_str(&claim.7).ok()?;
        Some((row::unsigned(claim.0), closed))
    });
    Ok(closings.collect())
}

/// The first event that counts rows which are missing or not as they were.
pub(super) async fn compare(mut link: Link<'_>) -> Result<Option<Finding>, BoardError> {
    let mut closings = closings(link.reborrow()).await?;
    // Without such an event there may be no such table: the book has not been written to since an earlier version.
    if closings.is_empty() {
        return Ok(None);
    }
    let elsewhere = access::elsewhere(link.reborrow()).await?.unwrap_or(0);
    closings.retain(|(seq, _)| *seq > elsewhere);
    let mut closings = closings.into_iter().peekable();
    let mut rows = Rows::default();
    while let Some((seq, closed)) = closings.peek() {
        if closed.rows == rows.count {
            if closed.sha256 != rows.sha256() {
                let words = format!(
                    "the first {} rows of the access table do not have the SHA-256 that it states: one was edited",
                    closed.rows
                );
                return Ok(Some(Finding::new(*seq, Fault::Projection, words)));
            }
            closings.next();
            continue;
        }
        let wanted = closed.rows.saturating_sub(rows.count).min(PAGE.into());
        let wanted = u32::try_from(wanted).unwrap_or(PAGE);
        let page = access::after(link.reborrow(), rows.count, wanted.max(1)).await?;
        let expected = rows.count + 1;
        let found = page.len();
        let gap = page
            .iter()
            .zip(expected..)
            .any(|(row, number)| row::unsigned(row.0) != number);
        if gap || found == 0 || closed.rows < rows.count {
            let words = format!(
                "it counts {} rows of the access table, but some after row {} are missing: they were cut",
                closed.rows, rows.count
            );
            return Ok(Some(Finding::new(*seq, Fault::Projection, words)));
        }
        for row in &page {
            rows.add(row);
        }
    }
    Ok(None)
}
