//! Pays those who held a security at a block: a dividend, a coupon, the proceeds of a tender.
//!
//! Who gets what is a Merkle tree that was made off chain; its root, and the money for all of it, are put here by `open`.
//! Anyone may then bring a leaf with its proof, and the wallet in it is paid. `docs/interfaces/IDistribution.sol` says
//! what every function means, `docs/distributions.md` why.
//!
//! It is not on a hot path, so it is built from `OpenZeppelin`'s components: [`AccessControl`], [`Pausable`], [`SafeErc20`] and
//! the verifier of proofs. What they would make public is not: `SafeErc20` stays a private field, for its interface lets
//! anyone move the coins, and functions that the components leave unguarded are behind roles ([`access`]).
//!
//! A call made while another call of this contract is running is refused by the entry point, so neither coin nor security
//! can come back in. The standard library comes with `openzeppelin-crypto`; no panic is in reach of a caller.
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

extern crate alloc;

mod access;
mod account;
mod error;
mod event;
mod opening;
mod paying;
mod returns;
mod security;
mod tree;

#[cfg(test)]
mod tests;

use alloc::{vec, vec::Vec};

use alloy_primitives::{Address, B256, FixedBytes, U256};
use openzeppelin_stylus::{
    access::control::AccessControl, token::erc20::utils::safe_erc20::SafeErc20,
    utils::pausable::Pausable,
};
use runtime::{
    abi::Revert,
    storage::{Word, Words},
    word::{bytes, uint},
};
use stylus_sdk::{prelude::*, stylus_core::Host};

use self::{account::Account, error::Error, returns::Payee, tree::Claims};

/// The contract's storage. Its functions are documented in `docs/interfaces/IDistribution.sol`.
#[storage]
pub struct Distribution {
    access: AccessControl,
    pausable: Pausable,
    /// Moves the coin whatever it answers. Private: its own interface would let anyone move it.
    safe: SafeErc20,
    coin: Word,
    /// By id, the words of [`account`].
    accounts: Words,
}

runtime::functions! {
    Distribution;
    constructor constructor(coin: Address, admin: Address);

    "open" open(B256, Address, u64, B256, U256, B256, u64) -> B256;
    "claim" claim(B256, U256, Address, U256, Vec<B256>);
    "payBatch" pay_batch(B256, Claims);
    "redirect" redirect(B256, U256, Address, U256, Vec<B256>, Address, B256);
    "sweep" sweep(B256);

    view "coin" coin() -> Address;
    view "distributionOf" distribution_of(B256) -> returns::DistributionView;
    view "isPaid" is_paid(B256, U256) -> bool;
    view "isSetApart" is_set_apart(B256, U256) -> bool;
    view "payeeOf" payee_of(B256, Address) -> returns::Payee;
    view "leafOf" leaf_of(B256, U256, Address, U256) -> B256;

    "pause" pause();
    "unpause" unpause();
    view "paused" paused() -> bool;
    view "hasRole" has_role(B256, Address) -> bool;
    view "getRoleAdmin" get_role_admin(B256) -> B256;
    "grantRole" grant_role(B256, Address);
    "revokeRole" revoke_role(B256, Address);
    "renounceRole" renounce_role(B256, Address);
    view "supportsInterface" supports_interface(FixedBytes<4>) -> bool;
}

impl Distribution {
    /// Fixes the coin that every distribution pays; `admin` becomes the default admin and has no other role.
    ///
    /// # Errors
    ///
    /// * [`Error::AccessControlInvalidDefaultAdmin`] - `admin` is zero.
    /// * [`Error::NotAContract`] - the coin has no code.
    pub(crate) fn constructor(&mut self, coin: Address, admin: Address) -> Result<(), Revert> {
        if admin.is_zero() {
            return Err(Error::AccessControlInvalidDefaultAdmin { account: admin }.into());
        }
        if !security::has_code(self.vm(), coin) {
            return Err(Error::NotAContract { account: coin }.into());
        }
        let role = AccessControl::DEFAULT_ADMIN_ROLE.into();
        self.access._grant_role(role, admin);
        self.coin.set_bytes(&coin.into_word());
        Ok(())
    }

    pub(crate) fn coin(&self) -> Address {
        Address::from_word(self.coin.bytes())
    }

    /// Terms and sums of a distribution.
    ///
    /// # Errors
    ///
    /// * [`Error::UnknownDistribution`].
    pub(crate) fn distribution_of(&self, id: B256) -> Result<returns::DistributionView, Revert> {
        Ok(self.account(id)?.view())
    }

    pub(crate) fn is_paid(&self, id: B256, index: U256) -> bool {
        account::flags(&self.accounts.row(id), index).is_some_and(|flags| flags.paid)
    }

    pub(crate) fn is_set_apart(&self, id: B256, index: U256) -> bool {
        account::flags(&self.accounts.row(id), index).is_some_and(|flags| flags.apart)
    }

    /// Whom a share of `wallet` would be paid to now, and the code of what prevents it.
    ///
    /// # Errors
    ///
    /// * [`Error::UnknownDistribution`].
    /// * [`Error::InsufficientGas`] - too little to ask the security.
    pub(crate) fn payee_of(&self, id: B256, wallet: Address) -> Result<Payee, Revert> {
        let account = self.account(id)?;
        security::payee(self.vm(), account.terms.security, wallet)
    }

    /// The leaf of a share.
    ///
    /// # Errors
    ///
    /// * [`Error::UnknownDistribution`].
    pub(crate) fn leaf_of(
        &self,
        id: B256,
        index: U256,
        wallet: Address,
        amount: U256,
    ) -> Result<B256, Revert> {
        let terms = self.account(id)?.terms;
        let vm = self.vm();
        Ok(tree::leaf(vm, &terms, index, wallet, amount))
    }

    /// Terms and sums of a distribution that was opened.
    fn account(&self, id: B256) -> Result<Account, Revert> {
        Account::load(self.accounts.row(id)).ok_or_else(|| Error::UnknownDistribution { id }.into())
    }

    /// Base units of the coin that this contract has.
    fn funds(&self) -> Option<U256> {
        let this = self.vm().contract_address();
        let answer = security::ask(self.vm(), self.coin(), security::BALANCE_OF, this, u64::MAX)?;
        Some(uint(&answer))
    }
}

/// The id of a distribution: everything that it consists of, and who funds it where.
fn identify(vm: &dyn Host, funder: Address, terms: &[B256; 7]) -> B256 {
    let mut preimage = Vec::with_capacity(32 * 10);
    let place = [
        bytes(&U256::from(vm.chain_id())),
        vm.contract_address().into_word(),
        funder.into_word(),
    ];
    for word in place.iter().chain(terms) {
        preimage.extend_from_slice(word.as_slice());
    }
    vm.native_keccak256(&preimage)
}
