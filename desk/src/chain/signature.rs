//! What accounts with code say about a signature (ERC-1271), for the board.

use std::future::Future;
use std::pin::Pin;

use alloy::primitives::{Address, B256, Bytes};
use alloy::sol_types::SolCall;
use book::board::signature::{ChainUnavailable, ContractSignatures, ContractVerdict};

use super::abi::IERC1271;
use super::client::Chain;
use super::error::ChainError;

/// The code of an account that delegates (EIP-7702): three bytes and an address.
const DELEGATION: [u8; 3] = [0xef, 0x01, 0x00];

impl Chain {
    /// Whether an account accepts `signature` as its own for `digest`, at the latest block; its code gets `gas` at
    /// most.
    ///
    /// # Errors
    /// `Unreachable`; what the account's code does is not an error.
    pub async fn signature_verdict(
        &self,
        owner: Address,
        digest: B256,
        signature: &Bytes,
        gas: Option<u64>,
    ) -> Result<ContractVerdict, ChainError> {
        let code = self.code(owner).await?;
        if code.is_empty() {
            return Ok(ContractVerdict::NoCode);
        }
        let call = IERC1271::isValidSignatureCall {
            hash: digest,
            signature: signature.clone(),
        };
        let accepted = match self.simulate_within(Address::ZERO, owner, &call, gas).await {
            // Exactly one word: the selector and 28 zero bytes.
            Ok(answer) => answer[..] == magic()[..],
            Err(ChainError::Reverted(_) | ChainError::Node { .. }) => false,
            Err(error) => return Err(error),
        };
        let delegates = code.len() == 23 && code.starts_with(&DELEGATION);
        Ok(match (accepted, delegates) {
            (true, _) => ContractVerdict::Accepts,
            (false, true) => ContractVerdict::DelegateRefuses,
            (false, false) => ContractVerdict::Refuses,
        })
    }
}

impl ContractSignatures for Chain {
    fn verdict<'a>(
        &'a self,
        owner: Address,
        digest: B256,
        signature: &'a Bytes,
    ) -> Pin<Box<dyn Future<Output = Result<ContractVerdict, ChainUnavailable>> + Send + 'a>> {
        Box::pin(async move {
            let verdict = self.signature_verdict(owner, digest, signature, None).await;
            verdict.map_err(|error| ChainUnavailable(error.to_string()))
        })
    }
}

fn magic() -> B256 {
    B256::right_padding_from(&IERC1271::isValidSignatureCall::SELECTOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_magic_word_is_the_selector_of_is_valid_signature() {
        assert_eq!(magic()[..4], [0x16, 0x26, 0xba, 0x7e]);
        assert_eq!(magic()[4..], [0; 28]);
    }
}
