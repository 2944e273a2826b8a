//! Attacks on the tree and on the money: nobody is paid twice, out of another's money, or without a leaf.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolValue;
use motsu::prelude::*;
use proptest::prelude::*;

use super::fixture::{Opening, RECORD_BLOCK, Stage, TOTAL, proof, root, u, unproven};
use crate::{error::Error, event::ClaimSkipped, tree::Claim};

#[test]
fn no_field_of_a_leaf_can_be_another() {
    let stage = Stage::new();
    let id = stage.open();
    let good = stage.share(1);
    let mut longer = good.proof.clone();
    longer.push(B256::ZERO);
    let mut shorter = good.proof.clone();
    shorter.pop();
    let mut swapped = good.proof.clone();
    swapped.reverse();
    for (index, claim) in [
        (
            1,
            Claim {
                wallet: stage.stranger.address(),
                ..good.clone()
            },
        ),
        (
            1,
            Claim {
                amount: u(201),
                ..good.clone()
            },
        ),
        (
            1,
            Claim {
                amount: u(0),
                ..good.clone()
            },
        ),
        (
            0,
            Claim {
                index: u(0),
                ..good.clone()
            },
        ),
        (
            1,
            Claim {
                proof: longer,
                ..good.clone()
            },
        ),
        (
            1,
            Claim {
                proof: shorter,
                ..good.clone()
            },
        ),
        (
            1,
            Claim {
                proof: swapped,
                ..good.clone()
            },
        ),
        (
            1,
            Claim {
                proof: vec![],
                ..good.clone()
            },
        ),
    ] {
        stage.assert_refused(&[id], unproven(id, index), || stage.claim(id, &claim));
        stage.assert_refused(&[id], unproven(id, index), || {
            stage.pay(id, vec![claim.clone()])
        });
    }
    let index = U256::from(1) << 32;
    let beyond = Claim { index, ..good };
    stage.assert_refused(&[id], Error::InvalidProof { id, index }, || {
        stage.claim(id, &beyond)
    });
    assert!(!stage.distribution.sender(stage.stranger).is_paid(id, index));
}

/// An inner node, 64 bytes once hashed, is no leaf, 224 bytes hashed twice: neither it nor its preimage can be claimed.
#[test]
fn an_inner_node_is_no_leaf() {
    let stage = Stage::new();
    let id = stage.open();
    let leaves = stage.leaves(&stage.shares());
    let claim = Claim {
        index: u(0),
        wallet: stage.stranger.address(),
        amount: u(TOTAL),
        proof: vec![leaves[2]],
    };
    stage.assert_refused(&[id], unproven(id, 0), || stage.claim(id, &claim));
    // A leaf hashed once would make the preimage of an inner node claimable.
    let words = (
        u(42_161),
        stage.distribution.address(),
        stage.security.address(),
        RECORD_BLOCK,
        u(0),
        stage.stranger.address(),
        u(TOTAL),
    );
    let once = keccak256(words.abi_encode());
    let opening = Opening {
        root: once,
        ..stage.opening()
    };
    let other = stage.try_open(stage.funder, opening).unwrap();
    let claim = Claim {
        proof: vec![],
        ..claim
    };
    stage.assert_refused(&[other], unproven(other, 0), || stage.claim(other, &claim));
}

#[test]
fn a_proof_counts_for_its_own_distribution_only() {
    let stage = Stage::new();
    let first = stage.open();
    let mut shares = stage.shares();
    shares.reverse();
    let opening = stage.opening_of(&shares);
    let second = stage.try_open(stage.funder, opening).unwrap();
    stage.assert_refused(&[first, second], unproven(second, 0), || {
        stage.claim(second, &stage.share(0))
    });
    // The same root for another security, or of another block, has other leaves.
    let other = Contract::<super::mock::Mock>::new_at(Address::repeat_byte(0x66));
    let security = Opening {
        security: other.address(),
        ..stage.opening()
    };
    let block = Opening {
        record_block: RECORD_BLOCK + 1,
        ..stage.opening()
    };
    for opening in [security, block] {
        let id = stage.try_open(stage.funder, opening).unwrap();
        stage.assert_refused(&[first, id], unproven(id, 0), || {
            stage.claim(id, &stage.share(0))
        });
    }
    stage.claim(first, &stage.share(0)).unwrap();
}

/// Two distributions of one root have two accounts: the proof is good for both, each with its own money.
#[test]
fn the_same_root_in_two_distributions_pays_each_from_its_own_money() {
    let stage = Stage::new();
    let first = stage.open();
    let opening = Opening {
        document: B256::ZERO,
        ..stage.opening()
    };
    let second = stage.try_open(stage.funder, opening).unwrap();
    stage.claim(first, &stage.share(0)).unwrap();
    assert_eq!(
        (stage.sums(first)[0], stage.sums(second)[0]),
        (u(100), u(0))
    );
    stage.claim(second, &stage.share(0)).unwrap();
    assert_eq!(
        (stage.sums(first)[0], stage.sums(second)[0]),
        (u(100), u(100))
    );
    assert_eq!(stage.coins(stage.holders[0].address()), u(200));
}

/// A tree that promises more than was funded takes nothing from another distribution.
#[test]
fn a_distribution_never_pays_more_than_its_total() {
    let stage = Stage::new();
    let other = stage.open();
    let shares: Vec<_> = stage
        .shares()
        .iter()
        .map(|(wallet, _)| (*wallet, u(400)))
        .collect();
    let id = stage
        .try_open(stage.funder, stage.opening_of(&shares))
        .unwrap();
    let claim = |index| stage.share_of(&shares, index);
    stage.claim(id, &claim(0)).unwrap();
    let exceeded = || Error::TotalExceeded {
        id,
        total: u(600),
        needed: u(800),
    };
    stage.assert_refused(&[id, other], exceeded(), || stage.claim(id, &claim(1)));
    stage.assert_refused(&[id, other], exceeded(), || stage.pay(id, vec![claim(1)]));
    // What is set apart counts, too.
    let bob = stage.holders[1].address();
    stage.security.sender(stage.admin).sanction(bob, true);
    stage.assert_refused(&[id, other], exceeded(), || stage.claim(id, &claim(1)));
    assert_eq!(stage.sums(id), [u(400), u(0), u(0)]);
    assert_eq!(stage.coins(stage.distribution.address()), u(800));
    // An amount beyond 2^128 is a leaf like any other, and no more payable.
    let huge = vec![(stage.stranger.address(), U256::MAX)];
    let id = stage
        .try_open(stage.funder, stage.opening_of(&huge))
        .unwrap();
    let error = Error::TotalExceeded {
        id,
        total: u(600),
        needed: U256::MAX,
    };
    stage.assert_refused(&[id], error, || stage.claim(id, &stage.share_of(&huge, 0)));
}

/// One who claims a share that stands in a batch on its way delays nobody.
#[test]
fn a_batch_that_a_claim_overtook_pays_the_others() {
    let stage = Stage::new();
    let id = stage.open();
    let batch: Vec<_> = (0..3).map(|index| stage.share(index)).collect();
    stage.claim(id, &batch[0]).unwrap();
    stage.pay(id, batch).unwrap();
    assert_eq!(
        stage.events::<ClaimSkipped>(),
        [ClaimSkipped { id, index: u(0) }]
    );
    assert_eq!(stage.sums(id), [u(600), u(0), u(0)]);
}

/// The same share twice in one batch is paid once.
#[test]
fn a_share_that_a_batch_holds_twice_is_paid_once() {
    let stage = Stage::new();
    let id = stage.open();
    stage.pay(id, vec![stage.share(0); 2]).unwrap();
    assert_eq!(stage.coins(stage.holders[0].address()), u(100));
    // One set apart is set apart once.
    stage
        .security
        .sender(stage.admin)
        .sanction(stage.holders[1].address(), true);
    stage.pay(id, vec![stage.share(1); 2]).unwrap();
    assert_eq!(stage.sums(id), [u(100), u(200), u(0)]);
}

/// Coins that somebody sent here belong to no distribution.
#[test]
fn stray_coins_are_nobodys() {
    let stage = Stage::new();
    let id = stage.open();
    let this = stage.distribution.address();
    stage.coin.sender(stage.admin).give(this, u(5_000));
    stage.lapse(id);
    stage.sweep(id).unwrap();
    assert_eq!(stage.coins(this), u(4_400));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Every leaf of trees of any size is proven, and no other index with its proof.
    #[test]
    fn every_leaf_of_any_tree_is_paid_once(count in 1..40_usize, first in 0..40_usize) {
        let stage = Stage::new();
        let shares: Vec<_> = (0..count)
            .map(|index| {
                let holder = Address::with_last_byte(u8::try_from(1 + index).unwrap());
                (holder, u(1 + index as u64))
            })
            .collect();
        let sum = u(shares.iter().map(|(_, amount)| amount.to::<u64>()).sum());
        let leaves = stage.leaves(&shares);
        let opening = Opening { root: root(&leaves), total: sum, ..stage.opening() };
        let id = stage.try_open(stage.funder, opening).unwrap();
        for step in 0..count {
            let index = (first + step) % count;
            let claim = stage.share_of(&shares, index);
            prop_assert_eq!(&claim.proof, &proof(&leaves, index));
            let other = Claim { index: u(count as u64), ..claim.clone() };
            prop_assert!(stage.claim(id, &other).is_err());
            stage.claim(id, &claim).unwrap();
            prop_assert!(stage.claim(id, &claim).is_err());
        }
        prop_assert_eq!(stage.sums(id), [sum, U256::ZERO, U256::ZERO]);
        prop_assert_eq!(stage.coins(stage.distribution.address()), U256::ZERO);
    }
}
