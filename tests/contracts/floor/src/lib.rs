//! Two `transferFrom` in one call: securities from seller to buyer, cash from buyer to seller, and nothing checked.
//!
//! It is the floor of the gas table: whoever settles a trade in one transaction pays at least this. Anyone may move what
//! was approved for it, so never approve it for money.
#![cfg_attr(target_arch = "wasm32", no_std)]
#![allow(missing_docs, reason = "the macros document nothing that they write")]

extern crate alloc;

use alloc::{vec, vec::Vec};

use alloy_primitives::{Address, U256};
// Brings the panic handler.
use runtime as _;
use stylus_sdk::prelude::*;

sol_interface! {
    interface IErc20 {
        function transferFrom(address from, address to, uint256 value) external returns (bool);
    }
}

/// Stateless.
#[entrypoint]
#[storage]
pub struct Floor {}

#[public]
impl Floor {
    /// Moves both legs.
    ///
    /// # Errors
    /// Whatever a token reverts with.
    pub fn exchange(
        &mut self,
        security: Address,
        payment: Address,
        seller: Address,
        buyer: Address,
        quantity: U256,
        total: U256,
    ) -> Result<(), Vec<u8>> {
        let security = IErc20::new(security);
        let payment = IErc20::new(payment);
        security.transfer_from(&mut *self, seller, buyer, quantity)?;
        payment.transfer_from(&mut *self, buyer, seller, total)?;
        Ok(())
    }
}
