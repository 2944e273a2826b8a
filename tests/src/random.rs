//! Seeded randomness: a failing run can be repeated from its seed.

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The generator with `ACCEPTANCE_SEED` (decimal), or 1; prints which, so that a failure can be repeated.
    ///
    /// # Panics
    /// When the variable is not a number.
    pub fn from_environment() -> Self {
        let seed = std::env::var("ACCEPTANCE_SEED").map_or(1, |seed| {
            seed.parse().expect("ACCEPTANCE_SEED is a decimal number")
        });
        eprintln!("ACCEPTANCE_SEED={seed}");
        Self(seed)
    }

    /// The generator with a given seed.
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// One of the choices.
    ///
    /// # Panics
    /// When there are none.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let bound = u64::try_from(choices.len()).expect("fits");
        &choices[usize::try_from(self.below(bound)).expect("fits")]
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// How many cases a randomised test runs: `ACCEPTANCE_CASES`, or `usual`.
///
/// # Panics
/// When the variable is not a number.
pub fn cases(usual: u32) -> u32 {
    std::env::var("ACCEPTANCE_CASES").map_or(usual, |cases| {
        cases.parse().expect("ACCEPTANCE_CASES is a decimal number")
    })
}
