//! Reading a JSON body member by member: all bad, missing and unknown members are reported together.

use std::fmt::Display;

use alloy::primitives::{Address, B256, Bytes};
use axum::http::StatusCode;
use book::market::address;
use book::market::count::counted;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::problem::{Bad, Problem};

/// The code of a malformed field.
const MALFORMED: &str = "BAD_INPUT";

/// The members of one object that have not been read yet, and what was wrong with those that were.
#[derive(Debug)]
pub(crate) struct Fields {
    at: String,
    members: Map<String, Value>,
    errors: Vec<Bad>,
}

impl Fields {
    /// The members of a body, which must be one JSON object.
    pub(crate) fn of(body: &[u8]) -> Result<Self, Problem> {
        let value = book::market::unique::from_slice(body)
            .map_err(|error| Problem::bad_input(format!("the body is not JSON: {error}")))?;
        match value {
            Value::Object(members) => Ok(Self::under(String::new(), members)),
            _ => Err(Problem::bad_input("the body must be a JSON object")),
        }
    }

    fn under(at: String, members: Map<String, Value>) -> Self {
        Self {
            at,
            members,
            errors: Vec::new(),
        }
    }

    fn bad(&mut self, name: &str, detail: impl Into<String>) {
        let pointer = format!("{}/{name}", self.at);
        self.errors.push(Bad::new(pointer, MALFORMED, detail));
    }

    /// A member that may be missing; null counts as missing.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name).filter(|value| !value.is_null())
    }

    /// A text that `read` understands, if it is there.
    pub(crate) fn maybe<T, E: Display>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match self.take(name)? {
            Value::String(text) => match read(&text) {
                Ok(value) => return Some(value),
                Err(error) => self.bad(name, error.to_string()),
            },
            other => self.bad(name, format!("{other} is not a string")),
        }
        None
    }

    /// A text that `read` understands and that must be there.
    pub(crate) fn text<T, E: Display>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        self.require(name);
        self.maybe(name, read)
    }

    /// Reports a member that must be there and is not.
    pub(crate) fn require(&mut self, name: &str) {
        if self.members.get(name).is_none_or(Value::is_null) {
            self.bad(name, "it is missing");
        }
    }

    /// An address with its checksum, or all in one case.
    pub(crate) fn address(&mut self, name: &str) -> Option<Address> {
        self.text(name, address::parse)
    }

    /// 32 bytes.
    pub(crate) fn hash(&mut self, name: &str) -> Option<B256> {
        self.text(name, hash)
    }

    /// Bytes of any length.
    pub(crate) fn bytes(&mut self, name: &str) -> Option<Bytes> {
        self.text(name, |text| {
            if !text.starts_with("0x") {
                return Err("expected 0x and hexadecimal digits".to_owned());
            }
            text.parse::<Bytes>().map_err(|error| error.to_string())
        })
    }

    /// A decimal number of base units, as a text.
    pub(crate) fn amount(&mut self, name: &str) -> Option<u128> {
        self.text(name, amount)
    }

    /// A whole number below 2^53, as a JSON number.
    pub(crate) fn number(&mut self, name: &str) -> Option<u64> {
        self.require(name);
        let value = self.take(name)?;
        let number = value.as_u64().filter(|number| *number < 1 << 53);
        if number.is_none() {
            self.bad(
                name,
                format!("{value} is not a whole number from 0 to 2^53 - 1"),
            );
        }
        number
    }

    /// A whole number below 2^53 that may be missing.
    pub(crate) fn maybe_number(&mut self, name: &str) -> Option<u64> {
        self.has(name).then(|| self.number(name)).flatten()
    }

    /// Whether a member is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(|value| !value.is_null())
    }

    /// An instant in RFC 3339.
    pub(crate) fn instant(&mut self, name: &str) -> Option<Timestamp> {
        self.text(name, instant)
    }

    /// The texts of an array that may be missing.
    pub(crate) fn list<T, E: Display>(
        &mut self,
        name: &str,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        let values = match self.take(name) {
            None => return Vec::new(),
            Some(Value::Array(values)) => values,
            Some(other) => {
                self.bad(name, format!("{other} is not an array"));
                return Vec::new();
            }
        };
        let mut found = Vec::with_capacity(values.len());
        for (at, value) in values.into_iter().enumerate() {
            let place = format!("{name}/{at}");
            match value.as_str().map(&read) {
                Some(Ok(value)) => found.push(value),
                Some(Err(error)) => self.bad(&place, error.to_string()),
                None => self.bad(&place, format!("{value} is not a string")),
            }
        }
        found
    }

    /// A nested object; its errors are collected with [`Self::join`].
    pub(crate) fn object(&mut self, name: &str) -> Self {
        let at = format!("{}/{name}", self.at);
        self.require(name);
        match self.take(name) {
            Some(Value::Object(members)) => Self::under(at, members),
            Some(other) => {
                self.bad(name, format!("{other} is not an object"));
                Self::under(at, Map::new())
            }
            None => Self::under(at, Map::new()),
        }
    }

    /// Collects the errors of a nested object.
    pub(crate) fn join(&mut self, mut inner: Self) {
        // A missing object is reported once, not member by member.
        let missing = self.errors.iter().any(|bad| bad.pointer == inner.at);
        if !missing {
            inner.unknown();
            self.errors.append(&mut inner.errors);
        }
    }

    fn unknown(&mut self) {
        let names: Vec<String> = self.members.keys().cloned().collect();
        for name in names {
            let place = name.replace('~', "~0").replace('/', "~1");
            self.bad(&place, "there is no such member");
        }
    }

    /// What was read, unless something was wrong.
    ///
    /// # Errors
    /// 422 with every bad, missing and unknown member.
    pub(crate) fn end<T>(mut self, read: Option<T>) -> Result<T, Problem> {
        self.unknown();
        match read {
            Some(value) if self.errors.is_empty() => Ok(value),
            _ => {
                let count = counted(self.errors.len(), "member");
                let words = format!("{count} of the body missing, unknown or malformed");
                Err(
                    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, MALFORMED, words)
                        .fields(self.errors),
                )
            }
        }
    }
}

/// A decimal number of base units.
pub(crate) fn amount(text: &str) -> Result<u128, String> {
    let plain = text.bytes().all(|digit| digit.is_ascii_digit());
    let padded = text.len() > 1 && text.starts_with('0');
    match text.parse() {
        Ok(value) if plain && !padded => Ok(value),
        _ => Err(format!(
            "{text:?} is not a number of base units: write only decimal digits, up to 2^128 - 1"
        )),
    }
}

/// 32 bytes.
pub(crate) fn hash(text: &str) -> Result<B256, String> {
    let wrong = || format!("{text:?} is not 0x and 64 hexadecimal digits");
    if !text.starts_with("0x") {
        return Err(wrong());
    }
    text.parse().map_err(|_| wrong())
}

/// An instant in RFC 3339.
pub(crate) fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is not an instant: write it as 2030-01-31T09:00:00Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<(Address, u128), Problem> {
        let mut fields = Fields::of(body.as_bytes())?;
        let mut order = fields.object("order");
        let owner = order.address("owner");
        let quantity = order.amount("quantity");
        fields.join(order);
        let read = owner.zip(quantity);
        fields.end(read)
    }

    #[test]
    fn a_body_is_read_as_it_is_written() {
        let body =
            r#"{"order":{"owner":"0x0000000000000000000000000000000000000001","quantity":"12"}}"#;
        let (owner, quantity) = read(body).unwrap();
        assert_eq!((owner, quantity), (Address::with_last_byte(1), 12));
    }

    #[test]
    fn a_member_that_stands_twice_is_refused() {
        let owner = r#""owner":"0x0000000000000000000000000000000000000001""#;
        let body = format!(r#"{{"order":{{{owner},{owner},"quantity":"12"}}}}"#);
        let problem = read(&body).unwrap_err();
        assert_eq!(problem.status, StatusCode::BAD_REQUEST);
    }

    #[test]
    fn every_bad_missing_and_unknown_member_is_named_at_once() {
        let body = r#"{"order":{"quantity":"1,000","fee/s":1},"x":null,"y":2}"#;
        let problem = read(body).unwrap_err();
        assert_eq!(problem.status, StatusCode::UNPROCESSABLE_ENTITY);
        let pointers: Vec<_> = problem
            .errors
            .iter()
            .map(|bad| bad.pointer.as_str())
            .collect();
        assert_eq!(
            pointers,
            [
                "/order/owner",
                "/order/quantity",
                "/order/fee~1s",
                "/x",
                "/y"
            ]
        );
        assert!(problem.errors[1].detail.contains("1,000"), "{problem:?}");
    }

    #[test]
    fn an_object_that_is_missing_is_named_once() {
        let problem = read("{}").unwrap_err();
        assert_eq!(
            problem.errors,
            [Bad::new("/order", MALFORMED, "it is missing")]
        );
        let problem = read(r#"{"order":[]}"#).unwrap_err();
        assert_eq!(problem.errors.len(), 1);
    }

    #[test]
    fn what_is_no_json_object_is_refused() {
        for body in ["", "{", "[]", "1", "{} {}"] {
            let problem = read(body).unwrap_err();
            assert_eq!(problem.status, StatusCode::BAD_REQUEST, "{body}");
        }
    }

    #[test]
    fn numbers_and_instants_have_one_form() {
        assert_eq!(amount("0"), Ok(0));
        assert_eq!(amount(&u128::MAX.to_string()), Ok(u128::MAX));
        for text in [
            "",
            "+1",
            "-1",
            "01",
            "1.0",
            "1e3",
            "1_000",
            " 1",
            "340282366920938463463374607431768211456",
        ] {
            assert!(amount(text).is_err(), "{text}");
        }
        assert!(hash(&B256::ZERO.to_string()).is_ok());
        assert!(hash(&"0".repeat(64)).is_err());
        assert!(instant("2030-01-31T09:00:00Z").is_ok());
        for text in ["2030-01-31", "1830442291", "soon"] {
            assert!(instant(text).is_err(), "{text}");
        }
    }
}
