//! Settling over HTTP: an operator asks on any instance, and a process that settles carries it out.

use axum::http::StatusCode;
use book::board::commitment::binds;
use book::board::jobs::Job;
use book::market::matching::{Match, MatchState};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::fields::Fields;
use crate::matches;
use crate::problem::Problem;
use crate::refusal;
use crate::route::{Call, Reply};
use crate::wait;

fn job_json(job: &Job) -> Value {
    let step = |step: &book::board::jobs::Step| {
        json!({
            "at": step.at,
            "state": step.state,
            "transaction": step.transaction,
            "block": step.block,
            "code": step.code,
            "detail": step.detail,
        })
    };
    json!({
        "id": job.id,
        "match": job.match_id,
        "state": job.state,
        "asked_by": job.asked_by,
        "asked_at": job.made_at,
        "changed_at": job.changed_at,
        "steps": job.steps.iter().map(step).collect::<Vec<_>>(),
    })
}

/// Refuses an uncommitted match where the contract settles only committed ones.
async fn require_committed(call: &Call, found: &Match) -> Result<(), Problem> {
    let ready = [MatchState::Approved, MatchState::Failed];
    if !ready.contains(&found.state) {
        return Ok(());
    }
    let (app, board) = (&call.app, &call.app.board);
    if found.state == MatchState::Failed {
        // It may have been committed before it was submitted.
        let committed = board.commitment(found.id).await.map_err(refusal::board)?;
        if committed.is_some_and(|committed| binds(committed.until, app.now())) {
            return Ok(());
        }
    }
    let orders = board.find_all(&[found.bid, found.ask]).await;
    let orders = orders.map_err(refusal::board)?;
    let gone = || Problem::internal(format!("match {} has no orders", found.id));
    let record = |id| orders.get(&id).map(|order| &order.record).ok_or_else(gone);
    let footing = app
        .node
        .footing(record(found.bid)?, record(found.ask)?)
        .await
        .map_err(Problem::node_gone)?;
    if !footing.is_some_and(|footing| footing.required) {
        return Ok(());
    }
    let words = format!(
        "the contract settles committed matches only, and match {} is {}",
        found.id, found.state
    );
    Err(Problem::conflict(words)
        .with("match", found.id.to_string())
        .with("state", found.state.as_str())
        .hint(
            "a principal's wallet must send the commitMatch transaction that the approval returned",
        ))
}

/// `POST /v1/matches/{match}/settle`.
pub(crate) async fn ask(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    Fields::of(&call.body)?.end(Some(()))?;
    let found = matches::seen(&call).await?;
    require_committed(&call, &found).await?;
    let person = call.caller()?.person.as_deref();
    let person = person.ok_or_else(Problem::not_signed_in)?;
    let asked = call.app.board.ask_settlement(found.id, person).await;
    let (job, new) = asked.map_err(refusal::board)?;
    let status = if new {
        StatusCode::ACCEPTED
    } else {
        StatusCode::OK
    };
    let reply = Reply::json(status, &job_json(&job))?;
    if let Some(slot) = &call.answer {
        slot.fill(&call.app, &reply).await?;
    }
    Ok(reply)
}

/// `GET /v1/jobs/{job}`.
pub(crate) async fn show(call: Call) -> Result<Reply, Problem> {
    wait::min_seq(&call).await?;
    call.query.end()?;
    let unknown = || Problem::not_found("job");
    let id: Uuid = call.place("job").parse().map_err(|_| unknown())?;
    let board = &call.app.board;
    let job = board.job(id).await.map_err(refusal::board)?;
    let job = job.ok_or_else(unknown)?;
    let found = board.match_of_id(job.match_id).await;
    let found = found.map_err(refusal::board)?.ok_or_else(unknown)?;
    if !matches::sees(call.caller()?, &found) {
        return Err(unknown());
    }
    Reply::ok(&job_json(&job))
}
