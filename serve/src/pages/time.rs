//! Times as the pages write them.

use jiff::Timestamp;

/// A time, for people and for programs.
#[derive(Debug, Clone)]
pub(crate) struct Moment {
    /// RFC 3339.
    pub(crate) machine: String,
    /// `15 Jan 2027 08:00 UTC`.
    pub(crate) words: String,
    /// `15 Jan 2027`.
    pub(crate) date: String,
}

impl Moment {
    pub(crate) fn of(time: Timestamp) -> Self {
        let second = Timestamp::from_second(time.as_second()).unwrap_or(time);
        Self {
            machine: second.to_string(),
            words: second.strftime("%-d %b %Y %H:%M UTC").to_string(),
            date: second.strftime("%-d %b %Y").to_string(),
        }
    }

    /// From a time in a view.
    pub(crate) fn read(text: &str) -> Self {
        text.parse().map_or_else(
            |_| Self {
                machine: text.to_owned(),
                words: text.to_owned(),
                date: text.to_owned(),
            },
            Self::of,
        )
    }

    /// From unix seconds.
    pub(crate) fn of_seconds(seconds: u64) -> Self {
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        Self::of(Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX))
    }
}

/// How long ago, in the largest unit that is not zero.
pub(crate) fn ago(time: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(time).as_secs();
    match seconds {
        ..=0 => "just now".to_owned(),
        1..=59 => format!("{seconds} s ago"),
        60..=3_599 => format!("{} min ago", seconds / 60),
        3_600..=172_799 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_ages_are_written_for_people() {
        let time = Timestamp::from_second(1_800_000_000).unwrap();
        let moment = Moment::of(time);
        assert_eq!(moment.machine, "2027-01-15T08:00:00Z");
        assert_eq!(moment.words, "15 Jan 2027 08:00 UTC");
        assert_eq!(moment.date, "15 Jan 2027");
        let later = |seconds: i64| {
            ago(
                time,
                Timestamp::from_second(1_800_000_000 + seconds).unwrap(),
            )
        };
        let said = [-5, 0, 59, 60, 3_599, 3_600, 172_799, 172_800].map(later);
        let wanted = [
            "just now",
            "just now",
            "59 s ago",
            "1 min ago",
            "59 min ago",
            "1 h ago",
            "47 h ago",
            "2 days ago",
        ];
        assert_eq!(said, wanted);
    }
}
