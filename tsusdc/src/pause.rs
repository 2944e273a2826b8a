//! The pause: stops all that moves value and all approvals and signatures.

use authority::abi::Refusal;
use stylus_sdk::prelude::*;

use crate::{
    access::pauser_role,
    error::Error,
    event::{log, Pause, Unpause},
    TsUsdc,
};

impl TsUsdc {
    /// Repeating it succeeds and emits again, as USDC's does.
    pub(crate) fn pause(&mut self) -> Result<(), Refusal> {
        self.only(pauser_role())?;
        self.paused.set(true);
        log!(Pause).emit(self.vm());
        Ok(())
    }

    /// Repeating it succeeds and emits again, as USDC's does.
    pub(crate) fn unpause(&mut self) -> Result<(), Refusal> {
        self.only(pauser_role())?;
        self.paused.set(false);
        log!(Unpause).emit(self.vm());
        Ok(())
    }

    pub(crate) fn paused(&self) -> bool {
        self.paused.get()
    }

    /// Refuses everything that the pause stops.
    pub(crate) fn when_not_paused(&self) -> Result<(), Refusal> {
        if self.paused.get() {
            return Err(Error::EnforcedPause {}.into());
        }
        Ok(())
    }
}
