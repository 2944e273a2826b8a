//! A key that signs transactions, orders and authorisations.

use alloy::{
    primitives::{Address, B256, Bytes, keccak256},
    signers::{SignerSync, local::PrivateKeySigner},
};

/// A key and its address.
#[derive(Clone, Debug)]
pub struct Account {
    /// Signs synchronously; nothing leaves the process.
    pub signer: PrivateKeySigner,
    /// Where the key's ether and tokens are.
    pub address: Address,
}

impl Account {
    /// The account of a known key.
    ///
    /// # Panics
    /// When `key` is not a private key in hex.
    pub fn from_key(key: &str) -> Self {
        let signer: PrivateKeySigner = key.parse().expect("a private key of 32 bytes in hex");
        Self {
            address: signer.address(),
            signer,
        }
    }

    /// An account that is the same for the same seed and label, and different for any other.
    ///
    /// # Panics
    /// Never in practice: one hash in 2^128 is not a key.
    pub fn derived(seed: B256, label: &str) -> Self {
        let key = keccak256([seed.as_slice(), label.as_bytes()].concat());
        let signer = PrivateKeySigner::from_bytes(&key).expect("the hash is a key");
        Self {
            address: signer.address(),
            signer,
        }
    }

    /// `r || s || v` over a digest, with v 27 or 28 and a low s.
    ///
    /// # Panics
    /// Never: the key is local.
    pub fn sign(&self, digest: B256) -> Bytes {
        let signature = self
            .signer
            .sign_hash_sync(&digest)
            .expect("a local key signs");
        signature.as_bytes().to_vec().into()
    }
}
