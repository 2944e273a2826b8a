//! A security's entry in the list, one word: address 20, zero 9, number 2, flags 1.
//!
//! The same word is stored under the address (for registration) and under the number (for settlement, where an order
//! holds only the number), so that either costs one read. It is written in one place, `listSecurity`.

use alloy_primitives::{Address, B256};

const LISTED: u8 = 0b1;
const CHECKS_SPENDER: u8 = 0b10;
const HOLDS: u8 = 0b100;

/// What is known of a security.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    /// The token.
    pub(crate) security: Address,
    /// Its number, from 1; 0 when it was never listed.
    pub(crate) number: u16,
    /// Whether its orders may be registered and settled now.
    pub(crate) listed: bool,
    /// Whether it answers `detectTransferRestrictionFrom`; asked when it was listed.
    pub(crate) checks_spender: bool,
    /// Whether it has holds; asked when it was listed.
    pub(crate) holds: bool,
}

impl Listing {
    /// The stored word.
    pub(crate) fn pack(&self) -> B256 {
        let mut word = [0; 32];
        word[..20].copy_from_slice(self.security.as_slice());
        word[29..31].copy_from_slice(&self.number.to_be_bytes());
        if self.listed {
            word[31] |= LISTED;
        }
        if self.checks_spender {
            word[31] |= CHECKS_SPENDER;
        }
        if self.holds {
            word[31] |= HOLDS;
        }
        B256::new(word)
    }

    /// The entry in a stored word.
    pub(crate) fn unpack(word: B256) -> Self {
        let word = word.0;
        Self {
            security: Address::from_slice(&word[..20]),
            number: u16::from_be_bytes([word[29], word[30]]),
            listed: word[31] & LISTED != 0,
            checks_spender: word[31] & CHECKS_SPENDER != 0,
            holds: word[31] & HOLDS != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn listing_survives_storage(
            security: [u8; 20],
            number: u16,
            listed: bool,
            checks_spender: bool,
            holds: bool,
        ) {
            let security = Address::new(security);
            let listing = Listing { security, number, listed, checks_spender, holds };
            prop_assert_eq!(Listing::unpack(listing.pack()), listing);
        }
    }

    #[test]
    fn nothing_stored_is_an_unlisted_security() {
        assert_eq!(Listing::unpack(B256::ZERO), Listing::default());
    }
}
