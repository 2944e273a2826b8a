//! Vesting schedules: the arithmetic as plain functions of values, and the schedules of a wallet in storage.

use alloy_primitives::{Address, U256};
use runtime::{abi::Revert, log};
use stylus_sdk::prelude::*;

use super::{
    SecurityToken,
    error::revert,
    event,
    fraction::{WHOLE_BIPS, divide, fraction, steps_of},
    returns::Vesting,
    store::{SCHEDULES, low, number},
    word::{Record, bit, places},
};

/// When a granted amount becomes free.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Seconds since the epoch.
    pub(crate) start: u64,
    /// Seconds from start to the first release.
    pub(crate) cliff: u32,
    /// Seconds between releases after the first.
    pub(crate) period: u32,
    /// Number of releases after the first.
    pub(crate) periods: u16,
    /// Basis points of the first release; 0 with `periods` above 0: as much as an equal share.
    pub(crate) first_bips: u16,
    /// Whether the issuer may take back what is not vested.
    pub(crate) revocable: bool,
    /// Whether that happened.
    pub(crate) revoked: bool,
}

impl Terms {
    /// Whether a schedule of `amount` on these terms can release anything, and in the end everything.
    #[inline(never)]
    pub(crate) fn are_valid(&self, amount: U256) -> bool {
        !amount.is_zero()
            && self.first_bips <= WHOLE_BIPS
            && (self.periods == 0 || self.period != 0)
    }

    /// Second of the last release.
    pub(crate) fn end(&self) -> u64 {
        let steps = u64::from(self.period).wrapping_mul(self.periods.into());
        self.start
            .saturating_add(self.cliff.into())
            .saturating_add(steps)
    }

    /// How much of `amount` these terms have released at `now`. Never fails, whatever the terms.
    #[inline(never)]
    pub(crate) fn released(&self, amount: U256, now: u64) -> U256 {
        let first_release = self.start.saturating_add(u64::from(self.cliff));
        let Some(elapsed) = now.checked_sub(first_release) else {
            return U256::ZERO;
        };
        let periods = u64::from(self.periods);
        let steps = elapsed
            .checked_div(u64::from(self.period))
            .unwrap_or(periods);
        if steps >= periods {
            return amount;
        }
        let first = if self.first_bips == 0 {
            divide(amount, u32::from(self.periods).wrapping_add(1)).0
        } else {
            // Terms that would release more than everything are never stored.
            fraction(amount, self.first_bips.min(WHOLE_BIPS), WHOLE_BIPS)
        };
        #[allow(
            clippy::cast_possible_truncation,
            reason = "less than the number of periods"
        )]
        let steps = steps as u16;
        first.saturating_add(steps_of(amount.saturating_sub(first), steps, self.periods))
    }
}

impl From<U256> for Terms {
    fn from(word: U256) -> Self {
        let [start, times, rest, _] = *word.as_limbs();
        #[allow(clippy::cast_possible_truncation, reason = "the fields of the word")]
        Self {
            start,
            cliff: times as u32,
            period: (times >> 32) as u32,
            periods: rest as u16,
            first_bips: (rest >> 16) as u16,
            revocable: rest >> 32 & 1 != 0,
            revoked: rest >> 33 & 1 != 0,
        }
    }
}

impl From<Terms> for U256 {
    fn from(terms: Terms) -> Self {
        Self::from_limbs([
            terms.start,
            u64::from(terms.cliff) | u64::from(terms.period) << 32,
            u64::from(terms.periods)
                | u64::from(terms.first_bips) << 16
                | u64::from(terms.revocable) << 32
                | u64::from(terms.revoked) << 33,
            0,
        ])
    }
}

/// One schedule at a given second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// The amount granted.
    pub(crate) amount: U256,
    /// The part of it that a revocation or force took away, out of what would have vested last.
    pub(crate) taken: U256,
    /// The terms.
    pub(crate) terms: Terms,
}

impl Schedule {
    /// What is free at `now`.
    #[inline(never)]
    pub(crate) fn vested(&self, now: u64) -> U256 {
        self.left().min(self.terms.released(self.amount, now))
    }

    /// What is still bound at `now`.
    #[inline(never)]
    pub(crate) fn unvested(&self, now: u64) -> U256 {
        self.left()
            .saturating_sub(self.terms.released(self.amount, now))
    }

    /// What of the grant was not taken away.
    fn left(&self) -> U256 {
        self.amount.saturating_sub(self.taken)
    }
}

/// Most schedules of one wallet at a time.
pub(crate) const MAX_SCHEDULES: usize = 8;

/// Words of a stored schedule.
const WORDS: usize = 3;

/// Where a schedule is in the row of its wallet.
fn word_of(place: usize) -> usize {
    place.wrapping_mul(WORDS).wrapping_add(SCHEDULES)
}

impl SecurityToken {
    /// Mints `amount` to `holder` on `terms`; the place of the new schedule.
    #[inline(never)]
    pub(crate) fn grant_schedule(
        &mut self,
        holder: Address,
        amount: U256,
        terms: Terms,
    ) -> Result<U256, Revert> {
        if !terms.are_valid(amount) {
            return Err(revert!(InvalidSchedule {
                holder,
                amount,
                period: terms.period.into(),
                periods: terms.periods.into(),
                firstBips: terms.first_bips.into()
            }));
        }
        self.check_time(terms.end())?;
        let mut record = self.record(holder);
        self.sum_schedules(holder, &mut record, self.now());
        let Some(place) = places(u16::from(!record.schedules)).next() else {
            return Err(revert!(TooManySchedules {
                holder,
                limit: U256::from(MAX_SCHEDULES)
            }));
        };
        self.issue(holder, amount)?;
        self.store_schedule(
            holder,
            place,
            &Schedule {
                amount,
                taken: U256::ZERO,
                terms,
            },
        );
        record.schedules |= low_bit(place);
        self.set_record(holder, record);
        let index = U256::from(place);
        log!(event::VestingGranted)
            .address(holder)
            .uint(index)
            .data()
            .uint(amount)
            .uint(number(terms.start))
            .uint(number(terms.cliff))
            .uint(number(terms.period))
            .uint(number(terms.periods))
            .uint(number(terms.first_bips))
            .uint(number(terms.revocable))
            .emit(self.vm());
        Ok(index)
    }

    /// Ends a schedule and moves what is unvested to `to`. What is frozen or held of the holder's stays.
    #[inline(never)]
    pub(crate) fn revoke_schedule(
        &mut self,
        holder: Address,
        index: U256,
        to: Address,
    ) -> Result<(), Revert> {
        let mut schedule = self.schedule(holder, index)?;
        if !schedule.terms.revocable || schedule.terms.revoked {
            let revoked = schedule.terms.revoked;
            return Err(revert!(ScheduleNotRevocable {
                holder,
                index,
                revoked
            }));
        }
        let unvested = schedule.unvested(self.now());
        let (mut from, recipient) = self.taken_by_issuer(holder, to, unvested)?;
        let place = place_of(index);
        schedule.taken = schedule.taken.saturating_add(unvested);
        schedule.terms.revoked = true;
        self.store_schedule(holder, place, &schedule);
        from.record.schedules &= !low_bit(place);
        from.bound.unvested = from.bound.unvested.saturating_sub(unvested);
        log!(event::VestingRevoked)
            .address(holder)
            .uint(index)
            .address(to)
            .data()
            .uint(unvested)
            .emit(self.vm());
        self.take(&mut from, &recipient, unvested, U256::ZERO);
        Ok(())
    }

    /// One schedule of `holder`.
    #[inline(never)]
    pub(crate) fn schedule(&self, holder: Address, index: U256) -> Result<Schedule, Revert> {
        let count = self.count_schedules(holder);
        if index >= count {
            return Err(revert!(ScheduleNotFound {
                holder,
                index,
                count
            }));
        }
        Ok(self.load_schedule(holder, place_of(index)))
    }

    /// Number of places that `holder` ever had a schedule at.
    #[inline(never)]
    pub(crate) fn count_schedules(&self, holder: Address) -> U256 {
        let places = (0..MAX_SCHEDULES)
            .take_while(|place| !self.load_schedule(holder, *place).amount.is_zero());
        U256::from(places.count())
    }

    /// Sum of what is unvested in the schedules of `holder`; those of which nothing is leave their places in `record`.
    #[inline(never)]
    pub(crate) fn sum_schedules(&self, holder: Address, record: &mut Record, now: u64) -> U256 {
        let mut sum = U256::ZERO;
        for place in places(record.schedules.into()) {
            let unvested = self.load_schedule(holder, place).unvested(now);
            if unvested.is_zero() {
                record.schedules &= !low_bit(place);
            }
            sum = sum.saturating_add(unvested);
        }
        sum
    }

    /// Takes `amount` of what is unvested, schedule by schedule.
    #[inline(never)]
    pub(crate) fn reduce_schedules(
        &mut self,
        holder: Address,
        record: &mut Record,
        mut amount: U256,
    ) {
        let now = self.now();
        for place in places(record.schedules.into()) {
            let mut schedule = self.load_schedule(holder, place);
            let unvested = schedule.unvested(now);
            let reduction = amount.min(unvested);
            if reduction.is_zero() {
                continue;
            }
            if reduction == unvested {
                record.schedules &= !low_bit(place);
            }
            amount = amount.saturating_sub(reduction);
            schedule.taken = schedule.taken.saturating_add(reduction);
            self.store_schedule(holder, place, &schedule);
            log!(event::VestingReduced)
                .address(holder)
                .uint(U256::from(place))
                .data()
                .uint(reduction)
                .emit(self.vm());
        }
    }

    /// Moves every schedule of `lost`, ended ones too, to the same place of `replacement`, which has none in force.
    #[inline(never)]
    pub(crate) fn move_schedules(
        &mut self,
        (lost, old): (Address, &mut Record),
        (replacement, new): (Address, &mut Record),
    ) {
        for place in 0..MAX_SCHEDULES {
            let schedule = self.load_schedule(lost, place);
            if schedule.amount.is_zero() {
                break;
            }
            self.store_schedule(replacement, place, &schedule);
            self.store_schedule(lost, place, &Schedule::default());
            log!(event::VestingMoved)
                .address(lost)
                .address(replacement)
                .data()
                .uint(U256::from(place))
                .emit(self.vm());
        }
        new.schedules = old.schedules;
        old.schedules = 0;
    }

    #[inline(never)]
    fn load_schedule(&self, holder: Address, place: usize) -> Schedule {
        let row = self.account(holder);
        let word = |i: usize| row.get(word_of(place).wrapping_add(i));
        Schedule {
            amount: word(0),
            terms: word(1).into(),
            taken: word(2),
        }
    }

    #[inline(never)]
    fn store_schedule(&mut self, holder: Address, place: usize, schedule: &Schedule) {
        let words = [schedule.amount, schedule.terms.into(), schedule.taken];
        for (word, i) in words.into_iter().zip(word_of(place)..) {
            self.set_of(holder, i, word);
        }
    }
}

/// The mask of one place of a schedule.
#[allow(clippy::cast_possible_truncation, reason = "places are below 8")]
fn low_bit(place: usize) -> u8 {
    bit(place) as u8
}

/// The place that an index names.
#[allow(
    clippy::cast_possible_truncation,
    reason = "an index that was found is below 8"
)]
fn place_of(index: U256) -> usize {
    low(index) as usize
}

impl SecurityToken {
    #[allow(clippy::too_many_arguments, reason = "they are those of the interface")]
    pub(crate) fn grant_vesting(
        &mut self,
        holder: Address,
        amount: U256,
        start: u64,
        cliff: u32,
        period: u32,
        periods: u16,
        first_bips: u16,
        revocable: bool,
    ) -> Result<U256, Revert> {
        self.only_issuer()?;
        let terms = Terms {
            start,
            cliff,
            period,
            periods,
            first_bips,
            revocable,
            revoked: false,
        };
        self.grant_schedule(holder, amount, terms)
    }

    pub(crate) fn revoke_vesting(
        &mut self,
        holder: Address,
        index: U256,
        to: Address,
    ) -> Result<(), Revert> {
        self.only_issuer()?;
        self.revoke_schedule(holder, index, to)
    }

    pub(crate) fn vesting_count(&self, holder: Address) -> U256 {
        self.count_schedules(holder)
    }

    pub(crate) fn vesting_of(&self, holder: Address, index: U256) -> Result<Vesting, Revert> {
        let schedule = self.schedule(holder, index)?;
        let Terms {
            start,
            cliff,
            period,
            periods,
            first_bips,
            revocable,
            revoked,
        } = schedule.terms;
        Ok(Vesting {
            amount: schedule.amount,
            vested: schedule.vested(self.now()),
            start,
            cliff,
            period,
            periods,
            firstBips: first_bips,
            revocable,
            revoked,
        })
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::U512;
    use proptest::prelude::*;

    use super::*;
    use crate::tests::amount;

    const DAY: u32 = 86_400;

    fn terms() -> impl Strategy<Value = Terms> {
        let start = prop_oneof![Just(0), Just(u64::MAX), 0_u64..10_000, any::<u64>()];
        let seconds = || prop_oneof![Just(0_u32), Just(u32::MAX), 0_u32..100, any::<u32>()];
        let periods = prop_oneof![Just(0_u16), Just(1), Just(u16::MAX), 0_u16..40];
        let first_bips = prop_oneof![Just(0_u16), Just(WHOLE_BIPS), any::<u16>()];
        (
            start,
            seconds(),
            seconds(),
            periods,
            first_bips,
            any::<bool>(),
            any::<bool>(),
        )
            .prop_map(
                |(start, cliff, period, periods, first_bips, revocable, revoked)| Terms {
                    start,
                    cliff,
                    period,
                    periods,
                    first_bips,
                    revocable,
                    revoked,
                },
            )
    }

    /// The first release in wide numbers, as the interface words it.
    fn first(terms: &Terms, amount: U256) -> U256 {
        let (numerator, denominator) = match (terms.periods, terms.first_bips) {
            (0, _) => (1, 1),
            (periods, 0) => (1, u32::from(periods) + 1),
            (_, bips) => (u32::from(bips), 10_000),
        };
        U256::from(U512::from(amount) * U512::from(numerator) / U512::from(denominator))
    }

    proptest! {
        #[test]
        fn terms_survive_packing(terms in terms()) {
            let word: U256 = terms.into();
            prop_assert_eq!(Terms::from(word), terms);
        }

        #[test]
        fn no_schedule_makes_a_view_fail(
            terms in terms(), amount in amount(), taken in amount(), now: u64,
        ) {
            let schedule = Schedule { amount, taken, terms };
            let left = amount.saturating_sub(taken);
            prop_assert_eq!(schedule.vested(now) + schedule.unvested(now), left);
        }

        #[test]
        fn releases_never_shrink_and_end_with_everything(
            terms in terms(), amount in amount(), times in prop::collection::vec(any::<u64>(), 2..9),
        ) {
            let mut times = times;
            times.sort_unstable();
            let released: Vec<U256> = times.iter().map(|now| terms.released(amount, *now)).collect();
            prop_assert!(released.windows(2).all(|pair| pair[0] <= pair[1]));
            prop_assert!(released.iter().all(|released| *released <= amount));
            let end = u128::from(terms.start)
                + u128::from(terms.cliff)
                + u128::from(terms.period) * u128::from(terms.periods);
            if let Ok(end) = u64::try_from(end) {
                prop_assert_eq!(terms.released(amount, end), amount);
            }
        }

        #[test]
        fn every_step_is_exact_one_second_before_at_and_after_it(
            amount in amount(),
            start in 0_u64..1 << 40,
            cliff: u32,
            period in 2_u32..,
            periods in 0_u16..60,
            first_bips in 0..=WHOLE_BIPS,
        ) {
            let terms = Terms { start, cliff, period, periods, first_bips, ..Terms::default() };
            prop_assert!(amount.is_zero() || terms.are_valid(amount));
            let first = first(&terms, amount);
            let step = match periods {
                0 => U256::ZERO,
                periods => (amount - first) / U256::from(periods),
            };
            let mut before = U256::ZERO;
            let mut sum = U256::ZERO;
            for k in 0..=periods {
                let at = start + u64::from(cliff) + u64::from(k) * u64::from(period);
                let expected = if k == periods { amount } else { first + step * U256::from(k) };
                if at > 0 {
                    prop_assert_eq!(terms.released(amount, at - 1), before);
                }
                prop_assert_eq!(terms.released(amount, at), expected);
                prop_assert_eq!(terms.released(amount, at + 1), expected);
                sum += expected - before;
                before = expected;
            }
            prop_assert_eq!(sum, amount);
        }

        #[test]
        fn what_was_taken_is_what_would_have_vested_last(
            amount in amount(), share in 0..=WHOLE_BIPS, terms in terms(), now: u64, later: u64,
        ) {
            let mut schedule = Schedule { amount, taken: U256::ZERO, terms };
            let vested = schedule.vested(now);
            schedule.taken = fraction(schedule.unvested(now), share, WHOLE_BIPS);
            prop_assert_eq!(schedule.vested(now), vested);
            let left = amount - schedule.taken;
            prop_assert_eq!(schedule.vested(later), terms.released(amount, later).min(left));
        }
    }

    #[test]
    fn a_hundred_thousand_vests_in_eight_releases() {
        let terms = Terms {
            cliff: 42 * DAY,
            period: 42 * DAY,
            periods: 7,
            first_bips: 1_250,
            ..Terms::default()
        };
        for (day, released) in [
            (41, 0),
            (42, 12_500),
            (83, 12_500),
            (84, 25_000),
            (294, 87_500),
            (336, 100_000),
        ] {
            assert_eq!(
                terms.released(U256::from(100_000), day * u64::from(DAY)),
                U256::from(released)
            );
        }
    }

    #[test]
    fn impossible_terms_are_invalid() {
        let valid = Terms {
            period: 1,
            periods: 1,
            ..Terms::default()
        };
        let one = U256::from(1);
        assert!(valid.are_valid(one));
        assert!(!valid.are_valid(U256::ZERO));
        assert!(!Terms { period: 0, ..valid }.are_valid(one));
        assert!(
            Terms {
                period: 0,
                periods: 0,
                ..valid
            }
            .are_valid(one)
        );
        assert!(
            !Terms {
                first_bips: WHOLE_BIPS + 1,
                ..valid
            }
            .are_valid(one)
        );
    }
}
