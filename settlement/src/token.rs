//! Calls of tokens, which are not trusted: of whatever a token returns, at most a bounded part is copied.

use alloc::vec::Vec;

use alloy_primitives::{Address, B256, U256};
use runtime::{
    abi::Revert,
    word::{bytes, uint},
};
use stylus_sdk::{function_selector, stylus_core::Host};

use super::{
    checks::{Failure, Reading},
    error::Error,
    order::Order,
};

/// The most revert data of a token that is passed on; a token that reverts with more is refused as an inexact leg.
pub(crate) const MAX_REVERT_DATA: usize = 4_096;

/// ERC-1404's extension by the spender: `detectTransferRestrictionFrom`.
const SPENDER_EXTENSION: u32 = 0x78a8_de7d;

const SUPPORTS_INTERFACE: u32 = 0x01ff_c9a7;

/// Selector of a function of addresses and amounts.
macro_rules! selector {
    ($($signature:tt)*) => {
        const { u32::from_be_bytes(function_selector!($($signature)*)) }
    };
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

    /// Whether the token claims to support `detectTransferRestrictionFrom` (ERC-165).
    pub(crate) fn checks_spender(&self, vm: &dyn Host) -> bool {
        let interface = B256::right_padding_from(&SPENDER_EXTENSION.to_be_bytes());
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
        let arguments = [
            spender.into_word(),
            ask.owner.into_word(),
            buyer.into_word(),
            bytes(&ask.quantity),
        ];
        if checks_spender {
            let selector = selector!(
                "detectTransferRestrictionFrom",
                Address,
                Address,
                Address,
                U256
            );
            return self.read(vm, selector, &arguments);
        }
        self.read(
            vm,
            selector!("detectTransferRestriction", Address, Address, U256),
            &arguments[1..],
        )
    }

    /// Moves `value` base units. The token must return nothing or the one word 1.
    ///
    /// # Errors
    ///
    /// * The token's own refusal: it reverted.
    /// * [`Error::SettlementRefused`] - it returned anything else, or reverted with more than [`MAX_REVERT_DATA`] bytes.
    pub(crate) fn transfer_from(
        &self,
        vm: &dyn Host,
        from: Address,
        to: Address,
        value: U256,
    ) -> Result<(), Revert> {
        let arguments = [from.into_word(), to.into_word(), bytes(&value)];
        let selector = selector!("transferFrom", Address, Address, U256);
        let (succeeded, length) = self.call(vm, selector, &arguments, Access::Write);
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
    #[inline(never)]
    fn read(&self, vm: &dyn Host, selector: u32, arguments: &[B256]) -> Reading {
        let (succeeded, length) = self.call(vm, selector, arguments, Access::Read);
        if !succeeded || length < 32 {
            return Reading::Unreadable;
        }
        B256::try_from(vm.read_return_data(0, Some(32)).as_slice())
            .map_or(Reading::Unreadable, |word| Reading::Word(uint(&word)))
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
        let mut input = Vec::with_capacity(4 + 32 * 4);
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

/// What a call may do.
#[derive(Clone, Copy)]
enum Access {
    Read,
    Write,
}
