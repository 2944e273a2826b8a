//! Settling signed orders in one call.

use alloy_primitives::{Address, B256};
use motsu::prelude::*;
use stylus_sdk::abi::Bytes;

use super::{
    fixture::{Market, NOW, QUANTITY, TOTAL, refused, u},
    wallet::MockWallet,
};
use crate::{
    event::{OrderRegistered, Settled},
    order::{ASK, BID, Order},
    record::{CANCELLED, FILLED, NONE, OPEN},
};

#[test]
fn settle_signed_does_everything_with_the_same_ids_states_and_events() {
    let market = Market::new();
    let (bid, ask) = (market.bid(), market.ask());
    let ids = [market.id(&bid), market.id(&ask)];
    assert_eq!(market.preflight_signed(&bid, &ask), (vec![], 0));
    assert_eq!(market.settle_signed(&bid, &ask), Ok(u(1)));
    assert_eq!(ids.map(|id| market.order_state(id)), [FILLED, FILLED]);
    let expected = [1_000 - QUANTITY, QUANTITY, 0, TOTAL, 50_000 - TOTAL, 0].map(u);
    assert_eq!(market.holdings(), expected);
    let registered = [bid, ask].map(|order| OrderRegistered {
        id: market.id(&order),
        owner: order.owner,
        security: order.security,
        signature: market.signature(&order).0.into(),
        order,
        by: market.operator.address(),
    });
    assert_eq!(market.events::<OrderRegistered>(), registered);
    let event = market.settled(ids[0], ids[1]);
    assert_eq!(market.events::<Settled>(), [event]);
}

#[test]
fn settle_signed_accepts_an_open_order_without_a_signature() {
    let market = Market::new();
    let (bid, ask) = (market.bid(), market.ask());
    market.register(&bid);
    let signature = market.signature(&ask);
    assert_eq!(
        market.settle_with(&bid, Bytes(vec![]), &ask, signature),
        Ok(u(1))
    );
    assert_eq!(
        market.events::<OrderRegistered>().len(),
        2,
        "one by each way"
    );
    let ids = [market.id(&bid), market.id(&ask)];
    assert_eq!(ids.map(|id| market.order_state(id)), [FILLED, FILLED]);
    let kept = market.dvp.sender(market.stranger).get_order(ids[0]);
    assert_eq!((kept.quantity, kept.expiry), (bid.quantity, bid.expiry));
}

#[test]
fn settle_signed_reverts_for_everybody_but_an_operator() {
    let market = Market::new();
    let (bid, ask) = (market.bid(), market.ask());
    for caller in [market.admin, market.seller, market.stranger] {
        market.assert_refused(&[market.id(&bid)], Market::not_operator(caller), || {
            let (bid_signature, ask_signature) = (market.signature(&bid), market.signature(&ask));
            market
                .dvp
                .sender(caller)
                .settle_signed(bid.clone(), bid_signature, ask.clone(), ask_signature)
                .motsu_res()
        });
    }
}

#[test]
fn settle_signed_reverts_when_an_order_could_not_be_registered() {
    let market = Market::new();
    let (bid, ask) = (market.bid(), market.ask());
    let cases = [
        (
            Order {
                side: 2,
                ..bid.clone()
            },
            &[3, 5][..],
        ),
        (
            Order {
                payment: Address::ZERO,
                ..bid.clone()
            },
            &[3, 10],
        ),
        (
            Order {
                quantity: u(0),
                ..bid.clone()
            },
            &[3, 9],
        ),
        (
            Order {
                expiry: NOW,
                ..bid.clone()
            },
            &[3, 11],
        ),
        (
            Order {
                expiry: u64::MAX,
                ..bid.clone()
            },
            &[3],
        ),
        (
            Order {
                epoch: 1,
                ..bid.clone()
            },
            &[3, 13],
        ),
        (
            Order {
                limitTotal: u(0),
                ..bid.clone()
            },
            &[3, 17],
        ),
    ];
    for (order, failures) in cases {
        market.assert_signed_fails(&order, &ask, failures);
    }
    let huge = Order {
        limitTotal: alloy_primitives::U256::MAX,
        ..bid.clone()
    };
    market.assert_signed_fails(&huge, &ask, &[3, 22, 23]);
    let bad = Order { expiry: NOW, ..ask };
    market.assert_signed_fails(&bid, &bad, &[4, 12]);
}

#[test]
fn settle_signed_reverts_when_an_id_is_used() {
    let market = Market::new();
    let (bid, ask) = (market.bid(), market.ask());
    market
        .dvp
        .sender(market.buyer)
        .cancel_order(bid.clone())
        .motsu_unwrap();
    market.assert_signed_fails(&bid, &ask, &[3]);
    assert_eq!(market.order_state(market.id(&bid)), CANCELLED);
    let fresh = Order {
        boardRef: B256::ZERO,
        ..bid
    };
    market.settle_signed(&fresh, &ask).unwrap();
    market.assert_signed_fails(&fresh, &ask, &[3, 4, 21, 23]);
}

#[test]
fn settle_signed_reverts_when_a_signature_is_not_the_owners() {
    let market = Market::new();
    let (bid, ask) = (market.bid(), market.ask());
    let ids = [market.id(&bid), market.id(&ask)];
    let good = || (market.signature(&bid), market.signature(&ask));
    let bad = || market.signed_by(market.stranger, &bid);
    let forecast = |bid_signature, ask_signature| {
        let dvp = market.dvp.sender(market.stranger);
        dvp.preflight_signed(bid.clone(), bid_signature, ask.clone(), ask_signature)
            .failures
    };
    assert_eq!(forecast(bad(), good().1), [27]);
    market.assert_refused(&ids, refused(27), || {
        market.settle_with(&bid, bad(), &ask, good().1)
    });
    assert_eq!(forecast(good().0, bad()), [28]);
    market.assert_refused(&ids, refused(28), || {
        market.settle_with(&bid, good().0, &ask, bad())
    });
    assert_eq!(forecast(Bytes(vec![]), bad()), [27, 28]);
    market.cash.sender(market.admin).set_paused(true);
    assert_eq!(forecast(Bytes(vec![]), bad()), [26, 27, 28]);
    market.assert_refused(&ids, refused(26), || {
        market.settle_with(&bid, bad(), &ask, good().1)
    });
    assert_eq!(ids.map(|id| market.order_state(id)), [NONE, NONE]);
}

#[test]
fn settle_signed_asks_a_wallet_even_for_an_open_order() {
    let market = Market::new();
    let wallet = Contract::<MockWallet>::new();
    let (admin, owner) = (market.admin, wallet.address());
    market.cash.sender(admin).hold(owner, u(TOTAL));
    market
        .cash
        .sender(admin)
        .allow(owner, market.dvp.address(), u(TOTAL));
    let (bid, ask) = (
        Order {
            owner,
            ..market.bid()
        },
        market.ask(),
    );
    let ids = [market.id(&bid), market.id(&ask)];
    wallet.sender(admin).agree(ids[0]);
    market.register(&bid);
    assert_eq!(market.order_state(ids[0]), OPEN);
    wallet.sender(admin).agree(B256::ZERO);
    let settle = || market.settle_with(&bid, Bytes(vec![9]), &ask, market.signature(&ask));
    market.assert_refused(&ids, refused(27), settle);
    wallet.sender(admin).agree(ids[0]);
    assert_eq!(settle(), Ok(u(1)));
}

#[test]
fn settle_lets_a_wallets_registration_stand() {
    let market = Market::new();
    let wallet = Contract::<MockWallet>::new();
    let (admin, owner) = (market.admin, wallet.address());
    market.cash.sender(admin).hold(owner, u(TOTAL));
    market
        .cash
        .sender(admin)
        .allow(owner, market.dvp.address(), u(TOTAL));
    let bid = Order {
        owner,
        ..market.bid()
    };
    let id = market.id(&bid);
    wallet.sender(admin).agree(id);
    let pair = (market.register(&bid), market.register(&market.ask()));
    wallet.sender(admin).agree(B256::ZERO);
    assert_eq!(market.settle(pair), Ok(u(1)));
}

#[test]
fn settle_signed_reverts_when_paused_or_with_one_order_twice() {
    let market = Market::new();
    let (bid, ask) = (market.bid(), market.ask());
    market.assert_signed_fails(&bid, &bid, &[2, 6, 7, 20, 21, 23]);
    market.dvp.sender(market.pauser).pause().motsu_unwrap();
    market.assert_signed_fails(&bid, &ask, &[1]);
}

#[test]
fn an_order_settled_unregistered_keeps_owner_side_and_state() {
    let market = Market::new();
    let (bid, ask) = (market.bid(), market.ask());
    market.settle_signed(&bid, &ask).unwrap();
    for (order, side) in [(bid, BID), (ask, ASK)] {
        let left = market
            .dvp
            .sender(market.stranger)
            .get_order(market.id(&order));
        assert_eq!(
            (left.owner, left.side, left.state),
            (order.owner, side, FILLED)
        );
        assert_eq!((left.quantity, left.security), (u(0), Address::ZERO));
    }
}
