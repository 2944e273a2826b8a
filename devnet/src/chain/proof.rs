//! Proofs of a block's state: `eth_getProof`.

use super::{Chain, ChainError, state::Account, trie::AccountProof};
use alloy::{
    eips::BlockId,
    primitives::{Address, U256},
};

/// An account, words of its storage, and the proof of both.
#[derive(Clone, Debug)]
pub struct Proved {
    /// The account, if it exists.
    pub account: Option<Account>,
    /// In the order requested.
    pub words: Vec<U256>,
    /// Against the block's header.
    pub proof: AccountProof,
}

impl Chain {
    /// Proves the account at `address` and the words in its `slots` after `block`; `pending` is `latest`.
    ///
    /// # Errors
    /// In this order: [`ChainError::UnknownBlock`], [`ChainError::StateNotKept`], [`ChainError::NoTrie`],
    /// [`ChainError::Edited`].
    pub fn prove(
        &self,
        block: BlockId,
        address: Address,
        slots: &[U256],
    ) -> Result<Proved, ChainError> {
        let (number, root, state) = {
            let ledger = self.ledger();
            let block = ledger.find(block)?;
            let number = block.number();
            (
                number,
                block.header.state_root,
                ledger.state(number)?.clone(),
            )
        };
        let proof = state.prove(address, slots).ok_or(ChainError::NoTrie)?;
        if proof.state_root != root {
            return Err(ChainError::Edited(number));
        }
        let words = slots.iter().map(|slot| state.storage(&address, slot));
        Ok(Proved {
            account: state.account(&address)?,
            words: words.collect::<Result<_, _>>()?,
            proof,
        })
    }
}
