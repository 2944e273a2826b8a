//! The calls of a share class: transfers under the rule, and what changes what the rule sees.

use std::collections::BTreeSet;

use acceptance::bindings::ISecurityToken::{self, ISecurityTokenCalls as Call};
use alloy::primitives::{Address, B256, Log, U256};

use crate::model::{
    Outcome, Refusal,
    holds::{Hold, Holds, Name},
    log, refused, role,
};

use super::{FURTHEST, Limits, Security, has};

/// The most classes.
const CLASSES: usize = 8;

impl Security {
    pub(super) fn allowed(
        &self,
        spender: Address,
        from: Address,
        to: Address,
        value: U256,
        now: u64,
    ) -> Result<(), Refusal> {
        self.unless(self.restriction(spender, from, to, value, now))
    }

    /// Refuses with a code that is not 0.
    pub(super) fn unless(&self, code: u8) -> Result<(), Refusal> {
        if code == 0 {
            return Ok(());
        }
        refused(&ISecurityToken::TransferRestricted {
            code,
            message: self.texts[usize::from(code)].clone(),
        })
    }

    fn transfer(&mut self, from: Address, to: Address, value: U256, now: u64) -> Outcome {
        self.allowed(from, from, to, value, now)?;
        let balance = self.ledger.balance(from);
        self.ledger.transfer(from, to, value, balance)
    }

    /// `transferFrom`; "an allowance of 2^256-1 is not lowered".
    pub(crate) fn transfer_from(
        &mut self,
        spender: Address,
        from: Address,
        to: Address,
        value: U256,
        now: u64,
    ) -> Outcome {
        self.allowed(spender, from, to, value, now)?;
        self.ledger.spendable(spender, from, value)?;
        let balance = self.ledger.balance(from);
        let logs = self.ledger.transfer(from, to, value, balance)?;
        self.use_up(from, spender, value);
        Ok(logs)
    }

    fn use_up(&mut self, owner: Address, spender: Address, value: U256) {
        if self.ledger.allowance(owner, spender) < U256::MAX {
            self.ledger.spend(owner, spender, value);
        }
    }

    /// `placeHold`.
    pub(crate) fn place_hold(&mut self, owner: Address, hold: Hold, now: u64) -> Outcome {
        let Hold {
            placer,
            id,
            amount,
            until,
        } = hold;
        Holds::fits(amount, until, now)?;
        self.holds.is_new((placer, id), owner, now)?;
        self.holds.room(owner, now)?;
        self.holdable(placer, owner, amount, now)?;
        self.ledger.spendable(placer, owner, amount)?;
        let balance = self.ledger.balance(owner);
        crate::model::ledger::enough(owner, balance, amount)?;
        self.use_up(owner, placer, amount);
        self.holds.place(owner, hold);
        let event = ISecurityToken::HoldPlaced {
            placer,
            owner,
            id,
            amount,
            until,
        };
        Ok(vec![log(self.ledger.address, &event)])
    }

    /// What the rules say about binding an amount.
    fn holdable(
        &self,
        placer: Address,
        owner: Address,
        amount: U256,
        now: u64,
    ) -> Result<(), Refusal> {
        let code = if self.deactivated {
            18
        } else if self.paused {
            2
        } else if self.sanctioned.contains(&owner) || self.sanctioned.contains(&placer) {
            3
        } else if placer != owner && self.frozen.contains(&placer) {
            7
        } else if self.frozen.contains(&owner) {
            5
        } else if let Some(code) = self.unfit(owner, now) {
            code
        } else if let Some(code) = self.encumbered(owner, amount, now, None) {
            code
        } else if self.is_odd_hold(owner, amount, now) {
            17
        } else {
            0
        };
        self.unless(code)
    }

    /// Codes 1, 16 and 15 for one party.
    fn unfit(&self, account: Address, now: u64) -> Option<u8> {
        let Some(record) = self.records.get(&account) else {
            return Some(1);
        };
        if now >= record.kyc_expiry {
            return Some(16);
        }
        self.blocked.contains(&record.country).then_some(15)
    }

    /// `useHold`: "under every rule of a transferFrom by the caller but the allowance and this hold".
    pub(crate) fn use_hold(
        &mut self,
        name: Name,
        owner: Address,
        to: Address,
        amount: U256,
        now: u64,
    ) -> Outcome {
        let (placer, id) = name;
        let hold = self.holds.expect(name, owner, now)?;
        if amount > hold.amount {
            let most = hold.amount;
            return refused(&ISecurityToken::HoldAmount { amount, most });
        }
        self.unless(self.judge(placer, owner, to, amount, now, Some(name)))?;
        self.holds.end(name, owner, now);
        let event = ISecurityToken::HoldUsed {
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
    pub(crate) fn drop_hold(&mut self, name: Name, owner: Address, now: u64) -> Outcome {
        self.holds.expect(name, owner, now)?;
        self.holds.end(name, owner, now);
        let (placer, id) = name;
        let event = ISecurityToken::HoldDropped { placer, owner, id };
        Ok(vec![log(self.ledger.address, &event)])
    }

    /// What a call does.
    pub(crate) fn call(&mut self, from: Address, call: &Call, now: u64) -> Outcome {
        match call {
            Call::transfer(call) => self.transfer(from, call.to, call.value, now),
            Call::transferFrom(call) => {
                self.transfer_from(from, call.from, call.to, call.value, now)
            }
            Call::approve(call) => self.ledger.approve(from, call.spender, call.value),
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
                self.use_hold((from, call.id), call.owner, call.to, call.amount, now)
            }
            Call::dropHold(call) => self.drop_hold((from, call.id), call.owner, now),
            Call::mint(call) => self.mint(from, call.to, call.value, now),
            Call::mintLocked(call) => self.mint_locked(from, call, now),
            Call::mintLockedBatch(call) => self.mint_locked_batch(from, call, now),
            Call::revokeVesting(call) => self.revoke_vesting(from, call, now),
            Call::burn(call) => self.burn(from, call, now),
            Call::grantVesting(call) => self.grant_vesting(from, call, now),
            Call::setWallet(call) => self.set_wallet(from, call, now),
            Call::setInvestor(call) => self.set_investor(from, call, now),
            Call::removeWallet(call) => self.remove_wallet(from, call.wallet, now),
            Call::recoverWallet(call) => self.recover(from, call, now),
            Call::forcedTransfer(call) => self.force_transfer(from, call, now),
            Call::forcedBurn(call) => self.force_burn(from, call, now),
            Call::setSanctioned(call) => self.sanction(from, &call.accounts, call.sanctioned),
            Call::setAddressFrozen(call) => self.freeze(from, call.account, call.frozen),
            Call::pause(_) | Call::unpause(_) => self.switch(from, matches!(call, Call::pause(_))),
            Call::deactivate(_) => self.deactivate(from),
            _ => self.comply(from, call, now).map(|event| vec![event]),
        }
    }

    /// "Unpausing is the admin's."
    fn switch(&mut self, account: Address, on: bool) -> Outcome {
        let needed = if on { role("PAUSER_ROLE") } else { B256::ZERO };
        self.roles.check(account, needed)?;
        if self.paused == on {
            return if on {
                refused(&ISecurityToken::EnforcedPause {})
            } else {
                refused(&ISecurityToken::ExpectedPause {})
            };
        }
        self.paused = on;
        Ok(vec![if on {
            log(self.ledger.address, &ISecurityToken::Paused { account })
        } else {
            log(self.ledger.address, &ISecurityToken::Unpaused { account })
        }])
    }

    /// "Only while paused."
    fn deactivate(&mut self, account: Address) -> Outcome {
        self.roles.check(account, B256::ZERO)?;
        // No page says which of the two is reported for a token that is already deactivated and not paused.
        if self.deactivated {
            return Err(Refusal::Typed);
        }
        if !self.paused {
            return refused(&ISecurityToken::ExpectedPause {});
        }
        self.deactivated = true;
        Ok(vec![log(
            self.ledger.address,
            &ISecurityToken::Deactivated { account },
        )])
    }

    /// The acts of compliance and enforcement; each changes one thing and logs it.
    fn comply(&mut self, by: Address, call: &Call, now: u64) -> Result<Log, Refusal> {
        let address = self.ledger.address;
        let needed = match call {
            Call::freezePartialTokens(_) | Call::unfreezePartialTokens(_) => role("ENFORCER_ROLE"),
            Call::setSupplyCap(_) => B256::ZERO,
            _ => role("COMPLIANCE_ROLE"),
        };
        self.roles.check(by, needed)?;
        let event = match call {
            Call::setGroupRule(call) => {
                let ISecurityToken::setGroupRuleCall {
                    fromGroup,
                    toGroup,
                    opensAt,
                } = *call;
                not_too_far(opensAt, now)?;
                self.rules.insert((fromGroup, toGroup), opensAt);
                log(
                    address,
                    &ISecurityToken::GroupRuleSet {
                        fromGroup,
                        toGroup,
                        opensAt,
                    },
                )
            }
            Call::setCountryBlocked(call) => {
                let ISecurityToken::setCountryBlockedCall { country, blocked } = *call;
                set(&mut self.blocked, country, blocked);
                log(
                    address,
                    &ISecurityToken::CountryBlockedSet { country, blocked },
                )
            }
            Call::setLimits(call) => {
                self.limits = Limits {
                    per_investor: call.maxPerInvestor,
                    bips: call.maxBipsPerInvestor,
                    holders: call.maxHolders,
                    min_holding: call.minHolding,
                    granularity: call.granularity,
                };
                log(
                    address,
                    &ISecurityToken::LimitsSet {
                        maxPerInvestor: call.maxPerInvestor,
                        maxBipsPerInvestor: call.maxBipsPerInvestor,
                        maxHolders: call.maxHolders,
                        minHolding: call.minHolding,
                        granularity: call.granularity,
                    },
                )
            }
            Call::setGroupHolderLimit(call) => {
                let (group, max) = (call.group, call.maxHolders);
                self.group_limits.insert(group, max);
                log(
                    address,
                    &ISecurityToken::GroupHolderLimitSet {
                        group,
                        maxHolders: max,
                    },
                )
            }
            Call::setClassLimit(call) => return self.set_class(call),
            Call::setSupplyCap(call) => {
                let cap = call.supplyCap;
                if cap > U256::ZERO && cap < self.ledger.supply {
                    return Err(Refusal::Typed);
                }
                self.supply_cap = cap;
                log(address, &ISecurityToken::SupplyCapSet { supplyCap: cap })
            }
            Call::lockTokens(call) => self.lock(call.holder, call.amount, call.releaseTime, now)?,
            Call::unlockTokens(call) => self.unlock(call.holder, call.releaseTime, now)?,
            Call::freezePartialTokens(call) => {
                let (account, amount) = (call.account, call.amount);
                let frozen = self.partly.get(&account).copied().unwrap_or_default() + amount;
                if frozen > self.ledger.balance(account) {
                    return Err(Refusal::Typed);
                }
                self.partly.insert(account, frozen);
                log(address, &ISecurityToken::TokensFrozen { account, amount })
            }
            Call::unfreezePartialTokens(call) => {
                let (account, amount) = (call.account, call.amount);
                let frozen = self.partly.get(&account).copied().unwrap_or_default();
                let Some(rest) = frozen.checked_sub(amount) else {
                    return Err(Refusal::Typed);
                };
                self.partly.insert(account, rest);
                log(address, &ISecurityToken::TokensUnfrozen { account, amount })
            }
            other => unreachable!("the generator makes no {other:?}"),
        };
        Ok(event)
    }

    /// "The same set again changes the limit, 0 removes it, a ninth is refused."
    fn set_class(&mut self, call: &ISecurityToken::setClassLimitCall) -> Result<Log, Refusal> {
        let (groups, limit) = (call.groups, call.maxHolders);
        let known = self.classes.iter().position(|(known, _)| *known == groups);
        match known {
            Some(place) if limit == 0 => {
                self.classes.remove(place);
            }
            Some(place) => self.classes[place].1 = limit,
            None if groups == U256::ZERO || has(groups, 0) => {
                return refused(&ISecurityToken::InvalidGroup { group: 0 });
            }
            None if limit == 0 => return refused(&ISecurityToken::ClassNotFound { groups }),
            None if self.classes.len() == CLASSES => {
                let limit = U256::from(CLASSES);
                return refused(&ISecurityToken::TooManyClasses { limit });
            }
            None => self.classes.push((groups, limit)),
        }
        Ok(log(
            self.ledger.address,
            &ISecurityToken::ClassLimitSet {
                groups,
                maxHolders: limit,
            },
        ))
    }
}

/// "Times beyond 200 years from now are refused with a typed error."
pub(super) fn not_too_far(time: u64, now: u64) -> Result<(), Refusal> {
    let latest = now + FURTHEST;
    if time <= latest {
        return Ok(());
    }
    refused(&ISecurityToken::TimeTooFar { time, latest })
}

pub(super) fn set<T: Ord>(members: &mut BTreeSet<T>, member: T, on: bool) {
    if on {
        members.insert(member);
    } else {
        members.remove(&member);
    }
}
