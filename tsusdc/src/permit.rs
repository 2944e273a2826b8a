//! The EIP-712 domain (ERC-5267) and signed approvals (ERC-2612).

use alloy_primitives::{hex, keccak256, Address, B256, U256};
use authority::abi::Refusal;
use authority::{
    constant_word,
    domain::{self, Domain},
    signature::{is_valid, packed},
};
use stylus_sdk::{abi::Bytes, prelude::*};

use super::{error::Error, TsUsdc};

/// `Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)`, hashed.
const PERMIT_TYPEHASH: [u8; 32] =
    hex!("6e71edae12b1b97f4d1f60370fef10105fa2faae0126114a169c64845d6126c9");

impl TsUsdc {
    #[allow(clippy::unused_self, reason = "an entry point")]
    pub(crate) fn permit_typehash(&self) -> B256 {
        constant_word!(PERMIT_TYPEHASH)
    }

    pub(crate) fn nonces(&self, owner: Address) -> U256 {
        self.nonces.get(owner)
    }

    #[inline(never)]
    pub(crate) fn domain_separator(&self) -> B256 {
        domain::separator(self.vm(), self.name.hash())
    }

    pub(crate) fn eip712_domain(&self) -> Domain {
        let vm = self.vm();
        Domain {
            name: self.name(),
            chain_id: vm.chain_id(),
            contract: vm.contract_address(),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "ERC-2612")]
    pub(crate) fn permit(
        &mut self,
        owner: Address,
        spender: Address,
        value: U256,
        deadline: U256,
        v: u8,
        r: B256,
        s: B256,
    ) -> Result<(), Refusal> {
        self.permit_signed(owner, spender, value, deadline, &packed(v, r, s))
    }

    pub(crate) fn permit_bytes(
        &mut self,
        owner: Address,
        spender: Address,
        value: U256,
        deadline: U256,
        signature: Bytes,
    ) -> Result<(), Refusal> {
        self.permit_signed(owner, spender, value, deadline, &signature)
    }

    /// Valid at its deadline.
    ///
    /// Errors, in this order: [`Error::EnforcedPause`], [`Error::SignatureExpired`], [`Error::InvalidSignature`],
    /// [`Error::ERC20InvalidSpender`].
    #[inline(never)]
    fn permit_signed(
        &mut self,
        owner: Address,
        spender: Address,
        value: U256,
        deadline: U256,
        signature: &[u8],
    ) -> Result<(), Refusal> {
        self.when_not_paused()?;
        let now = self.now();
        if now > deadline {
            return Err(Error::SignatureExpired { deadline, now }.into());
        }
        let nonce = self.nonces.get(owner);
        let words = [
            constant_word!(PERMIT_TYPEHASH),
            owner.into_word(),
            spender.into_word(),
            value.into(),
            nonce.into(),
            deadline.into(),
        ];
        self.signed(owner, &words, signature)?;
        // One permit at a time: this cannot reach 2^256.
        self.nonces.insert(owner, nonce.wrapping_add(U256::from(1)));
        self.set_allowance(owner, spender, value)
    }

    /// Refuses a `signature` that is not the `signer`'s for the struct of these words, the type hash first.
    #[inline(never)]
    pub(crate) fn signed(
        &self,
        signer: Address,
        words: &[B256],
        signature: &[u8],
    ) -> Result<(), Refusal> {
        let digest = domain::digest(self.domain_separator(), keccak256(words.concat()));
        if !is_valid(self.vm(), signer, digest, signature) {
            return Err(Error::InvalidSignature { signer }.into());
        }
        Ok(())
    }

    /// The block's time, as the errors and comparisons of signatures want it.
    pub(crate) fn now(&self) -> U256 {
        U256::from(self.vm().block_timestamp())
    }
}
