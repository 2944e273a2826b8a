//! Exact arithmetic with 256-bit amounts and small numbers.
//!
//! The general operators of the integer type would cost several kilobytes of code.

use alloy_primitives::U256;
use runtime::{host::remainder, word::is_zero};

/// Basis points in a whole.
pub(crate) const WHOLE_BIPS: u16 = 10_000;

const LOW: u64 = 0xffff_ffff;

/// Quotient and remainder of `amount` by `divisor`. Dividing by zero gives zero.
#[inline(never)]
pub(crate) fn divide(amount: U256, divisor: u32) -> (U256, u64) {
    let divisor = u64::from(divisor);
    let mut limbs = *amount.as_limbs();
    let mut remainder = 0;
    let mut digit = |digit: u64| {
        let dividend: u64 = remainder << 32 | digit;
        remainder = dividend.checked_rem(divisor).unwrap_or_default();
        dividend.checked_div(divisor).unwrap_or_default()
    };
    for limb in limbs.iter_mut().rev() {
        *limb = digit(*limb >> 32) << 32 | digit(*limb & LOW);
    }
    (U256::from_limbs(limbs), remainder)
}

/// `amount * factor`, of which the product must fit.
#[inline(never)]
fn multiply(amount: U256, factor: u16) -> U256 {
    let factor = u64::from(factor);
    let mut limbs = *amount.as_limbs();
    let mut carry = 0;
    let mut digit = |digit: u64| {
        // Below 2^32 * 2^16 + 2^32.
        let product: u64 = digit.wrapping_mul(factor).wrapping_add(carry);
        carry = product >> 32;
        product & LOW
    };
    for limb in &mut limbs {
        *limb = digit(*limb & LOW) | digit(*limb >> 32) << 32;
    }
    U256::from_limbs(limbs)
}

/// `amount * numerator / denominator`, rounded down; exact for any amount and any fraction up to one.
pub(crate) fn fraction(amount: U256, numerator: u16, denominator: u16) -> U256 {
    // amount = quotient * denominator + remainder, so that no product exceeds the amount.
    let (quotient, remainder) = divide(amount, u32::from(denominator));
    let rest = remainder.wrapping_mul(u64::from(numerator));
    let rest = rest.checked_div(u64::from(denominator)).unwrap_or_default();
    multiply(quotient, numerator).saturating_add(U256::from(rest))
}

/// `steps` times the floored share of `amount` in `shares`, `steps` being no more than `shares`.
pub(crate) fn steps_of(amount: U256, steps: u16, shares: u16) -> U256 {
    multiply(divide(amount, u32::from(shares)).0, steps)
}

/// Whether `amount` is a multiple of `unit`. Everything is one of zero.
pub(crate) fn is_multiple(amount: U256, unit: U256) -> bool {
    is_zero(&remainder(amount, unit))
}

#[cfg(test)]
mod tests {
    use alloy_primitives::U512;
    use proptest::prelude::*;

    use super::*;
    use crate::tests::amount;

    proptest! {
        #[test]
        fn division_is_that_of_wide_integers(amount in amount(), divisor in 1_u32..) {
            let (quotient, remainder) = divide(amount, divisor);
            prop_assert_eq!(quotient, amount / U256::from(divisor));
            prop_assert_eq!(U256::from(remainder), amount % U256::from(divisor));
        }

        #[test]
        fn a_fraction_is_floored_exactly(amount in amount(), denominator in 1_u16.., share: u16) {
            let numerator = share.min(denominator);
            let exact = U512::from(amount) * U512::from(numerator) / U512::from(denominator);
            prop_assert_eq!(U512::from(fraction(amount, numerator, denominator)), exact);
        }

        #[test]
        fn steps_are_floored_shares(amount in amount(), shares in 1_u16.., taken: u16) {
            let steps = taken.min(shares);
            let exact = amount / U256::from(shares) * U256::from(steps);
            prop_assert_eq!(steps_of(amount, steps, shares), exact);
        }

        #[test]
        fn multiples_have_no_remainder(amount in amount(), unit in amount()) {
            let expected = unit.is_zero() || (amount % unit).is_zero();
            prop_assert_eq!(is_multiple(amount, unit), expected);
        }

        #[test]
        fn products_are_multiples(factor: u64, unit: u128) {
            let product = U256::from(factor) * U256::from(unit);
            prop_assert!(is_multiple(product, U256::from(unit)));
        }
    }

    #[test]
    fn dividing_by_zero_does_not_panic() {
        assert_eq!(divide(U256::MAX, 0).0, U256::ZERO);
        assert_eq!(fraction(U256::MAX, 1, 0), U256::ZERO);
    }
}
