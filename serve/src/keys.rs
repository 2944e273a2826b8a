//! API keys: how machines come in. Shown once, stored as their SHA-256, scoped, and valid until a stated time.

use axum::http::StatusCode;
use book::board::platform::ApiKey;
use book::log::staff::Role;
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::caller::{Caller, Part, Scope};
use crate::fields::Fields;
use crate::problem::Problem;
use crate::refusal;
use crate::route::{Call, Reply};
use crate::token::Token;

/// The longest that a key is valid.
const LASTS: SignedDuration = SignedDuration::from_hours(366 * 24);

fn is_admin(caller: &Caller) -> bool {
    caller.is_any(&[Part::Staff(Role::Admin)])
}

fn key_json(key: &ApiKey) -> Value {
    json!({
        "id": key.id,
        "wallet": key.wallet,
        "made_by": key.made_by,
        "name": key.name,
        "scopes": key.scopes,
        "made_at": key.made_at,
        "expires_at": key.ends_at,
    })
}

fn scope(text: &str) -> Result<Scope, String> {
    let mut all = Scope::ALL.into_iter();
    all.find(|scope| scope.as_str() == text)
        .ok_or_else(|| format!("{text:?} is not a scope: expected read, orders or desk"))
}

/// `GET /v1/keys`.
pub(crate) async fn list(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let caller = call.caller()?;
    let of = (!is_admin(caller)).then_some(caller.wallet);
    let keys = call.app.board.api_keys(of).await.map_err(refusal::board)?;
    let keys: Vec<_> = keys.iter().map(key_json).collect();
    Reply::ok(&json!({ "keys": keys }))
}

/// `POST /v1/keys`. The key itself is only in this answer: a repeated request gets the same answer without it.
pub(crate) async fn add(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let mut fields = Fields::of(&call.body)?;
    let name = fields.text("name", |text| Ok::<_, String>(text.to_owned()));
    let scopes = fields.list("scopes", scope);
    let ends_at = fields.instant("expires_at");
    let wallet = fields.maybe("wallet", book::market::address::parse_nonzero);
    let (name, ends_at) = fields.end(name.zip(ends_at))?;
    let (app, caller, now) = (&call.app, call.caller()?, call.received_at);
    if scopes.is_empty() {
        return Err(Problem::field(
            "BAD_INPUT",
            "/scopes",
            "name at least one scope: read, orders or desk",
        ));
    }
    let latest = now.saturating_add(LASTS).map_err(Problem::internal)?;
    if ends_at <= now || ends_at > latest {
        let words = format!("{ends_at} is not after now and no later than {latest}");
        return Err(Problem::field("BAD_INPUT", "/expires_at", words));
    }
    let wallet = wallet.unwrap_or(caller.wallet);
    if wallet != caller.wallet {
        let roster = app.board.roster().await.map_err(refusal::board)?;
        if !is_admin(caller) || roster.signer(wallet, u64::MAX).is_err() {
            return Err(Problem::not_allowed(
                "a signed-in wallet makes API keys for itself, an admin for anybody on the staff",
            ));
        }
    }
    let token = Token::draw().map_err(Problem::internal)?;
    let key = ApiKey {
        id: Uuid::now_v7(),
        wallet,
        made_by: caller.wallet,
        name,
        scopes: scopes
            .iter()
            .map(|scope| scope.as_str().to_owned())
            .collect(),
        made_at: now,
        ends_at,
    };
    app.board
        .add_api_key(token.hash(), &key)
        .await
        .map_err(refusal::board)?;
    let mut shown = key_json(&key);
    if let Some(slot) = &call.answer {
        slot.fill(app, &Reply::json(StatusCode::CREATED, &shown)?)
            .await?;
    }
    shown["key"] = token.api_key().into();
    Reply::json(StatusCode::CREATED, &shown)
}

/// `DELETE /v1/keys/{key}`.
pub(crate) async fn end(call: Call) -> Result<Reply, Problem> {
    let (app, caller) = (&call.app, call.caller()?);
    let unknown = || Problem::not_found("API key");
    let id: Uuid = call.place("key").parse().map_err(|_| unknown())?;
    let of = (!is_admin(caller)).then_some(caller.wallet);
    let known = app.board.api_keys(of).await.map_err(refusal::board)?;
    if !known.iter().any(|key| key.id == id) {
        return Err(unknown());
    }
    app.board.end_api_key(id).await.map_err(refusal::board)?;
    Ok(Reply::empty())
}
