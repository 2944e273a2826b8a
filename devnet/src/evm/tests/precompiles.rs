//! Arbitrum's precompiles.

use crate::{
    evm::{
        RecentPrograms,
        arbos::{
            ProgramExpired, ProgramInsufficientValue, ProgramKeepaliveTooSoon, ProgramNotActivated,
            ProgramNotWasm, ProgramUpToDate,
        },
        genesis::CACHE_MANAGER,
        testing::{
            ARB_DEBUG, ARB_WASM, ARB_WASM_CACHE, FEE, GAS, SENDER, TestChain, ask, program, refused,
        },
    },
    stylus::prefix,
};
use alloy::sol_types::{SolCall, SolError, SolEvent};
use revm::{
    context::{
        TxEnv,
        result::{ExecutionResult, HaltReason},
    },
    primitives::{Address, B256, TxKind, U256, address, hex, keccak256},
};

alloy::sol! {
    function activateProgram(address program) external payable returns (uint16 version, uint256 dataFee);
    function stylusVersion() external view returns (uint16);
    function codehashVersion(bytes32 codehash) external view returns (uint16);
    function codehashKeepalive(bytes32 codehash) external payable;
    function codehashAsmSize(bytes32 codehash) external view returns (uint32);
    function programVersion(address program) external view returns (uint16);
    function programInitGas(address program) external view returns (uint64 gas, uint64 gasWhenCached);
    function programMemoryFootprint(address program) external view returns (uint16);
    function programTimeLeft(address program) external view returns (uint64);
    function inkPrice() external view returns (uint32);
    function maxStackDepth() external view returns (uint32);
    function freePages() external view returns (uint16);
    function pageGas() external view returns (uint16);
    function pageRamp() external view returns (uint64);
    function pageLimit() external view returns (uint16);
    function minInitGas() external view returns (uint64 gas, uint64 cached);
    function initCostScalar() external view returns (uint64);
    function expiryDays() external view returns (uint16);
    function keepaliveDays() external view returns (uint16);
    function blockCacheSize() external view returns (uint16);
    function activationGas() external view returns (uint64);
    event ProgramActivated(bytes32 indexed codehash, bytes32 moduleHash, address program, uint256 dataFee, uint16 version);
    event ProgramLifetimeExtended(bytes32 indexed codehash, uint256 dataFee);

    function isCacheManager(address manager) external view returns (bool);
    function allCacheManagers() external view returns (address[]);
    function cacheProgram(address program) external;
    function cacheCodehash(bytes32 codehash) external;
    function evictCodehash(bytes32 codehash) external;
    function codehashIsCached(bytes32 codehash) external view returns (bool);
    event UpdateProgramCache(address indexed manager, bytes32 indexed codehash, bool cached);

    function arbBlockNumber() external view returns (uint256);
    function arbBlockHash(uint256 number) external view returns (bytes32);
    function arbChainID() external view returns (uint256);
    function arbOSVersion() external view returns (uint256);
    function getStorageGasAvailable() external view returns (uint256);
    function isTopLevelCall() external view returns (bool);
    function mapL1SenderContractAddressToL2Alias(address sender, address unused) external pure returns (address);
    function wasMyCallersAddressAliased() external view returns (bool);
    function myCallersAddressWithoutAliasing() external view returns (address);
    error InvalidBlockNumber(uint256 requested, uint256 current);

    function isChainOwner(address account) external view returns (bool);
    function getAllChainOwners() external view returns (address[]);
    function getNetworkFeeAccount() external view returns (address);
    function becomeChainOwner() external;
    function addWasmCacheManager(address manager) external;
    function removeWasmCacheManager(address manager) external;
    event OwnerActs(bytes4 indexed method, address indexed owner, bytes data);

    function getPricesInWei() external view returns (uint256, uint256, uint256, uint256, uint256, uint256);
    function getMinimumGasPrice() external view returns (uint256);
    function getCurrentTxL1GasFees() external view returns (uint256);

    error Error(string reason);
}

const ARB_SYS: Address = Address::with_last_byte(0x64);
const ARB_OWNER_PUBLIC: Address = Address::with_last_byte(0x6b);
const ARB_OWNER: Address = Address::with_last_byte(0x70);
const ARB_GAS_INFO: Address = Address::with_last_byte(0x6c);
const FEE_ACCOUNT: Address = address!("A4B000000000000000000073657175656e636572");
const DAY: u64 = 86_400;

fn minimal() -> String {
    program(&[], "(i32.const 0)")
}

fn code_hash(wat: &str) -> B256 {
    keccak256(prefix::pack(&wat::parse_str(wat).unwrap()))
}

#[test]
fn activation_takes_the_fee_returns_the_rest_and_says_so() {
    let mut chain = TestChain::new();
    let program = chain.sleeping_program(&minimal());
    let before = chain.balance(SENDER);
    let ended = chain.activate(program);
    let answer = activateProgramCall::abi_decode_returns(&ended.output()).unwrap();
    assert_eq!(answer.version, 3);
    let bytes =
        512_000 + 996 + 22 + wat::parse_str(minimal()).unwrap().len() as u64 * 62_628 / 10_000;
    // The demand is these bytes: 10,000 * 513,4xx / 21,360,419 = 240 basis points, whose exponential is
    // 10242.
    assert_eq!(10_000 * bytes / 21_360_419, 240);
    let per_byte = 82_928_201_u64 * 10_242 / 10_000;
    assert_eq!(answer.dataFee, U256::from(per_byte * bytes));
    assert_eq!(before - chain.balance(SENDER), answer.dataFee);
    assert_eq!(chain.balance(FEE_ACCOUNT), answer.dataFee);
    assert_eq!(chain.balance(ARB_WASM), U256::ZERO);
    let event = ProgramActivated::decode_log(&ended.logs()[0]).unwrap();
    assert_eq!(event.address, ARB_WASM);
    assert_eq!(event.codehash, code_hash(&minimal()));
    assert_eq!(
        (event.program, event.dataFee, event.version),
        (program, answer.dataFee, 3)
    );
    assert!(ended.gas() > 1_659_168);
}

#[test]
fn activation_reverts_when_the_value_does_not_cover_the_fee() {
    let mut chain = TestChain::new();
    let program = chain.sleeping_program(&minimal());
    let call = activateProgramCall { program };
    let error: ProgramInsufficientValue = refused(&mut chain, ARB_WASM, &call, U256::from(5));
    assert_eq!(error.have, U256::from(5));
    let one_short = error.want - U256::ONE;
    let error: ProgramInsufficientValue = refused(&mut chain, ARB_WASM, &call, one_short);
    assert_eq!((error.have, error.want), (one_short, one_short + U256::ONE));
    let _: ProgramNotActivated = refused(&mut chain, program, &activationGasCall {}, U256::ZERO);
    assert!(
        chain
            .send(ARB_WASM, call.abi_encode(), one_short + U256::ONE)
            .success()
    );
}

#[test]
fn activation_reverts_for_an_active_program() {
    let mut chain = TestChain::new();
    let program = chain.program(&minimal());
    let _: ProgramUpToDate = refused(&mut chain, ARB_WASM, &activateProgramCall { program }, FEE);
}

#[test]
fn activation_reverts_for_what_is_no_program() {
    let mut chain = TestChain::new();
    let contract = chain.contract(&hex!("6000"));
    for program in [contract, SENDER, Address::repeat_byte(9)] {
        let _: ProgramNotWasm =
            refused(&mut chain, ARB_WASM, &activateProgramCall { program }, FEE);
    }
}

#[test]
fn invalid_programs_take_all_gas_of_an_activation_and_the_node_says_why() {
    let mut chain = TestChain::new();
    for (wat, reason) in [
        (
            "(module)",
            "invalid program: no function user_entrypoint (i32) -> i32 is exported",
        ),
        (
            "(module (import \"vm_hooks\" \"gift\" (func)))",
            "invalid program: there is no import vm_hooks::gift",
        ),
    ] {
        let program = chain.sleeping_program(wat);
        let ended = chain.activate(program);
        let ExecutionResult::Halt { reason: why, .. } = &ended.result else {
            panic!("{:?}", ended.result)
        };
        let expected = HaltReason::PrecompileErrorWithContext(reason.into());
        assert_eq!((why, ended.gas()), (&expected, GAS));
    }
    // Code that cannot even be unpacked reverts, and costs what was done so far.
    let corrupt = chain.contract(&hex!("eff00000ffffff"));
    let call = activateProgramCall { program: corrupt };
    let error: Error = refused(&mut chain, ARB_WASM, &call, FEE);
    assert!(error.reason.contains("not brotli"), "{}", error.reason);
}

#[test]
fn activation_reverts_in_static_and_delegate_calls() {
    let mut chain = TestChain::new();
    let program = chain.sleeping_program(&minimal());
    for operation in ["static_call_contract", "delegate_call_contract"] {
        let text = crate::evm::testing::program(
            &["read_args", operation],
            &format!(
                "(call $read_args (i32.const 0))
                 (call ${operation} (i32.const 0) (i32.const 20) (i32.sub (local.get $len) (i32.const 20)) (i64.const -1) (i32.const 4096))"
            ),
        );
        let caller = chain.program(&text);
        let input = [
            ARB_WASM.as_slice(),
            &activateProgramCall { program }.abi_encode(),
        ]
        .concat();
        assert!(chain.send(caller, input, FEE).reverted(), "{operation}");
        assert!(chain.call(program, []).reverted(), "{operation}");
    }
}

#[test]
fn what_is_known_of_a_program_can_be_asked() {
    let mut chain = TestChain::new();
    let program = chain.program(&minimal());
    let codehash = code_hash(&minimal());
    assert_eq!(
        ask(&mut chain, ARB_WASM, &programVersionCall { program }),
        3
    );
    assert_eq!(
        ask(&mut chain, ARB_WASM, &codehashVersionCall { codehash }),
        3
    );
    assert_eq!(
        ask(
            &mut chain,
            ARB_WASM,
            &programMemoryFootprintCall { program }
        ),
        1
    );
    let size = ask(&mut chain, ARB_WASM, &codehashAsmSizeCall { codehash });
    assert_eq!(size % 1024, 0);
    let bytes = wat::parse_str(minimal()).unwrap().len() as u64;
    // Four globals of the instrumentation: 4 * 1.628.
    let cached = 352 + bytes * 122 / 100_000 + 6 + 5;
    let init = ask(&mut chain, ARB_WASM, &programInitGasCall { program });
    assert_eq!(init.gasWhenCached, cached);
    assert_eq!(init.gas, cached + 8_832 + 8 + 2 + bytes * 1_286 / 10_000);
    let left = ask(&mut chain, ARB_WASM, &programTimeLeftCall { program });
    // Activation times are whole hours.
    assert!((365 * DAY - 3_600..=365 * DAY).contains(&left));
}

#[test]
fn what_is_asked_of_an_unknown_program_reverts() {
    let mut chain = TestChain::new();
    let program = chain.sleeping_program(&minimal());
    let codehash = code_hash(&minimal());
    for call in [
        codehashVersionCall { codehash }.abi_encode(),
        codehashAsmSizeCall { codehash }.abi_encode(),
        codehashKeepaliveCall { codehash }.abi_encode(),
        programVersionCall { program }.abi_encode(),
        programInitGasCall { program }.abi_encode(),
        programMemoryFootprintCall { program }.abi_encode(),
        programTimeLeftCall { program }.abi_encode(),
    ] {
        let ended = chain.call(ARB_WASM, call);
        assert!(ended.reverted());
        assert_eq!(ended.output().as_ref(), ProgramNotActivated::SELECTOR);
    }
}

#[test]
fn a_program_expires_and_can_be_activated_again() {
    let mut chain = TestChain::new();
    let program = chain.program(&minimal());
    chain.block.timestamp += U256::from(366 * DAY);
    let error: ProgramExpired = refused(&mut chain, program, &activationGasCall {}, U256::ZERO);
    assert!(error.ageInSeconds >= 366 * DAY);
    assert!(chain.activate(program).success());
    assert!(chain.call(program, []).success());
}

#[test]
fn a_programs_life_can_be_extended_after_a_month() {
    let mut chain = TestChain::new();
    let program = chain.program(&minimal());
    let codehash = code_hash(&minimal());
    let keepalive = codehashKeepaliveCall { codehash };
    let _: ProgramKeepaliveTooSoon = refused(&mut chain, ARB_WASM, &keepalive, FEE);
    chain.block.timestamp += U256::from(31 * DAY);
    let _: ProgramInsufficientValue = refused(&mut chain, ARB_WASM, &keepalive, U256::ZERO);
    let ended = chain.send(ARB_WASM, keepalive.abi_encode(), FEE);
    let event = ProgramLifetimeExtended::decode_log(&ended.logs()[0]).unwrap();
    assert_eq!(event.codehash, codehash);
    assert!(ask(&mut chain, ARB_WASM, &programTimeLeftCall { program }) > 364 * DAY);
}

#[test]
fn the_chains_parameters_can_be_asked() {
    let mut chain = TestChain::new();
    assert_eq!(ask(&mut chain, ARB_WASM, &stylusVersionCall {}), 3);
    assert_eq!(ask(&mut chain, ARB_WASM, &inkPriceCall {}), 10_000);
    assert_eq!(ask(&mut chain, ARB_WASM, &maxStackDepthCall {}), 22_000);
    assert_eq!(ask(&mut chain, ARB_WASM, &freePagesCall {}), 2);
    assert_eq!(ask(&mut chain, ARB_WASM, &pageGasCall {}), 1_000);
    assert_eq!(ask(&mut chain, ARB_WASM, &pageRampCall {}), 620_674_314);
    assert_eq!(ask(&mut chain, ARB_WASM, &pageLimitCall {}), 128);
    let init = ask(&mut chain, ARB_WASM, &minInitGasCall {});
    assert_eq!((init.gas, init.cached), (9_184, 352));
    assert_eq!(ask(&mut chain, ARB_WASM, &initCostScalarCall {}), 100);
    assert_eq!(ask(&mut chain, ARB_WASM, &expiryDaysCall {}), 365);
    assert_eq!(ask(&mut chain, ARB_WASM, &keepaliveDaysCall {}), 31);
    assert_eq!(ask(&mut chain, ARB_WASM, &blockCacheSizeCall {}), 32);
    assert_eq!(ask(&mut chain, ARB_WASM, &activationGasCall {}), 0);
}

#[test]
fn programs_can_be_cached_and_evicted() {
    let mut chain = TestChain::new();
    let codehash = code_hash(&minimal());
    let cached = codehashIsCachedCall { codehash };
    chain.own();
    // Only active programs.
    let cache = cacheCodehashCall { codehash };
    let _: ProgramNotActivated = refused(&mut chain, ARB_WASM_CACHE, &cache, U256::ZERO);
    chain.program(&minimal());
    assert!(!ask(&mut chain, ARB_WASM_CACHE, &cached));
    let ended = chain.call(ARB_WASM_CACHE, cache.abi_encode());
    let event = UpdateProgramCache::decode_log(&ended.logs()[0]).unwrap();
    assert_eq!(
        (event.manager, event.codehash, event.cached),
        (SENDER, codehash, true)
    );
    assert!(ask(&mut chain, ARB_WASM_CACHE, &cached));
    // A second time, nothing happens.
    assert!(
        chain
            .call(ARB_WASM_CACHE, cache.abi_encode())
            .logs()
            .is_empty()
    );
    let evict = evictCodehashCall { codehash };
    assert_eq!(
        chain.call(ARB_WASM_CACHE, evict.abi_encode()).logs().len(),
        1
    );
    assert!(!ask(&mut chain, ARB_WASM_CACHE, &cached));
}

#[test]
fn a_stranger_who_caches_or_evicts_loses_all_gas() {
    let mut chain = TestChain::new();
    let program = chain.program(&minimal());
    let codehash = code_hash(&minimal());
    for input in [
        cacheCodehashCall { codehash }.abi_encode(),
        cacheProgramCall { program }.abi_encode(),
        evictCodehashCall { codehash }.abi_encode(),
    ] {
        let ended = chain.call(ARB_WASM_CACHE, input);
        assert!(!ended.success() && !ended.reverted());
        assert_eq!((ended.gas(), ended.logs().len()), (GAS, 0));
    }
    let cached = codehashIsCachedCall { codehash };
    assert!(!ask(&mut chain, ARB_WASM_CACHE, &cached));
}

#[test]
fn owners_appoint_and_dismiss_cache_managers() {
    let mut chain = TestChain::new();
    let manager = SENDER;
    let (add, remove) = (
        addWasmCacheManagerCall { manager },
        removeWasmCacheManagerCall { manager },
    );
    let is_manager = isCacheManagerCall { manager };
    let all = allCacheManagersCall {};
    assert!(chain.call(ARB_OWNER, add.abi_encode()).reverted());
    assert_eq!(ask(&mut chain, ARB_WASM_CACHE, &all), [CACHE_MANAGER]);
    chain.own();
    for _ in 0..2 {
        let ended = chain.call(ARB_OWNER, add.abi_encode());
        let event = OwnerActs::decode_log(&ended.logs()[0]).unwrap();
        assert_eq!(
            (event.method.0, event.owner, event.data.data.to_vec()),
            (addWasmCacheManagerCall::SELECTOR, SENDER, add.abi_encode())
        );
        assert!(ask(&mut chain, ARB_WASM_CACHE, &is_manager));
        let managers = ask(&mut chain, ARB_WASM_CACHE, &all);
        assert_eq!(managers, [CACHE_MANAGER, SENDER]);
    }
    let first = removeWasmCacheManagerCall {
        manager: CACHE_MANAGER,
    };
    assert!(chain.call(ARB_OWNER, first.abi_encode()).success());
    assert_eq!(ask(&mut chain, ARB_WASM_CACHE, &all), [SENDER]);
    assert!(chain.call(ARB_OWNER, remove.abi_encode()).success());
    assert!(!ask(&mut chain, ARB_WASM_CACHE, &is_manager));
    // There is nobody left to remove.
    assert!(chain.call(ARB_OWNER, remove.abi_encode()).reverted());
}

#[test]
fn arb_sys_knows_the_chain() {
    let mut chain = TestChain::new();
    assert_eq!(
        ask(&mut chain, ARB_SYS, &arbBlockNumberCall {}),
        U256::from(7)
    );
    assert_eq!(
        ask(&mut chain, ARB_SYS, &arbChainIDCall {}),
        U256::from(412_346)
    );
    assert_eq!(
        ask(&mut chain, ARB_SYS, &arbOSVersionCall {}),
        U256::from(55 + 61)
    );
    assert_eq!(
        ask(&mut chain, ARB_SYS, &getStorageGasAvailableCall {}),
        U256::ZERO
    );
    assert!(!ask(
        &mut chain,
        ARB_SYS,
        &wasMyCallersAddressAliasedCall {}
    ));
    let number = U256::from(6);
    let hash = ask(&mut chain, ARB_SYS, &arbBlockHashCall { number });
    assert_eq!(hash, keccak256("6"));
    for number in [7, 8] {
        let call = arbBlockHashCall {
            number: U256::from(number),
        };
        let error: InvalidBlockNumber = refused(&mut chain, ARB_SYS, &call, U256::ZERO);
        assert_eq!(
            (error.requested, error.current),
            (call.number, U256::from(7))
        );
    }
    let alias = mapL1SenderContractAddressToL2AliasCall {
        sender: address!("ffffffffffffffffffffffffffffffffffffffff"),
        unused: Address::ZERO,
    };
    let wrapped = address!("1111000000000000000000000000000000001110");
    assert_eq!(ask(&mut chain, ARB_SYS, &alias), wrapped);
}

#[test]
fn arb_sys_knows_who_called() {
    let mut chain = TestChain::new();
    let forward = program(
        &["read_args", "call_contract", "read_return_data", "write_result"],
        "(call $read_args (i32.const 0))
         (drop (call $call_contract (i32.const 0) (i32.const 20) (i32.sub (local.get $len) (i32.const 20)) (i32.const 4096) (i64.const -1) (i32.const 4128)))
         (drop (call $read_return_data (i32.const 5000) (i32.const 0) (i32.const 32)))
         (call $write_result (i32.const 5000) (i32.const 32)) (i32.const 0)",
    );
    let one = chain.program(&forward);
    let two = chain.contract(&prefix::pack(&wat::parse_str(&forward).unwrap()));
    let to = |address: Address, rest: &[u8]| [address.as_slice(), rest].concat();
    let top = isTopLevelCallCall {}.abi_encode();
    assert_eq!(chain.call(one, to(ARB_SYS, &top)).word(), U256::ONE);
    assert_eq!(
        chain.call(two, to(one, &to(ARB_SYS, &top))).word(),
        U256::ZERO
    );
    let who = myCallersAddressWithoutAliasingCall {}.abi_encode();
    let direct = chain.call(one, to(ARB_SYS, &who)).word();
    assert_eq!(direct, U256::from_be_slice(SENDER.as_slice()));
    let nested = chain.call(two, to(one, &to(ARB_SYS, &who))).word();
    assert_eq!(nested, U256::from_be_slice(two.as_slice()));
}

#[test]
fn anybody_can_own_a_development_chain() {
    let mut chain = TestChain::new();
    let is_owner = isChainOwnerCall { account: SENDER };
    assert!(!ask(&mut chain, ARB_OWNER_PUBLIC, &is_owner));
    for _ in 0..2 {
        assert!(
            chain
                .call(ARB_DEBUG, becomeChainOwnerCall {}.abi_encode())
                .success()
        );
        assert!(ask(&mut chain, ARB_OWNER_PUBLIC, &is_owner));
        assert_eq!(
            ask(&mut chain, ARB_OWNER_PUBLIC, &getAllChainOwnersCall {}),
            [SENDER]
        );
    }
    assert_eq!(
        ask(&mut chain, ARB_OWNER_PUBLIC, &getNetworkFeeAccountCall {}),
        FEE_ACCOUNT
    );
}

#[test]
fn arb_gas_info_knows_the_prices() {
    let mut chain = TestChain::new();
    assert_eq!(
        ask(&mut chain, ARB_GAS_INFO, &getMinimumGasPriceCall {}),
        U256::ZERO
    );
    assert_eq!(
        ask(&mut chain, ARB_GAS_INFO, &getCurrentTxL1GasFeesCall {}),
        U256::ZERO
    );
    chain.block.basefee = 100;
    let tx = TxEnv::builder()
        .caller(SENDER)
        .kind(TxKind::Call(ARB_GAS_INFO))
        .data(getPricesInWeiCall {}.abi_encode().into())
        .gas_limit(100_000)
        .gas_price(100)
        .chain_id(Some(1))
        .nonce(chain.db.cache.accounts[&SENDER].info.nonce)
        .build()
        .unwrap();
    let result = chain
        .engine
        .transact(
            &mut chain.db,
            chain.engine.config(1),
            chain.block.clone(),
            tx,
        )
        .unwrap()
        .result;
    let prices = getPricesInWeiCall::abi_decode_returns(result.output().unwrap()).unwrap();
    assert_eq!(
        (prices._2, prices._3, prices._5),
        (U256::from(2_000_000), U256::from(100), U256::from(100))
    );
}

#[test]
fn precompiles_refuse_unknown_functions_and_unwanted_value() {
    let mut chain = TestChain::new();
    chain.own();
    for precompile in [
        ARB_SYS,
        ARB_OWNER_PUBLIC,
        ARB_GAS_INFO,
        ARB_OWNER,
        ARB_WASM,
        ARB_WASM_CACHE,
        ARB_DEBUG,
    ] {
        for input in [&[][..], &[1, 2, 3], &[0xde, 0xad, 0xbe, 0xef]] {
            let ended = chain.call(precompile, input.to_vec());
            assert!(
                ended.reverted() && ended.output().is_empty(),
                "{precompile}"
            );
        }
    }
    let paid = [
        (ARB_SYS, arbBlockNumberCall {}.abi_encode()),
        (ARB_OWNER_PUBLIC, getAllChainOwnersCall {}.abi_encode()),
        (ARB_GAS_INFO, getMinimumGasPriceCall {}.abi_encode()),
        (ARB_WASM, stylusVersionCall {}.abi_encode()),
        (
            ARB_OWNER,
            addWasmCacheManagerCall { manager: SENDER }.abi_encode(),
        ),
        (ARB_WASM_CACHE, allCacheManagersCall {}.abi_encode()),
        (ARB_DEBUG, becomeChainOwnerCall {}.abi_encode()),
    ];
    for (precompile, input) in paid {
        assert!(
            chain.send(precompile, input, U256::ONE).reverted(),
            "{precompile}"
        );
        assert_eq!(chain.balance(precompile), U256::ZERO);
    }
}

#[test]
fn precompiles_run_out_of_gas() {
    let mut chain = TestChain::new();
    let program = chain.sleeping_program(&minimal());
    let input = activateProgramCall { program }.abi_encode();
    let ended = chain.transact(TxKind::Call(ARB_WASM), input.into(), FEE, 1_000_000);
    assert!(!ended.success() && !ended.reverted());
    assert_eq!(ended.gas(), 1_000_000);
}

#[test]
fn programs_are_recent_over_the_transactions_of_a_block() {
    let mut chain = TestChain::new();
    let program = chain.program(&minimal());
    let mut recent = RecentPrograms::default();
    let gas = |chain: &mut TestChain, recent: &mut RecentPrograms| {
        let tx = TxEnv::builder()
            .caller(SENDER)
            .kind(TxKind::Call(program))
            .gas_limit(GAS)
            .nonce(chain.db.cache.accounts[&SENDER].info.nonce)
            .chain_id(Some(1))
            .build()
            .unwrap();
        let (config, block) = (chain.engine.config(1), chain.block.clone());
        let result = chain
            .engine
            .transact_in_block(&mut chain.db, config, block, tx, recent);
        result.unwrap().result.tx_gas_used()
    };
    let first = gas(&mut chain, &mut recent);
    let second = gas(&mut chain, &mut recent);
    let next_block = gas(&mut chain, &mut RecentPrograms::default());
    assert_eq!(first, next_block);
    let bytes = wat::parse_str(minimal()).unwrap().len() as u64;
    assert_eq!(first - second, 8_832 + 8 + 2 + bytes * 1_286 / 10_000);
}
