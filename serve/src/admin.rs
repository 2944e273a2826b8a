//! Health, readiness and metrics, on an address of their own that only the machine itself can reach.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, Response, StatusCode, header};

use crate::app::App;
use crate::watch::lag;

/// `GET /health`, `/ready`, `/metrics`.
pub fn router(app: &Arc<App>) -> Router {
    let app = app.clone();
    Router::new().fallback(move |request: Request| {
        let app = app.clone();
        async move { answer(&app, request.method(), request.uri().path()).await }
    })
}

async fn answer(app: &App, method: &Method, path: &str) -> Response<Body> {
    if method != Method::GET {
        return text(StatusCode::METHOD_NOT_ALLOWED, "GET alone\n".into());
    }
    match path {
        // The process is running, whatever else is not.
        "/health" => text(StatusCode::OK, "healthy\n".into()),
        "/ready" => ready(app).await,
        "/metrics" => {
            let size = app.board.head().await.ok().map(|head| head.size);
            text(
                StatusCode::OK,
                app.metrics
                    .text(size, app.streams.count(), chain(app).await),
            )
        }
        _ => text(StatusCode::NOT_FOUND, "/health, /ready, /metrics\n".into()),
    }
}

/// The chain's newest block, and by how many seconds our view of it lags; nothing where nobody watches it.
async fn chain(app: &App) -> Option<(u64, i64)> {
    let watched = app.board.watched().await.ok()??;
    let behind = lag(&watched, app.board.identity().chain_id, app.now());
    Some((watched.latest, behind))
}

/// Whether requests should be sent here: not while the process is shutting down, nor while its book cannot be read.
async fn ready(app: &App) -> Response<Body> {
    if !app.ready.load(Ordering::Relaxed) {
        return text(StatusCode::SERVICE_UNAVAILABLE, "ending\n".into());
    }
    match app.board.head().await {
        Ok(_) => text(StatusCode::OK, "ready\n".into()),
        Err(_) => text(
            StatusCode::SERVICE_UNAVAILABLE,
            "the book cannot be read\n".into(),
        ),
    }
}

fn text(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
