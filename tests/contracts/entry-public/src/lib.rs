//! One entry point as stylus-sdk writes it: `#[public]`, its storage map, its error enum and its event encoding.
//!
//! `entry-runtime` is the same with the workspace's runtime; `runtime/src/lib.rs` compares the two.
#![cfg_attr(target_arch = "wasm32", no_std)]
#![allow(missing_docs, reason = "the macros document nothing that they write")]

extern crate alloc;

use alloc::{vec, vec::Vec};

use alloy_primitives::{Address, U256};
use alloy_sol_types::sol;
// Brings the panic handler.
use runtime as _;
use stylus_sdk::{
    prelude::*,
    storage::{StorageMap, StorageU256},
};

sol! {
    event Recorded(address indexed account, uint256 amount, uint256 total);
    error TotalTooLarge(address account, uint256 total, uint256 amount);
}

/// Why a call reverts.
#[derive(SolidityError)]
pub enum Error {
    /// A sum beyond 2^256-1.
    TotalTooLarge(TotalTooLarge),
}

/// A total for each account.
#[entrypoint]
#[storage]
pub struct Entry {
    totals: StorageMap<Address, StorageU256>,
}

#[public]
impl Entry {
    #[constructor]
    pub fn constructor(&mut self) {}

    /// Adds to an account's total.
    ///
    /// # Errors
    ///
    /// * [`Error::TotalTooLarge`].
    pub fn record(&mut self, account: Address, amount: U256) -> Result<U256, Error> {
        let total = self.totals.get(account);
        let Some(sum) = total.checked_add(amount) else {
            let error = TotalTooLarge {
                account,
                total,
                amount,
            };
            return Err(Error::TotalTooLarge(error));
        };
        self.totals.insert(account, sum);
        log(
            self.vm(),
            Recorded {
                account,
                amount,
                total: sum,
            },
        );
        Ok(sum)
    }
}
