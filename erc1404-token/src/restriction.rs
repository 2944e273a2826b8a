//! The one rule function: whether tokens may move, and if not, the code of the first rule that forbids it.
//!
//! Both detect views, `transfer`, `transferFrom`, `mint` and `burn` ask [`restriction`], so that prediction and
//! enforcement cannot drift (invariant I4). It is pure: what a movement always needs comes as values, the rest is asked
//! of [`Facts`] only when a rule that is on needs it, because each fact is a storage word.

use alloy_primitives::{Address, U256};
use runtime::word::{is_zero, largest};

use super::{
    codes,
    fraction::is_multiple,
    word::{Record, Settings},
};

/// What moves: from a holder to another, out of nothing, or into nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `transfer` and `transferFrom`: every rule but the supply cap.
    Transfer,
    /// `mint` and `grantVesting`: the recipient's rules and the supply cap; there is no sender.
    Mint,
    /// `burn`: deactivation, pause and the sender's encumbrances; there is no recipient.
    Burn,
}

/// One side of a movement. The missing side of a mint or burn is the default value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Party {
    /// The wallet.
    pub(crate) wallet: Address,
    /// The wallet's record.
    pub(crate) record: Record,
    /// The wallet's balance before the movement.
    pub(crate) balance: U256,
    /// Sum of the balances of all wallets of the wallet's investor.
    pub(crate) holdings: U256,
    /// The group in which the investor counts as a holder.
    pub(crate) group: u8,
}

/// A movement to be judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Movement {
    /// What moves.
    pub(crate) kind: Kind,
    /// The token's settings.
    pub(crate) settings: Settings,
    /// The token's own address, which cannot receive.
    pub(crate) token: Address,
    /// Record of the spender; the default value when the sender spends its own, so that it is not judged twice.
    pub(crate) spender: Record,
    /// The sender.
    pub(crate) from: Party,
    /// The recipient.
    pub(crate) to: Party,
    /// Base units of the token.
    pub(crate) value: U256,
    /// Seconds since the epoch.
    pub(crate) now: u64,
}

/// Limits on sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Thresholds {
    /// Most one investor may hold after the movement (`U256::MAX`: no limit).
    pub(crate) cap: U256,
    /// Least that a wallet may hold, unless nothing (0: no limit).
    pub(crate) min_holding: U256,
    /// What a value must be a multiple of (0: no limit).
    pub(crate) granularity: U256,
}

impl Thresholds {
    /// No limits.
    pub(crate) fn none() -> Self {
        Self {
            cap: largest(),
            min_holding: U256::ZERO,
            granularity: U256::ZERO,
        }
    }
}

/// What a rule may have to know beyond the movement itself.
pub(crate) trait Facts {
    /// Second from which transfers between two groups are open; 0: closed.
    fn opens_at(&self, from_group: u8, to_group: u8) -> u64;
    /// Whether wallets of a country may neither send nor receive.
    fn is_country_blocked(&self, country: u16) -> bool;
    /// Tokens of a wallet that one of [`ENCUMBRANCES`](Record::ENCUMBRANCES) binds at `now`.
    fn encumbrance(&self, flag: u8, wallet: Address, now: u64) -> U256;
    /// The limits on sizes once the supply has grown by `minted`.
    fn thresholds(&self, minted: U256) -> Thresholds;
    /// Number of holders in a group, and their limit (0: none).
    fn group_holders(&self, group: u8) -> (u32, u32);
    /// Whether the supply cap, or the number range, leaves room for `minted` more tokens.
    fn has_room_for(&self, minted: U256) -> bool;
}

/// What a movement does to the number of holders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct HolderChange {
    /// The sender's investor is a holder no more.
    pub(crate) leaves: bool,
    /// The recipient's investor becomes a holder.
    pub(crate) joins: bool,
}

impl HolderChange {
    /// The change that moving `value` makes. Moving nothing, or between wallets of one investor, makes none.
    pub(crate) fn of(from: &Party, to: &Party, value: U256) -> Self {
        if value.is_zero() || from.record.investor == to.record.investor {
            return Self::default();
        }
        Self {
            leaves: !from.holdings.is_zero() && from.holdings <= value,
            joins: to.record.is_registered() && to.holdings.is_zero(),
        }
    }
}

/// The code of the first rule that forbids `movement`, or [`codes::SUCCESS`]. Never fails, whatever the values.
///
/// A value above the sender's balance is not a restriction: the balance is not judged here.
pub(crate) fn restriction(facts: &impl Facts, movement: &Movement) -> u8 {
    let Movement {
        kind, settings, to, ..
    } = movement;
    if *kind != Kind::Burn && (to.wallet.is_zero() || to.wallet == movement.token) {
        return codes::INVALID_RECIPIENT;
    }
    if settings.has(Settings::DEACTIVATED) {
        return codes::DEACTIVATED;
    }
    if settings.has(Settings::PAUSED) {
        return codes::TOKEN_PAUSED;
    }
    let mut code = codes::SUCCESS;
    if *kind != Kind::Burn {
        code = parties(facts, movement);
    }
    if code == codes::SUCCESS && *kind != Kind::Mint {
        code = encumbrance(facts, &movement.from, movement.value, movement.now);
    }
    if code == codes::SUCCESS && *kind != Kind::Burn {
        code = limits(facts, movement);
    }
    code
}

/// The rules on who takes part: sanctions, freezes, registration, KYC, countries, groups.
fn parties(facts: &impl Facts, movement: &Movement) -> u8 {
    let Movement {
        kind,
        settings,
        spender,
        from,
        to,
        now,
        ..
    } = movement;
    let (from, to) = (&from.record, &to.record);
    let transfer = *kind == Kind::Transfer;
    if (spender.flags | from.flags | to.flags) & Record::SANCTIONED != 0 {
        return codes::SANCTIONED;
    }
    if spender.has(Record::FROZEN) {
        return codes::SPENDER_FROZEN;
    }
    if from.has(Record::FROZEN) {
        return codes::SENDER_FROZEN;
    }
    if to.has(Record::FROZEN) {
        return codes::RECIPIENT_FROZEN;
    }
    if transfer && !from.is_registered() || !to.is_registered() {
        return codes::NOT_ALLOWED;
    }
    if transfer && from.kyc_expiry <= *now || to.kyc_expiry <= *now {
        return codes::KYC_EXPIRED;
    }
    let blocked = |country: u16| {
        settings.countries >> (country % 64) & 1 != 0 && facts.is_country_blocked(country)
    };
    if transfer && blocked(from.country) || blocked(to.country) {
        return codes::COUNTRY_BLOCKED;
    }
    if !transfer {
        return codes::SUCCESS;
    }
    match facts.opens_at(from.group, to.group) {
        0 => codes::NOT_ALLOWED,
        opens_at if opens_at > *now => codes::NOT_OPEN_YET,
        _ => codes::SUCCESS,
    }
}

/// The rules on what the sender may dispose of: the first of freeze, locks and vesting whose running total no longer
/// leaves `value`.
fn encumbrance(facts: &impl Facts, from: &Party, value: U256, now: u64) -> u8 {
    if !from.record.has(Record::ENCUMBERED) {
        return codes::SUCCESS;
    }
    let Some(mut room) = from.balance.checked_sub(value) else {
        return codes::SUCCESS;
    };
    for (flag, code) in Record::ENCUMBRANCES.into_iter().zip(codes::PARTLY_FROZEN..) {
        if !from.record.has(flag) || value.is_zero() {
            continue;
        }
        let amount = facts.encumbrance(flag, from.wallet, now);
        match room.checked_sub(amount) {
            Some(left) => room = left,
            None => return code,
        }
    }
    codes::SUCCESS
}

/// The rules on quantities: caps, holder counts, sizes, supply.
fn limits(facts: &impl Facts, movement: &Movement) -> u8 {
    let Movement {
        kind,
        settings,
        from,
        to,
        value,
        ..
    } = movement;
    let mint = *kind == Kind::Mint;
    let thresholds = if settings.has(Settings::LIMITED) {
        facts.thresholds(if mint { *value } else { U256::ZERO })
    } else {
        Thresholds::none()
    };
    let moves = !value.is_zero() && from.wallet != to.wallet;
    if moves && from.record.investor != to.record.investor {
        if to.holdings.saturating_add(*value) > thresholds.cap {
            return codes::INVESTOR_CAP;
        }
        let change = HolderChange::of(from, to, *value);
        if change.joins {
            let after = settings.holders.saturating_add(u32::from(!change.leaves));
            if settings.max_holders != 0 && after > settings.max_holders {
                return codes::HOLDER_CAP;
            }
            let (holders, limit) = facts.group_holders(to.group);
            let makes_room = change.leaves && from.group == to.group;
            if limit != 0 && holders.saturating_add(u32::from(!makes_room)) > limit {
                return codes::GROUP_HOLDER_CAP;
            }
        }
    }
    if !is_zero(&thresholds.granularity) && !is_multiple(*value, thresholds.granularity) {
        return codes::INVALID_SIZE;
    }
    let too_small = |left: U256| left < thresholds.min_holding;
    if moves {
        let left = from.balance.saturating_sub(*value);
        if !left.is_zero() && too_small(left) || too_small(to.balance.saturating_add(*value)) {
            return codes::INVALID_SIZE;
        }
    }
    if mint && !facts.has_room_for(*value) {
        return codes::SUPPLY_CAP;
    }
    codes::SUCCESS
}
