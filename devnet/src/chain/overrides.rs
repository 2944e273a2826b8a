//! State overrides of `eth_call` and `eth_estimateGas`.

use super::{
    diff::{AccountChange, Diff, SlotChange},
    error::ChainError,
    state::State,
};
use alloy::{
    primitives::{Address, B256, U256, keccak256, map::B256HashMap},
    rpc::types::state::{AccountOverride, StateOverride},
};

/// Applies `overrides` to a call's own copy of the state.
///
/// # Errors
/// [`ChainError::InvalidParameter`] when an account has both `state` and `stateDiff`, or moves a
/// precompile, which this chain does not support.
pub(super) fn apply(state: &mut State, overrides: StateOverride) -> Result<(), ChainError> {
    for (address, account) in overrides {
        let diff = diff(state, address, account)?;
        state.write(&diff);
    }
    Ok(())
}

fn diff(state: &State, address: Address, account: AccountOverride) -> Result<Diff, ChainError> {
    if account.move_precompile_to.is_some() {
        return Err(ChainError::InvalidParameter(
            "movePrecompileToAddress is not supported".into(),
        ));
    }
    let mut change = AccountChange::of(state, address)?;
    change.balance = account.balance.unwrap_or(change.balance);
    change.nonce = account.nonce.unwrap_or(change.nonce);
    let mut codes = Vec::new();
    if let Some(code) = account.code {
        change.code_hash = keccak256(&code);
        codes.push(code);
    }
    let slots = match (account.state, account.state_diff) {
        (Some(_), Some(_)) => {
            return Err(ChainError::InvalidParameter(format!(
                "account {address} has both 'state' and 'stateDiff'"
            )));
        }
        (Some(state), None) => {
            change.cleared = true;
            state
        }
        (None, state_diff) => state_diff.unwrap_or_default(),
    };
    change.storage = words(&slots);
    Ok(Diff {
        accounts: vec![change],
        codes,
    })
}

fn words(slots: &B256HashMap<B256>) -> Vec<SlotChange> {
    slots
        .iter()
        .map(|(key, value)| SlotChange {
            key: U256::from_be_bytes(key.0),
            value: U256::from_be_bytes(value.0),
        })
        .collect()
}
