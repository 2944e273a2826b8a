//! The rules a second time, naively: every row of the table evaluated, the first that holds taken.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, U256};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use crate::{
    codes,
    restriction::{
        Bound, Facts, HolderChange, Holders, Kind, Movement, Party, Thresholds, restriction,
    },
    word::{Record, Settings},
};

const TOKEN: Address = Address::repeat_byte(0xee);
const NOW: u64 = 1_000;

/// A wallet, spelled out.
#[derive(Clone, Debug, Default)]
struct Wallet {
    investor: u32,
    group: u8,
    country: u16,
    kyc_expiry: u64,
    frozen: bool,
    sanctioned: bool,
    balance: u64,
    part_frozen: u64,
    locked: u64,
    unvested: u64,
    held: u64,
}

/// Everything the rules depend on.
#[derive(Clone, Debug)]
struct World {
    paused: bool,
    deactivated: bool,
    wallets: Vec<Wallet>,
    rules: BTreeMap<(u8, u8), u64>,
    blocked: BTreeSet<u16>,
    max_per_investor: u64,
    max_bips: u16,
    max_holders: u32,
    group_limits: BTreeMap<u8, u32>,
    /// Sets of groups with their limits.
    classes: Vec<(BTreeSet<u8>, u32)>,
    min_holding: u64,
    granularity: u64,
    supply_cap: u64,
}

/// Wallets are numbered from 1; 0 is the zero address, 9 the token.
fn address(number: usize) -> Address {
    match number {
        9 => TOKEN,
        number => Address::with_last_byte(number as u8),
    }
}

impl World {
    fn wallet(&self, number: usize) -> Wallet {
        number
            .checked_sub(1)
            .and_then(|i| self.wallets.get(i))
            .cloned()
            .unwrap_or_default()
    }

    fn supply(&self) -> u64 {
        self.wallets.iter().map(|wallet| wallet.balance).sum()
    }

    fn holdings(&self, investor: u32) -> u64 {
        let own = self
            .wallets
            .iter()
            .filter(|wallet| wallet.investor == investor);
        own.map(|wallet| wallet.balance).sum()
    }

    /// All wallets of an investor are in one group.
    fn group_of(&self, investor: u32) -> u8 {
        let first = self
            .wallets
            .iter()
            .find(|wallet| wallet.investor == investor);
        first.map_or(0, |wallet| wallet.group)
    }

    /// How many of these holders are in one of these groups.
    fn counted(&self, holders: &[u32], groups: &BTreeSet<u8>) -> u32 {
        let inside = holders
            .iter()
            .filter(|&&holder| groups.contains(&self.group_of(holder)));
        inside.count() as u32
    }

    fn holders(&self) -> Vec<u32> {
        let investors: BTreeSet<u32> = self.wallets.iter().map(|wallet| wallet.investor).collect();
        investors
            .into_iter()
            .filter(|&investor| investor != 0 && self.holdings(investor) > 0)
            .collect()
    }

    /// The holders after `value` went from one investor to another (0: none).
    fn holders_after(&self, from: u32, to: u32, value: u64) -> Vec<u32> {
        let mut holders = self.holders();
        if value > 0 && from != to {
            holders.retain(|&holder| holder != from || self.holdings(from) > value);
            if to != 0 && !holders.contains(&to) {
                holders.push(to);
            }
        }
        holders
    }

    /// The table of codes, in order.
    #[allow(clippy::too_many_lines, reason = "one table")]
    fn expected(&self, kind: Kind, spender: usize, from: usize, to: usize, value: u64) -> u8 {
        let (third, seller, buyer) = (self.wallet(spender), self.wallet(from), self.wallet(to));
        let mint = kind == Kind::Mint;
        let burn = kind == Kind::Burn;
        let hold = kind == Kind::Hold;
        let transfer = kind == Kind::Transfer;
        let other = !mint && !burn && spender != from || mint && spender != 0;
        let sides: Vec<&Wallet> = match kind {
            Kind::Transfer => vec![&seller, &buyer],
            Kind::Mint => vec![&buyer],
            Kind::Burn => vec![],
            Kind::Hold => vec![&seller],
        };
        let rule = self
            .rules
            .get(&(seller.group, buyer.group))
            .copied()
            .unwrap_or_default();

        let leaves = |encumbered: u64| {
            value > seller.balance
                || value == 0
                || seller.balance.saturating_sub(encumbered) >= value
        };
        let frozen = seller.part_frozen;
        let locked = frozen.saturating_add(seller.locked);
        let unvested = locked.saturating_add(seller.unvested);
        let bound = unvested.saturating_add(seller.held);

        let moves = value > 0 && from != to;
        let strangers = mint || seller.investor != buyer.investor;
        let acquires = moves && !hold && strangers;
        let holdings = u128::from(self.holdings(buyer.investor)) + u128::from(value);
        let supply = u128::from(self.supply()) + if mint { u128::from(value) } else { 0 };
        let too_much = self.max_per_investor != 0 && holdings > u128::from(self.max_per_investor)
            || !mint
                && self.max_bips != 0
                && holdings * 10_000 > u128::from(self.max_bips) * supply;
        let paying = if mint { 0 } else { seller.investor };
        let after = self.holders_after(paying, buyer.investor, value);
        let joins = acquires && self.holdings(buyer.investor) == 0;
        let before = self.holders();
        // A number may be too high already: it is what grows that is refused.
        let grows = |groups: &BTreeSet<u8>, limit: u32| {
            let now = self.counted(&after, groups);
            now > self.counted(&before, groups) && now > limit
        };
        let group = buyer.group;
        let group_limit = self.group_limits.get(&group).copied().unwrap_or_default();
        let crowded = group_limit != 0 && grows(&BTreeSet::from([group]), group_limit)
            || self
                .classes
                .iter()
                .any(|(groups, limit)| grows(groups, *limit));
        let left = (seller.balance - seller.held.min(seller.balance)).saturating_sub(value);
        let received = (buyer.balance - buyer.held.min(buyer.balance)).saturating_add(value);
        let whole = transfer && value == seller.balance;
        let odd = self.granularity != 0 && !value.is_multiple_of(self.granularity);
        let small = if hold {
            value > 0 && (left > 0 && left < self.min_holding || value < self.min_holding)
        } else {
            moves
                && (!mint && left > 0 && left < self.min_holding
                    || !whole && received < self.min_holding)
        };

        let table = [
            (4, !burn && !hold && (to == 0 || to == 9)),
            (18, self.deactivated),
            (2, self.paused),
            (
                3,
                burn && seller.sanctioned
                    || sides.iter().any(|side| side.sanctioned)
                    || other && third.sanctioned,
            ),
            (7, other && third.frozen),
            (5, !mint && seller.frozen),
            (6, !burn && !hold && buyer.frozen),
            (1, sides.iter().any(|side| side.investor == 0)),
            (16, sides.iter().any(|side| NOW >= side.kyc_expiry)),
            (
                15,
                sides
                    .iter()
                    .any(|side| self.blocked.contains(&side.country)),
            ),
            (1, transfer && strangers && rule == 0),
            (14, transfer && strangers && NOW < rule),
            (8, !mint && frozen > 0 && !leaves(frozen)),
            (9, !mint && seller.locked > 0 && !leaves(locked)),
            (10, !mint && seller.unvested > 0 && !leaves(unvested)),
            (20, !mint && seller.held > 0 && !leaves(bound)),
            (11, !burn && acquires && too_much),
            (
                12,
                !burn
                    && joins
                    && self.max_holders != 0
                    && after.len() > before.len()
                    && after.len() > self.max_holders as usize,
            ),
            (13, !burn && joins && crowded),
            (17, !burn && (odd && !whole || small)),
            (
                19,
                mint && self.supply_cap != 0 && supply > u128::from(self.supply_cap),
            ),
        ];
        table
            .iter()
            .find(|(_, hit)| *hit)
            .map_or(0, |(code, _)| *code)
    }

    fn record(&self, number: usize) -> Record {
        let wallet = self.wallet(number);
        let mut record = Record {
            kyc_expiry: wallet.kyc_expiry,
            investor: wallet.investor,
            country: wallet.country,
            group: wallet.group,
            ..Record::default()
        };
        record.set(Record::FROZEN, wallet.frozen);
        record.set(Record::SANCTIONED, wallet.sanctioned);
        record
    }

    fn party(&self, number: usize) -> Party {
        let wallet = self.wallet(number);
        let holdings = if wallet.investor == 0 {
            wallet.balance
        } else {
            self.holdings(wallet.investor)
        };
        Party {
            wallet: address(number),
            record: self.record(number),
            balance: U256::from(wallet.balance),
            holdings: U256::from(holdings),
            bound: Bound {
                frozen: U256::from(wallet.part_frozen),
                locked: U256::from(wallet.locked),
                unvested: U256::from(wallet.unvested),
                held: U256::from(wallet.held),
            },
            changed: false,
        }
    }

    fn judged(&self, kind: Kind, spender: usize, from: usize, to: usize, value: u64) -> u8 {
        let mut countries = 0;
        for country in &self.blocked {
            countries |= 1 << (country % 64);
        }
        let flags = if self.paused { Settings::PAUSED } else { 0 }
            | if self.deactivated {
                Settings::DEACTIVATED
            } else {
                0
            }
            | Settings::LIMITED;
        let settings = Settings {
            countries,
            holders: self.holders().len() as u32,
            max_holders: self.max_holders,
            max_bips: self.max_bips,
            flags,
            ..Settings::default()
        };
        let movement = Movement {
            kind,
            settings,
            token: TOKEN,
            spender: if spender == from {
                Record::default()
            } else {
                self.record(spender)
            },
            from: if kind == Kind::Mint {
                Party::default()
            } else {
                self.party(from)
            },
            to: if kind == Kind::Burn || kind == Kind::Hold {
                Party::default()
            } else {
                self.party(to)
            },
            value: U256::from(value),
            now: NOW,
        };
        restriction(self, &movement)
    }
}

impl Facts for World {
    fn opens_at(&self, from_group: u8, to_group: u8) -> u64 {
        self.rules
            .get(&(from_group, to_group))
            .copied()
            .unwrap_or_default()
    }

    fn is_country_blocked(&self, country: u16) -> bool {
        self.blocked.contains(&country)
    }

    fn thresholds(&self, mint: bool) -> Thresholds {
        let absolute = match self.max_per_investor {
            0 => U256::MAX,
            max => U256::from(max),
        };
        let relative = match self.max_bips {
            0 => U256::MAX,
            bips => U256::from(self.supply()) * U256::from(bips) / U256::from(10_000),
        };
        Thresholds {
            cap: if mint {
                absolute
            } else {
                absolute.min(relative)
            },
            min_holding: U256::from(self.min_holding),
            granularity: U256::from(self.granularity),
        }
    }

    fn group(&self, group: u8) -> Holders {
        let classes = self.classes.iter().enumerate();
        Holders {
            count: self.counted(&self.holders(), &BTreeSet::from([group])),
            limit: self.group_limits.get(&group).copied().unwrap_or_default(),
            classes: classes
                .filter(|(_, (groups, _))| groups.contains(&group))
                .fold(0, |mask, (place, _)| mask | 1 << place),
        }
    }

    fn class(&self, place: usize) -> Holders {
        let (groups, limit) = &self.classes[place];
        Holders {
            count: self.counted(&self.holders(), groups),
            limit: *limit,
            classes: 0,
        }
    }

    fn has_room_for(&self, minted: U256) -> bool {
        self.supply_cap == 0 || U256::from(self.supply()) + minted <= U256::from(self.supply_cap)
    }
}

/// True once in `n`.
fn rarely(n: u32) -> impl Strategy<Value = bool> {
    (0..n).prop_map(|i| i == 0)
}

/// Zero mostly, else one of the range.
fn perhaps(range: std::ops::Range<u64>) -> impl Strategy<Value = u64> {
    (rarely(4), range).prop_map(|(on, value)| if on { value } else { 0 })
}

fn wallet() -> impl Strategy<Value = Wallet> {
    (
        (
            0_u32..5,
            1_u8..4,
            prop::sample::select(vec![276_u16, 340, 840]),
        ),
        (
            rarely(16).prop_map(|expired| if expired { NOW } else { NOW + 1 }),
            rarely(16),
            rarely(16),
        ),
        (perhaps(0..1), 0_u64..100, rarely(3)),
        (
            perhaps(1..60),
            perhaps(1..150),
            perhaps(1..60),
            perhaps(1..60),
        ),
    )
        .prop_map(
            |(who, (kyc_expiry, frozen, sanctioned), (_, balance, empty), encumbered)| {
                let (investor, group, country) = who;
                let balance = if empty || investor == 0 { 0 } else { balance };
                let (part_frozen, locked, unvested, held) = encumbered;
                Wallet {
                    investor,
                    group,
                    country,
                    kyc_expiry,
                    frozen,
                    sanctioned,
                    balance,
                    part_frozen: part_frozen.min(balance),
                    locked,
                    unvested: unvested.min(balance),
                    held: held.min(balance),
                }
            },
        )
}

fn world() -> impl Strategy<Value = World> {
    let rule = prop::sample::select(vec![0, 1, 1, 1, 1, 1, NOW, NOW + 1]);
    (
        (rarely(24), rarely(24), prop::collection::vec(wallet(), 5)),
        prop::collection::vec(rule, 9),
        (rarely(12), rarely(12)),
        (
            perhaps(1..150),
            perhaps(1..10_001),
            perhaps(1..5),
            prop::collection::vec(perhaps(1..3), 3),
            prop::collection::vec(
                (
                    prop::sample::subsequence(vec![1, 2, 3], 1..=3),
                    rarely(4),
                    1..4_u32,
                ),
                2,
            ),
        ),
        (perhaps(1..40), perhaps(1..9), perhaps(1..600)),
    )
        .prop_map(
            |((paused, deactivated, wallets), rules, blocked, caps, sizes)| {
                let pairs = (1..4).flat_map(|from| (1..4).map(move |to| (from, to)));
                let (max_per_investor, max_bips, max_holders, group_limits, classes) = caps;
                let (min_holding, granularity, supply_cap) = sizes;
                // 340 and 276 share a class modulo 64: a set bit alone must not block.
                let listed = [(340, blocked.0), (840, blocked.1)];
                // What is the investor's is the same in all of its wallets.
                let person =
                    |investor: u32| wallets.iter().find(|wallet| wallet.investor == investor);
                let same = |wallet: &Wallet| match person(wallet.investor) {
                    Some(first) if wallet.investor != 0 => Wallet {
                        group: first.group,
                        country: first.country,
                        kyc_expiry: first.kyc_expiry,
                        frozen: first.frozen,
                        sanctioned: first.sanctioned,
                        ..wallet.clone()
                    },
                    _ => wallet.clone(),
                };
                let wallets = wallets.iter().map(same).collect();
                World {
                    paused,
                    deactivated,
                    wallets,
                    rules: pairs.zip(rules).collect(),
                    blocked: listed
                        .iter()
                        .filter(|(_, on)| *on)
                        .map(|(country, _)| *country)
                        .collect(),
                    max_per_investor,
                    max_bips: max_bips as u16,
                    max_holders: max_holders as u32,
                    group_limits: (1..4)
                        .zip(group_limits.iter().map(|&limit| limit as u32))
                        .collect(),
                    classes: classes
                        .into_iter()
                        .filter(|(_, on, _)| *on)
                        .map(|(groups, _, limit)| (groups.into_iter().collect(), limit))
                        .collect(),
                    min_holding,
                    granularity,
                    supply_cap,
                }
            },
        )
}

fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![
        Kind::Transfer,
        Kind::Transfer,
        Kind::Transfer,
        Kind::Mint,
        Kind::Burn,
        Kind::Hold,
    ])
}

/// Parties of a movement: a mint and a burn have one, whoever else is named.
fn parties() -> impl Strategy<Value = (Kind, usize, usize, usize)> {
    let any = || prop::sample::select(vec![1_usize, 2, 3, 4, 5]);
    let to = prop::sample::select(vec![0_usize, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 9]);
    (kind(), any(), any(), to, rarely(3)).prop_map(|(kind, spender, from, to, other)| match kind {
        Kind::Transfer => (kind, if other { spender } else { from }, from, to),
        Kind::Mint => (kind, if other { spender } else { 0 }, 0, to),
        Kind::Burn => (kind, from, from, 0),
        Kind::Hold => (kind, if other { spender } else { from }, from, 0),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn the_rule_function_is_the_table(
        world in world(), (kind, spender, from, to) in parties(), value in 0_u64..130,
    ) {
        let expected = world.expected(kind, spender, from, to, value);
        prop_assert_eq!(world.judged(kind, spender, from, to, value), expected);
    }

    #[test]
    fn the_rule_function_never_fails(
        world in world(), (kind, spender, from, to) in parties(), value in super::amount(),
    ) {
        let movement = Movement {
            kind,
            settings: Settings { flags: Settings::LIMITED, ..Settings::default() },
            token: TOKEN,
            spender: world.record(spender),
            from: Party { balance: U256::MAX, holdings: U256::MAX, ..world.party(from) },
            to: Party { balance: U256::MAX, holdings: U256::MAX, ..world.party(to) },
            value,
            now: u64::MAX,
        };
        prop_assert!(restriction(&Extremes, &movement) <= codes::HIGHEST);
        HolderChange::of(&movement.from, &movement.to, value);
    }
}

/// Facts that are as large as can be.
struct Extremes;

fn full() -> Holders {
    Holders {
        count: u32::MAX,
        limit: u32::MAX,
        classes: u8::MAX,
    }
}

impl Facts for Extremes {
    fn opens_at(&self, _: u8, _: u8) -> u64 {
        u64::MAX
    }

    fn is_country_blocked(&self, _: u16) -> bool {
        false
    }

    fn thresholds(&self, _: bool) -> Thresholds {
        Thresholds {
            cap: U256::MAX,
            min_holding: U256::MAX,
            granularity: U256::MAX,
        }
    }

    fn group(&self, _: u8) -> Holders {
        full()
    }

    fn class(&self, _: usize) -> Holders {
        full()
    }

    fn has_room_for(&self, _: U256) -> bool {
        false
    }
}

#[test]
fn random_worlds_reach_every_code() {
    let mut runner = TestRunner::deterministic();
    let case = (world(), parties(), 0_u64..130);
    let mut reached = BTreeSet::new();
    for _ in 0..40_000 {
        let (world, (kind, spender, from, to), value) =
            case.new_tree(&mut runner).unwrap().current();
        reached.insert(world.judged(kind, spender, from, to, value));
    }
    assert_eq!(reached, (0..=codes::HIGHEST).collect());
}

/// Facts that no rule may ask for unless a setting or record says that it has to.
struct Unasked;

impl Facts for Unasked {
    fn opens_at(&self, _: u8, _: u8) -> u64 {
        1
    }

    fn is_country_blocked(&self, country: u16) -> bool {
        panic!("country {country} is looked up")
    }

    fn thresholds(&self, _: bool) -> Thresholds {
        panic!("the limits are looked up")
    }

    fn group(&self, _: u8) -> Holders {
        Holders::default()
    }

    fn class(&self, place: usize) -> Holders {
        panic!("class {place} is looked up")
    }

    fn has_room_for(&self, _: U256) -> bool {
        panic!("the supply is looked up")
    }
}

/// Each fact is a storage word: a country is looked up only when one of its class of 64 is blocked, the limits only when
/// there are any, a class only when the group belongs to it.
#[test]
fn facts_that_no_flag_calls_for_are_not_looked_up() {
    let party = |number: u8, country: u16| Party {
        wallet: Address::repeat_byte(number),
        record: Record {
            kyc_expiry: NOW + 1,
            investor: u32::from(number),
            country,
            group: 20,
            ..Record::default()
        },
        balance: U256::from(100),
        holdings: U256::from(100),
        ..Party::default()
    };
    let movement = Movement {
        kind: Kind::Transfer,
        settings: Settings {
            // Every class but those of the two countries.
            countries: !(1 << 8 | 1 << 9),
            ..Settings::default()
        },
        token: TOKEN,
        spender: Record::default(),
        from: party(1, 840),
        to: party(2, 841),
        value: U256::from(60),
        now: NOW,
    };
    assert_eq!((840 % 64, 841 % 64), (8, 9));
    assert_eq!(restriction(&Unasked, &movement), codes::SUCCESS);
}
