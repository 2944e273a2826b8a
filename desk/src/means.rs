//! What a wallet has of a token, what of it may move, and how much of it the settlement contract may take.

use alloy::primitives::{Address, U256};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::chain::abi::ISecurityToken;
use crate::chain::{Chain, ChainError};
use crate::explain;

/// Tokens that are queried at the same time.
const AT_ONCE: usize = 8;

/// A token whose rules are known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Asset {
    /// The coin: what is not held for a matched trade is free.
    Coin(Address),
    /// A security: what is not frozen, locked, unvested or held is free.
    Security(Address),
}

impl Asset {
    /// Its contract.
    #[must_use]
    pub fn token(self) -> Address {
        match self {
            Self::Coin(token) | Self::Security(token) => token,
        }
    }
}

/// What a wallet has of a token, base units.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Means {
    /// The token.
    pub token: Address,
    /// The newest block at the time of the query: the figures are as of this block or a later one.
    pub block: u64,
    /// All of it.
    pub balance: U256,
    /// What may move.
    pub free: U256,
    /// What the settlement contract may take.
    pub allowance: U256,
}

impl Means {
    /// What may not move now.
    #[must_use]
    pub fn encumbered(&self) -> U256 {
        self.balance.saturating_sub(self.free)
    }
}

/// What a wallet has of some tokens, in their order.
///
/// # Errors
/// What the chain answers.
pub async fn of(
    chain: &Chain,
    settlement: Address,
    owner: Address,
    assets: &[Asset],
) -> Result<Vec<Means>, ChainError> {
    let block = chain.head().await?.number;
    // Collected so that the whole is a future that any thread can run.
    let each: Vec<_> = assets
        .iter()
        .map(|asset| one(chain, block, settlement, owner, *asset))
        .collect();
    stream::iter(each).buffered(AT_ONCE).try_collect().await
}

async fn one(
    chain: &Chain,
    block: u64,
    spender: Address,
    owner: Address,
    asset: Asset,
) -> Result<Means, ChainError> {
    let token = asset.token();
    let call = ISecurityToken::balanceOfCall { account: owner };
    let balance = chain.view(token, call).await?;
    let free = match asset {
        Asset::Coin(_) => balance.saturating_sub(explain::held(chain, token, owner).await?),
        Asset::Security(_) => {
            let call = ISecurityToken::spendableBalanceOfCall { holder: owner };
            chain.view(token, call).await?.min(balance)
        }
    };
    let call = ISecurityToken::allowanceCall { owner, spender };
    let allowance = chain.view(token, call).await?;
    Ok(Means {
        token,
        block,
        balance,
        free,
        allowance,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_not_move_is_what_is_not_free() {
        let mut means = Means {
            token: Address::ZERO,
            block: 1,
            balance: U256::from(10),
            free: U256::from(7),
            allowance: U256::ZERO,
        };
        assert_eq!(means.encumbered(), U256::from(3));
        means.free = means.balance;
        assert_eq!(means.encumbered(), U256::ZERO);
        assert_eq!(Asset::Coin(Address::ZERO).token(), means.token);
    }
}
