//! Hashing.

use crate::stylus::{
    host::{Guest, Stop},
    ink,
};
use revm::primitives::keccak256;

/// Copies the keccak-256 hash of the bytes at `data` to `dest`.
pub(super) fn native_keccak256(
    guest: &mut Guest<'_>,
    data: u32,
    len: u32,
    dest: u32,
) -> Result<(), Stop> {
    guest.buy_ink(ink::keccak(len))?;
    let hash = keccak256(guest.read(data, len)?);
    guest.write(dest, hash.as_slice())
}
