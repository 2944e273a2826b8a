//! Transactions that wait for a block.

use super::{error::ChainError, transaction::PooledTransaction};
use alloy::{
    consensus::Transaction as _,
    primitives::{Address, B256, map::AddressHashMap},
};
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
struct Entry {
    arrival: u64,
    transaction: PooledTransaction,
}

/// Waiting transactions by sender and nonce; they leave in order of arrival, nonces permitting.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    senders: AddressHashMap<BTreeMap<u64, Entry>>,
    arrivals: u64,
    capacity: usize,
}

impl Pool {
    /// An empty pool for `capacity` transactions.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            senders: AddressHashMap::default(),
            arrivals: 0,
            capacity,
        }
    }

    /// The number of waiting transactions.
    pub(super) fn len(&self) -> usize {
        self.senders.values().map(BTreeMap::len).sum()
    }

    /// Adds a transaction; one with the same sender and nonce is replaced if the new one pays at least a tenth more.
    ///
    /// # Errors
    /// In this order: [`ChainError::AlreadyKnown`], [`ChainError::Underpriced`],
    /// [`ChainError::PoolFull`].
    pub(super) fn insert(&mut self, transaction: PooledTransaction) -> Result<(), ChainError> {
        let waiting = self.len();
        let queue = self.senders.entry(transaction.sender).or_default();
        let mut arrival = self.arrivals;
        if let Some(earlier) = queue.get(&transaction.nonce()) {
            if earlier.transaction.hash() == transaction.hash() {
                return Err(ChainError::AlreadyKnown);
            }
            let price = earlier.transaction.envelope.max_fee_per_gas();
            let needed = price.saturating_add(price / 10);
            if transaction.envelope.max_fee_per_gas() < needed {
                return Err(ChainError::Underpriced);
            }
            arrival = earlier.arrival;
        } else if waiting >= self.capacity {
            return Err(ChainError::PoolFull);
        }
        queue.insert(
            transaction.nonce(),
            Entry {
                arrival,
                transaction,
            },
        );
        self.arrivals += 1;
        Ok(())
    }

    /// Whether any transaction is due, by the senders' next nonces.
    pub(super) fn any_ready(&self, next_nonce: impl Fn(&Address) -> u64) -> bool {
        self.senders
            .iter()
            .any(|(sender, queue)| queue.contains_key(&next_nonce(sender)))
    }

    /// Removes and returns the transaction that came first among those that are due, by the senders' next
    /// nonces; those with a used nonce are dropped.
    pub(super) fn take_ready(
        &mut self,
        next_nonce: impl Fn(&Address) -> u64,
    ) -> Option<PooledTransaction> {
        let mut first: Option<(u64, Address)> = None;
        self.senders.retain(|sender, queue| {
            let next = next_nonce(sender);
            queue.retain(|nonce, _| *nonce >= next);
            if let Some(entry) = queue.get(&next)
                && first.is_none_or(|(arrival, _)| entry.arrival < arrival)
            {
                first = Some((entry.arrival, *sender));
            }
            !queue.is_empty()
        });
        let (_, sender) = first?;
        let queue = self.senders.get_mut(&sender)?;
        let (_, entry) = queue.pop_first()?;
        Some(entry.transaction)
    }

    /// Removes the transaction with this hash; returns whether there was one.
    pub(super) fn remove(&mut self, hash: &B256) -> bool {
        let before = self.len();
        for queue in self.senders.values_mut() {
            queue.retain(|_, entry| entry.transaction.hash() != *hash);
        }
        self.len() < before
    }

    /// Removes the transactions of `sender`, or all of them; returns how many there were.
    pub(super) fn clear(&mut self, sender: Option<&Address>) -> usize {
        let before = self.len();
        match sender {
            Some(sender) => {
                self.senders.remove(sender);
            }
            None => self.senders.clear(),
        }
        before - self.len()
    }

    /// The waiting transaction with this hash.
    pub(super) fn get(&self, hash: &B256) -> Option<&PooledTransaction> {
        self.iter().find(|transaction| transaction.hash() == *hash)
    }

    /// All waiting transactions, by sender in no order, then by nonce.
    pub(super) fn iter(&self) -> impl Iterator<Item = &PooledTransaction> {
        self.senders
            .values()
            .flat_map(BTreeMap::values)
            .map(|entry| &entry.transaction)
    }

    /// The nonce after the waiting transactions of `sender` that follow `next` without a gap.
    pub(super) fn nonce_after(&self, sender: &Address, next: u64) -> u64 {
        let Some(queue) = self.senders.get(sender) else {
            return next;
        };
        let mut nonce = next;
        while queue.contains_key(&nonce) {
            nonce += 1;
        }
        nonce
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::{
        consensus::{SignableTransaction, TxLegacy},
        primitives::{Signature, U256, address},
    };

    const ANNA: Address = address!("0x00000000000000000000000000000000000000aa");
    const BERT: Address = address!("0x00000000000000000000000000000000000000bb");

    fn transaction(sender: Address, nonce: u64, gas_price: u128) -> PooledTransaction {
        let signature = Signature::new(U256::from(1), U256::from(1), false);
        let legacy = TxLegacy {
            nonce,
            gas_price,
            ..TxLegacy::default()
        };
        PooledTransaction {
            envelope: legacy.into_signed(signature).into(),
            sender,
            impersonated: true,
        }
    }

    #[test]
    fn transactions_leave_in_the_order_they_came_but_nonces_first() {
        let mut pool = Pool::new(10);
        for (sender, nonce) in [(ANNA, 1), (BERT, 0), (ANNA, 0)] {
            pool.insert(transaction(sender, nonce, 1)).unwrap();
        }
        let mut nonces = AddressHashMap::<u64>::default();
        let mut left = Vec::new();
        while let Some(next) =
            pool.take_ready(|sender| nonces.get(sender).copied().unwrap_or_default())
        {
            nonces.insert(next.sender, next.nonce() + 1);
            left.push((next.sender, next.nonce()));
        }
        assert_eq!(left, [(BERT, 0), (ANNA, 0), (ANNA, 1)]);
        assert_eq!(pool.len(), 0);
    }

    #[test]
    fn a_gap_waits_and_a_used_nonce_is_dropped() {
        let mut pool = Pool::new(10);
        pool.insert(transaction(ANNA, 0, 1)).unwrap();
        pool.insert(transaction(ANNA, 3, 1)).unwrap();
        assert!(pool.take_ready(|_| 2).is_none());
        assert_eq!(pool.len(), 1);
        assert_eq!(pool.take_ready(|_| 3).unwrap().nonce(), 3);
    }

    #[test]
    fn insert_reverts_for_the_same_transaction_and_for_an_underpriced_one() {
        let mut pool = Pool::new(10);
        pool.insert(transaction(ANNA, 0, 100)).unwrap();
        let again = pool.insert(transaction(ANNA, 0, 100));
        assert_eq!(again.unwrap_err(), ChainError::AlreadyKnown);
        let cheap = pool.insert(transaction(ANNA, 0, 109));
        assert_eq!(cheap.unwrap_err(), ChainError::Underpriced);
        pool.insert(transaction(ANNA, 0, 110)).unwrap();
        assert_eq!(pool.len(), 1);
    }

    #[test]
    fn insert_reverts_when_the_pool_is_full() {
        let mut pool = Pool::new(1);
        pool.insert(transaction(ANNA, 0, 1)).unwrap();
        let refused = pool.insert(transaction(BERT, 0, 1));
        assert_eq!(refused.unwrap_err(), ChainError::PoolFull);
        assert_eq!(pool.nonce_after(&ANNA, 0), 1);
        assert_eq!(pool.nonce_after(&BERT, 0), 0);
    }
}
