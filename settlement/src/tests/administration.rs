//! Identity, roles, the list, the pause and the anchored book.

use alloy_primitives::{Address, B256, U16};
use alloy_sol_types::SolValue;
use authority::roles::{DefaultAdminTransferScheduled, RoleGranted, RoleRevoked};
use motsu::prelude::*;
use stylus_sdk::abi::Router;

use super::{
    fixture::{CRD, Market, turn},
    token::MockToken,
};
use crate::{
    DvPSettlement,
    administration::{operator_role, pauser_role, principal_role},
    error::Error,
    event::{
        BookAnchored, CommitmentRequiredSet, Paused, SecurityListed, SecurityProbed, Unpaused,
    },
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
    let _turn = turn();
    let dvp = Contract::<DvPSettlement>::new();
    let cash = Contract::<MockToken>::new();
    let admin = Account::from_seed("admin");
    let construct = |admin: Address| {
        let (name, lei, payment) = ("A".into(), "B".into(), cash.address());
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
fn the_constructor_reverts_when_the_payment_token_has_no_code() {
    let _turn = turn();
    let dvp = Contract::<DvPSettlement>::new();
    let admin = Account::from_seed("admin");
    for account in [Address::ZERO, admin.address(), Address::repeat_byte(1)] {
        let mut contract = dvp.sender(admin);
        let (name, lei, owner) = ("A".into(), "B".into(), admin.address());
        let constructed = contract.constructor(name, 1, lei, account, owner, Address::ZERO);
        let error = Error::NotAContract { account };
        assert_eq!(constructed.motsu_res().unwrap_err(), error.into());
        drop(contract);
        assert_eq!(dvp.sender(admin).default_admin(), Address::ZERO);
    }
}

#[test]
fn the_constructor_runs_once() {
    let _turn = turn();
    let dvp = Contract::<DvPSettlement>::new();
    let cash = Contract::<MockToken>::new();
    let (admin, stranger) = (Account::from_seed("admin"), Account::from_seed("stranger"));
    let construct = |sender: Account| {
        let owner = sender.address();
        let arguments = ("A", 1u64, "B", cash.address(), owner, Address::ZERO).abi_encode_params();
        let mut contract = dvp.sender(sender);
        <DvPSettlement as Router<DvPSettlement>>::constructor(&mut contract, &arguments)
    };
    assert_eq!(construct(admin), Some(Ok(vec![])));
    for sender in [admin, stranger] {
        assert_eq!(construct(sender), Some(Err(vec![])));
    }
    assert_eq!(dvp.sender(stranger).default_admin(), admin.address());
}

#[test]
fn roles_are_named_by_their_hashes() {
    assert_eq!(
        operator_role(),
        alloy_primitives::keccak256("OPERATOR_ROLE")
    );
    assert_eq!(pauser_role(), alloy_primitives::keccak256("PAUSER_ROLE"));
    assert_eq!(
        principal_role(),
        alloy_primitives::keccak256("PRINCIPAL_ROLE")
    );
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
    let probed = SecurityProbed {
        security,
        checksSpender: false,
        holds: false,
    };
    // The first is that of the market's own security; none is logged when one is delisted.
    assert_eq!(
        market.events::<SecurityProbed>()[1..],
        [probed.clone(), probed]
    );
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
                .list_security(market.security.address(), false)
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

/// What `listing` answers.
fn listing(market: &Market, security: Address) -> (bool, bool, bool) {
    market.dvp.sender(market.stranger).listing_of(security)
}

#[test]
fn list_security_reverts_for_the_payment_token() {
    let market = Market::new();
    let token = market.cash.address();
    market.assert_refused(&[], Error::NotASecurity { token }, || {
        market
            .dvp
            .sender(market.admin)
            .list_security(token, true)
            .motsu_res()
    });
    assert_eq!(listing(&market, token), (false, false, false));
}

#[test]
fn list_security_asks_what_the_token_supports_each_time() {
    let market = Market::new();
    let token = Contract::<MockToken>::new();
    let security = token.address();
    for (checks, holds) in [(false, false), (true, false), (false, true), (true, true)] {
        token.sender(market.admin).set_checks_spender(checks);
        token.sender(market.admin).set_has_holds(holds);
        let mut admin = market.dvp.sender(market.admin);
        admin.list_security(security, true).motsu_unwrap();
        drop(admin);
        assert_eq!(listing(&market, security), (true, checks, holds));
        let event = SecurityProbed {
            security,
            checksSpender: checks,
            holds,
        };
        assert_eq!(market.events::<SecurityProbed>().pop(), Some(event));
    }
    let mut admin = market.dvp.sender(market.admin);
    admin.list_security(security, false).motsu_unwrap();
    drop(admin);
    assert_eq!(listing(&market, security), (false, true, true));
}

#[test]
fn list_security_reverts_when_the_token_does_not_answer_as_a_security() {
    let market = Market::new();
    let security = Contract::<MockToken>::new();
    let token = security.address();
    let word = |value: u64| {
        alloy_primitives::U256::from(value)
            .to_be_bytes::<32>()
            .to_vec()
    };
    let list = || {
        market
            .dvp
            .sender(market.admin)
            .list_security(token, true)
            .motsu_res()
    };
    for (checks, view) in [
        (false, "detectTransferRestriction"),
        (true, "detectTransferRestrictionFrom"),
    ] {
        security.sender(market.admin).set_checks_spender(checks);
        security.sender(market.admin).break_view(view);
        market.assert_refused(&[], Error::NotASecurity { token }, list);
        security.sender(market.admin).mend_view(view);
        for answer in [
            vec![],
            word(1)[..31].to_vec(),
            word(256),
            [word(0), word(0)].concat(),
        ] {
            security.sender(market.admin).answer(view, &answer);
            market.assert_refused(&[], Error::NotASecurity { token }, list);
        }
        assert_eq!(listing(&market, token).0, checks, "not listed by a refusal");
        security.sender(market.admin).answer(view, &word(255));
        list().unwrap();
        security.sender(market.admin).mend_view(view);
    }
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
    let token = Contract::<MockToken>::new();
    market.dvp.sender(market.admin).securities.set(U16::MAX);
    market.assert_refused(&[], Error::OVERFLOW, || {
        market
            .dvp
            .sender(market.admin)
            .list_security(token.address(), true)
            .motsu_res()
    });
    market
        .dvp
        .sender(market.admin)
        .list_security(market.security.address(), true)
        .motsu_unwrap();
}

#[test]
fn a_pauser_pauses_and_the_default_admin_unpauses() {
    let market = Market::new();
    let account = market.pauser.address();
    market.dvp.sender(market.pauser).pause().motsu_unwrap();
    assert!(market.dvp.sender(market.stranger).paused());
    assert_eq!(market.events::<Paused>(), [Paused { account }]);
    market.assert_refused(&[], Error::EnforcedPause {}, || {
        market.dvp.sender(market.pauser).pause().motsu_res()
    });
    market.dvp.sender(market.admin).unpause().motsu_unwrap();
    assert!(!market.dvp.sender(market.stranger).paused());
    let account = market.admin.address();
    assert_eq!(market.events::<Unpaused>(), [Unpaused { account }]);
    market.assert_refused(&[], Error::ExpectedPause {}, || {
        market.dvp.sender(market.admin).unpause().motsu_res()
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
    }
    market.dvp.sender(market.pauser).pause().motsu_unwrap();
    for caller in [market.pauser, market.operator, market.stranger] {
        market.assert_refused(&[], Market::unauthorized(caller, B256::ZERO), || {
            market.dvp.sender(caller).unpause().motsu_res()
        });
    }
    assert!(market.dvp.sender(market.stranger).paused());
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
fn no_account_is_both_operator_and_principal() {
    let market = Market::firm();
    let (operator, principal) = (operator_role(), principal_role());
    for (role, other, account) in [
        (principal, operator, market.operator),
        (operator, principal, market.principal),
    ] {
        let grant = || {
            market
                .dvp
                .sender(market.admin)
                .grant_role(role, account.address())
                .motsu_res()
        };
        market.assert_refused(&[], Error::RolesExclude { role, other }, grant);
        assert!(
            !market
                .dvp
                .sender(market.stranger)
                .has_role(role, account.address())
        );
        // Another role beside it is granted, and this one once the other is gone.
        let mut admin = market.dvp.sender(market.admin);
        admin
            .grant_role(pauser_role(), account.address())
            .motsu_unwrap();
        admin.revoke_role(other, account.address()).motsu_unwrap();
        drop(admin);
        grant().unwrap();
        assert!(
            market
                .dvp
                .sender(market.stranger)
                .has_role(role, account.address())
        );
    }
}

#[test]
fn the_default_admin_requires_commitments_or_not() {
    let market = Market::new();
    let required = || market.dvp.sender(market.stranger).commitment_required();
    assert!(!required());
    for on in [true, true, false] {
        let mut admin = market.dvp.sender(market.admin);
        admin.set_commitment_required(on).motsu_unwrap();
        drop(admin);
        assert_eq!(required(), on);
        let events = market.events::<CommitmentRequiredSet>();
        assert_eq!(events.last(), Some(&CommitmentRequiredSet { required: on }));
    }
    for caller in [market.operator, market.pauser, market.stranger] {
        market.assert_refused(&[], Market::unauthorized(caller, B256::ZERO), || {
            market
                .dvp
                .sender(caller)
                .set_commitment_required(true)
                .motsu_res()
        });
    }
    assert!(!required());
    let dvp = market.dvp.sender(market.stranger);
    assert_eq!(
        (dvp.payment(), dvp.paused()),
        (market.cash.address(), false)
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
            .list_security(market.security.address(), true)
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
