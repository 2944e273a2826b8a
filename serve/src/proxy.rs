//! Whose request it is, behind proxies: the last address in X-Forwarded-For that is not a proxy.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// The networks of the operator's own proxies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxies(Vec<IpNet>);

/// A text that does not name networks of proxies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// Not a network.
    #[error("{0:?} is not a network: write an address with its prefix, such as 10.0.3.0/24")]
    Malformed(String),
    /// Everybody would be a proxy, and could claim to be anybody.
    #[error("{0} covers every address there is: name the networks of your own proxies")]
    Everybody(IpNet),
}

impl FromStr for Proxies {
    type Err = ProxyError;

    /// Networks separated by commas.
    fn from_str(text: &str) -> Result<Self, ProxyError> {
        let nets = text.split(',').map(str::trim).map(|part| {
            let malformed = |_| ProxyError::Malformed(part.to_owned());
            let net = match part.parse::<IpAddr>() {
                Ok(address) => IpNet::from(address),
                Err(_) => part.parse().map_err(malformed)?,
            };
            if net.prefix_len() == 0 {
                return Err(ProxyError::Everybody(net));
            }
            Ok(net)
        });
        nets.collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&all.join(","))
    }
}

impl Proxies {
    /// Whether a peer is one of them.
    pub fn has(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.0.iter().any(|net| net.contains(&peer))
    }

    /// The client's address, given the peer's and the values of X-Forwarded-For in order. Anything left of an address
    /// that is not a proxy may have been written by anybody.
    pub fn client<'a>(&self, peer: IpAddr, forwarded: impl Iterator<Item = &'a str>) -> IpAddr {
        let mut client = peer.to_canonical();
        let hops: Vec<&str> = forwarded.flat_map(|value| value.split(',')).collect();
        for hop in hops.into_iter().rev() {
            if !self.has(client) {
                break;
            }
            // Nothing is known beyond a malformed address.
            let Ok(address) = hop.trim().parse::<IpAddr>() else {
                break;
            };
            client = address.to_canonical();
        }
        client
    }
}

/// An address as it may be logged: its network, /24 or /48.
pub(crate) fn shortened(address: IpAddr) -> String {
    let prefix = if address.is_ipv4() { 24 } else { 48 };
    IpNet::new(address, prefix).map_or_else(|_| String::new(), |net| net.trunc().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn networks_are_read_and_everybody_is_refused() {
        let proxies: Proxies = "10.0.3.0/24, 192.0.2.7,2001:db8::/32".parse().unwrap();
        assert_eq!(
            proxies.to_string(),
            "10.0.3.0/24,192.0.2.7/32,2001:db8::/32"
        );
        for text in ["0.0.0.0/0", "::/0", "10.0.0.0/8,0.0.0.0/0"] {
            assert!(
                matches!(text.parse::<Proxies>(), Err(ProxyError::Everybody(_))),
                "{text}"
            );
        }
        for text in ["", "10.0.0.0/33", "proxy.example", "10.0.0.0/8,"] {
            assert!(
                matches!(text.parse::<Proxies>(), Err(ProxyError::Malformed(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn the_client_is_the_last_address_that_is_no_proxy() {
        let proxies: Proxies = "10.0.0.0/8".parse().unwrap();
        let client = |peer: &str, forwarded: &[&str]| {
            proxies
                .client(ip(peer), forwarded.iter().copied())
                .to_string()
        };
        assert_eq!(client("10.1.1.1", &["198.51.100.9"]), "198.51.100.9");
        assert_eq!(
            client("10.1.1.1", &["203.0.113.1, 198.51.100.9, 10.2.2.2"]),
            "198.51.100.9"
        );
        assert_eq!(
            client("10.1.1.1", &["203.0.113.1", "198.51.100.9"]),
            "198.51.100.9"
        );
        // A peer that is not a proxy is not believed.
        assert_eq!(client("198.51.100.9", &["203.0.113.1"]), "198.51.100.9");
        assert_eq!(client("10.1.1.1", &["203.0.113.1, unknown"]), "10.1.1.1");
        assert_eq!(client("10.1.1.1", &[]), "10.1.1.1");
        assert_eq!(client("::ffff:10.1.1.1", &["2001:db8::1"]), "2001:db8::1");
    }

    #[test]
    fn an_address_in_a_log_is_its_network() {
        assert_eq!(shortened(ip("198.51.100.9")), "198.51.100.0/24");
        assert_eq!(shortened(ip("2001:db8:1:2::3")), "2001:db8:1::/48");
    }
}
