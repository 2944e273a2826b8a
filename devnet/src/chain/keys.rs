//! The accounts the node signs for.

use alloy::{
    consensus::{SignableTransaction, TxEnvelope, TypedTransaction},
    primitives::{Address, B256, Signature, U256, b256},
    signers::{
        SignerSync,
        local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English},
    },
};

/// The key of the account that Nitro's development node funds.
pub const NITRO_DEV_KEY: B256 =
    b256!("0xb6b15c8cb491557369f3c7d2c287b053eb229daa9c22138887752191c9520659");

/// The mnemonic of every Ethereum development tool.
pub const TEST_MNEMONIC: &str = "test test test test test test test test test test test junk";

/// Keys held in memory; all of them are public knowledge.
#[derive(Clone, Debug)]
pub struct Keyring {
    signers: Vec<PrivateKeySigner>,
}

impl Keyring {
    /// Nitro's development account, then the first `count` accounts of the test mnemonic.
    ///
    /// # Panics
    /// Never: the key and the mnemonic are constants.
    pub fn development(count: u32) -> Self {
        let nitro = PrivateKeySigner::from_bytes(&NITRO_DEV_KEY).expect("a valid key");
        let derived = (0..count).map(|index| {
            MnemonicBuilder::<English>::default()
                .phrase(TEST_MNEMONIC)
                .index(index)
                .and_then(|builder| builder.build())
                .expect("a valid mnemonic")
        });
        Self {
            signers: std::iter::once(nitro).chain(derived).collect(),
        }
    }

    /// The accounts, in order.
    pub fn addresses(&self) -> Vec<Address> {
        self.signers.iter().map(PrivateKeySigner::address).collect()
    }

    /// Account and key, in order.
    pub fn pairs(&self) -> Vec<(Address, B256)> {
        self.signers
            .iter()
            .map(|signer| (signer.address(), signer.to_bytes()))
            .collect()
    }

    fn signer(&self, address: &Address) -> Option<&PrivateKeySigner> {
        self.signers
            .iter()
            .find(|signer| signer.address() == *address)
    }

    /// `transaction` signed by `sender`; `None` when the node has no key for it.
    pub fn sign_transaction(
        &self,
        sender: &Address,
        transaction: TypedTransaction,
    ) -> Option<TxEnvelope> {
        let signature = self.sign_hash(sender, &transaction.signature_hash())?;
        Some(transaction.into_envelope(signature))
    }

    /// `hash` signed by `signer`; `None` when the node has no key for it.
    pub fn sign_hash(&self, signer: &Address, hash: &B256) -> Option<Signature> {
        self.signer(signer)
            .and_then(|signer| signer.sign_hash_sync(hash).ok())
    }
}

/// The stand-in for a signature when `sender` is impersonated: its address and s = 1, so that the same
/// transaction from two senders has two hashes.
pub(super) fn impersonated_signature(sender: &Address) -> Signature {
    Signature::new(U256::from_be_slice(sender.as_slice()), U256::from(1), false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::address;

    #[test]
    fn the_accounts_are_those_every_guide_names() {
        let addresses = Keyring::development(10).addresses();
        assert_eq!(addresses.len(), 11);
        assert_eq!(
            addresses[0],
            address!("0x3f1Eae7D46d88F08fc2F8ed27FCb2AB183EB2d0E")
        );
        assert_eq!(
            addresses[1],
            address!("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")
        );
        assert_eq!(
            addresses[10],
            address!("0xa0Ee7A142d267C1f36714E4a8F75612F20a79720")
        );
    }

    #[test]
    fn signs_only_for_held_keys() {
        let keys = Keyring::development(1);
        let hash = B256::repeat_byte(7);
        assert!(keys.sign_hash(&Address::ZERO, &hash).is_none());
        let account = keys.addresses()[0];
        let signature = keys.sign_hash(&account, &hash).unwrap();
        assert_eq!(
            signature.recover_address_from_prehash(&hash).unwrap(),
            account
        );
    }
}
