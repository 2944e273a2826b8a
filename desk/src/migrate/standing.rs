//! A wallet as it is at a token, and as it should be at another one.

use std::collections::BTreeMap;

use alloy::primitives::{Address, B256, U256};

use super::ratio::Ratio;
use crate::error::DeskError;
use crate::index::Register;
use crate::index::holding::Wallet;
use crate::index::vesting::Schedule;

/// What there is to say about a wallet. What no longer binds anything is left out: ended locks, schedules that have
/// fully vested or were revoked, holds.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Standing {
    /// Its investor's code; zero: it is not registered.
    pub investor: B256,
    /// The investor's group.
    pub group: u8,
    /// ISO 3166-1 numeric country.
    pub country: u16,
    /// First second at which the KYC check is no longer valid.
    pub kyc_expiry: u64,
    /// Whether it is sanctioned.
    pub sanctioned: bool,
    /// Whether it is frozen.
    pub frozen: bool,
    /// Base units.
    pub balance: U256,
    /// Base units that the enforcer froze.
    pub frozen_tokens: U256,
    /// Locked amounts by their release time.
    pub locks: BTreeMap<u64, U256>,
    /// Vesting schedules.
    pub schedules: Vec<Schedule>,
}

impl Standing {
    /// Whether it is registered.
    pub fn is_registered(&self) -> bool {
        !self.investor.is_zero()
    }

    /// How much of its schedules is bound at a second.
    pub fn unvested(&self, now: u64) -> U256 {
        let unvested = self.schedules.iter().map(|one| one.unvested(now));
        unvested.fold(U256::ZERO, U256::saturating_add)
    }

    fn of(wallet: &Wallet, now: u64) -> Self {
        let bound = wallet.bound();
        let locks = bound.locks.into_iter();
        let schedules = bound.schedules.into_values();
        let (mut investor, mut group, mut country, mut kyc_expiry) = Default::default();
        if wallet.registered {
            (investor, group) = (wallet.investor, wallet.group);
            (country, kyc_expiry) = (wallet.country, wallet.kyc_expiry);
        }
        Self {
            investor,
            group,
            country,
            kyc_expiry,
            sanctioned: wallet.sanctioned,
            frozen: wallet.frozen,
            balance: wallet.balance,
            frozen_tokens: wallet.frozen_tokens,
            locks: locks.filter(|(release, _)| *release > now).collect(),
            schedules: schedules
                .filter(|schedule| !schedule.unvested(now).is_zero())
                .collect(),
        }
    }

    /// The same in base units of another token: each amount rounded down; for a schedule, what was granted and what is
    /// left.
    fn scaled(self, ratio: &Ratio, now: u64) -> Option<Self> {
        let mut locks = BTreeMap::new();
        for (release, amount) in self.locks {
            let amount = ratio.whole(amount)?;
            if !amount.is_zero() {
                locks.insert(release, amount);
            }
        }
        let mut schedules = Vec::with_capacity(self.schedules.len());
        for schedule in self.schedules {
            let left = ratio.whole(schedule.amount.saturating_sub(schedule.taken))?;
            let amount = ratio.whole(schedule.amount)?;
            let taken = amount.saturating_sub(left);
            let schedule = Schedule {
                amount,
                taken,
                ..schedule
            };
            if !schedule.unvested(now).is_zero() {
                schedules.push(schedule);
            }
        }
        Some(Self {
            balance: ratio.whole(self.balance)?,
            frozen_tokens: ratio.whole(self.frozen_tokens)?,
            locks,
            schedules,
            ..self
        })
    }
}

/// Every wallet of a register as it is at a second.
pub fn standings(register: &Register, now: u64) -> BTreeMap<Address, Standing> {
    let wallets = register.known().into_iter();
    let standing = wallets.map(|(address, wallet)| (address, Standing::of(wallet, now)));
    standing
        .filter(|(_, standing)| *standing != Standing::default())
        .collect()
}

/// Every wallet of a register as it should be at a token with this ratio of base units.
///
/// # Errors
/// `Overflow`.
pub fn wanted(
    register: &Register,
    ratio: &Ratio,
    now: u64,
) -> Result<BTreeMap<Address, Standing>, DeskError> {
    let standings = standings(register, now).into_iter();
    let scaled = standings.map(|(address, standing)| {
        let scaled = standing.scaled(ratio, now).ok_or(DeskError::Overflow)?;
        Ok((address, scaled))
    });
    let kept = |one: &Result<(Address, Standing), DeskError>| !matches!(one, Ok((_, standing)) if *standing == Standing::default());
    scaled.filter(kept).collect()
}
