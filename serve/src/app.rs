//! What every request of a process shares.

use std::collections::HashSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use alloy::primitives::B256;
use book::board::{Board, BoardError};
use jiff::Timestamp;
use tokio::sync::Semaphore;

use crate::config::{Face, PublicUrl};
use crate::holdings::Holdings;
use crate::house::House;
use crate::limits::{self, Limits};
use crate::metrics::Metrics;
use crate::node::Node;
use crate::outlet::Exception;
use crate::proxy::Proxies;
use crate::sides::Sides;
use crate::sight::Sights;
use crate::stream::Hub;
use crate::terms::Consents;
use crate::token::{Cursors, Lots};

/// Requests worked on at once; beyond that the answer is 503, since a queue would only grow.
const CAPACITY: usize = 512;

/// The platform of one process.
pub struct App {
    pub(crate) board: Board,
    pub(crate) node: Arc<dyn Node>,
    pub(crate) url: PublicUrl,
    pub(crate) faces: Vec<Face>,
    pub(crate) proxies: Option<Proxies>,
    pub(crate) cursors: Cursors,
    pub(crate) lots: Lots,
    pub(crate) sights: Sights,
    pub(crate) sides: Sides,
    pub(crate) holdings: Holdings,
    /// What only the broker-dealer can state.
    pub(crate) house: House,
    pub(crate) consents: Consents,
    pub(crate) running: Running,
    /// Everybody who is sent changes as they happen.
    pub(crate) streams: Arc<Hub>,
    pub(crate) limits: Limits,
    pub(crate) capacity: Arc<Semaphore>,
    pub(crate) metrics: Metrics,
    /// Where webhooks may be sent besides port 443 of public addresses.
    pub(crate) exceptions: Vec<Exception>,
    /// Whether this process takes requests: no longer once it is told to shut down.
    pub(crate) ready: AtomicBool,
    /// Where log lines go.
    pub(crate) log: fn(&str),
}

impl App {
    /// A platform on a book.
    ///
    /// # Errors
    /// The store's.
    pub async fn new(
        board: Board,
        node: Arc<dyn Node>,
        url: PublicUrl,
        faces: Vec<Face>,
        proxies: Option<Proxies>,
    ) -> Result<Self, BoardError> {
        let cursors = Cursors::new(board.secret("cursors").await?);
        let lots = Lots::new(board.secret("lots").await?);
        Ok(Self {
            board,
            node,
            url,
            faces,
            proxies,
            cursors,
            lots,
            sights: Sights::default(),
            sides: Sides::default(),
            holdings: Holdings::default(),
            house: House::default(),
            consents: Consents::default(),
            running: Running::default(),
            streams: Arc::default(),
            limits: Limits::new(limits::DEFAULT),
            capacity: Arc::new(Semaphore::new(CAPACITY)),
            metrics: Metrics::default(),
            exceptions: Vec::new(),
            ready: AtomicBool::new(true),
            log: |line| eprintln!("{line}"),
        })
    }

    /// The same, with another budget of weights a minute for each client.
    #[must_use]
    pub fn limited(mut self, per_minute: u32) -> Self {
        self.limits = Limits::new(per_minute);
        self
    }

    /// The same, with places where webhooks may be sent besides port 443 of public addresses.
    #[must_use]
    pub fn excepting(mut self, exceptions: Vec<Exception>) -> Self {
        self.exceptions = exceptions;
        self
    }

    /// The same, with what only the broker-dealer can state.
    #[must_use]
    pub fn housed(mut self, house: House) -> Self {
        self.house = house;
        self
    }

    /// The same, sending its readers a sign of life at another interval.
    #[must_use]
    pub fn ticking(self, each: Duration) -> Self {
        self.streams.ticking(each);
        self
    }

    /// Ends every stream: the readers are told to connect again.
    pub fn end_streams(&self) {
        self.streams.end();
    }

    /// The same, without logging.
    #[must_use]
    pub fn silent(mut self) -> Self {
        self.log = |_| ();
        self
    }

    /// The store's time: every age is computed from it.
    pub(crate) fn now(&self) -> Timestamp {
        self.board.store().clock().now()
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// Requests with an Idempotency-Key that this process is working on.
#[derive(Debug, Default, Clone)]
pub(crate) struct Running(Arc<Mutex<HashSet<B256>>>);

/// One of them; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Turn(Running, B256);

impl Running {
    /// Begins one; `None` while the same request is under way.
    pub(crate) fn begin(&self, id: B256) -> Option<Turn> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.insert(id).then(|| Turn(self.clone(), id))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut running = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.remove(&self.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_worked_on_once_at_a_time() {
        let running = Running::default();
        let id = B256::repeat_byte(1);
        let turn = running.begin(id);
        assert!(turn.is_some() && running.begin(id).is_none());
        assert!(running.begin(B256::repeat_byte(2)).is_some());
        drop(turn);
        assert!(running.begin(id).is_some());
    }
}
