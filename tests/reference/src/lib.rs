//! `OpenZeppelin`'s components for Stylus as one contract, for unit tests.
//!
//! The tests of each contract run the same sequences of calls on both and compare results, reverts and events.
//! `docs/standards.md` lists every difference.

extern crate alloc;

mod calls;

pub use calls::{Beside, Call, Flaw, ORDER, Outcome, Permit, Token, amounts, call, is};

use alloc::{string::String, vec, vec::Vec};

use alloy_primitives::{Address, B256, FixedBytes, U256};
use openzeppelin_stylus::{
    access::control::{AccessControl, IAccessControl},
    token::erc20::{Erc20, IErc20, extensions::permit::Erc20Permit},
    utils::{
        cryptography::eip712::IEip712,
        introspection::erc165::IErc165,
        nonces::{INonces, Nonces},
        pausable::{IPausable, Pausable},
        precompiles::Precompiles,
    },
};
use stylus_sdk::prelude::*;

/// What `eip712Domain()` returns.
pub type Eip712Domain = ([u8; 1], String, String, U256, Address, [u8; 32], Vec<U256>);

/// The domain of signatures: this name, version "1", the live chain id, this contract.
#[storage]
pub struct Domain {}

impl IEip712 for Domain {
    const NAME: &'static str = "Reference";
    const VERSION: &'static str = "1";
}

/// An ERC-20 with permits, roles and a pause.
#[storage]
pub struct Reference {
    erc20: Erc20,
    nonces: Nonces,
    permit: Erc20Permit<Domain>,
    domain: Domain,
    access: AccessControl,
    pausable: Pausable,
}

#[allow(unsafe_code, reason = "the type is the contract's whole storage")]
// SAFETY: tests hold the only instance.
unsafe impl TopLevelStorage for Reference {}

#[public]
impl Reference {}

#[allow(
    missing_docs,
    clippy::missing_errors_doc,
    reason = "the components document what they do"
)]
impl Reference {
    /// The name of the domain.
    pub const NAME: &'static str = Domain::NAME;

    pub fn mint(&mut self, to: Address, value: U256) -> Result<(), Vec<u8>> {
        Ok(self.erc20._mint(to, value)?)
    }

    pub fn total_supply(&self) -> U256 {
        self.erc20.total_supply()
    }

    pub fn balance_of(&self, account: Address) -> U256 {
        self.erc20.balance_of(account)
    }

    pub fn allowance(&self, owner: Address, spender: Address) -> U256 {
        self.erc20.allowance(owner, spender)
    }

    pub fn approve(&mut self, spender: Address, value: U256) -> Result<bool, Vec<u8>> {
        Ok(self.erc20.approve(spender, value)?)
    }

    pub fn transfer(&mut self, to: Address, value: U256) -> Result<bool, Vec<u8>> {
        Ok(self.erc20.transfer(to, value)?)
    }

    pub fn transfer_from(
        &mut self,
        from: Address,
        to: Address,
        value: U256,
    ) -> Result<bool, Vec<u8>> {
        Ok(self.erc20.transfer_from(from, to, value)?)
    }

    pub fn nonces(&self, owner: Address) -> U256 {
        self.nonces.nonces(owner)
    }

    #[allow(clippy::too_many_arguments, reason = "ERC-2612")]
    pub fn permit(
        &mut self,
        owner: Address,
        spender: Address,
        value: U256,
        deadline: U256,
        v: u8,
        r: B256,
        s: B256,
    ) -> Result<(), Vec<u8>> {
        let (erc20, nonces) = (&mut self.erc20, &mut self.nonces);
        Ok(self
            .permit
            .permit(owner, spender, value, deadline, v, r, s, erc20, nonces)?)
    }

    pub fn domain_separator(&self) -> B256 {
        self.domain.domain_separator_v4()
    }

    pub fn typed_data_hash(&self, struct_hash: B256) -> B256 {
        self.domain.hash_typed_data_v4(struct_hash)
    }

    pub fn eip712_domain(&self) -> Eip712Domain {
        self.domain.eip712_domain()
    }

    pub fn recover(&mut self, hash: B256, v: u8, r: B256, s: B256) -> Result<Address, Vec<u8>> {
        Ok(self.permit.ec_recover(hash, v, r, s)?)
    }

    /// Makes `admin` the first admin of every role.
    pub fn initialize_admin(&mut self, admin: Address) {
        let role = AccessControl::DEFAULT_ADMIN_ROLE.into();
        self.access._grant_role(role, admin);
    }

    pub fn has_role(&self, role: B256, account: Address) -> bool {
        self.access.has_role(role, account)
    }

    pub fn only_role(&self, role: B256) -> Result<(), Vec<u8>> {
        Ok(self.access.only_role(role)?)
    }

    pub fn get_role_admin(&self, role: B256) -> B256 {
        self.access.get_role_admin(role)
    }

    pub fn grant_role(&mut self, role: B256, account: Address) -> Result<(), Vec<u8>> {
        Ok(self.access.grant_role(role, account)?)
    }

    pub fn revoke_role(&mut self, role: B256, account: Address) -> Result<(), Vec<u8>> {
        Ok(self.access.revoke_role(role, account)?)
    }

    pub fn renounce_role(&mut self, role: B256, confirmation: Address) -> Result<(), Vec<u8>> {
        Ok(self.access.renounce_role(role, confirmation)?)
    }

    pub fn paused(&self) -> bool {
        self.pausable.paused()
    }

    pub fn pause(&mut self) -> Result<(), Vec<u8>> {
        Ok(self.pausable.pause()?)
    }

    pub fn unpause(&mut self) -> Result<(), Vec<u8>> {
        Ok(self.pausable.unpause()?)
    }

    pub fn supports_erc20(&self, interface: FixedBytes<4>) -> bool {
        self.erc20.supports_interface(interface)
    }
}
