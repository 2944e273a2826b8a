//! Terms and documents: before its first order a wallet accepts the broker-dealer's terms, before its first bid on a
//! security it receives the issuer's documents. Version and SHA-256 of both are events of the log, with the wallet.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use alloy::primitives::{Address, B256};
use axum::http::{HeaderValue, StatusCode, header};
use book::board::act::WEB;
use book::board::consent::Consent;
use book::log::By;
use book::log::act::digest;
use book::log::fact::{Document, DocumentsReceived, TermsAccepted};
use book::market::order::Side;
use book::market::security::Security;
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::caller::Caller;
use crate::fields::{self, Fields};
use crate::house::{Paper, Terms};
use crate::problem::Problem;
use crate::refusal;
use crate::route::{Call, Reply};
use crate::sight;
use crate::wait;

/// Consents that a process remembers; beyond that, it reads the log again.
const REMEMBERED: usize = 100_000;

/// Consents known to be in the log: an event is never taken back.
#[derive(Debug, Default)]
pub(crate) struct Consents(Mutex<HashSet<(Address, B256)>>);

impl Consents {
    fn has(&self, wallet: Address, to: B256) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains(&(wallet, to))
    }

    fn put(&self, wallet: Address, to: B256) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert((wallet, to));
    }
}

fn accepting(terms: &Terms) -> TermsAccepted {
    TermsAccepted {
        sha256: terms.paper.sha256,
        version: terms.version.clone(),
    }
}

fn receiving(security: Address, papers: &[Paper]) -> DocumentsReceived {
    let document = |paper: &Paper| Document {
        name: paper.name.clone(),
        sha256: paper.sha256,
    };
    DocumentsReceived {
        documents: papers.iter().map(document).collect(),
        security,
    }
}

/// The key under which a consent is remembered.
fn mark(consent: &impl Serialize) -> Result<B256, Problem> {
    let json = serde_json::to_vec(consent).map_err(Problem::internal)?;
    Ok(digest(&json))
}

/// Refuses an order of a wallet that has not accepted the terms, and a bid of one that has not received the documents.
///
/// # Errors
/// 409 with what is missing; 503.
pub(crate) async fn require(
    app: &App,
    owner: Address,
    side: Option<Side>,
    token: Address,
) -> Result<(), Problem> {
    if let Some(terms) = &app.house.terms {
        let wanted = accepting(terms);
        let mark = mark(&wanted)?;
        if !app.consents.has(owner, mark) {
            let known = app.board.terms_of(owner).await.map_err(refusal::board)?;
            if known.is_none_or(|known| known.to != wanted) {
                return Err(unaccepted(terms));
            }
            app.consents.put(owner, mark);
        }
    }
    let papers = app.house.papers(token);
    if papers.is_empty() || side != Some(Side::Bid) {
        return Ok(());
    }
    let wanted = receiving(token, papers);
    let mark = mark(&wanted)?;
    if !app.consents.has(owner, mark) {
        let known = app.board.documents_of(owner, token).await;
        let known = known.map_err(refusal::board)?;
        if known.is_none_or(|known| known.to != wanted) {
            return Err(unreceived(&wanted));
        }
        app.consents.put(owner, mark);
    }
    Ok(())
}

fn unaccepted(terms: &Terms) -> Problem {
    let words = "this wallet has not accepted the broker-dealer's current terms";
    Problem::new(StatusCode::CONFLICT, "TERMS_NOT_ACCEPTED", words)
        .hint("read them at GET /v1/terms/text and accept them with POST /v1/terms")
        .with("version", terms.version.as_str())
        .with("sha256", json!(terms.paper.sha256))
}

fn unreceived(wanted: &DocumentsReceived) -> Problem {
    let words = "this wallet has not acknowledged the issuer's current documents";
    let token = wanted.security;
    Problem::new(StatusCode::CONFLICT, "DOCUMENTS_NOT_RECEIVED", words)
        .hint(format!(
            "read them at GET /v1/securities/{token}/documents and acknowledge them with POST"
        ))
        .with("documents", json!(wanted.documents))
}

/// Where a consent is recorded.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Given {
    /// The event.
    pub(crate) seq: u64,
    /// When.
    pub(crate) at: String,
}

impl Given {
    fn of<T>(consent: &Consent<T>) -> Self {
        Self {
            seq: consent.seq,
            at: consent.at.to_string(),
        }
    }
}

/// The terms, and whether a wallet has accepted them.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct TermsView {
    /// Their version.
    pub(crate) version: String,
    /// The SHA-256 of their text.
    pub(crate) sha256: B256,
    /// The file's name.
    pub(crate) name: String,
    /// The file's length.
    pub(crate) bytes: usize,
    /// The caller's acceptance of this version; none for the staff.
    pub(crate) accepted: Option<Given>,
}

/// The terms as a caller sees them.
///
/// # Errors
/// 404 if there are none; 503.
pub(crate) async fn terms_view(app: &App, caller: &Caller) -> Result<TermsView, Problem> {
    let terms = current(app)?;
    let known = app.board.terms_of(caller.wallet).await;
    let known = known.map_err(refusal::board)?;
    let known = known.filter(|known| known.to == accepting(terms));
    Ok(TermsView {
        version: terms.version.clone(),
        sha256: terms.paper.sha256,
        name: terms.paper.name.clone(),
        bytes: terms.paper.bytes.len(),
        accepted: known.as_ref().map(Given::of),
    })
}

fn current(app: &App) -> Result<&Terms, Problem> {
    let terms = app.house.terms.as_ref();
    terms.ok_or_else(|| {
        let words = "this board has no terms of its own to accept";
        Problem::new(StatusCode::NOT_FOUND, "NO_TERMS", words)
    })
}

/// `GET /v1/terms`.
pub(crate) async fn show(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    Reply::ok(&terms_view(&call.app, call.caller()?).await?)
}

/// `GET /v1/terms/text`.
pub(crate) async fn text(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    file(&current(&call.app)?.paper)
}

/// A file, unchanged.
fn file(paper: &Paper) -> Result<Reply, Problem> {
    // Names consist of characters that need no escaping.
    let disposition = format!("inline; filename=\"{}\"", paper.name);
    let disposition = HeaderValue::from_str(&disposition).map_err(Problem::internal)?;
    let reply = Reply::of(StatusCode::OK, paper.kind(), paper.bytes.clone());
    Ok(reply.with(header::CONTENT_DISPOSITION, disposition))
}

/// `POST /v1/terms`.
pub(crate) async fn accept(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let mut fields = Fields::of(&call.body)?;
    let version = fields.text("version", str::parse::<String>);
    let sha256 = fields.hash("sha256");
    let (version, sha256) = fields.end(version.zip(sha256))?;
    let (app, caller) = (&call.app, call.caller()?);
    let terms = current(app)?;
    let wanted = accepting(terms);
    for (pointer, same) in [
        ("/version", version == wanted.version),
        ("/sha256", sha256 == wanted.sha256),
    ] {
        if !same {
            let words = "it is not that of the current terms: read them again";
            return Err(Problem::field("OTHER_TERMS", pointer, words)
                .with("version", wanted.version.as_str())
                .with("sha256", json!(wanted.sha256)));
        }
    }
    let accepted = app
        .board
        .accept_terms(caller.wallet, wanted, By::new(WEB))
        .await;
    let (accepted, is_new) = accepted.map_err(refusal::board)?;
    let answer = json!({
        "version": accepted.to.version,
        "sha256": accepted.to.sha256,
        "seq": accepted.seq,
        "accepted_at": accepted.at,
    });
    consented(&call, is_new, &answer).await
}

/// Keeps the answer to a consent and returns it.
async fn consented(call: &Call, is_new: bool, answer: &impl Serialize) -> Result<Reply, Problem> {
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let reply = Reply::json(status, answer)?;
    if let Some(slot) = &call.answer {
        slot.fill(&call.app, &reply).await?;
    }
    Ok(reply)
}

/// One document of a security.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DocumentView {
    /// Its file name.
    pub(crate) name: String,
    /// The SHA-256 of its bytes.
    pub(crate) sha256: B256,
    /// How many bytes it has.
    pub(crate) bytes: usize,
}

/// The documents of a security, and whether a wallet has acknowledged them.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DocumentsView {
    /// Ticker.
    pub(crate) symbol: String,
    /// The token.
    pub(crate) token: Address,
    /// The documents, in the profile's order.
    pub(crate) documents: Vec<DocumentView>,
    /// The caller's acknowledgement of exactly these; none for the staff.
    pub(crate) received: Option<Given>,
}

/// The documents of a security that the caller may see.
///
/// # Errors
/// 503.
pub(crate) async fn documents_view(
    app: &App,
    caller: &Caller,
    security: &Security,
) -> Result<DocumentsView, Problem> {
    let papers = app.house.papers(security.token);
    let known = app.board.documents_of(caller.wallet, security.token).await;
    let known = known.map_err(refusal::board)?;
    let known = known.filter(|known| known.to == receiving(security.token, papers));
    let document = |paper: &Paper| DocumentView {
        name: paper.name.clone(),
        sha256: paper.sha256,
        bytes: paper.bytes.len(),
    };
    Ok(DocumentsView {
        symbol: security.symbol.clone(),
        token: security.token,
        documents: papers.iter().map(document).collect(),
        received: known.as_ref().map(Given::of),
    })
}

/// `GET /v1/securities/{security}/documents`.
pub(crate) async fn documents(call: Call) -> Result<Reply, Problem> {
    wait::min_seq(&call).await?;
    call.query.end()?;
    let (app, caller) = (&call.app, call.caller()?);
    let open = sight::open(app, caller).await?;
    let security = open.find(call.place("security"))?;
    Reply::ok(&documents_view(app, caller, security).await?)
}

/// `GET /v1/securities/{security}/documents/{sha256}`.
pub(crate) async fn document(call: Call) -> Result<Reply, Problem> {
    wait::min_seq(&call).await?;
    call.query.end()?;
    let (app, caller) = (&call.app, call.caller()?);
    let open = sight::open(app, caller).await?;
    let security = open.find(call.place("security"))?;
    let unknown = || Problem::not_found("document");
    let hash = fields::hash(call.place("sha256")).map_err(|_| unknown())?;
    let mut papers = app.house.papers(security.token).iter();
    let paper = papers.find(|paper| paper.sha256 == hash);
    file(paper.ok_or_else(unknown)?)
}

/// `POST /v1/securities/{security}/documents`.
pub(crate) async fn receive(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let mut fields = Fields::of(&call.body)?;
    fields.require("sha256");
    let hashes = fields.list("sha256", fields::hash);
    let hashes: HashSet<B256> = fields.end(Some(hashes))?.into_iter().collect();
    let (app, caller) = (&call.app, call.caller()?);
    let open = sight::open(app, caller).await?;
    let security = open.find(call.place("security"))?;
    let papers = app.house.papers(security.token);
    if papers.is_empty() {
        return Err(Problem::not_found("document"));
    }
    let wanted = receiving(security.token, papers);
    if papers
        .iter()
        .map(|paper| paper.sha256)
        .collect::<HashSet<_>>()
        != hashes
    {
        let words = "it must name exactly the security's current documents: read them again";
        return Err(Problem::field("OTHER_DOCUMENTS", "/sha256", words)
            .with("documents", json!(wanted.documents)));
    }
    let received = app
        .board
        .receive_documents(caller.wallet, wanted, By::new(WEB))
        .await;
    let (received, is_new) = received.map_err(refusal::board)?;
    let answer = json!({
        "token": security.token,
        "documents": received.to.documents,
        "seq": received.seq,
        "received_at": received.at,
    });
    consented(&call, is_new, &answer).await
}
