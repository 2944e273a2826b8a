//! Acts of a security's issuer, compliance officer and enforcer.

#![allow(clippy::wildcard_imports)] // The whole interface.

use alloy::primitives::Address;

use super::{Expected, Kind, provable};
use crate::chain::abi::ISecurityToken::*;

/// `value` more for `to`.
fn minted(token: Address, to: Address, value: alloy::primitives::U256) -> Expected {
    let from = Address::ZERO;
    Expected::exactly(token, &Transfer { from, to, value })
}

provable! { &[Kind::Security];
    setWalletsCall => |call, sent| (0..call.wallets.len()).map(|row| Expected::exactly(
        sent.contract,
        &WalletSet {
            wallet: call.wallets[row],
            investorId: call.investorIds.get(row).copied().unwrap_or_default(),
            group: call.groups.get(row).copied().unwrap_or_default(),
            country: call.countries.get(row).copied().unwrap_or_default(),
            kycExpiry: call.kycExpiries.get(row).copied().unwrap_or_default(),
        },
    )).collect::<Vec<_>>();
    // One for each wallet of the investor; only the contract knows how many there are.
    setInvestorCall => |call, sent| {
        let meant = call.clone();
        [Expected::fitting(sent.contract, move |event: &WalletSet| {
            let found = setInvestorCall {
                investorId: event.investorId,
                group: event.group,
                country: event.country,
                kycExpiry: event.kycExpiry,
            };
            found == meant
        })]
    };
    removeWalletCall => |&removeWalletCall { wallet }, sent| [Expected::fitting(
        sent.contract,
        move |event: &WalletRemoved| event.wallet == wallet,
    )];
    setGroupRuleCall => |call, sent| [Expected::exactly(
        sent.contract,
        &GroupRuleSet { fromGroup: call.fromGroup, toGroup: call.toGroup, opensAt: call.opensAt },
    )];
    setCountryBlockedCall => |call, sent| [Expected::exactly(
        sent.contract,
        &CountryBlockedSet { country: call.country, blocked: call.blocked },
    )];
    setLimitsCall => |call, sent| [Expected::exactly(
        sent.contract,
        &LimitsSet {
            maxPerInvestor: call.maxPerInvestor,
            maxBipsPerInvestor: call.maxBipsPerInvestor,
            maxHolders: call.maxHolders,
            minHolding: call.minHolding,
            granularity: call.granularity,
        },
    )];
    setGroupHolderLimitCall => |call, sent| [Expected::exactly(
        sent.contract,
        &GroupHolderLimitSet { group: call.group, maxHolders: call.maxHolders },
    )];
    setClassLimitCall => |call, sent| [Expected::exactly(
        sent.contract,
        &ClassLimitSet { groups: call.groups, maxHolders: call.maxHolders },
    )];
    setSupplyCapCall => |call, sent| [Expected::exactly(
        sent.contract,
        &SupplyCapSet { supplyCap: call.supplyCap },
    )];
    lockTokensCall => |call, sent| [Expected::exactly(
        sent.contract,
        &TokensLocked { holder: call.holder, amount: call.amount, releaseTime: call.releaseTime },
    )];
    unlockTokensCall => |&unlockTokensCall { holder, releaseTime }, sent| [Expected::fitting(
        sent.contract,
        move |event: &TokensUnlocked| (event.holder, event.releaseTime) == (holder, releaseTime),
    )];
    mintCall => |call, sent| [minted(sent.contract, call.to, call.value)];
    mintBatchCall => |call, sent| call.to.iter().zip(&call.values)
        .map(|(to, value)| minted(sent.contract, *to, *value)).collect::<Vec<_>>();
    mintLockedCall => |call, sent| [
        minted(sent.contract, call.to, call.amount),
        Expected::exactly(
            sent.contract,
            &TokensLocked { holder: call.to, amount: call.amount, releaseTime: call.unlockAt },
        ),
    ];
    mintLockedBatchCall => |call, sent| call.to.iter().zip(&call.amounts).zip(&call.unlockAts)
        .flat_map(|((to, amount), unlock)| [
            minted(sent.contract, *to, *amount),
            Expected::exactly(
                sent.contract,
                &TokensLocked { holder: *to, amount: *amount, releaseTime: *unlock },
            ),
        ]).collect::<Vec<_>>();
    burnCall => |call, sent| [Expected::exactly(
        sent.contract,
        &Burned { from: call.from, value: call.value, reason: call.reason, by: sent.sender },
    )];
    grantVestingCall => |call, sent| {
        let meant = call.clone();
        [
            minted(sent.contract, call.holder, call.amount),
            Expected::fitting(sent.contract, move |event: &VestingGranted| {
                let granted = grantVestingCall {
                    holder: event.holder,
                    amount: event.amount,
                    start: event.start,
                    cliff: event.cliff,
                    period: event.period,
                    periods: event.periods,
                    firstBips: event.firstBips,
                    revocable: event.revocable,
                };
                granted == meant
            }),
        ]
    };
    revokeVestingCall => |&revokeVestingCall { holder, index, to }, sent| [Expected::fitting(
        sent.contract,
        move |event: &VestingRevoked| (event.holder, event.index, event.to) == (holder, index, to),
    )];
    setSanctionedCall => |call, sent| call.accounts.iter().map(|account| Expected::exactly(
        sent.contract,
        &SanctionSet { account: *account, sanctioned: call.sanctioned, by: sent.sender },
    )).collect::<Vec<_>>();
    setAddressFrozenCall => |call, sent| [Expected::exactly(
        sent.contract,
        &AddressFrozen { account: call.account, isFrozen: call.frozen, by: sent.sender },
    )];
    freezePartialTokensCall => |call, sent| [Expected::exactly(
        sent.contract,
        &TokensFrozen { account: call.account, amount: call.amount },
    )];
    unfreezePartialTokensCall => |call, sent| [Expected::exactly(
        sent.contract,
        &TokensUnfrozen { account: call.account, amount: call.amount },
    )];
    forcedTransferCall => |call, sent| [Expected::exactly(
        sent.contract,
        &ForcedTransfer {
            from: call.from,
            to: call.to,
            value: call.value,
            reason: call.reason,
            by: sent.sender,
        },
    )];
    forcedBurnCall => |call, sent| [Expected::exactly(
        sent.contract,
        &ForcedBurn { from: call.from, value: call.value, reason: call.reason, by: sent.sender },
    )];
    recoverWalletCall => |call, sent| [Expected::exactly(
        sent.contract,
        &WalletRecovered {
            lost: call.lost,
            replacement: call.replacement,
            reason: call.reason,
            by: sent.sender,
        },
    )];
    pauseCall => |_, sent| [Expected::exactly(sent.contract, &Paused { account: sent.sender })];
    unpauseCall => |_, sent| [Expected::exactly(sent.contract, &Unpaused { account: sent.sender })];
    deactivateCall => |_, sent| [Expected::exactly(
        sent.contract,
        &Deactivated { account: sent.sender },
    )];
}
