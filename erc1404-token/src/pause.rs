//! The switches for everything: the pause, which ends, and the deactivation, which does not.

use authority::abi::Refusal;
use stylus_sdk::prelude::*;

use super::{
    codes,
    error::{refusal, restricted},
    event::log,
    word::Settings,
    SecurityToken,
};

impl SecurityToken {
    /// Suspends transfers, mints and burns, or lifts that.
    #[inline(never)]
    pub(crate) fn set_paused(&mut self, paused: bool) -> Result<(), Refusal> {
        let mut settings = self.settings();
        if settings.has(Settings::PAUSED) == paused {
            return Err(if paused {
                refusal!(EnforcedPause {})
            } else {
                refusal!(ExpectedPause {})
            });
        }
        settings.flags ^= Settings::PAUSED;
        self.set_settings(settings);
        let mut log = if paused { log!(Paused) } else { log!(Unpaused) };
        log.data().address(self.vm().msg_sender()).emit(self.vm());
        Ok(())
    }

    /// Refuses transfers, mints and burns for ever, forced ones included.
    #[inline(never)]
    pub(crate) fn end(&mut self) -> Result<(), Refusal> {
        self.check_active()?;
        let mut settings = self.settings();
        settings.flags |= Settings::DEACTIVATED;
        self.set_settings(settings);
        log!(Deactivated)
            .data()
            .address(self.vm().msg_sender())
            .emit(self.vm());
        Ok(())
    }

    /// Refuses what moves tokens once the token is deactivated.
    #[inline(never)]
    pub(crate) fn check_active(&self) -> Result<(), Refusal> {
        if self.settings().has(Settings::DEACTIVATED) {
            return Err(restricted(codes::DEACTIVATED));
        }
        Ok(())
    }
}

impl SecurityToken {
    pub(crate) fn pause(&mut self) -> Result<(), Refusal> {
        self.only_pauser()?;
        self.set_paused(true)
    }

    pub(crate) fn unpause(&mut self) -> Result<(), Refusal> {
        self.only_pauser()?;
        self.set_paused(false)
    }

    pub(crate) fn paused(&self) -> bool {
        self.settings().has(Settings::PAUSED)
    }

    pub(crate) fn deactivate(&mut self) -> Result<(), Refusal> {
        self.roles().only_default_admin()?;
        self.end()
    }

    pub(crate) fn deactivated(&self) -> bool {
        self.settings().has(Settings::DEACTIVATED)
    }
}
