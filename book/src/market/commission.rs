//! What a customer is billed for a trade handled as agent. It is never taken from the trade itself.

use jiff::civil::Date;
use serde::Serialize;

/// A rate from a given day on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Rate {
    /// The first trade day to which it applies.
    pub from: Date,
    /// Basis points of the trade's total, for each side.
    pub bips: u16,
}

/// Why rates do not make a schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Two rates for one day, or rates out of order.
    #[error("commissions must be listed in order of their first day: {later} follows {day}")]
    Sequence {
        /// The day that is listed first.
        day: Date,
        /// The day after it in the list, which is not later.
        later: Date,
    },
    /// More than the whole trade.
    #[error("a commission of {0} basis points is more than the trade itself: write at most 100%")]
    TooHigh(u16),
}

/// The rates in order; before the first, nothing is billed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Schedule(Vec<Rate>);

impl Schedule {
    /// From rates in ascending order of their days.
    ///
    /// # Errors
    /// [`ScheduleError::Sequence`], [`ScheduleError::TooHigh`].
    pub fn new(rates: Vec<Rate>) -> Result<Self, ScheduleError> {
        for pair in rates.windows(2) {
            if pair[0].from >= pair[1].from {
                let (day, later) = (pair[0].from, pair[1].from);
                return Err(ScheduleError::Sequence { day, later });
            }
        }
        match rates.iter().find(|rate| rate.bips > 10_000) {
            Some(rate) => Err(ScheduleError::TooHigh(rate.bips)),
            None => Ok(Self(rates)),
        }
    }

    /// Basis points on a trade day.
    pub fn bips_on(&self, day: Date) -> u16 {
        let before = self.0.iter().take_while(|rate| rate.from <= day);
        before.last().map_or(0, |rate| rate.bips)
    }

    /// The commission on `total` coin base units on a trade day, rounded down to a base unit.
    pub fn of(&self, total: u128, day: Date) -> u128 {
        let bips = u128::from(self.bips_on(day));
        // At most the total itself, so neither part overflows.
        (total / 10_000).saturating_mul(bips) + (total % 10_000) * bips / 10_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::U256;
    use proptest::prelude::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn rate(from: &str, bips: u16) -> Rate {
        Rate {
            from: day(from),
            bips,
        }
    }

    #[test]
    fn a_rate_counts_from_its_day_to_the_next_one() {
        let rates = vec![rate("2026-01-01", 25), rate("2026-07-01", 10)];
        let schedule = Schedule::new(rates).unwrap();
        // 1,035 dollars: 2.5875 at 25 basis points, 1.035 at 10.
        for (on, bips, billed) in [
            ("2025-12-31", 0, 0),
            ("2026-01-01", 25, 2_587_500),
            ("2026-06-30", 25, 2_587_500),
            ("2026-07-01", 10, 1_035_000),
        ] {
            assert_eq!(schedule.bips_on(day(on)), bips, "{on}");
            assert_eq!(schedule.of(1_035_000_000, day(on)), billed, "{on}");
        }
        assert_eq!(Schedule::default().of(u128::MAX, day("2026-01-01")), 0);
    }

    #[test]
    fn rates_out_of_sequence_or_above_everything_are_refused() {
        let twice = vec![rate("2026-01-01", 1), rate("2026-01-01", 2)];
        assert!(matches!(
            Schedule::new(twice),
            Err(ScheduleError::Sequence { .. })
        ));
        let high = vec![rate("2026-01-01", 10_001)];
        assert_eq!(Schedule::new(high), Err(ScheduleError::TooHigh(10_001)));
    }

    proptest! {
        #[test]
        fn a_commission_is_the_floor_of_its_share(total in any::<u128>(), bips in 0u16..=10_000) {
            let schedule = Schedule::new(vec![rate("2026-01-01", bips)]).unwrap();
            let exact = U256::from(total) * U256::from(bips) / U256::from(10_000);
            prop_assert_eq!(U256::from(schedule.of(total, day("2026-01-01"))), exact);
        }
    }
}
