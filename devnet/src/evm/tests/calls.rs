//! Calls between programs and EVM contracts, both ways.

use crate::{
    evm::testing::{GAS, SENDER, TestChain, init_code, program},
    stylus::prefix,
};
use alloy::sol_types::SolError;
use revm::{
    context::result::{ExecutionResult, HaltReason},
    primitives::{Address, Bytes, TxKind, U256, hex, keccak256},
    state::{AccountInfo, Bytecode},
};

/// Returns caller, value, own address and calldata length, a word each.
const EVM_REPORTER: [u8; 20] = hex!("335f5234602052306040523660605260805ff3ff");
/// Reverts with a word that contains 0xFF.
const EVM_REVERTER: [u8; 9] = hex!("60ff5f5260205ffdff");

/// Forwards the calldata after the first 20 bytes to the address in them, and returns the answer.
/// `operation` is the call.
fn evm_forwarder(operation: &str) -> Vec<u8> {
    let value = if operation == "f1" { "34" } else { "" };
    let before = format!("601436038060145f375f5f825f{value}5f3560601c5a{operation}3d5f5f3e60");
    let target = u8::try_from(before.len() / 2 + 1 + 1 + 3).unwrap();
    hex::decode(format!("{before}{target:02x}573d5ffd5b3d5ff3")).unwrap()
}

const CALL: &str = "f1";
const DELEGATECALL: &str = "f4";
const STATICCALL: &str = "fa";

/// The same as a program.
fn forwarder(operation: &str) -> String {
    let value = if operation == "call_contract" {
        "(i32.const 32)"
    } else {
        ""
    };
    program(
        &["read_args", "msg_value", operation, "read_return_data", "write_result"],
        &format!(
            "(local $status i32)
             (call $read_args (i32.const 256))
             (call $msg_value (i32.const 32))
             (local.set $status (call ${operation} (i32.const 256) (i32.const 276)
               (i32.sub (local.get $len) (i32.const 20)) {value} (i64.const -1) (i32.const 64)))
             (drop (call $read_return_data (i32.const 4096) (i32.const 0) (i32.load (i32.const 64))))
             (call $write_result (i32.const 4096) (i32.load (i32.const 64)))
             (local.get $status)"
        ),
    )
}

/// Returns caller, value, own address, calldata length and whether it is re-entered, a word each.
fn reporter() -> String {
    program(
        &[
            "msg_sender",
            "msg_value",
            "contract_address",
            "msg_reentrant",
            "write_result",
        ],
        "(call $msg_sender (i32.const 12))
         (call $msg_value (i32.const 32))
         (call $contract_address (i32.const 76))
         (i32.store8 (i32.const 127) (local.get $len))
         (i32.store8 (i32.const 159) (call $msg_reentrant))
         (call $write_result (i32.const 0) (i32.const 160))
         (i32.const 0)",
    )
}

/// Does one thing that changes state, then returns `status`.
fn writer(change: &str, status: u8) -> String {
    program(
        &[
            "storage_cache_bytes32",
            "storage_flush_cache",
            "transient_store_bytes32",
            "transient_load_bytes32",
            "emit_log",
            "create1",
            "call_contract",
            "write_result",
        ],
        &format!(
            "(i32.store8 (i32.const 63) (i32.const 5)) {change}
             (call $write_result (i32.const 32) (i32.const 32)) (i32.const {status})"
        ),
    )
}

const STORE: &str = "(call $storage_cache_bytes32 (i32.const 0) (i32.const 32)) (call $storage_flush_cache (i32.const 0))";
const TRANSIENT_STORE: &str = "(call $transient_store_bytes32 (i32.const 0) (i32.const 32))";
const LOG: &str = "(call $emit_log (i32.const 0) (i32.const 64) (i32.const 1))";
const CREATE: &str =
    "(call $create1 (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 64) (i32.const 96))";

fn to(address: Address, rest: &[u8]) -> Bytes {
    [address.as_slice(), rest].concat().into()
}

fn word(output: &[u8], index: usize) -> U256 {
    U256::from_be_slice(&output[index * 32..index * 32 + 32])
}

fn address(output: &[u8], index: usize) -> Address {
    Address::from_word(word(output, index).into())
}

const VALUE: U256 = U256::from_limbs([1_000, 0, 0, 0]);

#[test]
fn a_program_sees_its_call() {
    let mut chain = TestChain::new();
    let reporter = chain.program(&reporter());
    let ended = chain.send(reporter, [1, 2, 3], VALUE);
    let output = ended.output();
    assert_eq!(address(&output, 0), SENDER);
    assert_eq!(word(&output, 1), VALUE);
    assert_eq!(address(&output, 2), reporter);
    assert_eq!(word(&output, 3), U256::from(3));
    assert_eq!(word(&output, 4), U256::ZERO);
    assert_eq!(chain.balance(reporter), VALUE);
}

#[test]
fn calls_carry_value_and_caller_in_every_combination() {
    let mut chain = TestChain::new();
    let reporters = [chain.program(&reporter()), chain.contract(&EVM_REPORTER)];
    let forwarders = [
        chain.program(&forwarder("call_contract")),
        chain.contract(&evm_forwarder(CALL)),
    ];
    for forwarder in forwarders {
        for reporter in reporters {
            let before = chain.balance(reporter);
            let ended = chain.send(forwarder, to(reporter, &[1, 2]), VALUE);
            assert!(ended.success(), "{:?}", ended.result);
            let output = ended.output();
            assert_eq!(address(&output, 0), forwarder);
            assert_eq!(word(&output, 1), VALUE);
            assert_eq!(address(&output, 2), reporter);
            assert_eq!(word(&output, 3), U256::from(2));
            assert_eq!(chain.balance(reporter) - before, VALUE);
            assert_eq!(chain.balance(forwarder), U256::ZERO);
        }
    }
}

#[test]
fn delegate_calls_inherit_caller_value_and_account_in_every_combination() {
    let mut chain = TestChain::new();
    let reporters = [chain.program(&reporter()), chain.contract(&EVM_REPORTER)];
    let forwarders = [
        chain.program(&forwarder("delegate_call_contract")),
        chain.contract(&evm_forwarder(DELEGATECALL)),
    ];
    for forwarder in forwarders {
        for reporter in reporters {
            let before = chain.balance(forwarder);
            let ended = chain.send(forwarder, to(reporter, &[]), VALUE);
            let output = ended.output();
            assert_eq!(address(&output, 0), SENDER);
            assert_eq!(word(&output, 1), VALUE);
            assert_eq!(address(&output, 2), forwarder);
            assert_eq!(chain.balance(forwarder) - before, VALUE);
            assert_eq!(chain.balance(reporter), U256::ZERO);
        }
    }
}

#[test]
fn a_delegate_call_writes_the_callers_storage() {
    let mut chain = TestChain::new();
    let writer = chain.program(&writer(STORE, 0));
    for text in [
        chain.program(&forwarder("delegate_call_contract")),
        chain.contract(&evm_forwarder(DELEGATECALL)),
    ] {
        assert!(chain.call(text, to(writer, &[])).success());
        assert_eq!(chain.storage(text, U256::ZERO), U256::from(5));
        assert_eq!(chain.storage(writer, U256::ZERO), U256::ZERO);
    }
}

#[test]
fn nothing_can_be_changed_in_a_static_call() {
    let mut chain = TestChain::new();
    let forwarders = [
        chain.program(&forwarder("static_call_contract")),
        chain.contract(&evm_forwarder(STATICCALL)),
    ];
    // The flag must reach frames further down: through a program and through a contract.
    let between = [
        chain.program(&forwarder("call_contract")),
        chain.contract(&evm_forwarder(CALL)),
    ];
    for change in [STORE, TRANSIENT_STORE, LOG, CREATE] {
        let writer = chain.program(&writer(change, 0));
        assert!(chain.call(writer, []).success(), "{change}");
        for forwarder in forwarders {
            let ended = chain.call(forwarder, to(writer, &[]));
            assert!(
                ended.reverted() && ended.output().is_empty(),
                "{change}: {:?}",
                ended.result
            );
            for middle in between {
                let ended = chain.call(forwarder, to(middle, &to(writer, &[])));
                assert!(ended.reverted(), "{change}: {:?}", ended.result);
            }
        }
    }
}

#[test]
fn a_static_call_can_read() {
    let mut chain = TestChain::new();
    let reporters = [chain.program(&reporter()), chain.contract(&EVM_REPORTER)];
    for forwarder in [
        chain.program(&forwarder("static_call_contract")),
        chain.contract(&evm_forwarder(STATICCALL)),
    ] {
        for reporter in reporters {
            let output = chain.call(forwarder, to(reporter, &[])).output();
            assert_eq!(address(&output, 0), forwarder);
            assert_eq!(address(&output, 2), reporter);
        }
    }
}

#[test]
fn a_call_with_value_fails_in_a_static_call() {
    let mut chain = TestChain::new();
    let pays = "(drop (call $call_contract (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 32) (i64.const -1) (i32.const 96)))";
    let payer = chain.program(&writer(pays, 0));
    let static_forwarder = chain.program(&forwarder("static_call_contract"));
    chain.send(payer, [], VALUE);
    let before = chain.balance(payer);
    assert_eq!(before, VALUE - U256::from(5));
    // The call fails, and the calling program goes on.
    assert!(chain.call(static_forwarder, to(payer, &[])).success());
    assert_eq!(chain.balance(payer), before);
}

#[test]
fn revert_data_comes_through_in_every_combination() {
    let mut chain = TestChain::new();
    let reverters = [
        (chain.program(&writer("", 1)), U256::from(5)),
        (chain.contract(&EVM_REVERTER), U256::from(0xFF)),
    ];
    for forwarder in [
        chain.program(&forwarder("call_contract")),
        chain.contract(&evm_forwarder(CALL)),
    ] {
        for (reverter, data) in reverters {
            let ended = chain.call(forwarder, to(reverter, &[]));
            assert!(ended.reverted());
            assert_eq!(word(&ended.output(), 0), data);
            assert!(ended.gas() < 200_000, "a revert keeps the gas");
        }
    }
}

/// Calls the address in the calldata with a word of 1 in its memory, and succeeds whatever happens.
fn ignores_failure() -> String {
    program(
        &["read_args", "call_contract"],
        "(call $read_args (i32.const 0))
         (drop (call $call_contract (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 64) (i64.const -1) (i32.const 96)))
         (i32.const 0)",
    )
}

#[test]
fn a_reverted_frame_leaves_nothing_behind() {
    let mut chain = TestChain::new();
    let caller = chain.program(&ignores_failure());
    for change in [STORE, LOG, CREATE] {
        let kept = chain.program(&writer(change, 0));
        let ended = chain.call(caller, to(kept, &[]));
        let logs = usize::from(change == LOG);
        assert_eq!(ended.logs().len(), logs);

        let reverted = chain.program(&writer(change, 1));
        let ended = chain.call(caller, to(reverted, &[]));
        assert!(ended.success());
        assert!(ended.logs().is_empty(), "{change}");
        assert_eq!(chain.storage(reverted, U256::ZERO), U256::ZERO, "{change}");
        let trapped = chain.program(&writer(&format!("{change} (unreachable)"), 0));
        assert!(
            chain.call(caller, to(trapped, &[])).logs().is_empty(),
            "{change}"
        );
        assert_eq!(chain.storage(trapped, U256::ZERO), U256::ZERO, "{change}");
        let created = chain.db.cache.accounts.get(&reverted.create(1));
        assert!(
            created.is_none_or(|account| account.info.is_empty()),
            "{change}"
        );
    }
}

#[test]
fn transient_storage_lasts_for_the_transaction() {
    let mut chain = TestChain::new();
    // Returns the old value of transient slot 0, then sets it to 5.
    let text = program(
        &[
            "transient_load_bytes32",
            "transient_store_bytes32",
            "write_result",
        ],
        "(call $transient_load_bytes32 (i32.const 0) (i32.const 64))
         (call $write_result (i32.const 64) (i32.const 32))
         (i32.store8 (i32.const 63) (i32.const 5))
         (call $transient_store_bytes32 (i32.const 0) (i32.const 32))
         (i32.const 0)",
    );
    let once = chain.program(&text);
    let twice = chain.program(&program(
        &["read_args", "call_contract", "read_return_data", "write_result"],
        "(call $read_args (i32.const 0))
         (drop (call $call_contract (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 64) (i64.const -1) (i32.const 96)))
         (drop (call $call_contract (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 64) (i64.const -1) (i32.const 96)))
         (drop (call $read_return_data (i32.const 128) (i32.const 0) (i32.const 32)))
         (call $write_result (i32.const 128) (i32.const 32))
         (i32.const 0)",
    ));
    assert_eq!(chain.call(twice, to(once, &[])).word(), U256::from(5));
    assert_eq!(chain.call(once, []).word(), U256::ZERO);
}

#[test]
fn msg_reentrant_counts_the_account_on_the_call_stack() {
    let mut chain = TestChain::new();
    let report = chain.program(&reporter());
    let wasm = chain.program(&forwarder("call_contract"));
    let evm = chain.contract(&evm_forwarder(CALL));
    let delegate = chain.program(&forwarder("delegate_call_contract"));
    let evm_delegate = chain.contract(&evm_forwarder(DELEGATECALL));
    let mut reentrant = |first: Address, rest: Bytes| {
        let ended = chain.call(first, rest);
        assert!(ended.success(), "{:?}", ended.result);
        !word(&ended.output(), 4).is_zero()
    };
    // Once on the stack, directly and through others.
    assert!(!reentrant(report, Bytes::new()));
    assert!(!reentrant(wasm, to(report, &[])));
    assert!(!reentrant(evm, to(report, &[])));
    // Borrowed code runs for the borrower, which is on the stack once.
    assert!(!reentrant(delegate, to(report, &[])));
    assert!(!reentrant(evm_delegate, to(report, &[])));
    // The borrower is called again from its own call: `delegate` runs, `wasm` calls it, and it
    // borrows once more.
    assert!(reentrant(
        delegate,
        to(wasm, &to(delegate, &to(report, &[])))
    ));
    assert!(reentrant(
        delegate,
        to(evm, &to(delegate, &to(report, &[])))
    ));
    // An EVM contract in between counts for itself.
    assert!(reentrant(
        evm_delegate,
        to(wasm, &to(evm_delegate, &to(report, &[])))
    ));
    // Two calls one after the other are not re-entry.
    assert!(!reentrant(wasm, to(evm, &to(report, &[]))));
}

#[test]
fn msg_reentrant_is_true_for_a_program_that_calls_itself() {
    let mut chain = TestChain::new();
    // With calldata it calls itself without, and returns what that returned: whether it was
    // re-entered.
    let address = chain.program(&program(
        &["msg_reentrant", "contract_address", "call_contract", "read_return_data", "write_result"],
        "(if (local.get $len)
           (then
             (call $contract_address (i32.const 0))
             (drop (call $call_contract (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 64) (i64.const -1) (i32.const 96)))
             (drop (call $read_return_data (i32.const 128) (i32.const 0) (i32.const 32))))
           (else (i32.store8 (i32.const 159) (call $msg_reentrant))))
         (call $write_result (i32.const 128) (i32.const 32))
         (i32.const 0)",
    ));
    assert_eq!(chain.call(address, []).word(), U256::ZERO);
    assert_eq!(chain.call(address, [1]).word(), U256::ONE);
}

#[test]
fn a_callee_that_burns_all_gas_leaves_the_caller_a_64th() {
    let mut chain = TestChain::new();
    let burner = chain.program(&program(&[], "(loop $l (br $l)) (unreachable)"));
    for caller in [
        chain.program(&ignores_failure()),
        chain.contract(&evm_forwarder(CALL)),
    ] {
        let ended = chain.call(caller, to(burner, &[]));
        let left = GAS - ended.gas();
        assert!((GAS / 64 - 40_000..=GAS / 64).contains(&left), "{left}");
    }
}

#[test]
fn a_callee_gets_no_more_gas_than_requested() {
    let mut chain = TestChain::new();
    let gas_left = chain.program(&program(
        &["evm_gas_left", "write_result"],
        "(i64.store (i32.const 0) (call $evm_gas_left)) (call $write_result (i32.const 0) (i32.const 8)) (i32.const 0)",
    ));
    let caller = chain.program(&program(
        &["read_args", "call_contract", "read_return_data", "write_result"],
        "(call $read_args (i32.const 0))
         (drop (call $call_contract (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 64) (i64.const 50000) (i32.const 96)))
         (drop (call $read_return_data (i32.const 128) (i32.const 0) (i32.const 8)))
         (call $write_result (i32.const 128) (i32.const 8))
         (i32.const 0)",
    ));
    let output = chain.call(caller, to(gas_left, &[])).output();
    let left = u64::from_le_bytes(output.as_ref().try_into().unwrap());
    assert!((35_000..50_000).contains(&left), "{left}");
}

#[test]
fn a_call_with_value_hands_over_the_stipend() {
    let mut chain = TestChain::new();
    // Returns the gas it has.
    let gas = chain.contract(&hex!("5a5f5260205ff3"));
    let caller = chain.program(&program(
        &["read_args", "msg_value", "call_contract", "read_return_data", "write_result"],
        "(call $read_args (i32.const 0))
         (call $msg_value (i32.const 64))
         (drop (call $call_contract (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 64) (i64.const 0) (i32.const 96)))
         (drop (call $read_return_data (i32.const 128) (i32.const 0) (i32.const 32)))
         (call $write_result (i32.const 128) (i32.const 32))
         (i32.const 0)",
    ));
    assert_eq!(
        chain.send(caller, to(gas, &[]), VALUE).word(),
        U256::from(2_298)
    );
    assert_eq!(chain.balance(gas), VALUE);
    // Without value there is no gas at all, so the callee fails and nothing is returned.
    assert_eq!(chain.call(caller, to(gas, &[])).word(), U256::ZERO);
}

#[test]
fn a_call_with_more_value_than_the_program_has_fails() {
    let mut chain = TestChain::new();
    let caller = chain.program(&program(
        &["read_args", "call_contract"],
        "(call $read_args (i32.const 0))
         (i32.store8 (i32.const 95) (i32.const 9))
         (call $call_contract (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 64) (i64.const -1) (i32.const 96))",
    ));
    let target = chain.contract(&EVM_REPORTER);
    assert!(chain.call(caller, to(target, &[])).reverted());
    assert_eq!(chain.balance(target), U256::ZERO);
    assert!(chain.send(caller, to(target, &[]), U256::from(9)).success());
    assert_eq!(chain.balance(target), U256::from(9));
}

#[test]
fn a_program_creates_contracts_and_programs() {
    let mut chain = TestChain::new();
    // Creates from the calldata, with its value, and returns address and length of the returned
    // data.
    let text = |create: &str, salt: &str| {
        program(
            &["read_args", "msg_value", create, "read_return_data", "write_result"],
            &format!(
                "(call $read_args (i32.const 4096))
                 (call $msg_value (i32.const 0))
                 (call ${create} (i32.const 4096) (local.get $len) (i32.const 0) {salt} (i32.const 44) (i32.const 64))
                 (drop (call $read_return_data (i32.const 96) (i32.const 0) (i32.const 32)))
                 (call $write_result (i32.const 32) (i32.const 96))
                 (i32.const 0)"
            ),
        )
    };
    let create1 = chain.program(&text("create1", ""));
    let create2 = chain.program(&text("create2", "(i32.const 128)"));
    let init = init_code(&EVM_REPORTER);
    let output = chain.send(create1, init.clone(), VALUE).output();
    assert_eq!(address(&output, 0), create1.create(1));
    assert_eq!(chain.balance(create1.create(1)), VALUE);
    let output = chain.send(create2, init.clone(), VALUE).output();
    let expected = create2.create2(U256::ZERO.to_be_bytes(), keccak256(&init));
    assert_eq!(address(&output, 0), expected);
    assert_eq!(address(&chain.call(expected, []).output(), 2), expected);
    // Creating the same again collides.
    assert_eq!(
        address(&chain.call(create2, init).output(), 0),
        Address::ZERO
    );
    // A program created by a program.
    let code = prefix::pack(&wat::parse_str(reporter()).unwrap());
    let child = address(&chain.call(create1, init_code(&code)).output(), 0);
    assert_eq!(child, create1.create(2));
    assert!(chain.activate(child).success());
    assert_eq!(address(&chain.call(child, []).output(), 2), child);
    // A constructor that reverts leaves its revert data.
    let output = chain.call(create1, EVM_REVERTER).output();
    assert_eq!(address(&output, 0), Address::ZERO);
    assert_eq!(output[32], 32);
    assert_eq!(word(&output, 2), U256::from(0xFF));
}

#[test]
fn only_programs_and_their_fragments_may_begin_with_0xef() {
    let mut chain = TestChain::new();
    let program = prefix::pack(&wat::parse_str(reporter()).unwrap());
    let (ended, created) = chain.create(init_code(&program));
    assert!(ended.success());
    assert_eq!(created, Some(SENDER.create(0)));
    for code in [
        &hex!("ef")[..],
        &hex!("ef00"),
        &hex!("eff000"),
        &hex!("eff001"),
        &hex!("eff002"),
        &hex!("eff003aa"),
    ] {
        let (ended, _) = chain.create(init_code(code));
        let ExecutionResult::Halt { reason, .. } = &ended.result else {
            panic!("{code:x?}")
        };
        assert_eq!(*reason, HaltReason::CreateContractStartingWithEF);
        assert_eq!(ended.gas(), GAS);
    }
}

#[test]
fn an_unactivated_program_reverts_and_says_so() {
    let mut chain = TestChain::new();
    let sleeping = chain.sleeping_program(&reporter());
    let ended = chain.send(sleeping, [], VALUE);
    assert!(ended.reverted());
    let selector = crate::evm::arbos::ProgramNotActivated::SELECTOR;
    assert_eq!(ended.output().as_ref(), selector);
    assert_eq!(chain.balance(sleeping), U256::ZERO);
    let forwarder = chain.program(&forwarder("call_contract"));
    assert_eq!(
        chain.call(forwarder, to(sleeping, &[])).output().as_ref(),
        selector
    );
}

#[test]
fn activation_counts_for_all_accounts_with_the_same_code() {
    let mut chain = TestChain::new();
    chain.program(&reporter());
    let twin = chain.sleeping_program(&reporter());
    assert_eq!(address(&chain.call(twin, []).output(), 2), twin);
}

#[test]
fn clearing_storage_earns_the_refund() {
    let mut chain = TestChain::new();
    // Sets slot 0 to whether there is calldata.
    let address = chain.program(&program(
        &["storage_cache_bytes32", "storage_flush_cache"],
        "(i32.store8 (i32.const 63) (i32.ne (local.get $len) (i32.const 0)))
         (call $storage_cache_bytes32 (i32.const 0) (i32.const 32)) (call $storage_flush_cache (i32.const 0)) (i32.const 0)",
    ));
    let refunded = |result: &ExecutionResult| match result {
        ExecutionResult::Success { gas, .. } => gas.inner_refunded(),
        other => panic!("{other:?}"),
    };
    let set = chain.call(address, [1]);
    assert_eq!(refunded(&set.result), 0);
    assert_eq!(chain.storage(address, U256::ZERO), U256::ONE);
    // Through another program as well: refunds travel up with success.
    let forwarder = chain.program(&forwarder("call_contract"));
    let cleared = chain.call(forwarder, to(address, &[]));
    assert_eq!(refunded(&cleared.result), 4_800);
    assert_eq!(chain.storage(address, U256::ZERO), U256::ZERO);
}

#[test]
fn an_account_that_delegates_to_a_program_runs_it_as_itself() {
    let mut chain = TestChain::new();
    let reporter = chain.program(&reporter());
    let account = Address::repeat_byte(0x77);
    let code = Bytecode::new_eip7702(reporter);
    chain
        .db
        .insert_account_info(account, AccountInfo::from_bytecode(code));
    assert_eq!(address(&chain.call(account, []).output(), 2), account);
    let forwarder = chain.program(&forwarder("call_contract"));
    assert_eq!(
        address(&chain.call(forwarder, to(account, &[])).output(), 2),
        account
    );
}

#[test]
fn a_program_calls_ethereums_precompiles() {
    let mut chain = TestChain::new();
    let forwarder = chain.program(&forwarder("static_call_contract"));
    // The identity.
    let ended = chain.call(forwarder, to(Address::with_last_byte(4), b"hello"));
    assert_eq!(ended.output().as_ref(), b"hello");
}

#[test]
fn exit_early_ends_the_program_with_its_status() {
    let mut chain = TestChain::new();
    for (status, success) in [(0, true), (1, false)] {
        let address = chain.program(&program(
            &["exit_early", "write_result"],
            &format!(
                "(i32.store8 (i32.const 31) (i32.const 9)) (call $write_result (i32.const 0) (i32.const 32))
                 (call $exit_early (i32.const {status})) (unreachable)"
            ),
        ));
        let ended = chain.call(address, []);
        assert_eq!(ended.success(), success);
        assert_eq!(word(&ended.output(), 0), U256::from(9));
    }
}

#[test]
fn a_create_transaction_out_of_gas_for_its_code_fails() {
    let mut chain = TestChain::new();
    let program = prefix::pack(&wat::parse_str(reporter()).unwrap());
    let ended = chain.transact(
        TxKind::Create,
        init_code(&program).into(),
        U256::ZERO,
        90_000,
    );
    assert!(!ended.success());
}

/// A state whose storage cannot be read.
struct Broken(revm::database::InMemoryDB);

#[derive(Debug, thiserror::Error)]
#[error("the disk is gone")]
struct DiskIsGone;
impl revm::database_interface::DBErrorMarker for DiskIsGone {}

impl revm::Database for Broken {
    type Error = DiskIsGone;

    fn basic(&mut self, account: Address) -> Result<Option<AccountInfo>, DiskIsGone> {
        Ok(revm::Database::basic(&mut self.0, account).unwrap())
    }

    fn code_by_hash(&mut self, hash: revm::primitives::B256) -> Result<Bytecode, DiskIsGone> {
        Ok(revm::Database::code_by_hash(&mut self.0, hash).unwrap())
    }

    fn storage(&mut self, account: Address, slot: U256) -> Result<U256, DiskIsGone> {
        if account != crate::evm::ARBOS {
            return Err(DiskIsGone);
        }
        Ok(revm::Database::storage(&mut self.0, account, slot).unwrap())
    }

    fn block_hash(&mut self, number: u64) -> Result<revm::primitives::B256, DiskIsGone> {
        Ok(revm::Database::block_hash(&mut self.0, number).unwrap())
    }
}

#[test]
fn a_database_failure_is_an_error_and_not_a_result() {
    let mut chain = TestChain::new();
    let writer = chain.program(&writer(STORE, 0));
    let wasm = chain.program(&forwarder("call_contract"));
    let evm = chain.contract(&evm_forwarder(CALL));
    // SLOAD of slot 0.
    let reader = chain.contract(&hex!("5f545f5260205ff3"));
    let nonce = chain.db.cache.accounts[&SENDER].info.nonce;
    let mut broken = Broken(chain.db);
    for (first, rest) in [
        (writer, Bytes::new()),
        (wasm, to(writer, &[])),
        (evm, to(writer, &[])),
        (wasm, to(reader, &[])),
        (wasm, to(evm, &to(reader, &[]))),
    ] {
        let tx = revm::context::TxEnv::builder()
            .caller(SENDER)
            .kind(TxKind::Call(first))
            .data(rest)
            .gas_limit(GAS)
            .nonce(nonce)
            .chain_id(Some(1))
            .build()
            .unwrap();
        let config = chain.engine.config(1);
        let result = chain
            .engine
            .transact(&mut broken, config, chain.block.clone(), tx);
        assert!(
            matches!(
                result,
                Err(revm::context::result::EVMError::Database(DiskIsGone))
            ),
            "{result:?}"
        );
    }
}
