//! `propose show, confirm, list, drop`: what a batch for a Safe does, and whether the Safe did it.

use std::path::{Path, PathBuf};

use alloy::primitives::B256;
use book::market::amount::time;
use clap::Subcommand;
use desk::chain::Chain;
use desk::propose::ProposeError;
use desk::propose::batch::Batch;
use desk::propose::confirm::{self, Confirmed};
use desk::propose::reading::{Known, Reading};
use desk::propose::safe::Safe;
use desk::propose::words::called;
use serde_json::{Value, json};

use super::context::Context;
use super::failure::{Exit, Failure, Result};
use super::propose::{known, simulated};
use super::registry;
use crate::render::sentence::Reader;
use crate::render::{Answer, Block, Cell, Sentence, Table};

/// Show, confirm, list and drop batches that were written for a Safe
#[derive(Debug, Subcommand)]
pub(super) enum Propose {
    /// Say what a batch does, read from its bytes alone, and whether it would succeed now
    #[command(
        after_help = "Example: orderbook propose show limits.json\n\nFor those who sign at the Safe, with a profile of their own: the name and description in the file bind nothing, and are\nignored. Calls that cannot be read are refused, and so are delegate calls, ether, other chains and contracts that the\nprofile does not name."
    )]
    Show {
        /// The batch
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Check that a transaction carried out a batch, by the events of the Safe and of the contracts
    #[command(
        after_help = "Example: orderbook propose confirm limits.json 0x5f3c...\n\nThe hash is the chain's, not the one that the Safe's owners signed (safeTxHash). From then on rows of a plan count as\ndone, and a security that was admitted is listed on the board."
    )]
    Confirm {
        /// The batch
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Hash of the transaction that carried it out
        #[arg(value_name = "TRANSACTION")]
        transaction: String,
    },
    /// List what was proposed from this profile and is neither confirmed nor dropped
    #[command(after_help = "Example: orderbook propose list")]
    List,
    /// Drop a batch: plans treat its rows as open again
    #[command(
        after_help = "Example: orderbook propose drop limits.json\n\nThe owners can still carry it out: reject it at the Safe first, with the same nonce."
    )]
    Drop {
        /// The batch
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

impl Propose {
    pub(super) async fn run(self, context: &Context) -> Result {
        match self {
            Self::Show { file } => show(context, &file).await,
            Self::Confirm { file, transaction } => confirm(context, &file, &transaction).await,
            Self::List => list(context),
            Self::Drop { file } => drop_batch(context, &file),
        }
    }
}

/// A batch that was read, on the profile's chain, with its contracts identified.
struct Opened {
    chain: Chain,
    known: Known,
    batch: Batch,
    readings: Vec<Reading>,
}

impl Opened {
    async fn of(context: &Context, file: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(file)
            .map_err(|e| Failure::usage(format!("{}: {e}", file.display())))?;
        let named = |error: ProposeError| Failure::from(error).context(file.display());
        let batch = Batch::read(&text).map_err(named)?;
        let ground = context.ground().await?;
        let chain = ground.chain().clone();
        let known = known(context, &chain)?;
        let readings = Reading::all(&batch, &known).map_err(named)?;
        for target in &known.targets {
            if readings.iter().any(|reading| reading.target == *target) {
                ground.contract(target.clone()).await?;
            }
        }
        Ok(Self {
            chain,
            known,
            batch,
            readings,
        })
    }

    /// Each call with its contract and what it does.
    fn table(&self) -> Table {
        let mut table = Table::new(&[">call", "contract", "address", "what it does"]);
        for (at, reading) in (1_usize..).zip(&self.readings) {
            let words = |reader: Reader| reading.words(&self.known, &reader);
            let rows = words(Reader::Person).len();
            for row in 0..rows {
                let line =
                    Sentence::of(|reader| words(reader).into_iter().nth(row).unwrap_or_default());
                let head = if row == 0 {
                    [
                        at.into(),
                        called(&reading.target).into(),
                        reading.target.address().into(),
                    ]
                } else {
                    [Cell::default(), Cell::default(), Cell::default()]
                };
                let [call, contract, address] = head;
                table.row([call, contract, address, Cell::sentence(&line)]);
            }
        }
        table
    }

    fn calls(&self) -> Value {
        let calls = self.readings.iter().zip(&self.batch.calls);
        calls
            .map(|(reading, call)| {
                json!({
                    "contract": called(&reading.target),
                    "to": call.to,
                    "function": reading.signature(),
                    "data": call.data,
                    "what": reading.words(&self.known, &Reader::Program),
                })
            })
            .collect()
    }
}

async fn show(context: &Context, file: &Path) -> Result {
    let opened = Opened::of(context, file).await?;
    let safe = Safe::look(&opened.chain, opened.batch.safe).await?;
    let ends = simulated(&opened.chain, safe.address, &opened.batch.calls).await;
    let now = match &ends {
        Ok(_) => "it would succeed".to_string(),
        Err(failure) => format!("it would fail: {failure}"),
    };
    let data = json!({
        "chain_id": opened.batch.chain_id,
        "safe": safe.address,
        "version": safe.version,
        "owners": safe.owners,
        "threshold": safe.threshold,
        "nonce": safe.nonce,
        "calls": opened.calls(),
        "succeeds_now": ends.is_ok(),
    });
    let pairs = vec![
        ("chain".to_string(), opened.batch.chain_id.into()),
        ("Safe".to_string(), opened.known.name(safe.address).into()),
        (
            "signatures".to_string(),
            format!("{} of {} owners", safe.threshold, safe.owners.len()).into(),
        ),
        ("its next nonce".to_string(), safe.nonce.into()),
        ("now".to_string(), now.clone().into()),
    ];
    let answer = Answer::new(data)
        .with(Block::Pairs(pairs))
        .with(Block::Table(opened.table()));
    Ok(if ends.is_ok() {
        answer
    } else {
        answer.warn(now)
    })
}

async fn confirm(context: &Context, file: &Path, transaction: &str) -> Result {
    let hash: B256 = transaction.parse().map_err(|_| {
        let words = format!(
            "'{transaction}' is not a transaction hash: write 0x and 64 hexadecimal digits"
        );
        Failure::usage(words)
    })?;
    let opened = Opened::of(context, file).await?;
    let Opened {
        chain,
        batch,
        readings,
        ..
    } = &opened;
    let confirmed = confirm::confirm(chain, batch, readings, hash).await?;
    let Some(confirmed) = confirmed else {
        let words = format!("transaction {hash} is not in any block of this chain");
        return Err(Failure::new(Exit::Chain, "NOT_MINED", words).hint(
            "give the hash that the chain has, not the one that the owners signed (safeTxHash)",
        ));
    };
    for token in readings.iter().filter_map(Reading::lists) {
        let security = context.security(&token.to_string())?;
        if context.board_if_any().await?.is_some() {
            registry::list_on_board(context, &security).await?;
        }
    }
    let digest = batch.digest();
    let written = context.journal().proposals()?;
    if let Some(proposal) = written.iter().find(|proposal| proposal.batch == digest) {
        context.say(proposal.id);
    }
    Ok(said(&opened, &confirmed))
}

fn said(opened: &Opened, confirmed: &Confirmed) -> Answer {
    let Confirmed {
        hash, block, read, ..
    } = confirmed;
    let data = json!({
        "transaction": hash,
        "safe_transaction": confirmed.inner,
        "safe": opened.batch.safe,
        "block": block,
        "read_from_transaction": read,
        "calls": opened.calls(),
    });
    let safe = opened.known.name(opened.batch.safe);
    let line = format!("done by the Safe {safe} in block {block}\n  transaction {hash}");
    let answer = Answer::line(data, line).with(Block::Table(opened.table()));
    if *read {
        return answer;
    }
    answer.note(
        "the transaction goes to another contract first: only the events show that the Safe made these calls",
    )
}

fn list(context: &Context) -> Result {
    let mut table = Table::new(&["proposed at", "file", "safe", ">calls", "what it does"]);
    for proposal in context.journal().proposals()? {
        let at = u64::try_from(proposal.at.as_second()).unwrap_or_default();
        table.row([
            time(at).into(),
            proposal.file.display().to_string().into(),
            proposal.safe.into(),
            proposal.calls.len().into(),
            proposal.what.into(),
        ]);
    }
    Ok(Answer::table(table))
}

fn drop_batch(context: &Context, file: &Path) -> Result {
    let path = std::path::absolute(file)
        .map_err(|e| Failure::usage(format!("{}: {e}", file.display())))?;
    let proposals = context.journal().proposals()?;
    let Some(proposal) = proposals.iter().rfind(|proposal| proposal.file == path) else {
        let words = format!("nothing is proposed in {}", file.display());
        return Err(Failure::refused("NOT_PROPOSED", words).hint("see: orderbook propose list"));
    };
    context.say(proposal.id);
    let data = json!({ "file": proposal.file, "safe": proposal.safe, "what": proposal.what });
    let words = format!("dropped: {}", proposal.what);
    Ok(Answer::line(data, words).warn(
        "its owners can still carry it out, and then it counts: reject it at the Safe with the same nonce",
    ))
}

impl From<ProposeError> for Failure {
    fn from(error: ProposeError) -> Self {
        let of = |exit, code: &str| Self::new(exit, code, &error);
        match &error {
            ProposeError::NotABatch(_) => of(Exit::Usage, "BAD_FILE"),
            ProposeError::Checksum { .. } => of(Exit::Usage, "BAD_FILE")
                .hint("ask whoever proposed it for the file as it was written"),
            ProposeError::OtherChain { .. } => {
                of(Exit::Chain, "WRONG_CHAIN").hint("see: orderbook config show")
            }
            ProposeError::Ether { .. } => of(Exit::Refused, "SENDS_ETHER"),
            ProposeError::Delegate { .. } => of(Exit::Refused, "DELEGATE_CALL"),
            ProposeError::OtherTarget { .. } => of(Exit::Chain, "NOT_THAT_CONTRACT")
                .hint("see what the profile names: orderbook config show"),
            ProposeError::Unreadable { .. } => of(Exit::Refused, "UNREADABLE_CALL")
                .hint("do not sign it: nobody can say what it does"),
            ProposeError::NotASafe { .. } => {
                of(Exit::Chain, "NOT_A_SAFE").hint("check the address and the chain")
            }
            ProposeError::FailedInside { .. } => of(Exit::Integrity, "FAILED_INSIDE")
                .hint("none of it was done; see why with: orderbook propose show FILE"),
            ProposeError::Executions { .. } => of(Exit::Integrity, "NOT_EXECUTED")
                .hint("give the transaction that carried out this batch, and only this batch"),
            ProposeError::OtherCalls { .. } => of(Exit::Integrity, "OTHER_CALLS")
                .hint("nothing was recorded as done; look at what the owners signed"),
            ProposeError::NoEvent { .. } => of(Exit::Integrity, "NO_EVENT")
                .hint("nothing was recorded as done; ask another node: --rpc-url"),
            ProposeError::Besides { .. } => of(Exit::Integrity, "DONE_BESIDES")
                .hint("nothing was recorded as done; look at what the owners signed"),
        }
    }
}
