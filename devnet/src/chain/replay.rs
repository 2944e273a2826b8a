//! Running the transactions of a block again, on the state before it.

use super::{
    Chain,
    block::{self, Block},
    diff::Diff,
    error::ChainError,
    settings::Settings,
    state::{State, View},
};
use crate::evm::{Engine, RecentPrograms, record::Recorder};
use alloy::consensus::Transaction as _;
use revm::context::{
    BlockEnv,
    result::{EVMError, ResultAndState},
};
use std::sync::Arc;

/// A block whose transactions are run again, one after the other.
pub(super) struct Replay<'c> {
    chain: &'c Chain,
    engine: Engine,
    settings: Settings,
    block: Arc<Block>,
    environment: BlockEnv,
    state: State,
    recent: RecentPrograms,
    next: usize,
}

/// A transaction that ran again.
pub(super) struct Replayed {
    /// The accounts before it.
    pub(super) before: State,
    pub(super) outcome: ResultAndState,
}

impl Chain {
    /// `block`, before its first transaction.
    ///
    /// # Errors
    /// [`ChainError::Genesis`], [`ChainError::StateNotKept`].
    pub(super) fn replay(&self, block: Arc<Block>) -> Result<Replay<'_>, ChainError> {
        let parent = block.number().checked_sub(1).ok_or(ChainError::Genesis)?;
        // Includes the edits that were made before the block.
        let state = self.ledger().state(parent)?.clone();
        let settings = self.settings().of_block(&block.header);
        Ok(Replay {
            chain: self,
            engine: self
                .engine
                .clone()
                .with_signatures(block.signatures.clone()),
            settings,
            environment: block::environment_of(&settings, &block),
            block,
            state,
            recent: RecentPrograms::default(),
            next: 0,
        })
    }
}

impl Replay<'_> {
    /// Runs the transactions before the one at `index`.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub(super) fn skip_to(&mut self, index: usize) -> Result<(), ChainError> {
        while self.next < index && self.step(None)?.is_some() {}
        Ok(())
    }

    /// Runs the next transaction, if there is one, and reports everything to `recorder`.
    ///
    /// # Errors
    /// [`ChainError::InvalidTransaction`] when it does not run as it did originally.
    pub(super) fn step(
        &mut self,
        recorder: Option<&mut Recorder>,
    ) -> Result<Option<Replayed>, ChainError> {
        let Some(transaction) = self.block.transactions.get(self.next) else {
            return Ok(None);
        };
        let (engine, settings) = (&self.engine, &self.settings);
        let before = self.state.clone();
        // As it was when the transaction was signed.
        let chain_id = transaction.envelope.chain_id();
        let chain_id = chain_id.unwrap_or(settings.chain_id);
        let mut config = engine.config_with(chain_id, before.has_calldata_floor());
        config.disable_eip3607 = transaction.impersonated;
        let mut view = View::new(&before, |number| self.chain.ledger().hash(number));
        let outcome = engine
            .record(
                &mut view,
                config,
                self.environment.clone(),
                transaction.env(settings, engine.signatures()),
                &mut self.recent,
                recorder,
            )
            .map_err(|error| match error {
                EVMError::Database(error) => ChainError::Fork(error),
                other => ChainError::InvalidTransaction(other.to_string()),
            })?;
        self.state.write(&Diff::from(outcome.state.clone()));
        self.next += 1;
        Ok(Some(Replayed { before, outcome }))
    }

    /// The accounts after the transactions so far.
    pub(super) fn into_state(self) -> State {
        self.state
    }
}
