//! Errors in the form of RFC 9457: `application/problem+json`, with the command line's code, a hint, and every bad
//! field.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// One bad field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bad {
    /// Where it is: a JSON pointer (RFC 6901) into the body, or the name of a query parameter or header.
    pub pointer: String,
    /// For programs.
    pub code: String,
    /// What was found and what was expected.
    pub detail: String,
}

impl Bad {
    /// A field that breaks a rule, under a code.
    pub fn new(pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            code: code.to_owned(),
            detail: detail.into(),
        }
    }
}

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// For programs: upper case, stable; the command line's where it has one.
    pub code: Cow<'static, str>,
    /// What was found and what was expected.
    pub detail: String,
    /// What to do.
    pub hint: Option<String>,
    /// Every bad field.
    pub errors: Vec<Bad>,
    /// Members that a program needs to go on: the state now, the second at which something ends.
    pub more: Map<String, Value>,
    /// Seconds after which the same request may succeed.
    pub retry_after: Option<u32>,
    /// The internal cause: only for the process log.
    pub cause: Option<String>,
}

impl Problem {
    /// A problem with a status, a code and words.
    pub fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code: code.into(),
            detail: detail.into(),
            hint: None,
            errors: Vec::new(),
            more: Map::new(),
            retry_after: None,
            cause: None,
        }
    }

    /// With a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With bad fields.
    #[must_use]
    pub fn fields(mut self, errors: impl IntoIterator<Item = Bad>) -> Self {
        self.errors.extend(errors);
        self
    }

    /// With a member for programs.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// With the internal cause, which is not shown to the client.
    // A reference would only move the warning to `node_gone` and `internal`, to which `map_err` gives a value.
    #[allow(clippy::needless_pass_by_value)]
    #[must_use]
    pub fn because(mut self, cause: impl ToString) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// With the seconds to wait.
    #[must_use]
    pub fn after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// A malformed request.
    pub fn bad_input(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BAD_INPUT", detail)
    }

    /// One field that breaks a rule.
    pub fn field(
        code: impl Into<Cow<'static, str>>,
        pointer: &str,
        detail: impl Into<String>,
    ) -> Self {
        let (code, detail) = (code.into(), detail.into());
        let bad = Bad::new(pointer, &code, detail.clone());
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail).fields([bad])
    }

    /// No such thing, or not for this caller: the answer does not distinguish the two.
    pub fn not_found(what: &str) -> Self {
        let detail = format!("there is no such {what}, or it is not open to you");
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", detail)
    }

    /// Nobody is signed in.
    pub fn not_signed_in() -> Self {
        let detail = "this needs a session or an API key, and there is none or it has ended";
        Self::new(StatusCode::UNAUTHORIZED, "NOT_SIGNED_IN", detail)
            .hint("sign in: POST /v1/session/challenge, then POST /v1/session")
    }

    /// The caller is not allowed; `rule` says who is.
    pub fn not_allowed(rule: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "NOT_ALLOWED", rule)
    }

    /// The board's state does not allow it now.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "BOARD_REFUSED", detail)
    }

    /// The node did not answer.
    pub fn node_gone(cause: impl ToString) -> Self {
        let detail = "the chain could not be reached: nothing was recorded";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "RPC_UNREACHABLE", detail)
            .after(5)
            .because(cause)
    }

    /// Something that no request should be able to bring about.
    pub fn internal(cause: impl ToString) -> Self {
        let detail = "the server failed: anything that was recorded is on the board";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "FAILED", detail).because(cause)
    }

    /// The response to the request with this id.
    pub fn response(&self, request_id: Uuid) -> Response<Body> {
        let mut body = json!({
            "type": format!("/problems/{}", self.code.to_lowercase().replace('_', "-")),
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
        });
        if let Value::Object(members) = &mut body {
            if let Some(hint) = &self.hint {
                members.insert("hint".into(), hint.as_str().into());
            }
            if !self.errors.is_empty() {
                members.insert("errors".into(), json!(self.errors));
            }
            members.extend(self.more.clone());
        }
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, kind);
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}
