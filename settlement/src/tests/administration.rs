//! Identity, roles, the list, the pause and the anchored book.

use alloy_primitives::{Address, B256, U16};
use authority::roles::{DefaultAdminTransferScheduled, RoleGranted, RoleRevoked};
use motsu::prelude::*;

use super::{
    fixture::{CRD, Market},
    token::MockToken,
};
use crate::{
    DvPSettlement,
    administration::{operator_role, pauser_role},
    error::Error,
    event::{BookAnchored, Paused, SecurityListed, Unpaused},
};

#[test]
fn the_constructor_fixes_identity_payment_and_roles() {
    let market = Market::new();
    let dvp = market.dvp.sender(market.stranger);
    let broker = dvp.broker_dealer();
    assert_eq!(broker.name.as_ref(), b"Example Securities LLC");
    assert_eq!(
        (broker.crd, broker.lei.as_ref()),
        (CRD, &b"5493001KJTIIGC8Y1R12"[..])
    );
    assert_eq!(dvp.payment(), market.cash.address());
    assert_eq!(dvp.default_admin(), market.admin.address());
    assert!(dvp.has_role(operator_role(), market.operator.address()));
    assert!(!dvp.has_role(operator_role(), market.admin.address()));
    assert!(!dvp.has_role(pauser_role(), market.operator.address()));
    assert_eq!(dvp.get_role_admin(operator_role()), B256::ZERO);
    assert!(!dvp.paused());
    assert_eq!(market.count(), alloy_primitives::U256::ZERO);
    let granted = RoleGranted {
        role: operator_role(),
        account: market.operator.address(),
        sender: market.admin.address(),
    };
    market.dvp.assert_emitted(&granted);
}

#[test]
fn the_constructor_reverts_without_an_admin_and_works_without_an_operator() {
    let dvp = Contract::<DvPSettlement>::new();
    let admin = Account::from_seed("admin");
    let construct = |admin: Address| {
        let (name, lei, payment) = ("A".into(), "B".into(), Address::repeat_byte(1));
        dvp.sender(admin)
            .constructor(name, 1, lei, payment, admin, Address::ZERO)
            .motsu_res()
    };
    let error = Error::AccessControlInvalidDefaultAdmin {
        account: Address::ZERO,
    };
    assert_eq!(construct(Address::ZERO).unwrap_err(), error.into());
    construct(admin.address()).unwrap();
    assert!(!dvp.sender(admin).has_role(operator_role(), Address::ZERO));
}

#[test]
fn roles_are_named_by_their_hashes() {
    assert_eq!(
        operator_role(),
        alloy_primitives::keccak256("OPERATOR_ROLE")
    );
    assert_eq!(pauser_role(), alloy_primitives::keccak256("PAUSER_ROLE"));
}

#[test]
fn the_default_admin_lists_and_delists() {
    let market = Market::new();
    let token = Contract::<MockToken>::new();
    let security = token.address();
    for listed in [true, false, true] {
        market
            .dvp
            .sender(market.admin)
            .list_security(security, listed)
            .motsu_unwrap();
        assert_eq!(
            market.dvp.sender(market.stranger).is_listed(security),
            listed
        );
        market
            .dvp
            .assert_emitted(&SecurityListed { security, listed });
    }
    let listing = market.dvp.sender(market.stranger).listing(security);
    assert_eq!(listing.number, 2, "a security keeps its number");
    assert_eq!(
        market.dvp.sender(market.stranger).listing_by_number(2),
        listing
    );
}

#[test]
fn list_security_reverts_for_others_and_for_an_account_without_code() {
    let market = Market::new();
    let account = market.stranger.address();
    for caller in [market.operator, market.pauser, market.stranger] {
        market.assert_refused(&[], Market::unauthorized(caller, B256::ZERO), || {
            market
                .dvp
                .sender(caller)
                .list_security(market.cash.address(), true)
                .motsu_res()
        });
    }
    market.assert_refused(&[], Error::NotAContract { account }, || {
        market
            .dvp
            .sender(market.admin)
            .list_security(account, true)
            .motsu_res()
    });
    assert!(!market.dvp.sender(market.stranger).is_listed(account));
}

#[test]
fn delisting_what_was_never_listed_changes_nothing() {
    let market = Market::new();
    let security = market.stranger.address();
    market
        .dvp
        .sender(market.admin)
        .list_security(security, false)
        .motsu_unwrap();
    assert!(!market.dvp.sender(market.stranger).is_listed(security));
    assert_eq!(
        market.dvp.sender(market.stranger).listing(security).number,
        0
    );
    assert_eq!(
        market.dvp.sender(market.stranger).securities.get(),
        U16::from(1)
    );
}

#[test]
fn list_security_reverts_when_the_numbers_are_used_up() {
    let market = Market::new();
    market.dvp.sender(market.admin).securities.set(U16::MAX);
    market.assert_refused(&[], Error::OVERFLOW, || {
        market
            .dvp
            .sender(market.admin)
            .list_security(market.cash.address(), true)
            .motsu_res()
    });
    market
        .dvp
        .sender(market.admin)
        .list_security(market.security.address(), true)
        .motsu_unwrap();
}

#[test]
fn a_pauser_pauses_and_unpauses() {
    let market = Market::new();
    let account = market.pauser.address();
    market.dvp.sender(market.pauser).pause().motsu_unwrap();
    assert!(market.dvp.sender(market.stranger).paused());
    assert_eq!(market.events::<Paused>(), [Paused { account }]);
    market.assert_refused(&[], Error::EnforcedPause {}, || {
        market.dvp.sender(market.pauser).pause().motsu_res()
    });
    market.dvp.sender(market.pauser).unpause().motsu_unwrap();
    assert!(!market.dvp.sender(market.stranger).paused());
    assert_eq!(market.events::<Unpaused>(), [Unpaused { account }]);
    market.assert_refused(&[], Error::ExpectedPause {}, || {
        market.dvp.sender(market.pauser).unpause().motsu_res()
    });
}

#[test]
fn the_pause_keeps_everything_else_in_its_word() {
    let market = Market::new();
    market.settle(market.pair()).unwrap();
    market.dvp.sender(market.pauser).pause().motsu_unwrap();
    let dvp = market.dvp.sender(market.stranger);
    assert_eq!(
        (dvp.payment(), dvp.broker_dealer().crd),
        (market.cash.address(), CRD)
    );
    assert_eq!(dvp.settlement_count(), alloy_primitives::U256::from(1));
}

#[test]
fn pause_and_unpause_revert_for_others() {
    let market = Market::new();
    for caller in [market.admin, market.operator, market.stranger] {
        market.assert_refused(&[], Market::unauthorized(caller, pauser_role()), || {
            market.dvp.sender(caller).pause().motsu_res()
        });
        market.assert_refused(&[], Market::unauthorized(caller, pauser_role()), || {
            market.dvp.sender(caller).unpause().motsu_res()
        });
    }
}

#[test]
fn an_operator_anchors_the_book() {
    let market = Market::new();
    let (root, size) = (B256::repeat_byte(4), u64::MAX);
    market
        .dvp
        .sender(market.operator)
        .anchor_book(root, size)
        .motsu_unwrap();
    let event = BookAnchored {
        root,
        size,
        operator: market.operator.address(),
    };
    assert_eq!(market.events::<BookAnchored>(), [event]);
    for caller in [market.admin, market.pauser, market.stranger] {
        market.assert_refused(&[], Market::not_operator(caller), || {
            market
                .dvp
                .sender(caller)
                .anchor_book(root, size)
                .motsu_res()
        });
    }
    market.dvp.sender(market.pauser).pause().motsu_unwrap();
    market.assert_refused(&[], Error::EnforcedPause {}, || {
        market
            .dvp
            .sender(market.operator)
            .anchor_book(root, size)
            .motsu_res()
    });
}

#[test]
fn roles_are_granted_revoked_and_renounced() {
    let market = Market::new();
    let (role, account, sender) = (
        operator_role(),
        market.stranger.address(),
        market.admin.address(),
    );
    market
        .dvp
        .sender(market.admin)
        .grant_role(role, account)
        .motsu_unwrap();
    market.dvp.assert_emitted(&RoleGranted {
        role,
        account,
        sender,
    });
    market
        .dvp
        .sender(market.admin)
        .revoke_role(role, account)
        .motsu_unwrap();
    market.dvp.assert_emitted(&RoleRevoked {
        role,
        account,
        sender,
    });
    assert!(!market.dvp.sender(market.stranger).has_role(role, account));
    let operator = market.operator.address();
    market
        .dvp
        .sender(market.operator)
        .renounce_role(role, operator)
        .motsu_unwrap();
    market.dvp.assert_emitted(&RoleRevoked {
        role,
        account: operator,
        sender: operator,
    });
    for caller in [market.operator, market.stranger] {
        market.assert_refused(&[], Market::unauthorized(caller, B256::ZERO), || {
            market
                .dvp
                .sender(caller)
                .grant_role(role, account)
                .motsu_res()
        });
        market.assert_refused(&[], Market::unauthorized(caller, B256::ZERO), || {
            market
                .dvp
                .sender(caller)
                .revoke_role(role, sender)
                .motsu_res()
        });
    }
    market.assert_refused(
        &[],
        Error::AccessControlEnforcedDefaultAdminRules {},
        || {
            market
                .dvp
                .sender(market.admin)
                .grant_role(B256::ZERO, account)
                .motsu_res()
        },
    );
}

#[test]
fn the_default_admin_moves_in_two_steps() {
    let market = Market::new();
    let new = market.stranger;
    market
        .dvp
        .sender(market.admin)
        .begin_default_admin_transfer(new.address())
        .motsu_unwrap();
    market.dvp.assert_emitted(&DefaultAdminTransferScheduled {
        newAdmin: new.address(),
    });
    assert_eq!(
        market.dvp.sender(new).pending_default_admin(),
        new.address()
    );
    assert_eq!(
        market.dvp.sender(new).default_admin(),
        market.admin.address()
    );
    let error = Error::AccessControlInvalidDefaultAdmin {
        account: market.operator.address(),
    };
    market.assert_refused(&[], error, || {
        market
            .dvp
            .sender(market.operator)
            .accept_default_admin_transfer()
            .motsu_res()
    });
    market
        .dvp
        .sender(new)
        .accept_default_admin_transfer()
        .motsu_unwrap();
    assert_eq!(market.dvp.sender(new).default_admin(), new.address());
    let refused = Market::unauthorized(market.admin, B256::ZERO);
    market.assert_refused(&[], refused, || {
        market
            .dvp
            .sender(market.admin)
            .list_security(market.cash.address(), true)
            .motsu_res()
    });
    market
        .dvp
        .sender(new)
        .begin_default_admin_transfer(market.admin.address())
        .motsu_unwrap();
    market
        .dvp
        .sender(new)
        .cancel_default_admin_transfer()
        .motsu_unwrap();
    assert_eq!(
        market.dvp.sender(new).pending_default_admin(),
        Address::ZERO
    );
}
