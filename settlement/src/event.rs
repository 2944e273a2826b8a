//! What the contract logs. An auditor rebuilds every order, signature, state and settlement from these logs alone.

pub(crate) use self::sol::*;
pub(crate) use super::order::{OrderRegistered, OrderVoided};

#[allow(missing_docs, reason = "the macro copies no docs to fields")]
mod sol {
    use alloy_sol_types::sol;

    sol! {
        /// The order `id` can never settle; `reason` is the operator's, or zero when the owner cancelled it, no matter who
        /// sent its signature.
        #[derive(Debug, PartialEq, Eq)]
        event OrderCancelled(bytes32 indexed id, address indexed by, bytes32 reason);
        /// Orders of `owner` from before `epoch`, registered or not, are dead.
        #[derive(Debug, PartialEq, Eq)]
        event EpochAdvanced(address indexed owner, uint64 epoch);
        /// `quantity` base units of `security` went from seller to buyer and `total` base units of payment back.
        #[derive(Debug, PartialEq, Eq)]
        event Settled(uint256 indexed settlementId, bytes32 indexed bidId, bytes32 indexed askId, address buyer,
            address seller, address security, uint256 quantity, uint256 total, uint256 bidLimit, uint256 askLimit,
            address operator, uint64 crd);
        /// Both orders are bound to each other until the second `until`, for `total` base units of payment.
        #[derive(Debug, PartialEq, Eq)]
        event MatchCommitted(bytes32 indexed bid, bytes32 indexed ask, address indexed principal, uint64 until,
            uint256 total);
        /// Both orders are merely open again, by an act of `by`.
        #[derive(Debug, PartialEq, Eq)]
        event MatchReleased(bytes32 indexed bid, bytes32 indexed ask, address indexed by, bytes32 reason);
        /// `token` did not give the hold `id` back: it ends by time.
        #[derive(Debug, PartialEq, Eq)]
        event HoldNotDropped(address indexed token, bytes32 indexed id);
        /// Only committed pairs settle from now on, or any pair.
        #[derive(Debug, PartialEq, Eq)]
        event CommitmentRequiredSet(bool required);
        /// Orders for `security` may be registered and settled, or may not any more.
        #[derive(Debug, PartialEq, Eq)]
        event SecurityListed(address indexed security, bool listed);
        /// What `security` answered when it was listed: whether it judges transfers by their spender, and has holds.
        #[derive(Debug, PartialEq, Eq)]
        event SecurityProbed(address indexed security, bool checksSpender, bool holds);
        /// The off-chain board's audit log of `size` entries had this Merkle root.
        #[derive(Debug, PartialEq, Eq)]
        event BookAnchored(bytes32 indexed root, uint64 size, address indexed operator);
        /// `account` stopped registrations and settlements.
        #[derive(Debug, PartialEq, Eq)]
        event Paused(address account);
        /// `account` allowed them again.
        #[derive(Debug, PartialEq, Eq)]
        event Unpaused(address account);
    }
}
