//! The registry: wallets and their investors, group rules, blocked countries.
//!
//! An investor has up to [`MAX_WALLETS`] wallets. It counts once as a holder, in the group of its first wallet.

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
    error::revert,
    event,
    restriction::Party,
    returns::{WalletList, WalletRecord},
    store::{BALANCE, RECORD, low, number},
    word::Record,
};

/// Most wallets of one investor.
pub(crate) const MAX_WALLETS: usize = 8;

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

    /// `wallet` as one side of a movement.
    #[inline(never)]
    pub(crate) fn party(&self, wallet: Address) -> Party {
        let row = self.account(wallet);
        let record = Record::from(row.get(RECORD));
        let balance = row.get(BALANCE);
        let (holdings, group) = if record.is_registered() && !record.has(Record::SOLE) {
            self.position(record.investor)
        } else {
            (balance, record.group)
        };
        Party {
            wallet,
            record,
            balance,
            holdings,
            group,
        }
    }

    /// Registers `wallet`, or changes its record.
    #[inline(never)]
    pub(crate) fn register(
        &mut self,
        wallet: Address,
        investor_id: B256,
        group: u8,
        country: u16,
        kyc_expiry: u64,
    ) -> Result<(), Revert> {
        self.check_wallet(wallet)?;
        if investor_id.is_zero() {
            return Err(revert!(InvalidInvestor { wallet }));
        }
        check_group(group)?;
        check_country(country)?;
        let investor = self.investor_index(investor_id);
        let old = self.record(wallet);
        if old.is_registered() && old.investor != investor {
            self.check_empty(wallet)?;
            self.detach(wallet, old.investor);
        }
        let (holdings, old_group) = self.position(investor);
        if old.investor != investor && !self.attach(wallet, investor) {
            return Err(revert!(TooManyWallets {
                investorId: investor_id,
                limit: U256::from(MAX_WALLETS)
            }));
        }
        // Read again: attaching and detaching set the flag of a sole wallet.
        let Record { flags, .. } = self.record(wallet);
        self.set_record(
            wallet,
            Record {
                kyc_expiry,
                investor,
                country,
                group,
                flags,
            },
        );
        self.regroup(investor, holdings, old_group);
        self.log_set(wallet);
        Ok(())
    }

    /// Takes `wallet`, which must be registered and empty, out of the registry.
    #[inline(never)]
    pub(crate) fn unregister(&mut self, wallet: Address) -> Result<(), Revert> {
        let record = self.record(wallet);
        if !record.is_registered() {
            return Err(revert!(WalletNotRegistered { wallet }));
        }
        self.check_empty(wallet)?;
        self.detach(wallet, record.investor);
        self.log_removed(wallet, record.investor);
        Ok(())
    }

    /// Refuses zero and the token itself.
    #[inline(never)]
    pub(crate) fn check_wallet(&self, wallet: Address) -> Result<(), Revert> {
        if wallet.is_zero() || wallet == self.vm().contract_address() {
            return Err(revert!(InvalidWallet { wallet }));
        }
        Ok(())
    }

    /// Refuses a wallet with a balance.
    #[inline(never)]
    pub(crate) fn check_empty(&self, wallet: Address) -> Result<(), Revert> {
        let balance = self.of(wallet, BALANCE);
        if balance.is_zero() {
            return Ok(());
        }
        Err(revert!(WalletNotEmpty { wallet, balance }))
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

    /// What an investor holds in all, and the group it counts in.
    #[inline(never)]
    pub(crate) fn position(&self, investor: u32) -> (U256, u8) {
        let wallets = self.wallets(investor);
        let holdings = wallets.iter().fold(U256::ZERO, |sum, wallet| {
            sum.saturating_add(self.of(*wallet, BALANCE))
        });
        (
            holdings,
            wallets.first().map_or(0, |first| self.record(*first).group),
        )
    }

    /// Hands the place of `lost` in the registry to `replacement`, which has no record of another investor.
    #[inline(never)]
    pub(crate) fn replace(&mut self, lost: Address, replacement: Address) {
        let Record {
            kyc_expiry,
            investor,
            country,
            group,
            ..
        } = self.record(lost);
        let (holdings, old_group) = self.position(investor);
        let mut wallets = self.wallets(investor);
        wallets.retain(|wallet| *wallet != replacement);
        if let Some(place) = wallets.iter_mut().find(|wallet| **wallet == lost) {
            *place = replacement;
        }
        self.set_wallets_of(investor, &wallets);
        let left = self.record(lost).unregistered();
        self.set_record(lost, left);
        let Record { flags, .. } = self.record(replacement);
        self.set_record(
            replacement,
            Record {
                kyc_expiry,
                investor,
                country,
                group,
                flags,
            },
        );
        self.regroup(investor, holdings, old_group);
        self.log_removed(lost, investor);
        self.log_set(replacement);
    }

    #[inline(never)]
    fn log_set(&self, wallet: Address) {
        let record = self.record(wallet);
        log!(event::WalletSet)
            .address(wallet)
            .word(self.investor_id(record.investor))
            .data()
            .uint(number(record.group))
            .uint(number(record.country))
            .uint(number(record.kyc_expiry))
            .emit(self.vm());
    }

    #[inline(never)]
    fn log_removed(&self, wallet: Address, investor: u32) {
        log!(event::WalletRemoved)
            .address(wallet)
            .word(self.investor_id(investor))
            .emit(self.vm());
    }

    /// The index of the investor with this id, a new one if need be.
    fn investor_index(&mut self, id: B256) -> u32 {
        let known = self.known_investor(id);
        if known != 0 {
            return known;
        }
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

    /// Adds `wallet` to an investor's; false when it has as many as it may have.
    fn attach(&mut self, wallet: Address, investor: u32) -> bool {
        let mut wallets = self.wallets(investor);
        if wallets.len() >= MAX_WALLETS {
            return false;
        }
        wallets.push(wallet);
        self.set_wallets_of(investor, &wallets);
        true
    }

    /// Takes `wallet` from an investor's; the last one takes its place.
    fn detach(&mut self, wallet: Address, investor: u32) {
        let (holdings, old_group) = self.position(investor);
        let mut wallets = self.wallets(investor);
        if let Some(i) = wallets.iter().position(|other| *other == wallet) {
            wallets.swap_remove(i);
        }
        self.set_wallets_of(investor, &wallets);
        let left = self.record(wallet).unregistered();
        self.set_record(wallet, left);
        self.regroup(investor, holdings, old_group);
    }

    /// Stores the list of an investor's wallets and marks the sole one.
    #[inline(never)]
    fn set_wallets_of(&mut self, investor: u32, wallets: &[Address]) {
        let mut row = self.investor(investor);
        for i in 0..MAX_WALLETS {
            let wallet = wallets.get(i).copied().unwrap_or_default().into_word();
            row.set(i.wrapping_add(1), uint(&wallet));
        }
        for wallet in wallets {
            self.set_flag(*wallet, Record::SOLE, wallets.len() == 1);
        }
    }

    /// Moves an investor with `holdings` from its old group's count to its present group's.
    fn regroup(&mut self, investor: u32, holdings: U256, old_group: u8) {
        let (_, group) = self.position(investor);
        if !holdings.is_zero() && group != old_group {
            self.count_group(old_group, false);
            self.count_group(group, true);
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
        self.register(wallet, investor_id, group, country, kyc_expiry)
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
            self.register(wallet, investor, group, country, kyc_expiry)?;
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
        self.position(self.known_investor(investor_id)).0
    }
}
