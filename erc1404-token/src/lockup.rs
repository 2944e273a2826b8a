//! Lock-ups: amounts of a wallet that may not move before a time. A lock may exceed the balance.

use alloc::vec::Vec;

use alloy_primitives::{Address, U256};
use authority::abi::Refusal;
use stylus_sdk::prelude::*;

use super::{
    answer::LockList,
    error::refusal,
    event::log,
    store::{count, low, LOCKS},
    word::Record,
    SecurityToken,
};

/// Most locks of one wallet at a time.
pub(crate) const MAX_LOCKS: usize = 16;

/// An amount that is locked before a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lock {
    /// Base units of the token.
    pub(crate) amount: U256,
    /// First second at which the amount is free.
    pub(crate) release_time: u64,
}

/// Sum of the locks.
pub(crate) fn total(locks: &[Lock]) -> U256 {
    locks
        .iter()
        .fold(U256::ZERO, |sum, lock| sum.saturating_add(lock.amount))
}

/// Where a lock stands in the row of its wallet, after the number of locks: its amount, then its release time.
fn place(index: usize) -> usize {
    index.wrapping_mul(2).wrapping_add(LOCKS).wrapping_add(1)
}

impl SecurityToken {
    /// Locks `amount` more of `holder`'s tokens; locks with the same release time merge.
    #[inline(never)]
    pub(crate) fn lock(
        &mut self,
        holder: Address,
        amount: U256,
        release_time: u64,
    ) -> Result<(), Refusal> {
        let now = self.now();
        if release_time <= now {
            return Err(refusal!(ReleaseTimePassed {
                holder,
                releaseTime: release_time,
                now_: now
            }));
        }
        let mut locks = self.locks_in_force(holder, now);
        let count = locks.len();
        let same_time = locks
            .iter_mut()
            .find(|lock| lock.release_time == release_time);
        let already_locked = same_time.as_ref().map_or(U256::ZERO, |lock| lock.amount);
        let Some(sum) = already_locked
            .checked_add(amount)
            .filter(|_| !amount.is_zero())
        else {
            return Err(refusal!(InvalidLock {
                holder,
                amount,
                alreadyLocked: already_locked
            }));
        };
        match same_time {
            Some(lock) => lock.amount = sum,
            None if count < MAX_LOCKS => locks.push(Lock {
                amount,
                release_time,
            }),
            None => {
                return Err(refusal!(TooManyLocks {
                    holder,
                    limit: U256::from(MAX_LOCKS)
                }))
            }
        }
        self.store_locks(holder, &locks);
        log!(TokensLocked)
            .address(holder)
            .data()
            .uint(amount)
            .uint(U256::from(release_time))
            .emit(self.vm());
        Ok(())
    }

    /// Ends the lock of `holder` with this release time.
    #[inline(never)]
    pub(crate) fn unlock(&mut self, holder: Address, release_time: u64) -> Result<(), Refusal> {
        let mut locks = self.locks_in_force(holder, self.now());
        let Some(i) = locks
            .iter()
            .position(|lock| lock.release_time == release_time)
        else {
            return Err(refusal!(LockNotFound {
                holder,
                releaseTime: release_time
            }));
        };
        let amount = locks.swap_remove(i).amount;
        self.store_locks(holder, &locks);
        self.log_unlocked(holder, amount, release_time);
        Ok(())
    }

    /// The locks of `holder` that are not released at `now`.
    #[inline(never)]
    pub(crate) fn locks_in_force(&self, holder: Address, now: u64) -> Vec<Lock> {
        let word = |i: usize| self.of(holder, i);
        let mut locks = Vec::new();
        for i in 0..count(word(LOCKS)) {
            let release_time = low(word(place(i).wrapping_add(1)));
            if release_time > now {
                locks.push(Lock {
                    amount: word(place(i)),
                    release_time,
                });
            }
        }
        locks
    }

    /// Releases `amount` of what is locked, lock by lock.
    #[inline(never)]
    pub(crate) fn reduce_locks(&mut self, holder: Address, mut amount: U256) {
        let mut locks = self.locks_in_force(holder, self.now());
        for lock in &mut locks {
            let reduction = amount.min(lock.amount);
            if reduction.is_zero() {
                break;
            }
            amount = amount.saturating_sub(reduction);
            lock.amount = lock.amount.saturating_sub(reduction);
            self.log_unlocked(holder, reduction, lock.release_time);
        }
        locks.retain(|lock| !lock.amount.is_zero());
        self.store_locks(holder, &locks);
    }

    /// Moves every lock of `lost` to `replacement`, which has none in force.
    #[inline(never)]
    pub(crate) fn move_locks(&mut self, lost: Address, replacement: Address) {
        let locks = self.locks_in_force(lost, self.now());
        self.store_locks(replacement, &locks);
        self.store_locks(lost, &[]);
    }

    /// Replaces the locks of `holder`. Released ones are thus left out whenever the list changes.
    #[inline(never)]
    fn store_locks(&mut self, holder: Address, locks: &[Lock]) {
        let mut set = |i, word| self.set_of(holder, i, word);
        set(LOCKS, U256::from(locks.len()));
        for (i, lock) in locks.iter().enumerate() {
            set(place(i), lock.amount);
            set(place(i).wrapping_add(1), U256::from(lock.release_time));
        }
        self.set_flag(holder, Record::LOCKED, !locks.is_empty());
    }

    #[inline(never)]
    fn log_unlocked(&self, holder: Address, amount: U256, release_time: u64) {
        log!(TokensUnlocked)
            .address(holder)
            .data()
            .uint(amount)
            .uint(U256::from(release_time))
            .emit(self.vm());
    }
}

impl SecurityToken {
    pub(crate) fn lock_tokens(
        &mut self,
        holder: Address,
        amount: U256,
        release_time: u64,
    ) -> Result<(), Refusal> {
        self.only_compliance()?;
        self.lock(holder, amount, release_time)
    }

    pub(crate) fn unlock_tokens(
        &mut self,
        holder: Address,
        release_time: u64,
    ) -> Result<(), Refusal> {
        self.only_compliance()?;
        self.unlock(holder, release_time)
    }

    pub(crate) fn locks_of(&self, holder: Address) -> LockList {
        let locks = self.locks_in_force(holder, self.now());
        LockList {
            amounts: locks.iter().map(|lock| lock.amount).collect(),
            releaseTimes: locks.iter().map(|lock| lock.release_time).collect(),
        }
    }

    pub(crate) fn spendable_balance_of(&self, holder: Address) -> U256 {
        self.spendable(holder)
    }

    pub(crate) fn encumbrances_of(&self, holder: Address) -> (U256, U256, U256) {
        self.encumbrances(holder)
    }
}
