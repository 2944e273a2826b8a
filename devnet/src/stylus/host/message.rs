//! The call and the transaction it is part of.

use crate::stylus::{
    host::{Guest, Stop},
    ink,
};

/// 1 when the program's account already runs further up the call stack, else 0.
pub(super) fn msg_reentrant(guest: &mut Guest<'_>) -> Result<u32, Stop> {
    guest.buy_ink(ink::HOST)?;
    Ok(guest.environment().reentrant.into())
}

/// Copies the caller to `dest`.
pub(super) fn msg_sender(guest: &mut Guest<'_>, dest: u32) -> Result<(), Stop> {
    guest.buy_ink(ink::HOST + ink::POINTER)?;
    let caller = guest.environment().caller;
    guest.write(dest, caller.as_slice())
}

/// Copies the value sent along, in wei, to `dest`.
pub(super) fn msg_value(guest: &mut Guest<'_>, dest: u32) -> Result<(), Stop> {
    guest.buy_ink(ink::HOST + ink::POINTER)?;
    let value = guest.environment().value;
    guest.write_u256(dest, value)
}

/// Copies the transaction's gas price, in wei per gas, to `dest`.
pub(super) fn tx_gas_price(guest: &mut Guest<'_>, dest: u32) -> Result<(), Stop> {
    guest.buy_ink(ink::HOST + ink::POINTER)?;
    let price = guest.environment().gas_price;
    guest.write_u256(dest, price)
}

/// Ink per gas.
pub(super) fn tx_ink_price(guest: &mut Guest<'_>) -> Result<u32, Stop> {
    guest.buy_ink(ink::HOST)?;
    Ok(ink::INK_PRICE)
}

/// Copies the sender of the transaction to `dest`.
pub(super) fn tx_origin(guest: &mut Guest<'_>, dest: u32) -> Result<(), Stop> {
    guest.buy_ink(ink::HOST + ink::POINTER)?;
    let origin = guest.environment().origin;
    guest.write(dest, origin.as_slice())
}
