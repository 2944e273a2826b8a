//! The macros that declare a contract's functions and errors.

/// Declares a contract's functions: `view "solidityName" rust_method(Argument, ...) -> Return;`, the constructor first.
///
/// Implements stylus-sdk's entry point and `Router` (and with feature `export-abi` its `GenerateAbi`) for the storage
/// type, whose inherent methods do the work. Every function refuses ether. Calldata that does not encode the arguments
/// reverts without data. `view` appears in the exported ABI only: the host itself stops writes in a static call.
#[macro_export]
macro_rules! functions {
    (
        $contract:ident;
        constructor $constructor:ident($($constructor_name:ident: $constructor_type:ty),* $(,)?);
        $($($purity:ident)? $name:literal $method:ident($($argument:ty),* $(,)?) $(-> $return:ty)?;)*
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
                if $crate::host::sends_ether(contract.vm()) {
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
                if $crate::host::sends_ether(contract.vm()) {
                    return None;
                }
                if !$crate::host::is_first_construction(contract) {
                    return Some(Err(alloc::vec::Vec::new()));
                }
                let mut arguments = $crate::abi::Arguments::new(input);
                Some($crate::abi::Outcome::encode(
                    contract.$constructor($(arguments.take::<$constructor_type>()?),*)
                ))
            }
        }

        #[cfg(test)]
        #[allow(dead_code, reason = "for a test against the interface file")]
        impl $contract {
            /// Name and selector of every function declared.
            pub(crate) const FUNCTIONS: &'static [(&'static str, [u8; 4])] =
                &[$(($name, stylus_sdk::function_selector!($name $(, $argument)*))),*];
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
                    $(write!(f, " {}", stringify!($purity))?;)?
                    $(
                        let values = <$return as AbiType>::EXPORT_ABI_RET;
                        let values = values.as_str();
                        if values.starts_with('(') {
                            write!(f, " returns {values}")?;
                        } else {
                            write!(f, " returns ({values})")?;
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

/// Declares an enum of a contract's errors, `Name { field: Type, ... }` as in its interface, and their encoding.
///
/// ```
/// extern crate alloc;
///
/// use alloy_primitives::{Address, U256, keccak256};
/// use runtime::abi::Revert;
///
/// runtime::errors! {
///     /// Why a deposit reverts.
///     enum Error {
///         DepositTooLarge { account: Address, amount: U256 }
///         Closed {}
///     }
/// }
///
/// // The selector, and no fields.
/// assert_eq!(Revert::from(Error::Closed {}).0, keccak256("Closed()")[..4]);
/// # let _ = Error::DepositTooLarge { account: Address::ZERO, amount: U256::ZERO };
/// ```
#[macro_export]
macro_rules! errors {
    (
        $(#[$docs:meta])*
        $visibility:vis enum $name:ident {
            $($error:ident { $($field:ident: $kind:ty),* $(,)? })*
        }
    ) => {
        $(#[$docs])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        $visibility enum $name {
            $(
                #[allow(missing_docs, reason = "the interface file carries the prose")]
                $error { $($field: $kind),* },
            )*
        }

        #[cfg(test)]
        #[allow(dead_code, reason = "for a test against the interface file")]
        impl $name {
            /// Name and selector of every error declared.
            pub(crate) const ERRORS: &'static [(&'static str, [u8; 4])] = &[$((
                stringify!($error),
                stylus_sdk::function_selector!(stringify!($error) $(, $kind)*),
            )),*];
        }

        impl From<$name> for $crate::abi::Revert {
            #[inline(never)]
            fn from(error: $name) -> Self {
                let selector = match &error {
                    $($name::$error { .. } => const {
                        u32::from_be_bytes(
                            stylus_sdk::function_selector!(stringify!($error) $(, $kind)*)
                        )
                    },)*
                };
                let mut encoder = $crate::abi::Encoder::error(selector);
                match error {
                    $($name::$error { $($field),* } => {
                        $($crate::abi::Return::write($field, &mut encoder);)*
                    })*
                }
                Self(encoder.finish())
            }
        }
    };
}

/// A struct that a function returns, in the exported ABI: its values. The types and the named values are
/// written out, since a struct's own name would change selectors.
#[macro_export]
macro_rules! exported {
    ($return:ty, $types:literal, $values:literal) => {
        impl stylus_sdk::abi::AbiType for $return {
            type SolType = Self;

            const ABI: stylus_sdk::abi::ConstString = stylus_sdk::abi::ConstString::new($types);
            const EXPORT_ABI_RET: stylus_sdk::abi::ConstString =
                stylus_sdk::abi::ConstString::new($values);
        }
    };
}
