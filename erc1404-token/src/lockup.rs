//! Lock-ups: amounts of a wallet that may not move before a time. A lock may exceed the balance.

use alloc::vec::Vec;

use alloy_primitives::{Address, U256};
use runtime::{abi::Revert, event::Log, log};
use stylus_sdk::prelude::*;

use super::{
    SecurityToken, batch,
    error::revert,
    event,
    returns::LockList,
    store::{LOCKS, number},
    word::{Record, bit, places},
};

/// Most locks of one wallet at a time.
pub(crate) const MAX_LOCKS: usize = 16;

/// Bits of an amount in a word whose other 40 bits are a time.
pub(crate) const AMOUNT_BITS: usize = 216;

/// An amount that is locked before a time, in one word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lock {
    /// Base units of the token, below `2^216`.
    pub(crate) amount: U256,
    /// First second at which the amount is free, below `2^40`.
    pub(crate) release_time: u64,
}

impl From<U256> for Lock {
    fn from(word: U256) -> Self {
        let [first, second, third, fourth] = *word.as_limbs();
        Self {
            amount: U256::from_limbs([first, second, third, fourth & 0xff_ffff]),
            release_time: fourth >> 24,
        }
    }
}

impl From<Lock> for U256 {
    fn from(lock: Lock) -> Self {
        let [first, second, third, fourth] = *lock.amount.as_limbs();
        Self::from_limbs([first, second, third, fourth | lock.release_time << 24])
    }
}

/// Whether an amount fits beside a time.
pub(crate) fn fits(amount: &U256) -> bool {
    let [.., highest] = *amount.as_limbs();
    highest >> 24 == 0
}

impl SecurityToken {
    /// Locks `amount` more of `holder`'s tokens; locks with the same release time merge.
    #[inline(never)]
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
        self.check_time(release_time)?;
        let mut record = self.record(holder);
        self.sum_locks(holder, &mut record, now);
        // The lock of the same time, else the first free place.
        let same = self.find_lock(holder, &record, release_time);
        let already = same.map_or(U256::ZERO, |(_, lock)| lock.amount);
        let Some(sum) = already
            .checked_add(amount)
            .filter(|sum| !amount.is_zero() && fits(sum))
        else {
            return Err(revert!(InvalidLock {
                holder,
                amount,
                alreadyLocked: already
            }));
        };
        let place = same.map(|(place, _)| place);
        let Some(place) = place.or_else(|| places(!record.locks).next()) else {
            return Err(revert!(TooManyLocks {
                holder,
                limit: U256::from(MAX_LOCKS)
            }));
        };
        self.set_lock(
            holder,
            place,
            Lock {
                amount: sum,
                release_time,
            },
        );
        record.locks |= bit(place);
        self.set_record(holder, record);
        self.log_lock(log!(event::TokensLocked), holder, amount, release_time);
        Ok(())
    }

    /// Ends the lock of `holder` with this release time.
    #[inline(never)]
    pub(crate) fn unlock(&mut self, holder: Address, release_time: u64) -> Result<(), Revert> {
        let mut record = self.record(holder);
        self.sum_locks(holder, &mut record, self.now());
        let Some((place, lock)) = self.find_lock(holder, &record, release_time) else {
            return Err(revert!(LockNotFound {
                holder,
                releaseTime: release_time
            }));
        };
        record.locks &= !bit(place);
        self.set_record(holder, record);
        self.log_lock(
            log!(event::TokensUnlocked),
            holder,
            lock.amount,
            release_time,
        );
        Ok(())
    }

    /// Sum of the locks of `holder` that are not released at `now`; those that are leave their places in `record`.
    #[inline(never)]
    pub(crate) fn sum_locks(&self, holder: Address, record: &mut Record, now: u64) -> U256 {
        let mut sum = U256::ZERO;
        for place in places(record.locks) {
            let lock = self.lock_at(holder, place);
            if lock.release_time <= now {
                record.locks &= !bit(place);
            } else {
                sum = sum.saturating_add(lock.amount);
            }
        }
        sum
    }

    /// Releases `amount` of what is locked, lock by lock. `record` is that of `holder`, with places of locks in force
    /// only.
    #[inline(never)]
    pub(crate) fn reduce_locks(&mut self, holder: Address, record: &mut Record, mut amount: U256) {
        for place in places(record.locks) {
            let mut lock = self.lock_at(holder, place);
            let reduction = amount.min(lock.amount);
            if reduction.is_zero() {
                continue;
            }
            amount = amount.saturating_sub(reduction);
            lock.amount = lock.amount.saturating_sub(reduction);
            if lock.amount.is_zero() {
                record.locks &= !bit(place);
            } else {
                self.set_lock(holder, place, lock);
            }
            self.log_lock(
                log!(event::TokensUnlocked),
                holder,
                reduction,
                lock.release_time,
            );
        }
    }

    /// Moves every lock of `lost` in force to `replacement`, which has none in force.
    #[inline(never)]
    pub(crate) fn move_locks(
        &mut self,
        (lost, old): (Address, &mut Record),
        (replacement, new): (Address, &mut Record),
    ) {
        for place in places(old.locks) {
            let lock = self.lock_at(lost, place);
            self.set_lock(replacement, place, lock);
            let Lock {
                amount,
                release_time,
            } = lock;
            self.log_lock(log!(event::TokensUnlocked), lost, amount, release_time);
            self.log_lock(log!(event::TokensLocked), replacement, amount, release_time);
        }
        new.locks = old.locks;
        old.locks = 0;
    }

    /// The lock at a place.
    #[inline(never)]
    fn lock_at(&self, holder: Address, place: usize) -> Lock {
        self.of(holder, LOCKS.wrapping_add(place)).into()
    }

    #[inline(never)]
    fn set_lock(&mut self, holder: Address, place: usize, lock: Lock) {
        self.set_of(holder, LOCKS.wrapping_add(place), lock.into());
    }

    /// The lock with this release time, and its place.
    #[inline(never)]
    fn find_lock(
        &self,
        holder: Address,
        record: &Record,
        release_time: u64,
    ) -> Option<(usize, Lock)> {
        places(record.locks)
            .map(|place| (place, self.lock_at(holder, place)))
            .find(|(_, lock)| lock.release_time == release_time)
    }

    #[inline(never)]
    fn log_lock(&self, mut log: Log, holder: Address, amount: U256, release_time: u64) {
        log.address(holder)
            .data()
            .uint(amount)
            .uint(number(release_time))
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

    pub(crate) fn mint_locked(
        &mut self,
        to: Address,
        amount: U256,
        unlock_at: u64,
    ) -> Result<(), Revert> {
        self.only_issuer()?;
        self.issue_locked(to, amount, unlock_at)
    }

    pub(crate) fn mint_locked_batch(
        &mut self,
        to: Vec<Address>,
        amounts: Vec<U256>,
        unlock_ats: Vec<u64>,
    ) -> Result<(), Revert> {
        self.only_issuer()?;
        batch::check(to.len(), &[amounts.len(), unlock_ats.len()])?;
        to.into_iter()
            .zip(amounts)
            .zip(unlock_ats)
            .try_for_each(|((to, amount), unlock_at)| self.issue_locked(to, amount, unlock_at))
    }

    #[allow(non_snake_case, reason = "named as in the interface")]
    pub(crate) fn locks_of(&self, holder: Address) -> LockList {
        let mut record = self.record(holder);
        self.sum_locks(holder, &mut record, self.now());
        let (amounts, releaseTimes) = places(record.locks)
            .map(|place| self.lock_at(holder, place))
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

    #[inline(never)]
    fn issue_locked(&mut self, to: Address, amount: U256, unlock_at: u64) -> Result<(), Revert> {
        self.issue(to, amount)?;
        self.lock(to, amount, unlock_at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_lock_survives_packing(limbs: [u64; 4], release_time in 0_u64..1 << 40) {
            let amount = U256::from_limbs(limbs) >> (256 - AMOUNT_BITS);
            let word: U256 = Lock { amount, release_time }.into();
            prop_assert_eq!(word, amount | U256::from(release_time) << AMOUNT_BITS);
            prop_assert_eq!(Lock::from(word), Lock { amount, release_time });
        }
    }

    #[test]
    fn amounts_fit_below_216_bits() {
        let bound = U256::from(1) << AMOUNT_BITS;
        assert!(fits(&(bound - U256::from(1))));
        assert!(!fits(&bound));
    }
}
