// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.28;

// The interface, events, errors and rules of Arbitrum's CacheManager, so that tools find on this chain what they find there.
//
// cache_manager.hex is the runtime code of this file: solc 0.8.28, optimizer on with 200 runs, EVM version paris,
// no metadata (npm package solc 0.8.28; settings: optimizer.enabled, optimizer.runs 200, evmVersion paris,
// metadata.bytecodeHash none, metadata.appendCBOR false).

interface ArbOwnerPublic {
    function isChainOwner(address account) external view returns (bool);
    function getNetworkFeeAccount() external view returns (address);
}

interface ArbWasm {
    function codehashAsmSize(bytes32 codehash) external view returns (uint32 size);
}

interface ArbWasmCache {
    function cacheProgram(address program) external;
    function evictCodehash(bytes32 codehash) external;
    function codehashIsCached(bytes32 codehash) external view returns (bool);
}

/// Auctions the room in the chain's cache of programs.
///
/// Whoever bids for a program has it cached, unless there is no room and the bid is below those of the programs that
/// would have to go. Bids lose `decay` wei a second. So that nothing has to be updated, a bid is kept as what was
/// paid plus what a bid of the chain's first second would have lost by then: that keeps the order of all bids for ever.
contract CacheManager {
    struct Entry {
        bytes32 code;
        uint64 size;
        uint192 bid;
    }

    ArbOwnerPublic private constant ARB_OWNER_PUBLIC = ArbOwnerPublic(address(0x6b));
    ArbWasm private constant ARB_WASM = ArbWasm(address(0x71));
    ArbWasmCache private constant ARB_WASM_CACHE = ArbWasmCache(address(0x72));

    /// The size that the smallest program counts as, bytes of machine code.
    uint64 private constant MIN_SIZE = 4096;
    /// The most that one call makes room for, bytes.
    uint64 private constant MAX_MAKE_SPACE = 5 << 20;

    // The first slot; the chain's genesis writes size and decay into it.
    /// Room for machine code, bytes.
    uint64 public cacheSize;
    /// Machine code of all entries, bytes.
    uint64 public queueSize;
    /// Wei that a bid loses each second.
    uint64 public decay;
    /// Whether bids are refused.
    bool public isPaused;

    /// What is cached: a binary heap, the smallest bid first.
    Entry[] public entries;

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

    modifier onlyOwner() {
        if (!ARB_OWNER_PUBLIC.isChainOwner(msg.sender)) revert NotChainOwner(msg.sender);
        _;
    }

    modifier whenNotPaused() {
        if (isPaused) revert BidsArePaused();
        _;
    }

    /// Caches a program for the value sent, evicting the programs with the smallest bids as far as there is no room.
    /// Reverts, in this order: BidsArePaused; AlreadyCached; what ArbWasm says of a program that is not active;
    /// BidTooLarge; AsmTooLarge; BidTooSmall.
    function placeBid(address program) external payable whenNotPaused {
        bytes32 code = program.codehash;
        if (ARB_WASM_CACHE.codehashIsCached(code)) revert AlreadyCached(code);
        uint64 size = asmSize(code);
        uint192 bid = evictFor(size);
        ARB_WASM_CACHE.cacheProgram(program);
        push(Entry(code, size, bid));
        queueSize += size;
        emit InsertBid(code, program, bid, size);
    }

    /// Evicts programs until `size` bytes are free, for the value sent; returns the bytes that are free afterwards.
    function makeSpace(uint64 size) external payable whenNotPaused returns (uint64 space) {
        if (size > MAX_MAKE_SPACE) revert MakeSpaceTooLarge(size, MAX_MAKE_SPACE);
        evictFor(size);
        return cacheSize - queueSize;
    }

    /// The least value with which a bid for this program would succeed now, wei.
    function getMinBid(address program) external view returns (uint192 min) {
        return getMinBid(asmSize(program.codehash));
    }

    /// The least value with which a bid for `size` bytes of machine code would succeed now, wei.
    function getMinBid(uint64 size) public view returns (uint192 min) {
        uint64 limit = cacheSize;
        if (size > limit) revert AsmTooLarge(size, 0, limit);
        uint64 used = queueSize;
        Entry[] memory queue = entries;
        for (uint256 left = queue.length; used + size > limit; left--) {
            Entry memory smallest = takeSmallest(queue, left);
            (used, min) = (used - smallest.size, smallest.bid);
        }
        uint256 lost = lostSinceStart();
        return min > lost ? min - uint192(lost) : 0;
    }

    /// All entries, in no particular order.
    function getEntries() external view returns (Entry[] memory) {
        return entries;
    }

    /// The entries with the `count` smallest bids, or all if there are fewer, the smallest first.
    function getSmallestEntries(uint256 count) external view returns (Entry[] memory smallest) {
        Entry[] memory queue = entries;
        if (count > queue.length) count = queue.length;
        smallest = new Entry[](count);
        for (uint256 i = 0; i < count; i++) {
            smallest[i] = takeSmallest(queue, queue.length - i);
        }
    }

    /// Sends what was bid to the chain's fee account.
    function sweepFunds() external {
        (bool sent, bytes memory data) = ARB_OWNER_PUBLIC.getNetworkFeeAccount().call{value: address(this).balance}("");
        if (!sent) {
            assembly ("memory-safe") {
                revert(add(data, 32), mload(data))
            }
        }
    }

    /// Sets the room; a smaller one evicts programs only with the next bid.
    function setCacheSize(uint64 newSize) external onlyOwner {
        cacheSize = newSize;
        emit SetCacheSize(newSize);
    }

    /// Sets what a bid loses each second; earlier bids stay as they were written down, and are compared as such.
    function setDecayRate(uint64 newDecay) external onlyOwner {
        decay = newDecay;
        emit SetDecayRate(newDecay);
    }

    /// Refuses bids from now on.
    function paused() external onlyOwner {
        isPaused = true;
        emit Pause();
    }

    /// Takes bids again.
    function unpause() external onlyOwner {
        isPaused = false;
        emit Unpause();
    }

    function evictAll() external onlyOwner {
        evict(type(uint256).max);
    }

    /// Evicts the `count` programs with the smallest bids, or all if there are fewer.
    function evictPrograms(uint256 count) external onlyOwner {
        evict(count);
    }

    function evict(uint256 count) private {
        for (; count != 0 && entries.length != 0; count--) {
            evictSmallest();
        }
    }

    /// Makes room for `size` bytes and returns the bid that the value sent makes.
    function evictFor(uint64 size) private returns (uint192 bid) {
        uint256 kept = msg.value + lostSinceStart();
        if (kept > type(uint192).max) revert BidTooLarge(kept);
        bid = uint192(kept);
        uint64 limit = cacheSize;
        if (size > limit) revert AsmTooLarge(size, queueSize, limit);
        uint192 min;
        while (queueSize + size > limit) {
            min = evictSmallest();
        }
        if (bid < min) revert BidTooSmall(bid, min);
    }

    function evictSmallest() private returns (uint192 bid) {
        Entry memory entry = popSmallest();
        ARB_WASM_CACHE.evictCodehash(entry.code);
        queueSize -= entry.size;
        emit DeleteBid(entry.code, entry.bid, entry.size);
        return entry.bid;
    }

    function asmSize(bytes32 code) private view returns (uint64) {
        uint64 size = ARB_WASM.codehashAsmSize(code);
        return size < MIN_SIZE ? MIN_SIZE : size;
    }

    function lostSinceStart() private view returns (uint256) {
        return block.timestamp * decay;
    }

    function push(Entry memory entry) private {
        uint256 at = entries.length;
        entries.push();
        while (at != 0) {
            uint256 parent = (at - 1) / 2;
            if (entries[parent].bid <= entry.bid) break;
            entries[at] = entries[parent];
            at = parent;
        }
        entries[at] = entry;
    }

    function popSmallest() private returns (Entry memory smallest) {
        smallest = entries[0];
        uint256 length = entries.length - 1;
        Entry memory last = entries[length];
        entries.pop();
        if (length == 0) return smallest;
        uint256 at = 0;
        while (true) {
            uint256 child = 2 * at + 1;
            if (child >= length) break;
            if (child + 1 < length && entries[child + 1].bid < entries[child].bid) child++;
            if (last.bid <= entries[child].bid) break;
            entries[at] = entries[child];
            at = child;
        }
        entries[at] = last;
    }

    /// Removes the smallest of the first `left` entries of a copy.
    function takeSmallest(Entry[] memory queue, uint256 left) private pure returns (Entry memory smallest) {
        uint256 at = 0;
        for (uint256 i = 1; i < left; i++) {
            if (queue[i].bid < queue[at].bid) at = i;
        }
        smallest = queue[at];
        queue[at] = queue[left - 1];
    }
}
