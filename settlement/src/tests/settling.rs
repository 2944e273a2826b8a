//! Settling registered pairs, and each reason against it.

use alloy_primitives::{Address, B256};
use motsu::prelude::*;
use proptest::prelude::*;

use super::{
    fixture::{ASK_LIMIT, CRD, Market, NOW, QUANTITY, TOTAL, refused, u},
    token::{MockToken, calls},
};
use crate::{
    error::Error,
    event::Settled,
    globals::{Globals, MAX_SETTLEMENTS},
    order::{ASK, BID, Order},
    record::{CANCELLED, FILLED, Head, OPEN},
};

#[test]
fn settle_moves_both_legs_and_logs_the_settlement() {
    let market = Market::new();
    let pair = market.pair();
    assert_eq!(market.preflight(pair), (vec![], 0));
    assert_eq!(market.settle(pair), Ok(u(1)));
    let expected = [1_000 - QUANTITY, QUANTITY, 0, TOTAL, 50_000 - TOTAL, 0].map(u);
    assert_eq!(market.holdings(), expected);
    assert_eq!(
        (market.order_state(pair.0), market.order_state(pair.1)),
        (FILLED, FILLED)
    );
    assert_eq!(market.count(), u(1));
    let event = market.settled(pair.0, pair.1);
    assert_eq!(market.events::<Settled>(), [event]);
}

#[test]
fn settlements_are_numbered_from_one() {
    let market = Market::new();
    let pair = market.pair();
    assert_eq!(market.settle(pair), Ok(u(1)));
    let dvp = market.dvp.address();
    market
        .security
        .sender(market.admin)
        .allow(market.seller.address(), dvp, u(QUANTITY));
    market
        .cash
        .sender(market.admin)
        .allow(market.buyer.address(), dvp, u(TOTAL));
    let bid = market.register(&Order {
        boardRef: B256::ZERO,
        ..market.bid()
    });
    let ask = market.register(&Order {
        boardRef: B256::ZERO,
        ..market.ask()
    });
    assert_eq!(market.settle((bid, ask)), Ok(u(2)));
    assert_eq!(market.count(), u(2));
}

#[test]
fn settle_reverts_for_everybody_but_an_operator_before_anything_else() {
    let market = Market::new();
    let pair = market.pair();
    market.dvp.sender(market.pauser).pause().motsu_unwrap();
    for caller in [
        market.admin,
        market.pauser,
        market.seller,
        market.buyer,
        market.stranger,
    ] {
        market.assert_refused(&[pair.0, pair.1], Market::not_operator(caller), || {
            market.dvp.sender(caller).settle(pair.0, pair.1).motsu_res()
        });
        market.assert_refused(&[pair.0, pair.1], Market::not_operator(caller), || {
            market
                .dvp
                .sender(caller)
                .settle(B256::ZERO, B256::ZERO)
                .motsu_res()
        });
    }
}

#[test]
fn a_rotated_operator_settles_and_the_old_one_reverts() {
    let market = Market::new();
    let pair = market.pair();
    let role = crate::administration::operator_role();
    let (old, new) = (market.operator, market.stranger);
    market
        .dvp
        .sender(market.admin)
        .revoke_role(role, old.address())
        .motsu_unwrap();
    market
        .dvp
        .sender(market.admin)
        .grant_role(role, new.address())
        .motsu_unwrap();
    market.assert_refused(&[pair.0, pair.1], Market::not_operator(old), || {
        market.settle(pair)
    });
    assert_eq!(
        market.dvp.sender(new).settle(pair.0, pair.1).motsu_unwrap(),
        u(1)
    );
}

#[test]
fn settle_reverts_when_paused() {
    let market = Market::new();
    let pair = market.pair();
    market.dvp.sender(market.pauser).pause().motsu_unwrap();
    market.assert_fails(pair, &[1], 0);
    market.dvp.sender(market.admin).unpause().motsu_unwrap();
    market.settle(pair).unwrap();
}

#[test]
fn settle_reverts_when_the_numbers_are_used_up() {
    let market = Market::new();
    let pair = market.pair();
    let globals = Globals {
        payment: market.cash.address(),
        crd: CRD,
        settlements: MAX_SETTLEMENTS - 1,
        paused: false,
        commitment_required: false,
        payment_holds: false,
    };
    market.dvp.sender(market.admin).set_globals(&globals);
    assert_eq!(market.preflight(pair), (vec![], 0));
    market.dvp.sender(market.admin).set_globals(&Globals {
        settlements: MAX_SETTLEMENTS,
        ..globals
    });
    market.assert_fails(pair, &[1], 0);
}

#[test]
fn settle_reverts_when_bid_and_ask_are_one_order() {
    let market = Market::new();
    let (bid, ask) = market.pair();
    market.assert_fails((bid, bid), &[2, 6, 7, 20, 21, 23], 0);
    market.assert_fails((ask, ask), &[2, 5, 7, 22, 23], 0);
}

#[test]
fn settle_asks_nobody_about_a_pair_whose_terms_disagree_or_for_a_stranger() {
    let market = Market::new();
    let (bid, ask) = market.pair();
    calls();
    assert_eq!(market.settle((ask, bid)), Err(refused(5).into()));
    let stranger = market.stranger;
    let settled = market.dvp.sender(stranger).settle(bid, ask).motsu_res();
    assert_eq!(settled, Err(Market::not_operator(stranger).into()));
    assert_eq!(calls(), []);
    market.settle((bid, ask)).unwrap();
    assert_ne!(calls(), []);
}

#[test]
fn settle_reverts_when_an_order_is_not_open() {
    let market = Market::new();
    let (bid, ask) = market.pair();
    let unknown = B256::repeat_byte(3);
    market.assert_fails((unknown, ask), &[3], 0);
    market.assert_fails((bid, unknown), &[4], 0);
    market.assert_fails((unknown, B256::ZERO), &[3, 4], 0);
    market
        .dvp
        .sender(market.buyer)
        .cancel_order_by_id(bid, B256::ZERO)
        .motsu_unwrap();
    market.assert_fails((bid, ask), &[3], 0);
    assert_eq!(
        (market.order_state(bid), market.order_state(ask)),
        (CANCELLED, OPEN)
    );
}

#[test]
fn settle_reverts_when_an_order_is_filled() {
    let market = Market::new();
    let pair = market.pair();
    market.settle(pair).unwrap();
    market.assert_fails(pair, &[3, 4, 21, 23], 0);
}

#[test]
fn settle_reverts_when_the_sides_are_wrong() {
    let market = Market::new();
    let (bid, ask) = market.pair();
    let other_bid = market.register(&Order {
        side: BID,
        ..market.ask()
    });
    let other_ask = market.register(&Order {
        side: ASK,
        ..market.bid()
    });
    market.assert_fails((bid, other_bid), &[6], 0);
    market.assert_fails((other_ask, ask), &[5], 0);
    market.assert_fails((other_ask, other_bid), &[5, 6], 0);
}

#[test]
fn settle_reverts_when_both_orders_have_one_owner() {
    let market = Market::new();
    let bid = market.register(&market.bid());
    let ask = market.register(&Order {
        owner: market.buyer.address(),
        ..market.ask()
    });
    market.assert_fails((bid, ask), &[7, 20, 21], 0);
}

#[test]
fn settle_reverts_when_the_security_or_the_quantity_differs() {
    let market = Market::new();
    let second = Contract::<MockToken>::new();
    market
        .dvp
        .sender(market.admin)
        .list_security(second.address(), true)
        .motsu_unwrap();
    let ask = market.register(&market.ask());
    let other = market.register(&Order {
        security: second.address(),
        ..market.bid()
    });
    market.assert_fails((other, ask), &[8], 0);
    let more = market.register(&Order {
        quantity: u(QUANTITY + 1),
        ..market.bid()
    });
    market.assert_fails((more, ask), &[9], 0);
}

#[test]
fn settle_reverts_when_an_order_is_expired() {
    let market = Market::new();
    let (bid, ask) = market.pair();
    let expire = |id| {
        let head = market.dvp.sender(market.admin).head(id);
        market.dvp.sender(market.admin).set_head(
            id,
            &Head {
                expiry: NOW,
                ..head
            },
        );
        assert!(market.dvp.sender(market.admin).is_expired(id));
    };
    expire(bid);
    market.assert_fails((bid, ask), &[11], 0);
    expire(ask);
    market.assert_fails((bid, ask), &[11, 12], 0);
}

#[test]
fn settle_reverts_when_an_epoch_is_stale() {
    let market = Market::new();
    let pair = market.pair();
    market
        .dvp
        .sender(market.seller)
        .cancel_all_orders()
        .motsu_unwrap();
    market.assert_fails(pair, &[14], 0);
    market
        .dvp
        .sender(market.buyer)
        .cancel_all_orders()
        .motsu_unwrap();
    market.assert_fails(pair, &[13, 14], 0);
}

#[test]
fn settle_reverts_when_an_order_wants_another_counterparty() {
    let market = Market::new();
    let stranger = market.stranger.address();
    let bid = market.register(&Order {
        counterparty: stranger,
        ..market.bid()
    });
    let ask = market.register(&Order {
        counterparty: stranger,
        ..market.ask()
    });
    market.assert_fails((bid, ask), &[15, 16], 0);
    let bid = Order {
        counterparty: market.seller.address(),
        ..market.bid()
    };
    let bid = market.register(&bid);
    market.assert_fails((bid, ask), &[16], 0);
    let ask = Order {
        counterparty: market.buyer.address(),
        ..market.ask()
    };
    let ask = market.register(&ask);
    assert_eq!(market.settle((bid, ask)), Ok(u(1)));
}

#[test]
fn settle_reverts_when_the_prices_do_not_cross() {
    let market = Market::new();
    let ask = market.register(&market.ask());
    let low = market.register(&Order {
        limitTotal: u(ASK_LIMIT - 1),
        ..market.bid()
    });
    market.assert_fails((low, ask), &[17], 0);
    let equal = market.register(&Order {
        limitTotal: u(ASK_LIMIT),
        ..market.bid()
    });
    market.settle((equal, ask)).unwrap();
    assert_eq!(market.events::<Settled>()[0].total, u(ASK_LIMIT));
}

#[test]
fn the_price_is_the_floored_midpoint_in_whichever_order_they_were_registered() {
    for bid_first in [true, false] {
        let market = Market::new();
        let odd = Order {
            limitTotal: u(ASK_LIMIT + 3),
            ..market.bid()
        };
        let (bid, ask) = if bid_first {
            let bid = market.register(&odd);
            (bid, market.register(&market.ask()))
        } else {
            let ask = market.register(&market.ask());
            (market.register(&odd), ask)
        };
        market.settle((bid, ask)).unwrap();
        assert_eq!(market.events::<Settled>()[0].total, u(ASK_LIMIT + 1));
    }
}

#[test]
fn settle_reverts_when_the_security_is_not_listed_any_more() {
    let market = Market::new();
    let pair = market.pair();
    market
        .dvp
        .sender(market.admin)
        .list_security(market.security.address(), false)
        .motsu_unwrap();
    market.assert_fails(pair, &[18], 0);
    market
        .dvp
        .sender(market.admin)
        .list_security(market.security.address(), true)
        .motsu_unwrap();
    market.settle(pair).unwrap();
}

#[test]
fn settle_reverts_with_the_code_of_a_restriction() {
    let market = Market::new();
    let pair = market.pair();
    market.security.sender(market.admin).restrict(u(14), u(0));
    market.assert_fails(pair, &[19], 14);
    market.security.sender(market.admin).restrict(u(0), u(14));
    market.settle(pair).unwrap();
}

#[test]
fn a_security_without_the_spender_extension_is_asked_without_the_spender() {
    let market = Market::new();
    market
        .security
        .sender(market.admin)
        .set_checks_spender(false);
    market.security.sender(market.admin).restrict(u(0), u(3));
    let pair = market.pair();
    assert_eq!(
        market.preflight(pair),
        (vec![], 0),
        "it was asked when it was listed"
    );
    market
        .dvp
        .sender(market.admin)
        .list_security(market.security.address(), true)
        .motsu_unwrap();
    market.assert_fails(pair, &[19], 3);
    market.security.sender(market.admin).restrict(u(3), u(0));
    market.settle(pair).unwrap();
}

#[test]
fn an_unreadable_restriction_is_a_refusal() {
    let market = Market::new();
    let pair = market.pair();
    let view = "detectTransferRestrictionFrom";
    market.security.sender(market.admin).break_view(view);
    market.assert_fails(pair, &[19], 255);
    market.security.sender(market.admin).mend_view(view);
    for answer in [vec![], vec![0; 31], u(256).to_be_bytes::<32>().to_vec()] {
        market.security.sender(market.admin).answer(view, &answer);
        market.assert_fails(pair, &[19], 255);
    }
    market.security.sender(market.admin).answer(view, &[0; 64]);
    market.settle(pair).unwrap();
}

#[test]
fn settle_reverts_when_a_balance_or_an_allowance_is_one_unit_short() {
    let market = Market::new();
    let pair = market.pair();
    let (seller, buyer) = (market.seller.address(), market.buyer.address());
    let (admin, dvp) = (market.admin, market.dvp.address());
    market.cash.sender(admin).allow(buyer, dvp, u(TOTAL - 1));
    market.assert_fails(pair, &[23], 0);
    market.cash.sender(admin).hold(buyer, u(TOTAL - 1));
    market.assert_fails(pair, &[22, 23], 0);
    market
        .security
        .sender(admin)
        .allow(seller, dvp, u(QUANTITY - 1));
    market.assert_fails(pair, &[21, 22, 23], 0);
    market.security.sender(admin).hold(seller, u(QUANTITY - 1));
    market.assert_fails(pair, &[20, 21, 22, 23], 0);
    market.security.sender(admin).hold(seller, u(QUANTITY));
    market
        .security
        .sender(admin)
        .allow(seller, dvp, u(QUANTITY));
    market.cash.sender(admin).hold(buyer, u(TOTAL));
    market.cash.sender(admin).allow(buyer, dvp, u(TOTAL));
    assert_eq!(market.settle(pair), Ok(u(1)));
}

#[test]
fn settle_reverts_when_the_payment_token_blocks_a_party_or_is_paused() {
    let market = Market::new();
    let pair = market.pair();
    let parties = [market.buyer.address(), market.seller.address()];
    for (failure, party) in [
        (24, parties[0]),
        (25, parties[1]),
        (30, market.dvp.address()),
    ] {
        market
            .cash
            .sender(market.admin)
            .set_blacklisted(party, true);
        market.assert_fails(pair, &[failure], 0);
        market
            .cash
            .sender(market.admin)
            .set_blacklisted(party, false);
    }
    market.cash.sender(market.admin).set_paused(true);
    market.assert_fails(pair, &[26], 0);
    market.cash.sender(market.admin).set_paused(false);
    market.settle(pair).unwrap();
}

#[test]
fn settle_reverts_when_the_payment_token_does_not_answer() {
    let market = Market::new();
    let pair = market.pair();
    for (view, failures) in [
        ("isBlacklisted", &[24, 25, 30][..]),
        ("paused", &[26]),
        ("balanceOf", &[22]),
        ("allowance", &[23]),
    ] {
        market.cash.sender(market.admin).break_view(view);
        market.assert_fails(pair, failures, 0);
        market.cash.sender(market.admin).mend_view(view);
    }
    for (view, answer) in [("isBlacklisted", u(2)), ("isBlacklisted", u(1) << 255)] {
        market
            .cash
            .sender(market.admin)
            .answer(view, &answer.to_be_bytes::<32>());
        market.assert_fails(pair, &[24, 25, 30], 0);
        market.cash.sender(market.admin).mend_view(view);
    }
    for view in ["balanceOf", "allowance"] {
        market.security.sender(market.admin).break_view(view);
        market.assert_fails(pair, if view == "balanceOf" { &[20] } else { &[21] }, 0);
        market.security.sender(market.admin).mend_view(view);
    }
    market.settle(pair).unwrap();
}

#[test]
fn settle_reverts_when_a_balance_would_overflow() {
    let market = Market::new();
    let pair = market.pair();
    market
        .security
        .sender(market.admin)
        .hold(market.buyer.address(), alloy_primitives::U256::MAX);
    market.assert_refused(&[pair.0, pair.1], refused(29), || market.settle(pair));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// I1 and I5: whatever the tokens hold, allow and say, settle does exactly what preflight predicts.
    #[test]
    fn settle_succeeds_exactly_when_preflight_is_empty(
        held in (95u64..105, 1_030u64..1_040),
        allowed in (95u64..105, 1_030u64..1_040),
        limits in (1_015u64..1_055, 1_015u64..1_025),
        restriction in prop_oneof![4 => Just(0u64), 1 => 0u64..300],
        flags in prop::collection::vec(prop::bool::weighted(0.1), 6),
    ) {
        let market = Market::new();
        let bid = market.register(&Order { limitTotal: u(limits.0), ..market.bid() });
        let ask = market.register(&Order { limitTotal: u(limits.1), ..market.ask() });
        let (seller, buyer) = (market.seller.address(), market.buyer.address());
        let (admin, dvp) = (market.admin, market.dvp.address());
        market.security.sender(admin).hold(seller, u(held.0));
        market.security.sender(admin).allow(seller, dvp, u(allowed.0));
        market.security.sender(admin).restrict(u(restriction), u(0));
        market.cash.sender(admin).hold(buyer, u(held.1));
        market.cash.sender(admin).allow(buyer, dvp, u(allowed.1));
        market.cash.sender(admin).set_blacklisted(buyer, flags[0]);
        market.cash.sender(admin).set_blacklisted(seller, flags[1]);
        market.cash.sender(admin).set_blacklisted(dvp, flags[2]);
        market.cash.sender(admin).set_paused(flags[3]);
        if flags[4] {
            market.dvp.sender(market.pauser).pause().motsu_unwrap();
        }
        if flags[5] {
            market.dvp.sender(market.seller).cancel_all_orders().motsu_unwrap();
        }
        let (failures, code) = market.preflight((bid, ask));
        prop_assert!(failures.is_sorted());
        if let Some(&failure) = failures.first() {
            let restriction_code = if failure == 19 { code } else { 0 };
            let error = Error::SettlementRefused { failure, restriction_code };
            market.assert_refused(&[bid, ask], error, || market.settle((bid, ask)));
        } else {
            prop_assert_eq!(market.settle((bid, ask)), Ok(u(1)));
            let total = u64::midpoint(limits.0, limits.1);
            let expected =
                [held.0 - QUANTITY, QUANTITY, 0, total, held.1 - total, 0].map(u);
            prop_assert_eq!(market.holdings(), expected);
        }
    }
}

#[test]
fn orders_of_equal_terms_settle_each_once() {
    let market = Market::new();
    let pair = market.pair();
    market.settle(pair).unwrap();
    let fresh = market.register(&Order {
        boardRef: B256::ZERO,
        ..market.bid()
    });
    let error = refused(4);
    market.assert_refused(&[fresh, pair.1], error, || market.settle((fresh, pair.1)));
    assert_eq!(
        market
            .dvp
            .sender(market.admin)
            .get_order(fresh)
            .counterparty,
        Address::ZERO
    );
}
