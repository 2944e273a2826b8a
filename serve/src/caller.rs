//! Who calls: a signed-in wallet or an API key, and what roles the log gives it now.

use alloy::primitives::{Address, B256};
use axum::http::{HeaderMap, header};
use book::log::staff::{Role, Roster, StaffError};
use uuid::Uuid;

use crate::app::App;
use crate::problem::Problem;
use crate::refusal;
use crate::token::Token;

/// The cookie of a session.
pub(crate) const SESSION: &str = "__Host-session";

/// What a caller is to the platform: nobody on the staff is an investor, and no investor is on the staff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// A wallet that belongs to nobody on the staff.
    Investor,
    /// A person with that role.
    Staff(Role),
}

/// What an API key may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Reading.
    Read,
    /// Posting, taking off and replacing orders.
    Orders,
    /// Acts of the desk.
    Desk,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Read, Self::Orders, Self::Desk];

    /// As it is written in an API key.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Orders => "orders",
            Self::Desk => "desk",
        }
    }
}

/// How a caller came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Door {
    /// A browser's session.
    Session,
    /// An API key.
    Key { id: Uuid, scopes: Vec<String> },
}

/// Somebody who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) wallet: Address,
    pub(crate) door: Door,
    /// The person who owns the wallet.
    pub(crate) person: Option<String>,
    pub(crate) parts: Vec<Part>,
}

impl Caller {
    /// Whether the caller has one of these parts.
    pub(crate) fn is_any(&self, parts: &[Part]) -> bool {
        self.parts.iter().any(|part| parts.contains(part))
    }

    pub(crate) fn is_investor(&self) -> bool {
        self.parts == [Part::Investor]
    }

    /// Who owns the Idempotency-Keys: the person, the wallet, or the API key itself.
    pub(crate) fn keyring(&self) -> String {
        match (&self.door, &self.person) {
            (Door::Key { id, .. }, _) => format!("key {id}"),
            (Door::Session, Some(person)) => format!("person {person}"),
            (Door::Session, None) => format!("wallet {}", self.wallet),
        }
    }

    /// Whether the way in covers this scope; `None` is for sessions only.
    pub(crate) fn reaches(&self, scope: Option<Scope>) -> bool {
        match (&self.door, scope) {
            (Door::Session, _) => true,
            (Door::Key { scopes, .. }, Some(scope)) => {
                scopes.iter().any(|known| known == scope.as_str())
            }
            (Door::Key { .. }, None) => false,
        }
    }
}

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let values = headers.get_all(header::COOKIE).iter();
    let mut pairs = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

/// The token of an Authorization header.
fn bearer(headers: &HeaderMap) -> Option<Token> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    Token::read_api_key(value.strip_prefix("Bearer ")?)
}

/// Whether a request claims to come with an API key.
pub(crate) fn has_key(headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION)
}

/// The SHA-256 of the token that a request comes with: all that the store knows of its session or API key.
pub(crate) fn token(headers: &HeaderMap) -> Option<B256> {
    let token = if has_key(headers) {
        bearer(headers)
    } else {
        cookie(headers, SESSION).and_then(Token::read)
    };
    token.map(|token| token.hash())
}

/// The person who owns a wallet, and what its holder is to the platform now; `None` for a wallet that was ended and for
/// a person who is suspended.
pub(crate) fn parts(roster: &Roster, wallet: Address) -> Option<(Option<String>, Vec<Part>)> {
    match roster.signer(wallet, u64::MAX) {
        Ok(person) => {
            let parts = person.roles().map(Part::Staff).collect();
            Some((Some(person.name.clone()), parts))
        }
        Err(StaffError::UnknownWallet(_)) => Some((None, vec![Part::Investor])),
        Err(_) => None,
    }
}

/// Who calls.
///
/// # Errors
/// 401 without a session or key, with one that has ended, and for a wallet or a person that the staff's log has ended or
/// suspended; 503.
pub(crate) async fn of(app: &App, headers: &HeaderMap) -> Result<Caller, Problem> {
    let ended = Problem::not_signed_in;
    let (wallet, door, session, roster) = if has_key(headers) {
        let token = bearer(headers).ok_or_else(ended)?;
        let found = app
            .board
            .api_key(token.hash())
            .await
            .map_err(refusal::board)?;
        let (key, roster) = found.ok_or_else(ended)?;
        let (id, scopes) = (key.id, key.scopes);
        (key.wallet, Door::Key { id, scopes }, None, roster)
    } else {
        let token = cookie(headers, SESSION)
            .and_then(Token::read)
            .ok_or_else(ended)?;
        let found = app
            .board
            .session(token.hash())
            .await
            .map_err(refusal::board)?;
        let (session, roster) = found.ok_or_else(ended)?;
        let used = Some((token.hash(), session.stale));
        (session.wallet, Door::Session, used, roster)
    };
    let Some((person, parts)) = parts(&roster, wallet) else {
        // At once, and for good for this session.
        if let Some((token, _)) = session {
            app.board.end_session(token).await.map_err(refusal::board)?;
        }
        return Err(ended());
    };
    if let Some((token, true)) = session {
        let board = app.board.clone();
        // A read does not wait for the single writer; what is not written now is written by the next request.
        tokio::spawn(async move { board.use_session(token).await });
    }
    Ok(Caller {
        wallet,
        door,
        person,
        parts,
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("a=1; __Host-session=x=y"),
        );
        headers.append(header::COOKIE, HeaderValue::from_static("b=2"));
        assert_eq!(cookie(&headers, "__Host-session"), Some("x=y"));
        assert_eq!(cookie(&headers, "b"), Some("2"));
        assert_eq!(cookie(&headers, "session"), None);
    }

    #[test]
    fn a_key_leads_as_far_as_its_scopes_and_a_session_everywhere() {
        let caller = |door| Caller {
            wallet: Address::ZERO,
            door,
            person: None,
            parts: vec![Part::Investor],
        };
        let key = caller(Door::Key {
            id: Uuid::nil(),
            scopes: vec!["read".into()],
        });
        assert!(key.reaches(Some(Scope::Read)));
        assert!(!key.reaches(Some(Scope::Orders)) && !key.reaches(None));
        assert!(caller(Door::Session).reaches(None));
    }
}
