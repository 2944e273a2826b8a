//! The lowest gas limit with which a transaction succeeds: `eth_estimateGas`.

use super::{
    Chain,
    call::{CallRequest, Prepared},
    error::ChainError,
};
use alloy::primitives::{TxKind, U256};
use revm::context::result::{ExecutionResult, HaltReason};

/// The search stops when the answer is known to within one part in this many, as in geth.
const PRECISION: u64 = 64;
const TRANSFER_GAS: u64 = 21_000;
const CALL_STIPEND: u64 = 2_300;

impl Chain {
    /// A gas limit with which `request` succeeds, at most 1.6 % above the lowest such limit.
    ///
    /// # Errors
    /// As [`Self::call`]; [`ChainError::GasAllowance`] when what the sender can pay, or a transaction
    /// may burn, is not enough.
    pub fn estimate(&self, request: CallRequest) -> Result<u64, ChainError> {
        let mut prepared = self.prepare(request, self.settings().transaction_gas_limit)?;
        let mut high = Self::affordable(&prepared)?;
        prepared.transaction.gas_limit = high;
        if Self::is_transfer(&prepared)? && self.succeeds(&prepared, TRANSFER_GAS)? {
            return Ok(TRANSFER_GAS);
        }
        let outcome = match self.run(&prepared, high) {
            Err(ChainError::IntrinsicGas { .. } | ChainError::FloorGas { .. }) => {
                return Err(ChainError::GasAllowance(high));
            }
            outcome => outcome?,
        };
        let gas = match &outcome {
            ExecutionResult::Success { gas, .. } => gas,
            ExecutionResult::Revert { output, .. } => {
                return Err(ChainError::Reverted(output.clone()));
            }
            ExecutionResult::Halt {
                reason: HaltReason::OutOfGas(_),
                ..
            } => {
                return Err(ChainError::GasAllowance(high));
            }
            ExecutionResult::Halt { reason, .. } => return Err(ChainError::halted(reason)),
        };
        let mut low = outcome.tx_gas_used().saturating_sub(1);
        // What was spent before refunds is usually enough, plus what calls hold back (EIP-150).
        let spent = gas.total_gas_spent().max(gas.floor_gas());
        let optimistic = spent.saturating_add(CALL_STIPEND).saturating_mul(64) / 63;
        if optimistic < high {
            if self.succeeds(&prepared, optimistic)? {
                high = optimistic;
            } else {
                low = optimistic;
            }
        }
        while high - low > 1 && high - low > high / PRECISION {
            // Most need little more than they use: start with low guesses.
            let middle = (low + (high - low) / 2).min(low.saturating_mul(2).max(1));
            if self.succeeds(&prepared, middle)? {
                high = middle;
            } else {
                low = middle;
            }
        }
        Ok(high)
    }

    /// The most gas `prepared` can have, given what its sender can pay.
    fn affordable(prepared: &Prepared) -> Result<u64, ChainError> {
        let transaction = &prepared.transaction;
        let limit = transaction.gas_limit;
        if transaction.gas_price == 0 {
            return Ok(limit);
        }
        let balance = prepared.state.balance(&transaction.caller)?;
        let Some(left) = balance.checked_sub(transaction.value) else {
            return Err(ChainError::InsufficientFunds {
                balance,
                cost: transaction.value,
                overshot: transaction.value.saturating_sub(balance),
            });
        };
        let allowance = left / U256::from(transaction.gas_price);
        Ok(limit.min(allowance.saturating_to()))
    }

    /// A plain transfer of value to an account without code.
    fn is_transfer(prepared: &Prepared) -> Result<bool, ChainError> {
        let transaction = &prepared.transaction;
        let TxKind::Call(to) = transaction.kind else {
            return Ok(false);
        };
        Ok(transaction.data.is_empty()
            && transaction.authorization_list.is_empty()
            && transaction.access_list.0.is_empty()
            && transaction.gas_limit >= TRANSFER_GAS
            && prepared.state.code(&to)?.is_empty())
    }

    fn succeeds(&self, prepared: &Prepared, gas_limit: u64) -> Result<bool, ChainError> {
        match self.run(prepared, gas_limit) {
            Ok(outcome) => Ok(outcome.is_success()),
            Err(ChainError::IntrinsicGas { .. } | ChainError::FloorGas { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
