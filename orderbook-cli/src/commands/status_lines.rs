//! What `status` makes of what it found: pure rules, each with its limits.

use book::board::standing::Standing;
use book::market::amount::{date, time};
use book::market::count::counted;
use book::market::matching::MatchState;
use desk::chain::Block;
use desk::chain::program::Life;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::programs::Alarm;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A match that waits for a person for longer is due.
const WAIT: u64 = DAY;
/// A transaction without an outcome for longer is due.
const FLIGHT: u64 = 10 * MINUTE;
/// A commitment that ends sooner is due: it has to be settled or released.
const BOUND: u64 = 6 * HOUR;
/// An anchor is daily; one that is older, with events since, is due.
const ANCHOR: u64 = 2 * DAY;
/// A chain whose last block is older has stopped, or its node is behind.
const LAG: u64 = 15 * MINUTE;
/// A book that has not read the chain for longer may not know what happened there.
const READ: u64 = DAY;

/// How much a line matters.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Level {
    /// There is nothing to do.
    Fine,
    /// Somebody has something to do, in time.
    Look,
    /// It is late, or about to end.
    Due,
}

impl Level {
    fn if_due(due: bool, otherwise: Self) -> Self {
        if due { Self::Due } else { otherwise }
    }

    fn if_look(look: bool) -> Self {
        if look { Self::Look } else { Self::Fine }
    }

    /// The word on the screen and for programs.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Look => "look",
            Self::Due => "DUE",
        }
    }
}

/// One line of the screen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Line {
    pub(super) what: &'static str,
    pub(super) level: Level,
    pub(super) found: String,
    /// Who it is waiting for.
    pub(super) who: &'static str,
    /// What to do.
    pub(super) remedy: String,
    /// The figures, for programs.
    pub(super) data: Value,
}

impl Line {
    fn new(what: &'static str, level: Level, found: impl Into<String>, data: Value) -> Self {
        Self {
            what,
            level,
            found: found.into(),
            who: "",
            remedy: String::new(),
            data,
        }
    }

    fn waits(self, who: &'static str, remedy: impl Into<String>) -> Self {
        if self.level == Level::Fine {
            return self;
        }
        Self {
            who,
            remedy: remedy.into(),
            ..self
        }
    }
}

/// The time that has passed, in its largest unit.
pub(super) fn age(seconds: u64) -> String {
    for (length, unit) in [(DAY, "d"), (HOUR, "h"), (MINUTE, "min")] {
        if seconds >= length {
            return format!("{} {unit}", seconds / length);
        }
    }
    format!("{seconds} s")
}

/// What the book alone says.
pub(super) fn of_book(board: &Standing) -> Vec<Line> {
    let mut lines = Vec::new();
    let waits: [(&'static str, MatchState, u64, &'static str, &str); 6] = [
        (
            "to approve",
            MatchState::Proposed,
            WAIT,
            "principal",
            "orderbook match approve --all-clean",
        ),
        (
            "to settle",
            MatchState::Approved,
            WAIT,
            "operator",
            "orderbook settle --all-approved",
        ),
        (
            "committed",
            MatchState::Committed,
            WAIT,
            "operator",
            "orderbook settle --all-approved",
        ),
        (
            "failed",
            MatchState::Failed,
            WAIT,
            "trader",
            "orderbook match list --state failed",
        ),
        (
            "in flight",
            MatchState::Submitted,
            FLIGHT,
            "operator",
            "orderbook sync",
        ),
        (
            "unknown",
            MatchState::Unknown,
            0,
            "operator",
            "orderbook sync",
        ),
    ];
    for (what, state, limit, who, remedy) in waits {
        let Some(waiting) = board.in_state(state) else {
            continue;
        };
        let oldest = waiting.since.map(|since| board.age(since));
        let (level, found) = match oldest {
            None => (Level::Fine, "none".to_owned()),
            Some(seconds) => (
                Level::if_due(seconds >= limit, Level::Look),
                format!("{} {state}, the oldest for {}", waiting.count, age(seconds)),
            ),
        };
        let data = json!({ "state": state, "count": waiting.count, "oldest_seconds": oldest });
        lines.push(Line::new(what, level, found, data).waits(who, remedy));
    }
    lines.push(ended(board));
    lines.push(commitments(board));
    lines.push(orders(board));
    lines.push(anchor(board));
    lines
}

fn ended(board: &Standing) -> Line {
    let (settled, refused) = (board.settled, board.refused);
    let data = json!({ "settled": settled, "refused": refused });
    let found = format!("{settled} settled, {refused} refused");
    Line::new("over", Level::Fine, found, data)
}

fn commitments(board: &Standing) -> Line {
    let first = board.commitments.first();
    let left = first.map(|(_, committed)| {
        let now = u64::try_from(board.as_of.as_second()).unwrap_or_default();
        committed.until.saturating_sub(now)
    });
    let data = json!({ "binding": board.commitments.len(), "first_ends_seconds": left,
        "first_match": first.map(|(matched, _)| matched.id) });
    match (first, left) {
        (Some((matched, committed)), Some(left)) => {
            let found = format!(
                "{} in force; the first to end, match {}, until {}",
                board.commitments.len(),
                matched.id,
                time(committed.until)
            );
            let level = Level::if_due(left < BOUND, Level::Fine);
            let remedy = format!("orderbook settle {}", matched.id);
            Line::new("commitments", level, found, data).waits("operator", remedy)
        }
        _ => Line::new("commitments", Level::Fine, "none in force", data),
    }
}

fn orders(board: &Standing) -> Line {
    let orders = board.orders;
    let found = format!(
        "{} open; {} expire within 7 days; {} have expired",
        orders.open, orders.ending, orders.expired
    );
    let data = json!({ "open": orders.open, "ending": orders.ending, "expired": orders.expired });
    let level = Level::if_look(orders.expired > 0);
    Line::new("orders", level, found, data).waits("trader", "orderbook order list --expired")
}

fn anchor(board: &Standing) -> Line {
    let remedy = "orderbook audit anchor";
    let Some((at, anchored)) = &board.anchored else {
        let data = json!({ "age_seconds": null, "events_since": board.events });
        let found = format!("{}, none anchored", counted(board.events, "event"));
        return Line::new("anchor", Level::Look, found, data).waits("operator", remedy);
    };
    let (seconds, since) = (board.age(*at), board.events.saturating_sub(anchored.size));
    let found = format!("{} ago, {} since", age(seconds), counted(since, "event"));
    let data = json!({ "age_seconds": seconds, "events_since": since });
    // The event that records an anchor comes after it.
    let level = Level::if_due(seconds > ANCHOR && since > 1, Level::Fine);
    Line::new("anchor", level, found, data).waits("operator", remedy)
}

/// Transactions whose outcome was not reported.
pub(super) fn of_journal(now: Timestamp, signed: &[(Timestamp, String)]) -> Line {
    let oldest = signed.iter().map(|(at, _)| *at).min();
    let seconds = oldest.map(|at| u64::try_from(now.duration_since(at).as_secs()).unwrap_or(0));
    let data = json!({ "count": signed.len(), "oldest_seconds": seconds });
    match (seconds, signed.first()) {
        (Some(seconds), Some((_, what))) => {
            let found = format!(
                "{} sent, outcome unknown, the oldest for {}: {what}",
                signed.len(),
                age(seconds)
            );
            let level = Level::if_due(seconds >= HOUR, Level::Look);
            let remedy = "run the same command again: it finds out";
            Line::new("journal", level, found, data).waits("whoever sent it", remedy)
        }
        _ => Line::new("journal", Level::Fine, "empty", data),
    }
}

/// The chain's last block against this machine's clock and against the book.
pub(super) fn of_head(head: Block, now: u64, alone: bool, board: Option<&Standing>) -> Vec<Line> {
    let lag = now.saturating_sub(head.time);
    let ahead = head.time.saturating_sub(now);
    let found = format!(
        "block {} of {}, {} ago",
        head.number,
        time(head.time),
        age(lag)
    );
    let data = json!({ "block": head.number, "lag_seconds": lag, "ahead_seconds": ahead });
    // A developer's own chain makes a block only when there is something to put into it.
    let level = Level::if_due(ahead > 5 * MINUTE || lag > LAG && !alone, Level::Fine);
    let remedy = if ahead > 0 {
        "set this machine's clock (NTP)"
    } else {
        "ask another node: --rpc-url"
    };
    let mut lines = vec![Line::new("chain lag", level, found, data).waits("operator", remedy)];
    let Some(board) = board else { return lines };
    let synced = board.synced.as_ref();
    let behind = synced.map(|(_, synced)| head.number.saturating_sub(synced.block));
    let seconds = synced.map(|(at, _)| board.age(*at));
    let data = json!({ "blocks_behind": behind, "age_seconds": seconds });
    let (level, found) = match (behind, seconds) {
        (Some(0), Some(_)) => (Level::Fine, "up to the last block".to_owned()),
        (Some(behind), Some(seconds)) => (
            Level::if_look(seconds > READ),
            format!("{} ago, {} since", age(seconds), counted(behind, "block")),
        ),
        _ => (Level::Look, "never".to_owned()),
    };
    lines.push(Line::new("chain read", level, found, data).waits("operator", "orderbook sync"));
    lines
}

/// The age of the attested reserves, compared with how long an attestation is valid.
pub(super) fn of_attestation(as_of: u64, max_age: u64, now: u64) -> Line {
    let seconds = now.saturating_sub(as_of);
    let data = json!({ "as_of": as_of, "age_seconds": seconds, "max_age_seconds": max_age });
    let (level, found) = if as_of == 0 {
        (Level::Due, "reserves were never attested".to_owned())
    } else {
        let late = seconds > max_age;
        let near = seconds > max_age / 5 * 4;
        (
            Level::if_due(late, Level::if_look(near)),
            format!("{} old, valid for {}", age(seconds), age(max_age)),
        )
    };
    let remedy = "orderbook coin attest AMOUNT --evidence FILE";
    Line::new("attestation", level, found, data).waits("coin's attestor", remedy)
}

/// A contract with the time that it still runs, and whether the chain keeps it at hand.
pub(super) struct Running {
    pub(super) name: String,
    pub(super) life: Life,
    pub(super) cached: bool,
}

/// Days left of every program, and which of them are not cached.
pub(super) fn of_programs(programs: &[Running]) -> [Line; 2] {
    let days = |life| match life {
        Life::Left(seconds) => Some(seconds / DAY),
        _ => None,
    };
    let worst = programs.iter().map(|one| match Alarm::of(one.life) {
        Alarm::None => Level::Fine,
        Alarm::Days60 | Alarm::Days30 => Level::Look,
        Alarm::Days7 | Alarm::Over => Level::Due,
    });
    let level = worst.max().unwrap_or(Level::Fine);
    let first = programs
        .iter()
        .min_by_key(|one| days(one.life).unwrap_or(0));
    let (found, remedy) = match first {
        None => ("the profile has no contract".to_owned(), String::new()),
        Some(one) => match days(one.life) {
            Some(left) => (
                format!(
                    "{} or more; the first to end is {}",
                    counted(left, "day"),
                    one.name
                ),
                format!("orderbook programs keepalive {}", one.name),
            ),
            None => (
                format!("{} has stopped running", one.name),
                "orderbook programs".to_owned(),
            ),
        },
    };
    let data: Vec<_> = programs
        .iter()
        .map(
            |one| json!({ "program": one.name, "days_left": days(one.life), "cached": one.cached }),
        )
        .collect();
    let life = Line::new("programs", level, found, json!(data)).waits("anybody", remedy);
    let slow: Vec<_> = programs
        .iter()
        .filter(|one| !one.cached)
        .map(|one| one.name.as_str())
        .collect();
    let found = match slow.as_slice() {
        [] => "every program is cached".to_owned(),
        slow => format!("not cached, and so costlier to call: {}", slow.join(", ")),
    };
    let data = json!({ "not_cached": slow });
    let level = Level::if_look(!slow.is_empty());
    let remedy = "bid for the cache: cargo stylus cache bid ADDRESS WEI";
    [
        life,
        Line::new("cache", level, found, data).waits("operator", remedy),
    ]
}

/// A wallet of the directory whose KYC ends soon, or ended.
pub(super) struct Kyc {
    pub(super) name: String,
    pub(super) security: String,
    pub(super) ends: u64,
}

/// KYC records that end within 30 days, of the `looked` wallets that were looked at among all `wallets`.
pub(super) fn of_kyc(ending: &[Kyc], now: u64, looked: usize, wallets: usize) -> Line {
    let over = ending.iter().filter(|kyc| kyc.ends <= now).count();
    let rest = match wallets.saturating_sub(looked) {
        0 => String::new(),
        rest => format!(
            "; {rest} of {} were not looked at",
            counted(wallets, "wallet")
        ),
    };
    let found = match ending.iter().min_by_key(|kyc| kyc.ends) {
        None => format!(
            "none of {} ends within 30 days{rest}",
            counted(looked, "wallet")
        ),
        Some(first) => format!(
            "within 30 days of the end: {}, {over} of them past it; the first: {} for {} on {}{rest}",
            counted(ending.len(), "wallet"),
            first.name,
            first.security,
            date(first.ends)
        ),
    };
    let data = json!({ "ending": ending.len(), "ended": over, "looked_at": looked, "wallets": wallets,
        "first": ending.iter().map(|kyc| kyc.ends).min() });
    let level = Level::if_look(!ending.is_empty() || looked < wallets);
    Line::new("kyc", level, found, data)
        .waits("compliance", "orderbook token register SECURITY FILE.csv")
}

/// Contracts that are paused.
pub(super) fn of_pauses(paused: &[String]) -> Line {
    let data = json!({ "paused": paused });
    if paused.is_empty() {
        return Line::new("trading", Level::Fine, "nothing is paused", data);
    }
    let found = format!("paused: {}", paused.join(", "));
    Line::new("trading", Level::Due, found, data).waits("pauser", "orderbook settlement resume")
}

#[cfg(test)]
mod tests {
    use book::board::standing::{LIVE, OpenOrders, Waiting};
    use book::log::body::BookAnchored;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn standing() -> Standing {
        let waiting = LIVE.map(|state| Waiting {
            state,
            count: 0,
            since: None,
        });
        Standing {
            as_of: at(0),
            orders: OpenOrders::default(),
            waiting: waiting.to_vec(),
            settled: 9,
            refused: 1,
            commitments: Vec::new(),
            events: 100,
            anchored: None,
            synced: None,
        }
    }

    fn line(board: &Standing, what: &str) -> Line {
        let lines = of_book(board);
        lines.into_iter().find(|line| line.what == what).unwrap()
    }

    #[test]
    fn a_match_is_due_once_it_has_waited_for_a_day_and_an_unknown_one_at_once() {
        for (state, what, limit) in [
            (MatchState::Proposed, "to approve", 86_400),
            (MatchState::Approved, "to settle", 86_400),
            (MatchState::Committed, "committed", 86_400),
            (MatchState::Failed, "failed", 86_400),
            (MatchState::Submitted, "in flight", 600),
            (MatchState::Unknown, "unknown", 0),
        ] {
            let mut board = standing();
            assert_eq!(line(&board, what).level, Level::Fine, "{what}");
            let place = LIVE.iter().position(|known| *known == state).unwrap();
            for (seconds, level) in [(limit - 1, Level::Look), (limit, Level::Due)] {
                if seconds < 0 {
                    continue;
                }
                board.waiting[place] = Waiting {
                    state,
                    count: 3,
                    since: Some(at(-seconds)),
                };
                let found = line(&board, what);
                assert_eq!(found.level, level, "{what} {seconds}");
                assert_eq!(found.data["count"], 3);
                assert!(!found.who.is_empty() && found.remedy.starts_with("orderbook "));
            }
        }
    }

    #[test]
    fn an_anchor_is_due_after_two_days_with_events_since() {
        let anchored = |size| BookAnchored {
            block: 1,
            root: alloy::primitives::B256::ZERO,
            size,
            tx_hash: alloy::primitives::B256::ZERO,
        };
        let mut board = standing();
        assert_eq!(line(&board, "anchor").level, Level::Look);
        for (seconds, size, level) in [
            (2 * 86_400, 50, Level::Fine),
            (2 * 86_400 + 1, 50, Level::Due),
            (9 * 86_400, 99, Level::Fine),
        ] {
            board.anchored = Some((at(-seconds), anchored(size)));
            assert_eq!(line(&board, "anchor").level, level, "{seconds} {size}");
        }
    }

    #[test]
    fn expired_orders_are_looked_at() {
        let mut board = standing();
        assert_eq!(line(&board, "orders").level, Level::Fine);
        board.orders.expired = 1;
        let found = line(&board, "orders");
        assert_eq!((found.level, found.who), (Level::Look, "trader"));
    }

    #[test]
    fn a_late_chain_is_due_unless_it_is_a_developer_s() {
        let head = |time| Block {
            number: 7,
            hash: alloy::primitives::B256::ZERO,
            time,
        };
        let level = |time, alone| of_head(head(time), 10_000, alone, None)[0].level;
        assert_eq!(level(10_000 - 900, false), Level::Fine);
        assert_eq!(level(10_000 - 901, false), Level::Due);
        assert_eq!(level(10_000 - 901, true), Level::Fine);
        assert_eq!(level(10_000 + 301, true), Level::Due);
    }

    #[test]
    fn an_attestation_is_looked_at_at_four_fifths_and_due_at_its_end() {
        let level = |age: u64| of_attestation(1_000_000 - age, 1_000, 1_000_000).level;
        assert_eq!(level(800), Level::Fine);
        assert_eq!(level(801), Level::Look);
        assert_eq!(level(1_000), Level::Look);
        assert_eq!(level(1_001), Level::Due);
        assert_eq!(of_attestation(0, 1_000, 1_000_000).level, Level::Due);
    }

    #[test]
    fn programs_are_looked_at_from_60_days_and_due_from_7() {
        let of = |days: u64, cached| {
            let name = "coin".to_owned();
            let life = Life::Left(days * 86_400);
            let [life, cache] = of_programs(&[Running { name, life, cached }]);
            (life.level, cache.level)
        };
        assert_eq!(of(61, true), (Level::Fine, Level::Fine));
        assert_eq!(of(60, false), (Level::Look, Level::Look));
        assert_eq!(of(7, true), (Level::Due, Level::Fine));
    }

    #[test]
    fn kyc_names_the_first_that_ends_and_what_was_left_out() {
        let kyc = |ends| Kyc {
            name: "Ada".into(),
            security: "HRBR".into(),
            ends,
        };
        let fine = of_kyc(&[], 100, 5, 5);
        assert_eq!(
            (fine.level, fine.data["looked_at"].as_u64()),
            (Level::Fine, Some(5))
        );
        let found = of_kyc(&[kyc(200), kyc(100)], 100, 5, 9);
        assert_eq!(
            (found.level, &found.data["ended"]),
            (Level::Look, &json!(1))
        );
        assert!(
            found.found.ends_with("4 of 9 wallets were not looked at"),
            "{}",
            found.found
        );
    }

    #[test]
    fn ages_are_said_in_their_largest_unit() {
        let said = [59, 60, 3_599, 3_600, 86_400, 200_000].map(age);
        assert_eq!(said, ["59 s", "1 min", "59 min", "1 h", "1 d", "2 d"]);
    }
}
