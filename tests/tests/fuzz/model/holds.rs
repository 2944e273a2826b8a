//! Holds, which both tokens have: amounts in their owners' wallets that are bound for a spender until a given second.

use std::collections::BTreeMap;

use acceptance::bindings::ISecurityToken;
use alloy::{
    primitives::{Address, B256, Log, U256, keccak256},
    sol_types::SolValue,
};

use super::{Refusal, log, refused};

/// The most live holds of a wallet.
const PLACES: usize = 8;
/// The furthest end of a hold, seconds ahead.
pub(crate) const LONGEST: u64 = 7 * 86_400;

/// A hold that was placed and neither used, dropped nor broken; it may have lapsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    pub(crate) placer: Address,
    pub(crate) id: B256,
    pub(crate) amount: U256,
    pub(crate) until: u64,
}

/// The account that placed a hold, and the hold's id.
pub(crate) type Name = (Address, B256);

/// Each owner's holds in the order in which they were placed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holds(BTreeMap<Address, Vec<Hold>>);

impl Holds {
    /// All holds, lapsed ones too, with their owners.
    pub(crate) fn all(&self) -> Vec<(Address, Hold)> {
        let owners = self.0.iter();
        owners
            .flat_map(|(owner, holds)| holds.iter().map(|hold| (*owner, *hold)))
            .collect()
    }

    /// Those that bind at a given second.
    pub(crate) fn live(&self, owner: Address, now: u64) -> impl Iterator<Item = &Hold> {
        let holds = self.0.get(&owner).into_iter().flatten();
        holds.filter(move |hold| now < hold.until)
    }

    /// A live hold by its name.
    pub(crate) fn find(&self, (placer, id): Name, owner: Address, now: u64) -> Option<Hold> {
        self.live(owner, now)
            .find(|hold| (hold.placer, hold.id) == (placer, id))
            .copied()
    }

    /// What is bound at a given second, except by one hold.
    pub(crate) fn held(&self, owner: Address, now: u64, but: Option<Name>) -> U256 {
        self.live(owner, now)
            .filter(|hold| but != Some((hold.placer, hold.id)))
            .map(|hold| hold.amount)
            .sum()
    }

    /// Reasons to refuse a hold regardless of its owner: its amount, its time.
    pub(crate) fn fits(amount: U256, until: u64, now: u64) -> Result<(), Refusal> {
        let most = (U256::from(1) << 216) - U256::from(1);
        if amount == U256::ZERO || amount > most {
            return refused(&ISecurityToken::HoldAmount { amount, most });
        }
        let latest = now + LONGEST;
        if until <= now || until > latest {
            return refused(&ISecurityToken::HoldTime { until, latest });
        }
        Ok(())
    }

    /// Refuses a second live hold of that name.
    pub(crate) fn is_new(
        &self,
        (placer, id): Name,
        owner: Address,
        now: u64,
    ) -> Result<(), Refusal> {
        match self.find((placer, id), owner, now) {
            Some(_) => refused(&ISecurityToken::HoldExists { placer, owner, id }),
            None => Ok(()),
        }
    }

    /// Refuses a ninth live hold.
    pub(crate) fn room(&self, owner: Address, now: u64) -> Result<(), Refusal> {
        if self.live(owner, now).count() < PLACES {
            Ok(())
        } else {
            refused(&ISecurityToken::TooManyHolds { owner })
        }
    }

    pub(crate) fn place(&mut self, owner: Address, hold: Hold) {
        self.0.entry(owner).or_default().push(hold);
    }

    /// The live hold of that name.
    pub(crate) fn expect(&self, name: Name, owner: Address, now: u64) -> Result<Hold, Refusal> {
        let (placer, id) = name;
        match self.find(name, owner, now) {
            Some(hold) => Ok(hold),
            None => refused(&ISecurityToken::NoHold { placer, owner, id }),
        }
    }

    /// Ends a live hold.
    pub(crate) fn end(&mut self, (placer, id): Name, owner: Address, now: u64) {
        let holds = self.0.entry(owner).or_default();
        holds.retain(|hold| (hold.placer, hold.id) != (placer, id) || hold.until <= now);
    }

    /// "A hold of which anything is taken ends whole, the one placed last first": until no more than `left` is bound.
    pub(crate) fn break_beyond(
        &mut self,
        token: Address,
        owner: Address,
        left: U256,
        now: u64,
    ) -> Vec<Log> {
        let mut logs = Vec::new();
        while self.held(owner, now, None) > left {
            let last = *self.live(owner, now).last().expect("something is bound");
            self.end((last.placer, last.id), owner, now);
            logs.push(log(
                token,
                &ISecurityToken::HoldBroken {
                    key: key((last.placer, last.id)),
                    owner,
                    amount: last.amount,
                },
            ));
        }
        logs
    }
}

/// What a contract stores of a hold's name.
pub(crate) fn key(name: Name) -> B256 {
    keccak256(name.abi_encode())
}
