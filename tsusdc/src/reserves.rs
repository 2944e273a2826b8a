//! 1:1 backing: minting stops at the reserves attested last, and when that attestation grows old.

use alloy_primitives::{Address, U256};
use authority::abi::Refusal;
use stylus_sdk::prelude::*;

use crate::{
    access::attestor_role,
    balance::MAX_SUPPLY,
    error::Error,
    event::{log, ReserveMaxAgeSet, ReservesAttested},
    TsUsdc,
};

/// Whether an attestation as of `as_of` still allows minting at `now`. Without an attestation (`as_of` zero) or with a
/// `max_age` of zero nothing does, not even in the same second.
fn is_fresh(as_of: u64, max_age: u64, now: u64) -> bool {
    as_of != 0 && max_age != 0 && now.saturating_sub(as_of) <= max_age
}

impl TsUsdc {
    /// Works while paused. `as_of` is never in the future and never older than the last one.
    ///
    /// Errors, in this order: [`Error::AccessControlUnauthorizedAccount`], [`Error::InvalidAttestation`].
    pub(crate) fn attest_reserves(&mut self, reserves: U256, as_of: u64) -> Result<(), Refusal> {
        self.only(attestor_role())?;
        let latest = self.reserves_as_of.get().to();
        if as_of < latest || as_of > self.vm().block_timestamp() {
            return Err(Error::InvalidAttestation { as_of, latest }.into());
        }
        self.reserves.set(reserves);
        self.reserves_as_of.set(alloy_primitives::U64::from(as_of));
        let attestor: Address = self.vm().msg_sender();
        log!(ReservesAttested)
            .address(attestor)
            .data()
            .uint(reserves)
            .uint(U256::from(as_of))
            .emit(self.vm());
        Ok(())
    }

    /// Works while paused; by the default admin.
    pub(crate) fn set_reserve_max_age(&mut self, max_age: u64) -> Result<(), Refusal> {
        self.roles.only_default_admin()?;
        self.reserve_max_age
            .set(alloy_primitives::U64::from(max_age));
        log!(ReserveMaxAgeSet)
            .data()
            .uint(U256::from(max_age))
            .emit(self.vm());
        Ok(())
    }

    pub(crate) fn reserves(&self) -> (U256, u64, u64) {
        (
            self.reserves.get(),
            self.reserves_as_of.get().to(),
            self.reserve_max_age.get().to(),
        )
    }

    pub(crate) fn mint_headroom(&self) -> U256 {
        let (reserves, as_of, max_age) = self.reserves();
        if self.paused.get() || !is_fresh(as_of, max_age, self.vm().block_timestamp()) {
            return U256::ZERO;
        }
        reserves
            .min(MAX_SUPPLY)
            .saturating_sub(self.total_supply.get())
    }

    /// The supply after minting `amount`, which the reserves must cover (I6).
    ///
    /// Errors, in this order: [`Error::ReservesStale`], [`Error::ReservesExceeded`] (with the reserves that count:
    /// at most [`MAX_SUPPLY`]).
    pub(crate) fn supply_after_mint(&self, amount: U256) -> Result<U256, Refusal> {
        let (reserves, as_of, max_age) = self.reserves();
        if !is_fresh(as_of, max_age, self.vm().block_timestamp()) {
            return Err(Error::ReservesStale { as_of, max_age }.into());
        }
        let reserves = reserves.min(MAX_SUPPLY);
        let supply = self.total_supply.get().saturating_add(amount);
        if supply > reserves {
            return Err(Error::ReservesExceeded {
                supply_after: supply,
                reserves,
            }
            .into());
        }
        Ok(supply)
    }
}
