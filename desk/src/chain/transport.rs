//! JSON-RPC over HTTP with a node that is not trusted to behave: every request ends in time, an answer has a bound, and
//! a node that is busy is asked again.

use std::task::{Context, Poll};
use std::time::Duration;

use alloy::rpc::json_rpc::{RequestPacket, ResponsePacket};
use alloy::transports::http::reqwest::{self, Client, StatusCode, Url, header};
use alloy::transports::{TransportError, TransportErrorKind, TransportFut};
use tower_service::Service;

use crate::http;

/// Longest answer that is read, bytes. The logs of 5,000 full blocks fit in.
const LONGEST: usize = 64 << 20;
/// How often a busy node is retried.
const RETRIES: u32 = 3;
/// Before the first time; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Longest pause that a node's `Retry-After` can impose.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Characters of a strange answer that are shown.
const EXCERPT: usize = 80;

/// One endpoint.
#[derive(Clone, Debug)]
pub(super) struct Http {
    client: Client,
    url: Url,
    timeout: Duration,
}

impl Http {
    /// `timeout` is for one request, from connecting to the last byte of its answer.
    pub(super) fn new(url: Url, timeout: Duration) -> reqwest::Result<Self> {
        let client = http::client(&url, timeout)?;
        Ok(Self {
            client,
            url,
            timeout,
        })
    }

    /// The same endpoint over the same connections, with less time for a request.
    pub(super) fn within(&self, timeout: Duration) -> Self {
        Self {
            timeout: self.timeout.min(timeout),
            ..self.clone()
        }
    }

    /// Sends the same bytes until the node is not busy. That is safe for a transaction as well: its hash stays the
    /// same.
    async fn exchange(self, request: RequestPacket) -> Result<ResponsePacket, TransportError> {
        let body = serde_json::to_vec(&request).map_err(TransportError::ser_err)?;
        let mut pause = FIRST_PAUSE;
        for _ in 0..RETRIES {
            match self.once(body.clone()).await? {
                Reply::Packet(packet) => return Ok(packet),
                Reply::Busy { after, .. } => {
                    tokio::time::sleep(after.unwrap_or(pause).min(LONGEST_PAUSE)).await;
                    pause *= 2;
                }
            }
        }
        match self.once(body).await? {
            Reply::Packet(packet) => Ok(packet),
            Reply::Busy { status, words, .. } => Err(strange(status, &words)),
        }
    }

    async fn once(&self, body: Vec<u8>) -> Result<Reply, TransportError> {
        // The URL may contain a key of the endpoint.
        let lost = |error: reqwest::Error| TransportErrorKind::custom(error.without_url());
        let mut response = self
            .client
            .post(self.url.clone())
            .timeout(self.timeout)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .send()
            .await
            .map_err(lost)?;
        let status = response.status();
        let after = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if bytes.len() + chunk.len() > LONGEST {
                let words = format!("its answer is longer than {} MiB", LONGEST >> 20);
                return Err(TransportErrorKind::custom_str(&words));
            }
            bytes.extend_from_slice(&chunk);
        }
        match serde_json::from_slice(&bytes) {
            Ok(packet) if !is_busy(status) => Ok(Reply::Packet(packet)),
            _ if is_busy(status) => Ok(Reply::Busy {
                status,
                after,
                words: bytes,
            }),
            _ => Err(strange(status, &bytes)),
        }
    }
}

/// What came back.
enum Reply {
    Packet(ResponsePacket),
    Busy {
        status: StatusCode,
        after: Option<Duration>,
        words: Vec<u8>,
    },
}

/// Too many requests, or a gateway whose node is away for a moment.
fn is_busy(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 500 | 502 | 503 | 504)
}

/// The error for an answer that is not JSON-RPC, with its beginning: there a login page or an error page names itself.
fn strange(status: StatusCode, bytes: &[u8]) -> TransportError {
    let text: String = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * EXCERPT)])
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .filter(|c| !c.is_control())
        .take(EXCERPT)
        .collect();
    let words = format!("HTTP {status}, not JSON-RPC but \"{text}\"");
    TransportErrorKind::custom_str(&words)
}

impl Service<RequestPacket> for Http {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: RequestPacket) -> Self::Future {
        Box::pin(self.clone().exchange(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strange_answer_is_quoted_short_and_without_control_characters() {
        let page = format!("<html>\n  <h1>\u{1b}[31m502\u{7}</h1>{}", "x".repeat(500));
        let words = strange(StatusCode::BAD_GATEWAY, page.as_bytes()).to_string();
        assert!(
            words
                .starts_with("HTTP 502 Bad Gateway, not JSON-RPC but \"<html> <h1>[31m502</h1>xxx"),
            "{words}"
        );
        assert!(words.len() < 160 && !words.contains(char::is_control));
    }

    #[test]
    fn only_answers_that_may_change_by_themselves_are_asked_for_again() {
        let busy = |code| is_busy(StatusCode::from_u16(code).unwrap());
        assert!([429, 500, 502, 503, 504].into_iter().all(busy));
        assert!(![200, 301, 400, 401, 403, 404].into_iter().any(busy));
    }
}
