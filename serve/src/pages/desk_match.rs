//! One match: both orders side by side, what they would trade at, every check of the preflight, who did what, and what the
//! reader may do next.

use askama::Template;
use axum::http::StatusCode;
use book::board::jobs::Job;
use book::log::event::{Event, EventType};
use book::log::staff::{Role, key};
use book::market::matching::{Match, MatchState};
use jiff::Timestamp;
use serde_json::Value;

use super::checks::Checks;
use super::deal::Deal;
use super::frame::{Frame, Here};
use super::html;
use super::time::{Moment, ago};
use super::words::{count, money, short};
use crate::app::App;
use crate::caller::{Caller, Part};
use crate::problem::Problem;
use crate::refusal;
use crate::route::{Call, Reply, WHOLE_BOOK};
use crate::{access, binding, matches};

/// One step of a match.
#[derive(Debug)]
struct Step {
    /// Who did what.
    what: String,
    reason: String,
    at: Moment,
    seq: String,
    transaction: Option<String>,
}

/// Approving and refusing.
#[derive(Debug)]
struct Decision {
    /// What is signed, in one sentence.
    sentence: String,
    /// Why the reader cannot approve it; nothing if it can.
    off: Option<String>,
    /// There is something to approve.
    is_open: bool,
}

/// The commitment that comes next.
#[derive(Debug)]
struct Commit {
    to: String,
    data: String,
    until: Moment,
    required: bool,
    /// Orders that are not on chain yet.
    unregistered: Vec<String>,
    /// Whether the reader is a principal, whose wallet may send it.
    is_mine: bool,
}

/// Settling.
#[derive(Debug)]
struct Settle {
    /// Why the reader cannot ask for it now; nothing if it can.
    off: Option<String>,
}

/// A step of a job.
#[derive(Debug)]
struct JobStep {
    state: String,
    at: Moment,
    detail: Option<String>,
    transaction: Option<String>,
}

#[derive(Template)]
#[template(path = "desk_match.html")]
struct DeskMatch {
    frame: Frame,
    id: String,
    /// The last event that changed it: after another one, there is something else to do.
    changed: u64,
    bid: String,
    ask: String,
    total: String,
    units: String,
    state: &'static str,
    tone: &'static str,
    last: String,
    /// Nothing for an operator, who cannot see orders.
    deal: Option<Deal>,
    /// Nothing for a match that has ended or is being settled, or for an operator.
    checks: Option<Checks>,
    rationale: String,
    steps: Vec<Step>,
    decision: Option<Decision>,
    commit: Option<Commit>,
    /// Until when both orders are bound, for whoever may release them.
    release: Option<Moment>,
    settle: Option<Settle>,
    job: Vec<JobStep>,
}

/// A state in words, and how loud it is.
pub(super) fn state(state: MatchState) -> (&'static str, &'static str) {
    match state {
        MatchState::Proposed => ("awaiting approval", "warn"),
        MatchState::Approved => ("approved", "own"),
        MatchState::Committed => ("committed", "own"),
        MatchState::Refused => ("refused", ""),
        MatchState::Submitted => ("being settled", "warn"),
        MatchState::Unknown => ("outcome unknown", "bad"),
        MatchState::Failed => ("not settled", "bad"),
        MatchState::Settled => ("settled", "own"),
    }
}

/// An event of a match in words: who did what.
fn words(event: &Event) -> String {
    let body: Value = serde_json::from_str(&event.body).unwrap_or_default();
    let who = &event.actor;
    match event.kind {
        EventType::MatchProposed => format!("{who} proposed it"),
        EventType::MatchApproved => format!("{who} approved it"),
        EventType::MatchRefused if body["cause"].is_string() => {
            "It ended when one of its orders did".to_owned()
        }
        EventType::MatchRefused => format!("{who} refused it"),
        EventType::MatchCommitted => {
            let until = body["until"].as_u64().map(Moment::of_seconds);
            let until = until.map_or_else(String::new, |until| format!(" until {}", until.words));
            format!("Both orders were committed{until}")
        }
        EventType::MatchReleased => "The commitment was released".to_owned(),
        EventType::SettlementSubmitted => format!("{who} sent its transaction"),
        EventType::SettlementUnknown => "The outcome of its transaction was lost".to_owned(),
        EventType::SettlementFailed => "Its transaction did not settle it".to_owned(),
        EventType::SettlementSettled => "It settled".to_owned(),
        _ => "A note was recorded".to_owned(),
    }
}

/// What last happened to a match: "Ruth approved it 3 s ago".
fn last(events: &[Event], now: Timestamp) -> String {
    let told = events
        .iter()
        .rev()
        .find(|event| event.kind != EventType::Note);
    told.map_or_else(String::new, |event| {
        format!("{} {}", words(event), ago(event.captured_at, now))
    })
}

fn step(event: &Event) -> Step {
    let body: Value = serde_json::from_str(&event.body).unwrap_or_default();
    Step {
        what: words(event),
        reason: event.reason.clone(),
        at: Moment::of(event.captured_at),
        seq: count(event.seq),
        transaction: body["tx_hash"].as_str().map(str::to_owned),
    }
}

fn is(caller: &Caller, role: Role) -> bool {
    caller.is_any(&[Part::Staff(role)])
}

/// Why a reader cannot approve a proposal.
fn approving_off(caller: &Caller, found: &Match) -> Option<String> {
    let own = caller.person.as_deref();
    if own.is_some_and(|person| key(person) == key(&found.proposed_by)) {
        return Some("You proposed it: another person must approve it".to_owned());
    }
    let principal = is(caller, Role::Principal);
    (!principal).then(|| "Only a principal can approve it".to_owned())
}

fn decision(caller: &Caller, found: &Match, deal: &Deal) -> Option<Decision> {
    let states = [
        MatchState::Proposed,
        MatchState::Approved,
        MatchState::Failed,
    ];
    let may_decide = is(caller, Role::Principal) || is(caller, Role::Trader);
    (may_decide && states.contains(&found.state)).then(|| Decision {
        sentence: format!("You approve this trade: {}.", deal.words()),
        off: approving_off(caller, found),
        is_open: found.state == MatchState::Proposed,
    })
}

/// The commitment that a match waits for, for the desk to see.
async fn commit(app: &App, caller: &Caller, found: &Match) -> Result<Option<Commit>, Problem> {
    let view = binding::commit_view(app, found).await?;
    Ok(view.map(|view| Commit {
        to: view.transaction.to.to_string(),
        data: view.transaction.data.to_string(),
        until: Moment::read(view.until.as_str().unwrap_or_default()),
        required: view.required,
        unregistered: view.unregistered.into_iter().map(short).collect(),
        is_mine: is(caller, Role::Principal),
    }))
}

/// Asking for the settlement, for an operator.
fn settle(caller: &Caller, found: &Match, commit: Option<&Commit>) -> Option<Settle> {
    let states = [
        MatchState::Approved,
        MatchState::Committed,
        MatchState::Failed,
        MatchState::Submitted,
        MatchState::Unknown,
    ];
    let waits = commit.is_some_and(|commit| commit.required);
    (is(caller, Role::Operator) && states.contains(&found.state)).then(|| Settle {
        off: waits.then(|| {
            "The contract settles committed matches only: a principal must commit it first"
                .to_owned()
        }),
    })
}

fn job_steps(job: &Job) -> Vec<JobStep> {
    let step = |step: &book::board::jobs::Step| JobStep {
        state: step.state.clone(),
        at: Moment::of(step.at),
        detail: step.detail.clone(),
        transaction: step.transaction.map(|hash| hash.to_string()),
    };
    job.steps.iter().map(step).collect()
}

/// Until when a commitment binds, if the reader may release it.
async fn release(app: &App, caller: &Caller, found: &Match) -> Result<Option<Moment>, Problem> {
    if found.state != MatchState::Committed || !is(caller, Role::Principal) {
        return Ok(None);
    }
    let committed = app.board.commitment(found.id).await;
    let committed = committed.map_err(refusal::board)?;
    Ok(committed.map(|committed| Moment::of_seconds(committed.until)))
}

/// Both orders and the checks, for whoever sees the whole book.
async fn looked_at(call: &Call, found: &Match) -> Result<(Option<Deal>, Option<Checks>), Problem> {
    let (app, caller) = (&call.app, call.caller()?);
    if !caller.is_any(WHOLE_BOOK) {
        return Ok((None, None));
    }
    let [bid, ask] = binding::orders(app, found).await?;
    let owners = [bid.record.owner, ask.record.owner];
    access::seen(call, "GET /desk/matches/{match}", owners).await?;
    let open = found.state.is_live() && !found.state.is_in_flight();
    let checks = if open {
        Some(Checks::of(app, &bid, &ask).await)
    } else {
        None
    };
    Ok((Some(Deal::of(app, &bid, &ask).await?), checks))
}

/// `GET /desk/matches/{match}`.
pub(crate) async fn desk_match(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let (app, caller) = (&call.app, call.caller()?);
    let found = matches::seen(&call).await?;
    let (deal, checks) = looked_at(&call, &found).await?;
    let events = app.board.events_about(&found.id.to_string()).await;
    let events = events.map_err(refusal::board)?;
    let commit = commit(app, caller, &found).await?;
    let job = app.board.job_of(found.id).await.map_err(refusal::board)?;
    let proposal = events
        .iter()
        .find(|event| event.kind == EventType::MatchProposed);
    let (state, tone) = state(found.state);
    let page = DeskMatch {
        frame: Frame::of(app, Some(caller), Here::Queue, "Match").await?,
        id: found.id.to_string(),
        changed: found.changed_seq,
        bid: found.bid.to_string(),
        ask: found.ask.to_string(),
        total: money(found.total),
        units: found.total.to_string(),
        state,
        tone,
        last: last(&events, app.now()),
        rationale: proposal.map_or_else(String::new, |event| event.reason.clone()),
        steps: events.iter().map(step).collect(),
        decision: deal
            .as_ref()
            .and_then(|deal| decision(caller, &found, deal)),
        settle: settle(caller, &found, commit.as_ref()),
        release: release(app, caller, &found).await?,
        job: job.as_ref().map_or_else(Vec::new, job_steps),
        deal,
        checks,
        commit,
    };
    html(&call.headers, StatusCode::OK, &page)
}
