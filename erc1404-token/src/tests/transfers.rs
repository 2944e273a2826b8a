//! ERC-20, the rules one by one, limits, and who may do what.

use alloy_primitives::{Address, B256, U256};
use authority::roles::{AccessControlInvalidDefaultAdmin, AccessControlUnauthorizedAccount};
use motsu::prelude::*;

use super::fixture::*;
use crate::{SecurityToken, error::*, event::*};

#[test]
fn a_new_token_says_what_it_was_given() {
    let token = Token::deployed();
    let view = token.view();
    assert_eq!(view.name(), "Example Growth Fund Class A".into());
    assert_eq!(view.symbol(), "EGFA".into());
    assert_eq!(view.isin(), "US0000000000".into());
    assert_eq!(view.version(), "1".into());
    assert_eq!(view.decimals(), 6);
    assert_eq!(view.total_supply(), U256::ZERO);
    assert_eq!(view.default_admin(), ADMIN);
    assert_eq!(view.highest_restriction_code(), 20);
    for id in [
        0x01ff_c9a7_u32,
        0x3637_2b07,
        0xab84_a5c8,
        0x78a8_de7d,
        0x6ca1_f613,
    ] {
        assert!(view.supports_interface(id.to_be_bytes().into()));
    }
    assert!(!view.supports_interface(0xffff_ffff_u32.to_be_bytes().into()));
}

#[test]
fn deploying_without_an_admin_reverts() {
    let token = Token::deployed();
    let error = AccessControlInvalidDefaultAdmin {
        account: Address::ZERO,
    };
    token.reverts(&error, |token| {
        token.by(ADMIN).constructor(
            "".into(),
            "".into(),
            0,
            "".into(),
            U256::ZERO,
            Address::ZERO,
        )
    });
}

#[test]
fn messages_are_fixed_for_the_codes_of_tokensoft_and_known_for_every_other() {
    let token = Token::deployed();
    let message =
        |code| String::from_utf8(token.view().message_for_transfer_restriction(code).0).unwrap();
    assert_eq!(message(0), "SUCCESS");
    assert_eq!(
        message(1),
        "The transfer was restricted due to white list configuration."
    );
    assert_eq!(
        message(2),
        "The transfer was restricted due to the contract being paused."
    );
    assert_eq!(message(3), "Restricted due to blacklist");
    for code in 4..=19 {
        assert_ne!(message(code), "Unknown restriction code");
    }
    assert_eq!(message(20), "Tokens are held for a matched trade");
    for code in 21..=255 {
        assert_eq!(message(code), "Unknown restriction code");
    }
}

#[test]
fn transfer_moves_and_emits() {
    let token = Token::new();
    token.mint(ALICE, 100);
    let logs = token.logs(|token| token.by(ALICE).transfer(BOB, u(40)));
    assert_eq!(
        logs,
        [log(&Transfer {
            from: ALICE,
            to: BOB,
            value: u(40)
        })]
    );
    assert_eq!((token.balance(ALICE), token.balance(BOB)), (u(60), u(40)));
}

#[test]
fn transfer_reverts_when_the_balance_is_short() {
    let token = Token::new();
    token.mint(ALICE, 100);
    assert_eq!(token.detect(ALICE, BOB, 101), 0);
    let error = ERC20InsufficientBalance {
        sender: ALICE,
        balance: u(100),
        needed: u(101),
    };
    token.reverts(&error, |token| token.by(ALICE).transfer(BOB, u(101)));
}

#[test]
fn transfer_from_spends_the_allowance() {
    let token = Token::new();
    token.mint(ALICE, 100);
    let logs = token.logs(|token| token.by(ALICE).approve(STRANGER, u(60)));
    assert_eq!(
        logs,
        [log(&Approval {
            owner: ALICE,
            spender: STRANGER,
            value: u(60)
        })]
    );
    token
        .by(STRANGER)
        .transfer_from(ALICE, BOB, u(50))
        .motsu_unwrap();
    assert_eq!(token.view().allowance(ALICE, STRANGER), u(10));
    let error = ERC20InsufficientAllowance {
        spender: STRANGER,
        allowance: u(10),
        needed: u(11),
    };
    token.reverts(&error, |token| {
        token.by(STRANGER).transfer_from(ALICE, BOB, u(11))
    });
}

#[test]
fn an_unlimited_allowance_is_not_lowered() {
    let token = Token::new();
    token.mint(ALICE, 100);
    token.by(ALICE).approve(STRANGER, U256::MAX).motsu_unwrap();
    token
        .by(STRANGER)
        .transfer_from(ALICE, BOB, u(50))
        .motsu_unwrap();
    assert_eq!(token.view().allowance(ALICE, STRANGER), U256::MAX);
}

#[test]
fn a_refused_transfer_from_leaves_the_allowance() {
    let token = Token::new();
    token.mint(ALICE, 100);
    token.by(ALICE).approve(STRANGER, u(100)).motsu_unwrap();
    token.restricted(1, |token| {
        token.by(STRANGER).transfer_from(ALICE, DAVE, u(100))
    });
    assert_eq!(token.view().allowance(ALICE, STRANGER), u(100));
    token.register(DAVE, 9, 20);
    token
        .by(STRANGER)
        .transfer_from(ALICE, DAVE, u(100))
        .motsu_unwrap();
}

#[test]
fn zero_can_neither_send_nor_be_approved() {
    let token = Token::new();
    let zero = Address::ZERO;
    token.reverts(&ERC20InvalidSpender { spender: zero }, |token| {
        token.by(ALICE).approve(zero, u(1))
    });
    token.reverts(&ERC20InvalidSender { sender: zero }, |token| {
        token.by(ALICE).transfer_from(zero, BOB, U256::ZERO)
    });
}

#[test]
fn both_wallets_and_their_pair_of_groups_must_be_allowed() {
    let token = Token::deployed();
    token.refuses(1, ALICE, BOB, 0);
    token.register(ALICE, 1, 20);
    token.refuses(1, ALICE, BOB, 0);
    token.register(BOB, 2, 30);
    token.refuses(1, ALICE, BOB, 0);
    let logs = token.logs(|token| token.by(COMPLIANCE).set_group_rule(20, 30, 1));
    assert_eq!(
        logs,
        [log(&GroupRuleSet {
            fromGroup: 20,
            toGroup: 30,
            opensAt: 1
        })]
    );
    token.moves(ALICE, BOB, 0);
    token.refuses(1, BOB, ALICE, 0);
    token
        .by(COMPLIANCE)
        .set_group_rule(20, 30, 0)
        .motsu_unwrap();
    token.refuses(1, ALICE, BOB, 0);
}

#[test]
fn a_pair_of_groups_opens_at_its_second() {
    let token = Token::new();
    token.mint(ALICE, 10);
    token
        .by(COMPLIANCE)
        .set_group_rule(20, 20, NOW + 1)
        .motsu_unwrap();
    token.refuses(14, ALICE, BOB, 1);
    token
        .by(COMPLIANCE)
        .set_group_rule(20, 20, NOW)
        .motsu_unwrap();
    token.moves(ALICE, BOB, 1);
    assert_eq!(token.view().group_rule(20, 20), NOW);
}

#[test]
fn neighbouring_pairs_of_groups_are_independent() {
    let token = Token::deployed();
    for (from, to) in [(1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (255, 255)] {
        let opens_at = u64::from(from) << 8 | u64::from(to);
        token
            .by(COMPLIANCE)
            .set_group_rule(from, to, opens_at)
            .motsu_unwrap();
    }
    token.by(COMPLIANCE).set_group_rule(1, 2, 0).motsu_unwrap();
    for (from, to, opens_at) in [
        (1, 1, 257),
        (1, 2, 0),
        (1, 3, 259),
        (2, 1, 513),
        (255, 255, 0xffff),
    ] {
        assert_eq!(token.view().group_rule(from, to), opens_at);
    }
}

#[test]
fn pause_stops_transfers_mints_and_burns() {
    let token = Token::new();
    token.mint(ALICE, 10);
    let logs = token.logs(|token| token.by(PAUSER).pause());
    assert_eq!(logs, [log(&Paused { account: PAUSER })]);
    assert!(token.view().paused());
    token.refuses(2, ALICE, BOB, 1);
    token.restricted(2, |token| token.by(ISSUER).mint(ALICE, u(1)));
    token.restricted(2, |token| token.by(ISSUER).burn(ALICE, u(1), REASON));
    token.reverts(&EnforcedPause {}, |token| token.by(PAUSER).pause());
    let logs = token.logs(|token| token.by(ADMIN).unpause());
    assert_eq!(logs, [log(&Unpaused { account: ADMIN })]);
    token.moves(ALICE, BOB, 1);
    token.reverts(&ExpectedPause {}, |token| token.by(ADMIN).unpause());
}

#[test]
fn deactivation_is_for_ever_and_stops_force_too() {
    let token = Token::new();
    token.mint(ALICE, 10);
    token.reverts(&ExpectedPause {}, |token| token.by(ADMIN).deactivate());
    assert!(!token.view().deactivated());
    token.by(PAUSER).pause().motsu_unwrap();
    let logs = token.logs(|token| token.by(ADMIN).deactivate());
    assert_eq!(logs, [log(&Deactivated { account: ADMIN })]);
    assert!(token.view().deactivated());
    token.refuses(18, ALICE, BOB, 1);
    token.restricted(18, |token| token.by(ISSUER).mint(ALICE, u(1)));
    token.restricted(18, |token| token.by(ISSUER).burn(ALICE, u(1), REASON));
    token.restricted(18, |token| {
        token.by(ENFORCER).forced_transfer(ALICE, BOB, u(1), REASON)
    });
    token.restricted(18, |token| {
        token.by(ENFORCER).forced_burn(ALICE, u(1), REASON)
    });
    token.restricted(18, |token| {
        token.by(ENFORCER).recover_wallet(ALICE, DAVE, REASON)
    });
    token.restricted(18, |token| token.by(ADMIN).deactivate());
}

#[test]
fn blocked_countries_neither_send_nor_receive() {
    let token = Token::new();
    token.mint(ALICE, 10);
    // 200 is alike to 840 and 904 modulo 64.
    token
        .by(COMPLIANCE)
        .set_wallet(BOB, investor(2), 20, 200, NOW + 1)
        .motsu_unwrap();
    let logs = token.logs(|token| token.by(COMPLIANCE).set_country_blocked(904, true));
    assert_eq!(
        logs,
        [log(&CountryBlockedSet {
            country: 904,
            blocked: true
        })]
    );
    token.moves(ALICE, BOB, 1);
    token
        .by(COMPLIANCE)
        .set_country_blocked(200, true)
        .motsu_unwrap();
    token.refuses(15, ALICE, BOB, 1);
    token.refuses(15, BOB, ALICE, 1);
    token.restricted(15, |token| token.by(ISSUER).mint(BOB, u(1)));
    token
        .by(COMPLIANCE)
        .set_country_blocked(904, false)
        .motsu_unwrap();
    token.refuses(15, ALICE, BOB, 1);
    assert!(token.view().is_country_blocked(200));
    token
        .by(COMPLIANCE)
        .set_country_blocked(200, false)
        .motsu_unwrap();
    token.moves(ALICE, BOB, 1);
    token.reverts(&InvalidCountry { country: u(1_000) }, |token| {
        token.by(COMPLIANCE).set_country_blocked(1_000, true)
    });
    token
        .by(COMPLIANCE)
        .set_country_blocked(999, true)
        .motsu_unwrap();
    assert!(token.view().is_country_blocked(999));
    // The table has four words: 76 and 2,124 = 76 + 2 * 1,024 stand at the same bit.
    token
        .by(COMPLIANCE)
        .set_country_blocked(76, true)
        .motsu_unwrap();
    let blocked = |country| token.view().is_country_blocked(country);
    assert!(blocked(76));
    for country in [1_000, 76 + 1_024, 2_124, u16::MAX] {
        assert!(!blocked(country));
    }
}

#[test]
fn a_country_that_is_blocked_or_lifted_leaves_every_other_as_it_was() {
    let token = Token::new();
    token.mint(ALICE, 10);
    token
        .by(COMPLIANCE)
        .set_wallet(BOB, investor(2), 20, 76, NOW + 1)
        .motsu_unwrap();
    let set = |country, blocked| {
        token
            .by(COMPLIANCE)
            .set_country_blocked(country, blocked)
            .motsu_unwrap();
    };
    // A bit for each remainder by 64: without it no transfer reads the table.
    let classes = || token.view().settings().countries;
    set(76, true);
    assert_eq!(classes(), 1 << 12);
    set(276, true);
    assert_eq!(classes(), 1 << 12 | 1 << 20);
    token.refuses(15, ALICE, BOB, 1);
    set(276, false);
    set(276, false);
    assert_eq!(classes(), 1 << 12);
    token.refuses(15, ALICE, BOB, 1);
    set(76, false);
    assert_eq!(classes(), 0);
    token.moves(ALICE, BOB, 1);
}

#[test]
fn expired_kyc_neither_sends_nor_receives() {
    let token = Token::new();
    token.mint(ALICE, 10);
    token
        .by(COMPLIANCE)
        .set_wallet(BOB, investor(2), 20, 840, NOW)
        .motsu_unwrap();
    token.refuses(16, ALICE, BOB, 1);
    token.refuses(16, BOB, ALICE, 0);
    token.restricted(16, |token| token.by(ISSUER).mint(BOB, u(1)));
}

#[test]
fn a_recipient_is_neither_zero_nor_the_token() {
    let token = Token::new();
    token.mint(ALICE, 10);
    token.refuses(4, ALICE, Address::ZERO, 1);
    token.refuses(4, ALICE, token.contract.address(), 1);
    token.restricted(4, |token| token.by(ISSUER).mint(Address::ZERO, u(1)));
}

#[test]
fn mint_batch_mints_to_all_or_none() {
    let token = Token::new();
    token
        .by(ISSUER)
        .mint_batch(vec![ALICE, BOB], vec![u(1), u(2)])
        .motsu_unwrap();
    assert_eq!((token.balance(ALICE), token.balance(BOB)), (u(1), u(2)));
    token.restricted(1, |token| {
        token
            .by(ISSUER)
            .mint_batch(vec![ALICE, DAVE], vec![u(1), u(2)])
    });
    assert_eq!(token.balance(ALICE), u(1));
    token.reverts(
        &LengthMismatch {
            length: u(1),
            otherLength: u(2),
        },
        |token| token.by(ISSUER).mint_batch(vec![ALICE], vec![u(1), u(2)]),
    );
    token.reverts(
        &BatchTooLarge {
            length: u(101),
            limit: u(100),
        },
        |token| {
            token
                .by(ISSUER)
                .mint_batch(vec![ALICE; 101], vec![u(1); 101])
        },
    );
}

#[test]
fn burn_redeems_and_names_the_reason() {
    let token = Token::new();
    token.mint(ALICE, 10);
    let logs = token.logs(|token| token.by(ISSUER).burn(ALICE, u(4), REASON));
    let burned = Burned {
        from: ALICE,
        value: u(4),
        reason: REASON,
        by: ISSUER,
    };
    let transfer = Transfer {
        from: ALICE,
        to: Address::ZERO,
        value: u(4),
    };
    assert_eq!(logs, [log(&transfer), log(&burned)]);
    assert_eq!(
        (token.view().total_supply(), token.balance(ALICE)),
        (u(6), u(6))
    );
    // A redemption looks neither at the KYC nor at the country.
    token
        .by(COMPLIANCE)
        .set_investor(investor(1), 20, 840, NOW)
        .motsu_unwrap();
    token
        .by(COMPLIANCE)
        .set_country_blocked(840, true)
        .motsu_unwrap();
    token.by(ISSUER).burn(ALICE, u(6), REASON).motsu_unwrap();
    assert_eq!(token.view().holder_count().count, 0);
    let error = ERC20InsufficientBalance {
        sender: ALICE,
        balance: U256::ZERO,
        needed: u(1),
    };
    token.reverts(&error, |token| token.by(ISSUER).burn(ALICE, u(1), REASON));
}

#[test]
fn the_cap_per_investor_counts_all_its_wallets() {
    let token = Token::new();
    token.mint(ALICE, 960);
    token.mint(BOB, 1_000);
    token.limit(1_200, 0, 0, 0, 0);
    token.moves(ALICE, ALICE2, 500);
    token.refuses(11, BOB, ALICE, 241);
    token.refuses(11, BOB, ALICE2, 241);
    token.moves(BOB, ALICE2, 240);
    assert_eq!(token.view().holdings_of(investor(1)), u(1_200));
    token.restricted(11, |token| token.by(ISSUER).mint(ALICE, u(1)));
}

#[test]
fn the_relative_cap_binds_receiving_only_and_follows_the_supply() {
    let token = Token::new();
    token.mint(ALICE, 100_000);
    let logs = token.logs(|token| {
        token
            .by(COMPLIANCE)
            .set_limits(U256::ZERO, 1_000, 0, U256::ZERO, U256::ZERO)
    });
    let limits = LimitsSet {
        maxPerInvestor: U256::ZERO,
        maxBipsPerInvestor: 1_000,
        maxHolders: 0,
        minHolding: U256::ZERO,
        granularity: U256::ZERO,
    };
    assert_eq!(logs, [log(&limits)]);
    token.refuses(11, ALICE, BOB, 10_001);
    token.moves(ALICE, BOB, 10_000);
    token
        .by(ISSUER)
        .burn(ALICE, u(50_000), REASON)
        .motsu_unwrap();
    token.refuses(11, ALICE, CAROL, 5_001);
    token.moves(ALICE, CAROL, 5_000);
    // Bob is over the cap because others burned: he may still send.
    token.moves(BOB, ALICE2, 0);
    token.refuses(11, BOB, CAROL, 1);
    // It binds transfers only.
    token.by(ISSUER).mint(CAROL, u(1)).motsu_unwrap();
}

#[test]
fn limits_that_change_while_the_token_is_paused_leave_it_paused() {
    let token = Token::new();
    token.mint(ALICE, 10);
    token.by(PAUSER).pause().motsu_unwrap();
    token.limit(20, 0, 0, 0, 0);
    assert!(token.view().paused());
    token.refuses(2, ALICE, BOB, 1);
    token.limit(0, 0, 0, 0, 0);
    assert!(token.view().paused());
}

#[test]
fn more_than_the_whole_is_no_share() {
    let token = Token::new();
    token.reverts(&InvalidBips { bips: u(10_001) }, |token| {
        token.by(COMPLIANCE).set_limits(u(0), 10_001, 0, u(0), u(0))
    });
    token.limit(0, 10_000, 0, 0, 0);
    assert_eq!(token.view().limits().maxBipsPerInvestor, 10_000);
}

#[test]
fn who_leaves_makes_room_for_a_holder() {
    let token = Token::new();
    token.mint(ALICE, 10);
    token.mint(BOB, 10);
    token.limit(0, 0, 2, 0, 0);
    token.refuses(12, ALICE, CAROL, 9);
    token.moves(ALICE, CAROL, 10);
    assert_eq!(token.view().holder_count().count, 2);
    token.moves(BOB, ALICE, 0);
    assert_eq!(token.view().holder_count().count, 2);
    token.restricted(12, |token| token.by(ISSUER).mint(ALICE, u(1)));
}

#[test]
fn a_group_has_a_limit_of_its_own() {
    let token = Token::new();
    token.register(DAVE, 9, 30);
    token
        .by(COMPLIANCE)
        .set_group_rule(20, 30, 1)
        .motsu_unwrap();
    token.mint(ALICE, 10);
    let logs = token.logs(|token| token.by(COMPLIANCE).set_group_holder_limit(20, 1));
    assert_eq!(
        logs,
        [log(&GroupHolderLimitSet {
            group: 20,
            maxHolders: 1
        })]
    );
    token.refuses(13, ALICE, BOB, 9);
    token.moves(ALICE, BOB, 10);
    token.moves(BOB, DAVE, 5);
    let groups = [20, 30].map(|group| {
        let holders = token.view().group_holders(group);
        (holders.count, holders.limit)
    });
    assert_eq!(groups, [(1, 1), (1, 0)]);
    token.reverts(&InvalidGroup { group: 0 }, |token| {
        token.by(COMPLIANCE).set_group_holder_limit(0, 1)
    });
}

#[test]
fn sizes_are_multiples_and_no_crumbs_are_left() {
    let token = Token::new();
    token.mint(ALICE, 100);
    token.limit(0, 0, 0, 20, 10);
    token.refuses(17, ALICE, BOB, 25);
    token.refuses(17, ALICE, BOB, 90);
    token.refuses(17, ALICE, BOB, 10);
    token.moves(ALICE, BOB, 80);
    token.moves(ALICE, BOB, 0);
    token.moves(ALICE, ALICE, 10);
    token.refuses(17, ALICE, ALICE, 5);
    token.restricted(17, |token| token.by(ISSUER).mint(CAROL, u(10)));
    token.moves(ALICE, BOB, 20);
}

#[test]
fn limits_too_wide_to_pack_hold_as_well() {
    let token = Token::new();
    let wide = U256::from(1) << 200;
    token.by(ISSUER).mint(ALICE, wide).motsu_unwrap();
    let set = |max, min, granularity| {
        token
            .by(COMPLIANCE)
            .set_limits(max, 0, 0, min, granularity)
            .motsu_unwrap();
    };
    let detect = |value| token.view().detect_transfer_restriction(ALICE, BOB, value);
    set(wide - u(1), U256::ZERO, U256::ZERO);
    assert_eq!((detect(wide - u(1)), detect(wide)), (0, 11));
    set(U256::ZERO, wide >> 1, U256::ZERO);
    assert_eq!((detect(wide >> 1), detect(u(1)), detect(wide)), (0, 17, 0));
    set(U256::ZERO, U256::ZERO, wide >> 2);
    assert_eq!((detect(wide >> 1), detect(u(1)), detect(wide)), (0, 17, 0));
    let limits = token.view().limits();
    assert_eq!(limits.granularity, wide >> 2);
}

#[test]
fn a_cap_of_nothing_is_a_cap() {
    let token = Token::new();
    token.mint(ALICE, 9_999);
    token.limit(0, 1, 0, 0, 0);
    token.refuses(11, ALICE, BOB, 1);
}

#[test]
fn a_share_of_the_supply_caps_no_mint_and_an_amount_does() {
    let token = Token::new();
    token.limit(0, 1, 0, 0, 0);
    assert_eq!(token.detect(Address::ZERO, ALICE, 100), 0);
    token.mint(ALICE, 100);
    token.mint(BOB, 1);
    token.refuses(11, BOB, ALICE, 1);
    token.limit(150, 1, 0, 0, 0);
    assert_eq!(token.detect(Address::ZERO, ALICE, 51), 11);
    token.restricted(11, |token| token.by(ISSUER).mint(ALICE, u(51)));
    token.mint(ALICE, 50);
}

#[test]
fn minting_judges_the_issuer_as_its_spender() {
    let token = Token::new();
    let detect = || {
        token
            .view()
            .detect_transfer_restriction_from(ISSUER, Address::ZERO, ALICE, u(1))
    };
    let acts: [Act; 4] = [
        |t| t.mint(ALICE, u(1)),
        |t| t.mint_batch(vec![ALICE], vec![u(1)]),
        |t| t.mint_locked(ALICE, u(1), NOW + 9),
        |t| {
            t.grant_vesting(ALICE, u(1), NOW, 9, 0, 0, 0, true)
                .map(drop)
        },
    ];
    token
        .by(ENFORCER)
        .set_address_frozen(ISSUER, true)
        .motsu_unwrap();
    assert_eq!(detect(), 7);
    for act in acts {
        token.restricted(7, |token| act(&mut token.by(ISSUER)));
    }
    token
        .by(ENFORCER)
        .set_sanctioned(vec![ISSUER], true)
        .motsu_unwrap();
    assert_eq!(detect(), 3);
    for act in acts {
        token.restricted(3, |token| act(&mut token.by(ISSUER)));
    }
    assert_eq!(token.view().total_supply(), U256::ZERO);
}

#[test]
fn a_mint_can_be_locked_at_once() {
    let token = Token::new();
    let logs = token.logs(|token| token.by(ISSUER).mint_locked(ALICE, u(7), NOW + 9));
    let minted = Transfer {
        from: Address::ZERO,
        to: ALICE,
        value: u(7),
    };
    let locked = |amount, release_time| {
        log(&TokensLocked {
            holder: ALICE,
            amount: u(amount),
            releaseTime: release_time,
        })
    };
    assert_eq!(logs, [log(&minted), locked(7, NOW + 9)]);
    token.refuses(9, ALICE, BOB, 1);
    token
        .by(ISSUER)
        .mint_locked_batch(
            vec![ALICE, BOB, ALICE],
            vec![u(1), u(2), u(3)],
            vec![NOW + 9, NOW + 8, NOW + 7],
        )
        .motsu_unwrap();
    let locks = token.view().locks_of(ALICE);
    assert_eq!(locks.amounts, [u(8), u(3)]);
    assert_eq!(locks.releaseTimes, [NOW + 9, NOW + 7]);
    assert_eq!(token.view().locks_of(BOB).amounts, [u(2)]);
    assert_eq!((token.balance(ALICE), token.balance(BOB)), (u(11), u(2)));
}

#[test]
fn a_locked_mint_reverts_as_the_mint_or_the_lock_would() {
    let token = Token::new();
    let mint = |to, amount: u64, time| {
        move |token: &Token| token.by(ISSUER).mint_locked(to, u(amount), time)
    };
    token.restricted(1, mint(DAVE, 1, NOW + 9));
    let passed = |release_time| ReleaseTimePassed {
        holder: ALICE,
        releaseTime: release_time,
        now_: NOW,
    };
    let none = InvalidLock {
        holder: ALICE,
        amount: U256::ZERO,
        alreadyLocked: U256::ZERO,
    };
    let far = TimeTooFar {
        time: u64::MAX,
        latest: NOW + 6_311_520_000,
    };
    token.reverts(&passed(NOW), mint(ALICE, 1, NOW));
    token.reverts(&far, mint(ALICE, 1, u64::MAX));
    token.reverts(&none, mint(ALICE, 0, NOW + 9));
    let batch = |to: Vec<Address>, amounts: usize, times: Vec<u64>| {
        move |token: &Token| {
            token
                .by(ISSUER)
                .mint_locked_batch(to, vec![u(1); amounts], times)
        }
    };
    let length = |other| LengthMismatch {
        length: u(1),
        otherLength: u(other),
    };
    token.reverts(&length(2), batch(vec![ALICE], 2, vec![NOW + 1]));
    token.reverts(&length(0), batch(vec![ALICE], 1, vec![]));
    let large = BatchTooLarge {
        length: u(101),
        limit: u(100),
    };
    token.reverts(&large, batch(vec![ALICE; 101], 101, vec![NOW + 1; 101]));
    let second = batch(vec![BOB, ALICE], 2, vec![NOW + 1, NOW]);
    token.reverts(&passed(NOW), second);
    assert_eq!(token.view().total_supply(), U256::ZERO);
    assert_eq!(token.encumbrances(BOB).1, U256::ZERO);
}

#[test]
fn the_supply_cap_stops_minting() {
    let token = Token::new();
    token.mint(ALICE, 10);
    let logs = token.logs(|token| token.by(ADMIN).set_supply_cap(u(12)));
    assert_eq!(logs, [log(&SupplyCapSet { supplyCap: u(12) })]);
    assert_eq!(token.view().supply_cap(), u(12));
    token.restricted(19, |token| token.by(ISSUER).mint(ALICE, u(3)));
    assert_eq!(token.detect(Address::ZERO, ALICE, 3), 19);
    token.mint(ALICE, 2);
    let error = SupplyAboveCap {
        totalSupply: u(12),
        supplyCap: u(11),
    };
    token.reverts(&error, |token| token.by(ADMIN).set_supply_cap(u(11)));
    token.by(ADMIN).set_supply_cap(u(12)).motsu_unwrap();
    token.by(ADMIN).set_supply_cap(U256::ZERO).motsu_unwrap();
    token.restricted(19, |token| token.by(ISSUER).mint(ALICE, U256::MAX));
    assert_eq!(token.view().supply_cap(), U256::ZERO);
}

type Act = fn(&mut SecurityToken) -> Result<(), runtime::abi::Revert>;

/// Every privileged function with the role it needs.
const PRIVILEGED: [(&str, Act); 31] = [
    ("COMPLIANCE_ROLE", |t| {
        t.set_wallet(DAVE, investor(9), 1, 1, 1)
    }),
    ("COMPLIANCE_ROLE", |t| {
        t.set_wallets(vec![], vec![], vec![], vec![], vec![])
    }),
    ("COMPLIANCE_ROLE", |t| t.remove_wallet(BOB)),
    ("COMPLIANCE_ROLE", |t| t.set_investor(investor(1), 1, 1, 1)),
    ("COMPLIANCE_ROLE", |t| t.set_class_limit(u(2), 1)),
    ("COMPLIANCE_ROLE", |t| t.set_group_rule(1, 1, 1)),
    ("COMPLIANCE_ROLE", |t| t.set_country_blocked(1, true)),
    ("COMPLIANCE_ROLE", |t| t.set_limits(u(0), 0, 0, u(0), u(0))),
    ("COMPLIANCE_ROLE", |t| t.set_group_holder_limit(1, 1)),
    ("COMPLIANCE_ROLE", |t| t.lock_tokens(ALICE, u(1), NOW + 1)),
    ("COMPLIANCE_ROLE", |t| t.unlock_tokens(ALICE, NOW + 9)),
    ("ISSUER_ROLE", |t| t.mint(ALICE, u(1))),
    ("ISSUER_ROLE", |t| t.mint_batch(vec![], vec![])),
    ("ISSUER_ROLE", |t| t.burn(ALICE, u(1), REASON)),
    ("ISSUER_ROLE", |t| t.mint_locked(ALICE, u(1), NOW + 9)),
    ("ISSUER_ROLE", |t| {
        t.mint_locked_batch(vec![ALICE], vec![u(1)], vec![NOW + 9])
    }),
    ("ISSUER_ROLE", |t| {
        t.grant_vesting(ALICE, u(1), 0, 0, 0, 0, 0, false).map(drop)
    }),
    ("ISSUER_ROLE", |t| t.revoke_vesting(ALICE, u(0), BOB)),
    ("ENFORCER_ROLE", |t| t.set_sanctioned(vec![DAVE], true)),
    ("ENFORCER_ROLE", |t| t.set_address_frozen(DAVE, true)),
    ("ENFORCER_ROLE", |t| t.freeze_partial_tokens(ALICE, u(1))),
    ("ENFORCER_ROLE", |t| t.unfreeze_partial_tokens(ALICE, u(0))),
    ("ENFORCER_ROLE", |t| {
        t.forced_transfer(ALICE, BOB, u(1), REASON)
    }),
    ("ENFORCER_ROLE", |t| t.forced_burn(ALICE, u(1), REASON)),
    ("ENFORCER_ROLE", |t| t.recover_wallet(ALICE, ALICE2, REASON)),
    ("PAUSER_ROLE", |t| t.pause()),
    ("", |t| t.set_supply_cap(u(0))),
    ("", |t| t.grant_role(role("ISSUER_ROLE"), DAVE)),
    ("", |t| t.revoke_role(role("ISSUER_ROLE"), ISSUER)),
    ("", |t| t.unpause()),
    ("", |t| t.deactivate()),
];

#[test]
fn privileged_functions_revert_for_everybody_without_the_role() {
    let roles = [
        "COMPLIANCE_ROLE",
        "ISSUER_ROLE",
        "ENFORCER_ROLE",
        "PAUSER_ROLE",
        "",
        "none",
    ];
    let accounts = [COMPLIANCE, ISSUER, ENFORCER, PAUSER, ADMIN, STRANGER];
    for (needed, act) in PRIVILEGED {
        for (name, account) in roles.into_iter().zip(accounts) {
            let token = Token::new();
            token.mint(ALICE, 10);
            token.lock(ALICE, 1, NOW + 9);
            token
                .by(ISSUER)
                .grant_vesting(ALICE, u(1), NOW, 9, 0, 0, 0, true)
                .motsu_unwrap();
            if needed.is_empty() {
                // The admin may do all of this while paused, and two things only then.
                token.by(PAUSER).pause().motsu_unwrap();
            }
            if name == needed {
                act(&mut token.by(account)).motsu_unwrap();
                continue;
            }
            let needed_role = if needed.is_empty() {
                B256::ZERO
            } else {
                role(needed)
            };
            let error = AccessControlUnauthorizedAccount {
                account,
                neededRole: needed_role,
            };
            token.reverts(&error, |token| act(&mut token.by(account)));
        }
    }
}

#[test]
fn the_default_admin_moves_in_two_steps() {
    let token = Token::deployed();
    token
        .by(ADMIN)
        .begin_default_admin_transfer(STRANGER)
        .motsu_unwrap();
    assert_eq!(token.view().pending_default_admin(), STRANGER);
    token.reverts(
        &AccessControlInvalidDefaultAdmin { account: ALICE },
        |token| token.by(ALICE).accept_default_admin_transfer(),
    );
    token
        .by(ADMIN)
        .cancel_default_admin_transfer()
        .motsu_unwrap();
    token
        .by(ADMIN)
        .begin_default_admin_transfer(STRANGER)
        .motsu_unwrap();
    token
        .by(STRANGER)
        .accept_default_admin_transfer()
        .motsu_unwrap();
    assert_eq!(token.view().default_admin(), STRANGER);
    assert!(token.view().has_role(B256::ZERO, STRANGER));
    assert_eq!(token.view().get_role_admin(role("ISSUER_ROLE")), B256::ZERO);
    token
        .by(ISSUER)
        .renounce_role(role("ISSUER_ROLE"), ISSUER)
        .motsu_unwrap();
    assert!(!token.view().has_role(role("ISSUER_ROLE"), ISSUER));
}
