//! The accounts and slots that an execution touches: what an access list (EIP-2930) would contain.

use crate::stylus::vm::HostCall;
use revm::{
    bytecode::opcode,
    interpreter::{
        Interpreter,
        interpreter::EthInterpreter,
        interpreter_types::{InputsTr, Jumps},
    },
    primitives::{Address, B256},
};
use std::collections::{BTreeMap, BTreeSet};

/// Accounts and their slots.
pub(crate) type Touched = BTreeMap<Address, BTreeSet<B256>>;

/// What has been touched so far.
#[derive(Debug, Default)]
pub(crate) struct AccessLog {
    /// Listed only with slots: they are warm anyway.
    warm: BTreeSet<Address>,
    touched: Touched,
    /// Whose storage each frame on the stack uses.
    frames: Vec<Address>,
}

impl AccessLog {
    /// A record that lists the accounts of `warm` only with slots.
    pub(crate) fn new(warm: BTreeSet<Address>) -> Self {
        Self {
            warm,
            ..Self::default()
        }
    }

    pub(crate) fn into_touched(self) -> Touched {
        self.touched
    }

    pub(super) fn enter(&mut self, account: Address) {
        self.frames.push(account);
    }

    pub(super) fn exit(&mut self) {
        self.frames.pop();
    }

    fn account(&mut self, account: Address) {
        if !self.warm.contains(&account) {
            self.touched.entry(account).or_default();
        }
    }

    fn slot(&mut self, account: Address, slot: B256) {
        self.touched.entry(account).or_default().insert(slot);
    }

    pub(super) fn step(&mut self, interpreter: &Interpreter<EthInterpreter>) {
        let stack = interpreter.stack.data();
        match (interpreter.bytecode.opcode(), stack.as_slice()) {
            (opcode::SLOAD | opcode::SSTORE, [.., slot]) => {
                self.slot(interpreter.input.target_address(), (*slot).into());
            }
            (
                opcode::EXTCODECOPY
                | opcode::EXTCODEHASH
                | opcode::EXTCODESIZE
                | opcode::BALANCE
                | opcode::SELFDESTRUCT,
                [.., account],
            )
            | (
                opcode::DELEGATECALL | opcode::CALL | opcode::STATICCALL | opcode::CALLCODE,
                [.., account, _],
            ) => self.account(Address::from_word((*account).into())),
            _ => {}
        }
    }

    pub(super) fn host_called(&mut self, call: &HostCall) {
        match (call.name, call.args.first_chunk(), call.args.first_chunk()) {
            ("storage_load_bytes32" | "storage_cache_bytes32", Some(slot), _) => {
                if let Some(account) = self.frames.last() {
                    self.slot(*account, B256::new(*slot));
                }
            }
            (
                "account_balance" | "account_code" | "account_code_size" | "account_codehash",
                _,
                Some(account),
            ) => self.account(Address::new(*account)),
            _ => {}
        }
    }

    /// A program calls `account`.
    pub(super) fn calls(&mut self, account: Address) {
        self.account(account);
    }
}
