//! Events of the token; those of its roles are in `authority::roles`.

pub(crate) use sol::*;

#[allow(missing_docs, reason = "the macro copies no docs to fields")]
mod sol {
    use alloy_sol_types::sol;

    sol! {
        #![sol(all_derives)]

        /// `value` moved; from zero: minted, to zero: burned.
        event Transfer(address indexed from, address indexed to, uint256 value);
        /// `spender` may spend `value` of `owner`'s.
        event Approval(address indexed owner, address indexed spender, uint256 value);

        /// `wallet` is registered with this record.
        event WalletSet(address indexed wallet, bytes32 indexed investorId, uint8 group, uint16 country, uint64 kycExpiry);
        /// `wallet` is not registered any more.
        event WalletRemoved(address indexed wallet, bytes32 indexed investorId);
        /// Transfers from one group to another are open from `opensAt` on; 0: closed.
        event GroupRuleSet(uint8 indexed fromGroup, uint8 indexed toGroup, uint64 opensAt);
        /// Wallets of `country` may neither send nor receive, or may again.
        event CountryBlockedSet(uint16 indexed country, bool blocked);

        /// The limits are these now; 0: none.
        event LimitsSet(uint256 maxPerInvestor, uint16 maxBipsPerInvestor, uint32 maxHolders, uint256 minHolding, uint256 granularity);
        /// Most holders in `group`; 0: no limit.
        event GroupHolderLimitSet(uint8 indexed group, uint32 maxHolders);
        /// Most holders in all groups whose bits are set; 0: no limit.
        event ClassLimitSet(uint256 groups, uint32 maxHolders);
        /// Most tokens there may be; 0: no limit.
        event SupplyCapSet(uint256 supplyCap);

        /// `amount` more of `holder`'s tokens are locked up to `releaseTime`.
        event TokensLocked(address indexed holder, uint256 amount, uint64 releaseTime);
        /// `amount` of the lock with `releaseTime` was released before that.
        event TokensUnlocked(address indexed holder, uint256 amount, uint64 releaseTime);

        /// `amount` was minted to `holder` under a schedule.
        event VestingGranted(address indexed holder, uint256 indexed index, uint256 amount, uint64 start, uint32 cliff,
            uint32 period, uint16 periods, uint16 firstBips, bool revocable);
        /// The schedule ended, and what was `unvested` went to `to`.
        event VestingRevoked(address indexed holder, uint256 indexed index, address indexed to, uint256 unvested);
        /// Force took `amount` of what the schedule would have released last.
        event VestingReduced(address indexed holder, uint256 indexed index, uint256 amount);
        /// A schedule went from a lost wallet to the same place of its replacement.
        event VestingMoved(address indexed from, address indexed to, uint256 index);
        /// `value` was redeemed.
        event Burned(address indexed from, uint256 value, bytes32 reason, address indexed by);

        /// `account` is sanctioned, or no more.
        event SanctionSet(address indexed account, bool sanctioned, address indexed by);
        /// `account` can neither send nor receive nor spend, or can again.
        event AddressFrozen(address indexed account, bool indexed isFrozen, address indexed by);
        /// `amount` more of `account`'s tokens are frozen.
        event TokensFrozen(address indexed account, uint256 amount);
        /// `amount` of `account`'s frozen tokens are not frozen any more.
        event TokensUnfrozen(address indexed account, uint256 amount);
        /// `value` was moved by order.
        event ForcedTransfer(address indexed from, address indexed to, uint256 value, bytes32 reason, address indexed by);
        /// `value` was destroyed by order.
        event ForcedBurn(address indexed from, uint256 value, bytes32 reason, address indexed by);
        /// `replacement` took over balance and encumbrances of `lost`.
        event WalletRecovered(address indexed lost, address indexed replacement, bytes32 reason, address indexed by);

        /// `amount` of `owner`'s tokens are bound for `placer` until a second.
        event HoldPlaced(address indexed placer, address indexed owner, bytes32 indexed id, uint256 amount, uint64 until);
        /// `amount` of them went to `to`, and the hold ended.
        event HoldUsed(address indexed placer, address indexed owner, bytes32 indexed id, address to, uint256 amount);
        /// The hold ended, and nothing moved.
        event HoldDropped(address indexed placer, address indexed owner, bytes32 indexed id);
        /// Force or a recovery ended the hold with this hash of placer and id.
        event HoldBroken(bytes32 indexed key, address indexed owner, uint256 amount);

        /// Transfers, mints and burns are suspended.
        event Paused(address account);
        /// They are not any more.
        event Unpaused(address account);
        /// They are refused for ever.
        event Deactivated(address account);
    }
}
