//! Permanent storage through the program's cache, and transient storage.

use crate::stylus::{
    host::{Guest, Stop},
    ink,
};

/// Copies the slot `key` to `dest`.
pub(super) fn storage_load_bytes32(guest: &mut Guest<'_>, key: u32, dest: u32) -> Result<(), Stop> {
    guest.buy_ink(ink::HOST + 2 * ink::POINTER)?;
    let evm = ink::to_gas(ink::EVM);
    guest.require_gas(ink::COLD_SLOAD_GAS + ink::CACHE_ACCESS_GAS + evm)?;
    let key = guest.read_u256(key)?;
    let mut gas = guest.state().cache.read_gas();
    let value = if let Some(value) = guest.state().cache.get(key) {
        value
    } else {
        let slot = guest.vm().load(key)?;
        gas += evm
            + if slot.cold {
                ink::COLD_SLOAD_GAS
            } else {
                ink::WARM_GAS
            };
        guest.state().cache.learn(key, slot.value);
        slot.value
    };
    guest.buy_gas(gas)?;
    guest.write_u256(dest, value)
}

/// Writes a slot into the cache; the state sees it at the next flush.
pub(super) fn storage_cache_bytes32(
    guest: &mut Guest<'_>,
    key: u32,
    value: u32,
) -> Result<(), Stop> {
    guest.buy_ink(ink::HOST + 2 * ink::POINTER)?;
    guest.require_gas(ink::SSTORE_SENTRY_GAS + ink::CACHE_ACCESS_GAS)?;
    let key = guest.read_u256(key)?;
    let value = guest.read_u256(value)?;
    let gas = guest.state().cache.write_gas();
    guest.state().cache.set(key, value);
    guest.buy_gas(gas)
}

/// Writes what changed in the cache to the state, and empties the cache if asked to.
pub(super) fn storage_flush_cache(guest: &mut Guest<'_>, clear: u32) -> Result<(), Stop> {
    guest.buy_ink(ink::HOST + ink::EVM)?;
    guest.require_gas(ink::SSTORE_SENTRY_GAS)?;
    let dirty = guest.state().cache.flush(clear != 0);
    if dirty.is_empty() {
        return Ok(());
    }
    guest.require_writable()?;
    for (key, value) in dirty {
        let gas_left = guest.gas_left()?;
        match guest.vm().store(key, value, gas_left)? {
            Some(gas) => guest.buy_gas(gas)?,
            // More than is left: this ends the program.
            None => guest.buy_gas(u64::MAX)?,
        }
    }
    Ok(())
}

/// Copies the transient slot `key` to `dest`.
pub(super) fn transient_load_bytes32(
    guest: &mut Guest<'_>,
    key: u32,
    dest: u32,
) -> Result<(), Stop> {
    guest.buy_ink(ink::HOST + 2 * ink::POINTER + ink::EVM)?;
    guest.buy_gas(ink::WARM_GAS)?;
    let key = guest.read_u256(key)?;
    let value = guest.vm().transient_load(key);
    guest.write_u256(dest, value)
}

/// Writes a transient slot.
pub(super) fn transient_store_bytes32(
    guest: &mut Guest<'_>,
    key: u32,
    value: u32,
) -> Result<(), Stop> {
    guest.buy_ink(ink::HOST + 2 * ink::POINTER + ink::EVM)?;
    guest.buy_gas(ink::WARM_GAS)?;
    let key = guest.read_u256(key)?;
    let value = guest.read_u256(value)?;
    guest.require_writable()?;
    guest.vm().transient_store(key, value);
    Ok(())
}
