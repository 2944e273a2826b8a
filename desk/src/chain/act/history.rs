//! Whether a chain is the one that a book knows.

use book::board::Board;
use book::log::body::ChainSynced;

use crate::chain::client::Chain;
use crate::chain::error::ChainError;

/// The block up to which the book has read the chain, which the chain must still have.
///
/// # Errors
/// `OtherHistory`, `Board`, `Chain`.
pub async fn last_synced(chain: &Chain, board: &Board) -> Result<Option<ChainSynced>, ChainError> {
    let Some(known) = board.last_synced().await? else {
        return Ok(None);
    };
    let found = chain.block(known.block).await?.map(|block| block.hash);
    if found == Some(known.block_hash) {
        return Ok(Some(known));
    }
    Err(ChainError::OtherHistory {
        block: known.block,
        known: known.block_hash,
        found,
    })
}

/// The block that was synced last, and the last transaction that was recorded since.
pub(super) async fn check(chain: &Chain, board: &Board) -> Result<(), ChainError> {
    last_synced(chain, board).await?;
    match board.last_transaction_since_sync().await? {
        Some(tx_hash) if chain.receipt(tx_hash).await?.is_none() => {
            Err(ChainError::UnknownTransaction(tx_hash))
        }
        _ => Ok(()),
    }
}
