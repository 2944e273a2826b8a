//! Version 3 keystores (Web3 Secret Storage), the format `cast wallet` and geth read and write.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use aes::Aes128;
use aes::cipher::{KeyIvInit, StreamCipher};
use alloy::primitives::{Address, hex, keccak256};
use alloy::signers::local::PrivateKeySigner;
use eth_keystore::KeystoreError;
use serde::Deserialize;
use serde_json::{Value, json};

use super::WalletError;

/// Cost of one password guess: scrypt's N; r is 8 and p is 1.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cost {
    /// N = 2^18, 256 MB and about a second for each guess: geth's standard, for every real wallet.
    Standard,
    /// N = 2^10: for the demonstration's throwaway wallets on a chain of its own, nothing else.
    Throwaway,
}

impl Cost {
    const fn log_n(self) -> u8 {
        match self {
            Self::Standard => 18,
            Self::Throwaway => 10,
        }
    }
}

/// One wallet in the folder.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Its file's name without `.json`.
    pub name: String,
    /// Its address, as the file states it; `None` in a file that states none.
    pub address: Option<Address>,
}

/// The folder of a profile's wallets.
#[derive(Clone, Debug)]
pub struct Wallets {
    folder: PathBuf,
}

impl Wallets {
    /// The wallets in `folder`, which is created when the first is.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn path(&self, name: &str) -> Result<PathBuf, WalletError> {
        check_name(name)?;
        Ok(self.folder.join(format!("{name}.json")))
    }

    /// All wallets, by name.
    ///
    /// # Errors
    /// `Io`, `Malformed`.
    pub fn list(&self) -> Result<Vec<Entry>, WalletError> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        let io = |cause| WalletError::Io {
            path: self.folder.clone(),
            cause,
        };
        let mut entries = Vec::new();
        for file in fs::read_dir(&self.folder).map_err(io)? {
            let path = file.map_err(io)?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                let name = path
                    .file_stem()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                entries.push(Entry {
                    name,
                    address: address_in(&path)?,
                });
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// The address of a wallet, without opening it.
    ///
    /// # Errors
    /// `Name`, `Missing`, `Malformed`.
    pub fn address(&self, name: &str) -> Result<Option<Address>, WalletError> {
        address_in(&self.existing(name)?)
    }

    fn existing(&self, name: &str) -> Result<PathBuf, WalletError> {
        let path = self.path(name)?;
        if path.is_file() {
            return Ok(path);
        }
        Err(WalletError::Missing {
            name: name.to_string(),
            folder: self.folder.clone(),
        })
    }

    /// Opens a wallet.
    ///
    /// # Errors
    /// `Name`, `Missing`, `Password`, `Malformed`.
    pub fn open(&self, name: &str, password: &str) -> Result<PrivateKeySigner, WalletError> {
        use alloy::signers::local::LocalSignerError;
        let path = self.existing(name)?;
        PrivateKeySigner::decrypt_keystore(&path, password).map_err(|error| match error {
            // The only two answers of a well-formed keystore: a wrong password, or bytes that are not a key.
            LocalSignerError::EthKeystoreError(KeystoreError::MacMismatch) => {
                WalletError::Password(name.to_string())
            }
            other => WalletError::Malformed {
                path,
                cause: other.to_string(),
            },
        })
    }

    /// Writes a new keystore, readable by its owner alone; never over an existing one.
    ///
    /// # Errors
    /// `Name`, `Exists`, `Io`.
    pub fn create(
        &self,
        name: &str,
        signer: &PrivateKeySigner,
        password: &str,
        cost: Cost,
    ) -> Result<PathBuf, WalletError> {
        let path = self.path(name)?;
        let io = |cause| WalletError::Io {
            path: path.clone(),
            cause,
        };
        fs::create_dir_all(&self.folder).map_err(io)?;
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = match options.open(&path) {
            Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {
                return Err(WalletError::Exists(name.to_string()));
            }
            other => other.map_err(io)?,
        };
        let text = encrypt(signer, password, cost).to_string();
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(io)?;
        Ok(path)
    }
}

/// Whether a wallet can have this name: a plain file name.
///
/// # Errors
/// `Name`.
pub fn check_name(name: &str) -> Result<(), WalletError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
        return Err(WalletError::Name(name.to_string()));
    }
    Ok(())
}

/// Reads a private key in hexadecimal, with or without 0x.
///
/// # Errors
/// `Key`.
pub fn parse_key(text: &str) -> Result<PrivateKeySigner, WalletError> {
    text.trim().parse().map_err(|_| WalletError::Key)
}

/// What a keystore says without its password.
#[derive(Deserialize)]
struct Stated {
    version: u64,
    #[serde(default)]
    address: Option<String>,
}

fn address_in(path: &Path) -> Result<Option<Address>, WalletError> {
    let malformed = |cause: String| WalletError::Malformed {
        path: path.to_path_buf(),
        cause,
    };
    let text = fs::read_to_string(path).map_err(|cause| WalletError::Io {
        path: path.to_path_buf(),
        cause,
    })?;
    // A member that appears twice is refused.
    let file: Stated = serde_json::from_str(&text).map_err(|e| malformed(e.to_string()))?;
    if file.version != 3 {
        return Err(malformed("no version 3".into()));
    }
    match file.address {
        None => Ok(None),
        Some(address) => address
            .parse()
            .map(Some)
            .map_err(|_| malformed("bad address".into())),
    }
}

/// By hand, as `eth-keystore`, which opens the file, writes every file with scrypt's N at 2^13: a thirty-second of what
/// geth makes a guess cost.
fn encrypt(signer: &PrivateKeySigner, password: &str, cost: Cost) -> Value {
    let salt: [u8; 32] = random();
    let iv: [u8; 16] = random();
    let mut derived = [0u8; 32];
    let parameters = scrypt::Params::new(cost.log_n(), 8, 1).expect("constant parameters");
    scrypt::scrypt(password.as_bytes(), &salt, &parameters, &mut derived)
        .expect("32 bytes is a valid length");
    let mut ciphertext = signer.to_bytes().0;
    let mut cipher = ctr::Ctr128BE::<Aes128>::new((&derived[..16]).into(), (&iv).into());
    cipher.apply_keystream(&mut ciphertext);
    let mac = keccak256([&derived[16..], &ciphertext].concat());
    json!({
        "address": hex::encode(signer.address()),
        "crypto": {
            "cipher": "aes-128-ctr",
            "cipherparams": { "iv": hex::encode(iv) },
            "ciphertext": hex::encode(ciphertext),
            "kdf": "scrypt",
            "kdfparams": {
                "dklen": 32, "n": 1u32 << cost.log_n(), "p": 1, "r": 8, "salt": hex::encode(salt),
            },
            "mac": hex::encode(mac),
        },
        "id": uuid::Builder::from_random_bytes(random()).into_uuid().to_string(),
        "version": 3,
    })
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system's random source works");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> PrivateKeySigner {
        parse_key("0xb6b15c8cb491557369f3c7d2c287b053eb229daa9c22138887752191c9520659").unwrap()
    }

    #[test]
    fn a_created_wallet_opens_with_its_password_only() {
        let folder = tempfile::tempdir().unwrap();
        let wallets = Wallets::new(folder.path());
        wallets
            .create("desk", &key(), "correct", Cost::Throwaway)
            .unwrap();
        assert_eq!(
            wallets.open("desk", "correct").unwrap().address(),
            key().address()
        );
        assert!(
            matches!(wallets.open("desk", "wrong"), Err(WalletError::Password(name)) if name == "desk")
        );
        assert_eq!(wallets.address("desk").unwrap(), Some(key().address()));
        assert_eq!(wallets.list().unwrap().len(), 1);
    }

    #[test]
    fn a_wallet_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let wallets = Wallets::new(folder.path());
        let path = wallets
            .create("desk", &key(), "a", Cost::Throwaway)
            .unwrap();
        let before = fs::read(&path).unwrap();
        let again = wallets.create("desk", &PrivateKeySigner::random(), "b", Cost::Throwaway);
        assert!(matches!(again, Err(WalletError::Exists(_))));
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[test]
    fn the_file_holds_neither_key_nor_password_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = Wallets::new(folder.path())
            .create("desk", &key(), "hunter2", Cost::Throwaway)
            .unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("hunter2") && !text.contains("b6b15c8c"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(
                fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        let wallets = Wallets::new("/nowhere");
        for name in ["", "../key", "a/b", ".hidden"] {
            assert!(
                matches!(wallets.open(name, ""), Err(WalletError::Name(_))),
                "{name}"
            );
        }
        assert!(matches!(
            wallets.open("key", ""),
            Err(WalletError::Missing { .. })
        ));
    }

    #[test]
    fn real_wallets_cost_what_geth_charges() {
        assert_eq!(Cost::Standard.log_n(), 18);
    }
}
