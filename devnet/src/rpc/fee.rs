//! `eth_`: what gas costs. The base fee is fixed, except for a block that was given another, and tips buy
//! nothing, as on Arbitrum.

use super::{Context, Methods, arguments::Arguments, error::RpcError};
use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    primitives::{U64, U128},
    rpc::types::FeeHistory,
};
use jsonrpsee::core::RegisterMethodError;

/// The most blocks that geth reports.
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
    let oldest = (newest + 1).saturating_sub(count).max(ledger.first());
    let blocks = usize::try_from(newest + 1 - oldest).unwrap_or_default();
    let mut base_fee_per_gas: Vec<u128> = (oldest..=newest)
        .filter_map(|number| ledger.block(number)?.header.base_fee_per_gas)
        .map(u128::from)
        .collect();
    let next = ledger
        .block(newest + 1)
        .and_then(|block| block.header.base_fee_per_gas);
    base_fee_per_gas.push(next.unwrap_or(settings.base_fee).into());
    #[allow(clippy::cast_precision_loss)]
    let gas_used_ratio = (oldest..=newest)
        .filter_map(|number| ledger.block(number))
        .map(|block| block.header.gas_used as f64 / settings.block_capacity() as f64)
        .collect();
    Ok(FeeHistory {
        base_fee_per_gas,
        gas_used_ratio,
        base_fee_per_blob_gas: Vec::new(),
        blob_gas_used_ratio: Vec::new(),
        oldest_block: oldest,
        reward: percentiles.map(|percentiles| vec![vec![0; percentiles.len()]; blocks]),
    })
}
