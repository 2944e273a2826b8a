//! The pause: stops all that moves value and all approvals and signatures. Whoever may stop the coin in a hurry may not
//! start it again: that is the admin's.

use runtime::{abi::Revert, log};
use stylus_sdk::prelude::*;

use super::{
    TsUsdc,
    access::pauser_role,
    error::Error,
    event::{Pause, Unpause},
    globals::Globals,
};

impl TsUsdc {
    /// Repeating it succeeds and emits again, as USDC's does.
    pub(crate) fn pause(&mut self) -> Result<(), Revert> {
        self.only(pauser_role())?;
        self.set_paused(true);
        log!(Pause).emit(self.vm());
        Ok(())
    }

    /// Repeating it succeeds and emits again, as USDC's does.
    pub(crate) fn unpause(&mut self) -> Result<(), Revert> {
        self.roles.only_default_admin()?;
        self.set_paused(false);
        log!(Unpause).emit(self.vm());
        Ok(())
    }

    pub(crate) fn paused(&self) -> bool {
        self.globals().paused
    }

    fn set_paused(&mut self, paused: bool) {
        self.set_globals(Globals {
            paused,
            ..self.globals()
        });
    }

    /// Refuses everything that the pause stops.
    pub(crate) fn when_not_paused(&self) -> Result<(), Revert> {
        if self.paused() {
            return Err(Error::EnforcedPause {}.into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use authority::roles::DEFAULT_ADMIN_ROLE;

    use super::*;
    use crate::{
        access::pauser_role,
        fixture::{Coin, log_of, unauthorized},
    };

    #[test]
    fn pause_and_unpause_emit_each_time() {
        let coin = Coin::new();
        for _ in 0..2 {
            let logs = coin.logs(|coin_| coin_.sender(coin.pauser).pause());
            assert_eq!(logs, [log_of(&Pause {})]);
            assert!(coin.contract.sender(coin.alice).paused());
        }
        for _ in 0..2 {
            let logs = coin.logs(|coin_| coin_.sender(coin.admin).unpause());
            assert_eq!(logs, [log_of(&Unpause {})]);
            assert!(!coin.contract.sender(coin.alice).paused());
        }
    }

    #[test]
    fn pause_and_unpause_revert_for_others() {
        let coin = Coin::new();
        coin.reverts(unauthorized(coin.admin, pauser_role()), |c| {
            c.sender(coin.admin).pause()
        });
        coin.pause();
        for account in [coin.pauser, coin.alice] {
            coin.reverts(unauthorized(account, DEFAULT_ADMIN_ROLE), |c| {
                c.sender(account).unpause()
            });
        }
    }
}
