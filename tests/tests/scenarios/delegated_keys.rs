//! Keys whose account runs a contract's code (EIP-7702): the code is asked first, but the key's own signature is valid.

use acceptance::{
    bindings::{IDvPSettlement, ITsUSDC},
    hostile::Wallet,
    market::{Market, register_call, settle_signed_call, usd},
    order::{Signed, state},
};
use alloy::primitives::{Address, Bytes, U256};

/// Whatever the code answers, the key's own signature is valid.
#[tokio::test]
async fn a_delegated_key_still_signs_orders() {
    let wallets = [
        Wallet::Accepts,
        Wallet::Refuses,
        Wallet::Reverts,
        Wallet::AnswersNothing,
        Wallet::AnswersMegabyte,
        Wallet::BurnsGas,
    ];
    for wallet in wallets {
        eprintln!("{wallet:?}");
        let market = Market::open().await;
        let code = wallet.deploy(&market.chain).await;
        market.chain.delegate(&market.buyer, code).await;
        let delegation = market.chain.code(market.buyer.address).await;
        assert_eq!(delegation, [&[0xef, 0x01, 0x00], code.as_slice()].concat());
        let (bid, ask) = market.registered().await;
        market.settle(bid, ask).await;
        market.assert_settled(bid, ask).await;
    }
}

/// Only the code can accept what the key never signed.
#[tokio::test]
async fn a_delegated_keys_code_may_accept_other_signatures() {
    let market = Market::open().await;
    let code = Wallet::Accepts.deploy(&market.chain).await;
    market.chain.delegate(&market.buyer, code).await;
    let (bid, ask) = market.signed();
    let bid = Signed {
        signature: Bytes::from_static(&[1, 2, 3]),
        ..bid
    };
    let call = settle_signed_call(&bid, &ask);
    market
        .chain
        .send(&market.operator, market.settlement, &call)
        .await;
    market.assert_settled(bid.id, ask.id).await;
}

/// Accepted by neither the code nor the key: refused; after the delegation has ended, only the key counts.
#[tokio::test]
async fn a_delegated_key_does_not_sign_by_strangers() {
    let market = Market::open().await;
    let code = Wallet::Refuses.deploy(&market.chain).await;
    market.chain.delegate(&market.buyer, code).await;
    let (bid, _) = market.signed();
    let forged = Signed {
        signature: market.stranger.sign(bid.id),
        ..bid.clone()
    };
    let error = IDvPSettlement::InvalidSignature {
        owner: market.buyer.address,
    };
    let call = register_call(&forged);
    market
        .refused(
            &[bid.id],
            &market.operator,
            market.settlement,
            &call,
            &error,
        )
        .await;

    let accepting = Wallet::Accepts.deploy(&market.chain).await;
    market.chain.delegate(&market.buyer, accepting).await;
    market.chain.delegate(&market.buyer, Address::ZERO).await;
    assert!(market.chain.code(market.buyer.address).await.is_empty());
    market
        .refused(
            &[bid.id],
            &market.operator,
            market.settlement,
            &call,
            &error,
        )
        .await;
    market.register_order(&bid).await;
    assert_eq!(market.state(bid.id).await, state::OPEN);
}

/// The same at the coin.
#[tokio::test]
async fn a_delegated_key_still_authorizes_transfers_of_coins() {
    let market = Market::open().await;
    let code = Wallet::Refuses.deploy(&market.chain).await;
    market.chain.delegate(&market.buyer, code).await;
    let (what, relayer, input, _) = super::coin_signatures::entries(&market).remove(0);
    let to = alloy::primitives::TxKind::Call(market.coin);
    let receipt = market.chain.attempt(&relayer, to, input, U256::ZERO).await;
    assert!(receipt.status(), "{what}");
    let balance = ITsUSDC::balanceOfCall {
        account: market.seller.address,
    };
    assert_eq!(market.chain.call(market.coin, &balance).await, usd(10));
}
