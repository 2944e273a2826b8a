//! A lean runtime for Stylus contracts: calldata, reverts, logs, strings, and storage as words.
//!
//! It replaces stylus-sdk's `#[public]`, error derive, event encoding, storage strings and maps. The SDK's entry
//! point, host calls and storage layout stay: a contract written on it has the ABI and the slots that Solidity would give
//! it, and is built, deployed and exported by `cargo stylus` as any other.
//!
//! | module | holds | in place of |
//! | --- | --- | --- |
//! | [`word`] | 256-bit constants and conversions; nothing below it | constants in the data segment |
//! | [`host`] | host calls on words | the SDK's integer slots |
//! | [`storage`] | numbered words, rows and mappings | `StorageMap`, `StorageVec` |
//! | [`text`] | strings as bytes; [`messages!`] | `String`, `StorageString` |
//! | [`event`] | logs, written word by word; [`log!`] | `log` of an encoded event |
//! | [`abi`] | [`functions!`], [`errors!`], [`exported!`], arguments and return values | `#[public]`, `SolidityError` |
//!
//! Each module uses those above it only.
//!
//! # Why
//!
//! A call pays for the program before it does anything: 0.75 gas for each byte of the data segment, and, when the program
//! is not cached, for its size. `#[public]` of stylus-sdk 0.9 keeps the type names of every argument list in the data
//! segment, re-encodes what it decodes, and refuses calldata that is longer than the arguments, which Solidity accepts.
//! The same entry point (an address and an amount: read a mapping, add, write, log, return the sum) built both ways, as
//! `tests/contracts/entry-public` and `tests/contracts/entry-runtime`:
//!
//! | | `#[public]` | this crate |
//! | --- | --- | --- |
//! | bytes of code, as deployed | 3,491 | 2,356 |
//! | gas of a call, program cached | 29,484 | 28,783 |
//! | gas of a call, not cached | 39,682 | 38,520 |
//!
//! CI compares the figures with `snapshots/size.json` and `snapshots/gas.json` (keys `entry.public`, `entry.runtime`). What
//! is saved once per call here is saved at every entry of a token: a settlement enters them 17 times.
//!
//! The price is what the SDK's macros would check: names and order of an error's or event's fields are written once more,
//! and tests compare them with the interface files. Answers of functions that return structs are written by hand
//! ([`abi::Return`]).
//!
//! # Use
//!
//! A contract depends on `alloy-primitives`, `alloy-sol-types` and `stylus-sdk` beside this crate, which the macros name,
//! and declares `extern crate alloc`. On wasm32 the crate is `no_std` and brings the panic handler, a trap; a contract must
//! not bring its own.
//!
//! ```
//! extern crate alloc;
//!
//! use alloy_primitives::{Address, U256};
//! use runtime::{abi::Revert, log, storage::WordMap};
//! use stylus_sdk::prelude::*;
//!
//! alloy_sol_types::sol! {
//!     event Recorded(address indexed account, uint256 amount, uint256 total);
//! }
//!
//! runtime::errors! {
//!     /// Why a call reverts.
//!     pub enum Error {
//!         TotalTooLarge { account: Address, total: U256, amount: U256 }
//!     }
//! }
//!
//! /// A total for each account.
//! #[storage]
//! pub struct Totals {
//!     totals: WordMap,
//! }
//!
//! runtime::functions! {
//!     Totals;
//!     constructor constructor();
//!     "record" record(Address, U256) -> U256;
//!     view "totalOf" total_of(Address) -> U256;
//! }
//!
//! impl Totals {
//!     fn constructor(&mut self) {}
//!
//!     fn record(&mut self, account: Address, amount: U256) -> Result<U256, Revert> {
//!         let total = self.total_of(account);
//!         let Some(sum) = total.checked_add(amount) else {
//!             return Err(Error::TotalTooLarge { account, total, amount }.into());
//!         };
//!         self.totals.set(account.into_word(), sum);
//!         log!(Recorded).address(account).data().uint(amount).uint(sum).emit(self.vm());
//!         Ok(sum)
//!     }
//!
//!     fn total_of(&self, account: Address) -> U256 {
//!         self.totals.get(account.into_word())
//!     }
//! }
//!
//! # fn main() {
//! // The SDK's router is implemented for the storage type.
//! use stylus_sdk::abi::Router;
//! let _: fn(&mut Totals, u32, &[u8]) -> Option<stylus_sdk::ArbResult> = Totals::route;
//! # }
//! ```
//!
//! # Edition
//!
//! This crate and the contracts are edition 2021: the SDK's `#[entrypoint]` writes `#[no_mangle]`, which edition 2024
//! takes only as `#[unsafe(no_mangle)]`.
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

pub mod abi;
pub mod event;
pub mod host;
mod panic;
pub mod storage;
pub mod text;
pub mod word;

#[cfg(test)]
mod tests;
