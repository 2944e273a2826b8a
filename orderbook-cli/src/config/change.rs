//! What changes in a profile, and the copy that is kept of the old one.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::{ConfigError, Profile};

/// How many copies of one profile are kept.
const COPIES: u32 = 10_000;

/// One key that differs between two versions of a profile.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// The key, such as `roles.operator`; a security goes by its symbol.
    pub key: String,
    /// What it was.
    pub before: Option<String>,
    /// What it becomes.
    pub after: Option<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = &self.key;
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(f, "{key}: {before} becomes {after}"),
            (None, Some(after)) => write!(f, "{key}: {after}"),
            (Some(before), None) => write!(f, "{key}: {before} is removed"),
            (None, None) => f.write_str(key),
        }
    }
}

/// Every key in which two profiles differ, by name.
///
/// # Errors
/// `Malformed` for a profile that cannot be written as a file.
pub fn changes(before: &Profile, after: &Profile) -> Result<Vec<Change>, ConfigError> {
    let (before, mut after) = (flat(before)?, flat(after)?);
    let mut changes: Vec<_> = before
        .into_iter()
        .map(|(key, before)| {
            let after = after.remove(&key);
            let before = Some(before);
            Change { key, before, after }
        })
        .collect();
    changes.extend(after.into_iter().map(|(key, after)| Change {
        key,
        before: None,
        after: Some(after),
    }));
    changes.retain(|change| change.before != change.after);
    changes.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(changes)
}

/// Each value of a profile by its full key.
fn flat(profile: &Profile) -> Result<BTreeMap<String, String>, ConfigError> {
    fn walk(key: String, value: &toml::Value, flat: &mut BTreeMap<String, String>) {
        match value {
            toml::Value::Table(table) => {
                for (name, value) in table {
                    let key = if key.is_empty() {
                        name.clone()
                    } else {
                        format!("{key}.{name}")
                    };
                    walk(key, value, flat);
                }
            }
            toml::Value::Array(list) => {
                for (number, value) in list.iter().enumerate() {
                    let symbol = value.get("symbol").and_then(toml::Value::as_str);
                    let name = symbol.map_or_else(|| number.to_string(), str::to_owned);
                    walk(format!("{key}.{name}"), value, flat);
                }
            }
            // It means nothing.
            toml::Value::String(text) if text.is_empty() => {}
            toml::Value::String(text) => {
                flat.insert(key, text.clone());
            }
            other => {
                flat.insert(key, other.to_string());
            }
        }
    }
    let value = toml::Value::try_from(profile).map_err(|error| ConfigError::Malformed {
        path: PathBuf::new(),
        cause: error.to_string(),
    })?;
    let mut found = BTreeMap::new();
    walk(String::new(), &value, &mut found);
    Ok(found)
}

/// Copies a profile into its own folder, durably, under the first free name: `orderbook.toml.1.bak`.
///
/// # Errors
/// `Io`.
pub fn keep_copy(path: &Path) -> Result<PathBuf, ConfigError> {
    copied(path).map_err(|cause| ConfigError::Io {
        path: path.to_path_buf(),
        cause,
    })
}

fn copied(path: &Path) -> io::Result<PathBuf> {
    let content = fs::read(path)?;
    for number in 1..COPIES {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{number}.bak"));
        let copy = PathBuf::from(name);
        let mut file = match OpenOptions::new().write(true).create_new(true).open(&copy) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error),
        };
        file.write_all(&content)?;
        file.sync_all()?;
        return Ok(copy);
    }
    Err(io::Error::other("too many copies of it are kept already"))
}

#[cfg(test)]
mod tests {
    use alloy::primitives::Address;

    use super::super::Security;
    use super::*;

    #[test]
    fn what_is_new_other_or_gone_is_named_by_its_key() {
        let before = Profile {
            chain_id: Some(7),
            actor: Some("dana".into()),
            securities: vec![Security {
                symbol: "HRBR".into(),
                isin: "US0378331005".into(),
                token: Address::repeat_byte(3),
                decimals: 6,
                block: None,
            }],
            ..Profile::default()
        };
        let mut after = before.clone();
        after.chain_id = Some(8);
        after.actor = None;
        after.roles.operator = Some("desk".into());
        after.securities[0].decimals = 2;
        let said: Vec<_> = changes(&before, &after)
            .unwrap()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            said,
            [
                "actor: dana is removed",
                "chain_id: 7 becomes 8",
                "roles.operator: desk",
                "security.HRBR.decimals: 6 becomes 2"
            ]
        );
        assert_eq!(changes(&after, &after).unwrap(), []);
    }

    #[test]
    fn no_copy_replaces_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orderbook.toml");
        for number in 1..=3 {
            fs::write(&path, format!("name = \"{number}\"\n")).unwrap();
            let copy = keep_copy(&path).unwrap();
            assert_eq!(
                copy,
                folder.path().join(format!("orderbook.toml.{number}.bak"))
            );
        }
        let first = fs::read_to_string(folder.path().join("orderbook.toml.1.bak")).unwrap();
        assert_eq!(first, "name = \"1\"\n");
        assert!(matches!(
            keep_copy(&folder.path().join("none")),
            Err(ConfigError::Io { .. })
        ));
    }
}
