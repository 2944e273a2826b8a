//! The node that a fork reads from: standard JSON-RPC over HTTP, in batches.

use super::ForkError;
use alloy::{
    primitives::Bytes,
    rpc::client::{ClientBuilder, RpcClient},
    transports::{RpcError, TransportErrorKind, http::reqwest, layers::RetryBackoffLayer},
};
use serde_json::{Value, value::RawValue};
use std::{sync::mpsc, thread, time::Duration};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often a request is repeated that the remote refuses because of its rate limit, and the milliseconds
/// between two attempts.
const RETRIES: u32 = 10;
const BACKOFF: u64 = 500;
/// The remote's compute units per second, as public nodes sell them.
const UNITS_PER_SECOND: u64 = 330;

/// Characters kept of the node's own words.
const EXCERPT: usize = 200;

/// One request of a batch.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) params: Value,
}

/// The remote's answer to one request when it has no result.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) message: String,
    /// What a call reverted with.
    pub(super) data: Option<Bytes>,
}

pub(super) type Answer = Result<Value, Refusal>;

struct Job {
    requests: Vec<Request>,
    reply: mpsc::Sender<Result<Vec<Answer>, ForkError>>,
}

/// A connection to the remote. Callers block; the requests are made on a separate thread, so that it does
/// not matter which thread calls.
#[derive(Clone, Debug)]
pub(super) struct Remote {
    url: String,
    jobs: UnboundedSender<Job>,
}

impl Remote {
    /// The node at `url`; no request is made yet.
    ///
    /// # Errors
    /// [`ForkError::Url`], [`ForkError::Unreachable`] when the system refuses to start a thread.
    pub(super) fn new(url: &str) -> Result<Self, ForkError> {
        let parsed: reqwest::Url = url.parse().map_err(|error| ForkError::Url {
            url: url.into(),
            what: format!("{error}"),
        })?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(ForkError::Url {
                url: url.into(),
                what: format!("expected http or https, not {}", parsed.scheme()),
            });
        }
        let failed = |error: &dyn std::fmt::Display| ForkError::Unreachable {
            host: host(&parsed),
            what: error.to_string(),
        };
        // An error means that another part of this process was first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .build()
            .map_err(|error| failed(&error))?;
        let client = ClientBuilder::default()
            .layer(RetryBackoffLayer::new(RETRIES, BACKOFF, UNITS_PER_SECOND))
            .http_with_client(http, parsed.clone());
        let (jobs, mut queue) = unbounded_channel::<Job>();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| failed(&error))?;
        let name = host(&parsed);
        thread::Builder::new()
            .name("devnet-fork".into())
            .spawn(move || {
                runtime.block_on(async {
                    while let Some(job) = queue.recv().await {
                        let (client, host) = (client.clone(), name.clone());
                        tokio::spawn(async move {
                            // The caller may be gone.
                            let _ = job.reply.send(ask(&client, job.requests, &host).await);
                        });
                    }
                });
            })
            .map_err(|error| failed(&error))?;
        Ok(Self {
            url: host(&parsed),
            jobs,
        })
    }

    /// The remote's host: the part that can be shown of a URL that may contain a key.
    pub(super) fn host(&self) -> &str {
        &self.url
    }

    /// Sends all `requests` at once; returns the answers in the same order.
    ///
    /// # Errors
    /// [`ForkError::Unreachable`] when there is no answer at all.
    pub(super) fn ask(&self, requests: Vec<Request>) -> Result<Vec<Answer>, ForkError> {
        let (reply, answer) = mpsc::channel();
        let gone = |_| ForkError::Unreachable {
            host: self.url.clone(),
            what: "the thread that reads from it has ended".into(),
        };
        self.jobs
            .send(Job { requests, reply })
            .map_err(|error| gone(error.to_string()))?;
        answer.recv().map_err(|error| gone(error.to_string()))?
    }
}

/// Host and port of `url`.
fn host(url: &reqwest::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.into(),
    }
}

async fn ask(
    client: &RpcClient,
    requests: Vec<Request>,
    host: &str,
) -> Result<Vec<Answer>, ForkError> {
    let unreachable = |error: RpcError<TransportErrorKind>| ForkError::Unreachable {
        host: host.into(),
        what: excerpt(&error.to_string()),
    };
    let mut batch = client.new_batch();
    let mut waiting = Vec::with_capacity(requests.len());
    for request in &requests {
        let answer = batch.add_call::<_, Value>(request.method, &request.params);
        waiting.push(answer.map_err(unreachable)?);
    }
    let mut answers = Vec::with_capacity(waiting.len());
    match batch.send().await {
        Ok(()) => {
            for answer in waiting {
                answers.push(answered(answer.await).map_err(unreachable)?);
            }
        }
        // When one request of a batch is refused, the layer that repeats requests has no answers to the
        // others.
        Err(RpcError::ErrorResp(_)) => {
            for request in requests {
                let answer = client.request::<_, Value>(request.method, request.params);
                answers.push(answered(answer.await).map_err(unreachable)?);
            }
        }
        Err(error) => return Err(unreachable(error)),
    }
    Ok(answers)
}

/// A result or a refusal; any other error is not an answer of the remote.
fn answered(
    outcome: Result<Value, RpcError<TransportErrorKind>>,
) -> Result<Answer, RpcError<TransportErrorKind>> {
    match outcome {
        Ok(value) => Ok(Ok(value)),
        Err(RpcError::ErrorResp(payload)) => Ok(Err(Refusal {
            message: excerpt(&payload.message),
            data: payload.data.as_deref().and_then(revert_data),
        })),
        Err(error) => Err(error),
    }
}

/// The beginning of the node's words, on one line: they can be a page of HTML, or contain control characters.
pub(super) fn excerpt(words: &str) -> String {
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    words
        .chars()
        .filter(|c| !c.is_control())
        .take(EXCERPT)
        .collect()
}

fn revert_data(data: &RawValue) -> Option<Bytes> {
    serde_json::from_str(data.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_one_short_line() {
        assert_eq!(
            excerpt("<html>\r\n  \u{1b}[31mgone\u{7}"),
            "<html> [31mgone"
        );
        assert_eq!(excerpt(&"x".repeat(1_000_000)).len(), EXCERPT);
    }
}
