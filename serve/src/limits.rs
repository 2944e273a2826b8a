//! How much one client may request from one process: a budget of weights a minute for each wallet, each API key, and
//! each address that is not signed in.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use ipnet::IpNet;
use jiff::Timestamp;

use crate::caller::{Caller, Door};
use crate::problem::Problem;
use crate::route::{Route, Verb};

/// Weights a minute by default.
pub const DEFAULT: u32 = 600;

/// The window, microseconds.
const WINDOW: i64 = 60_000_000;

/// How many clients are remembered before those with a full budget are forgotten.
const REMEMBERED: usize = 100_000;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEFT: HeaderName = HeaderName::from_static("ratelimit");

/// Clients and the time at which each will have its full budget again.
#[derive(Debug)]
pub(crate) struct Limits {
    per_minute: u32,
    whole_at: Mutex<HashMap<String, i64>>,
}

/// What is left of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Left {
    per_minute: u32,
    /// Weights that can be used at once.
    remaining: u32,
    /// Seconds until the full budget is available again.
    whole_in: u32,
}

/// Who is charged: IPv6 clients have a whole /64 each.
pub(crate) fn client(caller: Option<&Caller>, address: IpAddr) -> String {
    match caller.map(|caller| (&caller.door, caller.wallet)) {
        Some((Door::Key { id, .. }, _)) => format!("key {id}"),
        Some((Door::Session, wallet)) => format!("wallet {wallet}"),
        None => {
            let prefix = if address.is_ipv4() { 32 } else { 64 };
            let net = IpNet::new(address, prefix).map(|net| net.trunc());
            net.map_or_else(|_| address.to_string(), |net| net.to_string())
        }
    }
}

/// What a request costs.
pub(crate) fn weight(route: &Route) -> u32 {
    match (route.verb, route.path) {
        (_, "/v1/session/challenge") => 10,
        (Verb::Get, _) => 1,
        (Verb::Post | Verb::Delete, _) => 5,
    }
}

impl Limits {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self {
            per_minute: per_minute.max(1),
            whole_at: Mutex::default(),
        }
    }

    /// Charges a client.
    ///
    /// # Errors
    /// 429; nothing is charged then.
    pub(crate) fn charge(
        &self,
        client: &str,
        weight: u32,
        now: Timestamp,
    ) -> (Result<(), Problem>, Left) {
        let (now, each) = (now.as_microsecond(), WINDOW / i64::from(self.per_minute));
        let each = each.max(1);
        let mut clients = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= REMEMBERED {
            clients.retain(|_, whole_at| *whole_at > now);
        }
        let before = clients.get(client).copied().unwrap_or(now).max(now);
        let after = before.saturating_add(each.saturating_mul(i64::from(weight)));
        let beyond = after - now - WINDOW;
        let whole_at = if beyond > 0 { before } else { after };
        clients.insert(client.to_owned(), whole_at);
        drop(clients);
        let number = |micros: i64| u32::try_from(micros.max(0)).unwrap_or(u32::MAX);
        let seconds = |micros: i64| number(micros.saturating_add(999_999) / 1_000_000);
        let left = Left {
            per_minute: self.per_minute,
            remaining: number((now + WINDOW - whole_at) / each),
            whole_in: seconds(whole_at - now),
        };
        if beyond <= 0 {
            return (Ok(()), left);
        }
        let words = format!(
            "more than {} weights a minute: nothing was done",
            self.per_minute
        );
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY", words);
        (Err(problem.after(seconds(beyond))), left)
    }
}

impl Left {
    /// Adds it to the headers (draft-ietf-httpapi-ratelimit-headers).
    pub(crate) fn tell(self, headers: &mut HeaderMap) {
        let policy = format!("\"default\";q={};w=60", self.per_minute);
        let left = format!("\"default\";r={};t={}", self.remaining, self.whole_in);
        for (name, text) in [(POLICY, policy), (LEFT, left)] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_used_up_and_comes_back_with_time() {
        let limits = Limits::new(60);
        let at = |seconds: i64| Timestamp::from_second(1_800_000_000 + seconds).unwrap();
        let charge = |weight, seconds| limits.charge("a", weight, at(seconds));
        let (done, left) = charge(50, 0);
        assert!(done.is_ok());
        assert_eq!((left.remaining, left.whole_in), (10, 50));
        assert!(charge(10, 0).0.is_ok());
        let (refused, left) = charge(5, 0);
        let refused = refused.unwrap_err();
        assert_eq!(
            (refused.status.as_u16(), refused.retry_after),
            (429, Some(5))
        );
        assert_eq!((left.remaining, left.whole_in), (0, 60));
        // A refused request is not charged.
        assert!(charge(5, 5).0.is_ok());
        assert!(limits.charge("b", 60, at(0)).0.is_ok());
        let (done, left) = charge(1, 1_000);
        assert!(done.is_ok());
        assert_eq!((left.remaining, left.whole_in), (59, 1));
    }

    #[test]
    fn an_address_is_charged_only_for_those_who_are_not_signed_in() {
        let address = |text: &str| text.parse().unwrap();
        assert_eq!(client(None, address("198.51.100.9")), "198.51.100.9/32");
        assert_eq!(
            client(None, address("2001:db8:1:2:3::4")),
            "2001:db8:1:2::/64"
        );
        let caller = Caller {
            wallet: alloy::primitives::Address::ZERO,
            door: Door::Session,
            person: None,
            parts: vec![],
        };
        assert!(client(Some(&caller), address("198.51.100.9")).starts_with("wallet 0x"));
    }
}
