//! The first line of a table that a person saved: what separates its columns, and which column is which.
//!
//! Names are compared ignoring case, spaces and hyphens. Where the file leaves something open and is still accepted,
//! that is an [`Assumption`], which is reported.

use std::fmt;

use ::csv::{ReaderBuilder, StringRecord, Trim};

use super::text::Encoding;

/// The separators of columns, the likeliest first.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// How spreadsheets state the separator in a separate line.
const SAYS: &str = "sep=";

/// The columns that a table may have.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    /// These are required.
    pub needed: &'static [&'static str],
    /// These are optional.
    pub optional: &'static [&'static str],
    /// Whether any other column is skipped or refused.
    pub others: bool,
}

impl Columns {
    fn known(&self, name: &str) -> Option<&'static str> {
        let known = self.needed.iter().chain(self.optional);
        known.copied().find(|known| *known == name)
    }
}

/// What was assumed about a table that it does not say itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Assumption {
    /// Its encoding, with a cell that shows whether that is right, and the cell's line.
    Encoding(Encoding, Option<(u64, String)>),
    /// What separates its columns.
    Separator(char),
    /// Headings that are written differently from the columns' names.
    Headings(Vec<(String, String)>),
    /// Columns that are not read.
    Unread(Vec<String>),
    /// Rows of empty cells: how many, and the line of the first.
    Empty(u64, u64),
    /// Something that the reader of the columns accepted in an unusual form.
    Other(String),
}

impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encoding(encoding, None) => write!(f, "the file is read as {encoding}"),
            Self::Encoding(encoding, Some((line, cell))) => write!(
                f,
                "the file is read as {encoding}, so line {line} says \"{cell}\"; if that is wrong, save it as \"CSV UTF-8\""
            ),
            Self::Separator('\t') => f.write_str("columns are separated by tabs"),
            Self::Separator(mark) => write!(f, "columns are separated by '{mark}'"),
            Self::Headings(pairs) => {
                let pairs = pairs
                    .iter()
                    .map(|(found, name)| format!("\"{found}\" is {name}"));
                write!(f, "headings: {}", pairs.collect::<Vec<_>>().join(", "))
            }
            Self::Unread(names) => write!(f, "columns that are not read: {}", names.join(", ")),
            Self::Empty(1, line) => write!(f, "line {line} is empty and was skipped"),
            Self::Empty(count, line) => {
                write!(
                    f,
                    "{count} empty rows were skipped, the first in line {line}"
                )
            }
            Self::Other(words) => f.write_str(words),
        }
    }
}

/// Why a first line is not a heading.
#[derive(Debug, thiserror::Error)]
pub enum HeadingError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// There is no heading.
    #[error("the file is empty: expected a heading with {0}")]
    Empty(String),
    /// Columns are missing.
    #[error("{}: the heading needs {wanted} and has {found}{}", missing(.names), elsewhere(*.at))]
    Missing {
        /// The missing columns.
        names: Vec<&'static str>,
        /// All that are required.
        wanted: String,
        /// What the heading has.
        found: String,
        /// A later line that has them all: there is something above the heading.
        at: Option<u64>,
    },
    /// Two columns have one name.
    #[error("columns {first} and {second} are both called {name}: leave one out")]
    Twice {
        /// The name.
        name: String,
        /// From 1.
        first: usize,
        /// From 1.
        second: usize,
    },
    /// A column that is not known.
    #[error("column {name:?} is unknown: the heading needs {wanted}")]
    Unknown {
        /// The column.
        name: String,
        /// All that are required.
        wanted: String,
    },
}

fn missing(names: &[&str]) -> String {
    match names {
        [name] => format!("column {name} is missing"),
        _ => format!("columns {} are missing", names.join(", ")),
    }
}

fn elsewhere(at: Option<u64>) -> String {
    at.map_or_else(String::new, |line| {
        format!("; line {line} is the heading: remove the lines above it")
    })
}

/// The column separator, from the beginning of a file, and whether a separate line states it.
pub(super) fn separator(beginning: &str, columns: &Columns) -> (u8, bool) {
    let mut lines = beginning.lines().filter(|line| !line.trim().is_empty());
    let first = lines.next().unwrap_or_default();
    if let Some(said) = first.strip_prefix(SAYS)
        && let [mark] = said.as_bytes()
        && mark.is_ascii()
    {
        return (*mark, true);
    }
    let score = |mark: &u8| {
        let cells = split(first, *mark);
        let known = cells
            .iter()
            .filter(|cell| columns.known(&plain(cell)).is_some());
        (known.count(), cells.len())
    };
    // The first of several that are equally good.
    let best = SEPARATORS.iter().rev().max_by_key(|mark| score(mark));
    (best.copied().unwrap_or(b','), false)
}

fn split(line: &str, mark: u8) -> StringRecord {
    let mut reader = ReaderBuilder::new()
        .delimiter(mark)
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .from_reader(line.as_bytes());
    let mut record = StringRecord::new();
    // A line whose quotes do not end is one cell.
    let _ = reader.read_record(&mut record);
    record
}

/// A heading in the form of column names: lower case, with one underscore in place of other characters.
fn plain(heading: &str) -> String {
    let words = heading
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_").to_lowercase()
}

/// A heading that was read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Heading {
    /// Each column's known name, else its heading as written.
    pub(super) names: StringRecord,
    /// What was assumed.
    pub(super) assumed: Vec<Assumption>,
}

impl Heading {
    /// Finds the columns in a first line.
    ///
    /// # Errors
    /// `Twice`, `Missing`, `Unknown`.
    pub(super) fn of(record: &StringRecord, columns: &Columns) -> Result<Self, HeadingError> {
        let mut names = StringRecord::new();
        let (mut renamed, mut unread) = (Vec::new(), Vec::new());
        for (place, cell) in record.iter().enumerate() {
            let known = columns.known(&plain(cell));
            let name = known.unwrap_or(cell);
            if let Some(first) = names
                .iter()
                .position(|earlier| earlier == name && !name.is_empty())
            {
                return Err(HeadingError::Twice {
                    name: name.to_owned(),
                    first: first + 1,
                    second: place + 1,
                });
            }
            if known.is_some() && name != cell {
                renamed.push((cell.to_owned(), name.to_owned()));
            }
            if known.is_none() && !cell.is_empty() {
                unread.push(cell.to_owned());
            }
            names.push_field(name);
        }
        let absent = columns.needed.iter().copied();
        let absent: Vec<_> = absent
            .filter(|name| !names.iter().any(|one| one == *name))
            .collect();
        if !absent.is_empty() {
            return Err(HeadingError::Missing {
                names: absent,
                wanted: columns.needed.join(","),
                found: record.iter().collect::<Vec<_>>().join(","),
                at: None,
            });
        }
        if let Some(name) = unread.first().filter(|_| !columns.others) {
            return Err(HeadingError::Unknown {
                name: name.clone(),
                wanted: columns.needed.join(","),
            });
        }
        let mut assumed = Vec::new();
        if !renamed.is_empty() {
            assumed.push(Assumption::Headings(renamed));
        }
        if !unread.is_empty() {
            assumed.push(Assumption::Unread(unread));
        }
        Ok(Self { names, assumed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: Columns = Columns {
        needed: &["wallet", "kyc_expiry"],
        optional: &["holding"],
        others: true,
    };

    fn heading(line: &str) -> Result<Heading, HeadingError> {
        Heading::of(&split(line, b','), &COLUMNS)
    }

    #[test]
    fn the_separator_is_the_one_under_which_the_most_columns_are_known() {
        for (text, found) in [
            ("wallet,kyc_expiry\n", b','),
            ("wallet;kyc_expiry\n", b';'),
            ("Wallet\tKYC expiry\tof, whom\n", b'\t'),
            ("wallet|kyc_expiry", b'|'),
            ("\"a,b,c,d\";wallet;kyc_expiry\n", b';'),
            ("\n\nwallet;kyc_expiry\n", b';'),
            ("wallet\n", b','),
            ("", b','),
        ] {
            assert_eq!(separator(text, &COLUMNS), (found, false), "{text:?}");
        }
        assert_eq!(separator("sep=;\r\nwallet;x\r\n", &COLUMNS), (b';', true));
    }

    #[test]
    fn headings_are_known_whatever_their_capitals_spaces_and_hyphens() {
        let found = heading("Wallet, KYC-Expiry ,Holding,e-mail").unwrap();
        assert_eq!(
            found.names,
            vec!["wallet", "kyc_expiry", "holding", "e-mail"]
        );
        let said: Vec<_> = found.assumed.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "headings: \"Wallet\" is wallet, \"KYC-Expiry\" is kyc_expiry, \"Holding\" is holding",
                "columns that are not read: e-mail"
            ]
        );
        assert_eq!(heading("wallet,kyc_expiry").unwrap().assumed, []);
    }

    #[test]
    fn a_column_that_is_missing_twice_or_unknown_is_named() {
        let said = |line| heading(line).unwrap_err().to_string();
        assert_eq!(
            said("wallet,holding"),
            "column kyc_expiry is missing: the heading needs wallet,kyc_expiry and has wallet,holding"
        );
        assert!(said("a,b").starts_with("columns wallet, kyc_expiry are missing"));
        assert_eq!(
            said("wallet,kyc_expiry,Wallet"),
            "columns 1 and 3 are both called wallet: leave one out"
        );
        let strict = Columns {
            others: false,
            ..COLUMNS
        };
        let refused = Heading::of(&split("wallet,kyc_expiry,colour", b','), &strict);
        let refused = refused.unwrap_err().to_string();
        assert!(
            refused.starts_with("column \"colour\" is unknown"),
            "{refused}"
        );
    }
}
