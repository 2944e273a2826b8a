//! Webhooks: an admin decides who is sent what, and sees what became of it.

use axum::http::StatusCode;
use book::board::outbox::{Delivery, Place, Topic, Webhook};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::courier;
use crate::fields::Fields;
use crate::outlet;
use crate::problem::Problem;
use crate::query;
use crate::refusal;
use crate::route::{Call, Reply};

/// How many a board can have at once.
const MOST: usize = 32;

fn webhook_json(webhook: &Webhook) -> Value {
    let types: Vec<_> = webhook.topics.iter().map(|topic| topic.as_str()).collect();
    json!({
        "id": webhook.id,
        "url": webhook.url,
        "types": types,
        "made_by": webhook.made_by,
        "made_at": webhook.made_at,
        "ended_at": webhook.ended_at,
        "told_seq": webhook.told.seq,
    })
}

fn delivery_json(delivery: &Delivery) -> Value {
    let message = &delivery.message;
    let state = match (delivery.delivered, delivery.next_at) {
        (true, _) => "delivered",
        (false, Some(_)) => "waiting",
        (false, None) => "given_up",
    };
    json!({
        "message": message.id(),
        "type": message.topic.as_str(),
        "seq": message.place.seq,
        "ids": message.ids,
        "state": state,
        "tries": delivery.tries,
        "tried_at": delivery.tried_at,
        "next_at": delivery.next_at,
        "said": delivery.said,
    })
}

/// `GET /v1/webhooks`.
pub(crate) async fn list(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let found = call.app.board.webhooks().await.map_err(refusal::board)?;
    let shown: Vec<_> = found.iter().map(webhook_json).collect();
    Reply::ok(&json!({ "webhooks": shown }))
}

/// `POST /v1/webhooks`. The secret is only in this answer: a repeated request gets the same answer without it.
pub(crate) async fn add(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let (app, caller) = (&call.app, call.caller()?);
    let mut fields = Fields::of(&call.body)?;
    let url = fields.text("url", |text| {
        outlet::check(text, &app.exceptions).map(|_| text.to_owned())
    });
    let topics = fields.list("types", str::parse::<Topic>);
    let url = fields.end(url)?;
    if topics.is_empty() {
        let words = "name at least one type";
        return Err(Problem::field("BAD_INPUT", "/types", words));
    }
    let known = app.board.webhooks().await.map_err(refusal::board)?;
    let live = known.iter().filter(|known| known.ended_at.is_none());
    if live.count() >= MOST {
        let words = format!("there are already {MOST} webhooks: end one first");
        return Err(Problem::conflict(words));
    }
    let made = app.board.add_webhook(&url, &topics, caller.wallet).await;
    let made = made.map_err(refusal::board)?;
    let secret = app.board.webhook_secret(made.id).await;
    let secret = secret.map_err(refusal::board)?;
    let mut shown = webhook_json(&made);
    if let Some(slot) = &call.answer {
        slot.fill(app, &Reply::json(StatusCode::CREATED, &shown)?)
            .await?;
    }
    shown["secret"] = courier::written(secret).into();
    Reply::json(StatusCode::CREATED, &shown)
}

/// The webhook that a path names.
async fn named(call: &Call) -> Result<Webhook, Problem> {
    let unknown = || Problem::not_found("webhook");
    let id: Uuid = call.place("webhook").parse().map_err(|_| unknown())?;
    let found = call.app.board.webhook(id).await.map_err(refusal::board)?;
    found.ok_or_else(unknown)
}

/// `DELETE /v1/webhooks/{webhook}`.
pub(crate) async fn end(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let id = named(&call).await?.id;
    let board = &call.app.board;
    board.end_webhook(id).await.map_err(refusal::board)?;
    Ok(Reply::empty())
}

fn place(text: &str) -> Option<Place> {
    let (seq, part) = text.split_once(' ')?;
    Some(Place {
        seq: seq.parse().ok()?,
        part: part.parse().ok()?,
    })
}

/// `GET /v1/webhooks/{webhook}/deliveries`, newest first.
pub(crate) async fn deliveries(call: Call) -> Result<Reply, Problem> {
    let limit = call.query.limit()?;
    let cursor = call.query.text("cursor");
    call.query.end()?;
    let app = &call.app;
    let id = named(&call).await?.id;
    let list = format!("deliveries {id}");
    let before = cursor.map(|cursor| {
        let read = app.cursors.read(&list, &cursor);
        let place = read.as_deref().and_then(place);
        place.ok_or_else(|| query::bad("cursor", "it is not a cursor of this list"))
    });
    let newest = Place {
        seq: i64::MAX.unsigned_abs(),
        part: u32::MAX,
    };
    let before = before.transpose()?.unwrap_or(newest);
    let found = app.board.deliveries(id, before, limit).await;
    let found = found.map_err(refusal::board)?;
    let full = u32::try_from(found.len()).is_ok_and(|count| count == limit);
    let next = found.last().filter(|_| full).map(|last| {
        let Place { seq, part } = last.message.place;
        app.cursors.write(&list, &format!("{seq} {part}"))
    });
    let shown: Vec<_> = found.iter().map(delivery_json).collect();
    Reply::ok(&json!({ "deliveries": shown, "cursor": next }))
}
