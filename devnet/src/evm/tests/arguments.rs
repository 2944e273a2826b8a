//! Every import with arguments at the edge of the memory and beyond it: beyond is a revert without
//! data, never a crash.

use crate::{
    evm::testing::{TestChain, module, program},
    stylus::imports,
};

/// Bytes of memory.
const END: u64 = 65_536;

/// What an argument means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    /// A pointer to this many bytes.
    Pointer(u64),
    /// A pointer to as many bytes as the following length.
    Data,
    /// That length.
    Length,
    /// Any number.
    Number,
}
use Kind::{Data, Length, Number, Pointer};

const ADDRESS: Kind = Pointer(20);
const WORD: Kind = Pointer(32);
const RETURNED: Kind = Pointer(4);

/// The meaning of the arguments of every import that has some.
const IMPORTS: [(&str, &[Kind]); 32] = [
    ("account_balance", &[ADDRESS, WORD]),
    // Nothing is copied from an account without code.
    ("account_code", &[ADDRESS, Number, Number, Pointer(0)]),
    ("account_code_size", &[ADDRESS]),
    ("account_codehash", &[ADDRESS, WORD]),
    ("block_basefee", &[WORD]),
    ("block_coinbase", &[ADDRESS]),
    (
        "call_contract",
        &[ADDRESS, Data, Length, WORD, Number, RETURNED],
    ),
    ("contract_address", &[ADDRESS]),
    ("create1", &[Data, Length, WORD, ADDRESS, RETURNED]),
    ("create2", &[Data, Length, WORD, WORD, ADDRESS, RETURNED]),
    (
        "delegate_call_contract",
        &[ADDRESS, Data, Length, Number, RETURNED],
    ),
    ("emit_log", &[Data, Length, Number]),
    ("exit_early", &[Number]),
    ("math_add_mod", &[WORD, WORD, WORD]),
    ("math_div", &[WORD, WORD]),
    ("math_mod", &[WORD, WORD]),
    ("math_mul_mod", &[WORD, WORD, WORD]),
    ("math_pow", &[WORD, WORD]),
    ("msg_sender", &[ADDRESS]),
    ("msg_value", &[WORD]),
    ("native_keccak256", &[Data, Length, WORD]),
    ("pay_for_memory_grow", &[Number]),
    // There is no calldata and no return data in these tests.
    ("read_args", &[Pointer(0)]),
    ("read_return_data", &[Number, Number, Number]),
    (
        "static_call_contract",
        &[ADDRESS, Data, Length, Number, RETURNED],
    ),
    ("storage_cache_bytes32", &[WORD, WORD]),
    ("storage_flush_cache", &[Number]),
    ("storage_load_bytes32", &[WORD, WORD]),
    ("transient_load_bytes32", &[WORD, WORD]),
    ("transient_store_bytes32", &[WORD, WORD]),
    ("tx_gas_price", &[WORD]),
    ("tx_origin", &[ADDRESS]),
];
const WITHOUT_ARGUMENTS: [&str; 9] = [
    "block_gas_limit",
    "block_number",
    "block_timestamp",
    "chainid",
    "evm_gas_left",
    "evm_ink_left",
    "msg_reentrant",
    "return_data_size",
    "tx_ink_price",
];

/// Calls `name` with these arguments; returns whether the program went on.
fn call(chain: &mut TestChain, name: &str, arguments: &[u64]) -> bool {
    let (parameters, results) = crate::stylus::test_signature(name);
    let constants: Vec<_> = parameters
        .split(' ')
        .zip(arguments)
        .map(|(ty, value)| format!("({ty}.const {value})"))
        .collect();
    let constants = constants.concat();
    let call = format!("(call ${name} {constants})");
    let call = if results.is_empty() {
        call
    } else {
        format!("(drop {call})")
    };
    // Zero is the answer of a program that went on.
    let address = chain.program(&program(&[name], &format!("{call} (i32.const 0)")));
    let ended = chain.call(address, []);
    if !ended.success() {
        assert!(
            ended.reverted(),
            "{name} {arguments:?} halted: {:?}",
            ended.result
        );
        assert!(ended.output().is_empty(), "{name} {arguments:?}");
    }
    ended.success()
}

fn harmless(kinds: &[Kind]) -> Vec<u64> {
    vec![0; kinds.len()]
}

#[test]
fn every_import_is_covered() {
    let mut covered: Vec<_> = IMPORTS.iter().map(|import| import.0).collect();
    covered.extend(WITHOUT_ARGUMENTS);
    covered.push("write_result");
    covered.sort_unstable();
    assert!(covered.into_iter().eq(imports::names()));
}

#[test]
fn harmless_arguments_are_accepted() {
    let mut chain = TestChain::new();
    for (name, kinds) in IMPORTS {
        assert!(call(&mut chain, name, &harmless(kinds)), "{name}");
    }
    for name in WITHOUT_ARGUMENTS {
        assert!(call(&mut chain, name, &[]), "{name}");
    }
    assert!(call(&mut chain, "write_result", &[0, 0]));
}

#[test]
fn pointers_may_reach_the_end_of_the_memory_and_not_beyond() {
    let mut chain = TestChain::new();
    for (name, kinds) in IMPORTS {
        for (index, kind) in kinds.iter().enumerate() {
            let Pointer(size) = *kind else { continue };
            let mut arguments = harmless(kinds);
            arguments[index] = END - size;
            assert!(
                call(&mut chain, name, &arguments),
                "{name} argument {index} at the end"
            );
            for beyond in [END - size + 1, END + 1, u64::from(u32::MAX)] {
                arguments[index] = beyond;
                assert!(
                    !call(&mut chain, name, &arguments),
                    "{name} argument {index} = {beyond}"
                );
            }
        }
    }
}

#[test]
fn lengths_may_reach_the_end_of_the_memory_and_not_beyond() {
    let mut chain = TestChain::new();
    for (name, kinds) in IMPORTS
        .into_iter()
        .chain([("write_result", &[Data, Length][..])])
    {
        let Some(index) = kinds.iter().position(|kind| *kind == Data) else {
            continue;
        };
        let mut arguments = harmless(kinds);
        for (pointer, length, fits) in [
            (END, 0, true),
            (END - 100, 100, true),
            (END - 100, 101, false),
            (END + 1, 0, false),
            (u64::from(u32::MAX), 1, false),
            (1, END, false),
        ] {
            arguments[index] = pointer;
            arguments[index + 1] = length;
            let went_on = call(&mut chain, name, &arguments);
            assert_eq!(went_on, fits, "{name} {pointer}+{length}");
        }
    }
}

#[test]
fn a_length_of_four_gigabytes_is_paid_for_before_it_is_looked_at() {
    let mut chain = TestChain::new();
    let address = chain.program(&program(
        &["native_keccak256"],
        "(call $native_keccak256 (i32.const 0) (i32.const -1) (i32.const 0)) (i32.const 0)",
    ));
    let ended = chain.call(address, []);
    assert!(!ended.success() && !ended.reverted());
}

#[test]
fn a_log_needs_its_topics() {
    let mut chain = TestChain::new();
    for (length, topics, fits) in [
        (128, 4, true),
        (127, 4, false),
        (0, 0, true),
        (31, 1, false),
        (160, 5, false),
    ] {
        assert_eq!(
            call(&mut chain, "emit_log", &[0, length, topics]),
            fits,
            "{length} {topics}"
        );
    }
    assert!(!call(&mut chain, "emit_log", &[0, 0, 1 << 27]));
    assert!(!call(&mut chain, "emit_log", &[0, 0, u64::from(u32::MAX)]));
}

#[test]
fn copies_stop_where_the_data_does() {
    let mut chain = TestChain::new();
    // Copies its own code, of which nothing is left at the offset, to the end of memory.
    let text = |offset: &str, size: &str, dest: &str| {
        program(
            &["contract_address", "account_code", "write_result"],
            &format!(
                "(call $contract_address (i32.const 0))
                 (i32.store (i32.const 32) (call $account_code (i32.const 0) (i32.const {offset}) (i32.const {size}) (i32.const {dest})))
                 (call $write_result (i32.const 32) (i32.const 4)) (i32.const 0)"
            ),
        )
    };
    let mut copied = |offset: &str, size: &str, dest: &str| {
        let address = chain.program(&text(offset, size, dest));
        let ended = chain.call(address, []);
        ended
            .success()
            .then(|| u32::from_le_bytes(ended.output().as_ref().try_into().unwrap()))
    };
    assert_eq!(copied("0", "4", "100"), Some(4));
    assert_eq!(copied("2", "4", "65532"), Some(4));
    assert_eq!(copied("2", "4", "65533"), None);
    assert_eq!(copied("-1", "4", "65536"), Some(0));
    assert!(copied("1", "-1", "100").unwrap() > 100);
}

#[test]
fn arithmetic_follows_the_evm() {
    let mut chain = TestChain::new();
    // The operands 7, 3 and 5 at 0, 32 and 64; the modulus at 96 is 0.
    let mut result = |call: &str, name: &str| {
        let text = program(
            &[name, "write_result"],
            &format!(
                "(i32.store8 (i32.const 31) (i32.const 7)) (i32.store8 (i32.const 63) (i32.const 3))
                 (i32.store8 (i32.const 95) (i32.const 5)) {call}
                 (call $write_result (i32.const 0) (i32.const 32)) (i32.const 0)"
            ),
        );
        let address = chain.program(&text);
        chain.call(address, []).word().to::<u64>()
    };
    assert_eq!(
        result("(call $math_div (i32.const 0) (i32.const 32))", "math_div"),
        2
    );
    assert_eq!(
        result("(call $math_div (i32.const 0) (i32.const 96))", "math_div"),
        0
    );
    assert_eq!(
        result("(call $math_mod (i32.const 0) (i32.const 32))", "math_mod"),
        1
    );
    assert_eq!(
        result("(call $math_mod (i32.const 0) (i32.const 96))", "math_mod"),
        0
    );
    assert_eq!(
        result("(call $math_pow (i32.const 0) (i32.const 32))", "math_pow"),
        343
    );
    let add = "(call $math_add_mod (i32.const 0) (i32.const 32) (i32.const 64))";
    assert_eq!(result(add, "math_add_mod"), 0);
    let mul = "(call $math_mul_mod (i32.const 0) (i32.const 32) (i32.const 64))";
    assert_eq!(result(mul, "math_mul_mod"), 1);
    let by_zero = "(call $math_mul_mod (i32.const 0) (i32.const 32) (i32.const 96))";
    assert_eq!(result(by_zero, "math_mul_mod"), 0);
}

#[test]
fn values_are_those_of_block_and_chain() {
    let mut chain = TestChain::new();
    chain.block.basefee = 0;
    let cases = [
        ("block_number", 7),
        ("block_timestamp", 1_750_000_000),
        ("block_gas_limit", 1 << 50),
        ("chainid", 412_346),
    ];
    for (name, value) in cases {
        let address = chain.program(&program(
            &[name, "write_result"],
            &format!(
                "(i64.store (i32.const 0) (call ${name})) (call $write_result (i32.const 0) (i32.const 8)) (i32.const 0)"
            ),
        ));
        let output = chain.call(address, []).output();
        assert_eq!(
            u64::from_le_bytes(output.as_ref().try_into().unwrap()),
            value,
            "{name}"
        );
    }
    let address = chain.program(&program(
        &[
            "block_coinbase",
            "tx_origin",
            "tx_ink_price",
            "write_result",
        ],
        "(call $block_coinbase (i32.const 0)) (call $tx_origin (i32.const 20))
         (i32.store (i32.const 40) (call $tx_ink_price))
         (call $write_result (i32.const 0) (i32.const 44)) (i32.const 0)",
    ));
    let output = chain.call(address, []).output();
    assert_eq!(&output[..20], chain.block.beneficiary.as_slice());
    assert_eq!(&output[20..40], crate::evm::testing::SENDER.as_slice());
    assert_eq!(&output[40..], 10_000_u32.to_le_bytes());
}

#[test]
fn code_hashes_are_those_of_the_evm() {
    let mut chain = TestChain::new();
    let address = chain.program(&program(
        &[
            "read_args",
            "account_codehash",
            "account_balance",
            "write_result",
        ],
        "(call $read_args (i32.const 0)) (call $account_codehash (i32.const 0) (i32.const 32))
         (call $account_balance (i32.const 0) (i32.const 64))
         (call $write_result (i32.const 32) (i32.const 64)) (i32.const 0)",
    ));
    let mut look =
        |account: revm::primitives::Address| chain.call(address, account.to_vec()).output();
    let sender = look(crate::evm::testing::SENDER);
    assert_eq!(sender[..32], revm::primitives::KECCAK_EMPTY.0);
    assert_ne!(sender[32..], [0; 32]);
    assert_eq!(
        look(revm::primitives::Address::repeat_byte(9)).as_ref(),
        [0; 64]
    );
    assert_ne!(look(address)[..32], [0; 32]);
}

#[test]
fn a_program_may_import_what_it_never_calls() {
    let mut chain = TestChain::new();
    let names: Vec<&str> = imports::names().collect();
    let address = chain.program(&module(&names, "", "(i32.const 0)"));
    assert!(chain.call(address, []).success());
}
