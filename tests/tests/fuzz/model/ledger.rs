//! Balances and allowances: what the coin and the share classes have in common.

use std::collections::BTreeMap;

use acceptance::bindings::ISecurityToken;
use alloy::primitives::{Address, Log, U256};

use super::{Outcome, Refusal, log, refused};

/// The balances and allowances of the token at an address. Its errors and events are those that both ABI files declare.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) address: Address,
    /// The token's name, which is in its permits' domain.
    pub(crate) name: &'static str,
    pub(crate) supply: U256,
    pub(crate) balances: BTreeMap<Address, U256>,
    pub(crate) allowances: BTreeMap<(Address, Address), U256>,
    /// How many permits of each owner were used.
    pub(crate) nonces: BTreeMap<Address, u64>,
}

impl Ledger {
    pub(crate) fn balance(&self, account: Address) -> U256 {
        self.balances.get(&account).copied().unwrap_or_default()
    }

    pub(crate) fn allowance(&self, owner: Address, spender: Address) -> U256 {
        self.allowances
            .get(&(owner, spender))
            .copied()
            .unwrap_or_default()
    }

    pub(crate) fn nonce(&self, owner: Address) -> u64 {
        self.nonces.get(&owner).copied().unwrap_or_default()
    }

    /// Moves an amount, which must be within the `free` part of the sender's balance.
    pub(crate) fn transfer(
        &mut self,
        from: Address,
        to: Address,
        value: U256,
        free: U256,
    ) -> Outcome {
        enough(from, free, value)?;
        Ok(vec![self.moved(from, to, value)])
    }

    /// Moves an amount that is there.
    pub(crate) fn moved(&mut self, from: Address, to: Address, value: U256) -> Log {
        *self.balances.entry(from).or_default() -= value;
        *self.balances.entry(to).or_default() += value;
        self.transferred(from, to, value)
    }

    /// Destroys an amount that is there.
    pub(crate) fn burned(&mut self, from: Address, value: U256) -> Log {
        *self.balances.entry(from).or_default() -= value;
        self.supply -= value;
        self.transferred(from, Address::ZERO, value)
    }

    /// Lowers a finite allowance that is known to be enough.
    pub(crate) fn spend(&mut self, owner: Address, spender: Address, value: U256) {
        *self.allowances.entry((owner, spender)).or_default() -= value;
    }

    /// The allowance of `spender` from `owner`, which must be at least `value`.
    pub(crate) fn spendable(
        &self,
        spender: Address,
        owner: Address,
        value: U256,
    ) -> Result<U256, Refusal> {
        let allowance = self.allowance(owner, spender);
        if allowance < value {
            return refused(&ISecurityToken::ERC20InsufficientAllowance {
                spender,
                allowance,
                needed: value,
            });
        }
        Ok(allowance)
    }

    pub(crate) fn approve(&mut self, owner: Address, spender: Address, value: U256) -> Outcome {
        if spender == Address::ZERO {
            return refused(&ISecurityToken::ERC20InvalidSpender { spender });
        }
        self.allowances.insert((owner, spender), value);
        let event = ISecurityToken::Approval {
            owner,
            spender,
            value,
        };
        Ok(vec![log(self.address, &event)])
    }

    /// Creates `value` for an account; the log is that of a transfer from the zero address.
    pub(crate) fn mint(&mut self, to: Address, value: U256) -> Log {
        self.supply += value;
        *self.balances.entry(to).or_default() += value;
        self.transferred(Address::ZERO, to, value)
    }

    pub(crate) fn transferred(&self, from: Address, to: Address, value: U256) -> Log {
        log(self.address, &ISecurityToken::Transfer { from, to, value })
    }
}

/// Refuses to take more than what is free.
pub(crate) fn enough(sender: Address, free: U256, needed: U256) -> Result<(), Refusal> {
    if needed <= free {
        return Ok(());
    }
    refused(&ISecurityToken::ERC20InsufficientBalance {
        sender,
        balance: free,
        needed,
    })
}
