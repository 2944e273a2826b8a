//! The parameters of a request, taken by position.

use super::error::RpcError;
use jsonrpsee::types::Params;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// Positional parameters. `null` and a missing parameter are the same.
///
/// Each stays text until it is read: what a client sends never takes more memory than the type it is
/// parsed as.
#[derive(Clone, Debug, Default)]
pub(super) struct Arguments<'a> {
    values: Vec<&'a RawValue>,
}

impl<'a> Arguments<'a> {
    /// The parameters of a request for a method that takes at most `limit`.
    ///
    /// # Errors
    /// Not an array, or too many.
    pub(super) fn parse(params: &'a Params<'_>, limit: usize) -> Result<Self, RpcError> {
        let Some(text) = params.as_str() else {
            return Ok(Self::default());
        };
        let values: Option<Vec<&RawValue>> =
            serde_json::from_str(text).map_err(|_| RpcError::invalid("non-array args"))?;
        let values = values.unwrap_or_default();
        if values.len() > limit {
            return Err(RpcError::invalid(format!(
                "too many arguments, want at most {limit}"
            )));
        }
        Ok(Self { values })
    }

    /// The parameter at `index`, called `name`.
    ///
    /// # Errors
    /// It is missing, or of another type.
    pub(super) fn required<T: Deserialize<'a>>(
        &self,
        index: usize,
        name: &str,
    ) -> Result<T, RpcError> {
        self.optional(index, name)?.ok_or_else(|| {
            RpcError::invalid(format!(
                "missing value for required argument {index} ({name})"
            ))
        })
    }

    /// The parameter at `index`, called `name`, if present.
    ///
    /// # Errors
    /// It is of another type.
    pub(super) fn optional<T: Deserialize<'a>>(
        &self,
        index: usize,
        name: &str,
    ) -> Result<Option<T>, RpcError> {
        let Some(value) = self.values.get(index) else {
            return Ok(None);
        };
        serde_json::from_str(value.get()).map_err(|error| {
            let place = format!(" at line {} column {}", error.line(), error.column());
            let error = error.to_string();
            let error = error.strip_suffix(&place).unwrap_or(&error);
            RpcError::invalid(format!("invalid argument {index} ({name}): {error}"))
        })
    }

    /// The number at `index`, called `name`: a JSON number, or a hexadecimal or decimal string.
    ///
    /// # Errors
    /// It is missing, or not a number below 2^64.
    pub(super) fn number(&self, index: usize, name: &str) -> Result<u64, RpcError> {
        self.optional_number(index, name)?.ok_or_else(|| {
            RpcError::invalid(format!(
                "missing value for required argument {index} ({name})"
            ))
        })
    }

    /// As [`Self::number`], if present.
    ///
    /// # Errors
    /// It is not a number below 2^64.
    pub(super) fn optional_number(
        &self,
        index: usize,
        name: &str,
    ) -> Result<Option<u64>, RpcError> {
        match self.optional(index, name)? {
            None => Ok(None),
            Some(value) => number(&value).map(Some).ok_or_else(|| {
                RpcError::invalid(format!(
                    "invalid argument {index} ({name}): not a number below 2^64"
                ))
            }),
        }
    }
}

/// The parameters of a request that outlives the call of its method.
#[derive(Debug)]
pub(super) struct Owned {
    params: Params<'static>,
    limit: usize,
}

impl Owned {
    /// The parameters of a request for a method that takes at most `limit`.
    pub(super) const fn new(params: Params<'static>, limit: usize) -> Self {
        Self { params, limit }
    }

    /// # Errors
    /// As [`Arguments::parse`].
    pub(super) fn arguments(&self) -> Result<Arguments<'_>, RpcError> {
        Arguments::parse(&self.params, self.limit)
    }
}

/// The number in a JSON number, or in a hexadecimal or decimal string.
pub(super) fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(text: &'static str) -> Params<'static> {
        Params::new(Some(text))
    }

    fn refused(text: &'static str) -> String {
        Arguments::parse(&params(text), 2).unwrap_err().to_string()
    }

    #[test]
    fn numbers_come_in_three_spellings() {
        let params = params(r#"["0x10", 16]"#);
        let arguments = Arguments::parse(&params, 2).unwrap();
        assert_eq!(arguments.number(0, "n").unwrap(), 16);
        assert_eq!(arguments.number(1, "n").unwrap(), 16);
        assert_eq!(number(&Value::from("16")), Some(16));
    }

    #[test]
    fn what_is_wrong_is_said_by_position_and_name() {
        let params = params(r#"["zebra", {"a": 1}]"#);
        let arguments = Arguments::parse(&params, 2).unwrap();
        let wrong = arguments.number(0, "seconds").unwrap_err().to_string();
        assert_eq!(
            wrong,
            "invalid argument 0 (seconds): not a number below 2^64 (-32602)"
        );
        let wrong = arguments.required::<bool>(1, "on").unwrap_err().to_string();
        assert_eq!(
            wrong,
            "invalid argument 1 (on): invalid type: map, expected a boolean (-32602)"
        );
        let missing = arguments.required::<String>(2, "tag").unwrap_err();
        assert_eq!(
            missing.to_string(),
            "missing value for required argument 2 (tag) (-32602)"
        );
        assert_eq!(
            refused("[1, 2, 3]"),
            "too many arguments, want at most 2 (-32602)"
        );
        assert_eq!(refused(r#"{"a": 1}"#), "non-array args (-32602)");
    }

    #[test]
    fn no_parameters_are_an_empty_list() {
        for text in [None, Some("null"), Some("[]")] {
            let params = Params::new(text);
            assert!(Arguments::parse(&params, 0).unwrap().values.is_empty());
        }
        let params = params("[null]");
        let arguments = Arguments::parse(&params, 1).unwrap();
        assert_eq!(arguments.optional_number(0, "n").unwrap(), None);
    }
}
