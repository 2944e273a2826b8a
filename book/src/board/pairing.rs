//! Which bids and asks could be matched: same security, same quantity, crossing limits, acceptable counterparties.
//!
//! A suggestion, never a decision: a person proposes, another approves, and the contracts judge at settlement. Best
//! bids first, the earliest first at one price; a bid gets the lowest ask that fits it, the earliest at that price;
//! each order at most once. Everything is read by index, in portions: the cost grows with what is looked at, not with
//! the board.

use std::collections::HashMap;

use super::Board;
use super::error::BoardError;
use crate::market::matching::{Obstacle, obstacle};
use crate::market::order::Side;
use crate::market::record::{OrderRecord, OrderView};
use crate::store::engine::Link;
use crate::store::pairing::{self, Place, Size};
use crate::store::row;

/// Bids of the first portion; each further one is four times as long.
const FIRST: u32 = 256;
/// Bids of the longest portion.
const LONGEST: u32 = 16_384;
/// Asks of one size read at once.
const ASKS: u32 = 16;
/// How many passed-over orders of one side are named.
const NAMED: u32 = 5;

/// How far to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// The most pairs.
    pub pairs: usize,
    /// The most bids, the best ones; `None` for every bid whose price some ask could meet.
    pub bids: Option<u32>,
}

/// An order with priority over one of a pair that stays on the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// The order: at a better price for the other side, or at the same price and earlier.
    pub order: OrderRecord,
    /// Why it cannot meet the pair's other order; `None` when it can.
    pub obstacle: Option<Obstacle>,
}

/// Two orders that could be matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The bid.
    pub bid: OrderRecord,
    /// The ask.
    pub ask: OrderRecord,
    /// Orders of the same size that are passed over although they come before one of the two: bids, then asks.
    pub passed_over: Vec<PassedOver>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pairs {
    /// The pairs, best bids first.
    pub pairs: Vec<Pair>,
    /// Bids that were looked at before the last portion.
    pub bids: u64,
    /// There are bids that were not looked at and could make more pairs.
    pub more: bool,
}

/// The free asks of one size that have been read but not paired, best first.
#[derive(Debug, Default)]
struct Asks {
    waiting: Vec<OrderView>,
    last: Option<Place>,
    all: bool,
}

impl Board {
    /// The best pairs of a security's open orders that are neither expired nor in a live match.
    ///
    /// # Errors
    /// [`BoardError::UnknownSecurity`], or the store's.
    pub async fn pairs(&self, security: &str, reach: Reach) -> Result<Pairs, BoardError> {
        let (number, _) = self.security_number(security).await?;
        let mut tx = self.store.snapshot().await?;
        let mut search = Search {
            security: number,
            board: self,
            asks: HashMap::new(),
            left: HashMap::new(),
            found: Pairs::default(),
        };
        search.run(&mut tx.link(), reach).await?;
        Ok(search.found)
    }

    /// The free orders of the same size that come before one of two orders and meet the price of the other: the best
    /// few of either side, bids first. Matching the two passes them over.
    ///
    /// # Errors
    /// [`BoardError::UnknownSecurity`], or the store's.
    pub async fn passed_over(
        &self,
        bid: &OrderView,
        ask: &OrderView,
    ) -> Result<Vec<PassedOver>, BoardError> {
        let token = bid.record.security.to_string();
        let (security, _) = self.security_number(&token).await?;
        let now = self.store.clock().now();
        let size = Size {
            security,
            quantity: bid.record.quantity,
            now: now.as_second(),
        };
        let mut reader = self.store.reader().await?;
        let mut found = Vec::new();
        for (side, mine, other) in [(Side::Bid, bid, ask), (Side::Ask, ask, bid)] {
            let limit = other.record.price.scaled();
            let (link, place) = (&mut reader.link(), place(mine));
            let rows = pairing::before(link, size, side, place, limit, NAMED).await?;
            for row in rows {
                let order = row::order(row, now)?.record;
                let obstacle = match side {
                    Side::Bid => obstacle(&order, &ask.record),
                    Side::Ask => obstacle(&bid.record, &order),
                };
                found.push(PassedOver { order, obstacle });
            }
        }
        Ok(found)
    }
}

fn place(order: &OrderView) -> Place {
    Place {
        price: order.record.price.scaled(),
        seq: order.posted_seq,
    }
}

/// One walk over the bids.
struct Search<'a> {
    board: &'a Board,
    security: u64,
    /// By size.
    asks: HashMap<u128, Asks>,
    /// Bids that found no ask, by size.
    left: HashMap<u128, Vec<OrderRecord>>,
    found: Pairs,
}

impl Search<'_> {
    async fn run(&mut self, link: &mut Link<'_>, reach: Reach) -> Result<(), BoardError> {
        let Some(least) = pairing::best(link, self.security, Side::Ask).await? else {
            return Ok(());
        };
        let now = self.board.store.clock().now();
        let (mut after, mut portion) = (Place::FIRST_BID, FIRST);
        loop {
            let looked = u32::try_from(self.found.bids).unwrap_or(u32::MAX);
            let count = match reach.bids {
                Some(most) => portion.min(most.saturating_sub(looked)),
                None => portion,
            };
            let wanted = self.found.pairs.len() < reach.pairs;
            if count == 0 || !wanted {
                self.found.more = pairing::bid_after(link, self.security, least, after, 1)
                    .await?
                    .is_some();
                return Ok(());
            }
            let end = pairing::bid_after(link, self.security, least, after, count).await?;
            let until = end.unwrap_or(Place {
                price: least,
                seq: i64::MAX.unsigned_abs(),
            });
            let (security, seconds) = (self.security, now.as_second());
            let rows = pairing::bids_with_asks(link, security, after, until, seconds).await?;
            for row in rows {
                let bid = row::order(row, now)?;
                if self.found.pairs.len() == reach.pairs {
                    self.found.more = true;
                    return Ok(());
                }
                self.place(link, bid).await?;
            }
            if end.is_none() {
                return Ok(());
            }
            self.found.bids += u64::from(count);
            (after, portion) = (until, portion.saturating_mul(4).min(LONGEST));
        }
    }

    /// Gives a bid the first ask that fits it.
    async fn place(&mut self, link: &mut Link<'_>, bid: OrderView) -> Result<(), BoardError> {
        let bid = bid.record;
        let mut at = 0;
        loop {
            let asks = self.asks.entry(bid.quantity).or_default();
            let Some(ask) = asks.waiting.get(at) else {
                if asks.all {
                    break;
                }
                self.read_asks(link, &bid).await?;
                continue;
            };
            if bid.limit_total < ask.record.limit_total {
                break;
            }
            if obstacle(&bid, &ask.record).is_some() {
                at += 1;
                continue;
            }
            let ask = asks.waiting.remove(at).record;
            let passed_over = self.passed_by(&bid, &ask, at);
            self.found.pairs.push(Pair {
                bid,
                ask,
                passed_over,
            });
            return Ok(());
        }
        self.left.entry(bid.quantity).or_default().push(bid);
        Ok(())
    }

    /// What a pair passes over: the bids before it that found nothing, and the asks before it that did not fit.
    fn passed_by(&self, bid: &OrderRecord, ask: &OrderRecord, at: usize) -> Vec<PassedOver> {
        let bids = self.left.get(&bid.quantity).into_iter().flatten();
        let bids = bids.map(|order| (order, obstacle(order, ask)));
        let asks = self.asks.get(&bid.quantity);
        let asks = asks
            .into_iter()
            .flat_map(|asks| asks.waiting.iter().take(at));
        let asks = asks.map(|order| (&order.record, obstacle(bid, &order.record)));
        bids.take(NAMED as usize)
            .chain(asks.take(NAMED as usize))
            .map(|(order, obstacle)| PassedOver {
                order: order.clone(),
                obstacle,
            })
            .collect()
    }

    /// Reads more asks of a bid's size. The first bid of a size is the best one: later ones do not pay more.
    async fn read_asks(
        &mut self,
        link: &mut Link<'_>,
        bid: &OrderRecord,
    ) -> Result<(), BoardError> {
        let now = self.board.store.clock().now();
        let size = Size {
            security: self.security,
            quantity: bid.quantity,
            now: now.as_second(),
        };
        let asks = self.asks.entry(bid.quantity).or_default();
        let most = bid.price.scaled();
        let rows = pairing::asks(link, size, most, asks.last, ASKS).await?;
        asks.all = rows.len() < ASKS as usize;
        for row in rows {
            let ask = row::order(row, now)?;
            asks.last = Some(place(&ask));
            asks.waiting.push(ask);
        }
        Ok(())
    }
}
