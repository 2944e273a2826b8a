//! Why a call is refused: the errors of `docs/interfaces/IDistribution.sol`, which carries the prose.
//!
//! Those of `OpenZeppelin`'s components are listed here too, so that one table can be compared with the interface file;
//! their components encode them.

use alloy_primitives::{Address, B256, U256};

runtime::errors! {
    /// Every refusal of this contract.
    pub(crate) enum Error {
        DistributionExists { id: B256 }
        UnknownDistribution { id: B256 }
        InvalidRoot {}
        InvalidRecordBlock {}
        InvalidTotal { total: U256 }
        ClaimPeriodOutOfRange { claim_until: u64, earliest: u64, latest: u64 }
        NotASecurity { security: Address }
        FundingInexact { expected: U256, received: U256 }
        InvalidProof { id: B256, index: U256 }
        AlreadyPaid { id: B256, index: U256 }
        ClaimPeriodOver { id: B256, claim_until: u64, time: u64 }
        ClaimPeriodOpen { id: B256, claim_until: u64, time: u64 }
        TotalExceeded { id: B256, total: U256, needed: U256 }
        ShareNotPayable { id: B256, index: U256, code: u8 }
        NotSetApart { id: B256, index: U256 }
        InvalidRecipient { to: Address }
        TooManyClaims { count: U256, size: U256 }
        NothingToSweep { id: B256 }
        InsufficientGas { left: u64, needed: u64 }
        NotAContract { account: Address }
        AccessControlInvalidDefaultAdmin { account: Address }
    }
}

/// The errors that `OpenZeppelin`'s components revert with.
#[cfg(test)]
pub(crate) const OF_COMPONENTS: [&str; 5] = [
    "AccessControlBadConfirmation()",
    "AccessControlUnauthorizedAccount(address,bytes32)",
    "EnforcedPause()",
    "ExpectedPause()",
    "SafeErc20FailedOperation(address)",
];
