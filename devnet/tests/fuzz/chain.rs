//! A chain for one program after another, and what must be true of all of them.

use alloy::{
    primitives::{Address, B256, Bytes, TxKind, U256, address, hex},
    sol_types::SolCall,
};
use devnet::{
    ArbOs,
    evm::{Engine, genesis},
    stylus::prefix,
};
use revm::{
    DatabaseCommit,
    context::{
        BlockEnv, TxEnv,
        result::{ExecutionResult, ResultAndState},
    },
    database::InMemoryDB,
    state::{AccountInfo, Bytecode, EvmState},
};
use std::collections::BTreeMap;

alloy::sol! {
    function activateProgram(address program) external payable returns (uint16 version, uint256 dataFee);
}

const CHAIN_ID: u64 = 412_346;
const SENDER: Address = address!("00000000000000000000000000000000000a11ce");
const COINBASE: Address = address!("00000000000000000000000000000000000c01ba");
const ARB_WASM: Address = Address::with_last_byte(0x71);
/// Wei that covers any data fee.
const FEE: u64 = 1_000_000_000_000_000;
const GAS: u64 = 30_000_000;

/// Calls the program whose address is the first word of the calldata with the rest of it. Returns a word that is
/// 1 if that succeeded, then what the program returned:
///
/// ```text
/// n = CALLDATASIZE - 32   CALLDATACOPY(0, 32, n)   CALL(GAS, CALLDATALOAD(0), CALLVALUE, 0, n, 0, 0)
/// MSTORE(0, success)   RETURNDATACOPY(32, 0, RETURNDATASIZE)   RETURN(0, 32 + RETURNDATASIZE)
/// ```
const CALL: &[u8] = &hex!("602036038060205f375f5f825f345f355af15f523d5f60203e3d6020015ff3");
/// The same with DELEGATECALL.
const DELEGATE_CALL: &[u8] = &hex!("602036038060205f375f5f825f5f355af45f523d5f60203e3d6020015ff3");
/// The same with STATICCALL.
const STATIC_CALL: &[u8] = &hex!("602036038060205f375f5f825f5f355afa5f523d5f60203e3d6020015ff3");

/// The contracts with these codes.
const BY_CALL: Address = address!("00000000000000000000000000000000000000ca");
const BY_DELEGATE_CALL: Address = address!("00000000000000000000000000000000000000de");
const BY_STATIC_CALL: Address = address!("00000000000000000000000000000000000000f0");
/// A program that writes, logs and then reverts when its calldata has an odd length.
const PARTNER: Address = address!("0000000000000000000000000000000000009a12");
const PARTNER_WAT: &str = r#"(module
    (import "vm_hooks" "storage_cache_bytes32" (func $set (param i32 i32)))
    (import "vm_hooks" "storage_flush_cache" (func $flush (param i32)))
    (import "vm_hooks" "emit_log" (func $log (param i32 i32 i32)))
    (import "vm_hooks" "msg_sender" (func $sender (param i32)))
    (import "vm_hooks" "write_result" (func $result (param i32 i32)))
    (memory (export "memory") 1 1)
    (func (export "user_entrypoint") (param i32) (result i32)
      (call $sender (i32.const 0))
      (call $set (i32.const 0) (i32.const 0))
      (call $flush (i32.const 0))
      (call $log (i32.const 0) (i32.const 64) (i32.const 1))
      (call $result (i32.const 0) (i32.const 33))
      (i32.and (local.get 0) (i32.const 1))))"#;

/// The address of a case's program: the sender's first transaction creates it.
pub(crate) fn program_address() -> Address {
    SENDER.create(0)
}

/// Accounts that a program can usefully call: itself, others, precompiles, an empty one.
pub(crate) fn neighbours() -> [Address; 16] {
    let precompile = Address::with_last_byte;
    [
        program_address(),
        PARTNER,
        BY_CALL,
        BY_DELEGATE_CALL,
        BY_STATIC_CALL,
        SENDER,
        ARB_WASM,
        precompile(0x72),
        precompile(0x64),
        precompile(1),
        precompile(2),
        precompile(4),
        precompile(5),
        precompile(9),
        Address::ZERO,
        Address::repeat_byte(0xee),
    ]
}

/// Calldata for `ArbWasm` that activates `program`.
pub(crate) fn activation(program: Address) -> Vec<u8> {
    activateProgramCall { program }.abi_encode()
}

/// The code that puts `wasm` on chain.
pub(crate) fn pack(wasm: &[u8]) -> Vec<u8> {
    let params = brotli::enc::BrotliEncoderParams {
        quality: 1,
        ..Default::default()
    };
    let mut code = prefix::PREFIX.to_vec();
    brotli::BrotliCompress(&mut &wasm[..], &mut code, &params).expect("memory to memory");
    code
}

/// Init code that puts `code` on the chain: PUSH3 length DUP1 PUSH1 11 PUSH0 CODECOPY PUSH0 RETURN.
fn init_code(code: &[u8]) -> Bytes {
    let length = u32::try_from(code.len()).expect("short").to_be_bytes();
    let [_, high, middle, low] = length;
    let mut init = vec![
        0x62, high, middle, low, 0x80, 0x60, 11, 0x5f, 0x39, 0x5f, 0xf3,
    ];
    init.extend_from_slice(code);
    init.into()
}

/// Who calls the program.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum By {
    /// The sender of the transaction.
    Sender,
    /// A contract.
    Call,
    /// A contract that runs it on its own account.
    DelegateCall,
    /// A contract that forbids state changes.
    StaticCall,
}

/// One call of the program of a case.
#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    pub(crate) by: By,
    pub(crate) input: Vec<u8>,
    /// Wei.
    pub(crate) value: u64,
    pub(crate) gas: u64,
}

/// How calls ended, by kind.
pub(crate) type Endings = BTreeMap<String, u64>;

/// What happened to a module.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Fate {
    /// It is too large to be code.
    NotDeployed,
    /// Activation refused it.
    Refused,
    /// It was called.
    Ran,
}

/// Runs one program after another, each on the same fresh chain.
pub(crate) struct Laboratory {
    fresh: InMemoryDB,
    engine: Engine,
    /// Shares nothing with `engine`, so it compiles for itself.
    other: Engine,
    block: BlockEnv,
}

impl Laboratory {
    pub(crate) fn new() -> Self {
        let mut fresh = InMemoryDB::default();
        for account in genesis::accounts() {
            fresh.insert_account_info(account.address, account.info);
            for (slot, word) in account.storage {
                fresh
                    .insert_account_storage(account.address, slot, word)
                    .expect("an account in memory");
            }
        }
        let rich = AccountInfo::from_balance(U256::from(10).pow(U256::from(24)));
        fresh.insert_account_info(SENDER, rich);
        let partner = pack(&wat::parse_str(PARTNER_WAT).expect("a module"));
        for (address, code) in [
            (BY_CALL, CALL),
            (BY_DELEGATE_CALL, DELEGATE_CALL),
            (BY_STATIC_CALL, STATIC_CALL),
            (PARTNER, &partner),
        ] {
            let code = Bytecode::new_raw(Bytes::copy_from_slice(code));
            fresh.insert_account_info(address, AccountInfo::from_bytecode(code));
        }
        let mut laboratory = Self {
            fresh: InMemoryDB::default(),
            engine: Engine::new(),
            other: Engine::new(),
            block: BlockEnv {
                number: U256::from(7),
                timestamp: U256::from(1_750_000_000),
                beneficiary: COINBASE,
                gas_limit: 1 << 50,
                ..BlockEnv::default()
            },
        };
        let mut transaction = transaction(&fresh, TxKind::Call(ARB_WASM), GAS);
        transaction.data = activation(PARTNER).into();
        transaction.value = U256::from(FEE);
        let activated = laboratory.execute(&mut fresh, &transaction);
        assert!(activated.result.is_success(), "{:?}", activated.result);
        fresh.commit(activated.state);
        // The program of each case is created by the sender's first transaction.
        let sender = fresh.cache.accounts.get_mut(&SENDER).expect("the sender");
        sender.info.nonce = 0;
        laboratory.fresh = fresh;
        laboratory
    }

    fn execute(&self, db: &mut InMemoryDB, transaction: &TxEnv) -> ResultAndState {
        let (config, block) = (self.engine.config(CHAIN_ID), self.block.clone());
        self.engine
            .transact(db, config, block, transaction.clone())
            .expect("a valid transaction")
    }

    /// Deploys and activates `wasm`, makes the calls, and checks what must be true of every program. With
    /// `thorough`, an engine that compiles the program itself must agree about each call.
    pub(crate) fn examine(
        &self,
        wasm: &[u8],
        calls: &[Invocation],
        thorough: bool,
        endings: &mut Endings,
    ) -> Fate {
        let mut db = self.fresh.clone();
        let mut creation = transaction(&db, TxKind::Create, GAS);
        let code = pack(wasm);
        creation.data = init_code(&code);
        if creation.data.len() > 49_152 {
            return Fate::NotDeployed;
        }
        let created = self.execute(&mut db, &creation);
        if !created.result.is_success() {
            assert!(code.len() > 24_576, "{:?}", created.result);
            return Fate::NotDeployed;
        }
        db.commit(created.state);

        let mut activate = transaction(&db, TxKind::Call(ARB_WASM), GAS);
        activate.data = activation(program_address()).into();
        activate.value = U256::from(FEE);
        let activated = self.execute(&mut db, &activate);
        check_gas(&activated, GAS);
        let fits = wasm.len() <= ArbOs::default().max_wasm() as usize;
        assert_eq!(
            activated.result.is_success(),
            fits && crate::modules::is_valid(wasm),
            "valid programs are activated, and no others: {:?}",
            activated.result
        );
        if !activated.result.is_success() {
            unchanged(&activated.state, &[]);
            return Fate::Refused;
        }
        db.commit(activated.state);

        for call in calls {
            let ending = self.call(&mut db, call, thorough);
            *endings.entry(ending).or_default() += 1;
        }
        self.transfer(&mut db);
        Fate::Ran
    }

    /// Makes one call, checks it, keeps what it changed, and returns how it ended.
    fn call(&self, db: &mut InMemoryDB, call: &Invocation, thorough: bool) -> String {
        let program = program_address();
        let (to, prefix) = match call.by {
            By::Sender => (program, None),
            By::Call => (BY_CALL, Some(program)),
            By::DelegateCall => (BY_DELEGATE_CALL, Some(program)),
            By::StaticCall => (BY_STATIC_CALL, Some(program)),
        };
        let mut data = prefix.map_or(Vec::new(), |program| program.into_word().to_vec());
        data.extend_from_slice(&call.input);
        let mut transaction = transaction(db, TxKind::Call(to), call.gas);
        transaction.data = data.into();
        transaction.value = U256::from(call.value);

        let outcome = self.execute(db, &transaction);
        let again = self.execute(db, &transaction);
        assert_same(&outcome, &again, "the same call twice");
        if thorough {
            let (config, block) = (self.engine.config(CHAIN_ID), self.block.clone());
            let elsewhere = self.other.transact(db, config, block, transaction);
            let elsewhere = elsewhere.expect("a valid transaction");
            assert_same(&outcome, &elsewhere, "the same call on another engine");
        }
        check_gas(&outcome, call.gas);

        let result = &outcome.result;
        let inner_success = result
            .output()
            .filter(|_| prefix.is_some() && result.is_success())
            .map(|output| output.get(31) == Some(&1));
        if !result.is_success() {
            assert!(result.logs().is_empty());
            unchanged(&outcome.state, &[]);
        } else if inner_success == Some(false) || call.by == By::StaticCall {
            assert!(result.logs().is_empty(), "{:?}", result.logs());
            // It keeps the value sent with the transaction.
            unchanged(&outcome.state, &[to]);
        }
        let ending = ending(result, inner_success);
        db.commit(outcome.state);
        ending
    }

    /// Checks that the chain still works.
    fn transfer(&self, db: &mut InMemoryDB) {
        let payee = Address::repeat_byte(0x77);
        let mut transaction = transaction(db, TxKind::Call(payee), 21_000);
        transaction.value = U256::ONE;
        let outcome = self.execute(db, &transaction);
        assert!(outcome.result.is_success(), "{:?}", outcome.result);
        assert_eq!(outcome.result.tx_gas_used(), 21_000);
        assert_eq!(outcome.state[&payee].info.balance, U256::ONE);
    }
}

/// A transaction of the sender on the chain of `db`.
fn transaction(db: &InMemoryDB, kind: TxKind, gas_limit: u64) -> TxEnv {
    TxEnv {
        caller: SENDER,
        kind,
        gas_limit,
        nonce: db.cache.accounts[&SENDER].info.nonce,
        chain_id: Some(CHAIN_ID),
        ..TxEnv::default()
    }
}

fn check_gas(outcome: &ResultAndState, limit: u64) {
    let used = outcome.result.tx_gas_used();
    assert!((21_000..=limit).contains(&used), "{used} of {limit}");
}

fn assert_same(one: &ResultAndState, other: &ResultAndState, what: &str) {
    assert_eq!(one.result, other.result, "{what}");
    assert_eq!(contents(&one.state), contents(&other.state), "{what}");
}

/// By account: balance, nonce, hash of the code, and the slots written.
type Contents = BTreeMap<Address, (U256, u64, B256, BTreeMap<U256, U256>)>;

/// What two equal states have in common, whatever the order of their maps.
fn contents(state: &EvmState) -> Contents {
    let account = |account: &revm::state::Account| {
        let slots = account.changed_storage_slots();
        let slots = slots
            .map(|(key, slot)| (*key, slot.present_value))
            .collect();
        let info = &account.info;
        (info.balance, info.nonce, info.code_hash, slots)
    };
    state
        .iter()
        .map(|(address, found)| (*address, account(found)))
        .collect()
}

/// Checks that nothing differs except what every transaction changes, and the balances of `paid`.
fn unchanged(state: &EvmState, paid: &[Address]) {
    for (address, account) in state {
        let slots = account.changed_storage_slots().count();
        assert_eq!(slots, 0, "storage of {address} changed");
        if *address == SENDER || *address == COINBASE {
            continue;
        }
        let (now, before) = (&account.info, &account.original_info);
        assert_eq!(now.nonce, before.nonce, "nonce of {address}");
        assert_eq!(now.code_hash, before.code_hash, "code of {address}");
        assert!(
            now.balance == before.balance || paid.contains(address),
            "balance of {address}"
        );
    }
}

fn ending(result: &ExecutionResult, inner_success: Option<bool>) -> String {
    match (result, inner_success) {
        (ExecutionResult::Success { .. }, Some(false)) => "failed in a contract's call".into(),
        (ExecutionResult::Success { .. }, _) => "succeeded".into(),
        (ExecutionResult::Revert { output, .. }, _) if output.is_empty() => {
            "reverted without data, or trapped".into()
        }
        (ExecutionResult::Revert { .. }, _) => "reverted with data".into(),
        (ExecutionResult::Halt { reason, .. }, _) => {
            let reason = format!("{reason:?}");
            let name = reason.split(['(', ' ']).next().unwrap_or_default();
            format!("halted: {name}")
        }
    }
}
