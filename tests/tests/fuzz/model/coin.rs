//! TsUSDC as described in `docs/tsusdc.md`: the parts that a settlement or a holder uses.

use std::collections::{BTreeMap, BTreeSet};

use acceptance::bindings::ITsUSDC::{self, ITsUSDCCalls as Call};
use alloy::primitives::{Address, B256, Log, U256};

use super::{
    Outcome, Refusal, Roles,
    holds::{Hold, Holds},
    ledger::{Ledger, enough},
    log, refused, role,
};

/// The coin.
#[derive(Clone, Debug, Default)]
pub(crate) struct Coin {
    pub(crate) ledger: Ledger,
    pub(crate) roles: Roles,
    pub(crate) paused: bool,
    pub(crate) blacklisted: BTreeSet<Address>,
    pub(crate) holds: Holds,
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

    fn receives(&self, to: Address) -> Result<(), Refusal> {
        if to == Address::ZERO || to == self.ledger.address {
            return refused(&ITsUSDC::ERC20InvalidReceiver { receiver: to });
        }
        Ok(())
    }

    /// "Whatever lowers a balance but seize sees the free part."
    pub(crate) fn free(&self, account: Address, now: u64) -> U256 {
        self.ledger.balance(account) - self.holds.held(account, now, None)
    }

    fn transfer(&mut self, from: Address, to: Address, value: U256, now: u64) -> Outcome {
        self.receives(to)?;
        let free = self.free(from, now);
        self.ledger.transfer(from, to, value, free)
    }

    /// `transferFrom`; "emits no Approval", and "an allowance of 2^256-1 is lowered like any other".
    pub(crate) fn transfer_from(
        &mut self,
        spender: Address,
        from: Address,
        to: Address,
        value: U256,
        now: u64,
    ) -> Outcome {
        self.movable(&[spender, from, to])?;
        self.ledger.spendable(spender, from, value)?;
        let logs = self.transfer(from, to, value, now)?;
        self.ledger.spend(from, spender, value);
        Ok(logs)
    }

    /// `placeHold`: "a spender with allowance for the amount, which it uses up as transferFrom would".
    pub(crate) fn place_hold(&mut self, owner: Address, hold: Hold, now: u64) -> Outcome {
        let Hold {
            placer,
            id,
            amount,
            until,
        } = hold;
        self.movable(&[placer, owner])?;
        Holds::fits(amount, until, now)?;
        self.ledger.spendable(placer, owner, amount)?;
        self.holds.is_new((placer, id), owner, now)?;
        self.holds.room(owner, now)?;
        enough(owner, self.free(owner, now), amount)?;
        self.ledger.spend(owner, placer, amount);
        self.holds.place(owner, hold);
        let event = ITsUSDC::HoldPlaced {
            placer,
            owner,
            id,
            amount,
            until,
        };
        Ok(vec![log(self.ledger.address, &event)])
    }

    /// `useHold`: "under every rule of a transferFrom by the caller but the allowance and this hold".
    pub(crate) fn use_hold(
        &mut self,
        placer: Address,
        owner: Address,
        id: B256,
        to: Address,
        amount: U256,
        now: u64,
    ) -> Outcome {
        self.movable(&[placer, owner, to])?;
        let hold = self.holds.expect((placer, id), owner, now)?;
        if amount > hold.amount {
            let most = hold.amount;
            return refused(&ITsUSDC::HoldAmount { amount, most });
        }
        self.receives(to)?;
        self.holds.end((placer, id), owner, now);
        let event = ITsUSDC::HoldUsed {
            placer,
            owner,
            id,
            to,
            amount,
        };
        let used = log(self.ledger.address, &event);
        Ok(vec![used, self.ledger.moved(owner, to, amount)])
    }

    /// `dropHold`: "paused or not, whoever is blocked".
    pub(crate) fn drop_hold(
        &mut self,
        placer: Address,
        owner: Address,
        id: B256,
        now: u64,
    ) -> Outcome {
        self.holds.expect((placer, id), owner, now)?;
        self.holds.end((placer, id), owner, now);
        let event = ITsUSDC::HoldDropped { placer, owner, id };
        Ok(vec![log(self.ledger.address, &event)])
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

    fn administer(&self, from: Address, needed: B256, logged: Log) -> Outcome {
        self.roles.check(from, needed)?;
        Ok(vec![logged])
    }

    /// What a call does.
    pub(crate) fn call(&mut self, from: Address, call: &Call, now: u64) -> Outcome {
        let address = self.ledger.address;
        match call {
            Call::transfer(call) => {
                self.movable(&[from, call.to])?;
                self.transfer(from, call.to, call.value, now)
            }
            Call::transferFrom(call) => {
                self.transfer_from(from, call.from, call.to, call.value, now)
            }
            Call::placeHold(call) => {
                let hold = Hold {
                    placer: from,
                    id: call.id,
                    amount: call.amount,
                    until: call.until,
                };
                self.place_hold(call.owner, hold, now)
            }
            Call::useHold(call) => {
                self.use_hold(from, call.owner, call.id, call.to, call.amount, now)
            }
            Call::dropHold(call) => self.drop_hold(from, call.owner, call.id, now),
            Call::approve(call) => self.approve(from, call.spender, call.value),
            Call::mint(call) => self.mint(from, call.to, call.amount),
            // "Repeating pause, unpause, blacklist or unBlacklist succeeds and emits again."
            Call::pause(_) => {
                let logs =
                    self.administer(from, role("PAUSER_ROLE"), log(address, &ITsUSDC::Pause {}))?;
                self.paused = true;
                Ok(logs)
            }
            Call::unpause(_) => {
                // Unpausing is the admin's.
                let logs = self.administer(from, B256::ZERO, log(address, &ITsUSDC::Unpause {}))?;
                self.paused = false;
                Ok(logs)
            }
            Call::blacklist(call) => {
                let account = call.account;
                let event = log(address, &ITsUSDC::Blacklisted { account });
                let logs = self.administer(from, role("BLACKLISTER_ROLE"), event)?;
                self.blacklisted.insert(account);
                Ok(logs)
            }
            Call::unBlacklist(call) => {
                let account = call.account;
                let event = log(address, &ITsUSDC::UnBlacklisted { account });
                let logs = self.administer(from, role("BLACKLISTER_ROLE"), event)?;
                self.blacklisted.remove(&account);
                Ok(logs)
            }
            Call::seize(call) => self.seize(from, call.from, call.to, call.orderReference, now),
            other => unreachable!("the generator makes no {other:?}"),
        }
    }

    /// "Only a blacklisted account, whole balance to an account that is not blacklisted and not this contract."
    fn seize(
        &mut self,
        by: Address,
        from: Address,
        to: Address,
        reference: B256,
        now: u64,
    ) -> Outcome {
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
        let mut logs = self
            .holds
            .break_beyond(self.ledger.address, from, U256::ZERO, now);
        let seized = ITsUSDC::Seized {
            from,
            to,
            amount,
            orderReference: reference,
        };
        // No page says which of these two comes first.
        logs.push(self.ledger.moved(from, to, amount));
        logs.push(log(self.ledger.address, &seized));
        Ok(logs)
    }
}
