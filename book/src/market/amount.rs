//! Quantities, money, times and addresses as people read them; and quantities as they type them.

use alloy::primitives::{Address, B256, U256};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Decimal places of the settlement coin (`TsUSDC`, as USDC).
pub const COIN_DECIMALS: u8 = 6;

/// A text that is no quantity of a token with that many decimals.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum QuantityError {
    /// Not a decimal number.
    #[error("'{0}' is no quantity: write digits, with '.' before decimals")]
    Malformed(String),
    /// Finer than a base unit.
    #[error("'{text}' has more than the token's {decimals} decimals")]
    TooFine {
        /// As typed.
        text: String,
        /// The token's decimals.
        decimals: u8,
    },
    /// Above 2^256 - 1.
    #[error("'{0}' is too large")]
    TooLarge(String),
}

/// Base units of a decimal quantity; commas or underscores may group its digits.
///
/// # Errors
/// `Malformed`, `TooFine`, `TooLarge`.
pub fn parse_units(text: &str, decimals: u8) -> Result<U256, QuantityError> {
    let plain: String = text
        .trim()
        .chars()
        .filter(|c| !matches!(c, ',' | '_'))
        .collect();
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let digits = |s: &str| s.chars().all(|c| c.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return Err(QuantityError::Malformed(text.to_string()));
    }
    let fraction = fraction.trim_end_matches('0');
    let places = usize::from(decimals);
    if fraction.len() > places {
        return Err(QuantityError::TooFine {
            text: text.to_string(),
            decimals,
        });
    }
    U256::from_str_radix(&format!("{whole}{fraction:0<places$}"), 10)
        .map_err(|_| QuantityError::TooLarge(text.to_string()))
}

/// Base units as a decimal with grouped thousands and no trailing zeros: `1,234.5`.
pub fn units(value: U256, decimals: u8) -> String {
    let text = format!(
        "{value:0>width$}",
        value = value.to_string(),
        width = usize::from(decimals) + 1
    );
    let (whole, fraction) = text.split_at(text.len() - usize::from(decimals));
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() {
        grouped(whole)
    } else {
        format!("{}.{fraction}", grouped(whole))
    }
}

/// `TsUSDC` base units as dollars: always with cents, with more digits when there are more.
pub fn dollars(value: U256) -> String {
    let text = units(value, COIN_DECIMALS);
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

/// Unix seconds of what a person writes: a date (its first second in UTC), RFC 3339, or unix seconds.
///
/// # Errors
/// What is accepted, in words.
pub fn parse_time(text: &str) -> Result<u64, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    let day = |text: &str| {
        let zoned = text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok()?;
        Some(zoned.timestamp())
    };
    let at = text.parse::<Timestamp>().ok().or_else(|| day(text));
    at.and_then(|at| u64::try_from(at.as_second()).ok())
        .ok_or_else(|| "write a date (2030-01-31), RFC 3339 or unix seconds".to_string())
}

fn instant(seconds: u64) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
}

/// `0x12ab…cd34`: enough to recognise an address, not to use it.
pub fn short_address(address: Address) -> String {
    let text = address.to_string();
    format!("{}…{}", &text[..6], &text[text.len() - 4..])
}

/// `0x12ab34cd…`: the beginning of an order id or hash, which commands accept as well.
pub fn short_id(id: B256) -> String {
    format!("{}…", &id.to_string()[..10])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_read_back_what_was_written() {
        for (text, decimals, base) in [
            ("1,234.5", 6, 1_234_500_000_u64),
            ("0.000001", 6, 1),
            ("7", 0, 7),
            ("0", 6, 0),
        ] {
            let value = parse_units(text, decimals).unwrap();
            assert_eq!(value, U256::from(base));
            assert_eq!(units(value, decimals), text);
        }
    }

    #[test]
    fn a_quantity_finer_than_a_base_unit_is_refused() {
        assert_eq!(
            parse_units("1.0000001", 6),
            Err(QuantityError::TooFine {
                text: "1.0000001".into(),
                decimals: 6
            })
        );
        assert_eq!(parse_units("1.5000", 1), Ok(U256::from(15)));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "x", "-1", "1e3", ".5", "1.2.3", "0x10"] {
            assert!(
                matches!(parse_units(text, 6), Err(QuantityError::Malformed(_))),
                "{text}"
            );
        }
        assert!(matches!(
            parse_units(&"9".repeat(80), 6),
            Err(QuantityError::TooLarge(_))
        ));
    }

    #[test]
    fn dollars_have_cents() {
        assert_eq!(dollars(U256::from(1_500_000)), "1.50");
        assert_eq!(dollars(U256::from(1_000_000_000_000_u64)), "1,000,000.00");
        assert_eq!(dollars(U256::from(1_234_567)), "1.234567");
    }

    #[test]
    fn times_are_utc_and_never_fail() {
        assert_eq!(time(1_735_689_600), "2025-01-01 00:00:00 UTC");
        assert_eq!(date(u64::MAX), format!("second {}", u64::MAX));
    }

    #[test]
    fn a_time_is_a_date_an_instant_or_unix_seconds() {
        for text in ["1735689600", "2025-01-01", "2025-01-01T01:00:00+01:00"] {
            assert_eq!(parse_time(text), Ok(1_735_689_600), "{text}");
        }
        for text in ["", "soon", "-1", "1960-01-01", "2025-13-01"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn short_forms_keep_both_ends() {
        assert_eq!(short_address(Address::ZERO), "0x0000…0000");
        assert_eq!(short_id(B256::repeat_byte(0xab)), "0xabababab…");
    }
}
