//! Live updates: `GET /v1/stream`, server-sent events.
//!
//! A stream begins with a snapshot, or after the last event that its reader had, and continues with each event of the
//! log that concerns this reader. An event of the log is sent alike by every instance, under its number.

mod hub;
mod keeper;
mod line;
mod message;
mod reader;
mod told;
mod trade;

use std::collections::BTreeSet;
use std::sync::Arc;

use alloy::primitives::Address;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use book::board::live::{Eyes, Market, Moment, Sided};
use book::board::lots::Lot;
use book::market::order::Side;
use serde_json::{Value, json};

use crate::app::App;
use crate::caller::{self, Caller};
use crate::market::{ShownLot, lot_json};
use crate::matches::match_json;
use crate::orders::order_json;
use crate::problem::Problem;
use crate::refusal;
use crate::route::{Call, Reply, WHOLE_BOOK};
use crate::sight;
use message::Message;
use reader::Reader;

pub(crate) use hub::Hub;
pub(crate) use line::{Cutter, Feed};

/// Its name in the access log.
const ROUTE: &str = "GET /v1/stream";
/// Lots of each side, orders and matches in a snapshot.
const SHOWN: u32 = 200;
/// How many events a reader may have missed; beyond that, it gets a new snapshot.
const MISSED: u64 = 10_000;

/// Proxies must pass it on as it comes.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The securities of a caller's stream: those named, or all that it may see.
///
/// # Errors
/// 404 for a security that may not be seen; 503.
async fn about(
    app: &App,
    caller: &Caller,
    names: &[String],
) -> Result<(Eyes, BTreeSet<Address>), Problem> {
    if !caller.is_any(WHOLE_BOOK) && !caller.is_investor() {
        // An operator sees only approved matches, whatever their security.
        return match names {
            [] => Ok((Eyes::Operator, BTreeSet::new())),
            _ => Err(Problem::not_found("security")),
        };
    }
    let eyes = if caller.is_investor() {
        Eyes::Owner(caller.wallet)
    } else {
        Eyes::Desk
    };
    let open = sight::open(app, caller).await?;
    let mut follows = BTreeSet::new();
    for name in names {
        follows.insert(open.find(name)?.token);
    }
    if names.is_empty() {
        follows.extend(open.securities.iter().map(|security| security.token));
    }
    Ok((eyes, follows))
}

/// The last event that a reader had, if it states one.
fn last_event(call: &Call) -> Option<u64> {
    let value = call.headers.get("last-event-id")?.to_str().ok()?;
    let plain = value.bytes().all(|digit| digit.is_ascii_digit());
    value.parse().ok().filter(|_| plain)
}

/// `GET /v1/stream`.
pub(crate) async fn open(call: Call) -> Result<Reply, Problem> {
    let names = call.query.all("security");
    call.query.end()?;
    let (app, caller) = (&call.app, call.caller()?);
    let about = about(app, caller, &names).await?;
    let token = caller::token(&call.headers).ok_or_else(Problem::not_signed_in)?;
    let cutter = call.cutter.clone().unwrap_or_default();
    let (feed, reader, told) = Hub::join(app, caller.clone(), token, about, cutter).await?;
    begin(app, &feed, &reader, told, last_event(&call)).await?;
    let reply = Reply::live(StatusCode::OK, "text/event-stream", feed);
    Ok(reply.with(UNBUFFERED, HeaderValue::from_static("no")))
}

/// Writes the beginning of a stream.
async fn begin(
    app: &App,
    feed: &Feed,
    reader: &Reader,
    told: u64,
    last: Option<u64>,
) -> Result<(), Problem> {
    let size = crate::market::seq(app).await?;
    let mut out = hub::retry().into_bytes();
    let last = match last.filter(|last| goes_on(*last, size)) {
        Some(last) => resume(app, reader, last, told, &mut out).await?,
        None => snapshot(app, reader, &mut out).await?,
    };
    feed.line.begin(out, last);
    Ok(())
}

/// Whether a reader that had event `last` can continue after it in a log of `size` events: it must not have missed too
/// much, and an event ahead of this log belongs to another log.
fn goes_on(last: u64, size: u64) -> bool {
    size.checked_sub(last)
        .is_some_and(|missed| missed <= MISSED)
}

/// What a reader that had event `last` missed; what has not been sent to anybody yet comes through its line.
async fn resume(
    app: &App,
    reader: &Reader,
    mut last: u64,
    told: u64,
    out: &mut Vec<u8>,
) -> Result<u64, Problem> {
    let mut from = last + 1;
    while from <= told {
        let count = u32::try_from(told - from + 1)
            .unwrap_or(hub::PAGE)
            .min(hub::PAGE);
        let events = app
            .board
            .events(from, count)
            .await
            .map_err(refusal::board)?;
        from += u64::from(count);
        let all = told::tell(app, events).await.map_err(refusal::board)?;
        reader::write_down(app, reader, reader::customers(&all, reader))
            .await
            .map_err(refusal::board)?;
        for message in all.iter().filter_map(|told| told.to(reader)) {
            message.write(out, &mut last);
        }
    }
    // What has no number cannot be missed: it is sent again.
    let mut none = last;
    for message in passing(app, reader).await? {
        message.write(out, &mut none);
    }
    let tick = hub::tick(app, told.max(last))
        .await
        .map_err(refusal::board)?;
    tick.write(out, &mut none);
    Ok(last)
}

/// The fills that the chain shows and that may still disappear, as far as the reader may see them.
async fn passing(app: &App, reader: &Reader) -> Result<Vec<Arc<Message>>, Problem> {
    let fills = app.board.passing_fills().await.map_err(refusal::board)?;
    let told = trade::tell_fills(app, &fills)
        .await
        .map_err(refusal::board)?;
    reader::write_down(app, reader, reader::customers(&told, reader))
        .await
        .map_err(refusal::board)?;
    Ok(told
        .iter()
        .filter_map(|told| told.to(reader).cloned())
        .collect())
}

/// What a reader sees now; the number of the last event in it.
async fn snapshot(app: &App, reader: &Reader, out: &mut Vec<u8>) -> Result<u64, Problem> {
    let follows: Vec<Address> = reader.follows.iter().copied().collect();
    let moment = app.board.moment(reader.eyes, &follows, SHOWN).await;
    let moment = moment.map_err(refusal::board)?;
    let orders = moment.orders.iter().map(|order| order.record.owner);
    let lots = moment
        .markets
        .iter()
        .flat_map(|market| market.bids.iter().chain(&market.asks));
    let matches = moment
        .matches
        .iter()
        .flat_map(|one| [one.buyer, one.seller]);
    let customers = orders
        .chain(lots.map(|lot| lot.owner))
        .chain(matches)
        .collect();
    reader::write_down(app, reader, customers)
        .await
        .map_err(refusal::board)?;
    let settlements: Vec<Value> = passing(app, reader)
        .await?
        .iter()
        .filter_map(|message| message.data())
        .collect();
    let head = hub::chain_head(app).await.map_err(refusal::board)?;
    let mut data = snapshot_json(app, reader, &moment);
    data["head"] = head;
    data["settlements"] = settlements.into();
    let id = moment.seq;
    out.extend_from_slice(format!("id: {id}\nevent: snapshot\ndata: {data}\n\n").as_bytes());
    Ok(id)
}

fn snapshot_json(app: &App, reader: &Reader, moment: &Moment) -> Value {
    json!({
        "seq": moment.seq,
        "time": app.now(),
        "markets": moment.markets.iter().map(|market| market_json(app, reader, market)).collect::<Vec<_>>(),
        "orders": moment.orders.iter().map(order_json).collect::<Vec<_>>(),
        "matches": moment.matches.iter().map(|one| sided_json(reader, one)).collect::<Vec<_>>(),
    })
}

fn market_json(app: &App, reader: &Reader, market: &Market) -> Value {
    let whole = reader.eyes == Eyes::Desk;
    let lots = |lots: &[Lot], side: Side| {
        let shown = lots.iter().map(|lot| {
            let shown = ShownLot {
                reference: app.lots.write(lot.seq),
                own: !whole && lot.owner == reader.caller.wallet,
                lot: *lot,
            };
            let mut json = lot_json(&shown, whole);
            json["side"] = json!(side);
            json
        });
        shown.collect::<Vec<_>>()
    };
    json!({
        "symbol": market.security.symbol,
        "security": market.security.token,
        "bids": lots(&market.bids, Side::Bid),
        "asks": lots(&market.asks, Side::Ask),
        "truncated": market.truncated,
    })
}

fn sided_json(reader: &Reader, one: &Sided) -> Value {
    let Eyes::Owner(wallet) = reader.eyes else {
        return match_json(&one.found);
    };
    let sides = [(one.buyer, one.found.bid), (one.seller, one.found.ask)];
    let own = sides.into_iter().filter(|(owner, _)| *owner == wallet);
    let own: Vec<_> = own.map(|(_, order)| order).collect();
    told::own_match_json(&one.found, &own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_missed_too_much_or_comes_from_another_log_begins_anew() {
        for (last, size, goes) in [
            (7, 7, true),
            (0, 10_000, true),
            (1, 10_001, true),
            (0, 10_001, false),
            (8, 7, false),
            (u64::MAX, 7, false),
        ] {
            assert_eq!(goes_on(last, size), goes, "{last} of {size}");
        }
    }
}
