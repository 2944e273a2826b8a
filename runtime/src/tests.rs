//! The parts together, in a small contract.

mod values;

use alloc::vec::Vec;
use std::sync::{Mutex, PoisonError};

use alloy_primitives::{Address, B256, FixedBytes, U256, keccak256};
use alloy_sol_types::{SolCall, SolError, SolEvent, SolType, sol};
use motsu::prelude::*;
use proptest::prelude::*;
use stylus_sdk::{
    ArbResult,
    abi::{Bytes, router_entrypoint},
    host::{VM as Host, WasmVM},
    prelude::*,
    storage::StorageU256,
};

use crate::{
    abi::{Outcome, Revert},
    log,
    text::{StorageText, Text},
};

#[storage]
struct Sample {
    value: StorageU256,
    text: StorageText,
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
    constructor constructor(value: U256);
    view "text" text() -> Text;
    "setText" set_text(Text);
    "take" take(Address, U256, B256, u64, u8, bool, FixedBytes<4>, Bytes, Vec<Address>) -> bool;
    "fail" fail();
}

impl Sample {
    fn constructor(&mut self, value: U256) {
        self.value.set(value);
    }

    fn text(&self) -> Text {
        self.text.get()
    }

    #[allow(clippy::needless_pass_by_value)]
    fn set_text(&mut self, text: Text) {
        self.text.set(&text);
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

    fn fail(&self) -> Result<(), Revert> {
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
static TURN: Mutex<()> = Mutex::new(());

fn alone(test: impl FnOnce(&Contract<Sample>)) {
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
            contract.sender(Address::ZERO).set_text(before.as_str().into());
            contract.sender(Address::ZERO).set_text(text.as_str().into());
            let stored = contract.sender(Address::ZERO).text();
            assert_eq!(stored, text.as_str().into());
            assert_eq!(contract.sender(Address::ZERO).text.hash(), keccak256(&text));
            let answer = stored.encode().unwrap();
            assert_eq!(alloy_sol_types::sol_data::String::abi_decode(&answer, true).unwrap(), text);
        });
    }

}

#[test]
fn an_error_is_encoded_as_alloy_does() {
    alone(|contract| {
        let selector = Sample::FUNCTIONS
            .iter()
            .find(|(name, _)| *name == "fail")
            .unwrap()
            .1;
        let account = Address::repeat_byte(7);
        let error = Never {
            account,
            amount: U256::MAX,
            time: u64::MAX,
        };
        let encoded = error.abi_encode();
        assert_eq!(call(contract, selector.to_vec()).unwrap_err(), encoded);
        assert_eq!(Error::ERRORS, [("Never", Never::SELECTOR)]);
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
        log!(Said)
            .address(event.who)
            .data()
            .uint(event.what)
            .word(event.why)
            .emit(sample.vm());
        assert_eq!(contract.all_events(), [event.encode_log_data()]);
    });
}

#[test]
fn a_contract_is_constructed_once() {
    alone(|contract| {
        let selector = stylus_sdk::abi::CONSTRUCTOR_SELECTOR.to_be_bytes();
        let calldata = [&selector[..], &U256::from(7).to_be_bytes::<32>()].concat();
        assert_eq!(call(contract, calldata.clone()), Ok(Vec::new()));
        assert_eq!(call(contract, calldata), Err(Vec::new()));
        assert_eq!(contract.sender(Address::ZERO).value.get(), U256::from(7));
    });
}

/// What the entry point makes of arguments whose `word`th word is replaced, by what alloy writes otherwise.
fn with_word(contract: &Contract<Sample>, word: usize, bytes: [u8; 32]) -> ArbResult {
    let arguments = (
        Address::repeat_byte(1),
        U256::from(2),
        B256::repeat_byte(3),
        4_u64,
        5_u8,
        true,
        FixedBytes([6; 4]),
        alloy_primitives::Bytes::from([7; 5]),
        vec![Address::repeat_byte(8)],
    );
    let encoded = <takeCall as SolCall>::Parameters::<'_>::abi_encode_params(&arguments);
    let mut calldata = [&takeCall::SELECTOR[..], &encoded].concat();
    let start = 4 + 32 * word;
    calldata[start..start + 32].copy_from_slice(&bytes);
    call(contract, calldata)
}

#[test]
fn every_byte_of_padding_is_checked() {
    // The word, and the bytes in it that carry the value; the last is the item of the list.
    let words = [
        ("address", 0, 12..32),
        ("uint64", 3, 24..32),
        ("uint8", 4, 31..32),
        ("bool", 5, 31..32),
        ("bytes4", 6, 0..4),
        ("address in a list", 12, 12..32),
    ];
    alone(|contract| {
        for (kind, word, value) in words {
            for byte in 0..32 {
                let mut bytes = [0; 32];
                bytes[byte] = 1;
                let accepted = with_word(contract, word, bytes).is_ok();
                // Of a bool's byte, 1 is a value.
                assert_eq!(accepted, value.contains(&byte), "{kind}, byte {byte}");
            }
        }
    });
}

#[test]
fn a_bool_is_zero_or_one() {
    alone(|contract| {
        for value in 0..=u8::MAX {
            let word = U256::from(value).to_be_bytes();
            let expected = if value < 2 {
                Ok(word.to_vec())
            } else {
                Err(Vec::new())
            };
            assert_eq!(with_word(contract, 5, word), expected, "{value}");
        }
    });
}

#[test]
fn an_integer_ends_at_its_width() {
    alone(|contract| {
        for (word, bits) in [(3, 64), (4, 8)] {
            let largest: U256 = (U256::from(1) << bits) - U256::from(1);
            assert!(with_word(contract, word, largest.to_be_bytes()).is_ok());
            let beyond = largest + U256::from(1);
            assert_eq!(
                with_word(contract, word, beyond.to_be_bytes()),
                Err(Vec::new())
            );
        }
    });
}
