//! HTTP clients, as every part that speaks HTTP makes them.

use std::time::Duration;

use alloy::transports::http::reqwest::{self, Client, Url};

/// Makes every TLS connection of the process use ring.
pub(crate) fn install_cryptography() {
    // One for the whole process; an error means that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A client whose every request ends after `timeout`, from connecting to the last byte of its answer.
pub(crate) fn client(timeout: Duration) -> reqwest::Result<Client> {
    install_cryptography();
    Client::builder().timeout(timeout).build()
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
    use super::*;

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
