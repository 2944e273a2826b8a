//! Whether an order's signature is its owner's.

use std::future::Future;
use std::pin::Pin;

use alloy::primitives::{Address, B256, Bytes, keccak256};
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, SECP256K1};

/// Half the order of secp256k1, big-endian: the largest `s` a signature may have (EIP-2).
const HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
];

/// Why a signature is not the owner's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A wallet without code signs with 65 bytes.
    #[error("signature has {0} bytes, expected 65 (r, s, v): sign the order again")]
    Length(usize),
    /// The last byte is not 27 or 28.
    #[error("signature ends in v {0}, expected 27 or 28: sign the order again")]
    RecoveryId(u8),
    /// `s` is in the upper half, where a second signature for the same order could be forged from the first.
    #[error("signature has a high s, which EIP-2 forbids: sign the order again")]
    HighS,
    /// The bytes are not anybody's signature.
    #[error("signature does not recover to a key: sign the order again")]
    Unrecoverable,
    /// Somebody else signed, or the signature is for another order, chain or contract.
    #[error(
        "signature recovers to {found}, the order's owner is {wanted}: \
         sign this very order for this chain and contract with the owner's key"
    )]
    NotOwner {
        /// Whose key signed.
        found: Address,
        /// The order's owner.
        wanted: Address,
    },
    /// The owner is a contract and its `isValidSignature` does not return the magic word.
    #[error("the wallet contract {0} does not accept the signature (ERC-1271): ask its signers")]
    ContractRefuses(Address),
}

/// What the chain says about a signature of an account that may have code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContractVerdict {
    /// The account has no code: the bytes alone decide.
    NoCode,
    /// The account is an EIP-7702 delegate that did not accept: its own key may still have signed.
    DelegateRefuses,
    /// `isValidSignature` returned the magic word.
    Accepts,
    /// The account has code and returned anything else.
    Refuses,
}

/// The chain's view of accounts with code (ERC-1271); implemented by the chain client.
pub trait ContractSignatures: Send + Sync {
    /// Asks `owner` whether `signature` is its own for `digest`, at the latest block.
    ///
    /// # Errors
    /// The chain did not answer.
    fn verdict<'a>(
        &'a self,
        owner: Address,
        digest: B256,
        signature: &'a Bytes,
    ) -> Pin<Box<dyn Future<Output = Result<ContractVerdict, ChainUnavailable>> + Send + 'a>>;
}

/// The chain could not be queried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the chain could not be queried for the wallet's code: {0}")]
pub struct ChainUnavailable(pub String);

/// Checks the 65 bytes of an account without code.
///
/// # Errors
/// [`SignatureError::Length`], [`SignatureError::RecoveryId`], [`SignatureError::HighS`],
/// [`SignatureError::Unrecoverable`], [`SignatureError::NotOwner`].
pub fn verify(owner: Address, digest: B256, signature: &[u8]) -> Result<(), SignatureError> {
    let found = recover(digest, signature)?;
    if found == owner {
        Ok(())
    } else {
        Err(SignatureError::NotOwner {
            found,
            wanted: owner,
        })
    }
}

/// The signature with `v` as the contracts know it: some hardware wallets end in 0 or 1 where 27 or 28 is meant. It is
/// changed only if it is then the owner's; what a wallet contract signed stays as it is.
pub fn canonical(owner: Address, digest: B256, signature: &Bytes) -> Bytes {
    let Ok(mut bytes) = <[u8; 65]>::try_from(&signature[..]) else {
        return signature.clone();
    };
    if bytes[64] > 1 {
        return signature.clone();
    }
    bytes[64] += 27;
    match verify(owner, digest, &bytes) {
        Ok(()) => bytes.to_vec().into(),
        Err(_) => signature.clone(),
    }
}

fn recover(digest: B256, signature: &[u8]) -> Result<Address, SignatureError> {
    let bytes: &[u8; 65] = signature
        .try_into()
        .map_err(|_| SignatureError::Length(signature.len()))?;
    let id = match bytes[64] {
        27 => RecoveryId::Zero,
        28 => RecoveryId::One,
        v => return Err(SignatureError::RecoveryId(v)),
    };
    if bytes[32..64] > HALF_ORDER[..] {
        return Err(SignatureError::HighS);
    }
    let unrecoverable = |_| SignatureError::Unrecoverable;
    let parsed = RecoverableSignature::from_compact(&bytes[..64], id).map_err(unrecoverable)?;
    let key = SECP256K1
        .recover_ecdsa(Message::from_digest(digest.0), &parsed)
        .map_err(unrecoverable)?;
    Ok(Address::from_slice(
        &keccak256(&key.serialize_uncompressed()[1..])[12..],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::U256;
    use alloy::signers::SignerSync;
    use alloy::signers::local::PrivateKeySigner;

    fn signed() -> (Address, B256, Vec<u8>) {
        let signer = PrivateKeySigner::from_slice(&[0x42; 32]).unwrap();
        let digest = keccak256("an order");
        let signature = signer.sign_hash_sync(&digest).unwrap();
        (signer.address(), digest, signature.as_bytes().to_vec())
    }

    #[test]
    fn the_owner_s_signature_is_accepted() {
        let (owner, digest, signature) = signed();
        assert_eq!(verify(owner, digest, &signature), Ok(()));
    }

    #[test]
    fn other_lengths_are_refused() {
        let (owner, digest, mut signature) = signed();
        signature.push(0);
        for length in [0, 64, 66] {
            assert_eq!(
                verify(owner, digest, &signature[..length]),
                Err(SignatureError::Length(length))
            );
        }
    }

    #[test]
    fn other_recovery_ids_are_refused() {
        let (owner, digest, mut signature) = signed();
        for v in [0, 1, 26, 29] {
            signature[64] = v;
            assert_eq!(
                verify(owner, digest, &signature),
                Err(SignatureError::RecoveryId(v))
            );
        }
    }

    #[test]
    fn a_recovery_id_of_0_or_1_becomes_27_or_28_where_that_is_the_owner_s() {
        let (owner, digest, signature) = signed();
        let mut short = signature.clone();
        short[64] -= 27;
        let (signature, short) = (Bytes::from(signature), Bytes::from(short));
        assert_eq!(canonical(owner, digest, &short), signature);
        assert_eq!(canonical(owner, digest, &signature), signature);
        // Not the owner's, or not of this form: it stays as it is.
        assert_eq!(canonical(Address::ZERO, digest, &short), short);
        let mut other = short.to_vec();
        other[64] ^= 1;
        let other = Bytes::from(other);
        assert_eq!(canonical(owner, digest, &other), other);
        let long = Bytes::from([&short[..], &[0]].concat());
        assert_eq!(canonical(owner, digest, &long), long);
    }

    #[test]
    fn the_high_s_twin_is_refused() {
        let (owner, digest, mut signature) = signed();
        let order: U256 = "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
            .parse()
            .unwrap();
        let s = U256::from_be_slice(&signature[32..64]);
        signature[32..64].copy_from_slice(&(order - s).to_be_bytes::<32>());
        signature[64] = 55 - signature[64];
        assert_eq!(
            verify(owner, digest, &signature),
            Err(SignatureError::HighS)
        );
    }

    #[test]
    fn a_zero_signature_is_refused() {
        let (owner, digest, _) = signed();
        let mut zero = [0u8; 65];
        zero[64] = 27;
        assert_eq!(
            verify(owner, digest, &zero),
            Err(SignatureError::Unrecoverable)
        );
    }

    #[test]
    fn another_owner_or_order_is_refused() {
        let (owner, digest, signature) = signed();
        assert_eq!(
            verify(Address::ZERO, digest, &signature),
            Err(SignatureError::NotOwner {
                found: owner,
                wanted: Address::ZERO
            })
        );
        assert!(matches!(
            verify(owner, keccak256("another order"), &signature),
            Err(SignatureError::NotOwner { .. })
        ));
    }
}
