//! Holds beside a list of them: any sequence of calls has the same outcome, leaves the same holds and breaks them in the
//! same order.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolEvent;
use motsu::prelude::*;
use proptest::prelude::*;

use crate::{
    event::HoldBroken,
    fixture::{Coin, HOLDING, NOW, u},
};

const ACTORS: usize = 3;
const IDS: u8 = 12;
/// What the first two actors hold at first.
const START: u64 = 60;

/// Who placed a hold on whose coins, and its id.
type Name = (usize, usize, u8);

#[derive(Clone, Copy, Debug)]
enum Act {
    Place(Name, u64),
    Use(Name, usize, u64),
    Drop(Name),
    Lapse(Name),
    Transfer(usize, usize, u64),
    Seize(usize, Option<usize>),
}

fn act() -> impl Strategy<Value = Act> {
    let who = || 0..ACTORS;
    // Mostly one placer on one owner's coins, so that the places fill up.
    let name = || {
        let pair = prop_oneof![4 => Just((1, 0)), 1 => (who(), who())];
        (pair, 0..IDS).prop_map(|((placer, owner), id)| (placer, owner, id))
    };
    prop_oneof![
        12 => (name(), 0..12_u64).prop_map(|(name, amount)| Act::Place(name, amount)),
        3 => (name(), who(), 0..12_u64).prop_map(|(name, to, amount)| Act::Use(name, to, amount)),
        3 => name().prop_map(Act::Drop),
        2 => name().prop_map(Act::Lapse),
        3 => (who(), who(), 0..30_u64).prop_map(|(from, to, value)| Act::Transfer(from, to, value)),
        1 => (who(), prop::option::of(who())).prop_map(|(from, to)| Act::Seize(from, to)),
    ]
}

/// What the contract should hold: balances, and live holds in the order in which they were placed.
#[derive(Default)]
struct Model {
    balances: [u64; ACTORS],
    holds: Vec<(Name, u64)>,
}

impl Model {
    fn find(&self, name: Name) -> Option<usize> {
        self.holds.iter().position(|hold| hold.0 == name)
    }

    fn of(&self, owner: usize) -> impl Iterator<Item = &(Name, u64)> {
        self.holds.iter().filter(move |hold| hold.0.1 == owner)
    }

    fn held(&self, owner: usize) -> u64 {
        self.of(owner).map(|hold| hold.1).sum()
    }

    fn free(&self, owner: usize) -> u64 {
        self.balances[owner] - self.held(owner)
    }

    fn shift(&mut self, from: usize, to: usize, value: u64) {
        self.balances[from] -= value;
        self.balances[to] += value;
    }

    /// Whether it succeeds, and the holds that it breaks, in order.
    fn perform(&mut self, act: Act) -> (bool, Vec<(Name, u64)>) {
        let mut broken = vec![];
        let done = match act {
            Act::Place(name, amount) => {
                let fits = amount > 0 && amount <= self.free(name.1);
                let done = fits && self.find(name).is_none() && self.of(name.1).count() < 8;
                if done {
                    self.holds.push((name, amount));
                }
                done
            }
            Act::Use(name, to, amount) => match self.find(name) {
                Some(at) if amount <= self.holds[at].1 => {
                    self.holds.remove(at);
                    self.shift(name.1, to, amount);
                    true
                }
                _ => false,
            },
            Act::Drop(name) | Act::Lapse(name) => match self.find(name) {
                Some(at) => {
                    self.holds.remove(at);
                    true
                }
                None => false,
            },
            Act::Transfer(from, to, value) => {
                let done = value <= self.free(from);
                if done {
                    self.shift(from, to, value);
                }
                done
            }
            Act::Seize(from, to) if to == Some(from) => false,
            Act::Seize(from, to) => {
                broken = self.of(from).copied().collect();
                broken.reverse();
                self.holds.retain(|hold| hold.0.1 != from);
                let taken = self.balances[from];
                self.balances[from] = 0;
                if let Some(to) = to {
                    self.balances[to] += taken;
                }
                true
            }
        };
        (done, broken)
    }
}

struct World {
    coin: Coin,
    actors: [Account; ACTORS],
}

fn id(number: u8) -> B256 {
    B256::with_last_byte(number)
}

impl World {
    fn new() -> Self {
        let coin = Coin::new();
        let actors = [coin.alice, coin.bob, coin.carol];
        let elsewhere = coin.minter.address();
        for owner in actors {
            for placer in actors {
                let mut c = coin.contract.sender(owner);
                c.approve(placer.address(), U256::MAX).motsu_unwrap();
            }
        }
        for holder in [coin.alice, coin.bob] {
            let mut c = coin.contract.sender(holder);
            c.transfer(elsewhere, u(HOLDING - START)).motsu_unwrap();
        }
        Self { coin, actors }
    }

    fn at(&self, actor: usize) -> Address {
        self.actors[actor].address()
    }

    fn key(&self, name: Name) -> B256 {
        let placer = self.at(name.0).into_word();
        keccak256([placer.0, id(name.2).0].concat())
    }

    fn perform(&self, act: Act) -> bool {
        let (coin, c) = (&self.coin, &self.coin.contract);
        let result = match act {
            Act::Place((placer, owner, number), amount) => {
                let mut c = c.sender(self.actors[placer]);
                c.place_hold(id(number), self.at(owner), u(amount), NOW + 1)
            }
            Act::Use((placer, owner, number), to, amount) => {
                let mut c = c.sender(self.actors[placer]);
                c.use_hold(id(number), self.at(owner), self.at(to), u(amount))
            }
            Act::Drop((placer, owner, number)) => {
                let mut c = c.sender(self.actors[placer]);
                c.drop_hold(id(number), self.at(owner))
            }
            Act::Lapse(name) => return self.lapse(name),
            Act::Transfer(from, to, value) => {
                let mut c = c.sender(self.actors[from]);
                c.transfer(self.at(to), u(value)).map(drop)
            }
            Act::Seize(from, to) => {
                let from = self.at(from);
                let to = to.map_or(Address::ZERO, |to| self.at(to));
                coin.blacklist(from);
                let result = c.sender(coin.seizer).seize(from, to, id(1)).motsu_res();
                c.sender(coin.blacklister).un_blacklist(from).motsu_unwrap();
                return result.is_ok();
            }
        };
        result.motsu_res().is_ok()
    }

    /// Makes a live hold end now: the mock host's clock stands still.
    fn lapse(&self, name: Name) -> bool {
        let owner = self.at(name.1);
        let c = self.coin.contract.sender(self.coin.admin);
        let places = c.balance_word(owner).places();
        let mut row = c.holds.row(owner.into_word());
        let live = (0..8).find(|place| {
            let hold = row.get(2 * place);
            let is_live = hold >> 216 > u(NOW);
            places >> place & 1 == 1 && is_live && row.bytes(2 * place + 1) == self.key(name)
        });
        if let Some(place) = live {
            let amount = row.get(2 * place) << 40 >> 40;
            row.set(2 * place, u(NOW) << 216 | amount);
        }
        live.is_some()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn holds_are_those_of_a_list(acts in prop::collection::vec(act(), 1..70)) {
        let world = World::new();
        let mut model = Model { balances: [START, START, 0], holds: vec![] };
        for act in acts {
            let events = world.coin.contract.all_events().len();
            let done = world.perform(act);
            let (expected, broken) = model.perform(act);
            prop_assert_eq!(done, expected, "{:?}", act);
            let logs = world.coin.contract.all_events().split_off(events);
            let logged: Vec<_> = logs
                .iter()
                .filter_map(|log| HoldBroken::decode_log_data(log, true).ok())
                .map(|log| (log.key, log.owner, log.amount))
                .collect();
            let broken: Vec<_> = broken
                .iter()
                .map(|(name, amount)| (world.key(*name), world.at(name.1), u(*amount)))
                .collect();
            prop_assert_eq!(logged, broken, "{:?}", act);
            let c = world.coin.contract.sender(world.coin.admin);
            for owner in 0..ACTORS {
                let account = world.at(owner);
                prop_assert_eq!(c.balance_of(account), u(model.balances[owner]));
                prop_assert_eq!(c.held_balance_of(account), u(model.held(owner)));
                for placer in 0..ACTORS {
                    for number in 0..IDS {
                        let hold = c.hold_of(world.at(placer), account, id(number));
                        let at = model.find((placer, owner, number));
                        let expected = at.map_or((u(0), 0), |at| (u(model.holds[at].1), NOW + 1));
                        prop_assert_eq!(hold, expected);
                    }
                }
            }
        }
    }
}
