//! Whose board it is, how a trade works, how to come in; for anybody. No security is named.

use askama::Template;
use axum::http::StatusCode;

use super::frame::{Frame, Here};
use super::{elsewhere, html};
use crate::problem::Problem;
use crate::route::{Call, Reply, WHOLE_BOOK};

#[derive(Template)]
#[template(path = "welcome.html")]
struct Welcome {
    frame: Frame,
}

/// `GET /`.
pub(crate) async fn welcome(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    if let Some(caller) = &call.caller {
        let sees_a_market = caller.is_investor() || caller.is_any(WHOLE_BOOK);
        return elsewhere(if sees_a_market { "/market" } else { "/status" });
    }
    let frame = Frame::of(&call.app, None, Here::Welcome, "Welcome").await?;
    html(&call.headers, StatusCode::OK, &Welcome { frame })
}
