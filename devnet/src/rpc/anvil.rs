//! `hardhat_` and `anvil_`: editing accounts, impersonation, mining.
//!
//! Methods that change the rules of blocks are in `rules.rs`, those for the node as a whole in `node.rs`, and
//! methods of other nodes that this one does not have in `refused.rs`.

use super::{Context, Methods, arguments::Arguments, error::RpcError};
use crate::evm::SignatureBytes;
use alloy::primitives::{Address, B256, Bytes, U256};
use jsonrpsee::core::RegisterMethodError;
use serde_json::Value;

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    accounts(methods)?;
    tokens(methods)?;
    impersonation(methods)?;
    blocks(methods)?;
    pool(methods)
}

fn accounts(methods: &mut Methods) -> Result<(), RegisterMethodError> {
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
        &[
            "anvil_setBalance",
            "evm_setAccountBalance",
            "tenderly_setBalance",
        ],
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
    methods.blocking("anvil_addBalance", 2, |context, arguments| {
        let (address, wei) = (
            arguments.required(0, "address")?,
            arguments.required(1, "wei")?,
        );
        context.chain.add_balance(address, wei)?;
        Ok(true)
    })?;
    methods.aliases(
        "anvil_addBalance",
        &["hardhat_addBalance", "tenderly_addBalance"],
    )
}

fn tokens(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.blocking("anvil_dealERC20", 3, |context, arguments| {
        let owner: Address = arguments.required(0, "address")?;
        let token: Address = arguments.required(1, "token")?;
        let amount: U256 = arguments.required(2, "amount")?;
        context.chain.set_token_balance(token, owner, amount)?;
        Ok(Value::Null)
    })?;
    methods.aliases(
        "anvil_dealERC20",
        &["hardhat_dealERC20", "anvil_setERC20Balance"],
    )?;
    methods.blocking("anvil_setERC20Allowance", 4, |context, arguments| {
        let owner: Address = arguments.required(0, "owner")?;
        let spender: Address = arguments.required(1, "spender")?;
        let token: Address = arguments.required(2, "token")?;
        let amount: U256 = arguments.required(3, "amount")?;
        context
            .chain
            .set_token_allowance(token, owner, spender, amount)?;
        Ok(Value::Null)
    })
}

fn impersonation(methods: &mut Methods) -> Result<(), RegisterMethodError> {
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
    methods.aliases(
        "anvil_autoImpersonateAccount",
        &["hardhat_autoImpersonateAccount"],
    )?;
    methods.blocking("anvil_impersonateSignature", 2, impersonate_signature)
}

fn blocks(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.blocking("hardhat_mine", 2, |context, arguments| {
        let count = arguments.optional_number(0, "blocks")?.unwrap_or(1);
        context
            .chain
            .mine_many(count, arguments.optional_number(1, "interval")?)?;
        Ok(true)
    })?;
    methods.aliases("hardhat_mine", &["anvil_mine"])?;
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
    })
}

fn pool(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.blocking("hardhat_dropTransaction", 1, |context, arguments| {
        let hash: B256 = arguments.required(0, "transaction hash")?;
        Ok(context.chain.drop_transaction(&hash))
    })?;
    methods.aliases("hardhat_dropTransaction", &["anvil_dropTransaction"])?;
    methods.blocking("anvil_dropAllTransactions", 0, |context, _| {
        context.chain.drop_transactions(None);
        Ok(Value::Null)
    })?;
    methods.aliases(
        "anvil_dropAllTransactions",
        &["hardhat_dropAllTransactions"],
    )?;
    methods.blocking("anvil_removePoolTransactions", 1, |context, arguments| {
        let sender: Address = arguments.required(0, "address")?;
        context.chain.drop_transactions(Some(&sender));
        Ok(Value::Null)
    })
}

fn impersonate_signature(context: &Context, arguments: &Arguments<'_>) -> Result<Value, RpcError> {
    let signature: Bytes = arguments.required(0, "signature")?;
    let signer: Address = arguments.required(1, "address")?;
    let signature = SignatureBytes::try_from(&signature[..]).map_err(|_| {
        RpcError::invalid(format!(
            "invalid argument 0 (signature): {} bytes, want 65: r, s and v",
            signature.len()
        ))
    })?;
    context.chain.impersonate_signature(signature, signer);
    Ok(Value::Null)
}

fn set_storage(context: &Context, arguments: &Arguments<'_>) -> Result<bool, RpcError> {
    let address: Address = arguments.required(0, "address")?;
    let slot: U256 = arguments.required(1, "slot")?;
    let value: B256 = arguments.required(2, "value")?;
    context.chain.set_storage(address, slot, value)?;
    Ok(true)
}
