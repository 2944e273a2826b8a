//! 256-bit words: constants that stay out of the data segment, and integers as big-endian bytes.

use alloy_primitives::{B256, U256};

/// A 32-byte constant (`[u8; 32]`, known at compile time) as a [`B256`].
///
/// A contract pays about 0.75 gas per byte of data segment on every call, whatever that call does. Thirty event
/// signatures would keep 960 bytes there; as integer operands they live in the code, which costs almost nothing.
#[macro_export]
macro_rules! constant_word {
    ($bytes:expr) => {
        $crate::word::word(
            const { $crate::word::quarter($bytes, 0) },
            const { $crate::word::quarter($bytes, 1) },
            const { $crate::word::quarter($bytes, 2) },
            const { $crate::word::quarter($bytes, 3) },
        )
    };
}

/// The word whose big-endian quarters these are.
///
/// Never inlined, so that the quarters stay integer operands: inlined, the compiler would merge them into a constant in
/// the data segment. Used through [`constant_word!`](crate::constant_word).
#[inline(never)]
#[must_use]
pub fn word(first: u64, second: u64, third: u64, fourth: u64) -> B256 {
    let quarters = [
        first.to_be_bytes(),
        second.to_be_bytes(),
        third.to_be_bytes(),
        fourth.to_be_bytes(),
    ];
    B256::try_from(quarters.as_flattened()).unwrap_or_default()
}

/// One big-endian quarter of a 32-byte constant; zero beyond the fourth. For [`constant_word!`](crate::constant_word).
#[must_use]
pub const fn quarter(bytes: [u8; 32], index: usize) -> u64 {
    let (quarters, _) = bytes.as_chunks::<8>();
    let [first, second, third, fourth] = quarters else {
        return 0;
    };
    u64::from_be_bytes(match index {
        0 => *first,
        1 => *second,
        2 => *third,
        3 => *fourth,
        _ => [0; 8],
    })
}

/// An integer as a big-endian word.
pub fn bytes(value: &U256) -> B256 {
    let [fourth, third, second, first] = *value.as_limbs();
    word(first, second, third, fourth)
}

/// A big-endian word as an integer.
#[inline(never)]
pub fn uint(word: &B256) -> U256 {
    let [first, second, third, fourth] = word.0.as_chunks::<8>().0 else {
        return U256::ZERO;
    };
    U256::from_limbs([
        u64::from_be_bytes(*fourth),
        u64::from_be_bytes(*third),
        u64::from_be_bytes(*second),
        u64::from_be_bytes(*first),
    ])
}

/// `2^256 - 1`, kept out of the data segment.
#[inline(never)]
#[must_use]
pub fn largest() -> U256 {
    uint(&word(u64::MAX, u64::MAX, u64::MAX, u64::MAX))
}

/// Whether an integer is zero. The integer type's own comparison goes byte by byte.
#[inline(never)]
#[must_use]
pub fn is_zero(value: &U256) -> bool {
    let [first, second, third, fourth] = value.as_limbs();
    first | second | third | fourth == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_constant_word_is_the_constant(bytes: [u8; 32]) {
            let [a, b, c, d] = [0, 1, 2, 3].map(|index| quarter(bytes, index));
            prop_assert_eq!(word(a, b, c, d), B256::new(bytes));
            prop_assert_eq!(quarter(bytes, 4), 0);
        }

        #[test]
        fn an_integer_survives_its_bytes(limbs: [u64; 4]) {
            let value = U256::from_limbs(limbs);
            prop_assert_eq!(bytes(&value), B256::from(value));
            prop_assert_eq!(uint(&bytes(&value)), value);
        }

        #[test]
        fn only_zero_is_zero(bit in 0..256_usize) {
            prop_assert!(!is_zero(&(U256::from(1) << bit)));
        }
    }

    #[test]
    fn quarters_that_are_alike_do_not_make_zero() {
        for one in 0..4 {
            for other in 0..4 {
                let mut limbs = [0; 4];
                (limbs[one], limbs[other]) = (7, 7);
                assert!(!is_zero(&U256::from_limbs(limbs)), "{one} and {other}");
            }
        }
    }

    #[test]
    fn the_ends_of_the_range_are_what_they_say() {
        assert!(is_zero(&U256::ZERO));
        assert_eq!(largest(), U256::MAX);
    }
}
