//! `debug_`: looking into transactions, as geth and Nitro do it.

use super::{Context, Methods, arguments::Arguments, error::RpcError};
use crate::chain::{CallRequest, PrestateOptions, StepOptions, Tracer, TransactionTrace};
use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    primitives::{B256, U64, b256, keccak256},
    rpc::types::{
        BlockOverrides, TransactionRequest, state::StateOverride, trace::geth::CallConfig,
    },
};
use jsonrpsee::core::RegisterMethodError;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// Hash of the only script that is supported: the one that `cargo stylus` 0.10 sends unless it is set to use the
/// native tracer. It answers the same as `stylusTracer`.
const STYLUS_SCRIPT: B256 =
    b256!("0x6cbcdf9f17fe67cde1a5ee3eb26a5104e42dbf4392027f9352735fc82127bc06");

/// The options of all methods, flattened as in geth.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Options {
    tracer: Option<String>,
    tracer_config: Option<Value>,
    disable_stack: Option<bool>,
    disable_storage: Option<bool>,
    enable_memory: Option<bool>,
    enable_return_data: Option<bool>,
    limit: Option<usize>,
    state_overrides: Option<StateOverride>,
    block_overrides: Option<BlockOverrides>,
    tx_index: Option<U64>,
}

/// Options of `prestateTracer`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PrestateConfig {
    diff_mode: Option<bool>,
    disable_code: Option<bool>,
    disable_storage: Option<bool>,
    include_empty: Option<bool>,
}

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.blocking("debug_traceTransaction", 2, transaction)?;
    methods.blocking("debug_traceCall", 3, call)?;
    methods.blocking("debug_traceBlockByNumber", 2, |context, arguments| {
        let tag: BlockNumberOrTag = arguments.required(0, "block")?;
        block(context, arguments, BlockId::Number(tag))
    })?;
    methods.blocking("debug_traceBlockByHash", 2, |context, arguments| {
        let hash: B256 = arguments.required(0, "block hash")?;
        block(context, arguments, BlockId::from(hash))
    })
}

fn invalid(index: usize, what: impl std::fmt::Display) -> RpcError {
    RpcError::invalid(format!("invalid argument {index} (trace options): {what}"))
}

impl Options {
    /// The options at `index`.
    fn of(arguments: &Arguments<'_>, index: usize) -> Result<Self, RpcError> {
        Ok(arguments
            .optional(index, "trace options")?
            .unwrap_or_default())
    }

    /// The tracer that the options at `index` name.
    fn tracer(&mut self, index: usize) -> Result<Tracer, RpcError> {
        let config = self.tracer_config.take().filter(|config| !config.is_null());
        match self.tracer.as_deref().unwrap_or_default() {
            "" => Ok(Tracer::Steps(StepOptions {
                disable_stack: self.disable_stack.unwrap_or_default(),
                disable_storage: self.disable_storage.unwrap_or_default(),
                enable_memory: self.enable_memory.unwrap_or_default(),
                enable_return_data: self.enable_return_data.unwrap_or_default(),
                limit: self.limit.unwrap_or_default(),
            })),
            "callTracer" => Ok(Tracer::Calls(configured::<CallConfig>(config, index)?)),
            "prestateTracer" => {
                let config: PrestateConfig = configured(config, index)?;
                let options = PrestateOptions {
                    diff_mode: config.diff_mode.unwrap_or_default(),
                    disable_code: config.disable_code.unwrap_or_default(),
                    disable_storage: config.disable_storage.unwrap_or_default(),
                    include_empty: config.include_empty.unwrap_or_default(),
                };
                if options.diff_mode && options.include_empty {
                    return Err(RpcError::refused("cannot use diffMode with includeEmpty"));
                }
                Ok(Tracer::Prestate(options))
            }
            "stylusTracer" => Ok(Tracer::Hosts),
            script if keccak256(script) == STYLUS_SCRIPT => Ok(Tracer::Hosts),
            other => {
                let name: String = other.chars().take(40).collect();
                Err(invalid(
                    index,
                    format!(
                        "no tracer {name:?}; there are callTracer, prestateTracer, stylusTracer and, without a name, \
                         the struct logger; scripts are not run"
                    ),
                ))
            }
        }
    }
}

fn configured<T: Default + for<'a> Deserialize<'a>>(
    config: Option<Value>,
    index: usize,
) -> Result<T, RpcError> {
    let config = config.map(serde_json::from_value).transpose();
    let config = config.map_err(|error| invalid(index, format!("tracerConfig: {error}")))?;
    Ok(config.unwrap_or_default())
}

fn transaction(context: &Context, arguments: &Arguments<'_>) -> Result<Box<RawValue>, RpcError> {
    let hash: B256 = arguments.required(0, "transaction hash")?;
    let tracer = Options::of(arguments, 1)?.tracer(1)?;
    Ok(context.chain.trace_transaction(&hash, &tracer)?)
}

fn block(
    context: &Context,
    arguments: &Arguments<'_>,
    block: BlockId,
) -> Result<Vec<TransactionTrace>, RpcError> {
    let tracer = Options::of(arguments, 1)?.tracer(1)?;
    Ok(context.chain.trace_block(block, &tracer)?)
}

fn call(context: &Context, arguments: &Arguments<'_>) -> Result<Box<RawValue>, RpcError> {
    let transaction: TransactionRequest = arguments.required(0, "transaction")?;
    let block: Option<BlockId> = arguments.optional(1, "block")?;
    let mut options = Options::of(arguments, 2)?;
    let tracer = options.tracer(2)?;
    let index = options.tx_index.map(|index| index.saturating_to());
    let request = CallRequest {
        transaction,
        block: block.unwrap_or(BlockId::Number(BlockNumberOrTag::Latest)),
        overrides: options.state_overrides,
        block_overrides: options.block_overrides,
    };
    Ok(context.chain.trace_call(request, index, &tracer)?)
}
