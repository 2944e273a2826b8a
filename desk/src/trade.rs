//! One bid and one ask seen as the trade they would make.

use alloy::primitives::{Address, U256};
use book::market::matching::midpoint;
use book::market::record::OrderRecord;

/// Who gives what to whom if the two orders settle.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trade {
    /// The ticker.
    pub symbol: String,
    /// Decimals of the security.
    pub decimals: u8,
    /// The security.
    pub token: Address,
    /// The coin.
    pub payment: Address,
    /// Owner of the ask.
    pub seller: Address,
    /// Owner of the bid.
    pub buyer: Address,
    /// Security base units.
    pub quantity: U256,
    /// Coin base units: the midpoint of the two limits, or the ask's when they do not cross.
    pub total: U256,
}

impl Trade {
    /// The trade of a bid and an ask.
    pub fn of(bid: &OrderRecord, ask: &OrderRecord) -> Self {
        Self {
            symbol: ask.symbol.clone(),
            decimals: ask.decimals,
            token: ask.security,
            payment: ask.payment,
            seller: ask.owner,
            buyer: bid.owner,
            quantity: U256::from(ask.quantity),
            total: U256::from(
                midpoint(bid.limit_total, ask.limit_total).unwrap_or(ask.limit_total),
            ),
        }
    }
}
