//! A cap table: who must be registered or changed, and what must still be issued.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use alloy::primitives::{Address, B256, U256};
use alloy::rpc::types::Log;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;

use super::{AT_ONCE, BATCH, Batch, Lost, Proposed, Refused, Sent, gas};
use crate::cap_table::Holder;
use crate::chain::abi::ISecurityToken::{
    self, Transfer, WalletRecovered, mintBatchCall, setWalletsCall, walletRecordReturn,
};
use crate::chain::act::Contract;
use crate::error::DeskError;
use crate::journal::{Goal, Journal};
use crate::propose::pending::Pending;
use crate::signing::signer::Signer;

/// The most wallets that one investor can have, as in the token.
const MAX_WALLETS: usize = 8;

/// What the registry has of a row.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// Nothing yet.
    New,
    /// Something else: what changes, from and to.
    Changed(Vec<String>),
    /// Exactly this.
    Same,
}

/// One row of the file compared with the chain.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Row {
    /// Its line.
    pub line: u64,
    /// The customer's account.
    pub account: String,
    /// The wallet.
    pub wallet: Address,
    /// What the registry has of it.
    pub registration: Registration,
    /// What was ever issued to the wallet, in base units.
    pub issued: U256,
    /// What must be issued now.
    pub issue: U256,
    /// The batch for a Safe that does something for the wallet and was not confirmed yet: the row is left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposed: Option<PathBuf>,
}

impl Row {
    /// There is nothing to do.
    pub fn is_done(&self) -> bool {
        self.registration == Registration::Same && self.issue.is_zero()
    }

    /// There is something to do, and it has not been proposed.
    fn is_open(&self) -> bool {
        !self.is_done() && self.proposed.is_none()
    }
}

/// What should be issued.
#[derive(Clone, Debug)]
pub enum Issue {
    /// Nothing.
    Nothing,
    /// What is missing of each row's holding.
    Missing,
    /// Each row's holding once more; with the totals after that.
    Again(Goal),
}

/// What is to be done, and what prevents it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Every row of the file.
    pub rows: Vec<Row>,
    /// Rows that cannot be carried out: if there are any, nothing is done.
    pub refused: Vec<Refused>,
    /// Rows that are already registered as given and whose KYC has expired.
    pub lapsed: Vec<Refused>,
    /// Base units there are now.
    pub supply: U256,
    /// Base units there will be.
    pub supply_after: U256,
    /// The registry's transactions.
    pub registrations: Vec<Batch<setWalletsCall>>,
    /// The issues, which come after them.
    pub issues: Vec<Batch<mintBatchCall>>,
}

/// What the chain's logs say was ever issued.
#[derive(Clone, Debug, Default)]
pub struct Issued {
    to: BTreeMap<Address, U256>,
    replaced: HashMap<Address, Address>,
}

impl Issued {
    /// Adds up the token's logs from a block on. What was issued to a lost wallet counts for its replacement too.
    ///
    /// # Errors
    /// `Chain`; `Overflow` beyond 2^256.
    pub async fn read(contract: &Contract, first_block: u64) -> Result<Self, DeskError> {
        let (chain, token) = (contract.chain(), contract.address());
        let minted = chain.events_from::<Transfer>(token, Address::ZERO, first_block);
        let recovered = chain.events::<WalletRecovered>(token, first_block);
        let (minted, recovered) = futures::try_join!(minted, recovered)?;
        let place = |log: &Log| (log.block_number, log.log_index);
        let mut events: Vec<_> = minted
            .into_iter()
            .map(|(event, log)| (place(&log), Ok(event)))
            .chain(
                recovered
                    .into_iter()
                    .map(|(event, log)| (place(&log), Err(event))),
            )
            .collect();
        events.sort_by_key(|(place, _)| *place);
        let mut issued = Self::default();
        for (_, event) in events {
            match event {
                Ok(Transfer { to, value, .. }) => issued.add(to, value)?,
                Err(WalletRecovered {
                    lost, replacement, ..
                }) => {
                    issued.add(replacement, issued.of(lost))?;
                    issued.replaced.insert(lost, replacement);
                }
            }
        }
        Ok(issued)
    }

    /// To one wallet.
    pub fn of(&self, wallet: Address) -> U256 {
        self.to.get(&wallet).copied().unwrap_or_default()
    }

    fn add(&mut self, wallet: Address, value: U256) -> Result<(), DeskError> {
        let sum = self.to.entry(wallet).or_default();
        *sum = sum.checked_add(value).ok_or(DeskError::Overflow)?;
        Ok(())
    }

    /// The totals after issuing every holding once more.
    ///
    /// # Errors
    /// `Overflow`.
    pub fn again(&self, plan: B256, holders: &[Holder]) -> Result<Goal, DeskError> {
        let mut issued = BTreeMap::new();
        for holder in holders.iter().filter(|holder| !holder.holding.is_zero()) {
            let sum = self.of(holder.wallet).checked_add(holder.holding);
            issued.insert(holder.wallet, sum.ok_or(DeskError::Overflow)?);
        }
        Ok(Goal { plan, issued })
    }
}

impl Plan {
    /// Compares every row with the chain, and those with something to do with what was proposed; nothing is sent.
    /// `signers` are those of the registrations and of the issues.
    ///
    /// # Errors
    /// `Chain`, `Overflow`.
    pub async fn of(
        contract: &Contract,
        holders: &[Holder],
        issued: &Issued,
        issue: &Issue,
        signers: (Address, Address),
        pending: &Pending,
    ) -> Result<Self, DeskError> {
        let records: Vec<walletRecordReturn> = stream::iter(holders)
            .map(|holder| {
                let wallet = holder.wallet;
                contract.view(ISecurityToken::walletRecordCall { wallet })
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let supply = contract.view(ISecurityToken::totalSupplyCall {}).await?;
        let mut plan = Self {
            rows: Vec::with_capacity(holders.len()),
            refused: Vec::new(),
            lapsed: Vec::new(),
            supply,
            supply_after: supply,
            registrations: Vec::new(),
            issues: Vec::new(),
        };
        let cap = contract.view(ISecurityToken::supplyCapCall {}).await?;
        let now = contract.chain().head().await?.time;
        for (holder, record) in holders.iter().zip(&records) {
            let before = issued.of(holder.wallet);
            let goal = match issue {
                Issue::Nothing => U256::ZERO,
                Issue::Missing => holder.holding,
                Issue::Again(goal) => goal.issued.get(&holder.wallet).copied().unwrap_or_default(),
            };
            let mut row = Row {
                line: holder.line,
                account: holder.account.clone(),
                wallet: holder.wallet,
                registration: registration(holder, record),
                issued: before,
                issue: goal.saturating_sub(before),
                proposed: None,
            };
            let proposed = pending.holding(row.wallet).filter(|_| !row.is_done());
            row.proposed = proposed.map(Path::to_path_buf);
            let after = plan.supply_after.checked_add(row.issue);
            plan.supply_after = after.ok_or(DeskError::Overflow)?;
            if !cap.is_zero() && plan.supply_after > cap && !row.issue.is_zero() {
                let why = "its holding would take the supply above the cap";
                plan.refused.push(Refused::new(row.line, why));
            }
            if let Some(other) = issued.replaced.get(&row.wallet).filter(|_| !row.is_done()) {
                let why = format!("the wallet was lost and {other} took its place");
                plan.refused.push(Refused::new(row.line, why));
            }
            if holder.kyc_expiry <= now {
                let until = book::market::amount::date(holder.kyc_expiry);
                let why = format!("the KYC expired on {until}: renew it, or leave the row out");
                let rows = if row.is_done() {
                    &mut plan.lapsed
                } else {
                    &mut plan.refused
                };
                rows.push(Refused::new(row.line, why));
            }
            plan.rows.push(row);
        }
        plan.check_wallets(contract, holders).await?;
        plan.check_investors(contract, holders).await?;
        plan.batch(contract, holders, signers.0, signers.1).await?;
        plan.refused.sort_by_key(|refused| refused.line);
        Ok(plan)
    }

    /// Every row is as the file has it.
    pub fn is_done(&self) -> bool {
        self.rows.iter().all(Row::is_done)
    }

    /// Every row with something to do is already proposed.
    pub fn is_proposed(&self) -> bool {
        !self.is_done() && !self.rows.iter().any(Row::is_open)
    }

    /// What this plan issues, in base units: less than [`Self::supply_after`] where some of it is proposed already.
    pub fn issued(&self) -> U256 {
        let open = self.rows.iter().filter(|row| row.is_open());
        // No sum of issues exceeds the supply.
        open.fold(U256::ZERO, |sum, row| sum.saturating_add(row.issue))
    }

    /// The plan as calls for a Safe, in order.
    pub fn proposed(&self, contract: &Contract) -> Vec<Proposed> {
        let registrations = self
            .registrations
            .iter()
            .map(|batch| batch.proposed(contract));
        let issues = self.issues.iter().map(|batch| batch.proposed(contract));
        registrations.chain(issues).collect()
    }

    /// Rows that are newly registered, changed and left as they are, except those that are proposed.
    pub fn counts(&self) -> (usize, usize, usize) {
        let mut counts = (0, 0, 0);
        for row in self.rows.iter().filter(|row| row.proposed.is_none()) {
            match row.registration {
                Registration::New => counts.0 += 1,
                Registration::Changed(_) => counts.1 += 1,
                Registration::Same => counts.2 += 1,
            }
        }
        counts
    }

    /// An investor has up to eight wallets, over all batches.
    async fn check_wallets(
        &mut self,
        contract: &Contract,
        holders: &[Holder],
    ) -> Result<(), DeskError> {
        let mut joining: BTreeMap<B256, Vec<&Holder>> = BTreeMap::new();
        for (holder, row) in holders.iter().zip(&self.rows) {
            if row.registration != Registration::Same {
                joining.entry(holder.investor_id).or_default().push(holder);
            }
        }
        for (investor, rows) in joining {
            let call = ISecurityToken::walletsOfCall {
                investorId: investor,
            };
            let known: BTreeSet<Address> = contract.view(call).await?.into_iter().collect();
            let new = rows.iter().filter(|row| !known.contains(&row.wallet));
            for row in new.skip(MAX_WALLETS.saturating_sub(known.len())) {
                let why = format!("the investor would have more than {MAX_WALLETS} wallets");
                self.refused.push(Refused::new(row.line, why));
            }
        }
        Ok(())
    }

    /// Group and country are the investor's: a wallet is registered as the investor's others are.
    async fn check_investors(
        &mut self,
        contract: &Contract,
        holders: &[Holder],
    ) -> Result<(), DeskError> {
        for (holder, row) in holders.iter().zip(&self.rows) {
            if row.registration != Registration::Same
                && let Some(other) = unlike(contract, holder).await?
            {
                let why = format!(
                    "the investor's wallet {other} has another group or country; change all of them first: orderbook \
                     token investor SECURITY CODE --group GROUP --country COUNTRY --kyc-expiry DAY"
                );
                self.refused.push(Refused::new(holder.line, why));
            }
        }
        Ok(())
    }

    async fn batch(
        &mut self,
        contract: &Contract,
        holders: &[Holder],
        compliance: Address,
        issuer: Address,
    ) -> Result<(), DeskError> {
        let rows = || holders.iter().zip(&self.rows);
        let register: Vec<&Holder> = rows()
            .filter(|(_, row)| row.registration != Registration::Same && row.is_open())
            .map(|(holder, _)| holder)
            .collect();
        let issue: Vec<&Row> = self
            .rows
            .iter()
            .filter(|row| !row.issue.is_zero() && row.is_open())
            .collect();
        let waiting: BTreeSet<Address> = register.iter().map(|holder| holder.wallet).collect();
        let known: BTreeSet<u64> = self.refused.iter().map(|refused| refused.line).collect();
        let mut refused = Vec::new();
        for batch in register.chunks(BATCH) {
            let call = set_wallets(batch);
            let mut estimate = None;
            // A row that is known to be wrong would make its whole batch fail.
            if !batch.iter().any(|holder| known.contains(&holder.line)) {
                match gas(contract, &call, compliance).await? {
                    Ok(gas) => estimate = Some(gas),
                    Err(words) => {
                        refused.extend(culprits(contract, batch, compliance, &words).await?);
                    }
                }
            }
            let lines = batch.iter().map(|holder| holder.line).collect();
            self.registrations.push(Batch {
                lines,
                call,
                gas: estimate,
            });
        }
        for batch in issue.chunks(BATCH) {
            let call = mintBatchCall {
                to: batch.iter().map(|row| row.wallet).collect(),
                values: batch.iter().map(|row| row.issue).collect(),
            };
            // Nothing can be said about a wallet before it is registered.
            let settled = !batch.iter().any(|row| waiting.contains(&row.wallet));
            let mut estimate = None;
            if settled {
                match gas(contract, &call, issuer).await? {
                    Ok(gas) => estimate = Some(gas),
                    Err(words) => {
                        refused.extend(batch.iter().map(|row| Refused::new(row.line, &words)));
                    }
                }
            }
            let lines = batch.iter().map(|row| row.line).collect();
            self.issues.push(Batch {
                lines,
                call,
                gas: estimate,
            });
        }
        self.refused.extend(refused);
        Ok(())
    }

    /// Carries the plan out; `issuer` may be left out when nothing is issued.
    ///
    /// # Errors
    /// `Stopped`, with how far it got.
    pub async fn execute(
        &self,
        contract: &Contract,
        compliance: &Signer,
        issuer: Option<&Signer>,
        journal: &Journal,
        lost: Lost,
        mut progress: impl FnMut(usize),
    ) -> Result<Sent, DeskError> {
        let mut sent = Sent::after(lost);
        sent.send(
            contract,
            &self.registrations,
            compliance,
            journal,
            &mut progress,
        )
        .await?;
        if let Some(issuer) = issuer {
            sent.send(contract, &self.issues, issuer, journal, &mut progress)
                .await?;
        }
        Ok(sent)
    }
}

/// Another wallet of the investor that the registry has in another group or country.
async fn unlike(contract: &Contract, holder: &Holder) -> Result<Option<Address>, DeskError> {
    let call = ISecurityToken::walletsOfCall {
        investorId: holder.investor_id,
    };
    for wallet in contract.view(call).await? {
        if wallet == holder.wallet {
            continue;
        }
        let record = contract
            .view(ISecurityToken::walletRecordCall { wallet })
            .await?;
        if (record.group, record.country) != (holder.group, holder.country) {
            return Ok(Some(wallet));
        }
    }
    Ok(None)
}

fn set_wallets(holders: &[&Holder]) -> setWalletsCall {
    setWalletsCall {
        wallets: holders.iter().map(|h| h.wallet).collect(),
        investorIds: holders.iter().map(|h| h.investor_id).collect(),
        groups: holders.iter().map(|h| h.group).collect(),
        countries: holders.iter().map(|h| h.country).collect(),
        kycExpiries: holders.iter().map(|h| h.kyc_expiry).collect(),
    }
}

/// The rows of a refused batch that are refused by themselves, or all of them.
async fn culprits(
    contract: &Contract,
    batch: &[&Holder],
    compliance: Address,
    words: &str,
) -> Result<Vec<Refused>, DeskError> {
    let mut refused = Vec::new();
    for holder in batch {
        if let Err(words) = gas(contract, &set_wallets(&[*holder]), compliance).await? {
            refused.push(Refused::new(holder.line, words));
        }
    }
    if refused.is_empty() {
        refused.extend(batch.iter().map(|holder| Refused::new(holder.line, words)));
    }
    Ok(refused)
}

fn registration(holder: &Holder, record: &walletRecordReturn) -> Registration {
    if record.investorId.is_zero() {
        return Registration::New;
    }
    let mut changes = Vec::new();
    let mut compare = |what: &str, now: String, then: String| {
        if now != then {
            changes.push(format!("{what} {now} to {then}"));
        }
    };
    let id = |id: B256| {
        let text = id
            .as_slice()
            .split(|byte| *byte == 0)
            .next()
            .unwrap_or_default();
        match std::str::from_utf8(text) {
            Ok(text) if B256::right_padding_from(text.as_bytes()) == id => text.to_string(),
            _ => id.to_string(),
        }
    };
    compare("investor", id(record.investorId), id(holder.investor_id));
    compare("group", record.group.to_string(), holder.group.to_string());
    compare(
        "country",
        record.country.to_string(),
        holder.country.to_string(),
    );
    let (now, then) = (record.kycExpiry, holder.kyc_expiry);
    let day = book::market::amount::date;
    if day(now) == day(then) {
        compare("kyc until second", now.to_string(), then.to_string());
    } else {
        compare("kyc until", day(now), day(then));
    }
    if changes.is_empty() {
        Registration::Same
    } else {
        Registration::Changed(changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder() -> Holder {
        Holder {
            line: 2,
            account: "A-1".into(),
            name: "Ada".into(),
            wallet: Address::repeat_byte(1),
            investor_id: B256::right_padding_from(b"INV-1"),
            group: 1,
            country: 840,
            kyc_expiry: 1_830_297_600,
            holding: U256::from(5),
            cash: U256::ZERO,
        }
    }

    fn record() -> walletRecordReturn {
        let holder = holder();
        walletRecordReturn {
            investorId: holder.investor_id,
            group: holder.group,
            country: holder.country,
            kycExpiry: holder.kyc_expiry,
            frozen: true,
            sanctioned: true,
        }
    }

    #[test]
    fn a_row_is_new_changed_or_the_same() {
        let mut found = record();
        // What compliance does beyond this is not part of the row.
        assert_eq!(registration(&holder(), &found), Registration::Same);
        found.group = 2;
        found.kycExpiry += 86_400;
        let changes = ["group 2 to 1", "kyc until 2028-01-02 to 2028-01-01"];
        let changes = changes.map(str::to_string).to_vec();
        assert_eq!(
            registration(&holder(), &found),
            Registration::Changed(changes)
        );
        found = record();
        found.kycExpiry += 1;
        let changes = vec!["kyc until second 1830297601 to 1830297600".to_string()];
        assert_eq!(
            registration(&holder(), &found),
            Registration::Changed(changes)
        );
        found.investorId = B256::ZERO;
        assert_eq!(registration(&holder(), &found), Registration::New);
    }

    #[test]
    fn once_more_is_what_was_issued_and_the_holding() {
        let mut issued = Issued::default();
        issued.add(holder().wallet, U256::from(7)).unwrap();
        let goal = issued.again(B256::ZERO, &[holder()]).unwrap();
        assert_eq!(
            goal.issued,
            BTreeMap::from([(holder().wallet, U256::from(12))])
        );
        assert!(issued.add(holder().wallet, U256::MAX).is_err());
    }
}
