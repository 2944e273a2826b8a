//! `kill -9` at every boundary of an export for examiners: no half pack passes the verifier, and the same command, given
//! again, makes the pack.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::Market;
use crate::tracer::{Boundary, Verdict, trace};

const LINE: &str = "export exam --out exam";

/// Everything in the market's folder that is a pack, or was to become one.
fn packs(market: &Market) -> Vec<PathBuf> {
    let entries = fs::read_dir(market.path()).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let named = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name == "exam" || name.starts_with("exam."))
    };
    paths.filter(named).collect()
}

/// Whether the verifier, from outside of the pack, takes it.
fn holds(verifier: &Path, pack: &Path) -> bool {
    let run = Command::new("python3").arg(verifier).arg(pack).output();
    run.expect("python3 runs").status.success()
}

/// The names below a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn an_exam_pack_survives_a_kill_at_every_boundary() {
    let market = Market::open();
    market.run(LINE).exits(0);
    let whole = market.path().join("exam");
    let goal = names(&whole);
    let verifier = market.path().join("verifier.py");
    fs::copy(whole.join("verify.py"), &verifier).expect("a copy");
    assert!(holds(&verifier, &whole));
    for kills in 0.. {
        for pack in packs(&market) {
            fs::remove_dir_all(pack).expect("it is removed");
        }
        let mut points = 0;
        let run = trace(&market.command(&market.url, LINE), |_, boundary| {
            points += usize::from(boundary.changes());
            if boundary.changes() && points > kills {
                Verdict::Kill
            } else {
                Verdict::Pass
            }
        });
        if points <= kills {
            assert!(run.boundaries.contains(&Boundary::Exit), "{run:?}");
            assert_eq!(run.exit, Some(0), "{run:?}");
            println!("{LINE}: {kills} kills");
            assert!(kills > 20, "{kills}");
            break;
        }
        assert_eq!(run.exit, None, "kill {kills}: {run:?}");
        for pack in packs(&market) {
            // Without the list of checksums the verifier has nothing to go by.
            let whole = names(&pack) == goal;
            if whole || pack.join("SHA256SUMS").exists() {
                let taken = holds(&verifier, &pack);
                assert!(whole || !taken, "kill {kills}: {} passes", pack.display());
                assert!(taken || !pack.ends_with("exam"), "kill {kills}");
            } else {
                assert!(!pack.ends_with("exam"), "kill {kills}: a part has the name");
            }
        }
        let again = market.run_beside_others(&market.url, LINE);
        if again.exit == 3 {
            assert_eq!(again.code(), "FOLDER_EXISTS", "kill {kills}");
        } else {
            assert_eq!(again.exit, 0, "kill {kills}: {again:?}");
        }
        let pack = market.path().join("exam");
        assert_eq!(names(&pack), goal, "kill {kills}");
        assert!(holds(&verifier, &pack), "kill {kills}");
    }
}
