//! What the contract logs; every version of every document follows from these logs alone.

pub(crate) use self::sol::*;

#[allow(missing_docs, reason = "the macro copies no docs to fields")]
mod sol {
    use alloy_sol_types::sol;

    sol! {
        /// `by` set this version.
        #[derive(Debug, PartialEq, Eq)]
        event DocumentUpdated(address indexed security, bytes32 indexed name, uint64 indexed version, string uri,
            bytes32 documentHash, address by);
        /// `by` took the name off the list, at this version.
        #[derive(Debug, PartialEq, Eq)]
        event DocumentRemoved(address indexed security, bytes32 indexed name, uint64 indexed version, string uri,
            bytes32 documentHash, address by);
        /// `by` has received this version.
        #[derive(Debug, PartialEq, Eq)]
        event DocumentReceived(address indexed security, bytes32 indexed name, address indexed by, uint64 version,
            bytes32 documentHash);
    }
}
