//! A transaction on its way into a block: decoded, its sender known, checked against the chain's rules.

use super::{error::ChainError, settings::Settings, state::State};
use crate::evm::{Engine, ImpersonatedSignatures};
use alloy::{
    consensus::{Transaction as _, TxEnvelope, TxType, transaction::SignerRecoverable},
    eips::eip2718::Decodable2718,
    primitives::{Address, B256, U256},
};
use revm::{
    context::{CfgEnv, TxEnv},
    primitives::eip3860::MAX_INITCODE_SIZE,
};

/// A transaction whose sender is known.
#[derive(Clone, Debug)]
pub struct PooledTransaction {
    /// The transaction as signed.
    pub envelope: TxEnvelope,
    /// Its sender: recovered from the signature, or impersonated.
    pub sender: Address,
    /// Whether the sender is impersonated, so that no key is needed.
    pub impersonated: bool,
}

impl PooledTransaction {
    /// Decodes a signed transaction (EIP-2718) and recovers its sender.
    ///
    /// # Errors
    /// In this order: [`ChainError::Undecodable`], [`ChainError::UnsupportedType`] (blobs),
    /// [`ChainError::InvalidSender`].
    pub fn decode(raw: &[u8]) -> Result<Self, ChainError> {
        let mut rest = raw;
        let envelope = TxEnvelope::decode_2718(&mut rest).map_err(|error| {
            ChainError::Undecodable(format!("cannot decode the transaction: {error}"))
        })?;
        if !rest.is_empty() {
            let extra = rest.len();
            return Err(ChainError::Undecodable(format!(
                "cannot decode the transaction: {extra} bytes follow it"
            )));
        }
        if envelope.tx_type() == TxType::Eip4844 {
            return Err(ChainError::UnsupportedType);
        }
        let sender = envelope
            .recover_signer()
            .map_err(|error| ChainError::InvalidSender(error.to_string()))?;
        Ok(Self {
            envelope,
            sender,
            impersonated: false,
        })
    }

    /// Its hash.
    pub fn hash(&self) -> B256 {
        *self.envelope.tx_hash()
    }

    /// Its nonce.
    pub fn nonce(&self) -> u64 {
        self.envelope.nonce()
    }

    /// Checks everything that can be checked before it runs on `state`, except that nonces above the
    /// sender's next are in order.
    ///
    /// # Errors
    /// In this order: [`ChainError::WrongChain`], [`ChainError::InitCodeSize`],
    /// [`ChainError::BlockGasLimit`], [`ChainError::IntrinsicGas`], [`ChainError::FloorGas`],
    /// [`ChainError::TipAboveFee`], [`ChainError::FeeTooLow`], [`ChainError::NonceTooLow`],
    /// [`ChainError::NonceMax`], [`ChainError::SenderHasCode`], [`ChainError::InsufficientFunds`]; on a fork,
    /// [`ChainError::Fork`] at any point.
    pub fn check(
        &self,
        state: &State,
        settings: &Settings,
        engine: &Engine,
    ) -> Result<(), ChainError> {
        let (transaction, sender) = (&self.envelope, self.sender);
        if let Some(have) = transaction.chain_id()
            && have != settings.chain_id
        {
            return Err(ChainError::WrongChain {
                have,
                want: settings.chain_id,
            });
        }
        if transaction.is_create() && transaction.input().len() > MAX_INITCODE_SIZE {
            return Err(ChainError::InitCodeSize);
        }
        let config = engine.config_with(settings.chain_id, state.has_calldata_floor());
        self.check_gas(settings, &config)?;
        let max_fee = transaction.max_fee_per_gas();
        if let Some(tip) = transaction.max_priority_fee_per_gas()
            && tip > max_fee
        {
            return Err(ChainError::TipAboveFee {
                sender,
                tip,
                max_fee,
            });
        }
        if max_fee < u128::from(settings.base_fee) {
            return Err(ChainError::FeeTooLow {
                sender,
                max_fee,
                base_fee: settings.base_fee,
            });
        }
        let next = state.nonce(&sender)?;
        if self.nonce() < next {
            return Err(ChainError::NonceTooLow {
                next,
                nonce: self.nonce(),
            });
        }
        if self.nonce() == u64::MAX {
            return Err(ChainError::NonceMax);
        }
        let code = state.code(&sender)?;
        if !self.impersonated && !code.is_empty() && !code.starts_with(&[0xef, 0x01, 0x00]) {
            return Err(ChainError::SenderHasCode(sender));
        }
        self.check_funds(state)
    }

    /// Checks that the gas limit covers what every transaction costs, and fits into a block.
    ///
    /// # Errors
    /// In this order: [`ChainError::BlockGasLimit`], [`ChainError::IntrinsicGas`],
    /// [`ChainError::FloorGas`].
    fn check_gas(&self, settings: &Settings, config: &CfgEnv) -> Result<(), ChainError> {
        let gas = self.envelope.gas_limit();
        if gas > settings.block_gas_limit {
            return Err(ChainError::BlockGasLimit);
        }
        let list = self
            .envelope
            .access_list()
            .map(|list| list.0.as_slice())
            .unwrap_or_default();
        let slots: usize = list.iter().map(|item| item.storage_keys.len()).sum();
        let needed = config.gas_params.initial_tx_gas(
            self.envelope.input(),
            self.envelope.is_create(),
            list.len() as u64,
            slots as u64,
            self.envelope.authorization_list().map_or(0, <[_]>::len) as u64,
        );
        if gas < needed.initial_total_gas {
            return Err(ChainError::IntrinsicGas {
                gas,
                needed: needed.initial_total_gas,
            });
        }
        if gas < needed.floor_gas {
            return Err(ChainError::FloorGas {
                gas,
                needed: needed.floor_gas,
            });
        }
        Ok(())
    }

    /// Checks that the sender can pay the most this transaction can cost.
    ///
    /// # Errors
    /// [`ChainError::InsufficientFunds`].
    fn check_funds(&self, state: &State) -> Result<(), ChainError> {
        let gas = U256::from(self.envelope.gas_limit())
            .saturating_mul(U256::from(self.envelope.max_fee_per_gas()));
        let cost = gas.saturating_add(self.envelope.value());
        let balance = state.balance(&self.sender)?;
        if balance < cost {
            let overshot = cost.saturating_sub(balance);
            return Err(ChainError::InsufficientFunds {
                balance,
                cost,
                overshot,
            });
        }
        Ok(())
    }

    /// What the engine executes.
    ///
    /// As on Arbitrum, the sender pays the base fee even if it offers more, and gas beyond what one
    /// transaction may burn is not used (the sender keeps it). Authorizations that `signatures` sign count as
    /// signed.
    pub fn env(&self, settings: &Settings, signatures: &ImpersonatedSignatures) -> TxEnv {
        let transaction = &self.envelope;
        TxEnv {
            tx_type: transaction.tx_type().into(),
            caller: self.sender,
            gas_limit: transaction.gas_limit().min(settings.transaction_gas_limit),
            gas_price: settings.base_fee.into(),
            kind: transaction.kind(),
            value: transaction.value(),
            data: transaction.input().clone(),
            nonce: transaction.nonce(),
            chain_id: transaction.chain_id(),
            access_list: transaction.access_list().cloned().unwrap_or_default(),
            gas_priority_fee: transaction.max_priority_fee_per_gas().map(|_| 0),
            authorization_list: transaction
                .authorization_list()
                .unwrap_or_default()
                .iter()
                .map(|authorization| signatures.authorization(authorization))
                .collect(),
            ..TxEnv::default()
        }
    }
}
