//! The blacklist: an account on it can neither send, receive, mint, burn nor spend for others.

use alloc::vec::Vec;

use alloy_primitives::{Address, U256};
use runtime::{abi::Revert, log};
use stylus_sdk::prelude::*;

use super::{
    TsUsdc,
    access::blacklister_role,
    balance::BalanceWord,
    error::Error,
    event::{Blacklisted, UnBlacklisted},
};

/// The most accounts that one call may block.
pub(crate) const BATCH_LIMIT: usize = 100;

impl TsUsdc {
    /// Works while paused. Repeating it succeeds and emits again, as USDC's does.
    pub(crate) fn blacklist(&mut self, account: Address) -> Result<(), Revert> {
        self.only(blacklister_role())?;
        self.set_blacklisted(account);
        Ok(())
    }

    /// Works while paused. Repeating it succeeds and emits again, as USDC's does.
    pub(crate) fn un_blacklist(&mut self, account: Address) -> Result<(), Revert> {
        self.only(blacklister_role())?;
        let word = self.balance_word(account);
        self.set_balance_word(account, word.with_blacklisted(false));
        log!(UnBlacklisted).address(account).emit(self.vm());
        Ok(())
    }

    /// All of up to [`BATCH_LIMIT`] accounts, or none.
    pub(crate) fn blacklist_batch(&mut self, accounts: Vec<Address>) -> Result<(), Revert> {
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
    pub(crate) fn unblocked(&self, account: Address) -> Result<BalanceWord, Revert> {
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
        BalanceWord(self.balances.get(account.into_word()))
    }

    #[inline(never)]
    pub(crate) fn set_balance_word(&mut self, account: Address, word: BalanceWord) {
        self.balances.set(account.into_word(), word.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Coin, HOLDING, log_of, unauthorized};

    #[test]
    fn blacklisting_keeps_the_balance_and_emits_each_time() {
        let coin = Coin::new();
        let account = coin.alice.address();
        for _ in 0..2 {
            let logs = coin.logs(|c| c.sender(coin.blacklister).blacklist(account));
            assert_eq!(logs, [log_of(&Blacklisted { account })]);
            assert!(coin.contract.sender(coin.bob).is_blacklisted(account));
            assert_eq!(coin.balance(account), U256::from(HOLDING));
        }
        for _ in 0..2 {
            let logs = coin.logs(|c| c.sender(coin.blacklister).un_blacklist(account));
            assert_eq!(logs, [log_of(&UnBlacklisted { account })]);
            assert!(!coin.contract.sender(coin.bob).is_blacklisted(account));
            assert_eq!(coin.balance(account), U256::from(HOLDING));
        }
    }

    #[test]
    fn blacklisting_works_while_paused() {
        let coin = Coin::new();
        coin.pause();
        coin.logs(|c| c.sender(coin.blacklister).blacklist(coin.alice.address()));
        coin.logs(|c| {
            c.sender(coin.blacklister)
                .un_blacklist(coin.alice.address())
        });
        coin.logs(|c| {
            c.sender(coin.blacklister)
                .blacklist_batch(vec![coin.bob.address()])
        });
        assert!(
            coin.contract
                .sender(coin.bob)
                .is_blacklisted(coin.bob.address())
        );
    }

    #[test]
    fn blacklist_batch_takes_a_hundred_and_reverts_beyond() {
        let coin = Coin::new();
        let accounts = |count: u8| (0..count).map(Address::repeat_byte).collect::<Vec<_>>();
        let (length, limit) = (U256::from(101), U256::from(100));
        coin.reverts(Error::BatchTooLarge { length, limit }, |c| {
            c.sender(coin.blacklister).blacklist_batch(accounts(101))
        });
        let logs = coin.logs(|c| c.sender(coin.blacklister).blacklist_batch(accounts(100)));
        assert_eq!(logs.len(), 100);
        for account in accounts(100) {
            assert!(coin.contract.sender(coin.bob).is_blacklisted(account));
        }
    }

    #[test]
    fn blacklisting_reverts_for_others() {
        let coin = Coin::new();
        let error = || unauthorized(coin.admin, blacklister_role());
        let account = coin.alice.address();
        coin.reverts(error(), |c| c.sender(coin.admin).blacklist(account));
        coin.reverts(error(), |c| c.sender(coin.admin).un_blacklist(account));
        coin.reverts(error(), |c| {
            c.sender(coin.admin).blacklist_batch(vec![account])
        });
    }
}
