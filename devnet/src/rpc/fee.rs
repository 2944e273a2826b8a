//! `eth_`: what gas costs. The base fee is fixed and tips buy nothing, as on Arbitrum.

use super::{Context, Methods, arguments::Arguments, error::RpcError};
use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    primitives::{U64, U128},
    rpc::types::FeeHistory,
};
use jsonrpsee::core::RegisterMethodError;

/// As many blocks as geth reports at most.
const MAX_BLOCKS: u64 = 1_024;
const MAX_PERCENTILES: usize = 100;

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.quick("eth_gasPrice", 0, |context, _| {
        Ok(U64::from(context.chain.settings().base_fee))
    })?;
    methods.quick("eth_baseFee", 0, |context, _| {
        Ok(U64::from(context.chain.settings().base_fee))
    })?;
    methods.quick("eth_maxPriorityFeePerGas", 0, |_, _| Ok(U128::ZERO))?;
    methods.quick("eth_blobBaseFee", 0, |_, _| Ok(U128::ZERO))?;
    methods.quick("eth_feeHistory", 3, history)
}

fn history(context: &Context, arguments: &Arguments<'_>) -> Result<FeeHistory, RpcError> {
    let count = arguments.number(0, "block count")?.min(MAX_BLOCKS);
    let newest: BlockNumberOrTag = arguments.required(1, "newest block")?;
    let percentiles: Option<Vec<f64>> = arguments.optional(2, "reward percentiles")?;
    if let Some(percentiles) = &percentiles {
        let ordered =
            percentiles.is_sorted() && percentiles.iter().all(|p| (0.0..=100.0).contains(p));
        if !ordered || percentiles.len() > MAX_PERCENTILES {
            return Err(RpcError::invalid(
                "invalid argument 2 (reward percentiles): want at most 100, ascending, from 0 to 100",
            ));
        }
    }
    let settings = context.chain.settings();
    let ledger = context.chain.ledger();
    let newest = ledger.find(BlockId::Number(newest))?.number();
    if count == 0 {
        return Ok(FeeHistory::default());
    }
    let oldest = (newest + 1).saturating_sub(count);
    let blocks = usize::try_from(newest + 1 - oldest).unwrap_or_default();
    #[allow(clippy::cast_precision_loss)]
    let gas_used_ratio = (oldest..=newest)
        .filter_map(|number| ledger.block(number))
        .map(|block| block.header.gas_used as f64 / settings.transaction_gas_limit as f64)
        .collect();
    Ok(FeeHistory {
        base_fee_per_gas: vec![settings.base_fee.into(); blocks + 1],
        gas_used_ratio,
        base_fee_per_blob_gas: Vec::new(),
        blob_gas_used_ratio: Vec::new(),
        oldest_block: oldest,
        reward: percentiles.map(|percentiles| vec![vec![0; percentiles.len()]; blocks]),
    })
}
