//! `trace_`: calls in Parity's shape, for indexers.

use super::{Context, Methods, arguments::Arguments, error::RpcError};
use alloy::{
    eips::BlockId, primitives::B256, rpc::types::trace::parity::LocalizedTransactionTrace,
};
use jsonrpsee::core::RegisterMethodError;

type Traces = Option<Vec<LocalizedTransactionTrace>>;

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.blocking("trace_transaction", 1, transaction)?;
    methods.blocking("trace_block", 1, block)
}

fn transaction(context: &Context, arguments: &Arguments<'_>) -> Result<Traces, RpcError> {
    let hash: B256 = arguments.required(0, "transaction hash")?;
    Ok(context.chain.parity_transaction(&hash)?)
}

fn block(context: &Context, arguments: &Arguments<'_>) -> Result<Traces, RpcError> {
    let block: BlockId = arguments.required(0, "block")?;
    Ok(context.chain.parity_block(block)?)
}
