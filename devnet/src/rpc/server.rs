//! Listening: one port for HTTP and WebSocket, with a limit on everything a client controls.

use super::methods;
use crate::chain::Chain;
use jsonrpsee::{
    core::traits::IdProvider,
    server::{BatchRequestConfig, PingConfig, Server, ServerConfig, ServerHandle},
    types::SubscriptionId,
};
use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tower::ServiceBuilder;
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

const MAX_REQUEST: u32 = 16 << 20;
const MAX_RESPONSE: u32 = 128 << 20;
const MAX_CONNECTIONS: u32 = 1_000;
const MAX_SUBSCRIPTIONS: u32 = 256;
const MAX_BATCH: u32 = 1_000;
const FIRST_REQUEST: Duration = Duration::from_secs(30);

/// A server that listens until it is dropped or stopped.
#[derive(Debug)]
pub(crate) struct Listener {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Stops it.
    pub(crate) handle: ServerHandle,
}

/// Subscription ids as geth has them: hexadecimal strings.
#[derive(Debug, Default)]
struct HexIds {
    count: AtomicU64,
}

impl IdProvider for HexIds {
    fn next_id(&self) -> SubscriptionId<'static> {
        let id = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        SubscriptionId::Str(format!("{id:#x}").into())
    }
}

/// Lets web pages of these origins read answers; `*` stands for all.
fn cross_origin(origins: Vec<String>) -> CorsLayer {
    let allowed = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::predicate(move |asking, _| {
            let mut known = origins.iter();
            known.any(|origin| origin.as_bytes() == asking.as_bytes())
        })
    };
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods(Any)
        .allow_headers(Any)
}

/// Serves `chain` at `address`, whose port may be 0 for any that is free, to programs and to web
/// pages of these `origins`.
///
/// # Errors
/// The address cannot be listened on.
pub(crate) async fn listen(
    chain: Arc<Chain>,
    address: SocketAddr,
    origins: Vec<String>,
) -> io::Result<Listener> {
    let config = ServerConfig::builder()
        .max_request_body_size(MAX_REQUEST)
        .max_response_body_size(MAX_RESPONSE)
        .max_connections(MAX_CONNECTIONS)
        .max_subscriptions_per_connection(MAX_SUBSCRIPTIONS)
        .set_batch_request_config(BatchRequestConfig::Limit(MAX_BATCH))
        .set_id_provider(HexIds::default())
        .set_tcp_no_delay(true)
        .set_first_request_timeout(Some(FIRST_REQUEST))
        .enable_ws_ping(PingConfig::new().max_failures(3))
        .build();
    // Without an origin the answers are as they always were.
    let cors = (!origins.is_empty()).then(|| cross_origin(origins));
    let server = Server::builder()
        .set_config(config)
        .set_http_middleware(ServiceBuilder::new().option_layer(cors))
        .build(address)
        .await?;
    let address = server.local_addr()?;
    let methods = methods(chain).map_err(io::Error::other)?;
    Ok(Listener {
        address,
        handle: server.start(methods),
    })
}
