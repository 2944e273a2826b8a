//! What the contracts leave to people, according to the documents, and its bounds on chain: a limit that dust fills,
//! the operator's choice of counterparties, anchors that nothing is compared with, and wallets that use up gas.

use acceptance::{
    account::Account,
    bindings::{IDvPSettlement, ISecurityToken, ITsUSDC, Order},
    hostile::Wallet,
    market::{GROUP, Market, commit_call, register_call, s, usd},
    order::{self, Signed, state},
};
use alloy::{
    primitives::{Address, B256, TxKind, U256},
    sol_types::{SolCall, SolEvent},
};

use super::hostile_wallets::buying;

/// The holder limit of the token.
const LIMIT: u32 = 20;
/// The most gas that the command line gives a call, unless a profile says otherwise.
const GAS_CAP: u64 = 3_000_000;

/// `setLimits` of a holder limit and a minimum holding.
async fn limit_holders(market: &Market, min_holding: U256) {
    let call = ISecurityToken::setLimitsCall {
        maxPerInvestor: U256::ZERO,
        maxBipsPerInvestor: 0,
        maxHolders: LIMIT,
        minHolding: min_holding,
        granularity: U256::ZERO,
    };
    market.chain.send(&market.admin, market.token, &call).await;
}

async fn holder_count(market: &Market) -> u32 {
    let call = ISecurityToken::holderCountCall {};
    market.chain.call(market.token, &call).await
}

/// A registered wallet that holds nothing.
async fn guest(market: &Market, index: u32) -> Address {
    let wallet = market.wallet(&format!("guest {index}")).address;
    market.register(wallet, GROUP).await;
    wallet
}

/// T7: with a limit of 20 and two holders, 18 transfers of one base unit leave no room for a buyer; a minimum holding of
/// a lot does not let the first of them through.
#[tokio::test]
async fn dust_fills_a_holder_limit_and_a_minimum_holding_keeps_it_out() {
    let market = Market::open().await;
    let (chain, token) = (&market.chain, market.token);
    let ally = market.account("ally").await;
    market.register(ally.address, GROUP).await;
    market.mint(ally.address, s(1)).await;
    let lot = s(1);
    limit_holders(&market, lot).await;
    let dust = |to| ISecurityToken::transferCall {
        to,
        value: U256::from(1),
    };
    let first = guest(&market, 0).await;
    let message = ISecurityToken::messageForTransferRestrictionCall { code: 17 };
    let error = ISecurityToken::TransferRestricted {
        code: 17,
        message: chain.call(token, &message).await,
    };
    market
        .refused(&[], &market.seller, token, &dust(first), &error)
        .await;
    assert_eq!(holder_count(&market).await, 2);

    limit_holders(&market, U256::ZERO).await;
    chain.send(&market.seller, token, &dust(first)).await;
    for index in 1..LIMIT - 2 {
        let next = guest(&market, index).await;
        chain.send(&market.seller, token, &dust(next)).await;
    }
    assert_eq!(holder_count(&market).await, LIMIT);
    // The buyer, who has none, would be the twenty-first.
    let (bid, ask) = market.registered().await;
    market.settle_refused(bid, ask, 19, 12).await;
    // Each holder who leaves makes room again.
    let leaves = ISecurityToken::transferCall {
        to: market.seller.address,
        value: s(1),
    };
    chain.send(&ally, token, &leaves).await;
    market.settle(bid, ask).await;
    assert_eq!(market.state(bid).await, state::FILLED);
    assert_eq!(market.securities(market.buyer.address).await, s(100));
    assert_eq!(holder_count(&market).await, LIMIT);
}

/// Registers one party's order of 100 S at a limit, for any counterparty.
async fn post(market: &Market, owner: &Account, order: Order, limit: u64, reference: u8) -> Signed {
    let order = Order {
        owner: owner.address,
        limitTotal: usd(limit),
        boardRef: B256::repeat_byte(reference),
        ..order
    };
    let signed = market.sign(order, owner);
    market.register_order(&signed).await;
    signed
}

/// A2: with an affiliate in between, an ask of 1,020 and a bid of 1,050 settle at 1,020 and at 1,050, and the affiliate
/// keeps the 30 that a midpoint would have shared. Nobody gets a worse price than they signed.
#[tokio::test]
async fn an_affiliate_in_between_settles_both_ends_at_their_limits() {
    let market = Market::open().await;
    let chain = &market.chain;
    let affiliate = market.account("affiliate").await;
    market.register(affiliate.address, GROUP).await;
    let fund = ITsUSDC::transferCall {
        to: affiliate.address,
        value: usd(1_020),
    };
    chain.send(&market.buyer, market.coin, &fund).await;
    let approve = ISecurityToken::approveCall {
        spender: market.settlement,
        value: s(100),
    };
    chain.send(&affiliate, market.token, &approve).await;
    let approve = ITsUSDC::approveCall {
        spender: market.settlement,
        value: usd(1_020),
    };
    chain.send(&affiliate, market.coin, &approve).await;

    let ask = post(&market, &market.seller, market.ask(), 1_020, 1).await;
    let bid = post(&market, &market.buyer, market.bid(), 1_050, 2).await;
    // The second signer signs the other's limit, which is then the midpoint.
    let buys = post(&market, &affiliate, market.bid(), 1_020, 3).await;
    let sells = post(&market, &affiliate, market.ask(), 1_050, 4).await;
    let before = market.cash(market.buyer.address).await;
    market.settle(buys.id, ask.id).await;
    market.settle(bid.id, sells.id).await;

    assert_eq!(market.cash(market.seller.address).await, usd(1_020));
    assert_eq!(
        before - market.cash(market.buyer.address).await,
        usd(1_050),
        "the buyer's limit"
    );
    assert_eq!(
        market.cash(affiliate.address).await,
        usd(1_020) + usd(30),
        "what the affiliate began with, and what it kept"
    );
    assert_eq!(market.securities(affiliate.address).await, U256::ZERO);
    assert_eq!(market.securities(market.buyer.address).await, s(100));
}

/// The bound: a commitment of the two orders that were matched leaves no room for anybody in between.
#[tokio::test]
async fn a_committed_pair_has_nobody_in_between() {
    let market = Market::open().await;
    let affiliate = market.account("affiliate").await;
    market.register(affiliate.address, GROUP).await;
    let ask = post(&market, &market.seller, market.ask(), 1_020, 1).await;
    let bid = post(&market, &market.buyer, market.bid(), 1_050, 2).await;
    let buys = post(&market, &affiliate, market.bid(), 1_020, 3).await;
    let fund = ITsUSDC::transferCall {
        to: affiliate.address,
        value: usd(1_020),
    };
    market.chain.send(&market.buyer, market.coin, &fund).await;
    let approve = ITsUSDC::approveCall {
        spender: market.settlement,
        value: usd(1_020),
    };
    market.chain.send(&affiliate, market.coin, &approve).await;
    let until = market.opened + 3_600;
    let commit = commit_call(bid.id, ask.id, until);
    market
        .chain
        .send(&market.principal, market.settlement, &commit)
        .await;
    market.settle_refused(buys.id, ask.id, 31, 0).await;
    market.settle(bid.id, ask.id).await;
    assert_eq!(market.cash(market.seller.address).await, usd(1_035));
    assert_eq!(market.state(buys.id).await, state::OPEN);
}

/// A10: the contract accepts any root with any size, since a lost book must be able to start over; each anchor is an
/// event that records it, in order, for anyone who compares.
#[tokio::test]
async fn anchor_book_compares_with_nothing() {
    let market = Market::open().await;
    let root = |byte| B256::repeat_byte(byte);
    let anchors = [
        (root(1), 40),
        // Less than before, the same size with another root, the same once more, and nothing.
        (root(2), 17),
        (root(3), 17),
        (root(3), 17),
        (B256::ZERO, 0),
        (root(4), u64::MAX),
    ];
    let mut told = Vec::new();
    for (root, size) in anchors {
        let call = IDvPSettlement::anchorBookCall { root, size };
        let watch = market.watch(&[]);
        let before = watch.read(&market.chain).await;
        let receipt = market
            .chain
            .send(&market.operator, market.settlement, &call)
            .await;
        assert_eq!(watch.read(&market.chain).await, before, "nothing else");
        let [log] = receipt.inner.logs() else {
            panic!("one log: {receipt:?}")
        };
        let anchored = IDvPSettlement::BookAnchored::decode_log(&log.inner).expect("BookAnchored");
        told.push((anchored.root, anchored.size));
    }
    assert_eq!(told, anchors);
}

/// A11: an owner's wallet gets all available gas, and may burn it; the sender's gas limit bounds the loss.
#[tokio::test]
async fn a_wallet_that_burns_gas_costs_what_the_sender_gives() {
    let market = Market::open().await;
    let (chain, to) = (&market.chain, TxKind::Call(market.settlement));
    let (owner, bid) = buying(&market, Wallet::BurnsGas).await;
    let input = register_call(&bid).abi_encode();
    for gas in [GAS_CAP, 2 * GAS_CAP] {
        let receipt = chain
            .attempt_with(&market.operator, to, input.clone().into(), U256::ZERO, gas)
            .await;
        assert!(!receipt.status(), "{owner} did not sign");
        let used = receipt.gas_used;
        // All except the 64th part that the call keeps back.
        assert!((gas / 64 * 62..=gas).contains(&used), "{used} of {gas}");
        assert_eq!(market.state(bid.id).await, state::NONE);
    }
}

/// A11: a Safe with many owners or a passkey uses more than a million, for which the cap leaves room.
#[tokio::test]
async fn a_wallet_that_takes_much_gas_registers_within_the_cap() {
    let market = Market::open().await;
    let (_, bid) = buying(&market, Wallet::AcceptsAfterWork).await;
    let input = register_call(&bid).abi_encode();
    let to = TxKind::Call(market.settlement);
    let receipt = market
        .chain
        .attempt_with(&market.operator, to, input.into(), U256::ZERO, GAS_CAP)
        .await;
    assert!(receipt.status());
    assert!(receipt.gas_used > 1_000_000, "{}", receipt.gas_used);
    assert_eq!(market.state(bid.id).await, state::OPEN);
    let (gas, from) = (1_000_000, &market.operator);
    let again = Order {
        boardRef: B256::repeat_byte(9),
        ..bid.order
    };
    let id = order::id(&again, &market.domain());
    let again = Signed {
        order: again,
        id,
        ..bid
    };
    let input = register_call(&again).abi_encode();
    let receipt = market
        .chain
        .attempt_with(from, to, input.into(), U256::ZERO, gas)
        .await;
    assert!(!receipt.status(), "with less than the wallet needs");
    assert_eq!(market.state(id).await, state::NONE);
}
