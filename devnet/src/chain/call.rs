//! Calls that change nothing: `eth_call`.

use super::{
    Chain, block,
    error::ChainError,
    overrides,
    settings::Settings,
    state::{State, View},
};
use crate::evm::{Engine, ImpersonatedSignatures, RecentPrograms, record::Recorder};
use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    primitives::{Bytes, U256},
    rpc::types::{BlockOverrides, TransactionRequest, state::StateOverride},
};
use revm::{
    context::{
        BlockEnv, TxEnv,
        result::{ExecutionResult, ResultAndState},
    },
    primitives::TxKind,
};

/// A moment of the chain: what `latest`, a number or a hash refers to.
#[derive(Clone, Debug)]
pub struct At {
    /// The number of the block.
    pub number: u64,
    /// Seconds since the epoch.
    pub timestamp: u64,
    /// The rules of the block.
    pub settings: Settings,
    /// The accounts.
    pub state: State,
}

/// A call, where it runs, and the overrides there.
#[derive(Clone, Debug)]
pub struct CallRequest {
    /// The call.
    pub transaction: TransactionRequest,
    /// On the state of this block.
    pub block: BlockId,
    /// Accounts that differ.
    pub overrides: Option<StateOverride>,
    /// Block values that differ.
    pub block_overrides: Option<BlockOverrides>,
}

impl CallRequest {
    /// A call as part of the next block.
    pub const fn pending(transaction: TransactionRequest) -> Self {
        let block = BlockId::Number(BlockNumberOrTag::Pending);
        Self {
            transaction,
            block,
            overrides: None,
            block_overrides: None,
        }
    }
}

/// A call ready to run, any number of times.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) environment: BlockEnv,
    pub(super) state: State,
    pub(super) transaction: TxEnv,
    pub(super) engine: Engine,
}

impl Chain {
    /// The moment that `block` refers to. `pending` is the block that would come next, at the time it would
    /// have; waiting transactions are not part of it.
    ///
    /// # Errors
    /// [`ChainError::UnknownBlock`], [`ChainError::StateNotKept`].
    pub fn at(&self, block: BlockId) -> Result<At, ChainError> {
        // Locked before the ledger, in the same order as when blocks are made.
        let clock = matches!(block, BlockId::Number(BlockNumberOrTag::Pending))
            .then(|| self.producer().clock.clone());
        let ledger = self.ledger();
        if let Some(clock) = clock {
            let head = ledger.head();
            return Ok(At {
                number: head.number() + 1,
                timestamp: clock.peek(head.timestamp()),
                settings: self.settings(),
                state: ledger.head_state().clone(),
            });
        }
        let block = ledger.find(block)?;
        let (number, timestamp) = (block.number(), block.timestamp());
        Ok(At {
            number,
            timestamp,
            settings: self.settings().of_block(&block.header),
            state: ledger.state(number)?.clone(),
        })
    }

    /// The accounts after `block`; `pending` is `latest`.
    ///
    /// # Errors
    /// [`ChainError::UnknownBlock`], [`ChainError::StateNotKept`].
    pub fn state(&self, block: BlockId) -> Result<State, ChainError> {
        let ledger = self.ledger();
        let number = ledger.find(block)?.number();
        ledger.state(number).cloned()
    }

    /// Executes `request` and returns its output.
    ///
    /// # Errors
    /// As [`Self::at`]; [`ChainError::InvalidParameter`]; what makes the transaction invalid;
    /// [`ChainError::Reverted`], [`ChainError::Halted`].
    pub fn call(&self, request: CallRequest) -> Result<Bytes, ChainError> {
        let prepared = self.prepare(request, self.settings().call_gas_limit)?;
        match self.run(&prepared, prepared.transaction.gas_limit)? {
            ExecutionResult::Success { output, .. } => Ok(output.into_data()),
            ExecutionResult::Revert { output, .. } => Err(ChainError::Reverted(output)),
            ExecutionResult::Halt { reason, .. } => Err(ChainError::halted(&reason)),
        }
    }

    /// Prepares `request` to run with at most `gas_cap` gas.
    pub(super) fn prepare(
        &self,
        request: CallRequest,
        gas_cap: u64,
    ) -> Result<Prepared, ChainError> {
        self.prepare_at(self.at(request.block)?, request, gas_cap)
    }

    /// Executes `prepared` with `gas_limit`.
    pub(super) fn run(
        &self,
        prepared: &Prepared,
        gas_limit: u64,
    ) -> Result<ExecutionResult, ChainError> {
        self.run_recorded(prepared, gas_limit, None)
            .map(|outcome| outcome.result)
    }

    /// As [`Self::run`], and reports everything to `recorder`.
    pub(super) fn run_recorded(
        &self,
        prepared: &Prepared,
        gas_limit: u64,
        recorder: Option<&mut Recorder>,
    ) -> Result<ResultAndState, ChainError> {
        let floor = prepared.state.has_calldata_floor();
        let engine = &prepared.engine;
        let mut config = engine.call_config(self.settings().chain_id, floor);
        // As in geth: the gas is free, but the value must be available.
        config.disable_balance_check = false;
        let transaction = TxEnv {
            gas_limit,
            ..prepared.transaction.clone()
        };
        let caller = transaction.caller;
        let mut view = View::new(&prepared.state, |number| self.ledger().hash(number));
        engine
            .record(
                &mut view,
                config,
                prepared.environment.clone(),
                transaction,
                &mut RecentPrograms::default(),
                recorder,
            )
            .map_err(|error| ChainError::engine(error, caller, prepared.environment.basefee, 0))
    }

    /// Prepares `request` to run `at` a moment with at most `gas_cap` gas.
    pub(super) fn prepare_at(
        &self,
        mut at: At,
        request: CallRequest,
        gas_cap: u64,
    ) -> Result<Prepared, ChainError> {
        if let Some(overrides) = request.overrides {
            overrides::apply(&mut at.state, overrides)?;
        }
        let mut environment = block::environment(&at.settings, at.number, at.timestamp);
        if let Some(overrides) = request.block_overrides {
            override_block(&mut environment, &overrides);
        }
        let engine = self.engine();
        let (settings, signatures) = (&at.settings, engine.signatures());
        let transaction = simulated(
            settings,
            &at.state,
            request.transaction,
            gas_cap,
            signatures,
        )?;
        Ok(Prepared {
            environment,
            state: at.state,
            transaction,
            engine,
        })
    }
}

/// What the engine executes for `request`: like a signed transaction, but fees are only paid if it names them.
pub(super) fn simulated(
    settings: &Settings,
    state: &State,
    request: TransactionRequest,
    gas_cap: u64,
    signatures: &ImpersonatedSignatures,
) -> Result<TxEnv, ChainError> {
    if request.gas_price.is_some()
        && (request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some())
    {
        return Err(ChainError::InvalidTransaction(
            "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified".into(),
        ));
    }
    if request.sidecar.is_some() || request.blob_versioned_hashes.is_some() {
        return Err(ChainError::UnsupportedType);
    }
    let caller = request.from.unwrap_or_default();
    let max_fee = request.gas_price.or(request.max_fee_per_gas).unwrap_or(0);
    let base_fee = settings.base_fee;
    if max_fee != 0 && max_fee < u128::from(base_fee) {
        return Err(ChainError::FeeTooLow {
            sender: caller,
            max_fee,
            base_fee,
        });
    }
    if let Some(tip) = request.max_priority_fee_per_gas
        && max_fee != 0
        && tip > max_fee
    {
        return Err(ChainError::TipAboveFee {
            sender: caller,
            tip,
            max_fee,
        });
    }
    let input = request.input.try_into_unique_input().map_err(|_| {
        ChainError::InvalidTransaction(
            "both \"data\" and \"input\" are set and not equal; please use \"input\"".into(),
        )
    })?;
    let authorizations = request.authorization_list.unwrap_or_default();
    Ok(TxEnv {
        tx_type: if authorizations.is_empty() { 2 } else { 4 },
        caller,
        gas_limit: request.gas.unwrap_or(gas_cap).min(gas_cap),
        gas_price: if max_fee == 0 { 0 } else { base_fee.into() },
        kind: request.to.unwrap_or(TxKind::Create),
        value: request.value.unwrap_or(U256::ZERO),
        data: input.unwrap_or_default(),
        nonce: state.nonce(&caller)?,
        chain_id: Some(settings.chain_id),
        access_list: request.access_list.unwrap_or_default(),
        gas_priority_fee: Some(0),
        authorization_list: authorizations
            .iter()
            .map(|authorization| signatures.authorization(authorization))
            .collect(),
        ..TxEnv::default()
    })
}

pub(super) fn override_block(environment: &mut BlockEnv, overrides: &BlockOverrides) {
    environment.number = overrides.number.unwrap_or(environment.number);
    environment.difficulty = overrides.difficulty.unwrap_or(environment.difficulty);
    environment.timestamp = overrides.time.map_or(environment.timestamp, U256::from);
    environment.gas_limit = overrides.gas_limit.unwrap_or(environment.gas_limit);
    environment.beneficiary = overrides.coinbase.unwrap_or(environment.beneficiary);
    environment.prevrandao = overrides.random.or(environment.prevrandao);
    if let Some(base_fee) = overrides.base_fee {
        environment.basefee = base_fee.saturating_to();
    }
}
