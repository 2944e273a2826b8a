//! Reading what a caller sent.

use alloc::vec::Vec;

use alloy_primitives::{Address, B256, FixedBytes, U256};
use stylus_sdk::abi::Bytes;

use crate::{text::Text, word::uint};

/// Reads the arguments of a call one after the other. Bytes after the last one are ignored, as in Solidity.
pub struct Arguments<'a> {
    data: &'a [u8],
    position: usize,
}

impl<'a> Arguments<'a> {
    /// The arguments encoded in `data`, which is the calldata after the selector.
    #[must_use]
    pub const fn new(data: &'a [u8]) -> Self {
        Self { data, position: 0 }
    }

    /// The next argument, or `None` when it is missing or not a valid encoding of its type.
    pub fn take<T: Argument>(&mut self) -> Option<T> {
        T::take(self)
    }

    /// How many bytes the arguments are encoded in.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.data.len()
    }

    /// The reader of the next argument, of no fixed length, whose place the next word says: an array, or a struct that
    /// holds one. Places in it are counted from its own beginning.
    pub fn nested(&mut self) -> Option<Self> {
        let place = usize::try_from(self.integer()?).ok()?;
        Some(Self::new(self.data.get(place..)?))
    }

    /// The reader of what follows, places in it counted from here: the items of an array, after its length.
    #[must_use]
    pub fn rest(&self) -> Option<Self> {
        Some(Self::new(self.data.get(self.position..)?))
    }

    /// The next 32 bytes.
    #[inline(never)]
    fn word(&mut self) -> Option<B256> {
        let end = self.position.checked_add(32)?;
        let word = self.data.get(self.position..end)?;
        self.position = end;
        B256::try_from(word).ok()
    }

    /// The next word as an integer of at most 64 bits.
    #[inline(never)]
    fn integer(&mut self) -> Option<u64> {
        u64::try_from(uint(&self.word()?)).ok()
    }

    /// The next word as the position and length of an array, and the reader of its items.
    #[inline(never)]
    fn array(&mut self) -> Option<(usize, Self)> {
        let position = usize::try_from(self.integer()?).ok()?;
        let mut items = Self {
            data: self.data,
            position,
        };
        let length = usize::try_from(items.integer()?).ok()?;
        Some((length, items))
    }

    /// The next word as the position of a byte string.
    #[inline(never)]
    fn bytes(&mut self) -> Option<Vec<u8>> {
        let (length, items) = self.array()?;
        let end = items.position.checked_add(length)?;
        Some(self.data.get(items.position..end)?.to_vec())
    }
}

/// A type that a function may take.
pub trait Argument: Sized {
    /// Reads the next argument.
    fn take(arguments: &mut Arguments) -> Option<Self>;
}

impl Argument for B256 {
    fn take(arguments: &mut Arguments) -> Option<Self> {
        arguments.word()
    }
}

impl Argument for U256 {
    fn take(arguments: &mut Arguments) -> Option<Self> {
        Some(uint(&arguments.word()?))
    }
}

impl Argument for Address {
    #[inline(never)]
    fn take(arguments: &mut Arguments) -> Option<Self> {
        let word = arguments.word()?;
        // Twelve bytes of padding: a word and a half of the machine's.
        let (high, rest) = word.split_first_chunk()?;
        let low = rest.first_chunk()?;
        if u64::from_ne_bytes(*high) != 0 || u32::from_ne_bytes(*low) != 0 {
            return None;
        }
        Some(Address::from_word(word))
    }
}

impl Argument for u64 {
    fn take(arguments: &mut Arguments) -> Option<Self> {
        arguments.integer()
    }
}

impl Argument for u8 {
    fn take(arguments: &mut Arguments) -> Option<Self> {
        arguments.integer()?.try_into().ok()
    }
}

impl Argument for u16 {
    fn take(arguments: &mut Arguments) -> Option<Self> {
        arguments.integer()?.try_into().ok()
    }
}

impl Argument for u32 {
    fn take(arguments: &mut Arguments) -> Option<Self> {
        arguments.integer()?.try_into().ok()
    }
}

impl Argument for bool {
    fn take(arguments: &mut Arguments) -> Option<Self> {
        match arguments.integer()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Argument for FixedBytes<4> {
    fn take(arguments: &mut Arguments) -> Option<Self> {
        let word = arguments.word()?;
        let (bytes, padding) = word.split_at(4);
        if padding.iter().any(|&byte| byte != 0) {
            return None;
        }
        FixedBytes::try_from(bytes).ok()
    }
}

impl Argument for Bytes {
    fn take(arguments: &mut Arguments) -> Option<Self> {
        arguments.bytes().map(Bytes)
    }
}

impl<T: Argument> Argument for Vec<T> {
    fn take(arguments: &mut Arguments) -> Option<Self> {
        let (length, mut items) = arguments.array()?;
        // No capacity for a length that the calldata may only claim to have.
        let mut list = Vec::new();
        for _ in 0..length {
            list.push(items.take()?);
        }
        Some(list)
    }
}

impl Argument for Text {
    fn take(arguments: &mut Arguments) -> Option<Self> {
        arguments.bytes().map(Text)
    }
}
