//! JSON-RPC over HTTP and WebSocket, one file per namespace.

mod anvil;
mod arguments;
mod block;
mod connection;
mod debug;
mod error;
mod eth;
mod evm;
mod fee;
mod filter;
mod flow;
mod logs;
mod net;
mod node;
mod proof;
mod refused;
mod rules;
mod server;
mod sign;
mod subscribe;
mod trace;
mod transaction;
mod txpool;
mod web3;

pub(crate) use server::{Listener, Options, listen};

use crate::chain::Chain;
use arguments::{Arguments, Owned};
use error::RpcError;
use filter::Filters;
use futures::FutureExt;
use jsonrpsee::{
    RpcModule,
    core::RegisterMethodError,
    types::{ErrorObjectOwned, Params},
};
use serde::Serialize;
use std::{
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::task::block_in_place;

/// The error a client gets when a method panics.
const PANICKED: &str = "the node panicked while handling the request";

/// What every method works on.
#[derive(Debug)]
pub(crate) struct Context {
    chain: Arc<Chain>,
    filters: Filters,
    client_version: String,
    /// A fork's requests may all have to wait for another node.
    waits: bool,
    /// Whether each request and its outcome is written to standard error.
    logging: AtomicBool,
    /// A request keeps its thread, see [`Thread::KeptByOne`].
    brief: AtomicBool,
}

impl Context {
    /// Logs the outcome of a request for the method `name`, if logging is on.
    fn log<R>(&self, name: &str, answer: &Result<R, RpcError>) {
        if self.logging.load(Ordering::Relaxed) {
            let outcome = answer
                .as_ref()
                .map_or_else(ToString::to_string, |_| "ok".into());
            // It does not matter if nobody reads it.
            let _ = writeln!(std::io::stderr(), "{name}: {outcome}");
        }
    }
}

/// The methods, while they are registered.
struct Methods {
    module: RpcModule<Context>,
}

/// What answers a method.
type Handler<R> = fn(&Context, &Arguments<'_>) -> Result<R, RpcError>;

/// Calls `handler` for the method `name`; if it panics, only this request fails.
fn respond<R>(
    context: &Context,
    name: &str,
    params: &Params<'_>,
    limit: usize,
    handler: Handler<R>,
) -> Result<R, ErrorObjectOwned> {
    let answer = catch_unwind(AssertUnwindSafe(|| {
        handler(context, &Arguments::parse(params, limit)?)
    }))
    .unwrap_or_else(|_| Err(RpcError::internal(PANICKED)));
    context.log(name, &answer);
    answer.map_err(Into::into)
}

/// What happens to the thread that a request arrived on while it is answered.
#[derive(Clone, Copy, Debug)]
enum Thread {
    /// It answers.
    Kept,
    /// It answers, but the server does not count on it meanwhile; no time is lost handing the request to
    /// another thread.
    GivenUp,
    /// Giving it up takes longer than the answer usually does, so one request at a time keeps it; the
    /// server has another one.
    KeptByOne,
}

impl Thread {
    fn run<T>(self, context: &Context, answer: impl FnOnce() -> T) -> T {
        match self {
            Self::Kept if !context.waits => answer(),
            Self::KeptByOne if !context.waits && !context.brief.swap(true, Ordering::Acquire) => {
                let answer = answer();
                context.brief.store(false, Ordering::Release);
                answer
            }
            Self::Kept | Self::GivenUp | Self::KeptByOne => block_in_place(answer),
        }
    }
}

impl Methods {
    fn register<R: Serialize + Clone + 'static>(
        &mut self,
        name: &'static str,
        limit: usize,
        handler: Handler<R>,
        thread: Thread,
    ) -> Result<(), RegisterMethodError> {
        self.module
            .register_method(name, move |params, context, _| {
                thread.run(context, || respond(context, name, &params, limit, handler))
            })?;
        Ok(())
    }

    /// A method of at most `limit` parameters that only looks something up.
    fn quick<R: Serialize + Clone + 'static>(
        &mut self,
        name: &'static str,
        limit: usize,
        handler: Handler<R>,
    ) -> Result<(), RegisterMethodError> {
        self.register(name, limit, handler, Thread::Kept)
    }

    /// A method of at most `limit` parameters that executes something, or waits for an execution.
    fn blocking<R: Serialize + Clone + 'static>(
        &mut self,
        name: &'static str,
        limit: usize,
        handler: Handler<R>,
    ) -> Result<(), RegisterMethodError> {
        self.register(name, limit, handler, Thread::GivenUp)
    }

    /// As [`Self::blocking`], for one execution of usually less than a millisecond.
    fn brief<R: Serialize + Clone + 'static>(
        &mut self,
        name: &'static str,
        limit: usize,
        handler: Handler<R>,
    ) -> Result<(), RegisterMethodError> {
        self.register(name, limit, handler, Thread::KeptByOne)
    }

    /// A method of at most `limit` parameters that waits for something to happen, on no thread.
    fn waiting<R: Serialize + Clone + 'static, F>(
        &mut self,
        name: &'static str,
        limit: usize,
        handler: fn(Arc<Context>, Owned) -> F,
    ) -> Result<(), RegisterMethodError>
    where
        F: Future<Output = Result<R, RpcError>> + Send + 'static,
    {
        self.module
            .register_async_method(name, move |params, context, _| {
                let arguments = Owned::new(params, limit);
                async move {
                    let answer = AssertUnwindSafe(handler(Arc::clone(&context), arguments));
                    let answer = answer
                        .catch_unwind()
                        .await
                        .unwrap_or_else(|_| Err(RpcError::internal(PANICKED)));
                    context.log(name, &answer);
                    answer.map_err(ErrorObjectOwned::from)
                }
            })?;
        Ok(())
    }

    /// Other names for a method.
    fn aliases(
        &mut self,
        method: &'static str,
        names: &[&'static str],
    ) -> Result<(), RegisterMethodError> {
        names
            .iter()
            .try_for_each(|name| self.module.register_alias(name, method))
    }
}

/// All methods on `chain`, of a node that reports `client_version`.
fn methods(
    chain: Arc<Chain>,
    client_version: String,
) -> Result<RpcModule<Context>, RegisterMethodError> {
    let context = Context {
        waits: chain.fork().is_some(),
        chain,
        filters: Filters::default(),
        client_version,
        logging: AtomicBool::new(false),
        brief: AtomicBool::new(false),
    };
    let mut methods = Methods {
        module: RpcModule::new(context),
    };
    eth::register(&mut methods)?;
    block::register(&mut methods)?;
    transaction::register(&mut methods)?;
    sign::register(&mut methods)?;
    fee::register(&mut methods)?;
    logs::register(&mut methods)?;
    filter::register(&mut methods)?;
    subscribe::register(&mut methods)?;
    debug::register(&mut methods)?;
    trace::register(&mut methods)?;
    evm::register(&mut methods)?;
    anvil::register(&mut methods)?;
    proof::register(&mut methods)?;
    rules::register(&mut methods)?;
    node::register(&mut methods)?;
    refused::register(&mut methods)?;
    net::register(&mut methods)?;
    web3::register(&mut methods)?;
    txpool::register(&mut methods)?;
    Ok(methods.module)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Settings;
    use std::collections::BTreeSet;

    #[test]
    fn every_method_has_requests_to_be_damaged() {
        let chain = Chain::open(Settings::default(), None).unwrap();
        let served = methods(Arc::new(chain), String::new()).unwrap();
        let served: BTreeSet<&str> = served.method_names().collect();
        let table: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(include_str!("../../tests/fuzz/requests.json")).unwrap();
        let damaged: BTreeSet<&str> = table.keys().map(String::as_str).collect();
        assert_eq!(served, damaged);
    }
}
