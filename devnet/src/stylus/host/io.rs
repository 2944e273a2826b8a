//! Arguments, the result, and the data that calls return.

use crate::stylus::{
    host::{Guest, Stop, state::length},
    ink,
};

/// Copies the calldata to `dest`.
pub(super) fn read_args(guest: &mut Guest<'_>, dest: u32) -> Result<(), Stop> {
    guest.buy_ink(ink::HOST)?;
    let arguments = guest.state().arguments.clone();
    guest.buy_ink(ink::write(length(&arguments)))?;
    guest.write(dest, &arguments)
}

/// Sets what the program returns or reverts with.
pub(super) fn write_result(guest: &mut Guest<'_>, data: u32, len: u32) -> Result<(), Stop> {
    guest.buy_ink(ink::HOST)?;
    // The bytes are copied from the program to the host, and then from the host to the chain.
    guest.buy_ink(2 * ink::read(len))?;
    let output = guest.read(data, len)?.to_vec();
    guest.state().output = output;
    Ok(())
}

/// Copies the part of the last return data in `offset..offset + size`; returns how many bytes.
pub(super) fn read_return_data(
    guest: &mut Guest<'_>,
    dest: u32,
    offset: u32,
    size: u32,
) -> Result<u32, Stop> {
    guest.buy_ink(ink::HOST + ink::EVM)?;
    let returned = guest.state().returned.clone();
    guest.buy_ink(ink::write(
        size.min(length(&returned).saturating_sub(offset)),
    ))?;
    let part = overlap(&returned, offset, size);
    if !part.is_empty() {
        guest.write(dest, part)?;
    }
    Ok(length(part))
}

/// The length of the last return data.
pub(super) fn return_data_size(guest: &mut Guest<'_>) -> Result<u32, Stop> {
    guest.buy_ink(ink::HOST)?;
    Ok(length(&guest.state().returned))
}

/// The part of `data` in `offset..offset + size`.
pub(super) fn overlap(data: &[u8], offset: u32, size: u32) -> &[u8] {
    let start = (offset as usize).min(data.len());
    let end = (offset as usize)
        .saturating_add(size as usize)
        .min(data.len());
    &data[start..end]
}
