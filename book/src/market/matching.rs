//! A proposed trade between one bid and one ask, from proposal to settlement.

use std::fmt;
use std::str::FromStr;

use alloy::primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::record::OrderRecord;

/// The state of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum MatchState {
    /// Waiting for a second person.
    Proposed,
    /// May be settled.
    Approved,
    /// Committed on chain: both sides are held until it settles, is released or ends by time.
    Committed,
    /// Refused or withdrawn, or one of its orders was cancelled: final.
    Refused,
    /// A transaction may be on its way.
    Submitted,
    /// The connection was lost while a transaction was on its way: ask the chain.
    Unknown,
    /// The transaction reverted or can no longer be mined; may be submitted again.
    Failed,
    /// Settled on chain: final.
    Settled,
}

impl MatchState {
    /// The state's name in capitals.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "PROPOSED",
            Self::Approved => "APPROVED",
            Self::Committed => "COMMITTED",
            Self::Refused => "REFUSED",
            Self::Submitted => "SUBMITTED",
            Self::Unknown => "UNKNOWN",
            Self::Failed => "FAILED",
            Self::Settled => "SETTLED",
        }
    }

    /// Its orders are taken: neither may join another match.
    pub fn is_live(self) -> bool {
        !matches!(self, Self::Refused | Self::Settled)
    }

    /// One of its transactions may still be mined.
    pub fn is_in_flight(self) -> bool {
        matches!(self, Self::Submitted | Self::Unknown)
    }
}

impl fmt::Display for MatchState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that does not name a state of a match.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "match state {0:?} is unknown: write proposed, approved, committed, refused, submitted, unknown, failed or settled"
)]
pub struct MatchStateError(String);

impl FromStr for MatchState {
    type Err = MatchStateError;

    fn from_str(text: &str) -> Result<Self, MatchStateError> {
        Ok(match text.to_ascii_uppercase().as_str() {
            "PROPOSED" => Self::Proposed,
            "APPROVED" => Self::Approved,
            "COMMITTED" => Self::Committed,
            "REFUSED" => Self::Refused,
            "SUBMITTED" => Self::Submitted,
            "UNKNOWN" => Self::Unknown,
            "FAILED" => Self::Failed,
            "SETTLED" => Self::Settled,
            _ => return Err(MatchStateError(text.to_owned())),
        })
    }
}

/// A transaction that was logged before it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Submission {
    /// Its hash.
    pub tx_hash: B256,
    /// Its nonce.
    pub nonce: u64,
    /// Its sender.
    pub sender: Address,
}

/// One match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// Its id, a UUID v7.
    pub id: Uuid,
    /// The bid's order id.
    pub bid: B256,
    /// The ask's order id.
    pub ask: B256,
    /// Coin base units that will move: the midpoint of the two limits, rounded down.
    pub total: u128,
    /// Its state.
    pub state: MatchState,
    /// Who proposed it.
    pub proposed_by: String,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// The last transaction submitted for it.
    pub submission: Option<Submission>,
    /// The event that proposed it.
    pub proposed_seq: u64,
    /// The last event that changed it.
    pub changed_seq: u64,
}

/// Why two orders of one security and size whose limits cross still cannot meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// Both belong to one wallet.
    SameOwner,
    /// One of them may only meet another owner.
    OtherCounterparty,
}

impl Obstacle {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SameOwner => "of the same owner",
            Self::OtherCounterparty => "may only meet another",
        }
    }
}

/// What keeps two orders of one security and size apart, whatever their prices.
pub fn obstacle(bid: &OrderRecord, ask: &OrderRecord) -> Option<Obstacle> {
    let welcomes = |order: &OrderRecord, other: Address| {
        order.counterparty.is_zero() || order.counterparty == other
    };
    if bid.owner == ask.owner {
        Some(Obstacle::SameOwner)
    } else if welcomes(bid, ask.owner) && welcomes(ask, bid.owner) {
        None
    } else {
        Some(Obstacle::OtherCounterparty)
    }
}

/// The cash of a settlement: the midpoint of the two signed limits, rounded down; `None` when they do not cross.
pub fn midpoint(bid_limit: u128, ask_limit: u128) -> Option<u128> {
    (bid_limit >= ask_limit).then(|| ask_limit + (bid_limit - ask_limit) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_midpoint_is_the_contract_s() {
        assert_eq!(midpoint(1_050_000_000, 1_020_000_000), Some(1_035_000_000));
        assert_eq!(midpoint(1_020_000_003, 1_020_000_000), Some(1_020_000_001));
        assert_eq!(midpoint(1_019_999_999, 1_020_000_000), None);
        assert_eq!(midpoint(u128::MAX, u128::MAX), Some(u128::MAX));
    }

    proptest! {
        #[test]
        fn the_midpoint_is_the_floor_of_the_mean(bid in 0..u128::MAX / 2, ask in 0..u128::MAX / 2) {
            prop_assert_eq!(midpoint(bid, ask), (bid >= ask).then(|| u128::midpoint(bid, ask)));
        }
    }
}
