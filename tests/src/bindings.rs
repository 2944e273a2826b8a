//! The contracts' ABI as Rust types, made from the frozen JSON in `docs/interfaces`.
#![allow(missing_docs, clippy::pedantic, clippy::too_many_arguments)]

use alloy::sol;

sol!(
    #[derive(Debug, PartialEq, Eq)]
    ISecurityToken,
    "../docs/interfaces/ISecurityToken.json"
);
sol!(
    #[derive(Debug, PartialEq, Eq)]
    ITsUSDC,
    "../docs/interfaces/ITsUSDC.json"
);
sol!(
    #[derive(Debug, PartialEq, Eq)]
    IDvPSettlement,
    "../docs/interfaces/IDvPSettlement.json"
);

sol!(
    #[derive(Debug, PartialEq, Eq)]
    IDistribution,
    "../docs/interfaces/IDistribution.json"
);
sol!(
    #[derive(Debug, PartialEq, Eq)]
    IDocuments,
    "../docs/interfaces/IDocuments.json"
);

pub use IDvPSettlement::Order;

sol! {
    /// The factory through which `cargo stylus` deploys; it runs the constructor and activates the program.
    interface IStylusDeployer {
        event ContractDeployed(address deployedContract);
        function deploy(bytes bytecode, bytes initData, uint256 initValue, bytes32 salt) external payable returns (address);
    }

    /// Nitro's precompile 0x72.
    interface IArbWasmCache {
        function cacheProgram(address program) external payable;
        function codehashIsCached(bytes32 codehash) external view returns (bool);
        function allCacheManagers() external view returns (address[]);
    }

    /// Auctions the chain's cache of programs.
    interface ICacheManager {
        struct Entry { bytes32 code; uint64 size; uint192 bid; }
        function getEntries() external view returns (Entry[]);
    }

    /// Nitro's precompile 0x71.
    interface IArbWasm {
        error ProgramUpToDate();
        event ProgramActivated(bytes32 indexed codehash, bytes32 moduleHash, address program, uint256 dataFee, uint16 version);
        error ProgramExpired(uint64 ageInSeconds);
        error ProgramKeepaliveTooSoon(uint64 ageInSeconds);
        function activateProgram(address program) external payable returns (uint16 version, uint256 dataFee);
        function codehashKeepalive(bytes32 codehash) external payable;
        function programVersion(address program) external view returns (uint16 version);
        function programTimeLeft(address program) external view returns (uint64 secs);
    }

    /// Nitro's precompile 0xff, on development chains only.
    interface IArbDebug {
        function becomeChainOwner() external;
    }

    /// The reference ERC-20 of `contracts/plain-erc20`.
    interface IPlainErc20 {
        function mint(address to, uint256 value) external;
        function balanceOf(address account) external view returns (uint256);
        function transfer(address to, uint256 value) external returns (bool);
        function approve(address spender, uint256 value) external returns (bool);
        function transferFrom(address from, address to, uint256 value) external returns (bool);
    }

    /// The one entry point of `contracts/entry-public` and `contracts/entry-runtime`.
    interface IEntry {
        function record(address account, uint256 amount) external returns (uint256);
    }

    /// The reference exchange of `contracts/floor`: two `transferFrom` and nothing else.
    interface IFloor {
        function exchange(address security, address payment, address seller, address buyer, uint256 quantity, uint256 total) external;
    }
}
