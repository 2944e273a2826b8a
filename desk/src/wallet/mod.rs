//! Wallets: encrypted JSON keystores in one folder, opened with a password.

pub mod keystore;
pub mod password;

use std::path::PathBuf;

/// What can go wrong with a wallet. No message contains a key or a password.
#[derive(Debug, thiserror::Error)]
pub enum WalletError {
    /// No keystore of that name.
    #[error("no wallet '{name}' in {folder}")]
    Missing {
        /// The name asked for.
        name: String,
        /// The profile's wallets folder.
        folder: PathBuf,
    },
    /// A keystore of that name already exists.
    #[error("wallet '{0}' already exists")]
    Exists(String),
    /// A name that is not a plain file name.
    #[error("'{0}' is not a valid wallet name: use letters, digits, '-', '_' and '.'")]
    Name(String),
    /// The password does not open it.
    #[error("wrong password for wallet '{0}'")]
    Password(String),
    /// An empty or unreadable password file.
    #[error("cannot read the password from {path}: {cause}")]
    PasswordFile {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// 32 bytes that are not a key of the curve, or not hexadecimal.
    #[error("not a valid private key: expected 32 bytes in hexadecimal")]
    Key,
    /// The file is not a keystore.
    #[error("{path} is not a version 3 keystore: {cause}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The file system refused.
    #[error("{path}: {cause}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
}
