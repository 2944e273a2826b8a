//! The markets that are open to a caller: securities, sums per price, lots.

use book::board::lots::{Lot, Place};
use book::market::depth::Level;
use book::market::order::Side;
use book::market::price::Price;
use book::market::security::Security;
use desk::eligibility::Standing;
use serde_json::{Value, json};

use crate::app::App;
use crate::problem::Problem;
use crate::query;
use crate::refusal;
use crate::route::{Call, Reply, WHOLE_BOOK};
use crate::sight;
use crate::wait;

/// Prices of each side that a book shows.
const LEVELS: usize = 100;

fn security_json(security: &Security, standing: Option<&Standing>) -> Value {
    json!({
        "symbol": security.symbol,
        "isin": security.isin,
        "name": security.name,
        "token": security.token,
        "decimals": security.decimals,
        "eligible": standing.map(|standing| json!({
            "block": standing.block,
            "until": refusal::instant(standing.until),
        })),
    })
}

/// `GET /v1/securities`.
pub(crate) async fn list(call: Call) -> Result<Reply, Problem> {
    wait::min_seq(&call).await?;
    call.query.end()?;
    let open = sight::open(&call.app, call.caller()?).await?;
    let sight = open.sight.as_deref();
    let securities: Vec<Value> = open
        .securities
        .iter()
        .map(|one| security_json(one, sight.and_then(|sight| sight.standings.get(&one.token))))
        .collect();
    let age = sight.map(|sight| {
        call.received_at
            .duration_since(sight.asked_at)
            .as_secs()
            .max(0)
    });
    Reply::ok(&json!({ "securities": securities, "age_seconds": age }))
}

/// `GET /v1/securities/{security}/book`.
pub(crate) async fn book(call: Call) -> Result<Reply, Problem> {
    wait::min_seq(&call).await?;
    call.query.end()?;
    let open = sight::open(&call.app, call.caller()?).await?;
    let security = open.find(call.place("security"))?;
    let token = security.token.to_string();
    let seq = seq(&call.app).await?;
    let found = call
        .app
        .board
        .book(&token, LEVELS)
        .await
        .map_err(refusal::board)?;
    let level = |level: &Level| {
        json!({
            "price": level.price,
            "quantity": level.quantity.map(|quantity| quantity.to_string()),
            "depth": level.depth.map(|depth| depth.to_string()),
        })
    };
    Reply::ok(&json!({
        "symbol": security.symbol,
        "token": security.token,
        "as_of": found.as_of,
        "seq": seq,
        "bids": found.bids.iter().map(level).collect::<Vec<_>>(),
        "asks": found.asks.iter().map(level).collect::<Vec<_>>(),
        "truncated": found.truncated,
    }))
}

/// How many events the log has: what is read afterwards is at least as new.
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
        place.ok_or_else(|| query::bad("cursor", "it is not one that this list gave"))
    });
    let behind = behind.transpose()?;
    let seq = seq(app).await?;
    let token = security.token.to_string();
    let found = app
        .board
        .lots(&token, side, behind, limit)
        .await
        .map_err(refusal::board)?;
    let whole = caller.is_any(WHOLE_BOOK);
    let lot = |lot: &Lot| {
        let mut shown = json!({
            "lot": app.lots.write(lot.seq),
            "price": lot.price,
            "quantity": lot.quantity.to_string(),
            "expires_at": refusal::instant(lot.expiry),
        });
        // Whose a lot is, is told to its owner and to the desk alone.
        let own = !whole && lot.owner == caller.wallet;
        if own || whole {
            shown["order"] = json!(lot.id);
        }
        if !whole {
            shown["own"] = own.into();
        }
        shown
    };
    let full = u32::try_from(found.len()).is_ok_and(|count| count == limit);
    let next = found.last().filter(|_| full).map(|last| {
        app.cursors
            .write(&list, &format!("{} {}", last.price.scaled(), last.seq))
    });
    Reply::ok(&json!({
        "symbol": security.symbol,
        "token": security.token,
        "side": side,
        "seq": seq,
        "lots": found.iter().map(lot).collect::<Vec<_>>(),
        "cursor": next,
    }))
}
