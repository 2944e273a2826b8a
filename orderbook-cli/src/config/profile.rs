//! A profile: one TOML file that binds chain, contracts, store and wallets. It contains no secrets.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use alloy::primitives::Address;
use desk::chain::Target;
use desk::signing::remote::Keeper;
use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::house::{Commission, DocumentFile, Statements, TermsFile};

/// The file's name when only a folder is given.
pub const FILE_NAME: &str = "orderbook.toml";

/// Everything a profile can say; what it leaves out has a default or is prompted for.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    /// What people call it, and what has to be typed before a live profile sends anything.
    pub name: String,
    /// Real money: every transaction asks first.
    pub live: bool,
    /// On a live profile: the share of a supply, such as `1%`, above which the amount that is moved must be typed
    /// again.
    pub retype_above: Option<String>,
    /// JSON-RPC endpoint.
    pub rpc_url: Option<String>,
    /// The chain it must be.
    pub chain_id: Option<u64>,
    /// `sqlite:FILE` or `postgres://...`.
    pub store: Option<String>,
    /// Folder of keystores.
    pub wallets: Option<String>,
    /// Folder of other builds of the contracts.
    #[serde(alias = "contracts")]
    pub code: Option<String>,
    /// File whose first line opens the wallets.
    pub password_file: Option<String>,
    /// Who works here: recorded in the log with every act.
    pub actor: Option<String>,
    /// Seconds to wait for a receipt before the outcome counts as unknown.
    pub timeout: Option<u64>,
    /// Gas that a settlement or registration may take: owners' wallets run in it.
    pub gas_cap: Option<u64>,
    /// Who settles.
    pub broker_dealer: Option<BrokerDealer>,
    /// What the broker-dealer states on confirmations.
    #[serde(skip_serializing_if = "Statements::is_empty")]
    pub confirmation: Statements,
    /// What customers are billed, from a day on.
    #[serde(rename = "commission", skip_serializing_if = "Vec::is_empty")]
    pub commissions: Vec<Commission>,
    /// The terms that a wallet accepts before its first order over the web.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terms: Option<TermsFile>,
    /// What a wallet receives before its first bid over the web.
    #[serde(rename = "document", skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<DocumentFile>,
    /// Contracts that serve all securities.
    pub addresses: Addresses,
    /// Which wallet acts in which role.
    pub roles: Roles,
    /// Safes by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub safes: BTreeMap<String, Address>,
    /// Keys that are kept elsewhere, by name, as wallets are.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub signers: BTreeMap<String, Keeper>,
    /// The securities on the board.
    #[serde(rename = "security")]
    pub securities: Vec<Security>,
}

/// The registered broker-dealer, as the settlement contract states it in every event.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BrokerDealer {
    /// Legal name.
    pub name: String,
    /// FINRA's CRD number.
    pub crd: u64,
    /// Legal entity identifier.
    pub lei: String,
}

/// Contracts that serve all securities.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Addresses {
    /// `TsUSDC`.
    pub coin: Option<Address>,
    /// The settlement contract.
    pub settlement: Option<Address>,
    /// The block in which the settlement contract was deployed: `sync` starts there.
    pub settlement_block: Option<u64>,
    /// The distribution contract.
    pub distribution: Option<Address>,
    /// The registry of documents.
    pub documents: Option<Address>,
}

/// Which wallet acts in which role; a role left out falls back to `default`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Roles {
    /// For every role that is not named.
    pub default: Option<String>,
    /// Default admin of the contracts.
    pub admin: Option<String>,
    /// Settles and anchors.
    pub operator: Option<String>,
    /// Mints and burns the security.
    pub issuer: Option<String>,
    /// Keeps registry, limits and lock-ups.
    pub compliance: Option<String>,
    /// Sanctions and freezes.
    pub enforcer: Option<String>,
    /// Attests reserves.
    pub attestor: Option<String>,
    /// Configures minters.
    pub master_minter: Option<String>,
    /// Mints and burns the coin.
    pub minter: Option<String>,
    /// Blacklists.
    pub blacklister: Option<String>,
    /// Signs proposals, postings and cancels of orders.
    pub trader: Option<String>,
    /// Signs approvals and refusals of matches, and commits them on chain.
    pub principal: Option<String>,
    /// Signs changes of the staff.
    pub staff_admin: Option<String>,
    /// Funds distributions.
    pub distributor: Option<String>,
}

impl Roles {
    /// Every role, in the order in which people set them up.
    pub const NAMES: [&'static str; 13] = [
        "admin",
        "operator",
        "issuer",
        "compliance",
        "enforcer",
        "attestor",
        "master_minter",
        "minter",
        "blacklister",
        "distributor",
        "trader",
        "principal",
        "staff_admin",
    ];

    /// Pairs of roles that no account may have together, with the contract that keeps them apart.
    pub const APART: [(&'static str, &'static str, &'static str); 6] = [
        ("operator", "principal", "settlement"),
        ("admin", "attestor", "coin"),
        ("admin", "master_minter", "coin"),
        ("attestor", "master_minter", "coin"),
        ("admin", "minter", "coin"),
        ("attestor", "minter", "coin"),
    ];

    /// Sets the wallet of a role; returns whether there is such a role, `default` included.
    pub fn name(&mut self, role: &str, wallet: String) -> bool {
        let place = match role {
            "default" => &mut self.default,
            "admin" => &mut self.admin,
            "operator" => &mut self.operator,
            "issuer" => &mut self.issuer,
            "compliance" => &mut self.compliance,
            "enforcer" => &mut self.enforcer,
            "attestor" => &mut self.attestor,
            "master_minter" => &mut self.master_minter,
            "minter" => &mut self.minter,
            "blacklister" => &mut self.blacklister,
            "distributor" => &mut self.distributor,
            "trader" => &mut self.trader,
            "principal" => &mut self.principal,
            "staff_admin" => &mut self.staff_admin,
            _ => return false,
        };
        *place = Some(wallet);
        true
    }

    /// The wallet of a role, by its name.
    pub fn wallet(&self, role: &str) -> Option<&str> {
        let named = match role {
            "admin" => &self.admin,
            "operator" => &self.operator,
            "issuer" => &self.issuer,
            "compliance" => &self.compliance,
            "enforcer" => &self.enforcer,
            "attestor" => &self.attestor,
            "master_minter" => &self.master_minter,
            "minter" => &self.minter,
            "blacklister" => &self.blacklister,
            "distributor" => &self.distributor,
            "trader" => &self.trader,
            "principal" => &self.principal,
            "staff_admin" => &self.staff_admin,
            _ => &None,
        };
        named.as_deref().or(self.default.as_deref())
    }
}

/// One security on the board.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Security {
    /// Ticker.
    pub symbol: String,
    /// ISIN.
    pub isin: String,
    /// Its ERC-1404 contract.
    pub token: Address,
    /// Decimals of one whole token.
    pub decimals: u8,
    /// The block in which it was deployed: everything it ever issued is read from there on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub block: Option<u64>,
}

impl From<&Security> for Target {
    fn from(security: &Security) -> Self {
        Self::Security {
            token: security.token,
            symbol: security.symbol.clone(),
            isin: security.isin.clone(),
            decimals: security.decimals,
        }
    }
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// `Missing`, `Io`, `Malformed` with line and column.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        match fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text).map_err(|e| ConfigError::Malformed {
                path: path.to_path_buf(),
                cause: e.to_string().trim().to_string(),
            }),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                Err(ConfigError::Missing(path.to_path_buf()))
            }
            Err(cause) => Err(ConfigError::Io {
                path: path.to_path_buf(),
                cause,
            }),
        }
    }

    /// Writes the whole profile at once: a crash leaves the old file or the new one.
    ///
    /// # Errors
    /// `Io`.
    pub fn write(&self, path: &Path) -> Result<(), ConfigError> {
        let io = |cause| ConfigError::Io {
            path: path.to_path_buf(),
            cause,
        };
        let body = toml::to_string(self).map_err(|e| ConfigError::Malformed {
            path: path.to_path_buf(),
            cause: e.to_string(),
        })?;
        let text = format!(
            "# Profile of the order book. Put no secrets in here: wallets are encrypted files of their own.\n\n{body}"
        );
        let draft = path.with_extension("toml.new");
        let mut file = fs::File::create(&draft).map_err(io)?;
        file.write_all(text.as_bytes()).map_err(io)?;
        file.sync_all().map_err(io)?;
        fs::rename(&draft, path).map_err(io)
    }

    /// A security by symbol, ISIN or token address.
    pub fn security(&self, name: &str) -> Option<&Security> {
        let address = name.parse::<Address>().ok();
        self.securities.iter().find(|security| {
            security.symbol.eq_ignore_ascii_case(name)
                || security.isin.eq_ignore_ascii_case(name)
                || Some(security.token) == address
        })
    }
}

/// A folder means the profile in it.
pub fn file_of(path: PathBuf) -> PathBuf {
    if path.is_dir() {
        path.join(FILE_NAME)
    } else {
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Profile {
        Profile {
            name: "desk".into(),
            rpc_url: Some("http://127.0.0.1:8547".into()),
            roles: Roles {
                default: Some("desk".into()),
                issuer: Some("issuer".into()),
                ..Roles::default()
            },
            securities: vec![Security {
                symbol: "HRBR".into(),
                isin: "US0378331005".into(),
                token: Address::repeat_byte(3),
                decimals: 6,
                block: None,
            }],
            ..Profile::default()
        }
    }

    #[test]
    fn a_written_profile_reads_back_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        sample().write(&path).unwrap();
        assert_eq!(Profile::read(&path).unwrap(), sample());
        assert_eq!(file_of(folder.path().to_path_buf()), path);
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE_NAME);
        fs::write(&path, "rpc_ulr = \"x\"\n").unwrap();
        let error = Profile::read(&path).unwrap_err().to_string();
        assert!(error.contains("rpc_ulr"), "{error}");
        let missing = Profile::read(&folder.path().join("none.toml"));
        assert!(matches!(missing, Err(ConfigError::Missing(_))));
    }

    #[test]
    fn a_security_is_found_by_symbol_isin_and_address() {
        let profile = sample();
        let token = profile.securities[0].token.to_string();
        for name in ["hrbr", "US0378331005", token.as_str()] {
            assert!(profile.security(name).is_some(), "{name}");
        }
        assert!(profile.security("NONE").is_none());
    }

    #[test]
    fn every_role_can_be_named_and_no_other() {
        let mut roles = Roles::default();
        for role in Roles::NAMES {
            assert!(roles.name(role, format!("of-{role}")));
            assert_eq!(roles.wallet(role), Some(format!("of-{role}").as_str()));
        }
        assert!(!roles.name("treasurer", "x".into()));
    }

    #[test]
    fn a_role_without_wallet_falls_back_to_the_default() {
        let roles = sample().roles;
        assert_eq!(roles.wallet("issuer"), Some("issuer"));
        assert_eq!(roles.wallet("enforcer"), Some("desk"));
    }
}
