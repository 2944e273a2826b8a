//! How many base units of the new token replace those of the old one.

use alloy::primitives::U256;

/// A ratio of base units.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ratio {
    new: U256,
    old: U256,
}

impl Ratio {
    /// `new` whole tokens for every `old` ones, where each has its decimals: the new token's first. `None` where one is
    /// zero.
    pub fn of(new: u32, old: u32, decimals: (u8, u8)) -> Option<Self> {
        let units = |tokens: u32, decimals: u8| {
            let one = U256::from(10).checked_pow(U256::from(decimals))?;
            U256::from(tokens)
                .checked_mul(one)
                .filter(|units| !units.is_zero())
        };
        let (new, old) = (units(new, decimals.0)?, units(old, decimals.1)?);
        let common = divisor(new, old);
        Some(Self {
            new: new / common,
            old: old / common,
        })
    }

    /// Whole base units of the new token, and what is left over in parts of [`Self::parts`]; `None` beyond 2^256.
    pub fn split(&self, units: U256) -> Option<(U256, U256)> {
        let product = units.checked_mul(self.new)?;
        Some((product / self.old, product % self.old))
    }

    /// Whole base units of the new token; `None` beyond 2^256.
    pub fn whole(&self, units: U256) -> Option<U256> {
        self.split(units).map(|(whole, _)| whole)
    }

    /// The same, where nothing is left over.
    pub fn exact(&self, units: U256) -> Option<U256> {
        let (whole, left) = self.split(units)?;
        left.is_zero().then_some(whole)
    }

    /// In how many parts a base unit of the new token can be left over.
    pub fn parts(&self) -> U256 {
        self.old
    }
}

/// The greatest common divisor of two numbers, neither of them zero.
fn divisor(mut a: U256, mut b: U256) -> U256 {
    while !b.is_zero() {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(amount: u64) -> U256 {
        U256::from(amount)
    }

    #[test]
    fn one_for_one_changes_nothing() {
        let ratio = Ratio::of(1, 1, (6, 6)).unwrap();
        for amount in [U256::ZERO, units(7), U256::MAX] {
            assert_eq!(ratio.split(amount), Some((amount, U256::ZERO)));
        }
    }

    #[test]
    fn a_split_is_rounded_down_and_says_what_is_left_over() {
        let three_for_two = Ratio::of(3, 2, (6, 6)).unwrap();
        assert_eq!(three_for_two.split(units(5)), Some((units(7), units(1))));
        assert_eq!(three_for_two.exact(units(5)), None);
        assert_eq!(three_for_two.exact(units(4)), Some(units(6)));
        let one_for_ten = Ratio::of(1, 10, (6, 6)).unwrap();
        assert_eq!(one_for_ten.split(units(19)), Some((units(1), units(9))));
        assert_eq!(one_for_ten.parts(), units(10));
        assert_eq!(three_for_two.whole(U256::MAX), None);
    }

    #[test]
    fn other_decimals_are_part_of_the_ratio() {
        let finer = Ratio::of(2, 1, (18, 6)).unwrap();
        assert_eq!(finer.whole(units(1)), Some(units(2_000_000_000_000)));
        let coarser = Ratio::of(1, 1, (0, 6)).unwrap();
        assert_eq!(
            coarser.split(units(2_500_000)),
            Some((units(2), units(500_000)))
        );
        assert_eq!(Ratio::of(0, 1, (6, 6)), None);
        assert_eq!(Ratio::of(1, 0, (6, 6)), None);
        assert_eq!(Ratio::of(1, 1, (6, 255)), None);
    }
}
