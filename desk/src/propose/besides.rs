//! Events that an act may log besides those that prove it, each bound to the act's own accounts and amounts.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256, U256};

use super::reading::{Deed, Distributing};
use crate::chain::abi::IDistribution::IDistributionCalls as DistributionCalls;
use crate::chain::abi::IDvPSettlement::{IDvPSettlementCalls as SettlementCalls, SecurityProbed};
use crate::chain::abi::ISecurityToken::{
    AddressFrozen, HoldBroken, ISecurityTokenCalls as SecurityCalls, RoleRevoked, SanctionSet,
    TokensFrozen, TokensLocked, TokensUnfrozen, TokensUnlocked, Transfer, VestingMoved,
    VestingReduced, WalletRemoved, WalletSet,
};
use crate::chain::abi::ITsUSDC::{self, ITsUSDCCalls as CoinCalls};
use crate::chain::act::{Expected, Sent};

impl Deed {
    /// What it may log besides, any number of times each.
    pub(super) fn besides(&self, sent: &Sent) -> Vec<Expected> {
        match self {
            Self::Role(call) => of_roles(call, sent),
            Self::Security(call) => of_security(call, sent),
            Self::Coin(call) => of_coin(call, sent),
            Self::Settlement(call) => of_settlement(call, sent),
            Self::Distribution(act) => of_distribution(act, sent),
            Self::Documents(_) | Self::Funding(_) => Vec::new(),
        }
    }
}

/// What the coin logs about the money that moves.
fn of_distribution(act: &Distributing, sent: &Sent) -> Vec<Expected> {
    let Some(coin) = act.coin else {
        return Vec::new();
    };
    let contract = sent.contract;
    match &*act.call {
        DistributionCalls::open(call) => {
            vec![moved(coin, sent.sender, contract, Some(call.total))]
        }
        // Only the contract knows whom a share goes to, the wallet or its successor.
        DistributionCalls::payBatch(call) => {
            let amounts: BTreeSet<U256> = call.claims.iter().map(|claim| claim.amount).collect();
            vec![Expected::fitting(coin, move |event: &Transfer| {
                event.from == contract && amounts.contains(&event.value)
            })]
        }
        DistributionCalls::redirect(call) => {
            vec![moved(coin, contract, call.to, Some(call.amount))]
        }
        // To the funder, who is not named in the call.
        DistributionCalls::sweep(_) => {
            vec![Expected::fitting(coin, move |event: &Transfer| {
                event.from == contract
            })]
        }
        _ => Vec::new(),
    }
}

fn of_settlement(call: &SettlementCalls, sent: &Sent) -> Vec<Expected> {
    match call {
        SettlementCalls::listSecurity(call) if call.listed => {
            let security = call.security;
            vec![Expected::fitting(
                sent.contract,
                move |event: &SecurityProbed| event.security == security,
            )]
        }
        _ => Vec::new(),
    }
}

fn of_roles(call: &SecurityCalls, sent: &Sent) -> Vec<Expected> {
    let SecurityCalls::acceptDefaultAdminTransfer(_) = call else {
        return Vec::new();
    };
    // The admin before.
    let by = sent.sender;
    let left = move |event: &RoleRevoked| (event.role, event.sender) == (B256::ZERO, by);
    vec![Expected::fitting(sent.contract, left)]
}

fn of_security(call: &SecurityCalls, sent: &Sent) -> Vec<Expected> {
    let (token, by) = (sent.contract, sent.sender);
    match call {
        // Every wallet of the investor.
        SecurityCalls::setInvestor(call) => {
            let meant = (call.investorId, call.group, call.country, call.kycExpiry);
            vec![Expected::fitting(token, move |event: &WalletSet| {
                (
                    event.investorId,
                    event.group,
                    event.country,
                    event.kycExpiry,
                ) == meant
            })]
        }
        SecurityCalls::burn(call) => vec![moved(token, call.from, Address::ZERO, Some(call.value))],
        SecurityCalls::revokeVesting(call) => {
            let mut all = taken_from(token, call.holder);
            all.push(moved(token, call.holder, call.to, None));
            all
        }
        // All wallets of an investor change together.
        SecurityCalls::setSanctioned(call) => {
            let on = call.sanctioned;
            vec![Expected::fitting(token, move |event: &SanctionSet| {
                (event.sanctioned, event.by) == (on, by)
            })]
        }
        SecurityCalls::setAddressFrozen(call) => {
            let on = call.frozen;
            vec![Expected::fitting(token, move |event: &AddressFrozen| {
                (event.isFrozen, event.by) == (on, by)
            })]
        }
        SecurityCalls::forcedTransfer(call) => {
            let mut all = taken_from(token, call.from);
            all.push(moved(token, call.from, call.to, Some(call.value)));
            all
        }
        SecurityCalls::forcedBurn(call) => {
            let mut all = taken_from(token, call.from);
            all.push(moved(token, call.from, Address::ZERO, Some(call.value)));
            all
        }
        SecurityCalls::recoverWallet(call) => recovered(token, by, call.lost, call.replacement),
        _ => Vec::new(),
    }
}

/// A transfer, of any value if none is known.
fn moved(token: Address, from: Address, to: Address, value: Option<U256>) -> Expected {
    Expected::fitting(token, move |event: &Transfer| {
        (event.from, event.to) == (from, to) && value.is_none_or(|value| event.value == value)
    })
}

/// What ends with tokens that are taken from a holder.
fn taken_from(token: Address, holder: Address) -> Vec<Expected> {
    vec![
        Expected::fitting(token, move |event: &TokensUnfrozen| event.account == holder),
        Expected::fitting(token, move |event: &TokensUnlocked| event.holder == holder),
        Expected::fitting(token, move |event: &VestingReduced| event.holder == holder),
        Expected::fitting(token, move |event: &HoldBroken| event.owner == holder),
    ]
}

/// What goes over from a lost wallet to its replacement.
fn recovered(token: Address, by: Address, lost: Address, replacement: Address) -> Vec<Expected> {
    let mut all = taken_from(token, lost);
    let frozen = AddressFrozen {
        account: lost,
        isFrozen: true,
        by,
    };
    all.extend([
        moved(token, lost, replacement, None),
        Expected::exactly(token, &frozen),
        Expected::fitting(token, move |event: &WalletRemoved| event.wallet == lost),
        Expected::fitting(token, move |event: &TokensLocked| {
            event.holder == replacement
        }),
        Expected::fitting(token, move |event: &TokensFrozen| {
            event.account == replacement
        }),
        Expected::fitting(token, move |event: &VestingMoved| {
            (event.from, event.to) == (lost, replacement)
        }),
    ]);
    all
}

fn of_coin(call: &CoinCalls, sent: &Sent) -> Vec<Expected> {
    let (coin, by) = (sent.contract, sent.sender);
    match call {
        CoinCalls::mint(call) => vec![moved(coin, Address::ZERO, call.to, Some(call.amount))],
        CoinCalls::mintWithReference(call) => {
            vec![moved(coin, Address::ZERO, call.to, Some(call.amount))]
        }
        CoinCalls::burn(call) => vec![moved(coin, by, Address::ZERO, Some(call.amount))],
        CoinCalls::burnWithReference(call) => {
            vec![moved(coin, by, Address::ZERO, Some(call.amount))]
        }
        CoinCalls::seize(call) => {
            let from = call.from;
            let mut all = vec![
                moved(coin, from, call.to, None),
                Expected::fitting(coin, move |event: &ITsUSDC::HoldBroken| event.owner == from),
            ];
            if call.to.is_zero() {
                let burned = move |event: &ITsUSDC::Burn| event.burner == from;
                all.push(Expected::fitting(coin, burned));
            }
            all
        }
        _ => Vec::new(),
    }
}
