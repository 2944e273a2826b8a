//! The contract against `docs/interfaces/ISecurityToken.json`, and signatures.

use std::collections::BTreeSet;

use alloy_primitives::{Address, B256, U256, hex, keccak256};
use alloy_signer::SignerSync;
use alloy_sol_types::SolValue;
use motsu::prelude::*;
use runtime::abi::Outcome;
use serde_json::Value;
use stylus_sdk::abi::Router;

use super::fixture::*;
use crate::{SecurityToken, codes, error::*, event::*, returns};

/// Name and signature of every entry of one kind in the interface.
fn entries(kind: &str) -> Vec<(String, String)> {
    let json = include_str!("../../../docs/interfaces/ISecurityToken.json");
    let entries: Vec<Value> = serde_json::from_str(json).unwrap();
    let wanted = entries.iter().filter(|entry| entry["type"] == kind);
    wanted
        .map(|entry| {
            let name = entry["name"].as_str().unwrap();
            let types = entry["inputs"].as_array().unwrap().iter();
            let types: Vec<&str> = types.map(|input| input["type"].as_str().unwrap()).collect();
            (name.to_owned(), format!("{name}({})", types.join(",")))
        })
        .collect()
}

#[test]
fn every_function_of_the_interface_is_routed() {
    let token = Token::deployed();
    for (_, signature) in entries("function") {
        let selector = u32::from_be_bytes(keccak256(&signature)[..4].try_into().unwrap());
        // Enough zeros for any arguments: offsets of arrays point at a length of zero.
        let routed = SecurityToken::route(&mut token.by(ADMIN), selector, &[0; 320]);
        assert!(routed.is_some(), "{signature}");
    }
}

#[test]
fn unknown_selectors_and_short_arguments_are_not_routed() {
    let token = Token::deployed();
    let mut call = token.by(ADMIN);
    assert!(SecurityToken::route(&mut call, 0x1234_5678, &[0; 320]).is_none());
    let balance_of = u32::from_be_bytes(keccak256("balanceOf(address)")[..4].try_into().unwrap());
    assert!(SecurityToken::route(&mut call, balance_of, &[0; 31]).is_none());
    assert!(SecurityToken::route(&mut call, balance_of, &[0xff; 32]).is_none());
    assert!(SecurityToken::route(&mut call, balance_of, &[0; 33]).is_some());
}

/// Name and selector of every entry of one kind in the interface.
fn selectors(kind: &str) -> BTreeSet<(String, [u8; 4])> {
    let entries = entries(kind).into_iter();
    entries
        .map(|(name, signature)| (name, keccak256(signature)[..4].try_into().unwrap()))
        .collect()
}

#[test]
fn functions_are_those_of_the_interface() {
    let declared: BTreeSet<_> = SecurityToken::FUNCTIONS
        .iter()
        .map(|(name, selector)| (String::from(*name), *selector))
        .collect();
    assert_eq!(declared, selectors("function"));
    assert_eq!(declared.len(), SecurityToken::FUNCTIONS.len());
}

#[test]
fn restriction_codes_have_the_names_of_the_list() {
    macro_rules! named {
        ($($code:ident),* $(,)?) => { [$((stringify!($code), u64::from(codes::$code))),*] };
    }
    let declared = named![
        SUCCESS,
        NOT_ALLOWED,
        TOKEN_PAUSED,
        SANCTIONED,
        INVALID_RECIPIENT,
        SENDER_FROZEN,
        RECIPIENT_FROZEN,
        SPENDER_FROZEN,
        PARTLY_FROZEN,
        LOCKED,
        NOT_VESTED,
        INVESTOR_CAP,
        HOLDER_CAP,
        GROUP_HOLDER_CAP,
        NOT_OPEN_YET,
        COUNTRY_BLOCKED,
        KYC_EXPIRED,
        INVALID_SIZE,
        DEACTIVATED,
        SUPPLY_CAP,
        HELD,
    ];
    assert_eq!(declared.len(), usize::from(codes::HIGHEST) + 1);
    let file = include_str!("../../../docs/interfaces/codes.json");
    let listed: Value = serde_json::from_str(file).unwrap();
    let listed: BTreeSet<_> = listed["restrictions"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, number)| (name.as_str(), number.as_u64().unwrap()))
        .collect();
    assert_eq!(BTreeSet::from(declared), listed);
}

#[test]
fn answers_are_encoded_as_solidity_returns_them() {
    let wallets = vec![ALICE, BOB];
    let list = returns::WalletList {
        wallets: wallets.clone(),
    };
    assert_eq!(list.encode(), Ok((wallets,).abi_encode_params()));

    let record = returns::WalletRecord {
        investorId: investor(1),
        group: 20,
        country: 840,
        kycExpiry: NOW,
        frozen: true,
        sanctioned: false,
    };
    assert_eq!(record.clone().encode(), Ok(record.abi_encode()));

    let limits = returns::Limits {
        maxPerInvestor: u(1),
        maxBipsPerInvestor: 2,
        maxHolders: 3,
        minHolding: u(4),
        granularity: u(5),
    };
    assert_eq!(limits.clone().encode(), Ok(limits.abi_encode()));

    let holders = returns::GroupHolders { count: 6, limit: 7 };
    assert_eq!(holders.clone().encode(), Ok(holders.abi_encode()));

    for (amounts, times) in [(vec![], vec![]), (vec![u(1), u(2)], vec![3_u64, 4])] {
        let expected = (amounts.clone(), times.clone()).abi_encode_params();
        assert_eq!(
            returns::LockList {
                amounts,
                releaseTimes: times
            }
            .encode(),
            Ok(expected)
        );
    }

    for (groups, limits) in [(vec![], vec![]), (vec![u(6), u(8)], vec![1_u32, 2])] {
        let holders: Vec<u32> = limits.iter().map(|limit| limit + 7).collect();
        let expected = (groups.clone(), limits.clone(), holders.clone()).abi_encode_params();
        let list = returns::ClassList {
            groups,
            maxHolders: limits,
            holders,
        };
        assert_eq!(list.encode(), Ok(expected));
    }

    let hold = returns::Hold {
        amount: u(1),
        until: 2,
    };
    assert_eq!(hold.clone().encode(), Ok(hold.abi_encode()));

    let vesting = returns::Vesting {
        amount: u(1),
        vested: u(2),
        start: 3,
        cliff: 4,
        period: 5,
        periods: 6,
        firstBips: 7,
        revocable: true,
        revoked: false,
    };
    assert_eq!(vesting.clone().encode(), Ok(vesting.abi_encode()));
    assert_eq!(returns::Count { count: 9 }.encode(), Ok(u(9).abi_encode()));
}

/// The digest of a permit, computed without the contract's code.
fn permit_digest(token: &Token, words: [B256; 5]) -> B256 {
    let type_hash = hex!("6e71edae12b1b97f4d1f60370fef10105fa2faae0126114a169c64845d6126c9");
    let domain = keccak256(
        [
            keccak256(
                "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
            ),
            keccak256("Example Growth Fund Class A"),
            keccak256("1"),
            U256::from(42_161).into(),
            token.contract.address().into_word(),
        ]
        .concat(),
    );
    assert_eq!(token.view().domain_separator(), domain);
    let hash = keccak256([type_hash.as_slice(), &words.concat()].concat());
    keccak256([&[0x19, 0x01], domain.as_slice(), hash.as_slice()].concat())
}

#[test]
fn permit_approves_what_the_owner_signed() {
    let token = Token::new();
    let account = Account::from_seed("holder");
    let owner = account.address();
    let sign = |value: U256, nonce: u64, deadline: u64| {
        let words = [
            owner.into_word(),
            BOB.into_word(),
            value.into(),
            u(nonce).into(),
            u(deadline).into(),
        ];
        let signature = account
            .signer()
            .sign_hash_sync(&permit_digest(&token, words))
            .unwrap();
        (
            27 + u8::from(signature.v()),
            B256::from(signature.r()),
            B256::from(signature.s()),
        )
    };
    let permit = |value: u64, deadline: u64, (v, r, s): (u8, B256, B256)| {
        move |token: &Token| {
            token
                .by(STRANGER)
                .permit(owner, BOB, u(value), u(deadline), v, r, s)
        }
    };
    let signature = sign(u(7), 0, NOW);
    token.reverts(
        &InvalidSignature { signer: owner },
        permit(8, NOW, signature),
    );
    let error = SignatureExpired {
        deadline: u(NOW - 1),
        now_: u(NOW),
    };
    token.reverts(&error, permit(7, NOW - 1, signature));
    let logs = token.logs(permit(7, NOW, signature));
    assert_eq!(
        logs,
        [log(&Approval {
            owner,
            spender: BOB,
            value: u(7)
        })]
    );
    assert_eq!(token.view().allowance(owner, BOB), u(7));
    assert_eq!(token.view().nonces(owner), u(1));
    token.reverts(
        &InvalidSignature { signer: owner },
        permit(7, NOW, signature),
    );

    let (v, r, s) = signature;
    let zero = Address::ZERO;
    token.reverts(&ERC20InvalidApprover { approver: zero }, |token| {
        token.by(STRANGER).permit(zero, BOB, u(7), u(NOW), v, r, s)
    });
    token.reverts(&ERC20InvalidSpender { spender: zero }, |token| {
        token
            .by(STRANGER)
            .permit(owner, zero, u(7), u(NOW), v, r, s)
    });
}

#[test]
fn the_domain_is_described_as_it_is_hashed() {
    let token = Token::deployed();
    let domain = token.view().eip712_domain();
    assert_eq!(domain.name, "Example Growth Fund Class A".into());
    assert_eq!(
        (domain.chain_id, domain.contract),
        (42_161, token.contract.address())
    );
}
