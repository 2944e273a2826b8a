//! Settings with their sources. A flag beats the environment, which beats the profile, which beats the default.

// Doc comments of arguments are the help texts that people read: no mark-up in them.
#![allow(clippy::doc_markdown)]

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy::primitives::Address;
use book::market::address::parse_nonzero;
use book::market::commission::Schedule;
use book::market::literal::decimal;
use clap::Args;
use desk::settlement::GAS_CAP;

use super::profile::{Profile, Security, file_of};
use super::{Code, ConfigError, house};

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
    #[arg(long, global = true, value_name = "ID", value_parser = decimal::whole::<u64>)]
    pub chain_id: Option<u64>,
    /// Where the book is kept: sqlite:FILE or postgres://... [env: ORDERBOOK_STORE]
    #[arg(long, global = true, value_name = "URL")]
    pub store: Option<String>,
    /// Folder of encrypted wallets [env: ORDERBOOK_WALLETS]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub wallets: Option<PathBuf>,
    /// Wallet that signs, by name [env: ORDERBOOK_WALLET]
    #[arg(long, global = true, value_name = "NAME")]
    pub wallet: Option<String>,
    /// File whose first line is the wallet's password [env: ORDERBOOK_PASSWORD_FILE]
    #[arg(long, global = true, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Folder of other builds of the contracts [env: ORDERBOOK_CODE] [default: the code that this program carries]
    #[arg(
        id = "code_folder",
        long = "code",
        alias = "contracts",
        global = true,
        value_name = "FOLDER"
    )]
    pub code: Option<PathBuf>,
    /// The TsUSDC contract [env: ORDERBOOK_COIN]
    #[arg(long, global = true, value_name = "ADDRESS", value_parser = parse_nonzero)]
    pub coin: Option<Address>,
    /// The settlement contract [env: ORDERBOOK_SETTLEMENT]
    #[arg(long, global = true, value_name = "ADDRESS", value_parser = parse_nonzero)]
    pub settlement: Option<Address>,
    /// Who acts: the person named in the log [env: ORDERBOOK_ACTOR] [default: $USER]
    #[arg(long, global = true, value_name = "PERSON")]
    pub actor: Option<String>,
    /// Seconds to wait for a receipt [env: ORDERBOOK_TIMEOUT] [default: 60]
    #[arg(long, global = true, value_name = "SECONDS", value_parser = decimal::whole::<u64>)]
    pub timeout: Option<u64>,
    /// Gas limit of a settlement or registration, in which owners' wallets run [env: ORDERBOOK_GAS_CAP] [default:
    /// 3000000]
    #[arg(long, global = true, value_name = "GAS", value_parser = decimal::whole::<u64>)]
    pub gas_cap: Option<u64>,
    /// The live profile's name, to confirm sending without being asked
    #[arg(long, global = true, value_name = "PROFILE NAME")]
    pub confirm: Option<String>,
    /// The amount that is moved, to confirm a large amount on a live profile without being asked
    #[arg(long, global = true, value_name = "AMOUNT")]
    pub confirm_amount: Option<String>,
}

/// Where a value came from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Source {
    /// A flag of this command.
    Flag(Key),
    /// An environment variable.
    Environment(String),
    /// The profile.
    Profile(PathBuf),
    /// Built in.
    Default,
    /// Not set.
    Unset,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(key) => write!(f, "flag --{}", key.name().replace('_', "-")),
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
    /// Which one it is.
    pub key: Key,
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
    confirm_amount: Option<String>,
}

/// What can be set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Key {
    /// JSON-RPC endpoint of the chain.
    RpcUrl,
    /// The chain it must be.
    ChainId,
    /// Where the book is kept.
    Store,
    /// Folder of encrypted wallets.
    Wallets,
    /// Wallet that signs.
    Wallet,
    /// File whose first line opens the wallets.
    PasswordFile,
    /// Folder of other builds of the contracts.
    Code,
    /// The `TsUSDC` contract.
    Coin,
    /// The settlement contract.
    Settlement,
    /// Who acts.
    Actor,
    /// Seconds to wait for a receipt.
    Timeout,
    /// Gas that a settlement may take.
    GasCap,
}

/// The value of a variable, if it is set.
type Environment<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Where the value of a key can come from, as text; the environment variable is `ORDERBOOK_` and its name in capitals.
struct Origin {
    key: Key,
    /// Its name in the profile; with dashes it is the flag.
    name: &'static str,
    flag: fn(&Overrides) -> Option<String>,
    profile: fn(&Profile, &Path) -> Option<String>,
    /// From the profile's folder and the environment.
    default: fn(&Path, &Environment<'_>) -> Option<String>,
}

/// Every key, in the order `config show` lists them.
const ORIGINS: [Origin; 12] = [
    Origin {
        key: Key::RpcUrl,
        name: "rpc_url",
        flag: |flags| flags.rpc_url.clone(),
        profile: |profile, _| profile.rpc_url.clone(),
        default: |_, _| Some("http://127.0.0.1:8547".into()),
    },
    Origin {
        key: Key::ChainId,
        name: "chain_id",
        flag: |flags| text(flags.chain_id),
        profile: |profile, _| text(profile.chain_id),
        default: |_, _| None,
    },
    Origin {
        key: Key::Store,
        name: "store",
        flag: |flags| flags.store.clone(),
        profile: |profile, folder| profile.store.as_ref().map(|store| store_in(folder, store)),
        default: |folder, _| Some(store_in(folder, "sqlite:board.db")),
    },
    Origin {
        key: Key::Wallets,
        name: "wallets",
        flag: |flags| path(flags.wallets.as_deref()),
        profile: |profile, folder| beside(folder, profile.wallets.as_deref()),
        default: |folder, _| beside(folder, Some("wallets")),
    },
    Origin {
        key: Key::Wallet,
        name: "wallet",
        flag: |flags| flags.wallet.clone(),
        profile: |profile, _| profile.roles.default.clone(),
        default: |_, _| None,
    },
    Origin {
        key: Key::PasswordFile,
        name: "password_file",
        flag: |flags| path(flags.password_file.as_deref()),
        profile: |profile, folder| beside(folder, profile.password_file.as_deref()),
        default: |_, _| None,
    },
    Origin {
        key: Key::Code,
        name: "code",
        flag: |flags| path(flags.code.as_deref()),
        profile: |profile, folder| beside(folder, profile.code.as_deref()),
        default: |_, _| None,
    },
    Origin {
        key: Key::Coin,
        name: "coin",
        flag: |flags| text(flags.coin),
        profile: |profile, _| text(profile.addresses.coin),
        default: |_, _| None,
    },
    Origin {
        key: Key::Settlement,
        name: "settlement",
        flag: |flags| text(flags.settlement),
        profile: |profile, _| text(profile.addresses.settlement),
        default: |_, _| None,
    },
    Origin {
        key: Key::Actor,
        name: "actor",
        flag: |flags| flags.actor.clone(),
        profile: |profile, _| profile.actor.clone(),
        default: |_, environment| environment("USER"),
    },
    Origin {
        key: Key::Timeout,
        name: "timeout",
        flag: |flags| text(flags.timeout),
        profile: |profile, _| text(profile.timeout),
        default: |_, _| text(Some(DEFAULT_TIMEOUT)),
    },
    Origin {
        key: Key::GasCap,
        name: "gas_cap",
        flag: |flags| text(flags.gas_cap),
        profile: |profile, _| text(profile.gas_cap),
        default: |_, _| text(Some(GAS_CAP)),
    },
];

/// What `ORDERBOOK_CODE` was called.
const FORMER_CODE: &str = "ORDERBOOK_CONTRACTS";

/// The share of a supply, in basis points, that a live profile lets through without the amount being typed again.
const RETYPE_ABOVE: u16 = 100;

/// Seconds to wait for a receipt by default.
const DEFAULT_TIMEOUT: u64 = 60;

impl Key {
    /// Its name in the profile.
    pub fn name(self) -> &'static str {
        let origin = ORIGINS.iter().find(|origin| origin.key == self);
        origin.map_or("", |origin| origin.name)
    }
}

impl Origin {
    fn resolve(
        &self,
        flags: &Overrides,
        environment: &Environment<'_>,
        profile: &Profile,
        path: &Path,
    ) -> Setting {
        let folder = path.parent().unwrap_or(Path::new(""));
        let variable = format!("ORDERBOOK_{}", self.name.to_uppercase());
        let set = |name: &str| environment(name).filter(|value| !value.is_empty());
        let (value, source) = if let Some(value) = (self.flag)(flags) {
            (Some(value), Source::Flag(self.key))
        } else if let Some(value) = set(&variable) {
            (Some(value), Source::Environment(variable))
        } else if let Some(value) = set(FORMER_CODE).filter(|_| self.key == Key::Code) {
            (Some(value), Source::Environment(FORMER_CODE.to_owned()))
        } else if let Some(value) = (self.profile)(profile, folder) {
            (Some(value), Source::Profile(path.to_path_buf()))
        } else {
            match (self.default)(folder, environment) {
                Some(value) => (Some(value), Source::Default),
                None => (None, Source::Unset),
            }
        };
        let key = self.key;
        Setting { key, value, source }
    }
}

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
        let all = ORIGINS
            .iter()
            .map(|origin| origin.resolve(flags, environment, &profile, &path))
            .collect();
        Ok(Self {
            path,
            found,
            profile,
            all,
            confirm: flags.confirm.clone(),
            confirm_amount: flags.confirm_amount.clone(),
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

    /// What was typed with `--confirm-amount`.
    pub fn confirmed_amount(&self) -> Option<&str> {
        self.confirm_amount.as_deref()
    }

    /// A setting with its source.
    pub fn setting(&self, key: Key) -> Setting {
        let known = self.all.iter().find(|setting| setting.key == key);
        known.cloned().unwrap_or(Setting {
            key,
            value: None,
            source: Source::Unset,
        })
    }

    fn need(&self, key: Key) -> Result<String, ConfigError> {
        let value = self.setting(key).value;
        value.ok_or(ConfigError::Unset(key.name()))
    }

    /// A value from the environment is text until it is needed; one from a flag or a profile was parsed before.
    fn parsed<T, E>(
        &self,
        key: Key,
        expected: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, ConfigError> {
        let setting = self.setting(key);
        let Some(value) = setting.value else {
            return Ok(None);
        };
        match parse(&value) {
            Ok(parsed) => Ok(Some(parsed)),
            Err(_) => Err(ConfigError::Invalid {
                key: key.name(),
                value,
                source_: setting.source,
                expected,
            }),
        }
    }

    fn address(&self, key: Key) -> Result<Address, ConfigError> {
        let address = self.parsed(key, "an address", str::parse::<Address>)?;
        address.ok_or(ConfigError::Unset(key.name()))
    }

    /// JSON-RPC endpoint of the chain.
    ///
    /// # Errors
    /// `Unset`.
    pub fn rpc_url(&self) -> Result<String, ConfigError> {
        self.need(Key::RpcUrl)
    }

    /// The chain the node must be on, when that is set.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn chain_id(&self) -> Result<Option<u64>, ConfigError> {
        self.parsed(Key::ChainId, "a number", decimal::whole)
    }

    /// Where the book is kept.
    ///
    /// # Errors
    /// `Unset`.
    pub fn store(&self) -> Result<String, ConfigError> {
        self.need(Key::Store)
    }

    /// Folder of encrypted wallets.
    ///
    /// # Errors
    /// `Unset`.
    pub fn wallets(&self) -> Result<PathBuf, ConfigError> {
        self.need(Key::Wallets).map(PathBuf::from)
    }

    /// File whose first line opens the wallets.
    pub fn password_file(&self) -> Option<PathBuf> {
        self.setting(Key::PasswordFile).value.map(PathBuf::from)
    }

    /// Where the contracts' code comes from.
    pub fn code(&self) -> Code {
        let folder = self.setting(Key::Code).value;
        folder.map_or(Code::Carried, |folder| Code::Folder(folder.into()))
    }

    /// The `TsUSDC` contract.
    ///
    /// # Errors
    /// `Unset`, `Invalid`.
    pub fn coin(&self) -> Result<Address, ConfigError> {
        self.address(Key::Coin)
    }

    /// The settlement contract.
    ///
    /// # Errors
    /// `Unset`, `Invalid`.
    pub fn settlement(&self) -> Result<Address, ConfigError> {
        self.address(Key::Settlement)
    }

    /// Who acts.
    ///
    /// # Errors
    /// `Unset`.
    pub fn actor(&self) -> Result<String, ConfigError> {
        self.need(Key::Actor)
    }

    /// How long to wait for a receipt.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn timeout(&self) -> Result<Duration, ConfigError> {
        let seconds = self.parsed(Key::Timeout, "a number of seconds", decimal::whole)?;
        Ok(Duration::from_secs(seconds.unwrap_or(DEFAULT_TIMEOUT)))
    }

    /// Gas that a settlement or registration may take.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn gas_cap(&self) -> Result<u64, ConfigError> {
        let cap = self.parsed(Key::GasCap, "an amount of gas", decimal::whole)?;
        Ok(cap.unwrap_or(GAS_CAP))
    }

    /// The share of a supply, in basis points, above which the amount must be typed again on a live profile. Only the
    /// profile sets it: neither a flag nor the environment can raise it.
    ///
    /// # Errors
    /// `Invalid`.
    pub fn retype_above(&self) -> Result<u16, ConfigError> {
        let Some(value) = &self.profile.retype_above else {
            return Ok(RETYPE_ABOVE);
        };
        decimal::basis_points(value).map_err(|_| ConfigError::Invalid {
            key: "retype_above",
            value: value.clone(),
            source_: Source::Profile(self.path.clone()),
            expected: "a percentage such as 1%",
        })
    }

    /// What customers are billed.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn commissions(&self) -> Result<Schedule, ConfigError> {
        house::schedule(&self.profile.commissions).map_err(|cause| ConfigError::Malformed {
            path: self.path.clone(),
            cause: format!("[[commission]]: {cause}"),
        })
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

fn text(value: Option<impl ToString>) -> Option<String> {
    value.map(|value| value.to_string())
}

fn path(path: Option<&Path>) -> Option<String> {
    path.map(|path| path.to_string_lossy().into_owned())
}

/// Paths in a profile are relative to its folder, so that a profile works from anywhere.
fn beside(folder: &Path, file: Option<&str>) -> Option<String> {
    path(file.map(|file| folder.join(file)).as_deref())
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
            let setting = Settings::resolve(flags, env).unwrap().setting(Key::RpcUrl);
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
        assert_eq!(settings.wallets().unwrap(), folder.path().join("keys"));
        assert_eq!(
            settings.store().unwrap(),
            format!("sqlite:{}", folder.path().join("b.db").display())
        );
    }

    #[test]
    fn the_code_is_carried_unless_a_folder_is_named_by_the_new_or_the_former_name() {
        let (_folder, mut flags) = profile_with("");
        let code = |flags: &Overrides, env: &dyn Fn(&str) -> Option<String>| {
            Settings::resolve(flags, env).unwrap().code()
        };
        let former = |name: &str| (name == "ORDERBOOK_CONTRACTS").then(|| "old".to_string());
        assert_eq!(code(&flags, &nothing), Code::Carried);
        assert_eq!(code(&flags, &former), Code::Folder("old".into()));
        flags.code = Some("new".into());
        assert_eq!(code(&flags, &former), Code::Folder("new".into()));
        let (folder, flags) = profile_with("contracts = \"built\"\n");
        assert_eq!(
            code(&flags, &nothing),
            Code::Folder(folder.path().join("built"))
        );
    }

    #[test]
    fn a_bad_value_is_refused_with_its_source() {
        let (_folder, flags) = profile_with("");
        let environment = |name: &str| (name == "ORDERBOOK_CHAIN_ID").then(|| "many".to_string());
        let error = Settings::resolve(&flags, &environment)
            .unwrap()
            .chain_id()
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "'chain_id' is 'many' (from environment ORDERBOOK_CHAIN_ID), which is not a number"
        );
    }

    #[test]
    fn every_key_is_listed_once() {
        for (at, origin) in ORIGINS.iter().enumerate() {
            assert_eq!(origin.key as usize, at, "{}", origin.name);
            assert_eq!(origin.key.name(), origin.name);
        }
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
