//! An investor's own orders: first what waits for the investor, then orders that are open, matched, settled, ended.

use std::collections::HashSet;

use askama::Template;
use axum::http::StatusCode;
use book::market::filter::OrderFilter;
use book::market::order::Side;
use book::market::record::{OrderState, OrderView};

use super::frame::{Frame, Here};
use super::html;
use super::time::Moment;
use super::timeline::{self, Stand};
use super::waiting::{Waiting, waiting};
use super::words::{count, money, price, short, tokens};
use crate::app::App;
use crate::needs;
use crate::problem::Problem;
use crate::query;
use crate::refusal;
use crate::route::{Call, Reply};
use crate::void;

/// Orders on one page.
const PAGE: u32 = 100;

struct Row {
    id: String,
    short: String,
    symbol: String,
    side: &'static str,
    verb: &'static str,
    quantity: String,
    price: String,
    total: String,
    until: Moment,
    state: &'static str,
    tone: &'static str,
}

struct Group {
    heading: &'static str,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "orders.html")]
struct Orders {
    frame: Frame,
    waiting: Vec<Waiting>,
    groups: Vec<Group>,
    next: Option<String>,
    is_first: bool,
}

/// What a side is called when an owner speaks of its own order.
pub(super) fn verb(side: Side) -> &'static str {
    match side {
        Side::Bid => "Buy",
        Side::Ask => "Sell",
    }
}

/// Which group an order belongs to, and its state in words.
async fn state(
    app: &App,
    order: &OrderView,
) -> Result<(usize, &'static str, &'static str), Problem> {
    Ok(match order.state {
        OrderState::Filled => (2, "settled", "own"),
        OrderState::Cancelled => {
            let voidness = void::view(app, order).await?;
            (
                3,
                if voidness.void {
                    "void"
                } else {
                    "off the board"
                },
                "",
            )
        }
        OrderState::Open => {
            let events = app.board.history(order.record.id).await;
            let stand = timeline::stand(&events.map_err(refusal::board)?);
            match stand {
                Stand::Free if order.expired => (3, "expired", ""),
                Stand::Free => (0, stand.words(), "own"),
                matched => (1, matched.words(), "warn"),
            }
        }
    })
}

fn row(order: &OrderView, state: &'static str, tone: &'static str) -> Row {
    let record = &order.record;
    Row {
        id: record.id.to_string(),
        short: short(record.id),
        symbol: record.symbol.clone(),
        side: record.side.as_str(),
        verb: verb(record.side),
        quantity: tokens(record.quantity, record.decimals),
        price: price(record.price),
        total: money(record.limit_total),
        until: Moment::of_seconds(record.expiry),
        state,
        tone,
    }
}

/// What the open orders of an owner lack together: queried once for each security.
async fn lacking(app: &App, orders: &[OrderView]) -> Result<Vec<Waiting>, Problem> {
    let (mut asked, mut told, mut all) = (HashSet::new(), HashSet::new(), Vec::new());
    let open = orders
        .iter()
        .filter(|order| order.state == OrderState::Open && !order.expired);
    for order in open {
        if !asked.insert(order.record.security) {
            continue;
        }
        let Some(found) = needs::of(app, order).await? else {
            asked.remove(&order.record.security);
            continue;
        };
        for need in found.iter().filter(|need| told.insert(need.token)) {
            all.extend(waiting(need));
        }
    }
    Ok(all)
}

/// `GET /orders`.
pub(crate) async fn orders(call: Call) -> Result<Reply, Problem> {
    let cursor = call.query.text("cursor");
    call.query.end()?;
    let (app, caller) = (&call.app, call.caller()?);
    let list = format!("page of orders {}", caller.wallet);
    let before = cursor.as_deref().map(|cursor| {
        let place = app.cursors.read(&list, cursor);
        place
            .and_then(|place| place.parse().ok())
            .ok_or_else(|| query::bad("cursor", "it is not a cursor of this list"))
    });
    let filter = OrderFilter {
        owner: Some(caller.wallet),
        before_seq: before.transpose()?,
        descending: true,
        limit: Some(PAGE),
        ..OrderFilter::default()
    };
    let found = app.board.orders(&filter).await.map_err(refusal::board)?;
    let mut groups = ["Open", "Matched", "Settled", "Ended"].map(|heading| Group {
        heading,
        rows: Vec::new(),
    });
    for order in &found {
        let (group, state, tone) = state(app, order).await?;
        groups[group].rows.push(row(order, state, tone));
    }
    let full = u32::try_from(found.len()).is_ok_and(|count| count == PAGE);
    let next = found.last().filter(|_| full);
    let is_first = cursor.is_none();
    let waiting = if is_first {
        lacking(app, &found).await?
    } else {
        Vec::new()
    };
    let page = Orders {
        frame: Frame::of(app, Some(caller), Here::Orders, "My orders").await?,
        waiting,
        groups: groups
            .into_iter()
            .filter(|group| !group.rows.is_empty())
            .collect(),
        next: next.map(|last| app.cursors.write(&list, &last.posted_seq.to_string())),
        is_first,
    };
    html(&call.headers, StatusCode::OK, &page)
}

impl Group {
    /// How many there are, in words.
    fn count(&self) -> String {
        count(u64::try_from(self.rows.len()).unwrap_or(u64::MAX))
    }
}
