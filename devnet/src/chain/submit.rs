//! Taking transactions in.

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
    /// Takes in a signed transaction. With automine it stands in a block when this returns, unless an
    /// earlier nonce of its sender is missing.
    ///
    /// # Errors
    /// In this order: as [`PooledTransaction::decode`], [`ChainError::AlreadyKnown`], as
    /// [`PooledTransaction::check`], [`ChainError::Underpriced`], [`ChainError::PoolFull`],
    /// [`ChainError::Store`].
    pub fn submit_raw(&self, raw: &[u8]) -> Result<B256, ChainError> {
        self.submit(PooledTransaction::decode(raw)?)
    }

    fn submit(&self, transaction: PooledTransaction) -> Result<B256, ChainError> {
        let hash = transaction.hash();
        let mut producer = self.producer();
        {
            let ledger = self.ledger();
            if ledger.transaction(&hash).is_some() {
                return Err(ChainError::AlreadyKnown);
            }
            transaction.check(ledger.head_state(), &self.settings, &self.engine)?;
        }
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

    /// Signs `request` with the node's key of its sender, or as its impersonator, and takes it in.
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
        let transaction = self.complete(request)?;
        let envelope = if impersonated {
            transaction.into_envelope(impersonated_signature(&sender))
        } else {
            self.keys
                .sign_transaction(&sender, transaction)
                .ok_or(ChainError::UnknownAccount)?
        };
        self.submit(PooledTransaction {
            envelope,
            sender,
            impersonated,
        })
    }

    /// `request` with what it leaves out filled in: nonce, gas, fees, chain id.
    ///
    /// # Errors
    /// [`ChainError::InvalidTransaction`] when its fields contradict each other;
    /// [`ChainError::UnsupportedType`] for blobs; what estimating its gas ends with.
    pub fn complete(
        &self,
        mut request: TransactionRequest,
    ) -> Result<TypedTransaction, ChainError> {
        let sender = request.from.unwrap_or_default();
        if request.sidecar.is_some() || request.blob_versioned_hashes.is_some() {
            return Err(ChainError::UnsupportedType);
        }
        if let Some(have) = request.chain_id
            && have != self.settings.chain_id
        {
            return Err(ChainError::WrongChain {
                have,
                want: self.settings.chain_id,
            });
        }
        request.chain_id = Some(self.settings.chain_id);
        request.to.get_or_insert(TxKind::Create);
        let legacy = request.gas_price.is_some() || matches!(request.transaction_type, Some(0 | 1));
        if legacy {
            if request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some() {
                return Err(ChainError::InvalidTransaction(
                    "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified".into(),
                ));
            }
            request
                .gas_price
                .get_or_insert(self.settings.base_fee.into());
        } else {
            let tip = *request.max_priority_fee_per_gas.get_or_insert(0);
            let fee = u128::from(self.settings.base_fee)
                .saturating_mul(2)
                .saturating_add(tip);
            request.max_fee_per_gas.get_or_insert(fee);
        }
        if request.nonce.is_none() {
            request.nonce = Some(self.pending_nonce(&sender));
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
    pub fn pending_nonce(&self, sender: &Address) -> u64 {
        let producer = self.producer();
        let next = self.ledger().head_state().nonce(sender);
        producer.pool.nonce_after(sender, next)
    }
}
