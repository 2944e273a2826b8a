//! The storage layout: numbered words, and a row of words per account and per investor.
//!
//! Everything known about an account is in one row, so that its slot is hashed from one key; every access of a shape
//! goes through one function, so that its code exists once.

use alloy_primitives::{Address, B256, U256};
use authority::roles::Roles;
use runtime::{
    storage::Words,
    text::{StorageText, Text},
    word::bytes,
};
use stylus_sdk::storage::{StorageGuard, StorageGuardMut};

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
/// Two words per place of a class: its set of groups, then its holders and their limit as in a group's word.
pub(crate) const CLASSES: usize = 16;
/// A word per group: number of holders (32 bits), its limit (32 bits), the classes it belongs to (8 bits).
pub(crate) const GROUPS: usize = 256;
/// For each directed pair of groups the second from which it is open (64 bits), four pairs to a word.
pub(crate) const GROUP_RULES: usize = 512;
/// A row per account: see [`BALANCE`] and following.
const ACCOUNTS: usize = GROUP_RULES + 256 * 256 / 4;
/// A row per index of an investor: its id, then its wallets up to the first zero.
const INVESTORS: usize = 2 * ACCOUNTS;
/// The index of an investor's id, from 1 on.
const INVESTOR_INDICES: usize = 3 * ACCOUNTS;
/// What owners allow spenders: a mapping of mappings.
const ALLOWANCES: usize = INVESTOR_INDICES + 1;
/// Name, symbol and ISIN, two words each.
pub(crate) const NAME: usize = ALLOWANCES + 1;
pub(crate) const SYMBOL: usize = NAME + 2;
pub(crate) const ISIN: usize = SYMBOL + 2;
/// The roles, three words.
const ROLES: usize = ISIN + 2;

/// Of an account: base units it holds.
pub(crate) const BALANCE: usize = 0;
/// Of an account: its [`Record`](super::word::Record).
pub(crate) const RECORD: usize = 1;
/// Of an account: base units partly frozen.
pub(crate) const FROZEN_TOKENS: usize = 2;
/// Of an account: permits used.
pub(crate) const NONCE: usize = 3;
/// Of an account: the wallet that replaced it.
pub(crate) const SUCCESSOR: usize = 4;
/// Of an account: a word for each of up to 16 locks.
pub(crate) const LOCKS: usize = 5;
/// Of an account: amount, terms and what was taken of each of up to 8 vesting schedules.
pub(crate) const SCHEDULES: usize = 21;
/// Of an account: a word and a key for each of up to 8 holds.
pub(crate) const HOLDS: usize = 45;

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
        self.account(account).get(index)
    }

    #[inline(never)]
    pub(crate) fn set_of(&mut self, account: Address, index: usize, value: U256) {
        self.account(account).set(index, value);
    }

    /// The row of an account.
    #[inline(never)]
    pub(crate) fn account(&self, account: Address) -> Words {
        self.words.section(ACCOUNTS).row(account.into_word())
    }

    /// The row of an investor.
    #[inline(never)]
    pub(crate) fn investor(&self, index: u32) -> Words {
        self.words.section(INVESTORS).row(bytes(&number(index)))
    }

    /// The row of an investor's id, one word: its index.
    #[inline(never)]
    pub(crate) fn index_of(&self, id: B256) -> Words {
        self.words.section(INVESTOR_INDICES).row(id)
    }

    /// The row of an allowance, one word.
    #[inline(never)]
    pub(crate) fn allowance_of(&self, owner: Address, spender: Address) -> Words {
        let allowed = self.words.section(ALLOWANCES).row(owner.into_word());
        allowed.row(spender.into_word())
    }

    /// One of the three texts.
    #[inline(never)]
    pub(crate) fn text(&self, index: usize) -> Text {
        self.words.part::<StorageText>(index).get()
    }

    #[inline(never)]
    pub(crate) fn set_text(&mut self, index: usize, text: &Text) {
        self.words.part_mut::<StorageText>(index).set(text);
    }

    #[inline(never)]
    pub(crate) fn roles(&self) -> StorageGuard<'_, Roles> {
        self.words.part(ROLES)
    }

    #[inline(never)]
    pub(crate) fn roles_mut(&mut self) -> StorageGuardMut<'_, Roles> {
        self.words.part_mut(ROLES)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A token on chain keeps what it stored: a place that moves is another storage layout.
    #[test]
    fn no_place_of_storage_moves() {
        assert_eq!(
            [SETTINGS, THRESHOLDS, TOTAL_SUPPLY, SUPPLY_CAP],
            [0, 1, 2, 3]
        );
        assert_eq!([MAX_PER_INVESTOR, MIN_HOLDING, GRANULARITY], [4, 5, 6]);
        assert_eq!([COUNTRIES, CLASSES, GROUPS, GROUP_RULES], [8, 16, 256, 512]);
        let maps = [ACCOUNTS, INVESTORS, INVESTOR_INDICES, ALLOWANCES];
        assert_eq!(maps, [16_896, 33_792, 50_688, 50_689]);
        assert_eq!(
            [NAME, SYMBOL, ISIN, ROLES],
            [50_690, 50_692, 50_694, 50_696]
        );
    }
}
