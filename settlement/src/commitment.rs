//! What an order is committed to, one word: until 5, the first 27 bytes of the other order's id.
//!
//! The word is stored from the commitment until the pair settles or is released. Nobody can make two orders whose ids
//! share 216 bits.

use alloy_primitives::{B256, FixedBytes};

/// The longest commitment, in seconds: 72 hours.
pub(crate) const MAX_DURATION: u64 = 72 * 60 * 60;

/// A commitment, from the point of view of one of its two orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Commitment {
    /// Unix second from which on it binds nothing, below `2^40`.
    pub(crate) until: u64,
    /// The first bytes of the other order's id.
    pub(crate) other: FixedBytes<27>,
}

impl Commitment {
    /// The commitment to the order `other`.
    pub(crate) fn new(until: u64, other: B256) -> Self {
        Self {
            until,
            other: prefix(other),
        }
    }

    /// Whether it is to the order `id`.
    pub(crate) fn is_to(&self, id: B256) -> bool {
        self.other == prefix(id)
    }

    /// The stored word.
    pub(crate) fn pack(&self) -> B256 {
        let mut word = [0; 32];
        word[..5].copy_from_slice(&self.until.to_be_bytes()[3..]);
        word[5..].copy_from_slice(self.other.as_slice());
        B256::new(word)
    }

    /// The commitment in a stored word.
    pub(crate) fn unpack(word: B256) -> Self {
        let mut until = [0; 8];
        until[3..].copy_from_slice(&word.0[..5]);
        Self {
            until: u64::from_be_bytes(until),
            other: FixedBytes::from_slice(&word.0[5..]),
        }
    }
}

fn prefix(id: B256) -> FixedBytes<27> {
    FixedBytes::from_slice(&id.0[..27])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn commitment_survives_storage(until in 0u64..1 << 40, other: [u8; 32]) {
            let commitment = Commitment::new(until, other.into());
            prop_assert_eq!(Commitment::unpack(commitment.pack()), commitment);
            prop_assert_eq!(commitment.until, until);
            prop_assert_eq!(commitment.other.as_slice(), &other[..27]);
        }

        #[test]
        fn commitment_is_to_the_order_it_names(id: [u8; 32], changed in 0..27_usize) {
            let commitment = Commitment::new(1, id.into());
            prop_assert!(commitment.is_to(id.into()));
            let mut another = id;
            another[changed] ^= 1;
            prop_assert!(!commitment.is_to(another.into()));
        }
    }

    #[test]
    fn nothing_stored_is_no_commitment() {
        assert_eq!(Commitment::unpack(B256::ZERO), Commitment::default());
    }
}
