//! How this board is running, for anybody: nothing about any security, and no count except the log's size.

use askama::Template;
use axum::http::StatusCode;

use super::frame::{Frame, Here};
use super::html;
use super::time::{Moment, ago};
use super::words::count;
use crate::problem::Problem;
use crate::refusal;
use crate::route::{Call, Reply};

/// Seconds after which the last activity of the chain or its watcher counts as late.
const LATE: i64 = 30;

/// What the watcher knows of the chain.
struct Watch {
    looked_at: Moment,
    ago: String,
    late: bool,
    latest: String,
    lag: i64,
    lags: bool,
    safe: String,
    last: String,
}

/// A root on chain.
struct Anchored {
    size: String,
    block: String,
    at: Moment,
    ago: String,
}

#[derive(Template)]
#[template(path = "status.html")]
struct Status {
    frame: Frame,
    build: &'static str,
    store: &'static str,
    size: String,
    captured: Moment,
    captured_ago: String,
    watch: Option<Watch>,
    anchored: Option<Anchored>,
}

/// The kind of store, but not where it is.
fn engine(place: &str) -> &'static str {
    if place.starts_with("postgres") {
        "PostgreSQL"
    } else {
        "SQLite"
    }
}

/// `GET /status`.
pub(crate) async fn status(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let (app, now) = (&call.app, call.app.now());
    let board = &app.board;
    let head = board.head().await.map_err(refusal::board)?;
    let watched = board.watched().await.map_err(refusal::board)?;
    let anchored = board.last_anchored().await.map_err(refusal::board)?;
    let watch = watched.map(|seen| {
        let time = i64::try_from(seen.latest_time).unwrap_or(i64::MAX);
        let lag = seen.looked_at.as_second().saturating_sub(time).max(0);
        Watch {
            looked_at: Moment::of(seen.looked_at),
            ago: ago(seen.looked_at, now),
            late: now.duration_since(seen.looked_at).as_secs() > LATE,
            latest: count(seen.latest),
            lag,
            lags: lag > LATE,
            safe: count(seen.safe),
            last: count(seen.last),
        }
    });
    let page = Status {
        frame: Frame::of(app, call.caller.as_ref(), Here::Status, "Status").await?,
        build: env!("CARGO_PKG_VERSION"),
        store: engine(board.store().place()),
        size: count(head.size),
        captured: Moment::of(head.captured_at),
        captured_ago: ago(head.captured_at, now),
        watch,
        anchored: anchored.map(|(time, anchor)| Anchored {
            size: count(anchor.size),
            block: count(anchor.block),
            at: Moment::of(time),
            ago: ago(time, now),
        }),
    };
    html(&call.headers, StatusCode::OK, &page)
}
