//! Encoding what a caller gets back: an answer or an error.

use alloc::vec::Vec;

use alloy_primitives::{Address, B256, U256};

use crate::{
    text::Text,
    word::{bytes, word},
};

/// Encodes values as Solidity does: a head of words, then the tail of what has no fixed length.
#[derive(Default)]
pub struct Encoder {
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Encoder {
    /// Appends one word.
    #[inline(never)]
    pub fn word(&mut self, word: B256) {
        self.head.extend_from_slice(word.as_slice());
    }

    /// An error's encoder: the selector precedes the head.
    #[inline(never)]
    #[must_use]
    pub fn error(selector: u32) -> Self {
        Self {
            head: selector.to_be_bytes().to_vec(),
            tail: Vec::new(),
        }
    }

    /// Appends an address.
    #[inline(never)]
    pub fn address(&mut self, address: Address) {
        self.word(address.into_word());
    }

    /// Appends an unsigned integer.
    #[inline(never)]
    pub fn uint(&mut self, value: U256) {
        self.word(bytes(&value));
    }

    /// Appends an integer.
    #[inline(never)]
    pub fn integer(&mut self, value: u64) {
        self.word(word(0, 0, 0, value));
    }

    /// Appends a string; `words` is the number of words in the whole head.
    pub fn text(&mut self, text: impl AsRef<[u8]>, words: usize) {
        self.string(text.as_ref(), words);
    }

    #[inline(never)]
    fn string(&mut self, text: &[u8], words: usize) {
        self.offset(words);
        self.tail
            .extend_from_slice(&U256::from(text.len()).to_be_bytes::<32>());
        self.tail.extend_from_slice(text);
        self.tail.resize(self.tail.len().next_multiple_of(32), 0);
    }

    /// Appends the offset of the next item in the tail.
    fn offset(&mut self, words: usize) {
        // Lengths of memory have 32 bits, so the sum fits.
        let offset = (words as u64)
            .wrapping_mul(32)
            .wrapping_add(self.tail.len() as u64);
        self.integer(offset);
    }

    /// The encoded bytes.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.head.extend_from_slice(&self.tail);
        self.head
    }
}

/// A type that a function may return.
pub trait Return {
    /// Writes the value.
    fn write(self, encoder: &mut Encoder);
}

impl Return for () {
    fn write(self, _: &mut Encoder) {}
}

impl Return for bool {
    fn write(self, encoder: &mut Encoder) {
        encoder.integer(self.into());
    }
}

impl Return for u8 {
    fn write(self, encoder: &mut Encoder) {
        encoder.integer(self.into());
    }
}

impl Return for u16 {
    fn write(self, encoder: &mut Encoder) {
        encoder.integer(self.into());
    }
}

impl Return for u64 {
    fn write(self, encoder: &mut Encoder) {
        encoder.integer(self);
    }
}

impl Return for U256 {
    fn write(self, encoder: &mut Encoder) {
        encoder.uint(self);
    }
}

impl Return for B256 {
    fn write(self, encoder: &mut Encoder) {
        encoder.word(self);
    }
}

impl Return for Address {
    fn write(self, encoder: &mut Encoder) {
        encoder.address(self);
    }
}

impl Return for Text {
    fn write(self, encoder: &mut Encoder) {
        encoder.text(self, 1);
    }
}

impl<A: Return, B: Return> Return for (A, B) {
    /// Only for types of fixed length: the offsets of others would not count the whole head.
    fn write(self, encoder: &mut Encoder) {
        self.0.write(encoder);
        self.1.write(encoder);
    }
}

impl<A: Return, B: Return, C: Return> Return for (A, B, C) {
    /// Only for types of fixed length: the offsets of others would not count the whole head.
    fn write(self, encoder: &mut Encoder) {
        self.0.write(encoder);
        self.1.write(encoder);
        self.2.write(encoder);
    }
}

/// Why a call reverts: an encoded error, which becomes the revert data.
///
/// Methods return this instead of an enum of all errors, which is a hundred bytes to copy at every `?`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revert(pub Vec<u8>);

impl From<Revert> for Vec<u8> {
    fn from(revert: Revert) -> Self {
        revert.0
    }
}

/// What a method may give back: a value, or a [`Revert`].
pub trait Outcome {
    /// The bytes to return or to revert with.
    ///
    /// # Errors
    ///
    /// The revert data.
    fn encode(self) -> Result<Vec<u8>, Vec<u8>>;
}

impl<T: Return> Outcome for T {
    #[inline(never)]
    fn encode(self) -> Result<Vec<u8>, Vec<u8>> {
        let mut encoder = Encoder {
            head: Vec::with_capacity(32),
            tail: Vec::new(),
        };
        self.write(&mut encoder);
        Ok(encoder.finish())
    }
}

impl<T: Return, E: Into<Vec<u8>>> Outcome for Result<T, E> {
    #[inline(never)]
    fn encode(self) -> Result<Vec<u8>, Vec<u8>> {
        self.map_err(Into::into)?.encode()
    }
}
