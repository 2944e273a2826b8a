//! Acts of the enforcer: sanctions, freezes, forced movements, recovery of lost wallets.

use alloc::vec::Vec;

use alloy_primitives::{Address, B256, U256};
use runtime::{
    abi::Revert,
    event::Log,
    log,
    word::{largest, uint},
};
use stylus_sdk::prelude::*;

use super::{
    SecurityToken, batch, codes,
    error::{check_status, restricted, revert},
    event,
    ledger::check_balance,
    restriction::{Bound, Party},
    store::{BALANCE, FROZEN_TOKENS, SUCCESSOR, TOTAL_SUPPLY, number},
    word::Record,
};

impl SecurityToken {
    /// Sanctions or freezes an account, or lifts that: with it all wallets of its investor.
    #[inline(never)]
    pub(crate) fn set_status(&mut self, account: Address, flag: u8, on: bool) {
        let mut wallets = self.wallets(self.record(account).investor);
        if wallets.is_empty() {
            wallets.push(account);
        }
        for wallet in wallets {
            let mut record = self.record(wallet);
            let changes = record.has(flag) != on;
            if changes {
                record.set(flag, on);
                self.set_record(wallet, record);
            }
            if changes || wallet == account {
                self.log_status(wallet, flag, on);
            }
        }
    }

    /// Logs for each flag of a status that `account` has it, or not.
    #[inline(never)]
    pub(crate) fn log_status(&self, account: Address, flags: u8, on: bool) {
        let by = self.vm().msg_sender();
        if flags & Record::SANCTIONED != 0 {
            log!(event::SanctionSet)
                .address(account)
                .address(by)
                .data()
                .uint(number(on))
                .emit(self.vm());
        }
        if flags & Record::FROZEN != 0 {
            log!(event::AddressFrozen)
                .address(account)
                .uint(number(on))
                .address(by)
                .emit(self.vm());
        }
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
        self.log_amount(log!(event::TokensFrozen), account, amount);
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
        self.log_amount(log!(event::TokensUnfrozen), account, amount);
        Ok(())
    }

    #[inline(never)]
    fn log_amount(&self, mut log: Log, account: Address, amount: U256) {
        log.address(account).data().uint(amount).emit(self.vm());
    }

    #[inline(never)]
    fn set_frozen_tokens(&mut self, account: Address, amount: U256) {
        self.set_of(account, FROZEN_TOKENS, amount);
        self.set_flag(account, Record::PARTLY_FROZEN, !amount.is_zero());
    }

    /// Partly frozen, locked and unvested tokens of `wallet`.
    pub(crate) fn encumbrances(&self, wallet: Address) -> (U256, U256, U256) {
        let Bound {
            frozen,
            locked,
            unvested,
            ..
        } = self.party(wallet, true, self.now()).bound;
        (frozen, locked, unvested)
    }

    /// What `wallet` may dispose of.
    #[inline(never)]
    pub(crate) fn spendable(&self, wallet: Address) -> U256 {
        spendable(&self.party(wallet, true, self.now()))
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
        if to.is_zero() {
            return Err(restricted(codes::INVALID_RECIPIENT));
        }
        self.force(from, to, value)?;
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
        self.log_burned(log!(event::ForcedBurn), from, value, reason);
        Ok(())
    }

    /// Moves `value` from `from` to `to` (zero: nowhere), whatever freezes, locks, vesting and holds say, and reduces
    /// them.
    ///
    /// Neither the pause nor the limits prevent it; a deactivation and an unfit recipient do.
    #[inline(never)]
    pub(crate) fn force(&mut self, from: Address, to: Address, value: U256) -> Result<(), Revert> {
        let (mut sender, recipient) = self.sides(from, to, value)?;
        let missing = value.saturating_sub(spendable(&sender));
        self.take(&mut sender, &recipient, value, missing);
        Ok(())
    }

    /// Both sides of what the issuer takes back. Of a sanctioned or frozen holder it takes nothing, nor of what is
    /// frozen or held: that is the enforcer's.
    #[inline(never)]
    pub(crate) fn taken_by_issuer(
        &self,
        from: Address,
        to: Address,
        value: U256,
    ) -> Result<(Party, Party), Revert> {
        check_status(self.record(from).flags, 0)?;
        if to.is_zero() {
            return Err(restricted(codes::INVALID_RECIPIENT));
        }
        let (sender, recipient) = self.sides(from, to, value)?;
        let left = sender.balance.saturating_sub(value);
        let Bound { frozen, held, .. } = sender.bound;
        if left < frozen {
            return Err(restricted(codes::PARTLY_FROZEN));
        }
        if left < held {
            return Err(restricted(codes::HELD));
        }
        Ok((sender, recipient))
    }

    /// Both sides of a forced movement, when the token is active, the recipient fit, and the balance large enough.
    #[inline(never)]
    fn sides(&self, from: Address, to: Address, value: U256) -> Result<(Party, Party), Revert> {
        self.check_active()?;
        let now = self.now();
        let sender = self.party(from, true, now);
        let mut recipient = Party::default();
        if !to.is_zero() {
            if from == to {
                return Err(revert!(InvalidWallet { wallet: to }));
            }
            recipient = self.party(to, false, now);
            self.check_fit(&recipient)?;
        }
        check_balance(&sender, value)?;
        Ok((sender, recipient))
    }

    /// Moves `value` off a sender, of which `missing` is not free: first frozen, then locked, unvested and held tokens.
    ///
    /// What binds a balance may overlap. So each kind also ends for what of it went with the tokens: of 100 tokens, all
    /// of them locked and 40 frozen, 40 that are moved take the freeze with them and 40 of the lock.
    #[inline(never)]
    pub(crate) fn take(&mut self, from: &mut Party, to: &Party, value: U256, mut missing: U256) {
        let Party {
            wallet: account,
            balance,
            bound,
            ..
        } = *from;
        let left = balance.saturating_sub(value);
        let mut gone = |amount: U256| {
            let gone = amount
                .min(missing)
                .max(amount.min(balance).saturating_sub(left));
            missing = missing.saturating_sub(gone);
            gone
        };
        let [frozen, locked, unvested, held] = bound.parts().map(|(amount, _)| gone(amount));
        let record = &mut from.record;
        if !frozen.is_zero() {
            let left = bound.frozen.saturating_sub(frozen);
            self.set_of(account, FROZEN_TOKENS, left);
            record.set(Record::PARTLY_FROZEN, !left.is_zero());
            self.log_amount(log!(event::TokensUnfrozen), account, frozen);
        }
        self.reduce_locks(account, record, locked);
        self.reduce_schedules(account, record, unvested);
        self.break_holds(account, record, held);
        self.set_record(account, *record);
        self.move_balances(from, to, value);
    }

    /// Hands everything of `lost` over to `replacement`, another wallet of the same investor.
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
        let mut old = self.party(lost, true, self.now());
        let mut new = self.record(replacement);
        if (old.record.flags | new.flags) & Record::SANCTIONED != 0 {
            return Err(restricted(codes::SANCTIONED));
        }
        for (wallet, record) in [(lost, &old.record), (replacement, &new)] {
            if !record.is_registered() {
                return Err(revert!(WalletNotRegistered { wallet }));
            }
        }
        let investor = old.record.investor;
        if new.investor != investor {
            return Err(revert!(WalletOfAnotherInvestor {
                wallet: replacement,
                investorId: self.investor_id(new.investor)
            }));
        }
        self.check_vacant(replacement)?;

        // First of all: a freeze of the lost wallet that follows is not the investor's.
        self.detach(lost, investor);
        self.log_removed(lost, investor);
        new = self.record(replacement);
        let record = &mut old.record;
        self.move_locks((lost, record), (replacement, &mut new));
        self.move_schedules((lost, record), (replacement, &mut new));
        let frozen = old.bound.frozen;
        if !frozen.is_zero() {
            self.set_of(lost, FROZEN_TOKENS, U256::ZERO);
            self.set_of(replacement, FROZEN_TOKENS, frozen);
            new.set(Record::PARTLY_FROZEN, true);
            self.log_amount(log!(event::TokensUnfrozen), lost, frozen);
            self.log_amount(log!(event::TokensFrozen), replacement, frozen);
        }
        self.break_holds(lost, record, largest());
        self.set_record(replacement, new);
        let was_frozen = record.has(Record::FROZEN);
        let replaced = Record {
            flags: Record::FROZEN | Record::REPLACED,
            ..Record::default()
        };
        self.set_record(lost, replaced);
        self.set_of(lost, SUCCESSOR, uint(&replacement.into_word()));
        if !was_frozen {
            self.log_status(lost, Record::FROZEN, true);
        }

        self.set_of(lost, BALANCE, U256::ZERO);
        self.set_of(replacement, BALANCE, old.balance);
        self.log_transfer(lost, replacement, old.balance);
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
}

/// What of a sender's balance nothing binds.
fn spendable(from: &Party) -> U256 {
    from.bound
        .parts()
        .into_iter()
        .fold(from.balance, |left, (amount, _)| {
            left.saturating_sub(amount)
        })
}

impl SecurityToken {
    pub(crate) fn set_sanctioned(
        &mut self,
        accounts: Vec<Address>,
        sanctioned: bool,
    ) -> Result<(), Revert> {
        self.only_enforcer()?;
        batch::check(accounts.len(), &[])?;
        for account in accounts {
            self.set_status(account, Record::SANCTIONED, sanctioned);
        }
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
        self.set_status(account, Record::FROZEN, frozen);
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
