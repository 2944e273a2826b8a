//! Decimal numbers: amounts of a token, dollars, prices, percentages, counts.
//!
//! ```text
//! number   = whole [ "." digit+ ]
//! whole    = digit+                                    1234
//!          | group ( "_" three )+                      1_234      1_234_567
//!          | group ( "," three )+   before a "."       1,234.5
//!          | group ( "," three ){2,}                   1,234,567
//! group    = one to three digits, the first of them not 0
//! ```
//!
//! A comma counts as a group mark only where it cannot be a decimal comma. `1,234` alone could be either and is refused,
//! as is `24,35`; the refusal names what would be accepted.

use alloy::primitives::U256;

use super::{either, shown};
use crate::market::amount::COIN_DECIMALS;

/// The longest text that is read: a U256 has 78 digits.
const LONGEST: usize = 128;
/// Marks that people put between groups of digits; only `_` and `,` are ever accepted.
const GROUP_MARKS: [char; 9] = [
    ',', '.', '_', ' ', '\'', '’', '\u{a0}', '\u{2009}', '\u{202f}',
];

/// Why a text is not accepted as a number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// It has one or more meanings, but is not written so that it has only one.
    #[error("`{text}`: write {}", either(.readings))]
    Ambiguous {
        /// As typed.
        text: String,
        /// How each possible meaning is written.
        readings: Vec<String>,
    },
    /// Not a number in any notation.
    #[error("`{0}` is not a number: write digits, with '.' before decimals, such as 1234.5")]
    NotANumber(String),
    /// More decimal places than the token has.
    #[error("`{text}` has too many decimal places: {}", most(*.places))]
    TooFine {
        /// As typed.
        text: String,
        /// The most that is possible.
        places: u8,
    },
    /// Too large to fit.
    #[error("`{0}` is too large")]
    TooLarge(String),
}

fn most(places: u8) -> String {
    match places {
        0 => "write a whole number".to_owned(),
        1 => "write at most 1 decimal place".to_owned(),
        places => format!("write at most {places} decimal places"),
    }
}

/// Base units of an amount of a token with that many decimal places.
///
/// # Errors
/// Every [`NumberError`].
pub fn amount(text: &str, decimals: u8) -> Result<U256, NumberError> {
    let text = text.trim();
    let Some((whole, fraction)) = parts(text) else {
        return Err(refused(text, decimals));
    };
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > usize::from(decimals) {
        return Err(NumberError::TooFine {
            text: shown(text),
            places: decimals,
        });
    }
    scaled(whole, fraction, decimals).ok_or_else(|| NumberError::TooLarge(shown(text)))
}

/// Base units of the coin for an amount in dollars; a `$` may come first.
///
/// # Errors
/// As [`amount`].
pub fn dollars(text: &str) -> Result<U256, NumberError> {
    let text = text.trim();
    amount(text.strip_prefix('$').unwrap_or(text), COIN_DECIMALS)
}

/// A whole number: a count, a code, base units.
///
/// # Errors
/// As [`amount`]; `TooLarge` where it does not fit the type.
pub fn whole<T: TryFrom<U256>>(text: &str) -> Result<T, NumberError> {
    T::try_from(amount(text, 0)?).map_err(|_| NumberError::TooLarge(shown(text.trim())))
}

/// Basis points: a whole number of them, or a percentage with at most two decimal places, as `12.5%`.
///
/// # Errors
/// As [`amount`]; `TooLarge` above 100 %.
pub fn basis_points(text: &str) -> Result<u16, NumberError> {
    let text = text.trim();
    let value = match text.strip_suffix('%') {
        Some(percent) => amount(percent, 2)?,
        None => amount(text, 0)?,
    };
    match u16::try_from(value) {
        Ok(bips) if bips <= 10_000 => Ok(bips),
        _ => Err(NumberError::TooLarge(shown(text))),
    }
}

/// The digits before the point, with their group marks, and those after it; `None` unless they follow the grammar.
fn parts(text: &str) -> Option<(&str, &str)> {
    if text.len() > LONGEST {
        return None;
    }
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) if digits(fraction) => (whole, fraction),
        Some(_) => return None,
        None => (text, ""),
    };
    let accepted = digits(whole)
        || grouped(whole, '_', 2)
        || grouped(whole, ',', if fraction.is_empty() { 3 } else { 2 });
    accepted.then_some((whole, fraction))
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// At least that many groups: the first of one to three digits and not beginning with 0, the others of three.
fn grouped(text: &str, mark: char, least: usize) -> bool {
    let mut groups = text.split(mark);
    let first = groups.next().unwrap_or_default();
    let mut count = 1;
    let full = groups.all(|group| {
        count += 1;
        group.len() == 3 && digits(group)
    });
    full && count >= least && digits(first) && first.len() <= 3 && !first.starts_with('0')
}

/// The number times 10^decimals; `None` above 2^256 - 1. The fraction has at most `decimals` digits.
fn scaled(whole: &str, fraction: &str, decimals: u8) -> Option<U256> {
    const CHUNK: u64 = 10u64.pow(18);
    let zeros = usize::from(decimals).saturating_sub(fraction.len());
    let figures = whole.bytes().filter(u8::is_ascii_digit);
    let figures = figures.chain(fraction.bytes());
    let figures = figures.chain(std::iter::repeat_n(b'0', zeros));
    let (mut value, mut chunk, mut scale) = (U256::ZERO, 0, 1);
    for figure in figures {
        chunk = chunk * 10 + u64::from(figure - b'0');
        scale *= 10;
        if scale == CHUNK {
            value = value.checked_mul(U256::from(scale))?;
            value = value.checked_add(U256::from(chunk))?;
            (chunk, scale) = (0, 1);
        }
    }
    value
        .checked_mul(U256::from(scale))?
        .checked_add(U256::from(chunk))
}

/// The error for a text that does not follow the grammar.
fn refused(text: &str, decimals: u8) -> NumberError {
    if text.len() > LONGEST {
        return if digits(text) {
            NumberError::TooLarge(shown(text))
        } else {
            NumberError::NotANumber(shown(text))
        };
    }
    let readings = readings(text, decimals);
    let text = shown(text);
    if readings.is_empty() {
        NumberError::NotANumber(text)
    } else {
        NumberError::Ambiguous { text, readings }
    }
}

/// Every number that the text is in some notation in use, as it is written here; whole numbers first.
fn readings(text: &str, decimals: u8) -> Vec<String> {
    let mut found = Vec::new();
    for mark in [None, Some('.'), Some(',')] {
        let (whole, fraction) = match mark {
            None => (text, ""),
            Some(mark) => match text.split_once(mark) {
                Some((whole, fraction)) if !fraction.contains(mark) => (whole, fraction),
                _ => continue,
            },
        };
        let bare = mark.is_some() && whole.is_empty() != fraction.is_empty();
        if !(digits(fraction) || fraction.is_empty() && (mark.is_none() || bare)) {
            continue;
        }
        let marks = GROUP_MARKS.iter().filter(|group| Some(**group) != mark);
        let known = digits(whole)
            || whole.is_empty() && bare
            || marks.clone().any(|group| grouped(whole, *group, 2))
            || mark != Some(',') && lakhs(whole);
        let fraction = fraction.trim_end_matches('0');
        if !known || fraction.len() > usize::from(decimals) {
            continue;
        }
        let plain: String = whole.chars().filter(char::is_ascii_digit).collect();
        let plain = match plain.trim_start_matches('0') {
            "" => "0",
            figures => figures,
        };
        let reading = match fraction {
            "" => plain.to_owned(),
            fraction => format!("{plain}.{fraction}"),
        };
        if !found.contains(&reading) {
            found.push(reading);
        }
    }
    found
}

/// Indian groups: three digits at the end, two in each group before.
fn lakhs(text: &str) -> bool {
    let Some((head, last)) = text.rsplit_once(',') else {
        return false;
    };
    let mut groups = head.split(',');
    let first = groups.next().unwrap_or_default();
    let first = digits(first) && first.len() <= 2 && !first.starts_with('0');
    let rest: Vec<&str> = groups.collect();
    let pairs = rest.iter().all(|group| group.len() == 2 && digits(group));
    first && !rest.is_empty() && pairs && last.len() == 3 && digits(last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn millionths(text: &str) -> Option<u64> {
        amount(text, 6).ok().map(|value| value.to())
    }

    fn said(text: &str) -> String {
        amount(text, 6).unwrap_err().to_string()
    }

    #[test]
    fn digits_a_point_and_full_groups_are_taken() {
        for (text, value) in [
            ("0", 0),
            ("7", 7_000_000),
            ("0.000001", 1),
            ("24.35", 24_350_000),
            ("24.350000000", 24_350_000),
            ("007", 7_000_000),
            ("1_234", 1_234_000_000),
            ("12_345_678.5", 12_345_678_500_000),
            ("1,234.5", 1_234_500_000),
            ("1,234,567", 1_234_567_000_000),
            (" 10 ", 10_000_000),
        ] {
            assert_eq!(millionths(text), Some(value), "{text}");
        }
    }

    #[test]
    fn a_comma_that_may_be_a_decimal_comma_is_refused_with_every_reading() {
        for (text, words) in [
            ("24,350", "`24,350`: write 24350 or 24.35"),
            ("24,35", "`24,35`: write 24.35"),
            ("1,000", "`1,000`: write 1000 or 1"),
            ("2,500", "`2,500`: write 2500 or 2.5"),
            ("1,234", "`1,234`: write 1234 or 1.234"),
            ("1.355,90", "`1.355,90`: write 1355.9"),
            ("1.000,50", "`1.000,50`: write 1000.5"),
            ("2250,5", "`2250,5`: write 2250.5"),
            ("1500,75", "`1500,75`: write 1500.75"),
            ("2,5", "`2,5`: write 2.5"),
            ("12,34", "`12,34`: write 12.34"),
            ("0,500", "`0,500`: write 0.5"),
            ("1,00,000", "`1,00,000`: write 100000"),
            ("12,34,567.5", "`12,34,567.5`: write 1234567.5"),
            ("1_234,5", "`1_234,5`: write 1234.5"),
            ("1_234,567", "`1_234,567`: write 1234.567"),
            ("1,234.", "`1,234.`: write 1234"),
            ("1.234.567", "`1.234.567`: write 1234567"),
            ("1'000.5", "`1'000.5`: write 1000.5"),
            ("1 000,5", "`1 000,5`: write 1000.5"),
            ("1\u{202f}000", "`1\\u{202f}000`: write 1000"),
            (".5", "`.5`: write 0.5"),
            (",5", "`,5`: write 0.5"),
            ("24,", "`24,`: write 24"),
            ("1.", "`1.`: write 1"),
        ] {
            assert_eq!(said(text), words);
        }
    }

    #[test]
    fn a_reading_that_the_token_cannot_have_is_not_offered() {
        let words = |text, decimals| amount(text, decimals).unwrap_err().to_string();
        assert_eq!(words("2,500", 0), "`2,500`: write 2500");
        assert_eq!(words("24,350", 1), "`24,350`: write 24350");
        assert_eq!(
            words("2,5", 0),
            "`2,5` is not a number: write digits, with '.' before decimals, such as 1234.5"
        );
    }

    #[test]
    fn what_is_no_number_anywhere_is_refused() {
        for text in [
            "",
            ".",
            ",",
            "x",
            "-1",
            "+1",
            "1e3",
            "0x10",
            "1.2.3",
            "1,,0",
            "1,2,3",
            "1_0,0",
            "1_0",
            "_1",
            "1_",
            "1__000",
            "1,234_567",
            "0,123,456",
            "1.234_5",
            "½",
            "١٢",
            "1234,567.8",
            "1,2345.6",
            "NaN",
            "∞",
        ] {
            let refused = amount(text, 6);
            assert!(
                matches!(refused, Err(NumberError::NotANumber(_))),
                "{text}: {refused:?}"
            );
        }
    }

    #[test]
    fn what_is_too_fine_or_too_large_is_refused() {
        assert_eq!(
            said("1.0000001"),
            "`1.0000001` has too many decimal places: write at most 6 decimal places"
        );
        assert_eq!(
            amount("1.5", 0).unwrap_err().to_string(),
            "`1.5` has too many decimal places: write a whole number"
        );
        assert_eq!(amount("1.5000", 1), Ok(U256::from(15)));
        let most = U256::MAX.to_string();
        assert_eq!(amount(&most, 0), Ok(U256::MAX));
        for text in [format!("{most}0"), "9".repeat(78), "9".repeat(200)] {
            assert!(matches!(amount(&text, 0), Err(NumberError::TooLarge(_))));
        }
        assert!(matches!(amount(&most, 1), Err(NumberError::TooLarge(_))));
        assert_eq!(whole::<u8>("255"), Ok(255));
        assert!(matches!(whole::<u8>("256"), Err(NumberError::TooLarge(_))));
        assert_eq!(
            whole::<u32>("1,000").unwrap_err().to_string(),
            "`1,000`: write 1000 or 1"
        );
    }

    #[test]
    fn dollars_may_have_their_sign() {
        assert_eq!(dollars("$24.35"), Ok(U256::from(24_350_000)));
        assert_eq!(dollars("24.35"), Ok(U256::from(24_350_000)));
        assert!(dollars("$$24.35").is_err());
        assert_eq!(
            dollars("$1500,75").unwrap_err().to_string(),
            "`1500,75`: write 1500.75"
        );
    }

    #[test]
    fn a_percentage_is_a_whole_number_of_basis_points() {
        for (text, bips) in [
            ("500", 500),
            ("5%", 500),
            ("12.5 %", 1_250),
            ("0.01%", 1),
            ("100%", 10_000),
        ] {
            assert_eq!(basis_points(text), Ok(bips), "{text}");
        }
        for text in ["12,5%", "0.001%", "100.01%", "10001", "%", "5%%", "-1%"] {
            assert!(basis_points(text).is_err(), "{text}");
        }
    }

    /// Independent of the parser: the value of a text for somebody whose decimal mark is the comma, with any of the
    /// other marks between groups of three.
    fn comma_reading(text: &str) -> Option<String> {
        let (whole, fraction) = text.split_once(',')?;
        if fraction.is_empty() || !fraction.chars().all(|c| c.is_ascii_digit()) {
            return None;
        }
        let mark = whole.chars().find(|c| !c.is_ascii_digit());
        let groups: Vec<&str> = match mark {
            Some(mark) => whole.split(mark).collect(),
            None => vec![whole],
        };
        let ends_full = groups.iter().skip(1).all(|group| group.len() == 3);
        let numeric = groups.iter().all(|g| g.chars().all(|c| c.is_ascii_digit()));
        (ends_full && numeric).then(|| format!("{}.{fraction}", groups.concat()))
    }

    /// A value as digits and a point, written without the code under test.
    fn plain(value: U256, decimals: usize) -> String {
        let figures = format!("{:0>width$}", value.to_string(), width = decimals + 1);
        let (whole, fraction) = figures.split_at(figures.len() - decimals);
        if fraction.is_empty() {
            whole.to_owned()
        } else {
            format!("{whole}.{fraction}")
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn whatever_is_accepted_prints_back_to_the_same_value(text in "[0-9,._ ]{1,12}", decimals in 0u8..8) {
            if let Ok(value) = amount(&text, decimals) {
                prop_assert_eq!(amount(&plain(value, decimals.into()), decimals), Ok(value));
            }
        }

        #[test]
        fn every_value_can_be_written(value in any::<[u64; 4]>(), decimals in 0u8..40) {
            let value = U256::from_limbs(value);
            prop_assert_eq!(amount(&plain(value, decimals.into()), decimals), Ok(value));
        }

        #[test]
        fn no_accepted_text_has_a_reading_with_a_decimal_comma(text in "[0-9]{1,4}([,._' ][0-9]{1,4}){1,3}") {
            if amount(&text, 18).is_ok() {
                prop_assert_eq!(comma_reading(&text), None, "{}", text);
            }
        }

        #[test]
        fn every_offered_reading_is_accepted(text in "[0-9]{0,4}([,._' ][0-9]{0,4}){1,3}", decimals in 0u8..8) {
            if let Err(NumberError::Ambiguous { readings, .. }) = amount(&text, decimals) {
                prop_assert!(!readings.is_empty());
                for reading in readings {
                    prop_assert!(amount(&reading, decimals).is_ok(), "{} offers {}", text, reading);
                }
            }
        }

        #[test]
        fn no_text_is_too_much(text in "\\PC*", decimals in 0u8..=77) {
            let _ = amount(&text, decimals);
            let _ = basis_points(&text);
        }
    }
}
