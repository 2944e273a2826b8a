//! Role-based access control with exactly one default admin, who is moved in two steps and cannot vanish.
//!
//! The interface is that of `OpenZeppelin`'s `AccessControlDefaultAdminRules`, without the delay, but an offer lapses. The
//! default admin is the only account with [`DEFAULT_ADMIN_ROLE`] and the admin of every role; it holds no other role
//! unless it grants it to itself.

use alloc::vec::Vec;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{SolError, SolEvent, sol};
use runtime::{
    abi::{Encoder, Revert},
    constant_word,
    event::Log,
    log,
    storage::{Word, WordMap},
    word::{bytes, uint},
};
use stylus_sdk::prelude::*;

/// The role of the default admin, and the admin role of every role.
pub const DEFAULT_ADMIN_ROLE: B256 = B256::ZERO;

/// How long the default admin's role may be accepted after it was offered, in seconds: 30 days. An offer that nobody took
/// up must not wait for the day on which its key is stolen.
pub const OFFER_LASTS: u64 = 30 * 24 * 60 * 60;

pub use sol::*;

#[allow(missing_docs, reason = "the macro copies no docs to fields")]
mod sol {
    super::sol! {
        /// `account` got `role`, by an act of `sender`.
        #[derive(Debug, PartialEq, Eq)]
        event RoleGranted(bytes32 indexed role, address indexed account, address indexed sender);
        /// `account` lost `role`, by an act of `sender`.
        #[derive(Debug, PartialEq, Eq)]
        event RoleRevoked(bytes32 indexed role, address indexed account, address indexed sender);
        /// `newAdmin` may now accept to be the default admin; zero: nobody may.
        #[derive(Debug, PartialEq, Eq)]
        event DefaultAdminTransferScheduled(address indexed newAdmin);

        /// `account` does not have `neededRole`.
        #[derive(Debug, PartialEq, Eq)]
        error AccessControlUnauthorizedAccount(address account, bytes32 neededRole);
        /// `account` cannot become the default admin: it is zero, or not the pending one (any more).
        #[derive(Debug, PartialEq, Eq)]
        error AccessControlInvalidDefaultAdmin(address account);
        /// The default admin is never granted, revoked or renounced directly.
        #[derive(Debug, PartialEq, Eq)]
        error AccessControlEnforcedDefaultAdminRules();
        /// `role` is not for an account that has `other`.
        #[derive(Debug, PartialEq, Eq)]
        error RolesExclude(bytes32 role, bytes32 other);
    }
}

/// Why an act on roles was refused.
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// The account does not have the role.
    Unauthorized(AccessControlUnauthorizedAccount),
    /// The account cannot become the default admin.
    InvalidDefaultAdmin(AccessControlInvalidDefaultAdmin),
    /// The default admin is never granted, revoked or renounced directly.
    EnforcedDefaultAdminRules(AccessControlEnforcedDefaultAdminRules),
    /// The account has a role beside which it may not have this one.
    Exclude(RolesExclude),
}

impl From<Error> for Vec<u8> {
    #[inline(never)]
    fn from(error: Error) -> Self {
        let mut encoder;
        match error {
            Error::Unauthorized(error) => {
                encoder = Encoder::error(selector::<AccessControlUnauthorizedAccount>());
                encoder.address(error.account);
                encoder.word(error.neededRole);
            }
            Error::InvalidDefaultAdmin(error) => {
                encoder = Encoder::error(selector::<AccessControlInvalidDefaultAdmin>());
                encoder.address(error.account);
            }
            Error::EnforcedDefaultAdminRules(_) => {
                encoder = Encoder::error(selector::<AccessControlEnforcedDefaultAdminRules>());
            }
            Error::Exclude(error) => {
                encoder = Encoder::error(selector::<RolesExclude>());
                encoder.word(error.role);
                encoder.word(error.other);
            }
        }
        encoder.finish()
    }
}

impl From<Error> for Revert {
    fn from(error: Error) -> Self {
        Self(error.into())
    }
}

const fn selector<E: SolError>() -> u32 {
    u32::from_be_bytes(E::SELECTOR)
}

/// Roles and the default admin: three slots.
#[storage]
pub struct Roles {
    members: WordMap,
    /// An address.
    default_admin: Word,
    /// Who may become the default admin, as an address, and in the eight bytes above it until when, as seconds since the
    /// epoch.
    pub(crate) offer: Word,
}

impl Roles {
    /// Makes `admin` the first default admin; for constructors.
    ///
    /// # Errors
    ///
    /// * [`Error::InvalidDefaultAdmin`] - `admin` is zero.
    ///
    /// # Events
    ///
    /// * [`RoleGranted`].
    pub fn initialize(&mut self, admin: Address) -> Result<(), Error> {
        nonzero(admin)?;
        self.set_default_admin(admin);
        Ok(())
    }

    /// Whether `account` has `role`.
    #[inline(never)]
    pub fn has_role(&self, role: B256, account: Address) -> bool {
        if role.is_zero() {
            return !account.is_zero() && self.default_admin.bytes() == account.into_word();
        }
        !self.members.at(role).get(account.into_word()).is_zero()
    }

    /// Refuses an `account` without `role`: one storage read.
    ///
    /// # Errors
    ///
    /// * [`Error::Unauthorized`].
    #[inline(never)]
    pub fn only(&self, role: B256, account: Address) -> Result<(), Error> {
        if self.has_role(role, account) {
            return Ok(());
        }
        Err(Error::Unauthorized(AccessControlUnauthorizedAccount {
            account,
            neededRole: role,
        }))
    }

    /// Refuses every caller but the default admin.
    ///
    /// # Errors
    ///
    /// * [`Error::Unauthorized`].
    pub fn only_default_admin(&self) -> Result<(), Error> {
        self.only(DEFAULT_ADMIN_ROLE, self.vm().msg_sender())
    }

    /// Gives `role` to `account`; nothing happens when it has it already.
    ///
    /// # Errors
    ///
    /// * [`Error::EnforcedDefaultAdminRules`] - the role is the default admin's.
    /// * [`Error::Unauthorized`] - the caller is not the default admin.
    ///
    /// # Events
    ///
    /// * [`RoleGranted`], when something changed.
    pub fn grant_role(&mut self, role: B256, account: Address) -> Result<(), Error> {
        self.grants(role)?;
        self.set_member(role, account, true);
        Ok(())
    }

    /// Refuses a caller who may not grant `role`, for a contract that asks more before it calls
    /// [`set_member`](Self::set_member).
    ///
    /// # Errors
    ///
    /// * [`Error::EnforcedDefaultAdminRules`] - the role is the default admin's.
    /// * [`Error::Unauthorized`] - the caller is not the default admin.
    pub fn grants(&self, role: B256) -> Result<(), Error> {
        ordinary(role)?;
        self.only_default_admin()
    }

    /// Refuses `role` for an `account` that has `other`.
    ///
    /// # Errors
    ///
    /// * [`Error::Exclude`].
    #[inline(never)]
    pub fn exclude(&self, role: B256, other: B256, account: Address) -> Result<(), Error> {
        if self.has_role(other, account) {
            return Err(Error::Exclude(RolesExclude { role, other }));
        }
        Ok(())
    }

    /// Takes `role` from `account`; nothing happens when it does not have it.
    ///
    /// # Errors
    ///
    /// * [`Error::EnforcedDefaultAdminRules`] - the role is the default admin's.
    /// * [`Error::Unauthorized`] - the caller is not the default admin.
    ///
    /// # Events
    ///
    /// * [`RoleRevoked`], when something changed.
    pub fn revoke_role(&mut self, role: B256, account: Address) -> Result<(), Error> {
        self.grants(role)?;
        self.set_member(role, account, false);
        Ok(())
    }

    /// Gives up the caller's own `role`; `confirmation` must be the caller, against calls sent by mistake.
    ///
    /// # Errors
    ///
    /// * [`Error::EnforcedDefaultAdminRules`] - the role is the default admin's.
    /// * [`Error::Unauthorized`] - `confirmation` is somebody else.
    ///
    /// # Events
    ///
    /// * [`RoleRevoked`], when something changed.
    pub fn renounce_role(&mut self, role: B256, confirmation: Address) -> Result<(), Error> {
        ordinary(role)?;
        let account = self.vm().msg_sender();
        if account != confirmation {
            return Err(Error::Unauthorized(AccessControlUnauthorizedAccount {
                account,
                neededRole: role,
            }));
        }
        self.set_member(role, account, false);
        Ok(())
    }

    /// The account that administers every role.
    pub fn default_admin(&self) -> Address {
        Address::from_word(self.default_admin.bytes())
    }

    /// The account that may accept to be the default admin now, or zero.
    pub fn pending_default_admin(&self) -> Address {
        let (account, ends) = unpacked(self.offer.get());
        if self.vm().block_timestamp() >= ends {
            return Address::ZERO;
        }
        account
    }

    /// Offers the default admin's role to `new_admin` for [`OFFER_LASTS`], instead of to anybody it was offered to before.
    ///
    /// # Errors
    ///
    /// * [`Error::Unauthorized`] - the caller is not the default admin.
    /// * [`Error::InvalidDefaultAdmin`] - `new_admin` is zero.
    ///
    /// # Events
    ///
    /// * [`DefaultAdminTransferScheduled`].
    pub fn begin_default_admin_transfer(&mut self, new_admin: Address) -> Result<(), Error> {
        self.only_default_admin()?;
        nonzero(new_admin)?;
        self.schedule(new_admin);
        Ok(())
    }

    /// Takes the offered role; the old default admin loses it.
    ///
    /// # Errors
    ///
    /// * [`Error::InvalidDefaultAdmin`] - the caller is not the one it was offered to, or the offer has lapsed.
    ///
    /// # Events
    ///
    /// * [`RoleRevoked`] for the old default admin.
    /// * [`RoleGranted`] for the new one.
    pub fn accept_default_admin_transfer(&mut self) -> Result<(), Error> {
        let sender = self.only_pending_default_admin()?;
        let account = self.default_admin();
        self.log(
            constant_word!(RoleRevoked::SIGNATURE_HASH.0),
            DEFAULT_ADMIN_ROLE,
            account,
        );
        self.offer(Address::ZERO);
        self.set_default_admin(sender);
        Ok(())
    }

    /// The caller, who may accept the default admin's role now.
    ///
    /// # Errors
    ///
    /// * [`Error::InvalidDefaultAdmin`].
    pub fn only_pending_default_admin(&self) -> Result<Address, Error> {
        let sender = self.vm().msg_sender();
        if sender.is_zero() || self.pending_default_admin() != sender {
            return Err(invalid_default_admin(sender));
        }
        Ok(sender)
    }

    /// Withdraws the offer.
    ///
    /// # Errors
    ///
    /// * [`Error::Unauthorized`] - the caller is not the default admin.
    ///
    /// # Events
    ///
    /// * [`DefaultAdminTransferScheduled`] with the zero address.
    pub fn cancel_default_admin_transfer(&mut self) -> Result<(), Error> {
        self.only_default_admin()?;
        self.schedule(Address::ZERO);
        Ok(())
    }

    #[inline(never)]
    fn schedule(&mut self, new_admin: Address) {
        self.offer(new_admin);
        log!(DefaultAdminTransferScheduled)
            .address(new_admin)
            .emit(self.vm());
    }

    /// Zero withdraws the offer, whenever it ends.
    fn offer(&mut self, new_admin: Address) {
        let ends = self.vm().block_timestamp().saturating_add(OFFER_LASTS);
        self.offer.set(packed(new_admin, ends));
    }

    #[inline(never)]
    fn set_default_admin(&mut self, account: Address) {
        self.default_admin.set_bytes(&account.into_word());
        self.log(
            constant_word!(RoleGranted::SIGNATURE_HASH.0),
            DEFAULT_ADMIN_ROLE,
            account,
        );
    }

    /// Gives or takes `role` without asking who calls: for constructors, and callers that asked already.
    ///
    /// # Events
    ///
    /// * [`RoleGranted`] or [`RoleRevoked`], when something changed.
    #[inline(never)]
    pub fn set_member(&mut self, role: B256, account: Address, member: bool) {
        let (mut members, key) = (self.members.at(role), account.into_word());
        if members.get(key).is_zero() != member {
            return;
        }
        members.set(key, U256::from(member));
        let signature = if member {
            constant_word!(RoleGranted::SIGNATURE_HASH.0)
        } else {
            constant_word!(RoleRevoked::SIGNATURE_HASH.0)
        };
        self.log(signature, role, account);
    }

    /// Emits that the caller gave or took a role.
    #[inline(never)]
    fn log(&self, signature: B256, role: B256, account: Address) {
        let vm = self.vm();
        Log::new(signature)
            .word(role)
            .address(account)
            .address(vm.msg_sender())
            .emit(vm);
    }
}

/// Declares a contract's entry points for roles, which all ask its [`Roles`]: what of `self` they are, to read and to
/// write.
///
/// A contract some of whose roles exclude each other names a method `fn(&self, role: B256, account: Address) -> Result<(),
/// Revert>` last. It refuses by [`Roles::exclude`], and is asked before `account` gets a role, the default admin's included.
#[macro_export]
macro_rules! role_functions {
    ($contract:ident, [$($read:tt)+], [$($write:tt)+]) => {
        $crate::role_functions!(@common $contract, [$($read)+], [$($write)+]);

        impl $contract {
            pub(crate) fn grant_role(&mut self, role: B256, account: Address) -> Result<(), Revert> {
                Ok(self.$($write)+.grant_role(role, account)?)
            }

            pub(crate) fn accept_default_admin_transfer(&mut self) -> Result<(), Revert> {
                Ok(self.$($write)+.accept_default_admin_transfer()?)
            }
        }
    };
    ($contract:ident, [$($read:tt)+], [$($write:tt)+], $exclusion:ident) => {
        $crate::role_functions!(@common $contract, [$($read)+], [$($write)+]);

        impl $contract {
            pub(crate) fn grant_role(&mut self, role: B256, account: Address) -> Result<(), Revert> {
                self.$($read)+.grants(role)?;
                self.$exclusion(role, account)?;
                self.$($write)+.set_member(role, account, true);
                Ok(())
            }

            pub(crate) fn accept_default_admin_transfer(&mut self) -> Result<(), Revert> {
                let account = self.$($read)+.only_pending_default_admin()?;
                self.$exclusion($crate::roles::DEFAULT_ADMIN_ROLE, account)?;
                Ok(self.$($write)+.accept_default_admin_transfer()?)
            }
        }
    };
    (@common $contract:ident, [$($read:tt)+], [$($write:tt)+]) => {
        impl $contract {
            pub(crate) fn has_role(&self, role: B256, account: Address) -> bool {
                self.$($read)+.has_role(role, account)
            }

            #[allow(clippy::unused_self, reason = "an entry point")]
            pub(crate) fn get_role_admin(&self, _role: B256) -> B256 {
                $crate::roles::DEFAULT_ADMIN_ROLE
            }

            pub(crate) fn revoke_role(&mut self, role: B256, account: Address) -> Result<(), Revert> {
                Ok(self.$($write)+.revoke_role(role, account)?)
            }

            pub(crate) fn renounce_role(
                &mut self,
                role: B256,
                confirmation: Address,
            ) -> Result<(), Revert> {
                Ok(self.$($write)+.renounce_role(role, confirmation)?)
            }

            pub(crate) fn default_admin(&self) -> Address {
                self.$($read)+.default_admin()
            }

            pub(crate) fn pending_default_admin(&self) -> Address {
                self.$($read)+.pending_default_admin()
            }

            pub(crate) fn begin_default_admin_transfer(
                &mut self,
                new_admin: Address,
            ) -> Result<(), Revert> {
                Ok(self.$($write)+.begin_default_admin_transfer(new_admin)?)
            }

            pub(crate) fn cancel_default_admin_transfer(&mut self) -> Result<(), Revert> {
                Ok(self.$($write)+.cancel_default_admin_transfer()?)
            }
        }
    };
}

/// An account and a time in one word, as Solidity would pack them.
pub(crate) fn packed(account: Address, time: u64) -> U256 {
    let [first, second, third, _] = *uint(&account.into_word()).as_limbs();
    U256::from_limbs([first, second, third | time << 32, time >> 32])
}

/// The account and the time of a word.
fn unpacked(word: U256) -> (Address, u64) {
    let [_, _, third, high] = *word.as_limbs();
    (Address::from_word(bytes(&word)), high << 32 | third >> 32)
}

/// Refuses the default admin's role, which is never granted, revoked or renounced directly.
fn ordinary(role: B256) -> Result<(), Error> {
    if role.is_zero() {
        return Err(Error::EnforcedDefaultAdminRules(
            AccessControlEnforcedDefaultAdminRules {},
        ));
    }
    Ok(())
}

fn nonzero(admin: Address) -> Result<(), Error> {
    if admin.is_zero() {
        return Err(invalid_default_admin(admin));
    }
    Ok(())
}

fn invalid_default_admin(account: Address) -> Error {
    Error::InvalidDefaultAdmin(AccessControlInvalidDefaultAdmin { account })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_offer_is_packed_as_solidity_would(account: [u8; 20], time: u64) {
            let account = Address::from(account);
            let word = U256::from_be_bytes(account.into_word().0) | U256::from(time) << 160;
            prop_assert_eq!(packed(account, time), word);
            prop_assert_eq!(unpacked(word), (account, time));
        }
    }
}
