//! Listening: one port for HTTP and WebSocket, with a limit on everything a client controls.

use super::{
    connection::Connection,
    flow::{Flow, HeldBack},
    methods,
};
use crate::chain::Chain;
use jsonrpsee::{
    Methods,
    core::{middleware::RpcServiceBuilder, traits::IdProvider},
    server::{
        BatchRequestConfig, PingConfig, Server, ServerConfig, ServerHandle, StopHandle,
        serve_with_graceful_shutdown, stop_channel,
    },
    types::SubscriptionId,
};
use serde_json::json;
use std::{
    io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tower::ServiceBuilder;
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

/// The largest request, in bytes, as in geth.
pub(super) const MAX_REQUEST: u32 = 5 << 20;
pub(super) const MAX_RESPONSE: u32 = 128 << 20;
const MAX_CONNECTIONS: u32 = 1_000;
const MAX_SUBSCRIPTIONS: u32 = 256;
const MAX_BATCH: u32 = 1_000;
/// The most answers and notifications that wait to be sent; beyond that, making more waits.
const MAX_MESSAGES: u32 = 64;
/// The pause before accepting again after the system failed to provide a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

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

/// How a chain is served.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Where to listen; port 0 picks a free one.
    pub(crate) address: SocketAddr,
    /// The origins of web pages that may read answers; programs always may.
    pub(crate) origins: Vec<String>,
    /// A client that keeps the server waiting this long is disconnected, see [`Connection`].
    pub(crate) patience: Duration,
    /// What the node reports as its version.
    pub(crate) client_version: String,
}

/// Serves `chain`.
///
/// # Errors
/// The server cannot listen on the address.
pub(crate) async fn listen(chain: Arc<Chain>, options: Options) -> io::Result<Listener> {
    let Options {
        address,
        origins,
        patience,
        client_version,
    } = options;
    let config = ServerConfig::builder()
        .max_request_body_size(MAX_REQUEST)
        .max_response_body_size(MAX_RESPONSE)
        .max_connections(MAX_CONNECTIONS)
        .max_subscriptions_per_connection(MAX_SUBSCRIPTIONS)
        .set_batch_request_config(BatchRequestConfig::Limit(MAX_BATCH))
        .set_message_buffer_capacity(MAX_MESSAGES)
        .set_id_provider(HexIds::default())
        // Often enough that a client which answers pings is never idle.
        .enable_ws_ping(
            PingConfig::new()
                .ping_interval(patience / 2)
                .max_failures(3),
        )
        .build();
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let (stop, handle) = stop_channel();
    // Without an allowed origin, answers carry no CORS headers.
    let cors = (!origins.is_empty()).then(|| cross_origin(origins));
    let service = Server::builder()
        .set_config(config)
        .set_http_middleware(ServiceBuilder::new().option_layer(cors))
        .to_service_builder();
    let methods: Methods = methods(chain, client_version)
        .map_err(io::Error::other)?
        .into();
    let stopping = stop.clone();
    let serve = move |socket, place| {
        let flow = Arc::new(Flow::default());
        let connection = Connection::new(socket, patience, place, Arc::clone(&flow));
        let held_back = move |service| HeldBack {
            service,
            flow: Arc::clone(&flow),
        };
        let service = service
            .clone()
            .set_rpc_middleware(RpcServiceBuilder::new().layer_fn(held_back))
            .build(methods.clone(), stopping.clone());
        let stopped = stopping.clone().shutdown();
        tokio::spawn(serve_with_graceful_shutdown(connection, service, stopped));
    };
    tokio::spawn(accept(listener, patience, stop, serve));
    Ok(Listener { address, handle })
}

/// Hands connections to `serve` until the server is stopped, [`MAX_CONNECTIONS`] at a time.
async fn accept(
    listener: TcpListener,
    patience: Duration,
    stop: StopHandle,
    serve: impl Fn(TcpStream, OwnedSemaphorePermit),
) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS as usize));
    let mut stopped = pin!(stop.shutdown());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stopped => return,
        };
        let Ok((socket, _)) = accepted else {
            // The limit of open files may be reached: some will be closed.
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tokio::spawn(timeout(patience, turn_away(socket)));
            continue;
        };
        // If the connection is broken already, reading it will fail.
        let _ = socket.set_nodelay(true);
        serve(socket, place);
    }
}

/// Tells a client that there is no connection slot left for it.
async fn turn_away(mut socket: TcpStream) -> io::Result<()> {
    let body = json!({
        "jsonrpc": "2.0",
        "id": null,
        "error": {
            "code": -32005,
            "message": format!("the server already has {MAX_CONNECTIONS} connections, its maximum; try again later"),
        },
    })
    .to_string();
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         retry-after: 1\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    // Clients treat an answer that precedes their request as a protocol error.
    let mut request = [0; 1_024];
    if socket.read(&mut request).await? == 0 {
        return Ok(());
    }
    socket.write_all(answer.as_bytes()).await?;
    socket.shutdown().await?;
    // Until the client has read it: closing with its request unread would discard the answer.
    while socket.read(&mut request).await? > 0 {}
    Ok(())
}
