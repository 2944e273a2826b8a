//! Why a call is refused. Each error names the actor and what was found; none is text, a panic or empty.
//!
//! The first part is that of `docs/interfaces/ISecurityToken.sol`, without the errors of roles, which are in
//! `authority::roles`; the rest stands beside it.

use alloy_primitives::{Address, B256, U256};
use authority::abi::Refusal;

use crate::answer::Message;

authority::errors! {
    /// Every refusal of the token, but those of its roles.
    pub(crate) enum Error {
        ERC20InsufficientBalance { sender: Address, balance: U256, needed: U256 }
        ERC20InsufficientAllowance { spender: Address, allowance: U256, needed: U256 }
        ERC20InvalidSpender { spender: Address }
        ERC20InvalidApprover { approver: Address }
        TransferRestricted { code: u8, message: Message }

        // transferFrom the zero address
        ERC20InvalidSender { sender: Address }
        InvalidSignature { signer: Address }
        SignatureExpired { deadline: U256, now: U256 }

        // zero, the token itself, or, where two wallets are needed, the same as the other
        InvalidWallet { wallet: Address }
        // the investor id of the wallet would be zero
        InvalidInvestor { wallet: Address }
        // groups are numbered from 1
        InvalidGroup { group: u8 }
        // ISO 3166-1 numbers end at 999
        InvalidCountry { country: U256 }
        WalletNotRegistered { wallet: Address }
        // cannot be removed, given another investor, or serve as a replacement
        WalletNotEmpty { wallet: Address, balance: U256 }
        // has locks or schedules and cannot serve as a replacement
        WalletEncumbered { wallet: Address, locked: U256, schedules: U256 }
        WalletOfAnotherInvestor { wallet: Address, investor_id: B256 }
        TooManyWallets { investor_id: B256, limit: U256 }

        LengthMismatch { length: U256, other_length: U256 }
        BatchTooLarge { length: U256, limit: U256 }

        // more than 10,000
        InvalidBips { bips: U256 }
        SupplyAboveCap { total_supply: U256, supply_cap: U256 }

        // of nothing, or of more together with the lock of the same time than a number can hold
        InvalidLock { holder: Address, amount: U256, already_locked: U256 }
        ReleaseTimePassed { holder: Address, release_time: u64, now: u64 }
        TooManyLocks { holder: Address, limit: U256 }
        LockNotFound { holder: Address, release_time: u64 }

        // of nothing, with steps but no period, or with a first release above everything
        InvalidSchedule { holder: Address, amount: U256, period: u64, periods: u64, first_bips: u64 }
        TooManySchedules { holder: Address, limit: U256 }
        ScheduleNotFound { holder: Address, index: U256, count: U256 }
        // granted for good, or revoked before
        ScheduleNotRevocable { holder: Address, index: U256, revoked: bool }

        FreezeExceedsBalance { account: Address, frozen: U256, amount: U256, balance: U256 }
        UnfreezeExceedsFrozen { account: Address, frozen: U256, amount: U256 }

        EnforcedPause {}
        ExpectedPause {}
    }
}

/// The refusal of an ERC-1404 code.
#[inline(never)]
pub(crate) fn restricted(code: u8) -> Refusal {
    Error::TransferRestricted { code, message: Message { code } }.into()
}
