//! How far apart the closest bid and ask are when nothing crosses.

use std::collections::HashMap;

use alloy::primitives::Address;
use book::board::lots::Lot;
use book::market::order::Side;
use book::market::security::Security;

use super::words::price;
use crate::app::App;
use crate::problem::Problem;
use crate::refusal;

/// Lots of each side that are looked at.
const LOTS: u32 = 500;

/// The closest pair of all securities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Closest {
    /// How far apart it is, in dollars, and its security.
    Apart(String, String),
    /// No bid has the same quantity as an ask.
    OtherQuantities,
    /// One side is empty, or both are.
    NoPair,
}

impl Closest {
    /// In a sentence.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Apart(dollars, _) => format!("The closest pair is ${dollars} apart."),
            Self::OtherQuantities => "No bid has the same quantity as an ask.".to_owned(),
            Self::NoPair => "No security has both a bid and an ask.".to_owned(),
        }
    }

    /// The security of the closest pair.
    pub(super) fn symbol(&self) -> Option<&str> {
        match self {
            Self::Apart(_, symbol) => Some(symbol),
            Self::OtherQuantities | Self::NoPair => None,
        }
    }
}

/// The smallest distance between a bid and an ask of the same quantity and different owners, in 10^-18 dollars.
fn distance(bids: &[Lot], asks: &[Lot]) -> Option<u128> {
    // Best prices come first, so the first ones of a quantity from two owners are enough.
    let mut best: HashMap<u128, Vec<(Address, u128)>> = HashMap::new();
    for bid in bids {
        let known = best.entry(bid.quantity).or_default();
        if known.len() < 2 && known.iter().all(|(owner, _)| *owner != bid.owner) {
            known.push((bid.owner, bid.price.scaled()));
        }
    }
    let apart = |ask: &Lot| {
        let mut bids = best.get(&ask.quantity)?.iter();
        let (_, bid) = bids.find(|(owner, _)| *owner != ask.owner)?;
        Some(ask.price.scaled().saturating_sub(*bid))
    };
    asks.iter().filter_map(apart).min()
}

/// The closest pair of some securities.
///
/// # Errors
/// 503.
pub(super) async fn of(app: &App, securities: &[Security]) -> Result<Closest, Problem> {
    let mut both = false;
    let mut closest: Option<(u128, &str)> = None;
    for security in securities {
        let token = security.token.to_string();
        let bids = app.board.lots(&token, Side::Bid, None, LOTS).await;
        let asks = app.board.lots(&token, Side::Ask, None, LOTS).await;
        let (bids, asks) = (bids.map_err(refusal::board)?, asks.map_err(refusal::board)?);
        both |= !bids.is_empty() && !asks.is_empty();
        let apart = distance(&bids, &asks).map(|apart| (apart, security.symbol.as_str()));
        closest = closest.into_iter().chain(apart).min();
    }
    Ok(match closest {
        Some((apart, symbol)) => {
            let apart = book::market::price::Price::from_scaled(apart);
            let words = apart.map_or_else(|| "0.00".to_owned(), price);
            Closest::Apart(words, symbol.to_owned())
        }
        None if both => Closest::OtherQuantities,
        None => Closest::NoPair,
    })
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;
    use book::market::price::Price;

    use super::*;

    fn lot(owner: u8, price: &str, quantity: u128) -> Lot {
        Lot {
            seq: 1,
            id: B256::ZERO,
            owner: Address::repeat_byte(owner),
            price: price.parse::<Price>().unwrap(),
            quantity,
            expiry: 0,
        }
    }

    #[test]
    fn the_closest_pair_has_one_quantity_and_two_owners() {
        let bids = [lot(1, "10.50", 5), lot(2, "10.30", 5), lot(1, "10.00", 7)];
        let asks = [lot(1, "10.70", 5), lot(3, "11.00", 7), lot(3, "10.51", 9)];
        let found = distance(&bids, &asks).and_then(Price::from_scaled);
        // Not 0.20, which is within one owner, nor 0.01, which is between two quantities.
        assert_eq!(found.map(price).as_deref(), Some("0.40"));
        assert_eq!(distance(&bids, &[]), None);
        assert_eq!(distance(&bids, &[lot(3, "10.60", 9)]), None);
    }
}
