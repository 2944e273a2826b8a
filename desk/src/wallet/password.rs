//! A password kept in a file. Never a flag, an environment variable or a log.

use std::fs;
use std::path::Path;

use super::WalletError;

/// The first line of a file, without its line end.
///
/// # Errors
/// `PasswordFile`.
pub fn read(path: &Path) -> Result<String, WalletError> {
    let failed = |cause: String| WalletError::PasswordFile {
        path: path.to_path_buf(),
        cause,
    };
    let text = fs::read_to_string(path).map_err(|e| failed(e.to_string()))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.to_string()),
        _ => Err(failed("its first line is empty".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_file_gives_its_first_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        fs::write(&path, "one two\r\nnot this\n").unwrap();
        assert_eq!(read(&path).unwrap(), "one two");
        fs::write(&path, "\n").unwrap();
        assert!(matches!(read(&path), Err(WalletError::PasswordFile { .. })));
    }
}
