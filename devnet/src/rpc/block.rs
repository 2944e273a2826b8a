//! `eth_`: blocks.

use super::{
    Context, Methods,
    arguments::Arguments,
    error::RpcError,
    transaction::{Receipt, receipt_on_wire, transaction_on_wire},
};
use crate::chain::{Block, ParentChain, Position};
use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    primitives::{B256, U64, U256},
    rpc::types::{Block as WireBlock, BlockTransactions, Header, Transaction},
};
use alloy_rlp::Encodable;
use jsonrpsee::core::RegisterMethodError;
use serde::Serialize;
use std::sync::Arc;

/// A block on the wire, with what Arbitrum adds to it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireArbitrumBlock {
    #[serde(flatten)]
    block: WireBlock,
    l1_block_number: U64,
    send_count: U64,
    send_root: B256,
}

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.quick("eth_getBlockByNumber", 2, |context, arguments| {
        let tag: BlockNumberOrTag = arguments.required(0, "block")?;
        one(context, arguments, BlockId::Number(tag))
    })?;
    methods.quick("eth_getBlockByHash", 2, |context, arguments| {
        let hash: B256 = arguments.required(0, "block hash")?;
        one(context, arguments, BlockId::from(hash))
    })?;
    methods.quick("eth_getBlockReceipts", 1, receipts)?;
    methods.quick(
        "eth_getBlockTransactionCountByNumber",
        1,
        |context, arguments| {
            let tag: BlockNumberOrTag = arguments.required(0, "block")?;
            Ok(count(context, BlockId::Number(tag)))
        },
    )?;
    methods.quick(
        "eth_getBlockTransactionCountByHash",
        1,
        |context, arguments| {
            let hash: B256 = arguments.required(0, "block hash")?;
            Ok(count(context, BlockId::from(hash)))
        },
    )?;
    methods.quick(
        "eth_getTransactionByBlockNumberAndIndex",
        2,
        |context, arguments| {
            let tag: BlockNumberOrTag = arguments.required(0, "block")?;
            at_index(context, arguments, BlockId::Number(tag))
        },
    )?;
    methods.quick(
        "eth_getTransactionByBlockHashAndIndex",
        2,
        |context, arguments| {
            let hash: B256 = arguments.required(0, "block hash")?;
            at_index(context, arguments, BlockId::from(hash))
        },
    )?;
    methods.quick("eth_getUncleCountByBlockNumber", 1, |_, _| Ok(U64::ZERO))?;
    methods.quick("eth_getUncleCountByBlockHash", 1, |_, _| Ok(U64::ZERO))
}

fn find(context: &Context, id: BlockId) -> Option<Arc<Block>> {
    let ledger = context.chain.ledger();
    ledger.find(id).ok().cloned()
}

fn one(
    context: &Context,
    arguments: &Arguments<'_>,
    id: BlockId,
) -> Result<Option<WireArbitrumBlock>, RpcError> {
    let full = arguments.optional(1, "full transactions")?.unwrap_or(false);
    Ok(find(context, id).map(|block| block_on_wire(&block, full)))
}

fn receipts(
    context: &Context,
    arguments: &Arguments<'_>,
) -> Result<Option<Vec<Receipt>>, RpcError> {
    let id: BlockId = arguments.required(0, "block")?;
    Ok(find(context, id).map(|block| {
        (0..block.transactions.len())
            .filter_map(|index| {
                receipt_on_wire(&Position {
                    block: Arc::clone(&block),
                    index,
                })
            })
            .collect()
    }))
}

fn count(context: &Context, id: BlockId) -> Option<U64> {
    find(context, id).map(|block| U64::from(block.transactions.len()))
}

fn at_index(
    context: &Context,
    arguments: &Arguments<'_>,
    id: BlockId,
) -> Result<Option<Transaction>, RpcError> {
    let index = usize::try_from(arguments.number(1, "index")?).unwrap_or(usize::MAX);
    Ok(find(context, id).and_then(|block| transaction_on_wire(&Position { block, index })))
}

/// The header of `block` on the wire.
pub(super) fn header_on_wire(block: &Block) -> Header {
    let transactions: usize = block
        .transactions
        .iter()
        .map(|transaction| transaction.envelope.length())
        .sum();
    Header {
        hash: block.hash,
        inner: block.header.clone(),
        total_difficulty: Some(U256::from(block.number()) + U256::ONE),
        size: Some(U256::from(block.header.length() + transactions)),
    }
}

/// `block` on the wire, its transactions in full or as hashes.
pub(super) fn block_on_wire(block: &Arc<Block>, full: bool) -> WireArbitrumBlock {
    let transactions = if full {
        let positions = (0..block.transactions.len()).map(|index| Position {
            block: Arc::clone(block),
            index,
        });
        BlockTransactions::Full(
            positions
                .filter_map(|position| transaction_on_wire(&position))
                .collect(),
        )
    } else {
        let hashes = block
            .transactions
            .iter()
            .map(crate::chain::PooledTransaction::hash);
        BlockTransactions::Hashes(hashes.collect())
    };
    let ParentChain {
        number,
        send_root,
        send_count,
    } = block.parent_chain;
    let block = WireBlock {
        header: header_on_wire(block),
        uncles: Vec::new(),
        transactions,
        withdrawals: None,
    };
    WireArbitrumBlock {
        block,
        l1_block_number: U64::from(number),
        send_count: U64::from(send_count),
        send_root,
    }
}
