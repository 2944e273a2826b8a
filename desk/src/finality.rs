//! How far the chain counts for a book: a fill is recorded once its block is as final as the book's rule requires, no
//! matter who records it. Until then its match stays SUBMITTED, so a fill that vanishes with its block changes nothing
//! recorded.

use book::board::Board;
use book::log::By;
use book::log::fact::Finality;

use crate::chain::{Block, Chain, ChainError};
use crate::error::DeskError;
use crate::fill::Fill;

/// The last block whose content the book records.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Horizon {
    /// The book's rule; a book without one records at the receipt.
    pub rule: Option<Finality>,
    /// The node's block with that tag.
    pub block: Block,
}

impl Horizon {
    /// From the book's rule and the node's tags.
    ///
    /// # Errors
    /// `Board`; `Chain` (`Untrue` when the node has no such tag).
    pub async fn of(board: &Board, chain: &Chain) -> Result<Self, DeskError> {
        Self::behind(board, chain, chain.head().await?).await
    }

    /// The same when the newest block is known.
    ///
    /// # Errors
    /// As `of`.
    pub async fn behind(board: &Board, chain: &Chain, newest: Block) -> Result<Self, DeskError> {
        let rule = board.recording_rule().await?;
        let block = match rule {
            None | Some(Finality::Soft) => newest,
            Some(tag) => chain.tagged(tag).await?,
        };
        Ok(Self { rule, block })
    }

    /// What a block must still become before it counts; `None` when it does. What has a receipt was in a block, even if
    /// the node that reports the newest block does not have it yet.
    pub fn wants(&self, block: u64) -> Option<Finality> {
        let rule = self.rule.filter(|rule| *rule != Finality::Soft)?;
        (block > self.block.number).then_some(rule)
    }
}

/// The words for a tag: what a block with it is.
pub fn words(tag: Finality) -> &'static str {
    match tag {
        Finality::Soft => "in a block",
        Finality::Safe => "safe",
        Finality::Final => "final",
    }
}

/// What became of a fill that was to be recorded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Recording {
    /// It is in the log now.
    New,
    /// It was there already.
    Known,
    /// It waits until its block has become this.
    Waits(Finality),
}

/// Records a fill if its block counts: the one function of `settle`, `sync` and the watcher.
///
/// # Errors
/// `Chain` when the node does not say how far its tag is; `Board`.
pub(crate) async fn record(
    board: &Board,
    chain: &Chain,
    fill: Fill,
    by: &By,
) -> Result<Recording, DeskError> {
    if let Some(tag) = wanted(board, chain, fill.settled.block).await? {
        return Ok(Recording::Waits(tag));
    }
    let recorded = board.record_settled(fill.settled, fill.at, by.clone());
    Ok(match recorded.await? {
        Some(_) => Recording::New,
        None => Recording::Known,
    })
}

/// What a block with a receipt must still become before it counts. The chain is queried only if the rule requires more
/// than the receipt.
async fn wanted(board: &Board, chain: &Chain, block: u64) -> Result<Option<Finality>, DeskError> {
    match board.recording_rule().await? {
        None | Some(Finality::Soft) => Ok(None),
        Some(tag) => {
            let reached = chain.tagged(tag).await?.number;
            Ok((block > reached).then_some(tag))
        }
    }
}

impl Chain {
    /// The block with a tag.
    ///
    /// # Errors
    /// `Unreachable`, `Node`; `Untrue` when there is none.
    pub async fn tagged(&self, tag: Finality) -> Result<Block, ChainError> {
        match tag {
            Finality::Soft => self.head().await,
            Finality::Safe => self.safe().await,
            Finality::Final => self.finalized().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;

    use super::*;

    #[test]
    fn only_a_rule_beyond_the_newest_block_makes_a_fill_wait() {
        let horizon = |rule| Horizon {
            rule,
            block: Block {
                number: 10,
                hash: B256::ZERO,
                time: 1,
            },
        };
        for rule in [None, Some(Finality::Soft)] {
            // The node that answers may be behind the one that gave the receipt.
            assert_eq!(horizon(rule).wants(11), None);
        }
        for tag in [Finality::Safe, Finality::Final] {
            let horizon = horizon(Some(tag));
            assert_eq!((horizon.wants(10), horizon.wants(11)), (None, Some(tag)));
        }
    }
}
