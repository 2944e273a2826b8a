//! A list of wallets of any length, from the command line or a file, on its way to a contract that takes a hundred at once.

use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;

use alloy::primitives::Address;
use alloy::sol_types::SolCall;
use clap::Args;
use desk::cap_table::BATCH;
use serde_json::json;

use super::context::{Context, Party};
use super::failure::{Failure, Result};
use crate::render::Answer;

/// Longest list whose members are named one by one.
const NAMED: usize = 5;

/// Whom a list is about.
#[derive(Args, Debug)]
pub(super) struct Listed {
    /// Wallets or addresses
    #[arg(
        id = "holders",
        value_name = "WALLET",
        required_unless_present = "from"
    )]
    wallets: Vec<String>,
    /// Read them from a file, one per line; '#' starts a comment
    #[arg(long, value_name = "FILE", conflicts_with = "holders")]
    from: Option<PathBuf>,
}

/// The members of a list, each once, in the sequence in which they were named.
pub(super) struct Accounts {
    pub(super) addresses: Vec<Address>,
    named: Vec<Party>,
}

impl Listed {
    /// Every member; all that are wrong are named together.
    pub(super) fn accounts(&self, context: &Context) -> Result<Accounts> {
        let mut rows: Vec<(String, String)> = Vec::new();
        for wallet in &self.wallets {
            rows.push((String::new(), wallet.clone()));
        }
        if let Some(path) = &self.from {
            let unreadable = |e| Failure::usage(format!("{}: {e}", path.display()));
            let text = std::fs::read_to_string(path).map_err(unreadable)?;
            let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
            for (index, line) in lines {
                let entry = line.split('#').next().unwrap_or_default().trim();
                if !entry.is_empty() {
                    rows.push((format!("line {}: ", index + 1), entry.to_owned()));
                }
            }
        }
        let (mut seen, mut addresses, mut named) = (HashSet::new(), Vec::new(), Vec::new());
        let mut bad = Vec::new();
        for (place, row) in rows {
            match context.account(&row) {
                Ok(address) => {
                    if seen.insert(address) {
                        addresses.push(address);
                        if named.len() <= NAMED {
                            named.push(context.party(&row)?);
                        }
                    }
                }
                Err(failure) if place.is_empty() => return Err(failure),
                Err(failure) => bad.push(format!("{place}{failure}")),
            }
        }
        if !bad.is_empty() {
            return Err(desk::DeskError::Rows(bad).into());
        }
        if addresses.is_empty() {
            return Err(Failure::usage("the file names no wallet"));
        }
        Ok(Accounts { addresses, named })
    }
}

impl Accounts {
    /// As many at once as the contracts take.
    pub(super) fn batches(&self) -> impl Iterator<Item = &[Address]> {
        self.addresses.chunks(BATCH)
    }
}

impl fmt::Display for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.addresses.len() > NAMED {
            return write!(f, "{} wallets", self.addresses.len());
        }
        let named: Vec<String> = self.named.iter().map(ToString::to_string).collect();
        f.write_str(&named.join(", "))
    }
}

/// Sends one call for each batch. A list is set, not added to: the same command again does no harm, and finishes what an
/// interruption has left.
pub(super) async fn send<C: SolCall>(
    context: &Context,
    role: &str,
    to: Address,
    calls: impl Iterator<Item = (usize, C)>,
    words: &str,
) -> Result {
    let signer = context.sender(role, words)?;
    let chain = context.chain().await?;
    let (mut hashes, mut done) = (Vec::new(), 0);
    for (count, call) in calls {
        let receipt = chain.execute(&signer, to, &call).await.map_err(|error| {
            let failure = Failure::from(error);
            if done == 0 {
                return failure;
            }
            failure.context(format!("{done} wallets are done, the next were refused"))
        })?;
        hashes.push(receipt.transaction_hash);
        done += count;
    }
    let lines: Vec<String> = hashes
        .iter()
        .map(|hash| format!("\n  transaction {hash}"))
        .collect();
    let mut data = json!({ "done": words, "wallets": done, "transactions": hashes });
    // A single transaction stands where every other act has it.
    if let [hash] = hashes[..] {
        data["transaction"] = json!(hash);
    }
    Ok(Answer::line(data, format!("{words}{}", lines.concat())))
}
