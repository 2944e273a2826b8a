//! `ArbGasInfo` (0x6c): prices. Nothing is paid to a parent chain, so all its prices are zero.

use super::call::{Answer, Call, Refusal};
use crate::rules::Functions;
use alloy::sol_types::{SolCall, SolInterface};
use revm::{Database, context::Block, primitives::U256};

alloy::sol! {
    interface ArbGasInfo {
        function getPricesInWei() external view returns (uint256 perTransaction, uint256 perCalldataUnit, uint256 perStorage, uint256 perGasBase, uint256 perGasCongestion, uint256 perGasTotal);
        function getPricesInArbGas() external view returns (uint256 perTransaction, uint256 perCalldataUnit, uint256 perStorage);
        function getGasAccountingParams() external view returns (uint256 speedLimit, uint256 poolSize, uint256 transactionLimit);
        function getMinimumGasPrice() external view returns (uint256);
        function getL1BaseFeeEstimate() external view returns (uint256);
        function getL1GasPriceEstimate() external view returns (uint256);
        function getCurrentTxL1GasFees() external view returns (uint256);
        function getGasBacklog() external view returns (uint64);
        function getMaxTxGasLimit() external view returns (uint256);
        function getMaxBlockGasLimit() external view returns (uint64);
        function getGasPricingConstraints() external view returns (uint64[3][]);
        function getMultiGasPricingConstraints() external view returns (MultiGasConstraint[]);
        function getMultiGasBaseFee() external view returns (uint256[]);
    }

    struct WeightedResource {
        uint8 resource;
        uint64 weight;
    }

    struct MultiGasConstraint {
        WeightedResource[] resources;
        uint32 adjustmentWindowSecs;
        uint64 targetPerSec;
        uint64 backlog;
    }
}
use ArbGasInfo::ArbGasInfoCalls as Calls;

/// Gas for writing a fresh storage slot.
const STORAGE_GAS: u64 = 20_000;
/// Kinds of gas that Nitro distinguishes.
const RESOURCE_KINDS: usize = 9;
/// Gas per second that an Arbitrum chain sustains.
const SPEED_LIMIT: u64 = 7_000_000;

pub(super) fn run<DB: Database>(call: &mut Call<'_, '_, DB>, input: &[u8]) -> Answer {
    call.require_no_value()?;
    let base_fee = U256::from(call.context.block.basefee());
    let storage = U256::from(STORAGE_GAS);
    let zero = U256::ZERO;
    let encoded = match Calls::abi_decode(input).map_err(|_| Refusal::silent())? {
        Calls::getPricesInWei(_) => {
            ArbGasInfo::getPricesInWeiCall::abi_encode_returns(&ArbGasInfo::getPricesInWeiReturn {
                perTransaction: zero,
                perCalldataUnit: zero,
                perStorage: base_fee.saturating_mul(storage),
                perGasBase: base_fee,
                perGasCongestion: zero,
                perGasTotal: base_fee,
            })
        }
        Calls::getPricesInArbGas(_) => {
            let prices = ArbGasInfo::getPricesInArbGasReturn {
                perTransaction: zero,
                perCalldataUnit: zero,
                perStorage: storage,
            };
            ArbGasInfo::getPricesInArbGasCall::abi_encode_returns(&prices)
        }
        Calls::getGasAccountingParams(_) => {
            let limit = U256::from(block_limit(call));
            let parameters = ArbGasInfo::getGasAccountingParamsReturn {
                speedLimit: U256::from(SPEED_LIMIT),
                poolSize: limit,
                transactionLimit: limit,
            };
            ArbGasInfo::getGasAccountingParamsCall::abi_encode_returns(&parameters)
        }
        Calls::getMinimumGasPrice(_) => {
            ArbGasInfo::getMinimumGasPriceCall::abi_encode_returns(&base_fee)
        }
        Calls::getL1BaseFeeEstimate(_) => {
            ArbGasInfo::getL1BaseFeeEstimateCall::abi_encode_returns(&zero)
        }
        Calls::getL1GasPriceEstimate(_) => {
            ArbGasInfo::getL1GasPriceEstimateCall::abi_encode_returns(&zero)
        }
        Calls::getCurrentTxL1GasFees(_) => {
            ArbGasInfo::getCurrentTxL1GasFeesCall::abi_encode_returns(&zero)
        }
        Calls::getGasBacklog(_) => ArbGasInfo::getGasBacklogCall::abi_encode_returns(&0),
        Calls::getMaxTxGasLimit(_) => {
            call.require(Functions::GasLimits)?;
            let limit = U256::from(call.engine.transaction_gas_limit);
            ArbGasInfo::getMaxTxGasLimitCall::abi_encode_returns(&limit)
        }
        Calls::getMaxBlockGasLimit(_) => {
            call.require(Functions::GasLimits)?;
            ArbGasInfo::getMaxBlockGasLimitCall::abi_encode_returns(&block_limit(call))
        }
        Calls::getGasPricingConstraints(_) => {
            call.require(Functions::PricingConstraints)?;
            ArbGasInfo::getGasPricingConstraintsCall::abi_encode_returns(&Vec::new())
        }
        Calls::getMultiGasPricingConstraints(_) => {
            call.require(Functions::KindsOfGas)?;
            ArbGasInfo::getMultiGasPricingConstraintsCall::abi_encode_returns(&Vec::new())
        }
        Calls::getMultiGasBaseFee(_) => {
            call.require(Functions::KindsOfGas)?;
            // Without constraints, all kinds of gas cost the same.
            let fees = vec![base_fee; RESOURCE_KINDS];
            ArbGasInfo::getMultiGasBaseFeeCall::abi_encode_returns(&fees)
        }
    };
    Ok(encoded)
}

/// The gas capacity of a block. Headers have a higher limit, as on Arbitrum.
fn block_limit<DB: Database>(call: &Call<'_, '_, DB>) -> u64 {
    let named = call.context.block.gas_limit();
    named.min(call.engine.transaction_gas_limit)
}
