//! TsUSDC as `docs/tsusdc.md` has it: what a settlement or a holder meets.

use std::collections::{BTreeMap, BTreeSet};

use acceptance::bindings::ITsUSDC::{self, ITsUSDCCalls as Call};
use alloy::primitives::{Address, B256, Log, U256};

use super::{Outcome, Refusal, Roles, log, refused, role};

/// The coin.
#[derive(Clone, Debug, Default)]
pub(crate) struct Coin {
    pub(crate) address: Address,
    pub(crate) roles: Roles,
    pub(crate) paused: bool,
    pub(crate) supply: U256,
    pub(crate) balances: BTreeMap<Address, U256>,
    pub(crate) allowances: BTreeMap<(Address, Address), U256>,
    pub(crate) blacklisted: BTreeSet<Address>,
    /// What each minter may still mint; reserves beyond that are attested once and for all.
    pub(crate) minters: BTreeMap<Address, U256>,
}

impl Coin {
    pub(crate) fn balance(&self, account: Address) -> U256 {
        self.balances.get(&account).copied().unwrap_or_default()
    }

    pub(crate) fn allowance(&self, owner: Address, spender: Address) -> U256 {
        self.allowances
            .get(&(owner, spender))
            .copied()
            .unwrap_or_default()
    }

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
        if to == Address::ZERO || to == self.address {
            return refused(&ITsUSDC::ERC20InvalidReceiver { receiver: to });
        }
        let balance = self.balance(from);
        if balance < value {
            return refused(&ITsUSDC::ERC20InsufficientBalance {
                sender: from,
                balance,
                needed: value,
            });
        }
        self.balances.insert(from, balance - value);
        *self.balances.entry(to).or_default() += value;
        Ok(vec![log(
            self.address,
            &ITsUSDC::Transfer { from, to, value },
        )])
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
        let allowance = self.allowance(from, spender);
        if allowance < value {
            return refused(&ITsUSDC::ERC20InsufficientAllowance {
                spender,
                allowance,
                needed: value,
            });
        }
        let logs = self.transfer(from, to, value)?;
        self.allowances.insert((from, spender), allowance - value);
        Ok(logs)
    }

    fn approve(&mut self, owner: Address, spender: Address, value: U256) -> Outcome {
        if self.paused {
            return refused(&ITsUSDC::EnforcedPause {});
        }
        if spender == Address::ZERO {
            return refused(&ITsUSDC::ERC20InvalidSpender { spender });
        }
        self.allowances.insert((owner, spender), value);
        Ok(vec![log(
            self.address,
            &ITsUSDC::Approval {
                owner,
                spender,
                value,
            },
        )])
    }

    fn mint(&mut self, minter: Address, to: Address, amount: U256) -> Outcome {
        self.movable(&[])?;
        let Some(&allowance) = self.minters.get(&minter) else {
            return refused(&ITsUSDC::NotMinter { account: minter });
        };
        self.movable(&[minter, to])?;
        if to == Address::ZERO || to == self.address {
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
        self.supply += amount;
        *self.balances.entry(to).or_default() += amount;
        let (from, value) = (Address::ZERO, amount);
        // "Mint comes before Transfer".
        Ok(vec![
            log(self.address, &ITsUSDC::Mint { minter, to, amount }),
            log(self.address, &ITsUSDC::Transfer { from, to, value }),
        ])
    }

    fn administer(&self, from: Address, name: &str, logged: Log) -> Outcome {
        self.roles.check(from, role(name))?;
        Ok(vec![logged])
    }

    /// What a call does.
    pub(crate) fn call(&mut self, from: Address, call: &Call) -> Outcome {
        let address = self.address;
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
        let amount = self.balance(from);
        self.balances.insert(from, U256::ZERO);
        *self.balances.entry(to).or_default() += amount;
        let orderReference = reference;
        // No page says which comes first.
        Ok(vec![
            log(
                self.address,
                &ITsUSDC::Transfer {
                    from,
                    to,
                    value: amount,
                },
            ),
            log(
                self.address,
                &ITsUSDC::Seized {
                    from,
                    to,
                    amount,
                    orderReference,
                },
            ),
        ])
    }
}
