//! Every entry point that moves value, approves or signs, with each of its parties blacklisted and with the pause on.
//!
//! | entry point | refused for a blacklisted |
//! | --- | --- |
//! | transfer | caller, to |
//! | transferFrom | caller, from, to |
//! | mint, mintWithReference | minter, to |
//! | burn, burnWithReference | minter |
//! | placeHold | caller, owner |
//! | useHold | caller, owner, to |
//! | transferWithAuthorization | from, to (not the relayer) |
//! | receiveWithAuthorization | from, to (who is the caller) |
//! | approve and the like, permit, cancelAuthorization | nobody |

use alloy_primitives::{B256, U256, keccak256};
use motsu::prelude::*;
use runtime::abi::Revert;

use crate::{
    error::Error,
    fixture::{Coin, NOW, u},
};

/// Who takes part: alice gives, carol gets, bob spends or relays, the minter mints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Party {
    From,
    To,
    Caller,
    Minter,
}

/// The id of bob's hold on alice's coins.
const HELD: B256 = B256::repeat_byte(7);

use Party::{Caller, From, Minter, To};

/// Signed by alice, for carol, valid now.
fn authorized(coin: &Coin, receive: bool) -> Result<(), Revert> {
    let kind = if receive { "Receive" } else { "Transfer" };
    let fields = "(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)";
    let (from, to, nonce) = (
        coin.alice.address(),
        coin.carol.address(),
        B256::repeat_byte(3),
    );
    let words = [
        keccak256(format!("{kind}WithAuthorization{fields}")),
        from.into_word(),
        to.into_word(),
        u(1).into(),
        u(0).into(),
        u(NOW + 1).into(),
        nonce,
    ];
    let bytes = coin.sign(coin.alice, &words).bytes();
    let sender = if receive { coin.carol } else { coin.bob };
    let mut c = coin.contract.sender(sender);
    if receive {
        c.receive_with_authorization_bytes(from, to, u(1), u(0), u(NOW + 1), nonce, bytes)
    } else {
        c.transfer_with_authorization_bytes(from, to, u(1), u(0), u(NOW + 1), nonce, bytes)
    }
}

fn permitted(coin: &Coin) -> Result<(), Revert> {
    let (owner, spender) = (coin.alice.address(), coin.carol.address());
    let words = [
        keccak256(
            "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)",
        ),
        owner.into_word(),
        spender.into_word(),
        u(1).into(),
        u(0).into(),
        U256::MAX.into(),
    ];
    let bytes = coin.sign(coin.alice, &words).bytes();
    coin.contract
        .sender(coin.bob)
        .permit_bytes(owner, spender, u(1), U256::MAX, bytes)
}

fn cancelled(coin: &Coin) -> Result<(), Revert> {
    let (authorizer, nonce) = (coin.alice.address(), B256::repeat_byte(3));
    let typehash = keccak256("CancelAuthorization(address authorizer,bytes32 nonce)");
    let bytes = coin
        .sign(coin.alice, &[typehash, authorizer.into_word(), nonce])
        .bytes();
    coin.contract
        .sender(coin.bob)
        .cancel_authorization_bytes(authorizer, nonce, bytes)
}

type Act = fn(&Coin) -> Result<(), Revert>;

/// Name, act, and whose blacklisting refuses it.
const ENTRY_POINTS: &[(&str, Act, &[Party])] = &[
    (
        "transfer",
        |c| {
            c.contract
                .sender(c.alice)
                .transfer(c.carol.address(), u(1))
                .map(drop)
        },
        &[From, To],
    ),
    (
        "transferFrom",
        |c| {
            let (from, to) = (c.alice.address(), c.carol.address());
            c.contract
                .sender(c.bob)
                .transfer_from(from, to, u(1))
                .map(drop)
        },
        &[From, To, Caller],
    ),
    (
        "placeHold",
        |c| {
            c.contract.sender(c.bob).place_hold(
                B256::repeat_byte(8),
                c.alice.address(),
                u(1),
                NOW + 1,
            )
        },
        &[From, Caller],
    ),
    (
        "useHold",
        |c| {
            let (from, to) = (c.alice.address(), c.carol.address());
            c.contract.sender(c.bob).use_hold(HELD, from, to, u(1))
        },
        &[From, To, Caller],
    ),
    (
        "mint",
        |c| {
            c.contract
                .sender(c.minter)
                .mint(c.carol.address(), u(1))
                .map(drop)
        },
        &[Minter, To],
    ),
    (
        "mintWithReference",
        |c| {
            let reference = B256::repeat_byte(1);
            c.contract
                .sender(c.minter)
                .mint_with_reference(c.carol.address(), u(1), reference)
                .map(drop)
        },
        &[Minter, To],
    ),
    (
        "burn",
        |c| c.contract.sender(c.minter).burn(u(1)),
        &[Minter],
    ),
    (
        "burnWithReference",
        |c| {
            c.contract
                .sender(c.minter)
                .burn_with_reference(u(1), B256::repeat_byte(1))
        },
        &[Minter],
    ),
    (
        "transferWithAuthorization",
        |c| authorized(c, false),
        &[From, To],
    ),
    (
        "receiveWithAuthorization",
        |c| authorized(c, true),
        &[From, To],
    ),
    ("cancelAuthorization", cancelled, &[]),
    ("permit", permitted, &[]),
    (
        "approve",
        |c| {
            c.contract
                .sender(c.alice)
                .approve(c.carol.address(), u(1))
                .map(drop)
        },
        &[],
    ),
    (
        "increaseAllowance",
        |c| {
            c.contract
                .sender(c.alice)
                .increase_allowance(c.carol.address(), u(1))
                .map(drop)
        },
        &[],
    ),
    (
        "decreaseAllowance",
        |c| {
            c.contract
                .sender(c.alice)
                .decrease_allowance(c.bob.address(), u(1))
                .map(drop)
        },
        &[],
    ),
];

/// A coin in which everything in the table would succeed.
fn ready() -> Coin {
    let coin = Coin::new();
    coin.contract
        .sender(coin.alice)
        .approve(coin.bob.address(), u(5))
        .motsu_unwrap();
    coin.contract
        .sender(coin.minter)
        .mint(coin.minter.address(), u(5))
        .motsu_unwrap();
    coin.contract
        .sender(coin.bob)
        .place_hold(HELD, coin.alice.address(), u(2), NOW + 1)
        .motsu_unwrap();
    coin
}

fn account(coin: &Coin, party: Party) -> Account {
    match party {
        From => coin.alice,
        To => coin.carol,
        Caller => coin.bob,
        Minter => coin.minter,
    }
}

#[test]
fn each_party_of_each_entry_point_is_checked_and_nobody_else() {
    for (name, act, refused) in ENTRY_POINTS {
        for party in [From, To, Caller, Minter] {
            let coin = ready();
            let blocked = account(&coin, party);
            coin.blacklist(blocked);
            if refused.contains(&party) {
                let error = Error::AccountBlacklisted {
                    account: blocked.address(),
                };
                coin.reverts(error, |_| act(&coin));
            } else {
                assert_eq!(
                    act(&coin).motsu_res(),
                    Ok(()),
                    "{name} with {party:?} blocked"
                );
            }
        }
    }
}

#[test]
fn the_pause_comes_first_in_each_entry_point() {
    for (_, act, refused) in ENTRY_POINTS {
        let coin = ready();
        for party in *refused {
            coin.blacklist(account(&coin, *party));
        }
        coin.pause();
        coin.reverts(Error::EnforcedPause {}, |_| act(&coin));
    }
}

#[test]
fn everything_works_again_after_the_pause() {
    for (_, act, _) in ENTRY_POINTS {
        let coin = ready();
        coin.pause();
        coin.unpause();
        coin.logs(|_| act(&coin));
    }
}
