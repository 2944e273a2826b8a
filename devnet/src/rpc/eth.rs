//! `eth_`: accounts, state and calls.

use super::{
    Context, Methods,
    arguments::Arguments,
    block::{WireArbitrumBlock, block_on_wire},
    error::RpcError,
};
use crate::chain::{AccessListResult, CallRequest, ChainError, ForkError, Simulated};
use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    primitives::{Address, B256, Bytes, U64, U256},
    rpc::types::{
        TransactionRequest,
        simulate::{SimulatePayload, SimulatedBlock},
    },
};
use jsonrpsee::core::RegisterMethodError;
use serde::Serialize;

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.quick("eth_chainId", 0, |context, _| {
        Ok(U64::from(context.chain.settings().chain_id))
    })?;
    methods.quick("eth_blockNumber", 0, |context, _| {
        Ok(U64::from(context.chain.head().number()))
    })?;
    methods.quick("eth_accounts", 0, |context, _| {
        Ok(context.chain.keys().addresses())
    })?;
    methods.quick("eth_getAccountInfo", 2, account_info)?;
    methods.aliases("eth_getAccountInfo", &["anvil_getAccountInfo"])?;
    methods.quick("eth_syncing", 0, |_, _| Ok(false))?;
    methods.quick("eth_mining", 0, |_, _| Ok(false))?;
    methods.quick("eth_hashrate", 0, |_, _| Ok(U64::ZERO))?;
    methods.quick("eth_coinbase", 0, |context, _| {
        Ok(context.chain.settings().coinbase)
    })?;
    methods.quick("eth_getBalance", 2, balance)?;
    methods.quick("eth_getCode", 2, code)?;
    methods.quick("eth_getStorageAt", 3, storage)?;
    methods.brief("eth_getTransactionCount", 2, nonce)?;
    methods.brief("eth_call", 4, call)?;
    methods.brief("eth_estimateGas", 4, estimate)?;
    methods.blocking("eth_createAccessList", 3, access_list)?;
    methods.blocking("eth_simulateV1", 2, simulate)
}

const LATEST: BlockId = BlockId::Number(BlockNumberOrTag::Latest);

pub(super) fn block_or_latest(
    arguments: &Arguments<'_>,
    index: usize,
) -> Result<BlockId, RpcError> {
    Ok(arguments.optional(index, "block")?.unwrap_or(LATEST))
}

fn balance(context: &Context, arguments: &Arguments<'_>) -> Result<U256, RpcError> {
    let address: Address = arguments.required(0, "address")?;
    let state = context.chain.state(block_or_latest(arguments, 1)?)?;
    Ok(state.balance(&address).map_err(ChainError::from)?)
}

fn code(context: &Context, arguments: &Arguments<'_>) -> Result<Bytes, RpcError> {
    let address: Address = arguments.required(0, "address")?;
    let state = context.chain.state(block_or_latest(arguments, 1)?)?;
    Ok(state.code(&address).map_err(ChainError::from)?)
}

fn storage(context: &Context, arguments: &Arguments<'_>) -> Result<B256, RpcError> {
    let address: Address = arguments.required(0, "address")?;
    let slot = slot(&arguments.required::<String>(1, "slot")?)?;
    let state = context.chain.state(block_or_latest(arguments, 2)?)?;
    Ok(state
        .storage(&address, &slot)
        .map_err(ChainError::from)?
        .into())
}

/// The storage key in a hexadecimal string of up to 32 bytes, with or without 0x, as geth reads it.
fn slot(text: &str) -> Result<U256, RpcError> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let digits = digits.unwrap_or(text);
    if digits.len() > 64 {
        return Err(RpcError::invalid(format!(
            "storage key too long (want at most 32 bytes): {text:?}"
        )));
    }
    let hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let slot = hexadecimal.then(|| U256::from_str_radix(digits, 16).ok());
    // No digits mean slot 0.
    let slot = if digits.is_empty() {
        Some(U256::ZERO)
    } else {
        slot.flatten()
    };
    slot.ok_or_else(|| RpcError::invalid(format!("invalid hex in storage key: {text:?}")))
}

fn nonce(context: &Context, arguments: &Arguments<'_>) -> Result<U64, RpcError> {
    let address: Address = arguments.required(0, "address")?;
    let block = block_or_latest(arguments, 1)?;
    if block == BlockId::Number(BlockNumberOrTag::Pending) {
        return Ok(U64::from(context.chain.pending_nonce(&address)?));
    }
    let state = context.chain.state(block)?;
    let nonce = state.nonce(&address).map_err(ChainError::from)?;
    Ok(U64::from(nonce))
}

/// Everything at an address, in one answer.
#[derive(Clone, Debug, Serialize)]
struct AccountInfo {
    balance: U256,
    nonce: U64,
    code: Bytes,
}

fn account_info(context: &Context, arguments: &Arguments<'_>) -> Result<AccountInfo, RpcError> {
    let address: Address = arguments.required(0, "address")?;
    let state = context.chain.state(block_or_latest(arguments, 1)?)?;
    let read = || {
        Ok(AccountInfo {
            balance: state.balance(&address)?,
            nonce: U64::from(state.nonce(&address)?),
            code: state.code(&address)?,
        })
    };
    Ok(read().map_err(|error: ForkError| ChainError::from(error))?)
}

/// The call in `arguments`, on `block` when they name none.
fn request(arguments: &Arguments<'_>, block: BlockId) -> Result<CallRequest, RpcError> {
    Ok(CallRequest {
        transaction: arguments.required::<TransactionRequest>(0, "transaction")?,
        block: arguments.optional(1, "block")?.unwrap_or(block),
        overrides: arguments.optional(2, "state overrides")?,
        block_overrides: arguments.optional(3, "block overrides")?,
    })
}

fn call(context: &Context, arguments: &Arguments<'_>) -> Result<Bytes, RpcError> {
    Ok(context.chain.call(request(arguments, LATEST)?)?)
}

/// Estimates are for the next block, at the time it will have, even when `latest` is requested.
fn estimate(context: &Context, arguments: &Arguments<'_>) -> Result<U64, RpcError> {
    let pending = BlockId::Number(BlockNumberOrTag::Pending);
    let mut request = request(arguments, pending)?;
    if request.block == LATEST {
        request.block = pending;
    }
    Ok(U64::from(context.chain.estimate(request)?))
}

fn access_list(context: &Context, arguments: &Arguments<'_>) -> Result<AccessListResult, RpcError> {
    Ok(context.chain.access_list(request(arguments, LATEST)?)?)
}

fn simulate(
    context: &Context,
    arguments: &Arguments<'_>,
) -> Result<Vec<SimulatedBlock<WireArbitrumBlock>>, RpcError> {
    let payload: SimulatePayload = arguments.required(0, "blocks")?;
    let full = payload.return_full_transactions;
    let blocks = context
        .chain
        .simulate(payload, block_or_latest(arguments, 1)?);
    let blocks = blocks.map_err(RpcError::of_simulation)?;
    let wire = |simulated: Simulated| SimulatedBlock {
        inner: block_on_wire(&simulated.block, full),
        calls: simulated.calls,
    };
    Ok(blocks.into_iter().map(wire).collect())
}
