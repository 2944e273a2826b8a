//! Days, instants and durations.
//!
//! A day is `2030-01-31` and begins in UTC; an instant is RFC 3339, with its offset, or `@` and unix seconds; a
//! duration is a whole number and `d`, `h`, `min` (or `m`) or `s`. Digits alone are refused, since they could be a date,
//! seconds or milliseconds. Nothing before 1970 or after the year 2200 is accepted.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{decimal, either, shown};

/// The last second of the last day that is accepted, 2200-12-31.
pub const LAST_SECOND: u64 = 7_289_654_399;
/// The last day that is accepted.
const LAST_DAY: &str = "2200-12-31";
/// Unix seconds below this are before 1974: a number this small is hardly meant as a time.
const FIRST_LIKELY: u64 = 100_000_000;

/// Why a text is not accepted as a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// It has one or more meanings, but is not written so that it has only one.
    #[error("`{text}`: write {}", either(.readings))]
    Ambiguous {
        /// As typed.
        text: String,
        /// How each possible meaning is written.
        readings: Vec<String>,
    },
    /// Not an instant.
    #[error(
        "`{0}` is not a time: write a day (2030-01-31), an instant (2030-01-31T09:00:00Z) or @ and unix seconds"
    )]
    NotATime(String),
    /// Not a day.
    #[error("`{0}` is not a day: write 2030-01-31")]
    NotADay(String),
    /// Not a duration.
    #[error("`{0}` is not a duration: write 30d, 12h, 45min or 90s")]
    NotADuration(String),
    /// Neither an instant nor a duration.
    #[error(
        "`{0}` is not a time: write a day (2030-01-31), an instant (2030-01-31T09:00:00Z) or a duration from now (30d, 12h)"
    )]
    NotAMoment(String),
    /// It has a fraction of a second, which the contracts do not know.
    #[error("`{0}` has a fraction of a second: write whole seconds")]
    NotWhole(String),
    /// Longer than a contract can count.
    #[error("`{0}` is too long: a duration is at most 2^32 - 1 seconds, about 136 years")]
    TooLong(String),
    /// Before 1970.
    #[error("`{0}` is before 1970")]
    TooEarly(String),
    /// After the year 2200.
    #[error("`{0}` is too far ahead: the last day is {LAST_DAY}")]
    TooLate(String),
}

/// An instant, or a duration from the moment at which it is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Unix seconds.
    At(u64),
    /// Seconds from now.
    In(u64),
}

impl Moment {
    /// Unix seconds; `now` is the clock that counts, usually the chain's.
    ///
    /// # Errors
    /// `TooLate`.
    pub fn after(self, now: u64) -> Result<u64, TimeError> {
        match self {
            Self::At(seconds) => Ok(seconds),
            Self::In(seconds) => match now.checked_add(seconds) {
                Some(at) if at <= LAST_SECOND => Ok(at),
                _ => Err(TimeError::TooLate(self.to_string())),
            },
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(seconds) => write!(f, "@{seconds}"),
            Self::In(seconds) => f.write_str(&spelled(*seconds)),
        }
    }
}

impl FromStr for Moment {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        match duration(text) {
            Ok(seconds) => return Ok(Self::In(seconds)),
            Err(TimeError::NotADuration(_) | TimeError::Ambiguous { .. }) => {}
            Err(other) => return Err(other),
        }
        instant(text).map(Self::At).map_err(|error| match error {
            TimeError::NotATime(text) => TimeError::NotAMoment(text),
            other => other,
        })
    }
}

/// Unix seconds of a day's beginning, of an instant, or after an `@`.
///
/// # Errors
/// `Ambiguous`, `NotATime`, `NotWhole`, `TooEarly`, `TooLate`.
pub fn instant(text: &str) -> Result<u64, TimeError> {
    let at = timestamp(text)?;
    if at.subsec_nanosecond() != 0 {
        return Err(TimeError::NotWhole(shown(text.trim())));
    }
    u64::try_from(at.as_second()).map_err(|_| TimeError::TooEarly(shown(text.trim())))
}

/// Like [`instant`], with fractions of a second.
///
/// # Errors
/// `Ambiguous`, `NotATime`, `TooEarly`, `TooLate`.
pub fn timestamp(text: &str) -> Result<Timestamp, TimeError> {
    let text = text.trim();
    let refused = || refused(text, TimeError::NotATime);
    if let Some(seconds) = text.strip_prefix('@') {
        if seconds.is_empty() || !seconds.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(refused());
        }
        let seconds = seconds.parse().unwrap_or(u64::MAX);
        if seconds > LAST_SECOND {
            return Err(unix(text, seconds).unwrap_or_else(|| TimeError::TooLate(shown(text))));
        }
        let seconds = i64::try_from(seconds).map_err(|_| refused())?;
        return Timestamp::from_second(seconds).map_err(|_| refused());
    }
    let at = match date(text) {
        Some(day) => beginning(text, day)?,
        None if is_rfc3339(text) => text.parse().map_err(|_| refused())?,
        None => return Err(refused()),
    };
    bounded(text, at)
}

/// A calendar day.
///
/// # Errors
/// `Ambiguous`, `NotADay`, `TooEarly`, `TooLate`.
pub fn day(text: &str) -> Result<Date, TimeError> {
    let text = text.trim();
    let day = date(text).ok_or_else(|| refused(text, TimeError::NotADay))?;
    bounded(text, beginning(text, day)?).map(|_| day)
}

/// Seconds of a duration.
///
/// # Errors
/// `Ambiguous`, `NotADuration`, `TooLate` for more time than there is.
pub fn duration(text: &str) -> Result<u64, TimeError> {
    let text = text.trim();
    let unit = text.find(|c: char| c.is_ascii_alphabetic());
    let (count, unit) = text.split_at(unit.unwrap_or(text.len()));
    let refused = || TimeError::NotADuration(shown(text));
    if count.ends_with(char::is_whitespace) {
        return Err(refused());
    }
    let count: u64 = decimal::whole(count).map_err(|_| refused())?;
    let length = match unit {
        "d" => 86_400,
        "h" => 3_600,
        // No unit here counts months, so that `m` can only be minutes.
        "min" | "m" => 60,
        "s" => 1,
        // Without a unit it is not a duration.
        "" if count > 0 => {
            let mut readings = vec![format!("{count}s")];
            let long = spelled(count);
            if !readings.contains(&long) {
                readings.push(long);
            }
            return Err(one_of(text, readings));
        }
        "" => return Err(one_of(text, vec!["0s".to_owned()])),
        _ => return Err(refused()),
    };
    match count.checked_mul(length) {
        Some(seconds) if seconds <= LAST_SECOND => Ok(seconds),
        _ => Err(TimeError::TooLate(shown(text))),
    }
}

/// The shortest way to write a duration: `86400` seconds are `1d`.
pub fn spelled(seconds: u64) -> String {
    for (length, unit) in [(86_400, "d"), (3_600, "h"), (60, "min")] {
        if seconds > 0 && seconds.is_multiple_of(length) {
            return format!("{}{unit}", seconds / length);
        }
    }
    format!("{seconds}s")
}

/// An instant as RFC 3339, in UTC.
pub fn rfc3339(seconds: u64) -> String {
    let at = i64::try_from(seconds).ok();
    let at = at.and_then(|seconds| Timestamp::from_second(seconds).ok());
    at.map_or_else(|| format!("@{seconds}"), |at| at.to_string())
}

fn one_of(text: &str, readings: Vec<String>) -> TimeError {
    TimeError::Ambiguous {
        text: shown(text),
        readings,
    }
}

/// The first second of a day in UTC; the calendar has a few more days than there are instants.
fn beginning(text: &str, day: Date) -> Result<Timestamp, TimeError> {
    let start = day.to_zoned(TimeZone::UTC);
    let start = start.map_err(|_| TimeError::TooLate(shown(text)))?;
    Ok(start.timestamp())
}

fn bounded(text: &str, at: Timestamp) -> Result<Timestamp, TimeError> {
    match u64::try_from(at.as_second()) {
        Err(_) => Err(TimeError::TooEarly(shown(text))),
        Ok(seconds) if seconds > LAST_SECOND => Err(TimeError::TooLate(shown(text))),
        Ok(_) => Ok(at),
    }
}

/// A day as it is written here: four digits, two, two.
fn date(text: &str) -> Option<Date> {
    let shape = |(index, byte): (usize, u8)| match index {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    if text.len() != 10 || !text.bytes().enumerate().all(shape) {
        return None;
    }
    let part = |range: std::ops::Range<usize>| text.get(range)?.parse::<i16>().ok();
    let (month, day) = (i8::try_from(part(5..7)?), i8::try_from(part(8..10)?));
    Date::new(part(0..4)?, month.ok()?, day.ok()?).ok()
}

/// The shape of RFC 3339, section 5.6. A leap second does not exist in unix time.
fn is_rfc3339(text: &str) -> bool {
    let Some((day, rest)) = text.split_at_checked(10) else {
        return false;
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let clock = |text: &str, colons: usize| {
        let mut parts = text.split(':');
        parts.all(|part| part.len() == 2 && digits(part)) && text.matches(':').count() == colons
    };
    let Some(time) = rest.strip_prefix(['T', 't', ' ']) else {
        return false;
    };
    let Some(end) = time.find(['Z', 'z', '+', '-']) else {
        return false;
    };
    let (time, offset) = time.split_at(end);
    let (time, part) = time.split_once('.').unwrap_or((time, "0"));
    let offset = match offset.strip_prefix(['+', '-']) {
        Some(offset) => clock(offset, 1),
        None => offset.len() == 1,
    };
    date(day).is_some()
        && clock(time, 2)
        && !time.ends_with(":60")
        && digits(part)
        && part.len() <= 9
        && offset
}

/// The error for a text that is not written as times are here.
fn refused(text: &str, otherwise: fn(String) -> TimeError) -> TimeError {
    let mut readings = calendars(text);
    if readings.is_empty() && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        match text.parse().ok().and_then(|seconds| unix(text, seconds)) {
            Some(error) => return error,
            None if text.len() == 8 => {
                let (year, rest) = text.split_at(4);
                let (month, day) = rest.split_at(2);
                readings.extend(written(year, month, day));
            }
            None => {}
        }
    }
    if readings.is_empty() {
        otherwise(shown(text))
    } else {
        one_of(text, readings)
    }
}

/// Digits alone, or more of them after an `@` than there are seconds until the year 2200: what else they may be.
fn unix(text: &str, number: u64) -> Option<TimeError> {
    let likely = FIRST_LIKELY..=LAST_SECOND;
    let scales = [1, 1_000, 1_000_000, 1_000_000_000];
    let seconds = scales.map(|scale| number / scale);
    let seconds = seconds
        .into_iter()
        .find(|seconds| likely.contains(seconds))?;
    let readings = vec![rfc3339(seconds), format!("@{seconds}")];
    Some(one_of(text, readings))
}

/// The days that a text can mean: day or month first, or the year first with other marks in between.
fn calendars(text: &str) -> Vec<String> {
    let Some(mark) = text.chars().find(|c| "/.-".contains(*c)) else {
        return Vec::new();
    };
    let parts: Vec<&str> = text.split(mark).collect();
    let [first, second, third] = parts[..] else {
        return Vec::new();
    };
    let mut readings = Vec::new();
    let orders = match (first.len(), third.len()) {
        (4, _) => vec![(first, second, third)],
        (_, 4) => vec![(third, first, second), (third, second, first)],
        _ => Vec::new(),
    };
    for (year, month, day) in orders {
        readings.extend(written(year, month, day).filter(|reading| !readings.contains(reading)));
    }
    readings
}

fn written(year: &str, month: &str, day: &str) -> Option<String> {
    let text = format!("{year}-{month:0>2}-{day:0>2}");
    date(&text)
        .and_then(|_| self::day(&text).ok())
        .map(|_| text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(text: &str) -> String {
        instant(text).unwrap_err().to_string()
    }

    #[test]
    fn a_day_an_instant_and_marked_seconds_are_taken() {
        for text in [
            "2025-01-01",
            "2025-01-01T00:00:00Z",
            "2025-01-01t00:00:00z",
            "2025-01-01 00:00:00Z",
            "2025-01-01T01:00:00+01:00",
            "2024-12-31T19:00:00-05:00",
            "2025-01-01T00:00:00.000Z",
            "@1735689600",
            " 2025-01-01 ",
        ] {
            assert_eq!(instant(text), Ok(1_735_689_600), "{text}");
        }
        assert_eq!(instant("@0"), Ok(0));
        assert_eq!(instant("1970-01-01"), Ok(0));
    }

    #[test]
    fn digits_alone_are_refused_with_what_they_may_mean() {
        for (text, words) in [
            (
                "1830442291",
                "`1830442291`: write 2028-01-02T16:11:31Z or @1830442291",
            ),
            (
                "1830442291000",
                "`1830442291000`: write 2028-01-02T16:11:31Z or @1830442291",
            ),
            (
                "@1830442291000",
                "`@1830442291000`: write 2028-01-02T16:11:31Z or @1830442291",
            ),
            ("20300131", "`20300131`: write 2030-01-31"),
        ] {
            assert_eq!(said(text), words);
        }
        for text in ["0", "1", "47514", "20301345", "99999999999999999999999"] {
            assert!(said(text).contains("is not a time"), "{}", said(text));
        }
    }

    #[test]
    fn days_of_other_calendars_are_refused_with_how_they_are_written() {
        for (text, words) in [
            ("31.01.2030", "`31.01.2030`: write 2030-01-31"),
            ("1/31/2030", "`1/31/2030`: write 2030-01-31"),
            ("04/03/2030", "`04/03/2030`: write 2030-04-03 or 2030-03-04"),
            ("05/05/2030", "`05/05/2030`: write 2030-05-05"),
            ("2030/1/5", "`2030/1/5`: write 2030-01-05"),
            ("2030-1-5", "`2030-1-5`: write 2030-01-05"),
        ] {
            assert_eq!(said(text), words);
            assert_eq!(day(text).unwrap_err().to_string(), words);
        }
    }

    #[test]
    fn nothing_lies_outside_1970_to_2200() {
        assert_eq!(instant("2200-12-31T23:59:59Z"), Ok(LAST_SECOND));
        assert_eq!(
            said("9999-12-31"),
            "`9999-12-31` is too far ahead: the last day is 2200-12-31"
        );
        for text in ["2201-01-01", "2200-12-31T23:59:59-00:01", "@7289654400"] {
            let refused = instant(text);
            assert!(refused.is_err(), "{text}");
        }
        assert_eq!(said("1969-12-31"), "`1969-12-31` is before 1970");
        assert!(instant("1970-01-01T00:00:00+01:00").is_err());
        assert_eq!(
            day("2201-01-01").unwrap_err(),
            TimeError::TooLate("2201-01-01".into())
        );
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "soon",
            "-1",
            "@",
            "@-1",
            "@1e9",
            "@ 1",
            "2025-13-01",
            "2025-02-29",
            "2025-01-01T",
            "2025-01-01T00:00Z",
            "2025-01-01T00:00:00",
            "2025-01-01T00:00:00+1",
            "2025-01-01T24:00:00Z",
            "2025-01-01T00:00:60Z",
            "2025-01-01T00:00:00Z[UTC]",
            "+002025-01-01",
            "2025-W01-1",
            "12:00",
            "2025-01-01T00:00:00.Z",
            "1/2/30",
            "２０２５-01-01",
        ] {
            assert!(instant(text).is_err(), "{text}");
            assert!(day(text).is_err(), "{text}");
        }
        assert_eq!(
            said("2025-01-01T00:00:00.5Z"),
            "`2025-01-01T00:00:00.5Z` has a fraction of a second: write whole seconds"
        );
        assert!(timestamp("2025-01-01T00:00:00.5Z").is_ok());
        assert!(day("2025-01-01T00:00:00Z").is_err());
    }

    #[test]
    fn a_duration_has_a_unit() {
        for (text, seconds) in [
            ("30d", 2_592_000),
            ("12h", 43_200),
            ("45min", 2_700),
            ("45m", 2_700),
            ("30m", 1_800),
            ("90s", 90),
            ("0s", 0),
            ("1_000s", 1_000),
        ] {
            assert_eq!(duration(text), Ok(seconds), "{text}");
        }
        for (text, words) in [
            ("86400", "`86400`: write 86400s or 1d"),
            ("90", "`90`: write 90s"),
            ("0", "`0`: write 0s"),
            (
                "1,5h",
                "`1,5h` is not a duration: write 30d, 12h, 45min or 90s",
            ),
            (
                "-1d",
                "`-1d` is not a duration: write 30d, 12h, 45min or 90s",
            ),
            (
                "99999999999999999999d",
                "`99999999999999999999d` is not a duration: write 30d, 12h, 45min or 90s",
            ),
            (
                "100000d",
                "`100000d` is too far ahead: the last day is 2200-12-31",
            ),
        ] {
            assert_eq!(duration(text).unwrap_err().to_string(), words);
        }
        for text in [
            "", "d", "m", "1 d", "1w", "1y", "1D", "1M", "1mo", "1.5m", "P1D",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_moment_counts_from_the_clock_it_is_given() {
        let at = |text: &str| text.parse::<Moment>().unwrap().after(1_000);
        assert_eq!(at("2d"), Ok(173_800));
        assert_eq!(at("2025-01-01"), Ok(1_735_689_600));
        let late = "80000d".parse::<Moment>().unwrap().after(1_735_689_600);
        assert_eq!(late, Err(TimeError::TooLate("80000d".into())));
        let words = |text: &str| text.parse::<Moment>().unwrap_err().to_string();
        assert_eq!(words("20300131"), "`20300131`: write 2030-01-31");
        assert_eq!(
            words("1830442291"),
            "`1830442291`: write 2028-01-02T16:11:31Z or @1830442291"
        );
        assert!(words("soon").contains("30d"));
    }

    proptest! {
        #[test]
        fn every_instant_prints_back_to_itself(seconds in 0..=LAST_SECOND) {
            prop_assert_eq!(instant(&rfc3339(seconds)), Ok(seconds));
            prop_assert_eq!(instant(&format!("@{seconds}")), Ok(seconds));
        }

        #[test]
        fn every_duration_prints_back_to_itself(seconds in 0..=LAST_SECOND) {
            prop_assert_eq!(duration(&spelled(seconds)), Ok(seconds));
        }

        #[test]
        fn digits_alone_are_never_a_time(text in "[0-9]{1,25}") {
            prop_assert!(instant(&text).is_err());
            prop_assert!(duration(&text).is_err());
            prop_assert!(text.parse::<Moment>().is_err());
        }

        #[test]
        fn every_offered_reading_is_accepted(text in "[0-9@]{1,16}|[0-9]{1,4}[-./][0-9]{1,2}[-./][0-9]{1,4}") {
            if let Err(TimeError::Ambiguous { readings, .. }) = instant(&text) {
                for reading in readings {
                    prop_assert!(instant(&reading).is_ok(), "{} offers {}", text, reading);
                }
            }
        }

        #[test]
        fn no_text_is_too_much(text in "\\PC*") {
            let _ = (timestamp(&text), day(&text), duration(&text), text.parse::<Moment>());
        }
    }
}
