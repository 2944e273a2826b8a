//! The watcher: one process at a time follows the chain, writes its newest block and its fills into tables that every
//! process reads, and records in the log what counts by the book's rule.

mod eye;

use std::sync::Arc;
use std::time::Duration;

use book::board::Board;
use book::board::lease::Lease;
use book::board::watched::Watched;
use jiff::Timestamp;
use tokio::sync::watch;
use uuid::Uuid;

use crate::lease;
use crate::node::Endpoint;
use crate::trouble::Trouble;
use eye::{Eye, WatchError};

/// The lease of the watching process.
const LEASE: &str = "watcher";

/// How often the newest block is queried.
const LOOK_EACH: Duration = Duration::from_millis(200);

/// A chain that makes a block only when something is sent: the age of its newest block means nothing.
const EMBEDDED: u64 = 412_346;

/// Watches the chain of a book.
#[derive(Debug)]
pub struct Watcher {
    board: Board,
    node: Arc<Endpoint>,
    first_block: u64,
    /// Of this process.
    holder: String,
}

impl Watcher {
    /// A watcher of a book's settlement contract, whose first block is `first_block`.
    pub fn new(board: Board, node: Arc<Endpoint>, first_block: u64) -> Self {
        Self {
            board,
            node,
            first_block,
            holder: Uuid::now_v7().to_string(),
        }
    }

    /// Watches for as long as the process runs, whenever no other process does.
    pub(crate) async fn run(&self, ended: impl Future<Output = ()>, say: impl Fn(&str)) {
        let looking = async |held: watch::Receiver<Option<Lease>>| {
            let mut rounds = lease::rounds(LOOK_EACH);
            let (mut eye, mut trouble) = (None, Trouble::default());
            loop {
                rounds.tick().await;
                let lease = held.borrow().clone();
                let passed = self.pass(&mut eye, lease, &say).await;
                trouble.tell(passed, &say);
            }
        };
        lease::under(&self.board, LEASE, &self.holder, ended, looking).await;
    }

    /// One look at the chain by the holder of the lease.
    async fn pass(
        &self,
        eye: &mut Option<Eye>,
        lease: Option<Lease>,
        say: &impl Fn(&str),
    ) -> Result<(), WatchError> {
        let Some(lease) = lease else {
            *eye = None;
            return Ok(());
        };
        if eye.as_ref().is_none_or(|eye| eye.lease() != lease.number) {
            let chain = self.node.chain().await?.clone();
            *eye = Some(Eye::open(&self.board, &lease, chain, self.first_block).await?);
        }
        let Some(open) = eye else { return Ok(()) };
        let looked = open.look(say).await;
        // What was seen but not written is looked up again, starting from what the tables have.
        if let Err(WatchError::Board(_)) = looked {
            *eye = None;
        }
        looked
    }
}

/// By how many seconds our view of the chain lags: since it was looked at, and by its newest block's own time.
pub(crate) fn lag(watched: &Watched, chain_id: u64, now: Timestamp) -> i64 {
    let looked = now.duration_since(watched.looked_at).as_secs();
    let block = i64::try_from(watched.latest_time).unwrap_or(i64::MAX);
    let made = if chain_id == EMBEDDED {
        0
    } else {
        now.as_second().saturating_sub(block)
    };
    looked.max(made).max(0)
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;

    use super::*;

    #[test]
    fn the_chain_lags_when_it_is_not_looked_at_or_makes_no_blocks() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let watched = Watched {
            looked_at: at(1_000),
            latest: 7,
            latest_hash: B256::ZERO,
            latest_time: 960,
            safe: 6,
            last: 5,
            registry: 0,
        };
        assert_eq!(lag(&watched, 42_161, at(1_002)), 42);
        assert_eq!(lag(&watched, EMBEDDED, at(1_002)), 2);
        assert_eq!(lag(&watched, 42_161, at(1_100)), 140);
        // The clocks of two machines differ.
        assert_eq!(lag(&watched, EMBEDDED, at(990)), 0);
    }
}
