//! The operators that stand for a program's host calls among the steps of the EVM.
//!
//! As on Nitro, a program's frame shows an operator for each host call that corresponds to one, at program counter 0,
//! so that an EVM debugger can follow a transaction through programs and contracts alike. A host call with a result is
//! followed by a `POP` of it; those without a counterpart in the EVM are left out.

use super::StepLog;
use crate::stylus::{ink, vm::HostCall};
use revm::{
    bytecode::opcode,
    primitives::{Address, Bytes, U256},
};
use std::collections::BTreeMap;

/// A call that a program makes.
#[derive(Debug)]
pub(crate) struct ProgramCall<'a> {
    /// CALL, DELEGATECALL or STATICCALL.
    pub(crate) op: u8,
    /// The callee.
    pub(crate) to: Address,
    /// Wei.
    pub(crate) value: U256,
    pub(crate) input: &'a [u8],
    /// The gas that the callee gets.
    pub(crate) gas: u64,
    /// The most gas it could get.
    pub(crate) gas_left: u64,
    /// The price of the call itself, in gas.
    pub(crate) base: u64,
    /// Gas that the program has earned back so far.
    pub(crate) refund: i64,
}

/// The contents of a program's storage cache, to determine which reads and writes reach the state.
#[derive(Debug, Default)]
pub(super) struct StorageMirror(BTreeMap<U256, (U256, Option<U256>)>);

impl StorageMirror {
    /// Whether a read of `value` reached the state.
    fn load(&mut self, key: U256, value: U256) -> bool {
        let known = self.0.contains_key(&key);
        self.0.entry(key).or_insert((value, Some(value)));
        !known
    }

    fn store(&mut self, key: U256, value: U256) {
        self.0.entry(key).or_insert((value, None)).0 = value;
    }

    /// What a flush writes, by key.
    fn flush(&mut self, clear: bool) -> Vec<(U256, U256)> {
        let mut written = Vec::new();
        for (key, (value, known)) in &mut self.0 {
            if *known != Some(*value) {
                *known = Some(*value);
                written.push((*key, *value));
            }
        }
        if clear {
            self.0.clear();
        }
        written
    }
}

/// The number in the bytes.
fn number(bytes: &[u8]) -> U256 {
    U256::try_from_be_slice(bytes).unwrap_or_default()
}

fn length(bytes: &[u8]) -> U256 {
    U256::from(bytes.len())
}

/// The operator of a host call that pops its arguments and pushes one value, with the arguments' sizes.
fn plain(name: &str) -> Option<(u8, &'static [usize])> {
    Some(match name {
        "transient_load_bytes32" => (opcode::TLOAD, &[32]),
        "transient_store_bytes32" => (opcode::TSTORE, &[32, 32]),
        "return_data_size" => (opcode::RETURNDATASIZE, &[]),
        "account_balance" => (opcode::BALANCE, &[20]),
        "account_code_size" => (opcode::EXTCODESIZE, &[20]),
        "account_codehash" => (opcode::EXTCODEHASH, &[20]),
        "block_basefee" => (opcode::BASEFEE, &[]),
        "block_coinbase" => (opcode::COINBASE, &[]),
        "block_gas_limit" => (opcode::GASLIMIT, &[]),
        "block_number" => (opcode::NUMBER, &[]),
        "block_timestamp" => (opcode::TIMESTAMP, &[]),
        "chainid" => (opcode::CHAINID, &[]),
        "contract_address" => (opcode::ADDRESS, &[]),
        "evm_gas_left" | "evm_ink_left" => (opcode::GAS, &[]),
        "math_div" => (opcode::DIV, &[32, 32]),
        "math_mod" => (opcode::MOD, &[32, 32]),
        "math_pow" => (opcode::EXP, &[32, 32]),
        "math_add_mod" => (opcode::ADDMOD, &[32, 32, 32]),
        "math_mul_mod" => (opcode::MULMOD, &[32, 32, 32]),
        "msg_sender" => (opcode::CALLER, &[]),
        "msg_value" => (opcode::CALLVALUE, &[]),
        "tx_gas_price" | "tx_ink_price" => (opcode::GASPRICE, &[]),
        "tx_origin" => (opcode::ORIGIN, &[]),
        _ => return None,
    })
}

/// Takes the first `size` bytes off.
fn take<'a>(bytes: &mut &'a [u8], size: usize) -> &'a [u8] {
    let (head, tail) = bytes.split_at(size.min(bytes.len()));
    *bytes = tail;
    head
}

impl StepLog {
    pub(super) fn host_called(&mut self, call: &HostCall, refund: i64) {
        let gas = ink::to_gas(call.end_ink);
        let cost = ink::to_gas(call.start_ink.saturating_sub(call.end_ink));
        let (mut args, outs) = (call.args.as_slice(), call.outs.as_slice());
        let zero = U256::ZERO;
        let Some(mirror) = self.mirror(refund) else {
            return;
        };
        if let Some((op, sizes)) = plain(call.name) {
            let inputs: Vec<U256> = sizes
                .iter()
                .map(|size| number(take(&mut args, *size)))
                .collect();
            self.push_program_step(op, gas, cost, &[], &inputs, None);
            if !outs.is_empty() {
                self.push_program_step(opcode::POP, gas, 0, &[], &[number(outs)], None);
            }
            return;
        }
        match call.name {
            "read_args" => {
                let inputs = [zero, zero, length(outs)];
                self.push_program_step(opcode::CALLDATACOPY, gas, cost, outs, &inputs, None);
            }
            "storage_load_bytes32" => {
                let (key, value) = (number(args), number(outs));
                if mirror.load(key, value) {
                    self.push_program_step(
                        opcode::SLOAD,
                        gas,
                        cost,
                        &[],
                        &[key],
                        Some((key, value)),
                    );
                    self.push_program_step(opcode::POP, gas, 0, &[], &[value], None);
                }
            }
            "storage_cache_bytes32" => {
                let key = number(take(&mut args, 32));
                mirror.store(key, number(args));
            }
            "storage_flush_cache" => {
                let mut cost = cost;
                for (key, value) in mirror.flush(args.first().is_some_and(|clear| *clear != 0)) {
                    let inputs = [key, value];
                    self.push_program_step(
                        opcode::SSTORE,
                        gas,
                        cost,
                        &[],
                        &inputs,
                        Some((key, value)),
                    );
                    cost = 0;
                }
            }
            "create1" | "create2" => {
                let value = number(take(&mut args, 32));
                let salt = (call.name == "create2").then(|| number(take(&mut args, 32)));
                let op = if salt.is_some() {
                    opcode::CREATE2
                } else {
                    opcode::CREATE
                };
                let inputs: Vec<U256> = [value, zero, length(args)]
                    .into_iter()
                    .chain(salt)
                    .collect();
                self.push_program_step(op, gas, cost, args, &inputs, None);
                let created = number(outs.get(..20).unwrap_or_default());
                self.push_program_step(opcode::POP, gas, 0, args, &[created], None);
            }
            "read_return_data" => {
                let (offset, size) = (number(take(&mut args, 4)), number(args));
                let inputs = [zero, offset, size];
                self.push_program_step(opcode::RETURNDATACOPY, gas, cost, outs, &inputs, None);
            }
            "emit_log" => {
                let topics = number(take(&mut args, 4)).saturating_to::<u8>().min(4);
                let words: Vec<U256> = (0..topics).map(|_| number(take(&mut args, 32))).collect();
                let inputs: Vec<U256> = [zero, length(args)].into_iter().chain(words).collect();
                self.push_program_step(opcode::LOG0 + topics, gas, cost, args, &inputs, None);
            }
            "account_code" => {
                let account = number(take(&mut args, 20));
                let (offset, size) = (number(take(&mut args, 4)), number(args));
                let inputs = [account, zero, offset, size];
                self.push_program_step(opcode::EXTCODECOPY, gas, cost, outs, &inputs, None);
            }
            "native_keccak256" => {
                let inputs = [zero, length(args)];
                self.push_program_step(opcode::KECCAK256, gas, cost, args, &inputs, None);
                self.push_program_step(opcode::POP, gas, 0, args, &[number(outs)], None);
            }
            // Calls are recorded before they begin, results when the program ends; the rest is not in the EVM.
            _ => {}
        }
    }

    pub(super) fn program_calls(&mut self, call: &ProgramCall<'_>) {
        self.mirror(call.refund);
        let zero = U256::ZERO;
        let value = (call.op == opcode::CALL).then_some(call.value);
        let inputs: Vec<U256> = [
            U256::from(call.gas),
            U256::from_be_slice(call.to.as_slice()),
        ]
        .into_iter()
        .chain(value)
        .chain([zero, length(call.input), zero, zero])
        .collect();
        let cost = call.base.saturating_add(call.gas);
        self.push_program_step(call.op, call.gas_left, cost, call.input, &inputs, None);
    }

    pub(super) fn program_ended(&mut self, success: bool, output: &Bytes, gas: u64) {
        let inputs = [U256::ZERO, length(output)];
        match (success, output.is_empty()) {
            (true, true) => self.push_program_step(opcode::STOP, gas, 0, &[], &[], None),
            (true, false) => self.push_program_step(opcode::RETURN, gas, 0, output, &inputs, None),
            (false, _) => self.push_program_step(opcode::REVERT, gas, 0, output, &inputs, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_reaches_the_state_counts() {
        let mut mirror = StorageMirror::default();
        let [one, two] = [U256::ONE, U256::from(2)];
        assert!(mirror.load(one, two));
        assert!(!mirror.load(one, two));
        mirror.store(one, two);
        mirror.store(two, one);
        // Slot 1 is unchanged.
        assert_eq!(mirror.flush(false), [(two, one)]);
        assert!(mirror.flush(true).is_empty());
        assert!(mirror.load(one, two));
    }
}
