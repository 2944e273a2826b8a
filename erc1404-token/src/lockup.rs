//! Lock-ups: amounts of a wallet that may not move before a time. A lock may exceed the balance.

use alloy_primitives::{Address, U256};
use runtime::{abi::Revert, event::Log, log};
use stylus_sdk::prelude::*;

use super::{
    SecurityToken,
    error::revert,
    event,
    returns::LockList,
    store::{LOCKS, count, low, number},
    word::Record,
};

/// Most locks of one wallet at a time.
pub(crate) const MAX_LOCKS: usize = 16;

/// An amount that is locked before a time; the default value stands for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lock {
    /// Base units of the token.
    pub(crate) amount: U256,
    /// First second at which the amount is free.
    pub(crate) release_time: u64,
}

/// Where a lock stands in the row of its wallet, after the number of places taken: its amount, then its release time.
fn place(index: usize) -> usize {
    index.wrapping_mul(2).wrapping_add(LOCKS).wrapping_add(1)
}

impl SecurityToken {
    /// Locks `amount` more of `holder`'s tokens; locks with the same release time merge.
    pub(crate) fn lock(
        &mut self,
        holder: Address,
        amount: U256,
        release_time: u64,
    ) -> Result<(), Revert> {
        let now = self.now();
        if release_time <= now {
            return Err(revert!(ReleaseTimePassed {
                holder,
                releaseTime: release_time,
                now_: now
            }));
        }
        // The lock of the same time, else the first place that a released lock left, else the next.
        let places = self.count_locks(holder);
        let mut index = places;
        let mut already = U256::ZERO;
        for i in 0..places {
            let lock = self.lock_at(holder, i, now);
            if lock.release_time == release_time {
                (index, already) = (i, lock.amount);
                break;
            }
            if lock.amount.is_zero() && index == places {
                index = i;
            }
        }
        let Some(sum) = already.checked_add(amount).filter(|_| !amount.is_zero()) else {
            return Err(revert!(InvalidLock {
                holder,
                amount,
                alreadyLocked: already
            }));
        };
        if index >= MAX_LOCKS {
            return Err(revert!(TooManyLocks {
                holder,
                limit: U256::from(MAX_LOCKS)
            }));
        }
        self.set_lock(
            holder,
            index,
            &Lock {
                amount: sum,
                release_time,
            },
        );
        self.set_locks(holder, places.max(index.wrapping_add(1)));
        self.log_lock(
            log!(event::TokensLocked),
            holder,
            &Lock {
                amount,
                release_time,
            },
        );
        Ok(())
    }

    /// Ends the lock of `holder` with this release time.
    pub(crate) fn unlock(&mut self, holder: Address, release_time: u64) -> Result<(), Revert> {
        let now = self.now();
        for i in 0..self.count_locks(holder) {
            let lock = self.lock_at(holder, i, now);
            if lock.release_time == release_time && !lock.amount.is_zero() {
                self.release(holder, i, &lock, lock.amount);
                return Ok(());
            }
        }
        Err(revert!(LockNotFound {
            holder,
            releaseTime: release_time
        }))
    }

    /// Sum of the locks of `holder` that are not released at `now`.
    #[inline(never)]
    pub(crate) fn locked_of(&self, holder: Address, now: u64) -> U256 {
        (0..self.count_locks(holder)).fold(U256::ZERO, |sum, i| {
            sum.saturating_add(self.lock_at(holder, i, now).amount)
        })
    }

    /// Releases `amount` of what is locked, lock by lock.
    pub(crate) fn reduce_locks(&mut self, holder: Address, mut amount: U256) {
        let now = self.now();
        for i in 0..self.count_locks(holder) {
            let lock = self.lock_at(holder, i, now);
            let reduction = amount.min(lock.amount);
            if !reduction.is_zero() {
                amount = amount.saturating_sub(reduction);
                self.release(holder, i, &lock, reduction);
            }
        }
    }

    /// Moves every lock of `lost` to `replacement`, which has none in force.
    pub(crate) fn move_locks(&mut self, lost: Address, replacement: Address) {
        let places = self.count_locks(lost);
        for i in 0..places {
            let lock = self.lock_at(lost, i, self.now());
            self.set_lock(replacement, i, &lock);
        }
        self.set_locks(replacement, places);
        self.set_locks(lost, 0);
    }

    /// The lock at a place, or none when it is released at `now`.
    #[inline(never)]
    pub(crate) fn lock_at(&self, holder: Address, index: usize, now: u64) -> Lock {
        let release_time = low(self.of(holder, place(index).wrapping_add(1)));
        if release_time <= now {
            return Lock::default();
        }
        Lock {
            amount: self.of(holder, place(index)),
            release_time,
        }
    }

    #[inline(never)]
    fn set_lock(&mut self, holder: Address, index: usize, lock: &Lock) {
        self.set_of(holder, place(index), lock.amount);
        self.set_of(
            holder,
            place(index).wrapping_add(1),
            U256::from(lock.release_time),
        );
    }

    /// Number of places taken, some perhaps by released locks.
    fn count_locks(&self, holder: Address) -> usize {
        count(self.of(holder, LOCKS))
    }

    /// Sets the number of places taken and marks the wallet that has any.
    #[inline(never)]
    fn set_locks(&mut self, holder: Address, places: usize) {
        self.set_of(holder, LOCKS, U256::from(places));
        self.set_flag(holder, Record::LOCKED, places != 0);
    }

    /// Releases `amount` of a lock; a wallet without any other is unmarked.
    #[inline(never)]
    fn release(&mut self, holder: Address, index: usize, lock: &Lock, amount: U256) {
        let left = lock.amount.saturating_sub(amount);
        let release_time = if left.is_zero() { 0 } else { lock.release_time };
        self.set_lock(
            holder,
            index,
            &Lock {
                amount: left,
                release_time,
            },
        );
        if self.locked_of(holder, self.now()).is_zero() {
            self.set_locks(holder, 0);
        }
        let released = Lock {
            amount,
            release_time: lock.release_time,
        };
        self.log_lock(log!(event::TokensUnlocked), holder, &released);
    }

    #[inline(never)]
    fn log_lock(&self, mut log: Log, holder: Address, lock: &Lock) {
        log.address(holder)
            .data()
            .uint(lock.amount)
            .uint(number(lock.release_time))
            .emit(self.vm());
    }
}

impl SecurityToken {
    pub(crate) fn lock_tokens(
        &mut self,
        holder: Address,
        amount: U256,
        release_time: u64,
    ) -> Result<(), Revert> {
        self.only_compliance()?;
        self.lock(holder, amount, release_time)
    }

    pub(crate) fn unlock_tokens(
        &mut self,
        holder: Address,
        release_time: u64,
    ) -> Result<(), Revert> {
        self.only_compliance()?;
        self.unlock(holder, release_time)
    }

    #[allow(non_snake_case, reason = "named as in the interface")]
    pub(crate) fn locks_of(&self, holder: Address) -> LockList {
        let now = self.now();
        let locks = (0..self.count_locks(holder)).map(|i| self.lock_at(holder, i, now));
        let (amounts, releaseTimes) = locks
            .filter(|lock| !lock.amount.is_zero())
            .map(|lock| (lock.amount, lock.release_time))
            .unzip();
        LockList {
            amounts,
            releaseTimes,
        }
    }

    pub(crate) fn spendable_balance_of(&self, holder: Address) -> U256 {
        self.spendable(holder)
    }

    pub(crate) fn encumbrances_of(&self, holder: Address) -> (U256, U256, U256) {
        self.encumbrances(holder)
    }
}
