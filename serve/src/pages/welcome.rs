//! Whose board it is, how a trade works, how to sign in; for anybody. No security is named.

use askama::Template;
use axum::http::StatusCode;
use book::log::staff::Role;

use super::frame::{Frame, Here};
use super::{elsewhere, html};
use crate::caller::{Caller, Part};
use crate::config::Face;
use crate::problem::Problem;
use crate::route::{Call, Reply, WHOLE_BOOK};

#[derive(Template)]
#[template(path = "welcome.html")]
struct Welcome {
    frame: Frame,
}

/// The first page for a signed-in caller, among those that this process offers.
fn first(faces: &[Face], caller: &Caller) -> &'static str {
    let operator = Part::Staff(Role::Operator);
    if caller.is_investor() {
        "/market"
    } else if !faces.contains(&Face::Desk) {
        "/status"
    } else if caller.is_any(WHOLE_BOOK) || caller.is_any(&[operator]) {
        "/desk"
    } else {
        "/desk/people"
    }
}

/// `GET /`.
pub(crate) async fn welcome(call: Call) -> Result<Reply, Problem> {
    call.query.end()?;
    if let Some(caller) = &call.caller {
        return elsewhere(first(&call.app.faces, caller));
    }
    let frame = Frame::of(&call.app, None, Here::Welcome, "Welcome").await?;
    html(&call.headers, StatusCode::OK, &Welcome { frame })
}
