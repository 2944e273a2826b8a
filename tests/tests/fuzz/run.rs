//! Runs of the fuzz, and the shortest form of one that fails.

use std::{fs, path::Path, time::Instant};

use futures::FutureExt;

use crate::{
    generate::Generator,
    model::Step,
    probe::Probe,
    stage::{Agreement, Stage},
};

/// How many steps are replayed in search of a shorter failing sequence, in addition to four times the failing one.
const REPLAYED: usize = 5_000;

/// After how many steps a long run reports that it is alive.
const PROGRESS: usize = 5_000;

/// A run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Campaign {
    pub(crate) seed: u64,
    pub(crate) steps: usize,
}

/// Runs it.
///
/// # Panics
/// When chain and model disagree: with the seed and the shortest failing sequence found.
pub(crate) async fn run(stage: &mut Stage, campaign: Campaign) {
    let Campaign { seed, steps } = campaign;
    eprintln!("FUZZ_SEED={seed} FUZZ_STEPS={steps}");
    let mut generator = Generator::new(seed, stage.cast.clone(), stage.market.opened, steps);
    let mut done = Vec::new();
    let started = Instant::now();
    let mut outcome = Ok(());
    while outcome.is_ok() && done.len() < steps {
        let step = generator.next(&stage.world);
        let probe = generator.probe(&stage.world);
        done.push((step, probe));
        outcome = take(stage, done.last().expect("just pushed")).await;
        if done.len().is_multiple_of(PROGRESS) {
            eprintln!("{} steps in {:?}", done.len(), started.elapsed());
        }
    }
    if outcome.is_ok() {
        outcome = caught(stage.close()).await;
    }
    if let Err(why) = outcome {
        let at = done.len();
        eprintln!("seed {seed} fails at step {at}: {why}\nlooking for fewer steps");
        let (shortest, why) = shorten(stage, done, why).await;
        for (step, _) in &shortest {
            eprintln!("  at {} {} {:?}", step.at, step.from, step.act);
        }
        panic!(
            "FUZZ_SEED={seed} fails at step {at}; above, {} steps that suffice. To keep it, write \
             `seed {seed}`, `steps {at}` and a line why to tests/tests/fuzz/regressions/NAME.seed.\n{why}",
            shortest.len()
        );
    }
    let settled = stage.coverage.settled();
    eprintln!(
        "{steps} steps in {:?}, {settled} settlements in all",
        started.elapsed()
    );
}

/// A step, and what is tried after it.
type Turn = (Step, Probe);

async fn take(stage: &mut Stage, (step, probe): &Turn) -> Agreement {
    caught(stage.step(step)).await?;
    caught(stage.probe(probe)).await
}

/// A panic of the harness or of the replay also counts as a disagreement.
async fn caught(work: impl Future<Output = Agreement>) -> Agreement {
    let caught = std::panic::AssertUnwindSafe(work).catch_unwind().await;
    caught.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        Err(text.unwrap_or_else(|| "a panic without a text".into()))
    })
}

/// Drops steps in ever smaller chunks as long as the rest still fails.
async fn shorten(stage: &mut Stage, mut steps: Vec<Turn>, mut why: String) -> (Vec<Turn>, String) {
    let mut budget = REPLAYED + 4 * steps.len();
    let mut length = steps.len() / 2;
    while length > 0 {
        let mut start = 0;
        while start < steps.len() && budget >= steps.len() {
            let mut fewer = steps.clone();
            fewer.drain(start..(start + length).min(steps.len()));
            budget -= fewer.len();
            match fails(stage, &fewer).await {
                Some((at, found)) if subject(&found) == subject(&why) => {
                    fewer.truncate(at + 1);
                    (steps, why) = (fewer, found);
                }
                _ => start += length,
            }
        }
        length /= 2;
    }
    (steps, why)
}

/// The subject of a disagreement: the view or call that it begins with.
fn subject(why: &str) -> &str {
    let end = why
        .match_indices(['(', '{'])
        .nth(1)
        .map_or(why.len(), |(at, _)| at);
    &why[..end]
}

/// The step at which a sequence fails, and why.
async fn fails(stage: &mut Stage, turns: &[Turn]) -> Option<(usize, String)> {
    stage.reset().await;
    for (at, turn) in turns.iter().enumerate() {
        if let Err(why) = take(stage, turn).await {
            return Some((at, why));
        }
    }
    None
}

/// The seeds of `regressions`, by file name.
pub(crate) fn kept() -> Vec<(String, Campaign)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/regressions");
    let mut kept: Vec<_> = fs::read_dir(&folder)
        .expect("the folder of kept seeds")
        .map(|entry| {
            let path = entry.expect("an entry of the folder").path();
            let name = path
                .file_name()
                .expect("a file")
                .to_string_lossy()
                .into_owned();
            let text = fs::read_to_string(&path).expect("a text");
            let number = |key: &str| -> u64 {
                let line = text.lines().find_map(|line| line.strip_prefix(key));
                let number = line.and_then(|rest| rest.trim().parse().ok());
                number.unwrap_or_else(|| panic!("{name} has no line `{key} NUMBER`"))
            };
            let steps = usize::try_from(number("steps")).expect("fits");
            (
                name.clone(),
                Campaign {
                    seed: number("seed"),
                    steps,
                },
            )
        })
        .collect();
    kept.sort_by(|(one, _), (other, _)| one.cmp(other));
    kept
}
