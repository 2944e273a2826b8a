//! Programs that try to bring the host down.

use crate::{
    evm::testing::{GAS, TestChain, module, program},
    stylus::prefix,
};
use proptest::prelude::{ProptestConfig, any, proptest};
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
    let wat =
        module(&[], &fields, "(i32.const 0)").replace("\"memory\") 1 1)", "\"memory\") 128 128)");
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
    // Counts its calls in storage slot 0 and calls itself with all gas; what the deepest call
    // cannot do simply fails.
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
    // Pages add up with the depth: at most 128 programs of one page may be open at once.
    assert_eq!(chain.storage(address, U256::ZERO), U256::from(128));
}

#[test]
fn deep_recursion_through_programs_without_memory_growth_stays_on_the_host() {
    let mut chain = TestChain::new();
    // Pages limit nesting, so programs without any memory go deepest.
    let text = program(
        &["contract_address", "call_contract"],
        "(call $contract_address (i32.const 0))
         (drop (call $call_contract (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 128) (i64.const -1) (i32.const 96)))
         (i32.const 0)",
    )
    .replace("(export \"memory\") 1 1)", "(export \"memory\") 0 0)");
    let address = chain.program(&text);
    // There is no memory to point to: the program reverts at once.
    let ended = chain.call(address, []);
    assert!(ended.reverted(), "{:?}", ended.result);
}

#[test]
fn the_most_native_stack_per_nested_program_does_not_crash_the_host() {
    let mut chain = TestChain::new();
    // Uses nearly all words of its stack, then calls itself from there. The frame has 7 values (six
    // arguments when the result of the call is pushed) and 4 words: 1,900 of them are 20,900 words.
    let fields = "(func $down (param $n i32)
        (if (local.get $n)
          (then (call $down (i32.sub (local.get $n) (i32.const 1))))
          (else
            (call $contract_address (i32.const 0))
            (drop (call $call_contract (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 128) (i64.const -1) (i32.const 96))))))";
    let body = "(call $down (i32.const 1899)) (i32.const 0)";
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

/// A program with most kinds of operators, sections and imports, to be damaged.
fn varied() -> Vec<u8> {
    let fields = "(type $t (func (param i32) (result i32)))
        (table 4 funcref) (elem (i32.const 1) $double $down)
        (global $g (mut i64) (i64.const 7)) (data (i32.const 16) \"some data\")
        (func $double (type $t) (i32.mul (local.get 0) (i32.const 2)))
        (func $down (type $t) (local i64)
          (block $out (loop $again
            (br_if $out (i32.eqz (local.get 0)))
            (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
            (global.set $g (i64.add (global.get $g) (i64.const 1)))
            (br $again)))
          (select (local.get 0) (i32.const 1) (i32.wrap_i64 (global.get $g))))";
    let body = "(local $x i32)
        (call $read_args (i32.const 64))
        (local.set $x (call_indirect (type $t) (i32.const 9) (i32.load8_u (i32.const 64))))
        (memory.fill (i32.const 100) (local.get $x) (i32.const 50))
        (memory.copy (i32.const 200) (i32.const 100) (i32.const 50))
        (drop (memory.grow (i32.and (local.get $x) (i32.const 1))))
        (block (block (block (br_table 0 1 2 (local.get $x)))))
        (call $storage_load_bytes32 (i32.const 0) (i32.const 300))
        (call $emit_log (i32.const 0) (i32.const 40) (i32.const 1))
        (call $write_result (i32.const 100) (i32.const 64))
        (i32.const 0)";
    let imports = [
        "read_args",
        "storage_load_bytes32",
        "emit_log",
        "write_result",
        "pay_for_memory_grow",
    ];
    wat::parse_str(module(&imports, fields, body)).unwrap()
}

#[test]
fn the_program_to_be_damaged_works() {
    let mut chain = TestChain::new();
    let address = chain.contract(&prefix::pack(&varied()));
    assert!(chain.activate(address).success());
    let ended = chain.call(address, [1]);
    assert_eq!(
        ended.output().as_ref(),
        [[18; 50].as_slice(), &[0; 14]].concat()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_damaged_program_never_hurts_the_host(
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
        cut in proptest::option::of(any::<proptest::sample::Index>()),
        argument in any::<u8>(),
    ) {
        let mut wasm = varied();
        for (index, byte) in damage {
            *index.get_mut(&mut wasm[..]) = byte;
        }
        if let Some(cut) = cut {
            wasm.truncate(cut.index(wasm.len()));
        }
        let mut chain = TestChain::new();
        let address = chain.contract(&prefix::pack(&wasm));
        // Whatever is accepted runs to some end.
        if chain.activate(address).success() {
            chain.call(address, [argument]);
        }
    }
}
