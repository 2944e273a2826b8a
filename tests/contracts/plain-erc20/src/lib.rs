//! A bare ERC-20 of openzeppelin-stylus, with a `mint` for everyone and nothing else.
//!
//! It is the baseline of the gas table: what a token costs on the same node that checks nothing but its balances. Never
//! deploy it for money.
#![cfg_attr(target_arch = "wasm32", no_std)]
#![allow(
    missing_docs,
    reason = "the trait's methods are documented where it is declared"
)]

extern crate alloc;

use alloc::{vec, vec::Vec};

use alloy_primitives::{Address, U256};
use openzeppelin_stylus::token::erc20::{self, Erc20, IErc20};
// Brings the panic handler.
use runtime as _;
use stylus_sdk::prelude::*;

/// Nothing but the component's storage.
#[entrypoint]
#[storage]
pub struct PlainErc20 {
    erc20: Erc20,
}

#[public]
#[implements(IErc20<Error = erc20::Error>)]
impl PlainErc20 {
    /// Gives anyone tokens.
    ///
    /// # Errors
    ///
    /// Those of the component: a recipient of zero, a supply beyond 2^256-1.
    pub fn mint(&mut self, to: Address, value: U256) -> Result<(), erc20::Error> {
        self.erc20._mint(to, value)
    }
}

#[public]
impl IErc20 for PlainErc20 {
    type Error = erc20::Error;

    fn total_supply(&self) -> U256 {
        self.erc20.total_supply()
    }

    fn balance_of(&self, account: Address) -> U256 {
        self.erc20.balance_of(account)
    }

    fn transfer(&mut self, to: Address, value: U256) -> Result<bool, Self::Error> {
        self.erc20.transfer(to, value)
    }

    fn allowance(&self, owner: Address, spender: Address) -> U256 {
        self.erc20.allowance(owner, spender)
    }

    fn approve(&mut self, spender: Address, value: U256) -> Result<bool, Self::Error> {
        self.erc20.approve(spender, value)
    }

    fn transfer_from(
        &mut self,
        from: Address,
        to: Address,
        value: U256,
    ) -> Result<bool, Self::Error> {
        self.erc20.transfer_from(from, to, value)
    }
}
