//! The order of effects, which holds by itself: the mock host refuses no reentrant call, so a token comes back inside its
//! leg, with any role, and finds nothing that it could not find one transaction later.

use alloy_primitives::{B256, U256};
use motsu::prelude::*;
use runtime::abi::Revert;
use stylus_sdk::{ArbResult, abi::Bytes};

use super::{
    fixture::{CRD, Market, NOW, QUANTITY, TOTAL, UNTIL, refused, u},
    token::{MockToken, calls, selector},
};
use crate::{
    DvPSettlement,
    administration::{operator_role, pauser_role},
    error::Error,
    event::Settled,
    order::Order,
    record::FILLED,
};

/// The security's leg and the cash's.
const LEGS: [usize; 2] = [0, 1];

/// A call of the contract by a function's name.
fn call(name: &str, arguments: &[B256]) -> Vec<u8> {
    let function = DvPSettlement::FUNCTIONS.iter().find(|it| it.0 == name);
    let (_, selector) = function.expect("a function of the contract");
    [&selector[..], arguments.concat().as_slice()].concat()
}

#[allow(clippy::unnecessary_wraps, reason = "what a call answered")]
fn word(value: u64) -> ArbResult {
    Ok(u(value).to_be_bytes::<32>().to_vec())
}

fn reverts_with(error: Error) -> ArbResult {
    Err(Revert::from(error).0)
}

/// A market, its registered pair, and which of its tokens calls back.
struct Stage {
    market: Market,
    pair: (B256, B256),
    leg: usize,
}

impl Stage {
    fn new(leg: usize) -> Self {
        let market = Market::new();
        let pair = market.pair();
        Self { market, pair, leg }
    }

    fn token(&self) -> &Contract<MockToken> {
        [&self.market.security, &self.market.cash][self.leg]
    }

    fn grant(&self, role: B256) {
        let market = &self.market;
        let mut contract = market.dvp.sender(market.admin);
        contract
            .grant_role(role, self.token().address())
            .motsu_unwrap();
    }

    /// Has the token make this call when it is told to act next.
    fn call_back(&self, call: &[u8]) {
        let mut token = self.token().sender(self.market.admin);
        token.call_back(self.market.dvp.address(), call);
    }

    /// What came of that call.
    fn called_back(&self) -> ArbResult {
        self.token().sender(self.market.admin).called_back()
    }

    /// Settles the pair while the token makes this call inside its leg: what both come to.
    fn settle_and_call(&self, call: &[u8]) -> (Result<U256, Revert>, ArbResult) {
        self.call_back(call);
        let settled = self.market.settle(self.pair);
        (settled, self.called_back())
    }

    /// The same, when the settlement stands whatever comes of the call; gives what comes of it.
    fn settles_and_calls(&self, call: &[u8]) -> ArbResult {
        let (settled, called) = self.settle_and_call(call);
        assert_eq!(settled, Ok(u(1)));
        let expected = [1_000 - QUANTITY, QUANTITY, 0, TOTAL, 50_000 - TOTAL, 0].map(u);
        assert_eq!(self.market.holdings(), expected);
        let (bid, ask) = self.pair;
        let states = [bid, ask].map(|id| self.market.order_state(id));
        assert_eq!(states, [FILLED, FILLED]);
        called
    }
}

#[test]
fn settle_asks_everything_before_it_moves_and_four_balances_afterwards() {
    let (moves, balance) = (selector("transferFrom"), selector("balanceOf"));
    for signed in [false, true] {
        let market = Market::new();
        let (security, cash) = (market.security.address(), market.cash.address());
        let pair = if signed {
            (B256::ZERO, B256::ZERO)
        } else {
            market.pair()
        };
        calls();
        let settled = if signed {
            market.settle_signed(&market.bid(), &market.ask())
        } else {
            market.settle(pair)
        };
        assert_eq!(settled, Ok(u(1)));
        let calls = calls();
        let first = calls.iter().position(|call| call.1 == moves).unwrap();
        assert_eq!(calls[first..first + 2], [(security, moves), (cash, moves)]);
        let mut after = calls[first + 2..].to_vec();
        after.sort_unstable();
        let mut balances = [
            (security, balance),
            (security, balance),
            (cash, balance),
            (cash, balance),
        ];
        balances.sort_unstable();
        assert_eq!(after, balances);
    }
}

#[test]
fn cancels_switches_roles_and_most_views_call_nobody() {
    let market = Market::new();
    let (bid, ask) = market.pair();
    let (account, role) = (market.stranger.address(), operator_role());
    let security = market.security.address();
    calls();
    let buyer = || market.dvp.sender(market.buyer);
    buyer().cancel_order(market.bid()).motsu_unwrap();
    let operator = || market.dvp.sender(market.operator);
    operator()
        .cancel_order_by_id(ask, B256::ZERO)
        .motsu_unwrap();
    buyer().cancel_all_orders().motsu_unwrap();
    operator().anchor_book(B256::ZERO, 1).motsu_unwrap();
    let pauser = || market.dvp.sender(market.pauser);
    pauser().pause().motsu_unwrap();
    let admin = || market.dvp.sender(market.admin);
    admin().unpause().motsu_unwrap();
    admin().set_commitment_required(true).motsu_unwrap();
    admin().grant_role(role, account).motsu_unwrap();
    admin().revoke_role(role, account).motsu_unwrap();
    operator()
        .renounce_role(role, market.operator.address())
        .motsu_unwrap();
    admin().list_security(security, false).motsu_unwrap();
    admin().begin_default_admin_transfer(account).motsu_unwrap();
    admin().cancel_default_admin_transfer().motsu_unwrap();
    let view = market.dvp.sender(market.stranger);
    view.broker_dealer();
    view.eip712_domain();
    view.get_order(bid);
    view.is_expired(bid);
    view.is_listed(security);
    view.listing_of(security);
    view.commitment_of(bid);
    view.has_role(role, account);
    assert_eq!(calls(), []);
}

#[test]
fn both_orders_are_filled_and_counted_before_a_leg_moves() {
    for leg in LEGS {
        let stage = Stage::new(leg);
        let asked = call("orderState", &[stage.pair.0]);
        assert_eq!(stage.settles_and_calls(&asked), word(FILLED.into()));
        drop(stage);
        let stage = Stage::new(leg);
        let asked = call("orderState", &[stage.pair.1]);
        assert_eq!(stage.settles_and_calls(&asked), word(FILLED.into()));
        drop(stage);
        let count = call("settlementCount", &[]);
        assert_eq!(Stage::new(leg).settles_and_calls(&count), word(1));
    }
}

#[test]
fn commit_match_asks_everything_before_it_holds_and_whether_that_stands_afterwards() {
    let market = Market::firm();
    let pair = market.pair();
    let (security, cash) = (market.security.address(), market.cash.address());
    calls();
    market.commit(pair, UNTIL).unwrap();
    let calls = calls();
    let holds = selector("placeHold");
    let first = calls.iter().position(|call| call.1 == holds).unwrap();
    assert_eq!(calls[first..first + 2], [(security, holds), (cash, holds)]);
    let mut after = calls[first + 2..].to_vec();
    after.sort_unstable();
    let mut views = [
        (security, selector("holdOf")),
        (security, selector("holdRestriction")),
        (cash, selector("holdOf")),
    ];
    views.sort_unstable();
    assert_eq!(after, views);
}

/// The words that a call answered.
fn words(called: ArbResult) -> Vec<U256> {
    let answer = called.unwrap();
    answer.chunks(32).map(U256::from_be_slice).collect()
}

#[test]
fn both_orders_are_committed_before_a_hold_is_placed_and_not_any_more_before_one_is_dropped() {
    for leg in LEGS {
        for bid in [true, false] {
            let market = Market::firm();
            let pair = market.pair();
            let stage = Stage { market, pair, leg };
            let id = if bid { pair.0 } else { pair.1 };
            let asked = call("commitmentOf", &[id]);
            stage.call_back(&asked);
            stage.market.commit(pair, UNTIL).unwrap();
            assert_eq!(words(stage.called_back())[0], u(UNTIL));
            stage.call_back(&asked);
            stage.market.release(pair).unwrap();
            assert_eq!(words(stage.called_back()), [U256::ZERO; 2]);
        }
    }
}

#[test]
fn a_pair_is_not_settled_while_it_is_committed() {
    // From within the security's hold the cash's is missing; from within the cash's, the pair settles, and neither hold
    // stands afterwards.
    let market = Market::firm();
    let pair = market.pair();
    let stage = Stage {
        market,
        pair,
        leg: LEGS[0],
    };
    stage.grant(operator_role());
    stage.call_back(&call("settle", &[pair.0, pair.1]));
    stage.market.commit(pair, UNTIL).unwrap();
    assert_eq!(stage.called_back(), reverts_with(refused(23)));
    assert_eq!(stage.market.count(), U256::ZERO);
    drop(stage);
    let market = Market::firm();
    let pair = market.pair();
    let stage = Stage {
        market,
        pair,
        leg: LEGS[1],
    };
    stage.grant(operator_role());
    stage.call_back(&call("settle", &[pair.0, pair.1]));
    let market = &stage.market;
    // Restricted comes first: a hold that is not there cannot be used.
    let error = Error::SettlementRefused {
        failure: 19,
        restriction_code: 255,
    };
    market.assert_refused(&[pair.0, pair.1], error, || market.commit(pair, UNTIL));
}

#[test]
fn a_released_pair_is_neither_released_again_nor_settled_while_its_holds_are_dropped() {
    for leg in LEGS {
        let market = Market::firm();
        let pair = market.committed_pair();
        let (bid, ask) = pair;
        let stage = Stage { market, pair, leg };
        stage.grant(operator_role());
        stage.call_back(&call("releaseMatch", &[bid, ask, B256::ZERO]));
        stage.market.release(pair).unwrap();
        assert_eq!(
            stage.called_back(),
            reverts_with(Error::NotCommitted { bid, ask })
        );
        drop(stage);
        let market = Market::firm();
        let pair = market.committed_pair();
        let stage = Stage { market, pair, leg };
        stage.grant(operator_role());
        stage.call_back(&call("settle", &[pair.0, pair.1]));
        stage.market.release(pair).unwrap();
        assert_eq!(stage.called_back(), reverts_with(refused(21)));
        assert_eq!(stage.market.count(), U256::ZERO);
    }
}

#[test]
fn a_committed_pair_is_filled_and_free_before_a_leg_moves() {
    for leg in LEGS {
        for (name, expected) in [("orderState", FILLED.into()), ("commitmentOf", 0)] {
            let market = Market::firm();
            let pair = market.committed_pair();
            let stage = Stage { market, pair, leg };
            let called = stage.settles_and_calls(&call(name, &[pair.0]));
            assert_eq!(words(called)[0], u(expected));
        }
    }
}

#[test]
fn a_pair_cannot_settle_again_from_within_a_leg() {
    for leg in LEGS {
        let stage = Stage::new(leg);
        stage.grant(operator_role());
        let (bid, ask) = stage.pair;
        let called = stage.settles_and_calls(&call("settle", &[bid, ask]));
        assert_eq!(called, reverts_with(refused(3)));
        assert_eq!(stage.market.count(), u(1));
    }
}

#[test]
fn preflight_from_within_a_leg_names_both_orders_as_not_open() {
    for leg in LEGS {
        let stage = Stage::new(leg);
        let (bid, ask) = stage.pair;
        let called = stage
            .settles_and_calls(&call("preflight", &[bid, ask]))
            .unwrap();
        let words: Vec<U256> = called.chunks(32).map(U256::from_be_slice).collect();
        // Position of the list, restriction code, length of the list; then the first two failures.
        assert_eq!(words[0], u(64));
        assert_eq!(words[1], U256::ZERO);
        assert_eq!(words[3..5], [u(3), u(4)]);
    }
}

#[test]
fn an_operator_cannot_cancel_or_register_an_order_again_from_within_a_leg() {
    for leg in LEGS {
        let stage = Stage::new(leg);
        stage.grant(operator_role());
        let id = stage.pair.0;
        let called = stage.settles_and_calls(&call("cancelOrderById", &[id, B256::ZERO]));
        assert_eq!(
            called,
            reverts_with(Error::OrderNotCancellable { id, state: FILLED })
        );
    }
    for leg in LEGS {
        let stage = Stage::new(leg);
        stage.grant(operator_role());
        let (id, bid) = (stage.pair.0, stage.market.bid());
        let signature = stage.market.signature(&bid);
        let mut arguments = bid.words().to_vec();
        arguments.extend([u(11 * 32), u(65)].map(B256::from));
        arguments.extend(signature.chunks(32).map(B256::right_padding_from));
        let called = stage.settles_and_calls(&call("registerOrder", &arguments));
        assert_eq!(
            called,
            reverts_with(Error::OrderNotRegistrable { id, state: FILLED })
        );
    }
}

/// A stage whose buyer is the token that calls back.
fn bought_by_the_token(leg: usize) -> (Stage, Order) {
    let market = Market::new();
    let owner = [&market.security, &market.cash][leg].address();
    let (admin, dvp) = (market.admin, market.dvp.address());
    market
        .cash
        .sender(admin)
        .hold(market.buyer.address(), U256::ZERO);
    market.cash.sender(admin).hold(owner, u(50_000));
    market.cash.sender(admin).allow(owner, dvp, u(TOTAL));
    let bid = Order {
        owner,
        ..market.bid()
    };
    let registered = market
        .dvp
        .sender(owner)
        .register_order(bid.clone(), Bytes(vec![]));
    let pair = (registered.motsu_unwrap(), market.register(&market.ask()));
    (Stage { market, pair, leg }, bid)
}

#[test]
fn an_owner_who_cancels_from_within_a_leg_is_too_late() {
    for leg in LEGS {
        let (stage, bid) = bought_by_the_token(leg);
        let id = stage.pair.0;
        let (settled, called) = stage.settle_and_call(&call("cancelOrder", &bid.words()));
        assert_eq!(settled, Ok(u(1)));
        assert_eq!(
            called,
            reverts_with(Error::OrderNotCancellable { id, state: FILLED })
        );
        assert_eq!(stage.market.order_state(id), FILLED);
    }
}

#[test]
fn an_owner_who_advances_its_epoch_from_within_a_leg_has_settled_before() {
    for leg in LEGS {
        let (stage, bid) = bought_by_the_token(leg);
        let (settled, called) = stage.settle_and_call(&call("cancelAllOrders", &[]));
        assert_eq!((settled, called), (Ok(u(1)), word(NOW)));
        let market = &stage.market;
        assert_eq!(market.dvp.sender(market.admin).epoch_of(bid.owner), NOW);
        assert_eq!(market.order_state(stage.pair.0), FILLED);
    }
}

#[test]
fn a_pause_from_within_a_leg_stands_and_so_does_the_settlement() {
    for leg in LEGS {
        let stage = Stage::new(leg);
        stage.grant(pauser_role());
        assert_eq!(stage.settles_and_calls(&call("pause", &[])), Ok(vec![]));
        let market = &stage.market;
        let dvp = market.dvp.sender(market.stranger);
        assert!(dvp.paused());
        assert_eq!(dvp.settlement_count(), u(1));
        assert_eq!(dvp.payment(), market.cash.address());
        assert_eq!(dvp.broker_dealer().crd, CRD);
    }
}

#[test]
fn a_delisting_from_within_a_leg_stands_and_so_does_the_settlement() {
    for leg in LEGS {
        let stage = Stage::new(leg);
        let (market, token) = (&stage.market, stage.token().address());
        let mut dvp = market.dvp.sender(market.admin);
        dvp.begin_default_admin_transfer(token).motsu_unwrap();
        let mut dvp = market.dvp.sender(token);
        dvp.accept_default_admin_transfer().motsu_unwrap();
        let security = market.security.address();
        let delist = call("listSecurity", &[security.into_word(), B256::ZERO]);
        assert_eq!(stage.settles_and_calls(&delist), Ok(vec![]));
        assert!(!market.dvp.sender(market.stranger).is_listed(security));
    }
}

/// Registers a second pair and gives its ids; both parties of it may spend twice what one pair needs.
fn another_pair(market: &Market, seller: Account, buyer: Account) -> (B256, B256) {
    let dvp = market.dvp.address();
    let (seller_, buyer_) = (seller.address(), buyer.address());
    market.security.sender(market.admin).hold(seller_, u(1_000));
    market
        .security
        .sender(market.admin)
        .allow(seller_, dvp, u(2 * QUANTITY));
    market.cash.sender(market.admin).hold(buyer_, u(50_000));
    market
        .cash
        .sender(market.admin)
        .allow(buyer_, dvp, u(2 * TOTAL));
    let register = |order: Order, owner: Account| {
        let order = Order {
            owner: owner.address(),
            boardRef: B256::repeat_byte(0x77),
            ..order
        };
        let registered = market
            .dvp
            .sender(owner)
            .register_order(order, Bytes(vec![]));
        registered.motsu_unwrap()
    };
    (
        register(market.bid(), buyer),
        register(market.ask(), seller),
    )
}

#[test]
fn another_settlement_of_the_same_parties_from_within_a_leg_undoes_both() {
    for leg in LEGS {
        let stage = Stage::new(leg);
        stage.grant(operator_role());
        let market = &stage.market;
        let other = another_pair(market, market.seller, market.buyer);
        let ids = [stage.pair.0, stage.pair.1, other.0, other.1];
        let mut token = stage.token().sender(market.admin);
        token.call_back(market.dvp.address(), &call("settle", &[other.0, other.1]));
        market.assert_refused(&ids, refused(29), || market.settle(stage.pair));
    }
}

#[test]
fn another_settlement_of_other_parties_from_within_a_leg_has_the_next_number() {
    for leg in LEGS {
        let stage = Stage::new(leg);
        stage.grant(operator_role());
        let market = &stage.market;
        let other = another_pair(market, market.pauser, market.stranger);
        let called = stage.settles_and_calls(&call("settle", &[other.0, other.1]));
        assert_eq!(called, word(2));
        assert_eq!(market.count(), u(2));
        let numbers = market
            .events::<Settled>()
            .into_iter()
            .map(|it| it.settlementId);
        assert_eq!(numbers.collect::<Vec<_>>(), [u(2), u(1)]);
    }
}
