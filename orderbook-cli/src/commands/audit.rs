//! `audit verify, prove, check, anchor, log`.

use std::path::{Path, PathBuf};

use book::audit::proof::{self, InclusionProof};
use book::audit::verify::{Anchor, Report, verify};
use book::log::event::Event;
use book::market::count::counted;
use book::market::literal::{decimal, time};
use book::market::unique;
use clap::Subcommand;
use desk::reconcile::{self, Compared, Difference};
use desk::staff;
use desk::surveillance::Remark;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::context::Context;
use super::failure::{Exit, Failure, Fault, Result};
use crate::render::{Answer, Block, Cell, Table};

/// Prove what happened: replay the log, anchor it on chain, prove single events
#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Replay the whole log, name the first bad row, and compare the log with the chain
    #[command(
        after_help = "Examples:\n  orderbook audit verify\n  orderbook audit verify --offline      the log alone, no chain\n\nWith the chain it compares fills, cancels, commitments, releases and anchors in both directions, then the\nregistrations and listings in the log and the block read last. It also checks that whoever named the first admin\nperson was the contract's default admin at the time. Orders registered only on chain give warnings; so does\nanything a supervisor should look at: an owner on both sides of a security within a day, an owner that had the\noperator's or a principal's role at its fill, an anchor of fewer events than an earlier one."
    )]
    Verify {
        /// Do not query the chain
        #[arg(long)]
        offline: bool,
    },
    /// Put the log's root and size on chain
    #[command(
        after_help = "Example: orderbook audit anchor\n\n`settle` does this automatically once a day."
    )]
    Anchor,
    /// Write a proof that an order was posted, which anybody can check against the chain
    #[command(after_help = "Example: orderbook audit prove 0x12ab34 --out proof.json")]
    Prove {
        /// The order's id, or the first digits of it
        order: String,
        /// Where to write it [default: stdout]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Check a proof against the root on chain; needs no book
    #[command(
        after_help = "Example: orderbook audit check proof.json --rpc-url https://... --settlement 0x..."
    )]
    Check {
        /// The proof
        file: PathBuf,
    },
    /// List what a person did or signed with any wallet, including a stolen one
    #[command(
        after_help = "Example: orderbook audit acts --by 'Tina Falk' --since 2026-11-02T09:00:00Z"
    )]
    Acts {
        /// The person
        #[arg(long, value_name = "PERSON")]
        by: String,
        /// The earliest time
        #[arg(long, value_name = "TIME", value_parser = time::timestamp)]
        since: Timestamp,
    },
    /// Print the log
    #[command(after_help = "Example: orderbook audit log --from 100 --limit 50 --json")]
    Log {
        /// First event
        #[arg(long, default_value = "1", value_parser = decimal::whole::<u64>)]
        from: u64,
        /// Maximum number of rows
        #[arg(long, default_value = "100", value_parser = decimal::whole::<u32>)]
        limit: u32,
    },
}

impl Audit {
    pub(super) async fn run(self, context: &Context) -> Result {
        match self {
            Self::Verify { offline } => run_verify(context, offline).await,
            Self::Anchor => anchor(context).await,
            Self::Prove { order, out } => prove(context, &order, out).await,
            Self::Check { file } => check(context, &file).await,
            Self::Acts { by, since } => Ok(events_table(
                &context.board().await?.acts_of(&by, since).await?,
            )),
            Self::Log { from, limit } => log(context, from, limit).await,
        }
    }
}

async fn run_verify(context: &Context, offline: bool) -> Result {
    let board = context.board().await?;
    let mut anchors: Vec<Anchor> = Vec::new();
    let (mut compared, mut remarks) = (Compared::default(), Vec::new());
    let chain = if offline {
        None
    } else {
        Some(context.chain().await?)
    };
    let settlement = (!offline).then(|| context.settlement()).transpose()?;
    if let Some((chain, settlement)) = chain.as_ref().zip(settlement) {
        let logged = reconcile::read(chain, settlement, context.first_block()).await?;
        compared = reconcile::compare(&board, chain, &logged).await?;
        remarks = logged.remarks(chain).await?;
        anchors = logged.anchors;
    }
    let bar = context.progress("events");
    bar.set_length(board.head().await?.size);
    let report = verify(&board, &anchors, |events| bar.set_position(events)).await?;
    bar.finish_and_clear();
    if let Some(finding) = report.finding {
        let words = format!(
            "event {} is bad ({:?}): {}",
            finding.seq, finding.fault, finding.message
        );
        return Err(Failure::new(Exit::Integrity, "LOG_BROKEN", words)
            .hint("keep this file as evidence and compare it with your backups")
            .found(remarked(
                Answer::new(json!({ "remarks": remarks })),
                &remarks,
            )));
    }
    if let Some((chain, settlement)) = chain.as_ref().zip(settlement) {
        let first = context.first_block();
        let wrong = staff::compare(chain, settlement, first, &report.named).await?;
        compared.differences.extend(wrong);
    }
    if let Some(first) = compared.differences.first() {
        return Err(differ(first, &compared.differences).found(remarked(
            Answer::new(json!({ "remarks": remarks })),
            &remarks,
        )));
    }
    let answer = verified(&report, offline, &remarks);
    let registered = compared.unknown.iter().map(|(id, owner)| {
        format!(
            "order {id} of {owner} is registered on chain but not on the board: run orderbook sync, or orderbook order \
             adopt ID --account ACCOUNT"
        )
    });
    let answer = registered.fold(answer, Answer::warn);
    let answer = match board.accesses_elsewhere().await? {
        Some(seq) => answer.warn(format!(
            "this book was restored from an export: the record of who looked at orders up to event {seq} is in the exported \
             book"
        )),
        None => answer,
    };
    Ok(remarked(answer, &remarks))
}

/// The log is intact, and agrees with the chain where that was queried.
fn verified(report: &Report, offline: bool, remarks: &[Remark]) -> Answer {
    let data = json!({
        "events": report.events,
        "root": report.root,
        "hash": report.hash,
        "anchors": report.anchors,
        "chain_compared": !offline,
        "remarks": remarks,
    });
    let log = format!(
        "{}, every hash and every state verified",
        counted(report.events, "event")
    );
    let chain = if offline {
        "not queried"
    } else {
        "same fills, cancels, registrations, commitments, listings and anchors"
    };
    Answer::new(data).with(Block::Pairs(vec![
        ("log".into(), log.into()),
        ("root".into(), report.root.into()),
        ("anchors confirmed".into(), report.anchors.into()),
        ("chain".into(), chain.into()),
    ]))
}

/// What a supervisor should look at goes among the warnings: it does not make the log bad.
fn remarked(answer: Answer, remarks: &[Remark]) -> Answer {
    remarks
        .iter()
        .fold(answer, |answer, remark| answer.warn(&remark.words))
}

/// Log and chain disagree: the first difference names the failure; for programs each is an error of its own.
fn differ(first: &Difference, all: &[Difference]) -> Failure {
    let place = |difference: &Difference| match difference.seq {
        Some(seq) => format!("event {seq}: {}", difference.words),
        None => difference.words.clone(),
    };
    let code = |difference: &Difference| match difference.kind {
        "fill" => "FILLS_DIFFER",
        _ => "CHAIN_DIFFERS",
    };
    let faults = all.iter().map(|difference| Fault {
        code: code(difference).into(),
        message: place(difference),
        hint: None,
    });
    let words = format!("log and chain differ in {}", counted(all.len(), "place"));
    Failure::new(Exit::Integrity, code(first), words)
        .faults(faults)
        .hint("bring the book up to date with: orderbook sync; if they still differ, ask another node with --rpc-url")
}

async fn anchor(context: &Context) -> Result {
    let board = context.board().await?;
    let operator = context.sender("operator", "anchoring the log")?;
    let chain = context.chain().await?;
    let desk = context.desk(&board, &chain, &operator).await?;
    let anchored = desk.anchor().await?;
    Ok(Answer::new(json!(anchored)).with(Block::Pairs(vec![
        ("events".into(), anchored.size.into()),
        ("root".into(), anchored.root.into()),
        ("transaction".into(), anchored.tx_hash.into()),
        ("block".into(), anchored.block.into()),
    ])))
}

async fn prove(context: &Context, order: &str, out: Option<PathBuf>) -> Result {
    let board = context.board().await?;
    let proof = proof::prove_order(&board, order).await?;
    let anchored = board
        .last_anchored()
        .await?
        .is_some_and(|(_, a)| a.size == proof.tree_size);
    let text = format!("{:#}\n", json!(proof));
    let answer = match out {
        None => Answer::new(json!(proof)).with(Block::Raw(text)),
        Some(path) => {
            std::fs::write(&path, text)
                .map_err(|e| Failure::other(format!("{}: {e}", path.display())))?;
            let words = format!(
                "event {} is one of the {} under root {}: {}",
                proof.leaf_index + 1,
                proof.tree_size,
                proof.root,
                path.display()
            );
            Answer::line(
                json!({ "file": path, "root": proof.root, "size": proof.tree_size }),
                words,
            )
        }
    };
    Ok(if anchored {
        answer
    } else {
        answer.warn("this root is not on chain yet: run orderbook audit anchor, then prove again")
    })
}

async fn check(context: &Context, file: &Path) -> Result {
    let text = std::fs::read_to_string(file)
        .map_err(|e| Failure::usage(format!("{}: {e}", file.display())))?;
    let stated: InclusionProof =
        unique::from_str(&text).map_err(|e| Failure::usage(format!("{}: {e}", file.display())))?;
    let (chain, settlement) = (context.chain().await?, context.settlement()?);
    let broken = |words: String| Failure::new(Exit::Integrity, "PROOF_BROKEN", words);
    if (stated.chain_id, stated.contract) != (chain.id(), settlement) {
        return Err(broken(format!(
            "the proof is about contract {} on chain {}",
            stated.contract, stated.chain_id
        )));
    }
    let logged = reconcile::read(&chain, settlement, context.first_block()).await?;
    let anchor = Anchor {
        size: stated.tree_size,
        root: stated.root,
    };
    if !logged.anchors.contains(&anchor) {
        return Err(broken(format!(
            "the chain has no anchor with root {} and {} events",
            anchor.root, anchor.size
        )));
    }
    proof::verify(&text, anchor).map_err(|e| broken(e.to_string()))?;
    let words = format!(
        "proof verified: event {} is in the log that settlement contract {settlement} anchored with {} events",
        stated.leaf_index + 1,
        anchor.size
    );
    Ok(Answer::line(
        json!({ "holds": true, "event": stated.event }),
        words,
    ))
}

async fn log(context: &Context, from: u64, limit: u32) -> Result {
    Ok(events_table(
        &context.board().await?.events(from, limit).await?,
    ))
}

fn events_table(events: &[Event]) -> Answer {
    let mut table = Table::new(&[
        ">seq",
        "type",
        "subject",
        "??captured",
        "?actor",
        "reason",
        "???hash",
    ]);
    let mut data = Vec::with_capacity(events.len());
    for event in events {
        table.row([
            event.seq.into(),
            event.kind.into(),
            Cell::abridged(&event.subject, 12),
            event.captured_at.strftime("%Y-%m-%d %H:%M:%S").into(),
            event.actor.clone().into(),
            event.reason.clone().into(),
            Cell::id(event.hash),
        ]);
        data.push(event_json(event));
    }
    Answer::new(Value::Array(data)).with(Block::Table(table))
}

/// An event for programs: every field that its hash covers, and both hashes.
fn event_json(event: &Event) -> Value {
    let body: Value = serde_json::from_str(&event.body).unwrap_or(Value::Null);
    let mut told = json!({
        "seq": event.seq,
        "type": event.kind,
        "subject": event.subject,
        "occurred_at": event.occurred_at,
        "captured_at": event.captured_at,
        "actor": event.actor,
        "reason": event.reason,
        "body": body,
        "prev": event.prev,
        "hash": event.hash,
    });
    if let Some(salt) = event.salt {
        told["salt"] = json!(salt);
    }
    told
}
