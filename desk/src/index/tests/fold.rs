//! The fold of a security's events.

use alloy::primitives::keccak256;
use alloy::sol_types::SolValue as _;

use super::*;
use crate::chain::abi::ISecurityToken::{
    AddressFrozen, ClassLimitSet, ForcedTransfer, GroupHolderLimitSet, HoldBroken, HoldDropped,
    HoldPlaced, HoldUsed, LimitsSet, SanctionSet, TokensFrozen, TokensLocked, TokensUnfrozen,
    TokensUnlocked, VestingGranted, VestingMoved, VestingReduced, VestingRevoked, WalletRecovered,
    WalletRemoved,
};
use crate::index::holding::Encumbrances;
use crate::index::lots::LotId;

fn lots(register: &Register, wallet: Address) -> Vec<(LotId, u64)> {
    let wallet = register.wallet(wallet).unwrap();
    let lots = register.lots(wallet);
    lots.map(|lot| (lot.id, lot.amount.to())).collect()
}

fn id(block: u64, log: u64) -> LotId {
    LotId { block, log }
}

#[tokio::test]
async fn holdings_counts_and_lots_follow_the_movements() {
    let mut chain = registered();
    chain.to(2).mint(ADA, 1_000).mint(EVE, 500);
    chain.to(3).send(ADA, BOB, 300);
    chain.to(4).send(EVE, BOB, 500);
    chain.to(5).send(BOB, ADA_TWO, 350);
    let register = chain.register().await.unwrap();
    assert_eq!(register.supply, units(1_500));
    let balance = |wallet| register.wallet(wallet).unwrap().balance;
    assert_eq!(
        [ADA, ADA_TWO, BOB, EVE].map(balance),
        [700, 350, 450, 0].map(units)
    );
    assert_eq!(register.holding(investor("ada")), units(1_050));
    assert_eq!(register.holder_count(), 2);
    assert_eq!(register.group_counts(), [(1, 2)].into());
    // Bob got 300 of ada's and 500 of eve's; the older ones went first.
    assert_eq!(lots(&register, BOB), [(id(4, 0), 450)]);
    assert_eq!(lots(&register, ADA_TWO), [(id(5, 0), 350)]);
    let since = |wallet| register.wallet(wallet).unwrap().since;
    assert_eq!(since(ADA), time_of(2));
    assert_eq!(since(ADA_TWO), time_of(5));
    assert_eq!(since(EVE), 0);
    assert_eq!(
        register.position(investor("ada")).unwrap().since,
        time_of(2)
    );
    let holders: Vec<Address> = register
        .holders()
        .into_iter()
        .map(|(wallet, _)| wallet)
        .collect();
    assert_eq!(holders, [ADA, ADA_TWO, BOB]);
}

#[tokio::test]
async fn a_register_is_that_of_its_block() {
    let mut chain = registered();
    chain.to(2).mint(ADA, 10);
    chain.to(5).send(ADA, BOB, 10);
    let opened = chain.indexed_to(Kind::Security, 9).await.unwrap();
    let at = async |number| {
        let at = Some(block(number, 0));
        opened.index.register(&source(Kind::Security), at).await
    };
    for (number, ada, bob) in [(1, 0, 0), (2, 10, 0), (4, 10, 0), (5, 0, 10), (9, 0, 10)] {
        let register = at(number).await.unwrap();
        let holding = |name: &str| register.holding(investor(name)).to::<u64>();
        assert_eq!((holding("ada"), holding("bob")), (ada, bob), "{number}");
        assert_eq!(register.block, block(number, 0));
    }
    let ahead = at(10).await;
    assert!(
        matches!(
            ahead,
            Err(IndexError::Ahead {
                asked: 10,
                known: 9
            })
        ),
        "{ahead:?}"
    );
}

#[tokio::test]
async fn own_wallets_keep_lots_and_how_long_they_are_held() {
    let mut chain = registered();
    chain.to(2).mint(ADA, 100);
    chain.to(3).mint(ADA, 50);
    chain.to(4).send(ADA, ADA_TWO, 120);
    let register = chain.register().await.unwrap();
    assert_eq!(lots(&register, ADA_TWO), [(id(2, 0), 100), (id(3, 0), 20)]);
    assert_eq!(lots(&register, ADA), [(id(3, 0), 30)]);
    let held = register.position(investor("ada")).unwrap();
    assert_eq!((held.holding, held.since), (units(150), time_of(2)));
}

#[tokio::test]
async fn a_lost_wallet_hands_everything_over_and_is_followed() {
    let mut chain = registered();
    let release = time_of(90);
    chain.to(2).mint(ADA, 100);
    chain.log(&TokensLocked {
        holder: ADA,
        amount: units(100),
        releaseTime: release,
    });
    chain.tx().log(&TokensFrozen {
        account: ADA,
        amount: units(7),
    });
    // As the contract logs a recovery.
    chain.to(3).tx();
    chain.log(&WalletRemoved {
        wallet: ADA,
        investorId: investor("ada"),
    });
    chain.log(&TokensUnlocked {
        holder: ADA,
        amount: units(100),
        releaseTime: release,
    });
    chain.log(&TokensLocked {
        holder: ADA_TWO,
        amount: units(100),
        releaseTime: release,
    });
    chain.log(&TokensUnfrozen {
        account: ADA,
        amount: units(7),
    });
    chain.log(&TokensFrozen {
        account: ADA_TWO,
        amount: units(7),
    });
    chain.log(&AddressFrozen {
        account: ADA,
        isFrozen: true,
        by: EVE,
    });
    chain.moves(ADA, ADA_TWO, 100);
    chain.log(&WalletRecovered {
        lost: ADA,
        replacement: ADA_TWO,
        reason: B256::ZERO,
        by: EVE,
    });
    let register = chain.register().await.unwrap();
    assert_eq!(register.successor(ADA), ADA_TWO);
    assert_eq!(register.wallets_of(investor("ada")), [ADA_TWO]);
    assert_eq!(register.wallets_of_person(ADA), [ADA_TWO]);
    assert_eq!(register.investor_of(ADA), None);
    assert_eq!(lots(&register, ADA_TWO), [(id(2, 0), 100)]);
    let wallet = register.wallet(ADA_TWO).unwrap();
    let now = register.block.time;
    assert_eq!(
        wallet.encumbrances(now),
        Encumbrances {
            frozen: units(7),
            locked: units(100),
            ..Encumbrances::default()
        }
    );
    let lot = register.lot(wallet, 0).unwrap();
    assert_eq!(wallet.holding_period(&lot, now), Some(release));
    assert_eq!(
        register.position(investor("ada")).unwrap().since,
        time_of(2)
    );
    assert_eq!(register.wallet(ADA).unwrap().state(now), "frozen");
    assert_eq!(register.holder_count(), 1);
}

#[tokio::test]
async fn a_holding_period_is_the_lock_with_which_a_lot_was_issued() {
    let mut chain = registered();
    let release = time_of(50);
    chain.to(2).mint(ADA, 100);
    chain.log(&TokensLocked {
        holder: ADA,
        amount: units(100),
        releaseTime: release,
    });
    chain.to(3).mint(ADA, 10);
    chain.tx().log(&TokensLocked {
        holder: ADA,
        amount: units(10),
        releaseTime: time_of(60),
    });
    let register = chain.register().await.unwrap();
    let wallet = register.wallet(ADA).unwrap();
    let lot = |place| register.lot(wallet, place).unwrap();
    let period = |place: usize, now| wallet.holding_period(&lot(place), now);
    assert_eq!(period(0, release - 1), Some(release));
    assert_eq!(period(0, release), None);
    // Locked by another transaction: that is not a holding period.
    assert_eq!(period(1, time_of(3)), None);
    assert_eq!(wallet.encumbrances(release - 1).locked, units(110));
    assert_eq!(wallet.encumbrances(release).locked, units(10));
    chain.to(4).tx();
    chain.log(&TokensUnlocked {
        holder: ADA,
        amount: units(100),
        releaseTime: release,
    });
    let register = chain.register().await.unwrap();
    let wallet = register.wallet(ADA).unwrap();
    let lot = register.lot(wallet, 0).unwrap();
    assert_eq!(wallet.holding_period(&lot, time_of(4)), None);
}

fn grant(chain: &mut Chain, amount: u64) {
    chain.mint(ADA, amount);
    chain.log(&VestingGranted {
        holder: ADA,
        index: units(0),
        amount: units(amount),
        start: time_of(0),
        cliff: 100,
        period: 100,
        periods: 3,
        firstBips: 0,
        revocable: true,
    });
}

#[tokio::test]
async fn schedules_vest_are_reduced_revoked_and_moved() {
    let mut chain = registered();
    chain.to(2);
    grant(&mut chain, 400);
    let unvested = |register: &Register, wallet, block| {
        let wallet = register.wallet(wallet).unwrap();
        wallet.encumbrances(time_of(block)).unvested.to::<u64>()
    };
    let register = chain.register().await.unwrap();
    let steps = [9, 10, 20, 30, 40].map(|block| unvested(&register, ADA, block));
    assert_eq!(steps, [400, 300, 200, 100, 0]);
    chain.to(3).tx();
    chain.log(&VestingReduced {
        holder: ADA,
        index: units(0),
        amount: units(150),
    });
    let register = chain.register().await.unwrap();
    let steps = [9, 10, 20, 30].map(|block| unvested(&register, ADA, block));
    assert_eq!(steps, [250, 150, 50, 0]);
    chain.to(4).tx();
    chain.log(&VestingMoved {
        from: ADA,
        to: ADA_TWO,
        index: units(0),
    });
    let register = chain.register().await.unwrap();
    assert_eq!(unvested(&register, ADA, 9), 0);
    assert_eq!(unvested(&register, ADA_TWO, 10), 150);
    chain.to(12).tx();
    let (holder, to) = (ADA_TWO, BOB);
    chain.log(&VestingRevoked {
        holder,
        index: units(0),
        to,
        unvested: units(150),
    });
    let register = chain.register().await.unwrap();
    assert_eq!(unvested(&register, ADA_TWO, 12), 0);
    let schedules = register.wallet(ADA_TWO).unwrap().bound().schedules;
    assert!(schedules[&0].revoked);
}

#[tokio::test]
async fn holds_bind_until_they_are_used_dropped_broken_or_over() {
    let mut chain = registered();
    chain.to(2).mint(ADA, 100);
    let (placer, owner) = (EVE, ADA);
    for (name, amount, until) in [
        ("a", 1, 50),
        ("b", 2, 50),
        ("c", 4, 50),
        ("d", 8, 20),
        ("e", 16, 50),
    ] {
        let until = time_of(until);
        chain.tx().log(&HoldPlaced {
            placer,
            owner,
            id: investor(name),
            amount: units(amount),
            until,
        });
    }
    chain.to(3).tx();
    chain.log(&HoldUsed {
        placer,
        owner,
        id: investor("a"),
        to: BOB,
        amount: units(1),
    });
    chain.moves(ADA, BOB, 1);
    chain.tx().log(&HoldDropped {
        placer,
        owner,
        id: investor("b"),
    });
    let key = keccak256((placer, investor("c")).abi_encode());
    chain.tx().log(&HoldBroken {
        key,
        owner,
        amount: units(4),
    });
    let register = chain.register().await.unwrap();
    let held = |block| {
        register
            .wallet(ADA)
            .unwrap()
            .encumbrances(time_of(block))
            .held
    };
    assert_eq!(held(19), units(24));
    assert_eq!(held(20), units(16));
    assert_eq!(held(50), units(0));
}

#[tokio::test]
async fn status_and_limits_are_those_that_were_set_last() {
    let mut chain = registered();
    let limits = |most| LimitsSet {
        maxPerInvestor: U256::ZERO,
        maxBipsPerInvestor: 0,
        maxHolders: most,
        minHolding: U256::ZERO,
        granularity: U256::ZERO,
    };
    chain.to(2).tx().log(&limits(99)).log(&limits(50));
    chain.log(&GroupHolderLimitSet {
        group: 1,
        maxHolders: 35,
    });
    chain.log(&GroupHolderLimitSet {
        group: 2,
        maxHolders: 7,
    });
    chain.log(&GroupHolderLimitSet {
        group: 2,
        maxHolders: 0,
    });
    let groups = units(0b110);
    chain.log(&ClassLimitSet {
        groups,
        maxHolders: 500,
    });
    chain.log(&SanctionSet {
        account: EVE,
        sanctioned: true,
        by: ADA,
    });
    chain.log(&AddressFrozen {
        account: BOB,
        isFrozen: true,
        by: ADA,
    });
    let register = chain.register().await.unwrap();
    assert_eq!(register.limits.holders, 50);
    assert_eq!(register.limits.groups, [(1, 35)].into());
    assert_eq!(register.limits.classes, [(groups, 500)].into());
    let state = |wallet| register.wallet(wallet).unwrap().state(START);
    assert_eq!([ADA, BOB, EVE].map(state), ["ok", "frozen", "sanctioned"]);
    let expired = START + 1_000_000;
    assert_eq!(register.wallet(ADA).unwrap().state(expired), "kyc expired");
}

#[tokio::test]
async fn a_wallet_that_was_removed_may_become_another_investor_s() {
    let mut chain = registered();
    chain.to(2).tx();
    chain.log(&WalletRemoved {
        wallet: BOB,
        investorId: investor("bob"),
    });
    chain.set(BOB, "eve", 2).mint(BOB, 5);
    let register = chain.register().await.unwrap();
    assert_eq!(register.wallets_of(investor("eve")), [BOB, EVE]);
    assert_eq!(register.wallets_of(investor("bob")), [] as [Address; 0]);
    assert_eq!(register.holding(investor("eve")), units(5));
    assert!(!register.same_person(BOB, ADA) && register.same_person(BOB, EVE));
}

/// An event that does not fit, and words of its error.
type Wrong = (fn(&mut Chain), &'static str);

/// What the contract's rules do not allow ends the fold, with the log's place.
#[tokio::test]
#[allow(clippy::too_many_lines)] // one table
async fn events_that_do_not_go_together_are_named_with_their_log() {
    let wrong: [Wrong; 9] = [
        (
            |chain| {
                chain.send(ADA, BOB, 11);
            },
            "sends 11 base units but holds 10",
        ),
        (
            |chain| {
                chain.tx().log(&TokensUnfrozen {
                    account: ADA,
                    amount: units(1),
                });
            },
            "does not have 1 frozen base units",
        ),
        (
            |chain| {
                let (holder, amount) = (ADA, units(1));
                chain.tx().log(&TokensUnlocked {
                    holder,
                    amount,
                    releaseTime: 9,
                });
            },
            "locked up until 9",
        ),
        (
            |chain| {
                chain.set(ADA, "bob", 1);
            },
            "changes its investor while it holds tokens",
        ),
        (
            |chain| {
                let (placer, owner) = (EVE, ADA);
                chain.tx().log(&HoldDropped {
                    placer,
                    owner,
                    id: B256::ZERO,
                });
            },
            "has no such hold",
        ),
        (
            |chain| {
                let (holder, amount) = (ADA, units(1));
                chain.tx().log(&VestingReduced {
                    holder,
                    index: units(3),
                    amount,
                });
            },
            "has no schedule 3 to take from",
        ),
        (
            |chain| {
                chain.tx().log(&VestingMoved {
                    from: ADA,
                    to: BOB,
                    index: units(0),
                });
            },
            "no schedule 0 to move",
        ),
        (
            |chain| {
                chain.tx().log(&VestingMoved {
                    from: ADA,
                    to: BOB,
                    index: units(256),
                });
            },
            "there is no place 256",
        ),
        (
            |chain| {
                let value = U256::MAX;
                chain.tx().log(&Transfer {
                    from: Address::ZERO,
                    to: ADA,
                    value,
                });
            },
            "the supply exceeds 2^256",
        ),
    ];
    for (event, words) in wrong {
        let mut chain = registered();
        chain.to(2).mint(ADA, 10);
        chain.to(3);
        event(&mut chain);
        let error = chain.register().await.unwrap_err();
        let IndexError::Impossible {
            contract,
            block,
            log,
            what,
        } = error
        else {
            panic!("{words}: {error}");
        };
        assert_eq!(
            (contract, block, log),
            (source(Kind::Security).address, 3, 0),
            "{words}"
        );
        assert!(what.contains(words), "{what}");
    }
}

#[tokio::test]
async fn force_takes_tokens_with_their_lots() {
    let mut chain = registered();
    chain.to(2).mint(ADA, 10);
    chain.to(3).send(ADA, BOB, 4);
    let (from, to, value) = (ADA, BOB, units(4));
    chain.log(&ForcedTransfer {
        from,
        to,
        value,
        reason: B256::ZERO,
        by: EVE,
    });
    let register = chain.register().await.unwrap();
    assert_eq!(lots(&register, ADA), [(id(2, 0), 6)]);
    assert_eq!(lots(&register, BOB), [(id(3, 0), 4)]);
}
