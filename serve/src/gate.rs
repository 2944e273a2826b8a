//! What every request passes, in this order: capacity, Host, route, Origin, caller, limits, role, content, key,
//! handler. The answer gets its headers, and the process log its line.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{RawPathParams, Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::routing::{MethodFilter, MethodRouter};
use futures::FutureExt as _;
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::answers::{self, Found};
use crate::app::App;
use crate::caller::{self, Caller};
use crate::limits::{self, Left};
use crate::pages;
use crate::problem::Problem;
use crate::proxy::shortened;
use crate::query::Query;
use crate::route::{Call, ROUTES, Reply, Route, Verb, Who};
use crate::stream::Cutter;

/// Largest body, bytes.
const BODY: usize = 16 << 10;
/// How long a body may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// How long a request may take to be answered.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// What a page of this server may do: nothing but what is named here.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The peer of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// How a request is identified in answers and logs.
#[derive(Debug, Clone, Copy)]
struct Name {
    id: Uuid,
    client: IpAddr,
}

/// What the log states about a request besides its times.
#[derive(Debug, Clone, Copy)]
struct Matched(&'static Route);

/// What the process log states about a failure.
#[derive(Debug, Clone)]
struct Cause(String);

/// The routes of the app's faces behind the gate.
pub fn router(app: &Arc<App>) -> Router {
    let mut paths: BTreeMap<&str, MethodRouter<Arc<App>>> = BTreeMap::new();
    let offered = |route: &&Route| route.faces.iter().any(|face| app.faces.contains(face));
    for route in ROUTES.iter().filter(offered) {
        let filter = match route.verb {
            Verb::Get => MethodFilter::GET,
            Verb::Post => MethodFilter::POST,
            Verb::Delete => MethodFilter::DELETE,
        };
        let handler =
            move |State(app): State<Arc<App>>, places: RawPathParams, request: Request| {
                answer(app, route, places, request)
            };
        let before = paths.remove(route.path).unwrap_or_default();
        paths.insert(route.path, before.on(filter, handler));
    }
    let mut router = Router::new();
    for (path, methods) in paths {
        router = router.route(
            path,
            methods.fallback(|request: Request| async move {
                let words = "this path does not have that method";
                refused(
                    &request,
                    &Problem::new(StatusCode::METHOD_NOT_ALLOWED, "NO_METHOD", words),
                )
            }),
        );
    }
    router
        .fallback(
            |State(app): State<Arc<App>>, request: Request| async move { nowhere(&app, &request) },
        )
        .with_state(app.clone())
        .layer(from_fn_with_state(app.clone(), pass))
}

fn refused(request: &Request, problem: &Problem) -> Response<Body> {
    let id = request
        .extensions()
        .get::<Name>()
        .map_or(Uuid::nil(), |name| name.id);
    answered(problem, id)
}

/// No route: a page for a client that accepts HTML.
fn nowhere(app: &App, request: &Request) -> Response<Body> {
    let problem = Problem::not_found("route");
    let headers = request.headers();
    let accepted = headers
        .get(header::ACCEPT)
        .and_then(|kinds| kinds.to_str().ok());
    if !accepted.is_some_and(|kinds| kinds.contains("text/html")) {
        return refused(request, &problem);
    }
    let id = request
        .extensions()
        .get::<Name>()
        .map_or(Uuid::nil(), |name| name.id);
    pages::refused(app, headers, &problem, id)
}

/// A problem as a response, with its cause for the log.
fn answered(problem: &Problem, id: Uuid) -> Response<Body> {
    with_cause(problem.response(id), problem)
}

fn with_cause(mut response: Response<Body>, problem: &Problem) -> Response<Body> {
    if let Some(cause) = &problem.cause {
        response.extensions_mut().insert(Cause(cause.clone()));
    }
    response
}

/// Around everything: capacity, host, time, headers, log.
async fn pass(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response<Body> {
    let began = Instant::now();
    let peer = request
        .extensions()
        .get::<Peer>()
        .map_or(Ipv4Addr::LOCALHOST.into(), |peer| peer.0.ip());
    let name = Name {
        id: Uuid::now_v7(),
        client: client(&app, peer, request.headers()),
    };
    request.extensions_mut().insert(name);
    let method = request.method().clone();
    let mut response = match admitted(&app, &request) {
        Ok(_permit) => {
            let within = tokio::time::timeout(ANSWER_WITHIN, next.run(request)).await;
            within.unwrap_or_else(|_| {
                let words = "the request took too long and was abandoned: \
                             it may or may not have been done, check before you repeat it";
                answered(
                    &Problem::new(StatusCode::SERVICE_UNAVAILABLE, "TIMED_OUT", words),
                    name.id,
                )
            })
        }
        Err(Stop::Refused(problem)) => answered(&problem, name.id),
        Err(Stop::Elsewhere(response)) => *response,
    };
    let route = response
        .extensions()
        .get::<Matched>()
        .map(|matched| matched.0);
    let cause = response.extensions_mut().remove::<Cause>();
    dress(&app, response.headers_mut(), name.id);
    let (took, status) = (began.elapsed(), response.status().as_u16());
    let (verb, path) = route.map_or(("other", "none"), |route| (route.verb.as_str(), route.path));
    app.metrics.answered(verb, path, status, took);
    (app.log)(
        &json!({
            "time": app.now(),
            "request_id": name.id,
            "client": shortened(name.client),
            "method": method.as_str(),
            "path": path,
            "status": status,
            "ms": took.as_secs_f64() * 1_000.0,
            "cause": cause.map(|cause| cause.0),
        })
        .to_string(),
    );
    response
}

fn client(app: &App, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let Some(proxies) = &app.proxies else {
        return peer;
    };
    let values = headers.get_all(FORWARDED).iter();
    proxies.client(peer, values.filter_map(|value| value.to_str().ok()))
}

/// Why a request goes no further.
enum Stop {
    Refused(Problem),
    Elsewhere(Box<Response<Body>>),
}

/// A permit for a request that came to the right host.
fn admitted(app: &Arc<App>, request: &Request) -> Result<tokio::sync::OwnedSemaphorePermit, Stop> {
    let room = app.capacity.clone().try_acquire_owned();
    let room = room.map_err(|_| {
        let words = "this process has too many requests under way: nothing was done";
        Stop::Refused(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "BUSY", words).after(1))
    })?;
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let host = host.map(str::to_ascii_lowercase).unwrap_or_default();
    if host == app.url.authority() {
        return Ok(room);
    }
    // Wallets compare the page's domain with the one that is signed.
    if host.strip_prefix("127.0.0.1") == app.url.authority().strip_prefix("localhost")
        && host.starts_with("127.0.0.1")
    {
        let path = request
            .uri()
            .path_and_query()
            .map_or("/", PathAndQuery::as_str);
        if let Ok(location) = HeaderValue::from_str(&format!("{}{path}", app.url)) {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
            response.headers_mut().insert(header::LOCATION, location);
            return Err(Stop::Elsewhere(Box::new(response)));
        }
    }
    let words = format!("this is {}, but the request is for another host", app.url);
    let problem = Problem::new(StatusCode::MISDIRECTED_REQUEST, "OTHER_HOST", words);
    Err(Stop::Refused(problem))
}

/// The headers that every answer has.
fn dress(app: &App, headers: &mut HeaderMap, id: Uuid) {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if app.url.is_https() {
        let value = HeaderValue::from_static("max-age=63072000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(REQUEST_ID, value);
    }
}

/// One request of one route.
async fn answer(
    app: Arc<App>,
    route: &'static Route,
    places: RawPathParams,
    request: Request,
) -> Response<Body> {
    let name = request.extensions().get::<Name>().copied();
    let name = name.unwrap_or(Name {
        id: Uuid::nil(),
        client: Ipv4Addr::LOCALHOST.into(),
    });
    let places = places
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    // A task of its own: a client that hangs up does not leave an act half done.
    let headers = request.headers().clone();
    let work = tokio::spawn(run(app.clone(), route, places, request, name.client));
    let (done, left) = work
        .await
        .unwrap_or_else(|error| (Err(Problem::internal(error)), None));
    let mut response = match done {
        Ok(reply) => reply.response(),
        Err(problem) if route.page => {
            with_cause(pages::refused(&app, &headers, &problem, name.id), &problem)
        }
        Err(problem) => answered(&problem, name.id),
    };
    if let Some(left) = left {
        left.tell(response.headers_mut());
    }
    response.extensions_mut().insert(Matched(route));
    response
}

/// A panic in one request affects that request only.
async fn guarded(run: impl Future<Output = Result<Reply, Problem>>) -> Result<Reply, Problem> {
    let caught = AssertUnwindSafe(run).catch_unwind().await;
    caught.unwrap_or_else(|_| Err(Problem::internal("a handler panicked")))
}

async fn run(
    app: Arc<App>,
    route: &'static Route,
    places: Vec<(String, String)>,
    request: Request,
    client: IpAddr,
) -> (Result<Reply, Problem>, Option<Left>) {
    let received_at = app.now();
    let (parts, body) = request.into_parts();
    let known = known(&app, route, &parts.headers).await;
    let who = limits::client(known.as_ref().ok().and_then(Option::as_ref), client);
    let (within, left) = app.limits.charge(&who, limits::weight(route), received_at);
    let done = async {
        within?;
        let caller = known?;
        if let Some(caller) = &caller
            && !route.is_for(caller)
        {
            return Err(Problem::not_allowed(route.rule));
        }
        perform(app, route, places, parts, body, caller, received_at).await
    };
    (guarded(done).await, Some(left))
}

/// The caller, once it is certain that the call is their own.
async fn known(app: &App, route: &Route, headers: &HeaderMap) -> Result<Option<Caller>, Problem> {
    if route.verb.is_unsafe() {
        same_origin(app, headers)?;
    }
    match route.who {
        // A page shows who is signed in, even where it is open to anybody.
        Who::Anybody if route.page => match caller::of(app, headers).await {
            Ok(caller) => Ok(Some(caller)),
            Err(problem) if problem.status == StatusCode::UNAUTHORIZED => Ok(None),
            Err(problem) => Err(problem),
        },
        Who::Anybody => Ok(None),
        Who::SignedIn | Who::Any(_) => caller::of(app, headers).await.map(Some),
    }
}

/// Runs a request that is allowed.
async fn perform(
    app: Arc<App>,
    route: &'static Route,
    places: Vec<(String, String)>,
    parts: Parts,
    body: Body,
    caller: Option<Caller>,
    received_at: Timestamp,
) -> Result<Reply, Problem> {
    let body = match route.verb {
        Verb::Post => content(&parts.headers, body).await?,
        Verb::Get | Verb::Delete => Bytes::new(),
    };
    let mut answer = None;
    if let Some(caller) = caller.as_ref().filter(|_| route.keyed) {
        let path = format!("{} {}", route.verb.as_str(), parts.uri.path());
        match answers::find(&app, caller, &path, &parts.headers, &body).await? {
            Found::Before(reply) => return Ok(reply),
            Found::Open(slot) => answer = Some(slot),
        }
    }
    let query = Query::of(parts.uri.query())?;
    let cutter = parts.extensions.get::<Cutter>().cloned();
    (route.run)(Call {
        app,
        caller,
        places,
        query,
        headers: parts.headers,
        body,
        received_at,
        answer,
        cutter,
    })
    .await
}

/// A change must come from this site's own pages, or with an API key, which no other site's page has.
fn same_origin(app: &App, headers: &HeaderMap) -> Result<(), Problem> {
    let with_key = caller::has_key(headers);
    let refuse = |header: &str, found: Option<&HeaderValue>| {
        let found = found.map_or("missing".to_owned(), |value| format!("{value:?}"));
        let words = format!("{header} is {found}: changes must come from this site's own pages");
        let problem = Problem::new(StatusCode::FORBIDDEN, "OTHER_ORIGIN", words);
        Err(problem
            .hint("programs use an API key, or send Origin and Sec-Fetch-Site as a browser does"))
    };
    let (origin, site) = (headers.get(header::ORIGIN), headers.get(FETCH_SITE));
    let own = app.url.to_string();
    match origin {
        None if with_key => {}
        Some(found) if found.as_bytes() == own.as_bytes() => {}
        found => return refuse("Origin", found),
    }
    match site {
        None if with_key => Ok(()),
        Some(found) if found == "same-origin" => Ok(()),
        found => refuse("Sec-Fetch-Site", found),
    }
}

/// The JSON body of a request.
async fn content(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let unsupported = |words: &str| {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        Err(Problem::new(status, "NOT_JSON", words))
    };
    if headers.contains_key(header::CONTENT_ENCODING) {
        return unsupported("send the body without Content-Encoding");
    }
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
        return unsupported("send the body as application/json");
    }
    let too_large = || {
        let words = format!("a body can have at most {BODY} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE", words)
    };
    let stated = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    if stated
        .and_then(|length| length.parse::<usize>().ok())
        .is_some_and(|length| length > BODY)
    {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_WITHIN, to_bytes(body, BODY)).await {
        Ok(Ok(body)) => Ok(body),
        // The limit was reached, or the client hung up and hears nothing anyway.
        Ok(Err(_)) => Err(too_large()),
        Err(_) => {
            let words = "the body did not arrive in time";
            Err(Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "TIMED_OUT",
                words,
            ))
        }
    }
}
