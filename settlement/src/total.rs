//! The price of a settlement: the midpoint of two signed limits.

use alloy_primitives::U256;

/// What the buyer pays the seller for the whole quantity, in payment base units: `floor((bid + ask) / 2)`, or `None`
/// when the bid's limit is below the ask's.
///
/// The price is nobody's argument, so neither the operator nor the order of registration can move it. Computed without
/// the sum, which could overflow: `a + b = 2(a & b) + (a ^ b)`.
#[allow(clippy::arithmetic_side_effects, reason = "a shift by a constant")]
pub(crate) fn midpoint(bid_limit: U256, ask_limit: U256) -> Option<U256> {
    if bid_limit < ask_limit {
        return None;
    }
    // Never above the larger operand, so the addition cannot overflow.
    (bid_limit & ask_limit).checked_add((bid_limit ^ ask_limit) >> 1)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::U512;
    use proptest::prelude::*;

    use super::*;

    fn word() -> impl Strategy<Value = U256> {
        any::<[u8; 32]>().prop_map(U256::from_be_bytes)
    }

    proptest! {
        #[test]
        fn midpoint_is_the_floored_mean_of_crossing_limits(a in word(), b in word()) {
            let (bid, ask) = (a.max(b), a.min(b));
            let mean = (U512::from(bid) + U512::from(ask)) / U512::from(2);
            prop_assert_eq!(U512::from(midpoint(bid, ask).unwrap()), mean);
        }

        #[test]
        fn midpoint_stays_within_both_limits(a in word(), b in word()) {
            let (bid, ask) = (a.max(b), a.min(b));
            let total = midpoint(bid, ask).unwrap();
            prop_assert!(ask <= total && total <= bid);
        }

        #[test]
        fn midpoint_is_none_exactly_when_the_bid_is_below_the_ask(bid in word(), ask in word()) {
            prop_assert_eq!(midpoint(bid, ask).is_none(), bid < ask);
        }
    }

    #[test]
    fn midpoint_rounds_down() {
        let usd = |units: u64| U256::from(units);
        assert_eq!(
            midpoint(usd(1_050_000_000), usd(1_020_000_000)),
            Some(usd(1_035_000_000))
        );
        assert_eq!(
            midpoint(usd(1_020_000_003), usd(1_020_000_000)),
            Some(usd(1_020_000_001))
        );
        assert_eq!(midpoint(usd(1_019_999_999), usd(1_020_000_000)), None);
        assert_eq!(midpoint(U256::MAX, U256::MAX), Some(U256::MAX));
        assert_eq!(midpoint(usd(1), usd(0)), Some(usd(0)));
    }
}
