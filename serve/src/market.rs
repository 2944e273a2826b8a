//! The markets that are open to a caller: securities, sums per price, lots.

use book::board::lots::{Lot, OneSide, Place};
use book::market::depth::Level;
use book::market::order::Side;
use book::market::price::Price;
use book::market::security::Security;
use desk::eligibility::Standing;
use desk::means::{Asset, Means};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::app::App;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::query;
use crate::refusal;
use crate::route::{Call, Reply, WHOLE_BOOK};
use crate::sides;
use crate::sight;
use crate::trades::CommissionView;
use crate::wait;

/// A security that is open to a caller.
#[derive(Debug, Clone)]
pub(crate) struct OpenSecurity {
    /// Which.
    pub(crate) security: Security,
    /// What its registry says about the caller's wallet; none for the staff.
    pub(crate) standing: Option<Standing>,
    /// What the caller's wallet holds of it; none for the staff, or while the chain does not answer.
    pub(crate) balance: Option<Means>,
}

/// The securities that a caller may see.
#[derive(Debug, Clone)]
pub(crate) struct Markets {
    /// Oldest first.
    pub(crate) securities: Vec<OpenSecurity>,
    /// What the caller's wallet holds of the coin; none in the same cases as for a security.
    pub(crate) coin: Option<Means>,
    /// Seconds since the registries were queried; none for the staff.
    pub(crate) age_seconds: Option<i64>,
}

/// The securities that a caller may see, with what its wallet holds of each.
///
/// # Errors
/// 503.
pub(crate) async fn securities_view(
    app: &App,
    caller: &Caller,
    now: Timestamp,
) -> Result<Markets, Problem> {
    let open = sight::open(app, caller).await?;
    let sight = open.sight.as_deref();
    let mut assets = vec![Asset::Coin(app.board.identity().payment)];
    assets.extend(open.securities.iter().map(|one| Asset::Security(one.token)));
    let means = match sight {
        // A market can be viewed even while the node is away.
        Some(_) => app.node.means(caller.wallet, &assets).await.ok(),
        None => None,
    };
    let mut means = means.unwrap_or_default().into_iter();
    let coin = means.next();
    let securities = open.securities.iter().map(|security| OpenSecurity {
        security: security.clone(),
        standing: sight.and_then(|sight| sight.standings.get(&security.token).cloned()),
        balance: means.next(),
    });
    let securities = securities.collect();
    let age = |sight: &sight::Sight| now.duration_since(sight.asked_at).as_secs().max(0);
    Ok(Markets {
        securities,
        coin,
        age_seconds: sight.map(age),
    })
}

fn balance_json(means: &Means) -> Value {
    json!({
        "free": means.free.to_string(),
        "encumbered": means.encumbered().to_string(),
        "allowance": means.allowance.to_string(),
    })
}

fn security_json(open: &OpenSecurity) -> Value {
    let OpenSecurity {
        security, standing, ..
    } = open;
    json!({
        "symbol": security.symbol,
        "isin": security.isin,
        "name": security.name,
        "token": security.token,
        "decimals": security.decimals,
        "eligible": standing.as_ref().map(|standing| json!({
            "block": standing.block,
            "until": refusal::instant(standing.until),
        })),
        "balance": open.balance.as_ref().map(balance_json),
    })
}

/// `GET /v1/securities`.
pub(crate) async fn list(call: Call) -> Result<Reply, Problem> {
    wait::min_seq(&call).await?;
    call.query.end()?;
    let (app, now) = (&call.app, call.received_at);
    let found = securities_view(app, call.caller()?, now).await?;
    let securities = found.securities.iter().map(security_json);
    Reply::ok(&json!({
        "securities": securities.collect::<Vec<_>>(),
        "coin": found.coin.as_ref().map(balance_json),
        "commission": CommissionView::of(app)?,
        "age_seconds": found.age_seconds,
    }))
}

/// `GET /v1/securities/{security}/book`.
pub(crate) async fn book(call: Call) -> Result<Reply, Problem> {
    wait::min_seq(&call).await?;
    call.query.end()?;
    let open = sight::open(&call.app, call.caller()?).await?;
    let security = open.find(call.place("security"))?;
    let app = &call.app;
    let (seq, as_of) = (seq(app).await?, app.now());
    let bids = sides::of(app, security, Side::Bid, seq).await?;
    let asks = sides::of(app, security, Side::Ask, seq).await?;
    let levels = |side: &OneSide| side.levels.iter().map(level_json).collect::<Vec<_>>();
    Reply::ok(&json!({
        "symbol": security.symbol,
        "token": security.token,
        "as_of": as_of,
        "seq": seq,
        "bids": levels(&bids),
        "asks": levels(&asks),
        "truncated": bids.truncated || asks.truncated,
    }))
}

fn level_json(level: &Level) -> Value {
    json!({
        "price": level.price,
        "quantity": level.quantity.map(|quantity| quantity.to_string()),
        "depth": level.depth.map(|depth| depth.to_string()),
    })
}

/// How many events the log has: anything read afterwards is at least as new.
pub(crate) async fn seq(app: &App) -> Result<u64, Problem> {
    Ok(app.board.head().await.map_err(refusal::board)?.size)
}

fn place(text: &str) -> Option<Place> {
    let (price, seq) = text.split_once(' ')?;
    Some(Place {
        price: Price::from_scaled(price.parse().ok()?)?,
        seq: seq.parse().ok()?,
    })
}

/// A lot as a caller sees it.
#[derive(Debug, Clone)]
pub(crate) struct ShownLot {
    /// The opaque reference.
    pub(crate) reference: String,
    /// The lot. Only its owner and the desk are shown whose it is.
    pub(crate) lot: Lot,
    /// Whether it is the caller's own.
    pub(crate) own: bool,
}

/// Up to the requested number of lots of a side, after a place.
async fn lots_behind(
    app: &App,
    security: &Security,
    side: Side,
    behind: Option<Place>,
    limit: u32,
    first: &OneSide,
) -> Result<Vec<Lot>, Problem> {
    let count = usize::try_from(limit).unwrap_or(usize::MAX);
    if behind.is_none() && limit <= sides::LOTS {
        return Ok(first.lots.iter().take(count).copied().collect());
    }
    let token = security.token.to_string();
    let found = app.board.lots(&token, side, behind, limit).await;
    found.map_err(refusal::board)
}

pub(crate) fn lot_json(shown: &ShownLot, whole: bool) -> Value {
    let lot = &shown.lot;
    let mut json = json!({
        "lot": shown.reference,
        "price": lot.price,
        "quantity": lot.quantity.to_string(),
        "expires_at": refusal::instant(lot.expiry),
    });
    if shown.own || whole {
        json["order"] = json!(lot.id);
    }
    if !whole {
        json["own"] = shown.own.into();
    }
    json
}

/// `GET /v1/securities/{security}/lots?side=ask`.
pub(crate) async fn lots(call: Call) -> Result<Reply, Problem> {
    wait::min_seq(&call).await?;
    let side = call.query.take("side", str::parse::<Side>)?;
    let limit = call.query.limit()?;
    let cursor = call.query.text("cursor");
    call.query.end()?;
    let side = side.ok_or_else(|| query::bad("side", "it is missing: write bid or ask"))?;
    let (app, caller) = (&call.app, call.caller()?);
    let open = sight::open(app, caller).await?;
    let security = open.find(call.place("security"))?;
    let list = format!("lots {} {side}", security.token);
    let behind = cursor.map(|cursor| {
        let read = app.cursors.read(&list, &cursor);
        let place = read.as_deref().and_then(place);
        place.ok_or_else(|| query::bad("cursor", "it is not a cursor of this list"))
    });
    let behind = behind.transpose()?;
    let seq = seq(app).await?;
    let kept = sides::of(app, security, side, seq).await?;
    let found = lots_behind(app, security, side, behind, limit, &kept).await?;
    let full = u32::try_from(found.len()).is_ok_and(|count| count == limit);
    let next = found.last().filter(|_| full).map(|lot| {
        let place = format!("{} {}", lot.price.scaled(), lot.seq);
        app.cursors.write(&list, &place)
    });
    let whole = caller.is_any(WHOLE_BOOK);
    let shown = |lot: &Lot| ShownLot {
        reference: app.lots.write(lot.seq),
        own: !whole && lot.owner == caller.wallet,
        lot: *lot,
    };
    let lots = found.iter().map(|lot| lot_json(&shown(lot), whole));
    Reply::ok(&json!({
        "symbol": security.symbol,
        "token": security.token,
        "side": side,
        "seq": seq,
        "lots": lots.collect::<Vec<_>>(),
        "levels": kept.levels.iter().map(level_json).collect::<Vec<_>>(),
        "cursor": next,
    }))
}
