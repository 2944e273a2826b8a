//! HTTP clients, as every part that speaks HTTP makes them.

use std::net::IpAddr;
use std::time::Duration;

use alloy::transports::http::reqwest::redirect::{Action, Attempt, Policy};
use alloy::transports::http::reqwest::{self, Client, Url};

/// Makes every TLS connection of the process use ring.
pub(crate) fn install_cryptography() {
    // One for the whole process; an error means that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A client for `url` whose every request ends after `timeout`, from connecting to the last byte of its answer.
pub(crate) fn client(url: &Url, timeout: Duration) -> reqwest::Result<Client> {
    install_cryptography();
    let builder = Client::builder().timeout(timeout);
    if url.scheme() != "http" || !is_on_this_machine(url) {
        return builder.build();
    }
    // No proxy, and none of the system's certificates: reading them takes longer than most commands do.
    builder
        .no_proxy()
        .tls_certs_only([])
        .redirect(Policy::custom(without_tls))
        .build()
}

fn is_on_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Follows redirects, but not to TLS, for which this client has no certificates.
fn without_tls(attempt: Attempt<'_>) -> Action {
    if attempt.url().scheme() == "https" {
        let words = format!("it redirects to {}: use that URL", origin(attempt.url()));
        return attempt.error(words);
    }
    Policy::default().redirect(attempt)
}

/// Scheme, host and port of a URL, with the port even if it is the scheme's default.
pub(crate) fn origin(url: &Url) -> String {
    let (host, scheme) = (url.host_str().unwrap_or_default(), url.scheme());
    match url.port_or_known_default() {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    }
}

/// The innermost cause: a transport's outer layers only say that sending failed.
pub(crate) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    /// A server that redirects its first caller, and greets its second.
    fn redirecting(to: &str) -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = format!("http://{}/", listener.local_addr().unwrap());
        let to = to.replace("OWN", &own);
        std::thread::spawn(move || {
            for answer in [
                format!("308 Permanent Redirect\r\nlocation: {to}"),
                "200 OK".to_owned(),
            ] {
                let (mut caller, _) = listener.accept().unwrap();
                let _ = caller.read(&mut [0; 4096]).unwrap();
                let head =
                    format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                caller.write_all(head.as_bytes()).unwrap();
            }
        });
        own.parse().unwrap()
    }

    #[tokio::test]
    async fn a_node_on_this_machine_may_redirect_but_not_to_tls() {
        let within = Duration::from_mins(1);
        let url = redirecting("OWNother");
        let answer = client(&url, within).unwrap().post(url).send().await;
        assert_eq!(answer.unwrap().url().path(), "/other");
        let url = redirecting("https://node.example/key?token=secret");
        let answer = client(&url, within).unwrap().post(url).send().await;
        assert_eq!(
            root_cause(&answer.unwrap_err()),
            "it redirects to https://node.example:443: use that URL"
        );
    }

    #[test]
    fn this_machine_is_told_by_its_name_and_addresses() {
        let is_here = |url: &str| is_on_this_machine(&url.parse().unwrap());
        for url in [
            "http://localhost:8547",
            "http://127.0.0.1",
            "http://127.9.9.9:1/",
            "http://[::1]:8547/",
        ] {
            assert!(is_here(url), "{url}");
        }
        for url in [
            "http://localhost.example",
            "http://10.0.0.1",
            "http://[fe80::1]",
            "http://127.0.0.1.example",
        ] {
            assert!(!is_here(url), "{url}");
        }
    }

    #[test]
    fn an_endpoint_is_named_without_its_keys() {
        let url = "https://desk:secret@arb1.example.com:8443/v2/key?token=secret";
        assert_eq!(
            origin(&url.parse().unwrap()),
            "https://arb1.example.com:8443"
        );
        let url = "https://arb1.example.com/v2/key";
        assert_eq!(
            origin(&url.parse().unwrap()),
            "https://arb1.example.com:443"
        );
        assert_eq!(
            origin(&"http://[::1]:8547/".parse().unwrap()),
            "http://[::1]:8547"
        );
    }
}
