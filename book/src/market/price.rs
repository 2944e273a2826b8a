//! Prices in US dollars per whole security token, and the exact cash total they give.
//!
//! The chain knows only totals in base units of the coin. A price is accepted only when the total it gives for the
//! quantity is a whole number of base units, so that nothing is ever rounded at somebody's expense.

use std::fmt;
use std::str::FromStr;

use alloy::primitives::U256;
use serde::{Deserialize, Serialize};

use super::amount::COIN_DECIMALS;
use super::literal::decimal::{self, NumberError};

/// Decimal places of a price.
pub(crate) const PRICE_DECIMALS: u8 = 18;
/// A dollar, scaled as a price is.
const UNIT: u128 = 10u128.pow(PRICE_DECIMALS as u32);
/// The most decimal places a security may have.
pub(crate) const MAX_SECURITY_DECIMALS: u8 = 36;

/// US dollars per whole security token, exact to eighteen decimal places, never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Price(u128);

/// Why a price, or the total it should give, is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// The text is not accepted as a number.
    #[error(transparent)]
    Number(#[from] NumberError),
    /// The price is above 2^128 / 10^18.
    #[error("price {0} does not fit 128 bits at 18 decimal places: write fewer digits")]
    TooLarge(String),
    /// Zero is not a price.
    #[error("price is zero: write dollars per whole token, such as 10.35")]
    Zero,
    /// The quantity is zero.
    #[error("quantity is zero: give at least one base unit of the security")]
    ZeroQuantity,
    /// The security's decimal places are beyond what prices can express.
    #[error("a security with {0} decimal places cannot be priced: at most 36 are supported")]
    Decimals(u8),
    /// Price times quantity is not a whole number of the coin's base units.
    #[error("price {price} for {quantity} base units does not give a whole number of coin base units: {}",
        nearest(below.as_ref(), above.as_ref()))]
    NotWhole {
        /// The price as given.
        price: Price,
        /// Security base units.
        quantity: u128,
        /// The highest price below it that gives a whole total.
        below: Option<Price>,
        /// The lowest price above it that gives a whole total.
        above: Option<Price>,
    },
    /// The total is above 2^128 - 1 base units.
    #[error("price {price} for {quantity} base units exceeds the largest total of an order")]
    TotalTooLarge {
        /// The price as given.
        price: Price,
        /// Security base units.
        quantity: u128,
    },
    /// A signed total has no price with at most eighteen decimal places.
    #[error("total {total} for {quantity} base units does not have an exact price: {}",
        nearest(below.as_ref(), above.as_ref()))]
    NoExactPrice {
        /// Coin base units.
        total: u128,
        /// Security base units.
        quantity: u128,
        /// The highest price below it that gives a whole total.
        below: Option<Price>,
        /// The lowest price above it that gives a whole total.
        above: Option<Price>,
    },
}

fn nearest(below: Option<&Price>, above: Option<&Price>) -> String {
    match (below, above) {
        (Some(below), Some(above)) => format!("the nearest that do are {below} and {above}"),
        (Some(only), None) | (None, Some(only)) => format!("the nearest that does is {only}"),
        (None, None) => "none does for this quantity".to_owned(),
    }
}

impl Price {
    /// The price as a whole number of 10^-18 dollars.
    pub fn scaled(self) -> u128 {
        self.0
    }

    /// The price of `scaled` times 10^-18 dollars; `None` for zero.
    pub fn from_scaled(scaled: u128) -> Option<Self> {
        (scaled != 0).then_some(Self(scaled))
    }

    /// The coin's base units for `quantity` base units of a security with `decimals` decimal places.
    ///
    /// # Errors
    /// [`PriceError::Decimals`], [`PriceError::ZeroQuantity`], [`PriceError::NotWhole`],
    /// [`PriceError::TotalTooLarge`].
    pub fn total(self, quantity: u128, decimals: u8) -> Result<u128, PriceError> {
        let unit = unit(quantity, decimals)?;
        // Two factors below 2^128: the product fits 256 bits.
        let product = U256::from(self.0).wrapping_mul(U256::from(quantity));
        let (total, rest) = product.div_rem(unit);
        if !rest.is_zero() {
            let (below, above) = neighbours(product, quantity, unit);
            return Err(PriceError::NotWhole {
                price: self,
                quantity,
                below,
                above,
            });
        }
        u128::try_from(total).map_err(|_| PriceError::TotalTooLarge {
            price: self,
            quantity,
        })
    }

    /// The price at which `quantity` base units cost exactly `total` coin base units.
    ///
    /// # Errors
    /// [`PriceError::Decimals`], [`PriceError::ZeroQuantity`], [`PriceError::Zero`],
    /// [`PriceError::NoExactPrice`], [`PriceError::TooLarge`].
    pub fn of(total: u128, quantity: u128, decimals: u8) -> Result<Self, PriceError> {
        let unit = unit(quantity, decimals)?;
        if total == 0 {
            return Err(PriceError::Zero);
        }
        let too_large = || PriceError::TooLarge(format!("of total {total} for {quantity}"));
        let product = U256::from(total).checked_mul(unit).ok_or_else(too_large)?;
        let (scaled, rest) = product.div_rem(U256::from(quantity));
        if !rest.is_zero() {
            let (below, above) = neighbours(product, quantity, unit);
            return Err(PriceError::NoExactPrice {
                total,
                quantity,
                below,
                above,
            });
        }
        u128::try_from(scaled).map(Self).map_err(|_| too_large())
    }
}

impl Price {
    /// Like [`Self::of`], rounded down to eighteen places; `None` where it is zero or does not fit. For display only.
    pub fn rounded_down(total: u128, quantity: u128, decimals: u8) -> Option<Self> {
        let product = U256::from(total).checked_mul(unit(quantity, decimals).ok()?)?;
        u128::try_from(product / U256::from(quantity))
            .ok()
            .and_then(Self::from_scaled)
    }
}

/// 10^(18 + decimals - 6): scaled price times quantity, divided by this, is the total.
fn unit(quantity: u128, decimals: u8) -> Result<U256, PriceError> {
    if decimals > MAX_SECURITY_DECIMALS {
        return Err(PriceError::Decimals(decimals));
    }
    if quantity == 0 {
        return Err(PriceError::ZeroQuantity);
    }
    Ok(U256::from(10).pow(U256::from(PRICE_DECIMALS - COIN_DECIMALS + decimals)))
}

/// The prices next to `product / quantity` whose totals are whole: the multiples of unit / gcd(quantity, unit).
fn neighbours(product: U256, quantity: u128, unit: U256) -> (Option<Price>, Option<Price>) {
    let quantity = U256::from(quantity);
    let step = unit / quantity.gcd(unit);
    let exact = product / quantity;
    let below = exact / step * step;
    let price = |scaled: U256| u128::try_from(scaled).ok().and_then(Price::from_scaled);
    (price(below), below.checked_add(step).and_then(price))
}

impl FromStr for Price {
    type Err = PriceError;

    fn from_str(text: &str) -> Result<Self, PriceError> {
        let text = text.trim();
        let number = text.strip_prefix('$').unwrap_or(text);
        let scaled = decimal::amount(number, PRICE_DECIMALS)?;
        let scaled =
            u128::try_from(scaled).map_err(|_| NumberError::TooLarge(number.to_owned()))?;
        Self::from_scaled(scaled).ok_or(PriceError::Zero)
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:018}", self.0 % UNIT);
        let fraction = fraction.trim_end_matches('0');
        // Dollars are shown with cents: 10.30, not 10.3; never fewer digits than the price has.
        f.pad(&format!("{}.{fraction:0<2}", self.0 / UNIT))
    }
}

impl TryFrom<String> for Price {
    type Error = PriceError;

    fn try_from(text: String) -> Result<Self, PriceError> {
        text.parse()
    }
}

impl From<Price> for String {
    fn from(price: Price) -> Self {
        price.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TOKEN: u128 = 1_000_000_000_000_000_000;

    fn price(text: &str) -> Price {
        text.parse().unwrap()
    }

    #[test]
    fn a_price_gives_the_exact_total() {
        assert_eq!(price("10.35").total(100 * TOKEN, 18), Ok(1_035_000_000));
        assert_eq!(price("10.35").total(100, 0), Ok(1_035_000_000));
        assert_eq!(price("0.000001").total(1, 0), Ok(1));
    }

    #[test]
    fn the_price_of_a_midpoint_is_rounded_down() {
        let found = |total, quantity, decimals| Price::rounded_down(total, quantity, decimals);
        assert_eq!(found(1_040_000_000, 100 * TOKEN, 18), Some(price("10.40")));
        assert_eq!(found(1_000_000, 3, 0), Some(price("0.333333333333333333")));
        assert_eq!(found(u128::MAX, 1, 36), None);
        assert_eq!(found(1, 0, 18), None);
    }

    #[test]
    fn a_price_that_does_not_come_out_whole_is_refused_with_the_two_nearest_that_do() {
        assert_eq!(
            price("10.0000005").total(3 * TOKEN, 18),
            Err(PriceError::NotWhole {
                price: price("10.0000005"),
                quantity: 3 * TOKEN,
                below: Some(price("10")),
                above: Some(price("10.000001")),
            })
        );
        let refused = price("0.0000005").total(1, 0).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "price 0.0000005 for 1 base units does not give a whole number of coin base units: \
             the nearest that does is 0.000001"
        );
    }

    #[test]
    fn a_total_without_an_exact_price_is_refused_with_neighbours() {
        assert_eq!(
            Price::of(1_035_000_000, 100 * TOKEN, 18),
            Ok(price("10.35"))
        );
        let refused = Price::of(1, 3 * TOKEN, 18).unwrap_err();
        assert_eq!(
            refused,
            PriceError::NoExactPrice {
                total: 1,
                quantity: 3 * TOKEN,
                below: None,
                above: Some(price("0.000001")),
            }
        );
    }

    #[test]
    fn texts_that_are_no_price_are_refused() {
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            "1,000",
            "24,35",
            "1.355,90",
            "0x1",
            "1.2.3",
            "0.0000000000000000001",
            "340282366920938463464",
            "$$1",
        ] {
            let refused = text.parse::<Price>();
            assert!(
                matches!(refused, Err(PriceError::Number(_))),
                "{text}: {refused:?}"
            );
        }
        assert_eq!("0.00".parse::<Price>(), Err(PriceError::Zero));
        assert_eq!(
            "24,350".parse::<Price>().unwrap_err().to_string(),
            "`24,350`: write 24350 or 24.35"
        );
        assert_eq!("$1,355.90".parse(), Ok(price("1355.9")));
    }

    #[test]
    fn limits_of_the_arithmetic_are_refused() {
        let top = Price::from_scaled(u128::MAX).unwrap();
        assert_eq!(price("1").total(0, 18), Err(PriceError::ZeroQuantity));
        assert_eq!(price("1").total(1, 37), Err(PriceError::Decimals(37)));
        assert_eq!(Price::of(0, 1, 18), Err(PriceError::Zero));
        let quantity = u128::MAX - u128::MAX % 10u128.pow(12);
        assert_eq!(
            top.total(quantity, 0),
            Err(PriceError::TotalTooLarge {
                price: top,
                quantity
            })
        );
    }

    proptest! {
        #[test]
        fn text_round_trips(scaled in 1u128..) {
            let price = Price::from_scaled(scaled).unwrap();
            prop_assert_eq!(price.to_string().parse::<Price>(), Ok(price));
        }

        #[test]
        fn an_accepted_price_is_recovered_from_its_total(
            scaled in 1u128..=u128::MAX >> 20, quantity in 1u128..=u128::MAX >> 20, decimals in 0u8..=18
        ) {
            let price = Price::from_scaled(scaled).unwrap();
            match price.total(quantity, decimals) {
                Ok(total) if total > 0 => prop_assert_eq!(Price::of(total, quantity, decimals), Ok(price)),
                Err(PriceError::NotWhole { below, above, .. }) => {
                    for near in [below, above].into_iter().flatten() {
                        let exact = matches!(near.total(quantity, decimals),
                            Ok(_) | Err(PriceError::TotalTooLarge { .. }));
                        prop_assert!(exact);
                    }
                    prop_assert!(below.is_none_or(|below| below < price));
                    prop_assert!(above.is_none_or(|above| above > price));
                    // Nothing in between gives a whole total: the two are one step apart.
                    if let (Some(below), Some(above)) = (below, above) {
                        let middle = below.scaled() + (above.scaled() - below.scaled()) / 2;
                        if middle != below.scaled() {
                            let middle = Price::from_scaled(middle).unwrap();
                            let not_whole =
                                matches!(middle.total(quantity, decimals), Err(PriceError::NotWhole { .. }));
                            prop_assert!(not_whole);
                        }
                    }
                }
                _ => {}
            }
        }
    }
}
