//! Seizure of what a blacklisted account holds, by order of an authority.

use alloy_primitives::{Address, B256, U256};
use runtime::{abi::Revert, log};
use stylus_sdk::prelude::*;

use super::{TsUsdc, access::seizer_role, balance::BalanceWord, error::Error, event::Seized};

impl TsUsdc {
    /// The whole balance of `from`, to `to` or, when that is zero, burned. `from` stays blacklisted, and its holds end; one
    /// order reference may serve several accounts. Works while paused.
    ///
    /// # Errors
    ///
    /// * [`Error::AccessControlUnauthorizedAccount`].
    /// * [`Error::ZeroReference`].
    /// * [`Error::AccountNotBlacklisted`].
    /// * [`Error::AccountBlacklisted`] - for `to`.
    /// * [`Error::ERC20InvalidReceiver`] - this contract.
    pub(crate) fn seize(
        &mut self,
        from: Address,
        to: Address,
        order_reference: B256,
    ) -> Result<(), Revert> {
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
            self.break_holds(from, source);
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
            self.break_holds(from, source);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::{Burn, Transfer},
        fixture::{Coin, HOLDING, log_of, u, unauthorized},
    };

    const ORDER: B256 = B256::repeat_byte(7);

    #[test]
    fn seizing_moves_the_whole_balance_and_keeps_the_block() {
        let coin = Coin::new();
        coin.blacklist(coin.alice);
        coin.pause();
        let (from, to, amount) = (coin.alice.address(), coin.carol.address(), u(HOLDING));
        let logs = coin.logs(|c| c.sender(coin.seizer).seize(from, to, ORDER));
        let transfer = Transfer {
            from,
            to,
            value: amount,
        };
        let seized = Seized {
            from,
            to,
            amount,
            orderReference: ORDER,
        };
        assert_eq!(logs, [log_of(&transfer), log_of(&seized)]);
        assert_eq!((coin.balance(from), coin.balance(to)), (u(0), amount));
        let view = coin.contract.sender(coin.bob);
        assert!(view.is_blacklisted(from) && !view.is_blacklisted(to));
        assert_eq!(view.total_supply(), u(2 * HOLDING));
    }

    #[test]
    fn seizing_to_zero_burns() {
        let coin = Coin::new();
        coin.blacklist(coin.alice);
        let (from, to, amount) = (coin.alice.address(), Address::ZERO, u(HOLDING));
        let logs = coin.logs(|c| c.sender(coin.seizer).seize(from, to, ORDER));
        let burn = Burn {
            burner: from,
            amount,
        };
        let transfer = Transfer {
            from,
            to,
            value: amount,
        };
        let seized = Seized {
            from,
            to,
            amount,
            orderReference: ORDER,
        };
        assert_eq!(logs, [log_of(&burn), log_of(&transfer), log_of(&seized)]);
        let view = coin.contract.sender(coin.bob);
        assert_eq!((view.balance_of(from), view.balance_of(to)), (u(0), u(0)));
        assert_eq!(view.total_supply(), amount);
        assert!(view.is_blacklisted(from));
    }

    #[test]
    fn one_order_serves_several_accounts() {
        let coin = Coin::new();
        for account in [coin.alice, coin.bob] {
            coin.blacklist(account);
            coin.logs(|c| {
                c.sender(coin.seizer)
                    .seize(account.address(), coin.carol.address(), ORDER)
            });
        }
        assert_eq!(coin.balance(coin.carol), u(2 * HOLDING));
    }

    #[test]
    fn seizing_reverts_for_others_without_order_and_from_the_unblocked() {
        let coin = Coin::new();
        let (from, to) = (coin.alice.address(), coin.carol.address());
        coin.reverts(Error::AccountNotBlacklisted { account: from }, |c| {
            c.sender(coin.seizer).seize(from, to, ORDER)
        });
        coin.blacklist(from);
        coin.reverts(unauthorized(coin.admin, seizer_role()), |c| {
            c.sender(coin.admin).seize(from, to, ORDER)
        });
        coin.reverts(Error::ZeroReference {}, |c| {
            c.sender(coin.seizer).seize(from, to, B256::ZERO)
        });
    }

    #[test]
    fn seizing_reverts_to_the_blocked_and_to_the_contract() {
        let coin = Coin::new();
        coin.blacklist(coin.alice);
        coin.blacklist(coin.bob);
        let (from, bob) = (coin.alice.address(), coin.bob.address());
        for account in [bob, from] {
            coin.reverts(Error::AccountBlacklisted { account }, |c| {
                c.sender(coin.seizer).seize(from, account, ORDER)
            });
        }
        let receiver = coin.contract.address();
        coin.reverts(Error::ERC20InvalidReceiver { receiver }, |c| {
            c.sender(coin.seizer).seize(from, receiver, ORDER)
        });
    }
}
