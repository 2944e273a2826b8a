//! A signed order on its way to the board.

use alloy::primitives::Bytes;
use jiff::Timestamp;

use super::order::Order;
use super::price::Price;
use super::record::Capacity;

/// A signed order and what the broker-dealer must record beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// What the owner signed.
    pub order: Order,
    /// The owner's signature.
    pub signature: Bytes,
    /// The price the customer named, if any; it must give exactly the signed total.
    pub price: Option<Price>,
    /// The customer's account at the broker-dealer: 1 to 64 characters.
    pub account: String,
    /// The broker-dealer's capacity.
    pub capacity: Capacity,
    /// Whether the broker-dealer solicited the order.
    pub solicited: bool,
    /// When the customer's order reached the broker-dealer.
    pub received_at: Timestamp,
    /// Who took the order: 1 to 64 characters.
    pub taken_by: String,
}
