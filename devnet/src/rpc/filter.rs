//! `eth_newFilter` and the like: logs, blocks and transactions for clients that poll.

use super::{Context, Methods, arguments::Arguments, error::RpcError, logs};
use alloy::{
    primitives::{B256, U64},
    rpc::types::{BlockNumberOrTag, Filter, FilterBlockOption, FilterChanges, Log},
};
use jsonrpsee::core::RegisterMethodError;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// A filter that nobody polls for this long is removed, as in geth.
const IDLE: Duration = Duration::from_mins(5);
const MAX_FILTERS: usize = 1_000;

#[derive(Clone, Debug)]
enum Kind {
    Logs(Box<Filter>),
    Blocks,
    Accepted,
}

#[derive(Clone, Debug)]
struct Installed {
    kind: Kind,
    /// The next block, or accepted transaction, that it has not reported yet.
    next: u64,
    polled: Instant,
}

/// The filters installed.
#[derive(Debug, Default)]
pub(super) struct Filters {
    installed: Mutex<(u64, HashMap<u64, Installed>)>,
}

impl Filters {
    fn lock(&self) -> MutexGuard<'_, (u64, HashMap<u64, Installed>)> {
        self.installed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn install(&self, kind: Kind, next: u64) -> Result<U64, RpcError> {
        let mut guard = self.lock();
        let (count, installed) = &mut *guard;
        installed.retain(|_, filter| filter.polled.elapsed() < IDLE);
        if installed.len() >= MAX_FILTERS {
            return Err(RpcError::refused(format!(
                "more than {MAX_FILTERS} filters are installed"
            )));
        }
        *count += 1;
        installed.insert(
            *count,
            Installed {
                kind,
                next,
                polled: Instant::now(),
            },
        );
        Ok(U64::from(*count))
    }
}

pub(super) fn register(methods: &mut Methods) -> Result<(), RegisterMethodError> {
    methods.blocking("eth_newFilter", 1, |context, arguments| {
        let filter = logs::filter(arguments, 0)?;
        let next = context.chain.head().number() + 1;
        context.filters.install(Kind::Logs(Box::new(filter)), next)
    })?;
    methods.blocking("eth_newBlockFilter", 0, |context, _| {
        context
            .filters
            .install(Kind::Blocks, context.chain.head().number() + 1)
    })?;
    methods.blocking("eth_newPendingTransactionFilter", 1, |context, _| {
        let (count, _) = context.chain.accepted_since(usize::MAX);
        context.filters.install(Kind::Accepted, count as u64)
    })?;
    methods.blocking("eth_getFilterChanges", 1, changes)?;
    methods.blocking("eth_getFilterLogs", 1, all)?;
    methods.blocking("eth_uninstallFilter", 1, |context, arguments| {
        let id = arguments.number(0, "filter id")?;
        Ok(context.filters.lock().1.remove(&id).is_some())
    })
}

fn unknown() -> RpcError {
    RpcError::refused("filter not found")
}

fn changes(context: &Context, arguments: &Arguments<'_>) -> Result<FilterChanges, RpcError> {
    let id = arguments.number(0, "filter id")?;
    let mut guard = context.filters.lock();
    let filter = guard.1.get_mut(&id).ok_or_else(unknown)?;
    filter.polled = Instant::now();
    if matches!(filter.kind, Kind::Accepted) {
        let from = usize::try_from(filter.next).unwrap_or(usize::MAX);
        let (count, hashes) = context.chain.accepted_since(from);
        filter.next = count as u64;
        return Ok(FilterChanges::Hashes(hashes));
    }
    // The chain may have been reverted to a snapshot since.
    let head = context.chain.head().number();
    let from = filter.next.min(head + 1);
    filter.next = head + 1;
    match &filter.kind {
        Kind::Logs(wanted) => {
            let found = logs_between(context, wanted, from, head)?;
            Ok(FilterChanges::Logs(found))
        }
        Kind::Blocks | Kind::Accepted => {
            let ledger = context.chain.ledger();
            let hashes: Vec<B256> = (from..=head).map(|number| ledger.hash(number)).collect();
            Ok(FilterChanges::Hashes(hashes))
        }
    }
}

/// The logs matched by `wanted` in the blocks `from` to `to`.
fn logs_between(
    context: &Context,
    wanted: &Filter,
    from: u64,
    to: u64,
) -> Result<Vec<Log>, RpcError> {
    let number = |bound: Option<BlockNumberOrTag>| bound.and_then(|tag| tag.as_number());
    let (from, to) = match wanted.block_option {
        FilterBlockOption::Range {
            from_block,
            to_block,
        } => (
            number(from_block).map_or(from, |bound| bound.max(from)),
            number(to_block).map_or(to, |bound| bound.min(to)),
        ),
        FilterBlockOption::AtBlockHash(_) => (from, to),
    };
    if from > to {
        return Ok(Vec::new());
    }
    let range = FilterBlockOption::Range {
        from_block: Some(from.into()),
        to_block: Some(to.into()),
    };
    Ok(context.chain.logs(&Filter {
        block_option: range,
        ..wanted.clone()
    })?)
}

fn all(context: &Context, arguments: &Arguments<'_>) -> Result<Vec<Log>, RpcError> {
    let id = arguments.number(0, "filter id")?;
    let wanted = {
        let mut guard = context.filters.lock();
        let filter = guard.1.get_mut(&id).ok_or_else(unknown)?;
        filter.polled = Instant::now();
        match &filter.kind {
            Kind::Logs(wanted) => wanted.clone(),
            Kind::Blocks | Kind::Accepted => return Err(unknown()),
        }
    };
    Ok(context.chain.logs(&wanted)?)
}
