//! Reports: what was done over a range of days, holders compared with their limits, the subscribers; each also as a
//! file.

use askama::Template;
use axum::http::StatusCode;
use book::board::daily::Activity;
use book::board::subscribers::Subscriber;
use book::market::amount::short_address;

use super::decimals::{dollars, grouped};
use super::frame::{Frame, Here};
use super::html;
use super::period::Period;
use super::time::Moment;
use super::words::count;
use crate::problem::Problem;
use crate::refusal;
use crate::reports::{self, HolderCount, holders_view};
use crate::route::{Call, Reply};

/// Subscribers on the page; the file contains all.
const SHOWN: usize = 200;

/// What was done in one security.
struct Done {
    symbol: String,
    /// Name and figure, in the order in which they happen.
    figures: [String; 10],
}

/// A security's holders.
struct Held {
    symbol: String,
    counts: Vec<Counted>,
}

struct Counted {
    of: String,
    holders: String,
    limit: Option<String>,
    /// How much of the limit is used, in percent.
    used: u32,
    warning: Option<u64>,
}

struct Known {
    name: String,
    wallet: String,
    short: String,
    accounts: String,
    /// The version of the terms, and when.
    terms: Option<(String, Moment)>,
}

#[derive(Template)]
#[template(path = "reports.html")]
struct Reports {
    frame: Frame,
    period: Period,
    done: Vec<Done>,
    events: String,
    /// Nothing while the node does not answer.
    held: Option<Vec<Held>>,
    subscribers: Vec<Known>,
    all: usize,
}

fn done(activity: &Activity) -> Done {
    Done {
        symbol: activity.symbol.clone(),
        figures: [
            count(activity.bids_posted),
            count(activity.asks_posted),
            count(activity.taken_off),
            count(activity.proposed),
            count(activity.approved),
            count(activity.refused),
            count(activity.committed),
            count(activity.trades),
            grouped(&activity.quantity),
            dollars(&activity.total_usd),
        ],
    }
}

fn counted(found: &HolderCount) -> Counted {
    let groups = found.groups.as_deref().unwrap_or_default();
    Counted {
        of: match found.of {
            "all" => "All holders".to_owned(),
            "of_record" => "Holders of record, Section 12(g)".to_owned(),
            "group" => format!("Group {groups}"),
            _ => format!("Groups {groups} together"),
        },
        holders: count(found.holders.into()),
        limit: found.limit.map(|limit| count(limit.into())),
        used: found.limit.map_or(0, |limit| {
            let used = u64::from(found.holders) * 100 / u64::from(limit.max(1));
            u32::try_from(used.min(100)).unwrap_or(100)
        }),
        warning: found.warning,
    }
}

fn known(one: &Subscriber) -> Known {
    Known {
        name: one.name.clone(),
        wallet: one.wallet.to_string(),
        short: short_address(one.wallet),
        accounts: one.accounts.join(", "),
        terms: one
            .terms
            .as_ref()
            .map(|terms| (terms.version.clone(), Moment::of(terms.at))),
    }
}

/// Every security's holders compared with its limits; nothing while the node does not answer.
async fn held(call: &Call) -> Result<Option<Vec<Held>>, Problem> {
    let app = &call.app;
    let securities = app.board.securities().await.map_err(refusal::board)?;
    let mut all = Vec::with_capacity(securities.len());
    for security in securities {
        let Ok(counts) = holders_view(app, &security).await else {
            return Ok(None);
        };
        all.push(Held {
            symbol: security.symbol,
            counts: counts.iter().map(counted).collect(),
        });
    }
    Ok(Some(all))
}

/// `GET /desk/reports`.
pub(crate) async fn desk_reports(call: Call) -> Result<Reply, Problem> {
    let days = reports::days(&call)?;
    call.query.end()?;
    let app = &call.app;
    let daily = app.board.daily(&days).await.map_err(refusal::board)?;
    let subscribers = app.board.subscribers().await.map_err(refusal::board)?;
    let events = daily.events.map_or_else(
        || "nothing was recorded".to_owned(),
        |(first, last)| format!("events {} to {}", count(first), count(last)),
    );
    let page = Reports {
        frame: Frame::of(app, call.caller.as_ref(), Here::Reports, "Reports").await?,
        period: Period::of(app, &days)?,
        done: daily.securities.iter().map(done).collect(),
        events,
        held: held(&call).await?,
        all: subscribers.len(),
        subscribers: subscribers.iter().take(SHOWN).map(known).collect(),
    };
    html(&call.headers, StatusCode::OK, &page)
}
