//! Who runs the contract: roles, the list of securities, the pause, and the anchored book.

use alloy_primitives::{Address, B256, U16, U256};
use authority::{abi::Refusal, constant_word, roles::DEFAULT_ADMIN_ROLE, signature::has_code};
use stylus_sdk::{keccak_const::Keccak256, prelude::*};

use super::{
    desk::Desk,
    error::Error,
    event::{log, BookAnchored, Paused, SecurityListed, Unpaused},
    listing::Listing,
    token::Token,
    DvPSettlement,
};

/// Registers, cancels and settles orders and anchors the book: `keccak256("OPERATOR_ROLE")`.
pub(crate) fn operator_role() -> B256 {
    constant_word!(Keccak256::new().update(b"OPERATOR_ROLE").finalize())
}

/// Pauses and unpauses: `keccak256("PAUSER_ROLE")`.
pub(crate) fn pauser_role() -> B256 {
    constant_word!(Keccak256::new().update(b"PAUSER_ROLE").finalize())
}

impl DvPSettlement {
    /// Allows or forbids orders for a security. A token is asked once, when it is listed, whether it judges transfers
    /// by their spender.
    ///
    /// # Errors
    ///
    /// * [`Error::AccessControlUnauthorizedAccount`] - the caller is not the default admin.
    /// * [`Error::NotAContract`] - a security without code is listed.
    /// * [`Error::OVERFLOW`] - after 65,535 securities.
    ///
    /// # Events
    ///
    /// * [`SecurityListed`].
    pub(crate) fn list_security(&mut self, security: Address, listed: bool) -> Result<(), Refusal> {
        self.roles.only_default_admin()?;
        let mut listing = self.listing(security);
        if listed {
            if !has_code(self.vm(), security) {
                return Err(Error::NotAContract { account: security }.into());
            }
            if listing.number == 0 {
                listing.number = self.next_security_number()?;
            }
            listing.security = security;
            listing.checks_spender = Token::new(security).checks_spender(self.vm());
        }
        listing.listed = listed;
        // A security that was never listed has no entry to change.
        if listing.number != 0 {
            self.listings.insert(security, listing.pack());
            self.listings_by_number
                .insert(U256::from(listing.number), listing.pack());
        }
        log!(SecurityListed)
            .address(security)
            .data()
            .uint(U256::from(listed))
            .emit(self.vm());
        Ok(())
    }

    pub(crate) fn is_listed(&self, security: Address) -> bool {
        self.listing(security).listed
    }

    /// Stops registration, settlement and anchoring; never a cancel.
    ///
    /// # Errors
    ///
    /// * [`Error::AccessControlUnauthorizedAccount`] - the caller is no pauser.
    /// * [`Error::EnforcedPause`] - it is paused already.
    ///
    /// # Events
    ///
    /// * [`Paused`].
    pub(crate) fn pause(&mut self) -> Result<(), Refusal> {
        let account = self.vm().msg_sender();
        self.roles.only(pauser_role(), account)?;
        self.while_running()?;
        self.set_desk(&Desk {
            paused: true,
            ..self.desk()
        });
        log!(Paused).data().address(account).emit(self.vm());
        Ok(())
    }

    /// Ends the pause.
    ///
    /// # Errors
    ///
    /// * [`Error::AccessControlUnauthorizedAccount`] - the caller is no pauser.
    /// * [`Error::ExpectedPause`] - it is not paused.
    ///
    /// # Events
    ///
    /// * [`Unpaused`].
    pub(crate) fn unpause(&mut self) -> Result<(), Refusal> {
        let account = self.vm().msg_sender();
        self.roles.only(pauser_role(), account)?;
        if !self.desk().paused {
            return Err(Error::ExpectedPause {}.into());
        }
        self.set_desk(&Desk {
            paused: false,
            ..self.desk()
        });
        log!(Unpaused).data().address(account).emit(self.vm());
        Ok(())
    }

    pub(crate) fn paused(&self) -> bool {
        self.desk().paused
    }

    /// Puts the root and size of the off-chain audit log on chain.
    ///
    /// # Errors
    ///
    /// * [`Error::AccessControlUnauthorizedAccount`] - the caller is no operator.
    /// * [`Error::EnforcedPause`].
    ///
    /// # Events
    ///
    /// * [`BookAnchored`].
    pub(crate) fn anchor_book(&mut self, root: B256, size: u64) -> Result<(), Refusal> {
        let operator = self.vm().msg_sender();
        self.roles.only(operator_role(), operator)?;
        self.while_running()?;
        log!(BookAnchored)
            .word(root)
            .address(operator)
            .data()
            .uint(U256::from(size))
            .emit(self.vm());
        Ok(())
    }

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

    /// Refuses every caller but an operator.
    pub(crate) fn only_operator(&self) -> Result<(), Refusal> {
        Ok(self.roles.only(operator_role(), self.vm().msg_sender())?)
    }

    /// Refuses during a pause.
    pub(crate) fn while_running(&self) -> Result<(), Refusal> {
        if self.desk().paused {
            return Err(Error::EnforcedPause {}.into());
        }
        Ok(())
    }

    /// The list's entry of `security`.
    pub(crate) fn listing(&self, security: Address) -> Listing {
        Listing::unpack(self.listings.get(security))
    }

    /// The list's entry with this number.
    pub(crate) fn listing_by_number(&self, number: u16) -> Listing {
        Listing::unpack(self.listings_by_number.get(U256::from(number)))
    }

    fn next_security_number(&mut self) -> Result<u16, Refusal> {
        let number: u16 = self.securities.get().to();
        let number = number
            .checked_add(1)
            .ok_or_else(|| Refusal::from(Error::OVERFLOW))?;
        self.securities.set(U16::from(number));
        Ok(number)
    }
}
