//! What is on the chain before its first transaction.

use crate::evm::{
    arbos::{ARBOS, Role},
    precompiles::ARBITRUM,
};
use revm::{
    primitives::{Address, Bytes, U256, address, hex},
    state::{AccountInfo, Bytecode},
};

/// Deploys, activates and initialises a program in one transaction; `cargo stylus deploy` expects
/// it here.
pub const STYLUS_DEPLOYER: Address = address!("cEcba2F1DC234f70Dd89F2041029807F8D03A990");
/// The deterministic CREATE2 factory: calldata is a salt and the init code.
pub const CREATE2_FACTORY: Address = address!("4e59b44847b379578588920cA78FbF26c0B4956C");

/// Auctions the program cache, at the same address as on the official development node.
pub const CACHE_MANAGER: Address = address!("0f1F89AAF1c6fDb7ff9D361E4388F5F3997f12A8");

/// Bytes of machine code that can be cached: room for some three thousand programs.
const CACHE_SIZE: u64 = 1_536 << 20;
/// Wei that a bid for the cache loses each second: a third of an ether per year.
const CACHE_DECAY: u64 = 10_000_000_000;

/// Compiled from `stylus_deployer.sol`, which states how.
const STYLUS_DEPLOYER_CODE: [u8; 1836] =
    match hex::const_decode_to_array(include_bytes!("stylus_deployer.hex")) {
        Ok(code) => code,
        Err(_) => panic!("the file contains only hexadecimal digits"),
    };
/// Compiled from `cache_manager.sol`, which states how.
const CACHE_MANAGER_CODE: [u8; 6722] =
    match hex::const_decode_to_array(include_bytes!("cache_manager.hex")) {
        Ok(code) => code,
        Err(_) => panic!("the file contains only hexadecimal digits"),
    };
/// The factory's well-known code.
const CREATE2_FACTORY_CODE: [u8; 69] = hex!(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0"
    "3601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
);

/// An account of the first block.
#[derive(Clone, Debug)]
pub struct GenesisAccount {
    /// Its address.
    pub address: Address,
    /// Its nonce and code.
    pub info: AccountInfo,
    /// Its non-zero slots, with their words.
    pub storage: Vec<(U256, U256)>,
}

impl GenesisAccount {
    pub(super) fn contract(address: Address, code: Bytes) -> Self {
        let code = Bytecode::new_legacy(code);
        Self {
            address,
            info: AccountInfo {
                nonce: 1,
                ..AccountInfo::from_bytecode(code)
            },
            storage: Vec::new(),
        }
    }
}

/// The initial storage of `ArbOS`, when these accounts decide which programs are cached.
#[must_use]
pub fn arbos(cache_managers: &[Address]) -> GenesisAccount {
    GenesisAccount {
        address: ARBOS,
        // A nonce keeps the account, which has only storage, from counting as empty.
        info: AccountInfo {
            nonce: 1,
            ..AccountInfo::default()
        },
        storage: Role::CacheManager.held_by(cache_managers),
    }
}

/// The accounts that a chain needs to deploy and cache programs.
///
/// The precompiles have one byte of code each, as on Arbitrum, so that contracts which look for
/// code before a call find some.
#[must_use]
pub fn accounts() -> Vec<GenesisAccount> {
    let cache_manager = GenesisAccount {
        // The first slot contains, from the right, size, queue size, decay and whether it is paused.
        storage: vec![(
            U256::ZERO,
            U256::from_limbs([CACHE_SIZE, 0, CACHE_DECAY, 0]),
        )],
        ..GenesisAccount::contract(CACHE_MANAGER, Bytes::from_static(&CACHE_MANAGER_CODE))
    };
    let mut accounts = vec![
        GenesisAccount::contract(STYLUS_DEPLOYER, Bytes::from_static(&STYLUS_DEPLOYER_CODE)),
        GenesisAccount::contract(CREATE2_FACTORY, Bytes::from_static(&CREATE2_FACTORY_CODE)),
        cache_manager,
        arbos(&[CACHE_MANAGER]),
    ];
    accounts.extend(
        ARBITRUM
            .map(|precompile| GenesisAccount::contract(precompile, Bytes::from_static(&[0xFE]))),
    );
    accounts
}
