//! Whether a wallet may have orders in a security at all: its record in the security's registry.
//!
//! Asked when an order is posted; the contracts ask again, and finally, when it settles.

use alloy::primitives::Address;
use book::market::amount::date;

use super::error::DeskError;
use crate::chain::Chain;
use crate::chain::abi::ISecurityToken;
use crate::chain::codes::Restriction;

/// Refuses an owner who is not registered, sanctioned, frozen, or whose KYC has run out.
///
/// # Errors
/// `Ineligible` with the restriction, in the sequence `Sanctioned`, `SenderFrozen`, `NotAllowed`, `KycExpired`; `Chain`.
pub async fn check(chain: &Chain, token: Address, owner: Address) -> Result<(), DeskError> {
    let call = ISecurityToken::walletRecordCall { wallet: owner };
    let record = chain.view(token, call).await?;
    let refuse = |restriction, words: &str| {
        Err(DeskError::Ineligible {
            restriction,
            words: format!("the owner {words}"),
        })
    };
    if record.sanctioned {
        return refuse(Restriction::Sanctioned, "is sanctioned");
    }
    if record.frozen {
        return refuse(Restriction::SenderFrozen, "is frozen");
    }
    if record.investorId.is_zero() {
        return refuse(
            Restriction::NotAllowed,
            "is not registered for this security",
        );
    }
    if record.kycExpiry <= chain.head().await?.time {
        return refuse(
            Restriction::KycExpired,
            &format!(
                "has a KYC record that expired on {}",
                date(record.kycExpiry)
            ),
        );
    }
    Ok(())
}
