//! A wallet that is open for signing.

use alloy::primitives::{Address, Signature};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;

use super::request::Request;

/// What signs.
#[derive(Clone, Debug)]
pub enum Signer {
    /// A key that this process has opened.
    Opened(PrivateKeySigner),
    /// A wallet's agent.
    #[cfg(target_os = "linux")]
    Agent(super::agent::Client),
}

/// Why nothing was signed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct NotSigned(pub String);

impl From<PrivateKeySigner> for Signer {
    fn from(key: PrivateKeySigner) -> Self {
        Self::Opened(key)
    }
}

impl Signer {
    /// Whose signature it is.
    pub fn address(&self) -> Address {
        match self {
            Self::Opened(key) => key.address(),
            #[cfg(target_os = "linux")]
            Self::Agent(agent) => agent.about().address,
        }
    }

    /// Signs.
    ///
    /// # Errors
    /// [`NotSigned`], in the words of whoever holds the key.
    pub fn sign(&self, request: &Request) -> Result<Signature, NotSigned> {
        match self {
            Self::Opened(key) => key
                .sign_hash_sync(&request.digest())
                .map_err(|error| NotSigned(error.to_string())),
            #[cfg(target_os = "linux")]
            Self::Agent(agent) => agent.sign(request),
        }
    }
}
