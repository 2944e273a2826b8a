//! Bounds on calls that carry many entries.

use alloy_primitives::U256;
use runtime::abi::Revert;

use super::error::revert;

/// Most entries of one call.
pub(crate) const MAX_ENTRIES: usize = 100;

/// Refuses arrays of different length, and more than [`MAX_ENTRIES`] entries.
#[inline(never)]
pub(crate) fn check(length: usize, others: &[usize]) -> Result<(), Revert> {
    let entries = U256::from(length);
    if let Some(other) = others.iter().find(|other| **other != length) {
        return Err(revert!(LengthMismatch {
            length: entries,
            otherLength: U256::from(*other)
        }));
    }
    if length > MAX_ENTRIES {
        return Err(revert!(BatchTooLarge {
            length: entries,
            limit: U256::from(MAX_ENTRIES)
        }));
    }
    Ok(())
}
