//! Cancelling orders, one by one and all at once.

use alloy_primitives::{Address, B256, LogData};
use alloy_sol_types::SolEvent;
use motsu::prelude::*;
use runtime::abi::Revert;
use stylus_sdk::abi::Bytes;

use super::{
    fixture::{Market, NOW, u},
    wallet::MockWallet,
};
use crate::{
    error::Error,
    event::{EpochAdvanced, OrderCancelled, OrderVoided},
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
        NOW
    );
}

#[test]
fn cancelling_before_registration_logs_the_terms_and_cancelling_after_it_does_not() {
    let market = Market::new();
    let (unregistered, registered) = (market.bid(), market.ask());
    market.register(&registered);
    let (buyer, seller) = (market.buyer, market.seller);
    for (owner, order) in [(buyer, &unregistered), (seller, &registered)] {
        let mut dvp = market.dvp.sender(owner);
        dvp.cancel_order(order.clone()).motsu_unwrap();
    }
    let id = market.id(&unregistered);
    let voided = OrderVoided {
        id,
        owner: unregistered.owner,
        order: unregistered,
    };
    assert_eq!(
        market.events::<OrderVoided>(),
        std::slice::from_ref(&voided)
    );
    let logs = market.dvp.all_events();
    let position = |data: LogData| logs.iter().position(|log| *log == data).unwrap();
    let cancelled = OrderCancelled {
        id,
        by: voided.owner,
        reason: B256::ZERO,
    };
    let before = position(voided.encode_log_data());
    assert_eq!(before + 1, position(cancelled.encode_log_data()));
}

/// Has a stranger send the cancel of `order`.
fn cancel_signed(market: &Market, order: &Order, signature: Bytes) -> Result<(), Revert> {
    let mut dvp = market.dvp.sender(market.stranger);
    dvp.cancel_order_signed(order.clone(), signature)
        .motsu_res()
}

#[test]
fn anybody_sends_the_cancel_that_the_owner_signed() {
    for (registered, paused) in [(false, false), (true, false), (false, true), (true, true)] {
        let market = Market::new();
        let order = market.ask();
        let id = market.id(&order);
        if registered {
            market.register(&order);
        }
        if paused {
            market.dvp.sender(market.pauser).pause().motsu_unwrap();
        }
        let signature = market.cancel_signature(market.seller, id);
        assert_eq!(cancel_signed(&market, &order, signature), Ok(()));
        assert_eq!(market.order_state(id), CANCELLED);
        let event = OrderCancelled {
            id,
            by: order.owner,
            reason: B256::ZERO,
        };
        assert_eq!(market.events::<OrderCancelled>(), [event]);
        assert_eq!(
            market.events::<OrderVoided>().len(),
            usize::from(!registered)
        );
    }
}

#[test]
fn cancel_order_signed_reverts_when_the_signature_is_not_the_owners() {
    let market = Market::new();
    let order = market.ask();
    let id = market.register(&order);
    let other = market.id(&Order {
        boardRef: B256::ZERO,
        ..order.clone()
    });
    let good = market.cancel_signature(market.seller, id);
    let signatures = [
        market.cancel_signature(market.stranger, id),
        market.cancel_signature(market.seller, other),
        // Who signed the order did not sign its cancel.
        market.signature(&order),
        Bytes(vec![]),
        Bytes(good.0[..64].to_vec()),
    ];
    for signature in signatures {
        let error = Error::InvalidSignature { owner: order.owner };
        market.assert_refused(&[id], error, || cancel_signed(&market, &order, signature));
    }
    // It cancels that order and no other of the owner.
    let changed = Order {
        quantity: order.quantity + u(1),
        ..order.clone()
    };
    let error = Error::InvalidSignature { owner: order.owner };
    market.assert_refused(&[id, market.id(&changed)], error, || {
        cancel_signed(&market, &changed, Bytes(good.0.clone()))
    });
    VM::context().set_chain_id(1);
    let error = Error::InvalidSignature { owner: order.owner };
    market.assert_refused(&[id], error, || {
        cancel_signed(&market, &order, Bytes(good.0.clone()))
    });
}

#[test]
fn cancel_order_signed_reverts_when_cancelled_or_filled() {
    let market = Market::new();
    let (bid, ask) = (market.bid(), market.ask());
    let signature = |order: &Order, account| market.cancel_signature(account, market.id(order));
    let again = Order {
        boardRef: B256::ZERO,
        ..market.bid()
    };
    cancel_signed(&market, &again, signature(&again, market.buyer)).unwrap();
    market.settle_signed(&bid, &ask).unwrap();
    for (order, account, state) in [
        (&again, market.buyer, CANCELLED),
        (&bid, market.buyer, FILLED),
        (&ask, market.seller, FILLED),
    ] {
        let id = market.id(order);
        let error = Error::OrderNotCancellable { id, state };
        market.assert_refused(&[id], error, || {
            cancel_signed(&market, order, signature(order, account))
        });
    }
}

#[test]
fn a_wallet_is_asked_whether_it_cancels() {
    let market = Market::new();
    let wallet = Contract::<MockWallet>::new();
    let order = Order {
        owner: wallet.address(),
        ..market.bid()
    };
    let id = market.id(&order);
    let cancel = || cancel_signed(&market, &order, Bytes(vec![1, 2, 3]));
    let refusal = || Error::InvalidSignature { owner: order.owner };
    market.assert_refused(&[id], refusal(), cancel);
    // A wallet that agrees to the order has not agreed to cancel it.
    wallet.sender(market.stranger).agree(id);
    market.assert_refused(&[id], refusal(), cancel);
    wallet
        .sender(market.stranger)
        .agree(market.cancel_digest(id));
    assert_eq!(cancel(), Ok(()));
    assert_eq!(market.order_state(id), CANCELLED);
}

#[test]
fn an_order_of_nobody_is_not_cancelled_by_an_empty_signature() {
    let market = Market::new();
    let order = Order {
        owner: Address::ZERO,
        ..market.bid()
    };
    let error = Error::InvalidSignature { owner: order.owner };
    market.assert_refused(&[market.id(&order)], error, || {
        cancel_signed(&market, &order, Bytes(vec![]))
    });
}

#[test]
fn an_order_signed_for_the_next_epochs_stays_dead() {
    let market = Market::new();
    let signed: Vec<Order> = (1..4)
        .map(|epoch| Order {
            epoch,
            ..market.bid()
        })
        .collect();
    let mut dvp = market.dvp.sender(market.buyer);
    assert_eq!(dvp.cancel_all_orders().motsu_unwrap(), NOW);
    drop(dvp);
    for order in signed {
        market.assert_refused(&[], Error::InvalidOrder { field: 7 }, || {
            market.try_register(&order)
        });
    }
}

#[test]
fn every_epoch_is_later_than_the_last_one() {
    let market = Market::new();
    let owner = market.buyer.address();
    let advance = || {
        market
            .dvp
            .sender(market.buyer)
            .cancel_all_orders()
            .motsu_unwrap()
    };
    // The second within one second; then after a clock that went ahead.
    assert_eq!([advance(), advance()], [NOW, NOW + 1]);
    let mut dvp = market.dvp.sender(market.buyer);
    dvp.epochs.set(owner.into_word(), u(NOW + 100));
    drop(dvp);
    assert_eq!(advance(), NOW + 101);
    let epochs = market.events::<EpochAdvanced>().into_iter();
    let epochs: Vec<u64> = epochs.map(|event| event.epoch).collect();
    assert_eq!(epochs, [NOW, NOW + 1, NOW + 101]);
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
        NOW
    );
    assert_eq!(
        market.events::<EpochAdvanced>(),
        [EpochAdvanced { owner, epoch: NOW }]
    );
    assert_eq!(market.dvp.sender(market.stranger).epoch_of(owner), NOW);
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
        epoch: NOW,
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
