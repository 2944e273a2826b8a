//! A pair that could be matched, before it is proposed: both orders side by side, what they would trade at, the checks,
//! the orders that would be passed over, and the rationale to sign.

use alloy::primitives::B256;
use askama::Template;
use axum::http::StatusCode;
use book::board::pairing::PassedOver;
use book::log::staff::Role;
use book::market::order::Side;
use book::market::record::{OrderState, OrderView};

use super::checks::Checks;
use super::deal::{Deal, customer};
use super::frame::{Frame, Here};
use super::html;
use super::time::Moment;
use super::timeline::{self, Stand};
use super::words::{price, short};
use crate::app::App;
use crate::caller::Part;
use crate::problem::Problem;
use crate::route::{Call, Reply};
use crate::{access, fields, query, refusal};

/// An order that is passed over although it has priority over one of the two.
struct Passed {
    id: String,
    short: String,
    side: &'static str,
    customer: String,
    price: String,
    received: Moment,
    seq: u64,
    /// Why it could not take that place; nothing if it could.
    obstacle: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "desk_pair.html")]
struct DeskPair {
    frame: Frame,
    deal: Deal,
    units: String,
    checks: Checks,
    passed: Vec<Passed>,
    /// The ids that a proposal must list.
    named: String,
    sentence: String,
    /// Why the pair cannot be proposed; nothing if it can.
    off: Option<String>,
}

/// An order of the query.
async fn order(call: &Call, name: &'static str, side: Side) -> Result<OrderView, Problem> {
    let id: Option<B256> = call.query.take(name, fields::hash)?;
    let id = id.ok_or_else(|| query::bad(name, "it is missing"))?;
    let found = call.app.board.find(id).await.map_err(refusal::board)?;
    let found = found.ok_or_else(|| Problem::not_found("order"))?;
    if found.record.side == side {
        Ok(found)
    } else {
        Err(query::bad(name, "it is an order on the other side"))
    }
}

async fn passed(app: &App, one: &PassedOver) -> Result<Passed, Problem> {
    let order = &one.order;
    let seq = app.board.find(order.id).await.map_err(refusal::board)?;
    Ok(Passed {
        id: order.id.to_string(),
        short: short(order.id),
        side: order.side.as_str(),
        customer: customer(app, order).await?,
        price: price(order.price),
        received: Moment::of(order.received_at),
        seq: seq.map_or(0, |view| view.posted_seq),
        obstacle: one.obstacle.map(book::market::matching::Obstacle::as_str),
    })
}

/// Why an order cannot join a match.
async fn taken(app: &App, order: &OrderView) -> Result<Option<&'static str>, Problem> {
    if order.state != OrderState::Open {
        return Ok(Some("is no longer on the board"));
    }
    if order.expired {
        return Ok(Some("has expired"));
    }
    let events = app.board.history(order.record.id).await;
    let stand = timeline::stand(&events.map_err(refusal::board)?);
    Ok((stand != Stand::Free).then_some("is already in a match"))
}

/// Why the two cannot be proposed by the reader.
async fn off(call: &Call, bid: &OrderView, ask: &OrderView) -> Result<Option<String>, Problem> {
    for (name, order) in [("bid", bid), ("ask", ask)] {
        if let Some(words) = taken(&call.app, order).await? {
            return Ok(Some(format!("The {name} {words}")));
        }
    }
    if bid.record.limit_total < ask.record.limit_total {
        return Ok(Some("The limits do not cross".to_owned()));
    }
    let trader = call.caller()?.is_any(&[Part::Staff(Role::Trader)]);
    Ok((!trader).then(|| "Only a trader can propose it".to_owned()))
}

/// `GET /desk/pair?bid=...&ask=...`.
pub(crate) async fn desk_pair(call: Call) -> Result<Reply, Problem> {
    let bid = order(&call, "bid", Side::Bid).await?;
    let ask = order(&call, "ask", Side::Ask).await?;
    call.query.end()?;
    let app = &call.app;
    let found = app.board.passed_over(&bid, &ask).await;
    let found = found.map_err(refusal::board)?;
    let mut owners = vec![bid.record.owner, ask.record.owner];
    owners.extend(found.iter().map(|one| one.order.owner));
    access::seen(&call, "GET /desk/pair", owners).await?;
    let mut all = Vec::with_capacity(found.len());
    for one in &found {
        all.push(passed(app, one).await?);
    }
    let deal = Deal::of(app, &bid, &ask).await?;
    let named = all.iter().filter(|one| one.obstacle.is_none());
    let named: Vec<&str> = named.map(|one| one.id.as_str()).collect();
    let page = DeskPair {
        frame: Frame::of(app, call.caller.as_ref(), Here::Queue, "Propose a match").await?,
        units: deal
            .midpoint
            .as_ref()
            .map_or_else(String::new, |found| found.units.to_string()),
        sentence: format!("You propose this trade: {}.", deal.words()),
        checks: Checks::of(app, &bid, &ask).await,
        off: off(&call, &bid, &ask).await?,
        named: named.join(" "),
        passed: all,
        deal,
    };
    html(&call.headers, StatusCode::OK, &page)
}
