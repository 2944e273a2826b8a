//! What an act moves, compared with the whole supply: on a live profile a large share must be typed again first.

use std::io::{IsTerminal as _, Write as _};

use alloy::primitives::{Address, U256};
use book::market::amount::{COIN_DECIMALS, plain, units};
use book::market::literal::decimal;
use desk::chain::abi::ISecurityToken;

use super::context::Context;
use super::failure::{Failure, Result};
use crate::config::Security;

/// An amount of a token that an act moves.
#[derive(Clone, Debug)]
pub(super) struct Stake {
    token: Address,
    value: U256,
    decimals: u8,
    unit: String,
}

impl Stake {
    /// An amount in base units of a security.
    pub(super) fn tokens(security: &Security, value: U256) -> Self {
        Self {
            token: security.token,
            value,
            decimals: security.decimals,
            unit: security.symbol.clone(),
        }
    }

    /// An amount in base units of the coin.
    pub(super) fn coin(coin: Address, value: U256) -> Self {
        Self {
            token: coin,
            value,
            decimals: COIN_DECIMALS,
            unit: "dollars".into(),
        }
    }

    /// On a live profile, asks for the amount where it is more than the profile's share of the supply.
    pub(super) async fn confirm(&self, context: &Context) -> Result<()> {
        let profile = context.settings.profile();
        if !profile.live {
            return Ok(());
        }
        let chain = context.chain().await?;
        let call = ISecurityToken::totalSupplyCall {};
        let supply = chain.view(self.token, call).await?;
        let bips = context.settings.retype_above()?;
        if !exceeds(self.value, supply, bips) {
            return Ok(());
        }
        let amount = plain(self.value, self.decimals);
        let refused = Failure::refused(
            "AMOUNT_NOT_CONFIRMED",
            format!(
                "profile '{}' is live: {amount} {} is more than {} of all {}, and the amount was not confirmed; \
                 nothing was sent",
                profile.name,
                self.unit,
                percent(bips),
                plain(supply, self.decimals),
            ),
        )
        .hint(format!(
            "type the amount when asked, or give --confirm-amount {amount}"
        ));
        if let Some(typed) = context.settings.confirmed_amount() {
            return if self.is(typed)? {
                Ok(())
            } else {
                Err(refused)
            };
        }
        if !std::io::stdin().is_terminal() {
            return Err(refused);
        }
        let mut screen = std::io::stderr();
        let _ = write!(
            screen,
            "LIVE: {} {} is more than {} of all {}. Type the amount ({amount}) to go on: ",
            units(self.value, self.decimals),
            self.unit,
            percent(bips),
            units(supply, self.decimals),
        );
        let _ = screen.flush();
        let mut typed = String::new();
        let _ = std::io::stdin().read_line(&mut typed);
        if self.is(&typed)? {
            Ok(())
        } else {
            Err(refused)
        }
    }

    /// Whether a text means this amount.
    fn is(&self, text: &str) -> Result<bool> {
        let text = text.trim();
        let number = text.strip_prefix('$').unwrap_or(text);
        let read = decimal::amount(number, self.decimals).map_err(Failure::usage)?;
        Ok(read == self.value)
    }
}

/// Whether `value` is more than this many basis points of `supply`.
fn exceeds(value: U256, supply: U256, bips: u16) -> bool {
    let (whole, bips) = (U256::from(10_000), U256::from(bips));
    // Two steps, so that no product is larger than the supply times ten thousand basis points of ten thousand.
    let limit = (supply / whole).saturating_mul(bips) + (supply % whole) * bips / whole;
    value > limit
}

/// `1%`, `0.5%`.
pub(super) fn percent(bips: u16) -> String {
    format!("{}%", plain(U256::from(bips), 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_exact_and_never_overflows() {
        let of =
            |value: u64, supply: u64, bips| exceeds(U256::from(value), U256::from(supply), bips);
        assert!(!of(100, 10_000, 100));
        assert!(of(101, 10_000, 100));
        assert!(of(1, 0, 100), "anything is a large share of nothing");
        assert!(!of(0, 0, 100));
        assert!(!of(199, 19_999, 100));
        assert!(of(200, 19_999, 100));
        assert!(!exceeds(U256::MAX, U256::MAX, 10_000));
        assert!(exceeds(U256::MAX, U256::MAX, 9_999));
        assert!(of(1, 1_000_000, 0));
        assert_eq!((percent(100), percent(50)), ("1%".into(), "0.5%".into()));
    }

    #[test]
    fn the_amount_is_recognised_in_every_accepted_form_and_no_other() {
        let stake = Stake::coin(Address::ZERO, U256::from(1_234_500_000_u64));
        for text in ["1234.5", "1_234.50", "1,234.5", "$1234.5\n"] {
            assert!(stake.is(text).unwrap(), "{text}");
        }
        assert!(!stake.is("1234.51").unwrap());
        assert!(stake.is("1234,5").is_err());
    }
}
