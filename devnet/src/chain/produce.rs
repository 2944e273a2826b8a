//! Making blocks.

use super::{
    Chain, Event,
    block::{self, Block},
    diff::Diff,
    error::ChainError,
    pool::Pool,
    receipt::{Outcome, Receipt},
    record::{BlockRecord, Record},
    rules::Rules,
    settings::Settings,
    snapshot::Snapshots,
    state::{State, View},
    store::Journal,
    time::Clock,
    transaction::PooledTransaction,
};
use crate::evm::{Engine, RecentPrograms};
use alloy::{
    consensus::Transaction as _,
    primitives::{Address, B256, map::AddressHashSet},
};
use revm::context::BlockEnv;
use std::sync::Arc;

/// What is used only while making blocks.
#[derive(Debug)]
pub(super) struct Producer {
    pub(super) clock: Clock,
    pub(super) pool: Pool,
    pub(super) snapshots: Snapshots,
    pub(super) automine: bool,
    pub(super) impersonated: AddressHashSet,
    pub(super) impersonate_all: bool,
    pub(super) journal: Option<Journal>,
    /// Hashes of accepted transactions, for clients that poll.
    pub(super) accepted: Vec<B256>,
}

impl Producer {
    pub(super) fn new(clock: Clock, pool: Pool, journal: Option<Journal>) -> Self {
        Self {
            clock,
            pool,
            snapshots: Snapshots::default(),
            automine: true,
            impersonated: AddressHashSet::default(),
            impersonate_all: false,
            journal,
            accepted: Vec::new(),
        }
    }

    pub(super) fn write(&mut self, record: impl FnOnce() -> Record) -> Result<(), ChainError> {
        match &mut self.journal {
            Some(journal) => journal
                .append(&record())
                .map_err(|error| ChainError::Store(error.to_string())),
            None => Ok(()),
        }
    }
}

/// A block while transactions are added to it.
struct Draft<'a> {
    chain: &'a Chain,
    engine: Engine,
    settings: Settings,
    environment: BlockEnv,
    state: State,
    diff: Diff,
    recent: RecentPrograms,
    transactions: Vec<PooledTransaction>,
    receipts: Vec<Receipt>,
}

impl Draft<'_> {
    fn gas_used(&self) -> u64 {
        self.receipts
            .last()
            .map_or(0, |receipt| receipt.cumulative_gas_used)
    }

    /// Executes `transaction` on top of those before it; an invalid one changes nothing.
    fn add(&mut self, transaction: PooledTransaction) -> Result<(), ChainError> {
        let settings = &self.settings;
        let engine = &self.engine;
        transaction.check(&self.state, settings, engine)?;
        let floor = self.state.has_calldata_floor();
        let mut config = engine.config_with(settings.chain_id, floor);
        config.disable_eip3607 = transaction.impersonated;
        let mut view = View::new(&self.state, |number| self.chain.ledger().hash(number));
        let outcome = engine
            .transact_in_block(
                &mut view,
                config,
                self.environment.clone(),
                transaction.env(settings, engine.signatures()),
                &mut self.recent,
            )
            .map_err(|error| {
                ChainError::engine(
                    error,
                    transaction.sender,
                    settings.base_fee,
                    transaction.envelope.max_fee_per_gas(),
                )
            })?;
        let diff = Diff::from(outcome.state);
        self.state.write(&diff);
        self.diff.merge(diff);
        let success = outcome.result.is_success();
        let outcome = Outcome {
            success,
            gas_used: outcome.result.tx_gas_used(),
            logs: if success {
                outcome.result.into_logs()
            } else {
                Vec::new()
            },
        };
        let price = settings.base_fee.into();
        let receipt = Receipt::after(self.receipts.last(), &transaction, price, outcome);
        self.receipts.push(receipt);
        self.transactions.push(transaction);
        Ok(())
    }
}

/// What to do with a block without transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Empty {
    /// Make it.
    Seal,
    /// Do not make it.
    Skip,
}

/// The next nonce of `sender`, whose account was read when its transaction was accepted.
fn next_nonce(state: &State, sender: &Address) -> u64 {
    state.nonce(sender).unwrap_or_default()
}

/// A transaction that could not go into a block after all, and why.
pub(super) type Dropped = (B256, ChainError);

impl Chain {
    /// Makes one block of waiting transactions, at most `limit` of them and as many as its gas
    /// allows; those that turn out invalid are dropped and returned. `empty` says what happens when none
    /// is left.
    ///
    /// # Errors
    /// [`ChainError::Store`]; the chain and the pool are then as before.
    pub(super) fn produce(
        &self,
        producer: &mut Producer,
        limit: usize,
        empty: Empty,
    ) -> Result<(Option<Arc<Block>>, Vec<Dropped>), ChainError> {
        let (parent, state) = {
            let ledger = self.ledger();
            (Arc::clone(ledger.head()), ledger.head_state().clone())
        };
        let timestamp = producer.clock.peek(parent.timestamp());
        let settings = self.settings();
        let mut draft = Draft {
            chain: self,
            engine: self.engine(),
            settings,
            environment: block::environment(&settings, parent.number() + 1, timestamp),
            state,
            diff: Diff::default(),
            recent: RecentPrograms::default(),
            transactions: Vec::new(),
            receipts: Vec::new(),
        };
        let mut dropped = Vec::new();
        while draft.transactions.len() < limit && draft.gas_used() < settings.block_capacity() {
            let next_nonce = |sender: &Address| next_nonce(&draft.state, sender);
            let Some(transaction) = producer.pool.take_ready(next_nonce) else {
                break;
            };
            let hash = transaction.hash();
            if let Err(error) = draft.add(transaction) {
                dropped.push((hash, error));
            }
        }
        if draft.transactions.is_empty() && empty == Empty::Skip {
            return Ok((None, dropped));
        }
        let Draft {
            engine,
            mut state,
            diff,
            transactions,
            receipts,
            ..
        } = draft;
        state.commit(&diff);
        let commitment = state.commitment();
        let mut block = Block::seal(
            &settings,
            Some(&parent),
            timestamp,
            commitment,
            transactions,
            receipts,
        );
        block.signatures = engine.signatures().clone();
        let mut clock = producer.clock.clone();
        clock.advance(timestamp);
        let configured = self.rules().configured();
        let written = producer
            .write(|| Record::Block(BlockRecord::new(&block, diff, clock.offset(), &configured)));
        if let Err(error) = written {
            for transaction in block.transactions {
                // It fit a moment ago.
                let _ = producer.pool.insert(transaction);
            }
            return Err(error);
        }
        producer.clock = clock;
        self.change_rules(Rules::block_made);
        let block = Arc::new(block);
        self.update_ledger(|ledger| ledger.push(Arc::clone(&block), state));
        self.emit(Event::Block(Arc::clone(&block)));
        Ok((Some(block), dropped))
    }

    /// Makes a block for each waiting transaction that is due; those that turn out invalid are dropped
    /// and returned.
    ///
    /// # Errors
    /// [`ChainError::Store`].
    pub(super) fn drain(&self, producer: &mut Producer) -> Result<Vec<Dropped>, ChainError> {
        let mut dropped = Vec::new();
        loop {
            let state = self.ledger().head_state().clone();
            if !producer.pool.any_ready(|sender| next_nonce(&state, sender)) {
                return Ok(dropped);
            }
            dropped.extend(self.produce(producer, 1, Empty::Skip)?.1);
        }
    }

    /// Makes a block of the waiting transactions, even if there are none.
    ///
    /// # Errors
    /// [`ChainError::Store`].
    pub fn mine(&self) -> Result<Arc<Block>, ChainError> {
        self.produce_any(&mut self.producer())
    }

    /// As [`Self::mine`], for callers that hold the producer.
    pub(super) fn produce_any(&self, producer: &mut Producer) -> Result<Arc<Block>, ChainError> {
        let (block, _) = self.produce(producer, usize::MAX, Empty::Seal)?;
        Ok(block.unwrap_or_else(|| self.head()))
    }
}
