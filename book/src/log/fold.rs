//! The board as a pure function of its log (I9): no clock, no store.

use std::collections::BTreeMap;

use alloy::primitives::B256;
use uuid::Uuid;

use crate::log::body::Body;
use crate::log::event::Event;
use crate::market::matching::{Match, MatchState, Submission};
use crate::market::record::OrderState;
use crate::market::security::Security;

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

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OrderFold {
    /// Its state.
    pub(crate) state: OrderState,
    /// The event that posted it.
    pub(crate) posted_seq: u64,
    /// The event that closed it.
    pub(crate) closed_seq: Option<u64>,
}

/// Everything the events say, up to the last one applied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct BoardState {
    /// Every listed security, oldest first.
    pub(crate) securities: Vec<Security>,
    /// Every order by id.
    pub(crate) orders: BTreeMap<B256, OrderFold>,
    /// Every match by id.
    pub(crate) matches: BTreeMap<Uuid, Match>,
}

impl BoardState {
    /// Applies the next event.
    ///
    /// # Errors
    /// The body is not the type's, or the event cannot follow; the state is then as before.
    pub(crate) fn apply(&mut self, event: &Event) -> Result<(), FoldError> {
        let body = Body::from_json(event.kind, &event.body)
            .map_err(|error| refuse(event, error.to_string()))?;
        match &body {
            Body::SecurityListed(security) => {
                let taken = |listed: &Security| {
                    listed.token == security.token
                        || listed.symbol == security.symbol
                        || listed.isin == security.isin
                };
                if self.securities.iter().any(taken) {
                    return Err(refuse(event, format!("{} is listed", security.symbol)));
                }
                self.securities.push(security.clone());
            }
            Body::OrderPosted(_) => {
                let id = order_id(event)?;
                if self.orders.contains_key(&id) {
                    return Err(refuse(event, format!("order {id} is posted")));
                }
                let posted_seq = event.seq;
                let open = OrderFold {
                    state: OrderState::Open,
                    posted_seq,
                    closed_seq: None,
                };
                self.orders.insert(id, open);
            }
            Body::OrderCancelled(_) => {
                let id = order_id(event)?;
                match self.orders.get_mut(&id) {
                    Some(order) if order.state == OrderState::Open => {
                        order.state = OrderState::Cancelled;
                        order.closed_seq = Some(event.seq);
                    }
                    Some(order) => {
                        return Err(refuse(event, format!("order {id} is {}", order.state)));
                    }
                    None => return Err(refuse(event, format!("order {id} is unknown"))),
                }
            }
            Body::SettlementSettled(settled) => {
                for id in [settled.bid, settled.ask] {
                    if let Some(order) =
                        self.orders.get(&id).filter(|o| o.state != OrderState::Open)
                    {
                        return Err(refuse(event, format!("order {id} is {}", order.state)));
                    }
                }
                apply_match(&mut self.matches, event, &body)?;
                for id in [settled.bid, settled.ask] {
                    if let Some(order) = self.orders.get_mut(&id) {
                        order.state = OrderState::Filled;
                        order.closed_seq = Some(event.seq);
                    }
                }
            }
            _ => {
                apply_match(&mut self.matches, event, &body)?;
            }
        }
        Ok(())
    }
}

fn refuse(event: &Event, what: String) -> FoldError {
    FoldError {
        seq: event.seq,
        kind: event.kind.as_str(),
        what,
    }
}

fn order_id(event: &Event) -> Result<B256, FoldError> {
    let no_id = |_| refuse(event, format!("subject {} is no order id", event.subject));
    event.subject.parse().map_err(no_id)
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
    use MatchState::{Approved, Failed, Proposed, Refused, Settled, Submitted, Unknown};
    let (allowed, next): (&[MatchState], MatchState) = match body {
        Body::MatchProposed(_) => (&[], Proposed),
        Body::MatchApproved => (&[Proposed], Approved),
        Body::MatchRefused => (&[Proposed, Approved, Failed, Submitted, Unknown], Refused),
        Body::SettlementSubmitted(_) => (&[Approved, Failed], Submitted),
        Body::SettlementSettled(settled) if settled.match_id.is_some() => {
            (&[Proposed, Approved, Submitted, Unknown, Failed], Settled)
        }
        Body::SettlementFailed(_) => (&[Submitted, Unknown], Failed),
        Body::SettlementUnknown(_) => (&[Submitted], Unknown),
        _ => return Ok(None),
    };
    let no_id = |_| refuse(event, format!("subject {} is no match id", event.subject));
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
            Some(_) => Err(refuse(event, format!("match {id} is proposed"))),
        };
    }
    let found = matches
        .get_mut(&id)
        .ok_or_else(|| refuse(event, format!("match {id} is not live")))?;
    if !allowed.contains(&found.state) {
        return Err(refuse(event, format!("match {id} is {}", found.state)));
    }
    match body {
        Body::MatchApproved => found.approved_by = Some(event.actor.clone()),
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
    found.state = next;
    found.changed_seq = event.seq;
    Ok(Some(id))
}
