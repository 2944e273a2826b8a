//! `web3_`.

use super::Methods;
use alloy::primitives::{Bytes, keccak256};
use jsonrpsee::core::RegisterMethodError;

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.quick("web3_clientVersion", 0, |context, _| {
        Ok(context.client_version.clone())
    })?;
    methods.quick("web3_sha3", 1, |_, arguments| {
        let data: Bytes = arguments.required(0, "data")?;
        Ok(keccak256(data))
    })
}
