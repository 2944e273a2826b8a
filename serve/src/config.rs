//! The configuration of a server, and what it refuses to start with.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use crate::outlet::Exception;
use crate::proxy::Proxies;

/// A part of the platform that a process offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// Investors: their orders, and the markets that are open to them.
    Investor,
    /// The desk: the whole book and its matches.
    Desk,
    /// Anybody: the log, its proofs, the status.
    Public,
}

impl Face {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Investor, Self::Desk, Self::Public];

    /// As it is written on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Investor => "investor",
            Self::Desk => "desk",
            Self::Public => "public",
        }
    }
}

impl FromStr for Face {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = Self::ALL.into_iter();
        all.find(|face| face.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a face: expected investor, desk or public"))
    }
}

/// The files of a certificate chain and its key, PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// The configuration of a server.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where clients connect.
    pub listen: SocketAddr,
    /// Where health, readiness and metrics are served; nowhere when it is not given.
    pub admin: Option<SocketAddr>,
    /// The faces that are offered.
    pub faces: Vec<Face>,
    /// The URL at which browsers see it.
    pub public_url: Option<PublicUrl>,
    /// Its own TLS.
    pub tls: Option<Tls>,
    /// The only peers that may connect.
    pub proxies: Option<Proxies>,
    /// The budget of each client, in weights a minute.
    pub limit: u32,
    /// The Ed25519 key that signs checkpoints of the log, PKCS #8 in PEM.
    pub log_key: Option<PathBuf>,
    /// The previous key, which signs the new one.
    pub last_log_key: Option<PathBuf>,
    /// Where webhooks may be sent besides port 443 of public addresses.
    pub webhook_allow: Vec<Exception>,
}

/// Why a server does not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Session secrets would cross a network in the clear.
    #[error(
        "{0} is not a loopback address and there is no TLS: give --tls-cert and --tls-key, or name the proxies that \
         terminate TLS with --behind-proxy"
    )]
    NoTls(SocketAddr),
    /// Health and metrics are for the machine itself, or for a network that is named on purpose.
    #[error("{0} is not a loopback address: health and metrics must not be public")]
    OpenAdmin(SocketAddr),
    /// Browsers cannot be served at the URL.
    #[error("{found:?} is not a public URL: {why}")]
    PublicUrl {
        /// What was given.
        found: String,
        /// What is wrong.
        why: &'static str,
    },
    /// The URL at which wallets sign in is not known.
    #[error("--public-url is missing: wallets are shown the domain that they sign in to")]
    NoPublicUrl,
    /// Nothing is offered.
    #[error("no face is given: name at least one of investor, desk, public")]
    Faceless,
}

/// The URL at which browsers see the server: scheme and authority, without a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    https: bool,
    /// Host, and port where it is not the scheme's own.
    authority: String,
}

impl FromStr for PublicUrl {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let refuse = |why| ConfigError::PublicUrl {
            found: text.to_owned(),
            why,
        };
        let (https, rest) = if let Some(rest) = text.strip_prefix("https://") {
            (true, rest)
        } else if let Some(rest) = text.strip_prefix("http://") {
            (false, rest)
        } else {
            return Err(refuse("it must begin with https://"));
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest).to_ascii_lowercase();
        let parsed: Result<axum::http::uri::Authority, _> = authority.parse();
        let parsed = parsed.map_err(|_| refuse("its host is malformed"))?;
        if authority.contains('@') || authority.contains('/') || parsed.host().is_empty() {
            return Err(refuse(
                "it must be a scheme and a host, without a login and without a path",
            ));
        }
        let local = parsed.host() == "localhost";
        if !https && !local {
            return Err(refuse("only http://localhost can do without https"));
        }
        let own = if https { ":443" } else { ":80" };
        let authority = authority.strip_suffix(own).unwrap_or(&authority).to_owned();
        Ok(Self { https, authority })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority)
    }
}

impl PublicUrl {
    /// The URL of a server on a port of this machine.
    pub fn local(port: u16) -> Self {
        Self {
            https: false,
            authority: format!("localhost:{port}"),
        }
    }

    /// Host, and port where it is not the scheme's own: what wallets compare with the page's host, and browsers send as
    /// Host.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Whether browsers reach it over TLS.
    pub fn is_https(&self) -> bool {
        self.https
    }
}

fn is_loopback(address: SocketAddr) -> bool {
    matches!(address.ip().to_canonical(), IpAddr::V4(ip) if ip.is_loopback())
        || matches!(address.ip(), IpAddr::V6(ip) if ip.is_loopback())
}

impl Config {
    /// Refuses a configuration that would expose somebody.
    ///
    /// # Errors
    /// [`ConfigError::Faceless`], [`ConfigError::NoTls`], [`ConfigError::OpenAdmin`], [`ConfigError::NoPublicUrl`].
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.faces.is_empty() {
            return Err(ConfigError::Faceless);
        }
        if !is_loopback(self.listen) && self.tls.is_none() && self.proxies.is_none() {
            return Err(ConfigError::NoTls(self.listen));
        }
        if let Some(admin) = self.admin.filter(|admin| !is_loopback(*admin)) {
            return Err(ConfigError::OpenAdmin(admin));
        }
        if self.public_url.is_none() && (!is_loopback(self.listen) || self.tls.is_some()) {
            return Err(ConfigError::NoPublicUrl);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(listen: &str) -> Config {
        Config {
            listen: listen.parse().unwrap(),
            admin: None,
            faces: vec![Face::Public],
            public_url: None,
            tls: None,
            proxies: None,
            limit: 600,
            log_key: None,
            last_log_key: None,
            webhook_allow: Vec::new(),
        }
    }

    #[test]
    fn without_tls_only_loopback_is_served() {
        for listen in ["127.0.0.1:8080", "127.9.9.9:1", "[::1]:8080"] {
            assert_eq!(config(listen).check(), Ok(()), "{listen}");
        }
        let public_url = Some("https://board.example".parse().unwrap());
        for listen in ["0.0.0.0:8080", "[::]:8080", "198.51.100.9:443"] {
            let bare = Config {
                public_url: public_url.clone(),
                ..config(listen)
            };
            assert_eq!(
                bare.check(),
                Err(ConfigError::NoTls(bare.listen)),
                "{listen}"
            );
            let proxies = Some("10.0.0.0/8".parse().unwrap());
            assert_eq!(
                Config {
                    proxies,
                    ..bare.clone()
                }
                .check(),
                Ok(())
            );
            let tls = Some(Tls {
                certificate: "c".into(),
                key: "k".into(),
            });
            assert_eq!(
                Config {
                    tls: tls.clone(),
                    ..bare.clone()
                }
                .check(),
                Ok(())
            );
            let unnamed = Config {
                tls,
                public_url: None,
                ..bare
            };
            assert_eq!(unnamed.check(), Err(ConfigError::NoPublicUrl));
        }
    }

    #[test]
    fn health_and_metrics_are_for_the_machine_alone() {
        let admin = "0.0.0.0:9090".parse().unwrap();
        let open = Config {
            admin: Some(admin),
            ..config("127.0.0.1:8080")
        };
        assert_eq!(open.check(), Err(ConfigError::OpenAdmin(admin)));
        let faceless = Config {
            faces: vec![],
            ..config("127.0.0.1:8080")
        };
        assert_eq!(faceless.check(), Err(ConfigError::Faceless));
    }

    #[test]
    fn a_public_url_is_a_scheme_and_a_host() {
        for (text, shown) in [
            ("https://board.example", "https://board.example"),
            ("https://Board.Example:443/", "https://board.example"),
            ("https://board.example:8443", "https://board.example:8443"),
            ("http://localhost:8080", "http://localhost:8080"),
        ] {
            assert_eq!(text.parse::<PublicUrl>().unwrap().to_string(), shown);
        }
        for text in [
            "board.example",
            "http://board.example",
            "http://127.0.0.1:8080",
            "https://board.example/desk",
            "https://user@board.example",
            "https://",
            "ftp://board.example",
        ] {
            let refused = text.parse::<PublicUrl>();
            assert!(
                matches!(refused, Err(ConfigError::PublicUrl { .. })),
                "{text}"
            );
        }
        assert_eq!(PublicUrl::local(8080).to_string(), "http://localhost:8080");
    }
}
