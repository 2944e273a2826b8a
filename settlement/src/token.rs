//! Calls of tokens, which are not trusted: of whatever a token returns, at most a bounded part is copied.

use alloc::vec::Vec;

use alloy_primitives::{Address, B256, U256};
use runtime::{
    abi::Revert,
    word::{bytes, uint, word},
};
use stylus_sdk::{function_selector, stylus_core::Host};

use super::{
    checks::{Failure, Reading},
    error::Error,
    order::Order,
};

/// Selector of a function of a token.
macro_rules! selector {
    ($($signature:tt)*) => {
        const { u32::from_be_bytes(function_selector!($($signature)*)) }
    };
}

/// The most revert data of a token that is passed on; a token that reverts with more is refused as an inexact leg.
pub(crate) const MAX_REVERT_DATA: usize = 4_096;

/// The most that is copied of what a view returns: more than any of them should.
const MAX_ANSWER: usize = 64;

/// ERC-1404's extension by the spender: `detectTransferRestrictionFrom`.
pub(crate) const SPENDER_EXTENSION: u32 = 0x78a8_de7d;

/// Holds, of the security token and the coin alike.
pub(crate) const HOLDS: u32 = selector!("placeHold", B256, Address, U256, u64)
    ^ selector!("useHold", B256, Address, Address, U256)
    ^ selector!("dropHold", B256, Address)
    ^ selector!("holdOf", Address, Address, B256)
    ^ selector!("heldBalanceOf", Address);

const SUPPORTS_INTERFACE: u32 = 0x01ff_c9a7;

/// What a token holds of an owner's balance in favour of the one who placed it.
#[derive(Clone, Copy)]
pub(crate) struct Hold {
    pub(crate) placer: Address,
    pub(crate) owner: Address,
    pub(crate) id: B256,
}

/// A token contract, or an address that claims to be one.
#[derive(Clone, Copy)]
pub(crate) struct Token {
    address: Address,
}

impl Token {
    /// The token at `address`.
    pub(crate) fn new(address: Address) -> Self {
        Self { address }
    }

    /// Base units that `account` holds.
    pub(crate) fn balance_of(&self, vm: &dyn Host, account: Address) -> Reading {
        self.read(vm, selector!("balanceOf", Address), &[account.into_word()])
    }

    /// Base units that `spender` may move for `owner`.
    pub(crate) fn allowance(&self, vm: &dyn Host, owner: Address, spender: Address) -> Reading {
        let arguments = [owner.into_word(), spender.into_word()];
        self.read(vm, selector!("allowance", Address, Address), &arguments)
    }

    /// Whether the token blacklists `account` (USDC's name).
    pub(crate) fn is_blacklisted(&self, vm: &dyn Host, account: Address) -> Reading {
        self.read(
            vm,
            selector!("isBlacklisted", Address),
            &[account.into_word()],
        )
    }

    /// Whether the token is paused.
    pub(crate) fn paused(&self, vm: &dyn Host) -> Reading {
        self.read(vm, selector!("paused"), &[])
    }

    /// Whether the token claims to support an interface (ERC-165).
    #[inline(never)]
    pub(crate) fn supports(&self, vm: &dyn Host, interface: u32) -> bool {
        let interface = B256::right_padding_from(&interface.to_be_bytes());
        self.read(vm, SUPPORTS_INTERFACE, &[interface]) == Reading::Word(U256::from(1))
    }

    /// ERC-1404 code of the transfer of the whole `ask` to `buyer`, 0 for none: by `spender`, or by whomever when the
    /// token does not check the spender.
    pub(crate) fn restriction(
        &self,
        vm: &dyn Host,
        checks_spender: bool,
        spender: Address,
        ask: &Order,
        buyer: Address,
    ) -> Reading {
        first(&self.detect(
            vm,
            checks_spender,
            [spender, ask.owner, buyer],
            ask.quantity,
        ))
    }

    /// Whether the token answers the view by which it would be asked for restrictions: one word of at most 255.
    pub(crate) fn is_security(
        &self,
        vm: &dyn Host,
        checks_spender: bool,
        spender: Address,
    ) -> bool {
        let [from, to] = [1, 2].map(Address::with_last_byte);
        let answer = self.detect(vm, checks_spender, [spender, from, to], U256::from(1));
        answer.len() == 32
            && matches!(first(&answer), Reading::Word(code) if code <= U256::from(255))
    }

    /// What the token answers when it is asked whether it restricts a transfer: by a spender, from one account to another.
    #[inline(never)]
    fn detect(
        &self,
        vm: &dyn Host,
        checks_spender: bool,
        parties: [Address; 3],
        amount: U256,
    ) -> Vec<u8> {
        let [spender, from, to] = parties.map(|party| party.into_word());
        let arguments = [spender, from, to, bytes(&amount)];
        if checks_spender {
            let selector = selector!(
                "detectTransferRestrictionFrom",
                Address,
                Address,
                Address,
                U256
            );
            return self.answer(vm, selector, &arguments);
        }
        let [_, arguments @ ..] = arguments;
        self.answer(
            vm,
            selector!("detectTransferRestriction", Address, Address, U256),
            &arguments,
        )
    }

    /// Base units of `owner` that are held, by whomever.
    pub(crate) fn held_balance_of(&self, vm: &dyn Host, owner: Address) -> Reading {
        self.read(
            vm,
            selector!("heldBalanceOf", Address),
            &[owner.into_word()],
        )
    }

    /// Base units that `hold` reserves at second `at`: 0 when it is gone, or ends by then.
    pub(crate) fn held(&self, vm: &dyn Host, hold: &Hold, at: u64) -> Reading {
        let arguments = [hold.placer.into_word(), hold.owner.into_word(), hold.id];
        let answer = self.answer(vm, selector!("holdOf", Address, Address, B256), &arguments);
        let until = answer.get(32..).map_or(Reading::Unreadable, first);
        match until {
            Reading::Word(until) if until > U256::from(at) => first(&answer),
            Reading::Word(_) => Reading::Word(U256::ZERO),
            unreadable => unreadable,
        }
    }

    /// ERC-1404 code with which the use of the whole `hold` in favour of `to` would be refused at second `at`.
    pub(crate) fn hold_restriction(
        &self,
        vm: &dyn Host,
        hold: &Hold,
        to: Address,
        at: u64,
    ) -> Reading {
        let arguments = [
            hold.placer.into_word(),
            hold.owner.into_word(),
            hold.id,
            to.into_word(),
            word(0, 0, 0, at),
        ];
        self.read(
            vm,
            selector!("holdRestriction", Address, Address, B256, Address, u64),
            &arguments,
        )
    }

    /// Holds `value` base units of `owner` under `id` until a second, out of what it allows this contract.
    ///
    /// # Errors
    ///
    /// As of [`transfer_from`](Self::transfer_from).
    pub(crate) fn place_hold(
        &self,
        vm: &dyn Host,
        id: B256,
        owner: Address,
        value: U256,
        until: u64,
    ) -> Result<(), Revert> {
        let selector = selector!("placeHold", B256, Address, U256, u64);
        let arguments = [id, owner.into_word(), bytes(&value), word(0, 0, 0, until)];
        self.act(vm, selector, &arguments)
    }

    /// Moves `value` base units that are held under `id`, which ends the hold.
    ///
    /// # Errors
    ///
    /// As of [`transfer_from`](Self::transfer_from).
    pub(crate) fn use_hold(
        &self,
        vm: &dyn Host,
        id: B256,
        from: Address,
        to: Address,
        value: U256,
    ) -> Result<(), Revert> {
        let selector = selector!("useHold", B256, Address, Address, U256);
        let arguments = [id, from.into_word(), to.into_word(), bytes(&value)];
        self.act(vm, selector, &arguments)
    }

    /// Ends the hold `id` of `owner`; returns whether the token did.
    pub(crate) fn drop_hold(&self, vm: &dyn Host, id: B256, owner: Address) -> bool {
        let selector = selector!("dropHold", B256, Address);
        let (dropped, _) = self.call(vm, selector, &[id, owner.into_word()], Access::Write);
        dropped
    }

    /// Moves `value` base units.
    ///
    /// # Errors
    ///
    /// * The token's own refusal: it reverted.
    /// * [`Error::SettlementRefused`] - it returned anything but nothing or the one word 1, or reverted with more than
    ///   [`MAX_REVERT_DATA`] bytes.
    pub(crate) fn transfer_from(
        &self,
        vm: &dyn Host,
        from: Address,
        to: Address,
        value: U256,
    ) -> Result<(), Revert> {
        let arguments = [from.into_word(), to.into_word(), bytes(&value)];
        let selector = selector!("transferFrom", Address, Address, U256);
        self.act(vm, selector, &arguments)
    }

    /// Calls a function that changes the token, with the errors of [`transfer_from`](Self::transfer_from).
    #[inline(never)]
    fn act(&self, vm: &dyn Host, selector: u32, arguments: &[B256]) -> Result<(), Revert> {
        let (succeeded, length) = self.call(vm, selector, arguments, Access::Write);
        let limit = if succeeded { 32 } else { MAX_REVERT_DATA };
        let data = match length {
            0 => Vec::new(),
            _ if length <= limit => vm.read_return_data(0, Some(length)),
            _ => return Err(Error::refused(Failure::InexactLeg).into()),
        };
        if !succeeded {
            return Err(Revert(data));
        }
        if data.is_empty() || *data == *B256::with_last_byte(1) {
            return Ok(());
        }
        Err(Error::refused(Failure::InexactLeg).into())
    }

    /// The first word that a view returns.
    fn read(&self, vm: &dyn Host, selector: u32, arguments: &[B256]) -> Reading {
        first(&self.answer(vm, selector, arguments))
    }

    /// The first two words that a view returns; nothing when it reverts.
    #[inline(never)]
    fn answer(&self, vm: &dyn Host, selector: u32, arguments: &[B256]) -> Vec<u8> {
        match self.call(vm, selector, arguments, Access::Read) {
            (true, length) => vm.read_return_data(0, Some(length.min(MAX_ANSWER))),
            (false, _) => Vec::new(),
        }
    }

    /// Calls the token with all gas: whether it succeeded, and how many bytes it returned, of which none are copied.
    #[allow(unsafe_code)]
    fn call(
        &self,
        vm: &dyn Host,
        selector: u32,
        arguments: &[B256],
        access: Access,
    ) -> (bool, usize) {
        let mut input = Vec::with_capacity(4 + 32 * 5);
        input.extend_from_slice(&selector.to_be_bytes());
        for argument in arguments {
            input.extend_from_slice(argument.as_slice());
        }
        let (to, data) = (self.address.as_ptr(), input.as_ptr());
        let mut length = 0;
        // SAFETY: the pointers are to live buffers of the lengths given. Callers hold no storage accessor across a
        // call, and write state through before the first call that can change any.
        let status = unsafe {
            match access {
                Access::Read => {
                    vm.static_call_contract(to, data, input.len(), u64::MAX, &mut length)
                }
                Access::Write => vm.call_contract(
                    to,
                    data,
                    input.len(),
                    B256::ZERO.as_ptr(),
                    u64::MAX,
                    &mut length,
                ),
            }
        };
        (status == 0, length)
    }
}

/// The first word of what a view returned.
#[inline(never)]
fn first(answer: &[u8]) -> Reading {
    answer.first_chunk().map_or(Reading::Unreadable, |word| {
        Reading::Word(uint(&B256::new(*word)))
    })
}

/// What a call may do.
#[derive(Clone, Copy)]
enum Access {
    Read,
    Write,
}
