//! What a records officer and a principal read from the book: the summary of a range of days, the subscribers, holders
//! compared with their limits, the blotter. Each as JSON and as CSV, made by the same functions as on the command line.

use axum::http::{HeaderValue, StatusCode, header};
use book::board::subscribers;
use book::market::days::Days;
use book::market::literal::time;
use book::market::security::Security;
use desk::chain::abi::named_groups;
use desk::index::report::{Count, Counted};
use jiff::civil::Date;
use serde::Serialize;
use serde_json::json;

use crate::access;
use crate::app::App;
use crate::problem::Problem;
use crate::query;
use crate::refusal;
use crate::route::{Call, Reply};

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Csv,
}

/// Takes `format`.
fn form(call: &Call) -> Result<Form, Problem> {
    let form = call.query.take("format", |text| match text {
        "json" => Ok(Form::Json),
        "csv" => Ok(Form::Csv),
        other => Err(format!("{other:?} is neither json nor csv")),
    })?;
    Ok(form.unwrap_or(Form::Json))
}

/// A table as a file.
fn csv(name: &str, body: Vec<u8>) -> Result<Reply, Problem> {
    let disposition = format!("attachment; filename=\"{name}.csv\"");
    let disposition = HeaderValue::from_str(&disposition).map_err(Problem::internal)?;
    let reply = Reply::of(StatusCode::OK, "text/csv; charset=utf-8", body);
    Ok(reply.with(header::CONTENT_DISPOSITION, disposition))
}

/// Takes `from` and `to`, days in the time zone of trade days; today if neither is given.
pub(crate) fn days(call: &Call) -> Result<Days, Problem> {
    let app = &call.app;
    let from: Option<Date> = call.query.take("from", time::day)?;
    let to: Option<Date> = call.query.take("to", time::day)?;
    let zone = &app.house.zone;
    let every = Days::new(None, None, zone).map_err(Problem::internal)?;
    let today = every.day_of(app.now());
    let (from, to) = match (from, to) {
        (None, None) => (Some(today), Some(today)),
        some => some,
    };
    Days::new(from, to, zone).map_err(|error| query::bad("to", &error.to_string()))
}

/// `GET /v1/reports/daily`.
pub(crate) async fn daily(call: Call) -> Result<Reply, Problem> {
    let (form, days) = (form(&call)?, days(&call)?);
    call.query.end()?;
    let found = call.app.board.daily(&days).await.map_err(refusal::board)?;
    match form {
        Form::Json => Reply::ok(&found),
        Form::Csv => {
            let mut body = Vec::new();
            found.write(&mut body).map_err(Problem::internal)?;
            csv("daily", body)
        }
    }
}

/// `GET /v1/reports/subscribers`.
pub(crate) async fn subscribers(call: Call) -> Result<Reply, Problem> {
    let form = form(&call)?;
    call.query.end()?;
    let found = call.app.board.subscribers().await.map_err(refusal::board)?;
    match form {
        Form::Json => Reply::ok(&json!({ "subscribers": found })),
        Form::Csv => {
            let mut body = Vec::new();
            subscribers::write(&found, &mut body).map_err(Problem::internal)?;
            csv("subscribers", body)
        }
    }
}

/// `GET /v1/reports/blotter`.
pub(crate) async fn blotter(call: Call) -> Result<Reply, Problem> {
    let days = days(&call)?;
    call.query.end()?;
    let (app, mut body) = (&call.app, Vec::new());
    let sums = app
        .board
        .export_blotter(&days, &app.house.commissions, &mut body)
        .await;
    let owners = sums.map_err(refusal::board)?.owners;
    access::seen(&call, "GET /v1/reports/blotter", owners).await?;
    csv("blotter", body)
}

/// How many holders a security has, compared with one of its limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct HolderCount {
    /// `all`, `of_record` (Section 12(g)), `group` or `class`.
    pub(crate) of: &'static str,
    /// The groups that are counted.
    pub(crate) groups: Option<String>,
    /// How many there are.
    pub(crate) holders: u32,
    /// The most that are allowed; none without a limit.
    pub(crate) limit: Option<u32>,
    /// 80 or 95: the percentage of the limit that was reached.
    pub(crate) warning: Option<u64>,
}

impl From<&Count> for HolderCount {
    fn from(count: &Count) -> Self {
        let (of, groups) = match &count.of {
            Counted::All => ("all", None),
            Counted::Record => ("of_record", None),
            Counted::Group(group) => ("group", Some(group.to_string())),
            Counted::Class(groups) => ("class", Some(named_groups(*groups))),
        };
        Self {
            of,
            groups,
            holders: count.holders,
            limit: (count.limit > 0).then_some(count.limit),
            warning: count.warning(),
        }
    }
}

/// A security's holders compared with its limits, as its contract counts them now.
///
/// # Errors
/// 503 when the chain does not answer.
pub(crate) async fn holders_view(
    app: &App,
    security: &Security,
) -> Result<Vec<HolderCount>, Problem> {
    let counts = app.node.holders(security.token).await;
    let counts = counts.map_err(Problem::node_gone)?;
    Ok(counts.iter().map(HolderCount::from).collect())
}

/// `GET /v1/reports/holders`.
pub(crate) async fn holders(call: Call) -> Result<Reply, Problem> {
    let form = form(&call)?;
    call.query.end()?;
    let app = &call.app;
    let securities = app.board.securities().await.map_err(refusal::board)?;
    let mut found = Vec::with_capacity(securities.len());
    for security in securities {
        let counts = holders_view(app, &security).await?;
        found.push((security, counts));
    }
    if form == Form::Csv {
        return csv("holders", holders_table(&found).map_err(Problem::internal)?);
    }
    let each = found.iter().map(|(security, counts)| {
        json!({ "symbol": security.symbol, "token": security.token, "counts": counts })
    });
    Reply::ok(&json!({ "securities": each.collect::<Vec<_>>() }))
}

fn holders_table(found: &[(Security, Vec<HolderCount>)]) -> std::io::Result<Vec<u8>> {
    use book::board::spreadsheet::{Line, header};
    let mut body = Vec::new();
    let columns = [
        "symbol",
        "isin",
        "of",
        "groups",
        "holders",
        "limit",
        "warning_percent",
    ];
    header(&mut body, &columns)?;
    for (security, counts) in found {
        for count in counts {
            let mut line = Line::default();
            line.text(&security.symbol)
                .shown(&security.isin)
                .text(count.of)
                .maybe(count.groups.as_ref())
                .number(&count.holders);
            for number in [count.limit.map(u64::from), count.warning] {
                match number {
                    Some(number) => line.number(&number),
                    None => line.text(""),
                };
            }
            line.end(&mut body)?;
        }
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_says_of_whom_and_warns() {
        let count = |of, holders, limit| HolderCount::from(&Count { of, holders, limit });
        let class = count(Counted::Class("10".parse().unwrap()), 95, 100);
        assert_eq!((class.of, class.groups.as_deref()), ("class", Some("1, 3")));
        assert_eq!((class.limit, class.warning), (Some(100), Some(95)));
        let all = count(Counted::All, 7, 0);
        assert_eq!((all.of, all.limit, all.warning), ("all", None, None));
    }
}
