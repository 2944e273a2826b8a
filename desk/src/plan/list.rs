//! Lists of wallets that must act at once: a security's sanctions, the coin's blacklist.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;

use alloy::primitives::Address;
use book::board::heading::Assumption;
use book::board::text::Encoding;
use book::market::address;

use super::{BATCH, Batch, Lost, Proposed, Sent};
use crate::chain::abi::ISecurityToken::{
    isSanctionedCall, setSanctionedCall, walletRecordCall, walletRecordReturn, walletsOfCall,
};
use crate::chain::abi::ITsUSDC::{blacklistBatchCall, isBlacklistedCall, unBlacklistCall};
use crate::chain::act::Contract;
use crate::error::DeskError;
use crate::journal::Journal;
use crate::propose::pending::Pending;
use crate::sheet::{self, Sheet};
use crate::signing::signer::Signer;

/// A wallet of a list, with its line.
pub type Listed = (u64, Address);

/// What the column of wallets may be called, where a list has several.
const COLUMNS: [&str; 4] = ["wallet", "address", "account", "wallet_address"];
/// What may separate columns.
const SEPARATORS: [char; 3] = [',', ';', '\t'];

/// Reads a list: one wallet on each line, an address or the name of one in `wallets`; `#` starts a remark. In a table
/// with a heading, it is the column called wallet, address or account. A wallet that appears twice counts once.
///
/// # Errors
/// `Rows` with every line that is not a wallet; `File` when it cannot be read or names no wallet.
pub fn read(
    file: impl Read,
    wallets: &BTreeMap<String, Address>,
) -> Result<Sheet<Listed>, DeskError> {
    let (bytes, encoding) = sheet::whole(file)?;
    let mut text = String::new();
    let decoded = encoding.decoder(&bytes[..]).read_to_string(&mut text);
    decoded.map_err(|e| DeskError::File(e.to_string()))?;
    let mut assumed = Vec::new();
    if encoding != Encoding::Utf8 {
        assumed.push(Assumption::Encoding(encoding, None));
    }
    let (mut rows, mut bad, mut seen) = (Vec::new(), Vec::new(), HashMap::new());
    let mut place = None;
    let words = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim());
    for (line, words) in (1..).zip(words) {
        if words.is_empty() {
            continue;
        }
        if place.is_none() {
            let (found, named) = column(words);
            place = Some(found);
            if let Some(name) = named {
                let words = format!("line {line} is the heading; wallets are in the column {name}");
                assumed.push(Assumption::Other(words));
                continue;
            }
        }
        let cell = words.split(SEPARATORS).nth(place.unwrap_or_default());
        let word = unquoted(cell.unwrap_or_default());
        match wallet(word, wallets) {
            Ok(wallet) => {
                if seen.insert(wallet, line).is_none() {
                    rows.push((line, wallet));
                }
            }
            Err(error) => bad.push(format!(
                "line {line}: '{word}' is not a wallet of this profile, and {error}"
            )),
        }
    }
    if !bad.is_empty() {
        return Err(DeskError::Rows(bad));
    }
    if rows.is_empty() {
        return Err(DeskError::File("the file names no wallet".into()));
    }
    Ok(Sheet { rows, assumed })
}

/// The column of wallets in the first line, and its name where that line is a heading.
fn column(line: &str) -> (usize, Option<String>) {
    let mut cells = line.split(SEPARATORS).map(unquoted);
    let plain = |cell: &str| cell.to_lowercase().replace([' ', '-'], "_");
    match cells.position(|cell| COLUMNS.contains(&plain(cell).as_str())) {
        Some(place) => {
            let name = line.split(SEPARATORS).nth(place).map(unquoted);
            (place, name.map(str::to_owned))
        }
        None => (0, None),
    }
}

/// A cell without the quotes and spaces around it.
fn unquoted(cell: &str) -> &str {
    cell.trim().trim_matches('"').trim()
}

fn wallet(
    word: &str,
    wallets: &BTreeMap<String, Address>,
) -> Result<Address, address::AddressError> {
    match wallets.get(word) {
        Some(wallet) => Ok(*wallet),
        None => address::parse_nonzero(word),
    }
}

/// Which list, and whether wallets are put on it or taken off.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Act {
    /// The security's sanctions list.
    Sanction(bool),
    /// The coin's blacklist.
    Blacklist(bool),
}

/// What a security's registry says of wallets.
pub type Records = HashMap<Address, walletRecordReturn>;

fn sanction(rows: &[Listed], sanctioned: bool) -> Batch<setSanctionedCall> {
    let accounts = rows.iter().map(|(_, account)| *account).collect();
    Batch {
        lines: rows.iter().map(|(line, _)| *line).collect(),
        call: setSanctionedCall {
            accounts,
            sanctioned,
        },
        gas: None,
    }
}

/// What is to do.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Wallets for which it is not in force on chain yet.
    pub new: Vec<Listed>,
    /// Wallets for which it is.
    pub same: Vec<Listed>,
    /// Wallets in a proposal that was not confirmed yet: they are left alone.
    pub proposed: Vec<Listed>,
    /// Wallets that no line names and that change with one that is: a sanction is the investor's.
    pub also: Vec<Address>,
    sanctions: Vec<Batch<setSanctionedCall>>,
    blacklisting: Vec<Batch<blacklistBatchCall>>,
    lifting: Vec<Batch<unBlacklistCall>>,
}

impl Plan {
    /// Compares every wallet with the chain, and those that would change with what was proposed; nothing is sent.
    ///
    /// # Errors
    /// `Chain`, `Reverted` when `sender` may not.
    pub async fn of(
        contract: &Contract,
        listed: &[Listed],
        act: Act,
        sender: Address,
        pending: &Pending,
    ) -> Result<Self, DeskError> {
        let mut plan = Self::unpriced(contract, listed, act, pending).await?;
        plan.estimate(contract, sender).await?;
        Ok(plan)
    }

    /// The same without what it would take: a list of any length takes only a few requests.
    ///
    /// # Errors
    /// `Chain`.
    pub async fn unpriced(
        contract: &Contract,
        listed: &[Listed],
        act: Act,
        pending: &Pending,
    ) -> Result<Self, DeskError> {
        let to = contract.address();
        let accounts = listed.iter().map(|(_, account)| *account);
        let chain = contract.chain();
        let states = match act {
            Act::Sanction(_) => {
                let calls = accounts.map(|account| (to, isSanctionedCall { account }));
                chain.views(&calls.collect::<Vec<_>>()).await?
            }
            Act::Blacklist(_) => {
                let calls = accounts.map(|account| (to, isBlacklistedCall { account }));
                chain.views(&calls.collect::<Vec<_>>()).await?
            }
        };
        let (Act::Sanction(wanted) | Act::Blacklist(wanted)) = act;
        let mut plan = Self::default();
        for (row, state) in listed.iter().zip(states) {
            let rows = if state == wanted {
                &mut plan.same
            } else if pending.listing(row.1).is_some() {
                &mut plan.proposed
            } else {
                &mut plan.new
            };
            rows.push(*row);
        }
        // With one wallet of an investor all others change, also those that a later batch would name.
        let rows = match act {
            Act::Sanction(_) => plan.investors(contract).await?,
            Act::Blacklist(_) => plan.new.clone(),
        };
        for batch in rows.chunks(BATCH) {
            let lines = || batch.iter().map(|(line, _)| *line).collect();
            let accounts = || batch.iter().map(|(_, account)| *account).collect();
            match act {
                Act::Sanction(sanctioned) => plan.sanctions.push(sanction(batch, sanctioned)),
                Act::Blacklist(true) => plan.blacklisting.push(Batch {
                    lines: lines(),
                    call: blacklistBatchCall {
                        accounts: accounts(),
                    },
                    gas: None,
                }),
                // The coin lifts one at a time.
                Act::Blacklist(false) => {
                    plan.lifting
                        .extend(batch.iter().map(|(line, account)| Batch {
                            lines: vec![*line],
                            call: unBlacklistCall { account: *account },
                            gas: None,
                        }));
                }
            }
        }
        Ok(plan)
    }

    /// Sanctions of wallets whose records at the security are known, all wallets of each investor among them: nothing
    /// is asked.
    pub fn sanctions(listed: &[Listed], records: &Records) -> Self {
        let (mut plan, mut seen) = (Self::default(), BTreeSet::new());
        let mut rows = Vec::new();
        for row in listed {
            let record = records.get(&row.1);
            if record.is_some_and(|record| record.sanctioned) {
                plan.same.push(*row);
                continue;
            }
            plan.new.push(*row);
            let investor = record.map(|record| record.investorId).unwrap_or_default();
            if investor.is_zero() || seen.insert(investor) {
                rows.push(*row);
            }
        }
        let batches = rows.chunks(BATCH).map(|batch| sanction(batch, true));
        plan.sanctions = batches.collect();
        plan
    }

    /// One wallet of each investor, and every wallet without an investor; what changes with them is noted.
    async fn investors(&mut self, contract: &Contract) -> Result<Vec<Listed>, DeskError> {
        let named: BTreeSet<Address> = self.new.iter().map(|(_, wallet)| *wallet).collect();
        let (mut rows, mut seen) = (Vec::with_capacity(self.new.len()), BTreeSet::new());
        let (to, chain) = (contract.address(), contract.chain());
        let new = self.new.iter().map(|(_, wallet)| *wallet);
        let calls: Vec<_> = new
            .map(|wallet| (to, walletRecordCall { wallet }))
            .collect();
        let mut investors = Vec::new();
        for (row, record) in self.new.iter().zip(chain.views(&calls).await?) {
            let investor = record.investorId;
            if investor.is_zero() {
                rows.push(*row);
            } else if seen.insert(investor) {
                rows.push(*row);
                let call = walletsOfCall {
                    investorId: investor,
                };
                investors.push((to, call));
            }
        }
        for wallets in chain.views(&investors).await? {
            let others = wallets.into_iter().filter(|other| !named.contains(other));
            self.also.extend(others);
        }
        Ok(rows)
    }

    async fn estimate(&mut self, contract: &Contract, sender: Address) -> Result<(), DeskError> {
        for batch in &mut self.sanctions {
            batch.gas = Some(contract.act(batch.call.clone()).estimate(sender).await?);
        }
        for batch in &mut self.blacklisting {
            batch.gas = Some(contract.act(batch.call.clone()).estimate(sender).await?);
        }
        for batch in &mut self.lifting {
            batch.gas = Some(contract.act(batch.call.clone()).estimate(sender).await?);
        }
        Ok(())
    }

    /// How many transactions it takes.
    pub fn batches(&self) -> usize {
        self.sanctions.len() + self.blacklisting.len() + self.lifting.len()
    }

    /// What they would take now.
    pub fn gas(&self) -> u64 {
        let sanctions = self.sanctions.iter().map(|batch| batch.gas);
        let blacklisting = self.blacklisting.iter().map(|batch| batch.gas);
        let lifting = self.lifting.iter().map(|batch| batch.gas);
        sanctions.chain(blacklisting).chain(lifting).flatten().sum()
    }

    /// The plan as calls for a Safe, in order.
    pub fn proposed(&self, contract: &Contract) -> Vec<Proposed> {
        let sanctions = self.sanctions.iter().map(|batch| batch.proposed(contract));
        let blacklisting = self
            .blacklisting
            .iter()
            .map(|batch| batch.proposed(contract));
        let lifting = self.lifting.iter().map(|batch| batch.proposed(contract));
        sanctions.chain(blacklisting).chain(lifting).collect()
    }

    /// Carries the plan out.
    ///
    /// # Errors
    /// `Stopped`, with how far it got.
    pub async fn execute(
        &self,
        contract: &Contract,
        signer: &Signer,
        journal: &Journal,
        lost: Lost,
        mut progress: impl FnMut(usize),
    ) -> Result<Sent, DeskError> {
        let mut sent = Sent::after(lost);
        sent.send(contract, &self.sanctions, signer, journal, &mut progress)
            .await?;
        sent.send(contract, &self.blacklisting, signer, journal, &mut progress)
            .await?;
        sent.send(contract, &self.lifting, signer, journal, &mut progress)
            .await?;
        Ok(sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_one_wallet_on_a_line_and_every_bad_line_is_named() {
        let wallets = BTreeMap::from([("ada".to_string(), Address::repeat_byte(1))]);
        let text = "\u{feff}# sanctioned\r\nada\r\n\r\n0x0202020202020202020202020202020202020202 # twice\n\
                    0x0202020202020202020202020202020202020202\n0X0303030303030303030303030303030303030303\n";
        let read_all = read(text.replace("0X03", "0x03").as_bytes(), &wallets).unwrap();
        let wallet = Address::repeat_byte;
        assert_eq!(
            read_all.rows,
            [(2, wallet(1)), (4, wallet(2)), (6, wallet(3))]
        );
        let bad = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq\nada\n0x12\n0x0000000000000000000000000000000000000000\n";
        let Err(DeskError::Rows(rows)) = read(bad.as_bytes(), &wallets) else {
            panic!("not refused")
        };
        let lines: Vec<_> = rows
            .iter()
            .map(|row| row.split(':').next().unwrap())
            .collect();
        assert_eq!(lines, ["line 1", "line 3", "line 4"]);
    }

    #[test]
    fn a_list_that_a_spreadsheet_saved_is_the_same_list() {
        let wallets = BTreeMap::new();
        let (one, two) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let plain = format!("{one}\n{two}\n");
        let table = format!("Name;Address;Listed\nAda;\"{one}\";2026-01-02\nBo;{two};2026-01-03\n");
        let utf16: Vec<u8> = format!("\u{feff}{plain}")
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        for (bytes, said) in [
            (plain.clone().into_bytes(), vec![]),
            (plain.replace('\n', ";\r\n").into_bytes(), vec![]),
            (utf16, vec!["the file is read as UTF-16 LE".to_owned()]),
            (
                table.into_bytes(),
                vec!["line 1 is the heading; wallets are in the column Address".to_owned()],
            ),
        ] {
            let list = read(&bytes[..], &wallets).unwrap();
            let found: Vec<_> = list.rows.iter().map(|(_, wallet)| *wallet).collect();
            assert_eq!(found, [one, two]);
            let assumed: Vec<_> = list.assumed.iter().map(ToString::to_string).collect();
            assert_eq!(assumed, said);
        }
        for empty in ["", "# nobody\n\n", "wallet\n"] {
            let refused = read(empty.as_bytes(), &wallets);
            assert!(matches!(refused, Err(DeskError::File(_))), "{empty:?}");
        }
    }
}
