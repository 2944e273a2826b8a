//! What a person sees of the board: HTML made here, from the same functions that answer the JSON routes.
//!
//! Each page is a file with its view and a template of the same name in `serve/templates/`. A page can be read without
//! script; actions on it are JSON calls of the API, made by the script in `web/`.

mod assets;
mod blotter;
mod chart;
mod checks;
mod closest;
mod confirmation;
mod deal;
mod decimals;
mod desk_match;
mod desk_pair;
mod desk_queue;
mod frame;
mod log;
mod market;
mod order;
mod orders;
mod people;
mod period;
mod refused;
mod reports;
mod security;
mod signing;
mod status;
mod time;
mod timeline;
mod waiting;
mod welcome;
mod words;

use askama::Template;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::problem::Problem;
use crate::route::Reply;

pub(crate) use assets::asset;
pub use assets::path as asset_path;
pub(crate) use blotter::blotter;
pub(crate) use confirmation::confirmation;
pub(crate) use desk_match::desk_match;
pub(crate) use desk_pair::desk_pair;
pub(crate) use desk_queue::desk_queue;
pub(crate) use log::log;
pub(crate) use market::market;
pub(crate) use order::order;
pub(crate) use orders::orders;
pub(crate) use people::people;
pub(crate) use refused::refused;
pub(crate) use reports::desk_reports;
pub(crate) use security::security;
pub(crate) use signing::signing;
pub(crate) use status::status;
pub(crate) use welcome::welcome;

const HTML: &str = "text/html; charset=utf-8";

/// How hard a page is compressed: what is made for one reader must not take longer than it saves.
const PAGE_QUALITY: i32 = 5;

/// A page as an answer.
fn html(headers: &HeaderMap, status: StatusCode, page: &impl Template) -> Result<Reply, Problem> {
    let text = page.render().map_err(Problem::internal)?;
    Ok(compressed(headers, status, HTML, text.into_bytes()))
}

/// An answer in brotli if the reader accepts it.
fn compressed(
    headers: &HeaderMap,
    status: StatusCode,
    kind: &'static str,
    plain: Vec<u8>,
) -> Reply {
    let body = takes_brotli(headers).then(|| assets::brotli(&plain, PAGE_QUALITY));
    let reply = match body.flatten() {
        Some(body) => {
            let coding = HeaderValue::from_static("br");
            Reply::of(status, kind, body).with(header::CONTENT_ENCODING, coding)
        }
        None => Reply::of(status, kind, plain),
    };
    reply.with(
        header::VARY,
        HeaderValue::from_static("accept-encoding, cookie"),
    )
}

/// Whether a reader accepts brotli.
fn takes_brotli(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|coding| coding.split(';').map(str::trim))
        .any(|mut parts| parts.next() == Some("br") && parts.next() != Some("q=0"))
}

/// A redirect.
///
/// # Errors
/// 500 for a path that is not a valid location.
fn elsewhere(path: &str) -> Result<Reply, Problem> {
    let place = HeaderValue::from_str(path).map_err(Problem::internal)?;
    let mut reply = Reply::empty().with(header::LOCATION, place);
    reply.status = StatusCode::SEE_OTHER;
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brotli_is_for_those_who_take_it() {
        let takes = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            takes_brotli(&headers)
        };
        assert!(takes("gzip, deflate, br, zstd") && takes("br;q=0.5"));
        assert!(!takes("gzip") && !takes("br;q=0") && !takes("bro"));
        assert!(!takes_brotli(&HeaderMap::new()));
    }
}
