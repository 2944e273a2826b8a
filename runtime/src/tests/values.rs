//! Arguments, answers, stored words, logs and messages one by one: each as alloy, or Solidity's layout, has it.

use alloc::vec::Vec;

use alloy_primitives::{Address, B256, LogData, U256, keccak256};
use alloy_sol_types::{SolValue, sol_data};
use motsu::prelude::*;
use proptest::prelude::*;
use stylus_sdk::{
    abi::{Bytes, router_entrypoint},
    host::{VM as Host, WasmVM},
    prelude::*,
    storage::StorageU256,
};

use super::{Sample, TURN, alone};
use crate::{
    abi::{Argument, Arguments, Outcome, Revert},
    event::Log,
    storage::{Word, WordMap, Words},
    text::{Text, chunk, joined},
};

/// The words of a contract, in slots 0, 1 and from 2 on.
#[storage]
struct Stored {
    word: Word,
    map: WordMap,
    words: Words,
}

crate::functions! {
    Stored;
    constructor keep(word: U256);
    "keep" keep(U256);
}

impl Stored {
    fn keep(&mut self, word: U256) {
        self.word.set(word);
    }
}

fn stored(test: impl FnOnce(&Contract<Stored>)) {
    let _turn = TURN
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    test(&Contract::new());
}

/// What is read of one word, and whether the next argument is missing after it.
fn read<T: Argument>(word: U256) -> Option<T> {
    let bytes = word.to_be_bytes::<32>();
    let mut arguments = Arguments::new(&bytes);
    let value = arguments.take();
    assert!(arguments.take::<B256>().is_none(), "nothing is left");
    value
}

/// Integers of a width are read up to the largest, and nothing above it.
macro_rules! widths {
    ($($test:ident: $kind:ty;)*) => {$(
        #[test]
        fn $test() {
            for value in [0, 1, <$kind>::MAX / 2 + 1, <$kind>::MAX] {
                assert_eq!(read::<$kind>(U256::from(value)), Some(value));
            }
            let beyond = U256::from(<$kind>::MAX) + U256::from(1);
            for value in [beyond, beyond << 1, U256::MAX] {
                assert_eq!(read::<$kind>(value), None);
            }
        }
    )*};
}

widths! {
    eight_bits_are_read_exactly: u8;
    sixteen_bits_are_read_exactly: u16;
    thirty_two_bits_are_read_exactly: u32;
    sixty_four_bits_are_read_exactly: u64;
}

proptest! {
    #[test]
    fn lists_and_texts_are_read_as_alloy_writes_them(
        numbers: Vec<u64>, text in "\\PC{0,80}", bytes: Vec<u8>, after: u64,
    ) {
        let encoded = (numbers.clone(), text.clone(), alloy_primitives::Bytes::from(bytes.clone()), after);
        let encoded = encoded.abi_encode_params();
        let mut arguments = Arguments::new(&encoded);
        prop_assert_eq!(arguments.take::<Vec<u64>>(), Some(numbers));
        prop_assert_eq!(arguments.take::<Text>(), Some(text.as_str().into()));
        prop_assert_eq!(arguments.take::<Bytes>().map(|found| found.0), Some(bytes));
        prop_assert_eq!(arguments.take::<u64>(), Some(after));
    }

    #[test]
    fn answers_are_written_as_alloy_does(
        flag: bool, small: u8, middle: u16, large: u64, limbs: [u64; 4], bytes: [u8; 32], account: [u8; 20],
        text in "\\PC{0,80}",
    ) {
        let (number, word, account) =
            (U256::from_limbs(limbs), B256::from(bytes), Address::from(account));
        prop_assert_eq!(flag.encode(), Ok(flag.abi_encode()));
        prop_assert_eq!(small.encode(), Ok(U256::from(small).abi_encode()));
        prop_assert_eq!(middle.encode(), Ok(middle.abi_encode()));
        prop_assert_eq!(large.encode(), Ok(large.abi_encode()));
        prop_assert_eq!(number.encode(), Ok(number.abi_encode()));
        prop_assert_eq!(word.encode(), Ok(word.abi_encode()));
        prop_assert_eq!(account.encode(), Ok(account.abi_encode()));
        prop_assert_eq!(Text::from(text.as_str()).encode(), Ok(text.abi_encode()));
        prop_assert_eq!((number, flag).encode(), Ok((number, flag).abi_encode()));
        prop_assert_eq!((number, flag, account).encode(), Ok((number, flag, account).abi_encode()));
        prop_assert_eq!(().encode(), Ok(Vec::new()));
        let refused: Result<u64, Revert> = Err(Revert(bytes.to_vec()));
        prop_assert_eq!(refused.encode(), Err(bytes.to_vec()));
        let answered: Result<u64, Revert> = Ok(large);
        prop_assert_eq!(answered.encode(), Ok(large.abi_encode()));
    }
}

/// A list or a text that claims more than there is, or begins beyond the end, is none.
#[test]
fn what_is_cut_off_is_not_read() {
    let encoded = ("some text".to_owned(), vec![1_u64, 2]).abi_encode_params();
    for length in 0..encoded.len() {
        let cut = &encoded[..length];
        let mut arguments = Arguments::new(cut);
        let (text, list) = (arguments.take::<Text>(), arguments.take::<Vec<u64>>());
        assert!(text.is_none() || list.is_none(), "{length} bytes");
        // The last word of the text is padding beyond its ninth byte.
        assert_eq!(text.is_some(), length >= 64 + 32 + 9, "{length} bytes");
        assert!(list.is_none(), "{length} bytes");
    }
    for offset in [U256::from(encoded.len()), U256::from(u64::MAX), U256::MAX] {
        let mut moved = encoded.clone();
        moved[..32].copy_from_slice(&offset.to_be_bytes::<32>());
        assert_eq!(Arguments::new(&moved).take::<Text>(), None);
        assert_eq!(Arguments::new(&moved).take::<Vec<u64>>(), None);
    }
}

#[test]
fn a_log_without_data_has_topics_only() {
    alone(|contract| {
        let sample = contract.sender(Address::ZERO);
        let (name, account) = (B256::repeat_byte(1), Address::repeat_byte(2));
        Log::new(name).address(account).emit(sample.vm());
        let topics = vec![name, account.into_word()];
        let expected = LogData::new_unchecked(topics, Vec::new().into());
        assert_eq!(contract.all_events(), [expected]);
    });
}

#[test]
fn a_log_has_the_topics_before_its_data() {
    alone(|contract| {
        let sample = contract.sender(Address::ZERO);
        let words = [1, 2, 3, 4].map(B256::repeat_byte);
        let mut log = Log::new(words[0]);
        log.word(words[1]).data().word(words[2]);
        log.uint(U256::from_be_bytes(words[3].0)).emit(sample.vm());
        let data = [words[2].0, words[3].0].concat();
        let expected = LogData::new_unchecked(words[..2].to_vec(), data.into());
        assert_eq!(contract.all_events(), [expected]);
    });
}

/// The word in a slot of the contract that was called last.
fn slot(index: usize) -> B256 {
    let host = Host {
        host: Box::new(WasmVM {}),
    };
    // SAFETY: nothing else is accessed meanwhile.
    #[allow(unsafe_code, reason = "the words of the whole contract")]
    let words = unsafe { <Words as StorageType>::new(U256::ZERO, 0, host) };
    words.bytes(index)
}

/// Texts of 31 bytes stand in one slot as Solidity has them, longer ones are told apart from them.
#[test]
fn a_text_of_any_length_is_read_as_it_was_stored() {
    alone(|contract| {
        let digits = "1234567890".repeat(11);
        for length in 0..=100 {
            let text = Text::from(&digits[..length]);
            contract.sender(Address::ZERO).set_text(text.clone());
            assert_eq!(contract.sender(Address::ZERO).text(), text);
            let mut expected = [0; 32];
            if length < 32 {
                expected[..length].copy_from_slice(&text.0);
                expected[31] = u8::try_from(2 * length).unwrap();
            } else {
                expected = U256::from(2 * length + 1).to_be_bytes();
            }
            // The number before it takes the first slot.
            assert_eq!(slot(1), B256::from(expected), "{length} bytes");
        }
    });
}

/// Whatever one accessor writes, the others and the SDK's own types read at the slot where Solidity has it.
#[test]
fn stored_words_are_where_solidity_keeps_them() {
    stored(|contract| {
        let (key, inner) = (B256::repeat_byte(5), B256::repeat_byte(6));
        let number = |value: u64| U256::from(value);
        let mut all = contract.sender(Address::ZERO);
        all.word.set(number(10));
        all.map.set(key, number(11));
        all.map.at(key).set(inner, number(12));
        all.words.set(1, number(13));
        all.words.part_mut::<StorageU256>(2).set(number(14));
        all.words.row(key).set(3, number(15));

        let all = contract.sender(Address::ZERO);
        assert_eq!(all.word.get(), number(10));
        assert_eq!(all.word.bytes(), B256::from(number(10)));
        assert_eq!(all.map.get(key), number(11));
        assert_eq!(all.map.get(inner), U256::ZERO);
        assert_eq!(all.map.at(key).get(inner), number(12));
        assert_eq!(all.words.get(1), number(13));
        assert_eq!(all.words.part::<StorageU256>(1).get(), number(13));
        assert_eq!(all.words.get(2), number(14));
        assert_eq!(all.words.section(1).get(1), number(14));
        assert_eq!(all.words.row(key).get(3), number(15));
        // Slots 0 to 4 are the fields one after the other.
        assert_eq!(
            [0, 3, 4].map(slot),
            [10, 13, 14].map(number).map(B256::from)
        );
        let mapped = |key: B256, root: B256| keccak256([key.0, root.0].concat());
        let outer = mapped(key, B256::with_last_byte(1));
        let host = Host {
            host: Box::new(WasmVM {}),
        };
        // SAFETY: nothing else is accessed meanwhile.
        #[allow(unsafe_code, reason = "the word of a mapping")]
        let word = unsafe { <Word as StorageType>::new(mapped(inner, outer).into(), 0, host) };
        assert_eq!(word.get(), number(12));
    });
}

#[test]
fn a_word_of_bytes_is_read_back() {
    stored(|contract| {
        let word = B256::repeat_byte(0xa5);
        contract.sender(Address::ZERO).word.set_bytes(&word);
        assert_eq!(contract.sender(Address::ZERO).word.bytes(), word);
        let all = contract.sender(Address::ZERO);
        assert_eq!(all.word.get(), U256::from_be_bytes(word.0));
    });
}

crate::messages! {
    /// Words at the edges of one chunk and of two.
    fn message {
        0 => "",
        1 => "1234567890123456789012345678901",
        2 => "12345678901234567890123456789012",
        3 => "123456789012345678901234567890123",
        4 => "1234567890123456789012345678901234567890123456789012345678901234",
        _ => "another",
    }
}

#[test]
fn a_message_is_the_literal_whatever_its_length() {
    let digits = "1234567890".repeat(7);
    for (number, length) in [(0, 0), (1, 31), (2, 32), (3, 33), (4, 64)] {
        assert_eq!(message(number), digits[..length].into());
    }
    assert_eq!(message(5), "another".into());
    assert_eq!(message(u8::MAX), "another".into());
}

#[test]
fn chunks_are_cut_at_32_bytes_and_padded_with_zeros() {
    let words = "1234567890123456789012345678901234";
    assert_eq!(chunk(words, 0), words.as_bytes()[..32]);
    let mut rest = [0; 32];
    rest[..2].copy_from_slice(b"34");
    assert_eq!(chunk(words, 32), rest);
    assert_eq!(chunk(words, 64), [0; 32]);
    let (first, second) = (B256::repeat_byte(1), B256::repeat_byte(2));
    assert_eq!(joined(33, first, second).0, [&[1; 32][..], &[2]].concat());
    assert_eq!(joined(0, first, second).0, []);
}

/// No function and no constructor takes ether.
#[test]
fn ether_is_refused() {
    alone(|contract| {
        let account = Address::repeat_byte(7);
        account.fund(U256::from(5));
        let constructor = stylus_sdk::abi::CONSTRUCTOR_SELECTOR.to_be_bytes();
        let text = Sample::FUNCTIONS
            .iter()
            .find(|(name, _)| *name == "text")
            .unwrap()
            .1;
        let argument = U256::from(7).to_be_bytes::<32>();
        for selector in [constructor, text] {
            let calldata = [&selector[..], &argument].concat();
            for (value, accepted) in [(1, false), (0, true)] {
                let sender = contract.sender_and_value(account, U256::from(value));
                let _ = sender.text();
                let host = Host {
                    host: Box::new(WasmVM {}),
                };
                let answer = router_entrypoint::<Sample, Sample>(calldata.clone(), host);
                assert_eq!(answer.motsu_res().is_ok(), accepted, "{value} wei");
            }
        }
    });
}

/// How a text stands in an exported ABI.
#[test]
fn a_text_is_a_string_of_the_abi() {
    use alloy_sol_types::{SolType, private::SolTypeValue};
    let text = Text::from("some text");
    assert_eq!(Text::SOL_NAME, <sol_data::String as SolType>::SOL_NAME);
    let encoded = Text::abi_encode(&text);
    assert_eq!(encoded, "some text".abi_encode());
    assert_eq!(Text::abi_decode(&encoded, true).unwrap(), text);
    assert_eq!(
        SolTypeValue::<Text>::stv_eip712_data_word(&text),
        keccak256("some text")
    );
    let mut packed = Vec::new();
    SolTypeValue::<Text>::stv_abi_encode_packed_to(&text, &mut packed);
    assert_eq!(packed, b"some text");
}
