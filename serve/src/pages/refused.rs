//! A page that is not shown, and why: the same for a security that may not be seen and for one that does not exist.

use askama::Template;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use uuid::Uuid;

use super::frame::Frame;
use super::{elsewhere, html};
use crate::app::App;
use crate::problem::Problem;
use crate::route::Reply;

#[derive(Template)]
#[template(path = "refused.html")]
struct Refused<'a> {
    frame: Frame,
    heading: &'static str,
    words: &'a str,
    problem: &'a Problem,
    request_id: Uuid,
}

/// The heading.
fn heading(status: StatusCode) -> &'static str {
    match status.as_u16() {
        403 => "This page is not open to you",
        404 => "There is no such page",
        429 => "Too many requests",
        503 => "Not available now",
        _ => "This did not work",
    }
}

/// The page of a problem; a reader who is not signed in is redirected to the welcome page.
pub(crate) fn refused(
    app: &App,
    headers: &HeaderMap,
    problem: &Problem,
    request_id: Uuid,
) -> Response<Body> {
    if problem.status == StatusCode::UNAUTHORIZED {
        let away = elsewhere("/");
        return away.map_or_else(|problem| problem.response(request_id), Reply::response);
    }
    let page = Refused {
        frame: Frame::bare(app, heading(problem.status)),
        heading: heading(problem.status),
        words: &problem.detail,
        problem,
        request_id,
    };
    let Ok(reply) = html(headers, problem.status, &page) else {
        return problem.response(request_id);
    };
    let mut response = reply.response();
    if let Some(seconds) = problem.retry_after {
        let seconds = HeaderValue::from(seconds);
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}
