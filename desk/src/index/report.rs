//! What an issuer has to know about its holders: how many there are against each limit, where they are, what moved, who
//! left.

use std::collections::BTreeMap;

use alloy::primitives::map::B256Map;
use alloy::primitives::{B256, U256};

use super::error::IndexError;
use super::history::{Cause, Movement, Period};
use super::register::Register;
use super::source::Source;
use super::{Index, Prices};

/// The number of holders of record at which Section 12(g)(1)(A)(i) of the Exchange Act makes an issuer register a
/// class.
pub const HOLDERS_OF_RECORD: u32 = 2_000;

/// Whose number is counted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Counted {
    /// All holders, against the contract's limit.
    All,
    /// All holders, against Section 12(g).
    Record,
    /// Those of a group.
    Group(u8),
    /// Those of several groups together.
    Class(U256),
}

/// A number of holders and its limit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Count {
    /// Whose.
    pub of: Counted,
    /// How many there are.
    pub holders: u32,
    /// The limit; 0 means no limit.
    pub limit: u32,
}

impl Count {
    /// 95 or 80: the share of the limit that was reached, in percent.
    pub fn warning(&self) -> Option<u64> {
        let (holders, limit) = (u64::from(self.holders), u64::from(self.limit));
        let reached = |percent: &u64| limit > 0 && holders * 100 >= limit * percent;
        [95, 80].into_iter().find(reached)
    }
}

/// Holders of one kind and what they hold together.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Share {
    /// How many.
    pub holders: u32,
    /// Base units.
    pub holding: U256,
}

/// Somebody who held something before the period and nothing at its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ended {
    /// The investor's code.
    pub investor: B256,
    /// What it held before the period, base units.
    pub held: U256,
    /// When it sold the last of it, unix seconds.
    pub at: u64,
}

/// The report of a period.
#[derive(Clone, Debug)]
pub struct Report {
    /// The period.
    pub period: Period,
    /// The counts at its end.
    pub counts: Vec<Count>,
    /// By group, at its end.
    pub groups: BTreeMap<u8, Share>,
    /// By country, at its end.
    pub countries: BTreeMap<u16, Share>,
    /// How many movements of each kind, and base units.
    pub moved: BTreeMap<Cause, (u64, U256)>,
    /// Every movement of the period.
    pub movements: Vec<Movement>,
    /// Who stopped holding.
    pub ended: Vec<Ended>,
    /// Who holds something at the end and held nothing before.
    pub began: u32,
    /// The register at its end.
    pub register: Register,
}

impl Index {
    /// The report of a period.
    ///
    /// # Errors
    /// As [`Index::register`].
    pub async fn report(
        &self,
        source: &Source,
        period: Period,
        prices: &Prices,
    ) -> Result<Report, IndexError> {
        let mut before: B256Map<U256> = B256Map::default();
        let mut left: B256Map<u64> = B256Map::default();
        let mut moved: BTreeMap<Cause, (u64, U256)> = BTreeMap::new();
        let mut movements = Vec::new();
        let register = self
            .walk(
                source,
                period,
                prices,
                Register::new(source),
                |register| {
                    let held = register.positions().into_iter();
                    before = held.map(|held| (held.investor, held.holding)).collect();
                },
                |register, movement| {
                    let (count, sum) = moved.entry(movement.cause).or_default();
                    *count += 1;
                    *sum = sum.saturating_add(movement.value);
                    movements.push(movement);
                    if let Some(wallet) = register.wallet(movement.from)
                        && register.holding(wallet.investor).is_zero()
                    {
                        left.insert(wallet.investor, movement.time);
                    }
                },
            )
            .await?;
        let positions = register.positions();
        let (mut groups, mut countries) = (BTreeMap::new(), BTreeMap::new());
        let mut began = 0;
        for held in &positions {
            add(groups.entry(held.group).or_default(), held.holding);
            add(countries.entry(held.country).or_default(), held.holding);
            began += u32::from(!before.contains_key(&held.investor));
        }
        let ended = before
            .iter()
            .filter(|(id, _)| register.holding(**id).is_zero());
        let mut ended: Vec<Ended> = ended
            .map(|(investor, held)| Ended {
                investor: *investor,
                held: *held,
                at: left.get(investor).copied().unwrap_or_default(),
            })
            .collect();
        ended.sort_unstable_by_key(|ended| (ended.at, ended.investor));
        Ok(Report {
            period,
            counts: counts(&register),
            groups,
            countries,
            moved,
            movements,
            ended,
            began,
            register,
        })
    }
}

fn add(share: &mut Share, holding: U256) {
    share.holders = share.holders.saturating_add(1);
    share.holding = share.holding.saturating_add(holding);
}

/// Every count of holders that has a limit, and the count of all holders.
pub fn counts(register: &Register) -> Vec<Count> {
    let (all, groups) = (register.holder_count(), register.group_counts());
    let count = |of, holders, limit| Count { of, holders, limit };
    let mut counts = vec![
        count(Counted::All, all, register.limits.holders),
        count(Counted::Record, all, HOLDERS_OF_RECORD),
    ];
    let mut limits = register.limits.groups.clone();
    for group in groups.keys() {
        limits.entry(*group).or_default();
    }
    for (group, limit) in limits {
        let holders = groups.get(&group).copied().unwrap_or_default();
        counts.push(count(Counted::Group(group), holders, limit));
    }
    for (class, limit) in &register.limits.classes {
        let holders = register.class_count(*class);
        counts.push(count(Counted::Class(*class), holders, *limit));
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_warned_of_from_80_and_from_95_percent_on() {
        let warning = |holders, limit| {
            let of = Counted::All;
            Count { of, holders, limit }.warning()
        };
        assert_eq!(warning(1_599, 2_000), None);
        assert_eq!(warning(1_600, 2_000), Some(80));
        assert_eq!(warning(1_899, 2_000), Some(80));
        assert_eq!(warning(1_900, 2_000), Some(95));
        assert_eq!(warning(35, 35), Some(95));
        assert_eq!(warning(28, 35), Some(80));
        assert_eq!(warning(27, 35), None);
        assert_eq!(warning(5, 0), None);
        assert_eq!(warning(u32::MAX, u32::MAX), Some(95));
    }
}
