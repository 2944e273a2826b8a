//! Opening orders.

use alloy_primitives::{Address, B256};
use motsu::prelude::*;
use stylus_sdk::abi::Bytes;

use super::{
    fixture::{Market, NOW, u},
    wallet::MockWallet,
};
use crate::{
    error::Error,
    event::OrderRegistered,
    order::{ASK, MAX_AMOUNT, MAX_LIFETIME, Order},
    record::{CANCELLED, FILLED, NONE, OPEN},
    returns::OrderView,
};

fn view(order: &Order, state: u8) -> OrderView {
    OrderView {
        owner: order.owner,
        side: order.side,
        security: order.security,
        quantity: order.quantity,
        limitTotal: order.limitTotal,
        expiry: order.expiry,
        epoch: order.epoch,
        counterparty: order.counterparty,
        state,
    }
}

#[test]
fn register_order_opens_stores_and_logs_the_order() {
    let market = Market::new();
    let order = Order {
        counterparty: market.buyer.address(),
        ..market.ask()
    };
    let id = market.id(&order);
    assert_eq!(market.order_state(id), NONE);
    assert_eq!(market.register(&order), id);
    assert_eq!(market.order_state(id), OPEN);
    assert_eq!(
        market.dvp.sender(market.stranger).get_order(id),
        view(&order, OPEN)
    );
    assert!(!market.dvp.sender(market.stranger).is_expired(id));
    let event = OrderRegistered {
        id,
        owner: order.owner,
        security: order.security,
        signature: market.signature(&order).0.into(),
        order,
        by: market.operator.address(),
    };
    assert_eq!(market.events::<OrderRegistered>(), [event]);
}

#[test]
fn the_owner_registers_without_a_signature() {
    let market = Market::new();
    let order = market.bid();
    let id = market
        .dvp
        .sender(market.buyer)
        .register_order(order.clone(), Bytes(vec![]));
    let id = id.motsu_unwrap();
    assert_eq!(market.order_state(id), OPEN);
    let event = &market.events::<OrderRegistered>()[0];
    assert_eq!(
        (event.by, event.signature.len()),
        (market.buyer.address(), 0)
    );
}

#[test]
fn the_owner_registers_with_a_valid_signature() {
    let market = Market::new();
    let order = market.bid();
    let signature = market.signature(&order);
    market
        .dvp
        .sender(market.buyer)
        .register_order(order.clone(), signature)
        .motsu_unwrap();
    assert_eq!(market.order_state(market.id(&order)), OPEN);
}

#[test]
fn register_order_reverts_when_the_owner_sends_a_bad_signature() {
    let market = Market::new();
    let order = market.bid();
    let ids = [market.id(&order)];
    market.assert_refused(&ids, Error::InvalidSignature { owner: order.owner }, || {
        let signature = market.signed_by(market.stranger, &order);
        market
            .dvp
            .sender(market.buyer)
            .register_order(order.clone(), signature)
            .motsu_res()
    });
}

#[test]
fn register_order_reverts_for_a_stranger() {
    let market = Market::new();
    let order = market.bid();
    let ids = [market.id(&order)];
    for caller in [market.stranger, market.seller, market.admin] {
        market.assert_refused(&ids, Market::not_operator(caller), || {
            let signature = market.signature(&order);
            market
                .dvp
                .sender(caller)
                .register_order(order.clone(), signature)
                .motsu_res()
        });
    }
}

#[test]
fn register_order_reverts_when_paused() {
    let market = Market::new();
    market.dvp.sender(market.pauser).pause().motsu_unwrap();
    let order = market.bid();
    market.assert_refused(&[market.id(&order)], Error::EnforcedPause {}, || {
        market.try_register(&order)
    });
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn register_order_reverts_naming_the_first_bad_field() {
    let market = Market::new();
    let bid = market.bid();
    let one = u(1);
    let cases = [
        (
            0,
            Order {
                owner: Address::ZERO,
                ..bid.clone()
            },
        ),
        (
            1,
            Order {
                side: 2,
                ..bid.clone()
            },
        ),
        (
            2,
            Order {
                security: market.cash.address(),
                ..bid.clone()
            },
        ),
        (
            3,
            Order {
                payment: market.security.address(),
                ..bid.clone()
            },
        ),
        (
            4,
            Order {
                quantity: u(0),
                ..bid.clone()
            },
        ),
        (
            4,
            Order {
                quantity: MAX_AMOUNT + one,
                ..bid.clone()
            },
        ),
        (
            5,
            Order {
                limitTotal: u(0),
                ..bid.clone()
            },
        ),
        (
            5,
            Order {
                limitTotal: MAX_AMOUNT + one,
                ..bid.clone()
            },
        ),
        (
            6,
            Order {
                expiry: NOW,
                ..bid.clone()
            },
        ),
        (
            6,
            Order {
                expiry: NOW + MAX_LIFETIME + 1,
                ..bid.clone()
            },
        ),
        (
            7,
            Order {
                epoch: 1,
                ..bid.clone()
            },
        ),
        (
            7,
            Order {
                epoch: 1 << 32,
                ..bid.clone()
            },
        ),
        (
            1,
            Order {
                side: 2,
                expiry: 0,
                epoch: 9,
                ..bid
            },
        ),
    ];
    for (field, order) in cases {
        market.assert_refused(&[market.id(&order)], Error::InvalidOrder { field }, || {
            market.try_register(&order)
        });
    }
}

#[test]
fn register_order_accepts_the_largest_order() {
    let market = Market::new();
    let order = Order {
        quantity: MAX_AMOUNT,
        limitTotal: MAX_AMOUNT,
        expiry: NOW + MAX_LIFETIME,
        ..market.bid()
    };
    let id = market.register(&order);
    assert_eq!(
        market.dvp.sender(market.stranger).get_order(id),
        view(&order, OPEN)
    );
}

#[test]
fn register_order_accepts_an_expiry_366_days_ahead_and_no_later_one() {
    let market = Market::new();
    let until = |expiry| Order {
        expiry,
        ..market.bid()
    };
    let last = NOW + 31_622_400;
    market.register(&until(last));
    market.assert_refused(&[], Error::InvalidOrder { field: 6 }, || {
        market.try_register(&until(last + 1))
    });
}

#[test]
fn register_order_reverts_when_the_id_is_used() {
    let market = Market::new();
    let pair = market.pair();
    let (bid, ask) = (market.bid(), market.ask());
    let id = pair.0;
    market.assert_refused(
        &[id],
        Error::OrderNotRegistrable { id, state: OPEN },
        || market.try_register(&bid),
    );
    market.settle(pair).unwrap();
    market.assert_refused(
        &[id],
        Error::OrderNotRegistrable { id, state: FILLED },
        || market.try_register(&bid),
    );
    let other = Order {
        boardRef: B256::ZERO,
        ..ask
    };
    let id = market.id(&other);
    market
        .dvp
        .sender(market.seller)
        .cancel_order(other.clone())
        .motsu_unwrap();
    market.assert_refused(
        &[id],
        Error::OrderNotRegistrable {
            id,
            state: CANCELLED,
        },
        || market.try_register(&other),
    );
}

#[test]
fn register_order_reverts_when_the_signature_is_not_the_owners() {
    let market = Market::new();
    let order = market.bid();
    let good = market.signature(&order).0;
    let mut zero_v = good.clone();
    zero_v[64] = 0;
    let mut last = good.clone();
    last[10] ^= 1;
    let bad = [
        market.signed_by(market.stranger, &order).0,
        vec![],
        vec![0; 65],
        good[..64].to_vec(),
        [good, vec![0]].concat(),
        zero_v,
        last,
    ];
    for signature in bad {
        market.assert_refused(
            &[market.id(&order)],
            Error::InvalidSignature { owner: order.owner },
            || {
                let signature = Bytes(signature);
                market
                    .dvp
                    .sender(market.operator)
                    .register_order(order.clone(), signature)
                    .motsu_res()
            },
        );
    }
}

#[test]
fn register_order_reverts_when_any_field_changed_after_signing() {
    let market = Market::new();
    let order = market.bid();
    let signature = market.signature(&order);
    let second = Contract::<super::token::MockToken>::new();
    market
        .dvp
        .sender(market.admin)
        .list_security(second.address(), true)
        .motsu_unwrap();
    let changed = [
        Order {
            owner: market.seller.address(),
            ..order.clone()
        },
        Order {
            side: ASK,
            ..order.clone()
        },
        Order {
            security: second.address(),
            ..order.clone()
        },
        Order {
            quantity: order.quantity + u(1),
            ..order.clone()
        },
        Order {
            limitTotal: order.limitTotal + u(1),
            ..order.clone()
        },
        Order {
            expiry: order.expiry + 1,
            ..order.clone()
        },
        Order {
            counterparty: market.seller.address(),
            ..order.clone()
        },
        Order {
            boardRef: B256::ZERO,
            ..order
        },
    ];
    for order in changed {
        let error = Error::InvalidSignature { owner: order.owner };
        market.assert_refused(&[market.id(&order)], error, || {
            let signature = Bytes(signature.0.clone());
            market
                .dvp
                .sender(market.operator)
                .register_order(order.clone(), signature)
                .motsu_res()
        });
    }
}

#[test]
fn register_order_reverts_when_signed_for_another_chain() {
    let market = Market::new();
    let order = market.bid();
    let signature = market.signature(&order);
    VM::context().set_chain_id(1);
    let error = Error::InvalidSignature { owner: order.owner };
    market.assert_refused(&[market.id(&order)], error, || {
        market
            .dvp
            .sender(market.operator)
            .register_order(order.clone(), signature)
            .motsu_res()
    });
}

#[test]
fn register_order_asks_a_wallet_for_its_signature() {
    let market = Market::new();
    let wallet = Contract::<MockWallet>::new();
    let order = Order {
        owner: wallet.address(),
        ..market.bid()
    };
    let id = market.id(&order);
    let register = || {
        let signature = Bytes(vec![1, 2, 3]);
        market
            .dvp
            .sender(market.operator)
            .register_order(order.clone(), signature)
            .motsu_res()
    };
    market.assert_refused(
        &[id],
        Error::InvalidSignature { owner: order.owner },
        register,
    );
    wallet.sender(market.stranger).agree(id);
    assert_eq!(register(), Ok(id));
}

#[test]
fn equal_orders_with_different_board_references_are_distinct() {
    let market = Market::new();
    let order = market.bid();
    let other = Order {
        boardRef: B256::repeat_byte(77),
        ..order.clone()
    };
    assert_ne!(market.register(&order), market.register(&other));
}
