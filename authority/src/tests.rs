//! The parts together, in a small contract.

use std::sync::{Mutex, PoisonError};

use alloc::{string::String, vec::Vec};
use alloy_primitives::{keccak256, Address, FixedBytes, B256, U256};
use alloy_signer::SignerSync;
use alloy_sol_types::{sol, Eip712Domain, SolCall, SolEvent, SolType};
use motsu::prelude::*;
use proptest::prelude::*;
use stylus_sdk::{
    abi::{router_entrypoint, Bytes},
    host::{WasmVM, VM as Host},
    prelude::*,
    storage::StorageU256,
    ArbResult,
};

use crate::{
    abi::{Outcome, Refusal},
    domain,
    event::Log,
    roles::{self, Roles, DEFAULT_ADMIN_ROLE},
    signature,
    text::{StorageText, Text},
};

#[storage]
struct Sample {
    value: StorageU256,
    text: StorageText,
    roles: Roles,
}

crate::errors! {
    #[allow(dead_code)]
    enum Error {
        Never { account: Address, amount: U256, time: u64 }
    }
}

sol! {
    #[derive(Debug)]
    event Said(address indexed who, uint256 what, bytes32 why);
    function take(address a, uint256 b, bytes32 c, uint64 d, uint8 e, bool f, bytes4 g, bytes h, address[] i)
        external returns (bool);
    error Never(address account, uint256 amount, uint64 time);
}

crate::functions! {
    Sample;
    constructor constructor(admin: Address);
    view "text" text() -> String;
    "setText" set_text(String);
    "take" take(Address, U256, B256, u64, u8, bool, FixedBytes<4>, Bytes, Vec<Address>) -> bool;
    "refuse" refuse();
}

impl Sample {
    fn constructor(&mut self, admin: Address) -> Result<(), Refusal> {
        Ok(self.roles.initialize(admin)?)
    }

    fn text(&self) -> Text {
        self.text.get()
    }

    #[allow(clippy::needless_pass_by_value)]
    fn set_text(&mut self, text: String) {
        self.text.set(&text.as_str().into());
    }

    #[allow(clippy::too_many_arguments, clippy::many_single_char_names)]
    fn take(
        &mut self,
        a: Address,
        b: U256,
        c: B256,
        d: u64,
        e: u8,
        f: bool,
        g: FixedBytes<4>,
        h: Bytes,
        i: Vec<Address>,
    ) -> bool {
        let all = (a, b, c, d, e, f, g, alloy_primitives::Bytes::from(h.0), i);
        let encoded = <takeCall as SolCall>::Parameters::<'_>::abi_encode_params(&all);
        self.value.set(keccak256(encoded).into());
        f
    }

    fn refuse(&self) -> Result<(), Refusal> {
        let account = self.vm().msg_sender();
        Err(Error::Never {
            account,
            amount: U256::MAX,
            time: u64::MAX,
        }
        .into())
    }
}

/// motsu gives up when another thread holds its storage for 10 ms, so one test at a time uses it.
fn alone(test: impl FnOnce(&Contract<Sample>)) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    test(&Contract::new());
}

fn call(contract: &Contract<Sample>, calldata: Vec<u8>) -> ArbResult {
    let _ = contract.sender(Address::repeat_byte(7)).text();
    let host = Host {
        host: Box::new(WasmVM {}),
    };
    router_entrypoint::<Sample, Sample>(calldata, host).motsu_res()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arguments_are_read_as_alloy_writes_them(
        fixed: ([u8; 20], [u8; 32], [u8; 32], u64, u8, bool, [u8; 4]),
        bytes: Vec<u8>,
        list: Vec<[u8; 20]>,
        extra in 0_usize..70,
    ) {
        let (a, b, c, d, e, f, g) = fixed;
        let arguments = (
            Address::from(a), U256::from_be_bytes(b), B256::from(c), d, e, f, FixedBytes::from(g),
            alloy_primitives::Bytes::from(bytes), list.into_iter().map(Address::from).collect::<Vec<_>>(),
        );
        let encoded = <takeCall as SolCall>::Parameters::<'_>::abi_encode_params(&arguments);
        let hash: U256 = keccak256(&encoded).into();
        let mut calldata = [&takeCall::SELECTOR[..], &encoded].concat();
        calldata.resize(calldata.len() + extra, 0xff);
        alone(|contract| {
            let answer = call(contract, calldata.clone()).unwrap();
            assert_eq!(answer, U256::from(f).to_be_bytes::<32>());
            assert_eq!(contract.sender(Address::ZERO).value.get(), hash);
        });
    }

    #[test]
    fn no_calldata_makes_the_reader_panic(mut calldata: Vec<u8>, words in prop::collection::vec(0_u64..400, 0..20)) {
        for word in words {
            calldata.extend(U256::from(word).to_be_bytes::<32>());
        }
        alone(|contract| {
            let _ = call(contract, [&takeCall::SELECTOR[..], &calldata].concat());
        });
    }

    #[test]
    fn a_text_is_read_as_it_was_stored(text in "\\PC{0,100}", before in "[a-z]{0,100}") {
        alone(|contract| {
            contract.sender(Address::ZERO).set_text(before.clone());
            contract.sender(Address::ZERO).set_text(text.clone());
            let stored = contract.sender(Address::ZERO).text();
            assert_eq!(stored, text.as_str().into());
            assert_eq!(contract.sender(Address::ZERO).text.hash(), keccak256(&text));
            let answer = stored.encode().unwrap();
            assert_eq!(alloy_sol_types::sol_data::String::abi_decode(&answer, true).unwrap(), text);
        });
    }

    #[test]
    fn a_constant_word_is_the_constant(bytes: [u8; 32]) {
        use crate::event::{quarter, word};
        let [a, b, c, d] = [0, 1, 2, 3].map(|index| quarter(bytes, index));
        prop_assert_eq!(word(a, b, c, d), B256::new(bytes));
    }
}

#[test]
fn an_error_is_encoded_as_alloy_does() {
    alone(|contract| {
        let selector = Sample::FUNCTIONS
            .iter()
            .find(|(name, _)| *name == "refuse")
            .unwrap()
            .1;
        let account = Address::repeat_byte(7);
        let error = Never {
            account,
            amount: U256::MAX,
            time: u64::MAX,
        };
        let encoded = alloy_sol_types::SolError::abi_encode(&error);
        assert_eq!(call(contract, selector.to_vec()).unwrap_err(), encoded);
        assert_eq!(
            Error::ERRORS,
            [("Never", <Never as alloy_sol_types::SolError>::SELECTOR)]
        );
    });
}

#[test]
fn a_log_is_written_as_alloy_does() {
    alone(|contract| {
        let event = Said {
            who: Address::repeat_byte(1),
            what: U256::MAX,
            why: B256::repeat_byte(2),
        };
        let sample = contract.sender(Address::ZERO);
        Log::new(constant_word!(Said::SIGNATURE_HASH.0))
            .address(event.who)
            .data()
            .uint(event.what)
            .word(event.why)
            .emit(sample.vm());
        crate::event::emit(sample.vm(), &event);
        assert_eq!(
            contract.all_events(),
            [event.encode_log_data(), event.encode_log_data()]
        );
    });
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
        contract.sender(member).constructor(admin).motsu_unwrap();
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
        contract.sender(admin).constructor(admin).motsu_unwrap();
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
