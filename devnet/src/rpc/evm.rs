//! `evm_`: snapshots, mining and time, under Ganache's names, which everybody kept.

use super::{
    Context, Methods,
    arguments::{Arguments, number},
    error::RpcError,
};
use alloy::primitives::U64;
use jsonrpsee::core::RegisterMethodError;
use serde_json::{Value, json};

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.blocking("evm_snapshot", 0, |context, _| {
        Ok(U64::from(context.chain.snapshot()))
    })?;
    methods.aliases("evm_snapshot", &["anvil_snapshot"])?;
    methods.blocking("evm_revert", 1, |context, arguments| {
        Ok(context.chain.revert(arguments.number(0, "snapshot")?)?)
    })?;
    methods.aliases("evm_revert", &["anvil_revert"])?;
    methods.blocking("evm_mine", 1, mine)?;
    methods.blocking("evm_increaseTime", 1, |context, arguments| {
        Ok(context
            .chain
            .increase_time(arguments.number(0, "seconds")?)?)
    })?;
    methods.aliases("evm_increaseTime", &["anvil_increaseTime"])?;
    methods.blocking("evm_setNextBlockTimestamp", 1, |context, arguments| {
        context
            .chain
            .set_next_timestamp(arguments.number(0, "timestamp")?)?;
        Ok(Value::Null)
    })?;
    methods.aliases(
        "evm_setNextBlockTimestamp",
        &["anvil_setNextBlockTimestamp"],
    )?;
    methods.blocking("evm_setTime", 1, |context, arguments| {
        Ok(context.chain.set_time(arguments.number(0, "timestamp")?)?)
    })?;
    methods.aliases("evm_setTime", &["anvil_setTime"])?;
    methods.blocking("evm_setAutomine", 1, |context, arguments| {
        context.chain.set_automine(arguments.required(0, "on")?)?;
        Ok(Value::Null)
    })?;
    methods.aliases(
        "evm_setAutomine",
        &["anvil_setAutomine", "hardhat_setAutomine"],
    )?;
    // Ganache's names for the same.
    methods.blocking("miner_start", 1, |context, _| {
        context.chain.set_automine(true)?;
        Ok(true)
    })?;
    methods.blocking("miner_stop", 0, |context, _| {
        context.chain.set_automine(false)?;
        Ok(true)
    })?;
    methods.blocking("hardhat_getAutomine", 0, |context, _| {
        Ok(context.chain.automine())
    })?;
    methods.aliases("hardhat_getAutomine", &["anvil_getAutomine"])
}

/// Takes a timestamp, or Ganache's and Foundry's `{"timestamp": ..., "blocks": ...}`.
fn mine(context: &Context, arguments: &Arguments<'_>) -> Result<&'static str, RpcError> {
    let options = match arguments.optional::<Value>(0, "timestamp")? {
        Some(Value::Object(options)) => Value::Object(options),
        Some(timestamp) => json!({ "timestamp": timestamp }),
        None => json!({}),
    };
    let field = |name: &str| match options.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => number(value).map(Some).ok_or_else(|| {
            RpcError::invalid(format!(
                "invalid argument 0 ({name}): not a number below 2^64"
            ))
        }),
    };
    let (timestamp, blocks) = (field("timestamp")?, field("blocks")?.unwrap_or(1));
    match timestamp {
        Some(timestamp) => {
            context.chain.mine_at(timestamp)?;
            context.chain.mine_many(blocks.saturating_sub(1), None)?;
        }
        None => context.chain.mine_many(blocks, None)?,
    }
    Ok("0x0")
}
