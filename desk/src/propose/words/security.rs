//! Acts on a security in words.

use alloy::primitives::{Address, U256};
use book::market::amount::{date, time};
use book::market::count::counted;
use book::market::literal::time::spelled;

use super::{NONE, Writer, at_most, called, reason};
use crate::cap_table::investor_code;
use crate::chain::abi::ISecurityToken::{ISecurityTokenCalls as SecurityCalls, setWalletsCall};
use crate::chain::abi::named_groups;

impl Writer<'_> {
    pub(super) fn security(&self, call: &SecurityCalls) -> Vec<String> {
        let symbol = called(self.target);
        let line = match call {
            SecurityCalls::setWallets(call) => return self.registered(&symbol, call),
            SecurityCalls::setSanctioned(call) => {
                let verb = if call.sanctioned {
                    "put on"
                } else {
                    "taken off"
                };
                let head =
                    format!("the investors of these wallets {verb} the sanctions list of {symbol}");
                return self.listed(head, &call.accounts);
            }
            SecurityCalls::mintBatch(call) => {
                let sum = call
                    .values
                    .iter()
                    .try_fold(U256::ZERO, |sum, value| sum.checked_add(*value));
                let sum = sum.map_or_else(|| "more than can exist".into(), |sum| self.tokens(sum));
                let rows = call.to.iter().zip(&call.values);
                let rows =
                    rows.map(|(to, value)| format!("{} to {}", self.tokens(*value), self.who(*to)));
                return std::iter::once(format!(
                    "{sum} issued to {}",
                    counted(call.to.len(), "wallet")
                ))
                .chain(rows)
                .collect();
            }
            SecurityCalls::mintLockedBatch(call) => {
                let head = format!(
                    "{symbol} issued to {}, locked up",
                    counted(call.to.len(), "wallet")
                );
                let row = |at: usize, to: Address| {
                    let amount = call.amounts.get(at).map(|amount| self.tokens(*amount));
                    let until = call.unlockAts.get(at).map(|until| time(*until));
                    match (amount, until) {
                        (Some(amount), Some(until)) => {
                            format!("{amount} to {} until {until}", self.who(to))
                        }
                        _ => "nothing: the call's lists are of different lengths".into(),
                    }
                };
                let rows = call.to.iter().enumerate().map(|(at, to)| row(at, *to));
                return std::iter::once(head).chain(rows).collect();
            }
            SecurityCalls::setInvestor(call) => format!(
                "{symbol}: every wallet of investor {} in {}",
                investor_code(call.investorId),
                person(call.group, call.country, call.kycExpiry)
            ),
            SecurityCalls::removeWallet(call) => {
                format!(
                    "{symbol}: {} removed from the registry",
                    self.who(call.wallet)
                )
            }
            SecurityCalls::setSupplyCap(call) => {
                let cap = at_most(call.supplyCap, &self.tokens(call.supplyCap));
                format!("{symbol}: supply cap: {cap}")
            }
            SecurityCalls::mint(call) => {
                format!(
                    "{} issued to {}",
                    self.tokens(call.value),
                    self.who(call.to)
                )
            }
            SecurityCalls::mintLocked(call) => format!(
                "{} issued to {}, locked up until {}",
                self.tokens(call.amount),
                self.who(call.to),
                time(call.unlockAt)
            ),
            SecurityCalls::burn(call) => format!(
                "{} redeemed from {}, reason {}",
                self.tokens(call.value),
                self.who(call.from),
                reason(call.reason)
            ),
            SecurityCalls::pause(_) => format!("{symbol} is paused"),
            SecurityCalls::unpause(_) => format!("{symbol} is no longer paused"),
            SecurityCalls::deactivate(_) => {
                format!("{symbol} is deactivated for ever: none of it can ever move again")
            }
            other => self
                .rules(&symbol, other)
                .unwrap_or_else(|| self.holding(&symbol, other)),
        };
        vec![line]
    }

    fn registered(&self, symbol: &str, call: &setWalletsCall) -> Vec<String> {
        let head = format!(
            "{} registered for {symbol}",
            counted(call.wallets.len(), "wallet")
        );
        let row = |at: usize, wallet: Address| {
            let (investor, group) = (call.investorIds.get(at), call.groups.get(at));
            let (country, kyc) = (call.countries.get(at), call.kycExpiries.get(at));
            let person = match (group, country, kyc) {
                (Some(group), Some(country), Some(kyc)) => person(*group, *country, *kyc),
                _ => "nothing: the call's lists are of different lengths".into(),
            };
            let investor = investor.map_or_else(String::new, |id| investor_code(*id));
            format!("{} of investor {investor} in {person}", self.who(wallet))
        };
        let rows = call.wallets.iter().enumerate();
        let rows = rows.map(|(at, wallet)| row(at, *wallet));
        std::iter::once(head).chain(rows).collect()
    }

    pub(super) fn listed(&self, head: String, accounts: &[Address]) -> Vec<String> {
        let rows = accounts.iter().map(|account| self.who(*account));
        std::iter::once(head).chain(rows).collect()
    }

    /// What the compliance officer's rules become.
    fn rules(&self, symbol: &str, call: &SecurityCalls) -> Option<String> {
        Some(match call {
            SecurityCalls::setGroupRule(call) => {
                let state = match call.opensAt {
                    0 => "closed".to_string(),
                    1 => "open".to_string(),
                    at => format!("open from {}", time(at)),
                };
                let (from, to) = (call.fromGroup, call.toGroup);
                format!("{symbol}: transfers from group {from} to group {to} are {state}")
            }
            SecurityCalls::setCountryBlocked(call) => {
                let state = if call.blocked {
                    "blocked"
                } else {
                    "open again"
                };
                format!("{symbol}: country {:03} is {state}", call.country)
            }
            SecurityCalls::setLimits(call) => {
                let share = match call.maxBipsPerInvestor {
                    0 => "no limit".to_string(),
                    bips => format!("{}.{:02} % at most", bips / 100, bips % 100),
                };
                format!(
                    "{symbol}: holding of one investor: {}; its share of the supply: {share}; investors: {}; a wallet \
                     holds at least {} or nothing; transfers in multiples of {}",
                    at_most(call.maxPerInvestor, &self.tokens(call.maxPerInvestor)),
                    self.count(call.maxHolders),
                    self.tokens(call.minHolding),
                    self.tokens(call.granularity)
                )
            }
            SecurityCalls::setGroupHolderLimit(call) => {
                let most = self.count(call.maxHolders);
                format!("{symbol}: holders of group {}: {most}", call.group)
            }
            SecurityCalls::setClassLimit(call) => {
                let (names, most) = (named_groups(call.groups), self.count(call.maxHolders));
                format!("{symbol}: holders of groups {names} together: {most}")
            }
            _ => return None,
        })
    }

    /// What becomes of one holding.
    fn holding(&self, symbol: &str, call: &SecurityCalls) -> String {
        match call {
            SecurityCalls::lockTokens(call) => format!(
                "{} locked up for {} until {}",
                self.tokens(call.amount),
                self.who(call.holder),
                time(call.releaseTime)
            ),
            SecurityCalls::unlockTokens(call) => format!(
                "{symbol}: the lock-up of {} until {} is released",
                self.who(call.holder),
                time(call.releaseTime)
            ),
            SecurityCalls::grantVesting(call) => format!(
                "{} granted to {}, vesting from {}: after {} {}, then {} steps of {}, {}",
                self.tokens(call.amount),
                self.who(call.holder),
                time(call.start),
                spelled(call.cliff.into()),
                match call.firstBips {
                    0 => "an equal share".to_string(),
                    bips => format!("{}.{:02} %", bips / 100, bips % 100),
                },
                call.periods,
                spelled(call.period.into()),
                if call.revocable {
                    "revocable"
                } else {
                    "not revocable"
                }
            ),
            SecurityCalls::revokeVesting(call) => format!(
                "{symbol}: schedule {} of {} revoked, the unvested tokens go to {}",
                call.index,
                self.who(call.holder),
                self.who(call.to)
            ),
            SecurityCalls::setAddressFrozen(call) => {
                let state = if call.frozen { "frozen" } else { "unfrozen" };
                let who = self.who(call.account);
                format!("{symbol}: the investor of {who} is {state} in all wallets")
            }
            SecurityCalls::freezePartialTokens(call) => {
                format!(
                    "{} of {} are frozen",
                    self.tokens(call.amount),
                    self.who(call.account)
                )
            }
            SecurityCalls::unfreezePartialTokens(call) => {
                format!(
                    "{} of {} are unfrozen",
                    self.tokens(call.amount),
                    self.who(call.account)
                )
            }
            SecurityCalls::forcedTransfer(call) => format!(
                "{} forcibly transferred from {} to {}, reason {}",
                self.tokens(call.value),
                self.who(call.from),
                self.who(call.to),
                reason(call.reason)
            ),
            SecurityCalls::forcedBurn(call) => format!(
                "{} of {} forcibly burned, reason {}",
                self.tokens(call.value),
                self.who(call.from),
                reason(call.reason)
            ),
            SecurityCalls::recoverWallet(call) => format!(
                "{symbol}: {} replaces {} and takes over all it holds, reason {}",
                self.who(call.replacement),
                self.who(call.lost),
                reason(call.reason)
            ),
            _ => NONE.into(),
        }
    }
}

fn person(group: u8, country: u16, kyc: u64) -> String {
    format!(
        "group {group}, country {country:03}, KYC until {}",
        date(kyc)
    )
}
