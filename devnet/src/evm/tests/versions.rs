//! What differs between versions of `ArbOS`, with figures derived from Nitro's rules.

use crate::{
    evm::{
        RecentPrograms,
        testing::{
            ARB_DEBUG, ARB_WASM, Ended, GAS, INTRINSIC, SENDER, TestChain, ask, calldata_gas,
            init_code, module, program,
        },
    },
    rules::ArbOs,
    stylus::prefix,
};
use alloy::sol_types::SolCall;
use revm::{
    DatabaseCommit,
    context::{
        TxEnv,
        result::{ExecutionResult, HaltReason},
    },
    primitives::{Address, Bytes, TxKind, U256, keccak256},
};

alloy::sol! {
    function maxStackDepth() external view returns (uint32 depth);
    function activationGas() external view returns (uint64);
    function arbBlockNumber() external view returns (uint256);
    function arbOSVersion() external view returns (uint256);
    function isCalldataPriceIncreaseEnabled() external view returns (bool);
    function setCalldataPriceIncrease(bool enable) external;
    function becomeChainOwner() external;
    function getGasAccountingParams() external view returns (uint256, uint256, uint256);
    function getMaxTxGasLimit() external view returns (uint256);
    function getMaxBlockGasLimit() external view returns (uint64);
    function getGasPricingConstraints() external view returns (uint64[3][]);
    function getMultiGasPricingConstraints() external view returns (uint256[]);
    function getMultiGasBaseFee() external view returns (uint256[]);
    function getMaxStylusContractFragments() external view returns (uint8);
    function getParentGasFloorPerToken() external view returns (uint64);
    function getNativeTokenManagementFrom() external view returns (uint64);
    function isNativeTokenOwner(address account) external view returns (bool);
    function getAllNativeTokenOwners() external view returns (address[]);
    function getTransactionFilteringFrom() external view returns (uint64);
    function isTransactionFilterer(address account) external view returns (bool);
    function getAllTransactionFilterers() external view returns (address[]);
    function getFilteredFundsRecipient() external view returns (address);
    function getCollectTips() external view returns (bool);
}

const ARB_SYS: Address = Address::with_last_byte(0x64);
const ARB_OWNER_PUBLIC: Address = Address::with_last_byte(0x6b);
const ARB_GAS_INFO: Address = Address::with_last_byte(0x6c);
const ARB_OWNER: Address = Address::with_last_byte(0x70);

#[test]
fn every_version_says_its_number() {
    for arbos in ArbOs::ALL {
        let mut chain = TestChain::with_arbos(arbos);
        // The numbering continues that of Arbitrum's classic chain.
        let expected = U256::from(55 + arbos.number());
        assert_eq!(ask(&mut chain, ARB_SYS, &arbOSVersionCall {}), expected);
    }
}

/// Recurses as often as its calldata says, in 4 bytes.
fn recursion() -> String {
    let down = "(func $down (param $n i32)
        (if (local.get $n) (then (call $down (i32.sub (local.get $n) (i32.const 1))))))";
    let body =
        "(call $read_args (i32.const 0)) (call $down (i32.load (i32.const 0))) (i32.const 0)";
    module(&["read_args"], down, body)
}

#[test]
fn a_program_recurses_as_deep_as_its_words_reach() {
    // `$down` has at most 2 values at once (what charges for a block, on an empty stack), no locals and
    // the 4 words of every frame: 6. The entry point: 2 values when its blocks are charged, 4 words: 6.
    // A frame needs more words than it takes. With W words, the k-th `$down` finds W - 6 k of them, so
    // 6 k < W - 6.
    for (arbos, words) in [
        (ArbOs::V40, 262_144),
        (ArbOs::V51, 22_000),
        (ArbOs::V61, 22_000),
    ] {
        let mut chain = TestChain::with_arbos(arbos);
        assert_eq!(ask(&mut chain, ARB_WASM, &maxStackDepthCall {}), words);
        let frames = (words - 6 - 1) / 6;
        let address = chain.program(&recursion());
        // Called with n it makes n + 1 frames.
        let ended = chain.call(address, (frames - 1).to_le_bytes());
        assert!(ended.success(), "{arbos}: {:?}", ended.result);
        let ended = chain.call(address, frames.to_le_bytes());
        let ExecutionResult::Halt { reason, gas, .. } = &ended.result else {
            panic!("{arbos}: {:?}", ended.result)
        };
        assert_eq!(*reason, HaltReason::StackOverflow);
        assert_eq!(gas.tx_gas_used(), GAS);
    }
}

#[test]
fn a_branch_out_of_a_function_keeps_its_words() {
    // Nitro returns a frame's words before each return, and a branch to the end of the body is not one.
    // `$leaves` has 2 values (the charge) and 4 words: 6 that stay taken by each call of it.
    let leaves = "(func $leaves (br 0))
        (func $times (param $n i32)
          (loop $again
            (call $leaves)
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))";
    let body =
        "(call $read_args (i32.const 0)) (call $times (i32.load (i32.const 0))) (i32.const 0)";
    let mut chain = TestChain::new();
    let address = chain.program(&module(&["read_args"], leaves, body));
    // The entry point takes 6 words. `$times`: the constant is the second value, charged for on an empty
    // stack, so 2 values, 4 words: 6. The k-th call of `$leaves` finds 22,000 - 12 - 6 (k - 1) and needs
    // more than 6.
    let calls: u32 = (22_000 - 12 - 6 - 1) / 6 + 1;
    assert!(chain.call(address, calls.to_le_bytes()).success());
    let ended = chain.call(address, (calls + 1).to_le_bytes());
    assert!(matches!(
        ended.result,
        ExecutionResult::Halt {
            reason: HaltReason::StackOverflow,
            ..
        }
    ));
}

#[test]
fn frames_as_large_as_they_may_be_end_by_their_words_and_not_by_the_hosts_stack() {
    // As many live 64-bit values as a frame can have across a call, each of which needs native stack.
    let n = 4_000;
    let gets = "(local.get $x) ".repeat(n);
    let adds = "i64.add ".repeat(n);
    let deep = format!(
        "(func $deep (param $x i64) (result i64)
           {gets} (call $deep (i64.add (local.get $x) (i64.const 1))) {adds})"
    );
    let body = "(drop (call $deep (i64.const 1))) (i32.const 0)";
    for arbos in ArbOs::ALL {
        let mut chain = TestChain::with_arbos(arbos);
        let address = chain.program(&module(&[], &deep, body));
        let ended = chain.transact(TxKind::Call(address), Bytes::new(), U256::ZERO, 1 << 40);
        assert!(matches!(
            ended.result,
            ExecutionResult::Halt {
                reason: HaltReason::StackOverflow,
                ..
            }
        ));
    }
}

/// Gas of one call in a block in which `recent` ran.
fn in_block(chain: &mut TestChain, to: Address, recent: &mut RecentPrograms) -> u64 {
    let tx = TxEnv {
        caller: SENDER,
        kind: TxKind::Call(to),
        gas_limit: GAS,
        nonce: chain.db.cache.accounts[&SENDER].info.nonce,
        chain_id: Some(1),
        ..TxEnv::default()
    };
    let (config, block) = (chain.engine.config(1), chain.block.clone());
    let outcome = chain
        .engine
        .transact_in_block(&mut chain.db, config, block, tx, recent)
        .unwrap();
    chain.db.commit(outcome.state);
    outcome.result.tx_gas_used()
}

#[test]
fn recent_programs_are_cheap_from_60_on() {
    let wat = program(&[], "(i32.const 0)");
    let bytes = wat::parse_str(&wat).unwrap().len() as u64;
    // The surcharge for entering it uncached: 8,832, one function, two values in its type, its bytes.
    let uncached = 8_832 + 8_252 / 1_000 + 2 * 1_059 / 1_000 + bytes * 1_286 / 10_000;
    for (arbos, saved) in [
        (ArbOs::V40, 0),
        (ArbOs::V51, 0),
        (ArbOs::V60, uncached),
        (ArbOs::V61, uncached),
    ] {
        let mut chain = TestChain::with_arbos(arbos);
        let address = chain.program(&wat);
        let mut recent = RecentPrograms::default();
        let first = in_block(&mut chain, address, &mut recent);
        let second = in_block(&mut chain, address, &mut recent);
        assert_eq!(first - second, saved, "{arbos}");
    }
}

#[test]
fn activation_costs_what_nitro_charges() {
    let wat = "(module
        (memory (export \"memory\") 2 2)
        (table 3 funcref) (elem (i32.const 0) $f $f $f)
        (func $f (param i64) (if (i32.const 1) (then (return))))
        (func (export \"user_entrypoint\") (param i32) (result i32) (i32.const 0))
        (data (i32.const 0) \"0123456789012345678901234567890123456789\"))";
    let wasm = wat::parse_str(wat).unwrap();
    // 28 gas for each microsecond that each part takes, rounded down; the first for the WASM.
    let microseconds = wasm.len() as u64 * 31_733 / 100_000
        // two functions: 2 * 17,263 / 100,000, which is nothing
        // 40 bytes of data
        + 40 * 17_376 / 100_000
        // flag, i32.const 0, end, count, three indices
        + 8 * 17_376 / 100_000
        // two pages
        + 2 * 2_217
        // `$f`: const, if, return, end, end are 5 in four blocks (12 each), 12 to enter, two returns
        // (one of them added) with 4 each. The entry point: const, end in one block, 12 and 4 and 1.
        + ((5 + 48 + 12 + 4 + 5) + (2 + 12 + 12 + 5)) * 535 / 1_000;
    for arbos in ArbOs::ALL {
        let mut chain = TestChain::with_arbos(arbos);
        let spent = |chain: &mut TestChain, wat: &str| {
            let address = chain.sleeping_program(wat);
            let ended = chain.activate(address);
            assert!(ended.success(), "{:?}", ended.result);
            let input = [
                &keccak256("activateProgram(address)")[..4],
                &[0; 12],
                address.as_slice(),
            ]
            .concat();
            ended.gas() - INTRINSIC - calldata_gas(&input)
        };
        // Everything except the program's own part is the same for any other.
        let smallest = "(module (memory (export \"memory\") 0 0)
            (func (export \"user_entrypoint\") (param i32) (result i32) (i32.const 0)))";
        let bytes = wat::parse_str(smallest).unwrap().len() as u64;
        // One function, no data, no pages; 2 + 12 + 12 + 5 operators.
        let small = bytes * 31_733 / 100_000 + 31 * 535 / 1_000;
        let difference = spent(&mut chain, wat) - spent(&mut chain, smallest);
        assert_eq!(difference, 28 * (microseconds - small), "{arbos}");
    }
}

#[test]
fn the_price_of_beginning_an_activation_can_be_asked_from_60_on() {
    for arbos in ArbOs::ALL {
        let mut chain = TestChain::with_arbos(arbos);
        let ended = chain.call(ARB_WASM, activationGasCall {}.abi_encode());
        assert_eq!(ended.success(), arbos >= ArbOs::V60, "{arbos}");
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "one table")]
fn gas_limits_and_what_owners_can_switch_on_are_answered_from_the_version_that_brought_them() {
    let words = |numbers: &[u64]| -> Vec<u8> {
        let words = numbers.iter();
        words
            .flat_map(|number| U256::from(*number).to_be_bytes::<32>())
            .collect()
    };
    // An empty array: its offset, its length.
    let nothing = words(&[0x20, 0]);
    let fee = 7;
    // Nine kinds of gas, none of which has its own price.
    let fees = [0x20, 9].into_iter().chain([fee; 9]).collect::<Vec<_>>();
    let account = SENDER;
    // precompiles/precompile.go: 50 and 41, which 51 is the first here to have, or 60.
    let table = [
        (
            ArbOs::V40,
            ARB_GAS_INFO,
            getGasAccountingParamsCall {}.abi_encode(),
            words(&[7_000_000, 32_000_000, 32_000_000]),
        ),
        (
            ArbOs::V51,
            ARB_GAS_INFO,
            getMaxTxGasLimitCall {}.abi_encode(),
            words(&[32_000_000]),
        ),
        (
            ArbOs::V51,
            ARB_GAS_INFO,
            getMaxBlockGasLimitCall {}.abi_encode(),
            words(&[32_000_000]),
        ),
        (
            ArbOs::V51,
            ARB_GAS_INFO,
            getGasPricingConstraintsCall {}.abi_encode(),
            nothing.clone(),
        ),
        (
            ArbOs::V60,
            ARB_GAS_INFO,
            getMultiGasPricingConstraintsCall {}.abi_encode(),
            nothing.clone(),
        ),
        (
            ArbOs::V60,
            ARB_GAS_INFO,
            getMultiGasBaseFeeCall {}.abi_encode(),
            words(&fees),
        ),
        (
            ArbOs::V60,
            ARB_OWNER_PUBLIC,
            getMaxStylusContractFragmentsCall {}.abi_encode(),
            words(&[4]),
        ),
        (
            ArbOs::V51,
            ARB_OWNER_PUBLIC,
            getParentGasFloorPerTokenCall {}.abi_encode(),
            words(&[0]),
        ),
        (
            ArbOs::V51,
            ARB_OWNER_PUBLIC,
            getNativeTokenManagementFromCall {}.abi_encode(),
            words(&[0]),
        ),
        (
            ArbOs::V51,
            ARB_OWNER_PUBLIC,
            isNativeTokenOwnerCall { account }.abi_encode(),
            words(&[0]),
        ),
        (
            ArbOs::V51,
            ARB_OWNER_PUBLIC,
            getAllNativeTokenOwnersCall {}.abi_encode(),
            nothing.clone(),
        ),
        (
            ArbOs::V60,
            ARB_OWNER_PUBLIC,
            getTransactionFilteringFromCall {}.abi_encode(),
            words(&[0]),
        ),
        (
            ArbOs::V60,
            ARB_OWNER_PUBLIC,
            isTransactionFiltererCall { account }.abi_encode(),
            words(&[0]),
        ),
        (
            ArbOs::V60,
            ARB_OWNER_PUBLIC,
            getAllTransactionFilterersCall {}.abi_encode(),
            nothing,
        ),
        (
            ArbOs::V60,
            ARB_OWNER_PUBLIC,
            getFilteredFundsRecipientCall {}.abi_encode(),
            words(&[0]),
        ),
        (
            ArbOs::V60,
            ARB_OWNER_PUBLIC,
            getCollectTipsCall {}.abi_encode(),
            words(&[0]),
        ),
    ];
    for arbos in ArbOs::ALL {
        let mut chain = TestChain::with_arbos(arbos);
        chain.set_base_fee(fee);
        for (since, precompile, call, answer) in &table {
            let ended = chain.call(*precompile, call.clone());
            let known = arbos >= *since;
            let selector = call.get(..4);
            assert_eq!(ended.success(), known, "{arbos} {selector:02x?}");
            let expected: &[u8] = if known { answer } else { &[] };
            assert_eq!(ended.output().as_ref(), expected, "{arbos} {selector:02x?}");
        }
    }
}

#[test]
fn a_creation_without_the_gas_to_begin_reverts_and_keeps_the_rest() {
    let mut chain = TestChain::new();
    let arguments = "(i32.const 0) (i32.const 0) (i32.const 0) (i32.const 64) (i32.const 96)";
    let body = format!("(call $create1 {arguments}) (i32.const 0)");
    let address = chain.program(&program(&["create1"], &body));
    // Enough to enter the program, and less than the 32,000 of a creation beyond that.
    let gas = INTRINSIC + 9_300 + 20_000;
    let ended = chain.transact(TxKind::Call(address), Bytes::new(), U256::ZERO, gas);
    assert!(
        ended.reverted() && ended.output().is_empty(),
        "{:?}",
        ended.result
    );
    assert!(ended.gas() < INTRINSIC + 9_400, "{}", ended.gas());
}

#[test]
fn page_counts_are_looked_at_whole_from_60_on() {
    // 65,537 pages are one page in 16 bits. No memory has that many: `memory.grow` answers -1.
    let body = "(i32.store (i32.const 0) (memory.grow (i32.const 65537)))
        (call $write_result (i32.const 0) (i32.const 4)) (i32.const 0)";
    let wat = program(&["pay_for_memory_grow", "write_result"], body);
    for arbos in ArbOs::ALL {
        let mut chain = TestChain::with_arbos(arbos);
        let address = chain.program(&wat);
        let ended = chain.call(address, []);
        if arbos < ArbOs::V60 {
            assert_eq!(ended.output().as_ref(), [0xff; 4], "{arbos}");
        } else {
            assert!(matches!(
                ended.result,
                ExecutionResult::Halt {
                    reason: HaltReason::OutOfGas(_),
                    ..
                }
            ));
        }
    }
}

/// EVM bytecode that returns the word that `code` leaves on the stack.
fn answering(chain: &mut TestChain, code: &[u8]) -> Address {
    // PUSH0 MSTORE PUSH1 32 PUSH0 RETURN
    chain.contract(&[code, &[0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3]].concat())
}

#[test]
fn contracts_are_told_the_parent_chains_block() {
    let mut chain = TestChain::new();
    chain.engine = chain.engine.clone().with_parent_block_time(12);
    // The time in seconds, divided by 12.
    let parent = U256::from(1_750_000_000_u64 / 12);
    let number = answering(&mut chain, &[0x43]);
    assert_eq!(chain.call(number, []).word(), parent);
    let body = "(i64.store (i32.const 0) (call $block_number))
        (call $write_result (i32.const 0) (i32.const 8)) (i32.const 0)";
    let reader = chain.program(&program(&["block_number", "write_result"], body));
    let output = chain.call(reader, []).output();
    let told = u64::from_le_bytes(output.as_ref().try_into().unwrap());
    assert_eq!(U256::from(told), parent);
    // ArbSys returns the block's own.
    let own = ask(&mut chain, ARB_SYS, &arbBlockNumberCall {});
    assert_eq!(own, U256::from(7));
    // The parent's last 256 blocks have hashes, and no others. NUMBER PUSH2 n SWAP1 SUB BLOCKHASH
    for (age, known) in [(0_u16, false), (1, true), (256, true), (257, false)] {
        let [high, low] = age.to_be_bytes();
        let hash = answering(&mut chain, &[0x43, 0x61, high, low, 0x90, 0x03, 0x40]);
        let expected = if known {
            keccak256((parent - U256::from(age)).to_be_bytes::<32>()).into()
        } else {
            U256::ZERO
        };
        assert_eq!(chain.call(hash, []).word(), expected, "{age}");
    }
    // A chain without a parent uses its own number.
    chain.engine = chain.engine.clone().with_parent_block_time(0);
    assert_eq!(chain.call(number, []).word(), U256::from(7));
}

/// Calls a precompile, and returns the gas used beyond what any transaction with this calldata costs.
fn precompile_gas(chain: &mut TestChain, address: Address, input: &[u8]) -> (Ended, u64) {
    let ended = chain.call(address, input.to_vec());
    let gas = ended.gas().saturating_sub(INTRINSIC + calldata_gas(input));
    (ended, gas)
}

#[test]
fn p256verify_is_there_in_all_versions_at_its_price() {
    // RIP-7212 has 3,450, EIP-7951 6,900. An input of the wrong length answers nothing.
    for (arbos, price) in [
        (ArbOs::V40, 3_450),
        (ArbOs::V51, 6_900),
        (ArbOs::V61, 6_900),
    ] {
        let mut chain = TestChain::with_arbos(arbos);
        let address = Address::with_last_byte(0).create(0);
        assert!(!address.is_zero());
        let verifier = Address::from_word(U256::from(0x100).into());
        let (ended, gas) = precompile_gas(&mut chain, verifier, &[1; 7]);
        assert!(ended.success() && ended.output().is_empty());
        assert_eq!(gas, price, "{arbos}");
    }
}

#[test]
fn modexp_has_osakas_price_from_51_on() {
    // 1 ^ 1 mod 2, each in one byte: EIP-2565 charges at least 200, EIP-7883 500.
    let mut input = [0; 99];
    (input[31], input[63], input[95]) = (1, 1, 1);
    (input[96], input[97], input[98]) = (1, 1, 2);
    for (arbos, price) in [(ArbOs::V40, 200), (ArbOs::V51, 500), (ArbOs::V61, 500)] {
        let mut chain = TestChain::with_arbos(arbos);
        let (ended, gas) = precompile_gas(&mut chain, Address::with_last_byte(5), &input);
        assert_eq!(ended.output().as_ref(), [1]);
        assert_eq!(gas, price, "{arbos}");
    }
}

#[test]
fn bls_precompiles_and_clz_come_with_osaka() {
    for arbos in ArbOs::ALL {
        let mut chain = TestChain::with_arbos(arbos);
        // BLS12_G1ADD refuses an empty input; an account without code accepts it.
        let ended = chain.call(Address::with_last_byte(0x0b), []);
        assert_eq!(ended.success(), arbos == ArbOs::V40, "{arbos}");
        // PUSH1 1 CLZ: 255 leading zeros.
        let clz = answering(&mut chain, &[0x60, 1, 0x1e]);
        let ended = chain.call(clz, []);
        assert_eq!(ended.success(), arbos > ArbOs::V40, "{arbos}");
        if ended.success() {
            assert_eq!(ended.word(), U256::from(255));
        }
    }
}

#[test]
fn transactions_may_ask_for_more_than_osakas_cap() {
    // EIP-7825 stops at 2^24; Arbitrum's limit is 32 million.
    for arbos in ArbOs::ALL {
        let mut chain = TestChain::with_arbos(arbos);
        let ended = chain.transact(TxKind::Call(SENDER), Bytes::new(), U256::ZERO, 32_000_000);
        assert!(ended.success(), "{arbos}");
    }
}

#[test]
fn calldata_has_a_floor_only_when_an_owner_wants_it() {
    for arbos in ArbOs::ALL {
        let mut chain = TestChain::with_arbos(arbos);
        let asked = isCalldataPriceIncreaseEnabledCall {};
        assert!(!ask(&mut chain, ARB_OWNER_PUBLIC, &asked));
        // 1,000 bytes that are not zero: 16 gas each. The floor would be 40 each.
        let ended = chain.call(SENDER, vec![1; 1_000]);
        assert_eq!(ended.gas(), INTRINSIC + 16_000, "{arbos}");
        let own = becomeChainOwnerCall {}.abi_encode();
        assert!(chain.call(ARB_DEBUG, own).success());
        for enable in [true, false] {
            let set = setCalldataPriceIncreaseCall { enable }.abi_encode();
            assert!(chain.call(ARB_OWNER, set).success());
            assert_eq!(ask(&mut chain, ARB_OWNER_PUBLIC, &asked), enable);
        }
    }
}

#[test]
fn programs_of_another_dictionary_are_refused_by_its_number() {
    let mut chain = TestChain::new();
    let wasm = wat::parse_str(program(&[], "(i32.const 0)")).unwrap();
    let code = [&[0xEF, 0xF0, 0, 1][..], &prefix::compress(&wasm)].concat();
    let address = chain.create(init_code(&code)).1.unwrap();
    let ended = chain.activate(address);
    let words = String::from_utf8_lossy(&ended.output()).into_owned();
    assert!(
        ended.reverted() && words.contains("dictionary 1"),
        "{words}"
    );
}
