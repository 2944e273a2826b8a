//! A coin and a security in one, which can be told to misbehave.

use alloy_primitives::{Address, B256, U256};
use stylus_sdk::{
    ArbResult, function_selector,
    prelude::*,
    storage::{StorageAddress, StorageBool, StorageBytes, StorageMap, StorageU8, StorageU256},
};

/// What a transfer does instead of its work. (One that answers nothing is in the scenarios: the mock host does not survive it.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Quirk {
    Honest = 0,
    AnswersFalse,
    AnswersTwo,
    TakesAFee,
    MovesNothing,
    Reverts,
}

/// It trusts everybody's setters.
#[storage]
pub(crate) struct Mock {
    balances: StorageMap<Address, StorageU256>,
    allowances: StorageMap<Address, StorageMap<Address, StorageU256>>,
    /// Accounts to which no coin goes.
    refused: StorageMap<Address, StorageBool>,
    successors: StorageMap<Address, StorageAddress>,
    sanctioned: StorageMap<Address, StorageBool>,
    frozen: StorageMap<Address, StorageBool>,
    /// Views that answer something else, by selector: bytes, or a revert.
    overridden: StorageMap<U256, StorageBool>,
    overrides: StorageMap<U256, StorageBytes>,
    broken: StorageMap<U256, StorageBool>,
    quirk: StorageU8,
}

#[allow(unsafe_code, reason = "the mock is the whole storage")]
unsafe impl TopLevelStorage for Mock {}

fn selector(name: &str) -> u32 {
    u32::from_be_bytes(match name {
        "balanceOf" => function_selector!("balanceOf", Address),
        "successorOf" => function_selector!("successorOf", Address),
        "isSanctioned" => function_selector!("isSanctioned", Address),
        "isFrozen" => function_selector!("isFrozen", Address),
        "transfer" => function_selector!("transfer", Address, U256),
        "transferFrom" => function_selector!("transferFrom", Address, Address, U256),
        _ => panic!("the mock has no {name}"),
    })
}

#[allow(clippy::unnecessary_wraps, reason = "the answer of a call")]
fn word(value: U256) -> ArbResult {
    Ok(value.to_be_bytes::<32>().to_vec())
}

impl Mock {
    pub(crate) fn give(&mut self, account: Address, amount: U256) {
        self.balances.insert(account, amount);
    }

    pub(crate) fn has(&self, account: Address) -> U256 {
        self.balances.get(account)
    }

    pub(crate) fn allow(&mut self, owner: Address, spender: Address, amount: U256) {
        self.allowances.setter(owner).insert(spender, amount);
    }

    pub(crate) fn refuse(&mut self, account: Address, refused: bool) {
        self.refused.insert(account, refused);
    }

    pub(crate) fn succeed(&mut self, lost: Address, successor: Address) {
        self.successors.insert(lost, successor);
    }

    pub(crate) fn sanction(&mut self, account: Address, sanctioned: bool) {
        self.sanctioned.insert(account, sanctioned);
    }

    pub(crate) fn freeze(&mut self, account: Address, frozen: bool) {
        self.frozen.insert(account, frozen);
    }

    pub(crate) fn behave(&mut self, quirk: Quirk) {
        self.quirk.set(alloy_primitives::U8::from(quirk as u8));
    }

    /// Makes a view answer these bytes.
    pub(crate) fn answer(&mut self, view: &str, answer: &[u8]) {
        let key = U256::from(selector(view));
        self.overridden.insert(key, true);
        self.overrides.setter(key).set_bytes(answer);
    }

    /// Makes a view revert.
    pub(crate) fn break_view(&mut self, view: &str) {
        self.broken.insert(U256::from(selector(view)), true);
    }

    /// Makes a view answer honestly again.
    pub(crate) fn mend_view(&mut self, view: &str) {
        let key = U256::from(selector(view));
        self.broken.insert(key, false);
        self.overridden.insert(key, false);
    }

    fn is(&self, quirk: Quirk) -> bool {
        u8::try_from(self.quirk.get()).unwrap() == quirk as u8
    }

    fn move_coins(&mut self, from: Address, to: Address, amount: U256) -> ArbResult {
        if self.is(Quirk::Reverts) || self.refused.get(to) || self.has(from) < amount {
            return Err(b"refused".to_vec());
        }
        if self.is(Quirk::AnswersFalse) {
            return word(U256::ZERO);
        }
        if self.is(Quirk::AnswersTwo) {
            return word(U256::from(2));
        }
        let paid = match () {
            () if self.is(Quirk::TakesAFee) => amount - U256::from(1),
            () if self.is(Quirk::MovesNothing) => return word(U256::from(1)),
            () => amount,
        };
        self.give(from, self.has(from) - amount);
        self.give(to, self.has(to) + paid);
        word(U256::from(1))
    }
}

#[public]
impl Mock {
    #[fallback]
    fn fallback(&mut self, calldata: &[u8]) -> ArbResult {
        let called = u32::from_be_bytes(calldata[..4].try_into().unwrap());
        let key = U256::from(called);
        if self.broken.get(key) {
            return Err(b"broken".to_vec());
        }
        if self.overridden.get(key) {
            return Ok(self.overrides.getter(key).get_bytes());
        }
        let arguments: Vec<B256> = calldata[4..].chunks(32).map(B256::from_slice).collect();
        let address = |index: usize| Address::from_word(arguments[index]);
        let amount = |index: usize| U256::from_be_bytes(arguments[index].0);
        let sender = self.vm().msg_sender();
        match called {
            _ if called == selector("balanceOf") => word(self.has(address(0))),
            _ if called == selector("successorOf") => {
                Ok(self.successors.get(address(0)).into_word().to_vec())
            }
            _ if called == selector("isSanctioned") => {
                word(U256::from(self.sanctioned.get(address(0))))
            }
            _ if called == selector("isFrozen") => word(U256::from(self.frozen.get(address(0)))),
            _ if called == selector("transfer") => self.move_coins(sender, address(0), amount(1)),
            _ if called == selector("transferFrom") => {
                let allowed = self.allowances.getter(address(0)).get(sender);
                if allowed < amount(2) {
                    return Err(b"allowance".to_vec());
                }
                self.allow(address(0), sender, allowed - amount(2));
                self.move_coins(address(0), address(1), amount(2))
            }
            _ => Err(b"no such function".to_vec()),
        }
    }
}
