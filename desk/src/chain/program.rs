//! How long programs still run, and running them for longer.
//!
//! A program's year counts from the activation of its *code*: everything deployed from the same build shares it. When
//! it is over, calls revert with `ProgramExpired` until somebody activates the code again.

use alloy::primitives::{Address, U256, keccak256};

use super::abi::{ARB_WASM, ARB_WASM_CACHE, ArbWasm, ArbWasmCache};
use super::act::{Act, Ground, Target};
use super::client::Chain;
use super::error::ChainError;

/// What the chain says about a program's time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Life {
    /// It runs for this many more seconds.
    Left(u64),
    /// Its year is over.
    Expired,
    /// Stylus has been upgraded since it was activated.
    NeedsUpgrade,
    /// Nobody has activated it.
    NotActivated,
    /// The code there is not a program.
    NotAProgram,
}

impl Life {
    /// Asks the chain.
    ///
    /// # Errors
    /// What the chain answers.
    pub async fn of(chain: &Chain, program: Address) -> Result<Self, ChainError> {
        let call = ArbWasm::programTimeLeftCall { program };
        match chain.view(ARB_WASM, call).await {
            Ok(seconds) => Ok(Self::Left(seconds)),
            Err(ChainError::Reverted(revert)) => match revert.name.as_str() {
                "ProgramExpired" => Ok(Self::Expired),
                "ProgramNeedsUpgrade" => Ok(Self::NeedsUpgrade),
                "ProgramNotActivated" => Ok(Self::NotActivated),
                "ProgramNotWasm" => Ok(Self::NotAProgram),
                _ => Err(ChainError::Reverted(revert)),
            },
            Err(error) => Err(error),
        }
    }
}

/// Whether a program's code is in the chain's cache: each call of a program that is not cached pays for its start.
///
/// # Errors
/// What the chain answers.
pub async fn is_cached(chain: &Chain, program: Address) -> Result<bool, ChainError> {
    let codehash = keccak256(&chain.code(program).await?);
    let call = ArbWasmCache::codehashIsCachedCall { codehash };
    chain.view(ARB_WASM_CACHE, call).await
}

/// Another year for the code of a contract, with its data fee; what of the fee is not needed comes back.
#[derive(Debug)]
pub struct Keepalive {
    /// The call.
    pub act: Act<ArbWasm::codehashKeepaliveCall>,
    /// The ether sent with it, in wei: a fifth above the fee.
    pub fee: U256,
}

impl Keepalive {
    /// Looks at the contract and asks the chain for the fee; nothing is sent.
    ///
    /// # Errors
    /// Those of [`Ground::contract`]; `Reverted` when it is too soon, or too late; and the transport's.
    pub async fn of(ground: &Ground, program: Target, sender: Address) -> Result<Self, ChainError> {
        let contract = ground.contract(program).await?;
        let programs = ground.contract(Target::Programs).await?;
        let chain = ground.chain();
        let codehash = keccak256(&chain.code(contract.address()).await?);
        let call = ArbWasm::codehashKeepaliveCall { codehash };
        // Without ether, the refusal says how much is needed.
        let fee = match chain.simulate(sender, ARB_WASM, &call).await {
            Ok(_) => U256::ZERO,
            Err(ChainError::Reverted(revert)) => match revert.fee {
                Some(fee) => fee.saturating_add(*fee / U256::from(5)),
                None => return Err(ChainError::Reverted(revert)),
            },
            Err(error) => return Err(error),
        };
        let act = programs.act(call).paying(fee);
        Ok(Self { act, fee })
    }
}
