//! How much each holder gets: exactly, in base units, rounded down for each wallet.

use std::collections::BTreeMap;

use alloy::primitives::{Address, U256};
use book::market::literal::decimal;

/// What is distributed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Basis {
    /// An amount for each whole token of the security: this many base units of the coin, times `10^-fine`.
    PerToken {
        /// Digits without the point.
        units: U256,
        /// Digits that go beyond a base unit of the coin.
        fine: u8,
    },
    /// This many base units of the coin for all holdings, in proportion; what rounding leaves is not distributed.
    Total(U256),
}

/// Digits of an amount per token beyond those of the coin.
const FINE: u8 = 12;

impl Basis {
    /// Reads `1.25-per-token`, or a total in the coin.
    ///
    /// # Errors
    /// What is wrong with the number, in words.
    pub fn parse(text: &str, coin_decimals: u8) -> Result<Self, String> {
        let Some(rate) = text.strip_suffix("-per-token") else {
            let total = decimal::amount(text, coin_decimals).map_err(|e| e.to_string())?;
            return Ok(Self::Total(total));
        };
        let units = decimal::amount(rate, coin_decimals + FINE).map_err(|e| e.to_string())?;
        Ok(Self::PerToken { units, fine: FINE })
    }
}

/// Who held what at the record block, and where they are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Holder {
    /// The wallet.
    pub wallet: Address,
    /// Base units of the security.
    pub holding: U256,
    /// The country of its investor, ISO 3166-1 numeric; 0 where it has none.
    pub country: u16,
}

/// What is withheld from a gross amount, in millionths, by country; nothing for a country that is not named.
pub type Withholding = BTreeMap<u16, u32>;

/// All of an amount, in millionths.
pub const WHOLE: u32 = 1_000_000;

/// One holder's share.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Split {
    /// What the holding earns, in base units of the coin.
    pub gross: U256,
    /// How much of it is withheld.
    pub withheld: U256,
}

impl Split {
    /// What is paid.
    pub fn net(&self) -> U256 {
        self.gross.saturating_sub(self.withheld)
    }
}

/// The shares of the holders, in their order. What is paid is rounded down, what is withheld up: never too little is
/// withheld.
///
/// `None` when an amount does not fit into 256 bits.
pub fn split(
    holders: &[Holder],
    security_decimals: u8,
    basis: Basis,
    withholding: &Withholding,
) -> Option<Vec<Split>> {
    let sum = holders
        .iter()
        .try_fold(U256::ZERO, |sum, holder| sum.checked_add(holder.holding))?;
    let (numerator, denominator) = match basis {
        Basis::PerToken { units, fine } => {
            let digits = U256::from(security_decimals).checked_add(U256::from(fine))?;
            (units, U256::from(10).checked_pow(digits)?)
        }
        Basis::Total(total) => (total, sum),
    };
    let one = |holder: &Holder| {
        let product = holder.holding.checked_mul(numerator)?;
        // Nobody holds anything if the sum is zero.
        let gross = product.checked_div(denominator).unwrap_or_default();
        let millionths = withholding.get(&holder.country).copied().unwrap_or(0);
        let kept = U256::from(WHOLE.saturating_sub(millionths));
        let net = gross.checked_mul(kept)? / U256::from(WHOLE);
        let withheld = gross.checked_sub(net)?;
        Some(Split { gross, withheld })
    };
    holders.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn u(value: u64) -> U256 {
        U256::from(value)
    }

    fn holders(holdings: &[(u64, u16)]) -> Vec<Holder> {
        let holder = |(at, (holding, country)): (u8, &(u64, u16))| Holder {
            wallet: Address::with_last_byte(at),
            holding: u(*holding),
            country: *country,
        };
        (1..).zip(holdings).map(holder).collect()
    }

    fn amounts(splits: &[Split]) -> Vec<(U256, U256, U256)> {
        let one = |split: &Split| (split.gross, split.withheld, split.net());
        splits.iter().map(one).collect()
    }

    #[test]
    fn an_amount_per_token_is_rounded_down_for_each_wallet() {
        // 1.25 dollars for each token of 6 decimals, of a coin of 6: 1,000 tokens, and 10^-6 of one.
        let basis = Basis::parse("1.25-per-token", 6).unwrap();
        let found = split(
            &holders(&[(1_000_000_000, 0), (1, 0), (1_000_001, 0)]),
            6,
            basis,
            &Withholding::new(),
        );
        let expected = [
            (u(1_250_000_000), u(0), u(1_250_000_000)),
            (u(1), u(0), u(1)),
            // 1.25 x 1.000001 = 1.25000125
            (u(1_250_001), u(0), u(1_250_001)),
        ];
        assert_eq!(amounts(&found.unwrap()), expected);
    }

    #[test]
    fn an_amount_per_token_may_be_finer_than_the_coin() {
        // A thousandth of a base unit for each whole token: 999 of them get nothing, 1,000 one unit.
        let basis = Basis::parse("0.000000001-per-token", 6).unwrap();
        let found = split(
            &holders(&[(999, 0), (1_000, 0)]),
            0,
            basis,
            &Withholding::new(),
        );
        assert_eq!(
            amounts(&found.unwrap()),
            [(u(0), u(0), u(0)), (u(1), u(0), u(1))]
        );
        assert!(Basis::parse("0.0000000000000000001-per-token", 6).is_err());
        assert!(Basis::parse("1.25-per-share", 6).is_err());
        assert!(Basis::parse("-1", 6).is_err());
    }

    #[test]
    fn a_total_is_distributed_in_proportion_and_never_more_than_it() {
        // 100.000000 for holdings of 1, 1 and 1: a third each, a millionth is left.
        let basis = Basis::parse("100", 6).unwrap();
        let found = split(
            &holders(&[(1, 0), (1, 0), (1, 0)]),
            6,
            basis,
            &Withholding::new(),
        )
        .unwrap();
        assert_eq!(amounts(&found), [(u(33_333_333), u(0), u(33_333_333)); 3]);
    }

    #[test]
    fn what_is_withheld_is_rounded_up() {
        // 30 % of 1.000001: 0.3000003, so 0.700000 is paid and 0.300001 withheld; nothing of a country that is not
        // named.
        let basis = Basis::Total(u(2_000_002));
        let withholding = Withholding::from([(276, 300_000), (392, WHOLE)]);
        let found = split(&holders(&[(1, 276), (1, 840)]), 6, basis, &withholding).unwrap();
        let expected = [
            (u(1_000_001), u(300_001), u(700_000)),
            (u(1_000_001), u(0), u(1_000_001)),
        ];
        assert_eq!(amounts(&found), expected);
        let all = split(&holders(&[(1, 392)]), 6, basis, &withholding).unwrap();
        assert_eq!(amounts(&all), [(u(2_000_002), u(2_000_002), u(0))]);
    }

    #[test]
    fn holdings_that_do_not_fit_are_refused() {
        let mut holders = holders(&[(1, 0), (1, 0)]);
        holders[0].holding = U256::MAX;
        assert_eq!(
            split(&holders, 6, Basis::Total(u(1)), &Withholding::new()),
            None
        );
        assert_eq!(
            split(&holders[..1], 6, Basis::Total(u(2)), &Withholding::new()),
            None
        );
        assert_eq!(
            split(&[], 6, Basis::Total(u(2)), &Withholding::new()),
            Some(vec![])
        );
    }
}
