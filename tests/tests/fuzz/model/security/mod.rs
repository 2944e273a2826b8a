//! A share class as `docs/security-token.md` has it: its rule, and the acts that change what the rule sees.

mod acts;

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256, U256};

use super::{Roles, ledger::Ledger};

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
    pub(crate) ledger: Ledger,
    pub(crate) roles: Roles,
    pub(crate) paused: bool,
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
        wallets
            .map(|(wallet, _)| self.ledger.balance(*wallet))
            .sum()
    }

    /// Investors with holdings, all of them or a group's.
    pub(crate) fn holders(&self, group: Option<u8>) -> u32 {
        let records = self.records.iter();
        let holders: BTreeSet<_> = records
            .filter(|(wallet, record)| {
                group.is_none_or(|group| record.group == group)
                    && self.ledger.balance(**wallet) > U256::ZERO
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
        if to == Address::ZERO || to == self.ledger.address {
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
        let balance = self.ledger.balance(from);
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
                self.ledger.supply + value
            } else {
                self.ledger.supply
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
        // Sending to oneself leaves every holding as it is.
        if value == U256::ZERO || from == to {
            return 0;
        }
        let rest = self.ledger.balance(from).saturating_sub(value);
        let too_little = |left: U256| left > U256::ZERO && left < limits.min_holding;
        if !is_mint && too_little(rest) || too_little(self.ledger.balance(to) + value) {
            return 17;
        }
        0
    }
}
