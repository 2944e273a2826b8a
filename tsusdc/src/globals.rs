//! The coin's small globals, which share one word of storage: whether it is paused, and what decides whether minting is
//! allowed now.

use alloy_primitives::U256;

use super::TsUsdc;

/// The word, from its lowest bit: a byte that is 1 while paused, then `as_of` and `max_age` of 64 bits each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Globals {
    /// Whether the coin is paused.
    pub(crate) paused: bool,
    /// When the reserves were what was attested last, in seconds since the epoch; zero before the first attestation.
    pub(crate) as_of: u64,
    /// For how many seconds an attestation allows minting; zero: never.
    pub(crate) max_age: u64,
}

impl Globals {
    fn of_word(word: U256) -> Self {
        let [first, second, third, _] = *word.as_limbs();
        Self {
            paused: first & 0xff != 0,
            as_of: first >> 8 | second << 56,
            max_age: second >> 8 | third << 56,
        }
    }

    fn word(self) -> U256 {
        U256::from_limbs([
            u64::from(self.paused) | self.as_of << 8,
            self.as_of >> 56 | self.max_age << 8,
            self.max_age >> 56,
            0,
        ])
    }
}

impl TsUsdc {
    pub(crate) fn globals(&self) -> Globals {
        Globals::of_word(self.globals.get())
    }

    /// Stores the globals.
    #[inline(never)]
    pub(crate) fn set_globals(&mut self, globals: Globals) {
        self.globals.set(globals.word());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn globals_stand_where_solidity_would_pack_them(paused: bool, as_of: u64, max_age: u64) {
            let globals = Globals { paused, as_of, max_age };
            let word = U256::from(paused) | U256::from(as_of) << 8 | U256::from(max_age) << 72;
            prop_assert_eq!(globals.word(), word);
            prop_assert_eq!(Globals::of_word(word), globals);
        }
    }
}
