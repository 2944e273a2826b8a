//! The calls of a share class: transfers under the rule, and what changes what the rule sees.

use std::collections::BTreeSet;

use acceptance::bindings::ISecurityToken::{self, ISecurityTokenCalls as Call};
use alloy::primitives::{Address, Log, U256};

use crate::model::{Outcome, Refusal, log, refused, role};

use super::{Limits, Record, Security, Vesting};

impl Security {
    fn allowed(
        &self,
        spender: Address,
        from: Address,
        to: Address,
        value: U256,
        now: u64,
    ) -> Result<(), Refusal> {
        match self.restriction(spender, from, to, value, now) {
            0 => Ok(()),
            code => refused(&ISecurityToken::TransferRestricted {
                code,
                message: self.texts[usize::from(code)].clone(),
            }),
        }
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
        let allowance = self.ledger.spendable(spender, from, value)?;
        let logs = self.ledger.transfer(from, to, value)?;
        if allowance < U256::MAX {
            let left = allowance - value;
            self.ledger.allowances.insert((from, spender), left);
        }
        Ok(logs)
    }

    fn mint(&mut self, by: Address, to: Address, value: U256, now: u64) -> Outcome {
        self.roles.check(by, role("ISSUER_ROLE"))?;
        // The minter spends nobody's tokens.
        self.allowed(Address::ZERO, Address::ZERO, to, value, now)?;
        Ok(vec![self.ledger.mint(to, value)])
    }

    /// What a call does.
    pub(crate) fn call(&mut self, from: Address, call: &Call, now: u64) -> Outcome {
        match call {
            Call::transfer(call) => {
                self.allowed(from, from, call.to, call.value, now)?;
                self.ledger.transfer(from, call.to, call.value)
            }
            Call::transferFrom(call) => {
                self.transfer_from(from, call.from, call.to, call.value, now)
            }
            Call::approve(call) => self.ledger.approve(from, call.spender, call.value),
            Call::mint(call) => self.mint(from, call.to, call.value, now),
            Call::grantVesting(call) => self.grant_vesting(from, call, now),
            Call::pause(_) | Call::unpause(_) => self.switch(from, matches!(call, Call::pause(_))),
            _ => self.comply(from, call, now).map(|event| vec![event]),
        }
    }

    fn switch(&mut self, account: Address, on: bool) -> Outcome {
        self.roles.check(account, role("PAUSER_ROLE"))?;
        if self.paused == on {
            // Pausing twice is an error that the ABI file does not name.
            return Err(Refusal::Typed);
        }
        self.paused = on;
        Ok(vec![if on {
            log(self.ledger.address, &ISecurityToken::Paused { account })
        } else {
            log(self.ledger.address, &ISecurityToken::Unpaused { account })
        }])
    }

    fn grant_vesting(
        &mut self,
        by: Address,
        call: &ISecurityToken::grantVestingCall,
        now: u64,
    ) -> Outcome {
        let mut logs = self.mint(by, call.holder, call.amount, now)?;
        let vestings = self.vestings.entry(call.holder).or_default();
        let index = U256::from(vestings.len());
        vestings.push(Vesting {
            amount: call.amount,
            start: call.start,
            cliff: call.cliff,
            period: call.period,
            periods: call.periods,
            first_bips: call.firstBips,
        });
        logs.push(log(
            self.ledger.address,
            &ISecurityToken::VestingGranted {
                holder: call.holder,
                index,
                amount: call.amount,
                start: call.start,
                cliff: call.cliff,
                period: call.period,
                periods: call.periods,
                firstBips: call.firstBips,
                revocable: call.revocable,
            },
        ));
        Ok(logs)
    }

    /// The acts of compliance and enforcement; each changes one thing and logs it.
    fn comply(&mut self, by: Address, call: &Call, now: u64) -> Result<Log, Refusal> {
        let address = self.ledger.address;
        let needed = match call {
            Call::setSanctioned(_)
            | Call::setAddressFrozen(_)
            | Call::freezePartialTokens(_)
            | Call::unfreezePartialTokens(_) => "ENFORCER_ROLE",
            _ => "COMPLIANCE_ROLE",
        };
        self.roles.check(by, role(needed))?;
        let event = match call {
            Call::setWallet(call) => {
                let record = Record {
                    investor: call.investorId,
                    group: call.group,
                    country: call.country,
                    kyc_expiry: call.kycExpiry,
                };
                let found = self.records.insert(call.wallet, record);
                let keeps_investor = found.is_none_or(|found| found.investor == record.investor);
                assert!(keeps_investor, "the generator keeps investors");
                let ISecurityToken::setWalletCall {
                    wallet,
                    investorId,
                    group,
                    country,
                    kycExpiry,
                } = *call;
                let event = ISecurityToken::WalletSet {
                    wallet,
                    investorId,
                    group,
                    country,
                    kycExpiry,
                };
                log(address, &event)
            }
            Call::removeWallet(call) => {
                let wallet = call.wallet;
                let removable = self.ledger.balance(wallet) == U256::ZERO;
                let Some(record) = self.records.get(&wallet).filter(|_| removable) else {
                    return Err(Refusal::Typed);
                };
                let investorId = record.investor;
                self.records.remove(&wallet);
                log(
                    address,
                    &ISecurityToken::WalletRemoved { wallet, investorId },
                )
            }
            Call::setGroupRule(call) => {
                let ISecurityToken::setGroupRuleCall {
                    fromGroup,
                    toGroup,
                    opensAt,
                } = *call;
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
            Call::lockTokens(call) => {
                let ISecurityToken::lockTokensCall {
                    holder,
                    amount,
                    releaseTime,
                } = *call;
                if releaseTime <= now {
                    return Err(Refusal::Typed);
                }
                let locks = self.locks.entry(holder).or_default();
                *locks.entry(releaseTime).or_default() += amount;
                log(
                    address,
                    &ISecurityToken::TokensLocked {
                        holder,
                        amount,
                        releaseTime,
                    },
                )
            }
            Call::setSanctioned(call) => {
                let (account, sanctioned) = (call.accounts[0], call.sanctioned);
                set(&mut self.sanctioned, account, sanctioned);
                log(
                    address,
                    &ISecurityToken::SanctionSet {
                        account,
                        sanctioned,
                        by,
                    },
                )
            }
            Call::setAddressFrozen(call) => {
                let (account, frozen) = (call.account, call.frozen);
                set(&mut self.frozen, account, frozen);
                log(
                    address,
                    &ISecurityToken::AddressFrozen {
                        account,
                        isFrozen: frozen,
                        by,
                    },
                )
            }
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
}

fn set<T: Ord>(members: &mut BTreeSet<T>, member: T, on: bool) {
    if on {
        members.insert(member);
    } else {
        members.remove(&member);
    }
}
