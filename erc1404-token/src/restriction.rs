//! The one rule function: whether tokens may move, and if not, the code of the first rule that forbids it.
//!
//! Every view that predicts and every function that moves or holds tokens, forced acts apart, asks [`restriction`], so
//! that prediction and enforcement cannot drift (invariant I4). It is pure: what a movement always needs comes as values,
//! the rest is asked of [`Facts`] only when a rule that is on needs it, because each fact is a storage word.

use alloy_primitives::{Address, U256};
use runtime::word::{is_zero, largest};

use super::{
    codes,
    fraction::is_multiple,
    word::{Record, Settings, places},
};

/// What moves: from a holder to another, out of nothing, or into nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `transfer` and `transferFrom`: every rule but the supply cap.
    Transfer,
    /// `mint` and `grantVesting`: the recipient's rules and the supply cap; there is no sender.
    Mint,
    /// `burn`: deactivation, pause, sanction, freeze and the sender's encumbrances; there is no recipient.
    Burn,
    /// `placeHold`: the rules for spender and sender, and a size that can be sent to an empty wallet later.
    Hold,
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
    /// What of the balance is bound.
    pub(crate) bound: Bound,
    /// Whether the record is not the stored one any more: ended places are left out of that of a sender.
    pub(crate) changed: bool,
}

impl Party {
    /// What of the balance no hold binds: minimum holdings are judged on it.
    fn unheld(&self) -> U256 {
        self.balance.saturating_sub(self.bound.held)
    }
}

/// What of a balance is bound. The parts may overlap and exceed it. Of a recipient only `held` is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bound {
    /// Partly frozen.
    pub(crate) frozen: U256,
    /// Locked up.
    pub(crate) locked: U256,
    /// Not vested.
    pub(crate) unvested: U256,
    /// Held for matched trades.
    pub(crate) held: U256,
}

impl Bound {
    /// Each part with the code of what it forbids, in the order in which they are judged.
    pub(crate) fn parts(&self) -> [(U256, u8); 4] {
        [
            (self.frozen, codes::PARTLY_FROZEN),
            (self.locked, codes::LOCKED),
            (self.unvested, codes::NOT_VESTED),
            (self.held, codes::HELD),
        ]
    }
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

impl Movement {
    /// Whether there is a sender whose registration counts.
    fn sends(&self) -> bool {
        matches!(self.kind, Kind::Transfer | Kind::Hold)
    }

    /// Whether there is a recipient.
    fn receives(&self) -> bool {
        matches!(self.kind, Kind::Transfer | Kind::Mint)
    }
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

/// Holders in a group or a class of groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Holders {
    /// How many there are.
    pub(crate) count: u32,
    /// How many there may be (0: no limit).
    pub(crate) limit: u32,
    /// Of a group: the classes it belongs to, a bit for the place of each.
    pub(crate) classes: u8,
}

impl Holders {
    /// Whether one more is too many.
    fn is_full(&self) -> bool {
        self.limit != 0 && self.count >= self.limit
    }
}

/// What a rule may have to know beyond the movement itself.
pub(crate) trait Facts {
    /// Second from which transfers between two groups are open; 0: closed.
    fn opens_at(&self, from_group: u8, to_group: u8) -> u64;
    /// Whether wallets of a country may neither send nor receive.
    fn is_country_blocked(&self, country: u16) -> bool;
    /// The limits on sizes. The cap on a mint is the absolute one: a share of the supply cannot bind what creates it.
    fn thresholds(&self, mint: bool) -> Thresholds;
    /// The holders in a group.
    fn group(&self, group: u8) -> Holders;
    /// The holders in a class of groups; its limit is never 0.
    fn class(&self, place: usize) -> Holders;
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
        settings, to, from, ..
    } = movement;
    if movement.receives() && (to.wallet.is_zero() || to.wallet == movement.token) {
        return codes::INVALID_RECIPIENT;
    }
    if settings.has(Settings::DEACTIVATED) {
        return codes::DEACTIVATED;
    }
    if settings.has(Settings::PAUSED) {
        return codes::TOKEN_PAUSED;
    }
    let mut code = parties(facts, movement);
    if code == codes::SUCCESS {
        code = encumbrance(from, movement.value);
    }
    if code == codes::SUCCESS && movement.kind != Kind::Burn {
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
    // The record of a side that is missing has no flags.
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
    let (sends, receives) = (movement.sends(), movement.receives());
    if sends && !from.is_registered() || receives && !to.is_registered() {
        return codes::NOT_ALLOWED;
    }
    if sends && from.kyc_expiry <= *now || receives && to.kyc_expiry <= *now {
        return codes::KYC_EXPIRED;
    }
    let blocked = |country: u16| {
        settings.countries >> (country % 64) & 1 != 0 && facts.is_country_blocked(country)
    };
    if sends && blocked(from.country) || receives && blocked(to.country) {
        return codes::COUNTRY_BLOCKED;
    }
    if *kind != Kind::Transfer || from.investor == to.investor {
        return codes::SUCCESS;
    }
    match facts.opens_at(from.group, to.group) {
        0 => codes::NOT_ALLOWED,
        opens_at if opens_at > *now => codes::NOT_OPEN_YET,
        _ => codes::SUCCESS,
    }
}

/// The rules on what the sender may dispose of: the first of freeze, locks, vesting and holds whose running total no
/// longer leaves `value`.
fn encumbrance(from: &Party, value: U256) -> u8 {
    let Some(mut room) = from.balance.checked_sub(value) else {
        return codes::SUCCESS;
    };
    if is_zero(&value) {
        return codes::SUCCESS;
    }
    for (amount, code) in from.bound.parts() {
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
        facts.thresholds(mint)
    } else {
        Thresholds::none()
    };
    let moves = !is_zero(value) && from.wallet != to.wallet;
    if moves && movement.receives() && from.record.investor != to.record.investor {
        if to.holdings.saturating_add(*value) > thresholds.cap {
            return codes::INVESTOR_CAP;
        }
        let code = holders(facts, movement);
        if code != codes::SUCCESS {
            return code;
        }
    }
    // A whole balance may always leave. Nothing of it is bound, or the rule before would have refused it.
    let whole = *kind == Kind::Transfer && *value == from.balance;
    let granularity = thresholds.granularity;
    if !whole && !is_zero(&granularity) && !is_multiple(*value, granularity) {
        return codes::INVALID_SIZE;
    }
    let too_small = |left: U256| left < thresholds.min_holding;
    if moves {
        // A hold is put aside like a transfer to an empty wallet, so that it can be used whatever happens meanwhile.
        let left = from.unheld().saturating_sub(*value);
        let received = to.unheld().saturating_add(*value);
        if !is_zero(&left) && too_small(left) || !whole && too_small(received) {
            return codes::INVALID_SIZE;
        }
    }
    if mint && !facts.has_room_for(*value) {
        return codes::SUPPLY_CAP;
    }
    codes::SUCCESS
}

/// The rules on numbers of holders: only a movement that raises a number can be refused for it.
fn holders(facts: &impl Facts, movement: &Movement) -> u8 {
    let Movement {
        settings,
        from,
        to,
        value,
        ..
    } = movement;
    let HolderChange { leaves, joins } = HolderChange::of(from, to, *value);
    if !joins {
        return codes::SUCCESS;
    }
    if !leaves && settings.max_holders != 0 && settings.holders >= settings.max_holders {
        return codes::HOLDER_CAP;
    }
    if leaves && from.record.group == to.record.group {
        return codes::SUCCESS;
    }
    let group = facts.group(to.record.group);
    if group.is_full() {
        return codes::GROUP_HOLDER_CAP;
    }
    let mut classes = group.classes;
    if leaves && classes != 0 {
        // Who leaves makes room in every class it was counted in.
        classes &= !facts.group(from.record.group).classes;
    }
    if places(classes.into()).any(|place| facts.class(place).is_full()) {
        return codes::GROUP_HOLDER_CAP;
    }
    codes::SUCCESS
}
