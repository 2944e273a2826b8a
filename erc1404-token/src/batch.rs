//! Bounds on calls that carry many entries.

use alloy_primitives::U256;
use authority::abi::Refusal;

use crate::error::Error;

/// Most entries of one call.
pub(crate) const MAX_ENTRIES: usize = 100;

/// Refuses arrays of different length, and more than [`MAX_ENTRIES`] entries.
#[inline(never)]
pub(crate) fn check(length: usize, others: &[usize]) -> Result<(), Refusal> {
    let entries = U256::from(length);
    if let Some(other) = others.iter().find(|other| **other != length) {
        return Err(Error::LengthMismatch { length: entries, other_length: U256::from(*other) }.into());
    }
    if length > MAX_ENTRIES {
        return Err(Error::BatchTooLarge { length: entries, limit: U256::from(MAX_ENTRIES) }.into());
    }
    Ok(())
}
