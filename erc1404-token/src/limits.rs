//! Limits on holdings, holders, sizes and supply, and the counts they are compared with.
//!
//! A transfer reads one word of thresholds: the cap per investor (96 bits), the minimum holding and the granularity (80
//! bits each). The cap is kept up to date with the supply. A field of all ones does not fit, and stands in a word of its
//! own.

use alloy_primitives::{Address, U256};
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
    restriction::{Facts, HolderChange, Party, Thresholds},
    returns::{Count, GroupHolders, Limits},
    store::{
        FROZEN_TOKENS, GRANULARITY, GROUPS, MAX_PER_INVESTOR, MIN_HOLDING, SUPPLY_CAP, THRESHOLDS,
        TOTAL_SUPPLY, low, number,
    },
    word::{Record, Settings},
};

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
        let (holders, _) = self.holders_of(group);
        self.set_group_holders(group, holders, max_holders);
        log!(event::GroupHolderLimitSet)
            .uint(number(group))
            .data()
            .uint(number(max_holders))
            .emit(self.vm());
        Ok(())
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
        if leaves && joins && from.group == to.group {
            return;
        }
        if leaves {
            self.count_group(from.group, false);
        }
        if joins {
            self.count_group(to.group, true);
        }
    }

    /// Counts one holder more or less in `group`.
    #[inline(never)]
    pub(crate) fn count_group(&mut self, group: u8, joins: bool) {
        let (holders, limit) = self.holders_of(group);
        self.set_group_holders(group, step(holders, joins), limit);
    }

    /// Number of holders in a group, and their limit.
    #[inline(never)]
    pub(crate) fn holders_of(&self, group: u8) -> (u32, u32) {
        let word = low(self.word(GROUPS | usize::from(group)));
        #[allow(clippy::cast_possible_truncation, reason = "the low half is the count")]
        let holders = word as u32;
        (holders, (word >> 32) as u32)
    }

    fn set_group_holders(&mut self, group: u8, holders: u32, limit: u32) {
        let word = u64::from(holders) | u64::from(limit) << 32;
        self.set_word(GROUPS | usize::from(group), number(word));
    }

    /// Most that one investor may hold when the supply is `supply`.
    fn cap(&self, supply: U256) -> U256 {
        let bips = self.settings().max_bips;
        let relative = if bips == 0 {
            largest()
        } else {
            fraction(supply, bips, WHOLE_BIPS)
        };
        let absolute = self.word(MAX_PER_INVESTOR);
        if absolute.is_zero() {
            relative
        } else {
            relative.min(absolute)
        }
    }

    /// Packs the limits into the word that transfers read.
    #[inline(never)]
    fn refresh_thresholds(&mut self) {
        let cap = self.cap(self.word(TOTAL_SUPPLY));
        // Zero stands for no cap; a cap of zero is read from its own words.
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

    #[inline(never)]
    fn encumbrance(&self, flag: u8, wallet: Address, now: u64) -> U256 {
        match flag {
            Record::PARTLY_FROZEN => self.of(wallet, FROZEN_TOKENS),
            Record::LOCKED => self.locked_of(wallet, now),
            _ => self.unvested_of(wallet, now),
        }
    }

    fn thresholds(&self, minted: U256) -> Thresholds {
        let [cap, min_holding, granularity] = fields(self.word(THRESHOLDS));
        let cap = if is_zero(&cap) {
            largest()
        } else if cap == wide(CAP_BITS) || !is_zero(&minted) {
            self.cap(self.word(TOTAL_SUPPLY).saturating_add(minted))
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

    fn group_holders(&self, group: u8) -> (u32, u32) {
        self.holders_of(group)
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
        let (count, limit) = self.holders_of(group);
        GroupHolders { count, limit }
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
