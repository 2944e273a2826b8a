//! Comparing the totals of the whole log with the board's tables.

use std::collections::BTreeMap;

use super::segment;
use super::verify::{Fault, Finding, Replay};
use crate::board::BoardError;
use crate::log::fold::apply_match;
use crate::market::matching::{Match, Submission};
use crate::store::engine::{Link, Tx};
use crate::store::sum::RowSum;
use crate::store::{query, replay, row};

/// What is summed for a match: every field; texts and optional fields after their lengths.
pub(super) fn match_row(found: &Match) -> Vec<u8> {
    let Match {
        id,
        bid,
        ask,
        total,
        state,
        proposed_by,
        approved_by,
        submission,
        proposed_seq,
        changed_seq,
    } = found;
    let mut row = Vec::with_capacity(256);
    row.extend(id.as_bytes());
    row.extend(bid);
    row.extend(ask);
    row.extend(total.to_be_bytes());
    row.extend(proposed_seq.to_be_bytes());
    row.extend(changed_seq.to_be_bytes());
    for text in [
        Some(state.as_str()),
        Some(proposed_by),
        approved_by.as_deref(),
    ] {
        row.push(u8::from(text.is_some()));
        let text = text.unwrap_or_default();
        row.extend((text.len() as u64).to_be_bytes());
        row.extend(text.as_bytes());
    }
    if let Some(Submission {
        tx_hash,
        nonce,
        sender,
    }) = submission
    {
        row.extend(tx_hash);
        row.extend(nonce.to_be_bytes());
        row.extend(sender);
    }
    row
}

/// Compares the totals of the events with the tables; when they differ, looks again for the first row that does.
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
                format!("table {table} has {found} rows, but the log has {wanted} such events");
            return finding(replayed.frontier.size(), message);
        }
    }
    if open != replayed.open {
        if let Some((seq, message)) = replay::bad_open_order(snapshot.link()).await? {
            return finding(seq, message);
        }
        return finding(
            replayed.frontier.size(),
            "table open_orders has rows that do not belong to this log".to_owned(),
        );
    }
    if levels != replay::levels(snapshot.link(), &replayed.key).await? {
        let message = "table levels is not the sum of the open orders".to_owned();
        return finding(replayed.frontier.size(), message);
    }
    let mut live = replayed.ended;
    for found in replayed.live.values() {
        live.add_row(&replayed.key, &match_row(found));
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
                Ok(found) => stored.add_row(&replayed.key, &match_row(&found)),
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
        let message = format!("table merkle has {nodes} rows, but {wanted} belong to this log");
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
                    format!("match {id} is stored as {stored:?}, but its events say {wanted:?}");
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

#[cfg(test)]
mod tests {
    use alloy::primitives::{Address, B256};
    use uuid::Uuid;

    use super::*;
    use crate::market::matching::MatchState;

    #[test]
    fn every_field_of_a_match_is_in_its_row() {
        let plain = Match {
            id: Uuid::from_u128(1),
            bid: B256::repeat_byte(2),
            ask: B256::repeat_byte(3),
            total: 4,
            state: MatchState::Approved,
            proposed_by: "ada".into(),
            approved_by: None,
            submission: None,
            proposed_seq: 5,
            changed_seq: 6,
        };
        let submission = Some(Submission {
            tx_hash: B256::repeat_byte(7),
            nonce: 8,
            sender: Address::repeat_byte(9),
        });
        let changes: [&dyn Fn(&mut Match); 12] = [
            &|_| {},
            &|m| m.id = Uuid::from_u128(2),
            &|m| m.bid = B256::repeat_byte(3),
            &|m| m.ask = B256::repeat_byte(2),
            &|m| m.total = 5,
            &|m| m.state = MatchState::Settled,
            &|m| m.proposed_by = "ad".into(),
            &|m| m.approved_by = Some(String::new()),
            // Text that moves from one field to the next.
            &|m| (m.proposed_by, m.approved_by) = ("a".into(), Some("da".into())),
            &|m| m.submission = submission,
            &|m| m.proposed_seq = 6,
            &|m| m.changed_seq = 5,
        ];
        let rows: std::collections::BTreeSet<_> = changes
            .iter()
            .map(|change| {
                let mut other = plain.clone();
                change(&mut other);
                match_row(&other)
            })
            .collect();
        assert_eq!(rows.len(), changes.len());
    }
}
