//! Lists of wallets that must act at once: a security's sanctions, the coin's blacklist.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufRead, BufReader, Read};

use alloy::primitives::Address;
use book::market::address;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::{AT_ONCE, BATCH, Batch, Lost, Sent};
use crate::chain::abi::ISecurityToken::{
    isSanctionedCall, setSanctionedCall, walletRecordCall, walletsOfCall,
};
use crate::chain::abi::ITsUSDC::{blacklistBatchCall, isBlacklistedCall, unBlacklistCall};
use crate::chain::act::Contract;
use crate::error::DeskError;
use crate::journal::Journal;
use crate::signing::signer::Signer;

/// Longest line that is read.
const LONGEST: u64 = 1 << 16;

/// A wallet of a list, with its line.
pub type Listed = (u64, Address);

/// Reads a list: one wallet on each line, an address or the name of one in `wallets`; `#` starts a remark. A wallet that
/// stands twice counts once.
///
/// # Errors
/// `Rows` with every line that is no wallet; `File` when it cannot be read.
pub fn read(
    file: impl Read,
    wallets: &BTreeMap<String, Address>,
) -> Result<Vec<Listed>, DeskError> {
    let failed = |e: std::io::Error| DeskError::File(e.to_string());
    let mut reader = BufReader::new(file);
    let (mut listed, mut bad, mut seen) = (Vec::new(), Vec::new(), HashMap::new());
    for line in 1.. {
        let mut bytes = Vec::new();
        let mut bounded = Read::take(&mut reader, LONGEST);
        if bounded.read_until(b'\n', &mut bytes).map_err(failed)? == 0 {
            break;
        }
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_start_matches('\u{feff}');
        let word = text.split('#').next().unwrap_or_default().trim();
        if word.is_empty() {
            continue;
        }
        let wallet = match wallets.get(word) {
            Some(wallet) => Ok(*wallet),
            None => address::parse_nonzero(word),
        };
        match wallet {
            Ok(wallet) => {
                if seen.insert(wallet, line).is_none() {
                    listed.push((line, wallet));
                }
            }
            Err(error) => bad.push(format!(
                "line {line}: '{word}' is no wallet of this profile, and {error}"
            )),
        }
    }
    if bad.is_empty() {
        Ok(listed)
    } else {
        Err(DeskError::Rows(bad))
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

/// What is to do.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Wallets of which the chain does not say it yet.
    pub new: Vec<Listed>,
    /// Wallets of which it does.
    pub same: Vec<Listed>,
    /// Wallets that no line names and that change with one that is: a sanction is the investor's.
    pub also: Vec<Address>,
    sanctions: Vec<Batch<setSanctionedCall>>,
    blacklisting: Vec<Batch<blacklistBatchCall>>,
    lifting: Vec<Batch<unBlacklistCall>>,
}

impl Plan {
    /// Holds every wallet against the chain; nothing is sent.
    ///
    /// # Errors
    /// `Chain`, `Reverted` when `sender` may not.
    pub async fn of(
        contract: &Contract,
        listed: &[Listed],
        act: Act,
        sender: Address,
    ) -> Result<Self, DeskError> {
        let ask = |account: Address| async move {
            match act {
                Act::Sanction(_) => contract.view(isSanctionedCall { account }).await,
                Act::Blacklist(_) => contract.view(isBlacklistedCall { account }).await,
            }
        };
        let states: Vec<bool> = stream::iter(listed)
            .map(|(_, account)| ask(*account))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let (Act::Sanction(wanted) | Act::Blacklist(wanted)) = act;
        let mut plan = Self::default();
        for (row, state) in listed.iter().zip(states) {
            let rows = if state == wanted {
                &mut plan.same
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
                Act::Sanction(sanctioned) => plan.sanctions.push(Batch {
                    lines: lines(),
                    call: setSanctionedCall {
                        accounts: accounts(),
                        sanctioned,
                    },
                    gas: None,
                }),
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
        plan.estimate(contract, sender).await?;
        Ok(plan)
    }

    /// One wallet of each investor, and every wallet that is nobody's; what changes with them is noted.
    async fn investors(&mut self, contract: &Contract) -> Result<Vec<Listed>, DeskError> {
        let named: BTreeSet<Address> = self.new.iter().map(|(_, wallet)| *wallet).collect();
        let (mut rows, mut seen) = (Vec::with_capacity(self.new.len()), BTreeSet::new());
        for (line, wallet) in &self.new {
            let record = contract.view(walletRecordCall { wallet: *wallet }).await?;
            let investor = record.investorId;
            if investor.is_zero() {
                rows.push((*line, *wallet));
            } else if seen.insert(investor) {
                rows.push((*line, *wallet));
                let call = walletsOfCall {
                    investorId: investor,
                };
                let wallets = contract.view(call).await?;
                self.also
                    .extend(wallets.into_iter().filter(|other| !named.contains(other)));
            }
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

    /// Carries the plan out.
    ///
    /// # Errors
    /// `Stopped`, with how far it came.
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
        assert_eq!(read_all, [(2, wallet(1)), (4, wallet(2)), (6, wallet(3))]);
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
}
