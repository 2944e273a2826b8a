//! Idempotency-Keys: the same key and request within a day get the same answer again.
//!
//! Only what was done is kept. A request that was refused changed nothing, and is judged again when it is repeated.

use alloy::primitives::B256;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use book::board::platform::{Answer, Keep};
use book::log::act::digest;
use book::market::record::OrderView;

use crate::app::{App, Turn};
use crate::caller::Caller;
use crate::problem::Problem;
use crate::refusal;
use crate::route::Reply;

/// The header of the key.
const KEY: &str = "idempotency-key";
/// The header of an answer that was given before.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Where the answer to a request is kept.
#[derive(Debug)]
pub(crate) struct Slot {
    /// Whose key, which route, which key.
    pub(crate) id: B256,
    /// The request's digest.
    pub(crate) request: B256,
    /// Nobody else works on it in the meantime.
    _turn: Turn,
}

/// What is known about a request with a key.
#[derive(Debug)]
pub(crate) enum Found {
    /// It was answered before.
    Before(Reply),
    /// It must be done.
    Open(Slot),
}

/// A digest over parts whose boundaries cannot be moved.
fn over(parts: &[&[u8]]) -> B256 {
    let mut all = Vec::new();
    for part in parts {
        all.extend_from_slice(&(part.len() as u64).to_be_bytes());
        all.extend_from_slice(part);
    }
    digest(&all)
}

fn key(headers: &HeaderMap) -> Result<&str, Problem> {
    let hint = "send a new random key with each new request, and the same key when you repeat one";
    let wrong = |words: &str| Err(Problem::bad_input(words).hint(hint));
    let mut values = headers.get_all(KEY).iter();
    let (first, second) = (values.next(), values.next());
    match (first.map(HeaderValue::to_str), second) {
        (Some(Ok(key)), None) if (1..=255).contains(&key.len()) => Ok(key),
        (None, _) => {
            let words = "the header Idempotency-Key is missing";
            Err(Problem::new(StatusCode::BAD_REQUEST, "NO_KEY", words).hint(hint))
        }
        _ => wrong("Idempotency-Key must be one header of 1 to 255 visible characters"),
    }
}

/// The slot of a request, or the answer that is already in it.
///
/// # Errors
/// 400 without a key, 409 while the same request is under way, 422 for the key of another request, 503.
pub(crate) async fn find(
    app: &App,
    caller: &Caller,
    path: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Found, Problem> {
    let key = key(headers)?;
    let id = over(&[caller.keyring().as_bytes(), path.as_bytes(), key.as_bytes()]);
    let request = over(&[path.as_bytes(), body]);
    let turn = app.running.begin(id).ok_or_else(|| {
        let words = "the same request is under way: its answer is not known yet";
        Problem::new(StatusCode::CONFLICT, "UNDER_WAY", words).after(1)
    })?;
    let known = app.board.answer(id).await.map_err(refusal::board)?;
    Ok(match known {
        None => Found::Open(Slot {
            id,
            request,
            _turn: turn,
        }),
        Some(known) if known.request == request => Found::Before(replayed(known)?),
        Some(_) => {
            let words =
                "this key was already used for another request: use a new key for a new request";
            return Err(Problem::field("KEY_REUSED", "Idempotency-Key", words));
        }
    })
}

fn replayed(answer: Answer) -> Result<Reply, Problem> {
    let status = StatusCode::from_u16(answer.status).map_err(Problem::internal)?;
    let reply = Reply::of(status, "application/json", answer.body);
    Ok(reply.with(REPLAYED, HeaderValue::from_static("true")))
}

impl Slot {
    /// The answer to a posting, to be kept in its commit.
    pub(crate) fn keep(&self, render: impl Fn(&OrderView) -> String + Send + 'static) -> Keep {
        Keep {
            id: self.id,
            request: self.request,
            render: Box::new(move |order| (201, render(order))),
        }
    }

    /// Keeps the answer to what was done in a commit of its own. Were the process killed between the two, the same request
    /// would find the act on the board: it is signed, and counts once.
    ///
    /// # Errors
    /// 503.
    pub(crate) async fn fill(&self, app: &App, reply: &Reply) -> Result<(), Problem> {
        let answer = Answer {
            request: self.request,
            status: reply.status.as_u16(),
            body: String::from_utf8_lossy(reply.body.bytes()).into_owned(),
        };
        app.board
            .keep_answer(self.id, answer)
            .await
            .map_err(refusal::board)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_header_of_1_to_255_characters() {
        let with = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(KEY, HeaderValue::from_str(value).unwrap());
            }
            headers
        };
        assert_eq!(key(&with(&["a"])), Ok("a"));
        let long = "x".repeat(255);
        assert_eq!(key(&with(&[&long])), Ok(long.as_str()));
        let missing = key(&with(&[])).unwrap_err();
        assert_eq!(
            (missing.status.as_u16(), missing.code.as_ref()),
            (400, "NO_KEY")
        );
        for values in [&[""][..], &["a", "b"], &[&"x".repeat(256)]] {
            assert_eq!(key(&with(values)).unwrap_err().code, "BAD_INPUT");
        }
    }

    #[test]
    fn what_is_digested_cannot_be_moved_from_one_part_to_the_next() {
        assert_ne!(over(&[b"ab", b"c"]), over(&[b"a", b"bc"]));
        assert_eq!(over(&[b"ab", b"c"]), over(&[b"ab", b"c"]));
    }
}
