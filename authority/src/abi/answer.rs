//! Writing what a caller gets back.

use alloc::{string::String, vec::Vec};
use alloy_primitives::{Address, B256, U256};

use crate::{event::word, text::Text, words::bytes};

/// Writes an answer as Solidity would return it: words first, then what has no fixed length.
#[derive(Default)]
pub struct Answer {
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Answer {
    /// Appends one word.
    #[inline(never)]
    pub fn word(&mut self, word: B256) {
        self.head.extend_from_slice(word.as_slice());
    }

    /// An answer that is an error: its selector, then its fields.
    #[inline(never)]
    #[must_use]
    pub fn refusal(selector: u32) -> Self {
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

    /// Appends a string; `words` is how many words the whole head has.
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

    /// Appends where the next item without fixed length starts.
    fn offset(&mut self, words: usize) {
        self.integer((32 * words + self.tail.len()) as u64);
    }

    /// The bytes to return.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.head.extend_from_slice(&self.tail);
        self.head
    }
}

/// A type that a function may return.
pub trait Return {
    /// Writes the value.
    fn write(self, answer: &mut Answer);
}

impl Return for () {
    fn write(self, _: &mut Answer) {}
}

impl Return for bool {
    fn write(self, answer: &mut Answer) {
        answer.integer(self.into());
    }
}

impl Return for u8 {
    fn write(self, answer: &mut Answer) {
        answer.integer(self.into());
    }
}

impl Return for u64 {
    fn write(self, answer: &mut Answer) {
        answer.integer(self);
    }
}

impl Return for U256 {
    fn write(self, answer: &mut Answer) {
        answer.uint(self);
    }
}

impl Return for B256 {
    fn write(self, answer: &mut Answer) {
        answer.word(self);
    }
}

impl Return for Address {
    fn write(self, answer: &mut Answer) {
        answer.address(self);
    }
}

impl Return for String {
    fn write(self, answer: &mut Answer) {
        answer.text(self, 1);
    }
}

impl Return for Text {
    fn write(self, answer: &mut Answer) {
        answer.text(self, 1);
    }
}

impl<A: Return, B: Return, C: Return> Return for (A, B, C) {
    /// Only for types of fixed length, which is what the contracts return three of.
    fn write(self, answer: &mut Answer) {
        self.0.write(answer);
        self.1.write(answer);
        self.2.write(answer);
    }
}

impl Return for crate::domain::Eip712Domain {
    fn write(self, answer: &mut Answer) {
        let (fields, name, version, chain_id, contract, salt, extensions) = self;
        answer.word(B256::right_padding_from(fields.as_slice()));
        answer.text(&name, 7);
        answer.text(&version, 7);
        chain_id.write(answer);
        contract.write(answer);
        salt.write(answer);
        answer.offset(7);
        answer
            .tail
            .extend_from_slice(&U256::from(extensions.len()).to_be_bytes::<32>());
        for extension in extensions {
            answer
                .tail
                .extend_from_slice(&extension.to_be_bytes::<32>());
        }
    }
}

/// Why a call is refused: an encoded error, which becomes the revert data.
///
/// Methods pass this on instead of an enum of all errors, which is a hundred bytes to copy at every `?`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(pub Vec<u8>);

impl From<Refusal> for Vec<u8> {
    fn from(refusal: Refusal) -> Self {
        refusal.0
    }
}

/// What a method may give back: an answer, or a refusal that becomes the revert data.
pub trait Outcome {
    /// The bytes to return or to revert with.
    ///
    /// # Errors
    ///
    /// The refusal, encoded.
    fn encode(self) -> Result<Vec<u8>, Vec<u8>>;
}

impl<T: Return> Outcome for T {
    #[inline(never)]
    fn encode(self) -> Result<Vec<u8>, Vec<u8>> {
        let mut answer = Answer {
            head: Vec::with_capacity(32),
            tail: Vec::new(),
        };
        self.write(&mut answer);
        Ok(answer.finish())
    }
}

impl<T: Return, E: Into<Vec<u8>>> Outcome for Result<T, E> {
    #[inline(never)]
    fn encode(self) -> Result<Vec<u8>, Vec<u8>> {
        self.map_err(Into::into)?.encode()
    }
}
