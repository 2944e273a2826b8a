//! A wallet that is open for signing.

use alloy::primitives::{Address, B256, Signature};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;

use super::remote::Keeper;
use super::request::Request;

/// What signs.
#[derive(Clone, Debug)]
pub enum Signer {
    /// A key that this process has opened.
    Opened(PrivateKeySigner),
    /// A wallet's agent.
    #[cfg(target_os = "linux")]
    Agent(super::agent::Client),
    /// A service or a device that keeps the key.
    Kept(Keeper),
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
            Self::Kept(keeper) => keeper.address(),
        }
    }

    /// Signs, and waits for the holder of the key. A signature that is returned is one of [`Self::address`], with its
    /// low `s`.
    ///
    /// # Errors
    /// [`NotSigned`], in the words of the holder of the key.
    pub fn sign(&self, request: &Request) -> Result<Signature, NotSigned> {
        let signature = match self {
            Self::Opened(key) => key
                .sign_hash_sync(&request.digest())
                .map_err(|error| NotSigned(error.to_string())),
            #[cfg(target_os = "linux")]
            Self::Agent(agent) => agent.sign(request),
            Self::Kept(keeper) => keeper.sign(request),
        }?;
        checked(self.address(), request.digest(), signature)
    }
}

/// The signature with its low `s`, where it is one of `address` for `digest`.
fn checked(address: Address, digest: B256, signature: Signature) -> Result<Signature, NotSigned> {
    let signature = signature.normalized_s();
    match signature.recover_address_from_prehash(&digest) {
        Ok(found) if found == address => Ok(signature),
        Ok(found) => Err(NotSigned(format!(
            "what came back is a signature of {found}, or of something other than was asked for, not one of {address}"
        ))),
        Err(error) => Err(NotSigned(format!(
            "what came back is not a signature: {error}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{U256, uint};

    use super::*;

    /// The order of the curve: `s` and its difference to it are both valid.
    const ORDER: U256 =
        uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);

    #[test]
    fn a_signature_is_of_the_address_that_was_asked_and_low() {
        let (key, digest) = (PrivateKeySigner::random(), B256::repeat_byte(7));
        let low = key.sign_hash_sync(&digest).unwrap();
        assert_eq!(checked(key.address(), digest, low), Ok(low));
        let high = Signature::new(low.r(), ORDER - low.s(), !low.v());
        assert_eq!(checked(key.address(), digest, high), Ok(low));
        let other = checked(key.address(), B256::repeat_byte(8), low).unwrap_err();
        assert!(
            other.0.contains("something other than was asked for"),
            "{other}"
        );
        let stranger = checked(Address::repeat_byte(1), digest, low).unwrap_err();
        assert!(
            stranger.0.contains(&key.address().to_string()),
            "{stranger}"
        );
        let none = Signature::new(U256::ZERO, U256::ZERO, false);
        assert!(checked(key.address(), digest, none).is_err());
    }
}
