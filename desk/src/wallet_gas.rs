//! What owners' wallets with code take to check their signatures (ERC-1271). The contract lets them have all the gas there
//! is, for wallets of many owners and passkeys need much; so a wallet could burn the operator's, and is named before.

use alloy::primitives::{Address, U256};
use alloy::sol_types::SolCall;
use book::market::record::OrderRecord;

use crate::chain::abi::IERC1271;
use crate::chain::{Chain, ChainError};

/// Gas above which a wallet is named.
pub const MUCH: u64 = 1_000_000;
/// What any transaction takes before it does something.
const INTRINSIC: u64 = 21_000;

/// A wallet that takes more than [`MUCH`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Dear {
    /// The owner.
    pub owner: Address,
    /// What the node's simulation took; `None` when it found no end.
    pub gas: Option<u64>,
}

/// Which owners of these orders have such a wallet.
///
/// # Errors
/// `Unreachable`, `Untrue`.
pub async fn dear(
    chain: &Chain,
    sender: Address,
    orders: &[&OrderRecord],
) -> Result<Vec<Dear>, ChainError> {
    let mut found = Vec::new();
    for order in orders {
        let owner = order.owner;
        if chain.code_size(owner).await? == 0 {
            continue;
        }
        let call = IERC1271::isValidSignatureCall {
            hash: order.id,
            signature: order.signature.clone(),
        };
        let input = call.abi_encode().into();
        let gas = match chain.estimate(sender, owner, U256::ZERO, input).await {
            Ok(gas) => Some(gas.saturating_sub(INTRINSIC)),
            // It refuses, which is no matter of gas.
            Err(ChainError::Reverted(_)) => continue,
            Err(ChainError::Node { .. }) => None,
            Err(error) => return Err(error),
        };
        if gas.is_none_or(|gas| gas > MUCH) {
            found.push(Dear { owner, gas });
        }
    }
    Ok(found)
}
