//! Looking for logs.

use super::{Chain, block::Block, error::ChainError};
use alloy::{
    eips::BlockNumberOrTag,
    rpc::types::{Filter, FilterBlockOption, Log},
};
use std::sync::Arc;

/// The most logs in an answer; more are an error, not cut off.
pub const MAX_LOGS: usize = 100_000;

/// Appends the logs of `block` that match `filter` to `found`.
pub(crate) fn matching_logs(block: &Block, filter: &Filter, found: &mut Vec<Log>) {
    if !filter.matches_bloom(block.header.logs_bloom) {
        return;
    }
    for (index, (transaction, receipt)) in
        block.transactions.iter().zip(&block.receipts).enumerate()
    {
        for (log, log_index) in receipt.logs.iter().zip(receipt.first_log_index..) {
            if filter.matches(log) {
                found.push(Log {
                    inner: log.clone(),
                    block_hash: Some(block.hash),
                    block_number: Some(block.number()),
                    block_timestamp: Some(block.timestamp()),
                    transaction_hash: Some(transaction.hash()),
                    transaction_index: Some(index as u64),
                    log_index: Some(log_index),
                    removed: false,
                });
            }
        }
    }
}

impl Chain {
    /// The logs that match `filter`, oldest first.
    ///
    /// # Errors
    /// [`ChainError::UnknownBlock`] for an unknown hash; [`ChainError::InvalidParameter`] for a range that
    /// ends before it begins, or for more than [`MAX_LOGS`] logs.
    pub fn logs(&self, filter: &Filter) -> Result<Vec<Log>, ChainError> {
        let blocks: Vec<Arc<Block>> = {
            let ledger = self.ledger();
            match filter.block_option {
                FilterBlockOption::AtBlockHash(hash) => {
                    vec![Arc::clone(
                        ledger
                            .block_by_hash(&hash)
                            .ok_or(ChainError::UnknownBlock)?,
                    )]
                }
                FilterBlockOption::Range {
                    from_block,
                    to_block,
                } => {
                    let head = ledger.head().number();
                    if let (
                        Some(BlockNumberOrTag::Number(from)),
                        Some(BlockNumberOrTag::Number(to)),
                    ) = (from_block, to_block)
                        && from > to
                    {
                        return Err(ChainError::InvalidParameter(format!(
                            "invalid block range params: from {from} to {to}"
                        )));
                    }
                    let from = ledger.number(from_block.unwrap_or_default());
                    let to = ledger.number(to_block.unwrap_or_default());
                    (from.max(ledger.first())..=to.min(head))
                        .filter_map(|number| ledger.block(number).cloned())
                        .collect()
                }
            }
        };
        let mut found = Vec::new();
        for block in blocks {
            matching_logs(&block, filter, &mut found);
            if found.len() > MAX_LOGS {
                return Err(ChainError::InvalidParameter(format!(
                    "query returned more than {MAX_LOGS} results"
                )));
            }
        }
        Ok(found)
    }
}
