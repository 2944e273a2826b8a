//! The storage cache of programs.

use crate::evm::testing::{TestChain, program};
use revm::primitives::U256;

const IMPORTS: [&str; 5] = [
    "storage_load_bytes32",
    "storage_cache_bytes32",
    "storage_flush_cache",
    "write_result",
    "read_args",
];

/// Runs `body` and returns the word at 64; the word at 32 is 5, the one at 0 is slot 0.
fn run(chain: &mut TestChain, body: &str) -> (revm::primitives::Address, U256) {
    let text = format!(
        "(i32.store8 (i32.const 63) (i32.const 5)) {body}
         (call $write_result (i32.const 64) (i32.const 32)) (i32.const 0)"
    );
    let address = chain.program(&program(&IMPORTS, &text));
    let word = chain.call(address, []).word();
    (address, word)
}

const LOAD: &str = "(call $storage_load_bytes32 (i32.const 0) (i32.const 64))";
const CACHE: &str = "(call $storage_cache_bytes32 (i32.const 0) (i32.const 32))";
const FLUSH: &str = "(call $storage_flush_cache (i32.const 0))";
const CLEAR: &str = "(call $storage_flush_cache (i32.const 1))";

#[test]
fn a_program_reads_its_own_unflushed_writes() {
    let mut chain = TestChain::new();
    let (address, word) = run(&mut chain, &format!("{CACHE} {LOAD}"));
    assert_eq!(word, U256::from(5));
    // They are lost when it returns without a flush.
    assert_eq!(chain.storage(address, U256::ZERO), U256::ZERO);
}

#[test]
fn a_flush_writes_to_the_state() {
    let mut chain = TestChain::new();
    for flush in [FLUSH, CLEAR] {
        let (address, word) = run(&mut chain, &format!("{CACHE} {flush} {LOAD}"));
        assert_eq!(word, U256::from(5));
        assert_eq!(chain.storage(address, U256::ZERO), U256::from(5));
    }
}

#[test]
fn a_stale_cache_hides_what_a_callee_wrote_until_it_is_cleared() {
    let mut chain = TestChain::new();
    // Called with calldata it sets slot 0 to 9. Without, it reads the slot, calls itself with
    // calldata, and reads again.
    let text = |flush: &str| {
        let mut imports = IMPORTS.to_vec();
        imports.extend(["call_contract", "contract_address"]);
        program(
            &imports,
            &format!(
                "(if (local.get $len)
                   (then
                     (i32.store8 (i32.const 63) (i32.const 9)) {CACHE} {FLUSH})
                   (else
                     {LOAD}
                     (call $contract_address (i32.const 128))
                     (drop (call $call_contract (i32.const 128) (i32.const 0) (i32.const 1) (i32.const 192) (i64.const -1) (i32.const 160)))
                     {flush} {LOAD}))
                 (call $write_result (i32.const 64) (i32.const 32)) (i32.const 0)"
            ),
        )
    };
    let stale = chain.program(&text(""));
    assert_eq!(chain.call(stale, []).word(), U256::ZERO);
    assert_eq!(chain.call(stale, []).word(), U256::from(9));
    let cleared = chain.program(&text(CLEAR));
    assert_eq!(chain.call(cleared, []).word(), U256::from(9));
}

#[test]
fn a_flush_without_the_gas_for_it_ends_the_program() {
    let mut chain = TestChain::new();
    let text = format!("(i32.store8 (i32.const 63) (i32.const 5)) {CACHE} {FLUSH} (i32.const 0)");
    let address = chain.program(&program(&IMPORTS, &text));
    // 22,100 for the write are not affordable, everything before is.
    let gas = 21_000 + 12_000 + 10_000;
    let ended = chain.transact(
        revm::primitives::TxKind::Call(address),
        [].into(),
        U256::ZERO,
        gas,
    );
    assert!(!ended.success() && !ended.reverted(), "{:?}", ended.result);
    assert_eq!(ended.gas(), gas);
    assert_eq!(chain.storage(address, U256::ZERO), U256::ZERO);
}
