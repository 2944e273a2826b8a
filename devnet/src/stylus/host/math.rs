//! 256-bit arithmetic with the EVM's semantics; the result replaces the first operand.

use crate::stylus::{
    host::{Guest, Stop},
    ink,
};

/// `value / divisor`, 0 for a divisor of 0.
pub(super) fn math_div(guest: &mut Guest<'_>, value: u32, divisor: u32) -> Result<(), Stop> {
    guest.buy_ink(ink::HOST + 3 * ink::POINTER + ink::DIV)?;
    let (a, b) = (guest.read_u256(value)?, guest.read_u256(divisor)?);
    guest.write_u256(value, a.checked_div(b).unwrap_or_default())
}

/// `value % modulus`, 0 for a modulus of 0.
pub(super) fn math_mod(guest: &mut Guest<'_>, value: u32, modulus: u32) -> Result<(), Stop> {
    guest.buy_ink(ink::HOST + 3 * ink::POINTER + ink::DIV)?;
    let (a, b) = (guest.read_u256(value)?, guest.read_u256(modulus)?);
    guest.write_u256(value, a.checked_rem(b).unwrap_or_default())
}

/// `value ** exponent`, modulo 2^256.
pub(super) fn math_pow(guest: &mut Guest<'_>, value: u32, exponent: u32) -> Result<(), Stop> {
    guest.buy_ink(ink::HOST + 3 * ink::POINTER)?;
    let (a, b) = (guest.read_u256(value)?, guest.read_u256(exponent)?);
    guest.buy_ink(ink::pow(b))?;
    guest.write_u256(value, a.wrapping_pow(b))
}

/// `(value + addend) % modulus` without overflow, 0 for a modulus of 0.
pub(super) fn math_add_mod(
    guest: &mut Guest<'_>,
    value: u32,
    addend: u32,
    modulus: u32,
) -> Result<(), Stop> {
    guest.buy_ink(ink::HOST + 4 * ink::POINTER + ink::ADD_MOD)?;
    let (a, b, c) = (
        guest.read_u256(value)?,
        guest.read_u256(addend)?,
        guest.read_u256(modulus)?,
    );
    guest.write_u256(value, a.add_mod(b, c))
}

/// `(value * factor) % modulus` without overflow, 0 for a modulus of 0.
pub(super) fn math_mul_mod(
    guest: &mut Guest<'_>,
    value: u32,
    factor: u32,
    modulus: u32,
) -> Result<(), Stop> {
    guest.buy_ink(ink::HOST + 4 * ink::POINTER + ink::MUL_MOD)?;
    let (a, b, c) = (
        guest.read_u256(value)?,
        guest.read_u256(factor)?,
        guest.read_u256(modulus)?,
    );
    guest.write_u256(value, a.mul_mod(b, c))
}
