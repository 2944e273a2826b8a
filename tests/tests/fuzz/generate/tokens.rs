//! Calls of the share classes and the coin that decide what settles.

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
    model::{Act, World, holds::Hold, ledger::Ledger, security::Security as SecurityModel},
};

use super::Generator;

/// Sets of groups, a bit each: one of both groups, each of them, one with no members, and one that is refused.
const CLASSES: [u64; 5] = [3 << 20, 1 << 20, 1 << 21, 1 << 40, 1];

impl Generator {
    /// Calls of a share class's issuer, compliance and enforcement, and of its holders.
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
        let (from, call) = match self.random.below(47) {
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
                let spender =
                    *self
                        .random
                        .pick(&[other, other, wallet, self.cast.settlement, Address::ZERO]);
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
                let kyc_expiry = if on { soon } else { self.opened + 3_650 * DAY };
                let group = if self.random.once_in(3) {
                    group
                } else {
                    security
                        .records
                        .get(&wallet)
                        .map_or(self.cast.home(wallet), |record| record.group)
                };
                (
                    officer,
                    self.set_wallet(security, wallet, group, kyc_expiry),
                )
            }
            25 | 26 => {
                let kyc_expiry = if on { soon } else { self.opened + 3_650 * DAY };
                let call = ISecurityToken::setInvestorCall {
                    investorId: self.cast.investor(wallet),
                    group,
                    country: *self.random.pick(&COUNTRIES),
                    kycExpiry: kyc_expiry,
                };
                (officer, Security::setInvestor(call))
            }
            27..=30 => {
                let (placer, owner, amount, id, until) = self.new_hold(
                    &security.ledger,
                    |owner| security.spendable(owner, world.now),
                    world.now,
                );
                let call = ISecurityToken::placeHoldCall {
                    id,
                    owner,
                    amount,
                    until,
                };
                (placer, Security::placeHold(call))
            }
            31 | 32 => {
                let (owner, hold) = self.old_hold(&security.holds.all());
                let amount = self.around(hold.amount);
                let call = ISecurityToken::useHoldCall {
                    id: hold.id,
                    owner,
                    to: other,
                    amount,
                };
                (hold.placer, Security::useHold(call))
            }
            33 => {
                let (owner, hold) = self.old_hold(&security.holds.all());
                let call = ISecurityToken::dropHoldCall { id: hold.id, owner };
                (hold.placer, Security::dropHold(call))
            }
            34 | 35 => {
                let call = ISecurityToken::mintLockedCall {
                    to: wallet,
                    amount: s(self.random.below(50)),
                    unlockAt: soon + u64::from(!self.random.once_in(10)),
                };
                (officer, Security::mintLocked(call))
            }
            36 => {
                let call = ISecurityToken::burnCall {
                    from: wallet,
                    value,
                    reason: B256::repeat_byte(7),
                };
                (officer, Security::burn(call))
            }
            37 => {
                let locks = security.locks.get(&wallet);
                let releaseTime = locks
                    .and_then(|locks| locks.last())
                    .map_or(soon, |lock| lock.release);
                let call = ISecurityToken::unlockTokensCall {
                    holder: wallet,
                    releaseTime,
                };
                (officer, Security::unlockTokens(call))
            }
            38 | 39 => {
                let call = ISecurityToken::setClassLimitCall {
                    groups: *self.random.pick(&CLASSES.map(U256::from)),
                    maxHolders: self.random.below(6).try_into().expect("fits"),
                };
                (officer, Security::setClassLimit(call))
            }
            40 => {
                let above = *self.random.pick(&[U256::ZERO, U256::from(1), s(20)]);
                let supplyCap = if on {
                    U256::ZERO
                } else {
                    security.ledger.supply + above
                };
                let call = ISecurityToken::setSupplyCapCall { supplyCap };
                (officer, Security::setSupplyCap(call))
            }
            44 | 45 => {
                let call = ISecurityToken::forcedTransferCall {
                    from: wallet,
                    to: other,
                    value,
                    reason: B256::repeat_byte(9),
                };
                (officer, Security::forcedTransfer(call))
            }
            46 => {
                let call = ISecurityToken::forcedBurnCall {
                    from: wallet,
                    value,
                    reason: B256::repeat_byte(9),
                };
                (officer, Security::forcedBurn(call))
            }
            41 | 42 if token == self.cast.shares[1] && self.random.once_in(4) => {
                let call = ISecurityToken::recoverWalletCall {
                    lost: wallet,
                    replacement: self.cast.sibling(wallet),
                    reason: B256::repeat_byte(8),
                };
                (officer, Security::recoverWallet(call))
            }
            // The second class is wound up late in a run.
            43 if token == self.cast.shares[1] && (!security.paused || self.is_late()) => (
                officer,
                Security::deactivate(ISecurityToken::deactivateCall {}),
            ),
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
            23 => (officer, self.vesting(wallet, world.now)),
            _ if self.random.once_in(4) => (officer, Security::pause(ISecurityToken::pauseCall {})),
            _ => (officer, Security::unpause(ISecurityToken::unpauseCall {})),
        };
        (from, Act::Security(token, call))
    }

    /// A record, in the country of the investor's other wallet.
    pub(super) fn set_wallet(
        &self,
        security: &SecurityModel,
        wallet: Address,
        group: u8,
        kyc_expiry: u64,
    ) -> Security {
        let sibling = security.records.get(&self.cast.sibling(wallet));
        let mut call = acceptance::market::wallet_record(
            wallet,
            self.cast.investor(wallet),
            group,
            kyc_expiry,
        );
        call.country = sibling.map_or(self.cast.country(wallet), |record| record.country);
        Security::setWallet(call)
    }

    /// Who places which hold of whose tokens: mostly one that is allowed.
    fn new_hold(
        &mut self,
        ledger: &Ledger,
        free: impl Fn(Address) -> U256,
        now: u64,
    ) -> (Address, Address, U256, B256, u64) {
        let allowed: Vec<_> = ledger
            .allowances
            .iter()
            .filter(|((_, spender), value)| **value > U256::ZERO && self.acts(*spender))
            .map(|((owner, spender), value)| (*owner, *spender, *value))
            .collect();
        let (owner, placer, allowance) = if allowed.is_empty() || self.random.once_in(10) {
            (self.person(), self.person(), s(1))
        } else {
            *self.random.pick(&allowed)
        };
        let there = free(owner).min(allowance);
        let amount = match self.random.below(8) {
            0 => there,
            1 => there + U256::from(1),
            2 => U256::ZERO,
            3 => U256::from(1),
            _ => there / U256::from(2 + self.random.below(12)),
        };
        let id = B256::from(U256::from(self.random.below(12)));
        let until = match self.random.below(12) {
            0 => now,
            1 => now + 7 * DAY + self.random.below(30),
            2 | 3 => now + 60 + self.random.below(7 * DAY - 60),
            _ => now + 20 + self.random.below(400),
        };
        (placer, owner, amount, id, until)
    }

    /// A hold, live or lapsed, of somebody who can act; now and then one that does not exist.
    fn old_hold(&mut self, all: &[(Address, Hold)]) -> (Address, Hold) {
        let mut known = all.to_vec();
        known.retain(|(_, hold)| self.acts(hold.placer));
        let placer = self.person();
        let none = Hold {
            placer,
            id: B256::from(U256::from(self.random.below(12))),
            amount: U256::from(5),
            until: 0,
        };
        if known.is_empty() || self.random.once_in(10) {
            return (self.person(), none);
        }
        let (owner, mut hold) = *self.random.pick(&known);
        if self.random.once_in(15) {
            hold.placer = placer;
        }
        (owner, hold)
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
            maxHolders: one_in(2, U256::from(4)).to(),
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
            revocable: below(4) > 0,
        })
    }

    /// Calls of the coin's officers and holders.
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
        let kind = if coin.blacklisted.is_empty() { 20 } else { 24 };
        let (from, call) = match self.random.below(kind) {
            14..=17 => {
                let (placer, owner, amount, id, until) =
                    self.new_hold(&coin.ledger, |owner| coin.free(owner, world.now), world.now);
                let call = ITsUSDC::placeHoldCall {
                    id,
                    owner,
                    amount,
                    until,
                };
                (placer, Coin::placeHold(call))
            }
            18 => {
                let (owner, hold) = self.old_hold(&coin.holds.all());
                let amount = self.around(hold.amount);
                let call = ITsUSDC::useHoldCall {
                    id: hold.id,
                    owner,
                    to,
                    amount,
                };
                (hold.placer, Coin::useHold(call))
            }
            19 => {
                let (owner, hold) = self.old_hold(&coin.holds.all());
                let call = ITsUSDC::dropHoldCall { id: hold.id, owner };
                (hold.placer, Coin::dropHold(call))
            }
            0..=3 => (wallet, Coin::transfer(ITsUSDC::transferCall { to, value })),
            4 => {
                let from = self.person();
                (
                    wallet,
                    Coin::transferFrom(ITsUSDC::transferFromCall { from, to, value }),
                )
            }
            5 => {
                let spender = *self.random.pick(&[to, wallet, self.cast.settlement]);
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
            12 | 20..=23 => {
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
