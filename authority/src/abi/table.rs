//! The macros that declare what a contract can be asked and how it refuses.

/// Declares a contract's functions: `view "solidityName" rust_method(Argument, ...) -> Answer;`, the constructor first.
/// (`view` only stands in the exported ABI; a static call cannot write, whatever it calls.)
///
/// Implements stylus-sdk's entry point and `Router` (and with feature `export-abi` its `GenerateAbi`) for the storage
/// type, whose inherent methods do the work. Every function refuses ether; calldata that is no encoding of the arguments
/// reverts without data.
#[macro_export]
macro_rules! functions {
    (
        $contract:ident;
        constructor $constructor:ident($($constructor_name:ident: $constructor_type:ty),* $(,)?);
        $($($purity:ident)? $name:literal $method:ident($($argument:ty),* $(,)?) $(-> $answer:ty)?;)*
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
                if $crate::abi::brings_ether(contract.vm()) {
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
                if $crate::abi::brings_ether(contract.vm()) {
                    return None;
                }
                if !$crate::abi::constructs_first(contract) {
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

/// Declares an enum of a contract's errors, `Name { field: Type, ... }` as in its interface, and how each is encoded.
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

        impl From<$name> for $crate::abi::Refusal {
            #[inline(never)]
            fn from(error: $name) -> Self {
                match error {
                    $($name::$error { $($field),* } => {
                        const SELECTOR: u32 = u32::from_be_bytes(
                            stylus_sdk::function_selector!(stringify!($error) $(, $kind)*)
                        );
                        #[allow(unused_mut)]
                        let mut answer = $crate::abi::Answer::refusal(SELECTOR);
                        $($crate::abi::Return::write($field, &mut answer);)*
                        Self(answer.finish())
                    })*
                }
            }
        }
    };
}
