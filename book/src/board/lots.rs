//! One side of a security's book, order by order.

use alloy::primitives::{Address, B256};

use super::error::BoardError;
use super::views::deepen;
use super::{Board, damaged};
use crate::market::depth::Level;
use crate::market::order::Side;
use crate::market::price::Price;
use crate::store::engine::Link;
use crate::store::{lots, query, row};

/// An open order as the market sees it, and its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lot {
    /// The event that posted it.
    pub seq: u64,
    /// The order.
    pub id: B256,
    /// Its owner.
    pub owner: Address,
    /// US dollars per whole token.
    pub price: Price,
    /// Security base units.
    pub quantity: u128,
    /// Unix seconds from which it has expired.
    pub expiry: u64,
}

/// A place in the order of one side: the price and the posting event of an order, whether or not it is still open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The price.
    pub price: Price,
    /// The event.
    pub seq: u64,
}

/// One side of a security's book at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneSide {
    /// The first lots, best price first, then oldest first.
    pub lots: Vec<Lot>,
    /// The best prices of all lots.
    pub levels: Vec<Level>,
    /// There are more prices.
    pub truncated: bool,
    /// Unix seconds at which the next order expires: until then only an event of the log changes this.
    pub until: Option<u64>,
}

impl Board {
    /// One side of a security's book: the requested number of lots and prices.
    ///
    /// # Errors
    /// [`BoardError::UnknownSecurity`], or the store's.
    pub async fn side(
        &self,
        security: &str,
        side: Side,
        lots: u32,
        levels: usize,
    ) -> Result<OneSide, BoardError> {
        let (number, _) = self.security_number(security).await?;
        let now = self.store.clock().now().as_second();
        let mut reader = self.store.reader().await?;
        let until = lots::next_expiry(reader.link(), number, side, now).await?;
        let lots = self
            .lots_in(reader.link(), number, side, None, lots)
            .await?;
        let (levels, truncated) = query::levels(reader.link(), number, side, now, levels).await?;
        Ok(OneSide {
            lots,
            levels: deepen(levels)?,
            truncated,
            until,
        })
    }

    /// The open, unexpired orders of one side of a security after a place, best price first, then oldest first.
    ///
    /// # Errors
    /// [`BoardError::UnknownSecurity`], or the store's.
    pub async fn lots(
        &self,
        security: &str,
        side: Side,
        behind: Option<Place>,
        limit: u32,
    ) -> Result<Vec<Lot>, BoardError> {
        let (number, _) = self.security_number(security).await?;
        let mut reader = self.store.reader().await?;
        self.lots_in(reader.link(), number, side, behind, limit)
            .await
    }

    /// The same as a transaction sees it, for the security with this number.
    pub(super) async fn lots_in(
        &self,
        link: Link<'_>,
        number: u64,
        side: Side,
        behind: Option<Place>,
        limit: u32,
    ) -> Result<Vec<Lot>, BoardError> {
        let now = self.store.clock().now().as_second();
        let behind = behind.map(|place| (place.price.scaled(), place.seq));
        let rows = lots::lots(link, number, side, now, behind, limit).await?;
        rows.into_iter()
            .map(|(seq, price, quantity, expiry, id, owner)| {
                let bad = |what: &str| {
                    damaged(
                        row::unsigned(seq),
                        format!("an open order's {what} is malformed"),
                    )
                };
                let price = row::amount(seq, "price", &price)?;
                Ok(Lot {
                    seq: row::unsigned(seq),
                    id: row::hash(seq, "id", &id)?,
                    owner: Address::try_from(owner.as_slice()).map_err(|_| bad("owner"))?,
                    price: Price::from_scaled(price).ok_or_else(|| bad("price"))?,
                    quantity: row::amount(seq, "quantity", &quantity)?,
                    expiry: row::unsigned(expiry),
                })
            })
            .collect()
    }
}
