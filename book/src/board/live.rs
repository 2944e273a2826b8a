//! Following a board while it changes: notices that its log has grown, its state at one moment, who is still signed in.

use std::collections::{HashMap, HashSet};

use alloy::primitives::{Address, B256};
use tokio::sync::watch;
use uuid::Uuid;

use super::error::BoardError;
use super::lots::Lot;
use super::platform::{SESSION_IDLE, SESSION_LASTS};
use super::{Board, CHAIN};
use crate::log::body::{Body, ChainSynced};
use crate::log::event::EventType;
use crate::market::filter::OrderFilter;
use crate::market::matching::Match;
use crate::market::order::Side;
use crate::market::record::{OrderState, OrderView};
use crate::market::security::Security;
use crate::store::engine::Link;
use crate::store::head::HeadRow;
use crate::store::live::{self, Matches, Sides};
use crate::store::{query, row};

/// Who looks, and so which orders and matches they see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Eyes {
    /// An owner: its own.
    Owner(Address),
    /// The desk: those of the securities that are followed.
    Desk,
    /// The process that settles: the matches that were approved.
    Operator,
}

/// The lots of one security.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Market {
    /// The security.
    pub security: Security,
    /// The best bids.
    pub bids: Vec<Lot>,
    /// The best asks.
    pub asks: Vec<Lot>,
    /// Either side has more than are shown.
    pub truncated: bool,
}

/// A match with its parties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sided {
    /// The match.
    pub found: Match,
    /// The owner of its bid.
    pub buyer: Address,
    /// The owner of its ask.
    pub seller: Address,
    /// The security's token.
    pub token: Address,
}

/// What somebody sees when the log has `seq` events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// How many events the log has.
    pub seq: u64,
    /// The block up to which the chain was read.
    pub synced: Option<ChainSynced>,
    /// The securities that are followed.
    pub markets: Vec<Market>,
    /// Open orders, newest first.
    pub orders: Vec<OrderView>,
    /// Live matches, newest first.
    pub matches: Vec<Sided>,
}

fn sided((found, buyer, seller, number): Sides, tokens: &HashMap<u64, Address>) -> Sided {
    let token = tokens.get(&number).copied().unwrap_or_default();
    Sided {
        found,
        buyer,
        seller,
        token,
    }
}

impl Board {
    /// How many events the log has, whichever process appends: updated at each commit. It is 0 until the log was first
    /// looked at, and may be less than what a read finds, never more.
    ///
    /// Begins to listen when first called, and goes on until the store is closed or dropped; needs a runtime.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.store.follow().0
    }

    /// Notices of what changes beside the log, whichever process writes: the fills that the chain shows, the rules on
    /// who may hold what, a session or an API key that ends. There may be more notices than changes.
    pub fn stirs(&self) -> watch::Receiver<u64> {
        self.store.follow().1
    }

    /// What `eyes` see of some securities (given by token), all at one moment: at most `limit` lots of each side,
    /// orders and matches.
    ///
    /// # Errors
    /// The store's.
    pub async fn moment(
        &self,
        eyes: Eyes,
        tokens: &[Address],
        limit: u32,
    ) -> Result<Moment, BoardError> {
        let mut tx = self.store.snapshot().await?;
        let head = HeadRow::read(tx.link()).await?;
        let seq = head.unwrap_or_else(HeadRow::empty).size();
        let listed = query::securities(tx.link()).await?;
        let synced = last_synced(tx.link()).await?;
        let known: HashMap<u64, Address> = listed
            .iter()
            .map(|(number, security)| (*number, security.token))
            .collect();
        let followed = listed
            .into_iter()
            .filter(|(_, security)| tokens.contains(&security.token));
        let followed: Vec<_> = followed.collect();
        let mut moment = Moment {
            seq,
            synced,
            markets: Vec::new(),
            orders: Vec::new(),
            matches: Vec::new(),
        };
        let filter = OrderFilter {
            state: Some(OrderState::Open),
            descending: true,
            limit: Some(limit),
            ..OrderFilter::default()
        };
        match eyes {
            Eyes::Owner(owner) => {
                let filter = OrderFilter {
                    owner: Some(owner),
                    ..filter.clone()
                };
                moment.orders = self.open_in(tx.link(), &filter, None).await?;
            }
            Eyes::Desk | Eyes::Operator => {}
        }
        let mut found = match eyes {
            Eyes::Owner(owner) => live::matches(tx.link(), Matches::Of(owner), limit).await?,
            Eyes::Operator => live::matches(tx.link(), Matches::Approved, limit).await?,
            Eyes::Desk => Vec::new(),
        };
        for (number, security) in followed {
            if eyes == Eyes::Desk {
                let orders = self.open_in(tx.link(), &filter, Some(number)).await?;
                moment.orders.extend(orders);
                found.extend(live::matches(tx.link(), Matches::In(number), limit).await?);
            }
            let market = self.market_in(tx.link(), number, security, limit).await?;
            moment.markets.push(market);
        }
        moment.matches = found.into_iter().map(|one| sided(one, &known)).collect();
        Ok(moment)
    }

    async fn open_in(
        &self,
        link: Link<'_>,
        filter: &OrderFilter,
        number: Option<u64>,
    ) -> Result<Vec<OrderView>, BoardError> {
        let now = self.store.clock().now();
        let rows = query::orders(link, filter, number, now.as_second()).await?;
        rows.into_iter()
            .map(|row| Ok(row::order(row, now)?))
            .collect()
    }

    async fn market_in(
        &self,
        mut link: Link<'_>,
        number: u64,
        security: Security,
        limit: u32,
    ) -> Result<Market, BoardError> {
        let mut bids = self
            .lots_in(link.reborrow(), number, Side::Bid, None, limit + 1)
            .await?;
        let mut asks = self
            .lots_in(link, number, Side::Ask, None, limit + 1)
            .await?;
        let most = limit as usize;
        let truncated = bids.len() > most || asks.len() > most;
        bids.truncate(most);
        asks.truncate(most);
        Ok(Market {
            security,
            bids,
            asks,
            truncated,
        })
    }

    /// The matches with these ids and their parties.
    ///
    /// # Errors
    /// The store's.
    pub async fn sided(&self, ids: &[Uuid]) -> Result<Vec<Sided>, BoardError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut reader = self.store.reader().await?;
        let listed = query::securities(reader.link()).await?;
        let tokens = listed
            .into_iter()
            .map(|(number, security)| (number, security.token));
        let tokens: HashMap<u64, Address> = tokens.collect();
        let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
        let found = live::matches(reader.link(), Matches::Named(&ids), u32::MAX).await?;
        Ok(found.into_iter().map(|one| sided(one, &tokens)).collect())
    }

    /// Which of these tokens (given by SHA-256) belong to sessions and API keys that have not ended.
    ///
    /// # Errors
    /// The store's.
    pub async fn alive(&self, tokens: &[B256]) -> Result<HashSet<B256>, BoardError> {
        let now = self.store.clock().now();
        let before = |age| super::platform::before(now, age);
        let times = (before(SESSION_LASTS), before(SESSION_IDLE));
        let mut reader = self.store.reader().await?;
        Ok(live::alive(reader.link(), tokens, times, now.as_microsecond()).await?)
    }
}

async fn last_synced(link: Link<'_>) -> Result<Option<ChainSynced>, BoardError> {
    let Some(found) = query::last_event(link, CHAIN, EventType::ChainSynced).await? else {
        return Ok(None);
    };
    let event = row::event(found)?;
    match row::body(event.seq, event.kind, &event.body)? {
        Body::ChainSynced(synced) => Ok(Some(synced)),
        _ => Ok(None),
    }
}
