//! Tracing transactions: the `debug_trace` family in geth's and Nitro's formats, and `trace_` in Parity's.

use super::{
    Chain, PooledTransaction,
    block::Block,
    call::{At, CallRequest},
    call_frames,
    error::ChainError,
    prestate::{self, PrestateOptions},
    state::State,
};
use crate::evm::record::{HostLog, MAX_RECORDED, Recorder, StepLog, StepOptions};
use alloy::{
    consensus::Transaction as _,
    eips::{BlockId, BlockNumberOrTag},
    primitives::{B256, Bytes},
    rpc::types::{
        TransactionInfo,
        trace::{geth::CallConfig, parity::LocalizedTransactionTrace},
    },
};
use revm::context::result::{ExecutionResult, ResultAndState};
use revm_inspectors::tracing::{TraceLimits, TracingInspector, TracingInspectorConfig};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use std::sync::Arc;

/// How to trace a transaction.
#[derive(Clone, Debug)]
pub enum Tracer {
    /// Every step: geth's struct logger.
    Steps(StepOptions),
    /// The tree of calls: `callTracer`.
    Calls(CallConfig),
    /// The state it read or changed: `prestateTracer`.
    Prestate(PrestateOptions),
    /// The host calls of programs: `stylusTracer`.
    Hosts,
}

/// The trace of one transaction in a block.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TransactionTrace {
    tx_hash: B256,
    result: Box<RawValue>,
}

/// What geth's struct logger answers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Steps {
    gas: u64,
    failed: bool,
    return_value: Bytes,
    struct_logs: Box<RawValue>,
}

impl Tracer {
    fn recorder(&self) -> Option<Recorder> {
        match self {
            Self::Steps(options) => Some(Recorder::Steps(Box::new(StepLog::new(*options)))),
            Self::Calls(config) => {
                Some(calls(TracingInspectorConfig::from_geth_call_config(config)))
            }
            Self::Hosts => Some(Recorder::Hosts(HostLog::default())),
            Self::Prestate(_) => None,
        }
    }

    /// The answer for a transaction with `gas_limit` that ran on `before`.
    fn answer(
        &self,
        recorder: Option<Recorder>,
        before: &State,
        outcome: &ResultAndState,
        gas_limit: u64,
    ) -> Result<Box<RawValue>, ChainError> {
        let gas = outcome.result.tx_gas_used();
        match (self, checked(recorder)?) {
            (Self::Calls(config), Some(Recorder::Calls(mut calls))) => {
                calls.set_transaction_gas_limit(gas_limit);
                json(&call_frames::tree(*calls, *config, gas))
            }
            (Self::Steps(_), Some(Recorder::Steps(steps))) => json(&Steps {
                gas,
                failed: !outcome.result.is_success(),
                return_value: match &outcome.result {
                    ExecutionResult::Halt { .. } => Bytes::new(),
                    result => result.output().cloned().unwrap_or_default(),
                },
                struct_logs: steps.into_json().map_err(|error| unwritable(&error))?,
            }),
            (Self::Hosts, Some(Recorder::Hosts(hosts))) => json(&hosts.into_steps()),
            (Self::Prestate(options), _) => json(&prestate::of(before, &outcome.state, *options)?),
            _ => Err(ChainError::InvalidParameter("no such tracer".into())),
        }
    }
}

fn calls(config: TracingInspectorConfig) -> Recorder {
    let limits = TraceLimits::default().set_max_recorded_bytes(Some(MAX_RECORDED));
    Recorder::Calls(Box::new(TracingInspector::new(config).with_limits(limits)))
}

/// `recorder` with everything that happened in it.
fn checked(recorder: Option<Recorder>) -> Result<Option<Recorder>, ChainError> {
    if recorder.as_ref().is_some_and(Recorder::is_full) {
        return Err(ChainError::TraceTooLarge {
            megabytes: MAX_RECORDED >> 20,
        });
    }
    Ok(recorder)
}

fn json(value: &impl Serialize) -> Result<Box<RawValue>, ChainError> {
    to_raw_value(value).map_err(|error| unwritable(&error))
}

fn unwritable(error: &serde_json::Error) -> ChainError {
    ChainError::InvalidParameter(format!("the trace cannot be written: {error}"))
}

impl Chain {
    /// The trace of a transaction of a block, as `tracer` shows it.
    ///
    /// # Errors
    /// [`ChainError::UnknownTransaction`], [`ChainError::StateNotKept`], [`ChainError::TraceTooLarge`].
    pub fn trace_transaction(
        &self,
        hash: &B256,
        tracer: &Tracer,
    ) -> Result<Box<RawValue>, ChainError> {
        let position = self.ledger().transaction(hash);
        let position = position.ok_or(ChainError::UnknownTransaction)?;
        let mut replay = self.replay(Arc::clone(&position.block))?;
        replay.skip_to(position.index)?;
        let mut recorder = tracer.recorder();
        let transaction = position.block.transactions.get(position.index);
        match (transaction, replay.step(recorder.as_mut())?) {
            (Some(transaction), Some(ran)) => {
                let gas_limit = transaction.envelope.gas_limit();
                tracer.answer(recorder, &ran.before, &ran.outcome, gas_limit)
            }
            _ => Err(ChainError::UnknownTransaction),
        }
    }

    /// The block to trace.
    fn traceable(&self, block: BlockId) -> Result<Arc<Block>, ChainError> {
        let ledger = self.ledger();
        ledger.find(block).cloned().map_err(|_| {
            ChainError::BlockNotFound(match block {
                BlockId::Hash(hash) => hash.block_hash.to_string(),
                BlockId::Number(BlockNumberOrTag::Number(number)) => format!("#{number}"),
                BlockId::Number(tag) => tag.to_string(),
            })
        })
    }

    /// The traces of all transactions of `block`, as `tracer` shows them.
    ///
    /// # Errors
    /// [`ChainError::BlockNotFound`], [`ChainError::Genesis`], [`ChainError::StateNotKept`],
    /// [`ChainError::TraceTooLarge`] for all of them together.
    pub fn trace_block(
        &self,
        block: BlockId,
        tracer: &Tracer,
    ) -> Result<Vec<TransactionTrace>, ChainError> {
        let block = self.traceable(block)?;
        let mut replay = self.replay(Arc::clone(&block))?;
        let mut answers = Vec::with_capacity(block.transactions.len());
        let mut bytes = 0;
        for transaction in &block.transactions {
            let mut recorder = tracer.recorder();
            let Some(ran) = replay.step(recorder.as_mut())? else {
                break;
            };
            let gas_limit = transaction.envelope.gas_limit();
            let result = tracer.answer(recorder, &ran.before, &ran.outcome, gas_limit)?;
            bytes += result.get().len();
            if bytes > MAX_RECORDED {
                return Err(ChainError::TraceTooLarge {
                    megabytes: MAX_RECORDED >> 20,
                });
            }
            answers.push(TransactionTrace {
                tx_hash: transaction.hash(),
                result,
            });
        }
        Ok(answers)
    }

    /// The trace of a call after the first `index` transactions of its block, or after all of them, as `tracer` shows
    /// it.
    ///
    /// # Errors
    /// As [`Self::call`], except reverts and halts, which are part of the trace;
    /// [`ChainError::InvalidParameter`] for an index beyond the block; [`ChainError::TraceTooLarge`].
    pub fn trace_call(
        &self,
        request: CallRequest,
        index: Option<usize>,
        tracer: &Tracer,
    ) -> Result<Box<RawValue>, ChainError> {
        let at = match index {
            None => self.at(request.block)?,
            Some(index) => self.at_index(request.block, index)?,
        };
        let prepared = self.prepare_at(at, request, self.settings().call_gas_limit)?;
        let gas_limit = prepared.transaction.gas_limit;
        let mut recorder = tracer.recorder();
        let outcome = self.run_recorded(&prepared, gas_limit, recorder.as_mut())?;
        tracer.answer(recorder, &prepared.state, &outcome, gas_limit)
    }

    /// The moment after the first `index` transactions of `block`.
    fn at_index(&self, block: BlockId, index: usize) -> Result<At, ChainError> {
        let block = self.traceable(block)?;
        let count = block.transactions.len();
        if index > count {
            return Err(ChainError::InvalidParameter(format!(
                "transaction index {index} is beyond the block's {count} transactions"
            )));
        }
        let mut replay = self.replay(Arc::clone(&block))?;
        replay.skip_to(index)?;
        Ok(At {
            number: block.number(),
            timestamp: block.timestamp(),
            settings: self.settings().of_block(&block.header),
            state: replay.into_state(),
        })
    }

    /// The calls in a transaction of a block, in Parity's format; `None` for one that is in no block.
    ///
    /// # Errors
    /// [`ChainError::StateNotKept`], [`ChainError::TraceTooLarge`].
    pub fn parity_transaction(
        &self,
        hash: &B256,
    ) -> Result<Option<Vec<LocalizedTransactionTrace>>, ChainError> {
        let Some(position) = self.ledger().transaction(hash) else {
            return Ok(None);
        };
        let mut replay = self.replay(Arc::clone(&position.block))?;
        replay.skip_to(position.index)?;
        let mut recorder = Some(calls(TracingInspectorConfig::default_parity()));
        replay.step(recorder.as_mut())?;
        parity(recorder, &position.block, position.index).map(Some)
    }

    /// The calls in all transactions of `block`, in Parity's format; `None` for a block that does not exist.
    ///
    /// # Errors
    /// [`ChainError::StateNotKept`], [`ChainError::TraceTooLarge`].
    pub fn parity_block(
        &self,
        block: BlockId,
    ) -> Result<Option<Vec<LocalizedTransactionTrace>>, ChainError> {
        let Ok(block) = self.traceable(block) else {
            return Ok(None);
        };
        let mut traces = Vec::new();
        if block.transactions.is_empty() {
            return Ok(Some(traces));
        }
        let mut replay = self.replay(Arc::clone(&block))?;
        for index in 0..block.transactions.len() {
            let mut recorder = Some(calls(TracingInspectorConfig::default_parity()));
            replay.step(recorder.as_mut())?;
            traces.extend(parity(recorder, &block, index)?);
        }
        Ok(Some(traces))
    }
}

fn parity(
    recorder: Option<Recorder>,
    block: &Block,
    index: usize,
) -> Result<Vec<LocalizedTransactionTrace>, ChainError> {
    let Some(Recorder::Calls(calls)) = checked(recorder)? else {
        return Ok(Vec::new());
    };
    let information = TransactionInfo {
        hash: block.transactions.get(index).map(PooledTransaction::hash),
        index: Some(index as u64),
        block_hash: Some(block.hash),
        block_number: Some(block.number()),
        ..TransactionInfo::default()
    };
    let builder = calls.into_parity_builder();
    Ok(builder.into_localized_transaction_traces(information))
}
