//! Random programs, each deployed, activated and called.

use crate::{
    chain::{By, Endings, Fate, Invocation, Laboratory},
    memory,
    modules::{self, Kind},
    random::material,
    regressions, settings,
};
use arbitrary::{Result, Unstructured};
use std::{collections::BTreeMap, fs, path::Path};

/// Random bytes that one module and its calls are made of.
const MATERIAL: usize = 6_000;
/// One case in this many is also run by an engine that shares nothing with the first.
const THOROUGH: u64 = 8;
/// The most memory a run may keep, in megabytes: compiled programs (the engine keeps 1,024 of them) and
/// the allocator's slack. Leaking a page per case would be 3 GB in a long run.
const KEPT: u64 = 300;

/// The project's own programs; none when they have not been built.
fn real() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/contracts");
    let mut files: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "wasm"))
        .collect();
    files.sort();
    files.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn calls(u: &mut Unstructured<'_>) -> Result<Vec<Invocation>> {
    let by = [By::Sender, By::Call, By::DelegateCall, By::StaticCall];
    let calls = by.into_iter().chain([By::Sender]).map(|by| {
        let length = *u.choose(&[0, 1, 4, 32, 36, 68, 200])?;
        Ok(Invocation {
            by,
            input: u.bytes(u.len().min(length))?.to_vec(),
            value: *u.choose(&[0, 0, 0, 1, 1_000])?,
            // Ink bounds the run: 10,000 times the gas. The second bounds loops of host calls.
            gas: *u.choose(&[60_000, 200_000, 1_000_000, 1_000_000, 4_000_000])?,
        })
    });
    calls.collect()
}

#[test]
fn any_module_is_refused_or_runs_within_its_gas() {
    let (cases, seed) = settings();
    let laboratory = Laboratory::new();
    let real = real();
    let mut fates = BTreeMap::<(Kind, Fate), u64>::new();
    let mut endings = Endings::new();
    let mut settled = None;
    for case in 0..cases {
        let material = material(seed, case, MATERIAL);
        let mut u = Unstructured::new(&material);
        let (calls, module) = (calls(&mut u), modules::module(&mut u, &real));
        let (Ok(calls), Ok((kind, wasm))) = (calls, module) else {
            continue;
        };
        let file = format!("seed-{seed}-case-{case}.wasm");
        let fate = regressions::guarded(&file, &wasm, || {
            let thorough = case % THOROUGH == 0;
            laboratory.examine(&wasm, &calls, thorough, &mut endings)
        });
        *fates.entry((kind, fate)).or_default() += 1;
        if case == cases / 4 {
            settled = Some(memory::resident());
        }
    }
    let (before, after) = (settled.unwrap_or_default(), memory::resident());
    eprintln!("modules {fates:?}\ncalls {endings:?}\nmegabytes {before} then {after}");
    let ran: u64 = fates
        .iter()
        .filter(|((_, fate), _)| *fate == Fate::Ran)
        .map(|(_, count)| count)
        .sum();
    assert!(ran >= cases / 2, "only {ran} of {cases} modules ran");
    assert!(endings["succeeded"] >= cases / 2, "{endings:?}");
    assert!(after <= before + KEPT, "{before} MB grew to {after} MB");
}

#[test]
fn what_once_failed_is_refused_or_runs() {
    let laboratory = Laboratory::new();
    for wasm in regressions::kept("wasm") {
        for seed in 0..4 {
            let material = material(seed, 0, MATERIAL);
            let calls = calls(&mut Unstructured::new(&material)).unwrap();
            laboratory.examine(&wasm, &calls, true, &mut Endings::new());
        }
    }
}
