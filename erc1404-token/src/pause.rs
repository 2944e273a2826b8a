//! The switches for everything: the pause, which ends, and the deactivation, which does not.

use runtime::{abi::Revert, log};
use stylus_sdk::prelude::*;

use super::{
    SecurityToken, codes,
    error::{restricted, revert},
    event,
    word::Settings,
};

impl SecurityToken {
    /// Suspends transfers, mints and burns, or lifts that.
    #[inline(never)]
    pub(crate) fn set_paused(&mut self, paused: bool) -> Result<(), Revert> {
        let mut settings = self.settings();
        if settings.has(Settings::PAUSED) == paused {
            return Err(if paused {
                revert!(EnforcedPause {})
            } else {
                revert!(ExpectedPause {})
            });
        }
        settings.flags ^= Settings::PAUSED;
        self.set_settings(settings);
        let mut log = if paused {
            log!(event::Paused)
        } else {
            log!(event::Unpaused)
        };
        log.data().address(self.vm().msg_sender()).emit(self.vm());
        Ok(())
    }

    /// Refuses transfers, mints and burns for ever, forced ones included.
    #[inline(never)]
    pub(crate) fn end(&mut self) -> Result<(), Revert> {
        self.check_active()?;
        let mut settings = self.settings();
        if !settings.has(Settings::PAUSED) {
            return Err(revert!(ExpectedPause {}));
        }
        settings.flags |= Settings::DEACTIVATED;
        self.set_settings(settings);
        log!(event::Deactivated)
            .data()
            .address(self.vm().msg_sender())
            .emit(self.vm());
        Ok(())
    }

    /// Refuses what moves tokens once the token is deactivated.
    #[inline(never)]
    pub(crate) fn check_active(&self) -> Result<(), Revert> {
        if self.settings().has(Settings::DEACTIVATED) {
            return Err(restricted(codes::DEACTIVATED));
        }
        Ok(())
    }
}

impl SecurityToken {
    pub(crate) fn pause(&mut self) -> Result<(), Revert> {
        self.only_pauser()?;
        self.set_paused(true)
    }

    pub(crate) fn unpause(&mut self) -> Result<(), Revert> {
        self.roles().only_default_admin()?;
        self.set_paused(false)
    }

    pub(crate) fn paused(&self) -> bool {
        self.settings().has(Settings::PAUSED)
    }

    pub(crate) fn deactivate(&mut self) -> Result<(), Revert> {
        self.roles().only_default_admin()?;
        self.end()
    }

    pub(crate) fn deactivated(&self) -> bool {
        self.settings().has(Settings::DEACTIVATED)
    }
}
