//! A share class as described in `docs/security-token.md`: its rule, and the acts that change what the rule sees.

mod acts;
mod force;
mod issuance;
mod persons;

use std::collections::{BTreeMap, BTreeSet};

use acceptance::bindings::ISecurityToken::vestingOfReturn;
use alloy::primitives::{Address, B256, U256};

use super::{
    Roles,
    holds::{Holds, Name},
    ledger::Ledger,
};

/// What a view answers instead of a code if there is no hold.
pub(crate) const NO_HOLD: u8 = 255;
/// The most wallets of an investor.
pub(crate) const WALLETS: usize = 8;
/// Times are at most this far ahead: 200 years of 365.25 days.
pub(crate) const FURTHEST: u64 = 6_311_520_000;

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
    revocable: bool,
    /// Whether the issuer took back what was unvested.
    revoked: bool,
    /// What forced acts or a revocation took, from what would have vested last.
    taken: U256,
}

impl Vesting {
    /// What the token reports: "vested" is the part of the amount that is neither taken nor bound.
    pub(crate) fn answer(&self, now: u64) -> vestingOfReturn {
        vestingOfReturn {
            amount: self.amount,
            vested: self.amount - self.taken - self.unvested(now),
            start: self.start,
            cliff: self.cliff,
            period: self.period,
            periods: self.periods,
            firstBips: self.first_bips,
            revocable: self.revocable,
            revoked: self.revoked,
        }
    }

    fn unvested(&self, now: u64) -> U256 {
        self.unreleased(now).saturating_sub(self.taken)
    }

    fn unreleased(&self, now: u64) -> U256 {
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

/// A lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lock {
    pub(crate) release: u64,
    pub(crate) amount: U256,
}

impl Lock {
    /// What it binds at a given second.
    pub(crate) fn bound(&self, now: u64) -> U256 {
        if now < self.release {
            self.amount
        } else {
            U256::ZERO
        }
    }
}

/// A share class.
#[derive(Clone, Debug, Default)]
pub(crate) struct Security {
    pub(crate) ledger: Ledger,
    pub(crate) roles: Roles,
    pub(crate) paused: bool,
    pub(crate) deactivated: bool,
    pub(crate) supply_cap: U256,
    pub(crate) records: BTreeMap<Address, Record>,
    /// Each investor's wallets in the order in which they were added.
    pub(crate) wallets: BTreeMap<B256, Vec<Address>>,
    /// The replacement of each lost wallet.
    pub(crate) successors: BTreeMap<Address, Address>,
    /// The second from which a directed pair of groups is open.
    pub(crate) rules: BTreeMap<(u8, u8), u64>,
    pub(crate) blocked: BTreeSet<u16>,
    pub(crate) sanctioned: BTreeSet<Address>,
    pub(crate) frozen: BTreeSet<Address>,
    pub(crate) partly: BTreeMap<Address, U256>,
    /// Locks by their places, ended ones too.
    pub(crate) locks: BTreeMap<Address, Vec<Lock>>,
    /// Schedules by their places.
    pub(crate) vestings: BTreeMap<Address, Vec<Vesting>>,
    pub(crate) holds: Holds,
    pub(crate) limits: Limits,
    pub(crate) group_limits: BTreeMap<u8, u32>,
    /// Sets of groups, one bit each, with the most holders in all of them.
    pub(crate) classes: Vec<(U256, u32)>,
    /// The texts of the codes; the specification fixes four of them and leaves the others to the contract.
    pub(crate) texts: Vec<String>,
}

/// Whether a set of groups contains one.
fn has(groups: U256, group: u8) -> bool {
    groups.bit(usize::from(group))
}

impl Security {
    /// Partly frozen, locked, unvested.
    pub(crate) fn encumbrances(&self, holder: Address, now: u64) -> [U256; 3] {
        let locks = self.locks.get(&holder).into_iter().flatten();
        let locked = locks.map(|lock| lock.bound(now));
        let vestings = self.vestings.get(&holder).into_iter().flatten();
        [
            self.partly.get(&holder).copied().unwrap_or_default(),
            locked.sum(),
            vestings.map(|vesting| vesting.unvested(now)).sum(),
        ]
    }

    /// "The balance minus what is partly frozen, locked, unvested and held, and never below zero."
    pub(crate) fn spendable(&self, holder: Address, now: u64) -> U256 {
        let bound: U256 = self.encumbrances(holder, now).into_iter().sum();
        let held = self.holds.held(holder, now, None);
        self.ledger.balance(holder).saturating_sub(bound + held)
    }

    /// The place of the next schedule: "an ended place is reused when all of it is vested or taken".
    pub(crate) fn next_place(&self, holder: Address, now: u64) -> usize {
        let places = self.vestings.get(&holder).map_or(&[][..], Vec::as_slice);
        let ended = places
            .iter()
            .position(|vesting| vesting.unvested(now) == U256::ZERO);
        ended.unwrap_or(places.len())
    }

    /// The wallets that ever had a schedule, with the number of their places.
    pub(crate) fn schedules(&self) -> Vec<(Address, u64)> {
        let all = self.vestings.iter();
        all.map(|(holder, places)| (*holder, places.len() as u64))
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    pub(crate) fn holdings(&self, investor: B256) -> U256 {
        let wallets = self
            .records
            .iter()
            .filter(|(_, record)| record.investor == investor);
        wallets
            .map(|(wallet, _)| self.ledger.balance(*wallet))
            .sum()
    }

    /// ERC-7943: "registered, not sanctioned or frozen, KYC valid, country open, not paused or deactivated".
    pub(crate) fn is_fit(&self, account: Address, now: u64) -> bool {
        !self.paused
            && !self.deactivated
            && !self.sanctioned.contains(&account)
            && !self.frozen.contains(&account)
            && self.records.get(&account).is_some_and(|record| {
                now < record.kyc_expiry && !self.blocked.contains(&record.country)
            })
    }

    /// Investors with holdings whose group is in a set.
    pub(crate) fn holders(&self, among: impl Fn(u8) -> bool) -> u32 {
        let records = self.records.iter();
        let holders: BTreeSet<_> = records
            .filter(|(wallet, record)| {
                among(record.group) && self.ledger.balance(**wallet) > U256::ZERO
            })
            .map(|(_, record)| record.investor)
            .collect();
        u32::try_from(holders.len()).expect("a small market")
    }

    /// Holders of a class.
    pub(crate) fn class_holders(&self, groups: U256) -> u32 {
        self.holders(|group| has(groups, group))
    }

    /// The code with which the holder's own hold would be refused at a given second; see [`NO_HOLD`].
    pub(crate) fn hold_restriction(&self, name: Name, owner: Address, to: Address, at: u64) -> u8 {
        match self.holds.find(name, owner, at) {
            Some(hold) => self.judge(name.0, owner, to, hold.amount, at, Some(name)),
            None => NO_HOLD,
        }
    }

    /// The one rule for a movement that uses no hold.
    pub(crate) fn restriction(
        &self,
        spender: Address,
        from: Address,
        to: Address,
        value: U256,
        now: u64,
    ) -> u8 {
        self.judge(spender, from, to, value, now, None)
    }

    /// The one rule: "4, 18, 2, 3, 7, 5, 6, 1 (not registered), 16, 15, 1 (pair closed), 14, 8, 9, 10, 20, 11, 12, 13, 17,
    /// 19", one hold not counted.
    pub(crate) fn judge(
        &self,
        spender: Address,
        from: Address,
        to: Address,
        value: U256,
        now: u64,
        but: Option<Name>,
    ) -> u8 {
        let parties = [from, to, spender];
        if to == Address::ZERO || to == self.ledger.address {
            return 4;
        }
        if self.deactivated {
            return 18;
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
        // "Pair rules do not apply between wallets of one investor."
        if !is_mint && sender.investor != recipient.investor {
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
        }
        if !is_mint && let Some(code) = self.encumbered(from, value, now, but) {
            return code;
        }
        match self.beyond_limits(from, to, value) {
            0 => {}
            code => return code,
        }
        if self.is_odd(from, to, value, now, but) {
            return 17;
        }
        let supply = self.ledger.supply.saturating_add(value);
        if is_mint && self.supply_cap > U256::ZERO && supply > self.supply_cap {
            return 19;
        }
        0
    }

    /// "The code of a refusal is the first of 8, 9, 10, 20 whose running total no longer leaves `value`"; "a value above the
    /// balance is not a restriction".
    pub(crate) fn encumbered(
        &self,
        from: Address,
        value: U256,
        now: u64,
        but: Option<Name>,
    ) -> Option<u8> {
        let balance = self.ledger.balance(from);
        if value > balance {
            return None;
        }
        let [frozen, locked, unvested] = self.encumbrances(from, now);
        let held = self.holds.held(from, now, but);
        let mut running = U256::ZERO;
        for (code, amount) in [(8, frozen), (9, locked), (10, unvested), (20, held)] {
            running += amount;
            if balance.saturating_sub(running) < value {
                return Some(code);
            }
        }
        None
    }

    /// 11, 12 and 13: between different investors, and of more than nothing.
    fn beyond_limits(&self, from: Address, to: Address, value: U256) -> u8 {
        let limits = self.limits;
        let recipient = self.records[&to];
        let is_mint = from == Address::ZERO;
        let sender = self.records.get(&from).filter(|_| !is_mint);
        let is_own = sender.is_some_and(|sender| sender.investor == recipient.investor);
        if value == U256::ZERO || is_own {
            return 0;
        }
        let held = self.holdings(recipient.investor);
        let after = held.saturating_add(value);
        // "A percent cap binds transfers; mints are bound by the absolute cap."
        let share_is_too_big = !is_mint
            && limits.bips > 0
            && after * U256::from(10_000) > U256::from(limits.bips) * self.ledger.supply;
        if limits.per_investor > U256::ZERO && after > limits.per_investor || share_is_too_big {
            return 11;
        }
        if held > U256::ZERO {
            return 0;
        }
        // A wallet with no holdings does not leave.
        let emptied = sender.filter(|sender| {
            let has = self.holdings(sender.investor);
            has > U256::ZERO && has <= value
        });
        // "Refused only when the count would rise"; "a sender who leaves makes room only where it was counted".
        let rises_beyond = |limit: u32, among: &dyn Fn(u8) -> bool| {
            limit > 0
                && among(recipient.group)
                && !emptied.is_some_and(|sender| among(sender.group))
                && self.holders(among) + 1 > limit
        };
        if rises_beyond(limits.holders, &|_| true) {
            return 12;
        }
        let limit = self.group_limits.get(&recipient.group).copied();
        if rises_beyond(limit.unwrap_or_default(), &|group| group == recipient.group) {
            return 13;
        }
        let mut classes = self.classes.iter();
        if classes.any(|(groups, limit)| rises_beyond(*limit, &|group| has(*groups, group))) {
            return 13;
        }
        0
    }

    /// 17: no multiple of the granularity, or too little left on either side. "A whole, unencumbered balance may always
    /// leave"; "for a wallet with live holds the minimum is judged on its free part".
    fn is_odd(&self, from: Address, to: Address, value: U256, now: u64, but: Option<Name>) -> bool {
        let limits = self.limits;
        let is_mint = from == Address::ZERO;
        let balance = self.ledger.balance(from);
        if value == U256::ZERO || !is_mint && value == balance {
            return false;
        }
        if limits.granularity > U256::ZERO && value % limits.granularity > U256::ZERO {
            return true;
        }
        // Sending to oneself leaves every holding as it is.
        if from == to {
            return false;
        }
        let too_little = |left: U256| left > U256::ZERO && left < limits.min_holding;
        let held = |wallet| self.holds.held(wallet, now, but.filter(|_| wallet == from));
        let left = balance.saturating_sub(value).saturating_sub(held(from));
        let had = self.ledger.balance(to).saturating_add(value);
        !is_mint && too_little(left) || too_little(had.saturating_sub(held(to)))
    }

    /// Reasons to refuse the size of a new hold: the granularity, the minimum holding, and what it leaves free.
    pub(crate) fn is_odd_hold(&self, owner: Address, amount: U256, now: u64) -> bool {
        let limits = self.limits;
        let held = self.holds.held(owner, now, None);
        let left = self.ledger.balance(owner).saturating_sub(held + amount);
        limits.granularity > U256::ZERO && amount % limits.granularity > U256::ZERO
            || amount < limits.min_holding
            || left > U256::ZERO && left < limits.min_holding
    }
}
