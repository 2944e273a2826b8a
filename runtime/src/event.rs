//! Logs, written topic by topic and word by word.

use alloc::vec::Vec;

use alloy_primitives::{Address, B256, U256};
use stylus_sdk::stylus_core::Host;

use crate::word::bytes;

/// Starts the [`Log`](crate::event::Log) of an event: append its indexed fields, then call
/// [`data`](crate::event::Log::data), then append the others, all in the order of the declaration.
#[macro_export]
macro_rules! log {
    ($event:ty) => {
        $crate::event::Log::new($crate::constant_word!(
            <$event as alloy_sol_types::SolEvent>::SIGNATURE_HASH.0
        ))
    };
}

/// A log under construction: topics, [`data`](Self::data), the remaining words, [`emit`](Self::emit).
///
/// Every emitting place calls these shared functions; an event type's own encoding would be spelled out at each of them.
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

    /// Ends the topics: what follows is not indexed. Without this call the log has topics only.
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
