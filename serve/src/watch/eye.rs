//! What the holder of the watcher's lease remembers between two looks.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use alloy::primitives::Address;
use book::board::act::FROM_CHAIN;
use book::board::lease::Lease;
use book::board::watched::{Look, Watched};
use book::board::{Board, BoardError};
use book::log::By;
use book::log::fact::Finality;
use book::market::matching::MatchState;
use desk::chain::{Block, Chain, ChainError};
use desk::follow::{Follower, Glance};
use desk::{DeskError, sync};

/// How often the node is asked what is safe and final, and the look is recorded in the tables.
const TAGS_EACH: Duration = Duration::from_secs(1);

/// Why a look failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum WatchError {
    /// The node did not answer, or gave a wrong answer.
    #[error("the chain cannot be watched: {0}")]
    Chain(#[from] ChainError),
    /// The book cannot be read or written.
    #[error("the watcher cannot write: {0}")]
    Board(#[from] BoardError),
    /// What the chain has does not fit the book.
    #[error("what the chain has cannot be recorded: {0}")]
    Desk(DeskError),
}

impl From<DeskError> for WatchError {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Board(error) => Self::Board(error),
            DeskError::Chain(error) => Self::Chain(error),
            other => Self::Desk(other),
        }
    }
}

/// The chain as it was at the last look.
#[derive(Debug)]
pub(super) struct Eye {
    /// Writes under the lease.
    board: Board,
    lease: u64,
    chain: Chain,
    settlement: Address,
    first_block: u64,
    follower: Follower,
    latest: Option<Block>,
    registry: u64,
    /// Blocks with something that the log has not recorded yet.
    due: BTreeSet<u64>,
    /// What the log lacks is not known: the chain is read from where the log was last synced.
    behind: bool,
    tags_at: Option<Instant>,
}

impl Eye {
    /// Opens where the previous watcher stopped.
    pub(super) async fn open(
        board: &Board,
        lease: &Lease,
        chain: Chain,
        first_block: u64,
    ) -> Result<Self, WatchError> {
        let board = board.under(lease);
        let watched = board.watched().await?;
        let book = board.identity();
        let (settlement, coin) = (book.contract, book.payment);
        let places = (settlement, coin);
        let follower = Follower::from(chain.clone(), places, first_block, watched.as_ref());
        Ok(Self {
            follower: follower.await?,
            registry: watched.map_or(0, |watched| watched.registry),
            lease: lease.number,
            board,
            chain,
            settlement,
            first_block,
            latest: None,
            due: BTreeSet::new(),
            behind: true,
            tags_at: None,
        })
    }

    /// The number of its lease.
    pub(super) fn lease(&self) -> u64 {
        self.lease
    }

    /// Looks at the chain, writes what other processes show, and records what counts.
    pub(super) async fn look(&mut self, say: &impl Fn(&str)) -> Result<(), WatchError> {
        let tags = self.tags_at.is_none_or(|at| at.elapsed() >= TAGS_EACH);
        let securities = self.board.securities().await?;
        let tokens: Vec<Address> = securities.iter().map(|security| security.token).collect();
        let glance = self.follower.look(&tokens, tags).await?;
        let moved = self.latest != Some(glance.latest);
        let registry = match glance.registry {
            // After a reorganisation a later block may be gone.
            Some(block) if glance.reorganised => block,
            Some(block) => self.registry.max(block),
            None => self.registry,
        };
        if tags || glance.reorganised || !glance.fills.is_empty() || registry != self.registry {
            self.board
                .record_look(&self.told(&glance, registry))
                .await?;
        }
        if tags {
            self.tags_at = Some(Instant::now());
        }
        if glance.reorganised {
            self.due.retain(|block| *block < glance.from);
            self.behind = true;
            let (from, latest) = (glance.from, glance.latest.number);
            say(&format!(
                "the chain was reorganised: its blocks from {from} on were replaced, the newest is {latest}"
            ));
        }
        self.due.extend(&glance.due);
        (self.latest, self.registry) = (Some(glance.latest), registry);
        if moved || tags {
            self.record(&glance, say).await?;
        }
        Ok(())
    }

    /// What is recorded of a look.
    fn told(&self, glance: &Glance, registry: u64) -> Look {
        Look {
            watched: Watched {
                looked_at: self.board.store().clock().now(),
                latest: glance.latest.number,
                latest_hash: glance.latest.hash,
                latest_time: glance.latest.time,
                safe: glance.safe,
                last: glance.last,
                registry,
            },
            from: glance.from,
            fills: glance.fills.clone(),
        }
    }

    /// Records in the log what counts by the book's rule.
    async fn record(&mut self, glance: &Glance, say: &impl Fn(&str)) -> Result<(), WatchError> {
        let reached = match self.board.recording_rule().await? {
            None | Some(Finality::Soft) => glance.latest.number,
            Some(Finality::Safe) => glance.safe,
            Some(Finality::Final) => glance.last,
        };
        let (board, chain, by) = (&self.board, &self.chain, By::new(FROM_CHAIN));
        let counts = self.due.first().is_some_and(|block| *block <= reached);
        if counts || self.behind {
            let synced = sync::follow(board, chain, self.settlement, self.first_block, &by).await?;
            self.behind = false;
            self.due.retain(|block| *block > synced.to);
            for words in &synced.strange {
                say(words);
            }
            for left in &synced.left {
                let (id, owner, why) = (left.id, left.owner, &left.why);
                say(&format!(
                    "order {id} of {owner} is registered on chain but not on the board: {why}"
                ));
            }
            return Ok(());
        }
        for state in [MatchState::Submitted, MatchState::Unknown] {
            if !board.matches(Some(state)).await?.is_empty() {
                sync::resolve_in_flight(board, chain, self.settlement, &by).await?;
                break;
            }
        }
        Ok(())
    }
}
