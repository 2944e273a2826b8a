//! A token that can be told to misbehave.

use std::cell::RefCell;

use alloy_primitives::{Address, B256, U256};
use stylus_sdk::{
    ArbResult,
    call::RawCall,
    function_selector,
    prelude::*,
    storage::{StorageAddress, StorageBool, StorageBytes, StorageMap, StorageU8, StorageU256},
};

/// What `transferFrom` does instead of moving the amount and answering true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Quirk {
    Honest = 0,
    AnswersNothing,
    AnswersFalse,
    AnswersTwo,
    Answers31Bytes,
    AnswersTwoWords,
    MovesNothing,
    TakesAFee,
    PaysExtra,
    TakesDouble,
    Reverts,
    RevertsWithoutData,
    RevertsWithTheMost,
    RevertsWithTooMuch,
}

/// Revert data of [`Quirk::Reverts`].
pub(crate) const REVERT_DATA: [u8; 5] = [0xde, 0xad, 0xbe, 0xef, 0x01];

thread_local! {
    /// Every call of a mock token in this test: the token and the selector.
    static CALLS: RefCell<Vec<(Address, u32)>> = const { RefCell::new(Vec::new()) };
}

/// The calls of mock tokens since this was asked last, in their order.
pub(crate) fn calls() -> Vec<(Address, u32)> {
    CALLS.take()
}

/// An ERC-20 with ERC-1404's and USDC's views. It trusts everybody's setters.
#[storage]
pub(crate) struct MockToken {
    balances: StorageMap<Address, StorageU256>,
    allowances: StorageMap<Address, StorageMap<Address, StorageU256>>,
    /// Views that answer something else, by selector.
    overridden: StorageMap<U256, StorageBool>,
    overrides: StorageMap<U256, StorageBytes>,
    broken: StorageMap<U256, StorageBool>,
    blacklist: StorageMap<Address, StorageBool>,
    paused: StorageBool,
    quirk: StorageU8,
    /// Answer of the check by the spender.
    restriction_from: StorageU256,
    /// Answer of the check without.
    restriction: StorageU256,
    checks_spender: StorageBool,
    /// Whom the next `transferFrom` calls when it has moved, and with what; then what came of it.
    callback_to: StorageAddress,
    callback: StorageBytes,
    callback_succeeded: StorageBool,
    callback_answer: StorageBytes,
}

#[allow(unsafe_code, reason = "the mock is the whole storage")]
unsafe impl TopLevelStorage for MockToken {}

pub(crate) fn selector(name: &str) -> u32 {
    let word = match name {
        "balanceOf" => function_selector!("balanceOf", Address),
        "allowance" => function_selector!("allowance", Address, Address),
        "transferFrom" => function_selector!("transferFrom", Address, Address, U256),
        "isBlacklisted" => function_selector!("isBlacklisted", Address),
        "paused" => function_selector!("paused"),
        "detectTransferRestriction" => {
            function_selector!("detectTransferRestriction", Address, Address, U256)
        }
        "detectTransferRestrictionFrom" => {
            function_selector!(
                "detectTransferRestrictionFrom",
                Address,
                Address,
                Address,
                U256
            )
        }
        "supportsInterface" => [0x01, 0xff, 0xc9, 0xa7],
        _ => panic!("the mock has no {name}"),
    };
    u32::from_be_bytes(word)
}

#[allow(clippy::unnecessary_wraps, reason = "the answer of a call")]
fn word(value: U256) -> ArbResult {
    Ok(value.to_be_bytes::<32>().to_vec())
}

impl MockToken {
    pub(crate) fn hold(&mut self, account: Address, amount: U256) {
        self.balances.insert(account, amount);
    }

    pub(crate) fn held(&self, account: Address) -> U256 {
        self.balances.get(account)
    }

    pub(crate) fn allow(&mut self, owner: Address, spender: Address, amount: U256) {
        self.allowances.setter(owner).insert(spender, amount);
    }

    pub(crate) fn allowed(&self, owner: Address, spender: Address) -> U256 {
        self.allowances.getter(owner).get(spender)
    }

    pub(crate) fn answer(&mut self, view: &str, answer: &[u8]) {
        let key = U256::from(selector(view));
        self.overridden.insert(key, true);
        self.overrides.setter(key).set_bytes(answer);
    }

    pub(crate) fn break_view(&mut self, view: &str) {
        self.broken.insert(U256::from(selector(view)), true);
    }

    pub(crate) fn mend_view(&mut self, view: &str) {
        self.broken.insert(U256::from(selector(view)), false);
        self.overridden.insert(U256::from(selector(view)), false);
    }

    pub(crate) fn set_blacklisted(&mut self, account: Address, blacklisted: bool) {
        self.blacklist.insert(account, blacklisted);
    }

    pub(crate) fn set_paused(&mut self, paused: bool) {
        self.paused.set(paused);
    }

    pub(crate) fn behave(&mut self, quirk: Quirk) {
        self.quirk.set(alloy_primitives::U8::from(quirk as u8));
    }

    pub(crate) fn restrict(&mut self, by_spender: U256, by_anybody: U256) {
        self.restriction_from.set(by_spender);
        self.restriction.set(by_anybody);
    }

    pub(crate) fn set_checks_spender(&mut self, checks_spender: bool) {
        self.checks_spender.set(checks_spender);
    }

    /// Makes the next `transferFrom`, and only it, call `to` when it has moved.
    pub(crate) fn call_back(&mut self, to: Address, call: &[u8]) {
        self.callback_to.set(to);
        self.callback.set_bytes(call);
    }

    /// What that call answered, or its revert data.
    pub(crate) fn called_back(&self) -> ArbResult {
        assert!(self.callback_to.get().is_zero(), "it has not called yet");
        let answer = self.callback_answer.get_bytes();
        if self.callback_succeeded.get() {
            Ok(answer)
        } else {
            Err(answer)
        }
    }

    #[allow(unsafe_code, reason = "a call with the cache flushed")]
    fn make_callback(&mut self) {
        let to = self.callback_to.get();
        if to.is_zero() {
            return;
        }
        self.callback_to.set(Address::ZERO);
        let call = self.callback.get_bytes();
        let outcome = unsafe { RawCall::new().flush_storage_cache().call(to, &call) };
        self.callback_succeeded.set(outcome.is_ok());
        self.callback_answer
            .set_bytes(outcome.unwrap_or_else(|data| data));
    }

    fn transfer_from(&mut self, arguments: &[B256]) -> ArbResult {
        let [from, to, amount] = arguments else {
            return Err(vec![]);
        };
        let (from, to) = (Address::from_word(*from), Address::from_word(*to));
        let amount = U256::from_be_bytes(amount.0);
        let spender = self.vm().msg_sender();
        let quirk = u8::try_from(self.quirk.get()).unwrap();
        let is = |wanted: Quirk| quirk == wanted as u8;
        if is(Quirk::Reverts) {
            return Err(REVERT_DATA.to_vec());
        }
        if is(Quirk::RevertsWithTheMost) {
            return Err(vec![7; 4_096]);
        }
        if is(Quirk::RevertsWithTooMuch) {
            return Err(vec![7; 4_097]);
        }
        let allowed = self.allowed(from, spender);
        if is(Quirk::RevertsWithoutData) || allowed < amount || self.held(from) < amount {
            return Err(vec![]);
        }
        self.allow(from, spender, allowed - amount);
        let one = U256::from(1);
        let (taken, paid) = match () {
            () if is(Quirk::MovesNothing) => (U256::ZERO, U256::ZERO),
            () if is(Quirk::TakesAFee) => (amount, amount - one),
            () if is(Quirk::PaysExtra) => (amount, amount + one),
            () if is(Quirk::TakesDouble) => (amount + amount, amount),
            () => (amount, amount),
        };
        self.hold(from, self.held(from) - taken);
        self.hold(to, self.held(to) + paid);
        self.make_callback();
        match () {
            () if is(Quirk::AnswersNothing) => Ok(vec![]),
            () if is(Quirk::AnswersFalse) => word(U256::ZERO),
            () if is(Quirk::AnswersTwo) => word(U256::from(2)),
            () if is(Quirk::Answers31Bytes) => Ok(vec![1; 31]),
            () if is(Quirk::AnswersTwoWords) => {
                Ok([one.to_be_bytes::<32>(), one.to_be_bytes::<32>()].concat())
            }
            () => word(one),
        }
    }
}

#[public]
impl MockToken {
    #[fallback]
    fn fallback(&mut self, calldata: &[u8]) -> ArbResult {
        let called = u32::from_be_bytes(calldata[..4].try_into().unwrap());
        let key = U256::from(called);
        CALLS.with_borrow_mut(|calls| calls.push((self.vm().contract_address(), called)));
        if self.broken.get(key) {
            return Err(b"broken".to_vec());
        }
        if self.overridden.get(key) {
            return Ok(self.overrides.getter(key).get_bytes());
        }
        let arguments: Vec<B256> = calldata[4..].chunks(32).map(B256::from_slice).collect();
        let address = |index: usize| Address::from_word(arguments[index]);
        match called {
            _ if called == selector("balanceOf") => word(self.held(address(0))),
            _ if called == selector("allowance") => word(self.allowed(address(0), address(1))),
            _ if called == selector("transferFrom") => self.transfer_from(&arguments),
            _ if called == selector("isBlacklisted") => {
                word(U256::from(self.blacklist.get(address(0))))
            }
            _ if called == selector("paused") => word(U256::from(self.paused.get())),
            _ if called == selector("detectTransferRestriction") => word(self.restriction.get()),
            _ if called == selector("detectTransferRestrictionFrom") => {
                word(self.restriction_from.get())
            }
            _ if called == selector("supportsInterface") => {
                let asked = arguments[0] == B256::right_padding_from(&[0x78, 0xa8, 0xde, 0x7d]);
                word(U256::from(asked && self.checks_spender.get()))
            }
            _ => Err(b"no such function".to_vec()),
        }
    }
}
