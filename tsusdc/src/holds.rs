//! Holds: amounts in an owner's own wallet that only the account that placed them may move, until a time.
//!
//! A spender turns its allowance into a hold, so that a trade that was matched cannot fail because the buyer moved the
//! money meanwhile. At most [`PLACES`] holds bind a wallet; its balance word says which places are taken, and the words of
//! a place keep the rest. A hold ends by time alone: its place is then given away by whatever writes the word next.

use alloy_primitives::{Address, B256, U256};
use runtime::{abi::Revert, constant_word, log, storage::Words, word::uint};
use stylus_sdk::{crypto::keccak, prelude::*};

use super::{
    TsUsdc,
    balance::BalanceWord,
    error::Error,
    event::{HoldBroken, HoldDropped, HoldPlaced, HoldUsed},
};

/// The most holds that bind one wallet.
const PLACES: usize = 8;

/// How far ahead a hold may end, in seconds: 7 days.
const LONGEST: u64 = 7 * 24 * 60 * 60;

/// Bits of a hold's amount; the time at which it ends stands above.
const AMOUNT_BITS: usize = 216;

/// The latest time that fits.
const LAST_TIME: u64 = (1 << (256 - AMOUNT_BITS)) - 1;

/// The most that one hold takes, in base units: 2^216 - 1.
const LARGEST: [u8; 32] = {
    let mut bytes = [0xff; 32];
    let mut index = 0;
    while index < (256 - AMOUNT_BITS) / 8 {
        bytes[index] = 0;
        index += 1;
    }
    bytes
};

/// What a place keeps beside the hold's key: amount and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hold {
    /// Base units.
    amount: U256,
    /// Seconds since the epoch; from then on the hold binds nothing.
    until: u64,
}

impl Hold {
    fn of_word(word: U256) -> Self {
        let [first, second, third, high] = *word.as_limbs();
        Self {
            amount: U256::from_limbs([first, second, third, high << 40 >> 40]),
            until: high >> 24,
        }
    }

    fn word(self) -> U256 {
        let [first, second, third, high] = *self.amount.as_limbs();
        U256::from_limbs([first, second, third, high | self.until << 24])
    }
}

/// What a hold is known by: its owner has at most one live hold of a key.
fn key(placer: Address, id: B256) -> B256 {
    keccak([placer.into_word().0, id.0].as_flattened())
}

/// The words of a place in the owner's row.
fn words(place: u32) -> (usize, usize) {
    let first = (place as usize).wrapping_mul(2);
    (first, first.wrapping_add(1))
}

/// The numbers of the places in a mask, from the first to the last.
fn numbers(mut places: u8) -> impl Iterator<Item = u32> {
    core::iter::from_fn(move || {
        let place = places.trailing_zeros();
        places &= places.wrapping_sub(1);
        (place < PLACES as u32).then_some(place)
    })
}

const fn bit(place: u32) -> u8 {
    1_u8.wrapping_shl(place)
}

impl TsUsdc {
    /// Uses up the caller's allowance as `transferFrom` would; emits no Approval.
    ///
    /// # Errors
    ///
    /// * [`Error::EnforcedPause`].
    /// * [`Error::AccountBlacklisted`] - for the caller and `owner`.
    /// * [`Error::HoldAmount`] - zero, or above 2^216 - 1.
    /// * [`Error::HoldTime`] - `until` is not after now, or more than 7 days ahead.
    /// * [`Error::ERC20InsufficientAllowance`].
    /// * [`Error::HoldExists`].
    /// * [`Error::TooManyHolds`].
    /// * [`Error::ERC20InsufficientBalance`] - with what is free.
    pub(crate) fn place_hold(
        &mut self,
        id: B256,
        owner: Address,
        amount: U256,
        until: u64,
    ) -> Result<(), Revert> {
        self.when_not_paused()?;
        let placer = self.vm().msg_sender();
        self.unblocked(placer)?;
        let word = self.unblocked(owner)?;
        let most = uint(&constant_word!(LARGEST));
        if amount.is_zero() || amount > most {
            return Err(Error::HoldAmount { amount, most }.into());
        }
        let now = self.vm().block_timestamp();
        let latest = now.saturating_add(LONGEST).min(LAST_TIME);
        if until <= now || until > latest {
            return Err(Error::HoldTime { until, latest }.into());
        }
        let allowance = self.allowance_less(owner, placer, amount)?;
        let key = key(placer, id);
        if self.live_hold(owner, word, key).is_some() {
            return Err(Error::HoldExists { placer, owner, id }.into());
        }
        let (live, _) = self.live_holds(owner, word);
        if live == u8::MAX {
            return Err(Error::TooManyHolds { owner }.into());
        }
        // The amount must be free, but stays.
        self.debited(owner, word, amount)?;

        let mut row = self.holds.row(owner.into_word());
        let (live, place) = next_place(&mut row, live);
        let (first, second) = words(place);
        row.set(first, Hold { amount, until }.word());
        row.set_bytes(second, &key);
        self.set_balance_word(owner, word.with_places(live | bit(place)));
        self.allowances
            .at(owner.into_word())
            .set(placer.into_word(), allowance);
        log!(HoldPlaced)
            .address(placer)
            .address(owner)
            .word(id)
            .data()
            .uint(amount)
            .uint(U256::from(until))
            .emit(self.vm());
        Ok(())
    }

    /// The hold ends; what is left of it is free.
    ///
    /// # Errors
    ///
    /// * [`Error::EnforcedPause`].
    /// * [`Error::AccountBlacklisted`] - for the caller, `owner` and `to`.
    /// * [`Error::NoHold`].
    /// * [`Error::HoldAmount`] - more than the hold's.
    /// * [`Error::ERC20InvalidReceiver`] - zero or this contract.
    pub(crate) fn use_hold(
        &mut self,
        id: B256,
        owner: Address,
        to: Address,
        amount: U256,
    ) -> Result<(), Revert> {
        self.when_not_paused()?;
        let placer = self.vm().msg_sender();
        self.unblocked(placer)?;
        let source = self.unblocked(owner)?;
        let target = self.unblocked(to)?;
        let (source, most) = self.end_hold(placer, owner, source, id)?;
        if amount > most {
            return Err(Error::HoldAmount { amount, most }.into());
        }
        log!(HoldUsed)
            .address(placer)
            .address(owner)
            .word(id)
            .data()
            .address(to)
            .uint(amount)
            .emit(self.vm());
        self.move_coins(owner, source, to, target, amount)
    }

    /// Works while paused, whoever is blacklisted. The used-up allowance is not given back.
    ///
    /// # Errors
    ///
    /// * [`Error::NoHold`].
    pub(crate) fn drop_hold(&mut self, id: B256, owner: Address) -> Result<(), Revert> {
        let placer = self.vm().msg_sender();
        self.end_hold(placer, owner, self.balance_word(owner), id)?;
        log!(HoldDropped)
            .address(placer)
            .address(owner)
            .word(id)
            .emit(self.vm());
        Ok(())
    }

    pub(crate) fn hold_of(&self, placer: Address, owner: Address, id: B256) -> (U256, u64) {
        let hold = self.live_hold(owner, self.balance_word(owner), key(placer, id));
        hold.map_or((U256::ZERO, 0), |(_, hold)| (hold.amount, hold.until))
    }

    pub(crate) fn held_balance_of(&self, owner: Address) -> U256 {
        self.live_holds(owner, self.balance_word(owner)).1
    }

    /// `owner`'s word with `value` less, which must be free, and without the places of lapsed holds.
    ///
    /// # Errors
    ///
    /// * [`Error::ERC20InsufficientBalance`] - with what is free.
    #[inline(never)]
    pub(crate) fn debited(
        &self,
        owner: Address,
        word: BalanceWord,
        value: U256,
    ) -> Result<BalanceWord, Revert> {
        let (live, held) = self.live_holds(owner, word);
        // Live holds never exceed the balance: each took what was free, and no other debit takes of it.
        let balance = word.balance().saturating_sub(held);
        if value > balance {
            return Err(Error::ERC20InsufficientBalance {
                sender: owner,
                balance,
                needed: value,
            }
            .into());
        }
        Ok(BalanceWord(word.0.wrapping_sub(value)).with_places(live))
    }

    /// Ends every hold of an `owner` whose whole balance is taken, the one placed last first.
    ///
    /// # Events
    ///
    /// * [`HoldBroken`] for each that is live.
    #[inline(never)]
    pub(crate) fn break_holds(&self, owner: Address, word: BalanceWord) {
        let (mut live, _) = self.live_holds(owner, word);
        let row = self.holds.row(owner.into_word());
        while live != 0 {
            let place = live.ilog2();
            live &= !bit(place);
            let (first, second) = words(place);
            log!(HoldBroken)
                .word(row.bytes(second))
                .address(owner)
                .data()
                .uint(Hold::of_word(row.get(first)).amount)
                .emit(self.vm());
        }
    }

    /// Frees the place of the caller's live hold: the owner's word after that, and what was on hold.
    #[inline(never)]
    fn end_hold(
        &mut self,
        placer: Address,
        owner: Address,
        word: BalanceWord,
        id: B256,
    ) -> Result<(BalanceWord, U256), Revert> {
        let found = self.live_hold(owner, word, key(placer, id));
        let (place, hold) = found.ok_or(Error::NoHold { placer, owner, id })?;
        let word = word.with_places(word.places() & !bit(place));
        self.set_balance_word(owner, word);
        Ok((word, hold.amount))
    }

    /// The places of live holds and the sum of what they hold: no storage is read when no place is taken.
    #[inline(never)]
    fn live_holds(&self, owner: Address, word: BalanceWord) -> (u8, U256) {
        let (mut live, mut held) = (0, U256::ZERO);
        if word.places() == 0 {
            return (live, held);
        }
        let row = self.holds.row(owner.into_word());
        let now = self.vm().block_timestamp();
        for place in numbers(word.places()) {
            let hold = Hold::of_word(row.get(words(place).0));
            if hold.until > now {
                live |= bit(place);
                // Below the balance, as said above.
                held = held.wrapping_add(hold.amount);
            }
        }
        (live, held)
    }

    /// The place of the owner's live hold of that key, and the hold.
    #[inline(never)]
    fn live_hold(&self, owner: Address, word: BalanceWord, key: B256) -> Option<(u32, Hold)> {
        let row = self.holds.row(owner.into_word());
        let now = self.vm().block_timestamp();
        numbers(word.places())
            .filter(|place| row.bytes(words(*place).1) == key)
            .map(|place| (place, Hold::of_word(row.get(words(place).0))))
            .find(|(_, hold)| hold.until > now)
    }
}

/// The live places of a row with fewer than [`PLACES`] holds, and the place above them all, so that places have the order
/// in which their holds were placed. Where the last place is taken, the holds move down together first.
#[inline(never)]
fn next_place(row: &mut Words, live: u8) -> (u8, u32) {
    if live & bit(PLACES as u32 - 1) == 0 {
        return (live, u8::BITS.wrapping_sub(live.leading_zeros()));
    }
    let (mut moved, mut next) = (0, 0);
    for place in numbers(live) {
        let (from, to) = (words(place), words(next));
        row.set(to.0, row.get(from.0));
        row.set_bytes(to.1, &row.bytes(from.1));
        moved |= bit(next);
        next = next.wrapping_add(1);
    }
    (moved, next)
}
