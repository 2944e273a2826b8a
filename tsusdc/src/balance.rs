//! What is stored for an account: its balance and, in the top bit of the same word, whether it is blacklisted.
//!
//! Checking the blacklist so costs no storage read beyond the balance's own. A balance fits below the bit because the
//! supply never exceeds [`MAX_SUPPLY`] (and by I7 no balance exceeds the supply).

use alloy_primitives::U256;

/// The most coins there can be, in base units: 2^255 - 1.
pub(crate) const MAX_SUPPLY: U256 = U256::from_limbs([u64::MAX, u64::MAX, u64::MAX, u64::MAX >> 1]);

const BLACKLISTED: usize = 255;

/// Balance and blacklist bit of one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BalanceWord(pub(crate) U256);

impl BalanceWord {
    /// Base units held.
    pub(crate) fn balance(self) -> U256 {
        self.with_blacklisted(false).0
    }

    pub(crate) fn is_blacklisted(self) -> bool {
        self.0.bit(BLACKLISTED)
    }

    #[must_use]
    pub(crate) fn with_blacklisted(mut self, blacklisted: bool) -> Self {
        self.0.set_bit(BLACKLISTED, blacklisted);
        self
    }

    /// This account with `value` more, or `None` when that is more than can exist.
    pub(crate) fn credited(self, value: U256) -> Option<Self> {
        let balance = self
            .balance()
            .checked_add(value)
            .filter(|balance| *balance <= MAX_SUPPLY)?;
        Some(Self(balance).with_blacklisted(self.is_blacklisted()))
    }

    /// This account with `value` less, or `None` when it holds less than that.
    pub(crate) fn debited(self, value: U256) -> Option<Self> {
        let balance = self.balance().checked_sub(value)?;
        Some(Self(balance).with_blacklisted(self.is_blacklisted()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn word() -> impl Strategy<Value = BalanceWord> {
        any::<[u64; 4]>().prop_map(|limbs| BalanceWord(U256::from_limbs(limbs)))
    }

    fn amount() -> impl Strategy<Value = U256> {
        prop_oneof![
            any::<[u64; 4]>().prop_map(U256::from_limbs),
            any::<u64>().prop_map(U256::from),
            Just(MAX_SUPPLY),
        ]
    }

    proptest! {
        #[test]
        fn the_bit_and_the_balance_do_not_touch_each_other(word in word(), bit: bool) {
            let changed = word.with_blacklisted(bit);
            prop_assert_eq!(changed.is_blacklisted(), bit);
            prop_assert_eq!(changed.balance(), word.balance());
            prop_assert!(word.balance() <= MAX_SUPPLY);
        }

        #[test]
        fn credit_and_debit_are_exact_or_refused(word in word(), value in amount()) {
            let exact = word.balance().checked_add(value).filter(|sum| *sum <= MAX_SUPPLY);
            prop_assert_eq!(word.credited(value).map(BalanceWord::balance), exact);
            prop_assert_eq!(word.debited(value).map(BalanceWord::balance), word.balance().checked_sub(value));
            for changed in [word.credited(value), word.debited(value)].into_iter().flatten() {
                prop_assert_eq!(changed.is_blacklisted(), word.is_blacklisted());
            }
        }
    }

    #[test]
    fn no_account_is_credited_beyond_the_largest_supply() {
        let full = BalanceWord(MAX_SUPPLY);
        assert_eq!(full.credited(U256::from(1)), None);
        assert_eq!(full.with_blacklisted(true).0, U256::MAX);
    }
}
