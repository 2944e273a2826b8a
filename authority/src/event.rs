//! Emitting typed events without their signature hashes in the data segment.
//!
//! A contract pays about 0.75 gas per byte of data segment on every call, whatever it does. Thirty events would keep
//! 960 bytes of signature hashes there; passed as integer arguments they live in the code, which costs almost nothing.

use alloc::vec::Vec;
use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{abi::token::WordToken, SolEvent, TopicList};
use stylus_sdk::stylus_core::Host;

use crate::words::bytes;

/// Emits `event` as a log of this contract.
#[inline]
pub fn emit<E: SolEvent>(vm: &dyn Host, event: &E) {
    let mut topics = [WordToken::default(); 4];
    // Fails only for more than four topics, which no event can have.
    if event.encode_topics_raw(&mut topics).is_err() {
        return;
    }
    topics[0] = WordToken(constant_word!(E::SIGNATURE_HASH.0));
    let mut data = Vec::new();
    event.encode_data_to(&mut data);
    write(vm, &topics[..E::TopicList::COUNT], &data);
}

#[inline(never)]
fn write(vm: &dyn Host, topics: &[WordToken], data: &[u8]) {
    let mut log = Vec::with_capacity(32 * topics.len() + data.len());
    for topic in topics {
        log.extend_from_slice(topic.0.as_slice());
    }
    log.extend_from_slice(data);
    vm.emit_log(&log, topics.len());
}

/// A log in the making: its topics, then [`data`](Self::data), then its words, then [`emit`](Self::emit).
///
/// The leanest way to emit: where [`emit()`] spells an event's encoding out at every place, this calls shared functions.
pub struct Log {
    bytes: Vec<u8>,
    topics: usize,
}

impl Log {
    /// A log whose first topic is `signature`, usually `constant_word!(Event::SIGNATURE_HASH.0)`.
    #[inline(never)]
    pub fn new(signature: B256) -> Self {
        let mut log = Self {
            bytes: Vec::with_capacity(256),
            topics: 0,
        };
        log.word(signature);
        log
    }

    /// Appends a word.
    #[inline(never)]
    pub fn word(&mut self, word: B256) -> &mut Self {
        self.bytes.extend_from_slice(word.as_slice());
        self
    }

    /// Appends an address.
    #[inline(never)]
    pub fn address(&mut self, address: Address) -> &mut Self {
        self.word(address.into_word())
    }

    /// Appends an unsigned integer.
    #[inline(never)]
    pub fn uint(&mut self, value: U256) -> &mut Self {
        self.word(bytes(&value))
    }

    /// Ends the topics: what follows is not indexed. A log without this has topics only.
    pub fn data(&mut self) -> &mut Self {
        self.topics = self.bytes.len() / 32;
        self
    }

    /// Emits the log.
    #[inline(never)]
    pub fn emit(&self, vm: &dyn Host) {
        let topics = if self.topics == 0 {
            self.bytes.len() / 32
        } else {
            self.topics
        };
        vm.emit_log(&self.bytes, topics);
    }
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

/// One big-endian quarter of a 32-byte constant, for [`constant_word!`](crate::constant_word).
#[must_use]
pub const fn quarter(bytes: [u8; 32], index: usize) -> u64 {
    let mut value = 0;
    let mut i = index * 8;
    while i < index * 8 + 8 {
        value = value << 8 | bytes[i] as u64;
        i += 1;
    }
    value
}
