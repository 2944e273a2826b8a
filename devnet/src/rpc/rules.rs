//! `hardhat_`, `anvil_` and `evm_`: the rules for making blocks, changed while the chain runs.

use super::{Context, Methods, arguments::Arguments, error::RpcError};
use alloy::primitives::B256;
use jsonrpsee::core::RegisterMethodError;
use serde_json::Value;
use std::time::Duration;

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.blocking("anvil_setChainId", 1, |context, arguments| {
        context.chain.set_chain_id(arguments.number(0, "chain id")?);
        Ok(Value::Null)
    })?;
    methods.blocking(
        "hardhat_setNextBlockBaseFeePerGas",
        1,
        |context, arguments| {
            context
                .chain
                .set_next_base_fee(arguments.number(0, "wei per gas")?);
            Ok(true)
        },
    )?;
    methods.aliases(
        "hardhat_setNextBlockBaseFeePerGas",
        &["anvil_setNextBlockBaseFeePerGas"],
    )?;
    methods.blocking("hardhat_setMinGasPrice", 1, min_gas_price)?;
    methods.aliases("hardhat_setMinGasPrice", &["anvil_setMinGasPrice"])?;
    methods.blocking("hardhat_setPrevRandao", 1, |context, arguments| {
        let value: B256 = arguments.required(0, "value")?;
        context.chain.set_next_randao(value)?;
        Ok(true)
    })?;
    methods.aliases(
        "hardhat_setPrevRandao",
        &["anvil_setPrevRandao", "anvil_setNextBlockPrevRandao"],
    )?;
    methods.blocking("hardhat_setCoinbase", 1, |context, arguments| {
        context
            .chain
            .set_coinbase(arguments.required(0, "address")?);
        Ok(true)
    })?;
    methods.aliases("hardhat_setCoinbase", &["anvil_setCoinbase"])?;
    methods.blocking("evm_setBlockGasLimit", 1, |context, arguments| {
        context
            .chain
            .set_block_gas_limit(arguments.number(0, "gas")?)?;
        Ok(true)
    })?;
    methods.aliases(
        "evm_setBlockGasLimit",
        &["anvil_setBlockGasLimit", "hardhat_setBlockGasLimit"],
    )?;
    methods.blocking("evm_setIntervalMining", 1, interval_mining)?;
    methods.aliases("evm_setIntervalMining", &["anvil_setIntervalMining"])?;
    methods.quick("anvil_getIntervalMining", 0, |context, _| {
        let interval = *context.chain.mining_interval().borrow();
        Ok(interval.map(|interval| interval.as_secs()))
    })
}

/// There is no such price besides the base fee.
fn min_gas_price(_: &Context, arguments: &Arguments<'_>) -> Result<Value, RpcError> {
    arguments.number(0, "wei per gas")?;
    Err(RpcError::refused(
        "there is no minimum gas price besides the base fee: set that with anvil_setNextBlockBaseFeePerGas",
    ))
}

/// Takes seconds, as anvil and Ganache do; 0 turns it off.
fn interval_mining(context: &Context, arguments: &Arguments<'_>) -> Result<bool, RpcError> {
    let seconds = arguments.number(0, "seconds")?;
    let interval = (seconds > 0).then(|| Duration::from_secs(seconds));
    context.chain.mine_every(interval);
    Ok(true)
}
