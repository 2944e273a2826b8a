//! The parts together, in a small contract.

mod standards;

use std::sync::{Mutex, PoisonError};

use alloc::vec::Vec;

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_sol_types::Eip712Domain;
use motsu::prelude::*;
use stylus_sdk::prelude::*;

use crate::{
    domain,
    roles::{self, DEFAULT_ADMIN_ROLE, Roles, packed},
    signature,
};

#[entrypoint]
#[storage]
struct Sample {
    roles: Roles,
}

#[public]
impl Sample {}

/// motsu gives up when another thread holds its storage for 10 ms, so one test at a time uses it.
fn alone(test: impl FnOnce(&Contract<Sample>)) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    test(&Contract::new());
}

#[test]
fn the_domain_is_what_alloy_computes() {
    alone(|contract| {
        let sample = contract.sender(Address::ZERO);
        let separator = domain::separator(sample.vm(), keccak256("A name"));
        let expected = Eip712Domain::new(
            Some("A name".into()),
            Some("1".into()),
            Some(U256::from(42_161)),
            Some(contract.address()),
            None,
        );
        assert_eq!(separator, expected.separator());
        let digest = domain::digest(separator, B256::repeat_byte(3));
        let preimage = [&[0x19, 0x01], separator.as_slice(), &[3; 32]].concat();
        assert_eq!(digest, keccak256(preimage));
    });
}

#[test]
fn a_key_signs_for_its_account_alone() {
    alone(|contract| {
        let _precompiles = deploy_precompiles();
        let (alice, bob) = (Account::from_seed("alice"), Account::from_seed("bob"));
        let digest = B256::repeat_byte(4);
        let signed = alice.signer().sign_hash_sync(&digest).unwrap();
        let bytes = signature::packed(
            27 + u8::from(signed.v()),
            signed.r().into(),
            signed.s().into(),
        );
        let sample = contract.sender(Address::ZERO);
        let valid =
            |signer, digest, bytes: &[u8]| signature::is_valid(sample.vm(), signer, digest, bytes);
        assert!(valid(alice.address(), digest, &bytes));
        assert!(!valid(bob.address(), digest, &bytes));
        assert!(!valid(Address::ZERO, digest, &bytes));
        assert!(!valid(alice.address(), B256::repeat_byte(5), &bytes));
        for index in 0..65 {
            let mut bad = bytes;
            bad[index] ^= 1;
            assert!(!valid(alice.address(), digest, &bad));
        }
        assert!(!valid(alice.address(), digest, &bytes[..64]));
        assert!(!signature::has_code(sample.vm(), alice.address()));
        assert!(signature::has_code(sample.vm(), contract.address()));
    });
}

#[test]
fn a_role_is_checked_for_the_account_and_the_role() {
    alone(|contract| {
        let (admin, member) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let role = B256::repeat_byte(9);
        contract
            .sender(member)
            .roles
            .initialize(admin)
            .motsu_unwrap();
        contract
            .sender(admin)
            .roles
            .grant_role(role, member)
            .motsu_unwrap();
        let roles = &contract.sender(admin).roles;
        assert_eq!(roles.only(role, member), Ok(()));
        assert_eq!(roles.only(DEFAULT_ADMIN_ROLE, admin), Ok(()));
        for (role, account) in [
            (role, admin),
            (B256::repeat_byte(8), member),
            (DEFAULT_ADMIN_ROLE, member),
            (DEFAULT_ADMIN_ROLE, Address::ZERO),
        ] {
            let error = roles::AccessControlUnauthorizedAccount {
                account,
                neededRole: role,
            };
            let bytes = alloy_sol_types::SolError::abi_encode(&error);
            let refusal = roles.only(role, account).unwrap_err();
            assert_eq!(refusal, roles::Error::Unauthorized(error));
            assert_eq!(Vec::<u8>::from(refusal), bytes);
        }
    });
}

#[test]
fn nobody_pending_means_that_nobody_accepts() {
    alone(|contract| {
        let admin = Address::repeat_byte(1);
        contract
            .sender(admin)
            .roles
            .initialize(admin)
            .motsu_unwrap();
        for account in [admin, Address::repeat_byte(3)] {
            let result = contract
                .sender(account)
                .roles
                .accept_default_admin_transfer();
            let error = roles::AccessControlInvalidDefaultAdmin { account };
            assert_eq!(
                result.motsu_unwrap_err(),
                roles::Error::InvalidDefaultAdmin(error)
            );
        }
        assert_eq!(contract.sender(admin).roles.default_admin(), admin);
    });
}

/// A contract whose admin offered the role to a successor, and both accounts.
fn offered(contract: &Contract<Sample>) -> (Address, Address) {
    let (admin, successor) = (Address::repeat_byte(1), Address::repeat_byte(2));
    let mut sample = contract.sender(admin);
    sample.roles.initialize(admin).motsu_unwrap();
    sample
        .roles
        .begin_default_admin_transfer(successor)
        .motsu_unwrap();
    (admin, successor)
}

/// The mock host's clock, which stands still.
const NOW: u64 = 1_735_689_600;

#[test]
fn an_offer_stands_for_30_days() {
    alone(|contract| {
        let (admin, successor) = offered(contract);
        let offer = contract.sender(admin).roles.offer.get();
        assert_eq!(offer, packed(successor, NOW + 2_592_000));
        let mut sample = contract.sender(admin);
        sample.roles.offer.set(packed(successor, NOW + 1));
        let sample = contract.sender(admin);
        assert_eq!(sample.roles.pending_default_admin(), successor);
        let mut sample = contract.sender(successor);
        sample.roles.accept_default_admin_transfer().motsu_unwrap();
        let sample = contract.sender(admin);
        assert_eq!(sample.roles.default_admin(), successor);
        assert_eq!(sample.roles.pending_default_admin(), Address::ZERO);
    });
}

#[test]
fn a_lapsed_offer_is_nobodys_until_it_is_made_again() {
    alone(|contract| {
        let (admin, successor) = offered(contract);
        for ends in [0, NOW - 1, NOW] {
            let mut sample = contract.sender(admin);
            sample.roles.offer.set(packed(successor, ends));
            let sample = contract.sender(admin);
            assert_eq!(sample.roles.pending_default_admin(), Address::ZERO);
            let mut sample = contract.sender(successor);
            let result = sample.roles.accept_default_admin_transfer();
            let error = roles::AccessControlInvalidDefaultAdmin { account: successor };
            assert_eq!(
                result.motsu_unwrap_err(),
                roles::Error::InvalidDefaultAdmin(error)
            );
            assert_eq!(contract.sender(admin).roles.default_admin(), admin);
        }
        let mut sample = contract.sender(admin);
        sample
            .roles
            .begin_default_admin_transfer(successor)
            .motsu_unwrap();
        let mut sample = contract.sender(successor);
        sample.roles.accept_default_admin_transfer().motsu_unwrap();
        assert_eq!(contract.sender(admin).roles.default_admin(), successor);
    });
}

#[test]
fn a_role_is_refused_beside_one_that_excludes_it() {
    alone(|contract| {
        let (admin, account) = (Address::repeat_byte(1), Address::repeat_byte(2));
        let [role, other] = [B256::repeat_byte(7), B256::repeat_byte(8)];
        let mut sample = contract.sender(admin);
        sample.roles.initialize(admin).motsu_unwrap();
        assert_eq!(sample.roles.exclude(role, other, account), Ok(()));
        sample.roles.grant_role(other, account).motsu_unwrap();
        let sample = contract.sender(admin);
        let refusal = sample
            .roles
            .exclude(role, other, account)
            .motsu_unwrap_err();
        let error = roles::RolesExclude { role, other };
        let encoded = alloy_sol_types::SolError::abi_encode(&error);
        assert_eq!(refusal, roles::Error::Exclude(error));
        assert_eq!(Vec::from(refusal), encoded);
        // The default admin's role is one of them.
        let refused = sample.roles.exclude(role, DEFAULT_ADMIN_ROLE, admin);
        assert!(refused.is_err());
        assert_eq!(sample.roles.exclude(role, other, admin), Ok(()));
    });
}
