//! `hardhat_` and `anvil_`: editing accounts, impersonation, mining.
//!
//! What changes the rules of blocks is in `rules.rs`, what concerns the node as a whole in `node.rs`.

use super::{Context, Methods, arguments::Arguments, error::RpcError};
use alloy::primitives::{Address, B256, Bytes, U256};
use jsonrpsee::core::RegisterMethodError;
use serde_json::Value;

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.blocking("hardhat_setBalance", 2, |context, arguments| {
        let (address, wei) = (
            arguments.required(0, "address")?,
            arguments.required(1, "wei")?,
        );
        context.chain.set_balance(address, wei)?;
        Ok(true)
    })?;
    methods.aliases(
        "hardhat_setBalance",
        &["anvil_setBalance", "evm_setAccountBalance"],
    )?;
    methods.blocking("hardhat_setNonce", 2, |context, arguments| {
        let address: Address = arguments.required(0, "address")?;
        context
            .chain
            .set_nonce(address, arguments.number(1, "nonce")?)?;
        Ok(true)
    })?;
    methods.aliases(
        "hardhat_setNonce",
        &["anvil_setNonce", "evm_setAccountNonce"],
    )?;
    methods.blocking("hardhat_setCode", 2, |context, arguments| {
        let (address, code): (Address, Bytes) = (
            arguments.required(0, "address")?,
            arguments.required(1, "code")?,
        );
        context.chain.set_code(address, code)?;
        Ok(true)
    })?;
    methods.aliases("hardhat_setCode", &["anvil_setCode", "evm_setAccountCode"])?;
    methods.blocking("hardhat_setStorageAt", 3, set_storage)?;
    methods.aliases(
        "hardhat_setStorageAt",
        &["anvil_setStorageAt", "evm_setAccountStorageAt"],
    )?;
    methods.blocking("hardhat_impersonateAccount", 1, |context, arguments| {
        context.chain.impersonate(arguments.required(0, "address")?);
        Ok(true)
    })?;
    methods.aliases("hardhat_impersonateAccount", &["anvil_impersonateAccount"])?;
    methods.blocking(
        "hardhat_stopImpersonatingAccount",
        1,
        |context, arguments| {
            let address: Address = arguments.required(0, "address")?;
            Ok(context.chain.stop_impersonating(&address))
        },
    )?;
    methods.aliases(
        "hardhat_stopImpersonatingAccount",
        &["anvil_stopImpersonatingAccount"],
    )?;
    methods.blocking("anvil_autoImpersonateAccount", 1, |context, arguments| {
        context.chain.impersonate_all(arguments.required(0, "on")?);
        Ok(Value::Null)
    })?;
    methods.blocking("hardhat_mine", 2, |context, arguments| {
        let count = arguments.optional_number(0, "blocks")?.unwrap_or(1);
        context
            .chain
            .mine_many(count, arguments.optional_number(1, "interval")?)?;
        Ok(true)
    })?;
    methods.aliases("hardhat_mine", &["anvil_mine"])?;
    methods.blocking("hardhat_dropTransaction", 1, |context, arguments| {
        let hash: B256 = arguments.required(0, "transaction hash")?;
        Ok(context.chain.drop_transaction(&hash))
    })?;
    methods.aliases("hardhat_dropTransaction", &["anvil_dropTransaction"])?;
    methods.blocking(
        "anvil_setBlockTimestampInterval",
        1,
        |context, arguments| {
            context
                .chain
                .set_block_interval(Some(arguments.number(0, "seconds")?));
            Ok(Value::Null)
        },
    )?;
    methods.blocking("anvil_removeBlockTimestampInterval", 0, |context, _| {
        context.chain.set_block_interval(None);
        Ok(true)
    })?;
    methods.blocking("anvil_addBalance", 2, |context, arguments| {
        let (address, wei) = (
            arguments.required(0, "address")?,
            arguments.required(1, "wei")?,
        );
        context.chain.add_balance(address, wei)?;
        Ok(true)
    })?;
    methods.aliases("anvil_addBalance", &["hardhat_addBalance"])
}

fn set_storage(context: &Context, arguments: &Arguments<'_>) -> Result<bool, RpcError> {
    let address: Address = arguments.required(0, "address")?;
    let slot: U256 = arguments.required(1, "slot")?;
    let value: B256 = arguments.required(2, "value")?;
    context.chain.set_storage(address, slot, value)?;
    Ok(true)
}
