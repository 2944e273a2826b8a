//! Connections: whom to accept, TLS, limits of time and number, and ending in order.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use futures::future::{Either, select};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;

use crate::gate::Peer;
use crate::proxy::Proxies;
use crate::tls::Acceptor;

/// Connections at once.
const CONNECTIONS: usize = 8_192;
/// How long the head of a request may take, the wait for the next one on the same connection included.
const HEAD_WITHIN: Duration = Duration::from_secs(15);
/// How long a TLS handshake may take.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// Largest head of a request, bytes.
const HEAD: usize = 32 << 10;
/// How long requests in hand may take once the process is told to end.
const ENDING: Duration = Duration::from_secs(10);
/// Before accepting is tried again when the machine has no more file descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// Where connections come in.
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    pub(crate) tls: Option<Acceptor>,
    /// The only peers there are, where they are named.
    pub(crate) proxies: Option<Proxies>,
    pub(crate) say: fn(&str),
}

/// Serves a router until `ended`; then nothing new is taken, and what is in hand is finished.
pub(crate) async fn serve(door: Door, router: Router, ended: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut ended = std::pin::pin!(ended);
    loop {
        // Nobody is accepted for whom there is no room: the system's own queue is short.
        let taken = async {
            let permit = room.clone().acquire_owned().await;
            (permit, door.listener.accept().await)
        };
        let (permit, accepted) = match select(std::pin::pin!(taken), ended.as_mut()).await {
            Either::Left((taken, _)) => taken,
            Either::Right(_) => break,
        };
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        if door
            .proxies
            .as_ref()
            .is_some_and(|proxies| !proxies.has(peer.ip()))
        {
            // Not a byte is read from anybody else.
            continue;
        }
        let (router, watcher) = (router.clone(), graceful.watcher());
        let tls = door
            .tls
            .as_ref()
            .map(|tls| tls.current(|error| (door.say)(&error.to_string())));
        tokio::spawn(async move {
            let _permit = permit;
            let _ = stream.set_nodelay(true);
            match tls {
                None => connection(stream, peer, router, watcher).await,
                Some(tls) => {
                    let handshake = tokio::time::timeout(HANDSHAKE_WITHIN, tls.accept(stream));
                    if let Ok(Ok(stream)) = handshake.await {
                        connection(stream, peer, router, watcher).await;
                    }
                }
            }
        });
    }
    // Whoever connects from here on is told by the system that nobody listens.
    drop(door);
    let _ = tokio::time::timeout(ENDING, graceful.shutdown()).await;
}

async fn connection<S>(stream: S, peer: SocketAddr, router: Router, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        let router = router.clone();
        async move { Ok::<_, Infallible>(answer(router, request).await) }
    });
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(HEAD);
    let connection = server.serve_connection(TokioIo::new(stream), service);
    // A client that misbehaves or hangs up ends its own connection alone.
    let _ = watcher.watch(connection).await;
}

async fn answer(router: Router, request: Request<Incoming>) -> axum::response::Response {
    match router.oneshot(request.map(axum::body::Body::new)).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
