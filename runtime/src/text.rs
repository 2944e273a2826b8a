//! Strings as contracts keep them: bytes that nobody interprets.
//!
//! Rust's `String` checks for UTF-8, which needs a table of 256 bytes in the data segment, and the SDK's storage string
//! divides 256-bit numbers, which needs another of 512. Every call would pay for both.

use alloc::vec::Vec;

use alloy_primitives::{B256, U256, keccak256};
use stylus_sdk::{
    prelude::*,
    storage::{StorageB256, StorageMap},
};

/// The bytes of a string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(pub Vec<u8>);

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

/// Declares a function from a number to its message, at most 64 bytes each.
///
/// The messages are integer constants in the code: as strings they would be in the data segment, for which every call
/// of the contract pays.
///
/// ```
/// extern crate alloc;
///
/// runtime::messages! {
///     /// The message of a code.
///     fn message {
///         0 => "SUCCESS",
///         2 => "The transfer was restricted due to the contract being paused.",
///         _ => "Unknown restriction code",
///     }
/// }
///
/// assert_eq!(message(0), "SUCCESS".into());
/// assert_eq!(message(9), "Unknown restriction code".into());
/// ```
#[macro_export]
macro_rules! messages {
    ($(#[$attribute:meta])* $visibility:vis fn $name:ident { $($number:pat => $words:literal,)* }) => {
        $(#[$attribute])*
        $visibility fn $name(number: u8) -> $crate::text::Text {
            let (length, first, second) = match number {
                $($number => (
                    $words.len(),
                    $crate::constant_word!($crate::text::chunk($words, 0)),
                    if $words.len() > 32 {
                        $crate::constant_word!($crate::text::chunk($words, 32))
                    } else {
                        alloy_primitives::B256::ZERO
                    },
                ),)*
            };
            $crate::text::joined(length, first, second)
        }
    };
}

/// The 32 bytes of `words` from `start` on, padded with zeros; for constants.
///
/// # Panics
///
/// When compiled: `words` are longer than two chunks.
#[must_use]
pub const fn chunk(words: &str, start: usize) -> [u8; 32] {
    assert!(words.len() <= 64, "words longer than two chunks");
    let mut chunk = [0; 32];
    if let Some((_, mut bytes)) = words.as_bytes().split_at_checked(start) {
        let mut places: &mut [u8] = &mut chunk;
        while let Some((byte, rest)) = bytes.split_first() {
            let Some((place, others)) = { places }.split_first_mut() else {
                break;
            };
            *place = *byte;
            (bytes, places) = (rest, others);
        }
    }
    chunk
}

/// The first `length` bytes of two chunks.
#[inline(never)]
#[must_use]
pub fn joined(length: usize, first: B256, second: B256) -> Text {
    let mut text = Vec::with_capacity(64);
    text.extend_from_slice(first.as_slice());
    text.extend_from_slice(second.as_slice());
    text.truncate(length);
    Text(text)
}

/// A stored string: up to 31 bytes in one slot, as Solidity keeps them; longer ones in a word for every 32 bytes.
#[storage]
pub struct StorageText {
    /// The bytes and twice their number in the last byte, or, when they are more than 31, twice their number plus one.
    head: StorageB256,
    chunks: StorageMap<U256, StorageB256>,
}

impl StorageText {
    /// The string.
    #[inline(never)]
    pub fn get(&self) -> Text {
        let head = self.head.get();
        let [.., first, second, third, last] = head.0;
        if last & 1 == 0 {
            let (text, _) = head.split_at(usize::from(last >> 1).min(31));
            return Text(text.to_vec());
        }
        let length = (u32::from_be_bytes([first, second, third, last]) >> 1) as usize;
        let mut text = Vec::with_capacity(length.next_multiple_of(32));
        for chunk in 0..length.div_ceil(32) {
            text.extend_from_slice(self.chunks.get(U256::from(chunk)).as_slice());
        }
        text.truncate(length);
        Text(text)
    }

    /// Stores `text`.
    #[inline(never)]
    #[allow(clippy::cast_possible_truncation, reason = "twice at most 31")]
    pub fn set(&mut self, text: &Text) {
        let bytes = &text.0;
        if bytes.len() < 32 {
            let mut head = B256::right_padding_from(bytes);
            let [.., last] = &mut head.0;
            *last = (bytes.len() << 1) as u8;
            self.head.set(head);
            return;
        }
        self.head.set(B256::from(U256::from(bytes.len() << 1 | 1)));
        for (index, chunk) in bytes.chunks(32).enumerate() {
            self.chunks
                .insert(U256::from(index), B256::right_padding_from(chunk));
        }
    }

    /// Its Keccak-256 hash, as EIP-712 domains use it.
    pub fn hash(&self) -> B256 {
        keccak256(self.get().0)
    }
}

/// The type in an ABI.
#[cfg(any(test, feature = "export-abi", feature = "string-arguments"))]
mod export {
    use alloy_sol_types::{SolType, Word, abi::token::PackedSeqToken, private::SolTypeValue};
    use stylus_sdk::abi::{AbiType, ConstString};

    use super::{Text, Vec};

    impl AbiType for Text {
        type SolType = Self;

        const ABI: ConstString = ConstString::new("string");
        const EXPORT_ABI_ARG: ConstString = ConstString::new("string calldata");
        const EXPORT_ABI_RET: ConstString = ConstString::new("string memory");
    }

    impl SolType for Text {
        type RustType = Self;
        type Token<'a> = PackedSeqToken<'a>;

        const SOL_NAME: &'static str = "string";
        const ENCODED_SIZE: Option<usize> = None;
        const PACKED_ENCODED_SIZE: Option<usize> = None;

        fn valid_token(_: &Self::Token<'_>) -> bool {
            true
        }

        fn detokenize(token: Self::Token<'_>) -> Self {
            Self(token.0.to_vec())
        }
    }

    impl SolTypeValue<Self> for Text {
        fn stv_to_tokens(&self) -> PackedSeqToken<'_> {
            PackedSeqToken(&self.0)
        }

        fn stv_eip712_data_word(&self) -> Word {
            alloy_primitives::keccak256(&self.0)
        }

        fn stv_abi_encode_packed_to(&self, out: &mut Vec<u8>) {
            out.extend_from_slice(&self.0);
        }
    }
}
