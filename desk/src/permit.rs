//! Allowances for the settlement contract: given by the owner, or signed by the owner and sent by anyone (EIP-2612).

use alloy::primitives::{Address, B256, U256};
use serde::{Deserialize, Serialize};

use crate::chain::abi::ISecurityToken;
use crate::chain::{Chain, ChainError};
use crate::signing::request::{PermitTerms, Request};
use crate::signing::signer::Signer;

/// A signed allowance; both tokens have the same functions for it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SignedPermit {
    /// The token.
    pub token: Address,
    /// Who allows.
    pub owner: Address,
    /// Who may spend.
    pub spender: Address,
    /// Base units.
    pub value: U256,
    /// The last second at which it is valid.
    pub deadline: u64,
    /// Recovery id: 27 or 28, or 0 or 1 as some hardware wallets write it.
    pub v: u8,
    /// First half of the signature.
    pub r: B256,
    /// Second half.
    pub s: B256,
}

/// What an owner signs for an allowance: the token's own domain, and the owner's next nonce there.
///
/// # Errors
/// What the chain answers; `Untrue` for a token that has another contract's domain.
pub async fn terms(
    chain: &Chain,
    owner: Address,
    token: Address,
    spender: Address,
    value: U256,
    deadline: u64,
) -> Result<PermitTerms, ChainError> {
    let domain = chain
        .view(token, ISecurityToken::eip712DomainCall {})
        .await?;
    if (domain.chainId, domain.verifyingContract) != (U256::from(chain.id()), token) {
        return Err(chain.untrue(format!(
            "its EIP-712 domain is for {} on chain {}",
            domain.verifyingContract, domain.chainId
        )));
    }
    let nonce = chain
        .view(token, ISecurityToken::noncesCall { owner })
        .await?;
    Ok(PermitTerms {
        name: domain.name,
        version: domain.version,
        chain_id: chain.id(),
        token,
        owner,
        spender,
        value,
        nonce,
        deadline: U256::from(deadline),
    })
}

/// Signs an allowance over the token's own domain and the owner's next nonce there.
///
/// # Errors
/// What the chain answers; `Sign`.
pub async fn sign(
    chain: &Chain,
    signer: &Signer,
    token: Address,
    spender: Address,
    value: U256,
    deadline: u64,
) -> Result<SignedPermit, ChainError> {
    let owner = signer.address();
    let terms = terms(chain, owner, token, spender, value, deadline).await?;
    let signature = signer
        .sign(&Request::Permit(terms))
        .map_err(|e| ChainError::Sign(e.to_string()))?;
    Ok(SignedPermit {
        token,
        owner,
        spender,
        value,
        deadline,
        v: 27 + u8::from(signature.v()),
        r: signature.r().into(),
        s: signature.s().into(),
    })
}

impl SignedPermit {
    /// The call with which anybody can send it.
    pub fn call(&self) -> ISecurityToken::permitCall {
        ISecurityToken::permitCall {
            owner: self.owner,
            spender: self.spender,
            value: self.value,
            deadline: U256::from(self.deadline),
            v: if self.v < 2 { self.v + 27 } else { self.v },
            r: self.r,
            s: self.s,
        }
    }
}
