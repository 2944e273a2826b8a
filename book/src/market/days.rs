//! Whole calendar days of one place, by which records are cut.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The zone in which US markets and their regulators count days.
pub const US_EASTERN: &str = "America/New_York";

/// Why days do not make a period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DaysError {
    /// No such place.
    #[error(
        "time zone {0:?} is unknown: write a name from the IANA database, such as America/New_York or UTC"
    )]
    Zone(String),
    /// The last day is before the first.
    #[error("the first day {first} is after the last day {last}: swap them")]
    Backwards {
        /// The first day.
        first: Date,
        /// The last day.
        last: Date,
    },
    /// The day is at the end of the calendar.
    #[error("day {0} is at the limit of the calendar: choose another day")]
    Calendar(Date),
}

/// The days from one to another, both included, as a place counts them; without a first or last day there is no limit.
#[derive(Debug, Clone)]
pub struct Days {
    zone: TimeZone,
    name: String,
    first: Option<Date>,
    last: Option<Date>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

impl Days {
    /// Days in the zone called `name` in the IANA database.
    ///
    /// # Errors
    /// [`DaysError::Zone`], [`DaysError::Backwards`], [`DaysError::Calendar`].
    pub fn new(first: Option<Date>, last: Option<Date>, name: &str) -> Result<Self, DaysError> {
        let zone = TimeZone::get(name).map_err(|_| DaysError::Zone(name.to_owned()))?;
        if let Some((first, last)) = first.zip(last).filter(|(first, last)| first > last) {
            return Err(DaysError::Backwards { first, last });
        }
        let begin = |day: Date| {
            let start = day.to_zoned(zone.clone());
            start
                .map(|start| start.timestamp())
                .map_err(|_| DaysError::Calendar(day))
        };
        // Up to the last nanosecond before the next day begins, however long a day is when clocks change.
        let end = |day: Date| {
            let next = day.tomorrow().map_err(|_| DaysError::Calendar(day))?;
            let end = begin(next)?.checked_sub(SignedDuration::from_nanos(1));
            end.map_err(|_| DaysError::Calendar(day))
        };
        Ok(Self {
            from: first.map(begin).transpose()?,
            to: last.map(end).transpose()?,
            name: name.to_owned(),
            zone,
            first,
            last,
        })
    }

    /// Every day, as US Eastern time counts them.
    ///
    /// # Errors
    /// [`DaysError::Zone`], where neither the system nor this program has the time zone database.
    pub fn every() -> Result<Self, DaysError> {
        Self::new(None, None, US_EASTERN)
    }

    /// The name of the zone.
    pub fn zone(&self) -> &str {
        &self.name
    }

    /// The first day.
    pub fn first(&self) -> Option<Date> {
        self.first
    }

    /// The last day.
    pub fn last(&self) -> Option<Date> {
        self.last
    }

    /// The first moment.
    pub fn from(&self) -> Option<Timestamp> {
        self.from
    }

    /// The last moment.
    pub fn to(&self) -> Option<Timestamp> {
        self.to
    }

    /// Whether a moment falls on one of them.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at <= to)
    }

    /// The day of a moment.
    pub fn day_of(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }

    /// A moment as clocks show it there: `2026-03-09 09:30:00 EDT`.
    pub fn local(&self, at: Timestamp) -> String {
        let local = at.to_zoned(self.zone.clone());
        local.strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(first: &str, last: &str, zone: &str) -> (String, String) {
        let days = Days::new(
            Some(first.parse().unwrap()),
            Some(last.parse().unwrap()),
            zone,
        );
        let days = days.unwrap();
        (
            days.from().unwrap().to_string(),
            days.to().unwrap().to_string(),
        )
    }

    #[test]
    fn days_are_those_of_the_zone_and_both_ends_count() {
        assert_eq!(
            bounds("2026-01-02", "2026-01-03", US_EASTERN),
            (
                "2026-01-02T05:00:00Z".into(),
                "2026-01-04T04:59:59.999999999Z".into()
            )
        );
        assert_eq!(
            bounds("2026-01-02", "2026-01-03", "UTC"),
            (
                "2026-01-02T00:00:00Z".into(),
                "2026-01-03T23:59:59.999999999Z".into()
            )
        );
    }

    #[test]
    fn the_days_on_which_clocks_change_have_23_and_25_hours() {
        assert_eq!(
            bounds("2026-03-08", "2026-03-08", US_EASTERN),
            (
                "2026-03-08T05:00:00Z".into(),
                "2026-03-09T03:59:59.999999999Z".into()
            )
        );
        assert_eq!(
            bounds("2026-11-01", "2026-11-01", US_EASTERN),
            (
                "2026-11-01T04:00:00Z".into(),
                "2026-11-02T04:59:59.999999999Z".into()
            )
        );
        // Where clocks change at midnight the day begins at one.
        assert_eq!(
            bounds("2018-11-04", "2018-11-04", "America/Sao_Paulo").0,
            "2018-11-04T03:00:00Z"
        );
    }

    #[test]
    fn a_moment_belongs_to_the_day_of_the_place() {
        let days = Days::new(
            Some("2026-11-01".parse().unwrap()),
            Some("2026-11-01".parse().unwrap()),
            US_EASTERN,
        )
        .unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        // Both times that clocks show 01:30.
        for (moment, local) in [
            ("2026-11-01T05:30:00Z", "2026-11-01 01:30:00 EDT"),
            ("2026-11-01T06:30:00Z", "2026-11-01 01:30:00 EST"),
        ] {
            assert!(days.contains(at(moment)));
            assert_eq!(days.local(at(moment)), local);
        }
        assert!(!days.contains(at("2026-11-01T03:59:59.999999Z")));
        assert!(days.contains(at("2026-11-02T04:59:59.999999Z")));
        assert!(!days.contains(at("2026-11-02T05:00:00Z")));
        assert_eq!(
            days.day_of(at("2026-11-02T04:59:59Z")).to_string(),
            "2026-11-01"
        );
    }

    #[test]
    fn an_unknown_zone_and_days_the_wrong_way_round_are_refused() {
        let day = |text: &str| Some(text.parse().unwrap());
        assert_eq!(
            Days::new(None, None, "New York").unwrap_err(),
            DaysError::Zone("New York".into())
        );
        let refused = Days::new(day("2026-02-01"), day("2026-01-01"), "UTC").unwrap_err();
        assert!(matches!(refused, DaysError::Backwards { .. }), "{refused}");
        let late = Days::new(None, day("9999-12-31"), "UTC").unwrap_err();
        assert!(matches!(late, DaysError::Calendar(_)), "{late}");
        assert!(
            Days::every()
                .unwrap()
                .contains(Timestamp::from_second(0).unwrap())
        );
    }
}
