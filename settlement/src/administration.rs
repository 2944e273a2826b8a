//! Who runs the contract: roles, the list of securities, the pause, and the anchored book.

use alloy_primitives::{Address, B256, U16, U256};
use authority::signature::has_code;
use runtime::{abi::Revert, constant_word, log, word::word};
use stylus_sdk::{keccak_const::Keccak256, prelude::*};

use super::{
    DvPSettlement,
    error::Error,
    event::{BookAnchored, Paused, SecurityListed, Unpaused},
    globals::Globals,
    listing::Listing,
    token::Token,
};

/// Registers, cancels and settles orders and anchors the book: `keccak256("OPERATOR_ROLE")`.
pub(crate) fn operator_role() -> B256 {
    constant_word!(Keccak256::new().update(b"OPERATOR_ROLE").finalize())
}

/// Pauses and unpauses: `keccak256("PAUSER_ROLE")`.
pub(crate) fn pauser_role() -> B256 {
    constant_word!(Keccak256::new().update(b"PAUSER_ROLE").finalize())
}

authority::role_functions!(DvPSettlement, [roles], [roles]);

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
    pub(crate) fn list_security(&mut self, security: Address, listed: bool) -> Result<(), Revert> {
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
            let entry = listing.pack();
            self.listings.row(security.into_word()).set_bytes(0, &entry);
            self.listings_by_number
                .row(numbered(listing.number))
                .set_bytes(0, &entry);
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
    /// * [`Error::AccessControlUnauthorizedAccount`] - the caller is not a pauser.
    /// * [`Error::EnforcedPause`] - it is already paused.
    ///
    /// # Events
    ///
    /// * [`Paused`].
    pub(crate) fn pause(&mut self) -> Result<(), Revert> {
        let account = self.vm().msg_sender();
        self.roles.only(pauser_role(), account)?;
        self.while_running()?;
        self.set_globals(&Globals {
            paused: true,
            ..self.globals()
        });
        log!(Paused).data().address(account).emit(self.vm());
        Ok(())
    }

    /// Ends the pause.
    ///
    /// # Errors
    ///
    /// * [`Error::AccessControlUnauthorizedAccount`] - the caller is not a pauser.
    /// * [`Error::ExpectedPause`] - it is not paused.
    ///
    /// # Events
    ///
    /// * [`Unpaused`].
    pub(crate) fn unpause(&mut self) -> Result<(), Revert> {
        let account = self.vm().msg_sender();
        self.roles.only(pauser_role(), account)?;
        if !self.globals().paused {
            return Err(Error::ExpectedPause {}.into());
        }
        self.set_globals(&Globals {
            paused: false,
            ..self.globals()
        });
        log!(Unpaused).data().address(account).emit(self.vm());
        Ok(())
    }

    pub(crate) fn paused(&self) -> bool {
        self.globals().paused
    }

    /// Puts the root and size of the off-chain audit log on chain.
    ///
    /// # Errors
    ///
    /// * [`Error::AccessControlUnauthorizedAccount`] - the caller is not an operator.
    /// * [`Error::EnforcedPause`].
    ///
    /// # Events
    ///
    /// * [`BookAnchored`].
    pub(crate) fn anchor_book(&mut self, root: B256, size: u64) -> Result<(), Revert> {
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

    /// Refuses every caller but an operator.
    pub(crate) fn only_operator(&self) -> Result<(), Revert> {
        Ok(self.roles.only(operator_role(), self.vm().msg_sender())?)
    }

    /// Refuses during a pause.
    pub(crate) fn while_running(&self) -> Result<(), Revert> {
        if self.globals().paused {
            return Err(Error::EnforcedPause {}.into());
        }
        Ok(())
    }

    /// The list's entry of `security`.
    pub(crate) fn listing(&self, security: Address) -> Listing {
        Listing::unpack(self.listings.row(security.into_word()).bytes(0))
    }

    /// The list's entry with this number.
    pub(crate) fn listing_by_number(&self, number: u16) -> Listing {
        Listing::unpack(self.listings_by_number.row(numbered(number)).bytes(0))
    }

    fn next_security_number(&mut self) -> Result<u16, Revert> {
        let number: u16 = self.securities.get().to();
        let number = number
            .checked_add(1)
            .ok_or_else(|| Revert::from(Error::OVERFLOW))?;
        self.securities.set(U16::from(number));
        Ok(number)
    }
}

/// A security's number as a key.
fn numbered(number: u16) -> B256 {
    word(0, 0, 0, number.into())
}
