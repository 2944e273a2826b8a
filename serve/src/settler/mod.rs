//! The settler: one process at a time carries out the settlements that operators asked for, with the operator's key and
//! the desk's own functions. A crash leaves what a crash of the command line leaves: the transaction's hash is in the
//! log before it is sent, and whoever continues looks up that hash on chain.

mod errands;
mod outcome;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use book::board::jobs::{Job, JobState, Said};
use book::board::lease::Lease;
use book::board::{Board, BoardError};
use book::log::By;
use book::market::matching::{Match, MatchState};
use desk::chain::Target;
use desk::preflight::{Form, States};
use desk::settlement::{Desk, Settled};
use desk::signing::signer::Signer;
use desk::{DeskError, finality, sync};
use tokio::sync::watch;
use uuid::Uuid;

use crate::lease;
use crate::node::Endpoint;
use crate::trouble::Trouble;
use errands::Errands;
use outcome::Outcome;

/// The lease of the settling process.
const LEASE: &str = "settler";
/// How often jobs are looked for.
const LOOK_EACH: Duration = Duration::from_millis(250);
/// How long a job waits after the chain could not be reached, or had no outcome yet.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Settles what operators ask for over HTTP.
#[derive(Debug)]
pub struct Settler {
    board: Board,
    node: Arc<Endpoint>,
    target: Target,
    operator: Signer,
    gas_cap: u64,
    /// Of this process.
    holder: String,
}

impl Settler {
    /// With the operator's key, through the book's settlement contract; one transaction may use up to `gas_cap` gas.
    pub fn new(
        board: Board,
        node: Arc<Endpoint>,
        target: Target,
        operator: Signer,
        gas_cap: u64,
    ) -> Self {
        Self {
            board,
            node,
            target,
            operator,
            gas_cap,
            holder: Uuid::now_v7().to_string(),
        }
    }

    /// Settles for as long as the process runs, whenever no other process does.
    pub(crate) async fn run(&self, ended: impl Future<Output = ()>, say: impl Fn(&str)) {
        let working = async |held: watch::Receiver<Option<Lease>>| {
            let mut rounds = lease::rounds(LOOK_EACH);
            let (mut tried, mut trouble) = (HashMap::new(), Trouble::default());
            let mut errands = Errands::default();
            loop {
                rounds.tick().await;
                let lease = held.borrow().clone();
                let Some(lease) = lease else {
                    tried.clear();
                    continue;
                };
                let board = self.board.under(&lease);
                // What wallets left comes first: a settlement may be waiting for it.
                let passed = match self.run_errands(&board, &mut errands, &say).await {
                    Ok(()) => self.pass(&lease, &mut tried, &say).await,
                    failed => failed,
                };
                trouble.tell(passed, &say);
            }
        };
        lease::under(&self.board, LEASE, &self.holder, ended, working).await;
    }

    /// Continues each job that is not over; one that was tried a moment ago waits.
    async fn pass(
        &self,
        lease: &Lease,
        tried: &mut HashMap<Uuid, Instant>,
        say: &impl Fn(&str),
    ) -> Result<(), BoardError> {
        let jobs = self.board.open_jobs().await?;
        tried.retain(|id, _| jobs.iter().any(|job| job.id == *id));
        let board = self.board.under(lease);
        for job in jobs {
            if tried
                .get(&job.id)
                .is_some_and(|at| at.elapsed() < AGAIN_AFTER)
            {
                continue;
            }
            self.go_on(&board, &job, say).await?;
            tried.insert(job.id, Instant::now());
        }
        Ok(())
    }

    /// One step of a job, depending on the state of its match.
    async fn go_on(&self, board: &Board, job: &Job, say: &impl Fn(&str)) -> Result<(), BoardError> {
        let found = board.match_of_id(job.match_id).await?;
        let matched = found.ok_or(BoardError::UnknownMatch(job.match_id))?;
        let outcome = match matched.state {
            MatchState::Submitted | MatchState::Unknown => self.learn(board, job, &matched).await,
            MatchState::Approved | MatchState::Committed => {
                self.settle(board, job, &matched, say).await
            }
            MatchState::Failed if !has_sent(job, &matched) => {
                self.settle(board, job, &matched, say).await
            }
            _ => Ok(ended(&matched)),
        };
        let Outcome { state, said } = match outcome {
            Ok(outcome) => outcome,
            // The process that has the lease now continues it.
            Err(DeskError::Board(error)) => return Err(error),
            Err(error) => Outcome::of(&error),
        };
        // An unchanged step is not recorded again.
        let last = job.steps.last();
        let same = last.is_some_and(|step| step.code == said.code && step.state == state.as_str());
        if !same {
            board.step_job(job.id, state, said).await?;
        }
        Ok(())
    }

    /// Preflight, simulation, submission: in one transaction, unless both orders are on chain.
    async fn settle(
        &self,
        board: &Board,
        job: &Job,
        matched: &Match,
        say: &impl Fn(&str),
    ) -> Result<Outcome, DeskError> {
        let chain = self.node.chain().await?;
        let by = By::new(job.asked_by.as_str());
        let desk = Desk::open(board, chain, self.target.clone(), &self.operator, by).await?;
        let desk = Desk {
            gas_cap: self.gas_cap,
            ..desk
        };
        let bid = board.order(&matched.bid.to_string()).await?.record;
        let ask = board.order(&matched.ask.to_string()).await?.record;
        let states = desk.preflight(&bid, &ask, Form::Registered).await?;
        let form = states.map_or(Form::Signed, States::form);
        let begun = Said {
            seq: Some(matched.changed_seq),
            ..Said::default()
        };
        board.step_job(job.id, JobState::Running, begun).await?;
        let prepared = desk.prepare(&bid, &ask, form).await?;
        let settled = desk.submit(matched, &prepared).await?;
        if settled.waits.is_none()
            && let Err(error) = desk.anchor_daily().await
        {
            // The fill is kept whatever happens to the anchor.
            say(&format!("the daily anchor failed: {error}"));
        }
        Ok(sent(&settled))
    }

    /// Looks up on chain the outcome of a transaction that this process, or an earlier one, has sent.
    async fn learn(&self, board: &Board, job: &Job, matched: &Match) -> Result<Outcome, DeskError> {
        let chain = self.node.chain().await?;
        let by = By::new(job.asked_by.as_str());
        let contract = self.target.address();
        let synced = sync::resolve_in_flight(board, chain, contract, &by).await?;
        let is_it = |one: &Match| one.id == matched.id;
        let transaction = matched.submission.map(|sent| sent.tx_hash);
        if synced.soft.iter().any(is_it) {
            return Ok(Outcome {
                state: JobState::Submitted,
                said: Said {
                    transaction,
                    ..Said::default()
                },
            });
        }
        if synced.pending.iter().any(is_it) {
            if matched.state == MatchState::Submitted {
                let by = by.because("no receipt yet");
                board.record_unknown(matched.id, by).await?;
            }
            return Ok(outcome::unknown(transaction));
        }
        let found = board.match_of_id(matched.id).await?;
        Ok(ended(found.as_ref().unwrap_or(matched)))
    }
}

/// Whether the match has changed since the job began to settle it: if so, it has sent a transaction.
fn has_sent(job: &Job, matched: &Match) -> bool {
    let begun = job.steps.iter().rev().find_map(|step| step.seq);
    begun.is_some_and(|seq| matched.changed_seq > seq)
}

/// A transaction that is in a block.
fn sent(settled: &Settled) -> Outcome {
    let detail = settled.waits.map(|tag| {
        let tag = finality::words(tag);
        format!("in block {}, recorded when it is {tag}", settled.block)
    });
    Outcome {
        state: match settled.waits {
            None => JobState::Settled,
            Some(_) => JobState::Submitted,
        },
        said: Said {
            block: Some(settled.block),
            transaction: Some(settled.tx_hash),
            detail,
            ..Said::default()
        },
    }
}

/// A match that must not be settled any more.
fn ended(matched: &Match) -> Outcome {
    let transaction = matched.submission.map(|sent| sent.tx_hash);
    let said = Said {
        transaction,
        ..Said::default()
    };
    match matched.state {
        MatchState::Settled => Outcome {
            state: JobState::Settled,
            said,
        },
        MatchState::Failed => Outcome {
            state: JobState::Failed,
            said: Said {
                code: Some("TRANSACTION_FAILED".into()),
                detail: Some("the transaction reverted, or can never be mined".into()),
                ..said
            },
        },
        state => Outcome {
            state: JobState::Refused,
            said: Said {
                code: Some("BOARD_REFUSED".into()),
                detail: Some(format!("match {} is {state}", matched.id)),
                transaction: None,
                ..said
            },
        },
    }
}

/// Whether the chain could not be reached: the job waits, and nothing was sent.
fn is_away(chain: &desk::chain::ChainError) -> bool {
    use desk::chain::ChainError::{Node, Unreachable, Untrue};
    matches!(chain, Unreachable { .. } | Node { .. } | Untrue { .. })
}
