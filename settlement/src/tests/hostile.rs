//! Tokens that lie, on either leg: nothing moves, nothing settles.

use alloy_primitives::B256;
use motsu::prelude::*;
use runtime::abi::Revert;

use super::{
    fixture::{Market, QUANTITY, refused, u},
    token::{MockToken, Quirk, REVERT_DATA},
};
use crate::record::{FILLED, OPEN};

/// A market whose parties allow more than the pair needs, so that a token can take too much.
fn generous() -> (Market, (B256, B256)) {
    let market = Market::new();
    let pair = market.pair();
    (market, pair)
}

fn legs(market: &Market) -> [&Contract<MockToken>; 2] {
    [&market.security, &market.cash]
}

#[test]
fn settle_reverts_when_a_leg_is_not_exact() {
    let quirks = [
        Quirk::AnswersFalse,
        Quirk::AnswersTwo,
        Quirk::Answers31Bytes,
        Quirk::AnswersTwoWords,
        Quirk::MovesNothing,
        Quirk::TakesAFee,
        Quirk::PaysExtra,
        Quirk::TakesDouble,
        Quirk::RevertsWithTooMuch,
    ];
    let (market, pair) = generous();
    for token in legs(&market) {
        for quirk in quirks {
            token.sender(market.admin).behave(quirk);
            assert_eq!(
                market.preflight(pair),
                (vec![], 0),
                "{quirk:?} shows only in the leg"
            );
            market.assert_refused(&[pair.0, pair.1], refused(29), || market.settle(pair));
            let (bid, ask) = (market.bid(), market.ask());
            market.assert_refused(&[pair.0, pair.1], refused(29), || {
                market.settle_signed(&bid, &ask)
            });
        }
        token.sender(market.admin).behave(Quirk::Honest);
    }
    assert_eq!(
        (market.order_state(pair.0), market.order_state(pair.1)),
        (OPEN, OPEN)
    );
    assert_eq!(market.settle(pair), Ok(u(1)));
}

#[test]
fn a_tokens_own_revert_is_passed_on_unchanged() {
    let (market, pair) = generous();
    for token in legs(&market) {
        for (quirk, data) in [
            (Quirk::Reverts, REVERT_DATA.to_vec()),
            (Quirk::RevertsWithTheMost, vec![7; 4_096]),
        ] {
            token.sender(market.admin).behave(quirk);
            let revert = Revert(data);
            market.assert_refused_with(&[pair.0, pair.1], &revert, || market.settle(pair));
        }
        token.sender(market.admin).behave(Quirk::Honest);
    }
}

#[test]
fn a_token_that_returns_nothing_settles() {
    let (market, pair) = generous();
    for token in legs(&market) {
        token.sender(market.admin).behave(Quirk::AnswersNothing);
    }
    assert_eq!(market.settle(pair), Ok(u(1)));
    assert_eq!(
        (market.order_state(pair.0), market.order_state(pair.1)),
        (FILLED, FILLED)
    );
}

#[test]
fn settle_reverts_when_the_recipients_balance_cannot_be_read() {
    let (market, pair) = generous();
    for (token, recipient) in [
        (&market.security, market.buyer),
        (&market.cash, market.seller),
    ] {
        token.sender(market.admin).hide(recipient.address(), true);
        assert_eq!(market.preflight(pair), (vec![], 0));
        market.assert_refused(&[pair.0, pair.1], refused(29), || market.settle(pair));
        token.sender(market.admin).hide(recipient.address(), false);
    }
    assert_eq!(market.settle(pair), Ok(u(1)));
}

#[test]
fn settle_reverts_when_balances_stay_what_they_were() {
    let (market, pair) = generous();
    // Every account has the quantity, before and after.
    market
        .security
        .sender(market.admin)
        .answer("balanceOf", &u(QUANTITY).to_be_bytes::<32>());
    assert_eq!(market.preflight(pair), (vec![], 0));
    market.assert_refused(&[pair.0, pair.1], refused(29), || market.settle(pair));
}
