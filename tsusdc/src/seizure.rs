//! Seizure of what a blacklisted account holds, by order of an authority.

use alloy_primitives::{Address, B256, U256};
use authority::abi::Refusal;
use stylus_sdk::prelude::*;

use crate::{
    access::seizer_role,
    balance::BalanceWord,
    error::Error,
    event::{log, Seized},
    TsUsdc,
};

impl TsUsdc {
    /// The whole balance of `from`, to `to` or, when that is zero, burned. `from` stays blacklisted; one order reference
    /// may serve several accounts. Works while paused.
    ///
    /// Errors, in this order: [`Error::AccessControlUnauthorizedAccount`], [`Error::ZeroReference`], [`Error::AccountNotBlacklisted`],
    /// [`Error::AccountBlacklisted`] for `to`, [`Error::ERC20InvalidReceiver`] (this contract).
    pub(crate) fn seize(
        &mut self,
        from: Address,
        to: Address,
        order_reference: B256,
    ) -> Result<(), Refusal> {
        self.only(seizer_role())?;
        if order_reference.is_zero() {
            return Err(Error::ZeroReference {}.into());
        }
        let source = self.balance_word(from);
        if !source.is_blacklisted() {
            return Err(Error::AccountNotBlacklisted { account: from }.into());
        }
        let amount = source.balance();
        let emptied = BalanceWord(U256::ZERO).with_blacklisted(true);
        if to.is_zero() {
            self.set_balance_word(from, emptied);
            self.destroy(from, amount);
        } else {
            let target = self.unblocked(to)?;
            if to == self.vm().contract_address() {
                return Err(Error::ERC20InvalidReceiver { receiver: to }.into());
            }
            // No sum of two balances exceeds the supply (I7), so this never refuses.
            let target = target
                .credited(amount)
                .ok_or(Error::InvalidAmount { amount })?;
            self.set_balance_word(from, emptied);
            self.set_balance_word(to, target);
            self.emit_transfer(from, to, amount);
        }
        log!(Seized)
            .address(from)
            .address(to)
            .word(order_reference)
            .data()
            .uint(amount)
            .emit(self.vm());
        Ok(())
    }
}
