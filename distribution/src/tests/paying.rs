//! Claims, batches, shares set apart and redirected.

use alloy_primitives::{Address, B256, U256};
use motsu::prelude::*;

use super::{
    fixture::{NOW, Stage, foreign, u, unauthorized, unproven},
    mock::Quirk,
};
use crate::{
    access::compliance_role,
    error::Error,
    event::{ClaimSkipped, SharePaid, ShareRedirected, ShareSetApart},
    returns::Payee,
    security::{FROZEN, REFUSED, SANCTIONED, UNREACHABLE, UNREADABLE},
    tree::{Claim, Claims},
};

#[test]
fn anyone_may_claim_and_the_holder_is_paid() {
    let stage = Stage::new();
    let id = stage.open();
    let share = stage.share(1);
    stage.claim(id, &share).unwrap();
    let bob = stage.holders[1].address();
    assert_eq!(
        (stage.coins(bob), stage.coins(stage.stranger.address())),
        (u(200), u(0))
    );
    assert_eq!(stage.flags(id, 1), (true, false));
    assert_eq!(stage.sums(id), [u(200), u(0), u(0)]);
    let paid = SharePaid {
        id,
        index: u(1),
        wallet: bob,
        payee: bob,
        amount: u(200),
    };
    assert_eq!(stage.events::<SharePaid>(), [paid]);
    let again = Error::AlreadyPaid { id, index: u(1) };
    stage.assert_refused(&[id], again, || stage.claim(id, &share));
}

#[test]
fn a_batch_pays_all_and_passes_over_what_is_paid() {
    let stage = Stage::new();
    let id = stage.open();
    stage.claim(id, &stage.share(1)).unwrap();
    let all: Vec<_> = (0..3).map(|index| stage.share(index)).collect();
    stage.pay(id, all.clone()).unwrap();
    let balances = stage.holders.map(|holder| stage.coins(holder.address()));
    assert_eq!(balances, [u(100), u(200), u(300)]);
    assert_eq!(
        stage.events::<ClaimSkipped>(),
        [ClaimSkipped { id, index: u(1) }]
    );
    assert_eq!(stage.events::<SharePaid>().len(), 3);
    assert_eq!(stage.coins(stage.distribution.address()), U256::ZERO);
    stage.pay(id, all).unwrap();
    assert_eq!(stage.events::<ClaimSkipped>().len(), 4);
    assert_eq!(stage.sums(id), [u(600), u(0), u(0)]);
}

#[test]
fn a_batch_reverts_as_a_whole_when_one_leaf_is_unproven() {
    let stage = Stage::new();
    let id = stage.open();
    let wrong = Claim {
        amount: u(301),
        ..stage.share(2)
    };
    stage.assert_refused(&[id], unproven(id, 2), || {
        stage.pay(id, vec![stage.share(0), stage.share(1), wrong.clone()])
    });
}

#[test]
fn a_batch_reverts_when_it_is_too_large() {
    let stage = Stage::new();
    let id = stage.open();
    for (count, size, refused) in [
        (100, 90_000, false),
        (101, 1, true),
        (1, 90_001, true),
        (0, 90_000, false),
    ] {
        let list = vec![stage.share(0); count];
        let act = || {
            let size = u(size);
            let mut contract = stage.distribution.sender(stage.stranger);
            contract.pay_batch(id, Claims { list, size }).motsu_res()
        };
        if refused {
            let (count, size) = (U256::from(count), u(size));
            stage.assert_refused(&[id], Error::TooManyClaims { count, size }, act);
        } else {
            act().unwrap();
        }
    }
}

/// Everything that can be against a payment, and how it ends.
#[test]
fn a_share_that_cannot_be_paid_waits_until_it_can() {
    type Act = fn(&Stage, Address, bool);
    let cases: [(u8, Act); 3] = [
        (SANCTIONED, |stage, wallet, on| {
            stage.security.sender(stage.admin).sanction(wallet, on);
        }),
        (FROZEN, |stage, wallet, on| {
            stage.security.sender(stage.admin).freeze(wallet, on);
        }),
        (REFUSED, |stage, wallet, on| {
            stage.coin.sender(stage.admin).refuse(wallet, on);
        }),
    ];
    for (code, set) in cases {
        let stage = Stage::new();
        let id = stage.open();
        let (share, alice) = (stage.share(0), stage.holders[0].address());
        set(&stage, alice, true);
        stage.claim(id, &share).unwrap();
        let apart = ShareSetApart {
            id,
            index: u(0),
            wallet: alice,
            amount: u(100),
            code,
        };
        assert_eq!(stage.events::<ShareSetApart>(), [apart]);
        assert_eq!(stage.flags(id, 0), (false, true));
        assert_eq!(
            (stage.coins(alice), stage.sums(id)),
            (u(0), [u(0), u(100), u(0)])
        );
        let still = Error::ShareNotPayable {
            id,
            index: u(0),
            code,
        };
        stage.assert_refused(&[id], still, || stage.claim(id, &share));
        // A batch passes it over and pays the others.
        stage.pay(id, vec![share.clone(), stage.share(1)]).unwrap();
        assert_eq!(
            stage.events::<ClaimSkipped>(),
            [ClaimSkipped { id, index: u(0) }]
        );
        assert_eq!(stage.sums(id), [u(200), u(100), u(0)]);
        // It waits beyond the time to claim, and is paid when its status ends.
        stage.lapse(id);
        set(&stage, alice, false);
        stage.claim(id, &share).unwrap();
        assert_eq!(stage.flags(id, 0), (true, false));
        assert_eq!(
            (stage.coins(alice), stage.sums(id)),
            (u(100), [u(300), u(0), u(0)])
        );
    }
}

#[test]
fn a_share_is_set_apart_when_the_security_cannot_be_read() {
    for view in ["successorOf", "isSanctioned", "isFrozen"] {
        for answer in [None, Some(vec![]), Some(vec![0; 31]), Some(vec![0xff; 32])] {
            let stage = Stage::new();
            let id = stage.open();
            let mut token = stage.security.sender(stage.admin);
            match answer {
                None => token.break_view(view),
                Some(bytes) => token.answer(view, &bytes),
            }
            stage.claim(id, &stage.share(0)).unwrap();
            let [apart] = &stage.events::<ShareSetApart>()[..] else {
                panic!("{view}: one share is set apart");
            };
            assert_eq!(apart.code, UNREADABLE, "{view}");
            stage.security.sender(stage.admin).mend_view(view);
            stage.claim(id, &stage.share(0)).unwrap();
        }
    }
}

#[test]
fn the_successor_of_a_lost_wallet_is_paid() {
    let stage = Stage::new();
    let id = stage.open();
    let alice = stage.holders[0].address();
    let chain: Vec<_> = (1..=9).map(Address::with_last_byte).collect();
    let mut token = stage.security.sender(stage.admin);
    token.succeed(alice, chain[0]);
    for link in chain[..8].windows(2) {
        token.succeed(link[0], link[1]);
    }
    let payee_of = || {
        let view = stage.distribution.sender(stage.stranger);
        view.payee_of(id, alice).unwrap()
    };
    let payee = chain[7];
    assert_eq!(payee_of(), Payee { payee, code: 0 });
    // Only the last one's status counts.
    stage.security.sender(stage.admin).sanction(alice, true);
    stage.security.sender(stage.admin).freeze(chain[3], true);
    assert_eq!(payee_of(), Payee { payee, code: 0 });
    stage.security.sender(stage.admin).freeze(payee, true);
    assert_eq!(
        payee_of(),
        Payee {
            payee,
            code: FROZEN
        }
    );
    stage.security.sender(stage.admin).freeze(payee, false);
    // A ninth is one too many, and so is a ring.
    stage.security.sender(stage.admin).succeed(payee, chain[8]);
    assert_eq!(payee_of().code, UNREACHABLE);
    stage.claim(id, &stage.share(0)).unwrap();
    assert_eq!(stage.flags(id, 0), (false, true));
    stage.security.sender(stage.admin).succeed(chain[8], alice);
    assert_eq!(payee_of().code, UNREACHABLE);
    stage
        .security
        .sender(stage.admin)
        .succeed(payee, Address::ZERO);
    stage.claim(id, &stage.share(0)).unwrap();
    let paid = SharePaid {
        id,
        index: u(0),
        wallet: alice,
        payee,
        amount: u(100),
    };
    assert_eq!(stage.events::<SharePaid>(), [paid]);
    assert_eq!((stage.coins(payee), stage.coins(alice)), (u(100), u(0)));
}

#[test]
fn the_contract_itself_is_no_payee() {
    let stage = Stage::new();
    let id = stage.open();
    let this = stage.distribution.address();
    let alice = stage.holders[0].address();
    stage.security.sender(stage.admin).succeed(alice, this);
    stage.claim(id, &stage.share(0)).unwrap();
    assert_eq!(stage.events::<ShareSetApart>()[0].code, UNREACHABLE);
    assert_eq!(stage.coins(this), u(600));
}

#[test]
fn a_share_that_comes_late_is_refused_unless_it_was_set_apart() {
    let stage = Stage::new();
    let id = stage.open();
    stage.lapse(id);
    let late = || Error::ClaimPeriodOver {
        id,
        claim_until: NOW - 1,
        time: NOW,
    };
    stage.assert_refused(&[id], late(), || stage.claim(id, &stage.share(0)));
    stage.assert_refused(&[id], late(), || stage.pay(id, vec![stage.share(0)]));
}

#[test]
fn a_redirect_moves_a_share_that_was_set_apart() {
    let stage = Stage::new();
    let id = stage.open();
    let (share, alice) = (stage.share(0), stage.holders[0].address());
    let to = Address::repeat_byte(0x99);
    let by = stage.compliance;
    let not_apart = Error::NotSetApart { id, index: u(0) };
    stage.assert_refused(&[id], not_apart, || stage.redirect(by, id, &share, to));
    stage.security.sender(stage.admin).sanction(alice, true);
    stage.claim(id, &share).unwrap();
    let refused = unauthorized(stage.funder, compliance_role());
    stage.assert_refused(&[id], refused, || {
        stage.redirect(stage.funder, id, &share, to)
    });
    let forged = Claim {
        amount: u(600),
        ..share.clone()
    };
    stage.assert_refused(&[id], unproven(id, 0), || {
        stage.redirect(by, id, &forged, to)
    });
    stage.security.sender(stage.admin).sanction(to, true);
    for to in [Address::ZERO, stage.distribution.address(), to] {
        let error = Error::InvalidRecipient { to };
        stage.assert_refused(&[id], error, || stage.redirect(by, id, &share, to));
    }
    stage.security.sender(stage.admin).sanction(to, false);
    stage.coin.sender(stage.admin).refuse(to, true);
    let coin = stage.coin.address().into_word();
    let refused = foreign("SafeErc20FailedOperation(address)", &[coin]);
    stage.assert_refused(&[id], refused, || stage.redirect(by, id, &share, to));
    stage.coin.sender(stage.admin).refuse(to, false);
    // The security need not be readable: the share is the compliance officer's to place.
    stage
        .security
        .sender(stage.admin)
        .break_view("isSanctioned");
    stage.lapse(id);
    stage.redirect(by, id, &share, to).unwrap();
    let redirected = ShareRedirected {
        id,
        index: u(0),
        wallet: alice,
        to,
        amount: u(100),
        reason: B256::repeat_byte(7),
        by: by.address(),
    };
    assert_eq!(stage.events::<ShareRedirected>(), [redirected]);
    assert_eq!((stage.coins(to), stage.coins(alice)), (u(100), u(0)));
    assert_eq!(stage.flags(id, 0), (true, false));
    assert_eq!(stage.sums(id), [u(100), u(0), u(0)]);
    let again = || Error::AlreadyPaid { id, index: u(0) };
    stage.assert_refused(&[id], again(), || stage.redirect(by, id, &share, to));
    stage.security.sender(stage.admin).mend_view("isSanctioned");
    stage.security.sender(stage.admin).sanction(alice, false);
    stage.assert_refused(&[id], again(), || stage.claim(id, &share));
}

#[test]
fn a_coin_that_refuses_or_answers_no_pays_nobody() {
    let stage = Stage::new();
    let id = stage.open();
    for (index, quirk) in [Quirk::Reverts, Quirk::AnswersFalse]
        .into_iter()
        .enumerate()
    {
        stage.coin.sender(stage.admin).behave(quirk);
        stage.claim(id, &stage.share(index)).unwrap();
        assert_eq!(stage.flags(id, index as u64), (false, true), "{quirk:?}");
    }
    assert_eq!(stage.sums(id), [u(0), u(300), u(0)]);
    stage.coin.sender(stage.admin).behave(Quirk::Honest);
    stage.claim(id, &stage.share(0)).unwrap();
    assert_eq!(stage.sums(id), [u(100), u(200), u(0)]);
    stage
        .pay(id, (0..3).map(|index| stage.share(index)).collect())
        .unwrap();
    assert_eq!(stage.sums(id), [u(600), u(0), u(0)]);
}
