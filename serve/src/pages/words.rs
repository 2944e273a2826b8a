//! Figures as the pages write them.

use alloy::primitives::{B256, U256};
use book::market::amount::{dollars, units};
use book::market::price::Price;

use super::decimals::grouped;

/// A number with grouped thousands.
pub(crate) fn count(number: u64) -> String {
    units(U256::from(number), 0)
}

/// An amount of a security.
pub(crate) fn tokens(amount: u128, decimals: u8) -> String {
    units(U256::from(amount), decimals)
}

/// Dollars.
pub(crate) fn money(amount: u128) -> String {
    dollars(U256::from(amount))
}

/// A price, with grouped thousands.
pub(crate) fn price(price: Price) -> String {
    grouped(&price.to_string())
}

/// A price that need not be exact, to the hundredth of a cent.
pub(crate) fn rounded(price: Price) -> String {
    let hundredths = price.scaled() / 10u128.pow(14);
    let (whole, rest) = (hundredths / 10_000, hundredths % 10_000);
    let whole = units(U256::from(whole), 0);
    let fraction = format!("{rest:04}");
    let fraction = fraction.strip_suffix("00").unwrap_or(&fraction);
    format!("{whole}.{fraction}")
}

/// The same for a price in a view.
pub(crate) fn rounded_text(text: &str) -> String {
    text.parse().map_or_else(|_| text.to_owned(), rounded)
}

/// The beginning of an id or hash.
pub(crate) fn short(id: B256) -> String {
    book::market::amount::short_id(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_groups_and_their_own_digits() {
        assert_eq!(count(4_711), "4,711");
        assert_eq!(tokens(1_234_500, 3), "1,234.5");
        assert_eq!(money(12_500_000_000), "12,500.00");
        let written = |text: &str| text.parse::<Price>().unwrap();
        assert_eq!(price(written("1234.5")), "1,234.50");
        assert_eq!(price(written("10.123456")), "10.123456");
        assert_eq!(rounded(written("10.123456")), "10.1234");
        assert_eq!(rounded(written("1234.5")), "1,234.50");
    }
}
