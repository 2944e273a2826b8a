//! Ether between accounts, and transactions that only use up a nonce: no contract is called, so there are no events.

use alloy::primitives::{Address, Bytes, TxKind, U256};

use super::Ground;
use crate::chain::client::{Receipt, Unsigned};
use crate::chain::error::ChainError;
use crate::signing::signer::Signer;

impl Ground {
    /// Sends ether, in wei, to an account without code.
    ///
    /// # Errors
    /// Those of sending; `Failed` when the account does not have more afterwards.
    pub async fn pay(
        &self,
        signer: &Signer,
        to: Address,
        wei: U256,
    ) -> Result<Receipt, ChainError> {
        let before = self.chain().ether(to).await?;
        let receipt = self.transfer(signer, to, wei, None).await?;
        if self.chain().ether(to).await? >= before.saturating_add(wei) {
            return Ok(receipt);
        }
        Err(ChainError::Failed {
            hash: receipt.transaction_hash,
            reason: format!("{to} did not receive its ether"),
        })
    }

    /// Uses up a nonce with a transaction that does nothing, so that another one with that nonce can never be mined.
    ///
    /// # Errors
    /// Those of sending.
    pub async fn use_up(&self, signer: &Signer, nonce: u64) -> Result<(), ChainError> {
        let own = signer.address();
        self.transfer(signer, own, U256::ZERO, Some(nonce)).await?;
        Ok(())
    }

    async fn transfer(
        &self,
        signer: &Signer,
        to: Address,
        wei: U256,
        nonce: Option<u64>,
    ) -> Result<Receipt, ChainError> {
        self.check_history().await?;
        let chain = self.chain();
        let call = Unsigned {
            to: TxKind::Call(to),
            value: wei,
            input: Bytes::new(),
        };
        let transaction = chain.sign(signer, call, nonce, None).await?;
        chain.send(&transaction).await
    }
}
