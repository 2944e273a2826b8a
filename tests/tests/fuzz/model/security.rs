//! A share class as `docs/security-token.md` has it: its rule, and the acts that change what the rule sees.

use std::collections::{BTreeMap, BTreeSet};

use acceptance::bindings::ISecurityToken::{self, ISecurityTokenCalls as Call};
use alloy::primitives::{Address, B256, Log, U256};

use super::{Outcome, Refusal, Roles, log, refused, role};

/// A wallet's KYC record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) investor: B256,
    pub(crate) group: u8,
    pub(crate) country: u16,
    pub(crate) kyc_expiry: u64,
}

/// Caps; 0 means none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) per_investor: U256,
    pub(crate) bips: u16,
    pub(crate) holders: u32,
    pub(crate) min_holding: U256,
    pub(crate) granularity: U256,
}

/// A vesting schedule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Vesting {
    amount: U256,
    start: u64,
    cliff: u32,
    period: u32,
    periods: u16,
    first_bips: u16,
}

impl Vesting {
    fn unvested(&self, now: u64) -> U256 {
        let first_at = self.start + u64::from(self.cliff);
        if now < first_at {
            return self.amount;
        }
        if self.periods == 0 {
            return U256::ZERO;
        }
        let first = if self.first_bips == 0 {
            self.amount / U256::from(self.periods + 1)
        } else {
            self.amount * U256::from(self.first_bips) / U256::from(10_000)
        };
        let rest = self.amount - first;
        let periods = u64::from(self.periods);
        let passed = ((now - first_at) / u64::from(self.period)).min(periods);
        if passed == periods {
            U256::ZERO
        } else {
            rest - rest / U256::from(periods) * U256::from(passed)
        }
    }
}

/// A share class.
#[derive(Clone, Debug, Default)]
pub(crate) struct Security {
    pub(crate) address: Address,
    pub(crate) roles: Roles,
    pub(crate) paused: bool,
    pub(crate) supply: U256,
    pub(crate) balances: BTreeMap<Address, U256>,
    pub(crate) allowances: BTreeMap<(Address, Address), U256>,
    pub(crate) records: BTreeMap<Address, Record>,
    /// The second from which a directed pair of groups is open.
    pub(crate) rules: BTreeMap<(u8, u8), u64>,
    pub(crate) blocked: BTreeSet<u16>,
    pub(crate) sanctioned: BTreeSet<Address>,
    pub(crate) frozen: BTreeSet<Address>,
    pub(crate) partly: BTreeMap<Address, U256>,
    /// Amounts by release time.
    pub(crate) locks: BTreeMap<Address, BTreeMap<u64, U256>>,
    pub(crate) vestings: BTreeMap<Address, Vec<Vesting>>,
    pub(crate) limits: Limits,
    pub(crate) group_limits: BTreeMap<u8, u32>,
    /// The texts of the codes; the specification fixes four of them and leaves the others to the contract.
    pub(crate) texts: Vec<String>,
}

impl Security {
    pub(crate) fn balance(&self, account: Address) -> U256 {
        self.balances.get(&account).copied().unwrap_or_default()
    }

    pub(crate) fn allowance(&self, owner: Address, spender: Address) -> U256 {
        self.allowances
            .get(&(owner, spender))
            .copied()
            .unwrap_or_default()
    }

    /// Partly frozen, locked, unvested.
    pub(crate) fn encumbrances(&self, holder: Address, now: u64) -> [U256; 3] {
        let locks = self.locks.get(&holder).into_iter().flatten();
        let locked = locks
            .filter(|(release, _)| **release > now)
            .map(|(_, amount)| amount);
        let vestings = self.vestings.get(&holder).into_iter().flatten();
        [
            self.partly.get(&holder).copied().unwrap_or_default(),
            locked.sum(),
            vestings.map(|vesting| vesting.unvested(now)).sum(),
        ]
    }

    fn holdings(&self, investor: B256) -> U256 {
        let wallets = self
            .records
            .iter()
            .filter(|(_, record)| record.investor == investor);
        wallets.map(|(wallet, _)| self.balance(*wallet)).sum()
    }

    /// Investors with holdings, all of them or a group's.
    pub(crate) fn holders(&self, group: Option<u8>) -> u32 {
        let records = self.records.iter();
        let holders: BTreeSet<_> = records
            .filter(|(wallet, record)| {
                group.is_none_or(|group| record.group == group)
                    && self.balance(**wallet) > U256::ZERO
            })
            .map(|(_, record)| record.investor)
            .collect();
        u32::try_from(holders.len()).expect("a small market")
    }

    /// The one rule: "4, 18, 2, 3, 7, 5, 6, 1 (not registered), 16, 15, 1 (pair closed), 14, 8, 9, 10, 11, 12, 13, 17, 19".
    pub(crate) fn restriction(
        &self,
        spender: Address,
        from: Address,
        to: Address,
        value: U256,
        now: u64,
    ) -> u8 {
        let parties = [from, to, spender];
        if to == Address::ZERO || to == self.address {
            return 4;
        }
        if self.paused {
            return 2;
        }
        if parties.iter().any(|party| self.sanctioned.contains(party)) {
            return 3;
        }
        if spender != from && self.frozen.contains(&spender) {
            return 7;
        }
        if self.frozen.contains(&from) {
            return 5;
        }
        if self.frozen.contains(&to) {
            return 6;
        }
        let is_mint = from == Address::ZERO;
        let Some(recipient) = self.records.get(&to) else {
            return 1;
        };
        // A mint has no sender to ask.
        let sender = if is_mint {
            Some(recipient)
        } else {
            self.records.get(&from)
        };
        let Some(sender) = sender else { return 1 };
        let both = [sender, recipient];
        if both.iter().any(|record| now >= record.kyc_expiry) {
            return 16;
        }
        if both
            .iter()
            .any(|record| self.blocked.contains(&record.country))
        {
            return 15;
        }
        if !is_mint {
            match self
                .rules
                .get(&(sender.group, recipient.group))
                .copied()
                .unwrap_or_default()
            {
                0 => return 1,
                opens_at if now < opens_at => return 14,
                _ => {}
            }
            if let Some(code) = self.encumbered(from, value, now) {
                return code;
            }
        }
        self.beyond_limits(from, to, value)
    }

    /// "The code of a refusal is the first of 8, 9, 10 whose running total no longer leaves `value`"; "a value above the
    /// balance is not a restriction".
    fn encumbered(&self, from: Address, value: U256, now: u64) -> Option<u8> {
        let balance = self.balance(from);
        if value > balance {
            return None;
        }
        let mut running = U256::ZERO;
        for (code, amount) in [8, 9, 10].into_iter().zip(self.encumbrances(from, now)) {
            running += amount;
            if balance.saturating_sub(running) < value {
                return Some(code);
            }
        }
        None
    }

    /// 11, 12, 13 and 17: between different investors, and of more than nothing.
    fn beyond_limits(&self, from: Address, to: Address, value: U256) -> u8 {
        let limits = self.limits;
        let recipient = self.records[&to];
        let sender = self.records.get(&from);
        let is_mint = from == Address::ZERO;
        let between_investors = sender.is_none_or(|sender| sender.investor != recipient.investor);
        if value > U256::ZERO && between_investors {
            let held = self.holdings(recipient.investor);
            let after = held + value;
            let supply = if is_mint {
                self.supply + value
            } else {
                self.supply
            };
            let share_is_too_big =
                limits.bips > 0 && after * U256::from(10_000) > U256::from(limits.bips) * supply;
            if limits.per_investor > U256::ZERO && after > limits.per_investor || share_is_too_big {
                return 11;
            }
            let is_new = held == U256::ZERO;
            let emptied = sender.filter(|sender| self.holdings(sender.investor) <= value);
            let full = |holders: u32, limit: u32, leaves: bool| {
                limit > 0 && is_new && holders + 1 - u32::from(leaves) > limit
            };
            if full(self.holders(None), limits.holders, emptied.is_some()) {
                return 12;
            }
            let group = recipient.group;
            let limit = self.group_limits.get(&group).copied().unwrap_or_default();
            let leaves = emptied.is_some_and(|sender| sender.group == group);
            if full(self.holders(Some(group)), limit, leaves) {
                return 13;
            }
        }
        if limits.granularity > U256::ZERO && value % limits.granularity > U256::ZERO {
            return 17;
        }
        let rest = self.balance(from).saturating_sub(value);
        let too_little = |left: U256| left > U256::ZERO && left < limits.min_holding;
        if value > U256::ZERO
            && (!is_mint && too_little(rest) || too_little(self.balance(to) + value))
        {
            return 17;
        }
        0
    }

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

    fn transfer(&mut self, from: Address, to: Address, value: U256) -> Outcome {
        let balance = self.balance(from);
        if balance < value {
            return refused(&ISecurityToken::ERC20InsufficientBalance {
                sender: from,
                balance,
                needed: value,
            });
        }
        self.balances.insert(from, balance - value);
        *self.balances.entry(to).or_default() += value;
        Ok(vec![log(
            self.address,
            &ISecurityToken::Transfer { from, to, value },
        )])
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
        let allowance = self.allowance(from, spender);
        if allowance < value {
            return refused(&ISecurityToken::ERC20InsufficientAllowance {
                spender,
                allowance,
                needed: value,
            });
        }
        let logs = self.transfer(from, to, value)?;
        if allowance < U256::MAX {
            self.allowances.insert((from, spender), allowance - value);
        }
        Ok(logs)
    }

    fn mint(&mut self, by: Address, to: Address, value: U256, now: u64) -> Outcome {
        self.roles.check(by, role("ISSUER_ROLE"))?;
        // The minter spends nobody's tokens.
        self.allowed(Address::ZERO, Address::ZERO, to, value, now)?;
        self.supply += value;
        *self.balances.entry(to).or_default() += value;
        let from = Address::ZERO;
        Ok(vec![log(
            self.address,
            &ISecurityToken::Transfer { from, to, value },
        )])
    }

    /// What a call does.
    pub(crate) fn call(&mut self, from: Address, call: &Call, now: u64) -> Outcome {
        match call {
            Call::transfer(call) => {
                self.allowed(from, from, call.to, call.value, now)?;
                self.transfer(from, call.to, call.value)
            }
            Call::transferFrom(call) => {
                self.transfer_from(from, call.from, call.to, call.value, now)
            }
            Call::approve(call) => {
                let (owner, spender, value) = (from, call.spender, call.value);
                if spender == Address::ZERO {
                    return refused(&ISecurityToken::ERC20InvalidSpender { spender });
                }
                self.allowances.insert((owner, spender), value);
                Ok(vec![log(
                    self.address,
                    &ISecurityToken::Approval {
                        owner,
                        spender,
                        value,
                    },
                )])
            }
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
            log(self.address, &ISecurityToken::Paused { account })
        } else {
            log(self.address, &ISecurityToken::Unpaused { account })
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
            self.address,
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
        let address = self.address;
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
                let removable = self.balance(wallet) == U256::ZERO;
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
                if frozen > self.balance(account) {
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
