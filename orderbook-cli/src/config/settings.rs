//! Settings with their sources. A flag beats the environment, which beats the profile, which beats the default.

// Doc comments of arguments are the help texts that people read: no mark-up in them.
#![allow(clippy::doc_markdown)]

use std::fmt;
use std::path::{Path, PathBuf};

use alloy::primitives::Address;
use clap::Args;

use super::ConfigError;
use super::profile::{Profile, Security, file_of};

/// The settings that every command takes as flags.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Settings (flag > ORDERBOOK_* > profile > default)")]
pub struct Overrides {
    /// Profile file, or a folder with an orderbook.toml [env: ORDERBOOK_PROFILE] [default: ./orderbook.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub profile: Option<PathBuf>,
    /// JSON-RPC endpoint of the chain [env: ORDERBOOK_RPC_URL]
    #[arg(long, global = true, value_name = "URL")]
    pub rpc_url: Option<String>,
    /// Refuse any other chain [env: ORDERBOOK_CHAIN_ID]
    #[arg(long, global = true, value_name = "ID")]
    pub chain_id: Option<String>,
    /// Where the book is kept: sqlite:FILE or postgres://... [env: ORDERBOOK_STORE]
    #[arg(long, global = true, value_name = "URL")]
    pub store: Option<String>,
    /// Folder of encrypted wallets [env: ORDERBOOK_WALLETS]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub wallets: Option<String>,
    /// Wallet that signs, by name [env: ORDERBOOK_WALLET]
    #[arg(long, global = true, value_name = "NAME")]
    pub wallet: Option<String>,
    /// File whose first line is the wallet's password [env: ORDERBOOK_PASSWORD_FILE]
    #[arg(long, global = true, value_name = "FILE")]
    pub password_file: Option<String>,
    /// Folder of compiled contracts [env: ORDERBOOK_CONTRACTS] [default: ./target/contracts]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub contracts: Option<String>,
    /// The TsUSDC contract [env: ORDERBOOK_COIN]
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub coin: Option<String>,
    /// The settlement contract [env: ORDERBOOK_SETTLEMENT]
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub settlement: Option<String>,
    /// Who acts: the person named in the log [env: ORDERBOOK_ACTOR] [default: $USER]
    #[arg(long, global = true, value_name = "PERSON")]
    pub actor: Option<String>,
    /// Seconds to wait for a receipt [env: ORDERBOOK_TIMEOUT] [default: 60]
    #[arg(long, global = true, value_name = "SECONDS")]
    pub timeout: Option<String>,
    /// The live profile's name, to confirm sending without being asked
    #[arg(long, global = true, value_name = "PROFILE NAME")]
    pub confirm: Option<String>,
}

/// Where a value came from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Source {
    /// A flag of this command.
    Flag(&'static str),
    /// An environment variable.
    Environment(String),
    /// The profile.
    Profile(PathBuf),
    /// Built in.
    Default,
    /// Set nowhere.
    Unset,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(key) => write!(f, "flag --{}", key.replace('_', "-")),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Profile(path) => write!(f, "profile {}", path.display()),
            Self::Default => f.write_str("default"),
            Self::Unset => f.write_str("not set"),
        }
    }
}

/// One setting as text, with its source.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Setting {
    /// Its key in the profile.
    pub key: &'static str,
    /// Its value, if it has one.
    pub value: Option<String>,
    /// Where that came from.
    pub source: Source,
}

/// All settings of one invocation.
#[derive(Clone, Debug)]
pub struct Settings {
    path: PathBuf,
    found: bool,
    profile: Profile,
    all: Vec<Setting>,
    confirm: Option<String>,
}

/// The keys, in the order `config show` lists them.
const KEYS: [&str; 11] = [
    "rpc_url",
    "chain_id",
    "store",
    "wallets",
    "wallet",
    "password_file",
    "contracts",
    "coin",
    "settlement",
    "actor",
    "timeout",
];

impl Settings {
    /// Reads the profile and resolves every setting.
    ///
    /// # Errors
    /// `Missing` when a profile was asked for by flag or environment and is not there; `Malformed`, `Io`.
    pub fn load(overrides: &Overrides) -> Result<Self, ConfigError> {
        Self::resolve(overrides, &|name| std::env::var(name).ok())
    }

    /// As [`Self::load`], with the environment given.
    ///
    /// # Errors
    /// As `load`.
    pub fn resolve(
        flags: &Overrides,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let asked = flags
            .profile
            .clone()
            .or_else(|| environment("ORDERBOOK_PROFILE").map(PathBuf::from));
        let path = file_of(
            asked
                .clone()
                .unwrap_or_else(|| super::profile::FILE_NAME.into()),
        );
        let (profile, found) = match Profile::read(&path) {
            Ok(profile) => (profile, true),
            Err(ConfigError::Missing(_)) if asked.is_none() => (Profile::default(), false),
            Err(error) => return Err(error),
        };
        let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        let mut all = Vec::with_capacity(KEYS.len());
        for key in KEYS {
            let variable = format!("ORDERBOOK_{}", key.to_uppercase());
            let (value, source) = if let Some(value) = flag(flags, key) {
                (Some(value), Source::Flag(key))
            } else if let Some(value) = environment(&variable).filter(|value| !value.is_empty()) {
                (Some(value), Source::Environment(variable))
            } else if let Some(value) = from_profile(&profile, &folder, key) {
                (Some(value), Source::Profile(path.clone()))
            } else {
                match default(key, &folder, environment) {
                    Some(value) => (Some(value), Source::Default),
                    None => (None, Source::Unset),
                }
            };
            all.push(Setting { key, value, source });
        }
        Ok(Self {
            path,
            found,
            profile,
            all,
            confirm: flags.confirm.clone(),
        })
    }

    /// Every setting, for `config show`.
    pub fn all(&self) -> &[Setting] {
        &self.all
    }

    /// The profile's path, whether it exists or not.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is a profile.
    pub fn has_profile(&self) -> bool {
        self.found
    }

    /// The profile.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// What was typed with `--confirm`.
    pub fn confirmation(&self) -> Option<&str> {
        self.confirm.as_deref()
    }

    fn setting(&self, key: &'static str) -> Setting {
        self.all
            .iter()
            .find(|setting| setting.key == key)
            .cloned()
            .unwrap_or(Setting {
                key,
                value: None,
                source: Source::Unset,
            })
    }

    /// A setting's text.
    pub fn get(&self, key: &'static str) -> Option<String> {
        self.setting(key).value
    }

    /// A setting's text, which must be there.
    ///
    /// # Errors
    /// `Unset`.
    pub fn need(&self, key: &'static str) -> Result<String, ConfigError> {
        self.get(key).ok_or(ConfigError::Unset(key))
    }

    fn parsed<T: std::str::FromStr>(
        &self,
        key: &'static str,
        expected: &'static str,
    ) -> Result<Option<T>, ConfigError> {
        let setting = self.setting(key);
        let Some(value) = setting.value else {
            return Ok(None);
        };
        match value.parse() {
            Ok(parsed) => Ok(Some(parsed)),
            Err(_) => Err(ConfigError::Invalid {
                key,
                value,
                source_: setting.source,
                expected,
            }),
        }
    }

    /// An address that must be there.
    ///
    /// # Errors
    /// `Unset`, `Invalid`.
    pub fn address(&self, key: &'static str) -> Result<Address, ConfigError> {
        self.parsed(key, "an address")?
            .ok_or(ConfigError::Unset(key))
    }

    /// The chain the node must be on, when that is set.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn chain_id(&self) -> Result<Option<u64>, ConfigError> {
        self.parsed("chain_id", "a number")
    }

    /// How long to wait for a receipt.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn timeout(&self) -> Result<std::time::Duration, ConfigError> {
        let seconds = self.parsed("timeout", "a number of seconds")?.unwrap_or(60);
        Ok(std::time::Duration::from_secs(seconds))
    }

    /// A security of the profile, by symbol, ISIN or address.
    ///
    /// # Errors
    /// `Security`.
    pub fn security(&self, name: &str) -> Result<Security, ConfigError> {
        let found = self.profile.security(name).cloned();
        found.ok_or_else(|| ConfigError::Security(name.to_string()))
    }
}

fn flag(flags: &Overrides, key: &str) -> Option<String> {
    match key {
        "rpc_url" => flags.rpc_url.clone(),
        "chain_id" => flags.chain_id.clone(),
        "store" => flags.store.clone(),
        "wallets" => flags.wallets.clone(),
        "wallet" => flags.wallet.clone(),
        "password_file" => flags.password_file.clone(),
        "contracts" => flags.contracts.clone(),
        "coin" => flags.coin.clone(),
        "settlement" => flags.settlement.clone(),
        "actor" => flags.actor.clone(),
        "timeout" => flags.timeout.clone(),
        _ => None,
    }
}

/// Paths in a profile are relative to its folder, so that a profile works from anywhere.
fn from_profile(profile: &Profile, folder: &Path, key: &str) -> Option<String> {
    let path = |path: &Option<String>| {
        path.as_ref()
            .map(|path| folder.join(path).to_string_lossy().into_owned())
    };
    match key {
        "rpc_url" => profile.rpc_url.clone(),
        "chain_id" => profile.chain_id.map(|id| id.to_string()),
        "store" => profile.store.as_ref().map(|store| store_in(folder, store)),
        "wallets" => path(&profile.wallets),
        "wallet" => profile.roles.default.clone(),
        "password_file" => path(&profile.password_file),
        "contracts" => path(&profile.contracts),
        "coin" => profile.addresses.coin.map(|address| address.to_string()),
        "settlement" => profile
            .addresses
            .settlement
            .map(|address| address.to_string()),
        "actor" => profile.actor.clone(),
        "timeout" => profile.timeout.map(|seconds| seconds.to_string()),
        _ => None,
    }
}

fn store_in(folder: &Path, store: &str) -> String {
    match store.strip_prefix("sqlite:") {
        Some(file) => format!(
            "sqlite:{}",
            folder.join(file.trim_start_matches("//")).display()
        ),
        None => store.to_string(),
    }
}

fn default(
    key: &str,
    folder: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Option<String> {
    match key {
        "rpc_url" => Some("http://127.0.0.1:8547".into()),
        "store" => Some(store_in(folder, "sqlite:board.db")),
        "wallets" => Some(folder.join("wallets").to_string_lossy().into_owned()),
        "contracts" => Some("target/contracts".into()),
        "actor" => environment("USER"),
        "timeout" => Some("60".into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing(_: &str) -> Option<String> {
        None
    }

    fn profile_with(text: &str) -> (tempfile::TempDir, Overrides) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("orderbook.toml"), text).unwrap();
        let overrides = Overrides {
            profile: Some(folder.path().to_path_buf()),
            ..Overrides::default()
        };
        (folder, overrides)
    }

    #[test]
    fn flag_beats_environment_beats_profile_beats_default() {
        let (_folder, mut flags) = profile_with("rpc_url = \"http://profile\"\n");
        let environment =
            |name: &str| (name == "ORDERBOOK_RPC_URL").then(|| "http://environment".to_string());
        let source = |flags: &Overrides, env: &dyn Fn(&str) -> Option<String>| {
            let setting = Settings::resolve(flags, env).unwrap().setting("rpc_url");
            (setting.value.unwrap(), setting.source.to_string())
        };
        assert_eq!(source(&flags, &nothing).0, "http://profile");
        assert_eq!(
            source(&flags, &environment),
            (
                "http://environment".into(),
                "environment ORDERBOOK_RPC_URL".into()
            )
        );
        flags.rpc_url = Some("http://flag".into());
        assert_eq!(
            source(&flags, &environment),
            ("http://flag".into(), "flag --rpc-url".into())
        );
        let (_folder, flags) = profile_with("");
        assert_eq!(
            source(&flags, &nothing),
            ("http://127.0.0.1:8547".into(), "default".into())
        );
    }

    #[test]
    fn paths_of_a_profile_are_relative_to_it() {
        let (folder, flags) = profile_with("wallets = \"keys\"\nstore = \"sqlite:b.db\"\n");
        let settings = Settings::resolve(&flags, &nothing).unwrap();
        assert_eq!(
            settings.need("wallets").unwrap(),
            folder.path().join("keys").to_string_lossy()
        );
        assert_eq!(
            settings.need("store").unwrap(),
            format!("sqlite:{}", folder.path().join("b.db").display())
        );
    }

    #[test]
    fn a_bad_value_is_refused_with_its_source() {
        let (_folder, mut flags) = profile_with("");
        flags.chain_id = Some("many".into());
        let error = Settings::resolve(&flags, &nothing)
            .unwrap()
            .chain_id()
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "'chain_id' is 'many' (from flag --chain-id), which is not a number"
        );
    }

    #[test]
    fn a_profile_that_was_asked_for_must_exist() {
        let flags = Overrides {
            profile: Some("/nowhere/p.toml".into()),
            ..Overrides::default()
        };
        assert!(matches!(
            Settings::resolve(&flags, &nothing),
            Err(ConfigError::Missing(_))
        ));
    }
}
