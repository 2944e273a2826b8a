//! Random programs and random requests: nothing a stranger sends crashes, hangs or confuses the chain.
//!
//! `FUZZ_CASES` sets how many modules are tried (240 by default; four times as many requests), `FUZZ_SEED`
//! selects them (1 by default). A failing module or request is written to `regressions/`, whose files every
//! run tries again.

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
