//! What a commitment is worth: from then on the pair settles, whatever its parties do.

use alloy_primitives::{Address, B256, U256};
use motsu::prelude::*;
use proptest::prelude::*;
use runtime::abi::Revert;
use stylus_sdk::abi::Bytes;

use super::{
    fixture::{Market, NOW, QUANTITY, TOTAL, UNTIL, refused, u},
    token::{MockToken, Quirk, calls, selector},
};
use crate::{
    administration::{operator_role, principal_role},
    error::Error,
    event::Settled,
    order::Order,
    record::{CANCELLED, FILLED, OPEN},
};

/// What seller, buyer and the contract have after the settlement: of the security, then of the cash.
fn settled() -> [U256; 6] {
    [1_000 - QUANTITY, QUANTITY, 0, TOTAL, 50_000 - TOTAL, 0].map(u)
}

/// Allows the contract again what the pair needs.
fn allow_again(market: &Market) {
    let (admin, dvp) = (market.admin, market.dvp.address());
    market
        .security
        .sender(admin)
        .allow(market.seller.address(), dvp, u(QUANTITY));
    market
        .cash
        .sender(admin)
        .allow(market.buyer.address(), dvp, u(TOTAL));
}

fn require_commitments(market: &Market) {
    let mut admin = market.dvp.sender(market.admin);
    admin.set_commitment_required(true).motsu_unwrap();
}

#[test]
fn a_committed_pair_settles_from_its_holds() {
    let market = Market::firm();
    let pair = market.committed_pair();
    calls();
    assert_eq!(market.settle(pair), Ok(u(1)));
    let used: Vec<_> = calls()
        .into_iter()
        .filter(|call| [selector("useHold"), selector("transferFrom")].contains(&call.1))
        .collect();
    let use_hold = selector("useHold");
    let legs = [market.security.address(), market.cash.address()];
    assert_eq!(used, legs.map(|token| (token, use_hold)));
    assert_eq!(market.holdings(), settled());
    assert_eq!(market.holds(pair), [(U256::ZERO, U256::ZERO); 2]);
    for id in [pair.0, pair.1] {
        assert_eq!(market.order_state(id), FILLED);
        assert_eq!(market.commitment(id), (0, [0; 27].into()));
    }
    assert_eq!(market.events::<Settled>(), [market.settled(pair.0, pair.1)]);
}

#[test]
fn a_committed_pair_settles_signed_from_its_holds_too() {
    let market = Market::firm();
    let pair = market.committed_pair();
    require_commitments(&market);
    let (bid, ask) = (market.bid(), market.ask());
    assert_eq!(market.preflight_signed(&bid, &ask), (vec![], 0));
    assert_eq!(market.settle_signed(&bid, &ask), Ok(u(1)));
    assert_eq!(market.holdings(), settled());
    assert_eq!(market.commitment(pair.0), (0, [0; 27].into()));
}

/// Everything by which an order could be cancelled: by its owner, by the operator, by the owner's signature.
fn cancels(market: &Market, order: &Order) -> Vec<Result<(), Revert>> {
    let owner = if order.owner == market.buyer.address() {
        market.buyer
    } else {
        market.seller
    };
    let id = market.id(order);
    let signature = market.cancel_signature(owner, id);
    let by_id = |account| {
        let mut dvp = market.dvp.sender(account);
        dvp.cancel_order_by_id(id, B256::ZERO).motsu_res()
    };
    let mut dvp = market.dvp.sender(owner);
    let own = dvp.cancel_order(order.clone()).motsu_res();
    drop(dvp);
    let mut dvp = market.dvp.sender(market.stranger);
    let signed = dvp
        .cancel_order_signed(order.clone(), signature)
        .motsu_res();
    drop(dvp);
    vec![own, signed, by_id(owner), by_id(market.operator)]
}

#[test]
fn a_committed_order_is_not_cancelled_by_anybody() {
    let market = Market::firm();
    let pair = market.committed_pair();
    let before = market.state(&[pair.0, pair.1]);
    for order in [market.bid(), market.ask()] {
        let id = market.id(&order);
        let refusal = Err(Error::OrderCommitted { id, until: UNTIL }.into());
        for cancelled in cancels(&market, &order) {
            assert_eq!(cancelled, refusal);
        }
    }
    assert_eq!(market.state(&[pair.0, pair.1]), before);
    assert_eq!(market.settle(pair), Ok(u(1)));
}

#[test]
fn an_order_is_cancellable_once_its_commitment_has_ended() {
    for lapsed in [true, false] {
        let market = Market::firm();
        let pair = market.committed_pair();
        if lapsed {
            market.lapse(pair);
        } else {
            market.release(pair).unwrap();
        }
        for order in [market.bid(), market.ask()] {
            assert_eq!(cancels(&market, &order)[0], Ok(()));
            assert_eq!(market.order_state(market.id(&order)), CANCELLED);
        }
    }
}

#[test]
fn a_new_epoch_kills_a_committed_order_only_when_its_commitment_has_ended() {
    let market = Market::firm();
    let pair = market.committed_pair();
    for party in [market.buyer, market.seller] {
        market.dvp.sender(party).cancel_all_orders().motsu_unwrap();
    }
    assert_eq!(market.preflight(pair), (vec![], 0));
    assert_eq!(
        market.preflight_signed(&market.bid(), &market.ask()),
        (vec![], 0)
    );
    market.lapse(pair);
    allow_again(&market);
    market.assert_fails(pair, &[13, 14], 0);
    assert_eq!(
        market.preflight_signed(&market.bid(), &market.ask()),
        (vec![13, 14], 0)
    );
    drop(market);
    let market = Market::firm();
    let pair = market.committed_pair();
    market
        .dvp
        .sender(market.seller)
        .cancel_all_orders()
        .motsu_unwrap();
    market.release(pair).unwrap();
    allow_again(&market);
    market.assert_fails(pair, &[14], 0);
}

#[test]
fn a_pair_settles_uncommitted_after_its_commitment_with_new_allowances() {
    for lapsed in [true, false] {
        let market = Market::firm();
        let pair = market.committed_pair();
        if lapsed {
            market.lapse(pair);
        } else {
            market.release(pair).unwrap();
        }
        market.assert_fails(pair, &[21, 23], 0);
        allow_again(&market);
        calls();
        assert_eq!(market.settle(pair), Ok(u(1)));
        assert!(!calls().iter().any(|call| call.1 == selector("useHold")));
        assert_eq!(market.holdings(), settled());
    }
}

#[test]
fn settle_reverts_when_a_hold_is_gone() {
    let market = Market::firm();
    let pair = market.committed_pair();
    let (dvp, admin) = (market.dvp.address(), market.admin);
    // The allowances that an uncommitted pair would need do not stand in for the holds.
    allow_again(&market);
    market
        .cash
        .sender(admin)
        .break_hold(dvp, market.buyer.address(), pair.0);
    market.assert_fails(pair, &[23], 0);
    market
        .security
        .sender(admin)
        .break_hold(dvp, market.seller.address(), pair.1);
    market.assert_fails(pair, &[19, 21, 23], 255);
    assert_ne!(market.commitment(pair.0).0, 0, "it stays committed");
    market.release(pair).unwrap();
    assert_eq!(market.settle(pair), Ok(u(1)));
}

#[test]
fn a_committed_pair_is_restricted_as_its_hold_is() {
    let market = Market::firm();
    let pair = market.committed_pair();
    let admin = market.admin;
    // What would be said of a transfer does not count.
    market.security.sender(admin).restrict(u(20), u(20));
    assert_eq!(market.preflight(pair), (vec![], 0));
    market.security.sender(admin).restrict_holds(u(3), NOW);
    market.assert_fails(pair, &[19], 3);
    market.security.sender(admin).restrict_holds(u(3), NOW + 1);
    assert_eq!(market.preflight(pair), (vec![], 0));
    market.security.sender(admin).break_view("holdRestriction");
    market.assert_fails(pair, &[19], 255);
    market.security.sender(admin).mend_view("holdRestriction");
    assert_eq!(market.settle(pair), Ok(u(1)));
}

#[test]
fn a_committed_pair_is_judged_by_whole_balances() {
    let market = Market::firm();
    let pair = market.committed_pair();
    let (admin, seller, buyer) = (
        market.admin,
        market.seller.address(),
        market.buyer.address(),
    );
    market.security.sender(admin).hold(seller, u(QUANTITY));
    market.cash.sender(admin).hold(buyer, u(TOTAL));
    assert_eq!(market.preflight(pair), (vec![], 0), "all of it is held");
    market.security.sender(admin).hold(seller, u(QUANTITY - 1));
    market.assert_fails(pair, &[20], 0);
    market.cash.sender(admin).hold(buyer, u(TOTAL - 1));
    market.assert_fails(pair, &[20, 22], 0);
}

#[test]
fn an_uncommitted_pair_is_judged_by_what_is_free_of_the_buyers_cash() {
    let market = Market::firm();
    let pair = market.pair();
    let (admin, buyer) = (market.admin, market.buyer.address());
    let key = B256::repeat_byte(1);
    let hold = |amount| {
        let mut cash = market.cash.sender(admin);
        cash.put_hold(key, buyer, u(amount), u(UNTIL));
    };
    market.cash.sender(admin).hold(buyer, u(TOTAL + 10));
    hold(11);
    market.assert_fails(pair, &[22], 0);
    hold(TOTAL + 11);
    market.assert_fails(pair, &[22], 0);
    market.cash.sender(admin).break_view("heldBalanceOf");
    market.assert_fails(pair, &[22], 0);
    market.cash.sender(admin).mend_view("heldBalanceOf");
    hold(10);
    assert_eq!(market.settle(pair), Ok(u(1)));
}

#[test]
fn a_payment_token_without_holds_is_not_asked_for_any() {
    let market = Market::new();
    let pair = market.pair();
    calls();
    assert_eq!(market.settle(pair), Ok(u(1)));
    let asked = calls().into_iter();
    let holds = ["heldBalanceOf", "holdOf", "holdRestriction"].map(selector);
    assert!(!asked.into_iter().any(|call| holds.contains(&call.1)));
}

#[test]
fn settle_reverts_when_an_order_is_committed_to_another() {
    let market = Market::firm();
    let (bid, ask) = market.committed_pair();
    allow_again(&market);
    let other = |order: Order| {
        market.register(&Order {
            boardRef: B256::ZERO,
            ..order
        })
    };
    let (other_bid, other_ask) = (other(market.bid()), other(market.ask()));
    market.assert_fails((bid, other_ask), &[31], 0);
    market.assert_fails((other_bid, ask), &[31], 0);
    market.assert_fails((bid, B256::ZERO), &[4, 31], 0);
    require_commitments(&market);
    market.assert_fails((bid, other_ask), &[31, 32], 0);
    // The owner's new epoch does not touch the committed order, with whomever it is named.
    market
        .dvp
        .sender(market.buyer)
        .cancel_all_orders()
        .motsu_unwrap();
    market.assert_fails((bid, other_ask), &[31, 32], 0);
    market.assert_fails((other_bid, other_ask), &[13, 32], 0);
    assert_eq!(market.settle((bid, ask)), Ok(u(1)));
}

#[test]
fn an_uncommitted_pair_does_not_settle_where_commitments_are_required() {
    let market = Market::firm();
    let pair = market.pair();
    require_commitments(&market);
    market.assert_fails(pair, &[32], 0);
    market.assert_signed_fails(&market.bid(), &market.ask(), &[32]);
    let unregistered = Order {
        boardRef: B256::ZERO,
        ..market.bid()
    };
    market.assert_signed_fails(&unregistered, &market.ask(), &[32]);
    // It comes last, behind what the tokens say.
    market
        .security
        .sender(market.admin)
        .hold(market.seller.address(), u(0));
    market.assert_fails(pair, &[20, 32], 0);
    market
        .security
        .sender(market.admin)
        .hold(market.seller.address(), u(1_000));
    let mut admin = market.dvp.sender(market.admin);
    admin.set_commitment_required(false).motsu_unwrap();
    drop(admin);
    assert_eq!(market.settle(pair), Ok(u(1)));
}

#[test]
fn a_committed_pair_can_be_stopped_by_the_broker_dealer() {
    let market = Market::firm();
    let pair = market.committed_pair();
    let list = |listed| {
        let mut admin = market.dvp.sender(market.admin);
        admin
            .list_security(market.security.address(), listed)
            .motsu_unwrap();
    };
    market.dvp.sender(market.pauser).pause().motsu_unwrap();
    market.assert_fails(pair, &[1], 0);
    market.dvp.sender(market.admin).unpause().motsu_unwrap();
    list(false);
    market.assert_fails(pair, &[18], 0);
    list(true);
    assert_eq!(market.settle(pair), Ok(u(1)));
}

#[test]
fn a_committed_leg_that_is_not_exact_undoes_everything() {
    let market = Market::firm();
    let pair = market.committed_pair();
    for token in [&market.security, &market.cash] {
        for quirk in [
            Quirk::AnswersFalse,
            Quirk::MovesNothing,
            Quirk::TakesAFee,
            Quirk::PaysExtra,
            Quirk::TakesDouble,
            Quirk::RevertsWithTooMuch,
        ] {
            token.sender(market.admin).behave(quirk);
            assert_eq!(market.preflight(pair), (vec![], 0));
            market.assert_refused(&[pair.0, pair.1], refused(29), || market.settle(pair));
        }
        token.sender(market.admin).behave(Quirk::Honest);
    }
    assert_eq!(market.settle(pair), Ok(u(1)));
}

#[test]
fn an_order_of_an_operator_or_a_principal_is_not_registered() {
    for role in [operator_role(), principal_role()] {
        let market = Market::firm();
        let (bid, ask) = (market.bid(), market.ask());
        let mut admin = market.dvp.sender(market.admin);
        admin
            .grant_role(role, market.buyer.address())
            .motsu_unwrap();
        drop(admin);
        let ids = [market.id(&bid), market.id(&ask)];
        market.assert_refused(&ids, Error::InvalidOrder { field: 0 }, || {
            market.try_register(&bid)
        });
        market.assert_refused(&ids, Error::InvalidOrder { field: 0 }, || {
            market
                .dvp
                .sender(market.buyer)
                .register_order(bid.clone(), Bytes(vec![]))
                .motsu_res()
        });
        market.assert_signed_fails(&bid, &ask, &[3]);
        market.register(&ask);
    }
}

#[test]
fn settle_signed_reverts_when_an_owner_became_an_operator_or_a_principal() {
    for role in [operator_role(), principal_role()] {
        let market = Market::firm();
        let pair = market.pair();
        let mut admin = market.dvp.sender(market.admin);
        admin
            .grant_role(role, market.seller.address())
            .motsu_unwrap();
        drop(admin);
        market.assert_signed_fails(&market.bid(), &market.ask(), &[4]);
        // What was registered before stays: whoever audits the fill sees the role.
        assert_eq!(market.settle(pair), Ok(u(1)));
    }
}

/// What a party may do with what is its own.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// Sends somebody up to so much of its security or cash.
    Send(bool, u64),
    /// Allows the contract so much.
    Allow(u64),
    /// Tries every cancel of its order.
    Cancel,
    /// Advances its epoch.
    Advance,
    /// Registers another order of the same terms, and has it tried against the other's.
    Distract,
}

fn acts() -> impl Strategy<Value = Vec<(bool, Act)>> {
    let act = prop_oneof![
        (any::<bool>(), 0u64..60_000).prop_map(|(security, amount)| Act::Send(security, amount)),
        (0u64..3_000).prop_map(Act::Allow),
        Just(Act::Cancel),
        Just(Act::Advance),
        Just(Act::Distract),
    ];
    prop::collection::vec((any::<bool>(), act), 0..12)
}

/// Does what an honest token lets a party do.
fn perform(market: &Market, seller: bool, act: Act, number: u8) {
    let (party, order) = if seller {
        (market.seller, market.ask())
    } else {
        (market.buyer, market.bid())
    };
    let own: &Contract<MockToken> = if seller {
        &market.security
    } else {
        &market.cash
    };
    let account = party.address();
    match act {
        Act::Send(security, amount) => {
            let token = if security {
                &market.security
            } else {
                &market.cash
            };
            let mut token = token.sender(market.admin);
            let free = token.held(account) - token.held_balance(account);
            let sent = free.min(u(amount));
            let left = token.held(account) - sent;
            token.hold(account, left);
        }
        Act::Allow(amount) => {
            let mut token = own.sender(market.admin);
            token.allow(account, market.dvp.address(), u(amount));
        }
        Act::Cancel => assert!(cancels(market, &order).iter().all(Result::is_err)),
        Act::Advance => {
            let mut dvp = market.dvp.sender(party);
            dvp.cancel_all_orders().motsu_unwrap();
        }
        Act::Distract => {
            let epoch = market.dvp.sender(party).epoch_of(account);
            let other = market.register(&Order {
                epoch,
                boardRef: B256::repeat_byte(100 + number),
                ..order
            });
            let (bid, ask) = (market.id(&market.bid()), market.id(&market.ask()));
            let pair = if seller { (bid, other) } else { (other, ask) };
            assert!(market.preflight(pair).0.contains(&31));
            market.settle(pair).unwrap_err();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// I10, as far as this contract goes: the parties do what they like with what is theirs, and the pair settles.
    #[test]
    fn a_committed_pair_settles_whatever_its_parties_do(acts in acts()) {
        let market = Market::firm();
        let pair = market.committed_pair();
        for (number, (seller, act)) in (0u8..).zip(acts) {
            perform(&market, seller, act, number);
        }
        let before = market.holdings();
        prop_assert_eq!(market.preflight(pair), (vec![], 0));
        prop_assert_eq!(market.settle(pair), Ok(u(1)));
        let moved = [
            before[0] - u(QUANTITY), before[1] + u(QUANTITY), before[2],
            before[3] + u(TOTAL), before[4] - u(TOTAL), before[5],
        ];
        prop_assert_eq!(market.holdings(), moved);
    }

    /// I5 of a committed pair: whatever officers and tokens do, settle does exactly what preflight predicts.
    #[test]
    fn a_committed_pair_settles_exactly_when_preflight_is_empty(
        restriction in prop_oneof![4 => Just(0u64), 1 => 0u64..300],
        ahead in 0u64..2,
        balances in (95u64..105, 1_030u64..1_040),
        flags in prop::collection::vec(prop::bool::weighted(0.1), 8),
    ) {
        let market = Market::firm();
        let pair = market.committed_pair();
        let (admin, dvp) = (market.admin, market.dvp.address());
        let (seller, buyer) = (market.seller.address(), market.buyer.address());
        market.security.sender(admin).hold(seller, u(balances.0));
        market.cash.sender(admin).hold(buyer, u(balances.1));
        market.security.sender(admin).restrict_holds(u(restriction), NOW + ahead);
        market.cash.sender(admin).set_blacklisted(buyer, flags[0]);
        market.cash.sender(admin).set_blacklisted(seller, flags[1]);
        market.cash.sender(admin).set_blacklisted(dvp, flags[2]);
        market.cash.sender(admin).set_paused(flags[3]);
        if flags[4] {
            market.dvp.sender(market.pauser).pause().motsu_unwrap();
        }
        if flags[5] {
            market.security.sender(admin).break_hold(dvp, seller, pair.1);
        }
        if flags[6] {
            market.cash.sender(admin).break_hold(dvp, buyer, pair.0);
        }
        if flags[7] {
            require_commitments(&market);
        }
        let (failures, code) = market.preflight(pair);
        prop_assert!(failures.is_sorted());
        if let Some(&failure) = failures.first() {
            let restriction_code = if failure == 19 { code } else { 0 };
            let error = Error::SettlementRefused { failure, restriction_code };
            market.assert_refused(&[pair.0, pair.1], error, || market.settle(pair));
            prop_assert_eq!(market.order_state(pair.0), OPEN);
        } else {
            prop_assert_eq!(market.settle(pair), Ok(u(1)));
            let held = [
                balances.0 - QUANTITY, QUANTITY, 0, TOTAL, balances.1 - TOTAL, 0,
            ];
            prop_assert_eq!(market.holdings(), held.map(u));
        }
    }
}

#[test]
fn nobody_but_the_two_parties_gets_what_is_held() {
    // The contract takes no recipient: a hold goes to the other party, or back.
    let market = Market::firm();
    let pair = market.committed_pair();
    market.settle(pair).unwrap();
    assert_eq!(market.holdings(), settled());
    let others: [Address; 3] =
        [market.operator, market.principal, market.admin].map(|one| one.address());
    for other in others {
        for token in [&market.security, &market.cash] {
            assert_eq!(token.sender(market.stranger).held(other), U256::ZERO);
        }
    }
}
