//! Room for connections: when there is none, the one that has waited longest without a request makes it.
//!
//! So idle connections keep nobody out, and nothing is queued.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::Notify;

/// Connections without a request, by when they began to wait.
#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    idle: BTreeMap<u64, Arc<Notify>>,
}

/// The connections of one listener.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seats(Arc<Mutex<Waiting>>);

/// One connection.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Seats,
    number: Mutex<Option<u64>>,
    leave: Arc<Notify>,
}

/// A request of a connection, until the last byte of its answer.
#[derive(Debug)]
struct Busy(Arc<Seat>);

/// An answer whose connection is not asked to make room before the answer ends.
struct Held {
    body: Body,
    _busy: Busy,
}

impl Seats {
    /// A seat for a connection, which waits for its first request.
    pub(crate) fn take(&self) -> Arc<Seat> {
        let seat = Arc::new(Seat {
            seats: self.clone(),
            number: Mutex::default(),
            leave: Arc::default(),
        });
        seat.wait();
        seat
    }

    /// Asks the connection that has waited longest to leave.
    pub(crate) fn make_room(&self) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, longest)) = waiting.idle.pop_first() {
            longest.notify_one();
        }
    }
}

impl Seat {
    fn wait(&self) {
        let mut waiting = self.seats.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = waiting.next;
        waiting.next += 1;
        waiting.idle.insert(number, self.leave.clone());
        drop(waiting);
        *self.number.lock().unwrap_or_else(PoisonError::into_inner) = Some(number);
    }

    fn work(&self) {
        let number = self
            .number
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(number) = number {
            let mut waiting = self.seats.0.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.idle.remove(&number);
        }
    }

    /// The signal that asks it to leave, whatever it is doing.
    pub(crate) fn leaving(&self) -> Arc<Notify> {
        self.leave.clone()
    }

    /// Waits until it must make room.
    pub(crate) async fn asked_to_leave(&self) {
        self.leave.notified().await;
    }

    /// Answers a request: the connection keeps its seat until the last byte.
    pub(crate) async fn answering(
        self: Arc<Self>,
        answer: impl Future<Output = axum::response::Response>,
    ) -> axum::response::Response {
        self.work();
        let busy = Busy(self);
        let response = answer.await;
        response.map(|body| Body::new(Held { body, _busy: busy }))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.work();
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.wait();
    }
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn left(seat: &Seat) -> bool {
        seat.asked_to_leave().now_or_never().is_some()
    }

    #[tokio::test]
    async fn whoever_waited_longest_makes_room_and_nobody_who_is_answered() {
        let seats = Seats::default();
        let (first, second, third) = (seats.take(), seats.take(), seats.take());
        let answer = async { axum::response::Response::new(Body::from("a")) };
        let answered = first.clone().answering(answer).await;
        seats.make_room();
        assert!(!left(&first) && left(&second) && !left(&third));
        // The last byte was sent: it waits again, behind the third.
        drop(answered);
        seats.make_room();
        assert!(!left(&first) && left(&third));
        drop(first);
        seats.make_room();
        assert!(seats.0.lock().unwrap().idle.is_empty());
    }
}
