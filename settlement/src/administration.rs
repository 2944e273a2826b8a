//! Who runs the contract: roles, the list of securities, the pause, and the anchored book.

use alloy_primitives::{Address, B256, U16, U256};
use authority::signature::has_code;
use runtime::{abi::Revert, constant_word, log, word::word};
use stylus_sdk::{keccak_const::Keccak256, prelude::*};

use super::{
    DvPSettlement,
    error::Error,
    event::{
        BookAnchored, CommitmentRequiredSet, Paused, SecurityListed, SecurityProbed, Unpaused,
    },
    globals::Globals,
    listing::Listing,
    token::{HOLDS, SPENDER_EXTENSION, Token},
};

/// Registers, cancels and settles orders, releases pairs and anchors the book; never a principal: `keccak256("OPERATOR_ROLE")`.
pub(crate) fn operator_role() -> B256 {
    constant_word!(Keccak256::new().update(b"OPERATOR_ROLE").finalize())
}

/// Commits pairs, and releases them; never an operator: `keccak256("PRINCIPAL_ROLE")`.
pub(crate) fn principal_role() -> B256 {
    constant_word!(Keccak256::new().update(b"PRINCIPAL_ROLE").finalize())
}

/// Pauses: `keccak256("PAUSER_ROLE")`.
pub(crate) fn pauser_role() -> B256 {
    constant_word!(Keccak256::new().update(b"PAUSER_ROLE").finalize())
}

authority::role_functions!(DvPSettlement, [roles], [roles], exclusion);

impl DvPSettlement {
    /// No account has both keys to a firm trade.
    fn exclusion(&self, role: B256, account: Address) -> Result<(), Revert> {
        let (operator, principal) = (operator_role(), principal_role());
        let other = match role {
            role if role == operator => principal,
            role if role == principal => operator,
            _ => return Ok(()),
        };
        Ok(self.roles.exclude(role, other, account)?)
    }

    /// Whether `account` is an operator or a principal.
    #[inline(never)]
    pub(crate) fn is_staff(&self, account: Address) -> bool {
        [operator_role(), principal_role()]
            .into_iter()
            .any(|role| self.roles.has_role(role, account))
    }

    /// Allows or forbids orders for a security. A token is asked when it is listed, and each time that it is listed again:
    /// whether it judges transfers by their spender, whether it answers the view by which it will be asked, and whether it
    /// has holds.
    ///
    /// # Errors
    ///
    /// * [`Error::AccessControlUnauthorizedAccount`] - the caller is not the default admin.
    /// * [`Error::NotAContract`] - a security without code is listed.
    /// * [`Error::NotASecurity`] - it is the payment token, or does not answer like a security.
    /// * [`Error::OVERFLOW`] - after 65,535 securities.
    ///
    /// # Events
    ///
    /// * [`SecurityListed`].
    /// * [`SecurityProbed`], when it is listed.
    pub(crate) fn list_security(&mut self, security: Address, listed: bool) -> Result<(), Revert> {
        self.roles.only_default_admin()?;
        let mut listing = self.listing(security);
        if listed {
            if !has_code(self.vm(), security) {
                return Err(Error::NotAContract { account: security }.into());
            }
            let (vm, token) = (self.vm(), Token::new(security));
            listing.checks_spender = token.supports(vm, SPENDER_EXTENSION);
            listing.holds = token.supports(vm, HOLDS);
            let this = vm.contract_address();
            if security == self.payment() || !token.is_security(vm, listing.checks_spender, this) {
                return Err(Error::NotASecurity { token: security }.into());
            }
            if listing.number == 0 {
                listing.number = self.next_security_number()?;
            }
            listing.security = security;
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
        if listed {
            log!(SecurityProbed)
                .address(security)
                .data()
                .uint(U256::from(listing.checks_spender))
                .uint(U256::from(listing.holds))
                .emit(self.vm());
        }
        Ok(())
    }

    /// Whether a security is listed, checks the spender, and has holds; the last two as it said when it was listed last.
    pub(crate) fn listing_of(&self, security: Address) -> (bool, bool, bool) {
        let listing = self.listing(security);
        (listing.listed, listing.checks_spender, listing.holds)
    }

    /// Lets only committed pairs settle, or any pair again.
    ///
    /// # Errors
    ///
    /// * [`Error::AccessControlUnauthorizedAccount`] - the caller is not the default admin.
    ///
    /// # Events
    ///
    /// * [`CommitmentRequiredSet`].
    pub(crate) fn set_commitment_required(&mut self, required: bool) -> Result<(), Revert> {
        self.roles.only_default_admin()?;
        self.set_globals(&Globals {
            commitment_required: required,
            ..self.globals()
        });
        log!(CommitmentRequiredSet)
            .data()
            .uint(U256::from(required))
            .emit(self.vm());
        Ok(())
    }

    pub(crate) fn commitment_required(&self) -> bool {
        self.globals().commitment_required
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

    /// Ends the pause. Who can stop the market cannot also start it.
    ///
    /// # Errors
    ///
    /// * [`Error::AccessControlUnauthorizedAccount`] - the caller is not the default admin.
    /// * [`Error::ExpectedPause`] - it is not paused.
    ///
    /// # Events
    ///
    /// * [`Unpaused`].
    pub(crate) fn unpause(&mut self) -> Result<(), Revert> {
        let account = self.vm().msg_sender();
        self.roles.only_default_admin()?;
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
    #[inline(never)]
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
    #[inline(never)]
    pub(crate) fn listing(&self, security: Address) -> Listing {
        Listing::unpack(self.listings.row(security.into_word()).bytes(0))
    }

    /// The list's entry with this number.
    #[inline(never)]
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
