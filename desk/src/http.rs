//! HTTP clients, as all that speak HTTP here make them.

use std::time::Duration;

use alloy::transports::http::reqwest::{self, Client};

/// Has every TLS connection of the process use ring.
pub(crate) fn install_cryptography() {
    // One for the whole process; an error says that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A client whose every request ends after `timeout`, from connecting to the last byte of its answer.
pub(crate) fn client(timeout: Duration) -> reqwest::Result<Client> {
    install_cryptography();
    Client::builder().timeout(timeout).build()
}
