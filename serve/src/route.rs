//! The one table of all routes: what each is called, who may ask for it, and by which rule. The router is made from it, so
//! there is no route beside it.

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
use crate::{keys, log, market, matches, orders, proofs, sign_in, status};

/// A request that has passed every rule of its route.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) app: Arc<App>,
    /// Nobody where the route is open to anybody.
    pub(crate) caller: Option<Caller>,
    /// What stands in the places of the path.
    pub(crate) places: Vec<(String, String)>,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// When the request arrived.
    pub(crate) received_at: Timestamp,
    /// Under which its answer is kept, and the digest of the request: only where the route takes an Idempotency-Key.
    pub(crate) answer: Option<crate::answers::Slot>,
}

impl Call {
    /// Who calls.
    ///
    /// # Errors
    /// 401 on a route that is open to anybody.
    pub(crate) fn caller(&self) -> Result<&Caller, Problem> {
        self.caller.as_ref().ok_or_else(Problem::not_signed_in)
    }

    /// What stands in a place of the path.
    pub(crate) fn place(&self, name: &str) -> &str {
        let mut places = self.places.iter();
        places
            .find(|(found, _)| found == name)
            .map_or("", |(_, value)| value)
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Reply {
    /// JSON.
    ///
    /// # Errors
    /// 500 for what has no JSON.
    pub(crate) fn json(status: StatusCode, data: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_vec(data).map_err(Problem::internal)?;
        Ok(Self::of(status, "application/json", body))
    }

    /// JSON with status 200.
    ///
    /// # Errors
    /// 500 for what has no JSON.
    pub(crate) fn ok(data: &impl Serialize) -> Result<Self, Problem> {
        Self::json(StatusCode::OK, data)
    }

    /// Any content.
    pub(crate) fn of(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Self {
        let kind = (header::CONTENT_TYPE, HeaderValue::from_static(kind));
        Self {
            status,
            body: body.into(),
            headers: vec![kind],
        }
    }

    /// Nothing, with status 204.
    pub(crate) fn empty() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            body: Bytes::new(),
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
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            response.headers_mut().append(name, value);
        }
        response
    }
}

/// What comes of a call.
pub(crate) type Done = Pin<Box<dyn Future<Output = Result<Reply, Problem>> + Send>>;

/// A method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// Looks.
    Get,
    /// Makes.
    Post,
    /// Takes away.
    Delete,
}

impl Verb {
    /// As it stands in a request.
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

/// Who may ask.
#[derive(Debug, Clone, Copy)]
pub enum Who {
    /// Anybody, signed in or not.
    Anybody,
    /// Whoever is signed in.
    SignedIn,
    /// Whoever is one of these.
    Any(&'static [Part]),
}

/// One row of the table.
#[derive(Debug)]
pub struct Route {
    /// The method.
    pub verb: Verb,
    /// The path, with its places in braces.
    pub path: &'static str,
    /// The faces that have it.
    pub faces: &'static [Face],
    /// Who may ask.
    pub who: Who,
    /// The rule, as whoever may not is told it.
    pub rule: &'static str,
    /// What an API key must be scoped for; `None` is for sessions alone.
    pub scope: Option<Scope>,
    /// Whether it takes an Idempotency-Key.
    pub keyed: bool,
    /// What is done.
    pub(crate) run: fn(Call) -> Done,
}

const INVESTOR: Part = Part::Investor;
const TRADER: Part = Part::Staff(Role::Trader);
const PRINCIPAL: Part = Part::Staff(Role::Principal);
const OPERATOR: Part = Part::Staff(Role::Operator);
const RECORDS: Part = Part::Staff(Role::RecordsOfficer);

/// Those who see the whole book.
pub(crate) const WHOLE_BOOK: &[Part] = &[TRADER, PRINCIPAL, RECORDS];
const READERS: &[Part] = &[INVESTOR, TRADER, PRINCIPAL, RECORDS];

const PUBLIC: &[Face] = &[Face::Public];
const PEOPLE: &[Face] = &[Face::Investor, Face::Desk];
const INVESTORS: &[Face] = &[Face::Investor];
const DESK: &[Face] = &[Face::Desk];

/// A row without a scope and without a key, which most of them change.
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
            run: |call| Box::pin($run(call)),
        }
    };
}

/// Every route there is.
#[rustfmt::skip] // A row is a line and its rule.
pub static ROUTES: &[Route] = &[
    route!(Get "/v1/status", PUBLIC, Who::Anybody, Some(Scope::Read), false, status::show,
        "anybody sees how the book and its log stand, and nothing of a security"),
    route!(Get "/log/checkpoint", PUBLIC, Who::Anybody, Some(Scope::Read), false, log::checkpoint,
        "anybody reads the log's checkpoint"),
    route!(Get "/log/tile/{*tile}", PUBLIC, Who::Anybody, Some(Scope::Read), false, log::tile,
        "anybody reads hashes; bodies are never public"),
    route!(Post "/v1/session/challenge", PEOPLE, Who::Anybody, None, false, sign_in::challenge,
        "anybody asks for a text to sign"),
    route!(Post "/v1/session", PEOPLE, Who::Anybody, None, false, sign_in::open,
        "whoever signed the text of this browser is signed in"),
    route!(Get "/v1/session", PEOPLE, Who::SignedIn, Some(Scope::Read), false, sign_in::show,
        "whoever is signed in sees as whom"),
    route!(Delete "/v1/session", PEOPLE, Who::SignedIn, None, false, sign_in::close,
        "whoever is signed in signs out"),
    route!(Get "/v1/keys", PEOPLE, Who::SignedIn, None, false, keys::list,
        "a wallet sees its own API keys, an admin everybody's"),
    route!(Post "/v1/keys", PEOPLE, Who::SignedIn, None, true, keys::add,
        "a signed-in wallet makes API keys for itself, an admin for anybody on the staff"),
    route!(Delete "/v1/keys/{key}", PEOPLE, Who::SignedIn, None, false, keys::end,
        "a wallet ends its own API keys, an admin anybody's"),
    route!(Get "/v1/securities", PEOPLE, Who::Any(READERS), Some(Scope::Read), false, market::list,
        "an investor sees the securities that its wallet may hold now, who sees the whole book all"),
    route!(Get "/v1/securities/{security}/book", PEOPLE, Who::Any(READERS), Some(Scope::Read), false, market::book,
        "whoever sees the security sees its prices"),
    route!(Get "/v1/securities/{security}/lots", PEOPLE, Who::Any(READERS), Some(Scope::Read), false, market::lots,
        "whoever sees the security sees its lots, and nobody sees whose they are"),
    route!(Get "/v1/orders", PEOPLE, Who::Any(READERS), Some(Scope::Read), false, orders::list,
        "an investor sees its own orders; traders, principals and records officers all"),
    route!(Get "/v1/orders/{order}", PEOPLE, Who::Any(READERS), Some(Scope::Read), false, orders::show,
        "an investor sees its own orders; traders, principals and records officers all"),
    route!(Post "/v1/orders", INVESTORS, Who::Any(&[INVESTOR]), Some(Scope::Orders), true, orders::post,
        "an investor posts orders that its own wallet signed"),
    route!(Delete "/v1/orders/{order}", INVESTORS, Who::Any(&[INVESTOR]), Some(Scope::Orders), false, orders::take_off,
        "an investor takes its own orders off the board"),
    route!(Post "/v1/orders/{order}/replace", INVESTORS, Who::Any(&[INVESTOR]), Some(Scope::Orders), true, orders::replace,
        "an investor replaces its own orders"),
    route!(Get "/v1/proofs/{order}", PEOPLE, Who::Any(READERS), Some(Scope::Read), false, proofs::show,
        "whoever may see the order gets the proof that it is in the log"),
    route!(Get "/v1/matches", DESK, Who::Any(&[TRADER, PRINCIPAL, OPERATOR, RECORDS]), Some(Scope::Read), false, matches::list,
        "an operator sees approved matches; traders, principals and records officers all"),
    route!(Get "/v1/matches/{match}", DESK, Who::Any(&[TRADER, PRINCIPAL, OPERATOR, RECORDS]), Some(Scope::Read), false, matches::show,
        "an operator sees approved matches; traders, principals and records officers all"),
    route!(Post "/v1/matches", DESK, Who::Any(&[TRADER]), Some(Scope::Desk), true, matches::propose,
        "a trader proposes"),
    route!(Post "/v1/matches/{match}/approve", DESK, Who::Any(&[PRINCIPAL]), Some(Scope::Desk), true, matches::approve,
        "a principal approves, and never what the same person proposed"),
    route!(Post "/v1/matches/{match}/refuse", DESK, Who::Any(&[TRADER, PRINCIPAL]), Some(Scope::Desk), true, matches::refuse,
        "a trader or a principal refuses"),
    route!(Get "/v1/matches/{match}/preflight", DESK, Who::Any(&[TRADER, PRINCIPAL]), Some(Scope::Desk), false, matches::preflight,
        "a trader or a principal asks whether it would settle"),
];

impl Route {
    /// Whether a caller may ask for it.
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
            // What changes something twice if it is sent twice takes a key, but for signing in and out.
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
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let made = text.matches(concat!(".rou", "te(")).count();
            let wanted = usize::from(path.ends_with("gate.rs"));
            assert_eq!(made, wanted, "{}", path.display());
        }
    }

    /// The page has every route with its rule, and none besides.
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
