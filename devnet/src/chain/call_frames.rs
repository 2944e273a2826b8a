//! The tree of calls in geth's shape and words.

use alloy::{
    primitives::U256,
    rpc::types::trace::geth::{CallConfig, CallFrame},
};
use revm::interpreter::InstructionResult;
use revm_inspectors::tracing::{TracingInspector, types::CallTraceNode};

/// What `callTracer` answers for a transaction that used `gas`.
pub(super) fn tree(calls: TracingInspector, config: CallConfig, gas: u64) -> CallFrame {
    let nodes = calls.into_traces().into_nodes();
    let mut root = revm_inspectors::tracing::geth::GethTraceBuilder::new_borrowed(&nodes)
        .geth_call_traces(config, gas);
    correct(&mut root, &nodes, 0);
    root.gas_used = U256::from(gas);
    root
}

/// Replaces the library's words and figures with geth's.
fn correct(frame: &mut CallFrame, nodes: &[CallTraceNode], index: usize) {
    let Some(node) = nodes.get(index) else {
        return;
    };
    if let Some(status) = node.trace.status.filter(|status| !status.is_ok()) {
        frame.error = Some(words(status).map_or_else(
            || frame.error.take().unwrap_or_else(|| format!("{status:?}")),
            Into::into,
        ));
        if matches!(
            status,
            InstructionResult::CallTooDeep | InstructionResult::OutOfFunds
        ) {
            // Nothing ran, and the gas stayed with the caller.
            frame.gas_used = U256::ZERO;
            frame.output = None;
        }
    }
    let called = frame
        .calls
        .iter_mut()
        .filter(|call| call.typ != "SELFDESTRUCT");
    for (call, child) in called.zip(&node.children) {
        correct(call, nodes, *child);
    }
}

/// geth's words for why a frame failed, where the library's differ.
fn words(status: InstructionResult) -> Option<&'static str> {
    Some(match status {
        InstructionResult::Revert => "execution reverted",
        InstructionResult::MemoryOOG
        | InstructionResult::MemoryLimitOOG
        | InstructionResult::PrecompileOOG
        | InstructionResult::ReentrancySentryOOG
        | InstructionResult::OutOfGas => "out of gas",
        InstructionResult::InvalidOperandOOG => "gas uint64 overflow",
        InstructionResult::CallTooDeep => "max call depth exceeded",
        InstructionResult::OutOfFunds => "insufficient balance for transfer",
        InstructionResult::StateChangeDuringStaticCall
        | InstructionResult::CallNotAllowedInsideStatic => "write protection",
        InstructionResult::CreateCollision => "contract address collision",
        InstructionResult::CreateContractSizeLimit => "max code size exceeded",
        InstructionResult::CreateInitCodeSizeLimit => "max initcode size exceeded",
        InstructionResult::CreateContractStartingWithEF => "invalid code: must not begin with 0xef",
        InstructionResult::NonceOverflow => "nonce uint64 overflow",
        InstructionResult::OutOfOffset => "return data out of bounds",
        InstructionResult::StackUnderflow => "stack underflow",
        InstructionResult::StackOverflow => "stack limit reached 1024 (1023)",
        _ => return None,
    })
}
