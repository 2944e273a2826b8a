//! Errors on the wire, as geth words them.

use crate::chain::ChainError;
use alloy::primitives::B256;
use jsonrpsee::types::{
    ErrorObjectOwned,
    error::{INTERNAL_ERROR_CODE, INVALID_PARAMS_CODE},
};
use std::fmt;

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RpcError {
    code: i32,
    message: String,
    data: Option<String>,
}

impl RpcError {
    /// The parameters are wrong (-32602); `message` says how.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self {
            code: INVALID_PARAMS_CODE,
            message: message.into(),
            data: None,
        }
    }

    /// Something else is wrong with the request (-32000).
    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self {
            code: -32000,
            message: message.into(),
            data: None,
        }
    }

    /// A transaction was accepted, but is not in a block yet (4, EIP-7966).
    pub(super) fn unprocessed(message: impl Into<String>, hash: B256) -> Self {
        Self {
            code: 4,
            message: message.into(),
            data: Some(hash.to_string()),
        }
    }

    /// Why a simulation failed, with the codes of `eth_simulateV1`.
    pub(super) fn of_simulation(error: ChainError) -> Self {
        let code = match error {
            ChainError::NonceTooLow { .. } => -38010,
            ChainError::NonceTooHigh { .. } => -38011,
            ChainError::IntrinsicGas { .. } | ChainError::FloorGas { .. } => -38013,
            ChainError::InsufficientFunds { .. } => -38014,
            ChainError::BlockGasLimit => -38015,
            ChainError::BlockNumberOrder { .. } => -38020,
            ChainError::BlockTimeOrder { .. } => -38021,
            ChainError::SenderHasCode(_) => -38024,
            ChainError::InitCodeSize => -38025,
            ChainError::TooManyBlocks => -38026,
            ChainError::FeeTooLow { .. } | ChainError::TipAboveFee { .. } => INVALID_PARAMS_CODE,
            _ => error.code(),
        };
        Self {
            code,
            ..error.into()
        }
    }

    /// The node itself failed (-32603).
    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self {
            code: INTERNAL_ERROR_CODE,
            message: message.into(),
            data: None,
        }
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl From<ChainError> for RpcError {
    fn from(error: ChainError) -> Self {
        Self {
            code: error.code(),
            message: error.to_string(),
            data: error.data(),
        }
    }
}

impl From<RpcError> for ErrorObjectOwned {
    fn from(error: RpcError) -> Self {
        Self::owned(error.code, error.message, error.data)
    }
}
