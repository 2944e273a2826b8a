//! What each version of `ArbOS` does: the one place where a rule depends on the version.
//!
//! `docs/devnet.md` says for every field and function where it is in Nitro. Anything not listed here is the same
//! in all versions that the chain supports.

use std::{fmt, str::FromStr};
use thiserror::Error;

/// A version of `ArbOS` that the chain can run.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ArbOs {
    /// "Callisto", on Arbitrum One since June 2025.
    V40,
    /// "Dia", on Arbitrum One since January 2026.
    V51,
    /// "Elara" as it was on Arbitrum Sepolia; Arbitrum One never ran it.
    V60,
    /// "Elara", on Arbitrum One since August 2026.
    #[default]
    V61,
}

/// A version of `ArbOS` that the chain does not support.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("unknown ArbOS version {0}; expected 40, 51, 60 or 61")]
pub struct UnknownArbOs(pub String);

impl ArbOs {
    /// All of them, oldest first.
    pub const ALL: [Self; 4] = [Self::V40, Self::V51, Self::V60, Self::V61];

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u64 {
        match self {
            Self::V40 => 40,
            Self::V51 => 51,
            Self::V60 => 60,
            Self::V61 => 61,
        }
    }

    /// The newest version that is not above `number`, or else the oldest.
    pub(crate) fn nearest(number: u64) -> Self {
        let known = Self::ALL.into_iter();
        known
            .rev()
            .find(|version| version.number() <= number)
            .unwrap_or(Self::V40)
    }

    /// The largest size of a program's unpacked WASM, in bytes.
    #[must_use]
    pub const fn max_wasm(self) -> u32 {
        self.rules().max_wasm
    }

    /// Its rules.
    pub(crate) const fn rules(self) -> &'static Rules {
        match self {
            Self::V40 => &V40,
            Self::V51 => &V51,
            Self::V60 => &V60,
            Self::V61 => &V61,
        }
    }
}

impl TryFrom<u64> for ArbOs {
    type Error = UnknownArbOs;

    fn try_from(number: u64) -> Result<Self, UnknownArbOs> {
        Self::ALL
            .into_iter()
            .find(|version| version.number() == number)
            .ok_or_else(|| UnknownArbOs(number.to_string()))
    }
}

impl FromStr for ArbOs {
    type Err = UnknownArbOs;

    fn from_str(text: &str) -> Result<Self, UnknownArbOs> {
        Self::ALL
            .into_iter()
            .find(|version| version.to_string() == text)
            .ok_or_else(|| UnknownArbOs(text.to_owned()))
    }
}

impl fmt::Display for ArbOs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

/// The rules that differ between versions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Rules {
    pub(crate) arbos: ArbOs,
    /// The version under which programs are activated; programs of another must be activated again.
    pub(crate) stylus: u16,
    /// The largest size of a program's unpacked WASM, in bytes.
    pub(crate) max_wasm: u32,
    /// How many accounts a program's code may be spread over; 0 when it must be in one.
    pub(crate) max_fragments: u8,
    /// How many words of stack a call of a program may use.
    pub(crate) stack_words: u32,
    /// How many of the programs that ran last in a block pay the cached price.
    pub(crate) recent_programs: u16,
    /// Whether functions and blocks may have more than one result, and blocks may have parameters.
    pub(crate) multi_value: bool,
    /// Whether the EVM has Osaka's operations and precompiles; before, it is Prague's with those of Cancun
    /// and P256VERIFY.
    pub(crate) osaka: bool,
    /// Whether the import that pays for pages looks at only 16 bits of their number.
    pub(crate) short_page_counts: bool,
}

/// Functions of precompiles that older versions do not have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Functions {
    /// `ArbGasInfo`: what a transaction and a block may burn.
    GasLimits,
    /// `ArbGasInfo`: the constraints that price gas.
    PricingConstraints,
    /// `ArbOwnerPublic`: the native token's owners, and the parent chain's floor.
    NativeTokens,
    /// `ArbGasInfo`: the constraints and base fee of each kind of gas.
    KindsOfGas,
    /// `ArbOwnerPublic`: whether tips are collected.
    Tips,
    /// `ArbOwnerPublic`: who filters transactions.
    Filters,
    /// `ArbOwnerPublic`: how many accounts a program's code may be spread over.
    Fragments,
    /// `ArbWasm`: what an owner adds to the price of every activation.
    ActivationGas,
}

impl Functions {
    /// The first version that has them.
    pub(crate) const fn since(self) -> ArbOs {
        match self {
            Self::GasLimits | Self::PricingConstraints | Self::NativeTokens => ArbOs::V51,
            Self::KindsOfGas
            | Self::Tips
            | Self::Filters
            | Self::Fragments
            | Self::ActivationGas => ArbOs::V60,
        }
    }
}

const V40: Rules = Rules {
    arbos: ArbOs::V40,
    stylus: 2,
    max_wasm: 128 << 10,
    max_fragments: 0,
    stack_words: 4 * 65_536,
    recent_programs: 0,
    multi_value: true,
    osaka: false,
    short_page_counts: true,
};

const V51: Rules = Rules {
    arbos: ArbOs::V51,
    stack_words: 22_000,
    osaka: true,
    ..V40
};

const V60: Rules = Rules {
    arbos: ArbOs::V60,
    stylus: 3,
    max_wasm: 256 << 10,
    max_fragments: 4,
    recent_programs: 32,
    multi_value: false,
    short_page_counts: false,
    ..V51
};

/// Same as 60: 61 fixes how 60 counts refunds, and nothing here counts them that way.
const V61: Rules = Rules {
    arbos: ArbOs::V61,
    ..V60
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_is_told_by_its_number() {
        for version in ArbOs::ALL {
            assert_eq!(version.to_string().parse(), Ok(version));
            assert_eq!(ArbOs::try_from(version.number()), Ok(version));
            assert_eq!(version.rules().arbos, version);
        }
        assert_eq!(ArbOs::default().number(), 61);
    }

    #[test]
    fn the_version_of_a_forked_chain_is_the_newest_that_it_has_reached() {
        let nearest =
            [11, 40, 50, 51, 59, 60, 61, 70].map(|number| ArbOs::nearest(number).number());
        assert_eq!(nearest, [40, 40, 40, 51, 51, 60, 61, 61]);
    }

    #[test]
    fn other_versions_are_refused_by_name() {
        for text in ["50", "", "latest", "061"] {
            let error = text.parse::<ArbOs>().unwrap_err();
            assert!(error.to_string().contains("40, 51, 60 or 61"), "{error}");
        }
        assert_eq!(ArbOs::try_from(62), Err(UnknownArbOs("62".into())));
    }
}
