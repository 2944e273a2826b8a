//! Cancelling orders, one by one and all at once.

use alloy_primitives::{Address, B256};
use motsu::prelude::*;

use super::fixture::{Market, u};
use crate::{
    error::Error,
    event::{EpochAdvanced, OrderCancelled},
    order::{ASK, Order},
    record::{CANCELLED, FILLED, NONE},
    returns::OrderView,
};

#[test]
fn the_owner_cancels_a_registered_order() {
    let market = Market::new();
    let order = market.ask();
    let id = market.register(&order);
    market
        .dvp
        .sender(market.seller)
        .cancel_order(order.clone())
        .motsu_unwrap();
    assert_eq!(market.order_state(id), CANCELLED);
    let event = OrderCancelled {
        id,
        by: order.owner,
        reason: B256::ZERO,
    };
    assert_eq!(market.events::<OrderCancelled>(), [event]);
    let stored = market.dvp.sender(market.stranger).get_order(id);
    assert_eq!((stored.quantity, stored.state), (order.quantity, CANCELLED));
}

#[test]
fn the_owner_cancels_before_registration_whatever_the_order_says() {
    let market = Market::new();
    let good = market.ask();
    let orders = [
        good.clone(),
        Order {
            expiry: 0,
            ..good.clone()
        },
        Order {
            expiry: u64::MAX,
            epoch: u64::MAX,
            side: 9,
            ..good.clone()
        },
        Order {
            security: Address::ZERO,
            payment: Address::ZERO,
            ..good
        },
    ];
    for order in orders {
        let id = market.id(&order);
        market
            .dvp
            .sender(market.seller)
            .cancel_order(order)
            .motsu_unwrap();
        assert_eq!(market.order_state(id), CANCELLED);
        let left = market.dvp.sender(market.stranger).get_order(id);
        assert_eq!(
            (left.owner, left.state),
            (market.seller.address(), CANCELLED)
        );
    }
}

#[test]
fn an_order_cancelled_before_registration_keeps_owner_side_and_state() {
    let market = Market::new();
    let order = market.ask();
    let id = market.id(&order);
    market
        .dvp
        .sender(market.seller)
        .cancel_order(order.clone())
        .motsu_unwrap();
    let left = OrderView {
        owner: order.owner,
        side: ASK,
        security: Address::ZERO,
        quantity: alloy_primitives::U256::ZERO,
        limitTotal: alloy_primitives::U256::ZERO,
        expiry: 0,
        epoch: 0,
        counterparty: Address::ZERO,
        state: CANCELLED,
    };
    assert_eq!(market.dvp.sender(market.stranger).get_order(id), left);
    assert!(!market.dvp.sender(market.stranger).is_expired(id));
}

#[test]
fn cancels_work_while_paused() {
    let market = Market::new();
    let (bid, ask) = market.pair();
    market.dvp.sender(market.pauser).pause().motsu_unwrap();
    market
        .dvp
        .sender(market.buyer)
        .cancel_order(market.bid())
        .motsu_unwrap();
    market
        .dvp
        .sender(market.operator)
        .cancel_order_by_id(ask, B256::ZERO)
        .motsu_unwrap();
    assert_eq!(
        (market.order_state(bid), market.order_state(ask)),
        (CANCELLED, CANCELLED)
    );
    assert_eq!(
        market
            .dvp
            .sender(market.buyer)
            .cancel_all_orders()
            .motsu_unwrap(),
        1
    );
}

#[test]
fn cancel_order_reverts_for_everybody_but_the_owner() {
    let market = Market::new();
    let order = market.ask();
    let id = market.register(&order);
    for caller in [market.operator, market.buyer, market.admin, market.stranger] {
        let error = Error::NotOrderOwner {
            id,
            caller: caller.address(),
        };
        market.assert_refused(&[id], error, || {
            market
                .dvp
                .sender(caller)
                .cancel_order(order.clone())
                .motsu_res()
        });
    }
}

#[test]
fn cancel_order_reverts_when_cancelled_or_filled() {
    let market = Market::new();
    let (bid, ask) = market.pair();
    let again = Order {
        boardRef: B256::ZERO,
        ..market.bid()
    };
    let cancelled = market.register(&again);
    market
        .dvp
        .sender(market.buyer)
        .cancel_order(again.clone())
        .motsu_unwrap();
    let error = Error::OrderNotCancellable {
        id: cancelled,
        state: CANCELLED,
    };
    market.assert_refused(&[cancelled], error, || {
        market
            .dvp
            .sender(market.buyer)
            .cancel_order(again.clone())
            .motsu_res()
    });
    market.settle((bid, ask)).unwrap();
    let error = Error::OrderNotCancellable {
        id: bid,
        state: FILLED,
    };
    market.assert_refused(&[bid, ask], error, || {
        market
            .dvp
            .sender(market.buyer)
            .cancel_order(market.bid())
            .motsu_res()
    });
}

#[test]
fn owner_and_operator_cancel_by_id_with_a_reason() {
    let market = Market::new();
    let (bid, ask) = market.pair();
    let reason = B256::repeat_byte(5);
    market
        .dvp
        .sender(market.buyer)
        .cancel_order_by_id(bid, reason)
        .motsu_unwrap();
    market
        .dvp
        .sender(market.operator)
        .cancel_order_by_id(ask, reason)
        .motsu_unwrap();
    let events = [
        OrderCancelled {
            id: bid,
            by: market.buyer.address(),
            reason,
        },
        OrderCancelled {
            id: ask,
            by: market.operator.address(),
            reason,
        },
    ];
    assert_eq!(market.events::<OrderCancelled>(), events);
    assert_eq!(
        (market.order_state(bid), market.order_state(ask)),
        (CANCELLED, CANCELLED)
    );
}

#[test]
fn cancel_order_by_id_reverts_for_an_unknown_order() {
    let market = Market::new();
    let id = market.id(&market.bid());
    for caller in [market.buyer, market.operator, market.stranger] {
        market.assert_refused(
            &[id],
            Error::OrderNotCancellable { id, state: NONE },
            || {
                market
                    .dvp
                    .sender(caller)
                    .cancel_order_by_id(id, B256::ZERO)
                    .motsu_res()
            },
        );
    }
}

#[test]
fn cancel_order_by_id_reverts_for_a_stranger() {
    let market = Market::new();
    let id = market.register(&market.bid());
    for caller in [market.seller, market.admin, market.stranger] {
        let error = Error::NotOrderOwner {
            id,
            caller: caller.address(),
        };
        market.assert_refused(&[id], error, || {
            market
                .dvp
                .sender(caller)
                .cancel_order_by_id(id, B256::ZERO)
                .motsu_res()
        });
    }
}

#[test]
fn cancel_order_by_id_reverts_when_cancelled_or_filled() {
    let market = Market::new();
    let (bid, ask) = market.pair();
    market.settle((bid, ask)).unwrap();
    for caller in [market.buyer, market.operator] {
        let error = Error::OrderNotCancellable {
            id: bid,
            state: FILLED,
        };
        market.assert_refused(&[bid], error, || {
            market
                .dvp
                .sender(caller)
                .cancel_order_by_id(bid, B256::ZERO)
                .motsu_res()
        });
    }
    let order = Order {
        boardRef: B256::ZERO,
        ..market.bid()
    };
    let id = market.register(&order);
    market
        .dvp
        .sender(market.operator)
        .cancel_order_by_id(id, B256::ZERO)
        .motsu_unwrap();
    market.assert_refused(
        &[id],
        Error::OrderNotCancellable {
            id,
            state: CANCELLED,
        },
        || {
            market
                .dvp
                .sender(market.buyer)
                .cancel_order_by_id(id, B256::ZERO)
                .motsu_res()
        },
    );
}

#[test]
fn an_order_settled_unregistered_is_known_by_its_owner() {
    let market = Market::new();
    let (bid, ask) = (market.bid(), market.ask());
    market.settle_signed(&bid, &ask).unwrap();
    let id = market.id(&bid);
    let error = Error::OrderNotCancellable { id, state: FILLED };
    market.assert_refused(&[id], error, || {
        market
            .dvp
            .sender(market.buyer)
            .cancel_order_by_id(id, B256::ZERO)
            .motsu_res()
    });
    let error = Error::NotOrderOwner {
        id,
        caller: market.stranger.address(),
    };
    market.assert_refused(&[id], error, || {
        market
            .dvp
            .sender(market.stranger)
            .cancel_order_by_id(id, B256::ZERO)
            .motsu_res()
    });
}

#[test]
fn cancel_all_orders_kills_every_earlier_order_of_the_caller_alone() {
    let market = Market::new();
    let pair = market.pair();
    let unregistered = Order {
        boardRef: B256::ZERO,
        ..market.bid()
    };
    let owner = market.buyer.address();
    assert_eq!(
        market
            .dvp
            .sender(market.buyer)
            .cancel_all_orders()
            .motsu_unwrap(),
        1
    );
    assert_eq!(
        market.events::<EpochAdvanced>(),
        [EpochAdvanced { owner, epoch: 1 }]
    );
    assert_eq!(market.dvp.sender(market.stranger).epoch_of(owner), 1);
    assert_eq!(
        market
            .dvp
            .sender(market.stranger)
            .epoch_of(market.seller.address()),
        0
    );
    market.assert_fails(pair, &[13], 0);
    market.assert_refused(&[], Error::InvalidOrder { field: 7 }, || {
        market.try_register(&unregistered)
    });
    let next = market.register(&Order {
        epoch: 1,
        ..unregistered
    });
    market.settle((next, pair.1)).unwrap();
}

#[test]
fn cancel_all_orders_reverts_when_the_epochs_are_used_up() {
    let market = Market::new();
    let last = u(u32::MAX.into());
    market
        .dvp
        .sender(market.buyer)
        .epochs
        .set(market.buyer.address().into_word(), last);
    market.assert_refused(&[], Error::OVERFLOW, || {
        market
            .dvp
            .sender(market.buyer)
            .cancel_all_orders()
            .motsu_res()
    });
}
