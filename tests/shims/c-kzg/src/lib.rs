//! Stands in for c-kzg 1.0.3 in unit tests.
//!
//! motsu 0.10 locks c-kzg 1 and alloy 2 locks c-kzg 2; both name the same native library, and cargo allows one of
//! them in a lock file. No contract here opens blob commitments, so motsu gets this crate instead: the same types,
//! and a verification that always answers [`Unavailable`]. Nothing that is deployed or shipped links it.

use std::{error, fmt};

/// Blob commitments cannot be verified in unit tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable;

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("blob commitments cannot be verified in unit tests")
    }
}

impl error::Error for Unavailable {}

/// A field element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes32([u8; 32]);

/// A compressed curve point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes48([u8; 48]);

impl From<[u8; 32]> for Bytes32 {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl From<[u8; 48]> for Bytes48 {
    fn from(bytes: [u8; 48]) -> Self {
        Self(bytes)
    }
}

/// The trusted set-up, absent here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KzgSettings;

/// A proof of an opening.
#[derive(Clone, Copy, Debug)]
pub struct KzgProof;

impl KzgProof {
    /// Answers that nothing can be verified.
    ///
    /// # Errors
    /// Always [`Unavailable`].
    pub fn verify_kzg_proof(
        _commitment: &Bytes48,
        _z: &Bytes32,
        _y: &Bytes32,
        _proof: &Bytes48,
        _settings: &KzgSettings,
    ) -> Result<bool, Unavailable> {
        Err(Unavailable)
    }
}

/// The absent trusted set-up.
#[must_use]
pub fn ethereum_kzg_settings() -> &'static KzgSettings {
    &KzgSettings
}
