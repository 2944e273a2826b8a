//! The days that a report is about, and the links to others.

use book::market::days::Days;
use jiff::ToSpan as _;
use jiff::civil::Date;

use crate::app::App;
use crate::problem::Problem;

/// A link to a range of days.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Preset {
    pub(super) words: &'static str,
    pub(super) query: String,
    pub(super) here: bool,
}

/// A range of days, as shown on a report page.
#[derive(Debug)]
pub(super) struct Period {
    /// Both as `2027-01-15`.
    pub(super) from: String,
    pub(super) to: String,
    /// `15 Jan 2027`, or from the first to the last of them.
    pub(super) words: String,
    pub(super) zone: String,
    /// For links: `from=2027-01-15&to=2027-01-15`.
    pub(super) query: String,
    pub(super) presets: Vec<Preset>,
}

fn query(from: Date, to: Date) -> String {
    format!("from={from}&to={to}")
}

fn words(day: Date) -> String {
    day.strftime("%-d %b %Y").to_string()
}

/// The links that every report has, given today's date.
fn presets(today: Date, shown: &str) -> Vec<Preset> {
    let back = |days: i64| today.checked_sub(days.days()).unwrap_or(today);
    let year = Date::new(today.year(), 1, 1).unwrap_or(today);
    [
        ("Today", query(today, today)),
        ("7 days", query(back(6), today)),
        ("30 days", query(back(29), today)),
        ("This year", query(year, today)),
    ]
    .into_iter()
    .map(|(words, query)| Preset {
        here: query == shown,
        words,
        query,
    })
    .collect()
}

impl Period {
    /// From the days that a request asks for.
    ///
    /// # Errors
    /// 500 for an invalid time zone.
    pub(super) fn of(app: &App, days: &Days) -> Result<Self, Problem> {
        let every = Days::new(None, None, &app.house.zone).map_err(Problem::internal)?;
        let today = every.day_of(app.now());
        // An open range counts as one that ends today, or that begins before there was anything.
        let to = days.last().unwrap_or(today);
        let from = days
            .first()
            .unwrap_or_else(|| Date::constant(2000, 1, 1).min(to));
        let query = query(from, to);
        Ok(Self {
            from: from.to_string(),
            to: to.to_string(),
            words: if from == to {
                words(from)
            } else {
                format!("{} to {}", words(from), words(to))
            },
            zone: days.zone().to_owned(),
            presets: presets(today, &query),
            query,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_that_is_shown_is_marked() {
        let today = Date::constant(2027, 1, 15);
        let found = presets(today, "from=2027-01-09&to=2027-01-15");
        let queries: Vec<_> = found.iter().map(|one| one.query.as_str()).collect();
        let wanted = [
            "from=2027-01-15&to=2027-01-15",
            "from=2027-01-09&to=2027-01-15",
            "from=2026-12-17&to=2027-01-15",
            "from=2027-01-01&to=2027-01-15",
        ];
        assert_eq!(queries, wanted);
        let here: Vec<_> = found.iter().map(|one| one.here).collect();
        assert_eq!(here, [false, true, false, false]);
    }
}
