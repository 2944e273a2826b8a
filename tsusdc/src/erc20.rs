//! ERC-20 with metadata and relative allowance changes.

use alloy_primitives::{Address, U256};
use runtime::{abi::Revert, log, text::Text};
use stylus_sdk::prelude::*;

use super::{
    DECIMALS, TsUsdc,
    balance::BalanceWord,
    error::Error,
    event::{Approval, Transfer},
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
        self.allowances
            .at(owner.into_word())
            .get(spender.into_word())
    }

    /// # Errors
    ///
    /// * [`Error::EnforcedPause`].
    /// * [`Error::ERC20InvalidApprover`].
    /// * [`Error::ERC20InvalidSpender`].
    pub(crate) fn approve(&mut self, spender: Address, value: U256) -> Result<bool, Revert> {
        self.when_not_paused()?;
        self.set_allowance(self.vm().msg_sender(), spender, value)?;
        Ok(true)
    }

    /// # Errors
    ///
    /// * Those of [`approve`](Self::approve).
    /// * [`Error::InvalidAmount`] - beyond 2^256 - 1.
    pub(crate) fn increase_allowance(
        &mut self,
        spender: Address,
        increment: U256,
    ) -> Result<bool, Revert> {
        self.when_not_paused()?;
        let owner = self.vm().msg_sender();
        let allowance = self.allowance(owner, spender).checked_add(increment);
        let value = allowance.ok_or(Error::InvalidAmount { amount: increment })?;
        self.set_allowance(owner, spender, value)?;
        Ok(true)
    }

    /// # Errors
    ///
    /// * Those of [`approve`](Self::approve).
    /// * [`Error::ERC20InsufficientAllowance`] - below zero.
    pub(crate) fn decrease_allowance(
        &mut self,
        spender: Address,
        decrement: U256,
    ) -> Result<bool, Revert> {
        self.when_not_paused()?;
        let owner = self.vm().msg_sender();
        let value = self.allowance_less(owner, spender, decrement)?;
        self.set_allowance(owner, spender, value)?;
        Ok(true)
    }

    /// # Errors
    ///
    /// * [`Error::EnforcedPause`].
    /// * [`Error::AccountBlacklisted`] - for the caller and `to`.
    /// * Those of [`move_coins`](Self::move_coins).
    pub(crate) fn transfer(&mut self, to: Address, value: U256) -> Result<bool, Revert> {
        self.when_not_paused()?;
        let from = self.vm().msg_sender();
        let source = self.unblocked(from)?;
        let target = self.unblocked(to)?;
        self.move_coins(from, source, to, target, value)?;
        Ok(true)
    }

    /// Needs an allowance for own coins too; one of 2^256 - 1 is lowered like any other; no Approval is emitted.
    ///
    /// # Errors
    ///
    /// * [`Error::EnforcedPause`].
    /// * [`Error::AccountBlacklisted`] - for the caller, `from` and `to`.
    /// * [`Error::ERC20InsufficientAllowance`].
    /// * Those of [`move_coins`](Self::move_coins).
    pub(crate) fn transfer_from(
        &mut self,
        from: Address,
        to: Address,
        value: U256,
    ) -> Result<bool, Revert> {
        self.when_not_paused()?;
        let spender = self.vm().msg_sender();
        self.unblocked(spender)?;
        let source = self.unblocked(from)?;
        let target = self.unblocked(to)?;
        let allowance = self.allowance_less(from, spender, value)?;
        self.move_coins(from, source, to, target, value)?;
        self.allowances
            .at(from.into_word())
            .set(spender.into_word(), allowance);
        Ok(true)
    }

    /// Moves `value` between two accounts whose words were just read and are not blacklisted.
    ///
    /// # Errors
    ///
    /// * [`Error::ERC20InvalidSender`] - zero.
    /// * [`Error::ERC20InvalidReceiver`] - zero or this contract.
    /// * [`Error::ERC20InsufficientBalance`] - with what is free.
    #[inline(never)]
    pub(crate) fn move_coins(
        &mut self,
        from: Address,
        source: BalanceWord,
        to: Address,
        target: BalanceWord,
        value: U256,
    ) -> Result<(), Revert> {
        if from.is_zero() {
            return Err(Error::ERC20InvalidSender { sender: from }.into());
        }
        self.valid_receiver(to)?;
        let source_after = self.debited(from, source, value)?;
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
    pub(crate) fn valid_receiver(&self, to: Address) -> Result<(), Revert> {
        if to.is_zero() || to == self.vm().contract_address() {
            return Err(Error::ERC20InvalidReceiver { receiver: to }.into());
        }
        Ok(())
    }

    /// # Errors
    ///
    /// * [`Error::ERC20InvalidApprover`] - zero.
    /// * [`Error::ERC20InvalidSpender`] - zero.
    #[inline(never)]
    pub(crate) fn set_allowance(
        &mut self,
        owner: Address,
        spender: Address,
        value: U256,
    ) -> Result<(), Revert> {
        if owner.is_zero() {
            return Err(Error::ERC20InvalidApprover { approver: owner }.into());
        }
        if spender.is_zero() {
            return Err(Error::ERC20InvalidSpender { spender }.into());
        }
        self.allowances
            .at(owner.into_word())
            .set(spender.into_word(), value);
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
    pub(crate) fn allowance_less(
        &self,
        owner: Address,
        spender: Address,
        value: U256,
    ) -> Result<U256, Revert> {
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

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, U256};
    use motsu::prelude::*;

    use super::*;
    use crate::fixture::{Coin, HOLDING, log_of, u};

    #[test]
    fn metadata_is_what_the_constructor_was_given() {
        let coin = Coin::deployed();
        let view = coin.contract.sender(coin.alice);
        assert_eq!(view.name(), "Test USD".into());
        assert_eq!(view.symbol(), "TsUSDC".into());
        assert_eq!(view.currency(), "USD".into());
        assert_eq!(view.version(), "1".into());
        assert_eq!(view.decimals(), 6);
        assert_eq!(view.total_supply(), U256::ZERO);
    }

    #[test]
    fn transfer_moves_and_emits() {
        let coin = Coin::new();
        let (from, to) = (coin.alice.address(), coin.carol.address());
        let logs = coin.logs(|c| c.sender(coin.alice).transfer(to, u(7)));
        assert_eq!(
            logs,
            [log_of(&Transfer {
                from,
                to,
                value: u(7)
            })]
        );
        assert_eq!(coin.balance(from), u(HOLDING - 7));
        assert_eq!(coin.balance(to), u(7));
        assert_eq!(
            coin.contract.sender(coin.bob).total_supply(),
            u(2 * HOLDING)
        );
    }

    #[test]
    fn transfer_to_oneself_and_of_zero_change_nothing_but_emit() {
        let coin = Coin::new();
        let alice = coin.alice.address();
        for (to, value) in [(alice, u(HOLDING)), (coin.carol.address(), U256::ZERO)] {
            let logs = coin.logs(|c| c.sender(coin.alice).transfer(to, value));
            assert_eq!(
                logs,
                [log_of(&Transfer {
                    from: alice,
                    to,
                    value
                })]
            );
            assert_eq!(coin.balance(alice), u(HOLDING));
        }
    }

    #[test]
    fn transfer_reverts_beyond_the_balance_even_to_oneself() {
        let coin = Coin::new();
        let sender = coin.alice.address();
        for to in [coin.bob.address(), sender] {
            let (balance, needed) = (u(HOLDING), u(HOLDING + 1));
            coin.reverts(
                Error::ERC20InsufficientBalance {
                    sender,
                    balance,
                    needed,
                },
                |c| c.sender(coin.alice).transfer(to, needed),
            );
        }
    }

    #[test]
    fn transfer_reverts_to_zero_and_to_the_contract() {
        let coin = Coin::new();
        for receiver in [Address::ZERO, coin.contract.address()] {
            coin.reverts(Error::ERC20InvalidReceiver { receiver }, |c| {
                c.sender(coin.alice).transfer(receiver, u(1))
            });
        }
    }

    #[test]
    fn transfer_reverts_from_zero() {
        let coin = Coin::new();
        coin.reverts(
            Error::ERC20InvalidSender {
                sender: Address::ZERO,
            },
            |c| {
                c.sender(Address::ZERO)
                    .transfer(coin.bob.address(), U256::ZERO)
            },
        );
    }

    #[test]
    fn transfer_reverts_while_paused_or_with_a_party_blacklisted() {
        let coin = Coin::new();
        coin.blacklist(coin.alice);
        coin.blacklist(coin.carol);
        let (alice, bob, carol) = (
            coin.alice.address(),
            coin.bob.address(),
            coin.carol.address(),
        );
        coin.reverts(Error::AccountBlacklisted { account: alice }, |c| {
            c.sender(coin.alice).transfer(carol, u(1))
        });
        coin.reverts(Error::AccountBlacklisted { account: carol }, |c| {
            c.sender(coin.bob).transfer(carol, u(1))
        });
        coin.pause();
        coin.reverts(Error::EnforcedPause {}, |c| {
            c.sender(coin.alice).transfer(bob, u(1))
        });
    }

    #[test]
    fn approve_sets_and_emits() {
        let coin = Coin::new();
        let (owner, spender) = (coin.alice.address(), coin.bob.address());
        for value in [U256::MAX, u(5), U256::ZERO] {
            let logs = coin.logs(|c| c.sender(coin.alice).approve(spender, value));
            assert_eq!(
                logs,
                [log_of(&Approval {
                    owner,
                    spender,
                    value
                })]
            );
            assert_eq!(
                coin.contract.sender(coin.bob).allowance(owner, spender),
                value
            );
        }
    }

    #[test]
    fn allowances_change_by_a_difference() {
        let coin = Coin::new();
        let (owner, spender) = (coin.alice.address(), coin.bob.address());
        let logs = coin.logs(|c| c.sender(coin.alice).increase_allowance(spender, u(9)));
        assert_eq!(
            logs,
            [log_of(&Approval {
                owner,
                spender,
                value: u(9)
            })]
        );
        let logs = coin.logs(|c| c.sender(coin.alice).decrease_allowance(spender, u(4)));
        assert_eq!(
            logs,
            [log_of(&Approval {
                owner,
                spender,
                value: u(5)
            })]
        );
        coin.reverts(
            Error::ERC20InsufficientAllowance {
                spender,
                allowance: u(5),
                needed: u(6),
            },
            |c| c.sender(coin.alice).decrease_allowance(spender, u(6)),
        );
        coin.reverts(Error::InvalidAmount { amount: U256::MAX }, |c| {
            c.sender(coin.alice).increase_allowance(spender, U256::MAX)
        });
    }

    #[test]
    fn approvals_revert_while_paused_and_for_zero_but_not_for_the_blacklisted() {
        let coin = Coin::new();
        coin.blacklist(coin.alice);
        coin.blacklist(coin.bob);
        let bob = coin.bob.address();
        coin.contract
            .sender(coin.alice)
            .approve(bob, u(1))
            .motsu_unwrap();
        coin.reverts(
            Error::ERC20InvalidSpender {
                spender: Address::ZERO,
            },
            |c| c.sender(coin.alice).approve(Address::ZERO, u(1)),
        );
        coin.reverts(
            Error::ERC20InvalidApprover {
                approver: Address::ZERO,
            },
            |c| c.sender(Address::ZERO).approve(bob, u(1)),
        );
        coin.pause();
        coin.reverts(Error::EnforcedPause {}, |c| {
            c.sender(coin.alice).approve(bob, u(1))
        });
        coin.reverts(Error::EnforcedPause {}, |c| {
            c.sender(coin.alice).increase_allowance(bob, u(1))
        });
        coin.reverts(Error::EnforcedPause {}, |c| {
            c.sender(coin.alice).decrease_allowance(bob, u(1))
        });
    }

    #[test]
    fn transfer_from_lowers_any_allowance_and_emits_no_approval() {
        let coin = Coin::new();
        let (from, to) = (coin.alice.address(), coin.carol.address());
        let spender = coin.bob.address();
        for allowance in [u(10), U256::MAX] {
            coin.contract
                .sender(coin.alice)
                .approve(spender, allowance)
                .motsu_unwrap();
            let logs = coin.logs(|c| c.sender(coin.bob).transfer_from(from, to, u(3)));
            assert_eq!(
                logs,
                [log_of(&Transfer {
                    from,
                    to,
                    value: u(3)
                })]
            );
            let left = coin.contract.sender(coin.bob).allowance(from, spender);
            assert_eq!(left, allowance - u(3));
        }
        assert_eq!(coin.balance(to), u(6));
    }

    #[test]
    fn transfer_from_reverts_beyond_the_allowance_even_for_own_coins() {
        let coin = Coin::new();
        let alice = coin.alice.address();
        for caller in [coin.alice, coin.bob] {
            let spender = caller.address();
            let (allowance, needed) = (U256::ZERO, u(1));
            coin.reverts(
                Error::ERC20InsufficientAllowance {
                    spender,
                    allowance,
                    needed,
                },
                |c| {
                    c.sender(caller)
                        .transfer_from(alice, coin.carol.address(), needed)
                },
            );
        }
    }

    #[test]
    fn transfer_from_checks_the_allowance_before_the_balance() {
        let coin = Coin::new();
        let (owner, bob) = (coin.alice.address(), coin.bob.address());
        coin.contract
            .sender(coin.alice)
            .approve(bob, u(2 * HOLDING))
            .motsu_unwrap();
        let needed = u(HOLDING + 1);
        coin.reverts(
            Error::ERC20InsufficientBalance {
                sender: owner,
                balance: u(HOLDING),
                needed,
            },
            |c| {
                c.sender(coin.bob)
                    .transfer_from(owner, coin.carol.address(), needed)
            },
        );
    }

    #[test]
    fn transfer_from_reverts_for_each_party_blacklisted_in_order() {
        let coin = Coin::new();
        let (alice, bob, carol) = (
            coin.alice.address(),
            coin.bob.address(),
            coin.carol.address(),
        );
        coin.contract
            .sender(coin.alice)
            .approve(bob, u(5))
            .motsu_unwrap();
        for (blocked, account) in [(coin.carol, carol), (coin.alice, alice), (coin.bob, bob)] {
            coin.blacklist(blocked);
            coin.reverts(Error::AccountBlacklisted { account }, |c| {
                c.sender(coin.bob).transfer_from(alice, carol, u(1))
            });
        }
        coin.pause();
        coin.reverts(Error::EnforcedPause {}, |c| {
            c.sender(coin.bob).transfer_from(alice, carol, u(1))
        });
    }
}
