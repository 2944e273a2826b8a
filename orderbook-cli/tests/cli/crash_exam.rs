//! `kill -9` while an exam pack is written: the folder is there complete or not at all, and another run writes it.

use std::path::Path;

use crate::process::Market;
use crate::tracer::{Boundary, Verdict, trace};

/// Kills of the default run, spread over all boundaries; `CRASH_ALL=1` kills at each.
const KILLS: usize = 12;

/// The checksums of every file but the manifest; nothing where there is no folder.
fn sums(pack: &Path) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(pack.join("SHA256SUMS")).ok()?;
    // It has the time at which the pack was made.
    let lines = text.lines().filter(|line| !line.ends_with("MANIFEST.json"));
    Some(lines.map(str::to_owned).collect())
}

#[test]
fn an_exam_pack_is_whole_or_absent_after_a_kill_at_any_boundary() {
    let market = Market::open();
    let (bid, ask) = market.approved_match();
    market.data(&format!("settle {bid} {ask} --signed"));
    market.data("audit anchor");
    let folder = tempfile::tempdir().unwrap();
    let pack = folder.path().join("exam");
    let line = format!("export exam --out {}", pack.display());
    let mut is_point = Vec::new();
    let run = trace(&market.command(&market.url, &line), |_, boundary| {
        // Packets of reads change nothing.
        is_point.push(!matches!(boundary, Boundary::Send(_)));
        Verdict::Pass
    });
    assert_eq!(run.exit, Some(0), "{}", run.stderr);
    let goal = sums(&pack).expect("a pack");
    let points: Vec<usize> = (0..is_point.len()).filter(|at| is_point[*at]).collect();
    let each = match std::env::var_os("CRASH_ALL") {
        Some(_) => 1,
        None => points.len().div_ceil(KILLS).max(1),
    };
    // The last ones in any case: there the folder gets its name.
    let last = points.len().saturating_sub(4)..points.len();
    let places = (0..points.len()).step_by(each).chain(last);
    let (mut whole, mut absent) = (0, 0);
    for place in places {
        std::fs::remove_dir_all(&pack).ok();
        let killed = trace(&market.command(&market.url, &line), |number, _| {
            if number == points[place] {
                Verdict::Kill
            } else {
                Verdict::Pass
            }
        });
        let words = format!(
            "before {:?} ({place} of {})",
            killed.boundaries.last(),
            points.len()
        );
        let again = market.run(&line);
        if let Some(found) = sums(&pack).filter(|_| again.exit != 0) {
            // It was there already, complete, and is not overwritten.
            again.exits(3);
            assert_eq!(found, goal, "{words}");
            whole += 1;
        } else {
            again.exits(0);
            assert!(killed.stdout.is_empty(), "{words}: said, and not there");
            assert_eq!(sums(&pack), Some(goal.clone()), "{words}");
            absent += 1;
        }
    }
    assert!(whole > 0 && absent > 0, "{whole} whole, {absent} absent");
    println!(
        "{line}: {} boundaries, {} kills",
        is_point.len(),
        whole + absent
    );
}
