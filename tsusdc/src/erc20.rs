//! ERC-20 with metadata and relative allowance changes.

use alloy_primitives::{Address, U256};
use authority::abi::Refusal;
use authority::text::Text;
use stylus_sdk::prelude::*;

use crate::{
    balance::BalanceWord,
    error::Error,
    event::{log, Approval, Transfer},
    TsUsdc, DECIMALS,
};

#[allow(clippy::unused_self, reason = "entry points")]
impl TsUsdc {
    pub(crate) fn name(&self) -> Text {
        self.name.get()
    }

    pub(crate) fn symbol(&self) -> Text {
        self.symbol.get()
    }

    pub(crate) fn decimals(&self) -> u8 {
        DECIMALS
    }

    pub(crate) fn currency(&self) -> Text {
        self.currency.get()
    }

    pub(crate) fn version(&self) -> Text {
        Text::from("1")
    }

    pub(crate) fn total_supply(&self) -> U256 {
        self.total_supply.get()
    }

    pub(crate) fn balance_of(&self, account: Address) -> U256 {
        self.balance_word(account).balance()
    }

    pub(crate) fn allowance(&self, owner: Address, spender: Address) -> U256 {
        self.allowances.getter(owner).get(spender)
    }

    /// Errors: [`Error::EnforcedPause`], [`Error::ERC20InvalidApprover`], [`Error::ERC20InvalidSpender`].
    pub(crate) fn approve(&mut self, spender: Address, value: U256) -> Result<bool, Refusal> {
        self.when_not_paused()?;
        self.set_allowance(self.vm().msg_sender(), spender, value)?;
        Ok(true)
    }

    /// Errors: those of [`approve`](Self::approve), [`Error::InvalidAmount`] beyond 2^256 - 1.
    pub(crate) fn increase_allowance(
        &mut self,
        spender: Address,
        increment: U256,
    ) -> Result<bool, Refusal> {
        self.when_not_paused()?;
        let owner = self.vm().msg_sender();
        let allowance = self.allowance(owner, spender).checked_add(increment);
        let value = allowance.ok_or(Error::InvalidAmount { amount: increment })?;
        self.set_allowance(owner, spender, value)?;
        Ok(true)
    }

    /// Errors: those of [`approve`](Self::approve), [`Error::ERC20InsufficientAllowance`] below zero.
    pub(crate) fn decrease_allowance(
        &mut self,
        spender: Address,
        decrement: U256,
    ) -> Result<bool, Refusal> {
        self.when_not_paused()?;
        let owner = self.vm().msg_sender();
        let value = self.allowance_less(owner, spender, decrement)?;
        self.set_allowance(owner, spender, value)?;
        Ok(true)
    }

    /// Errors, in this order: [`Error::EnforcedPause`], [`Error::AccountBlacklisted`] for the caller and `to`, those of
    /// [`move_coins`](Self::move_coins).
    pub(crate) fn transfer(&mut self, to: Address, value: U256) -> Result<bool, Refusal> {
        self.when_not_paused()?;
        let from = self.vm().msg_sender();
        let source = self.unblocked(from)?;
        let target = self.unblocked(to)?;
        self.move_coins(from, source, to, target, value)?;
        Ok(true)
    }

    /// Needs an allowance for own coins too; one of 2^256 - 1 is lowered like any other; no Approval is emitted.
    ///
    /// Errors, in this order: [`Error::EnforcedPause`], [`Error::AccountBlacklisted`] for the caller, `from` and `to`,
    /// [`Error::ERC20InsufficientAllowance`], those of [`move_coins`](Self::move_coins).
    pub(crate) fn transfer_from(
        &mut self,
        from: Address,
        to: Address,
        value: U256,
    ) -> Result<bool, Refusal> {
        self.when_not_paused()?;
        let spender = self.vm().msg_sender();
        self.unblocked(spender)?;
        let source = self.unblocked(from)?;
        let target = self.unblocked(to)?;
        let allowance = self.allowance_less(from, spender, value)?;
        self.move_coins(from, source, to, target, value)?;
        self.allowances.setter(from).insert(spender, allowance);
        Ok(true)
    }

    /// Moves `value` between two accounts whose words were just read and are not blacklisted.
    ///
    /// Errors, in this order: [`Error::ERC20InvalidSender`] (zero), [`Error::ERC20InvalidReceiver`] (zero or this contract),
    /// [`Error::ERC20InsufficientBalance`].
    #[inline(never)]
    pub(crate) fn move_coins(
        &mut self,
        from: Address,
        source: BalanceWord,
        to: Address,
        target: BalanceWord,
        value: U256,
    ) -> Result<(), Refusal> {
        if from.is_zero() {
            return Err(Error::ERC20InvalidSender { sender: from }.into());
        }
        self.valid_receiver(to)?;
        let source_after = source
            .debited(value)
            .ok_or_else(|| insufficient_balance(from, source, value))?;
        if from != to {
            // No sum of two balances exceeds the supply (I7), so this never refuses.
            let target_after = target
                .credited(value)
                .ok_or(Error::InvalidAmount { amount: value })?;
            self.set_balance_word(from, source_after);
            self.set_balance_word(to, target_after);
        }
        self.emit_transfer(from, to, value);
        Ok(())
    }

    /// Refuses a receiver that is zero or this contract.
    pub(crate) fn valid_receiver(&self, to: Address) -> Result<(), Refusal> {
        if to.is_zero() || to == self.vm().contract_address() {
            return Err(Error::ERC20InvalidReceiver { receiver: to }.into());
        }
        Ok(())
    }

    /// Errors, in this order: [`Error::ERC20InvalidApprover`] (zero), [`Error::ERC20InvalidSpender`] (zero).
    #[inline(never)]
    pub(crate) fn set_allowance(
        &mut self,
        owner: Address,
        spender: Address,
        value: U256,
    ) -> Result<(), Refusal> {
        if owner.is_zero() {
            return Err(Error::ERC20InvalidApprover { approver: owner }.into());
        }
        if spender.is_zero() {
            return Err(Error::ERC20InvalidSpender { spender }.into());
        }
        self.allowances.setter(owner).insert(spender, value);
        log!(Approval)
            .address(owner)
            .address(spender)
            .data()
            .uint(value)
            .emit(self.vm());
        Ok(())
    }

    /// What is left of an allowance after `value`.
    #[inline(never)]
    fn allowance_less(
        &self,
        owner: Address,
        spender: Address,
        value: U256,
    ) -> Result<U256, Refusal> {
        let allowance = self.allowance(owner, spender);
        let left = allowance.checked_sub(value);
        let needed = value;
        Ok(left.ok_or(Error::ERC20InsufficientAllowance {
            spender,
            allowance,
            needed,
        })?)
    }

    #[inline(never)]
    pub(crate) fn emit_transfer(&self, from: Address, to: Address, value: U256) {
        log!(Transfer)
            .address(from)
            .address(to)
            .data()
            .uint(value)
            .emit(self.vm());
    }
}

/// `sender` holds less than `needed`.
pub(crate) fn insufficient_balance(sender: Address, word: BalanceWord, needed: U256) -> Error {
    Error::ERC20InsufficientBalance {
        sender,
        balance: word.balance(),
        needed,
    }
}
