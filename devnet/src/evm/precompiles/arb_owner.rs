//! `ArbOwner` (0x70): what owners of the chain decide about the program cache and the cost of calldata.

use super::call::{Answer, Call, Refusal};
use crate::evm::arbos::{self, Role};
use alloy::sol_types::SolInterface;
use revm::{Database, primitives::Bytes};

alloy::sol! {
    interface ArbOwner {
        function addWasmCacheManager(address manager) external;
        function removeWasmCacheManager(address manager) external;
        function setCalldataPriceIncrease(bool enable) external;

        event OwnerActs(bytes4 indexed method, address indexed owner, bytes data);
    }
}
use ArbOwner::ArbOwnerCalls as Calls;

pub(super) fn run<DB: Database>(call: &mut Call<'_, '_, DB>, input: &[u8]) -> Answer {
    call.require_no_value()?;
    let function = Calls::abi_decode(input).map_err(|_| Refusal::silent())?;
    if !call.caller_is(Role::Owner)? {
        return Err(Refusal::silent());
    }
    call.require_writable()?;
    let method = function.selector();
    match function {
        Calls::addWasmCacheManager(arguments) => {
            let added = arbos::add_member(call.journal(), Role::CacheManager, arguments.manager);
            added.map_err(Refusal::database)?;
        }
        Calls::setCalldataPriceIncrease(arguments) => {
            let set = arbos::set_calldata_floor(call.journal(), arguments.enable);
            set.map_err(Refusal::database)?;
        }
        Calls::removeWasmCacheManager(arguments) => {
            let removed =
                arbos::remove_member(call.journal(), Role::CacheManager, arguments.manager);
            if !removed.map_err(Refusal::database)? {
                return Err(Refusal::silent());
            }
        }
    }
    let owner = call.caller;
    call.emit(&ArbOwner::OwnerActs {
        method: method.into(),
        owner,
        data: Bytes::copy_from_slice(input),
    });
    Ok(Vec::new())
}
