//! Whether a wallet may have orders in a security at all: its record in the security's registry.
//!
//! Checked when an order is posted and when a market is shown; the contracts make the final check at settlement.

use alloy::primitives::Address;
use book::market::amount::date;

use super::error::DeskError;
use crate::chain::abi::ISecurityToken::{self, walletRecordReturn};
use crate::chain::codes::Restriction;
use crate::chain::{Block, Chain, ChainError};

/// Why a wallet may have no orders in a security.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// The token's code for it.
    pub restriction: Restriction,
    /// Why, in words.
    pub words: String,
}

/// What a security's registry says of a wallet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Standing {
    /// As of this block.
    pub block: u64,
    /// Why it may have no orders; `None` when it may.
    pub refusal: Option<Refusal>,
    /// Unix seconds at which its KYC record ends; 0 where it has none.
    pub until: u64,
}

impl Standing {
    /// From the wallet's record at a block: the first that applies of `Sanctioned`, `SenderFrozen`, `NotAllowed`,
    /// `KycExpired`.
    pub fn of(record: &walletRecordReturn, block: &Block) -> Self {
        let refusal = |restriction, words: String| {
            let words = format!("the owner {words}");
            Some(Refusal { restriction, words })
        };
        let refusal = if record.sanctioned {
            refusal(Restriction::Sanctioned, "is sanctioned".into())
        } else if record.frozen {
            refusal(Restriction::SenderFrozen, "is frozen".into())
        } else if record.investorId.is_zero() {
            let words = "is not registered for this security";
            refusal(Restriction::NotAllowed, words.into())
        } else if record.kycExpiry <= block.time {
            let day = date(record.kycExpiry);
            let words = format!("has a KYC record that expired on {day}");
            refusal(Restriction::KycExpired, words)
        } else {
            None
        };
        Self {
            block: block.number,
            refusal,
            until: record.kycExpiry,
        }
    }
}

/// What a security's registry says of a wallet now.
///
/// # Errors
/// What the chain answers.
pub async fn standing(
    chain: &Chain,
    token: Address,
    wallet: Address,
) -> Result<Standing, ChainError> {
    let block = chain.head().await?;
    let call = ISecurityToken::walletRecordCall { wallet };
    let record = chain.view(token, call).await?;
    Ok(Standing::of(&record, &block))
}

/// Refuses an owner who is sanctioned, frozen or not registered, or whose KYC has expired.
///
/// # Errors
/// `Ineligible` with the first restriction of [`Standing::of`]; `Chain`.
pub async fn check(chain: &Chain, token: Address, owner: Address) -> Result<(), DeskError> {
    match standing(chain, token, owner).await?.refusal {
        None => Ok(()),
        Some(Refusal { restriction, words }) => Err(DeskError::Ineligible { restriction, words }),
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;

    use super::*;

    #[test]
    fn the_first_reason_in_the_sequence_of_the_rules_is_given() {
        let block = Block {
            number: 7,
            hash: B256::ZERO,
            time: 1_800_000_000,
        };
        let mut record = walletRecordReturn {
            investorId: B256::ZERO,
            group: 0,
            country: 0,
            kycExpiry: 0,
            frozen: true,
            sanctioned: true,
        };
        let wanted = |record: &walletRecordReturn, code: Option<Restriction>| {
            let standing = Standing::of(record, &block);
            assert_eq!(standing.refusal.map(|refusal| refusal.restriction), code);
            assert_eq!((standing.block, standing.until), (7, record.kycExpiry));
        };
        wanted(&record, Some(Restriction::Sanctioned));
        record.sanctioned = false;
        wanted(&record, Some(Restriction::SenderFrozen));
        record.frozen = false;
        wanted(&record, Some(Restriction::NotAllowed));
        record.investorId = B256::repeat_byte(1);
        wanted(&record, Some(Restriction::KycExpired));
        // It has expired from the very second that it names.
        record.kycExpiry = 1_800_000_000;
        wanted(&record, Some(Restriction::KycExpired));
        record.kycExpiry = 1_800_000_001;
        wanted(&record, None);
    }
}
