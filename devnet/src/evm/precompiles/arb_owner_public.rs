//! `ArbOwnerPublic` (0x6b): who owns the chain.

use super::call::{Answer, Call, Refusal};
use crate::{
    evm::arbos::{self, FEE_ACCOUNT, Role},
    rules::Functions,
};
use alloy::sol_types::{SolCall, SolInterface};
use revm::Database;

alloy::sol! {
    interface ArbOwnerPublic {
        function isChainOwner(address account) external view returns (bool);
        function getAllChainOwners() external view returns (address[]);
        function getNetworkFeeAccount() external view returns (address);
        function getInfraFeeAccount() external view returns (address);
        function getBrotliCompressionLevel() external view returns (uint64);
        function getScheduledUpgrade() external view returns (uint64 arbosVersion, uint64 scheduledForTimestamp);
        function isCalldataPriceIncreaseEnabled() external view returns (bool);
        function getMaxStylusContractFragments() external view returns (uint8);
        function getParentGasFloorPerToken() external view returns (uint64);
        function getNativeTokenManagementFrom() external view returns (uint64);
        function isNativeTokenOwner(address account) external view returns (bool);
        function getAllNativeTokenOwners() external view returns (address[]);
        function getTransactionFilteringFrom() external view returns (uint64);
        function isTransactionFilterer(address account) external view returns (bool);
        function getAllTransactionFilterers() external view returns (address[]);
        function getFilteredFundsRecipient() external view returns (address);
        function getCollectTips() external view returns (bool);
    }
}
use ArbOwnerPublic::ArbOwnerPublicCalls as Calls;

pub(super) fn run<DB: Database>(call: &mut Call<'_, '_, DB>, input: &[u8]) -> Answer {
    call.require_no_value()?;
    let encoded = match Calls::abi_decode(input).map_err(|_| Refusal::silent())? {
        Calls::isChainOwner(arguments) => {
            let owners = call.members(Role::Owner)?;
            let owns = owners.contains(&arguments.account);
            ArbOwnerPublic::isChainOwnerCall::abi_encode_returns(&owns)
        }
        Calls::getAllChainOwners(_) => {
            let owners = call.members(Role::Owner)?;
            ArbOwnerPublic::getAllChainOwnersCall::abi_encode_returns(&owners)
        }
        Calls::getNetworkFeeAccount(_) => {
            ArbOwnerPublic::getNetworkFeeAccountCall::abi_encode_returns(&FEE_ACCOUNT)
        }
        Calls::getInfraFeeAccount(_) => {
            ArbOwnerPublic::getInfraFeeAccountCall::abi_encode_returns(&FEE_ACCOUNT)
        }
        Calls::getBrotliCompressionLevel(_) => {
            ArbOwnerPublic::getBrotliCompressionLevelCall::abi_encode_returns(&1)
        }
        Calls::getScheduledUpgrade(_) => {
            let none = ArbOwnerPublic::getScheduledUpgradeReturn {
                arbosVersion: 0,
                scheduledForTimestamp: 0,
            };
            ArbOwnerPublic::getScheduledUpgradeCall::abi_encode_returns(&none)
        }
        Calls::isCalldataPriceIncreaseEnabled(_) => {
            let enabled = arbos::has_calldata_floor(call.journal()).map_err(Refusal::database)?;
            ArbOwnerPublic::isCalldataPriceIncreaseEnabledCall::abi_encode_returns(&enabled)
        }
        Calls::getMaxStylusContractFragments(_) => {
            call.require(Functions::Fragments)?;
            let count = call.engine.rules.max_fragments;
            ArbOwnerPublic::getMaxStylusContractFragmentsCall::abi_encode_returns(&count)
        }
        switched_off => return unused(call, &switched_off),
    };
    Ok(encoded)
}

/// Answers for features that an owner can turn on, and that are off here: the parent chain's floor, minting of
/// the native token, filtering of transactions, collection of tips.
fn unused<DB: Database>(call: &Call<'_, '_, DB>, question: &Calls) -> Answer {
    call.require(match question {
        Calls::getParentGasFloorPerToken(_)
        | Calls::getNativeTokenManagementFrom(_)
        | Calls::isNativeTokenOwner(_)
        | Calls::getAllNativeTokenOwners(_) => Functions::NativeTokens,
        Calls::getCollectTips(_) => Functions::Tips,
        _ => Functions::Filters,
    })?;
    Ok(match question {
        Calls::getAllNativeTokenOwners(_) | Calls::getAllTransactionFilterers(_) => {
            ArbOwnerPublic::getAllNativeTokenOwnersCall::abi_encode_returns(&Vec::new())
        }
        // A number, an address or a boolean: one zero word.
        _ => ArbOwnerPublic::getCollectTipsCall::abi_encode_returns(&false),
    })
}
