//! Signatures of the node's own accounts.

use super::{Context, Methods, error::RpcError};
use alloy::primitives::{Address, B256, Bytes, eip191_hash_message};
use alloy_dyn_abi::TypedData;
use jsonrpsee::core::RegisterMethodError;

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.blocking("eth_sign", 2, |context, arguments| {
        let signer: Address = arguments.required(0, "address")?;
        let message: Bytes = arguments.required(1, "message")?;
        sign(context, &signer, &eip191_hash_message(message))
    })?;
    // As in wallets: the message first, and a password that is ignored.
    methods.blocking("personal_sign", 3, |context, arguments| {
        let message: Bytes = arguments.required(0, "message")?;
        let signer: Address = arguments.required(1, "address")?;
        sign(context, &signer, &eip191_hash_message(message))
    })?;
    methods.blocking("eth_signTypedData_v4", 2, |context, arguments| {
        let signer: Address = arguments.required(0, "address")?;
        // An object, or the same as a string.
        let data: TypedData = arguments.required(1, "typed data")?;
        let hash = data.eip712_signing_hash().map_err(|error| {
            RpcError::invalid(format!("invalid argument 1 (typed data): {error}"))
        })?;
        sign(context, &signer, &hash)
    })?;
    methods.aliases("eth_signTypedData_v4", &["eth_signTypedData"])
}

fn sign(context: &Context, signer: &Address, hash: &B256) -> Result<Bytes, RpcError> {
    let signature = context.chain.keys().sign_hash(signer, hash);
    let signature = signature.ok_or_else(|| RpcError::refused("unknown account"))?;
    Ok(signature.as_bytes().into())
}
