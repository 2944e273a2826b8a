//! What the new token lacks: the calls in order, and what prevents them; pure.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256, U256};

use super::need::Need;
use super::ratio::Ratio;
use super::standing::{Standing, standings, wanted};
use super::step::Step;
use crate::chain::abi::ISecurityToken::{
    burnCall, forcedBurnCall, freezePartialTokensCall, grantVestingCall, limitsReturn,
    lockTokensCall, mintBatchCall, mintLockedBatchCall, setAddressFrozenCall, setClassLimitCall,
    setCountryBlockedCall, setGroupHolderLimitCall, setGroupRuleCall, setLimitsCall,
    setSanctionedCall, setWalletsCall,
};
use crate::error::DeskError;
use crate::index::Register;
use crate::index::rules::Rules;
use crate::index::vesting::Schedule;
use crate::plan::BATCH;

/// A KYC check that ends sooner than this many seconds from now is replaced by a provisional one while holdings are
/// issued.
const SOON: u64 = 86_400;

/// A token as its events and views have it.
#[derive(Debug)]
pub struct Side {
    /// Who holds what.
    pub register: Register,
    /// Pairs of groups and countries.
    pub rules: Rules,
    /// Limits of holdings.
    pub limits: limitsReturn,
    /// Most base units there may be; 0: no cap.
    pub cap: U256,
}

/// How a token is moved.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Base units of the new token for the old one's.
    pub ratio: Ratio,
    /// Seconds since the epoch, by the chain.
    pub now: u64,
    /// Until when a provisional KYC check is valid, seconds since the epoch.
    pub provisional: u64,
    /// What is put on chain as the reason.
    pub reason: B256,
}

/// The part of a holding that is less than a base unit of the new token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fraction {
    /// The wallet.
    pub wallet: Address,
    /// Its investor's code.
    pub investor: B256,
    /// The number of parts of a base unit: see [`Ratio::parts`].
    pub left: U256,
}

/// What is to be done, and what prevents it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The calls.
    pub steps: Vec<Step>,
    /// Differences that no call can fix: if there are any, nothing is done.
    pub differs: Vec<String>,
    /// What is left over of holdings.
    pub fractions: Vec<Fraction>,
    /// Base units that there should be.
    pub supply: U256,
    /// Wallets that should be registered there.
    pub wallets: usize,
}

/// What all wallets need, by kind of call.
#[derive(Default)]
struct Needs {
    reduced: Vec<(Address, Schedule)>,
    /// The free part of these, and what force must take.
    redeem_first: Vec<(Address, U256)>,
    take: Vec<(Address, U256)>,
    grants: Vec<(Address, Schedule)>,
    redeem: Vec<(Address, U256)>,
    rounded: Vec<(Address, U256)>,
    locked: Vec<(Address, U256, u64)>,
    locks: Vec<(Address, U256, u64)>,
    mint: Vec<(Address, U256)>,
}

impl Plan {
    /// Compares two tokens.
    ///
    /// # Errors
    /// `Overflow`.
    pub fn of(old: &Side, new: &Side, terms: &Terms) -> Result<Self, DeskError> {
        let wanted = wanted(&old.register, &terms.ratio, terms.now)?;
        let has = standings(&new.register, terms.now);
        let mut plan = Self {
            supply: sum(wanted.values().map(|one| one.balance))?,
            wallets: wanted.values().filter(|one| one.is_registered()).count(),
            ..Self::default()
        };
        plan.fractions(old, terms)?;
        let needs = plan.needs(&wanted, &has, terms.now);
        plan.stopped_before(&wanted, &has, &needs);
        plan.registrations(&wanted, &has, &needs, terms);
        let moves = plan.steps.len() + needs.count();
        plan.holdings(&needs, terms.reason);
        if moves > 0 {
            plan.unused(new);
        }
        plan.statuses(&wanted, &has);
        plan.expiries(&wanted, &has);
        plan.rules(old, new, terms);
        if !new.cap.is_zero() && plan.supply > new.cap {
            plan.differs.push(format!(
                "the supply would be {} base units, but the new token's cap is {}: raise it first",
                plan.supply, new.cap
            ));
        }
        Ok(plan)
    }

    /// Whether both tokens agree on everything.
    pub fn is_done(&self) -> bool {
        self.steps.is_empty() && self.differs.is_empty()
    }

    fn fractions(&mut self, old: &Side, terms: &Terms) -> Result<(), DeskError> {
        for (address, wallet) in old.register.holders() {
            let split = terms.ratio.split(wallet.balance);
            let (_, left) = split.ok_or(DeskError::Overflow)?;
            if !left.is_zero() {
                self.fractions.push(Fraction {
                    wallet: address,
                    investor: wallet.investor,
                    left,
                });
            }
        }
        Ok(())
    }

    /// What each wallet needs; those whose needs cannot be met are reported.
    fn needs(
        &mut self,
        wanted: &BTreeMap<Address, Standing>,
        has: &BTreeMap<Address, Standing>,
        now: u64,
    ) -> Needs {
        let (mut needs, nothing) = (Needs::default(), Standing::default());
        let all: BTreeSet<Address> = wanted.keys().chain(has.keys()).copied().collect();
        for wallet in all {
            let wanted = wanted.get(&wallet).unwrap_or(&nothing);
            let has = has.get(&wallet).unwrap_or(&nothing);
            let mut differs = |why: String| self.differs.push(format!("{wallet}: {why}"));
            match Need::of(wanted, has, now) {
                Ok(need) => needs.add(wallet, need),
                Err(why) => differs(why),
            }
            if let Some(why) = beyond(wanted, has) {
                differs(why);
            }
        }
        needs
    }

    /// A wallet that is already sanctioned or frozen at the new token is neither registered nor issued anything there.
    fn stopped_before(
        &mut self,
        wanted: &BTreeMap<Address, Standing>,
        has: &BTreeMap<Address, Standing>,
        needs: &Needs,
    ) {
        let receiving = needs.receiving();
        for (wallet, has) in has {
            let wanted = wanted.get(wallet);
            let enters = !has.is_registered() && wanted.is_some_and(Standing::is_registered);
            if !enters && !receiving.contains(wallet) {
                continue;
            }
            for (is_set, what) in [(has.sanctioned, "sanctioned"), (has.frozen, "frozen")] {
                if is_set {
                    self.differs.push(format!(
                        "{wallet}: it is {what} at the new token before all of its holding is there: lift that there, and the \
                         migration sets it again"
                    ));
                }
            }
        }
    }

    /// Registers those who are not registered, and those whose check would end before they have received.
    fn registrations(
        &mut self,
        wanted: &BTreeMap<Address, Standing>,
        has: &BTreeMap<Address, Standing>,
        needs: &Needs,
        terms: &Terms,
    ) {
        let receiving = needs.receiving();
        let ends = terms.now.saturating_add(SOON);
        let nothing = Standing::default();
        let registered = wanted.iter().filter(|(_, one)| one.is_registered());
        let rows = registered.filter_map(|(wallet, wanted)| {
            let has = has.get(wallet).unwrap_or(&nothing);
            let lapsed = has.kyc_expiry <= ends && receiving.contains(wallet);
            if has.is_registered() && !lapsed {
                return None;
            }
            let expiry = if wanted.kyc_expiry > ends {
                wanted.kyc_expiry
            } else {
                terms.provisional
            };
            Some((*wallet, wanted, expiry))
        });
        let rows: Vec<_> = rows.collect();
        let calls = rows.chunks(BATCH).map(set_wallets).map(Step::Register);
        self.steps.extend(calls);
    }

    fn holdings(&mut self, needs: &Needs, reason: B256) {
        let grant = |(holder, schedule): &(Address, Schedule)| {
            Step::Grant(grantVestingCall {
                holder: *holder,
                amount: schedule.amount,
                start: schedule.start,
                cliff: schedule.cliff,
                period: schedule.period,
                periods: schedule.periods,
                firstBips: schedule.first_bips,
                revocable: schedule.revocable,
            })
        };
        let redeem = |(from, value): &(Address, U256)| {
            Step::Redeem(burnCall {
                from: *from,
                value: *value,
                reason,
            })
        };
        let take = |(from, value): &(Address, U256)| {
            Step::Reduce(forcedBurnCall {
                from: *from,
                value: *value,
                reason,
            })
        };
        let steps = &mut self.steps;
        steps.extend(needs.reduced.iter().map(grant));
        steps.extend(needs.redeem_first.iter().map(redeem));
        steps.extend(needs.take.iter().map(take));
        steps.extend(needs.grants.iter().map(grant));
        steps.extend(needs.redeem.iter().map(redeem));
        steps.extend(needs.rounded.iter().map(take));
        steps.extend(needs.locked.chunks(BATCH).map(|rows| {
            Step::MintLocked(mintLockedBatchCall {
                to: rows.iter().map(|(to, ..)| *to).collect(),
                amounts: rows.iter().map(|(_, amount, _)| *amount).collect(),
                unlockAts: rows.iter().map(|(.., release)| *release).collect(),
            })
        }));
        steps.extend(needs.locks.iter().map(|(holder, amount, release)| {
            Step::Lock(lockTokensCall {
                holder: *holder,
                amount: *amount,
                releaseTime: *release,
            })
        }));
        steps.extend(needs.mint.chunks(BATCH).map(|rows| {
            Step::Mint(mintBatchCall {
                to: rows.iter().map(|(to, _)| *to).collect(),
                values: rows.iter().map(|(_, value)| *value).collect(),
            })
        }));
    }

    /// Nothing may move at the new token, and no limit may be in the way, until every holding is there.
    fn unused(&mut self, new: &Side) {
        if let Some((from, to)) = new.rules.pairs.keys().next() {
            self.differs.push(format!(
                "not all holdings are there yet, but the new token is open from group {from} to group {to}: close it until \
                 they are"
            ));
        }
        let limits = &new.limits;
        let amounts = [limits.maxPerInvestor, limits.minHolding, limits.granularity];
        let of_register = &new.register.limits;
        let is_limited = amounts.iter().any(|amount| !amount.is_zero())
            || limits.maxBipsPerInvestor != 0
            || limits.maxHolders != 0
            || !of_register.groups.is_empty()
            || !of_register.classes.is_empty();
        if is_limited || !new.rules.blocked.is_empty() {
            self.differs.push(
                "not all holdings are there yet, but the new token has limits or blocked countries: remove them until \
                 they are"
                    .into(),
            );
        }
    }

    /// Sanctions and freezes, one wallet of each investor, and frozen parts.
    fn statuses(
        &mut self,
        wanted: &BTreeMap<Address, Standing>,
        has: &BTreeMap<Address, Standing>,
    ) {
        let nothing = Standing::default();
        let of = |wallet: &Address| has.get(wallet).unwrap_or(&nothing);
        let sanctioned = wanted
            .iter()
            .filter(|(wallet, one)| one.sanctioned && !of(wallet).sanctioned);
        let sanctioned = one_of_each(sanctioned);
        self.steps.extend(sanctioned.chunks(BATCH).map(|accounts| {
            Step::Sanction(setSanctionedCall {
                accounts: accounts.to_vec(),
                sanctioned: true,
            })
        }));
        let frozen = wanted
            .iter()
            .filter(|(wallet, one)| one.frozen && !of(wallet).frozen);
        for account in one_of_each(frozen) {
            let frozen = true;
            let call = setAddressFrozenCall { account, frozen };
            self.steps.push(Step::Freeze(call));
        }
        for (account, wanted) in wanted {
            let missing = wanted.frozen_tokens.checked_sub(of(account).frozen_tokens);
            if let Some(amount) = missing.filter(|amount| !amount.is_zero()) {
                let account = *account;
                let call = freezePartialTokensCall { account, amount };
                self.steps.push(Step::FreezePart(call));
            }
        }
    }

    /// The true KYC expiries, one wallet of each investor: it is set in all of them.
    fn expiries(
        &mut self,
        wanted: &BTreeMap<Address, Standing>,
        has: &BTreeMap<Address, Standing>,
    ) {
        // What is registered now, or will be by an earlier step.
        let mut expiry: BTreeMap<Address, u64> = has
            .iter()
            .filter(|(_, one)| one.is_registered())
            .map(|(wallet, one)| (*wallet, one.kyc_expiry))
            .collect();
        for step in &self.steps {
            if let Step::Register(call) = step {
                expiry.extend(
                    call.wallets
                        .iter()
                        .copied()
                        .zip(call.kycExpiries.iter().copied()),
                );
            }
        }
        let differs = wanted.iter().filter(|(wallet, one)| {
            one.is_registered() && expiry.get(*wallet) != Some(&one.kyc_expiry)
        });
        let rows: Vec<_> = one_of_each(differs)
            .into_iter()
            .filter_map(|wallet| Some((wallet, wanted.get(&wallet)?)))
            .map(|(wallet, one)| (wallet, one, one.kyc_expiry))
            .collect();
        let calls = rows.chunks(BATCH).map(set_wallets).map(Step::Kyc);
        self.steps.extend(calls);
    }

    /// Countries, limits, and last the pairs of groups.
    fn rules(&mut self, old: &Side, new: &Side, terms: &Terms) {
        for country in old.rules.blocked.symmetric_difference(&new.rules.blocked) {
            let blocked = old.rules.blocked.contains(country);
            let country = *country;
            let call = setCountryBlockedCall { country, blocked };
            self.steps.push(Step::Country(call));
        }
        let (from, to) = (&old.register.limits, &new.register.limits);
        for (group, most) in changed(&from.groups, &to.groups) {
            let call = setGroupHolderLimitCall {
                group,
                maxHolders: most.unwrap_or_default(),
            };
            self.steps.push(Step::GroupLimit(call));
        }
        for (groups, most) in changed(&from.classes, &to.classes) {
            let call = setClassLimitCall {
                groups,
                maxHolders: most.unwrap_or_default(),
            };
            self.steps.push(Step::ClassLimit(call));
        }
        match limits(&old.limits, &terms.ratio) {
            Ok(call) if call != limits_set(&new.limits) => self.steps.push(Step::Limits(call)),
            Ok(_) => {}
            Err(why) => self.differs.push(why),
        }
        for ((from, to), opens) in changed(&old.rules.pairs, &new.rules.pairs) {
            let call = setGroupRuleCall {
                fromGroup: from,
                toGroup: to,
                opensAt: opens.unwrap_or_default(),
            };
            self.steps.push(Step::Pair(call));
        }
    }
}

impl Needs {
    fn add(&mut self, wallet: Address, need: Need) {
        let put = |list: &mut Vec<(Address, U256)>, value: U256| {
            if !value.is_zero() {
                list.push((wallet, value));
            }
        };
        if let Some(reduced) = need.reduced {
            let grant = reduced.grant.map(|schedule| (wallet, schedule));
            self.reduced.extend(grant);
            put(&mut self.redeem_first, reduced.redeem);
            put(&mut self.take, reduced.take);
        }
        put(&mut self.redeem, need.redeem);
        put(&mut self.rounded, need.rounded);
        put(&mut self.mint, need.mint);
        let grants = need.grants.into_iter();
        self.grants
            .extend(grants.map(|schedule| (wallet, schedule)));
        let row = |(release, amount)| (wallet, amount, release);
        self.locked.extend(need.locked.into_iter().map(row));
        self.locks.extend(need.locks.into_iter().map(row));
    }

    /// Wallets to which something is issued, or from which something is redeemed.
    fn receiving(&self) -> BTreeSet<Address> {
        let grants = self
            .reduced
            .iter()
            .chain(&self.grants)
            .map(|(wallet, _)| *wallet);
        let amounts = [&self.redeem_first, &self.redeem, &self.mint];
        let amounts = amounts.into_iter().flatten().map(|(wallet, _)| *wallet);
        let locked = self.locked.iter().map(|(wallet, ..)| *wallet);
        grants.chain(amounts).chain(locked).collect()
    }

    fn count(&self) -> usize {
        let amounts = [
            &self.redeem_first,
            &self.take,
            &self.redeem,
            &self.rounded,
            &self.mint,
        ];
        let amounts: usize = amounts.iter().map(|list| list.len()).sum();
        let schedules = self.reduced.len() + self.grants.len();
        amounts + schedules + self.locked.len() + self.locks.len()
    }
}

/// What a wallet is at the new token beyond what it should be.
fn beyond(wanted: &Standing, has: &Standing) -> Option<String> {
    let person = |one: &Standing| (one.investor, one.group, one.country);
    let why = if has.is_registered() && !wanted.is_registered() {
        "it is registered at the new token and not at the old one"
    } else if has.is_registered() && person(has) != person(wanted) {
        "it is registered at the new token for another investor, group or country"
    } else if has.sanctioned && !wanted.sanctioned {
        "it is sanctioned at the new token and not at the old one"
    } else if has.frozen && !wanted.frozen {
        "it is frozen at the new token and not at the old one"
    } else if has.frozen_tokens > wanted.frozen_tokens {
        "it has more frozen at the new token than at the old one"
    } else {
        return None;
    };
    Some(why.into())
}

fn set_wallets(rows: &[(Address, &Standing, u64)]) -> setWalletsCall {
    setWalletsCall {
        wallets: rows.iter().map(|(wallet, ..)| *wallet).collect(),
        investorIds: rows.iter().map(|(_, one, _)| one.investor).collect(),
        groups: rows.iter().map(|(_, one, _)| one.group).collect(),
        countries: rows.iter().map(|(_, one, _)| one.country).collect(),
        kycExpiries: rows.iter().map(|(.., expiry)| *expiry).collect(),
    }
}

/// One wallet of each investor, and every wallet without an investor.
fn one_of_each<'a>(wallets: impl Iterator<Item = (&'a Address, &'a Standing)>) -> Vec<Address> {
    let mut seen = BTreeSet::new();
    wallets
        .filter(|(_, one)| !one.is_registered() || seen.insert(one.investor))
        .map(|(wallet, _)| *wallet)
        .collect()
}

/// Keys for which two maps differ, with what the first one says.
fn changed<K: Copy + Ord, V: Copy + PartialEq>(
    wanted: &BTreeMap<K, V>,
    has: &BTreeMap<K, V>,
) -> Vec<(K, Option<V>)> {
    let keys: BTreeSet<K> = wanted.keys().chain(has.keys()).copied().collect();
    keys.into_iter()
        .filter(|key| wanted.get(key) != has.get(key))
        .map(|key| (key, wanted.get(&key).copied()))
        .collect()
}

/// The limits in the new token's base units: maximums are rounded down, minimums up.
fn limits(old: &limitsReturn, ratio: &Ratio) -> Result<setLimitsCall, String> {
    let words = |what: &str| {
        format!(
            "the {what} of the old token is not a whole number of base units of the new one: change it there first"
        )
    };
    let most = ratio
        .whole(old.maxPerInvestor)
        .ok_or_else(|| words("maximum for one investor"))?;
    let (least, left) = ratio
        .split(old.minHolding)
        .ok_or_else(|| words("minimum holding"))?;
    Ok(setLimitsCall {
        maxPerInvestor: most,
        maxBipsPerInvestor: old.maxBipsPerInvestor,
        maxHolders: old.maxHolders,
        minHolding: least + U256::from(u8::from(!left.is_zero())),
        granularity: ratio
            .exact(old.granularity)
            .ok_or_else(|| words("granularity"))?,
    })
}

fn limits_set(limits: &limitsReturn) -> setLimitsCall {
    setLimitsCall {
        maxPerInvestor: limits.maxPerInvestor,
        maxBipsPerInvestor: limits.maxBipsPerInvestor,
        maxHolders: limits.maxHolders,
        minHolding: limits.minHolding,
        granularity: limits.granularity,
    }
}

fn sum(mut amounts: impl Iterator<Item = U256>) -> Result<U256, DeskError> {
    amounts
        .try_fold(U256::ZERO, U256::checked_add)
        .ok_or(DeskError::Overflow)
}
