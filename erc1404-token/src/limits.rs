//! Limits on holdings, holders, sizes and supply, and the counts they are compared with.
//!
//! A transfer reads one word of thresholds: the cap per investor (96 bits), the minimum holding and the granularity (80
//! bits each). The cap is kept up to date with the supply. A field of all ones does not fit, and is kept in a word of
//! its own.

use alloy_primitives::U256;
use runtime::{
    abi::Revert,
    log,
    word::{is_zero, largest},
};
use stylus_sdk::prelude::*;

use super::{
    SecurityToken,
    error::revert,
    event,
    fraction::{WHOLE_BIPS, fraction},
    registry::check_group,
    restriction::{Facts, HolderChange, Holders, Party, Thresholds},
    returns::{ClassList, Count, GroupHolders, Limits},
    store::{
        CLASSES, GRANULARITY, GROUPS, MAX_PER_INVESTOR, MIN_HOLDING, SUPPLY_CAP, THRESHOLDS,
        TOTAL_SUPPLY, number,
    },
    word::{Settings, bit, places},
};

/// Most classes of groups.
pub(crate) const MAX_CLASSES: usize = 8;

/// The word of a group.
fn group_word(group: u8) -> usize {
    GROUPS | usize::from(group)
}

/// The word with the set of groups of a class.
fn groups_word(place: usize) -> usize {
    CLASSES.wrapping_add(place.wrapping_mul(2))
}

/// The word with the holders of a class.
fn class_word(place: usize) -> usize {
    groups_word(place).wrapping_add(1)
}

/// The bit of a class in the word of a group.
#[allow(clippy::cast_possible_truncation, reason = "places are below 8")]
fn class_bit(place: usize) -> u8 {
    bit(place) as u8
}

/// The groups in a set.
fn members(groups: U256) -> impl Iterator<Item = u8> {
    (1..=u8::MAX).filter(move |group| groups.bit((*group).into()))
}

const SIZE_BITS: usize = 80;
const CAP_BITS: usize = 96;

/// What of a field of the word of thresholds, 64 to 128 bits wide, says that its value does not fit.
const fn wide(bits: usize) -> U256 {
    U256::from_limbs([u64::MAX, u64::MAX >> 128_usize.saturating_sub(bits), 0, 0])
}

/// The fields of the word of thresholds: cap, minimum holding, granularity.
fn fields(word: U256) -> [U256; 3] {
    let [first, second, third, fourth] = *word.as_limbs();
    [
        U256::from_limbs([third >> 32 | fourth << 32, fourth >> 32, 0, 0]),
        U256::from_limbs([second >> 16 | third << 48, third >> 16 & 0xffff, 0, 0]),
        U256::from_limbs([first, second & 0xffff, 0, 0]),
    ]
}

/// The word of thresholds with these fields, which must fit: cap, minimum holding, granularity.
fn packed([cap, min_holding, granularity]: [U256; 3]) -> U256 {
    let [cap_low, cap_high, ..] = *cap.as_limbs();
    let [min_low, min_high, ..] = *min_holding.as_limbs();
    let [granularity_low, granularity_high, ..] = *granularity.as_limbs();
    U256::from_limbs([
        granularity_low,
        granularity_high | min_low << 16,
        min_low >> 48 | min_high << 16 | cap_low << 32,
        cap_low >> 32 | cap_high << 32,
    ])
}

impl SecurityToken {
    /// Replaces all limits; 0: none.
    #[inline(never)]
    pub(crate) fn limit(
        &mut self,
        max_per_investor: U256,
        max_bips: u16,
        max_holders: u32,
        min_holding: U256,
        granularity: U256,
    ) -> Result<(), Revert> {
        if max_bips > WHOLE_BIPS {
            return Err(revert!(InvalidBips {
                bips: number(max_bips)
            }));
        }
        self.set_word(MAX_PER_INVESTOR, max_per_investor);
        self.set_word(MIN_HOLDING, min_holding);
        self.set_word(GRANULARITY, granularity);
        let mut settings = self.settings();
        settings.max_bips = max_bips;
        settings.max_holders = max_holders;
        self.set_settings(settings);
        self.refresh_thresholds();
        log!(event::LimitsSet)
            .data()
            .uint(max_per_investor)
            .uint(number(max_bips))
            .uint(number(max_holders))
            .uint(min_holding)
            .uint(granularity)
            .emit(self.vm());
        Ok(())
    }

    /// Limits the holders of one group; 0: no limit.
    #[inline(never)]
    pub(crate) fn limit_group(&mut self, group: u8, max_holders: u32) -> Result<(), Revert> {
        check_group(group)?;
        let mut holders = self.holders_in(group_word(group));
        holders.limit = max_holders;
        self.set_holders(group_word(group), holders);
        log!(event::GroupHolderLimitSet)
            .uint(number(group))
            .data()
            .uint(number(max_holders))
            .emit(self.vm());
        Ok(())
    }

    /// Limits the holders of a set of groups; 0 removes the class.
    #[inline(never)]
    pub(crate) fn limit_class(&mut self, groups: U256, max_holders: u32) -> Result<(), Revert> {
        if is_zero(&groups) || groups.bit(0) {
            return Err(revert!(InvalidGroup { group: 0 }));
        }
        let known = self.find_class(groups);
        match (known, max_holders) {
            (Some(place), 0) => self.remove_class(place, groups),
            (None, 0) => return Err(revert!(ClassNotFound { groups })),
            (Some(place), _) => {
                let mut holders = self.holders_in(class_word(place));
                holders.limit = max_holders;
                self.set_holders(class_word(place), holders);
            }
            (None, _) => {
                // A free place consists of no groups.
                let Some(place) = self.find_class(U256::ZERO) else {
                    return Err(revert!(TooManyClasses {
                        limit: U256::from(MAX_CLASSES)
                    }));
                };
                self.add_class(place, groups, max_holders);
            }
        }
        log!(event::ClassLimitSet)
            .data()
            .uint(groups)
            .uint(number(max_holders))
            .emit(self.vm());
        Ok(())
    }

    /// The place of the class that consists of these groups.
    #[inline(never)]
    fn find_class(&self, groups: U256) -> Option<usize> {
        (0..MAX_CLASSES).find(|place| self.word(groups_word(*place)) == groups)
    }

    /// Marks the groups of a new class, whose holders are the sum of theirs.
    #[inline(never)]
    fn add_class(&mut self, place: usize, groups: U256, limit: u32) {
        let mut class = Holders {
            limit,
            ..Holders::default()
        };
        for group in members(groups) {
            let mut holders = self.holders_in(group_word(group));
            class.count = class.count.saturating_add(holders.count);
            holders.classes |= class_bit(place);
            self.set_holders(group_word(group), holders);
        }
        self.set_word(groups_word(place), groups);
        self.set_holders(class_word(place), class);
    }

    #[inline(never)]
    fn remove_class(&mut self, place: usize, groups: U256) {
        for group in members(groups) {
            let mut holders = self.holders_in(group_word(group));
            holders.classes &= !class_bit(place);
            self.set_holders(group_word(group), holders);
        }
        self.set_word(groups_word(place), U256::ZERO);
        self.set_holders(class_word(place), Holders::default());
    }

    /// Limits the supply; 0: no limit.
    #[inline(never)]
    pub(crate) fn cap_supply(&mut self, supply_cap: U256) -> Result<(), Revert> {
        let supply = self.word(TOTAL_SUPPLY);
        if !supply_cap.is_zero() && supply > supply_cap {
            return Err(revert!(SupplyAboveCap {
                totalSupply: supply,
                supplyCap: supply_cap
            }));
        }
        self.set_word(SUPPLY_CAP, supply_cap);
        log!(event::SupplyCapSet)
            .data()
            .uint(supply_cap)
            .emit(self.vm());
        Ok(())
    }

    /// Sets the supply, and the cap per investor that depends on it.
    #[inline(never)]
    pub(crate) fn set_supply(&mut self, supply: U256) {
        self.set_word(TOTAL_SUPPLY, supply);
        if self.settings().max_bips != 0 {
            self.refresh_thresholds();
        }
    }

    /// Counts who became a holder and who is one no more, by a movement of `value`.
    #[inline(never)]
    pub(crate) fn count_holders(&mut self, from: &Party, to: &Party, value: U256) {
        let HolderChange { leaves, joins } = HolderChange::of(from, to, value);
        if leaves != joins {
            let mut settings = self.settings();
            settings.holders = step(settings.holders, joins);
            self.set_settings(settings);
        }
        if leaves && joins && from.record.group == to.record.group {
            return;
        }
        if leaves {
            self.count_group(from.record.group, false);
        }
        if joins {
            self.count_group(to.record.group, true);
        }
    }

    /// Counts one holder more or less in `group` and in its classes.
    #[inline(never)]
    pub(crate) fn count_group(&mut self, group: u8, joins: bool) {
        let classes = self.count_word(group_word(group), joins);
        for place in places(classes.into()) {
            self.count_word(class_word(place), joins);
        }
    }

    /// Counts one holder more or less in a word; the classes that it names.
    #[inline(never)]
    fn count_word(&mut self, word: usize, joins: bool) -> u8 {
        let mut holders = self.holders_in(word);
        holders.count = step(holders.count, joins);
        self.set_holders(word, holders);
        holders.classes
    }

    /// The holders in the word of a group or a class.
    #[inline(never)]
    #[allow(clippy::cast_possible_truncation, reason = "the fields of the word")]
    pub(crate) fn holders_in(&self, word: usize) -> Holders {
        let [counts, classes, ..] = *self.word(word).as_limbs();
        Holders {
            count: counts as u32,
            limit: (counts >> 32) as u32,
            classes: classes as u8,
        }
    }

    #[inline(never)]
    fn set_holders(&mut self, word: usize, holders: Holders) {
        let counts = u64::from(holders.count) | u64::from(holders.limit) << 32;
        self.set_word(
            word,
            U256::from_limbs([counts, holders.classes.into(), 0, 0]),
        );
    }

    /// Most that one investor may hold.
    fn cap(&self) -> U256 {
        let bips = self.settings().max_bips;
        let absolute = self.absolute_cap();
        if bips == 0 {
            return absolute;
        }
        fraction(self.word(TOTAL_SUPPLY), bips, WHOLE_BIPS).min(absolute)
    }

    /// The same without what depends on the supply.
    #[inline(never)]
    fn absolute_cap(&self) -> U256 {
        let cap = self.word(MAX_PER_INVESTOR);
        if is_zero(&cap) { largest() } else { cap }
    }

    /// Packs the limits into the word that transfers read.
    #[inline(never)]
    fn refresh_thresholds(&mut self) {
        let cap = self.cap();
        // Zero means no cap; a cap of zero is read from its own words.
        let cap = if cap == largest() {
            U256::ZERO
        } else if is_zero(&cap) {
            wide(CAP_BITS)
        } else {
            cap.min(wide(CAP_BITS))
        };
        let min_holding = self.word(MIN_HOLDING).min(wide(SIZE_BITS));
        let granularity = self.word(GRANULARITY).min(wide(SIZE_BITS));
        let word = packed([cap, min_holding, granularity]);
        self.set_word(THRESHOLDS, word);
        let mut settings = self.settings();
        let limited = if word.is_zero() { 0 } else { Settings::LIMITED };
        settings.flags = settings.flags & !Settings::LIMITED | limited;
        self.set_settings(settings);
    }
}

/// One more, or one less.
fn step(count: u32, up: bool) -> u32 {
    if up {
        count.saturating_add(1)
    } else {
        count.saturating_sub(1)
    }
}

impl Facts for SecurityToken {
    fn opens_at(&self, from_group: u8, to_group: u8) -> u64 {
        self.opening(from_group, to_group)
    }

    fn is_country_blocked(&self, country: u16) -> bool {
        self.is_blocked(country)
    }

    fn thresholds(&self, mint: bool) -> Thresholds {
        let [cap, min_holding, granularity] = fields(self.word(THRESHOLDS));
        let cap = if mint {
            self.absolute_cap()
        } else if is_zero(&cap) {
            largest()
        } else if cap == wide(CAP_BITS) {
            self.cap()
        } else {
            cap
        };
        let size = |field: U256, own: usize| {
            if field == wide(SIZE_BITS) {
                self.word(own)
            } else {
                field
            }
        };
        Thresholds {
            cap,
            min_holding: size(min_holding, MIN_HOLDING),
            granularity: size(granularity, GRANULARITY),
        }
    }

    fn group(&self, group: u8) -> Holders {
        self.holders_in(group_word(group))
    }

    fn class(&self, place: usize) -> Holders {
        self.holders_in(class_word(place))
    }

    fn has_room_for(&self, minted: U256) -> bool {
        let cap = self.word(SUPPLY_CAP);
        let cap = if cap.is_zero() { largest() } else { cap };
        self.word(TOTAL_SUPPLY)
            .checked_add(minted)
            .is_some_and(|supply| supply <= cap)
    }
}

impl SecurityToken {
    pub(crate) fn set_limits(
        &mut self,
        max_per_investor: U256,
        max_bips_per_investor: u16,
        max_holders: u32,
        min_holding: U256,
        granularity: U256,
    ) -> Result<(), Revert> {
        self.only_compliance()?;
        self.limit(
            max_per_investor,
            max_bips_per_investor,
            max_holders,
            min_holding,
            granularity,
        )
    }

    pub(crate) fn limits(&self) -> Limits {
        let settings = self.settings();
        Limits {
            maxPerInvestor: self.word(MAX_PER_INVESTOR),
            maxBipsPerInvestor: settings.max_bips,
            maxHolders: settings.max_holders,
            minHolding: self.word(MIN_HOLDING),
            granularity: self.word(GRANULARITY),
        }
    }

    pub(crate) fn set_group_holder_limit(
        &mut self,
        group: u8,
        max_holders: u32,
    ) -> Result<(), Revert> {
        self.only_compliance()?;
        self.limit_group(group, max_holders)
    }

    pub(crate) fn group_holders(&self, group: u8) -> GroupHolders {
        let Holders { count, limit, .. } = self.holders_in(group_word(group));
        GroupHolders { count, limit }
    }

    pub(crate) fn set_class_limit(&mut self, groups: U256, max_holders: u32) -> Result<(), Revert> {
        self.only_compliance()?;
        self.limit_class(groups, max_holders)
    }

    #[allow(non_snake_case, reason = "named as in the interface")]
    pub(crate) fn class_limits(&self) -> ClassList {
        let mut list = ClassList::default();
        for place in 0..MAX_CLASSES {
            let groups = self.word(groups_word(place));
            if is_zero(&groups) {
                continue;
            }
            let holders = self.holders_in(class_word(place));
            list.groups.push(groups);
            list.maxHolders.push(holders.limit);
            list.holders.push(holders.count);
        }
        list
    }

    pub(crate) fn holder_count(&self) -> Count {
        Count {
            count: self.settings().holders,
        }
    }

    pub(crate) fn set_supply_cap(&mut self, supply_cap: U256) -> Result<(), Revert> {
        self.roles().only_default_admin()?;
        self.cap_supply(supply_cap)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn thresholds_are_the_fields_of_their_word(limbs: [u64; 4]) {
            let word = U256::from_limbs(limbs);
            let [cap, min_holding, granularity] = fields(word);
            prop_assert_eq!(cap, word >> (2 * SIZE_BITS));
            prop_assert_eq!(min_holding, word >> SIZE_BITS & wide(SIZE_BITS));
            prop_assert_eq!(granularity, word & wide(SIZE_BITS));
            prop_assert_eq!(packed([cap, min_holding, granularity]), word);
        }
    }

    #[test]
    fn a_field_that_does_not_fit_is_all_ones() {
        assert_eq!(wide(SIZE_BITS), U256::MAX >> (256 - SIZE_BITS));
        assert_eq!(wide(CAP_BITS), U256::MAX >> (256 - CAP_BITS));
    }
}
