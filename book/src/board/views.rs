//! Reading the board.

use std::collections::HashMap;

use alloy::primitives::{Address, B256};
use uuid::Uuid;

use super::error::BoardError;
use super::{Board, damaged};
use crate::log::event::Event;
use crate::market::depth::{BookView, Level};
use crate::market::filter::OrderFilter;
use crate::market::matching::{Match, MatchState};
use crate::market::order::Side;
use crate::market::prefix::{Candidates, MatchDigits, NAMED, Prefix};
use crate::market::price::Price;
use crate::market::record::OrderView;
use crate::store::query::{self, LevelSum};
use crate::store::{pairing, row};

/// Enough rows to show that an id is ambiguous, and how.
const MORE: usize = NAMED + 1;

impl Board {
    /// An order by its id, or by its first digits, which must match no other.
    ///
    /// # Errors
    /// [`BoardError::OrderId`], [`BoardError::UnknownOrder`], [`BoardError::AmbiguousOrder`], or the store's.
    pub async fn order(&self, id: &str) -> Result<OrderView, BoardError> {
        let Some(Prefix { low, high }) = Prefix::parse(id) else {
            return Err(BoardError::OrderId(id.to_owned()));
        };
        let mut reader = self.store.reader().await?;
        let rows = query::orders_between(reader.link(), low, high, MORE).await?;
        let now = self.store.clock().now();
        let mut found: Vec<OrderView> = rows
            .into_iter()
            .map(|row| row::order(row, now))
            .collect::<Result<_, _>>()?;
        match (found.pop(), found.is_empty()) {
            (None, _) => Err(BoardError::UnknownOrder(id.to_owned())),
            (Some(order), true) => Ok(order),
            (Some(last), false) => {
                let ids = found.iter().chain([&last]).map(|order| order.record.id);
                Err(BoardError::AmbiguousOrder {
                    given: id.to_owned(),
                    candidates: Candidates::of(ids),
                })
            }
        }
    }

    /// A match by its id, or by digits of it that match no other: the first ones or, if no match begins with them, the
    /// last ones, as tables show them.
    ///
    /// # Errors
    /// [`BoardError::MatchId`], [`BoardError::NoSuchMatch`], [`BoardError::AmbiguousMatch`], or the store's.
    pub async fn find_match(&self, id: &str) -> Result<Match, BoardError> {
        let Some(digits) = MatchDigits::parse(id) else {
            return Err(BoardError::MatchId(id.to_owned()));
        };
        let mut reader = self.store.reader().await?;
        let (low, high) = digits.range;
        let mut rows = query::matches_between(reader.link(), low, high, MORE).await?;
        if rows.is_empty() {
            rows = query::matches_ending(reader.link(), &digits.ending, MORE).await?;
        }
        match (rows.pop(), rows.is_empty()) {
            (None, _) => Err(BoardError::NoSuchMatch(id.to_owned())),
            (Some(row), true) => Ok(row::matching(row)?),
            (Some(last), false) => Err(BoardError::AmbiguousMatch {
                given: id.to_owned(),
                candidates: Candidates::of(rows.iter().chain([&last]).map(|row| &row.0)),
            }),
        }
    }

    /// How many orders a filter selects, regardless of its limit and offset; counted only up to `most`, so that listing
    /// a large book takes no longer.
    ///
    /// # Errors
    /// [`BoardError::UnknownSecurity`], or the store's.
    pub async fn count(&self, filter: &OrderFilter, most: u32) -> Result<u64, BoardError> {
        let security = match &filter.security {
            Some(name) => Some(self.security_number(name).await?.0),
            None => None,
        };
        let now = self.store.clock().now().as_second();
        let mut reader = self.store.reader().await?;
        Ok(query::count(reader.link(), filter, security, now, most).await?)
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

    /// The orders that a filter selects, in its order.
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

    /// The ids of the open orders of some wallets, expired ones included, oldest first for each.
    ///
    /// # Errors
    /// The store's.
    pub async fn open_orders_of(&self, wallets: &[Address]) -> Result<Vec<B256>, BoardError> {
        let owners: Vec<Vec<u8>> = wallets.iter().map(|wallet| wallet.to_vec()).collect();
        let mut reader = self.store.reader().await?;
        Ok(pairing::open_of(&mut reader.link(), &owners).await?)
    }

    /// Every event about a subject (a match, a token, a case) except order postings, notes included.
    ///
    /// # Errors
    /// The store's.
    pub async fn events_about(&self, subject: &str) -> Result<Vec<Event>, BoardError> {
        let mut reader = self.store.reader().await?;
        let rows = query::events_of(reader.link(), subject).await?;
        rows.into_iter().map(|row| Ok(row::event(row)?)).collect()
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
    pub(crate) async fn match_by_id(&self, id: Uuid) -> Result<Match, BoardError> {
        let row = query::match_by_id(self.store.reader().await?.link(), &id.to_string()).await?;
        Ok(row::matching(row.ok_or(BoardError::UnknownMatch(id))?)?)
    }

    /// A match by its id; `None` when the board does not have it.
    ///
    /// # Errors
    /// The store's.
    pub async fn match_of_id(&self, id: Uuid) -> Result<Option<Match>, BoardError> {
        let row = query::match_by_id(self.store.reader().await?.link(), &id.to_string()).await?;
        Ok(row.map(row::matching).transpose()?)
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
pub(super) fn deepen(sums: Vec<LevelSum>) -> Result<Vec<Level>, BoardError> {
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
