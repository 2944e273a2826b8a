//! What functions with several return values return.

use runtime::{
    abi::{Encoder, Return},
    exported,
};

use super::record::Version;

pub(crate) use self::sol::{CurrentValues, EarlierValues, Names};

#[allow(missing_docs, reason = "the macro copies no docs to fields")]
mod sol {
    use alloy_sol_types::sol;

    sol! {
        /// The values of [`Current`](super::Current) as the ABI names them.
        struct CurrentValues {
            string uri;
            bytes32 documentHash;
            uint64 timestamp;
            uint64 version;
        }

        /// The values of [`Earlier`](super::Earlier) as the ABI names them.
        struct EarlierValues {
            string uri;
            bytes32 documentHash;
            uint64 timestamp;
        }

        /// The names of documents.
        #[derive(Debug, PartialEq, Eq)]
        struct Names {
            bytes32[] names;
        }
    }
}

/// The current version of a document, and its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Current {
    pub(crate) version: Version,
    pub(crate) number: u64,
}

impl Return for Current {
    fn write(self, encoder: &mut Encoder) {
        encoder.text(&self.version.uri, 4);
        encoder.word(self.version.hash);
        encoder.integer(self.version.timestamp);
        encoder.integer(self.number);
    }
}

/// One version of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Earlier(pub(crate) Version);

impl Return for Earlier {
    fn write(self, encoder: &mut Encoder) {
        encoder.text(&self.0.uri, 3);
        encoder.word(self.0.hash);
        encoder.integer(self.0.timestamp);
    }
}

impl Return for Names {
    fn write(self, encoder: &mut Encoder) {
        // The list is the only part, so it may follow the head directly.
        encoder.integer(32);
        encoder.integer(self.names.len() as u64);
        for name in self.names {
            encoder.word(name);
        }
    }
}

exported!(
    CurrentValues,
    "(string,bytes32,uint64,uint64)",
    "(string memory uri, bytes32 documentHash, uint64 timestamp, uint64 version)"
);
exported!(
    EarlierValues,
    "(string,bytes32,uint64)",
    "(string memory uri, bytes32 documentHash, uint64 timestamp)"
);
exported!(Names, "bytes32[]", "bytes32[] memory");
