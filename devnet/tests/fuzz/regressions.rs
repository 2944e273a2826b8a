//! Inputs that once failed: files next to this one, which every run tries again.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/regressions")
}

/// The inputs kept in files with this extension.
pub(crate) fn kept(ending: &str) -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|found| found == ending))
        .collect();
    files.sort();
    files
        .iter()
        .map(|path| fs::read(path).expect("a file"))
        .collect()
}

/// Runs `examine` on `input`; if it panics, keeps the input in a file with this name.
pub(crate) fn guarded<T>(file: &str, input: &[u8], examine: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(examine)).unwrap_or_else(|panic| {
        let path = folder().join(file);
        fs::write(&path, input).expect("a file");
        eprintln!("kept what fails in {}", path.display());
        resume_unwind(panic)
    })
}
