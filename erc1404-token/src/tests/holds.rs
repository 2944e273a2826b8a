//! Holds: who may place, use and drop them, what they bind, and what ends them.

use alloy_primitives::{Address, B256, U256, keccak256};
use motsu::prelude::*;

use super::fixture::*;
use crate::{error::*, event::*, holds, store::HOLDS};

const ID: B256 = B256::repeat_byte(0x51);
const OTHER: B256 = B256::repeat_byte(0x52);

fn place(
    id: B256,
    amount: u64,
    until: u64,
) -> impl FnOnce(&Token) -> Result<(), runtime::abi::Revert> {
    move |token| token.by(STRANGER).place_hold(id, ALICE, u(amount), until)
}

fn held(token: &Token, owner: Address) -> U256 {
    token.view().held_balance_of(owner)
}

fn hold_of(token: &Token, id: B256) -> (U256, u64) {
    let hold = token.view().hold_of(STRANGER, ALICE, id);
    (hold.amount, hold.until)
}

fn code_at(token: &Token, id: B256, to: Address, at: u64) -> u8 {
    token.view().hold_restriction(STRANGER, ALICE, id, to, at)
}

/// Lets a hold of Alice's lapse, as the clock stands still here.
fn lapse(token: &Token, place: usize) {
    let mut token = token.by(STRANGER);
    let word = token.of(ALICE, HOLDS + 2 * place);
    let amount = word << 40 >> 40;
    token.set_of(ALICE, HOLDS + 2 * place, amount | u(NOW) << 216);
}

/// Alice with 100 tokens, of which the stranger may spend 100.
fn allowed() -> Token {
    let token = Token::new();
    token.mint(ALICE, 100);
    token.by(ALICE).approve(STRANGER, u(100)).motsu_unwrap();
    token
}

#[test]
fn a_hold_binds_in_the_owners_wallet_and_uses_up_allowance() {
    let token = allowed();
    let logs = token.logs(place(ID, 60, NOW + 9));
    let placed = HoldPlaced {
        placer: STRANGER,
        owner: ALICE,
        id: ID,
        amount: u(60),
        until: NOW + 9,
    };
    assert_eq!(logs, [log(&placed)]);
    assert_eq!(token.balance(ALICE), u(100));
    assert_eq!(token.view().allowance(ALICE, STRANGER), u(40));
    assert_eq!(hold_of(&token, ID), (u(60), NOW + 9));
    assert_eq!(hold_of(&token, OTHER), (U256::ZERO, 0));
    assert_eq!(held(&token, ALICE), u(60));
    assert_eq!(token.view().spendable_balance_of(ALICE), u(40));
    let nothing = U256::ZERO;
    assert_eq!(token.encumbrances(ALICE), (nothing, nothing, nothing));
    token.refuses(20, ALICE, BOB, 41);
    token.restricted(20, |token| token.by(ISSUER).burn(ALICE, u(41), REASON));
    // The spender cannot move what is held by its allowance either.
    token.by(ALICE).approve(STRANGER, u(100)).motsu_unwrap();
    token.restricted(20, |token| {
        token.by(STRANGER).transfer_from(ALICE, BOB, u(41))
    });
    token.moves(ALICE, BOB, 40);
    token.refuses(20, ALICE, ALICE2, 1);
}

#[test]
fn all_that_is_not_held_may_be_redeemed() {
    let token = allowed();
    place(ID, 60, NOW + 9)(&token).motsu_unwrap();
    token.by(ISSUER).burn(ALICE, u(40), REASON).motsu_unwrap();
    assert_eq!((token.balance(ALICE), held(&token, ALICE)), (u(60), u(60)));
    token.restricted(20, |token| token.by(ISSUER).burn(ALICE, u(1), REASON));
}

#[test]
fn a_revocation_leaves_what_is_held_and_may_leave_no_more() {
    let token = allowed();
    grant(&token, ALICE, 50, 100, true);
    place(ID, 100, NOW + 9)(&token).motsu_unwrap();
    token
        .by(ISSUER)
        .revoke_vesting(ALICE, U256::ZERO, BOB)
        .motsu_unwrap();
    assert_eq!(
        (token.balance(ALICE), held(&token, ALICE)),
        (u(100), u(100))
    );
}

#[test]
fn an_unlimited_allowance_places_holds_and_stays() {
    let token = allowed();
    token.by(ALICE).approve(STRANGER, U256::MAX).motsu_unwrap();
    place(ID, 60, NOW + 9)(&token).motsu_unwrap();
    assert_eq!(token.view().allowance(ALICE, STRANGER), U256::MAX);
}

#[test]
fn a_hold_is_used_by_its_placer_and_its_rest_is_free() {
    let token = allowed();
    place(ID, 60, NOW + 9)(&token).motsu_unwrap();
    let by = |spender: Address, id, amount: u64| {
        move |token: &Token| token.by(spender).use_hold(id, ALICE, BOB, u(amount))
    };
    let missing = |placer, id| NoHold {
        placer,
        owner: ALICE,
        id,
    };
    token.reverts(&missing(STRANGER, OTHER), by(STRANGER, OTHER, 1));
    token.reverts(&missing(BOB, ID), by(BOB, ID, 1));
    token.reverts(&missing(ALICE, ID), by(ALICE, ID, 1));
    let more = HoldAmount {
        amount: u(61),
        most: u(60),
    };
    token.reverts(&more, by(STRANGER, ID, 61));
    let logs = token.logs(by(STRANGER, ID, 50));
    let used = HoldUsed {
        placer: STRANGER,
        owner: ALICE,
        id: ID,
        to: BOB,
        amount: u(50),
    };
    let moved = Transfer {
        from: ALICE,
        to: BOB,
        value: u(50),
    };
    assert_eq!(logs, [log(&used), log(&moved)]);
    assert_eq!((token.balance(ALICE), token.balance(BOB)), (u(50), u(50)));
    assert_eq!(held(&token, ALICE), U256::ZERO);
    // What was used up of the allowance is not given back.
    assert_eq!(token.view().allowance(ALICE, STRANGER), u(40));
    token.reverts(&missing(STRANGER, ID), by(STRANGER, ID, 1));
    token.moves(ALICE, BOB, 50);
}

#[test]
fn nothing_of_a_hold_may_be_used() {
    let token = allowed();
    place(ID, 60, NOW + 9)(&token).motsu_unwrap();
    token
        .by(STRANGER)
        .use_hold(ID, ALICE, BOB, U256::ZERO)
        .motsu_unwrap();
    assert_eq!(
        (held(&token, ALICE), token.balance(ALICE)),
        (U256::ZERO, u(100))
    );
}

#[test]
fn a_hold_is_dropped_by_its_placer_whatever_is_blocked() {
    let token = allowed();
    place(ID, 60, NOW + 9)(&token).motsu_unwrap();
    place(OTHER, 10, NOW + 9)(&token).motsu_unwrap();
    let enforcer = || token.by(ENFORCER);
    enforcer()
        .set_sanctioned(vec![ALICE, STRANGER], true)
        .motsu_unwrap();
    enforcer().set_address_frozen(ALICE, true).motsu_unwrap();
    token.by(PAUSER).pause().motsu_unwrap();
    let drop_by = |placer: Address, id| move |token: &Token| token.by(placer).drop_hold(id, ALICE);
    let error = NoHold {
        placer: BOB,
        owner: ALICE,
        id: ID,
    };
    token.reverts(&error, drop_by(BOB, ID));
    let logs = token.logs(drop_by(STRANGER, ID));
    let dropped = HoldDropped {
        placer: STRANGER,
        owner: ALICE,
        id: ID,
    };
    assert_eq!(logs, [log(&dropped)]);
    assert_eq!(held(&token, ALICE), u(10));
    token.by(ADMIN).deactivate().motsu_unwrap();
    drop_by(STRANGER, OTHER)(&token).motsu_unwrap();
    assert_eq!(held(&token, ALICE), U256::ZERO);
    assert_eq!(token.view().allowance(ALICE, STRANGER), u(30));
    let error = NoHold {
        placer: STRANGER,
        owner: ALICE,
        id: OTHER,
    };
    token.reverts(&error, drop_by(STRANGER, OTHER));
}

#[test]
fn impossible_holds_revert() {
    let token = allowed();
    let most = U256::MAX >> 40;
    let amount = |amount| HoldAmount { amount, most };
    token.reverts(&amount(U256::ZERO), place(ID, 0, NOW));
    let place_amount =
        |amount| move |token: &Token| token.by(STRANGER).place_hold(ID, ALICE, amount, NOW + 9);
    token.reverts(&amount(most + u(1)), place_amount(most + u(1)));
    token.reverts(&amount(U256::MAX), place_amount(U256::MAX));
    let latest = NOW + 604_800;
    for until in [0, NOW, latest + 1, u64::MAX] {
        token.reverts(&HoldTime { until, latest }, place(ID, 1, until));
    }
    place(OTHER, 1, latest)(&token).motsu_unwrap();
    let exists = HoldExists {
        placer: STRANGER,
        owner: ALICE,
        id: OTHER,
    };
    token.reverts(&exists, place(OTHER, 1, NOW + 1));
    token.by(ALICE).approve(STRANGER, u(9)).motsu_unwrap();
    let short = ERC20InsufficientAllowance {
        spender: STRANGER,
        allowance: u(9),
        needed: u(10),
    };
    token.reverts(&short, place(ID, 10, NOW + 1));
    token.by(ALICE).approve(STRANGER, U256::MAX).motsu_unwrap();
    // One is held already; more than there is at all is a matter of the balance.
    token.restricted(20, place(ID, 100, NOW + 1));
    let poor = ERC20InsufficientBalance {
        sender: ALICE,
        balance: u(100),
        needed: u(101),
    };
    token.reverts(&poor, place(ID, 101, NOW + 1));
    token.reverts(&poor_of(most), place_amount(most));
    assert_eq!(held(&token, ALICE), u(1));
}

fn poor_of(needed: U256) -> ERC20InsufficientBalance {
    ERC20InsufficientBalance {
        sender: ALICE,
        balance: u(100),
        needed,
    }
}

#[test]
fn placing_meets_every_rule_for_sender_and_spender() {
    let refused = |code, prepare: &dyn Fn(&Token)| {
        let token = allowed();
        prepare(&token);
        token.restricted(code, place(ID, 10, NOW + 9));
        assert_eq!(held(&token, ALICE), U256::ZERO);
        assert_eq!(token.view().allowance(ALICE, STRANGER), u(100));
    };
    let sanction = |account| {
        move |token: &Token| {
            token
                .by(ENFORCER)
                .set_sanctioned(vec![account], true)
                .motsu_unwrap();
        }
    };
    let freeze_address = |account| {
        move |token: &Token| {
            token
                .by(ENFORCER)
                .set_address_frozen(account, true)
                .motsu_unwrap();
        }
    };
    let pause = |token: &Token| token.by(PAUSER).pause().motsu_unwrap();
    refused(2, &pause);
    refused(18, &|token| {
        pause(token);
        token.by(ADMIN).deactivate().motsu_unwrap();
    });
    refused(3, &sanction(ALICE));
    refused(3, &sanction(STRANGER));
    refused(7, &freeze_address(STRANGER));
    refused(5, &freeze_address(ALICE));
    refused(16, &|token| {
        token
            .by(COMPLIANCE)
            .set_investor(investor(1), 20, 840, NOW)
            .motsu_unwrap();
    });
    refused(15, &|token| {
        token
            .by(COMPLIANCE)
            .set_country_blocked(840, true)
            .motsu_unwrap();
    });
    refused(8, &|token| freeze(token, ALICE, 91));
    refused(9, &|token| token.lock(ALICE, 91, NOW + 9));
    refused(10, &|token| {
        grant(token, ALICE, 10, 9, true);
        token.moves(ALICE, BOB, 91);
    });
    // Sizes: of the granularity, the minimum, and no dust is left free.
    refused(17, &|token| token.limit(0, 0, 0, 0, 3));
    refused(17, &|token| token.limit(0, 0, 0, 11, 0));
    refused(17, &|token| {
        token.moves(ALICE, BOB, 85);
        token.limit(0, 0, 0, 10, 0);
    });
    let token = Token::new();
    token.restricted(1, |token| {
        token.by(STRANGER).place_hold(ID, DAVE, u(1), NOW + 9)
    });
    token.restricted(1, |token| {
        token
            .by(STRANGER)
            .place_hold(ID, Address::ZERO, u(1), NOW + 9)
    });
}

#[test]
fn using_meets_every_rule_of_a_transfer_but_its_own_hold() {
    let token = allowed();
    place(ID, 60, NOW + 9)(&token).motsu_unwrap();
    place(OTHER, 40, NOW + 9)(&token).motsu_unwrap();
    let refused = |code, to| {
        token.restricted(code, |token| {
            token.by(STRANGER).use_hold(ID, ALICE, to, u(60))
        });
        assert_eq!(code_at(&token, ID, to, NOW), code);
        assert_eq!(hold_of(&token, ID), (u(60), NOW + 9));
    };
    refused(4, Address::ZERO);
    refused(4, token.contract.address());
    refused(1, DAVE);
    token.by(PAUSER).pause().motsu_unwrap();
    refused(2, BOB);
    token.by(ADMIN).unpause().motsu_unwrap();
    let sanction = |account, on| {
        token
            .by(ENFORCER)
            .set_sanctioned(vec![account], on)
            .motsu_unwrap();
    };
    let freeze_address = |account, on| {
        token
            .by(ENFORCER)
            .set_address_frozen(account, on)
            .motsu_unwrap();
    };
    for (account, code) in [(STRANGER, 7), (ALICE, 5), (BOB, 6)] {
        sanction(account, true);
        refused(3, BOB);
        sanction(account, false);
        freeze_address(account, true);
        refused(code, BOB);
        freeze_address(account, false);
    }
    freeze(&token, ALICE, 41);
    refused(8, BOB);
    token
        .by(ENFORCER)
        .unfreeze_partial_tokens(ALICE, u(1))
        .motsu_unwrap();
    // What the other hold binds leaves no room for the freeze.
    refused(20, BOB);
    token
        .by(ENFORCER)
        .unfreeze_partial_tokens(ALICE, u(40))
        .motsu_unwrap();
    token.lock(ALICE, 41, NOW + 9);
    refused(9, BOB);
    token
        .by(COMPLIANCE)
        .unlock_tokens(ALICE, NOW + 9)
        .motsu_unwrap();
    token.limit(59, 0, 0, 0, 0);
    refused(11, BOB);
    token.limit(60, 0, 0, 0, 0);
    assert_eq!(code_at(&token, ID, BOB, NOW), 0);
    token
        .by(STRANGER)
        .use_hold(ID, ALICE, BOB, u(60))
        .motsu_unwrap();
    // The other hold binds what is left.
    token.refuses(20, ALICE, BOB, 1);
    assert_eq!(held(&token, ALICE), u(40));
}

#[test]
fn a_hold_is_judged_at_a_second_to_come() {
    let token = allowed();
    place(ID, 60, NOW + 100)(&token).motsu_unwrap();
    place(OTHER, 40, NOW + 50)(&token).motsu_unwrap();
    let compliance = || token.by(COMPLIANCE);
    let known_until = |id, time| {
        compliance()
            .set_investor(investor(id), 20, 840, time)
            .motsu_unwrap();
    };
    known_until(1, NOW + 90);
    known_until(2, NOW + 80);
    compliance().set_group_rule(20, 20, NOW + 20).motsu_unwrap();
    token.lock(ALICE, 41, NOW + 30);
    for (at, code) in [
        (NOW, 14),
        (NOW + 19, 14),
        (NOW + 20, 9),
        (NOW + 29, 9),
        (NOW + 30, 0),
        (NOW + 79, 0),
        (NOW + 80, 16),
        (NOW + 99, 16),
        (NOW + 100, 255),
        (u64::MAX, 255),
    ] {
        assert_eq!(code_at(&token, ID, BOB, at), code, "{at}");
    }
    assert_eq!(code_at(&token, OTHER, BOB, NOW + 49), 0);
    assert_eq!(code_at(&token, OTHER, BOB, NOW + 50), 255);
    assert_eq!(code_at(&token, B256::ZERO, BOB, NOW), 255);
    let view = token.view();
    assert_eq!(view.hold_restriction(BOB, ALICE, ID, BOB, NOW), 255);
    assert_eq!(view.hold_restriction(STRANGER, BOB, ID, BOB, NOW), 255);
}

#[test]
fn eight_live_holds_are_enough_and_ended_ones_give_their_places_away() {
    let token = allowed();
    let id = |i: u8| B256::repeat_byte(0x60 + i);
    for i in 0..8 {
        place(id(i), 1 + u64::from(i), NOW + 9)(&token).motsu_unwrap();
    }
    let full = TooManyHolds { owner: ALICE };
    token.reverts(&full, place(id(8), 1, NOW + 9));
    lapse(&token, 3);
    assert_eq!(held(&token, ALICE), u(36 - 4));
    assert_eq!(hold_of(&token, id(3)), (U256::ZERO, 0));
    let gone = NoHold {
        placer: STRANGER,
        owner: ALICE,
        id: id(3),
    };
    token.reverts(&gone, |token| {
        token.by(STRANGER).use_hold(id(3), ALICE, BOB, u(1))
    });
    token.reverts(&gone, |token| token.by(STRANGER).drop_hold(id(3), ALICE));
    // A lapsed one may be placed again.
    place(id(3), 9, NOW + 9)(&token).motsu_unwrap();
    assert_eq!(hold_of(&token, id(3)), (u(9), NOW + 9));
    token.reverts(&full, place(id(8), 1, NOW + 9));
    token.by(STRANGER).drop_hold(id(0), ALICE).motsu_unwrap();
    place(id(8), 2, NOW + 9)(&token).motsu_unwrap();
    assert_eq!(held(&token, ALICE), u(36 - 4 + 9 - 1 + 2));
}

#[test]
fn a_movement_clears_the_places_of_lapsed_holds_and_a_view_does_not() {
    let token = allowed();
    place(ID, 60, NOW + 9)(&token).motsu_unwrap();
    lapse(&token, 0);
    assert_eq!(token.detect(ALICE, BOB, 100), 0);
    assert!(token.view().record(ALICE).has_places());
    token.moves(ALICE, BOB, 100);
    assert!(!token.view().record(ALICE).has_places());
}

#[test]
fn force_takes_held_tokens_last_and_breaks_the_latest_holds_first() {
    let token = allowed();
    let ids = [ID, OTHER, B256::repeat_byte(0x53)];
    place(ids[0], 20, NOW + 9)(&token).motsu_unwrap();
    place(ids[1], 30, NOW + 9)(&token).motsu_unwrap();
    // The first place is taken again by the latest hold.
    token.by(STRANGER).drop_hold(ids[0], ALICE).motsu_unwrap();
    place(ids[2], 10, NOW + 9)(&token).motsu_unwrap();
    let force = |value| {
        token.logs(|token| {
            token
                .by(ENFORCER)
                .forced_transfer(ALICE, BOB, u(value), REASON)
        })
    };
    let broken = |id: B256, amount| {
        log(&HoldBroken {
            key: keccak256([STRANGER.into_word(), id].concat()),
            owner: ALICE,
            amount: u(amount),
        })
    };
    let moved = |value| {
        log(&Transfer {
            from: ALICE,
            to: BOB,
            value: u(value),
        })
    };
    token.lock(ALICE, 5, NOW + 9);
    // 100, of which 40 are held, 5 locked: 60 touch no hold.
    let logs = force(60);
    assert_eq!((logs[1].clone(), logs.len()), (moved(60), 3));
    assert_eq!(held(&token, ALICE), u(40));
    // One token breaks a whole hold, and frees the rest of it.
    let logs = force(1);
    assert_eq!(logs[..2], [broken(ids[2], 10), moved(1)]);
    assert_eq!((held(&token, ALICE), token.balance(ALICE)), (u(30), u(39)));
    token.moves(ALICE, BOB, 9);
    place(ids[0], 0, NOW)(&token).motsu_unwrap_err();
    let logs = token.logs(|token| token.by(ENFORCER).forced_burn(ALICE, u(30), REASON));
    assert_eq!(logs[0], broken(ids[1], 30));
    assert_eq!(held(&token, ALICE), U256::ZERO);
    assert!(!token.view().record(ALICE).has_places());
}

#[test]
fn force_breaks_as_many_holds_as_it_needs() {
    let token = allowed();
    let ids = [ID, OTHER, B256::repeat_byte(0x53)];
    for id in ids {
        place(id, 30, NOW + 9)(&token).motsu_unwrap();
    }
    // 10 free, then all of the third and one token of the second.
    let logs = token.logs(|token| {
        token
            .by(ENFORCER)
            .forced_transfer(ALICE, BOB, u(41), REASON)
    });
    assert_eq!(logs.len(), 4);
    assert_eq!(hold_of(&token, ids[0]), (u(30), NOW + 9));
    assert_eq!(held(&token, ALICE), u(30));
    assert_eq!(token.view().spendable_balance_of(ALICE), u(29));
}

#[test]
fn minimum_holdings_are_judged_on_what_is_not_held() {
    let token = allowed();
    token.mint(BOB, 50);
    token.limit(0, 0, 0, 10, 0);
    place(ID, 100, NOW + 9)(&token).motsu_unwrap();
    // Whatever is received must be able to stay when the hold is used.
    token.refuses(17, BOB, ALICE, 9);
    token.restricted(17, |token| token.by(ISSUER).mint(ALICE, u(9)));
    token.moves(BOB, ALICE, 10);
    token.refuses(17, ALICE, BOB, 5);
    token.mint(ALICE, 5);
    token.moves(ALICE, BOB, 5);
    assert_eq!(code_at(&token, ID, BOB, NOW), 0);
    token
        .by(STRANGER)
        .use_hold(ID, ALICE, BOB, u(100))
        .motsu_unwrap();
    assert_eq!(token.balance(ALICE), u(10));
}

#[test]
fn an_odd_lot_is_not_held_and_leaves_by_a_transfer() {
    let token = allowed();
    token.limit(0, 0, 0, 10, 7);
    token.restricted(17, place(ID, 100, NOW + 9));
    token.restricted(17, place(ID, 91, NOW + 9));
    place(ID, 84, NOW + 9)(&token).motsu_unwrap();
    token.by(STRANGER).drop_hold(ID, ALICE).motsu_unwrap();
    token.moves(ALICE, BOB, 100);
}

#[test]
fn the_identifier_of_holds_is_that_of_the_functions_of_both_tokens() {
    let selector =
        |signature: &str| u32::from_be_bytes(keccak256(signature)[..4].try_into().unwrap());
    let all = [
        "placeHold(bytes32,address,uint256,uint64)",
        "useHold(bytes32,address,address,uint256)",
        "dropHold(bytes32,address)",
        "holdOf(address,address,bytes32)",
        "heldBalanceOf(address)",
    ];
    let id = all.into_iter().fold(0, |id, name| id ^ selector(name));
    assert_eq!((holds::HOLDS, id), (0x6ca1_f613, 0x6ca1_f613));
}
