//! Which bids and asks could be matched: same security, same quantity, crossing limits, welcome counterparties.
//!
//! A suggestion, never a decision: a person proposes, another approves, and the contracts judge at settlement.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256};
use jiff::Timestamp;

use book::market::order::Side;
use book::market::record::{OrderRecord, OrderState, OrderView};

/// Pairs of one bid and one ask, best bids first, each order at most once; `taken` are orders in live matches.
///
/// A bid gets the lowest ask that fits it; equal prices go by posting sequence.
pub fn pairs<'a>(
    orders: &'a [OrderView],
    taken: &BTreeSet<B256>,
    now: Timestamp,
) -> Vec<(&'a OrderRecord, &'a OrderRecord)> {
    let free = |order: &&OrderView| {
        order.state == OrderState::Open
            && !order.record.is_expired(now)
            && !taken.contains(&order.record.id)
    };
    let side = |side| {
        orders
            .iter()
            .filter(free)
            .filter(move |order| order.record.side == side)
    };
    let mut bids: Vec<&OrderView> = side(Side::Bid).collect();
    let mut asks: Vec<&OrderView> = side(Side::Ask).collect();
    bids.sort_by_key(|bid| (std::cmp::Reverse(bid.record.price), bid.posted_seq));
    asks.sort_by_key(|ask| (ask.record.price, ask.posted_seq));
    let mut found = Vec::new();
    for bid in bids {
        let Some(index) = asks.iter().position(|ask| fits(&bid.record, &ask.record)) else {
            continue;
        };
        found.push((&bid.record, &asks.remove(index).record));
    }
    found
}

fn fits(bid: &OrderRecord, ask: &OrderRecord) -> bool {
    let welcome = |order: &OrderRecord, other: Address| {
        order.counterparty.is_zero() || order.counterparty == other
    };
    bid.security == ask.security
        && bid.payment == ask.payment
        && bid.quantity == ask.quantity
        && bid.limit_total >= ask.limit_total
        && bid.owner != ask.owner
        && welcome(bid, ask.owner)
        && welcome(ask, bid.owner)
}

#[cfg(test)]
mod tests {
    use alloy::primitives::Bytes;

    use super::*;
    use book::market::record::Capacity;

    fn order(number: u8, side: Side, quantity: u128, price: &str) -> OrderView {
        let price: book::market::price::Price = price.parse().unwrap();
        OrderView {
            record: OrderRecord {
                id: B256::repeat_byte(number),
                board_ref: B256::ZERO,
                symbol: "HRBR".into(),
                isin: "US0378331005".parse().unwrap(),
                decimals: 0,
                security: Address::repeat_byte(1),
                payment: Address::repeat_byte(2),
                chain_id: 1,
                contract: Address::repeat_byte(3),
                side,
                quantity,
                price,
                limit_total: price.total(quantity, 0).unwrap(),
                expiry: 2_000,
                epoch: 0,
                counterparty: Address::ZERO,
                owner: Address::repeat_byte(number),
                account: "A".into(),
                capacity: Capacity::Agency,
                solicited: false,
                received_at: Timestamp::UNIX_EPOCH,
                captured_at: Timestamp::UNIX_EPOCH,
                taken_by: "dana".into(),
                signature: Bytes::new(),
            },
            state: OrderState::Open,
            posted_seq: number.into(),
            closed_seq: None,
            expired: false,
        }
    }

    fn ids(orders: &[OrderView], taken: &[u8], now: i64) -> Vec<(u8, u8)> {
        let taken = taken.iter().map(|n| B256::repeat_byte(*n)).collect();
        pairs(orders, &taken, Timestamp::from_second(now).unwrap())
            .into_iter()
            .map(|(bid, ask)| (bid.id[0], ask.id[0]))
            .collect()
    }

    #[test]
    fn the_best_bid_gets_the_lowest_ask_of_its_quantity() {
        let orders = [
            order(1, Side::Bid, 10, "5"),
            order(2, Side::Bid, 10, "6"),
            order(3, Side::Ask, 10, "5"),
            order(4, Side::Ask, 10, "4"),
            order(5, Side::Ask, 20, "1"),
        ];
        assert_eq!(ids(&orders, &[], 0), [(2, 4), (1, 3)]);
        assert_eq!(ids(&orders, &[4], 0), [(2, 3)]);
    }

    #[test]
    fn expired_orders_own_orders_and_unwelcome_counterparties_are_left_out() {
        let mut orders = [order(1, Side::Bid, 10, "5"), order(2, Side::Ask, 10, "5")];
        assert_eq!(ids(&orders, &[], 0), [(1, 2)]);
        assert!(ids(&orders, &[], 2_000).is_empty());
        orders[0].record.counterparty = Address::repeat_byte(9);
        assert!(ids(&orders, &[], 0).is_empty());
        orders[0].record.counterparty = Address::ZERO;
        orders[0].record.owner = orders[1].record.owner;
        assert!(ids(&orders, &[], 0).is_empty());
    }

    #[test]
    fn limits_that_do_not_cross_make_no_pair() {
        let orders = [
            order(1, Side::Bid, 10, "4.99"),
            order(2, Side::Ask, 10, "5"),
        ];
        assert!(ids(&orders, &[], 0).is_empty());
    }
}
