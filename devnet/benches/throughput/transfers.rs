//! Transactions signed beforehand.

use crate::{bytecode, wire::Connection};
use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::eip2718::Encodable2718,
    hex,
    primitives::{Address, Bytes, TxKind},
    signers::{SignerSync, local::PrivateKeySigner},
};
use devnet::{Devnet, chain::PooledTransaction};
use std::error::Error;

const PAYEE: Address = Address::repeat_byte(0xee);

/// Transfers of a coin, signed.
pub(crate) struct Transfers {
    raw: Vec<Bytes>,
}

impl Transfers {
    /// Creates the coin on `devnet` and signs `count` transfers of it.
    pub(crate) fn sign(devnet: &Devnet, count: u64) -> Result<Self, Box<dyn Error>> {
        let signer = PrivateKeySigner::from_bytes(&devnet.keys()[1])?;
        let coin = signer.address().create(0);
        let sign = |nonce, to, data: &str| -> Result<Bytes, Box<dyn Error>> {
            let transaction = TxEip1559 {
                chain_id: devnet.chain_id(),
                nonce,
                gas_limit: 500_000,
                max_fee_per_gas: 100_000_000,
                to,
                input: data.parse()?,
                ..TxEip1559::default()
            };
            let signature = signer.sign_hash_sync(&transaction.signature_hash())?;
            Ok(TxEnvelope::from(transaction.into_signed(signature))
                .encoded_2718()
                .into())
        };
        devnet
            .chain()
            .submit_raw(&sign(0, TxKind::Create, bytecode::COIN)?)?;
        let data = bytecode::transfer(&PAYEE.to_string(), 1);
        let raw = (1..=count).map(|nonce| sign(nonce, TxKind::Call(coin), &data));
        Ok(Self {
            raw: raw.collect::<Result<_, _>>()?,
        })
    }

    fn get(&self, index: u64) -> &Bytes {
        usize::try_from(index)
            .ok()
            .and_then(|index| self.raw.get(index))
            .expect("signed")
    }

    /// Sends the `index`th over `connection`.
    pub(crate) fn send(&self, connection: &mut Connection, index: u64) {
        let params = format!("[\"{}\"]", hex::encode_prefixed(self.get(index)));
        let answer = connection.call("eth_sendRawTransaction", &params);
        assert!(answer.contains("\"result\""), "{answer}");
    }

    /// Decodes the `index`th and recovers its sender.
    pub(crate) fn decode(&self, index: u64) {
        PooledTransaction::decode(self.get(index)).expect("a transaction");
    }

    /// Passes the `index`th to `devnet` directly, without a connection.
    pub(crate) fn submit(&self, devnet: &Devnet, index: u64) {
        devnet
            .chain()
            .submit_raw(self.get(index))
            .expect("accepted");
    }
}
