//! 1:1 backing: minting stops at the reserves attested last, and when that attestation grows old.

use alloy_primitives::{Address, B256, U256};
use runtime::{abi::Revert, log};
use stylus_sdk::prelude::*;

use super::{
    TsUsdc,
    access::attestor_role,
    balance::MAX_SUPPLY,
    error::Error,
    event::{ReserveMaxAgeSet, ReservesAttested},
    globals::Globals,
};

/// Whether an attestation as of `as_of` still allows minting at `now`. Without an attestation (`as_of` zero) or with a
/// `max_age` of zero nothing does, not even in the same second.
fn is_fresh(as_of: u64, max_age: u64, now: u64) -> bool {
    as_of != 0 && max_age != 0 && now.saturating_sub(as_of) <= max_age
}

impl TsUsdc {
    /// Works while paused. `as_of` is never in the future and never older than the last one; `evidence` is the hash of what
    /// the attestation rests on, and is logged only.
    ///
    /// # Errors
    ///
    /// * [`Error::AccessControlUnauthorizedAccount`].
    /// * [`Error::InvalidAttestation`].
    pub(crate) fn attest_reserves(
        &mut self,
        reserves: U256,
        as_of: u64,
        evidence: B256,
    ) -> Result<(), Revert> {
        self.only(attestor_role())?;
        let globals = self.globals();
        let latest = globals.as_of;
        if as_of < latest || as_of > self.vm().block_timestamp() {
            return Err(Error::InvalidAttestation { as_of, latest }.into());
        }
        self.reserves.set(reserves);
        self.set_globals(Globals { as_of, ..globals });
        let attestor: Address = self.vm().msg_sender();
        log!(ReservesAttested)
            .address(attestor)
            .data()
            .uint(reserves)
            .uint(U256::from(as_of))
            .word(evidence)
            .emit(self.vm());
        Ok(())
    }

    /// Works while paused; by the default admin.
    pub(crate) fn set_reserve_max_age(&mut self, max_age: u64) -> Result<(), Revert> {
        self.roles.only_default_admin()?;
        self.set_globals(Globals {
            max_age,
            ..self.globals()
        });
        log!(ReserveMaxAgeSet)
            .data()
            .uint(U256::from(max_age))
            .emit(self.vm());
        Ok(())
    }

    pub(crate) fn reserves(&self) -> (U256, u64, u64) {
        let Globals { as_of, max_age, .. } = self.globals();
        (self.reserves.get(), as_of, max_age)
    }

    pub(crate) fn mint_headroom(&self) -> U256 {
        let (reserves, as_of, max_age) = self.reserves();
        if self.paused() || !is_fresh(as_of, max_age, self.vm().block_timestamp()) {
            return U256::ZERO;
        }
        reserves
            .min(MAX_SUPPLY)
            .saturating_sub(self.total_supply.get())
    }

    /// The supply after minting `amount`, which the reserves must cover (I6).
    ///
    /// # Errors
    ///
    /// * [`Error::ReservesStale`].
    /// * [`Error::ReservesExceeded`] - with the reserves that count: at most [`MAX_SUPPLY`].
    pub(crate) fn supply_after_mint(&self, amount: U256) -> Result<U256, Revert> {
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

#[cfg(test)]
mod tests {
    use motsu::prelude::*;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        access::attestor_role,
        fixture::{Coin, EVIDENCE, HOLDING, NOW, RESERVES, log_of, u, unauthorized},
    };

    proptest! {
        #[test]
        fn an_attestation_is_fresh_up_to_its_age(as_of in 1_u64.., max_age in 1_u64.., age: u64) {
            let now = as_of.saturating_add(age);
            prop_assert_eq!(is_fresh(as_of, max_age, now), now - as_of <= max_age);
        }

        #[test]
        fn nothing_is_fresh_without_attestation_or_age(now: u64, other: u64) {
            prop_assert!(!is_fresh(0, other, now));
            prop_assert!(!is_fresh(other, 0, now));
        }
    }

    #[test]
    fn attesting_sets_and_emits_even_at_the_same_time_and_while_paused() {
        let coin = Coin::deployed();
        coin.pause();
        for reserves in [u(5), u(3)] {
            let logs = coin.logs(|c| {
                c.sender(coin.attestor)
                    .attest_reserves(reserves, NOW, EVIDENCE)
            });
            let attestor = coin.attestor.address();
            assert_eq!(
                logs,
                [log_of(&ReservesAttested {
                    reserves,
                    asOf: NOW,
                    attestor,
                    evidence: EVIDENCE
                })]
            );
            assert_eq!(
                coin.contract.sender(coin.bob).reserves(),
                (reserves, NOW, 0)
            );
        }
    }

    #[test]
    fn attesting_reverts_in_the_future_and_before_the_last_one() {
        let coin = Coin::deployed();
        let attest = |as_of| {
            move |c: &Contract<TsUsdc>| {
                c.sender(Account::from_seed("attestor"))
                    .attest_reserves(u(1), as_of, EVIDENCE)
            }
        };
        let (as_of, latest) = (NOW + 1, 0);
        coin.reverts(Error::InvalidAttestation { as_of, latest }, attest(as_of));
        attest(NOW - 5)(&coin.contract).motsu_unwrap();
        let (as_of, latest) = (NOW - 6, NOW - 5);
        coin.reverts(Error::InvalidAttestation { as_of, latest }, attest(as_of));
        attest(NOW - 5)(&coin.contract).motsu_unwrap();
        attest(NOW)(&coin.contract).motsu_unwrap();
    }

    #[test]
    fn attesting_and_the_maximal_age_revert_for_others() {
        let coin = Coin::new();
        coin.reverts(unauthorized(coin.admin, attestor_role()), |c| {
            c.sender(coin.admin).attest_reserves(u(1), NOW, EVIDENCE)
        });
        coin.reverts(
            unauthorized(coin.attestor, authority::roles::DEFAULT_ADMIN_ROLE),
            |c| c.sender(coin.attestor).set_reserve_max_age(1),
        );
    }

    #[test]
    fn the_maximal_age_is_set_by_the_admin_while_paused_too() {
        let coin = Coin::new();
        coin.pause();
        let logs = coin.logs(|c| c.sender(coin.admin).set_reserve_max_age(u64::MAX));
        assert_eq!(logs, [log_of(&ReserveMaxAgeSet { maxAge: u64::MAX })]);
        assert_eq!(
            coin.contract.sender(coin.bob).reserves(),
            (u(RESERVES), NOW, u64::MAX)
        );
    }

    #[test]
    fn minting_stops_at_the_reserves_exactly() {
        let coin = Coin::new();
        let (to, left) = (coin.carol.address(), RESERVES - 2 * HOLDING);
        assert_eq!(coin.contract.sender(coin.bob).mint_headroom(), u(left));
        coin.contract
            .sender(coin.master)
            .configure_minter(coin.minter.address(), U256::MAX)
            .motsu_unwrap();
        let (supply_after, reserves) = (u(RESERVES + 1), u(RESERVES));
        coin.reverts(
            Error::ReservesExceeded {
                supply_after,
                reserves,
            },
            |c| c.sender(coin.minter).mint(to, u(left + 1)),
        );
        coin.logs(|c| c.sender(coin.minter).mint(to, u(left)));
        assert_eq!(coin.contract.sender(coin.bob).mint_headroom(), U256::ZERO);
        assert_eq!(coin.contract.sender(coin.bob).total_supply(), reserves);
        coin.reverts(
            Error::ReservesExceeded {
                supply_after,
                reserves,
            },
            |c| c.sender(coin.minter).mint(to, u(1)),
        );
    }

    #[test]
    fn minting_reverts_without_attestation_without_age_and_when_it_is_old() {
        let coin = Coin::deployed();
        let (minter, to) = (coin.minter.address(), coin.carol.address());
        coin.contract
            .sender(coin.master)
            .configure_minter(minter, U256::MAX)
            .motsu_unwrap();
        coin.contract
            .sender(coin.admin)
            .set_reserve_max_age(u64::MAX)
            .motsu_unwrap();
        let mint = |c: &Contract<TsUsdc>| c.sender(coin.minter).mint(to, u(1));
        let headroom = || coin.contract.sender(coin.bob).mint_headroom();

        coin.reverts(
            Error::ReservesStale {
                as_of: 0,
                max_age: u64::MAX,
            },
            mint,
        );
        assert_eq!(headroom(), U256::ZERO);
        coin.contract
            .sender(coin.attestor)
            .attest_reserves(u(9), NOW - 60, EVIDENCE)
            .motsu_unwrap();
        for max_age in [0, 59] {
            coin.contract
                .sender(coin.admin)
                .set_reserve_max_age(max_age)
                .motsu_unwrap();
            coin.reverts(
                Error::ReservesStale {
                    as_of: NOW - 60,
                    max_age,
                },
                mint,
            );
            assert_eq!(headroom(), U256::ZERO);
        }
        coin.contract
            .sender(coin.admin)
            .set_reserve_max_age(60)
            .motsu_unwrap();
        assert_eq!(headroom(), u(9));
        coin.logs(mint);
        coin.pause();
        assert_eq!(headroom(), U256::ZERO);
    }

    #[test]
    fn no_more_is_minted_than_a_balance_can_hold() {
        let coin = Coin::new();
        let (minter, to) = (coin.minter.address(), coin.carol.address());
        coin.contract
            .sender(coin.attestor)
            .attest_reserves(U256::MAX, NOW, EVIDENCE)
            .motsu_unwrap();
        coin.contract
            .sender(coin.master)
            .configure_minter(minter, U256::MAX)
            .motsu_unwrap();
        let headroom = MAX_SUPPLY - u(2 * HOLDING);
        assert_eq!(coin.contract.sender(coin.bob).mint_headroom(), headroom);
        let reserves = MAX_SUPPLY;
        coin.reverts(
            Error::ReservesExceeded {
                supply_after: U256::MAX,
                reserves,
            },
            |c| c.sender(coin.minter).mint(to, U256::MAX),
        );
        coin.reverts(
            Error::ReservesExceeded {
                supply_after: MAX_SUPPLY + u(1),
                reserves,
            },
            |c| c.sender(coin.minter).mint(to, headroom + u(1)),
        );
        coin.logs(|c| c.sender(coin.minter).mint(to, headroom));
        assert!(!coin.contract.sender(coin.bob).is_blacklisted(to));
        assert_eq!(coin.balance(to), headroom);
    }
}
