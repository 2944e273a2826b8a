//! The query of a URL, parameter by parameter: unknown ones are refused.

use std::fmt::Display;
use std::sync::Mutex;

use axum::http::StatusCode;

use crate::problem::{Bad, Problem};

/// How many entries a page has by default.
const DEFAULT_LIMIT: u32 = 50;
/// How many it has at most.
const MAX_LIMIT: u32 = 200;

/// The parameters that have not been read yet.
#[derive(Debug, Default)]
pub(crate) struct Query(Mutex<Vec<(String, String)>>);

/// The next digit of an escape.
fn digit(byte: Option<&u8>) -> Option<u8> {
    let digit = char::from(*byte?).to_digit(16)?;
    u8::try_from(digit).ok()
}

/// A name or a value, unescaped; `None` if it is not valid text.
fn unescaped(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'+' => plain.push(b' '),
            b'%' => {
                let (high, low) = (digit(bytes.get(at))?, digit(bytes.get(at + 1))?);
                plain.push(high * 16 + low);
                at += 2;
            }
            other => plain.push(*other),
        }
    }
    String::from_utf8(plain).ok()
}

impl Query {
    /// The parameters of a query string.
    ///
    /// # Errors
    /// 400 for malformed escapes.
    pub(crate) fn of(text: Option<&str>) -> Result<Self, Problem> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for part in text
            .unwrap_or_default()
            .split('&')
            .filter(|part| !part.is_empty())
        {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let pair = unescaped(name).zip(unescaped(value));
            let pair = pair.ok_or_else(|| Problem::bad_input("the query has malformed escapes"))?;
            pairs.push(pair);
        }
        Ok(Self(Mutex::new(pairs)))
    }

    /// Takes a parameter.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        let mut pairs = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let at = pairs.iter().position(|(found, _)| found == name)?;
        Some(pairs.remove(at).1)
    }

    /// Takes every value of a parameter.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        std::iter::from_fn(|| self.text(name)).collect()
    }

    /// Takes a parameter that `read` understands.
    ///
    /// # Errors
    /// 400 with its name.
    pub(crate) fn take<T, E: Display>(
        &self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        read(&text)
            .map(Some)
            .map_err(|error| bad(name, &error.to_string()))
    }

    /// Takes a whole number.
    ///
    /// # Errors
    /// 400 with its name.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, Problem> {
        self.take(name, |text| {
            let plain = text.bytes().all(|digit| digit.is_ascii_digit());
            let number = text.parse::<u64>().ok().filter(|_| plain);
            number.ok_or_else(|| format!("{text:?} is not a whole number"))
        })
    }

    /// Takes `limit`: how many entries a page has.
    ///
    /// # Errors
    /// 400 unless it is 1 to 200.
    pub(crate) fn limit(&self) -> Result<u32, Problem> {
        let given = self.number("limit")?.unwrap_or(DEFAULT_LIMIT.into());
        let limit = u32::try_from(given).ok();
        limit
            .filter(|limit| (1..=MAX_LIMIT).contains(limit))
            .ok_or_else(|| bad("limit", &format!("{given} is not from 1 to {MAX_LIMIT}")))
    }

    /// Refuses parameters that were not taken, including one that appears twice and was taken once.
    ///
    /// # Errors
    /// 400 with every name.
    pub(crate) fn end(&self) -> Result<(), Problem> {
        let pairs = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if pairs.is_empty() {
            return Ok(());
        }
        let unknown = pairs.iter().map(|(name, _)| {
            Bad::new(
                name,
                "BAD_INPUT",
                "there is no such parameter, or it appears twice",
            )
        });
        let words = "the query has parameters that this route does not know or that appear twice";
        Err(Problem::new(StatusCode::BAD_REQUEST, "BAD_INPUT", words).fields(unknown))
    }
}

/// A bad parameter.
pub(crate) fn bad(name: &str, words: &str) -> Problem {
    Problem::bad_input(words).fields([Bad::new(name, "BAD_INPUT", words)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_taken_and_the_rest_is_refused() {
        let query = Query::of(Some("limit=7&name=a%2Bb+c&x=")).unwrap();
        assert_eq!(query.limit().unwrap(), 7);
        assert_eq!(query.text("name").as_deref(), Some("a+b c"));
        let problem = query.end().unwrap_err();
        assert_eq!(
            (problem.status.as_u16(), problem.errors[0].pointer.as_str()),
            (400, "x")
        );
        assert_eq!(Query::of(None).unwrap().limit().unwrap(), 50);
        assert!(Query::of(None).unwrap().end().is_ok());
    }

    #[test]
    fn bad_limits_escapes_and_repetitions_are_refused() {
        for text in [
            "limit=0",
            "limit=201",
            "limit=-1",
            "limit=",
            "limit=1.0",
            "limit=9999999999",
        ] {
            assert!(Query::of(Some(text)).unwrap().limit().is_err(), "{text}");
        }
        for text in ["a=%", "a=%1", "a=%zz", "a=%ff"] {
            assert!(Query::of(Some(text)).is_err(), "{text}");
        }
        let query = Query::of(Some("a=1&b=3&a=2")).unwrap();
        assert_eq!(query.text("b").as_deref(), Some("3"));
        assert_eq!(query.text("a").as_deref(), Some("1"));
        assert!(query.end().is_err());
        assert_eq!(query.all("a"), ["2"]);
        assert!(query.end().is_ok());
    }
}
