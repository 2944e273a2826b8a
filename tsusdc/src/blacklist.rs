//! The blacklist: an account on it can neither send, receive, mint, burn nor spend for others.

use alloc::vec::Vec;

use alloy_primitives::{Address, U256};
use authority::abi::Refusal;
use stylus_sdk::prelude::*;

use crate::{
    access::blacklister_role,
    balance::BalanceWord,
    error::Error,
    event::{log, Blacklisted, UnBlacklisted},
    TsUsdc,
};

/// The most accounts that one call may block.
pub(crate) const BATCH_LIMIT: usize = 100;

impl TsUsdc {
    /// Works while paused. Repeating it succeeds and emits again, as USDC's does.
    pub(crate) fn blacklist(&mut self, account: Address) -> Result<(), Refusal> {
        self.only(blacklister_role())?;
        self.set_blacklisted(account);
        Ok(())
    }

    /// Works while paused. Repeating it succeeds and emits again, as USDC's does.
    pub(crate) fn un_blacklist(&mut self, account: Address) -> Result<(), Refusal> {
        self.only(blacklister_role())?;
        let word = self.balance_word(account);
        self.set_balance_word(account, word.with_blacklisted(false));
        log!(UnBlacklisted).address(account).emit(self.vm());
        Ok(())
    }

    /// All of up to [`BATCH_LIMIT`] accounts, or none.
    pub(crate) fn blacklist_batch(&mut self, accounts: Vec<Address>) -> Result<(), Refusal> {
        self.only(blacklister_role())?;
        if accounts.len() > BATCH_LIMIT {
            let (length, limit) = (U256::from(accounts.len()), U256::from(BATCH_LIMIT));
            return Err(Error::BatchTooLarge { length, limit }.into());
        }
        for account in accounts {
            self.set_blacklisted(account);
        }
        Ok(())
    }

    pub(crate) fn is_blacklisted(&self, account: Address) -> bool {
        self.balance_word(account).is_blacklisted()
    }

    /// The balance word of an `account` that is not blacklisted.
    ///
    /// # Errors
    ///
    /// * [`Error::AccountBlacklisted`].
    #[inline(never)]
    pub(crate) fn unblocked(&self, account: Address) -> Result<BalanceWord, Refusal> {
        let word = self.balance_word(account);
        if word.is_blacklisted() {
            return Err(Error::AccountBlacklisted { account }.into());
        }
        Ok(word)
    }

    #[inline(never)]
    fn set_blacklisted(&mut self, account: Address) {
        let word = self.balance_word(account);
        self.set_balance_word(account, word.with_blacklisted(true));
        log!(Blacklisted).address(account).emit(self.vm());
    }

    #[inline(never)]
    pub(crate) fn balance_word(&self, account: Address) -> BalanceWord {
        BalanceWord(self.balances.get(account))
    }

    #[inline(never)]
    pub(crate) fn set_balance_word(&mut self, account: Address, word: BalanceWord) {
        self.balances.insert(account, word.0);
    }
}
