//! Which orders to list, and in which order.

use alloy::primitives::Address;

use super::order::Side;
use super::record::OrderState;

/// What to sort by; ties are broken by posting sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OrderSort {
    /// When it was posted.
    #[default]
    Posted,
    /// US dollars per whole token.
    Price,
    /// Base units.
    Quantity,
    /// Expiry.
    Expiry,
}

/// Every condition that is given must be met.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderFilter {
    /// Symbol, ISIN or token address of a listed security.
    pub security: Option<String>,
    /// Bids or asks only.
    pub side: Option<Side>,
    /// One state only.
    pub state: Option<OrderState>,
    /// Open orders that have reached their expiry (`true`) or not (`false`).
    pub expired: Option<bool>,
    /// One wallet's.
    pub owner: Option<Address>,
    /// One account's.
    pub account: Option<String>,
    /// Posted by an event after this one (to follow the board).
    pub after_seq: Option<u64>,
    /// Posted by an event before this one (the pages of a list, newest first).
    pub before_seq: Option<u64>,
    /// The sequence.
    pub sort: OrderSort,
    /// Highest or latest first.
    pub descending: bool,
    /// How many at most; `None` means 100.
    pub limit: Option<u32>,
    /// How many to skip.
    pub offset: u32,
}
