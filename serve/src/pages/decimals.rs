//! Decimal numbers that are already text, with grouped digits.

use book::market::amount::cents;

use super::words::count;

/// The number with grouped thousands; text that is not a number is returned unchanged.
pub(super) fn grouped(text: &str) -> String {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let Ok(whole) = whole.parse::<u64>() else {
        return text.to_owned();
    };
    if fraction.is_empty() {
        count(whole)
    } else {
        format!("{}.{fraction}", count(whole))
    }
}

/// The same as dollars: at least two decimal places.
pub(super) fn dollars(text: &str) -> String {
    cents(grouped(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_kept_and_thousands_grouped() {
        assert_eq!(grouped("12500.125"), "12,500.125");
        assert_eq!(grouped("1000"), "1,000");
        assert_eq!(grouped("many"), "many");
        let written = ["1035", "2.5", "2.5875"].map(dollars);
        assert_eq!(written, ["1,035.00", "2.50", "2.5875"]);
    }
}
