//! Why a call is refused. Each error names the actor and what was found; none is text, a panic or empty.
//!
//! They are those of `docs/interfaces/ISecurityToken.sol`, which carries the prose; the errors of roles are in
//! `authority::roles`.

use alloy_sol_types::SolError;
use runtime::abi::{Encoder, Return, Revert};
pub(crate) use sol::*;

use super::{codes, word::Record};

/// Encodes an error where it arises, its fields in the order of its declaration.
///
/// An enum of all errors would be built first and matched again afterwards, which costs code at both ends.
macro_rules! revert {
    ($error:ident { $($field:ident $(: $value:expr)?),* $(,)? }) => {{
        let error = super::error::$error { $($field $(: $value)?),* };
        #[allow(unused_mut, reason = "an error may have no fields")]
        let mut encoder = super::error::open(&error);
        $(runtime::abi::Return::write(error.$field, &mut encoder);)*
        runtime::abi::Revert(encoder.finish())
    }};
}
pub(crate) use revert;

/// An encoder that starts with the selector of an error.
pub(crate) fn open<E: SolError>(_: &E) -> Encoder {
    Encoder::error(u32::from_be_bytes(E::SELECTOR))
}

/// Refuses a status that `allowed` does not have: 3 for a sanction, 5 for a freeze.
#[inline(never)]
pub(crate) fn check_status(flags: u8, allowed: u8) -> Result<(), Revert> {
    let excess = flags & !allowed;
    if excess & Record::SANCTIONED != 0 {
        return Err(restricted(codes::SANCTIONED));
    }
    if excess & Record::FROZEN != 0 {
        return Err(restricted(codes::SENDER_FROZEN));
    }
    Ok(())
}

/// The revert of an ERC-1404 code.
#[inline(never)]
pub(crate) fn restricted(code: u8) -> Revert {
    let mut encoder = Encoder::error(u32::from_be_bytes(TransferRestricted::SELECTOR));
    code.write(&mut encoder);
    encoder.text(codes::message(code), 2);
    Revert(encoder.finish())
}

#[allow(missing_docs, reason = "the interface file carries the prose")]
mod sol {
    use alloy_sol_types::sol;

    sol! {
        #![sol(all_derives)]

        error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed);
        error ERC20InsufficientAllowance(address spender, uint256 allowance, uint256 needed);
        error ERC20InvalidSpender(address spender);
        error ERC20InvalidApprover(address approver);
        error TransferRestricted(uint8 code, string message);

        /// Zero cannot send.
        error ERC20InvalidSender(address sender);
        error InvalidSignature(address signer);
        error SignatureExpired(uint256 deadline, uint256 now_);

        /// Zero, the token itself, or, where two wallets are needed, the same as the other.
        error InvalidWallet(address wallet);
        /// The investor id of the wallet would be zero.
        error InvalidInvestor(address wallet);
        /// Groups are numbered from 1.
        error InvalidGroup(uint8 group);
        /// ISO 3166-1 numbers end at 999.
        error InvalidCountry(uint256 country);
        error WalletNotRegistered(address wallet);
        /// Cannot be removed, given another investor, or serve as a replacement.
        error WalletNotEmpty(address wallet, uint256 balance);
        /// Has locks or schedules in force: cannot be removed, given another investor, or serve as a replacement.
        error WalletEncumbered(address wallet, uint256 locked, uint256 schedules);
        error WalletOfAnotherInvestor(address wallet, bytes32 investorId);
        error TooManyWallets(bytes32 investorId, uint256 limit);
        /// Was lost, and is never registered again.
        error WalletReplaced(address wallet, address successor);
        /// No wallet is registered for it.
        error InvestorNotFound(bytes32 investorId);
        /// The investor's other wallets are in this group and country.
        error InvestorDiffers(bytes32 investorId, uint8 group, uint16 country);
        /// More than 200 years from now.
        error TimeTooFar(uint64 time, uint64 latest);

        error LengthMismatch(uint256 length, uint256 otherLength);
        error BatchTooLarge(uint256 length, uint256 limit);

        /// More than 10,000.
        error InvalidBips(uint256 bips);
        error SupplyAboveCap(uint256 totalSupply, uint256 supplyCap);
        error TooManyClasses(uint256 limit);
        /// No class consists of these groups.
        error ClassNotFound(uint256 groups);

        /// Of nothing, or with the lock of the same time of more than `2^216 - 1`.
        error InvalidLock(address holder, uint256 amount, uint256 alreadyLocked);
        error ReleaseTimePassed(address holder, uint64 releaseTime, uint64 now_);
        error TooManyLocks(address holder, uint256 limit);
        error LockNotFound(address holder, uint64 releaseTime);

        /// Of nothing, with steps but no period, or with a first release above everything.
        error InvalidSchedule(address holder, uint256 amount, uint64 period, uint64 periods, uint64 firstBips);
        error TooManySchedules(address holder, uint256 limit);
        error ScheduleNotFound(address holder, uint256 index, uint256 count);
        /// Granted for good, or revoked before.
        error ScheduleNotRevocable(address holder, uint256 index, bool revoked);

        error FreezeExceedsBalance(address account, uint256 frozen, uint256 amount, uint256 balance);
        error UnfreezeExceedsFrozen(address account, uint256 frozen, uint256 amount);

        error TooManyHolds(address owner);
        error HoldExists(address placer, address owner, bytes32 id);
        /// None that the placer could use or drop.
        error NoHold(address placer, address owner, bytes32 id);
        error HoldTime(uint64 until, uint64 latest);
        /// Nothing, or more than a hold can be of or is of.
        error HoldAmount(uint256 amount, uint256 most);

        error EnforcedPause();
        error ExpectedPause();
    }
}
