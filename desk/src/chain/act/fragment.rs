//! Putting a part of a program's code on chain. A fragment is data: it is not a contract and logs nothing, so the code
//! at the new account is the proof.

use alloy::primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy::sol_types::SolValue;

use super::{Ground, Signed};
use crate::chain::client::{Chain, Receipt, Unsigned};
use crate::chain::deploy::creation_code;
use crate::chain::error::ChainError;
use crate::signing::signer::Signer;

/// A signed creation of a fragment that has not been sent yet.
#[derive(Debug)]
pub struct Fragment {
    chain: Chain,
    signed: Signed,
    code: Bytes,
}

impl Fragment {
    /// Identifies the act across runs: the hash of chain, sender and code.
    pub fn digest(chain: &Chain, sender: Address, code: &[u8]) -> B256 {
        keccak256((chain.id(), sender, keccak256(code)).abi_encode_params())
    }

    /// Signs the creation; nothing is sent. With a nonce, in place of a transaction that the node lost.
    ///
    /// # Errors
    /// `OtherHistory`, `UnknownTransaction`; `Unreachable`, `Node`, `Reverted`, `Sign`.
    pub async fn prepare(
        ground: &Ground,
        signer: &Signer,
        code: Bytes,
        nonce: Option<u64>,
    ) -> Result<Self, ChainError> {
        ground.check_history().await?;
        let chain = ground.chain().clone();
        let call = Unsigned {
            to: TxKind::Create,
            value: U256::ZERO,
            input: creation_code(&code),
        };
        let transaction = chain.sign(signer, call, nonce, None).await?;
        Ok(Self {
            chain,
            signed: transaction,
            code,
        })
    }

    /// Its hash: what to ask the chain for.
    pub fn hash(&self) -> B256 {
        self.signed.hash
    }

    /// The sender's nonce it uses.
    pub fn nonce(&self) -> u64 {
        self.signed.nonce
    }

    /// Sends it, once it was written down, and checks what is there.
    ///
    /// # Errors
    /// Those of sending; `Failed` when the new account has different code.
    pub async fn send<E: From<ChainError>>(
        &self,
        note: impl Future<Output = Result<(), E>>,
    ) -> Result<Address, E> {
        note.await?;
        let receipt = self.chain.send(&self.signed).await?;
        Ok(placed(&self.chain, &receipt, &self.code).await?)
    }
}

/// The account that was created, which must contain the fragment.
pub(crate) async fn placed(
    chain: &Chain,
    receipt: &Receipt,
    code: &[u8],
) -> Result<Address, ChainError> {
    let failed = |reason: &str| ChainError::Failed {
        hash: receipt.transaction_hash,
        reason: reason.into(),
    };
    let address = receipt
        .contract_address
        .ok_or_else(|| failed("it created no account"))?;
    if chain.code(address).await?[..] == *code {
        Ok(address)
    } else {
        Err(failed("the account that it created has different code"))
    }
}
