//! What is stored of a distribution: its terms, its sums, and two bits for each share.
//!
//! | word | holds |
//! | --- | --- |
//! | 0 | root of the tree, zero where nothing was opened |
//! | 1 | security 20 bytes, record block 8, zero 4 |
//! | 2 | funder 20 bytes, claim until 8, zero 4 |
//! | 3 | swept, total: 16 bytes each |
//! | 4 | paid, set apart: 16 bytes each |
//! | 5, 6 | hash of the record block, of the document |
//! | 16 + 2n | for shares 256n to 256n + 255: which are paid |
//! | 17 + 2n | which are set apart |
//!
//! Invariant: `paid + apart + swept <= total`, which was pulled when it was opened. So no distribution pays with what
//! another has.

use alloy_primitives::{Address, B256, U256};
use runtime::storage::Words;

use super::returns::DistributionView;

const ROOT: usize = 0;
const SECURITY: usize = 1;
const FUNDER: usize = 2;
const TOTAL: usize = 3;
const SUMS: usize = 4;
const RECORD_BLOCK_HASH: usize = 5;
const DOCUMENT_HASH: usize = 6;
const FLAGS: usize = 16;

/// What never changes of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) root: B256,
    pub(crate) security: Address,
    pub(crate) record_block: u64,
    pub(crate) record_block_hash: B256,
    pub(crate) funder: Address,
    /// Base units of the coin that were put behind it.
    pub(crate) total: u128,
    /// The last second in which a share may be claimed that was not set apart.
    pub(crate) claim_until: u64,
    pub(crate) document_hash: B256,
}

/// What became of the total, in base units of the coin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) paid: u128,
    pub(crate) apart: u128,
    pub(crate) swept: u128,
}

/// A distribution's words, read once.
pub(crate) struct Account {
    row: Words,
    pub(crate) terms: Terms,
    pub(crate) sums: Sums,
}

impl Account {
    /// The distribution in `row`; `None` where none was opened.
    pub(crate) fn load(row: Words) -> Option<Self> {
        let root = row.bytes(ROOT);
        if root.is_zero() {
            return None;
        }
        let (security, record_block) = unpack_address(&row.bytes(SECURITY));
        let (funder, claim_until) = unpack_address(&row.bytes(FUNDER));
        let (swept, total) = unpack_amounts(&row.bytes(TOTAL));
        let (paid, apart) = unpack_amounts(&row.bytes(SUMS));
        let terms = Terms {
            root,
            security,
            record_block,
            record_block_hash: row.bytes(RECORD_BLOCK_HASH),
            funder,
            total,
            claim_until,
            document_hash: row.bytes(DOCUMENT_HASH),
        };
        let sums = Sums { paid, apart, swept };
        Some(Self { row, terms, sums })
    }

    /// Writes a new distribution, of which nothing is paid.
    pub(crate) fn create(mut row: Words, terms: &Terms) {
        row.set_bytes(ROOT, &terms.root);
        row.set_bytes(SECURITY, &pack_address(terms.security, terms.record_block));
        row.set_bytes(FUNDER, &pack_address(terms.funder, terms.claim_until));
        row.set_bytes(TOTAL, &pack_amounts(0, terms.total));
        row.set_bytes(RECORD_BLOCK_HASH, &terms.record_block_hash);
        row.set_bytes(DOCUMENT_HASH, &terms.document_hash);
    }

    /// Whether something was opened in `row`.
    pub(crate) fn exists(row: &Words) -> bool {
        !row.bytes(ROOT).is_zero()
    }

    /// What is neither paid, set apart nor swept.
    pub(crate) fn unclaimed(&self) -> u128 {
        let Sums { paid, apart, swept } = self.sums;
        // The invariant: the sums never exceed the total.
        self.terms
            .total
            .saturating_sub(paid)
            .saturating_sub(apart)
            .saturating_sub(swept)
    }

    /// The bits of a share; `None` for an index that none can have.
    pub(crate) fn flags(&self, index: U256) -> Option<Flags> {
        flags(&self.row, index)
    }

    /// Writes the bits of a share, and the sums.
    pub(crate) fn store(&mut self, flags: Flags, sums: Sums) {
        self.sums = sums;
        self.row
            .set_bytes(SUMS, &pack_amounts(sums.paid, sums.apart));
        for (word, set) in [(flags.word, flags.paid), (flags.word | 1, flags.apart)] {
            let old = self.row.get(word);
            let mut new = old;
            new.set_bit(flags.bit, set);
            if new != old {
                self.row.set(word, new);
            }
        }
    }

    /// Writes that all that is unclaimed was swept.
    pub(crate) fn sweep(&mut self) {
        self.sums.swept = self.sums.swept.saturating_add(self.unclaimed());
        let word = pack_amounts(self.sums.swept, self.terms.total);
        self.row.set_bytes(TOTAL, &word);
    }

    /// Ends the time to claim at a second, as time does: the clock of a test does not move by itself.
    #[cfg(test)]
    pub(crate) fn expire(&mut self, claim_until: u64) {
        self.terms.claim_until = claim_until;
        let word = pack_address(self.terms.funder, claim_until);
        self.row.set_bytes(FUNDER, &word);
    }

    /// All of it, as the ABI names it.
    pub(crate) fn view(&self) -> DistributionView {
        let Terms {
            root,
            security,
            record_block,
            record_block_hash,
            funder,
            total,
            claim_until,
            document_hash,
        } = self.terms;
        DistributionView {
            root,
            security,
            recordBlock: record_block,
            recordBlockHash: record_block_hash,
            funder,
            total: U256::from(total),
            paid: U256::from(self.sums.paid),
            setApart: U256::from(self.sums.apart),
            swept: U256::from(self.sums.swept),
            claimUntil: claim_until,
            documentHash: document_hash,
        }
    }
}

/// What became of one share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flags {
    word: usize,
    bit: usize,
    pub(crate) paid: bool,
    pub(crate) apart: bool,
}

impl Flags {
    /// The same share, paid.
    pub(crate) fn paid(self) -> Self {
        Self {
            paid: true,
            apart: false,
            ..self
        }
    }

    /// The same share, set apart.
    pub(crate) fn apart(self) -> Self {
        Self {
            paid: false,
            apart: true,
            ..self
        }
    }
}

/// The bits of a share of the distribution in `row`; `None` for an index of `2^32` and above, which no share has.
pub(crate) fn flags(row: &Words, index: U256) -> Option<Flags> {
    let index = u32::try_from(index).ok()?;
    let group = usize::try_from(index >> 8).ok()?;
    let word = group.checked_mul(2)?.checked_add(FLAGS)?;
    let bit = (index & 0xff) as usize;
    Some(Flags {
        word,
        bit,
        paid: row.get(word).bit(bit),
        apart: row.get(word | 1).bit(bit),
    })
}

fn pack_address(address: Address, number: u64) -> B256 {
    let mut word = [0; 32];
    let (head, tail) = word.split_at_mut(20);
    head.copy_from_slice(address.as_slice());
    if let Some(place) = tail.first_chunk_mut() {
        *place = number.to_be_bytes();
    }
    B256::new(word)
}

fn unpack_address(word: &B256) -> (Address, u64) {
    let (head, tail) = word.split_at(20);
    let number = tail.first_chunk().copied().unwrap_or_default();
    (Address::from_slice(head), u64::from_be_bytes(number))
}

fn pack_amounts(first: u128, second: u128) -> B256 {
    let halves = [first.to_be_bytes(), second.to_be_bytes()];
    B256::try_from(halves.as_flattened()).unwrap_or_default()
}

fn unpack_amounts(word: &B256) -> (u128, u128) {
    let half = |bytes: Option<&[u8; 16]>| u128::from_be_bytes(bytes.copied().unwrap_or_default());
    (half(word.first_chunk()), half(word.last_chunk()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_address_and_a_number_survive_storage(address: [u8; 20], number: u64) {
            let address = Address::new(address);
            prop_assert_eq!(unpack_address(&pack_address(address, number)), (address, number));
        }

        #[test]
        fn two_amounts_survive_storage(first: u128, second: u128) {
            prop_assert_eq!(unpack_amounts(&pack_amounts(first, second)), (first, second));
        }
    }
}
