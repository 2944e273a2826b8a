//! The securities that the board lists.

use alloy::primitives::Address;
use serde::{Deserialize, Serialize};

use super::isin::Isin;

/// One listed security token on the board's chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Security {
    /// Decimal places of the token.
    pub decimals: u8,
    /// Its ISIN.
    pub isin: Isin,
    /// The issuer's name for it.
    pub name: String,
    /// Its ticker, unique on the board.
    pub symbol: String,
    /// The token contract.
    pub token: Address,
}
