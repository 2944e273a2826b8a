//! The text that a wallet signs to sign in somewhere (EIP-4361): read strictly, so that nothing else is signed as one.

use std::fmt;
use std::str::FromStr;

use alloy::primitives::{Address, B256, eip191_hash_message};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What follows the domain.
const ASKS: &str = " wants you to sign in with your Ethereum account:";

/// Why a text is not a sign-in text.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("it is not a sign-in text (EIP-4361): {0}")]
pub struct SignInError(pub String);

/// An EIP-4361 text.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct SignIn {
    /// The host of the site that asks, with its port if it is not the scheme's default.
    pub domain: String,
    /// The wallet that signs in.
    pub address: Address,
    /// What it signs in to.
    pub uri: String,
    /// The chain.
    pub chain_id: u64,
    /// Its statement, if it has one.
    pub statement: Option<String>,
    /// When it ends, if it does.
    pub ends_at: Option<Timestamp>,
    text: String,
}

impl SignIn {
    /// What the key signs: exactly these bytes, as a message (EIP-191).
    pub fn digest(&self) -> B256 {
        eip191_hash_message(self.text.as_bytes())
    }

    /// The text itself.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<SignIn> for String {
    fn from(read: SignIn) -> Self {
        read.text
    }
}

impl TryFrom<String> for SignIn {
    type Error = SignInError;

    fn try_from(text: String) -> Result<Self, SignInError> {
        text.parse()
    }
}

/// The lines of a text, read one after the other.
struct Lines<'a>(std::iter::Peekable<std::str::Split<'a, char>>);

impl<'a> Lines<'a> {
    fn next(&mut self, wanted: &str) -> Result<&'a str, SignInError> {
        let missing = || SignInError(format!("it ends where {wanted} was expected"));
        self.0.next().ok_or_else(missing)
    }

    fn empty(&mut self) -> Result<(), SignInError> {
        match self.next("an empty line")? {
            "" => Ok(()),
            found => Err(SignInError(format!(
                "found {found:?}, expected an empty line"
            ))),
        }
    }

    /// The value of a line that begins with a name.
    fn value(&mut self, name: &str) -> Result<&'a str, SignInError> {
        let line = self.next(name)?;
        let value = line.strip_prefix(name).filter(|value| !value.is_empty());
        value.ok_or_else(|| SignInError(format!("found {line:?}, expected {name:?}")))
    }

    /// The same for a line that may be missing.
    fn maybe(&mut self, name: &str) -> Option<&'a str> {
        self.0
            .next_if(|line| line.starts_with(name))
            .and_then(|line| line.strip_prefix(name))
    }
}

fn time(name: &str, value: &str) -> Result<Timestamp, SignInError> {
    let bad = |error| SignInError(format!("{name} {value:?}: {error}"));
    value.parse().map_err(bad)
}

impl FromStr for SignIn {
    type Err = SignInError;

    fn from_str(text: &str) -> Result<Self, SignInError> {
        let strange = |c: char| c.is_control() && c != '\n';
        if text.contains(strange) {
            let words = "it has control characters or Windows line endings";
            return Err(SignInError(words.into()));
        }
        let mut lines = Lines(text.split('\n').peekable());
        let first = lines.next("a domain")?;
        let domain = first.strip_suffix(ASKS).ok_or_else(|| {
            SignInError(format!(
                "its first line does not end with {:?}",
                ASKS.trim()
            ))
        })?;
        // A scheme may come before it.
        let domain = domain.split_once("://").map_or(domain, |(_, rest)| rest);
        if domain.is_empty() || domain.contains([' ', '/', '@']) {
            return Err(SignInError(format!("{domain:?} is not a domain")));
        }
        let address = lines.next("an address")?;
        let address = Address::parse_checksummed(address, None).map_err(|error| {
            SignInError(format!(
                "{address:?} is not an address with a valid checksum: {error}"
            ))
        })?;
        lines.empty()?;
        let statement = match lines.next("a statement")? {
            "" => None,
            statement => {
                lines.empty()?;
                Some(statement.to_owned())
            }
        };
        let uri = lines.value("URI: ")?.to_owned();
        if lines.value("Version: ")? != "1" {
            return Err(SignInError("its version is not 1".into()));
        }
        let chain = lines.value("Chain ID: ")?;
        let digits = chain.bytes().all(|byte| byte.is_ascii_digit());
        let chain_id = chain.parse().ok().filter(|_| digits);
        let chain_id =
            chain_id.ok_or_else(|| SignInError(format!("{chain:?} is not a chain id")))?;
        let nonce = lines.value("Nonce: ")?;
        if nonce.len() < 8 || !nonce.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(SignInError(format!("{nonce:?} is not a valid nonce")));
        }
        time("Issued At", lines.value("Issued At: ")?)?;
        let ends_at = lines.maybe("Expiration Time: ");
        let ends_at = ends_at.map(|value| time("Expiration Time", value));
        if let Some(value) = lines.maybe("Not Before: ") {
            time("Not Before", value)?;
        }
        lines.maybe("Request ID: ");
        if lines.maybe("Resources:").is_some() {
            while lines.maybe("- ").is_some() {}
        }
        if let Some(rest) = lines.0.next() {
            return Err(SignInError(format!("{rest:?} follows its end")));
        }
        Ok(Self {
            domain: domain.to_owned(),
            address,
            uri,
            chain_id,
            statement,
            ends_at: ends_at.transpose()?,
            text: text.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use alloy::signers::SignerSync as _;
    use alloy::signers::local::PrivateKeySigner;

    use super::*;
    use crate::signing::request::Request;
    use crate::signing::signer::Signer;

    const TEXT: &str = "board.example wants you to sign in with your Ethereum account:
0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf

Sign in to the bulletin board. This costs nothing and moves nothing.

URI: https://board.example
Version: 1
Chain ID: 412346
Nonce: 00ff00ff
Issued At: 2027-01-15T08:00:00Z
Expiration Time: 2027-01-15T08:05:00Z";

    #[test]
    fn a_text_is_read_and_signed_to_the_byte() {
        let read: SignIn = TEXT.parse().unwrap();
        assert_eq!(read.domain, "board.example");
        assert_eq!(read.uri, "https://board.example");
        assert_eq!(read.chain_id, 412_346);
        assert_eq!(read.ends_at.unwrap().to_string(), "2027-01-15T08:05:00Z");
        let key = PrivateKeySigner::from_slice(&[
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 1,
        ])
        .unwrap();
        assert_eq!(key.address(), read.address);
        let request = Request::SignIn(read);
        let signed = Signer::from(key.clone()).sign(&request).unwrap();
        assert_eq!(signed, key.sign_message_sync(TEXT.as_bytes()).unwrap());
        // It travels to an agent as its text.
        let sent = serde_json::to_value(&request).unwrap();
        assert_eq!(sent["sign_in"], TEXT);
        assert_eq!(serde_json::from_value::<Request>(sent).unwrap(), request);
        assert_eq!(request.typed(), None);
    }

    #[test]
    fn what_the_standard_lets_out_or_adds_is_read() {
        let short = TEXT.replace(
            "\nSign in to the bulletin board. This costs nothing and moves nothing.\n",
            "",
        );
        let short = short.replace("\nExpiration Time: 2027-01-15T08:05:00Z", "");
        let read: SignIn = short.replace("\n\nURI", "\n\n\nURI").parse().unwrap();
        assert_eq!((read.statement, read.ends_at), (None, None));
        let long = format!(
            "https://{TEXT}\nNot Before: 2027-01-15T08:00:00Z\nRequest ID: 7\nResources:\n- https://a.example\n- ipfs://b"
        );
        assert_eq!(long.parse::<SignIn>().unwrap().domain, "board.example");
    }

    #[test]
    fn anything_else_is_refused() {
        let with = |from: &str, to: &str| TEXT.replace(from, to);
        for (text, words) in [
            (String::new(), "first line"),
            ("Transfer everything".into(), "first line"),
            (with("board.example wants", " wants"), "not a domain"),
            (with("board.example wants", "a/b wants"), "not a domain"),
            (with("0x7E5F", "0x7e5F"), "checksum"),
            (with("Version: 1", "Version: 2"), "version"),
            (with("Chain ID: 412346", "Chain ID: x"), "chain id"),
            (with("Chain ID: 412346", "Chain ID: +1"), "chain id"),
            (with("Nonce: 00ff00ff", "Nonce: 1"), "nonce"),
            (with("Issued At: 2027", "Issued At: soon"), "Issued At"),
            (with("URI: https", "URL: https"), "URI"),
            (with("nothing.\n\n", "nothing.\n"), "empty line"),
            (format!("{TEXT}\n"), "follows its end"),
            (format!("{TEXT}\nand something else"), "follows its end"),
            (TEXT.replace('\n', "\r\n"), "control characters"),
            (format!("{TEXT}\u{1b}[2J"), "control characters"),
            (
                "board.example wants you to sign in with your Ethereum account:".into(),
                "it ends",
            ),
        ] {
            let error = text.parse::<SignIn>().unwrap_err().to_string();
            assert!(error.contains(words), "{text:?}: {error}");
        }
    }
}
