//! What stands on the chain before its first transaction.

use crate::evm::{arbos::ARBOS, precompiles::ARBITRUM};
use revm::{
    primitives::{Address, Bytes, address, hex},
    state::{AccountInfo, Bytecode},
};

/// Deploys, activates and initialises a program in one transaction; `cargo stylus deploy` expects
/// it here.
pub const STYLUS_DEPLOYER: Address = address!("cEcba2F1DC234f70Dd89F2041029807F8D03A990");
/// The deterministic CREATE2 factory: calldata is a salt and the init code.
pub const CREATE2_FACTORY: Address = address!("4e59b44847b379578588920cA78FbF26c0B4956C");

/// Compiled from `stylus_deployer.sol`, which says how.
const STYLUS_DEPLOYER_CODE: [u8; 1836] =
    match hex::const_decode_to_array(include_bytes!("stylus_deployer.hex")) {
        Ok(code) => code,
        Err(_) => panic!("the file holds hexadecimal digits and nothing else"),
    };
/// The factory's well-known code.
const CREATE2_FACTORY_CODE: [u8; 69] = hex!(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0"
    "3601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
);

/// The accounts that a chain must have for programs to be deployed on it.
///
/// The precompiles have one byte of code each, as on Arbitrum, so that contracts which look for
/// code before a call find some.
#[must_use]
pub fn accounts() -> Vec<(Address, AccountInfo)> {
    let mut accounts = vec![
        (
            STYLUS_DEPLOYER,
            contract(Bytes::from_static(&STYLUS_DEPLOYER_CODE)),
        ),
        (
            CREATE2_FACTORY,
            contract(Bytes::from_static(&CREATE2_FACTORY_CODE)),
        ),
        // A nonce keeps the account, which has nothing but storage, from counting as empty.
        (
            ARBOS,
            AccountInfo {
                nonce: 1,
                ..AccountInfo::default()
            },
        ),
    ];
    for precompile in ARBITRUM {
        accounts.push((precompile, contract(Bytes::from_static(&[0xFE]))));
    }
    accounts
}

fn contract(code: Bytes) -> AccountInfo {
    AccountInfo {
        nonce: 1,
        ..AccountInfo::from_bytecode(Bytecode::new_legacy(code))
    }
}
