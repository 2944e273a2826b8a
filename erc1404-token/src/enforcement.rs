//! Acts of the enforcer: sanctions, freezes, forced movements, recovery of lost wallets.

use alloc::vec::Vec;

use alloy_primitives::{Address, B256, U256};
use runtime::{abi::Revert, log, word::largest};
use stylus_sdk::prelude::*;

use super::{
    SecurityToken, batch, codes,
    error::{restricted, revert},
    event,
    ledger::check_balance,
    restriction::{Facts, Party},
    store::{BALANCE, FROZEN_TOKENS, TOTAL_SUPPLY, number},
    word::Record,
};

impl SecurityToken {
    /// Sanctions accounts, or lifts that.
    #[inline(never)]
    pub(crate) fn sanction(&mut self, accounts: &[Address], sanctioned: bool) {
        let by = self.vm().msg_sender();
        for account in accounts {
            self.set_flag(*account, Record::SANCTIONED, sanctioned);
            log!(event::SanctionSet)
                .address(*account)
                .address(by)
                .data()
                .uint(number(sanctioned))
                .emit(self.vm());
        }
    }

    /// Freezes an address, or lifts that.
    #[inline(never)]
    pub(crate) fn freeze_address(&mut self, account: Address, frozen: bool) {
        self.set_flag(account, Record::FROZEN, frozen);
        let by = self.vm().msg_sender();
        log!(event::AddressFrozen)
            .address(account)
            .uint(number(frozen))
            .address(by)
            .emit(self.vm());
    }

    /// Freezes `amount` more of the tokens of `account`, up to all it has.
    #[inline(never)]
    pub(crate) fn freeze_tokens(&mut self, account: Address, amount: U256) -> Result<(), Revert> {
        let (frozen, balance) = (self.of(account, FROZEN_TOKENS), self.of(account, BALANCE));
        match frozen.checked_add(amount) {
            Some(sum) if sum <= balance => self.set_frozen_tokens(account, sum),
            _ => {
                return Err(revert!(FreezeExceedsBalance {
                    account,
                    frozen,
                    amount,
                    balance
                }));
            }
        }
        log!(event::TokensFrozen)
            .address(account)
            .data()
            .uint(amount)
            .emit(self.vm());
        Ok(())
    }

    /// Releases `amount` of the frozen tokens of `account`.
    #[inline(never)]
    pub(crate) fn unfreeze_tokens(&mut self, account: Address, amount: U256) -> Result<(), Revert> {
        let frozen = self.of(account, FROZEN_TOKENS);
        let Some(left) = frozen.checked_sub(amount) else {
            return Err(revert!(UnfreezeExceedsFrozen {
                account,
                frozen,
                amount
            }));
        };
        self.set_frozen_tokens(account, left);
        self.log_unfrozen(account, amount);
        Ok(())
    }

    #[inline(never)]
    fn log_unfrozen(&self, account: Address, amount: U256) {
        log!(event::TokensUnfrozen)
            .address(account)
            .data()
            .uint(amount)
            .emit(self.vm());
    }

    fn set_frozen_tokens(&mut self, account: Address, amount: U256) {
        self.set_of(account, FROZEN_TOKENS, amount);
        self.set_flag(account, Record::PARTLY_FROZEN, !amount.is_zero());
    }

    /// Partly frozen, locked and unvested tokens of `wallet`.
    pub(crate) fn encumbrances(&self, wallet: Address) -> (U256, U256, U256) {
        let [frozen, locked, unvested] =
            Record::ENCUMBRANCES.map(|flag| self.encumbrance(flag, wallet, self.now()));
        (frozen, locked, unvested)
    }

    /// What `wallet` may dispose of.
    #[inline(never)]
    pub(crate) fn spendable(&self, wallet: Address) -> U256 {
        Record::ENCUMBRANCES
            .into_iter()
            .fold(self.of(wallet, BALANCE), |left, flag| {
                left.saturating_sub(self.encumbrance(flag, wallet, self.now()))
            })
    }

    /// Moves `value` by order: see [`Self::force`].
    #[inline(never)]
    pub(crate) fn force_transfer(
        &mut self,
        from: Address,
        to: Address,
        value: U256,
        reason: B256,
    ) -> Result<(), Revert> {
        self.force_to(from, to, value)?;
        let by = self.vm().msg_sender();
        log!(event::ForcedTransfer)
            .address(from)
            .address(to)
            .address(by)
            .data()
            .uint(value)
            .word(reason)
            .emit(self.vm());
        Ok(())
    }

    /// Moves `value` to a wallet: see [`Self::force`].
    #[inline(never)]
    pub(crate) fn force_to(
        &mut self,
        from: Address,
        to: Address,
        value: U256,
    ) -> Result<(), Revert> {
        if to.is_zero() {
            return Err(restricted(codes::INVALID_RECIPIENT));
        }
        self.force(from, to, value)
    }

    /// Destroys `value` by order: see [`Self::force`].
    #[inline(never)]
    pub(crate) fn force_burn(
        &mut self,
        from: Address,
        value: U256,
        reason: B256,
    ) -> Result<(), Revert> {
        self.force(from, Address::ZERO, value)?;
        self.set_supply(self.word(TOTAL_SUPPLY).saturating_sub(value));
        self.log_burned(from, value, reason);
        Ok(())
    }

    /// Moves `value` from `from` to `to` (zero: nowhere), whatever freezes, locks and vesting say, and reduces them.
    ///
    /// Neither the pause nor the limits prevent it; a deactivation and an unfit recipient do.
    #[inline(never)]
    pub(crate) fn force(&mut self, from: Address, to: Address, value: U256) -> Result<(), Revert> {
        self.check_active()?;
        let sender = self.party(from);
        let mut recipient = Party::default();
        if !to.is_zero() {
            if from == to {
                return Err(revert!(InvalidWallet { wallet: to }));
            }
            recipient = self.party(to);
            self.check_fit(&recipient)?;
        }
        check_balance(&sender, value)?;
        self.reduce_encumbrances(&sender, value);
        // The record may have changed; only balances and counts are used from here on.
        self.move_balances(&sender, &recipient, value);
        Ok(())
    }

    /// Hands everything of `lost` over to `replacement`.
    #[inline(never)]
    pub(crate) fn recover(
        &mut self,
        lost: Address,
        replacement: Address,
        reason: B256,
    ) -> Result<(), Revert> {
        self.check_active()?;
        self.check_wallet(replacement)?;
        if lost == replacement {
            return Err(revert!(InvalidWallet {
                wallet: replacement
            }));
        }
        let (old, new) = (self.record(lost), self.record(replacement));
        if (old.flags | new.flags) & Record::SANCTIONED != 0 {
            return Err(restricted(codes::SANCTIONED));
        }
        if !old.is_registered() {
            return Err(revert!(WalletNotRegistered { wallet: lost }));
        }
        if new.is_registered() && new.investor != old.investor {
            return Err(revert!(WalletOfAnotherInvestor {
                wallet: replacement,
                investorId: self.investor_id(new.investor)
            }));
        }
        self.check_empty(replacement)?;
        let locked = self.locked_of(replacement, self.now());
        let schedules = self.count_schedules(replacement);
        if schedules != 0 || !locked.is_zero() {
            return Err(revert!(WalletEncumbered {
                wallet: replacement,
                locked,
                schedules: U256::from(schedules)
            }));
        }

        self.replace(lost, replacement);
        self.move_locks(lost, replacement);
        self.move_schedules(lost, replacement);
        let frozen_tokens = self.of(lost, FROZEN_TOKENS);
        self.set_frozen_tokens(lost, U256::ZERO);
        self.set_frozen_tokens(replacement, frozen_tokens);
        self.set_flag(
            replacement,
            Record::FROZEN,
            (old.flags | new.flags) & Record::FROZEN != 0,
        );
        self.set_flag(lost, Record::FROZEN, true);

        let value = self.of(lost, BALANCE);
        self.set_of(lost, BALANCE, U256::ZERO);
        self.set_of(replacement, BALANCE, value);
        self.log_transfer(lost, replacement, value);
        let by = self.vm().msg_sender();
        log!(event::WalletRecovered)
            .address(lost)
            .address(replacement)
            .address(by)
            .data()
            .word(reason)
            .emit(self.vm());
        Ok(())
    }

    /// Refuses a recipient that is the token itself, sanctioned, frozen or not registered.
    fn check_fit(&self, to: &Party) -> Result<(), Revert> {
        let code = if to.wallet == self.vm().contract_address() {
            codes::INVALID_RECIPIENT
        } else if to.record.has(Record::SANCTIONED) {
            codes::SANCTIONED
        } else if to.record.has(Record::FROZEN) {
            codes::RECIPIENT_FROZEN
        } else if !to.record.is_registered() {
            codes::NOT_ALLOWED
        } else {
            return Ok(());
        };
        Err(restricted(code))
    }

    /// Reduces what encumbers `from` by what of `value` is not free: first frozen, then locked, then unvested tokens.
    ///
    /// Encumbrances may overlap; frozen and unvested tokens are never left to exceed the balance.
    #[inline(never)]
    fn reduce_encumbrances(&mut self, from: &Party, value: U256) {
        if !from.record.has(Record::ENCUMBERED) {
            return;
        }
        let account = from.wallet;
        let mut excess = value.saturating_sub(self.spendable(account));
        for flag in Record::ENCUMBRANCES {
            let amount = self.encumbrance(flag, account, self.now());
            let most = match flag {
                Record::LOCKED => largest(),
                _ => from.balance.saturating_sub(value),
            };
            let reduction = amount.min(excess).max(amount.saturating_sub(most));
            excess = excess.saturating_sub(reduction);
            if reduction.is_zero() {
                continue;
            }
            match flag {
                Record::PARTLY_FROZEN => {
                    self.set_frozen_tokens(account, amount.saturating_sub(reduction));
                    self.log_unfrozen(account, reduction);
                }
                Record::LOCKED => self.reduce_locks(account, reduction),
                _ => self.reduce_schedules(account, reduction),
            }
        }
    }
}

impl SecurityToken {
    #[allow(
        clippy::needless_pass_by_value,
        reason = "arguments are decoded into values"
    )]
    pub(crate) fn set_sanctioned(
        &mut self,
        accounts: Vec<Address>,
        sanctioned: bool,
    ) -> Result<(), Revert> {
        self.only_enforcer()?;
        batch::check(accounts.len(), &[])?;
        self.sanction(&accounts, sanctioned);
        Ok(())
    }

    pub(crate) fn is_sanctioned(&self, account: Address) -> bool {
        self.record(account).has(Record::SANCTIONED)
    }

    pub(crate) fn set_address_frozen(
        &mut self,
        account: Address,
        frozen: bool,
    ) -> Result<(), Revert> {
        self.only_enforcer()?;
        self.freeze_address(account, frozen);
        Ok(())
    }

    pub(crate) fn is_frozen(&self, account: Address) -> bool {
        self.record(account).has(Record::FROZEN)
    }

    pub(crate) fn freeze_partial_tokens(
        &mut self,
        account: Address,
        amount: U256,
    ) -> Result<(), Revert> {
        self.only_enforcer()?;
        self.freeze_tokens(account, amount)
    }

    pub(crate) fn unfreeze_partial_tokens(
        &mut self,
        account: Address,
        amount: U256,
    ) -> Result<(), Revert> {
        self.only_enforcer()?;
        self.unfreeze_tokens(account, amount)
    }

    pub(crate) fn get_frozen_tokens(&self, account: Address) -> U256 {
        self.of(account, FROZEN_TOKENS)
    }

    pub(crate) fn forced_transfer(
        &mut self,
        from: Address,
        to: Address,
        value: U256,
        reason: B256,
    ) -> Result<(), Revert> {
        self.only_enforcer()?;
        self.force_transfer(from, to, value, reason)
    }

    pub(crate) fn forced_burn(
        &mut self,
        from: Address,
        value: U256,
        reason: B256,
    ) -> Result<(), Revert> {
        self.only_enforcer()?;
        self.force_burn(from, value, reason)
    }

    pub(crate) fn recover_wallet(
        &mut self,
        lost: Address,
        replacement: Address,
        reason: B256,
    ) -> Result<(), Revert> {
        self.only_enforcer()?;
        self.recover(lost, replacement, reason)
    }
}
