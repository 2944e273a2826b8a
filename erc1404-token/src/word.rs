//! The two packed words that every transfer reads: the token's settings, and one record per wallet.

use alloy_primitives::U256;

/// Global switches, limits and counters in one word.
///
/// | bits | field |
/// | --- | --- |
/// | 0..64 | `countries` |
/// | 64..96, 96..128 | `holders`, `max_holders` |
/// | 128..144, 144..152, 152..160, 160..192 | `max_bips`, `decimals`, `flags`, `investors` |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Bit `n` is set when a country whose number is `n` modulo 64 is blocked: where it is not, the table of blocked
    /// countries need not be read.
    pub(crate) countries: u64,
    /// Investors with holdings above zero.
    pub(crate) holders: u32,
    /// Most holders, or 0: no limit.
    pub(crate) max_holders: u32,
    /// Most one investor may hold, in basis points of the supply, or 0: no limit.
    pub(crate) max_bips: u16,
    /// Decimals of the token.
    pub(crate) decimals: u8,
    /// [`Self::PAUSED`] and following.
    pub(crate) flags: u8,
    /// Investors ever registered: the index of the latest one.
    pub(crate) investors: u32,
}

impl Settings {
    /// Transfers, mints and burns are suspended.
    pub(crate) const PAUSED: u8 = 1;
    /// Transfers, mints and burns are refused for ever.
    pub(crate) const DEACTIVATED: u8 = 2;
    /// The word of thresholds holds a limit.
    pub(crate) const LIMITED: u8 = 4;

    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

impl From<U256> for Settings {
    #[allow(clippy::cast_possible_truncation, reason = "the fields of the word")]
    fn from(word: U256) -> Self {
        let [countries, holders, rest, _] = *word.as_limbs();
        Self {
            countries,
            holders: low(holders),
            max_holders: low(holders >> 32),
            max_bips: low(rest) as u16,
            decimals: (rest >> 16) as u8,
            flags: (rest >> 24) as u8,
            investors: low(rest >> 32),
        }
    }
}

impl From<Settings> for U256 {
    fn from(settings: Settings) -> Self {
        Self::from_limbs([
            settings.countries,
            u64::from(settings.holders) | u64::from(settings.max_holders) << 32,
            u64::from(settings.max_bips)
                | u64::from(settings.decimals) << 16
                | u64::from(settings.flags) << 24
                | u64::from(settings.investors) << 32,
            0,
        ])
    }
}

/// What the rules know about one wallet, in one word.
///
/// | bits | field |
/// | --- | --- |
/// | 0..64 | `kyc_expiry` |
/// | 64..96, 96..112, 112..120, 120..128 | `investor`, `country`, `group`, `flags` |
/// | 128..144, 144..152, 160..192 | `locks`, `schedules`, `holds` |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record {
    /// First second at which the KYC check is no longer valid.
    pub(crate) kyc_expiry: u64,
    /// Index of the investor, or 0: the wallet is not registered.
    pub(crate) investor: u32,
    /// ISO 3166-1 numeric country.
    pub(crate) country: u16,
    /// Group, from 1 on.
    pub(crate) group: u8,
    /// [`Self::FROZEN`] and following; they outlive the registration.
    pub(crate) flags: u8,
    /// Places of locks, perhaps released ones: bit `i` is place `i`.
    pub(crate) locks: u16,
    /// Places of vesting schedules, perhaps ended ones.
    pub(crate) schedules: u8,
    /// Places of holds, perhaps lapsed ones.
    pub(crate) holds: Queue,
}

impl Record {
    /// The address can neither send nor receive nor spend.
    pub(crate) const FROZEN: u8 = 1;
    /// The address is sanctioned.
    pub(crate) const SANCTIONED: u8 = 2;
    /// What is the investor's: all of its wallets have the same.
    pub(crate) const STATUS: u8 = Self::FROZEN | Self::SANCTIONED;
    /// The wallet is the only one of its investor, whose holdings are then its balance.
    pub(crate) const SOLE: u8 = 4;
    /// Part of the balance is frozen.
    pub(crate) const PARTLY_FROZEN: u8 = 8;
    /// The wallet was lost and replaced, and is never registered again.
    pub(crate) const REPLACED: u8 = 16;

    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub(crate) fn set(&mut self, flag: u8, on: bool) {
        self.flags = if on {
            self.flags | flag
        } else {
            self.flags & !flag
        };
    }

    pub(crate) fn is_registered(&self) -> bool {
        self.investor != 0
    }

    /// Whether locks, schedules or holds may bind something.
    pub(crate) fn has_places(&self) -> bool {
        u32::from(self.locks) | u32::from(self.schedules) | self.holds.0 != 0
    }

    /// This record without its registration.
    pub(crate) fn unregistered(&self) -> Self {
        Self {
            kyc_expiry: 0,
            investor: 0,
            country: 0,
            group: 0,
            flags: self.flags & !Self::SOLE,
            ..*self
        }
    }
}

impl From<U256> for Record {
    #[allow(clippy::cast_possible_truncation, reason = "the fields of the word")]
    fn from(word: U256) -> Self {
        let [kyc_expiry, rest, places, _] = *word.as_limbs();
        Self {
            kyc_expiry,
            investor: low(rest),
            country: (rest >> 32) as u16,
            group: (rest >> 48) as u8,
            flags: (rest >> 56) as u8,
            locks: places as u16,
            schedules: (places >> 16) as u8,
            holds: Queue(low(places >> 32)),
        }
    }
}

impl From<Record> for U256 {
    fn from(record: Record) -> Self {
        Self::from_limbs([
            record.kyc_expiry,
            u64::from(record.investor)
                | u64::from(record.country) << 32
                | u64::from(record.group) << 48
                | u64::from(record.flags) << 56,
            u64::from(record.locks)
                | u64::from(record.schedules) << 16
                | u64::from(record.holds.0) << 32,
            0,
        ])
    }
}

/// Up to eight different places below 8 in the order in which they were taken: four bits for each, the place plus one,
/// the earliest in the lowest bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Queue(u32);

impl Queue {
    /// The places, the earliest first.
    pub(crate) fn places(self) -> impl DoubleEndedIterator<Item = usize> {
        (0_u32..32)
            .step_by(4)
            .map(move |shift| self.0 >> shift & 0xf)
            .filter_map(|place| (place as usize).checked_sub(1))
    }

    /// The lowest place that is not taken, if there is one.
    pub(crate) fn free(self) -> Option<usize> {
        (0..8).find(|free| self.places().all(|place| place != *free))
    }

    /// Takes a free place.
    #[allow(clippy::cast_possible_truncation, reason = "places are below 8")]
    pub(crate) fn push(&mut self, place: usize) {
        let end = self.places().fold(0, |end: u32, _| end.wrapping_add(4));
        self.0 |= (place as u32).wrapping_add(1).wrapping_shl(end);
    }

    /// Gives a place back.
    pub(crate) fn remove(&mut self, place: usize) {
        let others = self.places().filter(move |other| *other != place);
        let mut left = Self::default();
        others.for_each(|other| left.push(other));
        *self = left;
    }
}

/// The places whose bits are set in a mask.
pub(crate) fn places(mask: u16) -> impl Iterator<Item = usize> {
    (0..16).filter(move |place| mask >> place & 1 != 0)
}

/// The mask of one place.
pub(crate) fn bit(place: usize) -> u16 {
    #[allow(clippy::cast_possible_truncation, reason = "places are single digits")]
    1_u16.wrapping_shl(place as u32)
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "the low half is what is asked for"
)]
fn low(word: u64) -> u32 {
    word as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn settings_survive_packing(
            countries: u64, holders: u32, max_holders: u32, max_bips: u16, decimals: u8, flags: u8, investors: u32,
        ) {
            let settings =
                Settings { countries, holders, max_holders, max_bips, decimals, flags, investors };
            let word: U256 = settings.into();
            prop_assert_eq!(Settings::from(word), settings);
        }

        #[test]
        fn a_record_survives_packing(
            kyc_expiry: u64, investor: u32, country: u16, group: u8, flags: u8, locks: u16, schedules: u8, holds: u32,
        ) {
            let holds = Queue(holds);
            let record = Record { kyc_expiry, investor, country, group, flags, locks, schedules, holds };
            let word: U256 = record.into();
            prop_assert_eq!(Record::from(word), record);
        }

        /// A queue is a list of places: the next one taken is free and comes last, one given back is gone.
        #[test]
        fn a_queue_keeps_the_order_of_its_places(acts in prop::collection::vec((any::<bool>(), 0..8_usize), 0..60)) {
            let (mut queue, mut expected) = (Queue::default(), Vec::new());
            for (takes, place) in acts {
                if takes {
                    let lowest = (0..8).find(|place| !expected.contains(place));
                    prop_assert_eq!(queue.free(), lowest);
                    if let Some(lowest) = lowest {
                        queue.push(lowest);
                        expected.push(lowest);
                    }
                } else {
                    queue.remove(place);
                    expected.retain(|other| *other != place);
                }
                prop_assert_eq!(queue.places().collect::<Vec<_>>(), expected.clone());
            }
        }

        #[test]
        fn places_are_the_bits_of_a_mask(mask: u16) {
            let all = places(mask).fold(0, |all, place| all | bit(place));
            prop_assert_eq!(all, mask);
        }
    }

    #[test]
    fn removing_a_registration_keeps_sanction_freeze_and_places() {
        let flags = Record::FROZEN | Record::SANCTIONED | Record::REPLACED;
        let mut record = Record {
            kyc_expiry: 1,
            investor: 2,
            country: 3,
            group: 4,
            flags: flags | Record::SOLE,
            locks: 5,
            schedules: 6,
            holds: Queue::default(),
        };
        record.holds.push(7);
        let left = Record {
            flags,
            locks: 5,
            schedules: 6,
            holds: record.holds,
            ..Record::default()
        };
        assert_eq!(record.unregistered(), left);
        assert!(left.has_places() && !Record::default().has_places());
    }

    #[test]
    fn a_lock_a_schedule_and_a_hold_of_the_same_place_do_not_cancel_each_other_out() {
        let mut holds = Queue::default();
        holds.push(0);
        for held in [Queue::default(), holds] {
            for (locks, schedules) in [(1, 0), (0, 1), (1, 1)] {
                let record = Record {
                    locks,
                    schedules,
                    holds: held,
                    ..Record::default()
                };
                assert!(record.has_places(), "{record:?}");
            }
        }
    }
}
