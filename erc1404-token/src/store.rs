//! The storage layout: numbered words, and a row of words per account and per investor.
//!
//! Everything known about an account stands in one row, so that its slot is hashed from one key; every access of a shape
//! goes through one function, so that its code exists once.

use alloy_primitives::{Address, B256, U256};
use authority::words::{bytes, uint};
use stylus_sdk::{
    crypto::keccak,
    host::VM,
    storage::{GlobalStorage, StorageCache, StorageGuard, StorageGuardMut, StorageType},
};

use super::SecurityToken;

/// [`Settings`](super::word::Settings).
pub(crate) const SETTINGS: usize = 0;
/// The limits that transfers read: see [`limits`](super::limits).
pub(crate) const THRESHOLDS: usize = 1;
/// Base units there are.
pub(crate) const TOTAL_SUPPLY: usize = 2;
/// Base units there may be; 0: no limit.
pub(crate) const SUPPLY_CAP: usize = 3;
/// Most one investor may hold; 0: no limit.
pub(crate) const MAX_PER_INVESTOR: usize = 4;
/// Least a wallet may hold, unless nothing; 0: no limit.
pub(crate) const MIN_HOLDING: usize = 5;
/// What a value must be a multiple of; 0: no limit.
pub(crate) const GRANULARITY: usize = 6;
/// Four words with a bit per country, set when it is blocked.
pub(crate) const COUNTRIES: usize = 8;
/// A word per group: number of holders (32 bits) and its limit (32 bits).
pub(crate) const GROUPS: usize = 256;
/// For each directed pair of groups the second from which it is open (64 bits), four pairs to a word.
pub(crate) const GROUP_RULES: usize = 512;
/// Numbered words.
const WORDS: usize = GROUP_RULES + 256 * 256 / 4;

/// Of an account: base units it holds.
pub(crate) const BALANCE: usize = 0;
/// Of an account: its [`Record`](super::word::Record).
pub(crate) const RECORD: usize = 1;
/// Of an account: base units partly frozen.
pub(crate) const FROZEN_TOKENS: usize = 2;
/// Of an account: permits used.
pub(crate) const NONCE: usize = 3;
/// Of an account: number of locks, then amount and release time of each of up to 16.
pub(crate) const LOCKS: usize = 4;
/// Of an account: number of vesting schedules, then amount, terms and what was taken of each of up to 8.
pub(crate) const SCHEDULES: usize = 37;
/// Words in storage, numbered from a slot: [`WORDS`] of them, or rows of them, one per key.
///
/// In place of the SDK's arrays and maps, which convert between integers and bytes in loops over single bytes.
pub(crate) struct Words {
    root: U256,
    host: VM,
}

impl Words {
    /// One word.
    #[inline(never)]
    pub(crate) fn get(&self, index: usize) -> U256 {
        uint(&StorageCache::get_word(self.host.clone(), self.slot(index)))
    }

    /// Sets one word.
    #[inline(never)]
    #[allow(unsafe_code)]
    pub(crate) fn set(&mut self, index: usize, value: U256) {
        // SAFETY: nothing else gives access to these slots, and this borrows them uniquely.
        unsafe { StorageCache::set_word(self.host.clone(), self.slot(index), bytes(&value)) }
    }

    /// The row of `key`, where Solidity keeps the value of a mapping.
    #[inline(never)]
    pub(crate) fn row(&self, key: B256) -> Self {
        let root = uint(&keccak([key.0, bytes(&self.root).0].as_flattened()));
        Self {
            root,
            host: self.host.clone(),
        }
    }

    fn slot(&self, index: usize) -> U256 {
        self.root.wrapping_add(U256::from(index))
    }
}

impl StorageType for Words {
    type Wraps<'a> = StorageGuard<'a, Self>;
    type WrapsMut<'a> = StorageGuardMut<'a, Self>;

    const REQUIRED_SLOTS: usize = WORDS;

    #[allow(unsafe_code)]
    unsafe fn new(root: U256, _offset: u8, host: VM) -> Self {
        Self { root, host }
    }

    fn load<'s>(self) -> Self::Wraps<'s> {
        StorageGuard::new(self)
    }

    fn load_mut<'s>(self) -> Self::WrapsMut<'s> {
        StorageGuardMut::new(self)
    }
}

impl SecurityToken {
    /// A numbered word.
    #[inline(never)]
    pub(crate) fn word(&self, index: usize) -> U256 {
        self.words.get(index)
    }

    #[inline(never)]
    pub(crate) fn set_word(&mut self, index: usize, value: U256) {
        self.words.set(index, value);
    }

    /// A word of an account's row.
    #[inline(never)]
    pub(crate) fn of(&self, account: Address, index: usize) -> U256 {
        self.accounts.row(account.into_word()).get(index)
    }

    #[inline(never)]
    pub(crate) fn set_of(&mut self, account: Address, index: usize, value: U256) {
        self.accounts.row(account.into_word()).set(index, value);
    }
}

/// A small number as a word.
pub(crate) fn number(value: impl Into<u64>) -> U256 {
    #[inline(never)]
    fn of_integer(value: u64) -> U256 {
        U256::from(value)
    }
    of_integer(value.into())
}

/// The number in a word that holds no more than 64 bits.
pub(crate) fn low(word: U256) -> u64 {
    let [low, ..] = *word.as_limbs();
    low
}

/// The same as a number of entries.
#[allow(
    clippy::cast_possible_truncation,
    reason = "what is counted here are single digits"
)]
pub(crate) fn count(word: U256) -> usize {
    low(word) as usize
}
