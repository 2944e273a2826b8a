//! The chain as a running program sees it, on revm's journal.

use crate::{
    evm::{
        machine::{DbError, Machine, MachineContext},
        record::ProgramCall,
    },
    stylus::{
        ink,
        vm::{Access, Answer, CallKind, Environment, Fatal, HostCall, Vm},
    },
};
use revm::{
    Database,
    bytecode::opcode,
    context::{Block, Cfg, ContextTr, CreateScheme, JournalTr, Transaction},
    handler::FrameResult,
    interpreter::{
        CallInput, CallInputs, CallScheme, CallValue, CreateInputs, FrameInput, InstructionResult,
        interpreter_types::RuntimeFlag,
    },
    primitives::{Address, B256, Bytes, KECCAK_EMPTY, Log, LogData, U256},
    state::Bytecode,
};

/// A CALL that transfers value gets this much for free.
const CALL_STIPEND: u64 = 2_300;
/// A call that transfers value pays this.
const CALL_VALUE_GAS: u64 = 9_000;
/// A call that transfers value to an account that does not exist also pays this.
const NEW_ACCOUNT_GAS: u64 = 25_000;
/// CREATE and CREATE2.
const CREATE_GAS: u64 = 32_000;
/// CREATE2, for each word of the code.
const KECCAK_WORD_GAS: u64 = 6;

/// One running program's view of the machine whose top frame it is.
pub(crate) struct ProgramVm<'m, 'a, DB: Database> {
    machine: &'m mut Machine<'a, DB>,
    environment: Environment,
    /// Gas refunds earned by this program and its callees.
    refund: i64,
    /// Why a call returned [`Fatal`].
    error: Option<DbError<'a, DB>>,
}

impl<'m, 'a, DB: Database> ProgramVm<'m, 'a, DB> {
    /// The view of the program in the top frame.
    pub(crate) fn new(machine: &'m mut Machine<'a, DB>) -> Self {
        let frame = machine.frame();
        let (address, caller, value) = {
            let input = &frame.interpreter.input;
            (input.target_address, input.caller_address, input.call_value)
        };
        let is_static = frame.interpreter.runtime_flag.is_static();
        let short_page_counts = machine.rules().short_page_counts;
        let context = machine.context();
        let spans = context
            .chain
            .actors
            .iter()
            .filter(|actor| **actor == Some(address))
            .count();
        let (block, tx) = (&context.block, &context.tx);
        let base_fee = u128::from(block.basefee());
        let environment = Environment {
            chain_id: context.cfg.chain_id(),
            base_fee: U256::from(base_fee),
            coinbase: block.beneficiary(),
            block_gas_limit: block.gas_limit(),
            block_number: block.number().saturating_to(),
            timestamp: block.timestamp().saturating_to(),
            address,
            caller,
            value,
            origin: tx.caller(),
            gas_price: U256::from(tx.effective_gas_price(base_fee)),
            reentrant: spans > 1,
            is_static,
            short_page_counts,
        };
        Self {
            machine,
            environment,
            refund: 0,
            error: None,
        }
    }

    /// Gas that the program's calls refunded; fails if the database did.
    pub(crate) fn finish(self) -> Result<i64, DbError<'a, DB>> {
        self.error.map_or(Ok(self.refund), Err)
    }

    fn context(&mut self) -> &mut MachineContext<'a, DB> {
        self.machine.context()
    }

    /// Keeps the database's error and ends the program.
    fn checked<T>(&mut self, result: Result<T, DB::Error>) -> Result<T, Fatal> {
        result.map_err(|error| {
            self.error = Some(DbError::<DB>::Db(error));
            Fatal
        })
    }

    /// The code that a call of `to` runs, its hash, and what reaching it costs.
    fn resolve(&mut self, to: Address, value: U256) -> Result<(B256, Bytecode, u64), Fatal> {
        let mut gas = ink::WARM_GAS;
        let (hash, code, cold, empty) = self.load_code(to)?;
        if cold {
            gas += ink::COLD_ACCOUNT_GAS - ink::WARM_GAS;
        }
        if !value.is_zero() {
            gas += CALL_VALUE_GAS + if empty { NEW_ACCOUNT_GAS } else { 0 };
        }
        // EIP-7702: the account borrows the code of another.
        if let Some(delegate) = code.eip7702_address() {
            let (hash, code, _, _) = self.load_code(delegate)?;
            return Ok((hash, code, gas));
        }
        Ok((hash, code, gas))
    }

    fn load_code(&mut self, account: Address) -> Result<(B256, Bytecode, bool, bool), Fatal> {
        let load = self
            .context()
            .journal_mut()
            .load_account_with_code(account)
            .map(|load| {
                let info = &load.info;
                (
                    info.code_hash,
                    info.code.clone().unwrap_or_default(),
                    load.is_cold,
                    load.is_empty(),
                )
            });
        self.checked(load)
    }

    /// Runs a frame and settles its gas: the price is `base` plus what the callee used of `gas`.
    fn run(&mut self, input: FrameInput, base: u64, gas: u64) -> Result<Answer, Fatal> {
        let result = match self.machine.run_nested(input) {
            Ok(result) => result,
            Err(error) => {
                self.error = Some(error);
                return Err(Fatal);
            }
        };
        let status = result.interpreter_result().result;
        let callee = *result.gas();
        let left = if status.is_ok_or_revert() {
            callee.remaining()
        } else {
            0
        };
        if status.is_ok() {
            self.refund = self.refund.saturating_add(callee.refunded());
        }
        let (address, output) = match result {
            FrameResult::Call(call) => (Address::ZERO, call.result.output),
            FrameResult::Create(create) => {
                // Only a revert leaves return data; the new account's code is not return data.
                let reverted = status == InstructionResult::Revert;
                let output = if reverted {
                    create.result.output
                } else {
                    Bytes::new()
                };
                (create.address.unwrap_or_default(), output)
            }
        };
        let gas = base.saturating_add(gas.saturating_sub(left));
        Ok(Answer {
            success: status.is_ok(),
            address,
            output,
            gas,
        })
    }
}

/// A call that failed before anything ran.
fn refused(gas: u64) -> Answer {
    Answer {
        success: false,
        address: Address::ZERO,
        output: Bytes::new(),
        gas,
    }
}

impl<DB: Database> Vm for ProgramVm<'_, '_, DB> {
    fn environment(&self) -> &Environment {
        &self.environment
    }

    fn load(&mut self, key: U256) -> Result<Access<U256>, Fatal> {
        let address = self.environment.address;
        let slot = self.context().journal_mut().sload(address, key);
        let slot = self.checked(slot)?;
        Ok(Access {
            value: slot.data,
            cold: slot.is_cold,
        })
    }

    fn store(&mut self, key: U256, value: U256, gas: u64) -> Result<Option<u64>, Fatal> {
        let address = self.environment.address;
        let write = self.context().journal_mut().sstore(address, key, value);
        let write = self.checked(write)?;
        let params = &self.context().cfg.gas_params;
        let price = params.sstore_static_gas()
            + params.sstore_dynamic_gas(true, &write.data, write.is_cold);
        let refund = params.sstore_refund(true, &write.data);
        if price > gas {
            // The program ends, and its frame undoes the write.
            return Ok(None);
        }
        self.refund = self.refund.saturating_add(refund);
        Ok(Some(price))
    }

    fn transient_load(&mut self, key: U256) -> U256 {
        let address = self.environment.address;
        self.context().journal_mut().tload(address, key)
    }

    fn transient_store(&mut self, key: U256, value: U256) {
        let address = self.environment.address;
        self.context().journal_mut().tstore(address, key, value);
    }

    fn balance(&mut self, account: Address) -> Result<Access<U256>, Fatal> {
        let load = self.context().journal_mut().load_account(account);
        let load = load.map(|load| Access {
            value: load.info.balance,
            cold: load.is_cold,
        });
        self.checked(load)
    }

    fn code(&mut self, account: Address) -> Result<Access<Bytes>, Fatal> {
        let (_, code, cold, _) = self.load_code(account)?;
        Ok(Access {
            value: code.original_bytes(),
            cold,
        })
    }

    fn code_hash(&mut self, account: Address) -> Result<Access<B256>, Fatal> {
        let (hash, _, cold, empty) = self.load_code(account)?;
        // As in the EVM: an account that does not exist has no hash, one without code has the hash of
        // nothing.
        let value = if empty {
            B256::ZERO
        } else if hash.is_zero() {
            KECCAK_EMPTY
        } else {
            hash
        };
        Ok(Access { value, cold })
    }

    fn log(&mut self, topics: Vec<B256>, data: Bytes) {
        let address = self.environment.address;
        let log = Log {
            address,
            data: LogData::new_unchecked(topics, data),
        };
        self.context().journal_mut().log(log);
        self.machine.record_log();
    }

    fn call(
        &mut self,
        kind: CallKind,
        to: Address,
        input: Bytes,
        gas_left: u64,
        gas_requested: u64,
    ) -> Result<Answer, Fatal> {
        let value = match kind {
            CallKind::Call(value) => value,
            CallKind::Delegate | CallKind::Static => U256::ZERO,
        };
        if self.environment.is_static && !value.is_zero() {
            return Ok(refused(0));
        }
        let (hash, code, base) = self.resolve(to, value)?;
        let Some(rest) = gas_left.checked_sub(base) else {
            return Ok(refused(gas_left));
        };
        let most = rest - rest.div_ceil(64);
        let mut gas = most.min(gas_requested);
        if !value.is_zero() {
            gas = gas.saturating_add(CALL_STIPEND);
        }
        let refund = self.refund;
        if let Some(recorder) = self.machine.recorder() {
            recorder.program_calls(&ProgramCall {
                op: match kind {
                    CallKind::Call(_) => opcode::CALL,
                    CallKind::Delegate => opcode::DELEGATECALL,
                    CallKind::Static => opcode::STATICCALL,
                },
                to,
                value,
                input: &input,
                gas,
                gas_left: most,
                base,
                refund,
            });
        }
        let environment = &self.environment;
        let own = environment.address;
        let (scheme, target_address, caller, value) = match kind {
            CallKind::Call(value) => (CallScheme::Call, to, own, CallValue::Transfer(value)),
            CallKind::Static => (
                CallScheme::StaticCall,
                to,
                own,
                CallValue::Transfer(U256::ZERO),
            ),
            CallKind::Delegate => (
                CallScheme::DelegateCall,
                own,
                environment.caller,
                CallValue::Apparent(environment.value),
            ),
        };
        let inputs = CallInputs {
            input: CallInput::Bytes(input),
            return_memory_offset: 0..0,
            gas_limit: gas,
            reservoir: 0,
            bytecode_address: to,
            known_bytecode: (hash, code),
            target_address,
            caller,
            value,
            scheme,
            is_static: environment.is_static || kind == CallKind::Static,
        };
        self.run(FrameInput::Call(Box::new(inputs)), base, gas)
    }

    fn create(
        &mut self,
        code: Bytes,
        value: U256,
        salt: Option<U256>,
        gas_left: u64,
    ) -> Result<Option<Answer>, Fatal> {
        let words = (code.len() as u64).div_ceil(32);
        let base = CREATE_GAS
            + if salt.is_some() {
                KECCAK_WORD_GAS * words
            } else {
                0
            };
        let Some(rest) = gas_left.checked_sub(base) else {
            return Ok(None);
        };
        let gas = rest - rest / 64;
        let scheme = salt.map_or(CreateScheme::Create, |salt| CreateScheme::Create2 { salt });
        let inputs = CreateInputs::new(self.environment.address, scheme, value, code, gas, 0);
        self.run(FrameInput::Create(Box::new(inputs)), base, gas)
            .map(Some)
    }

    fn add_pages(&mut self, pages: u16) -> u64 {
        self.context().chain.pages.add(pages)
    }

    fn traced(&self) -> bool {
        self.machine.records_programs()
    }

    fn host_called(&mut self, call: HostCall) {
        let refund = self.refund;
        if let Some(recorder) = self.machine.recorder() {
            recorder.host_called(call, refund);
        }
    }
}
