//! The one table of all routes: the path of each, who may use it, and by which rule. The router is made from it, so
//! there is no other route.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use book::log::staff::Role;
use jiff::Timestamp;
use serde::Serialize;

use crate::app::App;
use crate::caller::{Caller, Part, Scope};
use crate::config::Face;
use crate::problem::Problem;
use crate::query::Query;
use crate::stream::{self, Cutter, Feed};
use crate::{
    access, act_draft, binding, draft, jobs, keys, log, market, matches, orders, pages, permits,
    proofs, reports, sign_in, staff, status, suggestions, terms, trades, void, webhooks,
};

/// A request that has passed every rule of its route.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) app: Arc<App>,
    /// None if the route is open to anybody.
    pub(crate) caller: Option<Caller>,
    /// The values of the placeholders in the path.
    pub(crate) places: Vec<(String, String)>,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// When the request arrived.
    pub(crate) received_at: Timestamp,
    /// Where its answer is kept, with the digest of the request: only if the route takes an Idempotency-Key.
    pub(crate) answer: Option<crate::answers::Slot>,
    /// Ends the connection by which it came.
    pub(crate) cutter: Option<Cutter>,
}

impl Call {
    /// The caller.
    ///
    /// # Errors
    /// 401 on a route that is open to anybody.
    pub(crate) fn caller(&self) -> Result<&Caller, Problem> {
        self.caller.as_ref().ok_or_else(Problem::not_signed_in)
    }

    /// The value of a placeholder in the path.
    pub(crate) fn place(&self, name: &str) -> &str {
        let mut places = self.places.iter();
        places
            .find(|(found, _)| found == name)
            .map_or("", |(_, value)| value)
    }
}

/// The content of an answer.
#[derive(Debug)]
pub(crate) enum Content {
    /// All of it.
    Whole(Bytes),
    /// Content that is sent as it is made, for as long as it takes: the request itself no longer counts as under way.
    Live(Feed),
}

impl Content {
    /// What is available of it now.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Whole(bytes) => bytes,
            Self::Live(_) => &[],
        }
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Content,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Reply {
    /// JSON.
    ///
    /// # Errors
    /// 500 for data that cannot be written as JSON.
    pub(crate) fn json(status: StatusCode, data: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_vec(data).map_err(Problem::internal)?;
        Ok(Self::of(status, "application/json", body))
    }

    /// JSON with status 200.
    ///
    /// # Errors
    /// 500 for data that cannot be written as JSON.
    pub(crate) fn ok(data: &impl Serialize) -> Result<Self, Problem> {
        Self::json(StatusCode::OK, data)
    }

    /// Any content.
    pub(crate) fn of(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Self {
        let kind = (header::CONTENT_TYPE, HeaderValue::from_static(kind));
        Self {
            status,
            body: Content::Whole(body.into()),
            headers: vec![kind],
        }
    }

    /// Content that comes as it is made.
    pub(crate) fn live(status: StatusCode, kind: &'static str, feed: Feed) -> Self {
        let mut reply = Self::of(status, kind, Bytes::new());
        reply.body = Content::Live(feed);
        reply
    }

    /// Nothing, with status 204.
    pub(crate) fn empty() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            body: Content::Whole(Bytes::new()),
            headers: Vec::new(),
        }
    }

    /// With a header.
    #[must_use]
    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// As a response.
    pub(crate) fn response(self) -> Response<Body> {
        let body = match self.body {
            Content::Whole(bytes) => Body::from(bytes),
            Content::Live(feed) => Body::from_stream(feed),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            response.headers_mut().append(name, value);
        }
        response
    }
}

/// The result of a call.
pub(crate) type Done = Pin<Box<dyn Future<Output = Result<Reply, Problem>> + Send>>;

/// A method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// Reads.
    Get,
    /// Creates.
    Post,
    /// Removes.
    Delete,
}

impl Verb {
    /// As written in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }

    /// Whether it changes something.
    pub fn is_unsafe(self) -> bool {
        self != Self::Get
    }
}

/// Who may use a route.
#[derive(Debug, Clone, Copy)]
pub enum Who {
    /// Anybody, signed in or not.
    Anybody,
    /// Anybody who is signed in.
    SignedIn,
    /// Anybody who has one of these parts.
    Any(&'static [Part]),
}

/// One row of the table.
#[derive(Debug)]
pub struct Route {
    /// The method.
    pub verb: Verb,
    /// The path, with placeholders in braces.
    pub path: &'static str,
    /// The faces that have it.
    pub faces: &'static [Face],
    /// Who may use it.
    pub who: Who,
    /// The rule, as shown to a caller who may not use it.
    pub rule: &'static str,
    /// The scope that an API key needs; `None` is for sessions only.
    pub scope: Option<Scope>,
    /// Whether it takes an Idempotency-Key.
    pub keyed: bool,
    /// Whether it is a page or a part of one: for people, not in the API document, and with refusals in HTML.
    pub page: bool,
    /// What is done.
    pub(crate) run: fn(Call) -> Done,
}

const INVESTOR: Part = Part::Investor;
const TRADER: Part = Part::Staff(Role::Trader);
const PRINCIPAL: Part = Part::Staff(Role::Principal);
const OPERATOR: Part = Part::Staff(Role::Operator);
const RECORDS: Part = Part::Staff(Role::RecordsOfficer);
const ADMIN: Part = Part::Staff(Role::Admin);

/// Those who see the whole book.
pub(crate) const WHOLE_BOOK: &[Part] = &[TRADER, PRINCIPAL, RECORDS];
const READERS: &[Part] = &[INVESTOR, TRADER, PRINCIPAL, RECORDS];

const PUBLIC: &[Face] = &[Face::Public];
const PEOPLE: &[Face] = &[Face::Investor, Face::Desk];
const INVESTORS: &[Face] = &[Face::Investor];
const DESK: &[Face] = &[Face::Desk];
const EVERY: &[Face] = &Face::ALL;

/// A row of the API.
macro_rules! route {
    ($verb:ident $path:literal, $faces:expr, $who:expr, $scope:expr, $keyed:literal, $run:path, $rule:literal) => {
        Route {
            verb: Verb::$verb,
            path: $path,
            faces: $faces,
            who: $who,
            rule: $rule,
            scope: $scope,
            keyed: $keyed,
            page: false,
            run: |call| Box::pin($run(call)),
        }
    };
}

/// A page: it is read, with a session.
macro_rules! page {
    ($path:literal, $faces:expr, $who:expr, $run:path, $rule:literal) => {
        Route {
            page: true,
            ..route!(Get $path, $faces, $who, None, false, $run, $rule)
        }
    };
}

/// Every route there is.
#[rustfmt::skip] // A row is a line and its rule.
pub static ROUTES: &[Route] = &[
    route!(Get "/v1/status", PUBLIC, Who::Anybody, Some(Scope::Read), false, status::show,
        "anybody sees the state of the book and its log, and nothing about any security"),
    route!(Get "/log/checkpoint", PUBLIC, Who::Anybody, Some(Scope::Read), false, log::checkpoint,
        "anybody reads the log's checkpoint"),
    route!(Get "/log/tile/{*tile}", PUBLIC, Who::Anybody, Some(Scope::Read), false, log::tile,
        "anybody reads hashes; bodies are never public"),
    route!(Post "/v1/session/challenge", PEOPLE, Who::Anybody, None, false, sign_in::challenge,
        "anybody asks for a text to sign"),
    route!(Post "/v1/session", PEOPLE, Who::Anybody, None, false, sign_in::open,
        "anybody who signed the text given to this browser is signed in"),
    route!(Get "/v1/session", PEOPLE, Who::SignedIn, Some(Scope::Read), false, sign_in::show,
        "a signed-in caller sees who it is signed in as"),
    route!(Delete "/v1/session", PEOPLE, Who::SignedIn, None, false, sign_in::close,
        "a signed-in caller signs out"),
    route!(Get "/v1/keys", PEOPLE, Who::SignedIn, None, false, keys::list,
        "a wallet sees its own API keys, an admin everybody's"),
    route!(Post "/v1/keys", PEOPLE, Who::SignedIn, None, true, keys::add,
        "a signed-in wallet makes API keys for itself, an admin for anybody on the staff"),
    route!(Delete "/v1/keys/{key}", PEOPLE, Who::SignedIn, None, false, keys::end,
        "a wallet ends its own API keys, an admin anybody's"),
    route!(Get "/v1/staff", DESK, Who::Any(&[ADMIN, RECORDS]), Some(Scope::Read), false, staff::list,
        "admins and records officers see the staff"),
    route!(Post "/v1/staff", DESK, Who::Any(&[ADMIN]), None, true, staff::change_staff,
        "an admin changes the staff, each change signed by its own wallet"),
    route!(Get "/v1/webhooks", DESK, Who::Any(&[ADMIN]), None, false, webhooks::list,
        "an admin sees the webhooks"),
    route!(Post "/v1/webhooks", DESK, Who::Any(&[ADMIN]), None, true, webhooks::add,
        "an admin adds a webhook"),
    route!(Delete "/v1/webhooks/{webhook}", DESK, Who::Any(&[ADMIN]), None, false, webhooks::end,
        "an admin ends a webhook"),
    route!(Get "/v1/webhooks/{webhook}/deliveries", DESK, Who::Any(&[ADMIN]), None, false, webhooks::deliveries,
        "an admin sees what became of a webhook's messages"),
    route!(Get "/v1/reports/daily", DESK, Who::Any(&[PRINCIPAL, RECORDS]), Some(Scope::Read), false, reports::daily,
        "principals and records officers see what was done over a range of days"),
    route!(Get "/v1/reports/blotter", DESK, Who::Any(&[PRINCIPAL, RECORDS]), Some(Scope::Read), false, reports::blotter,
        "principals and records officers get the trades of a range of days"),
    route!(Get "/v1/reports/subscribers", DESK, Who::Any(&[PRINCIPAL, RECORDS]), Some(Scope::Read), false, reports::subscribers,
        "principals and records officers see every wallet and the terms that it accepted"),
    route!(Get "/v1/reports/holders", DESK, Who::Any(&[PRINCIPAL, RECORDS]), Some(Scope::Read), false, reports::holders,
        "principals and records officers see each security's holders against its limits"),
    route!(Get "/v1/reports/access", DESK, Who::Any(&[RECORDS]), Some(Scope::Read), false, access::report,
        "a records officer sees which staff looked at whose orders"),
    route!(Get "/v1/terms", PEOPLE, Who::Any(READERS), Some(Scope::Read), false, terms::show,
        "an investor sees the terms and whether its wallet accepted them; the desk sees them"),
    route!(Get "/v1/terms/text", PEOPLE, Who::Anybody, Some(Scope::Read), false, terms::text,
        "anybody reads the broker-dealer's terms"),
    route!(Post "/v1/terms", INVESTORS, Who::Any(&[INVESTOR]), Some(Scope::Orders), true, terms::accept,
        "an investor accepts the broker-dealer's terms"),
    route!(Get "/v1/securities", PEOPLE, Who::Any(READERS), Some(Scope::Read), false, market::list,
        "an investor sees the securities its wallet may hold now; those who see the whole book see all"),
    route!(Get "/v1/securities/{security}/book", PEOPLE, Who::Any(READERS), Some(Scope::Read), false, market::book,
        "whoever sees the security sees its prices"),
    route!(Get "/v1/securities/{security}/lots", PEOPLE, Who::Any(READERS), Some(Scope::Read), false, market::lots,
        "whoever sees the security sees its lots, but not whose they are"),
    route!(Get "/v1/securities/{security}/settlements", PEOPLE, Who::Any(READERS), Some(Scope::Read), false, trades::settlements,
        "whoever sees the security sees its settlements, not whose they were"),
    route!(Get "/v1/securities/{security}/documents", PEOPLE, Who::Any(READERS), Some(Scope::Read), false, terms::documents,
        "whoever sees the security sees its issuer's documents"),
    route!(Get "/v1/securities/{security}/documents/{sha256}", PEOPLE, Who::Any(READERS), Some(Scope::Read), false, terms::document,
        "whoever sees the security reads its issuer's documents"),
    route!(Post "/v1/securities/{security}/documents", INVESTORS, Who::Any(&[INVESTOR]), Some(Scope::Orders), true, terms::receive,
        "an investor acknowledges the documents of a security that it may hold"),
    route!(Get "/v1/securities/{security}/draft", INVESTORS, Who::Any(&[INVESTOR]), Some(Scope::Read), false, draft::show,
        "an investor gets an order to sign, for a security open to its wallet"),
    route!(Get "/v1/orders", PEOPLE, Who::Any(READERS), Some(Scope::Read), false, orders::list,
        "an investor sees its own orders; traders, principals and records officers see all"),
    route!(Get "/v1/orders/{order}", PEOPLE, Who::Any(READERS), Some(Scope::Read), false, orders::show,
        "an investor sees its own orders; traders, principals and records officers see all"),
    route!(Post "/v1/orders", INVESTORS, Who::Any(&[INVESTOR]), Some(Scope::Orders), true, orders::post,
        "an investor posts orders that its own wallet signed"),
    route!(Delete "/v1/orders/{order}", INVESTORS, Who::Any(&[INVESTOR]), Some(Scope::Orders), false, orders::take_off,
        "an investor takes its own orders off the board"),
    route!(Post "/v1/orders/{order}/replace", INVESTORS, Who::Any(&[INVESTOR]), Some(Scope::Orders), true, orders::replace,
        "an investor replaces its own orders"),
    route!(Post "/v1/orders/{order}/void", INVESTORS, Who::Any(&[INVESTOR]), Some(Scope::Orders), true, void::leave,
        "an investor leaves a cancel of its own order, signed by its wallet"),
    route!(Get "/v1/orders/{order}/confirmation", PEOPLE, Who::Any(READERS), Some(Scope::Read), false, trades::confirmation,
        "an investor gets its own; traders, principals and records officers get all"),
    route!(Get "/v1/permits", INVESTORS, Who::Any(&[INVESTOR]), Some(Scope::Read), false, permits::list,
        "an investor sees the allowances that its wallet left"),
    route!(Get "/v1/permits/draft", INVESTORS, Who::Any(&[INVESTOR]), Some(Scope::Read), false, permits::draft,
        "an investor gets an allowance to sign, for the coin or a security that it may hold"),
    route!(Post "/v1/permits", INVESTORS, Who::Any(&[INVESTOR]), Some(Scope::Orders), true, permits::leave,
        "an investor leaves an allowance that its wallet signed"),
    route!(Delete "/v1/permits/{permit}", INVESTORS, Who::Any(&[INVESTOR]), Some(Scope::Orders), false, permits::withdraw,
        "an investor takes back an allowance that is still waiting"),
    route!(Get "/v1/proofs/{order}", PEOPLE, Who::Any(READERS), Some(Scope::Read), false, proofs::show,
        "whoever may see the order gets the proof that it is in the log"),
    route!(Get "/v1/suggestions", DESK, Who::Any(&[TRADER, PRINCIPAL]), Some(Scope::Desk), false, suggestions::list,
        "a trader or a principal sees which open orders could be matched"),
    route!(Get "/v1/acts/draft", DESK, Who::Any(&[TRADER, PRINCIPAL]), Some(Scope::Desk), false, act_draft::show,
        "a trader or a principal gets an act about a match to sign"),
    route!(Get "/v1/matches", DESK, Who::Any(&[TRADER, PRINCIPAL, OPERATOR, RECORDS]), Some(Scope::Read), false, matches::list,
        "an operator sees approved matches; traders, principals and records officers see all"),
    route!(Get "/v1/matches/{match}", DESK, Who::Any(&[TRADER, PRINCIPAL, OPERATOR, RECORDS]), Some(Scope::Read), false, matches::show,
        "an operator sees approved matches; traders, principals and records officers see all"),
    route!(Post "/v1/matches", DESK, Who::Any(&[TRADER]), Some(Scope::Desk), true, matches::propose,
        "a trader proposes a match"),
    route!(Post "/v1/matches/{match}/approve", DESK, Who::Any(&[PRINCIPAL]), Some(Scope::Desk), true, matches::approve,
        "a principal approves a match, but never one that the same person proposed"),
    route!(Post "/v1/matches/{match}/refuse", DESK, Who::Any(&[TRADER, PRINCIPAL]), Some(Scope::Desk), true, matches::refuse,
        "a trader or a principal refuses a match"),
    route!(Post "/v1/matches/{match}/release", DESK, Who::Any(&[PRINCIPAL]), Some(Scope::Desk), true, binding::release,
        "a principal gets the release of a committed match, for its own wallet to send"),
    route!(Get "/v1/matches/{match}/preflight", DESK, Who::Any(&[TRADER, PRINCIPAL]), Some(Scope::Desk), false, matches::preflight,
        "a trader or a principal asks whether a match would settle"),
    route!(Post "/v1/matches/{match}/settle", DESK, Who::Any(&[OPERATOR]), Some(Scope::Desk), true, jobs::ask,
        "an operator asks for the settlement of an approved match"),
    route!(Get "/v1/jobs/{job}", DESK, Who::Any(&[TRADER, PRINCIPAL, OPERATOR, RECORDS]), Some(Scope::Read), false, jobs::show,
        "whoever sees the match sees how its settlement goes"),
    route!(Get "/v1/stream", PEOPLE, Who::Any(&[INVESTOR, TRADER, PRINCIPAL, OPERATOR, RECORDS]), Some(Scope::Read), false, stream::open,
        "each caller is sent what it may read: lots, its own orders and matches, or all of them"),
    page!("/", EVERY, Who::Anybody, pages::welcome,
        "anybody sees whose board it is and how to sign in"),
    page!("/market", PEOPLE, Who::Any(READERS), pages::market,
        "an investor sees the securities its wallet may hold now; those who see the whole book see all"),
    page!("/securities/{security}", PEOPLE, Who::Any(READERS), pages::security,
        "whoever sees the security sees its lots, prices and settlements"),
    page!("/orders", INVESTORS, Who::Any(&[INVESTOR]), pages::orders,
        "an investor sees its own orders"),
    page!("/orders/{order}", PEOPLE, Who::Any(READERS), pages::order,
        "an investor sees its own orders; traders, principals and records officers see all"),
    page!("/orders/{order}/confirmation", PEOPLE, Who::Any(READERS), pages::confirmation,
        "an investor sees the confirmations of its own trades, the desk sees all"),
    page!("/desk", DESK, Who::Any(&[TRADER, PRINCIPAL, OPERATOR, RECORDS]), pages::desk_queue,
        "an operator sees approved matches; traders, principals and records officers see all, and pairs"),
    page!("/desk/pair", DESK, Who::Any(&[TRADER, PRINCIPAL]), pages::desk_pair,
        "a trader or a principal looks at two orders that could be matched"),
    page!("/desk/matches/{match}", DESK, Who::Any(&[TRADER, PRINCIPAL, OPERATOR, RECORDS]), pages::desk_match,
        "an operator sees approved matches; traders, principals and records officers see all"),
    page!("/desk/blotter", DESK, Who::Any(&[PRINCIPAL, RECORDS]), pages::blotter,
        "principals and records officers see the trades of a range of days"),
    page!("/desk/reports", DESK, Who::Any(&[PRINCIPAL, RECORDS]), pages::desk_reports,
        "principals and records officers see what was done, holders and subscribers"),
    page!("/desk/people", DESK, Who::Any(&[ADMIN, RECORDS]), pages::people,
        "admins and records officers see the staff, records officers also who looked at whose orders"),
    page!("/log", PUBLIC, Who::Anybody, pages::log,
        "anybody sees the state of the log and checks a proof"),
    page!("/status", PUBLIC, Who::Anybody, pages::status,
        "anybody sees how this board is running, and nothing about any security"),
    page!("/erc7730/{descriptor}", EVERY, Who::Anybody, pages::signing,
        "anybody's wallet reads how to show what is signed here"),
    page!("/assets/{asset}", EVERY, Who::Anybody, pages::asset,
        "anybody gets the script and the stylesheet of the pages"),
];

impl Route {
    /// Whether a caller may use it.
    pub(crate) fn is_for(&self, caller: &Caller) -> bool {
        let part = match self.who {
            Who::Anybody | Who::SignedIn => true,
            Who::Any(parts) => caller.is_any(parts),
        };
        part && caller.reaches(self.scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_there_once_and_says_its_rule() {
        let mut seen = std::collections::BTreeSet::new();
        for route in ROUTES {
            assert!(
                seen.insert((route.path, route.verb)),
                "{} twice",
                route.path
            );
            assert!(
                !route.rule.is_empty() && !route.faces.is_empty(),
                "{}",
                route.path
            );
            // A request that would make a change twice if it were sent twice takes a key, except signing in and out.
            let session = route.path.starts_with("/v1/session");
            assert_eq!(
                route.keyed,
                route.verb == Verb::Post && !session,
                "{}",
                route.path
            );
        }
    }

    /// The router is made from the table: no source file has a route of its own.
    #[test]
    fn no_route_is_made_beside_the_table() {
        let mut paths = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        while let Some(path) = paths.pop() {
            if path.is_dir() {
                paths.extend(
                    std::fs::read_dir(path)
                        .unwrap()
                        .map(|entry| entry.unwrap().path()),
                );
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let made = text.matches(concat!(".rou", "te(")).count();
            let wanted = usize::from(path.ends_with("gate.rs"));
            assert_eq!(made, wanted, "{}", path.display());
        }
    }

    /// The page has every route with its rule, and no others.
    #[test]
    fn the_page_of_the_api_is_the_table() {
        let page = include_str!("../../docs/api.md");
        let wanted: Vec<String> = ROUTES
            .iter()
            .map(|route| {
                let (verb, path, rule) = (route.verb.as_str(), route.path, route.rule);
                format!("| `{verb} {path}` | {rule} |")
            })
            .collect();
        let rows = page
            .lines()
            .filter(|line| line.starts_with("| `") && line.contains(" /"));
        let found: Vec<_> = rows.collect();
        assert_eq!(found, wanted);
    }
}
