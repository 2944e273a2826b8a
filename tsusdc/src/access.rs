//! Roles of the coin, and the interfaces it supports. Who has them is kept by [`authority::roles`].

use alloy_primitives::{Address, FixedBytes, B256};
use authority::abi::Refusal;
use authority::{constant_word, roles::DEFAULT_ADMIN_ROLE};
use stylus_sdk::{keccak_const::Keccak256, prelude::*};

use crate::TsUsdc;

/// A role and its hash, `keccak256` of its name.
macro_rules! role {
    ($(#[$docs:meta])* $function:ident = $name:literal) => {
        $(#[$docs])*
        pub(crate) fn $function() -> B256 {
            constant_word!(Keccak256::new().update($name).finalize())
        }
    };
}

role! {
    /// Configures minters.
    master_minter_role = b"MASTER_MINTER_ROLE"
}
role! {
    /// Pauses and unpauses.
    pauser_role = b"PAUSER_ROLE"
}
role! {
    /// Blocks and unblocks accounts.
    blacklister_role = b"BLACKLISTER_ROLE"
}
role! {
    /// Seizes what blocked accounts hold.
    seizer_role = b"SEIZER_ROLE"
}
role! {
    /// Sends stuck tokens on.
    rescuer_role = b"RESCUER_ROLE"
}
role! {
    /// Attests reserves.
    attestor_role = b"ATTESTOR_ROLE"
}

/// ERC-165, ERC-20 and `AccessControl`.
const INTERFACES: [u32; 3] = [0x01ff_c9a7, 0x3637_2b07, 0x7965_db0b];

impl TsUsdc {
    pub(crate) fn has_role(&self, role: B256, account: Address) -> bool {
        self.roles.has_role(role, account)
    }

    #[allow(clippy::unused_self, reason = "an entry point")]
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
        confirmation: Address,
    ) -> Result<(), Refusal> {
        Ok(self.roles.renounce_role(role, confirmation)?)
    }

    pub(crate) fn default_admin(&self) -> Address {
        self.roles.default_admin()
    }

    pub(crate) fn pending_default_admin(&self) -> Address {
        self.roles.pending_default_admin()
    }

    pub(crate) fn begin_default_admin_transfer(&mut self, admin: Address) -> Result<(), Refusal> {
        Ok(self.roles.begin_default_admin_transfer(admin)?)
    }

    pub(crate) fn accept_default_admin_transfer(&mut self) -> Result<(), Refusal> {
        Ok(self.roles.accept_default_admin_transfer()?)
    }

    pub(crate) fn cancel_default_admin_transfer(&mut self) -> Result<(), Refusal> {
        Ok(self.roles.cancel_default_admin_transfer()?)
    }

    #[allow(clippy::unused_self, reason = "an entry point")]
    pub(crate) fn supports_interface(&self, id: FixedBytes<4>) -> bool {
        INTERFACES.contains(&u32::from_be_bytes(id.0))
    }

    /// Refuses a caller without `role`.
    #[inline(never)]
    pub(crate) fn only(&self, role: B256) -> Result<(), Refusal> {
        Ok(self.roles.only(role, self.vm().msg_sender())?)
    }
}
