//! `--propose FILE --from SAFE`: acts of roles are written as a batch for a Safe instead of being sent.

use std::cell::{OnceCell, RefCell};
use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use alloy::primitives::{Address, U256, keccak256};
use clap::error::{ContextKind, ContextValue};
use clap::{Args, Subcommand};
use desk::chain::client::Turns;
use desk::chain::{Chain, ChainError};
use desk::journal::Proposal;
use desk::propose::batch::{Batch, Call};
use desk::propose::reading::{Known, Reading};
use desk::propose::safe::Safe;
use desk::propose::words::Amounts;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::context::Context;
use super::failure::{Exit, Failure, Result};
use crate::render::sentence::Reader;
use crate::render::{Answer, Sentence};

/// Gas that the calls of one batch may take: a transaction of an Arbitrum chain has 32 million.
const MOST_GAS: u64 = 24_000_000;

/// Bytes that the calls of one batch may have: a sequencer accepts transactions of up to 95,000.
const MOST_BYTES: u64 = 85_000;

// A command of a role. No doc comment: it would replace the noun's own description in the help.
#[derive(Args, Debug)]
pub(super) struct ByRole<C: Subcommand> {
    #[command(flatten)]
    pub(super) safe: ToSafe,
    #[command(subcommand)]
    pub(super) command: C,
}

/// Where an act is proposed instead of being sent.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Acts of a Safe")]
pub(super) struct ToSafe {
    /// Send nothing: write the calls to this file, as a batch for Safe's Transaction Builder
    #[arg(
        id = "batch_file",
        long = "propose",
        global = true,
        value_name = "FILE",
        requires = "from_safe"
    )]
    file: Option<PathBuf>,
    /// The Safe that has the role: its address, or its name in the profile's [safes]
    #[arg(
        id = "from_safe",
        long = "from",
        global = true,
        value_name = "SAFE",
        requires = "batch_file"
    )]
    safe: Option<String>,
}

/// What a command proposes, while it runs.
#[derive(Debug, Default)]
pub(super) struct Drafting {
    aim: OnceCell<(PathBuf, String)>,
    /// The command asked who acts.
    asked: std::cell::Cell<bool>,
    written: RefCell<Option<Value>>,
}

impl Drafting {
    /// The Safe, where the command is to propose.
    pub(super) fn safe(&self, context: &Context) -> Result<Option<Address>> {
        self.asked.set(true);
        match self.aim.get() {
            Some((_, name)) => safe_of(context, name).map(Some),
            None => Ok(None),
        }
    }
}

/// A Safe by its name in the profile, or its address.
pub(super) fn safe_of(context: &Context, name: &str) -> Result<Address> {
    let safes = &context.settings.profile().safes;
    match safes.get(name) {
        Some(safe) => Ok(*safe),
        None if name.starts_with("0x") => {
            book::market::address::parse_nonzero(name).map_err(Failure::usage)
        }
        None => Err(
            Failure::usage(format!("there is no Safe '{name}' in the profile"))
                .hint("give its address, or name it in the profile under [safes]"),
        ),
    }
}

/// Runs a command of a role, which proposes where `safe` says so.
pub(super) async fn aimed(
    context: &Context,
    safe: ToSafe,
    command: impl Future<Output = Result>,
) -> Result {
    let ToSafe {
        file: Some(file),
        safe: Some(safe),
    } = safe
    else {
        return command.await;
    };
    if file.exists() {
        return Err(exists(&file));
    }
    let _ = context.proposal.aim.set((file, safe));
    let mut answer = command.await?;
    match context.proposal.written.take() {
        Some(written) if answer.data.is_object() => answer.data["proposed"] = written,
        None if !context.proposal.asked.get() => {
            return Err(Failure::usage(
                "this command sends nothing, so there is nothing to propose",
            )
            .hint("leave out --propose"));
        }
        _ => {}
    }
    Ok(answer)
}

fn exists(file: &Path) -> Failure {
    let words = format!("{} already exists: nothing was proposed", file.display());
    Failure::refused("FILE_EXISTS", words).hint("name a new file")
}

/// What a command that needs a key answers to `--propose`.
pub(super) fn needs_a_key(error: &clap::Error, arguments: &[OsString]) -> Option<Failure> {
    let flag = match error.get(ContextKind::InvalidArg)? {
        ContextValue::String(flag) => flag.as_str(),
        _ => return None,
    };
    if flag != "--propose" {
        return None;
    }
    let noun = arguments.iter().skip(1).filter_map(|word| word.to_str());
    let noun = noun.into_iter().find(|word| !word.starts_with('-'));
    let why = match noun {
        Some("deploy") => "the address of a contract is known only once it is deployed",
        Some("settle" | "order" | "audit" | "match") => {
            "the book must know a transaction before it is sent"
        }
        _ => {
            "only acts of roles can be proposed: token, coin, role, settlement, distribution, document"
        }
    };
    let failure = Failure::new(
        Exit::Usage,
        "NEEDS_A_KEY",
        format!("this cannot be proposed to a Safe: {why}"),
    );
    Some(failure.hint("nothing was done; run the command without --propose, with a wallet"))
}

/// A batch that was written.
pub(super) struct Written {
    /// How many of the calls to propose it contains.
    pub(super) taken: usize,
    file: PathBuf,
    safe: Safe,
}

impl Written {
    /// What a command answers that proposed `words`.
    pub(super) fn answer(&self, words: &Sentence) -> Answer {
        let data = json!({ "what": words.programs() });
        Answer::line(data, words.clone().after("proposed: ").and(&self.line()))
    }

    /// Which file, for whom.
    pub(super) fn line(&self) -> String {
        let Self {
            taken, file, safe, ..
        } = self;
        let calls = if *taken == 1 { "call" } else { "calls" };
        let file = file.display();
        format!(
            "\n  {file}: {taken} {calls} for the Safe {}; {} of its {} owners must sign; nothing was sent\n  once it \
             has been carried out: orderbook propose confirm {file} TRANSACTION",
            safe.address,
            safe.threshold,
            safe.owners.len()
        )
    }
}

/// Writes calls as a batch for a Safe: as many of them as one transaction takes. Every call can be read again, and they were
/// run one after the other as the Safe.
pub(super) async fn propose(
    context: &Context,
    chain: &Chain,
    safe: Address,
    mut calls: Vec<Call>,
    words: &Sentence,
) -> Result<Written> {
    let Some((file, _)) = context.proposal.aim.get() else {
        return Err(Failure::usage("there is no file to write the proposal to"));
    };
    let safe = Safe::look(chain, safe).await?;
    let gas = simulated_first(chain, safe.address, &calls).await?;
    let taken = gas.len();
    calls.truncate(taken);
    let batch = Batch {
        chain_id: chain.id(),
        safe: safe.address,
        name: words.programs().to_string(),
        description: format!(
            "Words bind nothing; what it does: orderbook propose show FILE. Written by version {}.",
            env!("CARGO_PKG_VERSION")
        ),
        created_at: u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default(),
        calls,
    };
    Reading::all(&batch, &known(context, chain)?)?;
    write(context, &batch, file, words)?;
    let gas = gas.iter().fold(0, |sum: u64, gas| sum.saturating_add(*gas));
    context.proposal.written.replace(Some(json!({
        "file": file,
        "safe": safe.address,
        "chain_id": batch.chain_id,
        "calls": batch.calls.len(),
        "gas": gas,
        "what": words.programs(),
    })));
    Ok(Written {
        taken,
        file: file.clone(),
        safe,
    })
}

/// Gas that each call takes as the Safe, after the ones before it.
pub(super) async fn simulated(chain: &Chain, safe: Address, calls: &[Call]) -> Result<Vec<u64>> {
    judged(run(chain, safe, calls).await?, calls.len())
}

/// As [`simulated`], for as many calls from the first on as fit into one transaction and the node runs at once.
async fn simulated_first(chain: &Chain, safe: Address, calls: &[Call]) -> Result<Vec<u64>> {
    let sizes = calls.iter().map(|call| call.data.len() as u64);
    let mut most = within(sizes, MOST_BYTES);
    let gas = loop {
        match run(chain, safe, &calls[..most]).await {
            // A node gives a simulation only so much gas.
            Err(ChainError::Node { .. }) if most > 1 => most /= 2,
            ran => break judged(ran?, most)?,
        }
    };
    let taken = within(gas.iter().copied(), MOST_GAS);
    Ok(gas.into_iter().take(taken).collect())
}

/// Runs calls as the Safe. `None` from a node that cannot run several.
async fn run(
    chain: &Chain,
    safe: Address,
    calls: &[Call],
) -> std::result::Result<Option<Turns>, ChainError> {
    if let [Call { to, data }] = calls {
        let gas = chain.estimate(safe, *to, U256::ZERO, data.clone()).await?;
        return Ok(Some(Turns {
            gas: vec![gas],
            refused: None,
        }));
    }
    let pairs: Vec<_> = calls
        .iter()
        .map(|call| (call.to, call.data.clone()))
        .collect();
    chain.simulate_in_turn(safe, &pairs).await
}

/// The gas of each of `count` calls, where none was refused.
fn judged(ran: Option<Turns>, count: usize) -> Result<Vec<u64>> {
    match ran {
        None => {
            let words = format!(
                "the node cannot run {count} calls one after the other (eth_simulateV1), so none of them was proposed \
                 untested"
            );
            Err(Failure::new(Exit::Chain, "NOT_SIMULATED", words)
                .hint("use another node with --rpc-url, or propose one call at a time"))
        }
        Some(Turns {
            gas,
            refused: Some(revert),
        }) => {
            let at = gas.len() + 1;
            Err(Failure::from(&revert).context(format!("call {at} of {count}")))
        }
        Some(Turns { gas, .. }) => Ok(gas),
    }
}

/// How many from the first on add up to no more than `most`; at least one.
fn within(amounts: impl ExactSizeIterator<Item = u64>, most: u64) -> usize {
    let (count, mut sum) = (amounts.len(), 0_u64);
    let fits = amounts.take_while(|amount| {
        sum = sum.saturating_add(*amount);
        sum <= most
    });
    fits.count().max(1).min(count)
}

/// Writes the whole file at once, after the journal has it: where there is a file, plans leave its rows alone.
fn write(context: &Context, batch: &Batch, file: &Path, words: &Sentence) -> Result<()> {
    let failed = |e: std::io::Error| Failure::usage(format!("{}: {e}", file.display()));
    let text = batch.to_text();
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut draft = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    draft.write_all(text.as_bytes()).map_err(failed)?;
    draft.as_file().sync_all().map_err(failed)?;
    let id = keccak256(text);
    let journal = context.journal();
    journal.propose(Proposal {
        at: Timestamp::now(),
        batch: batch.digest(),
        calls: batch.calls.clone(),
        chain_id: batch.chain_id,
        file: std::path::absolute(file).map_err(failed)?,
        id,
        safe: batch.safe,
        what: words.programs().to_string(),
    })?;
    match draft.persist_noclobber(file) {
        Ok(_) => Ok(()),
        Err(error) => {
            journal.strike(&[id])?;
            match error.error.kind() {
                std::io::ErrorKind::AlreadyExists => Err(exists(file)),
                _ => Err(failed(error.error)),
            }
        }
    }
}

/// The profile's contracts and the names of its accounts.
pub(super) fn known(context: &Context, chain: &Chain) -> Result<Known> {
    let profile = context.settings.profile();
    let fixed = [
        context.coin_target().ok(),
        context.settlement_target().ok(),
        context.distribution_target().ok(),
        context.documents_target().ok(),
    ];
    let targets = profile.securities.iter().map(Into::into);
    let accounts = context.addresses()?.into_iter();
    let safes = profile
        .safes
        .iter()
        .map(|(name, safe)| (name.clone(), *safe));
    Ok(Known {
        chain_id: chain.id(),
        targets: targets.chain(fixed.into_iter().flatten()).collect(),
        names: accounts
            .chain(safes)
            .map(|(name, account)| (account, name))
            .collect(),
    })
}

impl Amounts for Reader {
    fn units(&self, value: U256, decimals: u8) -> String {
        Reader::units(*self, value, decimals)
    }

    fn dollars(&self, value: U256) -> String {
        Reader::dollars(*self, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_takes_what_one_transaction_takes() {
        let of = |amounts: &[u64], most| within(amounts.iter().copied(), most);
        assert_eq!(of(&[30_000, 30_000, 30_000], MOST_BYTES), 2);
        assert_eq!(of(&[10_000_000, 14_000_000, 1], MOST_GAS), 2);
        assert_eq!(of(&[1, 1, 1], 3), 3);
        assert_eq!(of(&[u64::MAX, u64::MAX, 1], u64::MAX - 1), 1);
        assert_eq!(of(&[], 1), 0);
    }

    #[test]
    fn a_node_that_cannot_run_calls_in_turn_proposes_none() {
        let none = judged(None, 4).unwrap_err();
        assert_eq!(
            (none.exit, none.code.as_str()),
            (Exit::Chain, "NOT_SIMULATED")
        );
        assert!(none.message.contains("4 calls"), "{none}");
        let gas = vec![5, 6];
        let whole = Turns {
            gas: gas.clone(),
            refused: None,
        };
        assert_eq!(judged(Some(whole), 2).unwrap(), gas);
    }
}
