//! The registry: wallets and their investors.
//!
//! An investor has up to [`MAX_WALLETS`] wallets. Group, country, KYC expiry, sanction and freeze are the investor's, and
//! are in the record of each of its wallets, so that a movement reads one word per side.

use alloc::vec::Vec;

use alloy_primitives::{Address, B256, U256};
use runtime::{
    abi::Revert,
    log,
    word::{bytes, uint},
};
use stylus_sdk::prelude::*;

use super::{
    SecurityToken, batch,
    error::{check_status, revert},
    event,
    restriction::Party,
    returns::{WalletList, WalletRecord},
    store::{BALANCE, FROZEN_TOKENS, RECORD, SUCCESSOR, low, number},
    word::Record,
};

/// Most wallets of one investor.
pub(crate) const MAX_WALLETS: usize = 8;

/// What the registry knows of an investor: the same in all of its wallets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    /// Group, from 1 on.
    pub(crate) group: u8,
    /// ISO 3166-1 numeric country.
    pub(crate) country: u16,
    /// First second at which the KYC check is no longer valid.
    pub(crate) kyc_expiry: u64,
}

impl Person {
    fn of(record: &Record) -> Self {
        Self {
            group: record.group,
            country: record.country,
            kyc_expiry: record.kyc_expiry,
        }
    }
}

/// Highest number that ISO 3166-1 leaves room for.
pub(crate) const HIGHEST_COUNTRY: u16 = 999;

impl SecurityToken {
    /// The record of `wallet`.
    #[inline(never)]
    pub(crate) fn record(&self, wallet: Address) -> Record {
        self.of(wallet, RECORD).into()
    }

    #[inline(never)]
    pub(crate) fn set_record(&mut self, wallet: Address, record: Record) {
        self.set_of(wallet, RECORD, record.into());
    }

    /// Turns one flag of the record of `wallet` on or off.
    #[inline(never)]
    pub(crate) fn set_flag(&mut self, wallet: Address, flag: u8, on: bool) {
        let mut record = self.record(wallet);
        record.set(flag, on);
        self.set_record(wallet, record);
    }

    /// `wallet` as one side of a movement: of a sender everything that is bound, of a recipient what is held.
    #[inline(never)]
    pub(crate) fn party(&self, wallet: Address, sends: bool, now: u64) -> Party {
        let row = self.account(wallet);
        let stored = Record::from(row.get(RECORD));
        let balance = row.get(BALANCE);
        let mut party = Party {
            wallet,
            record: stored,
            balance,
            holdings: balance,
            ..Party::default()
        };
        if stored.is_registered() && !stored.has(Record::SOLE) {
            party.holdings = self.holdings(stored.investor);
        }
        if sends && stored.has(Record::PARTLY_FROZEN) {
            party.bound.frozen = row.get(FROZEN_TOKENS);
        }
        if stored.has_places() {
            let record = &mut party.record;
            if sends {
                party.bound.locked = self.sum_locks(wallet, record, now);
                party.bound.unvested = self.sum_schedules(wallet, record, now);
            }
            party.bound.held = self.sum_holds(wallet, record, now);
            party.changed = *record != stored;
        }
        party
    }

    /// Registers `wallet` for an investor, or changes the record of a registered one.
    #[inline(never)]
    pub(crate) fn register(
        &mut self,
        wallet: Address,
        investor_id: B256,
        person: Person,
    ) -> Result<(), Revert> {
        self.check_wallet(wallet)?;
        if investor_id.is_zero() {
            return Err(revert!(InvalidInvestor { wallet }));
        }
        self.check_person(person)?;
        let mut record = self.record(wallet);
        if record.has(Record::REPLACED) {
            return Err(revert!(WalletReplaced {
                wallet,
                successor: self.successor(wallet)
            }));
        }
        let mut investor = self.known_investor(investor_id);
        let wallets = self.wallets(investor);
        let fresh = record.investor == 0 || record.investor != investor;
        let mut status = if fresh {
            0
        } else {
            record.flags & Record::STATUS
        };
        if let Some(other) = wallets.iter().find(|other| **other != wallet) {
            let theirs = self.record(*other);
            let Person { group, country, .. } = Person::of(&theirs);
            if (group, country) != (person.group, person.country) {
                return Err(revert!(InvestorDiffers {
                    investorId: investor_id,
                    group,
                    country
                }));
            }
            status = theirs.flags & Record::STATUS;
        }
        if fresh {
            check_status(record.flags, status)?;
            if record.is_registered() {
                self.check_removable(wallet, &record)?;
            }
            if wallets.len() >= MAX_WALLETS {
                return Err(revert!(TooManyWallets {
                    investorId: investor_id,
                    limit: U256::from(MAX_WALLETS)
                }));
            }
            if record.is_registered() {
                self.detach(wallet, record.investor);
            }
            if investor == 0 {
                investor = self.add_investor(investor_id);
            }
            self.attach(wallet, investor, &wallets);
            record.set(Record::SOLE, wallets.is_empty());
        } else {
            self.regroup(investor, record.group, person.group);
        }
        let gained = status & !record.flags;
        record.flags |= gained;
        record.investor = investor;
        self.set_person(wallet, record, person, investor_id);
        self.log_status(wallet, gained, true);
        for other in wallets.into_iter().filter(|other| *other != wallet) {
            let theirs = self.record(other);
            if theirs.kyc_expiry != person.kyc_expiry {
                self.set_person(other, theirs, person, investor_id);
            }
        }
        Ok(())
    }

    /// Changes an investor's data in all of its wallets.
    #[inline(never)]
    pub(crate) fn change_investor(
        &mut self,
        investor_id: B256,
        person: Person,
    ) -> Result<(), Revert> {
        self.check_person(person)?;
        let investor = self.known_investor(investor_id);
        let wallets = self.wallets(investor);
        let Some(first) = wallets.first() else {
            return Err(revert!(InvestorNotFound {
                investorId: investor_id
            }));
        };
        self.regroup(investor, self.record(*first).group, person.group);
        for wallet in wallets {
            self.set_person(wallet, self.record(wallet), person, investor_id);
        }
        Ok(())
    }

    /// Takes `wallet`, which must be registered and hold nothing, out of the registry.
    #[inline(never)]
    pub(crate) fn unregister(&mut self, wallet: Address) -> Result<(), Revert> {
        let record = self.record(wallet);
        if !record.is_registered() {
            return Err(revert!(WalletNotRegistered { wallet }));
        }
        self.check_removable(wallet, &record)?;
        self.detach(wallet, record.investor);
        self.log_removed(wallet, record.investor);
        Ok(())
    }

    /// Refuses a wallet that is sanctioned, frozen, encumbered or not empty.
    #[inline(never)]
    fn check_removable(&self, wallet: Address, record: &Record) -> Result<(), Revert> {
        check_status(record.flags, 0)?;
        self.check_vacant(wallet)
    }

    /// Refuses a wallet that is not empty, or has locks or schedules in force.
    #[inline(never)]
    pub(crate) fn check_vacant(&self, wallet: Address) -> Result<(), Revert> {
        let Party {
            record,
            balance,
            bound,
            ..
        } = self.party(wallet, true, self.now());
        if !balance.is_zero() {
            return Err(revert!(WalletNotEmpty { wallet, balance }));
        }
        if record.has_places() {
            return Err(revert!(WalletEncumbered {
                wallet,
                locked: bound.locked,
                schedules: number(u64::from(record.schedules.count_ones()))
            }));
        }
        Ok(())
    }

    /// Checks an investor's data.
    #[inline(never)]
    fn check_person(&self, person: Person) -> Result<(), Revert> {
        check_group(person.group)?;
        check_country(person.country)?;
        self.check_time(person.kyc_expiry)
    }

    /// Stores a record with its investor's data, and logs it.
    #[inline(never)]
    fn set_person(&mut self, wallet: Address, record: Record, person: Person, investor_id: B256) {
        let Person {
            group,
            country,
            kyc_expiry,
        } = person;
        self.set_record(
            wallet,
            Record {
                kyc_expiry,
                country,
                group,
                ..record
            },
        );
        log!(event::WalletSet)
            .address(wallet)
            .word(investor_id)
            .data()
            .uint(number(group))
            .uint(number(country))
            .uint(number(kyc_expiry))
            .emit(self.vm());
    }

    /// Refuses zero and the token itself.
    #[inline(never)]
    pub(crate) fn check_wallet(&self, wallet: Address) -> Result<(), Revert> {
        if wallet.is_zero() || wallet == self.vm().contract_address() {
            return Err(revert!(InvalidWallet { wallet }));
        }
        Ok(())
    }

    /// The id of the investor with this index; zero for index 0.
    #[inline(never)]
    pub(crate) fn investor_id(&self, investor: u32) -> B256 {
        bytes(&self.investor(investor).get(0))
    }

    /// The wallets of an investor.
    #[inline(never)]
    pub(crate) fn wallets(&self, investor: u32) -> Vec<Address> {
        let row = self.investor(investor);
        let mut wallets = Vec::with_capacity(MAX_WALLETS);
        for place in 1..=MAX_WALLETS {
            let wallet = row.get(place);
            if wallet.is_zero() {
                break;
            }
            wallets.push(Address::from_word(bytes(&wallet)));
        }
        wallets
    }

    /// What an investor holds in all.
    #[inline(never)]
    pub(crate) fn holdings(&self, investor: u32) -> U256 {
        let wallets = self.wallets(investor).into_iter();
        wallets.fold(U256::ZERO, |sum, wallet| {
            sum.saturating_add(self.of(wallet, BALANCE))
        })
    }

    /// The wallet that replaced a lost one.
    #[inline(never)]
    pub(crate) fn successor(&self, lost: Address) -> Address {
        Address::from_word(bytes(&self.of(lost, SUCCESSOR)))
    }

    #[inline(never)]
    pub(crate) fn log_removed(&self, wallet: Address, investor: u32) {
        log!(event::WalletRemoved)
            .address(wallet)
            .word(self.investor_id(investor))
            .emit(self.vm());
    }

    /// Gives an investor the next index.
    #[inline(never)]
    fn add_investor(&mut self, id: B256) -> u32 {
        let mut settings = self.settings();
        // 2^32 registrations do not fit the life of a chain.
        settings.investors = settings.investors.saturating_add(1);
        self.set_settings(settings);
        self.index_of(id).set(0, number(settings.investors));
        self.investor(settings.investors).set(0, uint(&id));
        settings.investors
    }

    /// The index of the investor with this id, or 0.
    #[inline(never)]
    pub(crate) fn known_investor(&self, id: B256) -> u32 {
        let index = low(self.index_of(id).get(0));
        #[allow(clippy::cast_possible_truncation, reason = "indices are 32 bits wide")]
        let index = index as u32;
        index
    }

    /// Adds `wallet` to the wallets of an investor.
    #[inline(never)]
    fn attach(&mut self, wallet: Address, investor: u32, wallets: &[Address]) {
        if let [sole] = wallets {
            self.set_flag(*sole, Record::SOLE, false);
        }
        let place = wallets.len().wrapping_add(1);
        self.investor(investor)
            .set(place, uint(&wallet.into_word()));
    }

    /// Takes `wallet` from an investor's wallets and out of the registry; the last one takes its place.
    #[inline(never)]
    pub(crate) fn detach(&mut self, wallet: Address, investor: u32) {
        let mut wallets = self.wallets(investor);
        let mut row = self.investor(investor);
        let last = wallets.last().copied().unwrap_or_default();
        row.set(wallets.len(), U256::ZERO);
        if let Some(i) = wallets.iter().position(|other| *other == wallet) {
            if last != wallet {
                row.set(i.wrapping_add(1), uint(&last.into_word()));
            }
            wallets.swap_remove(i);
        }
        if let [sole] = wallets.as_slice() {
            self.set_flag(*sole, Record::SOLE, true);
        }
        let left = self.record(wallet).unregistered();
        self.set_record(wallet, left);
    }

    /// Counts an investor that holds something in its new group.
    #[inline(never)]
    fn regroup(&mut self, investor: u32, old: u8, new: u8) {
        if old != new && !self.holdings(investor).is_zero() {
            self.count_group(old, false);
            self.count_group(new, true);
        }
    }
}

/// Refuses group 0.
pub(crate) fn check_group(group: u8) -> Result<(), Revert> {
    if group == 0 {
        return Err(revert!(InvalidGroup { group }));
    }
    Ok(())
}

pub(crate) fn check_country(country: u16) -> Result<(), Revert> {
    if country > HIGHEST_COUNTRY {
        return Err(revert!(InvalidCountry {
            country: U256::from(country)
        }));
    }
    Ok(())
}

impl SecurityToken {
    pub(crate) fn set_wallet(
        &mut self,
        wallet: Address,
        investor_id: B256,
        group: u8,
        country: u16,
        kyc_expiry: u64,
    ) -> Result<(), Revert> {
        self.only_compliance()?;
        let person = Person {
            group,
            country,
            kyc_expiry,
        };
        self.register(wallet, investor_id, person)
    }

    pub(crate) fn set_investor(
        &mut self,
        investor_id: B256,
        group: u8,
        country: u16,
        kyc_expiry: u64,
    ) -> Result<(), Revert> {
        self.only_compliance()?;
        let person = Person {
            group,
            country,
            kyc_expiry,
        };
        self.change_investor(investor_id, person)
    }

    pub(crate) fn set_wallets(
        &mut self,
        wallets: Vec<Address>,
        investor_ids: Vec<B256>,
        groups: Vec<u8>,
        countries: Vec<u16>,
        kyc_expiries: Vec<u64>,
    ) -> Result<(), Revert> {
        self.only_compliance()?;
        batch::check(
            wallets.len(),
            &[
                investor_ids.len(),
                groups.len(),
                countries.len(),
                kyc_expiries.len(),
            ],
        )?;
        let records = groups.into_iter().zip(countries).zip(kyc_expiries);
        for ((wallet, investor), ((group, country), kyc_expiry)) in
            wallets.into_iter().zip(investor_ids).zip(records)
        {
            let person = Person {
                group,
                country,
                kyc_expiry,
            };
            self.register(wallet, investor, person)?;
        }
        Ok(())
    }

    pub(crate) fn remove_wallet(&mut self, wallet: Address) -> Result<(), Revert> {
        self.only_compliance()?;
        self.unregister(wallet)
    }

    pub(crate) fn wallet_record(&self, wallet: Address) -> WalletRecord {
        let record = self.record(wallet);
        WalletRecord {
            investorId: self.investor_id(record.investor),
            group: record.group,
            country: record.country,
            kycExpiry: record.kyc_expiry,
            frozen: record.has(Record::FROZEN),
            sanctioned: record.has(Record::SANCTIONED),
        }
    }

    pub(crate) fn wallets_of(&self, investor_id: B256) -> WalletList {
        WalletList {
            wallets: self.wallets(self.known_investor(investor_id)),
        }
    }

    pub(crate) fn holdings_of(&self, investor_id: B256) -> U256 {
        self.holdings(self.known_investor(investor_id))
    }

    pub(crate) fn successor_of(&self, lost: Address) -> Address {
        self.successor(lost)
    }
}
