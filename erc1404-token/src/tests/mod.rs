//! Tests of the contract as a whole.

#![allow(clippy::cast_possible_truncation, reason = "the numbers are small")]

mod encumbrances;
mod fixture;
mod holders;
mod holds;
mod interface;
mod oracle;
mod persons;
mod random;
mod standards;
mod transfers;

use alloy_primitives::U256;
use proptest::prelude::*;

/// Amounts of every size, the extremes among them.
pub(crate) fn amount() -> impl Strategy<Value = U256> {
    prop_oneof![
        Just(U256::ZERO),
        Just(U256::MAX),
        any::<u64>().prop_map(U256::from),
        (any::<[u64; 4]>(), 0_usize..256)
            .prop_map(|(limbs, shift)| U256::from_limbs(limbs) >> shift),
    ]
}
