//! The contracts' ABI, read from `docs/interfaces`, and the few Arbitrum contracts that a deployment needs.

#![allow(missing_docs, clippy::pedantic, clippy::too_many_arguments)]

use alloy::primitives::{Address, B256, U256, address, keccak256};
use alloy::sol;
use alloy::sol_types::SolInterface;
/// The settlement contract's, whose order is the book's.
pub use book::market::order::abi::IDvPSettlement;

sol!(
    #![sol(all_derives)]
    "../docs/interfaces/ISecurityToken.sol"
);
sol!(
    #![sol(all_derives)]
    "../docs/interfaces/ITsUSDC.sol"
);
sol!(
    #![sol(all_derives)]
    "../docs/interfaces/IDistribution.sol"
);
sol!(
    #![sol(all_derives)]
    "../docs/interfaces/IDocuments.sol"
);
sol! {
    #![sol(all_derives)]

    /// Creates, activates and initialises a program in one transaction.
    interface StylusDeployer {
        event ContractDeployed(address deployedContract);
        function deploy(bytes calldata bytecode, bytes calldata initData, uint256 initValue, bytes32 salt)
            external payable returns (address);
    }

    /// The precompile that activates programs.
    interface ArbWasm {
        error ProgramNotWasm();
        error ProgramNotActivated();
        error ProgramNeedsUpgrade(uint16 version, uint16 stylusVersion);
        error ProgramExpired(uint64 ageInSeconds);
        error ProgramUpToDate();
        error ProgramKeepaliveTooSoon(uint64 ageInSeconds);
        error ProgramInsufficientValue(uint256 have, uint256 want);
        function activateProgram(address program) external payable returns (uint16 version, uint256 dataFee);
        function programVersion(address program) external view returns (uint16 version);
        function programTimeLeft(address program) external view returns (uint64 secs);
        function codehashKeepalive(bytes32 codehash) external payable;
        event ProgramLifetimeExtended(bytes32 indexed codehash, uint256 dataFee);
        event ProgramActivated(bytes32 indexed codehash, bytes32 moduleHash, address program, uint256 dataFee, uint16 version);
    }

    /// The precompile that reports which programs always pay the cached price.
    interface ArbWasmCache {
        function codehashIsCached(bytes32 codehash) external view returns (bool);
    }

    /// The precompile that reports the chain's parameters.
    interface ArbOwnerPublic {
        function getMaxStylusContractFragments() external view returns (uint8);
    }

    /// How an account with code accepts a signature.
    interface IERC1271 {
        function isValidSignature(bytes32 hash, bytes memory signature) external view returns (bytes4);
    }

    function stylus_constructor();
}

/// A call of an interface, from bytes that encode the call and nothing more; `None` for any others.
pub(crate) fn canonical<C: SolInterface>(input: &[u8]) -> Option<C> {
    let call = C::abi_decode_validate(input).ok()?;
    (call.abi_encode() == input).then_some(call)
}

/// The address of `StylusDeployer` on every Arbitrum chain.
pub(crate) const STYLUS_DEPLOYER: Address = address!("cEcba2F1DC234f70Dd89F2041029807F8D03A990");
/// The precompile `ArbWasm`.
pub(crate) const ARB_WASM: Address = address!("0000000000000000000000000000000000000071");
/// The precompile `ArbWasmCache`.
pub(crate) const ARB_WASM_CACHE: Address = address!("0000000000000000000000000000000000000072");
/// The precompile `ArbOwnerPublic`.
pub(crate) const ARB_OWNER_PUBLIC: Address = address!("000000000000000000000000000000000000006b");

/// The id of a role: the hash of its name; the default admin is zero.
pub fn role(name: &str) -> B256 {
    if name == "DEFAULT_ADMIN_ROLE" {
        B256::ZERO
    } else {
        keccak256(name)
    }
}

/// Every role that one of the contracts knows, to turn an id back into its name.
pub const ROLE_NAMES: [&str; 13] = [
    "DEFAULT_ADMIN_ROLE",
    "ISSUER_ROLE",
    "COMPLIANCE_ROLE",
    "ENFORCER_ROLE",
    "PAUSER_ROLE",
    "OPERATOR_ROLE",
    "PRINCIPAL_ROLE",
    "MASTER_MINTER_ROLE",
    "BLACKLISTER_ROLE",
    "SEIZER_ROLE",
    "RESCUER_ROLE",
    "ATTESTOR_ROLE",
    "DISTRIBUTOR_ROLE",
];

/// The name behind a role id, or the id itself.
pub fn role_name(id: B256) -> String {
    ROLE_NAMES
        .iter()
        .find(|name| role(name) == id)
        .map_or_else(|| id.to_string(), |name| (*name).to_string())
}

/// The groups of a class, as `1, 3`.
pub fn named_groups(groups: U256) -> String {
    let set = (0..256).filter(|group| groups.bit(*group));
    let names: Vec<_> = set.map(|group| group.to_string()).collect();
    names.join(", ")
}
