//! Accounts: balances and code.

use crate::stylus::{
    host::{Guest, Stop, io::overlap, state::length},
    ink,
};
use revm::primitives::Bytes;

/// Copies the balance of an account, in wei, to `dest`.
pub(super) fn account_balance(guest: &mut Guest<'_>, account: u32, dest: u32) -> Result<(), Stop> {
    guest.buy_ink(ink::HOST + 2 * ink::POINTER + ink::EVM)?;
    guest.require_gas(ink::COLD_ACCOUNT_GAS)?;
    let account = guest.read_address(account)?;
    let access = guest.vm().balance(account)?;
    let balance = guest.buy_access(access)?;
    guest.write_u256(dest, balance)
}

/// Copies the part of an account's code in `offset..offset + size`; returns how many bytes.
pub(super) fn account_code(
    guest: &mut Guest<'_>,
    account: u32,
    offset: u32,
    size: u32,
    dest: u32,
) -> Result<u32, Stop> {
    let code = load_code(guest, account)?;
    guest.buy_ink(ink::write(length(&code)))?;
    let part = overlap(&code, offset, size);
    guest.write(dest, part)?;
    Ok(length(part))
}

/// The length of an account's code.
pub(super) fn account_code_size(guest: &mut Guest<'_>, account: u32) -> Result<u32, Stop> {
    load_code(guest, account).map(|code| length(&code))
}

/// The code of an account; free for the account whose code was read last.
fn load_code(guest: &mut Guest<'_>, account: u32) -> Result<Bytes, Stop> {
    guest.buy_ink(ink::HOST + ink::EVM)?;
    guest.require_gas(ink::COLD_ACCOUNT_GAS)?;
    let account = guest.read_address(account)?;
    if let Some((last, code)) = &guest.state().last_code
        && *last == account
    {
        return Ok(code.clone());
    }
    let access = guest.vm().code(account)?;
    guest.buy_gas(ink::CODE_LOAD_GAS)?;
    let code = guest.buy_access(access)?;
    if !code.is_empty() {
        guest.state().last_code = Some((account, code.clone()));
    }
    Ok(code)
}

/// Copies the code hash of an account to `dest`.
pub(super) fn account_codehash(guest: &mut Guest<'_>, account: u32, dest: u32) -> Result<(), Stop> {
    guest.buy_ink(ink::HOST + 2 * ink::POINTER + ink::EVM)?;
    guest.require_gas(ink::COLD_ACCOUNT_GAS)?;
    let account = guest.read_address(account)?;
    let access = guest.vm().code_hash(account)?;
    let hash = guest.buy_access(access)?;
    guest.write(dest, hash.as_slice())
}

/// Copies the account that the program acts for to `dest`.
pub(super) fn contract_address(guest: &mut Guest<'_>, dest: u32) -> Result<(), Stop> {
    guest.buy_ink(ink::HOST + ink::POINTER)?;
    let address = guest.environment().address;
    guest.write(dest, address.as_slice())
}
