//! A fingerprint of a set of rows that does not depend on their sequence, so that two tables in different sequence are
//! compared in one pass each and without memory.

use sha2::{Digest, Sha256};

/// The sum, modulo 2^128 twice, of the rows' SHA-256 hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RowSum(u128, u128);

impl RowSum {
    /// Adds one row.
    pub(crate) fn add_row(&mut self, row: &[u8]) {
        let hash: [u8; 32] = Sha256::digest(row).into();
        let half = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0u128, |sum, &byte| sum << 8 | u128::from(byte))
        };
        self.0 = self.0.wrapping_add(half(&hash[..16]));
        self.1 = self.1.wrapping_add(half(&hash[16..]));
    }

    /// Adds the rows of another sum.
    pub(crate) fn add(&mut self, other: &Self) {
        self.0 = self.0.wrapping_add(other.0);
        self.1 = self.1.wrapping_add(other.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(rows: &[&str]) -> RowSum {
        let mut sum = RowSum::default();
        for row in rows {
            sum.add_row(row.as_bytes());
        }
        sum
    }

    #[test]
    fn the_sequence_does_not_matter_and_every_row_does() {
        assert_eq!(sum(&["a", "b", "b"]), sum(&["b", "a", "b"]));
        assert_ne!(sum(&["a", "b"]), sum(&["a", "b", "b"]));
        assert_ne!(sum(&["a", "b"]), sum(&["a", "c"]));
        let mut parts = sum(&["a"]);
        parts.add(&sum(&["b"]));
        assert_eq!(parts, sum(&["a", "b"]));
    }
}
