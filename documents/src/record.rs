//! What is stored of a document.
//!
//! | word | holds |
//! | --- | --- |
//! | 0 | how many versions there are |
//! | 1 | its place in the list of names, from 1; zero when it is not listed |
//! | row of n | of version n: hash, time, and the URI |

use alloy_primitives::{B256, U256};
use runtime::{
    storage::Words,
    text::{StorageText, Text},
};

const VERSIONS: usize = 0;
const PLACE: usize = 1;

const HASH: usize = 0;
const TIMESTAMP: usize = 1;
const URI: usize = 2;

/// One version of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    /// Of what lies at the URI.
    pub(crate) hash: B256,
    /// When it was set, unix seconds.
    pub(crate) timestamp: u64,
    pub(crate) uri: Text,
}

/// A document's words.
pub(crate) struct Documented(pub(crate) Words);

impl Documented {
    /// How many versions there are: the number of the latest one.
    pub(crate) fn version(&self) -> u64 {
        u64::try_from(self.0.get(VERSIONS)).unwrap_or_default()
    }

    /// Its place in the list, from 1, or zero.
    pub(crate) fn place(&self) -> u64 {
        u64::try_from(self.0.get(PLACE)).unwrap_or_default()
    }

    pub(crate) fn is_listed(&self) -> bool {
        self.place() != 0
    }

    /// Writes its place in the list, zero for none.
    pub(crate) fn list(&mut self, place: u64) {
        self.0.set(PLACE, U256::from(place));
    }

    /// A version that there is.
    pub(crate) fn at(&self, version: u64) -> Version {
        let row = self.row(version);
        Version {
            hash: row.bytes(HASH),
            timestamp: u64::try_from(row.get(TIMESTAMP)).unwrap_or_default(),
            uri: row.part::<StorageText>(URI).get(),
        }
    }

    /// Appends a version and gives its number.
    pub(crate) fn add(&mut self, version: &Version) -> u64 {
        let number = self.version().saturating_add(1);
        let mut row = self.row(number);
        row.set_bytes(HASH, &version.hash);
        row.set(TIMESTAMP, U256::from(version.timestamp));
        row.part_mut::<StorageText>(URI).set(&version.uri);
        self.0.set(VERSIONS, U256::from(number));
        number
    }

    fn row(&self, version: u64) -> Words {
        self.0.row(U256::from(version).into())
    }
}
