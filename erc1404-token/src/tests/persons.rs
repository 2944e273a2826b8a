//! The registry: what is an investor's, in all of its wallets, and how a lost wallet is replaced.

use alloy_primitives::{Address, B256, LogData, U256, keccak256};
use motsu::prelude::*;

use super::fixture::*;
use crate::{error::*, event::*, word::Record};

fn set(wallet: Address, id: u8, kyc_expiry: u64) -> LogData {
    log(&WalletSet {
        wallet,
        investorId: investor(id),
        group: 20,
        country: 840,
        kycExpiry: kyc_expiry,
    })
}

fn sanction(token: &Token, account: Address, on: bool) {
    token
        .by(ENFORCER)
        .set_sanctioned(vec![account], on)
        .motsu_unwrap();
}

fn freeze_address(token: &Token, account: Address, on: bool) {
    token
        .by(ENFORCER)
        .set_address_frozen(account, on)
        .motsu_unwrap();
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
    let latest = NOW + 6_311_520_000;
    let until = |time| {
        move |token: &Token| {
            token
                .by(COMPLIANCE)
                .set_wallet(DAVE, investor(9), 20, 840, time)
        }
    };
    for time in [latest + 1, NOW * 1_000, u64::MAX] {
        let error = TimeTooFar { time, latest };
        token.reverts(&error, until(time));
        token.reverts(&error, |token| {
            token
                .by(COMPLIANCE)
                .set_investor(investor(1), 20, 840, time)
        });
        token.reverts(&error, |token| {
            token.by(COMPLIANCE).set_group_rule(20, 20, time)
        });
    }
    until(latest)(&token).motsu_unwrap();
    token
        .by(COMPLIANCE)
        .set_group_rule(20, 20, latest)
        .motsu_unwrap();
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
    token.register(BOB, 2, 30);
    assert_eq!(token.view().wallet_record(BOB).group, 30);
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
fn an_investor_counts_once_in_its_group() {
    let token = Token::new();
    token.mint(ALICE, 10);
    token.mint(ALICE2, 10);
    token.mint(BOB, 10);
    let counts = || [20, 30].map(|group| token.view().group_holders(group).count);
    assert_eq!(counts(), [2, 0]);
    let change = |id, group| {
        token
            .by(COMPLIANCE)
            .set_investor(investor(id), group, 840, NOW + 1)
            .motsu_unwrap();
    };
    change(1, 30);
    assert_eq!(counts(), [1, 1]);
    change(1, 30);
    assert_eq!(counts(), [1, 1]);
    // The only wallet of an investor carries it along; who holds nothing counts nowhere.
    token.register(BOB, 2, 30);
    assert_eq!(counts(), [0, 2]);
    token.register(CAROL, 3, 30);
    change(1, 20);
    assert_eq!(counts(), [1, 1]);
    assert_eq!(token.view().holder_count().count, 2);
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
        set(vec![CAROL, DAVE], vec![20, 0]),
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
    let wallets: Vec<Address> = (6..=105).map(Address::repeat_byte).collect();
    let groups = [vec![20, 30], vec![1; 98]].concat();
    set(wallets, groups)(&token).motsu_unwrap();
}

#[test]
fn a_sanction_is_the_investors() {
    let token = Token::new();
    token.mint(ALICE, 10);
    token.mint(ALICE2, 10);
    token.mint(BOB, 10);
    let set = |account, sanctioned| {
        log(&SanctionSet {
            account,
            sanctioned,
            by: ENFORCER,
        })
    };
    let act =
        |account, on| token.logs(|token| token.by(ENFORCER).set_sanctioned(vec![account], on));
    assert_eq!(act(ALICE2, true), [set(ALICE, true), set(ALICE2, true)]);
    token.refuses(3, ALICE, BOB, 1);
    token.refuses(3, ALICE2, BOB, 1);
    token.refuses(3, BOB, ALICE, 1);
    assert!(token.view().is_sanctioned(ALICE));
    // Nothing changes: only what was asked for is said.
    assert_eq!(act(ALICE, true), [set(ALICE, true)]);
    assert_eq!(act(ALICE, false), [set(ALICE, false), set(ALICE2, false)]);
    token.moves(ALICE2, BOB, 1);
    // An address outside the registry stands for itself.
    assert_eq!(act(DAVE, true), [set(DAVE, true)]);
    assert!(token.view().is_sanctioned(DAVE));
    assert!(!token.view().is_sanctioned(Address::ZERO));
}

#[test]
fn a_new_wallet_takes_over_sanction_and_freeze() {
    let token = Token::new();
    sanction(&token, ALICE, true);
    freeze_address(&token, ALICE, true);
    let add = |token: &Token| {
        token
            .by(COMPLIANCE)
            .set_wallet(DAVE, investor(1), 20, 840, NOW + 1)
    };
    let sanctioned = SanctionSet {
        account: DAVE,
        sanctioned: true,
        by: COMPLIANCE,
    };
    let frozen = AddressFrozen {
        account: DAVE,
        isFrozen: true,
        by: COMPLIANCE,
    };
    let added = [set(DAVE, 1, NOW + 1), log(&sanctioned), log(&frozen)];
    assert_eq!(token.logs(add), added);
    let record = token.view().wallet_record(DAVE);
    assert!(record.sanctioned && record.frozen);
    // To repeat it says and changes nothing of that.
    assert_eq!(token.logs(add), [set(DAVE, 1, NOW + 1)]);
    assert!(token.view().is_sanctioned(DAVE) && token.view().is_frozen(DAVE));
}

#[test]
fn a_sanctioned_or_frozen_address_is_registered_only_for_an_investor_who_is_the_same() {
    let token = Token::new();
    let add = |id| {
        move |token: &Token| {
            token
                .by(COMPLIANCE)
                .set_wallet(DAVE, investor(id), 20, 840, NOW + 1)
        }
    };
    sanction(&token, DAVE, true);
    token.restricted(3, add(1));
    token.restricted(3, add(9));
    freeze_address(&token, ALICE, true);
    token.restricted(3, add(1));
    freeze_address(&token, DAVE, true);
    sanction(&token, DAVE, false);
    token.restricted(5, add(2));
    token.restricted(5, add(9));
    assert_eq!(token.view().wallet_record(DAVE).investorId, B256::ZERO);
    add(1)(&token).motsu_unwrap();
    assert!(token.view().is_frozen(DAVE));
    assert!(!token.view().is_sanctioned(DAVE));
}

#[test]
fn a_sanctioned_or_frozen_wallet_is_neither_removed_nor_handed_over() {
    for (code, act) in [
        (3, sanction as fn(&Token, Address, bool)),
        (5, freeze_address),
    ] {
        let token = Token::new();
        act(&token, BOB, true);
        // Not even to an investor who is the same.
        act(&token, CAROL, true);
        for id in [3, 9] {
            token.restricted(code, |token| {
                token
                    .by(COMPLIANCE)
                    .set_wallet(BOB, investor(id), 20, 840, NOW + 1)
            });
        }
        token.restricted(code, |token| token.by(COMPLIANCE).remove_wallet(BOB));
        assert_eq!(token.view().wallet_record(BOB).investorId, investor(2));
        act(&token, BOB, false);
        token.by(COMPLIANCE).remove_wallet(BOB).motsu_unwrap();
    }
}

#[test]
fn a_wallet_with_a_lock_is_neither_removed_nor_handed_over() {
    let token = Token::new();
    token.lock(BOB, 7, NOW + 9);
    let error = WalletEncumbered {
        wallet: BOB,
        locked: u(7),
        schedules: U256::ZERO,
    };
    token.reverts(&error, |token| token.by(COMPLIANCE).remove_wallet(BOB));
    token.reverts(&error, |token| {
        token
            .by(COMPLIANCE)
            .set_wallet(BOB, investor(9), 20, 840, NOW + 1)
    });
    token
        .by(COMPLIANCE)
        .unlock_tokens(BOB, NOW + 9)
        .motsu_unwrap();
    token.register(BOB, 9, 20);
    assert_eq!(token.view().wallets_of(investor(9)).wallets, [BOB]);
    assert!(token.view().record(BOB).has(Record::SOLE));
}

#[test]
fn an_investor_is_changed_in_all_wallets() {
    let token = Token::new();
    let logs = token.logs(|token| {
        token
            .by(COMPLIANCE)
            .set_investor(investor(1), 30, 276, NOW + 7)
    });
    let set = |wallet| {
        log(&WalletSet {
            wallet,
            investorId: investor(1),
            group: 30,
            country: 276,
            kycExpiry: NOW + 7,
        })
    };
    assert_eq!(logs, [set(ALICE), set(ALICE2)]);
    for wallet in [ALICE, ALICE2] {
        let record = token.view().wallet_record(wallet);
        assert_eq!(
            (record.group, record.country, record.kycExpiry),
            (30, 276, NOW + 7)
        );
    }
    let change = |id: B256, group, country| {
        move |token: &Token| {
            token
                .by(COMPLIANCE)
                .set_investor(id, group, country, NOW + 1)
        }
    };
    let unknown = |id| InvestorNotFound { investorId: id };
    token.reverts(&InvalidGroup { group: 0 }, change(investor(1), 0, 840));
    let country = InvalidCountry { country: u(1_000) };
    token.reverts(&country, change(investor(1), 30, 1_000));
    token.reverts(&unknown(investor(9)), change(investor(9), 30, 840));
    token.reverts(&unknown(B256::ZERO), change(B256::ZERO, 30, 840));
    token.by(COMPLIANCE).remove_wallet(BOB).motsu_unwrap();
    token.reverts(&unknown(investor(2)), change(investor(2), 30, 840));
}

#[test]
fn another_wallet_has_the_investors_group_and_country_and_brings_its_kyc_expiry() {
    let token = Token::new();
    let add = |wallet, group, country, kyc_expiry| {
        move |token: &Token| {
            token
                .by(COMPLIANCE)
                .set_wallet(wallet, investor(1), group, country, kyc_expiry)
        }
    };
    let error = InvestorDiffers {
        investorId: investor(1),
        group: 20,
        country: 840,
    };
    for wallet in [DAVE, ALICE, ALICE2] {
        token.reverts(&error, add(wallet, 21, 840, NOW + 1));
        token.reverts(&error, add(wallet, 20, 841, NOW + 1));
    }
    let logs = token.logs(add(DAVE, 20, 840, NOW + 5));
    let all = [DAVE, ALICE, ALICE2].map(|wallet| set(wallet, 1, NOW + 5));
    assert_eq!(logs, all);
    let logs = token.logs(add(ALICE, 20, 840, NOW + 5));
    assert_eq!(logs, [set(ALICE, 1, NOW + 5)]);
    assert_eq!(token.view().wallet_record(ALICE2).kycExpiry, NOW + 5);
}

#[test]
fn an_investor_reaches_an_own_wallet_where_the_pair_of_groups_is_closed() {
    let token = Token::new();
    token.mint(ALICE, 100);
    let rule = |opens_at| {
        token
            .by(COMPLIANCE)
            .set_group_rule(20, 20, opens_at)
            .motsu_unwrap();
    };
    token.lock(ALICE, 40, NOW + 9);
    rule(0);
    token.refuses(1, ALICE, BOB, 10);
    token.moves(ALICE, ALICE2, 10);
    rule(NOW + 1);
    token.refuses(14, ALICE, BOB, 10);
    token.moves(ALICE, ALICE2, 10);
    // Encumbrances stay where they are, and bind.
    token.refuses(9, ALICE, ALICE2, 41);
    token.moves(ALICE, ALICE2, 40);
    assert_eq!(token.encumbrances(ALICE).1, u(40));
    assert_eq!(token.encumbrances(ALICE2).1, U256::ZERO);
    // The other rules hold between own wallets, too.
    token
        .by(COMPLIANCE)
        .set_country_blocked(840, true)
        .motsu_unwrap();
    token.refuses(15, ALICE2, ALICE, 1);
}

/// Alice's two wallets, with locks, schedules, holds and a freeze on the first.
fn encumbered() -> Token {
    let token = Token::new();
    grant(&token, ALICE, 30, 9, true);
    grant(&token, ALICE, 5, 0, true);
    token.mint(ALICE, 165);
    token.lock(ALICE, 20, NOW + 9);
    token.lock(ALICE, 25, NOW + 8);
    token.hold(investor(0x11), ALICE, 40);
    token.hold(investor(0x12), ALICE, 50);
    freeze(&token, ALICE, 10);
    token
}

#[test]
#[allow(clippy::too_many_lines, reason = "one list of logs")]
fn recovery_hands_everything_over_and_says_so() {
    let token = encumbered();
    let logs = token.logs(|token| token.by(ENFORCER).recover_wallet(ALICE, ALICE2, REASON));
    let removed = WalletRemoved {
        wallet: ALICE,
        investorId: investor(1),
    };
    let unlocked = |amount, release_time| {
        log(&TokensUnlocked {
            holder: ALICE,
            amount: u(amount),
            releaseTime: release_time,
        })
    };
    let locked = |amount, release_time| {
        log(&TokensLocked {
            holder: ALICE2,
            amount: u(amount),
            releaseTime: release_time,
        })
    };
    let moved = |index| {
        log(&VestingMoved {
            from: ALICE,
            to: ALICE2,
            index: u(index),
        })
    };
    let unfrozen = TokensUnfrozen {
        account: ALICE,
        amount: u(10),
    };
    let frozen = TokensFrozen {
        account: ALICE2,
        amount: u(10),
    };
    let broken = |id: u8, amount| {
        log(&HoldBroken {
            key: keccak256([STRANGER.into_word(), investor(id)].concat()),
            owner: ALICE,
            amount: u(amount),
        })
    };
    let frozen_address = AddressFrozen {
        account: ALICE,
        isFrozen: true,
        by: ENFORCER,
    };
    let transfer = Transfer {
        from: ALICE,
        to: ALICE2,
        value: u(200),
    };
    let recovered = WalletRecovered {
        lost: ALICE,
        replacement: ALICE2,
        reason: REASON,
        by: ENFORCER,
    };
    assert_eq!(
        logs,
        [
            log(&removed),
            unlocked(20, NOW + 9),
            locked(20, NOW + 9),
            unlocked(25, NOW + 8),
            locked(25, NOW + 8),
            moved(0),
            moved(1),
            log(&unfrozen),
            log(&frozen),
            broken(0x12, 50),
            broken(0x11, 40),
            log(&frozen_address),
            log(&transfer),
            log(&recovered),
        ]
    );
    let nothing = U256::ZERO;
    assert_eq!(
        (token.balance(ALICE), token.balance(ALICE2)),
        (nothing, u(200))
    );
    assert_eq!(token.encumbrances(ALICE2), (u(10), u(45), u(30)));
    assert_eq!(token.encumbrances(ALICE), (nothing, nothing, nothing));
    for wallet in [ALICE, ALICE2] {
        assert_eq!(token.view().held_balance_of(wallet), nothing);
    }
    let vesting = |index| {
        let vesting = token.view().vesting_of(ALICE2, u(index)).motsu_unwrap();
        (vesting.amount, vesting.vested)
    };
    assert_eq!((vesting(0), vesting(1)), ((u(30), nothing), (u(5), u(5))));
    assert_eq!(token.view().vesting_count(ALICE), nothing);
    let lost = token.view().wallet_record(ALICE);
    assert_eq!((lost.investorId, lost.frozen), (B256::ZERO, true));
    assert!(!token.view().is_frozen(ALICE2));
    assert_eq!(token.view().wallets_of(investor(1)).wallets, [ALICE2]);
    assert_eq!(token.view().holdings_of(investor(1)), u(200));
    assert_eq!(token.view().holder_count().count, 1);
    assert_eq!(token.view().group_holders(20).count, 1);
    assert_eq!(token.view().successor_of(ALICE), ALICE2);
    assert_eq!(token.view().successor_of(ALICE2), Address::ZERO);
    token.refuses(10, ALICE2, BOB, 116);
    token.moves(ALICE2, BOB, 115);
}

#[test]
fn a_recovered_wallet_is_never_registered_again() {
    let token = Token::new();
    token.mint(ALICE, 10);
    token
        .by(ENFORCER)
        .recover_wallet(ALICE, ALICE2, REASON)
        .motsu_unwrap();
    freeze_address(&token, ALICE, false);
    assert!(token.view().record(ALICE).has(Record::REPLACED));
    let error = WalletReplaced {
        wallet: ALICE,
        successor: ALICE2,
    };
    for id in [1, 9] {
        token.reverts(&error, |token| {
            token
                .by(COMPLIANCE)
                .set_wallet(ALICE, investor(id), 20, 840, NOW + 1)
        });
    }
    token.restricted(1, |token| token.by(ISSUER).mint(ALICE, u(5)));
    // Its freeze was its own: the investor's other wallet is free.
    token.moves(ALICE2, BOB, 10);
}

#[test]
fn a_frozen_investor_is_recovered_frozen() {
    let token = Token::new();
    token.mint(ALICE, 70);
    freeze_address(&token, ALICE, true);
    let logs = token.logs(|token| token.by(ENFORCER).recover_wallet(ALICE, ALICE2, REASON));
    assert_eq!(logs.len(), 3);
    assert!(token.view().is_frozen(ALICE) && token.view().is_frozen(ALICE2));
    freeze_address(&token, ALICE2, false);
    assert!(token.view().is_frozen(ALICE));
    token.moves(ALICE2, BOB, 70);
    assert_eq!(token.view().holder_count().count, 1);
}

#[test]
fn an_investor_of_eight_wallets_recovers_onto_an_empty_one() {
    let token = Token::new();
    let wallet = |i: u8| Address::repeat_byte(0x40 + i);
    for i in 0..8 {
        token.register(wallet(i), 9, 20);
    }
    for i in 0..7 {
        token.mint(wallet(i), 10);
    }
    token
        .by(ENFORCER)
        .recover_wallet(wallet(2), wallet(7), REASON)
        .motsu_unwrap();
    // The last one took the place of the lost one.
    assert_eq!(
        token.view().wallets_of(investor(9)).wallets,
        [0, 1, 7, 3, 4, 5, 6].map(wallet)
    );
    assert_eq!(token.view().holdings_of(investor(9)), u(70));
}

#[test]
fn recovery_reverts_for_unfit_wallets() {
    let token = Token::new();
    token.mint(ALICE, 10);
    token.mint(BOB, 10);
    let recover = |lost, replacement| {
        move |token: &Token| token.by(ENFORCER).recover_wallet(lost, replacement, REASON)
    };
    let zero = Address::ZERO;
    token.reverts(&InvalidWallet { wallet: zero }, recover(ALICE, zero));
    token.reverts(&InvalidWallet { wallet: ALICE }, recover(ALICE, ALICE));
    let own = token.contract.address();
    token.reverts(&InvalidWallet { wallet: own }, recover(ALICE, own));
    let error = WalletOfAnotherInvestor {
        wallet: BOB,
        investorId: investor(2),
    };
    token.reverts(&error, recover(ALICE, BOB));
    token.reverts(&WalletNotRegistered { wallet: DAVE }, recover(DAVE, BOB));
    // Compliance never saw it.
    token.reverts(&WalletNotRegistered { wallet: DAVE }, recover(ALICE, DAVE));
    token.lock(ALICE2, 7, NOW + 1);
    let error = WalletEncumbered {
        wallet: ALICE2,
        locked: u(7),
        schedules: U256::ZERO,
    };
    token.reverts(&error, recover(ALICE, ALICE2));
    token.mint(ALICE2, 3);
    let error = WalletNotEmpty {
        wallet: ALICE2,
        balance: u(3),
    };
    token.reverts(&error, recover(ALICE, ALICE2));
    // A sanction of either is said first.
    sanction(&token, BOB, true);
    token.restricted(3, recover(ALICE, BOB));
    sanction(&token, ALICE, true);
    token.restricted(3, recover(ALICE, ALICE2));
    token.restricted(3, recover(ALICE, CAROL));
    assert_eq!(token.balance(ALICE), u(10));
    assert_eq!(token.view().successor_of(ALICE), zero);
}
