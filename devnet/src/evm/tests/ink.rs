//! Prices, computed by hand and compared exactly.

use crate::evm::testing::{INTRINSIC, TestChain, module, program};
use revm::primitives::U256;

/// One straight-line block.
const BLOCK: u64 = 2_450;
/// A constant pushed and dropped, as most snippets do.
const HOST: u64 = 8_400;
const POINTER: u64 = 5_040;
const EVM: u64 = 59_673;
/// A call of an import with `n` constants for arguments, up to the host's own price.
const fn import_call(n: u64) -> u64 {
    n + 3_800 + BLOCK
}

/// Ink that `body` costs, measured by the program itself. The measuring is in the block around the
/// body: `local.set`, `i32.const`, `local.get`, `call`, the block and the second host call.
fn ink_in(chain: &mut TestChain, imports: &[&str], fields: &str, body: &str) -> u64 {
    let mut all = vec!["evm_ink_left", "write_result"];
    all.extend(
        imports
            .iter()
            .filter(|name| **name != "write_result" && **name != "evm_ink_left"),
    );
    let program = chain.program(&module(
        &all,
        fields,
        &format!(
            "(local $before i64) (local $x i32) (local $y i64)
             (local.set $before (call $evm_ink_left))
             {body}
             (i64.store (i32.const 1024) (i64.sub (local.get $before) (call $evm_ink_left)))
             (call $write_result (i32.const 1024) (i32.const 8))
             (i32.const 0)"
        ),
    ));
    let ended = chain.call(program, []);
    assert!(ended.success(), "{body}: {:?}", ended.result);
    let bytes = <[u8; 8]>::try_from(ended.output().as_ref()).unwrap();
    u64::from_le_bytes(bytes) - (210 + 1 + 75 + 3_800 + BLOCK + HOST)
}

fn ink(imports: &[&str], fields: &str, body: &str) -> u64 {
    ink_in(&mut TestChain::new(), imports, fields, body)
}

#[test]
fn binary_operators_cost_their_price() {
    let prices: [(&str, &str, u64); 8] = [
        ("i32", "add sub and or xor shl shr_s shr_u rotl rotr", 70),
        ("i64", "add sub and or xor shl shr_s shr_u rotl rotr", 100),
        ("i32", "mul", 160),
        ("i64", "mul", 160),
        ("i32", "div_s div_u rem_s rem_u", 1_120),
        ("i64", "div_s div_u rem_s rem_u", 1_270),
        ("i32", "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u", 170),
        ("i64", "eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u", 225),
    ];
    let mut chain = TestChain::new();
    for (ty, operators, price) in prices {
        for operator in operators.split(' ') {
            let body = format!("(drop ({ty}.{operator} ({ty}.const 7) ({ty}.const 3)))");
            assert_eq!(
                ink_in(&mut chain, &[], "", &body),
                1 + 1 + price + 9,
                "{ty}.{operator}"
            );
        }
    }
}

#[test]
fn unary_operators_cost_their_price() {
    let prices: [(&str, &str, u64); 8] = [
        ("i32", "i32.eqz", 170),
        ("i64", "i64.eqz", 225),
        ("i32", "i32.clz i32.ctz", 210),
        ("i64", "i64.clz i64.ctz", 210),
        ("i32", "i32.popcnt", 2_650),
        ("i64", "i64.popcnt", 6_000),
        (
            "i32",
            "i32.extend8_s i32.extend16_s i64.extend_i32_s i64.extend_i32_u",
            100,
        ),
        (
            "i64",
            "i32.wrap_i64 i64.extend8_s i64.extend16_s i64.extend32_s",
            100,
        ),
    ];
    let mut chain = TestChain::new();
    for (ty, operators, price) in prices {
        for operator in operators.split(' ') {
            let body = format!("(drop ({operator} ({ty}.const 7)))");
            assert_eq!(
                ink_in(&mut chain, &[], "", &body),
                1 + price + 9,
                "{operator}"
            );
        }
    }
}

#[test]
fn loads_and_stores_cost_their_price() {
    let loads = "i32.load i32.load8_s i32.load8_u i32.load16_s i32.load16_u";
    let wide_loads =
        "i64.load i64.load8_s i64.load8_u i64.load16_s i64.load16_u i64.load32_s i64.load32_u";
    let mut chain = TestChain::new();
    for (operators, price) in [(loads, 670), (wide_loads, 680)] {
        for operator in operators.split(' ') {
            let body = format!("(drop ({operator} (i32.const 8)))");
            assert_eq!(
                ink_in(&mut chain, &[], "", &body),
                1 + price + 9,
                "{operator}"
            );
        }
    }
    let stores = "i32.store i32.store8 i32.store16";
    let wide_stores = "i64.store i64.store8 i64.store16 i64.store32";
    for (operators, price) in [(stores, 825), (wide_stores, 950)] {
        for operator in operators.split(' ') {
            let ty = &operator[..3];
            let body = format!("({operator} (i32.const 8) ({ty}.const 5))");
            assert_eq!(
                ink_in(&mut chain, &[], "", &body),
                1 + 1 + price,
                "{operator}"
            );
        }
    }
}

#[test]
fn variables_and_parametric_operators_cost_their_price() {
    let globals = "(global $g (mut i32) (i32.const 0))";
    let mut chain = TestChain::new();
    let cases = [
        ("(nop)", 1),
        ("(drop (i32.const 0))", 1 + 9),
        ("(drop (i64.const 0))", 1 + 9),
        ("(drop (local.get $x))", 75 + 9),
        ("(local.set $x (i32.const 0))", 1 + 210),
        ("(drop (local.tee $x (i32.const 0)))", 1 + 75 + 9),
        ("(drop (global.get $g))", 225 + 9),
        ("(global.set $g (i32.const 0))", 1 + 575),
        (
            "(drop (select (i32.const 1) (i32.const 2) (i32.const 0)))",
            3 + 1_250 + 9,
        ),
        ("(drop (memory.size))", 3_000 + 9),
    ];
    for (body, price) in cases {
        assert_eq!(ink_in(&mut chain, &[], globals, body), price, "{body}");
    }
}

#[test]
fn bulk_memory_pays_per_byte() {
    let mut chain = TestChain::new();
    for bytes in [0, 1, 33, 60_000] {
        for operator in ["memory.fill", "memory.copy"] {
            let body = format!("({operator} (i32.const 0) (i32.const 0) (i32.const {bytes}))");
            let price = 3 + 950 + 100 * bytes;
            assert_eq!(
                ink_in(&mut chain, &[], "", &body),
                price,
                "{operator} {bytes}"
            );
        }
    }
}

#[test]
fn branches_pay_for_the_blocks_they_run() {
    let fields = "(type $t (func (param i32))) (table funcref (elem $takes))
        (func $empty) (func $returns (return)) (func $takes (param i32))";
    let mut chain = TestChain::new();
    let cases = [
        // block, nop, end: one more straight line
        ("(block (nop))", 3 + BLOCK),
        // loop ends the line before it
        ("(loop (nop))", 3 + 2 * BLOCK),
        ("(if (i32.const 1) (then (nop)))", 1 + 765 + 2 + 2 * BLOCK),
        ("(if (i32.const 0) (then (nop)))", 1 + 765 + BLOCK),
        (
            "(if (i32.const 1) (then (nop)) (else (nop) (nop)))",
            1 + 765 + 2 + 2 * BLOCK,
        ),
        (
            "(if (i32.const 0) (then (nop)) (else (nop) (nop)))",
            1 + 765 + 3 + 2 * BLOCK,
        ),
        ("(block (br 0))", 1 + 765 + BLOCK),
        ("(block (br_if 0 (i32.const 1)))", 1 + 1 + 765 + BLOCK),
        (
            "(block (br_if 0 (i32.const 0)))",
            1 + 1 + 765 + 1 + 2 * BLOCK,
        ),
        (
            "(block (br_table 0 0 0 (i32.const 1)))",
            1 + 1 + 2_400 + 2 * 325 + BLOCK,
        ),
        ("(call $empty)", 3_800 + 1 + 2 * BLOCK),
        ("(call $returns)", 3_800 + 1 + 2 * BLOCK),
        (
            "(call_indirect (type $t) (i32.const 5) (i32.const 0))",
            2 + 13_610 + 650 + 1 + 2 * BLOCK,
        ),
    ];
    for (body, price) in cases {
        assert_eq!(ink_in(&mut chain, &[], fields, body), price, "{body}");
    }
}

#[test]
fn memory_grow_pays_for_pages() {
    let grow = |pages: u64| {
        let body = format!("(drop (memory.grow (i32.const {pages})))");
        ink(&["pay_for_memory_grow"], "", &body) - (1 + 8_050 + 9)
    };
    assert_eq!(grow(0), HOST);
    // The program has one page, and two are free.
    assert_eq!(grow(1), 0);
    assert_eq!(grow(2), 1_000 * 10_000);
    assert_eq!(grow(11), (10 * 1_000 + 4) * 10_000);
}

#[test]
fn calls_for_values_cost_the_base() {
    let mut chain = TestChain::new();
    for name in [
        "block_gas_limit",
        "block_number",
        "block_timestamp",
        "chainid",
        "evm_gas_left",
        "evm_ink_left",
        "msg_reentrant",
        "return_data_size",
        "tx_ink_price",
    ] {
        let body = format!("(drop (call ${name}))");
        assert_eq!(
            ink_in(&mut chain, &[name], "", &body),
            import_call(0) + 9 + HOST,
            "{name}"
        );
    }
}

#[test]
fn calls_with_one_pointer_cost_one_pointer() {
    let mut chain = TestChain::new();
    for name in [
        "block_basefee",
        "block_coinbase",
        "contract_address",
        "msg_sender",
        "msg_value",
        "tx_gas_price",
        "tx_origin",
    ] {
        let body = format!("(call ${name} (i32.const 0))");
        let price = import_call(1) + HOST + POINTER;
        assert_eq!(ink_in(&mut chain, &[name], "", &body), price, "{name}");
    }
}

#[test]
fn bytes_cost_more_beyond_a_word() {
    let mut chain = TestChain::new();
    for (bytes, extra) in [(0, 0), (32, 0), (33, 55), (1_000, 968 * 55)] {
        let body = format!("(call $write_result (i32.const 0) (i32.const {bytes}))");
        // The bytes are read twice: from the program by the host, from the host by the chain.
        let price = import_call(2) + HOST + 2 * (16_381 + extra);
        assert_eq!(ink_in(&mut chain, &[], "", &body), price, "{bytes}");
    }
    for (bytes, words) in [(0, 0), (64, 0), (65, 1), (320, 8)] {
        let body =
            format!("(call $native_keccak256 (i32.const 0) (i32.const {bytes}) (i32.const 0))");
        let price = import_call(3) + 121_800 + words * 21_000;
        assert_eq!(
            ink_in(&mut chain, &["native_keccak256"], "", &body),
            price,
            "{bytes}"
        );
    }
}

#[test]
fn read_args_pays_for_the_calldata() {
    let mut chain = TestChain::new();
    let program = chain.program(&program(
        &["read_args", "evm_ink_left", "write_result"],
        "(local $before i64)
         (local.set $before (call $evm_ink_left))
         (call $read_args (i32.const 0))
         (i64.store (i32.const 1024) (i64.sub (local.get $before) (call $evm_ink_left)))
         (call $write_result (i32.const 1024) (i32.const 8))
         (i32.const 0)",
    ));
    for (bytes, extra) in [(0, 0), (32, 0), (100, 68 * 30)] {
        let output = chain.call(program, vec![1; bytes]).output();
        let measured = u64::from_le_bytes(output.as_ref().try_into().unwrap());
        let around = 210 + 1 + 75 + 3_800 + BLOCK + HOST;
        assert_eq!(
            measured - around,
            import_call(1) + HOST + 5_040 + extra,
            "{bytes}"
        );
    }
}

#[test]
fn math_costs_its_price() {
    let mut chain = TestChain::new();
    for (name, pointers, extra) in [
        ("math_div", 2, 3 * POINTER + 20_000),
        ("math_mod", 2, 3 * POINTER + 20_000),
        // exponent 0: one step
        ("math_pow", 2, 3 * POINTER + 3_000 + 17_500),
        ("math_add_mod", 3, 4 * POINTER + 21_000),
        ("math_mul_mod", 3, 4 * POINTER + 24_100),
    ] {
        let body = format!("(call ${name} {})", "(i32.const 0)".repeat(pointers));
        let price = import_call(pointers as u64) + HOST + extra;
        assert_eq!(ink_in(&mut chain, &[name], "", &body), price, "{name}");
    }
}

#[test]
fn math_pow_pays_per_byte_of_the_exponent() {
    let body =
        "(i32.store8 (i32.const 62) (i32.const 1)) (call $math_pow (i32.const 0) (i32.const 32))";
    let price = 2 + 825 + import_call(2) + HOST + 3 * POINTER + 3_000 + 3 * 17_500;
    assert_eq!(ink(&["math_pow"], "", body), price);
}

#[test]
fn account_queries_pay_for_cold_and_warm_accounts() {
    let mut chain = TestChain::new();
    let base = HOST + EVM;
    // The account at 0x4242.. is cold, the second query finds it warm.
    let address = "(i64.store (i32.const 0) (i64.const 0x4242424242424242))";
    for (name, arguments, drop, price) in [
        ("account_balance", 2, false, base + 2 * POINTER),
        ("account_codehash", 2, false, base + 2 * POINTER),
        ("account_code_size", 1, true, base + 700 * 10_000),
        ("account_code", 4, true, base + 700 * 10_000 + 5_040),
    ] {
        let call = format!("(call ${name} {})", "(i32.const 0)".repeat(arguments));
        let call = if drop { format!("(drop {call})") } else { call };
        let dropped = if drop { 9 } else { 0 };
        let one = import_call(arguments as u64) + dropped + price;
        let cold = ink_in(&mut chain, &[name], "", &format!("{address} {call}"));
        assert_eq!(cold - (2 + 950), one + 2_600 * 10_000, "{name}, cold");
        if !matches!(name, "account_balance" | "account_codehash") {
            let twice = ink_in(&mut chain, &[name], "", &format!("{address} {call} {call}"));
            assert_eq!(twice - cold, one + 100 * 10_000, "{name}, warm");
        }
    }
}

#[test]
fn the_code_of_the_account_asked_last_is_free() {
    let mut chain = TestChain::new();
    let known = chain.contract(&[0x60; 40]);
    let stores = known.iter().enumerate();
    let stores: Vec<String> = stores
        .map(|(at, byte)| format!("(i32.store8 (i32.const {at}) (i32.const {byte}))"))
        .collect();
    let place = stores.concat();
    // Another account, with its own code: the precompile at 0x71, which is warm.
    let other = "(i32.store8 (i32.const 51) (i32.const 0x71))";
    let imports = ["account_code", "account_code_size"];
    let size = |at: u32| format!("(drop (call $account_code_size (i32.const {at})))");
    let code =
        "(drop (call $account_code (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 64)))";
    let mut ink = |calls: &str| {
        ink_in(
            &mut chain,
            &imports,
            "",
            &format!("{place} {other} {calls}"),
        )
    };
    let nothing = ink("");
    let base = HOST + EVM;
    let (asked, read) = (import_call(1) + 9 + base, import_call(4) + 9 + base);
    // 40 bytes are written, 8 of them beyond a word.
    let written = 5_040 + 8 * 30;
    let cold = nothing + asked + (700 + 2_600) * 10_000;
    assert_eq!(ink(&size(0)), cold);
    assert_eq!(ink(&(size(0) + &size(0))), cold + asked);
    assert_eq!(ink(&(size(0) + code)), cold + read + written);
    // Only the last one is remembered.
    let one_byte = asked + (700 + 100) * 10_000;
    let again = asked + (700 + 100) * 10_000;
    let three = size(0) + &size(32) + &size(0);
    assert_eq!(ink(&three), cold + one_byte + again);
}

#[test]
fn transient_storage_pays_the_evm_price() {
    let mut chain = TestChain::new();
    for name in ["transient_load_bytes32", "transient_store_bytes32"] {
        let body = format!("(call ${name} (i32.const 0) (i32.const 32))");
        let price = import_call(2) + HOST + 2 * POINTER + EVM + 100 * 10_000;
        assert_eq!(ink_in(&mut chain, &[name], "", &body), price, "{name}");
    }
}

#[test]
fn storage_pays_the_evm_price_once() {
    let mut chain = TestChain::new();
    let load = "(call $storage_load_bytes32 (i32.const 0) (i32.const 32))";
    let imports = [
        "storage_load_bytes32",
        "storage_cache_bytes32",
        "storage_flush_cache",
    ];
    let base = import_call(2) + HOST + 2 * POINTER;
    // EVM access costs whole gas here: 59,673 ink are 5 gas.
    let cold = base + (2_100 + 5) * 10_000;
    assert_eq!(ink_in(&mut chain, &imports, "", load), cold);
    // The second read comes from the cache.
    assert_eq!(
        ink_in(&mut chain, &imports, "", &load.repeat(2)),
        cold + base
    );

    let write = "(call $storage_cache_bytes32 (i32.const 0) (i32.const 64))";
    assert_eq!(ink_in(&mut chain, &imports, "", write), base);
    let flush = "(call $storage_flush_cache (i32.const 0))";
    let flushing = import_call(1) + HOST + EVM;
    assert_eq!(ink_in(&mut chain, &imports, "", flush), flushing);
    // A fresh slot set to a value: 20,000, and 2,100 for being cold.
    let set = format!("(i32.store8 (i32.const 64) (i32.const 1)) {write} {flush}");
    let price = 2 + 825 + base + flushing + 22_100 * 10_000;
    assert_eq!(ink_in(&mut chain, &imports, "", &set), price);
}

#[test]
fn logs_pay_the_evm_price() {
    let mut chain = TestChain::new();
    for topics in 0..=4 {
        let bytes: u64 = topics * 32 + 10;
        let body =
            format!("(call $emit_log (i32.const 0) (i32.const {bytes}) (i32.const {topics}))");
        let read = 16_381 + 55 * bytes.saturating_sub(32);
        let gas = 375 * (1 + topics) + 8 * 10;
        let price = import_call(3) + HOST + EVM + read + gas * 10_000;
        assert_eq!(
            ink_in(&mut chain, &["emit_log"], "", &body),
            price,
            "{topics}"
        );
    }
}

#[test]
fn calls_pay_the_evm_price() {
    let mut chain = TestChain::new();
    // An account without code at 0x4242...
    let address = "(i64.store (i32.const 0) (i64.const 0x4242424242424242))";
    let base = 2 * 16_381 + HOST + 3 * POINTER + EVM;
    for (name, value) in [
        ("call_contract", "(i32.const 64)"),
        ("delegate_call_contract", ""),
        ("static_call_contract", ""),
    ] {
        let call = format!(
            "(drop (call ${name} (i32.const 0) (i32.const 0) (i32.const 0) {value} (i64.const -1) (i32.const 96)))"
        );
        let arguments = if value.is_empty() { 5 } else { 6 };
        let one = import_call(arguments) + 9 + base;
        let cold = ink_in(&mut chain, &[name], "", &format!("{address} {call}"));
        assert_eq!(cold - (2 + 950), one + 2_600 * 10_000, "{name}, cold");
        let twice = ink_in(&mut chain, &[name], "", &format!("{address} {call} {call}"));
        assert_eq!(twice - cold, one + 100 * 10_000, "{name}, warm");
    }
}

#[test]
fn creations_pay_the_evm_price() {
    let mut chain = TestChain::new();
    let arguments = "(i32.const 0) (i32.const 0) (i32.const 0)";
    let create1 = format!("(call $create1 {arguments} (i32.const 64) (i32.const 96))");
    let price = import_call(5) + HOST + 3 * POINTER + EVM + 2 * 16_381 + 32_000 * 10_000;
    assert_eq!(ink_in(&mut chain, &["create1"], "", &create1), price);
    let create2 =
        format!("(call $create2 {arguments} (i32.const 128) (i32.const 64) (i32.const 96))");
    let price = import_call(6) + HOST + 4 * POINTER + EVM + 2 * 16_381 + 32_000 * 10_000;
    assert_eq!(ink_in(&mut chain, &["create2"], "", &create2), price);
}

#[test]
fn read_return_data_pays_for_what_it_can_write() {
    let mut chain = TestChain::new();
    let call = "(drop (call $read_return_data (i32.const 0) (i32.const 0) (i32.const 1000)))";
    let price = import_call(3) + 9 + HOST + EVM + 5_040;
    assert_eq!(ink_in(&mut chain, &["read_return_data"], "", call), price);
}

#[test]
fn entering_a_program_costs_what_its_shape_says() {
    let mut chain = TestChain::new();
    let wat = program(&[], "(i32.const 0)");
    let bytes = wat::parse_str(&wat).unwrap().len() as u64;
    let address = chain.program(&wat);
    // One function of one parameter and one result, one page, no data; the body is a const and an
    // end.
    // What the function and its type add to the cached price is less than one gas each.
    // The instrumentation's four globals cost 4 * 1.628, rounded down.
    let cached = 352 + bytes * 122 / 100_000 + 6 + 5;
    let uncached = 8_832 + 8_252 / 1_000 + 2 * 1_059 / 1_000 + bytes * 1_286 / 10_000;
    // Rounded up, because some ink is left that does not buy a whole gas.
    let body = (BLOCK + 2).div_ceil(10_000);
    assert_eq!(
        chain.call(address, []).gas(),
        INTRINSIC + cached + uncached + body
    );
    chain.cache(address);
    assert_eq!(chain.call(address, []).gas(), INTRINSIC + cached + body);
}

#[test]
fn a_program_that_ran_in_the_block_pays_the_cached_price() {
    let mut chain = TestChain::new();
    let callee = chain.program(&program(&[], "(i32.const 0)"));
    // Calls the callee whose address is the calldata, twice, and returns both prices in ink.
    let twice = "(local $before i64)
        (call $read_args (i32.const 0))
        (local.set $before (call $evm_ink_left))
        (drop (call $call_contract (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 64) (i64.const -1) (i32.const 96)))
        (i64.store (i32.const 128) (i64.sub (local.get $before) (call $evm_ink_left)))
        (local.set $before (call $evm_ink_left))
        (drop (call $call_contract (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 64) (i64.const -1) (i32.const 96)))
        (i64.store (i32.const 136) (i64.sub (local.get $before) (call $evm_ink_left)))
        (call $write_result (i32.const 128) (i32.const 16))
        (i32.const 0)";
    let imports = ["read_args", "evm_ink_left", "call_contract", "write_result"];
    let repeats = chain.program(&program(&imports, twice));
    let output = chain.call(repeats, callee.to_vec()).output();
    let price = |at: usize| u64::from_le_bytes(output[at..at + 8].try_into().unwrap());
    let record_init = {
        let bytes = wat::parse_str(program(&[], "(i32.const 0)")).unwrap().len() as u64;
        8_832 + 8 + 2 + bytes * 1_286 / 10_000
    };
    // The first call also finds the account cold.
    assert_eq!(price(0) - price(8), (record_init + 2_500) * 10_000);
    assert!(U256::from(price(8)) > U256::ZERO);
}
