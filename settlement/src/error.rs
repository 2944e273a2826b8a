//! Why a call is refused: the errors of `docs/interfaces/IDvPSettlement.sol`, which carries the prose.
//!
//! Every refusal is one of them, encoded; only a token's own revert inside a leg passes through as it came.

use alloy_primitives::{Address, B256, U256};

use super::checks::Failure;

runtime::errors! {
    /// Every refusal of this contract.
    pub(crate) enum Error {
        SettlementRefused { failure: u8, restriction_code: u8 }
        OrderNotRegistrable { id: B256, state: u8 }
        InvalidOrder { field: u8 }
        InvalidSignature { owner: Address }
        NotOrderOwner { id: B256, caller: Address }
        OrderNotCancellable { id: B256, state: u8 }
        OrderCommitted { id: B256, until: u64 }
        OrderCommittedBefore { id: B256 }
        CommitmentTime { until: u64, latest: u64 }
        NoHolds { token: Address }
        NotCommitted { bid: B256, ask: B256 }
        NotAContract { account: Address }
        NotASecurity { token: Address }
        EnforcedPause {}
        ExpectedPause {}

        AccessControlUnauthorizedAccount { account: Address, needed_role: B256 }
        AccessControlInvalidDefaultAdmin { account: Address }
        AccessControlEnforcedDefaultAdminRules {}
        RolesExclude { role: B256, other: B256 }

        Panic { code: U256 }
    }
}

impl Error {
    /// A counter is used up: Solidity's panic for it. No deployment lives long enough to see it.
    pub(crate) const OVERFLOW: Self = Self::Panic {
        code: U256::from_limbs([0x11, 0, 0, 0]),
    };

    /// A pair does not settle because of `failure`, which is not a restriction by the security token.
    pub(crate) const fn refused(failure: Failure) -> Self {
        Self::SettlementRefused {
            failure: failure as u8,
            restriction_code: 0,
        }
    }
}
