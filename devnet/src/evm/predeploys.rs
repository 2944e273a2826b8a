//! Contracts that are at the same address on every major chain, and that clients rely on.
//!
//! Their code is that on Ethereum's mainnet, byte for byte, as in `Preinstalls.sol` of Optimism's contracts; the
//! tests compare its hash with mainnet's. The deterministic CREATE2 factory is in [`super::genesis`].

use super::genesis::GenesisAccount;
use alloy::{
    primitives::{Address, B256, Bytes, U256, address, hex, keccak256},
    sol_types::SolValue,
};

/// Many calls in one (`github.com/mds1/multicall3`).
pub const MULTICALL3: Address = address!("cA11bde05977b3631167028862bE2a173976CA11");
/// Allowances by signature (`github.com/Uniswap/permit2`).
pub const PERMIT2: Address = address!("000000000022D473030F116dDEE9F6B43aC78BA3");

const MULTICALL3_CODE: [u8; 3_808] =
    match hex::const_decode_to_array(include_bytes!("multicall3.hex")) {
        Ok(code) => code,
        Err(_) => panic!("the file contains only hexadecimal digits"),
    };
/// With mainnet's immutables.
const PERMIT2_CODE: [u8; 9_152] = match hex::const_decode_to_array(include_bytes!("permit2.hex")) {
    Ok(code) => code,
    Err(_) => panic!("the file contains only hexadecimal digits"),
};
/// Where Permit2's code contains the id of the chain it was constructed on.
const CHAIN_ID_AT: usize = 6_945;
/// Where it contains the EIP-712 domain separator for that chain.
const SEPARATOR_AT: usize = 6_983;
/// The type of Permit2's EIP-712 domain.
const DOMAIN_TYPE: &str = "EIP712Domain(string name,uint256 chainId,address verifyingContract)";

/// Permit2 as its constructor leaves it on `chain_id`.
fn permit2(chain_id: u64) -> Bytes {
    let domain = (
        keccak256(DOMAIN_TYPE),
        keccak256("Permit2"),
        U256::from(chain_id),
        PERMIT2,
    );
    let mut code = PERMIT2_CODE.to_vec();
    let immutables = [
        (CHAIN_ID_AT, B256::from(U256::from(chain_id))),
        (SEPARATOR_AT, keccak256(domain.abi_encode())),
    ];
    for (at, word) in immutables {
        code[at..at + 32].copy_from_slice(word.as_slice());
    }
    code.into()
}

/// The contracts, on the chain `chain_id`.
#[must_use]
pub fn accounts(chain_id: u64) -> [GenesisAccount; 2] {
    [
        GenesisAccount::contract(MULTICALL3, Bytes::from_static(&MULTICALL3_CODE)),
        GenesisAccount::contract(PERMIT2, permit2(chain_id)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evm::genesis::{self, CREATE2_FACTORY};
    use alloy::primitives::b256;

    /// Code hashes as given by explorers and other projects.
    #[test]
    fn the_code_is_mainnets() {
        let multicall3 = b256!("d5c15df687b16f2ff992fc8d767b4216323184a2bbc6ee2f9c398c318e770891");
        assert_eq!(keccak256(MULTICALL3_CODE), multicall3);
        let on_mainnet = b256!("c67d1657868aa5146eaf24fb879fb1fdec3d2d493b3683a61c9c2f4fb2851131");
        assert_eq!(keccak256(PERMIT2_CODE), on_mainnet);
        assert_eq!(keccak256(permit2(1)), on_mainnet);
        let accounts = genesis::accounts();
        let factory = accounts
            .iter()
            .find(|account| account.address == CREATE2_FACTORY);
        assert_eq!(
            factory.unwrap().info.code_hash,
            b256!("2fa86add0aed31f33a762c9d88e807c475bd51d0f52bd0955754b2608f7e4989")
        );
    }

    /// Arbitrum One's separator, computed with viem.
    #[test]
    fn permit2_is_as_constructed_on_its_chain() {
        let code = permit2(42_161);
        let separator = hex!("8a6e6e19bdfb3db3409910416b47c2f8fc28b49488d6555c7fceaa4479135bc3");
        assert_eq!(code[SEPARATOR_AT..SEPARATOR_AT + 32], separator);
        assert_eq!(
            code[CHAIN_ID_AT + 30..CHAIN_ID_AT + 32],
            42_161_u16.to_be_bytes()
        );
        let differing = |(a, b): &(&u8, &u8)| a != b;
        let changed = code.iter().zip(&PERMIT2_CODE).filter(differing).count();
        assert!(changed <= 64, "{changed} bytes differ");
    }
}
