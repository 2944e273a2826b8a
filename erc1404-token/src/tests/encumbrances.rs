//! Freezes, lock-ups, vesting, force, recovery, and the registry they rest on.

use alloy_primitives::{Address, B256, U256};
use motsu::prelude::*;

use super::fixture::*;
use crate::{
    error::*,
    event::*,
    restriction::{Kind, restriction},
};

/// What the rules will say of a transfer at `now`.
fn detect_at(token: &Token, now: u64, from: Address, to: Address, value: u64) -> u8 {
    let view = token.view();
    let mut movement = view.movement(Kind::Transfer, from, from, to, u(value));
    movement.now = now;
    movement.from.record.kyc_expiry = u64::MAX;
    movement.to.record.kyc_expiry = u64::MAX;
    restriction(&*view, &movement)
}

fn grant(token: &Token, holder: Address, amount: u64, cliff: u32, revocable: bool) -> U256 {
    token
        .by(ISSUER)
        .grant_vesting(holder, u(amount), NOW, cliff, 0, 0, 0, revocable)
        .motsu_unwrap()
}

fn freeze(token: &Token, account: Address, amount: u64) {
    token
        .by(ENFORCER)
        .freeze_partial_tokens(account, u(amount))
        .motsu_unwrap();
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
    assert_eq!(
        logs,
        [log(&AddressFrozen {
            account: ALICE,
            isFrozen: true,
            by: ENFORCER
        })]
    );
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

#[test]
fn released_locks_give_their_place_back() {
    let token = Token::new();
    for i in 1..=16 {
        token.lock(ALICE, i, NOW + i);
    }
    // What a lock leaves when its time has come is what it leaves when it is ended early: a free place.
    token
        .by(COMPLIANCE)
        .unlock_tokens(ALICE, NOW + 3)
        .motsu_unwrap();
    token.lock(ALICE, 100, NOW + 50);
    let locks = token.view().locks_of(ALICE);
    assert_eq!(
        (locks.amounts[2], locks.releaseTimes[2]),
        (u(100), NOW + 50)
    );
    assert_eq!(locks.amounts.len(), 16);
    let view = token.view();
    assert_eq!(view.locked_of(ALICE, NOW + 15), u(116));
    assert_eq!(view.locked_of(ALICE, NOW + 16), u(100));
    assert_eq!(view.locked_of(ALICE, NOW + 50), U256::ZERO);
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
    assert!(token.view().record(ALICE).has(crate::word::Record::LOCKED));
    token
        .by(COMPLIANCE)
        .unlock_tokens(ALICE, NOW + 1)
        .motsu_unwrap();
    assert!(!token.view().record(ALICE).has(crate::word::Record::LOCKED));
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
    let error = |amount, already| InvalidLock {
        holder: ALICE,
        amount,
        alreadyLocked: already,
    };
    token.reverts(&error(U256::ZERO, U256::ZERO), lock(U256::ZERO, NOW + 1));
    lock(U256::MAX, NOW + 1)(&token).motsu_unwrap();
    token.reverts(&error(u(1), U256::MAX), lock(u(1), NOW + 1));
    lock(U256::MAX, NOW + 2)(&token).motsu_unwrap();
    assert_eq!(token.encumbrances(ALICE).1, U256::MAX);
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
    token
        .by(ISSUER)
        .revoke_vesting(ALICE, U256::ZERO, BOB)
        .motsu_unwrap();
    assert_eq!(
        token.encumbrances(ALICE),
        (U256::ZERO, U256::ZERO, U256::ZERO)
    );
    assert_eq!(
        (token.balance(ALICE), token.balance(BOB)),
        (U256::ZERO, u(50))
    );
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
    let burned = Burned {
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

#[test]
fn recovery_hands_everything_over() {
    let token = Token::new();
    grant(&token, ALICE, 30, 9, true);
    token.mint(ALICE, 70);
    token.mint(ALICE2, 1);
    freeze(&token, ALICE, 10);
    token.lock(ALICE, 20, NOW + 9);
    let logs = token.logs(|token| token.by(ENFORCER).recover_wallet(ALICE, DAVE, REASON));
    let set = WalletSet {
        wallet: DAVE,
        investorId: investor(1),
        group: 20,
        country: 840,
        kycExpiry: NOW + 1,
    };
    let recovered = WalletRecovered {
        lost: ALICE,
        replacement: DAVE,
        reason: REASON,
        by: ENFORCER,
    };
    assert_eq!(
        logs,
        [
            log(&WalletRemoved {
                wallet: ALICE,
                investorId: investor(1)
            }),
            log(&set),
            log(&Transfer {
                from: ALICE,
                to: DAVE,
                value: u(100)
            }),
            log(&recovered),
        ]
    );
    assert_eq!(
        (token.balance(ALICE), token.balance(DAVE)),
        (U256::ZERO, u(100))
    );
    assert_eq!(token.encumbrances(DAVE), (u(10), u(20), u(30)));
    assert_eq!(
        token.encumbrances(ALICE),
        (U256::ZERO, U256::ZERO, U256::ZERO)
    );
    let lost = token.view().wallet_record(ALICE);
    assert_eq!((lost.investorId, lost.frozen), (B256::ZERO, true));
    assert!(!token.view().is_frozen(DAVE));
    assert_eq!(token.view().wallets_of(investor(1)).wallets, [DAVE, ALICE2]);
    assert_eq!(token.view().holdings_of(investor(1)), u(101));
    assert_eq!(token.view().holder_count().count, 1);
    assert_eq!(token.view().group_holders(20).count, 1);
    token.refuses(10, DAVE, BOB, 41);
    token.refuses(8, DAVE, BOB, 91);
    token.moves(DAVE, BOB, 40);
}

#[test]
fn recovery_may_use_another_wallet_of_the_investor() {
    let token = Token::new();
    token.mint(ALICE, 70);
    token
        .by(ENFORCER)
        .set_address_frozen(ALICE, true)
        .motsu_unwrap();
    token
        .by(ENFORCER)
        .recover_wallet(ALICE, ALICE2, REASON)
        .motsu_unwrap();
    assert_eq!(token.view().wallets_of(investor(1)).wallets, [ALICE2]);
    assert!(token.view().is_frozen(ALICE2));
    token
        .by(ENFORCER)
        .set_address_frozen(ALICE2, false)
        .motsu_unwrap();
    token.moves(ALICE2, BOB, 70);
    assert_eq!(token.view().holder_count().count, 1);
}

#[test]
fn recovery_reverts_for_unfit_wallets() {
    let token = Token::new();
    token.mint(ALICE, 10);
    token.mint(BOB, 10);
    let recover = |lost, replacement| {
        move |token: &Token| token.by(ENFORCER).recover_wallet(lost, replacement, REASON)
    };
    token.reverts(
        &InvalidWallet {
            wallet: Address::ZERO,
        },
        recover(ALICE, Address::ZERO),
    );
    token.reverts(&InvalidWallet { wallet: ALICE }, recover(ALICE, ALICE));
    let error = WalletOfAnotherInvestor {
        wallet: BOB,
        investorId: investor(2),
    };
    token.reverts(&error, recover(ALICE, BOB));
    token.reverts(
        &WalletNotRegistered { wallet: DAVE },
        recover(DAVE, STRANGER),
    );
    token.lock(DAVE, 7, NOW + 1);
    let error = WalletEncumbered {
        wallet: DAVE,
        locked: u(7),
        schedules: U256::ZERO,
    };
    token.reverts(&error, recover(ALICE, DAVE));
    token.mint(ALICE2, 3);
    token.reverts(
        &WalletNotEmpty {
            wallet: ALICE2,
            balance: u(3),
        },
        recover(ALICE, ALICE2),
    );
    token
        .by(ENFORCER)
        .set_sanctioned(vec![ALICE], true)
        .motsu_unwrap();
    token.restricted(3, recover(ALICE, STRANGER));
}

#[test]
fn a_wallet_is_registered_changed_and_removed() {
    let token = Token::deployed();
    let logs = token.logs(|token| {
        token
            .by(COMPLIANCE)
            .set_wallet(DAVE, investor(7), 20, 276, NOW + 5)
    });
    let set = WalletSet {
        wallet: DAVE,
        investorId: investor(7),
        group: 20,
        country: 276,
        kycExpiry: NOW + 5,
    };
    assert_eq!(logs, [log(&set)]);
    let record = token.view().wallet_record(DAVE);
    assert_eq!(
        (record.investorId, record.group, record.country),
        (investor(7), 20, 276)
    );
    assert_eq!(
        (record.kycExpiry, record.frozen, record.sanctioned),
        (NOW + 5, false, false)
    );
    token
        .by(COMPLIANCE)
        .set_wallet(DAVE, investor(8), 30, 840, NOW + 6)
        .motsu_unwrap();
    assert_eq!(
        token.view().wallets_of(investor(7)).wallets,
        [] as [Address; 0]
    );
    assert_eq!(token.view().wallets_of(investor(8)).wallets, [DAVE]);
    let logs = token.logs(|token| token.by(COMPLIANCE).remove_wallet(DAVE));
    assert_eq!(
        logs,
        [log(&WalletRemoved {
            wallet: DAVE,
            investorId: investor(8)
        })]
    );
    assert_eq!(token.view().wallet_record(DAVE).investorId, B256::ZERO);
    token.reverts(&WalletNotRegistered { wallet: DAVE }, |token| {
        token.by(COMPLIANCE).remove_wallet(DAVE)
    });
}

#[test]
fn impossible_records_revert() {
    let token = Token::new();
    let set = |wallet, id, group, country| {
        move |token: &Token| {
            token
                .by(COMPLIANCE)
                .set_wallet(wallet, id, group, country, NOW)
        }
    };
    let zero = Address::ZERO;
    token.reverts(
        &InvalidWallet { wallet: zero },
        set(zero, investor(1), 1, 1),
    );
    let own = token.contract.address();
    token.reverts(&InvalidWallet { wallet: own }, set(own, investor(1), 1, 1));
    token.reverts(
        &InvalidInvestor { wallet: DAVE },
        set(DAVE, B256::ZERO, 1, 1),
    );
    token.reverts(&InvalidGroup { group: 0 }, set(DAVE, investor(1), 0, 1));
    token.reverts(
        &InvalidCountry { country: u(1_000) },
        set(DAVE, investor(1), 1, 1_000),
    );
    token.reverts(&InvalidGroup { group: 0 }, |token| {
        token.by(COMPLIANCE).set_group_rule(0, 1, 1)
    });
    token.reverts(&InvalidGroup { group: 0 }, |token| {
        token.by(COMPLIANCE).set_group_rule(1, 0, 1)
    });
}

#[test]
fn a_wallet_with_a_balance_keeps_its_investor() {
    let token = Token::new();
    token.mint(ALICE, 10);
    let error = WalletNotEmpty {
        wallet: ALICE,
        balance: u(10),
    };
    token.reverts(&error, |token| token.by(COMPLIANCE).remove_wallet(ALICE));
    token.reverts(&error, |token| {
        token
            .by(COMPLIANCE)
            .set_wallet(ALICE, investor(9), 20, 840, NOW + 1)
    });
    token.register(ALICE, 1, 30);
    assert_eq!(token.view().wallet_record(ALICE).group, 30);
}

#[test]
fn an_investor_has_eight_wallets() {
    let token = Token::deployed();
    let wallet = |i: u8| Address::repeat_byte(0x40 + i);
    for i in 0..8 {
        token.register(wallet(i), 1, 20);
    }
    let error = TooManyWallets {
        investorId: investor(1),
        limit: u(8),
    };
    token.reverts(&error, |token| {
        token
            .by(COMPLIANCE)
            .set_wallet(wallet(8), investor(1), 20, 840, NOW)
    });
    token.by(COMPLIANCE).remove_wallet(wallet(0)).motsu_unwrap();
    token.register(wallet(8), 1, 20);
    assert_eq!(token.view().wallets_of(investor(1)).wallets.len(), 8);
    for i in 1..8 {
        token.mint(wallet(i), 10);
    }
    assert_eq!(token.view().holdings_of(investor(1)), u(70));
    assert_eq!(token.view().holder_count().count, 1);
}

#[test]
fn an_investor_counts_in_the_group_of_its_first_wallet() {
    let token = Token::new();
    token.mint(ALICE2, 10);
    let counts = || [20, 30].map(|group| token.view().group_holders(group).count);
    token.register(ALICE2, 1, 30);
    assert_eq!(counts(), [1, 0]);
    token.register(ALICE, 1, 30);
    assert_eq!(counts(), [0, 1]);
    token.register(ALICE, 1, 20);
    assert_eq!(counts(), [1, 0]);
    token.by(COMPLIANCE).remove_wallet(ALICE).motsu_unwrap();
    assert_eq!(counts(), [0, 1]);
    assert_eq!(token.view().holder_count().count, 1);
}

#[test]
fn set_wallets_sets_all_or_none() {
    let token = Token::deployed();
    let set = |wallets: Vec<Address>, groups: Vec<u8>| {
        move |token: &Token| {
            let n = wallets.len();
            token.by(COMPLIANCE).set_wallets(
                wallets,
                (1_u8..).map(B256::repeat_byte).take(n).collect(),
                groups,
                vec![840; n],
                vec![NOW + 1; n],
            )
        }
    };
    set(vec![ALICE, BOB], vec![20, 30])(&token).motsu_unwrap();
    assert_eq!(token.view().wallet_record(BOB).group, 30);
    token.reverts(
        &InvalidGroup { group: 0 },
        set(vec![CAROL, DAVE], vec![1, 0]),
    );
    let error = LengthMismatch {
        length: u(2),
        otherLength: u(1),
    };
    token.reverts(&error, set(vec![CAROL, DAVE], vec![1]));
    let error = BatchTooLarge {
        length: u(101),
        limit: u(100),
    };
    token.reverts(&error, set(vec![CAROL; 101], vec![1; 101]));
}

#[test]
fn registration_keeps_freeze_and_sanction() {
    let token = Token::new();
    token
        .by(ENFORCER)
        .set_sanctioned(vec![BOB], true)
        .motsu_unwrap();
    token
        .by(ENFORCER)
        .set_address_frozen(BOB, true)
        .motsu_unwrap();
    token.by(COMPLIANCE).remove_wallet(BOB).motsu_unwrap();
    token.register(BOB, 2, 20);
    let record = token.view().wallet_record(BOB);
    assert!(record.frozen && record.sanctioned);
}
