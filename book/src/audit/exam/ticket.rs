//! An order ticket: one order with everything that became of it, as one row.

use std::collections::HashMap;

use alloy::primitives::{Address, U256};
use uuid::Uuid;

use crate::audit::posted::Posted;
use crate::board::damaged;
use crate::board::error::BoardError;
use crate::board::spreadsheet::Line;
use crate::log::act::Signed;
use crate::log::body::{Body, OrderCancelled, SettlementSettled};
use crate::log::event::Event;
use crate::market::amount::plain;
use crate::market::literal::time::rfc3339;
use crate::market::price::Price;
use crate::market::record::OrderState;
use crate::store::replay::StoredEvent;
use crate::store::row;
use crate::store::ticket::About;

pub(super) const COLUMNS: [&str; 49] = [
    "order",
    "board_ref",
    "state",
    "symbol",
    "isin",
    "token",
    "side",
    "quantity",
    "quantity_base_units",
    "price_usd",
    "limit_total_base_units",
    "expires_at",
    "epoch",
    "counterparty",
    "owner",
    "account",
    "capacity",
    "solicited",
    "received_at",
    "entered_at",
    "entered_by",
    "accepted_by",
    "entry_wallet",
    "entry_signature",
    "entry_file",
    "owner_signature",
    "executed_at",
    "execution_price_usd",
    "execution_total_base_units",
    "settlement_id",
    "execution_tx",
    "cancelled_at",
    "cancelled_by",
    "cancel_reason",
    "cancel_wallet",
    "cancel_signature",
    "cancel_tx",
    "match",
    "proposed_by",
    "proposed_at",
    "proposal_reason",
    "approved_by",
    "approved_at",
    "approval_reason",
    "approval_wallet",
    "approval_signature",
    "approval_signed_at",
    "posted_seq",
    "closed_seq",
];

/// How an order ended.
enum Closing {
    Cancelled(Box<(Event, OrderCancelled)>),
    Filled(Box<(Event, SettlementSettled)>),
}

/// The proposal and, if there was one, the approval of the match that counts.
struct Matched {
    id: Uuid,
    proposed: Event,
    approved: Option<(Event, Option<Signed>)>,
}

/// Writes tickets; the checksum of an address that came before is not computed again.
#[derive(Debug, Default)]
pub(super) struct Tickets {
    addresses: HashMap<String, String>,
}

/// Addresses that are remembered.
const REMEMBERED: usize = 4_096;

impl Tickets {
    fn address(&mut self, line: &mut Line, text: &str) {
        if self.addresses.len() > REMEMBERED {
            self.addresses.clear();
        }
        if !self.addresses.contains_key(text) {
            let shown = match text.parse::<Address>() {
                Ok(address) if address.is_zero() => String::new(),
                Ok(address) => address.to_string(),
                Err(_) => text.to_owned(),
            };
            self.addresses.insert(text.to_owned(), shown);
        }
        line.text(&self.addresses[text]);
    }

    /// Fills the row of the order that `event` posts; `closing` and `matches` give the rest.
    pub(super) fn row(
        &mut self,
        line: &mut Line,
        event: &StoredEvent<'_>,
        closing: Option<&About>,
        matches: &[About],
    ) -> Result<(), BoardError> {
        let seq = row::unsigned(event.seq);
        let posted: Posted<'_> =
            serde_json::from_str(&event.body).map_err(|error| damaged(seq, error.to_string()))?;
        let closing = closing.map(closed).transpose()?;
        let quantity: u128 = posted
            .quantity
            .parse()
            .map_err(|_| damaged(seq, "its quantity is not a number"))?;
        self.terms(line, event, &posted, closing.as_ref(), quantity);
        entry(line, event, &posted)?;
        let filled = match &closing {
            Some(Closing::Filled(filled)) => Some(&**filled),
            _ => None,
        };
        execution(line, filled, quantity, posted.decimals);
        let cancelled = match &closing {
            Some(Closing::Cancelled(cancelled)) => Some(&**cancelled),
            _ => None,
        };
        cancel(line, cancelled);
        matched(line, counting(matches, filled)?.as_ref());
        line.number(&seq);
        let closed_by = cancelled
            .map(|(event, _)| event.seq)
            .or(filled.map(|(event, _)| event.seq));
        match closed_by {
            Some(seq) => line.number(&seq),
            None => line.number(&""),
        };
        Ok(())
    }

    fn terms(
        &mut self,
        line: &mut Line,
        event: &StoredEvent<'_>,
        posted: &Posted<'_>,
        closing: Option<&Closing>,
        quantity: u128,
    ) {
        let state = match closing {
            None => OrderState::Open,
            Some(Closing::Cancelled(_)) => OrderState::Cancelled,
            Some(Closing::Filled(_)) => OrderState::Filled,
        };
        line.text(&event.subject)
            .text(&posted.board_ref)
            .text(state.as_str())
            .text(&posted.symbol)
            .text(&posted.isin);
        self.address(line, &posted.security);
        line.text(&posted.side)
            .number(&plain(U256::from(quantity), posted.decimals))
            .number(&posted.quantity)
            .number(&posted.price)
            .number(&posted.limit_total)
            .text(&rfc3339(posted.expiry))
            .number(&posted.epoch);
        self.address(line, &posted.counterparty);
        self.address(line, &posted.owner);
        line.text(&posted.account)
            .text(&posted.capacity)
            .text(if posted.solicited { "true" } else { "false" });
    }
}

fn entry(line: &mut Line, event: &StoredEvent<'_>, posted: &Posted<'_>) -> Result<(), BoardError> {
    let signed = posted.signed.as_ref();
    line.shown(&row::timestamp(
        event.seq,
        "occurred_at",
        event.occurred_at,
    )?)
    .shown(&row::timestamp(
        event.seq,
        "captured_at",
        event.captured_at,
    )?)
    .text(&event.actor)
    .text(&posted.taken_by)
    .maybe(signed.map(|signed| &signed.wallet))
    .maybe(signed.map(|signed| &signed.signature))
    .maybe(signed.and_then(|signed| signed.file.as_ref()))
    .text(&posted.signature);
    Ok(())
}

fn execution(
    line: &mut Line,
    filled: Option<&(Event, SettlementSettled)>,
    quantity: u128,
    decimals: u8,
) {
    let Some((event, settled)) = filled else {
        line.text("").number(&"").number(&"").number(&"").text("");
        return;
    };
    let price = Price::rounded_down(settled.total, quantity, decimals);
    line.shown(&event.occurred_at)
        .number(&price.map_or_else(String::new, |price| price.to_string()))
        .number(&settled.total)
        .number(&settled.settlement_id)
        .shown(&settled.tx_hash);
}

fn cancel(line: &mut Line, cancelled: Option<&(Event, OrderCancelled)>) {
    let Some((event, cancelled)) = cancelled else {
        for _ in 0..6 {
            line.text("");
        }
        return;
    };
    let signed = cancelled.signed.as_ref();
    line.shown(&event.occurred_at)
        .text(&event.actor)
        .text(&event.reason)
        .maybe(signed.map(|signed| &signed.wallet))
        .maybe(signed.map(|signed| &signed.signature))
        .maybe(cancelled.tx_hash.as_ref());
}

fn matched(line: &mut Line, matched: Option<&Matched>) {
    let Some(Matched {
        id,
        proposed,
        approved,
    }) = matched
    else {
        for _ in 0..10 {
            line.text("");
        }
        return;
    };
    line.shown(id)
        .text(&proposed.actor)
        .shown(&proposed.captured_at)
        .text(&proposed.reason);
    let Some((event, signed)) = approved else {
        for _ in 0..6 {
            line.text("");
        }
        return;
    };
    let signed = signed.as_ref();
    line.text(&event.actor)
        .shown(&event.captured_at)
        .text(&event.reason)
        .maybe(signed.map(|signed| &signed.wallet))
        .maybe(signed.map(|signed| &signed.signature))
        .maybe(signed.map(|signed| rfc3339(signed.time)).as_ref());
}

fn closed((_, found): &About) -> Result<Closing, BoardError> {
    let event = row::event(found.clone())?;
    match row::body(event.seq, event.kind, &event.body)? {
        Body::OrderCancelled(body) => Ok(Closing::Cancelled(Box::new((event, body)))),
        Body::SettlementSettled(body) => Ok(Closing::Filled(Box::new((event, body)))),
        _ => Err(damaged(
            event.seq,
            "it closes an order, but its type does not close orders",
        )),
    }
}

/// The match that a fill fulfilled; else the one proposed last.
fn counting(
    matches: &[About],
    filled: Option<&(Event, SettlementSettled)>,
) -> Result<Option<Matched>, BoardError> {
    let mut found: Option<Matched> = None;
    for (_, about) in matches {
        let event = row::event(about.clone())?;
        let Ok(id) = event.subject.parse::<Uuid>() else {
            continue;
        };
        if filled.is_some_and(|(_, settled)| settled.match_id != Some(id)) {
            continue;
        }
        match row::body(event.seq, event.kind, &event.body)? {
            Body::MatchProposed(_) => {
                found = Some(Matched {
                    id,
                    proposed: event,
                    approved: None,
                });
            }
            Body::MatchApproved(body) => {
                if let Some(matched) = found.as_mut().filter(|matched| matched.id == id) {
                    matched.approved = Some((event, body.signed));
                }
            }
            _ => {}
        }
    }
    Ok(found)
}
