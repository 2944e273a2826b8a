//! `ArbSys` (0x64): the chain and the call, as far as it works without a parent chain.

use super::call::{Answer, Call, Refusal};
use alloy::sol_types::{SolCall, SolInterface};
use revm::{
    Database,
    context::{Cfg, ContextTr, JournalTr},
    primitives::{Address, U256, address},
};

alloy::sol! {
    interface ArbSys {
        function arbBlockNumber() external view returns (uint256);
        function arbBlockHash(uint256 arbBlockNum) external view returns (bytes32);
        function arbChainID() external view returns (uint256);
        function arbOSVersion() external view returns (uint256);
        function getStorageGasAvailable() external view returns (uint256);
        function isTopLevelCall() external view returns (bool);
        function mapL1SenderContractAddressToL2Alias(address sender, address unused) external pure returns (address);
        function wasMyCallersAddressAliased() external view returns (bool);
        function myCallersAddressWithoutAliasing() external view returns (address);

        error InvalidBlockNumber(uint256 requested, uint256 current);
    }
}
use ArbSys::ArbSysCalls as Calls;

/// The offset of version numbers: the 55 versions of Arbitrum's classic chain come first.
const CLASSIC_VERSIONS: u64 = 55;
/// How many blocks have a known hash.
const HASHES: u64 = 256;
/// The offset between a contract's address on the parent chain and its alias.
const ALIAS_OFFSET: Address = address!("1111000000000000000000000000000000001111");

pub(super) fn run<DB: Database>(call: &mut Call<'_, '_, DB>, input: &[u8]) -> Answer {
    call.require_no_value()?;
    let number = call.context.chain.height;
    let encoded = match Calls::abi_decode(input).map_err(|_| Refusal::silent())? {
        Calls::arbBlockNumber(_) => ArbSys::arbBlockNumberCall::abi_encode_returns(&number),
        Calls::arbBlockHash(arguments) => {
            let requested = arguments.arbBlockNum;
            if requested >= number || requested + U256::from(HASHES) < number {
                let error = ArbSys::InvalidBlockNumber {
                    requested,
                    current: number,
                };
                return Err(Refusal::error(&error));
            }
            let hash = call
                .journal()
                .db_mut()
                .block_hash(requested.saturating_to());
            ArbSys::arbBlockHashCall::abi_encode_returns(&hash.map_err(Refusal::database)?)
        }
        Calls::arbChainID(_) => {
            let id = U256::from(call.context.cfg().chain_id());
            ArbSys::arbChainIDCall::abi_encode_returns(&id)
        }
        Calls::arbOSVersion(_) => {
            let number = CLASSIC_VERSIONS + call.engine.arbos().number();
            ArbSys::arbOSVersionCall::abi_encode_returns(&U256::from(number))
        }
        Calls::getStorageGasAvailable(_) => {
            ArbSys::getStorageGasAvailableCall::abi_encode_returns(&U256::ZERO)
        }
        Calls::isTopLevelCall(_) => {
            // The calling contract was itself called by the transaction's sender, or is the
            // sender.
            let top = call.context.chain.actors.len() <= 1;
            ArbSys::isTopLevelCallCall::abi_encode_returns(&top)
        }
        Calls::mapL1SenderContractAddressToL2Alias(arguments) => {
            let offset = U256::from_be_slice(ALIAS_OFFSET.as_slice());
            let shifted = U256::from_be_slice(arguments.sender.as_slice()).wrapping_add(offset);
            let alias = Address::from_word(shifted.into());
            ArbSys::mapL1SenderContractAddressToL2AliasCall::abi_encode_returns(&alias)
        }
        Calls::wasMyCallersAddressAliased(_) => {
            ArbSys::wasMyCallersAddressAliasedCall::abi_encode_returns(&false)
        }
        Calls::myCallersAddressWithoutAliasing(_) => {
            // Without a parent chain nothing is aliased, so the answer is the caller of the calling
            // contract: the transaction's sender or another contract.
            let origin = call.context.tx.caller;
            let actors = &call.context.chain.actors;
            let caller = actors
                .iter()
                .rev()
                .flatten()
                .nth(1)
                .copied()
                .unwrap_or(origin);
            ArbSys::myCallersAddressWithoutAliasingCall::abi_encode_returns(&caller)
        }
    };
    Ok(encoded)
}
