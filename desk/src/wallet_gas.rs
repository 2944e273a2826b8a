//! The gas that owners' wallets with code use to check their signatures (ERC-1271). The contract lets them use all the
//! gas there is, because wallets of many owners and passkeys need a lot; so a wallet could burn the operator's gas, and
//! is reported first.

use alloy::primitives::{Address, U256};
use alloy::sol_types::SolCall;
use book::market::record::OrderRecord;

use crate::chain::abi::IERC1271;
use crate::chain::{Chain, ChainError};

/// Gas above which a wallet is reported.
pub const MUCH: u64 = 1_000_000;
/// What any transaction uses before it does anything.
const INTRINSIC: u64 = 21_000;

/// A wallet that uses more than [`MUCH`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Dear {
    /// The owner.
    pub owner: Address,
    /// What the node's simulation used; `None` when it did not finish.
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
            // It refuses, which is not a matter of gas.
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
