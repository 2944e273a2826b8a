//! What one wallet still lacks at the new token; pure.
//!
//! A schedule is granted as it was, which issues all of it. What was released at the old token and has since left the
//! wallet is redeemed again. What force took from a schedule there is taken by force here too, right after that
//! schedule is granted and before any other: force takes free tokens first, and then from the schedule in the lowest
//! place.

use std::collections::BTreeMap;

use alloy::primitives::U256;

use super::standing::Standing;
use crate::index::vesting::Schedule;

/// What must be done for a wallet, in this order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Need {
    /// The schedule that force has reduced, with what must be redeemed and then taken once it is granted.
    pub(super) reduced: Option<Reduced>,
    /// Schedules to grant.
    pub(super) grants: Vec<Schedule>,
    /// To redeem, once they are granted.
    pub(super) redeem: U256,
    /// To take by force, since amounts are rounded: less than a base unit for each release.
    pub(super) rounded: U256,
    /// To issue and lock, by release time.
    pub(super) locked: BTreeMap<u64, U256>,
    /// To lock out of what is there.
    pub(super) locks: BTreeMap<u64, U256>,
    /// To issue.
    pub(super) mint: U256,
}

/// A schedule from which force took something.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Reduced {
    /// Not there yet.
    pub(super) grant: Option<Schedule>,
    /// What is free, so that force takes what is not.
    pub(super) redeem: U256,
    /// What force must take.
    pub(super) take: U256,
}

impl Need {
    /// What `has` lacks of `wanted` at a second, or why that cannot be achieved.
    pub(super) fn of(wanted: &Standing, has: &Standing, now: u64) -> Result<Self, String> {
        let mut need = Self::default();
        let (grants, standing) = unmatched(wanted, has)?;
        let mut balance = has.balance;
        let mut granted = grants;
        let mut forced = wanted.schedules.iter().filter(|one| !one.taken.is_zero());
        if let Some(schedule) = forced.next() {
            if forced.next().is_some() {
                return Err("two of its current schedules were reduced by force".into());
            }
            let known = standing.iter().find(|one| same(one, schedule));
            need.reduced = reduced(schedule, known, has, now)?;
            granted.retain(|one| one.taken.is_zero());
        }
        if let Some(reduced) = &need.reduced {
            let grant = reduced.grant.as_ref().map_or(U256::ZERO, |one| one.amount);
            balance = balance.saturating_add(grant);
            balance = balance
                .saturating_sub(reduced.redeem)
                .saturating_sub(reduced.take);
        }
        for schedule in granted {
            balance = balance.saturating_add(schedule.amount);
            need.grants.push(schedule);
        }
        match wanted.balance.checked_sub(balance) {
            Some(missing) => need.mint = missing,
            None => need.excess(wanted, balance, now)?,
        }
        need.lock(wanted, has)?;
        Ok(need)
    }

    /// There is more than wanted, which only the released parts of schedules can explain.
    fn excess(&mut self, wanted: &Standing, balance: U256, now: u64) -> Result<(), String> {
        let excess = balance.saturating_sub(wanted.balance);
        let unvested = wanted.unvested(now);
        let schedules = wanted.schedules.iter();
        let issued = schedules.map(|one| one.amount.saturating_sub(one.taken));
        let issued = issued.fold(U256::ZERO, U256::saturating_add);
        let free = balance.saturating_sub(unvested);
        self.redeem = excess.min(free);
        self.rounded = excess - self.redeem;
        if balance > issued || self.rounded > rounding(wanted) {
            return Err(format!(
                "it holds {excess} base units more at the new token than it should"
            ));
        }
        Ok(())
    }

    /// Locks newly issued tokens as far as possible, and then what is there.
    fn lock(&mut self, wanted: &Standing, has: &Standing) -> Result<(), String> {
        if has
            .locks
            .keys()
            .any(|release| !wanted.locks.contains_key(release))
        {
            return Err("it has a lock at the new token that the old one does not have".into());
        }
        for (release, amount) in &wanted.locks {
            let locked = has.locks.get(release).copied().unwrap_or_default();
            let Some(missing) = amount.checked_sub(locked) else {
                return Err("it has more locked at the new token than at the old one".into());
            };
            let issued = missing.min(self.mint);
            self.mint -= issued;
            for (list, amount) in [
                (&mut self.locked, issued),
                (&mut self.locks, missing - issued),
            ] {
                if !amount.is_zero() {
                    list.insert(*release, amount);
                }
            }
        }
        Ok(())
    }
}

/// What `schedule`, from which force took something, still needs.
fn reduced(
    schedule: &Schedule,
    known: Option<&Schedule>,
    has: &Standing,
    now: u64,
) -> Result<Option<Reduced>, String> {
    let taken = known.map_or(U256::ZERO, |known| known.taken);
    let take = schedule.taken.saturating_sub(taken);
    if take.is_zero() {
        return Ok(None);
    }
    if has.schedules.len() > usize::from(known.is_some()) || !has.locks.is_empty() {
        return Err(
            "a schedule must be reduced by force, but there are other schedules or locks there already".into(),
        );
    }
    let whole = Schedule {
        taken: U256::ZERO,
        ..*schedule
    };
    let (there, unvested) = match known {
        Some(known) => (U256::ZERO, known.unvested(now)),
        None => (whole.amount, whole.unvested(now)),
    };
    let redeem = has.balance.saturating_add(there).saturating_sub(unvested);
    Ok(Some(Reduced {
        grant: known.is_none().then_some(whole),
        redeem,
        take,
    }))
}

/// Wanted schedules that are not there, and those that are.
fn unmatched(wanted: &Standing, has: &Standing) -> Result<(Vec<Schedule>, Vec<Schedule>), String> {
    let mut rest = has.schedules.clone();
    let mut missing = Vec::new();
    for schedule in &wanted.schedules {
        match rest.iter().position(|one| same(one, schedule)) {
            Some(place) => {
                rest.swap_remove(place);
            }
            None => missing.push(*schedule),
        }
    }
    if rest.is_empty() {
        return Ok((missing, has.schedules.clone()));
    }
    Err("it has a schedule at the new token that the old one does not have".into())
}

/// Whether two schedules are the same grant, whatever was taken from it.
fn same(one: &Schedule, other: &Schedule) -> bool {
    let grant = |schedule: &Schedule| Schedule {
        taken: U256::ZERO,
        revoked: false,
        ..*schedule
    };
    grant(one) == grant(other)
}

/// Base units by which roundings of each release may add up.
fn rounding(wanted: &Standing) -> U256 {
    let releases = wanted
        .schedules
        .iter()
        .map(|one| u64::from(one.periods) + 1);
    U256::from(releases.sum::<u64>())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000;

    fn units(amount: u64) -> U256 {
        U256::from(amount)
    }

    /// 100, a tenth of them released every 100 seconds from 800 on: 30 at [`NOW`].
    fn schedule() -> Schedule {
        Schedule {
            amount: units(100),
            taken: U256::ZERO,
            start: 700,
            cliff: 100,
            period: 100,
            periods: 9,
            first_bips: 1_000,
            revocable: true,
            revoked: false,
        }
    }

    fn holding(balance: u64) -> Standing {
        Standing {
            balance: units(balance),
            ..Standing::default()
        }
    }

    fn with(balance: u64, schedule: Schedule) -> Standing {
        Standing {
            schedules: vec![schedule],
            ..holding(balance)
        }
    }

    #[test]
    fn a_holding_lacks_what_is_not_there() {
        let need = Need::of(&holding(70), &holding(30), NOW).unwrap();
        assert_eq!(
            need,
            Need {
                mint: units(40),
                ..Need::default()
            }
        );
        assert_eq!(
            Need::of(&holding(70), &holding(70), NOW).unwrap(),
            Need::default()
        );
        let more = Need::of(&holding(70), &holding(71), NOW).unwrap_err();
        assert!(more.contains("1 base units more"), "{more}");
    }

    #[test]
    fn locks_take_what_is_issued_and_then_what_is_there() {
        let mut wanted = holding(50);
        wanted.locks = BTreeMap::from([(2_000, units(30)), (3_000, units(40))]);
        let need = Need::of(&wanted, &holding(0), NOW).unwrap();
        assert_eq!(
            need.locked,
            BTreeMap::from([(2_000, units(30)), (3_000, units(20))])
        );
        assert_eq!(need.locks, BTreeMap::from([(3_000, units(20))]));
        assert_eq!(need.mint, U256::ZERO);
        // After the first of these.
        let mut has = holding(30);
        has.locks = BTreeMap::from([(2_000, units(30))]);
        let need = Need::of(&wanted, &has, NOW).unwrap();
        assert_eq!(need.locked, BTreeMap::from([(3_000, units(20))]));
        has.locks = BTreeMap::from([(2_000, units(31))]);
        assert!(Need::of(&wanted, &has, NOW).is_err());
        has.locks = BTreeMap::from([(2_001, units(1))]);
        assert!(Need::of(&wanted, &has, NOW).is_err());
    }

    #[test]
    fn a_schedule_is_granted_whole_and_what_left_the_wallet_is_redeemed() {
        // Of the 30 that were released, 25 were sold.
        let wanted = with(75, schedule());
        let need = Need::of(&wanted, &holding(0), NOW).unwrap();
        assert_eq!(
            (need.grants.len(), need.redeem, need.mint),
            (1, units(25), U256::ZERO)
        );
        // It was granted, and not redeemed yet.
        let need = Need::of(&wanted, &with(100, schedule()), NOW).unwrap();
        assert_eq!((need.grants.len(), need.redeem), (0, units(25)));
        assert_eq!(Need::of(&wanted, &wanted, NOW).unwrap(), Need::default());
        // More than was ever granted cannot be a released part.
        let mut other = with(75, schedule());
        other.balance = units(101);
        assert!(Need::of(&wanted, &other, NOW).is_err());
        // With more than the schedule, the rest is issued.
        let need = Need::of(&with(120, schedule()), &holding(0), NOW).unwrap();
        assert_eq!((need.redeem, need.mint), (U256::ZERO, units(20)));
    }

    #[test]
    fn what_force_took_of_a_schedule_is_taken_again_before_anything_else() {
        let taken = Schedule {
            taken: units(50),
            ..schedule()
        };
        // 30 released and kept, 20 unvested.
        let wanted = with(50, taken);
        let need = Need::of(&wanted, &holding(0), NOW).unwrap();
        let first = need.reduced.clone().unwrap();
        assert_eq!(first.grant, Some(schedule()));
        assert_eq!((first.redeem, first.take), (units(30), units(50)));
        assert_eq!((need.grants.len(), need.mint), (0, units(30)));
        // Granted; redeemed; a release came in between, so force took 10 of it that were free.
        let steps = [
            (with(100, schedule()), units(30), units(50)),
            (with(70, schedule()), U256::ZERO, units(50)),
            (
                with(
                    20,
                    Schedule {
                        taken: units(40),
                        ..schedule()
                    },
                ),
                U256::ZERO,
                units(10),
            ),
        ];
        for (has, redeem, take) in steps {
            let reduced = Need::of(&wanted, &has, NOW).unwrap().reduced.unwrap();
            assert_eq!(
                (reduced.grant, reduced.redeem, reduced.take),
                (None, redeem, take)
            );
        }
        let need = Need::of(&wanted, &with(20, taken), NOW).unwrap();
        assert_eq!((need.reduced, need.mint), (None, units(30)));
        let mut two = wanted.clone();
        two.schedules.push(Schedule {
            start: 701,
            ..taken
        });
        assert!(Need::of(&two, &holding(0), NOW).is_err());
    }

    #[test]
    fn a_schedule_of_nobody_is_refused() {
        let other = Schedule {
            start: 1,
            ..schedule()
        };
        let refused = Need::of(&holding(0), &with(100, other), NOW).unwrap_err();
        assert!(refused.contains("a schedule at the new token"), "{refused}");
    }
}
