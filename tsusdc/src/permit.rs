//! The EIP-712 domain (ERC-5267) and signed approvals (ERC-2612).

use alloy_primitives::{Address, B256, U256, hex, keccak256};
use authority::{
    domain::{self, Domain},
    signature::{is_valid, packed},
};
use runtime::{abi::Revert, constant_word, word::bytes};
use stylus_sdk::{abi::Bytes, prelude::*};

use super::{TsUsdc, error::Error};

/// `Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)`, hashed.
const PERMIT_TYPEHASH: [u8; 32] =
    hex!("6e71edae12b1b97f4d1f60370fef10105fa2faae0126114a169c64845d6126c9");

impl TsUsdc {
    #[allow(clippy::unused_self, reason = "an entry point")]
    pub(crate) fn permit_typehash(&self) -> B256 {
        constant_word!(PERMIT_TYPEHASH)
    }

    pub(crate) fn nonces(&self, owner: Address) -> U256 {
        self.nonces.get(owner.into_word())
    }

    #[inline(never)]
    pub(crate) fn domain_separator(&self) -> B256 {
        domain::separator(self.vm(), self.name.hash())
    }

    pub(crate) fn eip712_domain(&self) -> Domain {
        Domain::of(self.vm(), self.name())
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
    ) -> Result<(), Revert> {
        self.permit_signed(owner, spender, value, deadline, &packed(v, r, s))
    }

    #[allow(clippy::needless_pass_by_value, reason = "an entry point")]
    pub(crate) fn permit_bytes(
        &mut self,
        owner: Address,
        spender: Address,
        value: U256,
        deadline: U256,
        signature: Bytes,
    ) -> Result<(), Revert> {
        self.permit_signed(owner, spender, value, deadline, &signature)
    }

    /// Valid at its deadline.
    ///
    /// # Errors
    ///
    /// * [`Error::EnforcedPause`].
    /// * [`Error::SignatureExpired`].
    /// * [`Error::InvalidSignature`].
    /// * [`Error::ERC20InvalidSpender`].
    #[inline(never)]
    fn permit_signed(
        &mut self,
        owner: Address,
        spender: Address,
        value: U256,
        deadline: U256,
        signature: &[u8],
    ) -> Result<(), Revert> {
        self.when_not_paused()?;
        let now = self.now();
        if now > deadline {
            return Err(Error::SignatureExpired { deadline, now }.into());
        }
        let nonce = self.nonces(owner);
        let words = [
            constant_word!(PERMIT_TYPEHASH),
            owner.into_word(),
            spender.into_word(),
            bytes(&value),
            bytes(&nonce),
            bytes(&deadline),
        ];
        self.signed(owner, &words, signature)?;
        // One permit at a time: this cannot reach 2^256.
        self.nonces
            .set(owner.into_word(), nonce.wrapping_add(U256::from(1)));
        self.set_allowance(owner, spender, value)
    }

    /// Refuses a `signature` that is not the `signer`'s for the struct of these words, the type hash first.
    #[inline(never)]
    pub(crate) fn signed(
        &self,
        signer: Address,
        words: &[B256],
        signature: &[u8],
    ) -> Result<(), Revert> {
        let digest = domain::digest(self.domain_separator(), keccak256(words.concat()));
        if !is_valid(self.vm(), signer, digest, signature) {
            return Err(Error::InvalidSignature { signer }.into());
        }
        Ok(())
    }

    /// The block's time, as errors and comparisons of signatures use it.
    pub(crate) fn now(&self) -> U256 {
        U256::from(self.vm().block_timestamp())
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::FixedBytes;
    use motsu::prelude::*;
    use runtime::abi::Revert;

    use super::*;
    use crate::{
        event::Approval,
        fixture::{Coin, NOW, Signature, Wallet, log_of, u},
    };

    /// The words of alice's permit for bob, in the struct's order.
    fn words(coin: &Coin, value: U256, nonce: U256, deadline: U256) -> [B256; 6] {
        [
            keccak256(
                "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)",
            ),
            coin.alice.address().into_word(),
            coin.bob.address().into_word(),
            value.into(),
            nonce.into(),
            deadline.into(),
        ]
    }

    /// Sends alice's permit for bob of 5 as carol.
    fn permit(
        coin: &Coin,
        contract: &Contract<TsUsdc>,
        deadline: U256,
        signature: Signature,
    ) -> Result<(), Revert> {
        let (owner, spender) = (coin.alice.address(), coin.bob.address());
        let Signature { v, r, s } = signature;
        contract
            .sender(coin.carol)
            .permit(owner, spender, u(5), deadline, v, r, s)
    }

    type DomainFields = alloy_sol_types::sol! {
        (bytes1, string, string, uint256, address, bytes32, uint256[])
    };

    fn invalid(signer: Address) -> Error {
        Error::InvalidSignature { signer }
    }

    #[test]
    fn the_domain_is_name_version_chain_and_contract() {
        let coin = Coin::new();
        VM::context().set_chain_id(421_614);
        let view = coin.contract.sender(coin.bob);
        let domain = view.eip712_domain();
        assert_eq!(domain.name, "Test USD".into());
        assert_eq!(
            (domain.chain_id, domain.contract),
            (421_614, coin.contract.address())
        );
        let elsewhere = view.domain_separator();
        VM::context().set_chain_id(42_161);
        assert_ne!(coin.contract.sender(coin.bob).domain_separator(), elsewhere);
        let answer = runtime::abi::Outcome::encode(coin.contract.sender(coin.bob).eip712_domain());
        let fields =
            <DomainFields as alloy_sol_types::SolType>::abi_decode_params(&answer.unwrap(), true)
                .unwrap();
        assert_eq!(fields.0, FixedBytes([0x0f]));
        assert_eq!((fields.1.as_str(), fields.2.as_str()), ("Test USD", "1"));
        assert_eq!((fields.3, fields.4), (u(42_161), coin.contract.address()));
        assert_eq!((fields.5, fields.6.len()), (B256::ZERO, 0));
    }

    #[test]
    fn the_type_hash_is_that_of_its_text() {
        let coin = Coin::new();
        let hash = words(&coin, u(0), u(0), u(0))[0];
        assert_eq!(coin.contract.sender(coin.bob).permit_typehash(), hash);
    }

    #[test]
    fn permit_approves_in_both_encodings_up_to_its_deadline() {
        let coin = Coin::new();
        let (owner, spender) = (coin.alice.address(), coin.bob.address());
        for (nonce, deadline) in [u(NOW), U256::MAX].into_iter().enumerate() {
            let signature = coin.sign(coin.alice, &words(&coin, u(5), U256::from(nonce), deadline));
            let logs = if nonce == 0 {
                coin.logs(|c| permit(&coin, c, deadline, signature))
            } else {
                coin.logs(|c| {
                    let mut relayer = c.sender(coin.carol);
                    relayer.permit_bytes(owner, spender, u(5), deadline, signature.bytes())
                })
            };
            assert_eq!(
                logs,
                [log_of(&Approval {
                    owner,
                    spender,
                    value: u(5)
                })]
            );
            let view = coin.contract.sender(coin.carol);
            assert_eq!(view.allowance(owner, spender), u(5));
            assert_eq!(view.nonces(owner), U256::from(nonce + 1));
        }
    }

    #[test]
    fn permit_is_not_blacklist_checked_but_stops_with_the_pause() {
        let coin = Coin::new();
        coin.blacklist(coin.alice);
        coin.blacklist(coin.bob);
        coin.blacklist(coin.carol);
        let signature = coin.sign(coin.alice, &words(&coin, u(5), u(0), u(NOW)));
        permit(&coin, &coin.contract, u(NOW), signature).motsu_unwrap();
        let signature = coin.sign(coin.alice, &words(&coin, u(5), u(1), u(NOW)));
        coin.pause();
        coin.reverts(Error::EnforcedPause {}, |c| {
            permit(&coin, c, u(NOW), signature)
        });
    }

    #[test]
    fn permit_reverts_after_its_deadline_and_a_second_time() {
        let coin = Coin::new();
        let deadline = u(NOW - 1);
        let signature = coin.sign(coin.alice, &words(&coin, u(5), u(0), deadline));
        coin.reverts(
            Error::SignatureExpired {
                deadline,
                now: u(NOW),
            },
            |c| permit(&coin, c, deadline, signature),
        );
        let signature = coin.sign(coin.alice, &words(&coin, u(5), u(0), u(NOW)));
        permit(&coin, &coin.contract, u(NOW), signature).motsu_unwrap();
        coin.reverts(invalid(coin.alice.address()), |c| {
            permit(&coin, c, u(NOW), signature)
        });
    }

    #[test]
    fn permit_reverts_when_anything_signed_differs() {
        let coin = Coin::new();
        let signed = words(&coin, u(5), u(0), u(NOW));
        for word in 0..signed.len() {
            let mut other = signed;
            other[word].0[31] ^= 1;
            let signature = coin.sign(coin.alice, &other);
            coin.reverts(invalid(coin.alice.address()), |c| {
                permit(&coin, c, u(NOW), signature)
            });
        }
        let signature = coin.sign(coin.alice, &signed);
        VM::context().set_chain_id(1);
        coin.reverts(invalid(coin.alice.address()), |c| {
            permit(&coin, c, u(NOW), signature)
        });
        VM::context().set_chain_id(42_161);
        let other = coin.another().sign(coin.alice, &signed);
        coin.reverts(invalid(coin.alice.address()), |c| {
            permit(&coin, c, u(NOW), other)
        });
        let other = coin.sign(coin.bob, &signed);
        coin.reverts(invalid(coin.alice.address()), |c| {
            permit(&coin, c, u(NOW), other)
        });
        permit(&coin, &coin.contract, u(NOW), signature).motsu_unwrap();
    }

    #[test]
    fn permit_reverts_for_malformed_signatures() {
        let coin = Coin::new();
        let good = coin.sign(coin.alice, &words(&coin, u(5), u(0), u(NOW)));
        let twin = Signature {
            v: 55 - good.v,
            s: (reference::ORDER - U256::from_be_bytes(good.s.0)).into(),
            ..good
        };
        let zero = Signature {
            v: 27,
            r: B256::ZERO,
            s: B256::ZERO,
        };
        let v = |v| Signature { v, ..good };
        for bad in [twin, zero, v(0), v(1), v(26), v(29), v(55 - good.v)] {
            coin.reverts(invalid(coin.alice.address()), |c| {
                permit(&coin, c, u(NOW), bad)
            });
        }
        let (owner, spender) = (coin.alice.address(), coin.bob.address());
        for length in [0, 32, 64, 66] {
            let mut bytes = good.bytes();
            bytes.resize(length, 0);
            coin.reverts(invalid(owner), |c| {
                c.sender(coin.carol)
                    .permit_bytes(owner, spender, u(5), u(NOW), bytes)
            });
        }
        let Signature { v, r, s } = zero;
        coin.reverts(invalid(Address::ZERO), |c| {
            c.sender(coin.carol)
                .permit(Address::ZERO, spender, u(5), u(NOW), v, r, s)
        });
    }

    #[test]
    fn permit_reverts_for_zero_as_spender_and_uses_no_nonce() {
        let coin = Coin::new();
        let mut signed = words(&coin, u(5), u(0), u(NOW));
        signed[2] = B256::ZERO;
        let Signature { v, r, s } = coin.sign(coin.alice, &signed);
        coin.reverts(
            Error::ERC20InvalidSpender {
                spender: Address::ZERO,
            },
            |c| {
                let owner = coin.alice.address();
                c.sender(coin.carol)
                    .permit(owner, Address::ZERO, u(5), u(NOW), v, r, s)
            },
        );
    }

    #[test]
    fn a_wallet_signs_with_exactly_the_magic_word_whatever_the_signature() {
        let coin = Coin::new();
        let wallet = Contract::<Wallet>::new();
        let (owner, spender) = (wallet.address(), coin.bob.address());
        let magic = B256::right_padding_from(&[0x16, 0x26, 0xba, 0x7e]);
        let send = |length| {
            let signature = Bytes(vec![7; length]);
            move |c: &Contract<TsUsdc>| {
                let mut relayer = c.sender(Account::from_seed("carol"));
                relayer.permit_bytes(owner, spender, u(5), u(NOW), signature)
            }
        };
        let mut dirty = magic;
        dirty[31] = 1;
        for (answer, fails) in [
            (&magic[..], true),
            (&magic[..31], false),
            (&magic[..4], false),
            (&dirty[..], false),
            (&[0; 32], false),
            (&[], false),
        ] {
            wallet.sender(spender).will_answer(answer, fails);
            coin.reverts(invalid(owner), send(65));
        }
        wallet.sender(spender).will_answer(&magic[..], false);
        for too_many in [4_097 - 32, 1_000_000] {
            wallet.sender(spender).will_pad(too_many);
            coin.reverts(invalid(owner), send(65));
        }
        // The first word of up to 4,096 bytes decides.
        wallet.sender(spender).will_pad(4_096 - 32);
        send(65)(&coin.contract).motsu_unwrap();
        wallet.sender(spender).will_pad(0);
        for length in [0, 1, 65, 200] {
            send(length)(&coin.contract).motsu_unwrap();
        }
        assert_eq!(
            coin.contract.sender(spender).allowance(owner, spender),
            u(5)
        );
    }

    #[test]
    fn a_key_does_not_sign_for_a_contract() {
        let coin = Coin::new();
        let wallet = Contract::<Wallet>::new_at(Account::from_seed("dave").address());
        wallet.sender(coin.bob).will_answer(&[0; 32], false);
        let mut signed = words(&coin, u(5), u(0), u(NOW));
        signed[1] = wallet.address().into_word();
        let Signature { v, r, s } = coin.sign(Account::from_seed("dave"), &signed);
        coin.reverts(invalid(wallet.address()), |c| {
            let spender = coin.bob.address();
            c.sender(coin.carol)
                .permit(wallet.address(), spender, u(5), u(NOW), v, r, s)
        });
    }
}
