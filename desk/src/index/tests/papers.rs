//! What is produced from a register: statements, reports, proofs, roles.

use super::*;
use crate::chain::abi::ISecurityToken::{
    Burned, ForcedBurn, ForcedTransfer, GroupHolderLimitSet, RoleGranted, RoleRevoked,
    VestingGranted, VestingRevoked,
};
use crate::chain::abi::role;
use crate::index::Prices;
use crate::index::history::{Cause, Period};
use crate::index::lots::Named;
use crate::index::report::{Counted, Share};

/// Issued, granted, traded, sent, moved by order, redeemed, destroyed, taken back: a block each, from the third on.
fn eventful() -> (Chain, Prices) {
    let mut chain = registered();
    chain.to(2).mint(ADA, 1_000);
    chain.to(3).mint(ADA, 100);
    chain.log(&VestingGranted {
        holder: ADA,
        index: units(0),
        amount: units(100),
        start: START,
        cliff: 1_000_000,
        period: 0,
        periods: 0,
        firstBips: 0,
        revocable: true,
    });
    chain.to(4).send(ADA, BOB, 200);
    let traded = B256::from(units(chain.transactions));
    chain.to(5).send(ADA, ADA_TWO, 50);
    chain.to(6).send(BOB, EVE, 10);
    chain.to(7).send(ADA, EVE, 30);
    let reason = investor("order");
    let (from, to, value) = (ADA, EVE, units(30));
    chain.log(&ForcedTransfer {
        from,
        to,
        value,
        reason,
        by: BOB,
    });
    chain.to(8).tx().moves(ADA_TWO, Address::ZERO, 20);
    chain.log(&Burned {
        from: ADA_TWO,
        value: units(20),
        reason,
        by: BOB,
    });
    chain.to(9).tx();
    chain.log(&VestingRevoked {
        holder: ADA,
        index: units(0),
        to: BOB,
        unvested: units(100),
    });
    chain.moves(ADA, BOB, 100);
    chain.to(10).tx().moves(EVE, Address::ZERO, 40);
    chain.log(&ForcedBurn {
        from: EVE,
        value: units(40),
        reason,
        by: BOB,
    });
    let mut prices = Prices::default();
    prices.insert((traded, ADA, BOB, units(200)), units(4_900));
    (chain, prices)
}

fn period(from: u64, to: u64) -> Period {
    Period {
        from: time_of(from),
        to: block(to, 0),
    }
}

#[tokio::test]
async fn a_statement_leads_from_opening_to_closing_and_says_why() {
    let (chain, prices) = eventful();
    let opened = chain.indexed_to(Kind::Security, 12).await.unwrap();
    let kind = source(Kind::Security);
    let statement = async |name: &str, period| {
        let (id, named) = (investor(name), Named::new());
        opened
            .index
            .statement(&kind, id, period, &prices, named)
            .await
    };
    let ada = statement("ada", period(3, 12)).await.unwrap();
    assert_eq!(ada.opening, units(1_000));
    let lines: Vec<_> = ada
        .lines
        .iter()
        .map(|line| {
            let [credit, debit, balance] =
                [line.credit, line.debit, line.balance].map(|n| n.to::<u64>());
            (line.movement.cause, credit, debit, balance)
        })
        .collect();
    assert_eq!(
        lines,
        [
            (Cause::Granted, 100, 0, 1_100),
            (Cause::Traded, 0, 200, 900),
            (Cause::OwnWallets, 0, 0, 900),
            (Cause::Forced, 0, 30, 870),
            (Cause::Redeemed, 0, 20, 850),
            (Cause::Revoked, 0, 100, 750),
        ]
    );
    assert_eq!(ada.lines[1].movement.paid, Some(units(4_900)));
    assert_eq!(ada.lines[3].movement.reason, Some(investor("order")));
    assert_eq!(ada.closing.holding, units(750));
    assert_eq!(ada.closing.wallets, [ADA, ADA_TWO]);
    let disposed: Vec<u64> = ada
        .disposed
        .iter()
        .map(|went| went.lot.amount.to())
        .collect();
    assert_eq!(disposed, [200, 30, 20, 100]);
    assert!(ada.disposed.iter().all(|went| went.lot.id.block == 2));
    let left: u64 = ada
        .lots
        .iter()
        .map(|(_, lot, _)| lot.amount.to::<u64>())
        .sum();
    assert_eq!(left, 750);
    // A period in which nothing moved, and one for somebody unknown.
    let quiet = statement("ada", period(11, 12)).await.unwrap();
    assert_eq!((quiet.opening, quiet.lines.len()), (units(750), 0));
    let nobody = statement("nobody", period(3, 12)).await;
    assert!(matches!(nobody, Err(IndexError::Unknown(code)) if code == "nobody"));
}

#[tokio::test]
async fn lots_that_are_named_go_instead_of_the_oldest() {
    let mut chain = registered();
    chain.to(2).mint(ADA, 100);
    chain.to(3).mint(ADA, 100);
    chain.to(4).send(ADA, BOB, 40);
    let tx = B256::from(units(chain.transactions));
    let opened = chain.indexed_to(Kind::Security, 4).await.unwrap();
    let kind = source(Kind::Security);
    let second = "3-0".parse().unwrap();
    let named = |amount| Named::from([((tx, ADA), vec![(second, units(amount))])]);
    let id = investor("ada");
    let none = Prices::default();
    let fits = opened
        .index
        .statement(&kind, id, period(4, 4), &none, named(40));
    let fits = fits.await.unwrap();
    assert_eq!(fits.disposed[0].lot.id, second);
    let amounts: Vec<u64> = fits
        .lots
        .iter()
        .map(|(_, lot, _)| lot.amount.to())
        .collect();
    assert_eq!(amounts, [100, 60]);
    let unfit = opened
        .index
        .register_with_lots(&kind, None, named(39))
        .await;
    assert!(matches!(unfit, Err(IndexError::Lots { tx: found, .. }) if found == tx));
}

#[tokio::test]
async fn a_report_counts_holders_shares_movements_and_who_left() {
    let (mut chain, prices) = eventful();
    chain.to(11).tx().log(&GroupHolderLimitSet {
        group: 1,
        maxHolders: 2,
    });
    let opened = chain.indexed_to(Kind::Security, 12).await.unwrap();
    let kind = source(Kind::Security);
    let report = opened
        .index
        .report(&kind, period(7, 12), &prices)
        .await
        .unwrap();
    // Eve held 10 before block 7, got 30 and lost all of it in block 10.
    let [eve] = report.ended.as_slice() else {
        panic!("{:?}", report.ended);
    };
    assert_eq!(
        (eve.investor, eve.held, eve.at),
        (investor("eve"), units(10), time_of(10))
    );
    assert_eq!(report.began, 0);
    let share = Share {
        holders: 2,
        holding: units(1_040),
    };
    assert_eq!(report.groups, [(1, share)].into());
    assert_eq!(report.countries, [(840, share)].into());
    let moved: Vec<_> = report
        .moved
        .iter()
        .map(|(cause, (count, sum))| (*cause, *count, sum.to::<u64>()))
        .collect();
    assert_eq!(
        moved,
        [
            (Cause::Revoked, 1, 100),
            (Cause::Forced, 1, 30),
            (Cause::Redeemed, 1, 20),
            (Cause::ForcedBurn, 1, 40),
        ]
    );
    let group = report
        .counts
        .iter()
        .find(|count| count.of == Counted::Group(1))
        .unwrap();
    assert_eq!(
        (group.holders, group.limit, group.warning()),
        (2, 2, Some(95))
    );
    let record = report
        .counts
        .iter()
        .find(|count| count.of == Counted::Record)
        .unwrap();
    assert_eq!(
        (record.holders, record.limit, record.warning()),
        (2, 2_000, None)
    );
}

#[tokio::test]
async fn every_wallet_is_proven_and_no_changed_leaf_is() {
    let (chain, _) = eventful();
    let register = chain.register().await.unwrap();
    let digest = register.digest();
    assert_eq!(digest.size, 4);
    for wallet in [ADA, ADA_TWO, BOB, EVE] {
        let proof = register.prove(wallet).unwrap();
        assert!(proof.holds() && proof.root == digest.root, "{wallet}");
        // A file of it reads back the same.
        let text = serde_json::to_string(&proof).unwrap();
        assert_eq!(
            serde_json::from_str::<crate::index::extract::Proof>(&text).unwrap(),
            proof
        );
        let mut richer = proof.clone();
        richer.leaf.holding.push('0');
        let mut later = proof.clone();
        later.leaf.block += 1;
        let mut elsewhere = proof.clone();
        elsewhere.index = (elsewhere.index + 1) % 4;
        let mut other = proof;
        other.root.0[0] ^= 1;
        assert!(
            ![richer, later, elsewhere, other]
                .iter()
                .any(crate::index::extract::Proof::holds)
        );
    }
    assert_eq!(register.prove(Address::repeat_byte(9)), None);
}

/// RFC 8785: members by name, no blanks, so that anybody's canonical JSON has the same hash.
#[tokio::test]
async fn a_leaf_is_canonical_json() {
    let (chain, _) = eventful();
    let register = chain.register().await.unwrap();
    let leaf = register.prove(ADA).unwrap().leaf;
    let text = serde_json::to_string(&leaf).unwrap();
    let members: serde_json::Map<_, _> = serde_json::from_str(&text).unwrap();
    let mut names: Vec<&String> = members.keys().collect();
    names.sort();
    let parts: Vec<String> = names
        .iter()
        .map(|name| format!("\"{name}\":{}", members[name.as_str()]))
        .collect();
    assert_eq!(text, format!("{{{}}}", parts.join(",")));
}

#[tokio::test]
async fn roles_are_everybody_s_and_two_that_check_each_other_are_warned_of() {
    let mut chain = Chain::new();
    let grant = |name: &str, account, sender| RoleGranted {
        role: role(name),
        account,
        sender,
    };
    chain.tx().log(&grant("DEFAULT_ADMIN_ROLE", EVE, EVE));
    chain.to(2).tx();
    chain.log(&grant("ISSUER_ROLE", ADA, EVE));
    chain.log(&grant("COMPLIANCE_ROLE", ADA, EVE));
    chain.log(&grant("ENFORCER_ROLE", EVE, EVE));
    chain.log(&grant("PAUSER_ROLE", BOB, EVE));
    chain.to(3).tx();
    chain.log(&RoleRevoked {
        role: role("PAUSER_ROLE"),
        account: BOB,
        sender: EVE,
    });
    let opened = chain.indexed_to(Kind::Security, 4).await.unwrap();
    let roles = opened.index.roles(&source(Kind::Security)).await.unwrap();
    let grants: Vec<_> = roles
        .grants()
        .iter()
        .map(|g| (g.role, g.account, g.since))
        .collect();
    assert_eq!(
        grants,
        [
            (B256::ZERO, EVE, time_of(1)),
            (role("COMPLIANCE_ROLE"), ADA, time_of(2)),
            (role("ENFORCER_ROLE"), EVE, time_of(2)),
            (role("ISSUER_ROLE"), ADA, time_of(2)),
        ]
    );
    assert!(!roles.has(role("PAUSER_ROLE"), BOB));
    let together: Vec<_> = roles
        .together()
        .into_iter()
        .map(|both| (both.account, both.roles.0, both.roles.1))
        .collect();
    assert_eq!(
        together,
        [
            (
                EVE,
                "DEFAULT_ADMIN_ROLE".to_owned(),
                "ENFORCER_ROLE".to_owned()
            ),
            (ADA, "ISSUER_ROLE".to_owned(), "COMPLIANCE_ROLE".to_owned()),
        ]
    );
}
