//! A share class's register rebuilt only from its logs: who holds what, and how many holders each group has.

use std::collections::{BTreeMap, BTreeSet};

use acceptance::bindings::ISecurityToken::{self, ISecurityTokenEvents as Event};
use alloy::{
    primitives::{Address, B256, Log, U256},
    sol_types::SolEventInterface,
};

use crate::{
    cast::GROUPS,
    model::security::{Record, Security},
    observe::View,
    stage::Agreement,
};

/// A register.
#[derive(Clone, Debug, Default)]
pub(crate) struct Register {
    token: Address,
    balances: BTreeMap<Address, U256>,
    supply: U256,
    wallets: BTreeMap<Address, Record>,
    sanctioned: BTreeSet<Address>,
    frozen: BTreeSet<Address>,
    partly: BTreeMap<Address, U256>,
    group_limits: BTreeMap<u8, u32>,
    classes: Vec<(U256, u32)>,
}

impl Register {
    /// The register of a token without logs.
    pub(crate) fn of(token: Address) -> Self {
        Self {
            token,
            ..Self::default()
        }
    }

    /// The token.
    pub(crate) fn token(&self) -> Address {
        self.token
    }

    /// Applies one log; other contracts' logs are skipped.
    pub(crate) fn apply(&mut self, log: &Log) {
        if log.address != self.token {
            return;
        }
        let event = Event::decode_log(log).expect("every log is an event of the ABI");
        match event.data {
            Event::Transfer(event) => {
                if event.from == Address::ZERO {
                    self.supply += event.value;
                } else {
                    let balance = self.balances.entry(event.from).or_default();
                    *balance = balance
                        .checked_sub(event.value)
                        .expect("nobody sends what he has not");
                }
                if event.to == Address::ZERO {
                    self.supply -= event.value;
                } else {
                    *self.balances.entry(event.to).or_default() += event.value;
                }
            }
            Event::WalletSet(event) => {
                let wallet = Record {
                    investor: event.investorId,
                    group: event.group,
                    country: event.country,
                    kyc_expiry: event.kycExpiry,
                };
                self.wallets.insert(event.wallet, wallet);
            }
            Event::WalletRemoved(event) => {
                self.wallets.remove(&event.wallet);
            }
            Event::SanctionSet(event) => {
                mark(&mut self.sanctioned, event.account, event.sanctioned);
            }
            Event::AddressFrozen(event) => mark(&mut self.frozen, event.account, event.isFrozen),
            Event::TokensFrozen(event) => {
                *self.partly.entry(event.account).or_default() += event.amount;
            }
            Event::TokensUnfrozen(event) => {
                *self.partly.entry(event.account).or_default() -= event.amount;
            }
            Event::GroupHolderLimitSet(event) => {
                self.group_limits.insert(event.group, event.maxHolders);
            }
            Event::ClassLimitSet(event) => {
                let known = self
                    .classes
                    .iter()
                    .position(|(groups, _)| *groups == event.groups);
                match known {
                    Some(place) if event.maxHolders == 0 => {
                        self.classes.remove(place);
                    }
                    Some(place) => self.classes[place].1 = event.maxHolders,
                    None => self.classes.push((event.groups, event.maxHolders)),
                }
            }
            _ => {}
        }
    }

    /// Checks that what the logs say about each account is what the model knows; accounts with nothing are skipped.
    pub(crate) fn compare(&self, security: &Security) -> Agreement {
        let some = |amounts: &BTreeMap<Address, U256>| -> BTreeMap<Address, U256> {
            let more = amounts.iter().filter(|(_, amount)| **amount > U256::ZERO);
            more.map(|(account, amount)| (*account, *amount)).collect()
        };
        let agrees = some(&self.balances) == some(&security.ledger.balances)
            && self.supply == security.ledger.supply
            && self.wallets == security.records
            && self.sanctioned == security.sanctioned
            && self.frozen == security.frozen
            && some(&self.partly) == some(&security.partly);
        if agrees {
            Ok(())
        } else {
            Err(format!(
                "the logs of {} tell otherwise: {self:?}",
                self.token
            ))
        }
    }

    fn balance(&self, wallet: Address) -> U256 {
        self.balances.get(&wallet).copied().unwrap_or_default()
    }

    /// Investors with holdings in a set of groups.
    fn holders(&self, among: impl Fn(u8) -> bool) -> u32 {
        let held: BTreeSet<_> = self
            .wallets
            .iter()
            .filter(|(address, wallet)| among(wallet.group) && self.balance(**address) > U256::ZERO)
            .map(|(_, wallet)| wallet.investor)
            .collect();
        u32::try_from(held.len()).expect("a small market")
    }

    /// The token's own counts and sums.
    pub(crate) fn counts(&self) -> Vec<View> {
        let what = format!("of {} by its logs", self.token);
        let supply = ISecurityToken::totalSupplyCall {};
        let count = ISecurityToken::holderCountCall {};
        let mut views = vec![
            View::new(&what, self.token, &supply, &self.supply),
            View::new(&what, self.token, &count, &self.holders(|_| true)),
        ];
        for group in GROUPS {
            let answer = ISecurityToken::groupHoldersReturn {
                count: self.holders(|other| other == group),
                limit: self.group_limits.get(&group).copied().unwrap_or_default(),
            };
            let call = ISecurityToken::groupHoldersCall { group };
            let what = format!("{group} {what}");
            views.push(View::new(&what, self.token, &call, &answer));
        }
        views
    }

    /// The classes, as a set: no page says in which order they are listed.
    pub(crate) fn classes(&self) -> BTreeSet<(U256, u32, u32)> {
        let classes = self.classes.iter();
        classes
            .map(|(groups, limit)| {
                let holders = self.holders(|group| groups.bit(usize::from(group)));
                (*groups, *limit, holders)
            })
            .collect()
    }

    /// Everything known about each wallet and each investor.
    pub(crate) fn everyone(&self) -> Vec<View> {
        let what = |wallet: &Address| format!("{wallet} by the logs");
        let mut views = Vec::new();
        let mut investors: BTreeMap<B256, U256> = BTreeMap::new();
        for (&account, balance) in &self.balances {
            let call = ISecurityToken::balanceOfCall { account };
            views.push(View::new(&what(&account), self.token, &call, balance));
        }
        for (&wallet, found) in &self.wallets {
            *investors.entry(found.investor).or_default() += self.balance(wallet);
            let answer = ISecurityToken::walletRecordReturn {
                investorId: found.investor,
                group: found.group,
                country: found.country,
                kycExpiry: found.kyc_expiry,
                frozen: self.frozen.contains(&wallet),
                sanctioned: self.sanctioned.contains(&wallet),
            };
            let call = ISecurityToken::walletRecordCall { wallet };
            views.push(View::new(&what(&wallet), self.token, &call, &answer));
            let call = ISecurityToken::getFrozenTokensCall { account: wallet };
            let partly = self.partly.get(&wallet).copied().unwrap_or_default();
            views.push(View::new(&what(&wallet), self.token, &call, &partly));
        }
        for (investorId, held) in investors {
            let call = ISecurityToken::holdingsOfCall { investorId };
            views.push(View::new("by the logs", self.token, &call, &held));
        }
        views
    }
}

fn mark(set: &mut BTreeSet<Address>, account: Address, on: bool) {
    if on {
        set.insert(account);
    } else {
        set.remove(&account);
    }
}
