//! EIP-712 domains: the separator, the digest of a struct hash, and the ERC-5267 answer.

use alloy_primitives::{Address, B256, hex};
use runtime::{
    abi::{Encoder, Return},
    constant_word,
    text::Text,
};
use stylus_sdk::{crypto::keccak, stylus_core::Host};

/// `keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")`.
pub const DOMAIN_TYPEHASH: [u8; 32] =
    hex!("8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f");

/// `keccak256("1")`, the version hash of every contract here.
pub const VERSION_1_HASH: [u8; 32] =
    hex!("c89efdaa54c0f20c7adf612882df0950f5a951637e0307cdcb4c672f298b8bc6");

/// The domain separator of `(name, version "1", live chain id, this contract)`.
///
/// The chain id is read on every call: after a fork of the chain, signatures of one side are void on the other.
#[inline(never)]
pub fn separator(vm: &dyn Host, name_hash: B256) -> B256 {
    let mut words = [0; 160];
    words[..32].copy_from_slice(constant_word!(DOMAIN_TYPEHASH).as_slice());
    words[32..64].copy_from_slice(name_hash.as_slice());
    words[64..96].copy_from_slice(constant_word!(VERSION_1_HASH).as_slice());
    words[120..128].copy_from_slice(&vm.chain_id().to_be_bytes());
    words[140..].copy_from_slice(vm.contract_address().as_slice());
    keccak(words)
}

/// What is signed: `keccak256(0x1901 ‖ separator ‖ struct_hash)` (EIP-712).
#[inline(never)]
pub fn digest(separator: B256, struct_hash: B256) -> B256 {
    let mut preimage = [0; 66];
    preimage[..2].copy_from_slice(&[0x19, 0x01]);
    preimage[2..34].copy_from_slice(separator.as_slice());
    preimage[34..].copy_from_slice(struct_hash.as_slice());
    keccak(preimage)
}

/// What ERC-5267's `eip712Domain()` returns for a name, version "1", chain id and contract: fields 0x0f, no salt, no
/// extensions.
pub struct Domain {
    /// The name.
    pub name: Text,
    /// The live chain id.
    pub chain_id: u64,
    /// The contract.
    pub contract: Address,
}

impl Domain {
    /// The domain of this contract under `name`.
    pub fn of(vm: &dyn Host, name: Text) -> Self {
        Self {
            name,
            chain_id: vm.chain_id(),
            contract: vm.contract_address(),
        }
    }
}

impl Return for Domain {
    fn write(self, encoder: &mut Encoder) {
        encoder.word(B256::right_padding_from(&[0x0f]));
        encoder.text(self.name, 7);
        encoder.text("1", 7);
        encoder.integer(self.chain_id);
        encoder.address(self.contract);
        encoder.word(B256::ZERO);
        // An empty list is encoded as an empty string is.
        encoder.text("", 7);
    }
}

/// The types of [`Domain`] as the exported ABI names them.
#[cfg(feature = "export-abi")]
pub type Eip712Domain = (
    alloy_primitives::FixedBytes<1>,
    alloc::string::String,
    alloc::string::String,
    alloy_primitives::U256,
    Address,
    B256,
    alloc::vec::Vec<alloy_primitives::U256>,
);
