//! Quantities, money, times and addresses as people and programs read them. How people write them, and what that means,
//! is in [`literal`](super::literal).

use alloy::primitives::{Address, B256, U256};
use jiff::Timestamp;

/// Decimal places of the settlement coin (`TsUSDC`, as USDC).
pub const COIN_DECIMALS: u8 = 6;

/// Base units as a decimal without groups or trailing zeros: `1234.5`. The form that programs read, and that a person
/// may type.
pub fn plain(value: U256, decimals: u8) -> String {
    let text = format!(
        "{value:0>width$}",
        value = value.to_string(),
        width = usize::from(decimals) + 1
    );
    let (whole, fraction) = text.split_at(text.len() - usize::from(decimals));
    match fraction.trim_end_matches('0') {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    }
}

/// Like [`plain`], with grouped thousands: `1,234.5`. The form that people read.
pub fn units(value: U256, decimals: u8) -> String {
    let text = plain(value, decimals);
    match text.split_once('.') {
        None => grouped(&text),
        Some((whole, fraction)) => format!("{}.{fraction}", grouped(whole)),
    }
}

/// `TsUSDC` base units as dollars: always with cents, with more digits when there are more.
pub fn dollars(value: U256) -> String {
    cents(units(value, COIN_DECIMALS))
}

/// Like [`dollars`], without groups.
pub fn plain_dollars(value: U256) -> String {
    cents(plain(value, COIN_DECIMALS))
}

/// A decimal with at least two places.
pub fn cents(text: String) -> String {
    match text.split_once('.') {
        None => format!("{text}.00"),
        Some((_, fraction)) if fraction.len() == 1 => format!("{text}0"),
        Some(_) => text,
    }
}

fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Unix seconds as a date and time in UTC.
pub fn time(seconds: u64) -> String {
    instant(seconds).map_or_else(
        || format!("second {seconds}"),
        |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

/// Unix seconds as a date in UTC.
pub fn date(seconds: u64) -> String {
    instant(seconds).map_or_else(
        || format!("second {seconds}"),
        |at| at.strftime("%Y-%m-%d").to_string(),
    )
}

fn instant(seconds: u64) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
}

/// `0x12ab…cd34`: enough to recognise an address, not to use it.
pub fn short_address(address: Address) -> String {
    let text = address.to_string();
    format!("{}…{}", &text[..6], &text[text.len() - 4..])
}

/// `0x12ab34cd…`: the beginning of an order id or hash, which commands also accept.
pub fn short_id(id: B256) -> String {
    format!("{}…", &id.to_string()[..10])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::literal::decimal;
    use super::*;

    #[test]
    fn quantities_are_exact_with_groups_for_people_and_without_for_programs() {
        for (base, decimals, people, programs) in [
            (1_234_500_000_u64, 6, "1,234.5", "1234.5"),
            (1, 6, "0.000001", "0.000001"),
            (7, 0, "7", "7"),
            (0, 6, "0", "0"),
            (1_234_567, 0, "1,234,567", "1234567"),
        ] {
            assert_eq!(units(U256::from(base), decimals), people);
            assert_eq!(plain(U256::from(base), decimals), programs);
        }
    }

    #[test]
    fn dollars_have_cents() {
        assert_eq!(dollars(U256::from(1_500_000)), "1.50");
        assert_eq!(dollars(U256::from(1_000_000_000_000_u64)), "1,000,000.00");
        assert_eq!(dollars(U256::from(1_234_567)), "1.234567");
        assert_eq!(
            plain_dollars(U256::from(1_000_000_000_000_u64)),
            "1000000.00"
        );
    }

    #[test]
    fn times_are_utc_and_never_fail() {
        assert_eq!(time(1_735_689_600), "2025-01-01 00:00:00 UTC");
        assert_eq!(date(u64::MAX), format!("second {}", u64::MAX));
    }

    #[test]
    fn short_forms_keep_both_ends() {
        assert_eq!(short_address(Address::ZERO), "0x0000…0000");
        assert_eq!(short_id(B256::repeat_byte(0xab)), "0xabababab…");
    }

    proptest! {
        #[test]
        fn what_programs_read_is_a_literal_of_the_same_value(limbs in any::<[u64; 4]>(), decimals in 0u8..40) {
            let value = U256::from_limbs(limbs);
            prop_assert_eq!(decimal::amount(&plain(value, decimals), decimals), Ok(value));
        }

        #[test]
        fn what_people_read_is_a_literal_of_the_same_value_or_refused(value in any::<u64>(), decimals in 0u8..8) {
            let value = U256::from(value);
            match decimal::amount(&units(value, decimals), decimals) {
                Ok(read) => prop_assert_eq!(read, value),
                Err(decimal::NumberError::Ambiguous { readings, .. }) => {
                    prop_assert_eq!(&readings[0], &plain(value, decimals));
                }
                Err(other) => prop_assert!(false, "{}", other),
            }
        }
    }
}
