//! `eth_getLogs`.

use super::{Context, Methods, arguments::Arguments, error::RpcError};
use alloy::rpc::types::{Filter, FilterBlockOption, Log};
use jsonrpsee::core::RegisterMethodError;

/// The most addresses, or alternatives for one topic; more are refused.
const MAX_ALTERNATIVES: usize = 1_000;

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.blocking("eth_getLogs", 1, get)
}

/// The filter in `arguments`, of a size that can be evaluated.
pub(super) fn filter(arguments: &Arguments<'_>, index: usize) -> Result<Filter, RpcError> {
    let filter: Filter = arguments.required(index, "filter")?;
    let longest = filter.topics.iter().map(alloy::rpc::types::FilterSet::len);
    if longest
        .chain([filter.address.len()])
        .any(|length| length > MAX_ALTERNATIVES)
    {
        return Err(RpcError::invalid(format!(
            "invalid argument {index} (filter): more than {MAX_ALTERNATIVES} addresses or topics"
        )));
    }
    Ok(filter)
}

fn get(context: &Context, arguments: &Arguments<'_>) -> Result<Vec<Log>, RpcError> {
    let filter = filter(arguments, 0)?;
    // As in geth: an answer that leaves out future blocks would look complete.
    if let FilterBlockOption::Range {
        from_block,
        to_block,
    } = filter.block_option
        && let Some(to) = to_block.and_then(|tag| tag.as_number())
        && from_block
            .and_then(|tag| tag.as_number())
            .is_none_or(|from| from <= to)
        && to > context.chain.head().number()
    {
        return Err(RpcError::invalid(
            "block range extends beyond current head block",
        ));
    }
    Ok(context.chain.logs(&filter)?)
}
