//! The fold: a security's events, applied to its register one after the other, in the order in which they were logged.
//!
//! Every sum is checked. Events that the contract's rules do not allow in this order end the fold with `Impossible`:
//! then the index is not this contract's history.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::sol_types::SolValue as _;

use super::error::IndexError;
use super::holding::Wallet;
use super::lots::{self, Lot, LotId};
use super::page::Entry;
use super::register::{Disposal, Register};
use super::source;
use super::vesting::Schedule;
use crate::chain::abi::ISecurityToken::ISecurityTokenEvents as Event;

impl Register {
    pub(super) fn impossible(&self, what: String) -> IndexError {
        let (block, log) = self.last;
        IndexError::Impossible {
            contract: self.security,
            block,
            log,
            what,
        }
    }

    /// Applies the next log.
    ///
    /// # Errors
    /// `Impossible`; `Lots`.
    pub(super) fn apply(&mut self, entry: &Entry) -> Result<(), IndexError> {
        let minted = self.minted.take();
        let follows = entry.at() == (self.last.0, self.last.1 + 1);
        self.last = entry.at();
        let Some(event) = source::event(entry) else {
            return Err(self.impossible("it no longer decodes".into()));
        };
        match event {
            Event::Transfer(e) => self.transfer(entry, e.from, e.to, e.value)?,
            Event::WalletSet(e) => {
                self.register(e.wallet, e.investorId)?;
                let wallet = self.at(e.wallet);
                wallet.registered = true;
                (wallet.group, wallet.country) = (e.group, e.country);
                wallet.kyc_expiry = e.kycExpiry;
            }
            Event::WalletRemoved(e) => {
                let wallet = self.at(e.wallet);
                wallet.registered = false;
                (wallet.group, wallet.country, wallet.kyc_expiry) = (0, 0, 0);
            }
            Event::WalletRecovered(e) => self.at(e.lost).successor = Some(e.replacement),
            Event::SanctionSet(e) => self.at(e.account).sanctioned = e.sanctioned,
            Event::AddressFrozen(e) => self.at(e.account).frozen = e.isFrozen,
            Event::TokensFrozen(e) => self.freeze(e.account, e.amount, true)?,
            Event::TokensUnfrozen(e) => self.freeze(e.account, e.amount, false)?,
            Event::TokensLocked(e) => {
                self.lock(e.holder, e.amount, e.releaseTime, true)?;
                if follows
                    && minted == Some((entry.tx, e.holder, e.amount))
                    && let Some(held) = self.at(e.holder).lots.back().copied()
                {
                    self.acquired.hold(held.row, e.releaseTime);
                }
            }
            Event::TokensUnlocked(e) => self.lock(e.holder, e.amount, e.releaseTime, false)?,
            Event::VestingGranted(e) => {
                let place = self.place(e.index)?;
                let schedule = Schedule::from(&e);
                self.at(e.holder).places().schedules.insert(place, schedule);
            }
            Event::VestingRevoked(e) => {
                self.reduce(e.holder, e.index, e.unvested)?.revoked = true;
            }
            Event::VestingReduced(e) => {
                self.reduce(e.holder, e.index, e.amount)?;
            }
            Event::VestingMoved(e) => {
                let place = self.place(e.index)?;
                let Some(schedule) = self.at(e.from).places().schedules.remove(&place) else {
                    return Err(self.impossible(format!("no schedule {place} to move")));
                };
                self.at(e.to).places().schedules.insert(place, schedule);
            }
            Event::HoldPlaced(e) => {
                let hold = (e.amount, e.until);
                let key = hold_key(e.placer, e.id);
                self.at(e.owner).places().holds.insert(key, hold);
            }
            Event::HoldUsed(e) => self.end_hold(e.owner, hold_key(e.placer, e.id))?,
            Event::HoldDropped(e) => self.end_hold(e.owner, hold_key(e.placer, e.id))?,
            Event::HoldBroken(e) => self.end_hold(e.owner, e.key)?,
            Event::LimitsSet(e) => self.limits.holders = e.maxHolders,
            Event::GroupHolderLimitSet(e) => {
                limit(&mut self.limits.groups, e.group, e.maxHolders);
            }
            Event::ClassLimitSet(e) => limit(&mut self.limits.classes, e.groups, e.maxHolders),
            // What the register does not say: rules between groups, roles, the reasons for what was already applied.
            Event::Approval(_)
            | Event::RoleGranted(_)
            | Event::RoleRevoked(_)
            | Event::DefaultAdminTransferScheduled(_)
            | Event::GroupRuleSet(_)
            | Event::CountryBlockedSet(_)
            | Event::SupplyCapSet(_)
            | Event::Burned(_)
            | Event::ForcedBurn(_)
            | Event::ForcedTransfer(_)
            | Event::Paused(_)
            | Event::Unpaused(_)
            | Event::Deactivated(_) => {}
        }
        Ok(())
    }

    fn at(&mut self, wallet: Address) -> &mut Wallet {
        self.wallets.entry(wallet).or_default()
    }

    /// Makes a wallet one of an investor's.
    fn register(&mut self, address: Address, id: B256) -> Result<(), IndexError> {
        let wallet = self.at(address);
        let (before, empty) = (wallet.investor, wallet.balance.is_zero());
        wallet.investor = id;
        if before == id {
            return Ok(());
        }
        if !empty {
            return Err(self.impossible(format!(
                "{address} changes its investor while it holds tokens"
            )));
        }
        if let Some(investor) = self.investors.get_mut(&before) {
            investor.wallets.retain(|wallet| *wallet != address);
        }
        self.investors.entry(id).or_default().wallets.push(address);
        Ok(())
    }

    fn transfer(
        &mut self,
        entry: &Entry,
        from: Address,
        to: Address,
        value: U256,
    ) -> Result<(), IndexError> {
        if value.is_zero() || from == to {
            return Ok(());
        }
        let sender = self.debit(from, value)?;
        let moved = match self.named.take() {
            Some(named) if !from.is_zero() => {
                let lots = &mut self.wallets.entry(from).or_default().lots;
                let key = (entry.tx, from);
                let taken = lots::take(lots, &mut self.acquired, value, key, &named);
                self.named = Some(named);
                taken?
            }
            named => {
                self.named = named;
                Vec::new()
            }
        };
        let recipient = self.credit(to, value, entry.time)?;
        if from.is_zero() {
            self.minted = Some((entry.tx, to, value));
        }
        let same = sender.is_some_and(|id| !id.is_zero()) && sender == recipient;
        if !same && sender.is_some() && sender == self.watched {
            let went = moved.iter().map(|held| Disposal {
                lot: self.acquired.lot(*held),
                wallet: from,
                to,
                moved: value,
                time: entry.time,
                tx: entry.tx,
            });
            self.disposed.extend(went);
        }
        if !same {
            self.change(sender, value, false, entry.time)?;
            self.change(recipient, value, true, entry.time)?;
        }
        if self.named.is_some() && !to.is_zero() {
            let fits = if same {
                let lots = &mut self.wallets.entry(to).or_default().lots;
                lots::keep(lots, &mut self.acquired, moved)
            } else {
                let held = self.acquired.add(&acquired(entry, from, to, value));
                held.map(|held| lots::push(&mut self.at(to).lots, held))
            };
            if fits.is_none() {
                return Err(self.impossible("there are more lots than can be counted".into()));
            }
        }
        Ok(())
    }

    /// Takes tokens off a wallet, or issues them; the wallet's investor.
    fn debit(&mut self, from: Address, value: U256) -> Result<Option<B256>, IndexError> {
        if from.is_zero() {
            let Some(supply) = self.supply.checked_add(value) else {
                return Err(self.impossible("the supply exceeds 2^256".into()));
            };
            self.supply = supply;
            return Ok(None);
        }
        let wallet = self.at(from);
        let (investor, balance) = (wallet.investor, wallet.balance);
        let Some(left) = balance.checked_sub(value) else {
            let what = format!("{from} sends {value} base units but holds {balance}");
            return Err(self.impossible(what));
        };
        wallet.balance = left;
        if left.is_zero() {
            wallet.since = 0;
        }
        Ok(Some(investor))
    }

    /// Gives tokens to a wallet, or destroys them; the wallet's investor.
    fn credit(&mut self, to: Address, value: U256, now: u64) -> Result<Option<B256>, IndexError> {
        if to.is_zero() {
            // What was debited was part of it.
            self.supply = self.supply.saturating_sub(value);
            return Ok(None);
        }
        let wallet = self.at(to);
        let investor = wallet.investor;
        let Some(balance) = wallet.balance.checked_add(value) else {
            return Err(self.impossible(format!("{to} would hold more than there is")));
        };
        if wallet.balance.is_zero() {
            wallet.since = now;
        }
        wallet.balance = balance;
        Ok(Some(investor))
    }

    /// Changes what an investor holds in total.
    fn change(
        &mut self,
        investor: Option<B256>,
        value: U256,
        more: bool,
        now: u64,
    ) -> Result<(), IndexError> {
        let Some(id) = investor else {
            return Ok(());
        };
        let investor = self.investors.entry(id).or_default();
        let changed = if more {
            investor.holding.checked_add(value)
        } else {
            investor.holding.checked_sub(value)
        };
        let Some(holding) = changed else {
            return Err(
                self.impossible("an investor's wallets do not add up to its holding".into())
            );
        };
        if investor.holding.is_zero() {
            investor.since = now;
        }
        if holding.is_zero() {
            investor.since = 0;
        }
        investor.holding = holding;
        Ok(())
    }

    fn freeze(&mut self, account: Address, amount: U256, more: bool) -> Result<(), IndexError> {
        let wallet = self.at(account);
        let changed = if more {
            wallet.frozen_tokens.checked_add(amount)
        } else {
            wallet.frozen_tokens.checked_sub(amount)
        };
        let Some(frozen) = changed else {
            return Err(self.impossible(format!(
                "{account} does not have {amount} frozen base units"
            )));
        };
        wallet.frozen_tokens = frozen;
        Ok(())
    }

    fn lock(
        &mut self,
        holder: Address,
        amount: U256,
        release: u64,
        more: bool,
    ) -> Result<(), IndexError> {
        let locks = &mut self.at(holder).places().locks;
        let locked = locks.get(&release).copied().unwrap_or_default();
        let changed = if more {
            locked.checked_add(amount)
        } else {
            locked.checked_sub(amount)
        };
        match changed {
            None => {
                let what =
                    format!("{holder} does not have {amount} base units locked up until {release}");
                return Err(self.impossible(what));
            }
            Some(left) if left.is_zero() => {
                locks.remove(&release);
            }
            Some(left) => {
                locks.insert(release, left);
            }
        }
        Ok(())
    }

    fn place(&self, index: U256) -> Result<u8, IndexError> {
        u8::try_from(index).map_err(|_| self.impossible(format!("there is no place {index}")))
    }

    /// Takes what would have vested last off a schedule.
    fn reduce(
        &mut self,
        holder: Address,
        index: U256,
        amount: U256,
    ) -> Result<&mut Schedule, IndexError> {
        let place = self.place(index)?;
        let error = self.impossible(format!("{holder} has no schedule {place} to take from"));
        let schedule = self.at(holder).places().schedules.get_mut(&place);
        let schedule = schedule.ok_or(error)?;
        schedule.taken = schedule.taken.saturating_add(amount);
        Ok(schedule)
    }

    fn end_hold(&mut self, owner: Address, key: B256) -> Result<(), IndexError> {
        match self.at(owner).places().holds.remove(&key) {
            Some(_) => Ok(()),
            None => Err(self.impossible(format!("{owner} has no such hold"))),
        }
    }
}

/// What the recipient of another investor's tokens, or of new ones, acquires.
fn acquired(entry: &Entry, from: Address, to: Address, value: U256) -> Lot {
    let (block, log) = entry.at();
    Lot {
        id: LotId { block, log },
        acquired: entry.time,
        tx: entry.tx,
        from,
        to,
        bought: value,
        amount: value,
        held_until: None,
    }
}

/// The key that the contract derives from a hold's placer and id.
fn hold_key(placer: Address, id: B256) -> B256 {
    keccak256((placer, id).abi_encode())
}

fn limit<K: Ord>(limits: &mut BTreeMap<K, u32>, key: K, most: u32) {
    if most == 0 {
        limits.remove(&key);
    } else {
        limits.insert(key, most);
    }
}
