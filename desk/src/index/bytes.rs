//! Numbers and words as the index writes them: without leading zeros.

use alloy::primitives::B256;

/// Bytes of a word.
pub(super) const WORD: usize = 32;

/// What is left to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    /// The next bytes; `None` if there are fewer.
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// The next byte.
    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// A number that [`varint`] wrote.
    pub(super) fn varint(&mut self) -> Option<u64> {
        let mut value: u64 = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A word that [`word`] wrote.
    pub(super) fn word(&mut self) -> Option<B256> {
        let length = usize::from(self.byte()?);
        (length <= WORD).then_some(())?;
        Some(B256::left_padding_from(self.take(length)?))
    }
}

/// Seven bits in a byte, the lowest first; the highest bit says that more follow.
pub(super) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// A word without its leading zeros, after its length.
pub(super) fn word(out: &mut Vec<u8>, word: &[u8]) {
    let zeros = word.iter().take_while(|byte| **byte == 0).count();
    let rest = &word[zeros..];
    out.push(rest.len().to_le_bytes()[0]);
    out.extend_from_slice(rest);
}
