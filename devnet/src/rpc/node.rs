//! `hardhat_` and `anvil_`: the node as a whole: its description, its accounts as one document, resetting it.

use super::{
    Context, Methods,
    arguments::{Arguments, number},
    error::RpcError,
};
use crate::chain::{ChainError, Dump, Fork};
use alloy::primitives::Bytes;
use jsonrpsee::core::RegisterMethodError;
use serde_json::{Value, json};
use std::sync::{Arc, atomic::Ordering};

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.quick("anvil_nodeInfo", 0, |context, _| Ok(node_info(context)))?;
    methods.quick("anvil_getGenesisTime", 0, |context, _| {
        let ledger = context.chain.ledger();
        let first = ledger.block(ledger.first());
        Ok(first.map(|block| block.timestamp()))
    })?;
    methods.quick("hardhat_metadata", 0, |context, _| Ok(metadata(context)))?;
    methods.aliases("hardhat_metadata", &["anvil_metadata"])?;
    methods.blocking("hardhat_reset", 1, reset)?;
    methods.aliases("hardhat_reset", &["anvil_reset"])?;
    methods.blocking("anvil_setRpcUrl", 1, set_rpc_url)?;
    methods.aliases("anvil_setRpcUrl", &["hardhat_setRpcUrl"])?;
    methods.blocking("anvil_dumpState", 0, dump)?;
    methods.aliases("anvil_dumpState", &["hardhat_dumpState"])?;
    methods.blocking("anvil_loadState", 1, load)?;
    methods.aliases("anvil_loadState", &["hardhat_loadState"])?;
    methods.quick("anvil_setLoggingEnabled", 1, |context, arguments| {
        let on: bool = arguments.required(0, "on")?;
        context.logging.store(on, Ordering::Relaxed);
        Ok(true)
    })?;
    methods.aliases("anvil_setLoggingEnabled", &["hardhat_setLoggingEnabled"])
}

fn node_info(context: &Context) -> Value {
    let (head, settings) = (context.chain.head(), context.chain.settings());
    json!({
        "currentBlockNumber": head.number(),
        "currentBlockTimestamp": head.timestamp(),
        "currentBlockHash": head.hash,
        "hardFork": if context.chain.arbos().rules().osaka { "osaka" } else { "prague" },
        "transactionOrder": "fifo",
        "environment": {
            "baseFee": settings.base_fee,
            "chainId": settings.chain_id,
            "gasLimit": settings.block_gas_limit,
            "gasPrice": settings.base_fee,
        },
        "forkConfig": context.chain.fork().map_or_else(
            || json!({}),
            |fork| json!({ "forkUrl": fork.source().url, "forkBlockNumber": fork.header().number }),
        ),
    })
}

fn metadata(context: &Context) -> Value {
    let head = context.chain.head();
    json!({
        "clientVersion": context.client_version,
        "chainId": context.chain.settings().chain_id,
        "instanceId": context.chain.instance(),
        "latestBlockNumber": head.number(),
        "latestBlockHash": head.hash,
        "forkedNetwork": context.chain.fork().map(|fork| json!({
            "chainId": fork.chain_id(),
            "forkBlockNumber": fork.header().number,
            "forkBlockHash": fork.hash(),
        })),
    })
}

/// Takes hardhat's `{"forking": {"jsonRpcUrl": ..., "blockNumber": ...}}`, whose parts may be missing.
fn reset(context: &Context, arguments: &Arguments<'_>) -> Result<bool, RpcError> {
    let options: Option<Value> = arguments.optional(0, "options")?;
    let part = |name: &str| {
        let forking = options.as_ref()?.get("forking")?;
        forking.get(name).filter(|value| !value.is_null())
    };
    let (url, block) = (part("jsonRpcUrl"), part("blockNumber"));
    if url.is_none() && block.is_none() {
        context.chain.reset(None)?;
        return Ok(true);
    }
    let wrong = |what: &str| RpcError::invalid(format!("invalid argument 0 (options): {what}"));
    let Some(fork) = context.chain.fork() else {
        return Err(wrong(
            "this chain was not started as a fork and cannot become one",
        ));
    };
    let mut source = fork.source();
    if let Some(url) = url {
        let url = url
            .as_str()
            .ok_or_else(|| wrong("jsonRpcUrl is not a string"))?;
        source.url = url.into();
        source.block = None;
    }
    if let Some(block) = block {
        let block = number(block).ok_or_else(|| wrong("blockNumber is not a number below 2^64"))?;
        source.block = Some(block);
    }
    let fork = Fork::open(&source).map_err(ChainError::from)?;
    context.chain.reset(Some(Arc::new(fork)))?;
    Ok(true)
}

fn set_rpc_url(context: &Context, arguments: &Arguments<'_>) -> Result<Value, RpcError> {
    let url: String = arguments.required(0, "url")?;
    let fork = context.chain.fork().ok_or_else(|| {
        RpcError::refused("this chain is not a fork: it does not read from another node")
    })?;
    fork.set_url(&url).map_err(ChainError::from)?;
    Ok(Value::Null)
}

fn dump(context: &Context, _: &Arguments<'_>) -> Result<Bytes, RpcError> {
    serde_json::to_vec(&context.chain.dump()?)
        .map(Bytes::from)
        .map_err(|error| RpcError::internal(error.to_string()))
}

fn load(context: &Context, arguments: &Arguments<'_>) -> Result<bool, RpcError> {
    let document: Bytes = arguments.required(0, "state")?;
    if document.starts_with(&[0x1f, 0x8b]) {
        return Err(RpcError::invalid(
            "invalid argument 0 (state): it is compressed (gzip); unpack it first",
        ));
    }
    let dump: Dump = serde_json::from_slice(&document)
        .map_err(|error| RpcError::invalid(format!("invalid argument 0 (state): {error}")))?;
    context.chain.load(dump)?;
    Ok(true)
}
