//! The securities that a reader may trade, a line each.

use askama::Template;
use axum::http::StatusCode;
use book::market::order::Side;
use book::market::price::Price;
use book::market::security::Security;
use desk::means::Asset;
use jiff::Timestamp;

use super::frame::{Frame, Here};
use super::html;
use super::time::Moment;
use super::words::{count, price, rounded_text, tokens};
use crate::app::App;
use crate::caller::Caller;
use crate::holdings::{self, Held};
use crate::problem::Problem;
use crate::route::{Call, Reply};
use crate::sides;
use crate::sight::{self, Open};
use crate::trades;

/// A KYC record that ends sooner than this is reported.
const SOON: u64 = 30 * 24 * 3_600;

/// What a wallet holds of a security.
pub(super) struct Holding {
    pub(super) free: String,
    /// What cannot move now; nothing if all can.
    pub(super) encumbered: Option<String>,
    /// As of which block, if the node does not report the current state.
    pub(super) stale: Option<String>,
}

/// The last trade that settled.
struct Last {
    price: String,
    date: String,
}

struct Row {
    symbol: String,
    name: String,
    bid: Option<String>,
    ask: Option<String>,
    spread: Option<String>,
    last: Option<Last>,
    average: Option<String>,
    holding: Option<Holding>,
}

/// A KYC record that ends soon.
struct Ending {
    symbol: String,
    date: String,
}

#[derive(Template)]
#[template(path = "market.html")]
struct Market {
    frame: Frame,
    rows: Vec<Row>,
    is_investor: bool,
    /// The block as of which the registries reported who may hold what.
    block: Option<u64>,
    endings: Vec<Ending>,
    /// Whether the node did not report what the wallet holds now.
    is_away: bool,
}

/// The best price of a side.
async fn best(
    app: &App,
    security: &Security,
    side: Side,
    seq: u64,
) -> Result<Option<Price>, Problem> {
    let found = sides::of(app, security, side, seq).await?;
    Ok(found.lots.first().map(|lot| lot.price))
}

/// What an investor holds of securities; nothing for the staff.
pub(super) async fn held(app: &App, caller: &Caller, securities: &[Security]) -> Option<Held> {
    if !caller.is_investor() {
        return None;
    }
    let asset = |security: &Security| Asset::Security(security.token);
    let assets: Vec<Asset> = securities.iter().map(asset).collect();
    Some(holdings::of(app, caller.wallet, &assets).await)
}

/// What a wallet holds of a security, in words; nothing if that was never known.
pub(super) fn holding(held: Option<&Held>, security: &Security) -> Option<Holding> {
    let held = held?;
    let means = held.means.get(&security.token)?;
    let written = |amount| {
        let amount = u128::try_from(amount).unwrap_or(u128::MAX);
        tokens(amount, security.decimals)
    };
    let bound = means.encumbered();
    Some(Holding {
        free: written(means.free),
        encumbered: (!bound.is_zero()).then(|| written(bound)),
        stale: (!held.is_now).then(|| count(means.block)),
    })
}

async fn row(
    app: &App,
    security: &Security,
    held: Option<&Held>,
    seq: u64,
) -> Result<Row, Problem> {
    let bid = best(app, security, Side::Bid, seq).await?;
    let ask = best(app, security, Side::Ask, seq).await?;
    let spread = bid.zip(ask).and_then(|(bid, ask)| {
        let between = ask.scaled().checked_sub(bid.scaled())?;
        Some(Price::from_scaled(between).map_or("0.00".to_owned(), price))
    });
    let traded = trades::settlements_view(app, security, None, 1).await?;
    let last = traded.settlements.first().map(|last| Last {
        price: rounded_text(&last.price),
        date: Moment::read(&last.settled_at).date,
    });
    Ok(Row {
        symbol: security.symbol.clone(),
        name: security.name.clone(),
        bid: bid.map(price),
        ask: ask.map(price),
        spread,
        last,
        average: traded.average.map(|average| rounded_text(&average.price)),
        holding: holding(held, security),
    })
}

/// KYC records that end within a month.
fn endings(open: &Open, now: Timestamp) -> Vec<Ending> {
    let Some(sight) = &open.sight else {
        return Vec::new();
    };
    let now = u64::try_from(now.as_second()).unwrap_or_default();
    let ends = |security: &Security| {
        let until = sight.standings.get(&security.token)?.until;
        (until > 0 && until < now.saturating_add(SOON)).then(|| Ending {
            symbol: security.symbol.clone(),
            date: Moment::of_seconds(until).date,
        })
    };
    open.securities.iter().filter_map(ends).collect()
}

/// `GET /market`.
pub(crate) async fn market(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let (app, caller) = (&call.app, call.caller()?);
    let open = sight::shown(app, caller).await?;
    let held = held(app, caller, &open.securities).await;
    let seq = crate::market::seq(app).await?;
    let mut rows = Vec::with_capacity(open.securities.len());
    for security in &open.securities {
        rows.push(row(app, security, held.as_ref(), seq).await?);
    }
    let standings = open.sight.iter().flat_map(|sight| sight.standings.values());
    let page = Market {
        frame: Frame::of(app, Some(caller), Here::Market, "Market").await?,
        is_investor: caller.is_investor(),
        block: standings.map(|standing| standing.block).min(),
        endings: endings(&open, app.now()),
        is_away: held.is_some_and(|held| !held.is_now),
        rows,
    };
    html(&call.headers, StatusCode::OK, &page)
}
