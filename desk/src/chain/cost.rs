//! What a deployment costs, before any of it is sent: a deployer whose ether runs out half-way has paid for nothing.

use alloy::primitives::{Address, TxKind, U256};
use alloy::rpc::types::state::{AccountOverride, StateOverride};
use alloy::sol_types::SolCall as _;

use super::abi::STYLUS_DEPLOYER;
use super::client::{Chain, Unsigned, gas_limit, max_fee};
use super::deploy::{Constructor, activation_fee, creation_code, fragments, root};
use super::error::ChainError;

/// More gas than granting a role or changing a setting takes on a fresh contract.
const GRANT: u64 = 120_000;

/// What the transactions of a deployment take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cost {
    /// Gas of all of them.
    pub gas: u64,
    /// The data fee that activation takes at most, in wei.
    pub fee: U256,
    /// The ether that the sender must have before the first one, in wei: the node requires the whole of a transaction's
    /// limit to be there when it is sent.
    pub ether: U256,
}

/// What deploying a file's code takes, with a number of grants after it; nothing is sent.
///
/// # Errors
/// `NotAProgram`, `TooManyFragments`; `Reverted` when the constructor refuses its arguments; and the transport's.
pub async fn of(
    chain: &Chain,
    sender: Address,
    code: &[u8],
    constructor: &Constructor,
    grants: u64,
) -> Result<Cost, ChainError> {
    let parts = fragments(chain, code).await?;
    let nonce = chain.nonce(sender).await?;
    let (mut places, mut accounts) = (Vec::new(), StateOverride::default());
    for (nonce, part) in (nonce..).zip(&parts) {
        let place = sender.create(nonce);
        places.push(place);
        let code = Some(part.clone());
        accounts.insert(
            place,
            AccountOverride {
                code,
                ..Default::default()
            },
        );
    }
    let code = if parts.is_empty() {
        code.to_vec()
    } else {
        root(code, &places)?
    };
    let fee = activation_fee(chain, &code, accounts.clone()).await?;
    let rich = AccountOverride {
        balance: Some(U256::MAX >> 1),
        ..Default::default()
    };
    accounts.insert(sender, rich.clone());
    let alone = StateOverride::from_iter([(sender, rich)]);
    let mut steps = Vec::new();
    for part in &parts {
        let call = Unsigned {
            to: TxKind::Create,
            value: U256::ZERO,
            input: creation_code(part),
        };
        let gas = chain.estimate_over(sender, call, alone.clone()).await?;
        steps.push((gas, U256::ZERO));
    }
    let call = Unsigned {
        to: TxKind::Call(STYLUS_DEPLOYER),
        value: fee,
        input: constructor.call(&code).abi_encode().into(),
    };
    steps.push((chain.estimate_over(sender, call, accounts).await?, fee));
    steps.extend((0..grants).map(|_| (GRANT, U256::ZERO)));
    let gas = steps.iter().map(|(gas, _)| gas).sum();
    let ether = needed(&steps, chain.gas_price().await?);
    Ok(Cost { gas, fee, ether })
}

/// Ether with which each step, given its gas and value, can be sent after those before it.
fn needed(steps: &[(u64, U256)], price: u128) -> U256 {
    let (mut spent, mut most) = (U256::ZERO, U256::ZERO);
    for (gas, value) in steps {
        let at_most = U256::from(gas_limit(*gas)).saturating_mul(U256::from(max_fee(price)));
        most = most.max(spent.saturating_add(at_most).saturating_add(*value));
        let paid = U256::from(*gas).saturating_mul(U256::from(price));
        spent = spent.saturating_add(paid).saturating_add(*value);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_can_be_sent_after_those_before_it() {
        let wei = |steps: &[(u64, u64)]| {
            let steps: Vec<_> = steps
                .iter()
                .map(|(gas, value)| (*gas, U256::from(*value)))
                .collect();
            needed(&steps, 10)
        };
        // A limit of 120 gas at 20 wei.
        assert_eq!(wei(&[(100, 0)]), U256::from(2_400));
        // 1,000 wei are spent before the second.
        assert_eq!(wei(&[(100, 0), (100, 0)]), U256::from(3_400));
        // The first needs more than both cost.
        assert_eq!(wei(&[(1_000, 7), (5, 0)]), U256::from(24_007));
        assert_eq!(wei(&[]), U256::ZERO);
    }
}
