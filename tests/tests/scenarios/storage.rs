//! The storage layout that the contracts document: changing it is a breaking change.

use acceptance::{
    bindings::ITsUSDC,
    deploy::BROKER_DEALER,
    market::{DAY, Market, role, s, usd},
};
use alloy::{
    primitives::{Address, B256, U256, keccak256},
    sol_types::SolValue,
};

/// The slot of a mapping's entry.
fn entry(slot: u64, key: B256) -> U256 {
    keccak256((key, U256::from(slot)).abi_encode()).into()
}

/// The slot of an entry in a mapping of mappings.
fn nested(slot: u64, outer: B256, inner: B256) -> U256 {
    keccak256((inner, B256::from(entry(slot, outer))).abi_encode()).into()
}

fn word(address: Address) -> U256 {
    address.into_word().into()
}

/// The first slot of the roles in each contract: members, default admin, pending default admin with the offer's end.
async fn assert_roles(market: &Market, contract: Address, first: u64, name: &str) {
    let holder = if contract == market.coin {
        &market.treasurer
    } else {
        &market.admin
    };
    let admin = holder.address;
    let found = market.chain.storage(contract, U256::from(first + 1)).await;
    assert_eq!(found, word(admin), "{name}: the default admin");
    let begin = ITsUSDC::beginDefaultAdminTransferCall {
        newAdmin: market.stranger.address,
    };
    market.chain.send(holder, contract, &begin).await;
    let lapses = U256::from(market.chain.now().await + 30 * DAY);
    let found = market.chain.storage(contract, U256::from(first + 2)).await;
    assert_eq!(
        found,
        (lapses << 160) | word(market.stranger.address),
        "{name}: the pending default admin"
    );
    let pauser = market.admin.address.into_word();
    let member = nested(first, role("PAUSER_ROLE"), pauser);
    assert_eq!(
        market.chain.storage(contract, member).await,
        U256::from(1),
        "{name}: a member"
    );
}

/// settlement/src/lib.rs
#[tokio::test]
async fn the_settlement_contracts_slots_are_where_they_are_documented() {
    let market = Market::open().await;
    let contract = market.settlement;
    assert_roles(&market, contract, 0, "settlement").await;
    let (bid, _) = market.registered().await;
    let advance = acceptance::bindings::IDvPSettlement::cancelAllOrdersCall {};
    market
        .chain
        .send(&market.stranger, contract, &advance)
        .await;
    let advanced = market.chain.now().await;
    let desk = market.chain.storage(contract, U256::from(3)).await;
    let desk = B256::from(desk);
    let holds = |bytes: &[u8]| desk.windows(bytes.len()).any(|window| window == bytes);
    assert!(
        holds(market.coin.as_slice()),
        "the desk names the payment token: {desk}"
    );
    assert!(
        holds(&BROKER_DEALER.1.to_be_bytes()[4..]),
        "and the CRD number: {desk}"
    );
    let order = B256::from(market.chain.storage(contract, entry(8, bid)).await);
    let owner = market.buyer.address;
    assert!(
        order.windows(20).any(|window| window == owner.as_slice()),
        "the bid's head: {order}"
    );
    let epoch = entry(9, market.stranger.address.into_word());
    assert_eq!(
        market.chain.storage(contract, epoch).await,
        U256::from(advanced),
        "an epoch"
    );
    let listing = entry(10, market.token.into_word());
    assert_ne!(
        market.chain.storage(contract, listing).await,
        U256::ZERO,
        "a listing"
    );
    assert_eq!(
        market.chain.storage(contract, U256::from(12)).await,
        U256::from(1),
        "the count"
    );
}

/// tsusdc/src/lib.rs
#[tokio::test]
async fn the_coins_slots_are_where_they_are_documented() {
    let market = Market::open().await;
    let coin = market.coin;
    let (buyer, settlement) = (
        market.buyer.address.into_word(),
        market.settlement.into_word(),
    );
    let at = async |slot: U256| market.chain.storage(coin, slot).await;
    assert_eq!(at(U256::from(1)).await, usd(50_000), "the supply");
    assert_eq!(at(U256::from(2)).await, usd(1_000_000), "the reserves");
    assert_eq!(at(entry(3, buyer)).await, usd(50_000), "a balance");
    assert_eq!(
        at(nested(4, buyer, settlement)).await,
        usd(50_000),
        "an allowance"
    );
    let minter = market.admin.address.into_word();
    assert_eq!(at(entry(5, minter)).await, U256::from(1), "a minter");
    assert_eq!(
        at(entry(6, minter)).await,
        usd(950_000),
        "a minter's allowance"
    );
    let blacklist = ITsUSDC::blacklistCall {
        account: market.buyer.address,
    };
    market.chain.send(&market.admin, coin, &blacklist).await;
    let blocked = (U256::from(1) << 255) | usd(50_000);
    assert_eq!(
        at(entry(3, buyer)).await,
        blocked,
        "the blacklist is the balance's top bit"
    );
    assert_roles(&market, coin, 10, "coin").await;
}

/// erc1404-token/src/store.rs
#[tokio::test]
async fn the_tokens_slots_are_where_they_are_documented() {
    let market = Market::open().await;
    let token = market.token;
    // 512 words, then four group pairs per word; accounts and investors take as many slots and use only rows.
    let accounts = 512 + 256 * 256 / 4;
    let allowances = 3 * accounts + 1;
    let (seller, settlement) = (
        market.seller.address.into_word(),
        market.settlement.into_word(),
    );
    let at = async |slot: U256| market.chain.storage(token, slot).await;
    assert_eq!(at(U256::from(2)).await, s(1_000), "the supply");
    assert_eq!(at(U256::from(3)).await, U256::ZERO, "the supply cap");
    assert_eq!(at(entry(accounts, seller)).await, s(1_000), "a balance");
    assert_ne!(
        at(entry(accounts, seller) + U256::from(1)).await,
        U256::ZERO,
        "a record"
    );
    let allowance = nested(allowances, seller, settlement);
    assert_eq!(at(allowance).await, s(1_000), "an allowance");
    assert_roles(&market, token, allowances + 7, "token").await;
}
