//! The trades of some days, for viewing: the same ones that the blotter file has.

use super::Board;
use super::error::BoardError;
use super::fills::{Fill, Fills};
use crate::market::days::Days;

/// Trades of some days.
#[derive(Debug, Clone, Default)]
pub struct Trades {
    /// The last of them, oldest first.
    pub fills: Vec<Fill>,
    /// How many there are.
    pub count: u64,
    /// Base units of the coin that moved in all of them; `None` above 128 bits.
    pub total: Option<u128>,
}

impl Board {
    /// The trades whose blocks were made on these days, in one security if its symbol is given; the last `most` of
    /// them.
    ///
    /// # Errors
    /// The store's.
    pub async fn trades_on(
        &self,
        days: &Days,
        symbol: Option<&str>,
        most: usize,
    ) -> Result<Trades, BoardError> {
        let now = self.store.clock().now();
        let mut snapshot = self.store.snapshot().await?;
        let mut fills = Fills::new(days, u64::MAX);
        let mut found = Trades {
            total: Some(0),
            ..Trades::default()
        };
        while let Some(page) = fills.next(snapshot.link(), now).await? {
            let wanted = |fill: &Fill| {
                let traded = fill.either().map(|order| order.symbol.as_str());
                symbol.is_none_or(|symbol| traded == Some(symbol))
            };
            for fill in page.into_iter().filter(wanted) {
                found.count += 1;
                let moved = fill.settled.total;
                found.total = found.total.and_then(|total| total.checked_add(moved));
                found.fills.push(fill);
            }
            let beyond = found.fills.len().saturating_sub(most);
            found.fills.drain(..beyond);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{B256, U256};

    use crate::log::body::SettlementSettled;
    use crate::market::days::Days;
    use crate::market::order::Side;
    use crate::sample::{self, by};

    #[tokio::test]
    async fn the_last_trades_of_the_days_are_given_and_all_of_them_summed() {
        for book in sample::books().await {
            for number in 1u8..=3 {
                let dollars = 1_000 * u128::from(number);
                let bid = book.post(1, Side::Bid, 10, dollars).await.id;
                let ask = book.post(2, Side::Ask, 10, dollars).await.id;
                let settled = SettlementSettled {
                    ask,
                    bid,
                    block: number.into(),
                    match_id: None,
                    settlement_id: U256::from(number),
                    total: dollars * sample::DOLLAR,
                    tx_hash: B256::repeat_byte(number),
                };
                let at = jiff::Timestamp::from_second(sample::START).unwrap();
                let recorded = book.board.record_settled(settled, at, by("chain"));
                recorded.await.unwrap();
            }
            let every = Days::every().unwrap();
            let found = book.board.trades_on(&every, None, 2).await.unwrap();
            assert_eq!(
                (found.count, found.total),
                (3, Some(6_000 * sample::DOLLAR))
            );
            let shown: Vec<u64> = found.fills.iter().map(|fill| fill.settled.block).collect();
            assert_eq!(shown, [2, 3]);
            let symbol = sample::security().symbol;
            let same = book
                .board
                .trades_on(&every, Some(&symbol), 9)
                .await
                .unwrap();
            assert_eq!(same.count, 3);
            let other = book.board.trades_on(&every, Some("NONE"), 9).await.unwrap();
            assert_eq!(
                (other.count, other.total, other.fills.len()),
                (0, Some(0), 0)
            );
            let before = Days::new(None, Some("2001-01-01".parse().unwrap()), "UTC").unwrap();
            let none = book.board.trades_on(&before, None, 9).await.unwrap();
            assert_eq!(none.count, 0);
        }
    }
}
