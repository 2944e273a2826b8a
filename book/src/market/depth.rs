//! The two sides of one security's book.

use jiff::Timestamp;

use super::price::Price;
use super::security::Security;

/// All open, unexpired orders of one side at one price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// US dollars per whole token.
    pub price: Price,
    /// How many orders.
    pub orders: u64,
    /// Security base units of all of them; `None` above 2^128 - 1.
    pub quantity: Option<u128>,
    /// Base units of this level and all better ones.
    pub depth: Option<u128>,
}

/// One security's book at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookView {
    /// The security.
    pub security: Security,
    /// The moment: orders that expire by then are left out.
    pub as_of: Timestamp,
    /// Best (highest) first.
    pub bids: Vec<Level>,
    /// Best (lowest) first.
    pub asks: Vec<Level>,
    /// More levels exist than were asked for.
    pub truncated: bool,
}

impl BookView {
    /// Best ask minus best bid in 10^-18 dollars, negative when they cross; `None` when a side is empty.
    pub fn spread(&self) -> Option<Spread> {
        let (bid, ask) = (self.bids.first()?.price, self.asks.first()?.price);
        Some(if ask >= bid {
            Spread {
                crossed: false,
                width: Price::from_scaled(ask.scaled() - bid.scaled()),
            }
        } else {
            Spread {
                crossed: true,
                width: Price::from_scaled(bid.scaled() - ask.scaled()),
            }
        })
    }
}

/// The distance between the best bid and the best ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    /// The best bid is above the best ask.
    pub crossed: bool,
    /// The distance; `None` when both are equal.
    pub width: Option<Price>,
}
