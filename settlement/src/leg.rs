//! One leg of a settlement: a token moves from one owner to the other, exactly, by allowance or from a hold.
//!
//! A leg counts when the token returned nothing or the word 1, and both balances changed by exactly the amount. So a
//! token that answers false, moves nothing, takes a fee, pays extra or pretends cannot settle anything.

use alloy_primitives::{Address, B256, U256};
use runtime::abi::Revert;
use stylus_sdk::stylus_core::Host;

use super::{
    checks::{Failure, Reading},
    error::Error,
    token::Token,
};

/// A transfer to be made and what it must leave behind.
pub(crate) struct Leg {
    token: Token,
    /// The hold that it is taken from, of a committed pair.
    hold: Option<B256>,
    from: Address,
    to: Address,
    amount: U256,
    from_after: Reading,
    to_after: Reading,
}

impl Leg {
    /// A leg of `amount` base units of the token at `address`, from one whose balance is `balance` to another owner: from
    /// the hold of this id, or by allowance.
    ///
    /// # Errors
    ///
    /// * [`Error::SettlementRefused`] - inexact leg: a balance cannot be read, or would leave its range.
    pub(crate) fn new(
        vm: &dyn Host,
        address: Address,
        hold: Option<B256>,
        from: Address,
        to: Address,
        amount: U256,
        balance: Reading,
    ) -> Result<Self, Revert> {
        let token = Token::new(address);
        let (Reading::Word(balance), Reading::Word(received)) = (balance, token.balance_of(vm, to))
        else {
            return Err(inexact());
        };
        let (Some(from_after), Some(to_after)) =
            (balance.checked_sub(amount), received.checked_add(amount))
        else {
            return Err(inexact());
        };
        let (from_after, to_after) = (Reading::Word(from_after), Reading::Word(to_after));
        Ok(Self {
            token,
            hold,
            from,
            to,
            amount,
            from_after,
            to_after,
        })
    }

    /// Makes the transfer.
    ///
    /// # Errors
    ///
    /// * The token's own refusal: the token reverted.
    /// * [`Error::SettlementRefused`] - inexact leg: it did not answer as a token does.
    pub(crate) fn transfer(&self, vm: &dyn Host) -> Result<(), Revert> {
        match self.hold {
            Some(id) => self.token.use_hold(vm, id, self.from, self.to, self.amount),
            None => self
                .token
                .transfer_from(vm, self.from, self.to, self.amount),
        }
    }

    /// Makes sure that both balances are what the leg should have left.
    ///
    /// # Errors
    ///
    /// * [`Error::SettlementRefused`] - inexact leg.
    pub(crate) fn verify(&self, vm: &dyn Host) -> Result<(), Revert> {
        let exact = self.token.balance_of(vm, self.from) == self.from_after
            && self.token.balance_of(vm, self.to) == self.to_after;
        if exact { Ok(()) } else { Err(inexact()) }
    }
}

fn inexact() -> Revert {
    Error::refused(Failure::InexactLeg).into()
}
