//! `ArbWasmCache` (0x72): which programs always pay the cached price.
//!
//! Cache managers, by auction (`cache_manager.sol`), and the owners of the chain decide that.

use super::call::{Answer, Call, Refusal};
use crate::evm::arbos::{self, Role};
use alloy::sol_types::{SolCall, SolInterface};
use revm::{Database, primitives::B256};

alloy::sol! {
    interface ArbWasmCache {
        function isCacheManager(address manager) external view returns (bool);
        function allCacheManagers() external view returns (address[] managers);
        function cacheCodehash(bytes32 codehash) external;
        function cacheProgram(address program) external;
        function evictCodehash(bytes32 codehash) external;
        function codehashIsCached(bytes32 codehash) external view returns (bool);

        event UpdateProgramCache(address indexed manager, bytes32 indexed codehash, bool cached);
    }
}
use ArbWasmCache::ArbWasmCacheCalls as Calls;

pub(super) fn run<DB: Database>(call: &mut Call<'_, '_, DB>, input: &[u8]) -> Answer {
    call.require_no_value()?;
    match Calls::abi_decode(input).map_err(|_| Refusal::silent())? {
        Calls::isCacheManager(arguments) => {
            let members = call.members(Role::CacheManager)?;
            let known = members.contains(&arguments.manager);
            Ok(ArbWasmCache::isCacheManagerCall::abi_encode_returns(&known))
        }
        Calls::allCacheManagers(_) => {
            let managers = call.members(Role::CacheManager)?;
            Ok(ArbWasmCache::allCacheManagersCall::abi_encode_returns(
                &managers,
            ))
        }
        Calls::codehashIsCached(arguments) => {
            let record = arbos::record(call.journal(), arguments.codehash);
            let cached = record.map_err(Refusal::database)?.cached;
            Ok(ArbWasmCache::codehashIsCachedCall::abi_encode_returns(
                &cached,
            ))
        }
        Calls::cacheCodehash(arguments) => set(call, arguments.codehash, true),
        Calls::cacheProgram(arguments) => {
            let code_hash = call.code_hash(arguments.program)?;
            set(call, code_hash, true)
        }
        Calls::evictCodehash(arguments) => set(call, arguments.codehash, false),
    }
}

/// Caches or evicts the programs with a code hash; only active ones can be cached.
///
/// As on Arbitrum, a caller without permission loses all its gas.
fn set<DB: Database>(call: &mut Call<'_, '_, DB>, code_hash: B256, cached: bool) -> Answer {
    call.require_writable()?;
    if !call.caller_is(Role::CacheManager)? && !call.caller_is(Role::Owner)? {
        return Err(Refusal::OutOfGas);
    }
    let time = call.time();
    let mut record = arbos::record(call.journal(), code_hash).map_err(Refusal::database)?;
    if cached {
        let active = record.require_active(time, call.engine.rules.stylus);
        active.map_err(|inactive| Refusal::Revert(inactive.abi_encode()))?;
    }
    if record.cached != cached {
        call.burn(record.init_gas())?;
        record.cached = cached;
        arbos::set_record(call.journal(), code_hash, record).map_err(Refusal::database)?;
        let manager = call.caller;
        call.emit(&ArbWasmCache::UpdateProgramCache {
            manager,
            codehash: code_hash,
            cached,
        });
    }
    Ok(Vec::new())
}
