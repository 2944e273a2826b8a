//! Signatures that count as an account's that never made them: `anvil_impersonateSignature`.

use alloy::{
    eips::eip7702::{RecoveredAuthority, RecoveredAuthorization, SignedAuthorization},
    primitives::{Address, FixedBytes, U256},
};
use revm::context::either::Either;
use std::{collections::BTreeMap, sync::Arc};

/// Bytes of ECRECOVER's input: hash, v, r, s.
const INPUT: usize = 4 * 32;

/// r, s and v, byte by byte as given: v is what ECRECOVER expects, so 27 or 28 in a valid one.
pub type SignatureBytes = FixedBytes<65>;

/// Signatures, and the account that each counts as made by, whatever was signed. Cloning is cheap.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ImpersonatedSignatures(Arc<BTreeMap<SignatureBytes, Address>>);

impl ImpersonatedSignatures {
    /// Adds `signature` as one of `signer`.
    #[must_use]
    pub fn with(&self, signature: SignatureBytes, signer: Address) -> Self {
        let mut signers = BTreeMap::clone(&self.0);
        signers.insert(signature, signer);
        Self(Arc::new(signers))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each signature and its signer.
    pub fn iter(&self) -> impl Iterator<Item = (&SignatureBytes, &Address)> {
        self.0.iter()
    }

    /// The account that ECRECOVER answers for `input`, if `input` has one of these signatures.
    pub(crate) fn recover(&self, input: &[u8]) -> Option<Address> {
        let mut words = [0; INPUT];
        let given = input.len().min(INPUT);
        words[..given].copy_from_slice(&input[..given]);
        let v = u8::try_from(U256::from_be_slice(&words[32..64])).ok()?;
        let mut signature = SignatureBytes::ZERO;
        signature[..64].copy_from_slice(&words[64..]);
        signature[64] = v;
        self.0.get(&signature).copied()
    }

    /// `authorization` (EIP-7702), with its authority if its signature is one of these.
    pub(crate) fn authorization(
        &self,
        authorization: &SignedAuthorization,
    ) -> Either<SignedAuthorization, RecoveredAuthorization> {
        let signer = authorization.y_parity().checked_add(27).and_then(|v| {
            let mut signature = SignatureBytes::ZERO;
            signature[..32].copy_from_slice(&authorization.r().to_be_bytes::<32>());
            signature[32..64].copy_from_slice(&authorization.s().to_be_bytes::<32>());
            signature[64] = v;
            self.0.get(&signature)
        });
        match signer {
            None => Either::Left(authorization.clone()),
            Some(signer) => Either::Right(RecoveredAuthorization::new_unchecked(
                authorization.inner().clone(),
                RecoveredAuthority::Valid(*signer),
            )),
        }
    }
}

impl FromIterator<(SignatureBytes, Address)> for ImpersonatedSignatures {
    fn from_iter<I: IntoIterator<Item = (SignatureBytes, Address)>>(signatures: I) -> Self {
        Self(Arc::new(signatures.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNER: Address = Address::repeat_byte(0xee);

    /// Hash, v, r and s of bytes 0x11.
    fn input(v: [u8; 32]) -> Vec<u8> {
        [&[7; 32][..], &v, &[0x11; 64]].concat()
    }

    fn word(last: u8) -> [u8; 32] {
        let mut word = [0; 32];
        word[31] = last;
        word
    }

    #[test]
    fn exactly_the_signature_is_somebodys() {
        let none = ImpersonatedSignatures::default();
        assert!(none.is_empty());
        // v matters as well: no signature has this one.
        let signatures = none.with(SignatureBytes::repeat_byte(0x11), SIGNER);
        assert!(none.is_empty() && !signatures.is_empty());
        assert_eq!(signatures.recover(&input(word(0x11))), Some(SIGNER));
        assert_eq!(signatures.recover(&input(word(0x12))), None);
        // The whole word counts, as for ECRECOVER.
        let mut long = word(0x11);
        long[0] = 1;
        assert_eq!(signatures.recover(&input(long)), None);
        for index in [64, 95, 96, 127] {
            let mut other = input(word(0x11));
            other[index] ^= 1;
            assert_eq!(signatures.recover(&other), None, "{index}");
        }
        // Another hash, and more after the four words.
        let mut other = input(word(0x11));
        other[0] ^= 1;
        other.push(9);
        assert_eq!(signatures.recover(&other), Some(SIGNER));
    }

    #[test]
    fn a_short_input_ends_in_zeros() {
        let signature = SignatureBytes::right_padding_from(&[0x11; 32]);
        let signatures = ImpersonatedSignatures::default().with(signature, SIGNER);
        let short = [&[7; 32][..], &word(0), &[0x11; 32]].concat();
        assert_eq!(signatures.recover(&short), Some(SIGNER));
        assert_eq!(signatures.recover(&short[..95]), None);
    }

    #[test]
    fn a_later_signer_takes_the_place_of_an_earlier() {
        let signature = SignatureBytes::repeat_byte(0x11);
        let first = ImpersonatedSignatures::default().with(signature, SIGNER);
        let second = first.with(signature, Address::ZERO);
        assert_eq!(second.recover(&input(word(0x11))), Some(Address::ZERO));
        assert_eq!(second.iter().count(), 1);
        assert_eq!(first.recover(&input(word(0x11))), Some(SIGNER));
    }
}
