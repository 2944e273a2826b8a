//! The chain's clock: the machine's time, which tests can move.

use super::error::ChainError;
use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since the epoch on this machine.
fn machine_time() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}

/// Decides the timestamp of the next block.
///
/// As on Arbitrum, consecutive blocks can have the same timestamp; time never runs backwards.
#[derive(Clone, Debug, Default)]
pub(super) struct Clock {
    offset: i64,
    next: Option<u64>,
    interval: Option<u64>,
}

impl Clock {
    /// A clock that runs `offset` seconds ahead of the machine's.
    pub(super) const fn with_offset(offset: i64) -> Self {
        Self {
            offset,
            next: None,
            interval: None,
        }
    }

    /// Seconds ahead of the machine's time.
    pub(super) const fn offset(&self) -> i64 {
        self.offset
    }

    /// The timestamp a block on top of one at `parent` would get now.
    pub(super) fn peek(&self, parent: u64) -> u64 {
        if let Some(next) = self.next {
            return next.max(parent);
        }
        if let Some(interval) = self.interval {
            return parent.saturating_add(interval);
        }
        machine_time()
            .saturating_add_signed(self.offset)
            .max(parent)
    }

    /// A block at `timestamp` was made: a time that was set is used up, and time continues from it.
    pub(super) fn advance(&mut self, timestamp: u64) {
        if self.next.take().is_some() {
            self.set(timestamp);
        }
    }

    /// Sets the time to `timestamp`, seconds since the epoch.
    pub(super) fn set(&mut self, timestamp: u64) {
        let machine = i64::try_from(machine_time()).unwrap_or(i64::MAX);
        self.offset = i64::try_from(timestamp)
            .unwrap_or(i64::MAX)
            .saturating_sub(machine);
    }

    /// Moves the time forward; returns how many seconds it is now ahead of the machine's.
    ///
    /// # Errors
    /// [`ChainError::InvalidParameter`] beyond 64 bits.
    pub(super) fn increase(&mut self, seconds: u64) -> Result<i64, ChainError> {
        let offset = i64::try_from(seconds)
            .ok()
            .and_then(|seconds| self.offset.checked_add(seconds))
            .ok_or_else(|| {
                ChainError::InvalidParameter(format!("{seconds} seconds is too far ahead"))
            })?;
        self.offset = offset;
        Ok(offset)
    }

    /// Gives the next block, on top of one at `parent`, this `timestamp`.
    ///
    /// # Errors
    /// [`ChainError::TimestampTooLow`] before `parent`; [`ChainError::InvalidParameter`] beyond 63 bits.
    pub(super) fn set_next(&mut self, timestamp: u64, parent: u64) -> Result<(), ChainError> {
        if timestamp < parent {
            return Err(ChainError::TimestampTooLow {
                asked: timestamp,
                previous: parent,
            });
        }
        if i64::try_from(timestamp).is_err() {
            return Err(ChainError::InvalidParameter(format!(
                "{timestamp} is too far ahead"
            )));
        }
        self.next = Some(timestamp);
        Ok(())
    }

    /// Puts blocks `interval` seconds apart, whatever the machine's time; `None` ends that.
    pub(super) const fn set_interval(&mut self, interval: Option<u64>) {
        self.interval = interval;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_time_is_used_once_and_time_goes_on_from_there() {
        let mut clock = Clock::default();
        let future = machine_time() + 1_000_000;
        clock.set_next(future, 0).unwrap();
        assert_eq!(clock.peek(0), future);
        clock.advance(future);
        assert!((future..future + 60).contains(&clock.peek(future)));
    }

    #[test]
    fn set_next_reverts_before_the_parent_and_leaves_the_clock_alone() {
        let mut clock = Clock::default();
        let refused = clock.set_next(99, 100).unwrap_err();
        assert_eq!(
            refused,
            ChainError::TimestampTooLow {
                asked: 99,
                previous: 100
            }
        );
        assert!(clock.next.is_none());
    }

    #[test]
    fn time_never_runs_backwards() {
        let mut clock = Clock::default();
        clock.set(1_000);
        assert_eq!(clock.peek(5_000), 5_000);
    }

    #[test]
    fn increase_reverts_when_it_overflows() {
        let mut clock = Clock::default();
        assert_eq!(clock.increase(60).unwrap(), 60);
        assert!(clock.increase(u64::MAX).is_err());
        assert_eq!(clock.offset(), 60);
    }

    #[test]
    fn an_interval_counts_from_the_parent() {
        let mut clock = Clock::default();
        clock.set_interval(Some(12));
        assert_eq!(clock.peek(100), 112);
        clock.set_interval(None);
        assert!(clock.peek(100) > 112);
    }
}
