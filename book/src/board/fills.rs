//! Trades as the book records them, each with its two orders.

use alloy::primitives::{Address, B256, U256};
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

/// One trade. An order that this board does not have is `None`.
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

    /// The owner of the orders.
    pub fn owners(&self) -> impl Iterator<Item = Address> {
        let sides = [Side::Bid, Side::Ask];
        sides
            .into_iter()
            .filter_map(|side| self.side(side).map(|order| order.owner))
    }

    /// Either order: security, quantity and decimal places are the same in both.
    pub fn either(&self) -> Option<&OrderRecord> {
        self.side(Side::Bid).or(self.side(Side::Ask))
    }

    /// Whole tokens that moved, if the board has either order.
    pub fn quantity(&self) -> Option<String> {
        self.either()
            .map(|order| plain(U256::from(order.quantity), order.decimals))
    }

    /// Dollars per whole token, rounded down to eighteen places: a midpoint need not divide evenly; the total is exact.
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

/// A security's average price over some time, each trade weighted by its quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Average {
    /// Trades.
    pub trades: u64,
    /// Base units of the security that moved.
    pub quantity: u128,
    /// Base units of the coin that moved.
    pub total: u128,
    /// Dollars per whole token, rounded down to eighteen places.
    pub price: Price,
}

impl Board {
    /// The trades of a security recorded before an event, newest first.
    ///
    /// # Errors
    /// [`BoardError::UnknownSecurity`], or the store's.
    pub async fn fills_in(
        &self,
        security: &str,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Fill>, BoardError> {
        let (number, _) = self.security_number(security).await?;
        let now = self.store().clock().now();
        let mut reader = self.store().reader().await?;
        let before = before.unwrap_or(u64::MAX);
        let found = query::fills_of(reader.link(), number, before, limit).await?;
        let events = found.into_iter().map(row::event);
        let events = events.collect::<Result<Vec<_>, _>>()?;
        complete(events, reader.link(), now).await
    }

    /// The volume-weighted average price of a security's trades whose blocks were made since a given moment: the sum of
    /// their totals divided by the sum of their quantities. `None` if there were no trades.
    ///
    /// # Errors
    /// [`BoardError::UnknownSecurity`], or the store's.
    pub async fn average(
        &self,
        security: &str,
        since: Timestamp,
    ) -> Result<Option<Average>, BoardError> {
        let (mut trades, mut quantity, mut total, mut decimals) = (0, 0_u128, 0_u128, 0);
        let mut before = None;
        loop {
            let page = self.fills_in(security, before, PAGE).await?;
            // A trade is recorded after its block was made, and events are captured in sequence.
            let old = page
                .last()
                .is_none_or(|last| last.event.captured_at < since);
            before = page.last().map(|last| last.event.seq);
            for fill in page.iter().filter(|fill| fill.event.occurred_at >= since) {
                let Some(order) = fill.either() else { continue };
                trades += 1;
                quantity = quantity.saturating_add(order.quantity);
                total = total.saturating_add(fill.settled.total);
                decimals = order.decimals;
            }
            if old {
                break;
            }
        }
        let price = Price::rounded_down(total, quantity, decimals);
        Ok(price.filter(|_| trades > 0).map(|price| Average {
            trades,
            quantity,
            total,
            price,
        }))
    }
}

/// Reads the trades of some days, in the log's order.
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

    /// The next trades, possibly none of them on these days; `None` at the end of the log.
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
            _ => return Err(damaged(event.seq, "it is not a settlement")),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::security::Security;
    use crate::sample::{self, Book, START, by};

    /// A trade of whole tokens for dollars in total, whose block was made at a given second.
    async fn trade(book: &Book, tokens: u128, dollars: u128, number: u8, at: i64) {
        let bid = book.post(1, Side::Bid, tokens, dollars).await.id;
        let ask = book.post(2, Side::Ask, tokens, dollars).await.id;
        let settled = SettlementSettled {
            ask,
            bid,
            block: number.into(),
            match_id: None,
            settlement_id: U256::from(number),
            total: dollars * sample::DOLLAR,
            tx_hash: B256::repeat_byte(number),
        };
        let at = Timestamp::from_second(at).unwrap();
        let recorded = book.board.record_settled(settled, at, by("chain"));
        recorded.await.unwrap();
    }

    #[tokio::test]
    async fn the_trades_of_a_security_are_listed_newest_first_and_averaged_by_what_they_moved() {
        for book in sample::books().await {
            let other = sample::other_security();
            book.board
                .list_security(other.clone(), by("ada"))
                .await
                .unwrap();
            let since = Timestamp::from_second(START).unwrap();
            let token = sample::security().token.to_string();
            assert_eq!(book.board.average(&token, since).await.unwrap(), None);
            trade(&book, 100, 1_000, 1, START - 10).await;
            trade(&book, 100, 1_100, 2, START).await;
            trade(&book, 300, 3_600, 3, START + 20).await;
            let numbers = |fills: &[Fill]| -> Vec<u64> {
                fills.iter().map(|fill| fill.settled.block).collect()
            };
            let all = book.board.fills_in("HRBR", None, 10).await.unwrap();
            assert_eq!(numbers(&all), [3, 2, 1]);
            let page = book.board.fills_in("HRBR", Some(all[0].event.seq), 1).await;
            assert_eq!(numbers(&page.unwrap()), [2]);
            let average = book.board.average(&token, since).await.unwrap().unwrap();
            // 1,100 and 3,600 dollars for 400 tokens; the trade before does not count.
            assert_eq!(
                (average.trades, average.price.to_string().as_str()),
                (2, "11.75")
            );
            let Security { symbol, .. } = other;
            assert_eq!(
                book.board.fills_in(&symbol, None, 10).await.unwrap().len(),
                0
            );
            assert_eq!(book.board.average(&symbol, since).await.unwrap(), None);
        }
    }
}
