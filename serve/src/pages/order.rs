//! One order: what was signed, what became of it, and what its owner may do.

use askama::Template;
use axum::http::StatusCode;
use book::board::left::Errand;
use book::market::order::Side;
use book::market::record::{OrderState, OrderView};
use serde_json::Value;

use super::frame::{Frame, Here};
use super::html;
use super::orders::verb;
use super::time::Moment;
use super::timeline::{self, Stand, Step};
use super::waiting::{Waiting, waiting};
use super::words::{money, price, short, tokens};
use crate::access;
use crate::orders;
use crate::problem::Problem;
use crate::refusal;
use crate::route::{Call, Reply};
use crate::void::{self, Voidness};

/// How an order that is off the board can be made void.
struct MakeVoid {
    /// The transaction of its owner's wallet.
    to: String,
    data: String,
    /// What its owner signs for the desk to send, as JSON.
    typed: String,
    /// The state of a cancel that was left with the desk.
    left: Option<String>,
}

fn make_void(order: &OrderView, voidness: &Voidness) -> MakeVoid {
    let how = void::how(order);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    MakeVoid {
        to: text(&how["transaction"]["to"]),
        data: text(&how["transaction"]["data"]),
        typed: how["typed_data"].to_string(),
        left: voidness.left.as_ref().map(|left| match left.state {
            Errand::Waiting => "The desk has your signed cancel and will send it.".to_owned(),
            Errand::Sent => "The desk has sent your signed cancel.".to_owned(),
            Errand::Refused => format!("The chain refused your signed cancel: {}", left.said),
            Errand::Withdrawn => "You took your signed cancel back.".to_owned(),
        }),
    }
}

#[derive(Template)]
#[template(path = "order.html")]
struct OrderPage {
    frame: Frame,
    id: String,
    short: String,
    symbol: String,
    side: &'static str,
    verb: &'static str,
    limit: &'static str,
    quantity: String,
    price: String,
    total: String,
    until: Moment,
    received: Moment,
    owner: String,
    counterparty: Option<String>,
    account: String,
    capacity: String,
    /// Whether the desk solicited it, in a word.
    solicited: &'static str,
    seq: u64,
    state: &'static str,
    is_own: bool,
    may_take_off: bool,
    is_settled: bool,
    voided_by: Option<String>,
    make_void: Option<MakeVoid>,
    replaced_by: Option<String>,
    waiting: Vec<Waiting>,
    steps: Vec<Step>,
}

/// `GET /orders/{order}`.
pub(crate) async fn order(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let (app, caller) = (&call.app, call.caller()?);
    let order = orders::seen(&call, call.place("order")).await?;
    let record = &order.record;
    access::seen(&call, "GET /orders/{order}", [record.owner]).await?;
    let detail = orders::detail(app, caller, &order).await?;
    let events = app.board.history(record.id).await.map_err(refusal::board)?;
    let stand = timeline::stand(&events);
    let seen = match timeline::bid(&events) {
        Some(bid) => app.board.chain_fill_of(bid).await.map_err(refusal::board)?,
        None => None,
    };
    let is_own = caller.is_investor();
    let is_off = order.state == OrderState::Cancelled && !detail.voidness.void && !order.expired;
    let needs = detail.needs.iter().flatten().filter(|_| is_own);
    let page = OrderPage {
        frame: Frame::of(
            app,
            Some(caller),
            if is_own {
                Here::Orders
            } else {
                Here::Elsewhere
            },
            "Order",
        )
        .await?,
        id: record.id.to_string(),
        short: short(record.id),
        symbol: record.symbol.clone(),
        side: record.side.as_str(),
        verb: verb(record.side),
        limit: if record.side == Side::Bid {
            "at most"
        } else {
            "at least"
        },
        quantity: tokens(record.quantity, record.decimals),
        price: price(record.price),
        total: money(record.limit_total),
        until: Moment::of_seconds(record.expiry),
        received: Moment::of(record.received_at),
        owner: record.owner.to_string(),
        counterparty: (!record.counterparty.is_zero()).then(|| record.counterparty.to_string()),
        account: record.account.clone(),
        capacity: record.capacity.as_str().replace('_', " "),
        solicited: if record.solicited {
            "solicited"
        } else {
            "unsolicited"
        },
        seq: order.posted_seq,
        state: match order.state {
            OrderState::Filled => "settled",
            OrderState::Cancelled if detail.voidness.void => "void",
            OrderState::Cancelled => "off the board",
            OrderState::Open if order.expired && stand == Stand::Free => "expired",
            OrderState::Open => stand.words(),
        },
        is_own,
        may_take_off: is_own
            && order.state == OrderState::Open
            && stand != Stand::Committed
            && stand != Stand::Submitted,
        is_settled: order.state == OrderState::Filled,
        voided_by: detail.voidness.transaction.map(|hash| hash.to_string()),
        make_void: (is_own && is_off).then(|| make_void(&order, &detail.voidness)),
        replaced_by: detail.replaced_by.map(|id| id.to_string()),
        waiting: needs.flat_map(waiting).collect(),
        steps: timeline::steps(&events, seen.as_ref()),
    };
    html(&call.headers, StatusCode::OK, &page)
}
