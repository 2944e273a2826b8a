//! Rules of the security token about persons rather than wallets, ways out of a holding, holding periods and classes.

use acceptance::{
    account::Account,
    bindings::ISecurityToken::{self, TransferRestricted},
    market::{DAY, GROUP, Market, wallet_record},
    refusal,
};
use alloy::{
    primitives::{Address, B256, U256, keccak256},
    rpc::types::TransactionReceipt,
    sol_types::{SolCall, SolError, SolEvent},
};

fn n(value: u64) -> U256 {
    U256::from(value)
}

async fn detect(market: &Market, from: Address, to: Address, value: u64) -> u8 {
    let value = n(value);
    let call = ISecurityToken::detectTransferRestrictionCall { from, to, value };
    market.chain.call(market.token, &call).await
}

async fn send<C: SolCall>(market: &Market, from: &Account, call: &C) -> TransactionReceipt {
    market.chain.send(from, market.token, call).await
}

async fn admin<C: SolCall>(market: &Market, call: &C) -> TransactionReceipt {
    send(market, &market.admin, call).await
}

/// Asserts that a call is refused with an error, and that nothing moves.
async fn refused<C: SolCall, E: SolError>(market: &Market, from: &Account, call: &C, error: &E) {
    market.refused(&[], from, market.token, call, error).await;
}

async fn restricted(market: &Market, code: u8) -> TransferRestricted {
    let call = ISecurityToken::messageForTransferRestrictionCall { code };
    let message = market.chain.call(market.token, &call).await;
    TransferRestricted { code, message }
}

/// Asserts that a transfer is predicted and refused with a code, and that nothing moves.
async fn transfer_refused(market: &Market, from: &Account, to: Address, value: u64, code: u8) {
    assert_eq!(detect(market, from.address, to, value).await, code);
    let mut watch = market.watch(&[]);
    watch.security(market.token, &[from.address, to]);
    let (call, error) = (transfer(to, value), restricted(market, code).await);
    refusal::refused(&market.chain, &watch, from, market.token, &call, &error).await;
}

fn transfer(to: Address, value: u64) -> ISecurityToken::transferCall {
    let value = n(value);
    ISecurityToken::transferCall { to, value }
}

fn burn(from: Address, value: u64) -> ISecurityToken::burnCall {
    let (value, reason) = (n(value), B256::repeat_byte(1));
    ISecurityToken::burnCall {
        from,
        value,
        reason,
    }
}

fn sanction(account: Address, sanctioned: bool) -> ISecurityToken::setSanctionedCall {
    let accounts = vec![account];
    ISecurityToken::setSanctionedCall {
        accounts,
        sanctioned,
    }
}

fn freeze(account: Address, frozen: bool) -> ISecurityToken::setAddressFrozenCall {
    ISecurityToken::setAddressFrozenCall { account, frozen }
}

fn freeze_part(account: Address, amount: u64) -> ISecurityToken::freezePartialTokensCall {
    let amount = n(amount);
    ISecurityToken::freezePartialTokensCall { account, amount }
}

fn lock(holder: Address, amount: u64, release: u64) -> ISecurityToken::lockTokensCall {
    ISecurityToken::lockTokensCall {
        holder,
        amount: n(amount),
        releaseTime: release,
    }
}

/// Vests everything at once, a day after `start`.
fn cliff(holder: Address, amount: u64, start: u64) -> ISecurityToken::grantVestingCall {
    ISecurityToken::grantVestingCall {
        holder,
        amount: n(amount),
        start,
        cliff: 86_400,
        period: 0,
        periods: 0,
        firstBips: 0,
        revocable: true,
    }
}

/// Sets granularity and minimum holding, and no other limit.
fn sizes(granularity: u64, minimum: u64) -> ISecurityToken::setLimitsCall {
    limits(0, 0, minimum, granularity)
}

fn limits(
    bips: u16,
    holders: u32,
    minimum: u64,
    granularity: u64,
) -> ISecurityToken::setLimitsCall {
    ISecurityToken::setLimitsCall {
        maxPerInvestor: U256::ZERO,
        maxBipsPerInvestor: bips,
        maxHolders: holders,
        minHolding: n(minimum),
        granularity: n(granularity),
    }
}

/// A registered wallet with ether and this many base units, in a group.
async fn holder_in(market: &Market, label: &str, value: u64, group: u8) -> Account {
    let account = market.account(label).await;
    market.register(account.address, group).await;
    if value > 0 {
        market.mint(account.address, n(value)).await;
    }
    account
}

async fn holder(market: &Market, label: &str, value: u64) -> Account {
    holder_in(market, label, value, GROUP).await
}

/// A second wallet of an investor.
async fn second(market: &Market, of: &Account, label: &str) -> Account {
    let account = market.account(label).await;
    let investor = keccak256(of.address);
    market.register_as(account.address, investor, GROUP).await;
    account
}

async fn record(market: &Market, wallet: Address) -> ISecurityToken::walletRecordReturn {
    let call = ISecurityToken::walletRecordCall { wallet };
    market.chain.call(market.token, &call).await
}

async fn frozen_part(market: &Market, account: Address) -> U256 {
    let call = ISecurityToken::getFrozenTokensCall { account };
    market.chain.call(market.token, &call).await
}

async fn holders(market: &Market, group: u8) -> u32 {
    let call = ISecurityToken::groupHoldersCall { group };
    market.chain.call(market.token, &call).await.count
}

/// Every event of one kind in a receipt.
fn events<E: SolEvent>(receipt: &TransactionReceipt) -> Vec<E> {
    let logs = receipt.inner.logs().iter();
    logs.filter_map(|log| E::decode_log(&log.inner).ok())
        .map(|log| log.data)
        .collect()
}

/// The topics of a receipt's logs, in their order.
fn kinds(receipt: &TransactionReceipt) -> Vec<B256> {
    let logs = receipt.inner.logs().iter();
    logs.map(|log| log.topics()[0]).collect()
}

/// T1: the issuer cannot burn what the enforcer has stopped, nor shorten a court's freeze.
#[tokio::test]
async fn burn_reverts_for_a_sanctioned_a_frozen_and_a_partly_frozen_holder() {
    let market = Market::open().await;
    let a = holder(&market, "a", 100).await;
    for (stop, lift, code) in [
        (
            sanction(a.address, true).abi_encode(),
            sanction(a.address, false).abi_encode(),
            3,
        ),
        (
            freeze(a.address, true).abi_encode(),
            freeze(a.address, false).abi_encode(),
            5,
        ),
    ] {
        raw(&market, stop).await;
        let error = restricted(&market, code).await;
        refused(&market, &market.admin, &burn(a.address, 1), &error).await;
        raw(&market, lift).await;
    }
    admin(&market, &freeze_part(a.address, 80)).await;
    let error = restricted(&market, 8).await;
    refused(&market, &market.admin, &burn(a.address, 21), &error).await;
    admin(&market, &burn(a.address, 20)).await;
    assert_eq!(frozen_part(&market, a.address).await, n(80));
    let enforced = ISecurityToken::forcedBurnCall {
        from: a.address,
        value: n(30),
        reason: B256::repeat_byte(2),
    };
    let receipt = admin(&market, &enforced).await;
    assert_eq!(frozen_part(&market, a.address).await, n(50));
    // T14: the log says who did it, and that it was forced.
    let expected = ISecurityToken::ForcedBurn {
        from: a.address,
        value: n(30),
        reason: B256::repeat_byte(2),
        by: market.admin.address,
    };
    assert_eq!(events::<ISecurityToken::ForcedBurn>(&receipt), [expected]);
    assert!(events::<ISecurityToken::Burned>(&receipt).is_empty());
}

async fn raw(market: &Market, input: Vec<u8>) {
    let to = alloy::primitives::TxKind::Call(market.token);
    let (chain, admin) = (&market.chain, &market.admin);
    let receipt = chain.attempt(admin, to, input.into(), U256::ZERO).await;
    assert!(receipt.status());
}

/// T1.
#[tokio::test]
async fn revoking_reverts_for_a_stopped_holder_and_where_it_would_shorten_a_freeze() {
    let market = Market::open().await;
    let a = holder(&market, "a", 0).await;
    let treasury = holder(&market, "treasury", 0).await;
    admin(&market, &cliff(a.address, 100, market.opened + DAY)).await;
    let revoke = ISecurityToken::revokeVestingCall {
        holder: a.address,
        index: U256::ZERO,
        to: treasury.address,
    };
    admin(&market, &sanction(a.address, true)).await;
    let error = restricted(&market, 3).await;
    refused(&market, &market.admin, &revoke, &error).await;
    admin(&market, &sanction(a.address, false)).await;
    admin(&market, &freeze(a.address, true)).await;
    let error = restricted(&market, 5).await;
    refused(&market, &market.admin, &revoke, &error).await;
    admin(&market, &freeze(a.address, false)).await;
    admin(&market, &freeze_part(a.address, 1)).await;
    let error = restricted(&market, 8).await;
    refused(&market, &market.admin, &revoke, &error).await;
    market.mint(a.address, n(1)).await;
    admin(&market, &revoke).await;
    assert_eq!(market.securities(a.address).await, n(1));
    assert_eq!(frozen_part(&market, a.address).await, n(1));
    assert_eq!(market.securities(treasury.address).await, n(100));
}

/// T2: a sanction or a freeze of one wallet stops all of the investor's, and lifting it frees all.
#[tokio::test]
async fn a_sanction_and_a_freeze_are_the_investors() {
    let market = Market::open().await;
    let a = holder(&market, "a", 100).await;
    let other = second(&market, &a, "a2").await;
    market.mint(other.address, n(50)).await;
    let b = holder(&market, "b", 0).await;
    let receipt = admin(&market, &sanction(a.address, true)).await;
    let by = market.admin.address;
    let marked: Vec<_> = [a.address, other.address]
        .map(|account| ISecurityToken::SanctionSet {
            account,
            sanctioned: true,
            by,
        })
        .into();
    assert_eq!(events::<ISecurityToken::SanctionSet>(&receipt), marked);
    transfer_refused(&market, &other, b.address, 1, 3).await;
    // A wallet that is added later is sanctioned from its first block on.
    let late = second(&market, &a, "a3").await;
    assert!(record(&market, late.address).await.sanctioned);
    admin(&market, &sanction(late.address, false)).await;
    assert_eq!(detect(&market, a.address, b.address, 1).await, 0);
    admin(&market, &freeze(other.address, true)).await;
    transfer_refused(&market, &a, b.address, 1, 5).await;
    transfer_refused(&market, &b, late.address, 0, 6).await;
    admin(&market, &freeze(a.address, false)).await;
    assert_eq!(detect(&market, other.address, b.address, 1).await, 0);
    // An address outside the registry is marked alone.
    let stranger = market.wallet("stranger").address;
    let receipt = admin(&market, &sanction(stranger, true)).await;
    assert_eq!(receipt.inner.logs().len(), 1);
}

/// T2: group and country are the investor's; a wallet in another group is not a way around a limit.
#[tokio::test]
async fn wallets_of_one_investor_stay_in_one_group_and_country() {
    let market = Market::open().await;
    let a = holder(&market, "a", 100).await;
    let investor = keccak256(a.address);
    let expiry = market.opened + 3_650 * DAY;
    let wallet = market.wallet("a2").address;
    let (group, country) = (GROUP, acceptance::market::COUNTRY);
    let error = ISecurityToken::InvestorDiffers {
        investorId: investor,
        group,
        country,
    };
    let other = wallet_record(wallet, investor, GROUP + 1, expiry);
    refused(&market, &market.admin, &other, &error).await;
    let mut other = wallet_record(wallet, investor, GROUP, expiry);
    other.country = 276;
    refused(&market, &market.admin, &other, &error).await;
    // A KYC expiry applies to all wallets.
    admin(
        &market,
        &wallet_record(wallet, investor, GROUP, expiry - DAY),
    )
    .await;
    assert_eq!(record(&market, a.address).await.kycExpiry, expiry - DAY);
    let before = (holders(&market, GROUP).await, holders(&market, 30).await);
    let moved = ISecurityToken::setInvestorCall {
        investorId: investor,
        group: 30,
        country: 276,
        kycExpiry: expiry,
    };
    let receipt = admin(&market, &moved).await;
    assert_eq!(events::<ISecurityToken::WalletSet>(&receipt).len(), 2);
    for wallet in [a.address, wallet] {
        let found = record(&market, wallet).await;
        assert_eq!(
            (found.group, found.country, found.kycExpiry),
            (30, 276, expiry)
        );
    }
    let after = (holders(&market, GROUP).await, holders(&market, 30).await);
    assert_eq!(after, (before.0 - 1, before.1 + 1));
    let unknown = ISecurityToken::setInvestorCall {
        investorId: B256::repeat_byte(9),
        ..moved
    };
    let error = ISecurityToken::InvestorNotFound {
        investorId: B256::repeat_byte(9),
    };
    refused(&market, &market.admin, &unknown, &error).await;
}

/// T2: a stopped wallet neither leaves its investor nor moves to another.
#[tokio::test]
async fn a_stopped_wallet_is_not_removed_handed_over_or_registered_for_a_clean_investor() {
    let market = Market::open().await;
    let a = holder(&market, "a", 0).await;
    let expiry = market.opened + 3_650 * DAY;
    let remove = ISecurityToken::removeWalletCall { wallet: a.address };
    let hand_over = wallet_record(a.address, B256::repeat_byte(7), GROUP, expiry);
    for (stop, lift, code) in [
        (
            sanction(a.address, true).abi_encode(),
            sanction(a.address, false).abi_encode(),
            3,
        ),
        (
            freeze(a.address, true).abi_encode(),
            freeze(a.address, false).abi_encode(),
            5,
        ),
    ] {
        raw(&market, stop).await;
        let error = restricted(&market, code).await;
        refused(&market, &market.admin, &remove, &error).await;
        refused(&market, &market.admin, &hand_over, &error).await;
        raw(&market, lift).await;
    }
    let outsider = market.wallet("outsider").address;
    admin(&market, &sanction(outsider, true)).await;
    let error = restricted(&market, 3).await;
    let fresh = wallet_record(outsider, keccak256(outsider), GROUP, expiry);
    refused(&market, &market.admin, &fresh, &error).await;
    let with_a = wallet_record(outsider, keccak256(a.address), GROUP, expiry);
    refused(&market, &market.admin, &with_a, &error).await;
    admin(&market, &sanction(a.address, true)).await;
    admin(&market, &with_a).await;
    assert_eq!(
        record(&market, outsider).await.investorId,
        keccak256(a.address)
    );
}

/// T3: with the count already above a limit, everyone can leave without making a new holder.
#[tokio::test]
async fn above_a_holder_limit_a_seller_of_everything_may_still_leave() {
    let market = Market::open().await;
    let first = holder(&market, "a", 100).await;
    let second = holder(&market, "b", 100).await;
    let third = holder(&market, "c", 0).await;
    let abroad = holder_in(&market, "d", 0, 30).await;
    market.open_pair(GROUP, 30, 1).await;
    admin(&market, &limits(0, 1, 0, 0)).await;
    transfer_refused(&market, &first, third.address, 99, 12).await;
    send(&market, &first, &transfer(third.address, 100)).await;
    let of_group = |group, most| ISecurityToken::setGroupHolderLimitCall {
        group,
        maxHolders: most,
    };
    admin(&market, &limits(0, 0, 0, 0)).await;
    admin(&market, &of_group(GROUP, 1)).await;
    transfer_refused(&market, &third, first.address, 1, 13).await;
    send(&market, &third, &transfer(first.address, 100)).await;
    // Room is made only where the sender was counted: not in the recipient's group by a sender of another group.
    market.mint(market.seller.address, n(1)).await;
    admin(&market, &of_group(30, 1)).await;
    send(&market, &second, &transfer(abroad.address, 50)).await;
    let late = holder_in(&market, "e", 0, 30).await;
    transfer_refused(&market, &second, late.address, 50, 13).await;
}

/// T4: an investor can always transfer to a second own wallet, and no encumbrance moves along.
#[tokio::test]
async fn own_wallets_need_no_open_pair() {
    let market = Market::open().await;
    let a = holder_in(&market, "a", 100, 40).await;
    let other = market.account("a2").await;
    let investor = keccak256(a.address);
    market.register_as(other.address, investor, 40).await;
    let b = holder_in(&market, "b", 0, 40).await;
    transfer_refused(&market, &a, b.address, 1, 1).await;
    send(&market, &a, &transfer(other.address, 10)).await;
    market.open_pair(40, 40, market.opened + 300 * DAY).await;
    transfer_refused(&market, &a, b.address, 1, 14).await;
    send(&market, &a, &transfer(other.address, 10)).await;
    admin(&market, &lock(a.address, 75, market.opened + 300 * DAY)).await;
    transfer_refused(&market, &a, other.address, 6, 9).await;
    send(&market, &a, &transfer(other.address, 5)).await;
    assert_eq!(market.securities(other.address).await, n(25));
}

/// T5: an odd lot can leave only as a whole.
#[tokio::test]
async fn a_whole_balance_may_leave_whatever_its_size() {
    let market = Market::open().await;
    let a = holder(&market, "a", 94).await;
    let b = holder(&market, "b", 0).await;
    admin(&market, &sizes(10, 100)).await;
    for part in [93, 90, 4, 10] {
        transfer_refused(&market, &a, b.address, part, 17).await;
    }
    admin(&market, &lock(a.address, 1, market.opened + 200 * DAY)).await;
    transfer_refused(&market, &a, b.address, 94, 9).await;
    let unlock = ISecurityToken::unlockTokensCall {
        holder: a.address,
        releaseTime: market.opened + 200 * DAY,
    };
    admin(&market, &unlock).await;
    send(&market, &a, &transfer(b.address, 94)).await;
    assert_eq!(market.securities(b.address).await, n(94));
    assert_eq!(market.securities(a.address).await, U256::ZERO);
}

/// T6: ended entries make room for a ninth grant and a seventeenth lock.
#[tokio::test]
async fn ended_schedules_and_locks_give_their_places_back() {
    let market = Market::open().await;
    let Some(clock) = market.chain.clock() else {
        return;
    };
    let a = holder(&market, "a", 0).await;
    let day = |days: u64| market.opened + days * DAY;
    for index in 0..8 {
        admin(&market, &cliff(a.address, 10, day(index))).await;
    }
    for index in 0..16 {
        admin(&market, &lock(a.address, 1, day(100 + index))).await;
    }
    let ninth = cliff(a.address, 10, day(50));
    let error = ISecurityToken::TooManySchedules {
        holder: a.address,
        limit: n(8),
    };
    refused(&market, &market.admin, &ninth, &error).await;
    let seventeenth = lock(a.address, 1, day(200));
    let error = ISecurityToken::TooManyLocks {
        holder: a.address,
        limit: n(16),
    };
    refused(&market, &market.admin, &seventeenth, &error).await;
    // The first schedule ends a day after it began; the others keep their places.
    clock.mine_at(day(1) + 1).await;
    let receipt = admin(&market, &ninth).await;
    let granted = events::<ISecurityToken::VestingGranted>(&receipt);
    assert_eq!(granted[0].index, U256::ZERO);
    let count = ISecurityToken::vestingCountCall { holder: a.address };
    assert_eq!(market.chain.call(market.token, &count).await, n(8));
    let encumbrances = ISecurityToken::encumbrancesOfCall { holder: a.address };
    let found = market.chain.call(market.token, &encumbrances).await;
    assert_eq!((found.locked, found.unvested), (n(16), n(80)));
    clock.mine_at(day(101)).await;
    admin(&market, &seventeenth).await;
    let found = market.chain.call(market.token, &encumbrances).await;
    // Of sixteen locks, two have ended and one is new; every schedule has vested.
    assert_eq!((found.locked, found.unvested), (n(15), U256::ZERO));
}

/// T8: a position can only be moved to a wallet that compliance has registered for the same investor.
#[tokio::test]
async fn recovery_reverts_onto_a_wallet_that_is_not_the_investors() {
    let market = Market::open().await;
    let lost = holder(&market, "lost", 100).await;
    let other = holder(&market, "other", 0).await;
    let unknown = market.wallet("unknown").address;
    let recover = |replacement| ISecurityToken::recoverWalletCall {
        lost: lost.address,
        replacement,
        reason: B256::repeat_byte(2),
    };
    let error = ISecurityToken::WalletNotRegistered { wallet: unknown };
    refused(&market, &market.admin, &recover(unknown), &error).await;
    let error = ISecurityToken::WalletOfAnotherInvestor {
        wallet: other.address,
        investorId: keccak256(other.address),
    };
    refused(&market, &market.admin, &recover(other.address), &error).await;
    let error = ISecurityToken::InvalidWallet {
        wallet: lost.address,
    };
    refused(&market, &market.admin, &recover(lost.address), &error).await;
}

/// T8: everything that moves is logged, and the lost wallet never comes back.
#[tokio::test]
async fn recovery_tells_what_it_moves_and_names_the_successor() {
    let market = Market::open().await;
    let lost = holder(&market, "lost", 100).await;
    let new = second(&market, &lost, "new").await;
    let spender = market.account("spender").await;
    let approve = ISecurityToken::approveCall {
        spender: spender.address,
        value: n(50),
    };
    send(&market, &lost, &approve).await;
    let release = market.opened + 300 * DAY;
    admin(&market, &lock(lost.address, 30, release)).await;
    admin(&market, &cliff(lost.address, 40, market.opened + 100 * DAY)).await;
    admin(&market, &freeze_part(lost.address, 20)).await;
    let recover = ISecurityToken::recoverWalletCall {
        lost: lost.address,
        replacement: new.address,
        reason: B256::repeat_byte(2),
    };
    let receipt = admin(&market, &recover).await;
    let expected = [
        ISecurityToken::WalletRemoved::SIGNATURE_HASH,
        ISecurityToken::TokensUnlocked::SIGNATURE_HASH,
        ISecurityToken::TokensLocked::SIGNATURE_HASH,
        ISecurityToken::VestingMoved::SIGNATURE_HASH,
        ISecurityToken::TokensUnfrozen::SIGNATURE_HASH,
        ISecurityToken::TokensFrozen::SIGNATURE_HASH,
        ISecurityToken::AddressFrozen::SIGNATURE_HASH,
        ISecurityToken::Transfer::SIGNATURE_HASH,
        ISecurityToken::WalletRecovered::SIGNATURE_HASH,
    ];
    assert_eq!(kinds(&receipt), expected);
    let moved = ISecurityToken::VestingMoved {
        from: lost.address,
        to: new.address,
        index: U256::ZERO,
    };
    assert_eq!(events::<ISecurityToken::VestingMoved>(&receipt), [moved]);
    let locked = ISecurityToken::TokensLocked {
        holder: new.address,
        amount: n(30),
        releaseTime: release,
    };
    assert_eq!(events::<ISecurityToken::TokensLocked>(&receipt), [locked]);
    let successor = ISecurityToken::successorOfCall { lost: lost.address };
    assert_eq!(
        market.chain.call(market.token, &successor).await,
        new.address
    );
    // The freeze is only the lost wallet's: the replacement can transfer.
    assert!(record(&market, lost.address).await.frozen);
    assert!(!record(&market, new.address).await.frozen);
    assert_eq!(market.securities(new.address).await, n(140));
    send(&market, &new, &transfer(market.buyer.address, 50)).await;
    let again = wallet_record(
        lost.address,
        keccak256(lost.address),
        GROUP,
        market.opened + 300 * DAY,
    );
    let error = ISecurityToken::WalletReplaced {
        wallet: lost.address,
        successor: new.address,
    };
    refused(&market, &market.admin, &again, &error).await;
    let spend = ISecurityToken::transferFromCall {
        from: lost.address,
        to: market.buyer.address,
        value: n(1),
    };
    let error = restricted(&market, 5).await;
    refused(&market, &spender, &spend, &error).await;
}

/// T9: a mint is judged with its caller as the spender, as the view says.
#[tokio::test]
async fn mint_reverts_for_a_sanctioned_or_frozen_issuer_as_predicted() {
    let market = Market::open().await;
    let issuer = market.admin.address;
    let to = market.buyer.address;
    let mint = ISecurityToken::mintCall { to, value: n(1) };
    let predict = ISecurityToken::detectTransferRestrictionFromCall {
        spender: issuer,
        from: Address::ZERO,
        to,
        value: n(1),
    };
    for (stop, lift, code) in [
        (
            sanction(issuer, true).abi_encode(),
            sanction(issuer, false).abi_encode(),
            3,
        ),
        (
            freeze(issuer, true).abi_encode(),
            freeze(issuer, false).abi_encode(),
            7,
        ),
    ] {
        raw(&market, stop).await;
        assert_eq!(market.chain.call(market.token, &predict).await, code);
        let error = restricted(&market, code).await;
        refused(&market, &market.admin, &mint, &error).await;
        raw(&market, lift).await;
        assert_eq!(market.chain.call(market.token, &predict).await, 0);
    }
    admin(&market, &mint).await;
}

/// T10: a percentage cap binds buyers, not those to whom the issuer issues.
#[tokio::test]
async fn a_percent_cap_does_not_bind_issuance() {
    let market = Market::open().await;
    let token =
        acceptance::deploy::token(&market.chain, 18, U256::ZERO, market.admin.address).await;
    let (chain, admin) = (&market.chain, &market.admin);
    for name in ["ISSUER_ROLE", "COMPLIANCE_ROLE"] {
        let grant = ISecurityToken::grantRoleCall {
            role: acceptance::market::role(name),
            account: admin.address,
        };
        chain.send(admin, token, &grant).await;
    }
    let wallet = market.wallet("first").address;
    let expiry = market.opened + 3_650 * DAY;
    let first = wallet_record(wallet, keccak256(wallet), GROUP, expiry);
    chain.send(admin, token, &first).await;
    chain.send(admin, token, &limits(500, 0, 0, 0)).await;
    let mint = ISecurityToken::mintCall {
        to: wallet,
        value: n(1_000),
    };
    chain.send(admin, token, &mint).await;
    let held = ISecurityToken::balanceOfCall { account: wallet };
    assert_eq!(chain.call(token, &held).await, n(1_000));
}

/// T11 and A12: only a paused token can be deactivated, and only the admin can unpause.
#[tokio::test]
async fn deactivation_needs_a_pause_and_unpausing_the_admin() {
    let market = Market::open().await;
    let deactivate = ISecurityToken::deactivateCall {};
    let error = ISecurityToken::ExpectedPause {};
    refused(&market, &market.admin, &deactivate, &error).await;
    let pauser = market.account("pauser").await;
    let grant = ISecurityToken::grantRoleCall {
        role: keccak256("PAUSER_ROLE"),
        account: pauser.address,
    };
    admin(&market, &grant).await;
    send(&market, &pauser, &ISecurityToken::pauseCall {}).await;
    let unpause = ISecurityToken::unpauseCall {};
    let error = ISecurityToken::AccessControlUnauthorizedAccount {
        account: pauser.address,
        neededRole: B256::ZERO,
    };
    refused(&market, &pauser, &unpause, &error).await;
    admin(&market, &unpause).await;
    send(&market, &pauser, &ISecurityToken::pauseCall {}).await;
    admin(&market, &deactivate).await;
    let call = ISecurityToken::deactivatedCall {};
    assert!(market.chain.call(market.token, &call).await);
}

/// T12: 200 years of 365.25 days in seconds, by hand: 200 * 31,557,600.
const FURTHEST: u64 = 6_311_520_000;

/// T12: milliseconds and 2^64-1 are not valid times.
#[tokio::test]
async fn times_beyond_two_hundred_years_revert() {
    let market = Market::open().await;
    let Some(clock) = market.chain.clock() else {
        return;
    };
    let a = holder(&market, "a", 100).await;
    let now = market.chain.now().await + 100;
    let investor = keccak256(a.address);
    let latest = now + FURTHEST;
    let calls = |time: u64| {
        let mut vesting = cliff(a.address, 5, time);
        vesting.start = time - u64::from(vesting.cliff);
        vec![
            lock(a.address, 1, time).abi_encode(),
            wallet_record(a.address, investor, GROUP, time).abi_encode(),
            ISecurityToken::setInvestorCall {
                investorId: investor,
                group: GROUP,
                country: 840,
                kycExpiry: time,
            }
            .abi_encode(),
            ISecurityToken::setGroupRuleCall {
                fromGroup: 40,
                toGroup: 40,
                opensAt: time,
            }
            .abi_encode(),
            vesting.abi_encode(),
            ISecurityToken::mintLockedCall {
                to: a.address,
                amount: n(1),
                unlockAt: time,
            }
            .abi_encode(),
        ]
    };
    for time in [latest + 1, market.opened * 1_000, u64::MAX] {
        let error = ISecurityToken::TimeTooFar { time, latest }.abi_encode();
        for input in calls(time) {
            let snapshot = clock.snapshot().await;
            clock.mine_at(now).await;
            let (chain, token) = (&market.chain, market.token);
            let outcome = chain
                .simulate(market.admin.address, token, input.into())
                .await;
            let data = outcome.expect_err("too far").data.unwrap_or_default();
            assert_eq!(data, error, "{}", refusal::describe(&data));
            clock.go_back(snapshot).await;
        }
    }
    for input in calls(latest) {
        let snapshot = clock.snapshot().await;
        clock.next_block_at(now).await;
        raw(&market, input).await;
        clock.go_back(snapshot).await;
    }
}

/// T13: a holding period from the first second on; locks with the same release time merge.
#[tokio::test]
async fn minted_tokens_are_locked_in_the_same_transaction() {
    let market = Market::open().await;
    let a = holder(&market, "a", 0).await;
    let b = holder(&market, "b", 0).await;
    let until = market.opened + 180 * DAY;
    let mint = |amount| ISecurityToken::mintLockedCall {
        to: a.address,
        amount: n(amount),
        unlockAt: until,
    };
    let receipt = admin(&market, &mint(60)).await;
    let expected = ISecurityToken::TokensLocked {
        holder: a.address,
        amount: n(60),
        releaseTime: until,
    };
    assert_eq!(events::<ISecurityToken::TokensLocked>(&receipt), [expected]);
    admin(&market, &mint(40)).await;
    let locks = ISecurityToken::locksOfCall { holder: a.address };
    let found = market.chain.call(market.token, &locks).await;
    assert_eq!(
        (found.amounts, found.releaseTimes),
        (vec![n(100)], vec![until])
    );
    transfer_refused(&market, &a, b.address, 1, 9).await;
    let batch = ISecurityToken::mintLockedBatchCall {
        to: vec![a.address, b.address],
        amounts: vec![n(1), n(2)],
        unlockAts: vec![until, until + DAY],
    };
    admin(&market, &batch).await;
    assert_eq!(market.securities(a.address).await, n(101));
    transfer_refused(&market, &b, a.address, 2, 9).await;
    let ragged = ISecurityToken::mintLockedBatchCall {
        amounts: vec![n(1)],
        ..batch.clone()
    };
    let error = ISecurityToken::LengthMismatch {
        length: n(2),
        otherLength: n(1),
    };
    refused(&market, &market.admin, &ragged, &error).await;
    let one_bad = ISecurityToken::mintLockedBatchCall {
        to: vec![a.address, market.stranger.address],
        ..batch
    };
    let error = restricted(&market, 1).await;
    refused(&market, &market.admin, &one_bad, &error).await;
    let error = ISecurityToken::AccessControlUnauthorizedAccount {
        account: market.operator.address,
        neededRole: keccak256("ISSUER_ROLE"),
    };
    refused(&market, &market.operator, &mint(1), &error).await;
}

/// T15: a number above the highest country is not a country; a wallet with a lock keeps its investor.
#[tokio::test]
async fn a_country_is_only_itself_and_a_locked_wallet_stays_its_investors() {
    let market = Market::open().await;
    let block = ISecurityToken::setCountryBlockedCall {
        country: 76,
        blocked: true,
    };
    admin(&market, &block).await;
    let is_blocked = |country| ISecurityToken::isCountryBlockedCall { country };
    // 76, and 76 + 2,048.
    assert!(market.chain.call(market.token, &is_blocked(76)).await);
    for country in [75, 77, 1_100, 2_124, u16::MAX] {
        let blocked = market.chain.call(market.token, &is_blocked(country)).await;
        assert!(!blocked, "{country}");
    }
    let a = holder(&market, "a", 0).await;
    admin(&market, &lock(a.address, 5, market.opened + 200 * DAY)).await;
    let expiry = market.opened + 300 * DAY;
    let hand_over = wallet_record(a.address, B256::repeat_byte(7), GROUP, expiry);
    let error = ISecurityToken::WalletEncumbered {
        wallet: a.address,
        locked: n(5),
        schedules: U256::ZERO,
    };
    refused(&market, &market.admin, &hand_over, &error).await;
}

/// T15: 100 new investors within the gas bar.
#[tokio::test]
async fn a_batch_of_a_hundred_new_investors_stays_below_its_bar() {
    let market = Market::open().await;
    let wallets: Vec<_> = (0..100)
        .map(|index| market.wallet(&format!("batch {index}")).address)
        .collect();
    let call = ISecurityToken::setWalletsCall {
        investorIds: wallets.iter().map(keccak256).collect(),
        groups: vec![GROUP; 100],
        countries: vec![840; 100],
        kycExpiries: vec![market.opened + 365 * DAY; 100],
        wallets,
    };
    let gas = admin(&market, &call).await.gas_used;
    assert!(gas <= 9_700_000, "{gas}");
}

/// T16: a limit over several groups, which counts existing holders.
#[tokio::test]
async fn a_class_limits_the_holders_of_several_groups_together() {
    let market = Market::open().await;
    let a = holder_in(&market, "a", 100, 21).await;
    let b = holder_in(&market, "b", 100, 22).await;
    let c = holder_in(&market, "c", 0, 22).await;
    for (from, to) in [(21, 22), (22, 22), (GROUP, 22), (GROUP, 21)] {
        market.open_pair(from, to, 1).await;
    }
    let groups = U256::from(0b11_u64 << 21);
    let set = |groups, most| ISecurityToken::setClassLimitCall {
        groups,
        maxHolders: most,
    };
    let receipt = admin(&market, &set(groups, 2)).await;
    let expected = ISecurityToken::ClassLimitSet {
        groups,
        maxHolders: 2,
    };
    assert_eq!(
        events::<ISecurityToken::ClassLimitSet>(&receipt),
        [expected]
    );
    let all = ISecurityToken::classLimitsCall {};
    let found = market.chain.call(market.token, &all).await;
    assert_eq!(
        (found.groups, found.maxHolders, found.holders),
        (vec![groups], vec![2], vec![2])
    );
    transfer_refused(&market, &a, c.address, 1, 13).await;
    transfer_refused(&market, &market.seller, c.address, 1, 13).await;
    // A holder who leaves one of the groups makes room in another.
    send(&market, &a, &transfer(c.address, 100)).await;
    admin(&market, &set(groups, 3)).await;
    send(&market, &market.seller, &transfer(a.address, 0)).await;
    send(&market, &b, &transfer(c.address, 1)).await;
    for index in 0..7 {
        admin(&market, &set(U256::from(1) << (100 + index), 5)).await;
    }
    let error = ISecurityToken::TooManyClasses { limit: n(8) };
    let ninth = U256::from(1) << 120;
    refused(&market, &market.admin, &set(ninth, 5), &error).await;
    admin(&market, &set(groups, 0)).await;
    admin(&market, &set(ninth, 5)).await;
    let error = ISecurityToken::ClassNotFound { groups };
    refused(&market, &market.admin, &set(groups, 0), &error).await;
    let error = ISecurityToken::InvalidGroup { group: 0 };
    for bad in [U256::ZERO, U256::from(1)] {
        refused(&market, &market.admin, &set(bad, 5), &error).await;
    }
}

/// T17: ERC-7943's three questions.
#[tokio::test]
async fn the_views_of_erc_7943_answer_as_the_rule_does() {
    let market = Market::open().await;
    let a = holder(&market, "a", 100).await;
    let b = market.buyer.address;
    let can = async |from, to, amount| {
        let call = ISecurityToken::canTransferCall {
            from,
            to,
            amount: n(amount),
        };
        market.chain.call(market.token, &call).await
    };
    let fit = async |account| {
        let send = ISecurityToken::canSendCall { account };
        let receive = ISecurityToken::canReceiveCall { account };
        let chain = &market.chain;
        (
            chain.call(market.token, &send).await,
            chain.call(market.token, &receive).await,
        )
    };
    assert!(can(a.address, b, 100).await);
    assert!(!can(a.address, b, 101).await, "above the balance");
    assert!(!can(Address::ZERO, b, 1).await, "nobody sends a mint");
    admin(&market, &lock(a.address, 30, market.opened + 99 * DAY)).await;
    assert!(can(a.address, b, 70).await);
    assert!(!can(a.address, b, 71).await, "above the free balance");
    assert_eq!(fit(a.address).await, (true, true));
    assert_eq!(fit(market.stranger.address).await, (false, false));
    let expiry = market.opened + 3_650 * DAY;
    let past = wallet_record(a.address, keccak256(a.address), GROUP, 1);
    let valid = wallet_record(a.address, keccak256(a.address), GROUP, expiry);
    let block = |blocked| ISecurityToken::setCountryBlockedCall {
        country: acceptance::market::COUNTRY,
        blocked,
    };
    for (stop, lift) in [
        (
            sanction(a.address, true).abi_encode(),
            sanction(a.address, false).abi_encode(),
        ),
        (
            freeze(a.address, true).abi_encode(),
            freeze(a.address, false).abi_encode(),
        ),
        (past.abi_encode(), valid.abi_encode()),
        (block(true).abi_encode(), block(false).abi_encode()),
        (
            ISecurityToken::pauseCall {}.abi_encode(),
            ISecurityToken::unpauseCall {}.abi_encode(),
        ),
    ] {
        raw(&market, stop).await;
        assert_eq!(fit(a.address).await, (false, false));
        assert!(!can(a.address, b, 1).await);
        raw(&market, lift).await;
        assert_eq!(fit(a.address).await, (true, true));
    }
    // Its forced acts and events differ, so the interface is not announced.
    let erc_7943 = ISecurityToken::supportsInterfaceCall {
        interfaceId: 0x3edb_b4c4_u32.to_be_bytes().into(),
    };
    assert!(!market.chain.call(market.token, &erc_7943).await);
}
