//! What waits for one reader: a short line, since a reader that is too far behind is cut off.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use futures::Stream;
use tokio::sync::Notify;

use super::hub::Hub;
use super::message::Message;

/// How far a reader may be behind, bytes.
pub(crate) const BEHIND: usize = 64 << 10;
/// The same while its first answer is still being made and read.
const BEGINNING: usize = 256 << 10;
/// How long a message may wait for a reader that takes nothing.
const STALLED: Duration = Duration::from_secs(10);
/// How much is handed over at once.
const CHUNK: usize = 16 << 10;

/// Ends the connection by which a request came, whatever part of its answer is still on the way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cutter(pub(crate) Arc<Notify>);

/// How a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// Once everything has been read.
    Ended,
    /// At once.
    Cut,
}

#[derive(Debug)]
struct State {
    /// What is sent before everything else.
    first: Option<Bytes>,
    waiting: VecDeque<Arc<Message>>,
    bytes: usize,
    allowed: usize,
    /// The newest event that was put here.
    newest: u64,
    /// The last id that the reader was sent.
    last: u64,
    /// Since when something has been waiting without anything being taken.
    since: Option<Instant>,
    over: Option<Over>,
    waker: Option<Waker>,
}

/// The line of one reader.
#[derive(Debug)]
pub(crate) struct Line {
    state: Mutex<State>,
    cutter: Cutter,
}

impl Line {
    pub(crate) fn new(cutter: Cutter) -> Self {
        let state = State {
            first: None,
            waiting: VecDeque::new(),
            bytes: 0,
            allowed: BEGINNING,
            newest: 0,
            last: 0,
            since: None,
            over: None,
            waker: None,
        };
        Self {
            state: Mutex::new(state),
            cutter,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends a message; one that repeats an event is left out.
    pub(crate) fn push(&self, message: &Arc<Message>) {
        self.push_at(message, Instant::now());
    }

    /// The same at a given moment, which shows a reader that no longer takes anything.
    pub(crate) fn push_at(&self, message: &Arc<Message>, now: Instant) {
        let mut state = self.state();
        let known = message.seq().is_some_and(|seq| seq <= state.newest);
        if known || state.over.is_some() {
            return;
        }
        let stalled = |since| now.saturating_duration_since(since) >= STALLED;
        if state.since.is_some_and(stalled) {
            return self.cut_off(state);
        }
        state.newest = message.seq().unwrap_or(state.newest);
        state.since.get_or_insert(now);
        state.bytes += message.len();
        state.waiting.push_back(message.clone());
        if state.bytes > state.allowed {
            return self.cut_off(state);
        }
        wake(state);
    }

    fn cut_off(&self, mut state: MutexGuard<'_, State>) {
        state.over = Some(Over::Cut);
        state.waiting = VecDeque::new();
        state.bytes = 0;
        state.first = None;
        wake(state);
        // An answer whose connection takes nothing is not polled.
        self.cutter.0.notify_one();
    }

    /// Whether it accepts nothing more.
    pub(crate) fn is_over(&self) -> bool {
        self.state().over.is_some()
    }

    /// Ends it at once.
    pub(crate) fn cut(&self) {
        self.cut_off(self.state());
    }

    /// Ends it after a last message.
    pub(crate) fn end(&self, message: &Arc<Message>) {
        self.push(message);
        let mut state = self.state();
        state.over.get_or_insert(Over::Ended);
        wake(state);
    }

    /// Begins with `first`, whose last id is `last`: waiting messages that are no newer were covered by it.
    pub(crate) fn begin(&self, first: Vec<u8>, last: u64) {
        let mut state = self.state();
        state.first = Some(first.into());
        state.last = last;
        state.newest = state.newest.max(last);
        state
            .waiting
            .retain(|message| message.seq().is_none_or(|seq| seq > last));
        state.bytes = state.waiting.iter().map(|message| message.len()).sum();
        wake(state);
    }

    fn poll(&self, context: &Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let mut state = self.state();
        if let Some(first) = state.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        if !state.waiting.is_empty() {
            return Poll::Ready(Some(Ok(state.take())));
        }
        match state.over {
            Some(Over::Ended) => Poll::Ready(None),
            Some(Over::Cut) => {
                state.over = Some(Over::Ended);
                let slow = io::Error::new(io::ErrorKind::TimedOut, "the reader is too far behind");
                Poll::Ready(Some(Err(slow)))
            }
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl State {
    fn take(&mut self) -> Bytes {
        let mut out = Vec::with_capacity(self.bytes.min(CHUNK) + 128);
        while out.len() < CHUNK
            && let Some(message) = self.waiting.pop_front()
        {
            self.bytes -= message.len();
            message.write(&mut out, &mut self.last);
        }
        self.since = (!self.waiting.is_empty()).then(Instant::now);
        if self.waiting.is_empty() {
            self.allowed = BEHIND;
        }
        out.into()
    }
}

/// Wakes whoever waits for the line, without holding it.
fn wake(mut state: MutexGuard<'_, State>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// The body of one reader's answer. The reader has left when it is dropped.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) hub: Arc<Hub>,
    pub(crate) number: u64,
    pub(crate) line: Arc<Line>,
}

impl Stream for Feed {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.line.poll(context)
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.hub.leave(self.number);
    }
}

#[cfg(test)]
mod tests {
    use futures::task::noop_waker_ref;
    use serde_json::{Map, Value, json};

    use super::*;

    fn note(seq: u64, size: usize) -> Arc<Message> {
        let text = Value::from("x".repeat(size));
        let members = Map::from_iter([("x".to_owned(), text)]);
        Message::logged(seq, "note", members)
    }

    fn read(line: &Line) -> Poll<Option<io::Result<Bytes>>> {
        line.poll(&Context::from_waker(noop_waker_ref()))
    }

    fn text(line: &Line) -> String {
        match read(line) {
            Poll::Ready(Some(Ok(bytes))) => String::from_utf8(bytes.to_vec()).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_the_first_answer_tells_is_not_told_again() {
        let line = Line::new(Cutter::default());
        for seq in [3, 4, 5] {
            line.push(&note(seq, 1));
        }
        line.begin(b"first".to_vec(), 4);
        line.push(&note(5, 1));
        line.push(&note(6, 1));
        assert_eq!(text(&line), "first");
        let rest = text(&line);
        let ids: Vec<_> = rest.lines().filter(|line| line.starts_with("id")).collect();
        assert_eq!(ids, ["id: 5", "id: 6"]);
        assert!(
            rest.contains("\"after\":4") && rest.contains("\"after\":5"),
            "{rest}"
        );
        assert!(read(&line).is_pending());
    }

    #[test]
    fn who_is_too_far_behind_is_cut_off() {
        let line = Line::new(Cutter::default());
        line.begin(Vec::new(), 0);
        let _ = (text(&line), line.push(&note(1, 1)), text(&line));
        for seq in 2..=63 {
            line.push(&note(seq, 1_000));
        }
        // So far, everything would still be delivered.
        assert_eq!(line.state().over, None);
        line.push(&note(64, 1_000));
        assert!(matches!(read(&line), Poll::Ready(Some(Err(_)))));
        assert!(matches!(read(&line), Poll::Ready(None)));
        line.push(&note(65, 1));
        assert!(matches!(read(&line), Poll::Ready(None)));
    }

    #[test]
    fn who_takes_nothing_for_ten_seconds_is_cut_off() {
        let tick = Message::passing("tick", &json!({}));
        let line = Line::new(Cutter::default());
        line.begin(Vec::new(), 0);
        assert_eq!(text(&line), "");
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        for seconds in [0, 20, 40, 60] {
            line.push_at(&tick, at(seconds));
            let _ = text(&line);
        }
        line.push_at(&tick, at(80));
        line.push_at(&note(1, 1), at(89));
        assert_eq!(line.state().over, None);
        line.push_at(&note(2, 1), at(90));
        assert_eq!(line.state().over, Some(Over::Cut));
    }

    #[test]
    fn an_end_comes_after_everything_else() {
        let line = Line::new(Cutter::default());
        line.begin(Vec::new(), 0);
        line.push(&note(1, 1));
        line.end(&Message::passing("end", &json!({ "code": "ENDING" })));
        line.push(&note(2, 1));
        assert_eq!(text(&line), "");
        let rest = text(&line);
        assert!(
            rest.contains("id: 1") && rest.ends_with("event: end\ndata: {\"code\":\"ENDING\"}\n\n")
        );
        assert!(!rest.contains("id: 2"));
        assert!(matches!(read(&line), Poll::Ready(None)));
    }
}
