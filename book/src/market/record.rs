//! The full record of a posted order, which is never updated.

use std::fmt;
use std::str::FromStr;

use alloy::primitives::{Address, B256, Bytes, U256};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::isin::Isin;
use super::order::{Order, Side};
use super::price::Price;

/// In which capacity the broker-dealer handles the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capacity {
    /// For the customer's account and risk.
    Agency,
    /// For the broker-dealer's own account.
    Principal,
    /// Own account, offset at once by the customer's order.
    RisklessPrincipal,
}

impl Capacity {
    /// `agency`, `principal` or `riskless_principal`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agency => "agency",
            Self::Principal => "principal",
            Self::RisklessPrincipal => "riskless_principal",
        }
    }
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that does not name a capacity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("capacity {0:?} is unknown: write agency, principal or riskless_principal")]
pub struct CapacityError(String);

impl FromStr for Capacity {
    type Err = CapacityError;

    fn from_str(text: &str) -> Result<Self, CapacityError> {
        match text {
            "agency" => Ok(Self::Agency),
            "principal" => Ok(Self::Principal),
            "riskless_principal" | "riskless principal" | "riskless-principal" => {
                Ok(Self::RisklessPrincipal)
            }
            _ => Err(CapacityError(text.to_owned())),
        }
    }
}

/// The state of an order (I2). Expiry is not a state: an expired order is open until somebody cancels it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum OrderState {
    /// Posted, neither filled nor cancelled.
    Open,
    /// Settled on chain.
    Filled,
    /// Withdrawn by its owner or the desk.
    Cancelled,
}

impl OrderState {
    /// `OPEN`, `FILLED` or `CANCELLED`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Filled => "FILLED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// The state with that number on chain; `None` for 0 (an order that was never registered there) and any other.
    pub fn of_code(code: u8) -> Option<Self> {
        let all = [Self::Open, Self::Filled, Self::Cancelled];
        all.into_iter().find(|state| state.code() == code)
    }

    /// The number the settlement contract uses: 1, 2, 3.
    pub fn code(self) -> u8 {
        match self {
            Self::Open => 1,
            Self::Filled => 2,
            Self::Cancelled => 3,
        }
    }
}

impl fmt::Display for OrderState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that does not name a state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("state {0:?} is unknown: write open, filled or cancelled")]
pub struct OrderStateError(String);

impl FromStr for OrderState {
    type Err = OrderStateError;

    fn from_str(text: &str) -> Result<Self, OrderStateError> {
        match text.to_ascii_lowercase().as_str() {
            "open" => Ok(Self::Open),
            "filled" => Ok(Self::Filled),
            "cancelled" => Ok(Self::Cancelled),
            _ => Err(OrderStateError(text.to_owned())),
        }
    }
}

/// Everything the board keeps about an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRecord {
    /// The EIP-712 digest of the signed order.
    pub id: B256,
    /// The board's reference: a UUID v7 in the first 16 bytes.
    pub board_ref: B256,
    /// Ticker of the security.
    pub symbol: String,
    /// ISIN of the security.
    pub isin: Isin,
    /// Decimal places of the security.
    pub decimals: u8,
    /// The security's token contract.
    pub security: Address,
    /// The coin's contract.
    pub payment: Address,
    /// The chain it settles on.
    pub chain_id: u64,
    /// The settlement contract it was signed for.
    pub contract: Address,
    /// Buys or sells.
    pub side: Side,
    /// Security base units.
    pub quantity: u128,
    /// US dollars per whole token.
    pub price: Price,
    /// Coin base units for the whole quantity: the most a bid pays, the least an ask takes.
    pub limit_total: u128,
    /// Unix seconds from which the order has expired.
    pub expiry: u64,
    /// The owner's epoch at the settlement contract.
    pub epoch: u64,
    /// Zero, or the only owner that it may meet.
    pub counterparty: Address,
    /// The wallet whose assets move.
    pub owner: Address,
    /// The customer's account at the broker-dealer.
    pub account: String,
    /// The broker-dealer's capacity.
    pub capacity: Capacity,
    /// Whether the broker-dealer solicited the order.
    pub solicited: bool,
    /// When the customer's order reached the broker-dealer.
    pub received_at: Timestamp,
    /// When the board recorded it.
    pub captured_at: Timestamp,
    /// Who took the order.
    pub taken_by: String,
    /// The owner's signature.
    pub signature: Bytes,
}

impl OrderRecord {
    /// The order as its owner signed it.
    pub fn signed(&self) -> Order {
        Order {
            owner: self.owner,
            side: self.side.code(),
            security: self.security,
            payment: self.payment,
            quantity: U256::from(self.quantity),
            limitTotal: U256::from(self.limit_total),
            expiry: self.expiry,
            epoch: self.epoch,
            counterparty: self.counterparty,
            boardRef: self.board_ref,
        }
    }

    /// Whether it has reached its expiry at `now`: a view, not a state.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        u64::try_from(now.as_second()).is_ok_and(|now| now >= self.expiry)
    }
}

/// A record with its current state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderView {
    /// The order.
    pub record: OrderRecord,
    /// Its state.
    pub state: OrderState,
    /// The event that posted it.
    pub posted_seq: u64,
    /// The event that filled or cancelled it.
    pub closed_seq: Option<u64>,
    /// It has reached its expiry (only ever true of an open order).
    pub expired: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for state in [OrderState::Open, OrderState::Filled, OrderState::Cancelled] {
            assert_eq!(state.as_str().parse(), Ok(state));
            assert_eq!(OrderState::of_code(state.code()), Some(state));
        }
        for capacity in [
            Capacity::Agency,
            Capacity::Principal,
            Capacity::RisklessPrincipal,
        ] {
            assert_eq!(capacity.as_str().parse(), Ok(capacity));
        }
        assert!("expired".parse::<OrderState>().is_err());
        assert!("agent".parse::<Capacity>().is_err());
    }
}
