//! Random sequences of acts, after each of which everything is counted again.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolError;
use motsu::prelude::*;
use proptest::prelude::*;

use super::fixture::*;
use crate::error::TransferRestricted;

const WALLETS: [Address; 6] = [ALICE, BOB, CAROL, ALICE2, DAVE, STRANGER];

/// An act with wallets by number; which acts succeed is left to the contract.
#[derive(Clone, Debug)]
enum Act {
    Register(usize, u8, u8),
    Remove(usize),
    Open(u8, u8, bool),
    Block(u16, bool),
    Limit(u64, u16, u32, u64, u64),
    LimitGroup(u8, u32),
    CapSupply(u64),
    Mint(usize, u64),
    Burn(usize, u64),
    Transfer(usize, usize, u64),
    TransferFrom(usize, usize, usize, u64),
    Lock(usize, u64, u64),
    Unlock(usize, u64),
    Grant(usize, u64, u32, u16, u16),
    Revoke(usize, u64, usize),
    Freeze(usize, u64),
    Unfreeze(usize, u64),
    FreezeAddress(usize, bool),
    Sanction(usize, bool),
    Force(usize, usize, u64),
    ForceBurn(usize, u64),
    Recover(usize, usize),
    SetInvestor(u8, u8),
    LimitClass(u8, u32),
    MintLocked(usize, u64, u64),
    Place(usize, usize, u8, u64),
    Use(usize, usize, u8, usize, u64),
    Drop(usize, usize, u8),
    Pause(bool),
}

fn act() -> impl Strategy<Value = Act> {
    let w = || 0..WALLETS.len();
    let group = || 1_u8..3;
    // Mostly off, so that transfers succeed often enough.
    let seldom = || (0_u8..8).prop_map(|n| n == 0);
    prop_oneof![
        4 => (w(), 1_u8..5, group()).prop_map(|(w, i, g)| Act::Register(w, i, g)),
        1 => w().prop_map(Act::Remove),
        2 => (group(), group(), 0_u8..8).prop_map(|(f, t, n)| Act::Open(f, t, n > 0)),
        1 => (prop::sample::select(vec![200_u16, 840]), seldom()).prop_map(|(c, b)| Act::Block(c, b)),
        1 => (0_u64..3, 0_u64..400, 0_u16..3, 0_u32..5, 0_u64..12, 0_u64..4)
            .prop_map(|(on, max, bips, n, min, unit)| {
                let max = if on == 0 { max } else { 0 };
                Act::Limit(max, bips * 4_000, n, min, unit)
            }),
        1 => (group(), 0_u32..4).prop_map(|(g, n)| Act::LimitGroup(g, n)),
        1 => (0_u64..1_000).prop_map(Act::CapSupply),
        5 => (w(), 0_u64..120).prop_map(|(w, v)| Act::Mint(w, v)),
        2 => (w(), 0_u64..80).prop_map(|(w, v)| Act::Burn(w, v)),
        9 => (w(), w(), 0_u64..120).prop_map(|(f, t, v)| Act::Transfer(f, t, v)),
        5 => (w(), w(), w(), 0_u64..120).prop_map(|(s, f, t, v)| Act::TransferFrom(s, f, t, v)),
        1 => (w(), 0_u64..60, 1_u64..4).prop_map(|(w, v, t)| Act::Lock(w, v, t)),
        1 => (w(), 1_u64..4).prop_map(|(w, t)| Act::Unlock(w, t)),
        1 => (w(), 0_u64..50, 0_u32..3, 0_u16..3, 0_u16..10_001)
            .prop_map(|(w, v, c, p, b)| Act::Grant(w, v, c, p, b)),
        1 => (w(), 0_u64..3, w()).prop_map(|(w, i, t)| Act::Revoke(w, i, t)),
        1 => (w(), 0_u64..60).prop_map(|(w, v)| Act::Freeze(w, v)),
        1 => (w(), 0_u64..60).prop_map(|(w, v)| Act::Unfreeze(w, v)),
        1 => (w(), seldom()).prop_map(|(w, on)| Act::FreezeAddress(w, on)),
        1 => (w(), seldom()).prop_map(|(w, on)| Act::Sanction(w, on)),
        2 => (w(), w(), 0_u64..120).prop_map(|(f, t, v)| Act::Force(f, t, v)),
        1 => (w(), 0_u64..60).prop_map(|(w, v)| Act::ForceBurn(w, v)),
        1 => (w(), w()).prop_map(|(l, r)| Act::Recover(l, r)),
        1 => (1_u8..5, group()).prop_map(|(i, g)| Act::SetInvestor(i, g)),
        1 => (1_u8..4, 0_u32..4).prop_map(|(groups, n)| Act::LimitClass(groups, n)),
        1 => (w(), 0_u64..60, 1_u64..4).prop_map(|(w, v, t)| Act::MintLocked(w, v, t)),
        4 => (w(), w(), 0_u8..6, 0_u64..60).prop_map(|(p, w, id, v)| Act::Place(p, w, id, v)),
        3 => (w(), w(), 0_u8..6, w(), 0_u64..60).prop_map(|(p, w, id, t, v)| Act::Use(p, w, id, t, v)),
        1 => (w(), w(), 0_u8..6).prop_map(|(p, w, id)| Act::Drop(p, w, id)),
        1 => seldom().prop_map(Act::Pause),
    ]
}

/// Carries the act out; a refusal changes nothing.
fn perform(token: &Token, act: &Act) {
    let w = |number: &usize| WALLETS[*number];
    let (admin, issuer) = (|| token.by(ADMIN), || token.by(ISSUER));
    let (compliance, enforcer) = (|| token.by(COMPLIANCE), || token.by(ENFORCER));
    let result = match act {
        Act::Register(a, id, group) => compliance()
            .set_wallet(w(a), investor(*id), *group, country(*group), NOW + 1)
            .motsu_res(),
        Act::SetInvestor(id, group) => compliance()
            .set_investor(investor(*id), *group, country(*group), NOW + 1)
            .motsu_res(),
        Act::LimitClass(groups, n) => compliance()
            .set_class_limit(u(u64::from(*groups) << 1), *n)
            .motsu_res(),
        Act::MintLocked(a, v, t) => {
            predicted(token, ISSUER, Address::ZERO, w(a), *v, *v > 0, || {
                issuer().mint_locked(w(a), u(*v), NOW + t).motsu_res()
            })
        }
        Act::Place(placer, a, id, v) => {
            token.by(w(a)).approve(w(placer), u(*v)).motsu_unwrap();
            let until = NOW + 1 + u64::from(*id);
            token
                .by(w(placer))
                .place_hold(investor(*id), w(a), u(*v), until)
                .motsu_res()
        }
        Act::Use(placer, a, id, to, v) => {
            let (placer, owner, id, to) = (w(placer), w(a), investor(*id), w(to));
            let hold = token.view().hold_of(placer, owner, id);
            // Every third time all of it, as the view judges it.
            let amount = if v % 3 == 0 { hold.amount } else { u(*v) };
            let code = token.view().hold_restriction(placer, owner, id, to, NOW);
            let result = token.by(placer).use_hold(id, owner, to, amount).motsu_res();
            assert_eq!(code == 255, hold.amount.is_zero());
            if amount == hold.amount && code != 255 {
                assert_eq!(result.is_ok(), code == 0, "{code} {result:?}");
            }
            result
        }
        Act::Drop(placer, a, id) => token
            .by(w(placer))
            .drop_hold(investor(*id), w(a))
            .motsu_res(),
        Act::Remove(a) => compliance().remove_wallet(w(a)).motsu_res(),
        Act::Open(from, to, on) => compliance()
            .set_group_rule(*from, *to, u64::from(*on))
            .motsu_res(),
        Act::Block(country, on) => compliance().set_country_blocked(*country, *on).motsu_res(),
        Act::Limit(max, bips, n, min, unit) => compliance()
            .set_limits(u(*max), *bips, *n, u(*min), u(*unit))
            .motsu_res(),
        Act::LimitGroup(group, n) => compliance().set_group_holder_limit(*group, *n).motsu_res(),
        Act::CapSupply(cap) => admin().set_supply_cap(u(*cap)).motsu_res(),
        Act::Mint(a, v) => predicted(token, ISSUER, Address::ZERO, w(a), *v, true, || {
            issuer().mint(w(a), u(*v)).motsu_res()
        }),
        Act::Burn(a, v) => issuer().burn(w(a), u(*v), REASON).motsu_res(),
        Act::Transfer(from, to, v) => predicted(token, w(from), w(from), w(to), *v, true, || {
            token
                .by(w(from))
                .transfer(w(to), u(*v))
                .map(drop)
                .motsu_res()
        }),
        Act::TransferFrom(spender, from, to, v) => {
            token.by(w(from)).approve(w(spender), u(*v)).motsu_unwrap();
            predicted(token, w(spender), w(from), w(to), *v, true, || {
                token
                    .by(w(spender))
                    .transfer_from(w(from), w(to), u(*v))
                    .map(drop)
                    .motsu_res()
            })
        }
        Act::Lock(a, v, t) => compliance().lock_tokens(w(a), u(*v), NOW + t).motsu_res(),
        Act::Unlock(a, t) => compliance().unlock_tokens(w(a), NOW + t).motsu_res(),
        Act::Grant(a, v, cliff, periods, bips) => issuer()
            .grant_vesting(w(a), u(*v), NOW - 1, *cliff, 1, *periods, *bips, true)
            .map(drop)
            .motsu_res(),
        Act::Revoke(a, i, to) => issuer().revoke_vesting(w(a), u(*i), w(to)).motsu_res(),
        Act::Freeze(a, v) => enforcer().freeze_partial_tokens(w(a), u(*v)).motsu_res(),
        Act::Unfreeze(a, v) => enforcer().unfreeze_partial_tokens(w(a), u(*v)).motsu_res(),
        Act::FreezeAddress(a, on) => enforcer().set_address_frozen(w(a), *on).motsu_res(),
        Act::Sanction(a, on) => enforcer().set_sanctioned(vec![w(a)], *on).motsu_res(),
        Act::Force(from, to, v) => enforcer()
            .forced_transfer(w(from), w(to), u(*v), REASON)
            .motsu_res(),
        Act::ForceBurn(a, v) => enforcer().forced_burn(w(a), u(*v), REASON).motsu_res(),
        Act::Recover(lost, to) => enforcer()
            .recover_wallet(w(lost), w(to), REASON)
            .motsu_res(),
        Act::Pause(true) => token.by(PAUSER).pause().motsu_res(),
        Act::Pause(false) => token.by(ADMIN).unpause().motsu_res(),
    };
    drop(result);
}

fn country(group: u8) -> u16 {
    if group == 1 { 840 } else { 276 }
}

/// Asserts I4: a movement succeeds exactly when it is funded, possible, and no restriction was predicted, and else is
/// refused with the predicted code.
fn predicted(
    token: &Token,
    spender: Address,
    from: Address,
    to: Address,
    value: u64,
    possible: bool,
    act: impl FnOnce() -> Result<(), runtime::abi::Revert>,
) -> Result<(), runtime::abi::Revert> {
    let code = token
        .view()
        .detect_transfer_restriction_from(spender, from, to, u(value));
    let funded = from.is_zero() || token.balance(from) >= u(value);
    let result = act();
    assert_eq!(
        result.is_ok(),
        code == 0 && funded && possible,
        "{code} {result:?}"
    );
    if let Err(refusal) = &result {
        let restricted = TransferRestricted::abi_decode(&refusal.0, true).ok();
        assert_eq!(restricted.map_or(0, |restricted| restricted.code), code);
    }
    result
}

/// Asserts that counters, caches and flags are what counting again gives.
fn audit(token: &Token) {
    let view = token.view();
    let mut supply = U256::ZERO;
    let mut holdings = BTreeMap::<B256, U256>::new();
    for wallet in WALLETS {
        let balance = view.balance_of(wallet);
        let record = view.wallet_record(wallet);
        supply += balance;
        assert!(
            balance.is_zero() || !record.investorId.is_zero(),
            "a holder is not registered"
        );
        if !record.investorId.is_zero() {
            *holdings.entry(record.investorId).or_default() += balance;
            assert!(view.wallets_of(record.investorId).wallets.contains(&wallet));
        }
        let (frozen, locked, unvested) = view.encumbrances_of(wallet);
        assert!(
            frozen <= balance && unvested <= balance,
            "{frozen} {unvested} {balance}"
        );
        let held = view.held_balance_of(wallet);
        assert!(held <= balance, "{held} {balance}");
        let encumbered = frozen + locked + unvested + held;
        assert_eq!(
            view.spendable_balance_of(wallet),
            balance.saturating_sub(encumbered)
        );
        if !record.investorId.is_zero() {
            let first = view.wallets_of(record.investorId).wallets[0];
            assert_eq!(record, view.wallet_record(first));
        }
        let flags = view.record(wallet);
        let sole = view.wallets_of(record.investorId).wallets.len() == 1;
        assert_eq!(flags.has(crate::word::Record::SOLE), sole);
        assert_eq!(
            flags.has(crate::word::Record::PARTLY_FROZEN),
            !frozen.is_zero()
        );
    }
    // I7
    assert_eq!(view.total_supply(), supply);
    let holders: BTreeSet<_> = holdings
        .iter()
        .filter(|(_, held)| !held.is_zero())
        .collect();
    assert_eq!(view.holder_count().count as usize, holders.len());
    let mut groups = [0; 3];
    for (investor, held) in &holdings {
        assert_eq!(view.holdings_of(*investor), *held);
        if !held.is_zero() {
            let first = view.wallets_of(*investor).wallets[0];
            groups[usize::from(view.wallet_record(first).group)] += 1;
        }
    }
    for group in [1, 2] {
        assert_eq!(view.group_holders(group).count, groups[usize::from(group)]);
    }
    let classes = view.class_limits();
    for (set, count) in classes.groups.iter().zip(classes.holders) {
        let inside = (1..3).filter(|group| set.bit(*group));
        assert_eq!(count, inside.map(|group| groups[group]).sum::<u32>());
    }
    let limits = view.limits();
    let cap = restriction_cap(&limits, supply);
    let stored = crate::restriction::Facts::thresholds(&*view, false);
    assert_eq!((stored.cap, stored.min_holding), (cap, limits.minHolding));
    assert_eq!(stored.granularity, limits.granularity);
}

/// The cap per investor that these limits make at this supply.
fn restriction_cap(limits: &crate::returns::Limits, supply: U256) -> U256 {
    let absolute = if limits.maxPerInvestor.is_zero() {
        U256::MAX
    } else {
        limits.maxPerInvestor
    };
    match limits.maxBipsPerInvestor {
        0 => absolute,
        bips => absolute.min(supply * U256::from(bips) / u(10_000)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn two_hundred_random_acts_leave_every_count_right(acts in prop::collection::vec(act(), 200)) {
        let token = Token::deployed();
        for (wallet, number) in WALLETS.into_iter().zip([1, 2, 3, 1, 4, 2]) {
            token.register(wallet, number, 1 + number % 2);
        }
        for (from, to) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
            token.by(COMPLIANCE).set_group_rule(from, to, 1).motsu_unwrap();
        }
        for act in &acts {
            perform(&token, act);
            audit(&token);
        }
    }
}
