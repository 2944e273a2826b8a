//! TsUSDC as `docs/tsusdc.md` has it: what a settlement or a holder meets.

use std::collections::{BTreeMap, BTreeSet};

use acceptance::bindings::ITsUSDC::{self, ITsUSDCCalls as Call};
use alloy::primitives::{Address, B256, Log, U256};

use super::{Outcome, Refusal, Roles, ledger::Ledger, log, refused, role};

/// The coin.
#[derive(Clone, Debug, Default)]
pub(crate) struct Coin {
    pub(crate) ledger: Ledger,
    pub(crate) roles: Roles,
    pub(crate) paused: bool,
    pub(crate) blacklisted: BTreeSet<Address>,
    /// What each minter may still mint; reserves beyond that are attested once and for all.
    pub(crate) minters: BTreeMap<Address, U256>,
}

impl Coin {
    /// "Refused when paused, or when a party is blacklisted": the parties in that order.
    fn movable(&self, parties: &[Address]) -> Result<(), Refusal> {
        if self.paused {
            return refused(&ITsUSDC::EnforcedPause {});
        }
        match parties
            .iter()
            .find(|party| self.blacklisted.contains(*party))
        {
            Some(&account) => refused(&ITsUSDC::AccountBlacklisted { account }),
            None => Ok(()),
        }
    }

    fn transfer(&mut self, from: Address, to: Address, value: U256) -> Outcome {
        if to == Address::ZERO || to == self.ledger.address {
            return refused(&ITsUSDC::ERC20InvalidReceiver { receiver: to });
        }
        self.ledger.transfer(from, to, value)
    }

    /// `transferFrom`; "emits no Approval", and "an allowance of 2^256-1 is lowered like any other".
    pub(crate) fn transfer_from(
        &mut self,
        spender: Address,
        from: Address,
        to: Address,
        value: U256,
    ) -> Outcome {
        self.movable(&[spender, from, to])?;
        let allowance = self.ledger.spendable(spender, from, value)?;
        let logs = self.transfer(from, to, value)?;
        let left = allowance - value;
        self.ledger.allowances.insert((from, spender), left);
        Ok(logs)
    }

    fn approve(&mut self, owner: Address, spender: Address, value: U256) -> Outcome {
        if self.paused {
            return refused(&ITsUSDC::EnforcedPause {});
        }
        self.ledger.approve(owner, spender, value)
    }

    fn mint(&mut self, minter: Address, to: Address, amount: U256) -> Outcome {
        self.movable(&[])?;
        let Some(&allowance) = self.minters.get(&minter) else {
            return refused(&ITsUSDC::NotMinter { account: minter });
        };
        self.movable(&[minter, to])?;
        if to == Address::ZERO || to == self.ledger.address {
            return refused(&ITsUSDC::ERC20InvalidReceiver { receiver: to });
        }
        if amount == U256::ZERO {
            return refused(&ITsUSDC::InvalidAmount { amount });
        }
        if allowance < amount {
            return refused(&ITsUSDC::MinterAllowanceExceeded {
                minter,
                allowance,
                amount,
            });
        }
        self.minters.insert(minter, allowance - amount);
        // "`Mint` comes before `Transfer`".
        let mint = log(self.ledger.address, &ITsUSDC::Mint { minter, to, amount });
        Ok(vec![mint, self.ledger.mint(to, amount)])
    }

    fn administer(&self, from: Address, name: &str, logged: Log) -> Outcome {
        self.roles.check(from, role(name))?;
        Ok(vec![logged])
    }

    /// What a call does.
    pub(crate) fn call(&mut self, from: Address, call: &Call) -> Outcome {
        let address = self.ledger.address;
        match call {
            Call::transfer(call) => {
                self.movable(&[from, call.to])?;
                self.transfer(from, call.to, call.value)
            }
            Call::transferFrom(call) => self.transfer_from(from, call.from, call.to, call.value),
            Call::approve(call) => self.approve(from, call.spender, call.value),
            Call::mint(call) => self.mint(from, call.to, call.amount),
            // "Repeating pause, unpause, blacklist or unBlacklist succeeds and emits again."
            Call::pause(_) => {
                let logs =
                    self.administer(from, "PAUSER_ROLE", log(address, &ITsUSDC::Pause {}))?;
                self.paused = true;
                Ok(logs)
            }
            Call::unpause(_) => {
                let logs =
                    self.administer(from, "PAUSER_ROLE", log(address, &ITsUSDC::Unpause {}))?;
                self.paused = false;
                Ok(logs)
            }
            Call::blacklist(call) => {
                let account = call.account;
                let event = log(address, &ITsUSDC::Blacklisted { account });
                let logs = self.administer(from, "BLACKLISTER_ROLE", event)?;
                self.blacklisted.insert(account);
                Ok(logs)
            }
            Call::unBlacklist(call) => {
                let account = call.account;
                let event = log(address, &ITsUSDC::UnBlacklisted { account });
                let logs = self.administer(from, "BLACKLISTER_ROLE", event)?;
                self.blacklisted.remove(&account);
                Ok(logs)
            }
            Call::seize(call) => self.seize(from, call.from, call.to, call.orderReference),
            other => unreachable!("the generator makes no {other:?}"),
        }
    }

    /// "Only a blacklisted account, whole balance to an account that is not blacklisted and not this contract."
    fn seize(&mut self, by: Address, from: Address, to: Address, reference: B256) -> Outcome {
        self.roles.check(by, role("SEIZER_ROLE"))?;
        if reference == B256::ZERO {
            return refused(&ITsUSDC::ZeroReference {});
        }
        if !self.blacklisted.contains(&from) {
            return refused(&ITsUSDC::AccountNotBlacklisted { account: from });
        }
        if self.blacklisted.contains(&to) {
            return refused(&ITsUSDC::AccountBlacklisted { account: to });
        }
        let amount = self.ledger.balance(from);
        self.ledger.balances.insert(from, U256::ZERO);
        *self.ledger.balances.entry(to).or_default() += amount;
        let seized = ITsUSDC::Seized {
            from,
            to,
            amount,
            orderReference: reference,
        };
        // No page says which comes first.
        Ok(vec![
            self.ledger.transferred(from, to, amount),
            log(self.ledger.address, &seized),
        ])
    }
}
