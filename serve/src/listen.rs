//! Connections: whom to accept, TLS, limits of time and number, and an orderly shutdown.

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
use crate::seats::{Seat, Seats};
use crate::stream::Cutter;
use crate::tls::Acceptor;

/// Connections at once: ten thousand may follow a board.
const CONNECTIONS: usize = 16_384;
/// How long the head of a request may take, including the wait for the next one on the same connection.
const HEAD_WITHIN: Duration = Duration::from_secs(15);
/// How long a TLS handshake may take.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// Largest head of a request, bytes.
const HEAD: usize = 32 << 10;
/// How long requests in progress may take once the process is told to shut down.
const ENDING: Duration = Duration::from_secs(10);
/// The pause before accepting again when the machine has run out of file descriptors.
const PAUSE: Duration = Duration::from_millis(50);
/// How many connections are closed then.
const AT_ONCE: usize = 64;

/// Where connections come in.
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    pub(crate) tls: Option<Acceptor>,
    /// The only peers that may connect, where they are named.
    pub(crate) proxies: Option<Proxies>,
    pub(crate) say: fn(&str),
}

/// Serves a router until `ended`; then nothing new is accepted, and requests in progress are finished.
pub(crate) async fn serve(door: Door, router: Router, ended: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let seats = Seats::default();
    let mut ended = std::pin::pin!(ended);
    loop {
        let taken = std::pin::pin!(door.listener.accept());
        let accepted = match select(taken, ended.as_mut()).await {
            Either::Left((taken, _)) => taken,
            Either::Right(_) => break,
        };
        let Ok((stream, peer)) = accepted else {
            // The machine has run out of file descriptors: idle connections give theirs back.
            for _ in 0..AT_ONCE {
                seats.make_room();
            }
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        if door
            .proxies
            .as_ref()
            .is_some_and(|proxies| !proxies.has(peer.ip()))
        {
            // Not a byte is read from any other peer.
            continue;
        }
        // While all seats are busy, the next connection waits, and those behind it wait in the system's own short
        // queue.
        if room.available_permits() == 0 {
            seats.make_room();
        }
        let permit = std::pin::pin!(room.clone().acquire_owned());
        let permit = match select(permit, ended.as_mut()).await {
            Either::Left((permit, _)) => permit,
            Either::Right(_) => break,
        };
        let (router, watcher, seat) = (router.clone(), graceful.watcher(), seats.take());
        let tls = door
            .tls
            .as_ref()
            .map(|tls| tls.current(|error| (door.say)(&error.to_string())));
        tokio::spawn(async move {
            let _permit = permit;
            let _ = stream.set_nodelay(true);
            let served = async {
                match tls {
                    None => connection(stream, peer, router, watcher, &seat).await,
                    Some(tls) => {
                        let handshake = tokio::time::timeout(HANDSHAKE_WITHIN, tls.accept(stream));
                        if let Ok(Ok(stream)) = handshake.await {
                            connection(stream, peer, router, watcher, &seat).await;
                        }
                    }
                }
            };
            tokio::select! {
                () = served => {}
                () = seat.asked_to_leave() => {}
            }
        });
    }
    // From here on the system refuses new connections.
    drop(door);
    let _ = tokio::time::timeout(ENDING, graceful.shutdown()).await;
}

async fn connection<S>(
    stream: S,
    peer: SocketAddr,
    router: Router,
    watcher: Watcher,
    seat: &Arc<Seat>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        request.extensions_mut().insert(Cutter(seat.leaving()));
        let answer = answer(router.clone(), request);
        let seat = seat.clone();
        async move { Ok::<_, Infallible>(seat.answering(answer).await) }
    });
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(HEAD);
    let connection = server.serve_connection(TokioIo::new(stream), service);
    // A client that misbehaves or hangs up ends only its own connection.
    let _ = watcher.watch(connection).await;
}

async fn answer(router: Router, request: Request<Incoming>) -> axum::response::Response {
    match router.oneshot(request.map(axum::body::Body::new)).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
