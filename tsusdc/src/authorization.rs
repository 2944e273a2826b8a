//! Transfers and cancellations signed by the payer and sent by anybody (ERC-3009).

use alloy_primitives::{Address, B256, U256, hex};
use authority::signature::packed;
use runtime::{
    abi::Revert,
    constant_word, log,
    word::{bytes, is_zero},
};
use stylus_sdk::{abi::Bytes, prelude::*};

use super::{
    TsUsdc,
    error::Error,
    event::{AuthorizationCanceled, AuthorizationUsed},
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

/// An entry point for a signed transfer: the arguments that carry the signature, its bytes, and whether only the payee
/// may send it.
macro_rules! signed_transfer {
    ($function:ident($($part:ident: $kind:ty),*), $signature:expr, $by_payee:literal) => {
        pub(crate) fn $function(
            &mut self,
            from: Address,
            to: Address,
            value: U256,
            valid_after: U256,
            valid_before: U256,
            nonce: B256,
            $($part: $kind),*
        ) -> Result<(), Revert> {
            let authorization = Authorization { from, to, value, valid_after, valid_before, nonce };
            self.transfer_authorized(&authorization, $signature, $by_payee)
        }
    };
}

#[allow(
    clippy::needless_pass_by_value,
    clippy::too_many_arguments,
    clippy::unused_self,
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
        let used = self.authorizations.at(authorizer.into_word()).get(nonce);
        !is_zero(&used)
    }

    signed_transfer!(transfer_with_authorization(v: u8, r: B256, s: B256), &packed(v, r, s), false);
    signed_transfer!(transfer_with_authorization_bytes(signature: Bytes), &signature, false);
    signed_transfer!(receive_with_authorization(v: u8, r: B256, s: B256), &packed(v, r, s), true);
    signed_transfer!(receive_with_authorization_bytes(signature: Bytes), &signature, true);

    pub(crate) fn cancel_authorization(
        &mut self,
        authorizer: Address,
        nonce: B256,
        v: u8,
        r: B256,
        s: B256,
    ) -> Result<(), Revert> {
        self.cancel(authorizer, nonce, &packed(v, r, s))
    }

    pub(crate) fn cancel_authorization_bytes(
        &mut self,
        authorizer: Address,
        nonce: B256,
        signature: Bytes,
    ) -> Result<(), Revert> {
        self.cancel(authorizer, nonce, &signature)
    }

    /// Valid strictly between `valid_after` and `valid_before`, once; with `by_payee` only sent by `to`. Who else sends it
    /// does not matter, blacklisted or not.
    ///
    /// # Errors
    ///
    /// * [`Error::EnforcedPause`].
    /// * [`Error::AccountBlacklisted`] - for `from` and `to`.
    /// * [`Error::CallerNotPayee`].
    /// * [`Error::AuthorizationNotYetValid`].
    /// * [`Error::SignatureExpired`].
    /// * [`Error::AuthorizationNonceUsed`].
    /// * [`Error::InvalidSignature`].
    /// * Those of [`move_coins`](Self::move_coins).
    #[inline(never)]
    fn transfer_authorized(
        &mut self,
        authorization: &Authorization,
        signature: &[u8],
        by_payee: bool,
    ) -> Result<(), Revert> {
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
            bytes(&value),
            bytes(&valid_after),
            bytes(&valid_before),
            nonce,
        ];
        self.signed(from, &words, signature)?;

        self.authorizations
            .at(from.into_word())
            .set(nonce, U256::from(1));
        log!(AuthorizationUsed)
            .address(from)
            .word(nonce)
            .emit(self.vm());
        self.move_coins(from, source, to, target, value)
    }

    /// # Errors
    ///
    /// * [`Error::EnforcedPause`].
    /// * [`Error::AuthorizationNonceUsed`].
    /// * [`Error::InvalidSignature`].
    #[inline(never)]
    fn cancel(&mut self, authorizer: Address, nonce: B256, signature: &[u8]) -> Result<(), Revert> {
        self.when_not_paused()?;
        self.unused(authorizer, nonce)?;
        let words = [
            constant_word!(CANCEL_TYPEHASH),
            authorizer.into_word(),
            nonce,
        ];
        self.signed(authorizer, &words, signature)?;
        self.authorizations
            .at(authorizer.into_word())
            .set(nonce, U256::from(1));
        log!(AuthorizationCanceled)
            .address(authorizer)
            .word(nonce)
            .emit(self.vm());
        Ok(())
    }

    /// Refuses a nonce that was used or cancelled.
    fn unused(&self, authorizer: Address, nonce: B256) -> Result<(), Revert> {
        if self.authorization_state(authorizer, nonce) {
            return Err(Error::AuthorizationNonceUsed { authorizer, nonce }.into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;
    use motsu::prelude::*;
    use runtime::abi::Revert;

    use super::*;
    use crate::{
        event::Transfer,
        fixture::{Coin, HOLDING, NOW, Signature, Wallet, log_of, u},
    };

    const NONCE: B256 = B256::repeat_byte(5);

    /// An authorization and how it is sent.
    #[derive(Clone, Copy)]
    struct Payment {
        receive: bool,
        bytes: bool,
        from: Account,
        to: Account,
        value: u64,
        valid_after: u64,
        valid_before: u64,
        nonce: B256,
        sender: Account,
    }

    impl Payment {
        /// Alice pays carol 7; bob sends it, or carol when only she may.
        fn new(coin: &Coin, receive: bool) -> Self {
            Self {
                receive,
                bytes: false,
                from: coin.alice,
                to: coin.carol,
                value: 7,
                valid_after: NOW - 1,
                valid_before: NOW + 1,
                nonce: NONCE,
                sender: if receive { coin.carol } else { coin.bob },
            }
        }

        fn words(self) -> [B256; 7] {
            let kind = if self.receive { "Receive" } else { "Transfer" };
            let fields = "(address from,address to,uint256 value,uint256 validAfter,\
                          uint256 validBefore,bytes32 nonce)";
            [
                keccak256(format!("{kind}WithAuthorization{fields}")),
                self.from.address().into_word(),
                self.to.address().into_word(),
                u(self.value).into(),
                u(self.valid_after).into(),
                u(self.valid_before).into(),
                self.nonce,
            ]
        }

        fn send(self, c: &Contract<TsUsdc>, signature: Signature) -> Result<(), Revert> {
            let (from, to, value) = (self.from.address(), self.to.address(), u(self.value));
            let (after, before, nonce) = (u(self.valid_after), u(self.valid_before), self.nonce);
            let Signature { v, r, s } = signature;
            let mut coin = c.sender(self.sender);
            match (self.receive, self.bytes) {
                (false, false) => {
                    coin.transfer_with_authorization(from, to, value, after, before, nonce, v, r, s)
                }
                (false, true) => coin.transfer_with_authorization_bytes(
                    from,
                    to,
                    value,
                    after,
                    before,
                    nonce,
                    signature.bytes(),
                ),
                (true, false) => {
                    coin.receive_with_authorization(from, to, value, after, before, nonce, v, r, s)
                }
                (true, true) => coin.receive_with_authorization_bytes(
                    from,
                    to,
                    value,
                    after,
                    before,
                    nonce,
                    signature.bytes(),
                ),
            }
        }

        /// Signs and sends it.
        fn pay(self, coin: &Coin, c: &Contract<TsUsdc>) -> Result<(), Revert> {
            self.send(c, coin.sign(self.from, &self.words()))
        }
    }

    fn cancel_words(authorizer: Address, nonce: B256) -> [B256; 3] {
        let typehash = keccak256("CancelAuthorization(address authorizer,bytes32 nonce)");
        [typehash, authorizer.into_word(), nonce]
    }

    #[test]
    fn the_type_hashes_are_those_of_their_texts() {
        let coin = Coin::new();
        let view = coin.contract.sender(coin.bob);
        let hash = |receive| Payment::new(&coin, receive).words()[0];
        assert_eq!(view.transfer_with_authorization_typehash(), hash(false));
        assert_eq!(view.receive_with_authorization_typehash(), hash(true));
        let cancel = cancel_words(Address::ZERO, NONCE)[0];
        assert_eq!(view.cancel_authorization_typehash(), cancel);
    }

    #[test]
    fn an_authorization_moves_once_in_both_encodings() {
        let coin = Coin::new();
        let (from, to) = (coin.alice.address(), coin.carol.address());
        let mut paid = 0;
        for (receive, bytes) in [(false, false), (false, true), (true, false), (true, true)] {
            let nonce = B256::with_last_byte(paid);
            let payment = Payment {
                bytes,
                nonce,
                ..Payment::new(&coin, receive)
            };
            assert!(
                !coin
                    .contract
                    .sender(coin.bob)
                    .authorization_state(from, nonce)
            );
            let logs = coin.logs(|c| payment.pay(&coin, c));
            let used = log_of(&AuthorizationUsed {
                authorizer: from,
                nonce,
            });
            assert_eq!(
                logs,
                [
                    used,
                    log_of(&Transfer {
                        from,
                        to,
                        value: u(7)
                    })
                ]
            );
            assert!(
                coin.contract
                    .sender(coin.bob)
                    .authorization_state(from, nonce)
            );
            paid += 7;
            assert_eq!(
                (coin.balance(from), coin.balance(to)),
                (u(HOLDING - u64::from(paid)), u(paid.into()))
            );
            let again = Error::AuthorizationNonceUsed {
                authorizer: from,
                nonce,
            };
            coin.reverts(again.clone(), |c| payment.pay(&coin, c));
            // One set of nonces for both kinds.
            let other = Payment {
                nonce,
                ..Payment::new(&coin, !receive)
            };
            coin.reverts(again, |c| other.pay(&coin, c));
        }
    }

    #[test]
    fn an_authorization_reverts_outside_its_window() {
        let coin = Coin::new();
        let now = u(NOW);
        for receive in [false, true] {
            let good = Payment::new(&coin, receive);
            let early = Payment {
                valid_after: NOW,
                ..good
            };
            coin.reverts(
                Error::AuthorizationNotYetValid {
                    valid_after: now,
                    now,
                },
                |c| early.pay(&coin, c),
            );
            let late = Payment {
                valid_before: NOW,
                ..good
            };
            coin.reverts(Error::SignatureExpired { deadline: now, now }, |c| {
                late.pay(&coin, c)
            });
        }
    }

    #[test]
    fn receiving_reverts_for_everybody_but_the_payee() {
        let coin = Coin::new();
        let payee = coin.carol.address();
        for sender in [coin.alice, coin.bob] {
            let caller = sender.address();
            let payment = Payment {
                sender,
                ..Payment::new(&coin, true)
            };
            coin.reverts(Error::CallerNotPayee { caller, payee }, |c| {
                payment.pay(&coin, c)
            });
        }
    }

    #[test]
    fn an_authorization_reverts_when_anything_signed_differs() {
        let coin = Coin::new();
        let error = || Error::InvalidSignature {
            signer: coin.alice.address(),
        };
        for receive in [false, true] {
            let payment = Payment::new(&coin, receive);
            for word in 0..7 {
                let mut words = payment.words();
                words[word].0[31] ^= 1;
                let signature = coin.sign(coin.alice, &words);
                coin.reverts(error(), |c| payment.send(c, signature));
            }
            // Neither kind passes as the other, nor a stranger's signature as the payer's.
            let signature = coin.sign(coin.alice, &Payment::new(&coin, !receive).words());
            coin.reverts(error(), |c| payment.send(c, signature));
            let signature = coin.sign(coin.bob, &payment.words());
            coin.reverts(error(), |c| payment.send(c, signature));
            assert!(
                !coin
                    .contract
                    .sender(coin.bob)
                    .authorization_state(coin.alice.address(), NONCE)
            );
        }
    }

    #[test]
    fn an_authorization_reverts_beyond_the_balance_and_leaves_its_nonce() {
        let coin = Coin::new();
        let payment = Payment {
            value: HOLDING + 1,
            ..Payment::new(&coin, false)
        };
        let (sender, balance) = (coin.alice.address(), u(HOLDING));
        let needed = u(HOLDING + 1);
        coin.reverts(
            Error::ERC20InsufficientBalance {
                sender,
                balance,
                needed,
            },
            |c| payment.pay(&coin, c),
        );
        assert!(
            !coin
                .contract
                .sender(coin.bob)
                .authorization_state(sender, NONCE)
        );
    }

    #[test]
    fn payer_and_payee_must_not_be_blacklisted_but_the_relayer_may() {
        let coin = Coin::new();
        let payment = Payment::new(&coin, false);
        coin.blacklist(coin.bob);
        coin.logs(|c| payment.pay(&coin, c));
        for receive in [false, true] {
            for account in [coin.carol, coin.alice] {
                let coin = coin.another();
                coin.blacklist(account);
                let error = Error::AccountBlacklisted {
                    account: account.address(),
                };
                coin.reverts(error, |c| Payment::new(&coin, receive).pay(&coin, c));
            }
        }
    }

    #[test]
    fn authorizations_and_cancellations_stop_with_the_pause() {
        let coin = Coin::new();
        coin.pause();
        for receive in [false, true] {
            coin.reverts(Error::EnforcedPause {}, |c| {
                Payment::new(&coin, receive).pay(&coin, c)
            });
        }
        let alice = coin.alice.address();
        let signature = coin.sign(coin.alice, &cancel_words(alice, NONCE));
        coin.reverts(Error::EnforcedPause {}, |c| {
            c.sender(coin.bob)
                .cancel_authorization_bytes(alice, NONCE, signature.bytes())
        });
    }

    #[test]
    fn a_cancelled_authorization_is_void_in_both_encodings() {
        let coin = Coin::new();
        let authorizer = coin.alice.address();
        for (nonce, bytes) in [(NONCE, false), (B256::repeat_byte(6), true)] {
            let signature = coin.sign(coin.alice, &cancel_words(authorizer, nonce));
            let Signature { v, r, s } = signature;
            let cancel = |c: &Contract<TsUsdc>| {
                let mut relayer = c.sender(coin.bob);
                if bytes {
                    relayer.cancel_authorization_bytes(authorizer, nonce, signature.bytes())
                } else {
                    relayer.cancel_authorization(authorizer, nonce, v, r, s)
                }
            };
            let logs = coin.logs(cancel);
            assert_eq!(logs, [log_of(&AuthorizationCanceled { authorizer, nonce })]);
            let error = || Error::AuthorizationNonceUsed { authorizer, nonce };
            coin.reverts(error(), cancel);
            let payment = Payment {
                nonce,
                ..Payment::new(&coin, false)
            };
            coin.reverts(error(), |c| payment.pay(&coin, c));
        }
    }

    #[test]
    fn a_cancellation_reverts_when_somebody_else_signed_it() {
        let coin = Coin::new();
        let signer = coin.alice.address();
        let signature = coin.sign(coin.bob, &cancel_words(signer, NONCE));
        coin.reverts(Error::InvalidSignature { signer }, |c| {
            c.sender(coin.bob)
                .cancel_authorization_bytes(signer, NONCE, signature.bytes())
        });
        assert!(
            !coin
                .contract
                .sender(coin.bob)
                .authorization_state(signer, NONCE)
        );
    }

    #[test]
    fn a_wallet_pays_by_its_own_rule() {
        let coin = Coin::new();
        let wallet = Contract::<Wallet>::new();
        let (from, to) = (wallet.address(), coin.carol.address());
        coin.contract
            .sender(coin.alice)
            .transfer(from, u(9))
            .motsu_unwrap();
        let pay = |c: &Contract<TsUsdc>| {
            let (after, before) = (u(NOW - 1), u(NOW + 1));
            let mut relayer = c.sender(coin.bob);
            let signature = Bytes(vec![]);
            relayer.transfer_with_authorization_bytes(
                from,
                to,
                u(4),
                after,
                before,
                NONCE,
                signature,
            )
        };
        wallet.sender(coin.bob).will_answer(&[], true);
        coin.reverts(Error::InvalidSignature { signer: from }, pay);
        let magic = B256::right_padding_from(&[0x16, 0x26, 0xba, 0x7e]);
        wallet.sender(coin.bob).will_answer(&magic[..], false);
        coin.logs(pay);
        assert_eq!((coin.balance(from), coin.balance(to)), (u(5), u(4)));
    }
}
