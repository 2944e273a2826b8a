//! Minters with finite allowances, minting and burning, and the bank references that tie both to a bank statement.

use alloy_primitives::{Address, B256, U256};
use runtime::{abi::Revert, log};
use stylus_sdk::prelude::*;

use super::{
    TsUsdc,
    access::{master_minter_role, minter_role},
    error::Error,
    event::{BankReference, Burn, Mint, MinterConfigured, MinterRemoved},
};

impl TsUsdc {
    /// # Errors
    ///
    /// * [`Error::EnforcedPause`].
    /// * [`Error::AccessControlUnauthorizedAccount`].
    /// * [`Error::RolesExclude`] - `minter` is the default admin or attests reserves.
    pub(crate) fn configure_minter(
        &mut self,
        minter: Address,
        allowance: U256,
    ) -> Result<bool, Revert> {
        self.when_not_paused()?;
        self.only(master_minter_role())?;
        self.exclusive(minter_role(), minter)?;
        self.minters.set(minter.into_word(), U256::from(1));
        self.set_minter_allowance(minter, allowance);
        Ok(true)
    }

    /// # Errors
    ///
    /// * [`Error::EnforcedPause`].
    /// * [`Error::AccessControlUnauthorizedAccount`].
    /// * [`Error::NotMinter`].
    /// * [`Error::InvalidAmount`] - beyond 2^256 - 1.
    pub(crate) fn increase_minter_allowance(
        &mut self,
        minter: Address,
        increment: U256,
    ) -> Result<bool, Revert> {
        self.when_not_paused()?;
        self.only(master_minter_role())?;
        self.only_minter(minter)?;
        let allowance = self.minter_allowance(minter).checked_add(increment);
        let allowance = allowance.ok_or(Error::InvalidAmount { amount: increment })?;
        self.set_minter_allowance(minter, allowance);
        Ok(true)
    }

    /// Stops at zero. Works while paused.
    ///
    /// # Errors
    ///
    /// * [`Error::AccessControlUnauthorizedAccount`].
    /// * [`Error::NotMinter`].
    pub(crate) fn decrease_minter_allowance(
        &mut self,
        minter: Address,
        decrement: U256,
    ) -> Result<bool, Revert> {
        self.only(master_minter_role())?;
        self.only_minter(minter)?;
        let allowance = self.minter_allowance(minter).saturating_sub(decrement);
        self.set_minter_allowance(minter, allowance);
        Ok(true)
    }

    /// Works while paused. Repeating it succeeds and emits again, as USDC's does.
    pub(crate) fn remove_minter(&mut self, minter: Address) -> Result<bool, Revert> {
        self.only(master_minter_role())?;
        self.minters.set(minter.into_word(), U256::ZERO);
        self.minter_allowances.set(minter.into_word(), U256::ZERO);
        log!(MinterRemoved).address(minter).emit(self.vm());
        Ok(true)
    }

    pub(crate) fn is_minter(&self, account: Address) -> bool {
        !self.minters.get(account.into_word()).is_zero()
    }

    pub(crate) fn minter_allowance(&self, minter: Address) -> U256 {
        self.minter_allowances.get(minter.into_word())
    }

    /// # Errors
    ///
    /// * Those of [`mint_with_reference`](Self::mint_with_reference) but for the reference.
    pub(crate) fn mint(&mut self, to: Address, amount: U256) -> Result<bool, Revert> {
        self.mint_coins(to, amount, None)?;
        Ok(true)
    }

    /// # Errors
    ///
    /// * [`Error::EnforcedPause`].
    /// * [`Error::NotMinter`].
    /// * [`Error::AccountBlacklisted`] - for the minter and `to`.
    /// * [`Error::ERC20InvalidReceiver`].
    /// * [`Error::InvalidAmount`] - zero.
    /// * [`Error::BankReferenceUsed`].
    /// * [`Error::MinterAllowanceExceeded`].
    /// * [`Error::ReservesStale`].
    /// * [`Error::ReservesExceeded`].
    pub(crate) fn mint_with_reference(
        &mut self,
        to: Address,
        amount: U256,
        bank_reference: B256,
    ) -> Result<bool, Revert> {
        self.mint_coins(to, amount, Some(bank_reference))?;
        Ok(true)
    }

    /// # Errors
    ///
    /// * Those of [`burn_with_reference`](Self::burn_with_reference) but for the reference.
    pub(crate) fn burn(&mut self, amount: U256) -> Result<(), Revert> {
        self.burn_coins(amount, None)
    }

    /// Never restores the minter's allowance, and works whatever the reserves are.
    ///
    /// # Errors
    ///
    /// * [`Error::EnforcedPause`].
    /// * [`Error::NotMinter`].
    /// * [`Error::AccountBlacklisted`].
    /// * [`Error::InvalidAmount`] - zero.
    /// * [`Error::BankReferenceUsed`].
    /// * [`Error::ERC20InsufficientBalance`] - with what is free.
    pub(crate) fn burn_with_reference(
        &mut self,
        amount: U256,
        bank_reference: B256,
    ) -> Result<(), Revert> {
        self.burn_coins(amount, Some(bank_reference))
    }

    pub(crate) fn is_bank_reference_used(&self, bank_reference: B256) -> bool {
        !self.bank_references.get(bank_reference).is_zero()
    }

    #[inline(never)]
    fn mint_coins(
        &mut self,
        to: Address,
        amount: U256,
        bank_reference: Option<B256>,
    ) -> Result<(), Revert> {
        self.when_not_paused()?;
        let minter = self.vm().msg_sender();
        self.only_minter(minter)?;
        self.unblocked(minter)?;
        let target = self.unblocked(to)?;
        self.valid_receiver(to)?;
        self.mintable(amount, bank_reference)?;
        let allowance = self.minter_allowance(minter);
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

        self.minter_allowances.set(minter.into_word(), left);
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
    fn burn_coins(&mut self, amount: U256, bank_reference: Option<B256>) -> Result<(), Revert> {
        self.when_not_paused()?;
        let burner = self.vm().msg_sender();
        self.only_minter(burner)?;
        let word = self.unblocked(burner)?;
        self.mintable(amount, bank_reference)?;
        let left = self.debited(burner, word, amount)?;

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

    fn only_minter(&self, account: Address) -> Result<(), Revert> {
        if !self.is_minter(account) {
            return Err(Error::NotMinter { account }.into());
        }
        Ok(())
    }

    /// Refuses an amount of zero and a reference that is zero or used.
    fn mintable(&self, amount: U256, bank_reference: Option<B256>) -> Result<(), Revert> {
        if amount.is_zero() {
            return Err(Error::InvalidAmount { amount }.into());
        }
        match bank_reference {
            Some(reference) if reference.is_zero() || self.is_bank_reference_used(reference) => {
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
        self.bank_references.set(reference, U256::from(1));
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
        self.minter_allowances.set(minter.into_word(), allowance);
        log!(MinterConfigured)
            .address(minter)
            .data()
            .uint(allowance)
            .emit(self.vm());
    }
}

#[cfg(test)]
mod tests {
    use motsu::prelude::*;

    use super::*;
    use crate::{
        event::Transfer,
        fixture::{Coin, HOLDING, RESERVES, log_of, u, unauthorized},
    };

    const LEFT: u64 = RESERVES - 2 * HOLDING;

    #[test]
    fn minters_are_configured_raised_lowered_and_removed() {
        let coin = Coin::new();
        let minter = coin.bob.address();
        let configured = |allowance| {
            log_of(&MinterConfigured {
                minter,
                minterAllowedAmount: allowance,
            })
        };
        let view = || {
            let view = coin.contract.sender(coin.carol);
            (view.is_minter(minter), view.minter_allowance(minter))
        };
        let logs = coin.logs(|c| c.sender(coin.master).configure_minter(minter, u(10)));
        assert_eq!((logs, view()), (vec![configured(u(10))], (true, u(10))));
        let logs = coin.logs(|c| {
            c.sender(coin.master)
                .increase_minter_allowance(minter, u(5))
        });
        assert_eq!((logs, view()), (vec![configured(u(15))], (true, u(15))));
        let logs = coin.logs(|c| {
            c.sender(coin.master)
                .decrease_minter_allowance(minter, u(6))
        });
        assert_eq!((logs, view()), (vec![configured(u(9))], (true, u(9))));
        let logs = coin.logs(|c| {
            c.sender(coin.master)
                .decrease_minter_allowance(minter, u(99))
        });
        assert_eq!((logs, view()), (vec![configured(u(0))], (true, u(0))));
        coin.logs(|c| c.sender(coin.master).configure_minter(minter, u(3)));
        for _ in 0..2 {
            let logs = coin.logs(|c| c.sender(coin.master).remove_minter(minter));
            assert_eq!(logs, [log_of(&MinterRemoved { oldMinter: minter })]);
            assert_eq!(view(), (false, u(0)));
        }
    }

    #[test]
    fn an_allowance_is_changed_only_for_minters_and_never_beyond_what_fits() {
        let coin = Coin::new();
        let (account, minter) = (coin.bob.address(), coin.minter.address());
        coin.reverts(Error::NotMinter { account }, |c| {
            c.sender(coin.master)
                .increase_minter_allowance(account, u(1))
        });
        coin.reverts(Error::NotMinter { account }, |c| {
            c.sender(coin.master)
                .decrease_minter_allowance(account, u(1))
        });
        coin.reverts(Error::InvalidAmount { amount: U256::MAX }, |c| {
            c.sender(coin.master)
                .increase_minter_allowance(minter, U256::MAX)
        });
    }

    #[test]
    fn minters_are_changed_by_the_master_minter_alone() {
        let coin = Coin::new();
        let error = || unauthorized(coin.admin, master_minter_role());
        let minter = coin.minter.address();
        coin.reverts(error(), |c| {
            c.sender(coin.admin).configure_minter(minter, u(1))
        });
        coin.reverts(error(), |c| {
            c.sender(coin.admin).increase_minter_allowance(minter, u(1))
        });
        coin.reverts(error(), |c| {
            c.sender(coin.admin).decrease_minter_allowance(minter, u(1))
        });
        coin.reverts(error(), |c| c.sender(coin.admin).remove_minter(minter));
    }

    #[test]
    fn while_paused_minters_are_lowered_and_removed_but_not_configured_or_raised() {
        let coin = Coin::new();
        let minter = coin.minter.address();
        coin.pause();
        coin.reverts(Error::EnforcedPause {}, |c| {
            c.sender(coin.master).configure_minter(minter, u(1))
        });
        coin.reverts(Error::EnforcedPause {}, |c| {
            c.sender(coin.master)
                .increase_minter_allowance(minter, u(1))
        });
        coin.logs(|c| {
            c.sender(coin.master)
                .decrease_minter_allowance(minter, u(1))
        });
        coin.logs(|c| c.sender(coin.master).remove_minter(minter));
    }

    #[test]
    fn mint_emits_mint_before_transfer_and_lowers_the_allowance() {
        let coin = Coin::new();
        let (minter, to, amount) = (coin.minter.address(), coin.carol.address(), u(7));
        let logs = coin.logs(|c| c.sender(coin.minter).mint(to, amount));
        let transfer = Transfer {
            from: Address::ZERO,
            to,
            value: amount,
        };
        assert_eq!(
            logs,
            [log_of(&Mint { minter, to, amount }), log_of(&transfer)]
        );
        let view = coin.contract.sender(coin.bob);
        assert_eq!(view.balance_of(to), amount);
        assert_eq!(view.total_supply(), u(2 * HOLDING + 7));
        assert_eq!(view.minter_allowance(minter), u(LEFT - 7));
    }

    #[test]
    fn mint_reverts_for_strangers_nothing_bad_receivers_and_beyond_the_allowance() {
        let coin = Coin::new();
        let (minter, to) = (coin.minter.address(), coin.carol.address());
        coin.reverts(
            Error::NotMinter {
                account: coin.master.address(),
            },
            |c| c.sender(coin.master).mint(to, u(1)),
        );
        coin.reverts(Error::InvalidAmount { amount: u(0) }, |c| {
            c.sender(coin.minter).mint(to, u(0))
        });
        for receiver in [Address::ZERO, coin.contract.address()] {
            coin.reverts(Error::ERC20InvalidReceiver { receiver }, |c| {
                c.sender(coin.minter).mint(receiver, u(1))
            });
        }
        let (allowance, amount) = (u(LEFT), u(LEFT + 1));
        coin.reverts(
            Error::MinterAllowanceExceeded {
                minter,
                allowance,
                amount,
            },
            |c| c.sender(coin.minter).mint(to, amount),
        );
    }

    #[test]
    fn mint_and_burn_revert_while_paused_or_with_a_party_blacklisted() {
        let coin = Coin::new();
        let (minter, to) = (coin.minter.address(), coin.carol.address());
        coin.contract
            .sender(coin.minter)
            .mint(minter, u(5))
            .motsu_unwrap();
        coin.blacklist(to);
        coin.reverts(Error::AccountBlacklisted { account: to }, |c| {
            c.sender(coin.minter).mint(to, u(1))
        });
        coin.blacklist(minter);
        coin.reverts(Error::AccountBlacklisted { account: minter }, |c| {
            c.sender(coin.minter).mint(to, u(1))
        });
        coin.reverts(Error::AccountBlacklisted { account: minter }, |c| {
            c.sender(coin.minter).burn(u(1))
        });
        coin.pause();
        coin.reverts(Error::EnforcedPause {}, |c| {
            c.sender(coin.minter).mint(to, u(1))
        });
        coin.reverts(Error::EnforcedPause {}, |c| {
            c.sender(coin.minter).burn(u(1))
        });
        let reference = B256::repeat_byte(1);
        coin.reverts(Error::EnforcedPause {}, |c| {
            c.sender(coin.minter)
                .mint_with_reference(to, u(1), reference)
        });
        coin.reverts(Error::EnforcedPause {}, |c| {
            c.sender(coin.minter).burn_with_reference(u(1), reference)
        });
    }

    #[test]
    fn burn_emits_burn_before_transfer_and_restores_no_allowance() {
        let coin = Coin::new();
        let burner = coin.minter.address();
        coin.contract
            .sender(coin.minter)
            .mint(burner, u(9))
            .motsu_unwrap();
        // Without an attestation that counts nothing may be minted; burning is not gated.
        coin.contract
            .sender(coin.admin)
            .set_reserve_max_age(0)
            .motsu_unwrap();
        let logs = coin.logs(|c| c.sender(coin.minter).burn(u(4)));
        let transfer = Transfer {
            from: burner,
            to: Address::ZERO,
            value: u(4),
        };
        assert_eq!(
            logs,
            [
                log_of(&Burn {
                    burner,
                    amount: u(4)
                }),
                log_of(&transfer)
            ]
        );
        let view = coin.contract.sender(coin.bob);
        assert_eq!(view.balance_of(burner), u(5));
        assert_eq!(view.total_supply(), u(2 * HOLDING + 5));
        assert_eq!(view.minter_allowance(burner), u(LEFT - 9));
    }

    #[test]
    fn burn_reverts_for_strangers_of_nothing_and_beyond_the_balance() {
        let coin = Coin::new();
        coin.reverts(
            Error::NotMinter {
                account: coin.alice.address(),
            },
            |c| c.sender(coin.alice).burn(u(1)),
        );
        coin.reverts(Error::InvalidAmount { amount: u(0) }, |c| {
            c.sender(coin.minter).burn(u(0))
        });
        let (sender, balance, needed) = (coin.minter.address(), u(0), u(1));
        coin.reverts(
            Error::ERC20InsufficientBalance {
                sender,
                balance,
                needed,
            },
            |c| c.sender(coin.minter).burn(u(1)),
        );
    }

    #[test]
    fn a_bank_reference_serves_one_mint_or_burn_of_any_minter() {
        let coin = Coin::new();
        let (minter, other) = (coin.minter.address(), coin.bob.address());
        coin.contract
            .sender(coin.master)
            .configure_minter(other, u(100))
            .motsu_unwrap();
        let [first, second] = [B256::repeat_byte(1), B256::repeat_byte(2)];
        let logs = coin.logs(|c| {
            c.sender(coin.minter)
                .mint_with_reference(minter, u(9), first)
        });
        let event = BankReference {
            bankReference: first,
            minter,
            isMint: true,
            amount: u(9),
        };
        assert_eq!(logs.len(), 3);
        assert_eq!(logs[2], log_of(&event));
        let logs = coin.logs(|c| c.sender(coin.minter).burn_with_reference(u(4), second));
        let event = BankReference {
            bankReference: second,
            minter,
            isMint: false,
            amount: u(4),
        };
        assert_eq!(logs.len(), 3);
        assert_eq!(logs[2], log_of(&event));

        for bank_reference in [first, second, B256::ZERO] {
            let error = || Error::BankReferenceUsed { bank_reference };
            for caller in [coin.minter, coin.bob] {
                coin.reverts(error(), |c| {
                    c.sender(caller)
                        .mint_with_reference(other, u(1), bank_reference)
                });
                coin.reverts(error(), |c| {
                    c.sender(caller).burn_with_reference(u(1), bank_reference)
                });
            }
        }
        let view = coin.contract.sender(coin.carol);
        assert!(view.is_bank_reference_used(first) && view.is_bank_reference_used(second));
        assert!(!view.is_bank_reference_used(B256::repeat_byte(3)));
    }

    #[test]
    fn a_refused_mint_leaves_its_bank_reference_unused() {
        let coin = Coin::new();
        let reference = B256::repeat_byte(1);
        let (minter, allowance, amount) = (coin.minter.address(), u(LEFT), u(LEFT + 1));
        coin.reverts(
            Error::MinterAllowanceExceeded {
                minter,
                allowance,
                amount,
            },
            |c| {
                c.sender(coin.minter)
                    .mint_with_reference(minter, amount, reference)
            },
        );
        assert!(
            !coin
                .contract
                .sender(coin.bob)
                .is_bank_reference_used(reference)
        );
    }
}
