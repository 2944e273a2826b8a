//! Reading the board.

use std::collections::HashMap;

use alloy::primitives::B256;

use super::error::BoardError;
use super::{Board, damaged};
use crate::log::event::Event;
use crate::market::depth::{BookView, Level};
use crate::market::filter::OrderFilter;
use crate::market::matching::{Match, MatchState};
use crate::market::order::Side;
use crate::market::price::Price;
use crate::market::record::OrderView;
use crate::store::query::{self, LevelSum};
use crate::store::row;

/// The fewest digits that name an order.
const SHORTEST_PREFIX: usize = 6;

impl Board {
    /// An order by its id, or by a prefix of it of at least 6 digits that fits no other.
    ///
    /// # Errors
    /// [`BoardError::OrderId`], [`BoardError::UnknownOrder`], [`BoardError::AmbiguousOrder`], or the store's.
    pub async fn order(&self, id: &str) -> Result<OrderView, BoardError> {
        let shape = || BoardError::OrderId(id.to_owned());
        let digits = id.strip_prefix("0x").ok_or_else(shape)?;
        let hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        if !hexadecimal || !(SHORTEST_PREFIX..=64).contains(&digits.len()) {
            return Err(shape());
        }
        let low = format!("{digits:0<64}").parse().map_err(|_| shape())?;
        let high = format!("{digits:f<64}").parse().map_err(|_| shape())?;
        let mut found = query::orders_between(self.store.reader().await?.link(), low, high).await?;
        match (found.pop(), found.pop()) {
            (None, _) => Err(BoardError::UnknownOrder(id.to_owned())),
            (Some(row), None) => Ok(row::order(row, self.store.clock().now())?),
            (Some(_), Some(_)) => Err(BoardError::AmbiguousOrder(id.to_owned())),
        }
    }

    /// An order by its whole id; `None` when the board does not have it.
    ///
    /// # Errors
    /// The store's.
    pub async fn find(&self, id: B256) -> Result<Option<OrderView>, BoardError> {
        let row = query::order(self.store.reader().await?.link(), id).await?;
        let now = self.store.clock().now();
        Ok(row.map(|row| row::order(row, now)).transpose()?)
    }

    /// Those of some orders that the board has.
    ///
    /// # Errors
    /// The store's.
    pub async fn find_all(&self, ids: &[B256]) -> Result<HashMap<B256, OrderView>, BoardError> {
        let rows = query::orders_among(self.store.reader().await?.link(), ids).await?;
        let now = self.store.clock().now();
        let orders = rows.into_iter().map(|row| {
            let order = row::order(row, now)?;
            Ok((order.record.id, order))
        });
        orders.collect()
    }

    /// The orders that a filter selects, in its sequence.
    ///
    /// # Errors
    /// [`BoardError::UnknownSecurity`], or the store's.
    pub async fn orders(&self, filter: &OrderFilter) -> Result<Vec<OrderView>, BoardError> {
        let security = match &filter.security {
            Some(name) => Some(self.security_number(name).await?.0),
            None => None,
        };
        let now = self.store.clock().now();
        let mut reader = self.store.reader().await?;
        let rows = query::orders(reader.link(), filter, security, now.as_second()).await?;
        rows.into_iter()
            .map(|row| Ok(row::order(row, now)?))
            .collect()
    }

    /// The best `levels` prices of each side of a security's book, expired orders left out.
    ///
    /// # Errors
    /// [`BoardError::UnknownSecurity`], or the store's.
    pub async fn book(&self, security: &str, levels: usize) -> Result<BookView, BoardError> {
        let (number, security) = self.security_number(security).await?;
        let as_of = self.store.clock().now();
        let seconds = as_of.as_second();
        let mut reader = self.store.reader().await?;
        let (bids, more_bids) =
            query::levels(reader.link(), number, Side::Bid, seconds, levels).await?;
        let (asks, more_asks) =
            query::levels(reader.link(), number, Side::Ask, seconds, levels).await?;
        Ok(BookView {
            security,
            as_of,
            bids: deepen(bids)?,
            asks: deepen(asks)?,
            truncated: more_bids || more_asks,
        })
    }

    /// Every event about an order: its posting, the events of its matches, its end; notes included.
    ///
    /// # Errors
    /// [`BoardError::UnknownOrder`], or the store's.
    pub async fn history(&self, order: B256) -> Result<Vec<Event>, BoardError> {
        let mut reader = self.store.reader().await?;
        let mut rows = query::order_events(reader.link(), order).await?;
        if rows.is_empty() {
            return Err(BoardError::UnknownOrder(order.to_string()));
        }
        rows.extend(query::events_of(reader.link(), &order.to_string()).await?);
        for found in query::matches_of(reader.link(), order).await? {
            rows.extend(query::events_of(reader.link(), &found.0).await?);
        }
        rows.sort_by_key(|row| row.0);
        rows.dedup_by_key(|row| row.0);
        rows.into_iter().map(|row| Ok(row::event(row)?)).collect()
    }

    /// A match.
    ///
    /// # Errors
    /// [`BoardError::UnknownMatch`], or the store's.
    #[cfg(test)]
    pub(crate) async fn match_by_id(&self, id: uuid::Uuid) -> Result<Match, BoardError> {
        let row = query::match_by_id(self.store.reader().await?.link(), &id.to_string()).await?;
        Ok(row::matching(row.ok_or(BoardError::UnknownMatch(id))?)?)
    }

    /// The live match of exactly these two orders.
    ///
    /// # Errors
    /// The store's.
    pub async fn match_of(&self, bid: B256, ask: B256) -> Result<Option<Match>, BoardError> {
        for row in query::matches_of(self.store.reader().await?.link(), bid).await? {
            let found = row::matching(row)?;
            if found.state.is_live() && (found.bid, found.ask) == (bid, ask) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// All matches, or those in one state, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn matches(&self, state: Option<MatchState>) -> Result<Vec<Match>, BoardError> {
        let state = state.map(MatchState::as_str);
        let mut reader = self.store.reader().await?;
        let rows = query::matches(reader.link(), state, 0, i32::MAX as u32).await?;
        rows.into_iter()
            .map(|row| Ok(row::matching(row)?))
            .collect()
    }

    /// Events in sequence from `from` (the first is 1), at most `limit`.
    ///
    /// # Errors
    /// The store's.
    pub async fn events(&self, from: u64, limit: u32) -> Result<Vec<Event>, BoardError> {
        let rows = query::events(self.store.reader().await?.link(), from, limit).await?;
        rows.into_iter().map(|row| Ok(row::event(row)?)).collect()
    }
}

/// Adds up the depth from the best level on.
fn deepen(sums: Vec<LevelSum>) -> Result<Vec<Level>, BoardError> {
    let mut depth = Some(0u128);
    sums.into_iter()
        .map(|(price, orders, quantity)| {
            depth = depth.and_then(|depth| depth.checked_add(quantity?));
            let price = Price::from_scaled(price)
                .ok_or_else(|| damaged(0, "an open order has price zero"))?;
            Ok(Level {
                price,
                orders,
                quantity,
                depth,
            })
        })
        .collect()
}
