//! The server's own TLS: rustls, with a certificate that is reloaded when its file changes.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::config::Tls;

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read, or does not contain what it should.
    #[error("{}: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The certificate and the key do not belong together.
    #[error("certificate and key: {0}")]
    Pair(#[from] rustls::Error),
}

/// When the two files were changed.
type Stamp = (Option<SystemTime>, Option<SystemTime>);

/// Accepts TLS connections.
pub(crate) struct Acceptor {
    files: Tls,
    now: Mutex<(Stamp, TlsAcceptor)>,
}

fn stamp(files: &Tls) -> Stamp {
    let changed = |path: &PathBuf| fs::metadata(path).and_then(|data| data.modified()).ok();
    (changed(&files.certificate), changed(&files.key))
}

fn load(files: &Tls) -> Result<TlsAcceptor, TlsError> {
    let refuse = |path: &PathBuf, why: String| TlsError::File {
        path: path.clone(),
        why,
    };
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| refuse(&files.certificate, format!("{error:?}")))?;
    if chain.is_empty() {
        return Err(refuse(
            &files.certificate,
            "it contains no PEM certificate".into(),
        ));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| refuse(&files.key, format!("{error:?}")))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

impl Acceptor {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`].
    pub(crate) fn new(files: Tls) -> Result<Self, TlsError> {
        let now = Mutex::new((stamp(&files), load(&files)?));
        Ok(Self { files, now })
    }

    /// The certificate as its files are now. One that cannot be used does not replace the previous one; what is wrong
    /// with it is reported once.
    pub(crate) fn current(&self, say: impl FnOnce(TlsError)) -> TlsAcceptor {
        let found = stamp(&self.files);
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if now.0 != found {
            now.0 = found;
            match load(&self.files) {
                Ok(acceptor) => now.1 = acceptor,
                Err(error) => say(error),
            }
        }
        now.1.clone()
    }
}
