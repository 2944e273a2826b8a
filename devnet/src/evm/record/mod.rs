//! What is recorded of an execution for tracing.
//!
//! The machine reports every frame, step and log, and every host call of a program, to a [`Recorder`]. Recording does
//! not change what is computed or paid.

mod accesses;
mod hosts;
mod program_steps;
mod steps;
mod transfers;

pub(crate) use accesses::{AccessLog, Touched};
pub(crate) use hosts::HostLog;
pub(crate) use program_steps::ProgramCall;
pub(crate) use steps::StepLog;
pub use steps::StepOptions;
pub(crate) use transfers::TransferLog;

use crate::stylus::vm::HostCall;
use revm::{
    Inspector,
    context::{ContextTr, JournalTr},
    inspector::JournalExt,
    interpreter::{
        CallInputs, CallOutcome, CreateInputs, CreateOutcome, Interpreter,
        interpreter::EthInterpreter,
    },
    primitives::{Address, Bytes, Log, U256},
};
use revm_inspectors::tracing::TracingInspector;

/// The most bytes to record for one request; beyond that, recording stops and the request fails with an error.
pub(crate) const MAX_RECORDED: usize = 96 << 20;

/// One kind of trace of an execution.
#[derive(Debug)]
pub(crate) enum Recorder {
    /// The tree of calls, with logs if requested.
    Calls(Box<TracingInspector>),
    /// Every operator of the EVM, and the host calls that correspond to one.
    Steps(Box<StepLog>),
    /// Every host call.
    Hosts(HostLog),
    /// The accounts and slots that are touched.
    Accesses(AccessLog),
    /// Logs, and transfers of ether as logs.
    Transfers(TransferLog),
}

impl Recorder {
    /// Whether something was left out because there was too much.
    pub(crate) fn is_full(&self) -> bool {
        match self {
            Self::Calls(calls) => calls.limit_exceeded(),
            Self::Steps(steps) => steps.is_full(),
            Self::Hosts(hosts) => hosts.is_full(),
            Self::Accesses(_) | Self::Transfers(_) => false,
        }
    }

    /// Whether it records host calls.
    pub(crate) const fn records_programs(&self) -> bool {
        matches!(self, Self::Steps(_) | Self::Hosts(_) | Self::Accesses(_))
    }

    /// A program's host call has succeeded; the program has earned `refund` so far.
    pub(crate) fn host_called(&mut self, call: HostCall, refund: i64) {
        match self {
            Self::Steps(steps) => steps.host_called(&call, refund),
            Self::Hosts(hosts) => hosts.host_called(call),
            Self::Accesses(accesses) => accesses.host_called(&call),
            Self::Calls(_) | Self::Transfers(_) => {}
        }
    }

    /// A program is about to call another account.
    pub(crate) fn program_calls(&mut self, call: &ProgramCall<'_>) {
        match self {
            Self::Steps(steps) => steps.program_calls(call),
            Self::Accesses(accesses) => accesses.calls(call.to),
            Self::Calls(_) | Self::Hosts(_) | Self::Transfers(_) => {}
        }
    }

    /// A program has ended with `output` and `gas` left.
    pub(crate) fn program_ended(&mut self, success: bool, output: &Bytes, gas: u64) {
        if let Self::Steps(steps) = self {
            steps.program_ended(success, output, gas);
        }
    }
}

impl<CTX: ContextTr<Journal: JournalExt>> Inspector<CTX> for Recorder {
    fn step(&mut self, interpreter: &mut Interpreter<EthInterpreter>, context: &mut CTX) {
        match self {
            Self::Calls(calls) => calls.step(interpreter, context),
            Self::Steps(steps) => steps.begin(interpreter),
            Self::Accesses(accesses) => accesses.step(interpreter),
            Self::Hosts(_) | Self::Transfers(_) => {}
        }
    }

    fn step_end(&mut self, interpreter: &mut Interpreter<EthInterpreter>, context: &mut CTX) {
        match self {
            Self::Calls(calls) => calls.step_end(interpreter, context),
            Self::Steps(steps) => steps.end(interpreter),
            Self::Hosts(_) | Self::Accesses(_) | Self::Transfers(_) => {}
        }
    }

    fn log(&mut self, context: &mut CTX, log: Log) {
        match self {
            Self::Calls(calls) => calls.log(context, log),
            Self::Transfers(transfers) => transfers.log(log),
            Self::Steps(_) | Self::Hosts(_) | Self::Accesses(_) => {}
        }
    }

    fn call(&mut self, context: &mut CTX, inputs: &mut CallInputs) -> Option<CallOutcome> {
        match self {
            Self::Calls(calls) => calls.call(context, inputs),
            Self::Steps(steps) => {
                steps.enter(inputs.target_address);
                None
            }
            Self::Hosts(hosts) => {
                hosts.enter_call(inputs);
                None
            }
            Self::Accesses(accesses) => {
                accesses.enter(inputs.target_address);
                None
            }
            Self::Transfers(transfers) => {
                transfers.enter_call(inputs);
                None
            }
        }
    }

    fn call_end(&mut self, context: &mut CTX, inputs: &CallInputs, outcome: &mut CallOutcome) {
        match self {
            Self::Calls(calls) => calls.call_end(context, inputs, outcome),
            Self::Steps(steps) => steps.exit(&outcome.result),
            Self::Hosts(hosts) => hosts.exit(),
            Self::Accesses(accesses) => accesses.exit(),
            Self::Transfers(transfers) => transfers.exit(outcome.result.is_ok()),
        }
    }

    fn create(&mut self, context: &mut CTX, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        match self {
            Self::Calls(calls) => calls.create(context, inputs),
            Self::Steps(steps) => {
                // Programs do not run here; a contract's steps identify their account.
                steps.enter(Address::ZERO);
                None
            }
            Self::Hosts(hosts) => {
                hosts.enter_creation(inputs, created(context, inputs));
                None
            }
            Self::Accesses(accesses) => {
                accesses.enter(Address::ZERO);
                None
            }
            Self::Transfers(transfers) => {
                transfers.enter_creation(inputs, created(context, inputs));
                None
            }
        }
    }

    fn create_end(
        &mut self,
        context: &mut CTX,
        inputs: &CreateInputs,
        outcome: &mut CreateOutcome,
    ) {
        match self {
            Self::Calls(calls) => calls.create_end(context, inputs, outcome),
            Self::Steps(steps) => steps.exit(&outcome.result),
            Self::Hosts(hosts) => hosts.exit(),
            Self::Accesses(accesses) => accesses.exit(),
            Self::Transfers(transfers) => transfers.exit(outcome.result.is_ok()),
        }
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        match self {
            Self::Calls(calls) => {
                <TracingInspector as Inspector<CTX>>::selfdestruct(calls, contract, target, value);
            }
            Self::Hosts(hosts) => hosts.destroyed(target),
            Self::Transfers(transfers) => transfers.destroyed(contract, target, value),
            Self::Steps(_) | Self::Accesses(_) => {}
        }
    }
}

/// The address of the account that the creation `inputs` makes.
fn created<CTX: ContextTr>(context: &mut CTX, inputs: &CreateInputs) -> Address {
    let nonce = context.journal_mut().load_account(inputs.caller());
    inputs.created_address(nonce.map_or(0, |account| account.info.nonce))
}
