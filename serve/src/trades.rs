//! What was traded: the confirmation of a fill for its own investor and for the desk, and a security's settlements for
//! callers who may see it.

use alloy::primitives::{Address, B256};
use book::audit::confirmation::{Confirmation, Setting};
use book::audit::proof;
use book::board::fills::{Average, Fill};
use book::market::days::Days;
use book::market::record::OrderView;
use book::market::security::Security;
use jiff::SignedDuration;
use serde::Serialize;
use serde_json::{Value, json};

use crate::access;
use crate::app::App;
use crate::orders;
use crate::problem::Problem;
use crate::query;
use crate::refusal;
use crate::route::{Call, Reply};
use crate::sight;
use crate::wait;

/// The period of the average price.
const AVERAGED: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The confirmation of an order's fill; `None` while there is none.
///
/// # Errors
/// 503.
pub(crate) async fn confirmation_view(
    app: &App,
    order: &OrderView,
) -> Result<Option<Confirmation>, Problem> {
    let (board, record) = (&app.board, &order.record);
    let fill = board.fill_of(record.id).await.map_err(refusal::board)?;
    let Some(fill) = fill else { return Ok(None) };
    let securities = board.securities().await.map_err(refusal::board)?;
    let security = securities.iter().find(|one| one.token == record.security);
    let security = security.ok_or_else(|| Problem::internal("a traded security is not listed"))?;
    let directory = board.directory_of(record.owner).await;
    let directory = directory.map_err(refusal::board)?;
    let seq = fill.event.seq;
    let anchored = board.last_anchored().await.map_err(refusal::board)?;
    let anchored = anchored.map(|(_, anchor)| anchor);
    let covering = anchored.as_ref().filter(|anchor| anchor.size >= seq);
    let proof = match covering {
        Some(anchor) => {
            let proof = proof::prove(board, seq, anchor.size).await;
            Some((anchor, proof.map_err(refusal::board)?))
        }
        None => None,
    };
    let days = Days::new(None, None, &app.house.zone).map_err(Problem::internal)?;
    let setting = Setting {
        identity: board.identity(),
        security,
        days: &days,
        commissions: &app.house.commissions,
        disclosures: &app.house.disclosures,
        name: directory.name_of(record.owner),
        proof: proof.as_ref().map(|(anchor, proof)| (*anchor, proof)),
    };
    Ok(Confirmation::of(&fill, record.side, &setting))
}

/// `GET /v1/orders/{order}/confirmation`.
pub(crate) async fn confirmation(call: Call) -> Result<Reply, Problem> {
    wait::min_seq(&call).await?;
    call.query.end()?;
    let order = orders::seen(&call, call.place("order")).await?;
    let owner = order.record.owner;
    access::seen(&call, "GET /v1/orders/{order}/confirmation", [owner]).await?;
    let found = confirmation_view(&call.app, &order).await?;
    Reply::ok(&found.ok_or_else(|| Problem::not_found("fill of this order"))?)
}

/// One trade as the market sees it: without names and orders.
#[derive(Debug, Clone, Serialize)]
#[allow(
    clippy::struct_field_names,
    reason = "the contract's number has that name everywhere"
)]
pub(crate) struct Settlement {
    /// The event that recorded it.
    pub(crate) seq: u64,
    /// The contract's running number.
    pub(crate) settlement_id: String,
    /// The time of its block.
    pub(crate) settled_at: String,
    /// Dollars per whole token, rounded down to eighteen places.
    pub(crate) price: String,
    /// Base units of the security.
    pub(crate) quantity: String,
    /// Base units of the coin.
    pub(crate) total: String,
    /// The transaction.
    pub(crate) transaction: B256,
    /// Its block.
    pub(crate) block: u64,
}

impl Settlement {
    pub(crate) fn of(fill: &Fill) -> Option<Self> {
        Some(Self {
            seq: fill.event.seq,
            settlement_id: fill.settled.settlement_id.to_string(),
            settled_at: fill.event.occurred_at.to_string(),
            price: fill.price()?.to_string(),
            quantity: fill.either()?.quantity.to_string(),
            total: fill.settled.total.to_string(),
            transaction: fill.settled.tx_hash,
            block: fill.settled.block,
        })
    }
}

/// The volume-weighted average price of 90 days.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AverageView {
    /// Days.
    pub(crate) days: i64,
    /// Dollars per whole token, rounded down to eighteen places.
    pub(crate) price: String,
    /// Trades.
    pub(crate) trades: u64,
    /// Base units of the security.
    pub(crate) quantity: String,
    /// Base units of the coin.
    pub(crate) total: String,
}

impl From<Average> for AverageView {
    fn from(average: Average) -> Self {
        Self {
            days: AVERAGED.as_hours() / 24,
            price: average.price.to_string(),
            trades: average.trades,
            quantity: average.quantity.to_string(),
            total: average.total.to_string(),
        }
    }
}

/// The settlements of a security, newest first.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SettlementsView {
    /// Ticker.
    pub(crate) symbol: String,
    /// The token.
    pub(crate) token: Address,
    /// The trades.
    pub(crate) settlements: Vec<Settlement>,
    /// Their average over 90 days; `None` without a trade.
    pub(crate) average: Option<AverageView>,
    /// There are more of them, before this event.
    #[serde(skip)]
    pub(crate) more: Option<u64>,
}

/// The average price of a security's last 90 days.
///
/// # Errors
/// 503.
pub(crate) async fn average(app: &App, token: Address) -> Result<Option<AverageView>, Problem> {
    let since = app.now().saturating_sub(AVERAGED);
    let since = since.map_err(Problem::internal)?;
    let found = app.board.average(&token.to_string(), since).await;
    Ok(found.map_err(refusal::board)?.map(AverageView::from))
}

/// The settlements of a security that the caller may see, those before an event.
///
/// # Errors
/// 503.
pub(crate) async fn settlements_view(
    app: &App,
    security: &Security,
    before: Option<u64>,
    limit: u32,
) -> Result<SettlementsView, Problem> {
    let token = security.token.to_string();
    let fills = app.board.fills_in(&token, before, limit).await;
    let fills = fills.map_err(refusal::board)?;
    let full = u32::try_from(fills.len()).is_ok_and(|count| count == limit);
    Ok(SettlementsView {
        symbol: security.symbol.clone(),
        token: security.token,
        more: fills.last().filter(|_| full).map(|last| last.event.seq),
        settlements: fills.iter().filter_map(Settlement::of).collect(),
        average: average(app, security.token).await?,
    })
}

/// `GET /v1/securities/{security}/settlements`.
pub(crate) async fn settlements(call: Call) -> Result<Reply, Problem> {
    wait::min_seq(&call).await?;
    let limit = call.query.limit()?;
    let cursor = call.query.text("cursor");
    call.query.end()?;
    let app = &call.app;
    let open = sight::open(app, call.caller()?).await?;
    let security = open.find(call.place("security"))?;
    let list = format!("settlements {}", security.token);
    let before = cursor.map(|cursor| {
        let place = app.cursors.read(&list, &cursor);
        place
            .and_then(|place| place.parse().ok())
            .ok_or_else(|| query::bad("cursor", "it is not a cursor of this list"))
    });
    let seq = crate::market::seq(app).await?;
    let view = settlements_view(app, security, before.transpose()?, limit).await?;
    let next = view
        .more
        .map(|seq| app.cursors.write(&list, &seq.to_string()));
    let mut answer: Value = json!(view);
    answer["seq"] = json!(seq);
    answer["cursor"] = json!(next);
    Reply::ok(&answer)
}

/// The part of a trade's total that a customer is billed now, as stated in the profile: shown before the customer
/// signs, and never taken from the trade.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct CommissionView {
    /// Basis points of the total.
    pub(crate) bips: u16,
}

impl CommissionView {
    /// The commission billed today.
    ///
    /// # Errors
    /// 500 for an invalid time zone.
    pub(crate) fn of(app: &App) -> Result<Self, Problem> {
        let days = Days::new(None, None, &app.house.zone).map_err(Problem::internal)?;
        let today = days.day_of(app.now());
        let bips = app.house.commissions.bips_on(today);
        Ok(Self { bips })
    }
}
