//! Calls of other accounts and creation of new ones.

use crate::stylus::{
    host::{Guest, Stop, state::length},
    ink,
    vm::{Answer, CallKind},
};
use revm::primitives::{Address, Bytes};

/// What calls return to the program: 0, or this when the callee failed.
const FAILED: u32 = 2;

/// Pays for a call, makes it, and reports the length of the return data to the program. `kind` reads what
/// else the call needs.
fn call(
    guest: &mut Guest<'_>,
    to: u32,
    data: u32,
    len: u32,
    gas: u64,
    returned: u32,
    kind: impl FnOnce(&Guest<'_>) -> Result<CallKind, Stop>,
) -> Result<u32, Stop> {
    guest.buy_ink(ink::HOST + 3 * ink::POINTER + ink::EVM)?;
    // The bytes are copied from the program to the host, and then from the host to the chain.
    guest.buy_ink(2 * ink::read(len))?;
    let gas_left = guest.gas_left()?;
    let to = guest.read_address(to)?;
    let input = Bytes::copy_from_slice(guest.read(data, len)?);
    let kind = kind(guest)?;
    let gas_requested = gas.min(gas_left);
    let answer = guest.vm().call(kind, to, input, gas_left, gas_requested)?;
    guest.buy_gas(answer.gas)?;
    let status = if answer.success { 0 } else { FAILED };
    finish(guest, answer, returned)?;
    Ok(status)
}

fn finish(guest: &mut Guest<'_>, answer: Answer, returned: u32) -> Result<(), Stop> {
    let size = length(&answer.output);
    guest.state().returned = answer.output;
    guest.write_length(returned, size)
}

/// Calls `to` with `value`.
pub(super) fn call_contract(
    guest: &mut Guest<'_>,
    to: u32,
    data: u32,
    len: u32,
    value: u32,
    gas: u64,
    returned: u32,
) -> Result<u32, Stop> {
    call(guest, to, data, len, gas, returned, |guest| {
        guest.read_u256(value).map(CallKind::Call)
    })
}

/// Runs the code of `to` on the program's own account.
pub(super) fn delegate_call_contract(
    guest: &mut Guest<'_>,
    to: u32,
    data: u32,
    len: u32,
    gas: u64,
    returned: u32,
) -> Result<u32, Stop> {
    call(guest, to, data, len, gas, returned, |_| {
        Ok(CallKind::Delegate)
    })
}

/// Calls `to` without permission to change state.
pub(super) fn static_call_contract(
    guest: &mut Guest<'_>,
    to: u32,
    data: u32,
    len: u32,
    gas: u64,
    returned: u32,
) -> Result<u32, Stop> {
    call(guest, to, data, len, gas, returned, |_| {
        Ok(CallKind::Static)
    })
}

/// Creates an account at an address derived from the program's own and its nonce.
pub(super) fn create1(
    guest: &mut Guest<'_>,
    code: u32,
    len: u32,
    value: u32,
    contract: u32,
    returned: u32,
) -> Result<(), Stop> {
    guest.buy_ink(ink::HOST + 3 * ink::POINTER + ink::EVM)?;
    create(guest, code, len, value, None, contract, returned)
}

/// Creates an account at an address derived from the program's own, the code and `salt`.
pub(super) fn create2(
    guest: &mut Guest<'_>,
    code: u32,
    len: u32,
    value: u32,
    salt: u32,
    contract: u32,
    returned: u32,
) -> Result<(), Stop> {
    guest.buy_ink(ink::HOST + 4 * ink::POINTER + ink::EVM)?;
    create(guest, code, len, value, Some(salt), contract, returned)
}

fn create(
    guest: &mut Guest<'_>,
    code: u32,
    len: u32,
    value: u32,
    salt: Option<u32>,
    contract: u32,
    returned: u32,
) -> Result<(), Stop> {
    // As for calls: copied once from the program, once to the chain.
    guest.buy_ink(2 * ink::read(len))?;
    let code = Bytes::copy_from_slice(guest.read(code, len)?);
    let value = guest.read_u256(value)?;
    let salt = salt.map(|pointer| guest.read_u256(pointer)).transpose()?;
    let gas_left = guest.gas_left()?;
    guest.require_writable()?;
    let answer = guest.vm().create(code, value, salt, gas_left)?;
    // Too little gas to start: the program ends, and keeps what it has.
    let answer = answer.ok_or(Stop::Failure)?;
    guest.buy_gas(answer.gas)?;
    let address = if answer.success {
        answer.address
    } else {
        Address::ZERO
    };
    finish(guest, answer, returned)?;
    guest.write(contract, address.as_slice())
}
