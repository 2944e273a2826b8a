//! The desk over HTTP: people match, each with their own signature (`DeskAct`), and the machine only checks.

use std::collections::BTreeSet;

use alloy::primitives::{B256, Bytes};
use axum::http::StatusCode;
use book::board::BoardError;
use book::board::watched::ChainFill;
use book::log::By;
use book::log::act::Signed;
use book::log::body::Body;
use book::log::staff::Role;
use book::market::matching::{Match, MatchState};
use book::market::record::OrderView;
use book::store::error::StoreError;
use desk::chain::codes::Restriction;
use desk::preflight::Reason;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::access;
use crate::app::App;
use crate::binding;
use crate::caller::{Caller, Part};
use crate::fields::{self, Fields};
use crate::problem::Problem;
use crate::query;
use crate::refusal;
use crate::route::{Call, Reply, WHOLE_BOOK};
use crate::wait;

/// Characters of a rationale, fewest and most.
const RATIONALE: (usize, usize) = (10, 500);

pub(crate) fn match_json(found: &Match) -> Value {
    json!({
        "id": found.id,
        "bid": found.bid,
        "ask": found.ask,
        "total": found.total.to_string(),
        "state": found.state,
        "proposed_by": found.proposed_by,
        "approved_by": found.approved_by,
        "transaction": found.submission.map(|sent| sent.tx_hash),
        "seq": found.proposed_seq,
        "changed_seq": found.changed_seq,
    })
}

/// A fill as the chain has it, whether or not the log has recorded it.
pub(crate) fn fill_json(fill: &ChainFill) -> Value {
    json!({
        "state": fill.state,
        "transaction": fill.seen.tx_hash,
        "block": fill.seen.block,
        "settlement_id": fill.seen.settlement_id.to_string(),
        "total": fill.seen.total.to_string(),
    })
}

/// Whether a caller may see a match: an operator sees those that were approved.
pub(crate) fn sees(caller: &Caller, found: &Match) -> bool {
    let operator = Part::Staff(Role::Operator);
    caller.is_any(WHOLE_BOOK) || (caller.is_any(&[operator]) && found.approved_by.is_some())
}

/// A match that the caller may see, by its whole id.
pub(crate) async fn seen(call: &Call) -> Result<Match, Problem> {
    let unknown = || Problem::not_found("match");
    let id: Uuid = call.place("match").parse().map_err(|_| unknown())?;
    let found = call
        .app
        .board
        .match_of_id(id)
        .await
        .map_err(refusal::board)?;
    let caller = call.caller()?;
    found
        .filter(|found| sees(caller, found))
        .ok_or_else(unknown)
}

/// Records whose orders were seen by looking at matches.
async fn noted(call: &Call, route: &'static str, found: &[Match]) -> Result<(), Problem> {
    let ids: Vec<B256> = found.iter().flat_map(|one| [one.bid, one.ask]).collect();
    let orders = call
        .app
        .board
        .find_all(&ids)
        .await
        .map_err(refusal::board)?;
    let owners = orders.into_values().map(|order| order.record.owner);
    access::seen(call, route, owners).await
}

/// `GET /v1/matches`, newest first.
pub(crate) async fn list(call: Call) -> Result<Reply, Problem> {
    wait::min_seq(&call).await?;
    let (app, caller) = (&call.app, call.caller()?);
    let state = call.query.take("state", str::parse::<MatchState>)?;
    let limit = call.query.limit()?;
    let cursor = call.query.text("cursor");
    call.query.end()?;
    let list = format!("matches {state:?}");
    let before = cursor.map(|cursor| {
        let place = app.cursors.read(&list, &cursor);
        place
            .and_then(|place| place.parse().ok())
            .ok_or_else(|| query::bad("cursor", "it is not a cursor of this list"))
    });
    let before: u64 = before.transpose()?.unwrap_or(u64::MAX);
    let seq = crate::market::seq(app).await?;
    let mut found = app.board.matches(state).await.map_err(refusal::board)?;
    found.retain(|one| one.proposed_seq < before && sees(caller, one));
    found.sort_by_key(|one| std::cmp::Reverse(one.proposed_seq));
    let limit = limit as usize;
    let more = found.len() > limit;
    found.truncate(limit);
    noted(&call, "GET /v1/matches", &found).await?;
    let next = found.last().filter(|_| more);
    let next = next.map(|last| app.cursors.write(&list, &last.proposed_seq.to_string()));
    Reply::ok(&json!({
        "seq": seq,
        "matches": found.iter().map(match_json).collect::<Vec<_>>(),
        "cursor": next,
    }))
}

/// `GET /v1/matches/{match}`.
pub(crate) async fn show(call: Call) -> Result<Reply, Problem> {
    wait::min_seq(&call).await?;
    call.query.end()?;
    let found = seen(&call).await?;
    noted(
        &call,
        "GET /v1/matches/{match}",
        std::slice::from_ref(&found),
    )
    .await?;
    let mut shown = match_json(&found);
    if found.state == MatchState::Committed {
        let committed = call.app.board.commitment(found.id).await;
        let committed = committed.map_err(refusal::board)?;
        shown["until"] = json!(committed.map(|committed| refusal::instant(committed.until)));
    }
    let fill = call.app.board.chain_fill_of(found.bid).await;
    if let Some(fill) = fill.map_err(refusal::board)?
        && fill.seen.ask == found.ask
    {
        shown["fill"] = fill_json(&fill);
    }
    Reply::ok(&shown)
}

/// A person's signature of an act, as it is sent.
fn signed(fields: &mut Fields) -> Option<(Bytes, Timestamp)> {
    fields.bytes("signature").zip(fields.instant("time"))
}

/// The actor: the person whose wallet is signed in, with the signature of that wallet.
fn by(caller: &Caller, reason: &str, (signature, time): (Bytes, Timestamp)) -> Result<By, Problem> {
    let person = caller
        .person
        .as_deref()
        .ok_or_else(Problem::not_signed_in)?;
    let time = u64::try_from(time.as_second()).unwrap_or_default();
    let signed = Signed {
        file: None,
        signature,
        time,
        wallet: caller.wallet,
    };
    Ok(By::new(person).because(reason).signing(signed))
}

/// The contents of a proposal.
struct Proposal {
    id: Uuid,
    bid: B256,
    ask: B256,
    rationale: String,
    passed_over: Vec<B256>,
    signed: (Bytes, Timestamp),
}

fn rationale(text: &str) -> Result<String, String> {
    let (fewest, most) = RATIONALE;
    let count = text.chars().count();
    if (fewest..=most).contains(&count) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "it has {count} characters, expected {fewest} to {most}"
        ))
    }
}

fn proposal(body: &[u8]) -> Result<Proposal, Problem> {
    let mut fields = Fields::of(body)?;
    let id = fields.text("id", str::parse::<Uuid>);
    let (bid, ask) = (fields.hash("bid"), fields.hash("ask"));
    let rationale = fields.text("rationale", rationale);
    let passed_over = fields.list("passed_over", fields::hash);
    let signed = signed(&mut fields);
    let read = (|| {
        Some(Proposal {
            id: id?,
            bid: bid?,
            ask: ask?,
            rationale: rationale?,
            passed_over,
            signed: signed?,
        })
    })();
    fields.end(read)
}

/// An order on the board by its whole id.
async fn order(app: &App, pointer: &str, id: B256) -> Result<OrderView, Problem> {
    let found = app.board.find(id).await.map_err(refusal::board)?;
    found.ok_or_else(|| {
        Problem::field(
            "BOARD_REFUSED",
            pointer,
            format!("order {id} is not on this board"),
        )
    })
}

/// Refuses a proposal that does not list the orders that it passes over.
async fn complete(
    app: &App,
    stated: &[B256],
    bid: &OrderView,
    ask: &OrderView,
) -> Result<(), Problem> {
    let found = app
        .board
        .passed_over(bid, ask)
        .await
        .map_err(refusal::board)?;
    let good = found.into_iter().filter(|one| one.obstacle.is_none());
    let found: Vec<B256> = good.map(|one| one.order.id).collect();
    let (stated, wanted) = (
        stated.iter().collect::<BTreeSet<_>>(),
        found.iter().collect(),
    );
    if stated == wanted {
        return Ok(());
    }
    let words = "it must list exactly the orders that the match passes over: those with a better price, or the same price \
                 and an earlier time";
    Err(Problem::field("PASSED_OVER", "/passed_over", words).with("passed_over", json!(found)))
}

/// `POST /v1/matches`.
pub(crate) async fn propose(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let Proposal {
        id,
        bid,
        ask,
        rationale,
        passed_over,
        signed,
    } = proposal(&call.body)?;
    let (app, caller) = (&call.app, call.caller()?);
    // The same signed act under another key.
    if let Some(known) = app.board.match_of_id(id).await.map_err(refusal::board)? {
        return again(app, &known, &signed.0, (bid, ask)).await;
    }
    let (bid, ask) = (
        order(app, "/bid", bid).await?,
        order(app, "/ask", ask).await?,
    );
    complete(app, &passed_over, &bid, &ask).await?;
    let by = by(caller, &rationale, signed)?;
    let proposed = app
        .board
        .propose_as(id, bid.record.id, ask.record.id, by)
        .await;
    let proposed = proposed.map_err(|error| match error {
        BoardError::Store(StoreError::Duplicate(_)) => Problem::field(
            "BOARD_REFUSED",
            "/id",
            "a match already has this id: draw another and sign again",
        ),
        other => refusal::board(other),
    })?;
    done(&call, StatusCode::CREATED, &proposed).await
}

/// The first answer to a proposal that is in the log.
async fn again(
    app: &App,
    known: &Match,
    signature: &Bytes,
    pair: (B256, B256),
) -> Result<Reply, Problem> {
    let same = (known.bid, known.ask) == pair
        && signed_by(app, known.proposed_seq).await?.as_ref() == Some(signature);
    if same {
        let proposed = Match {
            state: MatchState::Proposed,
            approved_by: None,
            submission: None,
            changed_seq: known.proposed_seq,
            ..known.clone()
        };
        return Reply::ok(&match_json(&proposed));
    }
    let words = "a match already has this id: draw another and sign again";
    Err(Problem::field("BOARD_REFUSED", "/id", words))
}

/// The signature in an event of a match.
async fn signed_by(app: &App, seq: u64) -> Result<Option<Bytes>, Problem> {
    let events = app.board.events(seq, 1).await.map_err(refusal::board)?;
    let Some(event) = events.first().filter(|event| event.seq == seq) else {
        return Ok(None);
    };
    let body = Body::from_json(event.kind, &event.body).map_err(Problem::internal)?;
    let signed = match body {
        Body::MatchProposed(body) => body.signed,
        Body::MatchApproved(body) => body.signed,
        Body::MatchRefused(body) => body.signed,
        _ => None,
    };
    Ok(signed.map(|signed| signed.signature))
}

/// Keeps the answer and returns it.
async fn done(call: &Call, status: StatusCode, found: &Match) -> Result<Reply, Problem> {
    let reply = Reply::json(status, &match_json(found))?;
    if let Some(slot) = &call.answer {
        slot.fill(&call.app, &reply).await?;
    }
    Ok(reply)
}

/// The contents of a decision about a match.
fn decision(body: &[u8]) -> Result<(String, (Bytes, Timestamp)), Problem> {
    let mut fields = Fields::of(body)?;
    let reason = fields.maybe("reason", |text| Ok::<_, String>(text.to_owned()));
    let signed = signed(&mut fields);
    let signed = fields.end(signed)?;
    Ok((reason.unwrap_or_default(), signed))
}

/// The outcome of a decision, and whether it was made now or earlier by the very same signature.
async fn decided(
    call: &Call,
    before: Match,
    signature: &Bytes,
    outcome: Result<Match, BoardError>,
) -> Result<(Match, bool), Problem> {
    match outcome {
        Ok(found) => Ok((found, true)),
        Err(error @ BoardError::WrongMatchState { .. }) => {
            let signed = signed_by(&call.app, before.changed_seq).await?;
            if signed.as_ref() == Some(signature) {
                return Ok((before, false));
            }
            Err(refusal::board(error))
        }
        Err(error) => Err(refusal::board(error)),
    }
}

/// Keeps the answer to a decision that was made now, and returns it.
async fn told(call: &Call, answer: &Value, is_new: bool) -> Result<Reply, Problem> {
    let reply = Reply::ok(answer)?;
    if is_new && let Some(slot) = &call.answer {
        slot.fill(&call.app, &reply).await?;
    }
    Ok(reply)
}

/// `POST /v1/matches/{match}/approve`.
pub(crate) async fn approve(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let (reason, signed) = decision(&call.body)?;
    let found = seen(&call).await?;
    let signature = signed.0.clone();
    let by = by(call.caller()?, &reason, signed)?;
    let outcome = call.app.board.approve(found.id, by).await;
    let (approved, is_new) = decided(&call, found, &signature, outcome).await?;
    let mut answer = match_json(&approved);
    // The next step, where the contract supports it: the commitment by the principal's own wallet.
    if let Some(commit) = binding::commit_view(&call.app, &approved).await? {
        answer["commit"] = json!(commit);
    }
    told(&call, &answer, is_new).await
}

/// `POST /v1/matches/{match}/refuse`.
pub(crate) async fn refuse(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let (reason, signed) = decision(&call.body)?;
    let found = seen(&call).await?;
    let signature = signed.0.clone();
    let by = by(call.caller()?, &reason, signed)?;
    let outcome = call.app.board.refuse(found.id, by).await;
    let (refused, is_new) = decided(&call, found, &signature, outcome).await?;
    told(&call, &match_json(&refused), is_new).await
}

/// `GET /v1/matches/{match}/preflight`.
pub(crate) async fn preflight(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let (app, found) = (&call.app, seen(&call).await?);
    noted(
        &call,
        "GET /v1/matches/{match}/preflight",
        std::slice::from_ref(&found),
    )
    .await?;
    let gone = || Problem::internal(format!("match {} has no orders", found.id));
    let orders = app
        .board
        .find_all(&[found.bid, found.ask])
        .await
        .map_err(refusal::board)?;
    let record = |id| orders.get(&id).map(|order| &order.record).ok_or_else(gone);
    let reasons = app
        .node
        .preflight(record(found.bid)?, record(found.ask)?)
        .await;
    let reasons = reasons.map_err(Problem::node_gone)?;
    let reason = |reason: &Reason| {
        json!({
            "code": reason.name,
            "failure": reason.failure.number(),
            "restriction": reason.restriction.map(Restriction::number),
            "detail": reason.words,
            "hint": reason.remedy,
        })
    };
    Reply::ok(&json!({
        "match": found.id,
        "would_settle": reasons.is_empty(),
        "reasons": reasons.iter().map(reason).collect::<Vec<_>>(),
    }))
}
