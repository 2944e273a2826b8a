//! International Securities Identification Numbers (ISO 6166).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A well-formed ISIN: two letters, nine letters or digits, one Luhn check digit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Isin([u8; 12]);

/// Why a text is not an ISIN.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IsinError {
    /// The text is not two capital letters, nine capital letters or digits, and a digit.
    #[error("ISIN {0:?} is malformed: write 2 capital letters, 9 letters or digits and 1 digit")]
    Shape(String),
    /// The last digit is not the Luhn check digit of the others.
    #[error(
        "ISIN {isin} ends in check digit {found}, but its other characters give {wanted}: check every character"
    )]
    CheckDigit {
        /// The text as given.
        isin: String,
        /// The digit it ends in.
        found: u8,
        /// The digit it should end in.
        wanted: u8,
    },
}

impl Isin {
    /// The twelve characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The Luhn digit over the decimal expansion of `body` (letters count 10 to 35).
fn check_digit(body: &[u8]) -> u8 {
    let mut sum = 0u32;
    let mut double = true;
    let mut digit = |value: u32| {
        let weighted = if double { value * 2 } else { value };
        sum += weighted / 10 + weighted % 10;
        double = !double;
    };
    for &c in body.iter().rev() {
        if c.is_ascii_digit() {
            digit(u32::from(c - b'0'));
        } else {
            let value = u32::from(c - b'A') + 10;
            digit(value % 10);
            digit(value / 10);
        }
    }
    ((10 - sum % 10) % 10) as u8
}

impl FromStr for Isin {
    type Err = IsinError;

    fn from_str(text: &str) -> Result<Self, IsinError> {
        let shape = || IsinError::Shape(text.to_owned());
        let bytes: [u8; 12] = text.as_bytes().try_into().map_err(|_| shape())?;
        let alnum = |c: &u8| c.is_ascii_uppercase() || c.is_ascii_digit();
        if !bytes[..2].iter().all(u8::is_ascii_uppercase)
            || !bytes[2..11].iter().all(alnum)
            || !bytes[11].is_ascii_digit()
        {
            return Err(shape());
        }
        let (found, wanted) = (bytes[11] - b'0', check_digit(&bytes[..11]));
        if found == wanted {
            Ok(Self(bytes))
        } else {
            Err(IsinError::CheckDigit {
                isin: text.to_owned(),
                found,
                wanted,
            })
        }
    }
}

impl TryFrom<String> for Isin {
    type Error = IsinError;

    fn try_from(text: String) -> Result<Self, IsinError> {
        text.parse()
    }
}

impl From<Isin> for String {
    fn from(isin: Isin) -> Self {
        isin.as_str().to_owned()
    }
}

impl fmt::Display for Isin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Isin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Isin({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn published_isins_are_accepted() {
        for isin in [
            "US0378331005",
            "US5949181045",
            "DE0007164600",
            "GB0002634946",
            "JP3633400001",
        ] {
            assert_eq!(isin.parse::<Isin>().unwrap().to_string(), isin);
        }
    }

    #[test]
    fn a_wrong_check_digit_is_named_with_the_right_one() {
        assert_eq!(
            "US0378331004".parse::<Isin>(),
            Err(IsinError::CheckDigit {
                isin: "US0378331004".into(),
                found: 4,
                wanted: 5
            })
        );
    }

    #[test]
    fn other_shapes_are_refused() {
        for text in [
            "",
            "US037833100",
            "us0378331005",
            "U50378331005",
            "US03783310055",
            "US037833100X",
            "ÜS037833100",
        ] {
            assert_eq!(text.parse::<Isin>(), Err(IsinError::Shape(text.into())));
        }
    }

    proptest! {
        #[test]
        fn every_single_digit_error_is_refused(place in 2usize..12, digit in 0u8..10) {
            let mut bytes = *b"US0378331005";
            prop_assume!(bytes[place] != b'0' + digit);
            bytes[place] = b'0' + digit;
            prop_assert!(std::str::from_utf8(&bytes).unwrap().parse::<Isin>().is_err());
        }
    }
}
