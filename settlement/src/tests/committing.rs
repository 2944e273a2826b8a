//! Committing a pair, and releasing it.

use alloy_primitives::{B256, FixedBytes, U256};
use motsu::prelude::*;
use runtime::abi::Revert;

use super::{
    fixture::{LATEST, Market, NOW, QUANTITY, TOTAL, UNTIL, refused, u},
    token::{MockToken, Quirk, REVERT_DATA},
};
use crate::{
    administration::{operator_role, principal_role},
    error::Error,
    event::{HoldNotDropped, MatchCommitted, MatchReleased},
    order::Order,
    record::{CANCELLED, FILLED, OPEN},
};

/// What an order's commitment to `other` reads as.
fn committed_to(other: B256) -> (u64, FixedBytes<27>) {
    (UNTIL, FixedBytes::from_slice(&other[..27]))
}

const NOTHING: (u64, FixedBytes<27>) = (0, FixedBytes::ZERO);

#[test]
fn commit_match_holds_what_the_pair_needs_and_logs_it() {
    let market = Market::firm();
    let pair = market.pair();
    let before = market.holdings();
    assert_eq!(market.preflight(pair), (vec![], 0));
    market.commit(pair, UNTIL).unwrap();
    assert_eq!(
        [pair.0, pair.1].map(|id| market.commitment(id)),
        [committed_to(pair.1), committed_to(pair.0)]
    );
    assert_eq!(
        [pair.0, pair.1].map(|id| market.order_state(id)),
        [OPEN, OPEN]
    );
    let holds = [(u(QUANTITY), u(UNTIL)), (u(TOTAL), u(UNTIL))];
    assert_eq!(market.holds(pair), holds);
    assert_eq!(
        market.holdings(),
        before,
        "it stays in the parties' own wallets"
    );
    let event = MatchCommitted {
        bid: pair.0,
        ask: pair.1,
        principal: market.principal.address(),
        until: UNTIL,
        total: u(TOTAL),
    };
    assert_eq!(market.events::<MatchCommitted>(), [event]);
    assert_eq!(market.preflight(pair), (vec![], 0));
}

#[test]
fn commit_match_reverts_for_everybody_but_a_principal() {
    let market = Market::firm();
    let pair = market.pair();
    market.dvp.sender(market.pauser).pause().motsu_unwrap();
    for caller in [
        market.admin,
        market.operator,
        market.pauser,
        market.seller,
        market.buyer,
        market.stranger,
    ] {
        let error = Market::unauthorized(caller, principal_role());
        market.assert_refused(&[pair.0, pair.1], error, || {
            market
                .dvp
                .sender(caller)
                .commit_match(pair.0, pair.1, UNTIL)
                .motsu_res()
        });
    }
}

#[test]
fn a_principal_does_not_settle_register_cancel_or_anchor() {
    let market = Market::firm();
    let pair = market.committed_pair();
    let ids = [pair.0, pair.1];
    let principal = market.principal;
    let not_operator = || Market::not_operator(principal);
    let dvp = || market.dvp.sender(principal);
    market.assert_refused(&ids, not_operator(), || {
        dvp().settle(pair.0, pair.1).motsu_res()
    });
    market.assert_refused(&ids, not_operator(), || {
        let (order, signature) = (market.bid(), market.signature(&market.bid()));
        dvp().register_order(order, signature).motsu_res()
    });
    market.assert_refused(&ids, not_operator(), || {
        dvp().anchor_book(B256::ZERO, 1).motsu_res()
    });
    let error = Error::NotOrderOwner {
        id: pair.0,
        caller: principal.address(),
    };
    market.assert_refused(&ids, error, || {
        dvp().cancel_order_by_id(pair.0, B256::ZERO).motsu_res()
    });
}

/// Asserts that the pair is not committed for the first of these failures, which are those of preflight.
#[track_caller]
fn assert_not_committed(market: &Market, pair: (B256, B256), failures: &[u8], code: u8) {
    assert_eq!(market.preflight(pair), (failures.to_vec(), code));
    let failure = failures[0];
    let restriction_code = if failure == 19 { code } else { 0 };
    let error = Error::SettlementRefused {
        failure,
        restriction_code,
    };
    market.assert_refused(&[pair.0, pair.1], error, || market.commit(pair, UNTIL));
}

#[test]
fn commit_match_reverts_with_the_first_failure_of_the_table() {
    let market = Market::firm();
    let (bid, ask) = market.pair();
    let unknown = B256::repeat_byte(9);
    assert_not_committed(&market, (ask, bid), &[5, 6, 17, 20, 21], 0);
    assert_not_committed(&market, (unknown, ask), &[3], 0);
    assert_not_committed(&market, (bid, unknown), &[4], 0);
    let (admin, dvp) = (market.admin, market.dvp.address());
    let (seller, buyer) = (market.seller.address(), market.buyer.address());
    market.security.sender(admin).restrict(u(14), u(0));
    assert_not_committed(&market, (bid, ask), &[19], 14);
    market.security.sender(admin).restrict(u(0), u(0));
    market
        .security
        .sender(admin)
        .allow(seller, dvp, u(QUANTITY - 1));
    assert_not_committed(&market, (bid, ask), &[21], 0);
    market
        .security
        .sender(admin)
        .allow(seller, dvp, u(QUANTITY));
    market.cash.sender(admin).allow(buyer, dvp, u(TOTAL - 1));
    assert_not_committed(&market, (bid, ask), &[23], 0);
    market.cash.sender(admin).allow(buyer, dvp, u(TOTAL));
    market.dvp.sender(market.pauser).pause().motsu_unwrap();
    assert_not_committed(&market, (bid, ask), &[1], 0);
    market.dvp.sender(market.admin).unpause().motsu_unwrap();
    market
        .dvp
        .sender(market.seller)
        .cancel_all_orders()
        .motsu_unwrap();
    assert_not_committed(&market, (bid, ask), &[14], 0);
}

#[test]
fn a_pair_is_committed_where_commitments_are_required() {
    let market = Market::firm();
    let pair = market.pair();
    market
        .dvp
        .sender(market.admin)
        .set_commitment_required(true)
        .motsu_unwrap();
    market.assert_fails(pair, &[32], 0);
    market.commit(pair, UNTIL).unwrap();
    assert!(market.dvp.sender(market.stranger).commitment_required());
    assert_eq!(market.settle(pair), Ok(u(1)));
}

#[test]
fn an_order_is_committed_at_most_once() {
    let market = Market::firm();
    let (bid, ask) = market.committed_pair();
    let again = || market.commit((bid, ask), UNTIL);
    market.assert_refused(&[bid, ask], Error::OrderCommittedBefore { id: bid }, again);
    // After the release, with new allowances, nothing else speaks against it.
    market.release((bid, ask)).unwrap();
    let (admin, dvp) = (market.admin, market.dvp.address());
    market
        .security
        .sender(admin)
        .allow(market.seller.address(), dvp, u(QUANTITY));
    market
        .cash
        .sender(admin)
        .allow(market.buyer.address(), dvp, u(TOTAL));
    assert_eq!(market.preflight((bid, ask)), (vec![], 0));
    market.assert_refused(&[bid, ask], Error::OrderCommittedBefore { id: bid }, again);
    let fresh = market.register(&Order {
        boardRef: B256::ZERO,
        ..market.bid()
    });
    market.assert_refused(
        &[fresh, ask],
        Error::OrderCommittedBefore { id: ask },
        || market.commit((fresh, ask), UNTIL),
    );
    assert_eq!(market.settle((bid, ask)), Ok(u(1)));
}

#[test]
fn an_order_whose_commitment_lapsed_is_not_committed_again() {
    let market = Market::firm();
    let pair = market.committed_pair();
    market.lapse(pair);
    let (admin, dvp) = (market.admin, market.dvp.address());
    market
        .security
        .sender(admin)
        .allow(market.seller.address(), dvp, u(QUANTITY));
    market
        .cash
        .sender(admin)
        .allow(market.buyer.address(), dvp, u(TOTAL));
    let error = Error::OrderCommittedBefore { id: pair.0 };
    market.assert_refused(&[pair.0, pair.1], error, || market.commit(pair, UNTIL));
}

#[test]
fn commit_match_reverts_when_an_order_is_committed_to_another() {
    let market = Market::firm();
    let (bid, ask) = market.committed_pair();
    let (admin, dvp) = (market.admin, market.dvp.address());
    market
        .security
        .sender(admin)
        .allow(market.seller.address(), dvp, u(QUANTITY));
    market
        .cash
        .sender(admin)
        .allow(market.buyer.address(), dvp, u(TOTAL));
    let other = |order: Order| {
        market.register(&Order {
            boardRef: B256::ZERO,
            ..order
        })
    };
    let (other_bid, other_ask) = (other(market.bid()), other(market.ask()));
    assert_not_committed(&market, (other_bid, ask), &[31], 0);
    assert_not_committed(&market, (bid, other_ask), &[31], 0);
}

#[test]
fn commit_match_reverts_when_until_is_not_between_now_and_the_latest() {
    let far = |order: Order| Order {
        expiry: LATEST + 1,
        ..order
    };
    let refuse = |bid: &dyn Fn(Order) -> Order, ask: &dyn Fn(Order) -> Order, latest| {
        let market = Market::firm();
        let pair = (
            market.register(&bid(market.bid())),
            market.register(&ask(market.ask())),
        );
        for until in [0, NOW - 1, NOW, latest + 1, u64::MAX] {
            let error = Error::CommitmentTime { until, latest };
            market.assert_refused(&[pair.0, pair.1], error, || market.commit(pair, until));
        }
        market.commit(pair, latest).unwrap();
        assert_eq!(market.commitment(pair.0).0, latest);
        assert_eq!(market.holds(pair).map(|(_, until)| until), [u(latest); 2]);
        assert_eq!(market.settle(pair), Ok(u(1)));
    };
    // Three days; then the expiry of either order.
    refuse(&far, &far, LATEST);
    let soon = |order: Order| order;
    refuse(&soon, &far, NOW + 3_600);
    refuse(&far, &soon, NOW + 3_600);
}

#[test]
fn a_commitment_of_one_second_is_the_shortest() {
    let market = Market::firm();
    let pair = market.pair();
    market.commit(pair, NOW + 1).unwrap();
    assert_eq!(market.settle(pair), Ok(u(1)));
}

#[test]
fn commit_match_reverts_when_a_token_has_no_holds() {
    for (security, cash) in [(true, false), (false, true), (false, false)] {
        let market = Market::with_holds(security, cash);
        let pair = market.pair();
        // The payment token is asked first.
        let refused = if cash { &market.security } else { &market.cash };
        let token = refused.address();
        market.assert_refused(&[pair.0, pair.1], Error::NoHolds { token }, || {
            market.commit(pair, UNTIL)
        });
        assert_eq!(market.settle(pair), Ok(u(1)), "it settles uncommitted");
    }
}

fn tokens(market: &Market) -> [&Contract<MockToken>; 2] {
    [&market.security, &market.cash]
}

#[test]
fn commit_match_reverts_when_a_hold_is_not_placed() {
    let market = Market::firm();
    let pair = market.pair();
    let ids = [pair.0, pair.1];
    // A security without the hold says so first, and could not use it.
    let unusable = Error::SettlementRefused {
        failure: 19,
        restriction_code: 255,
    };
    let missing = [unusable, refused(23)];
    for ((token, short), missing) in tokens(&market).into_iter().zip([21, 23]).zip(missing) {
        let refusals = [
            (Quirk::Reverts, Revert(REVERT_DATA.to_vec())),
            (Quirk::RevertsWithTheMost, Revert(vec![7; 4_096])),
            (Quirk::RevertsWithTooMuch, refused(29).into()),
            (Quirk::AnswersFalse, refused(29).into()),
            (Quirk::AnswersTwoWords, refused(29).into()),
            (Quirk::HoldsNothing, missing.clone().into()),
            (Quirk::HoldsLess, refused(short).into()),
            (Quirk::HoldsShorter, missing.into()),
        ];
        for (quirk, refusal) in refusals {
            token.sender(market.admin).behave(quirk);
            market.assert_refused_with(&ids, &refusal, || market.commit(pair, UNTIL));
        }
        token.sender(market.admin).behave(Quirk::Honest);
        let half = u(QUANTITY).to_be_bytes::<32>().to_vec();
        for answer in [vec![], half.clone(), [half, vec![0xff; 31]].concat()] {
            token.sender(market.admin).answer("holdOf", &answer);
            market.assert_refused(&ids, refused(short), || market.commit(pair, UNTIL));
        }
        token.sender(market.admin).break_view("holdOf");
        market.assert_refused(&ids, refused(short), || market.commit(pair, UNTIL));
        token.sender(market.admin).mend_view("holdOf");
    }
    market.commit(pair, UNTIL).unwrap();
}

#[test]
fn commit_match_reverts_when_the_security_could_not_be_delivered_in_the_last_second() {
    let market = Market::firm();
    let pair = market.pair();
    let admin = market.admin;
    let refuse = |code| {
        let error = Error::SettlementRefused {
            failure: 19,
            restriction_code: code,
        };
        market.assert_refused(&[pair.0, pair.1], error, || market.commit(pair, UNTIL));
    };
    market
        .security
        .sender(admin)
        .restrict_holds(u(16), UNTIL - 1);
    refuse(16);
    market
        .security
        .sender(admin)
        .restrict_holds(u(256), UNTIL - 1);
    refuse(255);
    market.security.sender(admin).break_view("holdRestriction");
    refuse(255);
    market.security.sender(admin).mend_view("holdRestriction");
    market.security.sender(admin).restrict_holds(u(16), UNTIL);
    market.commit(pair, UNTIL).unwrap();
}

#[test]
fn operator_and_principal_release_a_pair_paused_or_not() {
    for paused in [false, true] {
        for operator in [true, false] {
            let market = Market::firm();
            let pair = market.committed_pair();
            if paused {
                market.dvp.sender(market.pauser).pause().motsu_unwrap();
            }
            let caller = if operator {
                market.operator
            } else {
                market.principal
            };
            let reason = B256::repeat_byte(5);
            market
                .dvp
                .sender(caller)
                .release_match(pair.0, pair.1, reason)
                .motsu_unwrap();
            let event = MatchReleased {
                bid: pair.0,
                ask: pair.1,
                by: caller.address(),
                reason,
            };
            assert_eq!(market.events::<MatchReleased>(), [event]);
            assert_eq!(market.events::<HoldNotDropped>(), []);
            for id in [pair.0, pair.1] {
                assert_eq!(market.commitment(id), NOTHING);
                assert_eq!(market.order_state(id), OPEN);
            }
            assert_eq!(market.holds(pair), [(U256::ZERO, U256::ZERO); 2]);
            // The allowances that the holds used up are not given back.
            if !paused {
                market.assert_fails(pair, &[21, 23], 0);
            }
            market
                .dvp
                .sender(market.buyer)
                .cancel_order(market.bid())
                .motsu_unwrap();
            assert_eq!(market.order_state(pair.0), CANCELLED);
        }
    }
}

#[test]
fn release_match_reverts_for_everybody_else() {
    let market = Market::firm();
    let pair = market.committed_pair();
    for caller in [
        market.admin,
        market.pauser,
        market.seller,
        market.buyer,
        market.stranger,
    ] {
        let error = Market::unauthorized(caller, operator_role());
        market.assert_refused(&[pair.0, pair.1], error, || {
            market
                .dvp
                .sender(caller)
                .release_match(pair.0, pair.1, B256::ZERO)
                .motsu_res()
        });
    }
}

#[test]
fn release_match_reverts_unless_the_pair_is_committed_now() {
    let market = Market::firm();
    let (bid, ask) = market.pair();
    let refuse = |bid, ask| {
        market.assert_refused(&[bid, ask], Error::NotCommitted { bid, ask }, || {
            market.release((bid, ask))
        });
    };
    refuse(bid, ask);
    refuse(B256::ZERO, B256::ZERO);
    market.commit((bid, ask), UNTIL).unwrap();
    let other = market.register(&Order {
        boardRef: B256::ZERO,
        ..market.ask()
    });
    refuse(ask, bid);
    refuse(bid, bid);
    refuse(bid, other);
    refuse(B256::ZERO, ask);
    market.release((bid, ask)).unwrap();
    refuse(bid, ask);
}

#[test]
fn release_match_reverts_when_the_commitment_lapsed_or_the_pair_settled() {
    let market = Market::firm();
    let pair = market.committed_pair();
    market.settle(pair).unwrap();
    let (bid, ask) = pair;
    market.assert_refused(&[bid, ask], Error::NotCommitted { bid, ask }, || {
        market.release(pair)
    });
    assert_eq!(market.order_state(bid), FILLED);
    drop(market);
    let market = Market::firm();
    let pair = market.committed_pair();
    market.lapse(pair);
    let (bid, ask) = pair;
    market.assert_refused(&[bid, ask], Error::NotCommitted { bid, ask }, || {
        market.release(pair)
    });
}

#[test]
fn a_token_that_keeps_its_hold_does_not_keep_the_pair_committed() {
    for stubborn in [[true, false], [false, true], [true, true]] {
        let market = Market::firm();
        let pair = market.committed_pair();
        let mut expected = vec![];
        for (index, id) in [(1, pair.0), (0, pair.1)] {
            let token = tokens(&market)[index];
            if stubborn[index] {
                token.sender(market.admin).break_view("dropHold");
                expected.push(HoldNotDropped {
                    token: token.address(),
                    id,
                });
            }
        }
        market.release(pair).unwrap();
        assert_eq!(market.events::<HoldNotDropped>(), expected);
        assert_eq!(market.events::<MatchReleased>().len(), 1);
        for id in [pair.0, pair.1] {
            assert_eq!(market.commitment(id), NOTHING);
        }
        for (index, hold) in market.holds(pair).into_iter().enumerate() {
            assert_eq!(hold.0.is_zero(), !stubborn[index]);
        }
        market
            .dvp
            .sender(market.seller)
            .cancel_order(market.ask())
            .motsu_unwrap();
    }
}
