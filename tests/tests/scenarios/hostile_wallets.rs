//! Wallet contracts as owners of orders (ERC-1271), well-behaved and not.

use acceptance::{
    bindings::{IDvPSettlement, ISecurityToken, ITsUSDC, Order},
    hostile::{Wallet, arm, execute},
    market::{GROUP, Market, register_call, s, settle_call, settle_signed_call, usd},
    order::{self, Signed, state},
};
use alloy::primitives::{Address, Bytes, U256, keccak256};

/// A buyer that is a contract: listed, with 50,000 TsUSDC and an approval, and its bid.
pub(crate) async fn buying(market: &Market, wallet: Wallet) -> (Address, Signed) {
    let buyer = wallet.deploy(&market.chain).await;
    market.register_as(buyer, keccak256(buyer), GROUP).await;
    let fund = ITsUSDC::transferCall {
        to: buyer,
        value: usd(50_000),
    };
    market.chain.send(&market.buyer, market.coin, &fund).await;
    let approve = ITsUSDC::approveCall {
        spender: market.settlement,
        value: usd(50_000),
    };
    execute(&market.chain, &market.admin, buyer, market.coin, &approve).await;
    let order = Order {
        owner: buyer,
        ..market.bid()
    };
    let id = order::id(&order, &market.domain());
    (
        buyer,
        Signed {
            order,
            id,
            signature: Bytes::from_static(&[1, 2, 3]),
        },
    )
}

/// The wallet judges signatures of any length.
#[tokio::test]
async fn a_wallet_contract_buys_with_a_signature_of_its_own_kind() {
    for length in [0, 3, 64, 65, 66, 500] {
        let market = Market::open().await;
        let (buyer, bid) = buying(&market, Wallet::Accepts).await;
        let bid = Signed {
            signature: vec![1; length].into(),
            ..bid
        };
        let ask = market.sign(market.ask(), &market.seller);
        market.register_order(&bid).await;
        market.register_order(&ask).await;
        market.settle(bid.id, ask.id).await;
        assert_eq!(market.securities(buyer).await, s(100));
    }
}

/// As in USDC: the first word of up to 4,096 bytes decides.
#[tokio::test]
async fn a_wallet_may_return_more_than_the_magic_word() {
    for wallet in [Wallet::AnswersTwoWords, Wallet::Answers4096Bytes] {
        let market = Market::open().await;
        let (buyer, bid) = buying(&market, wallet).await;
        market.register_order(&bid).await;
        let ask = market.sign(market.ask(), &market.seller);
        market.register_order(&ask).await;
        market.settle(bid.id, ask.id).await;
        assert_eq!(market.securities(buyer).await, s(100), "{wallet:?}");
    }
}

/// Scenario 26 for signatures: every answer of the wallet except the magic word.
#[tokio::test]
async fn a_wallet_that_does_not_answer_the_exact_magic_word_is_refused() {
    let wallets = [
        Wallet::Refuses,
        Wallet::Answers31Bytes,
        Wallet::Answers4097Bytes,
        Wallet::AnswersDirtyWord,
        Wallet::AnswersNothing,
        Wallet::AnswersMegabyte,
        Wallet::Reverts,
        Wallet::RevertsWithMegabyte,
        Wallet::BurnsGas,
    ];
    for wallet in wallets {
        eprintln!("{wallet:?}");
        let market = Market::open().await;
        let (owner, bid) = buying(&market, wallet).await;
        let error = IDvPSettlement::InvalidSignature { owner };
        let call = register_call(&bid);
        market
            .refused(
                &[bid.id],
                &market.operator,
                market.settlement,
                &call,
                &error,
            )
            .await;
        let ask = market.sign(market.ask(), &market.seller);
        let call = settle_signed_call(&bid, &ask);
        let refused = IDvPSettlement::SettlementRefused {
            failure: 27,
            restrictionCode: 0,
        };
        let ids = [bid.id, ask.id];
        market
            .refused(&ids, &market.operator, market.settlement, &call, &refused)
            .await;
    }
}

/// A static call cannot change what is being judged.
#[tokio::test]
async fn a_wallet_that_reenters_while_it_is_asked_changes_nothing() {
    let market = Market::open().await;
    let (buyer, bid) = buying(&market, Wallet::ReentersAndAccepts).await;
    let cancel = IDvPSettlement::cancelAllOrdersCall {};
    arm(
        &market.chain,
        &market.admin,
        buyer,
        market.settlement,
        &cancel,
    )
    .await;
    let ask = market.sign(market.ask(), &market.seller);
    let call = settle_signed_call(&bid, &ask);
    market
        .chain
        .send(&market.operator, market.settlement, &call)
        .await;
    let epoch = IDvPSettlement::epochOfCall { owner: buyer };
    assert_eq!(market.chain.call(market.settlement, &epoch).await, 0);
    assert_eq!(market.securities(buyer).await, s(100));
    assert_eq!(market.state(bid.id).await, state::FILLED);
}

/// `settle` trusts the registration until it is cancelled; `settleSigned` always asks the wallet.
#[tokio::test]
async fn settle_signed_asks_a_wallet_contract_even_when_its_order_is_open() {
    let market = Market::open().await;
    let (_, bid) = buying(&market, Wallet::AcceptsOne).await;
    let ask = market.sign(market.ask(), &market.seller);
    market.register_order(&bid).await;
    let refusing = Signed {
        signature: Bytes::from_static(&[2]),
        ..bid.clone()
    };
    let call = settle_signed_call(&refusing, &ask);
    let refused = IDvPSettlement::SettlementRefused {
        failure: 27,
        restrictionCode: 0,
    };
    let ids = [bid.id, ask.id];
    market
        .refused(&ids, &market.operator, market.settlement, &call, &refused)
        .await;
    market.register_order(&ask).await;
    market
        .chain
        .send(
            &market.operator,
            market.settlement,
            &settle_call(bid.id, ask.id),
        )
        .await;
    assert_eq!(market.state(bid.id).await, state::FILLED);
}

/// An open order of a plain key needs no second signature.
#[tokio::test]
async fn settle_signed_asks_no_signature_of_a_key_whose_order_is_open() {
    let market = Market::open().await;
    let (bid, ask) = market.signed();
    market.register_order(&bid).await;
    market.register_order(&ask).await;
    let empty = |of: &Signed| Signed {
        signature: Bytes::new(),
        ..of.clone()
    };
    let call = settle_signed_call(&empty(&bid), &empty(&ask));
    market
        .chain
        .send(&market.operator, market.settlement, &call)
        .await;
    market.assert_settled(bid.id, ask.id).await;
}

/// A wallet contract cancels and registers through its own calls.
#[tokio::test]
async fn a_wallet_contract_registers_and_cancels_its_own_orders() {
    let market = Market::open().await;
    let (buyer, bid) = buying(&market, Wallet::Refuses).await;
    let register = IDvPSettlement::registerOrderCall {
        order: bid.order.clone(),
        signature: Bytes::new(),
    };
    execute(
        &market.chain,
        &market.admin,
        buyer,
        market.settlement,
        &register,
    )
    .await;
    assert_eq!(market.state(bid.id).await, state::OPEN);
    let cancel = IDvPSettlement::cancelOrderCall {
        order: bid.order.clone(),
    };
    execute(
        &market.chain,
        &market.admin,
        buyer,
        market.settlement,
        &cancel,
    )
    .await;
    assert_eq!(market.state(bid.id).await, state::CANCELLED);
    let held = ISecurityToken::balanceOfCall { account: buyer };
    assert_eq!(market.chain.call(market.token, &held).await, U256::ZERO);
}
