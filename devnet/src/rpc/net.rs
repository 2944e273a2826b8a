//! `net_`.

use super::Methods;
use alloy::primitives::U64;
use jsonrpsee::core::RegisterMethodError;

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.quick("net_version", 0, |context, _| {
        Ok(context.chain.settings().chain_id.to_string())
    })?;
    methods.quick("net_listening", 0, |_, _| Ok(true))?;
    methods.quick("net_peerCount", 0, |_, _| Ok(U64::ZERO))
}
