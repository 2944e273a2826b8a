//! Simulated blocks: `eth_simulateV1`.

use super::{
    Chain, PooledTransaction, Receipt,
    block::{self, Block},
    call::{At, override_block, simulated},
    diff::Diff,
    error::ChainError,
    overrides,
    receipt::Outcome,
    state::{State, View},
};
use crate::evm::{
    Engine, RecentPrograms,
    record::{Recorder, TransferLog},
};
use alloy::{
    consensus::{Transaction as _, TxEnvelope},
    eips::BlockId,
    primitives::{B256, Log, Signature, TxKind, U256},
    rpc::types::{
        BlockOverrides, Log as WireLog, TransactionRequest,
        simulate::{MAX_SIMULATE_BLOCKS, SimBlock, SimCallResult, SimulateError, SimulatePayload},
    },
};
use revm::context::{BlockEnv, result::ExecutionResult};
use std::sync::Arc;

/// Seconds between blocks without a given time, as in geth.
const INTERVAL: u64 = 12;
/// The error code of a call that reverted, as in execution-apis.
const REVERTED: i32 = 3;
/// The error code of a call that ended in another way; its message begins with "vm execution error".
const HALTED: i32 = -32015;

/// A simulated block.
#[derive(Clone, Debug)]
pub struct Simulated {
    /// Its transactions are the calls, unsigned.
    pub block: Arc<Block>,
    /// How each call ended.
    pub calls: Vec<SimCallResult>,
}

/// A running simulation.
struct Simulation<'c> {
    chain: &'c Chain,
    engine: Engine,
    validation: bool,
    transfers: bool,
    base: Arc<Block>,
    state: State,
    /// Gas left for the rest.
    gas: u64,
    done: Vec<Simulated>,
}

/// A block while calls are added to it.
struct Draft {
    environment: BlockEnv,
    recent: RecentPrograms,
    diff: Diff,
    transactions: Vec<PooledTransaction>,
    receipts: Vec<Receipt>,
    calls: Vec<SimCallResult>,
}

impl Draft {
    fn gas_used(&self) -> u64 {
        let last = self.receipts.last();
        last.map_or(0, |receipt| receipt.cumulative_gas_used)
    }
}

impl Chain {
    /// What the blocks of `payload` would do on top of `block`.
    ///
    /// Skipped numbers become empty blocks. Without `validation`, gas costs nothing and nonces are ignored, as in
    /// [`Self::call`]; with it, each call is checked like a transaction, except for its signature.
    ///
    /// # Errors
    /// [`ChainError::UnknownBlock`], [`ChainError::StateNotKept`], [`ChainError::BlockNumberOrder`],
    /// [`ChainError::TooManyBlocks`], [`ChainError::BlockTimeOrder`], [`ChainError::InvalidParameter`]; what makes a
    /// call invalid. A call that reverts or halts is part of the answer.
    pub fn simulate(
        &self,
        payload: SimulatePayload,
        block: BlockId,
    ) -> Result<Vec<Simulated>, ChainError> {
        let At { state, .. } = self.at(block)?;
        let base = self.ledger().find(block)?.clone();
        let blocks = in_order(&base, payload.block_state_calls)?;
        let mut simulation = Simulation {
            chain: self,
            engine: self.engine(),
            validation: payload.validation,
            transfers: payload.trace_transfers,
            base,
            state,
            gas: self.settings().call_gas_limit,
            done: Vec::with_capacity(blocks.len()),
        };
        for (number, timestamp, block) in blocks {
            simulation.block(number, timestamp, block)?;
        }
        Ok(simulation.done)
    }
}

/// The blocks with their numbers and times, with gaps filled.
fn in_order(base: &Block, blocks: Vec<SimBlock>) -> Result<Vec<(u64, u64, SimBlock)>, ChainError> {
    let mut filled = Vec::new();
    let (mut previous, mut time) = (base.number(), base.timestamp());
    for block in blocks {
        let overrides = block.block_overrides.as_ref();
        let number = overrides.and_then(|overrides| overrides.number);
        let number = number.unwrap_or(U256::from(previous.saturating_add(1)));
        if number <= U256::from(previous) {
            return Err(ChainError::BlockNumberOrder { number, previous });
        }
        let beyond = number.saturating_sub(U256::from(base.number()));
        if beyond > U256::from(MAX_SIMULATE_BLOCKS) {
            return Err(ChainError::TooManyBlocks);
        }
        let number: u64 = number.saturating_to();
        for empty in previous.saturating_add(1)..number {
            time = time.saturating_add(INTERVAL);
            filled.push((empty, time, SimBlock::default()));
        }
        let timestamp = overrides.and_then(|overrides| overrides.time);
        let timestamp = timestamp.unwrap_or(time.saturating_add(INTERVAL));
        if timestamp < time {
            return Err(ChainError::BlockTimeOrder {
                timestamp,
                previous: time,
            });
        }
        (previous, time) = (number, timestamp);
        filled.push((number, timestamp, block));
    }
    Ok(filled)
}

impl Simulation<'_> {
    fn parent(&self) -> &Block {
        self.done
            .last()
            .map_or(&self.base, |simulated| &simulated.block)
    }

    fn block(&mut self, number: u64, timestamp: u64, block: SimBlock) -> Result<(), ChainError> {
        let settings = self.chain.settings();
        if let Some(overrides) = block.state_overrides {
            overrides::apply(&mut self.state, overrides)?;
        }
        let given = block.block_overrides.unwrap_or_default();
        let mut environment = block::environment(&settings, number, timestamp);
        override_block(&mut environment, &given);
        if given.base_fee.is_none() && !self.validation {
            environment.basefee = 0;
        }
        let mut draft = Draft {
            environment,
            recent: RecentPrograms::default(),
            diff: Diff::default(),
            transactions: Vec::new(),
            receipts: Vec::new(),
            calls: Vec::new(),
        };
        for call in block.calls {
            self.call(&mut draft, call)?;
        }
        self.seal(draft, &given, timestamp);
        Ok(())
    }

    fn call(
        &mut self,
        draft: &mut Draft,
        mut request: TransactionRequest,
    ) -> Result<(), ChainError> {
        let settings = self.chain.settings();
        let sender = request.from.unwrap_or_default();
        let left = draft.environment.gas_limit.saturating_sub(draft.gas_used());
        if request.gas.is_some_and(|gas| gas > left) {
            return Err(ChainError::BlockGasLimit);
        }
        let nonce = match request.nonce {
            Some(nonce) => nonce,
            None => self.state.nonce(&sender)?,
        };
        request.nonce = Some(nonce);
        let gas = self.gas.min(left);
        let engine = &self.engine;
        let signatures = engine.signatures();
        let mut tx = simulated(&settings, &self.state, request.clone(), gas, signatures)?;
        tx.nonce = nonce;
        request.gas = Some(tx.gas_limit);
        let max_fee = request.gas_price.or(request.max_fee_per_gas).unwrap_or(0);
        let floor = self.state.has_calldata_floor();
        let mut config = engine.call_config(settings.chain_id, floor);
        // As in `eth_call`: the gas is free, but the value must be available.
        config.disable_balance_check = false;
        if self.validation {
            config = engine.config_with(settings.chain_id, floor);
            config.disable_eip3607 = true;
            tx.gas_price = max_fee;
        }
        let envelope = unsigned(request, settings.chain_id)?;
        let mut recorder = self
            .transfers
            .then(|| Recorder::Transfers(TransferLog::default()));
        let mut view = View::new(&self.state, |number| self.block_hash(number));
        let outcome = engine
            .record(
                &mut view,
                config,
                draft.environment.clone(),
                tx,
                &mut draft.recent,
                recorder.as_mut(),
            )
            .map_err(|error| {
                ChainError::engine(error, sender, draft.environment.basefee, max_fee)
            })?;
        let diff = Diff::from(outcome.state);
        self.state.write(&diff);
        draft.diff.merge(diff);
        let gas_used = outcome.result.tx_gas_used();
        self.gas = self.gas.saturating_sub(gas_used);
        let (answer, logs) = ended(outcome.result, recorder);
        let price = envelope.effective_gas_price(Some(draft.environment.basefee));
        let transaction = PooledTransaction {
            envelope,
            sender,
            impersonated: true,
        };
        let outcome = Outcome {
            success: answer.status,
            gas_used,
            logs,
        };
        let receipt = Receipt::after(draft.receipts.last(), &transaction, price, outcome);
        draft.receipts.push(receipt);
        draft.calls.push(answer);
        draft.transactions.push(transaction);
        Ok(())
    }

    /// The hash of a block, including a simulated one before this.
    fn block_hash(&self, number: u64) -> B256 {
        let index = number.checked_sub(self.base.number() + 1);
        let simulated = index.and_then(|index| self.done.get(usize::try_from(index).ok()?));
        simulated.map_or_else(
            || self.chain.ledger().hash(number),
            |found| found.block.hash,
        )
    }

    fn seal(&mut self, draft: Draft, given: &BlockOverrides, timestamp: u64) {
        let Draft {
            environment,
            diff,
            transactions,
            receipts,
            mut calls,
            ..
        } = draft;
        self.state.commit(&diff);
        let mut block = Block::seal(
            &self.chain.settings(),
            Some(self.parent()),
            timestamp,
            self.state.commitment(),
            transactions,
            receipts,
        );
        block.header.beneficiary = environment.beneficiary;
        block.header.gas_limit = environment.gas_limit;
        block.header.base_fee_per_gas = Some(environment.basefee);
        block.header.mix_hash = given.random.unwrap_or(block.header.mix_hash);
        block.hash = block.header.hash_slow();
        for (index, (call, receipt)) in calls.iter_mut().zip(&block.receipts).enumerate() {
            let hash = block.transactions.get(index).map(PooledTransaction::hash);
            call.logs = on_wire(&block, receipt, hash, index);
        }
        self.done.push(Simulated {
            block: Arc::new(block),
            calls,
        });
    }
}

/// `request` as a transaction without a signature.
fn unsigned(mut request: TransactionRequest, chain_id: u64) -> Result<TxEnvelope, ChainError> {
    request.chain_id = Some(chain_id);
    request.to.get_or_insert(TxKind::Create);
    if request.gas_price.is_none() {
        request.max_fee_per_gas.get_or_insert(0);
        request.max_priority_fee_per_gas.get_or_insert(0);
    }
    let typed = request.build_typed_tx().map_err(|_| {
        ChainError::InvalidTransaction("the call's fields contradict each other".into())
    })?;
    Ok(typed.into_envelope(Signature::new(U256::ZERO, U256::ZERO, false)))
}

/// How a call ended, without its logs, and these.
fn ended(result: ExecutionResult, recorder: Option<Recorder>) -> (SimCallResult, Vec<Log>) {
    let mut answer = SimCallResult {
        gas_used: result.tx_gas_used(),
        status: result.is_success(),
        ..SimCallResult::default()
    };
    match &result {
        ExecutionResult::Success { output, .. } => answer.return_data = output.data().clone(),
        ExecutionResult::Revert { output, .. } => {
            let error = ChainError::Reverted(output.clone());
            answer.return_data = output.clone();
            answer.error = Some(SimulateError {
                code: REVERTED,
                message: error.to_string(),
                data: Some(output.clone()),
            });
        }
        ExecutionResult::Halt { reason, .. } => {
            answer.error = Some(SimulateError {
                code: HALTED,
                message: format!("vm execution error: {}", ChainError::halted(reason)),
                data: None,
            });
        }
    }
    let logs = match recorder {
        Some(Recorder::Transfers(transfers)) => transfers.into_logs(),
        _ if answer.status => result.into_logs(),
        _ => Vec::new(),
    };
    (answer, logs)
}

fn on_wire(block: &Block, receipt: &Receipt, hash: Option<B256>, index: usize) -> Vec<WireLog> {
    let logs = receipt.logs.iter().zip(receipt.first_log_index..);
    logs.map(|(log, log_index)| WireLog {
        inner: log.clone(),
        block_hash: Some(block.hash),
        block_number: Some(block.number()),
        block_timestamp: Some(block.timestamp()),
        transaction_hash: hash,
        transaction_index: Some(index as u64),
        log_index: Some(log_index),
        removed: false,
    })
    .collect()
}
