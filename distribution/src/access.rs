//! Roles and the pause: what `OpenZeppelin`'s components leave unguarded is behind a role here.

use alloy_primitives::{Address, B256, FixedBytes};
use openzeppelin_stylus::{
    access::control::{AccessControl, IAccessControl},
    utils::pausable::IPausable,
};
use runtime::{abi::Revert, constant_word};
use stylus_sdk::keccak_const::Keccak256;

use super::Distribution;

/// Opens distributions: `keccak256("DISTRIBUTOR_ROLE")`.
pub(crate) fn distributor_role() -> B256 {
    constant_word!(Keccak256::new().update(b"DISTRIBUTOR_ROLE").finalize())
}

/// Redirects shares that were set apart: `keccak256("COMPLIANCE_ROLE")`.
pub(crate) fn compliance_role() -> B256 {
    constant_word!(Keccak256::new().update(b"COMPLIANCE_ROLE").finalize())
}

/// Pauses: `keccak256("PAUSER_ROLE")`.
pub(crate) fn pauser_role() -> B256 {
    constant_word!(Keccak256::new().update(b"PAUSER_ROLE").finalize())
}

/// ERC-165 itself.
const ERC165: FixedBytes<4> = FixedBytes([0x01, 0xff, 0xc9, 0xa7]);
/// The five functions of Solidity's `IAccessControl`; the component's own id counts a sixth, which is not here.
const ACCESS_CONTROL: FixedBytes<4> = FixedBytes([0x79, 0x65, 0xdb, 0x0b]);

impl Distribution {
    /// Stops everything that moves coins; the time to claim goes on.
    ///
    /// # Errors
    ///
    /// * `AccessControlUnauthorizedAccount` - the caller is not a pauser.
    /// * `EnforcedPause` - it is already paused.
    ///
    /// # Events
    ///
    /// * `Paused`.
    pub(crate) fn pause(&mut self) -> Result<(), Revert> {
        self.only(pauser_role())?;
        self.pausable.pause().map_err(|error| Revert(error.into()))
    }

    /// Ends the pause. Who can stop payments cannot also start them.
    ///
    /// # Errors
    ///
    /// * `AccessControlUnauthorizedAccount` - the caller is not the default admin.
    /// * `ExpectedPause` - it is not paused.
    ///
    /// # Events
    ///
    /// * `Unpaused`.
    pub(crate) fn unpause(&mut self) -> Result<(), Revert> {
        self.only(AccessControl::DEFAULT_ADMIN_ROLE.into())?;
        self.pausable
            .unpause()
            .map_err(|error| Revert(error.into()))
    }

    pub(crate) fn paused(&self) -> bool {
        self.pausable.paused()
    }

    pub(crate) fn has_role(&self, role: B256, account: Address) -> bool {
        self.access.has_role(role, account)
    }

    pub(crate) fn get_role_admin(&self, role: B256) -> B256 {
        self.access.get_role_admin(role)
    }

    /// Gives an account a role; nothing when it has it.
    ///
    /// # Errors
    ///
    /// * `AccessControlUnauthorizedAccount` - the caller is not the default admin.
    pub(crate) fn grant_role(&mut self, role: B256, account: Address) -> Result<(), Revert> {
        self.access
            .grant_role(role, account)
            .map_err(|error| Revert(error.into()))
    }

    /// Takes a role from an account; nothing when it has it not.
    ///
    /// # Errors
    ///
    /// * `AccessControlUnauthorizedAccount` - the caller is not the default admin.
    pub(crate) fn revoke_role(&mut self, role: B256, account: Address) -> Result<(), Revert> {
        self.access
            .revoke_role(role, account)
            .map_err(|error| Revert(error.into()))
    }

    /// Gives a role of one's own up.
    ///
    /// # Errors
    ///
    /// * `AccessControlBadConfirmation` - another account is named.
    pub(crate) fn renounce_role(&mut self, role: B256, account: Address) -> Result<(), Revert> {
        self.access
            .renounce_role(role, account)
            .map_err(|error| Revert(error.into()))
    }

    #[allow(clippy::unused_self, reason = "an entry point")]
    pub(crate) fn supports_interface(&self, interface: FixedBytes<4>) -> bool {
        [ERC165, ACCESS_CONTROL].contains(&interface)
    }

    /// Refuses every caller without the role.
    pub(crate) fn only(&self, role: B256) -> Result<(), Revert> {
        self.access
            .only_role(role)
            .map_err(|error| Revert(error.into()))
    }

    /// Refuses while paused.
    pub(crate) fn while_running(&self) -> Result<(), Revert> {
        self.pausable
            .when_not_paused()
            .map_err(|error| Revert(error.into()))
    }
}
