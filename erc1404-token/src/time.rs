//! Bounds on times: milliseconds and `2^64 - 1` are mistakes.

use runtime::abi::Revert;

use super::{SecurityToken, error::revert};

/// 200 years of 365.25 days, in seconds: a time this far ahead means "for ever".
pub(crate) const LONGEST: u64 = 6_311_520_000;

impl SecurityToken {
    /// Refuses a time that lies more than [`LONGEST`] ahead.
    #[inline(never)]
    pub(crate) fn check_time(&self, time: u64) -> Result<(), Revert> {
        let latest = self.now().saturating_add(LONGEST);
        if time > latest {
            return Err(revert!(TimeTooFar { time, latest }));
        }
        Ok(())
    }
}
