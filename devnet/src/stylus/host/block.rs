//! The block and the chain.

use crate::stylus::{
    host::{Guest, Stop},
    ink,
};

/// Copies the base fee, in wei per gas, to `dest`.
pub(super) fn block_basefee(guest: &mut Guest<'_>, dest: u32) -> Result<(), Stop> {
    guest.buy_ink(ink::HOST + ink::POINTER)?;
    let fee = guest.environment().base_fee;
    guest.write_u256(dest, fee)
}

/// Copies the block's beneficiary to `dest`.
pub(super) fn block_coinbase(guest: &mut Guest<'_>, dest: u32) -> Result<(), Stop> {
    guest.buy_ink(ink::HOST + ink::POINTER)?;
    let coinbase = guest.environment().coinbase;
    guest.write(dest, coinbase.as_slice())
}

/// The block's gas limit.
pub(super) fn block_gas_limit(guest: &mut Guest<'_>) -> Result<u64, Stop> {
    guest.buy_ink(ink::HOST)?;
    Ok(guest.environment().block_gas_limit)
}

/// The block's number.
pub(super) fn block_number(guest: &mut Guest<'_>) -> Result<u64, Stop> {
    guest.buy_ink(ink::HOST)?;
    Ok(guest.environment().block_number)
}

/// The block's time, in seconds since the epoch.
pub(super) fn block_timestamp(guest: &mut Guest<'_>) -> Result<u64, Stop> {
    guest.buy_ink(ink::HOST)?;
    Ok(guest.environment().timestamp)
}

/// The chain's id.
pub(super) fn chainid(guest: &mut Guest<'_>) -> Result<u64, Stop> {
    guest.buy_ink(ink::HOST)?;
    Ok(guest.environment().chain_id)
}
