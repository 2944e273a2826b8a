//! The desk's queue: matches whose outcome is unknown, matches that wait for the reader, pairs that cross, and what is
//! under way. Each is shown with what would keep it from settling now.

use std::collections::HashMap;

use alloy::primitives::{Address, B256};
use askama::Template;
use axum::http::StatusCode;
use book::log::staff::{Role, key};
use book::market::matching::{Match, MatchState};
use book::market::record::OrderView;
use book::market::security::Security;
use desk::chain::codes::Failure;
use desk::preflight::Reason;
use futures::{StreamExt as _, stream};
use jiff::Timestamp;

use super::checks::{Wrong, wrong};
use super::closest;
use super::deal::{between, customer};
use super::desk_match::state;
use super::frame::{Frame, Here};
use super::html;
use super::time::{Moment, ago};
use super::words::{count, money, price, tokens};
use crate::app::App;
use crate::caller::{Caller, Part};
use crate::problem::Problem;
use crate::route::{Call, Reply, WHOLE_BOOK};
use crate::suggestions::{Suggestion, suggestions_view};
use crate::{access, refusal};

/// Pairs of one security.
const PAIRS: u32 = 50;
/// Rows that are checked on chain for one page; the others say that they were not checked.
const ASKED: usize = 24;
/// Concurrent queries to the chain.
const AT_ONCE: usize = 8;

/// The live states: matches in them are on the page.
const LIVE: [MatchState; 6] = [
    MatchState::Unknown,
    MatchState::Proposed,
    MatchState::Approved,
    MatchState::Committed,
    MatchState::Failed,
    MatchState::Submitted,
];

/// What the chain reports about a row.
#[derive(Debug)]
enum Said {
    /// Every reason that it would not settle now.
    Reasons(Vec<Reason>),
    /// The node did not answer.
    Silent,
    /// It was not queried.
    Unasked,
}

/// Why it is not known what prevents a settlement.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Unknown {
    /// The node does not answer.
    Away,
    /// The chain was not queried.
    Unasked,
}

impl Unknown {
    const fn words(self) -> &'static str {
        match self {
            Self::Away => "the node does not answer",
            Self::Unasked => "not checked yet: open it",
        }
    }

    fn is_away(self) -> bool {
        self == Self::Away
    }
}

/// What can be done with a row from the list.
#[derive(Debug)]
struct Way {
    /// The key that does it while the list has the focus.
    key: char,
    words: &'static str,
    href: String,
}

/// One pair or match.
#[derive(Debug)]
struct Row {
    href: String,
    /// The security; nothing for an operator.
    symbol: Option<String>,
    short: String,
    quantity: String,
    bid: String,
    ask: String,
    buyer: String,
    seller: String,
    price: String,
    total: String,
    since: Moment,
    ago: String,
    state: &'static str,
    tone: &'static str,
    /// Orders that would be passed over.
    passed: String,
    /// One of the two answers the other's lot.
    answered: bool,
    wrong: Vec<Wrong>,
    unknown: Option<Unknown>,
    way: Option<Way>,
}

/// Rows under one heading.
#[derive(Debug)]
struct Group {
    id: &'static str,
    heading: &'static str,
    note: &'static str,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "desk_queue.html")]
struct DeskQueue {
    frame: Frame,
    groups: Vec<Group>,
    /// What to say when nothing crosses, and for which security; nothing for an operator.
    closest: Option<String>,
    closest_in: Option<String>,
    more: bool,
    sees_book: bool,
}

/// A live match with its orders and the time of its last change.
struct Live {
    found: Match,
    orders: Option<[OrderView; 2]>,
    since: Timestamp,
}

fn is(caller: &Caller, role: Role) -> bool {
    caller.is_any(&[Part::Staff(role)])
}

/// The live matches that a caller sees, oldest first.
async fn live(app: &App, caller: &Caller) -> Result<Vec<Live>, Problem> {
    let mut all = Vec::new();
    for state in LIVE {
        let found = app.board.matches(Some(state)).await;
        all.extend(found.map_err(refusal::board)?);
    }
    all.retain(|found| crate::matches::sees(caller, found));
    all.sort_by_key(|found| found.proposed_seq);
    let sees_book = caller.is_any(WHOLE_BOOK);
    let ids: Vec<B256> = all.iter().flat_map(|one| [one.bid, one.ask]).collect();
    let mut orders = if sees_book {
        app.board.find_all(&ids).await.map_err(refusal::board)?
    } else {
        HashMap::new()
    };
    let mut shown = Vec::with_capacity(all.len());
    for found in all {
        let pair = orders.remove(&found.bid).zip(orders.remove(&found.ask));
        let event = app.board.events(found.changed_seq, 1).await;
        let event = event.map_err(refusal::board)?.pop();
        shown.push(Live {
            orders: pair.map(|(bid, ask)| [bid, ask]),
            since: event.map_or_else(|| app.now(), |event| event.captured_at),
            found,
        });
    }
    Ok(shown)
}

/// The pairs that cross, those that have been crossing longest first, and whether there may be more.
async fn crossing(
    app: &App,
    securities: &[Security],
) -> Result<(Vec<(Suggestion, u64)>, bool), Problem> {
    let (mut all, mut more) = (Vec::new(), false);
    for security in securities {
        let token = security.token.to_string();
        let (found, rest) = suggestions_view(app, &token, PAIRS).await?;
        more |= rest;
        all.extend(found.into_iter().map(|pair| {
            let since = pair.bid.posted_seq.max(pair.ask.posted_seq);
            (pair, since)
        }));
    }
    all.sort_by_key(|(_, since)| *since);
    Ok((all, more))
}

/// What the chain reports about these pairs of orders, in their order.
async fn said(app: &App, pairs: Vec<Option<[&OrderView; 2]>>) -> Vec<Said> {
    let mut left = ASKED;
    let asking = pairs.into_iter().map(|pair| {
        let pair = pair.filter(|_| left > 0);
        left -= usize::from(pair.is_some());
        async move {
            let Some([bid, ask]) = pair else {
                return Said::Unasked;
            };
            match app.node.preflight(&bid.record, &ask.record).await {
                Ok(reasons) => Said::Reasons(reasons),
                Err(_) => Said::Silent,
            }
        }
    });
    let asking: Vec<_> = asking.collect();
    stream::iter(asking).buffered(AT_ONCE).collect().await
}

/// Whether a match in this state is checked on chain for what keeps it from settling.
fn is_asked(state: MatchState) -> bool {
    matches!(
        state,
        MatchState::Proposed | MatchState::Approved | MatchState::Committed | MatchState::Failed
    )
}

fn reasons(said: &Said) -> (&[Reason], Option<Unknown>) {
    match said {
        Said::Reasons(reasons) => (reasons, None),
        Said::Silent => (&[], Some(Unknown::Away)),
        Said::Unasked => (&[], Some(Unknown::Unasked)),
    }
}

/// The row of two orders.
async fn row(
    app: &App,
    [bid, ask]: [&OrderView; 2],
    said: &Said,
    since: Timestamp,
) -> Result<Row, Problem> {
    let (reasons, unknown) = reasons(said);
    let midpoint = between(&bid.record, &ask.record);
    let (price_of, total) =
        midpoint.map_or_else(Default::default, |found| (found.price, found.total));
    Ok(Row {
        href: format!("/desk/pair?bid={}&ask={}", bid.record.id, ask.record.id),
        symbol: Some(bid.record.symbol.clone()),
        short: String::new(),
        quantity: tokens(bid.record.quantity, bid.record.decimals),
        bid: price(bid.record.price),
        ask: price(ask.record.price),
        buyer: customer(app, &bid.record).await?,
        seller: customer(app, &ask.record).await?,
        price: price_of,
        total,
        since: Moment::of(since),
        ago: ago(since, app.now()),
        state: "",
        tone: "",
        passed: String::new(),
        answered: false,
        wrong: reasons.iter().map(wrong).collect(),
        unknown,
        way: None,
    })
}

async fn pair_row(
    app: &App,
    pair: &Suggestion,
    said: &Said,
    is_trader: bool,
) -> Result<Row, Problem> {
    let since = pair.bid.record.received_at.max(pair.ask.record.received_at);
    let mut row = row(app, [&pair.bid, &pair.ask], said, since).await?;
    row.passed = match pair.passed_over.len() {
        0 => String::new(),
        1 => "passes over 1 order".to_owned(),
        many => format!("passes over {} orders", count(many as u64)),
    };
    row.answered = pair.is_answer();
    row.way = is_trader.then(|| Way {
        key: 'p',
        words: "Propose",
        href: row.href.clone(),
    });
    Ok(row)
}

/// What the reader can do about a match now.
fn way(caller: &Caller, found: &Match, href: &str, must_commit: bool) -> Option<Way> {
    let way = |key, words, part| Way {
        key,
        words,
        href: format!("{href}#{part}"),
    };
    let own = caller.person.as_deref();
    let proposed = own.is_some_and(|person| key(person) == key(&found.proposed_by));
    match found.state {
        MatchState::Proposed if is(caller, Role::Principal) && !proposed => {
            Some(way('a', "Approve", "decision"))
        }
        MatchState::Approved | MatchState::Failed if must_commit => {
            is(caller, Role::Principal).then(|| way('a', "Commit", "commit"))
        }
        MatchState::Approved | MatchState::Failed | MatchState::Committed => {
            is(caller, Role::Operator).then(|| way('s', "Settle", "settle"))
        }
        _ => None,
    }
}

async fn match_row(app: &App, caller: &Caller, live: &Live, said: &Said) -> Result<Row, Problem> {
    let found = &live.found;
    let href = format!("/desk/matches/{}", found.id);
    let asked = is_asked(found.state);
    let mut shown = match &live.orders {
        Some([bid, ask]) => row(app, [bid, ask], said, live.since).await?,
        None => Row {
            href: String::new(),
            symbol: None,
            short: found.id.to_string().chars().take(13).collect(),
            quantity: String::new(),
            bid: String::new(),
            ask: String::new(),
            buyer: String::new(),
            seller: String::new(),
            price: String::new(),
            total: money(found.total),
            since: Moment::of(live.since),
            ago: ago(live.since, app.now()),
            state: "",
            tone: "",
            passed: String::new(),
            answered: false,
            wrong: Vec::new(),
            unknown: None,
            way: None,
        },
    };
    let commits = |reason: &Reason| reason.failure == Failure::CommitmentRequired;
    let must_commit = matches!(said, Said::Reasons(reasons) if reasons.iter().any(commits));
    (shown.state, shown.tone) = state(found.state);
    if !asked || live.orders.is_none() {
        shown.unknown = None;
    }
    shown.way = way(caller, found, &href, must_commit);
    shown.href = href;
    Ok(shown)
}

/// The groups without the empty ones; UNKNOWN on top.
fn groups(unknown: Vec<Row>, mine: Vec<Row>, pairs: Vec<Row>, under_way: Vec<Row>) -> Vec<Group> {
    let group = |id, heading, note, rows| Group {
        id,
        heading,
        note,
        rows,
    };
    let all = [
        group(
            "unknown",
            "Outcome unknown",
            "A transaction may or may not have settled these. Nothing else can be done with their orders until the \
             outcome is known: a process that settles looks it up by itself, orderbook sync does it by hand.",
            unknown,
        ),
        group("mine", "Waiting for you", "", mine),
        group("pairs", "Crossing pairs", "", pairs),
        group("under-way", "Under way", "", under_way),
    ];
    all.into_iter()
        .filter(|group| !group.rows.is_empty())
        .collect()
}

/// `GET /desk`.
pub(crate) async fn desk_queue(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    let (app, caller) = (&call.app, call.caller()?);
    let sees_book = caller.is_any(WHOLE_BOOK);
    let live = live(app, caller).await?;
    let securities = if sees_book {
        app.board.securities().await.map_err(refusal::board)?
    } else {
        Vec::new()
    };
    let (pairs, more) = crossing(app, &securities).await?;
    let matched = live.iter().flat_map(|one| one.orders.iter().flatten());
    let crossed = pairs.iter().flat_map(|(pair, _)| [&pair.bid, &pair.ask]);
    let shown = matched.chain(crossed);
    let owners: Vec<Address> = shown.map(|order| order.record.owner).collect();
    access::seen(&call, "GET /desk", owners).await?;
    let mut asked: Vec<Option<[&OrderView; 2]>> = Vec::with_capacity(live.len() + pairs.len());
    asked.extend(live.iter().map(|one| {
        let orders = one.orders.as_ref();
        orders
            .filter(|_| is_asked(one.found.state))
            .map(|[bid, ask]| [bid, ask])
    }));
    asked.extend(pairs.iter().map(|(pair, _)| Some([&pair.bid, &pair.ask])));
    let mut said = said(app, asked).await.into_iter();
    let (mut unknown, mut mine, mut under_way) = (Vec::new(), Vec::new(), Vec::new());
    for (one, said) in live.iter().zip(said.by_ref()) {
        let row = match_row(app, caller, one, &said).await?;
        match (one.found.state, &row.way) {
            (MatchState::Unknown, _) => unknown.push(row),
            (_, Some(_)) => mine.push(row),
            (_, None) => under_way.push(row),
        }
    }
    let is_trader = is(caller, Role::Trader);
    let mut crossing = Vec::with_capacity(pairs.len());
    for ((pair, _), said) in pairs.iter().zip(said) {
        crossing.push(pair_row(app, pair, &said, is_trader).await?);
    }
    let closest = if sees_book && crossing.is_empty() {
        Some(closest::of(app, &securities).await?)
    } else {
        None
    };
    let page = DeskQueue {
        frame: Frame::of(app, Some(caller), Here::Queue, "Queue").await?,
        groups: groups(unknown, mine, crossing, under_way),
        closest: closest.as_ref().map(closest::Closest::words),
        closest_in: closest
            .as_ref()
            .and_then(|found| found.symbol().map(str::to_owned)),
        more,
        sees_book,
    };
    html(&call.headers, StatusCode::OK, &page)
}
