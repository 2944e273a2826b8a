//! Calls of the share classes and the coin that decide what settles.

use std::collections::BTreeMap;

use acceptance::{
    bindings::{
        ISecurityToken::{self, ISecurityTokenCalls as Security},
        ITsUSDC::{self, ITsUSDCCalls as Coin},
    },
    market::{DAY, s, usd},
};
use alloy::primitives::{Address, B256, U256};

use crate::{
    cast::{COUNTRIES, GROUPS},
    model::{Act, World},
};

use super::Generator;

impl Generator {
    /// Of a share class's issuer, compliance and enforcement, and of its holders.
    pub(super) fn security_act(&mut self, world: &World) -> (Address, Act) {
        let token = self.share();
        let security = &world.securities[&token];
        let wallet = *self.random.pick(&self.cast.investors);
        let other = *self.random.pick(&self.cast.investors);
        let balance = security.ledger.balance(wallet);
        let officer = self.entitled(self.cast.admin);
        let on = self.random.once_in(2);
        let soon = world.now + self.random.below(900);
        let group = *self.random.pick(&GROUPS);
        let value = self.around(balance);
        let (from, call) = match self.random.below(25) {
            0..=2 => (
                wallet,
                Security::transfer(ISecurityToken::transferCall { to: other, value }),
            ),
            3 => {
                let call = ISecurityToken::transferFromCall {
                    from: wallet,
                    to: other,
                    value,
                };
                (other, Security::transferFrom(call))
            }
            4 => {
                let spender = *self
                    .random
                    .pick(&[other, self.cast.settlement, Address::ZERO]);
                (
                    wallet,
                    Security::approve(ISecurityToken::approveCall { spender, value }),
                )
            }
            5 | 6 => {
                let call = ISecurityToken::setSanctionedCall {
                    accounts: vec![wallet],
                    sanctioned: on,
                };
                (officer, Security::setSanctioned(call))
            }
            7 | 8 => {
                let account = if self.random.once_in(5) {
                    self.cast.settlement
                } else {
                    wallet
                };
                let call = ISecurityToken::setAddressFrozenCall {
                    account,
                    frozen: on,
                };
                (officer, Security::setAddressFrozen(call))
            }
            9 | 10 => {
                let call = ISecurityToken::freezePartialTokensCall {
                    account: wallet,
                    amount: value,
                };
                (officer, Security::freezePartialTokens(call))
            }
            11 => {
                let call = ISecurityToken::unfreezePartialTokensCall {
                    account: wallet,
                    amount: value,
                };
                (officer, Security::unfreezePartialTokens(call))
            }
            12 | 13 => {
                let shared = [0, 2].map(|index| self.cast.investors[index]);
                let home = self.cast.home(wallet);
                // The wallets of one investor stay in one group.
                let group = if shared.contains(&wallet) {
                    home
                } else {
                    group
                };
                let kyc_expiry = if on { soon } else { self.opened + 3_650 * DAY };
                (officer, self.set_wallet(wallet, group, kyc_expiry))
            }
            14 => (
                officer,
                Security::removeWallet(ISecurityToken::removeWalletCall { wallet }),
            ),
            15 => {
                let opensAt = *self.random.pick(&[0, soon]);
                let toGroup = *self.random.pick(&GROUPS);
                let call = ISecurityToken::setGroupRuleCall {
                    fromGroup: group,
                    toGroup,
                    opensAt,
                };
                (officer, Security::setGroupRule(call))
            }
            16 => {
                let country = *self.random.pick(&COUNTRIES);
                let call = ISecurityToken::setCountryBlockedCall {
                    country,
                    blocked: on,
                };
                (officer, Security::setCountryBlocked(call))
            }
            17 | 18 => (officer, self.limits(security.ledger.supply)),
            19 => {
                let max_holders = u32::try_from(self.random.below(5)).expect("fits");
                let call = ISecurityToken::setGroupHolderLimitCall {
                    group,
                    maxHolders: max_holders,
                };
                (officer, Security::setGroupHolderLimit(call))
            }
            20 | 21 => {
                let live = security.locks.get(&wallet).map_or(0, BTreeMap::len);
                if live >= 16 {
                    return (
                        officer,
                        Act::Security(token, Security::mint(mint(wallet, value))),
                    );
                }
                let call = ISecurityToken::lockTokensCall {
                    holder: wallet,
                    amount: value + U256::from(1),
                    releaseTime: soon + u64::from(!self.random.once_in(10)),
                };
                (officer, Security::lockTokens(call))
            }
            22 => (
                officer,
                Security::mint(mint(wallet, s(self.random.below(100)))),
            ),
            23 => {
                if security
                    .vestings
                    .get(&wallet)
                    .is_some_and(|schedules| schedules.len() >= 8)
                {
                    return (
                        officer,
                        Act::Security(token, Security::mint(mint(wallet, value))),
                    );
                }
                (officer, self.vesting(wallet, world.now))
            }
            _ if self.random.once_in(4) => (officer, Security::pause(ISecurityToken::pauseCall {})),
            _ => (officer, Security::unpause(ISecurityToken::unpauseCall {})),
        };
        (from, Act::Security(token, call))
    }

    pub(super) fn set_wallet(&self, wallet: Address, group: u8, kyc_expiry: u64) -> Security {
        let country = COUNTRIES[usize::from(wallet[0]) % COUNTRIES.len()];
        let mut call = acceptance::market::wallet_record(
            wallet,
            self.cast.investor(wallet),
            group,
            kyc_expiry,
        );
        call.country = country;
        Security::setWallet(call)
    }

    fn limits(&mut self, supply: U256) -> Security {
        let mut one_in = |times: u64, value: U256| {
            if self.random.once_in(times) {
                value
            } else {
                U256::ZERO
            }
        };
        Security::setLimits(ISecurityToken::setLimitsCall {
            maxPerInvestor: one_in(2, supply / U256::from(4)),
            maxBipsPerInvestor: one_in(3, U256::from(2_500)).to(),
            maxHolders: one_in(2, U256::from(6)).to(),
            minHolding: one_in(3, s(1)),
            granularity: one_in(4, U256::from(1_000)),
        })
    }

    fn vesting(&mut self, holder: Address, now: u64) -> Security {
        let mut below = |bound: u64| u32::try_from(self.random.below(bound)).expect("fits");
        Security::grantVesting(ISecurityToken::grantVestingCall {
            holder,
            amount: s(u64::from(1 + below(50))) + U256::from(below(7)),
            start: now,
            cliff: below(600),
            period: 1 + below(120),
            periods: u16::try_from(below(7)).expect("fits"),
            firstBips: u16::try_from(below(2) * below(10_001)).expect("fits"),
            revocable: true,
        })
    }

    /// Of the coin's officers and holders.
    pub(super) fn coin_act(&mut self, world: &World) -> (Address, Act) {
        let coin = &world.coin;
        let wallet = *self.random.pick(&self.cast.investors);
        let to = match self.random.below(12) {
            0 => Address::ZERO,
            1 => self.cast.coin,
            2 => self.cast.settlement,
            _ => self.person(),
        };
        let value = self.around(coin.ledger.balance(wallet));
        let officer = self.entitled(self.cast.admin);
        let account = if self.random.once_in(6) {
            self.cast.settlement
        } else {
            self.person()
        };
        let kind = if coin.blacklisted.is_empty() { 14 } else { 18 };
        let (from, call) = match self.random.below(kind) {
            0..=3 => (wallet, Coin::transfer(ITsUSDC::transferCall { to, value })),
            4 => {
                let from = self.person();
                (
                    wallet,
                    Coin::transferFrom(ITsUSDC::transferFromCall { from, to, value }),
                )
            }
            5 => {
                let spender = *self.random.pick(&[to, self.cast.settlement]);
                (
                    wallet,
                    Coin::approve(ITsUSDC::approveCall { spender, value }),
                )
            }
            6..=8 => (officer, Coin::blacklist(ITsUSDC::blacklistCall { account })),
            9 => (
                officer,
                Coin::unBlacklist(ITsUSDC::unBlacklistCall { account }),
            ),
            10 => (officer, Coin::pause(ITsUSDC::pauseCall {})),
            11 => {
                let amount = usd(self.random.below(100));
                (officer, Coin::mint(ITsUSDC::mintCall { to, amount }))
            }
            12 | 14..=17 => {
                let call = ITsUSDC::seizeCall {
                    from: coin.blacklisted.first().copied().unwrap_or(wallet),
                    to: wallet,
                    orderReference: B256::from(U256::from(self.random.below(8))),
                };
                (officer, Coin::seize(call))
            }
            _ => {
                let delegator = self.cast.delegator();
                return (
                    delegator,
                    Act::Delegate(!world.code.contains_key(&delegator)),
                );
            }
        };
        (from, Act::Coin(call))
    }
}

fn mint(to: Address, value: U256) -> ISecurityToken::mintCall {
    ISecurityToken::mintCall { to, value }
}
