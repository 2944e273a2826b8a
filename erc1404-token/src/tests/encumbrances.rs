//! Freezes, lock-ups, vesting, and what takes tokens by force.

use alloy_primitives::{Address, U256};
use motsu::prelude::*;

use super::fixture::*;
use crate::{
    error::*,
    event::*,
    restriction::{Kind, restriction},
    store::LOCKS,
};

/// What the rules will say of a transfer at `now`.
fn detect_at(token: &Token, now: u64, from: Address, to: Address, value: u64) -> u8 {
    let view = token.view();
    let mut movement = view.movement(Kind::Transfer, from, from, to, u(value), now);
    movement.from.record.kyc_expiry = u64::MAX;
    movement.to.record.kyc_expiry = u64::MAX;
    restriction(&*view, &movement)
}

#[test]
fn sanctions_work_at_once_on_every_side() {
    let token = Token::new();
    token.mint(ALICE, 10);
    let logs = token.logs(|token| token.by(ENFORCER).set_sanctioned(vec![BOB, STRANGER], true));
    let set = |account| {
        log(&SanctionSet {
            account,
            sanctioned: true,
            by: ENFORCER,
        })
    };
    assert_eq!(logs, [set(BOB), set(STRANGER)]);
    token.refuses(3, ALICE, BOB, 1);
    token.refuses(3, BOB, ALICE, 1);
    token.restricted(3, |token| token.by(ISSUER).mint(BOB, u(1)));
    token.by(ALICE).approve(STRANGER, u(5)).motsu_unwrap();
    token.restricted(3, |token| {
        token.by(STRANGER).transfer_from(ALICE, CAROL, u(1))
    });
    token.restricted(3, |token| {
        token.by(ENFORCER).forced_transfer(ALICE, BOB, u(1), REASON)
    });
    token
        .by(ENFORCER)
        .set_sanctioned(vec![BOB, STRANGER], false)
        .motsu_unwrap();
    assert!(!token.view().is_sanctioned(BOB));
    token.moves(ALICE, BOB, 1);
    token.reverts(
        &BatchTooLarge {
            length: u(101),
            limit: u(100),
        },
        |token| token.by(ENFORCER).set_sanctioned(vec![BOB; 101], true),
    );
}

#[test]
fn a_frozen_address_neither_sends_nor_receives_nor_spends() {
    let token = Token::new();
    token.mint(ALICE, 10);
    token.mint(BOB, 10);
    let logs = token.logs(|token| token.by(ENFORCER).set_address_frozen(ALICE, true));
    let frozen = |account| {
        log(&AddressFrozen {
            account,
            isFrozen: true,
            by: ENFORCER,
        })
    };
    assert_eq!(logs, [frozen(ALICE), frozen(ALICE2)]);
    token.refuses(5, ALICE, BOB, 1);
    token.refuses(6, BOB, ALICE, 1);
    token.by(BOB).approve(ALICE, u(5)).motsu_unwrap();
    token.restricted(7, |token| token.by(ALICE).transfer_from(BOB, CAROL, u(1)));
    let code = token
        .view()
        .detect_transfer_restriction_from(ALICE, BOB, CAROL, u(1));
    assert_eq!(code, 7);
    assert!(token.view().is_frozen(ALICE));
}

#[test]
fn frozen_tokens_stay() {
    let token = Token::new();
    token.mint(ALICE, 100);
    let logs = token.logs(|token| token.by(ENFORCER).freeze_partial_tokens(ALICE, u(80)));
    assert_eq!(
        logs,
        [log(&TokensFrozen {
            account: ALICE,
            amount: u(80)
        })]
    );
    token.refuses(8, ALICE, BOB, 21);
    token.refuses(8, ALICE, BOB, 100);
    token.restricted(8, |token| token.by(ISSUER).burn(ALICE, u(21), REASON));
    token.moves(ALICE, BOB, 20);
    let error = FreezeExceedsBalance {
        account: ALICE,
        frozen: u(80),
        amount: u(1),
        balance: u(80),
    };
    token.reverts(&error, |token| {
        token.by(ENFORCER).freeze_partial_tokens(ALICE, u(1))
    });
    let error = FreezeExceedsBalance {
        account: ALICE,
        frozen: u(80),
        amount: U256::MAX,
        balance: u(80),
    };
    token.reverts(&error, |token| {
        token.by(ENFORCER).freeze_partial_tokens(ALICE, U256::MAX)
    });
    let logs = token.logs(|token| token.by(ENFORCER).unfreeze_partial_tokens(ALICE, u(30)));
    assert_eq!(
        logs,
        [log(&TokensUnfrozen {
            account: ALICE,
            amount: u(30)
        })]
    );
    assert_eq!(token.view().get_frozen_tokens(ALICE), u(50));
    let error = UnfreezeExceedsFrozen {
        account: ALICE,
        frozen: u(50),
        amount: u(51),
    };
    token.reverts(&error, |token| {
        token.by(ENFORCER).unfreeze_partial_tokens(ALICE, u(51))
    });
    token.moves(ALICE, BOB, 30);
}

#[test]
fn locked_tokens_stay_until_their_second() {
    let token = Token::new();
    let release = NOW + 100;
    token.mint(ALICE, 60);
    let logs = token.logs(|token| token.by(COMPLIANCE).lock_tokens(ALICE, u(40), release));
    assert_eq!(
        logs,
        [log(&TokensLocked {
            holder: ALICE,
            amount: u(40),
            releaseTime: release
        })]
    );
    token.moves(ALICE, BOB, 2);
    token.refuses(9, ALICE, BOB, 19);
    token.moves(ALICE, BOB, 18);
    token.refuses(9, ALICE, BOB, 40);
    assert_eq!(detect_at(&token, release - 1, ALICE, BOB, 40), 9);
    assert_eq!(detect_at(&token, release, ALICE, BOB, 40), 0);
    assert_eq!(token.view().spendable_balance_of(ALICE), U256::ZERO);
}

#[test]
fn locks_of_one_time_merge_and_sixteen_are_enough() {
    let token = Token::new();
    token.lock(ALICE, 5, NOW + 1);
    token.lock(ALICE, 6, NOW + 1);
    for i in 2..=16 {
        token.lock(ALICE, 1, NOW + i);
    }
    let locks = token.view().locks_of(ALICE);
    assert_eq!((locks.amounts[0], locks.releaseTimes[0]), (u(11), NOW + 1));
    assert_eq!(locks.amounts.len(), 16);
    token.reverts(
        &TooManyLocks {
            holder: ALICE,
            limit: u(16),
        },
        |token| token.by(COMPLIANCE).lock_tokens(ALICE, u(1), NOW + 17),
    );
    token.lock(ALICE, 1, NOW + 16);
    let logs = token.logs(|token| token.by(COMPLIANCE).unlock_tokens(ALICE, NOW + 1));
    assert_eq!(
        logs,
        [log(&TokensUnlocked {
            holder: ALICE,
            amount: u(11),
            releaseTime: NOW + 1
        })]
    );
    token.reverts(
        &LockNotFound {
            holder: ALICE,
            releaseTime: NOW + 1,
        },
        |token| token.by(COMPLIANCE).unlock_tokens(ALICE, NOW + 1),
    );
    assert_eq!(token.encumbrances(ALICE).1, u(16));
}

/// Writes a lock that was released a second ago to a place, as the clock stands still here.
fn age_lock(token: &Token, holder: Address, place: usize) {
    let mut token = token.by(COMPLIANCE);
    let word = token.of(holder, LOCKS + place);
    let amount = word << 40 >> 40;
    token.set_of(holder, LOCKS + place, amount | u(NOW - 1) << 216);
}

#[test]
fn released_locks_give_their_place_back() {
    let token = Token::new();
    for i in 1..=16 {
        token.lock(ALICE, i, NOW + i);
    }
    age_lock(&token, ALICE, 2);
    token.lock(ALICE, 100, NOW + 50);
    let locks = token.view().locks_of(ALICE);
    assert_eq!(
        (locks.amounts[2], locks.releaseTimes[2]),
        (u(100), NOW + 50)
    );
    assert_eq!(locks.amounts.len(), 16);
    let view = token.view();
    let locked = |now| view.sum_locks(ALICE, &mut view.record(ALICE), now);
    assert_eq!(locked(NOW + 15), u(116));
    assert_eq!(locked(NOW + 16), u(100));
    assert_eq!(locked(NOW + 50), U256::ZERO);
}

#[test]
fn a_movement_clears_the_places_of_released_locks_and_a_view_does_not() {
    let token = Token::new();
    token.mint(ALICE, 10);
    for i in 1..=3 {
        token.lock(ALICE, 1, NOW + i);
    }
    age_lock(&token, ALICE, 1);
    assert_eq!(token.view().locks_of(ALICE).amounts.len(), 2);
    assert_eq!(token.encumbrances(ALICE).1, u(2));
    assert_eq!(token.view().record(ALICE).locks, 0b111);
    token.moves(ALICE, BOB, 8);
    assert_eq!(token.view().record(ALICE).locks, 0b101);
    token.refuses(9, ALICE, BOB, 1);
    // What is received clears nothing: nothing of the recipient's is read but holds.
    age_lock(&token, ALICE, 0);
    token.moves(BOB, ALICE, 1);
    assert_eq!(token.view().record(ALICE).locks, 0b101);
    token.lock(ALICE, 1, NOW + 9);
    assert_eq!(token.view().record(ALICE).locks, 0b101);
    assert_eq!(
        token.view().locks_of(ALICE).releaseTimes,
        [NOW + 9, NOW + 3]
    );
}

#[test]
fn a_wallet_whose_last_lock_ends_is_unmarked() {
    let token = Token::new();
    token.lock(ALICE, 1, NOW + 1);
    token.lock(ALICE, 1, NOW + 2);
    token
        .by(COMPLIANCE)
        .unlock_tokens(ALICE, NOW + 2)
        .motsu_unwrap();
    assert_eq!(token.view().record(ALICE).locks, 1);
    token
        .by(COMPLIANCE)
        .unlock_tokens(ALICE, NOW + 1)
        .motsu_unwrap();
    assert!(!token.view().record(ALICE).has_places());
    token.reverts(
        &LockNotFound {
            holder: ALICE,
            releaseTime: 0,
        },
        |token| token.by(COMPLIANCE).unlock_tokens(ALICE, 0),
    );
}

#[test]
fn a_lock_must_lie_ahead_and_be_of_something_that_fits() {
    let token = Token::new();
    let lock =
        |amount, time| move |token: &Token| token.by(COMPLIANCE).lock_tokens(ALICE, amount, time);
    let error = ReleaseTimePassed {
        holder: ALICE,
        releaseTime: NOW,
        now_: NOW,
    };
    token.reverts(&error, lock(u(1), NOW));
    let latest = NOW + 6_311_520_000;
    for time in [latest + 1, u64::MAX] {
        token.reverts(&TimeTooFar { time, latest }, lock(u(1), time));
    }
    lock(u(1), latest)(&token).motsu_unwrap();
    token
        .by(COMPLIANCE)
        .unlock_tokens(ALICE, latest)
        .motsu_unwrap();
    let error = |amount, already| InvalidLock {
        holder: ALICE,
        amount,
        alreadyLocked: already,
    };
    token.reverts(&error(U256::ZERO, U256::ZERO), lock(U256::ZERO, NOW + 1));
    let most = U256::MAX >> 40;
    token.reverts(&error(most + u(1), U256::ZERO), lock(most + u(1), NOW + 1));
    token.reverts(&error(U256::MAX, U256::ZERO), lock(U256::MAX, NOW + 1));
    lock(most, NOW + 1)(&token).motsu_unwrap();
    token.reverts(&error(u(1), most), lock(u(1), NOW + 1));
    lock(most, NOW + 2)(&token).motsu_unwrap();
    assert_eq!(token.encumbrances(ALICE).1, most + most);
    token.mint(ALICE, 5);
    token.refuses(9, ALICE, BOB, 1);
    token.moves(ALICE, BOB, 0);
}

#[test]
fn a_grant_mints_under_its_schedule() {
    let token = Token::new();
    let logs = token.logs(|token| {
        token
            .by(ISSUER)
            .grant_vesting(ALICE, u(100), NOW, 9, 8, 7, 1_250, true)
    });
    let granted = VestingGranted {
        holder: ALICE,
        index: U256::ZERO,
        amount: u(100),
        start: NOW,
        cliff: 9,
        period: 8,
        periods: 7,
        firstBips: 1_250,
        revocable: true,
    };
    let minted = Transfer {
        from: Address::ZERO,
        to: ALICE,
        value: u(100),
    };
    assert_eq!(logs, [log(&minted), log(&granted)]);
    token.refuses(10, ALICE, BOB, 1);
    token.restricted(10, |token| token.by(ISSUER).burn(ALICE, u(1), REASON));
    // Tokens acquired otherwise are free.
    token.mint(ALICE, 20);
    token.moves(ALICE, BOB, 20);
    assert_eq!(detect_at(&token, NOW + 8, ALICE, BOB, 1), 10);
    assert_eq!(detect_at(&token, NOW + 9, ALICE, BOB, 12), 0);
    assert_eq!(detect_at(&token, NOW + 9, ALICE, BOB, 13), 10);
    let vesting = token.view().vesting_of(ALICE, U256::ZERO).motsu_unwrap();
    assert_eq!(
        (vesting.amount, vesting.vested, vesting.start),
        (u(100), U256::ZERO, NOW)
    );
    assert_eq!(
        (
            vesting.cliff,
            vesting.period,
            vesting.periods,
            vesting.firstBips
        ),
        (9, 8, 7, 1_250)
    );
    assert_eq!((vesting.revocable, vesting.revoked), (true, false));
    assert_eq!(token.view().vesting_count(ALICE), u(1));
}

#[test]
fn impossible_schedules_revert() {
    let token = Token::new();
    let refused = |amount: u64, period: u32, periods: u16, first_bips: u16| {
        let error = InvalidSchedule {
            holder: ALICE,
            amount: u(amount),
            period: period.into(),
            periods: periods.into(),
            firstBips: first_bips.into(),
        };
        token.reverts(&error, |token| {
            let amount = u(amount);
            token
                .by(ISSUER)
                .grant_vesting(ALICE, amount, NOW, 0, period, periods, first_bips, true)
        });
    };
    refused(0, 1, 1, 0);
    refused(1, 0, 1, 0);
    refused(1, 1, 1, 10_001);
    // Two releases after the first, 200 years ahead at the latest.
    let latest = NOW + 6_311_520_000;
    let ending = |start: u64, cliff: u32, period: u32| {
        move |token: &Token| {
            token
                .by(ISSUER)
                .grant_vesting(ALICE, u(1), start, cliff, period, 2, 0, true)
        }
    };
    let ends = |time| TimeTooFar { time, latest };
    token.reverts(&ends(latest + 1), ending(latest - 30, 9, 11));
    token.reverts(&ends(u64::MAX), ending(u64::MAX, 0, 1));
    token.reverts(&ends(NOW * 1_000 + 2), ending(NOW * 1_000, 0, 1));
    ending(latest - 31, 9, 11)(&token).motsu_unwrap();
    token.restricted(1, |token| {
        token
            .by(ISSUER)
            .grant_vesting(DAVE, u(1), NOW, 0, 0, 0, 0, true)
    });
}

#[test]
fn eight_schedules_are_enough() {
    let token = Token::new();
    for i in 0..8 {
        assert_eq!(grant(&token, ALICE, 1, 9, true), u(i));
    }
    token.reverts(
        &TooManySchedules {
            holder: ALICE,
            limit: u(8),
        },
        |token| {
            token
                .by(ISSUER)
                .grant_vesting(ALICE, u(1), NOW, 0, 0, 0, 0, true)
        },
    );
    assert_eq!(token.encumbrances(ALICE).2, u(8));
}

#[test]
fn the_place_of_an_ended_schedule_is_granted_again() {
    let token = Token::new();
    for i in 0..8 {
        // The last one has vested when it is granted.
        let cliff = if i == 7 { 0 } else { 9 };
        assert_eq!(grant(&token, ALICE, 10 + i, cliff, true), u(i));
    }
    assert_eq!(token.view().vesting_count(ALICE), u(8));
    assert_eq!(grant(&token, ALICE, 100, 9, true), u(7));
    // One that was taken back leaves its place as well.
    token
        .by(ISSUER)
        .revoke_vesting(ALICE, u(2), BOB)
        .motsu_unwrap();
    assert_eq!(grant(&token, ALICE, 200, 9, true), u(2));
    let error = TooManySchedules {
        holder: ALICE,
        limit: u(8),
    };
    token.reverts(&error, |token| {
        token
            .by(ISSUER)
            .grant_vesting(ALICE, u(1), NOW, 9, 0, 0, 0, true)
    });
    let vesting = token.view().vesting_of(ALICE, u(2)).motsu_unwrap();
    assert_eq!((vesting.amount, vesting.revoked), (u(200), false));
    assert_eq!(token.view().vesting_count(ALICE), u(8));
    // 10 + 11 + 200 + 13 + 14 + 15 + 16 + 100.
    assert_eq!(token.encumbrances(ALICE).2, u(379));
}

#[test]
fn a_movement_clears_the_place_of_an_ended_schedule_and_a_view_does_not() {
    let token = Token::new();
    grant(&token, ALICE, 10, 9, true);
    grant(&token, ALICE, 10, 0, true);
    assert_eq!(token.encumbrances(ALICE).2, u(10));
    assert_eq!(token.view().record(ALICE).schedules, 0b11);
    token.moves(ALICE, BOB, 1);
    assert_eq!(token.view().record(ALICE).schedules, 0b01);
    // What it was can be read until another takes its place.
    let ended = token.view().vesting_of(ALICE, u(1)).motsu_unwrap();
    assert_eq!((ended.amount, ended.vested), (u(10), u(10)));
}

#[test]
fn a_schedule_that_ends_by_force_or_revocation_leaves_the_others_as_they_were() {
    let token = Token::new();
    let places = || token.view().record(ALICE).schedules;
    for amount in [10, 20, 40, 80] {
        grant(&token, ALICE, amount, 9, true);
    }
    assert_eq!(places(), 0b1111);
    // Force takes all of the first and a part of the second.
    token
        .by(ENFORCER)
        .forced_transfer(ALICE, BOB, u(15), REASON)
        .motsu_unwrap();
    assert_eq!((places(), token.encumbrances(ALICE).2), (0b1110, u(135)));
    token.refuses(10, ALICE, BOB, 1);
    token
        .by(ISSUER)
        .revoke_vesting(ALICE, u(2), BOB)
        .motsu_unwrap();
    assert_eq!((places(), token.encumbrances(ALICE).2), (0b1010, u(95)));
    assert_eq!(token.balance(ALICE), u(95));
    token.refuses(10, ALICE, BOB, 1);
}

#[test]
fn revoking_moves_what_is_unvested() {
    let token = Token::new();
    let schedule = |token: &Token| {
        token
            .by(ISSUER)
            .grant_vesting(ALICE, u(100), NOW - 10, 10, 8, 7, 1_250, true)
    };
    schedule(&token).motsu_unwrap();
    let logs = token.logs(|token| token.by(ISSUER).revoke_vesting(ALICE, U256::ZERO, BOB));
    let revoked = VestingRevoked {
        holder: ALICE,
        index: U256::ZERO,
        to: BOB,
        unvested: u(88),
    };
    assert_eq!(
        logs,
        [
            log(&revoked),
            log(&Transfer {
                from: ALICE,
                to: BOB,
                value: u(88)
            })
        ]
    );
    assert_eq!((token.balance(ALICE), token.balance(BOB)), (u(12), u(88)));
    let vesting = token.view().vesting_of(ALICE, U256::ZERO).motsu_unwrap();
    assert_eq!(
        (vesting.amount, vesting.vested, vesting.revoked),
        (u(100), u(12), true)
    );
    token.moves(ALICE, BOB, 12);
    let again = ScheduleNotRevocable {
        holder: ALICE,
        index: U256::ZERO,
        revoked: true,
    };
    token.reverts(&again, |token| {
        token.by(ISSUER).revoke_vesting(ALICE, U256::ZERO, BOB)
    });
    let error = ScheduleNotFound {
        holder: ALICE,
        index: u(1),
        count: u(1),
    };
    token.reverts(&error, |token| {
        token.by(ISSUER).revoke_vesting(ALICE, u(1), BOB)
    });
    token.reverts(&error, |token| token.view().vesting_of(ALICE, u(1)));
    let huge = ScheduleNotFound {
        holder: ALICE,
        index: U256::MAX,
        count: u(1),
    };
    token.reverts(&huge, |token| token.view().vesting_of(ALICE, U256::MAX));
}

#[test]
fn revoking_reverts_for_good_grants_and_unfit_recipients() {
    let token = Token::new();
    grant(&token, ALICE, 100, 9, false);
    grant(&token, ALICE, 100, 9, true);
    let revoke =
        |index, to| move |token: &Token| token.by(ISSUER).revoke_vesting(ALICE, u(index), to);
    let error = ScheduleNotRevocable {
        holder: ALICE,
        index: U256::ZERO,
        revoked: false,
    };
    token.reverts(&error, revoke(0, BOB));
    token.reverts(&InvalidWallet { wallet: ALICE }, revoke(1, ALICE));
    token.restricted(1, revoke(1, DAVE));
    token.restricted(4, revoke(1, Address::ZERO));
    token.restricted(4, revoke(1, token.contract.address()));
    token
        .by(ENFORCER)
        .set_address_frozen(BOB, true)
        .motsu_unwrap();
    token.restricted(6, revoke(1, BOB));
}

#[test]
fn the_issuer_takes_nothing_from_a_sanctioned_or_frozen_holder() {
    let token = Token::new();
    grant(&token, ALICE, 100, 9, true);
    token.mint(ALICE, 100);
    let burn = |token: &Token| token.by(ISSUER).burn(ALICE, u(1), REASON);
    let revoke = |token: &Token| token.by(ISSUER).revoke_vesting(ALICE, U256::ZERO, BOB);
    let enforcer = || token.by(ENFORCER);
    enforcer().set_address_frozen(ALICE, true).motsu_unwrap();
    token.restricted(5, burn);
    token.restricted(5, revoke);
    enforcer().set_sanctioned(vec![ALICE], true).motsu_unwrap();
    token.restricted(3, burn);
    token.restricted(3, revoke);
    assert_eq!(token.balance(ALICE), u(200));
    assert_eq!(token.encumbrances(ALICE).2, u(100));
    // That is the enforcer's.
    enforcer()
        .forced_transfer(ALICE, BOB, u(150), REASON)
        .motsu_unwrap();
    enforcer().forced_burn(ALICE, u(50), REASON).motsu_unwrap();
}

#[test]
fn revoking_leaves_what_is_frozen() {
    let token = Token::new();
    grant(&token, ALICE, 60, 9, true);
    token.mint(ALICE, 40);
    token.hold(REASON, ALICE, 30);
    freeze(&token, ALICE, 41);
    let revoke = |token: &Token| token.by(ISSUER).revoke_vesting(ALICE, U256::ZERO, BOB);
    token.restricted(8, revoke);
    token
        .by(ENFORCER)
        .unfreeze_partial_tokens(ALICE, u(1))
        .motsu_unwrap();
    let logs = token.logs(revoke);
    assert_eq!(logs.len(), 2);
    // 100 - 60 are left, all of them frozen; 30 of them are held.
    assert_eq!(token.encumbrances(ALICE), (u(40), U256::ZERO, U256::ZERO));
    assert_eq!(token.view().held_balance_of(ALICE), u(30));
}

#[test]
fn revoking_never_reaches_what_is_held() {
    let token = Token::new();
    let revoke = |token: &Token| token.by(ISSUER).revoke_vesting(ALICE, U256::ZERO, BOB);
    token.mint(ALICE, 40);
    token.hold(REASON, ALICE, 40);
    grant(&token, ALICE, 60, 9, true);
    token.lock(ALICE, 100, NOW + 9);
    // Locked tokens go first, so that 50 are left of which 50 are not vested and 40 held.
    token
        .by(ENFORCER)
        .forced_transfer(ALICE, BOB, u(50), REASON)
        .motsu_unwrap();
    assert_eq!(token.encumbrances(ALICE), (U256::ZERO, u(50), u(50)));
    token.restricted(20, revoke);
    assert_eq!(token.view().held_balance_of(ALICE), u(40));
}

#[test]
fn revoking_takes_its_part_of_a_lock_and_no_more() {
    let token = Token::new();
    grant(&token, ALICE, 60, 9, true);
    token.mint(ALICE, 40);
    token.lock(ALICE, 70, NOW + 9);
    let logs = token.logs(|token| token.by(ISSUER).revoke_vesting(ALICE, U256::ZERO, BOB));
    // Of 100 tokens 70 were locked, of the 40 that stay all: 30 of the lock went.
    let unlocked = TokensUnlocked {
        holder: ALICE,
        amount: u(30),
        releaseTime: NOW + 9,
    };
    assert_eq!(logs[1], log(&unlocked));
    assert_eq!(token.encumbrances(ALICE), (U256::ZERO, u(40), U256::ZERO));
}

#[test]
fn the_first_of_freeze_lock_and_vesting_that_binds_is_named() {
    let token = Token::new();
    grant(&token, ALICE, 30, 9, true);
    token.mint(ALICE, 70);
    freeze(&token, ALICE, 10);
    token.lock(ALICE, 20, NOW + 9);
    for (value, code) in [
        (40, 0),
        (41, 10),
        (70, 10),
        (71, 9),
        (90, 9),
        (91, 8),
        (100, 8),
        (101, 0),
    ] {
        assert_eq!(token.detect(ALICE, BOB, value), code, "{value}");
    }
    assert_eq!(token.encumbrances(ALICE), (u(10), u(20), u(30)));
    assert_eq!(token.view().spendable_balance_of(ALICE), u(40));
}

#[test]
fn force_eats_free_then_frozen_then_locked_then_unvested_tokens() {
    let token = Token::new();
    grant(&token, ALICE, 30, 9, true);
    token.mint(ALICE, 70);
    freeze(&token, ALICE, 10);
    token.lock(ALICE, 5, NOW + 8);
    token.lock(ALICE, 15, NOW + 9);
    let logs = token.logs(|token| {
        token
            .by(ENFORCER)
            .forced_transfer(ALICE, BOB, u(95), REASON)
    });
    assert_eq!(
        logs,
        [
            log(&TokensUnfrozen {
                account: ALICE,
                amount: u(10)
            }),
            log(&TokensUnlocked {
                holder: ALICE,
                amount: u(5),
                releaseTime: NOW + 8
            }),
            log(&TokensUnlocked {
                holder: ALICE,
                amount: u(15),
                releaseTime: NOW + 9
            }),
            log(&VestingReduced {
                holder: ALICE,
                index: U256::ZERO,
                amount: u(25)
            }),
            log(&Transfer {
                from: ALICE,
                to: BOB,
                value: u(95)
            }),
            log(&ForcedTransfer {
                from: ALICE,
                to: BOB,
                value: u(95),
                reason: REASON,
                by: ENFORCER
            }),
        ]
    );
    assert_eq!(token.encumbrances(ALICE), (U256::ZERO, U256::ZERO, u(5)));
    assert_eq!(token.balance(ALICE), u(5));
    assert_eq!(token.view().locks_of(ALICE).amounts.len(), 0);
    token.refuses(10, ALICE, BOB, 5);
}

#[test]
fn force_reduces_a_freeze_by_what_is_not_free() {
    let token = Token::new();
    token.mint(ALICE, 100);
    freeze(&token, ALICE, 80);
    let logs = token.logs(|token| {
        token
            .by(ENFORCER)
            .forced_transfer(ALICE, BOB, u(50), REASON)
    });
    assert_eq!(
        logs[0],
        log(&TokensUnfrozen {
            account: ALICE,
            amount: u(30)
        })
    );
    assert_eq!(
        logs[1],
        log(&Transfer {
            from: ALICE,
            to: BOB,
            value: u(50)
        })
    );
    assert_eq!(token.view().get_frozen_tokens(ALICE), u(50));
}

#[test]
fn overlapping_encumbrances_never_outgrow_the_balance() {
    let token = Token::new();
    grant(&token, ALICE, 100, 9, true);
    freeze(&token, ALICE, 100);
    token
        .by(ENFORCER)
        .forced_burn(ALICE, u(50), REASON)
        .motsu_unwrap();
    assert_eq!(token.encumbrances(ALICE), (u(50), U256::ZERO, u(50)));
    token.restricted(8, |token| {
        token.by(ISSUER).revoke_vesting(ALICE, U256::ZERO, BOB)
    });
}

#[test]
fn force_says_how_much_of_a_lock_went_with_frozen_tokens() {
    let token = Token::new();
    token.mint(ALICE, 100);
    token.lock(ALICE, 100, NOW + 9);
    freeze(&token, ALICE, 40);
    let logs = token.logs(|token| {
        token
            .by(ENFORCER)
            .forced_transfer(ALICE, BOB, u(40), REASON)
    });
    let unfrozen = TokensUnfrozen {
        account: ALICE,
        amount: u(40),
    };
    let unlocked = TokensUnlocked {
        holder: ALICE,
        amount: u(40),
        releaseTime: NOW + 9,
    };
    assert_eq!(logs[..2], [log(&unfrozen), log(&unlocked)]);
    assert_eq!(logs.len(), 4);
    assert_eq!(token.encumbrances(ALICE), (U256::ZERO, u(60), U256::ZERO));
}

#[test]
fn force_ends_as_much_of_a_lock_of_more_than_there_is() {
    let token = Token::new();
    token.mint(ALICE, 100);
    token.lock(ALICE, 1_000, NOW + 9);
    token
        .by(ENFORCER)
        .forced_burn(ALICE, u(30), REASON)
        .motsu_unwrap();
    assert_eq!(token.encumbrances(ALICE).1, u(970));
}

#[test]
fn force_ignores_freezes_limits_and_pause_but_not_the_recipient() {
    let token = Token::new();
    token.mint(ALICE, 100);
    token.limit(10, 0, 1, 0, 0);
    token
        .by(ENFORCER)
        .set_address_frozen(ALICE, true)
        .motsu_unwrap();
    token.by(PAUSER).pause().motsu_unwrap();
    token
        .by(ENFORCER)
        .forced_transfer(ALICE, BOB, u(60), REASON)
        .motsu_unwrap();
    assert_eq!(token.view().holder_count().count, 2);
    let force = |to, value| {
        move |token: &Token| {
            token
                .by(ENFORCER)
                .forced_transfer(ALICE, to, u(value), REASON)
        }
    };
    token.reverts(&InvalidWallet { wallet: ALICE }, force(ALICE, 1));
    token.restricted(1, force(DAVE, 1));
    token.restricted(4, force(Address::ZERO, 1));
    token.restricted(4, force(token.contract.address(), 1));
    let error = ERC20InsufficientBalance {
        sender: ALICE,
        balance: u(40),
        needed: u(41),
    };
    token.reverts(&error, force(BOB, 41));
    let logs = token.logs(|token| token.by(ENFORCER).forced_burn(ALICE, u(40), REASON));
    let burned = ForcedBurn {
        from: ALICE,
        value: u(40),
        reason: REASON,
        by: ENFORCER,
    };
    let transfer = Transfer {
        from: ALICE,
        to: Address::ZERO,
        value: u(40),
    };
    assert_eq!(logs, [log(&transfer), log(&burned)]);
    assert_eq!(token.view().total_supply(), u(60));
    assert_eq!(token.view().holder_count().count, 1);
}
