//! `ArbDebug` (0xff): exists only on development chains.

use super::call::{Answer, Call, Refusal};
use crate::evm::arbos::{self, Role};
use alloy::sol_types::SolInterface;
use revm::Database;

alloy::sol! {
    interface ArbDebug {
        function becomeChainOwner() external;
    }
}

pub(super) fn run<DB: Database>(call: &mut Call<'_, '_, DB>, input: &[u8]) -> Answer {
    call.require_no_value()?;
    let ArbDebug::ArbDebugCalls::becomeChainOwner(_) =
        ArbDebug::ArbDebugCalls::abi_decode(input).map_err(|_| Refusal::silent())?;
    call.require_writable()?;
    let caller = call.caller;
    arbos::add_member(call.journal(), Role::Owner, caller).map_err(Refusal::database)?;
    Ok(Vec::new())
}
