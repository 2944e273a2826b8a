//! What was read from the remote, in memory and in a file: the state of one block never changes.
//!
//! The file has one JSON value per line and is only ever appended to, so that chains can share it. A line
//! that a crash cut short is ignored.

use super::{super::state::bytecode, ForkError};
use alloy::primitives::{Address, B256, Bytes, U256, keccak256, map::HashMap};
use revm::bytecode::Bytecode;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
};

/// An account of the remote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::chain) struct Fetched {
    pub(in crate::chain) nonce: u64,
    pub(in crate::chain) balance: U256,
    pub(in crate::chain) code: Bytes,
}

/// One thing that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Entry {
    Account(Address, Fetched),
    Word(Address, U256, U256),
    /// What `ArbWasm` and `ArbWasmCache` say about a program, as this chain stores it: slot and word.
    Program(U256, U256),
    CacheManagers(Vec<Address>),
    /// The version; 0 where there is none.
    ArbOs(u64),
}

/// Everything that was read.
#[derive(Debug, Default)]
pub(super) struct Cache {
    pub(super) accounts: HashMap<Address, (Fetched, B256)>,
    pub(super) words: HashMap<(Address, U256), U256>,
    pub(super) codes: HashMap<B256, Bytecode>,
    pub(super) programs: HashMap<U256, U256>,
    pub(super) managers: Option<Vec<Address>>,
    pub(super) arbos: Option<u64>,
    file: Option<(PathBuf, File)>,
}

impl Cache {
    /// The contents of the file with this name in `folder`, both created if missing; without a folder the
    /// cache lasts as long as the chain.
    ///
    /// # Errors
    /// [`ForkError::Cache`].
    pub(super) fn open(folder: Option<&Path>, name: &str) -> Result<Self, ForkError> {
        let mut cache = Self::default();
        let Some(folder) = folder else {
            return Ok(cache);
        };
        let path = folder.join(name);
        let failed = |source: io::Error| ForkError::Cache {
            path: path.clone(),
            what: source.to_string(),
        };
        fs::create_dir_all(folder).map_err(failed)?;
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .map_err(failed)?;
        for line in BufReader::new(&file).lines() {
            // Cut short, or written by a newer version.
            if let Ok(entry) = serde_json::from_str(&line.map_err(failed)?) {
                cache.remember(entry);
            }
        }
        cache.file = Some((path, file));
        Ok(cache)
    }

    fn remember(&mut self, entry: Entry) {
        match entry {
            Entry::Account(address, account) => {
                let hash = keccak256(&account.code);
                self.codes.insert(hash, bytecode(account.code.clone()));
                self.accounts.insert(address, (account, hash));
            }
            Entry::Word(address, slot, word) => {
                self.words.insert((address, slot), word);
            }
            Entry::Program(slot, word) => {
                self.programs.insert(slot, word);
            }
            Entry::CacheManagers(managers) => self.managers = Some(managers),
            Entry::ArbOs(number) => self.arbos = Some(number),
        }
    }

    /// Keeps `entries`.
    ///
    /// # Errors
    /// [`ForkError::Cache`]; they are then kept in memory.
    pub(super) fn keep(&mut self, entries: Vec<Entry>) -> Result<(), ForkError> {
        let mut lines = Vec::new();
        if self.file.is_some() {
            for entry in &entries {
                // Start on a new line, even after one that a crash cut short.
                lines.push(b'\n');
                serde_json::to_writer(&mut lines, entry).map_err(|error| ForkError::Cache {
                    path: PathBuf::new(),
                    what: error.to_string(),
                })?;
            }
            lines.push(b'\n');
        }
        for entry in entries {
            self.remember(entry);
        }
        match &mut self.file {
            Some((path, file)) => file.write_all(&lines).map_err(|error| ForkError::Cache {
                path: path.clone(),
                what: error.to_string(),
            }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_read_again_but_for_a_line_cut_short() {
        let folder = tempfile::tempdir().unwrap();
        let account = Fetched {
            nonce: 7,
            balance: U256::MAX,
            code: Bytes::from_static(&[1, 2, 3]),
        };
        let at = Address::with_last_byte;
        let mut cache = Cache::open(Some(folder.path()), "block").unwrap();
        let entries = vec![
            Entry::Account(at(1), account.clone()),
            Entry::Word(at(1), U256::from(3), U256::ZERO),
            Entry::CacheManagers(vec![at(9)]),
            Entry::ArbOs(61),
        ];
        cache.keep(entries).unwrap();
        let file = folder.path().join("block");
        let mut cut = OpenOptions::new().append(true).open(&file).unwrap();
        cut.write_all(b"{\"word\":[\"0x00").unwrap();
        let program = Entry::Program(U256::from(5), U256::from(6));
        cache.keep(vec![program]).unwrap();

        let again = Cache::open(Some(folder.path()), "block").unwrap();
        let hash = keccak256([1, 2, 3]);
        assert_eq!(again.accounts.get(&at(1)), Some(&(account, hash)));
        assert_eq!(again.words.get(&(at(1), U256::from(3))), Some(&U256::ZERO));
        assert_eq!(again.words.len(), 1);
        assert_eq!(again.codes.len(), 1);
        assert_eq!(again.programs.get(&U256::from(5)), Some(&U256::from(6)));
        assert_eq!(again.managers, Some(vec![at(9)]));
        assert_eq!(again.arbos, Some(61));
    }
}
