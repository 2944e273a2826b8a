//! `sync`.

use book::board::Board;
use book::market::count::counted;
use book::market::matching::Match;
use clap::Args;
use desk::chain::{Chain, Ground};
use desk::sync::{self, Synced};
use serde_json::json;

use super::context::Context;
use super::failure::{Exit, Failure, Result};
use crate::render::{Answer, Block};

/// Read the chain's events since the last block seen; resolve matches whose outcome is unknown
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  orderbook sync\n  orderbook sync --abandon      give up transactions that were never mined: their nonces are used up"
)]
pub(super) struct Sync {
    /// Use up the nonces of transactions that were not mined, so that they never can be
    #[arg(long)]
    abandon: bool,
}

impl Sync {
    pub(super) async fn run(self, context: &Context) -> Result {
        let board = context.board().await?;
        let (chain, settlement) = (context.chain().await?, context.settlement()?);
        let by = context.by("")?;
        let bar = context.progress("blocks");
        let follow = |done, all| {
            bar.set_length(all);
            bar.set_position(done);
        };
        let first = context.first_block();
        let mut synced = sync::run(&board, &chain, settlement, first, &by, follow).await?;
        if self.abandon && !synced.pending.is_empty() {
            abandon(context, &board, &chain, &synced.pending).await?;
            let again = sync::run(&board, &chain, settlement, first, &by, follow).await?;
            synced.fills += again.fills;
            synced.taken += again.taken;
            synced.left.extend(again.left);
            synced.committed += again.committed;
            synced.released += again.released;
            synced.strange.extend(again.strange);
            synced.failed += again.failed;
            synced.to = again.to;
            synced.pending = again.pending;
            synced.soft = again.soft;
        }
        bar.finish_and_clear();
        describe(&synced)
    }
}

/// Uses up the nonces of what was submitted and not mined.
async fn abandon(context: &Context, board: &Board, chain: &Chain, pending: &[Match]) -> Result<()> {
    let operator = context.sender("operator", "using up the nonces of lost transactions")?;
    for matched in pending {
        let Some(submission) = matched.submission else {
            continue;
        };
        if submission.sender != operator.address() {
            let words = format!(
                "match {} was submitted by {}",
                matched.id, submission.sender
            );
            return Err(Failure::new(Exit::Auth, "OTHER_OPERATOR", words));
        }
        if chain.nonce(submission.sender).await? == submission.nonce {
            let ground = Ground::new(chain.clone(), Some(board.clone()));
            ground.use_up(&operator, submission.nonce).await?;
        }
    }
    Ok(())
}

fn describe(synced: &Synced) -> Result {
    if let Some(matched) = synced.pending.first() {
        let words = format!(
            "{} not mined yet, the first of match {}",
            counted(synced.pending.len(), "transaction"),
            matched.id
        );
        return Err(Failure::new(Exit::Unknown, "OUTCOME_UNKNOWN", words).hint(
            "wait and sync again; or make sure they are never mined: orderbook sync --abandon",
        ));
    }
    let data = json!({
        "from": synced.from,
        "to": synced.to,
        "fills": synced.fills,
        "cancels": synced.cancels,
        "taken": synced.taken,
        "left": synced.left,
        "committed": synced.committed,
        "released": synced.released,
        "strange": synced.strange,
        "failed": synced.failed,
        "pending": [],
        "soft": synced.soft.iter().map(|matched| matched.id).collect::<Vec<_>>(),
    });
    let mut answer = Answer::new(data).with(Block::Pairs(vec![
        (
            "blocks".into(),
            format!("{} to {}", synced.from, synced.to).into(),
        ),
        ("new fills".into(), synced.fills.into()),
        ("cancels on chain".into(), synced.cancels.into()),
        ("orders from the chain".into(), synced.taken.into()),
        ("matches committed".into(), synced.committed.into()),
        ("matches released".into(), synced.released.into()),
        ("failed submissions".into(), synced.failed.into()),
    ]));
    if let Some(matched) = synced.soft.first() {
        answer = answer.note(format!(
            "{} in blocks that do not count yet under the book's rule, the first {}: they stay {}",
            counted(synced.soft.len(), "match"),
            matched.id,
            matched.state
        ));
    }
    let answer = synced.strange.iter().fold(answer, Answer::warn);
    let left = synced.left.iter().map(|left| {
        format!(
            "order {} of {} is registered on chain but not on the board: {}; to take it onto the board: orderbook order adopt {} --account ACCOUNT",
            left.id, left.owner, left.why, left.id
        )
    });
    Ok(left.fold(answer, Answer::warn))
}
