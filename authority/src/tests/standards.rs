//! Roles, EIP-712 and ECDSA against `OpenZeppelin`'s components (`docs/standards.md`).

use alloc::vec::Vec;

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_signer::SignerSync;
use motsu::prelude::*;
use proptest::prelude::*;
use reference::{ORDER, Reference};
use runtime::{abi::Outcome, text::Text};
use stylus_sdk::prelude::*;

use super::alone;
use crate::{
    domain::{self, Domain},
    roles, signature,
};

/// An act on roles by one of four accounts, the first of which is the default admin.
#[derive(Clone, Copy, Debug)]
enum Act {
    Grant,
    Revoke,
    Renounce,
}

fn act() -> impl Strategy<Value = (Act, usize, u8, usize)> {
    let acts = prop_oneof![Just(Act::Grant), Just(Act::Revoke), Just(Act::Renounce)];
    (acts, 0..4_usize, 1..3_u8, 0..4_usize)
}

/// What ours reverts with where the component reverts with `error`: a wrong confirmation is a missing role.
fn translated(error: Vec<u8>, account: Address, role: B256) -> Vec<u8> {
    if error[..] != keccak256("AccessControlBadConfirmation()")[..4] {
        return error;
    }
    roles::Error::Unauthorized(roles::AccessControlUnauthorizedAccount {
        account,
        neededRole: role,
    })
    .into()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn roles_are_those_of_access_control(acts in prop::collection::vec(act(), 1..60)) {
        alone(|contract| {
            let reference = Contract::<Reference>::new();
            let accounts = [1, 2, 3, 4].map(Address::repeat_byte);
            let admin = accounts[0];
            contract.sender(admin).roles.initialize(admin).motsu_unwrap();
            reference.sender(admin).initialize_admin(admin);
            for (act, caller, role, account) in acts {
                let (caller, account) = (accounts[caller], accounts[account]);
                let role = B256::repeat_byte(role);
                let mut ours = contract.sender(caller);
                let result = match act {
                    Act::Grant => ours.roles.grant_role(role, account),
                    Act::Revoke => ours.roles.revoke_role(role, account),
                    Act::Renounce => ours.roles.renounce_role(role, account),
                }
                .map_err(Vec::from)
                .motsu_res();
                drop(ours);
                let mut theirs = reference.sender(caller);
                let expected = match act {
                    Act::Grant => theirs.grant_role(role, account),
                    Act::Revoke => theirs.revoke_role(role, account),
                    Act::Renounce => theirs.renounce_role(role, account),
                }
                .motsu_res();
                drop(theirs);
                assert_eq!(result, expected.map_err(|error| translated(error, caller, role)));
                assert_eq!(contract.all_events(), reference.all_events());
                for account in accounts {
                    for role in [0, 1, 2].map(B256::repeat_byte) {
                        let has_role = contract.sender(admin).roles.has_role(role, account);
                        assert_eq!(has_role, reference.sender(admin).has_role(role, account));
                        let only = contract.sender(admin).roles.only(role, account);
                        let expected = reference.sender(account).only_role(role);
                        assert_eq!(only.map_err(Vec::from), expected);
                    }
                }
            }
        });
    }

    #[test]
    fn a_digest_is_that_of_eip712(struct_hash: [u8; 32]) {
        alone(|_| {
            let reference = Contract::<Reference>::new();
            let theirs = reference.sender(Address::ZERO);
            // Both separators are computed inside the reference, whose address is part of them.
            let separator = domain::separator(theirs.vm(), keccak256(Reference::NAME));
            assert_eq!(separator, theirs.domain_separator());
            let digest = domain::digest(separator, struct_hash.into());
            assert_eq!(digest, theirs.typed_data_hash(struct_hash.into()));
        });
    }

    #[test]
    fn a_signature_is_valid_when_the_component_recovers_its_signer(
        digest: [u8; 32], malleated: bool, other: bool, shifted in 0..3_u8,
    ) {
        alone(|contract| {
            let _precompiles = deploy_precompiles();
            let reference = Contract::<Reference>::new();
            let (alice, bob) = (Account::from_seed("alice"), Account::from_seed("bob"));
            let digest = B256::from(digest);
            let signed = alice.signer().sign_hash_sync(&digest).unwrap();
            let (mut parity, mut s) = (u8::from(signed.v()), signed.s());
            if malleated {
                (parity, s) = (1 - parity, ORDER - s);
            }
            // 27 and 28 are valid, 0 and 1 are not.
            let v = if shifted == 0 { parity } else { 27 + parity };
            let (r, s) = (B256::from(signed.r()), B256::from(s));
            let signer = if other { bob } else { alice }.address();
            let recovered = reference.sender(bob).recover(digest, v, r, s).motsu_res();
            let sample = contract.sender(bob);
            let valid = signature::is_valid(sample.vm(), signer, digest, &signature::packed(v, r, s));
            assert_eq!(valid, recovered == Ok(signer));
            assert_eq!(valid, !malleated && !other && shifted != 0);
        });
    }
}

#[test]
fn a_domain_is_described_as_by_eip712() {
    alone(|contract| {
        let reference = Contract::<Reference>::new();
        let (fields, name, version, chain_id, address, salt, extensions) =
            reference.sender(Address::ZERO).eip712_domain();
        let sample = contract.sender(Address::ZERO);
        let ours = Domain::of(sample.vm(), Text::from(name.as_str())).encode();
        let words = [
            U256::from(fields[0]) << 248,
            U256::from(7 * 32),
            U256::from(9 * 32),
            chain_id,
        ];
        let head = words.map(B256::from);
        let ours = ours.unwrap();
        assert_eq!(ours[..4 * 32], head.concat());
        assert_eq!(ours[4 * 32..5 * 32], *contract.address().into_word());
        assert_eq!(ours[5 * 32..6 * 32], salt);
        assert_eq!(
            ours[6 * 32..7 * 32],
            U256::from(11 * 32).to_be_bytes::<32>()
        );
        assert_eq!(ours[8 * 32..][..name.len()], *name.as_bytes());
        assert_eq!(ours[10 * 32..][..version.len()], *version.as_bytes());
        assert_eq!(ours.len(), 12 * 32);
        assert!(extensions.is_empty() && address == reference.address());
    });
}

#[test]
fn the_default_admin_is_moved_in_two_steps_where_access_control_grants_it() {
    alone(|contract| {
        let reference = Contract::<Reference>::new();
        let (admin, other) = (Address::repeat_byte(1), Address::repeat_byte(2));
        contract
            .sender(admin)
            .roles
            .initialize(admin)
            .motsu_unwrap();
        reference.sender(admin).initialize_admin(admin);
        let role = B256::ZERO;
        assert_eq!(reference.sender(admin).grant_role(role, other), Ok(()));
        let error = roles::Error::EnforcedDefaultAdminRules(
            roles::AccessControlEnforcedDefaultAdminRules {},
        );
        let result = contract.sender(admin).roles.grant_role(role, other);
        assert_eq!(result.motsu_unwrap_err(), error);
    });
}
