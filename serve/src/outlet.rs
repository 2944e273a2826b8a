//! Where messages may be sent, and how one is sent.
//!
//! An admin chooses the URLs, and this process runs inside a private network: so messages go only to port 443 of public
//! addresses. Each try resolves the name once, checks every address that comes back, and connects only to those that it
//! checked; the certificate must still be for the name. Redirects are not followed, proxies of the environment are not
//! used, and the body of the answer is not read. Exceptions are given to the process, never over the API.

use std::error::Error as _;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::{Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Url, header};

/// How long a try may take.
const WITHIN: Duration = Duration::from_secs(5);

/// Longest URL.
const LONGEST: usize = 2_048;

/// IPv4 networks that are not part of the public internet (IANA's registry of special-purpose addresses).
const SPECIAL_V4: [Ipv4Net; 16] = [
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 31, 196, 0], 24),
    v4([192, 52, 193, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    // Multicast, reserved, and broadcast.
    v4([224, 0, 0, 0], 3),
];

/// Public unicast addresses of IPv6. Anything outside is loopback, link-local, unique-local, multicast or NAT64, or
/// contains an IPv4 address.
const UNICAST_V6: Ipv6Net = v6([0x2000, 0, 0], 3);

/// Networks within it that are not public all the same: protocol assignments with Teredo, documentation, 6to4, AS112.
const SPECIAL_V6: [Ipv6Net; 5] = [
    v6([0x2001, 0, 0], 23),
    v6([0x2001, 0x0db8, 0], 32),
    v6([0x2002, 0, 0], 16),
    v6([0x2620, 0x004f, 0x8000], 48),
    v6([0x3fff, 0, 0], 20),
];

const fn v4(octets: [u8; 4], prefix: u8) -> Ipv4Net {
    let [a, b, c, d] = octets;
    Ipv4Net::new_assert(std::net::Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(start: [u16; 3], prefix: u8) -> Ipv6Net {
    let [a, b, c] = start;
    Ipv6Net::new_assert(std::net::Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)
}

/// Whether an address is on the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|net| net.contains(&address)),
        IpAddr::V6(address) => {
            UNICAST_V6.contains(&address) && !SPECIAL_V6.iter().any(|net| net.contains(&address))
        }
    }
}

/// A host and a port that a process may send to, whatever its addresses, and without TLS if the URL says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    host: String,
    port: u16,
}

impl FromStr for Exception {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let malformed = || format!("{text:?} is not host:port");
        let (host, port) = text.rsplit_once(':').ok_or_else(malformed)?;
        let port = port
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(malformed)?;
        // As in a URL.
        let url = Url::parse(&format!("https://{host}")).map_err(|_| malformed())?;
        match url.host_str() {
            Some(found)
                if url.port().is_none() && url.path() == "/" && url.username().is_empty() =>
            {
                let host = found.to_owned();
                Ok(Self { host, port })
            }
            _ => Err(malformed()),
        }
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Resolves names.
pub trait Names: Send + Sync + 'static {
    /// All addresses of a name.
    fn find(&self, name: String) -> Found;
}

/// Addresses that are being resolved.
pub type Found = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// The machine's own resolver.
#[derive(Debug, Clone, Copy)]
pub struct System;

impl Names for System {
    fn find(&self, name: String) -> Found {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|place| place.ip()).collect())
        })
    }
}

/// The addresses to connect to: only those that were checked.
struct Guard {
    names: Arc<dyn Names>,
    /// Whether addresses that are not public are refused.
    strict: bool,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (found, strict) = (self.names.find(name.as_str().to_owned()), self.strict);
        Box::pin(async move {
            let found = found.await?;
            if strict && let Some(private) = found.iter().find(|address| !is_public(**address)) {
                return Err(not_public(*private).into());
            }
            let places = found.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(places) as Addrs)
        })
    }
}

fn not_public(address: IpAddr) -> String {
    format!("{address} is not a public address")
}

/// Sends messages.
#[derive(Debug, Clone)]
pub struct Outlet {
    /// For URLs on public addresses.
    public: Client,
    /// For the exceptions.
    excepted: Client,
    exceptions: Vec<Exception>,
}

/// What is sent with a message.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// The message's id.
    pub id: String,
    /// When it is sent, unix seconds.
    pub time: i64,
    /// Over both and the body.
    pub signature: String,
    /// The message.
    pub body: String,
}

impl Outlet {
    /// Sends to public addresses and to the exceptions, trusting the authorities that the machine trusts.
    ///
    /// # Errors
    /// The machine trusts no authorities.
    pub fn new(exceptions: Vec<Exception>) -> reqwest::Result<Self> {
        let names: Arc<dyn Names> = Arc::new(System);
        Self::with(&names, exceptions, &[])
    }

    /// The same with another resolver and with further authorities.
    ///
    /// # Errors
    /// Those of [`Self::new`].
    pub fn with(
        names: &Arc<dyn Names>,
        exceptions: Vec<Exception>,
        authorities: &[Certificate],
    ) -> reqwest::Result<Self> {
        // One for the whole process; an error means that there already is one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = |strict| {
            let names = names.clone();
            Client::builder()
                .dns_resolver(Arc::new(Guard { names, strict }))
                .tls_certs_merge(authorities.iter().cloned())
                .https_only(strict)
                .http1_only()
                .no_proxy()
                .redirect(Policy::none())
                .referer(false)
                .user_agent("orderbook")
                // A connection from an earlier try would not have been checked in this one.
                .pool_max_idle_per_host(0)
                .timeout(WITHIN)
                .build()
        };
        Ok(Self {
            public: client(true)?,
            excepted: client(false)?,
            exceptions,
        })
    }

    /// Sends a message; returns the status of an answer that accepts it.
    ///
    /// # Errors
    /// Why it was not accepted, in words for an admin.
    pub async fn send(&self, url: &str, parcel: Parcel) -> Result<String, String> {
        let (url, excepted) = check(url, &self.exceptions)?;
        let client = if excepted {
            &self.excepted
        } else {
            &self.public
        };
        let sent = client
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", parcel.id)
            .header("webhook-timestamp", parcel.time)
            .header("webhook-signature", parcel.signature)
            .body(parcel.body);
        let answer = sent.send().await.map_err(|error| words(&error))?;
        let status = answer.status();
        // The connection ends here, whatever else might come.
        drop(answer);
        match status.as_u16() {
            code @ 200..300 => Ok(format!("status {code}")),
            code @ 300..400 => Err(format!("status {code}: redirects are not followed")),
            code => Err(format!("status {code}")),
        }
    }
}

/// The root cause of an error, without the URL.
fn words(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer in {} s", WITHIN.as_secs());
    }
    let mut cause = error.source();
    let mut said = "it could not be sent".to_owned();
    while let Some(error) = cause {
        said = error.to_string();
        cause = error.source();
    }
    said
}

/// Whether messages may be sent to a URL: returns the parsed URL, and whether it is an exception.
///
/// # Errors
/// What is wrong with it. The addresses of its name are checked at each try.
pub fn check(text: &str, exceptions: &[Exception]) -> Result<(Url, bool), String> {
    if text.len() > LONGEST {
        return Err(format!("it has more than {LONGEST} characters"));
    }
    let url = Url::parse(text).map_err(|error| format!("it is not a URL: {error}"))?;
    if !["http", "https"].contains(&url.scheme()) {
        return Err("it must begin with https://".into());
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("it must have no login and no fragment".into());
    }
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err("it has no host".into());
    };
    let excepted = exceptions
        .iter()
        .any(|known| known.host == host && known.port == port);
    if excepted {
        return Ok((url, true));
    }
    if url.scheme() != "https" || port != 443 {
        return Err("messages are sent only by https to port 443".into());
    }
    // An address in place of a name is not resolved, so it is checked here.
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    match literal.parse::<IpAddr>() {
        Ok(address) if !is_public(address) => Err(not_public(address)),
        _ => Ok((url, false)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        let public = |text: &str| is_public(text.parse().unwrap());
        for text in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2000::1",
            "2606:4700::1111",
            "2a00:1450:4001::200e",
            "2001:200::1",
        ] {
            assert!(public(text), "{text}");
        }
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:1.1.1.1",
            "::1.1.1.1",
            "64:ff9b::7f00:1",
            "64:ff9b::101:101",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:10::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2620:4f:8000::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!public(text), "{text}");
        }
    }

    #[test]
    fn a_url_is_https_on_port_443_of_a_name_or_a_public_address() {
        for text in [
            "https://hooks.example/board",
            "https://hooks.example:443/board?x=1",
            "https://1.1.1.1/",
            "https://[2606:4700::1111]/",
        ] {
            assert!(!check(text, &[]).unwrap().1, "{text}");
        }
        for text in [
            "http://hooks.example/",
            "https://hooks.example:8443/",
            "http://hooks.example:443/",
            "ftp://hooks.example/",
            "hooks.example",
            "https://user@hooks.example/",
            "https://:secret@hooks.example/",
            "https://hooks.example/#x",
            "https://127.0.0.1/",
            // The same, as the URL parser reads them.
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:1.1.1.1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://10.1.2.3/",
            &format!("https://hooks.example/{}", "x".repeat(LONGEST)),
        ] {
            assert!(check(text, &[]).is_err(), "{text}");
        }
    }

    #[test]
    fn an_exception_is_one_host_and_one_port() {
        let exceptions: Vec<Exception> = ["127.0.0.1:9000", "Hooks.Example:8443", "[::1]:443"]
            .map(|text| text.parse().unwrap())
            .into();
        for text in [
            "http://127.0.0.1:9000/x",
            "https://127.0.0.1:9000/x",
            "https://hooks.example:8443/",
            "https://[::1]/",
        ] {
            assert!(check(text, &exceptions).unwrap().1, "{text}");
        }
        for text in [
            "http://127.0.0.1:9001/",
            "http://127.0.0.1/",
            "https://other.example:8443/",
            "https://a.hooks.example:8443/",
        ] {
            assert!(check(text, &exceptions).is_err(), "{text}");
        }
        for text in [
            "",
            "host",
            "host:",
            "host:0",
            "host:99999",
            ":80",
            "a/b:80",
            "u@h:80",
            "h:1:80",
        ] {
            assert!(text.parse::<Exception>().is_err(), "{text}");
        }
    }
}
