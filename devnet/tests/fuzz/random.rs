//! Seeded bytes: a failing run can be repeated from its seed and the number of its case.

use proptest::{
    prelude::Rng,
    test_runner::{RngAlgorithm, TestRng},
};

/// Raw material for `arbitrary`: `count` bytes, the same for the same case of the run with `seed`.
pub(crate) fn material(seed: u64, case: u64, count: usize) -> Vec<u8> {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&case.to_le_bytes());
    let mut bytes = vec![0; count];
    TestRng::from_seed(RngAlgorithm::ChaCha, &key).fill_bytes(&mut bytes);
    bytes
}
