//! Starting over: `hardhat_reset`.

use super::{
    Chain, ChainError,
    fork::{Fork, ForkError},
    genesis,
    pool::Pool,
    record::Record,
    rules::Rules,
    snapshot::Snapshots,
    time::Clock,
};
use crate::evm::ImpersonatedSignatures;
use std::sync::{Arc, PoisonError};

impl Chain {
    /// Starts over with the first block, now: no transactions, snapshots, impersonated accounts, moved
    /// time or changed rules remain. A state file keeps the old records, but they are unreachable.
    ///
    /// A fork starts over at the block that it forked, or at that of `fork`.
    ///
    /// # Errors
    /// In this order: [`ChainError::Fork`] when `fork` is of another chain, or the forked chain cannot be
    /// read; [`ChainError::Store`]. Nothing has changed in either case.
    pub fn reset(&self, fork: Option<Arc<Fork>>) -> Result<(), ChainError> {
        let mut producer = self.producer();
        let mut settings = self.rules().configured();
        if let Some(fork) = &fork {
            if fork.chain_id() != settings.chain_id {
                return Err(ChainError::Fork(ForkError::Foreign {
                    host: fork.host(),
                    what: format!(
                        "its chain id is {}, not {}",
                        fork.chain_id(),
                        settings.chain_id
                    ),
                }));
            }
            settings = settings.on(fork);
        }
        let fork = fork.or_else(|| self.fork());
        let clock = Clock::default();
        let record = genesis::genesis(
            &settings,
            &self.keys,
            self.arbos(),
            clock.peek(0),
            fork.as_ref(),
        )?;
        let ledger = genesis::first_block(&settings, &record, fork.as_ref());
        producer.write(|| Record::Reset(record))?;
        producer.clock = clock;
        producer.pool = Pool::new(settings.pool_capacity);
        producer.snapshots = Snapshots::default();
        producer.impersonated.clear();
        producer.impersonate_all = false;
        self.change_signatures(|_| ImpersonatedSignatures::default());
        self.change_rules(|rules| *rules = Rules::new(settings));
        *self.fork.write().unwrap_or_else(PoisonError::into_inner) = fork;
        self.update_ledger(|before| *before = ledger);
        Ok(())
    }
}
