//! `eth_getProof` (EIP-1186).

use super::{Context, Methods, arguments::Arguments, error::RpcError, eth::block_or_latest};
use alloy::{
    primitives::{Address, KECCAK256_EMPTY},
    rpc::types::{EIP1186AccountProofResponse, EIP1186StorageProof},
    serde::storage::JsonStorageKey,
};
use jsonrpsee::core::RegisterMethodError;

/// The most words that geth proves.
const MAX_KEYS: usize = 1_024;

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.blocking("eth_getProof", 3, prove)
}

fn prove(
    context: &Context,
    arguments: &Arguments<'_>,
) -> Result<EIP1186AccountProofResponse, RpcError> {
    let address: Address = arguments.required(0, "address")?;
    let keys: Vec<JsonStorageKey> = arguments.required(1, "storage keys")?;
    if keys.len() > MAX_KEYS {
        return Err(RpcError::invalid(format!(
            "invalid argument 1 (storage keys): more than {MAX_KEYS}"
        )));
    }
    let block = block_or_latest(arguments, 2)?;
    let slots: Vec<_> = keys.iter().map(|key| key.as_b256().into()).collect();
    let proved = context.chain.prove(block, address, &slots)?;
    let (account, proof) = (proved.account, proved.proof);
    let storage_proof = keys.into_iter().zip(proved.words).zip(proof.words);
    Ok(EIP1186AccountProofResponse {
        address,
        balance: account
            .as_ref()
            .map(|account| account.balance)
            .unwrap_or_default(),
        code_hash: account
            .as_ref()
            .map_or(KECCAK256_EMPTY, |account| account.code_hash),
        nonce: account.as_ref().map_or(0, |account| account.nonce),
        storage_hash: proof.storage_root,
        account_proof: proof.account,
        storage_proof: storage_proof
            .map(|((key, value), proof)| EIP1186StorageProof { key, value, proof })
            .collect(),
    })
}
