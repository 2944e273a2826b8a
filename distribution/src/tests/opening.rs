//! Opening a distribution, and sweeping what is left of it.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolValue;
use motsu::prelude::*;

use super::{
    fixture::{
        CHAIN_ID, DOCUMENT, LATEST, NOW, Opening, RECORD_BLOCK, RECORD_HASH, Stage, TOTAL, UNTIL,
        foreign, u, unauthorized,
    },
    mock::Quirk,
};
use crate::{
    access::distributor_role,
    error::Error,
    event::{DistributionOpened, Swept},
};

#[test]
fn open_pulls_the_total_and_keeps_the_terms() {
    let stage = Stage::new();
    let opening = stage.opening();
    let id = stage.open();
    let (this, funder) = (stage.distribution.address(), stage.funder.address());
    let expected = keccak256(
        (
            u(CHAIN_ID),
            this,
            funder,
            opening.root,
            opening.security,
            RECORD_BLOCK,
            RECORD_HASH,
            u(TOTAL),
            DOCUMENT,
            UNTIL,
        )
            .abi_encode(),
    );
    assert_eq!(id, expected);
    assert_eq!((stage.coins(this), stage.coins(funder)), (u(600), u(9_400)));
    let view = stage.view(id);
    assert_eq!((view.root, view.security), (opening.root, opening.security));
    assert_eq!(
        (view.recordBlock, view.recordBlockHash, view.documentHash),
        (RECORD_BLOCK, RECORD_HASH, DOCUMENT)
    );
    assert_eq!(
        (view.funder, view.total, view.claimUntil),
        (funder, u(TOTAL), UNTIL)
    );
    assert_eq!(stage.sums(id), [U256::ZERO; 3]);
    let opened = DistributionOpened {
        id,
        security: opening.security,
        funder,
        root: opening.root,
        recordBlock: RECORD_BLOCK,
        recordBlockHash: RECORD_HASH,
        total: u(TOTAL),
        documentHash: DOCUMENT,
        claimUntil: UNTIL,
    };
    assert_eq!(stage.events::<DistributionOpened>(), [opened]);
}

#[test]
fn open_reverts_when_the_caller_is_no_distributor() {
    let stage = Stage::new();
    let error = unauthorized(stage.stranger, distributor_role());
    stage.assert_refused(&[], error, || {
        stage.try_open(stage.stranger, stage.opening())
    });
}

#[test]
fn open_reverts_when_the_terms_are_impossible() {
    let stage = Stage::new();
    let good = stage.opening();
    let period = |claim_until| Error::ClaimPeriodOutOfRange {
        claim_until,
        earliest: UNTIL,
        latest: LATEST,
    };
    let too_much = U256::from(1) << 128;
    let cases: [(Opening, Error); 9] = [
        (
            Opening {
                root: B256::ZERO,
                ..good
            },
            Error::InvalidRoot {},
        ),
        (
            Opening {
                record_block: 0,
                ..good
            },
            Error::InvalidRecordBlock {},
        ),
        (
            Opening {
                record_block_hash: B256::ZERO,
                ..good
            },
            Error::InvalidRecordBlock {},
        ),
        (
            Opening {
                total: U256::ZERO,
                ..good
            },
            Error::InvalidTotal { total: U256::ZERO },
        ),
        (
            Opening {
                total: too_much,
                ..good
            },
            Error::InvalidTotal { total: too_much },
        ),
        (
            Opening {
                claim_until: UNTIL - 1,
                ..good
            },
            period(UNTIL - 1),
        ),
        (
            Opening {
                claim_until: LATEST + 1,
                ..good
            },
            period(LATEST + 1),
        ),
        (
            Opening {
                claim_until: 0,
                ..good
            },
            period(0),
        ),
        (
            Opening {
                security: Address::repeat_byte(9),
                ..good
            },
            Error::NotASecurity {
                security: Address::repeat_byte(9),
            },
        ),
    ];
    for (opening, error) in cases {
        stage.assert_refused(&[], error, || stage.try_open(stage.funder, opening));
    }
    let latest = Opening {
        claim_until: LATEST,
        ..good
    };
    stage.try_open(stage.funder, latest).unwrap();
}

#[test]
fn open_reverts_when_the_security_does_not_answer_the_three_views() {
    let stage = Stage::new();
    let security = stage.security.address();
    for view in ["successorOf", "isSanctioned", "isFrozen"] {
        let mut token = stage.security.sender(stage.admin);
        token.break_view(view);
        stage.assert_refused(&[], Error::NotASecurity { security }, || {
            stage.try_open(stage.funder, stage.opening())
        });
        for answer in [vec![], vec![0; 31], vec![0xff; 32]] {
            let mut token = stage.security.sender(stage.admin);
            token.mend_view(view);
            token.answer(view, &answer);
            stage.assert_refused(&[], Error::NotASecurity { security }, || {
                stage.try_open(stage.funder, stage.opening())
            });
        }
        stage.security.sender(stage.admin).mend_view(view);
    }
    stage.open();
}

#[test]
fn open_reverts_when_the_coin_refuses_or_moves_another_amount() {
    let stage = Stage::new();
    let coin = stage.coin.address().into_word();
    let refused = foreign("SafeErc20FailedOperation(address)", &[coin]);
    for quirk in [Quirk::Reverts, Quirk::AnswersFalse] {
        stage.coin.sender(stage.admin).behave(quirk);
        stage.assert_refused(&[], refused.clone(), || {
            stage.try_open(stage.funder, stage.opening())
        });
    }
    // The component takes any answer but zero for yes; the balance tells.
    for (quirk, received) in [
        (Quirk::TakesAFee, 599),
        (Quirk::MovesNothing, 0),
        (Quirk::AnswersTwo, 0),
    ] {
        stage.coin.sender(stage.admin).behave(quirk);
        let error = Error::FundingInexact {
            expected: u(TOTAL),
            received: u(received),
        };
        stage.assert_refused(&[], error, || stage.try_open(stage.funder, stage.opening()));
    }
    stage.coin.sender(stage.admin).behave(Quirk::Honest);
    stage.open();
}

#[test]
fn open_reverts_when_the_same_is_opened_again() {
    let stage = Stage::new();
    let id = stage.open();
    stage.assert_refused(&[id], Error::DistributionExists { id }, || {
        stage.try_open(stage.funder, stage.opening())
    });
    // Paid out in full it is the same still.
    stage
        .pay(id, (0..3).map(|index| stage.share(index)).collect())
        .unwrap();
    stage.assert_refused(&[id], Error::DistributionExists { id }, || {
        stage.try_open(stage.funder, stage.opening())
    });
}

#[test]
fn each_term_makes_another_distribution() {
    let stage = Stage::new();
    let good = stage.opening();
    let mut ids = vec![stage.open()];
    for opening in [
        Opening {
            root: B256::repeat_byte(1),
            ..good
        },
        Opening {
            record_block: RECORD_BLOCK + 1,
            ..good
        },
        Opening {
            record_block_hash: B256::repeat_byte(1),
            ..good
        },
        Opening {
            total: u(601),
            ..good
        },
        Opening {
            document: B256::ZERO,
            ..good
        },
        Opening {
            claim_until: UNTIL + 1,
            ..good
        },
    ] {
        ids.push(stage.try_open(stage.funder, opening).unwrap());
    }
    let other = stage.admin;
    stage
        .distribution
        .sender(stage.admin)
        .grant_role(distributor_role(), other.address())
        .motsu_unwrap();
    let mut coin = stage.coin.sender(stage.admin);
    coin.give(other.address(), u(TOTAL));
    coin.allow(other.address(), stage.distribution.address(), u(TOTAL));
    ids.push(stage.try_open(other, good).unwrap());
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 8);
}

#[test]
fn sweep_gives_the_funder_what_is_neither_paid_nor_set_apart() {
    let stage = Stage::new();
    let id = stage.open();
    stage.claim(id, &stage.share(0)).unwrap();
    let bob = stage.holders[1].address();
    stage.security.sender(stage.admin).sanction(bob, true);
    stage.claim(id, &stage.share(1)).unwrap();
    let open = Error::ClaimPeriodOpen {
        id,
        claim_until: UNTIL,
        time: NOW,
    };
    stage.assert_refused(&[id], open, || stage.sweep(id));
    stage.lapse(id);
    stage.sweep(id).unwrap();
    assert_eq!(stage.sums(id), [u(100), u(200), u(300)]);
    let funder = stage.funder.address();
    assert_eq!(stage.coins(funder), u(9_700));
    let amount = u(300);
    assert_eq!(stage.events::<Swept>(), [Swept { id, funder, amount }]);
    stage.assert_refused(&[id], Error::NothingToSweep { id }, || stage.sweep(id));
    // What was set apart is still there for its holder.
    stage.security.sender(stage.admin).sanction(bob, false);
    stage.claim(id, &stage.share(1)).unwrap();
    assert_eq!(stage.sums(id), [u(300), u(0), u(300)]);
    assert_eq!(stage.coins(bob), u(200));
    assert_eq!(stage.coins(stage.distribution.address()), U256::ZERO);
}

#[test]
fn sweep_reverts_when_the_coin_refuses_the_funder_and_succeeds_later() {
    let stage = Stage::new();
    let id = stage.open();
    stage.lapse(id);
    let funder = stage.funder.address();
    stage.coin.sender(stage.admin).refuse(funder, true);
    let coin = stage.coin.address().into_word();
    let refused = foreign("SafeErc20FailedOperation(address)", &[coin]);
    stage.assert_refused(&[id], refused, || stage.sweep(id));
    stage.coin.sender(stage.admin).refuse(funder, false);
    stage.sweep(id).unwrap();
    assert_eq!(stage.coins(funder), u(10_000));
}

#[test]
fn nothing_is_known_of_what_was_not_opened() {
    let stage = Stage::new();
    let id = B256::repeat_byte(1);
    let unknown = || Error::UnknownDistribution { id };
    stage.assert_refused(&[id], unknown(), || stage.sweep(id));
    stage.assert_refused(&[id], unknown(), || stage.claim(id, &stage.share(0)));
    stage.assert_refused(&[id], unknown(), || stage.pay(id, vec![]));
    stage.assert_refused(&[id], unknown(), || {
        stage.redirect(
            stage.compliance,
            id,
            &stage.share(0),
            stage.stranger.address(),
        )
    });
    let view = stage.distribution.sender(stage.stranger);
    let wallet = stage.stranger.address();
    assert_eq!(view.payee_of(id, wallet).unwrap_err(), unknown().into());
    let leaf = view.leaf_of(id, u(0), wallet, u(1));
    assert_eq!(leaf.unwrap_err(), unknown().into());
    assert_eq!(stage.flags(id, 0), (false, false));
}
