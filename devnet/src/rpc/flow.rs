//! Answers are made no faster than the client takes them.
//!
//! The server starts every request of a WebSocket as it arrives, and holds the answers until they are sent.
//! Each connection counts the bytes it holds, and a request waits while there are too many.

use super::server::MAX_RESPONSE;
use jsonrpsee::{
    BatchResponseBuilder, MethodResponse,
    core::middleware::{Batch, BatchEntry, Notification, RpcServiceT},
    types::{
        ErrorObjectOwned, Request,
        error::{INTERNAL_ERROR_CODE, METHOD_NOT_FOUND_CODE},
    },
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::Notify;

/// Bytes of answers that a connection may hold before its next request has to wait.
const MAX_HELD: usize = 4 << 20;

/// The unsent answers of one connection.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// Bytes of answers made and not sent. Other bytes that are sent are subtracted too, so there may be more.
    held: AtomicUsize,
    sent: Notify,
}

impl Flow {
    fn made(&self, bytes: usize) {
        self.held.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The client has taken `bytes`.
    pub(super) fn took(&self, bytes: usize) {
        let less = |held: usize| Some(held.saturating_sub(bytes));
        // The closure never refuses.
        let _ = self
            .held
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        self.sent.notify_one();
    }

    /// Waits until there is room for another answer.
    async fn room(&self) {
        while self.held.load(Ordering::Relaxed) >= MAX_HELD {
            self.sent.notified().await;
        }
        // The next waiter checks for itself.
        self.sent.notify_one();
    }
}

/// The service of one connection, held back by its [`Flow`].
#[derive(Clone, Debug)]
pub(super) struct HeldBack<S> {
    pub(super) service: S,
    pub(super) flow: Arc<Flow>,
}

/// Answers one request. Over HTTP there is nobody to notify, which the server below reports as an internal error.
async fn answer<S>(service: &S, request: Request<'_>) -> MethodResponse
where
    S: RpcServiceT<MethodResponse = MethodResponse> + Sync,
{
    let subscribes = matches!(request.method_name(), "eth_subscribe" | "eth_unsubscribe");
    let id = request.id().into_owned();
    let answer = service.call(request).await;
    if subscribes && answer.as_error_code() == Some(INTERNAL_ERROR_CODE) {
        let words = "notifications not supported over HTTP, use a WebSocket";
        let error = ErrorObjectOwned::owned(METHOD_NOT_FOUND_CODE, words, None::<()>);
        return MethodResponse::error(id, error);
    }
    answer
}

impl<S> RpcServiceT for HeldBack<S>
where
    S: RpcServiceT<
            MethodResponse = MethodResponse,
            NotificationResponse = MethodResponse,
            BatchResponse = MethodResponse,
        > + Clone
        + Send
        + Sync
        + 'static,
{
    type MethodResponse = MethodResponse;
    type NotificationResponse = MethodResponse;
    type BatchResponse = MethodResponse;

    fn call<'a>(&self, request: Request<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let this = self.clone();
        async move {
            this.flow.room().await;
            let answer = answer(&this.service, request).await;
            this.flow.made(answer.as_json().get().len());
            answer
        }
    }

    fn batch<'a>(&self, batch: Batch<'a>) -> impl Future<Output = MethodResponse> + Send + 'a {
        let this = self.clone();
        async move {
            this.flow.room().await;
            let mut answers = BatchResponseBuilder::new_with_limit(MAX_RESPONSE as usize);
            let mut notified = false;
            for entry in batch {
                let answer = match entry {
                    Ok(BatchEntry::Call(request)) => answer(&this.service, request).await,
                    Ok(BatchEntry::Notification(_)) => {
                        notified = true;
                        continue;
                    }
                    Err(error) => {
                        let (error, id) = error.into_parts();
                        MethodResponse::error(id, error)
                    }
                };
                if let Err(too_large) = answers.append(answer) {
                    return too_large;
                }
            }
            if answers.is_empty() && notified {
                return MethodResponse::notification();
            }
            let answer = MethodResponse::from_batch(answers.finish());
            this.flow.made(answer.as_json().get().len());
            answer
        }
    }

    fn notification<'a>(
        &self,
        notification: Notification<'a>,
    ) -> impl Future<Output = MethodResponse> + Send + 'a {
        self.service.notification(notification)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn a_request_waits_until_answers_are_taken() {
        let flow = Flow::default();
        flow.made(MAX_HELD - 1);
        assert!(flow.room().now_or_never().is_some());
        flow.made(1);
        let mut waits = Box::pin(flow.room());
        assert!((&mut waits).now_or_never().is_none());
        flow.took(10);
        assert!(waits.now_or_never().is_some());
        flow.took(usize::MAX);
        flow.made(5);
        assert_eq!(flow.held.load(Ordering::Relaxed), 5);
    }
}
