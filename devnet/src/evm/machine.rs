//! The EVM type: revm's own, except that a frame whose code is a program runs in WASM.
//!
//! revm executes calls in a loop over a stack of frames. A program cannot be suspended like an
//! interpreter, so a call that it makes runs its own loop ([`Machine::run_nested`]) on the same frame
//! stack and the same journal, down to the calling frame.

use crate::{
    evm::{
        arbos::{self, Record},
        engine::Engine,
        fragments::{self, ProgramError},
        precompiles::ArbPrecompiles,
        program_vm::ProgramVm,
        recent::RecentPrograms,
        record::Recorder,
    },
    rules::Rules,
    stylus::{
        compile::{Program, native_stack},
        ink,
        memory::Pages,
        prefix::Kind,
        run::{self, Outcome, Status},
    },
};
use revm::{
    Context, Database, Inspector, Journal,
    bytecode::opcode,
    context::{
        BlockEnv, CfgEnv, ContextTr, Evm, FrameStack, JournalTr, TxEnv,
        result::{EVMError, HaltReason, ResultAndState},
    },
    handler::{
        EthFrame, EvmTr, FrameInitOrResult, FrameResult, Handler, ItemOrResult,
        evm::{ContextDbError, FrameInitResult},
        instructions::{EthInstructions, InstructionProvider},
        validation,
    },
    inspector::{
        handler::{frame_end, frame_start},
        inspect_instructions,
    },
    interpreter::{
        FrameInput, Gas, InitialAndFloorGas, Instruction, InstructionContext, InstructionResult,
        InterpreterAction, InterpreterResult, interpreter::EthInterpreter,
        interpreter_action::FrameInit, interpreter_types::StackTr,
    },
    primitives::{Address, B256, Bytes, Log, U256, keccak256},
};
use std::{marker::PhantomData, sync::Arc};

/// Native stack that must be free to run one more program, in addition to that of its WASM: for the host's
/// own frames, with room to spare.
const HOST_STACK: usize = 512 << 10;
/// The stack that must be free for the outermost program of a transaction, so that the usual nesting below
/// it adds no stack.
const OUTERMOST_STACK_NEEDED: usize = 6 << 20;
/// The stack that is added when less is free. Only the part that is touched becomes memory.
const STACK_ADDED: usize = 64 << 20;

/// What the EVM's context carries for programs.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProgramState {
    pub(crate) pages: Pages,
    pub(crate) recent: RecentPrograms,
    /// The block's own number; contracts see the parent chain's.
    pub(crate) height: U256,
    /// The account that each frame on the stack acts for, or `None` if a frame borrows another's account.
    pub(crate) actors: Vec<Option<Address>>,
}

pub(crate) type MachineContext<'a, DB> =
    Context<BlockEnv, TxEnv, CfgEnv, &'a mut DB, Journal<&'a mut DB>, ProgramState>;
pub(crate) type DbError<'a, DB> = ContextDbError<MachineContext<'a, DB>>;
type Frame = EthFrame<EthInterpreter>;

/// The number of the parent chain's block at `timestamp`, if it makes one at this interval in seconds; with 0,
/// the chain's own number.
pub(crate) fn parent_chain_number(timestamp: U256, block_time: u64) -> Option<U256> {
    timestamp.checked_div(U256::from(block_time))
}

/// One EVM for one transaction.
pub(crate) struct Machine<'a, DB: Database> {
    evm: Evm<
        MachineContext<'a, DB>,
        (),
        EthInstructions<EthInterpreter, MachineContext<'a, DB>>,
        ArbPrecompiles,
        Frame,
    >,
    engine: Engine,
    /// The recorder, if there is one.
    recorder: Option<&'a mut Recorder>,
}

impl<'a, DB: Database> Machine<'a, DB> {
    pub(crate) fn new(
        engine: &Engine,
        db: &'a mut DB,
        mut cfg: CfgEnv,
        mut block: BlockEnv,
        recent: RecentPrograms,
    ) -> Self {
        // `frame_run` applies the rule, with its exception for programs.
        cfg.disable_eip3541 = true;
        let spec = cfg.spec;
        let height = block.number;
        let parent = parent_chain_number(block.timestamp, engine.parent_block_time);
        block.number = parent.unwrap_or(height);
        let mut context = MachineContext::<'a, DB>::new(db, spec)
            .with_cfg(cfg)
            .with_block(block);
        context.chain.recent = recent;
        context.chain.height = height;
        let mut instructions = EthInstructions::new_mainnet_with_spec(spec);
        if parent.is_some() {
            instructions.insert_instruction(opcode::BLOCKHASH, parent_block_hash());
        }
        let precompiles = ArbPrecompiles::new(engine.clone(), spec);
        Self {
            evm: Evm::new(context, instructions, precompiles),
            engine: engine.clone(),
            recorder: None,
        }
    }

    /// Reports everything that happens to `recorder`.
    pub(crate) fn recorded(mut self, recorder: Option<&'a mut Recorder>) -> Self {
        self.recorder = recorder;
        self
    }

    pub(crate) fn recorder(&mut self) -> Option<&mut Recorder> {
        self.recorder.as_deref_mut()
    }

    pub(crate) fn records_programs(&self) -> bool {
        let recorder = self.recorder.as_deref();
        recorder.is_some_and(Recorder::records_programs)
    }

    /// The journal's newest log came from a program.
    pub(crate) fn record_log(&mut self) {
        let context = &mut self.evm.ctx;
        if let Some(recorder) = &mut self.recorder
            && let Some(log) = context.journal().logs().last().cloned()
        {
            recorder.log(context, log);
        }
    }

    /// A frame that was begun with `input` has ended with `result`; the logs from `logs` on are still to be reported.
    fn record_end(&mut self, input: &FrameInput, result: &mut FrameResult, logs: usize) {
        let Some(recorder) = &mut self.recorder else {
            return;
        };
        let context = &mut self.evm.ctx;
        if let FrameResult::Call(outcome) = result
            && outcome.was_precompile_called
        {
            let new = context.journal().logs().get(logs..).unwrap_or_default();
            let new: Vec<Log> = new
                .iter()
                .chain(&outcome.precompile_call_logs)
                .cloned()
                .collect();
            for log in new {
                recorder.log(context, log);
            }
        }
        frame_end(context, &mut **recorder, input, result);
    }

    /// Executes the transaction; also returns the programs that ran in the block so far.
    pub(crate) fn transact(
        mut self,
        tx: TxEnv,
    ) -> (Result<ResultAndState, EVMError<DB::Error>>, RecentPrograms) {
        self.evm.ctx.tx = tx;
        let result = Phases(PhantomData).run(&mut self);
        let state = self.evm.ctx.journal_mut().finalize();
        let recent = std::mem::take(&mut self.evm.ctx.chain.recent);
        (
            result.map(|result| ResultAndState::new(result, state)),
            recent,
        )
    }

    /// The rules of this version of `ArbOS`.
    pub(crate) const fn rules(&self) -> &'static Rules {
        self.engine.rules
    }

    pub(crate) fn context(&mut self) -> &mut MachineContext<'a, DB> {
        &mut self.evm.ctx
    }

    /// The running frame.
    pub(crate) fn frame(&mut self) -> &mut Frame {
        self.evm.frame_stack.get()
    }

    /// Executes a call or creation that the running frame makes, to its end.
    pub(crate) fn run_nested(&mut self, input: FrameInput) -> Result<FrameResult, DbError<'a, DB>> {
        let frame = self.frame();
        let init = FrameInit {
            frame_input: input,
            depth: frame.depth + 1,
            memory: frame.interpreter.memory.new_child_context(),
        };
        let result = self.run_frames(init);
        self.frame().interpreter.memory.free_child_context();
        result
    }

    fn run_frames(&mut self, init: FrameInit) -> Result<FrameResult, DbError<'a, DB>> {
        let caller = self.evm.frame_stack.index();
        if let ItemOrResult::Result(result) = self.frame_init(init)? {
            return Ok(result);
        }
        loop {
            let result = match self.frame_run()? {
                ItemOrResult::Result(result) => result,
                ItemOrResult::Item(init) => match self.frame_init(init)? {
                    ItemOrResult::Item(_) => continue,
                    ItemOrResult::Result(result) => result,
                },
            };
            if self.frame().is_finished() {
                self.pop_frame();
            }
            if self.evm.frame_stack.index() == caller {
                return Ok(result);
            }
            let context = &mut self.evm.ctx;
            self.evm
                .frame_stack
                .get()
                .return_result::<_, DbError<'a, DB>>(context, result)?;
        }
    }

    fn pop_frame(&mut self) {
        self.evm.frame_stack.pop();
        self.evm.ctx.chain.actors.pop();
    }

    /// Runs the program that is the code of the top frame.
    fn run_program(&mut self) -> Result<InterpreterResult, DbError<'a, DB>> {
        let frame = self.evm.frame_stack.get();
        let start_gas = frame.interpreter.gas.remaining();
        let code_hash = frame.interpreter.bytecode.get_or_calculate_hash();
        let code = frame.interpreter.bytecode.original_bytes();
        let arguments = frame.interpreter.input.input.bytes(&self.evm.ctx);

        let (timestamp, rules) = (self.evm.ctx.block.timestamp, self.engine.rules);
        let journal = self.evm.ctx.journal_mut();
        let record = match arbos::active_program(journal, code_hash, timestamp, rules.stylus)? {
            Ok(record) => record,
            Err(error) => {
                let output = error.abi_encode().into();
                return Ok(self.finish(InstructionResult::Revert, output, start_gas));
            }
        };
        let open = self.evm.ctx.chain.pages.open;
        let price = self.entry_price(code_hash, &record);
        let Some(gas) = start_gas.checked_sub(price) else {
            self.evm.ctx.chain.pages.open = open;
            return Ok(self.finish(InstructionResult::OutOfGas, Bytes::new(), 0));
        };
        let Some(program) = self.program(code_hash, &code)? else {
            self.evm.ctx.chain.pages.open = open;
            return Ok(self.finish(InstructionResult::Revert, Bytes::new(), gas));
        };
        let ended = self.enter(&program, arguments, gas, open == 0);
        self.evm.ctx.chain.pages.open = open;
        let (outcome, refund) = ended?;
        let (result, output) = match outcome.status {
            Status::Success => (InstructionResult::Return, outcome.output.into()),
            Status::Revert => (InstructionResult::Revert, outcome.output.into()),
            Status::Failure => (InstructionResult::Revert, Bytes::new()),
            Status::OutOfInk => (InstructionResult::OutOfGas, Bytes::new()),
            Status::Fatal => {
                return Err(DbError::<DB>::Custom(
                    "too many programs are running at once".into(),
                ));
            }
            Status::OutOfStack => (InstructionResult::StackOverflow, Bytes::new()),
        };
        // Returning data must cost what the memory for it costs in the EVM, at least.
        let Some(most_gas_left) = start_gas.checked_sub(ink::evm_memory(output.len() as u64))
        else {
            return Ok(self.finish(InstructionResult::OutOfGas, Bytes::new(), 0));
        };
        let gas_left = outcome.gas_left.min(most_gas_left);
        if let Some(recorder) = &mut self.recorder {
            recorder.program_ended(result.is_ok(), &output, gas_left);
        }
        let mut result = self.finish(result, output, gas_left);
        if result.result.is_ok() {
            result.gas.record_refund(refund);
        }
        Ok(result)
    }

    /// Gas for entering a program and for its initial memory, whose pages are open from here on.
    fn entry_price(&mut self, code_hash: B256, record: &Record) -> u64 {
        let ProgramState { pages, recent, .. } = &mut self.evm.ctx.chain;
        let recent = recent.insert(code_hash, self.engine.rules.recent_programs);
        let mut price = record.cached_gas();
        if !(recent || record.cached) {
            price = price.saturating_add(record.init_gas());
        }
        price.saturating_add(pages.add(record.footprint))
    }

    /// The compiled program whose code is `code`; `None` when it does not compile. It did when it was activated,
    /// so the state was edited by hand.
    fn program(
        &mut self,
        code_hash: B256,
        code: &Bytes,
    ) -> Result<Option<Arc<Program>>, DbError<'a, DB>> {
        let rules = self.engine.rules;
        let journal = self.evm.ctx.journal_mut();
        let module = match Kind::of(code, rules.max_fragments) {
            Some(Kind::Root) => match arbos::module(journal, code_hash)? {
                // Activated on the chain that this one forked.
                B256::ZERO => code_hash,
                module => module,
            },
            _ => code_hash,
        };
        let wasm = || fragments::wasm(journal, code, rules);
        match self.engine.programs.get_or_compile(module, wasm) {
            Ok(program) => Ok(Some(program)),
            Err(ProgramError::Database(error)) => Err(DbError::<DB>::Db(error)),
            Err(_) => Ok(None),
        }
    }

    /// Runs `program` on a stack that is large enough; returns how it ended and the gas to refund.
    fn enter(
        &mut self,
        program: &Program,
        arguments: Bytes,
        gas: u64,
        outermost: bool,
    ) -> Result<(Outcome, i64), DbError<'a, DB>> {
        let mut needed = native_stack(self.engine.rules) + HOST_STACK;
        if outermost {
            needed = needed.max(OUTERMOST_STACK_NEEDED);
        }
        stacker::maybe_grow(needed, STACK_ADDED, || {
            let mut vm = ProgramVm::new(self);
            let outcome = run::run(program, &mut vm, arguments, gas);
            Ok((outcome, vm.finish()?))
        })
    }

    /// The result of the top frame, with `gas_left` of its gas.
    fn finish(
        &mut self,
        result: InstructionResult,
        output: Bytes,
        gas_left: u64,
    ) -> InterpreterResult {
        let mut gas = Gas::new(self.frame().interpreter.gas.limit());
        gas.set_remaining(gas_left);
        InterpreterResult {
            result,
            output,
            gas,
        }
    }
}

/// The gas for BLOCKHASH.
const BLOCKHASH_GAS: u64 = 20;
/// How many of the parent chain's blocks BLOCKHASH answers for.
const PARENT_HASHES: u64 = 256;

/// BLOCKHASH of the parent chain, which does not exist: the hash of a block is derived from its number.
fn parent_block_hash<'a, DB: Database>() -> Instruction<EthInterpreter, MachineContext<'a, DB>> {
    Instruction::new(
        |context: InstructionContext<'_, MachineContext<'a, DB>, EthInterpreter>| {
            let Some(([], number)) = StackTr::popn_top::<0>(&mut context.interpreter.stack) else {
                context.interpreter.halt(InstructionResult::StackUnderflow);
                return;
            };
            let age = context.host.block.number.checked_sub(*number);
            let known = |age: &U256| (U256::ONE..=U256::from(PARENT_HASHES)).contains(age);
            *number = match age.filter(known) {
                Some(_) => keccak256(number.to_be_bytes::<32>()).into(),
                None => U256::ZERO,
            };
        },
        BLOCKHASH_GAS,
    )
}

/// EIP-3541, except for programs and their fragments: new code must not begin with 0xEF.
fn refuse_reserved_code(frame: &Frame, action: &mut InterpreterAction, rules: &Rules) {
    if let InterpreterAction::Return(result) = action
        && frame.data.is_create()
        && result.result.is_ok()
        && result.output.first() == Some(&0xEF)
        && Kind::of(&result.output, rules.max_fragments).is_none()
    {
        result.result = InstructionResult::CreateContractStartingWithEF;
        result.gas.spend_all();
    }
}

/// revm's handling of a transaction, except for EIP-7623: whether there is a floor for the cost of calldata
/// depends on the configuration, not on the EVM's version.
struct Phases<'a, DB: Database>(PhantomData<fn() -> Machine<'a, DB>>);

impl<'a, DB: Database> Handler for Phases<'a, DB> {
    type Evm = Machine<'a, DB>;
    type Error = EVMError<DB::Error>;
    type HaltReason = HaltReason;

    fn validate_initial_tx_gas(
        &self,
        machine: &mut Self::Evm,
    ) -> Result<InitialAndFloorGas, Self::Error> {
        let MachineContext::<'a, DB> { tx, cfg, .. } = machine.context();
        let no_floor = cfg.gas_params.tx_floor_cost_per_token() == 0;
        let gas = validation::validate_initial_tx_gas(&*tx, cfg.spec, no_floor, false, u64::MAX)?;
        Ok(gas)
    }
}

impl<'a, DB: Database> EvmTr for Machine<'a, DB> {
    type Context = MachineContext<'a, DB>;
    type Instructions = EthInstructions<EthInterpreter, MachineContext<'a, DB>>;
    type Precompiles = ArbPrecompiles;
    type Frame = Frame;

    fn all(
        &self,
    ) -> (
        &Self::Context,
        &Self::Instructions,
        &Self::Precompiles,
        &FrameStack<Self::Frame>,
    ) {
        self.evm.all()
    }

    fn all_mut(
        &mut self,
    ) -> (
        &mut Self::Context,
        &mut Self::Instructions,
        &mut Self::Precompiles,
        &mut FrameStack<Self::Frame>,
    ) {
        self.evm.all_mut()
    }

    fn frame_init(
        &mut self,
        mut init: FrameInit,
    ) -> Result<FrameInitResult<'_, Self::Frame>, ContextDbError<Self::Context>> {
        let mut begun = None;
        if let Some(recorder) = &mut self.recorder {
            let context = &mut self.evm.ctx;
            // Recorders only observe.
            let _ = frame_start(context, &mut **recorder, &mut init.frame_input);
            begun = Some((init.frame_input.clone(), context.journal().logs().len()));
        }
        if let ItemOrResult::Result(mut result) = self.evm.frame_init(init)? {
            if let Some((input, logs)) = begun {
                self.record_end(&input, &mut result, logs);
            }
            return Ok(ItemOrResult::Result(result));
        }
        let frame = self.evm.frame_stack.get();
        let input = &frame.interpreter.input;
        let own = match &frame.input {
            FrameInput::Call(inputs) => {
                !inputs.scheme.is_delegate_call() && !inputs.scheme.is_call_code()
            }
            _ => true,
        };
        self.evm
            .ctx
            .chain
            .actors
            .push(own.then_some(input.target_address));
        Ok(ItemOrResult::Item(self.evm.frame_stack.get()))
    }

    fn frame_run(
        &mut self,
    ) -> Result<FrameInitOrResult<Self::Frame>, ContextDbError<Self::Context>> {
        let frame = self.evm.frame_stack.get();
        let rules = self.engine.rules;
        let code = frame.interpreter.bytecode.original_byte_slice();
        let is_program = frame.data.is_call()
            && Kind::of(code, rules.max_fragments).is_some_and(Kind::is_executable);
        let action = if is_program {
            InterpreterAction::Return(self.run_program()?)
        } else {
            let table = self.evm.instruction.instruction_table();
            let context = &mut self.evm.ctx;
            let mut action = match &mut self.recorder {
                None => frame.interpreter.run_plain(table, context),
                Some(recorder) => {
                    inspect_instructions(context, &mut frame.interpreter, &mut **recorder, table)
                }
            };
            refuse_reserved_code(frame, &mut action, rules);
            action
        };
        let frame = self.evm.frame_stack.get();
        let mut next =
            frame.process_next_action::<_, DbError<'a, DB>>(&mut self.evm.ctx, action)?;
        if let ItemOrResult::Result(result) = &mut next {
            frame.set_finished(true);
            if let Some(recorder) = &mut self.recorder {
                frame_end(&mut self.evm.ctx, &mut **recorder, &frame.input, result);
            }
        }
        Ok(next)
    }

    fn frame_return_result(
        &mut self,
        result: FrameResult,
    ) -> Result<Option<FrameResult>, ContextDbError<Self::Context>> {
        if self.frame().is_finished() {
            self.evm.ctx.chain.actors.pop();
        }
        self.evm.frame_return_result(result)
    }
}
