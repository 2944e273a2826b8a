//! The blocks so far, found by number, hash and transaction, and the states they left.

use super::{block::Block, error::ChainError, state::State};
use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    primitives::{B256, map::B256HashMap},
};
use std::{collections::VecDeque, sync::Arc};

/// Where a transaction is.
#[derive(Clone, Debug)]
pub struct Position {
    /// Its block.
    pub block: Arc<Block>,
    /// Its index there.
    pub index: usize,
}

/// A chain of at least one block.
#[derive(Clone, Debug)]
pub struct Ledger {
    blocks: Vec<Arc<Block>>,
    /// The number of the first block: a fork does not begin at 0.
    first: u64,
    numbers: B256HashMap<u64>,
    transactions: B256HashMap<(u64, usize)>,
    /// The states of the newest blocks; the last is the head's.
    states: VecDeque<State>,
    history: usize,
    safe_lag: u64,
    finalized_lag: u64,
}

impl Ledger {
    /// A chain of `genesis` alone that keeps the states of `history` blocks, at least one.
    pub(super) fn new(genesis: Block, state: State, history: usize) -> Self {
        let mut ledger = Self {
            blocks: Vec::new(),
            first: genesis.number(),
            numbers: B256HashMap::default(),
            transactions: B256HashMap::default(),
            states: VecDeque::new(),
            history: history.max(1),
            safe_lag: 0,
            finalized_lag: 0,
        };
        ledger.push(Arc::new(genesis), state);
        ledger
    }

    /// The same, with the tags `safe` and `finalized` this many blocks behind the newest; `finalized` is never
    /// ahead of `safe`.
    #[must_use]
    pub(super) fn lagging(mut self, safe: u64, finalized: u64) -> Self {
        self.safe_lag = safe;
        self.finalized_lag = finalized.max(safe);
        self
    }

    /// The newest block.
    ///
    /// # Panics
    /// Never: a ledger begins with its genesis, which is never removed.
    pub fn head(&self) -> &Arc<Block> {
        self.blocks.last().expect("a ledger has a genesis")
    }

    /// The state after the newest block, with edits since.
    ///
    /// # Panics
    /// Never: the head's state is always kept.
    pub fn head_state(&self) -> &State {
        self.states.back().expect("a ledger keeps its head's state")
    }

    /// The block with this number.
    pub fn block(&self, number: u64) -> Option<&Arc<Block>> {
        number
            .checked_sub(self.first)
            .and_then(|index| usize::try_from(index).ok())
            .and_then(|index| self.blocks.get(index))
    }

    /// The block `id` refers to; `pending` is the newest.
    ///
    /// # Errors
    /// [`ChainError::UnknownBlock`].
    pub fn find(&self, id: BlockId) -> Result<&Arc<Block>, ChainError> {
        let block = match id {
            BlockId::Hash(hash) => self.block_by_hash(&hash.block_hash),
            BlockId::Number(tag) => self.block(self.number(tag)),
        };
        block.ok_or(ChainError::UnknownBlock)
    }

    /// The number that `tag` refers to, whether or not there is such a block.
    pub fn number(&self, tag: BlockNumberOrTag) -> u64 {
        match tag {
            BlockNumberOrTag::Number(number) => number,
            BlockNumberOrTag::Earliest => self.first,
            BlockNumberOrTag::Safe => self.behind(self.safe_lag),
            BlockNumberOrTag::Finalized => self.behind(self.finalized_lag),
            BlockNumberOrTag::Latest | BlockNumberOrTag::Pending => self.head().number(),
        }
    }

    /// The number of the first block.
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// The number `lag` blocks behind the newest, or the first.
    fn behind(&self, lag: u64) -> u64 {
        self.head().number().saturating_sub(lag).max(self.first)
    }

    /// The block with this hash.
    pub fn block_by_hash(&self, hash: &B256) -> Option<&Arc<Block>> {
        self.numbers
            .get(hash)
            .and_then(|number| self.block(*number))
    }

    /// The hash of the block with this number, zero when there is none.
    pub fn hash(&self, number: u64) -> B256 {
        self.block(number).map_or(B256::ZERO, |block| block.hash)
    }

    /// Where the transaction with this hash is.
    pub fn transaction(&self, hash: &B256) -> Option<Position> {
        let (number, index) = *self.transactions.get(hash)?;
        Some(Position {
            block: Arc::clone(self.block(number)?),
            index,
        })
    }

    /// The state after block `number`.
    ///
    /// # Errors
    /// [`ChainError::UnknownBlock`], [`ChainError::StateNotKept`].
    pub fn state(&self, number: u64) -> Result<&State, ChainError> {
        let age = self
            .head()
            .number()
            .checked_sub(number)
            .ok_or(ChainError::UnknownBlock)?;
        usize::try_from(age)
            .ok()
            .and_then(|age| self.states.len().checked_sub(age.checked_add(1)?))
            .and_then(|index| self.states.get(index))
            .ok_or(ChainError::StateNotKept {
                number,
                kept: self.history,
            })
    }

    /// Appends `block`, whose parent is the head, and the state it leaves.
    pub(super) fn push(&mut self, block: Arc<Block>, state: State) {
        let number = block.number();
        self.numbers.insert(block.hash, number);
        for (index, transaction) in block.transactions.iter().enumerate() {
            self.transactions
                .insert(transaction.hash(), (number, index));
        }
        self.blocks.push(block);
        if self.states.len() == self.history {
            self.states.pop_front();
        }
        self.states.push_back(state);
    }

    /// Replaces the head's state with `state`, after an account was edited.
    pub(super) fn replace_head_state(&mut self, state: State) {
        self.states.pop_back();
        self.states.push_back(state);
    }

    /// Removes all blocks above `number`, and restores `state` as its state.
    pub(super) fn truncate(&mut self, number: u64, state: State) {
        while self.head().number() > number {
            if let Some(block) = self.blocks.pop() {
                self.numbers.remove(&block.hash);
                for transaction in &block.transactions {
                    self.transactions.remove(&transaction.hash());
                }
            }
            self.states.pop_back();
        }
        self.states.pop_back();
        self.states.push_back(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::settings::Settings;

    fn seal(parent: Option<&Block>, time: u64) -> Block {
        Block::seal(
            &Settings::default(),
            parent,
            time,
            B256::ZERO,
            Vec::new(),
            Vec::new(),
        )
    }

    fn chain(length: u64, history: usize) -> Ledger {
        let mut ledger = Ledger::new(seal(None, 0), State::default(), history);
        for time in 1..length {
            let head = Arc::clone(ledger.head());
            ledger.push(Arc::new(seal(Some(&head), time)), State::default());
        }
        ledger
    }

    #[test]
    fn states_beyond_the_history_are_refused_by_name() {
        let ledger = chain(10, 3);
        assert!(ledger.state(9).is_ok());
        assert!(ledger.state(7).is_ok());
        let refused = ledger.state(6).unwrap_err();
        assert_eq!(refused, ChainError::StateNotKept { number: 6, kept: 3 });
        assert_eq!(ledger.state(10).unwrap_err(), ChainError::UnknownBlock);
    }

    #[test]
    fn safe_and_finalized_lag_and_stop_at_the_first_block() {
        let tags = |ledger: &Ledger| {
            [BlockNumberOrTag::Safe, BlockNumberOrTag::Finalized].map(|tag| ledger.number(tag))
        };
        assert_eq!(tags(&chain(10, 3)), [9, 9]);
        assert_eq!(tags(&chain(10, 3).lagging(2, 5)), [7, 4]);
        assert_eq!(tags(&chain(10, 3).lagging(4, 1)), [5, 5]);
        assert_eq!(tags(&chain(3, 3).lagging(2, 64)), [0, 0]);
    }

    #[test]
    fn truncating_forgets_what_came_after() {
        let mut ledger = chain(10, 3);
        let gone = ledger.hash(9);
        ledger.truncate(5, State::default());
        assert_eq!(ledger.head().number(), 5);
        assert!(ledger.block_by_hash(&gone).is_none());
        assert!(ledger.state(5).is_ok());
        assert!(ledger.state(4).is_err());
    }
}
