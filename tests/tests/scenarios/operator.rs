//! Who may settle, and when nobody can.

use acceptance::{
    account::Account,
    bindings::IDvPSettlement::{self, AccessControlUnauthorizedAccount},
    market::{Market, register_call, role, settle_call, settle_signed_call},
    order::state,
};
use alloy::primitives::B256;

fn unauthorised(account: &Account, name: &str) -> AccessControlUnauthorizedAccount {
    AccessControlUnauthorizedAccount {
        account: account.address,
        neededRole: role(name),
    }
}

/// Scenario 20.
#[tokio::test]
async fn settle_reverts_for_everyone_but_the_operator() {
    let market = Market::open().await;
    let (bid, ask) = market.registered().await;
    let call = settle_call(bid, ask);
    for caller in [
        &market.admin,
        &market.seller,
        &market.buyer,
        &market.stranger,
    ] {
        let error = unauthorised(caller, "OPERATOR_ROLE");
        market
            .refused(&[bid, ask], caller, market.settlement, &call, &error)
            .await;
    }
}

/// Scenario 20: the role is checked before anything else.
#[tokio::test]
async fn settle_checks_the_role_before_the_orders() {
    let market = Market::open().await;
    let call = settle_call(B256::ZERO, B256::ZERO);
    let error = unauthorised(&market.stranger, "OPERATOR_ROLE");
    market
        .refused(&[], &market.stranger, market.settlement, &call, &error)
        .await;
}

/// Scenario 20.
#[tokio::test]
async fn settle_signed_and_anchor_revert_for_everyone_but_the_operator() {
    let market = Market::open().await;
    let (bid, ask) = market.signed();
    let call = settle_signed_call(&bid, &ask);
    let anchor = IDvPSettlement::anchorBookCall {
        root: B256::repeat_byte(1),
        size: 1,
    };
    for caller in [
        &market.admin,
        &market.seller,
        &market.buyer,
        &market.stranger,
    ] {
        let error = unauthorised(caller, "OPERATOR_ROLE");
        let ids = [bid.id, ask.id];
        market
            .refused(&ids, caller, market.settlement, &call, &error)
            .await;
        market
            .refused(&ids, caller, market.settlement, &anchor, &error)
            .await;
    }
}

/// Scenario 20: only the operator, or the owner, registers.
#[tokio::test]
async fn register_reverts_for_a_stranger_and_works_for_the_owner() {
    let market = Market::open().await;
    let (bid, _) = market.signed();
    let error = unauthorised(&market.stranger, "OPERATOR_ROLE");
    let call = register_call(&bid);
    market
        .refused(
            &[bid.id],
            &market.stranger,
            market.settlement,
            &call,
            &error,
        )
        .await;
    let unsigned = IDvPSettlement::registerOrderCall {
        order: bid.order.clone(),
        signature: vec![].into(),
    };
    market
        .chain
        .send(&market.buyer, market.settlement, &unsigned)
        .await;
    assert_eq!(market.state(bid.id).await, state::OPEN);
}

/// Scenario 20.
#[tokio::test]
async fn after_rotation_the_old_operator_reverts_and_the_new_one_settles() {
    let market = Market::open().await;
    let (bid, ask) = market.registered().await;
    let next = market.account("next operator").await;
    let operator = role("OPERATOR_ROLE");
    let grant = IDvPSettlement::grantRoleCall {
        role: operator,
        account: next.address,
    };
    let revoke = IDvPSettlement::revokeRoleCall {
        role: operator,
        account: market.operator.address,
    };
    market
        .chain
        .send(&market.admin, market.settlement, &grant)
        .await;
    market
        .chain
        .send(&market.admin, market.settlement, &revoke)
        .await;
    let call = settle_call(bid, ask);
    let error = unauthorised(&market.operator, "OPERATOR_ROLE");
    market
        .refused(
            &[bid, ask],
            &market.operator,
            market.settlement,
            &call,
            &error,
        )
        .await;
    market.chain.send(&next, market.settlement, &call).await;
    market.assert_settled(bid, ask).await;
}

/// Scenario 27.
#[tokio::test]
async fn paused_the_contract_takes_no_order_and_settles_nothing() {
    let market = Market::open().await;
    let (bid, ask) = market.registered().await;
    market
        .chain
        .send(
            &market.admin,
            market.settlement,
            &IDvPSettlement::pauseCall {},
        )
        .await;

    market.settle_refused(bid, ask, 1, 0).await;
    let (signed_bid, signed_ask) = market.signed();
    let call = settle_signed_call(&signed_bid, &signed_ask);
    let refused = IDvPSettlement::SettlementRefused {
        failure: 1,
        restrictionCode: 0,
    };
    let ids = [bid, ask];
    market
        .refused(&ids, &market.operator, market.settlement, &call, &refused)
        .await;

    let mut other = market.bid();
    other.boardRef = B256::ZERO;
    let other = market.sign(other, &market.buyer);
    let paused = IDvPSettlement::EnforcedPause {};
    let register = register_call(&other);
    let ids = [bid, ask, other.id];
    market
        .refused(
            &ids,
            &market.operator,
            market.settlement,
            &register,
            &paused,
        )
        .await;
    let anchor = IDvPSettlement::anchorBookCall {
        root: B256::ZERO,
        size: 0,
    };
    market
        .refused(&ids, &market.operator, market.settlement, &anchor, &paused)
        .await;
    let pause = IDvPSettlement::pauseCall {};
    market
        .refused(&ids, &market.admin, market.settlement, &pause, &paused)
        .await;
}

/// Scenario 27: a pause never holds an owner to an order.
#[tokio::test]
async fn cancels_work_while_paused() {
    let market = Market::open().await;
    let (bid, ask) = market.registered().await;
    market
        .chain
        .send(
            &market.admin,
            market.settlement,
            &IDvPSettlement::pauseCall {},
        )
        .await;
    let by_id = IDvPSettlement::cancelOrderByIdCall {
        id: bid,
        reason: B256::repeat_byte(9),
    };
    market
        .chain
        .send(&market.operator, market.settlement, &by_id)
        .await;
    let by_owner = IDvPSettlement::cancelOrderCall {
        order: market.ask(),
    };
    market
        .chain
        .send(&market.seller, market.settlement, &by_owner)
        .await;
    let all = IDvPSettlement::cancelAllOrdersCall {};
    market
        .chain
        .send(&market.buyer, market.settlement, &all)
        .await;
    assert_eq!(market.state(bid).await, state::CANCELLED);
    assert_eq!(market.state(ask).await, state::CANCELLED);
    let epoch = IDvPSettlement::epochOfCall {
        owner: market.buyer.address,
    };
    let now = market.chain.now().await;
    assert_eq!(market.chain.call(market.settlement, &epoch).await, now);
}

/// Scenario 27: pausing twice, or unpausing a running contract, is refused; so is a stranger.
#[tokio::test]
async fn pause_and_unpause_revert_out_of_turn() {
    let market = Market::open().await;
    let unpause = IDvPSettlement::unpauseCall {};
    let running = IDvPSettlement::ExpectedPause {};
    market
        .refused(&[], &market.admin, market.settlement, &unpause, &running)
        .await;
    let error = unauthorised(&market.stranger, "PAUSER_ROLE");
    let pause = IDvPSettlement::pauseCall {};
    market
        .refused(&[], &market.stranger, market.settlement, &pause, &error)
        .await;
    market
        .chain
        .send(&market.admin, market.settlement, &pause)
        .await;
    market
        .chain
        .send(&market.admin, market.settlement, &unpause)
        .await;
    let (bid, ask) = market.registered().await;
    market.settle(bid, ask).await;
    market.assert_settled(bid, ask).await;
}

/// The default admin role cannot be lost, duplicated or taken over.
#[tokio::test]
async fn the_admin_moves_in_two_steps_only() {
    let market = Market::open().await;
    let zero = role("DEFAULT_ADMIN_ROLE");
    let rules = IDvPSettlement::AccessControlEnforcedDefaultAdminRules {};
    let account = market.stranger.address;
    for contract in [market.settlement, market.token, market.coin] {
        let admin = if contract == market.coin {
            &market.treasurer
        } else {
            &market.admin
        };
        let grant = IDvPSettlement::grantRoleCall {
            role: zero,
            account,
        };
        market.refused(&[], admin, contract, &grant, &rules).await;
        let renounce = IDvPSettlement::renounceRoleCall {
            role: zero,
            callerConfirmation: admin.address,
        };
        market
            .refused(&[], admin, contract, &renounce, &rules)
            .await;

        let begin = IDvPSettlement::beginDefaultAdminTransferCall { newAdmin: account };
        market.chain.send(admin, contract, &begin).await;
        let accept = IDvPSettlement::acceptDefaultAdminTransferCall {};
        let error = IDvPSettlement::AccessControlInvalidDefaultAdmin {
            account: market.buyer.address,
        };
        market
            .refused(&[], &market.buyer, contract, &accept, &error)
            .await;
        market.chain.send(&market.stranger, contract, &accept).await;
        let holder = market
            .chain
            .call(contract, &IDvPSettlement::defaultAdminCall {})
            .await;
        assert_eq!(holder, account);
        let error = unauthorised(admin, "DEFAULT_ADMIN_ROLE");
        market.refused(&[], admin, contract, &begin, &error).await;
    }
}
