//! Why a call is refused: the errors of `docs/interfaces/ITsUSDC.sol`, which carries the prose.

use alloy_primitives::{Address, B256, U256};

runtime::errors! {
    /// Every refusal of the coin.
    pub(crate) enum Error {
        ERC20InsufficientBalance { sender: Address, balance: U256, needed: U256 }
        ERC20InsufficientAllowance { spender: Address, allowance: U256, needed: U256 }
        ERC20InvalidReceiver { receiver: Address }
        ERC20InvalidSender { sender: Address }
        ERC20InvalidSpender { spender: Address }
        ERC20InvalidApprover { approver: Address }

        AccessControlUnauthorizedAccount { account: Address, needed_role: B256 }
        AccessControlInvalidDefaultAdmin { account: Address }
        AccessControlEnforcedDefaultAdminRules {}
        RolesExclude { role: B256, other: B256 }

        NotMinter { account: Address }
        InvalidAmount { amount: U256 }
        BankReferenceUsed { bank_reference: B256 }
        MinterAllowanceExceeded { minter: Address, allowance: U256, amount: U256 }
        ReservesExceeded { supply_after: U256, reserves: U256 }
        ReservesStale { as_of: u64, max_age: u64 }
        InvalidAttestation { as_of: u64, latest: u64 }

        EnforcedPause {}
        AccountBlacklisted { account: Address }
        AccountNotBlacklisted { account: Address }
        BatchTooLarge { length: U256, limit: U256 }
        ZeroReference {}

        TooManyHolds { owner: Address }
        HoldExists { placer: Address, owner: Address, id: B256 }
        NoHold { placer: Address, owner: Address, id: B256 }
        HoldTime { until: u64, latest: u64 }
        HoldAmount { amount: U256, most: U256 }

        InvalidSignature { signer: Address }
        SignatureExpired { deadline: U256, now: U256 }
        AuthorizationNotYetValid { valid_after: U256, now: U256 }
        AuthorizationNonceUsed { authorizer: Address, nonce: B256 }
        CallerNotPayee { caller: Address, payee: Address }
    }
}
