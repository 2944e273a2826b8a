//! The host calls of programs, nested like the calls: what Nitro's `stylusTracer` answers, and `cargo stylus trace`
//! and `replay` read.

use super::MAX_RECORDED;
use crate::stylus::vm::HostCall;
use revm::{
    context::CreateScheme,
    interpreter::{CallInputs, CallScheme, CreateInputs},
    primitives::{Address, Bytes},
};
use serde::Serialize;

/// The name of a call until it turns out that a program made it.
const EVM: &str = "evm_";

/// One host call, or a call not made by a program (its name begins with `evm_`).
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HostStep {
    name: &'static str,
    args: Bytes,
    outs: Bytes,
    start_ink: u64,
    end_ink: u64,
    /// The callee.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Address>,
    /// What the callee did.
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<Vec<Self>>,
}

impl HostStep {
    const fn frame(name: &'static str, address: Address, steps: Vec<Self>) -> Self {
        Self {
            name,
            args: Bytes::new(),
            outs: Bytes::new(),
            start_ink: 0,
            end_ink: 0,
            address: Some(address),
            steps: Some(steps),
        }
    }
}

/// A frame whose callee is running.
#[derive(Debug)]
struct Caller {
    name: &'static str,
    callee: Address,
    /// What the caller did before.
    steps: Vec<HostStep>,
}

/// The host calls so far.
#[derive(Debug, Default)]
pub(crate) struct HostLog {
    /// `None` for the transaction's own frame.
    callers: Vec<Option<Caller>>,
    open: Vec<HostStep>,
    bytes: usize,
}

impl HostLog {
    /// What the transaction's own frame did.
    pub(crate) fn into_steps(self) -> Vec<HostStep> {
        self.open
    }

    pub(super) const fn is_full(&self) -> bool {
        self.bytes > MAX_RECORDED
    }

    pub(super) fn enter_call(&mut self, inputs: &CallInputs) {
        let name = match inputs.scheme {
            CallScheme::Call => "evm_call_contract",
            CallScheme::DelegateCall => "evm_delegate_call_contract",
            CallScheme::StaticCall => "evm_static_call_contract",
            // Nitro gives it no name, which its own tool cannot read.
            CallScheme::CallCode => "evm_call_code",
        };
        self.enter(name, inputs.bytecode_address);
    }

    pub(super) fn enter_creation(&mut self, inputs: &CreateInputs, created: Address) {
        let name = match inputs.scheme() {
            CreateScheme::Create2 { .. } => "evm_create2",
            _ => "evm_create1",
        };
        self.enter(name, created);
    }

    fn enter(&mut self, name: &'static str, callee: Address) {
        let suspended = (!self.callers.is_empty()).then(|| Caller {
            name,
            callee,
            steps: std::mem::take(&mut self.open),
        });
        self.callers.push(suspended);
    }

    pub(super) fn exit(&mut self) {
        if let Some(Some(caller)) = self.callers.pop() {
            let steps = std::mem::replace(&mut self.open, caller.steps);
            self.push(HostStep::frame(caller.name, caller.callee, steps));
        }
    }

    pub(super) fn destroyed(&mut self, heir: Address) {
        self.push(HostStep::frame("evm_self_destruct", heir, Vec::new()));
    }

    pub(super) fn host_called(&mut self, call: HostCall) {
        let calls = matches!(
            call.name,
            "call_contract" | "delegate_call_contract" | "static_call_contract"
        );
        // The frame that was just left, unless the call failed before it had one.
        let frame = calls.then(|| {
            let last = self
                .open
                .pop_if(|last| last.name.strip_prefix(EVM) == Some(call.name));
            last.unwrap_or_else(|| {
                let callee = call.args.get(..20).map(Address::from_slice);
                HostStep::frame(call.name, callee.unwrap_or_default(), Vec::new())
            })
        });
        let (address, steps) = frame.map_or((None, None), |frame| (frame.address, frame.steps));
        self.push(HostStep {
            name: call.name,
            args: call.args.into(),
            outs: call.outs.into(),
            start_ink: call.start_ink,
            end_ink: call.end_ink,
            address,
            steps,
        });
    }

    fn push(&mut self, step: HostStep) {
        self.bytes += size_of::<HostStep>() + step.args.len() + step.outs.len();
        if !self.is_full() {
            self.open.push(step);
        }
    }
}
