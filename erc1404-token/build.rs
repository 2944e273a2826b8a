//! Lets `cargo stylus` find the module: 0.10.10 looks for it under the package's name, cargo writes it with an underscore.

use std::{env, error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_ARCH")? != "wasm32" {
        return Ok(());
    }
    // OUT_DIR is <profile>/build/<package>-<hash>/out.
    let out = env::var("OUT_DIR")?;
    let profile = Path::new(&out)
        .ancestors()
        .nth(3)
        .ok_or("OUT_DIR is not below a profile folder")?;
    let deps = profile.join("deps");
    fs::create_dir_all(&deps)?;
    let (written, wanted) = ("erc1404_token.wasm", deps.join("erc1404-token.wasm"));
    if wanted.is_symlink() {
        return Ok(());
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink(written, wanted)?;
    #[cfg(windows)]
    std::os::windows::fs::symlink_file(written, wanted)?;
    Ok(())
}
