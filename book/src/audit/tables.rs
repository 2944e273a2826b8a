//! Holding what the whole log adds up to against the board's tables.

use std::collections::BTreeMap;

use super::segment;
use super::verify::{Fault, Finding, Replay};
use crate::board::BoardError;
use crate::log::fold::apply_match;
use crate::market::matching::Match;
use crate::store::engine::{Link, Tx};
use crate::store::sum::RowSum;
use crate::store::{query, replay, row};

/// What is summed of a match.
pub(super) fn match_row(found: &Match) -> Vec<u8> {
    format!("{found:?}").into_bytes()
}

/// Holds what the events add up to against the tables; when they differ, looks again for the first row that does.
pub(super) async fn compare(
    replayed: &Replay,
    (open, levels): (RowSum, RowSum),
    mut snapshot: Tx,
) -> Result<Option<Finding>, BoardError> {
    let finding =
        |seq: u64, message: String| Ok(Some(Finding::new(seq, Fault::Projection, message)));
    for (table, wanted) in [
        ("orders", replayed.orders),
        ("closings", replayed.closings),
        ("securities", replayed.securities),
    ] {
        let found = replay::count(snapshot.link(), table).await?;
        if found != wanted {
            let message =
                format!("table {table} has {found} rows, the log has {wanted} such events");
            return finding(replayed.frontier.size(), message);
        }
    }
    if open != replayed.open {
        if let Some((seq, message)) = replay::bad_open_order(snapshot.link()).await? {
            return finding(seq, message);
        }
        return finding(
            replayed.frontier.size(),
            "table open_orders has foreign rows".to_owned(),
        );
    }
    if levels != replay::levels(snapshot.link()).await? {
        let message = "table levels is not the sum of the open orders".to_owned();
        return finding(replayed.frontier.size(), message);
    }
    let mut live = replayed.ended;
    for found in replayed.live.values() {
        live.add_row(&match_row(found));
    }
    let mut stored = RowSum::default();
    let mut after = 0;
    loop {
        let page = query::matches(snapshot.link(), None, after, 1_000).await?;
        let Some(last) = page.last() else { break };
        after = row::unsigned(last.10);
        for found in page {
            let seq = row::unsigned(found.11);
            match row::matching(found) {
                Ok(found) => stored.add_row(&match_row(&found)),
                Err(error) => return finding(seq, error.to_string()),
            }
        }
    }
    if stored != live {
        let (seq, message) = bad_match(snapshot.link(), replayed.frontier.size()).await?;
        return finding(seq, message);
    }
    let nodes = replay::count(snapshot.link(), "merkle").await?;
    let wanted = segment::stored_nodes(replayed.frontier.size());
    if nodes != wanted {
        let message = format!("table merkle has {nodes} rows, {wanted} belong to this log");
        return finding(replayed.frontier.size(), message);
    }
    Ok(None)
}

/// The first match whose row is not what its events say. Only reached when one differs, so memory may grow.
async fn bad_match(mut link: Link<'_>, size: u64) -> Result<(u64, String), BoardError> {
    let mut folded = BTreeMap::new();
    for event in replay::match_events(&mut link).await? {
        let event = row::event(event)?;
        let body = row::body(event.seq, event.kind, &event.body)?;
        // It was applied without an error a moment ago.
        let _ = apply_match(&mut folded, &event, &body);
    }
    let stored = query::matches(link, None, 0, i32::MAX as u32).await?;
    for found in stored {
        let (id, seq) = (found.0.clone(), row::unsigned(found.11));
        let stored = row::matching(found)?;
        match folded.remove(&stored.id) {
            Some(wanted) if wanted == stored => {}
            Some(wanted) => {
                let message =
                    format!("match {id} is stored as {stored:?}, its events say {wanted:?}");
                return Ok((wanted.changed_seq, message));
            }
            None => {
                return Ok((
                    seq,
                    format!("match {id} is stored, but no event proposes it"),
                ));
            }
        }
    }
    Ok(folded.into_values().next().map_or_else(
        || (size, "table matches differs from the log".to_owned()),
        |missing| {
            (
                missing.proposed_seq,
                format!("match {} is not stored", missing.id),
            )
        },
    ))
}
