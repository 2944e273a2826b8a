//! A fingerprint of a set of rows that does not depend on their order, so that two tables in different order can be
//! compared in one pass each and without memory.
//!
//! Without a secret, rows can be crafted to give a chosen sum of hashes: a generalised birthday search (Wagner, 2002)
//! finds them among 2^31 candidates. So each row is hashed under a key that is drawn when the comparison begins, after
//! the rows were written, and is forgotten at its end (the additive hash of Clarke et al., "Incremental Multiset Hash
//! Functions", 2003): two different sets then agree with a probability below 2^-128, whoever made them. It costs no
//! more than the bare sum. `LtHash`, which needs no key, takes 2,048 bytes of hash for each row where this takes 32; a
//! comparison in order takes a lookup in another table for each row.

use std::io;

use sha2::{Digest, Sha256};

/// The key of one comparison.
#[derive(Clone, Debug)]
pub(crate) struct RowKey(Sha256);

impl RowKey {
    /// A new key.
    ///
    /// # Errors
    /// The system cannot supply randomness.
    pub(crate) fn draw() -> io::Result<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self::new(key))
    }

    fn new(key: [u8; 32]) -> Self {
        // A whole block of SHA-256, so that it is hashed once and not for each row.
        let mut block = [0; 64];
        block[..32].copy_from_slice(&key);
        Self(Sha256::new_with_prefix(block))
    }

    fn hash(&self, row: &[u8]) -> [u8; 32] {
        self.0.clone().chain_update(row).finalize().into()
    }
}

/// The sum, modulo 2^128 twice, of the rows' hashes under one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RowSum(u128, u128);

impl RowSum {
    /// Adds one row.
    pub(crate) fn add_row(&mut self, key: &RowKey, row: &[u8]) {
        let hash = key.hash(row);
        let half = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0u128, |sum, &byte| sum << 8 | u128::from(byte))
        };
        self.0 = self.0.wrapping_add(half(&hash[..16]));
        self.1 = self.1.wrapping_add(half(&hash[16..]));
    }

    /// Adds the rows of another sum under the same key.
    pub(crate) fn add(&mut self, other: &Self) {
        self.0 = self.0.wrapping_add(other.0);
        self.1 = self.1.wrapping_add(other.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(key: &RowKey, rows: &[&str]) -> RowSum {
        let mut sum = RowSum::default();
        for row in rows {
            sum.add_row(key, row.as_bytes());
        }
        sum
    }

    #[test]
    fn the_sequence_does_not_matter_and_every_row_does() {
        let key = RowKey::draw().unwrap();
        let sum = |rows| sum(&key, rows);
        assert_eq!(sum(&["a", "b", "b"]), sum(&["b", "a", "b"]));
        assert_ne!(sum(&["a", "b"]), sum(&["a", "b", "b"]));
        assert_ne!(sum(&["a", "b"]), sum(&["a", "c"]));
        let mut parts = sum(&["a"]);
        parts.add(&sum(&["b"]));
        assert_eq!(parts, sum(&["a", "b"]));
    }

    #[test]
    fn no_two_comparisons_share_a_key() {
        let (one, other) = (RowKey::draw().unwrap(), RowKey::draw().unwrap());
        assert_ne!(sum(&one, &["a"]), sum(&other, &["a"]));
    }

    #[test]
    fn a_row_is_hashed_behind_the_key_padded_to_a_block() {
        let mut input = vec![7; 32];
        input.extend([0; 32]);
        input.extend(b"row");
        let wanted: [u8; 32] = Sha256::digest(input).into();
        assert_eq!(RowKey::new([7; 32]).hash(b"row"), wanted);
    }
}
