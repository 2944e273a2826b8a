//! The settler sends what wallets left with the desk: signed cancels, and allowances that approved matches wait for.

use std::time::Instant;

use book::board::Board;
use book::board::act::WEB;
use book::log::By;
use desk::DeskError;
use desk::settlement::Desk;

use crate::trouble::Trouble;

use super::{AGAIN_AFTER, Settler, is_away};

/// When it was last tried, and how that went.
#[derive(Debug, Default)]
pub(super) struct Errands {
    at: Option<Instant>,
    trouble: Trouble,
}

impl Settler {
    /// Sends all of it, at most once a second. While the chain cannot be reached it waits, and reports nothing.
    ///
    /// # Errors
    /// `Board`.
    pub(super) async fn run_errands(
        &self,
        board: &Board,
        errands: &mut Errands,
        say: &impl Fn(&str),
    ) -> Result<(), book::board::BoardError> {
        if errands.at.is_some_and(|at| at.elapsed() < AGAIN_AFTER) {
            return Ok(());
        }
        let none =
            board.waiting_cancels().await?.is_empty() && board.waiting_permits().await?.is_empty();
        if none {
            return Ok(());
        }
        errands.at = Some(Instant::now());
        match self.try_errands(board).await {
            Err(DeskError::Board(error)) => return Err(error),
            Err(DeskError::Chain(error)) if is_away(&error) => {}
            outcome => errands.trouble.tell(outcome, say),
        }
        Ok(())
    }

    async fn try_errands(&self, board: &Board) -> Result<(), DeskError> {
        let chain = self.node.chain().await?;
        let by = By::new(WEB);
        let desk = Desk::open(board, chain, self.target.clone(), &self.operator, by).await?;
        let desk = Desk {
            gas_cap: self.gas_cap,
            ..desk
        };
        desk.run_errands().await
    }
}
