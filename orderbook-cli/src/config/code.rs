//! The deployable code of the contracts: the code that this program carries, or another build in a folder.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::ConfigError;

/// Bytes of code that an account can have, times the accounts that a program can have on the chains we deploy to.
#[cfg(test)]
const MOST: usize = 4 * 24_576;

/// By package, built by rustup's compiler; CI compares it with a build of its own (`docs/toolchain.md`).
const CARRIED: [(&str, &[u8]); 5] = [
    (
        "distribution",
        include_bytes!("../../../snapshots/code/distribution.code"),
    ),
    (
        "documents",
        include_bytes!("../../../snapshots/code/documents.code"),
    ),
    (
        "erc1404-token",
        include_bytes!("../../../snapshots/code/erc1404-token.code"),
    ),
    (
        "settlement",
        include_bytes!("../../../snapshots/code/settlement.code"),
    ),
    (
        "tsusdc",
        include_bytes!("../../../snapshots/code/tsusdc.code"),
    ),
];

/// Where the code of a contract comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    /// From this program.
    Carried,
    /// From `PACKAGE.code` in a folder, as `make wasm` writes it.
    Folder(PathBuf),
}

impl Code {
    /// The code of a package as it is on chain: `0xEFF00000` and the compressed module.
    ///
    /// # Errors
    /// [`ConfigError::Code`] when the folder has no such file.
    pub fn of(&self, package: &str) -> Result<Cow<'static, [u8]>, ConfigError> {
        let folder = match self {
            Self::Folder(folder) => folder,
            Self::Carried => {
                let carried = CARRIED.iter().find(|(name, _)| *name == package);
                let code = carried.map(|(_, code)| Cow::Borrowed(*code));
                return code.ok_or_else(|| missing(Path::new(package), "there is none"));
            }
        };
        let path = folder.join(format!("{package}.code"));
        std::fs::read(&path)
            .map(Cow::Owned)
            .map_err(|cause| missing(&path, &cause.to_string()))
    }

    /// The contracts whose code is missing.
    pub fn missing(&self) -> Vec<&'static str> {
        let packages = CARRIED.iter().map(|(package, _)| *package);
        packages
            .filter(|package| self.of(package).is_err())
            .collect()
    }
}

fn missing(path: &Path, cause: &str) -> ConfigError {
    ConfigError::Code {
        path: path.to_path_buf(),
        cause: cause.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contract_is_carried_as_a_compressed_stylus_program_that_fits_into_four_accounts() {
        for (package, code) in CARRIED {
            assert_eq!(code[..4], [0xef, 0xf0, 0x00, 0x00], "{package}");
            assert!(code.len() <= MOST, "{package} has {} bytes", code.len());
            assert_eq!(Code::Carried.of(package).unwrap(), code);
        }
        assert!(Code::Carried.missing().is_empty());
    }

    #[test]
    fn a_folder_is_read_and_what_it_lacks_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tsusdc.code"), [1, 2]).unwrap();
        let code = Code::Folder(folder.path().to_path_buf());
        assert_eq!(code.of("tsusdc").unwrap(), [1, 2].as_slice());
        let missing = ["distribution", "documents", "erc1404-token", "settlement"];
        assert_eq!(code.missing(), missing);
        let error = code.of("settlement").unwrap_err();
        assert!(matches!(&error, ConfigError::Code { path, .. }
            if *path == folder.path().join("settlement.code")));
    }
}
