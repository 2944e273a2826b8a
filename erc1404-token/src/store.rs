//! Words in storage: maps of single words, and rows of words that belong to one key.
//!
//! Every access of these shapes goes through one of four functions, so that its code exists once.

use alloy_primitives::{Address, B256, U256};
use stylus_sdk::storage::{StorageArray, StorageMap, StorageU256};

/// A word per account.
pub(crate) type Words = StorageMap<Address, StorageU256>;

/// Words of a row: the longest are the locks of a wallet, two words for each of 16 and one for their number.
const ROW: usize = 33;

/// A row of words per key.
pub(crate) type Rows = StorageMap<B256, StorageArray<StorageU256, ROW>>;

/// The word of `account`.
#[inline(never)]
pub(crate) fn word(words: &Words, account: Address) -> U256 {
    words.get(account)
}

/// Sets the word of `account`.
#[inline(never)]
pub(crate) fn set_word(words: &mut Words, account: Address, value: U256) {
    words.insert(account, value);
}

/// One word of a row; zero beyond its end.
#[inline(never)]
pub(crate) fn cell(rows: &Rows, key: B256, index: usize) -> U256 {
    rows.getter(key).get(index).unwrap_or_default()
}

/// Sets one word of a row; nothing happens beyond its end.
#[inline(never)]
pub(crate) fn set_cell(rows: &mut Rows, key: B256, index: usize, value: U256) {
    if let Some(mut cell) = rows.setter(key).setter(index) {
        cell.set(value);
    }
}

/// The number in a word that holds no more than 64 bits.
pub(crate) fn low(word: U256) -> u64 {
    let [low, ..] = *word.as_limbs();
    low
}

/// The same as a number of entries.
#[allow(clippy::cast_possible_truncation, reason = "what is counted here are single digits")]
pub(crate) fn count(word: U256) -> usize {
    low(word) as usize
}
