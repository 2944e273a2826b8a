//! Matches as a pure function of the log (I9): no clock, no store.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::log::body::Body;
use crate::log::event::Event;
use crate::market::matching::{Match, MatchState, Submission};

/// An event that cannot follow from those before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {seq} ({kind}) cannot follow: {what}")]
pub(crate) struct FoldError {
    /// The event.
    pub(crate) seq: u64,
    /// Its type.
    pub(crate) kind: &'static str,
    /// What contradicts it.
    pub(crate) what: String,
}

pub(crate) fn refuse(event: &Event, what: String) -> FoldError {
    FoldError {
        seq: event.seq,
        kind: event.kind.as_str(),
        what,
    }
}

/// Applies an event to the match it is about, if it is about one; returns its id.
///
/// # Errors
/// The match is unknown, or in a state that the event cannot follow.
pub(crate) fn apply_match(
    matches: &mut BTreeMap<Uuid, Match>,
    event: &Event,
    body: &Body,
) -> Result<Option<Uuid>, FoldError> {
    use MatchState::{Approved, Committed, Failed, Proposed, Refused, Settled, Submitted, Unknown};
    let (allowed, next): (&[MatchState], MatchState) = match body {
        Body::MatchProposed(_) => (&[], Proposed),
        Body::MatchApproved(_) => (&[Proposed], Approved),
        Body::MatchRefused(_) => (
            &[Proposed, Approved, Committed, Failed, Submitted, Unknown],
            Refused,
        ),
        Body::MatchCommitted(_) => (&[Approved, Failed, Submitted, Unknown], Committed),
        Body::MatchReleased(_) => (&[Committed, Failed, Submitted, Unknown], Refused),
        Body::SettlementSubmitted(_) => (&[Approved, Committed, Failed], Submitted),
        Body::SettlementSettled(settled) if settled.match_id.is_some() => (
            &[Proposed, Approved, Committed, Submitted, Unknown, Failed],
            Settled,
        ),
        Body::SettlementFailed(_) => (&[Submitted, Unknown], Failed),
        Body::SettlementUnknown(_) => (&[Submitted], Unknown),
        _ => return Ok(None),
    };
    let no_id = |_| {
        refuse(
            event,
            format!("subject {} is not a match id", event.subject),
        )
    };
    let id: Uuid = event.subject.parse().map_err(no_id)?;
    if let Body::MatchProposed(proposed) = body {
        let fresh = Match {
            id,
            bid: proposed.bid,
            ask: proposed.ask,
            total: proposed.total,
            state: Proposed,
            proposed_by: event.actor.clone(),
            approved_by: None,
            submission: None,
            proposed_seq: event.seq,
            changed_seq: event.seq,
        };
        return match matches.insert(id, fresh) {
            None => Ok(Some(id)),
            Some(_) => Err(refuse(event, format!("match {id} is already proposed"))),
        };
    }
    let found = matches
        .get_mut(&id)
        .ok_or_else(|| refuse(event, format!("match {id} is not live")))?;
    if !allowed.contains(&found.state) {
        return Err(refuse(event, format!("match {id} is {}", found.state)));
    }
    match body {
        Body::MatchRefused(refused) => {
            if let Some(cause) = refused
                .cause
                .filter(|cause| ![found.bid, found.ask].contains(cause))
            {
                return Err(refuse(
                    event,
                    format!("order {cause} is not part of match {id}"),
                ));
            }
        }
        Body::MatchCommitted(sent) => {
            let (stated, wanted) = (
                (sent.bid, sent.ask, sent.total),
                (found.bid, found.ask, found.total),
            );
            if stated != wanted {
                return Err(refuse(event, format!("match {id} has different terms")));
            }
        }
        Body::MatchApproved(_) => found.approved_by = Some(event.actor.clone()),
        Body::SettlementSubmitted(sent) => {
            let (tx_hash, nonce, sender) = (sent.tx_hash, sent.nonce, sent.sender);
            found.submission = Some(Submission {
                tx_hash,
                nonce,
                sender,
            });
        }
        _ => {}
    }
    // What may be on its way stays on its way, whoever commits the match meanwhile.
    if next != Committed || !found.state.is_in_flight() {
        found.state = next;
    }
    found.changed_seq = event.seq;
    Ok(Some(id))
}
