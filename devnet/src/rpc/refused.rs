//! Methods of other development nodes that this one does not have, each with what to do instead.

use super::{Context, Methods, arguments::Arguments, error::RpcError};
use jsonrpsee::core::RegisterMethodError;
use serde_json::Value;

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.quick("anvil_rollback", usize::MAX, no_rollback)?;
    methods.aliases("anvil_rollback", &["anvil_reorg"])?;
    methods.quick("evm_mine_detailed", usize::MAX, no_details)?;
    methods.aliases("evm_mine_detailed", &["anvil_mine_detailed"])?;
    methods.quick("anvil_enableTraces", usize::MAX, no_switch)?;
    methods.quick("anvil_getBlobByHash", usize::MAX, no_blobs)?;
    methods.aliases(
        "anvil_getBlobByHash",
        &[
            "anvil_getBlobsByTransactionHash",
            "anvil_getBlobSidecarsByBlockId",
        ],
    )
}

fn no_rollback(_: &Context, _: &Arguments<'_>) -> Result<Value, RpcError> {
    Err(RpcError::refused(
        "blocks can only be undone back to a snapshot: call evm_snapshot before them, evm_revert after",
    ))
}

fn no_details(_: &Context, _: &Arguments<'_>) -> Result<Value, RpcError> {
    Err(RpcError::refused(
        "mine with evm_mine, then read the block with eth_getBlockByNumber and trace_block",
    ))
}

fn no_switch(_: &Context, _: &Arguments<'_>) -> Result<Value, RpcError> {
    Err(RpcError::refused(
        "there is nothing to enable: debug_traceTransaction runs any transaction again",
    ))
}

fn no_blobs(_: &Context, _: &Arguments<'_>) -> Result<Value, RpcError> {
    Err(RpcError::refused(
        "there are no blobs: as on Arbitrum, transactions with blobs are refused",
    ))
}
