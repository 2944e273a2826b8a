//! Which open orders could be matched, for the desk to consider: never a decision.

use std::collections::HashMap;

use alloy::primitives::B256;
use book::board::pairing::{Pair, Reach};
use book::market::record::OrderView;
use serde_json::{Value, json};

use crate::access;
use crate::app::App;
use crate::orders;
use crate::problem::Problem;
use crate::query;
use crate::refusal;
use crate::route::{Call, Reply};

/// The number of best bids that are considered.
const BIDS: u32 = 20_000;

/// Two orders that could be matched.
#[derive(Debug, Clone)]
pub(crate) struct Suggestion {
    /// The bid.
    pub(crate) bid: OrderView,
    /// The ask.
    pub(crate) ask: OrderView,
    /// The orders that are passed over although they have priority over one of the two and could take its place.
    pub(crate) passed_over: Vec<B256>,
    /// The order whose lot the bid answers.
    pub(crate) bid_answers: Option<B256>,
    /// The order whose lot the ask answers.
    pub(crate) ask_answers: Option<B256>,
}

impl Suggestion {
    /// Whether one of the two answers the other's lot.
    pub(crate) fn is_answer(&self) -> bool {
        self.bid_answers == Some(self.ask.record.id) || self.ask_answers == Some(self.bid.record.id)
    }
}

/// The best pairs of a security, best bids first, and whether there may be more.
///
/// # Errors
/// 404, 503.
pub(crate) async fn suggestions_view(
    app: &App,
    security: &str,
    limit: u32,
) -> Result<(Vec<Suggestion>, bool), Problem> {
    let reach = Reach {
        pairs: limit as usize,
        bids: Some(BIDS),
    };
    let found = app
        .board
        .pairs(security, reach)
        .await
        .map_err(|error| match error {
            book::board::BoardError::UnknownSecurity(_) => Problem::not_found("security"),
            other => refusal::board(other),
        })?;
    let ids: Vec<B256> = found
        .pairs
        .iter()
        .flat_map(|pair| [pair.bid.id, pair.ask.id])
        .collect();
    let mut views = app.board.find_all(&ids).await.map_err(refusal::board)?;
    let answered = app.board.answered_by(views.values()).await;
    let answered = answered.map_err(refusal::board)?;
    let pairs = found.pairs.iter();
    let pairs = pairs.filter_map(|pair| suggestion(pair, &mut views, &answered));
    Ok((pairs.collect(), found.more))
}

fn suggestion(
    pair: &Pair,
    views: &mut HashMap<B256, OrderView>,
    answered: &HashMap<B256, B256>,
) -> Option<Suggestion> {
    // One of them may have left the board in the meantime.
    let (bid, ask) = (views.remove(&pair.bid.id)?, views.remove(&pair.ask.id)?);
    let good = pair.passed_over.iter().filter(|one| one.obstacle.is_none());
    Some(Suggestion {
        bid_answers: answered.get(&pair.bid.id).copied(),
        ask_answers: answered.get(&pair.ask.id).copied(),
        passed_over: good.map(|one| one.order.id).collect(),
        bid,
        ask,
    })
}

fn suggestion_json(found: &Suggestion) -> Value {
    json!({
        "bid": orders::order_json(&found.bid),
        "ask": orders::order_json(&found.ask),
        "passed_over": found.passed_over,
        "bid_answers": found.bid_answers,
        "ask_answers": found.ask_answers,
        "answered": found.is_answer(),
    })
}

/// `GET /v1/suggestions`.
pub(crate) async fn list(call: Call) -> Result<Reply, Problem> {
    let security = call.query.text("security");
    let limit = call.query.limit()?;
    call.query.end()?;
    let missing = || {
        query::bad(
            "security",
            "it is missing: write a symbol, an ISIN or a token",
        )
    };
    let security = security.ok_or_else(missing)?;
    let app = &call.app;
    let seq = crate::market::seq(app).await?;
    let (found, more) = suggestions_view(app, &security, limit).await?;
    let pairs = found.iter().flat_map(|one| [&one.bid, &one.ask]);
    let owners = pairs.map(|order| order.record.owner);
    access::seen(&call, "GET /v1/suggestions", owners).await?;
    Reply::ok(&json!({
        "seq": seq,
        "pairs": found.iter().map(suggestion_json).collect::<Vec<_>>(),
        "more": more,
    }))
}
