//! Stands in for alloy-signer-local 0.11.1 in unit tests: a private key that signs hashes, which is what motsu's
//! accounts need.
//!
//! The real crate also signs transactions, and for that links alloy-consensus 0.11, which uses a private part of serde
//! that is gone since 1.0.220.

use alloy_primitives::{Address, B256, ChainId, PrimitiveSignature};
use alloy_signer::{Result, SignerSync, utils::public_key_to_address};
use k256::ecdsa::SigningKey;

/// A private key.
#[derive(Clone, Debug)]
pub struct PrivateKeySigner(SigningKey);

impl PrivateKeySigner {
    /// The signer of a key.
    pub const fn from_signing_key(key: SigningKey) -> Self {
        Self(key)
    }

    /// The account of the key.
    pub fn address(&self) -> Address {
        public_key_to_address(self.0.verifying_key())
    }

    /// The private key.
    pub fn to_bytes(&self) -> B256 {
        B256::from_slice(&self.0.to_bytes())
    }
}

impl SignerSync for PrivateKeySigner {
    fn sign_hash_sync(&self, hash: &B256) -> Result<PrimitiveSignature> {
        Ok(self.0.sign_prehash_recoverable(hash.as_slice())?.into())
    }

    fn chain_id_sync(&self) -> Option<ChainId> {
        None
    }
}
