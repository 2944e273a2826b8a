//! Matching and settling.

use acceptance::{
    bindings::{IDvPSettlement, ISecurityToken},
    deploy::BROKER_DEALER,
    hostile::{IHostile, Token},
    market::{DAY, Market, s, settle_call, settle_signed_call, usd},
    order::{ASK, BID, Signed, state},
};
use alloy::{
    primitives::{Address, B256, U256},
    sol_types::SolEvent,
};

/// Scenario 17, and invariant I1.
#[tokio::test]
async fn settle_swaps_both_legs_and_keeps_nothing() {
    let market = Market::open().await;
    let (bid, ask) = market.registered().await;
    assert_eq!(market.preflight(bid, ask).await, (vec![], 0));
    let receipt = market.settle(bid, ask).await;
    market.assert_settled(bid, ask).await;
    assert_settled_log(&market, &receipt, bid, ask);
}

/// Scenario 17 in one transaction.
#[tokio::test]
async fn settle_signed_does_registration_and_settlement_at_once() {
    let market = Market::open().await;
    let (bid, ask) = market.signed();
    let call = settle_signed_call(&bid, &ask);
    let receipt = market
        .chain
        .send(&market.operator, market.settlement, &call)
        .await;
    market.assert_settled(bid.id, ask.id).await;
    assert_settled_log(&market, &receipt, bid.id, ask.id);
    let registered: Vec<_> = receipt
        .inner
        .logs()
        .iter()
        .filter_map(|log| IDvPSettlement::OrderRegistered::decode_log(&log.inner).ok())
        .collect();
    assert_eq!(
        registered.len(),
        2,
        "both orders are registered in the logs"
    );
    for (log, signed) in registered.iter().zip([&bid, &ask]) {
        assert_eq!(log.id, signed.id);
        assert_eq!(log.owner, signed.order.owner);
        assert_eq!(log.order, signed.order);
        assert_eq!(log.signature, signed.signature);
        assert_eq!(log.by, market.operator.address);
    }
}

/// Scenario 17: an id that is already open is settled as it is.
#[tokio::test]
async fn settle_signed_accepts_an_order_that_is_open_already() {
    let market = Market::open().await;
    let (bid, ask) = market.signed();
    market.register_order(&ask).await;
    let call = settle_signed_call(&bid, &ask);
    let receipt = market
        .chain
        .send(&market.operator, market.settlement, &call)
        .await;
    market.assert_settled(bid.id, ask.id).await;
    let registered = receipt.inner.logs().iter();
    let registered =
        registered.filter(|log| log.topics()[0] == IDvPSettlement::OrderRegistered::SIGNATURE_HASH);
    assert_eq!(
        registered.count(),
        1,
        "the open order is not registered again"
    );
}

fn assert_settled_log(
    market: &Market,
    receipt: &alloy::rpc::types::TransactionReceipt,
    bid: B256,
    ask: B256,
) {
    let settled: Vec<_> = receipt
        .inner
        .logs()
        .iter()
        .filter(|log| log.address() == market.settlement)
        .filter_map(|log| IDvPSettlement::Settled::decode_log(&log.inner).ok())
        .collect();
    assert_eq!(settled.len(), 1, "exactly one Settled");
    let expected = IDvPSettlement::Settled {
        settlementId: U256::from(1),
        bidId: bid,
        askId: ask,
        buyer: market.buyer.address,
        seller: market.seller.address,
        security: market.token,
        quantity: s(100),
        total: usd(1_035),
        bidLimit: usd(1_050),
        askLimit: usd(1_020),
        operator: market.operator.address,
        crd: BROKER_DEALER.1,
    };
    assert_eq!(settled[0].data, expected);
}

/// Scenario 17: the price does not depend on who registers first.
#[tokio::test]
async fn settle_takes_the_midpoint_whichever_order_came_first() {
    let market = Market::open().await;
    let (bid, ask) = market.signed();
    market.register_order(&ask).await;
    market.register_order(&bid).await;
    market.settle(bid.id, ask.id).await;
    market.assert_settled(bid.id, ask.id).await;
}

/// Registers the scenarios' pair with `change` applied to bid and ask.
async fn pair(
    market: &Market,
    change: impl Fn(&mut acceptance::bindings::Order, &mut acceptance::bindings::Order),
) -> (Signed, Signed) {
    let (mut bid, mut ask) = (market.bid(), market.ask());
    change(&mut bid, &mut ask);
    let (bid, ask) = (
        market.sign(bid, &market.buyer),
        market.sign(ask, &market.seller),
    );
    market.register_order(&bid).await;
    market.register_order(&ask).await;
    (bid, ask)
}

/// Scenario 18.
#[tokio::test]
async fn settle_reverts_when_the_prices_do_not_cross() {
    let market = Market::open().await;
    let (bid, ask) = pair(&market, |bid, _| {
        bid.limitTotal = usd(1_020) - U256::from(1);
    })
    .await;
    market.settle_refused(bid.id, ask.id, 17, 0).await;
}

/// Scenario 18.
#[tokio::test]
async fn settle_rounds_the_midpoint_down() {
    let market = Market::open().await;
    let (bid, ask) = pair(&market, |bid, _| {
        bid.limitTotal = usd(1_020) + U256::from(3);
    })
    .await;
    market.settle(bid.id, ask.id).await;
    assert_eq!(
        market.cash(market.seller.address).await,
        usd(1_020) + U256::from(1)
    );
}

/// Scenario 18: limits that meet exactly.
#[tokio::test]
async fn settle_accepts_equal_limits() {
    let market = Market::open().await;
    let (bid, ask) = pair(&market, |bid, ask| bid.limitTotal = ask.limitTotal).await;
    market.settle(bid.id, ask.id).await;
    assert_eq!(market.cash(market.seller.address).await, usd(1_020));
}

/// Scenario 19.
#[tokio::test]
async fn settle_reverts_when_an_order_meets_itself() {
    let market = Market::open().await;
    let (bid, ask) = market.registered().await;
    market.settle_refused(bid, bid, 2, 0).await;
    market.settle_refused(ask, ask, 2, 0).await;
}

/// Scenario 19.
#[tokio::test]
async fn settle_reverts_when_an_order_is_unknown() {
    let market = Market::open().await;
    let (bid, ask) = market.registered().await;
    let unknown = B256::repeat_byte(7);
    market.settle_refused(unknown, ask, 3, 0).await;
    market.settle_refused(bid, unknown, 4, 0).await;
}

/// Scenario 19.
#[tokio::test]
async fn settle_reverts_when_both_orders_are_on_one_side() {
    let market = Market::open().await;
    let (bid, ask) = market.registered().await;
    let mut other_bid = market.ask();
    other_bid.side = BID;
    let other_bid = market.sign(other_bid, &market.seller);
    market.register_order(&other_bid).await;
    market.settle_refused(bid, other_bid.id, 6, 0).await;
    let mut other_ask = market.bid();
    other_ask.side = ASK;
    let other_ask = market.sign(other_ask, &market.buyer);
    market.register_order(&other_ask).await;
    market.settle_refused(other_ask.id, ask, 5, 0).await;
}

/// Scenario 19.
#[tokio::test]
async fn settle_reverts_when_both_orders_have_one_owner() {
    let market = Market::open().await;
    let (bid, _) = market.registered().await;
    let mut own = market.ask();
    own.owner = market.buyer.address;
    let own = market.sign(own, &market.buyer);
    market.register_order(&own).await;
    market.settle_refused(bid, own.id, 7, 0).await;
}

/// Scenario 19.
#[tokio::test]
async fn settle_reverts_when_the_securities_differ() {
    let market = Market::open().await;
    let other = Token::default().deploy(&market.chain).await;
    let list = IDvPSettlement::listSecurityCall {
        security: other,
        listed: true,
    };
    market
        .chain
        .send(&market.admin, market.settlement, &list)
        .await;
    let mint = IHostile::mintCall {
        to: market.seller.address,
        value: s(1_000),
    };
    market.chain.send(&market.seller, other, &mint).await;
    let (bid, ask) = pair(&market, |_, ask| ask.security = other).await;
    market.settle_refused(bid.id, ask.id, 8, 0).await;
}

/// Scenario 19.
#[tokio::test]
async fn settle_reverts_when_the_quantities_differ() {
    let market = Market::open().await;
    let (bid, ask) = pair(&market, |_, ask| ask.quantity += U256::from(1)).await;
    market.settle_refused(bid.id, ask.id, 9, 0).await;
}

/// Failures 15 and 16.
#[tokio::test]
async fn settle_reverts_when_an_order_wants_another_counterparty() {
    let market = Market::open().await;
    let stranger = market.stranger.address;
    let (bid, ask) = pair(&market, |bid, _| bid.counterparty = stranger).await;
    market.settle_refused(bid.id, ask.id, 15, 0).await;
    let market_ask = {
        let mut ask = market.ask();
        ask.counterparty = stranger;
        market.sign(ask, &market.seller)
    };
    market.register_order(&market_ask).await;
    let bid = market.sign(market.bid(), &market.buyer);
    market.register_order(&bid).await;
    market.settle_refused(bid.id, market_ask.id, 16, 0).await;
}

/// Failures 15 and 16, with the sides swapped.
#[tokio::test]
async fn settle_accepts_orders_that_name_each_other() {
    let market = Market::open().await;
    let (buyer, seller) = (market.buyer.address, market.seller.address);
    let (bid, ask) = pair(&market, |bid, ask| {
        bid.counterparty = seller;
        ask.counterparty = buyer;
    })
    .await;
    market.settle(bid.id, ask.id).await;
    market.assert_settled(bid.id, ask.id).await;
}

/// Failures 13 and 14.
#[tokio::test]
async fn settle_reverts_when_an_owner_has_advanced_the_epoch() {
    let market = Market::open().await;
    let (bid, ask) = market.registered().await;
    let advance = IDvPSettlement::cancelAllOrdersCall {};
    market
        .chain
        .send(&market.seller, market.settlement, &advance)
        .await;
    market.settle_refused(bid, ask, 14, 0).await;
    market
        .chain
        .send(&market.buyer, market.settlement, &advance)
        .await;
    market.settle_refused(bid, ask, 13, 0).await;
}

/// Failure 18.
#[tokio::test]
async fn settle_reverts_when_the_security_is_delisted() {
    let market = Market::open().await;
    let (bid, ask) = market.registered().await;
    let list = |listed| IDvPSettlement::listSecurityCall {
        security: market.token,
        listed,
    };
    market
        .chain
        .send(&market.admin, market.settlement, &list(false))
        .await;
    market.settle_refused(bid, ask, 18, 0).await;
    market
        .chain
        .send(&market.admin, market.settlement, &list(true))
        .await;
    market.settle(bid, ask).await;
    market.assert_settled(bid, ask).await;
}

/// Scenario 23.
#[tokio::test]
async fn settle_works_until_the_last_second_before_expiry() {
    let market = Market::open().await;
    let Some(clock) = market.chain.clock() else {
        return;
    };
    let expiry = market.opened + 3 * DAY;
    let (bid, ask) = pair(&market, |bid, ask| {
        (bid.expiry, ask.expiry) = (expiry, expiry);
    })
    .await;
    clock.next_block_at(expiry - 1).await;
    market.settle(bid.id, ask.id).await;
    assert_eq!(market.chain.now().await, expiry - 1);
    market.assert_settled(bid.id, ask.id).await;
}

/// Scenario 23.
#[tokio::test]
async fn settle_reverts_when_the_bid_is_expired() {
    let market = Market::open().await;
    let Some(clock) = market.chain.clock() else {
        return;
    };
    let expiry = market.opened + 3 * DAY;
    let (bid, ask) = pair(&market, |bid, _| bid.expiry = expiry).await;
    clock.mine_at(expiry).await;
    market.settle_refused(bid.id, ask.id, 11, 0).await;
    let expired = IDvPSettlement::isExpiredCall { id: bid.id };
    assert!(market.chain.call(market.settlement, &expired).await);
    assert_eq!(
        market.state(bid.id).await,
        state::OPEN,
        "expiry is a view, not a state"
    );
}

/// Scenario 23.
#[tokio::test]
async fn settle_reverts_when_the_ask_is_expired() {
    let market = Market::open().await;
    let Some(clock) = market.chain.clock() else {
        return;
    };
    let expiry = market.opened + 3 * DAY;
    let (bid, ask) = pair(&market, |_, ask| ask.expiry = expiry).await;
    clock.mine_at(expiry).await;
    market.settle_refused(bid.id, ask.id, 12, 0).await;
}

/// Invariant I2: a filled order is never filled again.
#[tokio::test]
async fn settle_reverts_when_an_order_is_filled() {
    let market = Market::open().await;
    let (bid, ask) = market.registered().await;
    market.settle(bid, ask).await;
    market.settle_refused(bid, ask, 3, 0).await;
    let again = market.sign(
        acceptance::bindings::Order {
            boardRef: B256::ZERO,
            ..market.bid()
        },
        &market.buyer,
    );
    market.register_order(&again).await;
    market.settle_refused(again.id, ask, 4, 0).await;
}

/// The settlement counter counts settlements and nothing else.
#[tokio::test]
async fn settlement_ids_count_from_one() {
    let market = Market::open().await;
    let count = IDvPSettlement::settlementCountCall {};
    assert_eq!(
        market.chain.call(market.settlement, &count).await,
        U256::ZERO
    );
    for number in 1..=3u64 {
        let (bid, ask) = pair(&market, |bid, ask| {
            bid.boardRef = B256::with_last_byte(u8::try_from(number).expect("small"));
            ask.boardRef = bid.boardRef;
        })
        .await;
        let answer = market
            .chain
            .simulate(
                market.operator.address,
                market.settlement,
                alloy::sol_types::SolCall::abi_encode(&settle_call(bid.id, ask.id)).into(),
            )
            .await
            .expect("it would settle");
        assert_eq!(U256::from_be_slice(&answer), U256::from(number));
        market.settle(bid.id, ask.id).await;
        assert_eq!(
            market.chain.call(market.settlement, &count).await,
            U256::from(number)
        );
    }
}

/// Nothing is touched except the owner, the recipient and their allowances.
#[tokio::test]
async fn settle_uses_up_exactly_the_allowance_it_needs() {
    let market = Market::open().await;
    let (bid, ask) = market.registered().await;
    market.settle(bid, ask).await;
    let left = async |owner: Address, asset: Address| {
        let call = ISecurityToken::allowanceCall {
            owner,
            spender: market.settlement,
        };
        market.chain.call(asset, &call).await
    };
    assert_eq!(left(market.seller.address, market.token).await, s(900));
    assert_eq!(
        left(market.buyer.address, market.coin).await,
        usd(50_000) - usd(1_035)
    );
}

/// The contract says who is responsible for it.
#[tokio::test]
async fn the_broker_dealer_is_on_record() {
    let market = Market::open().await;
    let record = market
        .chain
        .call(market.settlement, &IDvPSettlement::brokerDealerCall {})
        .await;
    assert_eq!(
        (record.name.as_str(), record.crd, record.lei.as_str()),
        BROKER_DEALER
    );
    let payment = market
        .chain
        .call(market.settlement, &IDvPSettlement::paymentCall {})
        .await;
    assert_eq!(payment, market.coin);
}
