//! A register as it was after a block, kept so that a later one need not be folded from the first log.
//!
//! It says nothing that the pages do not: without it a register takes longer to build, and is the same. Lots are not in
//! it.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, U256};

use super::bytes::{Bytes, varint, word};
use super::holding::{Bound, Wallet};
use super::register::{Investor, Register};
use super::source::Source;
use super::vesting::Schedule;

/// What a wallet has besides its holding: a bit for each.
const REGISTERED: u8 = 1;
const SANCTIONED: u8 = 1 << 1;
const FROZEN: u8 = 1 << 2;
const REPLACED: u8 = 1 << 3;
const PARTLY_FROZEN: u8 = 1 << 4;
const BOUND: u8 = 1 << 5;

/// Packs a register that was folded without lots.
pub(super) fn pack(register: &Register) -> Vec<u8> {
    let mut out = Vec::new();
    number(&mut out, register.supply);
    varint(&mut out, register.limits.holders.into());
    varint(&mut out, register.limits.groups.len() as u64);
    for (group, most) in &register.limits.groups {
        out.push(*group);
        varint(&mut out, (*most).into());
    }
    varint(&mut out, register.limits.classes.len() as u64);
    for (groups, most) in &register.limits.classes {
        number(&mut out, *groups);
        varint(&mut out, (*most).into());
    }
    varint(&mut out, register.investors.len() as u64);
    for (id, investor) in &register.investors {
        word(&mut out, id.as_slice());
        number(&mut out, investor.holding);
        varint(&mut out, investor.since);
        let wallets = investor.wallets.iter();
        pack_wallets(
            &mut out,
            wallets.filter_map(|wallet| register.wallets.get_key_value(wallet)),
        );
    }
    let wallets = register.wallets.iter();
    let of_nobody = wallets.filter(|(_, wallet)| wallet.investor.is_zero());
    pack_wallets(&mut out, of_nobody);
    out
}

fn pack_wallets<'a>(out: &mut Vec<u8>, wallets: impl Iterator<Item = (&'a Address, &'a Wallet)>) {
    let wallets: Vec<_> = wallets.collect();
    varint(out, wallets.len() as u64);
    for (address, wallet) in wallets {
        out.extend_from_slice(address.as_slice());
        pack_wallet(out, wallet);
    }
}

fn pack_wallet(out: &mut Vec<u8>, wallet: &Wallet) {
    let has = [
        (wallet.registered, REGISTERED),
        (wallet.sanctioned, SANCTIONED),
        (wallet.frozen, FROZEN),
        (wallet.successor.is_some(), REPLACED),
        (!wallet.frozen_tokens.is_zero(), PARTLY_FROZEN),
        (wallet.bound.is_some(), BOUND),
    ];
    let flags = has.into_iter().filter(|(has, _)| *has);
    out.push(flags.fold(0, |flags, (_, flag)| flags | flag));
    out.push(wallet.group);
    varint(out, wallet.country.into());
    varint(out, wallet.kyc_expiry);
    number(out, wallet.balance);
    varint(out, wallet.since);
    if let Some(successor) = wallet.successor {
        out.extend_from_slice(successor.as_slice());
    }
    if !wallet.frozen_tokens.is_zero() {
        number(out, wallet.frozen_tokens);
    }
    if let Some(bound) = &wallet.bound {
        pack_bound(out, bound);
    }
}

fn pack_bound(out: &mut Vec<u8>, bound: &Bound) {
    varint(out, bound.locks.len() as u64);
    for (release, amount) in &bound.locks {
        varint(out, *release);
        number(out, *amount);
    }
    varint(out, bound.schedules.len() as u64);
    for (place, schedule) in &bound.schedules {
        out.push(*place);
        number(out, schedule.amount);
        number(out, schedule.taken);
        varint(out, schedule.start);
        varint(out, schedule.cliff.into());
        varint(out, schedule.period.into());
        varint(out, schedule.periods.into());
        varint(out, schedule.first_bips.into());
        out.push(u8::from(schedule.revocable) | u8::from(schedule.revoked) << 1);
    }
    varint(out, bound.holds.len() as u64);
    for (key, (amount, until)) in &bound.holds {
        word(out, key.as_slice());
        number(out, *amount);
        varint(out, *until);
    }
}

/// The register of a source as it was after a block; `None` when the bytes are not a register.
pub(super) fn read(source: &Source, block: u64, bytes: &[u8]) -> Option<Register> {
    let mut bytes = Bytes(bytes);
    let mut register = Register::new(source);
    register.last = (block, 0);
    register.supply = bytes.amount()?;
    register.limits.holders = bytes.small()?;
    register.limits.groups = bytes.map(|bytes| Some((bytes.byte()?, bytes.small()?)))?;
    register.limits.classes = bytes.map(|bytes| Some((bytes.amount()?, bytes.small()?)))?;
    for _ in 0..bytes.varint()? {
        let id = bytes.word()?;
        let (holding, since) = (bytes.amount()?, bytes.varint()?);
        let investor = Investor {
            wallets: read_wallets(&mut bytes, &mut register, id)?,
            holding,
            since,
        };
        register.investors.insert(id, investor);
    }
    read_wallets(&mut bytes, &mut register, B256::ZERO)?;
    bytes.0.is_empty().then_some(register)
}

fn read_wallets(
    bytes: &mut Bytes<'_>,
    register: &mut Register,
    investor: B256,
) -> Option<Vec<Address>> {
    let count = bytes.varint()?;
    (0..count)
        .map(|_| {
            let address = bytes.address()?;
            let wallet = Wallet {
                investor,
                ..bytes.wallet()?
            };
            register.wallets.insert(address, wallet);
            Some(address)
        })
        .collect()
}

impl Bytes<'_> {
    fn address(&mut self) -> Option<Address> {
        self.take(Address::len_bytes()).map(Address::from_slice)
    }

    fn amount(&mut self) -> Option<U256> {
        self.word().map(Into::into)
    }

    /// A number of a smaller kind.
    fn small<T: TryFrom<u64>>(&mut self) -> Option<T> {
        T::try_from(self.varint()?).ok()
    }

    fn map<K: Ord, V>(
        &mut self,
        mut entry: impl FnMut(&mut Self) -> Option<(K, V)>,
    ) -> Option<BTreeMap<K, V>> {
        let count = self.varint()?;
        (0..count).map(|_| entry(self)).collect()
    }

    fn wallet(&mut self) -> Option<Wallet> {
        let flags = self.byte()?;
        let has = |flag| flags & flag != 0;
        Some(Wallet {
            registered: has(REGISTERED),
            sanctioned: has(SANCTIONED),
            frozen: has(FROZEN),
            group: self.byte()?,
            country: self.small()?,
            kyc_expiry: self.varint()?,
            balance: self.amount()?,
            since: self.varint()?,
            successor: if has(REPLACED) {
                Some(self.address()?)
            } else {
                None
            },
            frozen_tokens: if has(PARTLY_FROZEN) {
                self.amount()?
            } else {
                U256::ZERO
            },
            bound: if has(BOUND) {
                Some(Box::new(self.bound()?))
            } else {
                None
            },
            ..Wallet::default()
        })
    }

    fn bound(&mut self) -> Option<Bound> {
        Some(Bound {
            locks: self.map(|bytes| Some((bytes.varint()?, bytes.amount()?)))?,
            schedules: self.map(|bytes| Some((bytes.byte()?, bytes.schedule()?)))?,
            holds: self.map(|bytes| {
                let key: B256 = bytes.word()?;
                Some((key, (bytes.amount()?, bytes.varint()?)))
            })?,
        })
    }

    fn schedule(&mut self) -> Option<Schedule> {
        let mut schedule = Schedule {
            amount: self.amount()?,
            taken: self.amount()?,
            start: self.varint()?,
            cliff: self.small()?,
            period: self.small()?,
            periods: self.small()?,
            first_bips: self.small()?,
            revocable: false,
            revoked: false,
        };
        let flags = self.byte()?;
        schedule.revocable = flags & 1 != 0;
        schedule.revoked = flags & 2 != 0;
        Some(schedule)
    }
}

fn number(out: &mut Vec<u8>, amount: U256) {
    word(out, &amount.to_be_bytes::<32>());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::index::Kind;

    proptest! {
        #[test]
        fn bytes_that_are_no_register_end_without_a_panic(bytes: Vec<u8>) {
            let source = Source {
                chain_id: 1,
                address: Address::ZERO,
                kind: Kind::Security,
                first_block: 1,
            };
            let _ = read(&source, 7, &bytes);
        }
    }
}
