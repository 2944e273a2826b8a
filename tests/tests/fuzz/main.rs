//! Stateful fuzz of the settlement contract: random calls by random callers on one market, each predicted by a model that
//! was written from the specification, and the invariants I1 to I5, I7 and I8 after every step.
//!
//! `FUZZ_SEED` and `FUZZ_STEPS` choose the run; without them it is the same short one every time. A failure is printed
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
mod distribution;
mod firm;
mod generate;
mod model;
mod observe;
mod opening;
mod probe;
mod register;
mod run;
mod stage;
mod touched;

use firm::Game;
use run::{Campaign, run};
use stage::Stage;

/// The run of `cargo test`, unless the environment says otherwise.
const SEED: u64 = 1;
/// Its length.
const STEPS: usize = 600;
/// From this length on, a run covers everything there is to cover.
const COMPLETE: usize = 20_000;

/// The run that the environment asks for, or the short one.
fn campaign() -> Campaign {
    let from_environment = |name: &str| {
        std::env::var(name).ok().map(|value| {
            value
                .parse()
                .unwrap_or_else(|_| panic!("{name} is a decimal number"))
        })
    };
    Campaign {
        seed: from_environment("FUZZ_SEED").unwrap_or(SEED),
        steps: from_environment("FUZZ_STEPS")
            .map_or(STEPS, |steps| usize::try_from(steps).expect("fits")),
    }
}

/// Invariants I1 to I5, I7 and I8 under arbitrary sequences of calls.
#[tokio::test]
async fn a_market_does_what_the_specification_predicts() {
    let campaign = campaign();
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
        stage.coverage.assert_every_code();
    }
}

/// Seeds that together cover each failure of the table and each code of the share classes, and seeds that found faults.
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
    stage.coverage.assert_every_code();
}

/// Invariant I10.
#[tokio::test]
async fn nothing_that_the_parties_do_stops_a_committed_settlement() {
    let Campaign { seed, steps } = campaign();
    let Some(mut game) = Game::open(seed, true).await else {
        return;
    };
    let outcome = game.run(steps).await;
    eprintln!("FUZZ_SEED={seed}: {:?}", game.tally);
    if let Err(why) = outcome {
        panic!("FUZZ_SEED={seed} FUZZ_STEPS={steps}: {why}");
    }
    let tally = game.tally;
    assert!(
        steps < STEPS
            || tally.committed > 20
                && tally.settled > 5
                && tally.acts.iter().all(|acts| *acts > 100),
        "too little happened to mean anything: {tally:?}"
    );
}

/// The control of I10: without the commitments the same acts stop a settlement, whatever the seed.
#[tokio::test]
async fn the_same_acts_stop_a_settlement_that_is_not_committed() {
    for seed in 1..=5 {
        let Some(mut game) = Game::open(seed, false).await else {
            return;
        };
        let found = game.run(STEPS).await.expect_err("nobody has stopped one");
        eprintln!("seed {seed}: {found}");
    }
}
