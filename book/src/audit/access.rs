//! Holding the table of who looked at whose orders against the events that count its rows.

use super::verify::{Fault, Finding};
use crate::board::access::Rows;
use crate::board::{BOOK, BoardError};
use crate::log::event::EventType;
use crate::log::fact::AccessClosed;
use crate::store::engine::Link;
use crate::store::{access, query, row};

/// Rows that are read in one go.
const PAGE: u32 = 4_096;

/// What the events say, oldest first: each with its number.
async fn closings(link: Link<'_>) -> Result<Vec<(u64, AccessClosed)>, BoardError> {
    let rows = query::events_of(link, BOOK).await?;
    let closings = rows
        .into_iter()
        .filter(|row| row.1 == EventType::AccessClosed.as_str());
    // What is not JSON any more is found as an edited event.
    let closings = closings.filter_map(|claim| {
        let closed = serde_json::from_str(&claim.7).ok()?;
        Some((row::unsigned(claim.0), closed))
    });
    Ok(closings.collect())
}

/// The first event that counts rows which are not there, or not as they were.
pub(super) async fn compare(mut link: Link<'_>) -> Result<Option<Finding>, BoardError> {
    let mut closings = closings(link.reborrow()).await?;
    // No such event, perhaps no such table: the book was not written to since it came from an earlier version.
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
                    "the first {} rows of who looked at orders do not have the SHA-256 that it says: one was edited",
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
                "it counts {} rows of who looked at orders, and some behind row {} are not there: they were cut",
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
