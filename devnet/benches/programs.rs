//! The time of a program's call, and where it goes: each row removes something from another row, or adds to it.
//!
//! `cargo bench --profile host -p devnet --bench programs`.

use alloy::{
    primitives::{Address, Bytes, TxKind, U256},
    sol_types::SolCall,
};
use devnet::{
    evm::{Engine, genesis},
    stylus::prefix,
};
use revm::{
    DatabaseCommit,
    context::{BlockEnv, TxEnv},
    database::InMemoryDB,
    state::{AccountInfo, Bytecode},
};
use std::time::{Duration, Instant};

alloy::sol! {
    function activateProgram(address program) external payable returns (uint16 version, uint256 dataFee);
}

const SENDER: Address = Address::repeat_byte(1);
const ARB_WASM: Address = Address::with_last_byte(0x71);
const FEE: u64 = 1_000_000_000_000_000;
/// Calls measured in each row, after a tenth to warm up.
const CALLS: u32 = 5_000;
/// How often a repeating program repeats its step.
const TIMES: u32 = 1_000;

/// A chain with one account that pays.
struct Chain {
    engine: Engine,
    db: InMemoryDB,
}

impl Chain {
    fn new() -> Self {
        let mut db = InMemoryDB::default();
        for account in genesis::accounts() {
            db.insert_account_info(account.address, account.info);
            for (slot, word) in account.storage {
                db.insert_account_storage(account.address, slot, word)
                    .expect("an account in memory");
            }
        }
        db.insert_account_info(SENDER, AccountInfo::from_balance(U256::MAX >> 1));
        Self {
            engine: Engine::new(),
            db,
        }
    }

    fn transaction(&self, to: Address, data: Bytes, value: u64) -> TxEnv {
        TxEnv {
            caller: SENDER,
            kind: TxKind::Call(to),
            data,
            value: U256::from(value),
            gas_limit: 30_000_000,
            nonce: self.db.cache.accounts[&SENDER].info.nonce,
            chain_id: Some(1),
            ..TxEnv::default()
        }
    }

    /// Puts a program on the chain and activates it.
    fn program(&mut self, imports: &str, body: &str) -> Address {
        let wat = format!(
            "(module {imports} (memory (export \"memory\") 1 1)
             (func (export \"user_entrypoint\") (param $len i32) (result i32) (local $i i32) {body} (i32.const 0)))"
        );
        let wasm = wat::parse_str(wat).expect("a module");
        let mut code = prefix::PREFIX.to_vec();
        let params = brotli::enc::BrotliEncoderParams::default();
        brotli::BrotliCompress(&mut &wasm[..], &mut code, &params).expect("memory to memory");
        let program = Address::from_word(alloy::primitives::keccak256(&code));
        let info = AccountInfo::from_bytecode(Bytecode::new_raw(code.into()));
        self.db.insert_account_info(program, info);
        let data = activateProgramCall { program }.abi_encode();
        let activate = self.transaction(ARB_WASM, data.into(), FEE);
        let (config, block) = (self.engine.config(1), BlockEnv::default());
        let outcome = self
            .engine
            .transact(&mut self.db, config, block, activate)
            .expect("a valid transaction");
        assert!(outcome.result.is_success(), "{:?}", outcome.result);
        self.db.commit(outcome.state);
        program
    }

    /// The time of one call of `to`.
    fn measure(&mut self, to: Address, data: Bytes) -> Duration {
        let transaction = self.transaction(to, data, 0);
        let mut start = Instant::now();
        for index in 0..CALLS + CALLS / 10 {
            if index == CALLS / 10 {
                start = Instant::now();
            }
            let (config, block) = (self.engine.config(1), BlockEnv::default());
            let outcome = self
                .engine
                .transact(&mut self.db, config, block, transaction.clone())
                .expect("a valid transaction");
            assert!(outcome.result.is_success(), "{:?}", outcome.result);
        }
        start.elapsed() / CALLS
    }
}

/// Repeats `step`.
fn repeated(step: &str) -> String {
    format!(
        "(local.set $i (i32.const {TIMES}))
         (loop $again {step} (br_if $again (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))"
    )
}

#[allow(clippy::print_stdout)]
fn row(name: &str, time: Duration) {
    println!("{name:<58}{:>9} ns", time.as_nanos());
}

fn main() {
    // `cargo test` passes this to every target: there is nothing to do.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let mut chain = Chain::new();
    let transfer = chain.measure(Address::repeat_byte(7), Bytes::new());
    row("a transfer: what every transaction costs", transfer);

    let empty = chain.program("", "");
    let entry = chain.measure(empty, Bytes::new()).saturating_sub(transfer);
    row("entering a program: record, instance, entry point", entry);
    let base = transfer + entry;

    let read_args = "(import \"vm_hooks\" \"read_args\" (func $read_args (param i32)))";
    let reader = chain.program(read_args, "(call $read_args (i32.const 0))");
    let data = Bytes::from(vec![0; 1_024]);
    let without = chain.measure(empty, data.clone());
    let reading = chain.measure(reader, data).saturating_sub(without);
    row("reading 1,024 bytes of arguments", reading);

    let looping = chain.program("", &repeated(""));
    let looping = chain.measure(looping, Bytes::new());
    row(
        "a turn of an empty loop: 4 operators and the meter",
        looping.saturating_sub(base) / TIMES,
    );

    for (what, name, parameters, call) in [
        (
            "block_number: a value",
            "block_number",
            "(result i64)",
            "(drop (call $f))",
        ),
        (
            "msg_sender: 20 bytes to memory",
            "msg_sender",
            "(param i32)",
            "(call $f (i32.const 0))",
        ),
        (
            "native_keccak256 of 64 bytes",
            "native_keccak256",
            "(param i32 i32 i32)",
            "(call $f (i32.const 0) (i32.const 64) (i32.const 64))",
        ),
        (
            "storage_load_bytes32 from the program's cache",
            "storage_load_bytes32",
            "(param i32 i32)",
            "(call $f (i32.const 0) (i32.const 32))",
        ),
    ] {
        let import = format!("(import \"vm_hooks\" \"{name}\" (func $f {parameters}))");
        let caller = chain.program(&import, &repeated(call));
        let calling = chain.measure(caller, Bytes::new());
        row(what, calling.saturating_sub(looping) / TIMES);
    }
}
