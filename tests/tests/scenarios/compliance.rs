//! Changes between match and settlement: the token and the coin are checked in the block that settles.

use acceptance::{
    bindings::{IDvPSettlement, ISecurityToken, ITsUSDC},
    market::{DAY, GROUP, Market, s, usd, wallet_record},
    order::state,
};
use alloy::{
    primitives::{Address, U256, keccak256},
    sol_types::SolCall,
};

/// Something happens to `contract`, settle is refused, it is repaired, settle works.
async fn refused_until_repaired<B: SolCall, R: SolCall>(
    contract: impl Fn(&Market) -> Address,
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
    // Unpausing is the default admin's, which at the coin is a different account.
    let repair = repairing(&market);
    let by = if R::SELECTOR == ITsUSDC::unpauseCall::SELECTOR && contract(&market) == market.coin {
        &market.treasurer
    } else {
        &market.admin
    };
    market.chain.send(by, contract(&market), &repair).await;
    market.settle(bid, ask).await;
    market.assert_settled(bid, ask).await;
}

/// One test per line: what is broken where, the failure and restriction code that settle then reports, and the repair.
macro_rules! refused_until_repaired {
    ($($test:ident: $contract:ident, $failure:literal, $restriction:literal, $breaking:expr, $repairing:expr;)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                let contract = |market: &Market| market.$contract;
                refused_until_repaired(contract, $failure, $restriction, $breaking, $repairing).await;
            }
        )*
    };
}

// Scenario 24, and failures 25, 26 and 30.
refused_until_repaired! {
    settle_reverts_when_the_buyer_was_deregistered:
        token, 19, 1, deregister_the_buyer, register_the_buyer;
    settle_reverts_when_the_buyer_was_sanctioned:
        token, 19, 3, |market| sanction(market.buyer.address, true), |market| sanction(market.buyer.address, false);
    settle_reverts_when_the_settlement_contract_was_sanctioned:
        token, 19, 3, |market| sanction(market.settlement, true), |market| sanction(market.settlement, false);
    settle_reverts_when_the_seller_was_frozen:
        token, 19, 5, |market| freeze(market, true), |market| freeze(market, false);
    settle_reverts_when_the_sellers_securities_were_partly_frozen:
        token, 19, 8, freeze_one_unit_too_many, unfreeze_one_unit;
    settle_reverts_when_the_security_is_paused:
        token, 19, 2, |_| ISecurityToken::pauseCall {}, |_| ISecurityToken::unpauseCall {};
    settle_reverts_when_the_buyer_was_blacklisted_at_the_coin:
        coin, 24, 0, |market| blacklist(market.buyer.address), |market| unblacklist(market.buyer.address);
    settle_reverts_when_the_seller_was_blacklisted_at_the_coin:
        coin, 25, 0, |market| blacklist(market.seller.address), |market| unblacklist(market.seller.address);
    settle_reverts_when_the_coin_is_paused:
        coin, 26, 0, |_| ITsUSDC::pauseCall {}, |_| ITsUSDC::unpauseCall {};
    settle_reverts_when_the_coin_blocks_the_settlement_contract:
        coin, 30, 0, |market| blacklist(market.settlement), |market| unblacklist(market.settlement);
}

fn deregister_the_buyer(market: &Market) -> ISecurityToken::removeWalletCall {
    ISecurityToken::removeWalletCall {
        wallet: market.buyer.address,
    }
}

fn register_the_buyer(market: &Market) -> ISecurityToken::setWalletCall {
    let buyer = market.buyer.address;
    wallet_record(buyer, keccak256(buyer), GROUP, market.opened + 365 * DAY)
}

fn sanction(account: Address, sanctioned: bool) -> ISecurityToken::setSanctionedCall {
    ISecurityToken::setSanctionedCall {
        accounts: vec![account],
        sanctioned,
    }
}

fn freeze(market: &Market, frozen: bool) -> ISecurityToken::setAddressFrozenCall {
    ISecurityToken::setAddressFrozenCall {
        account: market.seller.address,
        frozen,
    }
}

/// The seller has 1,000 S and sells 100.
fn freeze_one_unit_too_many(market: &Market) -> ISecurityToken::freezePartialTokensCall {
    ISecurityToken::freezePartialTokensCall {
        account: market.seller.address,
        amount: s(900) + U256::from(1),
    }
}

fn unfreeze_one_unit(market: &Market) -> ISecurityToken::unfreezePartialTokensCall {
    ISecurityToken::unfreezePartialTokensCall {
        account: market.seller.address,
        amount: U256::from(1),
    }
}

fn blacklist(account: Address) -> ITsUSDC::blacklistCall {
    ITsUSDC::blacklistCall { account }
}

fn unblacklist(account: Address) -> ITsUSDC::unBlacklistCall {
    ITsUSDC::unBlacklistCall { account }
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
    let sanctioned = sanction(market.buyer.address, true);
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
