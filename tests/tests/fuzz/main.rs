//! Stateful fuzz of the settlement contract: random calls by random callers on one market, each predicted by a model that
//! was written from the specification, and the invariants I1 to I5, I7 and I8 after every step.
//!
//! `FUZZ_SEED` and `FUZZ_STEPS` choose the run; without them it is the same short one every time. What fails is printed
//! with its seed and the shortest sequence of steps found that still fails; a file in `fuzz/regressions` keeps it.
#![allow(clippy::doc_markdown, reason = "TsUSDC is a name")]
#![allow(clippy::similar_names, reason = "senders, spenders, rules and roles")]
#![allow(
    clippy::large_enum_variant,
    reason = "calls are as large as their orders"
)]
#![allow(clippy::too_many_lines, reason = "one arm per function of the ABI")]
#![allow(non_snake_case, reason = "fields are bound by their names in the ABI")]

mod cast;
mod coverage;
mod generate;
mod model;
mod observe;
mod opening;
mod probe;
mod run;
mod stage;

use run::{Campaign, run};
use stage::Stage;

/// The run of `cargo test`, unless the environment says otherwise.
const SEED: u64 = 1;
/// Its length.
const STEPS: usize = 600;
/// From this length on a run meets everything that can be met.
const COMPLETE: usize = 10_000;

/// Invariants I1 to I5, I7 and I8 under arbitrary sequences of calls.
#[tokio::test]
async fn a_market_does_what_the_specification_predicts() {
    let from_environment = |name: &str| {
        std::env::var(name).ok().map(|value| {
            value
                .parse()
                .unwrap_or_else(|_| panic!("{name} is a decimal number"))
        })
    };
    let campaign = Campaign {
        seed: from_environment("FUZZ_SEED").unwrap_or(SEED),
        steps: from_environment("FUZZ_STEPS")
            .map_or(STEPS, |steps| usize::try_from(steps).expect("fits")),
    };
    let Some(mut stage) = Stage::open().await else {
        return;
    };
    run(&mut stage, campaign).await;
    stage.coverage.print();
    if campaign.steps >= COMPLETE {
        let missing = stage.coverage.missing();
        assert!(
            missing.is_empty(),
            "never succeeded or never reverted: {missing:?}"
        );
        stage.coverage.assert_every_failure();
    }
}

/// Seeds that once found something, and such that together meet each failure of the table.
#[tokio::test]
async fn kept_seeds_find_nothing() {
    let Some(mut stage) = Stage::open().await else {
        return;
    };
    for (name, campaign) in run::kept() {
        eprintln!("{name}");
        stage.reset().await;
        run(&mut stage, campaign).await;
    }
    stage.coverage.print();
    stage.coverage.assert_every_failure();
}
