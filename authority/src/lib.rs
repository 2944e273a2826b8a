//! Who may do what, shared by the contracts of this workspace: roles with a two-step default admin, EIP-712 domains,
//! signature checks for every kind of account, and compact calldata, events, strings and mappings.
//!
//! On wasm32 the crate is `no_std` and brings the panic handler (a trap); a contract that depends on it must not bring
//! its own.
#![cfg_attr(target_arch = "wasm32", no_std)]

#[macro_use]
extern crate alloc;

/// A 32-byte constant (`[u8; 32]`, known at compile time) as a [`B256`](alloy_primitives::B256), kept out of the data
/// segment: see [`event::word`].
#[macro_export]
macro_rules! constant_word {
    ($bytes:expr) => {
        $crate::event::word(
            const { $crate::event::quarter($bytes, 0) },
            const { $crate::event::quarter($bytes, 1) },
            const { $crate::event::quarter($bytes, 2) },
            const { $crate::event::quarter($bytes, 3) },
        )
    };
}

pub mod abi;
pub mod domain;
pub mod event;
mod host;
mod panic;
pub mod roles;
pub mod signature;
pub mod text;
pub mod words;

#[cfg(test)]
mod tests;
