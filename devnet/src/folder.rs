//! Where what can be had again is kept.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The folder of this name in `devnet` in the user's cache folder; `None` where the environment names none.
pub(crate) fn in_cache(name: &str) -> Option<PathBuf> {
    let folder = |variable| env::var_os(variable).filter(|path| !path.is_empty());
    folder("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| folder("HOME").map(|home| Path::new(&home).join(".cache")))
        .map(|caches| caches.join("devnet").join(name))
}

/// Where the program `devnet` keeps the machine code of programs unless told otherwise: `devnet/code` in the user's
/// cache folder; `None` where there is none.
#[must_use]
pub fn code_folder() -> Option<PathBuf> {
    in_cache("code")
}
