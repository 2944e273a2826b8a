//! Balances and allowances of tokens, edited where the token keeps them: `anvil_dealERC20`.

use super::{At, CallRequest, Chain, error::ChainError};
use alloy::{
    eips::BlockId,
    primitives::{Address, B256, Bytes, TxKind, U256},
    rpc::types::{
        TransactionRequest,
        state::{AccountOverride, StateOverride},
    },
    sol_types::SolCall,
};

alloy::sol! {
    function balanceOf(address account) external view returns (uint256);
    function allowance(address owner, address spender) external view returns (uint256);
}

/// How many slots are tried, in order: a token's view reads only a few.
const MAX_SLOTS: usize = 256;

impl Chain {
    /// Makes `balanceOf(owner)` of `token` answer `amount`; its total supply stays what it is.
    ///
    /// # Errors
    /// The error of the call itself; [`ChainError::InvalidParameter`] when it does not return a number, or no slot that
    /// it reads makes it return `amount`; [`ChainError::Store`].
    pub fn set_token_balance(
        &self,
        token: Address,
        owner: Address,
        amount: U256,
    ) -> Result<(), ChainError> {
        let question = balanceOfCall { account: owner }.abi_encode();
        self.set_answer(token, balanceOfCall::SIGNATURE, &question.into(), amount)
    }

    /// Makes `allowance(owner, spender)` of `token` answer `amount`.
    ///
    /// # Errors
    /// As [`Self::set_token_balance`].
    pub fn set_token_allowance(
        &self,
        token: Address,
        owner: Address,
        spender: Address,
        amount: U256,
    ) -> Result<(), ChainError> {
        let question = allowanceCall { owner, spender }.abi_encode();
        self.set_answer(token, allowanceCall::SIGNATURE, &question.into(), amount)
    }

    /// Finds the slot that makes `token` answer `amount`, and sets it. Other contents of the slot stay.
    fn set_answer(
        &self,
        token: Address,
        name: &str,
        question: &Bytes,
        amount: U256,
    ) -> Result<(), ChainError> {
        let before = self.number(token, name, question, None)?;
        if before == amount {
            return Ok(());
        }
        let At { state, .. } = self.at(BlockId::latest())?;
        let list = self.access_list(request(token, question, None))?;
        let slots = list.access_list.0.iter().flat_map(|item| {
            let slots = item.storage_keys.iter();
            slots.map(|slot| (item.address, *slot))
        });
        for (address, slot) in slots.take(MAX_SLOTS) {
            let key = U256::from_be_bytes(slot.0);
            let word = state.storage(&address, &key)?;
            // A number in the lowest bits; for a slot with nothing else in it, `amount` itself.
            let word = word.wrapping_sub(before).wrapping_add(amount).into();
            let change = Some((address, slot, word));
            let after = self.number(token, name, question, change);
            if after.is_ok_and(|after| after == amount) {
                return self.set_storage(address, key, word);
            }
        }
        Err(ChainError::InvalidParameter(format!(
            "no slot that {name} of {token} reads makes it answer {amount}: set the token's storage with \
             hardhat_setStorageAt"
        )))
    }

    /// What `token` answers, with `change` to a slot of an account.
    fn number(
        &self,
        token: Address,
        name: &str,
        question: &Bytes,
        change: Option<(Address, B256, B256)>,
    ) -> Result<U256, ChainError> {
        let answer = self.call(request(token, question, change))?;
        let word = B256::try_from(&answer[..]).map_err(|_| {
            ChainError::InvalidParameter(format!(
                "{name} of {token} returned {} bytes, expected 32: is it an ERC-20 token?",
                answer.len()
            ))
        })?;
        Ok(word.into())
    }
}

fn request(token: Address, question: &Bytes, change: Option<(Address, B256, B256)>) -> CallRequest {
    CallRequest {
        transaction: TransactionRequest {
            to: Some(TxKind::Call(token)),
            input: question.clone().into(),
            ..TransactionRequest::default()
        },
        block: BlockId::latest(),
        overrides: change.map(|(address, slot, word)| {
            let account = AccountOverride {
                state_diff: Some([(slot, word)].into_iter().collect()),
                ..AccountOverride::default()
            };
            StateOverride::from_iter([(address, account)])
        }),
        block_overrides: None,
    }
}
