//! What is stored for an account, in one word: its balance, which places of its row of holds are taken, and whether it is
//! blacklisted.
//!
//! | bits | |
//! | --- | --- |
//! | 255 | blacklisted |
//! | 247 to 254 | a bit for each of the 8 places that a hold may take ([`holds`](crate::holds)), the first the lowest |
//! | 0 to 246 | the balance |
//!
//! Neither the blacklist nor the absence of holds costs a storage read beyond the balance's own. A balance fits below the
//! bits because the supply never exceeds [`MAX_SUPPLY`] (and by I7 no balance exceeds the supply).

use alloy_primitives::U256;

/// The most coins there can be, in base units: 2^247 - 1.
pub(crate) const MAX_SUPPLY: U256 =
    U256::from_limbs([u64::MAX, u64::MAX, u64::MAX, u64::MAX >> FLAGS]);

/// Bits above the balance.
const FLAGS: u32 = 9;

/// Of the word's highest quarter.
const BLACKLISTED: u64 = 1 << 63;
const FIRST_PLACE: u32 = 55;

/// Balance, places and blacklist bit of one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BalanceWord(pub(crate) U256);

impl BalanceWord {
    /// Base units held, those on hold included.
    pub(crate) fn balance(self) -> U256 {
        let [first, second, third, high] = *self.0.as_limbs();
        U256::from_limbs([first, second, third, high << FLAGS >> FLAGS])
    }

    pub(crate) fn is_blacklisted(self) -> bool {
        self.high() & BLACKLISTED != 0
    }

    #[must_use]
    pub(crate) fn with_blacklisted(self, blacklisted: bool) -> Self {
        let bit = if blacklisted { BLACKLISTED } else { 0 };
        self.with_high(self.high() & !BLACKLISTED | bit)
    }

    /// The places that are taken, the first in the lowest bit; a hold there may have lapsed.
    pub(crate) fn places(self) -> u8 {
        (self.high() << 1 >> 1 >> FIRST_PLACE) as u8
    }

    #[must_use]
    pub(crate) fn with_places(self, places: u8) -> Self {
        let others = self.high() & !(u64::from(u8::MAX) << FIRST_PLACE);
        self.with_high(others | u64::from(places) << FIRST_PLACE)
    }

    /// This account with `value` more, or `None` when that is more than can exist.
    pub(crate) fn credited(self, value: U256) -> Option<Self> {
        let room = MAX_SUPPLY.wrapping_sub(self.balance());
        (value <= room).then(|| Self(self.0.wrapping_add(value)))
    }

    fn high(self) -> u64 {
        let [.., high] = *self.0.as_limbs();
        high
    }

    fn with_high(self, high: u64) -> Self {
        let [first, second, third, _] = *self.0.as_limbs();
        Self(U256::from_limbs([first, second, third, high]))
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
        fn the_parts_stand_where_the_table_says(word in word()) {
            prop_assert_eq!(word.is_blacklisted(), word.0.bit(255));
            prop_assert_eq!(U256::from(word.places()), word.0 << 1 >> 248);
            prop_assert_eq!(word.balance(), word.0 << 9 >> 9);
        }

        #[test]
        fn the_parts_do_not_touch_each_other(word in word(), bit: bool, places: u8) {
            let changed = word.with_blacklisted(bit).with_places(places);
            prop_assert_eq!(changed.is_blacklisted(), bit);
            prop_assert_eq!(changed.places(), places);
            prop_assert_eq!(changed.balance(), word.balance());
            prop_assert_eq!(word.with_places(places).is_blacklisted(), word.is_blacklisted());
            prop_assert_eq!(word.with_blacklisted(bit).places(), word.places());
        }

        #[test]
        fn a_credit_is_exact_or_refused(word in word(), value in amount()) {
            let exact = word.balance().checked_add(value).filter(|sum| *sum <= MAX_SUPPLY);
            prop_assert_eq!(word.credited(value).map(BalanceWord::balance), exact);
            if let Some(changed) = word.credited(value) {
                prop_assert_eq!(changed.is_blacklisted(), word.is_blacklisted());
                prop_assert_eq!(changed.places(), word.places());
            }
        }
    }

    #[test]
    fn no_account_is_credited_beyond_the_largest_supply() {
        assert_eq!(MAX_SUPPLY, (U256::from(1) << 247) - U256::from(1));
        let full = BalanceWord(MAX_SUPPLY);
        assert_eq!(full.credited(U256::from(1)), None);
        assert_eq!(full.credited(U256::ZERO), Some(full));
        assert_eq!(
            full.with_blacklisted(true).with_places(u8::MAX).0,
            U256::MAX
        );
    }
}
