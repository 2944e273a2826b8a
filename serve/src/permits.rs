//! Allowances that a wallet signs instead of sending (EIP-2612): the desk submits them before it commits or settles.
//! Each is for the settlement contract only, over an exact amount.

use alloy::primitives::{Address, Bytes, U256};
use axum::http::StatusCode;
use book::board::left::{Errand, LeftPermit};
use book::board::signature;
use book::market::security::Security;
use desk::signing::request::{PermitTerms, Request};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;
use crate::fields::{self, Fields};
use crate::problem::Problem;
use crate::query;
use crate::refusal;
use crate::route::{Call, Reply};
use crate::sight;

/// The longest that an allowance can wait, seconds.
const LONGEST: i64 = 366 * 24 * 60 * 60;

/// What is allowed.
struct Allowed {
    token: Address,
    value: u128,
    deadline: u64,
}

/// A deadline, which must be in the future and not too far ahead.
fn deadline(now: Timestamp) -> impl Fn(&str) -> Result<u64, String> {
    move |text| {
        let time = fields::instant(text)?;
        let (found, now) = (time.as_second(), now.as_second());
        if time.subsec_nanosecond() != 0 {
            return Err(format!("{text:?} has a fraction of a second"));
        }
        if found <= now || found > now + LONGEST {
            return Err(format!("{text:?} is not within the next 366 days"));
        }
        u64::try_from(found).map_err(|_| format!("{text:?} is before 1970"))
    }
}

fn positive(text: &str) -> Result<u128, String> {
    match fields::amount(text)? {
        0 => Err("an allowance of zero cannot be left here: send approve instead".to_owned()),
        amount => Ok(amount),
    }
}

/// Whether a token is the coin or one of these securities.
fn is_traded(app: &App, securities: &[Security], token: Address) -> bool {
    token == app.board.identity().payment || securities.iter().any(|one| one.token == token)
}

const NO_TOKEN: &str = "it is neither the coin nor a security that is open to you";

/// What the owner signs, with the token's own domain and the owner's next nonce there.
async fn terms(app: &App, owner: Address, allowed: &Allowed) -> Result<PermitTerms, Problem> {
    let value = U256::from(allowed.value);
    let terms = app
        .node
        .permit(owner, allowed.token, value, allowed.deadline);
    terms.await.map_err(Problem::node_gone)
}

/// `GET /v1/permits/draft?token=0x...&value=1000&deadline=...`.
pub(crate) async fn draft(call: Call) -> Result<Reply, Problem> {
    let missing = |name| move || query::bad(name, "it is missing");
    let token = call.query.take("token", book::market::address::parse)?;
    let value = call.query.take("value", positive)?;
    let last = call.query.take("deadline", deadline(call.app.now()))?;
    call.query.end()?;
    let allowed = Allowed {
        token: token.ok_or_else(missing("token"))?,
        value: value.ok_or_else(missing("value"))?,
        deadline: last.ok_or_else(missing("deadline"))?,
    };
    let (app, caller) = (&call.app, call.caller()?);
    let open = sight::open(app, caller).await?;
    if !is_traded(app, &open.securities, allowed.token) {
        return Err(query::bad("token", NO_TOKEN));
    }
    let terms = terms(app, caller.wallet, &allowed).await?;
    Reply::ok(&json!({
        "token": allowed.token,
        "spender": terms.spender,
        "value": allowed.value.to_string(),
        "nonce": terms.nonce.to_string(),
        "deadline": refusal::instant(allowed.deadline),
        "typed_data": Request::Permit(terms).typed(),
    }))
}

/// A permit as its owner sees it.
fn permit_json(left: &LeftPermit) -> Value {
    json!({
        "id": left.id,
        "token": left.token,
        "value": left.value.to_string(),
        "nonce": left.nonce.to_string(),
        "deadline": refusal::instant(left.deadline),
        "state": left.state,
        "said": left.said,
        "transaction": left.tx_hash,
        "left_at": left.made_at,
    })
}

fn sent(body: &[u8], now: Timestamp) -> Result<(Allowed, Bytes), Problem> {
    let mut fields = Fields::of(body)?;
    let token = fields.address("token");
    let value = fields.text("value", positive);
    let last = fields.text("deadline", deadline(now));
    let signature = fields.bytes("signature");
    let read = (|| {
        let allowed = Allowed {
            token: token?,
            value: value?,
            deadline: last?,
        };
        Some((allowed, signature?))
    })();
    fields.end(read)
}

/// `POST /v1/permits`.
pub(crate) async fn leave(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let (app, caller) = (&call.app, call.caller()?);
    let (allowed, signed) = sent(&call.body, app.now())?;
    let open = sight::open(app, caller).await?;
    if !is_traded(app, &open.securities, allowed.token) {
        return Err(Problem::field("BAD_INPUT", "/token", NO_TOKEN));
    }
    let owner = caller.wallet;
    let terms = terms(app, owner, &allowed).await?;
    let signature = signature::canonical(owner, terms.digest(), &signed);
    // Tokens accept the signature of a key here, whatever code the wallet has.
    signature::verify(owner, terms.digest(), &signature).map_err(|error| {
        let words = format!(
            "{error}; the permit to sign has nonce {}: GET /v1/permits/draft returns all of it",
            terms.nonce
        );
        Problem::field("NOT_ALLOWED", "/signature", words).with("nonce", terms.nonce.to_string())
    })?;
    if let Some(known) = again(app, owner, &allowed, &signature).await? {
        return Reply::ok(&permit_json(&known));
    }
    let left = LeftPermit {
        id: Uuid::now_v7(),
        token: allowed.token,
        owner,
        value: terms.value,
        nonce: terms.nonce,
        deadline: allowed.deadline,
        signature,
        state: Errand::Waiting,
        said: String::new(),
        tx_hash: None,
        made_at: app.now(),
    };
    let done = app.board.leave_permit(&left).await;
    done.map_err(refusal::board)?;
    let reply = Reply::json(StatusCode::CREATED, &permit_json(&left))?;
    if let Some(slot) = &call.answer {
        slot.fill(app, &reply).await?;
    }
    Ok(reply)
}

/// The waiting permit, if it is this very one.
async fn again(
    app: &App,
    owner: Address,
    allowed: &Allowed,
    signature: &Bytes,
) -> Result<Option<LeftPermit>, Problem> {
    let known = app.board.waiting_permit(owner, allowed.token).await;
    let known = known.map_err(refusal::board)?;
    Ok(known.filter(|known| known.signature == *signature))
}

/// The last permits that a wallet left, newest first.
///
/// # Errors
/// 503.
pub(crate) async fn permits_view(app: &App, owner: Address) -> Result<Vec<LeftPermit>, Problem> {
    app.board.left_permits(owner).await.map_err(refusal::board)
}

/// `GET /v1/permits`.
pub(crate) async fn list(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let found = permits_view(&call.app, call.caller()?.wallet).await?;
    let permits: Vec<Value> = found.iter().map(permit_json).collect();
    Reply::ok(&json!({ "permits": permits }))
}

/// `DELETE /v1/permits/{permit}`.
pub(crate) async fn withdraw(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let unknown = || Problem::not_found("permit");
    let id: Uuid = call.place("permit").parse().map_err(|_| unknown())?;
    let (app, caller) = (&call.app, call.caller()?);
    let known = app.board.left_permit(id).await.map_err(refusal::board)?;
    known
        .filter(|known| known.owner == caller.wallet)
        .ok_or_else(unknown)?;
    let words = "its owner took it back";
    let ended = app
        .board
        .end_permit(id, Errand::Withdrawn, words, None)
        .await;
    if !ended.map_err(refusal::board)? {
        let known = app.board.left_permit(id).await.map_err(refusal::board)?;
        let state = known.map(|known| known.state);
        let words = "it is no longer waiting: if it was or can be sent, only a new approve from the wallet revokes it";
        return Err(Problem::conflict(words).with("state", json!(state)));
    }
    Ok(Reply::empty())
}
