//! The tree of shares: its leaves, as `@openzeppelin/merkle-tree` makes them, and proofs.

use alloc::vec::Vec;

use alloy_primitives::{Address, B256, U256};
use openzeppelin_crypto::{
    hash::{BuildHasher, Hasher},
    merkle::Verifier,
};
use runtime::{
    abi::{Argument, Arguments},
    word::{bytes, word},
};
use stylus_sdk::{
    abi::{AbiType, ConstString},
    stylus_core::Host,
};

use super::account::Terms;

pub(crate) use self::sol::{Claim, Claims};

#[allow(missing_docs, reason = "the macro copies no docs to fields")]
mod sol {
    use alloy_sol_types::sol;

    sol! {
        /// One share, with the siblings from its leaf to the root.
        #[derive(Debug, PartialEq, Eq)]
        struct Claim {
            uint256 index;
            address wallet;
            uint256 amount;
            bytes32[] proof;
        }

        /// The claims of a batch, and how many bytes of calldata they came in.
        #[derive(Debug, PartialEq, Eq)]
        struct Claims {
            Claim[] list;
            uint256 size;
        }
    }
}

/// By hand, since a struct's own name would change the selector.
impl AbiType for Claims {
    type SolType = Self;

    const ABI: ConstString = ConstString::new("(uint256,address,uint256,bytes32[])[]");
    const EXPORT_ABI_ARG: ConstString = ConstString::new("Claim[] calldata");
}

impl Argument for Claims {
    fn take(arguments: &mut Arguments) -> Option<Self> {
        let size = U256::from(arguments.size());
        let mut array = arguments.nested()?;
        let length: u64 = array.take()?;
        let mut items = array.rest()?;
        // No capacity for a length that the calldata may only claim to have.
        let mut list = Vec::new();
        for _ in 0..length {
            let mut item = items.nested()?;
            list.push(Claim {
                index: item.take()?,
                wallet: item.take()?,
                amount: item.take()?,
                proof: item.take()?,
            });
        }
        Some(Self { list, size })
    }
}

/// The leaf of a share, hashed twice so that no inner node can be one.
pub(crate) fn leaf(
    vm: &dyn Host,
    terms: &Terms,
    index: U256,
    wallet: Address,
    amount: U256,
) -> B256 {
    let words = [
        word(0, 0, 0, vm.chain_id()),
        vm.contract_address().into_word(),
        terms.security.into_word(),
        word(0, 0, 0, terms.record_block),
        bytes(&index),
        wallet.into_word(),
        bytes(&amount),
    ];
    let words = words.map(|word| word.0);
    let once = vm.native_keccak256(words.as_flattened());
    vm.native_keccak256(once.as_slice())
}

/// Whether `claim` is a share of the distribution. A share of nothing is none: it has no leaf.
pub(crate) fn is_proven(vm: &dyn Host, terms: &Terms, claim: &Claim) -> bool {
    if claim.amount.is_zero() {
        return false;
    }
    let leaf = leaf(vm, terms, claim.index, claim.wallet, claim.amount);
    let proof: Vec<[u8; 32]> = claim.proof.iter().map(|sibling| sibling.0).collect();
    Verifier::verify_with_builder(&proof, terms.root.0, leaf.0, &HostKeccak(vm))
}

/// Makes hashers that let the host hash, which costs a fraction of doing it here.
struct HostKeccak<'a>(&'a dyn Host);

impl<'a> BuildHasher for HostKeccak<'a> {
    type Hasher = PairHasher<'a>;

    fn build_hasher(&self) -> Self::Hasher {
        PairHasher {
            host: self.0,
            input: Vec::with_capacity(64),
        }
    }
}

/// Gathers what is to be hashed.
struct PairHasher<'a> {
    host: &'a dyn Host,
    input: Vec<u8>,
}

impl Hasher for PairHasher<'_> {
    type Output = [u8; 32];

    fn update(&mut self, input: impl AsRef<[u8]>) {
        self.input.extend_from_slice(input.as_ref());
    }

    fn finalize(self) -> [u8; 32] {
        self.host.native_keccak256(&self.input).0
    }
}
