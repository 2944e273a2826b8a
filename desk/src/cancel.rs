//! Cancelling one order on chain, as its owner or as the operator.

use alloy::primitives::{Address, B256, Bytes};
use book::market::record::OrderRecord;
use serde::{Deserialize, Serialize};

use crate::chain::abi::IDvPSettlement;
use crate::chain::act::Prepared;
use crate::chain::{Chain, ChainError};
use crate::error::DeskError;
use crate::finality::Horizon;
use crate::settlement::Desk;
use crate::signing::request::{CancelTerms, Request};
use crate::signing::signer::Signer;

/// An owner's cancel that anybody can send: it can only ever cancel that order.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SignedCancel {
    /// The chain it is signed for.
    pub chain_id: u64,
    /// The settlement contract it is signed for.
    pub settlement: Address,
    /// The order's id.
    pub id: B256,
    /// The owner's signature.
    pub signature: Bytes,
}

impl SignedCancel {
    /// Signs with the owner's key.
    ///
    /// # Errors
    /// `Sign`.
    pub fn sign(order: &OrderRecord, owner: &Signer) -> Result<Self, ChainError> {
        let terms = CancelTerms {
            chain_id: order.chain_id,
            settlement: order.contract,
            id: order.id,
        };
        let signature = owner
            .sign(&Request::Cancel(terms.clone()))
            .map_err(|error| ChainError::Sign(error.to_string()))?;
        Ok(Self {
            chain_id: terms.chain_id,
            settlement: terms.settlement,
            id: terms.id,
            signature: signature.as_bytes().to_vec().into(),
        })
    }

    /// Whether it is for this chain and contract.
    ///
    /// # Errors
    /// `OtherVenue`.
    pub fn check(&self, chain: &Chain, settlement: Address) -> Result<(), DeskError> {
        if (self.chain_id, self.settlement) == (chain.id(), settlement) {
            return Ok(());
        }
        Err(DeskError::OtherVenue {
            book_contract: self.settlement,
            book_chain: self.chain_id,
            contract: settlement,
            chain: chain.id(),
        })
    }
}

impl Desk<'_> {
    /// Cancels an order as its owner, registered or not, and records it.
    ///
    /// # Errors
    /// `Board`, `Chain`, `Unrecorded`.
    pub async fn cancel_as_owner(&self, order: &OrderRecord) -> Result<B256, DeskError> {
        let call = IDvPSettlement::cancelOrderCall {
            order: order.signed(),
        };
        let prepared = self.contract.act(call).prepare(self.signer).await?;
        self.cancel(order.id, &prepared).await
    }

    /// Sends an owner's signed cancel, with any signer of the transaction, and records it.
    ///
    /// # Errors
    /// `OtherVenue`; as [`Self::cancel_as_owner`].
    pub async fn cancel_signed(
        &self,
        order: &OrderRecord,
        cancel: &SignedCancel,
    ) -> Result<B256, DeskError> {
        cancel.check(self.contract.chain(), self.contract.address())?;
        let call = IDvPSettlement::cancelOrderSignedCall {
            order: order.signed(),
            signature: cancel.signature.clone(),
        };
        let prepared = self.capped(call, &[]).await?;
        self.cancel(order.id, &prepared).await
    }

    /// Cancels a registered order as the operator, for a reason that is put on chain, and records it.
    ///
    /// # Errors
    /// As [`Self::cancel_as_owner`].
    pub async fn cancel_as_operator(
        &self,
        order: &OrderRecord,
        reason: B256,
    ) -> Result<B256, DeskError> {
        let call = IDvPSettlement::cancelOrderByIdCall {
            id: order.id,
            reason,
        };
        let prepared = self.contract.act(call).prepare(self.signer).await?;
        self.cancel(order.id, &prepared).await
    }

    async fn cancel(&self, id: B256, prepared: &Prepared) -> Result<B256, DeskError> {
        let note = self.announce(id.to_string(), "cancels on chain", prepared);
        let done = prepared.noted(note).await?.send().await?;
        let mined = self
            .contract
            .chain()
            .mined(Some(done.hash()), done.receipt.block_number)
            .await
            .map_err(|error| error.after_sending(done.hash()))?;
        // A block that is not yet as final as the book requires is read again by the watcher and by `sync`.
        let horizon = Horizon::of(self.board, self.contract.chain()).await;
        let horizon = horizon.map_err(|error| match error {
            DeskError::Chain(error) => error.after_sending(done.hash()).into(),
            other => other,
        })?;
        if horizon.wants(mined.block).is_none() {
            self.board
                .record_cancelled_on_chain(id, done.hash(), mined.time, self.by.clone())
                .await
                .map_err(DeskError::unrecorded(done.hash()))?;
        }
        Ok(done.hash())
    }
}
