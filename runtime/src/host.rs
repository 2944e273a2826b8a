//! Host calls on words as a contract holds them.
//!
//! The SDK takes slots as integers and passes them to the host as bytes. A slot is mostly a hash, so each access of
//! storage converts it twice, which costs a quarter of what reading a warm word does.

use alloy_primitives::{B256, U256};
use stylus_sdk::{host::VM, stylus_core::Host};

use crate::word::{bytes, uint};

/// The remainder of `value` by `modulus`, zero by zero. The host divides: the integer type's own division would cost
/// kilobytes of code.
#[inline(never)]
#[must_use]
pub fn remainder(value: U256, modulus: U256) -> U256 {
    uint(&divide(bytes(&value), &bytes(&modulus)))
}

#[cfg(target_arch = "wasm32")]
mod hooks {
    #[link(wasm_import_module = "vm_hooks")]
    extern "C" {
        pub(super) fn storage_load_bytes32(key: *const u8, dest: *mut u8);
        pub(super) fn storage_cache_bytes32(key: *const u8, value: *const u8);
        pub(super) fn msg_value(value: *mut u8);
        pub(super) fn math_mod(value: *mut u8, modulus: *const u8);
    }
}

/// The word in a slot.
#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code)]
pub(crate) fn load(_: &VM, slot: &B256) -> B256 {
    let mut word = B256::ZERO;
    // SAFETY: the pointers are to 32 bytes each.
    unsafe { hooks::storage_load_bytes32(slot.as_ptr(), word.as_mut_ptr()) };
    word
}

/// Writes the word in a slot to the host's cache, which is flushed before calls and at the end.
#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code)]
pub(crate) fn store(_: &VM, slot: &B256, word: &B256) {
    // SAFETY: the pointers are to 32 bytes each.
    unsafe { hooks::storage_cache_bytes32(slot.as_ptr(), word.as_ptr()) };
}

/// The remainder of big-endian integers, zero by zero.
#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code)]
fn divide(mut value: B256, modulus: &B256) -> B256 {
    // SAFETY: the pointers are to 32 bytes each.
    unsafe { hooks::math_mod(value.as_mut_ptr(), modulus.as_ptr()) };
    value
}

/// Whether the call sends ether.
#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code)]
pub fn sends_ether(_: &dyn Host) -> bool {
    let mut value = [0_u64; 4];
    // SAFETY: the pointer is to 32 bytes.
    unsafe { hooks::msg_value(value.as_mut_ptr().cast()) };
    value.into_iter().fold(0, |all, quarter| all | quarter) != 0
}

/// Records that the constructor ran and returns whether this is the first time: what the SDK's `ConstructorGuard` does,
/// without its slot in the data segment.
#[cfg(target_arch = "wasm32")]
pub fn is_first_construction<T>(_: &T) -> bool {
    let [fourth, third, second, first] =
        *stylus_sdk::abi::internal::CONSTRUCTOR_EXECUTED_SLOT.as_limbs();
    let slot = crate::word::word(first, second, third, fourth);
    let vm = VM(stylus_sdk::host::WasmVM {});
    // The SDK keeps the flag in the first byte.
    if load(&vm, &slot).first() != Some(&0) {
        return false;
    }
    store(&vm, &slot, &B256::right_padding_from(&[1]));
    true
}

#[cfg(not(target_arch = "wasm32"))]
use self::native::divide;
#[cfg(not(target_arch = "wasm32"))]
pub use self::native::{is_first_construction, sends_ether};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use self::native::{load, store};

/// The same through the SDK, whose host a test can replace.
#[cfg(not(target_arch = "wasm32"))]
mod native {
    use alloy_primitives::U256;
    use stylus_sdk::{
        storage::{GlobalStorage, StorageCache},
        stylus_core::ConstructorGuard,
    };

    use super::{B256, Host, VM};

    /// Records that the constructor ran and returns whether this is the first time.
    pub fn is_first_construction(contract: &impl ConstructorGuard) -> bool {
        contract.check_constructor_slot().is_ok()
    }

    /// Whether the call sends ether.
    pub fn sends_ether(vm: &dyn Host) -> bool {
        !vm.msg_value().is_zero()
    }

    pub(crate) fn load(host: &VM, slot: &B256) -> B256 {
        StorageCache::get_word(host.clone(), U256::from_be_bytes(slot.0))
    }

    #[allow(unsafe_code)]
    pub(crate) fn store(host: &VM, slot: &B256, word: &B256) {
        // SAFETY: the callers' accessors borrow their slots uniquely.
        unsafe { StorageCache::set_word(host.clone(), U256::from_be_bytes(slot.0), *word) }
    }

    pub(super) fn divide(value: B256, modulus: &B256) -> B256 {
        let [value, modulus] = [&value, modulus].map(|word| U256::from_be_bytes(word.0));
        B256::from(value.checked_rem(modulus).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_remainder_is_that_of_the_integer_type(value: [u64; 4], modulus: [u64; 4]) {
            let [value, modulus] = [value, modulus].map(U256::from_limbs);
            let expected = value.checked_rem(modulus).unwrap_or_default();
            prop_assert_eq!(remainder(value, modulus), expected);
        }
    }

    #[test]
    fn a_remainder_by_zero_is_zero() {
        assert_eq!(remainder(U256::MAX, U256::ZERO), U256::ZERO);
    }
}
