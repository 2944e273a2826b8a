//! What a security says of a wallet. It is not trusted: of its answers at most a word is copied, no question may take more
//! than [`VIEW_GAS`], and what cannot be read counts against the payment, never against the batch.

use alloc::vec::Vec;

use alloy_primitives::{Address, B256};
use runtime::{abi::Revert, constant_word};
use stylus_sdk::{function_selector, keccak_const::Keccak256, stylus_core::Host};

use super::{error::Error, returns::Payee};

/// Selector of a function that takes an account.
macro_rules! selector {
    ($name:literal) => {
        const { u32::from_be_bytes(function_selector!($name, Address)) }
    };
}

pub(crate) const BALANCE_OF: u32 = selector!("balanceOf");
const SUCCESSOR_OF: u32 = selector!("successorOf");
const IS_SANCTIONED: u32 = selector!("isSanctioned");
const IS_FROZEN: u32 = selector!("isFrozen");

/// Nothing is against the payment.
pub(crate) const PAYABLE: u8 = 0;
/// The payee is sanctioned.
pub(crate) const SANCTIONED: u8 = 1;
/// The payee is frozen.
pub(crate) const FROZEN: u8 = 2;
/// The coin refused the payment.
pub(crate) const REFUSED: u8 = 3;
/// The security gave no readable answer.
pub(crate) const UNREADABLE: u8 = 4;
/// There is no payee: too many successors, or this contract itself.
pub(crate) const UNREACHABLE: u8 = 5;

/// How many successors of a wallet are followed.
const MAX_SUCCESSORS: u32 = 8;

/// The most that one question may take. The security token's answers take up to 40,000, not cached.
pub(crate) const VIEW_GAS: u64 = 100_000;

/// What must be left before a question, so that it can take its part: a call passes 63 of 64 parts on.
const BEFORE_VIEW: u64 = 110_000;

/// Whom a share of `wallet` would be paid to, and what prevents it.
///
/// # Errors
///
/// * [`Error::InsufficientGas`] - too little to ask: who sends little gas must not decide that an answer is unreadable.
pub(crate) fn payee(vm: &dyn Host, security: Address, wallet: Address) -> Result<Payee, Revert> {
    let verdict = |payee, code| Ok(Payee { payee, code });
    let mut payee = wallet;
    let mut followed = 0;
    loop {
        let Some(successor) = account(question(vm, security, SUCCESSOR_OF, payee)?) else {
            return verdict(payee, UNREADABLE);
        };
        if successor.is_zero() {
            break;
        }
        if followed == MAX_SUCCESSORS {
            return verdict(payee, UNREACHABLE);
        }
        followed = u32::saturating_add(followed, 1);
        payee = successor;
    }
    if payee == vm.contract_address() {
        return verdict(payee, UNREACHABLE);
    }
    for (selector, code) in [(IS_SANCTIONED, SANCTIONED), (IS_FROZEN, FROZEN)] {
        match flag(question(vm, security, selector, payee)?) {
            Some(false) => {}
            Some(true) => return verdict(payee, code),
            None => return verdict(payee, UNREADABLE),
        }
    }
    verdict(payee, PAYABLE)
}

/// Whether `security` answers all three questions about a wallet.
///
/// # Errors
///
/// * [`Error::InsufficientGas`].
pub(crate) fn is_security(vm: &dyn Host, security: Address) -> Result<bool, Revert> {
    let wallet = Address::with_last_byte(1);
    Ok(has_code(vm, security)
        && account(question(vm, security, SUCCESSOR_OF, wallet)?).is_some()
        && flag(question(vm, security, IS_SANCTIONED, wallet)?).is_some()
        && flag(question(vm, security, IS_FROZEN, wallet)?).is_some())
}

/// Whether the security says that `account` is sanctioned.
///
/// # Errors
///
/// * [`Error::InsufficientGas`].
pub(crate) fn is_sanctioned(
    vm: &dyn Host,
    security: Address,
    account: Address,
) -> Result<bool, Revert> {
    Ok(flag(question(vm, security, IS_SANCTIONED, account)?) == Some(true))
}

/// Refuses to go on with less gas than `needed`.
///
/// # Errors
///
/// * [`Error::InsufficientGas`].
pub(crate) fn need_gas(vm: &dyn Host, needed: u64) -> Result<(), Revert> {
    let left = vm.evm_gas_left();
    if left < needed {
        return Err(Error::InsufficientGas { left, needed }.into());
    }
    Ok(())
}

/// Whether there is a contract at an address.
pub(crate) fn has_code(vm: &dyn Host, account: Address) -> bool {
    let hash = vm.code_hash(account);
    hash != B256::ZERO && hash != constant_word!(Keccak256::new().finalize())
}

/// The word that the security answers a question with; `None` when it answers with no word.
fn question(
    vm: &dyn Host,
    security: Address,
    selector: u32,
    account: Address,
) -> Result<Option<B256>, Revert> {
    need_gas(vm, BEFORE_VIEW)?;
    Ok(ask(vm, security, selector, account, VIEW_GAS))
}

/// The first word that a view of a contract returns about an account; `None` when it reverts or returns less.
#[allow(unsafe_code)]
pub(crate) fn ask(
    vm: &dyn Host,
    contract: Address,
    selector: u32,
    account: Address,
    gas: u64,
) -> Option<B256> {
    let mut input = Vec::with_capacity(36);
    input.extend_from_slice(&selector.to_be_bytes());
    input.extend_from_slice(account.into_word().as_slice());
    let mut length = 0;
    // SAFETY: the pointers are to live buffers of the lengths given. A view changes nothing here.
    let status = unsafe {
        vm.static_call_contract(
            contract.as_ptr(),
            input.as_ptr(),
            input.len(),
            gas,
            &mut length,
        )
    };
    if status != 0 || length < 32 {
        return None;
    }
    B256::try_from(vm.read_return_data(0, Some(32)).as_slice()).ok()
}

/// The account that a word holds; `None` when it holds more.
fn account(word: Option<B256>) -> Option<Address> {
    let word = word?;
    let (padding, _) = word.split_at(12);
    let is_address = padding.iter().all(|byte| *byte == 0);
    is_address.then(|| Address::from_word(word))
}

/// The truth value that a word is; `None` when it is none.
fn flag(word: Option<B256>) -> Option<bool> {
    match word? {
        word if word == B256::ZERO => Some(false),
        word if word == B256::with_last_byte(1) => Some(true),
        _ => None,
    }
}
