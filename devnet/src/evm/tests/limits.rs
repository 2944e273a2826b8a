//! Programs that try to take the host down.

use crate::evm::testing::{GAS, TestChain, module, program};
use revm::{
    context::result::{ExecutionResult, HaltReason},
    primitives::U256,
};

fn halt(result: &ExecutionResult) -> Option<&HaltReason> {
    match result {
        ExecutionResult::Halt { reason, .. } => Some(reason),
        _ => None,
    }
}

#[test]
fn an_infinite_loop_runs_out_of_gas() {
    let mut chain = TestChain::new();
    let address = chain.program(&program(&[], "(loop $l (br $l)) (unreachable)"));
    let ended = chain.call(address, []);
    assert!(
        matches!(halt(&ended.result), Some(HaltReason::OutOfGas(_))),
        "{:?}",
        ended.result
    );
    assert_eq!(ended.gas(), GAS);
}

#[test]
fn endless_recursion_ends_as_a_stack_overflow() {
    let mut chain = TestChain::new();
    let body = "(call $f (i64.const 1)) (drop) (i32.const 0)";
    let recursion = "(func $f (param i64) (result i64)
        (i64.add (call $f (i64.add (local.get 0) (i64.const 1))) (local.get 0)))";
    let address = chain.program(&module(&[], recursion, body));
    let ended = chain.call(address, []);
    assert!(
        matches!(halt(&ended.result), Some(HaltReason::StackOverflow)),
        "{:?}",
        ended.result
    );
}

#[test]
fn a_memory_bomb_runs_out_of_gas() {
    let mut chain = TestChain::new();
    for pages in ["127", "200", "65535", "65536", "-1"] {
        let body = format!("(drop (memory.grow (i32.const {pages}))) (i32.const 0)");
        let address = chain.program(&program(&["pay_for_memory_grow"], &body));
        let ended = chain.call(address, []);
        assert!(
            matches!(halt(&ended.result), Some(HaltReason::OutOfGas(_))),
            "{pages}"
        );
    }
}

#[test]
fn bulk_memory_out_of_bounds_reverts() {
    let mut chain = TestChain::new();
    for body in [
        "(memory.fill (i32.const 1) (i32.const 0) (i32.const 65536))",
        "(memory.copy (i32.const 0) (i32.const 65535) (i32.const 2))",
        "(i32.store (i32.const -1) (i32.const 0))",
        "(drop (i64.load (i32.const 65529)))",
    ] {
        let address = chain.program(&program(&[], &format!("{body} (i32.const 0)")));
        let ended = chain.call(address, []);
        assert!(
            ended.reverted() && ended.output().is_empty(),
            "{body}: {:?}",
            ended.result
        );
        assert!(ended.gas() < 100_000, "{body}: a trap keeps the gas");
    }
}

#[test]
fn segments_out_of_bounds_revert() {
    let mut chain = TestChain::new();
    for segment in [
        "(data (i32.const 65535) \"ab\")",
        "(data (i32.const -1) \"a\")",
        "(table 1 funcref) (func $f) (elem (i32.const 1) $f)",
    ] {
        let address = chain.program(&module(&[], segment, "(i32.const 0)"));
        let ended = chain.call(address, []);
        assert!(
            ended.reverted() && ended.output().is_empty(),
            "{segment}: {:?}",
            ended.result
        );
    }
}

#[test]
fn a_program_of_the_largest_size_runs() {
    let mut chain = TestChain::new();
    let globals = "(global (mut i64) (i64.const 1))".repeat(20_000);
    let functions = "(func)".repeat(4_000);
    let fields = format!("{globals} {functions} (table 4096 funcref)");
    let wat = module(&[], &fields, "(i32.const 0)").replace("\"memory\") 1)", "\"memory\") 128)");
    let address = chain.program(&wat);
    let ended = chain.transact(
        revm::primitives::TxKind::Call(address),
        [].into(),
        U256::ZERO,
        1 << 40,
    );
    assert!(ended.success(), "{:?}", ended.result);
}

#[test]
fn traps_revert_without_data() {
    let mut chain = TestChain::new();
    for body in [
        "(unreachable)",
        "(drop (i32.div_u (i32.const 1) (i32.const 0)))",
        "(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))",
    ] {
        let write = "(call $write_result (i32.const 0) (i32.const 32))";
        let text = program(&["write_result"], &format!("{write} {body} (i32.const 0)"));
        let address = chain.program(&text);
        let ended = chain.call(address, []);
        assert!(
            ended.reverted() && ended.output().is_empty(),
            "{body}: {:?}",
            ended.result
        );
    }
}

#[test]
fn a_program_that_calls_itself_ends_at_the_depth_limit() {
    let mut chain = TestChain::new();
    // Counts its calls in storage slot 0 and calls itself with all gas; what the deepest call cannot do just fails.
    let body = "
        (call $contract_address (i32.const 0))
        (call $storage_load_bytes32 (i32.const 32) (i32.const 64))
        (i32.store8 (i32.const 95) (i32.add (i32.load8_u (i32.const 95)) (i32.const 1)))
        (if (i32.eqz (i32.load8_u (i32.const 95)))
          (then (i32.store8 (i32.const 94) (i32.add (i32.load8_u (i32.const 94)) (i32.const 1)))))
        (call $storage_cache_bytes32 (i32.const 32) (i32.const 64))
        (call $storage_flush_cache (i32.const 1))
        (drop (call $call_contract (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 128) (i64.const -1) (i32.const 96)))
        (i32.const 0)";
    let imports = [
        "contract_address",
        "storage_load_bytes32",
        "storage_cache_bytes32",
        "storage_flush_cache",
        "call_contract",
    ];
    let address = chain.program(&program(&imports, body));
    let ended = chain.transact(
        revm::primitives::TxKind::Call(address),
        [].into(),
        U256::ZERO,
        1 << 49,
    );
    assert!(ended.success(), "{:?}", ended.result);
    // Pages pile up with the depth: 128 programs of one page are all that may be open at once.
    assert_eq!(chain.storage(address, U256::ZERO), U256::from(128));
}

#[test]
fn deep_recursion_through_programs_without_memory_growth_stays_on_the_host() {
    let mut chain = TestChain::new();
    // Pages are what bounds nesting, so programs without any memory of their own go deepest.
    let text = program(
        &["contract_address", "call_contract"],
        "(call $contract_address (i32.const 0))
         (drop (call $call_contract (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 128) (i64.const -1) (i32.const 96)))
         (i32.const 0)",
    )
    .replace("(export \"memory\") 1)", "(export \"memory\") 0)");
    let address = chain.program(&text);
    // Pointers have nowhere to point: the program reverts at once.
    let ended = chain.call(address, []);
    assert!(ended.reverted(), "{:?}", ended.result);
}

#[test]
fn the_most_native_stack_per_nested_program_does_not_crash_the_host() {
    let mut chain = TestChain::new();
    // Recurses half way into its native stack, then calls itself from there.
    let fields = "(func $down (param $n i32)
        (if (local.get $n)
          (then (call $down (i32.sub (local.get $n) (i32.const 1))))
          (else
            (call $contract_address (i32.const 0))
            (drop (call $call_contract (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 128) (i64.const -1) (i32.const 96))))))";
    let body = "(call $down (i32.const 8000)) (i32.const 0)";
    let address = chain.program(&module(
        &["contract_address", "call_contract"],
        fields,
        body,
    ));
    let ended = chain.transact(
        revm::primitives::TxKind::Call(address),
        [].into(),
        U256::ZERO,
        1 << 49,
    );
    assert!(ended.success(), "{:?}", ended.result);
}
