//! Where a password comes from: a file, or a prompt at a terminal. Never a flag, an environment variable or a log.

use std::fs;
use std::io::IsTerminal as _;
use std::path::Path;

use dialoguer::Password;

use super::WalletError;

/// The password of an existing wallet.
///
/// # Errors
/// `PasswordFile`; `NoPassword` when there is neither file nor terminal.
pub fn ask(wallet: &str, file: Option<&Path>) -> Result<String, WalletError> {
    if let Some(path) = file {
        return read(path);
    }
    terminal(wallet)?;
    let prompt = format!("password of wallet '{wallet}'");
    Password::new()
        .with_prompt(prompt)
        .interact()
        .map_err(|_| WalletError::NoPassword(wallet.to_string()))
}

/// The password of a new wallet, asked twice at a prompt.
///
/// # Errors
/// As [`ask`]; `PasswordsDiffer`.
pub fn choose(wallet: &str, file: Option<&Path>) -> Result<String, WalletError> {
    if let Some(path) = file {
        return read(path);
    }
    terminal(wallet)?;
    let ask = |prompt: String| {
        Password::new()
            .with_prompt(prompt)
            .interact()
            .map_err(|_| WalletError::NoPassword(wallet.to_string()))
    };
    let first = ask(format!("new password for wallet '{wallet}'"))?;
    if ask("again".to_string())? == first {
        Ok(first)
    } else {
        Err(WalletError::PasswordsDiffer)
    }
}

fn terminal(wallet: &str) -> Result<(), WalletError> {
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
        return Ok(());
    }
    Err(WalletError::NoPassword(wallet.to_string()))
}

/// The first line of a file, without its line end.
fn read(path: &Path) -> Result<String, WalletError> {
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
        assert_eq!(ask("desk", Some(&path)).unwrap(), "one two");
        fs::write(&path, "\n").unwrap();
        assert!(matches!(
            ask("desk", Some(&path)),
            Err(WalletError::PasswordFile { .. })
        ));
    }
}
