//! Access of staff to customers' orders is recorded before the answer leaves, and shown to the records officer.

use std::collections::BTreeSet;

use alloy::primitives::Address;
use axum::http::{HeaderValue, StatusCode, header};
use book::board::access::Access;
use book::board::spreadsheet::{self, Line};
use serde_json::{Value, json};

use crate::problem::Problem;
use crate::query;
use crate::refusal;
use crate::route::{Call, Reply};

/// Rows of one page of CSV.
const ROWS: u32 = 10_000;

/// The columns of the CSV.
const COLUMNS: [&str; 5] = ["row", "seen_at", "person", "route", "customers"];

/// Records that a person on the staff looked at orders of these wallets; nothing for an investor, who sees its own.
///
/// # Errors
/// 503: what cannot be recorded is not shown.
pub(crate) async fn seen(
    call: &Call,
    route: &'static str,
    owners: impl IntoIterator<Item = Address>,
) -> Result<(), Problem> {
    let Some(person) = &call.caller()?.person else {
        return Ok(());
    };
    let customers: BTreeSet<Address> = owners.into_iter().collect();
    if customers.is_empty() {
        return Ok(());
    }
    let written = call.app.board.write_access(person, route, &customers);
    written.await.map_err(refusal::board)
}

fn row_json(row: &Access) -> Value {
    let customers: Vec<_> = row.customers.split_whitespace().collect();
    json!({
        "row": row.number,
        "person": row.person,
        "route": row.route,
        "customers": customers,
        "seen_at": row.seen_at,
    })
}

fn csv(rows: &[Access]) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    spreadsheet::header(&mut out, &COLUMNS)?;
    let mut line = Line::default();
    for row in rows {
        line.number(&row.number)
            .shown(&row.seen_at)
            .text(&row.person)
            .text(&row.route)
            .text(&row.customers);
        line.end(&mut out)?;
    }
    Ok(out)
}

/// How a report is given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Csv,
}

fn format(text: &str) -> Result<Format, String> {
    match text {
        "json" => Ok(Format::Json),
        "csv" => Ok(Format::Csv),
        _ => Err(format!("{text:?} is not a format: expected json or csv")),
    }
}

/// `GET /v1/reports/access`, oldest first.
pub(crate) async fn report(call: Call) -> Result<Reply, Problem> {
    const LIST: &str = "access";
    let format = call.query.take("format", format)?.unwrap_or(Format::Json);
    let limit = match format {
        Format::Json => call.query.limit()?,
        Format::Csv => ROWS,
    };
    let cursor = call.query.text("cursor");
    call.query.end()?;
    let app = &call.app;
    let after = cursor.map(|cursor| {
        let read = app.cursors.read(LIST, &cursor);
        let row = read.and_then(|row| row.parse().ok());
        row.ok_or_else(|| query::bad("cursor", "it is not a cursor of this list"))
    });
    let after: u64 = after.transpose()?.unwrap_or(0);
    let rows = app.board.accesses(after, limit).await;
    let rows = rows.map_err(refusal::board)?;
    let full = u32::try_from(rows.len()).is_ok_and(|count| count == limit);
    let next = rows.last().filter(|_| full);
    let next = next.map(|last| app.cursors.write(LIST, &last.number.to_string()));
    if format == Format::Json {
        let shown: Vec<_> = rows.iter().map(row_json).collect();
        return Reply::ok(&json!({ "accesses": shown, "cursor": next }));
    }
    let table = csv(&rows).map_err(Problem::internal)?;
    let reply = Reply::of(StatusCode::OK, "text/csv; charset=utf-8", table);
    let Some(cursor) = next else {
        return Ok(reply);
    };
    let link = format!("</v1/reports/access?format=csv&cursor={cursor}>; rel=\"next\"");
    let link = HeaderValue::from_str(&link).map_err(Problem::internal)?;
    Ok(reply.with(header::LINK, link))
}
