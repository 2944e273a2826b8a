//! How much of a vesting schedule is free at a second: the rule of the security token (`docs/security-token.md`), from
//! its events.

use alloy::primitives::U256;

use crate::chain::abi::ISecurityToken::VestingGranted;

/// Basis points in a whole.
const WHOLE: u16 = 10_000;

/// A schedule.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Schedule {
    /// The amount that was granted.
    pub amount: U256,
    /// The part that a revocation or force took, from what would have vested last.
    pub taken: U256,
    /// Seconds since the epoch.
    pub start: u64,
    /// Seconds from start to the first release.
    pub cliff: u32,
    /// Seconds between releases after the first.
    pub period: u32,
    /// Number of releases after the first.
    pub periods: u16,
    /// Basis points of the first release; 0: an equal share.
    pub first_bips: u16,
    /// Whether the issuer may take back what is not vested.
    pub revocable: bool,
    /// Whether that happened.
    pub revoked: bool,
}

impl From<&VestingGranted> for Schedule {
    fn from(event: &VestingGranted) -> Self {
        Self {
            amount: event.amount,
            taken: U256::ZERO,
            start: event.start,
            cliff: event.cliff,
            period: event.period,
            periods: event.periods,
            first_bips: event.firstBips,
            revocable: event.revocable,
            revoked: false,
        }
    }
}

impl Schedule {
    /// What is still bound at a second.
    pub fn unvested(&self, now: u64) -> U256 {
        let left = self.amount.saturating_sub(self.taken);
        left.saturating_sub(self.released(now))
    }

    /// Second of the last release.
    pub fn end(&self) -> u64 {
        let steps = u64::from(self.period) * u64::from(self.periods);
        self.start
            .saturating_add(self.cliff.into())
            .saturating_add(steps)
    }

    /// How much of the grant the terms have released at a second.
    fn released(&self, now: u64) -> U256 {
        let first_release = self.start.saturating_add(self.cliff.into());
        let Some(elapsed) = now.checked_sub(first_release) else {
            return U256::ZERO;
        };
        let periods = u64::from(self.periods);
        let steps = elapsed.checked_div(self.period.into()).unwrap_or(periods);
        if steps >= periods {
            return self.amount;
        }
        let first = match self.first_bips {
            0 => self.amount / U256::from(periods + 1),
            bips => share(self.amount, bips.min(WHOLE)),
        };
        let rest = self.amount.saturating_sub(first) / U256::from(periods);
        // Less than the whole, since there are fewer steps than periods.
        first.saturating_add(rest.saturating_mul(U256::from(steps)))
    }
}

/// A number of basis points of an amount of any size, rounded down.
fn share(amount: U256, bips: u16) -> U256 {
    let whole = U256::from(WHOLE);
    let (quotient, rest) = (amount / whole, amount % whole);
    let bips = U256::from(bips);
    quotient
        .saturating_mul(bips)
        .saturating_add(rest * bips / whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u32 = 86_400;

    /// The worked table of `docs/security-token.md`: 12.5 % after 42 days, then seven equal parts every 42 days.
    fn worked() -> Schedule {
        Schedule {
            amount: U256::from(100_000),
            taken: U256::ZERO,
            start: 0,
            cliff: 42 * DAY,
            period: 42 * DAY,
            periods: 7,
            first_bips: 1_250,
            revocable: true,
            revoked: false,
        }
    }

    #[test]
    fn a_hundred_thousand_vests_in_eight_releases() {
        for (day, released) in [
            (41, 0),
            (42, 12_500),
            (83, 12_500),
            (84, 25_000),
            (294, 87_500),
            (336, 100_000),
        ] {
            let now = day * u64::from(DAY);
            assert_eq!(
                worked().unvested(now),
                U256::from(100_000 - released),
                "{day}"
            );
        }
        assert_eq!(worked().end(), 336 * u64::from(DAY));
    }

    #[test]
    fn what_was_taken_is_what_would_have_vested_last() {
        let schedule = Schedule {
            taken: U256::from(60_000),
            ..worked()
        };
        let at = |day: u64| schedule.unvested(day * u64::from(DAY));
        assert_eq!(at(42), U256::from(27_500));
        assert_eq!(at(126), U256::from(2_500));
        assert_eq!(at(168), U256::ZERO);
    }

    #[test]
    fn equal_shares_and_the_largest_amount_are_exact() {
        let schedule = Schedule {
            amount: U256::MAX,
            cliff: 10,
            period: 10,
            periods: 3,
            first_bips: 0,
            ..worked()
        };
        let quarter = U256::MAX / U256::from(4);
        assert_eq!(schedule.unvested(9), U256::MAX);
        assert_eq!(schedule.unvested(10), U256::MAX - quarter);
        assert_eq!(schedule.unvested(40), U256::ZERO);
        assert_eq!(share(U256::MAX, 10_000), U256::MAX);
        assert_eq!(share(U256::from(99_999), 1), U256::from(9));
        // An immediate release needs no period.
        let at_once = Schedule {
            period: 0,
            periods: 0,
            ..schedule
        };
        assert_eq!(at_once.unvested(10), U256::ZERO);
    }
}
