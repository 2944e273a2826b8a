//! What an order waits for and only its owner can do: allow the contract to take what it gives, or fund it.

use alloy::primitives::U256;
use book::market::amount::units;

use crate::needs::Need;
use crate::transaction::Transaction;

/// One thing that waits for the reader.
pub(super) enum Waiting {
    /// The contract must be allowed to take it.
    Allow {
        symbol: String,
        amount: String,
        allowed: String,
        transaction: Transaction,
        /// Base units, as the wallet signs them if it signs instead of sending.
        value: String,
    },
    /// The balance is missing.
    Have {
        symbol: String,
        missing: String,
        needed: String,
        free: String,
    },
}

/// What is missing of a token, for all open orders together.
pub(super) fn waiting(need: &Need) -> Vec<Waiting> {
    let written = |amount: U256| units(amount, need.decimals);
    let mut all = Vec::new();
    if let Some(transaction) = &need.approve {
        all.push(Waiting::Allow {
            symbol: need.symbol.clone(),
            amount: written(need.needed_together),
            allowed: written(need.allowance),
            transaction: transaction.clone(),
            value: need.needed_together.to_string(),
        });
    }
    if !need.missing_balance_together.is_zero() {
        all.push(Waiting::Have {
            symbol: need.symbol.clone(),
            missing: written(need.missing_balance_together),
            needed: written(need.needed_together),
            free: written(need.free),
        });
    }
    all
}
