//! Accepting transactions.

use super::{
    Chain, Event, call::CallRequest, error::ChainError, keys::impersonated_signature,
    transaction::PooledTransaction,
};
use alloy::{
    consensus::TypedTransaction,
    primitives::{Address, B256, TxKind},
    rpc::types::TransactionRequest,
};
use std::sync::PoisonError;

impl Chain {
    /// Accepts a signed transaction. With automine it is in a block when this returns, unless an earlier
    /// nonce of its sender is missing.
    ///
    /// # Errors
    /// In this order: [`ChainError::SignedOnFork`], as [`PooledTransaction::decode`], [`ChainError::AlreadyKnown`], as
    /// [`PooledTransaction::check`], [`ChainError::Underpriced`], [`ChainError::PoolFull`],
    /// [`ChainError::Store`].
    pub fn submit_raw(&self, raw: &[u8]) -> Result<B256, ChainError> {
        self.require_signed()?;
        self.submit(PooledTransaction::decode(raw)?)
    }

    /// Checks that signed transactions are accepted, and made.
    ///
    /// # Errors
    /// [`ChainError::SignedOnFork`].
    pub fn require_signed(&self) -> Result<(), ChainError> {
        let settings = self.settings();
        if settings.accept_signed {
            Ok(())
        } else {
            Err(ChainError::SignedOnFork(settings.chain_id))
        }
    }

    fn submit(&self, transaction: PooledTransaction) -> Result<B256, ChainError> {
        let hash = transaction.hash();
        let mut producer = self.producer();
        let state = {
            let ledger = self.ledger();
            if ledger.transaction(&hash).is_some() {
                return Err(ChainError::AlreadyKnown);
            }
            ledger.head_state().clone()
        };
        transaction.check(&state, &self.settings(), &self.engine)?;
        producer.pool.insert(transaction)?;
        if producer.automine {
            let dropped = match self.drain(&mut producer) {
                Ok(dropped) => dropped,
                Err(error) => {
                    producer.pool.remove(&hash);
                    return Err(error);
                }
            };
            if let Some((_, error)) = dropped.into_iter().find(|(dropped, _)| *dropped == hash) {
                return Err(error);
            }
        }
        producer.accepted.push(hash);
        self.emit(Event::Accepted(hash));
        Ok(hash)
    }

    /// Signs `request` with the node's key for its sender, or as its impersonator, and accepts it. A fork that
    /// accepts nothing signed accepts it unsigned.
    ///
    /// # Errors
    /// [`ChainError::UnknownAccount`]; as [`Self::complete`]; as [`Self::submit_raw`].
    pub fn send(&self, request: TransactionRequest) -> Result<B256, ChainError> {
        let _sending = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = request.from.ok_or(ChainError::UnknownAccount)?;
        let impersonated = {
            let producer = self.producer();
            producer.impersonate_all || producer.impersonated.contains(&sender)
        };
        if !impersonated && !self.keys.addresses().contains(&sender) {
            return Err(ChainError::UnknownAccount);
        }
        if impersonated || !self.settings().accept_signed {
            return self.submit_unsigned(sender, request);
        }
        let transaction = self.complete(request)?;
        let envelope = self
            .keys
            .sign_transaction(&sender, transaction)
            .ok_or(ChainError::UnknownAccount)?;
        self.submit(PooledTransaction {
            envelope,
            sender,
            impersonated,
        })
    }

    /// Accepts `request` as if its sender, whoever that is, were impersonated.
    ///
    /// # Errors
    /// [`ChainError::UnknownAccount`] without a sender; as [`Self::complete`]; as [`Self::submit_raw`].
    pub fn send_unsigned(&self, request: TransactionRequest) -> Result<B256, ChainError> {
        let _sending = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = request.from.ok_or(ChainError::UnknownAccount)?;
        self.submit_unsigned(sender, request)
    }

    fn submit_unsigned(
        &self,
        sender: Address,
        request: TransactionRequest,
    ) -> Result<B256, ChainError> {
        let transaction = self.complete(request)?;
        self.submit(PooledTransaction {
            envelope: transaction.into_envelope(impersonated_signature(&sender)),
            sender,
            impersonated: true,
        })
    }

    /// `request` with missing fields filled in: nonce, gas, fees, chain id.
    ///
    /// # Errors
    /// [`ChainError::InvalidTransaction`] when its fields contradict each other;
    /// [`ChainError::UnsupportedType`] for blobs; the errors of estimating its gas.
    pub fn complete(
        &self,
        mut request: TransactionRequest,
    ) -> Result<TypedTransaction, ChainError> {
        let settings = self.settings();
        let sender = request.from.unwrap_or_default();
        if request.sidecar.is_some() || request.blob_versioned_hashes.is_some() {
            return Err(ChainError::UnsupportedType);
        }
        if let Some(have) = request.chain_id
            && have != settings.chain_id
        {
            return Err(ChainError::WrongChain {
                have,
                want: settings.chain_id,
            });
        }
        request.chain_id = Some(settings.chain_id);
        request.to.get_or_insert(TxKind::Create);
        let legacy = request.gas_price.is_some() || matches!(request.transaction_type, Some(0 | 1));
        if legacy {
            if request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some() {
                return Err(ChainError::InvalidTransaction(
                    "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified".into(),
                ));
            }
            request.gas_price.get_or_insert(settings.base_fee.into());
        } else {
            let tip = *request.max_priority_fee_per_gas.get_or_insert(0);
            let fee = u128::from(settings.base_fee)
                .saturating_mul(2)
                .saturating_add(tip);
            request.max_fee_per_gas.get_or_insert(fee);
        }
        if request.nonce.is_none() {
            request.nonce = Some(self.pending_nonce(&sender)?);
        }
        if request.gas.is_none() {
            let gas = self.estimate(CallRequest::pending(request.clone()))?;
            request.gas = Some(gas);
        }
        request.build_typed_tx().map_err(|_| {
            ChainError::InvalidTransaction("the transaction's fields contradict each other".into())
        })
    }

    /// The next nonce of `sender`, counting its waiting transactions.
    ///
    /// # Errors
    /// [`ChainError::Fork`].
    pub fn pending_nonce(&self, sender: &Address) -> Result<u64, ChainError> {
        let producer = self.producer();
        let state = self.ledger().head_state().clone();
        let next = state.nonce(sender)?;
        Ok(producer.pool.nonce_after(sender, next))
    }
}
