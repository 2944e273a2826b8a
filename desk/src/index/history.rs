//! What happened to a security's tokens, movement by movement, with what the surrounding events say about each.

use alloy::primitives::{Address, B256, U256};
use serde::Serialize;

use super::error::IndexError;
use super::page::Entry;
use super::register::Register;
use super::source::{self, Source};
use super::{Index, Prices};
use crate::chain::Block;
use crate::chain::abi::ISecurityToken::ISecurityTokenEvents as Event;

/// Why tokens moved.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Issued.
    Issued,
    /// Issued under a vesting schedule.
    Granted,
    /// Sold in a settlement of this venue.
    Traded,
    /// Sent, or taken from an allowance, elsewhere.
    Transferred,
    /// Between wallets of one investor.
    OwnWallets,
    /// To the wallet that replaced a lost one.
    Recovered,
    /// Taken back unvested.
    Revoked,
    /// Moved by order.
    Forced,
    /// Redeemed.
    Redeemed,
    /// Destroyed by order.
    ForcedBurn,
}

impl Cause {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Granted => "granted, vesting",
            Self::Traded => "traded",
            Self::Transferred => "transferred",
            Self::OwnWallets => "between own wallets",
            Self::Recovered => "lost wallet replaced",
            Self::Revoked => "unvested, taken back",
            Self::Forced => "moved by order",
            Self::Redeemed => "redeemed",
            Self::ForcedBurn => "destroyed by order",
        }
    }
}

/// Tokens that moved.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Movement {
    /// Unix seconds.
    pub time: u64,
    /// The block.
    pub block: u64,
    /// The log's number in it.
    pub log: u64,
    /// The transaction.
    pub tx: B256,
    /// From which wallet; zero: issued.
    pub from: Address,
    /// To which; zero: destroyed.
    pub to: Address,
    /// Base units.
    pub value: U256,
    /// Why.
    pub cause: Cause,
    /// The reason that is on chain.
    pub reason: Option<B256>,
    /// What a settlement paid for it, base units of the coin.
    pub paid: Option<U256>,
}

/// A stretch of a security's history: from a second on, up to a block.
#[derive(Clone, Copy, Debug)]
pub struct Period {
    /// First second that counts.
    pub from: u64,
    /// Last block that counts.
    pub to: Block,
}

impl Index {
    /// Folds a security's events to the end of a period; `opened` sees the register before its first event, `take`
    /// every movement in it, with the register after that movement's transaction.
    ///
    /// # Errors
    /// As [`Index::register`]; `Lots`.
    pub async fn walk(
        &self,
        source: &Source,
        period: Period,
        prices: &Prices,
        mut register: Register,
        mut opened: impl FnMut(&Register),
        mut take: impl FnMut(&Register, Movement),
    ) -> Result<Register, IndexError> {
        let mut transaction: Vec<Entry> = Vec::new();
        let mut open = false;
        self.each(source, Some(period.to.number), |entry| {
            if entry.time >= period.from {
                if !open {
                    opened(&register);
                    open = true;
                }
                if transaction.last().is_some_and(|last| last.tx != entry.tx) {
                    explain(&transaction, &register, prices, &mut take);
                    transaction.clear();
                }
                transaction.push(entry.clone());
            }
            register.apply(entry)
        })
        .await?;
        if !open {
            opened(&register);
        }
        explain(&transaction, &register, prices, &mut take);
        register.finish(period.to)?;
        Ok(register)
    }
}

/// Labels each movement of a transaction with what the surrounding events say.
fn explain(
    transaction: &[Entry],
    register: &Register,
    prices: &Prices,
    take: &mut impl FnMut(&Register, Movement),
) {
    let events: Vec<(&Entry, Event)> = transaction
        .iter()
        .filter_map(|entry| Some((entry, source::event(entry)?)))
        .collect();
    for (place, (entry, event)) in events.iter().enumerate() {
        let Event::Transfer(moved) = event else {
            continue;
        };
        if moved.value.is_zero() {
            continue;
        }
        let (from, to, value) = (moved.from, moved.to, moved.value);
        let after = events
            .get(place + 1)
            .filter(|(next, _)| next.log == entry.log + 1);
        let revoked = events[..place].iter().any(|(_, event)| {
            matches!(event, Event::VestingRevoked(e) if (e.holder, e.to, e.unvested) == (from, to, value))
        });
        let (cause, reason) = match after.map(|(_, event)| event) {
            Some(Event::ForcedTransfer(e)) if (e.from, e.to) == (from, to) => {
                (Cause::Forced, Some(e.reason))
            }
            Some(Event::Burned(e)) if e.from == from => (Cause::Redeemed, Some(e.reason)),
            Some(Event::ForcedBurn(e)) if e.from == from => (Cause::ForcedBurn, Some(e.reason)),
            Some(Event::WalletRecovered(e)) if (e.lost, e.replacement) == (from, to) => {
                (Cause::Recovered, Some(e.reason))
            }
            Some(Event::VestingGranted(e)) if e.holder == to && from.is_zero() => {
                (Cause::Granted, None)
            }
            _ if from.is_zero() => (Cause::Issued, None),
            _ if revoked => (Cause::Revoked, None),
            _ if register.same_person(from, to) => (Cause::OwnWallets, None),
            _ if prices.contains_key(&(entry.tx, from, to, value)) => (Cause::Traded, None),
            _ => (Cause::Transferred, None),
        };
        let movement = Movement {
            time: entry.time,
            block: entry.block,
            log: entry.log,
            tx: entry.tx,
            from,
            to,
            value,
            cause,
            reason,
            paid: prices.get(&(entry.tx, from, to, value)).copied(),
        };
        take(register, movement);
    }
}
