//! Cancelling one order on chain, as its owner or as the operator.

use alloy::primitives::B256;
use book::market::record::OrderRecord;

use crate::chain::abi::IDvPSettlement;
use crate::chain::act::Prepared;
use crate::error::DeskError;
use crate::settlement::Desk;

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

    /// Cancels a registered order as the operator, for a reason that stands on chain, and records it.
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
        self.board
            .record_cancelled_on_chain(id, done.hash(), mined.time, self.by.clone())
            .await
            .map_err(DeskError::unrecorded(done.hash()))?;
        Ok(done.hash())
    }
}
