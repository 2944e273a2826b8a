//! What happens between match and settlement: the token and the coin are asked in the block that settles.

use acceptance::{
    bindings::{IDvPSettlement, ISecurityToken, ITsUSDC},
    market::{DAY, GROUP, Market, s, usd, wallet_record},
    order::state,
};
use alloy::{
    primitives::{U256, keccak256},
    sol_types::SolCall,
};

/// Something happens to `contract`, settle is refused, it is repaired, settle works.
async fn refused_until_repaired<B: SolCall, R: SolCall>(
    contract: impl Fn(&Market) -> alloy::primitives::Address,
    failure: u8,
    restriction: u8,
    breaking: impl Fn(&Market) -> B,
    repairing: impl Fn(&Market) -> R,
) {
    let market = Market::open().await;
    let (bid, ask) = market.registered().await;
    market
        .chain
        .send(&market.admin, contract(&market), &breaking(&market))
        .await;
    market.settle_refused(bid, ask, failure, restriction).await;
    assert_eq!(market.state(bid).await, state::OPEN);
    assert_eq!(market.state(ask).await, state::OPEN);
    market
        .chain
        .send(&market.admin, contract(&market), &repairing(&market))
        .await;
    market.settle(bid, ask).await;
    market.assert_settled(bid, ask).await;
}

/// Scenario 24.
#[tokio::test]
async fn settle_reverts_when_the_buyer_was_deregistered() {
    refused_until_repaired(
        |market| market.token,
        19,
        1,
        |market| ISecurityToken::removeWalletCall {
            wallet: market.buyer.address,
        },
        |market| {
            let buyer = market.buyer.address;
            wallet_record(buyer, keccak256(buyer), GROUP, market.opened + 365 * DAY)
        },
    )
    .await;
}

fn sanction(market: &Market, sanctioned: bool) -> ISecurityToken::setSanctionedCall {
    ISecurityToken::setSanctionedCall {
        accounts: vec![market.buyer.address],
        sanctioned,
    }
}

/// Scenario 24.
#[tokio::test]
async fn settle_reverts_when_the_buyer_was_sanctioned() {
    refused_until_repaired(
        |market| market.token,
        19,
        3,
        |market| sanction(market, true),
        |market| sanction(market, false),
    )
    .await;
}

/// Scenario 24: a sanctioned settlement contract is a sanctioned spender.
#[tokio::test]
async fn settle_reverts_when_the_settlement_contract_was_sanctioned() {
    let sanction = |market: &Market, sanctioned| ISecurityToken::setSanctionedCall {
        accounts: vec![market.settlement],
        sanctioned,
    };
    refused_until_repaired(
        |market| market.token,
        19,
        3,
        |market| sanction(market, true),
        |market| sanction(market, false),
    )
    .await;
}

/// Scenario 24: KYC that runs out on the day.
#[tokio::test]
async fn settle_reverts_when_the_buyers_kyc_expired() {
    let market = Market::open().await;
    let Some(clock) = market.chain.clock() else {
        return;
    };
    let (bid, ask) = market.registered().await;
    let buyer = market.buyer.address;
    let expiry = market.opened + 2 * DAY;
    let record = |expiry| wallet_record(buyer, keccak256(buyer), GROUP, expiry);
    market
        .chain
        .send(&market.admin, market.token, &record(expiry))
        .await;
    clock.mine_at(expiry).await;
    market.settle_refused(bid, ask, 19, 16).await;
    market
        .chain
        .send(&market.admin, market.token, &record(expiry + 365 * DAY))
        .await;
    market.settle(bid, ask).await;
    market.assert_settled(bid, ask).await;
}

/// Scenario 24.
#[tokio::test]
async fn settle_reverts_when_the_buyer_was_blacklisted_at_the_coin() {
    refused_until_repaired(
        |market| market.coin,
        24,
        0,
        |market| ITsUSDC::blacklistCall {
            account: market.buyer.address,
        },
        |market| ITsUSDC::unBlacklistCall {
            account: market.buyer.address,
        },
    )
    .await;
}

/// Failure 25.
#[tokio::test]
async fn settle_reverts_when_the_seller_was_blacklisted_at_the_coin() {
    refused_until_repaired(
        |market| market.coin,
        25,
        0,
        |market| ITsUSDC::blacklistCall {
            account: market.seller.address,
        },
        |market| ITsUSDC::unBlacklistCall {
            account: market.seller.address,
        },
    )
    .await;
}

/// Failure 26.
#[tokio::test]
async fn settle_reverts_when_the_coin_is_paused() {
    refused_until_repaired(
        |market| market.coin,
        26,
        0,
        |_| ITsUSDC::pauseCall {},
        |_| ITsUSDC::unpauseCall {},
    )
    .await;
}

/// Failure 30.
#[tokio::test]
async fn settle_reverts_when_the_coin_blocks_the_settlement_contract() {
    refused_until_repaired(
        |market| market.coin,
        30,
        0,
        |market| ITsUSDC::blacklistCall {
            account: market.settlement,
        },
        |market| ITsUSDC::unBlacklistCall {
            account: market.settlement,
        },
    )
    .await;
}

/// Scenario 24.
#[tokio::test]
async fn settle_reverts_when_the_seller_was_frozen() {
    let freeze = |market: &Market, frozen| ISecurityToken::setAddressFrozenCall {
        account: market.seller.address,
        frozen,
    };
    refused_until_repaired(
        |market| market.token,
        19,
        5,
        |market| freeze(market, true),
        |market| freeze(market, false),
    )
    .await;
}

/// Scenario 24, encumbered securities.
#[tokio::test]
async fn settle_reverts_when_the_sellers_securities_were_partly_frozen() {
    let account = |market: &Market| market.seller.address;
    refused_until_repaired(
        |market| market.token,
        19,
        8,
        |market| ISecurityToken::freezePartialTokensCall {
            account: account(market),
            amount: s(900) + U256::from(1),
        },
        |market| ISecurityToken::unfreezePartialTokensCall {
            account: account(market),
            amount: U256::from(1),
        },
    )
    .await;
}

/// Scenario 24, the token's own switch.
#[tokio::test]
async fn settle_reverts_when_the_security_is_paused() {
    refused_until_repaired(
        |market| market.token,
        19,
        2,
        |_| ISecurityToken::pauseCall {},
        |_| ISecurityToken::unpauseCall {},
    )
    .await;
}

fn approve(market: &Market, value: U256) -> ISecurityToken::approveCall {
    ISecurityToken::approveCall {
        spender: market.settlement,
        value,
    }
}

/// Scenario 25.
#[tokio::test]
async fn settle_reverts_when_the_sellers_allowance_is_one_unit_short() {
    let market = Market::open().await;
    let (bid, ask) = market.registered().await;
    let short = approve(&market, s(100) - U256::from(1));
    market
        .chain
        .send(&market.seller, market.token, &short)
        .await;
    market.settle_refused(bid, ask, 21, 0).await;
    market
        .chain
        .send(&market.seller, market.token, &approve(&market, s(100)))
        .await;
    market.settle(bid, ask).await;
    market.assert_settled(bid, ask).await;
}

/// Scenario 25.
#[tokio::test]
async fn settle_reverts_when_the_buyers_allowance_is_one_unit_short() {
    let market = Market::open().await;
    let (bid, ask) = market.registered().await;
    let short = approve(&market, usd(1_035) - U256::from(1));
    market.chain.send(&market.buyer, market.coin, &short).await;
    market.settle_refused(bid, ask, 23, 0).await;
    market
        .chain
        .send(&market.buyer, market.coin, &approve(&market, usd(1_035)))
        .await;
    market.settle(bid, ask).await;
    market.assert_settled(bid, ask).await;
}

/// Leaves the seller with one unit less than the order's quantity.
async fn empty_the_seller(market: &Market) {
    let transfer = ISecurityToken::transferCall {
        to: market.buyer.address,
        value: s(900) + U256::from(1),
    };
    market
        .chain
        .send(&market.seller, market.token, &transfer)
        .await;
}

/// Leaves the buyer with one unit less than the total.
async fn empty_the_buyer(market: &Market) {
    let transfer = ITsUSDC::transferCall {
        to: market.stranger.address,
        value: usd(50_000) - usd(1_035) + U256::from(1),
    };
    market
        .chain
        .send(&market.buyer, market.coin, &transfer)
        .await;
}

/// Scenario 25.
#[tokio::test]
async fn settle_reverts_when_the_sellers_balance_is_one_unit_short() {
    let market = Market::open().await;
    let (bid, ask) = market.registered().await;
    empty_the_seller(&market).await;
    market.settle_refused(bid, ask, 20, 0).await;
}

/// Scenario 25.
#[tokio::test]
async fn settle_reverts_when_the_buyers_balance_is_one_unit_short() {
    let market = Market::open().await;
    let (bid, ask) = market.registered().await;
    empty_the_buyer(&market).await;
    market.settle_refused(bid, ask, 22, 0).await;
}

/// Scenario 25.
#[tokio::test]
async fn preflight_names_every_shortfall_at_once() {
    let market = Market::open().await;
    let (bid, ask) = market.registered().await;
    empty_the_seller(&market).await;
    empty_the_buyer(&market).await;
    let short = approve(&market, s(100) - U256::from(1));
    market
        .chain
        .send(&market.seller, market.token, &short)
        .await;
    let short = approve(&market, usd(1_035) - U256::from(1));
    market.chain.send(&market.buyer, market.coin, &short).await;
    assert_eq!(market.preflight(bid, ask).await, (vec![20, 21, 22, 23], 0));
    market.settle_refused(bid, ask, 20, 0).await;
}

/// Everything that can be wrong at once with two known orders, in the table's order.
#[tokio::test]
async fn preflight_names_failures_of_every_party_in_the_tables_order() {
    let market = Market::open().await;
    let (bid, ask) = market.registered().await;
    let sanctioned = sanction(&market, true);
    market
        .chain
        .send(&market.admin, market.token, &sanctioned)
        .await;
    for account in [
        market.buyer.address,
        market.seller.address,
        market.settlement,
    ] {
        let call = ITsUSDC::blacklistCall { account };
        market.chain.send(&market.admin, market.coin, &call).await;
    }
    market
        .chain
        .send(&market.admin, market.coin, &ITsUSDC::pauseCall {})
        .await;
    market
        .chain
        .send(
            &market.admin,
            market.settlement,
            &IDvPSettlement::pauseCall {},
        )
        .await;
    let delist = IDvPSettlement::listSecurityCall {
        security: market.token,
        listed: false,
    };
    market
        .chain
        .send(&market.admin, market.settlement, &delist)
        .await;
    let advance = IDvPSettlement::cancelAllOrdersCall {};
    market
        .chain
        .send(&market.buyer, market.settlement, &advance)
        .await;
    market
        .chain
        .send(&market.seller, market.settlement, &advance)
        .await;
    let expected = vec![1, 13, 14, 18, 19, 24, 25, 26, 30];
    assert_eq!(market.preflight(bid, ask).await, (expected, 3));
    market.settle_refused(bid, ask, 1, 0).await;
}
