//! The contract against `docs/interfaces/ISecurityToken.json`, and signatures.

use alloy_primitives::{hex, keccak256, Address, B256, U256};
use alloy_signer::SignerSync;
use alloy_sol_types::{SolError, SolEvent, SolValue};
use authority::{abi::Outcome, roles};
use motsu::prelude::*;
use serde_json::Value;
use stylus_sdk::abi::Router;

use super::fixture::*;
use crate::{answer, error::*, event::*, SecurityToken};

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
    let functions = entries("function");
    assert_eq!(functions.len(), 74);
    for (_, signature) in functions {
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

macro_rules! signatures {
    ($($type:ty),* $(,)?) => { [$(<$type>::SIGNATURE),*] };
}

#[test]
fn every_event_of_the_interface_is_declared() {
    let declared = signatures![
        Transfer,
        Approval,
        WalletSet,
        WalletRemoved,
        GroupRuleSet,
        CountryBlockedSet,
        LimitsSet,
        GroupHolderLimitSet,
        SupplyCapSet,
        TokensLocked,
        TokensUnlocked,
        VestingGranted,
        VestingRevoked,
        Burned,
        SanctionSet,
        AddressFrozen,
        TokensFrozen,
        TokensUnfrozen,
        ForcedTransfer,
        WalletRecovered,
        Paused,
        Unpaused,
        Deactivated,
        roles::RoleGranted,
        roles::RoleRevoked,
        roles::DefaultAdminTransferScheduled,
    ];
    let mut wanted: Vec<String> = entries("event").into_iter().map(|entry| entry.1).collect();
    let mut declared: Vec<String> = declared.into_iter().map(str::to_owned).collect();
    wanted.sort_unstable();
    declared.sort_unstable();
    assert_eq!(declared, wanted);
}

#[test]
fn every_error_of_the_interface_is_declared() {
    let declared = signatures![
        ERC20InsufficientBalance,
        ERC20InsufficientAllowance,
        ERC20InvalidSpender,
        ERC20InvalidApprover,
        TransferRestricted,
        roles::AccessControlUnauthorizedAccount,
        roles::AccessControlInvalidDefaultAdmin,
        roles::AccessControlEnforcedDefaultAdminRules,
    ];
    for (_, signature) in entries("error") {
        assert!(declared.contains(&signature.as_str()), "{signature}");
    }
}

#[test]
fn answers_are_encoded_as_solidity_returns_them() {
    let wallets = vec![ALICE, BOB];
    let list = answer::WalletList {
        wallets: wallets.clone(),
    };
    assert_eq!(list.encode(), Ok((wallets,).abi_encode_params()));

    let record = answer::WalletRecord {
        investorId: investor(1),
        group: 20,
        country: 840,
        kycExpiry: NOW,
        frozen: true,
        sanctioned: false,
    };
    assert_eq!(record.clone().encode(), Ok(record.abi_encode()));

    let limits = answer::Limits {
        maxPerInvestor: u(1),
        maxBipsPerInvestor: 2,
        maxHolders: 3,
        minHolding: u(4),
        granularity: u(5),
    };
    assert_eq!(limits.clone().encode(), Ok(limits.abi_encode()));

    let holders = answer::GroupHolders { count: 6, limit: 7 };
    assert_eq!(holders.clone().encode(), Ok(holders.abi_encode()));

    for (amounts, times) in [(vec![], vec![]), (vec![u(1), u(2)], vec![3_u64, 4])] {
        let expected = (amounts.clone(), times.clone()).abi_encode_params();
        assert_eq!(
            answer::LockList {
                amounts,
                releaseTimes: times
            }
            .encode(),
            Ok(expected)
        );
    }

    let vesting = answer::Vesting {
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
    assert_eq!(answer::Count { count: 9 }.encode(), Ok(u(9).abi_encode()));
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
