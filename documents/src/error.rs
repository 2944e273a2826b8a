//! Why a call is refused: the errors of `docs/interfaces/IDocuments.sol`, which carries the prose.

use alloy_primitives::{Address, B256};

runtime::errors! {
    /// Every refusal of this contract.
    pub(crate) enum Error {
        NotIssuer { security: Address, account: Address }
        InvalidDocument { security: Address, name: B256 }
        DocumentUnchanged { security: Address, name: B256, version: u64 }
        UnknownDocument { security: Address, name: B256 }
        UnknownVersion { security: Address, name: B256, version: u64 }
        WrongHash { security: Address, name: B256, expected: B256, found: B256 }
        TooManyDocuments { security: Address, limit: u64 }
    }
}
