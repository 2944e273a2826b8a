//! Every step of the EVM, as geth's struct logger records it.

use super::MAX_RECORDED;
use revm::{
    bytecode::opcode::{self, OpCode},
    interpreter::{
        InstructionResult, Interpreter, InterpreterAction, InterpreterResult,
        interpreter::EthInterpreter,
        interpreter_types::{InputsTr, Jumps, LoopControl, ReturnData},
    },
    primitives::{Address, B256, Bytes, HashMap, U256},
};
use serde::Serialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, collections::BTreeMap};

use super::program_steps::StorageMirror;

/// What to leave out of each step, or add to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "one per option of the method"
)]
pub struct StepOptions {
    /// Leave out the stack.
    pub disable_stack: bool,
    /// Leave out storage.
    pub disable_storage: bool,
    /// Include memory.
    pub enable_memory: bool,
    /// Include what the last call returned.
    pub enable_return_data: bool,
    /// The most steps to record; 0 for no limit.
    pub limit: usize,
}

/// One step on the wire.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Step<'a> {
    pc: usize,
    op: Cow<'static, str>,
    gas: u64,
    gas_cost: u64,
    depth: usize,
    refund: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<&'a [U256]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<Vec<B256>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_data: Option<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage: Option<&'a BTreeMap<B256, B256>>,
}

/// A step before its operator runs.
#[derive(Debug, Default)]
struct Before {
    pc: usize,
    op: u8,
    gas: u64,
    refund: u64,
    stack: Vec<U256>,
    memory: Option<Vec<B256>>,
    return_data: Option<Bytes>,
}

/// A frame on the stack.
#[derive(Debug, Default)]
struct Frame {
    /// Gas that it and its callees have refunded so far.
    refund: i64,
    /// For a program: the contents of its storage cache.
    mirror: StorageMirror,
    /// For a program: whose storage it uses.
    account: Address,
}

/// The steps so far.
#[derive(Debug, Default)]
pub(crate) struct StepLog {
    options: StepOptions,
    /// JSON, each step followed by a comma.
    text: String,
    count: usize,
    full: bool,
    frames: Vec<Frame>,
    storage: HashMap<Address, BTreeMap<B256, B256>>,
    before: Before,
}

impl StepLog {
    pub(crate) fn new(options: StepOptions) -> Self {
        Self {
            options,
            ..Self::default()
        }
    }

    /// The steps as a JSON array.
    pub(crate) fn into_json(mut self) -> Result<Box<RawValue>, serde_json::Error> {
        self.text.pop();
        RawValue::from_string(format!("[{}]", self.text))
    }

    pub(super) const fn is_full(&self) -> bool {
        self.full
    }

    const fn is_done(&self) -> bool {
        self.full || (self.options.limit != 0 && self.count >= self.options.limit)
    }

    pub(super) fn enter(&mut self, account: Address) {
        self.frames.push(Frame {
            account,
            ..Frame::default()
        });
    }

    pub(super) fn exit(&mut self, result: &InterpreterResult) {
        self.frames.pop();
        if let Some(caller) = self.frames.last_mut()
            && result.result.is_ok()
        {
            caller.refund += result.gas.refunded();
        }
    }

    fn refund(&self) -> u64 {
        let total: i64 = self.frames.iter().map(|frame| frame.refund).sum();
        total.max(0).cast_unsigned()
    }

    pub(super) fn begin(&mut self, interpreter: &Interpreter<EthInterpreter>) {
        if self.is_done() {
            return;
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.refund = interpreter.gas.refunded();
        }
        let options = self.options;
        let memory = options.enable_memory;
        let memory = memory.then(|| words(&interpreter.memory.context_memory()));
        let return_data = options
            .enable_return_data
            .then(|| interpreter.return_data.buffer().clone());
        self.before = Before {
            pc: interpreter.bytecode.pc(),
            op: interpreter.bytecode.opcode(),
            gas: interpreter.gas.remaining(),
            refund: self.refund(),
            stack: interpreter.stack.data().clone(),
            memory,
            return_data,
        };
    }

    pub(super) fn end(&mut self, interpreter: &mut Interpreter<EthInterpreter>) {
        if self.is_done() {
            return;
        }
        let before = std::mem::take(&mut self.before);
        let action = interpreter.bytecode.action().as_ref();
        let result = action.and_then(InterpreterAction::instruction_result);
        let account = interpreter.input.target_address();
        let stack = &before.stack;
        let slot = match (before.op, stack.as_slice()) {
            (opcode::SLOAD, [.., key]) => {
                interpreter.stack.data().last().map(|value| (*key, *value))
            }
            (opcode::SSTORE, [.., value, key]) => Some((*key, *value)),
            _ => None,
        };
        let error = result.and_then(|result| refusal(result, &before));
        let slot = slot.filter(|_| error.is_none());
        let cost = before.gas.saturating_sub(interpreter.gas.remaining());
        self.push(before, cost, error, account, slot);
    }

    /// A step that an EVM contract would have made for what a program did.
    pub(super) fn push_program_step(
        &mut self,
        op: u8,
        gas: u64,
        cost: u64,
        memory: &[u8],
        inputs: &[U256],
        slot: Option<(U256, U256)>,
    ) {
        if self.is_done() {
            return;
        }
        let before = Before {
            pc: 0,
            op,
            gas,
            refund: self.refund(),
            // The first is on top.
            stack: inputs.iter().rev().copied().collect(),
            memory: self.options.enable_memory.then(|| words(memory)),
            return_data: self.options.enable_return_data.then(Bytes::new),
        };
        let account = self
            .frames
            .last()
            .map_or(Address::ZERO, |frame| frame.account);
        self.push(before, cost, None, account, slot);
    }

    fn push(
        &mut self,
        before: Before,
        gas_cost: u64,
        error: Option<String>,
        account: Address,
        slot: Option<(U256, U256)>,
    ) {
        let storage = slot
            .filter(|_| !self.options.disable_storage)
            .map(|(key, value)| {
                let slots = self.storage.entry(account).or_default();
                slots.insert(key.into(), value.into());
                &*slots
            });
        let step = Step {
            pc: before.pc,
            op: name(before.op),
            gas: before.gas,
            gas_cost,
            depth: self.frames.len(),
            refund: before.refund,
            error,
            stack: (!self.options.disable_stack).then_some(before.stack.as_slice()),
            memory: before.memory,
            return_data: before.return_data,
            storage,
        };
        match serde_json::to_string(&step) {
            Ok(step) if self.text.len() + step.len() < MAX_RECORDED => {
                self.text.push_str(&step);
                self.text.push(',');
                self.count += 1;
            }
            _ => self.full = true,
        }
    }

    pub(super) fn mirror(&mut self, refund: i64) -> Option<&mut StorageMirror> {
        let frame = self.frames.last_mut()?;
        frame.refund = refund;
        Some(&mut frame.mirror)
    }
}

/// The operator's name; geth's words for those without one.
fn name(op: u8) -> Cow<'static, str> {
    OpCode::new(op).map_or_else(
        || format!("opcode {op:#x} not defined").into(),
        |op| op.as_str().into(),
    )
}

/// Memory in words, the last one padded with zeros.
fn words(memory: &[u8]) -> Vec<B256> {
    memory.chunks(32).map(B256::right_padding_from).collect()
}

/// Why an operator did not run at all, in geth's words. A failure while it runs shows in the frame's result.
fn refusal(result: InstructionResult, before: &Before) -> Option<String> {
    let inputs = OpCode::new(before.op).map_or(0, |op| op.inputs());
    let height = before.stack.len();
    match result {
        InstructionResult::OutOfGas
        | InstructionResult::MemoryOOG
        | InstructionResult::MemoryLimitOOG
        | InstructionResult::PrecompileOOG
        | InstructionResult::ReentrancySentryOOG => Some("out of gas".into()),
        InstructionResult::InvalidOperandOOG => Some("gas uint64 overflow".into()),
        InstructionResult::StackUnderflow => {
            Some(format!("stack underflow ({height} <=> {inputs})"))
        }
        InstructionResult::StackOverflow => Some(format!("stack limit reached {height} (1023)")),
        _ => None,
    }
}
