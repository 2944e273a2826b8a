//! Construction, roles and the pause.

use alloy_primitives::{Address, FixedBytes};
use motsu::prelude::*;

use super::fixture::{Stage, foreign, u, unauthorized};
use crate::{
    Distribution,
    access::{compliance_role, distributor_role, pauser_role},
    error::Error,
};

const ADMIN: alloy_primitives::B256 = alloy_primitives::B256::ZERO;

#[test]
fn the_constructor_reverts_without_an_admin_or_a_coin() {
    let stage = Stage::new();
    let fresh = Contract::<Distribution>::new_at(Address::repeat_byte(0x77));
    let nobody = Error::AccessControlInvalidDefaultAdmin {
        account: Address::ZERO,
    };
    let made = |coin, admin| {
        fresh
            .sender(stage.admin)
            .constructor(coin, admin)
            .motsu_res()
    };
    let coin = stage.coin.address();
    assert_eq!(made(coin, Address::ZERO).unwrap_err(), nobody.into());
    let account = stage.stranger.address();
    let none = Error::NotAContract { account };
    assert_eq!(made(account, account).unwrap_err(), none.into());
    made(coin, account).unwrap();
    let view = fresh.sender(stage.stranger);
    assert_eq!(view.coin(), coin);
    assert!(view.has_role(ADMIN, account));
    assert!(!view.has_role(distributor_role(), account));
}

#[test]
fn only_the_admin_gives_and_takes_roles() {
    let stage = Stage::new();
    let account = stage.stranger.address();
    let of = |sender| stage.distribution.sender(sender);
    for role in [ADMIN, distributor_role(), compliance_role(), pauser_role()] {
        assert_eq!(of(stage.stranger).get_role_admin(role), ADMIN);
        let refused = unauthorized(stage.pauser, ADMIN);
        stage.assert_refused(&[], refused.clone(), || {
            of(stage.pauser).grant_role(role, account).motsu_res()
        });
        stage.assert_refused(&[], refused, || {
            of(stage.pauser).revoke_role(role, account).motsu_res()
        });
        of(stage.admin).grant_role(role, account).motsu_unwrap();
        assert!(of(stage.stranger).has_role(role, account));
        of(stage.admin).revoke_role(role, account).motsu_unwrap();
        assert!(!of(stage.stranger).has_role(role, account));
    }
    let bad = foreign("AccessControlBadConfirmation()", &[]);
    let pauser = stage.pauser.address();
    stage.assert_refused(&[], bad, || {
        of(stage.stranger)
            .renounce_role(pauser_role(), pauser)
            .motsu_res()
    });
    of(stage.pauser)
        .renounce_role(pauser_role(), pauser)
        .motsu_unwrap();
    assert!(!of(stage.stranger).has_role(pauser_role(), pauser));
}

#[test]
fn a_pause_stops_everything_that_moves_coins() {
    let stage = Stage::new();
    let id = stage.open();
    stage.lapse(id);
    let of = |sender| stage.distribution.sender(sender);
    stage.assert_refused(&[id], unauthorized(stage.admin, pauser_role()), || {
        of(stage.admin).pause().motsu_res()
    });
    let expected = foreign("ExpectedPause()", &[]);
    stage.assert_refused(&[id], expected, || of(stage.admin).unpause().motsu_res());
    of(stage.pauser).pause().motsu_unwrap();
    assert!(of(stage.stranger).paused());
    let paused = foreign("EnforcedPause()", &[]);
    let refused = |act: &dyn Fn() -> Result<(), runtime::abi::Revert>| {
        stage.assert_refused(&[id], paused.clone(), act);
    };
    refused(&|| of(stage.pauser).pause().motsu_res());
    refused(&|| stage.try_open(stage.funder, stage.opening()).map(drop));
    refused(&|| stage.claim(id, &stage.share(0)));
    refused(&|| stage.pay(id, vec![stage.share(0)]));
    refused(&|| stage.sweep(id));
    let to = stage.stranger.address();
    refused(&|| stage.redirect(stage.compliance, id, &stage.share(0), to));
    stage.assert_refused(&[id], unauthorized(stage.pauser, ADMIN), || {
        of(stage.pauser).unpause().motsu_res()
    });
    of(stage.admin).unpause().motsu_unwrap();
    stage.sweep(id).unwrap();
    assert_eq!(stage.coins(stage.funder.address()), u(10_000));
}

#[test]
fn the_interfaces_are_declared() {
    let stage = Stage::new();
    let view = stage.distribution.sender(stage.stranger);
    for (id, supported) in [
        ([0x01, 0xff, 0xc9, 0xa7], true),
        ([0x79, 0x65, 0xdb, 0x0b], true),
        ([0xff; 4], false),
        ([0; 4], false),
    ] {
        assert_eq!(view.supports_interface(FixedBytes(id)), supported);
    }
}
