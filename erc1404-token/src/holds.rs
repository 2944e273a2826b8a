//! Holds: tokens in their owner's own wallet, bound for a spender until a second.
//!
//! A hold takes one of eight places in its owner's row: amount (216 bits) and end (40 bits) in one word, the hash of
//! placer and id in another. Both stay when it ends, so that the next hold at the place costs less; which places are
//! taken, and in which order, is in the owner's [`Record`].

use alloy_primitives::{Address, B256, U256};
use runtime::{
    abi::Revert,
    event::Log,
    log,
    word::{bytes, is_zero, uint},
};
use stylus_sdk::{crypto::keccak, function_selector, prelude::*};

use super::{
    SecurityToken,
    error::revert,
    event,
    ledger::check_balance,
    lockup::{AMOUNT_BITS, Lock, fits},
    restriction::{Kind, Party, restriction},
    returns::Hold,
    store::{self, number},
    word::Record,
};

/// Furthest end of a hold, in seconds from now.
const LONGEST_HOLD: u64 = 7 * 24 * 60 * 60;

/// ERC-165 identifier of the functions that both tokens have.
pub(crate) const HOLDS: u32 = selector(function_selector!("placeHold", B256, Address, U256, u64))
    ^ selector(function_selector!("useHold", B256, Address, Address, U256))
    ^ selector(function_selector!("dropHold", B256, Address))
    ^ selector(function_selector!("holdOf", Address, Address, B256))
    ^ selector(function_selector!("heldBalanceOf", Address));

const fn selector(bytes: [u8; 4]) -> u32 {
    u32::from_be_bytes(bytes)
}

/// Answer of `holdRestriction` when no such hold is live.
const NO_HOLD: u8 = u8::MAX;

/// Where a hold is in the row of its owner: its word, then its key.
fn word_of(place: usize) -> usize {
    place.wrapping_mul(2).wrapping_add(store::HOLDS)
}

/// What is kept of placer and id.
#[inline(never)]
fn key(placer: Address, id: B256) -> B256 {
    keccak([placer.into_word(), id].concat())
}

impl SecurityToken {
    /// Binds `amount` of `owner`'s free tokens for the caller.
    #[inline(never)]
    fn place(&mut self, id: B256, owner: Address, amount: U256, until: u64) -> Result<(), Revert> {
        let (placer, now) = (self.vm().msg_sender(), self.now());
        if is_zero(&amount) || !fits(&amount) {
            return Err(revert!(HoldAmount {
                amount,
                most: most()
            }));
        }
        let latest = now.saturating_add(LONGEST_HOLD);
        if until <= now || until > latest {
            return Err(revert!(HoldTime { until, latest }));
        }
        let key = key(placer, id);
        let mut movement = self.movement(Kind::Hold, placer, owner, Address::ZERO, amount, now);
        if self.find_hold(&movement.from, key).is_some() {
            return Err(revert!(HoldExists { placer, owner, id }));
        }
        let Some(place) = movement.from.record.holds.free() else {
            return Err(revert!(TooManyHolds { owner }));
        };
        self.judge(&movement)?;
        self.use_allowance(owner, placer, amount)?;
        check_balance(&movement.from, amount)?;
        let word = Lock {
            amount,
            release_time: until,
        };
        self.set_of(owner, word_of(place), word.into());
        self.set_of(owner, word_of(place).wrapping_add(1), uint(&key));
        let record = &mut movement.from.record;
        record.holds.push(place);
        self.set_record(owner, *record);
        named(log!(event::HoldPlaced), placer, owner, id)
            .uint(amount)
            .uint(number(until))
            .emit(self.vm());
        Ok(())
    }

    /// Moves `amount` of a hold that the caller placed, and ends it.
    #[inline(never)]
    fn settle_hold(
        &mut self,
        id: B256,
        owner: Address,
        to: Address,
        amount: U256,
    ) -> Result<(), Revert> {
        let (placer, now) = (self.vm().msg_sender(), self.now());
        let mut movement = self.movement(Kind::Transfer, placer, owner, to, amount, now);
        let Some(hold) = self.lift(&mut movement.from, key(placer, id)) else {
            return Err(revert!(NoHold { placer, owner, id }));
        };
        if amount > hold.amount {
            return Err(revert!(HoldAmount {
                amount,
                most: hold.amount
            }));
        }
        self.judge(&movement)?;
        named(log!(event::HoldUsed), placer, owner, id)
            .address(to)
            .uint(amount)
            .emit(self.vm());
        self.carry_out(&movement)
    }

    /// Ends a hold that the caller placed.
    #[inline(never)]
    fn drop_own(&mut self, id: B256, owner: Address) -> Result<(), Revert> {
        let placer = self.vm().msg_sender();
        let mut party = self.holder(owner, self.now());
        if self.lift(&mut party, key(placer, id)).is_none() {
            return Err(revert!(NoHold { placer, owner, id }));
        }
        self.set_record(owner, party.record);
        named(log!(event::HoldDropped), placer, owner, id).emit(self.vm());
        Ok(())
    }

    /// The code with which the whole of a hold could not be used at a second.
    #[inline(never)]
    fn judge_hold(&self, placer: Address, owner: Address, id: B256, to: Address, at: u64) -> u8 {
        let mut movement = self.movement(Kind::Transfer, placer, owner, to, U256::ZERO, at);
        let Some(hold) = self.lift(&mut movement.from, key(placer, id)) else {
            return NO_HOLD;
        };
        movement.value = hold.amount;
        restriction(self, &movement)
    }

    /// Only the holds of `owner`, as those of a party.
    #[inline(never)]
    fn holder(&self, owner: Address, now: u64) -> Party {
        let mut record = self.record(owner);
        let mut party = Party {
            wallet: owner,
            ..Party::default()
        };
        party.bound.held = self.sum_holds(owner, &mut record, now);
        party.record = record;
        party
    }

    /// Takes a live hold off `owner`, in memory only.
    #[inline(never)]
    fn lift(&self, owner: &mut Party, key: B256) -> Option<Lock> {
        let place = self.find_hold(owner, key)?;
        let hold = self.hold_at(owner.wallet, place);
        owner.record.holds.remove(place);
        owner.bound.held = owner.bound.held.saturating_sub(hold.amount);
        owner.changed = true;
        Some(hold)
    }

    /// The place of a live hold of `owner`, whose record must have no other places.
    #[inline(never)]
    fn find_hold(&self, owner: &Party, key: B256) -> Option<usize> {
        let row = self.account(owner.wallet);
        let mut places = owner.record.holds.places();
        places.find(|place| bytes(&row.get(word_of(*place).wrapping_add(1))) == key)
    }

    #[inline(never)]
    fn hold_at(&self, owner: Address, place: usize) -> Lock {
        self.of(owner, word_of(place)).into()
    }

    /// Sum of the live holds on `owner`; lapsed ones leave their places in `record`.
    #[inline(never)]
    pub(crate) fn sum_holds(&self, owner: Address, record: &mut Record, now: u64) -> U256 {
        let mut sum = U256::ZERO;
        for place in record.holds.places() {
            let hold = self.hold_at(owner, place);
            if hold.release_time <= now {
                record.holds.remove(place);
            } else {
                sum = sum.saturating_add(hold.amount);
            }
        }
        sum
    }

    /// Ends holds, the one placed last first, until no less than `amount` is freed. `record` is that of `owner`, with
    /// places of live holds only.
    #[inline(never)]
    pub(crate) fn break_holds(&mut self, owner: Address, record: &mut Record, mut amount: U256) {
        for place in record.holds.places().rev() {
            if is_zero(&amount) {
                break;
            }
            let hold = self.hold_at(owner, place);
            amount = amount.saturating_sub(hold.amount);
            record.holds.remove(place);
            log!(event::HoldBroken)
                .word(bytes(&self.of(owner, word_of(place).wrapping_add(1))))
                .address(owner)
                .data()
                .uint(hold.amount)
                .emit(self.vm());
        }
    }
}

/// The largest amount of a hold.
fn most() -> U256 {
    U256::from_limbs([u64::MAX, u64::MAX, u64::MAX, (1 << (AMOUNT_BITS - 192)) - 1])
}

/// A log with the topics that most events of holds have.
#[inline(never)]
fn named(mut log: Log, placer: Address, owner: Address, id: B256) -> Log {
    log.address(placer).address(owner).word(id).data();
    log
}

impl SecurityToken {
    pub(crate) fn place_hold(
        &mut self,
        id: B256,
        owner: Address,
        amount: U256,
        until: u64,
    ) -> Result<(), Revert> {
        self.place(id, owner, amount, until)
    }

    pub(crate) fn use_hold(
        &mut self,
        id: B256,
        owner: Address,
        to: Address,
        amount: U256,
    ) -> Result<(), Revert> {
        self.settle_hold(id, owner, to, amount)
    }

    pub(crate) fn drop_hold(&mut self, id: B256, owner: Address) -> Result<(), Revert> {
        self.drop_own(id, owner)
    }

    pub(crate) fn hold_of(&self, placer: Address, owner: Address, id: B256) -> Hold {
        let mut party = self.holder(owner, self.now());
        let hold = self.lift(&mut party, key(placer, id)).unwrap_or_default();
        Hold {
            amount: hold.amount,
            until: hold.release_time,
        }
    }

    pub(crate) fn held_balance_of(&self, owner: Address) -> U256 {
        self.holder(owner, self.now()).bound.held
    }

    pub(crate) fn hold_restriction(
        &self,
        placer: Address,
        owner: Address,
        id: B256,
        to: Address,
        at: u64,
    ) -> u8 {
        self.judge_hold(placer, owner, id, to, at)
    }
}
