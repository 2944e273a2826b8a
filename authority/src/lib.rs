//! Who may do what, shared by the contracts of this workspace: roles with a two-step default admin, EIP-712 domains, and
//! signature checks for every kind of account.
#![cfg_attr(target_arch = "wasm32", no_std)]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

#[macro_use]
extern crate alloc;

pub mod domain;
pub mod roles;
pub mod signature;

#[cfg(test)]
mod tests;
