//! Ink, memory and the end of the program.

use crate::stylus::{
    host::{Guest, Stop},
    ink,
};

/// Whole gas left after paying for this.
pub(super) fn evm_gas_left(guest: &mut Guest<'_>) -> Result<u64, Stop> {
    guest.buy_ink(ink::HOST)?;
    guest.gas_left()
}

/// Ink left after paying for this.
pub(super) fn evm_ink_left(guest: &mut Guest<'_>) -> Result<u64, Stop> {
    guest.buy_ink(ink::HOST)?;
    guest.ink_left()
}

/// Ends the program as if its entry point had returned `status`.
pub(super) fn exit_early(_: &mut Guest<'_>, status: u32) -> Result<(), Stop> {
    Err(Stop::Exit(status))
}

/// Pays for pages; the meter calls it before `memory.grow`. Called without a `memory.grow`, it wastes
/// gas.
pub(super) fn pay_for_memory_grow(guest: &mut Guest<'_>, pages: u32) -> Result<(), Stop> {
    let pages = if guest.environment().short_page_counts {
        // `memory.grow` itself then fails: no memory has that many.
        pages & u32::from(u16::MAX)
    } else {
        pages
    };
    if pages == 0 {
        return guest.buy_ink(ink::HOST);
    }
    let gas = u16::try_from(pages).map_or(u64::MAX, |pages| guest.vm().add_pages(pages));
    guest.buy_gas(gas)
}
