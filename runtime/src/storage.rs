//! Words in storage: numbered ones, rows of them by key, and mappings, at the slots where Solidity keeps them.
//!
//! They replace the SDK's arrays and maps, whose conversions between integers and bytes loop over single bytes: half of
//! what a plain transfer would spend on computing.

use alloy_primitives::{B256, U256};
use stylus_sdk::{
    crypto::keccak,
    host::VM,
    storage::{StorageGuard, StorageGuardMut, StorageType},
};

use crate::{
    host,
    word::{bytes, uint},
};

/// Words in storage, numbered from a slot, or rows of such words, one per key.
pub struct Words {
    root: B256,
    host: VM,
}

#[allow(
    clippy::inline_always,
    reason = "slots known when compiled become constants of the code"
)]
impl Words {
    /// The words numbered from slot `root`.
    #[inline(always)]
    fn new(root: U256, host: VM) -> Self {
        let [fourth, third, second, first] = *root.as_limbs();
        let quarters = [first, second, third, fourth].map(u64::to_be_bytes);
        Self {
            root: B256::try_from(quarters.as_flattened()).unwrap_or_default(),
            host,
        }
    }

    /// One word, as an integer.
    #[inline(never)]
    pub fn get(&self, index: usize) -> U256 {
        uint(&self.bytes(index))
    }

    /// Sets one word to an integer.
    #[inline(never)]
    pub fn set(&mut self, index: usize, value: U256) {
        self.set_bytes(index, &bytes(&value));
    }

    /// One word, as bytes.
    #[inline(never)]
    pub fn bytes(&self, index: usize) -> B256 {
        host::load(&self.host, &self.slot(index))
    }

    /// Sets one word to bytes.
    #[inline(never)]
    pub fn set_bytes(&mut self, index: usize, word: &B256) {
        host::store(&self.host, &self.slot(index), word);
    }

    /// The row of `key`, where Solidity keeps the value of a mapping.
    #[inline(never)]
    #[must_use]
    pub fn row(&self, key: B256) -> Self {
        Self {
            root: keccak([key.0, self.root.0].as_flattened()),
            host: self.host.clone(),
        }
    }

    /// The words from a numbered one on.
    #[inline(never)]
    #[must_use]
    pub fn section(&self, index: usize) -> Self {
        Self {
            root: self.slot(index),
            host: self.host.clone(),
        }
    }

    /// A storage type placed at a numbered word, like a field of a contract's storage.
    #[inline(always)]
    pub fn part<T: StorageType>(&self, index: usize) -> StorageGuard<'_, T> {
        StorageGuard::new(self.place(index))
    }

    /// The same, for writing.
    #[inline(always)]
    pub fn part_mut<T: StorageType>(&mut self, index: usize) -> StorageGuardMut<'_, T> {
        StorageGuardMut::new(self.place(index))
    }

    #[inline(always)]
    #[allow(unsafe_code)]
    fn place<T: StorageType>(&self, index: usize) -> T {
        // SAFETY: the callers' guards borrow these words as what they return does.
        unsafe { T::new(uint(&self.slot(index)), 0, self.host.clone()) }
    }

    /// The slot of a word: `index` slots after the root, in big-endian bytes.
    fn slot(&self, index: usize) -> B256 {
        let mut slot = self.root;
        if index == 0 {
            return slot;
        }
        let Some((head, tail)) = slot.0.split_last_chunk_mut::<8>() else {
            return slot;
        };
        let (sum, mut carry) = u64::from_be_bytes(*tail).overflowing_add(index as u64);
        *tail = sum.to_be_bytes();
        for byte in head.iter_mut().rev() {
            if !carry {
                break;
            }
            (*byte, carry) = byte.overflowing_add(1);
        }
        slot
    }
}

/// One word in storage.
pub struct Word(Words);

impl Word {
    /// The word, as an integer.
    pub fn get(&self) -> U256 {
        self.0.get(0)
    }

    /// Sets the word to an integer.
    pub fn set(&mut self, value: U256) {
        self.0.set(0, value);
    }

    /// The word, as bytes.
    pub fn bytes(&self) -> B256 {
        self.0.bytes(0)
    }

    /// Sets the word to bytes.
    pub fn set_bytes(&mut self, word: &B256) {
        self.0.set_bytes(0, word);
    }
}

/// A mapping in storage: Solidity's `mapping(bytes32 => uint256)`, or one of other types that are padded to words.
pub struct WordMap(Words);

impl WordMap {
    /// The value at `key`, zero where nothing was stored.
    #[inline(never)]
    pub fn get(&self, key: B256) -> U256 {
        self.0.row(key).get(0)
    }

    /// Stores `value` at `key`.
    #[inline(never)]
    pub fn set(&mut self, key: B256, value: U256) {
        self.0.row(key).set(0, value);
    }

    /// The mapping at `key`, where this is a mapping of mappings.
    #[inline(never)]
    #[must_use]
    pub fn at(&self, key: B256) -> Self {
        Self(self.0.row(key))
    }
}

/// Lets the SDK place a type that occupies a root slot in a contract's storage.
macro_rules! stored {
    ($name:ident, $make:expr) => {
        impl StorageType for $name {
            type Wraps<'a> = StorageGuard<'a, Self>;
            type WrapsMut<'a> = StorageGuardMut<'a, Self>;

            #[inline(always)]
            #[allow(unsafe_code, clippy::inline_always)]
            unsafe fn new(root: U256, _offset: u8, host: VM) -> Self {
                $make(Words::new(root, host))
            }

            fn load<'s>(self) -> Self::Wraps<'s> {
                StorageGuard::new(self)
            }

            fn load_mut<'s>(self) -> Self::WrapsMut<'s> {
                StorageGuardMut::new(self)
            }
        }
    };
}

stored!(Word, Word);
stored!(WordMap, WordMap);
stored!(Words, core::convert::identity);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stylus_sdk::host::WasmVM;

    use super::*;

    fn words(root: U256) -> Words {
        let host = std::boxed::Box::new(WasmVM {});
        Words::new(root, VM { host })
    }

    /// Any slot, or one from which a count carries far.
    fn root() -> impl Strategy<Value = U256> {
        let any = any::<[u64; 4]>().prop_map(U256::from_limbs);
        let carrying = (0..4_usize, 0..9_u64).prop_map(|(limb, below)| {
            let mut limbs = [0; 4];
            limbs[..=limb].fill(u64::MAX);
            limbs[0] -= below;
            U256::from_limbs(limbs)
        });
        prop_oneof![any, carrying]
    }

    proptest! {
        #[test]
        fn words_are_numbered_from_their_root(root in root(), index in 0..9_usize) {
            let slot = root.wrapping_add(U256::from(index));
            prop_assert_eq!(words(root).slot(index), B256::from(slot));
            prop_assert_eq!(words(root).section(index).root, B256::from(slot));
        }

        #[test]
        fn a_row_stands_where_solidity_keeps_it(root in root(), key: [u8; 32]) {
            let preimage = [key, root.to_be_bytes::<32>()].concat();
            let slot = alloy_primitives::keccak256(preimage);
            prop_assert_eq!(words(root).row(key.into()).root, slot);
        }
    }
}
