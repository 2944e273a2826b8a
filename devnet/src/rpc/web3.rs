//! `web3_`.

use super::Methods;
use alloy::primitives::{Bytes, keccak256};
use jsonrpsee::core::RegisterMethodError;

/// What the node calls itself.
pub(super) const CLIENT_VERSION: &str = concat!("devnet/v", env!("CARGO_PKG_VERSION"));

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.quick("web3_clientVersion", 0, |_, _| Ok(CLIENT_VERSION))?;
    methods.quick("web3_sha3", 1, |_, arguments| {
        let data: Bytes = arguments.required(0, "data")?;
        Ok(keccak256(data))
    })
}
