//! Trades as the book records them, each with its two orders.

use alloy::primitives::{B256, U256};
use jiff::Timestamp;

use super::error::BoardError;
use super::{Board, damaged};
use crate::log::body::{Body, SettlementSettled};
use crate::log::event::{Event, EventType};
use crate::market::amount::plain;
use crate::market::days::Days;
use crate::market::order::Side;
use crate::market::price::Price;
use crate::market::record::{OrderRecord, OrderView};
use crate::store::engine::Link;
use crate::store::{query, row};

/// Trades read at once.
const PAGE: u32 = 512;

/// One trade. An order that this board does not have is none.
#[derive(Debug, Clone)]
pub struct Fill {
    /// The event that recorded it; it occurred at its block's time.
    pub event: Event,
    /// What the chain said.
    pub settled: SettlementSettled,
    /// The buyer's order.
    pub bid: Option<OrderView>,
    /// The seller's order.
    pub ask: Option<OrderView>,
}

impl Fill {
    /// One side's order.
    pub fn side(&self, side: Side) -> Option<&OrderRecord> {
        let view = match side {
            Side::Bid => &self.bid,
            Side::Ask => &self.ask,
        };
        view.as_ref().map(|view| &view.record)
    }

    /// Either order: security, quantity and decimal places are the same in both.
    pub fn either(&self) -> Option<&OrderRecord> {
        self.side(Side::Bid).or(self.side(Side::Ask))
    }

    /// Whole tokens that moved, where the board has an order of it.
    pub fn quantity(&self) -> Option<String> {
        self.either()
            .map(|order| plain(U256::from(order.quantity), order.decimals))
    }

    /// Dollars per whole token, rounded down to eighteen places: a midpoint need not come out whole, the total is exact.
    pub fn price(&self) -> Option<Price> {
        let order = self.either()?;
        Price::rounded_down(self.settled.total, order.quantity, order.decimals)
    }
}

impl Board {
    /// The trade that filled an order; `None` when none did.
    ///
    /// # Errors
    /// [`BoardError::UnknownOrder`], or the store's.
    pub async fn fill_of(&self, order: B256) -> Result<Option<Fill>, BoardError> {
        let unknown = || BoardError::UnknownOrder(order.to_string());
        let closed = self.find(order).await?.ok_or_else(unknown)?.closed_seq;
        let Some(seq) = closed else { return Ok(None) };
        let now = self.store().clock().now();
        let mut reader = self.store().reader().await?;
        let event = query::event(reader.link(), seq).await?;
        let event = row::event(event.ok_or_else(|| damaged(seq, "it is missing"))?)?;
        if event.kind != EventType::SettlementSettled {
            return Ok(None);
        }
        Ok(complete(vec![event], reader.link(), now).await?.pop())
    }
}

/// Reads the trades of some days, in the log's sequence.
#[derive(Debug)]
pub(crate) struct Fills<'a> {
    days: &'a Days,
    after: u64,
    /// The last event that counts.
    last: u64,
}

impl<'a> Fills<'a> {
    pub(crate) fn new(days: &'a Days, last: u64) -> Self {
        Self {
            days,
            after: 0,
            last,
        }
    }

    /// The next trades, of which none may lie in the days; `None` at the end of the log.
    pub(crate) async fn next(
        &mut self,
        mut link: Link<'_>,
        now: Timestamp,
    ) -> Result<Option<Vec<Fill>>, BoardError> {
        let kind = EventType::SettlementSettled;
        let page = query::events_of_type(link.reborrow(), kind, self.after, PAGE).await?;
        let Some(end) = page.last() else {
            return Ok(None);
        };
        self.after = row::unsigned(end.0);
        let mut events = Vec::with_capacity(page.len());
        for found in page {
            let event = row::event(found)?;
            if event.seq <= self.last && self.days.contains(event.occurred_at) {
                events.push(event);
            }
        }
        complete(events, link, now).await.map(Some)
    }
}

/// Joins the events of trades with the orders.
async fn complete(
    events: Vec<Event>,
    link: Link<'_>,
    now: Timestamp,
) -> Result<Vec<Fill>, BoardError> {
    let mut fills = Vec::with_capacity(events.len());
    for event in events {
        match row::body(event.seq, event.kind, &event.body)? {
            Body::SettlementSettled(settled) => fills.push(Fill {
                event,
                settled,
                bid: None,
                ask: None,
            }),
            _ => return Err(damaged(event.seq, "it is no settlement")),
        }
    }
    let ids: Vec<B256> = fills
        .iter()
        .flat_map(|fill| [fill.settled.bid, fill.settled.ask])
        .collect();
    let found = query::orders_among(link, &ids).await?;
    let mut orders = std::collections::HashMap::with_capacity(found.len());
    for found in found {
        let view = row::order(found, now)?;
        orders.insert(view.record.id, view);
    }
    for fill in &mut fills {
        fill.bid = orders.remove(&fill.settled.bid);
        fill.ask = orders.remove(&fill.settled.ask);
    }
    Ok(fills)
}
