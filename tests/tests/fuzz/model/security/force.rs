//! Acts of the enforcer that move tokens whatever binds them, and the encumbrances they break.

use acceptance::bindings::ISecurityToken;
use alloy::primitives::{Address, Log, U256};

use crate::model::{Outcome, Refusal, ledger::enough, log, refused, role};

use super::Security;

impl Security {
    /// Breaks as much of a wallet's encumbrances as `value` needs, part of which is not free: "free tokens first, then
    /// frozen, locked, unvested and held ones", and nothing is left that would exceed the balance.
    pub(super) fn reduce(
        &mut self,
        from: Address,
        value: U256,
        mut missing: U256,
        now: u64,
    ) -> Vec<Log> {
        let (token, balance) = (self.ledger.address, self.ledger.balance(from));
        let left = balance - value;
        let mut logs = Vec::new();
        let [frozen, locked, unvested] = self.encumbrances(from, now);
        let mut reduction = |amount: U256| {
            let reduced = amount
                .min(missing)
                .max(amount.min(balance).saturating_sub(left));
            missing = missing.saturating_sub(reduced);
            reduced
        };
        let (thawed, mut unlocked, mut lost) =
            (reduction(frozen), reduction(locked), reduction(unvested));
        if thawed > U256::ZERO {
            self.partly.insert(from, frozen - thawed);
            let event = ISecurityToken::TokensUnfrozen {
                account: from,
                amount: thawed,
            };
            logs.push(log(token, &event));
        }
        for lock in self.locks.entry(from).or_default() {
            let amount = lock.bound(now).min(unlocked);
            if amount > U256::ZERO {
                unlocked -= amount;
                let event = ISecurityToken::TokensUnlocked {
                    holder: from,
                    amount,
                    releaseTime: lock.release,
                };
                logs.push(log(token, &event));
                lock.amount -= amount;
                if lock.amount == U256::ZERO {
                    lock.release = 0;
                }
            }
        }
        for (index, vesting) in self
            .vestings
            .entry(from)
            .or_default()
            .iter_mut()
            .enumerate()
        {
            let amount = vesting.unvested(now).min(lost);
            if amount > U256::ZERO {
                lost -= amount;
                vesting.taken += amount;
                let event = ISecurityToken::VestingReduced {
                    holder: from,
                    index: U256::from(index),
                    amount,
                };
                logs.push(log(token, &event));
            }
        }
        let held = self.holds.held(from, now, None);
        let kept = held - reduction(held);
        logs.extend(self.holds.break_beyond(token, from, kept, now));
        logs
    }

    /// How much of `value` exceeds a wallet's free tokens.
    fn missing(&self, from: Address, value: U256, now: u64) -> U256 {
        value.saturating_sub(self.spendable(from, now))
    }

    /// "The recipient must be registered, not sanctioned and not frozen, and another wallet than the sender. A deactivated
    /// token refuses."
    pub(super) fn takes_forced(&self, from: Address, to: Address) -> bool {
        !self.deactivated
            && from != to
            && !self.sanctioned.contains(&to)
            && !self.frozen.contains(&to)
            && self.records.contains_key(&to)
    }

    pub(super) fn force_transfer(
        &mut self,
        by: Address,
        call: &ISecurityToken::forcedTransferCall,
        now: u64,
    ) -> Outcome {
        self.roles.check(by, role("ENFORCER_ROLE"))?;
        let ISecurityToken::forcedTransferCall {
            from,
            to,
            value,
            reason,
        } = *call;
        if !self.takes_forced(from, to) {
            return Err(Refusal::Typed);
        }
        enough(from, self.ledger.balance(from), value)?;
        let mut logs = self.reduce(from, value, self.missing(from, value, now), now);
        logs.push(self.ledger.moved(from, to, value));
        let forced = ISecurityToken::ForcedTransfer {
            from,
            to,
            value,
            reason,
            by,
        };
        logs.push(log(self.ledger.address, &forced));
        Ok(logs)
    }

    pub(super) fn force_burn(
        &mut self,
        by: Address,
        call: &ISecurityToken::forcedBurnCall,
        now: u64,
    ) -> Outcome {
        self.roles.check(by, role("ENFORCER_ROLE"))?;
        let ISecurityToken::forcedBurnCall {
            from,
            value,
            reason,
        } = *call;
        if self.deactivated {
            return refused(&ISecurityToken::TransferRestricted {
                code: 18,
                message: self.texts[18].clone(),
            });
        }
        enough(from, self.ledger.balance(from), value)?;
        let mut logs = self.reduce(from, value, self.missing(from, value, now), now);
        logs.push(self.ledger.burned(from, value));
        let forced = ISecurityToken::ForcedBurn {
            from,
            value,
            reason,
            by,
        };
        logs.push(log(self.ledger.address, &forced));
        Ok(logs)
    }
}
