//! The board as a pure function of its log (I9): no clock, no store. A book's content is compared with it.

use std::collections::BTreeMap;

use alloy::primitives::B256;
use uuid::Uuid;

use crate::log::body::Body;
use crate::log::event::Event;
use crate::log::fold::{FoldError, apply_match, refuse};
use crate::market::matching::Match;
use crate::market::record::OrderState;
use crate::market::security::Security;

/// The state of an order.
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
    /// The body does not fit the type, or the event cannot follow; the state is then as before.
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

fn order_id(event: &Event) -> Result<B256, FoldError> {
    let no_id = |_| {
        refuse(
            event,
            format!("subject {} is not an order id", event.subject),
        )
    };
    event.subject.parse().map_err(no_id)
}
