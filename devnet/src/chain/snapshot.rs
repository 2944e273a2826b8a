//! Snapshots: `evm_snapshot` and `evm_revert`.

use super::{
    Chain, error::ChainError, pool::Pool, rules::Rules, state::State, store::Mark, time::Clock,
};

/// Everything that reverting restores.
#[derive(Clone, Debug)]
struct Snapshot {
    id: u64,
    number: u64,
    state: State,
    clock: Clock,
    pool: Pool,
    rules: Rules,
    mark: Option<Mark>,
}

/// The snapshots taken and not yet reverted to, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Snapshots {
    taken: Vec<Snapshot>,
    count: u64,
}

impl Chain {
    /// Saves the chain as it is; returns the snapshot's id, counted from 1.
    pub fn snapshot(&self) -> u64 {
        let mut producer = self.producer();
        let (number, state) = {
            let ledger = self.ledger();
            (ledger.head().number(), ledger.head_state().clone())
        };
        producer.snapshots.count += 1;
        let id = producer.snapshots.count;
        let snapshot = Snapshot {
            id,
            number,
            state,
            clock: producer.clock.clone(),
            pool: producer.pool.clone(),
            rules: *self.rules(),
            mark: producer.journal.as_ref().map(super::store::Journal::mark),
        };
        producer.snapshots.taken.push(snapshot);
        id
    }

    /// Reverts to snapshot `id`, which is used up together with all taken after it; `false` when there is
    /// no such snapshot.
    ///
    /// # Errors
    /// [`ChainError::Store`]; nothing has changed then.
    pub fn revert(&self, id: u64) -> Result<bool, ChainError> {
        let mut producer = self.producer();
        let taken = &producer.snapshots.taken;
        let Some(index) = taken.iter().position(|snapshot| snapshot.id == id) else {
            return Ok(false);
        };
        let Some(mark) = taken.get(index).map(|snapshot| snapshot.mark) else {
            return Ok(false);
        };
        if let (Some(journal), Some(mark)) = (&mut producer.journal, mark) {
            journal
                .rewind(mark)
                .map_err(|error| ChainError::Store(error.to_string()))?;
        }
        let Some(snapshot) = producer.snapshots.taken.drain(index..).next() else {
            return Ok(false);
        };
        producer.clock = snapshot.clock;
        producer.pool = snapshot.pool;
        self.change_rules(|rules| *rules = snapshot.rules);
        self.update_ledger(|ledger| ledger.truncate(snapshot.number, snapshot.state));
        Ok(true)
    }
}
