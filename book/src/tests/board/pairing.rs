//! Which orders could be matched, compared with the rule written a second time over all orders.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::board::pairing::{Pairs, Reach};
use crate::market::matching::Obstacle;
use crate::market::record::OrderView;

const ALL: Reach = Reach {
    pairs: usize::MAX,
    bids: None,
};

async fn pairs(book: &Book, reach: Reach) -> Pairs {
    book.board.pairs("HRBR", reach).await.unwrap()
}

fn ids(found: &Pairs) -> Vec<(B256, B256)> {
    let ids = found.pairs.iter().map(|pair| (pair.bid.id, pair.ask.id));
    ids.collect()
}

/// Best bids first, each with the lowest ask that fits: by looking at every ask for every bid.
fn by_hand(orders: &[OrderView], taken: &BTreeSet<B256>, now: u64) -> Vec<(B256, B256)> {
    let free = |order: &&OrderView| {
        order.state == OrderState::Open
            && order.record.expiry > now
            && !taken.contains(&order.record.id)
            && order.record.symbol == "HRBR"
    };
    let side = |side| {
        orders
            .iter()
            .filter(free)
            .filter(move |o| o.record.side == side)
    };
    let mut bids: Vec<_> = side(Side::Bid).collect();
    let mut asks: Vec<_> = side(Side::Ask).collect();
    bids.sort_by_key(|bid| (std::cmp::Reverse(bid.record.price), bid.posted_seq));
    asks.sort_by_key(|ask| (ask.record.price, ask.posted_seq));
    let mut found = Vec::new();
    for bid in bids {
        let meets = |ask: &&OrderView| {
            let (bid, ask) = (&bid.record, &ask.record);
            let only = |order: Address, other| order.is_zero() || order == other;
            bid.quantity == ask.quantity
                && bid.limit_total >= ask.limit_total
                && bid.owner != ask.owner
                && only(bid.counterparty, ask.owner)
                && only(ask.counterparty, bid.owner)
        };
        if let Some(at) = asks.iter().position(meets) {
            found.push((bid.record.id, asks.remove(at).record.id));
        }
    }
    found
}

#[tokio::test]
async fn the_best_bid_gets_the_lowest_ask_of_its_size() {
    for book in books().await {
        let low = book.post(1, Side::Bid, 10, 50).await.id;
        let high = book.post(2, Side::Bid, 10, 60).await.id;
        let dear = book.post(3, Side::Ask, 10, 50).await.id;
        let cheap = book.post(4, Side::Ask, 10, 40).await.id;
        book.post(5, Side::Ask, 20, 20).await;
        let found = pairs(&book, ALL).await;
        assert_eq!(ids(&found), [(high, cheap), (low, dear)]);
        assert!(!found.more && found.pairs.iter().all(|pair| pair.passed_over.is_empty()));
        // Those of a live match are not free.
        book.board.propose(low, cheap, by("dana")).await.unwrap();
        assert_eq!(ids(&pairs(&book, ALL).await), [(high, dear)]);
    }
}

#[tokio::test]
async fn at_one_price_the_earlier_order_comes_first() {
    for book in books().await {
        let first = book.post(1, Side::Bid, 10, 50).await.id;
        let second = book.post(2, Side::Bid, 10, 50).await.id;
        let early = book.post(3, Side::Ask, 10, 50).await.id;
        let late = book.post(4, Side::Ask, 10, 50).await.id;
        assert_eq!(
            ids(&pairs(&book, ALL).await),
            [(first, early), (second, late)]
        );
    }
}

#[tokio::test]
async fn limits_that_do_not_cross_and_expired_orders_make_no_pair() {
    for book in books().await {
        book.post(1, Side::Bid, 10, 49).await;
        book.post(2, Side::Ask, 10, 50).await;
        assert_eq!(pairs(&book, ALL).await, Pairs::default());
        let bid = book.post(1, Side::Bid, 10, 50).await.id;
        assert_eq!(pairs(&book, ALL).await.pairs[0].bid.id, bid);
        book.hands.turn(86_400);
        assert_eq!(ids(&pairs(&book, ALL).await), []);
    }
}

#[tokio::test]
async fn what_is_passed_over_is_named_with_what_keeps_it_back() {
    for book in books().await {
        // The best bid and the best ask have one owner; the second bid may only meet wallet 9.
        let own_bid = book.post(1, Side::Bid, 10, 90).await;
        let mut picky = order(2, Side::Bid, 10, 80);
        picky.counterparty = sample::wallet(9).address();
        let picky = book
            .board
            .post(signed(2, picky), None, by("ada"))
            .await
            .unwrap();
        let own_ask = book.post(1, Side::Ask, 10, 40).await;
        let bid = book.post(3, Side::Bid, 10, 70).await;
        let ask = book.post(4, Side::Ask, 10, 50).await;
        let found = pairs(&book, ALL).await;
        assert_eq!(ids(&found), [(own_bid.id, ask.id), (bid.id, own_ask.id)]);
        let passed = |pair: usize| {
            let passed = found.pairs[pair].passed_over.iter();
            passed
                .map(|one| (one.order.id, one.obstacle))
                .collect::<Vec<_>>()
        };
        assert_eq!(passed(0), [(own_ask.id, Some(Obstacle::SameOwner))]);
        assert_eq!(passed(1), [(picky.id, Some(Obstacle::OtherCounterparty))]);
        // Matching the worst bid with the dearest ask by hand passes over everybody else who could have been matched.
        let view = async |order: B256| book.board.find(order).await.unwrap().unwrap();
        let (worst, dearest) = (view(bid.id).await, view(ask.id).await);
        let passed = book.board.passed_over(&worst, &dearest).await.unwrap();
        let passed: Vec<_> = passed
            .iter()
            .map(|one| (one.order.id, one.obstacle))
            .collect();
        let wanted = [
            (own_bid.id, None),
            (picky.id, Some(Obstacle::OtherCounterparty)),
            (own_ask.id, None),
        ];
        assert_eq!(passed, wanted);
    }
}

#[tokio::test]
async fn no_more_pairs_and_bids_are_looked_at_than_asked_for() {
    let book = book().await;
    for _ in 0..3 {
        book.post(1, Side::Bid, 10, 50).await;
        book.post(2, Side::Ask, 10, 50).await;
    }
    let found = pairs(
        &book,
        Reach {
            pairs: 2,
            bids: None,
        },
    )
    .await;
    assert_eq!((found.pairs.len(), found.more), (2, true));
    let found = pairs(
        &book,
        Reach {
            pairs: 3,
            bids: None,
        },
    )
    .await;
    assert_eq!((found.pairs.len(), found.more), (3, false));
    // The best two bids have a size that nobody offers.
    for _ in 0..2 {
        book.post(3, Side::Bid, 7, 49).await;
    }
    let reach = Reach {
        pairs: 9,
        bids: Some(2),
    };
    let found = pairs(&book, reach).await;
    assert_eq!((found.pairs.len(), found.bids, found.more), (0, 2, true));
    assert_eq!(pairs(&book, ALL).await.pairs.len(), 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn pairs_are_those_of_looking_at_every_ask_for_every_bid(
        drawn in prop::collection::vec((1u8..6, any::<bool>(), 1u128..4, 1u128..6, 0u8..8, 0u8..3), 1..60),
        matched in 0usize..3,
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let book = book().await;
            for (owner, bids, tokens, price, counterparty, days) in drawn {
                let side = if bids { Side::Bid } else { Side::Ask };
                let mut drawn = order(owner, side, tokens, tokens * price);
                if (1..6).contains(&counterparty) && counterparty != owner {
                    drawn.counterparty = sample::wallet(counterparty).address();
                }
                drawn.expiry += u64::from(days) * 86_400;
                book.board.post(signed(owner, drawn), None, by("ada")).await.unwrap();
            }
            let everything = OrderFilter { limit: Some(u32::MAX), ..OrderFilter::default() };
            let orders = book.board.orders(&everything).await.unwrap();
            let mut taken = BTreeSet::new();
            for (bid, ask) in by_hand(&orders, &taken, START as u64).into_iter().take(matched) {
                book.board.propose(bid, ask, by("dana")).await.unwrap();
                taken.extend([bid, ask]);
            }
            // Some have expired by now.
            book.hands.turn(86_400);
            let wanted = by_hand(&orders, &taken, START as u64 + 86_400);
            assert_eq!(ids(&pairs(&book, ALL).await), wanted);
        });
    }
}
