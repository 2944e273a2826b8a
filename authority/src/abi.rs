//! From calldata to methods and back, lean: the table of a contract's functions, its argument reader and answer writer.
//!
//! The `#[public]` macro of stylus-sdk 0.9 re-encodes what it decodes and refuses calldata longer than the arguments,
//! which Solidity accepts, and keeps the type names of every argument list in the data segment. [`functions!`] does what
//! it does (routing, refusing ether, constructor, ABI export) with neither.
//!
//! [`functions!`]: crate::functions

use alloc::{string::String, vec::Vec};
use alloy_primitives::{Address, FixedBytes, B256, U256};
use stylus_sdk::abi::Bytes;

/// Reads the arguments of a call one after the other; bytes after the last one are ignored, as Solidity does.
pub struct Arguments<'a> {
    data: &'a [u8],
    position: usize,
}

impl<'a> Arguments<'a> {
    /// The arguments encoded in `data`, which is the calldata after the selector.
    #[must_use]
    pub const fn new(data: &'a [u8]) -> Self {
        Self { data, position: 0 }
    }

    /// The next argument, or `None` when it is missing or no valid encoding of its type.
    pub fn take<T: Argument>(&mut self) -> Option<T> {
        T::take(self)
    }

    /// The next 32 bytes.
    #[inline(never)]
    fn word(&mut self) -> Option<B256> {
        let end = self.position.checked_add(32)?;
        let word = self.data.get(self.position..end)?;
        self.position = end;
        B256::try_from(word).ok()
    }

    /// The next word as an integer of at most 64 bits.
    #[inline(never)]
    fn integer(&mut self) -> Option<u64> {
        u64::try_from(U256::from_be_bytes(self.word()?.0)).ok()
    }

    /// The next word as the position and length of an array, and the reader of its items.
    #[inline(never)]
    fn array(&mut self) -> Option<(usize, Self)> {
        let position = usize::try_from(self.integer()?).ok()?;
        let mut items = Self {
            data: self.data,
            position,
        };
        let length = usize::try_from(items.integer()?).ok()?;
        Some((length, items))
    }

    /// The next word as the position of a byte string.
    #[inline(never)]
    fn bytes(&mut self) -> Option<Vec<u8>> {
        let (length, items) = self.array()?;
        let end = items.position.checked_add(length)?;
        Some(self.data.get(items.position..end)?.to_vec())
    }
}

/// A type that a function may take.
pub trait Argument: Sized {
    /// Reads the next argument.
    fn take(arguments: &mut Arguments) -> Option<Self>;
}

impl Argument for B256 {
    fn take(arguments: &mut Arguments) -> Option<Self> {
        arguments.word()
    }
}

impl Argument for U256 {
    fn take(arguments: &mut Arguments) -> Option<Self> {
        Some(U256::from_be_bytes(arguments.word()?.0))
    }
}

impl Argument for Address {
    #[inline(never)]
    fn take(arguments: &mut Arguments) -> Option<Self> {
        let word = arguments.word()?;
        let (padding, address) = word.split_at(12);
        if padding.iter().any(|&byte| byte != 0) {
            return None;
        }
        Address::try_from(address).ok()
    }
}

impl Argument for u64 {
    fn take(arguments: &mut Arguments) -> Option<Self> {
        arguments.integer()
    }
}

impl Argument for u8 {
    fn take(arguments: &mut Arguments) -> Option<Self> {
        arguments.integer()?.try_into().ok()
    }
}

impl Argument for u16 {
    fn take(arguments: &mut Arguments) -> Option<Self> {
        arguments.integer()?.try_into().ok()
    }
}

impl Argument for u32 {
    fn take(arguments: &mut Arguments) -> Option<Self> {
        arguments.integer()?.try_into().ok()
    }
}

impl Argument for bool {
    fn take(arguments: &mut Arguments) -> Option<Self> {
        match arguments.integer()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Argument for FixedBytes<4> {
    fn take(arguments: &mut Arguments) -> Option<Self> {
        let word = arguments.word()?;
        let (bytes, padding) = word.split_at(4);
        if padding.iter().any(|&byte| byte != 0) {
            return None;
        }
        FixedBytes::try_from(bytes).ok()
    }
}

impl Argument for Bytes {
    fn take(arguments: &mut Arguments) -> Option<Self> {
        arguments.bytes().map(Bytes)
    }
}

impl Argument for String {
    fn take(arguments: &mut Arguments) -> Option<Self> {
        String::from_utf8(arguments.bytes()?).ok()
    }
}

impl<T: Argument> Argument for Vec<T> {
    fn take(arguments: &mut Arguments) -> Option<Self> {
        let (length, mut items) = arguments.array()?;
        // No capacity for a length that the calldata may only claim to have.
        let mut list = Vec::new();
        for _ in 0..length {
            list.push(items.take()?);
        }
        Some(list)
    }
}

/// Writes an answer as Solidity would return it: words first, then what has no fixed length.
#[derive(Default)]
pub struct Answer {
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Answer {
    /// Appends one word.
    #[inline(never)]
    pub fn word(&mut self, word: B256) {
        self.head.extend_from_slice(word.as_slice());
    }

    /// Appends an integer.
    #[inline(never)]
    pub fn integer(&mut self, value: u64) {
        self.word(U256::from(value).into());
    }

    /// Appends a string; `words` is how many words the whole head has.
    #[inline(never)]
    pub fn text(&mut self, text: &str, words: usize) {
        self.offset(words);
        self.tail
            .extend_from_slice(&U256::from(text.len()).to_be_bytes::<32>());
        self.tail.extend_from_slice(text.as_bytes());
        self.tail.resize(self.tail.len().next_multiple_of(32), 0);
    }

    /// Appends where the next item without fixed length starts.
    fn offset(&mut self, words: usize) {
        self.integer((32 * words + self.tail.len()) as u64);
    }

    /// The bytes to return.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.head.extend_from_slice(&self.tail);
        self.head
    }
}

/// A type that a function may return.
pub trait Return {
    /// Writes the value.
    fn write(self, answer: &mut Answer);
}

impl Return for () {
    fn write(self, _: &mut Answer) {}
}

impl Return for bool {
    fn write(self, answer: &mut Answer) {
        answer.integer(self.into());
    }
}

impl Return for u8 {
    fn write(self, answer: &mut Answer) {
        answer.integer(self.into());
    }
}

impl Return for u64 {
    fn write(self, answer: &mut Answer) {
        answer.integer(self);
    }
}

impl Return for U256 {
    fn write(self, answer: &mut Answer) {
        answer.word(self.into());
    }
}

impl Return for B256 {
    fn write(self, answer: &mut Answer) {
        answer.word(self);
    }
}

impl Return for Address {
    fn write(self, answer: &mut Answer) {
        answer.word(self.into_word());
    }
}

impl Return for String {
    fn write(self, answer: &mut Answer) {
        answer.text(&self, 1);
    }
}

impl<A: Return, B: Return, C: Return> Return for (A, B, C) {
    /// Only for types of fixed length, which is what the contracts return three of.
    fn write(self, answer: &mut Answer) {
        self.0.write(answer);
        self.1.write(answer);
        self.2.write(answer);
    }
}

impl Return for crate::domain::Eip712Domain {
    fn write(self, answer: &mut Answer) {
        let (fields, name, version, chain_id, contract, salt, extensions) = self;
        answer.word(B256::right_padding_from(fields.as_slice()));
        answer.text(&name, 7);
        answer.text(&version, 7);
        chain_id.write(answer);
        contract.write(answer);
        salt.write(answer);
        answer.offset(7);
        answer
            .tail
            .extend_from_slice(&U256::from(extensions.len()).to_be_bytes::<32>());
        for extension in extensions {
            answer
                .tail
                .extend_from_slice(&extension.to_be_bytes::<32>());
        }
    }
}

/// What a method may give back: an answer, or a refusal that becomes the revert data.
pub trait Outcome {
    /// The bytes to return or to revert with.
    ///
    /// # Errors
    ///
    /// The refusal, encoded.
    fn encode(self) -> Result<Vec<u8>, Vec<u8>>;
}

impl<T: Return> Outcome for T {
    fn encode(self) -> Result<Vec<u8>, Vec<u8>> {
        let mut answer = Answer::default();
        self.write(&mut answer);
        Ok(answer.finish())
    }
}

impl<T: Return, E: Into<Vec<u8>>> Outcome for Result<T, E> {
    fn encode(self) -> Result<Vec<u8>, Vec<u8>> {
        self.map_err(Into::into)?.encode()
    }
}

/// Declares a contract's functions: `"solidityName" rust_method(Argument, ...) -> Answer;`, the constructor first.
///
/// Implements stylus-sdk's entry point and `Router` (and with feature `export-abi` its `GenerateAbi`) for the storage
/// type, whose inherent methods do the work. Every function refuses ether; calldata that is no encoding of the arguments
/// reverts without data.
#[macro_export]
macro_rules! functions {
    (
        $contract:ident;
        constructor $constructor:ident($($constructor_name:ident: $constructor_type:ty),* $(,)?);
        $($name:literal $method:ident($($argument:ty),* $(,)?) $(-> $answer:ty)?;)*
    ) => {
        #[allow(
            dead_code,
            unreachable_pub,
            unused_imports,
            reason = "the host calls what the macro makes public; in tests it makes nothing"
        )]
        mod entry {
            use stylus_sdk::prelude::*;

            #[entrypoint]
            fn enter(input: alloc::vec::Vec<u8>, host: stylus_sdk::host::VM) -> stylus_sdk::ArbResult {
                stylus_sdk::abi::router_entrypoint::<super::$contract, super::$contract>(input, host)
            }
        }

        #[allow(unsafe_code, reason = "the type is the contract's whole storage, rooted at slot 0")]
        // SAFETY: the only instance is made by the entry point, which gives it away by unique reference.
        unsafe impl stylus_sdk::stylus_core::TopLevelStorage for $contract {}

        impl stylus_sdk::abi::Router<$contract> for $contract {
            type Storage = Self;

            #[allow(non_upper_case_globals, reason = "selectors are named like their methods")]
            fn route(
                contract: &mut Self,
                selector: u32,
                input: &[u8],
            ) -> Option<stylus_sdk::ArbResult> {
                $(
                    const $method: u32 = u32::from_be_bytes(
                        stylus_sdk::function_selector!($name $(, $argument)*)
                    );
                )*
                if !contract.vm().msg_value().is_zero() {
                    return None;
                }
                #[allow(unused_mut)]
                let mut arguments = $crate::abi::Arguments::new(input);
                match selector {
                    $($method => Some($crate::abi::Outcome::encode(
                        $contract::$method(contract $(, arguments.take::<$argument>()?)*)
                    )),)*
                    _ => None,
                }
            }

            fn receive(_: &mut Self) -> Option<Result<(), alloc::vec::Vec<u8>>> {
                None
            }

            fn fallback(_: &mut Self, _: &[u8]) -> Option<stylus_sdk::ArbResult> {
                None
            }

            fn constructor(contract: &mut Self, input: &[u8]) -> Option<stylus_sdk::ArbResult> {
                use stylus_sdk::stylus_core::ConstructorGuard;
                if !contract.vm().msg_value().is_zero() {
                    return None;
                }
                if let Err(refusal) = contract.check_constructor_slot() {
                    return Some(Err(refusal));
                }
                let mut arguments = $crate::abi::Arguments::new(input);
                Some($crate::abi::Outcome::encode(
                    contract.$constructor($(arguments.take::<$constructor_type>()?),*)
                ))
            }
        }

        #[cfg(feature = "export-abi")]
        impl stylus_sdk::abi::GenerateAbi for $contract {
            const NAME: &'static str = stringify!($contract);

            fn fmt_abi(f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                use stylus_sdk::abi::AbiType;
                writeln!(f, "interface I{} {{", Self::NAME)?;
                $(
                    let arguments: &[&str] = &[$(<$argument as AbiType>::EXPORT_ABI_ARG.as_str()),*];
                    write!(f, "    function {}({}) external", $name, arguments.join(", "))?;
                    $(
                        let answer = <$answer as AbiType>::EXPORT_ABI_RET;
                        let answer = answer.as_str();
                        if answer.starts_with('(') {
                            write!(f, " returns {answer}")?;
                        } else {
                            write!(f, " returns ({answer})")?;
                        }
                    )?
                    writeln!(f, ";")?;
                )*
                writeln!(f, "}}")
            }

            fn fmt_constructor_signature(f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                use stylus_sdk::abi::AbiType;
                let arguments: &[String] = &[$(
                    format!(
                        "{} {}",
                        <$constructor_type as AbiType>::EXPORT_ABI_ARG.as_str(),
                        stringify!($constructor_name)
                    )
                ),*];
                writeln!(f, "constructor({})", arguments.join(", "))
            }
        }
    };
}
