//! Minters with finite allowances, minting and burning, and the bank references that tie both to a bank statement.

use alloy_primitives::{Address, B256, U256};
use authority::abi::Refusal;
use stylus_sdk::prelude::*;

use crate::{
    access::master_minter_role,
    erc20::insufficient_balance,
    error::Error,
    event::{log, BankReference, Burn, Mint, MinterConfigured, MinterRemoved},
    TsUsdc,
};

impl TsUsdc {
    /// Errors, in this order: [`Error::EnforcedPause`], [`Error::AccessControlUnauthorizedAccount`].
    pub(crate) fn configure_minter(
        &mut self,
        minter: Address,
        allowance: U256,
    ) -> Result<bool, Refusal> {
        self.when_not_paused()?;
        self.only(master_minter_role())?;
        self.minters.insert(minter, true);
        self.set_minter_allowance(minter, allowance);
        Ok(true)
    }

    /// Errors, in this order: [`Error::EnforcedPause`], [`Error::AccessControlUnauthorizedAccount`], [`Error::NotMinter`],
    /// [`Error::InvalidAmount`] beyond 2^256 - 1.
    pub(crate) fn increase_minter_allowance(
        &mut self,
        minter: Address,
        increment: U256,
    ) -> Result<bool, Refusal> {
        self.when_not_paused()?;
        self.only(master_minter_role())?;
        self.only_minter(minter)?;
        let allowance = self.minter_allowances.get(minter).checked_add(increment);
        let allowance = allowance.ok_or(Error::InvalidAmount { amount: increment })?;
        self.set_minter_allowance(minter, allowance);
        Ok(true)
    }

    /// Stops at zero. Works while paused.
    ///
    /// Errors, in this order: [`Error::AccessControlUnauthorizedAccount`], [`Error::NotMinter`].
    pub(crate) fn decrease_minter_allowance(
        &mut self,
        minter: Address,
        decrement: U256,
    ) -> Result<bool, Refusal> {
        self.only(master_minter_role())?;
        self.only_minter(minter)?;
        let allowance = self.minter_allowances.get(minter).saturating_sub(decrement);
        self.set_minter_allowance(minter, allowance);
        Ok(true)
    }

    /// Works while paused. Repeating it succeeds and emits again, as USDC's does.
    pub(crate) fn remove_minter(&mut self, minter: Address) -> Result<bool, Refusal> {
        self.only(master_minter_role())?;
        self.minters.insert(minter, false);
        self.minter_allowances.insert(minter, U256::ZERO);
        log!(MinterRemoved).address(minter).emit(self.vm());
        Ok(true)
    }

    pub(crate) fn is_minter(&self, account: Address) -> bool {
        self.minters.get(account)
    }

    pub(crate) fn minter_allowance(&self, minter: Address) -> U256 {
        self.minter_allowances.get(minter)
    }

    /// Errors: those of [`mint_with_reference`](Self::mint_with_reference) but for the reference.
    pub(crate) fn mint(&mut self, to: Address, amount: U256) -> Result<bool, Refusal> {
        self.mint_coins(to, amount, None)?;
        Ok(true)
    }

    /// Errors, in this order: [`Error::EnforcedPause`], [`Error::NotMinter`], [`Error::AccountBlacklisted`] for the
    /// minter and `to`, [`Error::ERC20InvalidReceiver`], [`Error::InvalidAmount`] (zero), [`Error::BankReferenceUsed`],
    /// [`Error::MinterAllowanceExceeded`], [`Error::ReservesStale`], [`Error::ReservesExceeded`].
    pub(crate) fn mint_with_reference(
        &mut self,
        to: Address,
        amount: U256,
        bank_reference: B256,
    ) -> Result<bool, Refusal> {
        self.mint_coins(to, amount, Some(bank_reference))?;
        Ok(true)
    }

    /// Errors: those of [`burn_with_reference`](Self::burn_with_reference) but for the reference.
    pub(crate) fn burn(&mut self, amount: U256) -> Result<(), Refusal> {
        self.burn_coins(amount, None)
    }

    /// Never restores the minter's allowance, and works whatever the reserves are.
    ///
    /// Errors, in this order: [`Error::EnforcedPause`], [`Error::NotMinter`], [`Error::AccountBlacklisted`],
    /// [`Error::InvalidAmount`] (zero), [`Error::BankReferenceUsed`], [`Error::ERC20InsufficientBalance`].
    pub(crate) fn burn_with_reference(
        &mut self,
        amount: U256,
        bank_reference: B256,
    ) -> Result<(), Refusal> {
        self.burn_coins(amount, Some(bank_reference))
    }

    pub(crate) fn is_bank_reference_used(&self, bank_reference: B256) -> bool {
        self.bank_references.get(bank_reference)
    }

    #[inline(never)]
    fn mint_coins(
        &mut self,
        to: Address,
        amount: U256,
        bank_reference: Option<B256>,
    ) -> Result<(), Refusal> {
        self.when_not_paused()?;
        let minter = self.vm().msg_sender();
        self.only_minter(minter)?;
        self.unblocked(minter)?;
        let target = self.unblocked(to)?;
        self.valid_receiver(to)?;
        self.mintable(amount, bank_reference)?;
        let allowance = self.minter_allowances.get(minter);
        let left = allowance.checked_sub(amount);
        let left = left.ok_or(Error::MinterAllowanceExceeded {
            minter,
            allowance,
            amount,
        })?;
        let supply = self.supply_after_mint(amount)?;
        // No balance exceeds the supply (I7), so this never refuses.
        let target = target
            .credited(amount)
            .ok_or(Error::InvalidAmount { amount })?;

        self.minter_allowances.insert(minter, left);
        self.total_supply.set(supply);
        self.set_balance_word(to, target);
        log!(Mint)
            .address(minter)
            .address(to)
            .data()
            .uint(amount)
            .emit(self.vm());
        self.emit_transfer(Address::ZERO, to, amount);
        self.use_bank_reference(bank_reference, minter, true, amount);
        Ok(())
    }

    #[inline(never)]
    fn burn_coins(&mut self, amount: U256, bank_reference: Option<B256>) -> Result<(), Refusal> {
        self.when_not_paused()?;
        let burner = self.vm().msg_sender();
        self.only_minter(burner)?;
        let word = self.unblocked(burner)?;
        self.mintable(amount, bank_reference)?;
        let left = word.debited(amount);
        let left = left.ok_or_else(|| insufficient_balance(burner, word, amount))?;

        self.set_balance_word(burner, left);
        self.destroy(burner, amount);
        self.use_bank_reference(bank_reference, burner, false, amount);
        Ok(())
    }

    /// Takes `amount`, which `burner` no longer holds, out of the supply.
    #[inline(never)]
    pub(crate) fn destroy(&mut self, burner: Address, amount: U256) {
        // The supply is the sum of all balances (I7), of which this was one.
        let supply = self.total_supply.get().saturating_sub(amount);
        self.total_supply.set(supply);
        log!(Burn)
            .address(burner)
            .data()
            .uint(amount)
            .emit(self.vm());
        self.emit_transfer(burner, Address::ZERO, amount);
    }

    fn only_minter(&self, account: Address) -> Result<(), Refusal> {
        if !self.minters.get(account) {
            return Err(Error::NotMinter { account }.into());
        }
        Ok(())
    }

    /// Refuses an amount of zero and a reference that is zero or used.
    fn mintable(&self, amount: U256, bank_reference: Option<B256>) -> Result<(), Refusal> {
        if amount.is_zero() {
            return Err(Error::InvalidAmount { amount }.into());
        }
        match bank_reference {
            Some(reference) if reference.is_zero() || self.bank_references.get(reference) => {
                Err(Error::BankReferenceUsed {
                    bank_reference: reference,
                }
                .into())
            }
            _ => Ok(()),
        }
    }

    #[inline(never)]
    fn use_bank_reference(
        &mut self,
        reference: Option<B256>,
        minter: Address,
        is_mint: bool,
        amount: U256,
    ) {
        let Some(reference) = reference else {
            return;
        };
        self.bank_references.insert(reference, true);
        log!(BankReference)
            .word(reference)
            .address(minter)
            .uint(U256::from(is_mint))
            .data()
            .uint(amount)
            .emit(self.vm());
    }

    #[inline(never)]
    fn set_minter_allowance(&mut self, minter: Address, allowance: U256) {
        self.minter_allowances.insert(minter, allowance);
        log!(MinterConfigured)
            .address(minter)
            .data()
            .uint(allowance)
            .emit(self.vm());
    }
}
