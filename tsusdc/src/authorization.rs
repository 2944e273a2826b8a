//! Transfers and cancellations signed by the payer and sent by anybody (ERC-3009).

use alloy_primitives::{hex, Address, B256, U256};
use authority::abi::Refusal;
use authority::{constant_word, signature::packed};
use stylus_sdk::{abi::Bytes, prelude::*};

use super::{
    error::Error,
    event::{log, AuthorizationCanceled, AuthorizationUsed},
    TsUsdc,
};

/// `TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)`,
/// hashed.
const TRANSFER_TYPEHASH: [u8; 32] =
    hex!("7c7c6cdb67a18743f49ec6fa9b35f50d52ed05cbed4cc592e13b44501c1a2267");

/// `ReceiveWithAuthorization(…)` with the same fields, hashed.
const RECEIVE_TYPEHASH: [u8; 32] =
    hex!("d099cc98ef71107a616c4f0f941f04c322d8e254fe26b3c6668db87aae413de8");

/// `CancelAuthorization(address authorizer,bytes32 nonce)`, hashed.
const CANCEL_TYPEHASH: [u8; 32] =
    hex!("158b0a9edf7a828aad02f63cd515c68ef2f50ba807396f6d12842833a1597429");

/// What the payer signs.
struct Authorization {
    from: Address,
    to: Address,
    value: U256,
    valid_after: U256,
    valid_before: U256,
    nonce: B256,
}

#[allow(
    clippy::unused_self,
    clippy::too_many_arguments,
    reason = "entry points of ERC-3009"
)]
impl TsUsdc {
    pub(crate) fn transfer_with_authorization_typehash(&self) -> B256 {
        constant_word!(TRANSFER_TYPEHASH)
    }

    pub(crate) fn receive_with_authorization_typehash(&self) -> B256 {
        constant_word!(RECEIVE_TYPEHASH)
    }

    pub(crate) fn cancel_authorization_typehash(&self) -> B256 {
        constant_word!(CANCEL_TYPEHASH)
    }

    pub(crate) fn authorization_state(&self, authorizer: Address, nonce: B256) -> bool {
        self.authorizations.getter(authorizer).get(nonce)
    }

    pub(crate) fn transfer_with_authorization(
        &mut self,
        from: Address,
        to: Address,
        value: U256,
        valid_after: U256,
        valid_before: U256,
        nonce: B256,
        v: u8,
        r: B256,
        s: B256,
    ) -> Result<(), Refusal> {
        let authorization = Authorization {
            from,
            to,
            value,
            valid_after,
            valid_before,
            nonce,
        };
        self.transfer_authorized(&authorization, &packed(v, r, s), false)
    }

    pub(crate) fn transfer_with_authorization_bytes(
        &mut self,
        from: Address,
        to: Address,
        value: U256,
        valid_after: U256,
        valid_before: U256,
        nonce: B256,
        signature: Bytes,
    ) -> Result<(), Refusal> {
        let authorization = Authorization {
            from,
            to,
            value,
            valid_after,
            valid_before,
            nonce,
        };
        self.transfer_authorized(&authorization, &signature, false)
    }

    pub(crate) fn receive_with_authorization(
        &mut self,
        from: Address,
        to: Address,
        value: U256,
        valid_after: U256,
        valid_before: U256,
        nonce: B256,
        v: u8,
        r: B256,
        s: B256,
    ) -> Result<(), Refusal> {
        let authorization = Authorization {
            from,
            to,
            value,
            valid_after,
            valid_before,
            nonce,
        };
        self.transfer_authorized(&authorization, &packed(v, r, s), true)
    }

    pub(crate) fn receive_with_authorization_bytes(
        &mut self,
        from: Address,
        to: Address,
        value: U256,
        valid_after: U256,
        valid_before: U256,
        nonce: B256,
        signature: Bytes,
    ) -> Result<(), Refusal> {
        let authorization = Authorization {
            from,
            to,
            value,
            valid_after,
            valid_before,
            nonce,
        };
        self.transfer_authorized(&authorization, &signature, true)
    }

    pub(crate) fn cancel_authorization(
        &mut self,
        authorizer: Address,
        nonce: B256,
        v: u8,
        r: B256,
        s: B256,
    ) -> Result<(), Refusal> {
        self.cancel(authorizer, nonce, &packed(v, r, s))
    }

    pub(crate) fn cancel_authorization_bytes(
        &mut self,
        authorizer: Address,
        nonce: B256,
        signature: Bytes,
    ) -> Result<(), Refusal> {
        self.cancel(authorizer, nonce, &signature)
    }

    /// Valid strictly between `valid_after` and `valid_before`, once; with `by_payee` only sent by `to`. Who else sends it
    /// does not matter, blacklisted or not.
    ///
    /// Errors, in this order: [`Error::EnforcedPause`], [`Error::AccountBlacklisted`] for `from` and `to`,
    /// [`Error::CallerNotPayee`], [`Error::AuthorizationNotYetValid`], [`Error::SignatureExpired`],
    /// [`Error::AuthorizationNonceUsed`], [`Error::InvalidSignature`], those of [`move_coins`](Self::move_coins).
    #[inline(never)]
    fn transfer_authorized(
        &mut self,
        authorization: &Authorization,
        signature: &[u8],
        by_payee: bool,
    ) -> Result<(), Refusal> {
        let &Authorization {
            from,
            to,
            value,
            valid_after,
            valid_before,
            nonce,
        } = authorization;
        self.when_not_paused()?;
        let source = self.unblocked(from)?;
        let target = self.unblocked(to)?;
        let caller = self.vm().msg_sender();
        if by_payee && caller != to {
            return Err(Error::CallerNotPayee { caller, payee: to }.into());
        }
        let now = self.now();
        if now <= valid_after {
            return Err(Error::AuthorizationNotYetValid { valid_after, now }.into());
        }
        if now >= valid_before {
            return Err(Error::SignatureExpired {
                deadline: valid_before,
                now,
            }
            .into());
        }
        self.unused(from, nonce)?;
        let typehash = if by_payee {
            constant_word!(RECEIVE_TYPEHASH)
        } else {
            constant_word!(TRANSFER_TYPEHASH)
        };
        let words = [
            typehash,
            from.into_word(),
            to.into_word(),
            value.into(),
            valid_after.into(),
            valid_before.into(),
            nonce,
        ];
        self.signed(from, &words, signature)?;

        self.authorizations.setter(from).insert(nonce, true);
        log!(AuthorizationUsed)
            .address(from)
            .word(nonce)
            .emit(self.vm());
        self.move_coins(from, source, to, target, value)
    }

    /// Errors, in this order: [`Error::EnforcedPause`], [`Error::AuthorizationNonceUsed`], [`Error::InvalidSignature`].
    #[inline(never)]
    fn cancel(
        &mut self,
        authorizer: Address,
        nonce: B256,
        signature: &[u8],
    ) -> Result<(), Refusal> {
        self.when_not_paused()?;
        self.unused(authorizer, nonce)?;
        let words = [
            constant_word!(CANCEL_TYPEHASH),
            authorizer.into_word(),
            nonce,
        ];
        self.signed(authorizer, &words, signature)?;
        self.authorizations.setter(authorizer).insert(nonce, true);
        log!(AuthorizationCanceled)
            .address(authorizer)
            .word(nonce)
            .emit(self.vm());
        Ok(())
    }

    /// Refuses a nonce that was used or cancelled.
    fn unused(&self, authorizer: Address, nonce: B256) -> Result<(), Refusal> {
        if self.authorization_state(authorizer, nonce) {
            return Err(Error::AuthorizationNonceUsed { authorizer, nonce }.into());
        }
        Ok(())
    }
}
