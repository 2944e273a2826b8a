//! The securities that a reader may trade, a line each.

use std::collections::HashMap;

use alloy::primitives::Address;
use askama::Template;
use axum::http::StatusCode;
use book::market::order::Side;
use book::market::price::Price;
use book::market::security::Security;
use desk::means::{Asset, Means};
use jiff::Timestamp;

use super::frame::{Frame, Here};
use super::html;
use super::time::Moment;
use super::words::{price, rounded_text, tokens};
use crate::app::App;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::refusal;
use crate::route::{Call, Reply};
use crate::sight::{self, Open};
use crate::trades;

/// An end of KYC that is nearer than this is told.
const SOON: u64 = 30 * 24 * 3_600;

/// What somebody has of a security.
pub(super) struct Holding {
    pub(super) free: String,
    /// What may not move now; nothing where all may.
    pub(super) encumbered: Option<String>,
}

/// The trade that settled last.
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

/// A record of KYC that ends soon.
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
    /// The block as of which the registries said who may hold what.
    block: Option<u64>,
    endings: Vec<Ending>,
    /// Whether the node did not say what the wallet has.
    unknown: bool,
}

/// The best price of a side.
async fn best(app: &App, security: &Security, side: Side) -> Result<Option<Price>, Problem> {
    let token = security.token.to_string();
    let lots = app.board.lots(&token, side, None, 1).await;
    let lots = lots.map_err(refusal::board)?;
    Ok(lots.first().map(|lot| lot.price))
}

/// What an investor has of securities, by token; nothing where the node does not answer.
pub(super) async fn holdings(
    app: &App,
    caller: &Caller,
    securities: &[Security],
) -> Option<HashMap<Address, Means>> {
    let assets: Vec<Asset> = securities
        .iter()
        .map(|security| Asset::Security(security.token))
        .collect();
    let means = app.node.means(caller.wallet, &assets).await.ok()?;
    Some(
        means
            .into_iter()
            .map(|means| (means.token, means))
            .collect(),
    )
}

/// What somebody has, in words.
pub(super) fn holding(means: &Means, decimals: u8) -> Holding {
    let written = |amount| tokens(u128::try_from(amount).unwrap_or(u128::MAX), decimals);
    let bound = means.encumbered();
    Holding {
        free: written(means.free),
        encumbered: (!bound.is_zero()).then(|| written(bound)),
    }
}

async fn row(
    app: &App,
    security: &Security,
    held: Option<&HashMap<Address, Means>>,
) -> Result<Row, Problem> {
    let bid = best(app, security, Side::Bid).await?;
    let ask = best(app, security, Side::Ask).await?;
    let spread = bid.zip(ask).and_then(|(bid, ask)| {
        let between = ask.scaled().checked_sub(bid.scaled())?;
        Some(Price::from_scaled(between).map_or("0.00".to_owned(), price))
    });
    let means = held.and_then(|held| held.get(&security.token));
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
        holding: means.map(|means| holding(means, security.decimals)),
    })
}

/// Records of KYC that end within a month.
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
    let open = sight::open(app, caller).await?;
    let held = if caller.is_investor() {
        holdings(app, caller, &open.securities).await
    } else {
        None
    };
    let mut rows = Vec::with_capacity(open.securities.len());
    for security in &open.securities {
        rows.push(row(app, security, held.as_ref()).await?);
    }
    let standings = open.sight.iter().flat_map(|sight| sight.standings.values());
    let page = Market {
        frame: Frame::of(app, Some(caller), Here::Market, "Market").await?,
        is_investor: caller.is_investor(),
        block: standings.map(|standing| standing.block).min(),
        endings: endings(&open, app.now()),
        unknown: caller.is_investor() && held.is_none(),
        rows,
    };
    html(&call.headers, StatusCode::OK, &page)
}
