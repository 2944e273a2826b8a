//! One wallet of a register: what is known about its investor, what it holds, and how much of that is bound.

use std::collections::{BTreeMap, VecDeque};

use alloy::primitives::{Address, B256, U256};

use super::acquired::Held;
use super::lots::Lot;
use super::vesting::Schedule;

/// A wallet.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Wallet {
    /// Its investor's code; for a wallet that is no longer registered, the last one. Zero when it never was registered.
    pub investor: B256,
    /// Whether it is registered.
    pub registered: bool,
    /// The investor's group; 0 when it is not registered.
    pub group: u8,
    /// ISO 3166-1 numeric country.
    pub country: u16,
    /// First second at which the KYC check is no longer valid.
    pub kyc_expiry: u64,
    /// Whether it is sanctioned.
    pub sanctioned: bool,
    /// Whether it is frozen.
    pub frozen: bool,
    /// Base units.
    pub balance: U256,
    /// Since when it holds something, unix seconds; 0 when it holds nothing.
    pub since: u64,
    /// The wallet that replaced it.
    pub successor: Option<Address>,
    /// Base units that the enforcer froze.
    pub frozen_tokens: U256,
    /// Its lots, the oldest first, in a register that was folded with them: see [`super::Register::lots`].
    pub(super) lots: VecDeque<Held>,
    /// Most wallets have none of these.
    pub(super) bound: Option<Box<Bound>>,
}

/// What binds a wallet's tokens by time.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Bound {
    /// Locked amounts by their release time.
    pub locks: BTreeMap<u64, U256>,
    /// Vesting schedules by their place.
    pub schedules: BTreeMap<u8, Schedule>,
    /// Held amounts and their ends, by the hash of placer and id.
    pub holds: BTreeMap<B256, (U256, u64)>,
}

/// The part of a holding that cannot move at a second. Kinds can overlap, and together exceed the holding.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Encumbrances {
    /// Frozen by the enforcer.
    pub frozen: U256,
    /// Locked up.
    pub locked: U256,
    /// Not vested yet.
    pub unvested: U256,
    /// Held for a matched trade.
    pub held: U256,
}

impl Encumbrances {
    /// With those of another wallet.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            frozen: self.frozen.saturating_add(other.frozen),
            locked: self.locked.saturating_add(other.locked),
            unvested: self.unvested.saturating_add(other.unvested),
            held: self.held.saturating_add(other.held),
        }
    }

    /// What is left of a balance.
    pub fn free_of(&self, balance: U256) -> U256 {
        let bound = [self.frozen, self.locked, self.unvested, self.held];
        bound.into_iter().fold(balance, U256::saturating_sub)
    }
}

impl Wallet {
    /// What is bound at a second.
    pub fn encumbrances(&self, now: u64) -> Encumbrances {
        let mut bound = Encumbrances {
            frozen: self.frozen_tokens,
            ..Encumbrances::default()
        };
        let Some(places) = &self.bound else {
            return bound;
        };
        for (release, amount) in &places.locks {
            if *release > now {
                bound.locked = bound.locked.saturating_add(*amount);
            }
        }
        for schedule in places.schedules.values() {
            bound.unvested = bound.unvested.saturating_add(schedule.unvested(now));
        }
        for (amount, until) in places.holds.values() {
            if *until > now {
                bound.held = bound.held.saturating_add(*amount);
            }
        }
        bound
    }

    /// Locks, schedules and holds one by one, ended ones too.
    pub fn bound(&self) -> Bound {
        self.bound.as_deref().cloned().unwrap_or_default()
    }

    /// How many lots it has, in a register that was folded with them.
    pub fn lot_count(&self) -> usize {
        self.lots.len()
    }

    /// Until when a lot's holding period lasts: as long as its lock is in force.
    pub fn holding_period(&self, lot: &Lot, now: u64) -> Option<u64> {
        let until = lot.held_until.filter(|until| *until > now)?;
        let locks = &self.bound.as_ref()?.locks;
        locks.contains_key(&until).then_some(until)
    }

    /// In a word: what a person looks for first.
    pub fn state(&self, now: u64) -> &'static str {
        match self {
            Self {
                sanctioned: true, ..
            } => "sanctioned",
            Self { frozen: true, .. } => "frozen",
            Self {
                registered: false, ..
            } => "not registered",
            Self { kyc_expiry, .. } if *kyc_expiry <= now => "kyc expired",
            _ => "ok",
        }
    }

    pub(super) fn places(&mut self) -> &mut Bound {
        self.bound.get_or_insert_default()
    }
}
