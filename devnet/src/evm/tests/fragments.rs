//! Programs in fragments: a root and the accounts that it lists.

use crate::{
    evm::testing::{
        ARB_WASM, Ended, FEE, INTRINSIC, TestChain, ask, calldata_gas, init_code, program,
    },
    rules::ArbOs,
    stylus::prefix,
};
use alloy::sol_types::{SolCall, SolError};
use revm::primitives::{Address, Bytes, TxKind, U256};

alloy::sol! {
    function activateProgram(address program) external payable returns (uint16 version, uint256 dataFee);
    function programVersion(address program) external view returns (uint16 version);
    function getMaxStylusContractFragments() external view returns (uint8);

    error ProgramNotWasm();
    error ProgramNotActivated();
    error ProgramNeedsUpgrade(uint16 version, uint16 stylusVersion);
    error Error(string reason);
}

const ARB_OWNER_PUBLIC: Address = Address::with_last_byte(0x6b);

/// A program that returns `number`.
fn answers(number: u32) -> Vec<u8> {
    let body = format!(
        "(i32.store8 (i32.const 31) (i32.const {number}))
         (call $write_result (i32.const 0) (i32.const 32)) (i32.const 0)"
    );
    wat::parse_str(program(&["write_result"], &body)).unwrap()
}

/// Puts `wasm` on the chain in `count` fragments, not activated.
fn in_fragments(chain: &mut TestChain, wasm: &[u8], count: usize) -> Address {
    let parts = prefix::pack_fragments(wasm, count);
    let fragments: Vec<_> = parts.iter().map(|code| chain.contract(code)).collect();
    chain.contract(&prefix::root(wasm.len(), &fragments))
}

fn why(ended: &Ended) -> String {
    assert!(ended.reverted(), "{:?}", ended.result);
    Error::abi_decode(&ended.output()).unwrap().reason
}

#[test]
fn a_root_runs_what_its_fragments_hold() {
    for count in 1..=4 {
        let mut chain = TestChain::new();
        let root = in_fragments(&mut chain, &answers(7), count);
        let sleeping = chain.call(root, []);
        assert!(sleeping.reverted());
        assert_eq!(sleeping.output().as_ref(), ProgramNotActivated::SELECTOR);

        let activated = chain.activate(root);
        assert!(activated.success(), "{:?}", activated.result);
        assert_eq!(chain.call(root, []).word(), U256::from(7));
    }
}

#[test]
fn a_root_is_deployed_like_a_program() {
    let mut chain = TestChain::new();
    let wasm = answers(9);
    let fragments: Vec<_> = prefix::pack_fragments(&wasm, 2)
        .iter()
        .map(|code| chain.create(init_code(code)).1.unwrap())
        .collect();
    let root = chain.create(init_code(&prefix::root(wasm.len(), &fragments)));
    let root = root.1.unwrap();
    assert!(chain.activate(root).success());
    assert_eq!(chain.call(root, []).word(), U256::from(9));
}

#[test]
fn reading_fragments_costs_what_copying_their_code_does() {
    // The same program in one fragment and in two of about half the length: one more account is read,
    // which was never touched before (2,600); the prefixes are 3 bytes longer.
    let wasm = answers(1);
    let stream = prefix::compress(&wasm).len() as u64;
    let gas = |count: usize| {
        let mut chain = TestChain::new();
        let root = in_fragments(&mut chain, &wasm, count);
        // Activation itself costs the same; so does calldata, except for the address.
        let data = activateProgramCall { program: root }.abi_encode();
        let calldata = calldata_gas(&data);
        chain.send(ARB_WASM, data, FEE).gas() - INTRINSIC - calldata
    };
    let words = |bytes: u64| 3 * bytes.div_ceil(32);
    let half = stream.div_ceil(2);
    let one = 2_600 + words(stream + 3);
    let two = 2 * 2_600 + words(half + 3) + words(stream - half + 3);
    assert_eq!(gas(2) - gas(1), two - one);
}

#[test]
fn the_largest_fragment_must_be_affordable_before_it_is_read() {
    let mut chain = TestChain::new();
    let root = in_fragments(&mut chain, &answers(1), 1);
    let data = Bytes::from(activateProgramCall { program: root }.abi_encode());
    let whole = chain.engine.clone();
    let spent = {
        let mut chain = TestChain::new();
        chain.engine = whole;
        let root = in_fragments(&mut chain, &answers(1), 1);
        assert_eq!(
            data,
            Bytes::from(activateProgramCall { program: root }.abi_encode())
        );
        chain.activate(root).gas()
    };
    // Far below the total cost of activation, so it fails either way, with all gas gone.
    let ended = chain.transact(TxKind::Call(ARB_WASM), data, FEE, spent - 1);
    assert!(!ended.success() && !ended.reverted());
    assert_eq!(ended.gas(), spent - 1);
}

#[test]
fn the_code_that_was_activated_runs_even_when_other_code_was_at_these_addresses_before() {
    // Tests that revert to a snapshot put other fragments at the same addresses; the roots are equal.
    let mut chain = TestChain::new();
    let before = chain.db.clone();
    let (first, second) = (answers(1), answers(2));
    assert_eq!(first.len(), second.len());
    let parts = |wasm: &[u8]| prefix::pack_fragments(wasm, 1).remove(0);
    for (wasm, number) in [(&first, 1), (&second, 2), (&first, 1)] {
        chain.db = before.clone();
        let fragment = chain.create(init_code(&parts(wasm))).1.unwrap();
        let root = chain.create(init_code(&prefix::root(wasm.len(), &[fragment])));
        let root = root.1.unwrap();
        assert!(chain.activate(root).success());
        assert_eq!(chain.call(root, []).word(), U256::from(number));
        // A restarted node has nothing compiled.
        chain.engine = crate::evm::Engine::new();
        assert_eq!(chain.call(root, []).word(), U256::from(number));
    }
}

#[test]
fn roots_that_do_not_fit_are_refused_in_words() {
    let mut chain = TestChain::new();
    let wasm = answers(1);
    let too_many = in_fragments(&mut chain, &wasm, 5);
    let fragment = chain.contract(&prefix::pack_fragments(&wasm, 1)[0]);
    let classic = chain.contract(&prefix::pack(&wasm));
    let mut root = |length, list: &[Address]| chain.contract(&prefix::root(length, list));
    let cases = [
        (too_many, "5 fragments, the limit is 4"),
        (root(1, &[]), "no fragments"),
        (root(256 * 1024 + 1, &[fragment]), "larger than 262144"),
        (root(wasm.len() + 1, &[fragment]), "its root says"),
        (root(wasm.len(), &[classic]), "does not contain a fragment"),
        (
            root(wasm.len(), &[Address::ZERO]),
            "does not contain a fragment",
        ),
        (fragment, "activated through its root"),
    ];
    for (address, words) in cases {
        let ended = chain.activate(address);
        assert!(why(&ended).contains(words), "{}", why(&ended));
    }
}

#[test]
fn a_fragment_is_no_code_that_runs() {
    let mut chain = TestChain::new();
    let fragment = chain.contract(&prefix::pack_fragments(&answers(1), 1)[0]);
    let ended = chain.call(fragment, []);
    // 0xEF is not an EVM operation: all gas is gone.
    assert!(!ended.success() && !ended.reverted(), "{:?}", ended.result);
}

#[test]
fn before_60_there_are_no_fragments() {
    for arbos in [ArbOs::V40, ArbOs::V51] {
        let mut chain = TestChain::with_arbos(arbos);
        let codes = [
            prefix::pack_fragments(&answers(1), 1).remove(0),
            prefix::root(1, &[Address::ZERO]),
        ];
        for code in codes {
            // EIP-3541: such code cannot be created.
            let (ended, address) = chain.create(init_code(&code));
            assert!(!ended.success() && !ended.reverted() && address.is_none());
        }
        let root = in_fragments(&mut chain, &answers(1), 1);
        let ended = chain.activate(root);
        assert!(ended.reverted());
        assert_eq!(ended.output().as_ref(), ProgramNotWasm::SELECTOR);
        let call = getMaxStylusContractFragmentsCall {}.abi_encode();
        assert!(!chain.call(ARB_OWNER_PUBLIC, call).success());
    }
}

#[test]
fn the_chain_says_how_many_fragments_it_allows() {
    for arbos in [ArbOs::V60, ArbOs::V61] {
        let mut chain = TestChain::with_arbos(arbos);
        let call = getMaxStylusContractFragmentsCall {};
        assert_eq!(ask(&mut chain, ARB_OWNER_PUBLIC, &call), 4);
    }
}

#[test]
fn programs_of_an_older_version_must_be_activated_anew() {
    // Nitro went from Stylus version 2 to 3 between ArbOS 51 and 60.
    let mut old = TestChain::with_arbos(ArbOs::V51);
    let program = old.contract(&prefix::pack(&answers(3)));
    assert!(old.activate(program).success());
    let version = programVersionCall { program };
    assert_eq!(ask(&mut old, ARB_WASM, &version), 2);

    let mut chain = TestChain::with_arbos(ArbOs::V61);
    chain.db = old.db;
    let ended = chain.call(program, []);
    let error = ProgramNeedsUpgrade::abi_decode(&ended.output()).unwrap();
    assert_eq!((error.version, error.stylusVersion), (2, 3));
    assert!(chain.activate(program).success());
    assert_eq!(ask(&mut chain, ARB_WASM, &version), 3);
    assert_eq!(chain.call(program, []).word(), U256::from(3));
}
