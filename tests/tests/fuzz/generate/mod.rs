//! Random steps, most of them near the line between what succeeds and what is refused.

mod ailments;
mod desk;
mod guide;
mod issuer;
mod matches;
mod tokens;

use std::collections::VecDeque;

use acceptance::{
    market::DAY,
    order::{Signed, state},
    random::Random,
};
use alloy::primitives::{Address, U256};

use crate::{
    cast::Cast,
    model::{Act, Step, World, role},
    probe::{Probe, Transfer, Use},
};

/// The market stays open for less than a program stays active without being activated again.
const LONGEST: u64 = 300 * DAY;
/// The number of matches in use.
const MATCHES: usize = 12;

/// Generates steps.
#[derive(Debug)]
pub(crate) struct Generator {
    random: Random,
    cast: Cast,
    opened: u64,
    /// What has been begun: acts that lead to a settlement, interrupted by others.
    begun: VecDeque<(Address, Act)>,
    /// Bids and asks as they were meant to meet, the latest last.
    matches: VecDeque<(Signed, Signed)>,
    /// How many steps the run has, and how many were made.
    steps: usize,
    made: usize,
}

impl Generator {
    /// For a run of this many steps.
    pub(crate) fn new(seed: u64, cast: Cast, opened: u64, steps: usize) -> Self {
        Self {
            random: Random::seeded(seed),
            cast,
            opened,
            begun: VecDeque::new(),
            matches: VecDeque::new(),
            steps,
            made: 0,
        }
    }

    /// The next step.
    pub(crate) fn next(&mut self, world: &World) -> Step {
        self.made += 1;
        let at = self.time(world);
        let (from, act) = self.act(world);
        Step { at, from, act }
    }

    /// What to probe after it.
    pub(crate) fn probe(&mut self, world: &World) -> Probe {
        let pair = self.pair(world).map(|(mut bid, mut ask)| {
            bid.signature = self.signature(world, &bid);
            ask.signature = self.signature(world, &ask);
            (bid, ask)
        });
        let token = self.share();
        let (mut from, mut to) = (self.person(), self.person());
        if self.random.once_in(60) {
            to = *self.random.pick(&[Address::ZERO, token]);
        }
        // Now and then from the zero address, like a mint.
        if self.random.once_in(20) {
            from = Address::ZERO;
        }
        let spender = if self.random.once_in(4) {
            from
        } else {
            self.cast.settlement
        };
        let value = self.around(world.securities_of(token, from));
        let mut transfer = Transfer {
            token,
            spender,
            from,
            to,
            value,
        };
        if self.random.once_in(5)
            && let Some(tight) = self.tight(world)
        {
            transfer = tight;
        }
        let hold = self.use_of(world);
        Probe {
            pair,
            transfer,
            hold,
        }
    }

    /// A hold to look at, mostly one that is live, mostly at once.
    fn use_of(&mut self, world: &World) -> Option<Use> {
        let token = self.share();
        let all = world.securities[&token].holds.all();
        if all.is_empty() {
            return None;
        }
        let (owner, hold) = *self.random.pick(&all);
        // A contract need not remember what was in the past.
        let at = match self.random.below(4) {
            0 => hold.until.saturating_sub(1),
            1 => hold.until,
            _ => world.now,
        }
        .max(world.now);
        let to = self.person();
        let amount = match self.random.below(6) {
            0 => hold.amount + U256::from(1),
            1 => hold.amount / U256::from(2),
            _ => hold.amount,
        };
        Some(Use {
            token,
            placer: hold.placer,
            owner,
            id: hold.id,
            to,
            amount,
            at,
        })
    }

    /// Two orders to look at, mostly two that were meant to meet, and mostly ones that still can.
    fn pair(&mut self, world: &World) -> Option<(Signed, Signed)> {
        let is_open = |signed: &Signed| world.settlement.state(signed.id) == state::OPEN;
        let matches: Vec<_> = self.matches.iter().collect();
        let mut open = matches.clone();
        open.retain(|(bid, ask)| is_open(bid) && is_open(ask));
        let among = if open.is_empty() || self.random.once_in(3) {
            &matches
        } else {
            &open
        };
        if among.is_empty() {
            return None;
        }
        let (bid, ask) = (*self.random.pick(among)).clone();
        let (other_bid, other_ask) = (*self.random.pick(&matches)).clone();
        Some(match self.random.below(40) {
            0 => (ask, bid),
            1 => (bid.clone(), bid),
            2 | 3 => (other_bid, ask),
            4 => (bid, other_ask),
            5 => (bid, other_bid),
            6 => (other_ask, ask),
            _ => (bid, ask),
        })
    }

    /// A person of the market.
    fn person(&mut self) -> Address {
        let others = [
            self.cast.stranger,
            self.cast.desk,
            self.cast.admin,
            self.cast.operator,
        ];
        if self.random.once_in(10) {
            *self.random.pick(&others)
        } else {
            *self.random.pick(&self.cast.investors)
        }
    }

    /// A value near an account's balance.
    fn around(&mut self, balance: U256) -> U256 {
        match self.random.below(8) {
            0 => balance,
            1 => balance + U256::from(1),
            2 => U256::ZERO,
            3 => U256::from(1),
            _ => balance / U256::from(2 + self.random.below(30)),
        }
    }

    /// One of the two share classes, mostly the first.
    fn share(&mut self) -> Address {
        self.cast.shares[usize::from(self.random.once_in(4))]
    }

    fn time(&mut self, world: &World) -> u64 {
        let now = world.now;
        let at = match self.random.below(24) {
            0 | 1 => now,
            2 => {
                // At, before or after the next second that matters.
                let mut ahead = boundaries(world);
                ahead.retain(|at| (now..now + DAY).contains(at));
                ahead.sort_unstable();
                ahead.truncate(3);
                if ahead.is_empty() {
                    now + 1
                } else {
                    (self.random.pick(&ahead) + self.random.below(3))
                        .saturating_sub(1)
                        .max(now)
                }
            }
            3 | 4 => {
                // The first second at which an order in use is dead, or the last at which it is not.
                let both = self.matches.iter().flat_map(|(bid, ask)| [bid, ask]);
                let open = both.filter(|signed| world.settlement.state(signed.id) == state::OPEN);
                let expiries = open.map(|signed| signed.order.expiry);
                let ahead: Vec<_> = expiries
                    .filter(|at| (now + 1..now + DAY).contains(at))
                    .collect();
                if ahead.is_empty() {
                    now + 1
                } else {
                    self.random.pick(&ahead) - self.random.below(2)
                }
            }
            _ => now + self.random.below(20),
        };
        if at < self.opened + LONGEST { at } else { now }
    }

    fn act(&mut self, world: &World) -> (Address, Act) {
        let ailments = self.ailments(world);
        let share = if ailments.len() > 3 { 2 } else { 4 };
        if !ailments.is_empty() && self.random.once_in(share) {
            return self.random.pick(&ailments).clone();
        }
        if self.begun.is_empty() && self.random.once_in(4) {
            self.guide(world);
        }
        if self.begun.is_empty() {
            self.begin(world);
        }
        match self.random.below(39) {
            36..=38 => self.issuer_act(world),
            0..=2 => self.desk_act(world),
            3 => self.owner_act(world),
            4 | 5 => self.admin_act(world),
            6..=13 => self.security_act(world),
            14..=16 => self.coin_act(world),
            _ => self.begun.pop_front().expect("just begun"),
        }
    }

    /// Somebody who is, or, rarely, is not, entitled.
    fn entitled(&mut self, who: Address) -> Address {
        if self.random.once_in(15) {
            self.person()
        } else {
            who
        }
    }

    fn operator(&mut self, world: &World) -> Address {
        let operator = holder(world, "OPERATOR_ROLE").unwrap_or(self.cast.operator);
        self.entitled(operator)
    }

    fn principal(&mut self, world: &World) -> Address {
        let principal = holder(world, "PRINCIPAL_ROLE").unwrap_or(self.cast.principal);
        self.entitled(principal)
    }

    fn security(&mut self) -> Address {
        if self.random.once_in(8) {
            // The first behaves like the share classes.
            let odd = if self.random.once_in(2) {
                1
            } else {
                self.cast.weird.len()
            };
            *self.random.pick(&self.cast.weird[..odd])
        } else {
            self.share()
        }
    }

    /// Whether an account can send transactions, itself or as a wallet.
    fn acts(&self, account: Address) -> bool {
        self.cast.keys.contains_key(&account) || account == self.cast.wallet()
    }
}

/// Somebody with a role.
pub(crate) fn holder(world: &World, name: &str) -> Option<Address> {
    let needed = role(name);
    let held = &world.settlement.roles.held;
    held.iter()
        .find(|(role, _)| *role == needed)
        .map(|(_, account)| *account)
}

/// The seconds at which something expires, opens or is released.
fn boundaries(world: &World) -> Vec<u64> {
    let orders = world.settlement.orders.values();
    let open = orders.filter(|known| known.state == state::OPEN);
    let mut at: Vec<u64> = open.map(|known| known.order.expiry).collect();
    for security in world.securities.values() {
        at.extend(security.rules.values());
        at.extend(security.records.values().map(|record| record.kyc_expiry));
        at.extend(security.locks.values().flatten().map(|lock| lock.release));
        at.extend(security.holds.all().iter().map(|(_, hold)| hold.until));
    }
    at.extend(world.coin.holds.all().iter().map(|(_, hold)| hold.until));
    let commitments = world.settlement.commitments.values();
    at.extend(commitments.map(|commitment| commitment.until));
    at
}
