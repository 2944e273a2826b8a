//! One security: its lots, the ticket, depth, settlements, the issuer's documents.

use askama::Template;
use axum::http::StatusCode;
use book::board::lots::{Lot, OneSide};
use book::market::amount::plain;
use book::market::depth::Level;
use book::market::order::Side;
use book::market::price::Price;
use book::market::security::Security;
use jiff::Timestamp;

use super::chart::{self, Dot, Outlines, SIZE, Step, Traded};
use super::frame::{Frame, Here};
use super::html;
use super::market::{Holding, held, holding};
use super::time::Moment;
use super::words::{money, price, rounded, rounded_text, tokens};
use crate::app::App;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::route::{Call, Reply, WHOLE_BOOK};
use crate::sides;
use crate::sight;
use crate::terms::{self, DocumentsView, TermsView};
use crate::trades::{self, AverageView, CommissionView, Settlement};

/// Lots of each side on the page.
const LOTS: usize = 100;
/// Prices of each side in the table of sums and in its chart.
const LEVELS: usize = 12;
/// Settlements in the table and in its chart.
const SETTLEMENTS: u32 = 100;
/// Width of a bar, in its own units.
const BAR: u32 = 100;

struct LotRow {
    reference: String,
    price: String,
    quantity: String,
    /// As typed into the ticket.
    plain_price: String,
    plain_quantity: String,
    expires: Moment,
    own: bool,
    /// The order, for its owner and the desk.
    order: Option<String>,
}

struct SideView {
    /// `bid` or `ask`.
    name: &'static str,
    heading: &'static str,
    /// The side of an answer to it.
    answer: &'static str,
    empty: &'static str,
    lots: Vec<LotRow>,
    more: bool,
}

struct LevelRow {
    price: String,
    quantity: String,
    depth: String,
    bar: u32,
}

/// The sums of one side.
struct Sums {
    /// `bid` or `ask`.
    name: &'static str,
    heading: &'static str,
    levels: Vec<LevelRow>,
}

struct Depth {
    /// The sides that are not empty.
    sides: Vec<Sums>,
    /// The outlines of both sides.
    outlines: Option<Outlines>,
}

struct SettledRow {
    at: Moment,
    price: String,
    quantity: String,
    total: String,
    transaction: String,
}

struct Settled {
    rows: Vec<SettledRow>,
    dots: Vec<Dot>,
    line: Option<u32>,
    average: Option<String>,
    trades: u64,
    low: String,
    high: String,
}

#[derive(Template)]
#[template(path = "security.html")]
struct SecurityPage {
    frame: Frame,
    symbol: String,
    name: String,
    isin: String,
    token: String,
    decimals: u8,
    payment: String,
    is_investor: bool,
    sides: [SideView; 2],
    bid: Option<String>,
    ask: Option<String>,
    spread: Option<String>,
    holding: Option<Holding>,
    depth: Depth,
    settled: Settled,
    documents: DocumentsView,
    terms: Option<TermsView>,
    /// Percent of the total that customers are billed, if they are.
    commission: Option<String>,
    /// The default date until which an order is good.
    expiry: String,
    first_expiry: String,
    last_expiry: String,
    width: u32,
    height: u32,
}

/// Scaled dollars of a price in a view.
fn scaled(text: &str) -> u128 {
    text.parse::<Price>().map_or(0, Price::scaled)
}

fn lot_row(app: &App, caller: &Caller, security: &Security, lot: &Lot) -> LotRow {
    let whole = caller.is_any(WHOLE_BOOK);
    let own = !whole && lot.owner == caller.wallet;
    LotRow {
        reference: app.lots.write(lot.seq),
        price: price(lot.price),
        quantity: tokens(lot.quantity, security.decimals),
        plain_price: lot.price.to_string(),
        plain_quantity: plain(
            alloy::primitives::U256::from(lot.quantity),
            security.decimals,
        ),
        expires: Moment::of_seconds(lot.expiry),
        own,
        order: (own || whole).then(|| lot.id.to_string()),
    }
}

fn side(
    app: &App,
    caller: &Caller,
    security: &Security,
    side: Side,
    found: &OneSide,
) -> (SideView, Option<Price>) {
    let lots = &found.lots[..found.lots.len().min(LOTS)];
    let (name, heading, answer, empty) = match side {
        Side::Bid => ("bid", "Bids: others buy", "ask", "Nobody is bidding now."),
        Side::Ask => ("ask", "Asks: others sell", "bid", "Nobody is selling now."),
    };
    let view = SideView {
        name,
        heading,
        answer,
        empty,
        more: lots.len() == LOTS,
        lots: lots
            .iter()
            .map(|lot| lot_row(app, caller, security, lot))
            .collect(),
    };
    (view, lots.first().map(|lot| lot.price))
}

fn levels(found: &[Level], decimals: u8, most: u128) -> Vec<LevelRow> {
    let written = |amount: Option<u128>| {
        amount.map_or("over 2^128".to_owned(), |amount| tokens(amount, decimals))
    };
    found
        .iter()
        .map(|level| LevelRow {
            price: price(level.price),
            quantity: written(level.quantity),
            depth: written(level.depth),
            bar: chart::share(level.quantity.unwrap_or(u128::MAX), most, BAR),
        })
        .collect()
}

fn depth(security: &Security, bids: &OneSide, asks: &OneSide) -> Depth {
    let best = |side: &OneSide| side.levels.iter().take(LEVELS).copied().collect::<Vec<_>>();
    let (bids, asks) = (best(bids), best(asks));
    let sums = bids.iter().chain(&asks);
    let most = sums.filter_map(|level| level.quantity).max().unwrap_or(0);
    let steps = |side: &[Level]| -> Vec<Step> {
        side.iter()
            .map(|level| Step {
                price: level.price.scaled(),
                depth: level.depth.unwrap_or(u128::MAX),
            })
            .collect()
    };
    Depth {
        outlines: chart::depth(&steps(&bids), &steps(&asks)),
        sides: [("bid", "Bid", &bids), ("ask", "Ask", &asks)]
            .into_iter()
            .filter(|(_, _, side)| !side.is_empty())
            .map(|(name, heading, side)| Sums {
                name,
                heading,
                levels: levels(side, security.decimals, most),
            })
            .collect(),
    }
}

fn settled(
    security: &Security,
    found: &[Settlement],
    average: Option<&AverageView>,
    now: Timestamp,
) -> Settled {
    let amount = |text: &str| text.parse::<u128>().unwrap_or_default();
    let at = |one: &Settlement| one.settled_at.parse::<Timestamp>().ok();
    let traded: Vec<Traded> = found
        .iter()
        .filter_map(|one| {
            let (at, price) = (at(one)?, scaled(&one.price));
            Some(Traded { at, price })
        })
        .collect();
    let line = average.map(|average| scaled(&average.price));
    let first = traded.iter().map(|one| one.at).min().unwrap_or(now);
    let (dots, line) = chart::dots(&traded, line, first, now);
    let prices = || {
        traded
            .iter()
            .filter_map(|one| Price::from_scaled(one.price))
    };
    Settled {
        dots,
        line,
        average: average.map(|average| rounded_text(&average.price)),
        trades: average.map_or(0, |average| average.trades),
        low: prices().min().map(rounded).unwrap_or_default(),
        high: prices().max().map(rounded).unwrap_or_default(),
        rows: found
            .iter()
            .map(|one| SettledRow {
                at: Moment::read(&one.settled_at),
                price: rounded_text(&one.price),
                quantity: tokens(amount(&one.quantity), security.decimals),
                total: money(amount(&one.total)),
                transaction: one.transaction.to_string(),
            })
            .collect(),
    }
}

/// Basis points as percent.
fn percent(bips: u16) -> Option<String> {
    let (whole, rest) = (bips / 100, bips % 100);
    (bips > 0).then(|| format!("{whole}.{rest:02} %"))
}

/// A date that many days from now, in the format of a date field.
fn day(now: Timestamp, days: i64) -> String {
    let then = now.saturating_add(jiff::SignedDuration::from_hours(24 * days));
    then.unwrap_or(now).strftime("%Y-%m-%d").to_string()
}

/// `GET /securities/{security}`.
pub(crate) async fn security(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let (app, caller) = (&call.app, call.caller()?);
    let open = sight::shown(app, caller).await?;
    let security = open.find(call.place("security"))?;
    let seq = crate::market::seq(app).await?;
    let bids = sides::of(app, security, Side::Bid, seq).await?;
    let asks = sides::of(app, security, Side::Ask, seq).await?;
    let depth = depth(security, &bids, &asks);
    let (bids, bid) = side(app, caller, security, Side::Bid, &bids);
    let (asks, ask) = side(app, caller, security, Side::Ask, &asks);
    let is_investor = caller.is_investor();
    let held = held(app, caller, std::slice::from_ref(security)).await;
    let traded = trades::settlements_view(app, security, None, SETTLEMENTS).await?;
    let terms = match (is_investor, &app.house.terms) {
        (true, Some(_)) => Some(terms::terms_view(app, caller).await?),
        _ => None,
    };
    let now = app.now();
    let spread = bid.zip(ask).and_then(|(bid, ask)| {
        let between = ask.scaled().checked_sub(bid.scaled())?;
        Some(Price::from_scaled(between).map_or("0.00".to_owned(), price))
    });
    let (width, height) = SIZE;
    let page = SecurityPage {
        frame: Frame::of(app, Some(caller), Here::Elsewhere, &security.symbol).await?,
        symbol: security.symbol.clone(),
        name: security.name.clone(),
        isin: security.isin.to_string(),
        token: security.token.to_string(),
        decimals: security.decimals,
        payment: app.board.identity().payment.to_string(),
        is_investor,
        sides: [bids, asks],
        bid: bid.map(price),
        ask: ask.map(price),
        spread,
        holding: holding(held.as_ref(), security),
        depth,
        settled: settled(security, &traded.settlements, traded.average.as_ref(), now),
        documents: terms::documents_view(app, caller, security).await?,
        terms,
        commission: percent(CommissionView::of(app)?.bips),
        expiry: day(now, 7),
        first_expiry: day(now, 0),
        last_expiry: day(now, 365),
        width,
        height,
    };
    html(&call.headers, StatusCode::OK, &page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commission_is_told_in_percent_where_there_is_one() {
        assert_eq!(percent(0), None);
        assert_eq!(percent(5).as_deref(), Some("0.05 %"));
        assert_eq!(percent(125).as_deref(), Some("1.25 %"));
    }

    #[test]
    fn an_order_is_good_for_seven_days_where_nobody_says() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        assert_eq!(
            (day(now, 0), day(now, 7)),
            ("2027-01-15".into(), "2027-01-22".into())
        );
    }
}
