//! One entry point on the workspace's runtime.
//!
//! `entry-public` is the same with stylus-sdk's `#[public]`; `runtime/src/lib.rs` compares the two.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use alloc::{vec, vec::Vec};

use alloy_primitives::{Address, U256};
use runtime::{abi::Revert, log, storage::WordMap};
use stylus_sdk::prelude::*;

#[allow(missing_docs, reason = "the macro copies no docs to fields")]
mod sol {
    alloy_sol_types::sol! {
        /// `amount` was added, which makes `total`.
        event Recorded(address indexed account, uint256 amount, uint256 total);
    }
}

runtime::errors! {
    /// Why a call reverts.
    pub(crate) enum Error {
        TotalTooLarge { account: Address, total: U256, amount: U256 }
    }
}

/// A total for each account.
#[storage]
pub struct Entry {
    totals: WordMap,
}

runtime::functions! {
    Entry;
    constructor constructor();
    "record" record(Address, U256) -> U256;
}

impl Entry {
    #[allow(clippy::unused_self, reason = "an entry point")]
    fn constructor(&mut self) {}

    fn record(&mut self, account: Address, amount: U256) -> Result<U256, Revert> {
        let total = self.totals.get(account.into_word());
        let Some(sum) = total.checked_add(amount) else {
            return Err(Error::TotalTooLarge {
                account,
                total,
                amount,
            }
            .into());
        };
        self.totals.set(account.into_word(), sum);
        log!(sol::Recorded)
            .address(account)
            .data()
            .uint(amount)
            .uint(sum)
            .emit(self.vm());
        Ok(sum)
    }
}
