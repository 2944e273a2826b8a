//! Numbers of holders, sizes of holdings, and the views of ERC-7943.

use alloy_primitives::{Address, U256};
use motsu::prelude::*;
use proptest::prelude::*;

use super::fixture::*;
use crate::{error::*, event::*};

/// The set of these groups.
fn groups(numbers: &[u8]) -> U256 {
    numbers
        .iter()
        .fold(U256::ZERO, |set, group| set | U256::from(1) << *group)
}

fn limit_class(token: &Token, numbers: &[u8], max_holders: u32) {
    token
        .by(COMPLIANCE)
        .set_class_limit(groups(numbers), max_holders)
        .motsu_unwrap();
}

fn limit_group(token: &Token, group: u8, max_holders: u32) {
    token
        .by(COMPLIANCE)
        .set_group_holder_limit(group, max_holders)
        .motsu_unwrap();
}

/// Alice and Bob in group 20, Carol in 30, Dave in 40, which all trade with each other.
fn three_groups() -> Token {
    let token = Token::new();
    token.register(CAROL, 3, 30);
    token.register(DAVE, 4, 40);
    for from in [20, 30, 40] {
        for to in [20, 30, 40] {
            token
                .by(COMPLIANCE)
                .set_group_rule(from, to, 1)
                .motsu_unwrap();
        }
    }
    token
}

#[test]
fn above_a_limit_only_what_raises_the_number_is_refused() {
    let token = three_groups();
    for holder in [ALICE, BOB, CAROL] {
        token.mint(holder, 10);
    }
    // Three hold where two may.
    token.limit(0, 0, 2, 0, 0);
    token.refuses(12, ALICE, DAVE, 9);
    token.moves(ALICE, DAVE, 10);
    token.moves(DAVE, BOB, 10);
    assert_eq!(token.view().holder_count().count, 2);
    token.restricted(12, |token| token.by(ISSUER).mint(DAVE, u(1)));
}

#[test]
fn a_group_above_its_limit_lets_its_members_replace_each_other() {
    let token = three_groups();
    token.mint(ALICE, 10);
    token.mint(CAROL, 10);
    token.mint(DAVE, 10);
    limit_group(&token, 20, 1);
    // Bob may take the place of Alice in group 20, and not that of Carol in group 30.
    token.refuses(13, ALICE, BOB, 9);
    token.refuses(13, CAROL, BOB, 10);
    token.moves(ALICE, BOB, 10);
    limit_group(&token, 30, 1);
    token.moves(CAROL, DAVE, 10);
    token.moves(DAVE, CAROL, 20);
    assert_eq!(token.view().group_holders(30).count, 1);
}

#[test]
fn a_class_counts_the_holders_of_all_its_groups() {
    let token = three_groups();
    token.mint(ALICE, 10);
    token.mint(CAROL, 10);
    let logs = token.logs(|token| token.by(COMPLIANCE).set_class_limit(groups(&[20, 30]), 2));
    let set = ClassLimitSet {
        groups: groups(&[20, 30]),
        maxHolders: 2,
    };
    assert_eq!(logs, [log(&set)]);
    // It starts with the holders there are.
    let classes = || {
        let list = token.view().class_limits();
        (list.groups, list.maxHolders, list.holders)
    };
    assert_eq!(classes(), (vec![groups(&[20, 30])], vec![2], vec![2]));
    token.refuses(13, ALICE, BOB, 9);
    token.restricted(13, |token| token.by(ISSUER).mint(BOB, u(1)));
    // Who leaves another group of the class makes room in it.
    token.moves(CAROL, BOB, 10);
    assert_eq!(classes().2, [2]);
    // Who leaves from outside does not.
    token.mint(DAVE, 10);
    token.refuses(13, DAVE, CAROL, 10);
    token.moves(BOB, DAVE, 10);
    assert_eq!(classes().2, [1]);
    token.moves(DAVE, CAROL, 20);
    assert_eq!(classes().2, [2]);
    // An investor that changes its group enters or leaves classes with it, whatever their limits.
    token.register(CAROL, 3, 40);
    assert_eq!(classes().2, [1]);
    token.register(CAROL, 3, 30);
    assert_eq!(classes().2, [2]);
    token.by(ISSUER).burn(CAROL, u(20), REASON).motsu_unwrap();
    assert_eq!(classes().2, [1]);
    assert_eq!(token.view().group_holders(30).count, 0);
}

#[test]
fn overlapping_classes_are_each_judged_alone() {
    let token = three_groups();
    token.mint(ALICE, 10);
    token.mint(CAROL, 10);
    limit_class(&token, &[20, 30], 2);
    limit_class(&token, &[30, 40], 1);
    // Alice leaves the first class only, so that the second one would grow.
    token.refuses(13, ALICE, DAVE, 10);
    token.moves(CAROL, DAVE, 10);
    token.moves(DAVE, CAROL, 10);
    limit_class(&token, &[30, 40], 2);
    token.moves(ALICE, DAVE, 10);
    assert_eq!(token.view().class_limits().holders, [1, 2]);
}

#[test]
fn a_class_is_changed_and_removed_by_naming_its_set_again() {
    let token = three_groups();
    token.mint(ALICE, 10);
    limit_class(&token, &[20], 1);
    limit_class(&token, &[20, 255], 5);
    token.refuses(13, ALICE, BOB, 9);
    limit_class(&token, &[20], 2);
    token.moves(ALICE, BOB, 5);
    assert_eq!(token.view().class_limits().holders, [2, 2]);
    let logs = token.logs(|token| token.by(COMPLIANCE).set_class_limit(groups(&[20]), 0));
    let removed = ClassLimitSet {
        groups: groups(&[20]),
        maxHolders: 0,
    };
    assert_eq!(logs, [log(&removed)]);
    let list = token.view().class_limits();
    assert_eq!(
        (list.groups, list.holders),
        (vec![groups(&[20, 255])], vec![2])
    );
    // Counting goes on in the class that is left, and no class of the same place comes back with an old count.
    token.moves(BOB, ALICE, 5);
    limit_class(&token, &[30], 1);
    let list = token.view().class_limits();
    assert_eq!(list.groups, [groups(&[30]), groups(&[20, 255])]);
    assert_eq!((list.maxHolders, list.holders), (vec![1, 5], vec![0, 1]));
    token.moves(ALICE, CAROL, 1);
    assert_eq!(token.view().class_limits().holders, [1, 1]);
}

#[test]
fn whoever_was_in_a_class_that_is_removed_is_in_no_other_for_it() {
    let token = three_groups();
    limit_class(&token, &[20], 1);
    limit_class(&token, &[40], 1);
    limit_class(&token, &[20], 0);
    token.mint(ALICE, 10);
    token.mint(BOB, 10);
    let list = token.view().class_limits();
    assert_eq!((list.groups, list.holders), (vec![groups(&[40])], vec![0]));
    token.moves(ALICE, DAVE, 1);
    assert_eq!(token.view().class_limits().holders, [1]);
}

#[test]
fn impossible_classes_revert() {
    let token = Token::new();
    let set = |groups, max| move |token: &Token| token.by(COMPLIANCE).set_class_limit(groups, max);
    let zero = InvalidGroup { group: 0 };
    token.reverts(&zero, set(U256::ZERO, 1));
    token.reverts(&zero, set(groups(&[0, 20]), 1));
    let unknown = ClassNotFound {
        groups: groups(&[20]),
    };
    token.reverts(&unknown, set(groups(&[20]), 0));
    for group in 1..=8 {
        limit_class(&token, &[group], 1);
    }
    token.reverts(&TooManyClasses { limit: u(8) }, set(groups(&[9]), 1));
    limit_class(&token, &[8], 2);
    limit_class(&token, &[3], 0);
    limit_class(&token, &[9], 1);
    assert_eq!(token.view().class_limits().groups[2], groups(&[9]));
}

#[test]
fn a_whole_balance_may_always_leave() {
    let token = Token::new();
    token.mint(ALICE, 94);
    token.mint(BOB, 7);
    token.limit(0, 0, 0, 10, 5);
    // What is left or received must reach the minimum, and all must be of the granularity, but for a whole balance.
    token.refuses(17, ALICE, BOB, 91);
    token.refuses(17, ALICE, BOB, 90);
    token.refuses(17, BOB, ALICE, 5);
    token.refuses(17, BOB, CAROL, 6);
    token.moves(BOB, CAROL, 7);
    token.moves(CAROL, BOB, 7);
    token.moves(ALICE, BOB, 94);
    assert_eq!(token.balance(BOB), u(101));
    // More than there is remains a matter of the balance alone.
    assert_eq!(token.detect(BOB, ALICE, 105), 0);
    token.refuses(17, BOB, ALICE, 102);
    // Nothing may be bound, or the rules before say so.
    token.lock(BOB, 1, NOW + 9);
    token.refuses(9, BOB, ALICE, 101);
    token.refuses(17, BOB, ALICE, 96);
    token.restricted(17, |token| token.by(ISSUER).mint(CAROL, u(7)));
}

#[test]
fn what_remains_of_a_revoked_grant_can_be_sold() {
    let token = Token::new();
    token.limit(0, 0, 0, 10_000_000, 1_000_000);
    // Of 100 units 5.6604 are taken back; 94.3396 are left, which no multiple of the granularity is.
    token
        .by(ISSUER)
        .grant_vesting(ALICE, u(100_000_000), NOW - 100, 100, 6, 1, 9_434, true)
        .motsu_unwrap();
    token
        .by(ISSUER)
        .revoke_vesting(ALICE, U256::ZERO, BOB)
        .motsu_unwrap();
    assert_eq!(token.balance(ALICE), u(94_340_000));
    token.refuses(17, ALICE, CAROL, 94_000_000);
    token.moves(ALICE, CAROL, 94_340_000);
}

#[test]
fn the_views_of_erc7943_are_the_rules() {
    let token = Token::new();
    token.mint(ALICE, 10);
    let can = |from, to, amount: u64| token.view().can_transfer(from, to, u(amount));
    let sends = |account| token.view().can_send(account);
    let receives = |account| token.view().can_receive(account);
    assert!(can(ALICE, BOB, 10) && !can(ALICE, BOB, 11));
    token.lock(ALICE, 4, NOW + 9);
    assert!(can(ALICE, BOB, 6) && !can(ALICE, BOB, 7));
    let zero = Address::ZERO;
    for to in [DAVE, zero, token.contract.address()] {
        assert!(!can(ALICE, to, 1) && !receives(to) && !sends(to), "{to}");
    }
    assert!(!can(zero, ALICE, 1) && !can(zero, ALICE, 0));
    // An own balance and the pair of groups do not matter for one side alone, limits on sizes neither.
    assert!(sends(BOB) && receives(BOB));
    token.limit(1, 1, 1, 50, 7);
    token
        .by(COMPLIANCE)
        .set_group_rule(20, 20, 0)
        .motsu_unwrap();
    assert!(sends(BOB) && receives(BOB) && sends(ALICE));

    let both = |expected| {
        assert_eq!((sends(BOB), receives(BOB)), (expected, expected));
    };
    let status = |on| {
        let enforcer = || token.by(ENFORCER);
        enforcer().set_sanctioned(vec![BOB], on).motsu_unwrap();
        both(!on);
        enforcer().set_sanctioned(vec![BOB], false).motsu_unwrap();
        enforcer().set_address_frozen(BOB, on).motsu_unwrap();
        both(!on);
        enforcer().set_address_frozen(BOB, false).motsu_unwrap();
    };
    status(true);
    status(false);
    let compliance = || token.by(COMPLIANCE);
    compliance().set_country_blocked(840, true).motsu_unwrap();
    both(false);
    compliance().set_country_blocked(840, false).motsu_unwrap();
    let known_until = |time| {
        compliance()
            .set_investor(investor(2), 20, 840, time)
            .motsu_unwrap();
    };
    known_until(NOW);
    both(false);
    known_until(NOW + 1);
    both(true);
    token.by(PAUSER).pause().motsu_unwrap();
    both(false);
    token.by(ADMIN).deactivate().motsu_unwrap();
    token.by(ADMIN).unpause().motsu_unwrap();
    both(false);
}

/// What a holder, or whoever has an allowance, may do to the size of holdings.
#[derive(Clone, Debug)]
enum Move {
    Send(usize, usize, u64),
    Place(usize, u64),
    Use(usize, u8, usize, u64),
    Drop(usize, u8),
}

const WALLETS: [Address; 4] = [ALICE, BOB, CAROL, ALICE2];
const MINIMUM: u64 = 10;

fn act() -> impl Strategy<Value = Move> {
    let w = || 0..WALLETS.len();
    prop_oneof![
        4 => (w(), w(), 0_u64..60).prop_map(|(from, to, value)| Move::Send(from, to, value)),
        3 => (w(), 0_u64..60).prop_map(|(owner, value)| Move::Place(owner, value)),
        2 => (w(), 0_u8..40, w(), 0_u64..60).prop_map(|(owner, id, to, v)| Move::Use(owner, id, to, v)),
        1 => (w(), 0_u8..40).prop_map(|(owner, id)| Move::Drop(owner, id)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// From holdings that all reach the minimum no series of transfers, own-wallet moves and holds makes one below it.
    #[test]
    fn no_holder_can_leave_or_make_dust(
        granularity in 0_u64..4, acts in prop::collection::vec(act(), 1..120),
    ) {
        let token = Token::new();
        for (wallet, value) in WALLETS.into_iter().zip([100, 57, 10, 0]) {
            token.mint(wallet, value);
        }
        token.limit(0, 0, 0, MINIMUM, granularity);
        for (number, act) in acts.into_iter().enumerate() {
            let w = |wallet: usize| WALLETS[wallet];
            let id = |of: u8| investor(of + 1);
            let refused = match act {
                Move::Send(from, to, value) => {
                    token.by(w(from)).transfer(w(to), u(value)).map(drop).motsu_res()
                }
                Move::Place(owner, value) => {
                    token.by(w(owner)).approve(STRANGER, u(value)).motsu_unwrap();
                    let id = id(number as u8 % 40);
                    token.by(STRANGER).place_hold(id, w(owner), u(value), NOW + 9).motsu_res()
                }
                Move::Use(owner, of, to, value) => {
                    token.by(STRANGER).use_hold(id(of), w(owner), w(to), u(value)).motsu_res()
                }
                Move::Drop(owner, of) => {
                    token.by(STRANGER).drop_hold(id(of), w(owner)).motsu_res()
                }
            };
            drop(refused);
            for wallet in WALLETS {
                let view = token.view();
                let (balance, held) = (view.balance_of(wallet), view.held_balance_of(wallet));
                let fits = |amount: U256| amount.is_zero() || amount >= u(MINIMUM);
                prop_assert!(fits(balance) && fits(balance - held), "{balance} {held}");
            }
        }
    }
}
