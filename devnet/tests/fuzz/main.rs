//! Random programs and random requests: nothing that a stranger sends crashes, hangs or confuses the chain.
//!
//! `FUZZ_CASES` says how many modules are tried (240 unless said otherwise; four times as many requests),
//! `FUZZ_SEED` which (1). A failing module or request is written to `regressions/`, whose files every run
//! tries again.

mod bodies;
mod chain;
mod host_calls;
#[path = "../support/memory.rs"]
mod memory;
mod modules;
mod programs;
mod random;
mod regressions;
mod requests;
#[path = "../support/wire.rs"]
mod wire;

/// How many cases to run, and the seed they come from.
fn settings() -> (u64, u64) {
    let number = |name: &str, usual: u64| {
        std::env::var(name).map_or(usual, |text| {
            text.parse()
                .unwrap_or_else(|_| panic!("{name} is a decimal number, not {text:?}"))
        })
    };
    (number("FUZZ_CASES", 240), number("FUZZ_SEED", 1))
}
