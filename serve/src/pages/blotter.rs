//! The trades of a range of days, with their sums; also as a file.

use askama::Template;
use axum::http::StatusCode;
use book::board::fills::Fill;
use book::market::amount::short_address;
use book::market::investor::Directory;
use book::market::order::Side;
use book::market::record::OrderRecord;
use book::market::security::Security;

use super::frame::{Frame, Here};
use super::html;
use super::period::Period;
use super::time::Moment;
use super::words::{count, money, rounded, tokens};
use crate::problem::Problem;
use crate::route::{Call, Reply};
use crate::{access, refusal, reports};

/// Trades on the page: the last ones; the file contains all.
const SHOWN: usize = 200;

/// One side of a trade.
struct Party {
    account: String,
    name: String,
    order: String,
}

struct Row {
    at: Moment,
    symbol: String,
    quantity: String,
    price: String,
    total: String,
    buyer: Option<Party>,
    seller: Option<Party>,
    number: String,
    transaction: String,
    block: String,
}

/// A link to one security, or to all.
struct Choice {
    words: String,
    href: String,
    here: bool,
}

#[derive(Template)]
#[template(path = "blotter.html")]
struct Blotter {
    frame: Frame,
    period: Period,
    /// What the filter keeps besides the days: nothing, or `&security=HRBR`.
    kept: String,
    choices: Vec<Choice>,
    rows: Vec<Row>,
    trades: String,
    total: Option<String>,
    shown: usize,
    is_all: bool,
}

fn party(fill: &Fill, side: Side, name: impl Fn(&OrderRecord) -> String) -> Option<Party> {
    let order = fill.side(side)?;
    Some(Party {
        account: order.account.clone(),
        name: name(order),
        order: order.id.to_string(),
    })
}

fn row(fill: &Fill, name: impl Fn(&OrderRecord) -> String) -> Row {
    let order = fill.either();
    Row {
        at: Moment::of(fill.event.occurred_at),
        symbol: order.map_or_else(String::new, |order| order.symbol.clone()),
        quantity: order.map_or_else(String::new, |order| tokens(order.quantity, order.decimals)),
        price: fill.price().map_or_else(String::new, rounded),
        total: money(fill.settled.total),
        buyer: party(fill, Side::Bid, &name),
        seller: party(fill, Side::Ask, &name),
        number: fill.settled.settlement_id.to_string(),
        transaction: fill.settled.tx_hash.to_string(),
        block: count(fill.settled.block),
    }
}

/// Who traded, by name if the directory has one.
fn rows(fills: &[Fill], directory: &Directory) -> Vec<Row> {
    let name = |order: &OrderRecord| {
        let name = directory.name_of(order.owner);
        name.map_or_else(|| short_address(order.owner), str::to_owned)
    };
    fills.iter().rev().map(|fill| row(fill, name)).collect()
}

/// The links to each security, and to all.
fn choices(securities: &[Security], shown: Option<&str>, period: &Period) -> Vec<Choice> {
    let choice = |words: &str, chosen: Option<&str>| Choice {
        words: words.to_owned(),
        href: match chosen {
            Some(chosen) => format!("/desk/blotter?{}&security={chosen}", period.query),
            None => format!("/desk/blotter?{}", period.query),
        },
        here: shown == chosen,
    };
    let each = securities
        .iter()
        .map(|one| choice(&one.symbol, Some(&one.symbol)));
    std::iter::once(choice("All", None)).chain(each).collect()
}

/// `GET /desk/blotter`.
pub(crate) async fn blotter(call: Call) -> Result<Reply, Problem> {
    let days = reports::days(&call)?;
    let symbol = call.query.text("security");
    call.query.end()?;
    let app = &call.app;
    let securities = app.board.securities().await.map_err(refusal::board)?;
    if let Some(symbol) = &symbol
        && !securities.iter().any(|one| one.symbol == *symbol)
    {
        return Err(Problem::not_found("security"));
    }
    let found = app.board.trades_on(&days, symbol.as_deref(), SHOWN).await;
    let found = found.map_err(refusal::board)?;
    let owners = found.fills.iter().flat_map(Fill::owners);
    access::seen(&call, "GET /desk/blotter", owners).await?;
    let directory = app.board.directory().await.map_err(refusal::board)?;
    let period = Period::of(app, &days)?;
    let page = Blotter {
        frame: Frame::of(app, call.caller.as_ref(), Here::Blotter, "Blotter").await?,
        choices: choices(&securities, symbol.as_deref(), &period),
        kept: symbol.map_or_else(String::new, |symbol| format!("&security={symbol}")),
        rows: rows(&found.fills, &directory),
        trades: count(found.count),
        total: found.total.map(money),
        shown: found.fills.len(),
        is_all: usize::try_from(found.count).is_ok_and(|count| count == found.fills.len()),
        period,
    };
    html(&call.headers, StatusCode::OK, &page)
}
