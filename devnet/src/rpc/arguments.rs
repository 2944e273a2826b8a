//! The parameters of a request, taken by position.

use super::error::RpcError;
use jsonrpsee::types::Params;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Positional parameters. A `null`, and one that is not there, are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Arguments {
    values: Vec<Value>,
}

impl Arguments {
    /// The parameters of a request for a method that takes at most `limit`.
    ///
    /// # Errors
    /// Not an array, or too many.
    pub(super) fn parse(params: &Params<'_>, limit: usize) -> Result<Self, RpcError> {
        let Some(text) = params.as_str() else {
            return Ok(Self::default());
        };
        let values = match serde_json::from_str(text) {
            Ok(Value::Array(values)) => values,
            Ok(Value::Null) => Vec::new(),
            _ => return Err(RpcError::invalid("non-array args")),
        };
        if values.len() > limit {
            return Err(RpcError::invalid(format!(
                "too many arguments, want at most {limit}"
            )));
        }
        Ok(Self { values })
    }

    /// A single parameter.
    pub(super) fn of(value: Value) -> Self {
        Self {
            values: vec![value],
        }
    }

    /// The parameter at `index`, which is called `name`.
    ///
    /// # Errors
    /// It is missing, or no such thing.
    pub(super) fn required<T: DeserializeOwned>(
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

    /// The parameter at `index`, which is called `name`, if it is there.
    ///
    /// # Errors
    /// It is no such thing.
    pub(super) fn optional<T: DeserializeOwned>(
        &self,
        index: usize,
        name: &str,
    ) -> Result<Option<T>, RpcError> {
        match self.values.get(index) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => T::deserialize(value).map(Some).map_err(|error| {
                RpcError::invalid(format!("invalid argument {index} ({name}): {error}"))
            }),
        }
    }

    /// The number at `index`, which is called `name`: as JSON number, or as string, hexadecimal or decimal.
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

    /// As [`Self::number`], if it is there.
    ///
    /// # Errors
    /// It is not a number below 2^64.
    pub(super) fn optional_number(
        &self,
        index: usize,
        name: &str,
    ) -> Result<Option<u64>, RpcError> {
        let parsed = match self.values.get(index) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Number(number)) => number.as_u64(),
            Some(Value::String(text)) => match text.strip_prefix("0x") {
                Some(digits) => u64::from_str_radix(digits, 16).ok(),
                None => text.parse().ok(),
            },
            Some(_) => None,
        };
        let wrong = || {
            RpcError::invalid(format!(
                "invalid argument {index} ({name}): not a number below 2^64"
            ))
        };
        parsed.map(Some).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Arguments, RpcError> {
        Arguments::parse(&Params::new(Some(text)), 2)
    }

    #[test]
    fn numbers_come_in_three_spellings() {
        let arguments = parse(r#"["0x10", 16]"#).unwrap();
        assert_eq!(arguments.number(0, "n").unwrap(), 16);
        assert_eq!(arguments.number(1, "n").unwrap(), 16);
        assert_eq!(parse(r#"["16"]"#).unwrap().number(0, "n").unwrap(), 16);
    }

    #[test]
    fn what_is_wrong_is_said_by_position_and_name() {
        let arguments = parse(r#"["zebra"]"#).unwrap();
        let wrong = arguments.number(0, "seconds").unwrap_err().to_string();
        assert_eq!(
            wrong,
            "invalid argument 0 (seconds): not a number below 2^64 (-32602)"
        );
        let missing = arguments
            .required::<String>(1, "tag")
            .unwrap_err()
            .to_string();
        assert_eq!(
            missing,
            "missing value for required argument 1 (tag) (-32602)"
        );
        let many = parse("[1, 2, 3]").unwrap_err().to_string();
        assert_eq!(many, "too many arguments, want at most 2 (-32602)");
        let named = parse(r#"{"a": 1}"#).unwrap_err().to_string();
        assert_eq!(named, "non-array args (-32602)");
    }

    #[test]
    fn no_parameters_are_an_empty_list() {
        assert!(
            Arguments::parse(&Params::new(None), 0)
                .unwrap()
                .values
                .is_empty()
        );
        assert!(
            Arguments::parse(&Params::new(Some("null")), 0)
                .unwrap()
                .values
                .is_empty()
        );
    }
}
