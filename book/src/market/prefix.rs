//! Ids by their first digits: as people type them, and as tables shorten them.

use std::fmt;

use alloy::primitives::B256;
use uuid::Uuid;

/// Candidates that an ambiguous id names.
pub(crate) const NAMED: usize = 5;

/// The 32-byte ids that begin with some digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    /// The first of them.
    pub low: B256,
    /// The last of them.
    pub high: B256,
}

impl Prefix {
    /// Reads 1 to 64 hexadecimal digits, with or without `0x`; the `…` with which a table shortens an id may follow.
    /// `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = bare(text);
        let digits = digits.strip_prefix("0x").unwrap_or(&digits);
        if !is_hexadecimal(digits, 64) {
            return None;
        }
        Some(Self {
            low: format!("{digits:0<64}").parse().ok()?,
            high: format!("{digits:f<64}").parse().ok()?,
        })
    }

    /// Whether an id begins with these digits.
    pub fn fits(&self, id: B256) -> bool {
        (self.low..=self.high).contains(&id)
    }
}

/// Digits of a match's id: its beginning or, as tables show it, its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MatchDigits {
    /// The first and the last id with that beginning.
    pub(crate) range: (Uuid, Uuid),
    /// The ending of an id that ends with these digits.
    pub(crate) ending: String,
}

impl MatchDigits {
    /// Reads 1 to 32 hexadecimal digits, with or without the dashes; a `…` may come before or after them. `None` for
    /// anything else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let ending = bare(text);
        let digits = ending.replace('-', "");
        if !is_hexadecimal(&digits, 32) {
            return None;
        }
        Some(Self {
            range: (
                format!("{digits:0<32}").parse().ok()?,
                format!("{digits:f<32}").parse().ok()?,
            ),
            ending,
        })
    }
}

fn bare(text: &str) -> String {
    let bare = text.trim().trim_matches('…').trim_matches('.');
    bare.to_ascii_lowercase()
}

fn is_hexadecimal(digits: &str, most: usize) -> bool {
    (1..=most).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// Ids that match what was typed: the first few, and whether there are more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidates(Vec<String>);

impl Candidates {
    /// From ids, of which one more than [`NAMED`] is enough.
    pub fn of(ids: impl IntoIterator<Item = impl fmt::Display>) -> Self {
        Self(ids.into_iter().map(|id| id.to_string()).collect())
    }
}

impl fmt::Display for Candidates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = &self.0[..self.0.len().min(NAMED)];
        f.write_str(&named.join(", "))?;
        if self.0.len() > NAMED {
            f.write_str(" and more")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_an_order_name_the_ids_between_two() {
        let prefix = Prefix::parse("0xAB").unwrap();
        assert_eq!(prefix, Prefix::parse("ab…").unwrap());
        assert!(prefix.fits(format!("0xab{}", "0".repeat(62)).parse().unwrap()));
        assert!(prefix.fits(format!("0xab{}", "f".repeat(62)).parse().unwrap()));
        assert!(!prefix.fits(format!("0xac{}", "0".repeat(62)).parse().unwrap()));
        let whole = B256::repeat_byte(7);
        let parsed = Prefix::parse(&whole.to_string()).unwrap();
        assert_eq!((parsed.low, parsed.high), (whole, whole));
        for bad in ["", "0x", "…", "0xzz", "hrbr", &format!("{whole}0")] {
            assert_eq!(Prefix::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn digits_of_a_match_may_have_its_dashes_and_a_tables_dots() {
        let range = |text| MatchDigits::parse(text).unwrap().range;
        let wanted = (
            "0190f3c2-a000-0000-0000-000000000000".parse().unwrap(),
            "0190f3c2-afff-ffff-ffff-ffffffffffff".parse().unwrap(),
        );
        for text in ["0190f3c2-a", "0190F3C2A", "0190f3c2-a…"] {
            assert_eq!(range(text), wanted, "{text}");
        }
        assert_eq!(MatchDigits::parse("…1234abcd").unwrap().ending, "1234abcd");
        for bad in ["", "-", "0x12", "match", &"1".repeat(33)] {
            assert_eq!(MatchDigits::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn candidates_beyond_the_first_few_are_more() {
        assert_eq!(Candidates::of([1, 2]).to_string(), "1, 2");
        assert_eq!(Candidates::of(1..=6).to_string(), "1, 2, 3, 4, 5 and more");
    }
}
