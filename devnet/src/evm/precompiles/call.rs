//! One call of an Arbitrum precompile.

use crate::{
    evm::{
        arbos::{self, Role},
        engine::Engine,
        machine::MachineContext,
    },
    rules::Functions,
};
use alloy::sol_types::{SolError, SolEvent};
use revm::{
    Database,
    context::{ContextTr, JournalTr},
    interpreter::CallInputs,
    primitives::{Address, B256, KECCAK_EMPTY, Log, U256},
};
use std::fmt::Display;

/// Gas for opening the state of `ArbOS`.
const STATE_GAS: u64 = 800;
/// Gas for each word of input and output.
const WORD_GAS: u64 = 3;

/// Why a precompile fails.
pub(super) enum Refusal {
    /// Reverts with this data.
    Revert(Vec<u8>),
    OutOfGas,
    /// Takes all gas, for this reason.
    AllGas(String),
    /// The chain's database failed.
    Database(String),
}

impl Refusal {
    /// A revert with a custom error.
    pub(super) fn error(error: &impl SolError) -> Self {
        Self::Revert(error.abi_encode())
    }

    /// A revert without data: no such function, or a function called in a way it does not allow.
    pub(super) fn silent() -> Self {
        Self::Revert(Vec::new())
    }

    pub(super) fn database(error: impl Display) -> Self {
        Self::Database(error.to_string())
    }
}

/// What a precompile answers: its ABI-encoded result.
pub(super) type Answer = Result<Vec<u8>, Refusal>;

/// The call that a precompile answers.
pub(super) struct Call<'c, 'a, DB: Database> {
    pub(super) context: &'c mut MachineContext<'a, DB>,
    pub(super) engine: &'c Engine,
    pub(super) caller: Address,
    /// Wei.
    pub(super) value: U256,
    address: Address,
    /// Whether the precompile runs on its own account, not by DELEGATECALL or CALLCODE.
    direct: bool,
    is_static: bool,
    gas_left: u64,
}

impl<'c, 'a, DB: Database> Call<'c, 'a, DB> {
    pub(super) fn new(
        context: &'c mut MachineContext<'a, DB>,
        engine: &'c Engine,
        inputs: &CallInputs,
    ) -> Self {
        Self {
            context,
            engine,
            caller: inputs.caller,
            value: inputs.value.get(),
            address: inputs.bytecode_address,
            direct: inputs.target_address == inputs.bytecode_address,
            is_static: inputs.is_static,
            gas_left: inputs.gas_limit,
        }
    }

    /// Pays for opening the state and copying the input.
    pub(super) fn begin(&mut self, input: &[u8]) -> Result<(), Refusal> {
        self.burn(STATE_GAS)?;
        self.burn_words(input.len())
    }

    pub(super) fn gas_left(&self) -> u64 {
        self.gas_left
    }

    pub(super) fn burn(&mut self, gas: u64) -> Result<(), Refusal> {
        self.gas_left = self.gas_left.checked_sub(gas).ok_or(Refusal::OutOfGas)?;
        Ok(())
    }

    /// Fails unless there is `gas`, without charging it.
    pub(super) fn require_gas(&self, gas: u64) -> Result<(), Refusal> {
        self.gas_left
            .checked_sub(gas)
            .map(|_| ())
            .ok_or(Refusal::OutOfGas)
    }

    pub(super) fn burn_words(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.burn(WORD_GAS * (bytes as u64).div_ceil(32))
    }

    /// Refuses value: the function is not payable.
    pub(super) fn require_no_value(&self) -> Result<(), Refusal> {
        if self.value.is_zero() {
            Ok(())
        } else {
            Err(Refusal::silent())
        }
    }

    /// Refuses under versions of `ArbOS` that do not have the function yet.
    pub(super) fn require(&self, functions: Functions) -> Result<(), Refusal> {
        if self.engine.rules.arbos < functions.since() {
            Err(Refusal::silent())
        } else {
            Ok(())
        }
    }

    /// Refuses static and delegate calls: the function changes the state.
    pub(super) fn require_writable(&self) -> Result<(), Refusal> {
        if self.is_static || !self.direct {
            Err(Refusal::silent())
        } else {
            Ok(())
        }
    }

    pub(super) fn journal(&mut self) -> &mut <MachineContext<'a, DB> as ContextTr>::Journal {
        self.context.journal_mut()
    }

    /// The members of a role.
    pub(super) fn members(&mut self, role: Role) -> Result<Vec<Address>, Refusal> {
        arbos::members(self.journal(), role).map_err(Refusal::database)
    }

    /// Whether the caller has a role.
    pub(super) fn caller_is(&mut self, role: Role) -> Result<bool, Refusal> {
        Ok(self.members(role)?.contains(&self.caller))
    }

    /// Seconds since the epoch.
    pub(super) fn time(&self) -> u64 {
        self.context.block.timestamp.saturating_to()
    }

    /// The code hash of an account; for an account without code, the hash of empty code.
    pub(super) fn code_hash(&mut self, account: Address) -> Result<B256, Refusal> {
        let load = self.journal().load_account_with_code(account);
        let hash = load.map_err(Refusal::database)?.info.code_hash;
        Ok(if hash.is_zero() { KECCAK_EMPTY } else { hash })
    }

    /// Emits an event of this precompile.
    pub(super) fn emit(&mut self, event: &impl SolEvent) {
        let log = Log {
            address: self.address,
            data: event.encode_log_data(),
        };
        self.journal().log(log);
    }
}
