//! Who may do what: the roles of the token, each with the check that opens what it may do.

use alloy_primitives::{Address, B256};
use runtime::{abi::Revert, constant_word};
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

authority::role_functions!(SecurityToken, [roles()], [roles_mut()]);

impl SecurityToken {
    #[inline(never)]
    fn only(&self, role: B256) -> Result<(), Revert> {
        Ok(self.roles().only(role, self.vm().msg_sender())?)
    }

    #[inline(never)]
    pub(crate) fn only_issuer(&self) -> Result<(), Revert> {
        self.only(constant_word!(ISSUER_ROLE))
    }

    #[inline(never)]
    pub(crate) fn only_compliance(&self) -> Result<(), Revert> {
        self.only(constant_word!(COMPLIANCE_ROLE))
    }

    #[inline(never)]
    pub(crate) fn only_enforcer(&self) -> Result<(), Revert> {
        self.only(constant_word!(ENFORCER_ROLE))
    }

    #[inline(never)]
    pub(crate) fn only_pauser(&self) -> Result<(), Revert> {
        self.only(constant_word!(PAUSER_ROLE))
    }
}
