//! Where a password comes from: a file, or a prompt at a terminal.

use std::io::IsTerminal as _;
use std::path::Path;

use desk::wallet::password::read;
use dialoguer::Password;

use super::failure::{Exit, Failure, Result};

/// The password of an existing wallet.
pub(super) fn ask(wallet: &str, file: Option<&Path>) -> Result<String> {
    match file {
        Some(path) => Ok(read(path)?),
        None => prompt(wallet, &format!("password of wallet '{wallet}'")),
    }
}

/// The password of a new wallet, asked twice at a prompt.
pub(super) fn choose(wallet: &str, file: Option<&Path>) -> Result<String> {
    if let Some(path) = file {
        return Ok(read(path)?);
    }
    let first = prompt(wallet, &format!("new password for wallet '{wallet}'"))?;
    if prompt(wallet, "again")? == first {
        Ok(first)
    } else {
        let message = "the two passwords differ";
        Err(Failure::new(Exit::Auth, "WRONG_PASSWORD", message))
    }
}

fn prompt(wallet: &str, text: &str) -> Result<String> {
    let nobody = || {
        let message =
            format!("wallet '{wallet}' needs a password, and there is no terminal to ask for it");
        Failure::new(Exit::Auth, "NO_PASSWORD", message)
            .hint("name a file with --password-file or in the profile")
    };
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(nobody());
    }
    let entry = Password::new().with_prompt(text).interact();
    entry.map_err(|_| nobody())
}
