//! A token that can be told to misbehave.

use std::cell::RefCell;

use alloy_primitives::{Address, B256, U256, keccak256};
use stylus_sdk::{
    ArbResult,
    call::RawCall,
    function_selector,
    prelude::*,
    storage::{StorageAddress, StorageBool, StorageBytes, StorageMap, StorageU8, StorageU256},
};

/// What `transferFrom`, `placeHold` and `useHold` do instead of their work, after which `transferFrom` answers true.
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
    HoldsNothing,
    HoldsLess,
    HoldsShorter,
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

/// An ERC-20 with ERC-1404's and USDC's views, and holds if it is told to have some. It trusts everybody's setters.
#[storage]
pub(crate) struct MockToken {
    balances: StorageMap<Address, StorageU256>,
    allowances: StorageMap<Address, StorageMap<Address, StorageU256>>,
    /// Views that answer something else, by selector.
    overridden: StorageMap<U256, StorageBool>,
    overrides: StorageMap<U256, StorageBytes>,
    broken: StorageMap<U256, StorageBool>,
    /// Accounts whose balance cannot be read.
    hidden: StorageMap<Address, StorageBool>,
    blacklist: StorageMap<Address, StorageBool>,
    paused: StorageBool,
    quirk: StorageU8,
    /// Answer of the check by the spender.
    restriction_from: StorageU256,
    /// Answer of the check without.
    restriction: StorageU256,
    checks_spender: StorageBool,
    has_holds: StorageBool,
    /// Amount and end of a hold by placer, owner and id, and the sum of an owner's.
    holds: StorageMap<B256, StorageU256>,
    hold_ends: StorageMap<B256, StorageU256>,
    held_balances: StorageMap<Address, StorageU256>,
    /// Answer of `holdRestriction` for a hold that is live, from a second on.
    hold_restriction: StorageU256,
    hold_restricted_from: StorageU256,
    /// Whom the next act calls when it has moved, and with what; then what came of it.
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
        "placeHold" => function_selector!("placeHold", B256, Address, U256, u64),
        "useHold" => function_selector!("useHold", B256, Address, Address, U256),
        "dropHold" => function_selector!("dropHold", B256, Address),
        "holdOf" => function_selector!("holdOf", Address, Address, B256),
        "heldBalanceOf" => function_selector!("heldBalanceOf", Address),
        "holdRestriction" => {
            function_selector!("holdRestriction", Address, Address, B256, Address, u64)
        }
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

    /// Makes the balance of `account` unreadable, or readable again.
    pub(crate) fn hide(&mut self, account: Address, hidden: bool) {
        self.hidden.insert(account, hidden);
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

    pub(crate) fn set_has_holds(&mut self, has_holds: bool) {
        self.has_holds.set(has_holds);
    }

    /// Answers `holdRestriction` with `code` for seconds from `from` on.
    pub(crate) fn restrict_holds(&mut self, code: U256, from: u64) {
        self.hold_restriction.set(code);
        self.hold_restricted_from.set(U256::from(from));
    }

    pub(crate) fn held_balance(&self, owner: Address) -> U256 {
        self.held_balances.get(owner)
    }

    /// Amount and end of a hold, zeros when there is none.
    pub(crate) fn hold_of(&self, placer: Address, owner: Address, id: B256) -> (U256, U256) {
        let key = hold_key(placer, owner, id);
        (self.holds.get(key), self.hold_ends.get(key))
    }

    pub(crate) fn put_hold(&mut self, key: B256, owner: Address, amount: U256, until: U256) {
        let before = self.holds.get(key);
        self.held_balances
            .insert(owner, self.held_balance(owner) - before + amount);
        self.holds.insert(key, amount);
        self.hold_ends.insert(key, until);
    }

    /// Takes a hold away, as a seizure does.
    pub(crate) fn break_hold(&mut self, placer: Address, owner: Address, id: B256) {
        let key = hold_key(placer, owner, id);
        self.put_hold(key, owner, U256::ZERO, U256::ZERO);
    }

    /// Makes the next act, and only it, call `to` when it has moved or held something, or dropped a hold.
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

    fn is(&self, quirk: Quirk) -> bool {
        u8::try_from(self.quirk.get()).unwrap() == quirk as u8
    }

    /// Reverts as it was told to.
    fn revert(&self) -> Result<(), Vec<u8>> {
        match () {
            () if self.is(Quirk::Reverts) => Err(REVERT_DATA.to_vec()),
            () if self.is(Quirk::RevertsWithoutData) => Err(vec![]),
            () if self.is(Quirk::RevertsWithTheMost) => Err(vec![7; 4_096]),
            () if self.is(Quirk::RevertsWithTooMuch) => Err(vec![7; 4_097]),
            () => Ok(()),
        }
    }

    /// Uses up what the owner allows the caller and is free.
    fn spend(&mut self, owner: Address, amount: U256) -> Result<(), Vec<u8>> {
        let spender = self.vm().msg_sender();
        let allowed = self.allowed(owner, spender);
        if allowed < amount || self.held(owner) - self.held_balance(owner) < amount {
            return Err(vec![]);
        }
        self.allow(owner, spender, allowed - amount);
        Ok(())
    }

    fn transfer_from(&mut self, arguments: &[B256]) -> ArbResult {
        let [from, to, amount] = arguments else {
            return Err(vec![]);
        };
        let (from, to) = (Address::from_word(*from), Address::from_word(*to));
        let amount = U256::from_be_bytes(amount.0);
        self.revert()?;
        self.spend(from, amount)?;
        self.deliver(from, to, amount, word(U256::from(1)))
    }

    fn place_hold(&mut self, arguments: &[B256]) -> ArbResult {
        let [id, owner, amount, until] = arguments else {
            return Err(vec![]);
        };
        let owner = Address::from_word(*owner);
        let (amount, until) = (U256::from_be_bytes(amount.0), U256::from_be_bytes(until.0));
        self.revert()?;
        self.spend(owner, amount)?;
        let one = U256::from(1);
        let (amount, until) = match () {
            () if self.is(Quirk::HoldsNothing) => (U256::ZERO, U256::ZERO),
            () if self.is(Quirk::HoldsLess) => (amount - one, until),
            () if self.is(Quirk::HoldsShorter) => (amount, until - one),
            () => (amount, until),
        };
        let key = hold_key(self.vm().msg_sender(), owner, *id);
        self.put_hold(key, owner, amount, until);
        self.make_callback();
        self.answer_of_act(Ok(vec![]))
    }

    fn use_hold(&mut self, arguments: &[B256]) -> ArbResult {
        let [id, owner, to, amount] = arguments else {
            return Err(vec![]);
        };
        let (owner, to) = (Address::from_word(*owner), Address::from_word(*to));
        let amount = U256::from_be_bytes(amount.0);
        self.revert()?;
        let key = hold_key(self.vm().msg_sender(), owner, *id);
        let now = U256::from(self.vm().block_timestamp());
        if self.holds.get(key) < amount || self.hold_ends.get(key) <= now {
            return Err(vec![]);
        }
        self.put_hold(key, owner, U256::ZERO, U256::ZERO);
        self.deliver(owner, to, amount, Ok(vec![]))
    }

    fn drop_hold(&mut self, arguments: &[B256]) -> ArbResult {
        let [id, owner] = arguments else {
            return Err(vec![]);
        };
        let (owner, caller) = (Address::from_word(*owner), self.vm().msg_sender());
        let key = hold_key(caller, owner, *id);
        if self.holds.get(key).is_zero() {
            return Err(vec![]);
        }
        self.put_hold(key, owner, U256::ZERO, U256::ZERO);
        self.make_callback();
        Ok(vec![])
    }

    /// Moves an amount, and answers.
    fn deliver(&mut self, from: Address, to: Address, amount: U256, good: ArbResult) -> ArbResult {
        let one = U256::from(1);
        let is = |quirk| self.is(quirk);
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
        self.answer_of_act(good)
    }

    fn answer_of_act(&self, good: ArbResult) -> ArbResult {
        let one = U256::from(1);
        let is = |quirk| self.is(quirk);
        match () {
            () if is(Quirk::AnswersNothing) => Ok(vec![]),
            () if is(Quirk::AnswersFalse) => word(U256::ZERO),
            () if is(Quirk::AnswersTwo) => word(U256::from(2)),
            () if is(Quirk::Answers31Bytes) => Ok(vec![1; 31]),
            () if is(Quirk::AnswersTwoWords) => {
                Ok([one.to_be_bytes::<32>(), one.to_be_bytes::<32>()].concat())
            }
            () => good,
        }
    }
}

fn hold_key(placer: Address, owner: Address, id: B256) -> B256 {
    keccak256([placer.into_word(), owner.into_word(), id].concat())
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
            _ if called == selector("balanceOf") && self.hidden.get(address(0)) => Err(vec![]),
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
                let asked = |id: [u8; 4]| arguments[0] == B256::right_padding_from(&id);
                let supported = asked([0x78, 0xa8, 0xde, 0x7d]) && self.checks_spender.get()
                    || asked([0x6c, 0xa1, 0xf6, 0x13]) && self.has_holds.get();
                word(U256::from(supported))
            }
            _ if !self.has_holds.get() => Err(b"no such function".to_vec()),
            _ if called == selector("placeHold") => self.place_hold(&arguments),
            _ if called == selector("useHold") => self.use_hold(&arguments),
            _ if called == selector("dropHold") => self.drop_hold(&arguments),
            _ if called == selector("heldBalanceOf") => word(self.held_balance(address(0))),
            _ if called == selector("holdOf") => {
                let (amount, until) = self.hold_of(address(0), address(1), arguments[2]);
                Ok([amount, until]
                    .map(|word| word.to_be_bytes::<32>())
                    .concat())
            }
            _ if called == selector("holdRestriction") => {
                let at = U256::from_be_bytes(arguments[4].0);
                let (_, until) = self.hold_of(address(0), address(1), arguments[2]);
                word(match () {
                    () if until <= at => U256::from(255),
                    () if at >= self.hold_restricted_from.get() => self.hold_restriction.get(),
                    () => U256::ZERO,
                })
            }
            _ => Err(b"no such function".to_vec()),
        }
    }
}
