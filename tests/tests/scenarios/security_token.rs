//! The security token's rules, one by one.

use acceptance::{
    account::Account,
    bindings::{ISecurityToken, ISecurityToken::TransferRestricted},
    market::{DAY, GROUP, Market, s, wallet_record},
};
use alloy::{
    primitives::{Address, B256, U256, keccak256},
    sol_types::SolEvent,
};

async fn detect(market: &Market, from: Address, to: Address, value: U256) -> u8 {
    let call = ISecurityToken::detectTransferRestrictionCall { from, to, value };
    market.chain.call(market.token, &call).await
}

async fn transfer(market: &Market, from: &Account, to: Address, value: U256) {
    let call = ISecurityToken::transferCall { to, value };
    market.chain.send(from, market.token, &call).await;
}

/// The refusal with a code, with the token's own text for it.
async fn restricted(market: &Market, code: u8) -> TransferRestricted {
    let call = ISecurityToken::messageForTransferRestrictionCall { code };
    TransferRestricted {
        code,
        message: market.chain.call(market.token, &call).await,
    }
}

/// Asserts that a transfer is predicted and refused with `code`, and that nothing moves.
async fn transfer_refused(market: &Market, from: &Account, to: Address, value: U256, code: u8) {
    assert_eq!(
        detect(market, from.address, to, value).await,
        code,
        "the prediction"
    );
    let mut watch = market.watch(&[]);
    watch.security(market.token, &[from.address, to]);
    let call = ISecurityToken::transferCall { to, value };
    let error = restricted(market, code).await;
    acceptance::refusal::refused(&market.chain, &watch, from, market.token, &call, &error).await;
}

async fn set_limits(market: &Market, max_per_investor: u64, max_bips: u16, max_holders: u32) {
    let call = ISecurityToken::setLimitsCall {
        maxPerInvestor: U256::from(max_per_investor),
        maxBipsPerInvestor: max_bips,
        maxHolders: max_holders,
        minHolding: U256::ZERO,
        granularity: U256::ZERO,
    };
    market.chain.send(&market.admin, market.token, &call).await;
}

/// A registered wallet with ether and `value` base units.
async fn holder(market: &Market, label: &str, value: U256) -> Account {
    let account = market.account(label).await;
    market.register(account.address, GROUP).await;
    if value > U256::ZERO {
        market.mint(account.address, value).await;
    }
    account
}

fn n(value: u64) -> U256 {
    U256::from(value)
}

/// The numbers and texts that readers of tokensoft's codes know.
#[tokio::test]
async fn the_first_four_codes_have_tokensofts_texts() {
    let market = Market::open().await;
    let texts = [
        (0, "SUCCESS"),
        (
            1,
            "The transfer was restricted due to white list configuration.",
        ),
        (
            2,
            "The transfer was restricted due to the contract being paused.",
        ),
        (3, "Restricted due to blacklist"),
        (20, "Tokens are held for a matched trade"),
        (21, "Unknown restriction code"),
        (255, "Unknown restriction code"),
    ];
    for (code, text) in texts {
        assert_eq!(restricted(&market, code).await.message, text);
    }
    let highest = ISecurityToken::highestRestrictionCodeCall {};
    assert_eq!(market.chain.call(market.token, &highest).await, 20);
}

/// The interface ids by which wallets and the settlement contract recognise it.
#[tokio::test]
async fn the_interfaces_are_declared() {
    let market = Market::open().await;
    let ids = [
        (0x01ff_c9a7_u32, true),
        (0x3637_2b07, true),
        (0xab84_a5c8, true),
        (0x78a8_de7d, true),
        (0x6ca1_f613, true),
        (0xffff_ffff, false),
        (0, false),
    ];
    for (id, supported) in ids {
        let call = ISecurityToken::supportsInterfaceCall {
            interfaceId: id.to_be_bytes().into(),
        };
        assert_eq!(
            market.chain.call(market.token, &call).await,
            supported,
            "{id:#x}"
        );
    }
}

/// Scenario 1.
#[tokio::test]
async fn a_transfer_needs_both_wallets_listed_and_their_pair_open() {
    let market = Market::open().await;
    let (a, b) = (market.wallet("a").address, market.wallet("b").address);
    assert_eq!(detect(&market, a, b, n(1)).await, 1);
    market.register(a, 21).await;
    assert_eq!(detect(&market, a, b, n(1)).await, 1);
    market.register(b, 21).await;
    assert_eq!(detect(&market, a, b, n(1)).await, 1);
    market.open_pair(21, 21, 1).await;
    assert_eq!(detect(&market, a, b, n(1)).await, 0);
}

/// Scenario 2.
#[tokio::test]
async fn group_pairs_are_directed() {
    let market = Market::open().await;
    let (a, b) = (market.account("a").await, market.account("b").await);
    market.register(a.address, 20).await;
    market.register(b.address, 30).await;
    market.mint(a.address, n(100)).await;
    market.mint(b.address, n(100)).await;
    market.open_pair(20, 30, 1).await;
    assert_eq!(detect(&market, a.address, b.address, n(1)).await, 0);
    transfer(&market, &a, b.address, n(1)).await;
    transfer_refused(&market, &b, a.address, n(1), 1).await;
    market.open_pair(20, 30, 0).await;
    transfer_refused(&market, &a, b.address, n(1), 1).await;
}

/// Scenario 3.
#[tokio::test]
async fn a_refused_transfer_from_leaves_the_allowance() {
    let market = Market::open().await;
    let a = holder(&market, "a", n(200)).await;
    let spender = market.account("spender").await;
    let b = market.wallet("b").address;
    let approve = ISecurityToken::approveCall {
        spender: spender.address,
        value: n(100),
    };
    market.chain.send(&a, market.token, &approve).await;
    let call = ISecurityToken::transferFromCall {
        from: a.address,
        to: b,
        value: n(100),
    };
    let mut watch = market.watch(&[]);
    watch.security(market.token, &[a.address, b, spender.address]);
    let error = restricted(&market, 1).await;
    acceptance::refusal::refused(&market.chain, &watch, &spender, market.token, &call, &error)
        .await;
    let allowance = ISecurityToken::allowanceCall {
        owner: a.address,
        spender: spender.address,
    };
    assert_eq!(market.chain.call(market.token, &allowance).await, n(100));

    market.register(b, GROUP).await;
    transfer(&market, &a, b, n(100)).await;
    market.chain.send(&spender, market.token, &call).await;
    assert_eq!(market.securities(b).await, n(200));
    assert_eq!(
        market.chain.call(market.token, &allowance).await,
        U256::ZERO
    );
    let error = ISecurityToken::ERC20InsufficientAllowance {
        spender: spender.address,
        allowance: U256::ZERO,
        needed: n(1),
    };
    let call = ISecurityToken::transferFromCall {
        from: a.address,
        to: b,
        value: n(1),
    };
    acceptance::refusal::refused(&market.chain, &watch, &spender, market.token, &call, &error)
        .await;
}

/// Too low a balance is not a restriction.
#[tokio::test]
async fn a_transfer_above_the_balance_reverts_with_what_there_is() {
    let market = Market::open().await;
    let a = holder(&market, "a", n(5)).await;
    let b = holder(&market, "b", U256::ZERO).await;
    assert_eq!(detect(&market, a.address, b.address, n(6)).await, 0);
    let error = ISecurityToken::ERC20InsufficientBalance {
        sender: a.address,
        balance: n(5),
        needed: n(6),
    };
    let call = ISecurityToken::transferCall {
        to: b.address,
        value: n(6),
    };
    market.refused(&[], &a, market.token, &call, &error).await;
}

/// Scenario 4.
#[tokio::test]
async fn sanctions_work_at_once_in_both_directions() {
    let market = Market::open().await;
    let a = holder(&market, "a", n(100)).await;
    let b = holder(&market, "b", n(100)).await;
    let sanction = |sanctioned| ISecurityToken::setSanctionedCall {
        accounts: vec![b.address],
        sanctioned,
    };
    market
        .chain
        .send(&market.admin, market.token, &sanction(true))
        .await;
    transfer_refused(&market, &a, b.address, n(1), 3).await;
    transfer_refused(&market, &b, a.address, n(1), 3).await;
    let mint = ISecurityToken::mintCall {
        to: b.address,
        value: n(1),
    };
    let error = restricted(&market, 3).await;
    market
        .refused(&[], &market.admin, market.token, &mint, &error)
        .await;
    market
        .chain
        .send(&market.admin, market.token, &sanction(false))
        .await;
    assert_eq!(detect(&market, a.address, b.address, n(1)).await, 0);
    assert_eq!(detect(&market, b.address, a.address, n(1)).await, 0);
}

/// Scenario 5.
#[tokio::test]
async fn a_pair_opens_at_exactly_its_second() {
    let market = Market::open().await;
    let Some(clock) = market.chain.clock() else {
        return;
    };
    let (a, b) = (market.account("a").await, market.account("b").await);
    market.register(a.address, 40).await;
    market.register(b.address, 41).await;
    market.mint(a.address, n(100)).await;
    let opens = market.opened + 100 * DAY;
    market.open_pair(40, 41, opens).await;
    clock.mine_at(opens - 1).await;
    assert_eq!(detect(&market, a.address, b.address, n(1)).await, 14);
    clock.mine_at(opens).await;
    assert_eq!(detect(&market, a.address, b.address, n(1)).await, 0);
    transfer(&market, &a, b.address, n(1)).await;
}

/// Scenario 5: the transfer itself, in the second before.
#[tokio::test]
async fn a_transfer_one_second_before_its_pair_opens_reverts() {
    let market = Market::open().await;
    let Some(clock) = market.chain.clock() else {
        return;
    };
    let (a, b) = (market.account("a").await, market.account("b").await);
    market.register(a.address, 40).await;
    market.register(b.address, 41).await;
    market.mint(a.address, n(100)).await;
    // Far enough ahead that the chain's own clock does not reach it while the refusal is checked.
    market
        .open_pair(40, 41, market.chain.now().await + DAY)
        .await;
    transfer_refused(&market, &a, b.address, n(1), 14).await;
    let opens = market.chain.now().await + 2 * DAY;
    market.open_pair(40, 41, opens).await;
    clock.next_block_at(opens).await;
    transfer(&market, &a, b.address, n(1)).await;
    assert_eq!(market.chain.now().await, opens);
}

/// Scenario 6.
#[tokio::test]
async fn locked_tokens_stay_until_their_release() {
    let market = Market::open().await;
    let Some(clock) = market.chain.clock() else {
        return;
    };
    let a = holder(&market, "a", n(60)).await;
    let b = holder(&market, "b", U256::ZERO).await;
    let release = market.opened + 30 * DAY;
    let lock = ISecurityToken::lockTokensCall {
        holder: a.address,
        amount: n(40),
        releaseTime: release,
    };
    market.chain.send(&market.admin, market.token, &lock).await;
    transfer(&market, &a, b.address, n(2)).await;
    transfer_refused(&market, &a, b.address, n(19), 9).await;
    transfer(&market, &a, b.address, n(18)).await;
    transfer_refused(&market, &a, b.address, n(40), 9).await;
    transfer_refused(&market, &a, b.address, n(1), 9).await;
    clock.mine_at(release - 1).await;
    assert_eq!(detect(&market, a.address, b.address, n(40)).await, 9);
    clock.next_block_at(release).await;
    transfer(&market, &a, b.address, n(40)).await;
    assert_eq!(market.securities(a.address).await, U256::ZERO);
}

/// Scenario 7.
#[tokio::test]
async fn vesting_releases_step_by_step() {
    let market = Market::open().await;
    let Some(clock) = market.chain.clock() else {
        return;
    };
    let a = holder(&market, "a", U256::ZERO).await;
    let start = market.opened + DAY;
    let grant = ISecurityToken::grantVestingCall {
        holder: a.address,
        amount: n(100_000),
        start,
        cliff: u32::try_from(42 * DAY).expect("fits"),
        period: u32::try_from(42 * DAY).expect("fits"),
        periods: 7,
        firstBips: 1_250,
        revocable: false,
    };
    market.chain.send(&market.admin, market.token, &grant).await;
    assert_eq!(
        market.securities(a.address).await,
        n(100_000),
        "minted on grant"
    );
    let spendable = async || {
        let call = ISecurityToken::spendableBalanceOfCall { holder: a.address };
        market.chain.call(market.token, &call).await
    };
    let steps = [
        (41, 0),
        (42, 12_500),
        (84, 25_000),
        (294, 87_500),
        (336, 100_000),
    ];
    let mut bought = U256::ZERO;
    for (day, free) in steps {
        clock.mine_at(start + day * DAY).await;
        assert_eq!(spendable().await, n(free) + bought, "day {day}");
        if day == 42 {
            // Tokens acquired in other ways are free at once.
            let transfer = ISecurityToken::transferCall {
                to: a.address,
                value: n(2_000_000),
            };
            market
                .chain
                .send(&market.seller, market.token, &transfer)
                .await;
            bought = n(2_000_000);
            assert_eq!(spendable().await, n(12_500) + bought);
            transfer_refused(&market, &a, market.seller.address, n(2_012_501), 10).await;
        }
    }
}

/// Scenario 7: a single second decides.
#[tokio::test]
async fn vesting_releases_nothing_one_second_before_the_cliff() {
    let market = Market::open().await;
    let Some(clock) = market.chain.clock() else {
        return;
    };
    let a = holder(&market, "a", U256::ZERO).await;
    let b = holder(&market, "b", U256::ZERO).await;
    let start = market.opened + DAY;
    let grant = ISecurityToken::grantVestingCall {
        holder: a.address,
        amount: n(100),
        start,
        cliff: 1_000,
        period: 0,
        periods: 0,
        firstBips: 0,
        revocable: false,
    };
    market.chain.send(&market.admin, market.token, &grant).await;
    clock.mine_at(start + 999).await;
    assert_eq!(detect(&market, a.address, b.address, n(1)).await, 10);
    clock.next_block_at(start + 1_000).await;
    transfer(&market, &a, b.address, n(100)).await;
}

/// Scenario 8.
#[tokio::test]
async fn a_forced_transfer_eats_the_free_part_first() {
    let market = Market::open().await;
    let a = holder(&market, "a", n(100)).await;
    let b = holder(&market, "b", U256::ZERO).await;
    let freeze = ISecurityToken::freezePartialTokensCall {
        account: a.address,
        amount: n(80),
    };
    market
        .chain
        .send(&market.admin, market.token, &freeze)
        .await;
    transfer_refused(&market, &a, b.address, n(50), 8).await;
    let reason = B256::repeat_byte(1);
    let force = ISecurityToken::forcedTransferCall {
        from: a.address,
        to: b.address,
        value: n(50),
        reason,
    };
    let receipt = market.chain.send(&market.admin, market.token, &force).await;
    let frozen = ISecurityToken::getFrozenTokensCall { account: a.address };
    assert_eq!(market.chain.call(market.token, &frozen).await, n(50));
    let logs = receipt.inner.logs();
    let place = |topic| logs.iter().position(|log| log.topics()[0] == topic);
    let unfrozen = place(ISecurityToken::TokensUnfrozen::SIGNATURE_HASH).expect("TokensUnfrozen");
    let moved = place(ISecurityToken::Transfer::SIGNATURE_HASH).expect("Transfer");
    assert!(
        unfrozen < moved,
        "each reduction stands before the Transfer"
    );
    let log = ISecurityToken::TokensUnfrozen::decode_log(&logs[unfrozen].inner).expect("decodes");
    assert_eq!((log.account, log.amount), (a.address, n(30)));
    let log = logs
        .iter()
        .find_map(|log| ISecurityToken::ForcedTransfer::decode_log(&log.inner).ok())
        .expect("ForcedTransfer");
    assert_eq!(
        log.data,
        ISecurityToken::ForcedTransfer {
            from: a.address,
            to: b.address,
            value: n(50),
            reason,
            by: market.admin.address
        }
    );
}

/// Invariant I3: only the enforcer can force a transfer.
#[tokio::test]
async fn nobody_but_the_named_roles_moves_what_is_not_theirs() {
    let market = Market::open().await;
    let (from, to) = (market.seller.address, market.buyer.address);
    let call = ISecurityToken::forcedTransferCall {
        from,
        to,
        value: n(1),
        reason: B256::ZERO,
    };
    for caller in [&market.operator, &market.buyer, &market.stranger] {
        let error = ISecurityToken::AccessControlUnauthorizedAccount {
            account: caller.address,
            neededRole: keccak256("ENFORCER_ROLE"),
        };
        market
            .refused(&[], caller, market.token, &call, &error)
            .await;
        let steal = ISecurityToken::transferFromCall {
            from,
            to,
            value: n(1),
        };
        let error = ISecurityToken::ERC20InsufficientAllowance {
            spender: caller.address,
            allowance: U256::ZERO,
            needed: n(1),
        };
        market
            .refused(&[], caller, market.token, &steal, &error)
            .await;
        let steal = acceptance::bindings::ITsUSDC::transferFromCall {
            from: market.buyer.address,
            to: caller.address,
            value: n(1),
        };
        market
            .refused(&[], caller, market.coin, &steal, &error)
            .await;
    }
}

/// Scenario 9.
#[tokio::test]
async fn a_cap_counts_all_wallets_of_one_investor() {
    let market = Market::open().await;
    let a = holder(&market, "a", n(960)).await;
    let a2 = market.wallet("a2").address;
    market.register_as(a2, keccak256(a.address), GROUP).await;
    let b = holder(&market, "b", n(1_000)).await;
    set_limits(&market, 1_200, 0, 0).await;
    transfer(&market, &a, a2, n(500)).await;
    transfer_refused(&market, &b, a.address, n(241), 11).await;
    transfer_refused(&market, &b, a2, n(241), 11).await;
    transfer(&market, &b, a2, n(240)).await;
    let holdings = ISecurityToken::holdingsOfCall {
        investorId: keccak256(a.address),
    };
    assert_eq!(market.chain.call(market.token, &holdings).await, n(1_200));
}

/// Scenario 10.
#[tokio::test]
async fn a_percent_cap_has_no_rounding_gift() {
    let market = Market::open().await;
    let burn = ISecurityToken::burnCall {
        from: market.seller.address,
        value: s(1_000) - n(100_000),
        reason: B256::ZERO,
    };
    market.chain.send(&market.admin, market.token, &burn).await;
    let total = ISecurityToken::totalSupplyCall {};
    assert_eq!(market.chain.call(market.token, &total).await, n(100_000));
    set_limits(&market, 0, 1_000, 0).await;
    let c = holder(&market, "c", U256::ZERO).await;
    transfer_refused(&market, &market.seller, c.address, n(10_001), 11).await;
    transfer(&market, &market.seller, c.address, n(10_000)).await;
}

/// Scenario 11.
#[tokio::test]
async fn a_sender_that_leaves_makes_room_for_the_recipient() {
    let market = Market::open().await;
    let b = holder(&market, "b", n(100)).await;
    let c = holder(&market, "c", U256::ZERO).await;
    let d = holder(&market, "d", U256::ZERO).await;
    set_limits(&market, 0, 0, 2).await;
    let count = ISecurityToken::holderCountCall {};
    assert_eq!(market.chain.call(market.token, &count).await, 2);
    transfer_refused(&market, &b, c.address, n(50), 12).await;
    transfer(&market, &b, c.address, n(100)).await;
    assert_eq!(market.chain.call(market.token, &count).await, 2);
    transfer(&market, &c, d.address, U256::ZERO).await;
    assert_eq!(market.chain.call(market.token, &count).await, 2);
}

/// A replacement has what the lost wallet had, and counts do not change.
#[tokio::test]
async fn recovering_a_wallet_moves_everything() {
    let market = Market::open().await;
    let lost = holder(&market, "lost", n(100)).await;
    let replacement = market.account("replacement").await;
    let investor = keccak256(lost.address);
    market
        .register_as(replacement.address, investor, GROUP)
        .await;
    let release = market.opened + 300 * DAY;
    let lock = ISecurityToken::lockTokensCall {
        holder: lost.address,
        amount: n(30),
        releaseTime: release,
    };
    market.chain.send(&market.admin, market.token, &lock).await;
    let recover = ISecurityToken::recoverWalletCall {
        lost: lost.address,
        replacement: replacement.address,
        reason: B256::repeat_byte(2),
    };
    let count = ISecurityToken::holderCountCall {};
    let before = market.chain.call(market.token, &count).await;
    market
        .chain
        .send(&market.admin, market.token, &recover)
        .await;
    assert_eq!(market.chain.call(market.token, &count).await, before);
    assert_eq!(market.securities(lost.address).await, U256::ZERO);
    assert_eq!(market.securities(replacement.address).await, n(100));
    let record = |wallet| ISecurityToken::walletRecordCall { wallet };
    let old = market.chain.call(market.token, &record(lost.address)).await;
    let new = market
        .chain
        .call(market.token, &record(replacement.address))
        .await;
    assert_eq!((old.investorId, old.frozen), (B256::ZERO, true));
    assert_eq!(
        (new.investorId, new.frozen),
        (keccak256(lost.address), false)
    );
    transfer_refused(&market, &replacement, market.buyer.address, n(71), 9).await;
    transfer(&market, &replacement, market.buyer.address, n(70)).await;
}

/// Redemption, and the end of the share class.
#[tokio::test]
async fn a_deactivated_token_moves_no_more() {
    let market = Market::open().await;
    let (chain, admin, token) = (&market.chain, &market.admin, market.token);
    chain
        .send(admin, token, &ISecurityToken::pauseCall {})
        .await;
    chain
        .send(admin, token, &ISecurityToken::deactivateCall {})
        .await;
    transfer_refused(&market, &market.seller, market.buyer.address, n(1), 18).await;
    let mint = ISecurityToken::mintCall {
        to: market.buyer.address,
        value: n(1),
    };
    let error = restricted(&market, 18).await;
    market
        .refused(&[], &market.admin, market.token, &mint, &error)
        .await;
    let burn = ISecurityToken::burnCall {
        from: market.seller.address,
        value: n(1),
        reason: B256::ZERO,
    };
    market
        .refused(&[], &market.admin, market.token, &burn, &error)
        .await;
}

/// A batch is all or nothing.
#[tokio::test]
async fn a_batch_with_one_bad_record_sets_nothing() {
    let market = Market::open().await;
    let (a, b) = (market.wallet("a").address, market.wallet("b").address);
    let expiry = market.opened + 365 * DAY;
    let call = ISecurityToken::setWalletsCall {
        wallets: vec![a, b],
        investorIds: vec![keccak256(a), B256::ZERO],
        groups: vec![GROUP; 2],
        countries: vec![840; 2],
        kycExpiries: vec![expiry; 2],
    };
    let before = market.watch(&[]);
    let mut watch = before.clone();
    watch.security(market.token, &[a, b]);
    let seen = watch.read(&market.chain).await;
    let input = alloy::sol_types::SolCall::abi_encode(&call);
    let revert = market
        .chain
        .simulate(market.admin.address, market.token, input.clone().into())
        .await
        .expect_err("an investor id of zero is refused");
    assert!(
        revert.data.is_some_and(|data| data.len() >= 4),
        "refusals are typed"
    );
    let to = alloy::primitives::TxKind::Call(market.token);
    let receipt = market
        .chain
        .attempt(&market.admin, to, input.into(), U256::ZERO)
        .await;
    assert!(!receipt.status());
    seen.assert_unchanged(&watch.read(&market.chain).await, "setWallets");
    let ragged = ISecurityToken::setWalletsCall {
        kycExpiries: vec![expiry],
        ..call
    };
    let input = alloy::sol_types::SolCall::abi_encode(&ragged);
    market
        .chain
        .simulate(market.admin.address, market.token, input.into())
        .await
        .expect_err("arrays of different length are refused");
}

/// KYC is valid strictly before its expiry.
#[tokio::test]
async fn kyc_ends_at_its_second() {
    let market = Market::open().await;
    let Some(clock) = market.chain.clock() else {
        return;
    };
    let a = holder(&market, "a", n(10)).await;
    let b = holder(&market, "b", U256::ZERO).await;
    let expiry = market.opened + 50 * DAY;
    let record = wallet_record(b.address, keccak256(b.address), GROUP, expiry);
    market
        .chain
        .send(&market.admin, market.token, &record)
        .await;
    clock.next_block_at(expiry - 1).await;
    transfer(&market, &a, b.address, n(1)).await;
    clock.mine_at(expiry).await;
    transfer_refused(&market, &a, b.address, n(1), 16).await;
    transfer_refused(&market, &b, a.address, n(1), 16).await;
}
