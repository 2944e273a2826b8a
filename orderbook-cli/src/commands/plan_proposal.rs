//! Plans whose transactions are proposed to a Safe.

use std::collections::BTreeSet;
use std::path::Path;

use book::market::count::counted;
use desk::chain::Contract;
use desk::plan::register::Plan;
use desk::plan::{Proposed, Sent};
use desk::propose::pending::Pending;
use serde_json::Value;

use super::context::Context;
use super::failure::Result;
use super::plan;
use super::propose::{self, Written};
use crate::config::Security;
use crate::render::{Answer, Sentence};

/// The calls of a plan as a batch for a Safe.
pub(super) async fn register(
    context: &Context,
    security: &Security,
    contract: &Contract,
    mut plan: Plan,
) -> Result {
    let words = plan::words(security, &plan);
    let calls = plan.proposed(contract);
    let written = propose_calls(context, contract, &calls, &words).await?;
    let pending = Pending::of(contract, &context.journal())?;
    for row in plan.rows.iter_mut().filter(|row| !row.is_done()) {
        row.proposed = pending.holding(row.wallet).map(Path::to_path_buf);
    }
    let answer = Answer::line(
        plan::data(&plan, &Sent::default()),
        words.after("proposed: ").and(&written.line()),
    );
    Ok(left(answer, &calls, &written))
}

/// A list's calls as a batch for a Safe; `data` is what the plan says for programs.
pub(super) async fn list(
    context: &Context,
    contract: &Contract,
    calls: &[Proposed],
    words: Sentence,
    data: Value,
) -> Result {
    let written = propose_calls(context, contract, calls, &words).await?;
    let line = words.after("proposed: ").and(&written.line());
    Ok(left(Answer::line(data, line), calls, &written))
}

async fn propose_calls(
    context: &Context,
    contract: &Contract,
    calls: &[Proposed],
    words: &Sentence,
) -> Result<Written> {
    let (chain, safe) = (contract.chain(), context.acting_account("default")?);
    let calls = calls.iter().map(|one| one.call.clone()).collect();
    propose::propose(context, chain, safe, calls, words).await
}

/// Warns of what did not fit into one transaction.
fn left(answer: Answer, calls: &[Proposed], written: &Written) -> Answer {
    let left = calls.len().saturating_sub(written.taken);
    if left == 0 {
        return answer;
    }
    let rows: usize = calls.iter().skip(written.taken).map(|one| one.rows).sum();
    answer.warn(format!(
        "not everything fits into one transaction, left: {} with {}; once this is confirmed, run the same command again \
         with another file",
        counted(left, "call"),
        counted(rows, "row")
    ))
}

/// Everything that is left to do is already proposed.
pub(super) fn waiting(security: &Security, plan: &Plan) -> Answer {
    let files = plan.rows.iter().filter_map(|row| row.proposed.as_ref());
    let files: BTreeSet<_> = files.map(|file| file.display().to_string()).collect();
    let count = plan
        .rows
        .iter()
        .filter(|row| row.proposed.is_some())
        .count();
    let words = format!(
        "nothing to do now: {} of {} proposed in {}\n  once it has been carried out: orderbook propose confirm \
         FILE TRANSACTION",
        counted(count, "wallet"),
        security.symbol,
        files.into_iter().collect::<Vec<_>>().join(", ")
    );
    Answer::line(plan::data(plan, &Sent::default()), words)
}
