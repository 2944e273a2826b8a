//! Balances, supply and allowances, and the movements that the rules judge.

use alloc::vec::Vec;

use alloy_primitives::{Address, B256, U256};
use authority::{domain, signature};
use runtime::{
    abi::Revert,
    constant_word,
    event::Log,
    log,
    word::{bytes, largest},
};
use stylus_sdk::{crypto::keccak, keccak_const::Keccak256, prelude::*};

use super::{
    SecurityToken, batch, codes,
    error::{restricted, revert},
    event,
    restriction::{Kind, Movement, Party, restriction},
    store::{BALANCE, NAME, NONCE, SETTINGS, TOTAL_SUPPLY, number},
    word::{Record, Settings},
};

/// Type hash of ERC-2612.
const PERMIT_TYPEHASH: [u8; 32] = Keccak256::new()
    .update(b"Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)")
    .finalize();

/// Refuses when `from` has less than `value`.
#[inline(never)]
pub(crate) fn check_balance(from: &Party, value: U256) -> Result<(), Revert> {
    let Party {
        wallet: sender,
        balance,
        ..
    } = *from;
    if balance >= value {
        return Ok(());
    }
    Err(revert!(ERC20InsufficientBalance {
        sender,
        balance,
        needed: value
    }))
}

impl SecurityToken {
    /// The settings.
    #[inline(never)]
    pub(crate) fn settings(&self) -> Settings {
        self.word(SETTINGS).into()
    }

    #[inline(never)]
    pub(crate) fn set_settings(&mut self, settings: Settings) {
        self.set_word(SETTINGS, settings.into());
    }

    /// Seconds since the epoch.
    #[inline(never)]
    pub(crate) fn now(&self) -> u64 {
        self.vm().block_timestamp()
    }

    /// What the rules say of a transfer, or, from zero, of a mint.
    #[inline(never)]
    pub(crate) fn detect(&self, spender: Address, from: Address, to: Address, value: U256) -> u8 {
        let kind = if from.is_zero() {
            Kind::Mint
        } else {
            Kind::Transfer
        };
        self.detect_kind(kind, spender, from, to, value)
    }

    /// What the rules say of a movement now.
    #[inline(never)]
    pub(crate) fn detect_kind(
        &self,
        kind: Kind,
        spender: Address,
        from: Address,
        to: Address,
        value: U256,
    ) -> u8 {
        let now = self.now();
        restriction(self, &self.movement(kind, spender, from, to, value, now))
    }

    /// Moves `value` when the rules allow it and the sender has it.
    #[inline(never)]
    pub(crate) fn send(&mut self, from: Address, to: Address, value: U256) -> Result<(), Revert> {
        let movement = self.allowed(Kind::Transfer, from, from, to, value)?;
        self.carry_out(&movement)
    }

    /// The same for a spender, out of its allowance.
    #[inline(never)]
    pub(crate) fn send_from(
        &mut self,
        spender: Address,
        from: Address,
        to: Address,
        value: U256,
    ) -> Result<(), Revert> {
        if from.is_zero() {
            return Err(revert!(ERC20InvalidSender { sender: from }));
        }
        let movement = self.allowed(Kind::Transfer, spender, from, to, value)?;
        self.use_allowance(from, spender, value)?;
        self.carry_out(&movement)
    }

    /// Takes `value` off what `spender` may spend of `owner`'s; all of `2^256 - 1` stays as it is.
    #[inline(never)]
    pub(crate) fn use_allowance(
        &mut self,
        owner: Address,
        spender: Address,
        value: U256,
    ) -> Result<(), Revert> {
        let allowance = self.spendable_by(owner, spender);
        if allowance == largest() {
            return Ok(());
        }
        let Some(left) = allowance.checked_sub(value) else {
            let needed = value;
            return Err(revert!(ERC20InsufficientAllowance {
                spender,
                allowance,
                needed
            }));
        };
        self.set_allowance(owner, spender, left);
        Ok(())
    }

    /// Mints `value` to `to` when the rules allow it, the caller's among them.
    #[inline(never)]
    pub(crate) fn issue(&mut self, to: Address, value: U256) -> Result<(), Revert> {
        let issuer = self.vm().msg_sender();
        let movement = self.allowed(Kind::Mint, issuer, Address::ZERO, to, value)?;
        self.carry_out(&movement)
    }

    /// Burns `value` of `from` when the rules allow it.
    #[inline(never)]
    pub(crate) fn redeem(
        &mut self,
        from: Address,
        value: U256,
        reason: B256,
    ) -> Result<(), Revert> {
        let movement = self.allowed(Kind::Burn, from, from, Address::ZERO, value)?;
        self.carry_out(&movement)?;
        self.log_burned(log!(event::Burned), from, value, reason);
        Ok(())
    }

    #[inline(never)]
    pub(crate) fn log_burned(&self, mut log: Log, from: Address, value: U256, reason: B256) {
        log.address(from)
            .address(self.vm().msg_sender())
            .data()
            .uint(value)
            .word(reason)
            .emit(self.vm());
    }

    /// What `spender` may spend of `owner`'s.
    #[inline(never)]
    pub(crate) fn spendable_by(&self, owner: Address, spender: Address) -> U256 {
        self.allowance_of(owner, spender).get(0)
    }

    #[inline(never)]
    fn set_allowance(&mut self, owner: Address, spender: Address, value: U256) {
        self.allowance_of(owner, spender).set(0, value);
    }

    /// Lets `spender` spend `value` of `owner`'s.
    #[inline(never)]
    pub(crate) fn allow(
        &mut self,
        owner: Address,
        spender: Address,
        value: U256,
    ) -> Result<(), Revert> {
        if spender.is_zero() {
            return Err(revert!(ERC20InvalidSpender { spender }));
        }
        self.set_allowance(owner, spender, value);
        log!(event::Approval)
            .address(owner)
            .address(spender)
            .data()
            .uint(value)
            .emit(self.vm());
        Ok(())
    }

    /// The same by signature (ERC-2612): of a key, an ERC-1271 wallet or an EIP-7702 account.
    #[inline(never)]
    pub(crate) fn allow_signed(
        &mut self,
        owner: Address,
        spender: Address,
        value: U256,
        deadline: U256,
        signature: &[u8],
    ) -> Result<(), Revert> {
        if owner.is_zero() {
            return Err(revert!(ERC20InvalidApprover { approver: owner }));
        }
        let now = number(self.now());
        if deadline < now {
            return Err(revert!(SignatureExpired {
                deadline,
                now_: now
            }));
        }
        let nonce = self.of(owner, NONCE);
        self.set_of(owner, NONCE, nonce.wrapping_add(U256::from(1)));
        self.allow(owner, spender, value)?;
        let words = [
            constant_word!(PERMIT_TYPEHASH),
            owner.into_word(),
            spender.into_word(),
            bytes(&value),
            bytes(&nonce),
            bytes(&deadline),
        ];
        let digest = domain::digest(self.domain_separator_word(), keccak(words.concat()));
        if signature::is_valid(self.vm(), owner, digest, signature) {
            return Ok(());
        }
        Err(revert!(InvalidSignature { signer: owner }))
    }

    /// The EIP-712 domain separator.
    #[inline(never)]
    pub(crate) fn domain_separator_word(&self) -> B256 {
        domain::separator(self.vm(), keccak(self.text(NAME)))
    }

    /// Moves `value` between two sides, whose balances must have been checked, counts holders and logs the transfer.
    #[inline(never)]
    pub(crate) fn move_balances(&mut self, from: &Party, to: &Party, value: U256) {
        if from.wallet != to.wallet {
            if !from.wallet.is_zero() {
                self.set_of(from.wallet, BALANCE, from.balance.saturating_sub(value));
            }
            if !to.wallet.is_zero() {
                // No balance exceeds the supply (I7), which was checked to fit.
                self.set_of(to.wallet, BALANCE, to.balance.saturating_add(value));
            }
            self.count_holders(from, to, value);
        }
        self.log_transfer(from.wallet, to.wallet, value);
    }

    #[inline(never)]
    pub(crate) fn log_transfer(&self, from: Address, to: Address, value: U256) {
        log!(event::Transfer)
            .address(from)
            .address(to)
            .data()
            .uint(value)
            .emit(self.vm());
    }

    #[inline(never)]
    pub(crate) fn movement(
        &self,
        kind: Kind,
        spender: Address,
        from: Address,
        to: Address,
        value: U256,
        now: u64,
    ) -> Movement {
        let sends = kind != Kind::Mint;
        let receives = matches!(kind, Kind::Transfer | Kind::Mint);
        Movement {
            kind,
            settings: self.settings(),
            token: self.vm().contract_address(),
            spender: if spender == from {
                Record::default()
            } else {
                self.record(spender)
            },
            from: if sends {
                self.party(from, true, now)
            } else {
                Party::default()
            },
            to: if receives {
                self.party(to, false, now)
            } else {
                Party::default()
            },
            value,
            now,
        }
    }

    #[inline(never)]
    fn allowed(
        &self,
        kind: Kind,
        spender: Address,
        from: Address,
        to: Address,
        value: U256,
    ) -> Result<Movement, Revert> {
        let movement = self.movement(kind, spender, from, to, value, self.now());
        self.judge(&movement)?;
        Ok(movement)
    }

    /// Refuses what a rule forbids.
    #[inline(never)]
    pub(crate) fn judge(&self, movement: &Movement) -> Result<(), Revert> {
        match restriction(self, movement) {
            codes::SUCCESS => Ok(()),
            code => Err(restricted(code)),
        }
    }

    /// Moves what the rules allow, when the sender has it.
    #[inline(never)]
    pub(crate) fn carry_out(&mut self, movement: &Movement) -> Result<(), Revert> {
        let Movement {
            kind,
            from,
            to,
            value,
            ..
        } = movement;
        if *kind != Kind::Mint {
            check_balance(from, *value)?;
        }
        if from.changed {
            self.set_record(from.wallet, from.record);
        }
        match kind {
            Kind::Transfer | Kind::Hold => (),
            // The rules left room for it.
            Kind::Mint => self.set_supply(self.word(TOTAL_SUPPLY).saturating_add(*value)),
            Kind::Burn => self.set_supply(self.word(TOTAL_SUPPLY).saturating_sub(*value)),
        }
        self.move_balances(from, to, *value);
        Ok(())
    }
}

impl SecurityToken {
    pub(crate) fn mint(&mut self, to: Address, value: U256) -> Result<(), Revert> {
        self.only_issuer()?;
        self.issue(to, value)
    }

    pub(crate) fn mint_batch(&mut self, to: Vec<Address>, values: Vec<U256>) -> Result<(), Revert> {
        self.only_issuer()?;
        batch::check(to.len(), &[values.len()])?;
        to.into_iter()
            .zip(values)
            .try_for_each(|(to, value)| self.issue(to, value))
    }

    pub(crate) fn burn(&mut self, from: Address, value: U256, reason: B256) -> Result<(), Revert> {
        self.only_issuer()?;
        self.redeem(from, value, reason)
    }
}
