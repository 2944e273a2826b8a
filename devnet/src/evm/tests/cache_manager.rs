//! `CacheManager`, as in the genesis.

use crate::{
    evm::{
        arbos::{FEE_ACCOUNT, ProgramNotActivated},
        genesis::CACHE_MANAGER,
        testing::{ARB_WASM, ARB_WASM_CACHE, SENDER, TestChain, ask, program, refused},
    },
    stylus::prefix,
};
use alloy::{
    primitives::aliases::U192,
    sol_types::{SolCall, SolError, SolEvent},
};
use revm::primitives::{Address, B256, U256, keccak256};

alloy::sol! {
    struct Entry { bytes32 code; uint64 size; uint192 bid; }
    function placeBid(address program) external payable;
    function makeSpace(uint64 size) external payable returns (uint64 space);
    function getMinBid(address program) external view returns (uint192 min);
    function getEntries() external view returns (Entry[]);
    function getSmallestEntries(uint256 count) external view returns (Entry[]);
    function cacheSize() external view returns (uint64);
    function queueSize() external view returns (uint64);
    function decay() external view returns (uint64);
    function isPaused() external view returns (bool);
    function sweepFunds() external;
    function setCacheSize(uint64 newSize) external;
    function setDecayRate(uint64 newDecay) external;
    function paused() external;
    function unpause() external;
    function evictAll() external;
    function evictPrograms(uint256 count) external;
    event InsertBid(bytes32 indexed codehash, address program, uint192 bid, uint64 size);
    event DeleteBid(bytes32 indexed codehash, uint192 bid, uint64 size);
    event SetCacheSize(uint64 size);
    event SetDecayRate(uint64 decay);
    event Pause();
    event Unpause();
    error NotChainOwner(address sender);
    error AsmTooLarge(uint256 asm, uint256 queueSize, uint256 cacheSize);
    error AlreadyCached(bytes32 codehash);
    error BidTooLarge(uint256 bid);
    error BidTooSmall(uint192 bid, uint192 min);
    error BidsArePaused();
    error MakeSpaceTooLarge(uint64 size, uint64 limit);

    function codehashIsCached(bytes32 codehash) external view returns (bool);
    function codehashAsmSize(bytes32 codehash) external view returns (uint32);
    event UpdateProgramCache(address indexed manager, bytes32 indexed codehash, bool cached);
}

/// Wei that a bid loses each second.
const DECAY: u64 = 10_000_000_000;

/// Programs that differ only in a constant.
fn numbered(number: usize) -> String {
    program(&[], &format!("(drop (i32.const {number})) (i32.const 0)"))
}

fn code_hash(number: usize) -> B256 {
    keccak256(prefix::pack(&wat::parse_str(numbered(number)).unwrap()))
}

fn is_cached(chain: &mut TestChain, number: usize) -> bool {
    let codehash = code_hash(number);
    ask(chain, ARB_WASM_CACHE, &codehashIsCachedCall { codehash })
}

/// Bytes of machine code counted for each of the numbered programs.
fn asm_size(chain: &mut TestChain) -> u64 {
    let codehash = code_hash(0);
    ask(chain, ARB_WASM, &codehashAsmSizeCall { codehash }).into()
}

fn bid(chain: &mut TestChain, program: Address, value: u64) {
    let input = placeBidCall { program }.abi_encode();
    let ended = chain.send(CACHE_MANAGER, input, U256::from(value));
    assert!(ended.success(), "{:?}", ended.result);
}

fn min_bid(chain: &mut TestChain, program: Address) -> U192 {
    ask(chain, CACHE_MANAGER, &getMinBidCall { program })
}

/// What a bid is recorded as if it is placed now.
fn kept(chain: &TestChain, value: u64) -> U192 {
    U192::from(U256::from(value) + chain.block.timestamp * U256::from(DECAY))
}

/// A chain with `count` active programs and room for as many as `room` of them in the cache.
fn crowded(count: usize, room: u64) -> (TestChain, Vec<Address>) {
    let mut chain = TestChain::new();
    let programs = (0..count).map(|number| chain.program(&numbered(number)));
    let programs = programs.collect();
    chain.own();
    let size = asm_size(&mut chain) * room;
    let input = setCacheSizeCall { newSize: size }.abi_encode();
    let ended = chain.call(CACHE_MANAGER, input);
    let event = SetCacheSize::decode_log(&ended.logs()[0]).unwrap();
    assert_eq!(event.size, size);
    (chain, programs)
}

#[test]
fn a_bid_makes_entering_cost_the_cached_price() {
    let mut chain = TestChain::new();
    let program = chain.program(&numbered(0));
    let before = chain.call(program, []).gas();
    let input = placeBidCall { program }.abi_encode();
    let ended = chain.send(CACHE_MANAGER, input, U256::from(5));
    let [update, insert] = ended.logs() else {
        panic!("{:?}", ended.result)
    };
    let update = UpdateProgramCache::decode_log(update).unwrap();
    assert_eq!(
        (update.manager, update.codehash, update.cached),
        (CACHE_MANAGER, code_hash(0), true)
    );
    let insert = InsertBid::decode_log(insert).unwrap();
    let size = asm_size(&mut chain);
    assert_eq!(
        (insert.address, insert.codehash, insert.program),
        (CACHE_MANAGER, code_hash(0), program)
    );
    assert_eq!((insert.bid, insert.size), (kept(&chain, 5), size));
    assert!(is_cached(&mut chain, 0));
    let bytes = wat::parse_str(numbered(0)).unwrap().len() as u64;
    let saved = before - chain.call(program, []).gas();
    assert_eq!(saved, 8_832 + 8 + 2 + bytes * 1_286 / 10_000);
    assert_eq!(chain.balance(CACHE_MANAGER), U256::from(5));
    assert_eq!(ask(&mut chain, CACHE_MANAGER, &queueSizeCall {}), size);
    let entries = ask(&mut chain, CACHE_MANAGER, &getEntriesCall {});
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].code, entries[0].size), (code_hash(0), size));
}

#[test]
fn a_bid_reverts_when_the_program_is_cached_already_or_not_active() {
    let mut chain = TestChain::new();
    let program = chain.program(&numbered(0));
    bid(&mut chain, program, 0);
    let again = placeBidCall { program };
    let error: AlreadyCached = refused(&mut chain, CACHE_MANAGER, &again, U256::ONE);
    assert_eq!(error.codehash, code_hash(0));
    for program in [chain.sleeping_program(&numbered(1)), SENDER, Address::ZERO] {
        let call = placeBidCall { program };
        let _: ProgramNotActivated = refused(&mut chain, CACHE_MANAGER, &call, U256::ONE);
        let call = getMinBidCall { program };
        let _: ProgramNotActivated = refused(&mut chain, CACHE_MANAGER, &call, U256::ZERO);
    }
    assert_eq!(chain.balance(CACHE_MANAGER), U256::ZERO);
    assert_eq!(ask(&mut chain, CACHE_MANAGER, &getEntriesCall {}).len(), 1);
}

#[test]
fn a_full_cache_evicts_the_smallest_bid_for_one_that_is_not_smaller() {
    let (mut chain, programs) = crowded(3, 2);
    bid(&mut chain, programs[0], 20);
    bid(&mut chain, programs[1], 10);
    assert_eq!(min_bid(&mut chain, programs[2]), U192::from(10));
    let call = placeBidCall {
        program: programs[2],
    };
    let error: BidTooSmall = refused(&mut chain, CACHE_MANAGER, &call, U256::from(9));
    assert_eq!((error.bid, error.min), (kept(&chain, 9), kept(&chain, 10)));
    assert!(is_cached(&mut chain, 1) && !is_cached(&mut chain, 2));
    assert_eq!(chain.balance(CACHE_MANAGER), U256::from(30));

    let ended = chain.send(CACHE_MANAGER, call.abi_encode(), U256::from(10));
    let events = ended.logs();
    assert_eq!(events.len(), 4, "{:?}", ended.result);
    let evicted = UpdateProgramCache::decode_log(&events[0]).unwrap();
    assert_eq!((evicted.codehash, evicted.cached), (code_hash(1), false));
    let deleted = DeleteBid::decode_log(&events[1]).unwrap();
    assert_eq!(
        (deleted.codehash, deleted.bid),
        (code_hash(1), kept(&chain, 10))
    );
    let cached: Vec<_> = (0..3).map(|number| is_cached(&mut chain, number)).collect();
    assert_eq!(cached, [true, false, true]);
    let size = asm_size(&mut chain);
    assert_eq!(ask(&mut chain, CACHE_MANAGER, &queueSizeCall {}), 2 * size);
}

#[test]
fn bids_decay_with_time() {
    let (mut chain, programs) = crowded(2, 1);
    assert_eq!(ask(&mut chain, CACHE_MANAGER, &decayCall {}), DECAY);
    assert_eq!(min_bid(&mut chain, programs[1]), U192::ZERO);
    bid(&mut chain, programs[0], 100 * DECAY);
    for (seconds, left) in [(0, 100), (40, 60), (59, 1), (1, 0), (1_000, 0)] {
        chain.block.timestamp += U256::from(seconds);
        let least = U192::from(left * DECAY);
        assert_eq!(min_bid(&mut chain, programs[1]), least);
    }
    bid(&mut chain, programs[1], 0);
    assert!(!is_cached(&mut chain, 0) && is_cached(&mut chain, 1));
}

#[test]
fn programs_are_evicted_in_the_order_of_their_bids() {
    let (mut chain, programs) = crowded(12, 12);
    // Every step of 5 is another one of the 12.
    let value = |number: usize| (number as u64 * 5) % 12;
    for (number, program) in programs.iter().enumerate() {
        bid(&mut chain, *program, value(number));
    }
    let mut order: Vec<usize> = (0..12).collect();
    order.sort_by_key(|number| value(*number));
    let codes = |numbers: &[usize]| -> Vec<B256> {
        numbers.iter().map(|number| code_hash(*number)).collect()
    };
    for (count, expected) in [(5, &order[..5]), (100, &order[..])] {
        let call = getSmallestEntriesCall {
            count: U256::from(count),
        };
        let smallest = ask(&mut chain, CACHE_MANAGER, &call);
        let smallest: Vec<_> = smallest.iter().map(|entry| entry.code).collect();
        assert_eq!(smallest, codes(expected));
    }
    for gone in order.chunks(3) {
        let call = evictProgramsCall {
            count: U256::from(3),
        };
        let ended = chain.call(CACHE_MANAGER, call.abi_encode());
        let deleted: Vec<_> = ended
            .logs()
            .iter()
            .filter_map(|log| DeleteBid::decode_log(log).ok())
            .map(|event| event.codehash)
            .collect();
        assert_eq!(deleted, codes(gone));
        assert!(gone.iter().all(|number| !is_cached(&mut chain, *number)));
    }
    assert_eq!(ask(&mut chain, CACHE_MANAGER, &queueSizeCall {}), 0);
}

#[test]
fn a_bid_that_needs_the_room_of_several_must_match_the_largest_of_them() {
    let (mut chain, programs) = crowded(4, 3);
    for (program, value) in programs.iter().zip([30, 10, 20]) {
        bid(&mut chain, *program, value);
    }
    let size = asm_size(&mut chain);
    let call = setCacheSizeCall { newSize: size * 2 };
    assert!(chain.call(CACHE_MANAGER, call.abi_encode()).success());
    // Room for two, three inside: both of the smaller ones must go.
    assert_eq!(min_bid(&mut chain, programs[3]), U192::from(20));
    bid(&mut chain, programs[3], 20);
    let cached: Vec<_> = (0..4).map(|number| is_cached(&mut chain, number)).collect();
    assert_eq!(cached, [true, false, false, true]);
}

#[test]
fn bids_out_of_range_revert() {
    let (mut chain, programs) = crowded(2, 1);
    let size = asm_size(&mut chain);
    let call = setCacheSizeCall { newSize: size - 1 };
    assert!(chain.call(CACHE_MANAGER, call.abi_encode()).success());
    let too_large = (U256::from(size), U256::ZERO, U256::from(size - 1));
    let program = programs[0];
    let place = placeBidCall { program };
    let error: AsmTooLarge = refused(&mut chain, CACHE_MANAGER, &place, U256::ONE);
    assert_eq!((error.asm, error.queueSize, error.cacheSize), too_large);
    let ask_min = getMinBidCall { program };
    let error: AsmTooLarge = refused(&mut chain, CACHE_MANAGER, &ask_min, U256::ZERO);
    assert_eq!((error.asm, error.queueSize, error.cacheSize), too_large);

    let sender = chain.db.cache.accounts.get_mut(&SENDER).unwrap();
    sender.info.balance = U256::MAX;
    let value = U256::ONE << 192;
    let error: BidTooLarge = refused(&mut chain, CACHE_MANAGER, &place, value);
    let lost = chain.block.timestamp * U256::from(DECAY);
    assert_eq!(error.bid, value + lost);
    assert_eq!(chain.balance(CACHE_MANAGER), U256::ZERO);
}

#[test]
fn space_can_be_made_before_it_is_used() {
    let (mut chain, programs) = crowded(1, 1);
    let size = asm_size(&mut chain);
    bid(&mut chain, programs[0], 10);
    let make = makeSpaceCall { size: 1 };
    let error: BidTooSmall = refused(&mut chain, CACHE_MANAGER, &make, U256::from(9));
    assert_eq!((error.bid, error.min), (kept(&chain, 9), kept(&chain, 10)));
    let ended = chain.send(CACHE_MANAGER, make.abi_encode(), U256::from(10));
    let space = makeSpaceCall::abi_decode_returns(&ended.output()).unwrap();
    assert_eq!(space, size);
    assert!(!is_cached(&mut chain, 0));
    let limit = 5 << 20;
    let make = makeSpaceCall { size: limit + 1 };
    let error: MakeSpaceTooLarge = refused(&mut chain, CACHE_MANAGER, &make, U256::ZERO);
    assert_eq!((error.size, error.limit), (limit + 1, limit));
}

#[test]
fn only_owners_of_the_chain_govern_the_auction() {
    let mut chain = TestChain::new();
    let calls = [
        setCacheSizeCall { newSize: 1 }.abi_encode(),
        setDecayRateCall { newDecay: 1 }.abi_encode(),
        pausedCall {}.abi_encode(),
        unpauseCall {}.abi_encode(),
        evictAllCall {}.abi_encode(),
        evictProgramsCall { count: U256::ONE }.abi_encode(),
    ];
    let program = chain.program(&numbered(0));
    bid(&mut chain, program, 1);
    for input in &calls {
        let ended = chain.call(CACHE_MANAGER, input.clone());
        let error = NotChainOwner::abi_decode(&ended.output());
        assert_eq!(error.unwrap().sender, SENDER);
    }
    assert!(is_cached(&mut chain, 0));
    assert!(!ask(&mut chain, CACHE_MANAGER, &isPausedCall {}));

    chain.own();
    for input in calls {
        assert!(chain.call(CACHE_MANAGER, input).success());
    }
    assert!(!is_cached(&mut chain, 0));
    assert_eq!(ask(&mut chain, CACHE_MANAGER, &cacheSizeCall {}), 1);
    assert_eq!(ask(&mut chain, CACHE_MANAGER, &decayCall {}), 1);
    assert!(ask(&mut chain, CACHE_MANAGER, &getEntriesCall {}).is_empty());
}

#[test]
fn bids_revert_while_they_are_paused() {
    let mut chain = TestChain::new();
    let program = chain.program(&numbered(0));
    chain.own();
    let ended = chain.call(CACHE_MANAGER, pausedCall {}.abi_encode());
    assert!(Pause::decode_log(&ended.logs()[0]).is_ok());
    let place = placeBidCall { program };
    let _: BidsArePaused = refused(&mut chain, CACHE_MANAGER, &place, U256::ONE);
    let make = makeSpaceCall { size: 1 };
    let _: BidsArePaused = refused(&mut chain, CACHE_MANAGER, &make, U256::ONE);
    assert!(!is_cached(&mut chain, 0));
    let ended = chain.call(CACHE_MANAGER, unpauseCall {}.abi_encode());
    assert!(Unpause::decode_log(&ended.logs()[0]).is_ok());
    bid(&mut chain, program, 1);
}

#[test]
fn what_was_bid_goes_to_the_chains_fee_account() {
    let mut chain = TestChain::new();
    let program = chain.program(&numbered(0));
    bid(&mut chain, program, 7);
    let before = chain.balance(FEE_ACCOUNT);
    let ended = chain.call(CACHE_MANAGER, sweepFundsCall {}.abi_encode());
    assert!(ended.success());
    assert_eq!(chain.balance(FEE_ACCOUNT), before + U256::from(7));
    assert_eq!(chain.balance(CACHE_MANAGER), U256::ZERO);
}
