//! Mappings from words to words, at the slots where Solidity keeps them.
//!
//! The SDK's `StorageMap` converts between integers and bytes in loops over single bytes, which is half of what a plain
//! transfer would spend on computing; these conversions are straight code.

use alloy_primitives::{B256, U256};
use stylus_sdk::{
    crypto::keccak,
    host::VM,
    storage::{GlobalStorage, StorageCache, StorageGuard, StorageGuardMut, StorageType},
};

use crate::event::word;

/// A mapping in storage: Solidity's `mapping(bytes32 => uint256)`, or of any types that are padded to words alike.
pub struct WordMap {
    root: U256,
    host: VM,
}

impl WordMap {
    /// The value at `key`, zero where nothing was stored.
    #[inline(never)]
    pub fn get(&self, key: B256) -> U256 {
        uint(&StorageCache::get_word(self.host.clone(), self.slot(&key)))
    }

    /// Stores `value` at `key`.
    #[inline(never)]
    #[allow(unsafe_code)]
    pub fn set(&mut self, key: B256, value: U256) {
        // SAFETY: nothing else gives access to the mapping's slots, and this borrows the mapping uniquely.
        unsafe { StorageCache::set_word(self.host.clone(), self.slot(&key), bytes(&value)) }
    }

    /// The mapping at `key`, where this is a mapping of mappings.
    #[inline(never)]
    #[must_use]
    pub fn at(&self, key: B256) -> Self {
        Self {
            root: self.slot(&key),
            host: self.host.clone(),
        }
    }

    fn slot(&self, key: &B256) -> U256 {
        uint(&keccak([key.0, bytes(&self.root).0].as_flattened()))
    }
}

impl StorageType for WordMap {
    type Wraps<'a> = StorageGuard<'a, Self>;
    type WrapsMut<'a> = StorageGuardMut<'a, Self>;

    #[allow(unsafe_code)]
    unsafe fn new(root: U256, _offset: u8, host: VM) -> Self {
        Self { root, host }
    }

    fn load<'s>(self) -> Self::Wraps<'s> {
        StorageGuard::new(self)
    }

    fn load_mut<'s>(self) -> Self::WrapsMut<'s> {
        StorageGuardMut::new(self)
    }
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
