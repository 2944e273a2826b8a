//! Real connections: TLS, proxies, limits, and an orderly shutdown.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use book::log::By;
use rustls::pki_types::{CertificateDer, ServerName};
use serve::Server;
use serve::config::{Config, Face, Tls};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::stage::*;

/// A server that is listening, and how it is told to shut down.
struct Running {
    place: SocketAddr,
    admin: SocketAddr,
    end: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

fn config() -> Config {
    let loopback = "127.0.0.1:0".parse().unwrap();
    Config {
        listen: loopback,
        admin: Some(loopback),
        faces: Face::ALL.to_vec(),
        public_url: Some(URL.parse().unwrap()),
        tls: None,
        proxies: None,
        limit: 600,
        log_key: None,
        last_log_key: None,
        webhook_allow: Vec::new(),
    }
}

async fn start(stage: &Stage, config: Config) -> Running {
    let opened = Server::open(
        config,
        stage.board.clone(),
        stage.node.clone(),
        By::new("Otto"),
    );
    let server = opened.await.unwrap();
    let (place, admin) = (server.place().unwrap(), server.admin_place().unwrap());
    let (end, told) = oneshot::channel();
    let serving = tokio::spawn(server.run(async {
        let _ = told.await;
    }));
    Running {
        place,
        admin,
        end,
        served: serving,
    }
}

impl Running {
    async fn ends(self) {
        self.end.send(()).unwrap();
        self.served.await.unwrap();
    }
}

/// One request on one connection; all that comes back.
async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    path: &str,
    headers: &str,
) -> String {
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: board.example\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said).await;
    String::from_utf8(said).unwrap()
}

async fn get(place: SocketAddr, path: &str) -> String {
    exchange(TcpStream::connect(place).await.unwrap(), path, "").await
}

#[tokio::test]
async fn a_server_answers_over_http_and_its_admin_elsewhere() {
    let stage = stage().await;
    let running = start(&stage, config()).await;
    assert!(
        get(running.place, "/v1/status")
            .await
            .starts_with("HTTP/1.1 200 OK\r\n")
    );
    for path in ["/health", "/ready", "/metrics"] {
        assert!(
            get(running.place, path).await.starts_with("HTTP/1.1 404 "),
            "{path}"
        );
        assert!(
            get(running.admin, path).await.starts_with("HTTP/1.1 200 "),
            "{path}"
        );
    }
    let metrics = get(running.admin, "/metrics").await;
    let counted =
        "orderbook_http_requests_total{method=\"GET\",path=\"/v1/status\",status=\"200\"} 1";
    assert!(metrics.contains(counted), "{metrics}");
    running.ends().await;
}

#[tokio::test]
async fn whoever_is_no_proxy_is_cut_off_at_once() {
    let stage = stage().await;
    let proxies = Some("10.0.0.0/8".parse().unwrap());
    let running = start(
        &stage,
        Config {
            proxies,
            ..config()
        },
    )
    .await;
    assert_eq!(get(running.place, "/v1/status").await, "");
    running.ends().await;
    let proxies = Some("127.0.0.0/8".parse().unwrap());
    let running = start(
        &stage,
        Config {
            proxies,
            ..config()
        },
    )
    .await;
    let stream = TcpStream::connect(running.place).await.unwrap();
    let said = exchange(stream, "/v1/status", "x-forwarded-for: 198.51.100.9\r\n").await;
    assert!(said.starts_with("HTTP/1.1 200 "), "{said}");
    running.ends().await;
}

#[tokio::test]
async fn it_ends_in_order_and_takes_nobody_new() {
    let stage = stage().await;
    let running = start(&stage, config()).await;
    // An idle connection is closed; one that never sends a whole request does not hold up the shutdown for long.
    let mut idle = TcpStream::connect(running.place).await.unwrap();
    idle.write_all(b"GET /v1/status HTTP/1.1\r\nhost: board.example\r\n\r\n")
        .await
        .unwrap();
    let mut byte = [0; 1];
    assert_eq!(idle.read(&mut byte).await.unwrap(), 1);
    let place = running.place;
    running.ends().await;
    let mut rest = Vec::new();
    let _ = idle.read_to_end(&mut rest).await;
    assert!(TcpStream::connect(place).await.is_err());
}

/// A self-signed certificate for board.example, written to files.
fn certificate(folder: &Path) -> (Tls, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(vec!["board.example".to_owned()]).unwrap();
    let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    (Tls { certificate, key }, made.cert.der().clone())
}

/// Whether a client that trusts only this certificate gets an answer.
async fn trusts(place: SocketAddr, certificate: &CertificateDer<'static>) -> bool {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(client));
    let stream = TcpStream::connect(place).await.unwrap();
    let name = ServerName::try_from("board.example").unwrap();
    match connector.connect(name, stream).await {
        Ok(stream) => exchange(stream, "/v1/status", "")
            .await
            .starts_with("HTTP/1.1 200 "),
        Err(_) => false,
    }
}

#[tokio::test]
async fn a_certificate_is_read_anew_when_its_file_changes_and_a_bad_one_is_not_taken() {
    let stage = stage().await;
    let folder = tempfile::tempdir().unwrap();
    let (tls, first) = certificate(folder.path());
    let running = start(
        &stage,
        Config {
            tls: Some(tls.clone()),
            ..config()
        },
    )
    .await;
    assert!(trusts(running.place, &first).await);
    // Nothing is answered in the clear.
    assert!(!get(running.place, "/v1/status").await.contains("200 OK"));
    let (_, second) = certificate(folder.path());
    assert!(trusts(running.place, &second).await);
    assert!(!trusts(running.place, &first).await);
    std::fs::write(&tls.certificate, "no certificate").unwrap();
    assert!(trusts(running.place, &second).await);
    running.ends().await;
}

#[tokio::test]
async fn it_does_not_start_with_what_would_expose_somebody() {
    let stage = stage().await;
    let size = stage.size().await;
    let folder = tempfile::tempdir().unwrap();
    let everywhere = "0.0.0.0:0".parse().unwrap();
    let missing = Tls {
        certificate: folder.path().join("none"),
        key: folder.path().join("none"),
    };
    for (bad, words) in [
        (
            Config {
                listen: everywhere,
                ..config()
            },
            "not a loopback address and there is no TLS",
        ),
        (
            Config {
                admin: Some(everywhere),
                ..config()
            },
            "health and metrics must not be public",
        ),
        (
            Config {
                tls: Some(missing),
                ..config()
            },
            "none",
        ),
    ] {
        let opened = Server::open(
            bad,
            stage.board.clone(),
            stage.node.clone(),
            By::new("Otto"),
        );
        let error = opened.await.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    assert_eq!(stage.size().await, size);
}
