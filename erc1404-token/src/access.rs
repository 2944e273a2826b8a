//! Who may do what: the roles of the token, each with the check that opens what it may do.

use alloy_primitives::{Address, B256};
use authority::{abi::Refusal, constant_word, roles::DEFAULT_ADMIN_ROLE};
use stylus_sdk::{keccak_const::Keccak256, prelude::*};

use super::SecurityToken;

/// The hash that names a role.
const fn role(name: &str) -> [u8; 32] {
    Keccak256::new().update(name.as_bytes()).finalize()
}

const ISSUER_ROLE: [u8; 32] = role("ISSUER_ROLE");
const COMPLIANCE_ROLE: [u8; 32] = role("COMPLIANCE_ROLE");
const ENFORCER_ROLE: [u8; 32] = role("ENFORCER_ROLE");
const PAUSER_ROLE: [u8; 32] = role("PAUSER_ROLE");

impl SecurityToken {
    #[inline(never)]
    fn only(&self, role: B256) -> Result<(), Refusal> {
        Ok(self.roles.only(role, self.vm().msg_sender())?)
    }

    #[inline(never)]
    pub(crate) fn only_issuer(&self) -> Result<(), Refusal> {
        self.only(constant_word!(ISSUER_ROLE))
    }

    #[inline(never)]
    pub(crate) fn only_compliance(&self) -> Result<(), Refusal> {
        self.only(constant_word!(COMPLIANCE_ROLE))
    }

    #[inline(never)]
    pub(crate) fn only_enforcer(&self) -> Result<(), Refusal> {
        self.only(constant_word!(ENFORCER_ROLE))
    }

    #[inline(never)]
    pub(crate) fn only_pauser(&self) -> Result<(), Refusal> {
        self.only(constant_word!(PAUSER_ROLE))
    }
}

impl SecurityToken {
    pub(crate) fn has_role(&self, role: B256, account: Address) -> bool {
        self.roles.has_role(role, account)
    }

    #[allow(clippy::unused_self, reason = "functions of the interface are methods")]
    pub(crate) fn get_role_admin(&self, _role: B256) -> B256 {
        DEFAULT_ADMIN_ROLE
    }

    pub(crate) fn grant_role(&mut self, role: B256, account: Address) -> Result<(), Refusal> {
        Ok(self.roles.grant_role(role, account)?)
    }

    pub(crate) fn revoke_role(&mut self, role: B256, account: Address) -> Result<(), Refusal> {
        Ok(self.roles.revoke_role(role, account)?)
    }

    pub(crate) fn renounce_role(
        &mut self,
        role: B256,
        caller_confirmation: Address,
    ) -> Result<(), Refusal> {
        Ok(self.roles.renounce_role(role, caller_confirmation)?)
    }

    pub(crate) fn default_admin(&self) -> Address {
        self.roles.default_admin()
    }

    pub(crate) fn pending_default_admin(&self) -> Address {
        self.roles.pending_default_admin()
    }

    pub(crate) fn begin_default_admin_transfer(
        &mut self,
        new_admin: Address,
    ) -> Result<(), Refusal> {
        Ok(self.roles.begin_default_admin_transfer(new_admin)?)
    }

    pub(crate) fn accept_default_admin_transfer(&mut self) -> Result<(), Refusal> {
        Ok(self.roles.accept_default_admin_transfer()?)
    }

    pub(crate) fn cancel_default_admin_transfer(&mut self) -> Result<(), Refusal> {
        Ok(self.roles.cancel_default_admin_transfer()?)
    }
}
