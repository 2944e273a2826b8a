//! Where tokens may go: rules between groups, blocked countries.

use alloy_primitives::U256;
use runtime::{abi::Revert, log};
use stylus_sdk::prelude::*;

use super::{
    SecurityToken, event,
    registry::{HIGHEST_COUNTRY, check_country, check_group},
    store::{COUNTRIES, GROUP_RULES, number},
};

impl SecurityToken {
    /// Opens or closes transfers from one group to another.
    #[inline(never)]
    pub(crate) fn open(&mut self, from: u8, to: u8, opens_at: u64) -> Result<(), Revert> {
        check_group(from)?;
        check_group(to)?;
        self.check_time(opens_at)?;
        let (word, limb) = pair(from, to);
        let mut limbs = self.word(word).into_limbs();
        if let Some(rule) = limbs.get_mut(limb) {
            *rule = opens_at;
        }
        self.set_word(word, U256::from_limbs(limbs));
        log!(event::GroupRuleSet)
            .uint(number(from))
            .uint(number(to))
            .data()
            .uint(number(opens_at))
            .emit(self.vm());
        Ok(())
    }

    /// Second from which transfers from one group to another are open; 0: closed.
    #[inline(never)]
    pub(crate) fn opening(&self, from: u8, to: u8) -> u64 {
        let (word, limb) = pair(from, to);
        self.word(word)
            .as_limbs()
            .get(limb)
            .copied()
            .unwrap_or_default()
    }

    /// Blocks a country, or lifts that.
    #[inline(never)]
    pub(crate) fn block_country(&mut self, country: u16, blocked: bool) -> Result<(), Revert> {
        check_country(country)?;
        let (word, bit) = country_bit(country);
        let mut bits = self.word(word);
        bits.set_bit(bit, blocked);
        self.set_word(word, bits);
        let class = country % 64;
        let alike = (class..=HIGHEST_COUNTRY).step_by(64);
        let any = alike.into_iter().any(|country| self.is_blocked(country));
        let mut settings = self.settings();
        settings.countries = settings.countries & !(1 << class) | u64::from(any) << class;
        self.set_settings(settings);
        log!(event::CountryBlockedSet)
            .uint(number(country))
            .data()
            .uint(number(blocked))
            .emit(self.vm());
        Ok(())
    }

    /// Whether a country is blocked.
    #[inline(never)]
    pub(crate) fn is_blocked(&self, country: u16) -> bool {
        let (word, bit) = country_bit(country);
        country <= HIGHEST_COUNTRY && self.word(word).bit(bit)
    }
}

/// Word and limb of a directed pair of groups in the table of rules.
fn pair(from: u8, to: u8) -> (usize, usize) {
    let pair = usize::from(from) << 8 | usize::from(to);
    (GROUP_RULES.wrapping_add(pair >> 2), pair & 3)
}

/// Word and bit of a country in the table of blocked ones.
fn country_bit(country: u16) -> (usize, usize) {
    (
        COUNTRIES | usize::from(country >> 8),
        usize::from(country & 0xff),
    )
}

impl SecurityToken {
    pub(crate) fn set_group_rule(
        &mut self,
        from_group: u8,
        to_group: u8,
        opens_at: u64,
    ) -> Result<(), Revert> {
        self.only_compliance()?;
        self.open(from_group, to_group, opens_at)
    }

    pub(crate) fn group_rule(&self, from_group: u8, to_group: u8) -> u64 {
        self.opening(from_group, to_group)
    }

    pub(crate) fn set_country_blocked(
        &mut self,
        country: u16,
        blocked: bool,
    ) -> Result<(), Revert> {
        self.only_compliance()?;
        self.block_country(country, blocked)
    }

    pub(crate) fn is_country_blocked(&self, country: u16) -> bool {
        self.is_blocked(country)
    }
}
