//! What preflight predicts beyond the first failure.

use alloy_primitives::{Address, B256};
use motsu::prelude::*;

use super::fixture::{Market, NOW, QUANTITY, u};
use crate::{order::Order, record::NONE};

#[test]
fn preflight_lists_all_failures_in_the_order_of_the_table() {
    let market = Market::new();
    let stranger = market.stranger.address();
    let bid = market.register(&Order {
        counterparty: stranger,
        ..market.bid()
    });
    let ask = Order {
        counterparty: stranger,
        quantity: u(QUANTITY - 1),
        ..market.ask()
    };
    let ask = market.register(&ask);
    let pair = (bid, ask);
    let (admin, seller, buyer) = (
        market.admin,
        market.seller.address(),
        market.buyer.address(),
    );
    for party in [buyer, seller, market.dvp.address()] {
        market.cash.sender(admin).set_blacklisted(party, true);
    }
    market.cash.sender(admin).set_paused(true);
    market.cash.sender(admin).hold(buyer, u(0));
    market
        .cash
        .sender(admin)
        .allow(buyer, market.dvp.address(), u(0));
    market.security.sender(admin).hold(seller, u(0));
    market
        .security
        .sender(admin)
        .allow(seller, market.dvp.address(), u(0));
    market.security.sender(admin).restrict(u(7), u(0));
    market
        .dvp
        .sender(admin)
        .list_security(market.security.address(), false)
        .motsu_unwrap();
    market.dvp.sender(market.pauser).pause().motsu_unwrap();
    market
        .dvp
        .sender(market.buyer)
        .cancel_all_orders()
        .motsu_unwrap();
    let all = [1, 9, 13, 15, 16, 18, 19, 20, 21, 22, 23, 24, 25, 26, 30];
    market.assert_fails(pair, &all, 7);
}

#[test]
fn preflight_leaves_out_what_needs_an_unknown_order() {
    let market = Market::new();
    let (bid, ask) = market.pair();
    let unknown = B256::repeat_byte(1);
    market.security.sender(market.admin).restrict(u(7), u(0));
    market
        .security
        .sender(market.admin)
        .hold(market.seller.address(), u(0));
    market
        .cash
        .sender(market.admin)
        .hold(market.buyer.address(), u(0));
    market
        .cash
        .sender(market.admin)
        .set_blacklisted(market.seller.address(), true);
    market
        .cash
        .sender(market.admin)
        .set_blacklisted(market.buyer.address(), true);
    market.assert_fails((unknown, ask), &[3, 20, 25], 0);
    market.assert_fails((bid, unknown), &[4, 24], 0);
    market.assert_fails((unknown, unknown), &[2, 3, 4], 0);
}

#[test]
fn preflight_leaves_the_buyers_cash_out_when_prices_do_not_cross() {
    let market = Market::new();
    let bid = market.register(&Order {
        limitTotal: u(1),
        ..market.bid()
    });
    let ask = market.register(&market.ask());
    market
        .cash
        .sender(market.admin)
        .hold(market.buyer.address(), u(0));
    market.assert_fails((bid, ask), &[17], 0);
}

#[test]
fn preflight_names_an_unlisted_security_of_either_order() {
    let market = Market::new();
    let second = Contract::<super::token::MockToken>::new();
    let list = |security: Address, listed| {
        let mut admin = market.dvp.sender(market.admin);
        admin.list_security(security, listed).motsu_unwrap();
    };
    let (first, second) = (market.security.address(), second.address());
    list(second, true);
    let (bid, other) = (
        market.bid(),
        Order {
            security: second,
            ..market.ask()
        },
    );
    let pair = (market.register(&bid), market.register(&other));
    // The seller holds and allows nothing of the second security.
    market.assert_fails(pair, &[8, 20, 21], 0);
    for delisted in [first, second] {
        list(delisted, false);
        market.assert_fails(pair, &[8, 18, 20, 21], 0);
        let failures = vec![8, 18, 20, 21];
        assert_eq!(market.preflight_signed(&bid, &other), (failures, 0));
        list(delisted, true);
    }
}

#[test]
fn preflight_signed_asks_an_unlisted_security_too() {
    let market = Market::new();
    let second = Contract::<super::token::MockToken>::new();
    let admin = market.admin;
    second
        .sender(admin)
        .hold(market.seller.address(), u(QUANTITY));
    second
        .sender(admin)
        .allow(market.seller.address(), market.dvp.address(), u(QUANTITY));
    second.sender(admin).restrict(u(9), u(8));
    let bid = Order {
        security: second.address(),
        ..market.bid()
    };
    let ask = Order {
        security: second.address(),
        ..market.ask()
    };
    assert_eq!(market.preflight_signed(&bid, &ask), (vec![3, 4, 18, 19], 8));
    second.sender(admin).set_checks_spender(true);
    assert_eq!(market.preflight_signed(&bid, &ask), (vec![3, 4, 18, 19], 9));
    second.sender(admin).restrict(u(0), u(0));
    assert_eq!(market.preflight_signed(&bid, &ask), (vec![3, 4, 18], 0));
}

#[test]
fn preflight_changes_nothing() {
    let market = Market::new();
    let pair = market.pair();
    let before = market.state(&[pair.0, pair.1]);
    market.preflight(pair);
    let unseen = Order {
        boardRef: B256::ZERO,
        ..market.bid()
    };
    market.preflight_signed(&unseen, &market.ask());
    assert_eq!(market.state(&[pair.0, pair.1]), before);
    assert_eq!(market.order_state(market.id(&unseen)), NONE);
}

#[test]
fn is_expired_is_true_only_for_an_open_order_past_its_expiry() {
    let market = Market::new();
    let order = market.bid();
    let id = market.id(&order);
    assert!(!market.dvp.sender(market.stranger).is_expired(id));
    market.register(&order);
    assert!(!market.dvp.sender(market.stranger).is_expired(id));
    let head = market.dvp.sender(market.admin).head(id);
    market.dvp.sender(market.admin).set_head(
        id,
        &crate::record::Head {
            expiry: NOW,
            ..head
        },
    );
    assert!(market.dvp.sender(market.stranger).is_expired(id));
    market
        .dvp
        .sender(market.operator)
        .cancel_order_by_id(id, B256::ZERO)
        .motsu_unwrap();
    assert!(!market.dvp.sender(market.stranger).is_expired(id));
    assert_ne!(head.owner, Address::ZERO);
}
