//! Legal Entity Identifiers (ISO 17442).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A well-formed LEI: eighteen letters or digits and two ISO 7064 mod 97-10 check digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Lei([u8; 20]);

/// Why a text is not an LEI.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LeiError {
    /// The text is not eighteen capital letters or digits and two digits.
    #[error("LEI {0:?} is malformed: write 18 capital letters or digits and 2 digits")]
    Shape(String),
    /// The two check digits do not belong to the other characters.
    #[error(
        "LEI {lei} ends in {found:02}, but its other characters give {wanted:02}: check every character"
    )]
    CheckDigits {
        /// The text as given.
        lei: String,
        /// The number it ends in.
        found: u8,
        /// The number it should end in.
        wanted: u8,
    },
}

impl Lei {
    /// The twenty characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The remainder modulo 97 of the decimal expansion (letters count 10 to 35).
fn mod_97(text: &[u8]) -> u8 {
    let digit = |rest: u16, digit: u8| (rest * 10 + u16::from(digit)) % 97;
    let rest = text.iter().fold(0, |rest, &c| {
        if c.is_ascii_digit() {
            digit(rest, c - b'0')
        } else {
            let value = c - b'A' + 10;
            digit(digit(rest, value / 10), value % 10)
        }
    });
    u8::try_from(rest).unwrap_or_default()
}

impl FromStr for Lei {
    type Err = LeiError;

    fn from_str(text: &str) -> Result<Self, LeiError> {
        let shape = || LeiError::Shape(text.to_owned());
        let bytes: [u8; 20] = text.as_bytes().try_into().map_err(|_| shape())?;
        let alnum = |c: &u8| c.is_ascii_uppercase() || c.is_ascii_digit();
        if !bytes[..18].iter().all(alnum) || !bytes[18..].iter().all(u8::is_ascii_digit) {
            return Err(shape());
        }
        let found = (bytes[18] - b'0') * 10 + (bytes[19] - b'0');
        // Two zeros after the eighteen characters stand for the check digits.
        let zeros = [&bytes[..18], b"00"].concat();
        let wanted = 98 - mod_97(&zeros);
        if found == wanted {
            Ok(Self(bytes))
        } else {
            Err(LeiError::CheckDigits {
                lei: text.to_owned(),
                found,
                wanted,
            })
        }
    }
}

impl TryFrom<String> for Lei {
    type Error = LeiError;

    fn try_from(text: String) -> Result<Self, LeiError> {
        text.parse()
    }
}

impl From<Lei> for String {
    fn from(lei: Lei) -> Self {
        lei.as_str().to_owned()
    }
}

impl fmt::Display for Lei {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Lei {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lei({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_leis_are_accepted() {
        for lei in [
            "5493001KJTIIGC8Y1R12",
            "HWUPKR0MPOU8FGXBT394",
            "7LTWFZYICNSX8D621K86",
        ] {
            assert_eq!(lei.parse::<Lei>().unwrap().to_string(), lei);
        }
    }

    #[test]
    fn wrong_check_digits_are_named_with_the_right_ones() {
        assert_eq!(
            "5493001KJTIIGC8Y1R13".parse::<Lei>(),
            Err(LeiError::CheckDigits {
                lei: "5493001KJTIIGC8Y1R13".into(),
                found: 13,
                wanted: 12
            })
        );
    }

    #[test]
    fn other_shapes_are_refused() {
        for text in [
            "",
            "5493001KJTIIGC8Y1R1",
            "5493001kjtiigc8y1r12",
            "5493001KJTIIGC8Y1RAB",
        ] {
            assert_eq!(text.parse::<Lei>(), Err(LeiError::Shape(text.into())));
        }
    }
}
