//! Committed matches: made by a second key, held in the parties' own wallets, and settled whatever the parties do.

use acceptance::{
    bindings::{
        IDvPSettlement::{self, SettlementRefused},
        ISecurityToken, ITsUSDC, Order,
    },
    hostile::{IHostile, Token},
    market::{
        DAY, GROUP, Market, commit_call, register_call, release_call, role, s, settle_call,
        settle_signed_call, usd, wallet_record,
    },
    order::{self, Signed, state},
};
use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    rpc::types::TransactionReceipt,
    sol_types::{SolCall, SolError, SolEvent},
};

/// The longest commitment.
const LONGEST: u64 = 3 * DAY;

fn events<E: SolEvent>(receipt: &TransactionReceipt) -> Vec<E> {
    let logs = receipt.inner.logs().iter();
    logs.filter_map(|log| E::decode_log(&log.inner).ok())
        .map(|log| log.data)
        .collect()
}

/// The market's pair, registered and committed for two days.
async fn committed(market: &Market) -> (Signed, Signed, u64) {
    let (bid, ask) = market.signed();
    market.register_order(&bid).await;
    market.register_order(&ask).await;
    let until = market.opened + 2 * DAY;
    market.commit(bid.id, ask.id, until).await;
    (bid, ask, until)
}

async fn commitment(market: &Market, id: B256) -> (u64, Bytes) {
    let call = IDvPSettlement::commitmentOfCall { id };
    let found = market.chain.call(market.settlement, &call).await;
    (found.until, Bytes::copy_from_slice(found.other.as_slice()))
}

async fn refused<C: SolCall, E: SolError>(
    market: &Market,
    ids: &[B256],
    from: &acceptance::account::Account,
    call: &C,
    error: &E,
) {
    market
        .refused(ids, from, market.settlement, call, error)
        .await;
}

fn failure(failure: u8) -> SettlementRefused {
    SettlementRefused {
        failure,
        restrictionCode: 0,
    }
}

async fn held(market: &Market, token: Address, owner: Address) -> U256 {
    let call = ITsUSDC::heldBalanceOfCall { owner };
    market.chain.call(token, &call).await
}

/// The promise: the seller tries everything, the buyer does too, and the pair settles.
#[tokio::test]
async fn a_committed_pair_settles_whatever_the_parties_do() {
    let market = Market::open().await;
    let (bid, ask, until) = committed(&market).await;
    let (seller, buyer) = (&market.seller, &market.buyer);
    assert_eq!(
        commitment(&market, bid.id).await,
        (until, ask.id[..27].to_vec().into())
    );
    assert_eq!(
        commitment(&market, ask.id).await,
        (until, bid.id[..27].to_vec().into())
    );
    assert_eq!(held(&market, market.token, seller.address).await, s(100));
    assert_eq!(held(&market, market.coin, buyer.address).await, usd(1_035));

    // Their tokens stay where they are.
    let move_away = ISecurityToken::transferCall {
        to: buyer.address,
        value: s(900) + U256::from(1),
    };
    let call = ISecurityToken::messageForTransferRestrictionCall { code: 20 };
    let message = market.chain.call(market.token, &call).await;
    assert_eq!(message, "Tokens are held for a matched trade");
    let error = ISecurityToken::TransferRestricted { code: 20, message };
    market
        .refused(&[bid.id, ask.id], seller, market.token, &move_away, &error)
        .await;
    let spend = ITsUSDC::transferCall {
        to: seller.address,
        value: usd(50_000) - usd(1_035) + U256::from(1),
    };
    let error = ITsUSDC::ERC20InsufficientBalance {
        sender: buyer.address,
        balance: usd(50_000) - usd(1_035),
        needed: usd(50_000) - usd(1_035) + U256::from(1),
    };
    market
        .refused(&[bid.id, ask.id], buyer, market.coin, &spend, &error)
        .await;
    // Nor can they cancel, in any of the four ways.
    for (signed, owner) in [(&bid, buyer), (&ask, seller)] {
        let (id, order) = (signed.id, signed.order.clone());
        let error = IDvPSettlement::OrderCommitted { id, until };
        let cancel = IDvPSettlement::cancelOrderCall {
            order: order.clone(),
        };
        refused(&market, &[id], owner, &cancel, &error).await;
        let reason = B256::ZERO;
        let by_id = IDvPSettlement::cancelOrderByIdCall { id, reason };
        refused(&market, &[id], owner, &by_id, &error).await;
        refused(&market, &[id], &market.operator, &by_id, &error).await;
        let signature = owner.sign(order::cancellation(id, &market.domain()));
        let by_signature = IDvPSettlement::cancelOrderSignedCall { order, signature };
        refused(&market, &[id], &market.stranger, &by_signature, &error).await;
        // What they may do does not affect it.
        let all = IDvPSettlement::cancelAllOrdersCall {};
        market.chain.send(owner, market.settlement, &all).await;
        for token in [market.token, market.coin] {
            let nothing = ITsUSDC::approveCall {
                spender: market.settlement,
                value: U256::ZERO,
            };
            market.chain.send(owner, token, &nothing).await;
        }
    }
    let move_rest = ISecurityToken::transferCall {
        to: buyer.address,
        value: s(900),
    };
    market.chain.send(seller, market.token, &move_rest).await;
    let spend_rest = ITsUSDC::transferCall {
        to: market.stranger.address,
        value: usd(50_000) - usd(1_035),
    };
    market.chain.send(buyer, market.coin, &spend_rest).await;
    assert_eq!(market.preflight(bid.id, ask.id).await, (vec![], 0));
    market.settle(bid.id, ask.id).await;
    assert_eq!(market.securities(buyer.address).await, s(1_000));
    assert_eq!(market.securities(seller.address).await, U256::ZERO);
    assert_eq!(market.cash(seller.address).await, usd(1_035));
    assert_eq!(market.cash(buyer.address).await, U256::ZERO);
    assert_eq!(market.state(bid.id).await, state::FILLED);
    assert_eq!(
        commitment(&market, bid.id).await,
        (0, Bytes::from(vec![0; 27]))
    );
}

/// The log of a commitment records who made it, until when and for what.
#[tokio::test]
async fn a_commitment_is_logged_with_its_principal_and_total() {
    let market = Market::open().await;
    let (bid, ask) = market.registered().await;
    let until = market.chain.now().await + DAY;
    let receipt = market.commit(bid, ask, until).await;
    let expected = IDvPSettlement::MatchCommitted {
        bid,
        ask,
        principal: market.principal.address,
        until,
        total: usd(1_035),
    };
    assert_eq!(
        events::<IDvPSettlement::MatchCommitted>(&receipt),
        [expected]
    );
    // The hold of each leg has the order's id.
    let placed = events::<ITsUSDC::HoldPlaced>(&receipt);
    let found: Vec<_> = placed
        .iter()
        .map(|hold| (hold.owner, hold.id, hold.amount))
        .collect();
    let expected = [
        (market.seller.address, ask, s(100)),
        (market.buyer.address, bid, usd(1_035)),
    ];
    assert_eq!(found, expected);
}

/// Everything that refuses a commitment.
#[tokio::test]
async fn commit_reverts_for_others_for_a_bad_pair_and_for_a_bad_time() {
    let market = Market::open().await;
    let Some(clock) = market.chain.clock() else {
        return;
    };
    let (bid, ask) = market.registered().await;
    let ids = [bid, ask];
    let until = market.opened + DAY;
    let call = commit_call(bid, ask, until);
    for caller in [
        &market.operator,
        &market.admin,
        &market.seller,
        &market.stranger,
    ] {
        let error = IDvPSettlement::AccessControlUnauthorizedAccount {
            account: caller.address,
            neededRole: role("PRINCIPAL_ROLE"),
        };
        refused(&market, &ids, caller, &call, &error).await;
    }
    let principal = &market.principal;
    let unknown = B256::repeat_byte(7);
    refused(
        &market,
        &ids,
        principal,
        &commit_call(unknown, ask, until),
        &failure(3),
    )
    .await;
    refused(
        &market,
        &ids,
        principal,
        &commit_call(bid, unknown, until),
        &failure(4),
    )
    .await;
    refused(
        &market,
        &ids,
        principal,
        &commit_call(ask, bid, until),
        &failure(5),
    )
    .await;
    // At most 72 hours, and not after either expiry.
    let now = market.chain.now().await + 100;
    for until in [now, now - 1, 0, now + LONGEST + 1, u64::MAX] {
        let snapshot = clock.snapshot().await;
        clock.mine_at(now).await;
        let latest = now + LONGEST;
        let error = IDvPSettlement::CommitmentTime { until, latest };
        let input = commit_call(bid, ask, until).abi_encode().into();
        let outcome = market
            .chain
            .simulate(principal.address, market.settlement, input)
            .await;
        assert_eq!(
            outcome.expect_err("refused").data,
            Some(error.abi_encode().into())
        );
        clock.go_back(snapshot).await;
    }
    clock.next_block_at(now).await;
    market.commit(bid, ask, now + LONGEST).await;
}

/// An order is not bound beyond its expiry.
#[tokio::test]
async fn commit_reverts_beyond_an_orders_expiry() {
    let market = Market::open().await;
    let expiry = market.opened + DAY;
    let bid = market.sign(
        Order {
            expiry,
            ..market.bid()
        },
        &market.buyer,
    );
    let ask = market.sign(market.ask(), &market.seller);
    for signed in [&bid, &ask] {
        market.register_order(signed).await;
    }
    let call = commit_call(bid.id, ask.id, expiry + 1);
    let error = IDvPSettlement::CommitmentTime {
        until: expiry + 1,
        latest: expiry,
    };
    refused(&market, &[bid.id, ask.id], &market.principal, &call, &error).await;
    market.commit(bid.id, ask.id, expiry).await;
}

/// KYC that ends before the commitment prevents it: it is checked for the last second.
#[tokio::test]
async fn commit_reverts_when_the_buyers_kyc_ends_before() {
    let market = Market::open().await;
    let (bid, ask) = market.registered().await;
    let until = market.opened + 2 * DAY;
    let buyer = market.buyer.address;
    let record = |expiry| wallet_record(buyer, keccak256(buyer), GROUP, expiry);
    market
        .chain
        .send(&market.admin, market.token, &record(until - 1))
        .await;
    let error = SettlementRefused {
        failure: 19,
        restrictionCode: 16,
    };
    let call = commit_call(bid, ask, until);
    refused(&market, &[bid, ask], &market.principal, &call, &error).await;
    market
        .chain
        .send(&market.admin, market.token, &record(until))
        .await;
    market.commit(bid, ask, until).await;
}

/// A security made by others has no holds.
#[tokio::test]
async fn commit_reverts_for_a_security_without_holds() {
    let market = Market::open().await;
    let plain = Token::default().deploy(&market.chain).await;
    super::stage::list(&market, market.settlement, plain).await;
    let mint = IHostile::mintCall {
        to: market.seller.address,
        value: s(100),
    };
    market.chain.send(&market.admin, plain, &mint).await;
    let of = |order, owner| {
        market.sign(
            Order {
                security: plain,
                ..order
            },
            owner,
        )
    };
    let (bid, ask) = (
        of(market.bid(), &market.buyer),
        of(market.ask(), &market.seller),
    );
    for signed in [&bid, &ask] {
        market.register_order(signed).await;
    }
    let error = IDvPSettlement::NoHolds { token: plain };
    let call = commit_call(bid.id, ask.id, market.opened + DAY);
    refused(&market, &[bid.id, ask.id], &market.principal, &call, &error).await;
    market.settle(bid.id, ask.id).await;
}

/// A release leaves two open orders that are no longer committed.
#[tokio::test]
async fn a_released_pair_is_open_cancellable_and_never_committed_again() {
    for by_principal in [false, true] {
        let market = Market::open().await;
        let (bid, ask, until) = committed(&market).await;
        let ids = [bid.id, ask.id];
        let call = release_call(bid.id, ask.id);
        for caller in [
            &market.admin,
            &market.seller,
            &market.buyer,
            &market.stranger,
        ] {
            let error = IDvPSettlement::AccessControlUnauthorizedAccount {
                account: caller.address,
                neededRole: role("OPERATOR_ROLE"),
            };
            refused(&market, &ids, caller, &call, &error).await;
        }
        // In the opposite order they are not a pair.
        let exchanged = release_call(ask.id, bid.id);
        let error = IDvPSettlement::NotCommitted {
            bid: ask.id,
            ask: bid.id,
        };
        refused(&market, &ids, &market.operator, &exchanged, &error).await;
        let pause = IDvPSettlement::pauseCall {};
        market
            .chain
            .send(&market.admin, market.settlement, &pause)
            .await;
        let by = if by_principal {
            &market.principal
        } else {
            &market.operator
        };
        let receipt = market.chain.send(by, market.settlement, &call).await;
        let expected = IDvPSettlement::MatchReleased {
            bid: bid.id,
            ask: ask.id,
            by: by.address,
            reason: call.reason,
        };
        assert_eq!(
            events::<IDvPSettlement::MatchReleased>(&receipt),
            [expected]
        );
        assert_eq!(events::<ITsUSDC::HoldDropped>(&receipt).len(), 2);
        assert_eq!(
            held(&market, market.token, market.seller.address).await,
            U256::ZERO
        );
        assert_eq!(
            held(&market, market.coin, market.buyer.address).await,
            U256::ZERO
        );
        assert_eq!(
            commitment(&market, ask.id).await,
            (0, Bytes::from(vec![0; 27]))
        );
        let error = IDvPSettlement::NotCommitted {
            bid: bid.id,
            ask: ask.id,
        };
        refused(&market, &ids, by, &call, &error).await;
        let unpause = IDvPSettlement::unpauseCall {};
        market
            .chain
            .send(&market.admin, market.settlement, &unpause)
            .await;
        // 900 S and 48,965 TsUSDC of the allowances are left, so it can settle without.
        let error = IDvPSettlement::OrderCommittedBefore { id: bid.id };
        let again = commit_call(bid.id, ask.id, until);
        refused(&market, &ids, &market.principal, &again, &error).await;
        if by_principal {
            market.settle(bid.id, ask.id).await;
            market.assert_settled(bid.id, ask.id).await;
        } else {
            let cancel = IDvPSettlement::cancelOrderCall { order: ask.order };
            market
                .chain
                .send(&market.seller, market.settlement, &cancel)
                .await;
            assert_eq!(market.state(ask.id).await, state::CANCELLED);
        }
    }
}

/// A commitment ends by time alone, exactly at its end.
#[tokio::test]
async fn a_lapsed_commitment_binds_nobody() {
    let market = Market::open().await;
    let Some(clock) = market.chain.clock() else {
        return;
    };
    let (bid, ask, until) = committed(&market).await;
    let ids = [bid.id, ask.id];
    clock.mine_at(until).await;
    let error = IDvPSettlement::NotCommitted {
        bid: bid.id,
        ask: ask.id,
    };
    let release = release_call(bid.id, ask.id);
    refused(&market, &ids, &market.principal, &release, &error).await;
    let error = IDvPSettlement::OrderCommittedBefore { id: bid.id };
    let again = commit_call(bid.id, ask.id, until + DAY);
    refused(&market, &ids, &market.principal, &again, &error).await;
    let cancel = IDvPSettlement::cancelOrderCall { order: bid.order };
    market
        .chain
        .send(&market.buyer, market.settlement, &cancel)
        .await;
    assert_eq!(
        held(&market, market.token, market.seller.address).await,
        U256::ZERO
    );
    // An epoch that ended meanwhile makes the other one invalid from now on.
    let all = IDvPSettlement::cancelAllOrdersCall {};
    market
        .chain
        .send(&market.seller, market.settlement, &all)
        .await;
    let other = market.sign(
        Order {
            boardRef: B256::ZERO,
            ..market.bid()
        },
        &market.buyer,
    );
    market.register_order(&other).await;
    market.settle_refused(other.id, ask.id, 14, 0).await;
}

/// What the officers take away is reported: 21 and 23 say that a hold is gone.
#[tokio::test]
async fn a_hold_that_was_broken_is_a_failure() {
    let market = Market::open().await;
    let (bid, ask, _) = committed(&market).await;
    let blacklist = ITsUSDC::blacklistCall {
        account: market.buyer.address,
    };
    market
        .chain
        .send(&market.admin, market.coin, &blacklist)
        .await;
    let seize = ITsUSDC::seizeCall {
        from: market.buyer.address,
        to: market.stranger.address,
        orderReference: B256::repeat_byte(5),
    };
    market.chain.send(&market.admin, market.coin, &seize).await;
    let lift = ITsUSDC::unBlacklistCall {
        account: market.buyer.address,
    };
    market.chain.send(&market.admin, market.coin, &lift).await;
    let fund = ITsUSDC::mintCall {
        to: market.buyer.address,
        amount: usd(2_000),
    };
    market.chain.send(&market.admin, market.coin, &fund).await;
    market.settle_refused(bid.id, ask.id, 23, 0).await;
    // A release then logs what it cannot drop, and continues.
    let release = release_call(bid.id, ask.id);
    let receipt = market
        .chain
        .send(&market.operator, market.settlement, &release)
        .await;
    let expected = IDvPSettlement::HoldNotDropped {
        token: market.coin,
        id: bid.id,
    };
    assert_eq!(
        events::<IDvPSettlement::HoldNotDropped>(&receipt),
        [expected]
    );
    assert_eq!(
        held(&market, market.token, market.seller.address).await,
        U256::ZERO
    );
}

/// 31: a committed order cannot settle with another one.
#[tokio::test]
async fn settle_reverts_when_an_order_is_committed_to_another() {
    let market = Market::open().await;
    let (bid, ask, _) = committed(&market).await;
    let other = market.sign(
        Order {
            boardRef: B256::ZERO,
            ..market.bid()
        },
        &market.buyer,
    );
    market.register_order(&other).await;
    // The held 100 do not count as free, but the security refuses nothing: 900 are free.
    market.settle_refused(other.id, ask.id, 31, 0).await;
    let other_ask = market.sign(
        Order {
            boardRef: B256::ZERO,
            ..market.ask()
        },
        &market.seller,
    );
    market.register_order(&other_ask).await;
    market.settle_refused(bid.id, other_ask.id, 31, 0).await;
    // Another pair settles by allowance in the meantime.
    market.settle(other.id, other_ask.id).await;
    market.settle(bid.id, ask.id).await;
    assert_eq!(market.securities(market.buyer.address).await, s(200));
}

/// 32: where a second key is required, one alone cannot settle anything.
#[tokio::test]
async fn settle_reverts_for_an_uncommitted_pair_where_commitments_are_required() {
    let market = Market::open().await;
    let (bid, ask) = market.signed();
    let require = |required| IDvPSettlement::setCommitmentRequiredCall { required };
    for caller in [&market.operator, &market.principal, &market.stranger] {
        let error = IDvPSettlement::AccessControlUnauthorizedAccount {
            account: caller.address,
            neededRole: B256::ZERO,
        };
        refused(&market, &[bid.id], caller, &require(true), &error).await;
    }
    let receipt = market
        .chain
        .send(&market.admin, market.settlement, &require(true))
        .await;
    let expected = IDvPSettlement::CommitmentRequiredSet { required: true };
    assert_eq!(
        events::<IDvPSettlement::CommitmentRequiredSet>(&receipt),
        [expected]
    );
    let signed = settle_signed_call(&bid, &ask);
    refused(
        &market,
        &[bid.id, ask.id],
        &market.operator,
        &signed,
        &failure(32),
    )
    .await;
    market.register_order(&bid).await;
    market.register_order(&ask).await;
    market.settle_refused(bid.id, ask.id, 32, 0).await;
    market.commit(bid.id, ask.id, market.opened + DAY).await;
    market.settle(bid.id, ask.id).await;
    market.assert_settled(bid.id, ask.id).await;
}

/// No single key may have both roles, in whichever order they are granted.
#[tokio::test]
async fn operator_and_principal_are_never_one() {
    let market = Market::open().await;
    let (operator, principal) = (role("OPERATOR_ROLE"), role("PRINCIPAL_ROLE"));
    let cases = [
        (principal, operator, market.operator.address),
        (operator, principal, market.principal.address),
    ];
    for (role, other, account) in cases {
        let grant = IDvPSettlement::grantRoleCall { role, account };
        let error = IDvPSettlement::RolesExclude { role, other };
        refused(&market, &[], &market.admin, &grant, &error).await;
    }
    // Nor can either of them trade.
    for owner in [&market.operator, &market.principal] {
        let order = Order {
            owner: owner.address,
            ..market.bid()
        };
        let signed = market.sign(order, owner);
        let error = IDvPSettlement::InvalidOrder { field: 0 };
        refused(
            &market,
            &[signed.id],
            owner,
            &register_call(&signed),
            &error,
        )
        .await;
        let ask = market.sign(market.ask(), &market.seller);
        let call = settle_signed_call(&signed, &ask);
        refused(
            &market,
            &[signed.id, ask.id],
            &market.operator,
            &call,
            &failure(3),
        )
        .await;
    }
}

/// Buying power that is held for one trade does not count for another: 22 without a commitment.
#[tokio::test]
async fn held_cash_does_not_pay_for_an_uncommitted_pair() {
    let market = Market::open().await;
    let (bid, ask, _) = committed(&market).await;
    let spend = ITsUSDC::transferCall {
        to: market.stranger.address,
        value: usd(50_000) - usd(1_035) - usd(1_034),
    };
    market.chain.send(&market.buyer, market.coin, &spend).await;
    let another = |order: Order, owner| {
        market.sign(
            Order {
                boardRef: B256::ZERO,
                ..order
            },
            owner,
        )
    };
    let (other_bid, other_ask) = (
        another(market.bid(), &market.buyer),
        another(market.ask(), &market.seller),
    );
    for signed in [&other_bid, &other_ask] {
        market.register_order(signed).await;
    }
    market
        .settle_refused(other_bid.id, other_ask.id, 22, 0)
        .await;
    market.settle(bid.id, ask.id).await;
    let call = settle_call(other_bid.id, other_ask.id);
    let ids = [other_bid.id, other_ask.id];
    refused(&market, &ids, &market.operator, &call, &failure(22)).await;
}
