//! Signing in with a wallet (EIP-4361). The text is made and kept here, so the signature is checked over exactly these
//! bytes: nothing that a client sends is parsed.

use alloy::primitives::{Address, Bytes, eip191_hash_message};
use axum::http::{HeaderValue, StatusCode, header};
use book::board::platform::{CHALLENGE_LASTS, Challenge, SESSION_LASTS};
use book::board::signature::{self, ContractVerdict, SignatureError};
use jiff::Timestamp;
use serde_json::json;

use crate::app::App;
use crate::caller::{Caller, Part, SESSION, cookie};
use crate::config::PublicUrl;
use crate::fields::Fields;
use crate::problem::Problem;
use crate::refusal;
use crate::route::{Call, Reply};
use crate::token::Token;

/// The cookie of a browser that asked for a text.
const BROWSER: &str = "__Host-sign-in";

/// The text of EIP-4361.
fn message(
    url: &PublicUrl,
    wallet: Address,
    chain_id: u64,
    nonce: &str,
    issued: Timestamp,
    ends: Timestamp,
) -> String {
    // Whole seconds, since a wallet shows them.
    let second = |time: Timestamp| Timestamp::from_second(time.as_second()).unwrap_or(time);
    let (domain, issued, ends) = (url.authority(), second(issued), second(ends));
    format!(
        "{domain} wants you to sign in with your Ethereum account:\n{wallet}\n\nSign in to the bulletin board. This costs \
         nothing and moves nothing.\n\nURI: {url}\nVersion: 1\nChain ID: {chain_id}\nNonce: {nonce}\nIssued At: {issued}\n\
         Expiration Time: {ends}"
    )
}

/// A cookie that no script can read and no other site can send.
fn set_cookie(name: &str, value: &str, seconds: i64) -> Result<HeaderValue, Problem> {
    let text =
        format!("{name}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict");
    HeaderValue::from_str(&text).map_err(Problem::internal)
}

/// `POST /v1/session/challenge`.
pub(crate) async fn challenge(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let mut fields = Fields::of(&call.body)?;
    let wallet = fields.address("address");
    let wallet = fields.end(wallet)?;
    let app = &call.app;
    let (browser, drawn) = (draw()?, draw()?);
    let nonce = drawn.nonce();
    let issued = call.received_at;
    let ends = issued
        .saturating_add(CHALLENGE_LASTS)
        .map_err(Problem::internal)?;
    let chain_id = app.board.identity().chain_id;
    let message = message(&app.url, wallet, chain_id, &nonce, issued, ends);
    let kept = Challenge {
        wallet,
        message: message.clone(),
    };
    let kept = app.board.keep_challenge(&nonce, browser.hash(), kept).await;
    kept.map_err(refusal::board)?;
    let cookie = set_cookie(BROWSER, &browser.text(), CHALLENGE_LASTS.as_secs())?;
    let answer = json!({ "message": message, "nonce": nonce, "expires_at": ends });
    Ok(Reply::json(StatusCode::CREATED, &answer)?.with(header::SET_COOKIE, cookie))
}

fn draw() -> Result<Token, Problem> {
    Token::draw().map_err(Problem::internal)
}

/// `POST /v1/session`.
pub(crate) async fn open(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let mut fields = Fields::of(&call.body)?;
    let nonce = fields.text("nonce", |text| Ok::<_, String>(text.to_owned()));
    let signature = fields.bytes("signature");
    let (nonce, signature) = fields.end(nonce.zip(signature))?;
    let app = &call.app;
    let unknown = || {
        let words = "the nonce is used up, has expired, or was given to another browser";
        Problem::field("NO_CHALLENGE", "/nonce", words)
            .hint("ask for a new text: POST /v1/session/challenge")
    };
    let browser = cookie(&call.headers, BROWSER)
        .and_then(Token::read)
        .ok_or_else(unknown)?;
    let challenge = app.board.take_challenge(&nonce, browser.hash()).await;
    let challenge = challenge.map_err(refusal::board)?.ok_or_else(unknown)?;
    verify(app, &challenge, &signature).await?;
    // Another account signs in, or the same one again: the previous session ends.
    if let Some(before) = cookie(&call.headers, SESSION).and_then(Token::read) {
        app.board
            .end_session(before.hash())
            .await
            .map_err(refusal::board)?;
    }
    let token = draw()?;
    app.board
        .open_session(token.hash(), challenge.wallet)
        .await
        .map_err(refusal::board)?;
    let session = set_cookie(SESSION, &token.text(), SESSION_LASTS.as_secs())?;
    let used = set_cookie(BROWSER, "", 0)?;
    let ends = call
        .received_at
        .saturating_add(SESSION_LASTS)
        .map_err(Problem::internal)?;
    let answer = json!({ "wallet": challenge.wallet, "expires_at": ends });
    let reply = Reply::json(StatusCode::CREATED, &answer)?;
    Ok(reply
        .with(header::SET_COOKIE, session)
        .with(header::SET_COOKIE, used))
}

/// The wallet's own key signed the text, or its code accepts the signature.
async fn verify(app: &App, taken: &Challenge, signature: &Bytes) -> Result<(), Problem> {
    let digest = eip191_hash_message(taken.message.as_bytes());
    let canonical = signature::canonical(taken.wallet, digest, signature);
    let Err(refused) = signature::verify(taken.wallet, digest, &canonical) else {
        return Ok(());
    };
    let verdict = app.node.sign_in(taken.wallet, digest, signature).await;
    match verdict.map_err(Problem::node_gone)? {
        ContractVerdict::Accepts => Ok(()),
        ContractVerdict::Refuses => Err(refusal::signature(&SignatureError::ContractRefuses(
            taken.wallet,
        ))),
        ContractVerdict::NoCode | ContractVerdict::DelegateRefuses => {
            Err(refusal::signature(&refused))
        }
    }
}

fn roles(caller: &Caller) -> Vec<&'static str> {
    let word = |part: &Part| match part {
        Part::Investor => "investor",
        Part::Staff(role) => role.as_str(),
    };
    caller.parts.iter().map(word).collect()
}

/// `GET /v1/session`.
pub(crate) async fn show(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let caller = call.caller()?;
    Reply::ok(&json!({
        "wallet": caller.wallet,
        "person": caller.person,
        "roles": roles(caller),
    }))
}

/// `DELETE /v1/session`.
pub(crate) async fn close(call: Call) -> Result<Reply, Problem> {
    if let Some(token) = cookie(&call.headers, SESSION).and_then(Token::read) {
        call.app
            .board
            .end_session(token.hash())
            .await
            .map_err(refusal::board)?;
    }
    Ok(Reply::empty().with(header::SET_COOKIE, set_cookie(SESSION, "", 0)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Word for word as in EIP-4361.
    #[test]
    fn the_text_is_that_of_eip_4361() {
        let issued = Timestamp::from_microsecond(1_800_000_000_123_456).unwrap();
        let ends = issued.saturating_add(CHALLENGE_LASTS).unwrap();
        let url = "https://board.example".parse().unwrap();
        let text = message(
            &url,
            Address::with_last_byte(1),
            412_346,
            "00ff",
            issued,
            ends,
        );
        let wanted = "board.example wants you to sign in with your Ethereum account:
0x0000000000000000000000000000000000000001

Sign in to the bulletin board. This costs nothing and moves nothing.

URI: https://board.example
Version: 1
Chain ID: 412346
Nonce: 00ff
Issued At: 2027-01-15T08:00:00Z
Expiration Time: 2027-01-15T08:05:00Z";
        assert_eq!(text, wanted);
    }

    #[test]
    fn cookies_are_the_host_s_own() {
        let cookie = set_cookie(SESSION, "x", 5).unwrap();
        let wanted = "__Host-session=x; Path=/; Max-Age=5; Secure; HttpOnly; SameSite=Strict";
        assert_eq!(cookie, wanted);
    }
}
