//! The functions of ERC-20, ERC-1404, ERC-2612 and ERC-5267.

use alloy_primitives::{Address, B256, FixedBytes, U256};
use authority::{domain::Domain, signature};
use runtime::{abi::Revert, text::Text};
use stylus_sdk::prelude::*;

use super::{
    SecurityToken, codes,
    holds::HOLDS,
    restriction::Kind,
    store::{BALANCE, ISIN, NAME, NONCE, SUPPLY_CAP, SYMBOL, TOTAL_SUPPLY},
};

#[allow(clippy::unused_self, reason = "functions of the interface are methods")]
impl SecurityToken {
    pub(crate) fn name(&self) -> Text {
        self.text(NAME)
    }

    pub(crate) fn symbol(&self) -> Text {
        self.text(SYMBOL)
    }

    pub(crate) fn decimals(&self) -> u8 {
        self.settings().decimals
    }

    pub(crate) fn isin(&self) -> Text {
        self.text(ISIN)
    }

    pub(crate) fn version(&self) -> Text {
        "1".into()
    }

    pub(crate) fn total_supply(&self) -> U256 {
        self.word(TOTAL_SUPPLY)
    }

    pub(crate) fn supply_cap(&self) -> U256 {
        self.word(SUPPLY_CAP)
    }

    pub(crate) fn balance_of(&self, account: Address) -> U256 {
        self.of(account, BALANCE)
    }

    pub(crate) fn allowance(&self, owner: Address, spender: Address) -> U256 {
        self.spendable_by(owner, spender)
    }

    pub(crate) fn approve(&mut self, spender: Address, value: U256) -> Result<bool, Revert> {
        self.allow(self.vm().msg_sender(), spender, value)?;
        Ok(true)
    }

    pub(crate) fn transfer(&mut self, to: Address, value: U256) -> Result<bool, Revert> {
        self.send(self.vm().msg_sender(), to, value)?;
        Ok(true)
    }

    pub(crate) fn transfer_from(
        &mut self,
        from: Address,
        to: Address,
        value: U256,
    ) -> Result<bool, Revert> {
        self.send_from(self.vm().msg_sender(), from, to, value)?;
        Ok(true)
    }

    pub(crate) fn detect_transfer_restriction(
        &self,
        from: Address,
        to: Address,
        value: U256,
    ) -> u8 {
        self.detect(from, from, to, value)
    }

    pub(crate) fn detect_transfer_restriction_from(
        &self,
        spender: Address,
        from: Address,
        to: Address,
        value: U256,
    ) -> u8 {
        self.detect(spender, from, to, value)
    }

    pub(crate) fn can_transfer(&self, from: Address, to: Address, amount: U256) -> bool {
        !from.is_zero()
            && self.of(from, BALANCE) >= amount
            && self.detect(from, from, to, amount) == codes::SUCCESS
    }

    pub(crate) fn can_send(&self, account: Address) -> bool {
        // To hold nothing is allowed to whom sending is, whatever the recipient.
        self.detect_kind(Kind::Hold, account, account, Address::ZERO, U256::ZERO) == codes::SUCCESS
    }

    pub(crate) fn can_receive(&self, account: Address) -> bool {
        // To mint nothing is allowed to whom receiving is, whatever the sender.
        self.detect_kind(
            Kind::Mint,
            Address::ZERO,
            Address::ZERO,
            account,
            U256::ZERO,
        ) == codes::SUCCESS
    }

    pub(crate) fn message_for_transfer_restriction(&self, code: u8) -> Text {
        codes::message(code)
    }

    pub(crate) fn highest_restriction_code(&self) -> u8 {
        codes::HIGHEST
    }

    pub(crate) fn supports_interface(&self, interface_id: FixedBytes<4>) -> bool {
        matches!(
            u32::from_be_bytes(interface_id.0),
            0x01ff_c9a7 | 0x3637_2b07 | 0xab84_a5c8 | 0x78a8_de7d | HOLDS
        )
    }

    #[allow(clippy::too_many_arguments, reason = "they are those of ERC-2612")]
    pub(crate) fn permit(
        &mut self,
        owner: Address,
        spender: Address,
        value: U256,
        deadline: U256,
        v: u8,
        r: B256,
        s: B256,
    ) -> Result<(), Revert> {
        self.allow_signed(owner, spender, value, deadline, &signature::packed(v, r, s))
    }

    pub(crate) fn nonces(&self, owner: Address) -> U256 {
        self.of(owner, NONCE)
    }

    pub(crate) fn domain_separator(&self) -> B256 {
        self.domain_separator_word()
    }

    pub(crate) fn eip712_domain(&self) -> Domain {
        Domain::of(self.vm(), self.text(NAME))
    }
}
