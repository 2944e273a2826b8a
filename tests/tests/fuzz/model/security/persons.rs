//! The registry, and what belongs to an investor rather than a wallet: status, group, country and KYC.

use acceptance::bindings::ISecurityToken;
use alloy::primitives::{Address, B256, Log, U256};

use crate::model::{Outcome, Refusal, log, role};

use super::{
    Record, Security, WALLETS,
    acts::{not_too_far, set},
};

impl Security {
    /// The wallets of one investor, in the order in which they were added.
    pub(crate) fn wallets_of(&self, investor: B256) -> Vec<Address> {
        self.wallets.get(&investor).cloned().unwrap_or_default()
    }

    /// The wallets that share decisions about one address: all of its investor's, or only itself.
    fn siblings(&self, account: Address) -> Vec<Address> {
        match self.records.get(&account) {
            Some(record) => self.wallets_of(record.investor),
            None => vec![account],
        }
    }

    fn is_encumbered(&self, wallet: Address, now: u64) -> bool {
        let bound: U256 = self.encumbrances(wallet, now).into_iter().sum();
        bound + self.holds.held(wallet, now, None) > U256::ZERO
    }

    fn is_locked(&self, wallet: Address, now: u64) -> bool {
        self.encumbrances(wallet, now)[1] > U256::ZERO
    }

    fn wallet_set(&self, wallet: Address, record: Record) -> Log {
        let event = ISecurityToken::WalletSet {
            wallet,
            investorId: record.investor,
            group: record.group,
            country: record.country,
            kycExpiry: record.kyc_expiry,
        };
        log(self.ledger.address, &event)
    }

    /// "`setWallet` adds a wallet, or repeats, and is refused when group or country differ from the investor's other
    /// wallets (a KYC expiry is taken for all)."
    pub(super) fn set_wallet(
        &mut self,
        by: Address,
        call: &ISecurityToken::setWalletCall,
        now: u64,
    ) -> Outcome {
        self.roles.check(by, role("COMPLIANCE_ROLE"))?;
        let wallet = call.wallet;
        let record = Record {
            investor: call.investorId,
            group: call.group,
            country: call.country,
            kyc_expiry: call.kycExpiry,
        };
        let found = self.records.get(&wallet).copied();
        let others: Vec<_> = self
            .wallets_of(record.investor)
            .into_iter()
            .filter(|other| *other != wallet)
            .collect();
        let fits = |other: &Address| {
            let other = self.records[other];
            (other.group, other.country) == (record.group, record.country)
        };
        let is_new = found.is_none_or(|found| found.investor != record.investor);
        let status = |wallet: &Address| {
            (
                self.sanctioned.contains(wallet),
                self.frozen.contains(wallet),
            )
        };
        let theirs = others.first().map_or((false, false), status);
        let (sanctioned, frozen) = status(&wallet);
        let leaves = found.filter(|_| is_new);
        not_too_far(call.kycExpiry, now)?;
        let refusals = [
            self.successors.contains_key(&wallet),
            !others.iter().all(fits),
            is_new && others.len() == WALLETS,
            // "A sanctioned or frozen address is registered only for an investor who is the same."
            is_new && (sanctioned && !theirs.0 || frozen && !theirs.1),
            leaves.is_some()
                && (sanctioned
                    || frozen
                    || self.ledger.balance(wallet) > U256::ZERO
                    || self.is_locked(wallet, now)),
        ];
        if refusals.contains(&true) {
            return Err(Refusal::Typed);
        }
        if let Some(found) = leaves {
            self.forget(wallet, found.investor);
        }
        if is_new {
            self.wallets
                .entry(record.investor)
                .or_default()
                .push(wallet);
        }
        self.records.insert(wallet, record);
        let mut logs = vec![self.wallet_set(wallet, record)];
        for other in others {
            let known = self.records.get_mut(&other).expect("registered");
            if known.kyc_expiry != record.kyc_expiry {
                known.kyc_expiry = record.kyc_expiry;
                logs.push(self.wallet_set(other, record));
            }
        }
        // "A new wallet takes over sanction and freeze."
        if is_new && theirs.0 && !sanctioned {
            logs.push(self.mark_sanctioned(wallet, true, by));
        }
        if is_new && theirs.1 && !frozen {
            logs.push(self.mark_frozen(wallet, true, by));
        }
        Ok(logs)
    }

    /// "Changes all wallets, one WalletSet each."
    pub(super) fn set_investor(
        &mut self,
        by: Address,
        call: &ISecurityToken::setInvestorCall,
        now: u64,
    ) -> Outcome {
        self.roles.check(by, role("COMPLIANCE_ROLE"))?;
        let wallets = self.wallets_of(call.investorId);
        not_too_far(call.kycExpiry, now)?;
        if wallets.is_empty() {
            return Err(Refusal::Typed);
        }
        let record = Record {
            investor: call.investorId,
            group: call.group,
            country: call.country,
            kyc_expiry: call.kycExpiry,
        };
        let mut logs = Vec::new();
        for wallet in wallets {
            self.records.insert(wallet, record);
            logs.push(self.wallet_set(wallet, record));
        }
        Ok(logs)
    }

    fn forget(&mut self, wallet: Address, investor: B256) {
        self.records.remove(&wallet);
        let wallets = self.wallets.entry(investor).or_default();
        // The last takes the place of the one that leaves.
        if let Some(place) = wallets.iter().position(|other| *other == wallet) {
            wallets.swap_remove(place);
        }
    }

    pub(super) fn remove_wallet(&mut self, by: Address, wallet: Address, now: u64) -> Outcome {
        self.roles.check(by, role("COMPLIANCE_ROLE"))?;
        let is_blocked = self.sanctioned.contains(&wallet) || self.frozen.contains(&wallet);
        let is_held = self.ledger.balance(wallet) > U256::ZERO;
        let is_held = is_held || self.is_locked(wallet, now);
        let Some(record) = self
            .records
            .get(&wallet)
            .copied()
            .filter(|_| !is_blocked && !is_held)
        else {
            return Err(Refusal::Typed);
        };
        self.forget(wallet, record.investor);
        let investorId = record.investor;
        Ok(vec![log(
            self.ledger.address,
            &ISecurityToken::WalletRemoved { wallet, investorId },
        )])
    }

    fn mark_sanctioned(&mut self, account: Address, sanctioned: bool, by: Address) -> Log {
        set(&mut self.sanctioned, account, sanctioned);
        let event = ISecurityToken::SanctionSet {
            account,
            sanctioned,
            by,
        };
        log(self.ledger.address, &event)
    }

    fn mark_frozen(&mut self, account: Address, frozen: bool, by: Address) -> Log {
        set(&mut self.frozen, account, frozen);
        let event = ISecurityToken::AddressFrozen {
            account,
            isFrozen: frozen,
            by,
        };
        log(self.ledger.address, &event)
    }

    /// "On one wallet set all of the investor's; an address outside the registry is set alone": an event for the one that is
    /// named, and for each other that changes.
    pub(super) fn sanction(
        &mut self,
        by: Address,
        accounts: &[Address],
        sanctioned: bool,
    ) -> Outcome {
        self.roles.check(by, role("ENFORCER_ROLE"))?;
        let mut logs = Vec::new();
        for account in accounts {
            for wallet in self.siblings(*account) {
                if wallet == *account || self.sanctioned.contains(&wallet) != sanctioned {
                    logs.push(self.mark_sanctioned(wallet, sanctioned, by));
                }
            }
        }
        Ok(logs)
    }

    pub(super) fn freeze(&mut self, by: Address, account: Address, frozen: bool) -> Outcome {
        self.roles.check(by, role("ENFORCER_ROLE"))?;
        let mut logs = Vec::new();
        for wallet in self.siblings(account) {
            if wallet == account || self.frozen.contains(&wallet) != frozen {
                logs.push(self.mark_frozen(wallet, frozen, by));
            }
        }
        Ok(logs)
    }

    /// Moves everything of a lost wallet to another one of the same investor, which is empty.
    pub(super) fn recover(
        &mut self,
        by: Address,
        call: &ISecurityToken::recoverWalletCall,
        now: u64,
    ) -> Outcome {
        self.roles.check(by, role("ENFORCER_ROLE"))?;
        let ISecurityToken::recoverWalletCall {
            lost,
            replacement,
            reason,
        } = *call;
        let (old, new) = (
            self.records.get(&lost).copied(),
            self.records.get(&replacement).copied(),
        );
        let fits = old
            .zip(new)
            .is_some_and(|(old, new)| old.investor == new.investor);
        let is_empty =
            self.ledger.balance(replacement) == U256::ZERO && !self.is_encumbered(replacement, now);
        let is_sanctioned =
            self.sanctioned.contains(&lost) || self.sanctioned.contains(&replacement);
        if self.deactivated || lost == replacement || !fits || !is_empty || is_sanctioned {
            return Err(Refusal::Typed);
        }
        let token = self.ledger.address;
        let investorId = old.expect("registered").investor;
        self.forget(lost, investorId);
        let removed = ISecurityToken::WalletRemoved {
            wallet: lost,
            investorId,
        };
        let mut logs = vec![log(token, &removed)];
        let locks = self.locks.remove(&lost).unwrap_or_default();
        for lock in &locks {
            let (amount, releaseTime) = (lock.bound(now), lock.release);
            if amount == U256::ZERO {
                continue;
            }
            let unlocked = ISecurityToken::TokensUnlocked {
                holder: lost,
                amount,
                releaseTime,
            };
            let locked = ISecurityToken::TokensLocked {
                holder: replacement,
                amount,
                releaseTime,
            };
            logs.extend([log(token, &unlocked), log(token, &locked)]);
        }
        self.locks.insert(replacement, locks);
        let schedules = self.vestings.remove(&lost).unwrap_or_default();
        // To the same places; ended entries at the replacement's other places stay there.
        let places = self.vestings.entry(replacement).or_default();
        places.splice(..schedules.len().min(places.len()), schedules.clone());
        for index in 0..schedules.len() {
            let moved = ISecurityToken::VestingMoved {
                from: lost,
                to: replacement,
                index: U256::from(index),
            };
            logs.push(log(token, &moved));
        }
        let partly = self.partly.remove(&lost).unwrap_or_default();
        if partly > U256::ZERO {
            let unfrozen = ISecurityToken::TokensUnfrozen {
                account: lost,
                amount: partly,
            };
            let frozen = ISecurityToken::TokensFrozen {
                account: replacement,
                amount: partly,
            };
            logs.extend([log(token, &unfrozen), log(token, &frozen)]);
            self.partly.insert(replacement, partly);
        }
        logs.extend(self.holds.break_beyond(token, lost, U256::ZERO, now));
        self.successors.insert(lost, replacement);
        if !self.frozen.contains(&lost) {
            logs.push(self.mark_frozen(lost, true, by));
        }
        let value = self.ledger.balance(lost);
        logs.push(self.ledger.moved(lost, replacement, value));
        let recovered = ISecurityToken::WalletRecovered {
            lost,
            replacement,
            reason,
            by,
        };
        logs.push(log(token, &recovered));
        Ok(logs)
    }
}
